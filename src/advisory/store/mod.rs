//! The database file: read-only, memory-mapped, everything found by its place.
//!
//! | part | content |
//! | --- | --- |
//! | header | [`HEADER_LENGTH`] bytes: the magic, the format, a CRC-32 of the rest, and a [`Section`] for each of the others |
//! | records | every record as its source wrote it, see [`records`] |
//! | packages | a [`table`] from [`key`] to the package's [`Advisories`], which is all that matching needs |
//! | ids | a table from an id or alias to its [`IdEntry`] |
//! | exploitation | a table from a CVE id to what is known of its exploitation |
//! | description | [`Description`] as JSON |
//!
//! Numbers are little-endian. The header's checksum covers those of the sections, and the sections hold the
//! checksums of their blocks, so that any damage is told from absence when it is met.

pub mod records;
pub mod table;

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use memmap2::Mmap;
use serde::{Deserialize, Serialize};

use crate::advisory::compiled::Advisories;
use crate::advisory::database::{DatabaseError, Description};
use records::{PackedBlock, Place, Records, RecordsWriter};
use table::{Table, TableWriter};

pub const FILE_NAME: &str = "fnaudit.db";
/// Raised whenever another fnaudit could misread the file.
pub const FORMAT: u32 = 2;

/// What every database file starts with, of whatever format.
pub const MAGIC: &[u8; 8] = b"fnaudit\0";
/// What comes before the part of the header that its checksum covers.
const HEADER_PREFIX: usize = 16;
const SECTIONS: usize = 5;
const SECTION_LENGTH: usize = 24;
const HEADER_LENGTH: usize = HEADER_PREFIX + SECTIONS * SECTION_LENGTH;

/// The key of a package: its ecosystem without a release, and its name as that ecosystem compares names.
pub fn key(ecosystem: &str, name: &str) -> Vec<u8> {
    [ecosystem.as_bytes(), &[0], name.as_bytes()].concat()
}

/// The ecosystem and the name that a key was made of.
pub fn split_key(key: &[u8]) -> Option<(&str, &str)> {
    std::str::from_utf8(key).ok()?.split_once('\0')
}

/// The part of a file that is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage(pub &'static str);

/// A key and its value.
type Pair<'a> = (&'a [u8], &'a [u8]);

/// What an id stands for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct IdEntry<'a> {
    /// The record of this id.
    #[serde(borrow)]
    pub record: Option<RecordEntry<'a>>,
    /// The ids of the records that name it as an alias, sorted.
    pub alias_of: Vec<&'a str>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordEntry<'a> {
    pub place: Place,
    pub modified: &'a str,
}

/// A part of the file that is read by its own rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Section {
    offset: u64,
    length: u64,
    crc: u32,
    /// How many items it holds.
    count: u32,
}

/// What the header says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Header {
    records: Section,
    packages: Section,
    ids: Section,
    exploitation: Section,
    description: Section,
}

/// The database file, open for lookups.
pub struct Store {
    path: PathBuf,
    map: Mmap,
    header: Header,
    description: Description,
}

impl Store {
    pub fn open(path: &Path) -> Result<Option<Store>, DatabaseError> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(io_error(path, source)),
        };
        // A map of nothing is an error of its own on some systems.
        if file.metadata().map_err(|e| io_error(path, e))?.len() == 0 {
            return Err(not_a_database(path));
        }
        let map = map(&file).map_err(|e| io_error(path, e))?;
        let header = Header::read(path, &map)?;
        let damaged = |damage| damaged(path, damage);
        if header.description.end() != map.len() as u64 {
            return Err(damaged(Damage("its length")));
        }
        for section in header.sections() {
            section.verify(&map).map_err(damaged)?;
        }
        let store = Store {
            path: path.to_owned(),
            description: header.describe(&map).map_err(damaged)?,
            map,
            header,
        };
        // What can be wrong with them is said now, not at the first look-up.
        store.records()?;
        for section in [header.packages, header.ids, header.exploitation] {
            store.table(&section)?;
        }
        Ok(Some(store))
    }

    /// What a file that cannot be opened says of itself, where that much of it can be read.
    pub fn salvaged_description(path: &Path) -> Option<Description> {
        let map = map(&File::open(path).ok()?).ok()?;
        let header = Header::read(path, &map).ok()?;
        header.description.verify(&map).ok()?;
        header.describe(&map).ok()
    }

    /// Whether every block is what was written, keys ascend, and the parts stand in their order.
    pub fn verify(&self) -> Result<(), DatabaseError> {
        let mut end = HEADER_LENGTH as u64;
        for section in self.header.sections() {
            if section.offset < end {
                return Err(self.damaged(Damage("its header")));
            }
            end = section.end();
        }
        let records = self.records()?.verify();
        records.map_err(|damage| self.damaged(damage))?;
        for section in [
            self.header.packages,
            self.header.ids,
            self.header.exploitation,
        ] {
            let table = self.table(&section)?.verify();
            table.map_err(|damage| self.damaged(damage))?;
        }
        Ok(())
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn bytes(&self) -> &[u8] {
        &self.map
    }

    pub fn description(&self) -> &Description {
        &self.description
    }

    pub fn advisories(&self, key: &[u8]) -> Result<Advisories<'_>, DatabaseError> {
        let found = self.table(&self.header.packages)?.get(key);
        let found = found.map_err(|damage| self.damaged(damage))?;
        Ok(found.map(Advisories::new).unwrap_or_default())
    }

    /// Every package's key with its advisories, in the order of the keys.
    pub fn packages(
        &self,
    ) -> Result<impl Iterator<Item = Result<(&[u8], Advisories<'_>), DatabaseError>>, DatabaseError>
    {
        let pairs = self.table(&self.header.packages)?.iter();
        Ok(pairs.map(|pair| {
            let (key, encoded) = pair.map_err(|damage| self.damaged(damage))?;
            Ok((key, Advisories::new(encoded)))
        }))
    }

    /// What an id stands for.
    pub fn id(&self, id: &str) -> Result<Option<IdEntry<'_>>, DatabaseError> {
        let found = self.table(&self.header.ids)?.get(id.as_bytes());
        let found = found.map_err(|damage| self.damaged(damage))?;
        found.map(|encoded| self.id_entry(encoded)).transpose()
    }

    /// Every id with what it stands for, in their order.
    pub fn ids(
        &self,
    ) -> Result<impl Iterator<Item = Result<(&str, IdEntry<'_>), DatabaseError>>, DatabaseError>
    {
        let pairs = self.table(&self.header.ids)?.iter();
        Ok(pairs.map(|pair| {
            let (id, encoded) = pair.map_err(|damage| self.damaged(damage))?;
            let id = std::str::from_utf8(id).map_err(|_| self.damaged(Damage("an id")))?;
            Ok((id, self.id_entry(encoded)?))
        }))
    }

    fn id_entry<'a>(&self, encoded: &'a [u8]) -> Result<IdEntry<'a>, DatabaseError> {
        postcard::from_bytes(encoded).map_err(|_| self.damaged(Damage("an id")))
    }

    /// The record at a place, as its source wrote it.
    pub fn record(&self, place: Place) -> Result<Vec<u8>, DatabaseError> {
        let block = self.record_block(place.block)?;
        let record = Records::cut(&block, place).map_err(|damage| self.damaged(damage))?;
        Ok(record.to_owned())
    }

    /// Several records one behind the other; [`Records::cut`] takes one out.
    pub fn record_block(&self, number: u32) -> Result<Vec<u8>, DatabaseError> {
        let block = self.records()?.block(number as usize);
        block.map_err(|damage| self.damaged(damage))
    }

    pub fn record_blocks(&self) -> Result<usize, DatabaseError> {
        Ok(self.records()?.blocks())
    }

    /// What is known of the exploitation of a CVE, as it was encoded.
    pub fn exploitation(&self, cve: &str) -> Result<Option<&[u8]>, DatabaseError> {
        let found = self.table(&self.header.exploitation)?.get(cve.as_bytes());
        found.map_err(|damage| self.damaged(damage))
    }

    /// The same for every CVE, in the order of their ids.
    pub fn all_exploitation(
        &self,
    ) -> Result<impl Iterator<Item = Result<Pair<'_>, DatabaseError>>, DatabaseError> {
        let pairs = self.table(&self.header.exploitation)?.iter();
        Ok(pairs.map(|pair| pair.map_err(|damage| self.damaged(damage))))
    }

    fn table(&self, section: &Section) -> Result<Table<'_>, DatabaseError> {
        Table::new(&self.map, section).map_err(|damage| self.damaged(damage))
    }

    fn records(&self) -> Result<Records<'_>, DatabaseError> {
        Records::new(&self.map, &self.header.records).map_err(|damage| self.damaged(damage))
    }

    pub fn damaged(&self, damage: Damage) -> DatabaseError {
        damaged(&self.path, damage)
    }
}

/// Maps a database file into memory.
#[allow(unsafe_code)]
fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: the bytes may change under a map only if somebody writes into the file. This program never does:
    // a new database is another file that takes the old one's name, and the old one's bytes stay as they are
    // for as long as they are mapped. Everything read from the map is checked as if it were a lie.
    unsafe { Mmap::map(file) }
}

fn not_a_database(path: &Path) -> DatabaseError {
    DatabaseError::NotADatabase {
        path: path.to_owned(),
    }
}

fn damaged(path: &Path, damage: Damage) -> DatabaseError {
    DatabaseError::Damaged {
        path: path.to_owned(),
        what: damage.0,
    }
}

fn io_error(path: &Path, source: io::Error) -> DatabaseError {
    DatabaseError::Io {
        path: path.to_owned(),
        source,
    }
}

/// The bytes from `offset` on, if there are as many.
fn slice(file: &[u8], offset: u64, length: u64) -> Result<&[u8], Damage> {
    let range = || {
        let start = usize::try_from(offset).ok()?;
        let end = start.checked_add(usize::try_from(length).ok()?)?;
        file.get(start..end)
    };
    range().ok_or(Damage("a place in it"))
}

fn length(bytes: &[u8]) -> io::Result<u32> {
    u32::try_from(bytes.len()).map_err(|_| io::ErrorKind::FileTooLarge.into())
}

/// Takes little-endian numbers and runs of bytes off the front of a slice.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn number<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*number)
    }

    fn u32(&mut self) -> Option<u32> {
        self.number().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.number().map(u64::from_le_bytes)
    }

    fn bytes(&mut self, length: u32) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length as usize)?;
        self.0 = rest;
        Some(bytes)
    }
}

impl Section {
    fn bytes<'a>(&self, file: &'a [u8]) -> Result<&'a [u8], Damage> {
        slice(file, self.offset, self.length)
    }

    fn end(&self) -> u64 {
        self.offset.saturating_add(self.length)
    }

    fn verify(&self, file: &[u8]) -> Result<(), Damage> {
        if crc32fast::hash(self.bytes(file)?) != self.crc {
            return Err(Damage("an index"));
        }
        Ok(())
    }

    fn decode(fields: &mut Fields) -> Option<Section> {
        Some(Section {
            offset: fields.u64()?,
            length: fields.u64()?,
            crc: fields.u32()?,
            count: fields.u32()?,
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.offset.to_le_bytes());
        out.extend(self.length.to_le_bytes());
        out.extend(self.crc.to_le_bytes());
        out.extend(self.count.to_le_bytes());
    }
}

impl Header {
    fn read(path: &Path, file: &[u8]) -> Result<Header, DatabaseError> {
        let cut_short = || damaged(path, Damage("its header"));
        let fields = file.strip_prefix(MAGIC);
        let mut fields = Fields(fields.ok_or_else(|| not_a_database(path))?);
        // The format comes first: another one may have another header.
        let found = fields.u32().ok_or_else(cut_short)?;
        if found != FORMAT {
            let path = path.to_owned();
            return Err(DatabaseError::OtherFormat { path, found });
        }
        let crc = fields.u32().ok_or_else(cut_short)?;
        let guarded = fields.0.get(..SECTIONS * SECTION_LENGTH);
        let guarded = guarded.ok_or_else(cut_short)?;
        if crc32fast::hash(guarded) != crc {
            return Err(cut_short());
        }
        Header::decode(&mut Fields(guarded)).ok_or_else(cut_short)
    }

    /// The description, of which the checksum was verified.
    fn describe(&self, file: &[u8]) -> Result<Description, Damage> {
        let json = self.description.bytes(file)?;
        serde_json::from_slice(json).map_err(|_| Damage("its description"))
    }

    fn decode(fields: &mut Fields) -> Option<Header> {
        Some(Header {
            records: Section::decode(fields)?,
            packages: Section::decode(fields)?,
            ids: Section::decode(fields)?,
            exploitation: Section::decode(fields)?,
            description: Section::decode(fields)?,
        })
    }

    fn encode(&self) -> Vec<u8> {
        let mut guarded = Vec::with_capacity(SECTIONS * SECTION_LENGTH);
        for section in self.sections() {
            section.encode(&mut guarded);
        }
        let crc = crc32fast::hash(&guarded).to_le_bytes();
        [&MAGIC[..], &FORMAT.to_le_bytes(), &crc, &guarded].concat()
    }

    fn sections(&self) -> [Section; SECTIONS] {
        [
            self.records,
            self.packages,
            self.ids,
            self.exploitation,
            self.description,
        ]
    }
}

/// A file that is written from its start to its end.
pub struct Out<W> {
    inner: W,
    offset: u64,
}

impl<W: Write> Out<W> {
    pub fn new(inner: W) -> Self {
        Out { inner, offset: 0 }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.inner.write_all(bytes)?;
        self.offset += bytes.len() as u64;
        Ok(())
    }

    fn section(&mut self, bytes: &[u8], count: u32) -> io::Result<Section> {
        let section = Section {
            offset: self.offset,
            length: bytes.len() as u64,
            crc: crc32fast::hash(bytes),
            count,
        };
        self.write(bytes)?;
        Ok(section)
    }
}

/// Writes a database file: the records, the packages, the ids, the exploitation and the description, in this order.
pub struct Writer<W> {
    out: Out<W>,
    header: Header,
    records: RecordsWriter,
}

impl<W: Write + Seek> Writer<W> {
    pub fn new(inner: W) -> io::Result<Self> {
        let mut out = Out::new(inner);
        out.write(&[0; HEADER_LENGTH])?;
        Ok(Writer {
            out,
            header: Header::default(),
            records: RecordsWriter::default(),
        })
    }

    /// Begins with the records, packages and ids of another database, as they are; [`Store::verify`] says whether
    /// they are sound.
    pub fn copy(store: &Store, inner: W) -> io::Result<Self> {
        let kept = store.header.ids.end();
        let kept = slice(&store.map, 0, kept).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let mut out = Out::new(inner);
        out.write(kept)?;
        Ok(Writer {
            out,
            header: store.header,
            records: RecordsWriter::default(),
        })
    }

    /// Blocks are numbered in the order in which they come.
    pub fn add_records(&mut self, block: &PackedBlock) -> io::Result<()> {
        self.records.add(&mut self.out, block)
    }

    /// Ends the records.
    pub fn finish_records(&mut self) -> io::Result<()> {
        let records = std::mem::take(&mut self.records);
        self.header.records = records.finish(&mut self.out)?;
        Ok(())
    }

    /// Keys must ascend.
    pub fn packages(&mut self) -> Rows<'_, W> {
        Rows::new(&mut self.out, &mut self.header.packages)
    }

    /// Ids must ascend.
    pub fn ids(&mut self) -> Rows<'_, W> {
        Rows::new(&mut self.out, &mut self.header.ids)
    }

    /// CVE ids must ascend.
    pub fn exploitation(&mut self) -> Rows<'_, W> {
        Rows::new(&mut self.out, &mut self.header.exploitation)
    }

    /// Writes the description, and the header over the room that was left for it.
    pub fn finish(mut self, description: &Description) -> io::Result<()> {
        self.header.description = self.out.section(&serde_json::to_vec(description)?, 1)?;
        let mut inner = self.out.inner;
        inner.seek(SeekFrom::Start(0))?;
        inner.write_all(&self.header.encode())?;
        inner.flush()
    }
}

/// A table that is being written.
pub struct Rows<'a, W> {
    out: &'a mut Out<W>,
    section: &'a mut Section,
    table: TableWriter,
}

impl<'a, W: Write> Rows<'a, W> {
    fn new(out: &'a mut Out<W>, section: &'a mut Section) -> Self {
        Rows {
            out,
            section,
            table: TableWriter::default(),
        }
    }

    pub fn add(&mut self, key: &[u8], value: &[u8]) -> io::Result<()> {
        self.table.add(self.out, key, value)
    }

    pub fn finish(self) -> io::Result<()> {
        *self.section = self.table.finish(self.out)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn description() -> Description {
        Description {
            advisories: 3,
            ..Description::default()
        }
    }

    const NAMES: [&str; 3] = ["a", "ab", "b"];

    fn place(i: usize) -> Place {
        Place {
            block: 0,
            offset: i as u32,
            length: 1,
        }
    }

    /// A file of three packages with a record each, and the folder that keeps it alive.
    fn written() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE_NAME);
        let mut writer = Writer::new(File::create(&path).unwrap()).unwrap();
        writer
            .add_records(&PackedBlock::new(b"xyz").unwrap())
            .unwrap();
        writer.finish_records().unwrap();
        let mut packages = writer.packages();
        for name in NAMES {
            packages.add(&key("npm", name), b"").unwrap();
        }
        packages.finish().unwrap();
        let mut ids = writer.ids();
        for (i, name) in NAMES.iter().enumerate() {
            let record = RecordEntry {
                place: place(i),
                modified: "m",
            };
            let entry = IdEntry {
                record: Some(record),
                alias_of: vec!["z"],
            };
            let encoded = postcard::to_extend(&entry, Vec::new()).unwrap();
            ids.add(name.as_bytes(), &encoded).unwrap();
        }
        ids.finish().unwrap();
        let mut exploitation = writer.exploitation();
        exploitation.add(b"CVE-1", b"1").unwrap();
        exploitation.finish().unwrap();
        writer.finish(&description()).unwrap();
        (dir, path)
    }

    /// Reads everything there is.
    fn read(path: &Path) -> Result<Vec<String>, DatabaseError> {
        let store = Store::open(path)?.unwrap();
        let mut all = Vec::new();
        for pair in store.packages()? {
            let (key, _) = pair?;
            all.push(String::from_utf8_lossy(key).replace('\0', " "));
        }
        for pair in store.ids()? {
            let (id, entry) = pair?;
            let record = store.record(entry.record.unwrap().place)?;
            all.push(format!("{id} {}", String::from_utf8_lossy(&record)));
        }
        for pair in store.all_exploitation()? {
            let (cve, _) = pair?;
            all.push(String::from_utf8_lossy(cve).into_owned());
        }
        Ok(all)
    }

    const ALL: [&str; 7] = ["npm a", "npm ab", "npm b", "a x", "ab y", "b z", "CVE-1"];

    #[test]
    fn what_is_written_is_found() {
        let (_dir, path) = written();
        assert_eq!(read(&path).unwrap(), ALL);
        let store = Store::open(&path).unwrap().unwrap();
        assert_eq!(store.description(), &description());
        assert!(store.id("ab").unwrap().is_some() && store.id("aa").unwrap().is_none());
        let exploitation = store.exploitation("CVE-1").unwrap();
        assert_eq!(exploitation, Some(&b"1"[..]));
        assert_eq!(split_key(&key("npm", "a")), Some(("npm", "a")));
    }

    #[test]
    fn a_copy_has_the_same_records_and_what_is_written_behind_them() {
        let (dir, path) = written();
        let store = Store::open(&path).unwrap().unwrap();
        let copied = dir.path().join("copy");
        let mut writer = Writer::copy(&store, File::create(&copied).unwrap()).unwrap();
        let mut exploitation = writer.exploitation();
        exploitation.add(b"CVE-2", b"2").unwrap();
        exploitation.finish().unwrap();
        writer.finish(&description()).unwrap();
        let expected = [&ALL[..6], &["CVE-2"]].concat();
        assert_eq!(read(&copied).unwrap(), expected);
    }

    #[test]
    fn an_empty_database_is_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE_NAME);
        let writer = Writer::new(File::create(&path).unwrap()).unwrap();
        writer.finish(&description()).unwrap();
        assert!(read(&path).unwrap().is_empty());
        assert!(Store::open(&dir.path().join("other")).unwrap().is_none());
    }

    #[test]
    fn every_cut_and_every_flipped_bit_is_noticed() {
        let (_dir, path) = written();
        let whole = fs::read(&path).unwrap();
        let readable = |bytes: &[u8]| {
            // The file that is mapped elsewhere stays; this is another one of its name.
            fs::remove_file(&path).unwrap();
            fs::write(&path, bytes).unwrap();
            read(&path).is_ok()
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
    fn parts_that_stand_in_another_order_are_damage() {
        let (_dir, path) = written();
        let store = Store::open(&path).unwrap().unwrap();
        store.verify().unwrap();
        let mut header = store.header;
        std::mem::swap(&mut header.packages, &mut header.ids);
        let turned = [&header.encode(), &store.bytes()[HEADER_LENGTH..]].concat();
        drop(store);
        fs::remove_file(&path).unwrap();
        fs::write(&path, turned).unwrap();
        let error = Store::open(&path).unwrap().unwrap().verify().unwrap_err();
        assert!(error.to_string().contains("its header"), "{error}");
    }

    #[test]
    fn a_damaged_file_still_says_what_it_was() {
        let (_dir, path) = written();
        let mut bytes = fs::read(&path).unwrap();
        let ids = Store::open(&path).unwrap().unwrap().header.ids;
        bytes[ids.offset as usize] ^= 1;
        fs::remove_file(&path).unwrap();
        fs::write(&path, &bytes).unwrap();
        assert!(Store::open(&path).is_err());
        assert_eq!(Store::salvaged_description(&path), Some(description()));
        for useless in [&b""[..], b"text", &bytes[..bytes.len() - 1]] {
            fs::write(&path, useless).unwrap();
            assert_eq!(Store::salvaged_description(&path), None);
        }
    }

    #[test]
    fn other_files_and_other_formats_are_told_apart() {
        let (_dir, path) = written();
        let whole = fs::read(&path).unwrap();
        let message = |bytes: &[u8]| {
            fs::remove_file(&path).unwrap();
            fs::write(&path, bytes).unwrap();
            let error = Store::open(&path).err().unwrap().to_string();
            assert!(
                !error.contains('\n') && error.contains("db update"),
                "{error}"
            );
            error
        };
        assert!(message(b"").contains("is not an advisory database"));
        assert!(message(b"SQLite format 3").contains("is not an advisory database"));
        let mut newer = whole.clone();
        newer[8] = FORMAT as u8 + 1;
        assert!(message(&newer).contains("newer fnaudit"));
        newer[8] = FORMAT as u8 - 1;
        assert!(message(&newer).contains("older fnaudit"));
        assert!(message(&whole[..40]).contains("is damaged (its header"));
    }
}
