//! `Pipfile`: <https://pipenv.pypa.io/en/stable/pipfile.html>.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::{Spanned, Value};

use crate::component::Evidence;
use crate::finding::Location;
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::owner;

use super::pep508::Requirement;
use super::toml_text::{self, Lines};

pub struct Pipfile;

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    packages: BTreeMap<Spanned<String>, Value>,
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
}

impl Package {
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

impl Inspector for Pipfile {
    fn wants(&self, header: &Header) -> bool {
        header.path.file_name() == "Pipfile" && owner::is_owners(header.path)
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let text = entry.text()?;
        let manifest: Manifest = toml_text::parse(text)?;
        let lines = Lines::new(text);
        let mut result = Ok(());
        for (name, row) in manifest.packages {
            let line = lines.line_of(name.span().start);
            let Ok(package) = Package::deserialize(row) else {
                result = Err(Unreadable::at(line as usize, "is not a package"));
                continue;
            };
            let location = Location::at_line(entry.path, line);
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
