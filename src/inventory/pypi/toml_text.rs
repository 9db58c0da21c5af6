//! What the TOML formats share: line numbers, and reading row by row so that one odd row does not lose the file.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use toml::{Spanned, Value};

use crate::component::{Ecosystem, Evidence};
use crate::finding::Location;
use crate::inspect::{Entry, Observations, Unreadable};
use crate::inventory::lenient::{Lenient, Text};
use crate::inventory::lock_tree::LockTree;
use crate::supply_chain::origin::Origin;

use super::lock_names::{Groups, NamedTree, Need};
use super::pep508::Requirement;

/// Reads a whole file. Nesting beyond a depth that no real file has is an error of the parser.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Unreadable> {
    toml::from_str(text).map_err(|error| {
        let line = error
            .span()
            .map(|span| Lines::new(text).line_of(span.start));
        Unreadable {
            line: line.map(|line| line as usize),
            message: format!("is not valid TOML: {}", one_line(error.message())),
        }
    })
}

/// A lock file: an array of tables, one for each package.
#[derive(Deserialize)]
struct Lock {
    // `packages` is PEP 751's name for it, `distribution` the one of the first versions of uv.
    #[serde(default, alias = "packages", alias = "distribution")]
    package: Vec<Spanned<Value>>,
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    manifest: Manifest,
}

/// Where Poetry and PDM kept all hashes, before they wrote them into each package's table.
#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default, alias = "hashes")]
    files: BTreeMap<String, IgnoredAny>,
    /// As Poetry writes it.
    #[serde(default, rename = "lock-version")]
    lock_version: Text,
}

/// What uv notes of a project that is no package, or of a script.
#[derive(Default, Deserialize)]
struct Manifest {
    #[serde(default)]
    requirements: Lenient<Need>,
    #[serde(default, rename = "dependency-groups")]
    groups: Groups,
}

/// A package as a lock file has it.
pub trait Locked: DeserializeOwned {
    fn name(&self) -> &str;

    /// Adds it to the tree of what needs what.
    fn join(&self, tree: &mut NamedTree);

    /// The tree, once all packages are in it.
    fn connect(tree: NamedTree) -> LockTree {
        tree.connect()
    }

    /// Where it comes from, if that is worth a word. `folder` is that of the lock file, which may hold packages to hashes
    /// elsewhere than in their rows.
    fn origin(&self, folder: &str, is_hashed_elsewhere: bool) -> Option<Origin>;

    /// Whether it is the project's own.
    fn is_local(&self) -> bool;

    fn into_requirement(self) -> Requirement;
}

/// A file of a package, or the list of them.
pub type Files = Lenient<File>;

#[derive(Debug, Deserialize)]
pub struct File {
    #[serde(alias = "hashes")]
    hash: Option<IgnoredAny>,
}

/// Whether there are files, and a hash for each of them.
pub fn has_hashes(files: &Files) -> bool {
    match files {
        Lenient::Map(file) => file.hash.is_some(),
        Lenient::List(files) => !files.is_empty() && files.iter().all(has_hashes),
        _ => false,
    }
}

/// Whether a package has a source distribution or wheels, and a hash for each of them.
pub fn have_hashes(sdist: &Files, wheels: &Files) -> bool {
    match (sdist, wheels) {
        (sdist, Lenient::Other) => has_hashes(sdist),
        (Lenient::Other, wheels) => has_hashes(wheels),
        (sdist, wheels) => has_hashes(sdist) && has_hashes(wheels),
    }
}

/// Reads a lock file. The first package that cannot be read is the error, the others count.
pub fn see_packages<T: Locked>(entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
    let text = entry.text()?;
    let lock: Lock = parse(text)?;
    let lines = Lines::new(text);
    let is_hashed_elsewhere = !lock.metadata.files.is_empty();
    let mut tree = NamedTree::new(entry.path, lock.metadata.lock_version.text());
    tree.ask_for_production(&lock.manifest.requirements);
    tree.ask_for_groups(&lock.manifest.groups);
    let mut result = Ok(());
    for row in lock.package {
        let line = lines.line_of(row.span().start);
        match T::deserialize(row.into_inner()) {
            Ok(package) => {
                package.join(&mut tree);
                let location = Location::at_line(entry.path, line);
                see(package, is_hashed_elsewhere, location, seen);
            }
            Err(error) if result.is_ok() => {
                let message = format!("is not a package: {}", one_line(error.message()));
                result = Err(Unreadable::at(line as usize, message));
            }
            Err(_) => {}
        }
    }
    seen.lock_trees
        .add(T::connect(tree).read_in_part(result.is_err()));
    result
}

fn see(
    package: impl Locked,
    is_hashed_elsewhere: bool,
    location: Location,
    seen: &mut Observations,
) {
    let (ecosystem, locked) = (Ecosystem::PyPi, Evidence::Locked);
    let origin = package.origin(location.path.parent(), is_hashed_elsewhere);
    seen.origin(ecosystem, package.name(), locked, origin, location.clone());
    if !package.is_local() {
        let row = package.into_requirement().into_component(locked, location);
        seen.components.push(row);
    }
}

fn one_line(message: &str) -> String {
    message.replace(['\n', '\r'], " ")
}

/// Where lines end, to number them quickly.
pub struct Lines {
    ends: Vec<usize>,
}

impl Lines {
    pub fn new(text: &str) -> Self {
        let ends = text.match_indices('\n').map(|(at, _)| at).collect();
        Lines { ends }
    }

    /// The line, from 1, of a byte.
    pub fn line_of(&self, offset: usize) -> u32 {
        let before = self.ends.partition_point(|&end| end < offset);
        u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lines() {
        let lines = Lines::new("a\nb\n");
        assert_eq!([0, 1, 2, 3, 4].map(|at| lines.line_of(at)), [1, 1, 2, 2, 3]);
    }

    #[test]
    fn an_error_names_its_line() {
        let error = parse::<Lock>("package = []\nx = [\n")
            .map(drop)
            .unwrap_err();
        assert_eq!(error.line, Some(2));
        assert!(error.message.starts_with("is not valid TOML: "));
        assert!(!error.message.contains('\n'));
    }

    #[test]
    fn deep_nesting_is_an_error() {
        let depth = 200_000;
        for text in [
            format!("x = {}", "[".repeat(depth)),
            format!("x = {}", "{a=".repeat(depth)),
            format!("[{}a]", "a.".repeat(depth)),
            format!("{}a = 1", "a.".repeat(depth)),
            format!("[[{}a]]", "a.".repeat(depth)),
        ] {
            assert!(parse::<Value>(&text).is_err());
        }
    }
}
