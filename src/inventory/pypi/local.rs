//! Projects that were installed from a folder, `pip install .` and `pip install -e .`: they are the artifact's own, and
//! no third-party packages. `direct_url.json` tells them:
//! <https://packaging.python.org/en/latest/specifications/direct-url-data-structure/>.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::component::{Ecosystem, Evidence, ObservedComponent};
use crate::inspect::Observations;

/// Drops what the metadata of such projects says, and what names them besides: the pex that they are in, and the
/// `.egg-info` that an editable one has at its source.
pub fn drop_own_projects(observations: &mut Observations) {
    let folders = observations.local_folders();
    if folders.is_empty() {
        return;
    }
    let mut projects = BTreeSet::new();
    observations.components.retain(|row| {
        let path = &row.location.path;
        let is_own = is_seen(row) && folders.contains(&path.sibling(path.parent()));
        if is_own {
            projects.insert(key(row));
        }
        !is_own
    });
    observations.components.retain(|row| {
        let names_own = is_seen(row) && names_projects(row) && {
            // The first in this container or in one within it.
            let (name, version, container) = key(row);
            let from = (name.clone(), version.clone(), Arc::clone(&container));
            let next = projects.range(from..).next();
            next.is_some_and(|own| {
                own.0 == name && own.1 == version && own.2.starts_with(&*container)
            })
        };
        !names_own
    });
}

fn is_seen(row: &ObservedComponent) -> bool {
    row.ecosystem == Ecosystem::PyPi
        && matches!(row.evidence, Evidence::Installed | Evidence::Embedded)
}

fn names_projects(row: &ObservedComponent) -> bool {
    let path = &row.location.path;
    path.is_named("PEX-INFO")
        || path.inner().ends_with(".egg-info")
        || path.parent().ends_with(".egg-info")
}

fn key(row: &ObservedComponent) -> (String, Option<String>, Arc<str>) {
    let name = Ecosystem::PyPi.normalize_name(&row.name);
    let container = Arc::clone(row.location.path.container());
    (name, row.version.clone(), container)
}

#[cfg(test)]
mod tests {
    use super::super::INSPECTORS;
    use crate::finding::EntryPath;
    use crate::inspect::{Entry, Header, Observations};
    use crate::inventory::resolve::resolve;

    const METADATA: &str = "Metadata-Version: 2.1\nName: my.fn\nVersion: 0.1.0\n\n";
    const FOLDER: &str = "{\"url\": \"file:///src/fn\", \"dir_info\": {}}";

    /// `name version evidence path` of each package. Paths are of a pex, or of an archive in it.
    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let mut seen = Observations::default();
        for (path, text) in files {
            let (inside, path) = path.rsplit_once("!/").unwrap_or(("", path));
            let end = if inside.is_empty() { "" } else { "!/" };
            let path = EntryPath::new(&format!("fn.pex!/{inside}{end}").into(), path);
            let bytes = text.as_bytes();
            let size = bytes.len() as u64;
            let header = Header {
                path: &path,
                size,
                first_bytes: bytes,
            };
            let entry = Entry { path: &path, bytes };
            for inspector in INSPECTORS.iter().filter(|i| i.wants(&header)) {
                inspector.inspect(&entry, &mut seen).unwrap();
            }
        }
        seen.take_published();
        let row = |c: crate::component::Component| {
            let version = c.version.unwrap_or_default();
            format!(
                "{} {version} {:?} {}",
                c.name,
                c.evidence,
                c.locations[0].path.inner()
            )
        };
        resolve(seen).0.into_iter().map(row).collect()
    }

    #[test]
    fn a_project_that_was_installed_from_a_folder_is_no_package() {
        let editable = "{\"url\": \"file:///src/fn\", \"dir_info\": {\"editable\": true}}";
        for direct_url in [FOLDER, editable] {
            let rows = found(&[
                ("lib/my_fn-0.1.0.dist-info/METADATA", METADATA),
                ("lib/my_fn-0.1.0.dist-info/RECORD", ""),
                ("lib/my_fn-0.1.0.dist-info/INSTALLER", "pip\n"),
                ("lib/my_fn-0.1.0.dist-info/direct_url.json", direct_url),
                ("src/my_fn.egg-info/PKG-INFO", METADATA),
                ("lib/b-2.0.dist-info/INSTALLER", "pip\n"),
            ]);
            assert_eq!(rows, ["b 2.0 Installed lib/b-2.0.dist-info/INSTALLER"]);
        }
    }

    #[test]
    fn the_pex_that_it_is_in_does_not_make_it_one() {
        let info = "{\"distributions\": {\"my_fn-0.1.0-py3-none-any.whl\": \"x\", \"b-2.0-py3-none-any.whl\": \"y\"}}";
        for folder in [
            ".deps/my_fn-0.1.0-py3-none-any.whl/my_fn-0.1.0.dist-info",
            ".deps/my_fn-0.1.0-py3-none-any.whl!/my_fn-0.1.0.dist-info",
        ] {
            let rows = found(&[
                ("PEX-INFO", info),
                (&format!("{folder}/METADATA"), METADATA),
                (&format!("{folder}/direct_url.json"), FOLDER),
            ]);
            assert_eq!(rows, ["b 2.0 Embedded PEX-INFO"]);
        }
        assert_eq!(found(&[("PEX-INFO", info)]).len(), 2);
    }

    #[test]
    fn what_was_published_or_distributed_is_one() {
        let metadata = ("my_fn-0.1.0.dist-info/METADATA", METADATA);
        let expected = ["my-fn 0.1.0 Installed my_fn-0.1.0.dist-info/METADATA"];
        for direct_url in [
            "{\"url\": \"file:///src/fn.whl\", \"archive_info\": {}}",
            "{\"url\": \"https://git.example/fn\", \"vcs_info\": {\"vcs\": \"git\"}}",
        ] {
            let direct_url = ("my_fn-0.1.0.dist-info/direct_url.json", direct_url);
            assert_eq!(found(&[metadata, direct_url]), expected);
        }
        let direct_url = ("my_fn-0.1.0.dist-info/direct_url.json", FOLDER);
        let conda = ("my_fn-0.1.0.dist-info/INSTALLER", "conda");
        assert_eq!(found(&[metadata, direct_url, conda]), expected);
    }
}
