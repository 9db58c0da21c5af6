//! Semantic versions whose build metadata counts, after all else: Dart's
//! <https://dart.dev/tools/pub/versioning#semantic-versions> and Julia's
//! <https://docs.julialang.org/en/v1/manual/strings/#man-version-number-literals>.
//!
//! Both publish one release again under a new build, `1.2.3+1` after `1.2.3`.

use super::semver::{Semver, Stage};

/// A semantic version and its build.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BuildVersion {
    version: Semver,
    /// `None` is before every build.
    build: Option<Stage>,
}

impl BuildVersion {
    pub fn parse(text: &str) -> Option<BuildVersion> {
        let build = match text.trim().split_once('+') {
            // Builds have the form of pre-releases and compare as they do.
            Some((_, build)) => Some(Stage::parse_pre_release(build)?),
            None => None,
        };
        let version = Semver::parse(text)?;
        Some(BuildVersion { version, build })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_ascending, assert_equal, assert_refused};
    use super::*;

    #[test]
    fn builds_come_after_their_release() {
        assert_ascending(
            BuildVersion::parse,
            &[
                "1.0.0-dev",
                "1.0.0-dev+1",
                "1.0.0",
                "1.0.0+0",
                "1.0.0+2",
                "1.0.0+10",
                "1.0.0+10.1",
                "1.0.0+hotfix",
                "1.0.1-a",
                "1.0.1",
            ],
        );
        assert_equal(BuildVersion::parse, &[("v1.0+1", "1.0.0+1")]);
        assert_refused(BuildVersion::parse, &["", "1.0+", "x+1"]);
    }

    #[test]
    fn versions_as_they_are_published_are_in_order() {
        assert_ascending(
            BuildVersion::parse,
            &[
                "0.12.0",
                "0.12.0+1",
                "0.12.0+4",
                "0.12.1-dev.3.0",
                "0.12.1-dev.3.0.flutter",
                "0.13.0-nullsafety.0",
                "0.13.0-nullsafety.10",
                "0.13.0-nullsafety-dev.1",
                "0.13.0",
                "2.0.1+hotfix.1",
                "2.0.1+hotfix.oopsie",
                "3.0.0-beta",
            ],
        );
    }
}
