//! The artifact and the version in a jar's file name: `ARTIFACT-VERSION[-CLASSIFIER].jar`.
//!
//! <https://maven.apache.org/repositories/layout.html>. Each of the three may hold hyphens and digits
//! (`log4j-1.2-api-2.14.1`, `guava-31.1-jre`, `json-lib-2.4-jdk15`), so that a name is cut where what follows is made
//! of the words of versions alone.

use super::coordinates::{is_id, is_version};

/// The longest name that is looked at.
const MAX_NAME: usize = 255;

/// Words that belong to versions, before the digits that they end with. From the versions that are published:
/// <https://maven.apache.org/pom.html#version-order-specification> has most of them.
const QUALIFIERS: [&str; 22] = [
    "alpha",
    "a",
    "beta",
    "b",
    "milestone",
    "m",
    "rc",
    "cr",
    "snapshot",
    "final",
    "ga",
    "release",
    "sp",
    "pre",
    "ea",
    "jre",
    "android",
    "incubating",
    "redhat",
    "rev",
    "build",
    "dev",
];

/// Words that begin a classifier, before the digits that they end with: what is in the jar, or for which platform.
const CLASSIFIERS: [&str; 33] = [
    "sources",
    "javadoc",
    "tests",
    "test",
    "jdk",
    "java",
    "all",
    "shaded",
    "shadow",
    "bin",
    "uber",
    "fat",
    "exec",
    "boot",
    "jar",
    "nodep",
    "standalone",
    "bundle",
    "runner",
    "plain",
    "debug",
    "no",
    "noaop",
    "minimal",
    "linux",
    "windows",
    "osx",
    "macos",
    "mac",
    "natives",
    "x",
    "aarch",
    "hadoop",
];

/// What the name of a jar says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileName<'a> {
    pub artifact: &'a str,
    /// None where the name has none, or where its end may be a part of it or not.
    pub version: Option<&'a str>,
}

/// Reads a file name without its suffix. `stated` is the version that the jar states elsewhere, if any: where the
/// name has it too, that is where it is cut.
pub fn parse<'a>(stem: &'a str, stated: &str) -> Option<FileName<'a>> {
    if stem.len() > MAX_NAME {
        return None;
    }
    let cuts = || {
        stem.match_indices('-').filter_map(|(at, _)| {
            let (artifact, rest) = (stem.get(..at)?, stem.get(at + 1..)?);
            let begins = rest.starts_with(|c: char| c.is_ascii_digit());
            (begins && is_id(artifact)).then_some((artifact, rest))
        })
    };
    let with = |(artifact, version)| FileName { artifact, version };
    let as_stated = cuts().find(|(_, rest)| {
        let after = rest.strip_prefix(stated);
        is_version(stated) && after.is_some_and(|after| after.is_empty() || after.starts_with('-'))
    });
    // `1.0` is stated of `1.0-jre` too: the words that follow decide.
    let whole = cuts().find_map(|(artifact, rest)| Some((artifact, Some(version(rest)?))));
    let found =
        whole.or_else(|| as_stated.map(|(artifact, rest)| (artifact, rest.get(..stated.len()))));
    found
        .or_else(|| cuts().next().map(|(artifact, _)| (artifact, None)))
        .or_else(|| is_id(stem).then_some((stem, None)))
        .map(with)
}

/// The version that a text begins with, if a classifier is all that can follow it.
fn version(text: &str) -> Option<&str> {
    let mut end = 0;
    for word in text.split('-') {
        let next = end + word.len() + usize::from(end > 0);
        if end > 0 && is_word(word, &CLASSIFIERS) {
            break;
        }
        let is_part = word.starts_with(|c: char| c.is_ascii_digit()) || is_word(word, &QUALIFIERS);
        if !is_part {
            return None;
        }
        end = next;
    }
    text.get(..end).filter(|version| is_version(version))
}

/// Whether a word, without what follows its letters, is one of these.
fn is_word(word: &str, known: &[&str]) -> bool {
    let letters = word
        .split(|c: char| !c.is_ascii_alphabetic())
        .next()
        .unwrap_or_default();
    known
        .iter()
        .any(|known| known.eq_ignore_ascii_case(letters))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_where_the_version_begins_and_ends() {
        for (stem, stated, artifact, version) in [
            (
                "commons-collections-3.2.1",
                "",
                "commons-collections",
                Some("3.2.1"),
            ),
            (
                "commons-collections4-4.4",
                "",
                "commons-collections4",
                Some("4.4"),
            ),
            ("log4j-1.2-api-2.14.1", "", "log4j-1.2-api", Some("2.14.1")),
            (
                "jackson-module-scala_2.13-2.13.0",
                "",
                "jackson-module-scala_2.13",
                Some("2.13.0"),
            ),
            (
                "geronimo-jms_1.1_spec-1.1.1",
                "",
                "geronimo-jms_1.1_spec",
                Some("1.1.1"),
            ),
            (
                "netty-all-4.0.37.Final",
                "4.0.37.Final",
                "netty-all",
                Some("4.0.37.Final"),
            ),
            ("guava-31.1-jre", "", "guava", Some("31.1-jre")),
            ("guava-31.1-jre", "31.1", "guava", Some("31.1-jre")),
            ("json-lib-2.4-jdk15", "", "json-lib", Some("2.4")),
            (
                "a-1.0-20200101.123456-1",
                "",
                "a",
                Some("1.0-20200101.123456-1"),
            ),
            ("a-1.0-rc1-linux-x86_64", "", "a", Some("1.0-rc1")),
            (
                "netty-tcnative-2.0.30.Final-osx-x86_64",
                "",
                "netty-tcnative",
                Some("2.0.30.Final"),
            ),
            ("fn-1.0-jar-with-dependencies", "", "fn", Some("1.0")),
            (
                "servlet-api-2.5-20081211",
                "2.5",
                "servlet-api",
                Some("2.5-20081211"),
            ),
            ("log4j-core", "", "log4j-core", None),
            ("a", "1.0", "a", None),
        ] {
            let expected = FileName { artifact, version };
            assert_eq!(parse(stem, stated), Some(expected), "{stem} {stated}");
        }
    }

    #[test]
    fn an_end_that_may_be_either_leaves_the_version_to_the_manifest() {
        let name = |stated| parse("a-1.0-secret", stated).unwrap();
        assert_eq!(
            name(""),
            FileName {
                artifact: "a",
                version: None
            }
        );
        assert_eq!(
            name("1.0"),
            FileName {
                artifact: "a",
                version: Some("1.0")
            }
        );
        assert_eq!(name("1.0-secret").version, Some("1.0-secret"));
        assert_eq!(name("2.0").version, None);
    }

    #[test]
    fn what_is_no_file_name_of_a_jar_says_nothing() {
        for stem in ["", "a b", "é-1.0", &"a-1".repeat(1000)] {
            assert_eq!(parse(stem, ""), None, "{stem:.20}");
        }
    }
}
