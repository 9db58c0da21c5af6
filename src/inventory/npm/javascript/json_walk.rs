//! Walks JSON of any size without building anything from it: values are found and passed over where they stand.
//!
//! It sees where values begin and end, not whether all in between is as the grammar has it. That is enough to take a
//! few fields out of a source map, and costs a fraction of the time and none of the memory that parsing it takes.

use std::borrow::Cow;

use memchr::memchr;

/// The text ended in the middle, or something else stands where a value must.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Broken;

/// A place in a JSON text.
pub(super) struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Walk<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Walk { bytes, at: 0 }
    }

    /// Enters a list or an object, if its bracket comes next.
    pub(super) fn enter(&mut self, bracket: u8) -> bool {
        let enters = self.peek() == Some(bracket);
        self.at += usize::from(enters);
        enters
    }

    /// Leaves what was entered, if it is at its end; otherwise the next element or key comes.
    pub(super) fn leave(&mut self) -> Result<bool, Broken> {
        if self.peek() == Some(b',') {
            self.at += 1;
        }
        match self.peek() {
            Some(b']' | b'}') => {
                self.at += 1;
                Ok(true)
            }
            Some(_) => Ok(false),
            None => Err(Broken),
        }
    }

    /// The key that comes next, in its quotation marks; its value follows.
    pub(super) fn key(&mut self) -> Result<&'a [u8], Broken> {
        if self.peek() != Some(b'"') {
            return Err(Broken);
        }
        let key = self.value()?;
        if self.peek() != Some(b':') {
            return Err(Broken);
        }
        self.at += 1;
        Ok(key)
    }

    /// Passes over the value that comes next, and returns its text.
    pub(super) fn value(&mut self) -> Result<&'a [u8], Broken> {
        let first = self.peek().ok_or(Broken)?;
        let start = self.at;
        match first {
            b'"' => self.pass_string()?,
            b'[' | b'{' => self.pass_nested()?,
            _ => self.pass_word()?,
        }
        Ok(&self.bytes[start..self.at])
    }

    /// What has not been walked over, from the next value on.
    pub(super) fn rest(&mut self) -> &'a [u8] {
        self.peek();
        &self.bytes[self.at..]
    }

    fn peek(&mut self) -> Option<u8> {
        let rest = &self.bytes[self.at..];
        let spaces = rest.iter().take_while(|b| b.is_ascii_whitespace()).count();
        self.at += spaces;
        rest.get(spaces).copied()
    }

    /// From a quotation mark to behind the one that closes it: the next that an even number of backslashes precedes.
    fn pass_string(&mut self) -> Result<(), Broken> {
        let start = self.at + 1;
        let mut at = start;
        loop {
            let end = at + memchr(b'"', &self.bytes[at..]).ok_or(Broken)?;
            let before = self.bytes[at..end].iter().rev();
            let escapes = before.take_while(|&&b| b == b'\\').count();
            at = end + 1;
            if escapes % 2 == 0 {
                self.at = at;
                return Ok(());
            }
        }
    }

    fn pass_nested(&mut self) -> Result<(), Broken> {
        let mut depth = 0usize;
        loop {
            match self.bytes.get(self.at).ok_or(Broken)? {
                b'"' => {
                    self.pass_string()?;
                    continue;
                }
                b'[' | b'{' => depth += 1,
                b']' | b'}' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Ok(());
            }
        }
    }

    /// A number or a name.
    fn pass_word(&mut self) -> Result<(), Broken> {
        let is_word = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
        let length = self.bytes[self.at..].iter().take_while(is_word).count();
        self.at += length;
        if length == 0 { Err(Broken) } else { Ok(()) }
    }
}

/// The elements of a list that may break off; none for what is no list.
pub(super) struct Elements<'a>(Option<Walk<'a>>);

impl<'a> Elements<'a> {
    pub(super) fn new(list: &'a [u8]) -> Self {
        let mut walk = Walk::new(list);
        Elements(walk.enter(b'[').then_some(walk))
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<Self::Item> {
        let walk = self.0.as_mut()?;
        match walk.leave() {
            Ok(false) => {}
            Ok(true) | Err(Broken) => {
                self.0 = None;
                return None;
            }
        }
        let value = walk.value().ok();
        if value.is_none() {
            self.0 = None;
        }
        value
    }
}

/// What a string says; none for another value, or where an escape in it is no character.
pub(super) fn text(value: &[u8]) -> Option<Cow<'_, str>> {
    let inside = value.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if memchr(b'\\', inside).is_none() {
        return Some(String::from_utf8_lossy(inside));
    }
    serde_json::from_slice(value).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn elements(list: &str) -> Vec<&str> {
        let elements = Elements::new(list.as_bytes());
        elements.map(|e| std::str::from_utf8(e).unwrap()).collect()
    }

    #[test]
    fn elements_are_passed_over_whole() {
        assert_eq!(
            elements(r#" [ "a\"]\\" , null,-1.5e+7 ,[["]"],{"b":[]}], {} ] rest"#),
            [
                r#""a\"]\\""#,
                "null",
                "-1.5e+7",
                r#"[["]"],{"b":[]}]"#,
                "{}"
            ]
        );
        assert!(elements("[]").is_empty());
        assert!(elements("{}").is_empty());
        assert!(elements("").is_empty());
    }

    #[test]
    fn what_stands_before_a_break_is_found() {
        assert_eq!(elements(r#"["a","b"#), [r#""a""#]);
        assert_eq!(elements(r#"["a",["b""#), [r#""a""#]);
        assert_eq!(elements(r#"["a",?"#), [r#""a""#]);
    }

    #[test]
    fn nesting_takes_no_stack() {
        let deep = format!("[{}{}]", "[".repeat(1 << 20), "]".repeat(1 << 20));
        assert_eq!(elements(&deep).len(), 1);
        assert!(elements(&"[".repeat(1 << 20)).is_empty());
    }

    #[test]
    fn strings_are_read_as_json_has_them() {
        assert_eq!(text(br#""a/b""#).as_deref(), Some("a/b"));
        assert_eq!(text(br#""\u0061\n\"""#).as_deref(), Some("a\n\""));
        assert_eq!(text(br#""\ud800""#), None);
        assert_eq!(text(b"null"), None);
        assert_eq!(text(b"\""), None);
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[\\PC\"\\\\\n]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::vec(("[\\PC\"]{0,4}", inner), 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_list_falls_into_its_elements(list in proptest::collection::vec(json(), 0..6), pretty: bool) {
            let value = Value::from(list.clone());
            let text = if pretty { serde_json::to_vec_pretty(&value) } else { serde_json::to_vec(&value) }.unwrap();
            let found: Vec<Value> = Elements::new(&text).map(|e| serde_json::from_slice(e).unwrap()).collect();
            prop_assert_eq!(found, list);
        }

        #[test]
        fn any_bytes_are_walked_without_harm(bytes in "[\\[\\]{}\",:\\\\a1 ]{0,40}") {
            prop_assert!(Elements::new(bytes.as_bytes()).count() <= bytes.len());
            let mut walk = Walk::new(bytes.as_bytes());
            let _ = walk.enter(b'{') && walk.key().is_ok() && walk.value().is_ok() && walk.leave().is_ok();
        }
    }
}
