//! Reads every byte of a database, as `fnaudit db verify` does.

use rayon::prelude::*;

use crate::advisory::database::DatabaseError;
use crate::advisory::exploitation::Exploitation;
use crate::advisory::osv::Record;
use crate::advisory::store::records::{Place, Records};
use crate::advisory::store::{Damage, Store};

/// What a database was found to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    pub packages: usize,
    pub records: usize,
}

/// Whether every checksum is right, every key is in its place, every package's advisories can be read, and every
/// id leads to its record.
pub fn verify(store: &Store) -> Result<Verified, DatabaseError> {
    store.verify()?;
    let mut packages = 0;
    for package in store.packages()? {
        let (_, advisories) = package?;
        let advisories = advisories.decode();
        advisories.map_err(|_| store.damaged(Damage("an advisory")))?;
        packages += 1;
    }
    for pair in store.all_exploitation()? {
        let known = postcard::from_bytes::<Exploitation>(pair?.1);
        known.map_err(|_| store.damaged(Damage("a CVE id")))?;
    }
    let mut blocks: Vec<Vec<(&str, Place)>> = vec![Vec::new(); store.record_blocks()?];
    let mut records = 0;
    for entry in store.ids()? {
        let (id, entry) = entry?;
        if let Some(record) = entry.record {
            let block = blocks.get_mut(record.place.block as usize);
            let block = block.ok_or_else(|| store.damaged(Damage("an id")))?;
            block.push((id, record.place));
            records += 1;
        }
    }
    blocks
        .par_iter()
        .enumerate()
        .try_for_each(|(number, ids)| verify_records(store, number as u32, ids))?;
    Ok(Verified { packages, records })
}

fn verify_records(store: &Store, number: u32, ids: &[(&str, Place)]) -> Result<(), DatabaseError> {
    let block = store.record_block(number)?;
    for &(id, place) in ids {
        let record = Records::cut(&block, place).ok();
        let record = record.and_then(|json| serde_json::from_slice::<Record>(json).ok());
        if record.is_none_or(|record| record.id != id) {
            return Err(store.damaged(Damage("a record")));
        }
    }
    Ok(())
}
