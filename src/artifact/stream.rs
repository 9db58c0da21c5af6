//! Archives that are read from front to back: tars, and what is compressed as one stream.

use std::cell::Cell;
use std::io::{self, BufReader, Read};

use super::ambiguous::{Appended, Content};
use super::format::{Compression, Format, SNIFF};
use super::image;
use super::level::{Admission, Level};
use super::measured::{self, Counted, Failure, Measured, Stated};
use super::script;
use super::source::Source;
use super::tar_guard::TarGuard;
use super::walk::{CHUNK, Place, Walk, nested_prefix, with_chunk};
use crate::finding::EntryPath;
use crate::inspect::ObservedFile;
use crate::inventory::pypi::record;

impl Walk<'_> {
    pub(super) fn walk_stream(
        &self,
        path: &EntryPath,
        reader: &mut dyn Read,
        place: Place,
    ) -> Result<(), Failure> {
        let mut first = [0; SNIFF];
        let n = read_full(reader, &mut first).map_err(damaged)?;
        let mut whole = (&first[..n]).chain(reader);
        match Format::of(path.file_name(), &first[..n]) {
            Some(Format::Tar) => self.walk_tar(path, &mut whole, place),
            Some(Format::Compressed(compression)) => {
                self.walk_compressed(path, compression, &mut whole, place)
            }
            Some(Format::Zip) => {
                self.budget.take_entry().map_err(|_| Failure::Exhausted)?;
                let mut measured = Measured::entry(&mut whole, Stated::default(), self.budget);
                if let Some(bytes) = self.read_whole(path, &[], &mut measured, 0, place, &[])? {
                    let below = Place {
                        counted: place.counted,
                        ..place.below()
                    };
                    self.open_zip(path, Source::memory(bytes), below);
                }
                Ok(())
            }
            None => self.audit_single(path, &mut whole, place),
        }
    }

    fn walk_compressed(
        &self,
        path: &EntryPath,
        compression: Compression,
        reader: &mut dyn Read,
        place: Place,
    ) -> Result<(), Failure> {
        let packed = Cell::new(0);
        let counted = Counted {
            reader,
            count: &packed,
        };
        let mut decoder =
            compression.decoder(BufReader::with_capacity(CHUNK, counted), place.share());
        let mut measured =
            Measured::stream(&mut *decoder, Stated::default(), Some(&packed), self.budget);
        let mut first = [0; SNIFF];
        let n = measured.fill(&mut first)?;
        let inner = || {
            EntryPath::new(
                &nested_prefix(path),
                compression.strip_suffix(path.file_name()),
            )
        };
        let mut whole = (&first[..n]).chain(&mut measured);
        let walked = match Format::sniff(&first[..n]) {
            Some(Format::Tar) => self.walk_tar(path, &mut whole, place),
            // What is packed once more is an archive within an archive.
            Some(Format::Zip | Format::Compressed(_)) if self.may_open(path, place) => {
                let below = Place {
                    counted: place.counted,
                    ..place.below()
                };
                self.walk_stream(&inner(), &mut whole, below)
            }
            Some(Format::Zip | Format::Compressed(_)) => Ok(()),
            None => self.audit_single(&inner(), &mut whole, place),
        };
        // The stream's own checksum stands at its end, behind the last entry.
        let verified = walked.and_then(|()| with_chunk(|chunk| measured.drain(chunk)));
        verified.map_err(|failure| measured.own_failure().unwrap_or(failure))
    }

    /// A compressed stream that holds one file.
    fn audit_single(
        &self,
        path: &EntryPath,
        reader: &mut dyn Read,
        place: Place,
    ) -> Result<(), Failure> {
        self.budget.take_entry().map_err(|_| Failure::Exhausted)?;
        let mut measured = Measured::entry(reader, Stated::default(), self.budget);
        with_chunk(|chunk| {
            let n = measured.fill(chunk)?;
            self.audit_bytes(path, Some(0), chunk, n, &mut measured, place)?;
            self.count(place, 1, measured.len());
            let file = ObservedFile {
                path: path.clone(),
                is_deployed: false,
                size: measured.len(),
                packed: None,
                mode: None,
                link: None,
                is_hard_link: false,
                crc32: measured.crc32(),
                sha256: None,
            };
            self.file(file, place);
            Ok(())
        })
    }

    fn walk_tar(
        &self,
        path: &EntryPath,
        reader: &mut dyn Read,
        place: Place,
    ) -> Result<(), Failure> {
        let prefix = nested_prefix(path);
        let mut layer = image::LayerFiles::of(path);
        let place = Place {
            in_layer: place.depth == 1 && layer.is_some(),
            ..place
        };
        let level = Level::new(place.share());
        let mut names = Appended::default();
        let outcome = self.pool.in_place_scope(|scope| {
            let mut archive = tar::Archive::new(TarGuard::new(reader));
            for entry in archive.entries().map_err(damaged)? {
                let mut entry = entry.map_err(damaged)?;
                let kind = entry.header().entry_type();
                let raw = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
                if kind.is_pax_global_extensions() {
                    continue;
                }
                let path = self.entry_path(&prefix, &raw);
                if kind.is_dir() {
                    continue;
                }
                if self.budget.take_entry().is_err() {
                    return Err(Failure::Exhausted);
                }
                if let Some(layer) = &mut layer {
                    layer.add(&path);
                    if kind.is_hard_link()
                        && let Some(target) = entry.link_name_bytes()
                    {
                        layer.add_link(&path, &String::from_utf8_lossy(&target));
                    }
                }
                let mode = entry.header().mode().ok();
                if (kind.is_symlink() || kind.is_hard_link())
                    && let Some(target) = entry.link_name_bytes()
                {
                    let target = String::from_utf8_lossy(&target);
                    self.link(path.clone(), &target, kind.is_hard_link(), mode, place);
                }
                if !(kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse()) {
                    continue;
                }
                let size = entry.size();
                // Nothing is packed in a tar itself: what counts is the size alone.
                if let Some(failure) = measured::refuse(self.budget.limits, size, size) {
                    self.settle(&path, Err(failure));
                    continue;
                }
                let stated = Stated {
                    unpacked: Some(size),
                    crc32: None,
                };
                let mut measured = Measured::entry(&mut entry, stated, self.budget);
                if self.digests && record::may_be_listed(&path) {
                    measured = measured.digest();
                }
                self.audit_tar_entry(scope, &level, &path, size, &mut measured, place)?;
                let content = Content {
                    size,
                    crc32: measured.crc32(),
                    sha256: measured.sha256(),
                };
                names.add(&path, content);
                let file = ObservedFile {
                    path,
                    is_deployed: false,
                    size,
                    packed: None,
                    mode,
                    link: None,
                    is_hard_link: false,
                    crc32: content.crc32,
                    sha256: content.sha256,
                };
                self.file(file, place);
            }
            Ok(())
        });
        if let Some(finding) = names.finding() {
            self.seen().finding(finding);
        }
        if let Some(layer) = layer {
            self.seen().layers.push(layer);
        }
        outcome
    }

    /// Reads one entry of a tar; a worker inspects it. An error ends the tar.
    fn audit_tar_entry<'s>(
        &'s self,
        scope: &rayon::Scope<'s>,
        level: &'s Level<'static>,
        path: &EntryPath,
        size: u64,
        measured: &mut Measured,
        place: Place,
    ) -> Result<(), Failure> {
        let mut first = vec![0; CHUNK.min(usize::try_from(size).unwrap_or(CHUNK))];
        let n = measured.fill(&mut first)?;
        first.truncate(n);
        let format = Format::of(path.file_name(), &first).filter(|_| self.may_open(path, place));
        if let Some(format) = format {
            let outcome = if format == Format::Zip {
                let bytes = self.read_whole(path, &first, measured, size, place, &[])?;
                if let Some(bytes) = bytes {
                    self.count(place, 1, size);
                    self.open_zip(path, Source::memory(bytes), place.below());
                }
                Ok(())
            } else {
                self.count(place, 1, size);
                let mut whole = first.as_slice().chain(&mut *measured);
                let walked = self.walk_stream(path, &mut whole, place.below());
                walked.map_err(|failure| measured.own_failure().unwrap_or(failure))
            };
            if outcome == Err(Failure::Exhausted) {
                return outcome;
            }
            self.settle(path, outcome);
            return with_chunk(|chunk| measured.drain(chunk));
        }
        self.count(place, 1, size);
        let wanted = self.wanted_by(path, size, &first);
        (self.progress)(size);
        // What nobody wants is looked at by a worker too, but need not be held for it where it is large.
        let is_script = script::is_script(&first);
        if !is_script && wanted.is_empty() && (self.secrets.is_none() || size > place.share()) {
            return self.scan_windows(path, &first, measured);
        }
        // Nothing is handed back on this level, so that admission only waits for the workers.
        let permit = match level.admit(size) {
            Admission::Granted(permit) => permit,
            Admission::NestedFirst(..) => return Ok(()),
        };
        let whole = if (n as u64) < size && is_script {
            let is_wanted = || !wanted.is_empty();
            self.read_script(path, &first, measured, size, place, is_wanted)?
        } else if (n as u64) < size {
            self.read_whole(path, &first, measured, size, place, &wanted)?
        } else {
            measured.drain(&mut [0])?;
            Some(first)
        };
        if let Some(bytes) = whole {
            if is_script && script::may_hold_zip(&bytes) {
                self.open_script(path, bytes, place);
                return Ok(());
            }
            let path = path.clone();
            scope.spawn(move |_| {
                self.look_into(&wanted, &path, &bytes);
                drop(permit);
            });
        }
        Ok(())
    }
}

pub fn read_full(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn damaged(error: io::Error) -> Failure {
    Failure::Damaged(format!("is damaged: {error}"))
}
