//! A reader that keeps the account: size, ratio, checksum and the shared budget.

use std::cell::Cell;
use std::io::{self, Read};

use sha2::{Digest, Sha256};

use super::limits::{Budget, Limits};
use super::line_ends::LineEnds;

/// Why an entry was not read to its end.
#[derive(Debug, PartialEq, Eq)]
pub enum Failure {
    /// A limit of the whole audit was reached; the report says so once.
    Exhausted,
    /// It unpacks to far more than it should; a finding.
    Bomb(String),
    /// An `errors` row.
    Damaged(String),
}

/// What an archive says of an entry.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stated {
    pub unpacked: Option<u64>,
    pub crc32: Option<u32>,
}

/// Reads an entry's unpacked bytes and verifies them against what the archive says.
///
/// A failure ends the stream with an error, and stays here in its own words: what is between this reader
/// and the one who asked may have changed the error's.
pub struct Measured<'a> {
    reader: &'a mut dyn Read,
    stated: Stated,
    budget: &'a Budget<'a>,
    /// Packed bytes that went in so far, where they are counted.
    packed: Option<&'a Cell<u64>>,
    /// Whether the bytes are paid for here; those of a stream that holds other entries are paid for there.
    pays: bool,
    read: u64,
    crc32: crc32fast::Hasher,
    sha256: Option<Sha256>,
    line_ends: Option<LineEnds>,
    /// Whether the stream came to its end and was what it should be.
    is_verified: bool,
    failure: Option<Failure>,
    tail: Option<Tail>,
}

/// The last bytes of a stream, as many as are asked for and up to as many before them.
struct Tail {
    most: usize,
    bytes: Vec<u8>,
}

impl Tail {
    fn push(&mut self, bytes: &[u8]) {
        let bytes = &bytes[bytes.len().saturating_sub(self.most)..];
        if self.bytes.len() + bytes.len() > 2 * self.most {
            let kept = self.bytes.len().min(self.most);
            self.bytes.drain(..self.bytes.len() - kept);
        }
        self.bytes.extend_from_slice(bytes);
    }
}

impl<'a> Measured<'a> {
    /// For an entry's own bytes.
    pub fn entry(reader: &'a mut dyn Read, stated: Stated, budget: &'a Budget<'a>) -> Self {
        Measured {
            reader,
            stated,
            budget,
            packed: None,
            pays: true,
            read: 0,
            crc32: crc32fast::Hasher::new(),
            sha256: None,
            line_ends: None,
            is_verified: false,
            failure: None,
            tail: None,
        }
    }

    /// For bytes in which other entries stand, such as an unpacked `.tar.gz`.
    pub fn stream(
        reader: &'a mut dyn Read,
        stated: Stated,
        packed: Option<&'a Cell<u64>>,
        budget: &'a Budget<'a>,
    ) -> Self {
        Measured {
            packed,
            pays: false,
            ..Measured::entry(reader, stated, budget)
        }
    }

    /// Reads what is left, so that size and checksum are verified.
    pub fn drain(&mut self, buffer: &mut [u8]) -> Result<(), Failure> {
        while self.fill(buffer)? > 0 {}
        Ok(())
    }

    /// Reads until the buffer is full or the stream ends.
    pub fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.explain(error)),
            }
        }
        Ok(filled)
    }

    /// The failure behind an error that came out of this reader, or that error itself.
    pub fn explain(&mut self, error: io::Error) -> Failure {
        self.failure
            .take()
            .unwrap_or_else(|| Failure::Damaged(format!("is damaged: {error}")))
    }

    /// Keeps the last bytes from here on; `before` are those that were read before.
    pub fn keep_tail(&mut self, most: usize, before: &[u8]) {
        let mut tail = Tail {
            most,
            bytes: Vec::new(),
        };
        tail.push(before);
        self.tail = Some(tail);
    }

    /// What was kept of the last bytes.
    pub fn tail(&self) -> &[u8] {
        self.tail.as_ref().map_or(&[], |tail| &tail.bytes)
    }

    /// How many bytes were read so far.
    pub fn len(&self) -> u64 {
        self.read
    }

    /// Digests what is read, from here on.
    pub fn digest(mut self) -> Self {
        self.sha256 = Some(Sha256::new());
        self
    }

    /// Likewise, with other ends of lines.
    pub fn digest_line_ends(mut self) -> Self {
        self.line_ends = Some(LineEnds::default());
        self
    }

    /// Of all that was read, if that is all there is.
    pub fn crc32(&self) -> Option<u32> {
        let is_counted = self.pays || self.stated.crc32.is_some();
        (self.is_verified && is_counted).then(|| self.crc32.clone().finalize())
    }

    /// Likewise, where that was asked for.
    pub fn sha256(&mut self) -> Option<[u8; 32]> {
        let sha256 = self.sha256.take().filter(|_| self.is_verified)?;
        Some(sha256.finalize().into())
    }

    /// Of the text with one end of lines and with the other, where that was asked for.
    pub fn line_ends(&mut self) -> Option<[[u8; 32]; 2]> {
        let line_ends = self.line_ends.take().filter(|_| self.is_verified)?;
        Some(line_ends.finish())
    }

    /// The failure that an error further up began with, if it began here.
    pub fn own_failure(&mut self) -> Option<Failure> {
        self.failure.take()
    }

    fn account(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if bytes.is_empty() {
            self.is_verified = self.verify().map(|()| true)?;
            return Ok(());
        }
        self.read += bytes.len() as u64;
        if self.pays || self.stated.crc32.is_some() {
            self.crc32.update(bytes);
        }
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(bytes);
        }
        if let Some(line_ends) = &mut self.line_ends {
            line_ends.update(bytes);
        }
        let limits = self.budget.limits;
        if let Some(stated) = self.stated.unpacked
            && self.read > stated
        {
            return Err(Failure::Damaged(format!(
                "unpacks to more than the {stated} bytes it states; the rest was not audited"
            )));
        }
        if self.pays && self.read > limits.max_entry {
            return Err(Failure::Bomb(format!(
                "unpacks to more than {} bytes",
                limits.max_entry
            )));
        }
        if let Some(packed) = self.packed
            && limits.is_bomb(packed.get(), self.read)
        {
            return Err(Failure::Bomb(format!(
                "unpacks to more than {} times its size",
                limits.max_ratio
            )));
        }
        let paid = if self.pays {
            self.budget.take_bytes(bytes.len() as u64)
        } else {
            self.budget.check()
        };
        paid.map_err(|_| Failure::Exhausted)
    }

    /// At the end of the stream: was it all there, and is it what was packed?
    fn verify(&self) -> Result<(), Failure> {
        if let Some(stated) = self.stated.unpacked
            && self.read < stated
        {
            return Err(Failure::Damaged(format!(
                "is cut: it holds {} bytes of the {stated} it states",
                self.read
            )));
        }
        match self.stated.crc32 {
            Some(stated) if stated != self.crc32.clone().finalize() => Err(Failure::Damaged(
                "does not match its checksum: it was damaged or changed after packing".into(),
            )),
            _ => Ok(()),
        }
    }
}

impl Read for Measured<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        let n = self.reader.read(out)?;
        if let Some(tail) = &mut self.tail {
            tail.push(&out[..n]);
        }
        match self.account(&out[..n]) {
            Ok(()) => Ok(n),
            Err(failure) => {
                self.failure = Some(failure);
                Err(io::ErrorKind::InvalidData.into())
            }
        }
    }
}

/// Whether an archive's own statement makes an entry a bomb, before a byte of it is unpacked.
pub fn refuse(limits: &Limits, packed: u64, unpacked: u64) -> Option<Failure> {
    if limits.is_bomb(packed, unpacked) {
        return Some(Failure::Bomb(format!(
            "states {unpacked} bytes, {} times its packed size",
            unpacked / packed.max(1)
        )));
    }
    (unpacked > limits.max_entry).then(|| {
        Failure::Bomb(format!(
            "states {unpacked} bytes, more than the {} of --max-entry",
            limits.max_entry
        ))
    })
}

/// Counts the bytes that a decoder takes in.
pub struct Counted<'a, R> {
    pub reader: R,
    pub count: &'a Cell<u64>,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(out)?;
        self.count.set(self.count.get() + n as u64);
        Ok(n)
    }
}
