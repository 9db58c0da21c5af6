//! What in a function is its own project, which is no package.
//!
//! A package that is hidden is never looked at again, so that a descriptor is dropped only where both its place and what
//! it says speak for the project; in doubt it is reported. `docs/java.md` has the rules.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::claims::{Descriptor, is_war, stem};
use super::known;
use super::resolve::{Jar, is_named};

/// Where the libraries lie of a program that is in the folder above.
const LIBRARIES: [&str; 2] = ["lib/", "libs/"];

/// Where they lie of classes that are in no jar: beside those, in a web application and in one of Spring Boot.
const LIBRARIES_OF_CLASSES: [&str; 4] = ["lib/", "libs/", "WEB-INF/lib/", "BOOT-INF/lib/"];

/// What starts the application of Quarkus that is in the folder `app` beside it:
/// <https://quarkus.io/guides/maven-tooling#fast-jar>.
const QUARKUS: &str = "io.quarkus.bootstrap.runner.";

/// What the places of all jars tell.
pub struct Layout {
    /// The jars that are the function.
    own_jars: HashSet<Arc<str>>,
    /// The folders that have jars.
    folders: BTreeMap<String, Vec<Arc<str>>>,
}

impl Layout {
    pub fn of(jars: &BTreeMap<Arc<str>, Jar>) -> Layout {
        let mut folders: BTreeMap<String, Vec<Arc<str>>> = BTreeMap::new();
        for (container, jar) in jars {
            let is_nested = stem(container).is_some() && !jar.is_artifact();
            if let Some(folder) = folder_of(container).filter(|_| is_nested) {
                let here = folders.entry(in_image(folder)).or_default();
                here.push(Arc::clone(container));
            }
        }
        let mut layout = Layout {
            own_jars: at_root(jars),
            folders,
        };
        let own = [layout.program(jars), layout.of_quarkus(jars)].concat();
        layout.own_jars.extend(own);
        layout
    }

    /// The one jar that can be started and has its libraries in a folder below. A second one may be a tool that
    /// somebody else made, and which is which is not known.
    fn program(&self, jars: &BTreeMap<Arc<str>, Jar>) -> Vec<Arc<str>> {
        let mut programs = self.folders.iter().filter_map(|(folder, here)| {
            let [only] = here.as_slice() else { return None };
            let main_class = &jars.get(only)?.manifest.main_class;
            let is_program = !main_class.is_empty() && !main_class.starts_with(QUARKUS);
            (is_program && self.has_jars_in(folder, &LIBRARIES)).then_some(only)
        });
        match (programs.next(), programs.next()) {
            (Some(only), None) => vec![Arc::clone(only)],
            _ => Vec::new(),
        }
    }

    fn of_quarkus(&self, jars: &BTreeMap<Arc<str>, Jar>) -> Vec<Arc<str>> {
        let starters = self.folders.iter().filter(|(_, here)| {
            let mut manifests = here.iter().filter_map(|container| jars.get(container));
            manifests.any(|jar| jar.manifest.main_class.starts_with(QUARKUS))
        });
        let apps = starters.filter_map(|(folder, _)| self.folders.get(&format!("{folder}app/")));
        apps.flatten().cloned().collect()
    }

    /// Whether there are jars in one of these folders, or below it.
    fn has_jars_in(&self, folder: &str, names: &[&str]) -> bool {
        names.iter().any(|name| {
            let start = format!("{folder}{name}");
            let first = self.folders.range(start.clone()..).next();
            first.is_some_and(|(folder, _)| folder.starts_with(&start))
        })
    }

    /// Whether an archive is run, and not used by others.
    pub fn is_program(&self, container: &Arc<str>, jar: &Jar) -> bool {
        self.own_jars.contains(container) || self.is_application(container, jar)
    }

    /// Whether it is laid out as an application, and is run as one. The folders alone are not enough: any jar may have
    /// an entry of such a name.
    fn is_application(&self, container: &Arc<str>, jar: &Jar) -> bool {
        let listing = jar.listing.as_ref();
        listing.is_some_and(|listing| listing.has_application_folders)
            && (jar.is_artifact()
                || self.own_jars.contains(container)
                || is_war(container)
                || jar.manifest.is_by_spring_boot)
    }

    /// The folders of the descriptors that are the function's own project.
    pub fn own<'a>(&self, container: &Arc<str>, jar: &'a Jar) -> HashSet<&'a str> {
        let is_application = self.is_application(container, jar);
        let mut own = HashSet::new();
        if jar.is_artifact() || self.is_program(container, jar) {
            own = projects(container, jar);
            if own.is_empty() && is_application {
                own.extend(only_beside_folders(jar));
            }
        }
        if stem(container).is_none() {
            own.extend(self.of_classes(container, jar));
        }
        // Whoever audits a library by itself asks for what is in it.
        let is_library_itself = jar.is_artifact() && stem(container).is_some();
        own.retain(|folder| {
            let descriptor = jar.descriptors.get(*folder).map(|(_, it)| it);
            is_library_itself
                || !descriptor.is_some_and(|it| known::is_known(&it.group, &it.artifact))
        });
        own
    }

    /// The descriptors of classes that lie in no jar, if each is the only one at its place and libraries lie whole
    /// beside it: then none was unpacked there.
    fn of_classes<'a>(&self, container: &str, jar: &'a Jar) -> Vec<&'a str> {
        let mut places: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for folder in jar.descriptors.keys() {
            if let Some((place, _)) = folder.rsplit_once("META-INF/maven/") {
                places.entry(place).or_default().push(folder);
            }
        }
        let own = places.into_iter().filter_map(|(place, here)| {
            let [only] = here.as_slice() else { return None };
            let folder = in_image(&format!("{container}{place}"));
            self.has_jars_in(&folder, &LIBRARIES_OF_CLASSES)
                .then_some(*only)
        });
        own.collect()
    }
}

/// The one jar at the root of an artifact whose libraries lie elsewhere.
fn at_root(jars: &BTreeMap<Arc<str>, Jar>) -> HashSet<Arc<str>> {
    let own = jars.iter().filter_map(|(container, jar)| {
        let own = jar.listing.as_ref()?.own_jar.as_ref()?;
        Some(Arc::from(format!("{container}{own}!/")))
    });
    own.collect()
}

/// The folder that a jar lies in, with all that is before it; none of a jar in a jar.
fn folder_of(container: &str) -> Option<&str> {
    let archive = container.strip_suffix("!/")?;
    let folder = archive.get(..archive.rfind('/').map_or(0, |at| at + 1))?;
    let outer = folder.get(..folder.rfind("!/").map_or(0, |at| at + 2))?;
    stem(outer).is_none().then_some(folder)
}

/// A folder without the layer that it is in: a jar and its libraries are often put into an image one after another.
fn in_image(folder: &str) -> String {
    match (folder.split_once("!/"), folder.rsplit_once("!/")) {
        (Some((artifact, _)), Some((_, inner))) => format!("{artifact}!/{inner}"),
        _ => folder.to_owned(),
    }
}

/// The descriptors of a program that are its project: that which is named like it; else the one whose group the class
/// that is started is in; else, if Maven built it, the first: the plugins that unpack jars into a project's own begin
/// with that.
fn projects<'a>(container: &str, jar: &'a Jar) -> HashSet<&'a str> {
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
    let listing = jar.listing.as_ref();
    let first = listing.and_then(|listing| listing.first_descriptor.as_deref());
    let first = first.filter(|_| jar.manifest.is_by_maven());
    let folders = jar.descriptors.keys().map(String::as_str);
    folders.filter(|folder| Some(*folder) == first).collect()
}

/// The descriptor beside `WEB-INF` or `BOOT-INF`, if there is one alone.
fn only_beside_folders(jar: &Jar) -> Option<&str> {
    let mut all = jar.descriptors.keys().map(String::as_str);
    match (all.next(), all.next()) {
        (Some(only), None) => Some(only).filter(|only| only.starts_with("META-INF/")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::inventory::maven::testing::{artifact, found, jar};

    const BY_MAVEN: &str = "Created-By: Apache Maven 3.9.6\n";

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
}
