//! Where Python files lie: whose a manifest is, and what a relative path in one means.

use crate::finding::EntryPath;

/// Folders that installers fill with other people's packages.
const INSTALL_FOLDERS: [&str; 3] = ["site-packages", "dist-packages", "node_modules"];

/// File names of source distributions end with one of these.
pub const SDIST_SUFFIXES: [&str; 4] = [".tar.gz", ".zip", ".tgz", ".tar.bz2"];

/// Whether a manifest or lock file here speaks for the artifact, and not for a package that the artifact carries: a
/// package's own `requirements.txt` says what its developers use, not what is in the artifact.
pub fn is_owners(path: &EntryPath) -> bool {
    // The first link of the chain is the artifact itself: in which folder it lies says nothing about what is in it.
    let nested_in = path
        .container()
        .split_once("!/")
        .map_or("", |(_, rest)| rest);
    let mut parts = nested_in.split('/').chain(path.parent().split('/'));
    let is_in_sdist = !nested_in.is_empty() && sdist_root(path).is_some();
    !is_in_sdist && !parts.any(is_package_folder)
}

fn is_package_folder(part: &str) -> bool {
    // A pex has a folder for each wheel: `.deps/a-1.0-py3-none-any.whl/a/setup.cfg`.
    let part = part.strip_suffix('!').unwrap_or(part);
    INSTALL_FOLDERS.contains(&part) || part.ends_with(".whl") || part.ends_with(".egg")
}

/// The top folder of the source distribution that holds the file: `name-1.0` in `name-1.0.tar.gz!/name-1.0/setup.cfg`.
pub fn sdist_root(path: &EntryPath) -> Option<&str> {
    let archive = path.container().strip_suffix("!/")?;
    let archive = archive.rsplit_once('/').map_or(archive, |(_, name)| name);
    let stem = SDIST_SUFFIXES
        .iter()
        .find_map(|suffix| archive.strip_suffix(suffix))?;
    let (root, _) = path.inner().split_once('/')?;
    (root == stem && stem.contains('-')).then_some(root)
}

/// Follows a relative path from a folder of the archive; a path from the root starts at the archive's root.
/// `None` where it leads out of the archive.
pub fn resolve(folder: &str, relative: &str) -> Option<String> {
    let from_root = relative.starts_with(['/', '\\']);
    let mut parts: Vec<&str> = Vec::new();
    if !from_root {
        parts.extend(folder.split('/').filter(|part| !part.is_empty()));
    }
    for part in relative.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn path(container: &str, inner: &str) -> EntryPath {
        EntryPath::new(&Arc::from(container), inner)
    }

    #[test]
    fn manifests_of_installed_packages_are_not_the_owners() {
        assert!(is_owners(&path("fn.zip!/", "requirements.txt")));
        assert!(is_owners(&path("fn.zip!/", "app/requirements/base.txt")));
        assert!(is_owners(&path("image.tar!/layer.tar!/", "app/uv.lock")));
        for (container, inner) in [
            ("fn.zip!/", "python/lib/python3.9/site-packages/a/setup.cfg"),
            ("fn.zip!/", "site-packages/requirements.txt"),
            ("fn.zip!/", "usr/lib/python3/dist-packages/uv.lock"),
            ("fn.zip!/", "node_modules/gyp/requirements.txt"),
            ("fn.zip!/node_modules/a/b.zip!/", "requirements.txt"),
            ("fn.zip!/lib/a-1.0-py3-none-any.whl!/", "a/setup.cfg"),
            ("fn.zip!/a-1.0.tar.gz!/", "a-1.0/docs/requirements.txt"),
            // A pex, shiv, Azure Functions, and layers of Lambda.
            ("app.pex!/", ".deps/a-1.0-py3-none-any.whl/a/setup.cfg"),
            ("app.pyz!/", "site-packages/a/requirements.txt"),
            ("fn.zip!/", ".python_packages/lib/site-packages/a/setup.cfg"),
            (
                "fn.zip!/",
                "opt/python/lib/python3.12/site-packages/a/uv.lock",
            ),
        ] {
            assert!(!is_owners(&path(container, inner)), "{container}{inner}");
        }
    }

    #[test]
    fn where_the_artifact_lies_does_not_matter() {
        assert!(is_owners(&path("site-packages/fn.zip!/", "uv.lock")));
    }

    #[test]
    fn an_archive_is_an_sdist_only_when_its_folder_bears_its_name() {
        assert_eq!(
            sdist_root(&path("fn.zip!/deps/a-1.0.tar.gz!/", "a-1.0/PKG-INFO")),
            Some("a-1.0")
        );
        assert_eq!(sdist_root(&path("app.tar.gz!/", "app/uv.lock")), None);
        assert_eq!(sdist_root(&path("a-1.0.tar.gz!/", "src/uv.lock")), None);
        assert_eq!(sdist_root(&path("a-1.0/", "a-1.0/uv.lock")), None);
    }

    #[test]
    fn relative_paths_never_leave_the_archive() {
        let resolve = |folder, relative| resolve(folder, relative);
        assert_eq!(resolve("a/b", "../c.txt").as_deref(), Some("a/c.txt"));
        assert_eq!(resolve("", "./more.txt").as_deref(), Some("more.txt"));
        assert_eq!(resolve("a", "/more.txt").as_deref(), Some("more.txt"));
        assert_eq!(resolve("a", r"..\b\c.txt").as_deref(), Some("b/c.txt"));
        assert_eq!(resolve("a", "../../c.txt"), None);
    }
}
