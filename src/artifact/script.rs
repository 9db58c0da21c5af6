//! Scripts with a zip behind them, as `python -m zipapp`, pex and shiv write them:
//! <https://docs.python.org/3/library/zipapp.html#the-python-zip-application-archive-format>.
//!
//! The first bytes tell a script, only the last ones that a zip is behind it. So a script is held whole where it does not
//! fit into the first chunk. What stands before the zip is searched for secrets as any text.

use memchr::memmem;

use super::container::Nested;
use super::measured::{Failure, Measured};
use super::source::Source;
use super::walk::{Place, Walk, nested_prefix};
use super::zip::{END, END_LEN, ZipArchive, ZipError};
use crate::finding::EntryPath;

/// Whether the file names its interpreter.
pub fn is_script(first_bytes: &[u8]) -> bool {
    first_bytes.starts_with(b"#!")
}

/// Whether the end of a zip's directory may stand at the end of the file, before a comment.
pub fn may_hold_zip(bytes: &[u8]) -> bool {
    let tail = bytes.len().saturating_sub(END_LEN + usize::from(u16::MAX));
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
        let Some(bytes) = self.read_whole(path, &chunk[..filled], measured, size, place)? else {
            return Ok(None);
        };
        if may_hold_zip(&bytes) {
            return Ok(Some(Nested::Script(path.clone(), bytes)));
        }
        self.look_into_script(path, &bytes);
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
