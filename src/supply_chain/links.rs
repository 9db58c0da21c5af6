//! Links that lead out of the bundle: to what the machine has that unpacks it, or the one that runs it.

use std::collections::BTreeMap;
use std::fs;

use crate::artifact::Artifact;
use crate::finding::{EntryPath, Severity};
use crate::inspect::Observations;
use crate::inventory::pypi::resolve_path;

use super::link_targets::Links;
use super::python_hooks::shown;
use super::record::MAX_LOCATIONS;
use super::{Sighting, rules};

/// Where a platform unpacks functions and layers, and keeps its runtimes: a link there leads into a bundle.
const BUNDLES: [&str; 5] = [
    "/opt",
    "/var/lang",
    "/var/runtime",
    "/var/task",
    "/workspace",
];

/// Where absolute links lead, or into, and how bad it is; the first that fits counts.
const TARGETS: [(&str, Severity); 27] = [
    ("/dev/null", Severity::Info),
    // What a system's own links lead to.
    ("/dev/fd", Severity::Low),
    ("/dev/stderr", Severity::Low),
    ("/dev/stdin", Severity::Low),
    ("/dev/stdout", Severity::Low),
    ("/proc/kcore", Severity::Low),
    ("/proc/mounts", Severity::Low),
    ("/proc/self/fd", Severity::Low),
    ("/proc/self/mounts", Severity::Low),
    // Whoever may write there decides what is run or read.
    ("/tmp", Severity::High),
    ("/var/tmp", Severity::High),
    ("/dev/shm", Severity::High),
    // What the process knows, and its keys.
    ("/proc", Severity::High),
    ("/run/secrets", Severity::High),
    ("/var/run/secrets", Severity::High),
    ("/etc/passwd", Severity::High),
    ("/etc/shadow", Severity::High),
    ("/etc", Severity::Low),
    ("/usr", Severity::Low),
    ("/bin", Severity::Low),
    ("/sbin", Severity::Low),
    ("/lib", Severity::Low),
    ("/lib32", Severity::Low),
    ("/lib64", Severity::Low),
    ("/run", Severity::Low),
    ("/var/lib", Severity::Low),
    ("/var/run", Severity::Low),
];

/// One finding for all links that lead to the same place: an installer may have linked every file of a package.
pub fn leading_out(artifact: &Artifact, seen: &Observations) -> Vec<Sighting> {
    let is_image = artifact.kind == "image";
    let own_folder = own_folder(artifact);
    let deployed = || seen.files.iter().filter(|file| file.is_deployed);
    let mut all = Links::of(deployed());
    let mut links: BTreeMap<(Severity, String), Vec<(&EntryPath, &str)>> = BTreeMap::new();
    for file in deployed() {
        let Some(target) = file.link.as_deref() else {
            continue;
        };
        let folder = match file.is_hard_link {
            true => "",
            false => file.path.parent(),
        };
        let severity = match is_image {
            true => leads_above(folder, target).then_some(Severity::Low),
            false if file.is_hard_link || target.starts_with('/') => {
                leads_out(folder, target, own_folder.as_deref())
            }
            false => all.lead_above(folder, target).then_some(Severity::Medium),
        };
        if let Some(severity) = severity {
            let place = (severity, place(target));
            links.entry(place).or_default().push((&file.path, target));
        }
    }
    let found = links.into_iter();
    found
        .filter_map(|((severity, _), mut links)| {
            links.sort();
            let (path, target) = *links.first()?;
            let more = match links.len() {
                1 => String::new(),
                n => format!(", and {} more", n - 1),
            };
            let detail = format!("{} → {}{more}", path.file_name(), shown(target));
            let related = links.iter().skip(1).take(MAX_LOCATIONS - 1);
            Some(Sighting {
                related: related.map(|(path, _)| (*path).clone().into()).collect(),
                severity,
                published: Some(severity),
                ..Sighting::of(&rules::LINK, path.clone(), detail)
            })
        })
        .collect()
}

/// Where a folder that is audited lies.
fn own_folder(artifact: &Artifact) -> Option<String> {
    let is_folder = artifact.kind == "directory";
    let folder = is_folder.then(|| fs::canonicalize(&artifact.path).ok())?;
    Some(folder?.to_str()?.to_owned())
}

/// The folder at the top that an absolute link leads to; all that climb lead to one.
fn place(target: &str) -> String {
    match target.starts_with('/') {
        true => normal(target)
            .split('/')
            .nth(1)
            .unwrap_or_default()
            .to_owned(),
        false => "..".to_owned(),
    }
}

/// An absolute path without `.`, `..` and doubled separators.
fn normal(target: &str) -> String {
    let mut parts = Vec::new();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// Whether a path is the place or within it.
fn is_in(path: &str, place: &str) -> bool {
    let rest = path.strip_prefix(place);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// How bad it is that the link leads out of a bundle; none where it does not.
fn leads_out(folder: &str, target: &str, own_folder: Option<&str>) -> Option<Severity> {
    if !target.starts_with('/') {
        return leads_above(folder, target).then_some(Severity::Medium);
    }
    let target = normal(target);
    // It is broken where the folder is unpacked, and leads nowhere else.
    if own_folder.is_some_and(|own| is_in(&target, own)) {
        return Some(Severity::Low);
    }
    if BUNDLES.iter().any(|bundle| is_in(&target, bundle)) {
        return None;
    }
    let known = TARGETS.iter().find(|(place, _)| is_in(&target, place));
    match known {
        Some((_, severity)) => Some(*severity),
        None if is_environments(folder) && is_interpreter(&target) => Some(Severity::Low),
        None => Some(Severity::Medium),
    }
}

/// Whether it may be the folder of a virtual environment in which a link leads to the Python that it is for.
fn is_environments(folder: &str) -> bool {
    folder == "bin" || folder.ends_with("/bin")
}

fn is_interpreter(target: &str) -> bool {
    let name = target.rsplit('/').next().unwrap_or_default();
    let version = name.strip_prefix("python");
    version.is_some_and(|version| {
        version
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
    })
}

/// Whether a relative link climbs above the root. In a system's own tree that is the root still.
pub fn leads_above(folder: &str, target: &str) -> bool {
    !target.starts_with('/') && resolve_path(folder, target).is_none()
}
