//! Names and their values: what stands before a value says what it is.
//!
//! One reader for all notations, going backward from the value: `name = "value"`, `"name": "value"`,
//! `name: value`, `<name>value</name>`, `--name value`, `ENV NAME value`, `'name' => 'value'`,
//! `define('NAME', 'value')`, `const name: string = "value"`, `["name"] = "value"`, and pairs of
//! `"name": "NAME", "value": "value"`.

use std::ops::Deref;

use super::back::{Back, NAME, Operator, REACH, is_blank, is_name_byte, skip};
use super::pairs;

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
    back.line_before(quote.is_some(), value - back.at());
    let operator = back.operator(blank)?;
    back.blank();
    let after_name = back.at();
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
        start: back.at(),
    };
    if operator == Operator::Equals && is_type(&assignment.name) {
        if let Some(name) = back.annotated() {
            assignment.name = Name::of(name);
        }
    } else if is_value_word(&assignment.name) {
        let name = pairs::before(&bytes[back.at().saturating_sub(REACH)..back.at()]);
        if let Some(name) = name.or_else(|| pairs::behind(&bytes[value..], quote)) {
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
    next = skip(rest, next, is_blank, 40);
    next = next_line(rest, next).unwrap_or(next);
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

/// Where the next line begins, if nothing stands before it but what announces it: see [`Back::line_before`].
fn next_line(text: &[u8], at: usize) -> Option<usize> {
    let mark = skip(text, at, |b| b"|>+-\\(".contains(&b), 2);
    let end = skip(text, mark, is_blank, 40);
    let line = skip(text, end, |b| b == b'\r', 1);
    let begins = text.get(line) == Some(&b'\n');
    begins.then(|| skip(text, line + 1, is_blank, 80))
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
    fn a_value_may_stand_in_the_next_line() {
        for text in [
            "{\n  \"password\":\n    \"§\"\n}",
            "password:\r\n  '§'",
            "password =\n  '§';",
            "password = \\\n  '§'",
            "password = (\n    '§'\n)",
            "  password:\n    §",
            "- password: >-\n    §",
            "password: |\n  §",
            "<password>\n  §\n</password>",
        ] {
            let at = text.find("password").expect("a name");
            assert_eq!(value_after(text.as_bytes(), at), text.find('§'), "{text}");
            assert_eq!(name_of(text).as_deref(), Some("password"), "{text}");
        }
        for text in [
            "password =\n§",
            "password=\n  §",
            "  password:\n  §",
            "  password:\n§",
            "password:\n\n  §",
            "f(\n  '§'",
            "password\n  '§'",
            "a: b |\n  §",
        ] {
            assert_eq!(name_of(text), None, "{text}");
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
