//! Makes the database file from OSV's export: <https://google.github.io/osv.dev/data/>.
//!
//! The records are read one by one and their parts written to a temporary file, so that memory holds
//! only where they are; then the parts of each package are put together.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use walkdir::WalkDir;
use zip::ZipArchive;

use crate::advisory::database::{self, DatabaseInfo, DatabaseKind};
use crate::advisory::osv::Record;
use crate::advisory::store::{self, Writer};
use crate::component::Ecosystem;

/// OSV's largest records are a few megabytes.
const MAX_RECORD_BYTES: u64 = 16 << 20;
const MAX_UNREADABLE_SHOWN: usize = 5;
/// How many records pass between two words of progress.
const PROGRESS_STEP: usize = 256;

/// How far an import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportProgress<'a> {
    /// The archive or folder that is being read.
    pub source: &'a Path,
    /// How many of its records were read, of how many where that is known.
    pub read: usize,
    pub total: Option<usize>,
}

/// What an import did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportSummary {
    pub path: PathBuf,
    pub info: DatabaseInfo,
    pub withdrawn: usize,
    /// Records about something that is in no ecosystem, such as a repository.
    pub without_package: usize,
    pub unreadable: usize,
    /// The first few of the unreadable, each with the reason.
    pub unreadable_shown: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write the advisory database to {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("{} is not a readable zip archive: {source}; {HINT}", path.display())]
    Archive {
        path: PathBuf,
        source: zip::result::ZipError,
    },
    #[error("there are no advisories in {}; {HINT}", path.display())]
    Nothing { path: PathBuf },
    #[error("none of the {count} records in {} is an OSV record ({first}); {HINT}", path.display())]
    NothingReadable {
        path: PathBuf,
        count: usize,
        first: String,
    },
}

const HINT: &str = "give a folder laid out like OSV's bucket (ECOSYSTEM/all.zip), one all.zip, or a folder of OSV records as JSON";

/// Reads `source` and replaces the database in `dir`, all or nothing.
pub fn import(
    source: &Path,
    dir: &Path,
    progress: &mut dyn FnMut(ImportProgress),
) -> Result<ImportSummary, ImportError> {
    let existed = dir.exists();
    fs::create_dir_all(dir).map_err(|e| write_error(dir, e))?;
    let imported = read_and_write(source, dir, progress);
    if imported.is_err() && !existed {
        // Best effort: the error that led here is the one to report.
        let _ = fs::remove_dir(dir);
    }
    imported
}

fn read_and_write(
    source: &Path,
    dir: &Path,
    progress: &mut dyn FnMut(ImportProgress),
) -> Result<ImportSummary, ImportError> {
    let spool = tempfile::tempfile_in(dir).map_err(|e| write_error(dir, e))?;
    let mut parts = Parts::new(spool, dir);
    read_source(source, &mut parts, progress)?;
    parts.check(source)?;
    parts.write().map_err(|e| write_error(dir, e))
}

fn read_source(
    source: &Path,
    parts: &mut Parts,
    progress: &mut dyn FnMut(ImportProgress),
) -> Result<(), ImportError> {
    let metadata = fs::metadata(source).map_err(|e| read_error(source, e))?;
    if metadata.is_file() {
        return read_archive(source, parts, progress);
    }
    let mut read = 0;
    for entry in WalkDir::new(source).sort_by_file_name() {
        let entry = entry.map_err(|e| read_error(source, e.into()))?;
        if !entry.file_type().is_file() {
            continue;
        }
        let path = entry.path();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("zip") => read_archive(path, parts, progress)?,
            Some("json") => {
                let bytes = File::open(path).and_then(read_capped);
                parts.add(&path.display().to_string(), bytes)?;
                read += 1;
                if read % PROGRESS_STEP == 0 {
                    let total = None;
                    progress(ImportProgress {
                        source,
                        read,
                        total,
                    });
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn read_archive(
    path: &Path,
    parts: &mut Parts,
    progress: &mut dyn FnMut(ImportProgress),
) -> Result<(), ImportError> {
    let archive_error = |source| ImportError::Archive {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(|e| read_error(path, e))?;
    let mut archive = ZipArchive::new(io::BufReader::new(file)).map_err(archive_error)?;
    let total = Some(archive.len());
    for i in 0..archive.len() {
        if i % PROGRESS_STEP == 0 {
            let source = path;
            progress(ImportProgress {
                source,
                read: i,
                total,
            });
        }
        match archive.by_index(i) {
            Ok(entry) => {
                let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
                if name.ends_with(".json") {
                    let name = format!("{}!/{}", path.display(), name.escape_debug());
                    parts.add(&name, read_capped(entry))?;
                }
            }
            Err(error) => parts.unreadable(format!("{}: entry {i}: {error}", path.display())),
        }
    }
    let read = archive.len();
    progress(ImportProgress {
        source: path,
        read,
        total,
    });
    Ok(())
}

fn read_capped(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(MAX_RECORD_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_RECORD_BYTES {
        return Err(io::Error::other("it is larger than any OSV record"));
    }
    Ok(bytes)
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

/// What was read so far: each record's part for each of its packages, in a temporary file.
struct Parts<'a> {
    spool: BufWriter<File>,
    spooled: u64,
    /// Where the database goes.
    dir: &'a Path,
    /// By package, under [`store::key`].
    packages: BTreeMap<Vec<u8>, Vec<Part>>,
    /// By advisory id.
    newest: HashMap<String, Reading>,
    readings: usize,
    unreadable: usize,
    unreadable_shown: Vec<String>,
}

#[derive(Clone, Copy)]
struct Part {
    reading: usize,
    offset: u64,
    length: usize,
}

/// One of perhaps several records of the same id.
struct Reading {
    /// Tells it from the others.
    number: usize,
    modified: String,
    withdrawn: bool,
    has_package: bool,
}

impl<'a> Parts<'a> {
    fn new(spool: File, dir: &'a Path) -> Self {
        Parts {
            spool: BufWriter::new(spool),
            spooled: 0,
            dir,
            packages: BTreeMap::new(),
            newest: HashMap::new(),
            readings: 0,
            unreadable: 0,
            unreadable_shown: Vec::new(),
        }
    }

    fn unreadable(&mut self, message: String) {
        self.unreadable += 1;
        if self.unreadable_shown.len() < MAX_UNREADABLE_SHOWN {
            self.unreadable_shown.push(message);
        }
    }

    /// Takes in a record, unless a newer one of its id is known.
    fn add(&mut self, name: &str, bytes: io::Result<Vec<u8>>) -> Result<(), ImportError> {
        let parsed = bytes.map_err(|e| e.to_string()).and_then(|bytes| {
            let record: Record = serde_json::from_slice(&bytes).map_err(|e| e.to_string())?;
            let fields = serde_json::from_slice(&bytes).map_err(|e| e.to_string())?;
            Ok((record, fields))
        });
        let (record, fields) = match parsed {
            Ok(parsed) => parsed,
            Err(error) => {
                self.unreadable(format!("{name}: {error}"));
                return Ok(());
            }
        };
        if let Some(known) = self.newest.get(&record.id)
            && database::sortable(&known.modified) >= database::sortable(&record.modified)
        {
            return Ok(());
        }
        let number = self.readings;
        self.readings += 1;
        let withdrawn = record.is_withdrawn();
        let has_package = !withdrawn
            && self
                .spool_parts(number, fields)
                .map_err(|e| write_error(self.dir, e))?;
        let reading = Reading {
            number,
            modified: record.modified,
            withdrawn,
            has_package,
        };
        self.newest.insert(record.id, reading);
        Ok(())
    }

    /// Writes the record once for each of its packages; says whether it has any.
    fn spool_parts(&mut self, reading: usize, mut fields: Map<String, Value>) -> io::Result<bool> {
        let mut of_package: BTreeMap<Vec<u8>, Vec<Value>> = BTreeMap::new();
        if let Some(Value::Array(affected)) = fields.remove("affected") {
            for entry in affected {
                if let Some(key) = package_key(&entry) {
                    of_package.entry(key).or_default().push(entry);
                }
            }
        }
        let has_package = !of_package.is_empty();
        for (key, affected) in of_package {
            fields.insert("affected".to_owned(), Value::Array(affected));
            let text = serde_json::to_vec(&fields)?;
            self.spool.write_all(&text)?;
            self.packages.entry(key).or_default().push(Part {
                reading,
                offset: self.spooled,
                length: text.len(),
            });
            self.spooled += text.len() as u64;
        }
        Ok(has_package)
    }

    /// Refuses a source in which nothing was an advisory.
    fn check(&self, source: &Path) -> Result<(), ImportError> {
        let path = source.to_owned();
        match self.unreadable_shown.first() {
            _ if !self.newest.is_empty() => Ok(()),
            Some(first) => Err(ImportError::NothingReadable {
                path,
                count: self.unreadable,
                first: first.clone(),
            }),
            None => Err(ImportError::Nothing { path }),
        }
    }

    fn write(mut self) -> io::Result<ImportSummary> {
        let spool = self.spool.into_inner().map_err(|e| e.into_error())?;
        let live: BTreeSet<usize> = self.newest.values().map(|reading| reading.number).collect();
        self.packages.retain(|_, parts| {
            parts.retain(|part| live.contains(&part.reading));
            !parts.is_empty()
        });
        let of = |wanted: fn(&Reading) -> bool| self.newest.values().filter(|r| wanted(r)).count();
        let info = DatabaseInfo {
            kind: DatabaseKind::Full,
            advisories: of(|r| r.has_package),
            updated: newest_change(self.newest.values()),
            ecosystems: count_by_ecosystem(&self.packages),
        };

        let mut file = new_file(self.dir)?;
        let mut writer = Writer::new(BufWriter::new(file.as_file_mut()))?;
        for (key, parts) in &self.packages {
            writer.add(key, &join_parts(&spool, parts)?)?;
        }
        writer.finish(&info)?;
        file.as_file().sync_all()?;
        let path = self.dir.join(store::FILE_NAME);
        file.persist(&path)?;
        Ok(ImportSummary {
            path,
            info,
            withdrawn: of(|r| r.withdrawn),
            without_package: of(|r| !r.withdrawn && !r.has_package),
            unreadable: self.unreadable,
            unreadable_shown: self.unreadable_shown,
        })
    }
}

/// The key of the package that an `affected` entry is about.
fn package_key(affected: &Value) -> Option<Vec<u8>> {
    let package = affected.get("package")?;
    let text = |field| {
        package
            .get(field)?
            .as_str()
            .filter(|text: &&str| !text.is_empty())
    };
    let (ecosystem, name) = (text("ecosystem")?, text("name")?);
    let ecosystem = ecosystem
        .split_once(':')
        .map_or(ecosystem, |(name, _release)| name);
    Some(match Ecosystem::from_osv(ecosystem) {
        Some(known) => store::key(ecosystem, &known.normalize_name(name)),
        None => store::key(ecosystem, name),
    })
}

fn newest_change<'a>(readings: impl Iterator<Item = &'a Reading>) -> Option<String> {
    readings
        .map(|reading| reading.modified.as_str())
        .filter(|modified| database::is_timestamp(modified))
        .max_by_key(|modified| database::sortable(modified))
        .map(str::to_owned)
}

fn count_by_ecosystem(packages: &BTreeMap<Vec<u8>, Vec<Part>>) -> BTreeMap<String, usize> {
    let mut readings: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for (key, parts) in packages {
        let ecosystem = key.split(|&b| b == 0).next().unwrap_or_default();
        let ecosystem = String::from_utf8_lossy(ecosystem).into_owned();
        let numbers = parts.iter().map(|part| part.reading);
        readings.entry(ecosystem).or_default().extend(numbers);
    }
    let counted = readings
        .into_iter()
        .map(|(ecosystem, set)| (ecosystem, set.len()));
    counted.collect()
}

/// A temporary file beside the database, readable by whom the user's umask lets.
fn new_file(dir: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.prefix(store::FILE_NAME).tempfile_in(dir)
}

/// The JSON array of a package's records.
fn join_parts(spool: &File, parts: &[Part]) -> io::Result<Vec<u8>> {
    let mut blob = Vec::with_capacity(parts.iter().map(|part| part.length + 1).sum());
    for part in parts {
        blob.push(if blob.is_empty() { b'[' } else { b',' });
        let start = blob.len();
        blob.resize(start + part.length, 0);
        store::read_exact_at(spool, &mut blob[start..], part.offset)?;
    }
    blob.push(b']');
    Ok(blob)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;
    use crate::advisory::database::Database;

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
        let records = database.records(ecosystem, name).unwrap();
        records.into_iter().map(|record| record.id).collect()
    }

    fn import_quietly(source: &Path, dir: &Path) -> Result<ImportSummary, ImportError> {
        import(source, dir, &mut |_| {})
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
        let summary = import(&bucket, &target, &mut |p| seen.push((p.read, p.total))).unwrap();
        assert_eq!(
            seen,
            [(0, Some(1)), (1, Some(1)), (0, Some(2)), (2, Some(2))]
        );
        assert_eq!(summary.info.advisories, 2);
        assert_eq!(summary.info.updated.as_deref(), Some(LATE));
        let database = Database::open(&target).unwrap().unwrap();
        assert_eq!(database.info(), &summary.info);
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
        assert_eq!(fs::read_dir(&target).unwrap().count(), 1);
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
        let records = database.records(Ecosystem::Npm, "a").unwrap();
        assert_eq!((records.len(), records[0].affected.len()), (1, 2));
        assert_eq!(
            database.records(Ecosystem::Npm, "b").unwrap()[0]
                .affected
                .len(),
            1
        );
        assert!(database.records(Ecosystem::Npm, "A").unwrap().is_empty());
        let ecosystems = BTreeMap::from([("Debian".to_owned(), 1), ("npm".to_owned(), 1)]);
        assert_eq!(summary.info.ecosystems, ecosystems);
        assert_eq!(summary.info.advisories, 1);
        let file = fs::read(&summary.path).unwrap();
        assert!(file.windows(16).any(|w| w == br#""details":"kept""#));
    }

    #[test]
    fn of_records_with_one_id_the_newest_counts() {
        let older = record("X-1", EARLY, json!([package("npm", "old")]));
        let newer = record("X-1", LATE, json!([package("npm", "new")]));
        for records in [[older.clone(), newer.clone()], [newer, older]] {
            let (_dir, summary, database) = import_records(&records);
            assert_eq!(summary.info.advisories, 1);
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
        assert_eq!((summary.withdrawn, summary.without_package), (1, 1));
        assert_eq!(summary.info.advisories, 1);
    }

    #[test]
    fn bad_records_are_counted_and_named() {
        let dir = tempfile::tempdir().unwrap();
        let good = record("X-1", EARLY, json!([package("npm", "a")])).to_string();
        let (open, close) = ("[".repeat(1_000), "]".repeat(1_000));
        let deep = format!(r#"{{"id": "X-2", "new": {open}{close}}}"#);
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
        assert_eq!((summary.info.advisories, summary.unreadable), (1, 4));
        let shown = summary.unreadable_shown.join("\n");
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
            ("text.zip", "is not a readable zip archive"),
            ("bad.zip", "none of the 1 records in "),
        ] {
            let error = import_quietly(&path(source), &path("target"))
                .unwrap_err()
                .to_string();
            assert!(error.contains(message) && !error.contains('\n'), "{error}");
            assert!(source == "missing" || error.ends_with(HINT), "{error}");
            assert!(!path("target").exists(), "{source}");
        }

        let good = record("X-1", EARLY, json!([package("npm", "a")])).to_string();
        archive(&path("good.zip"), &[("X-1.json", good.as_bytes())]);
        import_quietly(&path("good.zip"), &path("target")).unwrap();
        let before = fs::read(path("target/fnaudit.db")).unwrap();
        import_quietly(&path("bad.zip"), &path("target")).unwrap_err();
        assert_eq!(fs::read(path("target/fnaudit.db")).unwrap(), before);
        assert_eq!(fs::read_dir(path("target")).unwrap().count(), 1);
    }
}
