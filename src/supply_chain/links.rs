//! Links that lead out of the bundle: to what the machine has that unpacks it, or the one that runs it.

use crate::artifact::Artifact;
use crate::finding::Severity;
use crate::inspect::Observations;
use crate::inventory::pypi::resolve_path;

use super::python_hooks::shown;
use super::{Sighting, rules};

/// Where a platform unpacks functions and layers, and keeps its runtimes: a link there leads into a bundle.
const BUNDLES: [&str; 5] = [
    "/opt/",
    "/var/lang/",
    "/var/runtime/",
    "/var/task/",
    "/workspace/",
];

/// Where absolute links lead, and how bad it is; the first that fits counts.
const TARGETS: [(&str, Severity); 10] = [
    ("/dev/null", Severity::Info),
    ("/usr/", Severity::Low),
    ("/bin/", Severity::Low),
    ("/lib", Severity::Low),
    // Whoever may write there decides what is run or read.
    ("/tmp", Severity::High),
    ("/var/tmp", Severity::High),
    ("/dev/shm", Severity::High),
    // What the process knows, and its keys.
    ("/proc", Severity::High),
    ("/var/run/secrets", Severity::High),
    ("/etc/", Severity::High),
];

pub fn leading_out(artifact: &Artifact, seen: &Observations) -> Vec<Sighting> {
    let is_image = artifact.kind == "image";
    let links = seen.files.iter().filter(|file| file.is_deployed);
    let links = links.filter_map(|file| Some((file, file.link.as_deref()?)));
    links
        .filter_map(|(file, target)| {
            let severity = match is_image {
                true => leads_above(file.path.parent(), target).then_some(Severity::Low),
                false => leads_out(file.path.parent(), target),
            }?;
            let detail = format!("{} → {}", file.path.file_name(), shown(target));
            Some(Sighting {
                severity,
                published: Some(severity),
                ..Sighting::of(&rules::LINK, file.path.clone(), detail)
            })
        })
        .collect()
}

/// How bad it is that the link leads out of a bundle; none where it does not.
fn leads_out(folder: &str, target: &str) -> Option<Severity> {
    if !target.starts_with('/') {
        return leads_above(folder, target).then_some(Severity::Medium);
    }
    if target.contains("/../") {
        return Some(Severity::Medium);
    }
    // A virtual environment is made with a link to the Python that it is for.
    let is_interpreter = target
        .rsplit('/')
        .next()
        .is_some_and(|name| name.starts_with("python"));
    if is_interpreter && folder.ends_with("bin") {
        return Some(Severity::Low);
    }
    if BUNDLES.iter().any(|bundle| target.starts_with(bundle)) {
        return None;
    }
    let known = TARGETS.iter().find(|(start, _)| target.starts_with(start));
    Some(known.map_or(Severity::Medium, |(_, severity)| *severity))
}

/// Whether a relative link climbs above the root. In a system's own tree that is the root still.
fn leads_above(folder: &str, target: &str) -> bool {
    !target.starts_with('/') && resolve_path(folder, target).is_none()
}
