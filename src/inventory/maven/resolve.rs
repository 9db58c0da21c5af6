//! From what the entries of jars say to packages: one for each jar, and one for each that was unpacked into another.
//!
//! What Maven left in `META-INF/maven` counts before all else. Of a jar that has no coordinates of its own, the file name
//! tells the artifact and the version, and the group is taken from what tells it for certain (`identify.rs`). Where
//! nothing does, the jar is an error: it is there, and it was matched with nothing.
//!
//! The function's own project is no package. `own` says how it is told.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::claims::{Claim, Descriptor, Listing, Said, archive, stem};
use super::coordinates::name;
use super::file_name;
use super::identify::identify;
use super::manifest::Manifest;
use crate::component::{Ecosystem, Evidence, ObservedComponent};
use crate::finding::EntryPath;
use crate::report::ReadError;

/// The packages, and the jars that cannot be named.
pub fn resolve(claims: Vec<Claim>) -> (Vec<ObservedComponent>, Vec<ReadError>) {
    let mut components = Vec::new();
    let mut errors = Vec::new();
    let jars = by_jar(claims);
    let own_jars = own_jars(&jars);
    for (container, jar) in &jars {
        let own = own(container, jar, &own_jars);
        for (folder, (path, descriptor)) in &jar.descriptors {
            if !own.contains(folder.as_str()) {
                components.push(component(descriptor, Evidence::Installed, path.clone()));
            }
        }
        let is_unnamed =
            !own_jars.contains(container) && jar.may_be_a_package() && !jar.is_described(container);
        if !is_unnamed {
            continue;
        }
        let known = jar
            .listing
            .as_ref()
            .map_or(&[][..], |listing| &listing.known);
        match identify(stem(container).unwrap_or_default(), &jar.manifest, known) {
            Ok((descriptor, evidence)) => {
                components.push(component(&descriptor, evidence, archive(container)))
            }
            Err(unknown) if jar.descriptors.is_empty() => {
                errors.push(ReadError::unreadable(archive(container), unknown));
            }
            Err(_) => {}
        }
    }
    (components, errors)
}

fn component(descriptor: &Descriptor, evidence: Evidence, path: EntryPath) -> ObservedComponent {
    ObservedComponent {
        ecosystem: Ecosystem::Maven,
        name: name(&descriptor.group, &descriptor.artifact),
        version: descriptor.version.clone(),
        version_range: None,
        evidence,
        folder: None,
        location: path.into(),
    }
}

/// What is known of one archive.
#[derive(Default)]
struct Jar {
    /// By their folders.
    descriptors: BTreeMap<String, (EntryPath, Descriptor)>,
    manifest: Manifest,
    listing: Option<Box<Listing>>,
}

fn by_jar(claims: Vec<Claim>) -> BTreeMap<Arc<str>, Jar> {
    let mut jars: BTreeMap<Arc<str>, Jar> = BTreeMap::new();
    for Claim { path, said } in claims {
        let container = match &said {
            Said::Listing(listing) => Arc::clone(&listing.container),
            _ => Arc::clone(path.container()),
        };
        let jar = jars.entry(container).or_default();
        match said {
            Said::Manifest(manifest) => jar.manifest = *manifest,
            Said::Listing(listing) => jar.listing = Some(listing),
            Said::Pom(descriptor) => jar.add(path, *descriptor),
        }
    }
    jars
}

impl Jar {
    /// Of the two files of a folder `pom.properties` counts: it says what was built, the other what it was built from.
    fn add(&mut self, path: EntryPath, descriptor: Descriptor) {
        let rank = |path: &EntryPath, descriptor: &Descriptor| {
            (
                descriptor.version.is_none(),
                !path.inner().ends_with(".properties"),
            )
        };
        let folder = path.parent().to_owned();
        let is_better = self
            .descriptors
            .get(&folder)
            .is_none_or(|(known, other)| rank(&path, &descriptor) < rank(known, other));
        if is_better {
            self.descriptors.insert(folder, (path, descriptor));
        }
    }

    fn is_application(&self) -> bool {
        self.listing
            .as_ref()
            .is_some_and(|listing| listing.is_application)
    }

    /// Whether it is an archive that packages are published as, with something to run or a name that is known.
    fn may_be_a_package(&self) -> bool {
        self.listing.as_ref().is_some_and(|listing| {
            let is_library = !listing.is_artifact && !listing.is_application;
            is_library && (listing.has_classes || !listing.known.is_empty())
        }) && !self.manifest.is_of_java()
    }

    /// Whether one of its descriptors is about the jar itself, and not about what was unpacked into it.
    fn is_described(&self, container: &str) -> bool {
        let Some(stem) = stem(container) else {
            return true;
        };
        let mut all = self.descriptors.values().map(|(_, descriptor)| descriptor);
        if all.clone().any(|descriptor| is_named(stem, descriptor)) {
            return true;
        }
        // The one that it has, if a file name that was changed is all that speaks against it.
        let (Some(only), None) = (all.next(), all.next()) else {
            return false;
        };
        let version = file_name::parse(stem, &self.manifest.version).and_then(|name| name.version);
        version.is_none() || version == only.version.as_deref()
    }
}

/// Whether a jar of this name is the artifact: it begins with it, and what follows is no other word.
fn is_named(stem: &str, descriptor: &Descriptor) -> bool {
    let Some(rest) = stem.strip_prefix(descriptor.artifact.as_str()) else {
        return false;
    };
    let version = descriptor.version.as_deref().unwrap_or_default();
    let after = rest.strip_prefix('-');
    rest.is_empty()
        || after.is_some_and(|after| {
            after.starts_with(|c: char| c.is_ascii_digit())
                || (!version.is_empty() && after.starts_with(version))
        })
}

/// The jars that are the function, by their prefixes: the one at the root of an artifact whose libraries lie elsewhere.
fn own_jars(jars: &BTreeMap<Arc<str>, Jar>) -> HashSet<Arc<str>> {
    let own = jars.iter().filter_map(|(container, jar)| {
        let own = jar.listing.as_ref()?.own_jar.as_ref()?;
        Some(Arc::from(format!("{container}{own}!/")))
    });
    own.collect()
}

/// The folders of the descriptors that are the function's own project.
///
/// - All of those of an application: nothing is unpacked into a war or a jar of Spring Boot, which carry jars whole.
/// - Of the artifact itself, and of a jar that is the function, the one that is named like it; else the one whose group
///   the class that is started is in; else, if Maven built it, the first: the plugins that unpack jars into a project's
///   own begin with that.
fn own<'a>(container: &Arc<str>, jar: &'a Jar, own_jars: &HashSet<Arc<str>>) -> HashSet<&'a str> {
    let folders = || jar.descriptors.keys().map(String::as_str);
    if jar.is_application() {
        return folders().collect();
    }
    let is_artifact = jar
        .listing
        .as_ref()
        .is_some_and(|listing| listing.is_artifact);
    if !is_artifact && !own_jars.contains(container) {
        return HashSet::new();
    }
    let with = |such: &dyn Fn(&Descriptor) -> bool| -> HashSet<&'a str> {
        let all = jar.descriptors.iter();
        all.filter(|(_, (_, descriptor))| such(descriptor))
            .map(|(folder, _)| folder.as_str())
            .collect()
    };
    let named = stem(container).map(|stem| with(&|descriptor| is_named(stem, descriptor)));
    if let Some(named) = named.filter(|named| !named.is_empty()) {
        return named;
    }
    let started = with(&|descriptor| {
        let rest = jar
            .manifest
            .main_class
            .strip_prefix(descriptor.group.as_str());
        descriptor.group.contains('.') && rest.is_some_and(|rest| rest.starts_with('.'))
    });
    if started.len() == 1 {
        return started;
    }
    let first = jar
        .listing
        .as_ref()
        .and_then(|listing| listing.first_descriptor.as_deref());
    let first = first.filter(|_| jar.manifest.is_by_maven());
    folders().filter(|folder| Some(*folder) == first).collect()
}
