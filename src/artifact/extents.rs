//! Where the entries of a zip lie: those that share their data, and those that lie between the others though the directory
//! does not list them. Who reads a zip from its front finds these; who reads it from its end does not.

use std::ops::Range;

use super::local_header;
use super::source::Source;
use super::zip::{LOCAL_HEADER, LOCAL_HEADER_LEN, ZipArchive, u16_at, u32_at};

/// A header with a name of one byte. It is longer than what stands behind an entry's data where its sizes follow it.
const LEAST: u64 = LOCAL_HEADER_LEN + 1;

/// The most that does: a signature, the checksum, and sizes of Zip64 (APPNOTE.TXT 4.3.9).
const MAX_DESCRIPTOR: u64 = 24;

/// How much of a gap is looked at at once.
const WINDOW: usize = 64 * 1024;

/// How much of a name counts.
const NAME: usize = 256;

/// How programs begin that unpack the archive behind them: scripts, ELF, PE and Mach-O.
const STUBS: [&[u8]; 5] = [
    b"#!",
    b"\x7fELF",
    b"MZ",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
];

/// An entry that the directory does not list.
#[derive(Debug, PartialEq, Eq)]
pub struct Hidden {
    pub name: String,
    /// Where its header is, from the start of the source.
    pub at: u64,
}

impl ZipArchive {
    /// Indices of entries whose data lies within another entry's: no honest packer writes such, and a
    /// small archive can unpack without end by them (<https://www.bamsoftware.com/hacks/zipbomb/>).
    pub fn overlapping(&self) -> Vec<usize> {
        let mut reached = 0;
        let mut overlapping = Vec::new();
        for i in self.by_offset() {
            let extent = self.entries[i].extent();
            if extent.start < reached {
                overlapping.push(i);
            } else {
                reached = extent.end;
            }
        }
        overlapping
    }

    /// The first entry that lies where the directory has none. Only what lies between the listed entries is read.
    pub fn hidden(&self) -> Option<Hidden> {
        let gaps = self.gaps();
        gaps.into_iter().find_map(|gap| self.entry_in(gap))
    }

    fn by_offset(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.entries.len()).collect();
        order.sort_by_key(|&i| (self.entries[i].offset, i));
        order
    }

    /// What no entry takes, as far as the directory tells, from the start to the directory, and could hold another.
    fn gaps(&self) -> Vec<Range<u64>> {
        let starts = self.by_offset().into_iter().map(Some).chain([None]);
        // The entry that reaches furthest so far, and how far.
        let (mut last, mut reached) = (None, 0);
        let mut gaps = Vec::new();
        for next in starts {
            let start = next.map_or(self.directory_start, |i| self.entries[i].offset);
            if start.saturating_sub(reached) >= LEAST {
                let end = last.map_or(0, |i| self.end_of(i));
                if start.saturating_sub(end) >= LEAST {
                    gaps.push(end..start);
                }
            }
            if let Some(i) = next.filter(|&i| self.entries[i].extent().end > reached) {
                (last, reached) = (Some(i), self.entries[i].extent().end);
            }
        }
        gaps
    }

    /// The end of an entry's data, of which its own header says where it starts.
    fn end_of(&self, index: usize) -> u64 {
        let entry = &self.entries[index];
        let mut header = [0; LOCAL_HEADER_LEN as usize];
        let read = self.source.read_exact_at(&mut header, entry.offset);
        let extra_len = read.map_or(0, |()| u64::from(u16_at(&header, 28)));
        entry.extent().end.saturating_add(extra_len)
    }

    fn entry_in(&self, gap: Range<u64>) -> Option<Hidden> {
        if gap.start == 0 && is_stub(&self.source) {
            return None;
        }
        let mut window = vec![0; WINDOW];
        let mut at = gap.start;
        while gap.end.saturating_sub(at) >= LEAST {
            let len = (gap.end - at).min(WINDOW as u64) as usize;
            let bytes = window.get_mut(..len)?;
            self.source.read_exact_at(bytes, at).ok()?;
            let found = memchr::memmem::find_iter(bytes, LOCAL_HEADER);
            let mut found = found.filter(|&start| {
                let place = at + start as u64;
                // There one that reads from the front looks for nothing else.
                let is_next = place - gap.start <= MAX_DESCRIPTOR;
                let header = &bytes[start..];
                let is_header = match is_next {
                    true => local_header::has_name(header),
                    false => local_header::is_plausible(header),
                };
                is_header && fits(header, gap.end - place)
            });
            if let Some(start) = found.next() {
                let header = &bytes[start..];
                let name = &header[LOCAL_HEADER_LEN as usize..];
                let name = &name[..usize::from(u16_at(header, 26)).min(name.len()).min(NAME)];
                return Some(Hidden {
                    name: String::from_utf8_lossy(name).into_owned(),
                    at: at + start as u64,
                });
            }
            if len < WINDOW {
                break;
            }
            // A header at the end of a window is looked at in the next.
            at += (WINDOW - LOCAL_HEADER_LEN as usize - NAME) as u64;
        }
        None
    }
}

fn is_stub(source: &Source) -> bool {
    let mut first = [0; 4];
    let read = source.read_exact_at(&mut first, 0);
    read.is_ok() && STUBS.iter().any(|stub| first.starts_with(stub))
}

/// Whether the data behind a header may lie in the room that is left.
fn fits(header: &[u8], room: u64) -> bool {
    let follows = u16_at(header, 6) & local_header::SIZES_FOLLOW != 0;
    let packed = match u32_at(header, 18) {
        u32::MAX => 0,
        _ if follows => 0,
        packed => u64::from(packed),
    };
    let skip = u64::from(u16_at(header, 26)) + u64::from(u16_at(header, 28));
    LOCAL_HEADER_LEN + skip + packed <= room
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use ::zip::ZipWriter;
    use ::zip::write::SimpleFileOptions;

    use super::super::zip::END;
    use super::*;

    const CENTRAL: &[u8] = b"PK\x01\x02";

    fn packed_with(options: SimpleFileOptions) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for name in ["a.py", "hidden.py", "b.py"] {
            writer.start_file(name, options).unwrap();
            writer.write_all(name.as_bytes()).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn packed() -> Vec<u8> {
        packed_with(SimpleFileOptions::default())
    }

    fn positions(bytes: &[u8], signature: &[u8]) -> Vec<usize> {
        memchr::memmem::find_iter(bytes, signature).collect()
    }

    /// The archive without a record of its directory.
    fn without_record(mut bytes: Vec<u8>, index: usize) -> Vec<u8> {
        let records = positions(&bytes, CENTRAL);
        let end = positions(&bytes, END)[0];
        let next = records.get(index + 1).copied().unwrap_or(end);
        let length = (next - records[index]) as u32;
        bytes.drain(records[index]..next);
        let end = positions(&bytes, END)[0];
        let size = u32_at(&bytes, end + 12) - length;
        bytes[end + 12..end + 16].copy_from_slice(&size.to_le_bytes());
        bytes[end + 8] -= 1;
        bytes[end + 10] -= 1;
        bytes
    }

    /// With bytes in front of the entry of that index, and of the directory if there is none.
    fn with_bytes(mut bytes: Vec<u8>, index: usize, more: &[u8]) -> Vec<u8> {
        let records = positions(&bytes, CENTRAL);
        let offset = |bytes: &[u8], record: usize| u32_at(bytes, record + 42);
        let at = match records.get(index) {
            Some(&record) => offset(&bytes, record),
            None => records[0] as u32,
        };
        let moved = more.len() as u32;
        for record in records {
            let old = offset(&bytes, record);
            if old >= at {
                bytes[record + 42..record + 46].copy_from_slice(&(old + moved).to_le_bytes());
            }
        }
        let end = positions(&bytes, END)[0];
        let start = u32_at(&bytes, end + 16) + moved;
        bytes[end + 16..end + 20].copy_from_slice(&start.to_le_bytes());
        bytes.splice(at as usize..at as usize, more.iter().copied());
        bytes
    }

    fn hidden(bytes: Vec<u8>) -> Option<String> {
        let archive = ZipArchive::open(Source::memory(bytes)).unwrap();
        assert_eq!(archive.problem, None);
        archive.hidden().map(|hidden| hidden.name)
    }

    #[test]
    fn entries_that_the_directory_does_not_list_are_found_wherever_they_lie() {
        for (index, name) in [(0, "a.py"), (1, "hidden.py"), (2, "b.py")] {
            let bytes = without_record(packed(), index);
            assert_eq!(hidden(bytes).as_deref(), Some(name));
        }
        // Two archives, one behind the other.
        let mut stream = ZipWriter::new_stream(Vec::new());
        for name in ["a.py", "hidden.py", "b.py"] {
            stream
                .start_file(name, SimpleFileOptions::default())
                .unwrap();
            stream.write_all(name.as_bytes()).unwrap();
        }
        let mut streamed = without_record(stream.finish().unwrap().into_inner(), 1);
        assert_eq!(hidden(streamed.clone()).as_deref(), Some("hidden.py"));
        // Of a version that there is not.
        let header = positions(&streamed, LOCAL_HEADER)[1];
        streamed[header + 4] = 99;
        assert_eq!(hidden(streamed).as_deref(), Some("hidden.py"));
        let two = [packed(), packed()].concat();
        assert_eq!(hidden(two).as_deref(), Some("a.py"));
        // Far behind the start of a gap.
        for length in [1, 1000, WINDOW - 10, WINDOW, WINDOW * 3] {
            let mut more = vec![b'x'; length];
            let entry = &packed()[..80];
            more.extend_from_slice(entry);
            let bytes = with_bytes(packed(), 1, &more);
            assert_eq!(hidden(bytes).as_deref(), Some("a.py"), "{length}");
        }
    }

    #[test]
    fn what_packers_leave_between_entries_is_no_entry() {
        assert_eq!(hidden(packed()), None);
        let aligned = SimpleFileOptions::default().with_alignment(4096);
        assert_eq!(hidden(packed_with(aligned)), None);
        let large = SimpleFileOptions::default().large_file(true);
        assert_eq!(hidden(packed_with(large)), None);
        let mut stream = ZipWriter::new_stream(Vec::new());
        for name in ["a.py", "b.py"] {
            stream
                .start_file(name, SimpleFileOptions::default())
                .unwrap();
            stream.write_all(b"content").unwrap();
        }
        assert_eq!(hidden(stream.finish().unwrap().into_inner()), None);
        let virtual_entry = [&LOCAL_HEADER[..], &[0; 24], &[40, 0], &[0; 40]].concat();
        for more in [
            &[0_u8; 200][..],
            b"APK Sig Block 42, and more of it, which is longer than a header",
            // Of no name, as Android's packers fill room with.
            &virtual_entry,
            // A signature in other data.
            b"a text that speaks of PK\x03\x04, and goes on, and on, and on, and on, and on.",
        ] {
            for index in [1, 3] {
                assert_eq!(hidden(with_bytes(packed(), index, more)), None, "{more:?}");
            }
        }
        // A program that holds an archive in front of the one that it unpacks.
        let program = [b"#!/bin/sh\n".as_slice(), &packed(), &packed()].concat();
        assert_eq!(hidden(program), None);
    }

    #[test]
    fn a_gap_full_of_signatures_is_looked_through_once() {
        let more = LOCAL_HEADER.repeat(1 << 20);
        assert_eq!(hidden(with_bytes(packed(), 1, &more)), None);
    }
}
