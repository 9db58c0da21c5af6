//! The places of a lock file that is laid out like `node_modules`: a package is found where Node.js would look for it,
//! <https://nodejs.org/api/modules.html#loading-from-node_modules-folders>.

use std::collections::HashMap;

use crate::component::Ecosystem;
use crate::finding::EntryPath;
use crate::inventory::lock_tree::{Asking, LockTree, Purpose};

/// Packages lie in each other, but not as deep as this.
const MAX_DEPTH: usize = 64;
/// Places, and steps from one to the one around it: far more than honest lock files take.
const MAX_PLACES: usize = 500_000;
const MAX_STEPS: usize = 5_000_000;

/// The place that all others are in.
pub const ROOT: usize = 0;

/// The tree of a lock file while its rows are read.
pub struct PlacedTree {
    pub places: Places,
    /// Rows that stand for a folder of the project.
    pub links: Vec<(usize, String)>,
    tree: LockTree,
    /// The names of what the rows need, each with the place that it is asked for from.
    asking: Asking<(usize, Box<str>)>,
    is_whole: bool,
    /// That were taken from one place to the one around it.
    steps: usize,
}

impl PlacedTree {
    pub fn new(path: &EntryPath) -> Self {
        PlacedTree {
            places: Places::default(),
            links: Vec::new(),
            tree: LockTree::new(path, Ecosystem::Npm),
            asking: Asking::default(),
            is_whole: true,
            steps: 0,
        }
    }

    /// Adds a row in its place, if there is one, with the names of what it needs.
    pub fn add(
        &mut self,
        place: Option<usize>,
        package: Option<(&str, &str)>,
        purpose: Purpose,
        needs: impl Iterator<Item = String>,
    ) -> usize {
        let row = self.tree.add(package, purpose);
        match place {
            Some(place) => {
                self.places.places[place].row = Some(row);
                self.asking
                    .add(row, needs.map(|name| (place, name.into_boxed_str())));
            }
            None => self.is_whole = false,
        }
        row
    }

    /// The rows that are found under those names from a place.
    pub fn find<'a>(&mut self, from: usize, names: impl Iterator<Item = &'a String>) -> Vec<usize> {
        names
            .filter_map(|name| self.places.find(from, name, &mut self.steps))
            .collect()
    }

    /// The tree, once all rows are in their places.
    pub fn connect(mut self) -> LockTree {
        let steps = &mut self.steps;
        let row = |(from, name): &(usize, Box<str>)| self.places.find(*from, name, steps);
        self.asking.connect(&mut self.tree, LockTree::need, row);
        for (link, folder) in &self.links {
            let place = self.places.at_folder(folder);
            if let Some(row) = place.and_then(|place| self.places.places[place].row) {
                self.tree.need(*link, row);
            }
        }
        if self.steps > MAX_STEPS || !self.is_whole {
            self.tree.give_up();
        }
        self.tree
    }
}

/// Folders by their names in the folder around them.
pub struct Places {
    places: Vec<Place>,
}

#[derive(Default)]
struct Place {
    around: usize,
    within: HashMap<Box<str>, usize>,
    /// The row that is installed there.
    row: Option<usize>,
}

impl Default for Places {
    fn default() -> Self {
        Places {
            places: vec![Place::default()],
        }
    }
}

impl Places {
    /// The place of that name in another; none where there are more than honest lock files have.
    pub fn within(&mut self, around: usize, name: &str) -> Option<usize> {
        let new = self.places.len();
        let within = &mut self.places.get_mut(around)?.within;
        if let Some(&place) = within.get(name) {
            return Some(place);
        }
        if new >= MAX_PLACES {
            return None;
        }
        within.insert(name.into(), new);
        self.places.push(Place {
            around,
            ..Place::default()
        });
        Some(new)
    }

    /// The place of a path, by the names on it.
    pub fn at<'a>(&mut self, names: impl Iterator<Item = &'a str>) -> Option<usize> {
        let mut place = ROOT;
        for (depth, name) in names.enumerate() {
            place = self.within(place, name).filter(|_| depth < MAX_DEPTH)?;
        }
        Some(place)
    }

    /// That of a folder such as `node_modules/a/node_modules/@b/c`. What is before the first `node_modules` is a folder of
    /// the project's, and a place of its own.
    pub fn at_folder(&mut self, folder: &str) -> Option<usize> {
        let mut names = folder
            .split("node_modules/")
            .map(|name| name.trim_end_matches('/'));
        // A `/` in front keeps the project's folders apart from packages.
        let own = names
            .next()
            .filter(|own| !own.is_empty())
            .map(|own| format!("/{own}"));
        self.at(own.as_deref().into_iter().chain(names))
    }

    /// The row that is found under that name from a place: in it, or in the nearest around it.
    pub fn find(&self, from: usize, name: &str, steps: &mut usize) -> Option<usize> {
        let mut at = from;
        loop {
            *steps += 1;
            let place = self.places.get(at)?;
            let found = place
                .within
                .get(name)
                .and_then(|&found| self.places.get(found));
            if let Some(row) = found.and_then(|found| found.row) {
                return Some(row);
            }
            if at == ROOT || *steps > MAX_STEPS {
                return None;
            }
            at = place.around;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path() -> EntryPath {
        EntryPath::new(&"fn.zip!/".into(), "package-lock.json")
    }

    #[test]
    fn the_nearest_of_a_name_is_found() {
        let mut tree = PlacedTree::new(&path());
        for folder in [
            "node_modules/a",
            "node_modules/b",
            "node_modules/a/node_modules/b",
            "packages/x/node_modules/@s/c",
        ] {
            let place = tree.places.at_folder(folder);
            tree.add(place, None, Purpose::Unknown, std::iter::empty());
        }
        let mut find = |folder: &str, name: &str| {
            let from = tree.places.at_folder(folder).unwrap();
            tree.places.find(from, name, &mut 0)
        };
        assert_eq!(find("", "b"), Some(1));
        assert_eq!(find("node_modules/a", "b"), Some(2));
        assert_eq!(find("node_modules/b", "a"), Some(0));
        assert_eq!(find("packages/x", "@s/c"), Some(3));
        assert_eq!(find("node_modules/a", "@s/c"), None);
    }

    #[test]
    fn a_link_leads_to_a_folder_of_the_project() {
        let mut tree = PlacedTree::new(&path());
        for (folder, name) in [("node_modules/own", "own"), ("packages/own", "target")] {
            let place = tree.places.at_folder(folder);
            tree.add(
                place,
                Some((name, "1")),
                Purpose::Unknown,
                std::iter::empty(),
            );
        }
        tree.links.push((0, "packages/own".to_owned()));
        assert_eq!(tree.connect().rows[0].needs, [1]);
    }

    #[test]
    fn a_tree_that_takes_too_long_is_dropped() {
        let mut tree = PlacedTree::new(&path());
        let place = tree.places.at_folder(&"node_modules/a/".repeat(MAX_DEPTH));
        assert!(place.is_some());
        let needs = (0..MAX_STEPS / MAX_DEPTH + 1).map(|n| n.to_string());
        tree.add(place, None, Purpose::Unknown, needs);
        assert!(tree.connect().is_too_large());
    }

    #[test]
    fn the_steps_of_all_workspaces_count() {
        let mut tree = PlacedTree::new(&path());
        let place = tree.places.at_folder(&"node_modules/a/".repeat(MAX_DEPTH));
        let names: Vec<String> = (0..MAX_STEPS / MAX_DEPTH / 2)
            .map(|n| n.to_string())
            .collect();
        for _ in 0..3 {
            tree.find(place.unwrap(), names.iter());
        }
        assert!(tree.connect().is_too_large());
    }

    #[test]
    fn folders_without_end_are_no_places() {
        let mut places = Places::default();
        assert!(places.at_folder(&"node_modules/a/".repeat(1000)).is_none());
        assert!(places.places.len() <= MAX_DEPTH + 2);
    }
}
