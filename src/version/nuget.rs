//! The order of NuGet's versions: semantic versions with up to four numbers, whose pre-releases
//! compare without regard to case:
//! <https://learn.microsoft.com/nuget/concepts/package-versioning>.

use std::fmt;

use super::number::Number;
use super::semver::Stage;

/// A version of one to four numbers, equal to every other of the same precedence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NuGetVersion {
    release: [Number; 4],
    stage: Stage,
}

impl NuGetVersion {
    pub fn parse(text: &str) -> Option<NuGetVersion> {
        let text = text.trim().to_ascii_lowercase();
        let (version, _metadata) = text.split_once('+').unwrap_or((&text, ""));
        let (release, stage) = match version.split_once('-') {
            Some((release, pre)) => (release, Stage::parse_pre_release(pre)?),
            None => (version, Stage::Release),
        };
        let mut parts = release.split('.');
        let mut next = || parts.next().map_or(Some(Number::ZERO), Number::parse);
        let release = [next()?, next()?, next()?, next()?];
        parts
            .next()
            .is_none()
            .then_some(NuGetVersion { release, stage })
    }
}

/// The normalised form: three numbers, the fourth where it is not zero, no metadata, lower case.
impl fmt::Display for NuGetVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch, revision] = &self.release;
        write!(f, "{major}.{minor}.{patch}")?;
        if *revision != Number::ZERO {
            write!(f, ".{revision}")?;
        }
        write!(f, "{}", self.stage)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_ascending, assert_equal, assert_refused};
    use super::*;

    #[test]
    fn orders_as_the_documentation_says() {
        assert_ascending(
            NuGetVersion::parse,
            &[
                "0.0.0.1",
                "1.0.0-2",
                "1.0.0-10",
                "1.0.0-alpha",
                "1.0.0-Alpha.1",
                "1.0.0-alpha.beta",
                "1.0.0-BETA",
                "1.0.0-beta.2",
                "1.0.0-beta.11",
                "1.0.0-rc.1",
                "1.0.0",
                "1.0.0.1-rc",
                "1.0.0.1",
                "1.0.1",
                "1.2",
                "1.10",
                "18446744073709551616.0",
            ],
        );
    }

    #[test]
    fn versions_as_they_are_published_are_in_order() {
        assert_ascending(
            NuGetVersion::parse,
            &[
                "1.0.0-beta8",
                "1.0.0-rc1-final",
                "1.0.0-rc2-20221",
                "1.0.0",
                "4.5.0-preview1-25914-04",
                "4.5.0-preview1-26216-02",
                "4.5.0-rc1",
                "4.5.0",
                "4.5.0.1",
                "6.0.0-preview.7.21377.19",
                "6.0.0-rc.1.21451.13",
                "6.0.0-rc.2.21480.5",
                "6.0.0",
                "6.0.10",
                "2021.1.0.5",
            ],
        );
    }

    #[test]
    fn spellings_of_one_version_are_equal() {
        assert_equal(
            NuGetVersion::parse,
            &[
                ("1", "1.0.0.0"),
                ("1.00", "1.0"),
                ("1.01.1", "1.1.1"),
                ("1.0.0-RC.1", "1.0.0-rc.01"),
                ("1.0.7+r3456", "1.0.7"),
                (" 1.2 ", "1.2.0"),
            ],
        );
        let refused = ["", "v1.0", "1.0.0.0.0", "1..0", "1.0-", "1.0-é", "1.*", "x"];
        assert_refused(NuGetVersion::parse, &refused);
    }

    #[test]
    fn is_shown_normalised() {
        for (text, normalised) in [
            ("1.00", "1.0.0"),
            ("1.2.3.0", "1.2.3"),
            ("1.2.3.4-Beta.01+x", "1.2.3.4-beta.1"),
        ] {
            assert_eq!(NuGetVersion::parse(text).unwrap().to_string(), normalised);
        }
    }
}
