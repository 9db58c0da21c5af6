//! Every entry of an artifact, once: who reads it, in which order, and with how much memory.
//!
//! The thread that walks is the only one that waits and the only one that opens archives. It admits the
//! entries of a container to the pool while their unpacked sizes fit into the memory of that level of
//! nesting; the workers unpack, verify and inspect, and hand nested archives back to it. Each level may use
//! half of the memory that the levels above it leave, so that no level waits for another and the whole
//! stays within `--max-memory` however deep archives are nested.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::io::{self, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use rayon::ThreadPool;

use super::directory::Directory;
use super::format::{Compression, Format, SNIFF};
use super::image;
use super::limits::Budget;
use super::measured::{self, Counted, Failure, Measured, Stated};
use super::names;
use super::source::Source;
use super::zip::ZipArchive;
use crate::finding::{ArtifactFinding, EntryPath, rules};
use crate::inspect::{Entry, Header, Inspector, Observations};
use crate::report::ReadError;

/// How much of an entry is unpacked before it is decided who wants it.
const CHUNK: usize = 64 * 1024;

/// What a walk brings back.
#[derive(Debug, Default)]
pub struct Seen {
    pub observations: Observations,
    pub errors: Vec<ReadError>,
    pub findings: Vec<ArtifactFinding>,
    pub layers: Vec<image::LayerFiles>,
    /// Files of the artifact itself (in an image, of its layers), and their unpacked bytes.
    pub entries: u64,
    pub unpacked: u64,
    /// Set where the artifact as a whole is cut, so that what follows is unknown.
    pub cut: Option<String>,
}

pub struct Walk<'a> {
    pub pool: &'a ThreadPool,
    pub inspectors: &'a [&'static dyn Inspector],
    pub budget: &'a Budget<'a>,
    /// Called with the unpacked bytes of each entry that was read.
    pub progress: &'a (dyn Fn(u64) + Sync),
    seen: Mutex<Seen>,
}

/// Where in the nesting a container stands.
#[derive(Clone, Copy)]
struct Place {
    depth: u32,
    /// What this level and all below it may hold in memory.
    memory: u64,
    /// Whether its entries are the artifact's own, and counted as such.
    counted: bool,
}

impl Place {
    /// The most that one entry of this level may hold.
    fn share(self) -> u64 {
        self.memory / 2
    }

    fn below(self) -> Self {
        Place {
            depth: self.depth + 1,
            memory: self.memory - self.share(),
            counted: false,
        }
    }
}

/// A container whose entries can be read in any order, by several threads.
trait Container: Sync {
    fn members(&self) -> &[Member];
    fn reader(&self, member: &Member) -> Result<Box<dyn Read + '_>, String>;
    /// The member as an archive that can be read in place, where it needs no unpacking.
    fn source(&self, member: &Member) -> Option<io::Result<Source>>;
}

/// An entry of a [`Container`].
struct Member {
    index: usize,
    path: EntryPath,
    stated: Stated,
    size: u64,
    /// Read to verify it, but not content of its own.
    is_link: bool,
}

/// A nested archive that a worker came upon.
enum Nested<'m> {
    /// To be opened from its container once more, because it is read as a stream or in place.
    Reopen(&'m Member, Format),
    /// A zip, unpacked: it must be held to be read.
    Zip(EntryPath, Vec<u8>),
}

impl<'a> Walk<'a> {
    pub fn new(
        pool: &'a ThreadPool,
        inspectors: &'a [&'static dyn Inspector],
        budget: &'a Budget<'a>,
        progress: &'a (dyn Fn(u64) + Sync),
    ) -> Self {
        Walk {
            pool,
            inspectors,
            budget,
            progress,
            seen: Mutex::default(),
        }
    }

    /// What was seen, after all is walked.
    pub fn finish(self) -> Seen {
        self.seen
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub fn zip(&self, prefix: &Arc<str>, archive: ZipArchive) {
        self.walk_zip(prefix, archive, self.top());
    }

    pub fn directory(&self, prefix: &Arc<str>, directory: &Directory) {
        for (name, reason) in &directory.unreadable {
            let path = EntryPath::new(prefix, &names::clean(name).name);
            self.error(&path, format!("could not be read: {reason}"));
        }
        let members = directory
            .files
            .iter()
            .enumerate()
            .map(|(index, file)| Member {
                index,
                path: EntryPath::new(prefix, &names::clean(&file.name).name),
                stated: Stated::default(),
                size: file.size,
                is_link: false,
            })
            .collect();
        let container = DirectoryContainer { directory, members };
        self.walk_container(&container, self.top());
    }

    /// Walks a tar, or a compressed stream with one in it. `path` names the stream itself.
    pub fn stream(&self, path: &EntryPath, reader: &mut dyn Read) {
        let outcome = self.walk_stream(path, reader, self.top());
        if let Err(Failure::Damaged(message)) = &outcome {
            self.seen().cut = Some(message.clone());
        }
        self.settle(path, outcome);
    }

    fn top(&self) -> Place {
        Place {
            depth: 0,
            memory: self.budget.limits.max_memory,
            counted: true,
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn error(&self, path: &EntryPath, message: impl Into<String>) {
        self.seen()
            .errors
            .push(ReadError::new(path.clone(), message));
    }

    /// Reports how the reading of an entry ended.
    fn settle(&self, path: &EntryPath, outcome: Result<(), Failure>) {
        match outcome {
            Ok(()) => {}
            Err(Failure::Exhausted) => self.budget.leave_out(1),
            Err(Failure::Damaged(message)) => self.error(path, message),
            Err(Failure::Bomb(message)) => self.seen().findings.push(ArtifactFinding {
                rule: &rules::BOMB,
                path: path.clone(),
                detail: format!("{message}; it was not audited"),
            }),
        }
    }

    fn count(&self, place: Place, entries: u64, bytes: u64) {
        if place.counted {
            let mut seen = self.seen();
            seen.entries += entries;
            seen.unpacked += bytes;
        }
    }

    /// The path of an entry; a name that leads out of the archive is a finding.
    fn entry_path(&self, prefix: &Arc<str>, raw: &str) -> EntryPath {
        let clean = names::clean(raw);
        let path = EntryPath::new(prefix, &clean.name);
        if clean.escapes {
            self.seen().findings.push(ArtifactFinding {
                rule: &rules::ESCAPE,
                path: path.clone(),
                detail: format!("its name is written {raw:?}"),
            });
        }
        path
    }

    // ---- containers that are read in any order

    fn walk_zip(&self, prefix: &Arc<str>, archive: ZipArchive, place: Place) {
        if let Some(problem) = &archive.problem {
            self.error(&container_path(prefix), problem);
        }
        let overlapping: HashSet<usize> = archive.overlapping().into_iter().collect();
        let mut first_overlapping = None;
        let mut members = Vec::with_capacity(archive.entries.len());
        for (index, entry) in archive.entries.iter().enumerate() {
            let raw = archive.name(entry);
            if raw.ends_with('/') && entry.unpacked == 0 {
                continue;
            }
            let path = self.entry_path(prefix, &raw);
            if overlapping.contains(&index) {
                first_overlapping.get_or_insert(path);
                continue;
            }
            if let Some(failure) =
                measured::refuse(self.budget.limits, entry.packed, entry.unpacked)
            {
                self.settle(&path, Err(failure));
                continue;
            }
            members.push(Member {
                index,
                path,
                stated: Stated {
                    unpacked: Some(entry.unpacked),
                    crc32: Some(entry.crc32),
                },
                size: entry.unpacked,
                is_link: entry.is_symlink(),
            });
        }
        if let Some(path) = first_overlapping {
            self.seen().findings.push(ArtifactFinding {
                rule: &rules::OVERLAP,
                path,
                detail: format!(
                    "{} entries share their data and were not audited",
                    overlapping.len()
                ),
            });
        }
        let container = ZipContainer {
            archive,
            members,
            max_memory: place.share(),
        };
        self.walk_container(&container, place);
    }

    fn walk_container(&self, container: &dyn Container, place: Place) {
        // The largest first, so that the last to finish is a small one.
        let mut members: Vec<&Member> = container.members().iter().collect();
        members.sort_by_key(|member| std::cmp::Reverse(member.size));
        let admitted = members
            .iter()
            .take_while(|_| self.budget.take_entry().is_ok())
            .count();
        self.budget.leave_out((members.len() - admitted) as u64);
        members.truncate(admitted);
        let files = members
            .iter()
            .filter(|member| !image::is_layer(&member.path));
        let (entries, bytes) = files.fold((0, 0), |(n, sum), member| (n + 1, sum + member.size));
        self.count(place, entries, bytes);
        let level = Level::new(place.share());
        self.pool.in_place_scope(|scope| {
            for batch in batches(&members) {
                let size = batch.iter().map(|member| member.size).sum();
                let permit = loop {
                    match level.admit(size) {
                        Admission::Granted(permit) => break permit,
                        Admission::NestedFirst(nested, held) => {
                            self.walk_nested(container, nested, place);
                            drop(held);
                        }
                    }
                };
                let level = &level;
                scope.spawn(move |_| {
                    let mut permit = permit;
                    for &member in batch {
                        if let Some(nested) = self.audit_member(container, member, place) {
                            level.hand_back(nested, &mut permit);
                        }
                    }
                });
            }
            while let Some((nested, held)) = level.next_nested() {
                self.walk_nested(container, nested, place);
                drop(held);
            }
        });
    }

    /// Unpacks, verifies and inspects one entry; hands it back if it is an archive itself.
    fn audit_member<'m>(
        &self,
        container: &dyn Container,
        member: &'m Member,
        place: Place,
    ) -> Option<Nested<'m>> {
        let path = &member.path;
        let mut reader = match container.reader(member) {
            Ok(reader) => reader,
            Err(message) => {
                self.error(path, message);
                return None;
            }
        };
        let mut measured = Measured::entry(&mut *reader, member.stated, self.budget);
        let opened = with_chunk(|chunk| {
            let n = measured.fill(chunk)?;
            let first = &chunk[..n];
            let format =
                Format::sniff(first).filter(|_| !member.is_link && self.may_open(path, place));
            match format {
                Some(Format::Zip) if container.source(member).is_none() => {
                    let bytes = self.read_whole(path, first, &mut measured, member.size, place)?;
                    Ok(bytes.map(|bytes| Nested::Zip(path.clone(), bytes)))
                }
                Some(format) => Ok(Some(Nested::Reopen(member, format))),
                None => {
                    let size = if member.is_link {
                        None
                    } else {
                        Some(member.size)
                    };
                    self.audit_bytes(path, size, chunk, n, &mut measured, place)?;
                    Ok(None)
                }
            }
        });
        opened.unwrap_or_else(|failure| {
            self.settle(path, Err(failure));
            None
        })
    }

    fn walk_nested(&self, container: &dyn Container, nested: Nested, place: Place) {
        match nested {
            Nested::Zip(path, bytes) => self.open_zip(&path, Source::memory(bytes), place.below()),
            Nested::Reopen(member, Format::Zip) => match container.source(member) {
                Some(Ok(source)) => self.open_zip(&member.path, source, place.below()),
                Some(Err(error)) => self.error(&member.path, format!("could not be read: {error}")),
                None => {}
            },
            Nested::Reopen(member, _) => {
                let outcome = match container.reader(member) {
                    Ok(mut reader) => {
                        let mut measured =
                            Measured::stream(&mut *reader, member.stated, None, self.budget);
                        let walked = self.walk_stream(&member.path, &mut measured, place.below());
                        let verified =
                            walked.and_then(|()| with_chunk(|chunk| measured.drain(chunk)));
                        verified.map_err(|failure| measured.own_failure().unwrap_or(failure))
                    }
                    Err(message) => Err(Failure::Damaged(message)),
                };
                self.settle(&member.path, outcome);
            }
        }
    }

    fn open_zip(&self, path: &EntryPath, source: Source, place: Place) {
        match ZipArchive::open(source) {
            Ok(archive) => self.walk_zip(&nested_prefix(path), archive, place),
            Err(error) => self.error(path, error.to_string()),
        }
    }

    // ---- containers that are read from front to back

    fn walk_stream(
        &self,
        path: &EntryPath,
        reader: &mut dyn Read,
        place: Place,
    ) -> Result<(), Failure> {
        let mut first = [0; SNIFF];
        let n = read_full(reader, &mut first).map_err(damaged)?;
        let mut whole = (&first[..n]).chain(reader);
        match Format::sniff(&first[..n]) {
            Some(Format::Tar) => self.walk_tar(path, &mut whole, place),
            Some(Format::Compressed(compression)) => {
                self.walk_compressed(path, compression, &mut whole, place)
            }
            Some(Format::Zip) => {
                self.budget.take_entry().map_err(|_| Failure::Exhausted)?;
                let mut measured = Measured::entry(&mut whole, Stated::default(), self.budget);
                if let Some(bytes) = self.read_whole(path, &[], &mut measured, 0, place)? {
                    self.open_zip(path, Source::memory(bytes), place.below());
                }
                Ok(())
            }
            None => self.audit_single(path, &mut whole, place),
        }
    }

    fn walk_compressed(
        &self,
        path: &EntryPath,
        compression: Compression,
        reader: &mut dyn Read,
        place: Place,
    ) -> Result<(), Failure> {
        let packed = Cell::new(0);
        let counted = Counted {
            reader,
            count: &packed,
        };
        let mut decoder =
            compression.decoder(BufReader::with_capacity(CHUNK, counted), place.share());
        let mut measured =
            Measured::stream(&mut *decoder, Stated::default(), Some(&packed), self.budget);
        let mut first = [0; SNIFF];
        let n = measured.fill(&mut first)?;
        let inner = || {
            EntryPath::new(
                &nested_prefix(path),
                compression.strip_suffix(path.file_name()),
            )
        };
        let mut whole = (&first[..n]).chain(&mut measured);
        let walked = match Format::sniff(&first[..n]) {
            Some(Format::Tar) => self.walk_tar(path, &mut whole, place),
            // What is packed once more is an archive within an archive.
            Some(Format::Zip | Format::Compressed(_)) if self.may_open(path, place) => {
                self.walk_stream(&inner(), &mut whole, place.below())
            }
            Some(Format::Zip | Format::Compressed(_)) => Ok(()),
            None => self.audit_single(&inner(), &mut whole, place),
        };
        // The stream's own checksum stands at its end, behind the last entry.
        let verified = walked.and_then(|()| with_chunk(|chunk| measured.drain(chunk)));
        verified.map_err(|failure| measured.own_failure().unwrap_or(failure))
    }

    /// A compressed stream that holds one file.
    fn audit_single(
        &self,
        path: &EntryPath,
        reader: &mut dyn Read,
        place: Place,
    ) -> Result<(), Failure> {
        self.budget.take_entry().map_err(|_| Failure::Exhausted)?;
        let mut measured = Measured::entry(reader, Stated::default(), self.budget);
        with_chunk(|chunk| {
            let n = measured.fill(chunk)?;
            self.audit_bytes(path, Some(0), chunk, n, &mut measured, place)
        })
    }

    fn walk_tar(
        &self,
        path: &EntryPath,
        reader: &mut dyn Read,
        place: Place,
    ) -> Result<(), Failure> {
        let prefix = nested_prefix(path);
        let mut layer = image::LayerFiles::of(path);
        let place = Place {
            counted: place.counted || (place.depth == 1 && layer.is_some()),
            ..place
        };
        let level = Level::new(place.share());
        let outcome = self.pool.in_place_scope(|scope| {
            let mut archive = tar::Archive::new(reader);
            for entry in archive.entries().map_err(damaged)? {
                let mut entry = entry.map_err(damaged)?;
                let kind = entry.header().entry_type();
                let raw = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
                if kind.is_dir() || kind.is_pax_global_extensions() {
                    continue;
                }
                if self.budget.take_entry().is_err() {
                    return Err(Failure::Exhausted);
                }
                let path = self.entry_path(&prefix, &raw);
                if let Some(layer) = &mut layer {
                    layer.add(&path);
                }
                if !(kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse()) {
                    continue;
                }
                let size = entry.size();
                let stated = Stated {
                    unpacked: Some(size),
                    crc32: None,
                };
                self.audit_tar_entry(scope, &level, &path, stated, &mut entry, place)?;
            }
            Ok(())
        });
        if let Some(layer) = layer {
            self.seen().layers.push(layer);
        }
        outcome
    }

    /// Reads one entry of a tar; a worker inspects it. An error ends the tar.
    fn audit_tar_entry<'s>(
        &'s self,
        scope: &rayon::Scope<'s>,
        level: &'s Level<'static>,
        path: &EntryPath,
        stated: Stated,
        reader: &mut dyn Read,
        place: Place,
    ) -> Result<(), Failure> {
        let size = stated.unpacked.unwrap_or_default();
        let mut first = vec![0; CHUNK.min(usize::try_from(size).unwrap_or(CHUNK))];
        let mut measured = Measured::entry(reader, stated, self.budget);
        let n = measured.fill(&mut first)?;
        first.truncate(n);
        let format = Format::sniff(&first).filter(|_| self.may_open(path, place));
        if let Some(format) = format {
            let outcome = if format == Format::Zip {
                let bytes = self.read_whole(path, &first, &mut measured, size, place)?;
                if let Some(bytes) = bytes {
                    self.count(place, 1, size);
                    self.open_zip(path, Source::memory(bytes), place.below());
                }
                Ok(())
            } else {
                let below = place.below();
                if !(below.depth == 1 && image::is_layer(path)) {
                    self.count(place, 1, size);
                }
                self.walk_stream(path, &mut first.as_slice().chain(&mut measured), below)
            };
            self.settle(path, outcome);
            return with_chunk(|chunk| measured.drain(chunk));
        }
        self.count(place, 1, size);
        let wanted = self.wanted_by(path, size, &first);
        if wanted.is_empty() {
            (self.progress)(size);
            return with_chunk(|chunk| measured.drain(chunk));
        }
        // Nothing is handed back on this level, so that admission only waits for the workers.
        let permit = match level.admit(size) {
            Admission::Granted(permit) => permit,
            Admission::NestedFirst(..) => return Ok(()),
        };
        let whole = if (n as u64) < size {
            self.read_whole(path, &first, &mut measured, size, place)?
        } else {
            measured.drain(&mut [0])?;
            Some(first)
        };
        if let Some(bytes) = whole {
            let path = path.clone();
            scope.spawn(move |_| {
                self.inspect(
                    &wanted,
                    &Entry {
                        path: &path,
                        bytes: &bytes,
                    },
                );
                drop(permit);
            });
        }
        Ok(())
    }

    // ---- one entry

    /// Whether an archive here may be opened; it is an `errors` row where it may not.
    fn may_open(&self, path: &EntryPath, place: Place) -> bool {
        let limit = self.budget.limits.max_depth;
        if place.depth >= limit {
            self.error(
                path,
                format!("is an archive {limit} archives deep and was not opened; raise --max-depth to audit it"),
            );
        }
        place.depth < limit
    }

    fn wanted_by(
        &self,
        path: &EntryPath,
        size: u64,
        first_bytes: &[u8],
    ) -> Vec<&'static dyn Inspector> {
        let header = Header {
            path,
            size,
            first_bytes: &first_bytes[..first_bytes.len().min(Header::PEEK)],
        };
        self.inspectors
            .iter()
            .copied()
            .filter(|inspector| inspector.wants(&header))
            .collect()
    }

    /// Gives an entry to those who want it, or only verifies it. `size` is what the archive states; none
    /// for what nobody is asked about.
    fn audit_bytes(
        &self,
        path: &EntryPath,
        size: Option<u64>,
        chunk: &mut [u8],
        filled: usize,
        measured: &mut Measured,
        place: Place,
    ) -> Result<(), Failure> {
        let wanted = match size {
            Some(size) => self.wanted_by(path, size.max(filled as u64), &chunk[..filled]),
            None => Vec::new(),
        };
        (self.progress)(size.unwrap_or_default());
        if wanted.is_empty() {
            return measured.drain(chunk);
        }
        let bytes = if filled < chunk.len() {
            measured.drain(&mut [0])?;
            Cow::Borrowed(&chunk[..filled])
        } else {
            let size = size.unwrap_or_default();
            match self.read_whole(path, &chunk[..filled], measured, size, place)? {
                Some(bytes) => Cow::Owned(bytes),
                None => return Ok(()),
            }
        };
        self.inspect(
            &wanted,
            &Entry {
                path,
                bytes: &bytes,
            },
        );
        Ok(())
    }

    /// Reads an entry into memory, if its level has room for it.
    fn read_whole(
        &self,
        path: &EntryPath,
        first: &[u8],
        measured: &mut Measured,
        size: u64,
        place: Place,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let share = place.share();
        let mut bytes = Vec::new();
        if size <= share {
            bytes.reserve_exact(size as usize);
            bytes.extend_from_slice(first);
            let room = share - (first.len() as u64).min(share);
            // One byte more than there is room for, to tell a full buffer from a longer entry.
            let read = Read::take(&mut *measured, room + 1).read_to_end(&mut bytes);
            read.map_err(|error| measured.explain(error))?;
        }
        if size > share || bytes.len() as u64 > share {
            drop(bytes);
            self.error(
                path,
                format!("needs more than {share} bytes of memory and was not looked into; raise --max-memory"),
            );
            with_chunk(|chunk| measured.drain(chunk))?;
            return Ok(None);
        }
        Ok(Some(bytes))
    }

    fn inspect(&self, wanted: &[&'static dyn Inspector], entry: &Entry) {
        let mut observations = Observations::default();
        let mut errors = Vec::new();
        for inspector in wanted {
            if let Err(unreadable) = inspector.inspect(entry, &mut observations) {
                errors.push(ReadError::unreadable(entry.path.clone(), unreadable));
            }
        }
        let mut seen = self.seen();
        seen.observations.append(observations);
        seen.errors.append(&mut errors);
    }
}

/// The memory of one level of nesting: what is admitted, and the nested archives that wait for their turn.
struct Level<'m> {
    limit: u64,
    state: Mutex<LevelState<'m>>,
    changed: Condvar,
}

struct LevelState<'m> {
    /// Bytes of admitted entries, handed-back ones included.
    held: u64,
    /// Admitted entries that are still worked on.
    running: usize,
    nested: Vec<(Nested<'m>, u64)>,
    /// Whether the walking thread waits to admit an entry.
    awaits_room: bool,
}

/// The right to hold an entry's bytes; given back when dropped.
struct Permit<'l, 'm> {
    level: &'l Level<'m>,
    bytes: u64,
    running: bool,
}

enum Admission<'l, 'm> {
    Granted(Permit<'l, 'm>),
    /// There is no room, but a nested archive can be walked to make some.
    NestedFirst(Nested<'m>, Permit<'l, 'm>),
}

impl<'m> Level<'m> {
    fn new(limit: u64) -> Self {
        Level {
            limit,
            state: Mutex::new(LevelState {
                held: 0,
                running: 0,
                nested: Vec::new(),
                awaits_room: false,
            }),
            changed: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, LevelState<'m>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is room. An entry larger than the level is never held whole, only streamed.
    fn admit(&self, size: u64) -> Admission<'_, 'm> {
        let bytes = if size > self.limit {
            CHUNK as u64
        } else {
            size
        };
        let mut state = self.state();
        loop {
            if state.held + bytes <= self.limit {
                state.held += bytes;
                state.running += 1;
                return Admission::Granted(self.permit(bytes, true));
            }
            if let Some((nested, bytes)) = state.nested.pop() {
                return Admission::NestedFirst(nested, self.permit(bytes, false));
            }
            state.awaits_room = true;
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            state.awaits_room = false;
        }
    }

    fn permit(&self, bytes: u64, running: bool) -> Permit<'_, 'm> {
        Permit {
            level: self,
            bytes,
            running,
        }
    }

    /// Keeps a nested archive, and its part of what the permit holds, until the walking thread takes it.
    fn hand_back(&self, nested: Nested<'m>, permit: &mut Permit<'_, 'm>) {
        let bytes = match &nested {
            Nested::Zip(_, bytes) => (bytes.len() as u64).min(permit.bytes),
            Nested::Reopen(..) => 0,
        };
        permit.bytes -= bytes;
        self.state().nested.push((nested, bytes));
        self.changed.notify_all();
    }

    /// The next nested archive, once there is one; none when all workers are done.
    fn next_nested(&self) -> Option<(Nested<'m>, Permit<'_, 'm>)> {
        let mut state = self.state();
        loop {
            if let Some((nested, bytes)) = state.nested.pop() {
                return Some((nested, self.permit(bytes, false)));
            }
            if state.running == 0 {
                return None;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Permit<'_, '_> {
    fn drop(&mut self) {
        let mut state = self.level.state();
        state.held -= self.bytes;
        if self.running {
            state.running -= 1;
        }
        // The walking thread waits for room, or for the last worker; nothing else is worth waking it for.
        if state.awaits_room || state.running == 0 {
            self.level.changed.notify_all();
        }
    }
}

struct ZipContainer {
    archive: ZipArchive,
    members: Vec<Member>,
    max_memory: u64,
}

impl Container for ZipContainer {
    fn members(&self) -> &[Member] {
        &self.members
    }

    fn reader(&self, member: &Member) -> Result<Box<dyn Read + '_>, String> {
        let entry = &self.archive.entries[member.index];
        self.archive
            .reader(entry, self.max_memory)
            .map_err(|error| error.to_string())
    }

    fn source(&self, _: &Member) -> Option<io::Result<Source>> {
        None
    }
}

struct DirectoryContainer<'a> {
    directory: &'a Directory,
    members: Vec<Member>,
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
fn batches<'a>(members: &'a [&'a Member]) -> impl Iterator<Item = &'a [&'a Member]> {
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

/// Runs `f` with this thread's buffer.
fn with_chunk<T>(f: impl FnOnce(&mut [u8]) -> T) -> T {
    thread_local! {
        static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    BUFFER.with(|buffer| match buffer.try_borrow_mut() {
        Ok(mut buffer) => {
            buffer.resize(CHUNK, 0);
            f(&mut buffer)
        }
        // Already in use further up this thread's stack.
        Err(_) => f(&mut vec![0; CHUNK]),
    })
}

fn read_full(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn damaged(error: io::Error) -> Failure {
    Failure::Damaged(format!("is damaged: {error}"))
}

/// The prefix for what stands in the archive at `path`.
pub fn nested_prefix(path: &EntryPath) -> Arc<str> {
    format!("{path}!/").into()
}

/// The archive itself, for errors about it as a whole.
fn container_path(prefix: &Arc<str>) -> EntryPath {
    let path = prefix.trim_end_matches("!/");
    EntryPath::new(&Arc::from(""), path)
}
