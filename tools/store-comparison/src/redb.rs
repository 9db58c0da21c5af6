//! redb: a copy-on-write B-tree in Rust, with a cache of its own instead of a memory map.

use std::path::Path;

use redb::{Database, ReadOnlyDatabase, ReadableDatabase, TableDefinition};

use crate::compress::{deflate, inflate};
use crate::payload::Stage;
use crate::{Result, Store};

const FILE: &str = "store.redb";
const PACKAGES: TableDefinition<&[u8], &[u8]> = TableDefinition::new("packages");
const RECORDS: TableDefinition<&[u8], &[u8]> = TableDefinition::new("records");

struct Redb(ReadOnlyDatabase);

pub fn build(dir: &Path, stage: &Stage) -> Result<()> {
    let mut database = Database::create(dir.join(FILE))?;
    let txn = database.begin_write()?;
    {
        let mut packages = txn.open_table(PACKAGES)?;
        for (key, value) in stage.packages()? {
            packages.insert(&key[..], &value[..])?;
        }
        let mut records = txn.open_table(RECORDS)?;
        for (id, record) in stage.records()? {
            records.insert(&id[..], &deflate(&record)?[..])?;
        }
    }
    txn.commit()?;
    database.compact()?;
    Ok(())
}

pub fn open(dir: &Path) -> Result<Box<dyn Store>> {
    Ok(Box::new(Redb(ReadOnlyDatabase::open(dir.join(FILE))?)))
}

impl Store for Redb {
    fn package(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let value = self.0.begin_read()?.open_table(PACKAGES)?.get(key)?;
        Ok(value.map(|value| value.value().to_vec()))
    }

    fn record(&self, id: &[u8]) -> Result<Option<Vec<u8>>> {
        let value = self.0.begin_read()?.open_table(RECORDS)?.get(id)?;
        value.map(|value| inflate(value.value())).transpose()
    }
}
