//! The table that the build script makes of `modules/`, and which rows a path is for.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::place::{ModulePath, module, split_last};

include!(concat!(env!("OUT_DIR"), "/modules.rs"));

/// A distribution, and the files that tell it.
pub struct Module {
    pub name: &'static str,
    pub published_as: &'static [&'static str],
    pub files: &'static [ModuleFile],
    pub ambiguous: &'static [&'static str],
}

pub struct ModuleFile {
    pub folder: &'static str,
    pub stem: &'static str,
    pub versions: &'static [&'static str],
    pub marks: &'static [&'static str],
}

impl ModuleFile {
    /// The import path of the package that the file is of, or of the module that it is.
    pub fn import(&self) -> String {
        let import = match self.folder {
            "" => self.stem,
            folder => folder,
        };
        import.to_owned()
    }
}

/// A file of the table that a path has the end of.
#[derive(Clone, Copy)]
pub struct Hit<'p> {
    /// The place of its row in [`MODULES`], and in that.
    pub row: usize,
    pub file: &'static ModuleFile,
    /// The folder that the import path starts in.
    pub root: &'p str,
}

/// By the last part of the folder, and the name without its extension.
type Index = HashMap<(&'static str, &'static str), Vec<(usize, &'static ModuleFile)>>;

fn index() -> &'static Index {
    static INDEX: OnceLock<Index> = OnceLock::new();
    INDEX.get_or_init(|| {
        let mut index = Index::new();
        for (row, module) in MODULES.iter().enumerate() {
            for file in module.files {
                let key = (split_last(file.folder).1, file.stem);
                index.entry(key).or_default().push((row, file));
            }
        }
        index
    })
}

/// Every file of the table that the module can be.
pub fn hits(path: ModulePath<'_>) -> impl Iterator<Item = Hit<'_>> {
    let ModulePath { folder, stem, .. } = path;
    let index: &HashMap<(&str, &str), _> = index();
    let in_package = index.get(&(split_last(folder).1, stem));
    // At the root of an archive the two are the same.
    let alone = index.get(&("", stem)).filter(|_| !folder.is_empty());
    let rows = in_package.into_iter().chain(alone).flatten();
    rows.filter_map(move |(row, file)| {
        Some(Hit {
            row: *row,
            file,
            root: root(folder, file.folder)?,
        })
    })
}

/// What is before the end of a folder's path.
fn root<'p>(folder: &'p str, end: &str) -> Option<&'p str> {
    let root = folder.strip_suffix(end)?;
    match root.strip_suffix('/') {
        Some(root) if !end.is_empty() => Some(root),
        _ if end.is_empty() || root.is_empty() => Some(root),
        _ => None,
    }
}

/// Whether a file that a package lists is one that would be taken for a copy of a distribution, from the folder on that
/// the package is installed in.
pub fn is_of_a_known_module(listed: &str) -> bool {
    module(listed).is_some_and(|path| hits(path).any(|hit| hit.root.is_empty()))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn names(path: &str) -> Vec<(&str, &str)> {
        let hits = hits(module(path).unwrap());
        hits.map(|hit| (MODULES[hit.row].name, hit.root)).collect()
    }

    #[test]
    fn a_path_is_for_the_rows_whose_files_it_ends_with() {
        assert_eq!(names("six.py"), [("six", "")]);
        assert_eq!(names("a/_vendor/six.py"), [("six", "a/_vendor")]);
        assert_eq!(names("a/not_six.py"), []);
        assert_eq!(names("requests/__version__.py"), [("requests", "")]);
        assert_eq!(names("a/requests/__version__.pyc"), [("requests", "a")]);
        assert_eq!(names("myrequests/__version__.py"), []);
        assert!(is_of_a_known_module("six.py"));
        assert!(!is_of_a_known_module("pip/_vendor/six.py"));
    }

    #[test]
    fn rows_of_one_file_have_different_marks() {
        let mut marks = HashMap::new();
        for module in &MODULES {
            for file in module.files {
                for mark in file.marks {
                    let known = marks.insert((file.folder, file.stem, mark), module.name);
                    assert_eq!(known, None, "{}: {mark}", module.name);
                }
            }
        }
    }

    #[test]
    fn the_table_has_the_most_used_distributions() {
        assert!(MODULES.len() >= 150, "{}", MODULES.len());
    }
}
