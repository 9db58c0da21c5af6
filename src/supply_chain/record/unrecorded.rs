//! Files in folders of packages that no list names.

use std::collections::{HashMap, HashSet};

use crate::finding::folders;
use crate::inspect::ObservedFile;
use crate::inventory::owner::is_fixture_folder;
use crate::inventory::pypi::record;
use crate::supply_chain::tree::Root;

use super::lists::{Listed, Records};
use super::within;

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
    let in_lower_case: HashSet<String> = listed.keys().map(|inner| inner.to_lowercase()).collect();
    let is_listed = |inner: &str| {
        let source = inner
            .strip_suffix('c')
            .filter(|source| source.ends_with(".py"));
        listed.contains_key(inner)
            || source.is_some_and(|source| listed.contains_key(source))
            || in_lower_case.contains(&inner.to_lowercase())
    };
    let mut found = Vec::new();
    for (&inner, &file) in &files.files {
        let name = file.path.file_name();
        if file.link.is_some()
            || record::is_compiled(&file.path)
            || !inner.is_ascii()
            || inner.contains('\\')
            || LITTER.contains(&name)
            || name.starts_with("._")
        {
            continue;
        }
        let folder = file.path.parent();
        let mut above = folders(folder).chain([folder]);
        let package = above.find_map(|folder| alone.get(folder));
        if let Some(&package) = package
            && !is_listed(inner)
        {
            found.push((package, file));
        }
    }
    found
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
