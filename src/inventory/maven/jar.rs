//! A jar as a whole: its manifest, and what the names of its entries tell.

use super::claims::{self, Claim, Listing, Said};
use super::file_name;
use super::jar_pom::is_descriptor;
use super::known::{self, Known};
use super::manifest::Manifest;
use crate::inspect::{Contents, Entry, Header, Inspector, Observations, Unreadable};

pub struct Jar;

const MANIFEST: &str = "META-INF/MANIFEST.MF";

/// What is in that which is run and not used: a jar of Spring Boot
/// (<https://docs.spring.io/spring-boot/specification/executable-jar/nested-jars.html>), and a web application.
const APPLICATIONS: [&str; 4] = [
    "BOOT-INF/",
    "WEB-INF/classes/",
    "WEB-INF/lib/",
    "WEB-INF/web.xml",
];

impl Inspector for Jar {
    fn wants(&self, header: &Header) -> bool {
        header.path.inner() == MANIFEST
    }

    /// That of a signed jar has a line for each of its classes.
    fn max_size(&self) -> u64 {
        32 * 1024 * 1024
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        seen.jars.push(Claim {
            path: entry.path.clone(),
            said: Said::Manifest(Box::new(Manifest::parse(entry.bytes))),
        });
        Ok(())
    }

    fn list(&self, contents: &Contents, seen: &mut Observations) {
        if contents.is_artifact || claims::stem(contents.container).is_some() {
            seen.jars.push(Claim {
                path: claims::archive(contents.container),
                said: Said::Listing(Box::new(listing(contents))),
            });
        }
    }
}

fn listing(contents: &Contents) -> Listing {
    let mut listing = Listing {
        container: contents.container.clone(),
        is_artifact: contents.is_artifact,
        has_classes: false,
        has_application_folders: false,
        first_descriptor: None,
        known: Vec::new(),
        own_jar: contents.is_artifact.then(|| own_jar(contents)).flatten(),
    };
    let mut rows = known_by_name(contents.container);
    for path in contents.paths {
        let name = path.inner();
        let is_class = name.ends_with(".class");
        listing.has_classes |= is_class;
        for (known, is_there) in &mut rows {
            *is_there |= known.has(name, is_class);
        }
        listing.has_application_folders |= APPLICATIONS.iter().any(|start| name.starts_with(start));
        if !is_class && listing.first_descriptor.is_none() && is_descriptor(path) {
            listing.first_descriptor = Some(path.parent().into());
        }
    }
    let known = rows.into_iter().filter(|(_, is_there)| *is_there);
    listing.known = known.map(|(known, _)| known).collect();
    listing
}

/// The rows about jars of this name, and whether what they ask for is there.
fn known_by_name(container: &str) -> Vec<(&'static Known, bool)> {
    let stem = claims::stem(container).filter(|stem| !claims::is_of_developers(stem));
    let name = stem.and_then(|stem| file_name::parse(stem, ""));
    let rows = name
        .into_iter()
        .flat_map(|name| known::of_artifact(name.artifact));
    rows.map(|known| (known, false)).collect()
}

/// The jar that is the function itself. Platforms load libraries from `lib`, so that the one jar beside that folder is
/// not one of them: <https://docs.aws.amazon.com/lambda/latest/dg/java-package.html>, and for Azure
/// <https://learn.microsoft.com/azure/azure-functions/functions-reference-java#folder-structure>. Beside settings alone
/// there is nothing else that could be the function.
fn own_jar(contents: &Contents) -> Option<Box<str>> {
    let is_jar = |name: &str| name.to_ascii_lowercase().ends_with(".jar");
    let mut at_root = None;
    let mut has_libraries = false;
    let mut is_alone = true;
    for path in contents.paths {
        let name = path.inner();
        match name.split_once('/') {
            Some((folder, _)) => has_libraries |= folder == "lib" && is_jar(name),
            None if is_jar(name) && at_root.is_some() => return None,
            None if is_jar(name) => {
                at_root = Some(name);
                continue;
            }
            None => has_libraries |= name == "host.json",
        }
        is_alone &= is_settings(name);
    }
    at_root.filter(|_| has_libraries || is_alone).map(Box::from)
}

/// Whether a file is one at the root that nothing runs.
fn is_settings(name: &str) -> bool {
    const SUFFIXES: [&str; 7] = [
        ".conf",
        ".json",
        ".properties",
        ".toml",
        ".xml",
        ".yaml",
        ".yml",
    ];
    !name.contains('/') && SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
}
