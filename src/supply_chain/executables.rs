//! Programs that look like data, by their names or by their folders.

use crate::finding::Severity;
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::npm;

use super::{Sighting, rules};

/// Names of what no system runs end with these.
const DATA_SUFFIXES: [&str; 34] = [
    ".avif", ".bmp", ".css", ".csv", ".docx", ".eot", ".gif", ".gz", ".html", ".ico", ".ini",
    ".jpeg", ".jpg", ".json", ".log", ".md", ".mp3", ".mp4", ".otf", ".pdf", ".png", ".rst",
    ".svg", ".toml", ".ttf", ".txt", ".wav", ".webp", ".woff", ".woff2", ".xlsx", ".xml", ".yaml",
    ".yml",
];
/// Those of them that no script has.
const NO_SCRIPT_SUFFIXES: [&str; 18] = [
    ".avif", ".bmp", ".css", ".docx", ".eot", ".gif", ".ico", ".jpeg", ".jpg", ".json", ".mp3",
    ".mp4", ".otf", ".pdf", ".png", ".ttf", ".woff", ".woff2",
];
/// Folders that hold data alone, unless one that is made for programs is within them.
const DATA_FOLDERS: [&str; 14] = [
    "assets",
    "css",
    "data",
    "doc",
    "docs",
    "fonts",
    "images",
    "img",
    "locale",
    "locales",
    "media",
    "public",
    "static",
    "templates",
];

/// Folders that are made for programs and libraries.
const PROGRAM_FOLDERS: [&str; 13] = [
    "bin",
    "build",
    "dist-packages",
    "lib",
    "lib64",
    "libexec",
    "libs",
    "native",
    "node_modules",
    "prebuilds",
    "runtimes",
    "sbin",
    "site-packages",
];

/// How many folders around a file are looked at: more than people nest.
const MAX_FOLDERS: usize = 64;

pub struct Disguised;

impl Inspector for Disguised {
    fn wants(&self, header: &Header) -> bool {
        let first = header.first_bytes;
        let may_run = matches!(
            first,
            [0x7F, b'E', ..] | [b'M', b'Z', ..] | [0xFE | 0xCE | 0xCF, ..] | [b'#', b'!', ..]
        );
        may_run && sighting(header.path.inner(), first).is_some()
    }

    fn max_size(&self) -> u64 {
        u64::MAX
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let first = &entry.bytes[..entry.bytes.len().min(Header::PEEK)];
        let Some((what, is_disguised)) = sighting(entry.path.inner(), first) else {
            return Ok(());
        };
        let rule = if is_disguised {
            &rules::DISGUISED
        } else {
            &rules::DATA_FOLDER
        };
        let detail = format!("{} is {what}", entry.path.file_name());
        let found = Sighting::of(rule, entry.path.clone(), detail);
        // Many a package brings programs that it starts itself.
        let is_packages = npm::is_inside_package(entry.path);
        seen.supply.sightings.push(match is_disguised {
            true => found,
            false => Sighting {
                severity: if is_packages {
                    Severity::Low
                } else {
                    rule.severity
                },
                published: None,
                ..found
            },
        });
        Ok(())
    }
}

/// What kind of program it is, and whether its own name says otherwise; none where it is none or where one belongs.
fn sighting(inner: &str, first: &[u8]) -> Option<(&'static str, bool)> {
    let what = program(first)?;
    let is_script = what == SCRIPT;
    let name = inner
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let suffixes: &[&str] = if is_script {
        &NO_SCRIPT_SUFFIXES
    } else {
        &DATA_SUFFIXES
    };
    if suffixes.iter().any(|suffix| name.ends_with(suffix)) {
        return Some((what, true));
    }
    (!is_script && is_among_data(inner)).then_some((what, false))
}

/// Whether the folder that says most of what is in it, the innermost, says data.
fn is_among_data(inner: &str) -> bool {
    let is_in =
        |folder: &str, names: &[&str]| names.iter().any(|name| folder.eq_ignore_ascii_case(name));
    let folders = inner.rsplit('/').skip(1).take(MAX_FOLDERS);
    for folder in folders {
        if is_in(folder, &DATA_FOLDERS) {
            return true;
        }
        if is_in(folder, &PROGRAM_FOLDERS) || folder.ends_with(".libs") {
            return false;
        }
    }
    false
}

const SCRIPT: &str = "a script";

/// What the first bytes make of a file where it is run.
fn program(first: &[u8]) -> Option<&'static str> {
    match first {
        [0x7F, b'E', b'L', b'F', ..] => Some("an ELF program"),
        [0xFE, 0xED, 0xFA, 0xCE | 0xCF, ..] | [0xCE | 0xCF, 0xFA, 0xED, 0xFE, ..] => {
            Some("a Mach-O program")
        }
        [b'M', b'Z', ..] if is_pe(first) => Some("a Windows program"),
        [b'#', b'!', rest @ ..] => {
            let path = rest.trim_ascii_start();
            path.starts_with(b"/").then_some(SCRIPT)
        }
        _ => None,
    }
}

/// Whether the header that the first one names is there, or too far behind to be seen.
fn is_pe(first: &[u8]) -> bool {
    let Some(&[a, b, c, d]) = first.get(0x3C..0x40) else {
        return false;
    };
    let at = u32::from_le_bytes([a, b, c, d]) as usize;
    match first.get(at..at.saturating_add(4)) {
        Some(signature) => signature == b"PE\0\0",
        None => at < 1 << 20 && memchr::memchr(0, &first[..0x3C]).is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_folder_that_says_so_makes_a_place_one_of_data() {
        let elf = b"\x7fELF\x02\x01\x01";
        let is_told = |inner| sighting(inner, elf).is_some_and(|(_, disguised)| !disguised);
        for inner in [
            "data/tool",
            "data/sub/tool",
            "Static/tool",
            "lib/a/DATA/b/c/tool",
        ] {
            assert!(is_told(inner), "{inner}");
        }
        for inner in [
            "tool",
            "database/tool",
            "data/bin/tool",
            "static/node_modules/a/tool",
            "data/python/lib/python3.12/site-packages/a/b.so",
            "docs/a.libs/libb.so",
        ] {
            assert!(!is_told(inner), "{inner}");
        }
        assert_eq!(sighting("data/sub/tool", b"#!/bin/sh"), None);
    }
}
