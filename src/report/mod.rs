//! What an audit says. A writer turns a [`Report`] into one format and knows nothing else.

pub mod advisory;
pub mod json;
pub mod size;
pub mod table;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::advisory::database::DatabaseInfo;
use crate::artifact::Artifact;
use crate::component::Component;
use crate::finding::{EntryPath, Finding, Kind, Severity};
use crate::inspect::Unreadable;
use crate::size::Sizes;
use crate::text::visible;

/// The version of the JSON report's shape.
pub const SCHEMA_VERSION: u32 = 1;

/// The result of auditing one or more artifacts.
#[derive(Debug, Serialize)]
pub struct Report {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    pub tool: Tool,
    /// None where no advisories were asked for.
    pub database: Option<DatabaseInfo>,
    /// In the order in which they were given, each function before its layers.
    pub artifacts: Vec<Artifact>,
    /// Of each deployment in turn, by ecosystem, name and version.
    pub packages: Vec<Component>,
    /// One for each deployment: where its bytes go, and what could be left out.
    pub sizes: Vec<Sizes>,
    /// Of all deployments together, the worst first.
    pub findings: Vec<Finding>,
    /// What was not audited, or not in full.
    pub errors: Vec<ReadError>,
    /// How many findings there are, and how long it took.
    pub summary: Summary,
}

/// The program that wrote the report.
#[derive(Debug, Serialize)]
pub struct Tool {
    pub name: &'static str,
    pub version: &'static str,
}

impl Tool {
    /// This one.
    pub const THIS: Tool = Tool {
        name: "fnaudit",
        version: env!("CARGO_PKG_VERSION"),
    };
}

/// What could not be read: never silently dropped.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ReadError {
    pub path: EntryPath,
    /// Counted from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong and, if something can be done, what to do.
    pub message: String,
}

impl ReadError {
    /// A row about a whole entry or artifact.
    pub fn new(path: EntryPath, message: impl Into<String>) -> Self {
        ReadError::unreadable(path, Unreadable::new(message))
    }

    /// A row about a file that an inspector could not understand.
    ///
    /// Messages quote what they are about, which may be anything.
    pub fn unreadable(path: EntryPath, why: Unreadable) -> Self {
        ReadError {
            path,
            line: why.line,
            message: visible(&why.message).into_owned(),
        }
    }
}

/// The findings in numbers.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// Severities without a finding are left out.
    pub by_severity: BTreeMap<Severity, usize>,
    /// Kinds without a finding are left out.
    pub by_kind: BTreeMap<Kind, usize>,
    /// What the audits took together.
    pub duration_ms: u64,
}

impl Summary {
    /// Counts the findings.
    pub fn of(findings: &[Finding], duration_ms: u64) -> Self {
        let mut summary = Summary {
            duration_ms,
            ..Summary::default()
        };
        for finding in findings {
            *summary.by_severity.entry(finding.severity).or_default() += 1;
            *summary.by_kind.entry(finding.kind).or_default() += 1;
        }
        summary
    }
}

impl Report {
    /// One report of several, in their order; the worst finding first.
    pub fn merge(reports: impl IntoIterator<Item = Report>) -> Option<Report> {
        let mut merged = reports.into_iter().reduce(|mut all, one| {
            all.artifacts.extend(one.artifacts);
            all.packages.extend(one.packages);
            all.sizes.extend(one.sizes);
            all.findings.extend(one.findings);
            all.errors.extend(one.errors);
            all.summary.duration_ms += one.summary.duration_ms;
            all
        })?;
        merged.finish();
        Some(merged)
    }

    /// Puts the findings into the order of the report, numbers and counts them.
    pub(crate) fn finish(&mut self) {
        self.findings.sort_by(|a, b| {
            let key = |f: &Finding| (f.severity, f.counts);
            key(b).cmp(&key(a)).then_with(|| {
                let key = |f: &Finding| {
                    (
                        f.package.clone(),
                        f.locations.first().cloned(),
                        f.fingerprint.clone(),
                    )
                };
                key(a).cmp(&key(b))
            })
        });
        for (index, finding) in self.findings.iter_mut().enumerate() {
            finding.id = format!("F-{}", index + 1);
        }
        self.summary = Summary::of(&self.findings, self.summary.duration_ms);
    }
}
