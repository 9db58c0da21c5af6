//! Zip archives: PKWARE's APPNOTE.TXT, <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>.
//!
//! The directory is read here rather than by the `zip` crate because an auditor must see what a
//! well-behaved reader hides: two entries of one name, entries that share their data, one broken record
//! among thousands of good ones. Entries are read by position, so that threads need no copy of the archive.

use std::io::{self, Read};
use std::ops::Range;

use thiserror::Error;

use super::format::Compression;
use super::inflate::Inflate;
use super::local_header;
use super::source::{Slice, Source};

pub(super) const LOCAL_HEADER: &[u8; 4] = b"PK\x03\x04";
const CENTRAL_HEADER: &[u8; 4] = b"PK\x01\x02";
pub const END: &[u8; 4] = b"PK\x05\x06";
const ZIP64_END: &[u8; 4] = b"PK\x06\x06";
const ZIP64_LOCATOR: &[u8; 4] = b"PK\x06\x07";

pub(super) const LOCAL_HEADER_LEN: u64 = 30;
const CENTRAL_HEADER_LEN: usize = 46;
pub const END_LEN: usize = 22;
const ZIP64_LOCATOR_LEN: u64 = 20;
const ZIP64_END_LEN: usize = 56;
/// What packers write behind a name in a local header: times and owners in 28 bytes, and some more.
const USUAL_EXTRA_LEN: u64 = 64;
const ZIP64_EXTRA: u16 = 0x0001;
const UNICODE_PATH_EXTRA: u16 = 0x7075;

/// The largest directory that is read: over a million entries with names of usual length.
const MAX_DIRECTORY: u64 = 64 * 1024 * 1024;

/// Why no entry of an archive can be read.
#[derive(Debug, Error)]
pub enum ZipError {
    #[error("is cut or damaged: it has no zip directory at its end")]
    NoDirectory,
    #[error("has a zip directory of {0} bytes, more than the {MAX_DIRECTORY} that are read")]
    DirectoryTooLarge(u64),
    #[error("is one part of a zip that is split over several files")]
    Split,
    #[error("could not be read: {0}")]
    Io(#[from] io::Error),
}

/// Why one entry cannot be read.
#[derive(Debug, Error)]
pub enum EntryError {
    #[error("is encrypted")]
    Encrypted,
    #[error("is packed with {}, which is not supported", method_name(*.0))]
    UnsupportedMethod(u16),
    #[error("has no local header where the zip directory says")]
    NoLocalHeader,
    #[error("could not be read: {0}")]
    Io(#[from] io::Error),
}

/// Compression methods, APPNOTE 4.4.5.
fn method_name(method: u16) -> String {
    match method {
        1 => "Shrink".into(),
        6 => "Implode".into(),
        9 => "Deflate64".into(),
        12 => "BZIP2".into(),
        14 => "LZMA".into(),
        94 => "MP3".into(),
        96 => "JPEG".into(),
        97 => "WavPack".into(),
        98 => "PPMd".into(),
        other => format!("method {other}"),
    }
}

/// An opened archive: its directory, and where its bytes are.
pub struct ZipArchive {
    pub(super) source: Source,
    directory: Vec<u8>,
    /// From the start of the source.
    pub(super) directory_start: u64,
    pub entries: Vec<ZipEntry>,
    /// What is wrong with the directory itself.
    pub problem: Option<String>,
}

/// One record of the directory.
#[derive(Clone, Debug)]
pub struct ZipEntry {
    name: Range<u32>,
    /// The name that stands in the header too, in whatever encoding.
    raw_name: Range<u32>,
    pub(super) method: u16,
    pub(super) flags: u16,
    unix_mode: u16,
    pub crc32: u32,
    pub packed: u64,
    pub unpacked: u64,
    /// Of the local header, from the start of the source.
    pub(super) offset: u64,
}

impl ZipEntry {
    pub fn is_symlink(&self) -> bool {
        self.unix_mode & 0o170_000 == 0o120_000
    }

    /// What Unix keeps of a file's kind and permissions, if the archive was made on one.
    pub fn mode(&self) -> Option<u32> {
        Some(u32::from(self.unix_mode)).filter(|&mode| mode != 0)
    }

    pub fn is_encrypted(&self) -> bool {
        self.flags & 1 != 0
    }

    /// The least that the entry takes in the archive: its local header's fixed part, name and data.
    pub(super) fn extent(&self) -> Range<u64> {
        let name_len = u64::from(self.raw_name.end - self.raw_name.start);
        let len = (LOCAL_HEADER_LEN + name_len).saturating_add(self.packed);
        self.offset..self.offset.saturating_add(len)
    }
}

impl ZipArchive {
    pub fn open(source: Source) -> Result<Self, ZipError> {
        let end = find_end(&source)?;
        if end.size > MAX_DIRECTORY {
            return Err(ZipError::DirectoryTooLarge(end.size));
        }
        let mut directory = vec![0; end.size as usize];
        source.read_exact_at(&mut directory, end.start)?;
        let (entries, problem) = read_directory(&directory, &end);
        Ok(ZipArchive {
            source,
            directory,
            directory_start: end.start,
            entries,
            problem,
        })
    }

    /// The name as the directory spells it; bytes that are not UTF-8 are replaced.
    pub fn name(&self, entry: &ZipEntry) -> String {
        let bytes = &self.directory[entry.name.start as usize..entry.name.end as usize];
        String::from_utf8_lossy(bytes).into_owned()
    }

    /// How many bytes stand before the first entry.
    pub fn prefix_len(&self) -> u64 {
        let offsets = self.entries.iter().map(|entry| entry.offset);
        offsets.min().unwrap_or_default()
    }

    /// A reader of the entry's unpacked bytes. Neither their number nor their checksum is verified here.
    pub fn reader(&self, entry: &ZipEntry, max_memory: u64) -> Result<Opened, EntryError> {
        if entry.is_encrypted() {
            return Err(EntryError::Encrypted);
        }
        let (data, disagreement) = self.packed(entry)?;
        let reader: Box<dyn Read> = match entry.method {
            0 => Box::new(data),
            8 => Box::new(Inflate::new(data)),
            93 => Compression::Zstd.decoder(data, max_memory),
            95 => Compression::Xz.decoder(data, max_memory),
            method => return Err(EntryError::UnsupportedMethod(method)),
        };
        Ok(Opened {
            reader,
            disagreement,
        })
    }

    /// The entry's bytes as they are packed, and of what its local header says otherwise than the directory.
    pub fn packed(&self, entry: &ZipEntry) -> Result<(Slice, Option<&'static str>), EntryError> {
        let raw_name = &self.directory[entry.raw_name.start as usize..entry.raw_name.end as usize];
        let header_len = LOCAL_HEADER_LEN + raw_name.len() as u64;
        // The header and the start of the data in one read, as most extra fields are short.
        let expected = (header_len + USUAL_EXTRA_LEN).saturating_add(entry.packed);
        let mut data = self.source.slice(entry.offset, expected);
        let header = match data.peek(header_len as usize) {
            Ok(header) if header.len() as u64 >= header_len => &header[..header_len as usize],
            _ => return Err(EntryError::NoLocalHeader),
        };
        if !header.starts_with(LOCAL_HEADER) {
            return Err(EntryError::NoLocalHeader);
        }
        let disagreement = local_header::disagreement(header, entry, raw_name);
        let skip = u64::from(u16_at(header, 26)) + u64::from(u16_at(header, 28));
        data.narrow(LOCAL_HEADER_LEN + skip, entry.packed);
        Ok((data, disagreement))
    }
}

/// An entry that can be read.
pub struct Opened {
    pub reader: Box<dyn Read>,
    /// Of what its local header says otherwise than the directory.
    pub disagreement: Option<&'static str>,
}

/// Where the directory is, and how far the whole archive is from the start of its source.
struct End {
    start: u64,
    size: u64,
    entries: u64,
    /// Bytes before the archive, as in a self-extracting file: offsets count from behind them.
    prefix: u64,
}

/// Looks for the end record from the back, over the comment that may follow it.
fn find_end(source: &Source) -> Result<End, ZipError> {
    const MAX_COMMENT: u64 = u16::MAX as u64;
    let len = source.len();
    let tail_len = len.min(MAX_COMMENT + END_LEN as u64 + ZIP64_LOCATOR_LEN);
    let tail_start = len - tail_len;
    let mut tail = vec![0; tail_len as usize];
    source.read_exact_at(&mut tail, tail_start)?;
    let mut split = false;
    for at in (0..tail.len().saturating_sub(END_LEN - 1)).rev() {
        let record = &tail[at..at + END_LEN];
        if !record.starts_with(END) {
            continue;
        }
        let position = tail_start + at as u64;
        match read_end(source, record, position)? {
            Some(end) => return Ok(end),
            None => split |= u16_at(record, 4) != u16_at(record, 6),
        }
    }
    Err(if split {
        ZipError::Split
    } else {
        ZipError::NoDirectory
    })
}

/// The end record at `position`, if a directory stands where it says.
fn read_end(source: &Source, record: &[u8], position: u64) -> Result<Option<End>, ZipError> {
    let (mut entries, mut size, mut offset) = (
        u64::from(u16_at(record, 10)),
        u64::from(u32_at(record, 12)),
        u64::from(u32_at(record, 16)),
    );
    let mut directory_end = position;
    if let Some((zip64_position, zip64)) = read_zip64_end(source, position)? {
        directory_end = zip64_position;
        entries = u64_at(&zip64, 32);
        size = u64_at(&zip64, 40);
        offset = u64_at(&zip64, 48);
    } else if u16_at(record, 4) != u16_at(record, 6) {
        return Ok(None);
    }
    let Some(start) = directory_end.checked_sub(size) else {
        return Ok(None);
    };
    let Some(prefix) = start.checked_sub(offset) else {
        return Ok(None);
    };
    let mut signature = [0; 4];
    let empty = size == 0 && entries == 0;
    if !empty {
        source.read_exact_at(&mut signature, start)?;
        if &signature != CENTRAL_HEADER {
            return Ok(None);
        }
    }
    Ok(Some(End {
        start,
        size,
        entries,
        prefix,
    }))
}

/// The Zip64 end record and its position, where a locator for it stands before the end record.
fn read_zip64_end(
    source: &Source,
    end: u64,
) -> Result<Option<(u64, [u8; ZIP64_END_LEN])>, ZipError> {
    let Some(at) = end.checked_sub(ZIP64_LOCATOR_LEN) else {
        return Ok(None);
    };
    let mut locator = [0; ZIP64_LOCATOR_LEN as usize];
    source.read_exact_at(&mut locator, at)?;
    if !locator.starts_with(ZIP64_LOCATOR) {
        return Ok(None);
    }
    // Where bytes stand before the archive the stated offset is too small; then the record is looked for
    // where packers put it, right before its locator.
    let stated = u64_at(&locator, 8);
    for position in [Some(stated), at.checked_sub(ZIP64_END_LEN as u64)]
        .into_iter()
        .flatten()
    {
        let mut record = [0; ZIP64_END_LEN];
        if position < at
            && source.read_exact_at(&mut record, position).is_ok()
            && record.starts_with(ZIP64_END)
        {
            return Ok(Some((position, record)));
        }
    }
    Ok(None)
}

/// Reads every record that can be read; where one is broken, goes on at the next signature.
fn read_directory(directory: &[u8], end: &End) -> (Vec<ZipEntry>, Option<String>) {
    let mut entries = Vec::new();
    let mut broken = 0;
    let mut at = 0;
    while at < directory.len() {
        match read_record(directory, at, end.prefix) {
            Some((entry, next)) => {
                entries.push(entry);
                at = next;
            }
            None => {
                let resume = find(&directory[at + 1..], CENTRAL_HEADER).map(|n| at + 1 + n);
                broken += 1;
                let Some(resume) = resume else { break };
                at = resume;
            }
        }
    }
    let listed = entries.len() as u64;
    let problem = if broken > 0 {
        Some(format!(
            "has {broken} broken records in its zip directory: those entries were not audited"
        ))
    } else if listed % 65536 != end.entries % 65536 {
        // Packers without Zip64 let the 16-bit count wrap around.
        Some(format!(
            "states {} entries but its zip directory lists {listed}",
            end.entries
        ))
    } else {
        None
    };
    (entries, problem)
}

/// The record at `at`, and where the next one starts.
fn read_record(directory: &[u8], at: usize, prefix: u64) -> Option<(ZipEntry, usize)> {
    let fixed = directory.get(at..at + CENTRAL_HEADER_LEN)?;
    if !fixed.starts_with(CENTRAL_HEADER) {
        return None;
    }
    let name_start = at + CENTRAL_HEADER_LEN;
    let name_end = name_start + usize::from(u16_at(fixed, 28));
    let extra_end = name_end + usize::from(u16_at(fixed, 30));
    let next = extra_end + usize::from(u16_at(fixed, 32));
    if next > directory.len() {
        return None;
    }
    let mut name = name_start..name_end;
    let mut packed = u64::from(u32_at(fixed, 20));
    let mut unpacked = u64::from(u32_at(fixed, 24));
    let mut offset = u64::from(u32_at(fixed, 42));
    for (id, field) in extra_fields(directory, name_end..extra_end) {
        match id {
            ZIP64_EXTRA => {
                // Only the values that did not fit stand here, in this order (APPNOTE 4.5.3).
                let mut wide = directory[field].chunks_exact(8).map(|b| u64_at(b, 0));
                for value in [&mut unpacked, &mut packed, &mut offset] {
                    if *value == u64::from(u32::MAX) {
                        *value = wide.next()?;
                    }
                }
            }
            // One version byte and the checksum of the other name, then the name in UTF-8 (APPNOTE 4.6.9).
            UNICODE_PATH_EXTRA if field.len() > 5 => {
                let stated = u32_at(&directory[field.start + 1..], 0);
                if stated == crc32fast::hash(&directory[name_start..name_end]) {
                    name = field.start + 5..field.end;
                }
            }
            _ => {}
        }
    }
    let made_on_unix = fixed[5] == 3;
    let entry = ZipEntry {
        name: u32::try_from(name.start).ok()?..u32::try_from(name.end).ok()?,
        raw_name: u32::try_from(name_start).ok()?..u32::try_from(name_end).ok()?,
        method: u16_at(fixed, 10),
        flags: u16_at(fixed, 8),
        unix_mode: if made_on_unix { u16_at(fixed, 40) } else { 0 },
        crc32: u32_at(fixed, 16),
        packed,
        unpacked,
        offset: offset.checked_add(prefix)?,
    };
    Some((entry, next))
}

/// The extra fields in `range`: their id and where their content stands. Stops at the first broken one.
fn extra_fields(
    directory: &[u8],
    range: Range<usize>,
) -> impl Iterator<Item = (u16, Range<usize>)> {
    let mut at = range.start;
    std::iter::from_fn(move || {
        let header = directory[at..range.end].get(..4)?;
        let content = at + 4..at + 4 + usize::from(u16_at(header, 2));
        if content.end > range.end {
            return None;
        }
        at = content.end;
        Some((u16_at(header, 0), content))
    })
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|w| w == needle)
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use ::zip::ZipWriter;
    use ::zip::write::SimpleFileOptions;

    use super::*;

    fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in files {
            writer
                .start_file(*name, SimpleFileOptions::default())
                .unwrap();
            writer.write_all(content).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn open(bytes: Vec<u8>) -> Result<ZipArchive, ZipError> {
        ZipArchive::open(Source::memory(bytes))
    }

    fn content(archive: &ZipArchive, entry: &ZipEntry) -> Result<Vec<u8>, EntryError> {
        let mut out = Vec::new();
        archive
            .reader(entry, 1 << 20)?
            .reader
            .read_to_end(&mut out)?;
        Ok(out)
    }

    fn contents(archive: &ZipArchive) -> Vec<(String, Vec<u8>)> {
        let entries = archive.entries.iter();
        entries
            .map(|e| (archive.name(e), content(archive, e).unwrap()))
            .collect()
    }

    /// Positions of a signature, to change records by hand.
    fn positions(bytes: &[u8], signature: &[u8; 4]) -> Vec<usize> {
        (0..bytes.len())
            .filter(|&i| bytes[i..].starts_with(signature))
            .collect()
    }

    const FILES: &[(&str, &[u8])] = &[
        ("a", b"first first first"),
        ("b/c", b"second"),
        ("empty", b""),
    ];

    fn expected() -> Vec<(String, Vec<u8>)> {
        FILES
            .iter()
            .map(|&(name, content)| (name.to_owned(), content.to_vec()))
            .collect()
    }

    #[test]
    fn entries_are_read_wherever_the_archive_starts_and_whatever_follows_it() {
        let plain = packed(FILES);
        assert_eq!(contents(&open(plain.clone()).unwrap()), expected());

        let mut behind_a_script = b"#!/usr/bin/env python3\n".to_vec();
        behind_a_script.extend(&plain);
        assert_eq!(contents(&open(behind_a_script).unwrap()), expected());

        let mut with_comment = plain;
        let comment = [b"see PK\x05\x06 ".as_slice(), &[b'x'; 30]].concat();
        let at = with_comment.len() - 2;
        with_comment[at..].copy_from_slice(&u16::try_from(comment.len()).unwrap().to_le_bytes());
        with_comment.extend(&comment);
        assert_eq!(contents(&open(with_comment).unwrap()), expected());
    }

    #[test]
    fn zip64_sizes_are_read() {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        writer
            .start_file("large", SimpleFileOptions::default().large_file(true))
            .unwrap();
        writer.write_all(b"content").unwrap();
        let bytes = writer.finish().unwrap().into_inner();
        let central = positions(&bytes, CENTRAL_HEADER)[0];
        assert_eq!(
            u32_at(&bytes, central + 24),
            u32::MAX,
            "the size stands in a Zip64 field"
        );
        let archive = open(bytes).unwrap();
        assert_eq!(archive.entries[0].unpacked, 7);
        assert_eq!(content(&archive, &archive.entries[0]).unwrap(), b"content");
    }

    #[test]
    fn a_broken_record_costs_no_other() {
        let mut bytes = packed(FILES);
        let second = positions(&bytes, CENTRAL_HEADER)[1];
        bytes[second] ^= 0xFF;
        let archive = open(bytes).unwrap();
        let names: Vec<_> = archive.entries.iter().map(|e| archive.name(e)).collect();
        assert_eq!(names, ["a", "empty"]);
        assert!(archive.problem.unwrap().contains("1 broken record"));
    }

    #[test]
    fn a_missing_record_is_noticed() {
        let mut bytes = packed(FILES);
        let end = positions(&bytes, END)[0];
        bytes[end + 10] = 7;
        assert!(
            open(bytes)
                .unwrap()
                .problem
                .unwrap()
                .contains("states 7 entries")
        );
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let central = |bytes: &[u8]| positions(bytes, CENTRAL_HEADER)[0];
        let reason = |bytes: Vec<u8>| {
            let archive = open(bytes).unwrap();
            content(&archive, &archive.entries[0])
                .unwrap_err()
                .to_string()
        };
        let mut encrypted = packed(FILES);
        let at = central(&encrypted);
        encrypted[at + 8] |= 1;
        assert_eq!(reason(encrypted), "is encrypted");

        let mut bzip2 = packed(FILES);
        let at = central(&bzip2);
        bzip2[at + 10] = 12;
        assert_eq!(
            reason(bzip2),
            "is packed with BZIP2, which is not supported"
        );

        let mut moved = packed(FILES);
        let at = central(&moved);
        moved[at + 42] = 1;
        assert_eq!(
            reason(moved),
            "has no local header where the zip directory says"
        );
    }

    #[test]
    fn entries_that_share_data_are_found() {
        let mut bytes = packed(FILES);
        assert!(open(bytes.clone()).unwrap().overlapping().is_empty());
        let second = positions(&bytes, CENTRAL_HEADER)[1];
        bytes[second + 42..second + 46].fill(0);
        assert_eq!(open(bytes).unwrap().overlapping(), [1]);
    }

    #[test]
    fn a_name_that_is_longer_in_the_directory_takes_no_room_of_the_next_entry() {
        let mut bytes = packed(FILES);
        let name = "ä".as_bytes();
        let checksum = crc32fast::hash(b"a").to_le_bytes();
        let field = [&[0x75, 0x70, 7, 0, 1], &checksum[..], name].concat();
        let first = positions(&bytes, CENTRAL_HEADER)[0];
        bytes[first + 30] = u8::try_from(field.len()).unwrap();
        let behind_name = first + 46 + 1;
        bytes.splice(behind_name..behind_name, field.iter().copied());
        let end = positions(&bytes, END)[0];
        bytes[end + 12] += u8::try_from(field.len()).unwrap();
        let archive = open(bytes).unwrap();
        assert_eq!(archive.name(&archive.entries[0]), "ä");
        assert!(archive.overlapping().is_empty());
    }

    #[test]
    fn a_cut_archive_has_no_directory() {
        let bytes = packed(FILES);
        for end in 0..bytes.len() {
            assert!(
                matches!(open(bytes[..end].to_vec()), Err(ZipError::NoDirectory)),
                "cut at {end}"
            );
        }
    }

    #[test]
    fn no_single_wrong_byte_makes_it_panic() {
        let good = packed(FILES);
        for at in 0..good.len() {
            for flip in [0x01, 0x80, 0xFF] {
                let mut bytes = good.clone();
                bytes[at] ^= flip;
                if let Ok(archive) = open(bytes) {
                    archive.overlapping();
                    for entry in &archive.entries {
                        let _ = content(&archive, entry);
                    }
                }
            }
        }
    }
}
