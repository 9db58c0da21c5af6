//! Eggs and source distributions: the `PKG-INFO` that setuptools and distutils leave.
//!
//! <https://setuptools.pypa.io/en/latest/deprecated/python_eggs.html>.
//! An `.egg-info` may be a folder or a single file; an egg has `EGG-INFO/PKG-INFO`; and a source distribution that lies in
//! the artifact has `PKG-INFO` in its top folder, and its code is shipped with it.

use crate::component::{Ecosystem, Evidence};
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};

use super::{archive_name, core_metadata, layout};

pub struct EggInfo;

impl Inspector for EggInfo {
    fn wants(&self, header: &Header) -> bool {
        let path = header.path;
        match path.file_name() {
            "PKG-INFO" => {
                let parent = path.parent();
                parent.ends_with(".egg-info")
                    || parent.ends_with("EGG-INFO")
                    || layout::sdist_root(path) == Some(parent)
            }
            name => name.ends_with(".egg-info"),
        }
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let found = core_metadata::read(entry.bytes);
        let is_stated = !found.name.is_empty() && !found.version.is_empty();
        let (name, version) = if is_stated {
            (found.name, found.version)
        } else {
            named_by_path(entry)
                .ok_or_else(|| Unreadable::new("does not state both Name and Version"))?
        };
        seen.component(
            Ecosystem::PyPi,
            name,
            version,
            Evidence::Installed,
            entry.path.clone(),
        );
        Ok(())
    }
}

/// What `name-1.0-py3.9.egg-info` says, a folder's name or a file's.
fn named_by_path(entry: &Entry) -> Option<(String, String)> {
    let stem = entry
        .path
        .inner()
        .rsplit('/')
        .find_map(|part| part.strip_suffix(".egg-info"))?;
    let stem = match stem.rsplit_once("-py") {
        Some((stem, python)) if python.starts_with(|c: char| c.is_ascii_digit()) => stem,
        _ => stem,
    };
    let (name, version) = archive_name::metadata_folder(stem)?;
    Some((name.to_owned(), version))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::finding::EntryPath;
    use crate::inventory::testing::{inspect, rows, wants};

    const TEXT: &str = "Metadata-Version: 1.1\nName: foo\nVersion: 1.0\nSummary: x\n";

    #[test]
    fn every_form_of_egg_metadata_counts() {
        for path in [
            "lib/foo-1.0-py3.9.egg-info",
            "lib/foo-1.0-py3.9.egg-info/PKG-INFO",
            "src/foo.egg-info/PKG-INFO",
            "foo-1.0-py3.9.egg/EGG-INFO/PKG-INFO",
        ] {
            let seen = inspect(&EggInfo, path, TEXT).unwrap();
            assert_eq!(rows(&seen), [format!("foo 1.0 installed {path}")]);
        }
    }

    #[test]
    fn the_top_folder_of_a_source_distribution_counts() {
        let wants_in = |container: &str, inner: &str| {
            EggInfo.wants(&Header {
                path: &EntryPath::new(&Arc::from(container), inner),
                size: 1,
                first_bytes: b"",
            })
        };
        assert!(wants_in("fn.zip!/foo-1.0.tar.gz!/", "foo-1.0/PKG-INFO"));
        assert!(!wants_in(
            "fn.zip!/foo-1.0.tar.gz!/",
            "foo-1.0/tests/PKG-INFO"
        ));
        assert!(!wants_in("fn.zip!/", "foo-1.0/PKG-INFO"));
    }

    #[test]
    fn other_files_of_the_folder_are_not_wanted() {
        assert!(!wants(&EggInfo, "foo.egg-info/SOURCES.txt", b""));
        assert!(!wants(&EggInfo, "foo.egg-info/installed-files.txt", b""));
        assert!(!wants(&EggInfo, "PKG-INFO", b""));
    }

    #[test]
    fn an_empty_file_is_known_by_its_name() {
        let path = "lib/my_tool-1.0-py2.7.egg-info";
        let seen = inspect(&EggInfo, path, "").unwrap();
        assert_eq!(rows(&seen), [format!("my_tool 1.0 installed {path}")]);
        assert!(inspect(&EggInfo, "foo.egg-info/PKG-INFO", "Name: foo\n").is_err());
    }
}
