//! Names and values that stand apart, as parts of one pair: `"name": "NAME", "value": "value"`, in either order,
//! `key="NAME" value="value"`, `<key>NAME</key><string>value</string>`.

use std::sync::OnceLock;

use regex::bytes::Regex;

use super::assignment::{Name, value_after};
use super::back::{Back, Operator, REACH, is_name_byte};

/// How long a value may be that has its name behind it.
const VALUE: usize = 2000;

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
    let before = &bytes[back.least()..back.at()];
    let object = before.iter().rposition(braces).map_or(0, |at| at + 1);
    let word = memchr::memmem::rfind(&before[object..], b"alue")?;
    value_after(bytes, back.least() + object + word)
}

/// The last `"name": "NAME"`, `key="NAME"` or `<key>NAME</key>` of the object or list item that ends here.
pub fn before(before: &[u8]) -> Option<&[u8]> {
    let opened = before.iter().rposition(|b| matches!(b, b'{' | b'}'));
    let before = &before[opened.map_or(0, |at| at + 1)..];
    let mut items = memchr::memchr_iter(b'\n', before).filter(|&at| begins_item(&before[at + 1..]));
    all(&before[items.next_back().unwrap_or(0)..]).last()
}

/// The first such of the object or list item that goes on behind the value.
pub fn behind(value: &[u8], quote: Option<u8>) -> Option<&[u8]> {
    let value = &value[..value.len().min(VALUE)];
    let end = memchr::memchr(quote.unwrap_or(b'\n'), value)?;
    let behind = &value[end..value.len().min(end + REACH)];
    let ends = |&at: &usize| match behind[at] {
        b'{' | b'}' | b'<' => true,
        b'\n' => begins_item(&behind[at + 1..]),
        _ => false,
    };
    let end = (0..behind.len()).find(ends).unwrap_or(behind.len());
    all(&behind[..end]).next()
}

/// Whether a line begins an item of a list of YAML.
fn begins_item(line: &[u8]) -> bool {
    line.trim_ascii_start().starts_with(b"- ")
}

pub fn all(text: &[u8]) -> impl Iterator<Item = &[u8]> {
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
}
