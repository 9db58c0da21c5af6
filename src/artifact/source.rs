//! Bytes that can be read at any position, by several threads at once: a file, or memory.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, Read};
use std::ops::Range;
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
            buffer: Buffer::default(),
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
    /// What is given out next.
    position: u64,
    end: u64,
    buffer: Buffer,
}

/// What was read of a file and is not given out yet.
#[derive(Default)]
struct Buffer {
    bytes: Vec<u8>,
    read: Range<usize>,
}

impl Slice {
    const BUFFER: usize = 64 * 1024;

    /// The next bytes, `n` of them or, at the end of the source, fewer. They are given out later.
    pub fn peek(&mut self, n: usize) -> io::Result<&[u8]> {
        let left = self.end.saturating_sub(self.position);
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        match &self.source {
            Source::Memory(bytes) => {
                let position = usize::try_from(self.position).ok();
                let rest = position.and_then(|position| bytes.get(position..));
                let rest = rest.unwrap_or_default();
                Ok(&rest[..rest.len().min(left)])
            }
            Source::File { .. } => {
                if self.buffer.read.len() < n.min(left) {
                    let ahead = self.position + self.buffer.read.len() as u64;
                    self.buffer.fill(&self.source, ahead, n, left)?;
                }
                Ok(&self.buffer.bytes[self.buffer.read.clone()])
            }
        }
    }

    /// Goes on `skip` bytes behind where it is, and ends `len` bytes behind that.
    pub fn narrow(&mut self, skip: u64, len: u64) {
        self.position = self.position.saturating_add(skip);
        self.end = self.position.saturating_add(len);
        self.buffer.skip(skip);
        let left = usize::try_from(len).unwrap_or(usize::MAX);
        let read = &mut self.buffer.read;
        read.end = read.end.min(read.start.saturating_add(left));
    }
}

impl Buffer {
    /// Reads more behind what is there, so that there are `n` bytes, and as many besides as fit; `left` at most.
    fn fill(&mut self, source: &Source, ahead: u64, n: usize, left: usize) -> io::Result<()> {
        if self.bytes.is_empty() {
            self.bytes = SPARE.take();
        }
        self.bytes.copy_within(self.read.clone(), 0);
        self.read = 0..self.read.len();
        let want = n.max(Slice::BUFFER).min(left);
        if self.bytes.len() < want {
            self.bytes.resize(want, 0);
        }
        let before = self.read.len();
        while self.read.end < n.min(left) {
            let at = ahead + (self.read.end - before) as u64;
            match source.read_at(&mut self.bytes[self.read.end..want], at) {
                Ok(0) => break,
                Ok(read) => self.read.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn skip(&mut self, n: u64) {
        let n = usize::try_from(n).unwrap_or(usize::MAX);
        self.read.start = self.read.start.saturating_add(n).min(self.read.end);
    }
}

thread_local! {
    /// The buffer of the last slice that this thread was done with: one archive has thousands of them.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if (1..=2 * Slice::BUFFER).contains(&self.bytes.len()) {
            SPARE.set(std::mem::take(&mut self.bytes));
        }
    }
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
        self.peek(1)
    }

    fn consume(&mut self, n: usize) {
        self.position += n as u64;
        self.buffer.skip(n as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same bytes in a file and in memory.
    fn sources() -> (Vec<u8>, [Source; 2]) {
        let bytes: Vec<u8> = (0..200_000u32)
            .map(|n| (n.wrapping_mul(n) >> 7) as u8)
            .collect();
        let file = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut &file, &bytes).unwrap();
        let sources = [Source::file(file).unwrap(), Source::memory(bytes.clone())];
        (bytes, sources)
    }

    fn read(mut slice: Slice) -> Vec<u8> {
        let mut read = Vec::new();
        slice.read_to_end(&mut read).unwrap();
        read
    }

    #[test]
    fn a_slice_is_what_stands_there() {
        let (bytes, sources) = sources();
        for source in &sources {
            for (offset, len) in [
                (0, 0),
                (3, 150_000),
                (199_990, 5),
                (199_990, 50),
                (300_000, 1),
            ] {
                let end = (offset + len).min(bytes.len());
                let there = bytes.get(offset..end).unwrap_or_default();
                assert_eq!(read(source.slice(offset as u64, len as u64)), there);
            }
        }
    }

    #[test]
    fn what_was_looked_at_is_given_out_later() {
        let (bytes, sources) = sources();
        for source in &sources {
            let mut slice = source.slice(10, 150_000);
            assert_eq!(slice.peek(100).unwrap()[..100], bytes[10..110]);
            // More than a buffer holds.
            assert_eq!(slice.peek(70_000).unwrap()[..70_000], bytes[10..70_010]);
            assert_eq!(read(slice), bytes[10..150_010]);
            assert!(source.slice(199_990, 100).peek(100).unwrap().len() == 10);
        }
    }

    #[test]
    fn what_follows_a_header_may_be_short_or_begin_far_behind_it() {
        let (bytes, sources) = sources();
        for source in &sources {
            for (skip, len) in [(30, 10), (30, 100_000), (90_000, 10), (90_000, 100_000)] {
                let mut slice = source.slice(0, 100);
                slice.peek(30).unwrap();
                slice.narrow(skip, len);
                let (start, len) = (skip as usize, len as usize);
                assert_eq!(read(slice), bytes[start..start + len]);
            }
            let mut slice = source.slice(100, 100);
            slice.narrow(u64::MAX, u64::MAX);
            assert!(read(slice).is_empty());
        }
    }
}
