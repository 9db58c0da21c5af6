//! Brings the database up to date with OSV's public data, <https://google.github.io/osv.dev/data/>.
//!
//! A base URL holds `ecosystems.txt` and a folder for each ecosystem, with `all.zip` (every record),
//! `modified_id.csv` (when each record was last modified) and `ID.json` (one record). Where few records changed
//! those are fetched one by one, otherwise the archive is, and then the records that it lacks of its listing. What
//! is not asked for stays as it is.
//!
//! What a server says is taken in once it was read and fits the listing. An ecosystem is as current as the listing
//! of which everything is there.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use jiff::{Timestamp, Unit};
use serde::{Deserialize, Serialize};

use crate::advisory::builder::{self, Builder, Counts, MAX_RECORD_BYTES, StoreError};
use crate::advisory::database::{self, DatabaseError, Description, Origin};
use crate::advisory::download::{
    self, DownloadError, DownloadOptions, Downloader, Fetched, Validators, shown,
};
use crate::advisory::exploitation::{self, ByCve, Exploitation, Feed, MAX_FEED_BYTES};
use crate::advisory::folder::Folder;
use crate::advisory::import::{self, AddError, ArchiveContent};
use crate::advisory::osv::{Outline, Record};
use crate::advisory::store::{self, Store, Writer};
use crate::text::percent_encoded;

/// OSV's public bucket.
pub const DEFAULT_URL: &str = "https://storage.googleapis.com/osv-vulnerabilities";
/// What is fetched where nothing else is asked for and nothing was before.
pub const DEFAULT_ECOSYSTEMS: [&str; 5] = ["npm", "PyPI", "crates.io", "Go", "Maven"];

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
/// 50 bytes a record, of which OSV's largest ecosystem has some 250,000.
const MAX_LISTING_BYTES: u64 = 64 << 20;
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
    /// An ecosystem could not be fetched; what was known of it stays.
    EcosystemFailed {
        ecosystem: &'a str,
        error: &'a UpdateError,
    },
    /// A list could not be fetched; what was known from an earlier one stays.
    FeedFailed { feed: Feed, error: &'a UpdateError },
    /// So many records were taken in.
    Building { read: usize },
}

/// What an update did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateSummary {
    pub path: PathBuf,
    /// What the database now says of itself; none where there was none and nothing could be fetched.
    pub description: Option<Description>,
    /// By ecosystem.
    pub ecosystems: BTreeMap<String, Change>,
    /// Ecosystems that could not be fetched.
    pub failed_ecosystems: Vec<String>,
    /// Lists that could not be fetched.
    pub failed_feeds: Vec<Feed>,
    pub counts: Counts,
}

/// What an update changed of an ecosystem.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The size of the archive, if it was taken in.
    pub archive: Option<u64>,
    /// How many records were fetched one by one.
    pub records: usize,
    /// How many records of the database are no longer there.
    pub gone: usize,
    /// How many records the server lists and has not: by so many it lags behind its listing.
    pub lacking: usize,
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
    #[error(
        "{name} is one release of {}; name that, it comes with all releases",
        builder::base_ecosystem(name)
    )]
    Release { name: String },
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
    let downloader = Downloader::new(options.download.clone())?;
    let update = |store: Option<Store>, before| Update {
        folder: &folder,
        downloads: downloads.clone(),
        store,
        before,
        downloader: &downloader,
        started: now(),
        answered: AtomicUsize::new(0),
        single_bytes: AtomicU64::new(0),
        on_event,
    };
    let path = folder.path().join(store::FILE_NAME);
    let anew = |error: DatabaseError| {
        on_event(UpdateEvent::Unusable(&error));
        update(None, description_to_start_over(&path)).run(options)
    };
    let store = match Store::open(&path) {
        Ok(store) => store,
        Err(error) if error.is_replaceable() => return anew(error),
        Err(error) => return Err(error.into()),
    };
    let before = store.as_ref().map(|store| store.description().clone());
    match update(store, before.unwrap_or_default()).run(options) {
        // Some damage is met only where it is read.
        Err(UpdateError::Database(error)) if error.is_replaceable() => anew(error),
        result => result,
    }
}

/// What is known without the records: where they were from.
fn description_to_start_over(path: &Path) -> Description {
    let mut before = Store::salvaged_description(path).unwrap_or_default();
    for origin in before.origins.values_mut().chain(before.feeds.values_mut()) {
        *origin = Origin {
            from: std::mem::take(&mut origin.from),
            ..Origin::default()
        };
    }
    before
}

/// The present moment, as OSV writes moments.
pub fn now() -> String {
    let now = Timestamp::now();
    now.round(Unit::Second).unwrap_or(now).to_string()
}

/// How long ago a moment is, by RFC 3339; unknown of one that is no moment, or that is still to come. One of the
/// next day is now, as clocks differ.
pub fn age_of(moment: &str) -> Option<Duration> {
    let age = Timestamp::now().duration_since(database::past(moment)?);
    Some(Duration::try_from(age).unwrap_or_default())
}

struct Update<'a> {
    folder: &'a Folder,
    downloads: PathBuf,
    /// The database as it is.
    store: Option<Store>,
    /// What is known of it. Where it cannot be used, that is where its records were from.
    before: Description,
    downloader: &'a Downloader,
    started: String,
    /// Which server answered last.
    answered: AtomicUsize,
    /// How large the single records are that were fetched.
    single_bytes: AtomicU64,
    on_event: &'a (dyn Fn(UpdateEvent) + Sync),
}

/// What a server has of an ecosystem that the database has not.
struct Fetch {
    origin: Origin,
    archive: Option<Archive>,
    singles: Singles,
    /// The ids of those records of the database that stay; none where all do.
    stays: Option<HashSet<String>>,
    gone: usize,
    lacking: usize,
}

/// An archive that was downloaded and verified.
struct Archive {
    path: PathBuf,
    finished: Finished,
}

/// What stands beside a finished download until it is in the database, so that it is not downloaded again.
#[derive(Serialize, Deserialize)]
struct Finished {
    validators: Validators,
    bytes: u64,
}

/// When each record was last modified, by id.
type Listed = HashMap<String, Timestamp>;

enum Listing {
    Unchanged,
    New(Validators, Listed),
    None,
}

/// Records that were fetched one by one.
#[derive(Default)]
struct Singles {
    /// With their ids.
    records: Vec<(String, Vec<u8>)>,
    /// The ids of records that are too large, each with the reason.
    left_out: Vec<(String, String)>,
    /// How many the server has not.
    gone: usize,
}

/// The lists that were fetched, where something changed, and the ones that were not to be had.
struct Feeds {
    origins: BTreeMap<String, Origin>,
    /// What is known now; none where nothing changed.
    known: Option<ByCve>,
    failed: Vec<Feed>,
}

impl Update<'_> {
    /// Fetches everything that is asked for. What fails leaves what is known of it as it is, unless it is for a
    /// reason that would fail the rest too.
    fn run(&self, options: &UpdateOptions) -> Result<UpdateSummary, UpdateError> {
        let mut fetched = BTreeMap::new();
        let mut failed = BTreeMap::new();
        for ecosystem in self.ecosystems(options)? {
            match self.fetch_from_any(&options.urls, &ecosystem) {
                Ok(fetch) => {
                    fetched.insert(ecosystem, fetch);
                }
                Err(error) if error.is_here() => return Err(error),
                Err(error) => {
                    (self.on_event)(UpdateEvent::EcosystemFailed {
                        ecosystem: &ecosystem,
                        error: &error,
                    });
                    failed.insert(ecosystem, error);
                }
            }
        }
        let feeds = self.fetch_feeds(&options.feeds)?;
        let failed_ecosystems: Vec<String> = failed.keys().cloned().collect();
        let failed_feeds = feeds.failed.clone();
        let ecosystems = fetched
            .iter()
            .map(|(name, fetch)| (name.clone(), fetch.change()))
            .collect();

        let mut description = self.before.clone();
        for (ecosystem, fetch) in &fetched {
            let origin = fetch.origin.clone();
            description.origins.insert(ecosystem.clone(), origin);
        }
        // What was never fetched is asked for again, and until then the database is of unknown age.
        for (ecosystem, error) in failed {
            let is_misspelt = match error {
                UpdateError::Missing { .. } => {
                    matches!(options.ecosystems, Ecosystems::These(_))
                }
                error => matches!(error, UpdateError::Release { .. }),
            };
            if !is_misspelt && let Some(url) = options.urls.first() {
                let origin = description.origins.entry(ecosystem);
                origin.or_insert_with(|| Origin {
                    from: shown(url),
                    ..Origin::default()
                });
            }
        }
        description.feeds = feeds.origins.clone();
        let is_nothing_new = match &self.store {
            Some(_) => fetched.is_empty() && description.feeds == self.before.feeds,
            // The starter set says more than an empty database.
            None => fetched.is_empty(),
        };
        let (description, counts) = if is_nothing_new {
            let description = self.store.as_ref().map(|_| self.before.clone());
            (description, Counts::default())
        } else {
            let (description, counts) = self.write(&fetched, feeds, description)?;
            self.sweep(&fetched, failed_ecosystems.is_empty());
            (Some(description), counts)
        };
        Ok(UpdateSummary {
            path: self.folder.path().join(store::FILE_NAME),
            description,
            ecosystems,
            failed_ecosystems,
            failed_feeds,
            counts,
        })
    }

    fn fetch_from_any(&self, urls: &[String], ecosystem: &str) -> Result<Fetch, UpdateError> {
        if builder::base_ecosystem(ecosystem) != ecosystem {
            let name = ecosystem.to_owned();
            return Err(UpdateError::Release { name });
        }
        self.first_server(urls, |url| self.fetch(url, ecosystem))
    }

    fn ecosystems(&self, options: &UpdateOptions) -> Result<BTreeSet<String>, UpdateError> {
        Ok(match &options.ecosystems {
            Ecosystems::These(names) => names.iter().cloned().collect(),
            Ecosystems::All => self.first_server(&options.urls, |url| self.all_ecosystems(url))?,
            Ecosystems::AsBefore => {
                let origins = self.before.origins.iter();
                let updated = origins.filter(|(_, origin)| origin.is_url());
                let before: BTreeSet<String> = updated.map(|(name, _)| name.clone()).collect();
                if before.is_empty() {
                    DEFAULT_ECOSYSTEMS.map(str::to_owned).into()
                } else {
                    before
                }
            }
        })
    }

    /// Asks the servers in turn until one has an answer, the one first that had the last. The last error is the one
    /// to report.
    fn first_server<T>(
        &self,
        urls: &[String],
        ask: impl Fn(&str) -> Result<T, UpdateError>,
    ) -> Result<T, UpdateError> {
        let first = self.answered.load(Ordering::Relaxed);
        let mut last = UpdateError::NoServer;
        for asked in 0..urls.len() {
            let server = (first + asked) % urls.len();
            match ask(&urls[server]) {
                Ok(answer) => {
                    self.answered.store(server, Ordering::Relaxed);
                    return Ok(answer);
                }
                // Another server changes nothing about a full disk.
                Err(error) if error.is_here() => return Err(error),
                Err(error) => last = error,
            }
            if asked + 1 < urls.len() {
                (self.on_event)(UpdateEvent::NextServer { error: &last });
            }
        }
        Err(last)
    }

    /// The ecosystems that a server has. Their releases come with them.
    fn all_ecosystems(&self, base: &str) -> Result<BTreeSet<String>, UpdateError> {
        let text = self.fetch_text(base, "ecosystems.txt", "ecosystems.txt", None)?;
        let Some((_, text)) = text.filter(|(_, text)| !text.trim().is_empty()) else {
            return Err(UpdateError::Missing {
                url: shown(base),
                what: "ecosystems.txt".into(),
            });
        };
        let names = text.lines().map(str::trim);
        let is_whole = |name: &&str| !name.is_empty() && builder::base_ecosystem(name) == *name;
        Ok(names.filter(is_whole).map(str::to_owned).collect())
    }

    /// Fetches what a server has of an ecosystem that the database has not.
    fn fetch(&self, base: &str, ecosystem: &str) -> Result<Fetch, UpdateError> {
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
                    url: shown(&url),
                    why: "it is no text".into(),
                }),
            },
        }
    }

    fn told(&self, what: &str, event: download::Event) {
        (self.on_event)(UpdateEvent::Download { what, event });
    }

    /// A list that is not to be had costs nothing but itself.
    fn fetch_feeds(&self, asked: &BTreeMap<Feed, Option<String>>) -> Result<Feeds, UpdateError> {
        let mut feeds = Feeds {
            origins: self.before.feeds.clone(),
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
            match self.fetch_feed(feed, &url, &mut feeds) {
                Ok(()) => {}
                Err(error) if error.is_here() => return Err(error),
                Err(error) => {
                    feeds.failed.push(feed);
                    let error = &error;
                    (self.on_event)(UpdateEvent::FeedFailed { feed, error });
                }
            }
        }
        Ok(feeds)
    }

    fn fetch_feed(&self, feed: Feed, url: &str, feeds: &mut Feeds) -> Result<(), UpdateError> {
        let before = feeds.origins.get(feed.as_str());
        let mut origin = before
            .filter(|o| o.from == shown(url))
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
                url: shown(url),
                why: error.to_string(),
            })?;
            origin.archive = Some(validators);
        }
        origin.from = shown(url);
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

    /// Writes the new database.
    fn write(
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
    fn sweep(&self, fetched: &BTreeMap<String, Fetch>, everything: bool) {
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
    fn is_nothing(&self) -> bool {
        let singles = self.singles.records.len() + self.singles.left_out.len();
        self.archive.is_none() && singles == 0 && self.gone == 0
    }

    fn change(&self) -> Change {
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
    fn lacking(&self, asked: &[&str]) -> usize {
        asked.len() - self.records.len() - self.left_out.len()
    }
}

impl Finished {
    /// What is known of the finished download at `path`, if it is there.
    fn read(path: &Path) -> Option<Finished> {
        let note = fs::read(Finished::note(path)).ok()?;
        let finished: Finished = serde_json::from_slice(&note).ok()?;
        let length = fs::metadata(path).ok()?.len();
        (length == finished.bytes).then_some(finished)
    }

    fn write(&self, path: &Path) -> Result<(), UpdateError> {
        let path = Finished::note(path);
        let json = serde_json::to_vec(self).map_err(io::Error::from);
        let written = json.and_then(|json| fs::write(&path, json));
        written.map_err(|source| DownloadError::Write { path, source }.into())
    }

    /// Removes the download too. What is left behind is only in the way of its room.
    fn remove(path: &Path) {
        let _ = fs::remove_file(Finished::note(path));
        let _ = fs::remove_file(path);
    }

    fn note(path: &Path) -> PathBuf {
        path.with_extension("json")
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

/// Says that what is asked for is not there, where that is what the server says.
fn missing(error: DownloadError, base: &str, what: &str) -> UpdateError {
    if error.is_missing() {
        UpdateError::Missing {
            url: shown(base),
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
            UpdateError::Missing { .. }
            | UpdateError::Damaged { .. }
            | UpdateError::Release { .. } => false,
        }
    }
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
    fn a_moment_that_is_still_to_come_has_no_age() {
        let ahead = |hours| {
            let span = jiff::SignedDuration::from_hours(hours);
            (Timestamp::now() + span).to_string()
        };
        assert_eq!(age_of(&ahead(23)), Some(Duration::ZERO));
        assert_eq!(age_of(&ahead(25)), None);
        assert_eq!(age_of("9999-12-01T00:00:00Z"), None);
        assert_eq!(age_of("2024-02-30T00:00:00Z"), None);
        let hour = Duration::from_secs(3_600);
        assert!(age_of(&ahead(-1)).is_some_and(|age| age >= hour && age < 2 * hour));
    }

    #[test]
    fn names_go_into_urls_and_files_without_harm() {
        assert!(!file_name("http://x/", "../../up").contains('/'));
        assert_ne!(file_name("http://a", "npm"), file_name("http://b", "npm"));
    }

    #[test]
    fn moments_are_written_as_osv_writes_them() {
        assert!(
            database::sortable(&now()).is_some() && now().len() == 20,
            "{}",
            now()
        );
    }
}
