//! What the readers of bundles have in common: how they say what they saw.

use std::collections::BTreeSet;

use memchr::{memchr_iter, memrchr};

use crate::component::{Ecosystem, Evidence, ObservedComponent};
use crate::finding::Location;
use crate::inspect::{Entry, Observations};
use crate::inventory::npm::layout;

/// A package, and where in the file it was seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sighting {
    pub offset: usize,
    pub name: String,
    pub version: Option<String>,
    /// The package's folder, where the bundler wrote it.
    pub folder: Option<String>,
    /// What is known where the version is not.
    pub range: Option<String>,
}

/// The first sighting of each package and version.
pub(super) fn first_of_each(mut sightings: Vec<Sighting>) -> Vec<Sighting> {
    sightings.sort();
    let mut known = BTreeSet::new();
    sightings.retain(|s| known.insert((s.name.clone(), s.version.clone())));
    sightings
}

/// Adds what was seen in a file, in the order of the file. What an installed package holds of itself, as `is_own`
/// says of its name and another's, is left out: its metadata says better what it is.
pub(super) fn report(
    entry: &Entry,
    mut sightings: Vec<Sighting>,
    is_own: impl Fn(&str, &str) -> bool,
    seen: &mut Observations,
) {
    let own = layout::owning_package(entry.path);
    sightings.retain(|sighting| own.is_none_or(|own| !is_own(own, &sighting.name)));
    sightings.sort();
    let mut places = Places::default();
    for sighting in sightings {
        let (line, column) = places.place(entry.bytes, sighting.offset);
        seen.components.push(ObservedComponent {
            ecosystem: Ecosystem::Npm,
            name: sighting.name,
            version: sighting.version,
            version_range: sighting.range,
            evidence: Evidence::Fingerprint,
            folder: sighting
                .folder
                .as_deref()
                .and_then(layout::place)
                .map(Box::from),
            location: Location {
                path: entry.path.clone(),
                line: Some(line),
                column: Some(column),
                vendored_in: None,
            },
        });
    }
}

/// Counts lines and columns of offsets that come in order, each byte once.
#[derive(Default)]
struct Places {
    counted: usize,
    lines: usize,
    columns: usize,
}

impl Places {
    /// The line and the column, counted from 1.
    fn place(&mut self, text: &[u8], offset: usize) -> (u32, u32) {
        let mut new = text.get(self.counted..offset).unwrap_or_default();
        self.counted = self.counted.max(offset);
        if let Some(last) = memrchr(b'\n', new) {
            self.lines += memchr_iter(b'\n', new).count();
            self.columns = 0;
            new = &new[last + 1..];
        }
        // The bytes that begin a character.
        self.columns += new.iter().filter(|b| **b & 0xc0 != 0x80).count();
        let one_based = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).saturating_add(1);
        (one_based(self.lines), one_based(self.columns))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::finding::EntryPath;

    #[test]
    fn sightings_stand_in_the_order_of_the_file_with_their_places() {
        let path = EntryPath::new(&Arc::from("fn.zip!/"), "node_modules/own/index.js");
        let text = "a\n\u{e9}b\n  c";
        let sighting = |name: &str, letter| Sighting {
            offset: text.find(letter).unwrap(),
            name: name.to_owned(),
            version: None,
            folder: None,
            range: None,
        };
        let mut seen = Observations::default();
        let entry = Entry {
            path: &path,
            bytes: text.as_bytes(),
        };
        let sightings = vec![sighting("y", 'c'), sighting("x", 'b'), sighting("own", 'a')];
        report(&entry, sightings, |own, name| own == name, &mut seen);
        let rows: Vec<_> = seen
            .components
            .iter()
            .map(|c| (c.name.as_str(), c.location.line, c.location.column))
            .collect();
        assert_eq!(rows, [("x", Some(2), Some(2)), ("y", Some(3), Some(3))]);
    }
    #[test]
    fn places_count_characters_from_one() {
        let text = "ä\nöö bb\ncc".as_bytes();
        let mut places = Places::default();
        let all = [0, 2, 3, 8, 8, 11].map(|offset| places.place(text, offset));
        assert_eq!(all, [(1, 1), (1, 2), (2, 1), (2, 4), (2, 4), (3, 1)]);
    }
}
