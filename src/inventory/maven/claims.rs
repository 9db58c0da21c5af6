//! What the entries of a jar say of it. Each alone decides nothing: `resolve.rs` settles it once all are known.

use std::sync::Arc;

use super::known::Known;
use super::manifest::Manifest;
use crate::finding::EntryPath;

/// What is said of a jar, and by which of its entries.
#[derive(Clone, Debug)]
pub struct Claim {
    pub path: EntryPath,
    pub said: Said,
}

#[derive(Clone, Debug)]
pub enum Said {
    Pom(Box<Descriptor>),
    Manifest(Box<Manifest>),
    /// Said by the jar's directory; `path` is that of the jar itself.
    Listing(Box<Listing>),
}

/// Coordinates in `META-INF/maven/GROUP/ARTIFACT`.
#[derive(Clone, Debug)]
pub struct Descriptor {
    pub group: String,
    pub artifact: String,
    /// None where the file leaves it to others.
    pub version: Option<String>,
}

/// What the names in an archive tell.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The prefix of what is in the archive.
    pub container: Arc<str>,
    /// Whether it is the artifact that is audited, or a part of it.
    pub is_artifact: bool,
    pub has_classes: bool,
    /// Whether it has folders of an application that is run: of a war, or of a jar of Spring Boot. A library may have
    /// such a file by accident, or to be overlooked.
    pub has_application_folders: bool,
    /// The folder of the first `META-INF/maven/GROUP/ARTIFACT`, in the archive's order.
    pub first_descriptor: Option<Box<str>>,
    /// What jars of its file name with such classes are.
    pub known: Vec<&'static Known>,
    /// Of the artifact: the one jar that is the function itself, beside the libraries that it uses.
    pub own_jar: Option<Box<str>>,
}

/// The suffixes of Java's archives. A nested archive of another name is one that somebody packed.
const JAR_SUFFIXES: [&str; 8] = [
    ".jar", ".war", ".ear", ".par", ".sar", ".hpi", ".jpi", ".nar",
];

/// The file name of a jar without its suffix, of the prefix of what is in it: `a-1.0` of `fn.zip!/lib/a-1.0.jar!/`.
pub fn stem(container: &str) -> Option<&str> {
    let archive = container.strip_suffix("!/")?;
    let name = archive.rsplit('/').next().unwrap_or(archive);
    let has = |suffix: &&str| {
        let at = name.len().checked_sub(suffix.len());
        at.and_then(|at| name.get(at..))
            .is_some_and(|end| end.eq_ignore_ascii_case(suffix))
    };
    let suffix = JAR_SUFFIXES.iter().find(|suffix| has(suffix))?;
    name.get(..name.len() - suffix.len())
        .filter(|stem| !stem.is_empty())
}

/// Whether a file lies in a jar that the artifact carries, and not among the classes of an application: what it asks for
/// is what the jar's author worked with.
pub fn is_inside_library(path: &EntryPath) -> bool {
    // The first link of the chain is the artifact itself.
    let nested_in = path
        .container()
        .split_once("!/")
        .map_or("", |(_, rest)| rest);
    let folders = ["BOOT-INF/", "WEB-INF/"];
    stem(nested_in).is_some()
        && !folders
            .iter()
            .any(|folder| path.inner().starts_with(folder))
}

/// Whether a jar of this name holds what developers read, or test with, and nothing that runs.
pub fn is_of_developers(stem: &str) -> bool {
    const ENDS: [&str; 4] = ["-sources", "-javadoc", "-test-sources", "-test-javadoc"];
    ENDS.iter().any(|end| stem.ends_with(end))
}

/// Whether what is in it is in a web application's archive.
pub fn is_war(container: &str) -> bool {
    let name = container.strip_suffix(".war!/");
    let upper = || container.strip_suffix(".WAR!/");
    name.or_else(upper).is_some()
}

/// The path of an archive, of the prefix of what is in it.
pub fn archive(container: &str) -> EntryPath {
    EntryPath::new(
        &Arc::from(""),
        container.strip_suffix("!/").unwrap_or(container),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jar_is_known_by_its_suffix_in_any_case() {
        assert_eq!(stem("fn.zip!/lib/a-1.0.jar!/"), Some("a-1.0"));
        assert_eq!(stem("A.WAR!/"), Some("A"));
        for container in ["fn.zip!/", "folder/", "lib/.jar!/", "a.jar/", "é!/"] {
            assert_eq!(stem(container), None, "{container}");
        }
    }
}
