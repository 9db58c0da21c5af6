//! What is done with the content of one entry: it is shown to those who want it, whole or in windows, and searched for
//! secrets.

use std::cell::RefCell;
use std::io::Read;
use std::sync::PoisonError;

use sha2::{Digest, Sha256};

use super::measured::{Failure, Measured};
use super::stream::read_full;
use super::walk::{CHUNK, Place, Walk};
use crate::finding::EntryPath;
use crate::inspect::{Entry, Header, Inspector, Observations, SecretInFile, Windows};
use crate::inventory::npm;
use crate::report::ReadError;
use crate::secret::{FileScan, OVERLAP};

/// What is looked at at once of an entry that is not held whole.
const WINDOW_BYTES: usize = 1024 * 1024;

/// What is said of an entry that there is no memory for.
pub(super) const NOT_READ: &str = "not looked into";

/// From this size on, manifests and lock files are parsed one at a time.
const LARGE_TEXT: usize = 1024 * 1024;

/// An entry in memory, or the start of one that is too large for it.
pub enum Held {
    Whole(Vec<u8>),
    Start(Vec<u8>),
}

impl Walk<'_> {
    pub(super) fn wanted_by(
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
        let wants = |inspector: &&&'static dyn Inspector| inspector.wants(&header);
        let mut wanted: Vec<_> = self.inspectors.iter().filter(wants).copied().collect();
        let asked = wanted.len();
        wanted.retain(|inspector| size <= inspector.max_size());
        if wanted.len() < asked {
            self.error(
                path,
                format!("is {size} bytes, too large for what its name says, and was not read"),
            );
        }
        wanted
    }

    /// Gives an entry to those who want it and looks for secrets in it, or only verifies it. `size` is what the
    /// archive states; none for what is no content of its own.
    pub(super) fn audit_bytes(
        &self,
        path: &EntryPath,
        size: Option<u64>,
        chunk: &mut [u8],
        filled: usize,
        measured: &mut Measured,
        place: Place,
    ) -> Result<(), Failure> {
        (self.progress)(size.unwrap_or_default());
        let Some(size) = size else {
            return measured.drain(chunk);
        };
        let wanted = self.wanted_by(path, size.max(filled as u64), &chunk[..filled]);
        if filled < chunk.len() {
            measured.drain(&mut [0])?;
            self.look_into(&wanted, path, &chunk[..filled]);
        } else if !wanted.is_empty() {
            if let Some(bytes) =
                self.read_whole(path, &chunk[..filled], measured, size, place, &wanted)?
            {
                self.look_into(&wanted, path, &bytes);
            }
        } else {
            self.scan_windows(path, &chunk[..filled], measured)?;
        }
        Ok(())
    }

    /// Shows a whole entry to those who want it, and looks for secrets in it.
    pub(super) fn look_into(
        &self,
        wanted: &[&'static dyn Inspector],
        path: &EntryPath,
        bytes: &[u8],
    ) {
        if !wanted.is_empty() {
            self.inspect(wanted, &Entry { path, bytes });
        }
        if let Some(scanner) = self.secrets {
            let mut scan = scanner.file(path, bytes.len() as u64);
            scan.window(bytes, 0, true);
            self.observe_secrets(path, Some(scan), || Some(Sha256::digest(bytes).into()));
        }
    }

    /// Reads an entry that nobody wants whole, or that is too large for it, and looks for secrets on the way.
    /// `first` is what was read of it.
    pub(super) fn scan_windows(
        &self,
        path: &EntryPath,
        first: &[u8],
        measured: &mut Measured,
    ) -> Result<(), Failure> {
        self.show_windows(path, first, measured, &mut [])
    }

    /// The same, with those who look at an entry in windows.
    fn show_windows(
        &self,
        path: &EntryPath,
        first: &[u8],
        measured: &mut Measured,
        shown: &mut [Box<dyn Windows>],
    ) -> Result<(), Failure> {
        if self.secrets.is_none() && shown.is_empty() {
            return with_buffer(|buffer| measured.drain(buffer));
        }
        with_buffer(|buffer| {
            let mut scan = self.secrets.map(|scanner| scanner.file(path, u64::MAX));
            let mut source = first.chain(&mut *measured);
            let (mut at, mut kept) = (0, 0);
            // Of a text alone, as a binary has no finding that what is published would change; not of npm packages,
            // which have no list of their files; and of one that fits into a window only if something is found.
            let is_listed = scan.is_some() && !npm::is_inside_package(path);
            let mut sha256 = None;
            let outcome = loop {
                let filled = match read_full(&mut source, &mut buffer[kept..]) {
                    Ok(read) => kept + read,
                    Err(error) => break Err(error),
                };
                let last = filled < buffer.len();
                if let Some(scan) = &mut scan {
                    scan.window(&buffer[..filled], at, last);
                }
                for shown in &mut *shown {
                    shown.window(&buffer[..filled], at);
                }
                if at == 0 && last {
                    let digest = || Some(Sha256::digest(&buffer[..filled]).into());
                    self.observe_secrets(path, scan, digest);
                    return Ok(());
                }
                if at == 0 && is_listed && memchr::memchr(0, &buffer[..filled]).is_none() {
                    sha256 = Some(Sha256::new());
                }
                if let Some(sha256) = &mut sha256 {
                    sha256.update(&buffer[kept..filled]);
                }
                if last {
                    let digest = || sha256.map(|sha256| sha256.finalize().into());
                    self.observe_secrets(path, scan, digest);
                    return Ok(());
                }
                buffer.copy_within(filled - OVERLAP.., 0);
                kept = OVERLAP;
                at += (filled - OVERLAP) as u64;
            };
            self.observe_secrets(path, scan, || None);
            outcome.map_err(|error| measured.explain(error))
        })
    }

    /// `sha256` is asked for the digest of the entry where something was found.
    fn observe_secrets(
        &self,
        path: &EntryPath,
        scan: Option<FileScan>,
        sha256: impl FnOnce() -> Option<[u8; 32]>,
    ) {
        let Some(scan) = scan else {
            return;
        };
        if scan.is_incomplete() {
            self.error(
                path,
                "holds so much that looks like a secret that not all of it was looked at",
            );
        }
        let found = scan.finish();
        if found.is_empty() {
            return;
        }
        let sha256 = sha256();
        let secrets = found
            .into_iter()
            .map(|secret| SecretInFile { secret, sha256 });
        self.seen().observe(Observations {
            secrets: secrets.collect(),
            ..Observations::default()
        });
    }

    /// Reads an entry into memory, if its level has room for it. If not, those who want it see what they can of it.
    pub(super) fn read_whole(
        &self,
        path: &EntryPath,
        first: &[u8],
        measured: &mut Measured,
        size: u64,
        place: Place,
        wanted: &[&'static dyn Inspector],
    ) -> Result<Option<Vec<u8>>, Failure> {
        match self.hold(first, measured, size, place)? {
            Held::Whole(bytes) => Ok(Some(bytes)),
            Held::Start(start) => {
                self.inspect_windows(path, &start, measured, size, place, wanted)?;
                Ok(None)
            }
        }
    }

    /// Shows an entry that is too large to be held to those who can look at it in windows.
    fn inspect_windows(
        &self,
        path: &EntryPath,
        start: &[u8],
        measured: &mut Measured,
        size: u64,
        place: Place,
        wanted: &[&'static dyn Inspector],
    ) -> Result<(), Failure> {
        let header = Header {
            path,
            size,
            first_bytes: &start[..start.len().min(CHUNK)],
        };
        let shown = wanted.iter().filter_map(|i| i.in_windows(&header));
        let mut shown: Vec<Box<dyn Windows>> = shown.collect();
        let outcome = if shown.is_empty() {
            NOT_READ
        } else {
            "looked into in parts, so that some of what is in it may be missing here"
        };
        self.say_too_large(path, place, "", outcome);
        self.show_windows(path, start, measured, &mut shown)?;
        let mut observations = Observations::default();
        for shown in shown {
            if let Err(unreadable) = shown.finish(measured.len(), path, &mut observations) {
                self.seen()
                    .error(ReadError::unreadable(path.clone(), unreadable));
            }
        }
        self.seen().observe(observations);
        Ok(())
    }

    /// Reads an entry as far as its level has room for it. `first` was read of it.
    pub(super) fn hold(
        &self,
        first: &[u8],
        measured: &mut Measured,
        size: u64,
        place: Place,
    ) -> Result<Held, Failure> {
        let share = place.share();
        if size > share {
            return Ok(Held::Start(first.to_vec()));
        }
        // Zeros that the system gives for nothing: a reader that appends would write them first.
        let mut bytes = vec![0; (size as usize).max(first.len())];
        let (start, rest) = bytes.split_at_mut(first.len());
        start.copy_from_slice(first);
        let filled = first.len() + measured.fill(rest)?;
        bytes.truncate(filled);
        let room = share.saturating_sub(filled as u64);
        // One byte more than there is room for, to tell a full buffer from a longer entry.
        let read = Read::take(&mut *measured, room + 1).read_to_end(&mut bytes);
        read.map_err(|error| measured.explain(error))?;
        Ok(if bytes.len() as u64 > share {
            Held::Start(bytes)
        } else {
            Held::Whole(bytes)
        })
    }

    /// `why` is what it is held for, where its name does not say it.
    pub(super) fn say_too_large(&self, path: &EntryPath, place: Place, why: &str, outcome: &str) {
        let share = place.share();
        self.error(
            path,
            format!(
                "{why}needs more than {share} bytes of memory and was {outcome}; raise --max-memory"
            ),
        );
    }

    pub(super) fn inspect(&self, wanted: &[&'static dyn Inspector], entry: &Entry) {
        // Parsing a text takes many times its size: large ones wait for one another. Who holds the lock waits
        // for nobody.
        let is_large =
            entry.bytes.len() > LARGE_TEXT && wanted.iter().any(|i| i.max_size() < u64::MAX);
        let alone = is_large.then(|| {
            self.large_texts
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        });
        let mut observations = Observations::default();
        let mut errors = Vec::new();
        for inspector in wanted {
            if let Err(unreadable) = inspector.inspect(entry, &mut observations) {
                errors.push(ReadError::unreadable(entry.path.clone(), unreadable));
            }
        }
        drop(alone);
        let mut seen = self.seen();
        seen.observe(observations);
        for error in errors {
            seen.error(error);
        }
    }
}

/// Runs `f` with this thread's large buffer, of a window.
fn with_buffer<T>(f: impl FnOnce(&mut [u8]) -> T) -> T {
    thread_local! {
        static WINDOW: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    WINDOW.with(|window| match window.try_borrow_mut() {
        Ok(mut window) => {
            window.resize(WINDOW_BYTES, 0);
            f(&mut window)
        }
        // Already in use further up this thread's stack.
        Err(_) => f(&mut vec![0; WINDOW_BYTES]),
    })
}
