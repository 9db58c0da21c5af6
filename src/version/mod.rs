//! How each ecosystem orders its versions: one file an ordering.

pub mod apk;
mod brackets;
mod comparators;
pub mod dotted;
pub mod dpkg;
pub mod maven;
pub mod natural;
pub mod nuget;
mod number;
pub mod packagist;
pub mod pep440;
pub mod requirement;
pub mod rpm;
pub mod rubygems;
mod scheme;
pub mod semver;
pub mod semver_build;
pub mod set;
#[cfg(test)]
mod testing;
pub mod upstream;

use std::borrow::Cow;

use apk::AlpineVersion;
use dotted::DottedVersion;
use dpkg::DebianVersion;
use maven::MavenVersion;
use natural::NaturalVersion;
use nuget::NuGetVersion;
use packagist::ComposerVersion;
use rpm::RpmVersion;
use rubygems::GemVersion;
pub use scheme::{ECOSYSTEMS, OrderedEcosystem, Scheme};
use semver::Semver;
use semver_build::BuildVersion;
use upstream::UpstreamVersion;

/// A version that can be compared with others of its ecosystem.
///
/// Versions of different orderings compare too, in an order without meaning, so that nothing can panic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    Semver(Semver),
    SemverBuild(BuildVersion),
    Pep440(pep440_rs::Version),
    Maven(MavenVersion),
    NuGet(NuGetVersion),
    RubyGems(GemVersion),
    Packagist(ComposerVersion),
    Dpkg(DebianVersion),
    Rpm(RpmVersion),
    Apk(AlpineVersion),
    Dotted(DottedVersion),
    Upstream(UpstreamVersion),
    Natural(NaturalVersion),
}

impl Version {
    /// Reads a version as the ecosystem's own tools write it; `None` where it has no place in the order.
    ///
    /// An [`crate::component::Ecosystem`] stands for its scheme.
    pub fn parse(scheme: impl Into<Scheme>, text: &str) -> Option<Version> {
        match scheme.into() {
            Scheme::Semver => Semver::parse(text).map(Version::Semver),
            Scheme::SemverBuild => BuildVersion::parse(text).map(Version::SemverBuild),
            Scheme::Go => Semver::parse(text)
                .or_else(|| Semver::parse_go_release(text))
                .map(Version::Semver),
            Scheme::Pep440 => pep440::parse(text).map(Version::Pep440),
            Scheme::Maven => MavenVersion::parse(text).map(Version::Maven),
            Scheme::NuGet => NuGetVersion::parse(text).map(Version::NuGet),
            Scheme::RubyGems => GemVersion::parse(text).map(Version::RubyGems),
            Scheme::Packagist => ComposerVersion::parse(text).map(Version::Packagist),
            Scheme::Dpkg => DebianVersion::parse(text).map(Version::Dpkg),
            Scheme::Rpm => RpmVersion::parse(text).map(Version::Rpm),
            Scheme::Apk => AlpineVersion::parse(text).map(Version::Apk),
            Scheme::Dotted => DottedVersion::parse(text).map(Version::Dotted),
            Scheme::Upstream => UpstreamVersion::parse(text).map(Version::Upstream),
            Scheme::Natural => NaturalVersion::parse(text).map(Version::Natural),
        }
    }

    /// A text to look a version up by, in a list of texts made likewise.
    ///
    /// For PyPI and NuGet, which publish one version under several spellings, two versions that can
    /// be parsed have the same text exactly if they are equal. Elsewhere it is what is written.
    pub fn canonical(scheme: impl Into<Scheme>, text: &str) -> Cow<'_, str> {
        let canonical = match scheme.into() {
            Scheme::Pep440 => pep440::parse(text).map(|version| pep440::canonical(&version)),
            Scheme::NuGet => NuGetVersion::parse(text).map(|version| version.to_string()),
            _ => None,
        };
        canonical.map_or(Cow::Borrowed(text.trim()), Cow::Owned)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::component::Ecosystem;

    #[test]
    fn each_ecosystem_has_its_own_order() {
        let parse = |ecosystem, text| Version::parse(ecosystem, text).unwrap();
        let ascends = |ecosystem, a, b| parse(ecosystem, a) < parse(ecosystem, b);
        // A post release to Python, a pre-release to others.
        assert!(ascends(Ecosystem::PyPi, "1.0.0", "1.0.0-1"));
        assert!(ascends(Ecosystem::Npm, "1.0.0-1", "1.0.0"));
        assert!(ascends(Ecosystem::CratesIo, "1.0.0-1", "1.0.0"));
        assert!(ascends(Ecosystem::Go, "v1.0.0-1", "v1.0.0"));
        assert!(ascends(Ecosystem::Go, "go1.21rc2", "go1.21.0"));
        assert!(ascends(Ecosystem::Maven, "1.0.0", "1.0.0-1"));
        assert!(ascends(Ecosystem::NuGet, "1.0.0-1", "1.0.0"));
        assert!(ascends(Ecosystem::RubyGems, "1.0.0-1", "1.0.0"));
        assert!(ascends(Ecosystem::Packagist, "1.0.0", "1.0.0-1"));
        assert!(ascends(Ecosystem::Pub, "1.0.0", "1.0.0+1"));
        assert!(ascends(Ecosystem::Hex, "1.0.0-1", "1.0.0"));
        assert!(ascends(Ecosystem::SwiftUrl, "1.0.0-1", "1.0.0"));
        assert!(ascends(Ecosystem::Generic, "1.1.1k", "1.1.1l"));
        assert_eq!(Version::parse(Ecosystem::Npm, "go1.21.0"), None);
    }

    #[test]
    fn different_orderings_compare_without_panic() {
        let npm = Version::parse(Ecosystem::Npm, "1.0.0").unwrap();
        let pypi = Version::parse(Ecosystem::PyPi, "1.0.0").unwrap();
        assert_eq!(npm.cmp(&pypi), pypi.cmp(&npm).reverse());
        assert_ne!(npm, pypi);
    }

    #[test]
    fn what_cannot_be_parsed_is_looked_up_as_it_is_written() {
        assert_eq!(Version::canonical(Ecosystem::PyPi, " 1.0-x "), "1.0-x");
        assert_eq!(Version::canonical(Ecosystem::NuGet, "x"), "x");
        assert_eq!(Version::canonical(Ecosystem::Npm, " v1.0 "), "v1.0");
    }

    /// Texts of few kinds of pieces, so that many are equal, or alike for long.
    fn version_like() -> impl Strategy<Value = String> {
        let pieces = r"(0|1|10|01|2|\.|\.|-|_|\+|~|\^|:|!|a|b|m|x|v|é|alpha|beta|rc|RC|ga|sp|final|snapshot|dev|post|pre|pl|p|git|-r1|99999999999999999999){0,7}";
        let plausible = r"[0-2](\.(0|1|10|01)){0,4}((-|_|\.|~|\+|\^)?(alpha|a|b|RC|rc|pre|dev|p|sp|final|foo)([-.]?(0|01|1|10))?){0,2}((-|\+|-r|\.post|\.dev)[01])?(\.0){0,2}";
        prop_oneof![pieces, plausible]
    }

    proptest! {
        #[test]
        fn every_order_is_total(texts in prop::collection::vec(version_like(), 2..8)) {
            for scheme in Scheme::ALL {
                testing::assert_total(|text| Version::parse(scheme, text), &texts);
            }
        }

        #[test]
        fn canonical_texts_are_equal_where_versions_are(texts in prop::collection::vec(version_like(), 2..8)) {
            for scheme in [Scheme::Pep440, Scheme::NuGet] {
                let parsed = |text: &String| Some((Version::parse(scheme, text)?, text.clone()));
                let versions: Vec<_> = texts.iter().filter_map(parsed).collect();
                for (a, x) in &versions {
                    let canonical = Version::canonical(scheme, x);
                    prop_assert_eq!(&Version::parse(scheme, &canonical), &Some(a.clone()));
                    for (b, y) in &versions {
                        let other = Version::canonical(scheme, y);
                        prop_assert_eq!(a == b, canonical == other, "{} and {}", x, y);
                    }
                }
            }
        }

        #[test]
        fn no_text_panics(text in ".{0,40}") {
            for scheme in Scheme::ALL {
                let _ = Version::parse(scheme, &text);
                let _ = Version::canonical(scheme, &text);
            }
        }
    }
}
