//! A reader in front of the tar reader that lets no long-name or pax record through that is too large: those
//! are read into memory whole, before anything else can be asked about them.
//!
//! Format: POSIX.1-2017, pax, "ustar Interchange Format"; GNU's records and sparse headers as in
//! <https://www.gnu.org/software/tar/manual/html_node/Standard.html>.

use std::io::{self, Read};

const BLOCK: usize = 512;
/// Far more than any path that a file system takes, with all its attributes.
const MAX_RECORD: u64 = 1024 * 1024;

pub struct TarGuard<R> {
    reader: R,
    block: [u8; BLOCK],
    /// Bytes of `block` that are there, and how many of them were handed on.
    filled: usize,
    taken: usize,
    /// Bytes of content until the next header.
    content: u64,
    /// Whether blocks of a GNU sparse map come next.
    in_sparse_map: bool,
}

impl<R: Read> TarGuard<R> {
    pub fn new(reader: R) -> Self {
        TarGuard {
            reader,
            block: [0; BLOCK],
            filled: 0,
            taken: 0,
            content: 0,
            in_sparse_map: false,
        }
    }

    fn read_header(&mut self) -> io::Result<()> {
        self.filled = 0;
        self.taken = 0;
        while self.filled < BLOCK {
            match self.reader.read(&mut self.block[self.filled..]) {
                Ok(0) => return Ok(()),
                Ok(n) => self.filled += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if self.in_sparse_map {
            self.in_sparse_map = self.block[504] != 0;
            return Ok(());
        }
        let kind = self.block[156];
        let size = number(&self.block[124..136]);
        if matches!(kind, b'L' | b'K' | b'x' | b'g') && size > MAX_RECORD {
            let message = format!("a name or attribute record of {size} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        self.in_sparse_map = kind == b'S' && self.block[482] != 0;
        // Links and folders have no content, whatever size they state.
        let has_content = !matches!(kind, b'1'..=b'6');
        let padded = size.checked_next_multiple_of(BLOCK as u64);
        self.content = if has_content {
            padded.unwrap_or(u64::MAX)
        } else {
            0
        };
        Ok(())
    }
}

/// A number of a header: octal digits, or big-endian binary where the first bit is set (GNU).
fn number(field: &[u8]) -> u64 {
    if field[0] & 0x80 != 0 {
        return field[field.len() - 8..]
            .iter()
            .fold(0, |n, &b| n << 8 | u64::from(b));
    }
    let digits = field.iter().skip_while(|&&b| b == b' ');
    digits
        .take_while(|b| (b'0'..=b'7').contains(b))
        .fold(0, |n: u64, b| {
            n.saturating_mul(8).saturating_add(u64::from(b - b'0'))
        })
}

impl<R: Read> Read for TarGuard<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        if self.taken == self.filled {
            // The content of a sparse file follows its map.
            if self.content > 0 && !self.in_sparse_map {
                let most = usize::try_from(self.content)
                    .unwrap_or(usize::MAX)
                    .min(out.len());
                let n = self.reader.read(&mut out[..most])?;
                self.content -= n as u64;
                return Ok(n);
            }
            self.read_header()?;
        }
        let n = (self.filled - self.taken).min(out.len());
        out[..n].copy_from_slice(&self.block[self.taken..self.taken + n]);
        self.taken += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tar_of(long_name: usize) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(700);
        builder
            .append_data(&mut header, "n".repeat(long_name), [7; 700].as_slice())
            .unwrap();
        let mut header = tar::Header::new_gnu();
        header.set_size(3);
        builder
            .append_data(&mut header, "second", b"abc".as_slice())
            .unwrap();
        builder.into_inner().unwrap()
    }

    #[test]
    fn honest_tars_pass_as_they_are() {
        for long_name in [10, 300, 5000] {
            let whole = tar_of(long_name);
            let mut passed = Vec::new();
            TarGuard::new(whole.as_slice())
                .read_to_end(&mut passed)
                .unwrap();
            assert!(passed == whole, "a name of {long_name} bytes");
        }
    }

    #[test]
    fn a_record_that_states_a_gigabyte_is_refused() {
        for kind in [
            tar::EntryType::GNULongName,
            tar::EntryType::GNULongLink,
            tar::EntryType::XHeader,
        ] {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(kind);
            header.set_size(1 << 30);
            header.set_cksum();
            let endless = header.as_bytes().as_slice().chain(io::repeat(b'x'));
            let mut archive = tar::Archive::new(TarGuard::new(endless));
            let error = archive.entries().unwrap().next().unwrap().err().unwrap();
            assert!(error.to_string().contains("1073741824 bytes"), "{error}");
        }
    }
}
