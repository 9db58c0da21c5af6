//! The coordinates of a jar that does not state them.
//!
//! The file name tells the artifact and the version: it is the repository's own. A manifest is what its author cared to
//! write: `Implementation-Version` may be that of the release before, and `Bundle-Version` is written as OSGi wants it.
//! No header is made for the group, so that each of those that may hold it counts only in the form in which a tool
//! writes it that takes it from the coordinates. The name of a module (`Automatic-Module-Name`, `module-info.class`), and
//! the folders of classes, are none: `org.apache.velocity` may be the group, or the group and the artifact.

use super::claims::Descriptor;
use super::coordinates::{is_id, is_version};
use super::file_name::{self, FileName};
use super::known::Known;
use super::manifest::Manifest;
use crate::component::Evidence;
use crate::inspect::Unreadable;

/// Vendors that publish in many groups, and write their own name for each.
const VENDORS: [&str; 8] = [
    "com.google",
    "com.ibm",
    "com.microsoft",
    "com.oracle",
    "com.sun",
    "org.apache",
    "org.codehaus",
    "org.eclipse",
];

/// `stem` is the file name without its suffix, `known` what jars of this name with such classes are.
pub fn identify(
    stem: &str,
    manifest: &Manifest,
    known: &[&Known],
) -> Result<(Descriptor, Evidence), Unreadable> {
    let stated = stated_version(manifest);
    let Some(FileName { artifact, version }) = file_name::parse(stem, stated.unwrap_or_default())
    else {
        return Err(unnamed(stem, None));
    };
    if let Some(mut descriptor) = of_gradle_title(&manifest.title) {
        // The title has the name of the project, under which not every project publishes.
        if version == descriptor.version.as_deref() {
            artifact.clone_into(&mut descriptor.artifact);
        }
        return Ok((descriptor, Evidence::Installed));
    }
    // A name that has a version which cannot be told from what follows it is no reason to believe another.
    let version = version.or_else(|| stated.filter(|_| artifact == stem));
    let table = known.iter().find(|known| known.holds_for(version));
    let (group, evidence) = if let Some(known) = table {
        (known.group, Evidence::Fingerprint)
    } else if let Some(group) =
        of_bundle(manifest.symbolic_name(), artifact).or_else(|| of_vendor(manifest, artifact))
    {
        (group, Evidence::Installed)
    } else {
        return Err(unnamed(artifact, version));
    };
    let descriptor = Descriptor {
        group: group.to_owned(),
        artifact: artifact.to_owned(),
        version: version.map(str::to_owned),
    };
    Ok((descriptor, evidence))
}

fn unnamed(artifact: &str, version: Option<&str>) -> Unreadable {
    let version = version
        .map(|version| format!(" {version}"))
        .unwrap_or_default();
    Unreadable::new(format!(
        "is a jar that does not say which package it is: the group of {artifact}{version} is not known, and it was matched with \
         no advisories"
    ))
}

/// Nebula's plugin for Gradle writes `group#artifact;version`:
/// <https://github.com/nebula-plugins/gradle-info-plugin>.
fn of_gradle_title(title: &str) -> Option<Descriptor> {
    let (group, rest) = title.split_once('#')?;
    let (artifact, version) = rest.split_once(';')?;
    (is_id(group) && is_id(artifact) && is_version(version)).then(|| Descriptor {
        group: group.to_owned(),
        artifact: artifact.to_owned(),
        version: Some(version.to_owned()),
    })
}

/// The version that the manifest states. OSGi writes three numbers and a word where Maven may have less, and other
/// signs: only its plain numbers are certain to be the same.
fn stated_version(manifest: &Manifest) -> Option<&str> {
    let is_plain = |version: &&str| {
        version
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
    };
    let begins =
        |version: &&str| version.starts_with(|c: char| c.is_ascii_digit()) && is_version(version);
    let implementation = Some(manifest.version.as_str()).filter(begins);
    implementation.or_else(|| {
        Some(manifest.bundle_version.as_str())
            .filter(begins)
            .filter(is_plain)
    })
}

/// A bundle is named `group.artifact`: <https://felix.apache.org/documentation/subprojects/apache-felix-maven-bundle-plugin-bnd.html>.
/// Without a hyphen in it that may as well be a package, and the end of the group.
fn of_bundle<'a>(bundle: &'a str, artifact: &str) -> Option<&'a str> {
    let group = bundle.strip_suffix(artifact)?.strip_suffix('.')?;
    (artifact.contains('-') && is_id(group)).then_some(group)
}

/// sbt writes its `organization`, which is the group, and its `name`, which is the artifact without the version of Scala:
/// <https://www.scala-sbt.org/1.x/docs/Publishing.html>. Others who write both in that form mean the same.
fn of_vendor<'a>(manifest: &'a Manifest, artifact: &str) -> Option<&'a str> {
    let vendor = manifest.vendor_id.as_str();
    let rest = artifact
        .strip_prefix(manifest.title.as_str())
        .filter(|_| !manifest.title.is_empty())?;
    let is_title = rest.is_empty() || rest.starts_with("_2.") || rest.starts_with("_3");
    (is_title && is_id(vendor) && vendor.contains('.') && !VENDORS.contains(&vendor))
        .then_some(vendor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::maven::known;

    fn manifest(title: &str, version: &str, vendor_id: &str, bundle_name: &str) -> Manifest {
        Manifest {
            title: title.into(),
            version: version.into(),
            vendor_id: vendor_id.into(),
            bundle_name: bundle_name.into(),
            ..Manifest::default()
        }
    }

    /// `group:artifact version`, or the message.
    fn found(stem: &str, manifest: &Manifest) -> String {
        match identify(stem, manifest, &[]) {
            Ok((d, _)) => format!(
                "{}:{} {}",
                d.group,
                d.artifact,
                d.version.as_deref().unwrap_or("-")
            ),
            Err(unknown) => unknown.message,
        }
    }

    #[test]
    fn tools_leave_the_group_in_headers() {
        for (stem, manifest, expected) in [
            (
                "renamed",
                manifest("org.acme#a-b;1.0", "1.0", "", ""),
                "org.acme:a-b 1.0",
            ),
            (
                "a-b-1.0",
                manifest("org.acme#b;1.0", "1.0", "", ""),
                "org.acme:a-b 1.0",
            ),
            (
                "a-b-1.0",
                manifest("", "", "", "org.acme.a-b;singleton:=true"),
                "org.acme:a-b 1.0",
            ),
            (
                "a-b_2.13-1.0",
                manifest("a-b", "0.9", "org.acme.scala", ""),
                "org.acme.scala:a-b_2.13 1.0",
            ),
            (
                "a-b",
                manifest("a-b", "1.0", "org.acme", ""),
                "org.acme:a-b 1.0",
            ),
            (
                "a-b",
                manifest("a-b", "trunk", "org.acme", ""),
                "org.acme:a-b -",
            ),
            (
                "a-b-1.0-secret",
                manifest("a-b", "2.0", "org.acme", ""),
                "org.acme:a-b -",
            ),
        ] {
            assert_eq!(found(stem, &manifest), expected, "{stem} {manifest:?}");
        }
    }

    #[test]
    fn what_may_be_the_group_or_not_is_none() {
        for manifest in [
            manifest("", "1.0", "", ""),
            manifest("Velocity", "1.0", "org.acme", ""),
            manifest("velocity", "1.0", "org.apache", ""),
            manifest("velocity", "1.0", "acme", ""),
            manifest("", "1.0", "", "org.apache.velocity"),
            manifest("org.acme#velocity;${version}", "1.0", "", ""),
        ] {
            let message = found("velocity-1.0", &manifest);
            assert!(
                message.contains("the group of velocity 1.0 is not known"),
                "{message}"
            );
        }
    }

    #[test]
    fn a_jar_with_the_name_and_the_classes_of_a_known_package_is_that() {
        let rows: Vec<&Known> = known::of_artifact("quartz").collect();
        let group = |stem: &str, version: &str| {
            let found = identify(stem, &manifest("", version, "", ""), &rows);
            found.map(|(d, evidence)| (d.group, evidence)).ok()
        };
        let expected = |group: &str| Some((group.to_owned(), Evidence::Fingerprint));
        assert_eq!(group("quartz-1.6.3", ""), expected("opensymphony"));
        assert_eq!(group("quartz", "2.3.2"), expected("org.quartz-scheduler"));
        assert_eq!(group("quartz", ""), None);
    }
}
