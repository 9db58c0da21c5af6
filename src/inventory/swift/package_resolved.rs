//! `Package.resolved`: the packages that Swift's package manager chose.
//!
//! <https://github.com/swiftlang/swift-package-manager/blob/main/Sources/PackageGraph/ResolvedPackagesStore.swift> reads and
//! writes all of its versions. In the first the pins are within `object` and have a `repositoryURL`, later ones have a
//! `kind` and a `location`. A pin to a branch or a revision has no version.

use serde::Deserialize;

use crate::component::{Ecosystem, Evidence, swift_location};
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::lenient::{Lenient, Text};
use crate::inventory::{owner, read};

pub struct PackageResolved;

#[derive(Deserialize)]
struct Resolved {
    #[serde(default)]
    object: Lenient<Pins>,
    #[serde(default)]
    pins: Lenient<Pin>,
}

#[derive(Deserialize)]
struct Pins {
    #[serde(default)]
    pins: Lenient<Pin>,
}

#[derive(Deserialize)]
struct Pin {
    /// The name that the package goes by; of one from a registry, its name there.
    #[serde(default)]
    identity: Text,
    #[serde(default)]
    kind: Text,
    #[serde(default, alias = "repositoryURL")]
    location: Text,
    #[serde(default)]
    state: Lenient<State>,
}

#[derive(Default, Deserialize)]
struct State {
    #[serde(default)]
    version: Text,
    #[serde(default)]
    branch: Text,
    #[serde(default)]
    revision: Text,
}

impl Inspector for PackageResolved {
    fn wants(&self, header: &Header) -> bool {
        header.path.is_named("Package.resolved") && owner::is_owners(header.path)
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let resolved: Resolved = read::json(entry)?;
        let first = resolved.object.map().map(|object| object.pins.list());
        let pins = first
            .unwrap_or_default()
            .into_iter()
            .chain(resolved.pins.list());
        for pin in pins.filter_map(Lenient::map) {
            let Pin {
                identity,
                kind,
                location,
                state,
            } = pin;
            let Some(name) = name(kind.text(), identity.text(), location.text()) else {
                continue;
            };
            let (ecosystem, evidence) = (Ecosystem::SwiftUrl, Evidence::Locked);
            let location = entry.path.clone();
            let State {
                version,
                branch,
                revision,
            } = state.map().unwrap_or_default();
            match version.text() {
                Some(version) => seen.stated(ecosystem, name, &version, evidence, location),
                None => {
                    let code = branch.text().or_else(|| revision.text());
                    let code = code.unwrap_or_default();
                    seen.unversioned(ecosystem, name, &code, evidence, location);
                }
            }
        }
        Ok(())
    }
}

/// The address without what is not part of the identity; none for a folder of the machine.
fn name(
    kind: Option<String>,
    identity: Option<String>,
    location: Option<String>,
) -> Option<String> {
    match kind.as_deref() {
        Some("localSourceControl" | "fileSystem") => None,
        Some("registry") => identity,
        _ => location
            .filter(|location| !location.starts_with(['/', '.', '~']))
            .filter(|location| !location.starts_with("file:"))
            .map(|location| swift_location(&location).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, rows, wants};

    fn read(json: &str) -> Vec<String> {
        let rows = rows(&inspect(&PackageResolved, "Package.resolved", json).unwrap());
        let without_path = |row: String| row.replace(" locked Package.resolved", "");
        rows.into_iter().map(without_path).collect()
    }

    #[test]
    fn every_version_of_the_file_has_pins() {
        let first = r#"{"object": {"pins": [
            {"package": "B", "repositoryURL": "https://git.example/a/b.git",
             "state": {"branch": null, "revision": "0123", "version": "1.2.3"}},
            {"package": "c", "repositoryURL": "git@git.example:a/c",
             "state": {"branch": "main", "revision": "4567", "version": null}}
        ]}, "version": 1}"#;
        assert_eq!(
            read(first),
            ["git.example/a/b 1.2.3", "git.example/a/c ~main"]
        );
        let later = r#"{"originHash": "00", "pins": [
            {"identity": "b", "kind": "remoteSourceControl", "location": "https://me:secret@git.example/a/b.git",
             "state": {"revision": "0123", "version": "1.2.3"}},
            {"identity": "c", "kind": "remoteSourceControl", "location": "https://git.example/a/c",
             "state": {"revision": "4567"}},
            {"identity": "mona.list", "kind": "registry", "location": "", "state": {"version": "2.0.0-beta.1"}},
            {"identity": "own", "kind": "localSourceControl", "location": "/home/me/own", "state": {"version": "1.0.0"}},
            {"identity": "odd", "location": 7}, 7
        ], "version": 3}"#;
        assert_eq!(
            read(later),
            [
                "git.example/a/b 1.2.3",
                "git.example/a/c ~4567",
                "mona.list 2.0.0-beta.1"
            ]
        );
    }

    #[test]
    fn folders_of_the_machine_are_no_packages() {
        let json = r#"{"object": {"pins": [
            {"package": "a", "repositoryURL": "file:///home/me/a", "state": {"version": "1.0.0"}},
            {"package": "b", "repositoryURL": "../b", "state": {"version": "1.0.0"}}
        ]}, "version": 1}"#;
        assert!(read(json).is_empty());
    }

    #[test]
    fn lock_files_of_packages_are_not_wanted() {
        let path = "own.xcodeproj/project.xcworkspace/xcshareddata/swiftpm/Package.resolved";
        assert!(wants(&PackageResolved, path, b""));
        assert!(!wants(
            &PackageResolved,
            ".build/checkouts/a/Package.resolved",
            b""
        ));
    }

    #[test]
    fn what_is_not_json_is_said_so() {
        assert!(inspect(&PackageResolved, "Package.resolved", "{").is_err());
    }
}
