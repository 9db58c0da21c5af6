//! Brings the database up to date with OSV's public data, <https://google.github.io/osv.dev/data/>.
//!
//! A base URL holds `ecosystems.txt` and a folder for each ecosystem, with `all.zip` (every record),
//! `modified_id.csv` (when each record was last modified) and `ID.json` (one record). Where few records changed
//! those are fetched one by one, otherwise the archive is. What is not asked for stays as it is.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::{Timestamp, Unit};

use crate::advisory::builder::{self, Builder, Counts, MAX_RECORD_BYTES, StoreError};
use crate::advisory::database::{self, DatabaseError, Description, Origin};
use crate::advisory::download::{
    self, DownloadError, DownloadOptions, Downloader, Fetched, Validators,
};
use crate::advisory::exploitation::{self, ByCve, Exploitation, Feed};
use crate::advisory::folder::Folder;
use crate::advisory::import::{self, ImportError};
use crate::advisory::osv::Record;
use crate::advisory::store::{self, Store, Writer};
use crate::text::percent_encoded;

/// OSV's public bucket.
pub const DEFAULT_URL: &str = "https://storage.googleapis.com/osv-vulnerabilities";
/// What is fetched where nothing else is asked for and nothing was before.
pub const DEFAULT_ECOSYSTEMS: [&str; 5] = ["npm", "PyPI", "crates.io", "Go", "Maven"];

/// As many records take less time one by one than the smallest of the large archives as a whole.
const MAX_SINGLE_RECORDS: usize = 500;
/// How many single records are fetched at once.
const CONNECTIONS: usize = 8;
/// OSV's largest archive has under 1 GB.
const MAX_ARCHIVE_BYTES: u64 = 16 << 30;
/// 40 bytes a record.
const MAX_LISTING_BYTES: u64 = 512 << 20;
const MAX_FEED_BYTES: u64 = 256 << 20;
/// Where downloads are until they are in the database.
const DOWNLOADS: &str = "downloads";

/// What to fetch, and from where.
#[derive(Clone, Debug)]
pub struct UpdateOptions {
    /// The folder of the database.
    pub dir: PathBuf,
    /// Base URLs; the first that has what is asked for is taken.
    pub urls: Vec<String>,
    pub ecosystems: Ecosystems,
    /// Lists of exploited vulnerabilities beside those that were downloaded before. Where no URL is given, the list
    /// is where it was before, or where its publisher has it.
    pub feeds: BTreeMap<Feed, Option<String>>,
    pub download: DownloadOptions,
}

/// Which ecosystems are updated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Ecosystems {
    /// Those that were updated before, or [`DEFAULT_ECOSYSTEMS`].
    #[default]
    AsBefore,
    /// All that the server has.
    All,
    /// These, by OSV's names.
    These(Vec<String>),
}

/// How an update gets on. Several threads may tell it.
#[derive(Clone, Debug)]
pub enum UpdateEvent<'a> {
    /// Another process is writing the database.
    Waiting,
    /// The database that was there cannot be used; everything is fetched anew.
    Unusable(&'a DatabaseError),
    /// Something is downloaded; `what` is an ecosystem or a list.
    Download {
        what: &'a str,
        event: download::Event<'a>,
    },
    /// So many single records of an ecosystem are there.
    Records {
        ecosystem: &'a str,
        fetched: usize,
        total: usize,
    },
    /// A server has not what is asked for, or not in good order; the next one is asked.
    NextServer { error: &'a UpdateError },
    /// A list could not be fetched; what was known from an earlier one stays.
    FeedFailed { feed: Feed, error: &'a UpdateError },
    /// So many records were taken in.
    Building { read: usize },
}

/// What an update did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateSummary {
    pub path: PathBuf,
    pub description: Description,
    /// By ecosystem.
    pub ecosystems: BTreeMap<String, Change>,
    /// Lists that could not be fetched.
    pub failed_feeds: Vec<Feed>,
    pub counts: Counts,
}

/// What was fetched of an ecosystem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing, as nothing changed.
    None,
    /// So many records, as all others are as they were.
    Records(usize),
    /// Everything.
    Archive { bytes: u64 },
}

/// Why the database is as it was.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    #[error(transparent)]
    Download(#[from] DownloadError),
    #[error("{url} holds no {what}; check the name and the address")]
    Missing { url: String, what: String },
    #[error(
        "what was downloaded from {url} is damaged ({why}); run it again, or name another server with --url"
    )]
    Damaged { url: String, why: String },
    #[error("cannot write the advisory database to {}: {source}; the one that was there is as it was", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error("no server to download from is named; give one with --url")]
    NoServer,
}

/// Fetches what changed and replaces the database, all or nothing.
pub fn update(
    options: &UpdateOptions,
    on_event: &(dyn Fn(UpdateEvent) + Sync),
) -> Result<UpdateSummary, UpdateError> {
    let write_error = |source| UpdateError::Write {
        path: options.dir.clone(),
        source,
    };
    let folder = Folder::lock(&options.dir, &mut || on_event(UpdateEvent::Waiting));
    let folder = folder.map_err(write_error)?;
    let downloads = folder.path().join(DOWNLOADS);
    fs::create_dir_all(&downloads).map_err(write_error)?;
    let store = match Store::open(&folder.path().join(store::FILE_NAME)) {
        Ok(store) => store,
        Err(error) => {
            on_event(UpdateEvent::Unusable(&error));
            None
        }
    };
    let update = Update {
        folder: &folder,
        downloads,
        store,
        downloader: Downloader::new(options.download.clone())?,
        started: now(),
        on_event,
    };
    let mut fetched = BTreeMap::new();
    for ecosystem in update.ecosystems(options)? {
        let changes = update.first_server(&options.urls, |url| update.fetch(url, &ecosystem))?;
        fetched.insert(ecosystem, changes);
    }
    let feeds = update.fetch_feeds(&options.feeds);
    update.write(fetched, feeds)
}

/// The present moment, as OSV writes moments.
pub fn now() -> String {
    let now = Timestamp::now();
    now.round(Unit::Second).unwrap_or(now).to_string()
}

/// How long ago a moment is, by RFC 3339; one that is still to come is now.
pub fn age_of(moment: &str) -> Option<Duration> {
    let moment: Timestamp = moment.parse().ok()?;
    let age = Timestamp::now().duration_since(moment);
    Some(Duration::try_from(age).unwrap_or_default())
}

struct Update<'a> {
    folder: &'a Folder,
    downloads: PathBuf,
    /// The database as it is.
    store: Option<Store>,
    downloader: Downloader,
    started: String,
    on_event: &'a (dyn Fn(UpdateEvent) + Sync),
}

/// What a server has of an ecosystem that the database has not.
struct Fetch {
    origin: Origin,
    changes: Changes,
}

enum Changes {
    None,
    /// The new and changed records, and the ids of all that there are.
    Records {
        records: Vec<(String, Vec<u8>)>,
        listed: HashMap<String, String>,
    },
    Archive {
        path: PathBuf,
        bytes: u64,
    },
}

/// The lists that were fetched, where something changed, and the ones that were not to be had.
struct Feeds {
    origins: BTreeMap<String, Origin>,
    /// What is known now; none where nothing changed.
    known: Option<ByCve>,
    failed: Vec<Feed>,
}

impl Update<'_> {
    fn description(&self) -> Description {
        let store = self.store.as_ref();
        store.map_or_else(Description::default, |store| store.description().clone())
    }

    fn ecosystems(&self, options: &UpdateOptions) -> Result<BTreeSet<String>, UpdateError> {
        Ok(match &options.ecosystems {
            Ecosystems::These(names) => names.iter().cloned().collect(),
            Ecosystems::All => self.first_server(&options.urls, |url| self.all_ecosystems(url))?,
            Ecosystems::AsBefore => {
                let origins = self.description().origins;
                let updated = origins.into_iter().filter(|(_, origin)| origin.is_url());
                let before: BTreeSet<String> = updated.map(|(name, _)| name).collect();
                if before.is_empty() {
                    DEFAULT_ECOSYSTEMS.map(str::to_owned).into()
                } else {
                    before
                }
            }
        })
    }

    /// Asks the servers in turn until one has an answer. The last one's error is the one to report.
    fn first_server<T>(
        &self,
        urls: &[String],
        ask: impl Fn(&str) -> Result<T, UpdateError>,
    ) -> Result<T, UpdateError> {
        let (last, others) = urls.split_last().ok_or(UpdateError::NoServer)?;
        for url in others {
            match ask(url) {
                // Another server changes nothing about a full disk.
                Err(error) if error.is_here() => return Err(error),
                Err(error) => (self.on_event)(UpdateEvent::NextServer { error: &error }),
                answer => return answer,
            }
        }
        ask(last)
    }

    /// The ecosystems that a server has, without the releases of one that it has as a whole.
    fn all_ecosystems(&self, base: &str) -> Result<BTreeSet<String>, UpdateError> {
        let text = self.fetch_text(base, "ecosystems.txt", "ecosystems.txt", None)?;
        let Some((_, text)) = text.filter(|(_, text)| !text.trim().is_empty()) else {
            return Err(UpdateError::Missing {
                url: base.to_owned(),
                what: "ecosystems.txt".into(),
            });
        };
        let names: BTreeSet<&str> = text.lines().map(str::trim).collect();
        let is_whole = |name: &&&str| {
            let base = builder::base_ecosystem(name);
            !name.is_empty() && (base == **name || !names.contains(base))
        };
        Ok(names
            .iter()
            .filter(is_whole)
            .map(|&n| n.to_owned())
            .collect())
    }

    /// Fetches what a server has of an ecosystem that the database has not.
    fn fetch(&self, base: &str, ecosystem: &str) -> Result<Fetch, UpdateError> {
        let before = self.description().origins.remove(ecosystem);
        // What one server says of changes is nothing to another.
        let mut origin = before.filter(|o| o.from == base).unwrap_or_default();
        origin.from = base.to_owned();
        origin.current = Some(self.started.clone());

        let listing = format!("{}/modified_id.csv", percent_encoded(ecosystem));
        let listing = self.fetch_text(base, &listing, ecosystem, origin.listing.as_ref());
        let listing = match listing {
            Ok(None) => {
                let changes = Changes::None;
                return Ok(Fetch { origin, changes });
            }
            Ok(Some(listing)) => Some(listing),
            // A server can do without: then the archive is all there is.
            Err(UpdateError::Missing { .. }) => None,
            Err(error) => return Err(error),
        };
        let Some((validators, text)) = listing else {
            return self.fetch_archive(base, ecosystem, origin, None);
        };
        let url = || format!("{base}/{}/modified_id.csv", percent_encoded(ecosystem));
        let listed = read_listing(&text).map_err(|why| UpdateError::Damaged { url: url(), why })?;
        drop(text);
        if let Some(store) = &self.store {
            let changed = changed(store, &listed)?;
            if changed.len() <= MAX_SINGLE_RECORDS {
                let records = self.fetch_records(base, ecosystem, &changed)?;
                origin.listing = Some(validators);
                let changes = Changes::Records { records, listed };
                return Ok(Fetch { origin, changes });
            }
        }
        self.fetch_archive(base, ecosystem, origin, Some(validators))
    }

    fn fetch_archive(
        &self,
        base: &str,
        ecosystem: &str,
        mut origin: Origin,
        listing: Option<Validators>,
    ) -> Result<Fetch, UpdateError> {
        let url = format!("{base}/{}/all.zip", percent_encoded(ecosystem));
        let path = self.downloads.join(file_name(base, ecosystem));
        let known = origin.archive.as_ref();
        let fetched =
            self.downloader
                .fetch_file(&url, known, &path, MAX_ARCHIVE_BYTES, &mut |event| {
                    self.told(ecosystem, event)
                });
        let changes = match fetched.map_err(|error| missing(error, base, ecosystem))? {
            // It lags behind its listing, so that the listing has to be read again.
            Fetched::NotModified => Changes::None,
            Fetched::New {
                validators, bytes, ..
            } => {
                if let Err(error) = import::verify_archive(&path) {
                    // Nobody shall go on with it.
                    let _ = fs::remove_file(&path);
                    let why = error.to_string();
                    return Err(UpdateError::Damaged { url, why });
                }
                origin.archive = Some(validators);
                origin.listing = listing;
                Changes::Archive { path, bytes }
            }
        };
        Ok(Fetch { origin, changes })
    }

    /// Fetches single records, several at once. One that is gone meanwhile is left out.
    fn fetch_records(
        &self,
        base: &str,
        ecosystem: &str,
        ids: &[&str],
    ) -> Result<Vec<(String, Vec<u8>)>, UpdateError> {
        let next = AtomicUsize::new(0);
        let fetched = Mutex::new(Vec::with_capacity(ids.len()));
        let work = || -> Result<(), UpdateError> {
            while let Some(&id) = ids.get(next.fetch_add(1, Ordering::Relaxed)) {
                let url = format!(
                    "{base}/{}/{}.json",
                    percent_encoded(ecosystem),
                    percent_encoded(id)
                );
                let record =
                    self.downloader
                        .fetch_bytes(&url, None, MAX_RECORD_BYTES, &mut |event| {
                            if matches!(event, download::Event::Waiting { .. }) {
                                self.told(ecosystem, event)
                            }
                        });
                let record = match record {
                    Ok((_, record)) => Some(record),
                    Err(error) if error.is_missing() => None,
                    Err(error) => return Err(error.into()),
                };
                let mut fetched = fetched.lock().unwrap_or_else(|e| e.into_inner());
                fetched.push((id.to_owned(), record));
                (self.on_event)(UpdateEvent::Records {
                    ecosystem,
                    fetched: fetched.len(),
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
        let fetched = fetched.into_inner().unwrap_or_else(|e| e.into_inner());
        let there = fetched
            .into_iter()
            .filter_map(|(id, record)| Some((id, record?)));
        Ok(there.collect())
    }

    /// A text, unless it is as it was.
    fn fetch_text(
        &self,
        base: &str,
        path: &str,
        what: &str,
        known: Option<&Validators>,
    ) -> Result<Option<(Validators, String)>, UpdateError> {
        let url = format!("{base}/{path}");
        let fetched = self
            .downloader
            .fetch_bytes(&url, known, MAX_LISTING_BYTES, &mut |event| {
                self.told(what, event)
            });
        match fetched.map_err(|error| missing(error, base, path))? {
            (Fetched::NotModified, _) => Ok(None),
            (Fetched::New { validators, .. }, bytes) => match String::from_utf8(bytes) {
                Ok(text) => Ok(Some((validators, text))),
                Err(_) => Err(UpdateError::Damaged {
                    url,
                    why: "it is no text".into(),
                }),
            },
        }
    }

    fn told(&self, what: &str, event: download::Event) {
        (self.on_event)(UpdateEvent::Download { what, event });
    }

    /// A list that is not to be had costs nothing but itself.
    fn fetch_feeds(&self, asked: &BTreeMap<Feed, Option<String>>) -> Feeds {
        let mut feeds = Feeds {
            origins: self.description().feeds,
            known: None,
            failed: Vec::new(),
        };
        for feed in Feed::ALL {
            let before = feeds.origins.get(feed.as_str()).map(|o| o.from.clone());
            let url = match asked.get(&feed) {
                Some(Some(url)) => url.clone(),
                Some(None) => before.unwrap_or_else(|| feed.default_url().to_owned()),
                None => match before {
                    Some(before) => before,
                    None => continue,
                },
            };
            if let Err(error) = self.fetch_feed(feed, &url, &mut feeds) {
                feeds.failed.push(feed);
                let error = &error;
                (self.on_event)(UpdateEvent::FeedFailed { feed, error });
            }
        }
        feeds
    }

    fn fetch_feed(&self, feed: Feed, url: &str, feeds: &mut Feeds) -> Result<(), UpdateError> {
        let before = feeds.origins.get(feed.as_str());
        let mut origin = before
            .filter(|o| o.from == url)
            .cloned()
            .unwrap_or_default();
        let path = self.downloads.join(feed.as_str());
        let known = origin.archive.as_ref();
        let fetched =
            self.downloader
                .fetch_file(url, known, &path, MAX_FEED_BYTES, &mut |event| {
                    self.told(feed.as_str(), event)
                })?;
        if let Fetched::New { validators, .. } = fetched {
            let mut known = match feeds.known.take() {
                Some(known) => known,
                None => self.exploitation()?,
            };
            let before = known.clone();
            let replaced = exploitation::replace(&mut known, feed, &path);
            let _ = fs::remove_file(&path);
            feeds.known = Some(if replaced.is_ok() { known } else { before });
            replaced.map_err(|error| UpdateError::Damaged {
                url: url.to_owned(),
                why: error.to_string(),
            })?;
            origin.archive = Some(validators);
        }
        origin.from = url.to_owned();
        origin.current = Some(self.started.clone());
        feeds.origins.insert(feed.as_str().to_owned(), origin);
        Ok(())
    }

    /// What the database knows of exploitation.
    fn exploitation(&self) -> Result<ByCve, UpdateError> {
        let Some(store) = &self.store else {
            return Ok(ByCve::new());
        };
        let known = store.all_exploitation()?.map(|pair| {
            let (cve, known) = pair?;
            let known: Result<Exploitation, _> = postcard::from_bytes(known);
            let known = known.map_err(|_| store.damaged(store::Damage("a CVE id")))?;
            Ok((String::from_utf8_lossy(cve).into_owned(), known))
        });
        known
            .collect::<Result<ByCve, DatabaseError>>()
            .map_err(Into::into)
    }

    fn write(
        self,
        fetched: BTreeMap<String, Fetch>,
        feeds: Feeds,
    ) -> Result<UpdateSummary, UpdateError> {
        let write_error = |source| UpdateError::Write {
            path: self.folder.path().to_owned(),
            source,
        };
        let mut description = self.description();
        for (ecosystem, fetch) in &fetched {
            let origin = fetch.origin.clone();
            description.origins.insert(ecosystem.clone(), origin);
        }
        let ecosystems = fetched.iter();
        let ecosystems = ecosystems.map(|(name, fetch)| (name.clone(), fetch.changes.summary()));
        let ecosystems = ecosystems.collect();
        let failed_feeds = feeds.failed;
        description.feeds = feeds.origins;
        let known = match feeds.known {
            Some(known) => known,
            None => self.exploitation()?,
        };
        let unchanged = |fetch: &Fetch| matches!(fetch.changes, Changes::None);
        let (description, counts) = match &self.store {
            Some(store) if fetched.values().all(unchanged) => {
                self.copy(store, &known, &description)
                    .map_err(write_error)?;
                (description, Counts::default())
            }
            _ => self.build(&fetched, &known, description)?,
        };
        for fetch in fetched.values() {
            if let Changes::Archive { path, .. } = &fetch.changes {
                // What is left behind is overwritten by the next update.
                let _ = fs::remove_file(path);
            }
        }
        Ok(UpdateSummary {
            path: self.folder.path().join(store::FILE_NAME),
            description,
            ecosystems,
            failed_feeds,
            counts,
        })
    }

    /// Writes the same records with another description.
    fn copy(&self, store: &Store, known: &ByCve, description: &Description) -> io::Result<()> {
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
    }

    /// Puts what was fetched and what stays together.
    fn build(
        &self,
        fetched: &BTreeMap<String, Fetch>,
        known: &ByCve,
        description: Description,
    ) -> Result<(Description, Counts), UpdateError> {
        let write_error = |source| UpdateError::Write {
            path: self.folder.path().to_owned(),
            source,
        };
        let building = |read| (self.on_event)(UpdateEvent::Building { read });
        let mut builder = Builder::new(self.folder).map_err(write_error)?;
        // The newest first: of two records of one id the second is then not even stored.
        for fetch in fetched.values() {
            if let Changes::Records { records, .. } = &fetch.changes {
                let added = builder.add_all(
                    records,
                    |(_, json)| json.len() as u64,
                    |(id, _)| id.clone(),
                    |(_, json)| Ok(json.clone()),
                    &mut |read| building(read),
                );
                added.map_err(write_error)?;
            }
        }
        for fetch in fetched.values() {
            if let Changes::Archive { path, .. } = &fetch.changes {
                let added = import::add_archive(path, &mut builder, &mut |p| building(p.read));
                added.map_err(|error| match error {
                    ImportError::Write { source, .. } => write_error(source),
                    error => UpdateError::Damaged {
                        url: path.display().to_string(),
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

impl Changes {
    fn summary(&self) -> Change {
        match self {
            Changes::None => Change::None,
            Changes::Records { records, .. } if records.is_empty() => Change::None,
            Changes::Records { records, .. } => Change::Records(records.len()),
            Changes::Archive { bytes, .. } => Change::Archive { bytes: *bytes },
        }
    }
}

/// Whether a record of the old database is one of the new database too: none of the ecosystems that it names
/// and that were fetched lacks it.
fn stays(record: &Record, fetched: &BTreeMap<String, Fetch>) -> bool {
    let named = record.affected.iter().map(|a| &a.package.ecosystem);
    let mut fetches = named.filter_map(|e| fetched.get(builder::base_ecosystem(e)));
    fetches.all(|fetch| match &fetch.changes {
        Changes::None => true,
        Changes::Records { listed, .. } => listed.contains_key(&record.id),
        // It is in the archive, or no longer there.
        Changes::Archive { .. } => false,
    })
}

fn encoded(known: &ByCve) -> impl Iterator<Item = io::Result<(Vec<u8>, Vec<u8>)>> {
    known.iter().map(|(cve, known)| {
        let encoded = postcard::to_extend(known, Vec::new()).map_err(io::Error::other)?;
        Ok((cve.as_bytes().to_owned(), encoded))
    })
}

/// Reads lines of a moment and an id.
fn read_listing(text: &str) -> Result<HashMap<String, String>, String> {
    let rows = text.lines().map(str::trim).enumerate();
    let rows = rows.filter(|(_, line)| !line.is_empty());
    let row = |(number, line): (usize, &str)| {
        let (modified, id) = line
            .split_once(',')
            .filter(|(modified, _)| database::is_timestamp(modified))
            .ok_or_else(|| format!("line {} is not a moment and an id", number + 1))?;
        Ok((id.to_owned(), modified.to_owned()))
    };
    rows.map(row).collect()
}

/// The listed records that the database has not, or has as they were earlier.
fn changed<'a>(
    store: &Store,
    listed: &'a HashMap<String, String>,
) -> Result<Vec<&'a str>, DatabaseError> {
    let mut changed = Vec::new();
    for (id, modified) in listed {
        let known = store.id(id)?.and_then(|entry| entry.record);
        let is_known = |record: store::RecordEntry| {
            database::sortable(record.modified) >= database::sortable(modified)
        };
        if !known.is_some_and(is_known) {
            changed.push(id.as_str());
        }
    }
    changed.sort_unstable();
    Ok(changed)
}

/// Says that what is asked for is not there, where that is what the server says.
fn missing(error: DownloadError, base: &str, what: &str) -> UpdateError {
    if error.is_missing() {
        UpdateError::Missing {
            url: base.to_owned(),
            what: what.to_owned(),
        }
    } else {
        error.into()
    }
}

impl UpdateError {
    /// Whether it is about this machine, and no server.
    fn is_here(&self) -> bool {
        match self {
            UpdateError::Download(error) => error.is_here(),
            UpdateError::Write { .. } | UpdateError::Database(_) | UpdateError::NoServer => true,
            UpdateError::Missing { .. } | UpdateError::Damaged { .. } => false,
        }
    }
}

/// A name for the download of an archive, another one for each server: what one began no other goes on with.
fn file_name(base: &str, ecosystem: &str) -> String {
    let server = crc32fast::hash(base.as_bytes());
    format!("{}-{server:08x}.zip", percent_encoded(ecosystem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_is_moments_and_ids() {
        let listed = read_listing("2024-01-01T00:00:00Z,A-1\n0001-01-01T00:00:00Z,B-2\r\n\n");
        let listed = listed.unwrap();
        assert_eq!(listed["A-1"], "2024-01-01T00:00:00Z");
        assert_eq!(listed.len(), 2);
        for bad in ["<html>", "2024-01-01T00:00:00Z", "A-1,2024-01-01T00:00:00Z"] {
            assert_eq!(
                read_listing(bad).unwrap_err(),
                "line 1 is not a moment and an id"
            );
        }
    }

    #[test]
    fn names_go_into_urls_and_files_without_harm() {
        assert!(!file_name("http://x/", "../../up").contains('/'));
        assert_ne!(file_name("http://a", "npm"), file_name("http://b", "npm"));
    }

    #[test]
    fn moments_are_written_as_osv_writes_them() {
        assert!(
            database::is_timestamp(&now()) && now().len() == 20,
            "{}",
            now()
        );
    }
}
