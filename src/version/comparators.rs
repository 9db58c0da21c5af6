//! Ranges of RubyGems and Packagist: comparators that all hold, and shorthands for two of them.
//!
//! - RubyGems: <https://guides.rubygems.org/patterns/#declaring-dependencies>: `~> 1.2.3`, `>= 1.0, < 2`
//! - Composer: <https://getcomposer.org/doc/articles/versions.md#writing-version-constraints>: `^1.2`, `~1.2`, `1.2.*`,
//!   `1.0 - 2.0`, `>=1.0 <2.0`; `@dev` and its like say how unstable a version may be
//!
//! What ends before a version may hold its pre-releases here.

use super::Version;
use super::set::{Cut, VersionSet};
use crate::component::Ecosystem;

/// RubyGems' requirements, all of which hold.
pub fn ruby(range: &str) -> Option<VersionSet> {
    let sets = range.split(',').map(|comparator| {
        let (operator, version) = operator(comparator.trim(), &['=', '!', '<', '>', '~']);
        match operator {
            "~>" => {
                let numbers = numbers(version)?;
                // The last is free; a single number is the first that it begins with.
                let kept = numbers.len().saturating_sub(1).max(1);
                between(Ecosystem::RubyGems, version, &bumped(&numbers, kept)?)
            }
            _ => compared(Ecosystem::RubyGems, operator, version),
        }
    });
    all_of(sets)
}

/// Composer's constraints, one of which holds.
pub fn composer(range: &str) -> Option<VersionSet> {
    let sets: Option<Vec<_>> = range.split('|').map(composer_conjunction).collect();
    Some(VersionSet::union(sets?))
}

fn composer_conjunction(range: &str) -> Option<VersionSet> {
    let ecosystem = Ecosystem::Packagist;
    if let Some((low, high)) = range.split_once(" - ") {
        let (low, high) = (stable(low), stable(high));
        let numbers = numbers(high)?;
        return if numbers.len() < 3 && is_release(high) {
            composer_between(low, &bumped(&numbers, numbers.len())?)
        } else {
            let from = VersionSet::between(composer_start(low)?, Cut::End);
            Some(from.intersection(&compared(ecosystem, "<=", high)?))
        };
    }
    let mut sets = Vec::new();
    let mut rest = range.trim();
    while !rest.is_empty() {
        let (operator, after) = operator(rest, &['=', '!', '<', '>', '~', '^']);
        let end = after.find([' ', ',']).unwrap_or(after.len());
        let (version, after) = after.split_at(end);
        sets.push(composer_comparator(operator, stable(version)));
        rest = after.trim_start_matches([' ', ',']);
    }
    (!sets.is_empty()).then(|| all_of(sets))?
}

fn composer_comparator(operator: &str, version: &str) -> Option<VersionSet> {
    let prefix = version.strip_suffix(".*").or(version.strip_suffix(".x"));
    match (operator, prefix) {
        ("", _) if version == "*" => Some(VersionSet::everything()),
        ("", Some(prefix)) => {
            let numbers = numbers(prefix)?;
            composer_between(prefix, &bumped(&numbers, numbers.len())?)
        }
        ("~", None) => {
            let numbers = numbers(version)?;
            let kept = numbers.len().saturating_sub(1).max(1);
            composer_between(version, &bumped(&numbers, kept)?)
        }
        ("^", None) => {
            let numbers = numbers(version)?;
            let zeros = numbers.iter().take_while(|&&number| number == 0).count();
            // The fourth number is free in any case.
            let kept = (zeros + 1).min(3).min(numbers.len());
            composer_between(version, &bumped(&numbers, kept)?)
        }
        (">=", None) => Some(VersionSet::between(composer_start(version)?, Cut::End)),
        (_, None) => compared(Ecosystem::Packagist, operator, version),
        _ => None,
    }
}

/// From the one on to before the other.
fn composer_between(from: &str, to: &str) -> Option<VersionSet> {
    let to = Version::parse(Ecosystem::Packagist, to)?;
    Some(VersionSet::between(composer_start(from)?, Cut::before(&to)))
}

/// Where a range begins that has a version for its least: a release has its pre-releases with it.
fn composer_start(version: &str) -> Option<Cut> {
    let version = version.split('+').next()?.trim();
    let first = match is_release(version) {
        true => Version::parse(Ecosystem::Packagist, &format!("{version}-dev"))?,
        false => Version::parse(Ecosystem::Packagist, version)?,
    };
    Some(Cut::before(&first))
}

/// Whether no label of a pre-release, or of what came after the release, stands behind the numbers.
fn is_release(version: &str) -> bool {
    let release = version.split('+').next().unwrap_or_default().trim();
    let numbers = release.strip_prefix(['v', 'V']).unwrap_or(release);
    numbers.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

/// Without what says how stable it must be: `1.0@dev`.
fn stable(version: &str) -> &str {
    let version = version.trim();
    version
        .split_once('@')
        .map_or(version, |(version, _)| version)
}

/// The operator that a comparator begins with, and what follows it.
fn operator<'a>(comparator: &'a str, of: &[char]) -> (&'a str, &'a str) {
    let after = comparator.trim_start_matches(of);
    let (operator, after) = comparator.split_at(comparator.len() - after.len());
    (operator, after.trim_start())
}

fn compared(ecosystem: Ecosystem, operator: &str, version: &str) -> Option<VersionSet> {
    let version = Version::parse(ecosystem, version.trim())?;
    let (before, after) = (Cut::before(&version), Cut::after(&version));
    let intervals = match operator {
        "" | "=" | "==" => vec![(before, after)],
        "!=" | "<>" => vec![(Cut::Start, before), (after, Cut::End)],
        ">" => vec![(after, Cut::End)],
        ">=" => vec![(before, Cut::End)],
        "<" => vec![(Cut::Start, before)],
        "<=" => vec![(Cut::Start, after)],
        _ => return None,
    };
    Some(VersionSet::of(intervals))
}

fn all_of(sets: impl IntoIterator<Item = Option<VersionSet>>) -> Option<VersionSet> {
    let mut all = VersionSet::everything();
    for set in sets {
        all = all.intersection(&set?);
    }
    Some(all)
}

/// From the one on to before the other.
fn between(ecosystem: Ecosystem, from: &str, to: &str) -> Option<VersionSet> {
    let cut = |text: &str| Some(Cut::before(&Version::parse(ecosystem, text)?));
    Some(VersionSet::between(cut(from)?, cut(to)?))
}

/// The numbers that a version begins with: all of a release, those before a pre-release's label (`1.2.3RC1`).
fn numbers(version: &str) -> Option<Vec<u64>> {
    let version = version.strip_prefix(['v', 'V']).unwrap_or(version);
    let release = version.split(['-', '+']).next()?;
    let mut numbers = Vec::new();
    for part in release.split('.') {
        let end = part.find(|c: char| !c.is_ascii_digit());
        let (digits, label) = part.split_at(end.unwrap_or(part.len()));
        let Ok(number) = digits.parse() else { break };
        numbers.push(number);
        if !label.is_empty() {
            break;
        }
    }
    (!numbers.is_empty()).then_some(numbers)
}

/// The first `kept` numbers, the last of them one more.
fn bumped(numbers: &[u64], kept: usize) -> Option<String> {
    let mut next = numbers.get(..kept)?.to_vec();
    let last = next.last_mut()?;
    *last = last.checked_add(1)?;
    let texts: Vec<String> = next.iter().map(u64::to_string).collect();
    Some(texts.join("."))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::requirement::parse;
    use super::*;
    use crate::version::testing::assert_means;

    #[test]
    fn rubys_requirements_mean_what_rubygems_says() {
        assert_means(
            Ecosystem::RubyGems,
            &[
                ("~> 2.2", "2.2 2.2.0 2.3 2.9.9", "2.1 3.0 2.2.beta"),
                ("~> 2.2.0", "2.2.0 2.2.9", "2.1.9 2.3"),
                ("~> 2", "2 2.9", "1.9 3"),
                ("~> 0.18.0.beta2", "0.18.0.beta2 0.18.0 0.18.9", "0.19.0"),
                (">= 1.0, < 2", "1.0 1.9", "0.9 2"),
                ("~> 1.2.3b4", "1.2.3b4 1.2.3 1.2.9", "1.2.3b3 1.3"),
                ("~> 4.1, != 4.1.5", "4.1.4 4.2", "4.1.5 5"),
                ("= 1.0", "1.0", "1.0.1"),
                ("1.0", "1.0", "1.0.1"),
                (">= 0", "0 9.9", ""),
            ],
        );
        for range in ["", "~> x", "=> 1", "~ 1", "> ", "~> é"] {
            assert_eq!(parse(Ecosystem::RubyGems, range), None, "{range}");
        }
    }

    #[test]
    fn composers_constraints_mean_what_composer_says() {
        assert_means(
            Ecosystem::Packagist,
            &[
                ("1.0.2", "1.0.2", "1.0.3"),
                (">=1.0", "1.0-dev 1.0-beta1 1.0 9", "0.9"),
                (">=1.0-beta2", "1.0-beta2 1.0", "1.0-beta1"),
                (">=1.0+7", "1.0-beta1 1.0", "0.9"),
                (">1.0", "1.0.1", "1.0-beta1 1.0"),
                (">=1.0 <2.0", "1.0 1.9", "2.0"),
                (">=1.0,<1.1 || >=1.2", "1.0 1.2", "1.1"),
                (">= 1.0 , < 1.1 | >= 1.2", "1.0 1.2", "1.1"),
                ("1.0 - 2.0", "1.0-dev 1.0 2.0 2.0.9", "0.9 2.1"),
                ("1.0 - 2.0-beta1", "1.0 2.0-beta1", "2.0-beta2 2.0 2.0.9"),
                ("1.0-beta2 - 2", "1.0-beta2 2.9", "1.0-beta1 3.0"),
                ("1.0.0 - 2.1.0", "1.0.0-RC1 1.0.0 2.1.0", "2.1.1"),
                ("1.0.*", "1.0-alpha1 1.0 1.0.9", "0.9 1.1"),
                ("~1.2", "1.2-dev 1.2 1.9", "1.1 2.0"),
                ("~1.2.3", "1.2.3-RC1 1.2.3 1.2.9", "1.2.2 1.3.0"),
                ("~1.2.3RC1", "1.2.3RC1 1.2.9", "1.2.3-beta1 1.3.0"),
                ("~1", "1 1.9", "2.0"),
                ("^1.2.3", "1.2.3-dev 1.2.3 1.9", "1.2.2 2.0"),
                ("^0.3", "0.3.0 0.3.9", "0.2 0.4.0"),
                ("^0.0.3", "0.0.3", "0.0.4"),
                ("^0.0.3RC1", "0.0.3RC1 0.0.3", "0.0.4"),
                ("^0.0.0.5", "0.0.0.5 0.0.0.9", "0.0.0.4 0.0.1"),
                ("^1.0@dev", "1.0 1.5", "2.0"),
                ("v1.0.2 != 1.0.3", "1.0.2", "1.0.3"),
                ("*", "0.1 9", ""),
            ],
        );
        for range in ["", "dev-main", "^", "1.0 ||", "~x", ">=1.*", "=>1", "é"] {
            assert_eq!(parse(Ecosystem::Packagist, range), None, "{range}");
        }
    }

    proptest! {
        #[test]
        fn no_text_does_harm(text in "[0-9.,|~^<>=!* x@é-]{0,30}") {
            let _ = parse(Ecosystem::RubyGems, &text);
            let _ = parse(Ecosystem::Packagist, &text);
        }
    }
}
