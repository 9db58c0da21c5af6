//! The most used names of npm, PyPI and crates.io, and what stands near a name among them.
//!
//! The names are in `popular/`, made by `tools/popular.py`: `NAME.txt` has the 1,000 most used, `NAME-near.txt` the
//! established ones that stand near one of these, which are no slip of the pen. `crates-known.txt` is kept by hand,
//! because no list says of all crates how much they are used.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::edit::{Edit, edit_between};
use super::package_name::MAX_NAME;
use crate::component::Ecosystem;

/// A popular package.
#[derive(Debug, PartialEq, Eq)]
pub struct Package {
    /// As its registry shows it.
    pub shown: &'static str,
    /// Under [`Ecosystem::comparable_name`].
    pub name: Cow<'static, str>,
}

impl Package {
    /// The words of a name that has several: `typed` of `typed-builder`. What people put into names they use by itself.
    fn words(&self) -> impl Iterator<Item = Cow<'static, str>> {
        let is_scoped = scope_of(self.shown).is_some();
        let words = self
            .shown
            .split(['-', '_', '.'])
            .filter(move |_| !is_scoped);
        words.map(|word| match word.bytes().any(|b| b.is_ascii_uppercase()) {
            true => Cow::Owned(word.to_ascii_lowercase()),
            false => Cow::Borrowed(word),
        })
    }
}

/// The names of one registry, and the ways in which they are looked for.
pub struct Popular {
    packages: Vec<Package>,
    /// Every name that is what people mean by it, but for their words, and every scope of such names.
    established: HashSet<Cow<'static, str>>,
    by_name: HashMap<Cow<'static, str>, u16>,
    /// By [`look`]; the most used of those that look the same.
    by_look: HashMap<String, u16>,
    /// By length and the two letters at either end, sorted. One edit leaves one of the ends.
    by_start: Vec<(Key, u16)>,
    by_end: Vec<(Key, u16)>,
    /// Of popular npm packages.
    scopes: Vec<&'static str>,
}

type Key = (u8, [u8; 2]);

static NPM: LazyLock<Popular> = LazyLock::new(|| {
    let near = [include_str!("popular/npm-near.txt")];
    Popular::read(Ecosystem::Npm, include_str!("popular/npm.txt"), &near)
});
static PYPI: LazyLock<Popular> = LazyLock::new(|| {
    let near = [include_str!("popular/pypi-near.txt")];
    Popular::read(Ecosystem::PyPi, include_str!("popular/pypi.txt"), &near)
});
static CRATES: LazyLock<Popular> = LazyLock::new(|| {
    let near = [
        include_str!("popular/crates-near.txt"),
        include_str!("popular/crates-known.txt"),
    ];
    Popular::read(
        Ecosystem::CratesIo,
        include_str!("popular/crates.txt"),
        &near,
    )
});

impl Popular {
    /// The names of a registry; none where no list is kept.
    pub fn of(ecosystem: Ecosystem) -> Option<&'static Popular> {
        match ecosystem {
            Ecosystem::Npm => Some(&NPM),
            Ecosystem::PyPi => Some(&PYPI),
            Ecosystem::CratesIo => Some(&CRATES),
            _ => None,
        }
    }

    fn read(ecosystem: Ecosystem, popular: &'static str, near: &[&'static str]) -> Self {
        let packages: Vec<Package> = names(popular)
            .map(|shown| Package {
                shown,
                name: comparable(ecosystem, shown),
            })
            .collect();
        let near = near.iter().flat_map(|list| names(list));
        let mut established = HashSet::with_capacity(2 * packages.len());
        established.extend(near.map(|name| comparable(ecosystem, name)));
        let mut by_name = HashMap::with_capacity(packages.len());
        let mut by_look = HashMap::with_capacity(packages.len());
        let mut by_start = Vec::new();
        let mut by_end = Vec::new();
        let mut scopes: Vec<&str> = Vec::new();
        for (index, package) in (0_u16..).zip(&packages) {
            let name = &package.name;
            established.insert(name.clone());
            by_name.insert(name.clone(), index);
            by_look.entry(look(name)).or_insert(index);
            match scope_of(package.shown) {
                Some(scope) => {
                    if established.insert(Cow::Borrowed(scope)) {
                        scopes.push(scope);
                    }
                }
                None => {
                    by_start.extend(start(name.as_bytes(), name.len()).map(|key| (key, index)));
                    by_end.extend(end(name.as_bytes(), name.len()).map(|key| (key, index)));
                }
            }
        }
        by_start.sort_unstable();
        by_end.sort_unstable();
        Popular {
            packages,
            established,
            by_name,
            by_look,
            by_start,
            by_end,
            scopes,
        }
    }

    /// Whether that is a name, or an npm scope with its `@`, that people mean by it.
    pub fn is_established(&self, name: &str) -> bool {
        self.established.contains(name)
    }

    /// Whether it is a word of such a name. Only what resembles one is asked, which is rare.
    pub fn is_word(&self, name: &str) -> bool {
        let mut words = self.packages.iter().flat_map(Package::words);
        words.any(|word| word == name)
    }

    pub fn named(&self, name: &str) -> Option<&Package> {
        self.at(*self.by_name.get(name)?)
    }

    /// The package whose name looks the same, see [`look`].
    pub fn looking_like(&self, name: &str) -> Option<&Package> {
        self.at(*self.by_look.get(&look(name))?)
    }

    /// The most used package from which one edit leads to the name.
    pub fn one_edit_away(&self, name: &str) -> Option<(&Package, Edit)> {
        let bytes = name.as_bytes();
        let lengths = bytes.len().saturating_sub(1)..=bytes.len() + 1;
        let near = |length| {
            let by_start = start(bytes, length).map(|key| range(&self.by_start, key));
            let by_end = end(bytes, length).map(|key| range(&self.by_end, key));
            by_start.into_iter().chain(by_end).flatten()
        };
        let near = lengths.flat_map(near).map(|(_, index)| *index);
        // The one edit of a name that leaves neither end, for the shortest of them.
        let middle = match bytes {
            [first, a, b, last] => str::from_utf8(&[*first, *b, *a, *last])
                .ok()
                .map(str::to_owned),
            _ => None,
        };
        let near = near.chain(middle.and_then(|name| self.by_name.get(name.as_str()).copied()));
        let found = near.filter_map(|index| {
            let package = self.at(index)?;
            let edit = edit_between(&package.name, name)?;
            edit.is_telling(&package.name).then_some((index, edit))
        });
        let (index, edit) = found.min_by_key(|(index, _)| *index)?;
        Some((self.at(index)?, edit))
    }

    /// The scope from which one edit leads to this one.
    pub fn scope_near(&self, scope: &str) -> Option<&'static str> {
        if scope.len() > MAX_NAME {
            return None;
        }
        let looks = look(scope);
        let near = |popular: &&&str| {
            edit_between(popular, scope).is_some_and(|edit| edit.is_telling(popular))
                || look(popular) == looks
        };
        self.scopes.iter().find(near).copied()
    }

    fn at(&self, index: u16) -> Option<&Package> {
        self.packages.get(usize::from(index))
    }
}

/// `@scope` of `@scope/name`.
pub fn scope_of(name: &str) -> Option<&str> {
    let scoped = name.starts_with('@');
    name.split_once('/')
        .map(|(scope, _)| scope)
        .filter(|_| scoped)
}

/// What a name looks like at a glance: without separators, and with one letter for all that are taken for it.
pub fn look(name: &str) -> String {
    let mut look = String::with_capacity(name.len());
    let mut letters = name
        .chars()
        .filter(|c| !matches!(c, '-' | '_' | '.' | '/' | '@'))
        .peekable();
    while let Some(letter) = letters.next() {
        look.push(match letter {
            '0' => 'o',
            '1' | 'I' => 'l',
            'r' if letters.next_if_eq(&'n').is_some() => 'm',
            'v' if letters.next_if_eq(&'v').is_some() => 'w',
            letter => letter,
        });
    }
    look
}

/// The lines of a list that are no comments.
fn names(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn comparable(ecosystem: Ecosystem, name: &'static str) -> Cow<'static, str> {
    let comparable = ecosystem.comparable_name(name);
    if comparable == name {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(comparable)
    }
}

/// The key of names of that length that begin as this one does.
fn start(name: &[u8], length: usize) -> Option<Key> {
    Some((u8::try_from(length).ok()?, *name.first_chunk()?))
}

/// The key of names of that length that end as this one does.
fn end(name: &[u8], length: usize) -> Option<Key> {
    Some((u8::try_from(length).ok()?, *name.last_chunk()?))
}

fn range(keys: &[(Key, u16)], key: Key) -> &[(Key, u16)] {
    let from = keys.partition_point(|(other, _)| *other < key);
    let rest = keys.get(from..).unwrap_or_default();
    let length = rest.iter().take_while(|(other, _)| *other == key).count();
    rest.get(..length).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGISTRIES: [Ecosystem; 3] = [Ecosystem::Npm, Ecosystem::PyPi, Ecosystem::CratesIo];

    #[test]
    fn there_are_a_thousand_popular_names_of_each_registry() {
        for ecosystem in REGISTRIES {
            let popular = Popular::of(ecosystem).unwrap();
            assert_eq!(popular.by_name.len(), 1000, "{ecosystem}");
        }
        let others = Ecosystem::ALL.into_iter();
        let mut others = others.filter(|ecosystem| !REGISTRIES.contains(ecosystem));
        assert!(others.all(|ecosystem| Popular::of(ecosystem).is_none()));
    }

    #[test]
    fn scopes_that_none_can_have_are_near_none() {
        let npm = Popular::of(Ecosystem::Npm).unwrap();
        let scope = |dashes| format!("@{}babel", "-".repeat(dashes));
        assert_eq!(npm.scope_near(&scope(1)), Some("@babel"));
        assert_eq!(npm.scope_near(&scope(MAX_NAME)), None);
    }

    #[test]
    fn the_most_used_names_come_first() {
        let first = |ecosystem| Popular::of(ecosystem).unwrap().packages[0].shown;
        assert_eq!(REGISTRIES.map(first), ["semver", "boto3", "hashbrown"]);
    }

    #[test]
    fn every_name_is_found_from_each_of_its_one_letter_edits() {
        for ecosystem in REGISTRIES {
            let popular = Popular::of(ecosystem).unwrap();
            let long = |package: &&Package| package.name.len() >= 7 && !package.name.contains('@');
            for package in popular.packages.iter().filter(long) {
                let name = package.name.as_bytes();
                for at in 1..name.len() - 1 {
                    if name[at] == name[at + 1] {
                        continue;
                    }
                    let mut swapped = name.to_vec();
                    swapped.swap(at, at + 1);
                    let swapped = String::from_utf8(swapped).unwrap();
                    let found = popular.one_edit_away(&swapped);
                    let letters = name[at..=at + 1].iter().all(u8::is_ascii_lowercase);
                    let word = package.name.split(['-', '.']).all(|word| word.len() >= 4);
                    assert!(!letters || !word || found.is_some(), "{swapped}");
                }
            }
        }
    }

    #[test]
    fn what_looks_alike_has_one_look() {
        for (name, like) in [
            ("1odash", "lodash"),
            ("jeIIyfish", "jellyfish"),
            ("rnoment", "moment"),
            ("vvebpack", "webpack"),
            ("b0to3", "boto3"),
            ("python-date_util", "pythondateutil"),
            ("@babel/core", "babel-core"),
        ] {
            assert_eq!(look(name), look(like));
        }
        assert_ne!(look("react"), look("preact"));
    }
}
