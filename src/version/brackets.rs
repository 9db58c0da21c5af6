//! Ranges in brackets, as NuGet and Maven write them: `[1.0,2.0)`, `(,1.0]`, `[1.0]`. Maven has several, with commas
//! between them, of which one holds.
//!
//! - NuGet: <https://learn.microsoft.com/nuget/concepts/package-versioning#version-ranges>
//! - Maven: <https://maven.apache.org/pom.html#dependency-version-requirement-specification>
//!
//! A version without brackets is the least that NuGet takes, and what Maven takes unless something else is asked for. Both
//! take that very version in most projects, and it is read so.

use super::Version;
use super::set::{Cut, VersionSet};
use crate::component::Ecosystem;

/// The versions that it may mean; none where it is no such range.
pub fn parse(ecosystem: Ecosystem, text: &str) -> Option<VersionSet> {
    // To Maven's order any text is a version; a word (`LATEST`) or a property that nothing explains is none.
    let is_version =
        |text: &&str| text.contains(|c: char| c.is_ascii_digit()) && !text.contains('$');
    let version = |text: &str| {
        let text = Some(text.trim()).filter(is_version)?;
        Version::parse(ecosystem, text)
    };
    let mut rest = text.trim();
    if !rest.starts_with(['[', '(']) {
        return version(rest).map(|version| VersionSet::only(&version));
    }
    let mut sets = Vec::new();
    while !rest.is_empty() {
        let is_included = rest.starts_with('[');
        let inner = rest.strip_prefix(['[', '('])?;
        let end = inner.find([']', ')'])?;
        let (inner, after) = inner.split_at(end);
        let (low, high) = match inner.split_once(',') {
            Some((low, high)) => (low.trim(), high.trim()),
            None if is_included && after.starts_with(']') => (inner, inner),
            None => return None,
        };
        let start = match low {
            "" => Cut::Start,
            low if is_included => Cut::before(&version(low)?),
            low => Cut::after(&version(low)?),
        };
        let end = match high {
            "" => Cut::End,
            high if after.starts_with(']') => Cut::after(&version(high)?),
            high => Cut::before(&version(high)?),
        };
        sets.push(VersionSet::between(start, end));
        rest = after.get(1..)?.trim_start_matches([',', ' ']);
    }
    Some(VersionSet::union(sets))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::version::testing::assert_means;

    #[test]
    fn nugets_ranges_mean_what_nuget_says() {
        assert_means(
            Ecosystem::NuGet,
            &[
                ("[1.0,)", "1.0 9.0", "0.9"),
                ("(1.0,)", "1.0.1", "1.0 1.0.0.0"),
                ("[1.0]", "1.0 1.0.0", "1.0.1"),
                ("(,1.0]", "0.1 1.0", "1.0.1"),
                ("(,1.0)", "0.9 1.0-rc", "1.0"),
                ("[1.0,2.0]", "1.0 1.5 2.0", "0.9 2.0.1"),
                ("(1.0,2.0)", "1.5", "1.0 2.0"),
                ("[1.0, 2.0)", "1.0 1.9", "2.0"),
                ("[4.1.0-5.22,4.1.0]", "4.1.0-5.22 4.1.0", "4.1.0-4 4.1.1"),
                ("1.2.3", "1.2.3", "1.2.4"),
            ],
        );
    }

    #[test]
    fn mavens_ranges_mean_what_maven_says() {
        assert_means(
            Ecosystem::Maven,
            &[
                ("[1.0]", "1.0", "1.1"),
                ("(,1.0]", "0.9 1.0", "1.1"),
                ("[1.2,1.3]", "1.2 1.3", "1.1 1.4"),
                ("[1.0,2.0)", "1.0 1.9", "2.0"),
                ("[1.5,)", "1.5 9", "1.4"),
                ("(,1.0],[1.2,)", "0.9 1.0 1.2 2", "1.1"),
                ("(,1.1),(1.1,)", "1.0 1.2", "1.1"),
            ],
        );
    }

    #[test]
    fn what_is_no_range_is_none() {
        for range in [
            "",
            "1.*",
            "(1.0)",
            "[1.0",
            "[1.0,2.0",
            "[",
            "[,",
            "[1,2)x",
            "$(Version)",
            "[é]",
        ] {
            assert_eq!(parse(Ecosystem::NuGet, range), None, "{range}");
        }
        for range in [
            "",
            "RELEASE",
            "LATEST",
            "[1.0,foo)",
            "(foo,1.0]",
            "[foo]",
            "${log4j2.version}",
            "[1.0,${log4j2.version})",
            "(,1.0],foo",
        ] {
            assert_eq!(parse(Ecosystem::Maven, range), None, "{range}");
        }
    }
}
