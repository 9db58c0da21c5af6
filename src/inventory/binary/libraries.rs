//! Native libraries and whole runtimes, by the constants of their own code, wherever it stands: in a library of their
//! own, in a wheel's `*.libs`, or linked into an extension.
//!
//! `libraries/*.toml` says for each what identifies it and where its version stands; docs/native-libraries.md says how to
//! write a row. A program that is linked with a library, or speaks of it, holds none of its code and so is not it.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use super::bare::{Bare, BareText};
use super::{Hit, Image, Reader, bare};
use crate::component::{Ecosystem, Evidence};
use crate::finding::EntryPath;
use crate::inspect::{Observations, Unreadable, WholeFile};
use crate::inventory::version_expression::VersionExpression;

include!(concat!(env!("OUT_DIR"), "/native_libraries.rs"));

/// How many versions of one library a file may have.
const MAX_VERSIONS: usize = 16;
/// At how many places of one file a version of one library is looked for: more than any file speaks of it.
const MAX_READ: usize = 4096;

/// A row of the table that the build script makes.
struct Library {
    name: &'static str,
    marks: &'static [&'static str],
    versions: &'static [&'static VersionExpression],
    quoted: bool,
    beside: &'static [&'static str],
    bare: Option<&'static Bare>,
    files: &'static [File],
    whole: &'static [&'static str],
    unless: &'static [&'static str],
    osv: &'static [(&'static str, &'static str)],
}

/// What a file of its own is called.
struct File {
    stem: &'static str,
    numbered: bool,
    numbers: &'static [(&'static str, &'static str)],
    alone: bool,
}

/// The ecosystems and names under which OSV's records know a library.
pub fn osv_names(library: &str) -> &'static [(&'static str, &'static str)] {
    let row = LIBRARIES.iter().find(|row| row.name == library);
    row.map_or(&[], |row| row.osv)
}

pub struct Libraries;

impl Reader for Libraries {
    fn marks(&self) -> Vec<&'static str> {
        texts().iter().map(|(text, _)| *text).collect()
    }

    fn read(
        &self,
        image: &Image,
        hits: &[Hit],
        path: &EntryPath,
        seen: &mut Observations,
    ) -> Result<(), Unreadable> {
        let file = FileName::of(path);
        let mut traces = traces(image, hits);
        for (index, library) in LIBRARIES.iter().enumerate() {
            let mut files = library.files.iter();
            if files.any(|known| known.alone && file.is(known.stem)) {
                traces.entry(index).or_default().is_marked = true;
            }
        }
        let bare = OnceCell::new();
        let texts = || bare.get_or_init(|| bare::texts(image)).as_slice();
        let names: BTreeSet<&str> = traces.keys().map(|&index| LIBRARIES[index].name).collect();
        for (&index, traces) in &traces {
            let library = &LIBRARIES[index];
            if library.unless.iter().any(|other| names.contains(other)) {
                continue;
            }
            let mut versions = traces.versions.clone();
            // In excerpts nothing is known to be the only one of its form.
            if versions.is_empty() && !image.is_excerpt {
                versions.extend(library.bare_version(&file, texts));
            }
            if versions.is_empty() {
                versions.extend(library.file_version(&file));
            }
            library.report(versions, path, seen);
            if library.whole.iter().any(|stem| file.is(stem)) {
                seen.whole_files.push(WholeFile {
                    path: path.clone(),
                    ecosystem: Ecosystem::Generic,
                    name: library.name.to_owned(),
                    size: image.size as u64,
                });
            }
        }
        Ok(())
    }
}

/// What was seen of a library.
#[derive(Default)]
struct Traces {
    is_marked: bool,
    is_beside: bool,
    versions: BTreeSet<String>,
    read: usize,
}

/// What it means that a text is in a file. Numbers are places in the table.
#[derive(Clone, Copy)]
enum Means {
    /// That library is there.
    Library(usize),
    /// A part of it is there.
    Beside(usize),
    /// Its version may stand around it.
    Version(usize, usize),
}

/// Every text that is looked for.
fn texts() -> &'static [(&'static str, Means)] {
    static TEXTS: OnceLock<Vec<(&str, Means)>> = OnceLock::new();
    TEXTS.get_or_init(|| {
        let rows = LIBRARIES.iter().enumerate();
        rows.flat_map(|(index, library)| {
            let marks = library.marks.iter();
            let marks = marks.map(move |mark| (*mark, Means::Library(index)));
            let beside = library.beside.iter();
            let beside = beside.map(move |text| (*text, Means::Beside(index)));
            let versions = library.versions.iter().enumerate();
            let versions = versions.map(move |(n, version)| (version.at, Means::Version(index, n)));
            marks.chain(beside).chain(versions)
        })
        .collect()
    })
}

/// The libraries that are there, by their place in the table.
fn traces(image: &Image, hits: &[Hit]) -> BTreeMap<usize, Traces> {
    let mut all: BTreeMap<usize, Traces> = BTreeMap::new();
    for hit in hits {
        let Some((_, means)) = texts().get(hit.mark) else {
            continue;
        };
        match *means {
            Means::Library(index) => all.entry(index).or_default().is_marked = true,
            Means::Beside(index) => all.entry(index).or_default().is_beside = true,
            Means::Version(index, expression) => {
                let traces = all.entry(index).or_default();
                traces.read += 1;
                if traces.read <= MAX_READ && traces.versions.len() < MAX_VERSIONS {
                    let expression = LIBRARIES[index].versions[expression];
                    let stated = expression.read(image.part(hit.part), hit.at);
                    let stated = stated.and_then(|s| String::from_utf8(s.version.to_vec()).ok());
                    traces.versions.extend(stated);
                }
            }
        }
    }
    for (&index, traces) in &mut all {
        if LIBRARIES[index].quoted && !traces.is_marked && !traces.is_beside {
            traces.versions.clear();
        }
    }
    all.retain(|_, traces| traces.is_marked || !traces.versions.is_empty());
    all
}

impl Library {
    /// The one text that is nothing but its version.
    fn bare_version<'a>(
        &self,
        file: &FileName,
        texts: impl FnOnce() -> &'a [BareText<'a>],
    ) -> Option<String> {
        let bare = self.bare?;
        let is_own = self.files.iter().any(|known| file.is(known.stem));
        bare.version(texts(), is_own)
    }

    fn file_version(&self, file: &FileName) -> Option<String> {
        let known = self.files.iter().find(|known| file.is(known.stem))?;
        let is_whole = file.numbers.matches('.').count() >= 2;
        let meant = known
            .numbers
            .iter()
            .find(|(numbers, _)| *numbers == file.numbers);
        match meant {
            Some((_, version)) => Some((*version).to_owned()),
            None => (known.numbered && is_whole).then(|| file.numbers.clone()),
        }
    }

    fn report(&self, versions: BTreeSet<String>, path: &EntryPath, seen: &mut Observations) {
        let (ecosystem, evidence) = (Ecosystem::Generic, Evidence::Fingerprint);
        if versions.is_empty() {
            seen.named(ecosystem, self.name, None, evidence, path.clone());
        }
        for version in versions {
            seen.component(ecosystem, self.name, version, evidence, path.clone());
        }
    }
}

/// The parts of a library's file name.
struct FileName {
    /// In lower case, `libwebp` of `libwebp-e2184a5a.so.7.1.6`, with what wheels add to it.
    stem: String,
    /// `7.1.6`
    numbers: String,
}

impl FileName {
    fn of(path: &EntryPath) -> Self {
        let name = path.file_name().to_ascii_lowercase();
        let is_number = |text: &str| {
            let mut parts = text.split('.');
            parts.all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
        };
        let (stem, numbers) = if let Some((stem, numbers)) = name.split_once(".so.") {
            (stem, numbers)
        } else if let Some(name) = name.strip_suffix(".dylib") {
            name.split_once('.').unwrap_or((name, ""))
        } else {
            (name.split_once('.').map_or(&*name, |(stem, _)| stem), "")
        };
        let numbers = if is_number(numbers) { numbers } else { "" };
        FileName {
            stem: stem.to_owned(),
            numbers: numbers.to_owned(),
        }
    }

    /// Whether it is called so, less what a wheel's builder put behind it.
    fn is(&self, stem: &str) -> bool {
        let rest = self.stem.strip_prefix(stem);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '.']))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::super::Binary;
    use super::super::library_spec::{LibrarySpec, constants};
    use super::super::testing::{elf, macho, pe};
    use super::*;
    use crate::inventory::testing::{inspect, table_rows};

    fn specs() -> Vec<LibrarySpec> {
        table_rows("src/inventory/binary/libraries", "library")
    }

    /// `name version`, or the name alone.
    fn named_in(path: &str, file: &[u8]) -> BTreeSet<String> {
        let seen = inspect(&Binary, path, file).unwrap();
        let components = seen.components.into_iter();
        components
            .filter(|c| c.ecosystem == Ecosystem::Generic)
            .map(|c| match c.version {
                Some(version) => format!("{} {version}", c.name),
                None => c.name,
            })
            .collect()
    }

    fn named(path: &str, constants: &[u8]) -> BTreeSet<String> {
        named_in(path, &elf(&[(".rodata", constants)]))
    }

    #[test]
    fn every_example_is_recognized_as_its_library_and_as_no_other() {
        for spec in specs() {
            for example in &spec.examples {
                let expected = match &example.version {
                    Some(version) => format!("{} {version}", spec.name),
                    None => spec.name.clone(),
                };
                let file = example.file.as_deref().unwrap_or("addon.so");
                let found = named(file, &example.bytes());
                assert_eq!(found, BTreeSet::from([expected]), "{}", example.texts);
            }
        }
    }

    #[test]
    fn what_only_speaks_of_a_library_is_none() {
        for spec in specs() {
            for other in &spec.others {
                let found = named("addon.so", &constants(other));
                assert_eq!(found, BTreeSet::new(), "{}: {other}", spec.name);
            }
        }
        let all: Vec<String> = specs().into_iter().flat_map(|spec| spec.others).collect();
        assert_eq!(
            named("addon.so", &constants(&all.join(" "))),
            BTreeSet::new()
        );
    }

    #[test]
    fn every_mark_and_every_expression_is_in_an_example() {
        for spec in specs() {
            let examples: Vec<u8> = spec.examples.iter().flat_map(|e| e.bytes()).collect();
            let place = |text: &str| memchr::memmem::find(&examples, text.as_bytes());
            if let Some(first) = spec.marks.first() {
                assert!(place(first).is_some(), "{}: {first}", spec.name);
            }
            let library = LIBRARIES.iter().find(|l| l.name == spec.name).unwrap();
            for version in library.versions {
                assert!(version.compiles(), "{}", version.expression);
            }
        }
        let names: BTreeSet<&str> = LIBRARIES.iter().map(|l| l.name).collect();
        assert_eq!(names.len(), LIBRARIES.len());
        for library in &LIBRARIES {
            assert!(library.unless.iter().all(|other| names.contains(other)));
        }
    }

    #[test]
    fn libraries_in_one_file_keep_their_own_versions() {
        let constants = constants(
            " deflate 1.2.11 Copyright 1995-2017 Jean-loup Gailly and Mark Adler \nOpenSSL default user interface\n\
             OpenSSL 1.1.1k  25 Mar 2021\nexpat_2.5.0\n1.0.8, 13-Jul-2019",
        );
        let expected = [
            "bzip2 1.0.8",
            "expat 2.5.0",
            "openssl 1.1.1k",
            "zlib 1.2.11",
        ];
        for file in [
            elf(&[(".rodata", &constants)]),
            pe(&[(".rdata", &constants)]),
            macho(&[("__cstring", &constants)]),
        ] {
            let found = named_in("_rust.abi3.so", &file);
            assert_eq!(found, BTreeSet::from(expected.map(str::to_owned)));
        }
    }

    #[test]
    fn two_copies_of_a_library_are_two_versions() {
        let copy = |version| {
            let text = format!(" inflate {version} Copyright 1995-2022 Mark Adler ");
            constants(&text)
        };
        let found = named("node", &[copy("1.2.13"), copy("1.2.13.1")].concat());
        let expected = ["zlib 1.2.13", "zlib 1.2.13.1"].map(str::to_owned);
        assert_eq!(found, BTreeSet::from(expected));
    }

    #[test]
    fn file_names_are_taken_apart() {
        for (name, stem, numbers) in [
            ("libwebp-e2184a5a.so.7.1.6", "libwebp", "7.1.6"),
            ("libwebp-rasterio-b5775511.so.7.1.8", "libwebp", "7.1.8"),
            ("libz.1.2.11.dylib", "libz", "1.2.11"),
            ("libssl.so", "libssl", ""),
            ("libcrypto.so.1.1.1k", "libcrypto", ""),
            ("sqlite3.dll", "sqlite3", ""),
        ] {
            let path = EntryPath::new(&std::sync::Arc::from("fn.zip!/"), name);
            let file = FileName::of(&path);
            assert!(file.is(stem) && file.numbers == numbers, "{name}");
            assert!(!file.is(&stem[..3]), "{name}");
        }
    }

    #[test]
    fn a_million_marks_without_a_version_take_no_longer_than_they_are() {
        let texts = [
            "OpenSSL ",
            " Copyright 1995-",
            "\u{0}expat_2",
            "), built on ",
        ];
        for text in texts {
            let long = constants(&text.repeat(300_000));
            let found = inspect(&Binary, "a.so", elf(&[(".rodata", &long)]));
            assert!(found.is_err(), "{text}");
        }
        let numbers = "3.1.1\n".repeat(300_000);
        let text = format!("PYTHONHASHSEED must be \"random\" or an integer\n{numbers}");
        let expected = BTreeSet::from(["python".to_owned()]);
        assert_eq!(named("a.so", &constants(&text)), expected);
    }

    proptest! {
        #[test]
        fn no_bytes_do_harm(parts in prop::collection::vec(0..LIBRARIES.len(), 0..9), noise in any::<Vec<u8>>()) {
            let mut text = noise.clone();
            for index in parts {
                for version in LIBRARIES[index].versions {
                    text.extend_from_slice(version.at.as_bytes());
                    text.extend_from_slice(&noise[..noise.len() / 2]);
                }
                for mark in LIBRARIES[index].marks {
                    text.extend_from_slice(mark.as_bytes());
                    text.extend_from_slice(b"\x003.4.5\0");
                }
            }
            let _ = inspect(&Binary, "libsqlite3.so.1.2.3", elf(&[(".rodata", &text)]));
        }
    }
}
