//! Whose each file is: the installed package that brought it, or nobody's, and then it is the function's own.
//!
//! A file belongs to the innermost package that owns it. Of a wheel that is what its `RECORD` lists, and what was made
//! in the same folders later; of an npm package its folder, but for the `node_modules` in it; of a jar the file. What is
//! compiled into a program, or copied into another package, has no files of its own.

use std::collections::{HashMap, HashSet};

use super::modules::{module_names, module_of};
use super::{Amount, Part};
use crate::component::{Component, Ecosystem, Evidence, Scope};
use crate::finding::EntryPath;
use crate::inspect::ObservedFile;
use crate::inventory::npm::layout;
use crate::inventory::pypi::record;

/// A file of the deployment, and whose it is.
#[derive(Clone, Copy, Debug)]
pub struct Placed<'a> {
    pub file: &'a ObservedFile,
    /// Its place among the artifacts of the deployment.
    pub part: usize,
    pub owner: Option<Owner<'a>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner<'a> {
    /// Its place among the components.
    pub component: usize,
    pub ecosystem: Ecosystem,
    /// The folder that it is installed in: of an npm package its own, of a wheel `site-packages` or what stands for it.
    pub folder: Option<&'a str>,
}

impl<'a> Placed<'a> {
    pub fn path(&self) -> &'a str {
        self.file.path.inner()
    }

    /// The path within the folder that its package of that ecosystem is installed in.
    pub fn within(&self, ecosystem: Ecosystem) -> Option<&'a str> {
        let owner = self.owner.filter(|owner| owner.ecosystem == ecosystem)?;
        below(self.path(), owner.folder?)
    }

    pub fn is_of(&self, ecosystem: Ecosystem) -> bool {
        self.owner.is_some_and(|owner| owner.ecosystem == ecosystem)
    }
}

/// Folders that wheels leave beside their packages by mistake, or that many share: what else is in one may be the
/// function's own.
const COMMON_FOLDERS: &[&str] = &[
    "benchmarks",
    "bin",
    "docs",
    "examples",
    "scripts",
    "src",
    "test",
    "tests",
    "tools",
];

/// Bytes of names of folders that are kept. The largest functions have some megabytes; lists of made-up files in folders
/// of many parts would have gigabytes.
const MAX_FOLDER_BYTES: usize = 64 * 1024 * 1024;

/// A place among the components, and how long the path of the folder is that it is installed in.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Claim {
    owner: usize,
    home: usize,
}

/// Who owns what in one archive or folder.
#[derive(Default)]
struct Claims {
    files: HashMap<Box<str>, Claim>,
    /// None where several packages have files.
    folders: HashMap<Box<str>, Option<Claim>>,
    folder_bytes: usize,
    /// Archives with packages in them; likewise.
    archives: HashMap<Box<str>, Option<usize>>,
    /// Files of what is known by its code alone; any package comes before it.
    weak: HashMap<Box<str>, usize>,
}

impl Claims {
    fn file(&mut self, file: &str, owner: usize, home: &str) {
        let home = home.len();
        self.files.insert(file.into(), Claim { owner, home });
    }

    fn folder(&mut self, folder: &str, owner: usize, home: &str) {
        let home = home.len();
        let new = Some(Claim { owner, home });
        match self.folders.get_mut(folder) {
            Some(claim) if *claim != new => *claim = None,
            Some(_) => {}
            None if self.folder_bytes + folder.len() <= MAX_FOLDER_BYTES => {
                self.folder_bytes += folder.len();
                self.folders.insert(folder.into(), new);
            }
            None => {}
        }
    }

    /// A folder and those around it, below the one that packages are installed in: where they lie beside the function's
    /// own files, that one is nobody's.
    fn folders_up_to(&mut self, folder: &str, owner: usize, home: &str) {
        let is_anybodys = |name: &str| COMMON_FOLDERS.contains(&name);
        let is_below = |folder: &&str| {
            let within = below(folder, home);
            within.is_some_and(|within| !within.split('/').next().is_some_and(is_anybodys))
        };
        for folder in folders_around(folder).take_while(is_below) {
            self.folder(folder, owner, home);
        }
    }

    fn listed(&self, file: &str) -> Option<Claim> {
        self.files.get(file).copied()
    }

    /// That of the folder, or of the nearest one above it that is anybody's.
    fn around(&self, folder: &str) -> Option<Claim> {
        let around = folders_around(folder);
        around
            .filter_map(|folder| self.folders.get(folder))
            .next()
            .copied()?
    }

    /// Likewise of a file whose archive or code is all that is known.
    fn by_content(&self, file: &str) -> Option<Claim> {
        let archive = self.archives.get(file).copied().flatten();
        let owner = archive.or_else(|| self.weak.get(file).copied())?;
        let home = file.rsplit_once('/').map_or(0, |(folder, _)| folder.len());
        Some(Claim { owner, home })
    }
}

/// Who owns what in all of a deployment, by container.
pub struct Ownership<'a> {
    packages: &'a [Component],
    claims: HashMap<&'a str, Claims>,
}

impl<'a> Ownership<'a> {
    pub fn of(parts: &'a [Part], packages: &'a [Component]) -> Self {
        let mut ownership = Ownership {
            packages,
            claims: HashMap::new(),
        };
        let containers = parts.iter().flat_map(|part| &part.files);
        for file in containers.filter(|file| file.is_deployed) {
            ownership.claims.entry(file.path.container()).or_default();
        }
        for (index, component) in packages.iter().enumerate() {
            if component.scope == Scope::Shipped {
                ownership.claim_places(index, component);
            }
        }
        let listed = ownership.claim_listed(parts);
        ownership.claim_by_name(parts, &listed);
        ownership.claim_by_code();
        ownership
    }

    /// The package whose manifest is at that path, if it is one that owns its folder.
    pub fn of_manifest(&self, manifest: &EntryPath) -> Option<usize> {
        self.of_folder(manifest.container(), manifest.parent())
    }

    pub fn of_folder(&self, container: &str, folder: &str) -> Option<usize> {
        let claims = self.claims.get(container)?;
        claims.folders.get(folder)?.map(|claim| claim.owner)
    }

    /// Every deployed file with its owner, by artifact and path.
    pub fn place(&self, parts: &'a [Part]) -> Vec<Placed<'a>> {
        let mut placed: Vec<Placed> = Vec::new();
        for (part, files) in parts.iter().enumerate() {
            let deployed = files.files.iter().filter(|file| file.is_deployed);
            placed.extend(deployed.map(|file| Placed {
                file,
                part,
                owner: self.owner(&file.path),
            }));
        }
        placed.sort_by(|a, b| (a.part, &a.file.path).cmp(&(b.part, &b.file.path)));
        placed
    }

    fn owner(&self, path: &'a EntryPath) -> Option<Owner<'a>> {
        let claims = self.claims.get(&**path.container())?;
        let inner = path.inner();
        let compiled = || claims.listed(&compiled_from(path)?);
        let claim = claims
            .listed(inner)
            .or_else(compiled)
            .or_else(|| claims.around(path.parent()))
            .or_else(|| claims.by_content(inner))?;
        Some(Owner {
            component: claim.owner,
            ecosystem: self.packages.get(claim.owner)?.ecosystem,
            folder: inner.get(..claim.home),
        })
    }

    /// What the places of a component say by themselves.
    fn claim_places(&mut self, index: usize, component: &Component) {
        let places = component.locations.iter();
        for location in places.filter(|location| location.vendored_in.is_none()) {
            let path = &location.path;
            let Some(claims) = self.claims.get_mut(&**path.container()) else {
                self.claim_archive(component, index, path);
                continue;
            };
            match component.ecosystem {
                Ecosystem::Npm if layout::is_package_manifest(path) => {
                    claims.folder(path.parent(), index, path.parent());
                }
                Ecosystem::PyPi if component.evidence == Evidence::Installed => {
                    if is_metadata_folder(path.parent()) {
                        claims.folder(path.parent(), index, parent(path.parent()));
                    } else if path.file_name().ends_with(".egg-info") {
                        claims.file(path.inner(), index, path.parent());
                    }
                }
                Ecosystem::RubyGems => {
                    if let Some((folder, gem)) = gem_folder(path) {
                        claims.folder(&folder, index, &folder);
                        claims.file(gem, index, path.parent());
                    }
                }
                Ecosystem::Maven if path.file_name().ends_with(".jar") => {
                    claims.file(path.inner(), index, path.parent());
                }
                Ecosystem::Go if path.inner().ends_with("vendor/modules.txt") => {
                    let folder = format!("{}/{}", path.parent(), component.name);
                    claims.folder(&folder, index, &folder);
                }
                Ecosystem::Packagist
                    if path.inner().ends_with("vendor/composer/installed.json") =>
                {
                    let vendor = path.parent().trim_end_matches("/composer");
                    let folder = format!("{vendor}/{}", component.name);
                    claims.folder(&folder, index, &folder);
                }
                // What is measured already is a file as a whole.
                Ecosystem::Generic if component.size_bytes.is_some() => {
                    claims.weak.insert(path.inner().into(), index);
                }
                _ => {}
            }
        }
    }

    /// A package in an archive of the artifact, such as a jar: the archive is its if it bears its name, or if nobody
    /// else is in it.
    fn claim_archive(&mut self, component: &Component, index: usize, path: &EntryPath) {
        let chain = path.to_string();
        let around = self.claims.keys().filter(|key| chain.starts_with(**key));
        let Some(container) = around.max_by_key(|key| key.len()).copied() else {
            return;
        };
        let inside = &chain[container.len()..];
        let file = inside.split_once("!/").map_or(inside, |(file, _)| file);
        let Some(claims) = self.claims.get_mut(container) else {
            return;
        };
        let file_name = file.rsplit_once('/').map_or(file, |(_, name)| name);
        let name = component.name.rsplit_once(':');
        if name.is_some_and(|(_, artifact)| file_name.starts_with(artifact)) {
            claims.file(file, index, parent(file));
            return;
        }
        let claim = claims.archives.entry(file.into()).or_insert(Some(index));
        if *claim != Some(index) {
            *claim = None;
        }
    }

    /// What wheels list. Returns the metadata folders that have a list.
    fn claim_listed(&mut self, parts: &'a [Part]) -> HashSet<&'a EntryPath> {
        let mut listed = HashSet::new();
        for record in parts.iter().flat_map(|part| &part.records) {
            let Some(index) = self.of_manifest(&record.path) else {
                continue;
            };
            let Some(claims) = self.claims.get_mut(&**record.path.container()) else {
                continue;
            };
            listed.insert(&record.path);
            let site = parent(record.path.parent());
            let mut last = String::new();
            for row in record::rows(&record.path, &record.text) {
                let home = site.len();
                let claim = Claim { owner: index, home };
                let folder = parent(&row.inner);
                if folder != last {
                    claims.folders_up_to(folder, index, site);
                    folder.clone_into(&mut last);
                }
                claims.files.entry(row.inner.into()).or_insert(claim);
            }
        }
        listed
    }

    /// A wheel without its list has the folders and the module of its name.
    fn claim_by_name(&mut self, parts: &'a [Part], listed: &HashSet<&'a EntryPath>) {
        let listed: HashSet<(&str, &str)> = listed
            .iter()
            .map(|path| (&**path.container(), path.parent()))
            .collect();
        let mut folders: HashSet<(&str, &str)> = HashSet::new();
        for file in parts.iter().flat_map(|part| &part.files) {
            if file.is_deployed {
                folders.insert((file.path.container(), file.path.parent()));
            }
        }
        for (index, component) in self.packages.iter().enumerate() {
            if component.ecosystem != Ecosystem::PyPi || component.evidence != Evidence::Installed {
                continue;
            }
            for location in &component.locations {
                let path = &location.path;
                let container: &str = path.container();
                let metadata = path.parent();
                if listed.contains(&(container, metadata)) || !is_metadata_folder(metadata) {
                    continue;
                }
                let Some(claims) = self.claims.get_mut(container) else {
                    continue;
                };
                let site = parent(metadata);
                let separator = if site.is_empty() { "" } else { "/" };
                for name in module_names(&component.name) {
                    let folder = format!("{site}{separator}{name}");
                    let home = site.len();
                    let claim = Claim { owner: index, home };
                    let module = format!("{folder}.py");
                    claims.files.entry(module.into()).or_insert(claim);
                    if folders.contains(&(container, &folder)) {
                        claims.folder(&folder, index, site);
                    }
                    claims.folder(&format!("{folder}.libs"), index, site);
                }
            }
        }
    }
}

impl Ownership<'_> {
    /// Python packages whose metadata was removed, and that are known by their code: the folder or the module of their
    /// names that it is in, unless that is another's.
    fn claim_by_code(&mut self) {
        let mut found: Vec<(usize, &EntryPath)> = Vec::new();
        for (index, component) in self.packages.iter().enumerate() {
            if component.ecosystem == Ecosystem::PyPi
                && component.scope == Scope::Shipped
                && component.evidence != Evidence::Installed
            {
                let places = component.locations.iter();
                let places = places.filter(|location| location.vendored_in.is_none());
                found.extend(places.map(|location| (index, &location.path)));
            }
        }
        // What is copied into a package lies deeper than that.
        found.sort_by_key(|(_, path)| path.inner().len());
        for (index, path) in found {
            let Some(claims) = self.claims.get_mut(&**path.container()) else {
                continue;
            };
            let names = module_names(&self.packages[index].name);
            let module = names.iter().find_map(|name| module_of(path, name));
            let Some((site, is_folder)) = module.filter(|(site, _)| claims.around(site).is_none())
            else {
                continue;
            };
            if is_folder {
                claims.folder(path.parent(), index, site);
            } else {
                claims.file(path.inner(), index, site);
            }
        }
    }
}

/// What each component owns, and what nobody does.
pub fn by_component(placed: &[Placed], components: usize) -> (Vec<Amount>, Amount) {
    let mut amounts = vec![Amount::default(); components];
    let mut own = Amount::default();
    for file in placed {
        let amount = match file.owner {
            Some(owner) => amounts.get_mut(owner.component),
            None => None,
        };
        amount.unwrap_or(&mut own).add(file.file);
    }
    (amounts, own)
}

/// How many folders around one are looked at: more than people nest, so that made-up paths cost no more than real ones.
const MAX_FOLDERS: usize = 64;

/// The folder and those around it, the innermost first, without the root.
pub fn folders_around(folder: &str) -> impl Iterator<Item = &str> {
    let innermost = Some(folder).filter(|folder| !folder.is_empty());
    std::iter::successors(innermost, |folder| Some(folder.rsplit_once('/')?.0)).take(MAX_FOLDERS)
}

/// The path within that folder, which may be the root.
fn below<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    match folder {
        "" => Some(path),
        folder => path.strip_prefix(folder)?.strip_prefix('/'),
    }
}

fn parent(folder: &str) -> &str {
    folder.rsplit_once('/').map_or("", |(parent, _)| parent)
}

fn is_metadata_folder(folder: &str) -> bool {
    folder.ends_with(".dist-info") || folder.ends_with(".egg-info")
}

/// `a/b.py` of `a/__pycache__/b.cpython-312.pyc`: <https://peps.python.org/pep-3147/>.
fn compiled_from(path: &EntryPath) -> Option<String> {
    let name = path.file_name().strip_suffix(".pyc")?;
    let (module, _) = name.split_once('.')?;
    let folder = path.parent().strip_suffix("__pycache__")?;
    Some(format!("{folder}{module}.py"))
}

/// The folder of the gem that `specifications/NAME.gemspec` is about, and that path.
fn gem_folder(path: &EntryPath) -> Option<(String, &str)> {
    let (home, file) = path.inner().rsplit_once("specifications/")?;
    let name = file.strip_suffix(".gemspec")?;
    let name = name.strip_prefix("default/").unwrap_or(name);
    Some((format!("{home}gems/{name}"), path.inner()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_around_end_below_the_root_and_after_enough() {
        let found: Vec<&str> = folders_around("a/b/c").collect();
        assert_eq!(found, ["a/b/c", "a/b", "a"]);
        assert_eq!(folders_around("").count(), 0);
        assert_eq!(folders_around(&"a/".repeat(10_000)).count(), MAX_FOLDERS);
    }

    #[test]
    fn folders_that_begin_alike_are_not_within_each_other() {
        assert_eq!(below("lib/a.py", "lib"), Some("a.py"));
        assert_eq!(below("lib64/a.py", "lib"), None);
        assert_eq!(below("a.py", ""), Some("a.py"));
        let mut claims = Claims::default();
        claims.folders_up_to("lib64/a", 1, "lib");
        claims.folders_up_to("lib/tests/data", 1, "lib");
        assert!(claims.folders.is_empty());
        claims.folders_up_to("lib/a/tests", 1, "lib");
        assert_eq!(claims.folders.len(), 2);
    }

    #[test]
    fn bytecode_is_of_the_module_beside_its_folder() {
        let source = |inner: &str| compiled_from(&EntryPath::new(&"fn.zip!/".into(), inner));
        let six = Some("a/six.py".to_owned());
        assert_eq!(source("a/__pycache__/six.cpython-312.pyc"), six);
        assert_eq!(source("a/__pycache__/six.cpython-312.opt-1.pyc"), six);
        assert_eq!(
            source("__pycache__/six.cpython-39.pyc").as_deref(),
            Some("six.py")
        );
        assert_eq!(source("a/six.cpython-39.pyc"), None);
    }

    #[test]
    fn gems_lie_beside_their_specifications() {
        let path = EntryPath::new(
            &"fn.zip!/".into(),
            "ruby/3.3.0/specifications/a-1.0.gemspec",
        );
        let (folder, specification) = gem_folder(&path).unwrap();
        assert_eq!(folder, "ruby/3.3.0/gems/a-1.0");
        assert_eq!(specification, path.inner());
    }
}
