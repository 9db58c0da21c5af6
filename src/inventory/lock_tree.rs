//! What lock files say of which package needs which, and of what is there for development alone.

use std::collections::HashMap;

use crate::component::Ecosystem;
use crate::finding::EntryPath;

/// Rows and edges that are kept of all lock files together: far more than honest ones have.
const MAX_WEIGHT: usize = 2_000_000;

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
    pub asked: HashMap<Box<str>, usize>,
    weight: usize,
}

impl LockTree {
    pub fn new(path: &EntryPath, ecosystem: Ecosystem) -> Self {
        LockTree {
            path: path.clone(),
            ecosystem,
            is_named: false,
            rows: Vec::new(),
            asked: HashMap::new(),
            weight: 0,
        }
    }

    /// Adds a row and returns its place.
    pub fn add(&mut self, package: Option<(&str, &str)>, purpose: Purpose) -> usize {
        self.weight += 1;
        self.rows.push(LockedRow {
            package: package.map(|(name, version)| (name.into(), version.into())),
            needs: Vec::new(),
            purpose,
        });
        self.rows.len() - 1
    }

    /// Says that one row needs another. A tree with more than honest ones have grows no further, and is dropped.
    pub fn need(&mut self, from: usize, to: usize) {
        self.weight += 1;
        if self.weight <= MAX_WEIGHT
            && let Some(row) = self.rows.get_mut(from)
        {
            row.needs.push(to);
        }
    }

    pub fn is_too_large(&self) -> bool {
        self.weight > MAX_WEIGHT
    }

    /// Marks what those rows for production lead to, and of the rest what those for development do.
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

/// The trees of all lock files, and the manifests that some of them have to be read with.
#[derive(Debug, Default)]
pub struct LockTrees {
    trees: Vec<LockTree>,
    manifests: Vec<Manifest>,
    weight: usize,
}

impl LockTrees {
    /// Keeps a tree, unless there is too much already.
    pub fn add(&mut self, tree: LockTree) {
        self.weight = self.weight.saturating_add(tree.weight);
        if self.weight <= MAX_WEIGHT {
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
        let names = manifest.production.len() + manifest.development.len();
        self.weight = self.weight.saturating_add(names);
        if self.weight <= MAX_WEIGHT {
            self.manifests.push(manifest);
        }
    }

    pub fn append(&mut self, other: LockTrees) {
        self.extend(other.trees);
        for manifest in other.manifests {
            self.add_manifest(manifest);
        }
    }

    pub fn retain(&mut self, visible: impl Fn(&EntryPath) -> bool) {
        self.trees.retain(|tree| visible(&tree.path));
        self.manifests.retain(|manifest| visible(&manifest.path));
    }

    /// Adds the trees of lock files that the user named.
    pub fn join(&mut self, named: &LockTrees) {
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

    #[test]
    fn what_is_larger_than_honest_trees_is_dropped() {
        let mut tree = LockTree::new(&path(), Ecosystem::Npm);
        let row = tree.add(None, Purpose::Unknown);
        for _ in 0..MAX_WEIGHT {
            tree.need(row, row);
        }
        assert!(tree.is_too_large());
        let mut trees = LockTrees::default();
        trees.add(tree);
        assert!(trees.settle().is_empty());
    }
}
