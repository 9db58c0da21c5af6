//! Turns `src/secret/rules/*.toml` into a table that the program holds ready, so that rules cost nothing at start.

// The examples of a rule are for tests alone.
#[allow(dead_code)]
#[path = "src/secret/spec.rs"]
mod spec;

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

use serde::Deserialize;
use spec::RuleSpec;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    rule: Vec<RuleSpec>,
}

const RULES: &str = "src/secret/rules";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={RULES}");
    println!("cargo::rerun-if-changed=src/secret/spec.rs");
    let mut files: Vec<PathBuf> = fs::read_dir(RULES)?
        .map(|entry| entry.map(|e| e.path()))
        .collect::<Result<_, _>>()?;
    files.retain(|path| path.extension().is_some_and(|e| e == "toml"));
    files.sort();
    let mut table = String::new();
    let mut seen: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut problems = Vec::new();
    for path in files {
        let file: RuleFile = toml::from_str(&fs::read_to_string(&path)?)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        for rule in file.rule {
            let at = |why: String| format!("{}: rule {:?}: {why}", path.display(), rule.id);
            if let Err(why) = write_rule(&mut table, &rule) {
                problems.push(at(why));
            }
            if let Some(other) = seen.insert(rule.id.clone(), path.clone()) {
                problems.push(at(format!("its id is in {} too", other.display())));
            }
        }
    }
    if !problems.is_empty() {
        return Err(problems.join("\n").into());
    }
    let table = format!("pub static RULES: [Rule; {}] = [\n{table}];\n", seen.len());
    let out = env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?;
    fs::write(Path::new(&out).join("rules.rs"), table)?;
    Ok(())
}

/// One entry of the table, in the words of `src/secret/rules.rs`.
fn write_rule(table: &mut String, rule: &RuleSpec) -> Result<(), String> {
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
    writeln!(
        table,
        "Rule {{ id: Cow::Borrowed({:?}), name: Cow::Borrowed({:?}), severity: Severity::{}, remedy: Cow::Borrowed({:?}), \
         source: Cow::Borrowed({:?}), keywords: Cow::Borrowed(&[{keywords}]), expression: Cow::Borrowed({expression:?}), \
         assigned: {assigned}, begins_with_keyword: {}, prefixes: Cow::Borrowed(&[{}]), longest: {}, entropy: {:?}, checks: Cow::Borrowed(&[{}]), \
         compiled: OnceLock::new() }},",
        rule.id,
        rule.name,
        camel(&rule.severity),
        rule.remedy,
        rule.source,
        shape.begins_with_keyword,
        prefixes.join(", "),
        shape.longest,
        rule.entropy.unwrap_or(0.0),
        checks.join(", "),
    )
    .map_err(|e| e.to_string())
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
