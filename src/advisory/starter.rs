//! The advisories that every fnaudit carries: facts about the packages that functions use most.
//!
//! `advisories/README.md` names their sources; `tools/starter.py` writes the files.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

use crate::advisory::compiled::{Advisories, Advisory};
use crate::advisory::database::{self, DatabaseInfo, DatabaseKind, FoundPackage};
use crate::advisory::osv::Record;
use crate::component::Ecosystem;

/// One OSV record a line.
const FILES: [(Ecosystem, &str); 4] = [
    (Ecosystem::Npm, include_str!("../../advisories/npm.jsonl")),
    (Ecosystem::PyPi, include_str!("../../advisories/PyPI.jsonl")),
    (
        Ecosystem::CratesIo,
        include_str!("../../advisories/crates.io.jsonl"),
    ),
    (Ecosystem::Go, include_str!("../../advisories/Go.jsonl")),
];

/// Which lines name a package; a line is read whole only when its package is asked for.
pub struct Starter {
    info: DatabaseInfo,
    packages: HashMap<Ecosystem, HashMap<String, Vec<&'static str>>>,
}

#[derive(Deserialize)]
struct Outline<'a> {
    modified: &'a str,
    affected: Vec<AffectedOutline>,
}

#[derive(Deserialize)]
struct AffectedOutline {
    package: PackageOutline,
}

#[derive(Deserialize)]
struct PackageOutline {
    name: String,
}

impl Starter {
    pub fn load() -> Starter {
        let mut packages: HashMap<_, HashMap<String, Vec<&str>>> = HashMap::new();
        let mut ecosystems = BTreeMap::new();
        let mut newest = "";
        for (ecosystem, file) in FILES {
            let named = packages.entry(ecosystem).or_default();
            for line in file.lines() {
                // The files are this project's own, and its tests read every line.
                let Ok(outline) = serde_json::from_str::<Outline>(line) else {
                    continue;
                };
                *ecosystems.entry(ecosystem.to_string()).or_default() += 1;
                if database::sortable(newest) < database::sortable(outline.modified) {
                    newest = outline.modified;
                }
                for affected in outline.affected {
                    let name = ecosystem.comparable_name(&affected.package.name);
                    let lines = named.entry(name).or_default();
                    if lines.last() != Some(&line) {
                        lines.push(line);
                    }
                }
            }
        }
        let info = DatabaseInfo {
            kind: DatabaseKind::Starter,
            advisories: ecosystems.values().sum(),
            updated: Some(newest.to_owned()),
            ecosystems,
        };
        Starter { info, packages }
    }

    pub fn info(&self) -> DatabaseInfo {
        self.info.clone()
    }

    /// The lines that name the package. `name` must be [`Ecosystem::comparable_name`]'s.
    fn records(&self, ecosystem: Ecosystem, name: &str) -> impl Iterator<Item = Record> {
        let lines = self.packages.get(&ecosystem).and_then(|p| p.get(name));
        let lines = lines.into_iter().flatten();
        lines.filter_map(|line| {
            let mut record: Record = serde_json::from_str(line).ok()?;
            record.canonicalize_versions();
            Some(record)
        })
    }

    /// The records of this id, or that have it as an alias, without regard to case.
    pub fn show(&self, id: &str) -> Vec<Vec<u8>> {
        let is_asked = |line: &&str| {
            serde_json::from_str::<Record>(line).is_ok_and(|record| {
                let mut ids = record.aliases.iter().chain([&record.id]);
                ids.any(|known| known.eq_ignore_ascii_case(id))
            })
        };
        let lines = FILES.iter().flat_map(|(_, file)| file.lines());
        lines
            .filter(is_asked)
            .map(|line| line.as_bytes().to_owned())
            .collect()
    }

    /// The packages whose names contain the text, which is in lower case.
    pub fn search(&self, text: &str) -> Vec<FoundPackage> {
        let mut found = Vec::new();
        for (&ecosystem, packages) in &self.packages {
            for name in packages.keys() {
                if name.to_lowercase().contains(text)
                    && let Ok(advisories) = self.advisories(ecosystem, name).decode()
                {
                    found.push(FoundPackage::new(ecosystem.as_str(), name, &advisories));
                }
            }
        }
        found.sort_by(|a, b| (&a.ecosystem, &a.name).cmp(&(&b.ecosystem, &b.name)));
        found
    }

    /// `name` must be [`Ecosystem::comparable_name`]'s.
    pub fn advisories(&self, ecosystem: Ecosystem, name: &str) -> Advisories<'static> {
        let mut encoded = Vec::new();
        for record in self.records(ecosystem, name) {
            let affected: Vec<_> = record.affected_of(ecosystem, name).collect();
            // Encoding into memory fails for nothing that a record can hold.
            let _ = Advisory::new(&record, &affected).encode(&mut encoded);
        }
        Advisories::new(encoded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_record_of_facts_about_its_ecosystem() {
        let prose = ["summary", "details", "credits", "references"];
        let mut lines = 0;
        for (ecosystem, file) in FILES {
            for line in file.lines() {
                let value: serde_json::Value = serde_json::from_str(line).unwrap();
                assert!(
                    prose.iter().all(|field| value.get(field).is_none()),
                    "{line}"
                );
                let record: Record = serde_json::from_str(line).unwrap();
                assert!(
                    !record.affected.is_empty() && !record.is_withdrawn(),
                    "{line}"
                );
                assert!(database::past(&record.modified).is_some(), "{line}");
                for affected in &record.affected {
                    assert_eq!(affected.package.ecosystem, ecosystem.as_str());
                    assert!(
                        !affected.ranges.is_empty() || !affected.versions.is_empty(),
                        "{line}"
                    );
                }
                lines += 1;
            }
        }
        let info = Starter::load().info;
        assert_eq!((info.advisories, info.ecosystems.len()), (lines, 4));
        assert!(
            info.updated
                .is_some_and(|updated| database::past(&updated).is_some())
        );
        assert!((600..2_000).contains(&lines));
    }

    #[test]
    fn it_stays_small_enough_to_be_carried() {
        let bytes: usize = FILES.iter().map(|(_, file)| file.len()).sum();
        assert!(bytes < 600 * 1024, "{bytes} bytes");
    }

    #[test]
    fn it_knows_the_packages_that_functions_use() {
        let starter = Starter::load();
        for (ecosystem, name) in [
            (Ecosystem::Npm, "lodash"),
            (Ecosystem::Npm, "axios"),
            (Ecosystem::PyPi, "requests"),
            (Ecosystem::PyPi, "jinja2"),
            (Ecosystem::CratesIo, "hyper"),
            (Ecosystem::CratesIo, "openssl"),
            (Ecosystem::Go, "stdlib"),
            (Ecosystem::Go, "golang.org/x/net"),
        ] {
            let encoded = starter.advisories(ecosystem, name);
            let advisories = encoded.decode().unwrap();
            assert!(!advisories.is_empty(), "{name}");
            let about = |advisory: &Advisory| !advisory.affected.is_empty();
            assert!(advisories.iter().all(about), "{name}");
        }
        let none = starter.advisories(Ecosystem::Go, "lodash");
        assert!(none.decode().unwrap().is_empty());
    }
}
