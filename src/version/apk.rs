//! The order of Alpine's packages: numbers between dots, a letter, suffixes, the hash of a commit, a
//! revision. <https://wiki.alpinelinux.org/wiki/Package_policies> names the form, and
//! <https://gitlab.alpinelinux.org/alpine/apk-tools/-/blob/master/src/version.c> is what decides.

use super::number::{Number, runs};

/// A version of an Alpine package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AlpineVersion(Vec<Part>);

/// In the order in which one follows the same beginning: suffixes of pre-releases come before the
/// end, all else after it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    PreRelease(usize),
    End,
    Revision(Number),
    Commit(Box<str>),
    SuffixNumber(Number),
    PostRelease(usize),
    Letter(u8),
    /// A number after a dot that begins with a zero compares as text does: `1.09` is before `1.1`.
    Fraction(Box<str>),
    Number(Number),
}

const PRE_RELEASES: [&str; 4] = ["alpha", "beta", "pre", "rc"];
const POST_RELEASES: [&str; 5] = ["cvs", "svn", "git", "hg", "p"];

impl AlpineVersion {
    pub fn parse(text: &str) -> Option<AlpineVersion> {
        let text = text.trim();
        let (text, revision) = match text.rsplit_once("-r") {
            Some((text, revision)) => (text, Some(Number::parse(revision)?)),
            None => (text, None),
        };
        let (text, commit) = match text.split_once('~') {
            Some((text, commit)) => (text, Some(commit)),
            None => (text, None),
        };
        let mut words = text.split('_');
        let mut parts = numbers_and_letter(words.next()?)?;
        for suffix in words {
            add_suffix(&mut parts, suffix)?;
        }
        if let Some(commit) = commit {
            let hexadecimal = commit.bytes().all(|b| b.is_ascii_hexdigit());
            if commit.is_empty() || !hexadecimal {
                return None;
            }
            parts.push(Part::Commit(commit.into()));
        }
        parts.extend(revision.map(Part::Revision));
        parts.push(Part::End);
        Some(AlpineVersion(parts))
    }
}

/// `1.2.3b`
fn numbers_and_letter(text: &str) -> Option<Vec<Part>> {
    let (numbers, letter) = match text.as_bytes().split_last()? {
        (letter, _) if letter.is_ascii_lowercase() => {
            (&text[..text.len() - 1], Some(Part::Letter(*letter)))
        }
        _ => (text, None),
    };
    let mut parts = Vec::new();
    for digits in numbers.split('.') {
        let number = Number::parse(digits)?;
        let fraction = digits.starts_with('0') && !parts.is_empty();
        parts.push(match fraction {
            true => Part::Fraction(digits.into()),
            false => Part::Number(number),
        });
    }
    parts.extend(letter);
    Some(parts)
}

/// `rc1`, less the `_` before it
fn add_suffix(parts: &mut Vec<Part>, text: &str) -> Option<()> {
    let mut runs = runs(text);
    let name = runs.next()?;
    let place = |names: &[&str]| names.iter().position(|known| *known == name);
    let pre = place(&PRE_RELEASES).map(Part::PreRelease);
    parts.push(pre.or_else(|| place(&POST_RELEASES).map(Part::PostRelease))?);
    if let Some(number) = runs.next() {
        parts.push(Part::SuffixNumber(Number::parse(number)?));
    }
    runs.next().is_none().then_some(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_ascending, assert_equal, assert_refused};
    use super::*;

    #[test]
    fn orders_as_apk_does() {
        assert_ascending(
            AlpineVersion::parse,
            &[
                "0.9",
                "1",
                "1.0_alpha",
                "1.0_alpha1",
                "1.0_alpha10",
                "1.0_beta2",
                "1.0_pre1",
                "1.0_rc1_alpha",
                "1.0_rc1",
                "1.0_rc1-r1",
                "1.0_rc1_p1",
                "1.0",
                "1.0-r0",
                "1.0-r9",
                "1.0-r10",
                "1.0~0a1b",
                "1.0_cvs1",
                "1.0_svn1",
                "1.0_git20240101",
                "1.0_hg1",
                "1.0_p1",
                "1.0_p1-r1",
                "1.0_p2",
                "1.0a",
                "1.0b-r1",
                "1.0.1",
                "1.01",
                "1.09",
                "1.1",
                "1.9",
                "1.10",
                "1.18446744073709551616",
                "10",
            ],
        );
    }

    #[test]
    fn spellings_of_one_version_are_equal() {
        assert_equal(
            AlpineVersion::parse,
            &[("01.2", "1.2"), ("1.0-r01", "1.0-r1"), (" 1.0\n", "1.0")],
        );
        let refused = [
            "", "a", "v1.0", "1.", "1..0", "1.0_", "1.0_foo", "1.0_rc1a", "1.0-1", "1.0-r",
            "1.0_1", "1.0ab", "1.0~", "1.0~xyz", "1.0é", "é",
        ];
        assert_refused(AlpineVersion::parse, &refused);
    }
}
