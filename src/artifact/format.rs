//! Archive formats, told by their content; Brotli alone by its name too, as nothing marks its beginning.

use std::io::{self, BufRead, Read};

use brotli_decompressor::Decompressor;
use lzma_rust2::XzReader;

use super::local_header;
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
    Brotli,
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

/// What Brotli's files are called: <https://www.rfc-editor.org/rfc/rfc7932>, which gives them no magic.
const BROTLI: &str = ".br";
/// What Brotli's decoder reads at once.
const BROTLI_BUFFER: usize = 4096;

impl Format {
    /// The name of such an artifact in reports.
    pub fn name(self) -> &'static str {
        match self {
            Format::Zip => "zip",
            Format::Tar => "tar",
            Format::Compressed(Compression::Gzip) => "tar.gz",
            Format::Compressed(Compression::Zstd) => "tar.zst",
            Format::Compressed(Compression::Xz) => "tar.xz",
            Format::Compressed(Compression::Brotli) => "tar.br",
        }
    }

    /// The format of a file of that name in an artifact.
    pub fn of(name: &str, first_bytes: &[u8]) -> Option<Self> {
        // Python reads what has that name line by line, whatever its first line begins with.
        let is_pth = || name.ends_with(".pth") && !local_header::is_plausible(first_bytes);
        match Self::sniff(first_bytes) {
            Some(Format::Zip) if is_pth() => None,
            Some(format) => Some(format),
            None => {
                let is_brotli = name.ends_with(BROTLI) && is_brotli(first_bytes);
                is_brotli.then_some(Format::Compressed(Compression::Brotli))
            }
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

/// Whether these bytes can be the beginning of a Brotli stream: most others are refused by the first dozens. Where they
/// are fewer than [`SNIFF`] they are the whole file, and the stream must end in it.
fn is_brotli(first_bytes: &[u8]) -> bool {
    /// How much is unpacked to see whether it can be.
    const MOST: u64 = 4096;
    /// Says that there is no more, which is not the end of the stream.
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::WouldBlock.into())
        }
    }
    let is_whole = first_bytes.len() < SNIFF;
    // One text in some hundreds can be the beginning of a stream, but none of a stream is as long and all text.
    let is_text = |byte: &u8| !byte.is_ascii_control() || byte.is_ascii_whitespace();
    if !is_whole && first_bytes.iter().take(SNIFF).all(is_text) {
        return false;
    }
    let mut first = first_bytes[..first_bytes.len().min(SNIFF)].to_vec();
    // The decoder fills its window before it gives any of it, and here it may have only a small one. That shows no
    // sooner than the window is full, when enough is unpacked.
    if let Some(byte) = first
        .first_mut()
        .filter(|byte| window(**byte) > SMALL_WINDOW)
    {
        *byte = *byte & !WINDOW_BITS | SMALL_WINDOW_BITS;
    }
    let decoder = Decompressor::new(first.chain(Broken), BROTLI_BUFFER);
    match decoder.take(MOST).read_to_end(&mut Vec::new()) {
        Ok(unpacked) => unpacked > 0,
        Err(error) => !is_whole && error.kind() == io::ErrorKind::WouldBlock,
    }
}

/// The bits of the first byte that a window of more than 128 KiB is told by, and those of the smallest such.
const WINDOW_BITS: u8 = 0b1111;
const SMALL_WINDOW_BITS: u8 = 0b0011;
const SMALL_WINDOW: u64 = 1 << 18;

/// How many bytes a Brotli stream asks its decoder to keep, by its first byte: RFC 7932 section 9.1.
fn window(first_byte: u8) -> u64 {
    let bits = match (first_byte & 1, first_byte >> 1 & 7, first_byte >> 4 & 7) {
        (0, ..) => 16,
        (_, 0, 0) => 17,
        (_, 0, n) => 8 + n,
        (_, n, _) => 17 + n,
    };
    1 << bits
}

/// Refuses a stream whose window there is no room for.
struct BrotliReader<R: BufRead> {
    decoder: Decompressor<R>,
    max_window: u64,
    is_begun: bool,
}

impl<R: BufRead> BrotliReader<R> {
    fn new(packed: R, max_window: u64) -> Self {
        BrotliReader {
            decoder: Decompressor::new(packed, BROTLI_BUFFER),
            max_window,
            is_begun: false,
        }
    }
}

impl<R: BufRead> Read for BrotliReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if !self.is_begun {
            let first = self.decoder.get_mut().fill_buf()?.first().copied();
            if let Some(window) = first.map(window).filter(|window| *window > self.max_window) {
                let room = self.max_window;
                let why = format!("its window of {window} bytes has no room in {room}");
                return Err(io::Error::other(why));
            }
            self.is_begun = true;
        }
        self.decoder.read(out)
    }
}

impl Compression {
    /// The names that such files end with, to be dropped from the name of what is inside.
    pub fn strip_suffix(self, name: &str) -> &str {
        let suffix = match self {
            Compression::Gzip => ".gz",
            Compression::Zstd => ".zst",
            Compression::Xz => ".xz",
            Compression::Brotli => BROTLI,
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
            Compression::Brotli => Box::new(BrotliReader::new(packed, max_memory)),
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

    /// `text` as a stream that is not compressed: a window of 64 KiB, one block of up to 64 KiB, and the end.
    fn brotli(text: &[u8]) -> Vec<u8> {
        // Bits from the lowest: window 0, not last 0, length of length 00, length less one in 16, uncompressed 1.
        let header = ((text.len() as u32 - 1) << 4) | 1 << 20;
        [&header.to_le_bytes()[..3], text, &[3]].concat()
    }

    /// The same, with a window of 16 MiB.
    fn brotli_of_large_window(text: &[u8]) -> Vec<u8> {
        let header = 0b1111 | ((text.len() as u32 - 1) << 7) | 1 << 23;
        [&header.to_le_bytes()[..3], text, &[3]].concat()
    }

    const BROTLI_FORMAT: Option<Format> = Some(Format::Compressed(Compression::Brotli));

    #[test]
    fn brotli_is_told_by_name_and_content() {
        for packed in [brotli as fn(&[u8]) -> Vec<u8>, brotli_of_large_window] {
            let short = packed(b"constants of a program");
            assert_eq!(Format::of("chromium.br", &short), BROTLI_FORMAT);
            assert_eq!(Format::of("chromium", &short), None);
            assert_eq!(Format::of("chromium.br", &short[..short.len() - 1]), None);
            let long = packed(&[7; 60_000]);
            for end in [SNIFF, SNIFF + 1, long.len()] {
                assert_eq!(Format::of("chromium.br", &long[..end]), BROTLI_FORMAT);
            }
        }
    }

    #[test]
    fn what_is_only_called_so_is_no_brotli() {
        let texts = [
            "",
            "a",
            "x=1\n",
            "%PDF-1.7\n",
            "---\nkey: value\n",
            "{\"name\": \"a\"}",
            // These bytes can be the beginning of a stream.
            &format!("---\ntitle: Porting{}", " text".repeat(200)),
        ];
        let bytes: [&[u8]; 2] = [&[0xff; 600], &[0x11, 0x3f, 1, 1, 1, 1]];
        for other in texts.map(str::as_bytes).into_iter().chain(bytes) {
            assert_eq!(Format::of("a.br", other), None, "{other:?}");
        }
    }

    #[test]
    fn a_brotli_stream_is_unpacked_up_to_where_it_breaks_off() {
        let packed = brotli(b"constants of a program");
        let unpack = |packed: &[u8]| {
            let mut text = Vec::new();
            let mut decoder = Compression::Brotli.decoder(packed, 1 << 20);
            decoder.read_to_end(&mut text).map(|_| text)
        };
        assert_eq!(unpack(&packed).unwrap(), b"constants of a program");
        assert!(unpack(&packed[..9]).is_err());
        assert!(unpack(b"").is_err());
    }

    #[test]
    fn a_brotli_stream_has_the_window_that_there_is_room_for() {
        for (first_byte, bits) in [
            (0x00, 16),
            (0x01, 17),
            (0x21, 10),
            (0x71, 15),
            (0x03, 18),
            (0x0f, 24),
        ] {
            assert_eq!(window(first_byte), 1 << bits, "{first_byte:#x}");
        }
        for (packed, window) in [
            (brotli(b"text"), 1 << 16),
            (brotli_of_large_window(b"text"), 1 << 24),
        ] {
            let unpack = |max_memory| {
                let mut decoder = Compression::Brotli.decoder(&packed[..], max_memory);
                io::read_to_string(&mut decoder)
            };
            assert_eq!(unpack(window).unwrap(), "text");
            let why = unpack(window - 1).unwrap_err().to_string();
            assert!(why.contains("its window"), "{why}");
        }
    }
}
