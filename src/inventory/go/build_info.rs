//! The build information that Go leaves in every program and shared library: the release of Go, and the modules.
//!
//! The format is that of `debug/buildinfo` in Go's standard library, <https://pkg.go.dev/debug/buildinfo>: a mark, the
//! size of pointers, flags, and then two texts. Since Go 1.18 they follow, with their lengths; before, the addresses of
//! two strings do. The second text lists the modules, a line each: <https://pkg.go.dev/runtime/debug#BuildInfo>.
//! Stripping leaves it all in place.

use std::str;

use crate::component::{Ecosystem, Evidence};
use crate::finding::EntryPath;
use crate::inspect::{Observations, Unreadable};
use crate::inventory::binary::{Hit, Image, Reader};
use crate::version::Version;

pub struct BuildInfo;

/// What follows the first byte of the mark, which is no text.
const MARK: &str = " Go buildinf:";
const FIRST_BYTE: u8 = 0xff;

/// The mark begins at a multiple of this.
const ALIGNMENT: usize = 16;
const HEADER: usize = 32;

const POINTER_SIZE_AT: usize = 14;
const FLAGS_AT: usize = 15;
const POINTERS_AT: usize = 16;
const BIG_ENDIAN: u8 = 1;
const INLINE: u8 = 2;

/// Both ends of the list of modules are marked with as many bytes.
const FRAME: usize = 16;

/// A program has the mark once, and maybe a few times in its texts.
const MAX_TRIES: usize = 8;

/// How long all of it may be in a file of which only excerpts are held: several times that of the largest programs.
const MAX_INFO: u64 = 1024 * 1024;

/// A module lies in a cache under its path, and its version is a file's name there
/// (<https://go.dev/ref/mod#module-cache>): longer than systems allow is neither.
const LONGEST_PATH: usize = 4096;
const LONGEST_VERSION: usize = 255;

/// OSV's name for Go's standard library.
const STANDARD_LIBRARY: &str = "stdlib";

impl Reader for BuildInfo {
    fn marks(&self) -> Vec<&'static str> {
        vec![MARK]
    }

    fn reach(&self) -> u64 {
        MAX_INFO
    }

    fn read(
        &self,
        image: &Image,
        hits: &[Hit],
        path: &EntryPath,
        seen: &mut Observations,
    ) -> Result<(), Unreadable> {
        let headers = hits.iter().filter_map(|hit| header(image, *hit));
        let mut headers = headers.take(MAX_TRIES).peekable();
        if headers.peek().is_none() {
            return Ok(());
        }
        let Some((release, modules)) = headers.find_map(|header| texts(image, header)) else {
            return Err(Unreadable::new(match image.is_excerpt {
                // Before Go 1.18 it leads elsewhere in any file.
                true => "carries Go build info that leads out of the parts that were read",
                false => "carries Go build info that leads out of the file",
            }));
        };
        add_standard_library(release, path, seen);
        add_modules(modules, path, seen)
    }
}

/// What begins with the mark, if it is more than a text about it.
fn header<'a>(image: &Image<'a>, hit: Hit) -> Option<&'a [u8]> {
    let at = (image.part_offset(hit.part) + hit.at).checked_sub(1)?;
    let header = image.bytes.get(at..)?;
    let is_one = at.is_multiple_of(ALIGNMENT)
        && header.first() == Some(&FIRST_BYTE)
        && matches!(header.get(POINTER_SIZE_AT)?, 4 | 8)
        && *header.get(FLAGS_AT)? <= BIG_ENDIAN | INLINE;
    is_one.then_some(header)
}

/// The release of Go and the list of modules.
fn texts<'a>(image: &Image<'a>, header: &'a [u8]) -> Option<(&'a str, &'a str)> {
    let flags = *header.get(FLAGS_AT)?;
    let (release, modules) = if flags & INLINE != 0 {
        let (release, rest) = text_with_length(header.get(HEADER..)?)?;
        (release, text_with_length(rest)?.0)
    } else {
        let width = usize::from(*header.get(POINTER_SIZE_AT)?);
        let pointers = Pointers {
            width,
            is_big_endian: flags & BIG_ENDIAN != 0,
        };
        let text = |at: usize| text_at(image, pointers, pointers.read(header, at)?);
        (text(POINTERS_AT)?, text(POINTERS_AT + width)?)
    };
    let modules = modules.get(FRAME..modules.len().saturating_sub(FRAME));
    let modules = modules
        .filter(|text| text.ends_with(b"\n"))
        .unwrap_or_default();
    Some((str::from_utf8(release).ok()?, str::from_utf8(modules).ok()?))
}

/// A length as a varint, and as many bytes: <https://pkg.go.dev/encoding/binary#Uvarint>.
fn text_with_length(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut length: usize = 0;
    for (index, byte) in bytes.iter().take(5).enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return bytes.get(index + 1..)?.split_at_checked(length);
        }
    }
    None
}

#[derive(Clone, Copy)]
struct Pointers {
    width: usize,
    is_big_endian: bool,
}

impl Pointers {
    fn read(self, bytes: &[u8], at: usize) -> Option<u64> {
        let bytes = bytes.get(at..at.checked_add(self.width)?)?;
        let digit = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        Some(if self.is_big_endian {
            bytes.iter().fold(0, digit)
        } else {
            bytes.iter().rev().fold(0, digit)
        })
    }
}

/// A string as Go has it in memory: where its text is, and how long.
fn text_at<'a>(image: &Image<'a>, pointers: Pointers, address: u64) -> Option<&'a [u8]> {
    let string = image.loaded_at(address)?;
    let text = image.loaded_at(pointers.read(string, 0)?)?;
    let length = pointers.read(string, pointers.width)?;
    text.get(..usize::try_from(length).ok()?)
}

fn add_standard_library(release: &str, path: &EntryPath, seen: &mut Observations) {
    if let Some(version) = standard_library(release) {
        let (ecosystem, evidence) = (Ecosystem::Go, Evidence::Embedded);
        seen.component(ecosystem, STANDARD_LIBRARY, version, evidence, path.clone());
    }
}

/// The version that advisories know a release by: `1.22.3` of `go1.22.3`, of `go1.22.3-mine` and of
/// `go1.22.3 X:boringcrypto`. What was built between releases has none.
fn standard_library(release: &str) -> Option<&str> {
    let version = release.split([' ', '-', '+']).next()?.strip_prefix("go")?;
    Version::parse(Ecosystem::Go, version)?;
    Some(version)
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Module<'a> {
    path: &'a str,
    version: &'a str,
    /// The digest of what was downloaded.
    sum: &'a str,
}

impl<'a> Module<'a> {
    fn read(columns: &'a str) -> Option<Self> {
        let mut columns = columns.split('\t');
        Some(Module {
            path: columns.next().filter(|path| !path.is_empty())?,
            version: columns.next()?,
            sum: columns.next().unwrap_or_default(),
        })
    }

    fn is_too_long(&self) -> bool {
        self.path.len() > LONGEST_PATH || self.version.len() > LONGEST_VERSION
    }

    /// Whether it has a published version: a folder on the builder's disk has none.
    fn is_published(self) -> bool {
        self.version.starts_with('v') && Version::parse(Ecosystem::Go, self.version).is_some()
    }
}

/// Adds every module that was linked in. What replaces a module is what ships. The program's own module counts only if
/// it was downloaded itself.
fn add_modules(list: &str, path: &EntryPath, seen: &mut Observations) -> Result<(), Unreadable> {
    let mut too_long = 0_usize;
    let mut lines = list.lines().peekable();
    while let Some(line) = lines.next() {
        let (module, is_main) = match line.split_once('\t') {
            Some(("dep", columns)) => (Module::read(columns), false),
            Some(("mod", columns)) => (Module::read(columns), true),
            _ => continue,
        };
        let replacement = lines.peek().and_then(|line| line.strip_prefix("=>\t"));
        let module = replacement.map_or(module, Module::read);
        if module.as_ref().is_some_and(Module::is_too_long) {
            too_long += 1;
            continue;
        }
        let counts = |module: &Module| module.is_published() && !(is_main && module.sum.is_empty());
        if let Some(Module {
            path: name,
            version,
            ..
        }) = module.filter(counts)
        {
            let (ecosystem, evidence) = (Ecosystem::Go, Evidence::Embedded);
            seen.component(ecosystem, name, version, evidence, path.clone());
        }
    }
    match too_long {
        0 => Ok(()),
        n => Err(Unreadable::new(format!(
            "carries Go build info with names or versions longer than any module has: {n} were left out"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::inspect::{Header, Inspector};
    use crate::inventory::binary::Binary;
    use crate::inventory::binary::testing::{BASE, elf, fat, macho, numbers, pe};
    use crate::inventory::testing::{inspect, rows};

    const MODULES: &str = "path\ta.example/fn\n\
        mod\ta.example/fn\tv1.0.1\t\n\
        dep\tb.example/b\tv1.2.3\th1:AAAA=\n\
        dep\tb.example/old\tv3.2.0+incompatible\th1:AAAA=\n\
        dep\tb.example/fork\tv1.0.0\n\
        =>\tc.example/fork\tv0.0.0-20200101000000-0123456789ab\th1:AAAA=\n\
        dep\tb.example/folder\tv1.0.0\n\
        =>\t./folder\t(devel)\t\n\
        dep\tb.example/workspace\t(devel)\t\n\
        build\t-compiler=gc\n";

    const FOUND: [&str; 4] = [
        "b.example/b v1.2.3 embedded bootstrap",
        "b.example/old v3.2.0+incompatible embedded bootstrap",
        "c.example/fork v0.0.0-20200101000000-0123456789ab embedded bootstrap",
        "stdlib 1.22.3 embedded bootstrap",
    ];

    fn framed(modules: &str) -> Vec<u8> {
        [&[1; FRAME], modules.as_bytes(), &[2; FRAME]].concat()
    }

    fn varint(mut length: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while length > 0x7f {
            bytes.push(length as u8 | 0x80);
            length >>= 7;
        }
        bytes.push(length as u8);
        bytes
    }

    fn head(pointer_size: u8, flags: u8) -> Vec<u8> {
        [b"\xff Go buildinf:".as_slice(), &[pointer_size, flags]].concat()
    }

    fn inline(release: &str, modules: &str) -> Vec<u8> {
        let modules = framed(modules);
        let mut bytes = head(8, INLINE);
        bytes.resize(HEADER, 0);
        bytes.extend(varint(release.len()));
        bytes.extend(release.as_bytes());
        bytes.extend(varint(modules.len()));
        bytes.extend(modules);
        bytes
    }

    /// For a section at an address: header, two strings, two texts.
    fn with_pointers(at: usize, width: usize, release: &str, modules: &str) -> Vec<u8> {
        let modules = framed(modules);
        let strings = HEADER + 4 * width;
        let mut bytes = head(width as u8, 0);
        bytes.extend(numbers(&[
            (at + HEADER, width),
            (at + HEADER + 2 * width, width),
        ]));
        bytes.resize(HEADER, 0);
        bytes.extend(numbers(&[(at + strings, width), (release.len(), width)]));
        bytes.extend(numbers(&[
            (at + strings + release.len(), width),
            (modules.len(), width),
        ]));
        bytes.extend(release.as_bytes());
        bytes.extend(modules);
        bytes
    }

    fn audit(bytes: &[u8]) -> Result<Vec<String>, Unreadable> {
        inspect(&Binary, "bootstrap", bytes).map(|seen| rows(&seen))
    }

    #[test]
    fn modules_and_the_standard_library_are_found_in_every_kind_of_executable() {
        let info = inline("go1.22.3", MODULES);
        let sections = [(".go.buildinfo", info.as_slice())];
        assert_eq!(audit(&elf(&sections)).unwrap(), FOUND);
        assert_eq!(audit(&pe(&[(".data", &info)])).unwrap(), FOUND);
        let apple = macho(&[("__go_buildinfo", &info)]);
        assert_eq!(audit(&apple).unwrap(), FOUND);
        // Where an image begins in a universal binary is a multiple of a page.
        let padding = vec![0; apple.len().next_multiple_of(16) - apple.len() + 4];
        let universal = fat(&[[apple.clone(), padding].concat()]);
        assert_eq!(audit(&universal).unwrap(), FOUND);
    }

    #[test]
    fn before_go_1_18_the_texts_are_elsewhere() {
        for width in [4, 8] {
            // The one section of such a file is behind its headers.
            let at = BASE as usize + 128;
            let info = with_pointers(at, width, "go1.22.3", MODULES);
            let bytes = elf(&[(".go.buildinfo", &info)]);
            assert_eq!(audit(&bytes).unwrap(), FOUND);
        }
        let pointers = Pointers {
            width: 4,
            is_big_endian: true,
        };
        assert_eq!(pointers.read(&[0, 0, 1, 2, 3], 1), Some(0x0001_0203));
    }

    #[test]
    fn a_program_that_was_downloaded_itself_is_a_component() {
        let main = "mod\ta.example/tool\tv1.2.3\th1:AAAA=\n";
        let bytes = elf(&[(".data", &inline("go1.22.3", main))]);
        let found = audit(&bytes).unwrap();
        assert_eq!(found[0], "a.example/tool v1.2.3 embedded bootstrap");
    }

    #[test]
    fn releases_are_the_versions_of_advisories() {
        for (release, version) in [
            ("go1.22.3", Some("1.22.3")),
            ("go1.13", Some("1.13")),
            ("go1.21rc2", Some("1.21rc2")),
            ("go1.22.3 X:boringcrypto", Some("1.22.3")),
            ("go1.22.3-mine", Some("1.22.3")),
            ("devel go1.23-0123456 Mon", None),
            ("devel +0123456", None),
            ("", None),
        ] {
            assert_eq!(standard_library(release), version, "{release}");
        }
    }

    #[test]
    fn what_leads_out_of_the_file_is_said_so() {
        let message = "carries Go build info that leads out of the file";
        let mut cut = inline("go1.22.3", MODULES);
        cut.truncate(cut.len() - 1);
        let mut endless = head(8, INLINE);
        endless.resize(HEADER, 0);
        endless.extend([0xff; 20]);
        let astray = with_pointers(usize::MAX / 2, 8, "go1.22.3", MODULES);
        let at = BASE as usize + 128;
        let mut long = with_pointers(at, 8, "go1.22.3", MODULES);
        long[HEADER + 8..HEADER + 16].fill(0xff);
        for info in [cut, endless, astray, long] {
            // Not the end of the file, but of what is loaded.
            let bytes = pe(&[(".data", &info)]);
            let error = audit(&bytes).unwrap_err();
            assert_eq!(error.message, message);
        }
    }

    #[test]
    fn in_windows_what_leads_elsewhere_is_said_so() {
        let at = BASE as usize + 128;
        let old = with_pointers(at, 8, "go1.17", MODULES);
        let message = "carries Go build info that leads out of the parts that were read";
        let is_told = Err(Unreadable::new(message));
        for (info, expected) in [(inline("go1.22.3", MODULES), Ok(())), (old, is_told)] {
            let bytes = elf(&[(".go.buildinfo", &info)]);
            let path = EntryPath::new(&Arc::from("fn.zip!/"), "bootstrap");
            let header = Header {
                path: &path,
                size: bytes.len() as u64,
                first_bytes: &bytes[..Header::PEEK.min(bytes.len())],
            };
            let mut windows = Binary.in_windows(&header).unwrap();
            windows.window(&bytes, 0);
            let mut seen = Observations::default();
            let read = windows.finish(bytes.len() as u64, &path, &mut seen);
            assert_eq!(read, expected);
            let found = if expected.is_ok() {
                FOUND.to_vec()
            } else {
                vec![]
            };
            assert_eq!(rows(&seen), found);
        }
    }

    #[test]
    fn texts_about_the_mark_are_no_build_info() {
        for text in [
            b"\xff Go buildinf:the mark of it and more text".as_slice(),
            b"- Go buildinf:\x08\x02",
            b"\xff Go buildinf:",
        ] {
            assert_eq!(audit(&elf(&[(".rodata", text)])), Ok(vec![]));
        }
        let shifted = [vec![0; 8], inline("go1.22.3", MODULES)].concat();
        assert_eq!(audit(&elf(&[(".rodata", &shifted)])), Ok(vec![]));
    }

    #[test]
    fn odd_lists_cost_only_their_odd_lines() {
        let list = "dep\n\
            dep\t\tv1.0.0\n\
            dep\ta.example/a\n\
            =>\tb.example/b\tv1.0.0\n\
            dep\ta.example/c\tv1.0.0\n\
            =>\n\
            nonsense\n";
        let bytes = elf(&[(".data", &inline("devel", list))]);
        let found = audit(&bytes).unwrap();
        assert_eq!(
            found,
            [
                "a.example/c v1.0.0 embedded bootstrap",
                "b.example/b v1.0.0 embedded bootstrap",
            ]
        );
    }

    #[test]
    fn modules_longer_than_any_are_left_out_and_said_so() {
        let (path, version) = ("a".repeat(LONGEST_PATH), "0".repeat(LONGEST_VERSION - 7));
        let list = format!(
            "dep\ta{path}\tv1.0.0\n\
             dep\ta.example/a\tv1.0.0-0{version}\n\
             dep\ta.example/b\tv1.0.0\n\
             =>\ta{path}\tv1.0.0\n\
             dep\t{path}\tv1.0.0\n\
             dep\tb.example/b\tv1.0.0\n"
        );
        let bytes = elf(&[(".data", &inline("devel", &list))]);
        let mut seen = Observations::default();
        let path_of_program =
            crate::finding::EntryPath::new(&std::sync::Arc::from(""), "bootstrap");
        let entry = crate::inspect::Entry {
            path: &path_of_program,
            bytes: &bytes,
        };
        let error = crate::inspect::Inspector::inspect(&Binary, &entry, &mut seen).unwrap_err();
        assert!(error.message.ends_with("3 were left out"), "{error:?}");
        let names: Vec<_> = seen
            .components
            .iter()
            .map(|row| row.name.as_str())
            .collect();
        assert_eq!(names, [path.as_str(), "b.example/b"]);
    }
}
