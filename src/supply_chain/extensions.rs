//! Extensions of AWS Lambda: programs in `/opt/extensions`, which the platform starts beside the function.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html>. A layer is unpacked in `/opt`.

use crate::artifact::Artifact;
use crate::inspect::{Observations, ObservedFile};

use super::{Sighting, rules};

/// Whoever may run a file.
const MAY_RUN: u32 = 0o111;

/// What is read and not run, though some packers say that everything may run.
const NO_PROGRAMS: [&str; 8] = [
    ".json", ".md", ".txt", ".yaml", ".yml", ".d.ts", ".map", ".toml",
];

pub fn extensions(artifact: &Artifact, seen: &Observations) -> Vec<Sighting> {
    let folder = match artifact.kind == "image" {
        true => "opt/extensions",
        false => "extensions",
    };
    let is_extension = |file: &&ObservedFile| {
        let name = file.path.file_name();
        file.is_deployed
            && file.path.parent() == folder
            && file.mode.is_some_and(|mode| mode & MAY_RUN != 0)
            && !NO_PROGRAMS.iter().any(|suffix| name.ends_with(suffix))
    };
    let extensions = seen.files.iter().filter(is_extension);
    extensions
        .map(|file| {
            let name = file.path.file_name().to_owned();
            Sighting::of(&rules::EXTENSION, file.path.clone(), name)
        })
        .collect()
}
