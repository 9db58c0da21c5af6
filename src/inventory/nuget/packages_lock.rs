//! `packages.lock.json`, which NuGet writes where a project asks for it.
//!
//! <https://learn.microsoft.com/nuget/consume-packages/package-references-in-project-files#locking-dependencies>: for each
//! framework the packages by name. Those of the type `Project` are folders of the project.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::component::{Ecosystem, Evidence};
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::lenient::{Lenient, Table, Text};
use crate::inventory::{owner, read};

pub struct PackagesLock;

#[derive(Deserialize)]
struct Lockfile {
    #[serde(default)]
    dependencies: Lenient<BTreeMap<String, Table<Package>>>,
}

#[derive(Deserialize)]
struct Package {
    #[serde(default, rename = "type")]
    kind: Text,
    #[serde(default)]
    resolved: Text,
}

impl Inspector for PackagesLock {
    fn wants(&self, header: &Header) -> bool {
        // Projects that share a folder have `packages.NAME.lock.json` each.
        header.path.inner().ends_with(".lock.json")
            && header.path.file_name().starts_with("packages.")
            && owner::is_owners(header.path)
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let lockfile: Lockfile = read::json(entry)?;
        let frameworks = lockfile.dependencies.map().unwrap_or_default();
        for (name, package) in frameworks.into_values().flat_map(Table::rows) {
            let is_local = package.kind.text().as_deref() == Some("Project");
            if let (Some(version), false) = (package.resolved.text(), is_local) {
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
    use crate::inventory::testing::{inspect, rows, wants};

    #[test]
    fn packages_of_every_framework_are_locked() {
        let json = r#"{"version": 1, "dependencies": {
            "net6.0": {
                "A.Direct": {"type": "Direct", "requested": "[1.0.0, )", "resolved": "1.0.0", "contentHash": "00"},
                "B.Transitive": {"type": "Transitive", "resolved": "2.0.0-beta.1", "dependencies": {"C": "1.0.0"}},
                "own.library": {"type": "Project", "dependencies": {"A.Direct": "[1.0.0, )"}},
                "D": {"type": "CentralTransitive", "requested": "[3.0.0, )", "resolved": "3.0.0"}
            },
            "net6.0/linux-x64": {"E": {"type": "Transitive", "resolved": "4.3.0"}, "odd": 7}, "odd": []
        }}"#;
        let seen = inspect(&PackagesLock, "packages.lock.json", json).unwrap();
        assert_eq!(
            rows(&seen),
            [
                "A.Direct 1.0.0 locked packages.lock.json",
                "B.Transitive 2.0.0-beta.1 locked packages.lock.json",
                "D 3.0.0 locked packages.lock.json",
                "E 4.3.0 locked packages.lock.json",
            ]
        );
    }

    #[test]
    fn a_project_may_have_a_lock_file_of_its_name() {
        assert!(wants(&PackagesLock, "api/packages.lock.json", b""));
        assert!(wants(&PackagesLock, "packages.Api.lock.json", b""));
        assert!(!wants(&PackagesLock, "mypackages.lock.json", b""));
        assert!(!wants(
            &PackagesLock,
            "node_modules/a/packages.lock.json",
            b""
        ));
    }

    #[test]
    fn what_is_not_json_is_said_so() {
        assert!(inspect(&PackagesLock, "packages.lock.json", "{").is_err());
    }
}
