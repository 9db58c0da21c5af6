//! Which ordering each ecosystem has.

use crate::component::Ecosystem;

/// An ordering of versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    Semver,
    /// Semantic versions whose build metadata counts.
    SemverBuild,
    /// Semantic versions, and the releases of Go itself.
    Go,
    Pep440,
    Maven,
    NuGet,
    RubyGems,
    Packagist,
    Dpkg,
    Rpm,
    Apk,
    /// Lists of integers.
    Dotted,
    /// What authors of native libraries write.
    Upstream,
    /// The fall-back.
    Natural,
}

/// An ecosystem that OSV defines, and its ordering.
pub struct OrderedEcosystem {
    /// OSV's name, without what may follow a colon.
    pub name: &'static str,
    pub scheme: Scheme,
    /// Whether it rebuilds packages of the ecosystem that its suffix names, `TuxCare:npm`, and leaves
    /// their versions in that ecosystem's order.
    pub rebuilds: bool,
}

const fn own(name: &'static str, scheme: Scheme) -> OrderedEcosystem {
    OrderedEcosystem {
        name,
        scheme,
        rebuilds: false,
    }
}

const fn rebuilt(name: &'static str, scheme: Scheme) -> OrderedEcosystem {
    OrderedEcosystem {
        name,
        scheme,
        rebuilds: true,
    }
}

/// Every ecosystem of <https://ossf.github.io/osv-schema/#defined-ecosystems>.
pub const ECOSYSTEMS: [OrderedEcosystem; 48] = [
    own("AlmaLinux", Scheme::Rpm),
    own("Alpaquita", Scheme::Apk),
    own("Alpine", Scheme::Apk),
    own("Android", Scheme::Natural),
    own("Azure Linux", Scheme::Rpm),
    own("BellSoft Hardened Containers", Scheme::Apk),
    own("Bioconductor", Scheme::Dotted),
    own("Bitnami", Scheme::Semver),
    own("CRAN", Scheme::Dotted),
    own("Chainguard", Scheme::Apk),
    own("CleanStart", Scheme::Apk),
    own("ConanCenter", Scheme::Natural),
    own("Debian", Scheme::Dpkg),
    rebuilt("Docker Hardened Images", Scheme::Natural),
    rebuilt("Echo", Scheme::Dpkg),
    own("FreeBSD", Scheme::Natural),
    // Release candidates are `9.4.1-rc1`, which no list of integers is.
    own("GHC", Scheme::Semver),
    own("GitHub Actions", Scheme::Semver),
    own("Go", Scheme::Go),
    own("Hackage", Scheme::Dotted),
    own("Hex", Scheme::Semver),
    own("Julia", Scheme::SemverBuild),
    own("Kubernetes", Scheme::Go),
    // `2.6.32.71`, `6.1`, `6.1-rc1`: Maven's order is that of the kernel for all of them.
    own("Linux", Scheme::Maven),
    own("Mageia", Scheme::Rpm),
    own("Maven", Scheme::Maven),
    own("MinimOS", Scheme::Apk),
    own("NuGet", Scheme::NuGet),
    own("OSS-Fuzz", Scheme::Natural),
    own("Packagist", Scheme::Packagist),
    own("Photon OS", Scheme::Rpm),
    own("Pub", Scheme::SemverBuild),
    own("PyPI", Scheme::Pep440),
    own("Red Hat", Scheme::Rpm),
    own("Rocky Linux", Scheme::Rpm),
    rebuilt("Root", Scheme::Natural),
    own("RubyGems", Scheme::RubyGems),
    own("SUSE", Scheme::Rpm),
    own("SwiftURL", Scheme::Semver),
    rebuilt("TuxCare", Scheme::Natural),
    own("Ubuntu", Scheme::Dpkg),
    own("VSCode", Scheme::Semver),
    own("Wolfi", Scheme::Apk),
    own("crates.io", Scheme::Semver),
    own("npm", Scheme::Semver),
    own("opam", Scheme::Dpkg),
    own("openEuler", Scheme::Rpm),
    own("openSUSE", Scheme::Rpm),
];

impl Scheme {
    /// Every ordering, in the order of the documentation.
    pub const ALL: [Scheme; 14] = [
        Scheme::Semver,
        Scheme::SemverBuild,
        Scheme::Go,
        Scheme::Pep440,
        Scheme::Maven,
        Scheme::NuGet,
        Scheme::RubyGems,
        Scheme::Packagist,
        Scheme::Dpkg,
        Scheme::Rpm,
        Scheme::Apk,
        Scheme::Dotted,
        Scheme::Upstream,
        Scheme::Natural,
    ];

    /// The ordering of an ecosystem as OSV spells it, `Debian:12`: what follows the colon makes no
    /// difference but to an ecosystem that rebuilds another's packages. An unknown one has the fall-back.
    pub fn of_osv(ecosystem: &str) -> Scheme {
        let known = |name| ECOSYSTEMS.iter().find(|known| known.name == name);
        let mut names = ecosystem.split(':');
        let Some(outer) = names.next().and_then(known) else {
            return Scheme::Natural;
        };
        let inner = names.next().filter(|_| outer.rebuilds).and_then(known);
        inner.unwrap_or(outer).scheme
    }
}

impl From<Ecosystem> for Scheme {
    fn from(ecosystem: Ecosystem) -> Scheme {
        match ecosystem {
            Ecosystem::Npm | Ecosystem::CratesIo | Ecosystem::Hex | Ecosystem::SwiftUrl => {
                Scheme::Semver
            }
            Ecosystem::Pub => Scheme::SemverBuild,
            Ecosystem::Go => Scheme::Go,
            Ecosystem::PyPi => Scheme::Pep440,
            Ecosystem::Maven => Scheme::Maven,
            Ecosystem::NuGet => Scheme::NuGet,
            Ecosystem::RubyGems => Scheme::RubyGems,
            Ecosystem::Packagist => Scheme::Packagist,
            Ecosystem::Generic => Scheme::Upstream,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suffix_makes_no_difference_but_to_rebuilt_packages() {
        for (ecosystem, scheme) in [
            ("Debian", Scheme::Dpkg),
            ("Debian:12", Scheme::Dpkg),
            ("Ubuntu:Pro:18.04:LTS", Scheme::Dpkg),
            ("Alpine:v3.20", Scheme::Apk),
            ("Red Hat:enterprise_linux:9::appstream", Scheme::Rpm),
            ("Maven:https://maven.google.com", Scheme::Maven),
            ("Echo", Scheme::Dpkg),
            ("Echo:PyPI", Scheme::Pep440),
            ("TuxCare:npm", Scheme::Semver),
            ("Root:Alpine:3.18", Scheme::Apk),
            ("Docker Hardened Images:Debian:trixie", Scheme::Dpkg),
            ("Root:somewhere", Scheme::Natural),
            ("Hackage:npm", Scheme::Dotted),
            ("debian", Scheme::Natural),
            ("", Scheme::Natural),
        ] {
            assert_eq!(Scheme::of_osv(ecosystem), scheme, "{ecosystem}");
        }
    }

    /// As the documentation names it: the ordering's file, where it has one of its own.
    fn label(scheme: Scheme) -> &'static str {
        match scheme {
            Scheme::Semver => "semver",
            Scheme::SemverBuild => "semver_build",
            Scheme::Go => "go",
            Scheme::Pep440 => "pep440",
            Scheme::Maven => "maven",
            Scheme::NuGet => "nuget",
            Scheme::RubyGems => "rubygems",
            Scheme::Packagist => "packagist",
            Scheme::Dpkg => "dpkg",
            Scheme::Rpm => "rpm",
            Scheme::Apk => "apk",
            Scheme::Dotted => "dotted",
            Scheme::Upstream => "upstream",
            Scheme::Natural => "natural",
        }
    }

    #[test]
    fn the_documentation_names_every_ecosystem_and_ordering() {
        let document = include_str!("../../docs/ecosystems.md");
        let rows = |section: &str| -> Vec<&str> {
            let (_, section) = document.split_once(section).unwrap();
            let table = section.lines().skip_while(|line| !line.starts_with('|'));
            table
                .skip(2)
                .take_while(|line| line.starts_with('|'))
                .collect()
        };
        let ecosystems = ECOSYSTEMS.iter().map(|known| {
            let rebuilds = if known.rebuilds { ", rebuilds" } else { "" };
            format!("| {} | `{}`{rebuilds} |", known.name, label(known.scheme))
        });
        assert_eq!(
            rows("## Ecosystems and their orderings"),
            ecosystems.collect::<Vec<_>>()
        );
        let documented = rows("## Orderings");
        assert_eq!(documented.len(), Scheme::ALL.len());
        for (row, scheme) in documented.iter().zip(Scheme::ALL) {
            let start = format!("| `{}` | ", label(scheme));
            assert!(row.starts_with(&start), "{row}");
        }
    }

    #[test]
    fn both_tables_agree() {
        let known = Ecosystem::ALL.into_iter();
        for ecosystem in known.filter(|e| *e != Ecosystem::Generic) {
            let name = ecosystem.as_str();
            assert!(ECOSYSTEMS.iter().any(|known| known.name == name), "{name}");
            assert_eq!(Scheme::from(ecosystem), Scheme::of_osv(name), "{name}");
        }
    }

    #[test]
    fn kernels_are_in_order() {
        let parse = |text: &str| crate::version::Version::parse(Scheme::of_osv("Linux"), text);
        let ascending = [
            "2.6.32",
            "2.6.32.71",
            "3.0",
            "6.1-rc2",
            "6.1-rc10",
            "6.1",
            "6.1.1",
            "6.10",
        ];
        crate::version::testing::assert_ascending(parse, &ascending);
    }

    #[test]
    fn the_table_is_sorted_and_names_nothing_twice() {
        assert!(ECOSYSTEMS.is_sorted_by(|a, b| a.name < b.name));
    }
}
