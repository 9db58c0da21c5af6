//! The records as their sources wrote them, deflated many at a time: they share most of their words.
//!
//! | part | content |
//! | --- | --- |
//! | block | records one behind the other, as one Deflate stream |
//! | directory | one [`ENTRY_LENGTH`]-byte [`Entry`] a block |

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::bufread::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::{Deserialize, Serialize};

use super::{Damage, Fields, Out, Section, length, slice};

/// A block is full with the record that reaches this size. Larger ones pack no better
/// (docs/database.md), and all of one is unpacked to show a record.
pub const BLOCK_BYTES: usize = 128 << 10;
/// What a block unpacks to at most: one record may be larger than a block.
const MAX_BLOCK_BYTES: u32 = 64 << 20;
const ENTRY_LENGTH: usize = 20;
const DAMAGE: Damage = Damage("a block of records");

/// Where a record is: its block's number, and its place in the unpacked block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub block: u32,
    pub offset: u32,
    pub length: u32,
}

struct Entry {
    offset: u64,
    packed: u32,
    unpacked: u32,
    /// Of the packed bytes.
    crc: u32,
}

/// The blocks within a file.
#[derive(Clone, Copy)]
pub struct Records<'a> {
    file: &'a [u8],
    entries: &'a [[u8; ENTRY_LENGTH]],
}

impl<'a> Records<'a> {
    /// The blocks whose directory is the section. That section was verified.
    pub fn new(file: &'a [u8], section: &Section) -> Result<Self, Damage> {
        let (entries, rest) = section.bytes(file)?.as_chunks();
        if !rest.is_empty() || entries.len() != section.count as usize {
            return Err(Damage("the directory of its records"));
        }
        Ok(Records { file, entries })
    }

    pub fn blocks(&self) -> usize {
        self.entries.len()
    }

    /// Whether every block is what was written.
    pub fn verify(&self) -> Result<(), Damage> {
        (0..self.blocks()).try_for_each(|number| self.packed(number).map(|_| ()))
    }

    /// A block as it is in the file, and what is said of it.
    fn packed(&self, number: usize) -> Result<(&'a [u8], Entry), Damage> {
        let entry = self.entries.get(number).and_then(|e| Entry::decode(e));
        let entry = entry.ok_or(DAMAGE)?;
        let packed = slice(self.file, entry.offset, entry.packed.into())?;
        if crc32fast::hash(packed) != entry.crc || entry.unpacked > MAX_BLOCK_BYTES {
            return Err(DAMAGE);
        }
        Ok((packed, entry))
    }

    /// Unpacks a block.
    pub fn block(&self, number: usize) -> Result<Vec<u8>, Damage> {
        let (packed, entry) = self.packed(number)?;
        let mut unpacked = Vec::new();
        DeflateDecoder::new(packed)
            .take(u64::from(entry.unpacked) + 1)
            .read_to_end(&mut unpacked)
            .map_err(|_| DAMAGE)?;
        if unpacked.len() != entry.unpacked as usize {
            return Err(DAMAGE);
        }
        Ok(unpacked)
    }

    /// The record at a place in its unpacked block.
    pub fn cut(block: &[u8], place: Place) -> Result<&[u8], Damage> {
        slice(block, place.offset.into(), place.length.into())
    }
}

impl Entry {
    fn decode(bytes: &[u8]) -> Option<Entry> {
        let mut fields = Fields(bytes);
        Some(Entry {
            offset: fields.u64()?,
            packed: fields.u32()?,
            unpacked: fields.u32()?,
            crc: fields.u32()?,
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.offset.to_le_bytes());
        out.extend(self.packed.to_le_bytes());
        out.extend(self.unpacked.to_le_bytes());
        out.extend(self.crc.to_le_bytes());
    }
}

/// A block on its way into the file.
pub struct PackedBlock {
    packed: Vec<u8>,
    unpacked: u32,
}

impl PackedBlock {
    pub fn new(block: &[u8]) -> io::Result<Self> {
        let unpacked = length(block)?;
        if unpacked > MAX_BLOCK_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(block)?;
        let packed = encoder.finish()?;
        Ok(PackedBlock { packed, unpacked })
    }
}

/// Writes packed blocks, and their directory at the end.
#[derive(Default)]
pub struct RecordsWriter {
    entries: Vec<u8>,
    count: u32,
}

impl RecordsWriter {
    pub fn add(&mut self, out: &mut Out<impl Write>, block: &PackedBlock) -> io::Result<()> {
        Entry {
            offset: out.offset,
            packed: length(&block.packed)?,
            unpacked: block.unpacked,
            crc: crc32fast::hash(&block.packed),
        }
        .encode(&mut self.entries);
        self.count += 1;
        out.write(&block.packed)
    }

    pub fn finish(self, out: &mut Out<impl Write>) -> io::Result<Section> {
        out.section(&self.entries, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(blocks: &[&[u8]]) -> (Vec<u8>, Section) {
        let mut out = Out::new(Vec::new());
        let mut writer = RecordsWriter::default();
        for block in blocks {
            let packed = PackedBlock::new(block).unwrap();
            writer.add(&mut out, &packed).unwrap();
        }
        let section = writer.finish(&mut out).unwrap();
        (out.inner, section)
    }

    #[test]
    fn blocks_come_back() {
        let (file, section) = written(&[b"onetwo", b"", b"three"]);
        let records = Records::new(&file, &section).unwrap();
        assert_eq!(records.blocks(), 3);
        assert_eq!(records.block(1).unwrap(), b"");
        let block = records.block(0).unwrap();
        let place = |offset, length| Place {
            block: 0,
            offset,
            length,
        };
        assert_eq!(Records::cut(&block, place(3, 3)).unwrap(), b"two");
        assert!(Records::cut(&block, place(3, 4)).is_err());
        assert!(records.block(3).is_err());
    }

    #[test]
    fn a_block_that_unpacks_to_more_or_less_than_it_says_is_damaged() {
        for unpacked in [5, 7, u32::MAX] {
            let mut block = PackedBlock::new(b"onetwo").unwrap();
            block.unpacked = unpacked;
            let mut out = Out::new(Vec::new());
            let mut writer = RecordsWriter::default();
            writer.add(&mut out, &block).unwrap();
            let section = writer.finish(&mut out).unwrap();
            let records = Records::new(&out.inner, &section).unwrap();
            assert!(records.block(0).is_err(), "{unpacked}");
        }
    }
}
