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
/// Folders that hold data alone.
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
    let mut folders = inner.split('/').rev().skip(1);
    let is_among_data = folders
        .next()
        .is_some_and(|folder| DATA_FOLDERS.contains(&folder));
    (is_among_data && !is_script).then_some((what, false))
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
