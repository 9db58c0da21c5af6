//! Native code that does not start on the platform: for another system or architecture, or for a newer C library.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use object::elf::{self, FileHeader32, FileHeader64, SHT_GNU_VERNEED, SHT_SYMTAB};
use object::read::elf::{FileHeader, SectionHeader};
use object::{Endianness, FileKind};

use super::detect::Runtime;
use super::rules;
use super::usage::Placed;
use super::{Amount, Deployment};
use crate::assess::fingerprint;
use crate::component::Ecosystem;
use crate::finding::{EntryPath, Finding, Location};
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

/// Far more than linkers make.
const MAX_SECTIONS: usize = 100_000;
const MAX_VERSIONS: usize = 10_000;

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
    let names = header.section_strings(endian, bytes, sections).ok()?;
    for section in sections {
        let kind = section.sh_type(endian);
        let size: u64 = section.sh_size(endian).into();
        let is_of_symbols = || {
            let name = section.name(endian, names).unwrap_or_default();
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
            file.glibc = file.glibc.max(newest_glibc(needs, strings, endian));
        }
    }
    // A header may claim what it likes.
    file.symbol_bytes = file.symbol_bytes.min(bytes.len() as u64);
    Some(())
}

/// The newest in a section of needed versions: <https://refspecs.linuxfoundation.org/LSB_5.0.0/LSB-Core-generic/LSB-Core-generic/symversion.html>.
fn newest_glibc(needs: &[u8], strings: &[u8], endian: Endianness) -> Option<(u32, u32)> {
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
    let mut steps = 0;
    let mut need = 0;
    loop {
        let mut version = need + word(need + 8)?;
        for _ in 0..half(need + 2)? {
            steps += 1;
            if steps > MAX_VERSIONS {
                return newest;
            }
            let name = strings.get(word(version + 8)?..)?;
            let name = name.split(|&b| b == 0).next().unwrap_or_default();
            newest = newest.max(glibc_version(name));
            let next = word(version + 12)?;
            if next == 0 {
                break;
            }
            version += next;
        }
        let next = word(need + 12)?;
        steps += 1;
        if next == 0 || steps > MAX_VERSIONS {
            return newest;
        }
        need += next;
    }
}

fn glibc_version(name: &[u8]) -> Option<(u32, u32)> {
    let version = std::str::from_utf8(name.strip_prefix(b"GLIBC_")?).ok()?;
    let mut numbers = version.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// The C library of a runtime.
struct Glibc {
    language: &'static str,
    /// From this version of the runtime on.
    from: (u32, u32),
    glibc: (u32, u32),
}

/// AWS Lambda's, by the system that a runtime is on: "Supported runtimes" of
/// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html>. Amazon Linux 2023 has glibc 2.34
/// (<https://docs.aws.amazon.com/linux/al2023/ug/core-glibc.html>), both read on 2026-11-28; Amazon Linux 2 has 2.26 (its
/// release notes, not read at their source).
const LAMBDA: &[Glibc] = &[
    Glibc {
        language: "python",
        from: (3, 8),
        glibc: (2, 26),
    },
    Glibc {
        language: "python",
        from: (3, 12),
        glibc: (2, 34),
    },
    Glibc {
        language: "nodejs",
        from: (10, 0),
        glibc: (2, 26),
    },
    Glibc {
        language: "nodejs",
        from: (20, 0),
        glibc: (2, 34),
    },
];
/// That of the newest of its systems, where the runtime is not known.
const NEWEST_OF_LAMBDA: (u32, u32) = (2, 34);
/// What its functions run on: <https://docs.aws.amazon.com/lambda/latest/dg/foundation-arch.html>.
const LAMBDA_ARCHITECTURES: [&str; 2] = ["x86_64", "arm64"];
const DEFAULT_ARCHITECTURE: &str = "x86_64";

fn glibc_of(runtime: Option<Runtime>) -> (u32, u32) {
    let Some(runtime) = runtime else {
        return NEWEST_OF_LAMBDA;
    };
    let rows = LAMBDA.iter().filter(|row| {
        row.language == runtime.language && row.from <= (runtime.major, runtime.minor)
    });
    rows.map(|row| row.glibc).max().unwrap_or(NEWEST_OF_LAMBDA)
}

/// What will not start. An image has a system of its own.
pub(super) fn findings(deployment: &Deployment) -> Vec<Finding> {
    if deployment.is_image() || !deployment.is_for_linux() {
        return Vec::new();
    }
    let native = by_path(deployment);
    let mut findings = Vec::new();
    if deployment.platform.is_some_and(|p| p.name == "aws-lambda") {
        findings.extend(newer_glibc(deployment, &native));
    }
    findings.extend(other_machines(deployment, &native));
    findings
}

/// What strip would remove, by the headers.
pub(super) fn symbols(deployment: &Deployment) -> Amount {
    let mut amount = Amount {
        packed_bytes: None,
        ..Amount::default()
    };
    for files in by_path(deployment).values() {
        let bytes: u64 = files.iter().map(|file| file.symbol_bytes).sum();
        if bytes > 0 {
            amount.files += 1;
            amount.unpacked_bytes += bytes;
        }
    }
    amount
}

/// Of the deployed files; a universal binary has several images.
fn by_path<'a>(deployment: &Deployment<'a>) -> HashMap<&'a EntryPath, Vec<&'a NativeFile>> {
    let mut found: HashMap<&EntryPath, Vec<&NativeFile>> = HashMap::new();
    for file in deployment.parts.iter().flat_map(|part| &part.native) {
        found.entry(&file.path).or_default().push(file);
    }
    found
}

type Native<'a> = HashMap<&'a EntryPath, Vec<&'a NativeFile>>;

fn newer_glibc(deployment: &Deployment, native: &Native) -> Option<Finding> {
    let has = glibc_of(deployment.runtime);
    let mut newest = has;
    let mut paths = Vec::new();
    for placed in deployment.placed {
        let needs = native.get(&placed.file.path).into_iter().flatten();
        if let Some(glibc) = needs.filter_map(|file| file.glibc).max()
            && glibc > has
        {
            newest = newest.max(glibc);
            paths.push(Location::from(placed.file.path.clone()));
        }
    }
    let first = paths.first()?.path.inner().to_owned();
    let rule = &rules::NATIVE_GLIBC;
    let runtime = match deployment.runtime {
        Some(runtime) => format!("that of {runtime}"),
        None => "the newest that AWS Lambda has".to_owned(),
    };
    let title = format!(
        "{}: {} where {runtime} is {}.{}",
        rule.title,
        match paths.len() {
            1 => format!("{first} needs glibc {}.{}", newest.0, newest.1),
            n => format!("{n} files need up to glibc {}.{}", newest.0, newest.1),
        },
        has.0,
        has.1
    );
    Some(Finding::of(
        rule,
        title,
        paths,
        fingerprint(rule.id, &[&first]),
    ))
}

/// What is native in one package, or in those that differ by their platform alone.
#[derive(Default)]
struct Group<'a> {
    linux: BTreeSet<&'static str>,
    others: BTreeSet<&'static str>,
    files: Vec<&'a EntryPath>,
}

/// Packages that have native code, but none for the architecture that the rest of the deployment is for, or none for
/// Linux at all.
fn other_machines(deployment: &Deployment, native: &Native) -> Vec<Finding> {
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    for placed in deployment.placed {
        let Some(images) = native.get(&placed.file.path) else {
            continue;
        };
        let Some(name) = group_name(deployment, placed) else {
            continue;
        };
        let group = groups.entry(name).or_default();
        group.files.push(&placed.file.path);
        for image in images {
            match image.system {
                Platform::Unix => group.linux.extend(image.architecture),
                Platform::Apple => drop(group.others.insert("macOS")),
                Platform::Windows => drop(group.others.insert("Windows")),
            }
        }
    }
    let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
    for architecture in groups.values().flat_map(|group| &group.linux) {
        if LAMBDA_ARCHITECTURES.contains(architecture) {
            *votes.entry(architecture).or_default() += 1;
        }
    }
    // As many for one as for the other: the one that functions have unless they ask for the other.
    let by_votes = |name: &&str| (votes.get(name).copied(), *name == DEFAULT_ARCHITECTURE);
    let main = votes.keys().copied().max_by_key(by_votes);
    let found = groups.iter().filter_map(|(name, group)| {
        let what = if group.linux.is_empty() {
            let others: Vec<&str> = group.others.iter().copied().collect();
            (!others.is_empty()).then(|| format!("{name} is built for {}", others.join(" and ")))?
        } else {
            let main = main.filter(|main| !group.linux.contains(main))?;
            let built: Vec<&str> = group.linux.iter().copied().collect();
            format!(
                "{name} is built for {}, the rest for {main}",
                built.join(" and ")
            )
        };
        let rule = &rules::NATIVE_ARCHITECTURE;
        let title = format!("{}: {what}", rule.title);
        let locations = group
            .files
            .iter()
            .map(|path| Location::from((*path).clone()));
        Some(Finding::of(
            rule,
            title,
            locations.collect(),
            fingerprint(rule.id, &[name]),
        ))
    });
    found.collect()
}

/// Parts of the names of packages that say which platform they are for.
const PLATFORM_PARTS: [&str; 19] = [
    "linux",
    "linuxmusl",
    "darwin",
    "win32",
    "freebsd",
    "android",
    "x64",
    "arm64",
    "ia32",
    "arm",
    "armv6",
    "armv7",
    "armhf",
    "gnu",
    "musl",
    "msvc",
    "gnueabihf",
    "s390x",
    "ppc64",
];

/// The package, without what says its platform. None of what need not run: programs beside the code are often for
/// several systems, and a package for one other system may say so itself.
fn group_name(deployment: &Deployment, placed: &Placed) -> Option<String> {
    let path = placed.path();
    let is_module = path.ends_with(".so") || path.ends_with(".pyd") || path.contains(".so.");
    let is_node_module = path.ends_with(".node");
    let Some(owner) = placed.owner else {
        let runs = is_module || is_node_module || path == "bootstrap";
        return runs.then(|| path.to_owned());
    };
    let name = &deployment.packages.get(owner.component)?.name;
    if owner.ecosystem != Ecosystem::Npm {
        return is_module.then(|| name.clone());
    }
    let parts: Vec<&str> = name.split(['-', '/']).collect();
    let is_part = |part: &&&str| !PLATFORM_PARTS.contains(part);
    let stripped: Vec<&str> = parts.iter().filter(is_part).copied().collect();
    let is_for_one = stripped.len() < parts.len();
    // One without a name for its platform may be for one all the same, as fsevents is.
    let is_loaded = is_node_module && deployment.tree.is_for_linux(owner.component);
    if is_for_one {
        Some(stripped.join("-"))
    } else {
        is_loaded.then(|| name.clone())
    }
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

    #[test]
    fn the_newest_version_counts() {
        let strings = b"GLIBC_2.9\0GLIBC_2.34\0GLIBC_2.17\0";
        let found = newest_glibc(&needs(&[0, 10, 21]), strings, Endianness::Little);
        assert_eq!(found, Some((2, 34)));
    }

    #[test]
    fn sections_that_lie_come_to_an_end() {
        let strings = b"GLIBC_2.9\0";
        // The next version and the next library are these themselves.
        let mut circle = needs(&[0, 0]);
        circle[28..32].copy_from_slice(&0u32.to_le_bytes());
        for cut in 0..circle.len() {
            newest_glibc(&circle[..cut], strings, Endianness::Little);
        }
        let endless = vec![0xff; 64];
        assert_eq!(newest_glibc(&endless, strings, Endianness::Little), None);
    }

    #[test]
    fn lambda_has_the_library_of_its_system() {
        let python = |minor| {
            Some(Runtime {
                language: "python",
                major: 3,
                minor,
            })
        };
        assert_eq!(glibc_of(python(9)), (2, 26));
        assert_eq!(glibc_of(python(11)), (2, 26));
        assert_eq!(glibc_of(python(13)), (2, 34));
        assert_eq!(glibc_of(None), NEWEST_OF_LAMBDA);
    }
}
