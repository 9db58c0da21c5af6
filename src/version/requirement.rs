//! What a range stands for, as manifests write it.
//!
//! - npm: <https://docs.npmjs.com/cli/v11/using-npm/semver#ranges>
//! - Cargo: <https://doc.rust-lang.org/cargo/reference/specifying-dependencies.html>, which differs in what joins
//!   comparators, a comma, and in what a bare version means, `^`
//! - Python: <https://packaging.python.org/en/latest/specifications/version-specifiers/>
//!
//! NuGet and Maven are in `brackets`, RubyGems and Packagist in `comparators`.
//!
//! In all of them `||` stands between alternatives, which is npm's, and ours where several versions are possible.
//!
//! A set is never smaller than what the range allows. It may be larger by pre-releases, which package managers
//! install only where they are asked for, and labels of Python's versions are left out.

use pep440_rs::{Operator, VersionSpecifier, VersionSpecifiers};

use super::set::{Cut, VersionSet};
use super::{Version, brackets, comparators, pep440};
use crate::component::Ecosystem;

/// The versions that a range may mean; `None` where that cannot be told, of a tag or an address for one.
pub fn parse(ecosystem: Ecosystem, range: &str) -> Option<VersionSet> {
    let alternatives = range.split("||").map(|range| match ecosystem {
        Ecosystem::Npm => semantic(range.trim(), "="),
        Ecosystem::CratesIo => semantic(range.trim(), "^"),
        Ecosystem::PyPi => python(range.trim()),
        Ecosystem::NuGet | Ecosystem::Maven => brackets::parse(ecosystem, range),
        Ecosystem::RubyGems => comparators::ruby(range),
        Ecosystem::Packagist => comparators::composer(range),
        // Of these only lock files are read, or a manifest states the least version that there is (Go).
        Ecosystem::Go
        | Ecosystem::Pub
        | Ecosystem::Hex
        | Ecosystem::SwiftUrl
        | Ecosystem::Generic => None,
    });
    let sets: Option<Vec<VersionSet>> = alternatives.collect();
    Some(VersionSet::union(sets?))
}

/// The one version, as far as ranges tell versions apart; `None` where it has no place in the order.
pub fn only(ecosystem: Ecosystem, version: &str) -> Option<VersionSet> {
    let public = match ecosystem {
        Ecosystem::PyPi => version.split('+').next()?,
        _ => version,
    };
    Version::parse(ecosystem, public).map(|version| VersionSet::only(&version))
}

/// Whether a range can stand for the version; `None` where that cannot be told.
pub fn allows(ecosystem: Ecosystem, range: &str, version: &str) -> Option<bool> {
    Some(parse(ecosystem, range)?.meets(&only(ecosystem, version)?))
}

/// Comparators that all hold, or `1.2 - 2.3`. `bare` is the operator of a comparator without one.
fn semantic(range: &str, bare: &str) -> Option<VersionSet> {
    if let Some((low, high)) = range.split_once(" - ") {
        let low = Partial::parse(low.trim())?.satisfying(">=")?;
        return Some(low.intersection(&Partial::parse(high.trim())?.satisfying("<=")?));
    }
    let mut set = VersionSet::everything();
    let mut rest = range;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return Some(set);
        }
        let is_operator = |c: char| matches!(c, '<' | '>' | '=' | '~' | '^');
        let after_operator = rest.trim_start_matches(is_operator);
        let operator = rest.strip_suffix(after_operator)?;
        let after_operator = after_operator.trim_start();
        let end = after_operator.find([' ', '\t', ',']);
        let (version, after) = after_operator.split_at(end.unwrap_or(after_operator.len()));
        let operator = if operator.is_empty() { bare } else { operator };
        set = set.intersection(&Partial::parse(version)?.satisfying(operator)?);
        rest = after;
    }
}

/// A version of which parts may be left out, or be `x` or `*`.
struct Partial<'a> {
    /// As many as are stated, up to three.
    numbers: Vec<u64>,
    pre_release: Option<&'a str>,
}

impl<'a> Partial<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let text = text.split('+').next()?;
        let (release, pre_release) = match text.split_once('-') {
            Some((release, pre_release)) => (release, Some(pre_release)),
            None => (text, None),
        };
        let mut numbers = Vec::new();
        let mut parts = release.split('.');
        for part in parts.by_ref().take(3) {
            if matches!(part, "x" | "X" | "*") {
                break;
            }
            let is_number = part.bytes().all(|b| b.is_ascii_digit());
            numbers.push(part.parse().ok().filter(|_| is_number)?);
        }
        // Behind a wildcard nothing else is stated.
        let is_open = |part| matches!(part, "x" | "X" | "*");
        (parts.all(is_open) && (pre_release.is_none() || numbers.len() == 3)).then_some(Partial {
            numbers,
            pre_release,
        })
    }

    /// The versions that stand to this one as the operator says; one that is not stated in full stands for all
    /// that it can mean.
    fn satisfying(&self, operator: &str) -> Option<VersionSet> {
        let all = self.meaning()?;
        let (first, last) = &all;
        let (start, end) = match operator {
            "=" => all,
            ">=" => (first.clone(), Cut::End),
            ">" => (last.clone(), Cut::End),
            "<" if self.pre_release.is_none() => (Cut::Start, self.pre_releases()?),
            "<" => (Cut::Start, first.clone()),
            "<=" => (Cut::Start, last.clone()),
            "~" | "~>" => (first.clone(), self.bumped(self.numbers.len().min(2))?),
            "^" => (first.clone(), self.bumped(self.leading())?),
            _ => return None,
        };
        Some(VersionSet::between(start, end))
    }

    /// From the first to the last version that it can mean.
    fn meaning(&self) -> Option<(Cut, Cut)> {
        if self.numbers.is_empty() {
            return Some((Cut::Start, Cut::End));
        }
        let part = |n: usize| self.numbers.get(n).copied().unwrap_or(0);
        let (major, minor, patch) = (part(0), part(1), part(2));
        let pre_release = self.pre_release.map(|pre| format!("-{pre}"));
        let pre_release = pre_release.unwrap_or_default();
        let first = semver(&format!("{major}.{minor}.{patch}{pre_release}"))?;
        let end = match self.numbers.len() {
            3 => Cut::after(&first),
            stated => self.bumped(stated)?,
        };
        Some((Cut::before(&first), end))
    }

    /// Where the versions end that begin with the first `kept` numbers: pre-releases of the next do not belong to
    /// them.
    fn bumped(&self, kept: usize) -> Option<Cut> {
        let Some(last) = kept.checked_sub(1) else {
            return Some(Cut::End);
        };
        let mut next = [0; 3];
        for (to, from) in next.iter_mut().zip(&self.numbers).take(kept) {
            *to = *from;
        }
        let bumped = next.get_mut(last)?;
        *bumped = bumped.checked_add(1)?;
        let [major, minor, patch] = next;
        semver(&format!("{major}.{minor}.{patch}-0")).map(|version| Cut::before(&version))
    }

    /// Where its own pre-releases begin.
    fn pre_releases(&self) -> Option<Cut> {
        if self.numbers.is_empty() {
            return Some(Cut::Start);
        }
        let part = |n: usize| self.numbers.get(n).copied().unwrap_or(0);
        let first = semver(&format!("{}.{}.{}-0", part(0), part(1), part(2)))?;
        Some(Cut::before(&first))
    }

    /// How many numbers stay under `^`: those up to the first that is not zero.
    fn leading(&self) -> usize {
        let zeros = self.numbers.iter().take_while(|&&number| number == 0);
        (zeros.count() + 1).min(self.numbers.len())
    }
}

/// npm's order is Cargo's too.
fn semver(text: &str) -> Option<Version> {
    Version::parse(Ecosystem::Npm, text)
}

/// Python's specifiers, all of which hold.
fn python(range: &str) -> Option<VersionSet> {
    // A version by itself is one of several alternatives.
    if let Some(version) = pep440::parse(range) {
        return Some(VersionSet::only(&Version::Pep440(version.without_local())));
    }
    let specifiers: VersionSpecifiers = range.parse().ok()?;
    let sets = specifiers.iter().map(python_specifier);
    Some(sets.fold(VersionSet::everything(), |all, set| all.intersection(&set)))
}

fn python_specifier(specifier: &VersionSpecifier) -> VersionSet {
    let asked = specifier.version().clone().without_local();
    let is_plain = !asked.any_prerelease() && !asked.is_post();
    let has_label = specifier.version().is_local();
    let version = Version::Pep440(asked.clone());
    let (start, end) = match specifier.operator() {
        Operator::Equal | Operator::ExactEqual => (Cut::before(&version), Cut::after(&version)),
        Operator::EqualStar => beginning_with(&asked, asked.release()),
        Operator::TildeEqual => {
            let kept = asked.release().len().saturating_sub(1);
            let prefix = asked.release().get(..kept).unwrap_or_default();
            (Cut::before(&version), beginning_with(&asked, prefix).1)
        }
        Operator::GreaterThanEqual => (Cut::before(&version), Cut::End),
        Operator::GreaterThan if has_label => (Cut::before(&version), Cut::End),
        Operator::GreaterThan => (Cut::after(&version), Cut::End),
        // A pre-release of the version is not below it.
        Operator::LessThan if is_plain => (
            Cut::Start,
            Cut::before(&Version::Pep440(asked.with_dev(Some(0)))),
        ),
        Operator::LessThan if has_label => (Cut::Start, Cut::after(&version)),
        Operator::LessThan => (Cut::Start, Cut::before(&version)),
        Operator::LessThanEqual => (Cut::Start, Cut::after(&version)),
        Operator::NotEqual if has_label => (Cut::Start, Cut::End),
        Operator::NotEqual => return all_but(Cut::before(&version), Cut::after(&version)),
        Operator::NotEqualStar => {
            let (start, end) = beginning_with(&asked, asked.release());
            return all_but(start, end);
        }
    };
    VersionSet::between(start, end)
}

fn all_but(start: Cut, end: Cut) -> VersionSet {
    VersionSet::of(vec![(Cut::Start, start), (end, Cut::End)])
}

/// The versions of the same epoch that begin with these numbers, their development releases among them.
fn beginning_with(version: &pep440_rs::Version, prefix: &[u64]) -> (Cut, Cut) {
    let first_of = |release: &[u64]| {
        let first = pep440_rs::Version::new(release)
            .with_epoch(version.epoch())
            .with_dev(Some(0));
        Cut::before(&Version::Pep440(first))
    };
    let mut next = prefix.to_vec();
    let end = match next
        .last_mut()
        .and_then(|last| last.checked_add(1).map(|n| *last = n))
    {
        Some(()) => first_of(&next),
        None => Cut::End,
    };
    let start = match prefix {
        [] => Cut::Start,
        _ => first_of(prefix),
    };
    (start, end)
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use proptest::prelude::*;

    use super::*;

    const ASKED: &[&str] = &[
        "0.0.2",
        "0.0.3",
        "0.0.9",
        "0.1.0",
        "0.2.3",
        "0.9.0",
        "1.0.0",
        "1.2.0",
        "1.2.3",
        "1.2.9",
        "1.3.0-rc.1",
        "1.3.0",
        "2.0.0-rc.1",
        "2.0.0",
        "2.3.9",
        "2.4.0",
        "9.0.0",
    ];

    fn among(ecosystem: Ecosystem, range: &str) -> String {
        let set = parse(ecosystem, range).unwrap_or_else(|| panic!("{range} is no range"));
        let held = ASKED
            .iter()
            .filter(|v| set.contains(&Version::parse(ecosystem, v).unwrap()));
        held.copied().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn npms_ranges_mean_what_npm_says() {
        for (range, expected) in [
            ("1.2.3", "1.2.3"),
            ("=1.2.3", "1.2.3"),
            ("v1.2.3", "1.2.3"),
            ("1.2", "1.2.0 1.2.3 1.2.9"),
            ("1.2.x", "1.2.0 1.2.3 1.2.9"),
            ("1.2.*", "1.2.0 1.2.3 1.2.9"),
            ("~1.2.3", "1.2.3 1.2.9"),
            ("~> 1.2.3", "1.2.3 1.2.9"),
            ("~0", "0.0.2 0.0.3 0.0.9 0.1.0 0.2.3 0.9.0"),
            ("^1.2.3", "1.2.3 1.2.9 1.3.0-rc.1 1.3.0"),
            ("^0.2.3", "0.2.3"),
            ("^0.0.3", "0.0.3"),
            ("^0.0", "0.0.2 0.0.3 0.0.9"),
            ("^0", "0.0.2 0.0.3 0.0.9 0.1.0 0.2.3 0.9.0"),
            ("^0.x", "0.0.2 0.0.3 0.0.9 0.1.0 0.2.3 0.9.0"),
            (">=1.2.3 <2.0.0", "1.2.3 1.2.9 1.3.0-rc.1 1.3.0"),
            (">= 1.2.3, < 2", "1.2.3 1.2.9 1.3.0-rc.1 1.3.0"),
            ("<2.0.0-rc.2 >1.2.9", "1.3.0-rc.1 1.3.0 2.0.0-rc.1"),
            (">1.2.9 <=2.3", "1.3.0-rc.1 1.3.0 2.0.0-rc.1 2.0.0 2.3.9"),
            (">2", "9.0.0"),
            (
                "1.2.3 - 2.3",
                "1.2.3 1.2.9 1.3.0-rc.1 1.3.0 2.0.0-rc.1 2.0.0 2.3.9",
            ),
            ("1.2.3 - 1.2.9", "1.2.3 1.2.9"),
            ("1.2.3 || 2.0.0", "1.2.3 2.0.0"),
            ("~0.0.2||>=9", "0.0.2 0.0.3 0.0.9 9.0.0"),
            ("<1 >2", ""),
            ("<*", ""),
        ] {
            assert_eq!(among(Ecosystem::Npm, range), expected, "{range}");
        }
        for range in ["*", "", "x", ">=0", "^*", "1 || *"] {
            assert!(
                parse(Ecosystem::Npm, range)
                    .unwrap()
                    .contains(&semver("9.0.0").unwrap())
            );
        }
        for range in [
            "latest",
            "1.2.3.4",
            "1.2-beta",
            "git+https://h.example/a.git",
            "^",
            "=>1",
            "1..2",
            "-1",
            "1 ||| 2",
            "+1",
            "99999999999999999999",
            "^18446744073709551615",
            "é",
        ] {
            assert_eq!(parse(Ecosystem::Npm, range), None, "{range}");
        }
    }

    #[test]
    fn a_bare_version_means_another_thing_to_cargo() {
        assert_eq!(
            among(Ecosystem::CratesIo, "1.2.3"),
            among(Ecosystem::Npm, "^1.2.3")
        );
        assert_eq!(
            among(Ecosystem::CratesIo, ">=1.2.3, <2"),
            among(Ecosystem::Npm, "^1.2.3")
        );
        assert_eq!(
            among(Ecosystem::CratesIo, "=1.2.3 || =2.0.0"),
            "1.2.3 2.0.0"
        );
    }

    #[test]
    fn pythons_specifiers_mean_what_python_says() {
        for (range, inside, outside) in [
            ("==1.4", "1.4 1.4.0 1.4+cpu", "1.4.1 1.4rc1 1.4.post1"),
            (
                "==1.4.*",
                "1.4rc1 1.4 1.4.9 1.4.post1",
                "1.3.9 1.5.dev1 1.5",
            ),
            ("~=1.4.2", "1.4.2 1.4.9", "1.4.1 1.5 1.5rc1"),
            ("~=1.4", "1.4 1.9", "1.3 2.0 2.0a1"),
            (">=1.4,<2,!=1.5", "1.4 1.5.1", "1.3 1.5 2.0 2.0rc1"),
            ("!=1.5.*", "1.4.9 1.6", "1.5 1.5.9"),
            ("<=1.4", "1.4", "1.4.1"),
            (">1.4", "1.4.1", "1.4"),
            ("1.4 || 2.0", "1.4 2.0", "1.5"),
            ("==1!1.0", "1!1.0", "1.0"),
        ] {
            for (versions, holds) in [(inside, true), (outside, false)] {
                for version in versions.split(' ') {
                    assert_eq!(
                        allows(Ecosystem::PyPi, range, version),
                        Some(holds),
                        "{range} {version}"
                    );
                }
            }
        }
        assert_eq!(allows(Ecosystem::PyPi, "^1.4", "1.4"), None);
        assert_eq!(allows(Ecosystem::PyPi, ">=1", "nightly"), None);
        assert_eq!(allows(Ecosystem::Go, "v1.0.0", "v1.0.0"), None);
    }

    fn comparator() -> impl Strategy<Value = String> {
        r"(\^|~|=|>|<|>=|<=)?[0-2](\.[0-3](\.[0-3](-rc\.[12])?)?)?"
    }

    proptest! {
        /// Nothing that the reference allows is left out.
        #[test]
        fn cargos_requirements_agree_with_the_reference(
            comparators in prop::collection::vec(comparator(), 1..3),
            version in r"[0-3]\.[0-4]\.[0-4](-rc\.[0-3])?",
        ) {
            let range = comparators.join(", ");
            let Ok(reference) = semver::VersionReq::parse(&range) else { return Ok(()) };
            let allowed = reference.matches(&semver::Version::parse(&version).unwrap());
            let ours = allows(Ecosystem::CratesIo, &range, &version);
            // Cargo keeps pre-releases from ranges that do not name one.
            if version.contains('-') {
                prop_assert!(!allowed || ours == Some(true), "{} {}", range, version);
            } else {
                prop_assert_eq!(ours, Some(allowed), "{} {}", range, version);
            }
        }

        #[test]
        fn pythons_specifiers_agree_with_the_reference(
            range in r"(==|!=|>=|<=|>|<|~=)[0-2]\.[0-2](\.[0-2])?((rc|\.post|\.dev)[01])?(,(==|!=)[0-2]\.[0-2]\.\*)?",
            version in r"[0-3]\.[0-3](\.[0-3])?((rc|\.post|\.dev)[012])?(\+cpu)?",
        ) {
            let Ok(reference) = VersionSpecifiers::from_str(&range) else { return Ok(()) };
            let allowed = reference.contains(&pep440::parse(&version).unwrap());
            let ours = allows(Ecosystem::PyPi, &range, &version);
            let plain = version.bytes().all(|b| b.is_ascii_digit() || b == b'.') && !range.contains(['r', 'p', 'd']);
            if plain {
                prop_assert_eq!(ours, Some(allowed), "{} {}", range, version);
            } else {
                prop_assert!(!allowed || ours == Some(true), "{} {}", range, version);
            }
        }

        #[test]
        fn no_text_panics(text in ".{0,40}") {
            for ecosystem in Ecosystem::ALL {
                let _ = parse(ecosystem, &text);
            }
        }
    }
}
