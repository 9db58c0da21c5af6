//! The package.json of a package that is installed, in a `node_modules` or as the tarball it was published as.
//!
//! Specification: <https://docs.npmjs.com/cli/v11/configuring-npm/package-json>.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::layout;
use super::specifier::exact_version;
use crate::component::{Ecosystem, Evidence};
use crate::finding::EntryPath;
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::lenient::{Lenient, Text};
use crate::inventory::read;
use crate::size::needs::Needs;
use crate::supply_chain::{
    Dependencies, Prepare, Scripts, foreign_name, install_scripts, taken_from_elsewhere,
};

pub struct InstalledPackage;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    #[serde(default)]
    name: Text,
    #[serde(default)]
    version: Text,
    #[serde(default)]
    scripts: Lenient<Scripts>,
    #[serde(default)]
    dependencies: Dependencies,
    #[serde(default)]
    optional_dependencies: Dependencies,
    #[serde(default)]
    peer_dependencies: Dependencies,
    /// Systems that it is for, or with a `!` that it is not for.
    #[serde(default)]
    os: Text,
}

impl Inspector for InstalledPackage {
    fn wants(&self, header: &Header) -> bool {
        header.path.file_name() == "package.json" && layout::is_package_manifest(header.path)
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let mut manifest: Manifest = read::json(entry)?;
        for dependencies in [&manifest.dependencies, &manifest.optional_dependencies] {
            let names = taken_from_elsewhere(dependencies).map(str::to_owned);
            seen.supply.aliases.extend(names);
        }
        if let Some(scripts) = manifest.scripts.as_map() {
            let found = install_scripts(entry.path, scripts, false);
            seen.supply.sightings.extend(found);
            let folder = layout::package_name(entry.path.parent());
            let names = [folder, manifest.name.as_text()].map(Option::unwrap_or_default);
            let prepare = Prepare::read(entry.path, scripts, names);
            seen.supply.prepares.extend(prepare);
        }
        let folder_name = || layout::package_name(entry.path.parent()).map(str::to_owned);
        // No registry takes a package without a version, so such a folder is the project's own.
        if let Some(version) = std::mem::take(&mut manifest.version).text()
            && let Some(name) = std::mem::take(&mut manifest.name)
                .text()
                .or_else(folder_name)
        {
            let version = exact_version(&version).unwrap_or(&version);
            let location = entry.path.clone();
            let folder = layout::package_name(location.parent());
            let foreign = folder.and_then(|folder| foreign_name(folder, &name));
            let foreign = foreign.map(|names| (location.clone(), names));
            seen.supply.foreign_names.extend(foreign);
            seen.component(Ecosystem::Npm, name, version, Evidence::Installed, location);
            seen.needs.push(manifest.needs(entry.path));
        }
        Ok(())
    }
}

impl Manifest {
    fn needs(self, path: &EntryPath) -> Needs {
        let names = [
            self.dependencies,
            self.optional_dependencies,
            self.peer_dependencies,
        ];
        let names = names
            .into_iter()
            .filter_map(Lenient::map)
            .flat_map(BTreeMap::into_keys);
        let systems: Vec<String> = self.os.list().into_iter().filter_map(Text::text).collect();
        let is_named = systems.iter().any(|system| system == "linux");
        let is_excluded = systems.iter().any(|system| system == "!linux");
        let only_excludes = systems.iter().all(|system| system.starts_with('!'));
        Needs {
            manifest: path.clone(),
            ecosystem: Ecosystem::Npm,
            names: names.map(String::into_boxed_str).collect(),
            is_for_linux: is_named || (only_excludes && !is_excluded),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, rows, wants};

    const PATH: &str = "node_modules/@s/folder/package.json";

    fn manifest(json: &str) -> Vec<String> {
        rows(&inspect(&InstalledPackage, PATH, json).unwrap())
    }

    #[test]
    fn name_and_version_are_the_files_own() {
        let json = r#"{"version": "1.2.3", "scripts": {"name": "x"}, "name": "real"}"#;
        let expected = ["real 1.2.3 installed node_modules/@s/folder/package.json"];
        assert_eq!(manifest(json), expected);
        assert_eq!(manifest(&format!("\u{feff}{json}")), expected);
    }

    #[test]
    fn the_folder_lends_a_missing_name() {
        let expected = ["@s/folder 1.2.3 installed node_modules/@s/folder/package.json"];
        assert_eq!(manifest(r#"{"version": "v1.2.3"}"#), expected);
        assert_eq!(manifest(r#"{"name": ["x"], "version": "1.2.3"}"#), expected);
    }

    #[test]
    fn without_a_version_it_is_no_published_package() {
        assert!(manifest(r#"{"name": "a"}"#).is_empty());
        assert!(manifest(r#"{"name": "a", "version": 1}"#).is_empty());
        assert!(manifest(r#"{"name": "a", "version": ""}"#).is_empty());
    }

    #[test]
    fn text_in_another_encoding_does_no_harm_elsewhere() {
        let json = b"{\"author\": \"Ren\xE9\", \"name\": \"a\", \"version\": \"1.0.0\"}";
        let seen = inspect(&InstalledPackage, PATH, json).unwrap();
        assert_eq!(seen.components.len(), 1);
    }

    #[test]
    fn what_is_not_json_is_said_so() {
        let error = inspect(&InstalledPackage, PATH, "{\n  \"name\": oops\n}").unwrap_err();
        assert_eq!(error.line, Some(2));
        assert_eq!(error.message, "is not valid JSON: expected value");
    }

    #[test]
    fn nesting_is_not_followed_without_end() {
        let json = format!("{{\"name\": {}", "[".repeat(1 << 20));
        assert!(inspect(&InstalledPackage, PATH, json).is_err());
    }

    #[test]
    fn a_manifest_of_the_project_is_not_wanted() {
        assert!(!wants(&InstalledPackage, "package.json", b"{}"));
        assert!(!wants(&InstalledPackage, "node_modules/a/x.json", b"{}"));
    }
}
