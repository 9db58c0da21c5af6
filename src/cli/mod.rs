//! What each command does: results on standard output, talk on standard error.

pub mod args;
mod config;
mod db;
mod progress;

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Write, stdout};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anstream::AutoStream;
use anstream::eprintln;
use anstyle::{AnsiColor, Style};
use fnaudit::advisory::database::Database;
use fnaudit::advisory::exploitation::Feed;
use fnaudit::finding::{EntryPath, Kind};
use fnaudit::policy::FailOn;
use fnaudit::report::{self, ReadError, Report, json, table};
use fnaudit::size::budget::{Baseline, Budget};
use fnaudit::text::visible;
use fnaudit::{Advisories, Audited, Auditor, KindFilter, Options, size};

use self::args::{
    AuditArgs, Cli, Command, FailOnArg, Format, InputArgs, InventoryArgs, OutputArgs, SizeArgs,
    SizeFlags, TalkArgs,
};
use self::config::Config;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const NOTE: Style = AnsiColor::Cyan.on_default().bold();

/// The audit could not be done.
const FAILED: u8 = 2;
/// Something was found at or above `--fail-on`.
const FOUND: u8 = 1;

pub fn run(cli: Cli) -> ExitCode {
    let status = match cli.command {
        None => audit(&cli.audit),
        Some(Command::Audit(args)) => audit(&args),
        Some(Command::Inventory(args)) => inventory(&args),
        Some(Command::Size(args)) => size(&args),
        Some(Command::Db(command)) => db::run(&command),
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
    if args.show_secrets && !shows_on_terminal(&args.output) {
        return Err(
            "--show-secrets writes secrets in full, and only to a person: leave out --output and --format json, and run it \
             in a terminal"
                .into(),
        );
    }
    if !args.offline && !args.talk.quiet {
        db::offer_update(&args.database)?;
    }
    let config = Config::here()?;
    let options = Options {
        advisories: match args.database.dir() {
            Some(dir) => Advisories::At(dir),
            None => Advisories::DefaultOrStarter,
        },
        locks: args.input.locks.clone(),
        limits: args.input.limits.limits(),
        threads: args.input.threads.map(usize::from),
        kinds: KindFilter {
            only: args.only.iter().map(|&kind| kind.into()).collect(),
            skip: args.skip.iter().map(|&kind| kind.into()).collect(),
        },
        secrets: config.secrets,
        size: size_options(&args.size, config.size)?,
        show_secrets: args.show_secrets,
        fingerprint_key: fingerprint_key(),
    };
    let auditor = Auditor::new(options).map_err(|e| e.to_string())?;
    let fail_on = FailOnArg::together(&args.fail_on);
    if let Some(database) = auditor.database() {
        check_database(database, args, fail_on)?;
    }
    let (report, complete) = audit_all(auditor, &args.input, &args.talk)?;
    let verbose = args.talk.verbose;
    write_report(&args.output, &report, |out| {
        table::write(&report, verbose, out)
    })?;
    Ok(status(&report, complete, fail_on))
}

/// What the program ends with.
fn status(report: &Report, complete: bool, fail_on: FailOn) -> u8 {
    if !complete {
        FAILED
    } else if fail_on.is_met_by(&report.findings) {
        FOUND
    } else {
        0
    }
}

/// Not a flag: other users of the machine see the command line.
fn fingerprint_key() -> Vec<u8> {
    std::env::var_os("FNAUDIT_FINGERPRINT_KEY")
        .map(|key| key.into_encoded_bytes())
        .unwrap_or_default()
}

fn shows_on_terminal(args: &OutputArgs) -> bool {
    args.output.is_none() && args.format == Format::Table && stdout().is_terminal()
}

/// Says what the database lacks; an error where that is not to be put up with.
fn check_database(database: &Database, args: &AuditArgs, fail_on: FailOn) -> Result<(), String> {
    let description = database.description();
    let kev = description.and_then(|d| d.feeds.get(Feed::Kev.as_str()));
    // Without a moment it was never there, or went with a damaged database.
    if fail_on.kev && kev.is_none_or(|kev| kev.current.is_none()) {
        return Err(
            "--fail-on kev needs the list of what is known to be exploited; \
             `fnaudit db update --kev` downloads it"
                .into(),
        );
    }
    let lists: &[Feed] = if fail_on.kev { &[Feed::Kev] } else { &[] };
    let old = db::age(description, lists, &args.age)?;
    if args.age.require_fresh {
        if description.is_none() {
            return Err(
                "--require-fresh needs an advisory database; `fnaudit db update` downloads one"
                    .into(),
            );
        }
        if let Some(old) = old {
            return Err(old);
        }
    } else if args.talk.quiet {
        return Ok(());
    } else if let Some(old) = old {
        eprintln!("{NOTE}note{NOTE:#}: {old}");
    } else if description.is_none() {
        eprintln!(
            "{NOTE}note{NOTE:#}: no advisory database yet: using the starter set of {} advisories; \
             `fnaudit db update` downloads a complete one",
            database.info().advisories
        );
    }
    Ok(())
}

fn inventory(args: &InventoryArgs) -> Result<u8, String> {
    let kinds = KindFilter {
        skip: vec![Kind::Artifact, Kind::Secret, Kind::Size, Kind::SupplyChain],
        ..KindFilter::default()
    };
    let options = without_advisories(&args.input, kinds);
    let auditor = Auditor::new(options).map_err(|e| e.to_string())?;
    let (report, complete) = audit_all(auditor, &args.input, &args.talk)?;
    let verbose = args.talk.verbose;
    write_report(&args.output, &report, |out| {
        table::write_inventory(&report, verbose, out)
    })?;
    Ok(if complete { 0 } else { FAILED })
}

fn size(args: &SizeArgs) -> Result<u8, String> {
    let kinds = KindFilter {
        only: vec![Kind::Size],
        ..KindFilter::default()
    };
    let options = Options {
        size: size_options(&args.size, Config::here()?.size)?,
        ..without_advisories(&args.input, kinds)
    };
    let auditor = Auditor::new(options).map_err(|e| e.to_string())?;
    let fail_on = FailOnArg::together(&[args.fail_on]);
    let (report, complete) = audit_all(auditor, &args.input, &args.talk)?;
    let verbose = args.talk.verbose;
    write_report(&args.output, &report, |out| {
        report::size::write(&report, verbose, out)
    })?;
    Ok(status(&report, complete, fail_on))
}

fn without_advisories(input: &InputArgs, kinds: KindFilter) -> Options {
    Options {
        advisories: Advisories::None,
        locks: input.locks.clone(),
        limits: input.limits.limits(),
        threads: input.threads.map(usize::from),
        kinds,
        ..Options::default()
    }
}

fn size_options(flags: &SizeFlags, budget: Budget) -> Result<size::Options, String> {
    let read = |path: &PathBuf| {
        let name = path.display();
        let json = fs::read(path).map_err(|error| format!("{name}: cannot be read: {error}"))?;
        Baseline::parse(&json).map_err(|why| format!("{name}: {why}"))
    };
    Ok(size::Options {
        platform: flags.platform,
        budget,
        baseline: flags.baseline.as_ref().map(read).transpose()?,
    })
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
    finish_output(written.and_then(|()| out.flush()), &target)
}

fn finish_output(written: io::Result<()>, target: &str) -> Result<(), String> {
    match written {
        // Who reads has read enough, as `head` does.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(format!(
            "{target}: the report could not be written: {error}"
        )),
        Ok(()) => Ok(()),
    }
}
