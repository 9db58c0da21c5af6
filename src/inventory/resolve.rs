//! From what the files say to what the artifact holds: one component for each package and version.

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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;

    fn path(inner: &str) -> EntryPath {
        EntryPath::new(&Arc::from("fn.zip!/"), inner)
    }

    /// `name version|~range scope evidence location,location` of each component.
    fn rows(observations: Observations) -> Vec<String> {
        let (components, errors) = resolve(observations);
        assert_eq!(errors, []);
        let row = |c: &Component| {
            let version = c
                .version
                .clone()
                .unwrap_or_else(|| format!("~{}", c.version_range.as_deref().unwrap_or("")));
            let scope = if c.scope == Scope::Shipped {
                "shipped"
            } else {
                "declared"
            };
            let locations: Vec<&str> = c.locations.iter().map(|l| l.path.inner()).collect();
            format!(
                "{} {version} {scope} {:?} {}",
                c.name,
                c.evidence,
                locations.join(",")
            )
        };
        components.iter().map(row).collect()
    }

    #[test]
    fn an_installed_package_its_lock_row_and_its_declaration_are_one() {
        let mut seen = Observations::default();
        seen.declared(Ecosystem::Npm, "a", "^1.0.0", path("package.json"));
        seen.component(
            Ecosystem::Npm,
            "a",
            "1.2.0",
            Evidence::Locked,
            path("package-lock.json"),
        );
        seen.component(
            Ecosystem::Npm,
            "a",
            "1.2.0",
            Evidence::Installed,
            path("node_modules/a/package.json"),
        );
        seen.component(
            Ecosystem::Npm,
            "a",
            "0.9.0",
            Evidence::Installed,
            path("node_modules/b/node_modules/a/package.json"),
        );
        assert_eq!(
            rows(seen),
            [
                "a 0.9.0 shipped Installed node_modules/b/node_modules/a/package.json",
                "a 1.2.0 shipped Installed node_modules/a/package.json,package-lock.json,package.json",
            ]
        );
    }

    #[test]
    fn a_tarball_is_not_seen_in_itself() {
        let mut seen = Observations::default();
        let tarball: Arc<str> = Arc::from("fn.zip!/a-1.0.0.tgz!/");
        let inside = |inner| Location::from(EntryPath::new(&tarball, inner));
        let manifest = inside("package/package.json");
        seen.component(Ecosystem::Npm, "a", "1.0.0", Evidence::Installed, manifest);
        for (name, evidence) in [
            ("a", Evidence::Fingerprint),
            ("a", Evidence::Embedded),
            ("b", Evidence::Fingerprint),
        ] {
            let script = inside("package/dist/x.js");
            seen.component(Ecosystem::Npm, name, "0.9.0", evidence, script);
        }
        let elsewhere = path("x.js");
        seen.component(
            Ecosystem::Npm,
            "a",
            "0.8.0",
            Evidence::Fingerprint,
            elsewhere,
        );
        let expected = [
            "a 0.8.0 shipped Fingerprint x.js",
            "a 1.0.0 shipped Installed package/package.json",
            "b 0.9.0 shipped Fingerprint package/dist/x.js",
        ];
        assert_eq!(rows(seen), expected);
    }

    #[test]
    fn a_range_that_no_version_meets_stays_by_itself() {
        let mut seen = Observations::default();
        seen.component(
            Ecosystem::PyPi,
            "Foo_Bar",
            "1.0",
            Evidence::Installed,
            path("Foo_Bar-1.0.dist-info/METADATA"),
        );
        seen.declared(Ecosystem::PyPi, "foo.bar", ">=2", path("setup.cfg"));
        seen.declared(
            Ecosystem::PyPi,
            "foo-bar",
            ">=0.5,<2",
            path("pyproject.toml"),
        );
        assert_eq!(
            rows(seen),
            [
                "foo-bar 1.0 shipped Installed Foo_Bar-1.0.dist-info/METADATA,pyproject.toml",
                "foo-bar ~>=2 declared Declared setup.cfg",
            ]
        );
    }

    #[test]
    fn versions_are_the_same_where_their_ecosystem_says_so() {
        let mut seen = Observations::default();
        seen.component(Ecosystem::PyPi, "a", "1.0", Evidence::Locked, path("x"));
        seen.component(
            Ecosystem::PyPi,
            "a",
            "1.0.0",
            Evidence::Installed,
            path("y"),
        );
        seen.component(
            Ecosystem::CratesIo,
            "a",
            "1.0.0+1",
            Evidence::Locked,
            path("x"),
        );
        seen.component(
            Ecosystem::CratesIo,
            "a",
            "1.0.0+2",
            Evidence::Locked,
            path("x"),
        );
        assert_eq!(
            rows(seen),
            [
                "a 1.0.0 shipped Installed y,x",
                "a 1.0.0+1 declared Locked x",
                "a 1.0.0+2 declared Locked x",
            ]
        );
    }

    #[test]
    fn a_dist_info_folder_is_one_package_as_its_metadata_says() {
        let mut seen = Observations::default();
        for (file, version) in [
            ("WHEEL", "1.0"),
            ("METADATA", "1.0.post1"),
            ("RECORD", "1.0"),
        ] {
            let path = path(&format!("a-1.0.dist-info/{file}"));
            seen.component(Ecosystem::PyPi, "a", version, Evidence::Installed, path);
        }
        for file in ["RECORD", "INSTALLER"] {
            let path = path(&format!("b-2.dist-info/{file}"));
            seen.component(Ecosystem::PyPi, "b", "2", Evidence::Installed, path);
        }
        assert_eq!(
            rows(seen),
            [
                "a 1.0.post1 shipped Installed a-1.0.dist-info/METADATA",
                "b 2 shipped Installed b-2.dist-info/INSTALLER",
            ]
        );
    }

    #[test]
    fn manifests_that_a_package_brought_along_are_not_the_artifacts() {
        let mut seen = Observations::default();
        let test_package = path("pkg/tests/t-1.egg-info/PKG-INFO");
        let script = path("pkg/node_modules/c/package.json");
        seen.component(
            Ecosystem::PyPi,
            "a",
            "1",
            Evidence::Locked,
            path("pkg/uv.lock"),
        );
        seen.component(
            Ecosystem::PyPi,
            "t",
            "1",
            Evidence::Installed,
            test_package.clone(),
        );
        seen.component(
            Ecosystem::Npm,
            "c",
            "1.0.0",
            Evidence::Installed,
            script.clone(),
        );
        seen.owned
            .extend([path("pkg/uv.lock"), test_package, script]);
        assert_eq!(
            rows(seen),
            ["c 1.0.0 shipped Installed pkg/node_modules/c/package.json"]
        );
    }

    #[test]
    fn manifests_in_a_distributions_own_folder_are_its_own() {
        let mut seen = Observations::default();
        let metadata = path("lib/Jupyter_Lab-1.dist-info/METADATA");
        seen.component(
            Ecosystem::PyPi,
            "Jupyter-Lab",
            "1",
            Evidence::Installed,
            metadata,
        );
        seen.component(
            Ecosystem::Npm,
            "a",
            "1.0.0",
            Evidence::Locked,
            path("lib/jupyter_lab/staging/yarn.lock"),
        );
        seen.component(
            Ecosystem::Npm,
            "b",
            "1.0.0",
            Evidence::Locked,
            path("lib/ui/yarn.lock"),
        );
        seen.component(
            Ecosystem::Npm,
            "c",
            "1.0.0",
            Evidence::Locked,
            path("jupyter_lab/yarn.lock"),
        );
        assert_eq!(
            rows(seen),
            [
                "b 1.0.0 declared Locked lib/ui/yarn.lock",
                "c 1.0.0 declared Locked jupyter_lab/yarn.lock",
                "Jupyter-Lab 1 shipped Installed lib/Jupyter_Lab-1.dist-info/METADATA",
            ]
            .map(|row| row.replace("Jupyter-Lab 1", "jupyter-lab 1"))
        );
    }

    #[test]
    fn optional_rows_count_where_they_are_installed_or_nothing_is() {
        let optional = |lock: &str, name: &str| {
            let mut seen = Observations::default();
            seen.component(Ecosystem::Npm, name, "1.0.0", Evidence::Locked, path(lock));
            seen.components
        };
        let mut seen = Observations::default();
        let installed = path("app/node_modules/a/package.json");
        seen.component(Ecosystem::Npm, "a", "1.0.0", Evidence::Installed, installed);
        for (lock, name) in [
            ("app/package-lock.json", "a"),
            ("app/package-lock.json", "not-for-this-platform"),
            ("app/node_modules/.package-lock.json", "nor-this"),
            ("other/package-lock.json", "b"),
        ] {
            seen.optional.extend(optional(lock, name));
        }
        assert_eq!(
            rows(seen),
            [
                "a 1.0.0 shipped Installed app/node_modules/a/package.json,app/package-lock.json",
                "b 1.0.0 declared Locked other/package-lock.json",
            ]
        );
    }

    /// A name that was seen in a bundle.
    fn named(seen: &mut Observations, name: &str, folder: Option<&str>) {
        let bundle = path("index.js");
        seen.named(Ecosystem::Npm, name, folder, Evidence::Fingerprint, bundle);
    }

    /// A row of a package-lock.json.
    fn locked(seen: &mut Observations, folder: &str, name: &str, version: &str) {
        let lock = path("package-lock.json");
        seen.component(Ecosystem::Npm, name, version, Evidence::Locked, lock);
        seen.components.last_mut().unwrap().folder = Some(folder.into());
    }

    #[test]
    fn what_ships_takes_its_version_from_the_lock_file() {
        let mut seen = Observations::default();
        locked(&mut seen, "node_modules/a", "a", "1.2.0");
        locked(&mut seen, "node_modules/tool", "tool", "3.0.0");
        seen.declared(Ecosystem::Npm, "a", "^1.0.0", path("package.json"));
        named(&mut seen, "a", None);
        assert_eq!(
            rows(seen),
            [
                "a 1.2.0 shipped Fingerprint index.js,package-lock.json,package.json",
                "tool 3.0.0 declared Locked package-lock.json",
            ]
        );
    }

    #[test]
    fn what_a_manifest_pins_is_a_version_too_but_a_lock_file_knows_better() {
        let mut seen = Observations::default();
        let manifest = path("package.json");
        for name in ["a", "b"] {
            seen.component(
                Ecosystem::Npm,
                name,
                "1.0.0",
                Evidence::Declared,
                manifest.clone(),
            );
            named(&mut seen, name, None);
        }
        locked(&mut seen, "node_modules/b", "b", "1.0.1");
        assert_eq!(
            rows(seen),
            [
                "a 1.0.0 shipped Fingerprint index.js,package.json",
                "b 1.0.0 declared Declared package.json",
                "b 1.0.1 shipped Fingerprint index.js,package-lock.json",
            ]
        );
    }

    #[test]
    fn what_the_code_says_of_its_version_goes_before_the_lock_file() {
        let mut seen = Observations::default();
        locked(&mut seen, "node_modules/a", "a", "1.2.0");
        let bundle = path("index.js");
        seen.component(Ecosystem::Npm, "a", "1.1.0", Evidence::Embedded, bundle);
        named(&mut seen, "a", None);
        assert_eq!(
            rows(seen),
            [
                "a 1.1.0 shipped Embedded index.js",
                "a 1.2.0 declared Locked package-lock.json",
            ]
        );
    }

    #[test]
    fn copies_of_a_package_are_told_apart_by_their_folders() {
        let mut seen = Observations::default();
        locked(&mut seen, "node_modules/a", "a", "2.0.0");
        locked(&mut seen, "node_modules/b/node_modules/a", "a", "1.0.0");
        locked(&mut seen, "node_modules/c/node_modules/a", "a", "3.0.0");
        locked(&mut seen, "node_modules/alias", "real", "4.0.0");
        named(&mut seen, "a", Some("../node_modules/a"));
        named(
            &mut seen,
            "a",
            Some("webpack:///./node_modules/b/node_modules/a"),
        );
        named(&mut seen, "alias", Some("node_modules/alias"));
        assert_eq!(
            rows(seen),
            [
                "a 1.0.0 shipped Fingerprint index.js,package-lock.json",
                "a 2.0.0 shipped Fingerprint index.js,package-lock.json",
                "a 3.0.0 declared Locked package-lock.json",
                "real 4.0.0 shipped Fingerprint index.js,package-lock.json",
            ]
        );
    }

    #[test]
    fn where_several_versions_stay_possible_all_are_named() {
        for (folder, in_lock) in [
            (None, ["node_modules/a", "node_modules/b/node_modules/a"]),
            // Two projects have their lock files.
            (Some("node_modules/a"), ["node_modules/a", "node_modules/a"]),
        ] {
            let mut seen = Observations::default();
            locked(&mut seen, in_lock[0], "a", "10.0.0");
            locked(&mut seen, in_lock[1], "a", "2.0.0");
            named(&mut seen, "a", folder);
            assert_eq!(
                rows(seen),
                [
                    "a 10.0.0 declared Locked package-lock.json",
                    "a 2.0.0 declared Locked package-lock.json",
                    "a ~2.0.0 || 10.0.0 shipped Fingerprint index.js",
                ]
            );
        }
    }

    #[test]
    fn a_range_that_the_code_tells_leaves_one_of_the_versions() {
        let mut seen = Observations::default();
        locked(&mut seen, "node_modules/a", "a", "2.0.0");
        locked(&mut seen, "node_modules/b/node_modules/a", "a", "1.0.0");
        named(&mut seen, "a", None);
        named(&mut seen, "a", None);
        seen.components.last_mut().unwrap().version_range = Some("^1.0.0".to_owned());
        assert_eq!(
            rows(seen),
            [
                "a 1.0.0 shipped Fingerprint index.js,package-lock.json",
                "a 2.0.0 declared Locked package-lock.json",
            ]
        );
    }

    #[test]
    fn without_a_lock_file_the_manifest_says_what_the_version_can_be() {
        let mut seen = Observations::default();
        for name in ["a", "b", "c"] {
            named(&mut seen, name, None);
        }
        seen.declared(Ecosystem::Npm, "a", "^1.2.0", path("package.json"));
        seen.declared(Ecosystem::Npm, "b", "^1.2.0", path("one/package.json"));
        seen.declared(Ecosystem::Npm, "b", "~2.0.0", path("two/package.json"));
        // What the code says of itself is about the code.
        seen.components[2].version_range = Some("^3.0.0".to_owned());
        seen.declared(Ecosystem::Npm, "c", "^1.2.0", path("package.json"));
        named(&mut seen, "c", None);
        assert_eq!(
            rows(seen),
            [
                "a ~^1.2.0 shipped Fingerprint index.js,package.json",
                "b ~^1.2.0 || ~2.0.0 shipped Fingerprint index.js,one/package.json,two/package.json",
                "c ~^3.0.0 shipped Fingerprint index.js",
                "c ~^1.2.0 declared Declared package.json",
            ]
        );
    }

    #[test]
    fn what_the_project_asks_for_says_nothing_about_a_packages_own_copy() {
        let mut seen = Observations::default();
        seen.declared(Ecosystem::Npm, "a", "^1.2.0", path("package.json"));
        named(&mut seen, "a", Some("node_modules/b/node_modules/a"));
        assert_eq!(
            rows(seen),
            [
                "a ~ shipped Fingerprint index.js",
                "a ~^1.2.0 declared Declared package.json",
            ]
        );
    }

    #[test]
    fn a_crate_known_by_its_name_in_code_is_the_one_of_the_lock_file() {
        let mut seen = Observations::default();
        let lock = path("Cargo.lock");
        seen.component(
            Ecosystem::CratesIo,
            "serde-json",
            "1.0.1",
            Evidence::Locked,
            lock.clone(),
        );
        for version in ["0.1.0", "0.2.0"] {
            seen.component(
                Ecosystem::CratesIo,
                "b",
                version,
                Evidence::Locked,
                lock.clone(),
            );
        }
        for name in ["serde_json", "b"] {
            seen.named(
                Ecosystem::CratesIo,
                name,
                None,
                Evidence::Fingerprint,
                path("bootstrap"),
            );
        }
        assert_eq!(
            rows(seen),
            [
                "b 0.1.0 declared Locked Cargo.lock",
                "b 0.2.0 declared Locked Cargo.lock",
                "b ~=0.1.0 || =0.2.0 shipped Fingerprint bootstrap",
                "serde-json 1.0.1 shipped Fingerprint bootstrap,Cargo.lock",
            ]
        );
    }

    #[test]
    fn a_component_in_a_map_and_in_node_modules_is_one() {
        let mut seen = Observations::default();
        let map = path("index.js.map");
        seen.component(
            Ecosystem::Npm,
            "a",
            "1.0.0",
            Evidence::Embedded,
            map.clone(),
        );
        seen.named(Ecosystem::Npm, "b", None, Evidence::Embedded, map);
        for name in ["a", "b"] {
            let manifest = path(&format!("node_modules/{name}/package.json"));
            seen.component(Ecosystem::Npm, name, "1.0.0", Evidence::Installed, manifest);
        }
        assert_eq!(
            rows(seen),
            [
                "a 1.0.0 shipped Installed node_modules/a/package.json,index.js.map",
                "b 1.0.0 shipped Installed node_modules/b/package.json,index.js.map",
            ]
        );
    }

    proptest! {
        /// In whatever order files are read, and whatever they say, nothing that ships is lost.
        #[test]
        fn what_ships_ships_in_any_order(
            kinds in prop::collection::vec((0usize..5, 0usize..3, 0usize..3), 0..9),
            seed in any::<prop::sample::Index>(),
        ) {
            const VERSIONS: [&str; 3] = ["1.0.0", "1.5.0", "2.0.0"];
            const RANGES: [&str; 3] = ["^1.0.0", "^2.0.0", "latest"];
            const FOLDERS: [&str; 3] = ["node_modules/a", "node_modules/b/node_modules/a", "node_modules/c/node_modules/a"];
            let mut seen = Observations::default();
            for (kind, x, y) in kinds {
                let file = path(&format!("{kind}{x}{y}"));
                match kind {
                    0 => locked(&mut seen, FOLDERS[x], "a", VERSIONS[y]),
                    1 => named(&mut seen, "a", Some(FOLDERS[x])),
                    2 => {
                        named(&mut seen, "a", None);
                        seen.components.last_mut().unwrap().version_range = Some(RANGES[x].to_owned());
                    }
                    3 => seen.declared(Ecosystem::Npm, "a", RANGES[x], file),
                    _ => seen.component(Ecosystem::Npm, "a", VERSIONS[x], Evidence::Embedded, file),
                }
            }
            let ships = |row: &ObservedComponent| row.evidence.scope() == Scope::Shipped;
            let expected = seen.components.iter().any(ships);
            let mut turned = Observations { components: seen.components.clone(), ..Observations::default() };
            if !turned.components.is_empty() {
                let by = seed.index(turned.components.len());
                turned.components.rotate_left(by);
            }
            let found = rows(seen);
            prop_assert_eq!(found.iter().any(|row| row.contains(" shipped ")), expected);
            prop_assert_eq!(found, rows(turned));
        }
    }
}
