//! The tree of a Python lock file, whose packages need others by their names.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::component::Ecosystem;
use crate::finding::EntryPath;
use crate::inventory::lenient::{Lenient, Text};
use crate::inventory::lock_tree::{Asking, LockTree, LockedRow, Purpose, is_development_group};

use super::marker::{excludes, required};

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

impl Need {
    fn is_excluded(&self) -> bool {
        self.marker.as_text().is_some_and(excludes)
    }
}

/// A package that another needs, as Poetry names it.
pub struct NamedNeed<'a> {
    pub name: &'a str,
    pub marker: &'a str,
    /// With an extra alone.
    pub is_optional: bool,
}

/// The rows of a list of tables.
fn rows(needs: &Lenient<Need>) -> impl Iterator<Item = &Need> {
    let needs = match needs {
        Lenient::List(needs) => needs.as_slice(),
        _ => &[],
    };
    needs.iter().filter_map(Lenient::as_map)
}

/// What groups or extras ask for, by their names.
pub type Groups = Lenient<BTreeMap<String, Lenient<Need>>>;

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
    /// In which version the lock file is written.
    lock_version: Option<String>,
    rows: Named,
    /// The row that was added last, and what it and those before it ask for.
    last: usize,
    asking: Asking<Asked>,
    /// Likewise, with an extra or on other systems.
    may_ask: Asking<Asked>,
    production: HashSet<Asked>,
    development: HashSet<Asked>,
}

/// A normalised name, and a version where only one of several will do.
#[derive(PartialEq, Eq, Hash)]
struct Asked {
    name: String,
    version: Option<String>,
}

/// Rows by their normalised names.
#[derive(Default)]
struct Named(HashMap<String, OfName>);

#[derive(Default)]
struct OfName {
    all: Vec<usize>,
    by_version: HashMap<String, Vec<usize>>,
    /// The project's own, which are asked for in whatever version they have.
    without: Vec<usize>,
}

impl Named {
    fn add(&mut self, name: String, version: Option<&str>, row: usize) {
        let of_name = self.0.entry(name).or_default();
        of_name.all.push(row);
        match version {
            Some(version) => of_name
                .by_version
                .entry(version.to_owned())
                .or_default()
                .push(row),
            None => of_name.without.push(row),
        }
    }

    fn find<'a>(&'a self, asked: &Asked) -> impl Iterator<Item = usize> + use<'a> {
        let of_name = self.0.get(&asked.name);
        let rows = of_name.map(|of_name| match &asked.version {
            None => (of_name.all.as_slice(), [].as_slice()),
            Some(version) => {
                let with = of_name.by_version.get(version);
                (with.map_or(&[][..], Vec::as_slice), &of_name.without[..])
            }
        });
        let (some, others) = rows.unwrap_or_default();
        some.iter().chain(others).copied()
    }
}

impl NamedTree {
    pub fn new(path: &EntryPath, lock_version: Option<String>) -> Self {
        NamedTree {
            tree: LockTree::new(path, Ecosystem::PyPi),
            lock_version,
            rows: Named::default(),
            last: 0,
            asking: Asking::default(),
            may_ask: Asking::default(),
            production: HashSet::new(),
            development: HashSet::new(),
        }
    }

    pub fn lock_version(&self) -> Option<&str> {
        self.lock_version.as_deref()
    }

    /// Adds a package; without a version one of the project's own. Its needs follow.
    pub fn add(&mut self, name: &str, version: Option<&str>, purpose: Purpose) {
        let package = version.map(|version| (name, version));
        self.last = self.tree.add(package, purpose);
        let name = Ecosystem::PyPi.normalize_name(name);
        self.rows.add(name, version, self.last);
    }

    fn need(&mut self, needs: impl Iterator<Item = Asked>) {
        // Twice the same says no more than once.
        self.asking.add(self.last, needs.collect::<HashSet<_>>());
    }

    /// The package that was added last needs those, unless that is with an extra or their marker says otherwise: then it
    /// may need them. Lock files write conflicts of extras as markers too.
    pub fn need_named<'a>(&mut self, needs: impl Iterator<Item = NamedNeed<'a>>) {
        let (needed, others): (Vec<NamedNeed>, Vec<NamedNeed>) =
            needs.partition(|need| !need.is_optional && !excludes(need.marker));
        let asked = |need: NamedNeed| Asked {
            name: Ecosystem::PyPi.normalize_name(need.name),
            version: None,
        };
        self.need(needed.into_iter().map(asked));
        self.may_need(others.into_iter().map(asked));
    }

    /// It needs those whole requirements.
    pub fn need_required<'a>(&mut self, needs: impl Iterator<Item = &'a str>) {
        let needs = needs.filter_map(required);
        self.need(needs.map(|name| Asked {
            name,
            version: None,
        }));
    }

    /// Likewise, as tables.
    pub fn need_listed(&mut self, needs: &Lenient<Need>) {
        let (excluded, needed): (Vec<&Need>, Vec<&Need>) =
            rows(needs).partition(|need| need.is_excluded());
        self.need(asked(needed.into_iter()));
        self.may_need(asked(excluded.into_iter()));
    }

    fn may_need(&mut self, needs: impl Iterator<Item = Asked>) {
        self.may_ask.add(self.last, needs.collect::<HashSet<_>>());
    }

    /// It needs those with an extra.
    pub fn may_need_listed(&mut self, needs: &Lenient<Need>) {
        self.may_need(asked(rows(needs)));
    }

    /// What the project itself needs to run.
    pub fn ask_for_production(&mut self, needs: &Lenient<Need>) {
        self.production.extend(asked(rows(needs)));
    }

    /// What the project's groups ask for, of which the names say what they are for.
    pub fn ask_for_groups(&mut self, groups: &Groups) {
        for (group, needs) in groups.as_map().into_iter().flatten() {
            match is_development_group(group) {
                true => self.ask_for_development(needs),
                false => self.ask_for_production(needs),
            }
        }
    }

    fn ask_for_development(&mut self, needs: &Lenient<Need>) {
        let needs = rows(needs).filter(|need| !need.is_excluded());
        self.development.extend(asked(needs));
    }

    /// The tree, once all rows are known.
    pub fn connect(mut self) -> LockTree {
        // The project asks as a row does.
        let production = self.tree.add(None, Purpose::Unknown);
        let development = self.tree.add(None, Purpose::Unknown);
        self.asking.add(production, self.production);
        self.asking.add(development, self.development);
        let find = |asked: &Asked| self.rows.find(asked);
        self.asking.connect(&mut self.tree, LockTree::need, find);
        self.may_ask
            .connect(&mut self.tree, LockTree::may_need, find);
        self.tree.mark(vec![production], vec![development]);
        self.tree
    }

    /// Likewise of a lock file that does not say what is for development: the manifest beside it tells by names.
    pub fn connect_to_manifest(mut self) -> LockTree {
        let is_marked = |row: &LockedRow| row.purpose == Purpose::Development;
        if !self.tree.rows.iter().any(is_marked) {
            let mut asked = HashMap::new();
            for (name, of_name) in &self.rows.0 {
                let row = match of_name.all[..] {
                    [row] => row,
                    _ => {
                        let all = self.tree.add(None, Purpose::Unknown);
                        for &row in &of_name.all {
                            self.tree.need(all, row);
                        }
                        all
                    }
                };
                asked.insert(name.as_str().into(), row);
            }
            self.tree.ask_by(asked);
        }
        self.connect()
    }
}

fn asked<'a>(needs: impl Iterator<Item = &'a Need>) -> impl Iterator<Item = Asked> {
    needs.filter_map(|need| {
        Some(Asked {
            name: Ecosystem::PyPi.normalize_name(need.name.as_text()?),
            version: need.version.as_text().map(str::to_owned),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::Inspector;
    use crate::inventory::pypi::uv_lock::UvLock;
    use crate::inventory::testing::inspect;

    fn tree() -> NamedTree {
        NamedTree::new(&EntryPath::new(&"fn.zip!/".into(), "uv.lock"), None)
    }

    fn asking(name: &str, version: Option<&str>) -> Asked {
        Asked {
            name: name.to_owned(),
            version: version.map(str::to_owned),
        }
    }

    #[test]
    fn the_same_asked_twice_is_asked_once() {
        const ROWS: usize = 4000;
        let mut text = String::from("version = 1\n");
        for _ in 0..ROWS {
            text += "[[package]]\nname = \"a\"\nversion = \"1\"\n";
        }
        text += "[[package]]\nname = \"me\"\nsource = { virtual = \".\" }\ndependencies = [";
        text += &"{ name = \"a\" },".repeat(ROWS);
        text += "]\n";
        let seen = inspect(&UvLock as &dyn Inspector, "uv.lock", &text).unwrap();
        assert!(!seen.lock_trees.are_too_large());
        assert_eq!(seen.lock_trees.shown().len(), ROWS);
    }

    #[test]
    fn versions_that_no_row_has_cost_nothing() {
        let mut tree = tree();
        for _ in 0..100_000 {
            tree.add("a", Some("1"), Purpose::Unknown);
        }
        tree.need((0..100_000).map(|n| asking("a", Some(&format!("2.{n}")))));
        let tree = tree.connect();
        assert!(!tree.is_too_large());
        assert!(tree.rows.iter().all(|row| row.needs.is_empty()));
    }

    #[test]
    fn rows_that_all_ask_for_all_are_given_up() {
        let mut tree = tree();
        for _ in 0..10_000 {
            tree.add("a", None, Purpose::Unknown);
            tree.need((0..100).map(|n| asking("a", Some(&n.to_string()))));
        }
        assert!(tree.connect().is_too_large());
    }
}
