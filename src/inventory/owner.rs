//! Whose a manifest or lock file is.

use super::{maven, npm, pypi};
use crate::finding::EntryPath;

/// Folders that package managers fill with other people's packages, by the last parts of their paths: a file in a
/// folder of one is a package's.
///
/// - `vendor`: Go <https://go.dev/ref/mod#vendoring>, Composer <https://getcomposer.org/doc/01-basic-usage.md>, Cargo
///   <https://doc.rust-lang.org/cargo/commands/cargo-vendor.html>, Bundler (`vendor/bundle`).
/// - Gems from a repository: <https://bundler.io/guides/git.html>.
/// - Go's cache: <https://go.dev/ref/mod#module-cache>.
/// - Cargo's: <https://doc.rust-lang.org/cargo/guide/cargo-home.html>; in Rust's images it has
///   no dot.
/// - NuGet's: <https://learn.microsoft.com/nuget/consume-packages/managing-the-global-packages-and-cache-folders>.
/// - Pub's: <https://dart.dev/tools/pub/environment-variables>.
/// - Swift's: <https://docs.swift.org/package-manager/>, and Xcode's.
const PACKAGE_FOLDERS: &[&[&str]] = &[
    &["vendor"],
    &["bundler", "gems"],
    &["pkg", "mod"],
    &[".cargo", "registry"],
    &[".cargo", "git"],
    &["cargo", "registry"],
    &["cargo", "git"],
    &[".nuget", "packages"],
    &[".pub-cache"],
    &[".build", "checkouts"],
    &["SourcePackages", "checkouts"],
];

/// Folders in which authors publish packages that exist only for tests and demonstrations.
const FIXTURE_FOLDERS: &[&str] = &[
    "test",
    "tests",
    "__tests__",
    "fixtures",
    "__fixtures__",
    "spec",
    "example",
    "examples",
];

/// Archives that are a package, as parts of a path.
const PACKAGE_ARCHIVES: &[&str] = &[".gem!", ".nupkg!", ".crate!"];

/// Whether a manifest or lock file speaks for the artifact, and not for a package of any ecosystem that the
/// artifact carries: npm packages bring along Cargo.lock, and wheels package.json.
pub fn is_owners(path: &EntryPath) -> bool {
    !npm::is_inside_package(path)
        && pypi::is_owners(path)
        && !maven::is_inside_library(path)
        && !is_packages(path)
}

/// Whether what is in a folder of that name exists for tests and demonstrations.
pub fn is_fixture_folder(part: &str) -> bool {
    FIXTURE_FOLDERS.contains(&part)
}

fn is_packages(path: &EntryPath) -> bool {
    // The first link of the chain is the artifact itself.
    let nested_in = path.container().split_once("!/");
    let nested_in = nested_in.map_or("", |(_, rest)| rest);
    let parts: Vec<&str> = nested_in
        .split('/')
        .chain(path.parent().split('/'))
        .filter(|part| !part.is_empty())
        .collect();
    let in_archive = |part: &&str| PACKAGE_ARCHIVES.iter().any(|suffix| part.ends_with(suffix));
    parts.iter().any(in_archive)
        || (1..parts.len()).any(|at| {
            let (before, rest) = parts.split_at(at);
            let is_folder = |folder: &&[&str]| before.ends_with(folder);
            PACKAGE_FOLDERS.iter().any(is_folder) || is_gem(before, rest)
        })
}

/// Installed gems are in folders with their versions, `gems/NAME-VERSION-PLATFORM`; a project may well have its own in
/// `gems/NAME`.
fn is_gem(before: &[&str], rest: &[&str]) -> bool {
    let name = rest.first().copied().unwrap_or_default();
    let states_version = |pair: &[u8]| matches!(pair, [b'-', b'0'..=b'9']);
    before.last() == Some(&"gems") && name.as_bytes().windows(2).any(states_version)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_package_of_one_ecosystem_may_carry_manifests_of_another() {
        for (container, inner, owners) in [
            ("fn.zip!/", "src/Cargo.lock", true),
            ("fn.zip!/", "node_modules/a/Cargo.lock", false),
            ("fn.zip!/", "python/site-packages/a/package.json", false),
            ("fn.zip!/a-1.0.0.tgz!/", "package/requirements.txt", false),
            ("fn.zip!/a-1.0.tar.gz!/", "a-1.0/js/yarn.lock", false),
            ("fn.zip!/a-1.0-py3-none-any.whl!/", "a/Cargo.lock", false),
            ("fn.zip!/lib/a-1.0.jar!/", "webjars/a/package.json", false),
            ("fn.zip!/app.jar!/", "BOOT-INF/classes/package.json", true),
            ("app.jar!/", "package.json", true),
            // The artifact itself may well have a source distribution's form.
            ("app-1.0.tar.gz!/", "app-1.0/package-lock.json", true),
        ] {
            let path = EntryPath::new(&Arc::from(container), inner);
            assert_eq!(is_owners(&path), owners, "{container}{inner}");
        }
    }

    #[test]
    fn what_package_managers_unpack_is_not_the_owners() {
        for inner in [
            "vendor/bundle/ruby/3.2.0/gems/a-1.0/Gemfile.lock",
            "ruby/gems/3.2.0/gems/a-1.0-x86_64-linux/ext/a/Cargo.lock",
            "usr/local/bundle/gems/a-b-1.0.rc1/package.json",
            "opt/ruby/3.2.0/bundler/gems/a-abcdef012345/Gemfile.lock",
            "vendor/go.example/x/y/go.mod",
            "src/vendor/a/b/composer.json",
            "vendor/a/Cargo.lock",
            "root/go/pkg/mod/go.example/x@v1.0.0/go.mod",
            "root/.nuget/packages/a/1.0.0/packages.lock.json",
            "root/.pub-cache/hosted/pub.example/a-1.0.0/pubspec.lock",
            ".build/checkouts/a/Package.resolved",
        ] {
            let path = EntryPath::new(&Arc::from("fn.zip!/"), inner);
            assert!(!is_owners(&path), "{inner}");
        }
        for container in [
            "fn.zip!/cache/a-1.0.gem!/data.tar.gz!/",
            "fn.zip!/a.1.0.nupkg!/",
        ] {
            let path = EntryPath::new(&Arc::from(container), "Gemfile.lock");
            assert!(!is_owners(&path), "{container}");
        }
    }

    #[test]
    fn folders_of_the_same_name_may_be_the_projects_own() {
        for (container, inner) in [
            // Where a folder of packages is the function itself, or its artifact lies in one.
            ("fn.zip!/", "vendor/composer.json"),
            ("vendor/a/fn.zip!/", "composer.json"),
            ("a-1.0.gem!/", "Gemfile.lock"),
            ("fn.zip!/", "gems/my-engine/Gemfile.lock"),
            ("fn.zip!/", "my-vendor/a/composer.json"),
            ("fn.zip!/", "packages/api/packages.lock.json"),
        ] {
            let path = EntryPath::new(&Arc::from(container), inner);
            assert!(is_owners(&path), "{container}{inner}");
        }
    }
}
