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

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Deserialize;

use super::program::NamedCrates;
use super::purpose::{self, is_for};
use crate::component::{Ecosystem, Evidence, ObservedComponent};
use crate::finding::EntryPath;
use crate::inspect::Entry;
use crate::inventory::binary::Platform;
use crate::inventory::lenient::{Lenient, Text};
use crate::inventory::read;

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
        Some(Graph { packages })
    }
}

/// So many crates by name alone, as of a program with vendored sources, tell that a lock file is the program's.
const NAMES_OF_A_PROOF: usize = 3;

/// How many programs are looked at: a deployment has a few from one lock file.
const MAX_PROGRAMS: usize = 100;

/// Adds the packages of lock files that must be in the programs. Names that a lock file says are the program's own are
/// dropped.
pub fn add_linked(
    observed: &mut Vec<ObservedComponent>,
    programs: &[NamedCrates],
    graphs: &[Graph],
) {
    for graph in graphs {
        let own = graph.own_names();
        let is_own =
            |row: &ObservedComponent| row.version.is_none() && own.contains(&comparable(&row.name));
        for program in programs.iter().take(MAX_PROGRAMS) {
            let shown = Shown::of(program, observed);
            if let Some(seen) = graph.seen(&shown, program) {
                observed.retain(|row| !is_of(row, &program.program) || !is_own(row));
                let linked = graph.linked(&seen, program.platform);
                let missing = linked.iter().filter_map(|&index| graph.packages.get(index));
                let missing = missing.filter(|package| !shown.has(package));
                observed.extend(missing.map(|package| package.linked_into(&program.program)));
            }
        }
    }
}

/// Whether a row is a crate that a program shows.
fn is_of(row: &ObservedComponent, program: &EntryPath) -> bool {
    row.ecosystem == Ecosystem::CratesIo
        && row.evidence == Evidence::Fingerprint
        && row.location.path == *program
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
    fn of(program: &NamedCrates, observed: &[ObservedComponent]) -> Self {
        let mut shown = Shown {
            versions: BTreeSet::new(),
            names: program.names.iter().map(|name| comparable(name)).collect(),
        };
        for row in observed.iter().filter(|row| is_of(row, &program.program)) {
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
    /// The places of the packages that a program shows; none if it was not built from this lock file.
    fn seen(&self, shown: &Shown, program: &NamedCrates) -> Option<BTreeSet<usize>> {
        let mut by_name: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, package) in self.packages.iter().enumerate() {
            let places = by_name.entry(comparable(&package.name)).or_default();
            places.push(index);
        }
        let mut seen = BTreeSet::new();
        for (name, version) in &shown.versions {
            let mut places = by_name.get(name)?.iter();
            seen.insert(*places.find(|&&index| self.packages[index].version == *version)?);
        }
        for name in &shown.names {
            // Of several versions, those are in the program that others in it need.
            if let Some([index]) = by_name.get(name).map(Vec::as_slice)
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
        let mut asked_by: Vec<Vec<usize>> = vec![Vec::new(); self.packages.len()];
        for (index, package) in self.packages.iter().enumerate() {
            for &need in &package.needs {
                asked_by[need].push(index);
            }
        }
        let mut known = BTreeSet::new();
        let mut queue: Vec<usize> = seen.iter().copied().collect();
        while let Some(index) = queue.pop() {
            if !known.insert(index) {
                continue;
            }
            if let [asker] = asked_by[index][..]
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
        add_linked(
            &mut seen.components,
            &[program],
            std::slice::from_ref(graph),
        );
        let mut rows: Vec<String> = seen
            .components
            .iter()
            .map(|row| format!("{} {}", row.name, row.version.as_deref().unwrap_or("?")))
            .collect();
        rows.sort();
        rows
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
