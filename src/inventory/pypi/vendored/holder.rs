//! Whose copy a vendored package is: that of the package whose folder holds the folder of vendored ones.

use std::collections::HashMap;
use std::sync::Arc;

use super::place::{is_vendor_folder, split_last};
use super::resolve::imports_by_name;
use crate::component::{Component, Ecosystem, Scope};
use crate::finding::EntryPath;

/// In each archive, the folders that known packages are imported from, and their names.
type Known = HashMap<Arc<str>, HashMap<String, Box<str>>>;

/// Names at each place of a Python package in whose folder of vendored ones it is, if that is a known package.
pub fn name_holders(components: &mut [Component]) {
    let known = known(components);
    let shipped = components.iter_mut().filter(|c| is_shipped(c));
    for location in shipped.flat_map(|component| &mut component.locations) {
        location.vendored_in = holder(&location.path, &known);
    }
}

fn is_shipped(component: &Component) -> bool {
    component.ecosystem == Ecosystem::PyPi && component.scope == Scope::Shipped
}

fn known(components: &[Component]) -> Known {
    let imports = imports_by_name();
    let mut known = Known::new();
    for component in components.iter().filter(|c| is_shipped(c)) {
        let name: Box<str> = component.name.as_str().into();
        let imports = imports.get(&*name).into_iter().flatten();
        let folders = imports.map(|import| split_last(import).1);
        let folders: Vec<&str> = folders.chain([&*name]).collect();
        for location in &component.locations {
            let container = known.entry(Arc::clone(location.path.container()));
            let names = container.or_default();
            for folder in &folders {
                let folder = Ecosystem::PyPi.normalize_name(folder);
                names.entry(folder).or_insert_with(|| name.clone());
            }
        }
    }
    known
}

/// The nearest known package above the nearest folder of vendored ones.
fn holder(path: &EntryPath, known: &Known) -> Option<Box<str>> {
    let known = known.get(path.container())?;
    let mut folder = path.parent();
    while !is_vendor_folder(folder) {
        folder = folder.rsplit_once('/')?.0;
    }
    let (above, _) = folder.rsplit_once('/')?;
    let name = |folder: &str| known.get(&Ecosystem::PyPi.normalize_name(folder)).cloned();
    above.rsplit('/').find_map(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::Evidence;
    use crate::inspect::Observations;
    use crate::inventory::resolve::resolve;

    /// `path holder` of each place of the packages, which are all installed.
    fn holders(packages: &[(&str, &str)]) -> Vec<String> {
        let mut seen = Observations::default();
        for (name, path) in packages {
            let path = EntryPath::new(&"fn.zip!/".into(), path);
            let evidence = Evidence::Fingerprint;
            seen.component(Ecosystem::PyPi, *name, "1.0", evidence, path);
        }
        let (components, _) = resolve(seen);
        let locations = components.iter().flat_map(|c| &c.locations);
        let row = |l: &crate::finding::Location| {
            let holder = l.vendored_in.as_deref().unwrap_or("-");
            format!("{} {holder}", l.path.inner())
        };
        locations.map(row).collect()
    }

    #[test]
    fn a_vendored_package_is_in_the_nearest_that_is_known() {
        let rows = holders(&[
            ("botocore", "botocore/__init__.py"),
            ("requests", "botocore/vendored/requests/__init__.py"),
            ("six", "botocore/vendored/six.py"),
            (
                "urllib3",
                "botocore/vendored/requests/packages/urllib3/__init__.py",
            ),
            ("chardet", "app/_vendor/chardet/__init__.py"),
            ("idna", "_vendor/idna/__init__.py"),
            ("pip", "lib/pip-1.0.dist-info/METADATA"),
            ("rich", "lib/pip/_internal/_vendor/rich/__init__.py"),
        ]);
        assert_eq!(
            rows,
            [
                "botocore/__init__.py -",
                "app/_vendor/chardet/__init__.py -",
                "_vendor/idna/__init__.py -",
                "lib/pip-1.0.dist-info/METADATA -",
                "botocore/vendored/requests/__init__.py botocore",
                "lib/pip/_internal/_vendor/rich/__init__.py pip",
                "botocore/vendored/six.py botocore",
                "botocore/vendored/requests/packages/urllib3/__init__.py requests",
            ]
        );
    }

    #[test]
    fn a_package_is_known_by_what_it_is_imported_as() {
        let rows = holders(&[
            ("PyYAML", "PyYAML-1.0.dist-info/METADATA"),
            ("six", "yaml/_vendor/six.py"),
        ]);
        assert_eq!(rows[1], "yaml/_vendor/six.py pyyaml");
    }
}
