//! What the wheels that are installed in a container list, read before their files are: so what nobody lists is not
//! digested, and a file of another length than its author published is compared with other ends of its lines.

use std::collections::HashMap;
use std::io::Read;

use super::container::Container;
use super::walk::MAX_LINK;
use crate::finding::EntryPath;
use crate::inventory::pypi::{record, resolve_path};
use crate::report::ReadError;

/// Bytes of lists that are read of one container. The largest have some megabytes of them.
const MAX_BYTES: u64 = 32 * 1024 * 1024;

/// Lines of them. The largest have some hundred thousand at most.
const MAX_LINES: usize = 500_000;

/// A file as its author published it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    pub sha256: [u8; 32],
    pub size: Option<u64>,
}

#[derive(Debug, Default)]
pub struct Listed {
    /// By the names of the files that are listed. Several packages may list one.
    files: HashMap<String, Vec<Published>>,
    /// The first list for which there was no room.
    left_out: Option<EntryPath>,
}

impl Listed {
    pub fn read(container: &dyn Container) -> Self {
        Listed::read_within(container, MAX_BYTES)
    }

    /// A list that cannot be read is reported where it is read for the report.
    fn read_within(container: &dyn Container, mut room: u64) -> Self {
        let mut listed = Listed::default();
        let mut lines = MAX_LINES;
        for member in container.members() {
            if !record::is_record(&member.path) {
                continue;
            }
            if member.size > room {
                listed.left_out.get_or_insert_with(|| member.path.clone());
                continue;
            }
            let Ok(reader) = container.reader(member) else {
                continue;
            };
            let mut text = Vec::with_capacity(member.size as usize);
            let read = reader.take(room).read_to_end(&mut text);
            room -= text.len() as u64;
            if read.is_err() {
                continue;
            }
            let rows = memchr::memchr_iter(b'\n', &text).count();
            match lines.checked_sub(rows) {
                Some(left) => {
                    lines = left;
                    listed.files.reserve(rows);
                    listed.add(&member.path, &text);
                }
                None => {
                    listed.left_out.get_or_insert_with(|| member.path.clone());
                }
            }
        }
        listed.add_links(container);
        listed
    }

    /// Where a link stands for a listed file, what it leads to is to be digested.
    fn add_links(&mut self, container: &dyn Container) {
        for member in container.members().iter().filter(|member| member.is_link) {
            let path = &member.path;
            if !self.files.contains_key(path.inner()) || member.size > MAX_LINK as u64 {
                continue;
            }
            let mut target = String::new();
            let read = container.reader(member).map(|reader| {
                let mut reader = reader.take(MAX_LINK as u64);
                reader.read_to_string(&mut target)
            });
            if !matches!(read, Ok(Ok(_))) {
                continue;
            }
            let target = resolve_path(path.parent(), &target);
            let rows = self.files.get(path.inner()).cloned();
            if let (Some(target), Some(rows)) = (target, rows) {
                let known = self.files.entry(target).or_default();
                let room = record::MAX_ROWS.saturating_sub(known.len());
                known.extend(rows.into_iter().take(room));
            }
        }
    }

    fn add(&mut self, path: &EntryPath, text: &[u8]) {
        for row in record::rows(path, text) {
            if let Some(sha256) = row.sha256() {
                let size = row.size;
                let rows = self.files.entry(row.inner);
                let rows = rows.or_insert_with(|| Vec::with_capacity(1));
                if rows.len() < record::MAX_ROWS {
                    rows.push(Published { sha256, size });
                }
            }
        }
    }

    /// What is said of a file, by all who list it with a digest.
    pub fn of(&self, path: &EntryPath) -> &[Published] {
        self.files.get(path.inner()).map_or(&[], Vec::as_slice)
    }

    /// What is to be said of lists for which there was no room.
    pub fn error(&self) -> Option<ReadError> {
        let message = format!(
            "is more than the {MAX_BYTES} bytes or {MAX_LINES} lines of such lists that are read of one archive: what it \
             lists was compared by length alone"
        );
        let path = self.left_out.clone()?;
        Some(ReadError::new(path, message))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read};
    use std::sync::Arc;

    use super::super::container::Member;
    use super::super::measured::Stated;
    use super::super::source::Source;
    use super::*;

    struct Lists(Vec<Member>);

    const LIST: &[u8] = b"a.py,sha256=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA,1\n";

    impl Container for Lists {
        fn members(&self) -> &[Member] {
            &self.0
        }

        fn reader(&self, _: &Member) -> Result<Box<dyn Read + '_>, String> {
            Ok(Box::new(LIST))
        }

        fn source(&self, _: &Member) -> Option<io::Result<Source>> {
            None
        }
    }

    #[test]
    fn lists_for_which_there_is_no_room_are_said_and_smaller_ones_count() {
        let member = |(index, (folder, size)): (usize, (&str, u64))| Member {
            index,
            path: EntryPath::new(
                &Arc::from("fn.zip!/"),
                &format!("{folder}a-1.dist-info/RECORD"),
            ),
            stated: Stated::default(),
            size,
            packed: None,
            mode: None,
            is_link: false,
        };
        let length = LIST.len() as u64;
        let lists = [("one/", length), ("two/", length + 1), ("three/", length)];
        let container = Lists(lists.into_iter().enumerate().map(member).collect());
        let is_known = |listed: &Listed, folder: &str| {
            let path = EntryPath::new(&Arc::from("fn.zip!/"), &format!("{folder}a.py"));
            !listed.of(&path).is_empty()
        };
        let listed = Listed::read_within(&container, 2 * length);
        let known = ["one/", "two/", "three/"].map(|folder| is_known(&listed, folder));
        assert_eq!(known, [true, false, true]);
        let error = listed.error().unwrap();
        assert_eq!(error.path.inner(), "two/a-1.dist-info/RECORD");
        assert!(Listed::read(&container).error().is_none());
    }
}
