//! Where npm's package managers put packages, and what a path says about a file in one of them.
//!
//! <https://docs.npmjs.com/cli/v11/configuring-npm/folders>

use crate::finding::EntryPath;
use crate::inventory::owner::is_fixture_folder;

const NODE_MODULES: &str = "node_modules";

/// Whether the file belongs to an installed package. Its lock files and manifests then describe the
/// workshop of that package's author, not this artifact.
pub fn is_inside_package(path: &EntryPath) -> bool {
    path.parent().split('/').any(|part| part == NODE_MODULES)
        || (is_tarball(path) && path.inner().starts_with("package/"))
}

/// Whether the folder is a `node_modules` of the project, and not one within an installed package.
pub fn is_node_modules(folder: &str) -> bool {
    let mut parts = folder.split('/');
    parts.any(|part| part == NODE_MODULES) && parts.next().is_none()
}

/// Whether the file is the manifest of an installed package.
pub fn is_package_manifest(path: &EntryPath) -> bool {
    let Some(folder) = path.inner().strip_suffix("/package.json") else {
        return false;
    };
    (is_tarball(path) && folder == "package")
        || (package_name(folder).is_some() && !is_fixture(folder))
}

/// The name of the package that is installed in a folder such as `node_modules/a/node_modules/@b/c`.
pub fn package_name(folder: &str) -> Option<&str> {
    let (before, name) = folder.rsplit_once("node_modules/")?;
    let is_whole_part = before.is_empty() || before.ends_with('/');
    (is_whole_part && is_package_name(name)).then_some(name)
}

/// The name of the installed package that the file belongs to.
pub fn owning_package(path: &EntryPath) -> Option<&str> {
    let folder = path.parent();
    let (start, _) = folder
        .rmatch_indices("node_modules/")
        .find(|(at, _)| *at == 0 || folder[..*at].ends_with('/'))?;
    let rest = &folder[start + "node_modules/".len()..];
    let parts = if rest.starts_with('@') { 2 } else { 1 };
    let end = rest.match_indices('/').nth(parts - 1);
    let name = &rest[..end.map_or(rest.len(), |(at, _)| at)];
    is_package_name(name).then_some(name)
}

/// The folder from its first `node_modules` on, by which copies of one package are told apart whatever the
/// project's own folder is called.
pub fn place(folder: &str) -> Option<&str> {
    let mut starts = folder.match_indices("node_modules/").map(|(at, _)| at);
    let start = starts.find(|&at| at == 0 || folder[..at].ends_with('/'))?;
    folder.get(start..)
}

/// Published packages are tarballs with everything in the folder `package`.
fn is_tarball(path: &EntryPath) -> bool {
    path.container().ends_with(".tgz!/")
}

fn is_package_name(name: &str) -> bool {
    match name.split_once('/') {
        None => !name.is_empty() && !name.starts_with(['.', '@']),
        Some((scope, name)) => {
            scope.len() > 1 && scope.starts_with('@') && !name.is_empty() && !name.contains('/')
        }
    }
}

/// Whether a `node_modules` on the way lies in a test folder of an outer package.
fn is_fixture(folder: &str) -> bool {
    let mut outer_package = false;
    let mut in_fixtures = false;
    let mut parts = folder.split('/');
    while let Some(part) = parts.next() {
        if part == NODE_MODULES {
            if outer_package && in_fixtures {
                return true;
            }
            outer_package = true;
            // The package's own name may well be `test`.
            if parts.next().is_some_and(|name| name.starts_with('@')) {
                parts.next();
            }
        } else if outer_package && is_fixture_folder(part) {
            in_fixtures = true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn path(container: &str, inner: &str) -> EntryPath {
        EntryPath::new(&Arc::from(container), inner)
    }

    fn is_manifest(inner: &str) -> bool {
        is_package_manifest(&path("fn.zip!/", inner))
    }

    #[test]
    fn the_innermost_node_modules_counts() {
        for (folder, name) in [
            ("node_modules/a", "a"),
            ("node_modules/@s/a", "@s/a"),
            ("src/node_modules/a/node_modules/b", "b"),
            ("node_modules/.pnpm/@s+a@1.0.0/node_modules/@s/a", "@s/a"),
        ] {
            assert!(is_manifest(&format!("{folder}/package.json")), "{folder}");
            assert_eq!(package_name(folder), Some(name));
        }
    }

    #[test]
    fn a_place_is_the_same_from_wherever_it_is_seen() {
        for (folder, expected) in [
            ("node_modules/a", Some("node_modules/a")),
            ("../../node_modules/@s/a", Some("node_modules/@s/a")),
            (
                "app/node_modules/b/node_modules/a",
                Some("node_modules/b/node_modules/a"),
            ),
            ("my_node_modules/x/node_modules/a", Some("node_modules/a")),
            ("my_node_modules/a", None),
            ("lib/a", None),
        ] {
            assert_eq!(place(folder), expected);
        }
    }

    #[test]
    fn other_manifests_in_a_package_do_not_count() {
        for inner in [
            "package.json",
            "node_modules/package.json",
            "node_modules/@s/package.json",
            "node_modules/.cache/package.json",
            "node_modules/a/dist/package.json",
            "node_modules/@s/a/dist/package.json",
            "my_node_modules/a/package.json",
        ] {
            assert!(!is_manifest(inner), "{inner}");
        }
    }

    #[test]
    fn fixtures_of_a_package_do_not_count() {
        for inner in [
            "node_modules/a/test/node_modules/b/package.json",
            "node_modules/@s/a/lib/__fixtures__/x/node_modules/b/package.json",
            "node_modules/a/examples/node_modules/b/node_modules/c/package.json",
        ] {
            assert!(!is_manifest(inner), "{inner}");
        }
    }

    #[test]
    fn a_test_folder_of_the_function_itself_ships() {
        for inner in [
            "test/node_modules/b/package.json",
            "node_modules/test/node_modules/b/package.json",
            "node_modules/@s/test/node_modules/b/package.json",
            "node_modules/a/lib/node_modules/b/package.json",
        ] {
            assert!(is_manifest(inner), "{inner}");
        }
    }

    #[test]
    fn a_published_tarball_is_a_package() {
        let tarball = "fn.zip!/a-1.0.0.tgz!/";
        assert!(is_package_manifest(&path(tarball, "package/package.json")));
        assert!(!is_manifest("package/package.json"));
        assert!(is_inside_package(&path(tarball, "package/yarn.lock")));
        assert!(!is_inside_package(&path("fn.zip!/", "package/yarn.lock")));
    }

    #[test]
    fn a_file_belongs_to_the_innermost_package() {
        for (inner, owner) in [
            ("node_modules/a/index.js", Some("a")),
            ("node_modules/a/dist/x/index.js", Some("a")),
            ("node_modules/a/node_modules/@s/b/c/index.js", Some("@s/b")),
            ("node_modules/a/my_node_modules/b/index.js", Some("a")),
            ("node_modules/.bin/index.js", None),
            ("node_modules/index.js", None),
            ("static/index.js", None),
        ] {
            assert_eq!(owning_package(&path("fn.zip!/", inner)), owner, "{inner}");
        }
    }

    #[test]
    fn only_a_folder_makes_a_file_part_of_a_package() {
        let inside = |inner| is_inside_package(&path("fn.zip!/", inner));
        assert!(inside("node_modules/a/yarn.lock"));
        assert!(inside("src/node_modules/yarn.lock"));
        assert!(!inside("node_modules"));
        assert!(!inside("my_node_modules/yarn.lock"));
    }
}
