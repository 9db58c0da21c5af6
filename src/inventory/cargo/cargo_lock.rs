//! Cargo.lock, in all of its versions.
//!
//! Specification: <https://doc.rust-lang.org/cargo/guide/cargo-toml-vs-cargo-lock.html>; the versions differ in
//! how they write dependencies and checksums, which do not matter here. Packages of the workspace and from
//! other folders have no `source`.

use serde::Deserialize;

use crate::component::{Ecosystem, Evidence};
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::lenient::{Lenient, Text};
use crate::inventory::{owner, read};

pub struct CargoLock;

#[derive(Deserialize)]
struct Lockfile {
    #[serde(default)]
    package: Vec<Lenient<Package>>,
}

#[derive(Deserialize)]
struct Package {
    #[serde(default)]
    name: Text,
    #[serde(default)]
    version: Text,
    #[serde(default)]
    source: Text,
}

impl Inspector for CargoLock {
    fn wants(&self, header: &Header) -> bool {
        header.path.file_name() == "Cargo.lock" && owner::is_owners(header.path)
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let lockfile: Lockfile = read::toml(entry)?;
        for package in lockfile.package.into_iter().filter_map(Lenient::map) {
            if let (Some(name), Some(version), Some(_)) = (
                package.name.text(),
                package.version.text(),
                package.source.text(),
            ) {
                let location = entry.path.clone();
                seen.component(
                    Ecosystem::CratesIo,
                    name,
                    version,
                    Evidence::Locked,
                    location,
                );
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, rows, wants};

    fn lock(text: &str) -> Vec<String> {
        let seen = inspect(&CargoLock, "Cargo.lock", text).unwrap();
        let rows = rows(&seen).into_iter();
        rows.map(|row| row.replace(" locked Cargo.lock", ""))
            .collect()
    }

    #[test]
    fn packages_with_a_source_are_third_party() {
        let found = lock(
            r#"
version = 4

[[package]]
name = "a"
version = "1.0.0"
source = "registry+https://registry.example/index"
checksum = "0123abc"
dependencies = ["b 2.0.0", "member"]

[[package]]
name = "b"
version = "2.0.0+build.1"
source = "git+https://git.example/me/b#0123abc"

[[package]]
name = "c"
version = "3.0.0-rc.1"
source = "sparse+https://registry.example/"

[[package]]
name = "member"
version = "0.1.0"
"#,
        );
        assert_eq!(found, ["a 1.0.0", "b 2.0.0+build.1", "c 3.0.0-rc.1"]);
    }

    #[test]
    fn the_first_version_has_a_root_and_metadata() {
        let found = lock(
            r#"
[root]
name = "own"
version = "0.1.0"
dependencies = ["a 1.0.0 (registry+https://registry.example/index)"]

[[package]]
name = "a"
version = "1.0.0"
source = "registry+https://registry.example/index"

[metadata]
"checksum a 1.0.0 (registry+https://registry.example/index)" = "0123abc"
"#,
        );
        assert_eq!(found, ["a 1.0.0"]);
    }

    #[test]
    fn an_odd_row_costs_only_itself() {
        let found = lock(
            r#"package = [7, { name = "a" }, { name = "b", version = 1, source = "x" },
                { name = "c", version = "1.0.0", source = "x" }]"#,
        );
        assert_eq!(found, ["c 1.0.0"]);
    }

    #[test]
    fn what_is_not_toml_is_said_so() {
        let error = inspect(&CargoLock, "Cargo.lock", "version = 4\n[[package]\n").unwrap_err();
        assert_eq!(error.line, Some(2));
        assert!(
            error.message.starts_with("is not valid TOML: "),
            "{error:?}"
        );
    }

    #[test]
    fn deep_nesting_is_refused() {
        let text = format!("a = {}", "[".repeat(1 << 20));
        assert!(inspect(&CargoLock, "Cargo.lock", text).is_err());
    }

    #[test]
    fn the_name_is_spelled_as_cargo_spells_it() {
        assert!(wants(&CargoLock, "api/Cargo.lock", b""));
        assert!(!wants(&CargoLock, "cargo.lock.bak", b""));
    }
}
