//! Archives for tests, and what they are resolved to.

use std::sync::Arc;

use super::claims::{Claim, Descriptor, Said};
use super::jar::Jar as Inspected;
use super::resolve::resolve;
use crate::finding::EntryPath;
use crate::inspect::{Contents, Entry, Inspector, Observations};

/// An artifact or a jar in one: its prefix, the lines of its manifest, and the names of its entries.
pub struct Archive<'a> {
    container: &'a str,
    is_artifact: bool,
    manifest: &'a str,
    names: &'a [&'a str],
}

/// Those of the names that are `META-INF/maven/GROUP/ARTIFACT/VERSION` stand for such a `pom.properties`, with `-` for
/// one that leaves its version open.
fn claims(archive: &Archive) -> Vec<Claim> {
    let container: Arc<str> = Arc::from(archive.container);
    let mut seen = Observations::default();
    let mut paths = Vec::new();
    for name in archive.names {
        let path = EntryPath::new(&container, name);
        if let Some((_, coordinates)) = name.split_once("META-INF/maven/") {
            let parts: Vec<&str> = coordinates.split('/').collect();
            let path = EntryPath::new(&container, &format!("{}/pom.properties", path.parent()));
            let descriptor = Descriptor {
                group: parts[0].into(),
                artifact: parts[1].into(),
                version: Some(parts[2].into()).filter(|version| version != "-"),
            };
            seen.jars.push(Claim {
                path: path.clone(),
                said: Said::Pom(Box::new(descriptor)),
            });
            paths.push(path);
        } else {
            paths.push(path);
        }
    }
    let path = EntryPath::new(&container, "META-INF/MANIFEST.MF");
    let bytes = archive.manifest.as_bytes();
    Inspected
        .inspect(&Entry { path: &path, bytes }, &mut seen)
        .unwrap();
    let contents = Contents {
        container: &container,
        is_artifact: archive.is_artifact,
        paths: &paths.iter().collect::<Vec<_>>(),
    };
    Inspected.list(&contents, &mut seen);
    seen.jars
}

pub fn found(archives: &[Archive]) -> Vec<String> {
    let (components, errors) = resolve(archives.iter().flat_map(claims).collect());
    let mut rows: Vec<String> = components
        .iter()
        .map(|c| {
            format!(
                "{} {} {:?}",
                c.name,
                c.version.as_deref().unwrap_or("-"),
                c.evidence
            )
        })
        .collect();
    rows.extend(errors.iter().map(|error| format!("error {}", error.path)));
    rows
}

pub fn jar<'a>(container: &'a str, manifest: &'a str, names: &'a [&'a str]) -> Archive<'a> {
    Archive {
        container,
        is_artifact: false,
        manifest,
        names,
    }
}

pub fn artifact<'a>(container: &'a str, manifest: &'a str, names: &'a [&'a str]) -> Archive<'a> {
    Archive {
        is_artifact: true,
        ..jar(container, manifest, names)
    }
}
