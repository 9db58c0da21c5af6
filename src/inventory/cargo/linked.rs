//! With the lock file that a Rust program was built from: which of its packages are in the program.
//!
//! Many crates leave nothing in a stripped program that names them. But a lock file that the user names with `--lock`
//! says what each crate needs, and what a crate needs is in the program if the crate is, but for
//!
//! - procedural macros and what only they need, which ran when the program was built,
//! - what build scripts need, likewise,
//! - crates for other systems: a lock file names those for all.
//!
//! A lock file does not tell these apart; `purpose` does as far as it can, and what it does not know is taken for code.
//! A package that is large enough to need several others, of which none shows, would show itself: it stays as it is,
//! named by the lock file alone. So does what the program itself asks for, which may be for its tests.
//!
//! The other way round, a crate that the program does not ask for itself was asked for by another: where that can only be
//! one, it is in the program too.
//!
//! A lock file counts if it has every crate that the program shows, in the version that it shows, or at least several of
//! those of which only the name shows.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::Deserialize;

use super::program::NamedCrates;
use super::purpose::{self, is_for};
use crate::component::{Ecosystem, Evidence, ObservedComponent};
use crate::finding::EntryPath;
use crate::inspect::Entry;
use crate::inventory::binary::Platform;
use crate::inventory::lenient::{Lenient, Text};
use crate::inventory::read;
use crate::report::ReadError;

/// A package that is not seen, needs this many others, and of which none is seen either, is not taken to be there.
const NEEDS_OF_A_LARGE_ONE: usize = 3;

#[derive(Deserialize)]
struct Lockfile {
    #[serde(default)]
    package: Vec<Lenient<LockedPackage>>,
}

#[derive(Deserialize)]
struct LockedPackage {
    #[serde(default)]
    name: Text,
    #[serde(default)]
    version: Text,
    #[serde(default)]
    source: Text,
    #[serde(default)]
    dependencies: Vec<Text>,
}

/// A `Cargo.lock`, with what each package needs.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    packages: Vec<Package>,
    /// The places of packages by their names.
    by_name: BTreeMap<String, Vec<usize>>,
    /// The places of those that need each package.
    asked_by: Vec<Vec<usize>>,
}

#[derive(Clone, Debug)]
struct Package {
    name: String,
    version: String,
    is_published: bool,
    /// Places in the list of packages.
    needs: Vec<usize>,
}

impl Graph {
    /// Reads a `Cargo.lock`; none of what is no such file.
    pub fn read(entry: &Entry) -> Option<Graph> {
        let lockfile: Lockfile = read::toml(entry).ok()?;
        let rows: Vec<LockedPackage> = lockfile
            .package
            .into_iter()
            .filter_map(Lenient::map)
            .collect();
        let mut packages = Vec::new();
        let mut needs = Vec::new();
        for row in rows {
            let is_published = row.source.text().is_some();
            if let (Some(name), Some(version)) = (row.name.text(), row.version.text()) {
                packages.push(Package {
                    name,
                    version,
                    is_published,
                    needs: Vec::new(),
                });
                needs.push(row.dependencies);
            }
        }
        let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, package) in packages.iter().enumerate() {
            by_name.entry(&package.name).or_default().push(index);
        }
        // `name`, and where that is not enough `name version` or `name version (source)`.
        let place = |written: String| {
            let mut words = written.split(' ');
            let candidates = by_name.get(words.next()?)?;
            match words.next() {
                Some(version) => candidates
                    .iter()
                    .find(|&&index| packages[index].version == version),
                None => candidates.first(),
            }
            .copied()
        };
        let needs: Vec<Vec<usize>> = needs
            .into_iter()
            .map(|names| {
                names
                    .into_iter()
                    .filter_map(Text::text)
                    .filter_map(place)
                    .collect()
            })
            .collect();
        for (package, needs) in packages.iter_mut().zip(needs) {
            package.needs = needs;
        }
        Some(Graph::of(packages))
    }
}

/// So many crates by name alone, as of a program with vendored sources, tell that a lock file is the program's.
const NAMES_OF_A_PROOF: usize = 3;

/// The most packages that are added to programs, many times what a deployment from one lock file has.
const MAX_LINKED: usize = 200_000;

/// Adds the packages of lock files that must be in the programs. Names that a lock file says are the program's own are
/// dropped. Says so if there are too many.
pub fn add_linked(
    observed: &mut Vec<ObservedComponent>,
    programs: &[NamedCrates],
    graphs: &[Graph],
) -> Option<ReadError> {
    let mut programs: Vec<&NamedCrates> = programs.iter().collect();
    programs.sort_by(|a, b| a.program.cmp(&b.program));
    let mut rows: HashMap<&EntryPath, Vec<&ObservedComponent>> = HashMap::new();
    for row in observed.iter().filter(|row| is_shown(row)) {
        rows.entry(&row.location.path).or_default().push(row);
    }
    let mut linked = Vec::new();
    let mut dropped: HashSet<(EntryPath, String)> = HashSet::new();
    let mut left_out: Vec<&EntryPath> = Vec::new();
    for graph in graphs {
        let own = graph.own_names();
        for program in &programs {
            let rows = rows.get(&program.program).map_or(&[][..], Vec::as_slice);
            let shown = Shown::of(program, rows);
            let Some(seen) = graph.seen(&shown, program) else {
                continue;
            };
            let unversioned = rows.iter().filter(|row| row.version.is_none());
            let names = unversioned.map(|row| comparable(&row.name));
            let own_of_it = names.filter(|name| own.contains(name));
            dropped.extend(own_of_it.map(|name| (program.program.clone(), name)));
            if left_out.is_empty() {
                let places = graph.linked(&seen, program.platform);
                let packages = places.iter().filter_map(|&index| graph.packages.get(index));
                let missing = packages.filter(|package| !shown.has(package));
                linked.extend(missing.map(|package| package.linked_into(&program.program)));
            }
            if linked.len() > MAX_LINKED {
                linked.truncate(MAX_LINKED);
                left_out.push(&program.program);
            }
        }
    }
    let error = left_out.first().map(|&first| {
        let message = format!(
            "lock files say that more than {MAX_LINKED} packages are in programs: some of those in this one were left out"
        );
        ReadError::new(first.clone(), message)
    });
    observed.retain(|row| {
        let is_dropped = || dropped.contains(&(row.location.path.clone(), comparable(&row.name)));
        !(is_shown(row) && row.version.is_none() && is_dropped())
    });
    observed.extend(linked);
    error
}

/// Whether a row is a crate that a program shows.
fn is_shown(row: &ObservedComponent) -> bool {
    row.ecosystem == Ecosystem::CratesIo && row.evidence == Evidence::Fingerprint
}

fn comparable(name: &str) -> String {
    Ecosystem::CratesIo.comparable_name(name)
}

/// What a program shows of its crates.
struct Shown {
    versions: BTreeSet<(String, String)>,
    names: BTreeSet<String>,
}

impl Shown {
    fn of(program: &NamedCrates, rows: &[&ObservedComponent]) -> Self {
        let mut shown = Shown {
            versions: BTreeSet::new(),
            names: program.names.iter().map(|name| comparable(name)).collect(),
        };
        for row in rows {
            let name = comparable(&row.name);
            match &row.version {
                _ if name == super::standard_library::NAME => {}
                Some(version) => {
                    shown.versions.insert((name, version.clone()));
                }
                None => {
                    shown.names.insert(name);
                }
            }
        }
        shown
    }

    fn has(&self, package: &Package) -> bool {
        let key = (comparable(&package.name), package.version.clone());
        self.versions.contains(&key)
    }
}

impl Package {
    fn linked_into(&self, program: &EntryPath) -> ObservedComponent {
        ObservedComponent {
            ecosystem: Ecosystem::CratesIo,
            name: self.name.clone(),
            version: Some(self.version.clone()),
            version_range: None,
            evidence: Evidence::Fingerprint,
            folder: None,
            location: program.clone().into(),
        }
    }
}

impl Graph {
    fn of(packages: Vec<Package>) -> Self {
        let mut by_name: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut asked_by: Vec<Vec<usize>> = vec![Vec::new(); packages.len()];
        for (index, package) in packages.iter().enumerate() {
            let places = by_name.entry(comparable(&package.name)).or_default();
            places.push(index);
            for &need in &package.needs {
                asked_by[need].push(index);
            }
        }
        Graph {
            packages,
            by_name,
            asked_by,
        }
    }

    /// The places of the packages that a program shows; none if it was not built from this lock file.
    fn seen(&self, shown: &Shown, program: &NamedCrates) -> Option<BTreeSet<usize>> {
        let mut seen = BTreeSet::new();
        for (name, version) in &shown.versions {
            let mut places = self.by_name.get(name)?.iter();
            seen.insert(*places.find(|&&index| self.packages[index].version == *version)?);
        }
        for name in &shown.names {
            // Of several versions, those are in the program that others in it need.
            if let Some([index]) = self.by_name.get(name).map(Vec::as_slice)
                && self.packages[*index].is_published
                && is_for(name, program.platform)
            {
                seen.insert(*index);
            }
        }
        let is_proven = !shown.versions.is_empty() || seen.len() >= NAMES_OF_A_PROOF;
        is_proven.then_some(seen)
    }

    fn own_names(&self) -> BTreeSet<String> {
        let own = self.packages.iter().filter(|package| !package.is_published);
        own.map(|package| comparable(&package.name)).collect()
    }

    /// What is seen, what can alone have asked for it, and what these need in their turn.
    fn linked(&self, seen: &BTreeSet<usize>, platform: Platform) -> BTreeSet<usize> {
        let seen = &self.with_those_who_asked(seen);
        let mut linked = BTreeSet::new();
        let mut queue: Vec<usize> = seen.iter().copied().collect();
        while let Some(index) = queue.pop() {
            if linked.insert(index) {
                let needs = self.needs_in_code(index, platform);
                queue.extend(needs.filter(|&need| {
                    seen.contains(&need) || !self.would_show(need, seen, platform)
                }));
            }
        }
        linked
    }

    fn with_those_who_asked(&self, seen: &BTreeSet<usize>) -> BTreeSet<usize> {
        let mut known = BTreeSet::new();
        let mut queue: Vec<usize> = seen.iter().copied().collect();
        while let Some(index) = queue.pop() {
            if !known.insert(index) {
                continue;
            }
            if let [asker] = self.asked_by[index][..]
                && self.packages[asker].is_published
                && !self.is_of_builds(&self.packages[asker])
            {
                queue.push(asker);
            }
        }
        known
    }

    /// Whether so much comes with a package that something of it would be seen.
    fn would_show(&self, index: usize, seen: &BTreeSet<usize>, platform: Platform) -> bool {
        let mut needs = self.needs_in_code(index, platform);
        let number = needs.clone().count();
        number >= NEEDS_OF_A_LARGE_ONE && !needs.any(|need| seen.contains(&need))
    }

    /// What a package needs where it runs, as far as can be told.
    fn needs_in_code(
        &self,
        index: usize,
        platform: Platform,
    ) -> impl Iterator<Item = usize> + Clone + '_ {
        let package = self.packages.get(index);
        let name = package.map_or("", |package| package.name.as_str());
        let needs = package.map_or(&[][..], |package| package.needs.as_slice());
        let named = |wanted: &str| needs.iter().any(|&need| self.packages[need].name == wanted);
        let has_core = named("serde_core");
        let is_binding = name.ends_with("-sys");
        needs.iter().copied().filter(move |&need| {
            let need = &self.packages[need];
            need.is_published
                && !self.is_of_builds(need)
                && is_for(&need.name, platform)
                // Who has `serde_core` names `serde` so that their versions go together.
                && !(has_core && need.name == "serde")
                // What binds a native library needs others to build or find it.
                && (!is_binding || need.name.ends_with("-sys") || need.name == "libc")
        })
    }

    fn is_of_builds(&self, package: &Package) -> bool {
        let needs = package
            .needs
            .iter()
            .map(|&need| self.packages[need].name.as_str());
        purpose::is_of_builds(&package.name, needs)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::inspect::Observations;

    /// Packages as `name version needs…`; one without a source begins with `+`.
    fn graph(rows: &[&str]) -> Graph {
        let mut lock = String::new();
        for row in rows {
            let mut words = row.trim_start_matches('+').split(' ');
            let (name, version) = (words.next().unwrap(), words.next().unwrap());
            let needs: Vec<String> = words
                .map(|need| format!("{:?}", need.replace('@', " ")))
                .collect();
            lock += &format!("[[package]]\nname = {name:?}\nversion = {version:?}\n");
            lock += &format!("dependencies = [{}]\n", needs.join(", "));
            if !row.starts_with('+') {
                lock += "source = \"registry+https://registry.example/index\"\n";
            }
        }
        let path = EntryPath::new(&Arc::from(""), "Cargo.lock");
        let bytes = lock.as_bytes();
        Graph::read(&Entry { path: &path, bytes }).unwrap()
    }

    /// What ships after a program showed these crates (`name` or `name version`) and these symbols.
    fn linked(graph: &Graph, platform: Platform, shown: &[&str], symbols: &[&str]) -> Vec<String> {
        let path = EntryPath::new(&Arc::from("fn.zip!/"), "bootstrap");
        let mut seen = Observations::default();
        for row in shown {
            let (ecosystem, evidence) = (Ecosystem::CratesIo, Evidence::Fingerprint);
            match row.split_once(' ') {
                Some((name, version)) => {
                    seen.component(ecosystem, name, version, evidence, path.clone());
                }
                None => seen.named(ecosystem, *row, None, evidence, path.clone()),
            }
        }
        let program = NamedCrates {
            program: path,
            platform,
            names: symbols.iter().map(|name| (*name).to_owned()).collect(),
        };
        let graphs = std::slice::from_ref(graph);
        let error = add_linked(&mut seen.components, &[program], graphs);
        assert!(error.is_none());
        let mut rows: Vec<String> = seen
            .components
            .iter()
            .map(|row| format!("{} {}", row.name, row.version.as_deref().unwrap_or("?")))
            .collect();
        rows.sort();
        rows
    }

    /// So many programs that show the crate, in the opposite order.
    fn programs(number: usize, shown: &str) -> (Observations, Vec<NamedCrates>) {
        let mut seen = Observations::default();
        let mut programs = Vec::new();
        for n in (0..number).rev() {
            let path = EntryPath::new(&Arc::from("fn.zip!/"), &format!("bin/p{n:03}"));
            let (ecosystem, evidence) = (Ecosystem::CratesIo, Evidence::Fingerprint);
            seen.component(ecosystem, shown, "1.0.0", evidence, path.clone());
            programs.push(NamedCrates {
                program: path,
                platform: Platform::Unix,
                names: BTreeSet::new(),
            });
        }
        (seen, programs)
    }

    #[test]
    fn every_one_of_many_programs_gets_its_packages() {
        let graph = graph(&["a 1.0.0 b", "b 1.0.0"]);
        let (mut seen, programs) = programs(150, "a");
        assert!(add_linked(&mut seen.components, &programs, &[graph]).is_none());
        let linked = seen.components.iter().filter(|row| row.name == "b");
        let paths: BTreeSet<&EntryPath> = linked.map(|row| &row.location.path).collect();
        assert_eq!(paths.len(), 150);
    }

    #[test]
    fn what_is_left_out_is_said_so_and_does_not_depend_on_the_order() {
        let mut rows: Vec<String> = (0..2000)
            .map(|n| format!("a{n} 1.0.0 a{}", n + 1))
            .collect();
        rows.push("a2000 1.0.0".to_owned());
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let graph = graph(&rows);
        let (mut seen, programs) = programs(103, "a0");
        let shown = seen.components.len();
        let error = add_linked(&mut seen.components, &programs, &[graph]).unwrap();
        assert_eq!(error.path.to_string(), "fn.zip!/bin/p100");
        assert_eq!(seen.components.len(), shown + MAX_LINKED);
    }

    #[test]
    fn what_a_crate_needs_is_in_the_program_too() {
        let graph = graph(&[
            "+fn 0.1.0 a tests unused d",
            "a 1.0.0 b c@1.0.0",
            "b 1.0.0 c@2.0.0",
            "c 1.0.0",
            "c 2.0.0",
            "tests 1.0.0",
            "unused 1.0.0 d",
            "d 1.0.0",
        ]);
        let found = linked(
            &graph,
            Platform::Unix,
            &["a 1.0.0", "std 1.90.0"],
            &["fn", "d"],
        );
        let expected = [
            "a 1.0.0",
            "b 1.0.0",
            "c 1.0.0",
            "c 2.0.0",
            "d 1.0.0",
            "std 1.90.0",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn who_alone_can_have_asked_for_a_crate_is_in_the_program() {
        let graph = graph(&[
            "+fn 0.1.0 front shared one two",
            "front 1.0.0 core-part other",
            "core-part 1.0.0",
            "other 1.0.0",
            "one 1.0.0 shared by-two",
            "two 1.0.0 by-two",
            "shared 1.0.0",
            "by-two 1.0.0",
        ]);
        let shown = ["core-part 1.0.0", "shared 1.0.0", "by-two 1.0.0"];
        let found = linked(&graph, Platform::Unix, &shown, &[]);
        let expected = [
            "by-two 1.0.0",
            "core-part 1.0.0",
            "front 1.0.0",
            "other 1.0.0",
            "shared 1.0.0",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_lock_file_of_something_else_tells_nothing() {
        let graph = graph(&["a 1.0.0 b", "b 1.0.0"]);
        for shown in [&["a 1.0.1"][..], &["a 1.0.0", "other 1.0.0"], &["a"]] {
            assert_eq!(
                linked(&graph, Platform::Unix, shown, &[]),
                *shown
                    .iter()
                    .map(|row| {
                        if row.contains(' ') {
                            (*row).to_owned()
                        } else {
                            format!("{row} ?")
                        }
                    })
                    .collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn several_names_tell_that_a_lock_file_is_the_programs() {
        let graph = graph(&["a 1.0.0 d", "b 1.0.0", "c 1.0.0", "d 1.0.0"]);
        let found = linked(&graph, Platform::Unix, &["a", "b"], &[]);
        assert_eq!(found, ["a ?", "b ?"]);
        let found = linked(&graph, Platform::Unix, &["a", "b", "c"], &[]);
        let expected = [
            "a 1.0.0", "a ?", "b 1.0.0", "b ?", "c 1.0.0", "c ?", "d 1.0.0",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_ran_when_the_program_was_built_is_not_in_it() {
        let graph = graph(&[
            "a 1.0.0 a-derive paste cc native-sys",
            "a-derive 1.0.0 proc-macro2 helper",
            "proc-macro2 1.0.0 unicode-ident",
            "helper 1.0.0",
            "unicode-ident 1.0.0",
            "paste 1.0.0",
            "cc 1.0.0 shlex",
            "shlex 1.0.0",
            "native-sys 1.0.0 libc fs_extra",
            "libc 0.2.0",
            "fs_extra 1.0.0",
        ]);
        let found = linked(&graph, Platform::Unix, &["a 1.0.0"], &[]);
        assert_eq!(found, ["a 1.0.0", "libc 0.2.0", "native-sys 1.0.0"]);
    }

    #[test]
    fn what_is_for_other_systems_is_not_in_it() {
        let graph = graph(&[
            "a 1.0.0 windows-sys winapi-util rustix security-framework js-sys hermit-abi wasi webpki",
            "windows-sys 1.0.0",
            "winapi-util 1.0.0",
            "rustix 1.0.0 linux-raw-sys",
            "linux-raw-sys 1.0.0",
            "security-framework 1.0.0",
            "js-sys 1.0.0",
            "hermit-abi 1.0.0",
            "wasi 1.0.0",
            "webpki 1.0.0",
        ]);
        for (platform, expected) in [
            (Platform::Unix, &["linux-raw-sys", "rustix", "webpki"][..]),
            (Platform::Windows, &["webpki", "winapi-util", "windows-sys"]),
            (Platform::Apple, &["rustix", "security-framework", "webpki"]),
        ] {
            let mut found = linked(&graph, platform, &["a 1.0.0"], &[]);
            assert_eq!(found.remove(0), "a 1.0.0");
            let expected: Vec<_> = expected
                .iter()
                .map(|name| format!("{name} 1.0.0"))
                .collect();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn what_would_show_and_does_not_is_not_taken_to_be_there() {
        let rows = [
            "a 1.0.0 large x",
            "large 1.0.0 x y z",
            "x 1.0.0",
            "y 1.0.0",
            "z 1.0.0",
        ];
        let graph = graph(&rows);
        let found = linked(&graph, Platform::Unix, &["a 1.0.0"], &[]);
        assert_eq!(found, ["a 1.0.0", "x 1.0.0"]);
        let found = linked(&graph, Platform::Unix, &["a 1.0.0", "y 1.0.0"], &[]);
        assert_eq!(found.len(), 5);
    }

    #[test]
    fn serde_that_is_named_for_its_version_alone_is_not_in_it() {
        let graph = graph(&[
            "a 1.0.0 serde serde_core",
            "b 1.0.0 serde",
            "serde 1.0.0 serde_core",
            "serde_core 1.0.0",
        ]);
        let found = linked(&graph, Platform::Unix, &["a 1.0.0"], &[]);
        assert_eq!(found, ["a 1.0.0", "serde_core 1.0.0"]);
        let found = linked(&graph, Platform::Unix, &["b 1.0.0"], &[]);
        assert_eq!(found, ["b 1.0.0", "serde 1.0.0", "serde_core 1.0.0"]);
    }

    #[test]
    fn crates_of_the_program_itself_are_no_third_partys() {
        let graph = graph(&["+rayon 1.0.0", "a 1.0.0"]);
        let found = linked(&graph, Platform::Unix, &["a 1.0.0", "rayon"], &[]);
        assert_eq!(found, ["a 1.0.0"]);
    }

    #[test]
    fn packages_that_need_one_another_are_no_trouble() {
        let graph = graph(&["a 1.0.0 b", "b 1.0.0 a b gone"]);
        let found = linked(&graph, Platform::Unix, &["a 1.0.0"], &[]);
        assert_eq!(found, ["a 1.0.0", "b 1.0.0"]);
    }
}
