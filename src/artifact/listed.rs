//! What the wheels that are installed in a container list, read before their files are: so what nobody lists is not
//! digested, and a file of another length than its author published is compared with other ends of its lines.

use std::collections::HashMap;
use std::io::Read;

use super::container::Container;
use crate::finding::EntryPath;
use crate::inventory::pypi::record;

/// Bytes of lists that are read of one container. The largest have some megabytes of them.
const MAX_BYTES: u64 = 32 * 1024 * 1024;

/// A file as its author published it.
#[derive(Debug, PartialEq, Eq)]
pub struct Published {
    pub sha256: [u8; 32],
    pub size: Option<u64>,
}

/// By the names of the files that are listed. Several packages may list one.
#[derive(Debug, Default)]
pub struct Listed(HashMap<String, Vec<Published>>);

impl Listed {
    /// A list that cannot be read is reported where it is read for the report.
    pub fn read(container: &dyn Container) -> Self {
        let mut listed = Listed::default();
        let mut room = MAX_BYTES;
        for member in container.members() {
            if !record::is_record(&member.path) || member.size > room {
                continue;
            }
            let Ok(reader) = container.reader(member) else {
                continue;
            };
            let mut text = Vec::new();
            let read = reader.take(room).read_to_end(&mut text);
            room -= text.len() as u64;
            if read.is_ok() {
                listed.add(&member.path, &text);
            }
        }
        listed
    }

    fn add(&mut self, path: &EntryPath, text: &[u8]) {
        for row in record::rows(path, text) {
            if let Some(sha256) = row.sha256() {
                let size = row.size;
                let rows = self.0.entry(row.inner).or_default();
                if rows.len() < record::MAX_ROWS {
                    rows.push(Published { sha256, size });
                }
            }
        }
    }

    /// What is said of a file, by all who list it with a digest.
    pub fn of(&self, path: &EntryPath) -> &[Published] {
        self.0.get(path.inner()).map_or(&[], Vec::as_slice)
    }
}
