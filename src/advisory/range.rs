//! Whether a version is affected: OSV's algorithm, <https://ossf.github.io/osv-schema/#evaluation>.
//!
//! What the schema leaves open is decided so:
//!
//! - Of two events at one version the one written later counts, and a `last_affected` counts last.
//!   Databases write `fixed 1.0, introduced 1.0` where two affected ranges meet.
//! - An event whose version cannot be read says nothing about where its range starts or ends. If the
//!   entry lists versions too, they alone decide. Otherwise the range starts at the beginning, or does
//!   not end, and what it contains is affected possibly, not certainly.
//! - A component whose own version cannot be read is affected where `versions` lists that very text. A range
//!   that begins before every version and never ends contains it too, and one whose version nobody knows.
//! - Of a version that is known in part, a range, all versions that it can mean are asked about: what affects all
//!   of them is certain, what affects some is possible.
//! - A Python version with a local label, `1.13.0+cu117`, is affected where `1.13.0` is: builds of a release that
//!   only differ in their label are ["API-compatible"](https://packaging.python.org/en/latest/specifications/version-specifiers/#local-version-identifiers),
//!   and advisories name none of them.

use std::borrow::Cow;

use crate::advisory::compiled::{Affected, Event};
use crate::component::Ecosystem;
use crate::finding::Certainty;
use crate::version::Version;
use crate::version::set::{Cut, VersionSet};

/// A version to ask about, parsed once.
pub struct PackageVersion<'a> {
    ecosystem: Ecosystem,
    text: &'a str,
    /// None where nobody knows the version.
    spelling: Option<Spelling<'a>>,
    /// What is known of the version instead.
    within: Option<VersionSet>,
    /// The release that it is a build of.
    public: Option<Spelling<'a>>,
}

struct Spelling<'a> {
    /// As `versions` lists it.
    canonical: Cow<'a, str>,
    /// None where it has no place in its ecosystem's order.
    parsed: Option<Version>,
}

impl<'a> Spelling<'a> {
    fn new(ecosystem: Ecosystem, text: &'a str) -> Self {
        Spelling {
            canonical: Version::canonical(ecosystem, text),
            parsed: Version::parse(ecosystem, text),
        }
    }
}

impl<'a> PackageVersion<'a> {
    pub fn new(ecosystem: Ecosystem, text: &'a str) -> Self {
        let public = match ecosystem {
            Ecosystem::PyPi => text.split_once('+').map(|(public, _label)| public),
            _ => None,
        };
        PackageVersion {
            ecosystem,
            text,
            spelling: Some(Spelling::new(ecosystem, text)),
            within: None,
            public: public.map(|public| Spelling::new(ecosystem, public)),
        }
    }

    /// The version of a component that is known by its name alone, and that need not be there: what may affect it
    /// is not asked for, only what surely does.
    pub fn unknown(ecosystem: Ecosystem) -> Self {
        PackageVersion {
            ecosystem,
            text: "",
            spelling: None,
            within: None,
            public: None,
        }
    }

    /// A version that is one of several, nobody knows which.
    pub fn within(ecosystem: Ecosystem, versions: VersionSet) -> Self {
        PackageVersion {
            within: Some(versions),
            ..PackageVersion::unknown(ecosystem)
        }
    }

    /// The versions that it can be, where it is known in part.
    pub fn possible(&self) -> Option<&VersionSet> {
        self.within.as_ref()
    }

    /// The part of the versions that it can be that is not below `version`, where it is known in part.
    pub fn from(&self, version: &Version) -> Option<Self> {
        let above = VersionSet::between(Cut::before(version), Cut::End);
        let rest = self.within.as_ref()?.intersection(&above);
        (!rest.is_empty()).then(|| PackageVersion::within(self.ecosystem, rest))
    }

    /// Whether it is below the other, or can be.
    pub fn may_be_below(&self, other: &Version) -> bool {
        match &self.within {
            Some(versions) => versions.meets(&VersionSet::between(Cut::Start, Cut::before(other))),
            None => self.parsed().is_some_and(|version| version < other),
        }
    }

    pub fn text(&self) -> &'a str {
        self.text
    }

    pub fn parsed(&self) -> Option<&Version> {
        self.spelling.as_ref()?.parsed.as_ref()
    }
}

/// How surely the version is affected, if it is.
pub fn affects(affected: &Affected, version: &PackageVersion) -> Option<Certainty> {
    AffectedVersions::new(affected, version.ecosystem).certainty(version)
}

/// The versions that an `affected` entry describes, parsed once for many questions.
pub struct AffectedVersions<'a> {
    ecosystem: Ecosystem,
    listed: &'a [&'a str],
    ranges: Vec<Timeline>,
}

impl<'a> AffectedVersions<'a> {
    pub fn new(affected: &'a Affected<'a>, ecosystem: Ecosystem) -> Self {
        let ranges = affected
            .ranges
            .iter()
            .map(|range| Timeline::new(range, ecosystem))
            .filter(|range| range.certainty == Certainty::Certain || affected.versions.is_empty());
        AffectedVersions {
            ecosystem,
            listed: &affected.versions,
            ranges: ranges.collect(),
        }
    }

    /// How surely the version is among them, if it is.
    pub fn certainty(&self, version: &PackageVersion) -> Option<Certainty> {
        let spellings = version.spelling.iter().chain(&version.public);
        let certainties = spellings.filter_map(|spelling| self.certainty_of(spelling));
        certainties.max().or_else(|| {
            let everything = self.ranges.iter().any(Timeline::contains_everything);
            (version.parsed().is_none() && everything).then_some(Certainty::Certain)
        })
    }

    /// All versions that are surely affected, or those that may be too.
    pub fn set(&self, least: Certainty) -> VersionSet {
        let listed = self.listed.iter();
        let listed = listed.filter_map(|text| Version::parse(self.ecosystem, text));
        let ranges = self.ranges.iter().filter(|range| range.certainty >= least);
        VersionSet::union(
            listed
                .map(|version| VersionSet::only(&version))
                .chain(ranges.map(Timeline::set)),
        )
    }

    fn certainty_of(&self, spelling: &Spelling) -> Option<Certainty> {
        if self.listed.contains(&&*spelling.canonical) {
            return Some(Certainty::Certain);
        }
        let version = spelling.parsed.as_ref()?;
        let containing = self.ranges.iter().filter(|range| range.contains(version));
        containing.map(|range| range.certainty).max()
    }
}

/// The versions that the entry's ranges say are fixed, as they are written.
pub fn fixed_versions<'a>(affected: &Affected<'a>) -> impl Iterator<Item = &'a str> {
    affected
        .ranges
        .iter()
        .flatten()
        .filter_map(|event| match event {
            Event::Fixed(version) => Some(*version),
            _ => None,
        })
}

/// A range's events in order.
struct Timeline {
    changes: Vec<Change>,
    /// `None` where the range has no limit.
    limits: Option<Vec<Version>>,
    /// Of what the range contains.
    certainty: Certainty,
}

struct Change {
    /// `None` is before every version.
    at: Option<Version>,
    to: State,
}

/// In the order in which events at one version count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Affected,
    Fixed,
    FixedAfter,
}

impl Timeline {
    fn new(events: &[Event], ecosystem: Ecosystem) -> Self {
        let mut changes = Vec::with_capacity(events.len());
        let mut limits = Vec::new();
        // `*` is infinity, and so is a limit that cannot be read.
        let mut is_unlimited = false;
        let mut certainty = Certainty::Certain;
        let mut version = |text: &str| {
            let version = Version::parse(ecosystem, text);
            if version.is_none() {
                certainty = Certainty::Possible;
            }
            version
        };
        for event in events {
            let (at, to) = match event {
                Event::Introduced("0") => (None, State::Affected),
                Event::Introduced(text) => (version(text), State::Affected),
                Event::Fixed(text) => (version(text), State::Fixed),
                Event::LastAffected(text) => (version(text), State::FixedAfter),
                Event::Limit("*") => {
                    is_unlimited = true;
                    continue;
                }
                Event::Limit(text) => {
                    let limit = version(text);
                    is_unlimited |= limit.is_none();
                    limits.extend(limit);
                    continue;
                }
            };
            if at.is_some() || to == State::Affected {
                changes.push(Change { at, to });
            }
        }
        changes.sort_by(|a: &Change, b: &Change| {
            let is_after = |change: &Change| change.to == State::FixedAfter;
            a.at.cmp(&b.at).then(is_after(a).cmp(&is_after(b)))
        });
        Timeline {
            changes,
            limits: (!is_unlimited && !limits.is_empty()).then_some(limits),
            certainty,
        }
    }

    /// Whether it certainly contains whatever version there may be.
    fn contains_everything(&self) -> bool {
        let from_the_start = |change: &Change| change.at.is_none() && change.to == State::Affected;
        self.certainty == Certainty::Certain
            && self.limits.is_none()
            && !self.changes.is_empty()
            && self.changes.iter().all(from_the_start)
    }

    /// What it contains.
    fn set(&self) -> VersionSet {
        let cut = |change: &Change| match (&change.at, change.to) {
            (None, _) => Cut::Start,
            (Some(at), State::FixedAfter) => Cut::after(at),
            (Some(at), State::Affected | State::Fixed) => Cut::before(at),
        };
        let ends = self.changes.iter().skip(1).map(cut).chain([Cut::End]);
        let intervals = self.changes.iter().zip(ends);
        let affected = intervals.filter(|(change, _)| change.to == State::Affected);
        let set = VersionSet::of(affected.map(|(change, end)| (cut(change), end)).collect());
        match self.limits.iter().flatten().max() {
            Some(limit) => set.intersection(&VersionSet::between(Cut::Start, Cut::before(limit))),
            None => set,
        }
    }

    fn contains(&self, version: &Version) -> bool {
        if let Some(limits) = &self.limits
            && !limits.iter().any(|limit| version < limit)
        {
            return false;
        }
        let mut affected = false;
        for change in &self.changes {
            let reached = match (&change.at, change.to) {
                (None, _) => true,
                (Some(at), State::FixedAfter) => version > at,
                (Some(at), State::Affected | State::Fixed) => version >= at,
            };
            if reached {
                affected = change.to == State::Affected;
            }
        }
        affected
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::advisory::osv;

    fn affected(value: Value) -> Affected<'static> {
        let mut entry: osv::Affected = serde_json::from_value(value).unwrap();
        entry.canonicalize_versions();
        Affected::new(Box::leak(Box::new(entry)))
    }

    /// Which of the versions an npm entry of one range affects.
    fn in_range<'a>(events: Value, versions: &[&'a str]) -> Vec<&'a str> {
        let affected = affected(json!({"ranges": [{"type": "SEMVER", "events": events}]}));
        among(&affected, Ecosystem::Npm, versions)
    }

    fn among<'a>(affected: &Affected, ecosystem: Ecosystem, versions: &[&'a str]) -> Vec<&'a str> {
        let all = versions.iter().copied();
        all.filter(|v| affects(affected, &PackageVersion::new(ecosystem, v)).is_some())
            .collect()
    }

    /// As [`in_range`], where the entry has a list of versions too. A possible one has a `?`.
    fn in_range_or_list(events: Value, listed: &[&str], versions: &[&str]) -> Vec<String> {
        let affected = affected(json!({
            "versions": listed, "ranges": [{"type": "SEMVER", "events": events}]
        }));
        let shown = |v: &&str| match affects(&affected, &PackageVersion::new(Ecosystem::Npm, v))? {
            Certainty::Certain => Some((*v).to_owned()),
            Certainty::Possible => Some(format!("{v}?")),
        };
        versions.iter().filter_map(shown).collect()
    }

    #[test]
    fn a_range_runs_from_introduced_to_fixed() {
        let versions = [
            "0.0.0-0",
            "0.9.0",
            "1.0.0-rc.1",
            "1.0.0",
            "1.9.9",
            "2.0.0-rc.1",
            "2.0.0",
            "3.0.0",
        ];
        let events = json!([{"introduced": "1.0.0"}, {"fixed": "2.0.0"}]);
        assert_eq!(
            in_range(events, &versions),
            ["1.0.0", "1.9.9", "2.0.0-rc.1"]
        );
        let events = json!([{"introduced": "0"}, {"fixed": "1.0.0"}]);
        assert_eq!(
            in_range(events, &versions),
            ["0.0.0-0", "0.9.0", "1.0.0-rc.1"]
        );
        let events = json!([{"introduced": "1.0.0"}, {"last_affected": "2.0.0"}]);
        assert_eq!(
            in_range(events, &versions),
            ["1.0.0", "1.9.9", "2.0.0-rc.1", "2.0.0"]
        );
        assert_eq!(in_range(json!([{"introduced": "0"}]), &versions), versions);
        assert!(in_range(json!([{"fixed": "3.0.0"}]), &versions).is_empty());
        assert!(in_range(json!([]), &versions).is_empty());
    }

    #[test]
    fn events_count_in_the_order_of_their_versions() {
        let versions = ["1.0.0", "1.0.2", "2.9.9", "3.0.0", "3.2.4", "3.2.5"];
        let events = json!([
            {"fixed": "3.2.5"}, {"introduced": "3.0.0"}, {"fixed": "1.0.2"}, {"introduced": "1.0.0"}
        ]);
        assert_eq!(in_range(events, &versions), ["1.0.0", "3.0.0", "3.2.4"]);
    }

    #[test]
    fn events_at_one_version_count_as_written() {
        let versions = ["0.5.0", "1.0.0", "1.5.0", "2.0.0"];
        let events = json!([{"introduced": "0"}, {"fixed": "1.0.0"}, {"introduced": "1.0.0"}, {"fixed": "2.0.0"}]);
        assert_eq!(in_range(events, &versions), ["0.5.0", "1.0.0", "1.5.0"]);
        let events = json!([{"introduced": "1.0.0"}, {"fixed": "1.0.0"}]);
        assert!(in_range(events, &versions).is_empty());
        for events in [
            json!([{"introduced": "1.0.0"}, {"last_affected": "1.0.0"}]),
            json!([{"last_affected": "1.0.0"}, {"introduced": "1.0.0"}]),
        ] {
            assert_eq!(in_range(events, &versions), ["1.0.0"]);
        }
    }

    #[test]
    fn a_limit_ends_the_range_unless_another_is_beyond() {
        let versions = ["1.0.0", "2.0.0", "3.0.0"];
        let introduced = json!({"introduced": "0"});
        let with = |limits: &[&str]| {
            let mut events = vec![introduced.clone()];
            events.extend(limits.iter().map(|limit| json!({"limit": limit})));
            in_range(json!(events), &versions)
        };
        assert_eq!(with(&["2.0.0"]), ["1.0.0"]);
        assert_eq!(with(&["2.0.0", "3.0.0"]), ["1.0.0", "2.0.0"]);
        assert_eq!(with(&["2.0.0", "*"]), versions);
        assert_eq!(with(&["unreadable"]), versions);
    }

    #[test]
    fn a_range_with_an_event_that_cannot_be_read_affects_only_possibly() {
        let in_range = |events| in_range_or_list(events, &[], &["1.0.0", "2.0.0", "3.0.0"]);
        let events = json!([{"introduced": "unknown"}, {"fixed": "2.0.0"}]);
        assert_eq!(in_range(events), ["1.0.0?"]);
        let events = json!([{"introduced": "2.0.0"}, {"fixed": "next"}]);
        assert_eq!(in_range(events), ["2.0.0?", "3.0.0?"]);
        let events = json!([{"introduced": "2.0.0"}, {"last_affected": "?"}]);
        assert_eq!(in_range(events), ["2.0.0?", "3.0.0?"]);
        let events = json!([{"introduced": "0"}, {"limit": "?"}, {"fixed": "2.0.0"}]);
        assert_eq!(in_range(events), ["1.0.0?"]);
        let events = json!([{"introduced": "2.0.0"}, {"limit": "*"}]);
        assert_eq!(in_range(events), ["2.0.0", "3.0.0"]);
    }

    #[test]
    fn where_an_event_cannot_be_read_a_list_of_versions_decides() {
        let in_range = |events| in_range_or_list(events, &["2.0.0"], &["1.0.0", "2.0.0", "3.0.0"]);
        let events = json!([{"introduced": "0"}, {"fixed": "next"}]);
        assert_eq!(in_range(events), ["2.0.0"]);
        let events = json!([{"introduced": "3.0.0"}, {"fixed": "4.0.0"}]);
        assert_eq!(in_range(events), ["2.0.0", "3.0.0"]);
    }

    #[test]
    fn what_one_range_contains_for_certain_is_certain() {
        let affected = affected(json!({"ranges": [
            {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "0.2.0-n653"}]},
            {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "0.1"}]},
        ]}));
        let certainty =
            |version| affects(&affected, &PackageVersion::new(Ecosystem::PyPi, version));
        assert_eq!(certainty("0.0.9"), Some(Certainty::Certain));
        assert_eq!(certainty("0.1"), Some(Certainty::Possible));
        assert_eq!(certainty("nightly"), None);
    }

    #[test]
    fn ranges_and_versions_add_up_and_other_ranges_are_left_out() {
        let affected = affected(json!({
            "versions": ["7.0.0", "not a version"],
            "ranges": [
                {"type": "GIT", "events": [{"introduced": "0"}]},
                {"type": "LUNAR", "events": [{"introduced": "0"}]},
                {"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.0.0"}]},
                {"type": "ECOSYSTEM", "events": [{"introduced": "3.0.0"}, {"fixed": "4.0.0"}]},
            ]
        }));
        let versions = [
            "0.1.0",
            "2.0.0",
            "3.0.0",
            "7.0.0",
            "7.0",
            "not a version",
            "nor this",
        ];
        let expected = ["0.1.0", "3.0.0", "7.0.0", "not a version"];
        assert_eq!(among(&affected, Ecosystem::Npm, &versions), expected);
        assert_eq!(
            fixed_versions(&affected).collect::<Vec<_>>(),
            ["1.0.0", "4.0.0"]
        );
    }

    #[test]
    fn python_compares_listed_versions_by_meaning() {
        let affected = affected(json!({
            "package": {"ecosystem": "PyPI", "name": "a"},
            "versions": ["1.0", "2.0rc1", "0.1-bulbasaur"]
        }));
        let versions = ["1.0.0", "v1", "2.0.rc.1", "2.0", "0.1-bulbasaur"];
        let expected = ["1.0.0", "v1", "2.0.rc.1", "0.1-bulbasaur"];
        assert_eq!(among(&affected, Ecosystem::PyPi, &versions), expected);
    }

    #[test]
    fn a_python_build_with_a_label_is_affected_as_its_release_is() {
        let affected = affected(json!({
            "package": {"ecosystem": "PyPI", "name": "a"},
            "versions": ["1.0"],
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "2.0"}, {"last_affected": "2.1"}]}]
        }));
        let versions = ["1.0+cu117", "1.1+cu117", "2.1+cpu", "2.1.1+cpu", "2.2"];
        let expected = ["1.0+cu117", "2.1+cpu"];
        assert_eq!(among(&affected, Ecosystem::PyPi, &versions), expected);
    }

    #[test]
    fn what_affects_every_version_affects_one_that_cannot_be_read_or_is_not_known() {
        let certainty = |events: Value, version: &PackageVersion| {
            let range = json!({"type": "SEMVER", "events": events});
            affects(&affected(json!({"ranges": [range]})), version)
        };
        for version in [
            PackageVersion::new(Ecosystem::Npm, "our own build"),
            PackageVersion::unknown(Ecosystem::Npm),
        ] {
            let all = json!([{"introduced": "0"}]);
            assert_eq!(certainty(all, &version), Some(Certainty::Certain));
            for some in [
                json!([]),
                json!([{"introduced": "1.0.0"}]),
                json!([{"introduced": "0"}, {"fixed": "2.0.0"}]),
                json!([{"introduced": "0"}, {"fixed": "?"}]),
                json!([{"introduced": "0"}, {"limit": "2.0.0"}]),
            ] {
                assert_eq!(certainty(some, &version), None);
            }
        }
    }

    #[test]
    fn zero_comes_before_what_sorts_below_version_zero() {
        let affected =
            affected(json!({"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]}));
        assert_eq!(among(&affected, Ecosystem::PyPi, &["0.dev0"]), ["0.dev0"]);
    }

    proptest! {
        /// Disjoint intervals mean what they say, in whatever order their ends are written.
        #[test]
        fn intervals_written_as_events_contain_what_the_intervals_contain(
            ends in proptest::collection::btree_set(1u64..60, 0..8),
            closed in any::<bool>(),
            shuffle in any::<prop::sample::Index>(),
            asked in 0u64..62,
        ) {
            let ends: Vec<u64> = ends.into_iter().collect();
            let text = |n: u64| format!("{}.{}.0", n / 10, n % 10);
            let last = if closed { "last_affected" } else { "fixed" };
            let mut events = Vec::new();
            let mut expected = false;
            for pair in ends.chunks(2) {
                events.push(json!({"introduced": text(pair[0])}));
                match pair.get(1) {
                    Some(&end) => {
                        events.push(json!({last: text(end)}));
                        expected |= pair[0] <= asked && (asked < end || closed && asked == end);
                    }
                    None => expected |= pair[0] <= asked,
                }
            }
            if !events.is_empty() {
                let by = shuffle.index(events.len());
                events.rotate_left(by);
            }
            let asked = text(asked);
            let affects = !in_range(json!(events), &[&asked]).is_empty();
            prop_assert_eq!(affects, expected);
        }

        /// As a set it contains what it contains as a range.
        #[test]
        fn the_set_of_a_range_is_the_range(
            events in prop::collection::vec((0usize..5, 0u64..7), 0..7),
            listed in prop::collection::vec(0u64..7, 0..3),
        ) {
            let version = |n: u64| if n == 6 { "*".to_owned() } else { format!("{n}.0.0") };
            let kinds = ["introduced", "fixed", "last_affected", "limit"];
            let events: Vec<Value> = events
                .iter()
                .map(|&(kind, n)| match kinds.get(kind) {
                    Some(&kind) => json!({kind: version(n)}),
                    None => json!({"introduced": "0"}),
                })
                .collect();
            let listed: Vec<String> = listed.into_iter().map(version).collect();
            let affected = affected(json!({"versions": listed, "ranges": [{"type": "SEMVER", "events": events}]}));
            let versions = AffectedVersions::new(&affected, Ecosystem::Npm);
            for text in ["0.0.0", "0.5.0", "1.0.0-rc.1", "1.0.0", "2.0.0", "2.5.0", "3.0.0", "4.0.0", "5.0.0", "9.0.0"] {
                let point = versions.certainty(&PackageVersion::new(Ecosystem::Npm, text));
                let parsed = Version::parse(Ecosystem::Npm, text).unwrap();
                let is_in = |least| versions.set(least).contains(&parsed);
                prop_assert_eq!(is_in(Certainty::Certain), point == Some(Certainty::Certain), "{}", text);
                prop_assert_eq!(is_in(Certainty::Possible), point.is_some(), "{}", text);
            }
        }

        /// Another range can only add versions.
        #[test]
        fn ranges_add_up(a in 0u64..9, b in 0u64..9, c in 0u64..9, d in 0u64..9, asked in 0u64..9) {
            let range = |from: u64, to: u64| json!({"type": "SEMVER", "events": [
                {"introduced": format!("{from}.0.0")}, {"fixed": format!("{to}.0.0")}]});
            let asked = format!("{asked}.0.0");
            let hit = |ranges: Value| !among(&affected(json!({"ranges": ranges})), Ecosystem::Go, &[&asked]).is_empty();
            let (x, y) = (range(a, b), range(c, d));
            prop_assert_eq!(hit(json!([x.clone(), y.clone()])), hit(json!([x])) || hit(json!([y])));
        }
    }
}
