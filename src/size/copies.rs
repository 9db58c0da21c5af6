//! Copies of npm packages that Node.js would do without: one that lies in a folder around it, the next that is found from
//! there, is the same.
//!
//! npm puts no such tree together by itself, but packages that bring others along do, projects that are copied into each
//! other, and older lock files. `npm dedupe` removes them.

use std::collections::{HashMap, HashSet};

use super::Part;
use super::needs::{Needs, resolve};
use super::usage::{Ownership, Placed, folders_around};
use crate::component::Ecosystem;
use crate::finding::EntryPath;
use crate::inventory::npm::layout;

const MANIFEST: &str = "package.json";
const NODE_MODULES: &str = "node_modules";

/// Folders and files that are looked at: far more than honest trees take. Beyond it no more copies are looked for.
const MAX_STEPS: usize = 1_000_000;

/// The folder of an installed package, by its artifact and its container.
pub type Home<'a> = (usize, &'a str, &'a str);

pub fn home<'a>(file: &Placed<'a>) -> Option<Home<'a>> {
    let owner = file
        .owner
        .filter(|owner| owner.ecosystem == Ecosystem::Npm)?;
    Some((file.part, &**file.file.path.container(), owner.folder?))
}

/// The folders of the packages that can go.
pub fn find<'a>(
    placed: &'a [Placed<'a>],
    parts: &[Part],
    ownership: &Ownership,
) -> HashSet<Home<'a>> {
    let mut homes: HashMap<Home, usize> = HashMap::new();
    for file in placed {
        if let (Some(home), Some(owner)) = (home(file), file.owner) {
            homes.insert(home, owner.component);
        }
    }
    let mut places: HashMap<usize, usize> = HashMap::new();
    for component in homes.values() {
        *places.entry(*component).or_default() += 1;
    }
    let several = homes.iter().filter(|(_, component)| places[component] > 1);
    let mut several: Vec<(Home, usize)> = several.map(|(home, c)| (*home, *c)).collect();
    if several.is_empty() {
        return HashSet::new();
    }
    several.sort_unstable();
    let needs = parts.iter().flat_map(|part| &part.needs);
    let mut search = Search {
        placed,
        ownership,
        needs: needs.map(|row| (&row.manifest, row)).collect(),
        steps: 0,
    };
    let mut found = HashSet::new();
    for (home, component) in several {
        let outer = search.next_outer(home);
        let is_same = |outer: &str| homes.get(&(home.0, home.1, outer)) == Some(&component);
        if outer.is_some_and(|outer| is_same(&outer) && search.is_the_same(home, &outer)) {
            found.insert(home);
        }
        if search.steps > MAX_STEPS {
            break;
        }
    }
    found
}

struct Search<'a> {
    placed: &'a [Placed<'a>],
    ownership: &'a Ownership<'a>,
    needs: HashMap<&'a EntryPath, &'a Needs>,
    steps: usize,
}

impl<'a> Search<'a> {
    /// The folder that a package of that name is found in, seen from around the folder that this one lies in.
    fn next_outer(&mut self, (part, container, folder): Home) -> Option<String> {
        let name = layout::package_name(folder)?;
        let beside = folder.strip_suffix(name)?.trim_end_matches('/');
        let around = beside.strip_suffix(NODE_MODULES)?.trim_end_matches('/');
        let (above, _) = around.rsplit_once('/').unwrap_or_default();
        let is_place = |folder: &&str| {
            *folder != NODE_MODULES && !folder.ends_with(&format!("/{NODE_MODULES}"))
        };
        let outer = folders_around(above).filter(is_place);
        let outer = outer.map(|folder| format!("{folder}/{NODE_MODULES}/{name}"));
        // A package in the root's `node_modules` has none around it.
        let root = (!around.is_empty()).then(|| format!("{NODE_MODULES}/{name}"));
        for place in outer.chain(root) {
            self.steps += 1;
            if !self.files((part, container, &place)).is_empty() {
                return Some(place);
            }
        }
        None
    }

    /// All files in a folder, which lie beside each other in the order of their paths.
    fn files(&self, (part, container, folder): Home) -> &'a [Placed<'a>] {
        let inside = format!("{folder}/");
        let key = |file: &Placed<'a>| (file.part, &**file.file.path.container(), file.path());
        let first = (part, container, inside.as_str());
        let start = self.placed.partition_point(|file| key(file) < first);
        let rest = &self.placed[start..];
        let is_inside = |file: &Placed<'a>| {
            let (of_part, of, path) = key(file);
            of_part == part && of == container && path.starts_with(&inside)
        };
        &rest[..rest.partition_point(is_inside)]
    }

    /// Whether both have the same files, and find the same packages. What is installed in them would be found from one
    /// alone: then they are not.
    fn is_the_same(&mut self, home: Home, outer: &str) -> bool {
        let (part, container, folder) = home;
        let inner = self.files(home);
        let outer_files = self.files((part, container, outer));
        self.steps += inner.len() + outer_files.len();
        inner.len() == outer_files.len()
            && inner.iter().zip(outer_files).all(|(a, b)| {
                let (a_within, b_within) = (&a.path()[folder.len()..], &b.path()[outer.len()..]);
                a_within == b_within && home_is(a, folder) && is_same_file(a, b)
            })
            && self.finds_the_same(inner, folder, outer)
    }

    /// Whether what the package asks for leads to the same packages from both places.
    fn finds_the_same(&mut self, files: &[Placed], folder: &str, outer: &str) -> bool {
        let path = format!("{folder}/{MANIFEST}");
        let manifest = files.iter().find(|file| file.path() == path);
        let Some(row) = manifest.and_then(|file| self.needs.get(&file.file.path)) else {
            return false;
        };
        let other = row.manifest.sibling(&format!("{outer}/{MANIFEST}"));
        let (ownership, steps) = (self.ownership, &mut self.steps);
        row.names.iter().all(|name| {
            let found = resolve(&row.manifest, name, ownership, steps);
            found == resolve(&other, name, ownership, steps)
        })
    }
}

fn home_is(file: &Placed, folder: &str) -> bool {
    file.owner.and_then(|owner| owner.folder) == Some(folder)
}

/// npm writes where it took a package from into its manifest, which states the same name and version.
fn is_same_file(a: &Placed, b: &Placed) -> bool {
    let (a, b) = (a.file, b.file);
    a.path.file_name() == MANIFEST
        || (a.size == b.size
            && a.crc32.is_some()
            && a.crc32 == b.crc32
            && a.link.is_none()
            && b.link.is_none()
            && a.sha256.zip(b.sha256).is_none_or(|(a, b)| a == b))
}
