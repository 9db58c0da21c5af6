//! Makes the database from what is on disk: OSV's export, <https://google.github.io/osv.dev/data/>, records
//! in a folder, or a database that was exported elsewhere.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rayon::prelude::*;
use walkdir::WalkDir;

pub use crate::advisory::builder::Counts;
use crate::advisory::builder::{Builder, MAX_RECORD_BYTES};
use crate::advisory::database::{DatabaseError, Description, Origin};
use crate::advisory::folder::Folder;
use crate::advisory::osv::Outline;
use crate::advisory::store::{self, Store};
use crate::advisory::verify;
use crate::artifact::source::Source;
use crate::artifact::zip::{EntryError, ZipArchive, ZipEntry, ZipError};
use crate::text::visible;

/// How far an import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportProgress<'a> {
    /// The archive or folder that is being read.
    pub source: &'a Path,
    /// How many of its records were read, of how many.
    pub read: usize,
    pub total: usize,
}

/// What an import did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportSummary {
    pub path: PathBuf,
    pub description: Description,
    pub counts: Counts,
}

#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write the advisory database to {}: {source}; the one that was there is as it was", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("{} {source}; {HINT}", path.display())]
    Archive { path: PathBuf, source: ZipError },
    #[error("{} {problem}; {HINT}", path.display())]
    Directory { path: PathBuf, problem: String },
    #[error("there are no advisories in {}; {HINT}", path.display())]
    Nothing { path: PathBuf },
    #[error("none of the {count} records in {} is an OSV record ({first}); {HINT}", path.display())]
    NothingReadable {
        path: PathBuf,
        count: usize,
        first: String,
    },
    #[error("{} is damaged ({what} is not what was written); export it again", path.display())]
    Carried { path: PathBuf, what: &'static str },
    #[error(
        "{} was exported by another fnaudit (format {found}; this one reads {}); export it with the same version as this one",
        path.display(),
        store::FORMAT
    )]
    CarriedFormat { path: PathBuf, found: u32 },
    #[error(transparent)]
    Database(DatabaseError),
}

const HINT: &str = "give a folder laid out like OSV's bucket (ECOSYSTEM/all.zip), one all.zip, a folder of OSV records as JSON, or a database that `fnaudit db export` wrote";

/// Reads `source` and replaces the database in `dir`, all or nothing. `from` is where the source is from, for people;
/// `on_wait` is called if another process is writing there.
pub fn import(
    source: &Path,
    from: &str,
    dir: &Path,
    on_wait: &mut dyn FnMut(),
    progress: &mut dyn FnMut(ImportProgress),
) -> Result<ImportSummary, ImportError> {
    // What cannot be read is said before anything is written.
    let metadata = fs::metadata(source).map_err(|e| read_error(source, e))?;
    let folder = Folder::lock(dir, on_wait).map_err(|e| write_error(dir, e))?;
    if metadata.is_file() && is_database(source).map_err(|e| read_error(source, e))? {
        return copy_database(source, &folder);
    }
    let mut builder = Builder::new(&folder).map_err(|e| write_error(dir, e))?;
    let added = if metadata.is_file() {
        add_archive(source, &mut builder, progress)
    } else {
        add_folder(source, &mut builder, progress)
    };
    added.map_err(|error| error.in_folder(dir))?;
    if builder.is_empty() {
        let path = source.to_owned();
        let counts = builder.counts();
        return Err(match counts.unreadable_shown.first() {
            Some(first) => ImportError::NothingReadable {
                path,
                count: counts.unreadable + counts.damaged,
                first: first.clone(),
            },
            None => ImportError::Nothing { path },
        });
    }
    let describe = |mut description: Description, newest: Option<&str>| {
        let origin = Origin {
            from: from.to_owned(),
            current: newest.map(str::to_owned),
            ..Origin::default()
        };
        for ecosystem in description.ecosystems.keys() {
            let origin = origin.clone();
            description.origins.insert(ecosystem.clone(), origin);
        }
        description
    };
    let finished = builder.finish(&mut std::iter::empty(), describe);
    let (description, counts) = finished.map_err(|e| write_error(dir, e))?;
    Ok(ImportSummary {
        path: dir.join(store::FILE_NAME),
        description,
        counts,
    })
}

/// Whether the file says that it is one of our databases.
fn is_database(path: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    let magic = store::MAGIC;
    File::open(path)?
        .take(magic.len() as u64)
        .read_to_end(&mut start)?;
    Ok(start == magic)
}

/// Puts a database in the place of the folder's own once every byte of it was verified.
fn copy_database(source: &Path, folder: &Folder) -> Result<ImportSummary, ImportError> {
    let carried = |error| carried_error(source, error);
    let vanished = || read_error(source, io::ErrorKind::NotFound.into());
    let store = Store::open(source).map_err(carried)?;
    let store = store.ok_or_else(vanished)?;
    let new = folder
        .new_file()
        .map_err(|e| write_error(folder.path(), e))?;
    // The copy is what is verified: the source may change meanwhile.
    io::Write::write_all(&mut new.file(), store.bytes())
        .map_err(|e| write_error(folder.path(), e))?;
    let copy = Store::open(new.path()).map_err(carried)?;
    let copy = copy.ok_or_else(vanished)?;
    verify::verify(&copy).map_err(carried)?;
    let description = copy.description().clone();
    drop(copy);
    new.persist().map_err(|e| write_error(folder.path(), e))?;
    Ok(ImportSummary {
        path: folder.path().join(store::FILE_NAME),
        description,
        counts: Counts::default(),
    })
}

/// Names the file that was carried here, and not what it is called on its way into the folder.
fn carried_error(source: &Path, error: DatabaseError) -> ImportError {
    let path = source.to_owned();
    match error {
        DatabaseError::Damaged { what, .. } => ImportError::Carried { path, what },
        DatabaseError::OtherFormat { found, .. } => ImportError::CarriedFormat { path, found },
        error => ImportError::Database(error),
    }
}

/// Why the records of a source are not in the database.
pub(super) enum AddError {
    Source(ImportError),
    Write(io::Error),
}

impl AddError {
    /// `dir` is where the database is written.
    fn in_folder(self, dir: &Path) -> ImportError {
        match self {
            AddError::Source(error) => error,
            AddError::Write(error) => write_error(dir, error),
        }
    }
}

impl From<ImportError> for AddError {
    fn from(error: ImportError) -> Self {
        AddError::Source(error)
    }
}

fn add_folder(
    source: &Path,
    builder: &mut Builder,
    progress: &mut dyn FnMut(ImportProgress),
) -> Result<(), AddError> {
    let mut archives = Vec::new();
    let mut records = Vec::new();
    for entry in WalkDir::new(source).sort_by_file_name() {
        let entry = entry.map_err(|e| read_error(source, e.into()))?;
        if !entry.file_type().is_file() {
            continue;
        }
        let extension = entry.path().extension();
        match extension.and_then(|extension| extension.to_str()) {
            Some("zip") => archives.push(entry.into_path()),
            Some("json") => records.push(entry.into_path()),
            _ => {}
        }
    }
    for archive in archives {
        add_archive(&archive, builder, progress)?;
    }
    let total = records.len();
    builder
        .add_all(
            &records,
            |path| {
                fs::metadata(path)
                    .map_or(0, |m| m.len())
                    .min(MAX_RECORD_BYTES)
            },
            |path| path.display().to_string(),
            |path| read_capped(File::open(path)?, MAX_RECORD_BYTES),
            &mut |read| {
                progress(ImportProgress {
                    source,
                    read,
                    total,
                })
            },
        )
        .map_err(AddError::Write)
}

/// Takes in the records of an archive that is laid out as OSV's `all.zip` are.
pub(super) fn add_archive(
    path: &Path,
    builder: &mut Builder,
    progress: &mut dyn FnMut(ImportProgress),
) -> Result<(), AddError> {
    let (archive, records) = open_archive(path)?;
    let entry = |&i: &usize| &archive.entries[i];
    let total = records.len();
    builder
        .add_all(
            &records,
            |i| entry(i).unpacked.min(MAX_RECORD_BYTES),
            |i| format!("{}!/{}", path.display(), visible(&archive.name(entry(i)))),
            |i| read_entry(&archive, entry(i)),
            &mut |read| {
                progress(ImportProgress {
                    source: path,
                    read,
                    total,
                })
            },
        )
        .map_err(AddError::Write)
}

/// What an archive was found to hold.
#[derive(Default)]
pub(super) struct ArchiveContent {
    /// When each of its records was modified, by id.
    records: HashMap<String, Option<Timestamp>>,
    /// The ids of records that no fnaudit of this version reads.
    pub left_out: HashSet<String>,
}

impl ArchiveContent {
    pub fn contains(&self, id: &str) -> bool {
        self.records.contains_key(id)
    }

    /// Whether there is nothing more to be had of a record that was modified at this moment.
    pub fn has(&self, id: &str, modified: Timestamp) -> bool {
        let known = self.records.get(id);
        known.is_some_and(|&known| known >= Some(modified)) || self.left_out.contains(id)
    }
}

/// What an entry of an archive turned out to be.
enum EntryContent {
    Record(Outline),
    /// Sound, but too large or packed in a way that is not supported.
    LeftOut,
    NoRecord,
}

/// Reads every record of an archive; says what is wrong where one is cut or damaged, or where none is a record.
pub(super) fn verify_archive(path: &Path) -> Result<ArchiveContent, String> {
    let (archive, entries) = open_archive(path).map_err(|error| match error {
        ImportError::Archive { source, .. } => format!("it {source}"),
        ImportError::Directory { problem, .. } => format!("it {problem}"),
        error => error.to_string(),
    })?;
    let read = |&i: &usize| {
        let entry = &archive.entries[i];
        match read_entry(&archive, entry) {
            Ok(json) => Ok(match Outline::read(&json) {
                Some(outline) => EntryContent::Record(outline),
                None => EntryContent::NoRecord,
            }),
            Err(error) if is_left_out(&error) => Ok(EntryContent::LeftOut),
            Err(error) => Err(format!("{}: {error}", visible(&archive.name(entry)))),
        }
    };
    let all: Result<Vec<_>, _> = entries.par_iter().map(read).collect();
    let mut content = ArchiveContent::default();
    for (entry, &i) in all?.into_iter().zip(&entries) {
        match entry {
            EntryContent::Record(outline) => {
                let modified = outline.modified();
                let known = content.records.entry(outline.id).or_default();
                *known = modified.max(*known);
            }
            EntryContent::LeftOut => {
                let name = archive.name(&archive.entries[i]);
                content
                    .left_out
                    .extend(name.strip_suffix(".json").map(str::to_owned));
            }
            EntryContent::NoRecord => {}
        }
    }
    if content.records.is_empty() {
        return Err("it holds no advisory".into());
    }
    Ok(content)
}

/// The archive, and which of its entries are records.
fn open_archive(path: &Path) -> Result<(ZipArchive, Vec<usize>), ImportError> {
    let archive_error = |source| ImportError::Archive {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(|e| read_error(path, e))?;
    let source = Source::file(file).map_err(|e| read_error(path, e))?;
    let archive = ZipArchive::open(source).map_err(archive_error)?;
    if let Some(problem) = &archive.problem {
        return Err(ImportError::Directory {
            path: path.to_owned(),
            problem: problem.clone(),
        });
    }
    // A small directory can make much work of one record.
    if !archive.overlapping().is_empty() {
        return Err(ImportError::Directory {
            path: path.to_owned(),
            problem: "has entries that share their data".into(),
        });
    }
    let entries = archive.entries.iter().enumerate();
    let records = entries
        .filter(|(_, entry)| archive.name(entry).ends_with(".json"))
        .map(|(i, _)| i)
        .collect();
    Ok((archive, records))
}

/// The entry's bytes, if they are as many as it says and match its checksum.
fn read_entry(archive: &ZipArchive, entry: &ZipEntry) -> io::Result<Vec<u8>> {
    let opened = archive.reader(entry, MAX_RECORD_BYTES);
    let opened = opened.map_err(|error| match error {
        EntryError::Encrypted | EntryError::UnsupportedMethod(_) => {
            io::Error::new(io::ErrorKind::Unsupported, error)
        }
        error => io::Error::other(error),
    })?;
    let bytes = read_capped(opened.reader, MAX_RECORD_BYTES)?;
    if bytes.len() as u64 != entry.unpacked || crc32fast::hash(&bytes) != entry.crc32 {
        return Err(io::Error::other("it does not match its checksum"));
    }
    Ok(bytes)
}

fn read_capped(from: impl Read, max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max {
        let why = "it is larger than any OSV record";
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
    }
    Ok(bytes)
}

/// Whether nothing is wrong with an entry but that it is more than is read here.
fn is_left_out(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, Unsupported};
    matches!(error.kind(), FileTooLarge | Unsupported)
}

fn write_error(dir: &Path, source: io::Error) -> ImportError {
    ImportError::Write {
        path: dir.to_owned(),
        source,
    }
}

fn read_error(path: &Path, source: io::Error) -> ImportError {
    ImportError::Read {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use std::collections::BTreeMap;
    use std::io::Write;

    use super::*;
    use crate::advisory::database::Database;
    use crate::component::Ecosystem;

    fn record(id: &str, modified: &str, affected: Value) -> Value {
        json!({"id": id, "modified": modified, "details": "kept", "affected": affected})
    }

    fn package(ecosystem: &str, name: &str) -> Value {
        json!({"package": {"ecosystem": ecosystem, "name": name}, "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}]})
    }

    const EARLY: &str = "2024-01-01T00:00:00Z";
    const LATE: &str = "2024-01-01T00:00:00.5Z";

    fn archive(path: &Path, files: &[(&str, &[u8])]) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut writer = ZipWriter::new(File::create(path).unwrap());
        for (name, bytes) in files {
            writer
                .start_file(*name, SimpleFileOptions::default())
                .unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap();
    }

    fn ids(database: &Database, ecosystem: Ecosystem, name: &str) -> Vec<String> {
        let encoded = database.advisories(ecosystem, name).unwrap();
        let advisories = encoded.decode().unwrap();
        advisories.into_iter().map(|a| a.id.to_owned()).collect()
    }

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn import_quietly(source: &Path, dir: &Path) -> Result<ImportSummary, ImportError> {
        import(source, "test", dir, &mut || {}, &mut |_| {})
    }

    fn import_records(records: &[Value]) -> (tempfile::TempDir, ImportSummary, Database) {
        let dir = tempfile::tempdir().unwrap();
        let source = dir.path().join("source/deep");
        fs::create_dir_all(&source).unwrap();
        for (i, record) in records.iter().enumerate() {
            fs::write(source.join(format!("{i}.json")), record.to_string()).unwrap();
        }
        let summary = import_quietly(&dir.path().join("source"), dir.path()).unwrap();
        let database = Database::open(dir.path()).unwrap().unwrap();
        (dir, summary, database)
    }

    #[test]
    fn a_bucket_and_one_archive_and_a_folder_of_records_are_sources() {
        let dir = tempfile::tempdir().unwrap();
        let one = record("X-1", EARLY, json!([package("npm", "left")])).to_string();
        let two = record("X-2", LATE, json!([package("PyPI", "Right_Pad")])).to_string();
        let bucket = dir.path().join("bucket");
        archive(
            &bucket.join("npm/all.zip"),
            &[("X-1.json", one.as_bytes()), ("README", b"x")],
        );
        archive(
            &bucket.join("PyPI/all.zip"),
            &[("X-2.json", two.as_bytes())],
        );
        fs::write(bucket.join("ecosystems.txt"), "npm").unwrap();
        let folder = dir.path().join("folder");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("X-1.json"), &one).unwrap();

        let target = dir.path().join("new/target");
        let mut seen = Vec::new();
        let summary = import(&bucket, "bucket", &target, &mut || {}, &mut |p| {
            seen.push((p.read, p.total))
        })
        .unwrap();
        assert_eq!(seen, [(1, 1), (1, 1)]);
        assert_eq!(summary.description.advisories, 2);
        assert_eq!(summary.description.updated(), Some(LATE));
        let database = Database::open(&target).unwrap().unwrap();
        assert_eq!(database.description(), Some(&summary.description));
        let ecosystems = BTreeMap::from([("npm".to_owned(), 1), ("PyPI".to_owned(), 1)]);
        assert_eq!(database.info().ecosystems, ecosystems);
        assert_eq!(ids(&database, Ecosystem::PyPi, "right.pad"), ["X-2"]);

        // Another import replaces the first.
        for source in [bucket.join("npm/all.zip"), folder] {
            import_quietly(&source, &target).unwrap();
            let database = Database::open(&target).unwrap().unwrap();
            assert_eq!(ids(&database, Ecosystem::Npm, "left"), ["X-1"]);
            assert!(ids(&database, Ecosystem::PyPi, "right-pad").is_empty());
        }
        assert_eq!(names(&target), ["fnaudit.db", "fnaudit.lock"]);
    }

    #[test]
    fn each_package_gets_its_part_of_a_record_and_all_ecosystems_are_kept() {
        let affected = json!([
            package("npm", "a"),
            package("npm", "b"),
            package("Debian:12", "a"),
            package("npm", "a")
        ]);
        let (_dir, summary, database) = import_records(&[record("X-1", EARLY, affected)]);
        let entries = |name| {
            let encoded = database.advisories(Ecosystem::Npm, name).unwrap();
            let advisories = encoded.decode().unwrap();
            advisories
                .iter()
                .map(|a| a.affected.len())
                .collect::<Vec<_>>()
        };
        assert_eq!(entries("a"), [2]);
        assert_eq!(entries("b"), [1]);
        assert!(entries("A").is_empty());
        let ecosystems = BTreeMap::from([("Debian".to_owned(), 1), ("npm".to_owned(), 1)]);
        assert_eq!(summary.description.ecosystems, ecosystems);
        assert_eq!(summary.description.advisories, 1);
        let store = Store::open(&summary.path).unwrap().unwrap();
        let entry = store.id("X-1").unwrap().unwrap().record.unwrap();
        let record = store.record(entry.place).unwrap();
        assert!(
            String::from_utf8(record)
                .unwrap()
                .contains(r#""details":"kept""#)
        );
    }

    #[test]
    fn of_records_with_one_id_the_newest_counts() {
        let older = record("X-1", EARLY, json!([package("npm", "old")]));
        let newer = record("X-1", LATE, json!([package("npm", "new")]));
        for records in [[older.clone(), newer.clone()], [newer, older]] {
            let (_dir, summary, database) = import_records(&records);
            assert_eq!(summary.description.advisories, 1);
            assert_eq!(ids(&database, Ecosystem::Npm, "new"), ["X-1"]);
            assert!(ids(&database, Ecosystem::Npm, "old").is_empty());
        }
    }

    #[test]
    fn withdrawn_records_are_left_out_even_where_an_older_one_was_not() {
        let mut gone = record("X-1", LATE, json!([package("npm", "a")]));
        gone["withdrawn"] = json!(LATE);
        let (_dir, summary, database) = import_records(&[
            record("X-1", EARLY, json!([package("npm", "a")])),
            gone,
            record("X-2", EARLY, json!([package("npm", "a")])),
            record("X-3", EARLY, json!([{"ranges": []}])),
        ]);
        assert_eq!(ids(&database, Ecosystem::Npm, "a"), ["X-2"]);
        assert_eq!(
            (summary.counts.withdrawn, summary.counts.without_package),
            (1, 1)
        );
        assert_eq!(summary.description.advisories, 1);
    }

    #[test]
    fn bad_records_are_counted_and_named() {
        let dir = tempfile::tempdir().unwrap();
        let good = record("X-1", EARLY, json!([package("npm", "a")])).to_string();
        let (open, close) = ("[".repeat(1_000), "]".repeat(1_000));
        let deep = format!(r#"{{"id": "X-2", "database_specific": {open}{close}}}"#);
        let huge = vec![b' '; MAX_RECORD_BYTES as usize + 1];
        let source = dir.path().join("all.zip");
        archive(
            &source,
            &[
                ("deep.json", deep.as_bytes()),
                ("good.json", good.as_bytes()),
                ("huge.json", &huge),
                ("other.json", br#"{"name": "left", "version": "1.0.0"}"#),
                ("text.json", b"hello"),
            ],
        );
        let summary = import_quietly(&source, dir.path()).unwrap();
        assert_eq!(summary.description.advisories, 1);
        assert_eq!((summary.counts.unreadable, summary.counts.damaged), (3, 1));
        let shown = summary.counts.unreadable_shown.join("\n");
        for part in [
            "deep.json: recursion limit",
            "huge.json: it is larger",
            "other.json: missing field `id`",
            "text.json: expected value",
        ] {
            assert!(shown.contains(part), "{shown}");
        }
    }

    #[test]
    fn a_failure_leaves_no_trace() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::create_dir(path("empty")).unwrap();
        fs::write(path("text.zip"), "no archive").unwrap();
        archive(&path("none.zip"), &[("README", b"x")]);
        archive(&path("bad.zip"), &[("a.json", b"{}")]);
        for (source, message) in [
            ("missing", "cannot read "),
            ("empty", "there are no advisories in "),
            ("none.zip", "there are no advisories in "),
            ("text.zip", "is cut or damaged"),
            ("bad.zip", "none of the 1 records in "),
        ] {
            let error = import_quietly(&path(source), &path("target"))
                .unwrap_err()
                .to_string();
            assert!(error.contains(message) && !error.contains('\n'), "{error}");
            assert!(source == "missing" || error.ends_with(HINT), "{error}");
            assert!(!path("target/fnaudit.db").exists(), "{source}");
        }

        let good = record("X-1", EARLY, json!([package("npm", "a")])).to_string();
        archive(&path("good.zip"), &[("X-1.json", good.as_bytes())]);
        import_quietly(&path("good.zip"), &path("target")).unwrap();
        let before = fs::read(path("target/fnaudit.db")).unwrap();
        import_quietly(&path("bad.zip"), &path("target")).unwrap_err();
        assert_eq!(fs::read(path("target/fnaudit.db")).unwrap(), before);
        assert_eq!(names(&path("target")), ["fnaudit.db", "fnaudit.lock"]);
    }
}
