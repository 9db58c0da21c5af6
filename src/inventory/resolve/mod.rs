//! From what the files say to what the artifact holds: one component for each package and version.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::cargo::linked;
use super::go::keep_selected;
use super::maven;
use super::nuget::assemblies::add_assemblies;
use super::pypi::local::drop_own_projects;
use super::pypi::requirements::resolve_includes;
use super::pypi::vendored::{add_copies, name_holders};
use crate::component::{Component, Ecosystem, Evidence, ObservedComponent, Scope, purl};
use crate::finding::{EntryPath, Location};
use crate::inspect::{Observations, Unreadable, WholeFile};
use crate::report::ReadError;
use crate::text::visible;
use crate::version::set::VersionSet;
use crate::version::{Version, requirement};

/// How many places of one component are kept, and how many versions of a package a range is tried on: far
/// more than honest artifacts have, so that hostile ones cost no more than they do.
const MAX_LOCATIONS: usize = 1000;
const MAX_VERSIONS_ASKED: usize = 100;
/// No longer path can be unpacked on the systems that functions run on (Linux's PATH_MAX).
const MAX_PATH: usize = 4096;

/// Merges observations into components, sorted by ecosystem, name and version.
pub fn resolve(mut observations: Observations) -> (Vec<Component>, Vec<ReadError>) {
    add_assemblies(&mut observations);
    let owned: HashSet<EntryPath> = observations.owned.drain(..).collect();
    drop_foreign_manifests(&mut observations, &owned);
    let unread = add_copies(&mut observations, &owned);
    drop_own_projects(&mut observations);
    add_installed_options(&mut observations);
    let (required, unresolved) = resolve_includes(observations.requirements);
    let mut observed = observations.components;
    observed.extend(required);
    let unlinked = linked::add_linked(
        &mut observed,
        &observations.named_crates,
        &observations.cargo_locks,
    );
    let (jars, unnamed) = maven::resolve::resolve(observations.jars);
    observed.extend(jars);
    keep_best_of_dist_info(&mut observed);
    keep_selected(&mut observed);
    drop_tarballs_of_themselves(&mut observed);
    take_from_lock_folders(&mut observed);

    let mut by_name: BTreeMap<(Ecosystem, String), Vec<ObservedComponent>> = BTreeMap::new();
    for component in observed {
        let name = component.ecosystem.comparable_name(&component.name);
        by_name
            .entry((component.ecosystem, name))
            .or_default()
            .push(component);
    }
    let mut components: Vec<Component> = by_name
        .into_iter()
        .flat_map(|((ecosystem, _), rows)| merge(ecosystem, rows))
        .collect();
    measure(&mut components, observations.whole_files);
    name_holders(&mut components);
    let errors = unresolved
        .into_iter()
        .chain(unread)
        .map(|(location, message)| {
            let line = location.line.map(|line| line as usize);
            ReadError::unreadable(location.path, Unreadable { line, message })
        })
        .chain(unnamed)
        .chain(unlinked)
        .collect();
    (components, errors)
}

/// Gives those components their size that are whole files.
fn measure(components: &mut [Component], files: Vec<WholeFile>) {
    let mut sizes: HashMap<(Ecosystem, String, EntryPath), u64> = HashMap::new();
    for file in files {
        // One that several architectures share has several parts.
        *sizes
            .entry((file.ecosystem, file.name, file.path))
            .or_default() += file.size;
    }
    if sizes.is_empty() {
        return;
    }
    for component in components {
        let size = |location: &Location| {
            let name = component.name.clone();
            sizes.get(&(component.ecosystem, name, location.path.clone()))
        };
        component.size_bytes = component
            .locations
            .iter()
            .filter_map(size)
            .copied()
            .reduce(u64::saturating_add);
    }
}

/// A manifest or lock file that an installed package brought along tells of its author's workshop, not of
/// this artifact; and the metadata that it lists as its own are those of packages made for its tests.
fn drop_foreign_manifests(observations: &mut Observations, owned: &HashSet<EntryPath>) {
    let packages = package_folders(&observations.components);
    let is_owned = |path: &EntryPath| owned.contains(path) || is_below(path, &packages);
    observations.components.retain(|c| {
        let path = &c.location.path;
        match c.evidence {
            Evidence::Declared | Evidence::Locked => !is_owned(path),
            // What a wheel has in a `node_modules` is installed all the same.
            Evidence::Fingerprint | Evidence::Embedded | Evidence::Installed => {
                c.ecosystem != Ecosystem::PyPi || !owned.contains(path)
            }
        }
    });
    observations
        .optional
        .retain(|c| !is_owned(&c.location.path));
    observations
        .requirements
        .retain(|file| !is_owned(&file.path));
}

/// Whether an installed package brought a manifest, lock file or setting along.
pub fn is_brought_along(observations: &Observations) -> impl Fn(&EntryPath) -> bool {
    let owned: HashSet<&EntryPath> = observations.owned.iter().collect();
    let packages = package_folders(&observations.components);
    move |path| owned.contains(path) || is_below(path, &packages)
}

/// Likewise of what lock files say of needs, and the manifests beside them. To be dropped before those are added that the
/// user named.
pub fn drop_foreign_lock_trees(observations: &mut Observations) {
    if !observations.lock_trees.is_empty() {
        let mut trees = std::mem::take(&mut observations.lock_trees);
        {
            let is_foreign = is_brought_along(observations);
            trees.retain(|path| !is_foreign(path));
        }
        observations.lock_trees = trees;
    }
}

/// The folders that bear the names of the Python distributions installed beside them: what is in them is
/// theirs, even where slimming dropped the RECORD that would say so.
fn package_folders(components: &[ObservedComponent]) -> HashSet<(Arc<str>, String)> {
    let installed = components
        .iter()
        .filter(|c| c.ecosystem == Ecosystem::PyPi && c.evidence == Evidence::Installed);
    installed
        .filter_map(|c| {
            let path = &c.location.path;
            let (site, metadata) = path
                .parent()
                .rsplit_once('/')
                .unwrap_or(("", path.parent()));
            let name = Ecosystem::PyPi.normalize_name(&c.name);
            metadata
                .ends_with(".dist-info")
                .then(|| (Arc::clone(path.container()), folder_key(site, &name)))
        })
        .collect()
}

fn folder_key(site: &str, name: &str) -> String {
    format!("{site}/{name}")
}

fn is_below(path: &EntryPath, folders: &HashSet<(Arc<str>, String)>) -> bool {
    let inner = path.inner();
    if folders.is_empty() || inner.len() > MAX_PATH {
        return false;
    }
    inner.match_indices('/').any(|(end, _)| {
        let (site, name) = inner[..end].rsplit_once('/').unwrap_or(("", &inner[..end]));
        let name = Ecosystem::PyPi.normalize_name(name);
        folders.contains(&(Arc::clone(path.container()), folder_key(site, &name)))
    })
}

/// An optional row of a lock file counts where it is installed, or where nothing of its project is: then
/// nobody knows which of them will be.
fn add_installed_options(observations: &mut Observations) {
    let project = |path: &EntryPath| {
        let end = path.inner().find("node_modules/");
        let end = end.unwrap_or(path.inner().len() - path.file_name().len());
        (Arc::clone(path.container()), path.inner()[..end].to_owned())
    };
    let installed = observations
        .components
        .iter()
        .filter(|c| c.ecosystem == Ecosystem::Npm && c.evidence == Evidence::Installed);
    let mut projects = HashSet::new();
    let mut packages = HashSet::new();
    for component in installed {
        projects.insert(project(&component.location.path));
        packages.insert((component.name.clone(), component.version.clone()));
    }
    let optional = std::mem::take(&mut observations.optional);
    let counts = |row: &ObservedComponent| {
        !projects.contains(&project(&row.location.path))
            || packages.contains(&(row.name.clone(), row.version.clone()))
    };
    let counting: Vec<_> = optional.into_iter().filter(counts).collect();
    observations.components.extend(counting);
}

/// The files of one `.dist-info` folder speak of one package: METADATA says it best, otherwise any does.
fn keep_best_of_dist_info(observed: &mut Vec<ObservedComponent>) {
    let folder = |c: &ObservedComponent| {
        let path = &c.location.path;
        let is_installed = c.ecosystem == Ecosystem::PyPi && c.evidence == Evidence::Installed;
        (is_installed && path.parent().ends_with(".dist-info")).then(|| path.sibling(path.parent()))
    };
    let mut best: BTreeMap<EntryPath, EntryPath> = BTreeMap::new();
    for component in observed.iter() {
        if let Some(folder) = folder(component) {
            let path = &component.location.path;
            let rank = |path: &EntryPath| (path.file_name() != "METADATA", path.clone());
            best.entry(folder)
                .and_modify(|known| {
                    if rank(path) < rank(known) {
                        *known = path.clone();
                    }
                })
                .or_insert_with(|| path.clone());
        }
    }
    observed.retain(|c| folder(c).is_none_or(|folder| best.get(&folder) == Some(&c.location.path)));
}

/// What a published tarball of npm holds of itself is left out: its package.json says better what it is.
fn drop_tarballs_of_themselves(observed: &mut Vec<ObservedComponent>) {
    let installed = observed.iter().filter(|c| {
        c.ecosystem == Ecosystem::Npm
            && c.evidence == Evidence::Installed
            && c.location.path.inner() == "package/package.json"
    });
    let tarballs: HashSet<(Arc<str>, String)> = installed
        .map(|c| (Arc::clone(c.location.path.container()), c.name.clone()))
        .collect();
    observed.retain(|c| {
        let is_seen = matches!(c.evidence, Evidence::Fingerprint | Evidence::Embedded);
        let package = (Arc::clone(c.location.path.container()), c.name.clone());
        !(is_seen && c.ecosystem == Ecosystem::Npm && tarballs.contains(&package))
    });
}

/// What is known by the folder that it was built from is the package, in the version, that a lock file has there,
/// which knows the real name under an alias too. Where lock files differ, each of their versions is possible.
fn take_from_lock_folders(observed: &mut [ObservedComponent]) {
    let mut locked: HashMap<Box<str>, BTreeSet<(String, String)>> = HashMap::new();
    for row in observed
        .iter()
        .filter(|row| row.evidence == Evidence::Locked)
    {
        if let (Some(folder), Some(version)) = (&row.folder, &row.version) {
            let packages = locked.entry(folder.clone()).or_default();
            packages.insert((row.name.clone(), version.clone()));
        }
    }
    for row in observed.iter_mut().filter(|row| is_of_unknown_version(row)) {
        let packages = row.folder.as_ref().and_then(|folder| locked.get(folder));
        let Some(packages) = packages.filter(|packages| packages.len() <= MAX_VERSIONS_ASKED)
        else {
            continue;
        };
        // A range that is known narrows them down.
        let range = row.version_range.as_deref().unwrap_or_default();
        let can_be =
            |version: &str| requirement::allows(row.ecosystem, range, version).unwrap_or(true);
        let meant = packages.iter().filter(|(_, version)| can_be(version));
        let meant: Vec<&(String, String)> = meant.collect();
        if let [(name, version)] = meant[..] {
            row.name.clone_from(name);
            row.version = Some(version.clone());
        } else if !meant.is_empty() && meant.iter().all(|(name, _)| *name == row.name) {
            let versions = meant.iter().map(|(_, version)| version.as_str()).collect();
            row.version_range = Some(alternatives(row.ecosystem, versions));
        }
    }
}

/// Whether the code of a package is there and nothing says in which version.
fn is_of_unknown_version(row: &ObservedComponent) -> bool {
    row.version.is_none() && row.evidence.scope() == Scope::Shipped
}

/// A range that means these versions and no other.
fn alternatives(ecosystem: Ecosystem, mut versions: Vec<&str>) -> String {
    versions.sort_by_cached_key(|version| Version::parse(ecosystem, version));
    versions.dedup();
    // A bare version means `^` to Cargo.
    let operator = if ecosystem == Ecosystem::CratesIo {
        "="
    } else {
        ""
    };
    let texts: Vec<String> = versions
        .iter()
        .map(|version| format!("{operator}{version}"))
        .collect();
    texts.join(" || ")
}

/// The components of one name.
fn merge(ecosystem: Ecosystem, rows: Vec<ObservedComponent>) -> Vec<Component> {
    let name = best_name(ecosystem, &rows);
    let (exact, open): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.version.is_some());
    if ecosystem == Ecosystem::Generic {
        return copies(ecosystem, &name, exact, open);
    }
    let (unknown, declared): (Vec<_>, Vec<_>) = open.into_iter().partition(is_of_unknown_version);
    let mut versions = by_version(ecosystem, exact);
    let unknown = take_stated(ecosystem, &mut versions, unknown);
    let unknown = join(ecosystem, &mut versions, unknown, Group::ships);
    let declared = join(ecosystem, &mut versions, declared, |_| true);
    let unknown = narrow(ecosystem, &versions, unknown, &declared);
    let mut unknown = by_what_is_known(ecosystem, unknown);
    let declared = join(
        ecosystem,
        &mut unknown,
        declared,
        Group::may_be_the_projects,
    );
    let groups = versions.into_iter().chain(unknown);
    groups
        .chain(by_range(ecosystem, declared))
        .filter_map(|group| component(ecosystem, &name, group.rows))
        .collect()
}

/// Every file has a copy of its own of a native library: what one says of its version says nothing of another.
fn copies(
    ecosystem: Ecosystem,
    name: &str,
    exact: Vec<ObservedComponent>,
    open: Vec<ObservedComponent>,
) -> Vec<Component> {
    let groups = by_version(ecosystem, exact).into_iter();
    let groups = groups.chain(by_range(ecosystem, open));
    groups
        .filter_map(|group| component(ecosystem, name, group.rows))
        .collect()
}

/// The name as it is shown: where spellings differ, that of a row that knows more than a name.
fn best_name(ecosystem: Ecosystem, rows: &[ObservedComponent]) -> String {
    let best = rows
        .iter()
        .min_by_key(|row| (row.version.is_none(), &row.name));
    best.map(|row| ecosystem.normalize_name(&row.name))
        .unwrap_or_default()
}

/// The rows about one version of a package, or about versions of which the same is known.
struct Group {
    version: Option<String>,
    /// What the version can be; none where that cannot be told.
    possible: Option<VersionSet>,
    rows: Vec<ObservedComponent>,
}

impl Group {
    fn ships(&self) -> bool {
        self.rows
            .iter()
            .any(|row| row.evidence.scope() == Scope::Shipped)
    }

    fn is_locked(&self) -> bool {
        self.rows.iter().any(|row| row.evidence == Evidence::Locked)
    }

    fn may_be_the_projects(&self) -> bool {
        !self.rows.iter().all(is_nested)
    }

    fn may_be_in(&self, range: Option<&VersionSet>) -> bool {
        match (range, &self.possible) {
            (Some(range), Some(possible)) => range.meets(possible),
            _ => true,
        }
    }

    /// A hostile artifact may name a package in more places than can be kept.
    fn add(&mut self, row: ObservedComponent) {
        if self.rows.len() < MAX_LOCATIONS {
            self.rows.push(row);
        }
    }
}

fn by_version(ecosystem: Ecosystem, exact: Vec<ObservedComponent>) -> Vec<Group> {
    let mut groups: BTreeMap<VersionKey, Group> = BTreeMap::new();
    for row in exact {
        let version = row.version.as_deref().unwrap_or_default();
        let group = groups
            .entry(VersionKey::of(ecosystem, version))
            .or_insert_with(|| Group {
                version: Some(version.to_owned()),
                possible: requirement::only(ecosystem, version),
                rows: Vec::new(),
            });
        group.rows.push(row);
    }
    groups.into_values().collect()
}

fn by_range(ecosystem: Ecosystem, open: Vec<ObservedComponent>) -> Vec<Group> {
    let mut groups: BTreeMap<Option<String>, Group> = BTreeMap::new();
    for row in open {
        let group = groups
            .entry(row.version_range.clone())
            .or_insert_with(|| Group {
                version: None,
                possible: possible(ecosystem, &row),
                rows: Vec::new(),
            });
        group.rows.push(row);
    }
    groups.into_values().collect()
}

/// What ships, by its range; where nothing at all is known of a version, it is one of the others.
fn by_what_is_known(ecosystem: Ecosystem, unknown: Vec<ObservedComponent>) -> Vec<Group> {
    let is_blank = |row: &ObservedComponent| row.version_range.is_none() && !is_nested(row);
    let (blank, known): (Vec<_>, Vec<_>) = unknown.into_iter().partition(is_blank);
    let mut groups = by_range(ecosystem, known);
    let blank = join(ecosystem, &mut groups, blank, |group| {
        group.possible.is_some()
    });
    groups.extend(by_range(ecosystem, blank));
    groups
}

fn possible(ecosystem: Ecosystem, row: &ObservedComponent) -> Option<VersionSet> {
    requirement::parse(ecosystem, row.version_range.as_deref()?)
}

/// Which of the groups a row without a version can be about; where that cannot be told, each.
fn meant(ecosystem: Ecosystem, groups: &[Group], row: &ObservedComponent) -> Vec<usize> {
    let range = possible(ecosystem, row);
    let asked = groups.iter().take(MAX_VERSIONS_ASKED).enumerate();
    let meant = asked.filter(|(_, group)| group.may_be_in(range.as_ref()));
    meant.map(|(at, _)| at).collect()
}

/// The versions among those meant that lock files name, or else those that manifests pin.
fn stated<'a>(versions: &'a [Group], meant: &[usize]) -> Vec<(usize, &'a str)> {
    if versions.len() > MAX_VERSIONS_ASKED {
        return Vec::new();
    }
    let meant = meant.iter().filter_map(|&at| Some((at, versions.get(at)?)));
    let (locked, pinned): (Vec<_>, Vec<_>) = meant.partition(|(_, group)| group.is_locked());
    let stated = if locked.is_empty() { pinned } else { locked };
    let version = |(at, group): (usize, &'a Group)| Some((at, group.version.as_deref()?));
    stated.into_iter().filter_map(version).collect()
}

/// What ships takes the version that lock files and manifests leave it, if that is one, unless the code of another
/// row tells its version. Gives back what takes none.
fn take_stated(
    ecosystem: Ecosystem,
    versions: &mut [Group],
    unknown: Vec<ObservedComponent>,
) -> Vec<ObservedComponent> {
    let known: Vec<bool> = versions.iter().map(Group::ships).collect();
    let mut left = Vec::new();
    for row in unknown {
        let meant = meant(ecosystem, versions, &row);
        let is_known = meant.iter().any(|&at| known.get(at) == Some(&true));
        match stated(versions, &meant)[..] {
            [(at, version)] if !is_known => {
                let version = Some(version.to_owned());
                if let Some(group) = versions.get_mut(at) {
                    group.rows.push(ObservedComponent { version, ..row });
                }
            }
            _ => left.push(row),
        }
    }
    left
}

/// A row without a version is about the groups that are `such` and that it can mean. Gives back what is about none.
fn join(
    ecosystem: Ecosystem,
    groups: &mut [Group],
    open: Vec<ObservedComponent>,
    such: impl Fn(&Group) -> bool,
) -> Vec<ObservedComponent> {
    // Decided before rows join: what a group is does not depend on their order.
    let such: Vec<bool> = groups.iter().map(such).collect();
    let mut left = Vec::new();
    for row in open {
        let mut meant = meant(ecosystem, groups, &row);
        meant.retain(|&at| such.get(at) == Some(&true));
        if meant.is_empty() {
            left.push(row);
            continue;
        }
        for at in meant {
            if let Some(group) = groups.get_mut(at) {
                group.add(row.clone());
            }
        }
    }
    left
}

/// Says of what ships in an unknown version what it can be: one of several versions that lock files name, or what
/// manifests ask for.
fn narrow(
    ecosystem: Ecosystem,
    versions: &[Group],
    mut unknown: Vec<ObservedComponent>,
    declared: &[ObservedComponent],
) -> Vec<ObservedComponent> {
    let asked: BTreeSet<&str> = declared
        .iter()
        .filter_map(|row| row.version_range.as_deref())
        .collect();
    let asked: Vec<&str> = asked.into_iter().take(MAX_VERSIONS_ASKED + 1).collect();
    let asked = (1..=MAX_VERSIONS_ASKED)
        .contains(&asked.len())
        .then(|| asked.join(" || "));
    for row in &mut unknown {
        let stated = stated(versions, &meant(ecosystem, versions, row));
        if !stated.is_empty() {
            let versions = stated.into_iter().map(|(_, version)| version).collect();
            row.version_range = Some(alternatives(ecosystem, versions));
        }
    }
    // What the code tells is more than what a manifest asks for.
    let (open, told): (Vec<_>, Vec<_>) = unknown
        .iter_mut()
        .partition(|row| row.version_range.is_none());
    if told.into_iter().all(|row| is_nested(row)) {
        for row in open.into_iter().filter(|row| !is_nested(row)) {
            row.version_range.clone_from(&asked);
        }
    }
    unknown
}

/// Whether it is a package's own copy of another: what the project asks for says nothing about it.
fn is_nested(row: &ObservedComponent) -> bool {
    let folder = row.folder.as_deref().unwrap_or_default();
    folder.matches("node_modules/").nth(1).is_some()
}

/// Versions that are written differently may be the same: `1.0` and `1.0.0` are for PyPI.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum VersionKey {
    Parsed(Version),
    Text(String),
}

impl VersionKey {
    fn of(ecosystem: Ecosystem, text: &str) -> Self {
        match (ecosystem, Version::parse(ecosystem, text)) {
            (Ecosystem::PyPi, Some(version)) => VersionKey::Parsed(version),
            // Elsewhere build metadata tells versions apart that order as equal.
            _ => VersionKey::Text(text.trim_start_matches(['v', '=']).to_owned()),
        }
    }
}

fn component(
    ecosystem: Ecosystem,
    name: &str,
    mut rows: Vec<ObservedComponent>,
) -> Option<Component> {
    rows.sort_by(|a, b| {
        b.evidence
            .cmp(&a.evidence)
            .then_with(|| a.location.cmp(&b.location))
    });
    let stated = rows.iter().find_map(|row| row.version.as_deref());
    let version = stated.map(|version| version.trim().to_owned());
    // Evidence that does not know the version is none for it.
    let evidence = rows
        .iter()
        .filter(|row| version.is_none() || row.version.is_some())
        .map(|row| row.evidence)
        .max()?;
    let version_range = match version {
        Some(_) => None,
        None => rows.iter().find_map(|row| row.version_range.clone()),
    };
    // In their order, each once.
    let mut known = HashSet::new();
    let locations = rows.into_iter().map(|row| row.location);
    let locations: Vec<Location> = locations
        .filter(|location| known.insert(location.clone()))
        .take(MAX_LOCATIONS)
        .collect();
    Some(Component {
        ecosystem,
        name: visible(name).into_owned(),
        purl: purl(ecosystem, name, version.as_deref()),
        version: version.map(|version| visible(&version).into_owned()),
        version_range: version_range.map(|range| visible(&range).into_owned()),
        scope: evidence.scope(),
        evidence,
        locations,
        size_bytes: None,
        upgrade: None,
    })
}
