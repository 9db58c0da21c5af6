//! What the wheels of an artifact list, and what that says of a file.

use std::collections::HashMap;

use crate::component::Ecosystem;
use crate::finding::EntryPath;
use crate::inspect::{Observations, ObservedFile, RecordFile};
use crate::inventory::pypi::record::{self, Digest};
use crate::report::ReadError;
use crate::supply_chain::tree::Tree;

/// Folders of vendored packages within each other that are looked at.
const MAX_VENDORS: usize = 8;

/// What the wheels of an artifact list.
pub struct Records<'a> {
    pub(super) packages: Vec<Package<'a>>,
    /// By the root of a tree, and the path in it.
    pub(super) listed: HashMap<&'a str, HashMap<String, Vec<Listed>>>,
    pub(super) errors: Vec<ReadError>,
}

pub(super) struct Package<'a> {
    pub record: &'a RecordFile,
    root: &'a str,
    /// Whether it was built on the spot: by the project, or by a distribution, each in its own way.
    pub is_own_build: bool,
    /// Whether it is data of another package, which has copied and trimmed it.
    pub is_vendored: bool,
    /// Whether the folder has another version of it, which was installed over this one or under it.
    pub has_other_version: bool,
}

/// A row about a file.
pub(super) struct Listed {
    pub package: usize,
    pub is_outside: bool,
    pub is_digested: bool,
    sha256: Option<[u8; 32]>,
    pub size: Option<u64>,
}

/// What the lists say of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nobody lists it.
    Unlisted,
    /// It is as it was published.
    Unchanged,
    /// It is listed, but cannot be compared.
    Unknown,
    Changed,
}

impl<'a> Records<'a> {
    pub fn read(tree: &Tree<'a>, seen: &'a Observations) -> Self {
        let folder = |path: &EntryPath| path.sibling(path.parent());
        let mut own_builds = seen.local_folders();
        own_builds.extend(seen.distributed.iter().map(folder));
        let mut records = Records {
            packages: Vec::new(),
            listed: HashMap::new(),
            errors: Vec::new(),
        };
        for record in &seen.records {
            records.packages.push(Package {
                record,
                root: tree.root_of(&record.path),
                is_own_build: own_builds.contains(&folder(&record.path)),
                is_vendored: is_vendored(tree, &record.path),
                has_other_version: false,
            });
            records.add_rows(records.packages.len() - 1);
        }
        records.find_vendored();
        records.find_other_versions();
        records
    }

    fn add_rows(&mut self, index: usize) {
        let Package { record, root, .. } = self.packages[index];
        let listed = self.listed.entry(root).or_default();
        listed.reserve(memchr::memchr_iter(b'\n', &record.text).count());
        let mut is_list = record.text.trim_ascii().is_empty();
        let mut is_at_odds = false;
        let mut is_damaged = false;
        for row in record::rows(&record.path, &record.text) {
            is_list = true;
            is_damaged |= row.digest == Digest::Damaged && !row.is_outside;
            let new = Listed {
                package: index,
                is_outside: row.is_outside,
                is_digested: row.digest != Digest::None,
                sha256: row.sha256(),
                size: row.size,
            };
            // Nearly all files have one row.
            let rows = listed.entry(row.inner);
            let rows = rows.or_insert_with(|| Vec::with_capacity(1));
            let differs = |old: &Listed| old.package == index && old.sha256 != new.sha256;
            is_at_odds |= rows.iter().any(differs);
            if rows.len() < record::MAX_ROWS {
                rows.push(new);
            }
        }
        if is_at_odds {
            let message = "lists a file twice, with different digests";
            self.errors
                .push(ReadError::new(record.path.clone(), message));
        }
        if is_damaged {
            let message =
                "has digests that cannot be read: their files were compared by length alone";
            self.errors
                .push(ReadError::new(record.path.clone(), message));
        }
        if !is_list || memchr::memchr(0, &record.text).is_some() {
            let message = "is no list of files: what it is about was not compared with it";
            self.errors
                .push(ReadError::new(record.path.clone(), message));
        }
        let strays = record::strays(&record.text);
        if let Some(first) = strays.first {
            let more = match strays.count {
                1 => String::new(),
                n => format!(" and {} more", n - 1),
            };
            let message = format!(
                "lists files where no installer puts any, {first}{more}: they were not compared with it"
            );
            self.errors
                .push(ReadError::new(record.path.clone(), message));
        }
    }

    /// A package's data may be another's installation, as vendored copies and test data are.
    fn find_vendored(&mut self) {
        for index in 0..self.packages.len() {
            let Package { record, root, .. } = self.packages[index];
            let rows = self
                .listed
                .get(root)
                .and_then(|rows| rows.get(record.path.inner()));
            let is_data = |row: &Listed| row.package != index && row.is_digested;
            let is_data = rows.is_some_and(|rows| rows.iter().any(is_data));
            self.packages[index].is_vendored |= is_data;
        }
    }

    fn find_other_versions(&mut self) {
        let key = |package: &Package<'a>| {
            let (name, _) = record::package(&package.record.path)?;
            let name = Ecosystem::PyPi.normalize_name(name);
            Some((package.root, record::base(&package.record.path), name))
        };
        let mut count: HashMap<_, usize> = HashMap::new();
        for key in self.packages.iter().filter_map(key) {
            *count.entry(key).or_default() += 1;
        }
        for package in &mut self.packages {
            let versions = key(package).and_then(|key| count.get(&key));
            package.has_other_version = versions.is_some_and(|&versions| versions > 1);
        }
    }

    /// What is said of a file by those who installed it.
    pub(super) fn rows(&self, root: &str, inner: &str) -> Vec<&Listed> {
        let rows = self.listed.get(root).and_then(|rows| rows.get(inner));
        let rows = rows.into_iter().flatten();
        rows.filter(|row| !self.packages[row.package].is_vendored)
            .collect()
    }

    /// Whether the file at `path` is as it was published.
    pub fn state(&self, tree: &Tree, path: &EntryPath) -> State {
        let root = tree.root_of(path);
        let file = tree
            .root(root)
            .and_then(|files| files.content(path.inner()));
        match file {
            Some(file) => state(file, &self.rows(root, path.inner())),
            None => State::Unknown,
        }
    }
}

/// Whether it lies in the `_vendor` folder of a Python package, which trims what it copies there.
fn is_vendored(tree: &Tree, path: &EntryPath) -> bool {
    const VENDOR: &str = "_vendor";
    let base = record::base(path);
    let ends = base.match_indices(VENDOR).filter(|(at, _)| {
        let after = &base[at + VENDOR.len()..];
        after.is_empty() || after.starts_with('/')
    });
    let Some(files) = tree.root(tree.root_of(path)) else {
        return false;
    };
    let is_package = |folder: &str| {
        let module = |suffix| format!("{folder}/__init__.{suffix}");
        let has = |suffix| files.files.contains_key(module(suffix).as_str());
        has("py") || has("pyc")
    };
    ends.take(MAX_VENDORS)
        .filter_map(|(at, _)| base[..at].strip_suffix('/'))
        .any(is_package)
}

pub(super) fn state(file: &ObservedFile, rows: &[&Listed]) -> State {
    if rows.is_empty() {
        return State::Unlisted;
    }
    let is_same = |row: &&Listed| file.sha256.is_some() && row.sha256 == file.sha256;
    if rows.iter().any(is_same) {
        return State::Unchanged;
    }
    let may_be_same = |row: &&Listed| {
        let same_size = row.size.is_none_or(|size| size == file.size);
        let comparable = row.sha256.is_some() && file.sha256.is_some();
        !row.is_digested || (same_size && !comparable)
    };
    match rows.iter().any(may_be_same) {
        true => State::Unknown,
        false => State::Changed,
    }
}
