//! The advisories at hand: the starter set that is compiled in, or the database in a folder.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::advisory::compiled::{Advisories, Advisory};
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DatabaseInfo {
    pub kind: DatabaseKind,
    pub advisories: usize,
    /// The moment up to which it knows all advisories, RFC 3339: see [`Description::updated`].
    pub updated: Option<String>,
    /// How many advisories there are for each ecosystem, by OSV's names.
    pub ecosystems: BTreeMap<String, usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DatabaseKind {
    Starter,
    Full,
}

/// What a database file says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    pub advisories: usize,
    /// How many advisories there are for each ecosystem, by OSV's names.
    pub ecosystems: BTreeMap<String, usize>,
    /// Where each ecosystem's advisories are from, by OSV's names.
    pub origins: BTreeMap<String, Origin>,
}

/// Where advisories are from, and how old they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// A URL, or the file or folder that was imported.
    pub from: String,
    /// RFC 3339: when they were last compared with what is at the URL; for imported ones, when the newest of
    /// them was modified.
    pub current: Option<String>,
}

impl Description {
    /// The moment up to which it knows all advisories: that of its oldest origin.
    pub fn updated(&self) -> Option<&str> {
        let moments = self.origins.values().map(|o| o.current.as_deref());
        // An origin without a moment is older than any.
        moments.min_by_key(|moment| moment.map(sortable)).flatten()
    }
}

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    #[error("cannot read the advisory database {}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{} is not an advisory database; delete it and run `fnaudit db update`", path.display())]
    NotADatabase { path: PathBuf },
    #[error(
        "the advisory database {} was made by {} fnaudit (format {found}; this one reads {}); {} run `fnaudit db update`",
        path.display(),
        if *found > store::FORMAT { "a newer" } else { "an older" },
        store::FORMAT,
        if *found > store::FORMAT { "upgrade fnaudit, or delete the database and" } else { "to make it anew," },
    )]
    OtherFormat { path: PathBuf, found: u32 },
    #[error("the advisory database {} is damaged ({what} is not what was written); run `fnaudit db update`", path.display())]
    Damaged { path: PathBuf, what: &'static str },
}

impl Database {
    /// Opens the database in the folder; `None` where there is none.
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

    /// The description of a database in a folder; the starter set has none.
    pub fn description(&self) -> Option<&Description> {
        match &self.source {
            Source::Starter(_) => None,
            Source::Full(store) => Some(store.description()),
        }
    }

    pub fn info(&self) -> DatabaseInfo {
        match &self.source {
            Source::Starter(starter) => starter.info(),
            Source::Full(store) => {
                let description = store.description();
                DatabaseInfo {
                    kind: DatabaseKind::Full,
                    advisories: description.advisories,
                    updated: description.updated().map(str::to_owned),
                    ecosystems: description.ecosystems.clone(),
                }
            }
        }
    }

    /// The advisories about the package; [`Self::decode`] reads them.
    pub fn advisories(
        &self,
        ecosystem: Ecosystem,
        name: &str,
    ) -> Result<Advisories<'_>, DatabaseError> {
        let name = ecosystem.normalize_name(name);
        match &self.source {
            Source::Starter(starter) => Ok(starter.advisories(ecosystem, &name)),
            Source::Full(store) => store.advisories(&store::key(ecosystem.as_str(), &name)),
        }
    }

    /// Reads what [`Self::advisories`] found.
    pub fn decode<'a>(&self, encoded: &'a Advisories) -> Result<Vec<Advisory<'a>>, DatabaseError> {
        encoded.decode().map_err(|_| match &self.source {
            Source::Full(store) => store.damaged(store::Damage("an advisory")),
            Source::Starter(_) => DatabaseError::Damaged {
                path: PathBuf::from("starter set"),
                what: "an advisory",
            },
        })
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
    fn a_database_is_as_old_as_its_oldest_origin() {
        let updated = |moments: &[Option<&str>]| {
            let origin = |moment: &Option<&str>| Origin {
                from: String::new(),
                current: moment.map(str::to_owned),
            };
            let origins = moments.iter().map(origin).enumerate();
            let description = Description {
                origins: origins.map(|(i, o)| (i.to_string(), o)).collect(),
                ..Description::default()
            };
            description.updated().map(str::to_owned)
        };
        let (early, late) = ("2024-01-02T03:04:05Z", "2024-01-02T03:04:05.1Z");
        assert_eq!(updated(&[Some(late), Some(early)]).as_deref(), Some(early));
        assert_eq!(updated(&[Some(late), None]), None);
        assert_eq!(updated(&[]), None);
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
