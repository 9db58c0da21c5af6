//! A sorted file of rows and an `fst` index from each key to its place; both are mapped. Rows carry no
//! checksum. Records are in deflated blocks of 64 KiB, as in the sorted file of blocks.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use fst::{Map, MapBuilder};
use memmap2::Mmap;

use crate::blocks::{self, BlockFile};
use crate::payload::Stage;
use crate::{Result, Store};

const INDEX: &str = "packages.fst";
const ROWS: &str = "packages.rows";

struct Fst {
    index: Map<Mmap>,
    rows: Mmap,
    records: BlockFile,
}

pub fn build(dir: &Path, stage: &Stage) -> Result<()> {
    let mut index = MapBuilder::new(BufWriter::new(File::create(dir.join(INDEX))?))?;
    let mut rows = BufWriter::new(File::create(dir.join(ROWS))?);
    let mut offset = 0;
    for (key, value) in stage.packages()? {
        index.insert(key, offset)?;
        rows.write_all(&(value.len() as u32).to_le_bytes())?;
        rows.write_all(&value)?;
        offset += 4 + value.len() as u64;
    }
    index.into_inner()?.flush()?;
    rows.flush()?;
    blocks::write_records(dir, stage, 64 << 10)
}

pub fn open(dir: &Path) -> Result<Box<dyn Store>> {
    // SAFETY: nobody writes the files, which are in a folder made for this run.
    let map = |name| -> Result<Mmap> { Ok(unsafe { Mmap::map(&File::open(dir.join(name))?)? }) };
    Ok(Box::new(Fst {
        index: Map::new(map(INDEX)?)?,
        rows: map(ROWS)?,
        records: blocks::open_records(dir)?,
    }))
}

impl Store for Fst {
    fn package(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let Some(offset) = self.index.get(key) else {
            return Ok(None);
        };
        let row = &self.rows[offset as usize..];
        let len = u32::from_le_bytes([row[0], row[1], row[2], row[3]]) as usize;
        Ok(Some(row[4..4 + len].to_vec()))
    }

    fn record(&self, id: &[u8]) -> Result<Option<Vec<u8>>> {
        self.records.deflated(id)
    }
}
