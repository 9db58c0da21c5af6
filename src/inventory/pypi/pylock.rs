//! `pylock.toml` and `pylock.NAME.toml`: <https://packaging.python.org/en/latest/specifications/pylock-toml/>.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::lenient::Lenient;
use crate::inventory::lock_tree::Purpose;
use crate::inventory::owner;
use crate::supply_chain::origin::Origin;

use super::lock_names::{NamedTree, Need};
use super::pep508::Requirement;
use super::toml_text::{Files, Locked};
use super::{requirements, toml_text};

pub struct Pylock;

#[derive(Deserialize)]
struct Package {
    name: String,
    version: Option<String>,
    directory: Option<IgnoredAny>,
    vcs: Option<Source>,
    archive: Option<Source>,
    #[serde(default)]
    sdist: Files,
    #[serde(default)]
    wheels: Files,
    index: Option<String>,
    #[serde(default)]
    dependencies: Lenient<Need>,
}

#[derive(Deserialize)]
struct Source {
    url: Option<String>,
    path: Option<String>,
    #[serde(rename = "requested-revision")]
    requested_revision: Option<String>,
    #[serde(rename = "commit-id")]
    commit: Option<String>,
    hashes: Option<IgnoredAny>,
}

impl Source {
    fn is_local(&self) -> bool {
        match &self.url {
            Some(url) => url.starts_with("file:"),
            None => self.path.is_some(),
        }
    }
}

impl Locked for Package {
    fn name(&self) -> &str {
        &self.name
    }

    fn join(&self, tree: &mut NamedTree) {
        let version = self.version.as_deref().filter(|_| !self.is_local());
        tree.add(&self.name, version, Purpose::Unknown);
        tree.need_listed(&self.dependencies);
    }

    fn origin(&self, folder: &str, _is_hashed_elsewhere: bool) -> Option<Origin> {
        if let Some(vcs) = &self.vcs {
            return Origin::of_git(vcs.url.as_deref()?, vcs.commit.as_deref());
        }
        if let Some(archive) = &self.archive {
            let link = archive.url.as_ref().or(archive.path.as_ref())?;
            return requirements::link_origin(folder, link, archive.hashes.is_some());
        }
        if self.directory.is_some() {
            return None;
        }
        let is_hashed = toml_text::have_hashes(&self.sdist, &self.wheels);
        let index = self.index.as_deref().unwrap_or_default();
        let unhashed = || (!is_hashed).then_some(Origin::Unhashed);
        Origin::of_address(index, is_hashed, true).or_else(unhashed)
    }

    fn is_local(&self) -> bool {
        let source = self.vcs.as_ref().or(self.archive.as_ref());
        self.directory.is_some() || source.is_some_and(Source::is_local)
    }

    fn into_requirement(self) -> Requirement {
        let revision = self.vcs.and_then(|vcs| vcs.requested_revision);
        match self.version {
            Some(version) => Requirement::new(self.name, &version),
            None => Requirement::at_revision(self.name, revision.as_deref()),
        }
    }
}

impl Inspector for Pylock {
    fn wants(&self, header: &Header) -> bool {
        is_lock_name(header.path.file_name()) && owner::is_owners(header.path)
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        toml_text::see_packages::<Package>(entry, seen)
    }
}

fn is_lock_name(file_name: &str) -> bool {
    let Some(stem) = file_name.strip_suffix(".toml") else {
        return false;
    };
    let named = stem.strip_prefix("pylock.");
    stem == "pylock" || named.is_some_and(|name| !name.is_empty() && !name.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, rows, wants};

    #[test]
    fn packages_may_say_what_they_need() {
        let text = r#"
lock-version = "1.0"
[[packages]]
name = "alpha"
version = "1.0"
dependencies = [{ name = "beta", version = "2.0" }, { name = "gone" }]

[[packages]]
name = "beta"
version = "1.0"

[[packages]]
name = "beta"
version = "2.0"
"#;
        let seen = inspect(&Pylock, "pylock.toml", text).unwrap();
        assert_eq!(
            seen.lock_trees.shown(),
            ["alpha 1.0 > beta 2.0", "beta 1.0", "beta 2.0"]
        );
    }

    #[test]
    fn lists_all_but_local_packages() {
        let text = r#"
lock-version = "1.0"
created-by = "hand"

[[packages]]
name = "alpha"
version = "1.0"
wheels = [{ url = "https://registry.example/alpha-1.0-py3-none-any.whl", hashes = { sha256 = "00" } }]

[[packages]]
name = "from-git"
vcs = { type = "git", url = "https://git.example/x.git", requested-revision = "v1.2", commit-id = "0123" }

[[packages]]
name = "from-url"
version = "1.3"
archive = { url = "https://host.example/from_url-1.3.zip", hashes = { sha256 = "00" } }

[[packages]]
name = "me"
directory = { path = ".", editable = true }

[[packages]]
name = "my-wheel"
version = "0.1.0"
archive = { path = "wheels/my_wheel-0.1.0-py3-none-any.whl", hashes = { sha256 = "00" } }
"#;
        let seen = inspect(&Pylock, "pylock.toml", text).unwrap();
        assert_eq!(
            rows(&seen),
            [
                "alpha 1.0 locked pylock.toml:5",
                "from-git ~v1.2 locked pylock.toml:10",
                "from-url 1.3 locked pylock.toml:14",
            ]
        );
    }

    #[test]
    fn wants_the_names_that_the_specification_allows() {
        assert!(wants(&Pylock, "pylock.prod.toml", b""));
        assert!(!wants(&Pylock, "pylock.a.b.toml", b""));
        assert!(!wants(&Pylock, "pylock..toml", b""));
        assert!(!wants(&Pylock, "mypylock.toml", b""));
    }
}
