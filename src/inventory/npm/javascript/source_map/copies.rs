//! What the modules of a source map say of packages.
//!
//! A copy of a package is told by its folder. Copies in the same version are one row; of those without one a lock file
//! may know which is which.

use serde::Deserialize;

use crate::inventory::lenient::Text;
use crate::inventory::npm::javascript::package_path::{PackagePath, is_name};
use crate::inventory::npm::javascript::published::{self, Candidates};
use crate::inventory::npm::javascript::{banner, module_version, script};
use crate::inventory::npm::specifier::exact_version;

/// Where packages keep files of others, and what is about other versions of themselves. What is minified may have been
/// left from a release before.
const FOREIGN_FOLDERS: &[&str] = &[
    "demo",
    "demos",
    "example",
    "examples",
    "libs",
    "test",
    "tests",
    "__tests__",
    "third_party",
    "vendor",
    "vendors",
];

/// A package in one folder.
pub(super) struct Copy {
    name: String,
    /// From its package.json, else from the path.
    version: Option<String>,
    /// What its other files say of the version.
    stated: Stated,
    /// What they leave of it, where the package's releases are known.
    candidates: Option<Candidates>,
    /// Where its map starts, in a file that holds more.
    line: Option<u32>,
}

/// Files of one copy that contradict each other state nothing.
#[derive(Default)]
enum Stated {
    #[default]
    Nothing,
    Version(String),
    Contradictions,
}

/// What is reported of a copy.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Package {
    pub name: String,
    pub version: Option<String>,
    pub range: Option<String>,
    pub folder: String,
    pub line: Option<u32>,
}

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    name: Text,
    #[serde(default)]
    version: Text,
}

/// What is reported of copies, by their folders. Those of which the same version is known are one.
pub(super) fn packages(copies: impl Iterator<Item = (String, Copy)>) -> Vec<Package> {
    let mut packages: Vec<_> = copies.map(|(folder, copy)| copy.package(folder)).collect();
    packages.sort();
    packages.dedup_by(|a, b| a.version.is_some() && (&a.name, &a.version) == (&b.name, &b.version));
    packages
}

impl Copy {
    /// Of the package that a module's path leads into.
    pub(super) fn of(package: PackagePath, line: Option<u32>) -> Self {
        Copy {
            candidates: Candidates::of(&package.name),
            name: package.name,
            version: package.version,
            stated: Stated::Nothing,
            line,
        }
    }

    /// Takes in the text of a module.
    pub(super) fn see(&mut self, path: &str, content: &str, is_manifest: bool) {
        if is_manifest && self.believe_manifest(content) {
            return;
        }
        for version in versions_in(&self.name, path, content) {
            self.stated.add(version);
        }
        if let Some(candidates) = &mut self.candidates {
            candidates.see_file(path, content.as_bytes());
        }
    }

    /// The folder of a package that was installed under another name does not bear its own.
    fn believe_manifest(&mut self, content: &str) -> bool {
        let Ok(manifest) = serde_json::from_str::<Manifest>(content) else {
            // A bundler has made code of it.
            return false;
        };
        let version = manifest.version.text();
        if let Some(version) = version.as_deref().and_then(exact_version) {
            self.version = Some(version.to_owned());
            if let Some(name) = manifest.name.text().filter(|name| is_name(name)) {
                self.name = name;
            }
        }
        true
    }

    fn package(self, folder: String) -> Package {
        let stated = match self.stated {
            Stated::Version(version) => Some(version),
            Stated::Nothing | Stated::Contradictions => None,
        };
        let (version, range) = published::known(self.version.or(stated), self.candidates);
        Package {
            name: self.name,
            version,
            range,
            folder,
            line: self.line,
        }
    }
}

impl Stated {
    fn add(&mut self, version: String) {
        *self = match std::mem::take(self) {
            Stated::Nothing => Stated::Version(version),
            Stated::Version(known) if known == version => Stated::Version(known),
            Stated::Version(_) | Stated::Contradictions => Stated::Contradictions,
        };
    }
}

/// The versions of a package that the text of one of its modules states.
fn versions_in(name: &str, path: &str, content: &str) -> Vec<String> {
    let inside = path.rsplit("node_modules/").next().unwrap_or(path);
    let mut folders = inside.rsplit('/').skip(1);
    if folders.any(|folder| FOREIGN_FOLDERS.contains(&folder)) || inside.contains(".min.") {
        return Vec::new();
    }
    let recognized = script::libraries_in(content.as_bytes()).into_iter();
    let by_code = recognized.filter(|r| r.name == name);
    by_code
        .filter_map(|r| r.version)
        .chain(banner::stated(name, content))
        .chain(module_version::stated(path, content.as_bytes()))
        .collect()
}
