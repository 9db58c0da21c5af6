//! The tree of a lock file of pnpm, whose rows are known by keys that changed with the version of the format: see
//! `pnpm_lock.rs`.

use std::collections::{BTreeMap, HashMap};

use semver::Version;
use serde::Deserialize;

use crate::component::Ecosystem;
use crate::finding::EntryPath;
use crate::inventory::lenient::{Lenient, Text};
use crate::inventory::lock_tree::{Asking, LockTree, Purpose};

/// References by name: keys, or what is behind the name in one.
pub type References = Lenient<BTreeMap<String, Lenient<Reference>>>;

/// As importers write it since version 6; else it is text.
#[derive(Deserialize)]
pub struct Reference {
    #[serde(default)]
    version: Text,
    /// What the manifest asks for.
    #[serde(default)]
    specifier: Text,
}

/// The tree of a lock file while its rows are read, by their keys.
pub struct KeyedTree {
    tree: LockTree,
    style: KeyStyle,
    rows: HashMap<String, usize>,
    asking: Asking<Asked>,
    production: Vec<Asked>,
    development: Vec<Asked>,
}

impl KeyedTree {
    pub fn new(path: &EntryPath, style: KeyStyle) -> Self {
        KeyedTree {
            tree: LockTree::new(path, Ecosystem::Npm),
            style,
            rows: HashMap::new(),
            asking: Asking::default(),
            production: Vec::new(),
            development: Vec::new(),
        }
    }

    pub fn add(
        &mut self,
        key: String,
        package: Option<(String, String)>,
        purpose: Purpose,
        needs: [&References; 2],
    ) {
        let package = package.as_ref();
        let package = package.map(|(name, version)| (name.as_str(), version.as_str()));
        let row = self.tree.add(package, purpose);
        self.rows.insert(key, row);
        let needs = needs.into_iter().flat_map(pairs);
        self.asking.add(row, needs);
    }

    pub fn ask_for_production(&mut self, needs: [&References; 2]) {
        self.production.extend(needs.into_iter().flat_map(pairs));
    }

    pub fn ask_for_development(&mut self, needs: &References) {
        self.development.extend(pairs(needs));
    }

    /// The tree, once all rows are known.
    pub fn connect(mut self) -> LockTree {
        // A reference is a key, or what is behind the name in one.
        let row = |(name, reference): &Asked| {
            let row = |key: &str| self.rows.get(key).copied();
            row(reference).or_else(|| match self.style {
                KeyStyle::Path => row(&format!("/{name}/{reference}")),
                KeyStyle::PathAndName => row(&format!("/{name}@{reference}")),
                KeyStyle::Name => row(&format!("{name}@{reference}")),
            })
        };
        self.asking.connect(&mut self.tree, LockTree::need, row);
        let rows = |asked: &[Asked]| asked.iter().filter_map(row).collect();
        let (production, development) = (rows(&self.production), rows(&self.development));
        self.tree.mark(production, development);
        self.tree
    }
}

/// A name and the reference that is given for it.
type Asked = (String, String);

fn pairs(rows: &References) -> impl Iterator<Item = Asked> {
    references(rows).map(|(name, reference)| (name.to_owned(), reference.to_owned()))
}

fn references(rows: &References) -> impl Iterator<Item = (&str, &str)> {
    let rows = rows.as_map().into_iter().flatten();
    rows.filter_map(|(name, reference)| {
        let stated = reference.as_map().and_then(|row| row.version.as_text());
        Some((name.as_str(), stated.or(reference.as_text())?))
    })
}

/// What manifests ask for, by name: up to version 5 the texts of `specifiers`, later beside the version.
pub fn specifiers(rows: &References) -> impl Iterator<Item = (&str, &str)> {
    let rows = rows.as_map().into_iter().flatten();
    rows.filter_map(|(name, reference)| {
        let stated = reference.as_map().and_then(|row| row.specifier.as_text());
        Some((name.as_str(), stated.or(reference.as_text())?))
    })
}

/// How keys name packages.
#[derive(Clone, Copy)]
pub enum KeyStyle {
    /// `/name/1.2.3_peers`
    Path,
    /// `/name@1.2.3(peers)`
    PathAndName,
    /// `name@1.2.3(peers)`
    Name,
}

impl KeyStyle {
    pub fn of(lockfile_version: Option<&str>) -> Self {
        let major = lockfile_version.and_then(|version| version.split('.').next());
        match major.and_then(|major| major.parse::<u32>().ok()) {
            Some(..=5) => KeyStyle::Path,
            Some(6) => KeyStyle::PathAndName,
            _ => KeyStyle::Name,
        }
    }

    /// Name and version of a package from a registry.
    pub fn registry_package(self, key: &str) -> Option<(String, String)> {
        let (path, version) = match self {
            KeyStyle::Path => {
                let (path, version) = key.rsplit_once('/')?;
                (path, version.split('_').next()?)
            }
            KeyStyle::PathAndName | KeyStyle::Name => key.split('(').next()?.rsplit_once('@')?,
        };
        Version::parse(version).ok()?;
        let mut parts = path.rsplit('/');
        let base = parts.next().filter(|base| !base.is_empty())?;
        let name = match parts.next() {
            Some(scope) if scope.starts_with('@') => format!("{scope}/{base}"),
            _ => base.to_owned(),
        };
        Some((name, version.to_owned()))
    }
}
