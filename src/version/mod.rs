//! How each ecosystem orders its versions: one file an ordering.

pub mod pep440;
pub mod semver;

use crate::component::Ecosystem;
use semver::Semver;

/// A version that can be compared with others of its ecosystem.
///
/// Versions of different orderings compare too, in an order without meaning, so that nothing can panic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    Semver(Semver),
    Pep440(pep440_rs::Version),
}

impl Version {
    /// Reads a version as the ecosystem's own tools write it; `None` where it has no place in the order.
    pub fn parse(ecosystem: Ecosystem, text: &str) -> Option<Version> {
        match ecosystem {
            Ecosystem::Npm | Ecosystem::CratesIo => Semver::parse(text).map(Version::Semver),
            Ecosystem::Go => Semver::parse(text)
                .or_else(|| Semver::parse_go_release(text))
                .map(Version::Semver),
            Ecosystem::PyPi => pep440::parse(text).map(Version::Pep440),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_ecosystem_has_its_own_order() {
        let parse = |ecosystem, text| Version::parse(ecosystem, text).unwrap();
        let ascends = |ecosystem, a, b| parse(ecosystem, a) < parse(ecosystem, b);
        // A post release to Python, a pre-release to everyone else.
        assert!(ascends(Ecosystem::PyPi, "1.0.0", "1.0.0-1"));
        assert!(ascends(Ecosystem::Npm, "1.0.0-1", "1.0.0"));
        assert!(ascends(Ecosystem::CratesIo, "1.0.0-1", "1.0.0"));
        assert!(ascends(Ecosystem::Go, "v1.0.0-1", "v1.0.0"));
        assert!(ascends(Ecosystem::Go, "go1.21rc2", "go1.21.0"));
        assert_eq!(Version::parse(Ecosystem::Npm, "go1.21.0"), None);
    }

    #[test]
    fn different_orderings_compare_without_panic() {
        let npm = Version::parse(Ecosystem::Npm, "1.0.0").unwrap();
        let pypi = Version::parse(Ecosystem::PyPi, "1.0.0").unwrap();
        assert_eq!(npm.cmp(&pypi), pypi.cmp(&npm).reverse());
        assert_ne!(npm, pypi);
    }
}
