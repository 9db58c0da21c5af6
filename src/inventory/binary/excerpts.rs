//! Executables that are too large to be held, such as whole runtimes: what stands around the marks of all readers, gathered
//! in one pass over windows of the file. Each reader sees these excerpts as the parts of an image.
//!
//! What only the whole tells is missed: a table of sections, which stands at the end of many files, what addresses lead
//! to, and texts that count because no other of their form is in the file.

use std::ops::Range;

use super::executable::{Image, Platform, is_universal, layout};
use super::{READERS, marks, report};
use crate::finding::EntryPath;
use crate::inspect::{Header, Observations, Unreadable, Windows};

/// How much is kept before a mark. What is kept behind it, its reader says.
const BEFORE: u64 = 512;
/// Go's build information is at a multiple of this.
const ALIGNMENT: usize = 16;
/// How much is kept of one file: several times what `node` and Chromium leave.
const MAX_BYTES: usize = 8 * 1024 * 1024;

pub struct Excerpts {
    platform: Platform,
    is_big_endian: bool,
    /// Where constants are in the file.
    ranges: Vec<Range<u64>>,
    bytes: Vec<u8>,
    parts: Vec<Range<usize>>,
    /// Up to where in the file all is taken that is wanted so far, and up to where it is wanted.
    taken_to: u64,
    wanted_to: u64,
    is_full: bool,
}

impl Excerpts {
    /// None of what is no executable after all.
    pub fn new(header: &Header) -> Option<Self> {
        let first = header.first_bytes;
        // What is compressed states no size.
        let size = match usize::try_from(header.size).ok()? {
            0 => usize::MAX,
            size => size,
        };
        let image = layout(first, size);
        if image.is_none() && !is_universal(first) {
            return None;
        }
        let platform = image
            .as_ref()
            .map_or(Platform::Apple, |image| image.platform);
        let is_big_endian = image.as_ref().is_some_and(|image| image.is_big_endian);
        // In a universal binary all may be constants.
        let parts = image.map_or_else(
            || std::iter::once(0..usize::MAX).collect(),
            Image::into_parts,
        );
        let ranges = parts.into_iter();
        Some(Excerpts {
            platform,
            is_big_endian,
            ranges: ranges
                .map(|part| part.start as u64..part.end as u64)
                .collect(),
            bytes: Vec::new(),
            parts: Vec::new(),
            taken_to: 0,
            wanted_to: 0,
            is_full: false,
        })
    }

    /// Where in the file marks begin in this window, and up to where their readers look; in order.
    fn hits(&self, window: &[u8], at: u64) -> Vec<Range<u64>> {
        let end = at + window.len() as u64;
        let mut hits = Vec::new();
        for range in &self.ranges {
            let (start, end) = (range.start.max(at), range.end.min(end));
            if start >= end {
                continue;
            }
            let bytes = &window[(start - at) as usize..(end - at) as usize];
            marks().find(bytes, |offset, (reader, _)| {
                let hit = start + offset as u64;
                let reach = READERS[reader].reach();
                hits.push(
                    hit.saturating_sub(BEFORE).max(range.start)..(hit + reach).min(range.end),
                );
            });
        }
        hits.sort_unstable_by_key(|hit| hit.start);
        hits
    }

    /// Takes what is wanted of this window from where it was taken on.
    fn take(&mut self, window: &[u8], at: u64) {
        let end = self.wanted_to.min(at + window.len() as u64);
        let from = self.taken_to.max(at);
        let Some(part) = self.parts.last_mut().filter(|_| from < end) else {
            return;
        };
        let bytes = &window[(from - at) as usize..(end - at) as usize];
        let room = MAX_BYTES - self.bytes.len();
        self.is_full |= bytes.len() > room;
        self.bytes
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
        part.end = self.bytes.len();
        self.taken_to = end;
    }
}

impl Windows for Excerpts {
    fn window(&mut self, window: &[u8], at: u64) {
        for hit in self.hits(window, at) {
            if self.is_full {
                return;
            }
            let start = hit.start.max(at);
            if start > self.wanted_to || self.parts.is_empty() {
                self.take(window, at);
                let aligned = self.bytes.len().next_multiple_of(ALIGNMENT);
                let begin = aligned + start as usize % ALIGNMENT;
                if begin > MAX_BYTES {
                    self.is_full = true;
                    return;
                }
                self.bytes.resize(begin, 0);
                self.parts.push(begin..begin);
                self.taken_to = start;
            }
            self.wanted_to = self.wanted_to.max(hit.end);
        }
        self.take(window, at);
    }

    fn finish(
        self: Box<Self>,
        size: u64,
        path: &EntryPath,
        seen: &mut Observations,
    ) -> Result<(), Unreadable> {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let mut excerpts = Image::new(&self.bytes, size, self.platform, self.is_big_endian);
        excerpts.take_excerpts(self.parts);
        let full = self.is_full.then(|| {
            format!("has more than {MAX_BYTES} bytes where packages could be; the rest was not looked at")
        });
        report([excerpts], full, path, seen)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::testing::{elf, macho, pe};
    use super::*;
    use crate::inventory::testing::rows;

    const OVERLAP: usize = 256;

    /// What is seen of a file in windows of this size.
    fn seen_in(file: &[u8], window: usize) -> Vec<String> {
        let path = EntryPath::new(&Arc::from("fn.zip!/"), "node");
        let header = Header {
            path: &path,
            size: file.len() as u64,
            first_bytes: &file[..file.len().min(512)],
        };
        let mut excerpts = Box::new(Excerpts::new(&header).unwrap());
        let mut at = 0;
        loop {
            let end = (at + window).min(file.len());
            excerpts.window(&file[at..end], at as u64);
            if end == file.len() {
                break;
            }
            at = end - OVERLAP;
        }
        let mut seen = Observations::default();
        let size = file.len() as u64;
        excerpts.finish(size, &path, &mut seen).unwrap();
        let sizes = seen
            .whole_files
            .iter()
            .map(|file| format!("size {}", file.size));
        rows(&seen).into_iter().chain(sizes).collect()
    }

    fn constants() -> Vec<u8> {
        let filler = vec![7; 5000];
        let mut bytes = filler.clone();
        for text in [
            " deflate 1.2.11 Copyright 1995-2017 Jean-loup Gailly and Mark Adler ",
            "OpenSSL default user interface",
            "OpenSSL 1.1.1k  25 Mar 2021",
        ] {
            bytes.extend([b"\0", text.as_bytes(), b"\0", &filler].concat());
        }
        bytes
    }

    #[test]
    fn a_file_in_windows_tells_what_the_whole_does() {
        let constants = constants();
        for file in [
            elf(&[(".rodata", &constants)]),
            pe(&[(".rdata", &constants)]),
            macho(&[("__cstring", &constants)]),
        ] {
            let expected = [
                "openssl 1.1.1k fingerprint node",
                "zlib 1.2.11 fingerprint node",
            ];
            for window in [600, 1000, 4096, 5001, 1 << 20] {
                assert_eq!(seen_in(&file, window), expected, "{window}");
            }
        }
    }

    #[test]
    fn a_version_that_only_the_whole_tells_is_not_guessed() {
        let text = "PYTHONHASHSEED must be \"random\" or an integer\0\0\x003.11.7\0";
        let file = elf(&[(".rodata", text.as_bytes())]);
        assert_eq!(seen_in(&file, 1 << 20), ["python ~ fingerprint node"]);
    }

    #[test]
    fn marks_without_end_are_told() {
        let text = "OpenSSL default user interface".repeat(400_000);
        let file = elf(&[(".rodata", text.as_bytes())]);
        let path = EntryPath::new(&Arc::from("fn.zip!/"), "node");
        let header = Header {
            path: &path,
            size: file.len() as u64,
            first_bytes: &file[..512],
        };
        let mut excerpts = Box::new(Excerpts::new(&header).unwrap());
        excerpts.window(&file, 0);
        let mut seen = Observations::default();
        let why = excerpts.finish(file.len() as u64, &path, &mut seen);
        assert!(why.unwrap_err().message.contains("not looked at"));
        assert_eq!(rows(&seen), ["openssl ~ fingerprint node"]);
    }
}
