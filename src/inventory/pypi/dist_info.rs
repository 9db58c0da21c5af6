//! `*.dist-info`: what an installed wheel leaves beside its code.
//!
//! <https://packaging.python.org/en/latest/specifications/recording-installed-packages/>.
//! Bundlers strip these folders to a file or two to save space, so any of the four standard files is enough: `METADATA`
//! states name and version, and for the others the folder's own name does.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::component::{Ecosystem, Evidence};
use crate::finding::EntryPath;
use crate::inspect::{Entry, Header, Inspector, Observations, RecordFile, Unreadable};
use crate::inventory::lenient::{Lenient, Text};
use crate::inventory::read;
use crate::size::needs::Needs;
use crate::supply_chain::origin::Origin;

use super::{archive_name, core_metadata, layout, record, vendored};

pub struct DistInfo;

const FILES: [&str; 5] = [
    "METADATA",
    "RECORD",
    "WHEEL",
    "INSTALLER",
    "direct_url.json",
];

/// What `INSTALLER` says where a distribution built the package. Each builds from a folder, so `direct_url.json` tells
/// of one on its own machines.
const DISTRIBUTORS: [&[u8]; 3] = [b"conda", b"brew", b"rpm"];

/// Where a package came from that no index gave:
/// <https://packaging.python.org/en/latest/specifications/direct-url-data-structure/>.
#[derive(Deserialize)]
struct DirectUrl {
    /// Of a folder alone.
    dir_info: Option<IgnoredAny>,
    #[serde(default)]
    url: Text,
    #[serde(default)]
    vcs_info: Lenient<VcsInfo>,
    #[serde(default)]
    archive_info: Lenient<ArchiveInfo>,
}

#[derive(Deserialize)]
struct VcsInfo {
    #[serde(default)]
    vcs: Text,
    #[serde(default)]
    commit_id: Text,
}

#[derive(Deserialize)]
struct ArchiveInfo {
    hash: Option<IgnoredAny>,
    hashes: Option<IgnoredAny>,
}

impl DirectUrl {
    fn origin(&self) -> Option<Origin> {
        let url = self.url.as_text()?;
        if let Some(repository) = self.vcs_info.as_map() {
            let vcs = repository.vcs.as_text().unwrap_or("git");
            let commit = repository.commit_id.as_text().unwrap_or_default();
            return Origin::of_address(&format!("{vcs}+{url}#{commit}"), false, false);
        }
        let archive = self.archive_info.as_map()?;
        let is_hashed = archive.hash.is_some() || archive.hashes.is_some();
        Origin::of_address(url, is_hashed, false)
    }
}

impl Inspector for DistInfo {
    fn wants(&self, header: &Header) -> bool {
        FILES.contains(&header.path.file_name()) && header.path.parent().ends_with(".dist-info")
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        match entry.path.file_name() {
            "METADATA" => return inspect_metadata(entry, seen),
            "direct_url.json" => {
                let direct: DirectUrl = read::json(entry)?;
                if direct.dir_info.is_some() {
                    seen.local_installs.push(entry.path.clone());
                } else if let Some((name, _)) = named_by_folder(entry.path) {
                    let (installed, location) = (Evidence::Installed, entry.path.clone());
                    seen.origin(Ecosystem::PyPi, name, installed, direct.origin(), location);
                }
                return Ok(());
            }
            "INSTALLER" if DISTRIBUTORS.contains(&entry.bytes.trim_ascii()) => {
                seen.distributed.push(entry.path.clone());
            }
            "RECORD" => {
                inspect_record(entry, seen);
                seen.records.push(RecordFile {
                    path: entry.path.clone(),
                    text: entry.bytes.into(),
                });
            }
            _ => {}
        }
        if let Some((name, version)) = named_by_folder(entry.path) {
            add(name, version, entry.path, seen);
        }
        Ok(())
    }
}

fn inspect_metadata(entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
    seen.needs.push(Needs {
        manifest: entry.path.clone(),
        ecosystem: Ecosystem::PyPi,
        names: core_metadata::requirements(entry.bytes),
        is_for_linux: true,
    });
    let found = core_metadata::read(entry.bytes);
    if !found.name.is_empty() && !found.version.is_empty() {
        add(found.name, found.version, entry.path, seen);
        return Ok(());
    }
    if let Some((name, version)) = named_by_folder(entry.path) {
        add(name, version, entry.path, seen);
    }
    Err(Unreadable::new("does not state both Name and Version"))
}

fn add(
    name: impl Into<String>,
    version: impl Into<String>,
    path: &EntryPath,
    seen: &mut Observations,
) {
    let evidence = Evidence::Installed;
    seen.component(Ecosystem::PyPi, name, version, evidence, path.clone());
}

fn named_by_folder(path: &EntryPath) -> Option<(&str, String)> {
    let folder = path.parent();
    let folder = folder.rsplit_once('/').map_or(folder, |(_, name)| name);
    archive_name::metadata_folder(folder.strip_suffix(".dist-info")?)
}

/// Notes the files that the package lists as its own, so that none is taken for a manifest of the artifact.
fn inspect_record(entry: &Entry, seen: &mut Observations) {
    let dist_info = entry.path.parent();
    let base = dist_info.rsplit_once('/').map_or("", |(parent, _)| parent);
    for line in entry.bytes.split(|&b| b == b'\n') {
        let line = String::from_utf8_lossy(line);
        let (listed, _) = record::first_field(&line);
        if vendored::is_of_a_known_module(&listed) {
            seen.owned
                .extend(layout::resolve(base, &listed).map(|inner| entry.path.sibling(&inner)));
            continue;
        }
        // Where packages are installed beside the function's own files, those are not the package's to claim.
        let in_a_folder = listed.contains(['/', '\\']) && !listed.contains("..");
        if !in_a_folder || !(could_be_manifest(&listed) || is_test_metadata(&listed)) {
            continue;
        }
        if let Some(inner) = layout::resolve(base, &listed) {
            seen.owned.push(entry.path.sibling(&inner));
        }
    }
}

/// Whether some inspector might read the file as a manifest or lock. A package lists thousands of others, of no interest.
fn could_be_manifest(path: &str) -> bool {
    const SUFFIXES: [&str; 10] = [
        ".txt",
        ".in",
        ".toml",
        ".cfg",
        ".mod",
        ".sum",
        ".config",
        "proj",
        ".props",
        ".resolved",
    ];
    const NAMES: [&str; 6] = [
        "package.json",
        "npm-shrinkwrap.json",
        "composer.json",
        "project.assets.json",
        "Gemfile",
        "gems.rb",
    ];
    let (folder, name) = path.rsplit_once(['/', '\\']).unwrap_or(("", path));
    !folder.ends_with(".dist-info")
        && (SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
            || name.starts_with("Pipfile")
            || NAMES.contains(&name)
            || name.contains("lock"))
}

/// Whether the file is the metadata of a package that exists for the tests of the one that lists it.
fn is_test_metadata(path: &str) -> bool {
    let is_metadata =
        path.ends_with("/PKG-INFO") || path.ends_with("/METADATA") || path.ends_with(".egg-info");
    is_metadata && path.split('/').any(|part| matches!(part, "test" | "tests"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, rows, wants};

    fn owned(seen: &Observations) -> Vec<&str> {
        seen.owned.iter().map(EntryPath::inner).collect()
    }

    #[test]
    fn metadata_states_name_and_version() {
        let path = "python/Foo_Bar-1.0.dist-info/METADATA";
        let text = "Metadata-Version: 2.1\nName: Foo.Bar\nVersion: 1.0.post1\n\nAbout.\n";
        let seen = inspect(&DistInfo, path, text).unwrap();
        assert_eq!(
            rows(&seen),
            ["Foo.Bar 1.0.post1 installed python/Foo_Bar-1.0.dist-info/METADATA"]
        );
    }

    #[test]
    fn any_file_of_a_stripped_folder_is_enough() {
        for file in ["RECORD", "WHEEL", "INSTALLER"] {
            let path = format!("foo-1.0.dist-info/{file}");
            let seen = inspect(&DistInfo, &path, "").unwrap();
            assert_eq!(rows(&seen), [format!("foo 1.0 installed {path}")]);
        }
    }

    #[test]
    fn broken_metadata_is_reported_and_the_folder_name_counts() {
        let path = EntryPath::new(&"fn.zip!/".into(), "foo-1.0.dist-info/METADATA");
        let mut seen = Observations::default();
        let entry = Entry {
            path: &path,
            bytes: b"\x00\x01",
        };
        assert!(DistInfo.inspect(&entry, &mut seen).is_err());
        assert_eq!(
            rows(&seen),
            ["foo 1.0 installed foo-1.0.dist-info/METADATA"]
        );
    }

    #[test]
    fn only_the_standard_files_of_the_folder_itself_are_wanted() {
        assert!(!wants(&DistInfo, "METADATA", b""));
        assert!(!wants(&DistInfo, "foo-1.0.dist-info/LICENSE", b""));
        assert!(!wants(&DistInfo, "foo-1.0.dist-info/x/METADATA", b""));
    }

    #[test]
    fn record_lists_what_the_package_owns() {
        let record = "foo/__init__.py,sha256=x,1\r\n\
                      foo/requirements.txt,sha256=x,1\r\n\
                      foo/ext/Gemfile,sha256=x,1\r\n\
                      requirements.txt,sha256=x,1\r\n\
                      foo/_vendor/a-1.dist-info/METADATA,sha256=x,1\r\n\
                      foo/tests/data/t.egg-info/PKG-INFO,sha256=x,1\r\n\
                      \"foo/a \"\"b\"\", c/package.json\",sha256=x,1\r\n\
                      ../../../share/foo/uv.lock,,\r\n\
                      ../../../../../out.txt,,\r\n\
                      foo-1.0.dist-info/top_level.txt,sha256=x,1\r\n";
        let seen = inspect(
            &DistInfo,
            "lib/python3.9/site-packages/foo-1.0.dist-info/RECORD",
            record,
        )
        .unwrap();
        assert_eq!(
            owned(&seen),
            [
                "lib/python3.9/site-packages/foo/requirements.txt",
                "lib/python3.9/site-packages/foo/ext/Gemfile",
                "lib/python3.9/site-packages/foo/tests/data/t.egg-info/PKG-INFO",
                "lib/python3.9/site-packages/foo/a \"b\", c/package.json",
            ]
        );
    }
}
