//! The advisories at hand: the starter set that is compiled in, or the full set that was imported.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::advisory::osv::Record;
use crate::advisory::starter::Starter;
use crate::advisory::store::{self, Store};
use crate::component::Ecosystem;

/// Where advisories are looked up, from any number of threads.
pub struct Database {
    source: Source,
}

enum Source {
    Starter(Starter),
    Full(Store),
}

/// The report's `database` object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseInfo {
    pub kind: DatabaseKind,
    pub advisories: usize,
    /// When the newest advisory was last modified, RFC 3339.
    pub updated: Option<String>,
    /// How many advisories there are for each ecosystem, by OSV's names.
    pub ecosystems: BTreeMap<String, usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DatabaseKind {
    Starter,
    Full,
}

#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    #[error("cannot read the advisory database {}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{} is not an advisory database; delete it and run `fnaudit db import` again", path.display())]
    NotADatabase { path: PathBuf },
    #[error(
        "the advisory database {} has format {found}, and this fnaudit reads format {}; run `fnaudit db import` again",
        path.display(),
        store::FORMAT
    )]
    OtherFormat { path: PathBuf, found: u32 },
    #[error("the advisory database {} is damaged ({what}); run `fnaudit db import` again", path.display())]
    Damaged { path: PathBuf, what: String },
}

impl Database {
    /// Opens what [`crate::advisory::import::import`] wrote to the folder; `None` where there is nothing.
    pub fn open(dir: &Path) -> Result<Option<Database>, DatabaseError> {
        let store = Store::open(&dir.join(store::FILE_NAME))?;
        Ok(store.map(|store| Database {
            source: Source::Full(store),
        }))
    }

    pub fn starter() -> Database {
        Database {
            source: Source::Starter(Starter::load()),
        }
    }

    pub fn info(&self) -> &DatabaseInfo {
        match &self.source {
            Source::Starter(starter) => starter.info(),
            Source::Full(store) => store.info(),
        }
    }

    /// The records that name the package. Their `affected` may name others as well.
    pub fn records(&self, ecosystem: Ecosystem, name: &str) -> Result<Vec<Record>, DatabaseError> {
        let name = ecosystem.normalize_name(name);
        match &self.source {
            Source::Starter(starter) => Ok(starter.records(ecosystem, &name)),
            Source::Full(store) => store.records(&store::key(ecosystem.as_str(), &name)),
        }
    }
}

/// Whether the text has the shape of OSV's timestamps, so that the newest can be told from others.
pub(super) fn is_timestamp(text: &str) -> bool {
    let shape: Vec<u8> = text
        .bytes()
        .take(19)
        .map(|b| if b.is_ascii_digit() { b'0' } else { b })
        .collect();
    shape == b"0000-00-00T00:00:00" && text.ends_with('Z')
}

/// A timestamp in the form that sorts as its moment does: a fraction comes after its whole second.
pub(super) fn sortable(timestamp: &str) -> &str {
    timestamp.trim_end_matches('Z')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_a_database_is_no_error() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Database::open(dir.path()).unwrap().is_none());
        assert!(
            Database::open(&dir.path().join("missing"))
                .unwrap()
                .is_none()
        );
    }

    #[test]
    fn it_can_be_shared_between_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<Database>();
    }

    #[test]
    fn timestamps_sort_as_their_moments() {
        assert!(
            is_timestamp("2024-01-02T03:04:05Z") && is_timestamp("2024-01-02T03:04:05.123456Z")
        );
        assert!(!is_timestamp("") && !is_timestamp("2024-01-02") && !is_timestamp("9"));
        assert!(sortable("2024-01-02T03:04:05Z") < sortable("2024-01-02T03:04:05.1Z"));
        assert!(sortable("2024-01-02T03:04:05.1Z") < sortable("2024-01-02T03:04:06Z"));
    }
}
