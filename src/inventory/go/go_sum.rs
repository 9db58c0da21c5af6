//! `go.sum`: checksums of modules.
//!
//! Specification: <https://go.dev/ref/mod#go-sum-files>. It is no lock file and lists more than is built: versions that
//! were only asked about have a sum of their go.mod alone, and old ones may be left. Minimal version selection
//! <https://go.dev/ref/mod#minimal-version-selection> takes the highest version of a module that anything asks for, so
//! that one counts here, if there is a sum of its content. Where go.mod is at hand, it decides.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::component::{Ecosystem, Evidence, ObservedComponent};
use crate::finding::{EntryPath, Location};
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::owner;
use crate::version::Version;

pub struct GoSum;

/// The highest version of a module so far.
struct Highest<'a> {
    version: &'a str,
    order: Version,
    /// There is a sum of more than its go.mod.
    has_content: bool,
    line: u32,
}

impl Inspector for GoSum {
    fn wants(&self, header: &Header) -> bool {
        header.path.is_named("go.sum") && owner::is_owners(header.path)
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let mut result = Ok(());
        let mut modules: BTreeMap<&str, Highest> = BTreeMap::new();
        seen.go_sums.add_file(entry.path);
        for (line, text) in (1..).zip(entry.text()?.lines()) {
            if text.trim().is_empty() {
                continue;
            }
            match sum(text, line) {
                Some((path, found)) => {
                    seen.go_sums.list(path, found.version);
                    match modules.get_mut(path) {
                        Some(known) => known.meet(found),
                        None => {
                            modules.insert(path, found);
                        }
                    }
                }
                None if result.is_ok() => {
                    let message = "is not a checksum: expected `module version hash`";
                    result = Err(Unreadable::at(line as usize, message));
                }
                None => {}
            }
        }
        for (path, highest) in modules
            .into_iter()
            .filter(|(_, highest)| highest.has_content)
        {
            let location = Location::at_line(entry.path, highest.line);
            seen.component(
                Ecosystem::Go,
                path,
                highest.version,
                Evidence::Locked,
                location,
            );
        }
        result
    }
}

/// Reads `path version hash` or `path version/go.mod hash`.
fn sum(text: &str, line: u32) -> Option<(&str, Highest<'_>)> {
    let mut words = text.split_whitespace();
    let (path, version, hash) = (words.next()?, words.next()?, words.next()?);
    let (version, has_content) = match version.strip_suffix("/go.mod") {
        Some(version) => (version, false),
        None => (version, true),
    };
    let order = Version::parse(Ecosystem::Go, version)?;
    let is_sum = hash.contains(':') && words.next().is_none();
    is_sum.then_some((
        path,
        Highest {
            version,
            order,
            has_content,
            line,
        },
    ))
}

impl<'a> Highest<'a> {
    fn meet(&mut self, other: Highest<'a>) {
        if other.order > self.order {
            *self = other;
        } else if other.version == self.version && other.has_content && !self.has_content {
            self.has_content = true;
            self.line = other.line;
        }
    }
}

/// What go.mod says of its modules.
#[derive(Default)]
struct Selected {
    paths: HashSet<String>,
    rows: HashSet<(String, Option<String>)>,
    /// It lists every module of the build.
    is_complete: bool,
}

/// Leaves those checksums out that the go.mod in the same folder says are of no use.
pub fn keep_selected(observed: &mut Vec<ObservedComponent>) {
    let mut folders: HashMap<EntryPath, Selected> = HashMap::new();
    for row in observed.iter().filter(|row| is_in(row, "go.mod")) {
        let selected = folders.entry(folder(row)).or_default();
        selected.is_complete |= row.evidence == Evidence::Locked;
        selected.paths.insert(row.name.clone());
        selected
            .rows
            .insert((row.name.clone(), row.version.clone()));
    }
    if folders.is_empty() {
        return;
    }
    observed.retain(|row| {
        !is_in(row, "go.sum")
            || folders.get(&folder(row)).is_none_or(|selected| {
                selected
                    .rows
                    .contains(&(row.name.clone(), row.version.clone()))
                    || !(selected.is_complete || selected.paths.contains(&row.name))
            })
    });
}

fn is_in(row: &ObservedComponent, file_name: &str) -> bool {
    row.ecosystem == Ecosystem::Go && row.location.path.file_name() == file_name
}

fn folder(row: &ObservedComponent) -> EntryPath {
    let path = &row.location.path;
    path.sibling(path.parent())
}

#[cfg(test)]
mod tests {
    use super::super::go_mod::GoMod;
    use super::*;
    use crate::inventory::testing::{inspect, rows, wants};

    const SUM: &str = "\
        a.example/x v1.0.0 h1:AAAA=\n\
        a.example/x v1.0.0/go.mod h1:AAAA=\n\
        a.example/x v1.10.0/go.mod h1:AAAA=\n\
        a.example/x v1.10.0 h1:AAAA=\n\
        a.example/x v1.2.0/go.mod h1:AAAA=\n\
        b.example/y v1.0.0 h1:AAAA=\n\
        b.example/y v1.1.0/go.mod h1:AAAA=\n\
        c.example/z v0.0.0-20170915032832-14c0d48ead0c h1:AAAA=\n\
        c.example/z v0.0.0-20170915032832-14c0d48ead0c/go.mod h1:AAAA=\n";

    #[test]
    fn the_highest_version_counts_if_its_content_was_needed() {
        assert_eq!(
            rows(&inspect(&GoSum, "go.sum", SUM).unwrap()),
            [
                "a.example/x v1.10.0 locked go.sum:4",
                "c.example/z v0.0.0-20170915032832-14c0d48ead0c locked go.sum:8",
            ]
        );
    }

    fn beside(go_mod: &str) -> Vec<String> {
        let mut seen = inspect(&GoSum, "api/go.sum", SUM).unwrap();
        seen.append(inspect(&GoMod, "api/go.mod", go_mod).unwrap());
        keep_selected(&mut seen.components);
        rows(&seen)
    }

    #[test]
    fn go_mod_knows_which_of_them_are_built() {
        let old = "module m\ngo 1.16\nrequire a.example/x v1.0.0\n";
        assert_eq!(
            beside(old),
            [
                "a.example/x v1.0.0 declared api/go.mod:3",
                "c.example/z v0.0.0-20170915032832-14c0d48ead0c locked api/go.sum:8",
            ]
        );
        let complete = "module m\ngo 1.17\nrequire a.example/x v1.10.0\n";
        assert_eq!(
            beside(complete),
            [
                "a.example/x v1.10.0 locked api/go.mod:3",
                "a.example/x v1.10.0 locked api/go.sum:4",
            ]
        );
    }

    #[test]
    fn the_go_mod_of_another_folder_says_nothing() {
        let mut seen = inspect(&GoSum, "api/go.sum", SUM).unwrap();
        let go_mod = "module m\ngo 1.17\nrequire b.example/y v9.0.0\n";
        seen.append(inspect(&GoMod, "go.mod", go_mod).unwrap());
        keep_selected(&mut seen.components);
        assert_eq!(rows(&seen).len(), 3);
    }

    #[test]
    fn a_line_that_makes_no_sense_is_said_so() {
        let path = EntryPath::new(&"fn.zip!/".into(), "go.sum");
        let bytes = b"<<<<<<< HEAD\r\na v1.0.0 h1:A=\r\nb v1.0.0\r\n\r\n";
        let mut seen = Observations::default();
        let error = GoSum.inspect(&Entry { path: &path, bytes }, &mut seen);
        assert_eq!(error.unwrap_err().line, Some(1));
        assert_eq!(rows(&seen), ["a v1.0.0 locked go.sum:2"]);
    }

    #[test]
    fn the_files_of_other_modules_are_not_wanted() {
        assert!(wants(&GoSum, "src/go.sum", b""));
        assert!(!wants(&GoSum, "vendor/a.example/x/go.sum", b""));
    }
}
