//! Which findings fail a build.

use crate::finding::{Certainty, Finding, Severity};

/// From which severity on a finding fails the audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailOn {
    Severity(Severity),
    Never,
}

impl FailOn {
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
