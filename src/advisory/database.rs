//! The advisories at hand: the starter set that is compiled in, or the database in a folder.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::advisory::compiled::{Advisories, Advisory};
use crate::advisory::download::Validators;
use crate::advisory::exploitation::Exploitation;
use crate::advisory::starter::Starter;
use crate::advisory::store::{self, Store};
use crate::advisory::verify;
pub use crate::advisory::verify::Verified;
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
    /// Where what is known of exploitation is from, by [`Feed`](crate::advisory::exploitation::Feed).
    #[serde(default)]
    pub feeds: BTreeMap<String, Origin>,
}

/// Where advisories are from, and how old they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// A URL, or the file or folder that was imported.
    pub from: String,
    /// RFC 3339: when they were last compared with what is at the URL; for imported ones, when the newest of
    /// them was modified.
    pub current: Option<String>,
    /// Of the archive that was downloaded last.
    pub archive: Option<Validators>,
    /// Of the list of all records, as of the last time when everything on it was taken in.
    pub listing: Option<Validators>,
}

impl Origin {
    /// Up to when it is known; a moment that is still to come says nothing.
    pub fn updated(&self) -> Option<&str> {
        self.current
            .as_deref()
            .filter(|moment| past(moment).is_some())
    }

    /// Whether it can be asked for changes.
    pub fn is_url(&self) -> bool {
        self.from.starts_with("https://") || self.from.starts_with("http://")
    }
}

impl Description {
    /// The moment up to which it knows all advisories: that of its oldest origin, if it is known of each.
    pub fn updated(&self) -> Option<&str> {
        let moments = self.origins.values().map(Origin::updated);
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

impl DatabaseError {
    /// Whether a new database may take its place unasked: nobody can use what is there.
    pub fn is_replaceable(&self) -> bool {
        match self {
            DatabaseError::NotADatabase { .. } | DatabaseError::Damaged { .. } => true,
            DatabaseError::OtherFormat { found, .. } => *found < store::FORMAT,
            DatabaseError::Io { .. } => false,
        }
    }
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

    /// The file of a database in a folder.
    pub fn path(&self) -> Option<&Path> {
        Some(self.store()?.path())
    }

    /// Every byte of that file.
    pub fn bytes(&self) -> Option<&[u8]> {
        Some(self.store()?.bytes())
    }

    fn store(&self) -> Option<&Store> {
        match &self.source {
            Source::Starter(_) => None,
            Source::Full(store) => Some(store),
        }
    }

    /// Reads every byte of a database in a folder, and whether one thing leads to the other. The starter set
    /// is read by the tests.
    pub fn verify(&self) -> Result<Option<Verified>, DatabaseError> {
        self.store().map(verify::verify).transpose()
    }

    /// What is known of the exploitation of a CVE; nothing where no such list was fetched.
    pub fn exploitation(&self, cve: &str) -> Result<Exploitation, DatabaseError> {
        let Some(store) = self.store() else {
            return Ok(Exploitation::default());
        };
        let known = store.exploitation(cve)?.map(postcard::from_bytes);
        let known = known.transpose();
        let known = known.map_err(|_| store.damaged(store::Damage("a CVE id")))?;
        Ok(known.unwrap_or_default())
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
        let name = ecosystem.comparable_name(name);
        match &self.source {
            Source::Starter(starter) => Ok(starter.advisories(ecosystem, &name)),
            Source::Full(store) => store.advisories(&store::key(ecosystem.as_str(), &name)),
        }
    }

    /// The advisories about what OSV knows under several names, each an ecosystem's name and a package's.
    pub fn advisories_under(
        &self,
        names: &[(&str, &str)],
    ) -> Result<Advisories<'_>, DatabaseError> {
        let Some(store) = self.store() else {
            // The starter set is about the packages of registries.
            return Ok(Advisories::default());
        };
        let found = names.iter().map(|(ecosystem, name)| {
            let key = store::key(ecosystem, name);
            store.advisories(&key)
        });
        Ok(Advisories::joined(found.collect::<Result<_, _>>()?))
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

/// A package that the database has advisories about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FoundPackage {
    pub ecosystem: String,
    pub name: String,
    /// The ids of its advisories, sorted.
    pub advisories: Vec<String>,
}

impl Database {
    /// The records of this id, or that have it as an alias, as their sources wrote them. Ids are compared without
    /// regard to case.
    pub fn show(&self, id: &str) -> Result<Vec<Vec<u8>>, DatabaseError> {
        let store = match &self.source {
            Source::Starter(starter) => return Ok(starter.show(id)),
            Source::Full(store) => store,
        };
        let mut entries = Vec::new();
        match store.id(id)? {
            Some(entry) => entries.push(entry),
            // In another case than it is written in: there is no telling its place.
            None => {
                for known in store.ids()? {
                    let (known, entry) = known?;
                    if known.eq_ignore_ascii_case(id) {
                        entries.push(entry);
                    }
                }
            }
        }
        let mut records = Vec::new();
        for entry in entries {
            if let Some(record) = entry.record {
                records.push(store.record(record.place)?);
            }
            for other in entry.alias_of {
                if let Some(record) = store.id(other)?.and_then(|entry| entry.record) {
                    records.push(store.record(record.place)?);
                }
            }
        }
        Ok(records)
    }

    /// The packages whose names contain the text, without regard to case, in the order of their names.
    pub fn search(&self, text: &str) -> Result<Vec<FoundPackage>, DatabaseError> {
        let text = text.to_lowercase();
        let store = match &self.source {
            Source::Starter(starter) => return Ok(starter.search(&text)),
            Source::Full(store) => store,
        };
        let mut found = Vec::new();
        for package in store.packages()? {
            let (key, encoded) = package?;
            let Some((ecosystem, name)) = store::split_key(key) else {
                continue;
            };
            if name.to_lowercase().contains(&text) {
                found.push(FoundPackage::new(ecosystem, name, &self.decode(&encoded)?));
            }
        }
        Ok(found)
    }
}

impl FoundPackage {
    pub(super) fn new(ecosystem: &str, name: &str, advisories: &[Advisory]) -> Self {
        let mut ids: Vec<String> = advisories.iter().map(|a| a.id.to_owned()).collect();
        ids.sort_unstable();
        FoundPackage {
            ecosystem: ecosystem.to_owned(),
            name: name.to_owned(),
            advisories: ids,
        }
    }
}

/// The moment of a timestamp, by RFC 3339. What is no timestamp has none, and so comes before all others.
pub(super) fn sortable(timestamp: &str) -> Option<Timestamp> {
    timestamp.parse().ok()
}

/// The same, unless it is still to come. Clocks differ, but by less than a day.
pub(super) fn past(timestamp: &str) -> Option<Timestamp> {
    let latest = Timestamp::now().checked_add(SignedDuration::from_hours(24));
    sortable(timestamp).filter(|&moment| latest.is_ok_and(|latest| moment <= latest))
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
                current: moment.map(str::to_owned),
                ..Origin::default()
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
        let (future, nonsense) = ("9999-01-01T00:00:00Z", "soon");
        assert_eq!(updated(&[Some(late), Some(future)]), None);
        assert_eq!(updated(&[Some(late), Some(nonsense)]), None);
        assert_eq!(updated(&[]), None);
    }

    #[test]
    fn timestamps_sort_as_their_moments() {
        let nothing = ["", "2024-01-02", "9", "2024-13-02T03:04:05Z"];
        assert!(nothing.iter().all(|text| sortable(text).is_none()));
        let ascending = [
            "no moment",
            "0001-01-01T00:00:00Z",
            "2024-01-02T03:04:05Z",
            "2024-01-02T03:04:05.05Z",
            "2024-01-02T03:04:05.1Z",
            "2024-01-02T03:04:06Z",
        ];
        assert!(ascending.is_sorted_by(|a, b| sortable(a) < sortable(b)));
        assert_eq!(
            sortable("2024-01-02T03:04:05.050Z"),
            sortable("2024-01-02T03:04:05.050000Z")
        );
    }
}
