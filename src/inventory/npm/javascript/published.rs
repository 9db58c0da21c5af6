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
//! of packages that had none after it for long, likewise the last one of each line, and one of the oldest only where the
//! table begins with the package's first. Of most
//! packages the table knows every file of its releases: one that none of them has tells that this is another one, or
//! was changed. Then no version is certain, and the range has the releases beside those that are left too.

use memchr::{memchr, memmem};
use sha2::{Digest, Sha256};

include!(concat!(env!("OUT_DIR"), "/published.rs"));

/// A package of the table.
struct Published {
    name: &'static str,
    /// Whether it has releases before these, and whether some after them must be expected.
    has_older: bool,
    has_newer: bool,
    /// Whether every file of these is among the traces.
    has_all_files: bool,
    /// At most 64 releases, in their order.
    versions: &'static [&'static str],
    /// Each a bit for each release.
    sets: &'static [u64],
    /// 48 bits of a trace, and 16 of the place of its set; in order.
    traces: &'static [u64],
}

/// How many traces of code must be seen, or one file. A release that the table does not know may have one or the other.
const ENOUGH: u32 = 4;

/// A release before those of the table may have what is new in its first ones: releases of an older line are made after those of
/// a newer one. So many must be without it.
const SETTLED: usize = 8;

/// Which files of a package the table knows, by the ends of their names and by their size.
const CODE: [&str; 3] = [".js", ".cjs", ".mjs"];
const MAX_FILE: usize = 1 << 20;

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
    /// Whether files were seen as they were published, and one that is of none of them.
    has_files: bool,
    is_changed: bool,
    /// How much was seen of what its oldest release in the table has too, and of what its newest has.
    oldest: Share,
    newest: Share,
}

/// How much was seen of what a release has, and of what it has not.
#[derive(Clone, Copy, Default)]
struct Share {
    with: u32,
    without: u32,
}

impl Share {
    fn add(&mut self, has: bool, weight: u32) {
        let seen = if has {
            &mut self.with
        } else {
            &mut self.without
        };
        *seen = seen.saturating_add(weight);
    }

    fn total(self) -> u32 {
        self.with.saturating_add(self.without)
    }

    fn is_mostly_with(self) -> bool {
        self.without < self.with
    }
}

impl Candidates {
    /// All versions of a package, if it is in the table.
    pub(super) fn of(name: &str) -> Option<Self> {
        let at = PUBLISHED.binary_search_by_key(&name, |package| package.name);
        let package = &PUBLISHED[at.ok()?];
        Some(Candidates {
            package,
            left: package.all(),
            has_files: false,
            is_changed: false,
            oldest: Share::default(),
            newest: Share::default(),
        })
    }

    /// Takes in the text of a file as it was published.
    pub(super) fn see_file(&mut self, path: &str, text: &[u8]) {
        if is_data(path) {
            return;
        }
        let is_known = self.see(file_trace(text), ENOUGH);
        let is_compared =
            CODE.iter().any(|ending| path.ends_with(ending)) && text.len() <= MAX_FILE;
        self.has_files = true;
        self.is_changed |= is_compared && self.package.has_all_files && !is_known;
        self.see_words(text);
    }

    /// Takes in code that a bundler may have printed anew.
    pub(super) fn see_code(&mut self, path: &str, text: &[u8]) {
        if !is_data(path) {
            self.see_words(text);
        }
    }

    fn see_words(&mut self, text: &[u8]) {
        code_traces(text, |trace| {
            self.see(trace, 1);
        });
    }

    /// Whether the trace is in the table.
    fn see(&mut self, trace: u64, weight: u32) -> bool {
        let traces = self.package.traces;
        let at = traces.partition_point(|known| known >> 16 < trace);
        let Some(known) = traces.get(at).filter(|known| *known >> 16 == trace) else {
            return false;
        };
        let set = self.package.sets[(known & 0xffff) as usize];
        // What all have tells nothing.
        if set != self.package.all() {
            self.left &= set;
            self.oldest.add(set & 1 == 1, weight);
            self.newest.add(set & self.package.newest() != 0, weight);
        }
        true
    }

    /// Whether what is left means anything.
    fn is_told(&self) -> bool {
        // A package of one release has that.
        if self.package.versions.len() == 1 {
            return !self.is_changed;
        }
        // A release before those of the table has little of what is new in them, and that by chance.
        let can_be_older =
            self.package.has_older && self.left & 1 == 0 && self.oldest.is_mostly_with();
        self.left != self.package.all() && self.oldest.total() >= ENOUGH && !can_be_older
    }

    /// Whether it may be a release after those of the table, which has some of what was gone in the newest again.
    /// Files that are all known tell that it is not.
    fn can_be_newer(&self) -> bool {
        self.package.has_newer
            && (self.is_changed || !self.has_files)
            && self.left & self.package.newest() == 0
            && self.newest.is_mostly_with()
    }

    /// What is left, in rows of versions that follow one another.
    fn choices(&self) -> Vec<Choice> {
        let package = self.package;
        let mut left = if self.is_told() { self.left } else { 0 };
        if self.is_changed {
            left = (left | left << 1 | left >> 1) & package.all();
        }
        if left != 0 && self.can_be_newer() {
            left = package.all() << left.trailing_zeros() & package.all();
        }
        let rows = rows(left).into_iter();
        rows.map(|(first, last)| Choice {
            from: (first >= SETTLED || !package.has_older).then(|| package.versions[first]),
            to: package.end_after(last),
        })
        .collect()
    }
}

/// Versions that follow one another. An end that is not there is open.
struct Choice {
    from: Option<&'static str>,
    to: Option<End>,
}

enum End {
    At(&'static str),
    Before(&'static str),
}

impl Choice {
    fn only(&self) -> Option<&'static str> {
        match (self.from, &self.to) {
            (Some(from), Some(End::At(to))) if from == *to => Some(from),
            _ => None,
        }
    }

    /// As npm writes it.
    fn range(&self) -> Option<String> {
        if let Some(only) = self.only() {
            return Some(format!("={only}"));
        }
        let from = self.from.map(|from| format!(">={from}"));
        let to = self.to.as_ref().map(|to| match to {
            End::At(to) => format!("<={to}"),
            End::Before(to) => format!("<{to}"),
        });
        let ends: Vec<String> = from.into_iter().chain(to).collect();
        (!ends.is_empty()).then(|| ends.join(" "))
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
    if let [choice] = &choices[..]
        && let Some(only) = choice.only()
    {
        return (Some(only.to_owned()), None);
    }
    let ranges: Option<Vec<String>> = choices.iter().map(Choice::range).collect();
    let range = ranges.filter(|ranges| !ranges.is_empty());
    (None, range.map(|ranges| ranges.join(" || ")))
}

/// Whether a bundler shortened the syntax of a text, as esbuild's `--minify-syntax` does: `!0` in place of `true`. What words
/// follow one another in it says nothing then.
pub(super) fn is_shortened(text: &[u8]) -> bool {
    let count = |words: [&[u8]; 2]| -> usize {
        words
            .map(|word| memmem::find_iter(text, word).count())
            .iter()
            .sum()
    };
    count([b"!0", b"!1"]) > count([b"true", b"false"])
}

/// Data has the words of code of other releases: the table has none of it.
fn is_data(path: &str) -> bool {
    path.ends_with(".json")
}

impl Published {
    fn all(&self) -> u64 {
        u64::MAX >> (64 - self.versions.len())
    }

    fn newest(&self) -> u64 {
        1 << (self.versions.len() - 1)
    }

    /// Where a row ends whose last release of the table is this. Where releases are still made, one of an older line may
    /// follow at any time, so that the last of each `major.minor` is open up to the next that is known.
    fn end_after(&self, last: usize) -> Option<End> {
        let version = self.versions[last];
        let next = self.versions.get(last + 1).copied();
        match next {
            Some(next) if self.has_newer && line(next) != line(version) => Some(End::Before(next)),
            None if self.has_newer => None,
            _ => Some(End::At(version)),
        }
    }
}

/// `1.2` of `1.2.3`.
fn line(version: &str) -> &str {
    version.rsplit_once('.').map_or(version, |(line, _)| line)
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
        has_all_files: true,
        versions: &["1.0.0", "1.1.0", "1.2.0", "2.0.0"],
        sets: &[],
        traces: &[],
    };

    const ENOUGH_OF_NEITHER: Share = Share {
        with: 0,
        without: ENOUGH,
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
                has_files: false,
                is_changed: false,
                oldest: ENOUGH_OF_NEITHER,
                newest: ENOUGH_OF_NEITHER,
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
                has_files: false,
                is_changed: false,
                oldest: Share::default(),
                newest: Share::default(),
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
    fn a_file_of_no_release_leaves_no_version_certain() {
        static ONE: Published = Published {
            sets: &[0b0010, 0b1111],
            traces: &[0x8742_8fc5_2280 << 16],
            ..TABLE
        };
        let known = |files: &[&str]| {
            let mut candidates = Candidates {
                package: &ONE,
                left: ONE.all(),
                has_files: false,
                is_changed: false,
                oldest: Share::default(),
                newest: Share::default(),
            };
            for file in files {
                candidates.see_file("a.js", file.as_bytes());
            }
            super::known(None, Some(candidates))
        };
        assert_eq!(known(&["a\n"]).0.as_deref(), Some("1.1.0"));
        assert_eq!(
            known(&["a\n", "b\n"]),
            (None, Some(">=1.0.0 <=1.2.0".to_owned()))
        );
        assert_eq!(known(&["b\n"]), (None, None));
    }

    #[test]
    fn data_is_not_compared() {
        static ONE: Published = Published {
            sets: &[0b0010],
            traces: &[0xf575_61b2_4810 << 16],
            ..TABLE
        };
        let left = |path| {
            let mut candidates = Candidates {
                package: &ONE,
                left: ONE.all(),
                has_files: false,
                is_changed: false,
                oldest: Share::default(),
                newest: Share::default(),
            };
            candidates.see_code(path, b"a(b, 'c d')");
            candidates.see_file(path, b"a(b, 'c d')");
            (candidates.left, candidates.is_changed)
        };
        assert_eq!(left("a.js"), (0b0010, true));
        assert_eq!(left("a.json"), (0b1111, false));
    }

    #[test]
    fn a_release_outside_of_the_table_has_little_that_its_end_has_not() {
        static PART: Published = Published {
            has_older: true,
            has_newer: true,
            ..TABLE
        };
        let known = |left, oldest, newest| {
            let share = |(with, without)| Share { with, without };
            super::known(
                None,
                Some(Candidates {
                    package: &PART,
                    left,
                    has_files: false,
                    is_changed: false,
                    oldest: share(oldest),
                    newest: share(newest),
                }),
            )
        };
        assert_eq!(known(0b0010, (30, 29), (0, 59)), (None, None));
        assert_eq!(known(0b0010, (0, 59), (30, 29)), (None, None));
        let range = |left, oldest, newest| known(left, oldest, newest).1;
        let below = Some("<1.2.0".to_owned());
        assert_eq!(range(0b0010, (30, 30), (30, 30)), below);
        assert_eq!(range(0b0011, (30, 0), (0, 30)), below);
        assert_eq!(range(0b1100, (0, 30), (30, 0)), None);
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
            has_files: false,
            is_changed: false,
            oldest: Share::default(),
            newest: Share::default(),
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
            has_files: false,
            is_changed: false,
            oldest: ENOUGH_OF_NEITHER,
            newest: ENOUGH_OF_NEITHER,
        };
        let stated = super::known(Some("1.2.0".to_owned()), Some(candidates));
        assert_eq!(stated, (Some("1.2.0".to_owned()), None));
        assert_eq!(super::known(None, None), (None, None));
    }

    #[test]
    fn one_version_that_is_left_is_the_version() {
        assert_eq!(known(0b0010, false, false), "1.1.0");
        assert_eq!(known(0b1000, false, false), "2.0.0");
        assert_eq!(known(0b0001, false, false), "1.0.0");
    }

    #[test]
    fn a_version_needs_releases_before_it_and_behind_it_in_its_line() {
        static LONG: Published = Published {
            has_older: true,
            has_newer: true,
            versions: &[
                "1.0.0", "1.0.1", "1.0.2", "1.0.3", "1.0.4", "1.0.5", "1.0.6", "1.0.7", "1.0.8",
                "1.0.9", "1.1.0",
            ],
            ..TABLE
        };
        let known = |at: usize| {
            super::known(
                None,
                Some(Candidates {
                    package: &LONG,
                    left: 1 << at,
                    has_files: false,
                    is_changed: false,
                    oldest: ENOUGH_OF_NEITHER,
                    newest: ENOUGH_OF_NEITHER,
                }),
            )
        };
        let range = |text: &str| (None, Some(text.to_owned()));
        assert_eq!(known(7), range("<=1.0.7"));
        assert_eq!(known(8), (Some("1.0.8".to_owned()), None));
        assert_eq!(known(9), range(">=1.0.9 <1.1.0"));
        assert_eq!(known(10), range(">=1.1.0"));
    }

    #[test]
    fn shortened_syntax_is_told_by_its_truths() {
        assert!(is_shortened(b"a(!0,!1);b='true'"));
        assert!(!is_shortened(b"a(true, !1); b = false"));
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
        assert_eq!(known(0b1001, true, true), "");
        assert_eq!(known(0b0001, false, true), ">=1.0.0 <1.1.0");
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
