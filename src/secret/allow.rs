//! What a user says is no finding.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use regex::bytes::{RegexBuilder, RegexSet, RegexSetBuilder};
use serde::Deserialize;

use super::rules::{RuleError, RuleRef};
use super::special;

/// `[secrets.allow]`: what any of these holds for is left out.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AllowSpec {
    /// Globs of paths within an archive, such as `tests/**`.
    pub paths: Vec<String>,
    /// Ids of rules.
    pub rules: Vec<String>,
    /// As [`super::ObservedSecret::fingerprint`] writes them.
    pub fingerprints: Vec<String>,
    /// Regular expressions that the value of a secret has a match of.
    pub values: Vec<String>,
}

#[derive(Debug, Default)]
pub struct Allow {
    paths: GlobSet,
    rules: Vec<String>,
    fingerprints: Vec<String>,
    values: RegexSet,
}

impl Allow {
    pub fn new(spec: AllowSpec, known: &[RuleRef]) -> Result<Self, RuleError> {
        for id in &spec.rules {
            let is_known = known.iter().any(|rule| rule.id == *id);
            if !is_known && !special::RULES.iter().any(|rule| rule.id == *id) {
                let why = "there is no rule of that id".to_owned();
                return Err(wrong("rule", id, why));
            }
        }
        let mut paths = GlobSetBuilder::new();
        for path in &spec.paths {
            let glob = GlobBuilder::new(path).literal_separator(true).build();
            paths.add(glob.map_err(|error| wrong("path", path, error.to_string()))?);
        }
        let paths = paths
            .build()
            .map_err(|error| wrong("paths", "", error.to_string()))?;
        for (index, value) in spec.values.iter().enumerate() {
            // Neither the expression nor the error, which quotes it: people write secrets here.
            let parsed = RegexBuilder::new(value).unicode(false).build();
            parsed.map_err(|_| {
                let why = "is no regular expression, or a very large one".to_owned();
                wrong("values", &format!("number {}", index + 1), why)
            })?;
        }
        let values = RegexSetBuilder::new(&spec.values)
            .unicode(false)
            .build()
            .map_err(|_| wrong("values", "", "they are too many".to_owned()))?;
        Ok(Allow {
            paths,
            rules: spec.rules,
            fingerprints: spec.fingerprints,
            values,
        })
    }

    pub fn path(&self, path: &str) -> bool {
        self.paths.is_match(path)
    }

    pub fn rule(&self, id: &str) -> bool {
        self.rules.iter().any(|rule| rule == id)
    }

    pub fn value(&self, value: &[u8]) -> bool {
        self.values.is_match(value)
    }

    pub fn fingerprint(&self, fingerprint: &str) -> bool {
        self.fingerprints.iter().any(|f| f == fingerprint)
    }
}

fn wrong(what: &'static str, text: &str, why: String) -> RuleError {
    RuleError::Allow {
        what,
        text: text.to_owned(),
        why,
    }
}
