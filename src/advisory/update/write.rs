//! Puts what was fetched and what stays together, and writes it.

use std::collections::BTreeMap;
use std::fs;
use std::io;

use super::ecosystem::{Archive, Fetch, Finished};
use super::feeds::Feeds;
use super::{Update, UpdateError, UpdateEvent};
use crate::advisory::builder::{self, Builder, Counts, StoreError};
use crate::advisory::database::Description;
use crate::advisory::exploitation::ByCve;
use crate::advisory::import::{self, AddError};
use crate::advisory::osv::Record;
use crate::advisory::store::{Store, Writer};

impl Update<'_> {
    /// Writes the new database.
    pub(super) fn write(
        &self,
        fetched: &BTreeMap<String, Fetch>,
        feeds: Feeds,
        description: Description,
    ) -> Result<(Description, Counts), UpdateError> {
        let known = match feeds.known {
            Some(known) => known,
            None => self.exploitation()?,
        };
        match &self.store {
            Some(store) if fetched.values().all(Fetch::is_nothing) => {
                // The counts are of the same records.
                let description = Description {
                    advisories: self.before.advisories,
                    ecosystems: self.before.ecosystems.clone(),
                    ..description
                };
                self.copy(store, &known, &description)?;
                Ok((description, Counts::default()))
            }
            _ => self.build(fetched, &known, description),
        }
    }

    /// Removes the downloads that are in the database, and all others where nothing is to be gone on with.
    pub(super) fn sweep(&self, fetched: &BTreeMap<String, Fetch>, everything: bool) {
        for archive in fetched.values().filter_map(|fetch| fetch.archive.as_ref()) {
            Finished::remove(&archive.path);
        }
        if everything && let Ok(entries) = fs::read_dir(&self.downloads) {
            for entry in entries.flatten() {
                // What cannot be removed is only in the way of its room.
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// Writes the same records with another description.
    fn copy(
        &self,
        store: &Store,
        known: &ByCve,
        description: &Description,
    ) -> Result<(), UpdateError> {
        store.verify()?;
        let write = || -> io::Result<()> {
            let new = self.folder.new_file()?;
            let out = io::BufWriter::new(new.file().try_clone()?);
            let mut writer = Writer::copy(store, out)?;
            let mut rows = writer.exploitation();
            for pair in encoded(known) {
                let (cve, known) = pair?;
                rows.add(&cve, &known)?;
            }
            rows.finish()?;
            writer.finish(description)?;
            new.persist()
        };
        write().map_err(|source| self.write_error(source))
    }

    fn write_error(&self, source: io::Error) -> UpdateError {
        let path = self.folder.path().to_owned();
        UpdateError::Write { path, source }
    }

    /// Puts what was fetched and what stays together.
    fn build(
        &self,
        fetched: &BTreeMap<String, Fetch>,
        known: &ByCve,
        description: Description,
    ) -> Result<(Description, Counts), UpdateError> {
        let write_error = |source| self.write_error(source);
        let building = |read| (self.on_event)(UpdateEvent::Building { read });
        let mut builder = Builder::new(self.folder).map_err(write_error)?;
        // The newest first: of two records of one id the second is then not even stored.
        for fetch in fetched.values() {
            let added = builder.add_all(
                &fetch.singles.records,
                |(_, json)| json.len() as u64,
                |(id, _)| id.clone(),
                |(_, json)| Ok(json.clone()),
                &mut |read| building(read),
            );
            added.map_err(write_error)?;
            for (_, why) in &fetch.singles.left_out {
                builder.add_damaged(why.clone());
            }
        }
        for fetch in fetched.values() {
            if let Some(Archive { path, .. }) = &fetch.archive {
                let added = import::add_archive(path, &mut builder, &mut |p| building(p.read));
                added.map_err(|error| match error {
                    AddError::Write(error) => write_error(error),
                    AddError::Source(error) => UpdateError::Damaged {
                        url: fetch.origin.from.clone(),
                        why: error.to_string(),
                    },
                })?;
            }
        }
        if let Some(store) = &self.store {
            let stays = |record: &Record| stays(record, fetched);
            let added = builder.add_store(store, &stays, &mut |read| building(read));
            added.map_err(|error| match error {
                StoreError::Read(error) => error.into(),
                StoreError::Write(error) => write_error(error),
            })?;
        }
        let describe = |counted: Description, _: Option<&str>| Description {
            origins: description.origins,
            feeds: description.feeds,
            ..counted
        };
        let finished = builder.finish(&mut encoded(known), describe);
        finished.map_err(write_error)
    }
}

/// Whether a record of the old database is one of the new database too: none of the ecosystems that it names
/// and that were fetched lacks it.
fn stays(record: &Record, fetched: &BTreeMap<String, Fetch>) -> bool {
    let named = record.affected.iter().map(|a| &a.package.ecosystem);
    let mut fetches = named.filter_map(|e| fetched.get(builder::base_ecosystem(e)));
    fetches.all(|fetch| {
        let stays = fetch.stays.as_ref();
        stays.is_none_or(|ids| ids.contains(&record.id))
    })
}

fn encoded(known: &ByCve) -> impl Iterator<Item = io::Result<(Vec<u8>, Vec<u8>)>> {
    known.iter().map(|(cve, known)| {
        let encoded = postcard::to_extend(known, Vec::new()).map_err(io::Error::other)?;
        Ok((cve.as_bytes().to_owned(), encoded))
    })
}
