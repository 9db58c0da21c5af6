//! `packages.config`, the list of packages of older projects: every one of them, in one version.
//!
//! Specification: <https://learn.microsoft.com/nuget/reference/packages-config>.

use crate::component::{Ecosystem, Evidence};
use crate::finding::Location;
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::{owner, xml};

pub struct PackagesConfig;

impl Inspector for PackagesConfig {
    fn wants(&self, header: &Header) -> bool {
        let names = ["packages.config", "Packages.config"];
        names.iter().any(|name| header.path.is_named(name)) && owner::is_owners(header.path)
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        xml::each_element(entry, |names, element| {
            if let (["packages", "package"], Some(id), Some(version)) =
                (names, element.attribute("id"), element.attribute("version"))
            {
                let location = Location::at_line(entry.path, element.line);
                seen.stated(Ecosystem::NuGet, id, version, Evidence::Locked, location);
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, rows, wants};

    #[test]
    fn every_package_has_one_version() {
        let text = "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<packages>\r\n\
            <package id=\"A.B\" version=\"1.0.0\" targetFramework=\"net48\" />\r\n\
            <package id=\"C\" version=\"2.0.0.1-rc\" developmentDependency=\"true\"></package>\r\n\
            <package id=\"odd\" />\r\n</packages>\r\n";
        assert_eq!(
            rows(&inspect(&PackagesConfig, "packages.config", text).unwrap()),
            [
                "A.B 1.0.0 locked packages.config:3",
                "C 2.0.0.1-rc locked packages.config:4"
            ]
        );
    }

    #[test]
    fn the_case_of_its_name_does_not_matter() {
        assert!(wants(&PackagesConfig, "api/Packages.config", b""));
        assert!(!wants(&PackagesConfig, "web.config", b""));
    }
}
