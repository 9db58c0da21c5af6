//! Which findings fail a build.

use crate::finding::{Certainty, Finding, Severity};

/// What fails the audit: either of the two, or nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FailOn {
    /// Findings of this severity and worse.
    pub severity: Option<Severity>,
    /// Findings about what is known to be exploited.
    pub kev: bool,
}

impl FailOn {
    /// Whether a finding is bad enough, counts, is certain and is not suppressed.
    pub fn is_met_by(self, findings: &[Finding]) -> bool {
        let is_bad = |finding: &Finding| {
            self.severity.is_some_and(|least| finding.severity >= least)
                || (self.kev && finding.kev.is_some())
        };
        findings.iter().any(|finding| {
            finding.counts
                && finding.suppressed.is_none()
                && finding.certainty == Certainty::Certain
                && is_bad(finding)
        })
    }
}
