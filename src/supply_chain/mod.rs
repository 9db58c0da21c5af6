//! Where packages come from, and whether they are what they pretend to be. See docs/supply-chain.md.
//!
//! Inspectors note what may be of interest in [`Traces`]; [`assess`] judges it once all of an artifact is known, when a
//! wheel's `RECORD` can say which files are as their author published them.

mod assignments;
mod command_words;
mod edit;
mod environment;
mod executables;
mod extensions;
mod finding;
mod harmless_text;
mod index_variables;
mod install_scripts;
mod link_targets;
mod links;
pub mod origin;
pub mod origins;
mod package_name;
mod popular;
mod python_hooks;
mod record;
pub mod rules;
mod setting_text;
mod setuid;
mod traces;
mod tree;
pub mod typosquat;
mod unicode;

pub use install_scripts::{Prepare, Scripts, install_scripts};
pub use package_name::{Dependencies, foreign_name, leads_elsewhere, taken_from_elsewhere};
pub use traces::{Sighting, Traces};

use std::sync::Arc;

use crate::artifact::Artifact;
use crate::finding::{EntryPath, Finding};
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

/// Findings about one artifact that are kept, besides those about its wheels.
const MAX_FINDINGS: usize = 10_000;

/// What is wrong with the artifact, and what could not be told.
#[derive(Debug, Default)]
pub struct Judged {
    pub findings: Vec<Finding>,
    pub errors: Vec<ReadError>,
}

/// Judges what was seen in one artifact.
pub fn assess(artifact: &Artifact, seen: &Observations) -> Judged {
    // Without lists there is nothing to compare files with.
    let files = if seen.records.is_empty() {
        &[]
    } else {
        seen.files.as_slice()
    };
    let tree = Tree::of(artifact.kind == "image", files);
    let records = Records::read(&tree, seen);
    let mut judged = record::assess(artifact, &tree, &records, seen);
    let mut sightings = seen.supply.sightings.clone();
    python_hooks::lower_outside_sites(&mut sightings, seen);
    sightings.extend(python_hooks::customizers(seen));
    sightings.extend(python_hooks::linked(seen));
    sightings.extend(install_scripts::prepares(seen));
    sightings.extend(extensions::extensions(artifact, seen));
    sightings.extend(setuid::programs(artifact, seen));
    sightings.extend(links::leading_out(artifact, seen, &mut judged.errors));
    sightings.extend(package_name::assess(&seen.supply));
    if sightings.len() > MAX_FINDINGS {
        let left_out = sightings.len() - MAX_FINDINGS;
        let message = format!(
            "has more than {MAX_FINDINGS} findings about its supply chain: {left_out} were left out of this report"
        );
        let whole = EntryPath::new(&Arc::from(""), &artifact.path);
        judged.errors.push(ReadError::new(whole, message));
    }
    let sightings = sightings.into_iter().take(MAX_FINDINGS);
    let findings = sightings.filter_map(|s| finding::of(artifact, s, &tree, &records));
    judged.findings.extend(findings);
    judged
}
