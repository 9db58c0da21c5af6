//! The order of Composer's packages: <https://getcomposer.org/doc/articles/versions.md>, which is
//! PHP's <https://www.php.net/manual/en/function.version-compare.php> after Composer has filled up
//! the numbers to four and dropped build metadata, so that `1.0` and `1.0.0` are one version.
//!
//! A branch (`dev-main`, `1.x-dev`) has no place in this order.

use super::number::{Number, runs, without_trailing};

/// A version of a Composer package, equal to every other that Composer takes for the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ComposerVersion {
    /// The numbers before all else, without zeros at the end.
    release: Vec<Number>,
    stage: Vec<Part>,
}

/// In PHP's order. Words that PHP does not know are equal to it; here they differ, so that no two
/// of them are taken for one version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Other(Box<str>),
    Dev,
    Alpha,
    Beta,
    ReleaseCandidate,
    End,
    Number(Number),
    Patch,
}

impl ComposerVersion {
    pub fn parse(text: &str) -> Option<ComposerVersion> {
        let text = text.trim().to_lowercase();
        let text = text.strip_prefix('v').unwrap_or(&text);
        let (text, _metadata) = text.split_once('+').unwrap_or((text, ""));
        if !text.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let numeric = |c: char| c.is_ascii_digit() || c == '.';
        let end = text.find(|c| !numeric(c)).unwrap_or(text.len());
        let (release, stage) = text.split_at(end);
        let numbers = release.split('.').filter(|number| !number.is_empty());
        let release = numbers.map(Number::parse).collect::<Option<_>>()?;

        let words = stage.split(['-', '_', '.']).flat_map(runs);
        let mut stage: Vec<Part> = words.filter_map(Part::of).collect();
        if stage.contains(&Part::Other("x".into())) {
            return None;
        }
        stage.push(Part::End);
        Some(ComposerVersion {
            release: without_trailing(release, &Number::ZERO),
            stage,
        })
    }
}

impl Part {
    /// `stable` says nothing.
    fn of(run: &str) -> Option<Part> {
        Some(match run {
            "dev" => Part::Dev,
            "alpha" | "a" => Part::Alpha,
            "beta" | "b" => Part::Beta,
            "rc" => Part::ReleaseCandidate,
            "patch" | "pl" | "p" => Part::Patch,
            "stable" => return None,
            other => match Number::parse(other) {
                Some(number) => Part::Number(number),
                None => Part::Other(other.into()),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_ascending, assert_equal, assert_refused};
    use super::*;

    #[test]
    fn orders_as_php_does_after_composer() {
        assert_ascending(
            ComposerVersion::parse,
            &[
                "0.9.9",
                "1.0-foo",
                "1.0-dev",
                "1.0-alpha",
                "1.0-alpha1-dev",
                "1.0-alpha1",
                "1.0-alpha10",
                "1.0-beta.2",
                "1.0-RC1",
                "1.0-RC2",
                "1.0",
                "1.0-1",
                "1.0-p1",
                "1.0-pl2",
                "1.0.0.1",
                "1.0.1-dev",
                "1.0.1",
                "1.9",
                "1.10",
                "20240101",
                "18446744073709551616",
            ],
        );
    }

    #[test]
    fn versions_as_they_are_published_are_in_order() {
        assert_ascending(
            ComposerVersion::parse,
            &[
                "v0.1.0",
                "1.0.0-dev",
                "v1.0.0-ALPHA1",
                "1.0.0-beta.2",
                "1.0.0-BETA3",
                "1.0.0-RC",
                "1.0.0-rc.1",
                "v1.0.0",
                "1.0.0-p2",
                "1.0.0.1",
                "v2.14.10",
                "2.15",
                "9.5.28",
                "10.0-alpha",
                "10.0",
            ],
        );
    }

    #[test]
    fn spellings_of_one_version_are_equal() {
        assert_equal(
            ComposerVersion::parse,
            &[
                ("1.0", "1.0.0.0"),
                ("v1.2", "1.2.0"),
                ("V1.2", "1.2.0"),
                ("1.0.0-beta1", "1.0b1"),
                ("1.0.0RC1", "1.0-rc.1"),
                ("1.0-patch1", "1.0pl1"),
                ("1.0-stable", "1.0"),
                ("1.0+build.7", "1.0"),
                ("1.01", "1.1"),
                (" 1.0\n", "1.0"),
            ],
        );
        let refused = ["", "dev-main", "1.x-dev", "2.0.x-dev", "latest", "v"];
        assert_refused(ComposerVersion::parse, &refused);
    }
}
