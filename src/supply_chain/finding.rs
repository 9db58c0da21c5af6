//! From what was seen to a finding.

use crate::artifact::Artifact;
use crate::assess::fingerprint;
use crate::finding::{EntryPath, Finding};

use super::record::{Records, State};
use super::traces::Sighting;
use super::tree::Tree;

/// None where the file is as its author published it, and that is nothing to tell of.
pub fn of(artifact: &Artifact, seen: Sighting, tree: &Tree, records: &Records) -> Option<Finding> {
    let path = &seen.location.path;
    let is_published = records.state(tree, path) == State::Unchanged;
    let severity = if is_published {
        seen.published?
    } else {
        seen.severity
    };
    let rule = seen.rule;
    let parts = [inside(artifact, path), seen.detail.clone()];
    let fingerprint = fingerprint(rule.id, &parts.each_ref().map(String::as_str));
    let locations = std::iter::once(seen.location).chain(seen.related).collect();
    Some(Finding {
        severity,
        certainty: seen.certainty,
        ..Finding::of(
            rule,
            format!("{}: {}", rule.title, seen.detail),
            locations,
            fingerprint,
        )
    })
}

/// A path without the artifact's own, wherever that lies.
pub fn inside(artifact: &Artifact, path: &EntryPath) -> String {
    let whole = path.to_string();
    let inside = whole.strip_prefix(&artifact.path).unwrap_or(&whole);
    inside.to_owned()
}
