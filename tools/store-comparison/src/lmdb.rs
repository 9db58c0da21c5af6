//! LMDB through heed: a memory-mapped B+ tree; rows are appended in order, which fills its pages.

use std::path::Path;

use heed::types::Bytes;
use heed::{Database, Env, EnvFlags, EnvOpenOptions, PutFlags, WithoutTls};

use crate::compress::{deflate, inflate};
use crate::payload::Stage;
use crate::{Result, Store};

type Table = Database<Bytes, Bytes>;

struct Lmdb {
    env: Env<WithoutTls>,
    packages: Table,
    records: Table,
}

pub fn build(dir: &Path, stage: &Stage) -> Result<()> {
    let env = environment(dir, EnvFlags::empty())?;
    let mut txn = env.write_txn()?;
    let packages: Table = env.create_database(&mut txn, Some("packages"))?;
    for (key, value) in stage.packages()? {
        packages.put_with_flags(&mut txn, PutFlags::APPEND, &key, &value)?;
    }
    let records: Table = env.create_database(&mut txn, Some("records"))?;
    for (id, record) in stage.records()? {
        records.put_with_flags(&mut txn, PutFlags::APPEND, &id, &deflate(&record)?)?;
    }
    Ok(txn.commit()?)
}

pub fn open(dir: &Path) -> Result<Box<dyn Store>> {
    let env = environment(dir, EnvFlags::READ_ONLY)?;
    let txn = env.read_txn()?;
    let packages = env
        .open_database(&txn, Some("packages"))?
        .ok_or("no packages")?;
    let records = env
        .open_database(&txn, Some("records"))?
        .ok_or("no records")?;
    // Committed, not dropped: a dropped transaction closes the tables that it opened.
    txn.commit()?;
    Ok(Box::new(Lmdb {
        env,
        packages,
        records,
    }))
}

fn environment(dir: &Path, flags: EnvFlags) -> Result<Env<WithoutTls>> {
    let mut options = EnvOpenOptions::new().read_txn_without_tls();
    options.map_size(4 << 30).max_dbs(2);
    // SAFETY: nobody else writes the file, which is in a folder made for this run.
    Ok(unsafe { options.flags(flags).open(dir)? })
}

impl Store for Lmdb {
    fn package(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let txn = self.env.read_txn()?;
        Ok(self.packages.get(&txn, key)?.map(<[u8]>::to_vec))
    }

    fn record(&self, id: &[u8]) -> Result<Option<Vec<u8>>> {
        let txn = self.env.read_txn()?;
        self.records.get(&txn, id)?.map(inflate).transpose()
    }
}
