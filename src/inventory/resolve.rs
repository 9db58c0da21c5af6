//! From what the files say to what the artifact holds: one component for each package and version.

use std::collections::{BTreeMap, HashSet};
use std::str::FromStr;

use pep440_rs::VersionSpecifiers;

use super::pypi::requirements::resolve_includes;
use crate::component::{Component, Ecosystem, Evidence, ObservedComponent, purl};
use crate::finding::{EntryPath, Location};
use crate::inspect::{Observations, Unreadable};
use crate::report::ReadError;
use crate::text::visible;
use crate::version::Version;

/// Merges observations into components, sorted by ecosystem, name and version.
pub fn resolve(mut observations: Observations) -> (Vec<Component>, Vec<ReadError>) {
    drop_foreign_manifests(&mut observations);
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
/// this artifact.
fn drop_foreign_manifests(observations: &mut Observations) {
    let owned: HashSet<EntryPath> = observations.owned.drain(..).collect();
    observations
        .components
        .retain(|c| c.evidence > Evidence::Locked || !owned.contains(&c.location.path));
    observations
        .requirements
        .retain(|file| !owned.contains(&file.path));
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
        let mut meant = false;
        for rows in by_version.values_mut() {
            let version = rows[0].version.as_deref().unwrap_or_default();
            if may_mean(ecosystem, row.version_range.as_deref(), version) {
                meant = true;
                rows.push(ObservedComponent {
                    version: None,
                    ..row.clone()
                });
            }
        }
        !meant
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

/// Whether a range can stand for the version. Only PyPI's ranges are evaluated: npm installs one version in
/// the folder where a manifest's range counts, whatever other versions lie deeper.
fn may_mean(ecosystem: Ecosystem, range: Option<&str>, version: &str) -> bool {
    let (Ecosystem::PyPi, Some(range)) = (ecosystem, range) else {
        return true;
    };
    let (Ok(specifiers), Ok(version)) = (
        VersionSpecifiers::from_str(range),
        pep440_rs::Version::from_str(version),
    ) else {
        return true;
    };
    specifiers.contains(&version)
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
    let mut locations: Vec<Location> = Vec::with_capacity(rows.len());
    for row in rows {
        if !locations.contains(&row.location) {
            locations.push(row.location);
        }
    }
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
