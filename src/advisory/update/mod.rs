//! Brings the database up to date with OSV's public data, <https://google.github.io/osv.dev/data/>.
//!
//! A base URL holds `ecosystems.txt` and a folder for each ecosystem, with `all.zip` (every record),
//! `modified_id.csv` (when each record was last modified) and `ID.json` (one record). Where few records changed
//! those are fetched one by one, otherwise the archive is, and then the records that it lacks of its listing. What
//! is not asked for stays as it is.
//!
//! What a server says is taken in once it was read and fits the listing. An ecosystem is as current as the listing
//! of which everything is there.

mod ecosystem;
mod feeds;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use jiff::{Timestamp, Unit};

use self::ecosystem::Fetch;
use crate::advisory::builder::{self, Counts};
use crate::advisory::database::{self, DatabaseError, Description, Origin};
use crate::advisory::download::{
    self, DownloadError, DownloadOptions, Downloader, Fetched, Validators, shown,
};
use crate::advisory::exploitation::Feed;
use crate::advisory::folder::Folder;
use crate::advisory::store::{self, Store};

/// OSV's public bucket.
pub const DEFAULT_URL: &str = "https://storage.googleapis.com/osv-vulnerabilities";
/// What is fetched where nothing else is asked for and nothing was before.
pub const DEFAULT_ECOSYSTEMS: [&str; 5] = ["npm", "PyPI", "crates.io", "Go", "Maven"];

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
#[cfg(test)]
mod tests {
    use super::*;

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
    fn moments_are_written_as_osv_writes_them() {
        assert!(
            database::sortable(&now()).is_some() && now().len() == 20,
            "{}",
            now()
        );
    }
}
