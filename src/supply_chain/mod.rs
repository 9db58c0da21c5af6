//! Where packages come from, and whether they are what they pretend to be. See docs/supply-chain.md.
//!
//! Inspectors note what may be of interest in [`Traces`]; [`assess`] judges it once all of an artifact is known, when a
//! wheel's `RECORD` can say which files are as their author published them.

mod environment;
mod executables;
mod extensions;
mod finding;
mod install_scripts;
mod links;
mod package_name;
mod python_hooks;
mod record;
pub mod rules;
mod setuid;
mod traces;
mod tree;
mod unicode;

pub use install_scripts::{Scripts, install_scripts};
pub use package_name::{Dependencies, foreign_name, taken_from_elsewhere};
pub use traces::{Sighting, Traces};

use crate::artifact::Artifact;
use crate::finding::Finding;
use crate::inspect::{Inspector, Observations};
use crate::report::ReadError;

use record::Records;
use tree::Tree;

/// What looks for traces. What takes no reading is told by the list of files.
pub const INSPECTORS: &[&dyn Inspector] = &[
    &python_hooks::PthFile,
    &environment::Settings,
    &environment::ImageConfig,
    &executables::Disguised,
    &unicode::SourceText,
    &package_name::LockAliases,
];

/// What is wrong with the artifact, and what could not be told.
#[derive(Debug, Default)]
pub struct Judged {
    pub findings: Vec<Finding>,
    pub errors: Vec<ReadError>,
}

/// Judges what was seen in one artifact.
pub fn assess(artifact: &Artifact, seen: &Observations) -> Judged {
    let tree = Tree::of(artifact.kind == "image", &seen.files);
    let records = Records::read(&tree, seen);
    let mut judged = record::assess(artifact, &tree, &records, seen);
    let mut sightings = seen.supply.sightings.clone();
    sightings.extend(python_hooks::customizers(seen));
    sightings.extend(extensions::extensions(artifact, seen));
    sightings.extend(setuid::programs(artifact, seen));
    sightings.extend(links::leading_out(artifact, seen));
    sightings.extend(package_name::assess(&seen.supply));
    let sightings = sightings.into_iter();
    let findings = sightings.filter_map(|s| finding::of(artifact, s, &tree, &records));
    judged.findings.extend(findings);
    judged
}
