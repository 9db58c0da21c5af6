//! The commands that work with the advisory database.

use std::collections::BTreeMap;

use std::io::{self, BufWriter, IsTerminal, Write, stdin, stdout};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anstream::{AutoStream, eprintln, println};
use fnaudit::advisory;
use fnaudit::advisory::database::{Database, Description, FoundPackage, Origin};
use fnaudit::advisory::download::{DownloadOptions, Downloader, Event, shown};
use fnaudit::advisory::exploitation::{Exploitation, Feed};
use fnaudit::advisory::import::{self, Counts};
use fnaudit::advisory::update::{self, Change, Ecosystems, UpdateEvent, UpdateOptions};
use fnaudit::report::advisory as report;
use fnaudit::text::{size, visible};
use indicatif::ProgressBar;
use serde::Serialize;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::args::{
    AgeArgs, DatabaseArgs, DbCommand, ExportArgs, Format, ImportArgs, NetworkArgs, SearchArgs,
    ShowArgs, StatusArgs, UpdateArgs, VerifyArgs, parse_age,
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

/// Whether the database is older than it may be, or one of the `lists` that are asked for, and in what words.
/// `args` come before the configuration file.
pub fn age(
    database: Option<&Description>,
    lists: &[Feed],
    args: &AgeArgs,
) -> Result<Option<String>, String> {
    let max_age = match (args.max_age, Config::here()?.database.max_age) {
        (Some(age), _) => age,
        (None, Some(text)) => {
            parse_age(&text).map_err(|why| format!("fnaudit.toml: max-age: {text} {why}"))?
        }
        (None, None) => DEFAULT_MAX_AGE,
    };
    let Some(description) = database else {
        return Ok(None);
    };
    let database = ("the advisory database".to_owned(), description.updated());
    let lists = lists.iter().map(|feed| {
        let name = feed.as_str();
        let moment = description.feeds.get(name).and_then(Origin::updated);
        (format!("the {name} list"), moment)
    });
    let mut all = std::iter::once(database).chain(lists);
    Ok(all.find_map(|(what, moment)| too_old(&what, moment, max_age)))
}

fn too_old(what: &str, moment: Option<&str>, max_age: Duration) -> Option<String> {
    let Some((moment, age)) = moment.and_then(|m| Some((m, update::age_of(m)?))) else {
        return Some(format!("{what} is of unknown age; run `fnaudit db update`"));
    };
    (age > max_age).then(|| {
        format!(
            "{what} is of {}, which is more than {} ago; run `fnaudit db update`",
            moment.get(..10).unwrap_or(moment),
            in_words(max_age)
        )
    })
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
    let args = UpdateArgs::unasked().map_err(|e| e.to_string())?;
    let options = update_options(dir, &args, Config::here()?);
    eprint_question(&question(&options));
    let mut answer = String::new();
    let read = stdin().read_line(&mut answer);
    if read.is_err() || !matches!(answer.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    if let Err(message) = download(&options, args.quiet) {
        // There is still the starter set to go on with.
        super::error(&message);
    }
    Ok(())
}

fn question(options: &UpdateOptions) -> String {
    let names = match &options.ecosystems {
        Ecosystems::AsBefore => update::DEFAULT_ECOSYSTEMS.map(str::to_owned).to_vec(),
        Ecosystems::All => vec!["all ecosystems".to_owned()],
        Ecosystems::These(names) => names.clone(),
    };
    let names = match names.as_slice() {
        [others @ .., last] if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        names => names.concat(),
    };
    let servers: Vec<String> = options.urls.iter().map(|url| shown(url)).collect();
    let from = match servers.as_slice() {
        [default] if default == update::DEFAULT_URL => String::new(),
        servers => format!(" from {}", servers.join(" or ")),
    };
    let question =
        format!("There is no advisory database yet. Download one for {names}{from} now?");
    format!("{} [y/N] ", visible(&question))
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
    let options = update_options(folder(&args.database)?, args, Config::here()?);
    download(&options, args.quiet)
}

fn download(options: &UpdateOptions, quiet: bool) -> Result<u8, String> {
    let bar = progress::download(quiet);
    let error = |text: &str| bar.suspend(|| super::error(text));
    let note = |text: &str| {
        if !quiet {
            bar.suspend(|| eprintln!("{NOTE}note{NOTE:#}: {}", visible(text)));
        }
    };
    let summary = update::update(options, &|event| match event {
        UpdateEvent::Waiting => bar.suspend(say_waiting),
        UpdateEvent::Unusable(why) => error(&format!("{why}; everything is downloaded anew")),
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
        UpdateEvent::EcosystemFailed {
            ecosystem,
            error: why,
        } => error(&format!("{why}; what was known of {ecosystem} stays")),
        UpdateEvent::FeedFailed { feed, error: why } => {
            let feed = feed.as_str();
            error(&format!(
                "{why}; what was known from an earlier {feed} list stays"
            ));
        }
        UpdateEvent::Building { read } => {
            bar.set_message(format!("taking in {read} records"));
        }
    });
    bar.finish_and_clear();
    let summary = summary.map_err(|e| e.to_string())?;
    warn_of_unreadable(&summary.counts);
    for (ecosystem, change) in &summary.ecosystems {
        println!("{}: {}", visible(ecosystem), change_in_words(change));
    }
    if let Some(description) = &summary.description {
        print_description(&summary.path, description, &summary.counts);
    }
    let complete = summary.failed_ecosystems.is_empty() && summary.failed_feeds.is_empty();
    Ok(if complete { 0 } else { FAILED })
}

fn change_in_words(change: &Change) -> String {
    let records = |n| count(n, "record", "records");
    let mut words = Vec::new();
    if let Some(bytes) = change.archive {
        words.push(format!("downloaded, {}", size(bytes)));
    }
    if change.records > 0 {
        words.push(format!("{} downloaded", records(change.records)));
    }
    if change.gone > 0 {
        words.push(format!("{} gone", change.gone));
    }
    if change.lacking > 0 {
        let n = records(change.lacking);
        words.push(format!("the server lags behind its listing by {n}"));
    }
    if words.is_empty() {
        return "is up to date".to_owned();
    }
    words.join(", ")
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
    UpdateOptions {
        dir,
        urls,
        ecosystems,
        feeds,
        download: DownloadOptions {
            ca_certs: ca_certs(&args.network, config.ca_certs),
            ..DownloadOptions::default()
        },
    }
}

/// Those of the configuration file count beside those that are given.
fn ca_certs(args: &NetworkArgs, configured: Vec<PathBuf>) -> Vec<PathBuf> {
    let given = args.ca_certs.iter().filter(|c| !c.as_os_str().is_empty());
    given.cloned().chain(configured).collect()
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
    match moment.and_then(|m| Some((m, update::age_of(m)?))) {
        Some((moment, age)) => format!("{} ({} ago)", visible(moment), in_words(whole(age))),
        None => "on an unknown day".into(),
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
    let from = if is_address {
        shown(&args.source)
    } else {
        args.source.clone()
    };
    let downloaded = if is_address {
        if args.offline {
            return Err(format!(
                "{from}: --offline forbids the download; give a file or folder"
            ));
        }
        Some(fetch(args, &bar)?)
    } else {
        None
    };
    let source = match &downloaded {
        Some(dir) => dir.path().join(DOWNLOADED),
        None => PathBuf::from(&args.source),
    };
    let summary = import::import(&source, &from, &dir, &mut say_waiting, &mut |_| bar.tick())
        .map_err(|e| e.to_string())?;
    bar.finish_and_clear();
    warn_of_unreadable(&summary.counts);
    print_description(&summary.path, &summary.description, &summary.counts);
    Ok(0)
}

fn warn_of_unreadable(counts: &Counts) {
    for unreadable in &counts.unreadable_shown {
        eprintln!("{NOTE}warning{NOTE:#}: {}", visible(unreadable));
    }
}

fn print_description(path: &Path, description: &Description, counts: &Counts) {
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
    println!(
        "{}: {} for {}{left_out}",
        visible(&path.display().to_string()),
        count(description.advisories, "advisory", "advisories"),
        count(description.ecosystems.len(), "ecosystem", "ecosystems"),
    );
}

fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// Downloads to a file of this name in a temporary folder, which goes when it is dropped.
fn fetch(args: &ImportArgs, bar: &ProgressBar) -> Result<TempDir, String> {
    let (url, quiet) = (&args.source, args.quiet);
    let dir = TempDir::new().map_err(|e| format!("no temporary folder could be made: {e}"))?;
    let downloader = Downloader::new(DownloadOptions {
        ca_certs: ca_certs(&args.network, Config::here()?.database.ca_certs),
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
        let mut new = tempfile::Builder::new();
        // It is for others to read, as any file is unless the user's mask forbids it.
        #[cfg(unix)]
        new.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
        let mut new = new.tempfile_in(folder)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn options(ecosystems: Ecosystems, urls: &[&str]) -> UpdateOptions {
        UpdateOptions {
            dir: PathBuf::new(),
            urls: urls.iter().map(|&url| url.to_owned()).collect(),
            ecosystems,
            feeds: BTreeMap::new(),
            download: DownloadOptions::default(),
        }
    }

    #[test]
    fn the_question_says_what_is_downloaded_and_from_where_unless_it_is_the_usual() {
        let these = |names: &[&str]| {
            let names = names.iter().map(|&name| name.to_owned());
            Ecosystems::These(names.collect())
        };
        let mirrors = ["https://me:secret@one.example", "https://two.example"];
        for (ecosystems, urls, expected) in [
            (
                Ecosystems::AsBefore,
                &[update::DEFAULT_URL][..],
                "npm, PyPI, crates.io, Go and Maven now?",
            ),
            (
                Ecosystems::All,
                &mirrors[1..],
                "all ecosystems from https://two.example/ now?",
            ),
            (
                these(&["npm", "PyPI"]),
                &mirrors[..],
                "npm and PyPI from https://one.example/ or https://two.example/ now?",
            ),
            (these(&["Go"]), &[update::DEFAULT_URL][..], "Go now?"),
        ] {
            let question = question(&options(ecosystems, urls));
            let asked =
                question.strip_prefix("There is no advisory database yet. Download one for ");
            assert_eq!(asked, Some(format!("{expected} [y/N] ").as_str()));
        }
    }

    #[test]
    fn a_list_that_is_asked_for_may_be_older_than_the_database() {
        let origin = |current: &str| Origin {
            current: Some(current.to_owned()),
            ..Origin::default()
        };
        let description = Description {
            origins: BTreeMap::from([("npm".to_owned(), origin(&update::now()))]),
            feeds: BTreeMap::from([("kev".to_owned(), origin("2024-01-02T03:04:05Z"))]),
            ..Description::default()
        };
        let args = AgeArgs {
            max_age: Some(DEFAULT_MAX_AGE),
            require_fresh: false,
        };
        let age = |lists: &[Feed]| age(Some(&description), lists, &args).unwrap();
        assert_eq!(age(&[]), None);
        assert_eq!(
            age(&[Feed::Kev]).as_deref(),
            Some(
                "the kev list is of 2024-01-02, which is more than 7 days ago; run `fnaudit db update`"
            )
        );
        assert_eq!(
            age(&[Feed::Epss]).as_deref(),
            Some("the epss list is of unknown age; run `fnaudit db update`")
        );
    }
}
