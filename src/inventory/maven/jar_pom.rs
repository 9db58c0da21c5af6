//! The `pom.properties` and `pom.xml` that Maven leaves in `META-INF/maven/GROUP/ARTIFACT` of a jar: the coordinates
//! of the jar, and in a shaded one those of each jar that was unpacked into it.
//!
//! <https://maven.apache.org/shared/maven-archiver/#archive>. Relocated classes keep the file of their jar.

use super::claims::{self, Claim, Descriptor, Said};
use super::coordinates::{is_id, is_version};
use super::pom::Pom;
use super::properties;
use crate::finding::EntryPath;
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};

pub struct JarPom;

const PROPERTIES: &str = "/pom.properties";
const XML: &str = "/pom.xml";
const FOLDER: &str = "META-INF/maven/";

/// Where applications keep their own classes, in a war and in a jar of Spring Boot.
const CLASS_FOLDERS: [&str; 3] = ["", "WEB-INF/classes/", "BOOT-INF/classes/"];

impl Inspector for JarPom {
    fn wants(&self, header: &Header) -> bool {
        is_descriptor(header.path)
    }

    /// The largest models that are published have some hundred kilobytes.
    fn max_size(&self) -> u64 {
        2 * 1024 * 1024
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let descriptor = if entry.path.inner().ends_with(XML) {
            Pom::parse(entry)?.and_then(|pom| {
                let (group, artifact) = pom.id()?;
                let version = pom.version();
                Some(Descriptor {
                    group,
                    artifact,
                    version,
                })
            })
        } else {
            let said = properties::parse(&String::from_utf8_lossy(entry.bytes));
            (is_id(&said.group) && is_id(&said.artifact)).then(|| Descriptor {
                group: said.group,
                artifact: said.artifact,
                version: Some(said.version).filter(|version| is_version(version)),
            })
        };
        // Maven names the folders after the coordinates: what the file leaves open, they say.
        if let Some(descriptor) = descriptor.or_else(|| of_folder(entry.path)) {
            seen.jars.push(Claim {
                path: entry.path.clone(),
                said: Said::Pom(Box::new(descriptor)),
            });
        }
        Ok(())
    }
}

fn of_folder(path: &EntryPath) -> Option<Descriptor> {
    let (_, folders) = path.parent().rsplit_once(FOLDER)?;
    let (group, artifact) = folders.split_once('/')?;
    (is_id(group) && is_id(artifact)).then(|| Descriptor {
        group: group.to_owned(),
        artifact: artifact.to_owned(),
        version: None,
    })
}

/// Whether it is `META-INF/maven/GROUP/ARTIFACT/pom.*`, in a jar where the jar itself has them: a jar that carries
/// others for its tests has those in folders of their own.
pub fn is_descriptor(path: &EntryPath) -> bool {
    let inner = path.inner();
    let folder = inner
        .strip_suffix(PROPERTIES)
        .or_else(|| inner.strip_suffix(XML));
    let Some((before, after)) = folder.and_then(|folder| folder.rsplit_once(FOLDER)) else {
        return false;
    };
    let has_both = after.split_once('/').is_some_and(|(group, artifact)| {
        !group.is_empty() && !artifact.is_empty() && !artifact.contains('/')
    });
    let is_in_place = match claims::stem(path.container()) {
        Some(_) => CLASS_FOLDERS.contains(&before),
        None => before.is_empty() || (before.ends_with('/') && !is_of_tests(before)),
    };
    has_both && is_in_place
}

/// Whether a folder holds what tests need.
pub fn is_of_tests(folder: &str) -> bool {
    let mut parts = folder.split('/');
    parts.any(|part| {
        matches!(
            part,
            "test" | "tests" | "test-classes" | "fixtures" | "testdata"
        )
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::inventory::testing::inspect;

    fn said(path: &str, text: &str) -> String {
        let seen = inspect(&JarPom, path, text).unwrap();
        let descriptors = seen.jars.iter().map(|claim| match &claim.said {
            Said::Pom(d) => format!("{}:{} {:?}", d.group, d.artifact, d.version.as_deref()),
            other => panic!("{other:?}"),
        });
        descriptors.collect()
    }

    #[test]
    fn both_files_say_coordinates() {
        let properties = "version=1.0\ngroupId=org.acme\nartifactId=a\n";
        assert_eq!(
            said("META-INF/maven/org.acme/a/pom.properties", properties),
            "org.acme:a Some(\"1.0\")"
        );
        let xml = "<project><parent><groupId>org.acme</groupId><version>1.0</version></parent>\
                   <artifactId>a</artifactId></project>";
        assert_eq!(
            said("META-INF/maven/org.acme/a/pom.xml", xml),
            "org.acme:a Some(\"1.0\")"
        );
    }

    #[test]
    fn what_the_file_leaves_open_its_folders_say() {
        let xml = "<project><groupId>${g}</groupId><artifactId>a</artifactId></project>";
        assert_eq!(
            said("META-INF/maven/org.acme/a/pom.xml", xml),
            "org.acme:a None"
        );
        assert_eq!(
            said("META-INF/maven/org.acme/a/pom.properties", "version=${v}"),
            "org.acme:a None"
        );
        assert_eq!(said("META-INF/maven/${g}/a/pom.properties", ""), "");
    }

    #[test]
    fn a_broken_model_is_reported() {
        let error =
            inspect(&JarPom, "META-INF/maven/g/a/pom.xml", "<project>\n<a></b>").unwrap_err();
        assert_eq!(error.line, Some(2));
    }

    #[test]
    fn only_the_jars_own_are_wanted() {
        let is = |container: &str, inner: &str| {
            is_descriptor(&EntryPath::new(&Arc::from(container), inner))
        };
        assert!(is("fn.zip!/a.jar!/", "META-INF/maven/g/a/pom.xml"));
        assert!(is(
            "fn.zip!/a.war!/",
            "WEB-INF/classes/META-INF/maven/g/a/pom.properties"
        ));
        assert!(is("fn.zip!/", "META-INF/maven/g/a/pom.properties"));
        assert!(is(
            "i.tar!/layer.tar!/",
            "app/classes/META-INF/maven/g/a/pom.properties"
        ));
        for (container, inner) in [
            ("fn.zip!/a.jar!/", "samples/META-INF/maven/g/a/pom.xml"),
            ("fn.zip!/a.jar!/", "META-INF/maven/a/pom.xml"),
            ("fn.zip!/a.jar!/", "META-INF/maven/g/a/b/pom.xml"),
            ("fn.zip!/a.jar!/", "META-INF/maven/g/a/plugin.xml"),
            ("fn.zip!/a.jar!/", "pom.xml"),
            ("fn.zip!/", "src/test/META-INF/maven/g/a/pom.xml"),
            ("fn.zip!/", "NOT-META-INF/maven/g/a/pom.xml"),
        ] {
            assert!(!is(container, inner), "{container}{inner}");
        }
    }
}
