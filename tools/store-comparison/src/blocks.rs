//! A sorted file of blocks: rows in key order, put into blocks with a CRC-32 each, and an index of the blocks'
//! first keys that is searched where it lies. Blocks of packages are plain; those of records are deflated.
//!
//! A file is its blocks, an entry of 24 bytes for each block (offset, length, CRC-32, place of the first key),
//! the first keys, and 16 bytes that say where the entries begin and how many there are.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use memmap2::Mmap;

use crate::compress::{deflate, inflate};
use crate::payload::{Row, Stage};
use crate::{Result, Store};

const PACKAGES: &str = "packages.blocks";
const RECORDS: &str = "records.blocks";
const PACKAGE_BLOCK: usize = 4 << 10;
const ENTRY: usize = 24;
const END: usize = 16;

struct Blocks {
    packages: BlockFile,
    records: BlockFile,
}

/// Builds with record blocks of so many bytes.
pub fn build<const RECORD_BLOCK: usize>(dir: &Path, stage: &Stage) -> Result<()> {
    write(
        &dir.join(PACKAGES),
        stage.packages()?,
        PACKAGE_BLOCK,
        |block| Ok(block.to_vec()),
    )?;
    write_records(dir, stage, RECORD_BLOCK)
}

pub fn open_mapped(dir: &Path) -> Result<Box<dyn Store>> {
    open(dir, Data::map)
}

pub fn open_read(dir: &Path) -> Result<Box<dyn Store>> {
    open(dir, Data::read)
}

fn open(dir: &Path, data: fn(File) -> Result<Data>) -> Result<Box<dyn Store>> {
    let open = |name| BlockFile::new(data(File::open(dir.join(name))?)?);
    Ok(Box::new(Blocks {
        packages: open(PACKAGES)?,
        records: open(RECORDS)?,
    }))
}

pub fn write_records(dir: &Path, stage: &Stage, size: usize) -> Result<()> {
    write(&dir.join(RECORDS), stage.records()?, size, deflate)
}

pub fn open_records(dir: &Path) -> Result<BlockFile> {
    BlockFile::new(Data::map(File::open(dir.join(RECORDS))?)?)
}

impl Store for Blocks {
    fn package(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let Some(block) = self.packages.block_of(key)? else {
            return Ok(None);
        };
        find(&block, key)
    }

    fn record(&self, id: &[u8]) -> Result<Option<Vec<u8>>> {
        self.records.deflated(id)
    }
}

/// Where a file's bytes come from: the page cache through a map, or reads by position.
enum Data {
    Mapped(Mmap),
    Read(File),
}

impl Data {
    fn map(file: File) -> Result<Self> {
        // SAFETY: nobody writes the file, which is in a folder made for this run.
        Ok(Self::Mapped(unsafe { Mmap::map(&file)? }))
    }

    fn read(file: File) -> Result<Self> {
        Ok(Self::Read(file))
    }

    fn len(&self) -> Result<usize> {
        Ok(match self {
            Self::Mapped(map) => map.len(),
            Self::Read(file) => file.metadata()?.len() as usize,
        })
    }

    fn get(&self, range: Range<usize>) -> Result<Cow<'_, [u8]>> {
        match self {
            Self::Mapped(map) => Ok(Cow::Borrowed(map.get(range).ok_or("outside the file")?)),
            Self::Read(file) => {
                let mut bytes = vec![0; range.len()];
                file.read_exact_at(&mut bytes, range.start as u64)?;
                Ok(Cow::Owned(bytes))
            }
        }
    }
}

pub struct BlockFile {
    data: Data,
    /// Where the index is; read at once where nothing is mapped.
    index: Range<usize>,
    copied: Option<Vec<u8>>,
    count: usize,
}

impl BlockFile {
    fn new(data: Data) -> Result<Self> {
        let end = data.len()?.checked_sub(END).ok_or("too short")?;
        let (start, count) = {
            let tail = data.get(end..end + END)?;
            (
                number::<8>(&tail, 0) as usize,
                number::<8>(&tail, 8) as usize,
            )
        };
        let copied = match &data {
            Data::Mapped(_) => None,
            Data::Read(_) => Some(data.get(start..end)?.into_owned()),
        };
        Ok(Self {
            data,
            index: start..end,
            copied,
            count,
        })
    }

    /// The record of this id, out of a deflated block.
    pub fn deflated(&self, id: &[u8]) -> Result<Option<Vec<u8>>> {
        let Some(block) = self.block_of(id)? else {
            return Ok(None);
        };
        find(&inflate(&block)?, id)
    }

    /// The block that holds the key if any does: the last one whose first key is not above it.
    fn block_of(&self, key: &[u8]) -> Result<Option<Cow<'_, [u8]>>> {
        let index = match (&self.copied, &self.data) {
            (Some(copied), _) => &copied[..],
            (None, Data::Mapped(map)) => &map[self.index.clone()],
            (None, Data::Read(_)) => return Err("no index".into()),
        };
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = (low + high) / 2;
            let entry = &index[middle * ENTRY..];
            let first = number::<4>(entry, 16) as usize;
            let first = &index[first..first + number::<4>(entry, 20) as usize];
            if first <= key {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let Some(at) = low.checked_sub(1) else {
            return Ok(None);
        };
        let entry = &index[at * ENTRY..];
        let offset = number::<8>(entry, 0) as usize;
        let block = self
            .data
            .get(offset..offset + number::<4>(entry, 8) as usize)?;
        if u64::from(crc32fast::hash(&block)) != number::<4>(entry, 12) {
            return Err("a block is damaged".into());
        }
        Ok(Some(block))
    }
}

/// The value of the key among a block's rows.
fn find(mut rows: &[u8], key: &[u8]) -> Result<Option<Vec<u8>>> {
    while !rows.is_empty() {
        let (key_len, value_len) = (number::<4>(rows, 0) as usize, number::<4>(rows, 4) as usize);
        let (row, rest) = rows[8..].split_at(key_len + value_len);
        if &row[..key_len] == key {
            return Ok(Some(row[key_len..].to_vec()));
        }
        rows = rest;
    }
    Ok(None)
}

/// The little-endian number of N bytes at this place.
fn number<const N: usize>(bytes: &[u8], at: usize) -> u64 {
    bytes[at..at + N]
        .iter()
        .rev()
        .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

fn write(
    path: &Path,
    rows: impl Iterator<Item = Row>,
    size: usize,
    pack: fn(&[u8]) -> Result<Vec<u8>>,
) -> Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let mut offset = 0_u64;
    let (mut block, mut first_key) = (Vec::new(), Vec::new());
    let (mut entries, mut keys) = (Vec::new(), Vec::new());
    let mut end_block = |block: &mut Vec<u8>, first_key: &[u8]| -> Result<()> {
        let packed = pack(block)?;
        file.write_all(&packed)?;
        entries.push((
            offset,
            packed.len() as u32,
            crc32fast::hash(&packed),
            first_key.len() as u32,
        ));
        keys.extend_from_slice(first_key);
        offset += packed.len() as u64;
        block.clear();
        Ok(())
    };
    for (key, value) in rows {
        if !block.is_empty() && block.len() + key.len() + value.len() > size {
            end_block(&mut block, &first_key)?;
        }
        if block.is_empty() {
            first_key.clone_from(&key);
        }
        for part in [&key, &value] {
            block.extend((part.len() as u32).to_le_bytes());
        }
        block.extend(key);
        block.extend(value);
    }
    if !block.is_empty() {
        end_block(&mut block, &first_key)?;
    }
    let mut key_at = (entries.len() * ENTRY) as u32;
    for (offset, len, crc, key_len) in &entries {
        file.write_all(&offset.to_le_bytes())?;
        for field in [len, crc, &key_at, key_len] {
            file.write_all(&field.to_le_bytes())?;
        }
        key_at += key_len;
    }
    file.write_all(&keys)?;
    file.write_all(&offset.to_le_bytes())?;
    file.write_all(&(entries.len() as u64).to_le_bytes())?;
    Ok(file.flush()?)
}
