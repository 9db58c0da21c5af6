//! The fall-back where an ecosystem has no order of its own, or none that is known here: runs of
//! digits compare as numbers, runs of anything else as text, and the end comes before all.
//!
//! It is right where versions are numbers between separators that are always the same, and where a
//! suffix is an addition: `1.2` < `1.10` < `1.10a` < `1.10b`, or dates. It is wrong where
//!
//! - a suffix is a pre-release: `1.0-rc1` comes after `1.0`;
//! - trailing zeros do not matter: `1.0` comes before `1.0.0`, and is not equal to it;
//! - separators do not matter: `1-2` comes before `1.0`, because `-` is before `.`;
//! - an epoch stands at the end, as in FreeBSD's `1.0,1`.

use super::number::{Number, runs};

/// A text as a version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NaturalVersion(Vec<Run>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Run {
    Text(Box<str>),
    Number(Number),
}

impl NaturalVersion {
    /// Every text but an empty one is a version; a `v` before a number is none of it.
    pub fn parse(text: &str) -> Option<NaturalVersion> {
        let text = text.trim();
        let number = text
            .strip_prefix(['v', 'V'])
            .filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        let text = number.unwrap_or(text);
        let run = |run: &str| match Number::parse(run) {
            Some(number) => Run::Number(number),
            None => Run::Text(run.into()),
        };
        (!text.is_empty()).then(|| NaturalVersion(runs(text).map(run).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_ascending, assert_equal, assert_refused};
    use super::*;

    #[test]
    fn digits_compare_as_numbers_and_all_else_as_text() {
        assert_ascending(
            NaturalVersion::parse,
            &[
                "alpha",
                "v",
                "1",
                "1-2",
                "1.0",
                "1.0-rc1",
                "1.0.0",
                "1.2",
                "1.10",
                "1.10a",
                "1.10b",
                "2023-05-05",
                "2023-12-05",
                "18446744073709551616",
            ],
        );
        assert_equal(
            NaturalVersion::parse,
            &[("v1.0", "1.0"), ("1.01", " 1.1\n")],
        );
        assert_refused(NaturalVersion::parse, &["", " "]);
    }
}
