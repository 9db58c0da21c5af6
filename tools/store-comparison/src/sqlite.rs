//! SQLite through rusqlite, with its defaults: pages are read into a small cache, not mapped.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension};

use crate::compress::{deflate, inflate};
use crate::payload::Stage;
use crate::{Result, Store};

const FILE: &str = "store.sqlite";

struct Sqlite(Connection);

pub fn build(dir: &Path, stage: &Stage) -> Result<()> {
    let mut connection = Connection::open(dir.join(FILE))?;
    connection.execute_batch(
        "CREATE TABLE packages (key BLOB PRIMARY KEY, value BLOB);
         CREATE TABLE records (key BLOB PRIMARY KEY, value BLOB);",
    )?;
    let txn = connection.transaction()?;
    {
        let mut insert = txn.prepare("INSERT INTO packages VALUES (?, ?)")?;
        for (key, value) in stage.packages()? {
            insert.execute((key, value))?;
        }
        let mut insert = txn.prepare("INSERT INTO records VALUES (?, ?)")?;
        for (id, record) in stage.records()? {
            insert.execute((id, deflate(&record)?))?;
        }
    }
    Ok(txn.commit()?)
}

pub fn open(dir: &Path) -> Result<Box<dyn Store>> {
    let connection = Connection::open_with_flags(dir.join(FILE), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    // One transaction for all look-ups: else each of them would lock the file anew.
    connection.execute_batch("BEGIN")?;
    Ok(Box::new(Sqlite(connection)))
}

impl Sqlite {
    fn get(&self, query: &str, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let mut statement = self.0.prepare_cached(query)?;
        Ok(statement.query_row((key,), |row| row.get(0)).optional()?)
    }
}

impl Store for Sqlite {
    fn package(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.get("SELECT value FROM packages WHERE key = ?", key)
    }

    fn record(&self, id: &[u8]) -> Result<Option<Vec<u8>>> {
        let packed = self.get("SELECT value FROM records WHERE key = ?", id)?;
        packed.map(|packed| inflate(&packed)).transpose()
    }
}
