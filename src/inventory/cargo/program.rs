//! Rust programs and libraries: which crates they are made of, by what is left of their sources in them.
//!
//! - The paths of sources tell crates with their versions ([`source_path`]), and the standard library's commit.
//! - Names of symbols tell crates without ([`symbols`]). A program's own crates have symbols too, so only names count
//!   that are known to be published, of which `known_crates.txt` has many; the others wait for a lock file
//!   ([`super::linked`]).
//! - `.comment` tells the version of the compiler, which is that of the standard library:
//!   <https://rustc-dev-guide.rust-lang.org/>. RustSec's name for it is `std`.
//!
//! Where `cargo auditable` left its data, that says it all.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::str;
use std::sync::OnceLock;

use semver::Version;

use super::source_path::{self, Origin};
use super::symbols::{self, Crates};
use crate::component::{Ecosystem, Evidence};
use crate::finding::EntryPath;
use crate::inspect::{Observations, Unreadable};
use crate::inventory::binary::{Hit, Image, Platform, Reader};

pub struct Program;

/// What only Rust programs have: a variable that the standard library reads, and folders of sources.
const MARKS: &[&str] = &[
    "RUST_BACKTRACE",
    "/library/core/src/",
    r"\library\core\src\",
    "/library/alloc/src/",
    "/library/std/src/",
    "/registry/src/",
    r"\registry\src\",
];

/// Parts of debug information that hold the paths of all sources.
const DEBUG_SECTIONS: &[&str] = &[".debug_str", ".debug_line_str", ".debug_line"];

/// Many times what the largest programs are made of.
const MAX_CRATES: usize = 10_000;
/// So many crates side by side make a folder one of crates, whatever its name. A program that is built in a folder
/// with its own name and version is one.
const CRATES_OF_A_FOLDER: usize = 3;

/// The standard library's name in RustSec's advisories.
pub const STANDARD_LIBRARY: &str = "std";

const KNOWN_CRATES: &str = include_str!("known_crates.txt");

/// The names that a program has for crates which may be its own.
#[derive(Debug, Clone)]
pub struct NamedCrates {
    pub program: EntryPath,
    pub platform: Platform,
    pub names: BTreeSet<String>,
}

impl Reader for Program {
    fn marks(&self) -> Vec<&'static str> {
        MARKS.to_vec()
    }

    fn read(
        &self,
        image: &Image,
        hits: &[Hit],
        path: &EntryPath,
        seen: &mut Observations,
    ) -> Result<(), Unreadable> {
        if hits.is_empty() {
            return Ok(());
        }
        let debug = DEBUG_SECTIONS
            .iter()
            .filter_map(|name| image.section(name)?.ok());
        let sources = Sources::read(image.parts().chain(debug));
        if let Some(version) = sources.standard_library(image) {
            add(STANDARD_LIBRARY, version.as_deref(), path, seen);
        }
        if image.section(super::auditable::SECTION).is_some() {
            return Ok(());
        }
        let symbols = image.section(".strtab").and_then(Result::ok);
        sources.add_crates(symbols.unwrap_or_default(), image.platform, path, seen);
        if sources.are_all {
            return Ok(());
        }
        let message =
            format!("names sources of more than {MAX_CRATES} crates; the rest was not looked at");
        Err(Unreadable::new(message))
    }
}

fn add(name: &str, version: Option<&str>, path: &EntryPath, seen: &mut Observations) {
    let (ecosystem, evidence) = (Ecosystem::CratesIo, Evidence::Fingerprint);
    match version {
        Some(version) => seen.component(ecosystem, name, version, evidence, path.clone()),
        None => seen.named(ecosystem, name, None, evidence, path.clone()),
    }
}

/// Whose the sources are that a program names.
struct Sources<'a> {
    origins: BTreeSet<Origin<'a>>,
    are_all: bool,
}

impl<'a> Sources<'a> {
    fn read(texts: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut origins = BTreeSet::new();
        for origin in texts.flat_map(source_path::origins) {
            if origins.len() >= MAX_CRATES {
                return Sources {
                    origins,
                    are_all: false,
                };
            }
            origins.insert(origin);
        }
        Sources {
            origins,
            are_all: true,
        }
    }

    /// Adds what is certain; the other names wait for a lock file.
    fn add_crates(
        &self,
        symbols: &[u8],
        platform: Platform,
        path: &EntryPath,
        seen: &mut Observations,
    ) {
        let versions = self.versions();
        for (name, version) in &versions {
            add(name, Some(version), path, seen);
        }
        let has_version: BTreeSet<String> =
            versions.iter().map(|(name, _)| in_code(name)).collect();
        let Crates { all, with_main } = symbols::crates(symbols);
        let own: BTreeSet<String> = self.origins.iter().filter_map(own_folder).collect();
        let mut names: BTreeSet<String> = BTreeSet::new();
        for name in all {
            let is_settled = has_version.contains(name) || own.contains(name);
            if !is_settled && !with_main.contains(name) {
                names.insert(name.to_owned());
            }
        }
        let mut published: BTreeSet<&str> = BTreeSet::new();
        for origin in &self.origins {
            match *origin {
                Origin::Vendored { name } => published.extend(Some(name)),
                Origin::Checkout { repository } => {
                    let name = in_code(repository);
                    let is_crate = names.contains(&name) || known_crates().contains_key(&name);
                    published.extend(is_crate.then_some(repository));
                }
                _ => {}
            }
        }
        let known = names.iter().filter_map(|name| known_crates().get(name));
        published.extend(known);
        for name in published {
            names.remove(&in_code(name));
            if !has_version.contains(&in_code(name)) {
                add(name, None, path, seen);
            }
        }
        seen.named_crates.push(NamedCrates {
            program: path.clone(),
            platform,
            names,
        });
    }

    /// Crates with their versions.
    fn versions(&self) -> BTreeSet<(&'a str, &'a str)> {
        let mut versions = BTreeSet::new();
        let mut in_folders: BTreeMap<&str, BTreeSet<(&str, &str)>> = BTreeMap::new();
        for origin in &self.origins {
            match *origin {
                Origin::Crate { name, version } => {
                    versions.insert((name, version));
                }
                Origin::Named {
                    folder,
                    name,
                    version,
                } => {
                    in_folders
                        .entry(folder)
                        .or_default()
                        .insert((name, version));
                }
                _ => {}
            }
        }
        let folders = in_folders.into_values();
        versions.extend(
            folders
                .filter(|crates| crates.len() >= CRATES_OF_A_FOLDER)
                .flatten(),
        );
        versions
    }

    /// The version of the standard library, if it is in there at all.
    fn standard_library(&self, image: &Image) -> Option<Option<String>> {
        let comment = image.section(".comment").and_then(Result::ok);
        let compilers: BTreeSet<Compiler> = compilers(comment.unwrap_or_default()).collect();
        let mut commits = Vec::new();
        for origin in &self.origins {
            match *origin {
                Origin::Release(version) => return Some(Some(version.to_owned())),
                Origin::Commit(commit) => commits.push(commit),
                _ => {}
            }
        }
        let is_of_commit = |compiler: &&Compiler| {
            let commit = compiler.commit.unwrap_or("-");
            commits.iter().any(|known| known.starts_with(commit))
        };
        let of_commit = compilers.iter().find(is_of_commit);
        // Without a path, a single compiler leaves no doubt.
        let sole = compilers.first().filter(|_| compilers.len() == 1);
        match of_commit.or(sole) {
            Some(compiler) => Some(Some(compiler.version.to_owned())),
            None if commits.is_empty() => None,
            None => Some(release_of(&commits).map(str::to_owned)),
        }
    }
}

/// The folder of the program's own sources, as its code would name the crate in it.
fn own_folder(origin: &Origin) -> Option<String> {
    match origin {
        Origin::Own { folder } => Some(in_code(folder)),
        _ => None,
    }
}

/// A crate's name as code has it.
fn in_code(name: &str) -> String {
    name.to_ascii_lowercase().replace('-', "_")
}

/// Published names by the names in code.
fn known_crates() -> &'static HashMap<String, &'static str> {
    static KNOWN: OnceLock<HashMap<String, &str>> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let rows = KNOWN_CRATES.lines().filter(|line| !line.starts_with('#'));
        rows.flat_map(str::split_whitespace)
            .map(|name| (in_code(name), name))
            .collect()
    })
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Compiler<'a> {
    version: &'a str,
    /// The beginning of the commit that it was built from.
    commit: Option<&'a str>,
}

/// The compilers that a `.comment` names: `rustc version 1.95.0 (59807616e 2026-04-14)`.
fn compilers(comment: &[u8]) -> impl Iterator<Item = Compiler<'_>> {
    let lines = comment.split(|&byte| byte == 0);
    lines.filter_map(|line| {
        let line = str::from_utf8(line).ok()?.strip_prefix("rustc version ")?;
        let mut words = line.split([' ', '(', ')']).filter(|word| !word.is_empty());
        let version = words.next()?;
        Version::parse(version).ok()?;
        let commit = words.next().filter(|word| word.len() >= 8);
        Some(Compiler { version, commit })
    })
}

/// The release that a commit of the standard library is.
fn release_of(commits: &[&str]) -> Option<&'static str> {
    let mut releases = RELEASES.iter();
    let (_, version) = releases.find(|(start, _)| commits.iter().any(|c| c.starts_with(start)))?;
    Some(version)
}

/// The commits that stable compilers were built from, as `rustc --version` tells them.
const RELEASES: &[(&str, &str)] = &[("59807616e", "1.95.0")];
