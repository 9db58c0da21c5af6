//! `pdm.lock`: <https://pdm-project.org/en/latest/usage/lockfile/>.

use serde::Deserialize;

use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::lock_tree::Purpose;
use crate::inventory::owner;
use crate::supply_chain::origin::Origin;

use super::lock_names::{NamedTree, Names, texts};
use super::pep508::Requirement;
use super::toml_text::{Files, Locked};
use super::{requirements, toml_text};

pub struct PdmLock;

#[derive(Deserialize)]
struct Package {
    name: String,
    version: Option<String>,
    path: Option<String>,
    git: Option<String>,
    #[serde(rename = "ref")]
    revision: Option<String>,
    url: Option<String>,
    /// The commit that the reference stood for.
    #[serde(rename = "revision")]
    commit: Option<String>,
    #[serde(default)]
    files: Files,
    #[serde(default)]
    editable: bool,
    #[serde(default)]
    dependencies: Names,
    /// Of a row that repeats a package with what an extra needs.
    #[serde(default)]
    extras: Names,
    #[serde(default)]
    groups: Names,
}

impl Locked for Package {
    fn name(&self) -> &str {
        &self.name
    }

    fn join(&self, tree: &mut NamedTree) {
        let version = self.version.as_deref().filter(|_| !self.is_local());
        let purpose = Purpose::of_groups(texts(&self.groups));
        tree.add(&self.name, version, purpose);
        if texts(&self.extras).next().is_none() {
            tree.need_required(texts(&self.dependencies));
        }
    }

    fn origin(&self, folder: &str, is_hashed_elsewhere: bool) -> Option<Origin> {
        let is_hashed = is_hashed_elsewhere || toml_text::has_hashes(&self.files);
        if let Some(git) = &self.git {
            return Origin::of_git(git, self.commit.as_deref());
        }
        match self.url.as_ref().or(self.path.as_ref()) {
            Some(link) => requirements::link_origin(folder, link, is_hashed),
            None => (!is_hashed).then_some(Origin::Unhashed),
        }
    }

    fn is_local(&self) -> bool {
        let is_remote = self.git.is_some() || self.url.is_some();
        let is_file = |url: &String| url.starts_with("file:");
        self.path.is_some() || self.url.as_ref().is_some_and(is_file) || self.editable && !is_remote
    }

    fn into_requirement(self) -> Requirement {
        match self.version {
            Some(version) => Requirement::new(self.name, &version),
            None => Requirement::at_revision(self.name, self.revision.as_deref()),
        }
    }
}

impl Inspector for PdmLock {
    fn wants(&self, header: &Header) -> bool {
        header.path.file_name() == "pdm.lock" && owner::is_owners(header.path)
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
    fn groups_tell_what_is_for_development() {
        let text = r#"
[[package]]
name = "alpha"
version = "1.0"
groups = ["default", "dev"]
dependencies = ["Beta>=1; python_version >= \"3\"", "windows; sys_platform == \"win32\""]

[[package]]
name = "alpha"
version = "1.0"
extras = ["x"]
groups = ["default"]
dependencies = ["alpha==1.0", "windows"]

[[package]]
name = "beta"
version = "1.0"

[[package]]
name = "lambda-only"
version = "1.0"
groups = ["lambda"]

[[package]]
name = "windows"
version = "1.0"
groups = ["dev"]
"#;
        let seen = inspect(&PdmLock, "pdm.lock", text).unwrap();
        assert_eq!(
            seen.lock_trees.shown(),
            [
                "alpha 1.0 p",
                "alpha 1.0 p > beta 1.0",
                "beta 1.0",
                "lambda-only 1.0 p",
                "windows 1.0 d"
            ]
        );
    }

    #[test]
    fn lists_all_but_local_packages() {
        let text = r#"
[metadata]
groups = ["default"]
lock_version = "4.5.0"

[[package]]
name = "alpha"
version = "1.0"
files = [{file = "alpha-1.0.tar.gz", hash = "sha256:00"}]

[[package]]
name = "from-git"
version = "1.2"
editable = true
git = "https://git.example/x.git"
revision = "0123456789"

[[package]]
name = "unversioned"
git = "https://git.example/y.git"
ref = "main"

[[package]]
name = "from-url"
version = "1.3"
url = "https://host.example/from_url-1.3.tar.gz"

[[package]]
name = "my-lib"
version = "0.1.0"
editable = true
path = "./lib"

[[package]]
name = "my-wheel"
version = "0.1.0"
url = "file:///${PROJECT_ROOT}/my_wheel-0.1.0-py3-none-any.whl"
"#;
        let seen = inspect(&PdmLock, "pdm.lock", text).unwrap();
        assert_eq!(
            rows(&seen),
            [
                "alpha 1.0 locked pdm.lock:6",
                "from-git 1.2 locked pdm.lock:11",
                "from-url 1.3 locked pdm.lock:23",
                "unversioned ~main locked pdm.lock:18",
            ]
        );
    }
}
