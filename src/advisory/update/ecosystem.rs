//! What a server has of an ecosystem that the database has not: its listing, single records, or the archive.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Change, Update, UpdateError, UpdateEvent, missing};
use crate::advisory::builder::MAX_RECORD_BYTES;
use crate::advisory::database::{self, DatabaseError, Origin};
use crate::advisory::download::{self, DownloadError, Fetched, Validators, shown};
use crate::advisory::import::{self, ArchiveContent};
use crate::advisory::osv::Outline;
use crate::advisory::store;
use crate::text::percent_encoded;

/// As many records take less time one by one than the smallest of the large archives as a whole.
const MAX_SINGLE_RECORDS: usize = 500;
/// How many records that an archive lacks are fetched one by one.
const MAX_MISSING_RECORDS: usize = 20_000;
/// How many may be gone between their listing and their download. A server that has more of them not has not what
/// it lists.
const MAX_GONE_RECORDS: usize = 10;
/// How large the single records of an update may be together, as they are in memory until they are taken in. Those
/// under way when it is reached come on top.
const MAX_SINGLE_BYTES: u64 = 128 << 20;
/// How many single records are fetched at once.
const CONNECTIONS: usize = 8;
/// OSV's largest archive has under 1 GB.
const MAX_ARCHIVE_BYTES: u64 = 16 << 30;

/// What a server has of an ecosystem that the database has not.
pub(super) struct Fetch {
    pub(super) origin: Origin,
    pub(super) archive: Option<Archive>,
    pub(super) singles: Singles,
    /// The ids of those records of the database that stay; none where all do.
    pub(super) stays: Option<HashSet<String>>,
    pub(super) gone: usize,
    pub(super) lacking: usize,
}

/// An archive that was downloaded and verified.
pub(super) struct Archive {
    pub(super) path: PathBuf,
    pub(super) finished: Finished,
}

/// What stands beside a finished download until it is in the database, so that it is not downloaded again.
#[derive(Serialize, Deserialize)]
pub(super) struct Finished {
    pub(super) validators: Validators,
    pub(super) bytes: u64,
}

/// When each record was last modified, by id.
pub(super) type Listed = HashMap<String, Timestamp>;

pub(super) enum Listing {
    Unchanged,
    New(Validators, Listed),
    None,
}

/// Records that were fetched one by one.
#[derive(Default)]
pub(super) struct Singles {
    /// With their ids.
    pub(super) records: Vec<(String, Vec<u8>)>,
    /// The ids of records that are too large, each with the reason.
    pub(super) left_out: Vec<(String, String)>,
    /// How many the server has not.
    pub(super) gone: usize,
}

impl Update<'_> {
    /// Fetches what a server has of an ecosystem that the database has not.
    pub(super) fn fetch(&self, base: &str, ecosystem: &str) -> Result<Fetch, UpdateError> {
        let before = self.before.origins.get(ecosystem);
        let from = shown(base);
        // What one server says of changes is nothing to another.
        let of_this_server = before.filter(|origin| origin.from == from).cloned();
        let mut origin = Origin {
            from,
            current: Some(self.started.clone()),
            ..of_this_server.unwrap_or_default()
        };
        let (validators, listed) =
            match self.fetch_listing(base, ecosystem, origin.listing.as_ref())? {
                Listing::Unchanged => return Ok(Fetch::unchanged(origin)),
                Listing::New(validators, listed) => (Some(validators), listed),
                // A server can do without: then the archive is all there is.
                Listing::None => (None, Listed::new()),
            };
        let changed = self.changed(&listed)?;
        if validators.is_some() && self.store.is_some() {
            let gone = self.gone(ecosystem, |id| listed.contains_key(id))?;
            if changed.len() + gone <= MAX_SINGLE_RECORDS {
                let singles = self.fetch_records(base, ecosystem, &changed, &listed, 0)?;
                if singles.lacking(&changed) == 0 {
                    origin.listing = validators;
                    return Ok(Fetch {
                        origin,
                        archive: None,
                        singles,
                        stays: Some(listed.into_keys().collect()),
                        gone,
                        lacking: 0,
                    });
                }
            }
        }

        let archive = self.fetch_archive(base, ecosystem, origin.archive.as_ref())?;
        let missing: Vec<&str> = match &archive {
            Some((_, content)) => {
                let listed = listed.iter();
                let missing = listed.filter(|&(id, &modified)| !content.has(id, modified));
                missing.map(|(id, _)| id.as_str()).collect()
            }
            None => changed,
        };
        let singles = if missing.len() > MAX_MISSING_RECORDS {
            Singles::default()
        } else {
            self.fetch_records(base, ecosystem, &missing, &listed, MAX_GONE_RECORDS)?
        };
        let lacking = singles.lacking(&missing);
        if lacking > MAX_GONE_RECORDS {
            origin.current = before.and_then(|origin| origin.current.clone());
        }
        origin.listing = validators.filter(|_| lacking == 0);
        let (stays, gone) = match &archive {
            Some((archive, content)) => {
                origin.archive = Some(archive.finished.validators.clone());
                let gone = self.gone(ecosystem, |id| {
                    content.contains(id) || listed.contains_key(id)
                })?;
                // What the archive lacks is better old than not at all.
                let missing = missing.iter().map(|&id| id.to_owned());
                let stays = missing.chain(content.left_out.iter().cloned()).collect();
                (Some(stays), gone)
            }
            // The archive that was taken in is still the one that there is, whatever is listed.
            None => (None, 0),
        };
        Ok(Fetch {
            origin,
            archive: archive.map(|(archive, _)| archive),
            singles,
            stays,
            gone,
            lacking,
        })
    }

    fn fetch_listing(
        &self,
        base: &str,
        ecosystem: &str,
        known: Option<&Validators>,
    ) -> Result<Listing, UpdateError> {
        let path = format!("{}/modified_id.csv", percent_encoded(ecosystem));
        match self.fetch_text(base, &path, ecosystem, known) {
            Ok(None) => Ok(Listing::Unchanged),
            Ok(Some((validators, text))) => match read_listing(&text) {
                Ok(listed) => Ok(Listing::New(validators, listed)),
                Err(why) => Err(UpdateError::Damaged {
                    url: shown(&format!("{base}/{path}")),
                    why,
                }),
            },
            Err(UpdateError::Missing { .. }) => Ok(Listing::None),
            Err(error) => Err(error),
        }
    }

    /// The listed records that the database has not, or has as they were earlier.
    fn changed<'l>(&self, listed: &'l Listed) -> Result<Vec<&'l str>, DatabaseError> {
        let mut changed = Vec::new();
        for (id, &modified) in listed {
            let entry = match &self.store {
                Some(store) => store.id(id)?,
                None => None,
            };
            let known = entry.and_then(|entry| entry.record);
            let known = known.and_then(|record| database::sortable(record.modified));
            if known < Some(modified) {
                changed.push(id.as_str());
            }
        }
        changed.sort_unstable();
        Ok(changed)
    }

    /// How many of the database's records about an ecosystem are no longer there.
    fn gone(
        &self,
        ecosystem: &str,
        is_there: impl Fn(&str) -> bool,
    ) -> Result<usize, DatabaseError> {
        let Some(store) = &self.store else {
            return Ok(0);
        };
        let mut gone = HashSet::new();
        for package in store.packages()? {
            let (key, advisories) = package?;
            if store::split_key(key).is_some_and(|(name, _)| name == ecosystem) {
                let advisories = advisories.decode();
                let advisories =
                    advisories.map_err(|_| store.damaged(store::Damage("an advisory")))?;
                let ids = advisories.iter().map(|advisory| advisory.id);
                gone.extend(ids.filter(|id| !is_there(id)).map(str::to_owned));
            }
        }
        Ok(gone.len())
    }

    /// The archive, unless it is the one that was taken in last.
    fn fetch_archive(
        &self,
        base: &str,
        ecosystem: &str,
        known: Option<&Validators>,
    ) -> Result<Option<(Archive, ArchiveContent)>, UpdateError> {
        let url = format!("{base}/{}/all.zip", percent_encoded(ecosystem));
        let path = self.downloads.join(file_name(base, ecosystem));
        let finished = Finished::read(&path);
        let known = finished.as_ref().map(|f| &f.validators).or(known);
        let fetched =
            self.downloader
                .fetch_file(&url, known, &path, MAX_ARCHIVE_BYTES, &mut |event| {
                    self.told(ecosystem, event)
                });
        let finished = match (
            fetched.map_err(|error| missing(error, base, ecosystem))?,
            finished,
        ) {
            (Fetched::NotModified, None) => return Ok(None),
            (Fetched::NotModified, Some(finished)) => finished,
            (
                Fetched::New {
                    validators, bytes, ..
                },
                _,
            ) => {
                let finished = Finished { validators, bytes };
                finished.write(&path)?;
                finished
            }
        };
        match import::verify_archive(&path) {
            Ok(content) => Ok(Some((Archive { path, finished }, content))),
            Err(why) => {
                // Nobody shall go on with it.
                Finished::remove(&path);
                let url = shown(&url);
                Err(UpdateError::Damaged { url, why })
            }
        }
    }

    /// Fetches single records, several at once. Ends early where the server has more than `max_gone` of them not,
    /// and where they become too many to be held.
    fn fetch_records(
        &self,
        base: &str,
        ecosystem: &str,
        ids: &[&str],
        listed: &Listed,
        max_gone: usize,
    ) -> Result<Singles, UpdateError> {
        let next = AtomicUsize::new(0);
        let singles = Mutex::new(Singles::default());
        let work = || -> Result<(), UpdateError> {
            while let Some(&id) = ids.get(next.fetch_add(1, Ordering::Relaxed)) {
                let record = self.fetch_record(base, ecosystem, id, listed.get(id));
                let mut singles = singles.lock().unwrap_or_else(|e| e.into_inner());
                let mut is_end = false;
                let result = match record {
                    Ok(json) => {
                        let bytes = json.len() as u64;
                        let before = self.single_bytes.fetch_add(bytes, Ordering::Relaxed);
                        is_end = before + bytes > MAX_SINGLE_BYTES;
                        singles.records.push((id.to_owned(), json));
                        Ok(())
                    }
                    Err(UpdateError::Download(error)) if error.is_missing() => {
                        singles.gone += 1;
                        is_end = singles.gone > max_gone;
                        Ok(())
                    }
                    Err(UpdateError::Download(error @ DownloadError::TooLarge { .. })) => {
                        singles.left_out.push((id.to_owned(), error.to_string()));
                        Ok(())
                    }
                    Err(error) => Err(error),
                };
                if is_end || result.is_err() {
                    next.store(ids.len(), Ordering::Relaxed);
                }
                result?;
                (self.on_event)(UpdateEvent::Records {
                    ecosystem,
                    fetched: singles.records.len(),
                    total: ids.len(),
                });
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..CONNECTIONS.min(ids.len()))
                .map(|_| scope.spawn(work))
                .collect();
            let mut results = workers.into_iter().map(|worker| worker.join());
            // A worker that panicked is no reason to go on with what the others brought.
            results.try_for_each(|result| {
                result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
        })?;
        Ok(singles.into_inner().unwrap_or_else(|e| e.into_inner()))
    }

    /// Fetches a record, as it is listed or newer.
    fn fetch_record(
        &self,
        base: &str,
        ecosystem: &str,
        id: &str,
        listed: Option<&Timestamp>,
    ) -> Result<Vec<u8>, UpdateError> {
        let folder = percent_encoded(ecosystem);
        let url = format!("{base}/{folder}/{}.json", percent_encoded(id));
        let (_, json) =
            self.downloader
                .fetch_bytes(&url, None, MAX_RECORD_BYTES, &mut |event| {
                    if matches!(event, download::Event::Waiting { .. }) {
                        self.told(ecosystem, event)
                    }
                })?;
        let is_it = Outline::read(&json)
            .is_some_and(|record| record.id == id && record.modified().as_ref() >= listed);
        if !is_it {
            return Err(UpdateError::Damaged {
                url: shown(&url),
                why: "it is not the record that is listed".into(),
            });
        }
        Ok(json)
    }
}

impl Fetch {
    fn unchanged(origin: Origin) -> Self {
        Fetch {
            origin,
            archive: None,
            singles: Singles::default(),
            stays: None,
            gone: 0,
            lacking: 0,
        }
    }

    /// Whether all records are as they were.
    pub(super) fn is_nothing(&self) -> bool {
        let singles = self.singles.records.len() + self.singles.left_out.len();
        self.archive.is_none() && singles == 0 && self.gone == 0
    }

    pub(super) fn change(&self) -> Change {
        Change {
            archive: self.archive.as_ref().map(|a| a.finished.bytes),
            records: self.singles.records.len(),
            gone: self.gone,
            lacking: self.lacking,
        }
    }
}

impl Singles {
    /// How many of those that were asked for there is no more known of than before.
    pub(super) fn lacking(&self, asked: &[&str]) -> usize {
        asked.len() - self.records.len() - self.left_out.len()
    }
}

impl Finished {
    /// What is known of the finished download at `path`, if it is there.
    pub(super) fn read(path: &Path) -> Option<Finished> {
        let note = fs::read(Finished::note(path)).ok()?;
        let finished: Finished = serde_json::from_slice(&note).ok()?;
        let length = fs::metadata(path).ok()?.len();
        (length == finished.bytes).then_some(finished)
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), UpdateError> {
        let path = Finished::note(path);
        let json = serde_json::to_vec(self).map_err(io::Error::from);
        let written = json.and_then(|json| fs::write(&path, json));
        written.map_err(|source| DownloadError::Write { path, source }.into())
    }

    /// Removes the download too. What is left behind is only in the way of its room.
    pub(super) fn remove(path: &Path) {
        let _ = fs::remove_file(Finished::note(path));
        let _ = fs::remove_file(path);
    }

    fn note(path: &Path) -> PathBuf {
        path.with_extension("json")
    }
}
/// Reads lines of a moment and an id. A list that is cut, or of nothing, says nothing of what is gone.
fn read_listing(text: &str) -> Result<Listed, String> {
    if !text.ends_with('\n') {
        return Err("its last line is cut".into());
    }
    let mut listed = Listed::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let row = line.split_once(',').and_then(|(modified, id)| {
            let modified = database::sortable(modified)?;
            (!id.is_empty()).then_some((modified, id))
        });
        let (modified, id) =
            row.ok_or_else(|| format!("line {number} is not a moment and an id"))?;
        let latest = listed.entry(id.to_owned()).or_insert(modified);
        *latest = modified.max(*latest);
    }
    if listed.is_empty() {
        return Err("it lists no record".into());
    }
    Ok(listed)
}
/// A name for the download of an archive, another one for each server: what one began no other goes on with.
fn file_name(base: &str, ecosystem: &str) -> String {
    let server = crc32fast::hash(shown(base).as_bytes());
    format!("{}-{server:08x}.zip", percent_encoded(ecosystem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_is_moments_and_ids() {
        let text =
            "2024-01-01T00:00:00.5Z,A-1\n0001-01-01T00:00:00Z,B-2\r\n\n2023-01-01T00:00:00Z,A-1\n";
        let listed = read_listing(text).unwrap();
        assert_eq!(listed["A-1"].to_string(), "2024-01-01T00:00:00.5Z");
        assert_eq!(listed.len(), 2);
        for bad in [
            "<html>\n",
            "2024-01-01T00:00:00Z\n",
            "2024-01-01T00:00:00Z,\n",
            "2024-13-01T00:00:00Z,A-1\n",
            "A-1,2024-01-01T00:00:00Z\n",
        ] {
            assert_eq!(
                read_listing(bad).unwrap_err(),
                "line 1 is not a moment and an id"
            );
        }
    }

    #[test]
    fn a_listing_that_is_cut_or_empty_is_none() {
        for (text, why) in [
            ("", "its last line is cut"),
            (
                "2024-01-01T00:00:00Z,A-1\n2024-01-01T00:00:00Z,A-",
                "its last line is cut",
            ),
            ("\n \r\n", "it lists no record"),
        ] {
            assert_eq!(read_listing(text).unwrap_err(), why);
        }
    }

    #[test]
    fn names_go_into_urls_and_files_without_harm() {
        assert!(!file_name("http://x/", "../../up").contains('/'));
        assert_ne!(file_name("http://a", "npm"), file_name("http://b", "npm"));
    }
}
