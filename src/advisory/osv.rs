//! The parts of an OSV record that matching needs: <https://ossf.github.io/osv-schema/>.
//!
//! Databases differ in what they leave out, so a missing or null field is empty. In the fields that
//! only describe (severities, weaknesses, `database_specific`) anything of another shape is left out
//! as well: it must not cost the advisory. In the fields that decide it is an error.

use jiff::Timestamp;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use crate::advisory::database;
use crate::component::Ecosystem;
use crate::version::{Scheme, Version};

#[derive(Clone, Debug, Deserialize)]
pub struct Record {
    pub id: String,
    /// RFC 3339, always in UTC.
    #[serde(default, deserialize_with = "or_empty")]
    pub modified: String,
    #[serde(default, deserialize_with = "or_empty")]
    withdrawn: String,
    #[serde(default, deserialize_with = "or_empty")]
    pub aliases: Vec<String>,
    #[serde(default, deserialize_with = "or_empty")]
    pub summary: String,
    #[serde(default, deserialize_with = "understood_items")]
    pub severity: Vec<Severity>,
    #[serde(default, deserialize_with = "or_empty")]
    pub affected: Vec<Affected>,
    #[serde(default, deserialize_with = "if_understood")]
    pub database_specific: RecordNotes,
}

/// What tells a record from another, and from an earlier state of it.
#[derive(Clone, Debug, Deserialize)]
pub struct Outline {
    pub id: String,
    #[serde(default, deserialize_with = "or_empty")]
    modified: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Affected {
    #[serde(default, deserialize_with = "or_empty")]
    pub package: Package,
    #[serde(default, deserialize_with = "or_empty")]
    pub ranges: Vec<Range>,
    #[serde(default, deserialize_with = "or_empty")]
    pub versions: Vec<String>,
    #[serde(default, deserialize_with = "understood_items")]
    pub severity: Vec<Severity>,
    #[serde(default, deserialize_with = "if_understood")]
    pub database_specific: AffectedNotes,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Package {
    #[serde(default, deserialize_with = "or_empty")]
    pub ecosystem: String,
    #[serde(default, deserialize_with = "or_empty")]
    pub name: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Range {
    /// `SEMVER`, `ECOSYSTEM`, `GIT`, or what a later schema adds.
    #[serde(default, rename = "type", deserialize_with = "or_empty")]
    pub kind: String,
    #[serde(default, deserialize_with = "or_empty")]
    pub events: Vec<Event>,
}

/// Exactly one field is set.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Event {
    pub introduced: Option<String>,
    pub fixed: Option<String>,
    pub last_affected: Option<String>,
    pub limit: Option<String>,
}

/// A severity under one of several systems; the vector itself says which.
#[derive(Clone, Debug, Deserialize)]
pub struct Severity {
    pub score: String,
}

/// What databases add to a record. `severity` and `cwe_ids` are GitHub's, `cwes` is OpenSSF's.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct RecordNotes {
    #[serde(default, deserialize_with = "if_understood")]
    pub severity: Option<String>,
    #[serde(default, deserialize_with = "understood_items")]
    pub cwe_ids: Vec<Weakness>,
    #[serde(default, deserialize_with = "understood_items")]
    pub cwes: Vec<Weakness>,
}

/// What a record says to people alone.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Prose {
    /// Markdown.
    #[serde(default, deserialize_with = "if_understood")]
    pub details: String,
    /// RFC 3339.
    #[serde(default, deserialize_with = "if_understood")]
    pub published: String,
    /// RFC 3339; empty where the record holds.
    #[serde(default, deserialize_with = "if_understood")]
    pub withdrawn: String,
    #[serde(default, deserialize_with = "understood_items")]
    pub references: Vec<Reference>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Reference {
    /// `ADVISORY`, `FIX`, `WEB` and others.
    #[serde(default, rename = "type", deserialize_with = "if_understood")]
    pub kind: String,
    pub url: String,
}

/// What databases add to an `affected` entry. All but the CWEs are RustSec's.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct AffectedNotes {
    #[serde(default, deserialize_with = "if_understood")]
    pub cvss: Option<String>,
    /// `unmaintained`, `unsound` or `notice`.
    #[serde(default, deserialize_with = "if_understood")]
    pub informational: Option<String>,
    #[serde(default, deserialize_with = "understood_items")]
    pub categories: Vec<String>,
    #[serde(default, deserialize_with = "understood_items")]
    pub cwes: Vec<Weakness>,
}

/// A CWE id, as `CWE-79` or as an object that holds one.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Weakness {
    Id(String),
    Described {
        #[serde(rename = "cweId")]
        id: String,
    },
}

impl Weakness {
    pub fn id(&self) -> &str {
        match self {
            Weakness::Id(id) | Weakness::Described { id } => id,
        }
    }
}

impl Outline {
    /// None where it is no record, whether or not the rest of it can be read.
    pub fn read(json: &[u8]) -> Option<Outline> {
        serde_json::from_slice(json).ok()
    }

    pub fn modified(&self) -> Option<Timestamp> {
        database::sortable(&self.modified)
    }
}

impl Record {
    pub fn is_withdrawn(&self) -> bool {
        !self.withdrawn.is_empty()
    }

    /// The entries about one package. `name` must be [`Ecosystem::comparable_name`]'s.
    pub fn affected_of<'a>(
        &'a self,
        ecosystem: Ecosystem,
        name: &'a str,
    ) -> impl Iterator<Item = &'a Affected> {
        self.affected.iter().filter(move |affected| {
            let package = &affected.package;
            Ecosystem::from_osv(&package.ecosystem) == Some(ecosystem)
                && ecosystem.comparable_name(&package.name) == name
        })
    }

    /// Writes all versions that are listed as [`Version::canonical`] does.
    pub fn canonicalize_versions(&mut self) {
        for affected in &mut self.affected {
            affected.canonicalize_versions();
        }
    }
}

impl Affected {
    pub fn canonicalize_versions(&mut self) {
        let scheme = Scheme::of_osv(&self.package.ecosystem);
        for version in &mut self.versions {
            let canonical = Version::canonical(scheme, version);
            if canonical != *version {
                *version = canonical.into_owned();
            }
        }
    }
}

fn or_empty<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Lenient<T> {
    Understood(T),
    Other(IgnoredAny),
}

impl<T> Lenient<T> {
    fn understood(self) -> Option<T> {
        match self {
            Lenient::Understood(value) => Some(value),
            Lenient::Other(_) => None,
        }
    }
}

fn if_understood<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Lenient::deserialize(deserializer).map(|value| value.understood().unwrap_or_default())
}

fn understood_items<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let items: Vec<Lenient<T>> = if_understood(deserializer)?;
    Ok(items.into_iter().filter_map(Lenient::understood).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(value: serde_json::Value) -> Record {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn nulls_unknown_fields_and_odd_descriptions_cost_nothing() {
        let record = record(json!({
            "id": "X-1", "aliases": null, "severity": "HIGH", "withdrawn": null, "new": {"a": []},
            "database_specific": {"severity": 7, "cwe_ids": ["CWE-79", 5], "cwes": [{"cweId": "CWE-22", "name": "x"}]},
            "affected": [
                {"package": null},
                {"package": {"ecosystem": "npm", "name": "a", "purl": null}, "versions": null,
                 "ranges": [{"type": "LUNAR", "events": null}, {"events": [{"introduced": "0", "x": 1}]}],
                 "database_specific": "none", "severity": [{"type": "CVSS_V9", "score": null}, {"score": "s"}]}
            ]
        }));
        assert!(record.aliases.is_empty() && record.severity.is_empty());
        assert!(!record.is_withdrawn());
        let notes = &record.database_specific;
        assert_eq!(notes.severity, None);
        let ids = notes.cwe_ids.iter().chain(&notes.cwes).map(Weakness::id);
        assert_eq!(ids.collect::<Vec<_>>(), ["CWE-79", "CWE-22"]);
        let affected: Vec<_> = record.affected_of(Ecosystem::Npm, "a").collect();
        assert_eq!(affected.len(), 1);
        assert_eq!(affected[0].ranges[0].kind, "LUNAR");
        assert_eq!(
            affected[0].ranges[1].events[0].introduced.as_deref(),
            Some("0")
        );
        assert_eq!(affected[0].severity.len(), 1);
    }

    #[test]
    fn a_deciding_field_of_the_wrong_shape_is_an_error() {
        for affected in [
            json!({"versions": "1.0"}),
            json!({"ranges": [{"type": "SEMVER", "events": [{"fixed": 2}]}]}),
        ] {
            let value = json!({"id": "X-1", "affected": [affected]});
            assert!(serde_json::from_value::<Record>(value).is_err());
        }
        assert!(serde_json::from_value::<Record>(json!({"affected": []})).is_err());
    }

    #[test]
    fn packages_are_compared_as_their_ecosystem_does() {
        let package = |ecosystem, name| json!({"package": {"ecosystem": ecosystem, "name": name}});
        let record = record(json!({"id": "X-1", "affected": [
            package("PyPI", "Ruamel.YAML"), package("PyPI:x", "ruamel_yaml"),
            package("npm", "ruamel-yaml"), package("npm", "Ruamel-yaml"), package("Lunar", "ruamel-yaml"),
        ]}));
        assert_eq!(
            record.affected_of(Ecosystem::PyPi, "ruamel-yaml").count(),
            2
        );
        assert_eq!(record.affected_of(Ecosystem::Npm, "ruamel-yaml").count(), 1);
        assert_eq!(record.affected_of(Ecosystem::Go, "ruamel-yaml").count(), 0);
    }
}
