//! The judge: what the components and the structure of an artifact mean.

mod secrets;

use std::collections::HashSet;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::advisory::compiled::{Advisory, Event};
use crate::advisory::database::{Database, DatabaseError};
use crate::advisory::exploitation::{Epss, Exploitation};
use crate::advisory::matching::{Match, match_advisories};
use crate::advisory::range::PackageVersion;
use crate::advisory::severity::is_malware;
use crate::artifact::limits::Budget;
use crate::component::{Component, Ecosystem, Scope};
use crate::finding::{AdvisoryFacts, ArtifactFinding, Certainty, Cvss, Finding, Location, rules};
use crate::inventory::binary::osv_names;
use crate::version::requirement;
use crate::version::set::VersionSet;

pub use secrets::{assess_secrets, is_aside};

/// Findings about components, each of which also learns what to upgrade to. Ends early when the time is up;
/// the budget says so.
pub fn assess_components(
    components: &mut [Component],
    database: &Database,
    budget: &Budget,
) -> Result<Vec<Finding>, DatabaseError> {
    let shipped: HashSet<Ecosystem> = components
        .iter()
        .filter(|c| c.scope == Scope::Shipped)
        .map(|c| c.ecosystem)
        .collect();
    // Components are sorted by name: one look-up serves all versions of a package.
    let same_package =
        |a: &Component, b: &Component| a.ecosystem == b.ecosystem && a.name == b.name;
    let packages: Vec<&mut [Component]> = components.chunk_by_mut(same_package).collect();
    let findings: Result<Vec<Vec<Finding>>, DatabaseError> = packages
        .into_par_iter()
        .map(|versions| {
            let counts = |component: &Component| {
                component.scope == Scope::Shipped || !shipped.contains(&component.ecosystem)
            };
            assess_package(versions, database, budget, counts)
        })
        .collect();
    Ok(findings?.into_iter().flatten().collect())
}

/// Findings about all versions of one package.
fn assess_package(
    versions: &mut [Component],
    database: &Database,
    budget: &Budget,
    counts: impl Fn(&Component) -> bool,
) -> Result<Vec<Finding>, DatabaseError> {
    let mut findings = Vec::new();
    let Some(first) = versions.first() else {
        return Ok(findings);
    };
    let encoded = match first.ecosystem {
        Ecosystem::Generic => database.advisories_under(osv_names(&first.name))?,
        ecosystem => database.advisories(ecosystem, &first.name)?,
    };
    let advisories = database.decode(&encoded)?;
    for component in versions {
        if budget.check_time().is_err() {
            break;
        }
        let matches = match_advisories(
            &advisories,
            component.ecosystem,
            &component.name,
            &known_version(component),
        );
        let counts = counts(component);
        let found = matches.findings.into_iter();
        for found in found {
            let exploitation = exploitation(&found, database)?;
            findings.push(vulnerability(component, found, exploitation, counts));
        }
        component.upgrade = matches.upgrade;
    }
    Ok(findings)
}

/// What ships has one of the versions that are possible; what is only declared may not be there at all.
fn known_version(component: &Component) -> PackageVersion<'_> {
    let ecosystem = component.ecosystem;
    if let Some(version) = &component.version {
        return PackageVersion::new(ecosystem, version);
    }
    match component.scope {
        Scope::Declared => PackageVersion::unknown(ecosystem),
        Scope::Shipped => {
            let range = component.version_range.as_deref();
            let possible = range.and_then(|range| requirement::parse(ecosystem, range));
            let possible = possible.unwrap_or_else(VersionSet::everything);
            PackageVersion::within(ecosystem, possible)
        }
    }
}

/// What is known of the exploitation of a vulnerability, under any of its ids: the worst of it.
fn exploitation(found: &Match, database: &Database) -> Result<Exploitation, DatabaseError> {
    let mut worst = Exploitation::default();
    let ids = std::iter::once(&found.id).chain(&found.aliases);
    for cve in ids.filter(|id| id.starts_with("CVE-")) {
        let known = database.exploitation(cve)?;
        worst.kev = worst.kev.or(known.kev);
        let score = |epss: &Option<Epss>| epss.map_or(-1.0, |epss| epss.score);
        if score(&known.epss) > score(&worst.epss) {
            worst.epss = known.epss;
        }
    }
    Ok(worst)
}

fn vulnerability(
    component: &Component,
    found: Match,
    exploitation: Exploitation,
    counts: bool,
) -> Finding {
    let rule = if found.malware {
        &rules::MALWARE
    } else {
        &rules::VULNERABILITY
    };
    let is_open = component.version.is_none() && found.certainty == Certainty::Possible;
    let remedy = match &found.fixed {
        fixed if is_open && component.ecosystem == Ecosystem::Generic => {
            let fixed = fixed
                .as_ref()
                .map(|fixed| format!("; {fixed} is not affected"));
            format!(
                "find out which version of {} this is{}",
                component.name,
                fixed.unwrap_or_default()
            )
        }
        Some(fixed) if is_open => format!(
            "name the lock file of the build with --lock, which tells the version; {} {fixed} is not affected",
            component.name
        ),
        None if is_open => {
            "name the lock file of the build with --lock, which tells the version".to_owned()
        }
        Some(fixed) if !found.malware => format!("upgrade {} to {fixed} or later", component.name),
        None if !found.malware => format!(
            "no version of {} is known to fix it: replace it, or make sure that the affected part is not used",
            component.name
        ),
        _ => rule.remedy.to_owned(),
    };
    let fingerprint = fingerprint(rule.id, &[&component.purl, stable_id(&found)]);
    Finding {
        severity: found.severity,
        package: Some(component.purl.clone()),
        advisory: Some(AdvisoryFacts {
            id: found.id,
            aliases: found.aliases,
            fixed: found.fixed,
            cvss: found.cvss.map(|score| Cvss {
                vector: score.vector,
                score: score.value,
            }),
            severity_source: found.severity_source,
            cwes: found.cwes,
            url: found.url,
        }),
        kev: exploitation.kev,
        epss: exploitation.epss,
        certainty: found.certainty,
        counts,
        remedy,
        ..Finding::of(rule, found.title, component.locations.clone(), fingerprint)
    }
}

/// The id that stays when further databases give the same vulnerability ids of their own.
fn stable_id(found: &Match) -> &str {
    let ids = std::iter::once(&found.id).chain(&found.aliases);
    ids.filter(|id| id.starts_with("CVE-"))
        .min()
        .unwrap_or(&found.id)
}

/// Whether advisories tell of an ordinary package under that name: one in which somebody fixed something. That is true of
/// no malware, which some databases list as they list the rest.
pub fn is_known_package(
    database: &Database,
    ecosystem: Ecosystem,
    name: &str,
) -> Result<bool, DatabaseError> {
    let encoded = database.advisories(ecosystem, name)?;
    let advisories = database.decode(&encoded)?;
    let has_fix = |advisory: &Advisory| {
        let ranges = advisory.affected.iter().flat_map(|entry| &entry.ranges);
        ranges
            .flatten()
            .any(|event| matches!(event, Event::Fixed(_)))
    };
    let is_ordinary = |advisory: &Advisory| !is_malware(advisory) && has_fix(advisory);
    Ok(advisories.iter().any(is_ordinary))
}

/// A finding about the structure of the artifact at `artifact`.
pub fn structure(artifact: &str, found: ArtifactFinding) -> Finding {
    let whole = found.path.to_string();
    let inside = whole.strip_prefix(artifact).unwrap_or(&whole);
    let rule = found.rule;
    Finding::of(
        rule,
        format!("{}: {}", rule.title, found.detail),
        vec![Location::from(found.path)],
        fingerprint(rule.id, &[inside]),
    )
}

/// A name for a finding that does not depend on where the artifact lies or on the rest of the report.
pub(crate) fn fingerprint(rule: &str, parts: &[&str]) -> String {
    let mut sha256 = Sha256::new_with_prefix(rule);
    for part in parts {
        sha256.update([0]);
        sha256.update(part);
    }
    sha256.finalize()[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
