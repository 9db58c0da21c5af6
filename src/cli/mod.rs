//! What each command does: results on standard output, talk on standard error.

pub mod args;
mod progress;

use std::fs::File;
use std::io::{self, BufWriter, Write, stdout};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anstream::AutoStream;
use anstream::eprintln;
use anstyle::{AnsiColor, Style};
use fnaudit::advisory::database::DatabaseKind;
use fnaudit::advisory::download::{DownloadOptions, Downloader, Event};
use fnaudit::advisory::{self, import};
use fnaudit::finding::{EntryPath, Kind};
use fnaudit::policy::FailOn;
use fnaudit::report::{ReadError, Report, json, table};
use fnaudit::text::visible;
use fnaudit::{Advisories, Audited, Auditor, KindFilter, Options};
use indicatif::ProgressBar;
use tempfile::TempDir;

use self::args::{
    AuditArgs, Cli, Command, DbCommand, Format, ImportArgs, InputArgs, InventoryArgs, OutputArgs,
    TalkArgs,
};

const ERROR: Style = AnsiColor::Red.on_default().bold();
const NOTE: Style = AnsiColor::Cyan.on_default().bold();

/// The audit could not be done.
const FAILED: u8 = 2;
/// Something was found at or above `--fail-on`.
const FOUND: u8 = 1;

const DOWNLOADED: &str = "download";
/// Many times the export of all ecosystems.
const MAX_EXPORT_BYTES: u64 = 16 << 30;

pub fn run(cli: Cli) -> ExitCode {
    let status = match cli.command {
        None => audit(&cli.audit),
        Some(Command::Audit(args)) => audit(&args),
        Some(Command::Inventory(args)) => inventory(&args),
        Some(Command::Db(DbCommand::Import(args))) => db_import(&args),
    };
    match status {
        Ok(status) => ExitCode::from(status),
        Err(message) => {
            error(&message);
            ExitCode::from(FAILED)
        }
    }
}

/// One line, whatever is in it: a path may hold line breaks.
fn error(message: &str) {
    let line = message.replace('\n', " ");
    eprintln!("{ERROR}error{ERROR:#}: {}", visible(&line));
}

fn audit(args: &AuditArgs) -> Result<u8, String> {
    let options = Options {
        advisories: match &args.database.db {
            Some(dir) => Advisories::At(dir.clone()),
            None => Advisories::DefaultOrStarter,
        },
        limits: args.input.limits.limits(),
        threads: args.input.threads.map(usize::from),
        kinds: KindFilter {
            only: args.only.iter().map(|&kind| kind.into()).collect(),
            skip: args.skip.iter().map(|&kind| kind.into()).collect(),
        },
    };
    let auditor = Auditor::new(options).map_err(|e| e.to_string())?;
    let (report, complete) = audit_all(auditor, &args.input, &args.talk)?;
    if !args.talk.quiet
        && let Some(info) = &report.database
        && info.kind == DatabaseKind::Starter
    {
        eprintln!(
            "{NOTE}note{NOTE:#}: no advisory database yet: using the starter set of {} advisories; \
             `fnaudit db import PATH` makes a complete one",
            info.advisories
        );
    }
    let verbose = args.talk.verbose;
    write_report(&args.output, &report, |out| {
        table::write(&report, verbose, out)
    })?;
    Ok(if !complete {
        FAILED
    } else if FailOn::from(args.fail_on).is_met_by(&report.findings) {
        FOUND
    } else {
        0
    })
}

fn inventory(args: &InventoryArgs) -> Result<u8, String> {
    let options = Options {
        advisories: Advisories::None,
        limits: args.input.limits.limits(),
        threads: args.input.threads.map(usize::from),
        kinds: KindFilter {
            skip: vec![Kind::Artifact],
            ..KindFilter::default()
        },
    };
    let auditor = Auditor::new(options).map_err(|e| e.to_string())?;
    let (report, complete) = audit_all(auditor, &args.input, &args.talk)?;
    let verbose = args.talk.verbose;
    write_report(&args.output, &report, |out| {
        table::write_inventory(&report, verbose, out)
    })?;
    Ok(if complete { 0 } else { FAILED })
}

/// Audits every artifact that can be; false where one could not be, or not to its end.
fn audit_all(
    auditor: Auditor,
    input: &InputArgs,
    talk: &TalkArgs,
) -> Result<(Report, bool), String> {
    if !input.layers.is_empty() && input.artifacts.len() > 1 {
        return Err("--layer goes with one artifact; audit the functions one by one".into());
    }
    let bar = progress::bytes("auditing", talk.quiet);
    let shown = bar.clone();
    let auditor = auditor.on_progress(move |bytes| shown.inc(bytes));
    let mut reports = Vec::new();
    let mut failures = Vec::new();
    let mut complete = true;
    for artifact in &input.artifacts {
        match auditor.audit_deployment(artifact, &input.layers) {
            Ok(Audited { report, cut }) => {
                complete &= cut.is_empty();
                for why in cut {
                    bar.suspend(|| {
                        error(&format!(
                            "{why}; what follows could not be audited: build or download it again"
                        ))
                    });
                }
                reports.push(report);
            }
            Err(failure) => failures.push((artifact, failure.to_string())),
        }
    }
    bar.finish_and_clear();
    // The last failure is said by the caller, where there is nothing else to report.
    let said = if reports.is_empty() {
        failures.len().saturating_sub(1)
    } else {
        failures.len()
    };
    for (_, message) in &failures[..said] {
        error(message);
    }
    let Some(mut report) = Report::merge(reports) else {
        return Err(failures
            .pop()
            .map(|(_, message)| message)
            .unwrap_or_default());
    };
    complete &= failures.is_empty();
    report
        .errors
        .extend(failures.into_iter().map(|(path, message)| {
            let name = path.to_string_lossy();
            let prefix = format!("{name}: ");
            let path = EntryPath::new(&Arc::from(""), &visible(&name));
            ReadError::new(path, message.strip_prefix(&prefix).unwrap_or(&message))
        }));
    Ok((report, complete))
}

fn write_report(
    args: &OutputArgs,
    report: &Report,
    write_table: impl Fn(&mut dyn Write) -> io::Result<()>,
) -> Result<(), String> {
    let (target, stream): (String, Box<dyn Write>) = match &args.output {
        Some(path) => {
            let file = File::create(path).map_err(|error| {
                format!(
                    "{}: the report could not be written: {error}",
                    path.display()
                )
            })?;
            (
                path.display().to_string(),
                Box::new(AutoStream::never(file)),
            )
        }
        None => (
            "standard output".into(),
            Box::new(AutoStream::auto(stdout())),
        ),
    };
    let mut out = BufWriter::new(stream);
    let written = match args.format {
        Format::Table => write_table(&mut out),
        Format::Json => json::write(report, &mut out),
    };
    let written = written.and_then(|()| out.flush());
    match written {
        // Who reads has read enough, as `head` does.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(format!(
            "{target}: the report could not be written: {error}"
        )),
        Ok(()) => Ok(()),
    }
}

fn db_import(args: &ImportArgs) -> Result<u8, String> {
    let dir = args
        .database
        .db
        .clone()
        .or_else(advisory::default_dir)
        .ok_or(
            "there is no cache folder for this user; say where the database goes with --db DIR",
        )?;
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
    let summary = import::import(&source, &dir, &mut |_| bar.tick()).map_err(|e| e.to_string())?;
    bar.finish_and_clear();
    for unreadable in &summary.unreadable_shown {
        eprintln!("{NOTE}warning{NOTE:#}: {}", visible(unreadable));
    }
    let left_out: Vec<String> = [
        (summary.withdrawn, "withdrawn"),
        (summary.unreadable, "could not be read"),
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
        summary.path.display(),
        count(summary.info.advisories, "advisory", "advisories"),
        count(summary.info.ecosystems.len(), "ecosystem", "ecosystems"),
    );
    Ok(0)
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
                    let wait = wait.as_secs_f64();
                    eprintln!("{NOTE}note{NOTE:#}: {url}: {reason}; next try in {wait:.1} s");
                }),
                Event::Waiting { .. } => {}
            })
        })
        .map_err(|e| e.to_string())?;
    Ok(dir)
}
