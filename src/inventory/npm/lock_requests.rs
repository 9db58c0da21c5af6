//! The tree of a lock file whose rows are known by what was asked for: `name@range`, as Yarn writes it.

use std::collections::HashMap;

use crate::component::Ecosystem;
use crate::finding::EntryPath;
use crate::inventory::lock_tree::{Asking, LockTree, Purpose};

/// What was asked for, in the form that is the same in all versions of Yarn and in package.json: later ones write the
/// protocol in front of a range, `a@npm:^1.0.0`, which an alias has everywhere, `a@npm:real@^1.0.0`.
pub fn request(name: &str, range: &str) -> String {
    let range = range.trim();
    let bare = range.strip_prefix("npm:").unwrap_or(range);
    let range = if bare.contains('@') { range } else { bare };
    format!("{name}@{range}")
}

/// The tree while its rows are read.
pub struct RequestedTree {
    tree: LockTree,
    rows: HashMap<Box<str>, usize>,
    asking: Asking<String>,
    /// How many of the rows are the project itself or parts of it.
    workspaces: usize,
}

impl RequestedTree {
    pub fn new(path: &EntryPath) -> Self {
        RequestedTree {
            tree: LockTree::new(path, Ecosystem::Npm),
            rows: HashMap::new(),
            asking: Asking::default(),
            workspaces: 0,
        }
    }

    /// Adds a row with the requests that lead to it, and its own.
    pub fn add(
        &mut self,
        requests: impl Iterator<Item = String>,
        package: Option<(&str, &str)>,
        needs: Vec<String>,
    ) {
        let row = self.tree.add(package, Purpose::Unknown);
        for request in requests {
            self.rows.insert(request.into_boxed_str(), row);
        }
        self.asking.add(row, needs);
    }

    pub fn add_workspace(&mut self) {
        self.workspaces += 1;
    }

    /// The tree. What a project of several parts has for development is known from the manifests of all of them, of which
    /// some may not be there: of such a one nothing is told.
    pub fn connect(mut self) -> LockTree {
        let row = |request: &String| self.rows.get(request.as_str()).copied();
        self.asking.connect(&mut self.tree, LockTree::need, row);
        if self.workspaces <= 1 {
            self.tree.ask_by(self.rows);
        }
        self.tree
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::{Entry, Inspector, Observations};
    use crate::inventory::npm::{PackageJson, YarnLock};
    use crate::inventory::testing::inspect;

    #[test]
    fn all_versions_ask_alike() {
        for (range, expected) in [
            ("^1.0.0", "a@^1.0.0"),
            ("npm:^1.0.0", "a@^1.0.0"),
            ("npm:real@^1.0.0", "a@npm:real@^1.0.0"),
            ("npm:@s/real@1", "a@npm:@s/real@1"),
            ("", "a@"),
        ] {
            assert_eq!(request("a", range), expected);
        }
    }

    #[test]
    fn each_format_tells_what_needs_what_and_the_manifest_what_is_for_development() {
        let manifest = br#"{"dependencies": {"a": "^1.0.0", "alias": "npm:real@^3.0.0"}, "devDependencies": {"tool": "^1"}}"#;
        for text in [
            r#"# yarn lockfile v1

a@^1.0.0, a@~1.0.0:
  version "1.0.0"
  resolved "https://registry.example/a/-/a-1.0.0.tgz#0"
  dependencies:
    "@s/b" "^2.0.0 || ^3"
    gone "*"
  optionalDependencies:
    c "^1"

"@s/b@^2.0.0 || ^3":
  version "2.0.0"

"alias@npm:real@^3.0.0":
  version "3.0.0"

c@^1:
  version "1.0.0"

tool@^1:
  version "1.0.0"
  dependencies:
    c "^1"
    d "^1"

d@^1:
  version "1.0.0"
"#,
            r#"__metadata:
  version: 8

"@s/b@npm:^2.0.0 || ^3":
  version: 2.0.0
  resolution: "@s/b@npm:2.0.0"

"a@npm:^1.0.0, a@npm:~1.0.0":
  version: 1.0.0
  resolution: "a@npm:1.0.0"
  dependencies:
    "@s/b": "npm:^2.0.0 || ^3"
    gone: "npm:*"
  optionalDependencies:
    c: ^1

"alias@npm:real@^3.0.0":
  version: 3.0.0
  resolution: "real@npm:3.0.0"

"c@npm:^1":
  version: 1.0.0
  resolution: "c@npm:1.0.0"

"own@workspace:.":
  version: 0.0.0-use.local
  resolution: "own@workspace:."
  dependencies:
    a: "npm:^1.0.0"
    tool: "npm:^1"

"tool@npm:^1":
  version: 1.0.0
  resolution: "tool@npm:1.0.0"
  dependencies:
    c: "npm:^1"
    d: "npm:^1"

"d@npm:^1":
  version: 1.0.0
  resolution: "d@npm:1.0.0"
"#,
        ] {
            let mut seen = inspect(&YarnLock, "api/yarn.lock", text).unwrap();
            let path = entry_path("api/package.json");
            let entry = Entry {
                path: &path,
                bytes: manifest,
            };
            PackageJson.inspect(&entry, &mut seen).unwrap();
            assert_eq!(
                seen.lock_trees.shown(),
                [
                    "@s/b 2.0.0 p",
                    "a 1.0.0 p > @s/b 2.0.0, c 1.0.0",
                    "c 1.0.0 p",
                    "d 1.0.0 d",
                    "real 3.0.0 p",
                    "tool 1.0.0 d > c 1.0.0, d 1.0.0",
                ]
            );
        }
    }

    #[test]
    fn what_is_for_development_is_not_told_where_a_manifest_does_not_say_all() {
        let purposes = |lock: &str, path: &str, manifest: &str| {
            let mut seen = inspect(&YarnLock, "yarn.lock", lock).unwrap();
            let path = entry_path(path);
            let bytes = manifest.as_bytes();
            PackageJson
                .inspect(&Entry { path: &path, bytes }, &mut seen)
                .unwrap();
            seen.lock_trees.shown()
        };
        let lock = "# yarn lockfile v1\n\ntool@^1:\n  version \"1.0.0\"\n";
        let manifest = r#"{"devDependencies": {"tool": "^1"}}"#;
        assert_eq!(purposes(lock, "package.json", manifest), ["tool 1.0.0 d"]);
        assert_eq!(purposes(lock, "api/package.json", manifest), ["tool 1.0.0"]);
        // The lock file is an older or a newer one.
        let other = r#"{"devDependencies": {"tool": "^1"}, "dependencies": {"a": "^1"}}"#;
        assert_eq!(purposes(lock, "package.json", other), ["tool 1.0.0"]);
        let parts = r#"{"devDependencies": {"tool": "^1"}, "workspaces": ["packages/*"]}"#;
        assert_eq!(purposes(lock, "package.json", parts), ["tool 1.0.0"]);
        let lock = "__metadata:\n  version: 8\n\"tool@npm:^1\":\n  version: 1.0.0\n  resolution: \"tool@npm:1.0.0\"\n\
             \"x@workspace:.\":\n  resolution: \"x@workspace:.\"\n\"y@workspace:y\":\n  resolution: \"y@workspace:y\"\n";
        assert_eq!(purposes(lock, "package.json", manifest), ["tool 1.0.0"]);
    }

    #[test]
    fn a_file_that_was_not_read_whole_has_nothing_for_development() {
        let mut seen = Observations::default();
        let path = entry_path("yarn.lock");
        let bytes = b"# yarn lockfile v1\n\ntool@^1:\n  version \"1.0.0\"\n\nodd\n";
        let lock = Entry { path: &path, bytes };
        assert!(YarnLock.inspect(&lock, &mut seen).is_err());
        let path = entry_path("package.json");
        let bytes = br#"{"devDependencies": {"tool": "^1"}}"#;
        let manifest = Entry { path: &path, bytes };
        PackageJson.inspect(&manifest, &mut seen).unwrap();
        assert_eq!(seen.lock_trees.shown(), ["tool 1.0.0"]);
    }

    fn entry_path(inner: &str) -> EntryPath {
        EntryPath::new(&"fn.zip!/".into(), inner)
    }
}
