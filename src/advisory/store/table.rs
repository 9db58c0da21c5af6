//! A sorted table: keys and values in blocks, and an index of the blocks' first keys.
//!
//! A look-up reads the index by bisection and then one block, so that what it touches of a memory-mapped
//! file does not grow with the table.
//!
//! | part | content |
//! | --- | --- |
//! | block | entries in the order of their keys: two 32-bit lengths, the key, the value |
//! | index | one [`ENTRY_LENGTH`]-byte [`Entry`] a block, then the blocks' first keys |

use std::io::{self, Write};

use super::{Damage, Fields, Out, Section, length, slice};

/// A block ends with the entry that reaches this size: as much as a system reads at once.
const BLOCK_BYTES: usize = 4096;
const ENTRY_LENGTH: usize = 24;

/// Where a block is, and where its first key is, counted from the end of the entries.
struct Entry {
    offset: u64,
    length: u32,
    crc: u32,
    key_offset: u32,
    key_length: u32,
}

/// A table within a file.
#[derive(Clone, Copy)]
pub struct Table<'a> {
    file: &'a [u8],
    entries: &'a [[u8; ENTRY_LENGTH]],
    keys: &'a [u8],
}

impl<'a> Table<'a> {
    /// The table whose index is the section. That section was verified.
    pub fn new(file: &'a [u8], section: &Section) -> Result<Self, Damage> {
        let index = section.bytes(file)?;
        let split = (section.count as usize).saturating_mul(ENTRY_LENGTH);
        let (entries, keys) = index.split_at_checked(split).ok_or(Damage("an index"))?;
        let (entries, _) = entries.as_chunks();
        Ok(Table {
            file,
            entries,
            keys,
        })
    }

    pub fn get(&self, key: &[u8]) -> Result<Option<&'a [u8]>, Damage> {
        let first_key = |entry: &[u8; ENTRY_LENGTH]| Entry::decode(entry)?.key(self.keys);
        let behind = self
            .entries
            .partition_point(|entry| first_key(entry).is_some_and(|first| first <= key));
        let Some(entry) = behind.checked_sub(1).and_then(|i| self.entries.get(i)) else {
            return Ok(None);
        };
        for pair in self.block(entry)? {
            let (found, value) = pair?;
            if found == key {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    /// Every key with its value, in their order.
    pub fn iter(&self) -> impl Iterator<Item = Result<(&'a [u8], &'a [u8]), Damage>> + use<'a> {
        let table = *self;
        table.entries.iter().flat_map(move |entry| {
            let (block, damage) = match table.block(entry) {
                Ok(block) => (Some(block), None),
                Err(damage) => (None, Some(Err(damage))),
            };
            damage.into_iter().chain(block.into_iter().flatten())
        })
    }

    /// Whether every block is what was written, and every key is where a look-up seeks it.
    pub fn verify(&self) -> Result<(), Damage> {
        let mut last = None;
        for entry in self.entries {
            let indexed = Entry::decode(entry).and_then(|entry| entry.key(self.keys));
            for (number, pair) in self.block(entry)?.enumerate() {
                let (key, _) = pair?;
                let is_misplaced = number == 0 && indexed != Some(key);
                if is_misplaced || last.is_some_and(|last| last >= key) {
                    return Err(Damage("the order of its keys"));
                }
                last = Some(key);
            }
        }
        Ok(())
    }

    fn block(&self, entry: &[u8; ENTRY_LENGTH]) -> Result<Pairs<'a>, Damage> {
        let entry = Entry::decode(entry).ok_or(Damage("an index"))?;
        let block = slice(self.file, entry.offset, entry.length.into())?;
        if crc32fast::hash(block) != entry.crc {
            return Err(Damage("a block"));
        }
        Ok(Pairs(Fields(block)))
    }
}

/// The entries of a block.
struct Pairs<'a>(Fields<'a>);

impl<'a> Iterator for Pairs<'a> {
    type Item = Result<(&'a [u8], &'a [u8]), Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.0.is_empty() {
            return None;
        }
        let mut read = || {
            let (key, value) = (self.0.u32()?, self.0.u32()?);
            Some((self.0.bytes(key)?, self.0.bytes(value)?))
        };
        let pair = read().ok_or(Damage("an entry"));
        if pair.is_err() {
            self.0 = Fields(&[]);
        }
        Some(pair)
    }
}

impl Entry {
    fn decode(bytes: &[u8]) -> Option<Entry> {
        let mut fields = Fields(bytes);
        Some(Entry {
            offset: fields.u64()?,
            length: fields.u32()?,
            crc: fields.u32()?,
            key_offset: fields.u32()?,
            key_length: fields.u32()?,
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.offset.to_le_bytes());
        out.extend(self.length.to_le_bytes());
        out.extend(self.crc.to_le_bytes());
        out.extend(self.key_offset.to_le_bytes());
        out.extend(self.key_length.to_le_bytes());
    }

    fn key<'a>(&self, keys: &'a [u8]) -> Option<&'a [u8]> {
        slice(keys, self.key_offset.into(), self.key_length.into()).ok()
    }
}

/// Writes a table's blocks as they fill, and its index at the end.
#[derive(Default)]
pub struct TableWriter {
    block: Vec<u8>,
    first_key: Vec<u8>,
    last_key: Option<Vec<u8>>,
    entries: Vec<u8>,
    keys: Vec<u8>,
    count: u32,
}

impl TableWriter {
    /// Keys must ascend.
    pub fn add(&mut self, out: &mut Out<impl Write>, key: &[u8], value: &[u8]) -> io::Result<()> {
        if self.last_key.as_deref().is_some_and(|last| last >= key) {
            return Err(io::Error::other("the keys of a table do not ascend"));
        }
        if self.block.is_empty() {
            self.first_key = key.to_owned();
        }
        self.last_key = Some(key.to_owned());
        self.block.extend(length(key)?.to_le_bytes());
        self.block.extend(length(value)?.to_le_bytes());
        self.block.extend(key);
        self.block.extend(value);
        if self.block.len() >= BLOCK_BYTES {
            self.write_block(out)?;
        }
        Ok(())
    }

    fn write_block(&mut self, out: &mut Out<impl Write>) -> io::Result<()> {
        Entry {
            offset: out.offset,
            length: length(&self.block)?,
            crc: crc32fast::hash(&self.block),
            key_offset: length(&self.keys)?,
            key_length: length(&self.first_key)?,
        }
        .encode(&mut self.entries);
        self.keys.append(&mut self.first_key);
        self.count += 1;
        out.write(&self.block)?;
        self.block.clear();
        Ok(())
    }

    /// Writes what is left, and the index; says where that is.
    pub fn finish(mut self, out: &mut Out<impl Write>) -> io::Result<Section> {
        if !self.block.is_empty() {
            self.write_block(out)?;
        }
        out.section(&[self.entries, self.keys].concat(), self.count)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn written(pairs: &BTreeMap<Vec<u8>, Vec<u8>>) -> (Vec<u8>, Section) {
        let mut out = Out::new(Vec::new());
        let mut table = TableWriter::default();
        for (key, value) in pairs {
            table.add(&mut out, key, value).unwrap();
        }
        let section = table.finish(&mut out).unwrap();
        (out.inner, section)
    }

    #[test]
    fn keys_that_do_not_ascend_are_refused() {
        let mut out = Out::new(Vec::new());
        let mut table = TableWriter::default();
        table.add(&mut out, b"b", b"").unwrap();
        assert!(table.add(&mut out, b"a", b"").is_err());
        assert!(table.add(&mut out, b"b", b"").is_err());
    }

    #[test]
    fn blocks_and_keys_in_another_order_are_damage() {
        let pairs = (0..9u8).map(|n| (vec![n], vec![0; 1_000])).collect();
        let (file, section) = written(&pairs);
        let verify = |file: &[u8]| Table::new(file, &section).unwrap().verify();
        verify(&file).unwrap();
        let index = section.offset as usize;
        let mut turned = file.clone();
        turned[index..index + 2 * ENTRY_LENGTH].rotate_left(ENTRY_LENGTH);
        assert_eq!(verify(&turned), Err(Damage("the order of its keys")));
        // Another first key in the index than in the block.
        let mut renamed = file.clone();
        *renamed.last_mut().unwrap() ^= 0x40;
        assert_eq!(verify(&renamed), Err(Damage("the order of its keys")));
    }

    proptest! {
        #[test]
        fn every_key_is_found_and_no_other(
            pairs in prop::collection::btree_map(
                prop::collection::vec(any::<u8>(), 0..4), prop::collection::vec(any::<u8>(), 0..900), 0..40),
            others in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..4), 20),
        ) {
            let (file, section) = written(&pairs);
            let table = Table::new(&file, &section).unwrap();
            for key in pairs.keys().chain(&others) {
                prop_assert_eq!(table.get(key).unwrap(), pairs.get(key).map(Vec::as_slice));
            }
            let all: Result<BTreeMap<_, _>, _> =
                table.iter().map(|pair| pair.map(|(k, v)| (k.to_vec(), v.to_vec()))).collect();
            prop_assert_eq!(all.unwrap(), pairs);
        }

        #[test]
        fn no_index_panics(
            file in prop::collection::vec(any::<u8>(), 0..200), offset in 0u64..220, length in 0u64..220, count in 0u32..9,
        ) {
            let section = Section { offset, length, crc: 0, count };
            if let Ok(table) = Table::new(&file, &section) {
                let _ = table.get(b"a");
                let _ = table.iter().count();
            }
        }
    }
}
