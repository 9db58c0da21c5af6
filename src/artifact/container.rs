//! Archives and folders whose entries can be read in any order.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::{Mutex, PoisonError};

use super::directory::Directory;
use super::format::Format;
use super::measured::Stated;
use super::source::Source;
use super::zip::ZipArchive;
use crate::finding::EntryPath;

/// A container whose entries can be read in any order, by several threads.
pub trait Container: Sync {
    fn members(&self) -> &[Member];
    fn reader(&self, member: &Member) -> Result<Box<dyn Read + '_>, String>;
    /// The member as an archive that can be read in place, where it needs no unpacking.
    fn source(&self, member: &Member) -> Option<io::Result<Source>>;
}

/// An entry of a [`Container`].
pub struct Member {
    pub index: usize,
    pub path: EntryPath,
    pub stated: Stated,
    pub size: u64,
    /// Packed, where the container packs its entries one by one.
    pub packed: Option<u64>,
    /// What Unix keeps of its kind and permissions, where the container does.
    pub mode: Option<u32>,
    /// Read to verify it, but not content of its own.
    pub is_link: bool,
}

/// A nested archive that a worker came upon.
pub enum Nested<'m> {
    /// To be opened from its container once more, because it is read as a stream or in place.
    Reopen(&'m Member, Format),
    /// A zip, unpacked: it must be held to be read.
    Zip(EntryPath, Vec<u8>),
    /// A script that a zip may stand behind, likewise.
    Script(EntryPath, Vec<u8>),
}

pub struct ZipContainer {
    pub archive: ZipArchive,
    pub members: Vec<Member>,
    pub max_memory: u64,
    /// Of what the local headers of entries say otherwise than the directory, by the entries' indices.
    pub disagreements: Mutex<BTreeMap<usize, &'static str>>,
}

impl Container for ZipContainer {
    fn members(&self) -> &[Member] {
        &self.members
    }

    fn reader(&self, member: &Member) -> Result<Box<dyn Read + '_>, String> {
        let entry = &self.archive.entries[member.index];
        let opened = self.archive.reader(entry, self.max_memory);
        let opened = opened.map_err(|error| error.to_string())?;
        if let Some(what) = opened.disagreement {
            let disagreements = self.disagreements.lock();
            let mut disagreements = disagreements.unwrap_or_else(PoisonError::into_inner);
            disagreements.insert(member.index, what);
        }
        Ok(opened.reader)
    }

    fn source(&self, _: &Member) -> Option<io::Result<Source>> {
        None
    }
}

pub struct DirectoryContainer<'a> {
    pub directory: &'a Directory,
    pub members: Vec<Member>,
}

impl Container for DirectoryContainer<'_> {
    fn members(&self) -> &[Member] {
        &self.members
    }

    fn reader(&self, member: &Member) -> Result<Box<dyn Read + '_>, String> {
        match self.directory.files[member.index].open() {
            Ok(file) => Ok(Box::new(file)),
            Err(error) => Err(format!("could not be read: {error}")),
        }
    }

    fn source(&self, member: &Member) -> Option<io::Result<Source>> {
        Some(
            self.directory.files[member.index]
                .open()
                .and_then(Source::file),
        )
    }
}

/// Cuts members, the largest first, into pieces of work: large ones alone, small ones together, so that
/// handing them out costs little.
pub fn batches<'a>(members: &'a [&'a Member]) -> impl Iterator<Item = &'a [&'a Member]> {
    const BATCH_BYTES: u64 = 512 * 1024;
    const BATCH_MEMBERS: usize = 32;
    let mut rest = members;
    std::iter::from_fn(move || {
        let mut sum = 0;
        let fits = |member: &&Member| {
            sum += member.size;
            sum <= BATCH_BYTES
        };
        let fitting = rest
            .iter()
            .copied()
            .take(BATCH_MEMBERS)
            .take_while(fits)
            .count();
        let (batch, after) = rest.split_at(fitting.max(1).min(rest.len()));
        rest = after;
        (!batch.is_empty()).then_some(batch)
    })
}
