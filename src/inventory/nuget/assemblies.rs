//! What was seen of .NET assemblies, which is settled once all is known: a program's `deps.json` and the specification of a
//! package say better what their files are of.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::component::{Ecosystem, Evidence};
use crate::finding::{self, EntryPath};
use crate::inspect::Observations;

#[derive(Clone, Debug, Default)]
pub struct Assemblies {
    pub found: Vec<FoundAssembly>,
    /// The core libraries of .NET itself.
    pub runtimes: Vec<EntryPath>,
    pub described: Vec<Described>,
}

/// An assembly of a well-known package.
#[derive(Clone, Debug)]
pub struct FoundAssembly {
    pub path: EntryPath,
    pub package: String,
    pub stated: Stated,
    /// Whether it is a part of .NET, or of a package that is built with it.
    pub is_dotnets: bool,
}

/// What an assembly says of its package's version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stated {
    Version(String),
    Range(String),
    Nothing,
}

/// A file that says of what the files in its folder are.
#[derive(Clone, Debug)]
pub struct Described {
    pub by: EntryPath,
    /// The names of the assemblies, in lower case; none where all are described.
    pub files: Option<HashSet<String>>,
}

impl Described {
    fn rows(&self) -> usize {
        self.files.as_ref().map_or(0, HashSet::len)
    }
}

type Folder = (Arc<str>, String);

/// Whether all in a folder is described, or else which files.
type Names = (bool, HashSet<String>);

impl Assemblies {
    /// How many assemblies there are, and names of some.
    pub fn rows(&self) -> usize {
        self.found.len() + self.described.iter().map(Described::rows).sum::<usize>()
    }

    /// Keeps the first assemblies, and those lists of names that there is room for.
    pub fn truncate(&mut self, mut room: usize) {
        self.found.truncate(room);
        room -= self.found.len();
        self.described.retain(|described| {
            let fits = described.rows() <= room;
            room -= if fits { described.rows() } else { 0 };
            fits
        });
    }

    /// Keeps what was seen at paths that `visible` is true of.
    pub fn retain(&mut self, visible: impl Fn(&EntryPath) -> bool) {
        self.found.retain(|assembly| visible(&assembly.path));
        self.runtimes.retain(|path| visible(path));
        self.described.retain(|described| visible(&described.by));
    }

    pub fn append(&mut self, other: Assemblies) {
        self.found.extend(other.found);
        self.runtimes.extend(other.runtimes);
        self.described.extend(other.described);
    }
}

/// Adds the packages of those assemblies that nothing else describes.
pub fn add_assemblies(seen: &mut Observations) {
    let Assemblies {
        found,
        runtimes,
        described,
    } = std::mem::take(&mut seen.assemblies);
    let runtimes: HashSet<Folder> = runtimes.iter().map(folder).collect();
    let mut by_folder: HashMap<Arc<str>, HashMap<String, Names>> = HashMap::new();
    for described in described {
        let (container, folder) = folder(&described.by);
        let folders = by_folder.entry(container).or_default();
        let (are_all, files) = folders.entry(folder).or_default();
        match described.files {
            Some(names) => files.extend(names),
            None => *are_all = true,
        }
    }
    for assembly in found {
        let path = &assembly.path;
        let name = path.file_name().to_ascii_lowercase();
        // Most often nothing is described, and then no folder need be looked up.
        let is_described = by_folder.get(path.container()).is_some_and(|by_folder| {
            folders(path).any(|folder| {
                let described = by_folder.get(folder);
                described.is_some_and(|(are_all, files)| *are_all || files.contains(&name))
            })
        });
        if is_described || (assembly.is_dotnets && runtimes.contains(&folder(path))) {
            continue;
        }
        let (ecosystem, evidence) = (Ecosystem::NuGet, Evidence::Fingerprint);
        let (name, path) = (assembly.package, assembly.path);
        match assembly.stated {
            Stated::Version(version) => seen.component(ecosystem, name, version, evidence, path),
            Stated::Range(range) => seen.unversioned(ecosystem, name, &range, evidence, path),
            Stated::Nothing => seen.named(ecosystem, name, None, evidence, path),
        }
    }
}

fn folder(path: &EntryPath) -> Folder {
    (Arc::clone(path.container()), path.parent().to_owned())
}

/// The folders that a file is in, and the root.
fn folders(path: &EntryPath) -> impl Iterator<Item = &str> {
    std::iter::once("").chain(finding::folders(path.inner()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(inner: &str) -> EntryPath {
        EntryPath::new(&Arc::from("fn.zip!/"), inner)
    }

    fn found(inner: &str, is_dotnets: bool) -> FoundAssembly {
        FoundAssembly {
            path: path(inner),
            package: "A".to_owned(),
            stated: Stated::Nothing,
            is_dotnets,
        }
    }

    /// The paths of the assemblies that are added.
    fn added(assemblies: Assemblies) -> Vec<String> {
        let mut seen = Observations {
            assemblies,
            ..Observations::default()
        };
        add_assemblies(&mut seen);
        let components = seen.components.iter();
        components
            .map(|c| c.location.path.inner().to_owned())
            .collect()
    }

    #[test]
    fn what_a_program_lists_is_not_named_again() {
        let listed = Described {
            by: path("app/Fn.deps.json"),
            files: Some(HashSet::from(["a.dll".to_owned()])),
        };
        let paths = [
            "app/A.dll",
            "app/runtimes/win/lib/net8.0/A.dll",
            "app/B.dll",
            "other/A.dll",
            "A.dll",
        ];
        let assemblies = Assemblies {
            found: paths.map(|path| found(path, true)).into(),
            runtimes: Vec::new(),
            described: vec![listed],
        };
        assert_eq!(added(assemblies), ["app/B.dll", "other/A.dll", "A.dll"]);
    }

    #[test]
    fn no_more_folders_are_looked_at_than_people_nest() {
        assert_eq!(
            folders(&path("a/b/A.dll")).collect::<Vec<_>>(),
            ["", "a", "a/b"]
        );
        assert_eq!(folders(&path("A.dll")).collect::<Vec<_>>(), [""]);
        assert!(folders(&path(&"a/".repeat(2000))).count() < 300);
    }

    #[test]
    fn all_in_a_packages_folder_is_of_the_package() {
        let spec = Described {
            by: path("packages/A.1.0.0/A.nuspec"),
            files: None,
        };
        let paths = ["packages/A.1.0.0/lib/net45/A.dll", "packages/A.dll"];
        let assemblies = Assemblies {
            found: paths.map(|path| found(path, false)).into(),
            runtimes: Vec::new(),
            described: vec![spec],
        };
        assert_eq!(added(assemblies), ["packages/A.dll"]);
    }

    #[test]
    fn beside_dotnets_core_library_its_own_assemblies_are_a_part_of_it() {
        let assemblies = Assemblies {
            found: vec![
                found("fn/A.dll", true),
                found("fn/B.dll", false),
                found("A.dll", true),
            ],
            runtimes: vec![path("fn/System.Private.CoreLib.dll")],
            described: Vec::new(),
        };
        assert_eq!(added(assemblies), ["fn/B.dll", "A.dll"]);
    }
}
