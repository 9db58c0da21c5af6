//! Installed wheels against their `RECORD`s: files that were changed, that are missing, and that nobody published.
//!
//! <https://packaging.python.org/en/latest/specifications/recording-installed-packages/#the-record-file>
//!
//! Packages that share a folder are one: what any of them lists with the file's own digest is as it was published,
//! because an installer that overwrites another package's file, or an older version, leaves the older list.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::artifact::Artifact;
use crate::assess::{fingerprint, is_aside};
use crate::component::{Ecosystem, purl};
use crate::finding::{Certainty, EntryPath, Finding, Location, Rule, Severity, folders};
use crate::inspect::{Observations, ObservedFile, RecordFile};
use crate::inventory::owner::is_fixture_folder;
use crate::inventory::pypi::record;
use crate::report::ReadError;

use super::finding::inside;
use super::tree::{Root, Tree};
use super::{Judged, rules};

/// Files that a finding names. All are counted.
pub const MAX_LOCATIONS: usize = 20;

/// What installers write into a package's `.dist-info`, in their own way: pip, uv, Poetry, PDM and conda.
const INSTALLERS_FILES: [&str; 8] = [
    "INSTALLER",
    "RECORD",
    "RECORD.jws",
    "RECORD.p7s",
    "REQUESTED",
    "direct_url.json",
    "uv_build.json",
    "uv_cache.json",
];
/// Folders of programs. Installers write these anew, with the interpreter's path in their first lines.
const PROGRAM_FOLDERS: [&str; 2] = ["bin", "Scripts"];
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
/// What Python loads.
const CODE: [&str; 4] = [".py", ".pyc", ".so", ".pyd"];
/// Likewise, and what else runs.
const PROGRAMS: [&str; 9] = [
    ".py", ".pyc", ".so", ".pyd", ".pth", ".dll", ".dylib", ".exe", ".sh",
];
/// Of these, those that cannot be read.
const NATIVE: [&str; 5] = [".so", ".pyd", ".dll", ".dylib", ".exe"];
/// Bytes by which `strip` makes a library longer at most: two pages.
const STRIP_MOVES: u64 = 8 * 1024;
/// What has lines.
const TEXT: [&str; 21] = [
    ".c", ".cfg", ".css", ".csv", ".h", ".html", ".ini", ".js", ".json", ".md", ".pth", ".pxd",
    ".py", ".pyi", ".pyx", ".rst", ".sh", ".toml", ".txt", ".xml", ".yaml",
];
/// Characters of a line at least, on average over a file.
const LINE: u64 = 10;
/// What systems leave in any folder.
const LITTER: [&str; 3] = [".DS_Store", "Thumbs.db", "desktop.ini"];

/// What the wheels of an artifact list.
pub struct Records<'a> {
    packages: Vec<Package<'a>>,
    /// By the root of a tree, and the path in it.
    listed: HashMap<&'a str, HashMap<String, Vec<Listed>>>,
    errors: Vec<ReadError>,
}

struct Package<'a> {
    record: &'a RecordFile,
    root: &'a str,
    /// Whether it was built on the spot: by the project, or by a distribution, each in its own way.
    is_own_build: bool,
    /// Whether it is data of another package, which has copied and trimmed it.
    is_vendored: bool,
    /// Whether the folder has another version of it, which was installed over this one or under it.
    has_other_version: bool,
}

/// A row about a file.
struct Listed {
    package: usize,
    is_outside: bool,
    is_digested: bool,
    sha256: Option<[u8; 32]>,
    size: Option<u64>,
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
                is_vendored: record::base(&record.path)
                    .split('/')
                    .any(|part| part == "_vendor"),
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
        let mut is_list = record.text.trim_ascii().is_empty();
        let mut is_at_odds = false;
        let mut is_damaged = false;
        for row in record::rows(&record.path, &record.text) {
            is_list = true;
            is_damaged |= row.is_damaged() && !row.is_outside;
            let new = Listed {
                package: index,
                is_outside: row.is_outside,
                is_digested: row.digest.is_some(),
                sha256: row.sha256(),
                size: row.size,
            };
            let rows = listed.entry(row.inner).or_default();
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
    fn rows(&self, root: &str, inner: &str) -> Vec<&Listed> {
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

fn state(file: &ObservedFile, rows: &[&Listed]) -> State {
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

/// Files of one package, by what is wrong with them.
#[derive(Default)]
struct Wrong<'a> {
    changed: Vec<&'a ObservedFile>,
    /// How many of these are native code of another length, as it is when symbols were stripped.
    stripped: usize,
    /// How many are text that may differ in the ends of its lines alone, where nobody looked.
    turned: usize,
    line_ends: Vec<&'a ObservedFile>,
    missing: Vec<String>,
    unrecorded: Vec<&'a ObservedFile>,
    /// Whether packages without a list may have brought those.
    is_unsure: bool,
    /// Listed code that is there.
    present: usize,
}

/// Findings about the wheels of an artifact.
pub fn assess(artifact: &Artifact, tree: &Tree, records: &Records, seen: &Observations) -> Judged {
    let mut wrong: BTreeMap<usize, Wrong> = BTreeMap::new();
    let other_line_ends: HashSet<&EntryPath> = seen.supply.other_line_ends.iter().collect();
    // There a file may come before its list, and is not read again.
    let has_unknown_line_ends = artifact.kind == "image" || artifact.kind.starts_with("tar");
    for (root, listed) in &records.listed {
        let Some(files) = tree.root(root) else {
            continue;
        };
        for inner in listed.keys() {
            let rows = records.rows(root, inner);
            let Some(first) = rows.first().filter(|row| !row.is_outside) else {
                continue;
            };
            let package = &records.packages[first.package];
            let wrong = wrong.entry(first.package).or_default();
            let Some(file) = files.content(inner) else {
                if is_missed(package, inner, files) {
                    wrong.missing.push(inner.clone());
                }
                continue;
            };
            wrong.present += usize::from(is_code(inner));
            if state(file, &rows) != State::Changed || is_installers(package, inner) {
                continue;
            }
            match other_line_ends.contains(&file.path) {
                true => wrong.line_ends.push(file),
                false => {
                    wrong.stripped += usize::from(may_be_stripped(file, &rows));
                    let may_be_turned = has_unknown_line_ends && may_be_turned(file, &rows);
                    wrong.turned += usize::from(may_be_turned);
                    wrong.changed.push(file);
                }
            }
        }
        let unrecorded = unrecorded(root, files, records);
        let is_unsure = !unrecorded.is_empty() && has_unlisted_packages(files);
        for (package, file) in unrecorded {
            let wrong = wrong.entry(package).or_default();
            wrong.unrecorded.push(file);
            wrong.is_unsure = is_unsure;
        }
    }
    let mut judged = Judged {
        findings: Vec::new(),
        errors: records.errors.clone(),
    };
    for (package, wrong) in wrong {
        let package = &records.packages[package];
        judged.findings.extend(findings(artifact, package, wrong));
    }
    judged
}

fn findings(artifact: &Artifact, package: &Package, wrong: Wrong) -> Vec<Finding> {
    let name = record::package(&package.record.path);
    let (name, version) = name.unwrap_or(("a package", String::new()));
    let purl = purl(
        Ecosystem::PyPi,
        &Ecosystem::PyPi.normalize_name(name),
        Some(&version),
    );
    let finding = |rule: &'static Rule, mut files: Vec<(EntryPath, String)>, more: &str| {
        files.sort();
        let count = match files.len() {
            1 => "1 file".to_owned(),
            n => format!("{n} files"),
        };
        let record = inside(artifact, &package.record.path);
        let parts = files
            .iter()
            .flat_map(|(path, digest)| [path.inner(), digest]);
        let parts: Vec<&str> = [record.as_str()].into_iter().chain(parts).collect();
        let fingerprint = fingerprint(rule.id, &parts);
        let title = format!("{}: {name} {version}, {count}{more}", rule.title);
        let shown = files.into_iter().take(MAX_LOCATIONS);
        let locations = shown.map(|(path, _)| Location::from(path)).collect();
        Finding {
            package: Some(purl.clone()),
            ..Finding::of(rule, title, locations, fingerprint)
        }
    };
    let seen = |files: &[&ObservedFile]| -> Vec<(EntryPath, String)> {
        let digest = |file: &ObservedFile| file.crc32.map(|crc32| format!("{crc32:08x}"));
        let row = |file: &&ObservedFile| (file.path.clone(), digest(file).unwrap_or_default());
        files.iter().map(row).collect()
    };
    let mut findings = Vec::new();
    if !wrong.changed.is_empty() {
        let is_aside =
            |file: &&ObservedFile| is_aside(&file.path) && !file.path.is_named("entry_points.txt");
        let is_harmless = package.is_own_build || wrong.changed.iter().all(is_aside);
        let found = |more| finding(&rules::CHANGED, seen(&wrong.changed), more);
        findings.push(match () {
            () if is_harmless => Finding {
                severity: Severity::Low,
                ..found("")
            },
            () if wrong.stripped == wrong.changed.len() => Finding {
                severity: Severity::Low,
                certainty: Certainty::Possible,
                ..found(": of another length, as libraries are when symbols are stripped")
            },
            () if wrong.stripped + wrong.turned == wrong.changed.len() => Finding {
                severity: Severity::Medium,
                certainty: Certainty::Possible,
                ..found(": of about the same length, as text is when ends of lines are turned")
            },
            () => found(""),
        });
    }
    if !wrong.line_ends.is_empty() {
        findings.push(finding(&rules::LINE_ENDS, seen(&wrong.line_ends), ""));
    }
    if !wrong.missing.is_empty() {
        let path = |inner: String| (package.record.path.sibling(&inner), String::new());
        let missing = wrong.missing.into_iter().map(path).collect();
        findings.push(match wrong.present {
            0 => Finding {
                severity: Severity::Info,
                ..finding(&rules::MISSING, missing, ": all of it")
            },
            _ => finding(&rules::MISSING, missing, ""),
        });
    }
    if !wrong.unrecorded.is_empty() {
        let is_one_of = |of: &[&str]| {
            let is = |file: &&ObservedFile| ends_with(file.path.inner(), of);
            wrong.unrecorded.iter().any(is)
        };
        let is_native = wrong.unrecorded.iter().any(|file| is_native(&file.path));
        let severity = match () {
            () if is_native || is_one_of(&[".pth"]) => Severity::High,
            () if is_one_of(&PROGRAMS) => Severity::Medium,
            () => Severity::Low,
        };
        findings.push(Finding {
            severity,
            certainty: match wrong.is_unsure {
                true => Certainty::Possible,
                false => Certainty::Certain,
            },
            ..finding(&rules::UNRECORDED, seen(&wrong.unrecorded), "")
        });
    }
    findings
}

fn ends_with(path: &str, of: &[&str]) -> bool {
    of.iter().any(|suffix| path.ends_with(suffix))
}

/// Whether it is native code, also where a library's version is behind `.so`.
fn is_native(path: &EntryPath) -> bool {
    ends_with(path.inner(), &NATIVE) || path.file_name().contains(".so.")
}

/// Whether it may be a library whose symbols were stripped: that makes it shorter, or longer where it has few of them, as
/// sections are moved to the ends of pages.
fn may_be_stripped(file: &ObservedFile, rows: &[&Listed]) -> bool {
    let is_other = |size: u64| file.size != size && file.size <= size.saturating_add(STRIP_MOVES);
    is_native(&file.path) && rows.iter().all(|row| row.size.is_some_and(is_other))
}

/// Whether it may be text of which the ends of lines alone were turned: one byte for each line.
fn may_be_turned(file: &ObservedFile, rows: &[&Listed]) -> bool {
    let is_near = |size: u64| (1..=size / LINE).contains(&file.size.abs_diff(size));
    file.is_deployed
        && ends_with(file.path.inner(), &TEXT)
        && rows.iter().any(|row| row.size.is_some_and(is_near))
}

fn is_code(inner: &str) -> bool {
    ends_with(inner, &CODE)
}

/// The path from the folder that packages are installed in.
fn within<'p>(package: &Package, inner: &'p str) -> &'p str {
    let rest = inner.strip_prefix(record::base(&package.record.path));
    rest.map_or(inner, |rest| rest.trim_start_matches('/'))
}

/// Whether it is a file that installers write, each in its own way.
fn is_installers(package: &Package, inner: &str) -> bool {
    let path = within(package, inner);
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    (folder.ends_with(".dist-info") && INSTALLERS_FILES.contains(&name))
        || PROGRAM_FOLDERS.contains(&folder)
}

/// Whether a listed file that is not there should be: tools that make bundles small leave out tests, documentation,
/// metadata, and sources whose bytecode they keep. Names that archives spell in several ways say nothing.
fn is_missed(package: &Package, inner: &str, files: &Root) -> bool {
    let path = within(package, inner);
    let top = path.split('/').next().unwrap_or_default();
    let stem = inner.rsplit_once('.').map_or(inner, |(stem, _)| stem);
    is_code(path)
        && !package.has_other_version
        && !path.ends_with(".pyc")
        && inner.is_ascii()
        && !inner.contains('\\')
        && !PROGRAM_FOLDERS.contains(&top)
        && !top.ends_with(".data")
        && !is_aside(&package.record.path.sibling(path))
        && !files.files.contains_key(format!("{stem}.pyc").as_str())
        && !files.files.contains_key(inner)
        && !files.has_in_other_case(inner)
}

/// Files in folders of packages that nobody lists, and the package that each is in.
fn unrecorded<'a>(
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
fn has_unlisted_packages(files: &Root) -> bool {
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
