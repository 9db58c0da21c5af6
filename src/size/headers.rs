//! What the headers of native code say of the machine that it is for, the C library that it asks for, and its symbols.

use object::elf::{self, FileHeader32, FileHeader64, SHT_GNU_VERNEED, SHT_SYMTAB};
use object::read::elf::{FileHeader, SectionHeader};
use object::{Endianness, FileKind};

use crate::finding::EntryPath;
use crate::inspect::{Observations, Unreadable};
use crate::inventory::binary::{Hit, Image, Platform, Reader};

/// What the headers of an executable or library say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NativeFile {
    pub path: EntryPath,
    pub system: Platform,
    /// As Linux spells it; none of what is no ELF file, or for a machine that no platform has.
    pub architecture: Option<&'static str>,
    /// The newest `GLIBC_` version that it asks for.
    pub glibc: Option<(u32, u32)>,
    /// Of its symbol table and debug information.
    pub symbol_bytes: u64,
}

/// Reads the headers of every executable that is looked at anyway.
pub struct Headers;

/// Far more than linkers make; of the versions in all sections together.
const MAX_SECTIONS: usize = 10_000;
const MAX_VERSIONS: usize = 10_000;
/// Of the name of a section or version: those that matter are shorter by far.
const MAX_NAME: usize = 32;

impl Reader for Headers {
    fn read(
        &self,
        image: &Image,
        _hits: &[Hit],
        path: &EntryPath,
        seen: &mut Observations,
    ) -> Result<(), Unreadable> {
        let mut file = NativeFile {
            path: path.clone(),
            system: image.platform,
            architecture: None,
            glibc: None,
            symbol_bytes: 0,
        };
        match FileKind::parse(image.bytes) {
            Ok(FileKind::Elf32) => read_elf::<FileHeader32<Endianness>>(image.bytes, &mut file),
            Ok(FileKind::Elf64) => read_elf::<FileHeader64<Endianness>>(image.bytes, &mut file),
            _ => None,
        };
        seen.native.push(file);
        Ok(())
    }
}

/// Stops where the file is not what its headers say; other readers tell that.
fn read_elf<H: FileHeader<Endian = Endianness>>(bytes: &[u8], file: &mut NativeFile) -> Option<()> {
    let header = H::parse(bytes).ok()?;
    let endian = header.endian().ok()?;
    file.architecture = match header.e_machine(endian) {
        elf::EM_X86_64 => Some("x86_64"),
        elf::EM_AARCH64 => Some("arm64"),
        elf::EM_386 => Some("i386"),
        elf::EM_ARM => Some("arm"),
        _ => None,
    };
    let sections = header.section_headers(endian, bytes).ok()?;
    let sections = sections.get(..sections.len().min(MAX_SECTIONS))?;
    let names = header.shstrndx(endian, bytes).ok()?;
    let names = sections.get(names as usize)?.data(endian, bytes).ok()?;
    let mut versions_left = MAX_VERSIONS;
    for section in sections {
        let kind = section.sh_type(endian);
        let size: u64 = section.sh_size(endian).into();
        let is_of_symbols = || {
            let name = name_at(names, section.sh_name(endian) as usize).unwrap_or_default();
            name == b".strtab" || name.starts_with(b".debug_")
        };
        if kind == SHT_SYMTAB || (kind != elf::SHT_NOBITS && is_of_symbols()) {
            file.symbol_bytes = file.symbol_bytes.saturating_add(size);
        }
        if kind == SHT_GNU_VERNEED
            && let Ok(needs) = section.data(endian, bytes)
            && let Some(strings) = sections.get(section.sh_link(endian) as usize)
            && let Ok(strings) = strings.data(endian, bytes)
        {
            let newest = newest_glibc(needs, strings, endian, &mut versions_left);
            file.glibc = file.glibc.max(newest);
        }
    }
    // A header may claim what it likes.
    file.symbol_bytes = file.symbol_bytes.min(bytes.len() as u64);
    Some(())
}

/// The newest in a section of needed versions: <https://refspecs.linuxfoundation.org/LSB_5.0.0/LSB-Core-generic/LSB-Core-generic/symversion.html>.
fn newest_glibc(
    needs: &[u8],
    strings: &[u8],
    endian: Endianness,
    steps_left: &mut usize,
) -> Option<(u32, u32)> {
    use object::endian::Endian;
    let half = |at: usize| {
        let bytes = needs.get(at..at + 2)?.try_into().ok()?;
        Some(usize::from(endian.read_u16(bytes)))
    };
    let word = |at: usize| {
        let bytes = needs.get(at..at + 4)?.try_into().ok()?;
        Some(endian.read_u32(bytes) as usize)
    };
    let mut newest = None;
    let mut need = 0;
    loop {
        let mut version = need + word(need + 8)?;
        for _ in 0..half(need + 2)? {
            let Some(left) = steps_left.checked_sub(1) else {
                return newest;
            };
            *steps_left = left;
            let name = name_at(strings, word(version + 8)?)?;
            newest = newest.max(glibc_version(name));
            let next = word(version + 12)?;
            if next == 0 {
                break;
            }
            version += next;
        }
        let next = word(need + 12)?;
        if next == 0 || *steps_left == 0 {
            return newest;
        }
        *steps_left -= 1;
        need += next;
    }
}

/// The name at that place, up to its NUL; no more of it than one that matters has.
fn name_at(strings: &[u8], at: usize) -> Option<&[u8]> {
    let name = strings.get(at..)?;
    let name = &name[..name.len().min(MAX_NAME)];
    let end = name.iter().position(|&byte| byte == 0);
    Some(&name[..end.unwrap_or(name.len())])
}

fn glibc_version(name: &[u8]) -> Option<(u32, u32)> {
    let version = std::str::from_utf8(name.strip_prefix(b"GLIBC_")?).ok()?;
    let mut numbers = version.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_glibc_are_compared_as_numbers() {
        assert_eq!(glibc_version(b"GLIBC_2.2.5"), Some((2, 2)));
        assert_eq!(glibc_version(b"GLIBC_2.34"), Some((2, 34)));
        assert!(glibc_version(b"GLIBC_2.9") < glibc_version(b"GLIBC_2.17"));
        assert_eq!(glibc_version(b"GLIBC_PRIVATE"), None);
        assert_eq!(glibc_version(b"GLIBCXX_3.4.29"), None);
    }

    /// A section that needs the versions at those offsets of the strings, of one library.
    fn needs(names: &[u32]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(1u16.to_le_bytes());
        bytes.extend((names.len() as u16).to_le_bytes());
        for word in [0u32, 16, 0] {
            bytes.extend(word.to_le_bytes());
        }
        for (at, name) in names.iter().enumerate() {
            let next: u32 = if at + 1 == names.len() { 0 } else { 16 };
            bytes.extend([0; 8]);
            bytes.extend(name.to_le_bytes());
            bytes.extend(next.to_le_bytes());
        }
        bytes
    }

    fn newest(needs: &[u8], strings: &[u8]) -> Option<(u32, u32)> {
        newest_glibc(
            needs,
            strings,
            Endianness::Little,
            &mut MAX_VERSIONS.clone(),
        )
    }

    #[test]
    fn the_newest_version_counts() {
        let strings = b"GLIBC_2.9\0GLIBC_2.34\0GLIBC_2.17\0";
        let found = newest(&needs(&[0, 10, 21]), strings);
        assert_eq!(found, Some((2, 34)));
    }

    #[test]
    fn sections_that_lie_come_to_an_end() {
        let strings = b"GLIBC_2.9\0";
        // The next version and the next library are these themselves.
        let mut circle = needs(&[0, 0]);
        circle[28..32].copy_from_slice(&0u32.to_le_bytes());
        for cut in 0..circle.len() {
            newest(&circle[..cut], strings);
        }
        let endless = vec![0xff; 64];
        assert_eq!(newest(&endless, strings), None);
    }

    #[test]
    fn names_without_an_end_are_read_no_further_than_names_go() {
        let strings = vec![b'x'; 1024];
        assert_eq!(name_at(&strings, 10).unwrap().len(), MAX_NAME);
        assert_eq!(name_at(&strings, 1020).unwrap().len(), 4);
        assert_eq!(name_at(&strings, 2000), None);
    }
}
