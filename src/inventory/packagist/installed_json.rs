//! `vendor/composer/installed.json`: what Composer installed.
//!
//! Composer 2 writes an object with the list of packages, Composer 1 wrote the list alone:
//! <https://github.com/composer/composer/blob/main/src/Composer/Repository/FilesystemRepository.php>. The project itself
//! is not in it.

use serde::Deserialize;

use super::Package;
use crate::component::Evidence;
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::lenient::Lenient;
use crate::inventory::owner::is_fixture_folder;
use crate::inventory::read;
use crate::supply_chain::origin::Keys;

pub struct InstalledJson;

#[derive(Deserialize)]
struct Installed {
    #[serde(default)]
    packages: Lenient<Package>,
}

impl Inspector for InstalledJson {
    fn wants(&self, header: &Header) -> bool {
        header.path.is_named("installed.json") && is_installation(header.path.parent())
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let first = entry.text()?.trim_start().bytes().next();
        let packages: Vec<Lenient<Package>> = match first {
            Some(b'[') => read::json(entry)?,
            _ => read::json::<Installed>(entry)?.packages.list(),
        };
        let mut keys = Keys::of(entry.bytes);
        for package in packages.into_iter().filter_map(Lenient::map) {
            package.observe(entry, &mut keys, seen, Evidence::Installed);
        }
        Ok(())
    }
}

/// Whether it is `vendor/composer`, by that name or another, and not among the tests of a package.
fn is_installation(folder: &str) -> bool {
    let parts = folder.split('/').skip_while(|part| *part != "vendor");
    let in_tests = parts.skip(1).any(is_fixture_folder);
    (folder == "composer" || folder.ends_with("/composer")) && !in_tests
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, rows, wants};

    const PATH: &str = "vendor/composer/installed.json";

    const LIST: &str = r#"[
        {"name": "a/b", "version": "v1.2.3", "version_normalized": "1.2.3.0", "type": "library",
         "dist": {"type": "zip", "url": "https://host.example/x"}, "install-path": "../a/b"},
        {"name": "own/lib", "version": "1.0.0", "dist": {"type": "path"}},
        {"name": "a/branch", "version": "dev-main"}
    ]"#;

    #[test]
    fn both_forms_list_what_is_installed() {
        let second = format!(r#"{{"packages": {LIST}, "dev": false, "dev-package-names": []}}"#);
        for json in [LIST, &second] {
            assert_eq!(
                rows(&inspect(&InstalledJson, PATH, json).unwrap()),
                [
                    format!("a/b v1.2.3 installed {PATH}"),
                    format!("a/branch ~dev-main installed {PATH}")
                ]
            );
        }
    }

    #[test]
    fn the_folder_may_have_another_name_but_not_be_a_test() {
        let wanted = |path: &str| wants(&InstalledJson, path, b"");
        assert!(wanted("lib/composer/installed.json"));
        assert!(wanted("tests/vendor/composer/installed.json"));
        assert!(wanted("vendor/a/b/vendor/composer/installed.json"));
        assert!(!wanted("vendor/a/b/tests/x/vendor/composer/installed.json"));
        assert!(!wanted("vendor/installed.json"));
    }

    #[test]
    fn what_is_not_json_is_said_so() {
        assert!(inspect(&InstalledJson, PATH, "<?php").is_err());
        assert!(inspect(&InstalledJson, PATH, "[".repeat(200_000)).is_err());
    }
}
