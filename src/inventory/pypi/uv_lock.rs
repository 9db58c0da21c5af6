//! `uv.lock`: <https://docs.astral.sh/uv/concepts/projects/layout/#the-lockfile>.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::lenient::Lenient;
use crate::inventory::lock_tree::Purpose;
use crate::inventory::owner;
use crate::supply_chain::origin::{Origin, leads_outside};

use super::lock_names::{Groups, NamedTree, Need};
use super::pep508::Requirement;
use super::toml_text::{self, Files, Locked};

pub struct UvLock;

#[derive(Deserialize)]
struct Package {
    name: String,
    version: Option<String>,
    source: Option<Source>,
    #[serde(default)]
    sdist: Files,
    #[serde(default)]
    wheels: Files,
    #[serde(default)]
    dependencies: Lenient<Need>,
    /// What extras add.
    #[serde(default, rename = "optional-dependencies")]
    optional_dependencies: Groups,
    #[serde(default, rename = "dev-dependencies")]
    dev_dependencies: Groups,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Source {
    Table(SourceTable),
    /// `registry+https://…`, as the first versions of uv wrote it.
    Text(String),
}

/// The sources that are not third-party: the project itself, members of its workspace and files beside it.
#[derive(Deserialize)]
struct SourceTable {
    r#virtual: Option<String>,
    editable: Option<String>,
    directory: Option<String>,
    path: Option<String>,
    registry: Option<String>,
    git: Option<String>,
    url: Option<String>,
}

impl Locked for Package {
    fn name(&self) -> &str {
        &self.name
    }

    /// What the project itself asks for tells what only development needs.
    fn join(&self, tree: &mut NamedTree) {
        let version = self.version.as_deref().filter(|_| !self.is_local());
        tree.add(&self.name, version, Purpose::Unknown);
        tree.need_listed(&self.dependencies);
        let is_local = self.is_local();
        let extras = self.optional_dependencies.as_map();
        for needs in extras.into_iter().flat_map(BTreeMap::values) {
            // Which extras are asked for is not looked up: any may be.
            tree.may_need_listed(needs);
            if is_local {
                tree.ask_for_production(needs);
            }
        }
        if is_local {
            tree.ask_for_production(&self.dependencies);
            tree.ask_for_groups(&self.dev_dependencies);
        }
    }

    fn origin(&self, folder: &str, _is_hashed_elsewhere: bool) -> Option<Origin> {
        let is_hashed = toml_text::have_hashes(&self.sdist, &self.wheels);
        let unhashed = || (!is_hashed).then_some(Origin::Unhashed);
        match &self.source {
            Some(Source::Table(source)) => source.origin(folder, is_hashed, unhashed),
            Some(Source::Text(text)) => match text.split_once('+') {
                Some(("git", _)) => Origin::of_address(text, false, false),
                Some(("direct", url)) => Origin::of_address(url, is_hashed, false),
                Some(("registry", url)) => {
                    Origin::of_address(url, is_hashed, true).or_else(unhashed)
                }
                _ => None,
            },
            None => unhashed(),
        }
    }

    fn is_local(&self) -> bool {
        self.source.as_ref().is_some_and(Source::is_local)
    }

    fn into_requirement(self) -> Requirement {
        Requirement::new(self.name, &self.version.unwrap_or_default())
    }
}

impl SourceTable {
    fn origin(
        &self,
        folder: &str,
        is_hashed: bool,
        unhashed: impl Fn() -> Option<Origin>,
    ) -> Option<Origin> {
        // Members of a workspace may well lie beside the one that ships.
        if let Some(path) = self.directory.as_ref().or(self.path.as_ref()) {
            return leads_outside(folder, path);
        }
        if let Some(git) = &self.git {
            return Origin::of_git(git, None);
        }
        if let Some(url) = &self.url {
            return Origin::of_address(url, is_hashed, false);
        }
        let registry = self.registry.as_deref()?;
        Origin::of_address(registry, is_hashed, true).or_else(unhashed)
    }
}

impl Source {
    fn is_local(&self) -> bool {
        match self {
            Source::Table(table) => [
                &table.r#virtual,
                &table.editable,
                &table.directory,
                &table.path,
            ]
            .iter()
            .any(|source| source.is_some()),
            Source::Text(text) => {
                let kind = text.split_once('+').map_or("", |(kind, _)| kind);
                matches!(kind, "virtual" | "editable" | "directory" | "path")
            }
        }
    }
}

impl Inspector for UvLock {
    fn wants(&self, header: &Header) -> bool {
        header.path.file_name() == "uv.lock" && owner::is_owners(header.path)
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        toml_text::see_packages::<Package>(entry, seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, rows};

    #[test]
    fn what_only_groups_for_development_ask_for_is_told() {
        let text = r#"
version = 1
requires-python = ">=3.9"

[[package]]
name = "me"
version = "0.1.0"
source = { virtual = "." }
dependencies = [{ name = "alpha" }]

[package.optional-dependencies]
x = [{ name = "extra" }]

[package.dev-dependencies]
dev = [{ name = "tool" }, { name = "alpha" }]
lambda = [{ name = "runtime" }]

[[package]]
name = "alpha"
version = "1.0"
source = { registry = "https://registry.example/simple" }
dependencies = [
    { name = "beta", version = "2.0", source = { registry = "https://registry.example/simple" } },
    { name = "windows", marker = "sys_platform == 'win32'" },
]

[[package]]
name = "beta"
version = "1.0"
source = { registry = "https://registry.example/simple" }

[[package]]
name = "beta"
version = "2.0"
source = { registry = "https://registry.example/simple" }

[[package]]
name = "extra"
version = "1.0"
source = { registry = "https://registry.example/simple" }

[[package]]
name = "runtime"
version = "1.0"
source = { registry = "https://registry.example/simple" }

[[package]]
name = "tool"
version = "1.0"
source = { registry = "https://registry.example/simple" }
dependencies = [{ name = "beta", version = "1.0" }]

[[package]]
name = "windows"
version = "1.0"
source = { registry = "https://registry.example/simple" }
"#;
        let seen = inspect(&UvLock, "uv.lock", text).unwrap();
        assert_eq!(
            seen.lock_trees.shown(),
            [
                "alpha 1.0 p > beta 2.0",
                "beta 1.0 d",
                "beta 2.0 p",
                "extra 1.0 p",
                "runtime 1.0 p",
                "tool 1.0 d > beta 1.0",
                "windows 1.0 p",
            ]
        );
    }

    #[test]
    fn what_production_may_need_with_an_extra_is_not_for_development_alone() {
        let package = |name: &str, more: &str| {
            let source = "source = { registry = \"https://registry.example/simple\" }";
            format!("[[package]]\nname = \"{name}\"\nversion = \"1.0\"\n{source}\n{more}\n")
        };
        let text = [
            "version = 1\n[[package]]\nname = \"me\"\nsource = { virtual = \".\" }\ndependencies = [\n\
             { name = \"alpha\", extra = [\"standard\"] },\n\
             { name = \"torch\", marker = \"extra == 'extra-2-me-cpu'\" },\n]\n\
             [package.dev-dependencies]\ndev = [{ name = \"client\" }, { name = \"torch\" }, { name = \"tool\" }]\n",
            &package("alpha", "[package.optional-dependencies]\nstandard = [{ name = \"client\" }]"),
            &package("client", ""),
            &package("torch", ""),
            &package("tool", "[package.optional-dependencies]\nx = [{ name = \"more\" }]"),
            &package("more", ""),
        ]
        .concat();
        let seen = inspect(&UvLock, "uv.lock", &text).unwrap();
        assert_eq!(
            seen.lock_trees.shown(),
            [
                "alpha 1.0 p",
                "client 1.0 p",
                "more 1.0",
                "tool 1.0 d",
                "torch 1.0 p"
            ]
        );
    }

    #[test]
    fn a_project_that_is_no_package_asks_in_the_manifest() {
        let text = r#"
version = 1
[manifest]
requirements = [{ name = "alpha", specifier = ">=1" }]
[manifest.dependency-groups]
dev = [{ name = "tool" }]
lambda = [{ name = "beta" }]

[[package]]
name = "alpha"
version = "1.0"

[[package]]
name = "beta"
version = "1.0"

[[package]]
name = "tool"
version = "1.0"
dependencies = [{ name = "beta" }]
"#;
        let seen = inspect(&UvLock, "uv.lock", text).unwrap();
        assert_eq!(
            seen.lock_trees.shown(),
            ["alpha 1.0 p", "beta 1.0 p", "tool 1.0 d > beta 1.0"]
        );
    }

    #[test]
    fn a_file_that_was_not_read_whole_has_nothing_for_development() {
        let text = r#"
version = 1
[manifest.dependency-groups]
dev = [{ name = "tool" }]

[[package]]
name = "tool"
version = "1.0"

[[package]]
name = 1
"#;
        use crate::finding::EntryPath;
        let path = EntryPath::new(&"fn.zip!/".into(), "uv.lock");
        let mut seen = Observations::default();
        let bytes = text.as_bytes();
        let entry = Entry { path: &path, bytes };
        assert!(UvLock.inspect(&entry, &mut seen).is_err());
        assert_eq!(seen.lock_trees.shown(), ["tool 1.0"]);
    }

    #[test]
    fn lists_all_but_local_packages() {
        let text = r#"
version = 1
revision = 3
requires-python = ">=3.9"

[[package]]
name = "alpha"
version = "1.0"
source = { registry = "https://registry.example/simple" }
wheels = [{ url = "https://registry.example/alpha-1.0-py3-none-any.whl", hash = "sha256:00" }]

[[package]]
name = "alpha"
version = "2.0"
source = { registry = "https://registry.example/simple" }

[[package]]
name = "from-git"
version = "1.2"
source = { git = "https://git.example/x?tag=v1#0123" }

[[package]]
name = "from-url"
version = "1.3"
source = { url = "https://host.example/from_url-1.3.tar.gz" }

[[package]]
name = "dynamic"
source = { git = "https://git.example/y" }

[[package]]
name = "me"
version = "0.1.0"
source = { virtual = "." }

[[package]]
name = "member"
version = "0.1.0"
source = { editable = "packages/member" }

[[package]]
name = "member-two"
source = { directory = "packages/two" }

[[package]]
name = "my-wheel"
version = "0.1.0"
source = { path = "wheels/my_wheel-0.1.0-py3-none-any.whl" }
"#;
        let seen = inspect(&UvLock, "app/uv.lock", text).unwrap();
        assert_eq!(
            rows(&seen),
            [
                "alpha 1.0 locked app/uv.lock:6",
                "alpha 2.0 locked app/uv.lock:12",
                "dynamic ~* locked app/uv.lock:27",
                "from-git 1.2 locked app/uv.lock:17",
                "from-url 1.3 locked app/uv.lock:22",
            ]
        );
    }

    #[test]
    fn reads_the_first_versions() {
        let text = r#"
version = 1

[[distribution]]
name = "alpha"
version = "1.0"
source = "registry+https://registry.example/simple"

[[distribution]]
name = "me"
version = "0.1.0"
source = "editable+."
"#;
        let seen = inspect(&UvLock, "uv.lock", text).unwrap();
        assert_eq!(rows(&seen), ["alpha 1.0 locked uv.lock:4"]);
    }
}
