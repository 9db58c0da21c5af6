//! From traces to packages: which distribution lies in a folder, in which version, and what is known of it already.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::place::is_import_root;
use super::table::{MODULES, Module};
use super::traces::{CodeTrace, Pin, Traces, VendoredPackage};
use crate::component::{Ecosystem, Evidence, ObservedComponent};
use crate::finding::{EntryPath, Location};
use crate::inspect::Observations;

/// A folder of an archive.
type Folder = (Arc<str>, Arc<str>);

/// Adds the packages that the traces tell of, but for those whose own metadata lies beside them. `owned` are the files
/// that installed packages list as their own. Returns what could not be read of a package whose version is not known.
pub fn add_copies(
    observations: &mut Observations,
    owned: &HashSet<EntryPath>,
) -> Vec<(Location, String)> {
    let traces = std::mem::take(&mut observations.python);
    let mut unread = Vec::new();
    if traces.is_empty() {
        return unread;
    }
    let mut known = installed(&observations.components);
    let pinned = shipped_pins(&traces, &known);
    for (folder, pin) in pinned {
        known.entry(folder).or_default().insert(normal(&pin.name));
        add(
            observations,
            &pin.name,
            Some(pin.version.clone()),
            Evidence::Embedded,
            pin.location.clone(),
        );
    }
    let unowned = traces
        .code
        .into_iter()
        .filter(|trace| !owned.contains(&trace.location.path));
    for copy in copies(unowned) {
        let names = known.get(&copy.folder);
        let is_known = |name: &&str| names.is_some_and(|names| names.contains(&normal(name)));
        let module = copy.module;
        if !std::iter::once(&module.name)
            .chain(module.published_as)
            .any(is_known)
        {
            unread.extend(copy.unread);
            if copy.is_certain {
                let evidence = Evidence::Fingerprint;
                add(
                    observations,
                    module.name,
                    copy.version,
                    evidence,
                    copy.location,
                );
            }
        }
    }
    unread
}

fn add(
    observations: &mut Observations,
    name: &str,
    version: Option<String>,
    evidence: Evidence,
    location: Location,
) {
    match version {
        Some(version) => {
            observations.component(Ecosystem::PyPi, name, version, evidence, location);
        }
        None => observations.named(Ecosystem::PyPi, name, None, evidence, location),
    }
}

fn normal(name: &str) -> String {
    Ecosystem::PyPi.normalize_name(name)
}

fn folder_of(path: &EntryPath, folder: &str) -> Folder {
    (Arc::clone(path.container()), folder.into())
}

/// The packages that have metadata, by the folder that they are installed in.
fn installed(components: &[ObservedComponent]) -> HashMap<Folder, HashSet<String>> {
    let mut installed: HashMap<Folder, HashSet<String>> = HashMap::new();
    for component in components {
        if component.ecosystem != Ecosystem::PyPi || component.evidence != Evidence::Installed {
            continue;
        }
        let path = &component.location.path;
        let is_metadata = |part: &str| {
            [".dist-info", ".egg-info", "EGG-INFO"]
                .iter()
                .any(|end| part.ends_with(end))
        };
        let mut before = path.inner();
        let site = loop {
            let (parent, last) = before.rsplit_once('/').unwrap_or(("", before));
            if is_metadata(last) || parent.is_empty() {
                break parent;
            }
            before = parent;
        };
        let names = installed.entry(folder_of(path, site)).or_default();
        names.insert(normal(&component.name));
    }
    installed
}

/// The pins whose packages lie in the folder of their list and have no metadata there.
fn shipped_pins<'a>(
    traces: &'a Traces,
    installed: &HashMap<Folder, HashSet<String>>,
) -> Vec<(Folder, &'a Pin)> {
    let mut present: HashMap<Folder, HashSet<&str>> = HashMap::new();
    for VendoredPackage {
        path,
        folder,
        import,
    } in &traces.vendored
    {
        let folder = (Arc::clone(path.container()), Arc::clone(folder));
        present.entry(folder).or_default().insert(import);
    }
    let imports = imports_by_name();
    let mut shipped = Vec::new();
    for pin in &traces.pins {
        let folder = folder_of(&pin.location.path, pin.location.path.parent());
        let name = normal(&pin.name);
        let has_metadata = installed
            .get(&folder)
            .is_some_and(|names| names.contains(&name));
        let Some(present) = present.get(&folder).filter(|_| !has_metadata) else {
            continue;
        };
        let by_name = [name.replace('-', "_"), name.replace('-', "/")];
        let known = imports.get(&name).into_iter().flatten();
        if by_name
            .iter()
            .chain(known)
            .any(|import| present.contains(import.as_str()))
        {
            shipped.push((folder, pin));
        }
    }
    shipped
}

/// What the distributions of the table are imported as, by their normal names.
pub(super) fn imports_by_name() -> HashMap<String, Vec<String>> {
    let mut imports: HashMap<String, Vec<String>> = HashMap::new();
    for module in &MODULES {
        let files = module.files.iter();
        imports
            .entry(normal(module.name))
            .or_default()
            .extend(files.map(|file| file.import()));
    }
    imports
}

/// A distribution of the table in a folder.
struct Copy {
    module: &'static Module,
    folder: Folder,
    version: Option<String>,
    location: Location,
    /// Whether it is reported. What a package has a copy of is in no lock file, which would be asked for a version that
    /// is not known.
    is_certain: bool,
    /// The file that would state the version if it could be read.
    unread: Option<(Location, String)>,
}

fn copies(traces: impl Iterator<Item = CodeTrace>) -> Vec<Copy> {
    let mut folders: BTreeMap<Folder, BTreeMap<usize, Vec<CodeTrace>>> = BTreeMap::new();
    for trace in traces {
        let folder = (
            Arc::clone(trace.location.path.container()),
            Arc::clone(&trace.root),
        );
        let rows = folders.entry(folder).or_default();
        rows.entry(trace.row).or_default().push(trace);
    }
    let mut copies = Vec::new();
    for (folder, rows) in folders {
        for (row, mut traces) in rows {
            let is_marked = traces.iter().any(|trace| trace.is_marked);
            // The source first, and what states a version.
            traces.sort_by(|a, b| {
                let rank = |trace: &CodeTrace| (trace.version.is_none(), trace.is_compiled);
                rank(a)
                    .cmp(&rank(b))
                    .then_with(|| a.location.cmp(&b.location))
            });
            // Beside a source that states none, its compiled form has none to add.
            let is_unread = |trace: &CodeTrace| trace.is_compiled && trace.version.is_none();
            let unread = traces.iter().all(is_unread).then(|| {
                let problem =
                    |trace: &CodeTrace| Some((trace.location.clone(), trace.problem.clone()?));
                traces.iter().find_map(problem)
            });
            let unread = unread.flatten();
            let Some(best) = traces.into_iter().next() else {
                continue;
            };
            if is_marked {
                copies.push(Copy {
                    module: &MODULES[row],
                    is_certain: best.version.is_some() || is_import_root(&folder.1),
                    folder: folder.clone(),
                    version: best.version,
                    location: best.location,
                    unread,
                });
            }
        }
    }
    copies
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::super::INSPECTORS;
    use super::*;
    use crate::component::Component;
    use crate::inspect::{Entry, Header};
    use crate::inventory::resolve::resolve;
    use crate::report::ReadError;

    fn resolved(files: &[(&str, &str)]) -> (Vec<Component>, Vec<ReadError>) {
        let mut seen = Observations::default();
        for (path, text) in files {
            let path = EntryPath::new(&Arc::from("fn.zip!/"), path);
            let bytes = text.as_bytes();
            let header = Header {
                path: &path,
                size: bytes.len() as u64,
                first_bytes: bytes,
            };
            for inspector in INSPECTORS.iter().filter(|i| i.wants(&header)) {
                inspector
                    .inspect(&Entry { path: &path, bytes }, &mut seen)
                    .unwrap();
            }
        }
        resolve(seen)
    }

    /// `name version evidence path,path` of each package that the files tell of.
    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let (components, errors) = resolved(files);
        assert_eq!(errors, []);
        let row = |c: &Component| {
            let version = c.version.as_deref().unwrap_or("?");
            let paths: Vec<&str> = c.locations.iter().map(|l| l.path.inner()).collect();
            format!("{} {version} {:?} {}", c.name, c.evidence, paths.join(","))
        };
        components.iter().map(row).collect()
    }

    const SIX: &str = "__version__ = \"1.16.0\"\nclass MovedAttribute: pass\n";
    const UNMARKED: &str = "__version__ = '1.16.0'\n";
    const METADATA: &str = "Name: six\nVersion: 1.16.0\n\n";

    #[test]
    fn a_copied_module_is_the_package_where_it_has_its_mark() {
        assert_eq!(
            found(&[("lib/six.py", SIX)]),
            ["six 1.16.0 Fingerprint lib/six.py"]
        );
        assert!(found(&[("lib/six.py", UNMARKED)]).is_empty());
        assert!(found(&[("app/__init__.py", UNMARKED)]).is_empty());
    }

    #[test]
    fn in_a_vendor_folder_it_is_a_package_of_its_own() {
        assert_eq!(
            found(&[("app/_vendor/six.py", SIX)]),
            ["six 1.16.0 Fingerprint app/_vendor/six.py"]
        );
        // botocore keeps the version of what it has dropped, and none of its code.
        assert!(found(&[("app/_vendor/six.py", UNMARKED)]).is_empty());
        assert!(found(&[("app/_vendor/unheard_of.py", SIX)]).is_empty());
        assert!(found(&[("app/_vendor/six.py", "# nothing\n")]).is_empty());
    }

    #[test]
    fn its_metadata_beside_it_says_better_what_it_is() {
        let metadata = ("lib/six-1.16.0.dist-info/METADATA", METADATA);
        let installed = "six 1.16.0 Installed lib/six-1.16.0.dist-info/METADATA";
        // Its author forgot to change the version.
        let stale = "__version__ = '1.15.0'\nclass MovedAttribute: pass\n";
        assert_eq!(found(&[metadata, ("lib/six.py", stale)]), [installed]);
        // Another copy is another package.
        assert_eq!(
            found(&[metadata, ("lib/a/six.py", stale)]),
            ["six 1.15.0 Fingerprint lib/a/six.py", installed]
        );
    }

    #[test]
    fn what_another_package_lists_as_its_own_is_its_own() {
        let record = (
            "lib/fork-1.0.dist-info/RECORD",
            "six.py,sha256=x,1\nfork/_vendor/six.py,sha256=x,1\n",
        );
        assert_eq!(
            found(&[record, ("lib/six.py", SIX)]),
            ["fork 1.0 Installed lib/fork-1.0.dist-info/RECORD"]
        );
        assert_eq!(
            found(&[record, ("lib/fork/_vendor/six.py", SIX)]),
            [
                "fork 1.0 Installed lib/fork-1.0.dist-info/RECORD",
                "six 1.16.0 Fingerprint lib/fork/_vendor/six.py"
            ]
        );
    }

    #[test]
    fn a_pin_counts_where_its_code_is() {
        let list = (
            "pip/_vendor/vendor.txt",
            "Unheard.Of==2.0\nsix==1.17.0  # why\nrequests==2.31.0\n    idna==3.4\n-r more.txt\n",
        );
        assert_eq!(
            found(&[
                list,
                ("pip/_vendor/unheard_of/__init__.py", ""),
                ("pip/_vendor/six.py", SIX),
                ("pip/_vendor/__pycache__/idna.cpython-311.pyc", ""),
            ]),
            [
                "idna 3.4 Embedded pip/_vendor/vendor.txt",
                "six 1.17.0 Embedded pip/_vendor/vendor.txt",
                "unheard-of 2.0 Embedded pip/_vendor/vendor.txt",
            ]
        );
        assert!(found(&[list, ("pip/_vendor/__init__.py", "")]).is_empty());
    }

    #[test]
    fn a_version_that_is_assigned_twice_is_none() {
        let twice = "__version__ = '1.0'\n__version__ = '2.0'\nclass MovedAttribute: pass\n";
        assert_eq!(found(&[("six.py", twice)]), ["six ? Fingerprint six.py"]);
    }

    #[test]
    fn compiled_code_whose_version_cannot_be_read_is_said_to_be_so() {
        let unknown = "I\u{e}\r\nMovedAttribute";
        for path in ["six.pyc", "a/_vendor/__pycache__/six.cpython-315.pyc"] {
            let (_, errors) = resolved(&[(path, unknown)]);
            let errors: Vec<_> = errors.iter().map(|e| e.path.inner()).collect();
            assert_eq!(errors, [path]);
        }
        // Without a mark it may be anybody's, and the source and the metadata say more than it would.
        for files in [
            &[("six.pyc", "I\u{e}\r\n")] as &[_],
            &[
                ("six.py", SIX),
                ("__pycache__/six.cpython-315.pyc", unknown),
            ],
            &[
                ("six.py", "class MovedAttribute: pass\n"),
                ("six.pyc", unknown),
            ],
            &[
                ("six-1.16.0.dist-info/METADATA", METADATA),
                ("six.pyc", unknown),
            ],
        ] {
            assert_eq!(resolved(files).1, [], "{files:?}");
        }
    }

    #[test]
    fn a_copy_of_unknown_version_counts_where_the_function_imports_from() {
        let code = "class MovedAttribute: pass\n";
        let pinned = ("requirements.txt", "six==1.16.0\n");
        assert_eq!(
            found(&[pinned, ("lib/six.py", code)]),
            ["six 1.16.0 Fingerprint lib/six.py,requirements.txt"]
        );
        assert_eq!(
            found(&[pinned, ("lib/a/six.py", code)]),
            ["six 1.16.0 Declared requirements.txt"]
        );
    }
}
