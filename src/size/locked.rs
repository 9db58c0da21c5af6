//! What lock files add to what is known of installed packages: what they need, where they do not say so themselves, and
//! which of them only development needs.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::needs::Tree;
use super::plan::target_of;
use super::usage::{Ownership, Placed, folders_around};
use super::{Amount, Part};
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
}

impl Locked {
    pub fn of(trees: &[LockTree], parts: &[Part], packages: &[Component]) -> Self {
        let mut locked = Locked::default();
        if trees.is_empty() {
            return locked;
        }
        let shipped = Shipped::of(packages);
        let regions = Regions::of(parts);
        let mut spoken_for: HashMap<usize, HashSet<Reach>> = HashMap::new();
        // What one lock file does not have for development alone is there for something else.
        let mut for_more: HashSet<usize> = HashSet::new();
        for tree in trees {
            let rows = tree.rows.iter();
            let rows: Vec<Option<usize>> = rows.map(|row| shipped.meant(tree, row)).collect();
            for (row, component) in tree.rows.iter().zip(&rows) {
                let Some(component) = *component else {
                    continue;
                };
                let needs = row.needs.iter().filter_map(|&to| rows[to]);
                locked.needs.entry(component).or_default().extend(needs);
                if row.purpose == Purpose::Development {
                    let reaches = spoken_for.entry(component).or_default();
                    reaches.insert(regions.reach(tree));
                } else {
                    for_more.insert(component);
                }
            }
        }
        let lock_files: HashSet<&EntryPath> = trees.iter().map(|tree| &tree.path).collect();
        for (component, reaches) in spoken_for {
            let places = packages[component].locations.iter();
            let mut places = places
                .map(|location| &location.path)
                .filter(|path| !lock_files.contains(path));
            if !for_more.contains(&component)
                && places.all(|place| regions.is_within(place, &reaches))
            {
                locked.for_development.insert(component);
            }
        }
        locked
    }

    /// What lock files say that a package needs, of what ships.
    pub fn needs(&self, component: usize) -> &[usize] {
        self.needs.get(&component).map_or(&[], Vec::as_slice)
    }

    /// The packages that lock files have for development alone, wherever they lie, and that nothing else needs which is
    /// there.
    pub fn only_for_development(&self, amounts: &[Amount], tree: &Tree) -> HashSet<usize> {
        let mut found = self.for_development.clone();
        found.retain(|index| !tree.is_asked_for(*index));
        if !found.is_empty() {
            let others = (0..amounts.len()).filter(|index| amounts[*index].files > 0);
            let others = others.filter(|index| !found.contains(index)).collect();
            let needed = tree.needed_by(others);
            found.retain(|index| !needed.contains(index));
        }
        found
    }
}

/// What ships, by ecosystem, name and version.
struct Shipped<'a>(HashMap<(Ecosystem, &'a str), HashMap<Cow<'a, str>, usize>>);

impl<'a> Shipped<'a> {
    fn of(packages: &'a [Component]) -> Self {
        let mut shipped = Shipped(HashMap::new());
        for (index, component) in packages.iter().enumerate() {
            if let (Scope::Shipped, Some(version)) = (component.scope, &component.version) {
                let name = (component.ecosystem, component.name.as_str());
                let versions = shipped.0.entry(name).or_default();
                let version = Version::canonical(component.ecosystem, version);
                versions.entry(version).or_insert(index);
            }
        }
        shipped
    }

    /// The package that a row is about, if it ships in the version that is locked.
    fn meant(&self, tree: &LockTree, row: &LockedRow) -> Option<usize> {
        let (name, version) = row.package.as_ref()?;
        let name = tree.ecosystem.normalize_name(name);
        let versions = self.0.get(&(tree.ecosystem, name.as_str()))?;
        let version = Version::canonical(tree.ecosystem, version);
        versions.get(&version).copied()
    }
}

/// What is unpacked together: an artifact, all layers of an image among them; or an archive in one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Region<'a> {
    Artifact(usize),
    Archive(&'a str),
}

/// Where a lock file speaks for packages.
#[derive(PartialEq, Eq, Hash)]
enum Reach<'a> {
    Everywhere,
    /// In that folder and below.
    Within(Region<'a>, &'a str),
}

/// The artifacts by what their files are in.
struct Regions<'a>(HashMap<&'a str, usize>);

impl<'a> Regions<'a> {
    fn of(parts: &'a [Part]) -> Self {
        let mut regions = Regions(HashMap::new());
        for (part, files) in parts.iter().enumerate() {
            let deployed = files.files.iter().filter(|file| file.is_deployed);
            let containers = deployed.map(|file| (&**file.path.container(), part));
            regions.0.extend(containers);
        }
        regions
    }

    fn region(&self, path: &'a EntryPath) -> Region<'a> {
        let container: &str = path.container();
        match self.0.get(container) {
            Some(part) => Region::Artifact(*part),
            None => Region::Archive(container),
        }
    }

    /// One that the user named speaks for the whole deployment, one of Python for its artifact, in which packages may lie
    /// anywhere, and one of npm for what is in its project's folder.
    fn reach(&self, tree: &'a LockTree) -> Reach<'a> {
        if tree.is_named {
            return Reach::Everywhere;
        }
        let folder = match tree.ecosystem {
            Ecosystem::Npm => project_folder(tree.path.parent()),
            _ => "",
        };
        Reach::Within(self.region(&tree.path), folder)
    }

    fn is_within(&self, place: &'a EntryPath, reaches: &HashSet<Reach<'a>>) -> bool {
        let region = self.region(place);
        let mut folders = folders_around(place.parent()).chain([""]);
        reaches.contains(&Reach::Everywhere)
            || folders.any(|folder| reaches.contains(&Reach::Within(region, folder)))
    }
}

/// The folder of the project whose lock file lies in that one, which may be in its `node_modules`.
fn project_folder(folder: &str) -> &str {
    let project = layout::place(&format!("{folder}/"))
        .and_then(|installed| folder.len().checked_sub(installed.len() - 1))
        .map_or(folder, |end| &folder[..end]);
    project.trim_end_matches('/')
}

/// The links in a `node_modules` that lead to or into one of those packages, be it through others of them, as pnpm, Bun and
/// `.bin` have them. They go with it.
pub fn links_to<'a>(
    those: &HashSet<usize>,
    placed: &[Placed<'a>],
    ownership: &Ownership,
) -> HashSet<&'a EntryPath> {
    let mut found = HashSet::new();
    if those.is_empty() {
        return found;
    }
    let links: Vec<(&EntryPath, String)> = placed
        .iter()
        .filter(|file| !file.file.is_hard_link && layout::place(file.path()).is_some())
        .filter_map(|file| {
            let path = &file.file.path;
            let target = target_of(path.parent(), file.file.link.as_deref()?)?;
            Some((path, target))
        })
        .collect();
    // Links by what is on the way to where they lead.
    let mut through: HashMap<(&str, &str), Vec<&EntryPath>> = HashMap::new();
    let mut left: Vec<&EntryPath> = Vec::new();
    let paths: HashSet<&EntryPath> = links.iter().map(|(path, _)| *path).collect();
    for (path, target) in &links {
        let container: &str = path.container();
        let mut around = folders_around(target);
        let owner = around.find_map(|folder| ownership.of_folder(container, folder));
        if owner.is_some_and(|owner| those.contains(&owner)) {
            left.push(path);
        }
        for folder in folders_around(target) {
            if paths.contains(&path.sibling(folder)) {
                through.entry((container, folder)).or_default().push(path);
            }
        }
    }
    while let Some(path) = left.pop() {
        if found.insert(path) {
            let way = (&**path.container(), path.inner());
            left.extend(through.get(&way).into_iter().flatten());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::Evidence;
    use crate::finding::Location;
    use crate::inspect::ObservedFile;

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

    /// An artifact with a file in each of those.
    fn part(containers: &[&str]) -> Part {
        let files = containers.iter();
        Part {
            files: files
                .map(|container| ObservedFile {
                    path: EntryPath::new(&(*container).into(), "x"),
                    is_deployed: true,
                    size: 0,
                    packed: None,
                    mode: None,
                    link: None,
                    is_hard_link: false,
                    crc32: None,
                    sha256: None,
                })
                .collect(),
            ..Part::default()
        }
    }

    fn for_development(trees: &[LockTree], packages: &[Component]) -> Vec<usize> {
        let image = ["image.tar!/1.tar!/", "image.tar!/2.tar!/"];
        let parts = [part(&["fn.zip!/"]), part(&["layer.zip!/"]), part(&image)];
        let locked = Locked::of(trees, &parts, packages);
        let amounts = vec![Amount::default(); packages.len()];
        let tree = Tree::unknown(packages.len());
        let found = locked.only_for_development(&amounts, &tree);
        let mut found: Vec<usize> = found.into_iter().collect();
        found.sort_unstable();
        found
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
        let locked = Locked::of(&[tree], &[], &packages);
        assert_eq!(locked.needs(2), [1]);
        assert!(locked.needs(0).is_empty());
    }

    #[test]
    fn what_one_lock_file_has_for_production_is_not_for_development_alone() {
        let packages = [
            component("a", "1.0.0", "x/node_modules/a/package.json"),
            component("b", "1.0.0", "x/node_modules/b/package.json"),
        ];
        let found = |trees: &[LockTree]| for_development(trees, &packages);
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

    #[test]
    fn a_lock_file_speaks_for_its_own_artifact_and_all_places_have_to_be_spoken_for() {
        let at =
            |container: &str, path: &str| Location::from(EntryPath::new(&container.into(), path));
        let manifest = "node_modules/a/package.json";
        let mut package = component("a", "1.0.0", &format!("x/{manifest}"));
        let rows = [("a", Purpose::Development)];
        let x = tree("x/package-lock.json", &rows);
        let y = tree("y/package-lock.json", &rows);
        let root = tree("package-lock.json", &rows);
        let found = |package: &Component, trees: &[&LockTree]| {
            let trees: Vec<LockTree> = trees.iter().map(|tree| (*tree).clone()).collect();
            !for_development(&trees, std::slice::from_ref(package)).is_empty()
        };
        package
            .locations
            .push(at("fn.zip!/", "x/package-lock.json"));
        assert!(found(&package, &[&x]));
        package
            .locations
            .push(at("fn.zip!/", &format!("y/{manifest}")));
        assert!(!found(&package, &[&x]));
        assert!(found(&package, &[&x, &y]));
        assert!(found(&package, &[&root]));
        // A second lock file that does not say what it is there for.
        let silent = tree("z/yarn.lock", &[("a", Purpose::Unknown)]);
        assert!(!found(&package, &[&root, &silent]));
        for other in ["layer.zip!/", "fn.zip!/inner.zip!/"] {
            let mut elsewhere = package.clone();
            elsewhere.locations.push(at(other, manifest));
            assert!(!found(&elsewhere, &[&root]), "{other}");
            let mut python = root.clone();
            python.ecosystem = Ecosystem::PyPi;
            elsewhere.ecosystem = Ecosystem::PyPi;
            assert!(!found(&elsewhere, &[&python]), "{other}");
            python.is_named = true;
            assert!(found(&elsewhere, &[&python]), "{other}");
        }
    }

    #[test]
    fn a_lock_file_in_one_layer_of_an_image_speaks_for_all() {
        let mut package = component("a", "1.0.0", "");
        let mut lock = tree("app/package-lock.json", &[("a", Purpose::Development)]);
        let image = |layer: &str, path: &str| EntryPath::new(&layer.into(), path);
        lock.path = image("image.tar!/2.tar!/", "app/package-lock.json");
        for (layer, is_found) in [
            ("image.tar!/1.tar!/", true),
            ("image.tar!/1.tar!/x.zip!/", false),
        ] {
            let path = image(layer, "app/node_modules/a/package.json");
            package.locations = vec![Location::from(path)];
            let packages = [package.clone()];
            let found = for_development(&[lock.clone()], &packages);
            assert_eq!(!found.is_empty(), is_found, "{layer}");
        }
    }

    #[test]
    fn rows_without_end_about_one_name_cost_one_step_each() {
        let packages: Vec<Component> = (0..20_000)
            .map(|n| component("a", &format!("{n}.0.0"), "node_modules/a/package.json"))
            .collect();
        let mut tree = tree("package-lock.json", &[]);
        for n in 0..100_000 {
            let version = format!("0.{n}.0");
            tree.add(Some(("a", &version)), Purpose::Development);
        }
        assert_eq!(for_development(&[tree], &packages), [0]);
    }
}
