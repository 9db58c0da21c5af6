//! What the user allows, `[size]` in `fnaudit.toml`, and what an earlier report says.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::rules;
use super::{Amount, ComponentSize};
use crate::artifact::Artifact;
use crate::assess::fingerprint;
use crate::component::Ecosystem;
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

    /// The deployment of the same artifacts: at the same paths, or the one whose artifacts have the same file names; the
    /// only one there is if it has other names.
    fn earlier(&self, artifacts: &[Artifact]) -> Option<&EarlierSizes> {
        let paths = || artifacts.iter().map(|artifact| artifact.path.as_str());
        let is_at_same = |earlier: &&EarlierSizes| earlier.artifacts.iter().eq(paths());
        if let Some(same) = self.deployments.iter().find(is_at_same) {
            return Some(same);
        }
        fn name(path: &str) -> &str {
            path.rsplit(['/', '\\']).next().unwrap_or(path)
        }
        let is_called_alike = |earlier: &&EarlierSizes| {
            let names = earlier.artifacts.iter().map(|path| name(path));
            names.eq(paths().map(name))
        };
        let mut alike = self.deployments.iter().filter(is_called_alike);
        match (alike.next(), alike.next(), &self.deployments[..]) {
            (Some(one), None, _) => Some(one),
            (None, _, [only]) => Some(only),
            _ => None,
        }
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

/// Whether that is a component's name, as its ecosystem compares names.
fn is_called(row: &ComponentSize, name: &str) -> bool {
    row.name == name
        || (kind(&row.purl) == "pkg:pypi" && row.name == Ecosystem::PyPi.normalize_name(name))
}

/// `pkg:npm` of a purl.
fn kind(purl: &str) -> &str {
    purl.split_once('/').map_or(purl, |(kind, _)| kind)
}

impl Budget {
    /// What the user asked for and could not be compared.
    pub(super) fn unchecked(
        &self,
        components: &[ComponentSize],
        growth: Option<&Growth>,
        has_baseline: bool,
    ) -> Vec<String> {
        let mut unchecked = Vec::new();
        if growth.is_none() {
            if has_baseline {
                unchecked.push(
                    "the report of --baseline has no sizes that are certainly of this artifact: growth was not checked"
                        .to_owned(),
                );
            } else if self.max_growth.is_some() {
                unchecked.push(
                    "`max-growth` was not checked: there is no earlier report; name it with --baseline"
                        .to_owned(),
                );
            }
        }
        for name in self.components.keys() {
            if !components.iter().any(|row| is_called(row, name)) {
                unchecked.push(format!(
                    "the budget for `{name}` was not checked: no package of that name has files of its own"
                ));
            }
        }
        unchecked
    }

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
        for (name, &Bytes(allowed)) in &self.components {
            let named = components.iter().filter(|row| is_called(row, name));
            let used = named.map(|row| row.amount.unpacked_bytes);
            let used = used.fold(0, u64::saturating_add);
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
    fn deployments_are_found_by_their_paths_before_their_names() {
        let row = |path: &str, bytes: u64| {
            format!(
                r#"{{"artifacts": ["{path}"], "total": {{"unpacked_bytes": {bytes}}}, "components": []}}"#
            )
        };
        let rows = [row("a/fn.zip", 1), row("b/fn.zip", 2), row("c.zip", 3)].join(",");
        let baseline = Baseline::parse(format!("{{\"sizes\": [{rows}]}}").as_bytes()).unwrap();
        let before = |path: &str| {
            let artifact = Artifact {
                path: path.to_owned(),
                kind: "zip".to_owned(),
                platform: None,
                sha256: None,
                packed_bytes: None,
                unpacked_bytes: 0,
                entries: 0,
            };
            baseline
                .earlier(&[artifact])
                .map(|e| e.total.unpacked_bytes)
        };
        assert_eq!(before("b/fn.zip"), Some(2));
        assert_eq!(before("x/c.zip"), Some(3));
        assert_eq!(before("x/fn.zip"), None, "it could be either");
        assert_eq!(before("d.zip"), None);
    }

    #[test]
    fn other_json_is_no_report() {
        assert!(Baseline::parse(b"{}").is_err());
        assert!(Baseline::parse(b"[").is_err());
        assert!(Baseline::parse(br#"{"sizes": [{}]}"#).is_err());
    }
}
