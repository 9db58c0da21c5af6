//! `poetry.lock`: <https://python-poetry.org/docs/basic-usage/#committing-your-poetrylock-file-to-version-control>.
//!
//! All versions list the packages alike; they differ in where the files' hashes stand.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::lenient::{Flag, Lenient, Text};
use crate::inventory::lock_tree::{LockTree, Purpose};
use crate::inventory::owner;
use crate::supply_chain::origin::{Origin, leads_outside};

use super::lock_names::{NamedNeed, NamedTree, Names, texts};
use super::pep508::Requirement;
use super::toml_text::{self, Files, Locked};

pub struct PoetryLock;

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    source: Option<Source>,
    #[serde(default)]
    files: Files,
    #[serde(default)]
    dependencies: Lenient<BTreeMap<String, Lenient<Dependency>>>,
    /// `main` or `dev`, up to Poetry 1.4. Since there are groups, `dev` is any but the main one.
    #[serde(default)]
    category: Text,
    /// Since Poetry 2.0, `main` among them.
    #[serde(default)]
    groups: Names,
}

/// A dependency that is not text alone; in a list, each holds on other platforms.
#[derive(Deserialize)]
struct Dependency {
    /// An extra asks for it.
    #[serde(default)]
    optional: Flag,
    #[serde(default)]
    markers: Text,
}

#[derive(Deserialize)]
struct Source {
    #[serde(rename = "type")]
    kind: Option<String>,
    url: Option<String>,
    resolved_reference: Option<String>,
}

/// In which Poetry wrote the lock file before there were groups. Version 1.1 was that of Poetry 1.2 too, which has them.
const WITHOUT_GROUPS: &str = "1.0";

impl Package {
    fn purpose(&self, lock_version: Option<&str>) -> Purpose {
        match self.category.as_text() {
            Some("dev") if lock_version != Some(WITHOUT_GROUPS) => Purpose::Unknown,
            Some(category) => Purpose::of(category == "dev"),
            None => Purpose::of_groups(texts(&self.groups)),
        }
    }

    fn needs(&self) -> impl Iterator<Item = NamedNeed<'_>> {
        let rows = self.dependencies.as_map().into_iter().flatten();
        rows.flat_map(|(name, row)| {
            let rows = match row {
                Lenient::List(rows) => rows.as_slice(),
                row => std::slice::from_ref(row),
            };
            rows.iter().map(|row| {
                let row = row.as_map();
                NamedNeed {
                    name,
                    marker: row
                        .and_then(|row| row.markers.as_text())
                        .unwrap_or_default(),
                    is_optional: row.is_some_and(|row| row.optional.is_set()),
                }
            })
        })
    }
}

impl Inspector for PoetryLock {
    fn wants(&self, header: &Header) -> bool {
        header.path.file_name() == "poetry.lock" && owner::is_owners(header.path)
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        toml_text::see_packages::<Package>(entry, seen)
    }
}

impl Locked for Package {
    fn name(&self) -> &str {
        &self.name
    }

    fn join(&self, tree: &mut NamedTree) {
        let version = (!self.is_local()).then_some(self.version.as_str());
        let purpose = self.purpose(tree.lock_version());
        tree.add(&self.name, version, purpose);
        tree.need_named(self.needs());
    }

    fn connect(tree: NamedTree) -> LockTree {
        tree.connect_to_manifest()
    }

    fn origin(&self, folder: &str, is_hashed_elsewhere: bool) -> Option<Origin> {
        let is_hashed = is_hashed_elsewhere || toml_text::has_hashes(&self.files);
        let unhashed = || (!is_hashed).then_some(Origin::Unhashed);
        let Some(source) = &self.source else {
            return unhashed();
        };
        let url = source.url.as_deref().unwrap_or_default();
        match source.kind.as_deref() {
            Some("git") => Origin::of_git(url, source.resolved_reference.as_deref()),
            Some("directory" | "file") => leads_outside(folder, url),
            Some("url") => Origin::of_address(url, is_hashed, false),
            // An index beside the registry, whose address the row gives.
            _ => Origin::of_address(url, is_hashed, true).or_else(unhashed),
        }
    }

    fn is_local(&self) -> bool {
        let kind = self
            .source
            .as_ref()
            .and_then(|source| source.kind.as_deref());
        matches!(kind, Some("directory" | "file"))
    }

    fn into_requirement(self) -> Requirement {
        Requirement::new(self.name, &self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::EntryPath;
    use crate::inventory::pypi::pyproject::Pyproject;
    use crate::inventory::testing::{inspect, rows, wants};

    #[test]
    fn lists_all_but_local_packages() {
        let text = r#"
[[package]]
name = "alpha"
version = "1.0"
category = "main"

[[package]]
name = "from-index"
version = "1.1"
[package.source]
type = "legacy"
url = "https://registry.example/simple"
reference = "mirror"

[[package]]
name = "from-git"
version = "1.2"
[package.source]
type = "git"
url = "https://git.example/x.git"
resolved_reference = "0123456789"

[[package]]
name = "my-lib"
version = "0.1.0"
develop = true
[package.source]
type = "directory"
url = "../lib"

[[package]]
name = "my-wheel"
version = "0.1.0"
source = {type = "file", url = "wheels/x.whl"}

[metadata]
lock-version = "1.1"
[metadata.files]
alpha = [{file = "alpha-1.0.tar.gz", hash = "sha256:00"}]
"#;
        let seen = inspect(&PoetryLock, "poetry.lock", text).unwrap();
        assert_eq!(
            rows(&seen),
            [
                "alpha 1.0 locked poetry.lock:2",
                "from-git 1.2 locked poetry.lock:15",
                "from-index 1.1 locked poetry.lock:7",
            ]
        );
    }

    #[test]
    fn old_and_new_files_tell_what_needs_what_and_what_is_for_development() {
        for [main, dev, both] in [
            ["category = 'main'", "category = 'dev'", "category = 'main'"],
            [
                "groups = ['main']",
                "groups = ['dev', 'test']",
                "groups = ['dev', 'main']",
            ],
        ] {
            let text = format!(
                r#"
[[package]]
name = "Alpha"
version = "1.0"
{main}
[package.dependencies]
beta = "*"
both = {{version = ">=1", markers = "python_version >= \"3\""}}
extra = {{version = "*", optional = true}}
windows = [{{version = "1", markers = "sys_platform == \"win32\""}}]

[[package]]
name = "beta"
version = "2.0"
{main}

[[package]]
name = "both"
version = "1.0"
{both}

[[package]]
name = "extra"
version = "1.0"
{main}

[[package]]
name = "tool"
version = "1.0"
{dev}
[package.dependencies]
both = "*"

[[package]]
name = "windows"
version = "1.0"

[metadata]
lock-version = "1.0"
"#
            );
            let seen = inspect(&PoetryLock, "poetry.lock", text).unwrap();
            assert_eq!(
                seen.lock_trees.shown(),
                [
                    "Alpha 1.0 p > beta 2.0, both 1.0",
                    "beta 2.0 p",
                    "both 1.0 p",
                    "extra 1.0 p",
                    "tool 1.0 d > both 1.0",
                    "windows 1.0",
                ]
            );
        }
    }

    #[test]
    fn the_category_of_a_group_may_be_that_of_development() {
        for version in ["1.1", "2.0", ""] {
            let text = format!(
                "[[package]]\nname = 'a'\nversion = '1'\ncategory = 'dev'\n\
                 [[package]]\nname = 'b'\nversion = '1'\ncategory = 'main'\n\
                 [metadata]\nlock-version = '{version}'\n"
            );
            let seen = inspect(&PoetryLock, "poetry.lock", &text).unwrap();
            assert_eq!(seen.lock_trees.shown(), ["a 1", "b 1 p"], "{version}");
        }
    }

    #[test]
    fn where_the_file_does_not_tell_the_manifest_does() {
        let lock = "[[package]]\nname = 'a'\nversion = '1'\n[package.dependencies]\nb = '*'\n\
             [[package]]\nname = 'b'\nversion = '1'\n[[package]]\nname = 'b'\nversion = '2'\n\
             [[package]]\nname = 'c'\nversion = '1'\n\
             [[package]]\nname = 'Tool'\nversion = '1'\n[package.dependencies]\nb = '*'\nc = '*'\n";
        let found = |dependencies: &str, groups: &str| {
            let mut seen = inspect(&PoetryLock, "poetry.lock", lock).unwrap();
            let text =
                format!("[tool.poetry.dependencies]\npython = '^3'\n{dependencies}\n{groups}\n");
            let path = EntryPath::new(&"fn.zip!/".into(), "pyproject.toml");
            let bytes = text.as_bytes();
            Pyproject
                .inspect(&Entry { path: &path, bytes }, &mut seen)
                .unwrap();
            seen.lock_trees.shown()
        };
        let marked = [
            "Tool 1 d > b 1, b 2, c 1",
            "a 1 p > b 1, b 2",
            "b 1 p",
            "b 2 p",
            "c 1 d",
        ];
        let unmarked = [
            "Tool 1 > b 1, b 2, c 1",
            "a 1 > b 1, b 2",
            "b 1",
            "b 2",
            "c 1",
        ];
        for groups in [
            "[tool.poetry.group.dev.dependencies]\ntool = '*'",
            "[tool.poetry.dev-dependencies]\ntool = '*'",
        ] {
            assert_eq!(found("a = '*'", groups), marked);
            // What the lock file does not know it was not made for.
            assert_eq!(found("a = '*'\nnew = '*'", groups), unmarked);
        }
        let own = "[tool.poetry.group.lambda.dependencies]\ntool = '*'";
        assert_eq!(found("a = '*'", own), unmarked);
        let both = format!("{own}\n[tool.poetry.group.dev.dependencies]\nc = '*'");
        let for_production = [
            "Tool 1 p > b 1, b 2, c 1",
            "a 1 p > b 1, b 2",
            "b 1 p",
            "b 2 p",
            "c 1 p",
        ];
        assert_eq!(found("a = '*'", &both), for_production);
    }

    #[test]
    fn what_production_may_need_with_an_extra_is_not_for_development_alone() {
        for category in ["", "category = 'main'\n"] {
            let of_group = category.replace("main", "dev");
            let text = format!(
                "[[package]]\nname = 'a'\nversion = '1'\n{category}\
                 dependencies = {{ b = {{ version = '*', optional = true }} }}\n\
                 [[package]]\nname = 'b'\nversion = '1'\n{category}\
                 [[package]]\nname = 'own'\nversion = '1'\n{of_group}\
                 [[package]]\nname = 'tool'\nversion = '1'\n{of_group}"
            );
            let mut seen = inspect(&PoetryLock, "poetry.lock", &text).unwrap();
            let text = "[tool.poetry.dependencies]\na = '*'\n\
                 [tool.poetry.group.lambda.dependencies]\nown = '*'\n\
                 [tool.poetry.group.dev.dependencies]\nb = '*'\ntool = '*'\n";
            let path = EntryPath::new(&"fn.zip!/".into(), "pyproject.toml");
            let bytes = text.as_bytes();
            let entry = Entry { path: &path, bytes };
            Pyproject.inspect(&entry, &mut seen).unwrap();
            let shown = seen.lock_trees.shown();
            assert_eq!(shown, ["a 1 p", "b 1 p", "own 1 p", "tool 1 d"]);
        }
    }

    #[test]
    fn odd_fields_of_the_tree_cost_themselves_alone() {
        let text = "[[package]]\nname = 'a'\nversion = '1'\ncategory = 1\ngroups = 'dev'\ndependencies = ['b']\n";
        let seen = inspect(&PoetryLock, "poetry.lock", text).unwrap();
        assert_eq!(rows(&seen), ["a 1 locked poetry.lock:1"]);
        assert_eq!(seen.lock_trees.shown(), ["a 1"]);
    }

    #[test]
    fn one_odd_package_does_not_lose_the_others() {
        let path = EntryPath::new(&"fn.zip!/".into(), "poetry.lock");
        let bytes = b"[[package]]\nname = 1\n[[package]]\nname = 'b'\nversion = '2'\n";
        let mut seen = Observations::default();
        let entry = Entry { path: &path, bytes };
        let error = PoetryLock.inspect(&entry, &mut seen).unwrap_err();
        assert_eq!(error.line, Some(1));
        assert_eq!(rows(&seen), ["b 2 locked poetry.lock:3"]);
    }

    #[test]
    fn a_packages_own_lock_is_not_wanted() {
        assert!(!wants(&PoetryLock, "site-packages/foo/poetry.lock", b""));
    }
}
