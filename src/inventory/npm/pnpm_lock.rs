//! pnpm-lock.yaml, and the copy of it that pnpm keeps in `node_modules`.
//!
//! Specification: <https://github.com/pnpm/spec/tree/master/lockfile>. The keys of `packages` name what was
//! installed, in a form that changed with the version of the format:
//!
//! | version | from a registry | from elsewhere |
//! | --- | --- | --- |
//! | 5 | `/@scope/name/1.2.3_peers` | `git.example/me/name/0123abc`, with `name` and `version` in the row |
//! | 6 | `/@scope/name@1.2.3(peer@1.0.0)` | the same |
//! | 9 | `@scope/name@1.2.3` | `name@https://git.example/me/name/0123abc`, with `version` in the row |
//!
//! In versions 5 and 6 the host of another registry may stand in front of the first `/`.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::layout;
use super::lock_keys::{KeyStyle, KeyedTree, References, specifiers};
use super::locked_origin::{Origins, Row, is_integrity};
use super::specifier::{Locked, is_foreign, is_local, split};
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::lenient::{Flag, Lenient, Table, Text};
use crate::inventory::lock_tree::Purpose;
use crate::inventory::{owner, read};
use crate::supply_chain::leads_elsewhere;

pub struct PnpmLock;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Lockfile {
    /// A number in version 5, a string later.
    lockfile_version: Option<String>,
    #[serde(default)]
    importers: Table<Importer>,
    #[serde(default)]
    packages: Table<Package>,
    /// What each package needs, since version 9.
    #[serde(default)]
    snapshots: Table<Snapshot>,
    // Of the one project, before version 9.
    #[serde(default)]
    specifiers: References,
    #[serde(default)]
    dependencies: References,
    #[serde(default)]
    dev_dependencies: References,
    #[serde(default)]
    optional_dependencies: References,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Importer {
    /// What pnpm itself is configured with.
    config_dependencies: Option<IgnoredAny>,
    #[serde(default)]
    specifiers: References,
    #[serde(default)]
    dependencies: References,
    #[serde(default)]
    optional_dependencies: References,
    #[serde(default)]
    dev_dependencies: References,
}

/// A row of `snapshots`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Snapshot {
    #[serde(default)]
    dependencies: References,
    #[serde(default)]
    optional_dependencies: References,
}

/// The names under which something else is installed.
fn aliases(asked: [&References; 4]) -> impl Iterator<Item = String> {
    let rows = asked.into_iter().flat_map(specifiers);
    let rows = rows.filter(|(_, specifier)| leads_elsewhere(specifier));
    rows.map(|(name, _)| name.to_owned())
}

#[derive(Deserialize)]
struct Package {
    /// What it needs, and whether only development needs it: up to version 6.
    #[serde(default)]
    dependencies: References,
    #[serde(default, rename = "optionalDependencies")]
    optional_dependencies: References,
    #[serde(default)]
    dev: Flag,
    #[serde(default)]
    name: Text,
    #[serde(default)]
    version: Text,
    #[serde(default)]
    resolution: Lenient<Resolution>,
}

#[derive(Default, Deserialize)]
struct Resolution {
    #[serde(default, rename = "type")]
    kind: Text,
    #[serde(default)]
    tarball: Text,
    #[serde(default)]
    repo: Text,
    #[serde(default)]
    commit: Text,
    #[serde(default)]
    directory: Text,
    #[serde(default)]
    integrity: Text,
}

impl Inspector for PnpmLock {
    fn wants(&self, header: &Header) -> bool {
        match header.path.file_name() {
            "pnpm-lock.yaml" => owner::is_owners(header.path),
            "lock.yaml" => {
                let folder = header.path.parent().strip_suffix("/.pnpm");
                folder.is_some_and(layout::is_node_modules)
            }
            _ => false,
        }
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let lockfiles: Vec<Lockfile> = read::yaml(entry)?;
        for lockfile in lockfiles {
            let style = KeyStyle::of(lockfile.lockfile_version.as_deref());
            // Since pnpm 11 a first document may lock the tools that pnpm runs with. They do not ship.
            let importers: Vec<Importer> = lockfile.importers.rows().map(|(_, row)| row).collect();
            let mut configured = importers.iter().map(|row| &row.config_dependencies);
            if configured.any(Option::is_some) {
                continue;
            }
            let of_importers = importers.iter().flat_map(|importer| {
                aliases([
                    &importer.specifiers,
                    &importer.dependencies,
                    &importer.dev_dependencies,
                    &importer.optional_dependencies,
                ])
            });
            let of_project = aliases([
                &lockfile.specifiers,
                &lockfile.dependencies,
                &lockfile.dev_dependencies,
                &lockfile.optional_dependencies,
            ]);
            seen.supply.aliases.extend(of_importers.chain(of_project));
            let mut origins = Origins::new(entry, entry.path.file_name() == "lock.yaml");
            let mut tree = KeyedTree::new(entry.path, style);
            for (key, row) in lockfile.snapshots.rows() {
                let package = style.registry_package(&key);
                let needs = [&row.dependencies, &row.optional_dependencies];
                tree.add(key, package, Purpose::Unknown, needs);
            }
            for (key, package) in lockfile.packages.rows() {
                package.see_origin(&key, style, &mut origins, seen);
                if !matches!(style, KeyStyle::Name) {
                    let name = style.registry_package(&key).or_else(|| package.stated());
                    let purpose = Purpose::of(package.dev.is_set());
                    let needs = [&package.dependencies, &package.optional_dependencies];
                    tree.add(key.clone(), name, purpose, needs);
                }
                if let Some(package) = package.locked(&key, style) {
                    seen.components.push(package.observed(entry.path.clone()));
                }
            }
            for importer in &importers {
                tree.ask_for_production([&importer.dependencies, &importer.optional_dependencies]);
                tree.ask_for_development(&importer.dev_dependencies);
            }
            seen.lock_trees.add(tree.connect());
        }
        Ok(())
    }
}

impl Package {
    fn see_origin(
        &self,
        key: &str,
        style: KeyStyle,
        origins: &mut Origins,
        seen: &mut Observations,
    ) {
        let Lenient::Map(resolution) = &self.resolution else {
            return;
        };
        let by_key = style.registry_package(key);
        let by_address = split(key);
        let name = self.name.as_text();
        let name = name.or(by_key.as_ref().map(|(name, _)| name.as_str()));
        let name = name.or(by_address.map(|(name, _)| name)).unwrap_or(key);
        let repository = resolution.repo.as_text().map(|repository| {
            let commit = resolution.commit.as_text().unwrap_or_default();
            format!("git+{}#{commit}", repository.trim_start_matches("git+"))
        });
        let folder = resolution.directory.as_text();
        let folder = folder.map(|folder| format!("file:{folder}"));
        let tarball = resolution.tarball.as_text();
        let row = Row {
            name,
            key,
            address: repository.as_deref().or(folder.as_deref()).or(tarball),
            is_commit: false,
            is_hashed: resolution.integrity.as_text().is_some_and(is_integrity),
            is_versioned: by_key.is_some() && resolution.kind.as_text().is_none(),
        };
        origins.see(&row, seen);
    }

    fn stated(&self) -> Option<(String, String)> {
        let (name, version) = (self.name.as_text()?, self.version.as_text()?);
        Some((name.to_owned(), version.to_owned()))
    }

    fn locked(self, key: &str, style: KeyStyle) -> Option<Locked> {
        let resolution = self.resolution.map().unwrap_or_default();
        let tarball = resolution.tarball.text();
        let is_folder = resolution
            .kind
            .text()
            .is_some_and(|kind| kind == "directory");
        // The key of a remote tarball, `@files.example/a.tgz`, looks like a file's path: its address knows better.
        let place = tarball.as_deref().unwrap_or(key.trim_start_matches('/'));
        if is_folder || is_local(place) {
            return None;
        }
        let by_key = style.registry_package(key);
        let by_address = match style {
            KeyStyle::Name => split(key),
            KeyStyle::Path | KeyStyle::PathAndName => None,
        };
        if by_address.is_some_and(|(_, reference)| is_local(reference) || is_foreign(reference)) {
            return None;
        }
        let (key_name, key_version) = by_key.unzip();
        let name = self.name.text().or(key_name);
        let name = name.or_else(|| by_address.map(|(name, _)| name.to_owned()));
        Some(Locked {
            name: name?,
            version: self.version.text().or(key_version),
            address: by_address
                .map(|(_, address)| address.to_owned())
                .or(tarball)
                .or_else(|| resolution.repo.text()),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::inventory::testing::{inspect, rows, wants};

    fn lock(text: &str) -> Vec<String> {
        let seen = inspect(&PnpmLock, "pnpm-lock.yaml", text).unwrap();
        let rows = rows(&seen).into_iter();
        rows.map(|row| row.replace(" locked pnpm-lock.yaml", ""))
            .collect()
    }

    #[test]
    fn version_5_writes_paths() {
        let found = lock(
            r"
lockfileVersion: 5.4
specifiers: {a: ^1.0.0}
packages:
  /a/1.0.0: {resolution: {integrity: sha512-}}
  /@s/b/2.0.0-rc.1_a@1.0.0+@s+c@3.0.0: {dev: true}
  /@s/c/3.0.0_0123456789abcdef: {}
  registry.example/d/4.0.0: {}
  registry.example/@s/e/5.0.0: {}
",
        );
        let expected = [
            "@s/b 2.0.0-rc.1",
            "@s/c 3.0.0",
            "@s/e 5.0.0",
            "a 1.0.0",
            "d 4.0.0",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn version_6_writes_peers_in_parentheses() {
        let found = lock(
            r"
lockfileVersion: '6.0'
packages:
  /a@1.0.0: {}
  /@s/b@2.0.0-rc.1(@s/c@3.0.0)(a@1.0.0): {}
  registry.example/@s/e@5.0.0(a@1.0.0): {}
",
        );
        assert_eq!(found, ["@s/b 2.0.0-rc.1", "@s/e 5.0.0", "a 1.0.0"]);
    }

    #[test]
    fn version_9_writes_names() {
        let found = lock(
            r"
lockfileVersion: '9.0'
importers:
  .: {dependencies: {a: {specifier: ^1.0.0, version: 1.0.0}}}
packages:
  a@1.0.0:
    resolution: {integrity: sha512-}
  '@s/b@2.0.0-rc.1':
    resolution: {integrity: sha512-}
  odd: 1
snapshots:
  a@1.0.0: {}
  '@s/b@2.0.0-rc.1(a@1.0.0(c@3.0.0))': {}
",
        );
        assert_eq!(found, ["@s/b 2.0.0-rc.1", "a 1.0.0"]);
    }

    #[test]
    fn each_version_tells_what_needs_what_and_what_development_alone_does() {
        for text in [
            r"
lockfileVersion: 5.4
dependencies: {a: 1.0.0}
packages:
  /a/1.0.0: {dev: false, dependencies: {'@s/b': 2.0.0_a@1.0.0, alias: /real/3.0.0, own: link:own}}
  /@s/b/2.0.0_a@1.0.0: {dev: false}
  /real/3.0.0: {}
  /tool/1.0.0: {dev: true, optionalDependencies: {real: 3.0.0}}
",
            r"
lockfileVersion: '6.0'
packages:
  /a@1.0.0: {dev: false, dependencies: {'@s/b': 2.0.0(a@1.0.0), alias: /real@3.0.0}}
  /@s/b@2.0.0(a@1.0.0): {dev: false}
  /real@3.0.0: {}
  /tool@1.0.0: {dev: true, optionalDependencies: {real: 3.0.0}}
",
            r"
lockfileVersion: '9.0'
importers:
  .: {devDependencies: {tool: {specifier: ^1.0.0, version: 1.0.0}}}
  api: {dependencies: {a: {specifier: ^1.0.0, version: 1.0.0}, own: {specifier: '*', version: link:../own}}}
packages:
  a@1.0.0: {}
snapshots:
  a@1.0.0: {dependencies: {'@s/b': 2.0.0(a@1.0.0), alias: real@3.0.0}}
  '@s/b@2.0.0(a@1.0.0)': {}
  real@3.0.0: {}
  tool@1.0.0: {optionalDependencies: {real: 3.0.0}}
",
        ] {
            let seen = inspect(&PnpmLock, "pnpm-lock.yaml", text).unwrap();
            let expected = [
                "@s/b 2.0.0 p",
                "a 1.0.0 p > @s/b 2.0.0, real 3.0.0",
                "real 3.0.0 p",
                "tool 1.0.0 d > real 3.0.0",
            ];
            assert_eq!(seen.lock_trees.shown(), expected, "{text}");
        }
    }

    #[test]
    fn what_no_registry_gave_has_its_name_in_the_row() {
        let older = r"
packages:
  git.example/me/a/0123abc: {name: a, version: 1.0.0, resolution: {tarball: https://git.example/a}}
  '@files.example/tar.gz/2.0.0': {name: '@s/b', version: 2.1.0}
  git@git.example+me/c/0123abc: {name: c, resolution: {repo: git@git.example:me/c.git, type: git}}
  git.example/me/unknown/0123abc: {}
";
        let expected = ["@s/b 2.1.0", "a 1.0.0", "c ~git@git.example:me/c.git"];
        assert_eq!(lock(&format!("lockfileVersion: 5.3\n{older}")), expected);
        assert_eq!(lock(&format!("lockfileVersion: '6.1'\n{older}")), expected);
        let found = lock(
            r"
lockfileVersion: '9.0'
packages:
  a@https://git.example/me/a/tar.gz/0123abc: {version: 1.0.0, resolution: {tarball: https://x.example}}
  '@s/b@git+ssh://git@git.example/me/b.git#0123abc': {resolution: {type: git}}
",
        );
        let expected = [
            "@s/b ~git+ssh://git@git.example/me/b.git#0123abc",
            "a 1.0.0",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn folders_and_archives_of_the_project_are_left_out() {
        let older = r"
packages:
  file:a: {resolution: {directory: a, type: directory}, name: a, version: 1.0.0}
  file:b-1.0.0.tgz: {resolution: {tarball: 'file:b-1.0.0.tgz'}, name: b, version: 1.0.0}
";
        assert!(lock(&format!("lockfileVersion: 5.4\n{older}")).is_empty());
        assert!(lock(&format!("lockfileVersion: '6.0'\n{older}")).is_empty());
        let found = lock(
            r"
lockfileVersion: '9.0'
packages:
  a@file:a: {resolution: {directory: a, type: directory}}
  b@file:b-1.0.0.tgz: {resolution: {tarball: 'file:b-1.0.0.tgz'}, version: 1.0.0}
  node@runtime:22.0.0: {resolution: {type: variations}, version: 22.0.0}
",
        );
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn the_tools_of_the_workshop_are_left_out() {
        let found = lock(
            r"---
lockfileVersion: '9.0'
importers:
  .: {configDependencies: {tool: {specifier: 1.0.0, version: 1.0.0}}}
packages:
  tool@1.0.0: {}

---
lockfileVersion: '9.0'
packages:
  a@1.0.0: {}
",
        );
        assert_eq!(found, ["a 1.0.0"]);
    }

    #[test]
    fn names_for_other_packages_are_known_in_every_version() {
        let aliases = |text: &str| {
            let seen = inspect(&PnpmLock, "pnpm-lock.yaml", text).unwrap();
            seen.supply.aliases.into_iter().collect::<BTreeSet<_>>()
        };
        for text in [
            "lockfileVersion: 5.4\nspecifiers: {a: 'npm:real@1.0.0', b: ^1.0.0}\ndependencies: {a: /real/1.0.0}\n",
            "lockfileVersion: '6.0'\ndevDependencies:\n  a: {specifier: 'npm:real@1.0.0', version: /real@1.0.0}\n  \
                b: {specifier: ^1.0.0, version: 1.0.0(@s/c@3.0.0)}\n",
            "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      a: {specifier: 'npm:real@1.0.0', \
                version: real@1.0.0}\n      b: {specifier: ^1.0.0, version: 1.0.0(@s/c@3.0.0)}\n",
        ] {
            assert_eq!(aliases(text), BTreeSet::from(["a".to_owned()]), "{text}");
        }
    }

    #[test]
    fn an_empty_file_locks_nothing() {
        assert!(lock("").is_empty());
        assert!(lock("lockfileVersion: '9.0'\n").is_empty());
    }

    #[test]
    fn only_lock_files_of_the_project_are_wanted() {
        for (path, wanted) in [
            ("pnpm-lock.yaml", true),
            ("api/pnpm-lock.yaml", true),
            ("node_modules/.pnpm/lock.yaml", true),
            ("node_modules/a/pnpm-lock.yaml", false),
            ("node_modules/a/node_modules/.pnpm/lock.yaml", false),
            (".pnpm/lock.yaml", false),
            ("lock.yaml", false),
        ] {
            assert_eq!(wants(&PnpmLock, path, b""), wanted, "{path}");
        }
    }
}
