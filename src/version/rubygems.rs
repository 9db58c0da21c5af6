//! The order of gems: <https://guides.rubygems.org/patterns/#semantic-versioning> and
//! <https://docs.ruby-lang.org/en/master/Gem/Version.html>.
//!
//! A version is a list of segments, runs of digits or of letters. Letters make a pre-release, and so
//! does a hyphen, which stands for `.pre.`. Segments that are not there are zeros, and zeros before
//! letters are not there. RubyGems itself drops zeros before letters at the first such place only, which
//! matters to no version known.

use super::number::{Number, runs, without_trailing};

/// Zeros at the end, and before letters, are left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GemVersion(Vec<Segment>);

/// What follows the same beginning: letters come before the end, numbers after it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Letters(Box<str>),
    End,
    Number(Number),
}

impl GemVersion {
    pub fn parse(text: &str) -> Option<GemVersion> {
        let text = text.trim();
        let (release, pre) = match text.split_once('-') {
            Some((release, pre)) => (release, Some(pre)),
            None => (text, None),
        };
        let is_word = |word: &str, hyphen: bool| {
            let valid = |b: u8| b.is_ascii_alphanumeric() || (hyphen && b == b'-');
            !word.is_empty() && word.bytes().all(valid)
        };
        let major = release.split('.').next().and_then(Number::parse);
        let valid = major.is_some()
            && release.split('.').all(|word| is_word(word, false))
            && pre.is_none_or(|pre| pre.split('.').all(|word| is_word(word, true)));
        if !valid {
            return None;
        }
        let text = text.replace('-', ".pre.");
        let mut segments = Vec::new();
        for run in text.split('.').flat_map(runs) {
            match Number::parse(run) {
                Some(number) => segments.push(Segment::Number(number)),
                None => {
                    segments = without_trailing(segments, &ZERO);
                    segments.push(Segment::Letters(run.into()));
                }
            }
        }
        segments = without_trailing(segments, &ZERO);
        segments.push(Segment::End);
        Some(GemVersion(segments))
    }
}

const ZERO: Segment = Segment::Number(Number::ZERO);

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_ascending, assert_equal, assert_refused};
    use super::*;

    #[test]
    fn orders_as_the_documentation_says() {
        assert_ascending(
            GemVersion::parse,
            &[
                "0.9",
                "1.0.A",
                "1.0.a.b",
                "1.0.a",
                "1.0.a.2",
                "1.0.a10",
                "1.0.b1",
                "1.0-1",
                "1.0.rc1",
                "1.0",
                "1.0.0.1",
                "1.0.1.pre",
                "1.0.1",
                "1.9",
                "1.10",
                "1.18446744073709551616",
            ],
        );
    }

    #[test]
    fn versions_as_they_are_published_are_in_order() {
        assert_ascending(
            GemVersion::parse,
            &[
                "0.0.4.alpha.20230101",
                "0.0.4",
                "1.0.0.beta1",
                "1.0.0.beta2",
                "1.0.0.beta10",
                "1.0.0.pre.rc.1",
                "1.0.0.rc1",
                "1.0.0",
                "2.0.0.pre",
                "2.0.0.pre2",
                "2.0.0",
                "3.0.0.beta.4",
                "3.0.0.rc",
                "3.0.0",
                "4.2.7",
                "4.2.7.1",
                "4.2.8",
                "2023.3",
                "2023.10",
            ],
        );
    }

    #[test]
    fn spellings_of_one_version_are_equal() {
        assert_equal(
            GemVersion::parse,
            &[
                ("1", "1.0.0"),
                ("1.0.a", "1.a"),
                ("1.0.0.rc1", "1.rc.1"),
                ("1.0-1", "1.0.pre.1"),
                ("1.01", "1.1"),
                (" 1.2\n", "1.2"),
                ("1.a.0.0", "1.a"),
                ("1.a.0.b", "1.a.b"),
                ("0", "0.0"),
            ],
        );
        let refused = [
            "", "v1.0", "a", "1a", "1..0", "1.0.", "1_0", "1.0+1", "1-", "1.0-a..b", "1.é",
        ];
        assert_refused(GemVersion::parse, &refused);
    }
}
