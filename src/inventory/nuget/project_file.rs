//! `*.csproj`, `*.fsproj` and `*.vbproj`, and the files beside them that state versions for several projects.
//!
//! - `PackageReference`: <https://learn.microsoft.com/nuget/consume-packages/package-references-in-project-files>
//! - `PackageVersion`: <https://learn.microsoft.com/nuget/consume-packages/central-package-management>
//!
//! What a project itself asks for is installed in the very version that it states, the lowest that will do
//! (<https://learn.microsoft.com/nuget/concepts/dependency-resolution>).

use crate::component::{Ecosystem, Evidence};
use crate::finding::Location;
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::{owner, xml};
use crate::version::Version;

pub struct ProjectFile;

const SUFFIXES: &[&str] = &[".csproj", ".fsproj", ".vbproj"];
const SHARED: &[&str] = &["Directory.Packages.props", "Directory.Build.props"];

/// Elements that name a package in an `ItemGroup`.
const REFERENCES: &[&str] = &[
    "PackageReference",
    "PackageVersion",
    "GlobalPackageReference",
];

impl Inspector for ProjectFile {
    fn wants(&self, header: &Header) -> bool {
        let path = header.path;
        let is_project = SUFFIXES.iter().any(|suffix| path.inner().ends_with(suffix));
        let is_shared = SHARED.iter().any(|name| path.is_named(name));
        (is_project || is_shared) && owner::is_owners(path)
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        // The version may be an element of the reference, which is complete before it.
        let mut inner_version = None;
        xml::each_element(entry, |names, element| match names {
            [.., reference, "Version"] if REFERENCES.contains(reference) => {
                inner_version = Some(element.text.trim().to_owned());
            }
            [.., "ItemGroup", reference] if REFERENCES.contains(reference) => {
                let inner = inner_version.take();
                let stated = ["VersionOverride", "Version"].iter();
                let mut stated = stated.filter_map(|name| element.attribute(name));
                let version = stated.next().or(inner.as_deref()).unwrap_or_default();
                if let Some(name) = element.attribute("Include").filter(|name| is_known(name)) {
                    let location = Location::at_line(entry.path, element.line);
                    declare(seen, name, version, location);
                }
            }
            _ => {}
        })
    }
}

fn declare(seen: &mut Observations, name: &str, version: &str, location: Location) {
    let ecosystem = Ecosystem::NuGet;
    match exact(version) {
        Some(version) => {
            seen.component(ecosystem, name, version, Evidence::Declared, location);
        }
        // Another file states it, or what builds the project computes it.
        None if version.is_empty() || !is_known(version) => {
            seen.named(ecosystem, name, None, Evidence::Declared, location);
        }
        None => seen.declared(ecosystem, name, version, location),
    }
}

/// Whether nothing in the text is filled in when the project is built.
fn is_known(text: &str) -> bool {
    !text.contains("$(") && !text.contains("@(")
}

/// `1.0.0`, or `[1.0.0]`.
fn exact(version: &str) -> Option<&str> {
    let inner = version
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let version = inner.unwrap_or(version).trim();
    Version::parse(Ecosystem::NuGet, version).map(|_| version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, rows, wants};

    fn read(items: &str) -> Vec<String> {
        let text = format!("<Project Sdk=\"x\"><ItemGroup>{items}</ItemGroup></Project>");
        let rows = rows(&inspect(&ProjectFile, "fn.csproj", text).unwrap());
        let without_path = |row: String| row.replace(" declared fn.csproj:1", "");
        rows.into_iter().map(without_path).collect()
    }

    #[test]
    fn references_state_a_version_or_a_range() {
        let items = "<PackageReference Include=\"A\" Version=\"1.0.0\" />\
            <PackageReference Include=\"B\"><PrivateAssets>all</PrivateAssets><Version> 2.0 </Version></PackageReference>\
            <PackageReference Include=\"C\" Version=\"[3.0.0]\"/><PackageReference Include=\"D\" Version=\"4.*\"/>\
            <PackageReference Include=\"E\" Version=\"[1.0,2.0)\"/><PackageReference Include=\"F\"/>\
            <PackageReference Include=\"G\" Version=\"$(GVersion)\"/><PackageReference Include=\"$(Name)\" Version=\"1.0\"/>\
            <PackageVersion Include=\"H\" Version=\"5.0.0\"/><PackageReference Update=\"A\" Version=\"9.0\"/>\
            <Reference Include=\"System\"/><ProjectReference Include=\"../own/own.csproj\"/>";
        assert_eq!(
            read(items),
            [
                "A 1.0.0",
                "B 2.0",
                "C 3.0.0",
                "D ~4.*",
                "E ~[1.0,2.0)",
                "F ~",
                "G ~",
                "H 5.0.0"
            ]
        );
    }

    #[test]
    fn projects_and_what_they_share_are_wanted() {
        for path in ["fn.csproj", "src/fn.fsproj", "Directory.Packages.props"] {
            assert!(wants(&ProjectFile, path, b""), "{path}");
        }
        assert!(!wants(&ProjectFile, "other.props", b""));
        assert!(!wants(&ProjectFile, "node_modules/a/native/a.csproj", b""));
    }
}
