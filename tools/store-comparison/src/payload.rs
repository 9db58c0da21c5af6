//! What every store holds, staged once in sorted files so that no store pays for reading the export.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use zip::ZipArchive;

use crate::Result;

pub type Row = (Vec<u8>, Vec<u8>);

/// The folder with the staged rows.
pub struct Stage(pub PathBuf);

/// What the report needs to know of the export.
pub struct Source {
    pub packages: usize,
    pub records: usize,
    pub zip_bytes: u64,
}

impl Stage {
    /// `ecosystem\0name` and what matching needs of the package's advisories.
    pub fn packages(&self) -> io::Result<impl Iterator<Item = Row>> {
        read_rows(&self.0.join("packages"))
    }

    /// An advisory's id and the whole record.
    pub fn records(&self) -> io::Result<impl Iterator<Item = Row>> {
        read_rows(&self.0.join("records"))
    }

    /// The keys to look up.
    pub fn keys(&self) -> io::Result<Vec<Vec<u8>>> {
        Ok(read_rows(&self.0.join("keys"))?
            .map(|(key, _)| key)
            .collect())
    }

    /// The id of the record to look up, of the middle of the records.
    pub fn id(&self) -> io::Result<Vec<u8>> {
        fs::read(self.0.join("id"))
    }

    pub fn write(&self, export: &Path) -> Result<Source> {
        let mut packages: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        let mut records: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        let (mut made, mut real) = (Vec::new(), Vec::new());
        let mut zip_bytes = 0;
        for ecosystem in fs::read_to_string(export.join("ecosystems.txt"))?.lines() {
            let path = export.join(ecosystem).join("all.zip");
            zip_bytes += fs::metadata(&path)?.len();
            let mut archive = ZipArchive::new(BufReader::new(File::open(path)?))?;
            for index in 0..archive.len() {
                let mut text = Vec::new();
                archive.by_index(index)?.read_to_end(&mut text)?;
                let record: Value = serde_json::from_slice(&text)?;
                let id = record["id"].as_str().unwrap_or_default();
                for (key, compact) in compact(&record) {
                    let names = if id.starts_with("MAL-") {
                        &mut made
                    } else {
                        &mut real
                    };
                    names.push(key.clone());
                    let rows = packages.entry(key).or_default();
                    serde_json::to_writer(&mut *rows, &compact)?;
                    rows.push(b'\n');
                }
                records.insert(id.into(), text);
            }
        }
        let absent: Vec<_> = spread(&made, 125)
            .chain(spread(&real, 125))
            .map(|key| [key, b"-is-not-there"].concat())
            .collect();
        let keys = spread(&made, 250).chain(spread(&real, 500));
        let keys = keys.chain(absent.iter().map(Vec::as_slice));
        write_rows(&self.0.join("keys"), keys.map(|key| (key, &[][..])))?;
        let middle = records
            .keys()
            .nth(records.len() / 2)
            .ok_or("the export is empty")?;
        fs::write(self.0.join("id"), middle)?;
        for (name, rows) in [("packages", &packages), ("records", &records)] {
            let rows = rows.iter().map(|(key, value)| (&key[..], &value[..]));
            write_rows(&self.0.join(name), rows)?;
        }
        Ok(Source {
            packages: packages.len(),
            records: records.len(),
            zip_bytes,
        })
    }
}

/// That many of the keys, from all over them.
fn spread(keys: &[Vec<u8>], count: usize) -> impl Iterator<Item = &[u8]> {
    let step = (keys.len() / count).max(1);
    keys.iter().step_by(step).take(count).map(Vec::as_slice)
}

/// The part of a record that matching needs, for each package that it affects.
fn compact(record: &Value) -> BTreeMap<Vec<u8>, Value> {
    let mut head = keep(
        record,
        &["id", "aliases", "summary", "severity", "withdrawn"],
    );
    head.insert("database_specific".into(), keep_severity(record));
    let mut packages: BTreeMap<Vec<u8>, Value> = BTreeMap::new();
    for affected in record["affected"].as_array().into_iter().flatten() {
        let package = &affected["package"];
        let (Some(ecosystem), Some(name)) =
            (package["ecosystem"].as_str(), package["name"].as_str())
        else {
            continue;
        };
        let mut part = keep(affected, &["ranges", "versions", "severity"]);
        part.insert("database_specific".into(), keep_severity(affected));
        let row = packages
            .entry([ecosystem, name].join("\0").into())
            .or_insert_with(|| {
                let mut row = head.clone();
                row.insert("affected".into(), Value::Array(Vec::new()));
                row.into()
            });
        if let Some(parts) = row["affected"].as_array_mut() {
            parts.push(part.into());
        }
    }
    packages
}

fn keep(value: &Value, fields: &[&str]) -> Map<String, Value> {
    let kept = fields
        .iter()
        .filter_map(|field| Some(((*field).to_owned(), value.get(field)?.clone())));
    kept.collect()
}

fn keep_severity(value: &Value) -> Value {
    keep(
        &value["database_specific"],
        &["severity", "cwe_ids", "cwes"],
    )
    .into()
}

fn write_rows<'a>(path: &Path, rows: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for (key, value) in rows {
        for part in [key, value] {
            file.write_all(&(part.len() as u32).to_le_bytes())?;
        }
        file.write_all(key)?;
        file.write_all(value)?;
    }
    file.flush()
}

/// The rows of a file of ours; it ends where the next length is missing.
fn read_rows(path: &Path) -> io::Result<impl Iterator<Item = Row> + use<>> {
    let mut file = BufReader::new(File::open(path)?);
    Ok(std::iter::from_fn(move || {
        let mut lengths = [0; 8];
        file.read_exact(&mut lengths).ok()?;
        let [key, value] = [0, 4].map(|at| {
            u32::from_le_bytes([
                lengths[at],
                lengths[at + 1],
                lengths[at + 2],
                lengths[at + 3],
            ])
        });
        let mut row = (vec![0; key as usize], vec![0; value as usize]);
        file.read_exact(&mut row.0).ok()?;
        file.read_exact(&mut row.1).ok()?;
        Some(row)
    }))
}
