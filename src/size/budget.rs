//! What the user allows, `[size]` in `fnaudit.toml`, and what an earlier report says.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::rules;
use super::{Amount, ComponentSize};
use crate::artifact::Artifact;
use crate::assess::fingerprint;
use crate::finding::{EntryPath, Finding, Location};
use crate::text::{parse_size, size};

/// What a deployment may take.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Budget {
    /// Unpacked bytes of the function and its layers.
    pub max_unpacked: Option<Bytes>,
    /// Bytes of the archives, of all of them together.
    pub max_packed: Option<Bytes>,
    /// Over the report of `--baseline`: of all of it, and of each component.
    pub max_growth: Option<Growing>,
    /// Unpacked bytes by the names of components.
    pub components: BTreeMap<String, Bytes>,
}

/// A number of bytes, or a text with a unit: `512MiB`, `"5 MB"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bytes(pub u64);

#[derive(Deserialize)]
#[serde(untagged)]
enum NumberOrText {
    Number(u64),
    Text(String),
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match NumberOrText::deserialize(deserializer)? {
            NumberOrText::Number(bytes) => Ok(Bytes(bytes)),
            NumberOrText::Text(text) => parse_size(&text)
                .map(Bytes)
                .map_err(|why| D::Error::custom(format!("`{text}` {why}"))),
        }
    }
}

/// How much something may grow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Growing {
    Bytes(u64),
    Percent(f64),
}

impl<'de> Deserialize<'de> for Growing {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match NumberOrText::deserialize(deserializer)? {
            NumberOrText::Number(bytes) => return Ok(Growing::Bytes(bytes)),
            NumberOrText::Text(text) => text,
        };
        let wrong = || {
            D::Error::custom(format!(
                "`{text}` is neither a size nor a percentage; write it as \"2 MB\" or \"5 %\""
            ))
        };
        match text.strip_suffix('%') {
            Some(number) => match number.trim().parse::<f64>() {
                Ok(percent) if percent.is_finite() && percent >= 0.0 => {
                    Ok(Growing::Percent(percent))
                }
                _ => Err(wrong()),
            },
            None => parse_size(&text).map(Growing::Bytes).map_err(|_| wrong()),
        }
    }
}

impl fmt::Display for Growing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Growing::Bytes(bytes) => f.write_str(&size(*bytes)),
            Growing::Percent(percent) => write!(f, "{percent} %"),
        }
    }
}

impl Growing {
    fn allows(self, before: u64, now: u64) -> bool {
        let grown = now.saturating_sub(before);
        match self {
            Growing::Bytes(bytes) => grown <= bytes,
            Growing::Percent(percent) => grown as f64 <= before as f64 * percent / 100.0,
        }
    }
}

/// The sizes of an earlier report.
#[derive(Clone, Debug, Default)]
pub struct Baseline {
    deployments: Vec<EarlierSizes>,
}

#[derive(Deserialize)]
struct EarlierReport {
    #[serde(default)]
    sizes: Vec<EarlierSizes>,
}

#[derive(Clone, Debug, Deserialize)]
struct EarlierSizes {
    artifacts: Vec<String>,
    total: EarlierAmount,
    components: Vec<EarlierComponent>,
}

#[derive(Clone, Debug, Deserialize)]
struct EarlierAmount {
    unpacked_bytes: u64,
}

#[derive(Clone, Debug, Deserialize)]
struct EarlierComponent {
    purl: String,
    name: String,
    unpacked_bytes: u64,
}

/// How a deployment has grown.
#[derive(Debug, Serialize)]
pub struct Growth {
    pub total: Change,
    /// Components that are larger or smaller than they were, those that grew most first.
    pub components: Vec<Change>,
}

/// Unpacked bytes before and now.
#[derive(Debug, Serialize)]
pub struct Change {
    /// Of a component.
    pub name: Option<String>,
    pub before_bytes: u64,
    pub now_bytes: u64,
}

impl Baseline {
    /// Reads a report that was written with `--format json`.
    pub fn parse(json: &[u8]) -> Result<Self, String> {
        let report: EarlierReport = serde_json::from_slice(json)
            .map_err(|error| format!("is not a JSON report of fnaudit: {error}"))?;
        if report.sizes.is_empty() {
            return Err("has no sizes; write it with `fnaudit size --format json`".into());
        }
        Ok(Baseline {
            deployments: report.sizes,
        })
    }

    /// The deployment of the same artifacts, wherever those lie; the only one there is if it has other names.
    fn earlier(&self, artifacts: &[Artifact]) -> Option<&EarlierSizes> {
        let name = |path: &str| path.rsplit(['/', '\\']).next().map(str::to_owned);
        let names: Vec<_> = artifacts
            .iter()
            .map(|artifact| name(&artifact.path))
            .collect();
        let is_same = |earlier: &&EarlierSizes| {
            earlier
                .artifacts
                .iter()
                .map(|path| name(path))
                .eq(names.clone())
        };
        let same = self.deployments.iter().find(is_same);
        same.or(match &self.deployments[..] {
            [only] => Some(only),
            _ => None,
        })
    }

    pub(super) fn growth(
        &self,
        artifacts: &[Artifact],
        total: &Amount,
        components: &[ComponentSize],
    ) -> Option<Growth> {
        let earlier = self.earlier(artifacts)?;
        // By their names: a new version is the same component.
        let mut sizes: BTreeMap<(&str, &str), (u64, u64)> = BTreeMap::new();
        for row in &earlier.components {
            let before = &mut sizes.entry((kind(&row.purl), &row.name)).or_default().0;
            *before = before.saturating_add(row.unpacked_bytes);
        }
        for row in components {
            let now = &mut sizes.entry((kind(&row.purl), &row.name)).or_default().1;
            *now = now.saturating_add(row.amount.unpacked_bytes);
        }
        let changed = sizes.into_iter().filter(|(_, (before, now))| before != now);
        let mut changes: Vec<Change> = changed
            .map(|((_, name), (before, now))| Change {
                name: Some(name.to_owned()),
                before_bytes: before,
                now_bytes: now,
            })
            .collect();
        let grown =
            |change: &Change| i128::from(change.now_bytes) - i128::from(change.before_bytes);
        changes.sort_by_key(|change| std::cmp::Reverse(grown(change)));
        Some(Growth {
            total: Change {
                name: None,
                before_bytes: earlier.total.unpacked_bytes,
                now_bytes: total.unpacked_bytes,
            },
            components: changes,
        })
    }
}

/// `pkg:npm` of a purl.
fn kind(purl: &str) -> &str {
    purl.split_once('/').map_or(purl, |(kind, _)| kind)
}

impl Budget {
    /// What is above what the user allows.
    pub(super) fn findings(
        &self,
        artifacts: &[Artifact],
        total: &Amount,
        components: &[ComponentSize],
        growth: Option<&Growth>,
    ) -> Vec<Finding> {
        let Some(artifact) = artifacts.first() else {
            return Vec::new();
        };
        let finding = |rule, title: String, parts: &[&str]| {
            let location = Location::from(EntryPath::new(&"".into(), &artifact.path));
            Finding::of(rule, title, vec![location], fingerprint(rule.id, parts))
        };
        let packed: u64 = artifacts
            .iter()
            .filter_map(|artifact| artifact.packed_bytes)
            .sum();
        let totals = [
            ("unpacked", total.unpacked_bytes, self.max_unpacked),
            ("packed", packed, self.max_packed),
        ];
        let mut findings = Vec::new();
        for (what, used, allowed) in totals {
            if let Some(Bytes(allowed)) = allowed
                && used > allowed
            {
                let title = format!(
                    "{} by {} bytes: {used} {what}, where {allowed} are allowed",
                    rules::BUDGET.title,
                    used - allowed
                );
                findings.push(finding(&rules::BUDGET, title, &[what]));
            }
        }
        let mut by_name: HashMap<&str, u64> = HashMap::new();
        for component in components {
            *by_name.entry(&component.name).or_default() += component.amount.unpacked_bytes;
        }
        for (name, &Bytes(allowed)) in &self.components {
            let used = by_name.get(name.as_str()).copied().unwrap_or_default();
            if used > allowed {
                let title = format!(
                    "{} by {} bytes: {name} takes {used}, where {allowed} are allowed",
                    rules::BUDGET.title,
                    used - allowed
                );
                findings.push(finding(&rules::BUDGET, title, &["component", name]));
            }
        }
        if let (Some(growth), Some(allowed)) = (growth, self.max_growth) {
            findings.extend(growth.above(allowed).map(|change| {
                let name = change.name.as_deref().unwrap_or("the whole");
                let title = format!(
                    "{}: {name} by {} bytes, from {} to {}, where {allowed} is allowed",
                    rules::GROWTH.title,
                    change.now_bytes - change.before_bytes,
                    change.before_bytes,
                    change.now_bytes,
                );
                finding(&rules::GROWTH, title, &[name])
            }));
        }
        findings
    }
}

impl Growth {
    /// What grew by more than that. Of a component a percentage is one of the whole: that a small one has doubled is no
    /// matter.
    fn above(&self, allowed: Growing) -> impl Iterator<Item = &Change> {
        let whole = self.total.before_bytes;
        let is_above = move |change: &&Change| {
            let grown = change.now_bytes.saturating_sub(change.before_bytes);
            match change.name {
                Some(_) => !allowed.allows(whole, whole.saturating_add(grown)),
                None => !allowed.allows(change.before_bytes, change.now_bytes),
            }
        };
        std::iter::once(&self.total)
            .chain(&self.components)
            .filter(is_above)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(text: &str) -> Result<Budget, String> {
        toml::from_str(text).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn sizes_are_numbers_or_have_units() {
        let text = "max-unpacked = 5\nmax-packed = \"2 MB\"\nmax-growth = \"2.5 %\"\n[components]\na = \"1KiB\"\n";
        let budget = budget(text).unwrap();
        assert_eq!(budget.max_unpacked, Some(Bytes(5)));
        assert_eq!(budget.max_packed, Some(Bytes(2_000_000)));
        assert_eq!(budget.max_growth, Some(Growing::Percent(2.5)));
        assert_eq!(budget.components["a"], Bytes(1024));
    }

    #[test]
    fn what_is_no_size_is_said() {
        for (text, message) in [
            ("max-unpacked = \"much\"", "`much` is not a size"),
            ("max-growth = \"-1 %\"", "`-1 %` is neither"),
            ("max-grown = 1", "unknown field"),
        ] {
            let error = budget(text).unwrap_err();
            assert!(error.starts_with(message), "{error}");
        }
    }

    #[test]
    fn growth_is_allowed_up_to_and_with_the_limit() {
        assert!(Growing::Percent(10.0).allows(100, 110));
        assert!(!Growing::Percent(10.0).allows(100, 111));
        assert!(Growing::Bytes(5).allows(100, 105));
        assert!(!Growing::Bytes(5).allows(100, 106));
        assert!(Growing::Bytes(0).allows(100, 1));
    }

    #[test]
    fn other_json_is_no_report() {
        assert!(Baseline::parse(b"{}").is_err());
        assert!(Baseline::parse(b"[").is_err());
        assert!(Baseline::parse(br#"{"sizes": [{}]}"#).is_err());
    }
}
