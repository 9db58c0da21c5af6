//! The database at the size that OSV's npm export has today: `cargo bench --bench database`.
//!
//! It imports 250,000 made-up records, and the real ones of the export in the folder `osv` of `FNAUDIT_SHARED`
//! where that is set, and measures the import, opening the database and matching 1,000 components, the same
//! while another process imports again and again, and whole audits with a small and with the large database.
//! Look-ups are done by a thread a core, as an audit does them. Each measurement is a process of its own, this program with a hidden argument: its peak of memory is then its
//! own (read from `/proc`, so on Linux alone). Runs of what is compared alternate. A path or more behind `--` are
//! audited beside the function that is made here.
//!
//! `cargo bench --bench database -- --write DIR` only writes the export.

mod generate;

use std::fs;
use std::hint::black_box;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fnaudit::advisory::database::{Database, DatabaseError};
use fnaudit::advisory::import::import;
use fnaudit::advisory::matching::match_component;
use fnaudit::component::Ecosystem;
use fnaudit::{Advisories, Auditor, Options};
use rayon::prelude::*;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const RECORDS: usize = 250_000;
/// Records of the database that an audit with the large one is compared with.
const FEW_RECORDS: usize = 1_000;
const COMPONENTS: usize = 1_000;
const RUNS: usize = 9;
/// The hidden argument, before what a process is to do.
const CHILD: &str = "--child";

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome {
    let args: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["--write", dir] => write(Path::new(dir)).map(|_| ()),
        [CHILD, task, rest @ ..] => child(task, rest),
        artifacts => measure(artifacts),
    }
}

/// Writes the export; the names of the made-up packages.
fn write(dir: &Path) -> Outcome<Vec<String>> {
    let started = Instant::now();
    let made = generate::write_export(dir, RECORDS, real().as_deref())?;
    println!(
        "{} made-up records, {:.1} MB of JSON, in {:.1} s",
        made.names.len(),
        made.bytes as f64 / 1e6,
        started.elapsed().as_secs_f64()
    );
    Ok(made.names)
}

fn real() -> Option<PathBuf> {
    Some(PathBuf::from(std::env::var_os("FNAUDIT_SHARED")?).join("osv"))
}

fn measure(artifacts: &[&str]) -> Outcome {
    let dir = tempfile::tempdir()?;
    let path = |name: &str| dir.path().join(name);
    let (export, small_export) = (path("export"), path("small-export"));
    let names = write(&export)?;
    generate::write_export(&small_export, FEW_RECORDS, real().as_deref())?;
    fs::write(path("many"), components(&names, COMPONENTS / 4)?.join("\n"))?;
    fs::write(path("few"), components(&names, COMPONENTS / 40)?.join("\n"))?;
    let (large, small) = (path("large"), path("small"));

    let imports: Vec<Measured> = (0..3)
        .map(|_| run("import", &[&export, &large]))
        .collect::<Outcome<_>>()?;
    run("import", &[&small_export, &small])?;
    let imported = Measured::median(imports);
    let source = bytes_below(&export)?;
    let file = bytes_below(&large)?;
    println!(
        "import: {:.1} s, {:.0} MB of memory; file {:.1} MB, {:.2} of the {:.1} MB of its source",
        imported.time.as_secs_f64(),
        imported.peak as f64 / 1e6,
        file as f64 / 1e6,
        file as f64 / source as f64,
        source as f64 / 1e6
    );

    println!("open and match {COMPONENTS} components, medians of {RUNS} processes:");
    let look_up = |what: &str, names: &Path| -> Outcome {
        let (mut with, mut without) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            with.push(run("match", &[names, &large])?);
            without.push(run("match", &[names])?);
        }
        let (with, without) = (Measured::median(with), Measured::median(without));
        println!(
            "  {what:42} {:.2} ms, {:.1} MB of memory more than without",
            millis(with.time),
            (with.peak as f64 - without.peak as f64) / 1e6
        );
        Ok(())
    };
    let (few, many) = (path("few"), path("many"));
    look_up("75 of them with advisories", &few)?;
    look_up("700 of them with advisories", &many)?;
    let mut other = spawn("import-again", &[&export, &large], Stdio::null())?;
    let while_updating = look_up("75, while another process imports", &few)
        .and_then(|()| look_up("700, while another process imports", &many));
    other.kill()?;
    other.wait()?;
    while_updating?;

    let function = path("function.zip");
    fs::write(&function, make_function()?)?;
    println!("whole audits in one process each, medians of {RUNS}:");
    let given = artifacts.iter().map(PathBuf::from);
    for artifact in std::iter::once(function).chain(given) {
        let (mut with_large, mut with_small) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            with_large.push(run("audit", &[&artifact, &large])?);
            with_small.push(run("audit", &[&artifact, &small])?);
        }
        let (large, small) = (Measured::median(with_large), Measured::median(with_small));
        println!(
            "  {:26} large {:.1} ms, {:.0} MB; small {:.1} ms, {:.0} MB",
            artifact.file_name().unwrap_or_default().to_string_lossy(),
            millis(large.time),
            large.peak as f64 / 1e6,
            millis(small.time),
            small.peak as f64 / 1e6,
        );
    }
    Ok(())
}

/// The npm components that are looked up: `quarter` of them made-up malware, twice as many with real advisories as far
/// as there are as many, the rest not in any database.
fn components(made: &[String], quarter: usize) -> Outcome<Vec<String>> {
    let made = made.iter().step_by((made.len() / quarter).max(1));
    let mut names: Vec<String> = made.take(quarter).cloned().collect();
    let known = match real() {
        Some(real) => generate::npm_packages(&real)?,
        None => Vec::new(),
    };
    names.extend(known.into_iter().take(quarter * 2));
    let absent = COMPONENTS - names.len();
    names.extend((0..absent).map(|n| format!("no-such-package-{n}")));
    Ok(names)
}

/// A function of 300 installed packages.
fn make_function() -> Outcome<Vec<u8>> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for n in 0..300 {
        let name = match n {
            0 => "lodash".to_owned(),
            1 => "minimist".to_owned(),
            n => format!("package-{n}"),
        };
        let file = format!("node_modules/{name}/package.json");
        zip.start_file(file, SimpleFileOptions::default())?;
        write!(zip, r#"{{"name": "{name}", "version": "1.2.{n}"}}"#)?;
    }
    Ok(zip.finish()?.into_inner())
}

/// What a child does; it prints its time in nanoseconds and its peak of memory in bytes.
fn child(task: &str, args: &[&str]) -> Outcome {
    let started = Instant::now();
    match (task, args) {
        ("import", [from, to]) => {
            import(
                Path::new(from),
                from,
                Path::new(to),
                &mut || {},
                &mut |_| {},
            )?;
        }
        ("import-again", [from, to]) => loop {
            import(
                Path::new(from),
                from,
                Path::new(to),
                &mut || {},
                &mut |_| {},
            )?;
        },
        ("match", [names, rest @ ..]) => {
            let names = fs::read_to_string(names)?;
            let started = Instant::now();
            if let [dir] = rest {
                let database = Database::open(Path::new(dir))?.ok_or("there is no database")?;
                let names: Vec<&str> = names.lines().collect();
                // As an audit does it: by a pool of a thread a core.
                names.par_iter().try_for_each(|name| {
                    let matches = match_component(&database, Ecosystem::Npm, name, "1.0.0")?;
                    black_box(matches);
                    Ok::<_, DatabaseError>(())
                })?;
            }
            return print(started.elapsed());
        }
        ("audit", [artifact, dir]) => {
            let auditor = Auditor::new(Options {
                advisories: Advisories::At(PathBuf::from(dir)),
                ..Options::default()
            })?;
            black_box(auditor.audit(Path::new(artifact))?);
        }
        _ => return Err(format!("no such measurement: {task}").into()),
    }
    print(started.elapsed())
}

fn print(time: Duration) -> Outcome {
    println!("{} {}", time.as_nanos(), peak_memory()?);
    Ok(())
}

/// The most memory that this process has had, in bytes; of a mapped file the parts that were read.
fn peak_memory() -> Outcome<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(kilobytes.ok_or("no VmHWM")?.parse::<u64>()? * 1024)
}

/// What one process took.
#[derive(Clone, Copy)]
struct Measured {
    time: Duration,
    peak: u64,
}

impl Measured {
    fn median(mut of: Vec<Measured>) -> Measured {
        of.sort_by_key(|measured| measured.peak);
        let peak = of[of.len() / 2].peak;
        of.sort_by_key(|measured| measured.time);
        let time = of[of.len() / 2].time;
        Measured { time, peak }
    }
}

fn spawn(task: &str, args: &[&Path], stdout: Stdio) -> Outcome<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args([CHILD, task]).args(args);
    Ok(command.stdout(stdout).spawn()?)
}

fn run(task: &str, args: &[&Path]) -> Outcome<Measured> {
    let output = spawn(task, args, Stdio::piped())?.wait_with_output()?;
    if !output.status.success() {
        return Err(format!("{task} failed").into());
    }
    let text = String::from_utf8(output.stdout)?;
    let (time, peak) = text.trim().split_once(' ').ok_or("nothing was measured")?;
    Ok(Measured {
        time: Duration::from_nanos(time.parse()?),
        peak: peak.parse()?,
    })
}

/// The sizes of the archives or databases in a folder and in those below it.
fn bytes_below(dir: &Path) -> Outcome<u64> {
    let mut sum = 0;
    for entry in walkdir::WalkDir::new(dir) {
        let entry = entry?;
        let extension = entry.path().extension().unwrap_or_default();
        if extension == "zip" || extension == "db" {
            sum += entry.metadata()?.len();
        }
    }
    Ok(sum)
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
