//! Where the text of a setting begins and ends: quotes, words of a shell, plain text of YAML.

use std::borrow::Cow;

use super::assignments::Form;

/// What stands behind a name, by its bytes.
pub struct Behind {
    /// Where the value starts.
    pub value: usize,
    /// A `=` stands right before it.
    pub is_assigned: bool,
    /// Where the quote is that ends the value, if that is in quotes and one does.
    pub closes: Option<Option<usize>>,
}

impl Behind {
    /// `quote` stands right before the name.
    pub fn of(text: &[u8], quote: Option<char>) -> Self {
        let quote = quote.map(|quote| quote as u8);
        // Around a key alone.
        let is_closed = quote.is_some() && text.first() == quote.as_ref();
        let start = usize::from(is_closed);
        let signs = text[start..].iter();
        let signs = signs.take_while(|byte| b" \t+:=".contains(byte)).count();
        let value = start + signs;
        let opened = text
            .get(value)
            .copied()
            .filter(|byte| b"\"'".contains(byte));
        let quote = opened.or(quote.filter(|_| !is_closed));
        let inner = value + usize::from(opened.is_some());
        let closes = quote.filter(|_| signs > 0).map(|quote| {
            let mut is_escaped = false;
            let mut inside = text[inner..].iter();
            let close = inside.position(|&byte| {
                let closes = byte == quote && !is_escaped;
                is_escaped = byte == b'\\' && quote == b'"' && !is_escaped;
                closes
            });
            close.map(|close| inner + close)
        });
        Behind {
            value,
            is_assigned: signs > 0 && text[value - 1] == b'=',
            closes,
        }
    }
}

/// Where quotes were opened that are still open at the end, and whether it is a comment.
pub fn read_quotes(before: &str, form: Form) -> (Option<usize>, bool) {
    let start = before.trim_start();
    let is_remark = start.starts_with('#') || (form != Form::Shell && start.starts_with([';']));
    if is_remark || (form == Form::Data && start.starts_with("//")) {
        return (None, true);
    }
    let mut open: Option<(char, usize)> = None;
    let mut last = ' ';
    let mut letters = before.char_indices();
    while let Some((at, letter)) = letters.next() {
        match (letter, open) {
            ('\\', None | Some(('"', _))) => drop(letters.next()),
            ('"' | '\'', Some((quote, _))) if letter == quote => open = None,
            // Not the apostrophe of a word.
            ('"' | '\'', None) if !last.is_alphanumeric() => open = Some((letter, at + 1)),
            ('#', None) if last.is_whitespace() => return (None, true),
            _ => {}
        }
        last = letter;
    }
    (open.map(|(_, from)| from), false)
}

/// To the quote that ends it.
pub fn quoted(text: &str, quote: char) -> String {
    let mut value = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if quote == '"' => value.extend(letters.next()),
            _ if letter == quote => break,
            _ => value.push(letter),
        }
    }
    value
}

/// One word as a shell reads it, within quotes that were opened before it.
pub fn shell_word(text: &str, outer: Option<char>) -> String {
    let mut word = String::new();
    let mut quote = None;
    // Of commands whose output is a part of it: `$(…)`.
    let mut depth = 0;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            ('\\', None | Some('"')) => match letters.next() {
                // A quote within quotes.
                Some(inner) if Some(inner) == outer => {
                    quote = if quote.is_none() { Some(inner) } else { None };
                }
                escaped => word.extend(escaped),
            },
            (_, Some(open)) if letter == open => quote = None,
            (_, Some(_)) => word.push(letter),
            (_, None) if Some(letter) == outer => break,
            ('"' | '\'', None) => quote = Some(letter),
            ('(', None) if depth > 0 || word.ends_with('$') => {
                depth += 1;
                word.push(letter);
            }
            (')', None) if depth > 0 => {
                depth -= 1;
                word.push(letter);
            }
            (_, None) if depth > 0 => word.push(letter),
            (';' | '&' | '|' | ')' | '`', None) => break,
            (_, None) if letter.is_whitespace() => break,
            _ => word.push(letter),
        }
    }
    word
}

/// Without what the variable was before: `$NAME`, `${NAME}`, `${NAME:+$NAME:}`. A default for it stays.
pub fn without_itself<'v>(value: &'v str, name: &str) -> Cow<'v, str> {
    let mut value = Cow::Borrowed(value);
    // An expansion may have one within it.
    for _ in 0..2 {
        let plain = value.replace(&format!("${name}"), "");
        let mut rest = plain.as_str();
        let mut kept = String::with_capacity(plain.len());
        while let Some((before, inner)) = rest.split_once(&format!("${{{name}")) {
            kept += before;
            let (inner, after) = inner.split_once('}').unwrap_or((inner, ""));
            kept += inner.trim_start_matches([':', '-', '+', '=', '?']);
            rest = after;
        }
        value = Cow::Owned(kept + rest);
    }
    value
}

pub fn without_end(plain: &str) -> String {
    let plain = plain.trim().trim_end_matches([',', '\\']);
    plain.trim_end().to_owned()
}

/// Whether a line of YAML is text, and no key, item or remark.
pub fn is_plain_text(line: &str) -> bool {
    let is_item = line == "-" || line.starts_with("- ");
    let is_text = !is_item
        && !line.is_empty()
        && !line.starts_with(['{', '[', '}', ']', '#'])
        && !line.contains(": ")
        && !line.ends_with(':');
    is_text || line.starts_with("--")
}
