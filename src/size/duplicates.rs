//! What is in a deployment more than once.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::usage::Placed;
use crate::component::{Component, Ecosystem, Scope};

/// Smaller files are the same by chance, or not worth a word.
const MIN_BYTES: u64 = 16 * 1024;
/// How many groups of each kind are named, those that waste most.
const MAX_GROUPS: usize = 50;
const MAX_PATHS: usize = 20;

#[derive(Debug, Default, Serialize)]
pub struct Duplicates {
    /// Packages in several versions or several places.
    pub packages: Vec<Versions>,
    /// Files with the same content. Links to a file are not among them.
    pub files: Vec<Copies>,
}

/// A package that is there more than once.
#[derive(Debug, Serialize)]
pub struct Versions {
    pub ecosystem: Ecosystem,
    pub name: String,
    pub versions: Vec<String>,
    /// Folders that it is installed in.
    pub places: usize,
    /// Unpacked, all of them together.
    pub unpacked_bytes: u64,
}

/// Files with the same content.
#[derive(Debug, Serialize)]
pub struct Copies {
    pub paths: Vec<String>,
    /// How many there are, of which not all may be named.
    pub count: usize,
    /// Unpacked, of one of them.
    pub unpacked_bytes: u64,
}

pub fn find(placed: &[Placed], packages: &[Component]) -> Duplicates {
    Duplicates {
        packages: versions(placed, packages),
        files: copies(placed),
    }
}

/// Where a component is, by artifact and folder, and what it takes.
#[derive(Default)]
struct Places<'a> {
    folders: Vec<(usize, &'a str)>,
    bytes: u64,
}

/// Known by their folders: only npm installs a package more than once.
fn versions(placed: &[Placed], packages: &[Component]) -> Vec<Versions> {
    let mut places: HashMap<usize, Places> = HashMap::new();
    for file in placed {
        let Some(owner) = file.owner else { continue };
        let Places { folders, bytes } = places.entry(owner.component).or_default();
        *bytes += file.file.size;
        let folder = (file.part, owner.folder.unwrap_or_default());
        if folders.last() != Some(&folder) {
            folders.push(folder);
        }
    }
    let mut found: BTreeMap<(Ecosystem, &str), Versions> = BTreeMap::new();
    for (index, component) in packages.iter().enumerate() {
        let Some(Places { folders, bytes }) = places.get_mut(&index) else {
            continue;
        };
        if component.scope != Scope::Shipped || component.ecosystem == Ecosystem::Generic {
            continue;
        }
        folders.sort_unstable();
        folders.dedup();
        let is_npm = component.ecosystem == Ecosystem::Npm;
        let row = found
            .entry((component.ecosystem, &component.name))
            .or_insert_with(|| Versions {
                ecosystem: component.ecosystem,
                name: component.name.clone(),
                versions: Vec::new(),
                places: 0,
                unpacked_bytes: 0,
            });
        row.versions.extend(component.version.clone());
        let artifacts = folders.chunk_by(|a, b| a.0 == b.0).count();
        row.places += if is_npm { folders.len() } else { artifacts };
        row.unpacked_bytes += *bytes;
    }
    let mut found: Vec<Versions> = found.into_values().filter(|row| row.places > 1).collect();
    found.sort_by_key(|row| std::cmp::Reverse(row.unpacked_bytes));
    found.truncate(MAX_GROUPS);
    found
}

fn copies(placed: &[Placed]) -> Vec<Copies> {
    let mut groups: HashMap<(u64, u32), Vec<&Placed>> = HashMap::new();
    for file in placed {
        if let (None, Some(crc32)) = (&file.file.link, file.file.crc32)
            && file.file.size >= MIN_BYTES
        {
            groups
                .entry((file.file.size, crc32))
                .or_default()
                .push(file);
        }
    }
    let mut found = Vec::new();
    for ((bytes, _), files) in groups {
        // Where the digests of two are known they decide; a size and a checksum may be the same on purpose.
        let mut by_digest: BTreeMap<Option<[u8; 32]>, Vec<&Placed>> = BTreeMap::new();
        for file in files {
            by_digest.entry(file.file.sha256).or_default().push(file);
        }
        if by_digest.len() == 2
            && let Some(unknown) = by_digest.remove(&None)
        {
            by_digest
                .values_mut()
                .for_each(|known| known.extend(&unknown));
        }
        for files in by_digest.into_values().filter(|files| files.len() > 1) {
            let mut paths: Vec<String> = files.iter().map(|f| f.file.path.to_string()).collect();
            paths.sort();
            paths.truncate(MAX_PATHS);
            found.push(Copies {
                paths,
                count: files.len(),
                unpacked_bytes: bytes,
            });
        }
    }
    let wasted = |copies: &Copies| copies.unpacked_bytes * (copies.count as u64 - 1);
    found.sort_by(|a, b| {
        wasted(b)
            .cmp(&wasted(a))
            .then_with(|| a.paths.cmp(&b.paths))
    });
    found.truncate(MAX_GROUPS);
    found
}
