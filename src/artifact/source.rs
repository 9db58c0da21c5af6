//! Bytes that can be read at any position, by several threads at once: a file, or memory.

use std::fs::File;
use std::io::{self, BufRead, Read};
use std::sync::Arc;

/// Where an archive's bytes are.
#[derive(Clone, Debug)]
pub enum Source {
    File { file: Arc<File>, len: u64 },
    Memory(Arc<Vec<u8>>),
}

impl Source {
    pub fn file(file: File) -> io::Result<Self> {
        let len = file.metadata()?.len();
        Ok(Source::File {
            file: Arc::new(file),
            len,
        })
    }

    pub fn len(&self) -> u64 {
        match self {
            Source::File { len, .. } => *len,
            Source::Memory(bytes) => bytes.len() as u64,
        }
    }

    pub fn memory(bytes: Vec<u8>) -> Self {
        Source::Memory(Arc::new(bytes))
    }

    /// Reads up to `buffer.len()` bytes from `offset` on; 0 at the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        match self {
            Source::File { file, .. } => read_file_at(file, buffer, offset),
            Source::Memory(bytes) => {
                let rest = usize::try_from(offset)
                    .ok()
                    .and_then(|offset| bytes.get(offset..))
                    .unwrap_or_default();
                let n = rest.len().min(buffer.len());
                buffer[..n].copy_from_slice(&rest[..n]);
                Ok(n)
            }
        }
    }

    /// Fills the whole buffer from `offset` on, or fails.
    pub fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read_at(&mut buffer[filled..], offset + filled as u64) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => filled += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// A reader of `len` bytes from `offset` on.
    pub fn slice(&self, offset: u64, len: u64) -> Slice {
        Slice {
            source: self.clone(),
            position: offset,
            end: offset.saturating_add(len),
            buffer: Vec::new(),
            consumed: 0,
        }
    }
}

#[cfg(unix)]
fn read_file_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_file_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}

/// A part of a [`Source`], read from its start to its end.
pub struct Slice {
    source: Source,
    position: u64,
    end: u64,
    buffer: Vec<u8>,
    consumed: usize,
}

impl Slice {
    const BUFFER: u64 = 64 * 1024;
}

impl Read for Slice {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let n = available.len().min(out.len());
        out[..n].copy_from_slice(&available[..n]);
        self.consume(n);
        Ok(n)
    }
}

impl BufRead for Slice {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.consumed == self.buffer.len() {
            let want = (self.end - self.position).min(Self::BUFFER) as usize;
            self.buffer.resize(want, 0);
            let n = self.source.read_at(&mut self.buffer, self.position)?;
            self.buffer.truncate(n);
            self.position += n as u64;
            self.consumed = 0;
        }
        Ok(&self.buffer[self.consumed..])
    }

    fn consume(&mut self, n: usize) {
        self.consumed += n;
    }
}
