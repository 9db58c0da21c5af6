//! The headers of executables and shared libraries: which parts of the file hold constants, where a section of some
//! name lies, and what is loaded at an address.
//!
//! ELF: <https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html>, PE:
//! <https://learn.microsoft.com/windows/win32/debug/pe-format>, Mach-O: `mach-o/loader.h` and `mach-o/fat.h` of Apple's
//! SDK. A universal Mach-O file holds an image for each architecture.
//!
//! These read the headers themselves, one structure at a time: the general reader of `object` follows symbol and string
//! tables, which a hostile file can make very long. Headers may lie: a range is clamped to the file, what overlaps is
//! read once, and where the table of sections is missing or out of range, what is loaded stands in for it.

use std::ops::Range;

use object::elf::{self, FileHeader32, FileHeader64};
use object::macho::{self, FatArch32, FatArch64, MachHeader32, MachHeader64};
use object::pe::{self, ImageDosHeader, ImageNtHeaders32, ImageNtHeaders64};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};
use object::read::macho::{FatArch, MachHeader, MachOFatFile, Section as _, Segment as _};
use object::read::pe::{ImageNtHeaders, ImageOptionalHeader};
use object::{Endianness, FileKind, LittleEndian};

/// The smallest file that has room for headers and a section.
pub const MIN_SIZE: u64 = 64;

/// A universal binary has a handful; what a Java class has in that place is 45 or more.
const MAX_ARCHITECTURES: u32 = 16;

/// Far more than linkers make. What follows is not looked at as a section or segment of its own.
const MAX_SECTIONS: usize = 100_000;
const MAX_SEGMENTS: usize = 1_000;

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

/// The sections that readers ask for by name. A name is found in all of its spellings.
const NAMED: &[&[u8]] = &[
    // The audit data of Rust programs.
    b".dep-v0",
    // What compilers say of themselves.
    b".comment",
    // The names of symbols.
    b".strtab",
    // Names and paths in debug information.
    b".debug_str",
    b".debug_line_str",
    b".debug_line",
];

/// Sections of loaded data that hold no strings: tables of unwinders, of linkers and of Go's runtime.
const TABLES: &[&[u8]] = &[
    b".eh_frame",
    b".eh_frame_hdr",
    b".gcc_except_table",
    b".got",
    b".got.plt",
    b".plt",
    b".gopclntab",
    b".pdata",
    b".xdata",
    b".reloc",
    b".rsrc",
    b".idata",
    b"__eh_frame",
    b"__unwind_info",
    b"__gcc_except_tab",
    b"__gopclntab",
];

const LONGEST_NAME: usize = 32;

/// Whether the first bytes are those of an executable.
pub fn is_executable(first_bytes: &[u8]) -> bool {
    let has_magic = |magic: &&[u8]| first_bytes.starts_with(magic);
    MAGICS.iter().any(has_magic) && !is_java_class(first_bytes)
}

/// Whether a file holds an image for each architecture.
pub fn is_universal(bytes: &[u8]) -> bool {
    let kind = FileKind::parse(bytes);
    matches!(kind, Ok(FileKind::MachOFat32 | FileKind::MachOFat64))
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

/// The kind of system that a program is for, by its format. Linux and its like have ELF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    Unix,
    Windows,
    Apple,
}

/// One program or library; all of the file, but for universal binaries and excerpts.
pub struct Image<'a> {
    pub bytes: &'a [u8],
    /// How large it is in the file.
    pub size: usize,
    /// Whether `bytes` are only excerpts of it.
    pub is_excerpt: bool,
    /// Where constants are, in the order of the file. They do not overlap.
    parts: Vec<Range<usize>>,
    sections: Vec<(&'static [u8], Option<Range<usize>>)>,
    segments: Vec<Segment>,
    pub platform: Platform,
    pub is_big_endian: bool,
    /// The table of sections is not where the header says.
    pub is_cut: bool,
}

/// What is loaded at an address.
struct Segment {
    address: u64,
    range: Range<usize>,
}

/// A section lies outside of the file.
#[derive(Debug, PartialEq, Eq)]
pub struct OutOfRange;

impl<'a> Image<'a> {
    /// What holds constants and strings: where marks are looked for.
    pub fn parts(&self) -> impl ExactSizeIterator<Item = &'a [u8]> + Clone + '_ {
        let bytes = self.bytes;
        let part = move |range: &Range<usize>| bytes.get(range.clone()).unwrap_or_default();
        self.parts.iter().map(part)
    }

    pub fn part(&self, index: usize) -> &'a [u8] {
        let range = self.parts.get(index).cloned();
        range
            .and_then(|range| self.bytes.get(range))
            .unwrap_or_default()
    }

    /// Where a part begins in [`Image::bytes`].
    pub fn part_offset(&self, index: usize) -> usize {
        self.parts.get(index).map_or(0, |range| range.start)
    }

    /// The section of that name, if it is one of `NAMED`.
    pub fn section(&self, name: &str) -> Option<Result<&'a [u8], OutOfRange>> {
        let mut sections = self.sections.iter();
        let (_, range) = sections.find(|(known, _)| *known == name.as_bytes())?;
        let bytes = range.clone().and_then(|range| self.bytes.get(range));
        Some(bytes.ok_or(OutOfRange))
    }

    /// What is loaded from an address on, to the end of its segment.
    pub fn loaded_at(&self, address: u64) -> Option<&'a [u8]> {
        self.segments.iter().find_map(|segment| {
            let offset = usize::try_from(address.checked_sub(segment.address)?).ok()?;
            self.bytes.get(segment.range.clone())?.get(offset..)
        })
    }

    /// Makes it one of which `bytes` are excerpts, which lie there.
    pub fn take_excerpts(&mut self, parts: Vec<Range<usize>>) {
        self.is_excerpt = true;
        self.parts = parts;
    }

    /// Where constants are.
    pub fn into_parts(self) -> Vec<Range<usize>> {
        self.parts
    }

    pub fn new(bytes: &'a [u8], size: usize, platform: Platform, is_big_endian: bool) -> Self {
        Image {
            bytes,
            size,
            is_excerpt: false,
            parts: Vec::new(),
            sections: Vec::new(),
            segments: Vec::new(),
            platform,
            is_big_endian,
            is_cut: false,
        }
    }

    fn add_section(&mut self, name: &[u8], offset: u64, size: u64, holds_constants: bool) {
        if holds_constants && !TABLES.contains(&name) {
            self.parts.extend(self.clamped(offset, size));
        }
        let named = NAMED.iter().find(|known| is_spelled(name, known));
        if let Some(known) = named
            && !self.sections.iter().any(|(other, _)| other == known)
        {
            let range = self.exact(offset, size);
            self.sections.push((known, range));
        }
    }

    fn add_segment(&mut self, address: u64, offset: u64, size: u64) {
        if self.segments.len() < MAX_SEGMENTS
            && let Some(range) = self.clamped(offset, size)
        {
            self.segments.push(Segment { address, range });
        }
    }

    fn exact(&self, offset: u64, size: u64) -> Option<Range<usize>> {
        let range = self.clamped(offset, size)?;
        (range.len() as u64 == size).then_some(range)
    }

    fn clamped(&self, offset: u64, size: u64) -> Option<Range<usize>> {
        let end = offset.saturating_add(size).min(self.size as u64);
        (offset <= end).then_some(offset as usize..end as usize)
    }

    /// Sorts the parts and joins those that overlap, so that no byte is read twice. Where no section holds
    /// constants, what is loaded does, or else the whole.
    fn finish(mut self) -> Self {
        self.parts.retain(|range| !range.is_empty());
        if self.parts.is_empty() {
            let loaded = self.segments.iter().map(|segment| segment.range.clone());
            self.parts = loaded.filter(|range| !range.is_empty()).collect();
        }
        if self.parts.is_empty() {
            self.parts.push(0..self.size);
        }
        self.parts.sort_unstable_by_key(|range| range.start);
        self.parts.dedup_by(|next, kept| {
            let overlap = next.start < kept.end;
            if overlap {
                kept.end = kept.end.max(next.end);
            }
            overlap
        });
        self
    }
}

/// Mach-O writes `__debug_str` for `.debug_str`; otherwise names are the same everywhere.
fn is_spelled(name: &[u8], known: &[u8]) -> bool {
    name == known
        || matches!((name, known), ([b'_', b'_', name @ ..], [b'.', known @ ..]) if name == known)
}

/// The images of a file. What does not parse is no executable, whatever its first bytes.
pub fn images(bytes: &[u8]) -> Vec<Image<'_>> {
    match FileKind::parse(bytes) {
        Ok(FileKind::MachOFat32) => fat_images::<FatArch32>(bytes),
        Ok(FileKind::MachOFat64) => fat_images::<FatArch64>(bytes),
        _ => image(bytes).into_iter().collect(),
    }
}

fn image(bytes: &[u8]) -> Option<Image<'_>> {
    layout(bytes, bytes.len())
}

/// The image of a file of that size which begins with `bytes`; none of a universal binary.
pub fn layout(bytes: &[u8], size: usize) -> Option<Image<'_>> {
    let image = match FileKind::parse(bytes).ok()? {
        FileKind::Elf32 => elf_image::<FileHeader32<Endianness>>(bytes, size),
        FileKind::Elf64 => elf_image::<FileHeader64<Endianness>>(bytes, size),
        FileKind::Pe32 => pe_image::<ImageNtHeaders32>(bytes, size),
        FileKind::Pe64 => pe_image::<ImageNtHeaders64>(bytes, size),
        FileKind::MachO32 => macho_image::<MachHeader32<Endianness>>(bytes, size),
        FileKind::MachO64 => macho_image::<MachHeader64<Endianness>>(bytes, size),
        _ => return None,
    };
    image.ok().map(Image::finish)
}

fn elf_image<Elf: FileHeader>(bytes: &[u8], size: usize) -> object::Result<Image<'_>> {
    let header = Elf::parse(bytes)?;
    let endian = header.endian()?;
    let mut image = Image::new(bytes, size, Platform::Unix, header.is_big_endian());
    let segments = header.program_headers(endian, bytes).unwrap_or_default();
    let loaded = segments.iter().take(MAX_SEGMENTS);
    for segment in loaded.filter(|segment| segment.p_type(endian) == elf::PT_LOAD) {
        let (offset, size) = segment.file_range(endian);
        image.add_segment(segment.p_vaddr(endian).into(), offset, size);
    }
    let sections = header.section_headers(endian, bytes);
    image.is_cut = sections.is_err();
    let sections = sections.unwrap_or_default();
    let names = header.section_strings_index(endian, bytes).ok();
    let names = names.and_then(|names| sections.get(names.0));
    let names = names.and_then(|names| names.data(endian, bytes).ok());
    let names = names.unwrap_or_default();
    for section in sections.iter().take(MAX_SECTIONS) {
        let Some((offset, size)) = section.file_range(endian) else {
            continue;
        };
        let flags = section.sh_flags(endian);
        let holds_constants = section.sh_type(endian) == elf::SHT_PROGBITS
            && flags.contains(elf::SHF_ALLOC)
            && !flags.contains(elf::SHF_EXECINSTR);
        let name = name_at(names, section.sh_name(endian) as usize);
        image.add_section(name, offset, size, holds_constants);
    }
    Ok(image)
}

fn pe_image<Pe: ImageNtHeaders>(bytes: &[u8], size: usize) -> object::Result<Image<'_>> {
    let mut offset = ImageDosHeader::parse(bytes)?.nt_headers_offset().into();
    let (headers, _) = Pe::parse(bytes, &mut offset)?;
    let base = headers.optional_header().image_base();
    let mut image = Image::new(bytes, size, Platform::Windows, false);
    let Ok(sections) = headers.sections(bytes, offset) else {
        image.is_cut = true;
        return Ok(image);
    };
    for section in sections.iter() {
        let (offset, size) = section.pe_file_range();
        let address = base.wrapping_add(section.virtual_address.get(LittleEndian).into());
        image.add_segment(address, offset.into(), size.into());
        let flags = section.characteristics.get(LittleEndian);
        let holds_constants = flags.contains(pe::IMAGE_SCN_CNT_INITIALIZED_DATA)
            && !flags.contains(pe::IMAGE_SCN_MEM_EXECUTE)
            && !flags.contains(pe::IMAGE_SCN_MEM_DISCARDABLE);
        image.add_section(
            section.raw_name(),
            offset.into(),
            size.into(),
            holds_constants,
        );
    }
    Ok(image)
}

fn macho_image<Mach: MachHeader>(bytes: &[u8], size: usize) -> object::Result<Image<'_>> {
    let header = Mach::parse(bytes, 0)?;
    let endian = header.endian()?;
    let mut image = Image::new(bytes, size, Platform::Apple, header.is_big_endian());
    let Ok(mut commands) = header.load_commands(endian, bytes, 0) else {
        image.is_cut = true;
        return Ok(image);
    };
    while let Ok(Some(command)) = commands.next() {
        if let Ok(Some(symbols)) = command.symtab() {
            let (offset, size) = (symbols.stroff.get(endian), symbols.strsize.get(endian));
            image.add_section(b".strtab", offset.into(), size.into(), false);
        }
        let Ok(Some((segment, sections))) = Mach::Segment::from_command(command) else {
            continue;
        };
        let (offset, size) = segment.file_range(endian);
        image.add_segment(segment.vmaddr(endian).into(), offset, size);
        let Ok(sections) = segment.sections(endian, sections) else {
            image.is_cut = true;
            continue;
        };
        let is_loaded = segment.name() != b"__DWARF";
        for section in sections.iter().take(MAX_SECTIONS) {
            let Some((offset, size)) = section.file_range(endian, section.offset(endian).into())
            else {
                continue;
            };
            let kind = section.section_type(endian);
            let flags = section.flags(endian);
            let holds_constants = is_loaded
                && (kind == macho::S_REGULAR || kind == macho::S_CSTRING_LITERALS)
                && !flags.contains(macho::S_ATTR_PURE_INSTRUCTIONS)
                && !flags.contains(macho::S_ATTR_SOME_INSTRUCTIONS);
            image.add_section(section.name(), offset, size, holds_constants);
        }
    }
    Ok(image)
}

fn fat_images<Fat: FatArch>(bytes: &[u8]) -> Vec<Image<'_>> {
    let Ok(file) = MachOFatFile::<Fat>::parse(bytes) else {
        return Vec::new();
    };
    if file.arches().len() > MAX_ARCHITECTURES as usize {
        return Vec::new();
    }
    let architectures = file.arches().iter();
    architectures
        .filter_map(|architecture| architecture.data(bytes).ok())
        .filter_map(image)
        .collect()
}

/// The name that begins at an offset; of a longer one than any that matters, its beginning.
fn name_at(names: &[u8], offset: usize) -> &[u8] {
    let name = names.get(offset..).unwrap_or_default();
    let name = name.get(..LONGEST_NAME).unwrap_or(name);
    let end = name.iter().position(|&byte| byte == 0);
    end.and_then(|end| name.get(..end)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{BASE, elf, fat, macho, pe};
    use super::*;

    const RODATA: &[u8] = b"constants";

    fn parts(bytes: &[u8]) -> Vec<&[u8]> {
        let images = images(bytes);
        images
            .iter()
            .flat_map(|image| image.parts().collect::<Vec<_>>())
            .collect()
    }

    #[test]
    fn constants_are_in_the_sections_of_data() {
        let sections = [
            (".rodata", RODATA),
            (".eh_frame", b"tables"),
            (".data.rel.ro", b"pointers"),
            (".comment", b"compiler"),
        ];
        let expected = [RODATA, b"pointers".as_slice()];
        assert_eq!(parts(&elf(&sections)), expected);
        let sections = [
            (".rdata", RODATA),
            (".pdata", b"tables"),
            (".data", b"more"),
        ];
        let expected = [RODATA, b"more".as_slice()];
        assert_eq!(parts(&pe(&sections)), expected);
        let sections = [("__const", RODATA), ("__eh_frame", b"tables")];
        assert_eq!(parts(&macho(&sections)), [RODATA]);
        let universal = fat(&[macho(&sections), macho(&sections)]);
        assert_eq!(parts(&universal), [RODATA, RODATA]);
    }

    #[test]
    fn sections_are_found_by_name() {
        let sections = [(".rodata", RODATA), (".comment", b"compiler")];
        let bytes = elf(&sections);
        let image = &images(&bytes)[0];
        assert_eq!(image.section(".comment"), Some(Ok(b"compiler".as_slice())));
        assert_eq!(image.section(".strtab"), None);
        let bytes = macho(&[("__debug_str", RODATA)]);
        assert_eq!(images(&bytes)[0].section(".debug_str"), Some(Ok(RODATA)));
    }

    #[test]
    fn addresses_lead_to_what_is_loaded_there() {
        let sections = [(".rodata", RODATA)];
        for bytes in [elf(&sections), pe(&sections), macho(&sections)] {
            let image = &images(&bytes)[0];
            let address = BASE + image.part_offset(0) as u64;
            let loaded = image.loaded_at(address + 3).unwrap();
            assert!(loaded.starts_with(&RODATA[3..]));
            assert_eq!(image.loaded_at(0), None);
            assert_eq!(image.loaded_at(u64::MAX), None);
        }
    }

    #[test]
    fn without_a_table_of_sections_all_that_is_loaded_is_read() {
        let mut bytes = elf(&[(".rodata", RODATA)]);
        // e_shoff, e_shnum and e_shstrndx.
        bytes[40..48].fill(0);
        bytes[60..64].fill(0);
        let image = &images(&bytes)[0];
        assert!(!image.is_cut);
        assert_eq!(image.parts().len(), 1);
        assert!(memchr::memmem::find(image.part(0), RODATA).is_some());
    }

    #[test]
    fn a_table_of_sections_out_of_range_is_told() {
        let mut bytes = elf(&[(".rodata", RODATA)]);
        bytes[40..48].fill(0xff);
        let image = &images(&bytes)[0];
        assert!(image.is_cut);
        assert!(memchr::memmem::find(image.part(0), RODATA).is_some());
    }

    #[test]
    fn sections_that_overlap_are_read_once_and_long_ones_end_with_the_file() {
        let mut image = Image::new(&[7; 100], 100, Platform::Unix, false);
        for (offset, size) in [(50, 20), (10, 30), (20, 40), (90, u64::MAX), (200, 5)] {
            image.add_section(b".rodata", offset, size, true);
        }
        let image = image.finish();
        assert_eq!(image.parts, [10..70, 90..100]);
    }

    #[test]
    fn what_only_looks_like_an_executable_is_no_error() {
        for magic in MAGICS {
            for filler in [0, 1, 0xff] {
                let mut bytes = magic.to_vec();
                bytes.resize(256, filler);
                for image in images(&bytes) {
                    assert!(image.section(".dep-v0").is_none());
                }
            }
        }
    }
}
