//! Semantic versions and their precedence: <https://semver.org/#spec-item-11>.
//!
//! The registries hold versions older than the specification, so the reading is lenient: a leading
//! `v` or `=`, missing parts (`1.2-beta` is `1.2.0-beta`) and leading zeros are allowed. Build
//! metadata has no part in precedence and is dropped, as is Go's `+incompatible`.
//!
//! Numbers have no upper bound: npm and Go publish pre-releases whose numbers no machine word holds.

use std::fmt;

use super::number::Number;

/// A semantic version, equal to every other of the same precedence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Semver {
    release: [Number; 3],
    stage: Stage,
}

/// A pre-release comes before its release; fewer identifiers come before more.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    PreRelease(Vec<Identifier>),
    Release,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Identifier {
    Numeric(Number),
    Alphanumeric(Box<str>),
}

impl Semver {
    pub fn parse(text: &str) -> Option<Semver> {
        let text = text.trim().trim_start_matches(['v', 'V', '=', ' ']);
        let text = text
            .split_once('+')
            .map_or(text, |(version, _build)| version);
        let (release, stage) = match text.split_once('-') {
            Some((release, pre)) => (release, Stage::parse_pre_release(pre)?),
            None => (text, Stage::Release),
        };
        let mut parts = release.split('.');
        let mut next = || parts.next().map_or(Some(Number::Small(0)), Number::parse);
        let release = [next()?, next()?, next()?];
        parts.next().is_none().then_some(Semver { release, stage })
    }

    /// Reads what `go version` prints: `go1.21.3`, `go1.21rc2`, `go1.20.4-vendor X:experiment`.
    ///
    /// Go's advisories write the release candidates of the standard library as `1.21.0-rc.2`. What
    /// follows a `-` or a space is the name of a build of that release, not a pre-release.
    pub fn parse_go_release(text: &str) -> Option<Semver> {
        let text = text.trim();
        let text = text.strip_prefix("go").unwrap_or(text);
        let tag = text.split([' ', '-']).next()?;
        let Some(stage) = tag.find(|c: char| c.is_ascii_alphabetic()) else {
            return Semver::parse(tag);
        };
        let (release, stage) = tag.split_at(stage);
        let (kind, number) = ["rc", "beta"]
            .into_iter()
            .find_map(|kind| Some((kind, stage.strip_prefix(kind)?)))?;
        Semver::parse(&format!("{release}-{kind}.{number}"))
    }
}

impl Stage {
    pub(super) fn parse_pre_release(text: &str) -> Option<Stage> {
        if text.is_empty() {
            return None;
        }
        let identifiers = text.split('.').map(Identifier::parse);
        Some(Stage::PreRelease(identifiers.collect::<Option<_>>()?))
    }
}

impl Identifier {
    pub(super) fn parse(text: &str) -> Option<Identifier> {
        let valid = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        match Number::parse(text) {
            Some(number) => Some(Identifier::Numeric(number)),
            None => valid.then(|| Identifier::Alphanumeric(text.into())),
        }
    }
}

/// With the hyphen before a pre-release, and nothing for a release.
impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Stage::PreRelease(identifiers) = self {
            for (i, identifier) in identifiers.iter().enumerate() {
                let separator = if i == 0 { '-' } else { '.' };
                write!(f, "{separator}{identifier}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Identifier::Numeric(number) => number.fmt(f),
            Identifier::Alphanumeric(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use proptest::prelude::*;

    use super::*;

    fn version(text: &str) -> Semver {
        Semver::parse(text).unwrap_or_else(|| panic!("{text} does not parse"))
    }

    #[test]
    fn orders_as_the_specification_says() {
        let ascending = [
            "0.0.0-0",
            "0.0.0",
            "0.9.99",
            // Item 11.4's own example.
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            // Item 11.2's.
            "2.0.0",
            "2.1.0",
            "2.1.1",
            // Numbers are compared as numbers, whatever their length.
            "10.0.0-1",
            "10.0.0-18446744073709551615",
            "10.0.0-18446744073709551616",
            "10.0.0-20240101000000000000000",
            "10.0.0-20240101000000000000001",
            "10.0.0--",
            "10.0.0-0a",
            "10.0.0",
            "18446744073709551616.0.0",
            "99999999999999999999.0.0",
            "100000000000000000000.0.0",
        ];
        for (i, a) in ascending.iter().enumerate() {
            for (j, b) in ascending.iter().enumerate() {
                assert_eq!(version(a).cmp(&version(b)), i.cmp(&j), "{a} and {b}");
            }
        }
    }

    #[test]
    fn spellings_of_one_precedence_are_equal() {
        for (a, b) in [
            ("1", "1.0.0"),
            ("1.2", "1.2.0"),
            ("1.2-beta", "1.2.0-beta"),
            ("v1.2.3", "1.2.3"),
            ("=1.2.3", "1.2.3"),
            ("= v1.2.3", "1.2.3"),
            (" 1.2.3\n", "1.2.3"),
            ("1.2.3+build.7", "1.2.3+build.8"),
            ("v2.0.0+incompatible", "2.0.0"),
            ("1.2.3-rc.1+x-y", "1.2.3-rc.1"),
            ("01.002.3-04", "1.2.3-4"),
            ("000000000000000000000001.0.0", "1.0.0"),
        ] {
            assert_eq!(version(a), version(b), "{a} and {b}");
        }
    }

    #[test]
    fn a_go_release_is_read_as_its_advisories_write_it() {
        for (go, semver) in [
            ("go1.21.3", "1.21.3"),
            ("go1.21", "1.21.0"),
            ("go1.21rc2", "1.21.0-rc.2"),
            ("1.21rc2", "1.21.0-rc.2"),
            ("go1.9beta1", "1.9.0-beta.1"),
            ("go1.20.4-vendor", "1.20.4"),
            ("go1.22.1 X:boringcrypto", "1.22.1"),
        ] {
            assert_eq!(Semver::parse_go_release(go), Some(version(semver)), "{go}");
        }
        for text in ["devel go1.22-abcdef", "go", "go1.21x", "goat", ""] {
            assert_eq!(Semver::parse_go_release(text), None, "{text}");
        }
    }

    #[test]
    fn go_pseudo_versions_stand_between_the_tags() {
        // The three forms of <https://go.dev/ref/mod#pseudo-versions>, each above the tag that it
        // is based on and below the next.
        let ascending = [
            "v0.0.0-20170915032832-14c0d48ead0c",
            "v0.0.0-20180101000000-000000000000",
            "v0.0.0",
            "v1.2.3-pre",
            "v1.2.3-pre.0.20170915032832-14c0d48ead0c",
            "v1.2.3-pre.1",
            "v1.2.3",
            "v1.2.4-0.20170915032832-14c0d48ead0c",
            "v1.2.4-0.20180101000000-14c0d48ead0c",
            "v1.2.4-alpha",
            "v1.2.4",
            "v2.0.0-20170915032832-14c0d48ead0c+incompatible",
            "v2.0.0+incompatible",
            "v2.0.1-0.20170915032832-14c0d48ead0c+incompatible",
            "v2.0.1+incompatible",
        ];
        for (i, a) in ascending.iter().enumerate() {
            for (j, b) in ascending.iter().enumerate() {
                // Advisories write Go's versions without the `v`.
                let bare = version(&b[1..]);
                assert_eq!(version(a).cmp(&bare), i.cmp(&j), "{a} and {b}");
            }
        }
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in [
            "", "v", "x", "1.x", "1.2.3.4", "1..2", "1.2.3-", "1.2.3-é", "latest", "-1", "1.2.3 4",
        ] {
            assert_eq!(Semver::parse(text), None, "{text}");
        }
    }

    fn any_version() -> impl Strategy<Value = String> {
        r"[0-9]{1,2}\.[0-9]\.[0-9](-(0|[1-9][0-9]{0,22}|[0-9a-z]{0,3}[a-z-])(\.(0|[1-9]|[a-c]))?)?(\+[a-z0-9]{1,3})?"
    }

    fn without_large_numbers(text: &str) -> Option<semver::Version> {
        semver::Version::parse(text).ok()
    }

    proptest! {
        #[test]
        fn the_order_is_total(a in any_version(), b in any_version(), c in any_version()) {
            let (a, b, c) = (version(&a), version(&b), version(&c));
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            prop_assert_eq!(a == b, a.cmp(&b) == Ordering::Equal);
            if a <= b && b <= c {
                prop_assert!(a <= c);
            }
        }

        #[test]
        fn agrees_with_the_reference_where_that_can_read(a in any_version(), b in any_version()) {
            if let (Some(x), Some(y)) = (without_large_numbers(&a), without_large_numbers(&b)) {
                prop_assert_eq!(version(&a).cmp(&version(&b)), x.cmp_precedence(&y));
            }
        }

        #[test]
        fn no_text_panics(text in ".{0,40}") {
            let _ = Semver::parse(&text);
            let _ = Semver::parse_go_release(&text);
        }
    }
}
