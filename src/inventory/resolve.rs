//! From what the files say to what the artifact holds: one component for each package and version.

use std::collections::{BTreeMap, HashSet};
use std::str::FromStr;
use std::sync::Arc;

use pep440_rs::VersionSpecifiers;

use super::pypi::requirements::resolve_includes;
use crate::component::{Component, Ecosystem, Evidence, ObservedComponent, purl};
use crate::finding::{EntryPath, Location};
use crate::inspect::{Observations, Unreadable};
use crate::report::ReadError;
use crate::text::visible;
use crate::version::Version;

/// How many places of one component are kept, and how many versions of a package a range is tried on: far
/// more than honest artifacts have, so that hostile ones cost no more than they do.
const MAX_LOCATIONS: usize = 1000;
const MAX_VERSIONS_ASKED: usize = 100;
/// No longer path can be unpacked on the systems that functions run on (Linux's PATH_MAX).
const MAX_PATH: usize = 4096;

/// Merges observations into components, sorted by ecosystem, name and version.
pub fn resolve(mut observations: Observations) -> (Vec<Component>, Vec<ReadError>) {
    drop_foreign_manifests(&mut observations);
    add_installed_options(&mut observations);
    let (required, unresolved) = resolve_includes(observations.requirements);
    let mut observed = observations.components;
    observed.extend(required);
    keep_best_of_dist_info(&mut observed);

    let mut by_name: BTreeMap<(Ecosystem, String), Vec<ObservedComponent>> = BTreeMap::new();
    for component in observed {
        let name = component.ecosystem.normalize_name(&component.name);
        by_name
            .entry((component.ecosystem, name))
            .or_default()
            .push(component);
    }
    let components = by_name
        .into_iter()
        .flat_map(|((ecosystem, name), rows)| merge(ecosystem, &name, rows))
        .collect();
    let errors = unresolved
        .into_iter()
        .map(|(location, message)| {
            let line = location.line.map(|line| line as usize);
            ReadError::unreadable(location.path, Unreadable { line, message })
        })
        .collect();
    (components, errors)
}

/// A manifest or lock file that an installed package brought along tells of its author's workshop, not of
/// this artifact; and the metadata that it lists as its own are those of packages made for its tests.
fn drop_foreign_manifests(observations: &mut Observations) {
    let owned: HashSet<EntryPath> = observations.owned.drain(..).collect();
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

/// The components of one name.
fn merge(ecosystem: Ecosystem, name: &str, rows: Vec<ObservedComponent>) -> Vec<Component> {
    let (exact, mut open): (Vec<_>, Vec<_>) =
        rows.into_iter().partition(|row| row.version.is_some());
    let mut by_version: BTreeMap<VersionKey, Vec<ObservedComponent>> = BTreeMap::new();
    for row in exact {
        by_version
            .entry(VersionKey::of(ecosystem, &row))
            .or_default()
            .push(row);
    }
    // A row without a version is about the versions that are known, if they can be meant.
    open.retain(|row| {
        let range = row.version_range.as_deref();
        let meant = by_version
            .values_mut()
            .take(MAX_VERSIONS_ASKED)
            .filter(|rows| {
                let version = rows[0].version.as_deref().unwrap_or_default();
                may_mean(ecosystem, range, version)
            });
        let mut found = false;
        for rows in meant {
            found = true;
            if rows.len() < MAX_LOCATIONS {
                rows.push(ObservedComponent {
                    version: None,
                    ..row.clone()
                });
            }
        }
        !found
    });
    let mut by_range: BTreeMap<Option<String>, Vec<ObservedComponent>> = BTreeMap::new();
    for row in open {
        by_range
            .entry(row.version_range.clone())
            .or_default()
            .push(row);
    }
    by_version
        .into_values()
        .chain(by_range.into_values())
        .filter_map(|rows| component(ecosystem, name, rows))
        .collect()
}

/// Versions that are written differently may be the same: `1.0` and `1.0.0` are for PyPI.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum VersionKey {
    Parsed(Version),
    Text(String),
}

impl VersionKey {
    fn of(ecosystem: Ecosystem, row: &ObservedComponent) -> Self {
        let text = row.version.as_deref().unwrap_or_default();
        match (ecosystem, Version::parse(ecosystem, text)) {
            (Ecosystem::PyPi, Some(version)) => VersionKey::Parsed(version),
            // Elsewhere build metadata tells versions apart that order as equal.
            _ => VersionKey::Text(text.trim_start_matches(['v', '=']).to_owned()),
        }
    }
}

/// Whether a range can stand for the version; what cannot be evaluated can.
fn may_mean(ecosystem: Ecosystem, range: Option<&str>, version: &str) -> bool {
    let Some(range) = range else {
        return true;
    };
    let meant = match ecosystem {
        Ecosystem::PyPi => pep440_range_holds(range, version),
        Ecosystem::Npm => npm_range_holds(range, version),
        _ => None,
    };
    meant.unwrap_or(true)
}

fn pep440_range_holds(range: &str, version: &str) -> Option<bool> {
    let specifiers = VersionSpecifiers::from_str(range).ok()?;
    let version = pep440_rs::Version::from_str(version).ok()?;
    Some(specifiers.contains(&version))
}

/// npm's ranges are Cargo's but for what joins them: a space where Cargo has a comma; and a bare `1.2` means
/// `~1.2`. Alternatives (`||`) and hyphens are left undecided.
/// <https://docs.npmjs.com/cli/v11/configuring-npm/package-json#dependencies>
fn npm_range_holds(range: &str, version: &str) -> Option<bool> {
    let range = range.trim();
    let bare = range.starts_with(|c: char| c.is_ascii_digit());
    let range = format!("{}{}", if bare { "~" } else { "" }, range.replace(' ', ","));
    let range = semver::VersionReq::parse(&range).ok()?;
    let version = semver::Version::parse(version).ok()?;
    Some(range.matches(&version))
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

    use super::*;
    use crate::component::Scope;

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

    #[test]
    fn npm_ranges_are_evaluated_where_they_can_be() {
        for (range, version, holds) in [
            ("^4.16.0", "4.17.1", Some(true)),
            ("^4.16.0", "5.0.0", Some(false)),
            ("1.2", "1.3.0", Some(false)),
            ("1.x", "1.3.0", Some(true)),
            (">=1.2.0 <2.0.0", "2.0.0", Some(false)),
            ("*", "0.1.0", Some(true)),
            ("1 || 2", "3.0.0", None),
            ("latest", "3.0.0", None),
        ] {
            assert_eq!(npm_range_holds(range, version), holds, "{range} {version}");
        }
    }
}
