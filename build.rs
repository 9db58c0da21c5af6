//! Turns `src/secret/rules/*.toml` and `src/inventory/npm/javascript/libraries/*.toml` into tables that the program
//! holds ready, so that they cost nothing at start.

// The examples of a row are for tests alone.
#[allow(dead_code)]
#[path = "src/inventory/npm/javascript/library_spec.rs"]
mod library_spec;
#[allow(dead_code)]
#[path = "src/secret/spec.rs"]
mod spec;

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

use library_spec::LibrarySpec;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use spec::RuleSpec;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    rule: Vec<RuleSpec>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LibraryFile {
    library: Vec<LibrarySpec>,
}

const RULES: &str = "src/secret/rules";
const LIBRARIES: &str = "src/inventory/npm/javascript/libraries";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={RULES}");
    println!("cargo::rerun-if-changed=src/secret/spec.rs");
    println!("cargo::rerun-if-changed={LIBRARIES}");
    println!("cargo::rerun-if-changed=src/inventory/npm/javascript/library_spec.rs");
    let mut rules = Table::default();
    for (path, file) in read_folder::<RuleFile>(RULES)? {
        for rule in file.rule {
            let row = rule.check_examples().and_then(|()| write_rule(&rule));
            rules.add(&path, rule.id, row);
        }
    }
    rules.save("pub static RULES", "Rule", "rules.rs")?;
    let mut libraries = Table::default();
    for (path, file) in read_folder::<LibraryFile>(LIBRARIES)? {
        for library in file.library {
            let row = write_library(&library);
            libraries.add(&path, library.name, row);
        }
    }
    libraries.save("static LIBRARIES", "Library", "libraries.rs")
}

/// Every TOML file of a folder, in the order of their names.
fn read_folder<T: DeserializeOwned>(folder: &str) -> Result<Vec<(PathBuf, T)>, Box<dyn Error>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| entry.map(|e| e.path()))
        .collect::<Result<_, _>>()?;
    paths.retain(|path| path.extension().is_some_and(|e| e == "toml"));
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        let file = toml::from_str(&fs::read_to_string(&path)?)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        files.push((path, file));
    }
    Ok(files)
}

/// The rows of a table so far, and what is wrong with those that break its form.
#[derive(Default)]
struct Table {
    rows: String,
    seen: BTreeMap<String, PathBuf>,
    problems: Vec<String>,
}

impl Table {
    fn add(&mut self, path: &Path, key: String, row: Result<String, String>) {
        let at = |why: String| format!("{}: {key:?}: {why}", path.display());
        match row {
            Ok(row) => self.rows += &row,
            Err(why) => self.problems.push(at(why)),
        }
        if let Some(other) = self.seen.get(&key) {
            self.problems
                .push(at(format!("it is in {} too", other.display())));
        }
        self.seen.insert(key, path.to_owned());
    }

    fn save(self, declared: &str, of: &str, file: &str) -> Result<(), Box<dyn Error>> {
        if !self.problems.is_empty() {
            return Err(self.problems.join("\n").into());
        }
        let rows = self.rows;
        let table = format!("{declared}: [{of}; {}] = [\n{rows}];\n", self.seen.len());
        let out = env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?;
        fs::write(Path::new(&out).join(file), table)?;
        Ok(())
    }
}

/// One entry of the table, in the words of `src/secret/rules.rs`.
fn write_rule(rule: &RuleSpec) -> Result<String, String> {
    let shape = rule.shape()?;
    let (expression, assigned) = rule.expression()?;
    let mut keywords = String::new();
    for keyword in &rule.keywords {
        write!(keywords, "Cow::Borrowed({keyword:?}), ").map_err(|e| e.to_string())?;
    }
    let prefixes: Vec<String> = shape
        .prefixes
        .iter()
        .map(|p| format!("Cow::Borrowed(&{p:?})"))
        .collect();
    let checks: Vec<String> = rule
        .checks
        .iter()
        .map(|c| format!("Check::{}", camel(c)))
        .collect();
    Ok(format!(
        "Rule {{ id: Cow::Borrowed({:?}), name: Cow::Borrowed({:?}), severity: Severity::{}, remedy: Cow::Borrowed({:?}), \
         source: Cow::Borrowed({:?}), keywords: Cow::Borrowed(&[{keywords}]), expression: Cow::Borrowed({expression:?}), \
         assigned: {assigned}, begins_with_keyword: {}, prefixes: Cow::Borrowed(&[{}]), longest: {}, unbroken: {}, entropy: {:?}, checks: Cow::Borrowed(&[{}]), \
         compiled: OnceLock::new() }},\n",
        rule.id,
        rule.name,
        camel(&rule.severity),
        rule.remedy,
        rule.source,
        shape.begins_with_keyword,
        prefixes.join(", "),
        shape.longest,
        shape.unbroken,
        rule.entropy.unwrap_or(0.0),
        checks.join(", "),
    ))
}

/// One entry of the table, in the words of `src/inventory/npm/javascript/library.rs`.
fn write_library(library: &LibrarySpec) -> Result<String, String> {
    library.check()?;
    let (mut versions, mut names) = (String::new(), String::new());
    for (index, version) in library.versions.iter().enumerate() {
        let (expression, longest) = version.expression()?;
        write!(
            versions,
            "static V{index}: VersionExpression = VersionExpression {{ at: {:?}, expression: {expression:?}, \
             longest: {longest}, compiled: OnceLock::new() }}; ",
            version.at
        )
        .map_err(|e| e.to_string())?;
        write!(names, "&V{index}, ").map_err(|e| e.to_string())?;
    }
    Ok(format!(
        "Library {{ name: {:?}, published_as: &{:?}, marks: &{:?}, versions: {{ {versions}&[{names}] }}, ambiguous: &{:?}, \
         files: &{:?} }},\n",
        library.name, library.published_as, library.marks, library.ambiguous, library.files,
    ))
}

/// `crc32-base62` as `Crc32Base62`.
fn camel(words: &str) -> String {
    let mut out = String::new();
    for word in words.split('-') {
        let (first, rest) = word.split_at(word.len().min(1));
        out += &first.to_ascii_uppercase();
        out += rest;
    }
    out
}
