//! The order of Maven's versions: <https://maven.apache.org/pom.html#version-order-specification>.
//!
//! A version is a flat list of tokens here. Empty values (`0`, `ga`, `final`, `release`) are dropped
//! at the end, and before each hyphen and each qualifier, so the end of a list can stand in it as
//! one more token, the release itself: after `snapshot`, before `sp` and every number.
//!
//! Maven 3.9 keeps lists in lists, and departs from its specification where an empty value stands
//! between hyphens or a qualifier between dots: there `1` < `1.redhat-1` < `1.cr1-1` < `1`. What has
//! such circles is no order, so the specification is followed here.

use super::number::{Number, runs};

/// A version; any text is one to Maven.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MavenVersion(Vec<Token>);

/// In the order of the specification: a qualifier comes first, whatever stands before it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Token {
    Qualifier(Qualifier),
    /// After a hyphen, or where letters end.
    Hyphened(Number),
    Dotted(Number),
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Qualifier {
    Alpha,
    Beta,
    Milestone,
    ReleaseCandidate,
    Snapshot,
    Release,
    ServicePack,
    Other(Box<str>),
}

impl MavenVersion {
    pub fn parse(text: &str) -> Option<MavenVersion> {
        let text = text.trim().to_lowercase();
        if text.is_empty() {
            return None;
        }
        let mut tokens = Vec::new();
        // A number at the very beginning counts as if a dot stood before it.
        let mut dotted = true;
        for part in text.split_inclusive(['.', '-']) {
            let word = part.trim_end_matches(['.', '-']);
            let word = if word.is_empty() { "0" } else { word };
            let mut runs = runs(word).peekable();
            while let Some(run) = runs.next() {
                match Number::parse(run) {
                    Some(number) if dotted => tokens.push(Token::Dotted(number)),
                    Some(number) => {
                        drop_empty(&mut tokens);
                        tokens.push(Token::Hyphened(number));
                    }
                    None => {
                        drop_empty(&mut tokens);
                        let before_number = runs.peek().is_some();
                        tokens.push(Token::Qualifier(Qualifier::of(run, before_number)));
                    }
                }
                dotted = false;
            }
            dotted = part.ends_with('.');
        }
        drop_empty(&mut tokens);
        tokens.push(RELEASE);
        Some(MavenVersion(tokens))
    }
}

const RELEASE: Token = Token::Qualifier(Qualifier::Release);

fn drop_empty(tokens: &mut Vec<Token>) {
    while tokens.last().is_some_and(|token| match token {
        Token::Qualifier(qualifier) => *qualifier == Qualifier::Release,
        Token::Hyphened(number) | Token::Dotted(number) => *number == Number::ZERO,
    }) {
        tokens.pop();
    }
}

impl Qualifier {
    fn of(text: &str, before_number: bool) -> Qualifier {
        match text {
            "a" if before_number => Qualifier::Alpha,
            "b" if before_number => Qualifier::Beta,
            "m" if before_number => Qualifier::Milestone,
            "alpha" => Qualifier::Alpha,
            "beta" => Qualifier::Beta,
            "milestone" => Qualifier::Milestone,
            "rc" | "cr" => Qualifier::ReleaseCandidate,
            "snapshot" => Qualifier::Snapshot,
            "ga" | "final" | "release" => Qualifier::Release,
            "sp" => Qualifier::ServicePack,
            other => Qualifier::Other(other.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_ascending, assert_equal, assert_refused};
    use super::*;

    #[test]
    fn orders_as_the_specification_says() {
        assert_ascending(
            MavenVersion::parse,
            &[
                "0.9",
                "1-alpha",
                "1-alpha-1",
                "1-alpha-10",
                "1-beta-2",
                "1-M3",
                "1-rc-1",
                "1-SNAPSHOT",
                "1",
                "1-sp",
                "1-sp-1",
                "1-sp.1",
                // An `a` with no number after it is a word like any other.
                "1-a",
                "1-a-1",
                "1-foo",
                "1-foo2",
                "1-foo10",
                "1-foo.1",
                "1-jre",
                "1-1-snapshot",
                "1-1",
                "1-2",
                "1-18446744073709551616",
                "1-18446744073709551617",
                "1.0.1-snapshot",
                "1.0.1",
                "1.1",
                "1.9",
                "1.10",
                "18446744073709551615",
                "18446744073709551616",
            ],
        );
    }

    #[test]
    fn spellings_of_one_version_are_equal() {
        assert_equal(
            MavenVersion::parse,
            &[
                ("1", "1.0"),
                ("1.0.0", "1."),
                ("1-", "1"),
                ("1.ga", "1-final"),
                ("1.RELEASE", "1"),
                ("1.0.0-foo.0.0", "1-foo"),
                ("1.0.0-0.0.0", "1"),
                ("1.foo", "1-foo"),
                ("1.0-rc1", "1-cr-1"),
                ("1a1", "1-alpha-1"),
                ("1b2", "1-BETA-2"),
                ("1.0m3", "1-milestone-3"),
                ("1x", "1-x"),
                ("1-1.foo-bar1baz-.1", "1-1.foo-bar-1-baz-0.1"),
                ("1.01", "1.1"),
                (" 1.2\n", "1.2"),
            ],
        );
        assert_refused(MavenVersion::parse, &["", " "]);
    }

    #[test]
    fn hyphens_without_end_are_read() {
        let deep = |n| MavenVersion::parse(&"1-".repeat(n)).unwrap();
        assert!(deep(100_000) < deep(100_001));
        assert_eq!(
            MavenVersion::parse(&format!("1{}", "-0".repeat(100_000))),
            MavenVersion::parse("1")
        );
    }
}
