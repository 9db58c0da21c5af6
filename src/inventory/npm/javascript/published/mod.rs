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

mod choice;
#[cfg(test)]
mod tests;
mod traces;

use memchr::memmem;

use self::choice::{Choice, End};
use self::traces::{code_traces, file_trace};

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

    /// Whether every file that was seen is as a release of the table has it.
    fn is_whole(&self) -> bool {
        self.package.has_all_files && self.has_files && !self.is_changed
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
            to: package.end_after(last, self.is_whole()),
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
    /// follow at any time, so that the last of each `major.minor` is open up to the next that is known; but one that
    /// follows mends something, and has not all files as they were.
    fn end_after(&self, last: usize, is_whole: bool) -> Option<End> {
        let version = self.versions[last];
        let next = self.versions.get(last + 1).copied();
        match next {
            Some(_) if is_whole => Some(End::At(version)),
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
