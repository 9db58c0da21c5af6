//! Every entry of an artifact, once: who reads it, in which order, and with how much memory.
//!
//! The thread that walks is the only one that waits and the only one that opens archives. It admits the
//! entries of a container to the pool while their unpacked sizes fit into the memory of that level of
//! nesting; the workers unpack, verify and inspect, and hand nested archives back to it. Each level may use
//! half of the memory that the levels above it leave, so that no level waits for another and the whole
//! stays within `--max-memory` however deep archives are nested.

use std::cell::RefCell;
use std::collections::HashSet;
use std::io::Read;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rayon::ThreadPool;

use super::ambiguous;
use super::container::{Container, DirectoryContainer, Member, Nested, ZipContainer, batches};
use super::directory::Directory;
use super::format::Format;
use super::level::{Admission, Level};
use super::limits::Budget;
use super::listed::{Listed, Published};
use super::measured::{self, Failure, Measured, Stated};
use super::names;
use super::script;
use super::seen::Seen;
use super::source::Source;
use super::zip::ZipArchive;
use crate::finding::{ArtifactFinding, EntryPath, rules};
use crate::inspect::{Contents, Inspector, Observations, ObservedFile};
use crate::report::ReadError;
use crate::secret::Scanner;

/// How much of an entry is unpacked before it is decided who wants it.
pub const CHUNK: usize = 64 * 1024;

/// Linux follows no longer link: `PATH_MAX`, <https://man7.org/linux/man-pages/man7/path_resolution.7.html>.
pub const MAX_LINK: usize = 4096;

pub struct Walk<'a> {
    pub pool: &'a ThreadPool,
    pub inspectors: &'a [&'static dyn Inspector],
    pub secrets: Option<&'a Scanner>,
    pub budget: &'a Budget<'a>,
    /// Whether what wheels list is digested.
    pub digests: bool,
    /// Called with the unpacked bytes of each entry that was read.
    pub progress: &'a (dyn Fn(u64) + Sync),
    seen: Mutex<Seen>,
    pub(super) large_texts: Mutex<()>,
}

/// Where in the nesting a container stands.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub depth: u32,
    /// What this level and all below it may hold in memory.
    pub memory: u64,
    /// Whether its entries are the artifact's own, and counted as such.
    pub counted: bool,
    /// Whether it is a tar where images keep their layers: if there is an image, its entries count instead.
    pub in_layer: bool,
}

impl Place {
    /// The most that one entry of this level may hold.
    pub fn share(self) -> u64 {
        self.memory / 2
    }

    pub fn below(self) -> Self {
        Place {
            depth: self.depth + 1,
            memory: self.memory - self.share(),
            counted: false,
            in_layer: false,
        }
    }
}

impl<'a> Walk<'a> {
    pub fn new(
        pool: &'a ThreadPool,
        inspectors: &'a [&'static dyn Inspector],
        secrets: Option<&'a Scanner>,
        budget: &'a Budget<'a>,
        digests: bool,
        progress: &'a (dyn Fn(u64) + Sync),
    ) -> Self {
        Walk {
            pool,
            inspectors,
            secrets,
            budget,
            digests,
            progress,
            seen: Mutex::default(),
            large_texts: Mutex::default(),
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
                packed: None,
                mode: file.mode,
                is_link: false,
            })
            .collect();
        for (name, target) in &directory.links {
            self.link(
                EntryPath::new(prefix, &names::clean(name).name),
                target,
                false,
                None,
                self.top(),
            );
        }
        let container = DirectoryContainer { directory, members };
        self.walk_container(prefix, &container, self.top());
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
            in_layer: false,
        }
    }

    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn error(&self, path: &EntryPath, message: impl Into<String>) {
        self.seen().error(ReadError::new(path.clone(), message));
    }

    /// Reports how the reading of an entry ended.
    pub(super) fn settle(&self, path: &EntryPath, outcome: Result<(), Failure>) {
        match outcome {
            Ok(()) => {}
            Err(Failure::Exhausted) => self.budget.leave_out(1),
            Err(Failure::Damaged(message)) => self.error(path, message),
            Err(Failure::Bomb(message)) => self.seen().finding(ArtifactFinding {
                rule: &rules::BOMB,
                path: path.clone(),
                detail: format!("{message}; it was not audited"),
            }),
        }
    }

    pub(super) fn count(&self, place: Place, entries: u64, bytes: u64) {
        let mut seen = self.seen();
        if place.counted {
            seen.own.add(entries, bytes);
        }
        if place.in_layer {
            seen.in_layers.add(entries, bytes);
        }
    }

    /// The path of an entry; a name that leads out of the archive is a finding.
    pub(super) fn entry_path(&self, prefix: &Arc<str>, raw: &str) -> EntryPath {
        let clean = names::clean(raw);
        let path = EntryPath::new(prefix, &clean.name);
        if clean.escapes {
            self.seen().finding(ArtifactFinding {
                rule: &rules::ESCAPE,
                path: path.clone(),
                detail: format!("its name is written {raw:?}"),
            });
        }
        path
    }

    pub(super) fn walk_zip(&self, prefix: &Arc<str>, archive: ZipArchive, place: Place) {
        if let Some(problem) = &archive.problem {
            self.error(&container_path(prefix), problem);
        }
        let overlapping: HashSet<usize> = archive.overlapping().into_iter().collect();
        let mut first_overlapping = None;
        let mut members = Vec::with_capacity(archive.entries.len());
        let most = usize::try_from(self.budget.limits.max_entries).unwrap_or(usize::MAX);
        // One more than may be read, so that the limit is seen to be reached.
        let listed = archive.entries.len().min(most.saturating_add(1));
        self.budget
            .leave_out((archive.entries.len() - listed) as u64);
        for (index, entry) in archive.entries.iter().enumerate().take(listed) {
            let raw = archive.name(entry);
            let path = self.entry_path(prefix, &raw);
            if raw.ends_with('/') && entry.unpacked == 0 {
                continue;
            }
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
                packed: Some(entry.packed),
                mode: entry.mode(),
                is_link: entry.is_symlink(),
            });
        }
        if let Some(path) = first_overlapping {
            self.seen().finding(ArtifactFinding {
                rule: &rules::OVERLAP,
                path,
                detail: format!(
                    "{} entries share their data and were not audited",
                    overlapping.len()
                ),
            });
        }
        let names = ambiguous::names(&members, &archive, place.share());
        let hidden = archive
            .hidden()
            .map(|hidden| ambiguous::hidden(prefix, hidden));
        for finding in [names, hidden].into_iter().flatten() {
            self.seen().finding(finding);
        }
        let container = ZipContainer {
            archive,
            members,
            max_memory: place.share(),
            disagreements: Mutex::default(),
        };
        self.walk_container(prefix, &container, place);
        if let Some(finding) = ambiguous::headers(container) {
            self.seen().finding(finding);
        }
    }

    fn walk_container(&self, prefix: &Arc<str>, container: &dyn Container, place: Place) {
        self.list(prefix, container.members(), place);
        // The largest first, so that the last to finish is a small one.
        let mut members: Vec<&Member> = container.members().iter().collect();
        members.sort_by_key(|member| std::cmp::Reverse(member.size));
        let admitted = members
            .iter()
            .take_while(|_| self.budget.take_entry().is_ok())
            .count();
        self.budget.leave_out((members.len() - admitted) as u64);
        members.truncate(admitted);
        let bytes = members.iter().map(|member| member.size).sum();
        self.count(place, members.len() as u64, bytes);
        let listed = match self.digests {
            true => Listed::read(container),
            false => Listed::default(),
        };
        if let Some(error) = listed.error() {
            self.seen().error(error);
        }
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
                let (level, listed) = (&level, &listed);
                scope.spawn(move |_| {
                    let mut permit = permit;
                    for &member in batch {
                        if let Some(nested) = self.audit_member(container, member, listed, place) {
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

    /// Tells the inspectors which names are in a container.
    fn list(&self, prefix: &Arc<str>, members: &[Member], place: Place) {
        let paths: Vec<&EntryPath> = members.iter().map(|member| &member.path).collect();
        let contents = Contents {
            container: prefix,
            is_artifact: place.depth == 0,
            paths: &paths,
        };
        let mut observations = Observations::default();
        for inspector in self.inspectors {
            inspector.list(&contents, &mut observations);
        }
        self.seen().observe(observations);
    }

    /// Unpacks, verifies and inspects one entry; hands it back if it is an archive itself.
    fn audit_member<'m>(
        &self,
        container: &dyn Container,
        member: &'m Member,
        listed: &Listed,
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
        let published = listed.of(path);
        if !published.is_empty() {
            measured = measured.digest();
            let is_as_long = |p: &Published| p.size.is_none_or(|size| size == member.size);
            if !published.iter().any(is_as_long) {
                measured = measured.digest_line_ends();
            }
        }
        let mut link = None;
        let opened = with_chunk(|chunk| {
            let n = measured.fill(chunk)?;
            let first = &chunk[..n];
            let format = Format::of(path.file_name(), first)
                .filter(|_| !member.is_link && self.may_open(path, place));
            match format {
                Some(Format::Zip) if container.source(member).is_none() => {
                    let bytes =
                        self.read_whole(path, first, &mut measured, member.size, place, &[])?;
                    Ok(bytes.map(|bytes| Nested::Zip(path.clone(), bytes)))
                }
                Some(format) => Ok(Some(Nested::Reopen(member, format))),
                None if !member.is_link && script::is_script(first) => {
                    self.audit_script(path, member.size, chunk, n, &mut measured, place)
                }
                None => {
                    let size = if member.is_link {
                        link = self.link_target(path, &String::from_utf8_lossy(first));
                        None
                    } else {
                        Some(member.size)
                    };
                    self.audit_bytes(path, size, chunk, n, &mut measured, place)?;
                    Ok(None)
                }
            }
        });
        let file = ObservedFile {
            path: path.clone(),
            is_deployed: false,
            size: member.size,
            packed: member.packed,
            mode: member.mode,
            link,
            is_hard_link: false,
            crc32: measured.crc32(),
            sha256: measured.sha256(),
        };
        self.file(file, place);
        if let Some(forms) = measured.line_ends()
            && published.iter().any(|p| forms.contains(&p.sha256))
        {
            let mut seen = self.seen();
            seen.observations.supply.other_line_ends.push(path.clone());
        }
        opened.unwrap_or_else(|failure| {
            self.settle(path, Err(failure));
            None
        })
    }

    /// Keeps what there is to know of a file that is not kept itself.
    pub(super) fn file(&self, file: ObservedFile, place: Place) {
        if place.counted || place.in_layer || file.sha256.is_some() {
            self.seen().file(file, place);
        }
    }

    /// Where a link leads, unless no system would follow it.
    fn link_target(&self, path: &EntryPath, target: &str) -> Option<Box<str>> {
        if target.len() > MAX_LINK {
            self.error(
                path,
                format!("is a link of more than {MAX_LINK} bytes, and was not followed"),
            );
            return None;
        }
        Some(target.into())
    }

    /// Likewise of a link, which has no content.
    pub(super) fn link(
        &self,
        path: EntryPath,
        target: &str,
        is_hard_link: bool,
        mode: Option<u32>,
        place: Place,
    ) {
        let Some(link) = self.link_target(&path, target) else {
            return;
        };
        let file = ObservedFile {
            path,
            is_deployed: false,
            // The data of a hard link counts under its first name.
            size: if is_hard_link { 0 } else { target.len() as u64 },
            packed: None,
            mode,
            link: Some(link),
            is_hard_link,
            crc32: None,
            sha256: None,
        };
        self.file(file, place);
    }

    fn walk_nested(&self, container: &dyn Container, nested: Nested, place: Place) {
        match nested {
            Nested::Zip(path, bytes) => self.open_zip(&path, Source::memory(bytes), place.below()),
            Nested::Script(path, bytes) => self.open_script(&path, bytes, place),
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

    pub(super) fn open_zip(&self, path: &EntryPath, source: Source, place: Place) {
        match ZipArchive::open(source) {
            Ok(archive) => self.walk_zip(&nested_prefix(path), archive, place),
            Err(error) => self.error(path, error.to_string()),
        }
    }

    /// Whether an archive here may be opened; where it is too deep, that is an `errors` row.
    pub(super) fn may_open(&self, path: &EntryPath, place: Place) -> bool {
        let limit = self.budget.limits.max_depth;
        if place.depth >= limit {
            self.error(
                path,
                format!("is an archive {limit} archives deep and was not opened; raise --max-depth to audit it"),
            );
            return false;
        }
        let paid = self.budget.take_archive();
        if paid.is_err() {
            self.budget.leave_out(1);
        }
        paid.is_ok()
    }
}

/// Runs `f` with this thread's buffer.
pub fn with_chunk<T>(f: impl FnOnce(&mut [u8]) -> T) -> T {
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

/// The prefix for what stands in the archive at `path`.
pub fn nested_prefix(path: &EntryPath) -> Arc<str> {
    format!("{path}!/").into()
}

/// The archive itself, for what is said of it as a whole.
pub(super) fn container_path(prefix: &Arc<str>) -> EntryPath {
    let path = prefix.trim_end_matches("!/");
    EntryPath::new(&Arc::from(""), path)
}
