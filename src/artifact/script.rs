//! Scripts with a zip behind them, as `python -m zipapp`, pex and shiv write them:
//! <https://docs.python.org/3/library/zipapp.html#the-python-zip-application-archive-format>.
//!
//! The first bytes tell a script, only the last ones that a zip is behind it. So a script that does not fit into the
//! first chunk is held whole, and of one that is too large for it the end is looked at. What stands before the zip is searched for secrets as any text.

use memchr::memmem;

use super::container::Nested;
use super::content::{Held, NOT_READ};
use super::measured::{Failure, Measured};
use super::source::Source;
use super::walk::{Place, Walk, nested_prefix};
use super::zip::{END, END_LEN, ZipArchive, ZipError};
use crate::finding::EntryPath;

/// Whether the file names its interpreter.
pub fn is_script(first_bytes: &[u8]) -> bool {
    first_bytes.starts_with(b"#!")
}

/// How far from the end of a file its zip's directory ends: there is a comment behind it.
const MAX_TAIL: usize = END_LEN + u16::MAX as usize;

/// Whether the end of a zip's directory may stand at the end of the file.
pub fn may_hold_zip(bytes: &[u8]) -> bool {
    let tail = bytes.len().saturating_sub(MAX_TAIL);
    memmem::find(&bytes[tail..], END).is_some()
}

impl Walk<'_> {
    /// Looks into a script, or hands it back if a zip may be behind it. `filled` bytes of it are in the chunk.
    pub(super) fn audit_script<'m>(
        &self,
        path: &EntryPath,
        size: u64,
        chunk: &mut [u8],
        filled: usize,
        measured: &mut Measured,
        place: Place,
    ) -> Result<Option<Nested<'m>>, Failure> {
        if filled < chunk.len() && !may_hold_zip(&chunk[..filled]) {
            self.audit_bytes(path, Some(size), chunk, filled, measured, place)?;
            return Ok(None);
        }
        (self.progress)(size);
        let first = &chunk[..filled];
        let is_wanted = || !self.wanted_by(path, size, first).is_empty();
        let Some(bytes) = self.read_script(path, first, measured, size, place, is_wanted)? else {
            return Ok(None);
        };
        if may_hold_zip(&bytes) {
            return Ok(Some(Nested::Script(path.clone(), bytes)));
        }
        self.look_into_script(path, &bytes);
        Ok(None)
    }

    /// Reads a script into memory. One that there is no room for is searched for secrets as other large files are, and is
    /// an `errors` row if somebody wants it, or if a zip may be behind it.
    pub(super) fn read_script(
        &self,
        path: &EntryPath,
        first: &[u8],
        measured: &mut Measured,
        size: u64,
        place: Place,
        is_wanted: impl FnOnce() -> bool,
    ) -> Result<Option<Vec<u8>>, Failure> {
        measured.keep_tail(MAX_TAIL, first);
        let start = match self.hold(first, measured, size, place)? {
            Held::Whole(bytes) => return Ok(Some(bytes)),
            Held::Start(bytes) => bytes,
        };
        self.scan_windows(path, &start, measured)?;
        if may_hold_zip(measured.tail()) {
            self.say_too_large(
                path,
                place,
                "seems to have a zip behind its script, ",
                NOT_READ,
            );
        } else if is_wanted() {
            self.say_too_large(path, place, "", NOT_READ);
        }
        Ok(None)
    }

    /// Opens the zip behind a script. Without one it is a script like others.
    pub(super) fn open_script(&self, path: &EntryPath, bytes: Vec<u8>, place: Place) {
        let source = Source::memory(bytes);
        let Source::Memory(bytes) = &source else {
            return;
        };
        match ZipArchive::open(source.clone()) {
            Ok(archive) if !archive.entries.is_empty() => {
                let script = usize::try_from(archive.prefix_len()).unwrap_or(bytes.len());
                let script = &bytes[..script.min(bytes.len())];
                if self.may_open(path, place) {
                    self.look_into(&[], path, script);
                    self.walk_zip(&nested_prefix(path), archive, place.below());
                } else {
                    self.look_into_script(path, bytes);
                }
            }
            Ok(_) | Err(ZipError::NoDirectory) => self.look_into_script(path, bytes),
            Err(error) => {
                self.error(path, error.to_string());
                self.look_into_script(path, bytes);
            }
        }
    }

    fn look_into_script(&self, path: &EntryPath, bytes: &[u8]) {
        let wanted = self.wanted_by(path, bytes.len() as u64, bytes);
        self.look_into(&wanted, path, bytes);
    }
}
