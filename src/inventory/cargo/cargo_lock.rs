//! Cargo.lock, in all of its versions.
//!
//! Specification: <https://doc.rust-lang.org/cargo/guide/cargo-toml-vs-cargo-lock.html>; the versions differ in
//! how they write dependencies and checksums, which do not matter here. Packages of the workspace and from
//! other folders have no `source`.

use std::collections::HashMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::component::{Ecosystem, Evidence};
use crate::finding::Location;
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::lenient::{Lenient, Table, Text};
use crate::inventory::{owner, read};
use crate::supply_chain::origin::Origin;

pub struct CargoLock;

#[derive(Deserialize)]
struct Lockfile {
    #[serde(default)]
    package: Vec<Lenient<Package>>,
    /// Where versions 1 and 2 have the checksums: `checksum NAME VERSION (SOURCE)`.
    #[serde(default)]
    metadata: Table<IgnoredAny>,
}

#[derive(Deserialize)]
struct Package {
    #[serde(default)]
    name: Text,
    #[serde(default)]
    version: Text,
    #[serde(default)]
    source: Text,
    checksum: Option<IgnoredAny>,
}

impl Inspector for CargoLock {
    fn wants(&self, header: &Header) -> bool {
        header.path.file_name() == "Cargo.lock" && owner::is_owners(header.path)
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let lockfile: Lockfile = read::toml(entry)?;
        let mut lines = PackageLines {
            text: entry.text()?,
            lines: None,
        };
        let checksums = lockfile.metadata.map().unwrap_or_default();
        for package in lockfile.package.into_iter().filter_map(Lenient::map) {
            if let (Some(name), Some(version), Some(source)) = (
                package.name.text(),
                package.version.text(),
                package.source.text(),
            ) {
                let key = || format!("checksum {name} {version} ({source})");
                let is_hashed = package.checksum.is_some()
                    || (!checksums.is_empty() && checksums.contains_key(&key()));
                let origin = origin(&source, is_hashed);
                if origin.is_some() {
                    let mut location = Location::from(entry.path.clone());
                    location.line = lines.line(&name, &version);
                    seen.origin(
                        Ecosystem::CratesIo,
                        &name,
                        Evidence::Locked,
                        origin,
                        location,
                    );
                }
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

/// Crates from a repository are held by their commits, those of a registry by checksums.
fn origin(source: &str, is_hashed: bool) -> Option<Origin> {
    let is_registry = source.starts_with("registry+") || source.starts_with("sparse+");
    let origin = Origin::of_address(source, is_hashed, is_registry);
    let unhashed = || (is_registry && !is_hashed).then_some(Origin::Unhashed);
    origin.or_else(unhashed)
}

/// The lines of the packages, found when the first is asked for.
struct PackageLines<'a> {
    text: &'a str,
    lines: Option<HashMap<(&'a str, &'a str), u32>>,
}

impl<'a> PackageLines<'a> {
    fn line(&mut self, name: &str, version: &str) -> Option<u32> {
        let text: &'a str = self.text;
        let lines = self.lines.get_or_insert_with(|| {
            let mut name = ("", 0);
            let mut lines = HashMap::new();
            for (line, number) in text.lines().zip(1..) {
                if let Some(stated) = value(line, "name") {
                    name = (stated, number);
                } else if let Some(version) = value(line, "version") {
                    lines.insert((name.0, version), name.1);
                }
            }
            lines
        });
        lines.get(&(name, version)).copied()
    }
}

/// The string of a line `key = "value"`.
fn value<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let value = line.strip_prefix(key)?.trim_start().strip_prefix('=')?;
    Some(value.trim().trim_matches('"'))
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
