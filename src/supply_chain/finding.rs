//! From what was seen to a finding.

use crate::artifact::Artifact;
use crate::assess::fingerprint;
use crate::finding::{Certainty, EntryPath, Finding, Severity};

use super::record::{Records, State};
use super::traces::Sighting;
use super::tree::Tree;

/// None where the file is as its author published it, and that is nothing to tell of.
pub fn of(artifact: &Artifact, seen: Sighting, tree: &Tree, records: &Records) -> Option<Finding> {
    let path = &seen.location.path;
    let is_published = |path: &EntryPath| records.state(tree, path) == State::Unchanged;
    let is_unknown = seen.imports.is_some_and(|module| {
        let mut files = [format!("{module}.py"), format!("{module}/__init__.py")].into_iter();
        !files.any(|file| is_published(&beside(path, &file)))
    });
    let (severity, certainty) = match is_published(path) {
        _ if is_unknown => (Severity::Low, Certainty::Possible),
        true => (seen.published?, seen.certainty),
        false => (seen.severity, seen.certainty),
    };
    let rule = seen.rule;
    let parts = [inside(artifact, path), seen.detail.clone()];
    let fingerprint = fingerprint(rule.id, &parts.each_ref().map(String::as_str));
    let locations = std::iter::once(seen.location).chain(seen.related).collect();
    Some(Finding {
        severity,
        certainty,
        ..Finding::of(
            rule,
            format!("{}: {}", rule.title, seen.detail),
            locations,
            fingerprint,
        )
    })
}

fn beside(path: &EntryPath, file: &str) -> EntryPath {
    match path.parent() {
        "" => path.sibling(file),
        folder => path.sibling(&format!("{folder}/{file}")),
    }
}

/// A path without the artifact's own, wherever that lies.
pub fn inside(artifact: &Artifact, path: &EntryPath) -> String {
    let whole = path.to_string();
    let inside = whole.strip_prefix(&artifact.path).unwrap_or(&whole);
    inside.to_owned()
}
