//! Versions as the authors of native libraries and runtimes write them, which no registry unifies.
//!
//! - Numbers compare one after the other, and zeros at the end do not matter: `1.3` is `1.3.0`. What follows an
//!   underscore or a hyphen is one more number, if it is one: `1.8.0_392`.
//! - A letter behind them is a later release, and so are two: `1.1.1` < `1.1.1a`, `1.0.2z` < `1.0.2za`
//!   (<https://openssl-library.org/policies/general/versioning-policy/>, "Pre-3.0 versioning").
//! - A word that says so is a pre-release: `3.0.0-alpha1`, `3.13.0rc2`, `8.0.1-DEV`, `0.3.21.dev`.
//! - Whatever comes behind a plus sign, or behind a letter, tells builds of one release apart, and does not count.

use super::number::{Number, without_trailing};

/// A text as a version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UpstreamVersion {
    numbers: Vec<Number>,
    suffix: Suffix,
}

/// In their order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Suffix {
    PreRelease {
        stage: usize,
        number: Option<Number>,
    },
    None,
    /// The longer one is the later.
    Letters {
        length: usize,
        letters: String,
    },
    Other(String),
}

/// What pre-releases are called, the earliest first.
const STAGES: [&[&str]; 5] = [
    &["dev", "git", "snapshot"],
    &["alpha", "a"],
    &["beta", "b"],
    &["pre", "preview"],
    &["rc", "c"],
];

impl UpstreamVersion {
    /// Every text that begins with a number is a version; a `v` before it is none of it.
    pub fn parse(text: &str) -> Option<UpstreamVersion> {
        let text = text.trim().to_lowercase();
        let text = text.strip_prefix('v').unwrap_or(&text);
        let text = text.split_once('+').map_or(text, |(version, _)| version);
        let (first, mut rest) = number(text)?;
        let mut numbers = vec![first];
        while let Some((next, behind)) = rest.strip_prefix(['.', '_', '-']).and_then(number) {
            numbers.push(next);
            rest = behind;
        }
        Some(UpstreamVersion {
            numbers: without_trailing(numbers, &Number::ZERO),
            suffix: Suffix::of(rest),
        })
    }
}

impl Suffix {
    fn of(text: &str) -> Suffix {
        let bare = text.trim_start_matches(['.', '-', '_']);
        let length = bare.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (word, behind) = bare.split_at(length);
        let number = number(behind.trim_start_matches(['.', '-', '_']));
        let stage = STAGES.iter().position(|words| words.contains(&word));
        let is_attached = bare.len() == text.len();
        match stage {
            _ if text.is_empty() => Suffix::None,
            // `1.1.1a` is no alpha, `3.13.0a1` is, and `3.0rc` is what it says.
            Some(stage) if !is_attached || number.is_some() || length > 1 => Suffix::PreRelease {
                stage,
                number: number.map(|(number, _)| number),
            },
            _ if is_attached
                && (1..=2).contains(&length)
                && !behind.starts_with(|c: char| c.is_ascii_digit()) =>
            {
                Suffix::Letters {
                    length,
                    letters: word.to_owned(),
                }
            }
            _ => Suffix::Other(text.to_owned()),
        }
    }
}

/// The number that a text begins with, and what follows it.
fn number(text: &str) -> Option<(Number, &str)> {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at(end);
    Some((Number::parse(digits)?, rest))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_ascending, assert_equal, assert_refused};
    use super::*;

    #[test]
    fn letters_are_later_releases() {
        assert_ascending(
            UpstreamVersion::parse,
            &[
                "0.9.8zh",
                "1.0.1u",
                "1.0.2",
                "1.0.2a",
                "1.0.2k-fips",
                "1.0.2l",
                "1.0.2z",
                "1.0.2za",
                "1.0.2zg",
                "1.0.2zh",
                "1.1.0",
                "1.1.1",
                "1.1.1a",
                "1.1.1k",
                "1.1.1l",
                "1.1.1w",
                "3.0.0",
            ],
        );
    }

    #[test]
    fn words_that_say_so_are_pre_releases() {
        assert_ascending(
            UpstreamVersion::parse,
            &[
                "0.3.20",
                "0.3.21.dev",
                "0.3.21",
                "1.1.0-pre1",
                "1.1.0",
                "2.0-beta2",
                "2.0-beta10",
                "2.0",
            ],
        );
        assert_ascending(
            UpstreamVersion::parse,
            &[
                "3.13.0a1",
                "3.13.0a2",
                "3.13.0b1",
                "3.13.0rc1",
                "3.13.0rc2",
                "3.13.0",
                "3.13.1",
            ],
        );
        assert_ascending(
            UpstreamVersion::parse,
            &[
                "3.0.0-alpha1",
                "3.0.0-alpha17",
                "3.0.0-beta1",
                "3.0.0",
                "8.0.1-DEV",
                "8.0.1",
            ],
        );
    }

    #[test]
    fn a_stage_without_a_number_goes_before_the_release() {
        let words = STAGES.iter().flat_map(|words| words.iter());
        for word in words {
            for text in [
                format!("3.0{word}"),
                format!("3.0-{word}"),
                format!("3.0{word}1"),
            ] {
                // A single letter behind a number is a later release.
                if text == format!("3.0{word}") && word.len() == 1 {
                    assert_ascending(UpstreamVersion::parse, &["3.0", &text]);
                } else {
                    assert_ascending(UpstreamVersion::parse, &["2.9", &text, "3.0", "3.0a"]);
                }
            }
        }
        let attached = ["3.0dev", "3.0alpha", "3.0beta", "3.0pre", "3.0rc", "3.0"];
        assert_ascending(UpstreamVersion::parse, &attached);
    }

    #[test]
    fn numbers_are_numbers_and_builds_are_one_release() {
        assert_ascending(
            UpstreamVersion::parse,
            &[
                "1.8.0_92",
                "1.8.0_392",
                "1.9",
                "2.1.5",
                "2.1.5.1",
                "5.9.20130511",
                "17.0.9",
                "20.9.0",
                "20.11.0",
            ],
        );
        assert_equal(
            UpstreamVersion::parse,
            &[
                ("1.3", "1.3.0"),
                ("v20.11.0", "20.11.0"),
                ("3.0.12+quic", "3.0.12"),
                ("1.1.1k-fips", "1.1.1k"),
                ("0", "0.0"),
            ],
        );
        assert_refused(UpstreamVersion::parse, &["", "n4.4", "unknown", "-1"]);
    }
}
