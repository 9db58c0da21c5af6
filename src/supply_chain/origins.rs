//! What it means where packages come from: which of them anyone but their authors could change on the way.
//!
//! A lock file says more than the manifest beside it, and what is installed says most. Rows of one file that mean the same
//! are one finding, so that a lock file of a thousand rows is not a thousand findings.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::origin::{ObservedOrigin, Origin, host};
use super::rules;
use crate::assess::fingerprint;
use crate::component::{Ecosystem, Evidence, ObservedComponent, Scope};
use crate::finding::{EntryPath, Finding, Location, Rule, Severity};
use crate::inspect::Observations;
use crate::inventory::owner::is_fixture_folder;
use crate::inventory::pypi::requirements::{RequirementLine, RequirementsFile};
use crate::inventory::resolve;
use crate::text::visible;

/// How many packages a finding names; its locations list all.
const NAMED: usize = 3;

/// How many characters of an address a title has; longer ones exist to be long.
const MAX_SHOWN: usize = 200;

/// How many locations a finding has, as many as a package.
const MAX_LOCATIONS: usize = 1000;

/// How many folders up a lock file may be.
const MAX_DEPTH: usize = 16;

/// What names of requirements files say where they are not of what runs.
const WORKSHOP: [&str; 8] = [
    "dev", "develop", "test", "tests", "testing", "doc", "docs", "lint",
];

/// What was seen of where packages come from, and what lock files and installed packages say more of.
pub struct Origins {
    rows: Vec<ObservedOrigin>,
    /// The lock files, by the ecosystem they are of.
    locks: HashSet<(Ecosystem, EntryPath)>,
    installed: HashSet<Ecosystem>,
    /// Composer's packages that stand in folders of the artifact, by their comparable names.
    own: HashSet<String>,
}

impl Origins {
    pub fn take(observations: &mut Observations) -> Self {
        let mut rows = std::mem::take(&mut observations.origins);
        rows.extend(of_requirements(&observations.requirements));
        rows.extend(observations.go_sums.take_unhashed());
        if !rows.is_empty() {
            let is_brought_along = resolve::is_brought_along(observations);
            rows.retain(|row| {
                let path = &row.location.path;
                match row.stated {
                    // What is installed says so itself.
                    Evidence::Installed => true,
                    Evidence::Declared if is_in_fixtures(path) => false,
                    _ => !is_brought_along(path),
                }
            });
        }
        let mut origins = Origins {
            rows,
            locks: HashSet::new(),
            installed: HashSet::new(),
            own: HashSet::new(),
        };
        if !origins.rows.is_empty() {
            let seen = observations.components.iter().chain(&observations.optional);
            origins.note_locks(seen);
            let own = observations.supply.own_packages.iter();
            let comparable = |(_, name): &(_, String)| Ecosystem::Packagist.comparable_name(name);
            origins.own.extend(own.map(comparable));
        }
        origins
    }

    fn note_locks<'a>(&mut self, seen: impl Iterator<Item = &'a ObservedComponent>) {
        let mut last: Option<&ObservedComponent> = None;
        for row in seen {
            if row.evidence.scope() == Scope::Shipped {
                self.installed.insert(row.ecosystem);
            } else if row.evidence == Evidence::Locked {
                // The rows of one file follow one another.
                let is_new = last.is_none_or(|last| last.location.path != row.location.path);
                if is_new {
                    self.locks
                        .insert((row.ecosystem, row.location.path.clone()));
                }
                last = Some(row);
            }
        }
    }

    /// Findings about the artifacts of these names.
    pub fn assess(self, artifacts: &[&str]) -> Vec<Finding> {
        let mut stated: HashMap<(Ecosystem, String), Evidence> = HashMap::new();
        for row in self.rows.iter().filter(|row| is_elsewhere(&row.origin)) {
            let known = stated.entry(key(row)).or_insert(row.stated);
            *known = row.stated.max(*known);
        }
        let locked = Locked::by(&self.locks, artifacts);
        let fetched: HashSet<String> = self.rows.iter().filter_map(fetched_by_composer).collect();
        let mut groups: BTreeMap<Group, Vec<ObservedOrigin>> = BTreeMap::new();
        for mut row in self.rows {
            let strongest = stated.get(&key(&row)).copied();
            let is_said_better = is_elsewhere(&row.origin) && strongest > Some(row.stated);
            let is_own = || {
                let (ecosystem, name) = key(&row);
                ecosystem == Ecosystem::Packagist && self.own.contains(&name)
            };
            let is_settled = match row.origin {
                Origin::Range | Origin::Any if is_own() => true,
                Origin::Range => {
                    // What is installed is what runs; but requirements are installed anew with each build.
                    let is_installed = self.installed.contains(&row.ecosystem);
                    (is_installed && !is_requirements(&row)) || locked.is_locked(&row)
                }
                Origin::Any => locked.is_locked(&row),
                _ => false,
            };
            if !is_said_better && !is_settled {
                let is_setting =
                    row.ecosystem == Ecosystem::Packagist && row.stated == Evidence::Declared;
                let is_held = || self.installed.contains(&row.ecosystem) || locked.is_locked(&row);
                if is_setting && is_held() {
                    // The packages from there say so themselves.
                    let host = plain_host(&row.origin).map(str::to_ascii_lowercase);
                    if host.is_some_and(|host| fetched.contains(&host)) {
                        continue;
                    }
                    hold(&mut row.origin);
                }
                groups.entry(Group::of(&row)).or_default().push(row);
            }
        }
        let groups = groups.into_iter();
        let finding = |(group, rows): (Group, _)| group.finding(rows, artifacts);
        groups.map(finding).collect()
    }
}

/// Which projects have a lock file.
struct Locked {
    /// The folders of the artifacts with one.
    folders: HashSet<(Ecosystem, EntryPath)>,
    /// Those of which the user named one.
    named: HashSet<Ecosystem>,
}

impl Locked {
    fn by(locks: &HashSet<(Ecosystem, EntryPath)>, artifacts: &[&str]) -> Self {
        let mut locked = Locked {
            folders: HashSet::new(),
            named: HashSet::new(),
        };
        for (ecosystem, path) in locks {
            if inside(path, artifacts).is_some() {
                let folder = path.sibling(path.parent());
                locked.folders.insert((*ecosystem, folder));
            } else {
                locked.named.insert(*ecosystem);
            }
        }
        locked
    }

    /// Whether a lock file says which version it is: one in the folder of the row's file, or above.
    fn is_locked(&self, row: &ObservedOrigin) -> bool {
        let path = &row.location.path;
        let mut folders = std::iter::successors(Some(path.parent()), above).take(MAX_DEPTH);
        self.named.contains(&row.ecosystem)
            || (!self.folders.is_empty()
                && folders.any(|folder| {
                    let folder = (row.ecosystem, path.sibling(folder));
                    self.folders.contains(&folder)
                }))
    }
}

/// The folder above; none above the root.
fn above<'a>(folder: &&'a str) -> Option<&'a str> {
    match folder.rsplit_once('/') {
        Some((above, _)) => Some(above),
        None => (!folder.is_empty()).then_some(""),
    }
}

fn key(row: &ObservedOrigin) -> (Ecosystem, String) {
    (row.ecosystem, row.ecosystem.comparable_name(&row.name))
}

/// Whether a manifest stands among what exists for tests alone, and is never installed.
fn is_in_fixtures(path: &EntryPath) -> bool {
    path.parent().split('/').any(is_fixture_folder)
}

/// Whether the package comes from elsewhere than a registry.
fn is_elsewhere(origin: &Origin) -> bool {
    matches!(
        origin,
        Origin::Repository { .. }
            | Origin::File { .. }
            | Origin::Plain { .. }
            | Origin::Outside { .. }
    )
}

/// The host that Composer locked or installed a package from over a plain connection.
fn fetched_by_composer(row: &ObservedOrigin) -> Option<String> {
    let is_fetched = row.ecosystem == Ecosystem::Packagist && row.stated > Evidence::Declared;
    plain_host(&row.origin)
        .filter(|_| is_fetched)
        .map(str::to_ascii_lowercase)
}

fn plain_host(origin: &Origin) -> Option<&str> {
    match origin {
        Origin::Plain { address, .. } => Some(host(address.split_once("://")?.1)),
        _ => None,
    }
}

/// Composer's lock file and what it installs hold what a repository gives to a commit, but do not say which setting it is
/// of.
fn hold(origin: &mut Origin) {
    match origin {
        Origin::Repository { commit, .. } => *commit = true,
        Origin::Plain { held, .. } => *held = true,
        _ => {}
    }
}

fn is_requirements(row: &ObservedOrigin) -> bool {
    let name = row.location.path.file_name();
    name.ends_with(".txt") || name.ends_with(".in")
}

/// The path within the artifact that it is of; none if it is of none of them.
fn inside(path: &EntryPath, artifacts: &[&str]) -> Option<String> {
    let whole = path.to_string();
    let mut artifacts = artifacts.iter();
    artifacts.find_map(|name| Some(whole.strip_prefix(name)?.to_owned()))
}

/// What requirements files that count say. They are kept until all are known, because they include one another.
fn of_requirements(files: &[RequirementsFile]) -> Vec<ObservedOrigin> {
    let by_path: HashMap<&EntryPath, &RequirementsFile> =
        files.iter().map(|file| (&file.path, file)).collect();
    let mut waiting: Vec<&RequirementsFile> =
        files.iter().filter(|file| file.stands_alone).collect();
    let mut counting: BTreeMap<&EntryPath, &RequirementsFile> = BTreeMap::new();
    let mut constraints: BTreeMap<&EntryPath, &RequirementsFile> = BTreeMap::new();
    while let Some(file) = waiting.pop() {
        if counting.insert(&file.path, file).is_some() {
            continue;
        }
        for include in &file.includes {
            let target = include.path.as_ref().and_then(|path| by_path.get(path));
            match target {
                Some(target) if include.constraint => {
                    constraints.insert(&target.path, target);
                }
                Some(target) => waiting.push(target),
                None => {}
            }
        }
    }
    let lines = constraints.values().flat_map(|file| &file.requirements);
    let pins = lines.filter(|line| line.requirement.version.is_some());
    let name = |pin: &RequirementLine| Ecosystem::PyPi.normalize_name(&pin.requirement.name);
    let pinned: HashSet<String> = pins.map(name).collect();
    let mut rows = Vec::new();
    for file in counting.values() {
        rows.extend_from_slice(&file.origins);
        let is_hashed = file.requirements.iter().any(|line| line.is_hashed);
        let is_open = !is_hashed && !is_source_of_another(file, &by_path) && !is_of_workshop(file);
        for line in file.requirements.iter().filter(|line| !line.is_link) {
            let name = &line.requirement.name;
            let is_pinned = line.requirement.version.is_some()
                || pinned.contains(&Ecosystem::PyPi.normalize_name(name));
            let origin = match (is_hashed, line.is_hashed) {
                (true, false) => Origin::Unhashed,
                (false, _) if is_open && !is_pinned => Origin::Range,
                _ => continue,
            };
            rows.push(ObservedOrigin {
                ecosystem: Ecosystem::PyPi,
                name: name.clone(),
                stated: Evidence::Declared,
                origin,
                location: Location::at_line(&file.path, line.line),
            });
        }
    }
    rows
}

/// Whether pip-compile made another file of it, `requirements.txt` of `requirements.in`, which has the versions.
fn is_source_of_another(
    file: &RequirementsFile,
    by_path: &HashMap<&EntryPath, &RequirementsFile>,
) -> bool {
    let stem = file.path.inner().strip_suffix(".in");
    stem.is_some_and(|stem| by_path.contains_key(&file.path.sibling(&format!("{stem}.txt"))))
}

fn is_of_workshop(file: &RequirementsFile) -> bool {
    let name = file.path.file_name().to_ascii_lowercase();
    let mut words = name.split(|c: char| !c.is_ascii_alphanumeric());
    words.any(|word| WORKSHOP.contains(&word))
}

/// What is one finding: a rule, how bad it is, and a file.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    path: EntryPath,
    rule: &'static str,
    severity: Severity,
}

impl Group {
    fn of(row: &ObservedOrigin) -> Self {
        let (rule, severity) = judge(row);
        Group {
            path: row.location.path.clone(),
            rule: rule.id,
            severity,
        }
    }

    fn finding(self, mut rows: Vec<ObservedOrigin>, artifacts: &[&str]) -> Finding {
        rows.sort_by(|a, b| (&a.location, &a.name).cmp(&(&b.location, &b.name)));
        let (rule, severity) = rows
            .first()
            .map_or((&rules::ORIGIN_GIT, self.severity), judge);
        let mut what: Vec<String> = rows.iter().map(describe).collect();
        what.dedup();
        let count = what.len();
        let mut names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let inside = inside(&self.path, artifacts).unwrap_or_else(|| self.path.to_string());
        let fingerprint = fingerprint(rule.id, &[&inside, severity.as_str(), &names.join("\n")]);
        what.truncate(if count == NAMED + 1 { NAMED + 1 } else { NAMED });
        let more = match count - what.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let mut locations: Vec<Location> = rows.into_iter().map(|row| row.location).collect();
        locations.dedup();
        locations.truncate(MAX_LOCATIONS);
        let title = format!("{}: {}{more}", rule.title, what.join(", "));
        Finding {
            severity,
            ..Finding::of(rule, title, locations, fingerprint)
        }
    }
}

/// The rule that a row is a case of, and how bad that case is.
fn judge(row: &ObservedOrigin) -> (&'static Rule, Severity) {
    let is_fetched = row.stated > Evidence::Declared;
    match &row.origin {
        Origin::Repository { commit: true, .. } => (&rules::ORIGIN_GIT, Severity::Low),
        Origin::Repository { commit: false, .. } => (&rules::ORIGIN_GIT, Severity::Medium),
        Origin::Plain { held: false, .. } if is_fetched => (&rules::ORIGIN_HTTP, Severity::High),
        Origin::Plain { .. } => (&rules::ORIGIN_HTTP, Severity::Medium),
        Origin::File { hashed: true, .. } => (&rules::ORIGIN_URL, Severity::Low),
        Origin::File { hashed: false, .. } => (&rules::ORIGIN_URL, Severity::Medium),
        Origin::Outside { .. } => (&rules::ORIGIN_PATH, Severity::Low),
        Origin::Range => (&rules::UNPINNED, Severity::Low),
        Origin::Any => (&rules::UNPINNED, Severity::Medium),
        Origin::Unhashed => (&rules::LOCK_NO_HASH, Severity::Low),
        Origin::Insecure { .. } => (&rules::INDEX_INSECURE, Severity::Medium),
        Origin::Extra { .. } => (&rules::INDEX_EXTRA, Severity::Medium),
    }
}

/// The row as a title has it, safe to show.
fn describe(row: &ObservedOrigin) -> String {
    let what = said(row);
    match what.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", visible(what.get(..end).unwrap_or_default())),
        None => visible(&what).into_owned(),
    }
}

fn said(row: &ObservedOrigin) -> String {
    let name = &row.name;
    match &row.origin {
        Origin::Repository { address, .. }
        | Origin::File { address, .. }
        | Origin::Plain { address, .. }
            if address != name =>
        {
            format!("{name} ({address})")
        }
        Origin::Outside { path } if path != name => format!("{name} ({path})"),
        Origin::Insecure { setting } | Origin::Extra { setting } => setting.clone(),
        _ => name.clone(),
    }
}
