//! What the path of a Rust source file says of the crate that it belongs to.
//!
//! A panic names the file and line it came from, so a program holds the paths of its sources as they were where it was
//! built, stripped or not. They stand among other strings, without anything between them: where a path ends is known
//! (`.rs`), where it begins is not. So its first folder counts only where something stands before it that is no part of
//! a string.
//!
//! Where cargo and others keep sources:
//! - `registry/src/INDEX/NAME-VERSION/`: <https://doc.rust-lang.org/cargo/guide/cargo-home.html>
//! - `git/checkouts/REPOSITORY-HASH/REVISION/`, likewise
//! - `vendor/NAME/`, or `vendor/NAME-VERSION/`: <https://doc.rust-lang.org/cargo/commands/cargo-vendor.html>
//! - With `trim-paths`, `/cargo/registry/HASH/NAME-VERSION/`, and `/cargo/git/HASH/REVISION/`, which does not name the
//!   repository: `trim_paths_remap` in
//!   <https://doc.rust-lang.org/nightly/nightly-rustc/cargo/compiler/trim_paths/index.html>. Before, it took away
//!   `registry/src/` and `git/checkouts/` with all that is in front of them: `package_remap` in
//!   <https://doc.rust-lang.org/stable/nightly-rustc/cargo/core/compiler/fn.package_remap.html>. A folder on the
//!   builder's disk outside the workspace becomes `/cargo/deps/NAME-VERSION/`, before `NAME-VERSION/`.
//! - `external/…__NAME-VERSION/`: Bazel, <https://bazelbuild.github.io/rules_rust/crate_universe.html>
//! - `/rustc/COMMIT/library/`: the standard library as it is published; distributions write `/rustc-VERSION/library/`,
//!   with or without `-src`. The crates that it is made of are in `/rust/deps/`, and were in `/cargo/registry/src/`:
//!   `src/bootstrap` in the compiler's repository, where paths are remapped.

use std::str;

use semver::Version;

/// Longer than paths are; what stands before is another string.
const LONGEST: usize = 1024;
/// The most characters that crates.io allows a name.
pub const LONGEST_NAME: usize = 64;

/// Folders in which every folder is a crate with its version: Cargo's own on Debian and Fedora, and Nix's.
const CRATE_FOLDERS: &[&str] = &["registry", "cargo_registry", "cargo-vendor-dir"];

/// The crates that the published standard library has been made of.
pub const STANDARD_CRATES: &[&str] = &[
    "addr2line",
    "adler",
    "adler2",
    "cfg-if",
    "compiler_builtins",
    "gimli",
    "hashbrown",
    "libc",
    "memchr",
    "miniz_oxide",
    "object",
    "rustc-demangle",
    "unwinding",
];

/// Whose a source file is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin<'a> {
    /// A crate, in a place where crates are.
    Crate { name: &'a str, version: &'a str },
    /// A folder that is named like a crate, in a folder that may be anything.
    Named {
        folder: &'a str,
        name: &'a str,
        version: &'a str,
    },
    /// A vendored crate of unknown version.
    Vendored { name: &'a str },
    /// A checkout of a repository, which may hold crates of other names.
    Checkout { repository: &'a str },
    /// A checkout of a repository that is not named.
    UnnamedCheckout,
    /// The standard library as of a commit.
    Commit(&'a str),
    /// The standard library of a release.
    Release(&'a str),
    /// What the standard library is made of.
    Standard,
    /// Of the program itself, by the folder around its `src`, or of another folder on the builder's disk.
    Own { folder: &'a str },
}

/// Whose the source files are that are named in a text. Paths that tell nothing are left out.
pub fn origins(text: &[u8]) -> impl Iterator<Item = Origin<'_>> {
    let mut window = Window {
        begins: true,
        ..Window::default()
    };
    memchr::memmem::find_iter(text, b".rs").filter_map(move |at| {
        window.extend(text, at);
        if !window.has_separator {
            return None;
        }
        let start = window.start.max(at.saturating_sub(LONGEST));
        let begins = window.begins && start == window.start;
        window = Window {
            start: at + b".rs".len(),
            end: at + b".rs".len(),
            begins: true,
            has_separator: false,
        };
        let path = str::from_utf8(text.get(start..at)?).ok()?;
        let folders: Vec<&str> = path.split(SEPARATORS).collect();
        let (_file, folders) = folders.split_last()?;
        origin(folders, begins)
    })
}

const SEPARATORS: [char; 2] = ['/', '\\'];

/// The text since the last path, or since the last byte that is in none. It grows, so that no byte is looked at twice.
#[derive(Default)]
struct Window {
    start: usize,
    end: usize,
    /// Whether a path can begin at its start: no other string goes before.
    begins: bool,
    has_separator: bool,
}

impl Window {
    fn extend(&mut self, text: &[u8], end: usize) {
        let mut added = text.get(self.end..end).unwrap_or_default();
        let odd = added.iter().rposition(|byte| !matches!(byte, b' '..=b'~'));
        if let Some(odd) = odd {
            self.start = self.end + odd + 1;
            self.begins = true;
            self.has_separator = false;
            added = added.get(odd + 1..).unwrap_or_default();
        }
        self.has_separator |= memchr::memchr2(b'/', b'\\', added).is_some();
        self.end = end;
    }
}

/// Whose the file in these folders is. The first may have other text before it, unless the path `begins` there.
fn origin<'a>(folders: &[&'a str], begins: bool) -> Option<Origin<'a>> {
    let whole = folders.get(usize::from(!begins)..)?;
    let tails = (0..whole.len()).filter_map(|at| whole.get(at..));
    let mut origins = tails.filter_map(in_known_place);
    let origin = origins.next();
    if let Some(Origin::Crate { name, .. }) = origin
        && STANDARD_CRATES.contains(&name)
        && matches!(whole, ["", "cargo", "registry", "src", ..])
    {
        return Some(Origin::Standard);
    }
    origin
        .or_else(|| begins.then(|| local(folders.first()?)).flatten())
        .or_else(|| by_name(whole))
        .or_else(|| own(whole))
}

/// Reads a path from one of its folders on, if that is where somebody keeps crates.
fn in_known_place<'a>(folders: &[&'a str]) -> Option<Origin<'a>> {
    match *folders {
        ["registry", "src", _index, folder, ..] => crate_of(folder),
        ["git", "checkouts", checkout, _revision, ..] => {
            let repository = before_hash(checkout)?;
            Some(Origin::Checkout { repository })
        }
        ["cargo", "registry", index, folder, ..] if is_hash(index) => crate_of(folder),
        ["cargo", "git", repository, _revision, ..] if is_hash(repository) => {
            Some(Origin::UnnamedCheckout)
        }
        ["cargo", "deps", folder, ..] => local(folder),
        ["rustc", commit, "library" | "compiler", ..] if is_commit(commit) => {
            Some(Origin::Commit(commit))
        }
        [folder, "library", ..] if folder.starts_with("rustc-") => {
            let version = folder.strip_prefix("rustc-")?;
            let version = version.strip_suffix("-src").unwrap_or(version);
            Version::parse(version).ok()?;
            Some(Origin::Release(version))
        }
        ["rust", "deps", ..] => Some(Origin::Standard),
        ["external", folder, ..] => crate_of(folder.rsplit_once("__")?.1),
        ["vendor", folder, "src", ..] => crate_of(folder).or_else(|| {
            let name = without_epoch(folder);
            is_name(name).then_some(Origin::Vendored { name })
        }),
        ["vendor", folder, ..] => crate_of(folder),
        [parent, folder, ..] if CRATE_FOLDERS.contains(&parent) => crate_of(folder),
        [parent, folder, ..] => trimmed(parent, folder),
        _ => None,
    }
}

/// What is left of a registry's sources and of checkouts: the folder of the index or repository, and one in it.
fn trimmed<'a>(parent: &'a str, folder: &'a str) -> Option<Origin<'a>> {
    let repository = before_hash(parent)?;
    let checkout = is_revision(folder).then_some(Origin::Checkout { repository });
    checkout.or_else(|| crate_of(folder))
}

/// A folder on the builder's disk, which has the name of a crate with its version.
fn local(folder: &str) -> Option<Origin<'_>> {
    let (folder, _version) = name_and_version(folder)?;
    Some(Origin::Own { folder })
}

/// A folder that is named like a crate.
fn by_name<'a>(folders: &[&'a str]) -> Option<Origin<'a>> {
    let mut pairs = folders.windows(2);
    pairs.find_map(|pair| match *pair {
        [folder, in_it] => {
            let (name, version) = name_and_version(in_it)?;
            Some(Origin::Named {
                folder,
                name,
                version,
            })
        }
        _ => None,
    })
}

fn own<'a>(folders: &[&'a str]) -> Option<Origin<'a>> {
    let mut pairs = folders.windows(2).rev();
    pairs.find_map(|pair| match *pair {
        [folder, "src"] if is_name(folder) => Some(Origin::Own { folder }),
        _ => None,
    })
}

fn crate_of(folder: &str) -> Option<Origin<'_>> {
    let (name, version) = name_and_version(folder)?;
    Some(Origin::Crate { name, version })
}

/// Splits `name-1.2.3-rc.1+build`. Names hold digits and hyphens too, but no dots, so the version begins at the first
/// hyphen that one can follow.
fn name_and_version(folder: &str) -> Option<(&str, &str)> {
    let hyphens = folder.match_indices('-').map(|(at, _)| at);
    let mut hyphens = hyphens.take_while(|&at| at <= LONGEST_NAME);
    hyphens.find_map(|at| {
        let (name, version) = (folder.get(..at)?, folder.get(at + 1..)?);
        let is_version = version.starts_with(|first: char| first.is_ascii_digit())
            && Version::parse(version).is_ok();
        (is_version && is_name(name)).then_some((name, version))
    })
}

/// The crate's name of a folder that Chromium vendors it in: `image-v0_25` has the versions that 0.25 is compatible with.
/// <https://chromium.googlesource.com/chromium/src/+/main/docs/rust/README.md>
fn without_epoch(folder: &str) -> &str {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    match folder.rsplit_once("-v") {
        Some((name, epoch)) if epoch.split('_').all(is_number) => name,
        _ => folder,
    }
}

/// <https://doc.rust-lang.org/cargo/reference/manifest.html#the-name-field>, and what crates.io restricts it to.
fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        && text.len() <= LONGEST_NAME
}

/// What cargo named a folder after, which puts a hash behind it, and a word where it did not fetch the whole history.
fn before_hash(folder: &str) -> Option<&str> {
    let folder = folder.strip_suffix("-shallow").unwrap_or(folder);
    let (name, hash) = folder.rsplit_once('-')?;
    is_hash(hash).then_some(name)
}

fn is_hash(text: &str) -> bool {
    text.len() == 16 && is_hexadecimal(text)
}

/// The beginning of a commit's hash, of which 7 digits or more are written.
fn is_revision(text: &str) -> bool {
    (7..=40).contains(&text.len()) && is_hexadecimal(text)
}

fn is_commit(text: &str) -> bool {
    text.len() == 40 && is_hexadecimal(text)
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn krate<'a>(name: &'a str, version: &'a str) -> Origin<'a> {
        Origin::Crate { name, version }
    }

    fn of(path: &str) -> Option<Origin<'_>> {
        let mut origins = origins(path.as_bytes());
        let first = origins.next();
        assert_eq!(origins.next(), None);
        first
    }

    #[test]
    fn crates_are_known_by_the_folders_that_they_are_kept_in() {
        for (path, name, version) in [
            (
                "/home/me/.cargo/registry/src/index.example-0123456789abcdef/hyper-0.14.10/src/a.rs",
                "hyper",
                "0.14.10",
            ),
            (
                r"C:\Users\me\.cargo\registry\src\index.example-0123456789abcdef\a_b-1.0.0\src\a.rs",
                "a_b",
                "1.0.0",
            ),
            (
                r"/rustc\registry\src/index.example-01\foo-2-0.3.1-alpha.1+build\src/a.rs",
                "foo-2",
                "0.3.1-alpha.1+build",
            ),
            (
                "texts glue on/registry/src/i-0/a-1.2.3-4.5.6/build/a.rs",
                "a",
                "1.2.3-4.5.6",
            ),
            ("/fn/vendor/a-1.0.0/src/a.rs", "a", "1.0.0"),
            ("/fn/vendor/a-1.0.0/a.rs", "a", "1.0.0"),
            (
                "/usr/share/cargo/registry/rand-core-0.6.4/src/a.rs",
                "rand-core",
                "0.6.4",
            ),
            ("/build/cargo-vendor-dir/a-0.1.0/src/a.rs", "a", "0.1.0"),
            (
                "x/external/rules_rust++crate+crates__a-b-0.1.0/src/a.rs",
                "a-b",
                "0.1.0",
            ),
        ] {
            assert_eq!(of(path), Some(krate(name, version)), "{path}");
        }
    }

    #[test]
    fn paths_are_told_from_the_strings_around_them() {
        let text = "no/registry/src/i-0/a-1.0.0/src/a.rsb-1.0.0/src/b.rs\0c-1.0.0/src/c.rs\
                    is d-1.0.0/src/d.rs Some failure.rse-1.0.0/src/e.rs";
        let found: Vec<_> = origins(text.as_bytes()).collect();
        let expected = [
            krate("a", "1.0.0"),
            Origin::Own { folder: "b" },
            Origin::Own { folder: "c" },
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn trimmed_paths_tell_registries_and_checkouts_from_local_folders() {
        let hash = "0123456789abcdef";
        let own = Some(Origin::Own { folder: "mine" });
        let repository = "a-b";
        for (path, origin) in [
            (
                format!("index.example-{hash}/serde_json-1.0.64/src/de.rs"),
                Some(krate("serde_json", "1.0.64")),
            ),
            (
                format!("glued on index.example-{hash}\\a-1.0.0-rc.1\\src\\a.rs"),
                Some(krate("a", "1.0.0-rc.1")),
            ),
            (
                format!("/cargo/registry/{hash}/hashbrown-0.15.2/src/a.rs"),
                Some(krate("hashbrown", "0.15.2")),
            ),
            (
                format!("a-b-{hash}/0123abc/crates/c/src/a.rs"),
                Some(Origin::Checkout { repository }),
            ),
            (
                format!("a-b-{hash}-shallow/0123abc/src/a.rs"),
                Some(Origin::Checkout { repository }),
            ),
            (
                format!("/cargo/git/{hash}/0123abc/crates/c/src/a.rs"),
                Some(Origin::UnnamedCheckout),
            ),
            ("mine-0.3.0/src/lib.rs".to_owned(), own.clone()),
            ("/cargo/deps/mine-0.3.0/src/lib.rs".to_owned(), own),
            (
                // A digit is missing from the hash.
                "a-0123456789abcde/b-1.0.0/a.rs".to_owned(),
                Some(Origin::Named {
                    folder: "a-0123456789abcde",
                    name: "b",
                    version: "1.0.0",
                }),
            ),
            (format!("a-{hash}/out/b.rs"), None),
        ] {
            assert_eq!(of(&path), origin, "{path}");
        }
    }

    #[test]
    fn the_standard_library_is_told_by_its_commit_or_release() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        for path in [
            format!("/rustc/{commit}/library/core/src/a.rs"),
            format!(r"x/rustc/{commit}\library\std\src\a.rs"),
        ] {
            assert_eq!(of(&path), Some(Origin::Commit(commit)));
        }
        for path in [
            "/usr/src/rustc-1.63.0/library/core/src/a.rs",
            "/build/rustc-1.63.0-src/library/core/src/a.rs",
        ] {
            assert_eq!(of(path), Some(Origin::Release("1.63.0")));
        }
        for path in [
            "/rust/deps/hashbrown-0.15.2/src/a.rs",
            "\0/cargo/registry/src/i-0/hashbrown-0.15.2/src/a.rs",
        ] {
            assert_eq!(of(path), Some(Origin::Standard), "{path}");
        }
        let path = "/usr/local/cargo/registry/src/i-0/hashbrown-0.15.2/src/a.rs";
        assert_eq!(of(path), Some(krate("hashbrown", "0.15.2")));
    }

    #[test]
    fn what_is_not_certain_is_said_so() {
        let repository = "a-b";
        let path = "/git/checkouts/a-b-0123456789abcdef/0123abc/crates/c/src/a.rs";
        assert_eq!(of(path), Some(Origin::Checkout { repository }));
        let vendored = Origin::Vendored { name: "a" };
        assert_eq!(of("/fn/vendor/a/src/a.rs"), Some(vendored));
        let vendored = Origin::Vendored { name: "a-vec" };
        assert_eq!(of("/crates_io/vendor/a-vec-v0_25/src/a.rs"), Some(vendored));
        let vendored = Origin::Vendored { name: "a-vec" };
        assert_eq!(of("/fn/vendor/a-vec/src/a.rs"), Some(vendored));
        let named = Origin::Named {
            folder: "build",
            name: "a",
            version: "1.0.0",
        };
        assert_eq!(of("/build/a-1.0.0/src/a.rs"), Some(named));
        let own = Origin::Own { folder: "a" };
        assert_eq!(of("crates/a/src/b/c.rs"), Some(own));
    }

    #[test]
    fn other_paths_tell_nothing() {
        for path in [
            "src/main.rs",
            "main.rs",
            ".rs",
            "/vendor/golang.org/x/net/a.rs",
            "/target/release/build/a-0123456789abcdef/out/a.rs",
            "/registry/a-1.0/a.rs",
            "/registry/1a-1.0.0/a.rs",
            "/rustc/0123/library/a.rs",
        ] {
            assert_eq!(of(path), None, "{path}");
        }
    }

    #[test]
    fn names_are_no_longer_than_registries_allow() {
        let path = |name: &str| format!("/vendor/{name}-1.0.0/a.rs");
        let (name, longer) = ("a".repeat(LONGEST_NAME), "a".repeat(LONGEST_NAME + 1));
        assert_eq!(of(&path(&name)), Some(krate(&name, "1.0.0")));
        assert_eq!(of(&path(&longer)), None);
    }

    #[test]
    fn long_texts_cost_no_more_than_their_length() {
        let text = "/".repeat(1 << 16) + &"a.rs".repeat(1 << 16);
        assert_eq!(origins(text.as_bytes()).count(), 0);
    }
}
