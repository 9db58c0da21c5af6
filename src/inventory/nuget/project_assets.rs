//! `project.assets.json`, which NuGet leaves in `obj` when it restores a project: the packages that it chose.
//!
//! <https://learn.microsoft.com/nuget/concepts/package-installation-process>. `libraries` has the packages as
//! `NAME/VERSION`; those of the type `project` are folders of the project.

use serde::Deserialize;

use crate::component::{Ecosystem, Evidence};
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::lenient::{Table, Text};
use crate::inventory::{owner, read};

pub struct ProjectAssets;

#[derive(Deserialize)]
struct Assets {
    #[serde(default)]
    libraries: Table<Library>,
}

#[derive(Deserialize)]
struct Library {
    #[serde(default, rename = "type")]
    kind: Text,
}

impl Inspector for ProjectAssets {
    fn wants(&self, header: &Header) -> bool {
        header.path.is_named("project.assets.json") && owner::is_owners(header.path)
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let assets: Assets = read::json(entry)?;
        for (library, fields) in assets.libraries.rows() {
            let is_package = fields.kind.text().as_deref() == Some("package");
            if let (Some((name, version)), true) = (library.split_once('/'), is_package) {
                let location = entry.path.clone();
                seen.component(Ecosystem::NuGet, name, version, Evidence::Locked, location);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, rows};

    #[test]
    fn packages_but_no_projects_are_locked() {
        let json = r#"{"version": 3, "targets": {"net6.0": {"A/1.0.0": {"type": "package"}}},
            "libraries": {
                "A/1.0.0": {"sha512": "00", "type": "package", "path": "a/1.0.0", "files": ["a.nuspec"]},
                "own/1.0.0": {"type": "project", "path": "../own/own.csproj"},
                "odd": {"type": "package"}, "odder/1.0": []
            },
            "projectFileDependencyGroups": {"net6.0": ["A >= 1.0.0"]}}"#;
        let path = "obj/project.assets.json";
        let seen = inspect(&ProjectAssets, path, json).unwrap();
        assert_eq!(rows(&seen), [format!("A 1.0.0 locked {path}")]);
    }

    #[test]
    fn what_is_not_json_is_said_so() {
        assert!(inspect(&ProjectAssets, "project.assets.json", "{").is_err());
    }
}
