//! Where the bytes of a download go, and what stays of one that broke off.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use reqwest::Url;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{DownloadError, Validators};
use crate::artifact::hex;

/// Far more than a [`State`] takes.
const MAX_STATE_BYTES: u64 = 64 << 10;

/// Which state of a file is being downloaded.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct State {
    pub validators: Validators,
    /// What makes sure that the rest is of the same state.
    pub if_range: Option<String>,
    pub total: Option<u64>,
}

/// A download that broke off: how much there is, and of what.
pub(super) struct Partial {
    pub bytes: u64,
    pub state: State,
}

pub(super) trait Sink {
    /// Forgets what there is.
    fn clear(&mut self) -> Result<(), DownloadError>;
    /// Begins a file, in a sink that is clear.
    fn begin(&mut self, state: &State) -> Result<(), DownloadError>;
    fn append(&mut self, bytes: &[u8]) -> Result<(), DownloadError>;
}

#[derive(Default)]
pub(super) struct MemorySink {
    pub bytes: Vec<u8>,
}

impl Sink for MemorySink {
    fn clear(&mut self) -> Result<(), DownloadError> {
        self.bytes.clear();
        Ok(())
    }

    fn begin(&mut self, _: &State) -> Result<(), DownloadError> {
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), DownloadError> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}

/// What stands in `NAME.part.json`.
#[derive(Serialize, Deserialize)]
struct Note {
    /// The digest of the address, which may hold secrets.
    url_sha256: String,
    #[serde(flatten)]
    state: State,
}

/// A file that is written under another name, `NAME.part`, until it is whole.
pub(super) struct FileSink {
    to: PathBuf,
    part: PathBuf,
    note: PathBuf,
    url_sha256: String,
    file: Option<File>,
}

impl FileSink {
    /// Looks for what an earlier download from `url` left.
    pub fn open(to: &Path, url: &Url) -> Result<(Self, Option<Partial>), DownloadError> {
        let beside = |extension: &str| {
            let mut name = OsString::from(to);
            name.push(extension);
            PathBuf::from(name)
        };
        let mut sink = FileSink {
            to: to.to_owned(),
            part: beside(".part"),
            note: beside(".part.json"),
            url_sha256: digest(url),
            file: None,
        };
        let partial = sink.reopen();
        if partial.is_none() {
            sink.clear()?;
        }
        Ok((sink, partial))
    }

    /// What cannot be read, or does not fit together, is as good as not there.
    fn reopen(&mut self) -> Option<Partial> {
        let note: Note = serde_json::from_slice(&read_small(&self.note)?).ok()?;
        if note.url_sha256 != self.url_sha256 || note.state.if_range.is_none() {
            return None;
        }
        if !is_file(&self.part) {
            return None;
        }
        let mut file = OpenOptions::new().write(true).open(&self.part).ok()?;
        let mut bytes = file.metadata().ok()?.len();
        if let Some(total) = note.state.total {
            if bytes > total {
                return None;
            }
            // There is no rest to ask for, so the last byte is asked for again.
            bytes = bytes.min(total.checked_sub(1)?);
        }
        file.set_len(bytes).ok()?;
        file.seek(SeekFrom::Start(bytes)).ok()?;
        self.file = Some(file);
        let state = note.state;
        Some(Partial { bytes, state })
    }

    /// Gives the file its name.
    pub fn finish(mut self) -> Result<(), DownloadError> {
        let Some(file) = self.file.take() else {
            return Ok(());
        };
        // What has the name must be whole after a power failure, too.
        file.sync_all().map_err(|e| write_error(&self.part, e))?;
        drop(file);
        fs::rename(&self.part, &self.to).map_err(|e| write_error(&self.to, e))?;
        remove(&self.note)
    }
}

impl Sink for FileSink {
    fn clear(&mut self) -> Result<(), DownloadError> {
        self.file = None;
        // In this order no note ever speaks of other bytes than those that are there.
        remove(&self.note)?;
        remove(&self.part)
    }

    fn begin(&mut self, state: &State) -> Result<(), DownloadError> {
        // Made anew, so that no link leads the bytes elsewhere.
        let file = File::create_new(&self.part).map_err(|e| write_error(&self.part, e))?;
        self.file = Some(file);
        let note = Note {
            url_sha256: self.url_sha256.clone(),
            state: state.clone(),
        };
        let written = serde_json::to_vec(&note)
            .map_err(io::Error::from)
            .and_then(|json| File::create_new(&self.note)?.write_all(&json));
        written.map_err(|e| write_error(&self.note, e))
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), DownloadError> {
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        file.write_all(bytes)
            .map_err(|e| write_error(&self.part, e))
    }
}

fn digest(url: &Url) -> String {
    let mut url = url.clone();
    // These fail where there is no user to take away.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    hex(&Sha256::digest(url.as_str()))
}

/// Not a link to one: what is written to it must not go elsewhere.
fn is_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
}

fn read_small(path: &Path) -> Option<Vec<u8>> {
    if !is_file(path) {
        return None;
    }
    let mut bytes = Vec::new();
    let file = File::open(path).ok()?;
    file.take(MAX_STATE_BYTES).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn remove(path: &Path) -> Result<(), DownloadError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(write_error(path, error)),
        _ => Ok(()),
    }
}

fn write_error(path: &Path, source: io::Error) -> DownloadError {
    DownloadError::Write {
        path: path.to_owned(),
        source,
    }
}
