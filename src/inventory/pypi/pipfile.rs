//! `Pipfile`: <https://pipenv.pypa.io/en/stable/pipfile.html>.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::{Spanned, Value};

use crate::component::{Ecosystem, Evidence};
use crate::finding::Location;
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::lenient::{Flag, Lenient, Text};
use crate::inventory::npm::specifier::without_credentials;
use crate::inventory::owner;
use crate::supply_chain::origin::{Origin, host, is_own_host, is_plain, leads_outside};

use super::pep508::Requirement;
use super::requirements;
use super::toml_text::{self, Lines};

pub struct Pipfile;

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    packages: BTreeMap<Spanned<String>, Value>,
    #[serde(default)]
    source: Vec<Spanned<Lenient<Index>>>,
}

/// An index that packages come from: `[[source]]`, and `_meta.sources` in the lock.
#[derive(Deserialize)]
pub struct Index {
    #[serde(default)]
    url: Text,
    #[serde(default)]
    verify_ssl: Flag,
}

impl Index {
    pub fn origin(&self) -> Option<Origin> {
        let url = self.url.as_text()?;
        let is_unverified = matches!(self.verify_ssl, Lenient::Flag(false));
        let scheme = url.split_once("://").map_or("", |(_, rest)| rest);
        let is_own = is_own_host(host(scheme));
        (is_plain(url) || (is_unverified && !is_own)).then(|| Origin::Insecure {
            setting: format!("source {}", without_credentials(url)),
        })
    }
}

/// What a Pipfile and its lock say of a package.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Package {
    Version(String),
    Table(PackageTable),
}

#[derive(Deserialize)]
pub struct PackageTable {
    version: Option<String>,
    path: Option<String>,
    git: Option<String>,
    #[serde(rename = "ref")]
    revision: Option<String>,
    file: Option<String>,
    /// Of a lock.
    hashes: Option<IgnoredAny>,
}

impl Package {
    /// Where a package in a Pipfile or its lock comes from, and in which of its versions.
    pub fn origin(&self, folder: &str) -> Option<Origin> {
        match self {
            Package::Version(version) => unpinned(version),
            Package::Table(table) => table.origin(folder),
        }
    }

    /// Whether the row of a lock is of a package from an index, and has no hash.
    pub fn needs_hash(&self) -> bool {
        match self {
            Package::Version(_) => true,
            Package::Table(table) => table.path.is_none() && table.hashes.is_none(),
        }
    }

    /// `None` for a local package.
    pub fn into_requirement(self, name: &str) -> Option<Requirement> {
        let table = match self {
            Package::Version(version) => return Some(Requirement::new(name, &version)),
            Package::Table(table) => table,
        };
        if table.path.is_some() {
            return None;
        }
        if let Some(file) = &table.file {
            return Requirement::from_link(Some(name), file);
        }
        if table.git.is_some() && table.version.is_none() {
            return Some(Requirement::at_revision(name, table.revision.as_deref()));
        }
        Some(Requirement::new(name, &table.version.unwrap_or_default()))
    }
}

impl PackageTable {
    fn origin(&self, folder: &str) -> Option<Origin> {
        if let Some(path) = &self.path {
            return leads_outside(folder, path);
        }
        if let Some(file) = &self.file {
            return requirements::link_origin(folder, file, self.hashes.is_some());
        }
        if let Some(git) = &self.git {
            return Origin::of_git(git, self.revision.as_deref());
        }
        unpinned(self.version.as_deref().unwrap_or_default())
    }
}

/// What is asked of a package by its version alone, where that is not one.
fn unpinned(asked: &str) -> Option<Origin> {
    let pinned = Requirement::new("", asked).version.is_some();
    (!pinned).then_some(Origin::Range)
}

impl Inspector for Pipfile {
    fn wants(&self, header: &Header) -> bool {
        header.path.file_name() == "Pipfile" && owner::is_owners(header.path)
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let text = entry.text()?;
        let manifest: Manifest = toml_text::parse(text)?;
        let lines = Lines::new(text);
        for index in &manifest.source {
            if let Lenient::Map(source) = index.get_ref() {
                let location = Location::at_line(entry.path, lines.line_of(index.span().start));
                let declared = Evidence::Declared;
                seen.origin(
                    Ecosystem::PyPi,
                    "source",
                    declared,
                    source.origin(),
                    location,
                );
            }
        }
        let mut result = Ok(());
        for (name, row) in manifest.packages {
            let line = lines.line_of(name.span().start);
            let Ok(package) = Package::deserialize(row) else {
                result = Err(Unreadable::at(line as usize, "is not a package"));
                continue;
            };
            let location = Location::at_line(entry.path, line);
            let origin = package.origin(entry.path.parent());
            let declared = Evidence::Declared;
            seen.origin(
                Ecosystem::PyPi,
                name.get_ref(),
                declared,
                origin,
                location.clone(),
            );
            seen.components.extend(
                package
                    .into_requirement(name.get_ref())
                    .map(|asked| asked.into_component(Evidence::Declared, location)),
            );
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, rows};

    #[test]
    fn lists_packages_but_no_local_ones() {
        let text = r#"
[packages]
alpha = "==1.0"
beta = "*"
gamma = {version = ">=1.0, <2", extras = ["x"]}
from-git = {git = "https://git.example/x.git", ref = "main", editable = true}
my-lib = {path = "./lib", editable = true}
my-wheel = {file = "wheels/my_wheel-0.1.0-py3-none-any.whl"}

[dev-packages]
tool = "==2.0"
"#;
        let seen = inspect(&Pipfile, "Pipfile", text).unwrap();
        assert_eq!(
            rows(&seen),
            [
                "alpha 1.0 declared Pipfile:3",
                "beta ~* declared Pipfile:4",
                "from-git ~main declared Pipfile:6",
                "gamma ~>=1.0,<2 declared Pipfile:5",
            ]
        );
    }
}
