//! What an audit is about: packages, and how surely they are known to be there.

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
}

impl Ecosystem {
    /// Every ecosystem, in the order of reports.
    pub const ALL: [Ecosystem; 4] = [
        Ecosystem::Npm,
        Ecosystem::PyPi,
        Ecosystem::CratesIo,
        Ecosystem::Go,
    ];

    /// The name OSV uses: <https://ossf.github.io/osv-schema/#defined-ecosystems>.
    pub fn as_str(self) -> &'static str {
        match self {
            Ecosystem::Npm => "npm",
            Ecosystem::PyPi => "PyPI",
            Ecosystem::CratesIo => "crates.io",
            Ecosystem::Go => "Go",
        }
    }

    /// Reads OSV's spelling; a suffix after a colon (`Debian:12`) names a release and is ignored.
    pub fn from_osv(text: &str) -> Option<Self> {
        let name = text.split_once(':').map_or(text, |(name, _)| name);
        Self::ALL.into_iter().find(|e| e.as_str() == name)
    }

    /// The purl type: <https://github.com/package-url/purl-spec/blob/main/PURL-TYPES.rst>.
    fn purl_type(self) -> &'static str {
        match self {
            Ecosystem::Npm => "npm",
            Ecosystem::PyPi => "pypi",
            Ecosystem::CratesIo => "cargo",
            Ecosystem::Go => "golang",
        }
    }

    /// The form under which this ecosystem compares names: PEP 503 for PyPI, as written elsewhere.
    pub fn normalize_name(self, name: &str) -> String {
        match self {
            Ecosystem::PyPi => normalize_pypi_name(name),
            _ => name.to_owned(),
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

/// What a component is known by, weakest first so that the greater is the stronger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Evidence {
    /// A manifest asks for it, with a pin or a range.
    Declared,
    /// A lock file names it.
    Locked,
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
            Evidence::Installed | Evidence::Embedded => Scope::Shipped,
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
    /// The file, and the line where the format makes it known.
    pub location: Location,
}

/// A third-party package of the artifact, merged from everything that names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Component {
    pub ecosystem: Ecosystem,
    /// Under [`Ecosystem::normalize_name`].
    pub name: String,
    /// None where no file states an exact one; then it is not matched with advisories.
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
    let (namespace, base) = match ecosystem {
        Ecosystem::Npm | Ecosystem::Go => match name.rsplit_once('/') {
            Some((namespace, base)) => (Some(namespace), base),
            None => (None, name),
        },
        Ecosystem::PyPi | Ecosystem::CratesIo => (None, name),
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
