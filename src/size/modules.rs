//! The modules of Python distributions, by their names.

use std::collections::HashSet;

use crate::finding::EntryPath;

/// Distributions that are imported under a name that cannot be told from their own, for those whose `RECORD` was
/// dropped to save space.
const IMPORT_NAMES: &[(&str, &str)] = &[
    ("attrs", "attr"),
    ("beautifulsoup4", "bs4"),
    ("charset-normalizer", "charset_normalizer"),
    ("djangorestframework", "rest_framework"),
    ("opencv-python", "cv2"),
    ("opencv-python-headless", "cv2"),
    ("pillow", "PIL"),
    ("protobuf", "google/protobuf"),
    ("psycopg2-binary", "psycopg2"),
    ("pycryptodome", "Crypto"),
    ("pyjwt", "jwt"),
    ("pymysql", "pymysql"),
    ("pynacl", "nacl"),
    ("pyopenssl", "OpenSSL"),
    ("python-dateutil", "dateutil"),
    ("python-dotenv", "dotenv"),
    ("python-jose", "jose"),
    ("pyyaml", "yaml"),
    ("scikit-image", "skimage"),
    ("scikit-learn", "sklearn"),
    ("setuptools", "pkg_resources"),
];

/// The names that a distribution's module can have.
pub fn module_names(distribution: &str) -> HashSet<String> {
    let listed = IMPORT_NAMES
        .iter()
        .filter(|(name, _)| *name == distribution);
    let mut names: HashSet<String> = listed.map(|(_, module)| (*module).to_owned()).collect();
    names.insert(distribution.to_owned());
    names.insert(distribution.replace('-', "_"));
    names
}

/// Where a package of that name is installed, if the file is in its folder or is all of it, and whether it is a folder.
pub fn module_of<'a>(path: &'a EntryPath, name: &str) -> Option<(&'a str, bool)> {
    let before = |module: &'a str| {
        let site = module.strip_suffix(name)?;
        (site.is_empty() || site.ends_with('/')).then(|| site.trim_end_matches('/'))
    };
    let file = path.inner().strip_suffix(".py");
    before(path.parent())
        .map(|site| (site, true))
        .or_else(|| Some((before(file?)?, false)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_a_folder_or_a_file_of_its_name() {
        let found = |inner: &str, name: &str| {
            let path = EntryPath::new(&"fn.zip!/".into(), inner);
            module_of(&path, name).map(|(site, is_folder)| (site.to_owned(), is_folder))
        };
        let folder = |site: &str| Some((site.to_owned(), true));
        assert_eq!(found("yaml/__init__.py", "yaml"), folder(""));
        assert_eq!(
            found("python/google/protobuf/__init__.py", "google/protobuf"),
            folder("python")
        );
        assert_eq!(
            found("python/six.py", "six"),
            Some(("python".to_owned(), false))
        );
        assert_eq!(found("my_yaml/__init__.py", "yaml"), None);
        assert_eq!(found("yaml/lib/x.py", "yaml"), None);
        assert_eq!(found("lib/mysix.py", "six"), None);
    }
}
