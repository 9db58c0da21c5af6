//! The database file: everything that lookups need is found with one read.
//!
//! | part | content |
//! | --- | --- |
//! | header | [`HEADER_LENGTH`] bytes, see [`Header`] |
//! | blobs | one a package: a compact JSON array of OSV records, each with the `affected` entries of that package only |
//! | index | one [`ENTRY_LENGTH`]-byte [`Entry`] a package, in the order of their keys, then the keys |
//! | info | [`DatabaseInfo`] as JSON |
//!
//! Numbers are little-endian. Every part is guarded by a CRC-32, so that damage is told from absence.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::advisory::database::{DatabaseError, DatabaseInfo};
use crate::advisory::osv::Record;

pub const FILE_NAME: &str = "fnaudit.db";
/// Raised whenever an older fnaudit could misread the file.
pub const FORMAT: u32 = 1;

const MAGIC: &[u8; 8] = b"fnaudit\0";
const HEADER_LENGTH: usize = 48;
/// What comes before the part of the header that its checksum covers.
const HEADER_PREFIX: usize = 16;
const ENTRY_LENGTH: usize = 24;

/// The key of a package: its ecosystem without a release, and its name as that ecosystem compares names.
pub fn key(ecosystem: &str, name: &str) -> Vec<u8> {
    [ecosystem.as_bytes(), &[0], name.as_bytes()].concat()
}

/// The database file, open for lookups.
pub struct Store {
    path: PathBuf,
    file: File,
    info: DatabaseInfo,
    packages: usize,
    index: Vec<u8>,
}

/// After the magic, the format and the checksum of what follows.
struct Header {
    index_offset: u64,
    index_length: u64,
    index_crc: u32,
    packages: u32,
    info_length: u32,
    info_crc: u32,
}

/// Where a key is, counted from the end of the entries, and where its blob is in the file.
struct Entry {
    key_offset: u32,
    key_length: u32,
    blob_offset: u64,
    blob_length: u32,
    blob_crc: u32,
}

impl Store {
    pub fn open(path: &Path) -> Result<Option<Store>, DatabaseError> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(io_error(path, source)),
        };
        let header = read_header(path, &file)?;
        let length = file.metadata().map_err(|e| io_error(path, e))?.len();
        let expected = header
            .index_offset
            .checked_add(header.index_length)
            .and_then(|end| end.checked_add(header.info_length.into()));
        if expected != Some(length) {
            return Err(damaged(path, "its length is wrong"));
        }
        let index = read_at(path, &file, header.index_offset, header.index_length)?;
        verify(
            path,
            &index,
            header.index_crc,
            "its index does not match its checksum",
        )?;
        let info_offset = header.index_offset + header.index_length;
        let info = read_at(path, &file, info_offset, header.info_length.into())?;
        verify(
            path,
            &info,
            header.info_crc,
            "its description does not match its checksum",
        )?;
        let info = serde_json::from_slice(&info)
            .map_err(|error| damaged(path, format!("its description is unreadable: {error}")))?;
        Ok(Some(Store {
            path: path.to_owned(),
            file,
            info,
            packages: header.packages as usize,
            index,
        }))
    }

    pub fn info(&self) -> &DatabaseInfo {
        &self.info
    }

    pub fn records(&self, key: &[u8]) -> Result<Vec<Record>, DatabaseError> {
        let Some(entry) = self.find(key)? else {
            return Ok(Vec::new());
        };
        let blob = read_at(
            &self.path,
            &self.file,
            entry.blob_offset,
            entry.blob_length.into(),
        )?;
        let message = "an advisory does not match its checksum";
        verify(&self.path, &blob, entry.blob_crc, message)?;
        serde_json::from_slice(&blob)
            .map_err(|error| damaged(&self.path, format!("an advisory is unreadable: {error}")))
    }

    fn find(&self, key: &[u8]) -> Result<Option<Entry>, DatabaseError> {
        let split = self.packages.saturating_mul(ENTRY_LENGTH);
        let bad_index = || damaged(&self.path, "its index is wrong");
        let (entries, keys) = self.index.split_at_checked(split).ok_or_else(bad_index)?;
        let (entries, _) = entries.as_chunks::<ENTRY_LENGTH>();
        let key_of = |entry: &[u8; ENTRY_LENGTH]| Entry::decode(entry)?.key(keys);
        let found = entries.binary_search_by(|entry| key_of(entry).cmp(&Some(key)));
        Ok(found.ok().and_then(|i| Entry::decode(entries.get(i)?)))
    }
}

fn read_header(path: &Path, file: &File) -> Result<Header, DatabaseError> {
    let mut bytes = Vec::with_capacity(HEADER_LENGTH);
    file.take(HEADER_LENGTH as u64)
        .read_to_end(&mut bytes)
        .map_err(|e| io_error(path, e))?;
    if !bytes.starts_with(MAGIC) {
        let path = path.to_owned();
        return Err(DatabaseError::NotADatabase { path });
    }
    // The format comes first: a later one may have another header.
    let cut_short = || damaged(path, "it is cut short");
    let mut fields = Fields(bytes.get(MAGIC.len()..).unwrap_or_default());
    let format = fields.u32().ok_or_else(cut_short)?;
    if format != FORMAT {
        let path = path.to_owned();
        return Err(DatabaseError::OtherFormat {
            path,
            found: format,
        });
    }
    let crc = fields.u32().ok_or_else(cut_short)?;
    let header = Header::decode(&mut Fields(fields.0)).ok_or_else(cut_short)?;
    verify(
        path,
        fields.0,
        crc,
        "its header does not match its checksum",
    )?;
    Ok(header)
}

/// Reads `length` bytes; the caller's word for it is not trusted beyond the end of the file.
fn read_at(path: &Path, file: &File, offset: u64, length: u64) -> Result<Vec<u8>, DatabaseError> {
    let size = file.metadata().map_err(|e| io_error(path, e))?.len();
    let within = offset.checked_add(length).is_some_and(|end| end <= size);
    let length = usize::try_from(length).ok().filter(|_| within);
    let length = length.ok_or_else(|| damaged(path, "it is cut short"))?;
    let mut bytes = vec![0; length];
    read_exact_at(file, &mut bytes, offset).map_err(|e| io_error(path, e))?;
    Ok(bytes)
}

#[cfg(unix)]
pub fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

#[cfg(windows)]
pub fn read_exact_at(file: &File, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        let read = std::os::windows::fs::FileExt::seek_read(file, buffer, offset)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        buffer = &mut buffer[read..];
        offset += read as u64;
    }
    Ok(())
}

fn verify(path: &Path, bytes: &[u8], crc: u32, message: &str) -> Result<(), DatabaseError> {
    if crc32fast::hash(bytes) == crc {
        Ok(())
    } else {
        Err(damaged(path, message))
    }
}

fn damaged(path: &Path, what: impl Into<String>) -> DatabaseError {
    DatabaseError::Damaged {
        path: path.to_owned(),
        what: what.into(),
    }
}

fn io_error(path: &Path, source: io::Error) -> DatabaseError {
    DatabaseError::Io {
        path: path.to_owned(),
        source,
    }
}

/// Takes little-endian numbers off the front of a slice.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take_bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*number)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take_bytes().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take_bytes().map(u64::from_le_bytes)
    }
}

impl Header {
    fn decode(fields: &mut Fields) -> Option<Header> {
        Some(Header {
            index_offset: fields.u64()?,
            index_length: fields.u64()?,
            index_crc: fields.u32()?,
            packages: fields.u32()?,
            info_length: fields.u32()?,
            info_crc: fields.u32()?,
        })
    }

    fn encode(&self) -> Vec<u8> {
        let mut guarded = Vec::with_capacity(HEADER_LENGTH - HEADER_PREFIX);
        guarded.extend(self.index_offset.to_le_bytes());
        guarded.extend(self.index_length.to_le_bytes());
        guarded.extend(self.index_crc.to_le_bytes());
        guarded.extend(self.packages.to_le_bytes());
        guarded.extend(self.info_length.to_le_bytes());
        guarded.extend(self.info_crc.to_le_bytes());
        let crc = crc32fast::hash(&guarded);
        [
            &MAGIC[..],
            &FORMAT.to_le_bytes(),
            &crc.to_le_bytes(),
            &guarded,
        ]
        .concat()
    }
}

impl Entry {
    fn decode(bytes: &[u8]) -> Option<Entry> {
        let mut fields = Fields(bytes);
        Some(Entry {
            key_offset: fields.u32()?,
            key_length: fields.u32()?,
            blob_offset: fields.u64()?,
            blob_length: fields.u32()?,
            blob_crc: fields.u32()?,
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.key_offset.to_le_bytes());
        out.extend(self.key_length.to_le_bytes());
        out.extend(self.blob_offset.to_le_bytes());
        out.extend(self.blob_length.to_le_bytes());
        out.extend(self.blob_crc.to_le_bytes());
    }

    fn key<'a>(&self, keys: &'a [u8]) -> Option<&'a [u8]> {
        let from = self.key_offset as usize;
        keys.get(from..from.checked_add(self.key_length as usize)?)
    }
}

/// Writes a database file, package by package in the order of their keys.
pub struct Writer<W> {
    out: W,
    offset: u64,
    entries: Vec<u8>,
    keys: Vec<u8>,
    packages: u32,
}

impl<W: Write + Seek> Writer<W> {
    pub fn new(mut out: W) -> io::Result<Self> {
        out.write_all(&[0; HEADER_LENGTH])?;
        Ok(Writer {
            out,
            offset: HEADER_LENGTH as u64,
            entries: Vec::new(),
            keys: Vec::new(),
            packages: 0,
        })
    }

    /// `blob` is a JSON array of the package's records. Keys must ascend.
    pub fn add(&mut self, key: &[u8], blob: &[u8]) -> io::Result<()> {
        Entry {
            key_offset: length(&self.keys)?,
            key_length: length(key)?,
            blob_offset: self.offset,
            blob_length: length(blob)?,
            blob_crc: crc32fast::hash(blob),
        }
        .encode(&mut self.entries);
        self.keys.extend(key);
        self.packages += 1;
        self.offset += blob.len() as u64;
        self.out.write_all(blob)
    }

    /// Writes the index, and the header over the room that was left for it.
    pub fn finish(mut self, info: &DatabaseInfo) -> io::Result<()> {
        let index = [self.entries, self.keys].concat();
        let info = serde_json::to_vec(info)?;
        let header = Header {
            index_offset: self.offset,
            index_length: index.len() as u64,
            index_crc: crc32fast::hash(&index),
            packages: self.packages,
            info_length: length(&info)?,
            info_crc: crc32fast::hash(&info),
        };
        self.out.write_all(&index)?;
        self.out.write_all(&info)?;
        self.out.seek(SeekFrom::Start(0))?;
        self.out.write_all(&header.encode())?;
        self.out.flush()
    }
}

fn length(bytes: &[u8]) -> io::Result<u32> {
    u32::try_from(bytes.len()).map_err(|_| io::ErrorKind::FileTooLarge.into())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use super::*;
    use crate::advisory::database::DatabaseKind;

    fn info() -> DatabaseInfo {
        DatabaseInfo {
            kind: DatabaseKind::Full,
            advisories: 2,
            updated: None,
            ecosystems: BTreeMap::from([("npm".to_owned(), 2)]),
        }
    }

    /// A file of three packages, and the folder that keeps it alive.
    fn written() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE_NAME);
        let mut writer = Writer::new(File::create(&path).unwrap()).unwrap();
        for name in ["a", "ab", "b"] {
            let blob = format!(r#"[{{"id":"X-{name}"}}]"#);
            writer.add(&key("npm", name), blob.as_bytes()).unwrap();
        }
        writer.finish(&info()).unwrap();
        (dir, path)
    }

    fn ids(store: &Store, name: &str) -> Vec<String> {
        let records = store.records(&key("npm", name)).unwrap();
        records.into_iter().map(|record| record.id).collect()
    }

    #[test]
    fn what_is_written_is_found() {
        let (_dir, path) = written();
        let store = Store::open(&path).unwrap().unwrap();
        assert_eq!(store.info(), &info());
        assert_eq!(ids(&store, "a"), ["X-a"]);
        assert_eq!(ids(&store, "ab"), ["X-ab"]);
        assert_eq!(ids(&store, "b"), ["X-b"]);
        assert!(
            ids(&store, "aa").is_empty()
                && ids(&store, "").is_empty()
                && ids(&store, "c").is_empty()
        );
        assert!(store.records(&key("PyPI", "a")).unwrap().is_empty());
    }

    #[test]
    fn an_empty_database_is_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE_NAME);
        let writer = Writer::new(File::create(&path).unwrap()).unwrap();
        writer.finish(&info()).unwrap();
        let store = Store::open(&path).unwrap().unwrap();
        assert!(ids(&store, "a").is_empty());
    }

    #[test]
    fn every_cut_and_every_flipped_bit_is_noticed() {
        let (_dir, path) = written();
        let whole = fs::read(&path).unwrap();
        let readable = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            let read = || -> Result<(), DatabaseError> {
                let store = Store::open(&path)?.unwrap();
                for name in ["a", "ab", "b"] {
                    store.records(&key("npm", name))?;
                }
                Ok(())
            };
            read().is_ok()
        };
        assert!(readable(&whole));
        for length in 0..whole.len() {
            assert!(!readable(&whole[..length]), "cut at {length}");
        }
        for i in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[i] ^= 0x10;
            assert!(!readable(&bytes), "bit flipped at {i}");
        }
        assert!(
            !readable(&[&whole[..], b"x"].concat()),
            "something appended"
        );
    }

    #[test]
    fn a_lying_index_is_an_error_and_no_panic() {
        let (_dir, path) = written();
        let mut writer = Writer::new(File::create(&path).unwrap()).unwrap();
        Entry {
            key_offset: u32::MAX,
            key_length: u32::MAX,
            blob_offset: u64::MAX,
            blob_length: u32::MAX,
            blob_crc: 0,
        }
        .encode(&mut writer.entries);
        writer.packages = 1;
        writer.finish(&info()).unwrap();
        let store = Store::open(&path).unwrap().unwrap();
        assert!(ids(&store, "a").is_empty());

        let mut writer = Writer::new(File::create(&path).unwrap()).unwrap();
        writer.packages = u32::MAX;
        writer.finish(&info()).unwrap();
        let store = Store::open(&path).unwrap().unwrap();
        assert!(store.records(&key("npm", "a")).is_err());
    }

    #[test]
    fn errors_say_what_is_wrong_and_what_to_do() {
        let (_dir, path) = written();
        let whole = fs::read(&path).unwrap();
        let error = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            let error = Store::open(&path).err().unwrap().to_string();
            let shown = path.display().to_string();
            assert!(error.contains(&shown) && !error.contains('\n'), "{error}");
            assert!(error.ends_with("run `fnaudit db import` again"), "{error}");
            error.replace(&shown, "DB")
        };
        let mut newer = whole.clone();
        newer[8] = 7;
        assert!(error(&newer).contains("DB has format 7, and this fnaudit reads format 1"));
        assert!(error(b"PK").contains("DB is not an advisory database"));
        assert!(error(&whole[..30]).contains("(it is cut short)"));
        assert!(error(&whole[..whole.len() - 1]).contains("(its length is wrong)"));
    }
}
