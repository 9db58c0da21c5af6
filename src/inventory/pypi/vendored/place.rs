//! Which module a file is, and which folders are filled with copies of other people's packages.

/// Folders of vendored packages go by these names, in pip, setuptools, botocore, pipenv, astropy and many others.
const VENDOR_FOLDERS: [&str; 12] = [
    "_vendor",
    "vendor",
    "vendored",
    "_vendored",
    "_vendored_packages",
    "vendored_packages",
    "extern",
    "_extern",
    "externals",
    "third_party",
    "thirdparty",
    "patched",
];

/// Folders that imports start in: of installers, of functions' layers, and those that people fill with `pip install -t`.
const IMPORT_ROOTS: [&str; 10] = [
    "",
    "site-packages",
    "dist-packages",
    "python",
    "lib",
    "libs",
    "src",
    "deps",
    "dependencies",
    "package",
];

/// Folders of packages that consist of several distributions: <https://peps.python.org/pep-0420/>.
const NAMESPACES: [&str; 6] = ["backports", "google", "jaraco", "paste", "ruamel", "zope"];

/// A module as its file's path tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModulePath<'a> {
    /// Of the source file, also where the path is that of a compiled one.
    pub folder: &'a str,
    /// The file's name without its extension.
    pub stem: &'a str,
    pub is_compiled: bool,
}

/// Reads `a/b.py`, `a/b.pyc` and `a/__pycache__/b.cpython-39.opt-1.pyc` (<https://peps.python.org/pep-3147/>).
pub fn module(path: &str) -> Option<ModulePath<'_>> {
    let (folder, file_name) = path.rsplit_once('/').unwrap_or(("", path));
    if let Some(stem) = file_name.strip_suffix(".py") {
        return Some(ModulePath {
            folder,
            stem,
            is_compiled: false,
        });
    }
    let stem = file_name.strip_suffix(".pyc")?;
    let in_cache = match folder {
        "__pycache__" => Some(""),
        _ => folder.strip_suffix("/__pycache__"),
    };
    Some(match in_cache {
        Some(folder) => ModulePath {
            folder,
            stem: stem.split_once('.').map_or(stem, |(stem, _)| stem),
            is_compiled: true,
        },
        None => ModulePath {
            folder,
            stem,
            is_compiled: true,
        },
    })
}

/// Whether the folder is one of vendored packages.
pub fn is_vendor_folder(folder: &str) -> bool {
    let (parent, name) = split_last(folder);
    VENDOR_FOLDERS.contains(&name)
        // In requests before 2.16.
        || (name == "packages" && split_last(parent).1 == "requests")
}

/// Whether what lies in the folder is the function's, and not a package's own copy.
pub fn is_import_root(folder: &str) -> bool {
    // `vendor/` of a function is filled by its owner, `a/vendor/` of a package by its author.
    let is_functions_own = !folder.contains('/') && VENDOR_FOLDERS.contains(&folder);
    is_functions_own || IMPORT_ROOTS.contains(&split_last(folder).1)
}

/// The folder of vendored packages that a module lies in as a package of its own, and the package's import path:
/// `pip/_vendor` and `jaraco/text` of the module `__init__` in `pip/_vendor/jaraco/text`.
pub fn vendored_package<'a>(path: ModulePath<'a>) -> Option<(&'a str, String)> {
    let ModulePath { folder, stem, .. } = path;
    let (parent, last) = split_last(folder);
    if stem != "__init__" {
        if is_vendor_folder(folder) {
            return Some((folder, stem.to_owned()));
        }
        let is_spread = NAMESPACES.contains(&last) && is_vendor_folder(parent);
        return is_spread.then(|| (parent, format!("{last}/{stem}")));
    }
    if is_vendor_folder(parent) {
        return Some((parent, last.to_owned()));
    }
    let (above, namespace) = split_last(parent);
    let is_spread = NAMESPACES.contains(&namespace) && is_vendor_folder(above);
    is_spread.then(|| (above, format!("{namespace}/{last}")))
}

/// The last part of a path, and what is before it.
pub fn split_last(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_and_compiled_files_are_of_one_module() {
        for (path, folder, stem) in [
            ("a/b/c.py", "a/b", "c"),
            ("c.py", "", "c"),
            ("a/b/c.pyc", "a/b", "c"),
            ("a/b/__pycache__/c.cpython-39.pyc", "a/b", "c"),
            ("__pycache__/c.cpython-311.opt-1.pyc", "", "c"),
        ] {
            let found = module(path).unwrap();
            assert_eq!((found.folder, found.stem), (folder, stem), "{path}");
            assert_eq!(found.is_compiled, path.ends_with("pyc"), "{path}");
        }
        assert_eq!(module("a/c.pyi"), None);
        assert_eq!(module("a/c.so"), None);
    }

    #[test]
    fn packages_of_vendor_folders_are_those_right_in_them() {
        let package = |path| vendored_package(module(path).unwrap());
        let pip = |name: &str| Some(("pip/_vendor", name.to_owned()));
        assert_eq!(package("pip/_vendor/six.py"), pip("six"));
        assert_eq!(package("pip/_vendor/rich/__init__.py"), pip("rich"));
        assert_eq!(
            package("pip/_vendor/jaraco/context.py"),
            pip("jaraco/context")
        );
        assert_eq!(
            package("pip/_vendor/jaraco/text/__init__.py"),
            pip("jaraco/text")
        );
        assert_eq!(package("pip/_vendor/rich/text.py"), None);
        assert_eq!(package("pip/_internal/main.py"), None);
        assert!(is_vendor_folder("a/requests/packages"));
        assert!(!is_vendor_folder("app/packages"));
        assert!(is_import_root("vendor") && is_import_root("opt/python"));
        assert!(!is_import_root("ddtrace/vendor"));
    }
}
