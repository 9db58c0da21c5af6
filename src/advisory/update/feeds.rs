//! The lists of what is known of exploitation.

use std::collections::BTreeMap;
use std::fs;

use super::{Update, UpdateError, UpdateEvent};
use crate::advisory::database::{DatabaseError, Origin};
use crate::advisory::download::{Fetched, shown};
use crate::advisory::exploitation::{self, ByCve, Exploitation, Feed, MAX_FEED_BYTES};
use crate::advisory::store;

/// The lists that were fetched, where something changed, and the ones that were not to be had.
pub(super) struct Feeds {
    pub(super) origins: BTreeMap<String, Origin>,
    /// What is known now; none where nothing changed.
    pub(super) known: Option<ByCve>,
    pub(super) failed: Vec<Feed>,
}

impl Update<'_> {
    /// A list that is not to be had costs nothing but itself.
    pub(super) fn fetch_feeds(
        &self,
        asked: &BTreeMap<Feed, Option<String>>,
    ) -> Result<Feeds, UpdateError> {
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
    pub(super) fn exploitation(&self) -> Result<ByCve, UpdateError> {
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
}
