//! Installed wheels against their `RECORD`s: files that were changed, that are missing, and that nobody published.
//!
//! <https://packaging.python.org/en/latest/specifications/recording-installed-packages/#the-record-file>
//!
//! Packages that share a folder are one: what any of them lists with the file's own digest is as it was published,
//! because an installer that overwrites another package's file, or an older version, leaves the older list.

mod findings;
mod lists;
mod unrecorded;

pub use lists::{Records, State};

use std::collections::{BTreeMap, HashSet};

use crate::artifact::Artifact;
use crate::assess::is_aside;
use crate::finding::EntryPath;
use crate::inspect::{Observations, ObservedFile};
use crate::inventory::pypi::record;
use crate::text::has_suffix;

use super::Judged;
use super::tree::{Root, Tree};

use findings::findings;
use lists::{Listed, Package, state};
use unrecorded::{has_unlisted_packages, unrecorded};

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
/// What Python loads.
const CODE: [&str; 4] = [".py", ".pyc", ".so", ".pyd"];
/// What Python loads, and what else runs.
const PROGRAMS: [&str; 9] = [
    ".py", ".pyc", ".so", ".pyd", ".pth", ".dll", ".dylib", ".exe", ".sh",
];
/// Native code, which cannot be read.
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

/// Files of one package, by what is wrong with them.
#[derive(Default)]
struct Wrong<'a> {
    changed: Vec<&'a ObservedFile>,
    /// How many of these are native code of another length, as it is when symbols were stripped.
    stripped: usize,
    /// How many are text that may differ in the ends of its lines alone, where nobody looked.
    turned: usize,
    /// How many have a link in their place, to a file of the same length whose content nobody looked at.
    linked: usize,
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
            let state = state(file, &rows);
            // No wheel has links: where one stands for a file, another may have put what it leads to in its place. Stores
            // of packages, which tools link to, have the same paths in them.
            let is_linked = state == State::Unknown
                && file.path.inner() != inner
                && !file.path.inner().ends_with(within(package, inner))
                && rows.iter().all(|row| row.is_digested);
            let is_changed = state == State::Changed || is_linked;
            if !is_changed || is_installers(package, inner) {
                continue;
            }
            wrong.linked += usize::from(is_linked);
            let there = files.files.get(inner.as_str()).copied().unwrap_or(file);
            match other_line_ends.contains(&file.path) {
                true => wrong.line_ends.push(there),
                false => {
                    wrong.stripped += usize::from(may_be_stripped(file, &rows));
                    let may_be_turned = has_unknown_line_ends && may_be_turned(file, &rows);
                    wrong.turned += usize::from(may_be_turned);
                    wrong.changed.push(there);
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

/// Whether it is native code, also where a library's version is behind `.so`.
fn is_native(path: &EntryPath) -> bool {
    has_suffix(path.inner(), &NATIVE) || path.file_name().contains(".so.")
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
        && has_suffix(file.path.inner(), &TEXT)
        && rows.iter().any(|row| row.size.is_some_and(is_near))
}

fn is_code(inner: &str) -> bool {
    has_suffix(inner, &CODE)
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
