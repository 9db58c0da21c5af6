//! Stores for an advisory database, measured on one payload: `store-comparison EXPORT`.
//!
//! Each build, and each run of look-ups, is a process of its own (this program again), which says at its end
//! how long it took and how much memory it held.

mod blocks;
mod compress;
mod fst;
mod lmdb;
mod payload;
mod redb;
mod sqlite;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use payload::Stage;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// How many processes look up; the median of their times counts.
const RUNS: usize = 9;

trait Store {
    /// What matching needs of the advisories of a package, by `ecosystem\0name`.
    fn package(&self, key: &[u8]) -> Result<Option<Vec<u8>>>;
    /// The whole record of an advisory, by its id.
    fn record(&self, id: &[u8]) -> Result<Option<Vec<u8>>>;
}

struct Candidate {
    name: &'static str,
    build: fn(&Path, &Stage) -> Result<()>,
    open: fn(&Path) -> Result<Box<dyn Store>>,
}

const CANDIDATES: [Candidate; 7] = [
    candidate("LMDB (heed)", lmdb::build, lmdb::open),
    candidate("redb", redb::build, redb::open),
    candidate("SQLite (rusqlite)", sqlite::build, sqlite::open),
    candidate("sorted file, fst", fst::build, fst::open),
    candidate(
        "sorted blocks, 64 KiB",
        blocks::build::<{ 64 << 10 }>,
        blocks::open_mapped,
    ),
    candidate(
        "sorted blocks, 256 KiB",
        blocks::build::<{ 256 << 10 }>,
        blocks::open_mapped,
    ),
    candidate(
        "the same, read not mapped",
        blocks::build::<{ 256 << 10 }>,
        blocks::open_read,
    ),
];

const fn candidate(
    name: &'static str,
    build: fn(&Path, &Stage) -> Result<()>,
    open: fn(&Path) -> Result<Box<dyn Store>>,
) -> Candidate {
    Candidate { name, build, open }
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match &args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--child", task, candidate, stage, dir] => {
            let stage = Stage(stage.into());
            child(
                task,
                CANDIDATES
                    .get(candidate.parse::<usize>()?)
                    .ok_or("no such candidate")?,
                &stage,
                Path::new(dir),
            )
        }
        [export] => compare(Path::new(export)),
        _ => Err("usage: store-comparison EXPORT".into()),
    }
}

fn compare(export: &Path) -> Result<()> {
    let work = tempfile::tempdir()?;
    let stage = work.path().join("stage");
    fs::create_dir(&stage)?;
    let source = Stage(stage.clone()).write(export)?;
    let zip_mb = source.zip_bytes as f64 / 1e6;
    println!(
        "{} packages, {} records, {zip_mb:.1} MB of all.zip\n",
        source.packages, source.records
    );
    println!(
        "| store | build s | build peak MB | on disk MB | of all.zip | open + 1 ms | open + 1,000 ms | resident MB | a record ms |"
    );
    println!("| --- | --: | --: | --: | --: | --: | --: | --: | --: |");
    let nothing = repeated("nothing", 0, &stage, work.path())?;
    let mut sum = None;
    for (at, candidate) in CANDIDATES.iter().enumerate() {
        let dir = work.path().join("store");
        fs::create_dir(&dir)?;
        let build = run("build", at, &stage, &dir)?;
        // What the disk gives, as a store may leave holes in its file.
        let size: u64 = fs::read_dir(&dir)?
            .map(|entry| Ok(entry?.metadata()?.blocks() * 512))
            .sum::<Result<u64>>()?;
        let one = repeated("one", at, &stage, &dir)?;
        let thousand = repeated("thousand", at, &stage, &dir)?;
        let record = repeated("record", at, &stage, &dir)?;
        // Every store must have given the same answers.
        let answers = (one.bytes, thousand.bytes, record.bytes);
        if *sum.get_or_insert(answers) != answers {
            return Err(format!("{} answers otherwise", candidate.name).into());
        }
        println!(
            "| {} | {:.1} | {:.0} | {:.1} | {:.2} | {} | {} | {:.1} | {} |",
            candidate.name,
            build.millis / 1e3,
            build.peak_kb / 1e3,
            size as f64 / 1e6,
            size as f64 / source.zip_bytes as f64,
            one.times(),
            thousand.times(),
            (thousand.resident_kb - nothing.resident_kb) / 1e3,
            record.times(),
        );
        fs::remove_dir_all(&dir)?;
    }
    Ok(())
}

/// What a child process says of itself.
struct Report {
    millis: f64,
    peak_kb: f64,
    resident_kb: f64,
    bytes: usize,
}

/// What several did.
struct Summary {
    millis: Vec<f64>,
    resident_kb: f64,
    bytes: usize,
}

impl Summary {
    /// The median, the fastest and the slowest.
    fn times(&self) -> String {
        let [first, .., last] = &self.millis[..] else {
            return "-".into();
        };
        format!("{:.2} ({first:.2} - {last:.2})", self.millis[RUNS / 2])
    }
}

fn repeated(task: &str, candidate: usize, stage: &Path, dir: &Path) -> Result<Summary> {
    // One goes first uncounted, so that all of those counted find the file in the page cache.
    run(task, candidate, stage, dir)?;
    let reports: Vec<Report> = (0..RUNS)
        .map(|_| run(task, candidate, stage, dir))
        .collect::<Result<_>>()?;
    let sorted = |field: fn(&Report) -> f64| {
        let mut values: Vec<f64> = reports.iter().map(field).collect();
        values.sort_unstable_by(f64::total_cmp);
        values
    };
    Ok(Summary {
        millis: sorted(|report| report.millis),
        resident_kb: sorted(|report| report.resident_kb)[RUNS / 2],
        bytes: reports[0].bytes,
    })
}

fn run(task: &str, candidate: usize, stage: &Path, dir: &Path) -> Result<Report> {
    let output = Command::new(std::env::current_exe()?)
        .args(["--child", task, &candidate.to_string()])
        .args([stage, dir])
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let [millis, peak, resident, bytes] = text.split_whitespace().collect::<Vec<_>>()[..] else {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    };
    Ok(Report {
        millis: millis.parse()?,
        peak_kb: peak.parse()?,
        resident_kb: resident.parse()?,
        bytes: bytes.parse()?,
    })
}

fn child(task: &str, candidate: &Candidate, stage: &Stage, dir: &Path) -> Result<()> {
    let (keys, id) = (stage.keys()?, stage.id()?);
    let started = Instant::now();
    let mut bytes = 0;
    // Kept until the memory is read: what a store holds while it is open is what counts.
    let mut store = None;
    match task {
        "nothing" => {}
        "build" => (candidate.build)(dir, stage)?,
        _ => {
            let store = store.insert((candidate.open)(dir)?);
            let (packages, record) = match task {
                "one" => (&keys[..1], None),
                "thousand" => (&keys[..], None),
                _ => (&[][..], Some(&id)),
            };
            for key in packages {
                bytes += store.package(key)?.map_or(0, |value| value.len());
            }
            if let Some(id) = record {
                bytes += store.record(id)?.ok_or("the record is missing")?.len();
            }
        }
    }
    let millis = started.elapsed().as_secs_f64() * 1e3;
    let status = fs::read_to_string("/proc/self/status")?;
    let kb = |field: &str| -> f64 {
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok())
            .unwrap_or(f64::NAN)
    };
    println!(
        "{millis} {} {} {bytes}",
        kb("VmHWM"),
        kb("RssAnon") + kb("RssFile")
    );
    drop(store);
    Ok(())
}
