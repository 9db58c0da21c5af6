//! The header in front of a zip entry against its record in the directory. Who reads an archive from the front goes by
//! the one, and who reads it from its end by the other.
//!
//! APPNOTE.TXT 4.3.7 and 4.3.12. What honest packers write differently is no disagreement: lengths and checksums that
//! stand behind the data (bit 3) or in a Zip64 field, the flag for UTF-8, versions, times, extra fields, `\` for `/`.

use super::zip::{LOCAL_HEADER, ZipEntry, u16_at, u32_at};

const ENCRYPTED: u16 = 1;
pub(super) const SIZES_FOLLOW: u16 = 1 << 3;
const UTF_8: u16 = 1 << 11;
const NAME: usize = 30;

/// Bits of the flags that mean nothing yet.
const RESERVED: u16 = 0xC780;
/// The last version of the format.
const MAX_VERSION: u8 = 63;
/// Compression methods, APPNOTE.TXT 4.4.5.
const METHODS: [std::ops::RangeInclusive<u16>; 4] = [0..=10, 12..=14, 18..=20, 93..=99];
/// No system has longer paths.
const MAX_NAME: u16 = 4096;

/// Whether the header of an entry stands there that has a name.
pub fn has_name(bytes: &[u8]) -> bool {
    let is_header = bytes.len() > NAME && bytes.starts_with(LOCAL_HEADER);
    is_header && (1..=MAX_NAME).contains(&u16_at(bytes, 26))
}

/// Likewise, in the midst of other data. Of a name that does not end there, that part counts.
pub fn is_plausible(bytes: &[u8]) -> bool {
    if !has_name(bytes) {
        return false;
    }
    let (header, rest) = bytes.split_at(NAME);
    let name = &rest[..usize::from(u16_at(header, 26)).min(rest.len())];
    header[4] <= MAX_VERSION
        && u16_at(header, 6) & RESERVED == 0
        && METHODS
            .iter()
            .any(|known| known.contains(&u16_at(header, 8)))
        && !name.iter().any(u8::is_ascii_control)
}

/// Of what the two say different things; `header` has the name behind its fixed part, in the length that the directory
/// gives it.
pub fn disagreement(header: &[u8], entry: &ZipEntry, raw_name: &[u8]) -> Option<&'static str> {
    let flags = u16_at(header, 6);
    let is_as_long = usize::from(u16_at(header, 26)) == raw_name.len();
    if !is_as_long || !is_same_name(&header[NAME..], raw_name, flags & entry.flags & UTF_8 != 0) {
        return Some("its name");
    }
    if u16_at(header, 8) != entry.method {
        return Some("its compression");
    }
    if (flags ^ entry.flags) & ENCRYPTED != 0 {
        return Some("whether it is encrypted");
    }
    let follows = (flags | entry.flags) & SIZES_FOLLOW != 0;
    let differs = |at: usize, listed: u64| {
        let stated = u32_at(header, at);
        let is_elsewhere = stated == u32::MAX || (stated == 0 && follows);
        !is_elsewhere && u64::from(stated) != listed
    };
    if differs(14, u64::from(entry.crc32)) {
        return Some("its checksum");
    }
    (differs(18, entry.packed) || differs(22, entry.unpacked)).then_some("its size")
}

/// Names in two encodings differ in what is not ASCII, and in some packers' separators.
fn is_same_name(local: &[u8], listed: &[u8], are_utf8: bool) -> bool {
    let is_same = |(&a, &b): (&u8, &u8)| {
        let separates = |byte| byte == b'/' || byte == b'\\';
        a == b || (separates(a) && separates(b)) || !(are_utf8 || a.is_ascii() || b.is_ascii())
    };
    local.iter().zip(listed).all(is_same)
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use ::zip::ZipWriter;
    use ::zip::write::SimpleFileOptions;

    use super::super::source::Source;
    use super::super::zip::ZipArchive;

    fn packed() -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        writer
            .start_file("a/b.py", SimpleFileOptions::default())
            .unwrap();
        writer.write_all(b"content content").unwrap();
        writer.finish().unwrap().into_inner()
    }

    fn disagreement(bytes: Vec<u8>) -> Option<&'static str> {
        let archive = ZipArchive::open(Source::memory(bytes)).unwrap();
        let opened = archive.reader(&archive.entries[0], 1 << 20).ok().unwrap();
        opened.disagreement
    }

    #[test]
    fn every_field_that_unpackers_go_by_is_compared() {
        assert_eq!(disagreement(packed()), None);
        for (at, what) in [
            (6, "whether it is encrypted"),
            (8, "its compression"),
            (14, "its checksum"),
            (18, "its size"),
            (22, "its size"),
            (26, "its name"),
            (30, "its name"),
        ] {
            let mut bytes = packed();
            bytes[at] ^= 1;
            assert_eq!(disagreement(bytes), Some(what), "at {at}");
        }
    }

    #[test]
    fn names_that_are_both_utf_8_are_the_same_to_the_byte() {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default();
        writer.start_file("\u{e9}.py", options).unwrap();
        let mut bytes = writer.finish().unwrap().into_inner();
        assert_eq!(disagreement(bytes.clone()), None);
        bytes[31] ^= 1;
        assert_eq!(disagreement(bytes.clone()), Some("its name"));
        // Without the flag it may be in another encoding.
        bytes[7] &= !8;
        assert_eq!(disagreement(bytes), None);
    }

    #[test]
    fn what_packers_write_differently_is_no_disagreement() {
        let changed = |changes: &[(usize, u8)]| {
            let mut bytes = packed();
            for &(at, byte) in changes {
                bytes[at] = byte;
            }
            bytes
        };
        let zeros: Vec<(usize, u8)> = (14..26).map(|at| (at, 0)).collect();
        let zip64: Vec<(usize, u8)> = (18..26).map(|at| (at, 0xFF)).collect();
        let follows = [&[(6, 8)], zeros.as_slice()].concat();
        for (what, changes) in [
            ("the version that it needs", &[(4, 45)][..]),
            ("the flag for UTF-8", &[(7, 8)]),
            ("its time", &[(10, 1)]),
            ("a separator", &[(31, b'\\')]),
            ("lengths that stand behind the data", &follows),
            ("lengths that stand in a Zip64 field", &zip64),
        ] {
            assert_eq!(disagreement(changed(changes)), None, "{what}");
        }
        assert_eq!(disagreement(changed(&zeros)), Some("its checksum"));
    }
}
