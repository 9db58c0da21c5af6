//! `*.nuspec`: what a package says of itself, in the archive it is published as (`.nupkg`) or unpacked.
//!
//! Specification: <https://learn.microsoft.com/nuget/reference/nuspec>. Packages are unpacked into `NAME/VERSION/`, or, for
//! older projects, into `NAME.VERSION/`; the project's own specification lies in neither.

use super::assemblies::Described;
use crate::component::{Ecosystem, Evidence};
use crate::finding::EntryPath;
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::xml;
use crate::version::Version;

pub struct Nuspec;

const SUFFIX: &str = ".nuspec";

impl Inspector for Nuspec {
    fn wants(&self, header: &Header) -> bool {
        header.path.inner().ends_with(SUFFIX) && is_packages(header.path)
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let (mut id, mut version) = (None, None);
        xml::each_element(entry, |names, element| match names {
            ["package", "metadata", "id"] => id = Some(element.text.trim().to_owned()),
            ["package", "metadata", "version"] => version = Some(element.text.trim().to_owned()),
            _ => {}
        })?;
        let (Some(id), Some(version)) = (id, version) else {
            return Err(Unreadable::new("does not state both id and version"));
        };
        let (ecosystem, location) = (Ecosystem::NuGet, entry.path.clone());
        seen.stated(ecosystem, id, &version, Evidence::Installed, location);
        seen.assemblies.described.push(Described {
            by: entry.path.clone(),
            files: None,
        });
        Ok(())
    }
}

/// Whether the file lies where the specification of a package does.
fn is_packages(path: &EntryPath) -> bool {
    let name = path.file_name().strip_suffix(SUFFIX).unwrap_or_default();
    let (above, folder) = path
        .parent()
        .rsplit_once('/')
        .unwrap_or(("", path.parent()));
    let above = above.rsplit_once('/').map_or(above, |(_, last)| last);
    let is_version = |text: &str| Version::parse(Ecosystem::NuGet, text).is_some();
    let after_name = folder.get(name.len()..).filter(|_| {
        let start = folder.get(..name.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(name))
    });
    let with_version = after_name.and_then(|rest| rest.strip_prefix('.'));
    let in_archive = path.container().ends_with(".nupkg!/")
        && path.container().matches("!/").count() > 1
        && path.parent().is_empty();
    in_archive
        || (above.eq_ignore_ascii_case(name) && is_version(folder))
        || with_version.is_some_and(is_version)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::inventory::testing::{inspect, rows, wants};

    const SPEC: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<package xmlns=\"urn:x\">\n <metadata minClientVersion=\"2.12\">\n\
        <id>Newtonsoft.Json</id>\n<version>13.0.1</version>\n<dependencies><group><dependency id=\"A\" version=\"1.0\"/></group></dependencies>\n\
        </metadata>\n</package>";

    #[test]
    fn an_unpacked_package_is_installed() {
        for path in [
            "packages/newtonsoft.json/13.0.1/newtonsoft.json.nuspec",
            "packages/Newtonsoft.Json.13.0.1/Newtonsoft.Json.nuspec",
        ] {
            let seen = inspect(&Nuspec, path, SPEC).unwrap();
            assert_eq!(
                rows(&seen),
                [format!("Newtonsoft.Json 13.0.1 installed {path}")]
            );
        }
    }

    #[test]
    fn a_packed_one_is_too_but_not_the_artifact_itself() {
        for (container, expected) in [
            ("fn.zip!/a.1.0.0.nupkg!/", true),
            ("a.1.0.0.nupkg!/", false),
        ] {
            let path = EntryPath::new(&Arc::from(container), "a.nuspec");
            assert_eq!(is_packages(&path), expected, "{container}");
        }
    }

    #[test]
    fn the_projects_own_are_not_wanted() {
        for path in [
            "a.nuspec",
            "a/a.nuspec",
            "src/1.0/a.nuspec",
            "a.x/a.nuspec",
            "é/aa.nuspec",
        ] {
            assert!(!wants(&Nuspec, path, b""), "{path}");
        }
    }

    #[test]
    fn one_that_states_nothing_is_reported() {
        let path = "a/1.0.0/a.nuspec";
        let text = "<package><metadata><id>a</id></metadata></package>";
        assert!(inspect(&Nuspec, path, text).is_err());
        assert!(inspect(&Nuspec, path, "<package>").is_err());
    }
}
