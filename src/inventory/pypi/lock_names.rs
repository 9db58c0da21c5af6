//! The tree of a Python lock file, whose packages need others by their names.

use std::collections::HashMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::component::Ecosystem;
use crate::finding::EntryPath;
use crate::inventory::lenient::{Lenient, Text};
use crate::inventory::lock_tree::{LockTree, LockedRow, Purpose};
use crate::size::needs::{excludes, required};

/// A package that another needs, as tables of uv's and of pylock.toml name it.
#[derive(Debug, Default, Deserialize)]
pub struct Need {
    #[serde(default)]
    name: Text,
    /// Where there are several.
    #[serde(default)]
    version: Text,
    #[serde(default)]
    marker: Text,
}

/// The names of groups, of extras or of what is asked for.
pub type Names = Lenient<IgnoredAny>;

pub fn texts(names: &Names) -> impl Iterator<Item = &str> {
    let names = match names {
        Lenient::List(names) => names.as_slice(),
        _ => &[],
    };
    names.iter().filter_map(Lenient::as_text)
}

/// The tree while its rows are read.
pub struct NamedTree {
    tree: LockTree,
    by_name: HashMap<String, Vec<usize>>,
    asking: Vec<(usize, Vec<Asked>)>,
    production: Vec<Asked>,
    development: Vec<Asked>,
}

/// A normalised name, and a version where only one of several will do.
struct Asked {
    name: String,
    version: Option<String>,
}

impl NamedTree {
    pub fn new(path: &EntryPath) -> Self {
        NamedTree {
            tree: LockTree::new(path, Ecosystem::PyPi),
            by_name: HashMap::new(),
            asking: Vec::new(),
            production: Vec::new(),
            development: Vec::new(),
        }
    }

    /// Adds a package; without a version one of the project's own. Its needs follow.
    pub fn add(&mut self, name: &str, version: Option<&str>, purpose: Purpose) {
        let package = version.map(|version| (name, version));
        let row = self.tree.add(package, purpose);
        let name = Ecosystem::PyPi.normalize_name(name);
        self.by_name.entry(name).or_default().push(row);
        self.asking.push((row, Vec::new()));
    }

    fn need(&mut self, needs: impl IntoIterator<Item = Asked>) {
        if let Some((_, asked)) = self.asking.last_mut() {
            asked.extend(needs);
        }
    }

    /// The package that was added last needs those, each with its environment marker.
    pub fn need_named<'a>(&mut self, needs: impl Iterator<Item = (&'a str, &'a str)>) {
        let needs = needs.filter(|(_, marker)| !excludes(marker));
        self.need(needs.map(|(name, _)| Asked {
            name: Ecosystem::PyPi.normalize_name(name),
            version: None,
        }));
    }

    /// Likewise, as whole requirements.
    pub fn need_required<'a>(&mut self, needs: impl Iterator<Item = &'a str>) {
        let needs = needs.filter_map(required);
        self.need(needs.map(|name| Asked {
            name,
            version: None,
        }));
    }

    /// Likewise, as tables.
    pub fn need_listed(&mut self, needs: &Lenient<Need>) {
        self.need(listed(needs));
    }

    /// What the project itself needs to run.
    pub fn ask_for_production(&mut self, needs: &Lenient<Need>) {
        self.production.extend(listed(needs));
    }

    pub fn ask_for_development(&mut self, needs: &Lenient<Need>) {
        self.development.extend(listed(needs));
    }

    fn rows<'a>(&'a self, asked: &'a Asked) -> impl Iterator<Item = usize> + 'a {
        let rows = self.by_name.get(&asked.name).into_iter().flatten();
        rows.copied().filter(|&row| {
            let package = self.tree.rows[row].package.as_ref();
            let has = |version: &str| package.is_none_or(|(_, known)| **known == *version);
            asked.version.as_deref().is_none_or(has)
        })
    }

    /// The tree; none of more than honest lock files have.
    pub fn connect(mut self) -> Option<LockTree> {
        for (row, needs) in std::mem::take(&mut self.asking) {
            for asked in &needs {
                let rows: Vec<usize> = self.rows(asked).take(MAX_VERSIONS).collect();
                for to in rows {
                    self.tree.need(row, to);
                }
            }
            if self.tree.is_too_large() {
                return None;
            }
        }
        let rows = |all: &[Asked]| all.iter().flat_map(|asked| self.rows(asked)).collect();
        let (production, development) = (rows(&self.production), rows(&self.development));
        self.tree.mark(production, development);
        Some(self.tree)
    }

    /// Likewise of a lock file that does not say what is for development: the manifest beside it tells by names.
    pub fn connect_to_manifest(mut self) -> Option<LockTree> {
        let is_marked = |row: &LockedRow| row.purpose != Purpose::Unknown;
        if !self.tree.rows.iter().any(is_marked) {
            for (name, rows) in &self.by_name {
                let asked = match rows[..] {
                    [row] => row,
                    _ => {
                        let all = self.tree.add(None, Purpose::Unknown);
                        rows.iter().for_each(|&row| self.tree.need(all, row));
                        all
                    }
                };
                self.tree.asked.insert(name.as_str().into(), asked);
            }
        }
        self.connect()
    }
}

/// Of one name; lock files have several for several systems.
const MAX_VERSIONS: usize = 16;

fn listed(needs: &Lenient<Need>) -> impl Iterator<Item = Asked> {
    let needs = match needs {
        Lenient::List(needs) => needs.as_slice(),
        _ => &[],
    };
    let needs = needs.iter().filter_map(Lenient::as_map);
    needs.filter_map(|need| {
        let name = need.name.as_text()?;
        let is_out = need.marker.as_text().is_some_and(excludes);
        (!is_out).then(|| Asked {
            name: Ecosystem::PyPi.normalize_name(name),
            version: need.version.as_text().map(str::to_owned),
        })
    })
}
