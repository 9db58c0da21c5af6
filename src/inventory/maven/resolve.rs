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
    use crate::inspect::{Contents, Entry, Inspector, Observations};
    use crate::inventory::maven::jar::Jar as Inspected;

    /// An artifact or a jar in one: its prefix, the lines of its manifest, and the names of its entries.
    struct Archive<'a> {
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

    fn found(archives: &[Archive]) -> Vec<String> {
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

    fn jar<'a>(container: &'a str, manifest: &'a str, names: &'a [&'a str]) -> Archive<'a> {
        Archive {
            container,
            is_artifact: false,
            manifest,
            names,
        }
    }

    fn artifact<'a>(container: &'a str, manifest: &'a str, names: &'a [&'a str]) -> Archive<'a> {
        Archive {
            is_artifact: true,
            ..jar(container, manifest, names)
        }
    }

    const BY_MAVEN: &str = "Created-By: Apache Maven 3.9.6\n";

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
    fn an_artifacts_own_project_is_no_package() {
        let shaded = [
            "META-INF/maven/com.acme/orders/1.0",
            "META-INF/maven/g/a/2.0",
            "com/acme/A.class",
        ];
        let last = [
            "META-INF/maven/g/a/2.0",
            "META-INF/maven/com.acme/orders/1.0",
            "com/acme/A.class",
        ];
        for (container, manifest, names) in [
            ("orders-1.0.jar!/", "", &last),
            ("orders-1.0-shaded.jar!/", "", &last),
            ("orders.jar!/", "", &last),
            (
                "function.zip!/",
                "Main-Class: com.acme.orders.Main\n",
                &last,
            ),
            ("function.zip!/", BY_MAVEN, &shaded),
        ] {
            let found = found(&[artifact(container, manifest, names)]);
            assert_eq!(found, ["g:a 2.0 Installed"], "{container} {manifest}");
        }
        // Gradle leaves no coordinates of the project: the first may be a library's.
        assert_eq!(found(&[artifact("function.zip!/", "", &last)]).len(), 2);
    }

    #[test]
    fn the_project_of_an_application_is_its_own_wherever_it_lies() {
        let names = [
            "BOOT-INF/classes/A.class",
            "META-INF/maven/com.acme/orders/1.0",
        ];
        for manifest in [
            "Start-Class: org.other.App\n",
            "Spring-Boot-Version: 3.2.0\n",
        ] {
            let found = found(&[jar("i.tar!/app/app.jar!/", manifest, &names)]);
            assert_eq!(found, [""; 0], "{manifest}");
        }
        let names = ["WEB-INF/web.xml", "META-INF/maven/com.acme/orders/1.0"];
        assert_eq!(found(&[artifact("orders.war!/", "", &names)]), [""; 0]);
        assert_eq!(found(&[jar("i.tar!/ROOT.war!/", "", &names)]), [""; 0]);
    }

    #[test]
    fn an_entry_named_like_that_of_an_application_hides_no_library() {
        for entry in ["WEB-INF/web.xml", "BOOT-INF/x", "WEB-INF/classes/x.txt"] {
            let names = [entry, "META-INF/maven/org.acme/a/1.0", "a/B.class"];
            for container in ["fn.zip!/lib/a-1.0.jar!/", "fn.zip!/lib/other.jar!/"] {
                let found = found(&[jar(container, "Main-Class: org.acme.Main\n", &names)]);
                assert_eq!(found, ["org.acme:a 1.0 Installed"], "{container} {entry}");
            }
            // Nor the error about one that does not say what it is.
            let unnamed = found(&[jar("fn.zip!/lib/a-1.0.jar!/", "", &[entry, "a/B.class"])]);
            assert_eq!(unnamed, ["error fn.zip!/lib/a-1.0.jar"], "{entry}");
        }
    }

    #[test]
    fn of_an_application_only_its_project_is_its_own() {
        let names = [
            "BOOT-INF/classes/A.class",
            "META-INF/maven/com.acme/orders/1.0",
            "META-INF/maven/g/a/2.0",
        ];
        let started = "Start-Class: com.acme.Main\n";
        assert_eq!(
            found(&[jar("i.tar!/app.jar!/", started, &names)]),
            ["g:a 2.0 Installed"]
        );
        // Which of them it is cannot be told, so that both are reported.
        let unknown = "Spring-Boot-Version: 3.2.0\n";
        assert_eq!(found(&[jar("i.tar!/app.jar!/", unknown, &names)]).len(), 2);
        // What is known is nobody's own.
        let names = [
            "WEB-INF/web.xml",
            "META-INF/maven/commons-io/commons-io/2.4",
        ];
        assert_eq!(
            found(&[jar("i.tar!/a.war!/", "", &names)]),
            ["commons-io:commons-io 2.4 Installed"]
        );
    }

    #[test]
    fn the_jar_beside_settings_alone_is_the_function() {
        let names = ["META-INF/maven/com.acme/orders/1.0", "A.class"];
        let own = || jar("fn.zip!/orders.jar!/", BY_MAVEN, &names);
        let settings = artifact(
            "fn.zip!/",
            "",
            &["orders.jar", "config.yml", "log.properties"],
        );
        assert_eq!(found(&[settings, own()]), [""; 0]);
        for other in ["handler.py", "bin/run", "bin/config.yml"] {
            let beside = ["orders.jar", "config.yml", other];
            let found = found(&[artifact("fn.zip!/", "", &beside), own()]);
            assert_eq!(found, ["com.acme:orders 1.0 Installed"], "{other}");
        }
    }

    #[test]
    fn the_one_program_with_libraries_below_is_the_function() {
        let names = ["META-INF/maven/com.acme/orders/1.0", "A.class"];
        let main = "Main-Class: com.acme.Main\n";
        let library = |container| jar(container, "", &["META-INF/maven/g/a/2.0", "A.class"]);
        for (program, libraries) in [
            ("i.tar!/app/orders-1.0.jar!/", "i.tar!/app/lib/a.jar!/"),
            ("i.tar!/app/orders-1.0.jar!/", "i.tar!/app/libs/x/a.jar!/"),
            ("f/orders-1.0.jar!/", "f/lib/a.jar!/"),
            ("i.tar!/l1!/app/x.jar!/", "i.tar!/l2!/app/lib/a.jar!/"),
        ] {
            let found = found(&[jar(program, main, &names), library(libraries)]);
            assert_eq!(found, ["g:a 2.0 Installed"], "{program}");
        }
        for (program, manifest, libraries) in [
            ("i.tar!/app/orders-1.0.jar!/", "", "i.tar!/app/lib/a.jar!/"),
            ("i.tar!/app/orders-1.0.jar!/", main, "i.tar!/app/a.jar!/"),
            (
                "i.tar!/app/lib/orders-1.0.jar!/",
                main,
                "i.tar!/app/lib/a.jar!/",
            ),
            (
                "i.tar!/b.jar!/orders-1.0.jar!/",
                main,
                "i.tar!/b.jar!/lib/a.jar!/",
            ),
        ] {
            let found = found(&[jar(program, manifest, &names), library(libraries)]);
            assert_eq!(found.len(), 2, "{program} {libraries}");
        }
        // Of two programs one may be a tool that somebody else made.
        let two = [
            jar("i.tar!/app/orders-1.0.jar!/", main, &names),
            library("i.tar!/app/lib/a.jar!/"),
            jar("i.tar!/opt/orders-1.0.jar!/", main, &names),
            library("i.tar!/opt/lib/a.jar!/"),
        ];
        assert_eq!(found(&two).len(), 4);
    }

    #[test]
    fn the_application_of_quarkus_is_the_function() {
        let starter = "Main-Class: io.quarkus.bootstrap.runner.QuarkusEntryPoint\n";
        let all = [
            jar("fn.zip!/q/quarkus-run.jar!/", starter, &["x"]),
            jar(
                "fn.zip!/q/app/orders-1.0.jar!/",
                BY_MAVEN,
                &["META-INF/maven/com.acme/orders/1.0", "A.class"],
            ),
            jar(
                "fn.zip!/q/lib/main/g.a-2.0.jar!/",
                "",
                &["META-INF/maven/g/a/2.0"],
            ),
        ];
        assert_eq!(found(&all), ["g:a 2.0 Installed"]);
        assert_eq!(found(&all[1..]).len(), 2);
    }

    #[test]
    fn the_one_descriptor_of_classes_beside_their_libraries_is_the_function() {
        for (own, library) in [
            ("META-INF/maven/com.acme/orders/1.0", "fn.zip!/lib/a.jar!/"),
            (
                "w/META-INF/maven/com.acme/orders/1.0",
                "fn.zip!/w/WEB-INF/lib/a.jar!/",
            ),
            (
                "w/META-INF/maven/com.acme/orders/1.0",
                "fn.zip!/w/BOOT-INF/lib/a.jar!/",
            ),
        ] {
            let library = jar(library, "", &["META-INF/maven/g/a/2.0"]);
            let names = [own];
            let all = [artifact("fn.zip!/", "", &names), library];
            assert_eq!(found(&all), ["g:a 2.0 Installed"], "{own}");
            assert_eq!(found(&all[..1]), ["com.acme:orders 1.0 Installed"], "{own}");
        }
        let unpacked = [
            "META-INF/maven/com.acme/orders/1.0",
            "META-INF/maven/g/b/2.0",
        ];
        let library = jar("fn.zip!/lib/a.jar!/", "", &["META-INF/maven/g/a/2.0"]);
        assert_eq!(
            found(&[artifact("fn.zip!/", "", &unpacked), library]).len(),
            3
        );
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
    fn the_one_jar_beside_the_libraries_is_the_function() {
        let own = jar(
            "fn.zip!/orders.jar!/",
            BY_MAVEN,
            &["META-INF/maven/com.acme/orders/1.0", "A.class"],
        );
        let library = jar(
            "fn.zip!/lib/a-2.0.jar!/",
            "",
            &["META-INF/maven/g/a/2.0", "A.class"],
        );
        let beside = artifact("fn.zip!/", "", &["orders.jar", "lib/a-2.0.jar"]);
        assert_eq!(found(&[beside, own, library]), ["g:a 2.0 Installed"]);
        // A driver that a function in another language brings is no function of its own.
        let driver = jar(
            "fn.zip!/a-2.0.jar!/",
            BY_MAVEN,
            &["META-INF/maven/g/a/2.0", "A.class"],
        );
        let python = artifact("fn.zip!/", "", &["handler.py", "a-2.0.jar"]);
        assert_eq!(found(&[python, driver]), ["g:a 2.0 Installed"]);
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
