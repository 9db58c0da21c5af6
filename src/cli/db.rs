//! The commands that work with the advisory database.

use std::path::{Path, PathBuf};

use anstream::{eprintln, println};
use fnaudit::advisory::{self, download, import};
use fnaudit::text::visible;

use super::args::{DatabaseArgs, DbCommand, ImportArgs};
use super::{NOTE, progress};

pub fn run(command: &DbCommand) -> Result<u8, String> {
    match command {
        DbCommand::Import(args) => import(args),
    }
}

/// Where the database is.
fn folder(args: &DatabaseArgs) -> Result<PathBuf, String> {
    let dir = args.db.clone().or_else(advisory::default_dir);
    dir.ok_or_else(|| {
        "there is no cache folder for this user; say where the database is with --db DIR".into()
    })
}

/// Says that another process is writing the database.
fn say_waiting() {
    eprintln!("{NOTE}note{NOTE:#}: another fnaudit is writing the database; waiting for it");
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
        Some(fetch(&args.source, &bar)?)
    } else {
        None
    };
    let source = downloaded
        .as_ref()
        .map_or(Path::new(&args.source), |file| file.path());
    let summary = import::import(source, &dir, &mut say_waiting, &mut |_| bar.tick())
        .map_err(|e| e.to_string())?;
    bar.finish_and_clear();
    for unreadable in &summary.counts.unreadable_shown {
        eprintln!("{NOTE}warning{NOTE:#}: {}", visible(unreadable));
    }
    let left_out: Vec<String> = [
        (summary.counts.withdrawn, "withdrawn"),
        (
            summary.counts.unreadable + summary.counts.damaged,
            "could not be read",
        ),
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
        count(summary.description.advisories, "advisory", "advisories"),
        count(
            summary.description.ecosystems.len(),
            "ecosystem",
            "ecosystems"
        ),
    );
    Ok(0)
}

fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// Downloads to a temporary file, which goes when it is dropped.
fn fetch(url: &str, bar: &indicatif::ProgressBar) -> Result<tempfile::NamedTempFile, String> {
    let mut file = tempfile::NamedTempFile::new()
        .map_err(|e| format!("no temporary file could be made: {e}"))?;
    download::fetch(url, &mut file, &mut |progress| {
        bar.set_position(progress.bytes)
    })
    .map_err(|e| e.to_string())?;
    Ok(file)
}
