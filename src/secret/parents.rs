//! What a name is nested under: `stripe:` over `api_key:`, `"stripe": {"apiKey": …}`, `[stripe]` over `api_key =`.
//! The names above say whose a key is, where its own says only that it is one.

use super::assignment::Name;
use super::back::{Back, is_blank, is_name_byte};

/// How far above a name is looked, and at how many levels.
const REACH: usize = 1024;
const LEVELS: usize = 3;
/// A text is found so many times as fast as lines are read.
const FASTER: usize = 16;

/// Whether a name says that its value is secret, and may leave it to those above to say whose it is.
pub fn may_have(name: &[u8]) -> bool {
    // Nearly every value with a name comes here, so this is no search for each word.
    let begins_word = |at: usize| {
        matches!(
            &name[at..],
            [b'k', b'e', b'y', ..]
                | [b't', b'o', b'k', b'e', b'n', ..]
                | [b's', b'e', b'c', b'r', b'e', b't', ..]
                | [b'p', b'a', b's', b's', ..]
                | [b'p', b'w', b'd', ..]
                | [b'a', b'u', b't', b'h', ..]
                | [b'c', b'r', b'e', b'd', ..]
        )
    };
    (0..name.len()).any(begins_word)
}

/// The name with those above it, if there are any, and how many bytes were looked at; `at` is where it begins.
pub fn qualified(bytes: &[u8], at: usize, name: &Name) -> (Option<Name>, usize) {
    let before = &bytes[at.saturating_sub(REACH)..at];
    let line = line_start(before);
    let (mut all, rest) = if is_margin(&before[line..]) {
        by_lines(&before[..line], indentation(&before[line..]))
    } else {
        by_braces(before)
    };
    let looked_at = before.len() - rest;
    if all.is_empty() {
        return (None, looked_at);
    }
    all.reverse();
    all.push(name);
    (Some(Name::of(&all.concat())), looked_at)
}

/// Keys of lines that are indented less, and the section of an INI file, the nearest first; and where looking ended.
fn by_lines(mut before: &[u8], mut indented: usize) -> (Vec<&[u8]>, usize) {
    if indented == 0 {
        return by_section(before);
    }
    let mut above = Vec::new();
    while above.len() < LEVELS && !before.is_empty() {
        before = before.strip_suffix(b"\n").unwrap_or(before);
        let start = line_start(before);
        let line = before[start..].trim_ascii_end();
        before = &before[..start];
        let margin = indentation(line);
        if let [b'[', section @ .., b']'] = line {
            above.push(section);
            break;
        }
        if margin < indented
            && let Some(key) = opening_key(&line[margin..])
        {
            above.push(key);
            indented = margin;
        }
    }
    (above, before.len())
}

/// The section of an INI file, which is all that may be above a line without a margin; and where reading as much would
/// have ended.
fn by_section(before: &[u8]) -> (Vec<&[u8]>, usize) {
    let first = before.starts_with(b"[").then_some(0);
    let starts = memchr::memmem::rfind_iter(before, b"\n[").map(|at| at + 1);
    let section = starts.chain(first).find_map(|start| {
        let line = before[start..].split(|b| *b == b'\n').next()?;
        match line.trim_ascii_end() {
            [b'[', section @ .., b']'] => Some((start, section)),
            _ => None,
        }
    });
    let start = section.map_or(0, |(start, _)| start);
    let above = section.into_iter().map(|(_, section)| section).collect();
    (above, before.len() - (before.len() - start) / FASTER)
}

/// The key of `key:`, `"key": {`, `key = {` and `key {`.
fn opening_key(line: &[u8]) -> Option<&[u8]> {
    let quote = line.first().filter(|b| b"\"'".contains(b)).copied();
    let line = &line[usize::from(quote.is_some())..];
    let (key, rest) = line.split_at(line.iter().take_while(|b| is_name_byte(**b)).count());
    let rest = match quote {
        Some(quote) => rest.strip_prefix(&[quote])?,
        None => rest,
    };
    let rest = rest.trim_ascii_start();
    let opened = match rest.first()? {
        b':' | b'=' => rest[1..].trim_ascii_start(),
        _ => rest.strip_prefix(b"{")?,
    };
    let opens = matches!(opened, [] | [b'{' | b'[' | b'#' | b'&', ..]);
    (opens && !key.is_empty()).then_some(key)
}

/// Keys of the objects around, the nearest first; and where looking ended.
fn by_braces(before: &[u8]) -> (Vec<&[u8]>, usize) {
    let mut above = Vec::new();
    let mut closed = 0;
    for (at, b) in before.iter().enumerate().rev() {
        match b {
            b'}' | b']' => closed += 1,
            b'{' | b'[' if closed > 0 => closed -= 1,
            b'{' | b'[' => {
                let before = before[..at].trim_ascii_end();
                match key_before(before) {
                    Some(key) => above.push(key),
                    // An item of a list.
                    None if matches!(before.last(), Some(b'[' | b',')) => {}
                    None => return (above, at),
                }
                if above.len() == LEVELS {
                    return (above, at);
                }
            }
            b'(' | b')' | b';' if closed == 0 => return (above, at),
            _ => {}
        }
    }
    (above, 0)
}

/// The key that this ends with, and `:` or `=`.
fn key_before(text: &[u8]) -> Option<&[u8]> {
    if !matches!(text.last(), Some(b':' | b'=')) {
        return None;
    }
    let mut back = Back::new(text, text.len() - 1);
    back.skip(is_blank);
    back.closers();
    let end = back.at();
    back.skip(is_name_byte);
    Some(&text[back.at()..end]).filter(|key| !key.is_empty())
}

fn line_start(text: &[u8]) -> usize {
    memchr::memrchr(b'\n', text).map_or(0, |at| at + 1)
}

/// What may stand before a key at the beginning of its line.
fn is_margin(text: &[u8]) -> bool {
    text.iter().all(|b| b" \t-\"'".contains(b))
}

/// How far in the text of a line begins; the `-` of a list belongs to the margin.
fn indentation(line: &[u8]) -> usize {
    line.iter().take_while(|b| b" \t-".contains(b)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::assignment;

    fn of(text: &str) -> String {
        let value = text.find('§').expect("a mark");
        let bytes = text.replace('§', "4zB1kQ");
        let found = assignment::before(bytes.as_bytes(), value).expect("an assignment");
        let (above, _) = qualified(bytes.as_bytes(), found.start, &found.name);
        let name = above.unwrap_or(found.name);
        String::from_utf8(name.to_vec()).expect("ASCII")
    }

    #[test]
    fn names_above_belong_to_a_name() {
        for (text, name) in [
            ("stripe:\n  api_key: §", "stripeapikey"),
            ("aws:\n  secret:\n    # ours\n    key: §", "awssecretkey"),
            (
                "a:\n  stripe:\n    mode: live\n\n    key: \"§\"",
                "astripekey",
            ),
            ("stripe:\n- mode: live\n  key: §", "stripekey"),
            ("other:\n  x: 1\nstripe:\n  key: §", "stripekey"),
            ("[stripe]\nmode = live\nkey = §", "stripekey"),
            ("[a]\r\nx = 1\r\n[stripe]\r\n[x\r\nkey = §", "stripekey"),
            ("stripe {\n  key = \"§\"\n}", "stripekey"),
            (
                "{\n  \"stripe\": {\n    \"key\": \"§\"\n  }\n}",
                "stripekey",
            ),
            (
                "{\"x\":{\"y\":1},\"stripe\":{\"a\":[{}],\"key\":\"§\"}}",
                "stripekey",
            ),
            ("{\"stripe\":[{\"key\":\"§\"}]}", "stripekey"),
            ("{\"stripe\": [{\"a\":1}, {\"key\":\"§\"}]}", "stripekey"),
            ("var c={stripe:{mode:1,key:\"§\"}}", "cstripekey"),
            ("const stripe = { key: '§' };", "stripekey"),
            ("key: §", "key"),
            ("x: 1\nkey: §", "key"),
            ("f(function(){return {key:'§'}})", "key"),
        ] {
            assert_eq!(of(text), name, "{text}");
        }
    }

    #[test]
    fn what_never_opens_or_closes_is_looked_at_in_part() {
        for text in ["{\"a\":", "}", "a:\n", "    \n", "[[["] {
            let text = format!("{}\n  key: §", text.repeat(10_000));
            assert!(of(&text).ends_with("key"));
        }
    }
}
