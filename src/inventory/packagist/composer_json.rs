//! `composer.json`: the packages that a project asks for.
//!
//! Specification: <https://getcomposer.org/doc/04-schema.md#require>. Only what production needs counts. Names without
//! a slash are PHP itself, its extensions and libraries: <https://getcomposer.org/doc/articles/composer-platform-dependencies.md>.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::component::{Ecosystem, Evidence};
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::lenient::{Lenient, Text};
use crate::inventory::{owner, read};
use crate::version::Version;

pub struct ComposerJson;

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    name: Text,
    #[serde(default)]
    require: Lenient<BTreeMap<String, Text>>,
    /// A list, or a map that names them.
    #[serde(default)]
    repositories: Lenient<BTreeMap<String, Lenient<BTreeMap<String, Text>>>>,
}

impl Inspector for ComposerJson {
    fn wants(&self, header: &Header) -> bool {
        header.path.is_named("composer.json") && owner::is_owners(header.path)
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let manifest: Manifest = read::json(entry)?;
        let own = manifest.own_vendor();
        for (name, constraint) in manifest.require.map().unwrap_or_default() {
            let vendor = name.split_once('/').map(|(vendor, _)| vendor);
            let (Some(constraint), Some(vendor)) = (constraint.text(), vendor) else {
                continue;
            };
            if own.as_deref() == Some(vendor) {
                continue;
            }
            let (ecosystem, location) = (Ecosystem::Packagist, entry.path.clone());
            match exact(&constraint) {
                Some(version) => {
                    seen.component(ecosystem, name, version, Evidence::Declared, location);
                }
                None => seen.declared(ecosystem, name, constraint, location),
            }
        }
        Ok(())
    }
}

impl Manifest {
    /// The vendor of the project, if that has packages in folders
    /// (<https://getcomposer.org/doc/05-repositories.md#path>): its requirements of the same vendor are those.
    fn own_vendor(&self) -> Option<String> {
        let has_folders = match &self.repositories {
            Lenient::List(list) => list.iter().any(is_folder),
            Lenient::Map(named) => named.values().any(is_folder),
            _ => false,
        };
        match &self.name {
            Lenient::Text(name) if has_folders => Some(name.split('/').next()?.to_owned()),
            _ => None,
        }
    }
}

fn is_folder<T>(repository: &Lenient<BTreeMap<String, Lenient<T>>>) -> bool {
    let Lenient::Map(fields) = repository else {
        return false;
    };
    matches!(fields.get("type"), Some(Lenient::Text(kind)) if kind == "path")
}

/// The one version that a constraint allows: <https://getcomposer.org/doc/articles/versions.md#exact-version-constraint>.
fn exact(constraint: &str) -> Option<&str> {
    let version = constraint.trim();
    let version = version.trim_start_matches('=').trim_start();
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+');
    let version = version.bytes().all(is_plain).then_some(version)?;
    Version::parse(Ecosystem::Packagist, version).map(|_| version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, rows, wants};

    #[test]
    fn production_needs_packages_by_version_or_range() {
        let json = r#"{"name": "own/fn", "require": {
            "php": ">=8.1", "ext-json": "*", "lib-curl": "*", "composer-runtime-api": "^2",
            "a/exact": "1.2.3", "a/v": "==v1.0-RC1", "a/range": "^1.0 || ^2.0", "a/any": "*", "a/wild": "1.0.*",
            "a/branch": "dev-main", "a/flag": "1.0@dev", "a/hyphen": "1.0 - 2.0", "a/odd": 7, "a/x": "1.x"
        }, "require-dev": {"a/tool": "1.0"}, "suggest": {"a/more": "it is nice"}}"#;
        let found = rows(&inspect(&ComposerJson, "composer.json", json).unwrap());
        let expected = [
            "a/any ~*",
            "a/branch ~dev-main",
            "a/exact 1.2.3",
            "a/flag ~1.0@dev",
            "a/hyphen ~1.0 - 2.0",
            "a/range ~^1.0 || ^2.0",
            "a/v v1.0-RC1",
            "a/wild ~1.0.*",
            "a/x ~1.x",
        ];
        assert_eq!(
            found,
            expected.map(|row| format!("{row} declared composer.json"))
        );
    }

    #[test]
    fn packages_in_folders_are_the_projects_own() {
        for (repositories, rows_found) in [
            (r#"[{"type": "path", "url": "../lib"}]"#, 1),
            (
                r#"{"own": {"type": "path", "url": "../lib"}, "mirror": false}"#,
                1,
            ),
            (r#"[{"type": "vcs", "url": "https://git.example/lib"}]"#, 2),
            ("7", 2),
        ] {
            let json = format!(
                r#"{{"name": "own/fn", "require": {{"own/lib": "*", "a/b": "*"}}, "repositories": {repositories}}}"#
            );
            let seen = inspect(&ComposerJson, "composer.json", json).unwrap();
            assert_eq!(rows(&seen).len(), rows_found, "{repositories}");
        }
    }

    #[test]
    fn manifests_of_installed_packages_are_not_wanted() {
        assert!(wants(&ComposerJson, "composer.json", b""));
        assert!(!wants(&ComposerJson, "vendor/a/b/composer.json", b""));
        assert!(!wants(&ComposerJson, "node_modules/a/composer.json", b""));
    }
}
