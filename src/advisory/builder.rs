//! Makes a database file of OSV records.
//!
//! Records come one batch after the other. What matching needs of each goes to a temporary file, the record
//! itself to the database, so that memory holds only where they are; then the parts of each package are put
//! together.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufWriter, Write};

use jiff::Timestamp;
use rayon::prelude::*;

use crate::advisory::compiled::Advisory;
use crate::advisory::database::{self, Description};
use crate::advisory::folder::{Folder, NewFile};
use crate::advisory::osv::{self, Record};
use crate::advisory::store::records::{BLOCK_BYTES, PackedBlock, Place, Records};
use crate::advisory::store::{self, IdEntry, RecordEntry, Store, Writer};
use crate::artifact::source::Source;
use crate::component::Ecosystem;

/// OSV's largest records are a few megabytes.
pub const MAX_RECORD_BYTES: u64 = 16 << 20;
/// How many bytes of records are read before what was read is taken in.
const BATCH_BYTES: u64 = 4 << 20;
/// How many full blocks wait to be packed together.
const PENDING_BLOCKS: usize = 16;
const MAX_UNREADABLE_SHOWN: usize = 5;

/// What was taken in and what was not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records that say of themselves that they no longer hold.
    pub withdrawn: usize,
    /// Records about something that is in no ecosystem, such as a repository.
    pub without_package: usize,
    /// Records that are no OSV records.
    pub unreadable: usize,
    /// Records whose bytes could not be read.
    pub damaged: usize,
    /// The first few of the unreadable and damaged, each with the reason.
    pub unreadable_shown: Vec<String>,
}

/// A database file on its way.
pub struct Builder {
    file: NewFile,
    writer: Writer<BufWriter<File>>,
    spool: BufWriter<File>,
    spooled: u64,
    /// The block that is being filled, and its number.
    block: Vec<u8>,
    number: u32,
    full: Vec<Vec<u8>>,
    /// By package, under [`store::key`].
    packages: BTreeMap<Box<[u8]>, Vec<Part>>,
    /// By advisory id.
    newest: HashMap<Box<str>, Reading>,
    readings: u32,
    counts: Counts,
}

/// A record's part for one package, in the temporary file.
#[derive(Clone, Copy)]
struct Part {
    reading: u32,
    length: u32,
    offset: u64,
}

/// One of perhaps several records of the same id.
struct Reading {
    /// Tells it from the others.
    number: u32,
    place: Place,
    modified: Box<str>,
    aliases: Box<[Box<str>]>,
    withdrawn: bool,
    has_package: bool,
}

/// A record as it was read, with what is to be stored of it.
struct Parsed {
    json: Vec<u8>,
    id: String,
    modified: String,
    aliases: Vec<String>,
    withdrawn: bool,
    parts: Vec<PackagePart>,
}

/// A package's key, and what is stored for it.
type PackagePart = (Vec<u8>, Vec<u8>);

enum Read {
    Parsed(Parsed),
    /// A record of another kind than is asked for.
    Unasked,
    Unreadable(String),
    Damaged(String),
}

impl Builder {
    pub fn new(folder: &Folder) -> io::Result<Self> {
        let file = folder.new_file()?;
        Ok(Builder {
            writer: Writer::new(BufWriter::new(file.file().try_clone()?))?,
            file,
            spool: BufWriter::new(tempfile::tempfile_in(folder.path())?),
            spooled: 0,
            block: Vec::new(),
            number: 0,
            full: Vec::new(),
            packages: BTreeMap::new(),
            newest: HashMap::new(),
            readings: 0,
            counts: Counts::default(),
        })
    }

    /// Whether any record was taken in.
    pub fn is_empty(&self) -> bool {
        self.newest.is_empty()
    }

    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Counts something that is no record and should have been one.
    pub fn add_damaged(&mut self, message: String) {
        self.counts.damaged += 1;
        self.show(message);
    }

    fn show(&mut self, message: String) {
        if self.counts.unreadable_shown.len() < MAX_UNREADABLE_SHOWN {
            self.counts.unreadable_shown.push(message);
        }
    }

    /// Takes in a record from each item, unless a newer one of its id is known. `size` says how much memory it
    /// takes at most, `name` is for messages. `on_read` is told how many items were read.
    pub fn add_all<I: Sync>(
        &mut self,
        items: &[I],
        size: impl Fn(&I) -> u64,
        name: impl Fn(&I) -> String + Sync,
        read: impl Fn(&I) -> io::Result<Vec<u8>> + Sync,
        on_read: &mut dyn FnMut(usize),
    ) -> io::Result<()> {
        let mut done = 0;
        while done < items.len() {
            let mut bytes = 0;
            let rest = &items[done..];
            // The first goes in however large it is.
            let fits = |item: &&I| {
                let fits = bytes < BATCH_BYTES;
                bytes += size(item);
                fits
            };
            let batch = &rest[..rest.iter().take_while(fits).count()];
            let parsed: Vec<Read> = batch
                .par_iter()
                .map(|item| parse(|| name(item), read(item), &|_| true))
                .collect();
            self.take_in(parsed)?;
            done += batch.len();
            on_read(done);
        }
        Ok(())
    }

    /// Takes in those records of another database that are asked for. What cannot be read of it is damage, as what
    /// could not be read was never put there.
    pub fn add_store(
        &mut self,
        store: &Store,
        asked: &(dyn Fn(&Record) -> bool + Sync),
        on_read: &mut dyn FnMut(usize),
    ) -> Result<(), StoreError> {
        let mut blocks: Vec<Vec<Place>> = vec![Vec::new(); store.record_blocks()?];
        for id in store.ids()? {
            let (_, entry) = id?;
            if let Some(record) = entry.record {
                let block = blocks.get_mut(record.place.block as usize);
                block
                    .ok_or(store.damaged(store::Damage("an id")))?
                    .push(record.place);
            }
        }
        let mut done = 0;
        for (number, mut places) in (0..).zip(blocks) {
            let block = store.record_block(number)?;
            places.sort_unstable_by_key(|place| place.offset);
            let parsed: Vec<Read> = places
                .par_iter()
                .map(|&place| {
                    let json = Records::cut(&block, place).map(<[u8]>::to_owned);
                    let json = json.map_err(|_| io::ErrorKind::InvalidData.into());
                    parse(String::new, json, asked)
                })
                .collect();
            let is_lost = |read: &Read| matches!(read, Read::Unreadable(_) | Read::Damaged(_));
            if parsed.iter().any(is_lost) {
                return Err(store.damaged(store::Damage("a record")).into());
            }
            done += parsed.len();
            self.take_in(parsed)?;
            on_read(done);
        }
        Ok(())
    }

    fn take_in(&mut self, batch: Vec<Read>) -> io::Result<()> {
        for read in batch {
            match read {
                Read::Parsed(parsed) => self.add(parsed)?,
                Read::Unasked => {}
                Read::Damaged(message) => self.add_damaged(message),
                Read::Unreadable(message) => {
                    self.counts.unreadable += 1;
                    self.show(message);
                }
            }
        }
        if self.full.len() >= PENDING_BLOCKS {
            self.pack()?;
        }
        Ok(())
    }

    fn add(&mut self, record: Parsed) -> io::Result<()> {
        if let Some(known) = self.newest.get(record.id.as_str())
            && database::sortable(&known.modified) >= database::sortable(&record.modified)
        {
            return Ok(());
        }
        let number = self.readings;
        self.readings += 1;
        let place = self.add_to_block(&record.json)?;
        let has_package = !record.parts.is_empty();
        // What stays is copied: kept where the workers allocated it, it would lie scattered over all the memory
        // that they use in passing, and none of that could be given back or used again.
        for (key, part) in &record.parts {
            self.spool.write_all(part)?;
            let placed = Part {
                reading: number,
                length: part.len() as u32,
                offset: self.spooled,
            };
            match self.packages.get_mut(key.as_slice()) {
                Some(parts) => parts.push(placed),
                None => {
                    self.packages.insert(key.as_slice().into(), vec![placed]);
                }
            }
            self.spooled += part.len() as u64;
        }
        let reading = Reading {
            number,
            place,
            modified: record.modified.as_str().into(),
            aliases: record.aliases.iter().map(|a| a.as_str().into()).collect(),
            withdrawn: record.withdrawn,
            has_package,
        };
        self.newest.insert(record.id.as_str().into(), reading);
        Ok(())
    }

    /// A record may be larger than a block, and never larger than [`MAX_RECORD_BYTES`].
    fn add_to_block(&mut self, json: &[u8]) -> io::Result<Place> {
        let place = Place {
            block: self.number,
            offset: self.block.len() as u32,
            length: json.len() as u32,
        };
        self.block.extend(json);
        if self.block.len() >= BLOCK_BYTES {
            self.full.push(std::mem::take(&mut self.block));
            self.number += 1;
        }
        Ok(place)
    }

    /// Packs the full blocks and writes them.
    fn pack(&mut self) -> io::Result<()> {
        let full = std::mem::take(&mut self.full);
        let packed: io::Result<Vec<PackedBlock>> =
            full.par_iter().map(|b| PackedBlock::new(b)).collect();
        for block in packed? {
            self.writer.add_records(&block)?;
        }
        Ok(())
    }

    /// Writes the database, which replaces the one that was there. `describe` adds where it is from; it is told
    /// when the newest record was modified.
    pub fn finish(
        mut self,
        exploitation: &mut dyn Iterator<Item = io::Result<(Vec<u8>, Vec<u8>)>>,
        describe: impl FnOnce(Description, Option<&str>) -> Description,
    ) -> io::Result<(Description, Counts)> {
        if !self.block.is_empty() {
            self.full.push(std::mem::take(&mut self.block));
        }
        self.pack()?;
        self.writer.finish_records()?;
        let spool = self.spool.into_inner().map_err(|e| e.into_error())?;
        let spool = Source::file(spool)?;
        let live: HashSet<u32> = self.newest.values().map(|reading| reading.number).collect();
        self.packages.retain(|_, parts| {
            parts.retain(|part| live.contains(&part.reading));
            !parts.is_empty()
        });

        let mut rows = self.writer.packages();
        for (key, parts) in &self.packages {
            rows.add(key, &join(&spool, parts)?)?;
        }
        rows.finish()?;
        let mut rows = self.writer.ids();
        for (id, entry) in id_entries(&self.newest) {
            let encoded = postcard::to_extend(&entry, Vec::new()).map_err(io::Error::other)?;
            rows.add(id.as_bytes(), &encoded)?;
        }
        rows.finish()?;
        let mut rows = self.writer.exploitation();
        for pair in exploitation {
            let (cve, known) = pair?;
            rows.add(&cve, &known)?;
        }
        rows.finish()?;

        let of = |wanted: fn(&Reading) -> bool| self.newest.values().filter(|r| wanted(r)).count();
        self.counts.withdrawn = of(|r| r.withdrawn);
        self.counts.without_package = of(|r| !r.withdrawn && !r.has_package);
        let counted = Description {
            advisories: of(|r| r.has_package),
            ecosystems: count_by_ecosystem(&self.packages),
            ..Description::default()
        };
        let description = describe(counted, newest_change(self.newest.values()));
        self.writer.finish(&description)?;
        self.file.persist()?;
        Ok((description, self.counts))
    }
}

/// Reads a record, and encodes what matching needs of it.
fn parse(
    name: impl Fn() -> String,
    json: io::Result<Vec<u8>>,
    asked: &(dyn Fn(&Record) -> bool + Sync),
) -> Read {
    let json = match json {
        Ok(json) => json,
        Err(error) => return Read::Damaged(format!("{}: {error}", name())),
    };
    let encoded = match serde_json::from_slice::<Record>(&json) {
        Ok(record) if !asked(&record) => return Read::Unasked,
        Ok(mut record) => {
            record.canonicalize_versions();
            parts(&record).map(|parts| (record, parts))
        }
        Err(error) => Err(error.to_string()),
    };
    match encoded {
        Ok((record, parts)) => Read::Parsed(Parsed {
            json,
            withdrawn: record.is_withdrawn(),
            id: record.id,
            modified: record.modified,
            aliases: record.aliases,
            parts,
        }),
        Err(error) => Read::Unreadable(format!("{}: {error}", name())),
    }
}

/// What matching needs of a record, for each package it is about; nothing where it was withdrawn.
fn parts(record: &Record) -> Result<Vec<PackagePart>, String> {
    let mut of_package: BTreeMap<Vec<u8>, Vec<&osv::Affected>> = BTreeMap::new();
    if !record.is_withdrawn() {
        for affected in &record.affected {
            if let Some(key) = package_key(&affected.package) {
                of_package.entry(key).or_default().push(affected);
            }
        }
    }
    let encode = |(key, affected): (Vec<u8>, Vec<&osv::Affected>)| {
        let mut part = Vec::new();
        let encoded = Advisory::new(record, &affected).encode(&mut part);
        encoded.map(|()| (key, part)).map_err(|e| e.to_string())
    };
    of_package.into_iter().map(encode).collect()
}

/// The key of a package, if it has an ecosystem and a name.
fn package_key(package: &osv::Package) -> Option<Vec<u8>> {
    let ecosystem = base_ecosystem(&package.ecosystem);
    if ecosystem.is_empty() || package.name.is_empty() {
        return None;
    }
    Some(match Ecosystem::from_osv(ecosystem) {
        Some(known) => store::key(ecosystem, &known.comparable_name(&package.name)),
        None => store::key(ecosystem, &package.name),
    })
}

/// An ecosystem without the release that may stand behind a colon: `Debian` of `Debian:12`.
pub fn base_ecosystem(ecosystem: &str) -> &str {
    ecosystem
        .split_once(':')
        .map_or(ecosystem, |(name, _release)| name)
}

/// What each id stands for, by id.
fn id_entries(newest: &HashMap<Box<str>, Reading>) -> BTreeMap<&str, IdEntry<'_>> {
    let mut entries: BTreeMap<&str, IdEntry> = BTreeMap::new();
    for (id, reading) in newest {
        entries.entry(id).or_default().record = Some(RecordEntry {
            place: reading.place,
            modified: &reading.modified,
        });
        for alias in &reading.aliases {
            entries.entry(alias).or_default().alias_of.push(id);
        }
    }
    for entry in entries.values_mut() {
        entry.alias_of.sort_unstable();
        entry.alias_of.dedup();
    }
    entries
}

/// When the newest record was modified; what is still to come was not.
fn newest_change<'a>(readings: impl Iterator<Item = &'a Reading>) -> Option<&'a str> {
    let now = Timestamp::now();
    let moments = readings.filter_map(|reading| {
        let moment = database::sortable(&reading.modified)?;
        (moment <= now).then_some((moment, &*reading.modified))
    });
    moments.max().map(|(_, modified)| modified)
}

fn count_by_ecosystem(packages: &BTreeMap<Box<[u8]>, Vec<Part>>) -> BTreeMap<String, usize> {
    let mut readings: BTreeMap<&str, HashSet<u32>> = BTreeMap::new();
    for (key, parts) in packages {
        let ecosystem = store::split_key(key).map_or("", |(ecosystem, _)| ecosystem);
        let numbers = parts.iter().map(|part| part.reading);
        readings.entry(ecosystem).or_default().extend(numbers);
    }
    let counted = readings.into_iter();
    counted
        .map(|(ecosystem, set)| (ecosystem.to_owned(), set.len()))
        .collect()
}

/// A package's parts, one behind the other.
fn join(spool: &Source, parts: &[Part]) -> io::Result<Vec<u8>> {
    let length = parts.iter().map(|part| part.length as usize).sum();
    let mut joined = vec![0; length];
    let mut rest = &mut joined[..];
    for part in parts {
        let (here, behind) = rest.split_at_mut(part.length as usize);
        spool.read_exact_at(here, part.offset)?;
        rest = behind;
    }
    Ok(joined)
}

/// Why the records of another database could not be taken in.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(transparent)]
    Read(#[from] database::DatabaseError),
    #[error(transparent)]
    Write(#[from] io::Error),
}
