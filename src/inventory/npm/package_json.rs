//! The project's own package.json, which asks for packages by version or range.
//!
//! Specification: <https://docs.npmjs.com/cli/v11/configuring-npm/package-json>. Only what production needs
//! counts: `devDependencies` stay behind, and `peerDependencies` are for whoever installs the project.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::lock_requests::request;
use super::specifier::{
    exact_version, is_foreign, is_local, unaliased, unpatched, without_credentials,
};
use crate::component::{Ecosystem, Evidence};
use crate::finding::Location;
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::lenient::Lenient;
use crate::inventory::lock_tree;
use crate::inventory::{owner, read};
use crate::supply_chain::origin::{Keys, Origin, leads_outside};
use crate::supply_chain::{Dependencies, Scripts, install_scripts};

pub struct PackageJson;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    #[serde(default)]
    dependencies: Dependencies,
    #[serde(default)]
    optional_dependencies: Dependencies,
    /// They say of a lock file without marks what is for development.
    #[serde(default)]
    dev_dependencies: Dependencies,
    workspaces: Option<IgnoredAny>,
    #[serde(default)]
    scripts: Lenient<Scripts>,
}

impl Inspector for PackageJson {
    fn wants(&self, header: &Header) -> bool {
        header.path.file_name() == "package.json" && owner::is_owners(header.path)
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let manifest: Manifest = read::json(entry)?;
        if let Some(scripts) = manifest.scripts.as_map() {
            let found = install_scripts(entry.path, scripts, true);
            seen.supply.sightings.extend(found);
        }
        seen.lock_trees.add_manifest(lock_tree::Manifest {
            path: entry.path.clone(),
            ecosystem: Ecosystem::Npm,
            production: [&manifest.dependencies, &manifest.optional_dependencies]
                .into_iter()
                .flat_map(requests)
                .collect(),
            development: requests(&manifest.dev_dependencies).collect(),
            has_workspaces: manifest.workspaces.is_some(),
        });
        let mut keys = Keys::of(entry.bytes);
        for dependencies in [manifest.dependencies, manifest.optional_dependencies] {
            for (name, specifier) in dependencies.map().unwrap_or_default() {
                if let Lenient::Text(specifier) = specifier {
                    let origin = origin(entry, &name, specifier.trim());
                    if origin.is_some() {
                        let mut location = Location::from(entry.path.clone());
                        location.line = keys.line(&name, &specifier);
                        seen.origin(Ecosystem::Npm, &name, Evidence::Declared, origin, location);
                    }
                    if specifier.contains([':', '/']) {
                        seen.supply.aliases.push(name.clone());
                    }
                    declare(entry, seen, &name, specifier.trim());
                }
            }
        }
        Ok(())
    }
}

/// What is asked for, as a lock file of Yarn repeats it.
fn requests(dependencies: &Dependencies) -> impl Iterator<Item = Box<str>> {
    let rows = dependencies.as_map().into_iter().flatten();
    rows.filter_map(|(name, range)| Some(request(name, range.as_text()?).into_boxed_str()))
}

/// Where the package comes from, and in which of its versions.
fn origin(entry: &Entry, name: &str, specifier: &str) -> Option<Origin> {
    let (name, specifier) = unpatched(name, specifier)?;
    // What a link leads to is the developer's own.
    if let Some(path) = specifier.strip_prefix("file:") {
        return leads_outside(entry.path.parent(), path);
    }
    if is_local(&specifier) || is_foreign(&specifier) {
        return None;
    }
    let (_, range) = unaliased(&name, &specifier);
    if exact_version(range).is_some() {
        return None;
    }
    let unpinned = || {
        let is_range = range.contains(|c: char| c.is_ascii_digit() && c != '0');
        Some(if is_range { Origin::Range } else { Origin::Any })
    };
    Origin::of_address(range, false, false).or_else(unpinned)
}

fn declare(entry: &Entry, seen: &mut Observations, name: &str, specifier: &str) {
    let Some((name, specifier)) = unpatched(name, specifier) else {
        return;
    };
    if is_local(&specifier) || is_foreign(&specifier) {
        return;
    }
    let (name, range) = unaliased(&name, &specifier);
    let location = entry.path.clone();
    match exact_version(range) {
        Some(version) => {
            seen.component(Ecosystem::Npm, name, version, Evidence::Declared, location);
        }
        // npm takes an empty range for any version.
        None if range.is_empty() => seen.declared(Ecosystem::Npm, name, "*", location),
        None => seen.declared(Ecosystem::Npm, name, without_credentials(range), location),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, origins, rows, wants};

    fn declared(dependencies: &str) -> Vec<String> {
        let json =
            format!(r#"{{"name": "own", "version": "1.0.0", "dependencies": {dependencies}}}"#);
        rows(&inspect(&PackageJson, "package.json", json).unwrap())
    }

    #[test]
    fn pins_are_versions_and_the_rest_are_ranges() {
        let found = declared(
            r#"{"a": "1.0.0", "b": "=v2.0.0", "c": "^3.0.0", "d": "", "e": "latest", "f": 7}"#,
        );
        let expected = [
            "a 1.0.0 declared package.json",
            "b 2.0.0 declared package.json",
            "c ~^3.0.0 declared package.json",
            "d ~* declared package.json",
            "e ~latest declared package.json",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn aliases_and_patches_name_the_real_package() {
        let found = declared(
            r#"{"a": "npm:real@1.0.0", "b": "npm:@s/real@^2.0.0", "c": "patch:c@npm%3A3.0.0#c.patch"}"#,
        );
        let expected = [
            "@s/real ~^2.0.0 declared package.json",
            "c 3.0.0 declared package.json",
            "real 1.0.0 declared package.json",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn the_projects_own_packages_are_left_out() {
        let found = declared(
            r#"{"a": "file:../a", "b": "link:b", "c": "workspace:^1.0.0", "d": "portal:d", "e": "./e",
                "f": "jsr:@s/f@1.0.0"}"#,
        );
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn addresses_are_shown_without_their_secrets() {
        let found = declared(
            r#"{"a": "git+https://me:secret@git.example/me/a.git#v1", "b": "me/b#semver:^1"}"#,
        );
        let expected = [
            "a ~git+https://git.example/me/a.git#v1 declared package.json",
            "b ~me/b#semver:^1 declared package.json",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_comes_from_elsewhere_or_in_any_version_is_said() {
        let json = r#"{"scripts": {"a": "x"},
            "dependencies": {
                "a": "git+https://me:secret@git.example/me/a.git#main",
                "b": "*",
                "c": "^1.0.0",
                "d": "1.0.0",
                "e": "file:../../e",
                "f": "file:../f",
                "g": "link:../../g",
                "h": "http://files.example/h.tgz",
                "i": "next",
                "j": ">=0",
                "k": "workspace:*"
            }}"#;
        let seen = inspect(&PackageJson, "api/package.json", json).unwrap();
        let expected = [
            "a declared api/package.json:3 Repository { address: \"git+https://git.example/me/a.git#main\", commit: false }",
            "b declared api/package.json:4 Any",
            "c declared api/package.json:5 Range",
            "e declared api/package.json:7 Outside { path: \"../../e\" }",
            "h declared api/package.json:10 Plain { address: \"http://files.example/h.tgz\", held: false }",
            "i declared api/package.json:11 Any",
            "j declared api/package.json:12 Any",
        ];
        assert_eq!(origins(&seen), expected);
    }

    #[test]
    fn only_what_production_needs_counts() {
        let json = r#"{"devDependencies": {"a": "1.0.0"}, "peerDependencies": {"b": "1.0.0"},
            "optionalDependencies": {"c": "1.0.0"}, "dependencies": ["d"]}"#;
        let seen = inspect(&PackageJson, "api/package.json", json).unwrap();
        assert_eq!(rows(&seen), ["c 1.0.0 declared api/package.json"]);
    }

    #[test]
    fn manifests_of_installed_packages_are_not_wanted() {
        assert!(!wants(&PackageJson, "node_modules/a/package.json", b"{}"));
        assert!(!wants(
            &PackageJson,
            "node_modules/a/dist/package.json",
            b"{}"
        ));
        assert!(!wants(&PackageJson, "my-package.json", b"{}"));
    }
}
