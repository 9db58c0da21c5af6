//! Archive formats, told by their content.

use std::io::{BufRead, Read};

use lzma_rust2::XzReader;

use super::zstd::ZstdReader;

/// A format that holds other files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Zip,
    Tar,
    Compressed(Compression),
}

/// A format that holds one stream of bytes, often a tar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    Gzip,
    Zstd,
    Xz,
}

/// First bytes and the format they announce. Sources: PKWARE's APPNOTE 4.3, RFC 1952 section 2.3.1,
/// RFC 8878 section 3.1.1, the .xz file format section 2.1.1.1.
const MAGIC: &[(&[u8], Format)] = &[
    (b"PK\x03\x04", Format::Zip),
    (b"PK\x05\x06", Format::Zip),
    (b"\x1F\x8B\x08", Format::Compressed(Compression::Gzip)),
    (b"\x28\xB5\x2F\xFD", Format::Compressed(Compression::Zstd)),
    (b"\xFD7zXZ\x00", Format::Compressed(Compression::Xz)),
];

/// How many first bytes [`Format::sniff`] needs: one tar header.
pub const SNIFF: usize = 512;

impl Format {
    /// The name of such an artifact in reports.
    pub fn name(self) -> &'static str {
        match self {
            Format::Zip => "zip",
            Format::Tar => "tar",
            Format::Compressed(Compression::Gzip) => "tar.gz",
            Format::Compressed(Compression::Zstd) => "tar.zst",
            Format::Compressed(Compression::Xz) => "tar.xz",
        }
    }

    pub fn sniff(first_bytes: &[u8]) -> Option<Self> {
        MAGIC
            .iter()
            .find(|(magic, _)| first_bytes.starts_with(magic))
            .map(|&(_, format)| format)
            .or_else(|| is_tar_header(first_bytes).then_some(Format::Tar))
    }
}

/// A tar has no magic that all its dialects share, but every header carries the sum of its own bytes
/// (POSIX.1-2017, pax, "ustar Interchange Format": the checksum field counts as eight spaces).
fn is_tar_header(bytes: &[u8]) -> bool {
    let Some(header) = bytes.get(..SNIFF) else {
        return false;
    };
    let field = &header[148..156];
    let digits = field.iter().skip_while(|&&b| b == b' ');
    let stated = digits
        .take_while(|b| (b'0'..=b'7').contains(b))
        .fold(0u32, |sum, b| sum * 8 + u32::from(b - b'0'));
    let sum = header.iter().map(|&b| u32::from(b)).sum::<u32>()
        - field.iter().map(|&b| u32::from(b)).sum::<u32>()
        + 8 * u32::from(b' ');
    header[0] != 0 && stated == sum
}

impl Compression {
    /// The names that such files end with, to be dropped from the name of what is inside.
    pub fn strip_suffix(self, name: &str) -> &str {
        let suffix = match self {
            Compression::Gzip => ".gz",
            Compression::Zstd => ".zst",
            Compression::Xz => ".xz",
        };
        name.strip_suffix(suffix).unwrap_or(name)
    }

    /// Unpacks `packed`, refusing streams whose decoder would need more than `max_memory` bytes.
    pub fn decoder<'a>(self, packed: impl BufRead + 'a, max_memory: u64) -> Box<dyn Read + 'a> {
        match self {
            Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(packed)),
            Compression::Zstd => Box::new(ZstdReader::new(packed, max_memory)),
            Compression::Xz => {
                let kib = u32::try_from(max_memory / 1024).unwrap_or(u32::MAX);
                Box::new(XzReader::new_mem_limit(packed, true, kib))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_content() {
        let mut header = tar::Header::new_ustar();
        header.set_path("a.txt").unwrap();
        header.set_cksum();
        assert_eq!(Format::sniff(header.as_bytes()), Some(Format::Tar));
        let mut flipped = *header.as_bytes();
        flipped[3] ^= 1;
        assert_eq!(Format::sniff(&flipped), None);
        assert_eq!(Format::sniff(&[0; 512]), None);
        assert_eq!(Format::sniff(b"PK\x03\x04rest"), Some(Format::Zip));
        assert_eq!(Format::sniff(b"PK"), None);
        assert_eq!(Format::sniff(b""), None);
    }
}
