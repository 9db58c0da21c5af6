//! The version of the standard library in a Rust program.
//!
//! The compiler writes its version into `.comment`, as it prints it: `rustc version 1.95.0 (59807616e 2026-04-14)`. Only
//! ELF files have that section. The paths of the library's own sources tell the commit that it was built from, in every
//! program. RustSec knows the library as `std`: <https://github.com/rustsec/advisory-db>.

use std::collections::BTreeSet;
use std::str;

use semver::Version;

pub const NAME: &str = "std";

/// The commits that stable compilers were built from, as `rustc --version` shortens them.
const RELEASES: &[(&str, &str)] = &[
    ("90c541806", "1.70.0"),
    ("8ede3aae2", "1.71.0"),
    ("5680fa18f", "1.72.0"),
    ("cc66ad468", "1.73.0"),
    ("79e9716c9", "1.74.0"),
    ("82e1608df", "1.75.0"),
    ("07dca489a", "1.76.0"),
    ("aedd173a2", "1.77.0"),
    ("9b00956e5", "1.78.0"),
    ("129f3b996", "1.79.0"),
    ("051478957", "1.80.0"),
    ("eeb90cda1", "1.81.0"),
    ("f6e511eec", "1.82.0"),
    ("90b35a623", "1.83.0"),
    ("9fc6b4312", "1.84.0"),
    ("4d91de4e4", "1.85.0"),
    ("05f9846f8", "1.86.0"),
    ("17067e9ac", "1.87.0"),
    ("6b00bc388", "1.88.0"),
    ("29483883e", "1.89.0"),
    ("1159e78c4", "1.90.0"),
    ("ed61e7d7e", "1.91.1"),
    ("ded5c06cf", "1.92.0"),
    ("254b59607", "1.93.0"),
    ("59807616e", "1.95.0"),
];

/// The version by the commits in paths and by `.comment`, as far as they leave no doubt.
pub fn version<'a>(commits: &[&str], comment: &'a [u8]) -> Option<&'a str> {
    let compilers: BTreeSet<Compiler> = compilers(comment).collect();
    let is_from = |short: &str| commits.iter().any(|commit| commit.starts_with(short));
    let by_commit = compilers
        .iter()
        .find(|compiler| compiler.commit.is_some_and(is_from));
    let sole = compilers.first().filter(|_| compilers.len() == 1);
    let release = || RELEASES.iter().find(|(short, _)| is_from(short));
    let compiler = by_commit.or(sole).map(|compiler| compiler.version);
    compiler.or_else(|| Some(release()?.1))
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Compiler<'a> {
    version: &'a str,
    /// The beginning of the commit that it was built from.
    commit: Option<&'a str>,
}

fn compilers(comment: &[u8]) -> impl Iterator<Item = Compiler<'_>> {
    let lines = comment.split(|&byte| byte == 0);
    lines.filter_map(|line| {
        let line = str::from_utf8(line).ok()?.strip_prefix("rustc version ")?;
        let mut words = line.split([' ', '(', ')']).filter(|word| !word.is_empty());
        let version = words.next()?;
        Version::parse(version).ok()?;
        let commit = words.next().filter(|word| word.len() >= 8);
        Some(Compiler { version, commit })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "59807616e1fa2540724bfbac14d7976d7e4a3860";

    #[test]
    fn the_compiler_that_the_library_belongs_to_tells_its_version() {
        let one = b"GCC: (GNU) 12.2.0\0rustc version 1.95.0 (59807616e 2026-04-14)\0".as_slice();
        assert_eq!(version(&[COMMIT], one), Some("1.95.0"));
        assert_eq!(version(&[], one), Some("1.95.0"));
        let two = b"rustc version 1.95.0 (59807616e 2026-04-14)\0rustc version 1.60.0\0".as_slice();
        assert_eq!(version(&[COMMIT], two), Some("1.95.0"));
        assert_eq!(version(&[], two), None);
        let own = b"rustc version 1.97.0-nightly (0123456ab 2026-04-14)".as_slice();
        assert_eq!(version(&[], own), Some("1.97.0-nightly"));
    }

    #[test]
    fn a_commit_alone_tells_the_releases_that_are_known() {
        assert_eq!(version(&[COMMIT], b""), Some("1.95.0"));
        assert_eq!(version(&[&"0".repeat(40)], b"rustc version x\0"), None);
    }

    #[test]
    fn every_release_has_its_commit() {
        let commits: BTreeSet<&str> = RELEASES.iter().map(|(commit, _)| *commit).collect();
        assert_eq!(commits.len(), RELEASES.len());
        assert!(commits.iter().all(|commit| commit.len() == 9));
    }
}
