//! Files in folders of packages that no list names.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use crate::finding::folders;
use crate::inspect::ObservedFile;
use crate::inventory::owner::is_fixture_folder;
use crate::inventory::pypi::record;
use crate::supply_chain::tree::Root;
use crate::text::has_suffix;

use super::lists::{Listed, Records};
use super::{PROGRAMS, within};

/// Folders that several packages and the function itself may well have under the same name.
const COMMON_FOLDERS: [&str; 9] = [
    "benchmarks",
    "config",
    "doc",
    "docs",
    "lib",
    "scripts",
    "src",
    "tools",
    "utils",
];
/// Where installers put packages and nobody else anything.
const INSTALL_FOLDERS: [&str; 2] = ["site-packages", "dist-packages"];
/// What systems leave in any folder.
const LITTER: [&str; 3] = [".DS_Store", "Thumbs.db", "desktop.ini"];

/// Those files, and the package that each is in.
pub fn unrecorded<'a>(
    root: &str,
    files: &Root<'a>,
    records: &Records,
) -> Vec<(usize, &'a ObservedFile)> {
    let alone = package_folders(root, records);
    if alone.is_empty() {
        return Vec::new();
    }
    let listed = &records.listed[root];
    let names = OnceCell::new();
    let is_listed = |inner: &str| {
        let source = inner
            .strip_suffix('c')
            .filter(|source| source.ends_with(".py"));
        listed.contains_key(inner)
            || source.is_some_and(|source| listed.contains_key(source))
            || names
                .get_or_init(|| Names::of(listed.keys(), files))
                .may_be(inner)
    };
    let mut found = Vec::new();
    for (&inner, &file) in &files.files {
        let name = file.path.file_name();
        // No wheel has links. Those that matter are what Python loads.
        let is_harmless_link = || file.link.is_some() && !has_suffix(inner, &PROGRAMS);
        if record::is_compiled(&file.path)
            || LITTER.contains(&name)
            || name.starts_with("._")
            || is_harmless_link()
            || is_listed(inner)
        {
            continue;
        }
        let folder = file.path.parent();
        let mut above = folders(folder).chain([folder]);
        let package = above.find_map(|folder| alone.get(folder));
        if let Some(&package) = package {
            found.push((package, file));
        }
    }
    found
}

/// The listed files that are not there under their names, as archives and systems spell some in another way.
struct Names {
    /// In lower case.
    absent: HashSet<String>,
    /// Whether one of them is not in ASCII, or has separators of Windows in it: of these nobody knows the spellings.
    has_odd: bool,
}

impl Names {
    fn of<'r>(listed: impl Iterator<Item = &'r String>, files: &Root) -> Self {
        let absent = listed.filter(|inner| !files.files.contains_key(inner.as_str()));
        let absent: HashSet<String> = absent.map(|inner| inner.to_lowercase()).collect();
        let has_odd = absent.iter().any(|inner| is_odd(inner));
        Names { absent, has_odd }
    }

    fn may_be(&self, inner: &str) -> bool {
        (self.has_odd && is_odd(inner)) || self.absent.contains(&inner.to_lowercase())
    }
}

fn is_odd(inner: &str) -> bool {
    !inner.is_ascii() || inner.contains('\\')
}

/// Whether there are installed packages of which nothing says which files are theirs.
pub fn has_unlisted_packages(files: &Root) -> bool {
    let mut metadata: HashMap<&str, bool> = HashMap::new();
    for (inner, file) in &files.files {
        let folder = file.path.parent();
        if folder.ends_with(".dist-info") {
            *metadata.entry(folder).or_default() |= file.path.is_named("RECORD");
        } else if folder.ends_with(".egg-info") || inner.ends_with(".egg-info") {
            metadata.insert(folder, false);
        }
    }
    metadata.values().any(|is_listed| !is_listed)
}

/// The folders that are a package's alone, by the first `__init__.py` on the way: not those which several packages and
/// the function may share.
fn package_folders<'r>(root: &str, records: &'r Records) -> HashMap<&'r str, usize> {
    let mut folders = HashMap::new();
    for (inner, rows) in &records.listed[root] {
        let Some(folder) = inner.strip_suffix("/__init__.py") else {
            continue;
        };
        let is_sole = |row: &&Listed| {
            let package = &records.packages[row.package];
            !package.is_vendored && !package.is_own_build && !row.is_outside
        };
        let Some(row) = rows.iter().find(is_sole) else {
            continue;
        };
        let path = within(&records.packages[row.package], folder);
        let top = path.split('/').next().unwrap_or_default();
        let base = record::base(&records.packages[row.package].record.path);
        let is_alone = INSTALL_FOLDERS.iter().any(|name| base.ends_with(name));
        let is_common = is_fixture_folder(top) || COMMON_FOLDERS.contains(&top);
        if is_alone || !is_common {
            folders.insert(folder, row.package);
        }
    }
    folders
}
