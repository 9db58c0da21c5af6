//! From what the entries of jars say to packages: one for each jar, and one for each that was unpacked into another.
//!
//! What Maven left in `META-INF/maven` counts before all else. Of a jar that has no coordinates of its own, the file name
//! tells the artifact and the version, and the group is taken from what tells it for certain (`identify.rs`). Where
//! nothing does, the jar is an error: it is there, and it was matched with nothing.
//!
//! The function's own project is no package. `own.rs` says how it is told.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::claims::{Claim, Descriptor, Listing, Said, archive, stem};
use super::coordinates::name;
use super::file_name;
use super::identify::identify;
use super::manifest::Manifest;
use super::own::Layout;
use crate::component::{Ecosystem, Evidence, ObservedComponent};
use crate::finding::EntryPath;
use crate::report::ReadError;

/// The packages, and the jars that cannot be named.
pub fn resolve(claims: Vec<Claim>) -> (Vec<ObservedComponent>, Vec<ReadError>) {
    let mut components = Vec::new();
    let mut errors = Vec::new();
    let jars = by_jar(claims);
    let layout = Layout::of(&jars);
    for (container, jar) in &jars {
        let own = layout.own(container, jar);
        for (folder, (path, descriptor)) in &jar.descriptors {
            if !own.contains(folder.as_str()) {
                let named = with_version_of_name(container, descriptor);
                components.push(component(&named, Evidence::Installed, path.clone()));
            }
        }
        if layout.is_program(container, jar)
            || !jar.may_be_a_package()
            || jar.is_described(container)
        {
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

/// The descriptor with the version that the file name has, where its own is left open: a placeholder that was not filled
/// in when the jar was built was when it was published.
fn with_version_of_name<'a>(container: &str, descriptor: &'a Descriptor) -> Cow<'a, Descriptor> {
    let name = stem(container)
        .filter(|_| descriptor.version.is_none())
        .and_then(|stem| file_name::parse(stem, ""))
        .filter(|name| name.artifact == descriptor.artifact);
    match name.and_then(|name| name.version) {
        Some(version) => Cow::Owned(Descriptor {
            version: Some(version.to_owned()),
            ..descriptor.clone()
        }),
        None => Cow::Borrowed(descriptor),
    }
}

/// What is known of one archive.
#[derive(Default)]
pub(super) struct Jar {
    /// By their folders.
    pub descriptors: BTreeMap<String, (EntryPath, Descriptor)>,
    pub manifest: Manifest,
    pub listing: Option<Box<Listing>>,
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

    pub fn is_artifact(&self) -> bool {
        let listing = self.listing.as_ref();
        listing.is_some_and(|listing| listing.is_artifact)
    }

    /// Whether it is an archive that packages are published as, with something to run or a name that is known.
    fn may_be_a_package(&self) -> bool {
        self.listing.as_ref().is_some_and(|listing| {
            !listing.is_artifact && (listing.has_classes || !listing.known.is_empty())
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
pub(super) fn is_named(stem: &str, descriptor: &Descriptor) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::maven::testing::{found, jar};

    #[test]
    fn a_jar_with_coordinates_is_one_package_whatever_else_it_says() {
        let names = ["a/B.class", "META-INF/maven/g/a-b/1.0"];
        let manifest = "Implementation-Title: a-b\nImplementation-Version: 0.9\nImplementation-Vendor-Id: org.other\n";
        for container in [
            "fn.zip!/a-b-1.0.jar!/",
            "fn.zip!/renamed.jar!/",
            "fn.zip!/renamed-1.0.jar!/",
        ] {
            assert_eq!(
                found(&[jar(container, manifest, &names)]),
                ["g:a-b 1.0 Installed"],
                "{container}"
            );
        }
    }

    #[test]
    fn what_is_unpacked_into_a_jar_counts_beside_the_jar() {
        let names = [
            "okio/A.class",
            "io/grpc/A.class",
            "META-INF/maven/g/unpacked/1.0",
        ];
        let row = "g:unpacked 1.0 Installed";
        assert_eq!(
            found(&[jar("fn.zip!/grpc-all-2.0.jar!/", "", &names)]),
            [row, "io.grpc:grpc-all 2.0 Fingerprint"]
        );
        // What it is itself is not known, but it is not nothing.
        assert_eq!(
            found(&[jar("fn.zip!/own-all-2.0.jar!/", "", &names)]),
            [row]
        );
    }

    #[test]
    fn a_jar_that_cannot_be_named_is_an_error() {
        let unnamed = found(&[jar("fn.zip!/lib/a-1.0.jar!/", "", &["a/B.class"])]);
        assert_eq!(unnamed, ["error fn.zip!/lib/a-1.0.jar"]);
        for (container, manifest, names) in [
            ("fn.zip!/a-1.0.jar!/", "", &["a/B.properties"][..]),
            ("fn.zip!/a.zip!/", "", &["a/B.class"]),
            (
                "fn.zip!/rt.jar!/",
                "Implementation-Title: Java Runtime Environment\n",
                &["a/B.class"],
            ),
            ("fn.zip!/app.war!/", "", &["WEB-INF/web.xml", "a/B.class"]),
        ] {
            assert_eq!(
                found(&[jar(container, manifest, names)]),
                [""; 0],
                "{container}"
            );
        }
    }

    #[test]
    fn classes_tell_packages_of_one_name_apart() {
        let known = found(&[jar(
            "fn.zip!/quartz-1.6.3.jar!/",
            "",
            &["org/quartz/Job.class"],
        )]);
        assert_eq!(known, ["opensymphony:quartz 1.6.3 Fingerprint"]);
        let other = found(&[jar(
            "fn.zip!/quartz-1.6.3.jar!/",
            "",
            &["com/acme/Quartz.class"],
        )]);
        assert_eq!(other, ["error fn.zip!/quartz-1.6.3.jar"]);
        let sources = found(&[jar(
            "fn.zip!/kotlin-stdlib-common-1.6.0-sources.jar!/",
            "",
            &["META-INF/x"],
        )]);
        assert_eq!(sources, [""; 0]);
    }

    #[test]
    fn a_version_that_is_left_open_is_that_of_the_file_name() {
        for (container, expected) in [
            ("fn.zip!/lib/a-2.0.jar!/", "g:a 2.0 Installed"),
            ("fn.zip!/lib/b-2.0.jar!/", "g:a - Installed"),
            ("fn.zip!/lib/a.jar!/", "g:a - Installed"),
        ] {
            let names = ["META-INF/maven/g/a/-", "A.class"];
            let found = found(&[jar(container, "", &names)]);
            assert!(
                found.contains(&expected.to_owned()),
                "{container} {found:?}"
            );
        }
        let stated = ["META-INF/maven/g/a/1.0", "A.class"];
        assert_eq!(
            found(&[jar("fn.zip!/a-2.0.jar!/", "", &stated)]),
            ["g:a 1.0 Installed"]
        );
    }

    #[test]
    fn of_two_files_about_one_jar_the_better_counts() {
        let container: Arc<str> = Arc::from("fn.zip!/a-1.0.jar!/");
        let claim = |file: &str, version: Option<&str>| Claim {
            path: EntryPath::new(&container, &format!("META-INF/maven/g/a/{file}")),
            said: Said::Pom(Box::new(Descriptor {
                group: "g".into(),
                artifact: "a".into(),
                version: version.map(str::to_owned),
            })),
        };
        for (claims, expected) in [
            (
                [
                    claim("pom.xml", Some("0.9")),
                    claim("pom.properties", Some("1.0")),
                ],
                "1.0",
            ),
            (
                [claim("pom.properties", None), claim("pom.xml", Some("1.0"))],
                "1.0",
            ),
        ] {
            let (components, _) = resolve(claims.to_vec());
            let versions: Vec<_> = components.iter().map(|c| c.version.as_deref()).collect();
            assert_eq!(versions, [Some(expected)]);
        }
    }
}
