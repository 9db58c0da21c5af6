//! Rust programs and libraries: which crates they are made of, by what is left of their sources in them.
//!
//! - The paths of sources tell crates with their versions (`source_path`), and the standard library's commit.
//! - Names of symbols tell crates without (`symbols`). A program's own crates have symbols too, so only names count
//!   that are known to be published, of which `known_crates.txt` has many; the others wait for a lock file
//!   ([`super::linked`]).
//! - The standard library is a crate too (`standard_library`).
//!
//! Where `cargo auditable` left its data, that says it all.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::OnceLock;

use super::source_path::{self, Origin, STANDARD_CRATES};
use super::standard_library;
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
/// So many well-known crates side by side make a folder one of crates, whatever its name. Others in it may be the
/// program's own: its parts may well be built side by side in folders with their names and versions.
const CRATES_OF_A_FOLDER: usize = 3;

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
            add(standard_library::NAME, version, path, seen);
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
        // The standard library brings symbols of its own copies along.
        let standard: BTreeSet<String> = STANDARD_CRATES.iter().map(|name| in_code(name)).collect();
        let mut names: BTreeSet<String> = BTreeSet::new();
        for name in all {
            let is_settled = [&has_version, &own, &standard]
                .into_iter()
                .any(|names| names.contains(name));
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
                } if known_crates().contains_key(&in_code(name)) => {
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

    /// The version of the standard library, which may be unknown, if the library is in there at all.
    fn standard_library(&self, image: &Image<'a>) -> Option<Option<&'a str>> {
        let mut commits = Vec::new();
        for origin in &self.origins {
            match *origin {
                Origin::Release(version) => return Some(Some(version)),
                Origin::Commit(commit) => commits.push(commit),
                _ => {}
            }
        }
        let comment = image.section(".comment").and_then(Result::ok);
        let version = standard_library::version(&commits, comment.unwrap_or_default());
        (version.is_some() || !commits.is_empty()).then_some(version)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::binary::Binary;
    use crate::inventory::binary::testing::{elf, macho, pe};
    use crate::inventory::testing::{inspect, rows};

    /// A registry's crate in a text that other strings stand around.
    fn source(folder: &str) -> String {
        format!("some text/home/me/.cargo/registry/src/index-0/{folder}/src/lib.rs")
    }

    fn audit(bytes: &[u8]) -> Vec<String> {
        let seen = inspect(&Binary, "bootstrap", bytes).unwrap();
        let rows = rows(&seen).into_iter();
        rows.map(|row| row.replace(" fingerprint bootstrap", ""))
            .collect()
    }

    #[test]
    fn crates_are_found_in_every_kind_of_executable() {
        let text = source("a-1.0.0") + &source("b_c-0.2.0-rc.1") + "RUST_BACKTRACE";
        let expected = ["a 1.0.0", "b_c 0.2.0-rc.1"];
        assert_eq!(audit(&elf(&[(".rodata", text.as_bytes())])), expected);
        assert_eq!(audit(&pe(&[(".rdata", text.as_bytes())])), expected);
        assert_eq!(audit(&macho(&[("__const", text.as_bytes())])), expected);
    }

    #[test]
    fn debug_information_names_crates_that_code_does_not() {
        let (text, debug) = (source("a-1.0.0"), source("b-1.0.0"));
        let sections = [
            (".rodata", text.as_bytes()),
            (".debug_str", debug.as_bytes()),
        ];
        assert_eq!(audit(&elf(&sections)), ["a 1.0.0", "b 1.0.0"]);
    }

    #[test]
    fn symbols_name_published_crates_and_not_the_programs_own() {
        let text = source("hyper-1.0.0") + "\0crates/rayon/src/lib.rs" + "/fn/vendor/v/src/lib.rs";
        let symbols = [
            "mine::main",
            "hyper::a",
            "pin_project_lite::b",
            "tokio::main",
            "memchr::f",
            "rayon::c",
            "mine_too::d",
            "core::e",
        ]
        .map(|path| {
            let parts = path.split("::");
            let parts: String = parts.map(|part| format!("{}{part}", part.len())).collect();
            format!("_ZN{parts}17h0123456789abcdefE\0")
        })
        .concat();
        let sections = [
            (".rodata", text.as_bytes()),
            (".strtab", symbols.as_bytes()),
        ];
        let bytes = elf(&sections);
        assert_eq!(audit(&bytes), ["hyper 1.0.0", "pin-project-lite ~", "v ~"]);
        let seen = inspect(&Binary, "bootstrap", bytes).unwrap();
        let names = &seen.named_crates[0].names;
        assert_eq!(names.iter().collect::<Vec<_>>(), ["core", "mine_too"]);
    }

    #[test]
    fn a_folder_of_several_crates_is_one_whatever_its_name() {
        let names = ["hyper", "rayon", "tokio"];
        let crates = names.map(|name| format!("/x/crates/{name}-1.0.0/src/lib.rs"));
        let text = "RUST_BACKTRACE".to_owned() + &crates[..2].concat();
        let own = "/build/own-1.0.0/src/main.rs/x/crates/mine-1.0.0/src/lib.rs";
        assert!(audit(&elf(&[(".rodata", (text.clone() + own).as_bytes())])).is_empty());
        let found = audit(&elf(&[(".rodata", (text + &crates[2] + own).as_bytes())]));
        assert_eq!(found, ["hyper 1.0.0", "rayon 1.0.0", "tokio 1.0.0"]);
    }

    #[test]
    fn the_programs_own_parts_side_by_side_are_no_crates() {
        let parts = ["my-app", "my-lib", "my-other", "my-tools"];
        let paths = parts.map(|name| format!("/opt/build/{name}-2.3.4/src/main.rs"));
        let text = "RUST_BACKTRACE\0".to_owned() + &paths.concat() + "mine-0.3.0/src/lib.rs";
        assert!(audit(&elf(&[(".rodata", text.as_bytes())])).is_empty());
    }

    #[test]
    fn a_checkout_is_the_crate_of_its_name_if_there_is_such_a_crate() {
        let checkout = |name| format!("/git/checkouts/{name}-0123456789abcdef/0123abc/src/lib.rs");
        let text = "RUST_BACKTRACE".to_owned() + &checkout("hyper") + &checkout("rust-things");
        assert_eq!(audit(&elf(&[(".rodata", text.as_bytes())])), ["hyper ~"]);
    }

    #[test]
    fn the_standard_library_is_a_component() {
        let commit = "59807616e1fa2540724bfbac14d7976d7e4a3860";
        let path = format!("/rustc/{commit}/library/core/src/fmt/mod.rs");
        assert_eq!(audit(&pe(&[(".rdata", path.as_bytes())])), ["std 1.95.0"]);
        let path = path.replace(commit, &"0".repeat(40));
        assert_eq!(audit(&pe(&[(".rdata", path.as_bytes())])), ["std ~"]);
    }

    #[test]
    fn audit_data_leaves_nothing_to_guess() {
        let text = source("a-1.0.0");
        let sections = [(".rodata", text.as_bytes()), (".dep-v0", b"no zlib")];
        let error = inspect(&Binary, "bootstrap", elf(&sections)).unwrap_err();
        assert!(error.message.contains("audit data"), "{error:?}");
    }

    #[test]
    fn more_crates_than_programs_have_are_said_so() {
        let text: String = (0..=MAX_CRATES)
            .map(|n| source(&format!("a{n}-1.0.0")))
            .collect();
        let error = inspect(&Binary, "bootstrap", elf(&[(".rodata", text.as_bytes())]));
        let expected = "names sources of more than 10000 crates; the rest was not looked at";
        assert_eq!(error.unwrap_err().message, expected);
    }
}
