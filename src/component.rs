//! What an audit is about: packages, and how surely they are known to be there.

use std::borrow::Cow;
use std::fmt;

use packageurl::PackageUrl;
use serde::Serialize;

use crate::finding::Location;

/// A package registry, spelled as OSV spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ecosystem {
    Npm,
    PyPi,
    CratesIo,
    Go,
    Maven,
    NuGet,
    RubyGems,
    Packagist,
    Pub,
    Hex,
    SwiftUrl,
    /// No registry: native libraries and runtimes, under the names and versions of their authors. OSV has no such
    /// ecosystem; this is the type of their purls.
    Generic,
}

impl Ecosystem {
    /// Every ecosystem, in the order of reports.
    pub const ALL: [Ecosystem; 12] = [
        Ecosystem::Npm,
        Ecosystem::PyPi,
        Ecosystem::CratesIo,
        Ecosystem::Go,
        Ecosystem::Maven,
        Ecosystem::NuGet,
        Ecosystem::RubyGems,
        Ecosystem::Packagist,
        Ecosystem::Pub,
        Ecosystem::Hex,
        Ecosystem::SwiftUrl,
        Ecosystem::Generic,
    ];

    /// The name OSV uses, where it has one: <https://ossf.github.io/osv-schema/#defined-ecosystems>.
    pub fn as_str(self) -> &'static str {
        match self {
            Ecosystem::Npm => "npm",
            Ecosystem::PyPi => "PyPI",
            Ecosystem::CratesIo => "crates.io",
            Ecosystem::Go => "Go",
            Ecosystem::Maven => "Maven",
            Ecosystem::NuGet => "NuGet",
            Ecosystem::RubyGems => "RubyGems",
            Ecosystem::Packagist => "Packagist",
            Ecosystem::Pub => "Pub",
            Ecosystem::Hex => "Hex",
            Ecosystem::SwiftUrl => "SwiftURL",
            Ecosystem::Generic => "generic",
        }
    }

    /// Reads OSV's spelling; a suffix after a colon (`Debian:12`) names a release and is ignored.
    pub fn from_osv(text: &str) -> Option<Self> {
        let name = text.split_once(':').map_or(text, |(name, _)| name);
        let known = Self::ALL.into_iter();
        let mut known = known.filter(|e| *e != Ecosystem::Generic);
        known.find(|e| e.as_str() == name)
    }

    /// The purl type: <https://github.com/package-url/purl-spec/blob/main/PURL-TYPES.rst>.
    fn purl_type(self) -> &'static str {
        match self {
            Ecosystem::Npm => "npm",
            Ecosystem::PyPi => "pypi",
            Ecosystem::CratesIo => "cargo",
            Ecosystem::Go => "golang",
            Ecosystem::Maven => "maven",
            Ecosystem::NuGet => "nuget",
            Ecosystem::RubyGems => "gem",
            Ecosystem::Packagist => "composer",
            Ecosystem::Pub => "pub",
            Ecosystem::Hex => "hex",
            Ecosystem::SwiftUrl => "swift",
            Ecosystem::Generic => "generic",
        }
    }

    /// The form in which names are shown: PyPI's own
    /// <https://packaging.python.org/en/latest/specifications/name-normalization/>, as written elsewhere.
    pub fn normalize_name(self, name: &str) -> String {
        match self {
            Ecosystem::PyPi => normalize_pypi_name(name),
            _ => name.to_owned(),
        }
    }

    /// The form to look a name up by: the same for all spellings of one package.
    ///
    /// - PyPI: as [`Ecosystem::normalize_name`].
    /// - crates.io takes `-` and `_`, and cases, for the same:
    ///   <https://doc.rust-lang.org/cargo/reference/registry-index.html#name-restrictions>.
    /// - NuGet <https://learn.microsoft.com/nuget/reference/nuspec#id> and Packagist
    ///   <https://getcomposer.org/doc/04-schema.md#name> tell no cases apart. Pub
    ///   <https://dart.dev/tools/pub/pubspec#name> and Hex <https://hex.pm/docs/publish> have lower case only.
    /// - Swift's package manager leaves out the scheme of a URL, who logs in, `.git` at its end, and the case:
    ///   <https://github.com/swiftlang/swift-evolution/blob/main/proposals/0292-package-registry-service.md>.
    /// - npm, Go, Maven and RubyGems tell cases apart.
    pub fn comparable_name(self, name: &str) -> String {
        match self {
            Ecosystem::PyPi => normalize_pypi_name(name),
            Ecosystem::CratesIo => name.to_lowercase().replace('_', "-"),
            Ecosystem::NuGet | Ecosystem::Packagist | Ecosystem::Pub | Ecosystem::Hex => {
                name.to_lowercase()
            }
            Ecosystem::SwiftUrl => swift_location(name).to_lowercase(),
            Ecosystem::Npm
            | Ecosystem::Go
            | Ecosystem::Maven
            | Ecosystem::RubyGems
            | Ecosystem::Generic => name.to_owned(),
        }
    }
}

impl fmt::Display for Ecosystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Ecosystem {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Lower case, with every run of `-`, `_` and `.` as one `-`:
/// <https://packaging.python.org/en/latest/specifications/name-normalization/>.
fn normalize_pypi_name(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut separator = false;
    for c in name.chars() {
        if matches!(c, '-' | '_' | '.') {
            separator = true;
        } else {
            if separator {
                out.push('-');
            }
            separator = false;
            out.extend(c.to_lowercase());
        }
    }
    if separator {
        out.push('-');
    }
    out
}

/// `github.com/owner/repository` of an address as Git takes it, `https://…`, `ssh://git@…` or `git@host:path`; a name
/// of that form as it is. Who logs in, and at which port, is no part of a package's identity.
pub fn swift_location(name: &str) -> Cow<'_, str> {
    let (scheme, location) = match name.split_once("://") {
        Some((_, location)) => (true, location),
        None => (false, name),
    };
    let location = location.trim_end_matches('/');
    let location = location.strip_suffix(".git").unwrap_or(location);
    let end = location.find('/').unwrap_or(location.len());
    let (host, path) = location.split_at(end);
    let host = host.rsplit_once('@').map_or(host, |(_user, host)| host);
    match host.split_once(':') {
        // A port, or the start of the path in the form that has no scheme.
        Some((host, after)) if scheme || after.is_empty() => format!("{host}{path}").into(),
        Some((host, start)) => format!("{host}/{start}{path}").into(),
        None => location.get(end - host.len()..).unwrap_or_default().into(),
    }
}

/// What a component is known by, weakest first so that the greater is the stronger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Evidence {
    /// A manifest asks for it, with a pin or a range.
    Declared,
    /// A lock file names it.
    Locked,
    /// Its code was recognised by what is written in it.
    Fingerprint,
    /// Data that the build left in the code names it, such as a binary's audit data.
    Embedded,
    /// Its own metadata is in the artifact.
    Installed,
}

/// Whether a component's code is in the artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// It is.
    Shipped,
    /// Only a manifest or lock file names it.
    Declared,
}

impl Evidence {
    /// The scope of a component that is known by this.
    pub fn scope(self) -> Scope {
        match self {
            Evidence::Installed | Evidence::Embedded | Evidence::Fingerprint => Scope::Shipped,
            Evidence::Locked | Evidence::Declared => Scope::Declared,
        }
    }
}

/// One package as one file of the artifact names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedComponent {
    pub ecosystem: Ecosystem,
    /// As written; [`crate::inventory::resolve`] normalises it.
    pub name: String,
    /// The exact version, where one is stated.
    pub version: Option<String>,
    /// What is known of the version instead: the range as the file writes it.
    pub version_range: Option<String>,
    pub evidence: Evidence,
    /// The folder that it was installed in when the artifact was built, from its first `node_modules` on:
    /// `node_modules/b/node_modules/a`. It tells copies of one package apart.
    pub folder: Option<Box<str>>,
    /// The file, and the line where the format makes it known.
    pub location: Location,
}

/// A third-party package of the artifact, merged from everything that names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Component {
    pub ecosystem: Ecosystem,
    /// Under [`Ecosystem::normalize_name`].
    pub name: String,
    /// None where nothing tells the exact one.
    pub version: Option<String>,
    /// What is known instead, where there is no version.
    pub version_range: Option<String>,
    /// Its package URL, see [`purl()`].
    pub purl: String,
    pub scope: Scope,
    /// The strongest among the files that know its version.
    pub evidence: Evidence,
    /// Every place that names it, the strongest evidence first.
    pub locations: Vec<Location>,
    /// Unpacked bytes; null where they were not measured.
    pub size_bytes: Option<u64>,
    /// The version to go to, where advisories name one.
    pub upgrade: Option<Upgrade>,
}

/// The lowest version that is rid of a component's vulnerabilities, or of most of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Upgrade {
    pub version: String,
    /// How many of the component's findings it fixes.
    pub fixes: usize,
    /// Whether it fixes all of them, and no advisory of the package certainly affects it.
    pub fixes_all: bool,
}

/// The package URL of a component: <https://github.com/package-url/purl-spec>.
///
/// A name that no purl can carry (an artifact may claim anything) is percent-encoded whole.
pub fn purl(ecosystem: Ecosystem, name: &str, version: Option<&str>) -> String {
    let shown = match ecosystem {
        // Their purl types have lower case only.
        Ecosystem::Go | Ecosystem::Packagist | Ecosystem::Pub | Ecosystem::Hex => {
            name.to_lowercase()
        }
        Ecosystem::SwiftUrl => swift_location(name).into_owned(),
        _ => name.to_owned(),
    };
    let parts = match ecosystem {
        Ecosystem::Npm | Ecosystem::Go | Ecosystem::Packagist | Ecosystem::SwiftUrl => {
            shown.rsplit_once('/')
        }
        Ecosystem::Maven => shown.rsplit_once(':'),
        Ecosystem::PyPi
        | Ecosystem::CratesIo
        | Ecosystem::NuGet
        | Ecosystem::RubyGems
        | Ecosystem::Pub
        | Ecosystem::Hex
        | Ecosystem::Generic => None,
    };
    let (namespace, base) = match parts {
        Some((namespace, base)) => (Some(namespace), base),
        None => (None, shown.as_str()),
    };
    let build = || -> Result<String, packageurl::Error> {
        let mut purl = PackageUrl::new(ecosystem.purl_type(), base)?;
        if let Some(namespace) = namespace {
            purl.with_namespace(namespace)?;
        }
        if let Some(version) = version {
            purl.with_version(version)?;
        }
        Ok(purl.to_string())
    };
    build().unwrap_or_else(|_| {
        let encoded =
            |text: &str| -> String { text.bytes().map(|b| format!("%{b:02X}")).collect() };
        let version = version
            .map(|v| format!("@{}", encoded(v)))
            .unwrap_or_default();
        format!("pkg:{}/{}{version}", ecosystem.purl_type(), encoded(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_looked_up_as_their_ecosystem_compares_them() {
        for (ecosystem, a, b) in [
            (Ecosystem::PyPi, "Foo._Bar", "foo-bar"),
            (Ecosystem::CratesIo, "Serde_JSON", "serde-json"),
            (Ecosystem::NuGet, "Newtonsoft.Json", "newtonsoft.json"),
            (Ecosystem::Packagist, "Symfony/Console", "symfony/console"),
            (Ecosystem::Pub, "Http", "http"),
            (Ecosystem::Hex, "Phoenix", "phoenix"),
            (
                Ecosystem::SwiftUrl,
                "https://github.com/Apple/swift-nio.git",
                "github.com/apple/swift-nio",
            ),
            (
                Ecosystem::SwiftUrl,
                "git@github.com:Apple/swift-nio.git",
                "github.com/apple/swift-nio",
            ),
            (
                Ecosystem::SwiftUrl,
                "ssh://git:secret@github.com:22/apple/swift-nio/",
                "github.com/apple/swift-nio",
            ),
        ] {
            let name = |text| ecosystem.comparable_name(text);
            assert_eq!(name(a), name(b), "{ecosystem}");
            assert_ne!(name(a), name("another"), "{ecosystem}");
        }
        for ecosystem in [
            Ecosystem::Npm,
            Ecosystem::Go,
            Ecosystem::Maven,
            Ecosystem::RubyGems,
        ] {
            assert_eq!(ecosystem.comparable_name("A_b/C-d"), "A_b/C-d");
        }
    }

    #[test]
    fn only_pypi_shows_names_otherwise_than_written() {
        for ecosystem in Ecosystem::ALL {
            let written = ecosystem.normalize_name("Foo_Bar") == "Foo_Bar";
            assert_eq!(written, ecosystem != Ecosystem::PyPi, "{ecosystem}");
        }
    }

    #[test]
    fn every_ecosystem_has_its_purl() {
        for (ecosystem, name, expected) in [
            (Ecosystem::Npm, "@a/b", "pkg:npm/%40a/b@1.0"),
            (Ecosystem::PyPi, "a-b", "pkg:pypi/a-b@1.0"),
            (Ecosystem::CratesIo, "a_b", "pkg:cargo/a_b@1.0"),
            (
                Ecosystem::Go,
                "github.com/A/B/v2",
                "pkg:golang/github.com/a/b/v2@1.0",
            ),
            (Ecosystem::Go, "stdlib", "pkg:golang/stdlib@1.0"),
            (Ecosystem::Maven, "org.a:b.C", "pkg:maven/org.a/b.C@1.0"),
            (Ecosystem::NuGet, "A.B", "pkg:nuget/A.B@1.0"),
            (Ecosystem::RubyGems, "a-b", "pkg:gem/a-b@1.0"),
            (
                Ecosystem::Packagist,
                "Vendor/Name",
                "pkg:composer/vendor/name@1.0",
            ),
            (Ecosystem::Pub, "a_b", "pkg:pub/a_b@1.0"),
            (Ecosystem::Hex, "a_b", "pkg:hex/a_b@1.0"),
            (
                Ecosystem::SwiftUrl,
                "github.com/Owner/Name",
                "pkg:swift/github.com/Owner/Name@1.0",
            ),
            (Ecosystem::Generic, "a_b", "pkg:generic/a_b@1.0"),
        ] {
            assert_eq!(purl(ecosystem, name, Some("1.0")), expected);
        }
    }

    #[test]
    fn versions_stand_in_a_purl_as_their_ecosystem_writes_them() {
        for (ecosystem, name, version, expected) in [
            (
                Ecosystem::Go,
                "github.com/a/b",
                "v2.0.0+incompatible",
                "pkg:golang/github.com/a/b@v2.0.0%2Bincompatible",
            ),
            (
                Ecosystem::Go,
                "example.com/a",
                "v0.0.0-20170915032832-14c0d48ead0c",
                "pkg:golang/example.com/a@v0.0.0-20170915032832-14c0d48ead0c",
            ),
            (Ecosystem::Pub, "a", "1.0.0+1", "pkg:pub/a@1.0.0%2B1"),
            (
                Ecosystem::Packagist,
                "a/b",
                "v1.0.0-RC1",
                "pkg:composer/a/b@v1.0.0-RC1",
            ),
        ] {
            assert_eq!(purl(ecosystem, name, Some(version)), expected);
        }
    }

    #[test]
    fn a_suffix_of_an_ecosystem_is_no_part_of_its_name() {
        for ecosystem in Ecosystem::ALL {
            let name = format!("{ecosystem}:suffix");
            let known = Some(ecosystem).filter(|e| *e != Ecosystem::Generic);
            assert_eq!(Ecosystem::from_osv(&name), known);
        }
        assert_eq!(Ecosystem::from_osv("swifturl"), None);
    }
}
