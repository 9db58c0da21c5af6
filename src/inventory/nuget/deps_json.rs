//! `NAME.deps.json`, which .NET's build leaves beside a program for its host to find the assemblies with.
//!
//! <https://github.com/dotnet/sdk/blob/main/documentation/specs/runtime-configuration-file.md>. `libraries` has
//! everything as `NAME/VERSION`: packages, the program's own projects, and the runtime where it is brought along, which
//! is the package of that name behind `runtimepack.`. `targets` says which files of each the program has. A package
//! without any is only named: the runtime has a newer copy of its assemblies, or it never had any.
//!
//! The assemblies that it lists are not asked what they are themselves (`assembly.rs`).

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::assemblies::Described;
use crate::component::{Ecosystem, Evidence};
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::lenient::{Lenient, Table, Text};
use crate::inventory::read;

pub struct DepsJson;

const RUNTIME_PACK: &str = "runtimepack.";

/// How the names of assemblies end.
const ASSEMBLIES: &[&str] = &[".dll", ".exe"];

/// Says that there is no file: <https://learn.microsoft.com/nuget/create-packages/creating-a-package>.
const PLACEHOLDER: &str = "_._";

#[derive(Deserialize)]
struct Deps {
    #[serde(default, rename = "runtimeTarget")]
    runtime_target: Lenient<RuntimeTarget>,
    #[serde(default)]
    targets: Table<BTreeMap<String, Lenient<Files>>>,
    #[serde(default)]
    libraries: Table<Library>,
}

#[derive(Deserialize)]
struct RuntimeTarget {
    #[serde(default)]
    name: Text,
}

#[derive(Deserialize)]
struct Library {
    #[serde(default, rename = "type")]
    kind: Text,
}

type FileTable = Lenient<BTreeMap<String, IgnoredAny>>;

/// The files of a library, by what they are for.
#[derive(Deserialize)]
struct Files {
    #[serde(default)]
    runtime: FileTable,
    #[serde(default)]
    native: FileTable,
    #[serde(default)]
    resources: FileTable,
    #[serde(default, rename = "runtimeTargets")]
    runtime_targets: FileTable,
}

impl Files {
    /// The names of the files, in lower case.
    fn names(self) -> HashSet<String> {
        let tables = [
            self.runtime,
            self.native,
            self.resources,
            self.runtime_targets,
        ];
        let files = tables.into_iter().filter_map(Lenient::map);
        files
            .flat_map(BTreeMap::into_keys)
            .filter_map(|file| Some(file.rsplit('/').next()?.to_ascii_lowercase()))
            .filter(|name| name != PLACEHOLDER)
            .collect()
    }
}

impl Inspector for DepsJson {
    fn wants(&self, header: &Header) -> bool {
        header.path.file_name().ends_with(".deps.json")
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let deps: Deps = read::json(entry)?;
        let target = deps
            .runtime_target
            .map()
            .and_then(|target| target.name.text());
        let mut targets: BTreeMap<String, _> = deps.targets.rows().collect();
        let Some(mut files) = target.and_then(|target| targets.remove(&target)) else {
            // Other programs have files of that name too.
            return Ok(());
        };
        let mut described = HashSet::new();
        for (library, fields) in deps.libraries.rows() {
            let files = files.remove(&library).and_then(Lenient::map);
            let files = files.map(Files::names).unwrap_or_default();
            let evidence = match files.is_empty() {
                true => Evidence::Locked,
                false => Evidence::Embedded,
            };
            let is_assembly = |name: &String| ASSEMBLIES.iter().any(|end| name.ends_with(end));
            described.extend(files.into_iter().filter(is_assembly));
            let Some((name, version)) = library.split_once('/') else {
                continue;
            };
            let name = match fields.kind.text().as_deref() {
                Some("package") => name,
                Some("runtimepack") => name.strip_prefix(RUNTIME_PACK).unwrap_or(name),
                _ => continue,
            };
            seen.component(
                Ecosystem::NuGet,
                name,
                version,
                evidence,
                entry.path.clone(),
            );
        }
        seen.assemblies.described.push(Described {
            by: entry.path.clone(),
            files: Some(described),
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, rows, wants};

    const JSON: &str = r#"{
        "runtimeTarget": {"name": ".NETCoreApp,Version=v8.0/linux-x64", "signature": ""},
        "targets": {
            ".NETCoreApp,Version=v8.0": {},
            ".NETCoreApp,Version=v8.0/linux-x64": {
                "Fn/1.0.0": {"dependencies": {"A": "1.2.0"}, "runtime": {"Fn.dll": {}}},
                "A/1.2.0": {"runtime": {"lib/net6.0/A.dll": {"assemblyVersion": "1.0.0.0"}}},
                "Native/2.0.0-rc.1": {"runtimeTargets": {"runtimes/linux-x64/native/x.so": {"rid": "linux-x64"}}},
                "Old/4.3.0": {"dependencies": {"A": "1.2.0"}},
                "Empty/1.0.0": {"runtime": {"lib/netstandard1.0/_._": {}}},
                "runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/8.0.1": {"runtime": {"x.dll": {}}},
                "Odd/1.0.0": 7
            }
        },
        "libraries": {
            "Fn/1.0.0": {"type": "project", "serviceable": false, "sha512": ""},
            "A/1.2.0": {"type": "package", "serviceable": true, "sha512": "sha512-00==", "path": "a/1.2.0"},
            "Native/2.0.0-rc.1": {"type": "package"},
            "Old/4.3.0": {"type": "package"},
            "Empty/1.0.0": {"type": "package"},
            "runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/8.0.1": {"type": "runtimepack"},
            "Odd/1.0.0": {"type": "package"},
            "odder": {"type": "package"},
            "oddest/1": []
        }
    }"#;

    #[test]
    fn packages_with_files_ship_and_others_are_only_named() {
        let seen = inspect(&DepsJson, "Fn.deps.json", JSON).unwrap();
        assert_eq!(
            rows(&seen),
            [
                "A 1.2.0 embedded Fn.deps.json",
                "Empty 1.0.0 locked Fn.deps.json",
                "Microsoft.NETCore.App.Runtime.linux-x64 8.0.1 embedded Fn.deps.json",
                "Native 2.0.0-rc.1 embedded Fn.deps.json",
                "Odd 1.0.0 locked Fn.deps.json",
                "Old 4.3.0 locked Fn.deps.json",
            ]
        );
    }

    #[test]
    fn of_the_files_the_names_of_assemblies_are_kept_and_count() {
        let seen = inspect(&DepsJson, "Fn.deps.json", JSON).unwrap();
        let described = &seen.assemblies.described[0];
        let names = ["fn.dll", "a.dll", "x.dll"].map(str::to_owned);
        assert_eq!(described.files, Some(names.into()));
        assert_eq!(seen.rows(), seen.components.len() + 3);
    }

    #[test]
    fn other_files_of_that_name_tell_nothing() {
        for json in ["{}", r#"{"libraries": {"A/1.0.0": {"type": "package"}}}"#] {
            let seen = inspect(&DepsJson, "x.deps.json", json).unwrap();
            assert!(rows(&seen).is_empty());
        }
        assert!(!wants(&DepsJson, "deps.json", b"{}"));
        assert!(inspect(&DepsJson, "x.deps.json", "{").is_err());
    }
}
