//! Names and their values: what stands before a value says what it is.
//!
//! One reader for all notations, going backward from the value: `name = "value"`, `"name": "value"`,
//! `name: value`, `<name>value</name>`, `--name value`, `ENV NAME value`, `'name' => 'value'`,
//! `define('NAME', 'value')`, `const name: string = "value"`, `["name"] = "value"`, and pairs of
//! `"name": "NAME", "value": "value"`.

use std::ops::Deref;
use std::sync::OnceLock;

use regex::bytes::Regex;

/// How far before a value its name is looked for.
const REACH: usize = 200;
const NAME: usize = 64;
/// How long a value may be that has its name behind it.
const VALUE: usize = 2000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `=`, `:=`, `=>`
    Equals,
    Colon,
    /// The end of a tag of XML.
    Tag,
    /// A call: of its name, or with the name as its first argument.
    Call,
    /// A space alone, as on command lines.
    Space,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Assignment {
    pub name: Name,
    pub operator: Operator,
    pub quote: Option<u8>,
    /// Where the name begins.
    pub start: usize,
}

/// The letters and digits of a name, in lower case. Most values that are looked at have one, so it takes no memory of
/// its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name {
    bytes: [u8; NAME],
    length: usize,
}

impl Name {
    pub fn of(written: &[u8]) -> Self {
        let mut name = Name {
            bytes: [0; NAME],
            length: 0,
        };
        let kept = written.iter().filter(|b| b.is_ascii_alphanumeric());
        for (to, from) in name.bytes.iter_mut().zip(kept) {
            *to = from.to_ascii_lowercase();
            name.length += 1;
        }
        name
    }
}

impl Deref for Name {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// The assignment of the value that begins at `value`, behind its quote.
pub fn before(bytes: &[u8], value: usize) -> Option<Assignment> {
    let mut back = Back::new(bytes, value);
    let mut quote = back.quote();
    let mut blank = back.blank();
    if blank && back.scheme() {
        quote = quote.or(back.quote());
        blank = back.blank();
    }
    let operator = back.operator(blank)?;
    back.blank();
    let after_name = back.at;
    let closed = back.closers();
    if operator == Operator::Call && bytes[after_name] == b',' && !closed {
        return None;
    }
    let name = if operator == Operator::Tag {
        back.tag()?
    } else {
        back.name(operator)?
    };
    // `define("NAME", "value")`, and no list of strings.
    if operator == Operator::Call && bytes[after_name] == b',' && !back.begins_arguments() {
        return None;
    }
    let mut assignment = Assignment {
        name: Name::of(name),
        operator,
        quote,
        start: back.at,
    };
    if operator == Operator::Equals && is_type(&assignment.name) {
        if let Some(name) = back.annotated() {
            assignment.name = Name::of(name);
        }
    } else if is_value_word(&assignment.name) {
        let name = pair_before(&bytes[back.at.saturating_sub(REACH)..back.at]);
        if let Some(name) = name.or_else(|| pair_behind(&bytes[value..], quote)) {
            assignment.name = Name::of(name);
        }
    }
    (assignment.name.len() >= 2).then_some(assignment)
}

/// Where the value begins that follows a name with something in `at` of it.
pub fn value_after(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..bytes.len().min(at + REACH))?;
    let mut next = skip(rest, 0, is_name_byte, NAME);
    let closers = |b: u8| matches!(b, b'"' | b'\'' | b'`' | b'\\' | b']');
    let closed = skip(rest, next, closers, 4);
    let quoted = closed > next;
    next = skip(rest, closed, is_blank, 40);
    if rest.get(next) == Some(&b':') {
        // A type may stand between: `name: string = `.
        let type_end = skip(
            rest,
            next + 1,
            |b| b.is_ascii_alphanumeric() || b" &?[]'_.".contains(&b),
            40,
        );
        if rest.get(type_end) == Some(&b'=') && rest.get(type_end + 1) != Some(&b'=') && !quoted {
            next = type_end;
        }
    }
    let operator = next;
    next = match rest.get(next)? {
        b'=' | b':' => skip(rest, next, |b| matches!(b, b'=' | b':' | b'>'), 3),
        b',' if quoted => next + 1,
        b'|' | b'?' if rest.get(next + 1) == rest.get(next) => next + 2,
        b'(' | b'>' => next + 1,
        _ if next > closed => next,
        _ => return None,
    };
    // `name: "value"` may go on in the next line; a list may not.
    next = skip(rest, next, is_blank, 40);
    let prefix = skip(rest, next, |b| b"rbfuL@$".contains(&b), 2);
    let quotes = skip(rest, prefix, |b| b == b'\\', 3);
    if let Some(&quote) = rest.get(quotes).filter(|b| b"\"'`".contains(b)) {
        let three = rest[quotes..].starts_with(&[quote; 3]);
        next = quotes + if three { 3 } else { 1 };
    } else if rest.get(operator) == Some(&b',') {
        return None;
    }
    (next < rest.len()).then_some(at + next)
}

/// Where the value begins that is paired with a name with something in `at` of it: `"name": "NAME", "value": "…"`, in
/// either order, `key="NAME" value="…"`, `<key>NAME</key><string>…`.
pub fn paired_value(bytes: &[u8], at: usize) -> Option<usize> {
    let mut back = Back::new(bytes, at);
    back.skip(is_name_byte);
    back.quote();
    back.blank();
    let operator = back.operator(false)?;
    back.closers();
    let key = match operator {
        Operator::Tag => back.tag()?,
        _ => back.name(operator)?,
    };
    // Of `<add key=`, the last word.
    let word = key.rsplit(|b| *b == b' ').next().unwrap_or(key);
    if !matches!(&*Name::of(word), b"name" | b"key" | b"parameterkey") {
        return None;
    }
    let braces = |b: &u8| matches!(b, b'{' | b'}');
    let behind = &bytes[at..bytes.len().min(at + REACH)];
    let behind = &behind[..behind.iter().position(braces).unwrap_or(behind.len())];
    if let Some(word) = memchr::memmem::find(behind, b"<string>") {
        return Some(at + word + b"<string>".len());
    }
    let next_item = memchr::memmem::find(behind, b"\n- ").unwrap_or(behind.len());
    if let Some(word) = memchr::memmem::find(&behind[..next_item], b"alue") {
        return value_after(bytes, at + word);
    }
    let before = &bytes[back.least..back.at];
    let object = before.iter().rposition(braces).map_or(0, |at| at + 1);
    let word = memchr::memmem::rfind(&before[object..], b"alue")?;
    value_after(bytes, back.least + object + word)
}

fn skip(bytes: &[u8], from: usize, is: impl Fn(u8) -> bool, most: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    from + rest.iter().take(most).take_while(|&&b| is(b)).count()
}

/// Goes backward through a text.
#[derive(Clone, Copy)]
pub struct Back<'b> {
    bytes: &'b [u8],
    at: usize,
    least: usize,
}

impl<'b> Back<'b> {
    pub fn new(bytes: &'b [u8], at: usize) -> Self {
        Back {
            bytes,
            at,
            least: at.saturating_sub(REACH),
        }
    }

    pub fn at(&self) -> usize {
        self.at
    }

    fn peek(&self) -> Option<u8> {
        (self.at > self.least).then(|| self.bytes[self.at - 1])
    }

    pub fn skip(&mut self, is: impl Fn(u8) -> bool) -> bool {
        let from = self.at;
        while self.peek().is_some_and(&is) {
            self.at -= 1;
        }
        self.at < from
    }

    fn blank(&mut self) -> bool {
        self.skip(is_blank)
    }

    /// The quote that opens the value, with what languages put before it.
    fn quote(&mut self) -> Option<u8> {
        let quote = self.peek().filter(|b| b"\"'`".contains(b))?;
        // Three of them in Python.
        self.skip(|b| b == quote);
        self.skip(|b| b == b'\\');
        let at = self.at;
        if self.skip(|b| b"rbfuL@$".contains(&b)) && self.peek().is_some_and(is_name_byte) {
            self.at = at;
        }
        Some(quote)
    }

    /// The word before a credential of HTTP.
    fn scheme(&mut self) -> bool {
        let before = &self.bytes[self.least..self.at];
        for scheme in [
            "bearer", "token", "basic", "apikey", "api-key", "bot", "key",
        ] {
            let Some(start) = before.len().checked_sub(scheme.len()) else {
                continue;
            };
            let opened = start.checked_sub(1).and_then(|i| before.get(i));
            if before[start..].eq_ignore_ascii_case(scheme.as_bytes())
                && opened.is_some_and(|b| b" \"'`:=".contains(b))
            {
                self.at -= scheme.len();
                self.quote();
                self.blank();
                // `token: Bearer …` has an operator before it, `--token …` has not.
                return self.peek().is_some_and(|b| b":=,".contains(&b)) || {
                    self.at = self.least + before.len();
                    false
                };
            }
        }
        false
    }

    fn operator(&mut self, blank: bool) -> Option<Operator> {
        match self.peek()? {
            b'=' => {
                self.skip(|b| b":=+?!".contains(&b));
                Some(Operator::Equals)
            }
            b':' => {
                self.at -= 1;
                Some(Operator::Colon)
            }
            b'>' => {
                self.at -= 1;
                if self.skip(|b| b == b'=') {
                    return Some(Operator::Equals);
                }
                Some(Operator::Tag)
            }
            b',' | b'(' => {
                self.at -= 1;
                Some(Operator::Call)
            }
            // `process.env.NAME || "value"`, `NAME ?? "value"`.
            b'|' | b'?' => {
                let mark = self.bytes[self.at - 1];
                let from = self.at;
                self.skip(|b| b == mark);
                (from - self.at == 2).then_some(Operator::Equals)
            }
            _ if blank => Some(Operator::Space),
            _ => None,
        }
    }

    /// What closes a name: `"]`, `\"`.
    pub fn closers(&mut self) -> bool {
        self.skip(|b| b"\"'`\\])".contains(&b))
    }

    /// Whether the name just passed is the first argument of a call.
    fn begins_arguments(mut self) -> bool {
        self.quote();
        self.blank();
        self.peek() == Some(b'(')
    }

    fn name(&mut self, operator: Operator) -> Option<&'b [u8]> {
        let end = self.at;
        let least = self.least.max(end.saturating_sub(NAME));
        let spaces = matches!(operator, Operator::Equals | Operator::Colon);
        while self.at > least {
            let b = self.bytes[self.at - 1];
            let fits = is_name_byte(b) || (spaces && b == b' ');
            if !fits {
                break;
            }
            self.at -= 1;
        }
        // The margin of a line, and the mark of a list in it, are no part of it.
        let written = &self.bytes[self.at..end];
        let name = written.trim_ascii_start();
        let name = name.strip_prefix(b"- ").unwrap_or(name).trim_ascii_start();
        self.at = end - name.len();
        Some(name).filter(|name| !name.is_empty())
    }

    /// The name of the tag whose `>` was just passed.
    fn tag(&mut self) -> Option<&'b [u8]> {
        let end = self.at;
        self.skip(|b| b != b'<' && b != b'>' && b != b'\n');
        if self.peek() != Some(b'<') {
            return None;
        }
        let tag = &self.bytes[self.at..end];
        let name = &tag[..skip(tag, 0, is_name_byte, NAME)];
        // `<entry key="NAME">`
        if let Some(named) = pairs(&tag[name.len()..]).last() {
            return Some(named);
        }
        (!name.is_empty() && name[0] != b'/').then_some(name)
    }

    /// The name before `: type`.
    fn annotated(&mut self) -> Option<&'b [u8]> {
        self.skip(|b| b.is_ascii_alphanumeric() || b" &?[]'_.".contains(&b));
        if self.peek() != Some(b':') {
            return None;
        }
        self.at -= 1;
        self.blank();
        self.name(Operator::Equals)
    }
}

pub fn is_blank(b: u8) -> bool {
    b == b' ' || b == b'\t'
}

pub fn is_name_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"_.-$@/".contains(&b)
}

fn is_type(name: &[u8]) -> bool {
    matches!(
        name,
        b"string" | b"str" | b"text" | b"any" | b"object" | b"bytes" | b"staticstr"
    )
}

/// Names that leave it to another to say what the value is.
fn is_value_word(name: &[u8]) -> bool {
    matches!(
        name,
        b"value"
            | b"val"
            | b"string"
            | b"content"
            | b"default"
            | b"text"
            | b"plaintext"
            | b"parametervalue"
    )
}

/// The last `"name": "NAME"`, `key="NAME"` or `<key>NAME</key>` of the object or list item that ends here.
fn pair_before(before: &[u8]) -> Option<&[u8]> {
    let opened = before.iter().rposition(|b| matches!(b, b'{' | b'}'));
    let before = &before[opened.map_or(0, |at| at + 1)..];
    let mut items = memchr::memchr_iter(b'\n', before).filter(|&at| begins_item(&before[at + 1..]));
    pairs(&before[items.next_back().unwrap_or(0)..]).last()
}

/// The first such of the object or list item that goes on behind the value.
fn pair_behind(value: &[u8], quote: Option<u8>) -> Option<&[u8]> {
    let value = &value[..value.len().min(VALUE)];
    let end = memchr::memchr(quote.unwrap_or(b'\n'), value)?;
    let behind = &value[end..value.len().min(end + REACH)];
    let ends = |&at: &usize| match behind[at] {
        b'{' | b'}' | b'<' => true,
        b'\n' => begins_item(&behind[at + 1..]),
        _ => false,
    };
    let end = (0..behind.len()).find(ends).unwrap_or(behind.len());
    pairs(&behind[..end]).next()
}

/// Whether a line begins an item of a list of YAML.
fn begins_item(line: &[u8]) -> bool {
    line.trim_ascii_start().starts_with(b"- ")
}

fn pairs(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    static PAIR: OnceLock<Option<Regex>> = OnceLock::new();
    let pattern = r#"(?i-u)(?:name|key|property)[\\"']{0,3}\s{0,4}[:=>]\s{0,4}[\\"']{0,3}([A-Za-z0-9_./-]{3,64})"#;
    let pair = PAIR.get_or_init(|| Regex::new(pattern).ok()).as_ref();
    let all = pair
        .into_iter()
        .flat_map(move |pair| pair.captures_iter(text));
    all.filter_map(|pair| Some(pair.get(1)?.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_of(text: &str) -> Option<String> {
        let value = text.find('§').expect("a mark");
        let bytes = text.replace('§', "4zB1kQ");
        let name = before(bytes.as_bytes(), value)?.name;
        Some(String::from_utf8(name.to_vec()).expect("ASCII"))
    }

    #[test]
    fn every_notation_gives_its_name() {
        for text in [
            "api_key = \"§\"",
            "API_KEY=§",
            "export API_KEY='§'",
            "api.key: §",
            "\"apiKey\": \"§\"",
            "\\\"apiKey\\\":\\\"§\\\"",
            "'api-key' => '§'",
            "{apiKey:\"§\"}",
            "<apiKey>§</apiKey>",
            "<api-key type=\"x\">§</api-key>",
            "<add key=\"ApiKey\" value=\"§\"/>",
            "{\"name\": \"API_KEY\", \"value\": \"§\"}",
            "- name: API_KEY\n  value: §",
            "<key>apiKey</key>\n<string>§</string>",
            "<entry key=\"api-key\">§</entry>",
            "{\"value\": \"§\", \"name\": \"API_KEY\"}",
            "[{\"name\":\"OTHER\",\"value\":\"x\"},{\"value\":\"§\",\"name\":\"API_KEY\"}]",
            "{\"ParameterKey\": \"ApiKey\", \"ParameterValue\": \"§\"}",
            "- name: OTHER\n  value: x\n- value: §\n  name: API_KEY\n",
            "define('API_KEY', '§')",
            "os.environ['API_KEY'] = '§'",
            "apiKey: string = \"§\"",
            "API_KEY: Optional[str] = \"§\"",
            "API_KEY := \"§\"",
            "--api-key §",
            "--api-key=§",
            "ENV API_KEY §",
            "?api_key=§",
            "setApiKey=b'§'",
            "api-key: Bearer §",
            "key = process.env.API_KEY || \"§\"",
            "key = process.env['API_KEY'] ?? '§'",
            "key = env(\"API_KEY\") || '§'",
        ] {
            let name = name_of(text).unwrap_or_default();
            assert!(name.ends_with("apikey"), "{text}: {name}");
        }
    }

    #[test]
    fn what_is_no_assignment_gives_none() {
        for text in [
            "§",
            "foo(bar, §",
            "x[§",
            "a.§",
            "[\"user\", \"password\",\"§\"]",
        ] {
            assert_eq!(name_of(text), None, "{text}");
        }
    }

    #[test]
    fn the_value_is_found_from_the_name_that_it_is_paired_with() {
        for text in [
            "{\"value\":\"§\",\"name\":\"DB_password\"}",
            "{ \"Value\": \"§\", \"Name\": \"password\" }",
            "{\"name\":\"DB_password\",\"value\":\"§\"}",
            "- value: \"§\"\n  name: password\n",
            "  - name: password\n    value: §\n",
            "<add key=\"db.password\" value=\"§\"/>",
            "<key>password</key>\n<string>§</string>",
        ] {
            let at = text.find("password").expect("a name");
            assert_eq!(paired_value(text.as_bytes(), at), text.find('§'), "{text}");
        }
        for text in [
            "{\"value\":\"§\"},{\"name\":\"password\"}",
            "{\"name\":\"password\"},{\"value\":\"§\"}",
            "{\"value\":\"§\",\"x\":\"password\"}",
            "password",
        ] {
            let at = text.find("password").expect("a name");
            assert_eq!(paired_value(text.as_bytes(), at), None, "{text}");
        }
    }

    #[test]
    fn the_value_is_found_from_its_name() {
        for text in [
            "password = \"§\"",
            "password: §",
            "password=§",
            "\"password\": \"§\"",
            "'password' => '§'",
            "password: string = '§'",
            "<password>§</password>",
            "define('password', '§')",
            "--password §",
            "x['password'] = u'§'",
            "password = \"\"\"§\"\"\"",
            "env.password || '§'",
            "\\\"password\\\": \\\"§\\\"",
        ] {
            let at = text.find("password").expect("a name");
            let value = text.find('§');
            assert_eq!(value_after(text.as_bytes(), at), value, "{text}");
        }
    }
}
