//! Opening what a function is deployed as: archives, folders and images, one pass over their bytes.

mod ambiguous;
mod container;
mod content;
mod directory;
mod extents;
mod format;
pub mod image;
mod inflate;
mod level;
pub mod limits;
mod line_ends;
mod listed;
pub(crate) mod local_header;
mod measured;
mod names;
mod script;
mod seen;
pub(crate) mod source;
mod stream;
mod tar_guard;
mod walk;
pub(crate) mod zip;
mod zstd;

use std::fs::File;
use std::io::{self, BufRead, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::ThreadPool;
use serde::Serialize;
use sha2::{Digest, Sha256};
use thiserror::Error;

use self::directory::Directory;
use self::format::{Format, SNIFF};
use self::image::Visibility;
use self::limits::Budget;
use self::source::Source;
use self::walk::Walk;
use self::zip::{ZipArchive, ZipError};
use crate::finding::{ArtifactFinding, EntryPath};
use crate::inspect::{Inspector, Observations};
use crate::report::ReadError;
use crate::secret::Scanner;
use crate::text::visible;

/// The name that means standard input.
pub const STDIN: &str = "-";

/// Why an artifact could not be audited at all.
#[derive(Debug, Error)]
pub enum ArtifactError {
    #[error("{}: could not be opened: {error}; check the path and its permissions", .path.display())]
    Open { path: PathBuf, error: io::Error },
    #[error("{}: could not be read: {error}; check the disk or copy the file again", .path.display())]
    Read { path: PathBuf, error: io::Error },
    #[error("{}: is empty; build or download it again", .path.display())]
    Empty { path: PathBuf },
    #[error("{}: holds no files; build it again, or check that it is the right one", .path.display())]
    NoFiles { path: PathBuf },
    #[error(
        "{}: is not an archive that fnaudit reads; give it a zip, a tar (also gzip, zstd or xz), a container image or a folder",
        .path.display()
    )]
    NotAnArchive { path: PathBuf },
    #[error("{}: {error}; build or download it again", .path.display())]
    Zip { path: PathBuf, error: ZipError },
    #[error(
        "{}: is a zip of more than {limit} bytes that comes through a pipe; save it to a file, or raise --max-memory",
        .path.display()
    )]
    PipeTooLarge { path: PathBuf, limit: u64 },
}

/// A row of the report's `artifacts`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Artifact {
    pub path: String,
    /// `zip`, `tar`, `tar.gz`, `tar.zst`, `tar.xz`, `directory` or `image`.
    pub kind: String,
    /// The platform it is built for, where that is known.
    pub platform: Option<String>,
    /// Of the file as it is; a folder has none.
    pub sha256: Option<String>,
    /// A folder has none.
    pub packed_bytes: Option<u64>,
    /// Of the artifact's files (an image's layers' files); nested archives count as they are.
    pub unpacked_bytes: u64,
    pub entries: u64,
}

/// An artifact, and what was seen in it.
#[derive(Debug)]
pub struct Opened {
    pub artifact: Artifact,
    pub observations: Observations,
    pub errors: Vec<ReadError>,
    pub findings: Vec<ArtifactFinding>,
    /// Set where the artifact ends before it should: what follows is unknown.
    pub cut: Option<String>,
}

/// What an artifact is opened with.
pub struct Tools<'a> {
    pub pool: &'a ThreadPool,
    pub inspectors: &'a [&'static dyn Inspector],
    /// What looks for secrets in every entry, if anything does.
    pub secrets: Option<&'a Scanner>,
    pub budget: &'a Budget<'a>,
    /// Whether what wheels list is digested, to be compared with.
    pub digests: bool,
    /// Called with the unpacked bytes of each entry that was read.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

/// Walks the artifact at `path` once.
pub fn open(path: &Path, tools: &Tools) -> Result<Opened, ArtifactError> {
    let walk = Walk::new(
        tools.pool,
        tools.inspectors,
        tools.secrets,
        tools.budget,
        tools.digests,
        tools.progress,
    );
    if path == Path::new(STDIN) {
        return open_pipe(path, "stdin", io::stdin().lock(), walk);
    }
    let cannot_open = |error| ArtifactError::Open {
        path: path.to_owned(),
        error,
    };
    let name = visible(&path.to_string_lossy()).into_owned();
    let metadata = path.metadata().map_err(cannot_open)?;
    if metadata.is_dir() {
        let directory = Directory::open(path).map_err(cannot_open)?;
        let separator = if name.ends_with('/') { "" } else { "/" };
        let prefix: Arc<str> = format!("{name}{separator}").into();
        walk.directory(&prefix, &directory);
        return opened(walk, &prefix, &name, "directory", None);
    }
    let file = File::open(path).map_err(cannot_open)?;
    if !metadata.is_file() {
        // A pipe can only be read from front to back.
        return open_pipe(path, &name, file, walk);
    }
    let source = Source::file(file).map_err(cannot_open)?;
    open_source(path, &name, source, walk)
}

/// An artifact whose bytes can be read at any position.
fn open_source(
    path: &Path,
    name: &str,
    source: Source,
    walk: Walk,
) -> Result<Opened, ArtifactError> {
    let cannot_read = |error| ArtifactError::Read {
        path: path.to_owned(),
        error,
    };
    let packed = source.len();
    let mut first = Vec::new();
    let mut head = source.slice(0, SNIFF as u64);
    head.read_to_end(&mut first).map_err(cannot_read)?;
    if first.is_empty() {
        return Err(ArtifactError::Empty {
            path: path.to_owned(),
        });
    }
    if first.len() == SNIFF && first.iter().all(|&byte| byte == 0) {
        // The end of a tar, and nothing before it.
        return Err(ArtifactError::NoFiles {
            path: path.to_owned(),
        });
    }
    let (format, archive) = match Format::sniff(&first) {
        Some(format @ (Format::Tar | Format::Compressed(_))) => (format, None),
        // A zip is found from its end, whatever stands before it.
        sniffed => match ZipArchive::open(source.clone()) {
            Ok(archive) => (Format::Zip, Some(archive)),
            Err(ZipError::NoDirectory) if sniffed.is_none() => {
                return Err(ArtifactError::NotAnArchive {
                    path: path.to_owned(),
                });
            }
            Err(error) => {
                return Err(ArtifactError::Zip {
                    path: path.to_owned(),
                    error,
                });
            }
        },
    };
    let itself = EntryPath::new(&Arc::from(""), name);
    let prefix = walk::nested_prefix(&itself);
    let mut sha256 = Ok(String::new());
    walk.pool.in_place_scope(|scope| {
        scope.spawn(|_| sha256 = digest(source.slice(0, packed)));
        match archive {
            Some(archive) => walk.zip(&prefix, archive),
            None => walk.stream(&itself, &mut source.slice(0, packed)),
        }
    });
    let sha256 = sha256.map_err(cannot_read)?;
    opened(walk, &prefix, name, format.name(), Some((packed, sha256)))
}

/// Standard input or another pipe: a tar is read as it comes, a zip must be held because its directory stands at its end.
fn open_pipe(
    path: &Path,
    name: &str,
    mut input: impl Read,
    walk: Walk,
) -> Result<Opened, ArtifactError> {
    let cannot_read = |error| ArtifactError::Read {
        path: path.to_owned(),
        error,
    };
    let mut first = Vec::new();
    Read::take(&mut input, SNIFF as u64)
        .read_to_end(&mut first)
        .map_err(cannot_read)?;
    match Format::sniff(&first) {
        Some(format @ (Format::Tar | Format::Compressed(_))) => {
            let itself = EntryPath::new(&Arc::from(""), name);
            let mut hashed = Hashed {
                reader: first.as_slice().chain(input),
                sha256: Sha256::new(),
                len: 0,
            };
            walk.stream(&itself, &mut hashed);
            io::copy(&mut hashed, &mut io::sink()).map_err(cannot_read)?;
            let packed = (hashed.len, hex(&hashed.sha256.finalize()));
            let prefix = walk::nested_prefix(&itself);
            opened(walk, &prefix, name, format.name(), Some(packed))
        }
        _ => {
            let limit = walk.budget.limits.max_memory / 2;
            let room = limit.saturating_sub(first.len() as u64);
            input
                .take(room + 1)
                .read_to_end(&mut first)
                .map_err(cannot_read)?;
            if first.len() as u64 > limit {
                return Err(ArtifactError::PipeTooLarge {
                    path: path.to_owned(),
                    limit,
                });
            }
            open_source(path, name, Source::memory(first), walk)
        }
    }
}

fn opened(
    walk: Walk,
    prefix: &str,
    path: &str,
    kind: &str,
    packed: Option<(u64, String)>,
) -> Result<Opened, ArtifactError> {
    let within_limits = walk.budget.check().is_ok();
    let mut seen = walk.finish();
    if within_limits && seen.is_empty() {
        return Err(ArtifactError::NoFiles { path: path.into() });
    }
    let (mut errors, mut findings) = seen.take_rows(&EntryPath::new(&Arc::from(""), path));
    let visibility = Visibility::of(prefix, &seen.observations.images, &seen.layers);
    seen.settle_files(visibility.is_image);
    if visibility.is_image {
        seen.observations.retain(|path| visibility.shows(path));
        errors.retain(|error| visibility.shows(&error.path));
        findings.retain(|finding| visibility.shows(&finding.path));
    }
    let (kind, count) = if visibility.is_image {
        ("image", seen.in_layers)
    } else {
        (kind, seen.own)
    };
    let (packed_bytes, sha256) = packed.unzip();
    Ok(Opened {
        artifact: Artifact {
            path: path.to_owned(),
            kind: kind.to_owned(),
            platform: None,
            sha256,
            packed_bytes,
            unpacked_bytes: count.bytes,
            entries: count.entries,
        },
        observations: seen.observations,
        errors,
        findings,
        cut: seen.cut,
    })
}

fn digest(mut reader: impl BufRead) -> io::Result<String> {
    let mut sha256 = Sha256::new();
    loop {
        let bytes = reader.fill_buf()?;
        if bytes.is_empty() {
            return Ok(hex(&sha256.finalize()));
        }
        sha256.update(bytes);
        let n = bytes.len();
        reader.consume(n);
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Digests what is read through it.
struct Hashed<R> {
    reader: R,
    sha256: Sha256,
    len: u64,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(out)?;
        self.sha256.update(&out[..n]);
        self.len += n as u64;
        Ok(n)
    }
}
