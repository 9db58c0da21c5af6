//! The commands that work with the advisory database.

use std::collections::BTreeMap;

use std::io::{self, BufWriter, IsTerminal, Write, stdin, stdout};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anstream::{AutoStream, eprintln, println};
use fnaudit::advisory::database::{Database, Description, FoundPackage, Origin};
use fnaudit::advisory::download::{DownloadOptions, Downloader, Event};
use fnaudit::advisory::exploitation::{Exploitation, Feed};
use fnaudit::advisory::update::{self, Change, Ecosystems, UpdateEvent, UpdateOptions};
use fnaudit::advisory::{self, import};
use fnaudit::report::advisory as report;
use fnaudit::text::{size, visible};
use indicatif::ProgressBar;
use serde::Serialize;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::args::{
    AgeArgs, DatabaseArgs, DbCommand, ExportArgs, Format, ImportArgs, SearchArgs, ShowArgs,
    StatusArgs, UpdateArgs, VerifyArgs, parse_age,
};
use super::config::Config;
use super::{FAILED, NOTE, progress};

const DOWNLOADED: &str = "download";
/// OSV's largest archive has under 1 GB.
const MAX_EXPORT_BYTES: u64 = 16 << 30;
const DEFAULT_MAX_AGE: Duration = Duration::from_secs(7 * 86_400);

pub fn run(command: &DbCommand) -> Result<u8, String> {
    match command {
        DbCommand::Update(args) => update(args),
        DbCommand::Status(args) => status(args),
        DbCommand::Verify(args) => verify(args),
        DbCommand::Import(args) => import(args),
        DbCommand::Export(args) => export(args),
        DbCommand::Show(args) => show(args),
        DbCommand::Search(args) => search(args),
    }
}

/// Where the database is.
fn folder(args: &DatabaseArgs) -> Result<PathBuf, String> {
    let dir = args.dir().or_else(advisory::default_dir);
    dir.ok_or_else(|| {
        "there is no cache folder for this user; say where the database is with --db DIR".into()
    })
}

/// The database in that folder.
fn open(args: &DatabaseArgs) -> Result<Database, String> {
    let dir = folder(args)?;
    let database = Database::open(&dir).map_err(|e| e.to_string())?;
    database.ok_or_else(|| {
        format!(
            "{}: there is no advisory database; `fnaudit db update` downloads one",
            dir.display()
        )
    })
}

/// The database in that folder, or else the starter set.
fn open_or_starter(args: &DatabaseArgs) -> Result<Database, String> {
    if args.dir().is_some() {
        return open(args);
    }
    let database = Database::open(&folder(args)?).map_err(|e| e.to_string())?;
    Ok(database.unwrap_or_else(|| {
        eprintln!("{NOTE}note{NOTE:#}: no advisory database yet: using the starter set");
        Database::starter()
    }))
}

fn config() -> Result<Config, String> {
    let folder = std::env::current_dir();
    let folder = folder.map_err(|e| format!("the working folder cannot be read: {e}"))?;
    Config::find(&folder)
}

/// Whether the database is older than it may be, and in what words. `args` come before the configuration file.
pub fn age(database: Option<&Description>, args: &AgeArgs) -> Result<Option<String>, String> {
    let max_age = match (args.max_age, config()?.database.max_age) {
        (Some(age), _) => age,
        (None, Some(text)) => {
            parse_age(&text).map_err(|why| format!("fnaudit.toml: max-age: {text} {why}"))?
        }
        (None, None) => DEFAULT_MAX_AGE,
    };
    let Some(description) = database else {
        return Ok(None);
    };
    let updated = description.updated();
    if updated
        .and_then(update::age_of)
        .is_some_and(|age| age <= max_age)
    {
        return Ok(None);
    }
    let day = updated.map_or("an unknown day", |moment| {
        moment.get(..10).unwrap_or(moment)
    });
    Ok(Some(format!(
        "the advisory database is of {day}, which is more than {} ago; run `fnaudit db update`",
        in_words(max_age)
    )))
}

fn in_words(age: Duration) -> String {
    let hours = age.as_secs() / 3_600;
    if hours.is_multiple_of(24) {
        count(hours as usize / 24, "day", "days")
    } else {
        count(hours as usize, "hour", "hours")
    }
}

/// Asks whether to download a database where there is none, if somebody is there to answer.
pub fn offer_update(args: &DatabaseArgs) -> Result<(), String> {
    let is_pipeline = std::env::var_os("CI").is_some_and(|ci| !ci.is_empty());
    let somebody = stdin().is_terminal() && io::stderr().is_terminal() && !is_pipeline;
    if args.dir().is_some() || !somebody {
        return Ok(());
    }
    let dir = folder(args)?;
    if !matches!(Database::open(&dir), Ok(None)) {
        return Ok(());
    }
    eprint_question(
        "There is no advisory database yet. Download one for npm, PyPI, crates.io, Go and Maven now? [y/N] ",
    );
    let mut answer = String::new();
    let read = stdin().read_line(&mut answer);
    if read.is_err() || !matches!(answer.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    let config = config()?;
    let args = UpdateArgs::default();
    if let Err(message) = download(dir, &args, config) {
        // There is still the starter set to go on with.
        super::error(&message);
    }
    Ok(())
}

fn eprint_question(question: &str) {
    anstream::eprint!("{question}");
    let _ = io::stderr().flush();
}

/// Says that another process is writing the database.
fn say_waiting() {
    eprintln!("{NOTE}note{NOTE:#}: another fnaudit is writing the database; waiting for it");
}

fn update(args: &UpdateArgs) -> Result<u8, String> {
    download(folder(&args.database)?, args, config()?)
}

fn download(dir: PathBuf, args: &UpdateArgs, config: Config) -> Result<u8, String> {
    let options = update_options(dir, args, config);
    let bar = progress::download(args.quiet);
    let quiet = args.quiet;
    let note = |text: &str| {
        if !quiet {
            bar.suspend(|| eprintln!("{NOTE}note{NOTE:#}: {}", visible(text)));
        }
    };
    let summary = update::update(&options, &|event| match event {
        UpdateEvent::Waiting => bar.suspend(say_waiting),
        UpdateEvent::Unusable(error) => {
            note(&format!("{error}; everything is downloaded anew"));
        }
        UpdateEvent::Download { what, event } => match event {
            Event::Started { bytes, total, .. } => {
                progress::start(
                    &bar,
                    &format!("downloading {}", visible(what)),
                    bytes,
                    total,
                );
            }
            Event::Bytes { bytes, .. } => bar.set_position(bytes),
            Event::Waiting { url, reason, wait } => note(&waiting(url, reason, wait)),
        },
        UpdateEvent::Records {
            ecosystem,
            fetched,
            total,
        } => bar.set_message(format!(
            "downloading {}: {fetched} of {total} records",
            visible(ecosystem)
        )),
        UpdateEvent::NextServer { error } => note(&format!("{error}; asking the next server")),
        UpdateEvent::FeedFailed { feed, error } => {
            let feed = feed.as_str();
            note(&format!(
                "{error}; what was known from an earlier {feed} list stays"
            ));
        }
        UpdateEvent::Building { read } => {
            bar.set_message(format!("taking in {read} records"));
        }
    });
    bar.finish_and_clear();
    let summary = summary.map_err(|e| e.to_string())?;
    for unreadable in &summary.counts.unreadable_shown {
        eprintln!("{NOTE}warning{NOTE:#}: {}", visible(unreadable));
    }
    for (ecosystem, change) in &summary.ecosystems {
        let change = match change {
            Change::None => "is up to date".to_owned(),
            Change::Records(n) => format!("{} downloaded", count(*n, "record", "records")),
            Change::Archive { bytes } => format!("downloaded, {}", size(*bytes)),
        };
        println!("{}: {change}", visible(ecosystem));
    }
    print_description(&summary.path, &summary.description, "");
    Ok(if summary.failed_feeds.is_empty() {
        0
    } else {
        FAILED
    })
}

/// Flags and variables come before the configuration file.
fn update_options(dir: PathBuf, args: &UpdateArgs, config: Config) -> UpdateOptions {
    let config = config.database;
    let or = |given: &[String], configured: Vec<String>| {
        let given: Vec<String> = given.iter().filter(|g| !g.is_empty()).cloned().collect();
        if given.is_empty() { configured } else { given }
    };
    let mut urls = or(&args.urls, config.urls);
    if urls.is_empty() {
        urls.push(update::DEFAULT_URL.to_owned());
    }
    for url in &mut urls {
        let trimmed = url.trim_end_matches('/').len();
        url.truncate(trimmed);
    }
    let names = or(&args.ecosystems, config.ecosystems);
    let ecosystems = match names.as_slice() {
        [] => Ecosystems::AsBefore,
        names if names.iter().any(|name| name == "all") => Ecosystems::All,
        names => Ecosystems::These(names.to_vec()),
    };
    let mut feeds = BTreeMap::new();
    for (feed, flag, configured, url, configured_url) in [
        (
            Feed::Kev,
            args.kev,
            config.kev,
            &args.kev_url,
            config.kev_url,
        ),
        (
            Feed::Epss,
            args.epss,
            config.epss,
            &args.epss_url,
            config.epss_url,
        ),
    ] {
        let url = url.clone().filter(|url| !url.is_empty()).or(configured_url);
        if flag || configured || url.is_some() {
            feeds.insert(feed, url);
        }
    }
    let mut ca_certs: Vec<PathBuf> = args.ca_certs.clone();
    ca_certs.retain(|cert| !cert.as_os_str().is_empty());
    ca_certs.extend(config.ca_certs);
    UpdateOptions {
        dir,
        urls,
        ecosystems,
        feeds,
        download: DownloadOptions {
            ca_certs,
            ..DownloadOptions::default()
        },
    }
}

fn waiting(url: &str, reason: &str, wait: Duration) -> String {
    let wait = wait.as_secs_f64();
    format!("{url}: {reason}; next try in {wait:.1} s")
}

/// What `db status --format json` prints.
#[derive(Serialize)]
struct Status<'a> {
    path: &'a Path,
    bytes: u64,
    updated: Option<&'a str>,
    #[serde(flatten)]
    description: &'a Description,
}

fn status(args: &StatusArgs) -> Result<u8, String> {
    let database = open(&args.database)?;
    let (Some(path), Some(description)) = (database.path(), database.description()) else {
        return Ok(0);
    };
    let bytes = database.bytes().unwrap_or_default().len() as u64;
    let updated = description.updated();
    if args.format == Format::Json {
        return print_json(&Status {
            path,
            bytes,
            updated,
            description,
        });
    }
    println!("file        {}", visible(&path.display().to_string()));
    println!("size        {}", size(bytes));
    println!("advisories  {}", description.advisories);
    println!("updated     {}", moment(updated));
    println!();
    let origins = description
        .ecosystems
        .keys()
        .chain(description.origins.keys());
    let mut names: Vec<&String> = origins.collect();
    names.sort();
    names.dedup();
    let width = names
        .iter()
        .map(|name| name.len())
        .max()
        .unwrap_or(0)
        .max(9);
    println!(
        "{:width$}  advisories  updated               from",
        "ecosystem"
    );
    for name in names {
        let advisories = description.ecosystems.get(name).copied().unwrap_or(0);
        // Records about several ecosystems come along with one of them.
        let origin = description.origins.get(name).map_or_else(
            || "                      with the others".to_owned(),
            |origin| format!("{:20}  {}", moment_of(origin), origin.from),
        );
        println!(
            "{:width$}  {advisories:>10}  {}",
            visible(name),
            visible(&origin)
        );
    }
    for (name, origin) in &description.feeds {
        let origin = format!("{:20}  {}", moment_of(origin), origin.from);
        println!("{:width$}  {:>10}  {}", visible(name), "", visible(&origin));
    }
    Ok(0)
}

fn moment_of(origin: &Origin) -> &str {
    origin.current.as_deref().unwrap_or("-")
}

/// A moment and how long ago it is.
fn moment(moment: Option<&str>) -> String {
    let Some(moment) = moment else {
        return "on an unknown day".into();
    };
    match update::age_of(moment) {
        Some(age) => format!("{} ({} ago)", visible(moment), in_words(whole(age))),
        None => visible(moment).into_owned(),
    }
}

/// Whole days, or whole hours of the first two days.
fn whole(age: Duration) -> Duration {
    let unit = if age.as_secs() < 2 * 86_400 {
        3_600
    } else {
        86_400
    };
    Duration::from_secs(age.as_secs() / unit * unit)
}

fn verify(args: &VerifyArgs) -> Result<u8, String> {
    let database = open(&args.database)?;
    let verified = database.verify().map_err(|e| e.to_string())?;
    if let (Some(path), Some(verified)) = (database.path(), verified) {
        println!(
            "{}: sound, {} about {}",
            visible(&path.display().to_string()),
            count(verified.records, "record", "records"),
            count(verified.packages, "package", "packages"),
        );
    }
    Ok(0)
}

fn import(args: &ImportArgs) -> Result<u8, String> {
    let dir = folder(&args.database)?;
    let bar = progress::bytes("importing", args.quiet);
    let is_address = args.source.starts_with("https://") || args.source.starts_with("http://");
    let downloaded = if is_address {
        if args.offline {
            return Err(format!(
                "{}: --offline forbids the download; give a file or folder",
                args.source
            ));
        }
        Some(fetch(&args.source, args.quiet, &bar)?)
    } else {
        None
    };
    let source = match &downloaded {
        Some(dir) => dir.path().join(DOWNLOADED),
        None => PathBuf::from(&args.source),
    };
    let summary = import::import(&source, &args.source, &dir, &mut say_waiting, &mut |_| {
        bar.tick()
    })
    .map_err(|e| e.to_string())?;
    bar.finish_and_clear();
    let counts = &summary.counts;
    for unreadable in &counts.unreadable_shown {
        eprintln!("{NOTE}warning{NOTE:#}: {}", visible(unreadable));
    }
    let left_out: Vec<String> = [
        (counts.withdrawn, "withdrawn"),
        (counts.unreadable + counts.damaged, "could not be read"),
    ]
    .iter()
    .filter(|(n, _)| *n > 0)
    .map(|(n, why)| format!("{n} {why}"))
    .collect();
    let left_out = match left_out.as_slice() {
        [] => String::new(),
        some => format!("; left out: {}", some.join(", ")),
    };
    print_description(&summary.path, &summary.description, &left_out);
    Ok(0)
}

fn print_description(path: &Path, description: &Description, more: &str) {
    println!(
        "{}: {} for {}{more}",
        visible(&path.display().to_string()),
        count(description.advisories, "advisory", "advisories"),
        count(description.ecosystems.len(), "ecosystem", "ecosystems"),
    );
}

fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// Downloads to a file of this name in a temporary folder, which goes when it is dropped.
fn fetch(url: &str, quiet: bool, bar: &ProgressBar) -> Result<TempDir, String> {
    let dir = TempDir::new().map_err(|e| format!("no temporary folder could be made: {e}"))?;
    let downloader = Downloader::new(DownloadOptions {
        keep_partial: false,
        ..DownloadOptions::default()
    });
    let to = dir.path().join(DOWNLOADED);
    downloader
        .and_then(|downloader| {
            downloader.fetch_file(url, None, &to, MAX_EXPORT_BYTES, &mut |event| match event {
                Event::Started { bytes, .. } | Event::Bytes { bytes, .. } => {
                    bar.set_position(bytes)
                }
                Event::Waiting { url, reason, wait } if !quiet => bar.suspend(|| {
                    eprintln!(
                        "{NOTE}note{NOTE:#}: {}",
                        visible(&waiting(url, reason, wait))
                    );
                }),
                Event::Waiting { .. } => {}
            })
        })
        .map_err(|e| e.to_string())?;
    Ok(dir)
}

/// Writes the file whole or not at all, once its every byte was verified.
fn export(args: &ExportArgs) -> Result<u8, String> {
    let database = open(&args.database)?;
    database.verify().map_err(|e| e.to_string())?;
    let bytes = database.bytes().unwrap_or_default();
    let written = || -> io::Result<()> {
        let folder = match args.file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut new = tempfile::NamedTempFile::new_in(folder)?;
        new.write_all(bytes)?;
        new.as_file().sync_all()?;
        new.persist(&args.file)?;
        Ok(())
    };
    let target = args.file.display().to_string();
    written().map_err(|e| format!("{target}: the database could not be written: {e}"))?;
    let digest: String = Sha256::digest(bytes)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    println!("{digest}  {}", visible(&target));
    Ok(0)
}

fn show(args: &ShowArgs) -> Result<u8, String> {
    let database = open_or_starter(&args.database)?;
    let records = database.show(&args.id).map_err(|e| e.to_string())?;
    if records.is_empty() {
        return Err(format!(
            "{}: no such advisory in the database; check the id, or run `fnaudit db update`",
            args.id
        ));
    }
    let mut out = BufWriter::new(AutoStream::auto(stdout()));
    let written = records.iter().enumerate().try_for_each(|(i, record)| {
        if args.format == Format::Json {
            out.write_all(record)?;
            return out.write_all(b"\n");
        }
        if i > 0 {
            writeln!(out)?;
        }
        report::write(record, &exploitation(&database, record), &mut out)
    });
    super::finish_output(written.and_then(|()| out.flush()), "standard output")?;
    Ok(0)
}

/// What is known of the exploitation of a record's CVEs.
fn exploitation(database: &Database, record: &[u8]) -> BTreeMap<String, Exploitation> {
    let record: Option<fnaudit::advisory::osv::Record> = serde_json::from_slice(record).ok();
    let ids = record.into_iter().flat_map(|record| {
        let mut ids = record.aliases;
        ids.push(record.id);
        ids
    });
    ids.filter_map(|id| {
        let known = database.exploitation(&id).ok()?;
        Some((id, known))
    })
    .collect()
}

fn search(args: &SearchArgs) -> Result<u8, String> {
    let database = open_or_starter(&args.database)?;
    let found = database.search(&args.name).map_err(|e| e.to_string())?;
    if args.format == Format::Json {
        return print_json(&found);
    }
    if found.is_empty() {
        eprintln!("{NOTE}note{NOTE:#}: no package of that name has an advisory in the database");
    }
    let mut out = BufWriter::new(AutoStream::auto(stdout()));
    let width = |text: fn(&FoundPackage) -> &str| {
        found
            .iter()
            .map(|p| visible(text(p)).chars().count())
            .max()
            .unwrap_or(0)
    };
    let (ecosystems, names) = (width(|p| &p.ecosystem), width(|p| &p.name));
    let written = found.iter().try_for_each(|package| {
        writeln!(
            out,
            "{:ecosystems$}  {:names$}  {}",
            visible(&package.ecosystem),
            visible(&package.name),
            visible(&package.advisories.join(" ")),
        )
    });
    super::finish_output(written.and_then(|()| out.flush()), "standard output")?;
    Ok(0)
}

fn print_json(value: &impl Serialize) -> Result<u8, String> {
    let mut out = BufWriter::new(stdout());
    let written = serde_json::to_writer_pretty(&mut out, value).map_err(io::Error::from);
    let written = written
        .and_then(|()| writeln!(out))
        .and_then(|()| out.flush());
    super::finish_output(written, "standard output")?;
    Ok(0)
}
