//! Copies of npm packages that Node.js would do without: one that lies in a folder around it, the next that is found from
//! there, is the same.
//!
//! npm puts no such tree together by itself, but packages that bring others along do, projects that are copied into each
//! other, and older lock files. `npm dedupe` removes them.

use std::collections::{HashMap, HashSet};

use super::Part;
use super::needs::{Needs, places};
use super::usage::Placed;
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
pub fn find<'a>(placed: &'a [Placed<'a>], parts: &[Part]) -> HashSet<Home<'a>> {
    let mut homes: HashMap<Home, usize> = HashMap::new();
    for file in placed {
        if let (Some(home), Some(owner)) = (home(file), file.owner) {
            homes.insert(home, owner.component);
        }
    }
    let mut counts: HashMap<usize, usize> = HashMap::new();
    for component in homes.values() {
        *counts.entry(*component).or_default() += 1;
    }
    let several = homes.iter().filter(|(_, component)| counts[component] > 1);
    let mut several: Vec<(Home, usize)> = several.map(|(home, c)| (*home, *c)).collect();
    if several.is_empty() {
        return HashSet::new();
    }
    several.sort_unstable();
    let needs = parts.iter().flat_map(|part| &part.needs);
    let layer = |file: &Placed<'a>| (file.part, &**file.file.path.container());
    let mut layers: Vec<(usize, &str)> = placed.iter().map(layer).collect();
    layers.dedup();
    let mut search = Search {
        placed,
        layers,
        needs: needs.map(|row| (&row.manifest, row)).collect(),
        steps: 0,
    };
    let mut alike = HashMap::new();
    for (home, component) in several {
        let outer = search.next_outer(home);
        let is_same = |outer: &String| homes.get(&(home.0, home.1, outer)) == Some(&component);
        if let Some(outer) = outer.filter(is_same)
            && search.has_the_same_files(home, &outer)
            && let Some(apart) = search.found_apart(home, &outer)
        {
            alike.insert(home, Alike { outer, apart });
        }
        if search.steps > MAX_STEPS {
            return HashSet::new();
        }
    }
    that_find_the_same(alike, search.steps)
}

/// A package with the same files as the next around it.
struct Alike {
    /// The folder of that one.
    outer: String,
    /// Where what both ask for is found from here and from there, if that is not one place.
    apart: Vec<(String, String)>,
}

/// Leaves those out that find another package than the one around them: what they find in two places has to be the same
/// there, as far as this goes.
fn that_find_the_same<'a>(
    mut alike: HashMap<Home<'a>, Alike>,
    mut steps: usize,
) -> HashSet<Home<'a>> {
    loop {
        let mut lost = Vec::new();
        for (home, package) in &alike {
            let mut leads_to = |from: &str, to: &str| {
                let mut at = from;
                while at != to {
                    steps += 1;
                    match alike.get(&(home.0, home.1, at)) {
                        Some(next) => at = &next.outer,
                        None => return false,
                    }
                }
                true
            };
            let mut apart = package.apart.iter();
            if !apart.all(|(here, there)| leads_to(here, there)) {
                lost.push(*home);
            }
        }
        steps += alike.len();
        if lost.is_empty() {
            return alike.into_keys().collect();
        }
        if steps > MAX_STEPS {
            return HashSet::new();
        }
        for home in lost {
            alike.remove(&home);
        }
    }
}

struct Search<'a> {
    placed: &'a [Placed<'a>],
    /// What the files of an artifact are in: several where it is an image.
    layers: Vec<(usize, &'a str)>,
    needs: HashMap<&'a EntryPath, &'a Needs>,
    steps: usize,
}

impl<'a> Search<'a> {
    /// The folder that a package of that name is found in, seen from around the folder that this one lies in.
    fn next_outer(&mut self, (part, _, folder): Home) -> Option<String> {
        let name = layout::package_name(folder)?;
        let beside = folder.strip_suffix(name)?.trim_end_matches('/');
        let around = beside.strip_suffix(NODE_MODULES)?.trim_end_matches('/');
        // A package in the root's `node_modules` has none around it.
        if around.is_empty() {
            return None;
        }
        let (above, _) = around.rsplit_once('/').unwrap_or_default();
        self.place(part, above, name)
    }

    /// Where a package is found from a folder: a folder of the name ends the search, whatever is in it, and a link does.
    fn place(&mut self, part: usize, folder: &str, name: &str) -> Option<String> {
        let mut steps = self.steps;
        let found = places(folder, name).find(|place| {
            let mut layers = self.layers.iter().filter(|(of, _)| *of == part);
            layers.any(|(_, container)| {
                steps += 1;
                steps <= MAX_STEPS && self.is_there((part, container, place))
            })
        });
        self.steps = steps;
        found
    }

    fn is_there(&self, home: Home) -> bool {
        let at = self.placed.partition_point(|file| key(file) < home);
        let is_file = self.placed.get(at).is_some_and(|file| key(file) == home);
        is_file || !self.files(home).is_empty()
    }

    /// All files in a folder, which lie beside each other in the order of their paths.
    fn files(&self, (part, container, folder): Home) -> &'a [Placed<'a>] {
        let inside = format!("{folder}/");
        let first = (part, container, inside.as_str());
        let start = self.placed.partition_point(|file| key(file) < first);
        let rest = &self.placed[start..];
        let is_inside = |file: &Placed<'a>| {
            let (of_part, of, path) = key(file);
            of_part == part && of == container && path.starts_with(&inside)
        };
        &rest[..rest.partition_point(is_inside)]
    }

    /// Whether both have the same files. What is installed in them would be found from one alone: then they have not.
    fn has_the_same_files(&mut self, home: Home, outer: &str) -> bool {
        let (part, container, folder) = home;
        let inner = self.files(home);
        let outer_files = self.files((part, container, outer));
        self.steps += inner.len() + outer_files.len() + self.layers.len();
        // What other layers of an image add to them is not compared.
        let mut others = self
            .layers
            .iter()
            .filter(|layer| **layer != (part, container));
        let is_spread = others.any(|(of, other)| {
            *of == part
                && [folder, outer]
                    .iter()
                    .any(|at| self.is_there((part, other, at)))
        });
        !is_spread
            && inner.len() == outer_files.len()
            && inner.iter().zip(outer_files).all(|(a, b)| {
                let (a_within, b_within) = (&a.path()[folder.len()..], &b.path()[outer.len()..]);
                a_within == b_within && home_is(a, folder) && is_same_file(a, b)
            })
    }

    /// Where what the package asks for is found from both folders, if that is not one place; none if something is found
    /// from one of them alone, or it is not known what it asks for.
    fn found_apart(&mut self, home: Home, outer: &str) -> Option<Vec<(String, String)>> {
        let (part, _, folder) = home;
        let path = format!("{folder}/{MANIFEST}");
        let manifest = self.files(home).iter().find(|file| file.path() == path)?;
        let row = *self.needs.get(&manifest.file.path)?;
        let mut apart = Vec::new();
        for name in &row.names {
            match (
                self.place(part, folder, name),
                self.place(part, outer, name),
            ) {
                (Some(here), Some(there)) if here != there => apart.push((here, there)),
                (Some(_), None) | (None, Some(_)) => return None,
                _ => {}
            }
        }
        Some(apart)
    }
}

fn key<'a>(file: &Placed<'a>) -> Home<'a> {
    (file.part, file.file.path.container(), file.path())
}

fn home_is(file: &Placed, folder: &str) -> bool {
    file.owner.and_then(|owner| owner.folder) == Some(folder)
}

fn is_same_file(a: &Placed, b: &Placed) -> bool {
    let (a, b) = (a.file, b.file);
    a.size == b.size
        && a.crc32.is_some()
        && a.crc32 == b.crc32
        && a.link.is_none()
        && b.link.is_none()
        && a.sha256.zip(b.sha256).is_none_or(|(a, b)| a == b)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder, the one around it, and what they find in two places.
    type Row<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

    /// Which are left of those.
    fn left<'a>(rows: &[Row<'a>]) -> Vec<&'a str> {
        let alike = rows.iter().map(|(folder, outer, apart)| {
            let apart = apart.iter();
            let apart = apart.map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
            let package = Alike {
                outer: (*outer).to_owned(),
                apart: apart.collect(),
            };
            ((0, "fn.zip!/", *folder), package)
        });
        let left = that_find_the_same(alike.collect(), 0);
        let mut left: Vec<&str> = left.into_iter().map(|(_, _, folder)| folder).collect();
        left.sort_unstable();
        left
    }

    #[test]
    fn what_is_found_in_two_places_has_to_be_the_same_there() {
        // In a circle.
        let a = ("p/a", "a", &[("p/b", "b")][..]);
        let b = ("p/b", "b", &[("p/a", "a")][..]);
        assert_eq!(left(&[a, b]), ["p/a", "p/b"]);
        assert!(left(&[a]).is_empty());
        // Of two around it.
        let inner = ("q/p/b", "p/b", &[][..]);
        let c = ("q/c", "c", &[("q/p/b", "b")][..]);
        assert_eq!(left(&[a, b, inner, c]), ["p/a", "p/b", "q/c", "q/p/b"]);
        // One that finds another takes those along that find it.
        let b = ("p/b", "b", &[("p/x", "x")][..]);
        assert_eq!(left(&[a, b, inner, c]), ["q/p/b"]);
    }
}
