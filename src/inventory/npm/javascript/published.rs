//! The versions that a package can have by the text of its modules.
//!
//! `published.txt`, which `tools/published.py` makes, says of the most used packages which of their releases have a
//! file, by its digest, or four words of code in a row. Each that is seen leaves the releases that have it; if one is
//! left, that is the version. What is not seen says nothing, for bundlers leave out what nobody calls.
//!
//! Words stay when a bundler prints code anew: it drops comments, changes quotes and numbers, and gives some names a
//! number at their end. Minifiers change too much.
//!
//! A release that the table does not know may have the same text. So the newest release is taken for the version only
//! of packages that had none after it for long, and the oldest one only where it is the package's first.

use memchr::{memchr, memmem};
use sha2::{Digest, Sha256};

include!(concat!(env!("OUT_DIR"), "/published.rs"));

/// A package of the table.
struct Published {
    name: &'static str,
    /// Whether it has releases before these, and whether some after them must be expected.
    has_older: bool,
    has_newer: bool,
    /// At most 64 releases, in their order.
    versions: &'static [&'static str],
    /// Each a bit for each release.
    sets: &'static [u64],
    /// 48 bits of a trace, and 16 of the place of its set; in order.
    traces: &'static [u64],
}

/// How many traces of code must be seen, or one file. A release that the table does not know may have one or the other.
const ENOUGH: u32 = 4;

/// How many words in a row make a trace.
const ROW: usize = 4;

/// Words that bundlers change, leave out or put in.
const SKIPPED: &[&[u8]] = &[
    b"var",
    b"let",
    b"const",
    b"use",
    b"strict",
    b"undefined",
    b"void",
    b"true",
    b"false",
];

/// What modules of one copy of a package have left of its versions.
pub(super) struct Candidates {
    package: &'static Published,
    left: u64,
    /// How much was seen of what its oldest release in the table has too, and of what it has not.
    old: u32,
    new: u32,
}

impl Candidates {
    /// All versions of a package, if it is in the table.
    pub(super) fn of(name: &str) -> Option<Self> {
        let at = PUBLISHED.binary_search_by_key(&name, |package| package.name);
        let package = &PUBLISHED[at.ok()?];
        Some(Candidates {
            package,
            left: package.all(),
            old: 0,
            new: 0,
        })
    }

    /// Takes in the text of a file as it was published.
    pub(super) fn see_file(&mut self, text: &[u8]) {
        self.see(file_trace(text), ENOUGH);
        self.see_code(text);
    }

    /// Takes in code that a bundler may have printed anew.
    pub(super) fn see_code(&mut self, text: &[u8]) {
        code_traces(text, |trace| self.see(trace, 1));
    }

    fn see(&mut self, trace: u64, weight: u32) {
        let traces = self.package.traces;
        let at = traces.partition_point(|known| known >> 16 < trace);
        if let Some(known) = traces.get(at).filter(|known| *known >> 16 == trace) {
            let set = self.package.sets[(known & 0xffff) as usize];
            self.left &= set;
            let seen = if set & 1 == 1 {
                &mut self.old
            } else {
                &mut self.new
            };
            *seen = seen.saturating_add(weight);
        }
    }

    /// Whether what is left means anything.
    fn is_told(&self) -> bool {
        // A package of one release has that.
        if self.package.versions.len() == 1 {
            return true;
        }
        // A release before those of the table has little of what is new in them, and that by chance.
        let can_be_older = self.package.has_older && self.left & 1 == 0 && self.new < self.old;
        self.left != self.package.all()
            && self.old.saturating_add(self.new) >= ENOUGH
            && !can_be_older
    }

    /// What is left: in each pair the first and the last of versions that follow one another.
    fn choices(&self) -> Vec<(Option<&'static str>, Option<&'static str>)> {
        let package = self.package;
        let newest = package.versions.len() - 1;
        let is_known = self.is_told();
        let rows = rows(if is_known { self.left } else { 0 }).into_iter();
        rows.map(|(first, last)| {
            let from = (first > 0 || !package.has_older).then(|| package.versions[first]);
            let to = (last < newest || !package.has_newer).then(|| package.versions[last]);
            (from, to)
        })
        .collect()
    }
}

/// The version and the range of a package: what it states itself, or else what is left of its candidates.
pub(super) fn known(
    stated: Option<String>,
    candidates: Option<Candidates>,
) -> (Option<String>, Option<String>) {
    let choices = match (&stated, &candidates) {
        (None, Some(candidates)) => candidates.choices(),
        _ => return (stated, None),
    };
    if let [(Some(from), Some(to))] = choices[..]
        && from == to
    {
        return (Some(from.to_owned()), None);
    }
    let ranges = choices.into_iter().map(|choice| match choice {
        (Some(from), Some(to)) if from == to => Some(format!("={from}")),
        (Some(from), Some(to)) => Some(format!(">={from} <={to}")),
        (Some(from), None) => Some(format!(">={from}")),
        (None, Some(to)) => Some(format!("<={to}")),
        (None, None) => None,
    });
    let ranges: Option<Vec<String>> = ranges.collect();
    let range = ranges.filter(|ranges| !ranges.is_empty());
    (None, range.map(|ranges| ranges.join(" || ")))
}

impl Published {
    fn all(&self) -> u64 {
        u64::MAX >> (64 - self.versions.len())
    }
}

/// The first and the last of every row of bits.
fn rows(mut bits: u64) -> Vec<(usize, usize)> {
    let mut rows = Vec::new();
    let mut passed = 0;
    while bits != 0 {
        let first = bits.trailing_zeros();
        let length = (bits >> first).trailing_ones();
        rows.push((
            (passed + first) as usize,
            (passed + first + length - 1) as usize,
        ));
        passed += first + length;
        bits = bits.checked_shr(first + length).unwrap_or_default();
    }
    rows
}

/// Of a file, whatever ends its lines.
fn file_trace(text: &[u8]) -> u64 {
    let mut rest = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    let mut sha256 = Sha256::new();
    while let Some(end) = memmem::find(rest, b"\r\n") {
        sha256.update(&rest[..end]);
        rest = &rest[end + 1..];
    }
    sha256.update(rest);
    let digest = sha256.finalize();
    digest[..6]
        .iter()
        .fold(0, |value, byte| value << 8 | u64::from(*byte))
}

/// Of all rows of words.
fn code_traces(text: &[u8], mut each: impl FnMut(u64)) {
    let mut last = [0; ROW];
    let mut count = 0;
    words(text, |word| {
        last.rotate_left(1);
        last[ROW - 1] = word;
        count += 1;
        if count >= ROW {
            let value = last.iter().fold(0u64, |value, word| {
                value
                    .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                    .wrapping_add(*word)
            });
            each(value >> 16);
        }
    });
}

/// The hashes of the words of code, without comments.
fn words(text: &[u8], mut each: impl FnMut(u64)) {
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let rest = &text[at..];
        at += match byte {
            b'/' if rest.starts_with(b"//") => memchr(b'\n', rest).unwrap_or(rest.len()),
            b'/' if rest.starts_with(b"/*") => {
                memmem::find(&rest[2..], b"*/").map_or(rest.len(), |end| end + 4)
            }
            b'"' | b'\'' | b'`' => {
                let length = string_length(rest, *byte);
                for word in rest[..length].split(|b| !is_word_byte(*b)) {
                    hash(word).into_iter().for_each(&mut each);
                }
                length
            }
            byte if is_word_byte(*byte) => {
                let length = rest.iter().take_while(|b| is_word_byte(**b)).count();
                hash(&rest[..length]).into_iter().for_each(&mut each);
                length
            }
            _ => 1,
        };
    }
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$')
}

/// To behind the quote that closes the string, or to where it breaks off.
fn string_length(text: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while let Some(byte) = text.get(at) {
        match byte {
            b'\\' if at + 1 < text.len() => at += 2,
            b'\\' => break,
            byte if *byte == quote => return at + 1,
            b'\n' if quote != b'`' => break,
            _ => at += 1,
        }
    }
    at
}

/// FNV-1a, without the number that a bundler puts behind a name. <http://www.isthe.com/chongo/tech/comp/fnv/>
fn hash(word: &[u8]) -> Option<u64> {
    let digits = word.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let word = &word[..word.len() - digits];
    let dollars = word.iter().rev().take_while(|b| **b == b'$').count();
    let word = &word[..word.len() - dollars];
    let counts = word.first().is_some_and(|b| !b.is_ascii_digit()) && !SKIPPED.contains(&word);
    counts.then(|| {
        word.iter().fold(0xcbf2_9ce4_8422_2325, |value: u64, byte| {
            (value ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
        })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    static TABLE: Published = Published {
        name: "a",
        has_older: false,
        has_newer: false,
        versions: &["1.0.0", "1.1.0", "1.2.0", "2.0.0"],
        sets: &[],
        traces: &[],
    };

    fn known(left: u64, has_older: bool, has_newer: bool) -> String {
        let package = Box::leak(Box::new(Published {
            has_older,
            has_newer,
            ..TABLE
        }));
        let (version, range) = super::known(
            None,
            Some(Candidates {
                package,
                left,
                old: 0,
                new: ENOUGH,
            }),
        );
        version.or(range).unwrap_or_default()
    }

    #[test]
    fn few_traces_tell_nothing_but_one_file_does() {
        static ONE: Published = Published {
            sets: &[0b0010],
            traces: &[1 << 16, 2 << 16, 3 << 16, 4 << 16],
            ..TABLE
        };
        let known = |weights: &[u32]| {
            let mut candidates = Candidates {
                package: &ONE,
                left: ONE.all(),
                old: 0,
                new: 0,
            };
            for (trace, weight) in (1..).zip(weights) {
                candidates.see(trace, *weight);
            }
            super::known(None, Some(candidates)).0
        };
        assert_eq!(known(&[1, 1, 1]), None);
        assert_eq!(known(&[1, 1, 1, 1]).as_deref(), Some("1.1.0"));
        assert_eq!(known(&[ENOUGH]).as_deref(), Some("1.1.0"));
    }

    #[test]
    fn a_release_before_those_of_the_table_has_little_that_is_new() {
        static LATER: Published = Published {
            has_older: true,
            ..TABLE
        };
        let known = |left, old, new| {
            super::known(
                None,
                Some(Candidates {
                    package: &LATER,
                    left,
                    old,
                    new,
                }),
            )
        };
        assert_eq!(known(0b0010, 30, 29), (None, None));
        assert_eq!(known(0b0010, 30, 30).0.as_deref(), Some("1.1.0"));
        assert_eq!(known(0b0011, 30, 0).1.as_deref(), Some("<=1.1.0"));
    }

    #[test]
    fn a_package_of_one_release_has_that() {
        static SOLE: Published = Published {
            versions: &["1.0.1"],
            ..TABLE
        };
        let candidates = Candidates {
            package: &SOLE,
            left: SOLE.all(),
            old: 0,
            new: 0,
        };
        assert_eq!(
            super::known(None, Some(candidates)).0.as_deref(),
            Some("1.0.1")
        );
    }

    #[test]
    fn what_is_stated_counts_more() {
        let package = &TABLE;
        let candidates = Candidates {
            package,
            left: 1,
            old: 0,
            new: ENOUGH,
        };
        let stated = super::known(Some("1.2.0".to_owned()), Some(candidates));
        assert_eq!(stated, (Some("1.2.0".to_owned()), None));
        assert_eq!(super::known(None, None), (None, None));
    }

    #[test]
    fn one_version_that_is_left_is_the_version() {
        assert_eq!(known(0b0010, true, true), "1.1.0");
        assert_eq!(known(0b1000, false, false), "2.0.0");
        assert_eq!(known(0b0001, false, true), "1.0.0");
    }

    #[test]
    fn several_are_a_range() {
        assert_eq!(known(0b0110, false, false), ">=1.1.0 <=1.2.0");
        assert_eq!(known(0b1011, false, false), ">=1.0.0 <=1.1.0 || =2.0.0");
    }

    #[test]
    fn releases_that_are_not_known_may_have_what_the_last_ones_have() {
        assert_eq!(known(0b1000, false, true), ">=2.0.0");
        assert_eq!(known(0b0001, true, false), "<=1.0.0");
        assert_eq!(known(0b1001, true, true), "<=1.0.0 || >=2.0.0");
    }

    #[test]
    fn all_or_none_tell_nothing() {
        assert_eq!(known(0b1111, false, false), "");
        assert_eq!(known(0, false, false), "");
    }

    fn traces(text: &str) -> Vec<u64> {
        let mut traces = Vec::new();
        code_traces(text.as_bytes(), |trace| traces.push(trace));
        traces
    }

    /// The program that makes the table has the same.
    #[test]
    fn traces_are_those_of_the_table() {
        assert_eq!(traces("a(b, 'c d')"), [0xf575_61b2_4810]);
        assert_eq!(file_trace(b"a\n"), 0x8742_8fc5_2280);
    }

    #[test]
    fn what_bundlers_change_does_not_count() {
        let code = traces("exports.find = function (list) { return list['first'] + 10; }");
        for same in [
            "exports2.find=function(list){return list[\"first\"]+0xa}",
            "// a 'comment\nexports$1.find = /* of \" two */ function(list2) {\n  return list2.first + 1e1;\n};",
            "'use strict'; const exports; exports.find = function(list) { return list[`first`]; }",
        ] {
            let same = traces(same);
            assert!(same.ends_with(&code), "{same:?}");
        }
        assert!(!traces("exports.find = function (list) { return list.last }").ends_with(&code));
    }

    #[test]
    fn a_file_is_the_same_whatever_ends_its_lines() {
        assert_eq!(file_trace(b"a\r\nb\r\n"), file_trace(b"a\nb\n"));
        assert_eq!(file_trace(b"\xEF\xBB\xBFa"), file_trace(b"a"));
        assert_ne!(file_trace(b"a\rb"), file_trace(b"a\nb"));
    }

    #[test]
    fn the_table_is_in_order() {
        assert!(PUBLISHED.is_sorted_by_key(|package| package.name));
        for package in &PUBLISHED {
            assert!(
                (1..=64).contains(&package.versions.len()),
                "{}",
                package.name
            );
            assert!(
                package.traces.is_sorted_by(|a, b| a >> 16 < b >> 16),
                "{}",
                package.name
            );
            let sets = package.traces.iter().map(|trace| (trace & 0xffff) as usize);
            let most = sets.max().unwrap_or_default();
            assert!(most < package.sets.len().max(1), "{}", package.name);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_do_harm(pieces in proptest::collection::vec(proptest::sample::select(vec![
            "/*", "*/", "//", "'", "\"", "`", "\\", "\n", "a", "b1", "$", " ", "9", "\u{e9}",
        ]), 0..40)) {
            let text = pieces.concat();
            code_traces(text.as_bytes(), |_| ());
            file_trace(text.as_bytes());
        }

        #[test]
        fn rows_of_bits_are_all_bits(bits in any::<u64>()) {
            let again = rows(bits).into_iter().flat_map(|(first, last)| first..=last);
            prop_assert_eq!(again.fold(0u64, |all, bit| all | 1 << bit), bits);
        }
    }
}
