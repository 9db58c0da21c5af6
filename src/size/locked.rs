//! What lock files add to what is known of installed packages: what they need, where they do not say so themselves, and
//! which of them only development needs.

use std::collections::{HashMap, HashSet};

use super::Amount;
use super::needs::{Tree, is_asked_for};
use super::plan::target_of;
use super::usage::{Ownership, Placed, folders_around};
use crate::component::{Component, Ecosystem, Scope};
use crate::finding::EntryPath;
use crate::inventory::lock_tree::{LockTree, LockedRow, Purpose};
use crate::inventory::npm::layout;
use crate::version::Version;

/// By places among the components.
#[derive(Default)]
pub struct Locked {
    needs: HashMap<usize, Vec<usize>>,
    for_development: HashSet<usize>,
    for_production: HashSet<usize>,
}

impl Locked {
    pub fn of(trees: &[LockTree], packages: &[Component]) -> Self {
        let mut locked = Locked::default();
        if trees.is_empty() {
            return locked;
        }
        let mut by_name: HashMap<(Ecosystem, &str), Vec<usize>> = HashMap::new();
        for (index, component) in packages.iter().enumerate() {
            if component.scope == Scope::Shipped {
                let name = (component.ecosystem, component.name.as_str());
                by_name.entry(name).or_default().push(index);
            }
        }
        for tree in trees {
            let meant = |row: &LockedRow| {
                let (name, version) = row.package.as_ref()?;
                let name = tree.ecosystem.normalize_name(name);
                let named = by_name.get(&(tree.ecosystem, name.as_str()))?;
                let mut named = named.iter().copied();
                named.find(|&index| is_version(&packages[index], version))
            };
            let rows: Vec<Option<usize>> = tree.rows.iter().map(meant).collect();
            for (row, component) in tree.rows.iter().zip(&rows) {
                let Some(component) = *component else {
                    continue;
                };
                let needs = row.needs.iter().filter_map(|&to| rows[to]);
                locked.needs.entry(component).or_default().extend(needs);
                match row.purpose {
                    Purpose::Production => locked.for_production.insert(component),
                    Purpose::Development if covers(tree, &packages[component]) => {
                        locked.for_development.insert(component)
                    }
                    _ => false,
                };
            }
        }
        locked
    }

    /// What lock files say that a package needs, of what ships.
    pub fn needs(&self, component: usize) -> &[usize] {
        self.needs.get(&component).map_or(&[], Vec::as_slice)
    }

    /// The packages that lock files have for development alone, and that nothing else needs which is there.
    pub fn only_for_development(
        &self,
        packages: &[Component],
        amounts: &[Amount],
        tree: &Tree,
    ) -> HashSet<usize> {
        let mut found: HashSet<usize> = &self.for_development - &self.for_production;
        found.retain(|&index| !is_asked_for(&packages[index]));
        if !found.is_empty() {
            let others = (0..packages.len()).filter(|index| amounts[*index].files > 0);
            let others = others.filter(|index| !found.contains(index)).collect();
            let needed = tree.needed_by(others);
            found.retain(|index| !needed.contains(index));
        }
        found
    }
}

/// The links in a `node_modules` that lead to or into one of those packages, as pnpm and `.bin` have them. They go with it.
pub fn links_to<'a>(
    those: &HashSet<usize>,
    placed: &[Placed<'a>],
    ownership: &Ownership,
) -> HashSet<&'a EntryPath> {
    let mut found = HashSet::new();
    if those.is_empty() {
        return found;
    }
    for file in placed {
        let (path, Some(link)) = (&file.file.path, &file.file.link) else {
            continue;
        };
        if file.file.is_hard_link || layout::place(path.inner()).is_none() {
            continue;
        }
        let target = target_of(path.parent(), link).unwrap_or_default();
        let mut around = folders_around(&target);
        let owner = around.find_map(|folder| ownership.of_folder(path.container(), folder));
        if owner.is_some_and(|owner| those.contains(&owner)) {
            found.insert(path);
        }
    }
    found
}

fn is_version(component: &Component, version: &str) -> bool {
    component.version.as_deref().is_some_and(|known| {
        let canonical = |text| Version::canonical(component.ecosystem, text);
        known == version || canonical(known) == canonical(version)
    })
}

/// Whether a lock file speaks for a package where it lies. One that the user named does, and one of Python, whose packages
/// may lie anywhere; one of npm for what is in its project's folder, in whichever layer.
fn covers(tree: &LockTree, component: &Component) -> bool {
    if tree.is_named || tree.ecosystem != Ecosystem::Npm {
        return true;
    }
    let folder = tree.path.parent();
    let project = layout::place(&format!("{folder}/"))
        .and_then(|installed| folder.len().checked_sub(installed.len() - 1))
        .map_or(folder, |end| &folder[..end]);
    let project = project.trim_end_matches('/');
    component.locations.iter().any(|location| {
        let path = location.path.inner();
        project.is_empty()
            || path
                .strip_prefix(project)
                .is_some_and(|rest| rest.starts_with('/'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::Evidence;
    use crate::finding::Location;

    fn component(name: &str, version: &str, path: &str) -> Component {
        Component {
            ecosystem: Ecosystem::Npm,
            name: name.to_owned(),
            version: Some(version.to_owned()),
            version_range: None,
            purl: name.to_owned(),
            scope: Scope::Shipped,
            evidence: Evidence::Installed,
            locations: vec![Location::from(EntryPath::new(&"fn.zip!/".into(), path))],
            size_bytes: None,
            upgrade: None,
        }
    }

    fn tree(path: &str, rows: &[(&str, Purpose)]) -> LockTree {
        let mut tree = LockTree::new(&EntryPath::new(&"fn.zip!/".into(), path), Ecosystem::Npm);
        for (name, purpose) in rows {
            tree.add(Some((name, "1.0.0")), *purpose);
        }
        tree
    }

    #[test]
    fn a_row_means_the_package_in_its_version_alone() {
        let packages = [
            component("a", "2.0.0", "node_modules/a/package.json"),
            component("a", "1.0.0", "node_modules/b/node_modules/a/package.json"),
            component("b", "1.0.0", "node_modules/b/package.json"),
        ];
        let mut tree = tree(
            "package-lock.json",
            &[("b", Purpose::Unknown), ("a", Purpose::Unknown)],
        );
        tree.need(0, 1);
        let locked = Locked::of(&[tree], &packages);
        assert_eq!(locked.needs(2), [1]);
        assert!(locked.needs(0).is_empty());
    }

    #[test]
    fn what_one_lock_file_has_for_production_is_not_for_development_alone() {
        let packages = [
            component("a", "1.0.0", "x/node_modules/a/package.json"),
            component("b", "1.0.0", "x/node_modules/b/package.json"),
        ];
        let amounts = [Amount::default(), Amount::default()];
        let found = |trees: &[LockTree]| {
            let locked = Locked::of(trees, &packages);
            let mut found: Vec<usize> = locked
                .only_for_development(&packages, &amounts, &Tree::unknown(packages.len()))
                .into_iter()
                .collect();
            found.sort_unstable();
            found
        };
        let rows = [("a", Purpose::Development), ("b", Purpose::Development)];
        let other = [("b", Purpose::Production)];
        for path in [
            "package-lock.json",
            "x/yarn.lock",
            "x/node_modules/.package-lock.json",
        ] {
            assert_eq!(found(&[tree(path, &rows)]), [0, 1], "{path}");
            assert_eq!(
                found(&[tree(path, &rows), tree("y/yarn.lock", &other)]),
                [0],
                "{path}"
            );
        }
        // Another project's.
        assert!(found(&[tree("y/package-lock.json", &rows)]).is_empty());
        assert!(found(&[tree("y/node_modules/.pnpm/lock.yaml", &rows)]).is_empty());
    }
}
