//! What a walk brings back, and how much of it there may be.

use super::image::{self, LayerFiles};
use super::walk::Place;
use crate::component::ObservedComponent;
use crate::finding::{ArtifactFinding, EntryPath};
use crate::inspect::{Observations, ObservedFile};
use crate::report::ReadError;

/// Rows of one kind that are kept. Far more than an honest artifact has: the largest functions hold some
/// thousands of components, and a report with more errors than this says nothing by the next one.
const MAX_COMPONENTS: usize = 200_000;
const MAX_ERRORS: usize = 10_000;
const MAX_FINDINGS: usize = 10_000;
const MAX_SECRETS: usize = 10_000;
const MAX_SUPPLY_ROWS: usize = 100_000;
/// Of the name and version of one component. No registry takes names of half the length.
const MAX_NAME: usize = 4096;
/// Of all of them together, which have some dozen bytes each.
const MAX_NAME_BYTES: usize = 64 * 1024 * 1024;
/// Of the names of files and of where links lead. A million of them have some hundred bytes each at most.
const MAX_FILE_BYTES: usize = 128 * 1024 * 1024;
/// The largest functions have some megabytes of these lists.
const MAX_RECORD_BYTES: usize = 64 * 1024 * 1024;
/// Lines of them. An environment with everything for data science has some hundred thousand at most.
const MAX_RECORD_LINES: usize = 500_000;

#[derive(Debug, Default)]
pub struct Seen {
    pub observations: Observations,
    errors: Vec<ReadError>,
    findings: Vec<ArtifactFinding>,
    pub layers: Vec<LayerFiles>,
    /// Every file, and where its container stands.
    files: Vec<(ObservedFile, Place)>,
    /// The artifact's own files, and those in its layers if it is an image.
    pub own: Count,
    pub in_layers: Count,
    /// Set where the artifact as a whole is cut, so that what follows is unknown.
    pub cut: Option<String>,
    left_out: LeftOut,
    name_bytes: usize,
    record_bytes: usize,
    record_lines: usize,
    file_bytes: usize,
}

/// A number of files, and their unpacked bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Count {
    pub entries: u64,
    pub bytes: u64,
}

impl Count {
    pub fn add(&mut self, entries: u64, bytes: u64) {
        self.entries += entries;
        self.bytes += bytes;
    }
}

/// How many rows came after the last that was kept.
#[derive(Debug, Default)]
struct LeftOut {
    components: usize,
    errors: usize,
    findings: usize,
    secrets: usize,
    supply: usize,
    records: usize,
    names: usize,
    files: usize,
}

impl Seen {
    pub fn error(&mut self, error: ReadError) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(error);
        } else {
            self.left_out.errors += 1;
        }
    }

    pub fn finding(&mut self, finding: ArtifactFinding) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(finding);
        } else {
            self.left_out.findings += 1;
        }
    }

    pub fn file(&mut self, file: ObservedFile, place: Place) {
        let link = file.link.as_ref().map_or(0, |link| link.len());
        let bytes = file.path.inner().len() + link;
        if self.file_bytes + bytes <= MAX_FILE_BYTES {
            self.file_bytes += bytes;
            self.files.push((file, place));
        } else {
            self.left_out.files += 1;
        }
    }

    pub fn observe(&mut self, mut observations: Observations) {
        let room = MAX_COMPONENTS.saturating_sub(self.observations.rows());
        self.left_out.components += observations.truncate(room);
        let mut has_room = |row: &ObservedComponent| {
            let range = row.version_range.as_ref().map_or(0, String::len);
            let version = row.version.as_ref().map_or(0, String::len);
            let bytes = row.name.len() + version + range;
            let fits = bytes <= MAX_NAME && self.name_bytes + bytes <= MAX_NAME_BYTES;
            if fits {
                self.name_bytes += bytes;
            } else {
                self.left_out.names += 1;
            }
            fits
        };
        observations.components.retain(&mut has_room);
        observations.optional.retain(&mut has_room);
        let room = MAX_SECRETS.saturating_sub(self.observations.secrets.len());
        self.left_out.secrets += observations.secrets.len().saturating_sub(room);
        observations.secrets.truncate(room);
        let room = MAX_SUPPLY_ROWS.saturating_sub(self.observations.supply.len());
        self.left_out.supply += observations.supply.truncate(room);
        observations.records.retain(|record| {
            let bytes = self.record_bytes + record.text.len();
            let lines = self.record_lines + memchr::memchr_iter(b'\n', &record.text).count();
            let fits = bytes <= MAX_RECORD_BYTES && lines <= MAX_RECORD_LINES;
            if fits {
                self.record_bytes = bytes;
                self.record_lines = lines;
            } else {
                self.left_out.records += 1;
            }
            fits
        });
        self.observations.append(observations);
    }

    pub fn is_empty(&self) -> bool {
        self.own.entries == 0 && self.errors.is_empty() && self.findings.is_empty()
    }

    /// Which files are the artifact's own is known once it is known whether it is an image.
    pub fn settle_files(&mut self, is_image: bool) {
        let files = std::mem::take(&mut self.files).into_iter();
        let files = files.map(|(file, place)| ObservedFile {
            is_deployed: if is_image {
                place.in_layer
            } else {
                place.counted
            },
            ..file
        });
        let is_whiteout = |file: &ObservedFile| is_image && image::is_whiteout(&file.path);
        let files = files.filter(|file| file.is_deployed || file.sha256.is_some());
        let files = files.filter(|file| !is_whiteout(file));
        self.observations.files = files.collect();
    }

    /// The errors and findings, and a row for what there was no room for.
    pub fn take_rows(&mut self, artifact: &EntryPath) -> (Vec<ReadError>, Vec<ArtifactFinding>) {
        let left_out = std::mem::take(&mut self.left_out);
        let mut errors = std::mem::take(&mut self.errors);
        if left_out.records > 0 {
            let message = format!(
                "has more than {MAX_RECORD_BYTES} bytes or {MAX_RECORD_LINES} lines of RECORD files: {} were left out, so \
                 that secrets in the files of their packages count as the function's own, and their files were not \
                 compared with what was published",
                left_out.records
            );
            errors.push(ReadError::new(artifact.clone(), message));
        }
        if left_out.files > 0 {
            let message = format!(
                "has files with more than {MAX_FILE_BYTES} bytes of names: {} were left out of sizes, and not compared with \
                 what was published",
                left_out.files
            );
            errors.push(ReadError::new(artifact.clone(), message));
        }
        if left_out.names > 0 {
            let message = format!(
                "has components with more than {MAX_NAME} bytes of a name and version, or {MAX_NAME_BYTES} of all together: {} \
                 were left out of this report",
                left_out.names
            );
            errors.push(ReadError::new(artifact.clone(), message));
        }
        for (n, what, kept) in [
            (left_out.secrets, "secrets", MAX_SECRETS),
            (
                left_out.supply,
                "traces of code that runs unasked",
                MAX_SUPPLY_ROWS,
            ),
            (left_out.components, "components", MAX_COMPONENTS),
            (left_out.errors, "unreadable entries", MAX_ERRORS),
            (
                left_out.findings,
                "findings about its structure",
                MAX_FINDINGS,
            ),
        ] {
            if n > 0 {
                let message =
                    format!("has more than {kept} {what}: {n} were left out of this report");
                errors.push(ReadError::new(artifact.clone(), message));
            }
        }
        (errors, std::mem::take(&mut self.findings))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::component::{Ecosystem, Evidence};

    #[test]
    fn names_of_files_count_by_their_bytes() {
        let artifact = EntryPath::new(&Arc::from(""), "fn.zip");
        let mut seen = Seen::default();
        let place = Place {
            depth: 0,
            memory: 1,
            counted: true,
            in_layer: false,
        };
        for _ in 0..3 {
            let name = "a".repeat(MAX_FILE_BYTES / 2 - 4);
            let file = ObservedFile {
                path: EntryPath::new(&Arc::from("fn.zip!/"), &name),
                is_deployed: true,
                size: 1,
                packed: None,
                mode: None,
                link: Some("link".into()),
                is_hard_link: false,
                crc32: None,
                sha256: None,
            };
            seen.file(file, place);
        }
        seen.settle_files(false);
        assert_eq!(seen.observations.files.len(), 2);
        let (errors, _) = seen.take_rows(&artifact);
        assert!(
            errors[0].message.contains(": 1 were left out"),
            "{errors:?}"
        );
    }

    #[test]
    fn long_names_count_by_their_bytes() {
        let artifact = EntryPath::new(&Arc::from(""), "fn.zip");
        let mut seen = Seen::default();
        for _ in 0..3 {
            let mut observations = Observations::default();
            let name = "a".repeat(MAX_NAME_BYTES / 2 - 1);
            let evidence = Evidence::Locked;
            observations.component(Ecosystem::Npm, name, "1", evidence, artifact.clone());
            seen.observe(observations);
        }
        assert_eq!(seen.observations.rows(), 2);
        let (errors, _) = seen.take_rows(&artifact);
        assert_eq!(errors.len(), 1);
        assert!(
            errors[0].message.contains(": 1 were left out"),
            "{errors:?}"
        );
    }
}
