//! The files of an artifact, found by their paths. The layers of an image are one tree, as a running container sees them.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use crate::finding::EntryPath;
use crate::inspect::ObservedFile;
use crate::inventory::pypi::resolve_path;

/// Links that lead to links are followed this often.
const MAX_LINKS: usize = 8;

pub struct Tree<'a> {
    is_image: bool,
    roots: HashMap<&'a str, Root<'a>>,
}

/// What one archive or folder holds; all layers together are one.
#[derive(Default)]
pub struct Root<'a> {
    pub files: HashMap<&'a str, &'a ObservedFile>,
    in_lower_case: OnceCell<HashSet<String>>,
}

impl<'a> Tree<'a> {
    pub fn of(is_image: bool, files: &'a [ObservedFile]) -> Self {
        let mut roots: HashMap<&str, Root> = HashMap::new();
        for file in files {
            let root = match is_image && file.is_deployed {
                true => "",
                false => file.path.container(),
            };
            let root = roots.entry(root).or_default();
            root.files.insert(file.path.inner(), file);
        }
        Tree { is_image, roots }
    }

    /// By what the paths of a container are told apart from those of others.
    pub fn root_of<'p>(&self, path: &'p EntryPath) -> &'p str {
        let container: &str = path.container();
        let is_layer = self.is_image && !self.roots.contains_key(container);
        if is_layer { "" } else { container }
    }

    pub fn root(&self, root: &str) -> Option<&Root<'a>> {
        self.roots.get(root)
    }
}

impl<'a> Root<'a> {
    /// The file at a path, where links lead to one.
    pub fn content(&self, inner: &str) -> Option<&'a ObservedFile> {
        let mut file = *self.files.get(inner)?;
        for _ in 0..MAX_LINKS {
            let Some(link) = &file.link else {
                return Some(file);
            };
            // A hard link counts from the root, another from its folder.
            let folder = match file.is_hard_link {
                true => "",
                false => file.path.parent(),
            };
            file = self.files.get(resolve_path(folder, link)?.as_str())?;
        }
        None
    }

    /// Whether there is such a name where upper and lower case are the same.
    pub fn has_in_other_case(&self, inner: &str) -> bool {
        let in_lower_case = self.in_lower_case.get_or_init(|| {
            let names = self.files.keys();
            names.map(|name| name.to_lowercase()).collect()
        });
        in_lower_case.contains(&inner.to_lowercase())
    }
}
