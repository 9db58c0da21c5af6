//! What lock files say of which package needs which, and of what is there for development alone.

use std::collections::HashMap;

use crate::component::Ecosystem;
use crate::finding::EntryPath;

/// Bytes that the tree of one lock file may take, and those of one list of lock files together: far more than those of
/// honest ones.
const MAX_WEIGHT: usize = 64 * 1024 * 1024;
/// What each takes besides its texts.
const WEIGHT_OF_ROW: usize = size_of::<LockedRow>();
const WEIGHT_OF_EDGE: usize = size_of::<usize>();
const WEIGHT_OF_REQUEST: usize = 2 * size_of::<(Box<str>, usize)>();

/// Names of groups of dependencies that people use for development: those that tools make by themselves, and what is
/// common. A group of any other name may well be for production.
const DEVELOPMENT_GROUPS: &[&str] = &[
    "dev",
    "development",
    "dev-dependencies",
    "test",
    "tests",
    "testing",
    "lint",
    "linting",
    "format",
    "formatting",
    "typing",
    "types",
    "typecheck",
    "mypy",
    "doc",
    "docs",
    "ci",
    "bench",
    "coverage",
    "release",
];

pub fn is_development_group(name: &str) -> bool {
    DEVELOPMENT_GROUPS.contains(&name.to_lowercase().as_str())
}

/// What a lock file has a package for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// It does not say.
    #[default]
    Unknown,
    Development,
    /// For production, be it for development too.
    Production,
}

impl Purpose {
    pub fn of(is_for_development_alone: bool) -> Self {
        if is_for_development_alone {
            Purpose::Development
        } else {
            Purpose::Production
        }
    }

    /// That of a package that is in those groups. What each ecosystem calls the group for production is none of
    /// development's.
    pub fn of_groups<'a>(groups: impl IntoIterator<Item = &'a str>) -> Self {
        let mut groups = groups.into_iter().peekable();
        if groups.peek().is_none() {
            return Purpose::Unknown;
        }
        Purpose::of(groups.all(is_development_group))
    }
}

/// A row of a lock file.
#[derive(Clone, Debug, Default)]
pub struct LockedRow {
    /// Name and version; none of what is the project's own or has no version.
    pub package: Option<(Box<str>, Box<str>)>,
    /// Places among the rows.
    pub needs: Vec<usize>,
    /// What it may need besides, with an extra or on another system: enough to be for production.
    pub may_need: Vec<usize>,
    pub purpose: Purpose,
}

/// The packages of one lock file.
#[derive(Clone, Debug)]
pub struct LockTree {
    pub path: EntryPath,
    pub ecosystem: Ecosystem,
    /// Whether the user named it, and so it speaks for all of the deployment.
    pub is_named: bool,
    pub rows: Vec<LockedRow>,
    /// The rows that what is asked for stands for, where only the project's manifest tells what is for development.
    asked: HashMap<Box<str>, usize>,
    /// Whether rows of the file could not be read: they may be for production, and need any of the others.
    is_partial: bool,
    weight: usize,
}

/// What rows ask for, until all rows are known.
pub struct Asking<T>(Vec<(usize, Vec<T>)>);

impl<T> Default for Asking<T> {
    fn default() -> Self {
        Asking(Vec::new())
    }
}

impl<T> Asking<T> {
    pub fn add(&mut self, row: usize, asked: impl IntoIterator<Item = T>) {
        let asked: Vec<T> = asked.into_iter().collect();
        if !asked.is_empty() {
            self.0.push((row, asked));
        }
    }

    /// Says of each row, in the way that is given, that it needs the rows that are found for what it asks for.
    pub fn connect<Rows: IntoIterator<Item = usize>>(
        self,
        tree: &mut LockTree,
        say: impl Fn(&mut LockTree, usize, usize),
        mut find: impl FnMut(&T) -> Rows,
    ) {
        for (row, asked) in self.0 {
            for to in asked.iter().flat_map(&mut find) {
                say(tree, row, to);
                if tree.is_too_large() {
                    return;
                }
            }
        }
    }
}

impl LockTree {
    pub fn new(path: &EntryPath, ecosystem: Ecosystem) -> Self {
        LockTree {
            path: path.clone(),
            ecosystem,
            is_named: false,
            rows: Vec::new(),
            asked: HashMap::new(),
            is_partial: false,
            weight: size_of::<LockTree>() + path.inner().len(),
        }
    }

    /// Adds a row and returns its place. A tree with more than honest ones have grows no further, and is dropped.
    pub fn add(&mut self, package: Option<(&str, &str)>, purpose: Purpose) -> usize {
        let text = package.map_or(0, |(name, version)| name.len() + version.len());
        self.weigh(WEIGHT_OF_ROW + text);
        let row = self.rows.len();
        if !self.is_too_large() {
            self.rows.push(LockedRow {
                package: package.map(|(name, version)| (name.into(), version.into())),
                purpose,
                ..LockedRow::default()
            });
        }
        row
    }

    /// Says that one row needs another.
    pub fn need(&mut self, from: usize, to: usize) {
        self.weigh(WEIGHT_OF_EDGE);
        if let Some(row) = self.growing(from) {
            row.needs.push(to);
        }
    }

    pub fn may_need(&mut self, from: usize, to: usize) {
        self.weigh(WEIGHT_OF_EDGE);
        if let Some(row) = self.growing(from) {
            row.may_need.push(to);
        }
    }

    fn growing(&mut self, row: usize) -> Option<&mut LockedRow> {
        self.rows.get_mut(row).filter(|_| self.weight <= MAX_WEIGHT)
    }

    /// Says which rows are meant by what a manifest asks for.
    pub fn ask_by(&mut self, requests: HashMap<Box<str>, usize>) {
        let text: usize = requests.keys().map(|request| request.len()).sum();
        self.weigh(requests.len() * WEIGHT_OF_REQUEST + text);
        self.asked = requests;
    }

    fn weigh(&mut self, weight: usize) {
        self.weight = self.weight.saturating_add(weight);
    }

    /// Gives up a tree that takes more than honest ones do.
    pub fn give_up(&mut self) {
        self.weight = usize::MAX;
    }

    pub fn is_too_large(&self) -> bool {
        self.weight > MAX_WEIGHT
    }

    /// Says whether rows of the file could not be read.
    pub fn read_in_part(self, is_partial: bool) -> Self {
        LockTree { is_partial, ..self }
    }

    /// Marks what those rows for production may lead to, and of the rest what those for development do.
    pub fn mark(&mut self, production: Vec<usize>, development: Vec<usize>) {
        for (purpose, mut left) in [
            (Purpose::Production, production),
            (Purpose::Development, development),
        ] {
            while let Some(at) = left.pop() {
                if let Some(row) = self.rows.get_mut(at)
                    && row.purpose == Purpose::Unknown
                {
                    row.purpose = purpose;
                    left.extend(&row.needs);
                    if purpose == Purpose::Production {
                        left.extend(&row.may_need);
                    }
                }
            }
        }
    }

    /// Marks by what a manifest asks for, if the lock file knows all of what it asks for in production.
    fn mark_asked(&mut self, manifest: &Manifest) {
        let rows = |names: &[Box<str>]| -> Vec<Option<usize>> {
            names.iter().map(|n| self.asked.get(n).copied()).collect()
        };
        let production: Option<Vec<usize>> = rows(&manifest.production).into_iter().collect();
        let development = rows(&manifest.development).into_iter().flatten().collect();
        if let Some(production) = production {
            self.mark(production, development);
        }
    }
}

/// What a project's manifest asks for, as the lock files beside it have it: `name@range`, or a name alone.
#[derive(Clone, Debug)]
pub struct Manifest {
    pub path: EntryPath,
    pub ecosystem: Ecosystem,
    pub production: Vec<Box<str>>,
    pub development: Vec<Box<str>>,
    pub has_workspaces: bool,
}

/// The trees of all lock files, and the manifests that some of them have to be read with. Where that is more than honest
/// lock files have, none is kept: what the others say might not hold.
#[derive(Debug, Default)]
pub struct LockTrees {
    trees: Vec<LockTree>,
    manifests: Vec<Manifest>,
    weight: usize,
}

impl LockTrees {
    pub fn is_empty(&self) -> bool {
        self.trees.is_empty()
    }

    /// Whether there was more than is kept.
    pub fn are_too_large(&self) -> bool {
        self.weight > MAX_WEIGHT
    }

    /// Whether there is room for that much more.
    fn has_room(&mut self, weight: usize) -> bool {
        self.weight = self.weight.saturating_add(weight);
        if self.are_too_large() {
            self.trees = Vec::new();
            self.manifests = Vec::new();
        }
        !self.are_too_large()
    }

    pub fn add(&mut self, tree: LockTree) {
        if self.has_room(tree.weight) {
            self.trees.push(tree);
        }
    }

    pub fn extend(&mut self, trees: impl IntoIterator<Item = LockTree>) {
        for tree in trees {
            self.add(tree);
        }
    }

    /// Keeps a manifest, if it asks for anything in development.
    pub fn add_manifest(&mut self, manifest: Manifest) {
        if manifest.development.is_empty() {
            return;
        }
        let names = manifest.production.iter().chain(&manifest.development);
        let weight: usize = names.map(|name| WEIGHT_OF_REQUEST + name.len()).sum();
        if self.has_room(size_of::<Manifest>() + weight) {
            self.manifests.push(manifest);
        }
    }

    pub fn append(&mut self, other: LockTrees) {
        if other.are_too_large() {
            self.has_room(other.weight);
        }
        self.extend(other.trees);
        for manifest in other.manifests {
            self.add_manifest(manifest);
        }
    }

    pub fn retain(&mut self, visible: impl Fn(&EntryPath) -> bool) {
        self.trees.retain(|tree| visible(&tree.path));
        self.manifests.retain(|manifest| visible(&manifest.path));
    }

    /// Adds the trees of lock files that the user named. No manifests: none lies beside such a one.
    pub fn join(&mut self, named: &LockTrees) {
        if named.are_too_large() {
            self.has_room(named.weight);
        }
        let named = named.trees.iter().map(|tree| LockTree {
            is_named: true,
            ..tree.clone()
        });
        self.extend(named);
    }

    /// The trees, marked by the manifests beside their lock files.
    pub fn settle(self) -> Vec<LockTree> {
        let folder = |path: &EntryPath| path.sibling(path.parent());
        let manifests = self.manifests.iter();
        let by_folder: HashMap<(Ecosystem, EntryPath), &Manifest> = manifests
            .map(|manifest| ((manifest.ecosystem, folder(&manifest.path)), manifest))
            .collect();
        let mut trees = self.trees;
        for tree in trees.iter_mut().filter(|tree| !tree.asked.is_empty()) {
            if let Some(manifest) = by_folder.get(&(tree.ecosystem, folder(&tree.path)))
                && !manifest.has_workspaces
            {
                tree.mark_asked(manifest);
            }
        }
        for tree in trees.iter_mut().filter(|tree| tree.is_partial) {
            let rows = tree.rows.iter_mut();
            for row in rows.filter(|row| row.purpose == Purpose::Development) {
                row.purpose = Purpose::Unknown;
            }
        }
        trees
    }
}

#[cfg(test)]
impl LockTrees {
    /// `name version purpose > needs` of each row with a package, sorted; of development and production the first letter.
    pub fn shown(self) -> Vec<String> {
        let mut shown = Vec::new();
        for tree in self.settle() {
            let name = |row: &LockedRow| {
                row.package
                    .clone()
                    .map(|(name, version)| format!("{name} {version}"))
            };
            for row in &tree.rows {
                let Some(package) = name(row) else { continue };
                let purpose = match row.purpose {
                    Purpose::Unknown => "",
                    Purpose::Development => " d",
                    Purpose::Production => " p",
                };
                let mut needs: Vec<String> = row
                    .needs
                    .iter()
                    .filter_map(|&to| name(&tree.rows[to]))
                    .collect();
                needs.sort();
                let needs = match needs.is_empty() {
                    true => String::new(),
                    false => format!(" > {}", needs.join(", ")),
                };
                shown.push(format!("{package}{purpose}{needs}"));
            }
        }
        shown.sort();
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path() -> EntryPath {
        EntryPath::new(&"fn.zip!/".into(), "x.lock")
    }

    #[test]
    fn what_production_needs_too_is_not_for_development_alone() {
        let mut tree = LockTree::new(&path(), Ecosystem::Npm);
        let [tool, shared, own, unused] = ["tool", "shared", "own", "unused"]
            .map(|name| tree.add(Some((name, "1")), Purpose::Unknown));
        tree.need(tool, shared);
        tree.need(own, shared);
        // In a circle.
        tree.need(shared, own);
        tree.mark(vec![own], vec![tool]);
        let purposes = [tool, shared, own, unused].map(|at| tree.rows[at].purpose);
        assert_eq!(
            purposes,
            [
                Purpose::Development,
                Purpose::Production,
                Purpose::Production,
                Purpose::Unknown
            ]
        );
    }

    #[test]
    fn groups_of_unknown_names_may_be_for_production() {
        assert_eq!(Purpose::of_groups(["Dev", "test"]), Purpose::Development);
        assert_eq!(Purpose::of_groups(["dev", "main"]), Purpose::Production);
        assert_eq!(Purpose::of_groups(["lambda"]), Purpose::Production);
        assert_eq!(Purpose::of_groups([]), Purpose::Unknown);
    }

    fn small() -> LockTree {
        let mut tree = LockTree::new(&path(), Ecosystem::Npm);
        tree.add(Some(("a", "1")), Purpose::Development);
        tree
    }

    #[test]
    fn beyond_what_honest_trees_have_none_is_kept() {
        let mut large = LockTree::new(&path(), Ecosystem::Npm);
        let row = large.add(None, Purpose::Unknown);
        for _ in 0..MAX_WEIGHT / WEIGHT_OF_EDGE {
            large.need(row, row);
        }
        assert!(large.is_too_large());
        let mut trees = LockTrees::default();
        trees.add(small());
        trees.add(large);
        trees.add(small());
        assert!(trees.are_too_large());
        let mut others = LockTrees::default();
        others.add(small());
        others.append(trees);
        let mut named = LockTrees::default();
        named.join(&others);
        for trees in [others, named] {
            assert!(trees.are_too_large());
            assert!(trees.settle().is_empty());
        }
    }

    #[test]
    fn long_texts_weigh_what_they_take() {
        let long = "x".repeat(MAX_WEIGHT / 4);
        let mut named = small();
        named.add(Some((&long, &long)), Purpose::Unknown);
        let mut asked = small();
        asked.ask_by([(long.as_str().into(), 0)].into());
        let manifest = Manifest {
            path: path(),
            ecosystem: Ecosystem::Npm,
            production: vec![long.as_str().into()],
            development: vec!["b@1".into()],
            has_workspaces: false,
        };
        let mut trees = LockTrees::default();
        trees.add(named);
        trees.add(asked);
        assert!(!trees.are_too_large());
        trees.add_manifest(manifest);
        assert!(trees.are_too_large());
    }

    #[test]
    fn of_a_file_that_was_not_read_whole_nothing_is_for_development() {
        let mut tree = small();
        tree.add(Some(("b", "1")), Purpose::Production);
        let mut trees = LockTrees::default();
        trees.add(tree.read_in_part(true));
        assert_eq!(trees.shown(), ["a 1", "b 1 p"]);
    }
}
