//! What two unpackers see differently: names that stand in an archive twice, and headers that disagree.

use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::sync::{Arc, PoisonError};

use super::container::{Member, ZipContainer};
use super::extents::Hidden;
use super::stream::read_full;
use super::walk::{CHUNK, container_path};
use super::zip::ZipArchive;
use crate::finding::{ArtifactFinding, EntryPath, folders, rules};

/// Texts that tools which merge jars keep of each, in `META-INF`. Nothing reads them.
const MERGED_TEXTS: [&str; 4] = ["DEPENDENCIES", "INDEX.LIST", "LICENSE", "NOTICE"];

/// Entries of a zip with one path and different content, and files where other entries have a folder. Empty files are
/// how some packers write folders.
pub fn names(members: &[Member], archive: &ZipArchive, max_memory: u64) -> Option<ArtifactFinding> {
    let mut contents = Contents {
        archive,
        max_memory,
        unpackable: MAX_UNPACKED,
    };
    let mut files: HashMap<&str, &Member> = HashMap::with_capacity(members.len());
    let mut twice = Vec::new();
    for member in members {
        let inner = member.path.inner();
        match files.insert(inner, member) {
            Some(other) if !is_merged_text(inner) && contents.differ(other, member) => {
                twice.push(&member.path);
            }
            _ => {}
        }
    }
    let mut found = HashSet::new();
    for member in members {
        for folder in folders(member.path.inner()) {
            let file = files.get(folder).filter(|file| file.size > 0);
            if let Some(file) = file.filter(|_| found.insert(folder)) {
                twice.push(&file.path);
            }
        }
    }
    let detail = match twice.len() {
        1 => "with different content".to_owned(),
        n => format!("with different content, as have those of {n} names in all"),
    };
    Some(ArtifactFinding {
        rule: &rules::AMBIGUOUS_NAME,
        path: (*twice.first()?).clone(),
        detail,
    })
}

/// How much is unpacked to compare what a zip has twice, packed in two ways. Only who forges a CRC-32 needs more.
const MAX_UNPACKED: u64 = 64 << 20;

/// Compares entries of one zip.
struct Contents<'a> {
    archive: &'a ZipArchive,
    max_memory: u64,
    /// How much more may be unpacked.
    unpackable: u64,
}

impl Contents<'_> {
    /// Whoever writes both can give them one length and CRC-32, so what agrees in these is compared byte by byte.
    fn differ(&mut self, a: &Member, b: &Member) -> bool {
        let stated = |member: &Member| (member.size, member.stated.crc32, member.is_link);
        stated(a) != stated(b) || !self.are_one(a, b)
    }

    /// What cannot be read is taken for what the directory says, and is an error of its own.
    fn are_one(&mut self, a: &Member, b: &Member) -> bool {
        let [a, b] = [a, b].map(|member| &self.archive.entries[member.index]);
        let (Ok((packed_a, _)), Ok((packed_b, _))) =
            (self.archive.packed(a), self.archive.packed(b))
        else {
            return true;
        };
        if (a.method, a.packed) == (b.method, b.packed) && is_same(packed_a, packed_b) {
            return true;
        }
        let read = [a, b].map(|entry| self.archive.reader(entry, self.max_memory));
        let [Ok(a_opened), Ok(b_opened)] = read else {
            return true;
        };
        let Some(left) = self
            .unpackable
            .checked_sub(a.unpacked.saturating_add(b.unpacked))
        else {
            return false;
        };
        self.unpackable = left;
        let (a_bytes, b_bytes) = (
            a_opened.reader.take(a.unpacked),
            b_opened.reader.take(b.unpacked),
        );
        is_same(a_bytes, b_bytes)
    }
}

/// Whether two readers give the same bytes. Those that cannot be read to the end do not.
fn is_same(mut a: impl Read, mut b: impl Read) -> bool {
    let mut chunks = [vec![0; CHUNK], vec![0; CHUNK]];
    loop {
        let [chunk_a, chunk_b] = &mut chunks;
        let (Ok(n), Ok(m)) = (read_full(&mut a, chunk_a), read_full(&mut b, chunk_b)) else {
            return false;
        };
        if chunk_a[..n] != chunk_b[..m] {
            return false;
        }
        if n < CHUNK {
            return true;
        }
    }
}

fn is_merged_text(inner: &str) -> bool {
    let name = inner.strip_prefix("META-INF/");
    name.is_some_and(|name| MERGED_TEXTS.iter().any(|text| name.starts_with(text)))
}

/// The first entry whose header disagrees with the directory, of those that were read.
pub fn headers(container: ZipContainer) -> Option<ArtifactFinding> {
    let disagreements = container.disagreements.into_inner();
    let disagreements = disagreements.unwrap_or_else(PoisonError::into_inner);
    let (&index, what) = disagreements.first_key_value()?;
    let member = container
        .members
        .into_iter()
        .find(|member| member.index == index)?;
    let more = match disagreements.len() {
        1 => String::new(),
        n => format!(", the first of {n}"),
    };
    Some(ArtifactFinding {
        rule: &rules::AMBIGUOUS_HEADER,
        path: member.path,
        detail: format!("{what} is another in each{more}"),
    })
}

/// An entry that the directory of the zip does not list.
pub fn hidden(prefix: &Arc<str>, hidden: Hidden) -> ArtifactFinding {
    ArtifactFinding {
        rule: &rules::AMBIGUOUS_HIDDEN,
        path: container_path(prefix),
        detail: format!("{:?} stands at byte {}", hidden.name, hidden.at),
    }
}

/// What is known of a file of a tar when the next one of its name comes.
#[derive(Clone, Copy)]
pub struct Content {
    pub size: u64,
    pub crc32: Option<u32>,
    /// Of files that a wheel's list may name.
    pub sha256: Option<[u8; 32]>,
}

impl Content {
    fn differs(self, other: Self) -> bool {
        fn differ<T: PartialEq>(a: Option<T>, b: Option<T>) -> bool {
            a.zip(b).is_some_and(|(a, b)| a != b)
        }
        self.size != other.size
            || differ(self.crc32, other.crc32)
            || differ(self.sha256, other.sha256)
    }
}

/// The files of a tar: who appends to one writes a name once more.
#[derive(Default)]
pub struct Appended {
    files: HashMap<EntryPath, Content>,
    twice: Option<(EntryPath, usize)>,
}

impl Appended {
    /// A file whose content is not known differs from none.
    pub fn add(&mut self, path: &EntryPath, content: Content) {
        let Some(old) = self.files.insert(path.clone(), content) else {
            return;
        };
        if old.differs(content) {
            let twice = self.twice.get_or_insert_with(|| (path.clone(), 0));
            twice.1 += 1;
        }
    }

    pub fn finding(self) -> Option<ArtifactFinding> {
        let (path, names) = self.twice?;
        let detail = match names {
            1 => "with different content".to_owned(),
            n => format!("with different content, as do {n} in all"),
        };
        Some(ArtifactFinding {
            rule: &rules::AMBIGUOUS_APPENDED,
            path,
            detail,
        })
    }
}
