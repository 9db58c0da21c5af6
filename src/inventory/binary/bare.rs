//! Versions that are texts of their own: a library that returns `"1.5.2"` holds that between zero bytes, and nothing says
//! whose it is. It is believed in a file that holds the library's code, if it is the only one of its form there.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use memchr::memchr_iter;
use regex::bytes::Regex;

use super::Image;
use crate::inventory::version_expression::compile;

/// Of more of them nobody could say that one is the only one: far more than honest files have.
const MAX_TEXTS: usize = 1 << 16;
/// How long they are, and how much is seen of what follows them.
const LONGEST: usize = 40;
const BEHIND: usize = 96;

/// How a library's version is told among them.
pub struct Bare {
    pub expression: &'static str,
    pub behind: Option<&'static str>,
    pub named: bool,
    pub compiled: OnceLock<Option<Expressions>>,
}

pub struct Expressions {
    whole: Regex,
    behind: Option<Regex>,
}

/// A text that begins with a digit, and what follows its zero bytes.
pub struct BareText<'a> {
    text: &'a [u8],
    behind: &'a [u8],
    /// Linkers put a text that another one ends with nowhere else: `/usr/lib/3.11.7` holds `3.11.7`.
    is_tail: bool,
}

/// The texts of an image that may be versions; none where there are too many.
pub fn texts<'a>(image: &Image<'a>) -> Vec<BareText<'a>> {
    let ends = |part: &'a [u8]| memchr_iter(0, part).filter_map(move |end| text_before(part, end));
    let found = image.parts().flat_map(ends).take(MAX_TEXTS + 1);
    let mut texts: Vec<BareText> = found.collect();
    if texts.len() > MAX_TEXTS {
        texts.clear();
    }
    texts
}

fn text_before(part: &[u8], end: usize) -> Option<BareText<'_>> {
    let room = part.get(end.saturating_sub(LONGEST)..end)?;
    let is_of_version = |b: &u8| b.is_ascii_alphanumeric() || b".+-, :_".contains(b);
    let length = room.iter().rev().take_while(|b| is_of_version(b)).count();
    let (before, text) = room.split_at(room.len() - length);
    if text.len() < 3 || !text[0].is_ascii_digit() {
        return None;
    }
    let before = before.last().copied().unwrap_or_default();
    let is_tail = before == b'/';
    let is_bare = !(b' '..=b'~').contains(&before);
    let behind = part.get(end..).unwrap_or_default();
    let zeros = behind.iter().take(BEHIND).take_while(|b| **b == 0).count();
    let behind = behind.get(zeros..).unwrap_or_default();
    (is_bare || is_tail).then_some(BareText {
        text,
        behind: behind.get(..BEHIND).unwrap_or(behind),
        is_tail,
    })
}

impl Bare {
    /// The version among the texts: the one before what follows it, or else the only one. What stands whole is asked
    /// before what others end with. `is_own` says whether the file bears the library's name.
    pub fn version(&self, texts: &[BareText], is_own: bool) -> Option<String> {
        let compiled = self.compiled.get_or_init(|| self.compile());
        let expressions = compiled.as_ref()?;
        let of_form = texts.iter().filter(|t| expressions.whole.is_match(t.text));
        let (tails, whole): (Vec<_>, Vec<_>) = of_form.partition(|t| t.is_tail);
        let is_followed = |t: &&BareText| {
            let behind = expressions.behind.as_ref();
            behind.is_some_and(|behind| behind.is_match(t.behind))
        };
        let followed: Vec<_> = whole.iter().copied().filter(is_followed).collect();
        let asked = match (followed.is_empty(), whole.is_empty()) {
            (false, _) => followed,
            (true, _) if self.named && !is_own => return None,
            (true, false) => whole,
            (true, true) => tails,
        };
        only(&expressions.whole, &asked)
    }

    fn compile(&self) -> Option<Expressions> {
        let behind = self.behind.map(|behind| compile(behind).ok());
        Some(Expressions {
            whole: compile(self.expression).ok()?,
            behind: match behind {
                Some(behind) => Some(behind?),
                None => None,
            },
        })
    }
}

fn only(expression: &Regex, texts: &[&BareText]) -> Option<String> {
    let versions = texts
        .iter()
        .filter_map(|text| version(expression, text.text));
    let versions: BTreeSet<String> = versions.collect();
    let mut versions = versions.into_iter();
    let version = versions.next();
    version.filter(|_| versions.next().is_none())
}

/// The version that a text states, or spells in numbers of two digits: `20910` is 2.9.10.
fn version(expression: &Regex, text: &[u8]) -> Option<String> {
    let captures = expression.captures(text)?;
    let group = |name| str::from_utf8(captures.name(name)?.as_bytes()).ok();
    if let Some(version) = group("version") {
        return Some(version.to_owned());
    }
    let parts = ["major", "minor", "patch"].into_iter().filter_map(group);
    let numbers: Vec<String> = parts
        .filter_map(|part| Some(part.parse::<u32>().ok()?.to_string()))
        .collect();
    (!numbers.is_empty()).then(|| numbers.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(
        is: &'static str,
        behind: Option<&'static str>,
        named: bool,
        part: &[u8],
        is_own: bool,
    ) -> Option<String> {
        let bare = Bare {
            expression: is,
            behind,
            named,
            compiled: OnceLock::new(),
        };
        let texts: Vec<_> = memchr_iter(0, part)
            .filter_map(|end| text_before(part, end))
            .collect();
        bare.version(&texts, is_own)
    }

    const FORM: &str = r"^(?P<version>3\.[0-9]{1,2}\.[0-9]{1,2})$";

    #[test]
    fn the_only_text_of_its_form_is_the_version() {
        let of = |part: &[u8]| version(FORM, None, false, part, false);
        assert_eq!(of(b"\x003.11.4\0v3.0.0\0"), Some("3.11.4".into()));
        assert_eq!(of(b"\x003.11.4\x003.11.4\0"), Some("3.11.4".into()));
        assert_eq!(of(b"\x003.11.4\x003.11.5\0"), None);
        assert_eq!(of(b"\x80\x803.11.4\0"), Some("3.11.4".into()));
        for part in [
            b"\x003.11.4" as &[u8],
            b"needs 3.11.4\0",
            b"13.11.4\0",
            b"",
            b"\0",
        ] {
            assert_eq!(of(part), None);
        }
    }

    #[test]
    fn what_another_text_ends_with_counts_if_nothing_stands_whole() {
        let of = |part: &[u8]| version(FORM, None, false, part, false);
        assert_eq!(of(b"\0/opt/3.11.7\0"), Some("3.11.7".into()));
        assert_eq!(of(b"\0/opt/3.11.7\x003.11.4\0"), Some("3.11.4".into()));
    }

    #[test]
    fn what_stands_before_its_companion_is_meant() {
        let of = |part: &[u8], is_own| version(FORM, Some("^(?:20[0-9]{2}-)"), true, part, is_own);
        let part = b"\x003.9.9\x003.46.1\0\0\x002024-08-13\0";
        assert_eq!(of(part, false), Some("3.46.1".into()));
        assert_eq!(of(b"\x003.46.1\0", false), None);
        assert_eq!(of(b"\x003.46.1\0", true), Some("3.46.1".into()));
    }

    #[test]
    fn numbers_of_two_digits_are_put_together() {
        let form = "^(?P<major>2)(?P<minor>[0-9]{2})(?P<patch>[0-9]{2})$";
        let of = |part: &[u8]| version(form, None, false, part, false);
        assert_eq!(of(b"\x0020910\0"), Some("2.9.10".into()));
    }
}
