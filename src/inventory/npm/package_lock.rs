//! npm's lock files: package-lock.json, npm-shrinkwrap.json and the hidden one in `node_modules`.
//!
//! Specification: <https://docs.npmjs.com/cli/v11/configuring-npm/package-lock-json>. Version 1 is a tree of
//! `dependencies`, version 3 a flat list of `packages` by their folders, and version 2 holds both.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::layout;
use super::lock_places::{PlacedTree, ROOT};
use super::locked_origin::{Origins, Row as LockedRow, is_integrity};
use super::specifier::{Locked, is_local, locked};
use crate::component::ObservedComponent;
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::lenient::{Flag, Lenient, Table, Text};
use crate::inventory::lock_tree::Purpose;
use crate::inventory::{owner, read};

pub struct PackageLock;

/// No longer path can be unpacked on the systems that functions run on (Linux's PATH_MAX).
const MAX_FOLDER: usize = 4096;

/// Names, of which what is asked for is settled by the places.
type Names = Lenient<BTreeMap<String, IgnoredAny>>;

#[derive(Deserialize)]
struct Lockfile {
    #[serde(default)]
    packages: Table<Package>,
    #[serde(default)]
    dependencies: Table<Dependency>,
}

/// A row of `packages`, by the folder it is installed in.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Package {
    /// Only where the folder has another name.
    #[serde(default)]
    name: Text,
    #[serde(default)]
    version: Text,
    #[serde(default)]
    resolved: Text,
    #[serde(default)]
    link: Flag,
    #[serde(default)]
    optional: Flag,
    /// It came in the archive of the package around it.
    #[serde(default)]
    in_bundle: Flag,
    #[serde(default)]
    integrity: Text,
    #[serde(default)]
    dev: Flag,
    #[serde(default)]
    dependencies: Names,
    #[serde(default)]
    optional_dependencies: Names,
    #[serde(default)]
    peer_dependencies: Names,
}

/// A row of `dependencies`, by its name or alias.
#[derive(Deserialize)]
struct Dependency {
    /// A version, an alias or an address.
    #[serde(default)]
    version: Text,
    #[serde(default)]
    resolved: Text,
    #[serde(default)]
    optional: Flag,
    #[serde(default)]
    bundled: Flag,
    #[serde(default)]
    dev: Flag,
    #[serde(default)]
    integrity: Text,
    #[serde(default)]
    requires: Names,
    #[serde(default)]
    dependencies: Table<Dependency>,
}

impl Inspector for PackageLock {
    fn wants(&self, header: &Header) -> bool {
        match header.path.file_name() {
            "package-lock.json" | "npm-shrinkwrap.json" => owner::is_owners(header.path),
            ".package-lock.json" => layout::is_node_modules(header.path.parent()),
            _ => false,
        }
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let lockfile: Lockfile = read::json(entry)?;
        let mut found = Found::default();
        let mut origins = Origins::new(entry, is_hidden(entry));
        let mut tree = PlacedTree::new(entry.path);
        for (folder, mut package) in lockfile.packages.rows() {
            let optional = package.optional.is_set();
            origins.see_package(&folder, &package, seen);
            seen.supply.aliases.extend(package.alias(&folder));
            let purpose = Purpose::of(package.dev.is_set());
            let (needs, target) = (package.needs(), package.link_target());
            let package = package.locked(&folder);
            let exact = package.as_ref().and_then(Locked::exact);
            let place = tree.places.at_folder(&folder);
            let row = tree.add(place, exact, purpose, needs);
            tree.links.extend(target.map(|target| (row, target)));
            found.add(package, Some(&folder), optional);
        }
        // In version 2 both say the same, but only `packages` tells folders of the project apart.
        if found.certain.is_empty() && found.optional.is_empty() {
            let mut see = |name: &str, row: &Dependency| origins.see_dependency(name, row, seen);
            plant(&lockfile.dependencies, ROOT, &mut tree);
            collect(lockfile.dependencies, Some(""), &mut found, &mut see);
        }
        let observed = |(package, folder): Row| ObservedComponent {
            folder,
            ..package.observed(entry.path.clone())
        };
        seen.components
            .extend(found.certain.into_iter().map(observed));
        seen.optional
            .extend(found.optional.into_iter().map(observed));
        seen.lock_trees.add(tree.connect());
        Ok(())
    }
}

/// Adds what the packages of version 1 need. Nesting is bounded by the JSON parser.
fn plant(dependencies: &Table<Dependency>, around: usize, tree: &mut PlacedTree) {
    let rows = dependencies.as_map().into_iter().flatten();
    for (name, row) in rows.filter_map(|(name, row)| Some((name, row.as_map()?))) {
        let reference = row.version.as_text();
        let package = reference.and_then(|reference| locked(name, reference));
        let needs = row.requires.as_map().into_iter().flat_map(BTreeMap::keys);
        let place = tree.places.within(around, name);
        let exact = package.as_ref().and_then(Locked::exact);
        tree.add(place, exact, Purpose::of(row.dev.is_set()), needs.cloned());
        if let Some(place) = place {
            plant(&row.dependencies, place, tree);
        }
    }
}

/// A package and the folder that it is installed in.
type Row = (Locked, Option<Box<str>>);

#[derive(Default)]
struct Found {
    certain: Vec<Row>,
    optional: Vec<Row>,
}

impl Found {
    fn add(&mut self, package: Option<Locked>, folder: Option<&str>, optional: bool) {
        let rows = if optional {
            &mut self.optional
        } else {
            &mut self.certain
        };
        let place = folder.and_then(layout::place).map(Box::from);
        rows.extend(package.map(|package| (package, place)));
    }
}

impl Package {
    /// The name of its folder, where the package has another.
    fn alias(&self, folder: &str) -> Option<String> {
        let alias = layout::package_name(folder)?;
        let is_other = matches!(&self.name, Text::Text(name) if name != alias);
        is_other.then(|| alias.to_owned())
    }

    /// The names of what it needs, taken out of it.
    fn needs(&mut self) -> impl Iterator<Item = String> + use<> {
        let names = [
            &mut self.dependencies,
            &mut self.optional_dependencies,
            &mut self.peer_dependencies,
        ];
        let names = names.map(|names| std::mem::take(names).map().unwrap_or_default());
        names.into_iter().flat_map(BTreeMap::into_keys)
    }

    fn link_target(&self) -> Option<String> {
        let target = self.resolved.as_text().filter(|_| self.link.is_set());
        target.map(str::to_owned)
    }

    /// Nothing for the project itself, its workspaces, and links to either.
    fn locked(self, folder: &str) -> Option<Locked> {
        let alias = layout::package_name(folder)?;
        let name = self.name.text().unwrap_or_else(|| alias.to_owned());
        let address = self.resolved.text();
        if self.link.is_set() || address.as_deref().is_some_and(is_local) {
            return None;
        }
        match self.version.text() {
            Some(version) => Some(Locked {
                name,
                version: Some(version),
                address,
            }),
            // A package without a version comes from an address; other such rows are holes that npm left.
            None => locked(&name, &address?),
        }
    }
}

impl Origins<'_> {
    fn see_package(&mut self, folder: &str, package: &Package, seen: &mut Observations) {
        let Some(alias) = layout::package_name(folder) else {
            return;
        };
        if package.link.is_set() || package.in_bundle.is_set() {
            return;
        }
        let row = LockedRow {
            name: package.name.as_text().unwrap_or(alias),
            key: folder,
            address: package.resolved.as_text(),
            is_commit: false,
            is_hashed: package.integrity.as_text().is_some_and(is_integrity),
            // Rows without a version are holes that npm left.
            is_versioned: package.version.as_text().is_some(),
        };
        self.see(&row, seen);
    }

    fn see_dependency(&mut self, name: &str, row: &Dependency, seen: &mut Observations) {
        let Some(version) = row.version.as_text() else {
            return;
        };
        if row.bundled.is_set() {
            return;
        }
        // An address stands in the place of the version.
        let is_address = version.contains([':', '/']) && !version.starts_with("npm:");
        let row = LockedRow {
            name,
            key: name,
            address: row.resolved.as_text().or(is_address.then_some(version)),
            is_commit: false,
            is_hashed: row.integrity.as_text().is_some_and(is_integrity),
            is_versioned: true,
        };
        self.see(&row, seen);
    }
}

/// Whether npm wrote it into `node_modules`, of what it installed.
fn is_hidden(entry: &Entry) -> bool {
    entry.path.file_name() == ".package-lock.json"
}

/// Nesting is bounded by the JSON parser.
fn collect(
    dependencies: Table<Dependency>,
    parent: Option<&str>,
    found: &mut Found,
    see: &mut dyn FnMut(&str, &Dependency),
) {
    for (name, dependency) in dependencies.rows() {
        see(&name, &dependency);
        // A long name would be repeated in every folder below it.
        let parent = parent.filter(|parent| parent.len() + name.len() <= MAX_FOLDER);
        let folder = parent.map(|parent| format!("{parent}node_modules/{name}"));
        if let Some(reference) = dependency.version.text() {
            let package = locked(&name, &reference);
            found.add(package, folder.as_deref(), dependency.optional.is_set());
        }
        let parent = folder.map(|folder| format!("{folder}/"));
        collect(dependency.dependencies, parent.as_deref(), found, see);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, rows, wants};

    fn lock(json: &str) -> Vec<String> {
        let seen = inspect(&PackageLock, "package-lock.json", json).unwrap();
        let rows = rows(&seen).into_iter();
        rows.map(|row| row.replace(" locked package-lock.json", ""))
            .collect()
    }

    #[test]
    fn version_1_is_a_tree() {
        let found = lock(
            r#"{"name": "own", "version": "1.0.0", "lockfileVersion": 1, "dependencies": {
                "a": {"version": "1.0.0", "requires": {"b": "^2"}, "dependencies": {
                    "b": {"version": "2.0.0", "bundled": true},
                    "odd": 1
                }},
                "b": {"version": "2.1.0", "dev": true},
                "alias": {"version": "npm:@s/real@3.0.0"}
            }}"#,
        );
        assert_eq!(found, ["@s/real 3.0.0", "a 1.0.0", "b 2.0.0", "b 2.1.0"]);
    }

    #[test]
    fn version_1_writes_addresses_as_versions() {
        let found = lock(
            r#"{"lockfileVersion": 1, "dependencies": {
                "tarball": {"version": "https://registry.example/a/-/a-1.0.0.tgz"},
                "elsewhere": {"version": "https://files.example/elsewhere-1.0.0.tgz"},
                "repository": {"version": "git+ssh://git@git.example/me/b.git#0123abc", "from": "b"},
                "local": {"version": "file:local", "dependencies": {"c": {"version": "3.0.0"}}}
            }}"#,
        );
        let expected = [
            "a 1.0.0",
            "c 3.0.0",
            "elsewhere ~https://files.example/elsewhere-1.0.0.tgz",
            "repository ~git+ssh://git@git.example/me/b.git#0123abc",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn each_version_tells_what_needs_what_and_what_development_alone_does() {
        for json in [
            r#"{"packages": {
                "": {"dependencies": {"a": "1"}},
                "node_modules/a": {"version": "1.0.0", "dependencies": {"b": "^1"}, "peerDependencies": {"c": "*"}},
                "node_modules/a/node_modules/b": {"version": "1.0.0", "optionalDependencies": {"gone": "*"}},
                "node_modules/b": {"version": "2.0.0", "dev": true, "dependencies": {"c": "*"}},
                "node_modules/c": {"name": "real", "version": "3.0.0", "devOptional": true},
                "packages/own": {"version": "1.0.0", "dependencies": {"c": "*"}}
            }}"#,
            r#"{"requires": true, "dependencies": {
                "a": {"version": "1.0.0", "requires": {"b": "^1", "c": "*"}, "dependencies": {
                    "b": {"version": "1.0.0", "requires": {"gone": "*"}}
                }},
                "b": {"version": "2.0.0", "dev": true, "requires": {"c": "*"}},
                "c": {"version": "npm:real@3.0.0"}
            }}"#,
        ] {
            let seen = inspect(&PackageLock, "package-lock.json", json).unwrap();
            assert_eq!(
                seen.lock_trees.shown(),
                [
                    "a 1.0.0 p > b 1.0.0, real 3.0.0",
                    "b 1.0.0 p",
                    "b 2.0.0 d > real 3.0.0",
                    "real 3.0.0 p"
                ]
            );
        }
    }

    #[test]
    fn version_3_is_a_list_of_folders() {
        let found = lock(
            r#"{"lockfileVersion": 3, "packages": {
                "": {"name": "own", "version": "1.0.0", "workspaces": ["packages/*"]},
                "node_modules/a": {"version": "1.0.0", "resolved": "https://registry.example/a/-/a-1.0.0.tgz"},
                "node_modules/a/node_modules/@s/b": {"version": "2.0.0", "inBundle": true},
                "node_modules/alias": {"name": "real", "version": "3.0.0"},
                "node_modules/repository": {
                    "version": "4.0.0", "resolved": "git+ssh://git@git.example/me/repository.git#0123abc"
                },
                "packages/own-part/node_modules/c": {"version": "5.0.0"}
            }}"#,
        );
        let expected = [
            "@s/b 2.0.0",
            "a 1.0.0",
            "c 5.0.0",
            "real 3.0.0",
            "repository 4.0.0",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn rows_that_may_be_left_out_are_told_apart() {
        for json in [
            r#"{"lockfileVersion": 3, "packages": {"node_modules/a": {"version": "1.0.0"},
                "node_modules/b": {"version": "2.0.0", "optional": true}}}"#,
            r#"{"lockfileVersion": 1, "dependencies": {"a": {"version": "1.0.0"},
                "b": {"version": "2.0.0", "optional": true}}}"#,
        ] {
            let seen = inspect(&PackageLock, "package-lock.json", json).unwrap();
            assert_eq!(rows(&seen), ["a 1.0.0 locked package-lock.json"]);
            assert_eq!(seen.optional[0].name, "b");
        }
    }

    #[test]
    fn the_place_of_each_copy_is_known() {
        for json in [
            r#"{"lockfileVersion": 3, "packages": {"node_modules/b": {"version": "2.0.0"},
                "app/node_modules/@s/a/node_modules/b": {"version": "1.0.0"}}}"#,
            r#"{"lockfileVersion": 1, "dependencies": {"b": {"version": "2.0.0"},
                "@s/a": {"version": "file:a", "dependencies": {"b": {"version": "1.0.0"}}}}}"#,
        ] {
            let seen = inspect(&PackageLock, "package-lock.json", json).unwrap();
            let place =
                |c: &ObservedComponent| (c.folder.clone().unwrap(), c.version.clone().unwrap());
            let mut places: Vec<_> = seen.components.iter().map(place).collect();
            places.sort();
            let expected = [
                ("node_modules/@s/a/node_modules/b", "1.0.0"),
                ("node_modules/b", "2.0.0"),
            ];
            assert_eq!(
                places,
                expected.map(|(place, version)| (place.into(), version.to_owned()))
            );
        }
    }

    #[test]
    fn version_3_lists_folders_of_the_project_too() {
        let found = lock(
            r#"{"lockfileVersion": 3, "packages": {
                "packages/own-part": {"version": "1.0.0"},
                "node_modules/own-part": {"resolved": "packages/own-part", "link": true},
                "node_modules/packed": {"version": "1.0.0", "resolved": "file:packed-1.0.0.tgz"},
                "node_modules/hole": {"optional": true, "peer": true},
                "node_modules/a": {"resolved": "git+https://token@git.example/me/a.git#0123abc"}
            }}"#,
        );
        assert_eq!(found, ["a ~git+https://git.example/me/a.git#0123abc"]);
    }

    #[test]
    fn version_2_repeats_itself() {
        let found = lock(
            r#"{"lockfileVersion": 2,
                "packages": {"": {}, "node_modules/alias": {"name": "real", "version": "1.0.0"}},
                "dependencies": {"alias": {"version": "npm:real@1.0.0"}}
            }"#,
        );
        assert_eq!(found, ["real 1.0.0"]);
    }

    #[test]
    fn nesting_is_not_followed_without_end() {
        let json = r#"{"dependencies": {"a": "#.repeat(100_000);
        assert!(inspect(&PackageLock, "package-lock.json", json).is_err());
    }

    #[test]
    fn only_lock_files_of_the_project_are_wanted() {
        for (path, wanted) in [
            ("package-lock.json", true),
            ("api/npm-shrinkwrap.json", true),
            ("node_modules/.package-lock.json", true),
            ("api/node_modules/.package-lock.json", true),
            ("node_modules/a/package-lock.json", false),
            ("node_modules/a/npm-shrinkwrap.json", false),
            ("node_modules/a/node_modules/.package-lock.json", false),
            (".package-lock.json", false),
            ("old-package-lock.json", false),
        ] {
            assert_eq!(wants(&PackageLock, path, b"{}"), wanted, "{path}");
        }
    }
}
