//! The audit data that `cargo auditable` leaves in a binary: a section `.dep-v0` of an ELF, PE or Mach-O file,
//! which holds the list of crates as JSON, compressed with zlib.
//!
//! Specification: <https://github.com/rust-secure-code/cargo-auditable/blob/master/PARSING.md>.

use std::collections::BTreeSet;
use std::io::Read;

use flate2::read::ZlibDecoder;
use object::elf::{FileHeader32, FileHeader64};
use object::macho::{FatArch32, FatArch64, MachHeader32, MachHeader64};
use object::pe::{ImageDosHeader, ImageNtHeaders32, ImageNtHeaders64};
use object::read::elf::{FileHeader, SectionHeader};
use object::read::macho::{FatArch, MachHeader, MachOFatFile, Section, Segment};
use object::read::pe::ImageNtHeaders;
use object::{Endianness, FileKind};
use serde::Deserialize;

use crate::component::{Ecosystem, Evidence};
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::lenient::{Flag, Lenient, Text};
use crate::inventory::read;

pub struct Auditable;

const SECTION: &[u8] = b".dep-v0";

/// The smallest file that has room for headers and a section.
const MIN_SIZE: u64 = 64;

/// Thousands of crates fit in here; more is a bomb.
const MAX_JSON: u64 = 16 << 20;

/// A universal binary has a handful; what a Java class has in that place is 45 or more.
const MAX_ARCHITECTURES: u32 = 16;

/// ELF, PE, Mach-O (32 and 64 bits, both byte orders), universal Mach-O (32 and 64 bits).
const MAGICS: &[&[u8]] = &[
    b"\x7fELF",
    b"MZ",
    b"\xfe\xed\xfa\xce",
    b"\xce\xfa\xed\xfe",
    b"\xfe\xed\xfa\xcf",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
    b"\xca\xfe\xba\xbf",
];

#[derive(Deserialize)]
struct AuditData {
    #[serde(default)]
    packages: Vec<Lenient<Package>>,
}

#[derive(Deserialize)]
struct Package {
    #[serde(default)]
    name: Text,
    #[serde(default)]
    version: Text,
    #[serde(default)]
    source: Text,
    /// `runtime` where it is left out.
    #[serde(default)]
    kind: Text,
    #[serde(default)]
    root: Flag,
    /// Places in the list of packages.
    #[serde(default)]
    dependencies: Vec<usize>,
}

impl Inspector for Auditable {
    fn wants(&self, header: &Header) -> bool {
        let has_magic = |magic: &&[u8]| header.first_bytes.starts_with(magic);
        header.size >= MIN_SIZE
            && MAGICS.iter().any(has_magic)
            && !is_java_class(header.first_bytes)
    }

    /// Executables are as large as they are; memory alone bounds them.
    fn max_size(&self) -> u64 {
        u64::MAX
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        // What does not parse is no executable, whatever its first bytes: that is no error.
        let sections = sections(entry.bytes).unwrap_or_default();
        let mut crates = BTreeSet::new();
        for section in sections {
            let section = section
                .map_err(|_| Unreadable::new("has a section of audit data beyond its end"))?;
            crates.extend(third_party(section)?);
        }
        for (name, version) in crates {
            let location = entry.path.clone();
            seen.component(
                Ecosystem::CratesIo,
                name,
                version,
                Evidence::Embedded,
                location,
            );
        }
        Ok(())
    }
}

/// Java classes share the magic of universal binaries, where the number of architectures follows.
fn is_java_class(first_bytes: &[u8]) -> bool {
    match first_bytes {
        [0xca, 0xfe, 0xba, 0xbe, count @ ..] => count
            .first_chunk()
            .is_some_and(|count| u32::from_be_bytes(*count) > MAX_ARCHITECTURES),
        _ => false,
    }
}

/// Names and versions of the crates in the code.
fn third_party(section: &[u8]) -> Result<BTreeSet<(String, String)>, Unreadable> {
    let data: AuditData = serde_json::from_slice(&inflated(section)?).map_err(|error| {
        let reason = read::not_json(&error).message;
        Unreadable::new(format!("carries audit data that {reason}"))
    })?;
    let packages: Vec<Option<Package>> = data.packages.into_iter().map(Lenient::map).collect();
    let in_the_code = in_the_code(&packages);
    let shipped = packages
        .into_iter()
        .zip(in_the_code)
        .filter(|(_, ships)| *ships);
    Ok(shipped
        .filter_map(|(package, _)| package.filter(Package::is_third_party_code))
        .filter_map(|package| Some((package.name.text()?, package.version.text()?)))
        .collect())
}

/// All packages but procedural macros and what only they need.
///
/// The data marks a macro as built in where its crate has tests of its own. Macros are told by `proc-macro2`,
/// the interface to the compiler that they go through; where the root itself uses it, it is a library like any
/// other.
fn in_the_code(packages: &[Option<Package>]) -> Vec<bool> {
    let dependencies = |index: usize| -> &[usize] {
        match packages.get(index) {
            Some(Some(package)) => &package.dependencies,
            _ => &[],
        }
    };
    let is_interface = |index: usize| {
        let package = packages.get(index).and_then(Option::as_ref);
        package.is_some_and(|p| matches!(&p.name, Lenient::Text(name) if name == "proc-macro2"))
    };
    // Asked once a package: a hostile list may name the same one millions of times.
    let is_macro: Vec<bool> = (0..packages.len())
        .map(|index| is_interface(index) || dependencies(index).iter().any(|&d| is_interface(d)))
        .collect();
    let is_root = |index: &usize| packages[*index].as_ref().is_some_and(|p| p.root.is_set());
    let all = 0..packages.len();
    let (roots, others): (Vec<usize>, Vec<usize>) = all.partition(is_root);
    if roots.iter().any(|&root| is_macro[root]) {
        return vec![true; packages.len()];
    }
    // From the roots without passing through a macro, and from the macros.
    let reach = |mut queue: Vec<usize>, through_macros: bool| {
        let mut reached = vec![false; packages.len()];
        while let Some(index) = queue.pop() {
            let enters = is_macro
                .get(index)
                .is_some_and(|&is_macro| through_macros || !is_macro);
            if enters && !std::mem::replace(&mut reached[index], true) {
                queue.extend(dependencies(index));
            }
        }
        reached
    };
    let macros = others
        .into_iter()
        .filter(|&index| is_macro[index])
        .collect();
    let (code, of_macros) = (reach(roots, false), reach(macros, true));
    let ships = code.into_iter().zip(of_macros);
    ships.map(|(code, of_macros)| code || !of_macros).collect()
}

impl Package {
    /// Neither the project itself nor what only ran while it was built.
    fn is_third_party_code(&self) -> bool {
        let is = |field: &Text, value| matches!(field, Lenient::Text(text) if text == value);
        !self.root.is_set() && !is(&self.source, "local") && !is(&self.kind, "build")
    }
}

fn inflated(section: &[u8]) -> Result<Vec<u8>, Unreadable> {
    let mut json = Vec::new();
    ZlibDecoder::new(section)
        .take(MAX_JSON + 1)
        .read_to_end(&mut json)
        .map_err(|_| Unreadable::new("carries audit data that is not valid zlib"))?;
    if json.len() as u64 > MAX_JSON {
        let message = "carries audit data of more than 16 MiB";
        return Err(Unreadable::new(message));
    }
    Ok(json)
}

/// A section of audit data, or how its header lies.
type Found<'a> = object::Result<&'a [u8]>;

/// The sections of audit data in an executable, one an architecture.
///
/// These read the headers themselves and compare names in place: the general reader of `object` follows symbol
/// and string tables, which a hostile file can make very long.
fn sections(bytes: &[u8]) -> object::Result<Vec<Found<'_>>> {
    let section = match FileKind::parse(bytes)? {
        FileKind::Elf32 => elf_section::<FileHeader32<Endianness>>(bytes)?,
        FileKind::Elf64 => elf_section::<FileHeader64<Endianness>>(bytes)?,
        FileKind::Pe32 => pe_section::<ImageNtHeaders32>(bytes)?,
        FileKind::Pe64 => pe_section::<ImageNtHeaders64>(bytes)?,
        FileKind::MachO32 => macho_section::<MachHeader32<Endianness>>(bytes)?,
        FileKind::MachO64 => macho_section::<MachHeader64<Endianness>>(bytes)?,
        FileKind::MachOFat32 => return fat_sections::<FatArch32>(bytes),
        FileKind::MachOFat64 => return fat_sections::<FatArch64>(bytes),
        _ => None,
    };
    Ok(section.into_iter().collect())
}

fn elf_section<Elf: FileHeader>(bytes: &[u8]) -> object::Result<Option<Found<'_>>> {
    let header = Elf::parse(bytes)?;
    let endian = header.endian()?;
    let headers = header.section_headers(endian, bytes)?;
    let names = match headers.get(header.section_strings_index(endian, bytes)?.0) {
        Some(names) => names.data(endian, bytes)?,
        None => return Ok(None),
    };
    let is_audit_data = |section: &&Elf::SectionHeader| {
        let name = names.get(section.sh_name(endian) as usize..);
        let name = name.and_then(|name| name.strip_prefix(SECTION));
        name.is_some_and(|rest| rest.first() == Some(&0))
    };
    let section = headers.iter().find(is_audit_data);
    Ok(section.map(|section| section.data(endian, bytes)))
}

fn pe_section<Pe: ImageNtHeaders>(bytes: &[u8]) -> object::Result<Option<Found<'_>>> {
    let mut offset = ImageDosHeader::parse(bytes)?.nt_headers_offset().into();
    let (headers, _) = Pe::parse(bytes, &mut offset)?;
    let sections = headers.sections(bytes, offset)?;
    let section = sections
        .iter()
        .find(|section| section.raw_name() == SECTION);
    Ok(section.map(|section| section.pe_data(bytes)))
}

fn macho_section<Mach: MachHeader>(bytes: &[u8]) -> object::Result<Option<Found<'_>>> {
    let header = Mach::parse(bytes, 0)?;
    let endian = header.endian()?;
    let mut commands = header.load_commands(endian, bytes, 0)?;
    while let Some(command) = commands.next()? {
        let Some((segment, sections)) = Mach::Segment::from_command(command)? else {
            continue;
        };
        let mut sections = segment.sections(endian, sections)?.iter();
        if let Some(section) = sections.find(|section| section.name() == SECTION) {
            let offset = section.offset(endian).into();
            return Ok(Some(section.data(endian, bytes, offset)));
        }
    }
    Ok(None)
}

fn fat_sections<Fat: FatArch>(bytes: &[u8]) -> object::Result<Vec<Found<'_>>> {
    let file = MachOFatFile::<Fat>::parse(bytes)?;
    if file.arches().len() > MAX_ARCHITECTURES as usize {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for architecture in file.arches() {
        let image = architecture.data(bytes)?;
        found.extend(match FileKind::parse(image)? {
            FileKind::MachO32 => macho_section::<MachHeader32<Endianness>>(image)?,
            FileKind::MachO64 => macho_section::<MachHeader64<Endianness>>(image)?,
            _ => None,
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;

    use super::*;
    use crate::inventory::testing::{inspect, rows, wants};

    #[test]
    fn macros_and_what_only_they_need_are_not_in_the_code() {
        let json = br#"{"packages": [
            {"name": "fn", "version": "0.1.0", "source": "local", "root": true, "dependencies": [1, 2]},
            {"name": "library", "version": "1.0.0", "dependencies": [2, 3]},
            {"name": "a-macro", "version": "2.0.0", "dependencies": [4, 5]},
            {"name": "shared", "version": "3.0.0"},
            {"name": "proc-macro2", "version": "4.0.0", "dependencies": [6]},
            {"name": "quote", "version": "5.0.0", "dependencies": [4]},
            {"name": "unicode-ident", "version": "6.0.0"}
        ]}"#;
        let packed = |json: &[u8]| {
            let mut encoder = flate2::read::ZlibEncoder::new(json, flate2::Compression::fast());
            let mut section = Vec::new();
            encoder.read_to_end(&mut section).unwrap();
            section
        };
        let names = |json: &[u8]| -> Vec<String> {
            let found = third_party(&packed(json)).unwrap();
            found.into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!(names(json), ["library", "shared"]);
        let generator = String::from_utf8_lossy(json).replace("[1, 2]}", "[1, 2, 4]}");
        assert_eq!(names(generator.as_bytes()).len(), 6);
    }

    const JSON: &str = r#"{"packages": [
        {"name": "own", "version": "0.1.0", "source": "local", "root": true, "dependencies": [1, 2]},
        {"name": "a", "version": "1.0.0", "source": "crates.io"},
        {"name": "b", "version": "2.0.0", "source": "git", "kind": "runtime"},
        {"name": "builder", "version": "3.0.0", "source": "crates.io", "kind": "build"},
        {"name": "member", "version": "0.1.0", "source": "local"},
        {"name": "c", "version": "4.0.0", "source": "registry"},
        {"name": "odd", "version": 1}
    ]}"#;

    const CRATES: [&str; 3] = [
        "a 1.0.0 embedded bootstrap",
        "b 2.0.0 embedded bootstrap",
        "c 4.0.0 embedded bootstrap",
    ];

    fn deflated(json: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(json).unwrap();
        encoder.finish().unwrap()
    }

    fn audit(bytes: &[u8]) -> Result<Vec<String>, Unreadable> {
        inspect(&Auditable, "bootstrap", bytes).map(|seen| rows(&seen))
    }

    /// Lays out little-endian numbers, each of the given width in bytes.
    fn numbers(fields: &[(usize, usize)]) -> Vec<u8> {
        let bytes = |&(value, width): &(usize, usize)| value.to_le_bytes()[..width].to_vec();
        fields.iter().flat_map(bytes).collect()
    }

    fn padded(text: &[u8], width: usize) -> Vec<u8> {
        let mut bytes = text.to_vec();
        bytes.resize(width, 0);
        bytes
    }

    /// A 64-bit ELF file: header, section, names, section headers.
    fn elf(section: &[u8]) -> Vec<u8> {
        let names = b"\0.dep-v0\0";
        let names_at = 64 + section.len();
        let headers_at = names_at + names.len();
        let header = |name, kind, offset, size| {
            let fields = [(name, 4), (kind, 4), (0, 8), (0, 8), (offset, 8), (size, 8)];
            [numbers(&fields), vec![0; 24]].concat()
        };
        [
            padded(b"\x7fELF\x02\x01\x01", 16),
            numbers(&[
                (2, 2),
                (62, 2),
                (1, 4),
                (0, 8),
                (0, 8),
                (headers_at, 8),
                (0, 4),
            ]),
            numbers(&[(64, 2), (0, 2), (0, 2), (64, 2), (3, 2), (2, 2)]),
            section.to_vec(),
            names.to_vec(),
            header(0, 0, 0, 0),
            header(1, 1, 64, section.len()),
            header(0, 3, names_at, names.len()),
        ]
        .concat()
    }

    /// A 64-bit PE file: DOS header, PE headers without directories, section header, section.
    fn pe(section: &[u8]) -> Vec<u8> {
        let optional_header = 112;
        let data_at = 64 + 24 + optional_header + 40;
        [
            padded(b"MZ", 60),
            numbers(&[(64, 4)]),
            b"PE\0\0".to_vec(),
            numbers(&[
                (0x8664, 2),
                (1, 2),
                (0, 4),
                (0, 4),
                (0, 4),
                (optional_header, 2),
                (0, 2),
            ]),
            padded(b"\x0b\x02", optional_header),
            padded(SECTION, 8),
            numbers(&[
                (section.len(), 4),
                (0x1000, 4),
                (section.len(), 4),
                (data_at, 4),
            ]),
            vec![0; 16],
            section.to_vec(),
        ]
        .concat()
    }

    /// A 64-bit Mach-O file: header, one segment with one section header, section.
    fn macho(section: &[u8]) -> Vec<u8> {
        let commands = 72 + 80;
        let data_at = 32 + commands;
        [
            b"\xcf\xfa\xed\xfe".to_vec(),
            numbers(&[
                (0x0100_000c, 4),
                (0, 4),
                (2, 4),
                (1, 4),
                (commands, 4),
                (0, 8),
            ]),
            numbers(&[(0x19, 4), (commands, 4)]),
            padded(b"__DATA", 16),
            numbers(&[(0, 8), (0, 8), (0, 8), (0, 8), (0, 8), (1, 4), (0, 4)]),
            padded(SECTION, 16),
            padded(b"__DATA", 16),
            numbers(&[(0, 8), (section.len(), 8), (data_at, 4)]),
            vec![0; 28],
            section.to_vec(),
        ]
        .concat()
    }

    /// A universal Mach-O file. Its own numbers are big-endian.
    fn fat(images: &[Vec<u8>]) -> Vec<u8> {
        let mut header = vec![0xcafe_babe_u32, images.len() as u32];
        let mut offset = 8 + 20 * images.len();
        for image in images {
            header.extend([0x0100_000c, 0, offset as u32, image.len() as u32, 0]);
            offset += image.len();
        }
        let header = header.into_iter().flat_map(u32::to_be_bytes);
        header.chain(images.concat()).collect()
    }

    #[test]
    fn every_kind_of_executable_carries_it() {
        let section = deflated(JSON.as_bytes());
        for executable in [elf(&section), pe(&section), macho(&section)] {
            assert_eq!(audit(&executable).unwrap(), CRATES);
        }
    }

    #[test]
    fn an_executable_may_start_at_any_address() {
        let executable = elf(&deflated(JSON.as_bytes()));
        for shift in 1..8 {
            let shifted = [vec![0; shift], executable.clone()].concat();
            assert_eq!(audit(&shifted[shift..]).unwrap(), CRATES);
        }
    }

    #[test]
    fn the_architectures_of_a_universal_binary_are_merged() {
        let another = r#"{"packages": [{"name": "d", "version": "5.0.0"}]}"#;
        let images = [JSON, JSON, another].map(|json| macho(&deflated(json.as_bytes())));
        let found = audit(&fat(&images)).unwrap();
        assert_eq!(found[..3], CRATES);
        assert_eq!(found[3..], ["d 5.0.0 embedded bootstrap"]);
    }

    #[test]
    fn broken_audit_data_is_said_so() {
        let bomb = deflated(&vec![b' '; 17 << 20]);
        for (section, message) in [
            (
                b"no zlib".to_vec(),
                "carries audit data that is not valid zlib",
            ),
            (
                deflated(b"{"),
                "carries audit data that is not valid JSON: EOF while parsing an object",
            ),
            (bomb, "carries audit data of more than 16 MiB"),
        ] {
            assert_eq!(audit(&elf(&section)).unwrap_err().message, message);
        }
        let mut beyond = macho(&deflated(JSON.as_bytes()));
        beyond.truncate(beyond.len() - 1);
        let message = "has a section of audit data beyond its end";
        assert_eq!(audit(&beyond).unwrap_err().message, message);
    }

    #[test]
    fn what_only_looks_like_an_executable_is_no_error() {
        for magic in MAGICS {
            for filler in [0, 1, 0xff] {
                let mut bytes = magic.to_vec();
                bytes.resize(256, filler);
                assert!(sections(&bytes).unwrap_or_default().is_empty());
            }
        }
    }

    #[test]
    fn executables_may_end_anywhere() {
        let section = deflated(JSON.as_bytes());
        for executable in [elf(&section), pe(&section), fat(&[macho(&section)])] {
            for end in 64..executable.len() {
                let found = audit(&executable[..end]);
                assert!(found.is_err() || found == Ok(vec![]), "{end}");
            }
        }
    }

    #[test]
    fn only_executables_are_wanted() {
        let wanted = |bytes: &[u8]| wants(&Auditable, "any", bytes);
        assert!(wanted(&elf(b"")));
        assert!(!wanted(b"MZ"));
        assert!(wanted(&fat(&[macho(b""), macho(b"")])));
        assert!(!wanted(&[b'#'; 100]));
        let java_class = [b"\xca\xfe\xba\xbe\0\0\0\x34".to_vec(), vec![0; 100]].concat();
        assert!(!wanted(&java_class));
    }
}
