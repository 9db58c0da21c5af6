//! Which advisories a component meets, and which version is free of them.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};

use crate::advisory::compiled::Advisory;
use crate::advisory::database::{Database, DatabaseError};
use crate::advisory::range::{self, AffectedVersions, PackageVersion};
use crate::advisory::severity::{self, Assessment, Score};
use crate::advisory::title::{self, Title};
use crate::component::{Ecosystem, Upgrade};
use crate::finding::{Certainty, Severity, SeveritySource};
use crate::text::{percent_encoded, visible};
use crate::version::set::VersionSet;

/// Everything the database knows of one version of a package.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matches {
    /// Worst first.
    pub findings: Vec<Match>,
    /// `None` where nothing was found or nothing helps.
    pub upgrade: Option<Upgrade>,
}

/// One vulnerability, however many databases describe it.
#[derive(Clone, Debug, PartialEq)]
pub struct Match {
    pub id: String,
    /// Its other ids, sorted.
    pub aliases: Vec<String>,
    pub title: String,
    /// Possible where none of its records is sure that the version is affected.
    pub certainty: Certainty,
    /// The highest that any of its records states.
    pub severity: Severity,
    pub severity_source: SeveritySource,
    pub cvss: Option<Score>,
    /// CWE ids, sorted.
    pub cwes: Vec<String>,
    pub malware: bool,
    pub url: String,
    /// The lowest version above the component's that this vulnerability does not affect.
    pub fixed: Option<String>,
}

/// `version` is as the component states it; one that has no place in its ecosystem's order can still
/// be listed by an advisory.
pub fn match_component(
    database: &Database,
    ecosystem: Ecosystem,
    name: &str,
    version: &str,
) -> Result<Matches, DatabaseError> {
    let encoded = database.advisories(ecosystem, name)?;
    let advisories = database.decode(&encoded)?;
    Ok(match_advisories(
        &advisories,
        ecosystem,
        name,
        &PackageVersion::new(ecosystem, version),
    ))
}

/// The same with the package's advisories at hand, for a package of many versions.
pub fn match_advisories(
    advisories: &[Advisory],
    ecosystem: Ecosystem,
    name: &str,
    current: &PackageVersion,
) -> Matches {
    let name = ecosystem.normalize_name(name);
    let advisories: Vec<Candidate> = advisories
        .iter()
        .map(|advisory| Candidate::new(advisory, ecosystem))
        .collect();
    let affecting = |advisory: &&Candidate| advisory.certainty(current).is_some();
    let matched: Vec<&Candidate> = advisories.iter().filter(affecting).collect();
    if matched.is_empty() {
        return Matches::default();
    }
    let groups = group_by_alias(&matched);
    let newer = newer_fixed_versions(&advisories, current, ecosystem);
    let mut findings: Vec<Match> = groups
        .iter()
        .map(|group| describe(group, &name, current, &newer))
        .collect();
    findings.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.id.cmp(&b.id)));
    let upgrade = best_upgrade(&groups, &advisories, current, &newer);
    Matches { findings, upgrade }
}

/// An advisory with the versions that it affects.
struct Candidate<'a> {
    advisory: &'a Advisory<'a>,
    versions: Vec<AffectedVersions<'a>>,
    /// The versions that it surely affects, and those that it may, where a range is asked about.
    sets: OnceCell<(VersionSet, VersionSet)>,
}

impl<'a> Candidate<'a> {
    fn new(advisory: &'a Advisory<'a>, ecosystem: Ecosystem) -> Self {
        let affected = advisory.affected.iter();
        Candidate {
            advisory,
            versions: affected
                .map(|affected| AffectedVersions::new(affected, ecosystem))
                .collect(),
            sets: OnceCell::new(),
        }
    }

    /// How surely it affects the version, if it does.
    fn certainty(&self, version: &PackageVersion) -> Option<Certainty> {
        if let Some(possible) = version.possible() {
            let set = |least| VersionSet::union(self.versions.iter().map(|v| v.set(least)));
            let (surely, perhaps) = self
                .sets
                .get_or_init(|| (set(Certainty::Certain), set(Certainty::Possible)));
            return if surely.covers(possible) {
                Some(Certainty::Certain)
            } else {
                perhaps.meets(possible).then_some(Certainty::Possible)
            };
        }
        let entries = self.versions.iter();
        entries
            .filter_map(|versions| versions.certainty(version))
            .max()
    }

    fn ids(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.advisory
            .aliases
            .iter()
            .chain([&self.advisory.id])
            .copied()
    }
}

/// Puts the advisories together that share an id or an alias, directly or through others.
fn group_by_alias<'m>(matched: &[&'m Candidate<'m>]) -> Vec<Vec<&'m Candidate<'m>>> {
    let mut parents: Vec<usize> = (0..matched.len()).collect();
    let mut owners: HashMap<&str, usize> = HashMap::new();
    for (i, advisory) in matched.iter().enumerate() {
        for id in advisory.ids() {
            let owner = *owners.entry(id).or_insert(i);
            let (a, b) = (root(&mut parents, owner), root(&mut parents, i));
            // The first of a group stays its root, so that groups keep the order of the records.
            parents[a.max(b)] = a.min(b);
        }
    }
    let mut groups: Vec<Vec<&Candidate>> = vec![Vec::new(); matched.len()];
    for (i, advisory) in matched.iter().enumerate() {
        groups[root(&mut parents, i)].push(advisory);
    }
    groups.retain(|group| !group.is_empty());
    groups
}

fn root(parents: &mut [usize], mut i: usize) -> usize {
    while parents[i] != i {
        parents[i] = parents[parents[i]];
        i = parents[i];
    }
    i
}

/// Every version that any advisory of the package calls fixed and that is above the current one, or may be, lowest first.
fn newer_fixed_versions<'a>(
    advisories: &[Candidate<'a>],
    current: &PackageVersion,
    ecosystem: Ecosystem,
) -> Vec<PackageVersion<'a>> {
    let affected = advisories
        .iter()
        .flat_map(|candidate| &candidate.advisory.affected);
    let mut newer: Vec<PackageVersion> = affected
        .flat_map(|affected| range::fixed_versions(affected))
        .map(|text| PackageVersion::new(ecosystem, published(text, ecosystem)))
        .filter(|fixed| {
            fixed
                .parsed()
                .is_some_and(|fixed| current.may_be_below(fixed))
        })
        .collect();
    newer.sort_by(|a, b| (a.parsed(), a.text()).cmp(&(b.parsed(), b.text())));
    newer.dedup_by(|a, b| a.parsed() == b.parsed());
    newer
}

/// The version to install: RustSec and Go end a range before the first pre-release of a version by
/// writing `1.2.0-0`, which nobody publishes.
fn published(fixed: &str, ecosystem: Ecosystem) -> &str {
    let fixed = fixed.trim();
    match ecosystem {
        Ecosystem::CratesIo | Ecosystem::Go => fixed.strip_suffix("-0").unwrap_or(fixed),
        _ => fixed,
    }
}

/// How surely any of the advisories affects the version.
fn certainty(advisories: &[&Candidate], version: &PackageVersion) -> Option<Certainty> {
    advisories.iter().filter_map(|a| a.certainty(version)).max()
}

/// Whether the version is free of what affects the current one. What certainly affects that need only be
/// less sure: otherwise one record with a range that cannot be read would hide the fix that others know. Of a
/// current version that is known in part, what may lie above must be free of it too.
fn is_fixed(group: &[&Candidate], current: &PackageVersion, version: &PackageVersion) -> bool {
    let now = certainty(group, current);
    let above = version.parsed().and_then(|version| current.from(version));
    certainty(group, version) < now && above.is_none_or(|above| certainty(group, &above) < now)
}

fn best_upgrade(
    groups: &[Vec<&Candidate>],
    all: &[Candidate],
    current: &PackageVersion,
    newer: &[PackageVersion],
) -> Option<Upgrade> {
    let fixes = |version: &PackageVersion| {
        let fixed = groups.iter().filter(|g| is_fixed(g, current, version));
        fixed.count()
    };
    let certain = |version: &PackageVersion| {
        all.iter()
            .any(|a| a.certainty(version) == Some(Certainty::Certain))
    };
    let clean = |version: &&PackageVersion| !certain(version) && fixes(version) == groups.len();
    if let Some(version) = newer.iter().find(clean) {
        return Some(Upgrade {
            version: visible(version.text()).into_owned(),
            fixes_all: true,
            fixes: groups.len(),
        });
    }
    // Of equals `max_by_key` takes the last, so the lowest goes last.
    let (fixes, version) = newer
        .iter()
        .rev()
        .map(|v| (fixes(v), v))
        .max_by_key(|(n, _)| *n)?;
    (fixes > 0).then(|| Upgrade {
        version: visible(version.text()).into_owned(),
        fixes_all: false,
        fixes,
    })
}

fn describe(
    group: &[&Candidate],
    package: &str,
    current: &PackageVersion,
    newer: &[PackageVersion],
) -> Match {
    let mut ids: Vec<&str> = group.iter().flat_map(|advisory| advisory.ids()).collect();
    ids.sort_unstable_by_key(|id| (preference(id), *id));
    ids.dedup();
    let id = ids.remove(0);
    ids.sort_unstable();

    let assessments: Vec<Assessment> = group
        .iter()
        .map(|candidate| severity::assess(candidate.advisory))
        .collect();
    let stated = assessments
        .iter()
        .filter_map(|a| Some((a.severity?, a.source)));
    let (severity, severity_source) = stated
        .max()
        .unwrap_or((Severity::Medium, SeveritySource::Default));
    let scores = assessments.into_iter().filter_map(|a| a.score);
    let cwes: BTreeSet<&str> = group
        .iter()
        .flat_map(|candidate| title::cwes(candidate.advisory))
        .collect();
    let malware = |candidate: &&Candidate| severity::is_malware(candidate.advisory);
    let fixed = newer
        .iter()
        .find(|version| is_fixed(group, current, version));
    let shown = |text: &str| visible(text).into_owned();
    Match {
        url: format!("https://osv.dev/vulnerability/{}", percent_encoded(id)),
        id: shown(id),
        aliases: ids.into_iter().map(shown).collect(),
        title: best_title(group, package),
        certainty: certainty(group, current).unwrap_or(Certainty::Possible),
        severity,
        severity_source,
        cvss: scores.max_by(|a, b| a.value.total_cmp(&b.value)),
        cwes: cwes.into_iter().map(str::to_owned).collect(),
        malware: group.iter().any(malware),
        fixed: fixed.map(|version| shown(version.text())),
    }
}

/// The most telling title; of equals that of the record whose id people know best.
fn best_title(group: &[&Candidate], package: &str) -> String {
    let mut group = group.to_vec();
    group.sort_by_key(|candidate| preference(candidate.advisory.id));
    let titles = group
        .iter()
        .map(|candidate| Title::new(package, candidate.advisory));
    // Of equals `max_by_key` takes the last.
    let best = titles.rev().max_by_key(|title| title.source);
    best.map(|title| title.text).unwrap_or_default()
}

/// The id that people know best comes first, so that a finding keeps its name in every database.
fn preference(id: &str) -> usize {
    const PREFIXES: [&[&str]; 3] = [
        &["GHSA-"],
        &["PYSEC-", "RUSTSEC-", "GO-", "MAL-"],
        &["CVE-"],
    ];
    let known = |prefixes: &&[&str]| prefixes.iter().any(|prefix| id.starts_with(prefix));
    PREFIXES.iter().position(known).unwrap_or(PREFIXES.len())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::advisory::import::import;
    use crate::version::requirement;

    /// A database of these npm records, all about the package `left`.
    fn database(records: &[Value]) -> Database {
        let dir = tempfile::tempdir().unwrap();
        for (i, record) in records.iter().enumerate() {
            fs::write(dir.path().join(format!("{i}.json")), record.to_string()).unwrap();
        }
        import(dir.path(), "test", dir.path(), &mut || {}, &mut |_| {}).unwrap();
        Database::open(dir.path()).unwrap().unwrap()
    }

    fn record(id: &str, aliases: &[&str], events: Value) -> Value {
        json!({"id": id, "aliases": aliases, "modified": "2024-01-01T00:00:00Z", "affected": [
            {"package": {"ecosystem": "npm", "name": "left"}, "ranges": [{"type": "SEMVER", "events": events}]}]})
    }

    fn until(fixed: &str) -> Value {
        json!([{"introduced": "0"}, {"fixed": fixed}])
    }

    fn matches(records: &[Value], version: &str) -> Matches {
        match_component(&database(records), Ecosystem::Npm, "left", version).unwrap()
    }

    #[test]
    fn without_a_version_what_is_about_every_version_is_found() {
        let everything = record("MAL-1", &[], json!([{"introduced": "0"}]));
        let database = database(&[everything, record("GHSA-1", &[], until("2.0.0"))]);
        let encoded = database.advisories(Ecosystem::Npm, "left").unwrap();
        let advisories = database.decode(&encoded).unwrap();
        let unknown = PackageVersion::unknown(Ecosystem::Npm);
        let matches = match_advisories(&advisories, Ecosystem::Npm, "left", &unknown);
        assert_eq!(ids(&matches), ["MAL-1 "]);
        assert!(matches.findings[0].malware && matches.upgrade.is_none());
    }

    /// `id certainty fixed` of what is found for a version in the range, and the upgrade.
    fn within(records: &[Value], range: &str) -> (Vec<String>, Option<Upgrade>) {
        let database = database(records);
        let encoded = database.advisories(Ecosystem::Npm, "left").unwrap();
        let advisories = database.decode(&encoded).unwrap();
        let versions = requirement::parse(Ecosystem::Npm, range).unwrap();
        let current = PackageVersion::within(Ecosystem::Npm, versions);
        let matches = match_advisories(&advisories, Ecosystem::Npm, "left", &current);
        let shown = |m: &Match| {
            let fixed = m.fixed.as_deref().unwrap_or("-");
            format!("{} {:?} {fixed}", m.id, m.certainty).to_lowercase()
        };
        let mut found: Vec<String> = matches.findings.iter().map(shown).collect();
        found.sort();
        (found, matches.upgrade)
    }

    #[test]
    fn of_a_range_what_affects_all_of_it_is_certain_and_what_affects_some_is_possible() {
        let between = |from: &str, to: &str| json!([{"introduced": from}, {"fixed": to}]);
        let mut in_two_parts = record("X-6", &[], between("0", "1.5.0"));
        let rest = record("X-6", &[], between("1.5.0", "1.9.0"));
        let parts = in_two_parts["affected"].as_array_mut().unwrap();
        parts.push(rest["affected"][0].clone());
        let records = [
            record("X-1", &[], until("2.0.0")),
            record("X-2", &[], until("1.2.5")),
            record("X-3", &[], until("1.2.0")),
            record("X-4", &[], between("1.9.0", "2.0.0")),
            record("X-5", &[], json!([{"introduced": "1.2.4"}])),
            in_two_parts,
        ];
        let (found, upgrade) = within(&records, "~1.2.3");
        let expected = [
            "x-1 certain 2.0.0",
            "x-2 possible 1.2.5",
            "x-5 possible -",
            "x-6 certain 1.9.0",
        ];
        assert_eq!(found, expected);
        assert_eq!(
            upgrade.map(|u| (u.version, u.fixes)),
            Some(("2.0.0".into(), 3))
        );
        let (found, _) = within(&records, "1.2.3 || 1.2.5");
        let expected = [
            "x-1 certain 2.0.0",
            "x-2 possible 1.2.5",
            "x-5 possible -",
            "x-6 certain 1.9.0",
        ];
        assert_eq!(found, expected);
        let (found, _) = within(&records[..4], "*");
        let expected = [
            "x-1 possible 2.0.0",
            "x-2 possible 1.2.5",
            "x-3 possible 1.2.0",
            "x-4 possible 2.0.0",
        ];
        assert_eq!(found, expected);
        assert_eq!(within(&records, "^0.1").0.len(), 4);
    }

    #[test]
    fn an_upgrade_of_a_range_leaves_nothing_of_it_affected_above() {
        let branches = json!([{"introduced": "0"}, {"fixed": "0.30.0"}, {"introduced": "1.0.0"}, {"fixed": "1.12.0"}]);
        let records = [record("X-1", &[], branches)];
        assert_eq!(within(&records, "*").0, ["x-1 possible 1.12.0"]);
        assert_eq!(within(&records, "^0.29.0").0, ["x-1 certain 0.30.0"]);
        assert_eq!(within(&records, "^0.20 || ^1.2").0, ["x-1 possible 1.12.0"]);
        assert_eq!(within(&records, "^0.30.0").0, Vec::<String>::new());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// What is certain of a range is so of each of its versions, and what affects one of them is found.
        #[test]
        fn a_range_is_matched_as_its_versions_are(
            ends in prop::collection::vec((0u8..6, 0u8..6), 1..4),
            low in 0u8..6,
            high in 0u8..7,
        ) {
            let records: Vec<Value> = ends
                .iter()
                .enumerate()
                .map(|(i, (from, to))| {
                    let events = json!([{"introduced": format!("{from}.0.0")}, {"fixed": format!("{to}.0.0")}]);
                    record(&format!("X-{i}"), &[], events)
                })
                .collect();
            let (found, _) = within(&records, &format!(">={low}.0.0 <{high}.0.0"));
            for version in low..high {
                let exact = ids(&matches(&records, &format!("{version}.5.0")));
                for i in 0..records.len() {
                    let is_affected = exact.contains(&format!("X-{i} "));
                    let said = |what: &str| found.iter().any(|row| row.starts_with(&format!("x-{i} {what}")));
                    prop_assert!(is_affected || !said("certain"));
                    prop_assert!(!is_affected || said(""));
                }
            }
        }
    }

    fn ids(matches: &Matches) -> Vec<String> {
        let all = |m: &Match| format!("{} {}", m.id, m.aliases.join(" "));
        matches.findings.iter().map(all).collect()
    }

    #[test]
    fn records_of_one_vulnerability_are_one_match() {
        let mut related = record("X-9", &[], until("2.0.0"));
        related["related"] = json!(["CVE-1"]);
        let found = matches(
            &[
                record("NSWG-1", &["CVE-1"], until("2.0.0")),
                record("CVE-2", &[], until("2.0.0")),
                record("MAL-1", &["GHSA-a", "CVE-2"], until("2.0.0")),
                record("GHSA-b", &["CVE-1"], until("2.0.0")),
                record("X-8", &["NSWG-1"], until("1.0.0")),
                related,
            ],
            "1.0.0",
        );
        let expected = ["GHSA-a CVE-2 MAL-1", "GHSA-b CVE-1 NSWG-1", "X-9 "];
        assert_eq!(ids(&found), expected);
        assert_eq!(
            found.findings[0].url,
            "https://osv.dev/vulnerability/GHSA-a"
        );
    }

    #[test]
    fn what_an_advisory_says_is_safe_to_show() {
        let mut hostile = record("X/1 ?\u{1b}[2J", &["A\nB"], until(" 2.0.0+\u{202e}\n"));
        hostile["database_specific"] = json!({"cwe_ids": ["CWE-22\n", "CWE-22"]});
        let found = matches(&[hostile], "1.0.0");
        let [finding] = &found.findings[..] else {
            panic!("{found:?}");
        };
        assert_eq!(finding.id, "A\\nB");
        assert_eq!(finding.url, "https://osv.dev/vulnerability/A%0AB");
        assert_eq!(finding.aliases, ["X/1 ?\\u{1b}[2J"]);
        assert_eq!(finding.cwes, ["CWE-22"]);
        assert_eq!(finding.fixed.as_deref(), Some("2.0.0+\\u{202e}"));
        assert_eq!(percent_encoded("../é"), "..%2F%C3%A9");
    }

    #[test]
    fn groups_that_meet_late_become_one() {
        let records = [
            record("X-1", &["A"], until("2.0.0")),
            record("X-2", &["B"], until("2.0.0")),
            record("X-3", &["C"], until("2.0.0")),
            record("X-4", &["C", "B", "A"], until("2.0.0")),
        ];
        assert_eq!(ids(&matches(&records, "1.0.0")), ["A B C X-1 X-2 X-3 X-4"]);
        assert_eq!(ids(&matches(&records[..3], "1.0.0")).len(), 3);
    }

    #[test]
    fn the_worst_word_of_a_group_counts_and_the_worst_finding_comes_first() {
        let mut high = record("X-1", &["CVE-1"], until("2.0.0"));
        high["severity"] = json!([{"score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"}]);
        high["database_specific"] = json!({"cwe_ids": ["CWE-22", "CWE-20"]});
        let mut critical = record("X-2", &["CVE-1"], until("2.0.0"));
        critical["database_specific"] = json!({"severity": "CRITICAL", "cwe_ids": ["CWE-22"]});
        let found = matches(
            &[record("X-0", &[], until("2.0.0")), high, critical],
            "1.0.0",
        );
        let [first, second] = &found.findings[..] else {
            panic!("{found:?}");
        };
        assert_eq!(
            (first.severity, first.severity_source),
            (Severity::Critical, SeveritySource::Database)
        );
        assert_eq!(first.cvss.as_ref().map(|score| score.value), Some(7.5));
        assert_eq!(first.cwes, ["CWE-20", "CWE-22"]);
        assert_eq!(first.title, "Path traversal in left");
        assert_eq!(
            (second.severity, second.severity_source),
            (Severity::Medium, SeveritySource::Default)
        );
        assert_eq!(second.title, "Known vulnerability in left");
        assert!(!first.malware && !second.malware);
    }

    #[test]
    fn a_group_is_named_by_its_most_telling_record() {
        let mut ghsa = record("GHSA-a", &["CVE-1"], until("2.0.0"));
        let mut osv = record("X-1", &["CVE-1"], until("2.0.0"));
        let title = |records: &[&Value]| {
            let records: Vec<Value> = records.iter().copied().cloned().collect();
            matches(&records, "1.0.0").findings[0].title.clone()
        };
        assert_eq!(title(&[&osv, &ghsa]), "Known vulnerability in left");
        ghsa["database_specific"] = json!({"cwe_ids": ["CWE-22"]});
        assert_eq!(title(&[&osv, &ghsa]), "Path traversal in left");
        osv["summary"] = json!("Left is wrong");
        assert_eq!(title(&[&ghsa, &osv]), "Left is wrong");
        ghsa["summary"] = json!("Left leaks files");
        assert_eq!(title(&[&ghsa, &osv]), "Left leaks files");
        assert_eq!(title(&[&osv, &ghsa]), "Left leaks files");
    }

    #[test]
    fn a_vulnerability_is_as_sure_as_the_surest_of_its_records() {
        let records = [
            record("X-1", &["CVE-1"], until("next")),
            record("X-2", &["CVE-1"], until("2.0.0")),
        ];
        let certainties = |version| {
            let found = matches(&records, version).findings;
            found.iter().map(|f| f.certainty).collect::<Vec<_>>()
        };
        assert_eq!(certainties("1.0.0"), [Certainty::Certain]);
        assert_eq!(certainties("2.0.0"), [Certainty::Possible]);
        let found = matches(&records, "1.0.0");
        assert_eq!(found.findings[0].fixed.as_deref(), Some("2.0.0"));
        assert!(found.upgrade.is_some_and(|upgrade| upgrade.fixes_all));
        let unreadable = [records[0].clone(), record("X-3", &[], until("3.0.0"))];
        let found = matches(&unreadable, "1.0.0");
        assert_eq!(found.findings[0].fixed, None);
        assert!(found.upgrade.is_some_and(|upgrade| !upgrade.fixes_all));
    }

    #[test]
    fn malware_is_told_from_vulnerabilities() {
        let found = matches(
            &[record("MAL-2024-1", &[], json!([{"introduced": "0"}]))],
            "1.0.0",
        );
        let [malware] = &found.findings[..] else {
            panic!("{found:?}");
        };
        assert!(malware.malware);
        assert_eq!(
            (malware.severity, malware.fixed.as_deref()),
            (Severity::Critical, None)
        );
        assert_eq!(malware.title, "Malicious code in left");
        assert_eq!(found.upgrade, None);
    }

    #[test]
    fn fixed_is_the_nearest_version_that_no_record_of_the_group_affects() {
        let branches = json!([{"introduced": "0"}, {"fixed": "1.5.0"}, {"introduced": "2.0.0"}, {"fixed": "2.5.0"}]);
        let records = [
            record("X-1", &["CVE-1"], branches),
            // Another database knows that the first fix was not enough.
            record("X-2", &["CVE-1"], until("1.6.0")),
        ];
        let fixed = |version| {
            matches(&records, version).findings[0]
                .fixed
                .clone()
                .unwrap()
        };
        assert_eq!(fixed("1.0.0"), "1.6.0");
        assert_eq!(fixed("1.5.0"), "1.6.0");
        assert_eq!(fixed("2.1.0"), "2.5.0");
    }

    #[test]
    fn the_upgrade_fixes_everything_and_brings_nothing() {
        let regression = json!([{"introduced": "1.3.0"}, {"fixed": "1.4.0"}]);
        let records = [
            record("X-1", &[], until("1.2.0")),
            record("X-2", &[], until("1.3.0")),
            record("X-3", &[], regression),
        ];
        let found = matches(&records, "1.0.0");
        let upgrade = Upgrade {
            version: "1.4.0".into(),
            fixes_all: true,
            fixes: 2,
        };
        assert_eq!(found.upgrade, Some(upgrade));
        assert_eq!(found.findings[1].fixed.as_deref(), Some("1.3.0"));
        assert_eq!(matches(&records, "1.4.0"), Matches::default());
    }

    #[test]
    fn where_nothing_fixes_everything_the_upgrade_fixes_the_most() {
        let found = matches(
            &[
                record("X-1", &[], until("1.2.0")),
                record("X-2", &[], until("1.3.0")),
                record("X-3", &[], until("1.3")),
                record("X-4", &[], json!([{"introduced": "0"}])),
                record(
                    "X-5",
                    &[],
                    json!([{"introduced": "5.0.0"}, {"fixed": "5.1.0"}]),
                ),
            ],
            "1.0.0",
        );
        let upgrade = Upgrade {
            version: "1.3".into(),
            fixes_all: false,
            fixes: 3,
        };
        assert_eq!(found.upgrade, Some(upgrade));
        assert_eq!(found.findings[3].fixed, None);
    }

    #[test]
    fn a_bound_that_nobody_publishes_is_not_recommended() {
        let mut rust = record("RUSTSEC-1", &[], until("0.3.1-0"));
        rust["affected"][0]["package"]["ecosystem"] = json!("crates.io");
        let found =
            match_component(&database(&[rust]), Ecosystem::CratesIo, "left", "0.1.0").unwrap();
        assert_eq!(found.findings[0].fixed.as_deref(), Some("0.3.1"));
    }

    #[test]
    fn a_version_without_an_order_matches_what_lists_it() {
        let mut listed = record("X-1", &[], until("2.0.0"));
        listed["affected"][0]["versions"] = json!(["nightly"]);
        let records = [listed, record("X-2", &[], until("2.0.0"))];
        let found = matches(&records, "nightly");
        assert_eq!(ids(&found), ["X-1 "]);
        assert_eq!(
            (found.findings[0].fixed.clone(), found.upgrade),
            (None, None)
        );
    }

    #[test]
    fn names_are_compared_as_the_ecosystem_does() {
        let mut python = record("PYSEC-1", &[], until("2.0.0"));
        python["affected"][0]["package"] = json!({"ecosystem": "PyPI", "name": "left-pad"});
        let database = database(&[python]);
        let count = |ecosystem, name| {
            match_component(&database, ecosystem, name, "1.0")
                .unwrap()
                .findings
                .len()
        };
        assert_eq!(count(Ecosystem::PyPi, "Left_Pad"), 1);
        assert_eq!(count(Ecosystem::Npm, "left-pad"), 0);
    }

    #[test]
    fn the_starter_set_answers_too() {
        let starter = Database::starter();
        let found = match_component(&starter, Ecosystem::Npm, "minimist", "0.0.8").unwrap();
        assert_eq!(found.findings[0].title, "Prototype pollution in minimist");
        assert!(found.upgrade.is_some_and(|upgrade| upgrade.fixes_all));
        let go = match_component(&starter, Ecosystem::Go, "stdlib", "go1.16").unwrap();
        assert!(go.findings.len() > 50);
    }
}
