//! Which findings fail a build.

use crate::finding::{Certainty, Finding, Severity};

/// From which severity on a finding fails the audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailOn {
    /// This one and worse.
    Severity(Severity),
    /// No finding does.
    Never,
}

impl FailOn {
    /// Whether a finding is bad enough, counts, is certain and is not suppressed.
    pub fn is_met_by(self, findings: &[Finding]) -> bool {
        match self {
            FailOn::Never => false,
            FailOn::Severity(least) => findings.iter().any(|finding| {
                finding.counts
                    && finding.suppressed.is_none()
                    && finding.certainty == Certainty::Certain
                    && finding.severity >= least
            }),
        }
    }
}
