//! What a package needs, and how much of the whole would go with it.
//!
//! A package *dominates* another where every way from the function to that one leads through it: then nobody else
//! needs it. <https://en.wikipedia.org/wiki/Dominator_(graph_theory)>; the algorithm is that of Cooper, Harvey and Kennedy,
//! "A Simple, Fast Dominance Algorithm".

use std::collections::{HashMap, HashSet};

use super::locked::Locked;
use super::usage::{Ownership, folders_around};
use super::{Amount, Part};
use crate::component::{Component, Ecosystem, Evidence};
use crate::finding::EntryPath;
use crate::inspect::Observations;
use crate::inventory::lock_tree::LockTrees;
use crate::inventory::pypi::marker::required;

/// The names that the manifest of an installed package asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needs {
    /// A wheel's `METADATA`, or a package.json.
    pub manifest: EntryPath,
    pub ecosystem: Ecosystem,
    /// Of a wheel whole requirements, with their markers.
    pub names: Vec<Box<str>>,
    /// Whether it says of itself that it runs on Linux, or nothing.
    pub is_for_linux: bool,
}

/// Work that is put into one deployment: far more than honest trees take.
const MAX_STEPS: usize = 20_000_000;
/// What it takes to make a path and look it up.
const STEPS_OF_LOOKUP: usize = 8;
/// What is kept of it, likewise more than honest trees have.
const MAX_EDGES: usize = 2_000_000;

/// What files say of needs before they are merged to components.
pub struct Stated {
    pub locks: LockTrees,
    /// The project's own files that ask for packages, by whatever name: manifests and requirements files.
    asking: HashSet<EntryPath>,
}

impl Stated {
    pub fn take(observations: &mut Observations) -> Self {
        let components = observations.components.iter();
        let declared = components.filter(|row| row.evidence == Evidence::Declared);
        let declared = declared.map(|row| &row.location.path);
        let requirements = observations.requirements.iter().map(|file| &file.path);
        Stated {
            asking: declared.chain(requirements).cloned().collect(),
            locks: std::mem::take(&mut observations.lock_trees),
        }
    }

    /// Whether the project itself asks for it.
    fn asks_for(&self, component: &Component) -> bool {
        let mut places = component.locations.iter();
        places.any(|location| self.asking.contains(&location.path))
    }
}

/// Which component needs which, as places among the components.
pub struct Tree {
    needs: Vec<Vec<usize>>,
    needed_by: Vec<Vec<usize>>,
    is_known: bool,
    /// Not where it is larger than honest ones are: then anything may be needed.
    is_complete: bool,
    not_for_linux: HashSet<usize>,
    /// By the project itself.
    asked_for: HashSet<usize>,
}

impl Tree {
    #[cfg(test)]
    pub fn unknown(packages: usize) -> Self {
        Tree {
            needs: vec![Vec::new(); packages],
            needed_by: vec![Vec::new(); packages],
            is_known: false,
            is_complete: true,
            not_for_linux: HashSet::new(),
            asked_for: HashSet::new(),
        }
    }

    pub fn of(
        parts: &[Part],
        stated: &Stated,
        locked: &Locked,
        packages: &[Component],
        amounts: &[Amount],
        ownership: &Ownership,
    ) -> Self {
        let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, component) in packages.iter().enumerate() {
            if component.ecosystem == Ecosystem::PyPi {
                by_name.entry(&component.name).or_default().push(index);
            }
        }
        let mut needs = vec![Vec::new(); packages.len()];
        let mut edges = 0;
        let mut steps = 0;
        let mut is_known = false;
        let mut not_for_linux = HashSet::new();
        for row in parts.iter().flat_map(|part| &part.needs) {
            let Some(from) = ownership.of_manifest(&row.manifest) else {
                continue;
            };
            is_known = true;
            if !row.is_for_linux {
                not_for_linux.insert(from);
            }
            let names: HashSet<&str> = row.names.iter().map(|name| &**name).collect();
            let mut found: HashSet<usize> = HashSet::new();
            match row.ecosystem {
                Ecosystem::PyPi => {
                    let names: HashSet<String> = names.into_iter().filter_map(required).collect();
                    let named = names.iter().filter_map(|name| by_name.get(&**name));
                    found.extend(named.flatten());
                }
                _ => found.extend(
                    names
                        .into_iter()
                        .filter_map(|name| resolve(&row.manifest, name, ownership, &mut steps)),
                ),
            }
            edges += found.len();
            if edges <= MAX_EDGES {
                needs[from].extend(found);
            }
        }
        // Lock files tell it of what does not say it itself. What has no files of its own is in no tree.
        let is_there = |index: &usize| amounts[*index].files > 0;
        for from in (0..packages.len()).filter(is_there) {
            if needs[from].is_empty() {
                needs[from].extend(locked.needs(from).iter().filter(|to| is_there(to)));
                is_known |= !needs[from].is_empty();
            }
        }
        for (from, needs) in needs.iter_mut().enumerate() {
            needs.sort_unstable();
            needs.dedup();
            needs.retain(|&to| to != from);
        }
        let mut needed_by = vec![Vec::new(); packages.len()];
        for (from, needs) in needs.iter().enumerate() {
            for &to in needs {
                needed_by[to].push(from);
            }
        }
        let is_complete = edges <= MAX_EDGES && steps <= MAX_STEPS;
        Tree {
            needs,
            needed_by,
            is_known: is_known && is_complete,
            is_complete,
            not_for_linux,
            asked_for: (0..packages.len())
                .filter(|&index| stated.asks_for(&packages[index]))
                .collect(),
        }
    }

    pub fn is_asked_for(&self, component: usize) -> bool {
        self.asked_for.contains(&component)
    }

    /// Whether a package may run on Linux, as far as it says.
    pub fn is_for_linux(&self, component: usize) -> bool {
        !self.not_for_linux.contains(&component)
    }

    /// Those packages and all that they need, directly or not; all there are where that is not known.
    pub fn needed_by(&self, those: Vec<usize>) -> HashSet<usize> {
        if !self.is_complete {
            return (0..self.needs.len()).collect();
        }
        let mut found: HashSet<usize> = those.iter().copied().collect();
        let mut left = those;
        while let Some(from) = left.pop() {
            left.extend(self.needs[from].iter().filter(|&&to| found.insert(to)));
        }
        found
    }

    /// Whether any package needs that one.
    pub fn is_needed(&self, component: usize) -> bool {
        !self.is_complete || !self.needed_by[component].is_empty()
    }

    /// Whether there are packages that need it, and all of them are among those.
    pub fn is_needed_by_alone(&self, component: usize, those: &HashSet<usize>) -> bool {
        let needing = &self.needed_by[component];
        self.is_complete && !needing.is_empty() && needing.iter().all(|from| those.contains(from))
    }

    /// What each component takes together with all that only it needs, and which is the nearest that alone needs it, if
    /// there is one; none where no tree is known.
    pub fn with_needed(&self, amounts: &[Amount]) -> Option<Vec<(Amount, Option<usize>)>> {
        if !self.is_known {
            return None;
        }
        let is_root = |&index: &usize| !self.is_needed(index) || self.is_asked_for(index);
        let roots: Vec<usize> = (0..amounts.len()).filter(is_root).collect();
        let dominators = dominators(&self.needs, roots)?;
        let mut totals: Vec<(Amount, Option<usize>)> = amounts
            .iter()
            .map(|amount| (amount.clone(), None))
            .collect();
        // A dominator comes before what it dominates.
        for &(node, dominator) in dominators.iter().rev() {
            if let Some(dominator) = dominator {
                let amount = totals[node].0.clone();
                totals[dominator].0.merge(&amount);
                totals[node].1 = Some(dominator);
            }
        }
        Some(totals)
    }
}

/// The folders that Node.js looks for a package in: in the `node_modules` of the folder, or of one above it,
/// <https://nodejs.org/api/modules.html#loading-from-node_modules-folders>.
pub fn places<'a>(folder: &'a str, name: &'a str) -> impl Iterator<Item = String> + 'a {
    let is_place = |folder: &&str| *folder != "node_modules" && !folder.ends_with("/node_modules");
    let around = folders_around(folder).filter(is_place);
    around
        .map(move |folder| format!("{folder}/node_modules/{name}"))
        .chain([format!("node_modules/{name}")])
}

/// The package that Node.js finds from the folder of a manifest.
fn resolve(
    manifest: &EntryPath,
    name: &str,
    ownership: &Ownership,
    steps: &mut usize,
) -> Option<usize> {
    let mut affordable = places(manifest.parent(), name).take_while(|_| {
        *steps += STEPS_OF_LOOKUP;
        *steps <= MAX_STEPS
    });
    affordable.find_map(|place| ownership.of_folder(manifest.container(), &place))
}

/// Each node behind its dominator, with that one. What no root leads to is a root too. None if it takes too long.
fn dominators(edges: &[Vec<usize>], mut roots: Vec<usize>) -> Option<Vec<(usize, Option<usize>)>> {
    let nodes = edges.len();
    let mut postorder = Vec::with_capacity(nodes);
    let mut seen = vec![false; nodes];
    let mut is_root = vec![false; nodes];
    let asked = roots.len();
    roots.extend(0..nodes);
    for (at, &root) in roots.iter().enumerate() {
        is_root[root] |= at < asked || !seen[root];
        let mut stack = vec![(root, 0)];
        if std::mem::replace(&mut seen[root], true) {
            continue;
        }
        while let Some((node, next)) = stack.last_mut() {
            match edges[*node].get(*next) {
                Some(&to) => {
                    *next += 1;
                    if !std::mem::replace(&mut seen[to], true) {
                        stack.push((to, 0));
                    }
                }
                None => {
                    postorder.push(*node);
                    stack.pop();
                }
            }
        }
    }
    // The function itself is the last in postorder.
    let top = nodes;
    let mut number = vec![top; nodes + 1];
    for (at, &node) in postorder.iter().enumerate() {
        number[node] = at;
    }
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); nodes];
    for (from, needs) in edges.iter().enumerate() {
        for &to in needs {
            before[to].push(from);
        }
    }
    for (node, is_root) in is_root.iter().enumerate() {
        if *is_root {
            before[node].push(top);
        }
    }
    let mut dominator: Vec<Option<usize>> = vec![None; nodes + 1];
    dominator[top] = Some(top);
    let mut steps = 0;
    let mut changed = true;
    while std::mem::take(&mut changed) {
        for &node in postorder.iter().rev() {
            let mut new = None;
            for &from in &before[node] {
                steps += 1;
                if dominator[from].is_none() {
                    continue;
                }
                let Some(mut a) = new else {
                    new = Some(from);
                    continue;
                };
                let mut b = from;
                while a != b {
                    steps += 1;
                    if steps > MAX_STEPS {
                        return None;
                    }
                    if number[a] < number[b] {
                        a = dominator[a]?;
                    } else {
                        b = dominator[b]?;
                    }
                }
                new = Some(a);
            }
            if dominator[node] != new {
                dominator[node] = new;
                changed = true;
            }
        }
    }
    let found = postorder.iter().rev().map(|&node| {
        let dominator = dominator[node].filter(|&dominator| dominator != top);
        (node, dominator)
    });
    Some(found.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dominated(edges: &[&[usize]], roots: &[usize]) -> Vec<Option<usize>> {
        let edges: Vec<Vec<usize>> = edges.iter().map(|edges| edges.to_vec()).collect();
        let mut found = dominators(&edges, roots.to_vec()).unwrap();
        found.sort_unstable();
        found.into_iter().map(|(_, dominator)| dominator).collect()
    }

    #[test]
    fn what_two_need_is_neithers_alone() {
        // 0 and 1 both need 2, which alone needs 3; 1 alone needs 4.
        let found = dominated(&[&[2], &[2, 4], &[3], &[], &[]], &[0, 1]);
        assert_eq!(found, [None, None, None, Some(2), Some(1)]);
    }

    #[test]
    fn what_the_function_asks_for_itself_is_nobodys() {
        let found = dominated(&[&[1, 2], &[2], &[]], &[0, 2]);
        assert_eq!(found, [None, Some(0), None]);
    }

    #[test]
    fn circles_have_an_end() {
        let found = dominated(&[&[1], &[0], &[2]], &[]);
        assert_eq!(found, [None, Some(0), None]);
    }

    #[test]
    fn lookups_end_where_too_many_were_made() {
        let ownership = Ownership::of(&[], &[]);
        let manifest = EntryPath::new(&"fn.zip!/".into(), "node_modules/a/f/g/package.json");
        let mut steps = 0;
        resolve(&manifest, "b", &ownership, &mut steps);
        assert_eq!(steps, 4 * STEPS_OF_LOOKUP);
        let mut steps = MAX_STEPS - STEPS_OF_LOOKUP;
        resolve(&manifest, "b", &ownership, &mut steps);
        assert_eq!(steps, MAX_STEPS + STEPS_OF_LOOKUP);
    }
}
