//! Turns `src/secret/rules/*.toml`, `src/inventory/npm/javascript/libraries/*.toml`, `published.txt` beside them,
//! `src/inventory/pypi/vendored/modules/*.toml` and `src/inventory/binary/libraries/*.toml` into tables that the program
//! holds ready, so that they cost nothing at start.

// The examples of a row are for tests alone.
#[allow(dead_code)]
#[path = "src/inventory/npm/javascript/library_spec.rs"]
mod library_spec;
#[allow(dead_code)]
#[path = "src/inventory/pypi/vendored/module_spec.rs"]
mod module_spec;
#[allow(dead_code)]
#[path = "src/inventory/binary/library_spec.rs"]
mod native_spec;
#[allow(dead_code)]
#[path = "src/secret/sequence.rs"]
mod sequence;
#[allow(dead_code)]
#[path = "src/secret/spec.rs"]
mod spec;
#[path = "src/inventory/version_spec.rs"]
mod version_spec;

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

use library_spec::LibrarySpec;
use module_spec::ModuleSpec;
use native_spec::LibrarySpec as NativeSpec;
use sequence::{Sequence, Step};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use spec::RuleSpec;
use version_spec::VersionSpec;

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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModuleFile {
    module: Vec<ModuleSpec>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NativeFile {
    library: Vec<NativeSpec>,
}

const RULES: &str = "src/secret/rules";
const LIBRARIES: &str = "src/inventory/npm/javascript/libraries";
const MODULES: &str = "src/inventory/pypi/vendored/modules";
const NATIVE: &str = "src/inventory/binary/libraries";
const PUBLISHED: &str = "src/inventory/npm/javascript/published.txt";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={RULES}");
    println!("cargo::rerun-if-changed=src/secret/spec.rs");
    println!("cargo::rerun-if-changed=src/secret/sequence.rs");
    println!("cargo::rerun-if-changed={LIBRARIES}");
    println!("cargo::rerun-if-changed=src/inventory/npm/javascript/library_spec.rs");
    println!("cargo::rerun-if-changed={MODULES}");
    println!("cargo::rerun-if-changed=src/inventory/pypi/vendored/module_spec.rs");
    println!("cargo::rerun-if-changed={NATIVE}");
    println!("cargo::rerun-if-changed=src/inventory/binary/library_spec.rs");
    println!("cargo::rerun-if-changed=src/inventory/version_spec.rs");
    println!("cargo::rerun-if-changed={PUBLISHED}");
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
    libraries.save("static LIBRARIES", "Library", "libraries.rs")?;
    let mut modules = Table::default();
    for (path, file) in read_folder::<ModuleFile>(MODULES)? {
        for module in file.module {
            let row = write_module(&module);
            modules.add(&path, module.name, row);
        }
    }
    modules.save("pub static MODULES", "Module", "modules.rs")?;
    let mut native = Table::default();
    for (path, file) in read_folder::<NativeFile>(NATIVE)? {
        for library in file.library {
            let row = write_native(&library);
            native.add(&path, library.name, row);
        }
    }
    native.save("static LIBRARIES", "Library", "native_libraries.rs")?;
    let mut published = Table::default();
    for block in fs::read_to_string(PUBLISHED)?.split("\n\n").skip(1) {
        let name = block.split_whitespace().next().unwrap_or_default();
        published.add(
            Path::new(PUBLISHED),
            name.to_owned(),
            write_published(block),
        );
    }
    published.save("static PUBLISHED", "Published", "published.rs")
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
    let texts = |texts: &[Vec<u8>]| {
        let texts = texts.iter().map(|text| format!("Cow::Borrowed(&{text:?})"));
        texts.collect::<Vec<_>>().join(", ")
    };
    let in_place = assigned || shape.begins_with_keyword;
    let sequences = in_place.then(|| sequence::of(&spec::parsed(expression).ok()?));
    let sequences = sequences.flatten().unwrap_or_default();
    let sequences: Vec<String> = sequences.iter().map(write_sequence).collect();
    let checks: Vec<String> = rule
        .checks
        .iter()
        .map(|c| format!("Check::{}", camel(c)))
        .collect();
    Ok(format!(
        "Rule {{ id: Cow::Borrowed({:?}), name: Cow::Borrowed({:?}), severity: Severity::{}, remedy: Cow::Borrowed({:?}), \
         source: Cow::Borrowed({:?}), keywords: Cow::Borrowed(&[{keywords}]), expression: Cow::Borrowed({expression:?}), sequences: Cow::Borrowed(&[{}]), \
         assigned: {assigned}, begins_with_keyword: {}, prefixes: Cow::Borrowed(&[{}]), holds: Cow::Borrowed(&[{}]), longest: {}, unbroken: {}, entropy: {:?}, checks: Cow::Borrowed(&[{}]), \
         compiled: OnceLock::new() }},\n",
        rule.id,
        rule.name,
        camel(&rule.severity),
        rule.remedy,
        rule.source,
        sequences.join(", "),
        shape.begins_with_keyword,
        texts(&shape.prefixes),
        texts(&shape.holds),
        shape.longest,
        shape.unbroken,
        rule.entropy.unwrap_or(0.0),
        checks.join(", "),
    ))
}

fn write_sequence(sequence: &Sequence) -> String {
    let steps: Vec<String> = sequence
        .steps
        .iter()
        .map(|step| match step {
            Step::Text(text) => format!("Step::Text(Cow::Borrowed(&{text:?}))"),
            Step::Run(set, least, most) => format!("Step::Run({set:?}, {least}, {most})"),
        })
        .collect();
    format!(
        "Sequence {{ steps: Cow::Borrowed(&[{}]), secret: {:?} }}",
        steps.join(", "),
        sequence.secret
    )
}

/// One entry of the table, in the words of `src/inventory/npm/javascript/library.rs`.
fn write_library(library: &LibrarySpec) -> Result<String, String> {
    library.check()?;
    Ok(format!(
        "Library {{ name: {:?}, published_as: &{:?}, marks: &{:?}, versions: {}, ambiguous: &{:?}, \
         files: &{:?} }},\n",
        library.name,
        library.published_as,
        library.marks,
        write_versions(&library.versions, LibrarySpec::expression)?,
        library.ambiguous,
        library.files,
    ))
}

/// One entry of the table, in the words of `src/inventory/binary/libraries.rs`.
fn write_native(library: &NativeSpec) -> Result<String, String> {
    library.check()?;
    let bare = match &library.bare {
        Some(bare) => format!(
            "{{ static BARE: Bare = Bare {{ expression: {:?}, behind: {:?}, named: {}, compiled: OnceLock::new() }}; \
             Some(&BARE) }}",
            bare.expression()?,
            bare.behind()?,
            bare.named
        ),
        None => "None".to_owned(),
    };
    let files = library.files.iter().map(|file| {
        format!(
            "File {{ stem: {:?}, numbered: {}, numbers: &{:?}, alone: {} }}",
            file.stem, file.numbered, file.numbers, file.alone
        )
    });
    let files: Vec<String> = files.collect();
    let osv = library.osv.iter().filter_map(|osv| osv.split_once(':'));
    let osv: Vec<(&str, &str)> = osv.collect();
    Ok(format!(
        "Library {{ name: {:?}, marks: &{:?}, versions: {}, quoted: {}, beside: &{:?}, bare: {bare}, files: &[{}], \
         whole: &{:?}, unless: &{:?}, osv: &{osv:?} }},\n",
        library.name,
        library.marks,
        write_versions(&library.versions, NativeSpec::expression)?,
        library.quoted,
        library.beside,
        files.join(", "),
        library.whole,
        library.unless,
    ))
}

/// A list of `VersionExpression`s.
fn write_versions(
    versions: &[VersionSpec],
    expression: impl Fn(&VersionSpec) -> Result<(String, usize), String>,
) -> Result<String, String> {
    let (mut statics, mut names) = (String::new(), String::new());
    for (index, version) in versions.iter().enumerate() {
        let (expression, longest) = expression(version)?;
        write!(
            statics,
            "static V{index}: VersionExpression = VersionExpression {{ at: {:?}, expression: {expression:?}, \
             longest: {longest}, compiled: OnceLock::new() }}; ",
            version.at
        )
        .map_err(|e| e.to_string())?;
        write!(names, "&V{index}, ").map_err(|e| e.to_string())?;
    }
    Ok(format!("{{ {statics}&[{names}] }}"))
}

/// One entry of the table, in the words of `src/inventory/pypi/vendored/table.rs`.
fn write_module(module: &ModuleSpec) -> Result<String, String> {
    module.check()?;
    let mut files = String::new();
    for file in &module.files {
        let (folder, stem) = file.parts()?;
        write!(
            files,
            "ModuleFile {{ folder: {folder:?}, stem: {stem:?}, versions: &{:?}, marks: &{:?} }}, ",
            file.versions, file.marks
        )
        .map_err(|e| e.to_string())?;
    }
    Ok(format!(
        "Module {{ name: {:?}, published_as: &{:?}, files: &[{files}], ambiguous: &{:?} }},\n",
        module.name, module.published_as, module.ambiguous,
    ))
}

/// One entry of the table, in the words of `src/inventory/npm/javascript/published/mod.rs`: a line with the package's name, one
/// with its versions, and one for each set of versions, by their places, with the traces of it.
fn write_published(block: &str) -> Result<String, String> {
    let mut lines = block.lines();
    let mut head = lines.next().unwrap_or_default().split(' ');
    let name = head.next().ok_or("has no name")?;
    let flags: Vec<&str> = head.collect();
    let versions: Vec<&str> = lines.next().ok_or("has no versions")?.split(' ').collect();
    let (mut sets, mut traces) = (Vec::new(), BTreeMap::new());
    for line in lines {
        let mut parts = line.split(' ');
        let mut set = 0u64;
        for span in parts.next().unwrap_or_default().split(',') {
            let (first, last) = span.split_once('-').ok_or("has no span")?;
            let bit = |text: &str| text.parse::<u32>().map_err(|e| e.to_string());
            for index in bit(first)?..=bit(last)? {
                set |= 1u64.checked_shl(index).ok_or("has too many versions")?;
            }
        }
        for trace in parts {
            let trace = u64::from_str_radix(trace, 16).map_err(|e| e.to_string())?;
            traces.insert(trace, trace << 16 | sets.len() as u64);
        }
        sets.push(set);
    }
    Ok(format!(
        "Published {{ name: {name:?}, has_older: {}, has_newer: {}, has_all_files: {}, versions: &{versions:?}, sets: &{sets:?}, traces: &{:?} }},\n",
        flags.contains(&"older"),
        flags.contains(&"newer"),
        flags.contains(&"files"),
        traces.values().collect::<Vec<_>>(),
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
