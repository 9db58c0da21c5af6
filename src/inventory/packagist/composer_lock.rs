//! `composer.lock`: <https://getcomposer.org/doc/01-basic-usage.md#commit-your-composer-lock-file-to-version-control>.

use serde::Deserialize;

use super::Package;
use crate::component::Evidence;
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::lenient::Lenient;
use crate::inventory::{owner, read};
use crate::supply_chain::origin::Keys;

pub struct ComposerLock;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Lockfile {
    #[serde(default)]
    packages: Lenient<Package>,
    #[serde(default)]
    packages_dev: Lenient<Package>,
}

impl Inspector for ComposerLock {
    fn wants(&self, header: &Header) -> bool {
        header.path.is_named("composer.lock") && owner::is_owners(header.path)
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let lockfile: Lockfile = read::json(entry)?;
        let mut keys = Keys::of(entry.bytes);
        for list in [lockfile.packages, lockfile.packages_dev] {
            for package in list.list().into_iter().filter_map(Lenient::map) {
                package.observe(entry, &mut keys, seen, Evidence::Locked);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, origins, rows, wants};

    fn lock(json: &str) -> Vec<String> {
        let rows = rows(&inspect(&ComposerLock, "composer.lock", json).unwrap());
        let without_path = |row: String| row.replace(" locked composer.lock", "");
        rows.into_iter().map(without_path).collect()
    }

    #[test]
    fn all_packages_are_locked() {
        let json = r#"{
            "content-hash": "00",
            "packages": [
                {"name": "a/b", "version": "v1.2.3", "dist": {"type": "zip", "url": "https://host.example/x"}},
                {"name": "A/Branch", "version": "dev-main", "source": {"type": "git", "reference": "0123"}},
                {"name": "a/alias", "version": "1.x-dev"}
            ],
            "packages-dev": [{"name": "a/tool", "version": "2.0.0-RC1"}],
            "aliases": [], "minimum-stability": "stable", "platform": {"php": ">=8.1"}
        }"#;
        assert_eq!(
            lock(json),
            [
                "A/Branch ~dev-main",
                "a/alias ~1.x-dev",
                "a/b v1.2.3",
                "a/tool 2.0.0-RC1"
            ]
        );
    }

    #[test]
    fn what_is_local_or_has_no_code_is_left_out() {
        let json = r#"{"packages": [
            {"name": "own/lib", "version": "1.0.0", "dist": {"type": "path", "url": "../lib"}},
            {"name": "a/meta", "version": "1.0.0", "type": "metapackage"},
            {"version": "1.0.0"}, 7, {"name": 7}
        ], "packages-dev": null}"#;
        assert!(lock(json).is_empty());
    }

    #[test]
    fn what_anyone_on_the_way_may_change_is_said() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let json = r#"{"packages": [
            {"name": "a/forge", "dist": {"type": "zip", "url": "https://api.forge.example/zipball/$COMMIT", "reference": "$COMMIT", "shasum": ""}},
            {"name": "a/plain", "dist": {"type": "zip", "url": "http://files.example/$COMMIT.zip", "reference": "$COMMIT", "shasum": ""}},
            {"name": "a/held", "dist": {"type": "zip", "url": "http://files.example/x.zip", "shasum": "00"}},
            {"name": "a/source", "source": {"type": "git", "url": "git://git.example/a.git", "reference": "$COMMIT"}},
            {"name": "a/both", "source": {"type": "git", "url": "http://git.example/a.git", "reference": "$COMMIT"},
                "dist": {"type": "zip", "url": "https://files.example/x.zip"}},
            {"name": "a/own", "dist": {"type": "path", "url": "../own", "reference": "00"}},
            {"name": "a/inside", "dist": {"type": "path", "url": "./own", "reference": "00"}}
        ]}"#.replace("$COMMIT", commit);
        let seen = inspect(&ComposerLock, "composer.lock", json).unwrap();
        let expected = [
            format!("a/plain locked composer.lock:3 Plain {{ address: \"http://files.example/{commit}.zip\", held: false }}"),
            "a/held locked composer.lock:4 Plain { address: \"http://files.example/x.zip\", held: true }".to_owned(),
            "a/source locked composer.lock:5 Plain { address: \"git://git.example/a.git\", held: true }".to_owned(),
            "a/own locked composer.lock:8 Outside { path: \"../own\" }".to_owned(),
        ];
        assert_eq!(origins(&seen), expected);
    }

    #[test]
    fn broken_json_names_its_line() {
        let error = inspect(&ComposerLock, "composer.lock", "{\n\"packages\": [}").unwrap_err();
        assert_eq!(error.line, Some(2));
    }

    #[test]
    fn lock_files_of_installed_packages_are_not_wanted() {
        assert!(wants(&ComposerLock, "api/composer.lock", b""));
        assert!(!wants(&ComposerLock, "vendor/a/b/composer.lock", b""));
    }
}
