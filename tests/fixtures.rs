//! The program over every fixture. What it must find stands beside each in `NAME.expected.txt`, a line for each
//! component, each file that is not read in full, and each finding:
//!
//! ```text
//! ECOSYSTEM NAME VERSION|~RANGE SCOPE EVIDENCE PATH[:LINE], PATH[:LINE], ...
//! error PATH[:LINE] MESSAGE
//! RULE SEVERITY PURL ADVISORY FIXED|-
//! ```
//!
//! Folders in `fixtures/formats` are about one format each, and are not matched with advisories. To add a format is
//! to add such a folder and its expectation. The archives beside it are made by `tools/fixtures.py`, and audited.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;
use support::Workplace;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");
const EXPECTED: &str = ".expected.txt";

/// Set to any value, writes what is found as what must be found. Read the difference before it is committed.
const UPDATE: &str = "FNAUDIT_UPDATE";

#[test]
fn every_fixture_holds_what_is_expected() {
    let mut wrong = Vec::new();
    for name in fixtures() {
        let found = found_in(&name);
        let expectation = Path::new(ROOT).join(format!("{name}{EXPECTED}"));
        if std::env::var_os(UPDATE).is_some() {
            fs::write(expectation, found).unwrap();
            continue;
        }
        match fs::read_to_string(&expectation) {
            Ok(expected) if expected == found => {}
            Ok(expected) => wrong.push(format!("{name}:\n{}", difference(&expected, &found))),
            Err(_) => wrong.push(format!("{name} has no {name}{EXPECTED}")),
        }
    }
    assert!(
        wrong.is_empty(),
        "fixtures are not what is expected of them (`{UPDATE}=1 cargo test --test fixtures` rewrites the \
         expectations; read them by hand):\n\n{}",
        wrong.join("\n\n")
    );
}

#[test]
fn no_expectation_is_left_without_its_fixture() {
    let names = fixtures();
    for folder in ["", "formats/"] {
        for file in listing(folder) {
            if let Some(name) = file.strip_suffix(EXPECTED) {
                assert!(names.contains(name), "{file} is about no fixture");
            }
        }
    }
}

/// Every fixture, by its path in the folder of all.
fn fixtures() -> BTreeSet<String> {
    let is_fixture = |name: &String| {
        !name.ends_with(EXPECTED) && name != "formats" && !name.ends_with("README.md")
    };
    let all = listing("").into_iter().chain(listing("formats/"));
    all.filter(is_fixture).collect()
}

fn listing(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(format!("{ROOT}/{folder}")).unwrap();
    entries
        .map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            format!("{folder}{name}")
        })
        .collect()
}

fn found_in(fixture: &str) -> String {
    let place = Workplace::new();
    let command = match fixture.starts_with("formats/") {
        true => "inventory",
        false => "audit",
    };
    let run = place.run_in(ROOT, &[command, fixture, "--format", "json", "-q"]);
    assert!(run.status < 2, "{fixture}: {}", run.stderr);
    let report = run.json();
    let rows = |key: &str, row: &dyn Fn(&Value) -> String| -> Vec<String> {
        report[key].as_array().unwrap().iter().map(row).collect()
    };
    let mut lines = rows("packages", &|package| component(package, fixture));
    lines.extend(rows("errors", &|error| {
        format!(
            "error {} {}",
            location(error, fixture),
            text(&error["message"])
        )
    }));
    lines.extend(rows("findings", &|found| finding(found, fixture)));
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn component(package: &Value, fixture: &str) -> String {
    let version = match package["version"].as_str() {
        Some(version) => version.to_owned(),
        None => format!("~{}", text(&package["version_range"])),
    };
    let locations = package["locations"].as_array().unwrap().iter();
    let locations: Vec<String> = locations.map(|l| location(l, fixture)).collect();
    format!(
        "{} {} {version} {} {} {}",
        text(&package["ecosystem"]),
        text(&package["name"]),
        text(&package["scope"]),
        text(&package["evidence"]),
        locations.join(", ")
    )
}

fn finding(found: &Value, fixture: &str) -> String {
    let about = match found["package"].as_str() {
        Some(purl) => purl.to_owned(),
        None => location(&found["locations"][0], fixture),
    };
    format!(
        "{} {} {about} {} {}",
        text(&found["rule"]),
        text(&found["severity"]),
        text(&found["advisory"]["id"]),
        text(&found["advisory"]["fixed"])
    )
}

/// Path and line of a row, within the fixture.
fn location(row: &Value, fixture: &str) -> String {
    let path = text(&row["path"]);
    let inside = path.strip_prefix(fixture).unwrap_or(path);
    let inside = inside.trim_start_matches('!').trim_start_matches('/');
    match row["line"].as_u64() {
        Some(line) => format!("{inside}:{line}"),
        None => inside.to_owned(),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}

fn difference(expected: &str, found: &str) -> String {
    let lines = |text: &str, other: &str, sign: &str| -> Vec<String> {
        let other: BTreeSet<&str> = other.lines().collect();
        let only_here = text.lines().filter(|line| !other.contains(line));
        only_here.map(|line| format!("  {sign} {line}")).collect()
    };
    let differing = [lines(expected, found, "-"), lines(found, expected, "+")].concat();
    match differing.is_empty() {
        true => format!("  the same lines in another order:\n{found}"),
        false => differing.join("\n"),
    }
}
