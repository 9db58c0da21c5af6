//! Maven: what jars say of themselves and of what was put into them, manifests and lock files. See `docs/java.md`.

pub(crate) mod claims;
mod coordinates;
mod file_name;
mod gradle_lockfile;
mod identify;
mod jar;
mod jar_pom;
mod known;
mod manifest;
mod maven_lockfile;
mod pom;
mod pom_xml;
mod properties;
pub(super) mod resolve;

use crate::inspect::Inspector;

/// Every Maven format. To add one is to add its file and its line.
pub const INSPECTORS: &[&dyn Inspector] = &[
    &jar::Jar,
    &jar_pom::JarPom,
    &pom_xml::PomXml,
    &gradle_lockfile::GradleLockfile,
    &maven_lockfile::MavenLockfile,
];

/// Those that read a lock file.
pub const LOCKS: &[&dyn Inspector] = &[
    &gradle_lockfile::GradleLockfile,
    &maven_lockfile::MavenLockfile,
];
