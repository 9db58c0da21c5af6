//! How long a whole audit takes, against unpacking the same archive: `cargo bench --bench audit`.
//!
//! The bundles are made here, shaped like real functions: their sizes, numbers of files and ratios. Beside
//! each audit runs `unzip -tq`, where it is installed, and the `zip` crate reading every entry in turn; the
//! runs alternate, and the medians and their ratios are printed. A second table gives audits with and without the
//! search for secrets, also of files that promise secrets and have none. A path or more after `--` are measured too.

use std::fs;
use std::hint::black_box;
use std::io::{self, Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fastrand::Rng;
use fnaudit::finding::Kind;
use fnaudit::{Auditor, KindFilter, Options};
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

const RUNS: usize = 9;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let mut bundles = vec![
        write(dir.path(), "node-4000-files", &node_function(4000)?)?,
        write(dir.path(), "python-native", &native_function(12)?)?,
        write(dir.path(), "zip-in-zip", &nested(&node_function(1500)?)?)?,
    ];
    let given = std::env::args().skip(1).filter(|arg| !arg.starts_with('-'));
    bundles.extend(given.map(PathBuf::from));
    let auditor = Auditor::new(Options::default())?;
    unpacking(&auditor, &bundles)?;
    for (name, text) in promises() {
        bundles.push(write(
            dir.path(),
            name,
            &holding("bundle.js", text.as_bytes())?,
        )?);
    }
    secrets(&auditor, &bundles)
}

/// Whole audits against unpacking.
fn unpacking(auditor: &Auditor, bundles: &[PathBuf]) -> Outcome {
    println!(
        "{:24} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "bundle", "packed MB", "audit ms", "unzip ms", "ratio", "zip ms", "ratio"
    );
    for path in bundles {
        let (mut ours, mut unzip, mut zip) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..RUNS {
            ours.push(timed(|| {
                black_box(auditor.audit(path)?);
                Ok(())
            })?);
            if let Ok(time) = timed(|| run_unzip(path)) {
                unzip.push(time);
            }
            zip.push(timed(|| read_in_turn(path))?);
        }
        let ours = median(&mut ours).ok_or("no runs")?;
        let columns = |times: &mut Vec<Duration>| match median(times) {
            Some(time) => (
                millis(time),
                format!("{:.2}", ours.as_secs_f64() / time.as_secs_f64()),
            ),
            None => ("-".into(), "-".into()),
        };
        let (unzip, unzip_ratio) = columns(&mut unzip);
        let (zip, zip_ratio) = columns(&mut zip);
        println!(
            "{:24} {:>9.1} {:>9} {unzip:>9} {unzip_ratio:>9} {zip:>9} {zip_ratio:>9}",
            path.file_stem().unwrap_or_default().to_string_lossy(),
            fs::metadata(path)?.len() as f64 / 1e6,
            millis(ours),
        );
    }
    Ok(())
}

/// Whole audits with and without the search for secrets.
fn secrets(with: &Auditor, bundles: &[PathBuf]) -> Outcome {
    let without = Auditor::new(Options {
        kinds: KindFilter {
            skip: vec![Kind::Secret],
            ..KindFilter::default()
        },
        ..Options::default()
    })?;
    println!(
        "\n{:24} {:>9} {:>9} {:>9}",
        "bundle", "with ms", "without", "ratio"
    );
    for path in bundles {
        let (mut all, mut some) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            for (auditor, times) in [(with, &mut all), (&without, &mut some)] {
                times.push(timed(|| {
                    black_box(auditor.audit(path)?);
                    Ok(())
                })?);
            }
        }
        let all = median(&mut all).ok_or("no runs")?;
        let some = median(&mut some).ok_or("no runs")?;
        println!(
            "{:24} {:>9} {:>9} {:>9.2}",
            path.file_stem().unwrap_or_default().to_string_lossy(),
            millis(all),
            millis(some),
            all.as_secs_f64() / some.as_secs_f64()
        );
    }
    Ok(())
}

/// Files that look as if they held secrets all over, put together here so that none stands in this file.
fn promises() -> Vec<(&'static str, String)> {
    let header = ["-----BEGIN RSA PRIVATE", " KEY-----\n"].concat();
    let mut random = Rng::with_seed(7);
    let mut line = String::with_capacity(50 << 20);
    while line.len() < 50 << 20 {
        line += &format!(
            "var a{:x}=f(\"{:x}\",{}),",
            random.u64(..),
            random.u64(..),
            line.len()
        );
    }
    vec![
        ("one-line-of-50-MB", line),
        ("300000-key-headers", header.repeat(300_000)),
        ("5000000-jwt-beginnings", "eyJ".repeat(5_000_000)),
    ]
}

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn timed(work: impl FnOnce() -> Outcome) -> Result<Duration, Box<dyn std::error::Error>> {
    let started = Instant::now();
    work()?;
    Ok(started.elapsed())
}

fn run_unzip(path: &Path) -> Outcome {
    let status = Command::new("unzip")
        .arg("-tq")
        .arg(path)
        .stdout(Stdio::null())
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err("unzip failed".into())
    }
}

/// What a program does that unpacks before it looks, less the writing.
fn read_in_turn(path: &Path) -> Outcome {
    let mut archive = ZipArchive::new(fs::File::open(path)?)?;
    for index in 0..archive.len() {
        io::copy(&mut archive.by_index(index)?, &mut io::sink())?;
    }
    Ok(())
}

fn median(times: &mut [Duration]) -> Option<Duration> {
    times.sort_unstable();
    times.get(times.len() / 2).copied()
}

fn millis(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1e3)
}

fn write(dir: &Path, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    let path = dir.join(format!("{name}.zip"));
    fs::write(&path, bytes)?;
    Ok(path)
}

/// Text that packs about as source code does: lines from a small vocabulary.
fn source_text(random: &mut Rng, len: usize) -> String {
    const WORDS: [&str; 24] = [
        "const",
        "return",
        "function",
        "exports",
        "require",
        "module",
        "if",
        "else",
        "value",
        "options",
        "this",
        "prototype",
        "undefined",
        "index",
        "length",
        "callback",
        "error",
        "result",
        "=>",
        "(",
        ")",
        "{",
        "}",
        ";",
    ];
    let mut text = String::with_capacity(len + 32);
    while text.len() < len {
        let n = random.u64(..);
        text.push_str(WORDS[(n % 24) as usize]);
        match (n >> 8) % 9 {
            0 => text.push_str(&format!("{:x}", n >> 40)),
            1 => text.push('\n'),
            _ => text.push(' '),
        }
    }
    text
}

fn node_function(files: usize) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut random = Rng::with_seed(7);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for i in 0..files {
        let package = i / 14;
        if i % 14 == 0 {
            writer.start_file(
                format!("node_modules/p{package}/package.json"),
                SimpleFileOptions::default(),
            )?;
            write!(
                writer,
                "{{\"name\": \"p{package}\", \"version\": \"1.{package}.0\"}}"
            )?;
        } else {
            writer.start_file(
                format!("node_modules/p{package}/lib/f{i}.js"),
                SimpleFileOptions::default(),
            )?;
            let len = 1000 + (random.u64(..) % 30_000) as usize;
            writer.write_all(source_text(&mut random, len).as_bytes())?;
        }
    }
    Ok(writer.finish()?.into_inner())
}

/// Large files with little to gain from packing, as native extensions are.
fn native_function(files: usize) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut random = Rng::with_seed(11);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for i in 0..files {
        writer.start_file(format!("lib{i}.so"), SimpleFileOptions::default())?;
        let mut code = b"\x7FELF".to_vec();
        while code.len() < 4_000_000 {
            let n = random.u64(..);
            let word = n.to_le_bytes();
            let common = [0x48, 0x89, 0xE5, word[0]];
            code.extend_from_slice(if n.is_multiple_of(3) { &word } else { &common });
        }
        writer.write_all(&code)?;
    }
    Ok(writer.finish()?.into_inner())
}

fn nested(inner: &[u8]) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    holding(".requirements.zip", inner)
}

/// An archive of one file.
fn holding(name: &str, content: &[u8]) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file(name, SimpleFileOptions::default())?;
    writer.write_all(content)?;
    Ok(writer.finish()?.into_inner())
}
