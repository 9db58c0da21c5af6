//! `poetry.lock`: <https://python-poetry.org/docs/basic-usage/#committing-your-poetrylock-file-to-version-control>.
//!
//! All versions list the packages alike; they differ in where the files' hashes stand.

use serde::Deserialize;

use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::owner;
use crate::supply_chain::origin::{Origin, leads_outside};

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
}

#[derive(Deserialize)]
struct Source {
    #[serde(rename = "type")]
    kind: Option<String>,
    url: Option<String>,
    resolved_reference: Option<String>,
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
    fn one_odd_package_does_not_lose_the_others() {
        use crate::finding::EntryPath;
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
