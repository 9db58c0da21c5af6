//! How fast secrets are looked for: `cargo bench --bench secrets -- FILE|FOLDER…`.
//!
//! Prints megabytes a second on one core, of all files together and by kind of file, for the whole scan, for
//! each step of its prefilter, and for other ways that were tried. Best of five.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;
use std::{env, fs};

use aho_corasick::AhoCorasick;
use fnaudit::finding::EntryPath;
use fnaudit::secret::{Scanner, UserRules, prefilter};

const RUNS: usize = 5;

type Files = Vec<(String, Vec<u8>)>;
/// Takes a path and its bytes, and gives what it found.
type Way<'w> = &'w dyn Fn(&str, &[u8]) -> usize;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut kinds: BTreeMap<String, Files> = BTreeMap::new();
    for root in env::args().skip(1).filter(|arg| !arg.starts_with('-')) {
        for entry in walkdir::WalkDir::new(root) {
            let entry = entry?;
            if entry.file_type().is_file() {
                let bytes = fs::read(entry.path())?;
                let path = entry.path().to_string_lossy().into_owned();
                kinds
                    .entry(kind(&path, &bytes))
                    .or_default()
                    .push((path, bytes));
            }
        }
    }
    if kinds.is_empty() {
        kinds.insert("made here".into(), vec![("app.js".into(), invented())]);
    }
    println!(
        "start: {:.3} ms",
        best(|| drop(black_box(Scanner::new(UserRules::default())))) * 1e3
    );
    let scanner = Scanner::new(UserRules::default())?;
    let words = keywords()?;
    let automaton = AhoCorasick::new(&words)?;
    let ways: &[(&str, Way<'_>)] = &[
        ("whole scan", &|path, bytes| scan(&scanner, path, bytes)),
        ("runs by bits", &|_, bytes| runs_by_bits(bytes)),
        ("... that look random", &|_, bytes| random_runs(bytes)),
        ("landmarks, packed", &|_, bytes| landmarks(bytes)),
        ("runs, every 16th byte", &|_, bytes| runs_by_steps(bytes)),
        ("automaton of all keywords", &|_, bytes| {
            automaton.find_iter(bytes).count()
        }),
        ("memchr for each of 3 bytes", &|_, bytes| {
            memchr::memchr3_iter(b'_', b'-', b'@', bytes).count()
        }),
    ];
    print!("{:28}", "MB/s");
    for (kind, files) in &kinds {
        print!("{:>18}", format!("{kind} {:.0}", megabytes(files)));
    }
    println!();
    for (name, way) in ways {
        print!("{name:28}");
        for files in kinds.values() {
            let mut hits = 0;
            let seconds = best(|| hits = files.iter().map(|(path, bytes)| way(path, bytes)).sum());
            print!(
                "{:>18}",
                format!("{:.0} ({hits})", megabytes(files) / seconds)
            );
        }
        println!();
    }
    Ok(())
}

fn megabytes(files: &Files) -> f64 {
    files.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() as f64 / 1e6
}

fn best(mut work: impl FnMut()) -> f64 {
    let times = (0..RUNS).map(|_| {
        let started = Instant::now();
        work();
        started.elapsed().as_secs_f64()
    });
    times.fold(f64::INFINITY, f64::min)
}

fn kind(path: &str, bytes: &[u8]) -> String {
    let name = match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "js" | "mjs" | "cjs" | "ts" => "JavaScript",
        "py" => "Python",
        "json" | "map" => "JSON",
        _ if bytes.contains(&0) => "binary",
        _ => "text",
    };
    name.to_owned()
}

fn scan(scanner: &Scanner, path: &str, bytes: &[u8]) -> usize {
    let path = EntryPath::new(&Arc::from(""), path);
    let mut file = scanner.file(&path, bytes.len() as u64);
    file.window(bytes, 0, true);
    file.finish().len()
}

fn runs_by_bits(bytes: &[u8]) -> usize {
    let mut count = 0;
    prefilter::runs(bytes, 0, bytes.len(), |_, _| count += 1, |_| {});
    count
}

fn random_runs(bytes: &[u8]) -> usize {
    let mut count = 0;
    let found = |start: usize, end| {
        let look = prefilter::look(&bytes[start..], end - start);
        count += usize::from(look == prefilter::Look::Random);
    };
    prefilter::runs(bytes, 0, bytes.len(), found, |_| {});
    count
}

fn landmarks(bytes: &[u8]) -> usize {
    let mut count = 0;
    prefilter::landmarks(bytes, 0, bytes.len(), |_, _, _| count += 1);
    count
}

/// A run of 16 holds one of every 16 bytes: look at those, and around those that fit.
fn runs_by_steps(bytes: &[u8]) -> usize {
    let mut count = 0;
    let mut at = 15;
    while let Some(&b) = bytes.get(at) {
        if !prefilter::is_run_byte(b) {
            at += 16;
            continue;
        }
        let before = bytes[..at]
            .iter()
            .rev()
            .take_while(|b| prefilter::is_run_byte(**b))
            .count();
        let behind = bytes[at..]
            .iter()
            .take_while(|b| prefilter::is_run_byte(**b))
            .count();
        count += usize::from(before + behind >= 16);
        at += behind + 16;
    }
    count
}

/// The keywords of all rules, as they stand in their files.
fn keywords() -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let mut words = Vec::new();
    for entry in fs::read_dir("src/secret/rules")? {
        let file: toml::Table = toml::from_str(&fs::read_to_string(entry?.path())?)?;
        let rules = file.get("rule").and_then(toml::Value::as_array);
        for rule in rules
            .into_iter()
            .flatten()
            .filter(|rule| rule.get("pattern").is_some())
        {
            let list = rule.get("keywords").and_then(toml::Value::as_array);
            let list = list.into_iter().flatten().filter_map(toml::Value::as_str);
            words.extend(list.map(str::to_owned));
        }
    }
    Ok(words)
}

/// Something like a program, where no path is given.
fn invented() -> Vec<u8> {
    let mut text = String::new();
    for i in 0..200_000 {
        text += &format!(
            "  exports.handler{i} = function (request, response) {{ return send(response, {i}); }};\n"
        );
    }
    text.into_bytes()
}
