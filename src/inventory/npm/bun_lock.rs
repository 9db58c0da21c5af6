//! bun.lock, the text form of Bun's lock file.
//!
//! Specification: <https://bun.com/docs/pm/lockfile>. It is JSON with comments and trailing commas. Each row of
//! `packages` is a list that starts with `name@reference`; its key is only the place in the tree.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::lock_places::{PlacedTree, ROOT};
use super::locked_origin::{Origins, Row, is_integrity};
use super::specifier::{Locked, is_foreign, locked, split};
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::lenient::{Lenient, Table};
use crate::inventory::lock_tree::Purpose;
use crate::inventory::{owner, read};

pub struct BunLock;

/// How many digits of a commit Bun and Git write where they do not write all.
const SHORT_COMMIT: usize = 7;

#[derive(Deserialize)]
struct Lockfile {
    #[serde(default)]
    workspaces: Table<Asking>,
    #[serde(default)]
    packages: Lenient<BTreeMap<String, Lenient<Asking>>>,
}

/// What a package or a workspace asks for, by name. What is asked of each is settled by the places.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asking {
    #[serde(default)]
    name: Lenient<IgnoredAny>,
    #[serde(default)]
    dependencies: Lenient<BTreeMap<String, IgnoredAny>>,
    #[serde(default)]
    optional_dependencies: Lenient<BTreeMap<String, IgnoredAny>>,
    #[serde(default)]
    peer_dependencies: Lenient<BTreeMap<String, IgnoredAny>>,
    #[serde(default)]
    dev_dependencies: Lenient<BTreeMap<String, IgnoredAny>>,
}

impl Asking {
    fn for_production(&self) -> impl Iterator<Item = &String> {
        let names = [
            &self.dependencies,
            &self.optional_dependencies,
            &self.peer_dependencies,
        ];
        let names = names.into_iter().filter_map(Lenient::as_map);
        names.flat_map(BTreeMap::keys)
    }
}

impl Inspector for BunLock {
    fn wants(&self, header: &Header) -> bool {
        header.path.file_name() == "bun.lock" && owner::is_owners(header.path)
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let json = without_extensions(entry.bytes);
        let lockfile: Lockfile = read::json(&Entry {
            path: entry.path,
            bytes: &json,
        })?;
        let rows = lockfile.packages.map().unwrap_or_default();
        let mut origins = Origins::new(entry, false);
        let mut tree = PlacedTree::new(entry.path);
        for (key, row) in rows {
            let Lenient::List(items) = row else { continue };
            see_origin(&key, &items, &mut origins, seen);
            let resolution = items.first().and_then(Lenient::as_text);
            let package = resolution.and_then(split);
            let package = package.and_then(|(name, reference)| locked(name, reference));
            let needs = items.iter().filter_map(Lenient::as_map);
            let needs = needs.flat_map(Asking::for_production).cloned();
            let place = tree.places.at(names(&key));
            let exact = package.as_ref().and_then(Locked::exact);
            tree.add(place, exact, Purpose::Unknown, needs);
            seen.components
                .extend(package.map(|package| package.observed(entry.path.clone())));
        }
        let mut production = Vec::new();
        let mut development = Vec::new();
        for (folder, workspace) in lockfile.workspaces.rows() {
            // What differs from the other workspaces lies in one's own. The root's name is no place: a package may have it.
            let name = workspace.name.as_text().filter(|_| !folder.is_empty());
            let place = tree.places.at(names(name.unwrap_or_default()));
            let place = place.unwrap_or(ROOT);
            let tools = workspace.dev_dependencies.as_map();
            let tools = tools.into_iter().flat_map(BTreeMap::keys);
            production.extend(tree.find(place, workspace.for_production()));
            development.extend(tree.find(place, tools));
        }
        let mut tree = tree.connect();
        tree.mark(production, development);
        seen.lock_trees.add(tree);
        Ok(())
    }
}

/// The names in a key such as `a/@s/b/c`.
fn names(key: &str) -> impl Iterator<Item = &str> {
    let mut rest = key;
    std::iter::from_fn(move || {
        let is_scoped = usize::from(rest.starts_with('@'));
        let end = rest.match_indices('/').nth(is_scoped).map(|(at, _)| at);
        let name = &rest[..end.unwrap_or(rest.len())];
        rest = end.map_or("", |end| &rest[end + 1..]);
        (!name.is_empty()).then_some(name)
    })
}

/// The last item of a row is its hash, where it has one; of a repository's it is the commit.
fn see_origin(
    key: &str,
    items: &[Lenient<Asking>],
    origins: &mut Origins,
    seen: &mut Observations,
) {
    let resolution = items.first().and_then(Lenient::as_text);
    let Some((name, reference)) = resolution.and_then(split) else {
        return;
    };
    if is_foreign(reference) || reference.starts_with("workspace:") {
        return;
    }
    let last = items.last().and_then(Lenient::as_text).unwrap_or_default();
    let is_versioned = !reference.contains([':', '/']);
    // Of a commit, the address has the first digits.
    let (_, commit) = reference.rsplit_once('#').unwrap_or_default();
    let row = Row {
        name,
        key,
        address: Some(reference).filter(|_| !is_versioned),
        is_commit: commit.len() >= SHORT_COMMIT && last.ends_with(commit),
        is_hashed: items.len() > 1 && is_integrity(last),
        is_versioned,
    };
    origins.see(&row, seen);
}

/// Blanks out comments and trailing commas, so that what is left is JSON with everything in its place.
fn without_extensions(jsonc: &[u8]) -> Vec<u8> {
    let mut json = jsonc.to_vec();
    let mut last_comma = None;
    let mut at = 0;
    while let Some(&byte) = jsonc.get(at) {
        let rest = jsonc.get(at..).unwrap_or_default();
        let length = match byte {
            b'"' => string_length(rest),
            b'/' => comment_length(rest),
            _ => 1,
        };
        let is_comment = byte == b'/' && length > 1;
        if is_comment {
            blank(&mut json, at, length);
        } else if matches!(byte, b'}' | b']')
            && let Some(comma) = last_comma
        {
            blank(&mut json, comma, 1);
        }
        if !is_comment && !byte.is_ascii_whitespace() {
            last_comma = (byte == b',').then_some(at);
        }
        at += length;
    }
    json
}

fn blank(json: &mut [u8], start: usize, length: usize) {
    for byte in json.iter_mut().skip(start).take(length) {
        // Lines stay, for messages to count them.
        if *byte != b'\n' {
            *byte = b' ';
        }
    }
}

/// The length of a string with its quotes, or of all there is if it does not end.
fn string_length(text: &[u8]) -> usize {
    let mut escaped = false;
    let end = text.iter().skip(1).position(|&byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |end| end + 2)
}

/// The length of a comment, or 1 if the slash starts none.
fn comment_length(text: &[u8]) -> usize {
    match text {
        [b'/', b'/', ..] => {
            let end = text.iter().position(|&byte| byte == b'\n');
            end.unwrap_or(text.len())
        }
        [b'/', b'*', inside @ ..] => {
            let end = inside.windows(2).position(|pair| pair == b"*/");
            end.map_or(text.len(), |end| end + 4)
        }
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, rows, wants};

    fn lock(text: &str) -> Vec<String> {
        let seen = inspect(&BunLock, "bun.lock", text).unwrap();
        let rows = rows(&seen).into_iter();
        rows.map(|row| row.replace(" locked bun.lock", ""))
            .collect()
    }

    #[test]
    fn rows_name_the_real_package_wherever_they_stand() {
        let found = lock(
            r#"{
              "lockfileVersion": 1, // of the text form
              "packages": {
                "@s/a": ["@s/a@1.0.0", "", { "dependencies": { "b": "^2.0.0", }, }, "sha512-/*x*/=="],

                "alias": ["real@2.0.0", "", {}, "sha512-"],
                "@s/a/b": ["b@3.0.0", "", {}, "sha512-"],
                "tarball": ["c@https://registry.example/c/-/c-4.0.0.tgz", {}],
                "d": ["d@github:me/d#0123abc", {}, "me-d-0123abc"], /* no
                  version */
                "e": ["e@git+ssh://git@git.example/me/e.git#0123abc", {}, "0123abc"],
              },
            }"#,
        );
        let expected = [
            "@s/a 1.0.0",
            "b 3.0.0",
            "c 4.0.0",
            "d ~github:me/d#0123abc",
            "e ~git+ssh://git@git.example/me/e.git#0123abc",
            "real 2.0.0",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_only_development_asks_for_is_told() {
        let text = r#"{
          "workspaces": {
            "": {"name": "own", "dependencies": {"a": "^1"}, "devDependencies": {"tool": "^1"}},
            "packages/x": {"name": "@own/x", "devDependencies": {"b": "^2"}},
          },
          "packages": {
            "@own/x": ["@own/x@workspace:packages/x"],
            "@own/x/b": ["b@2.0.0", "", {}, "sha512-"],
            "a": ["a@1.0.0", "", {"dependencies": {"b": "^1"}, "optionalDependencies": {"@s/c": "*"}}, "sha512-"],
            "b": ["b@1.0.0", "", {}, "sha512-"],
            "tool": ["tool@1.0.0", "", {"dependencies": {"@s/c": "*", "d": "*"}}, "sha512-"],
            "tool/@s/c": ["@s/c@2.0.0", "", {"peerDependencies": {"b": "*"}}, "sha512-"],
            "@s/c": ["@s/c@1.0.0", "", {}, "sha512-"],
          }}"#;
        let seen = inspect(&BunLock, "bun.lock", text).unwrap();
        assert_eq!(
            seen.lock_trees.shown(),
            [
                "@s/c 1.0.0 p",
                "@s/c 2.0.0 d > b 1.0.0",
                "a 1.0.0 p > @s/c 1.0.0, b 1.0.0",
                "b 1.0.0 p",
                "b 2.0.0 d",
                "tool 1.0.0 d > @s/c 2.0.0",
            ]
        );
    }

    #[test]
    fn the_name_of_the_root_is_no_place() {
        let text = r#"{
          "workspaces": {"": {"name": "a", "dependencies": {"x": "^2"}, "devDependencies": {"a": "^1"}}},
          "packages": {
            "a": ["a@1.0.0", "", {"dependencies": {"x": "^1"}}, "sha512-"],
            "a/x": ["x@1.0.0", "", {}, "sha512-"],
            "x": ["x@2.0.0", "", {}, "sha512-"],
          }}"#;
        let seen = inspect(&BunLock, "bun.lock", text).unwrap();
        assert_eq!(
            seen.lock_trees.shown(),
            ["a 1.0.0 d > x 1.0.0", "x 1.0.0 d", "x 2.0.0 p"]
        );
    }

    #[test]
    fn keys_are_names_in_names() {
        let found = |key| names(key).collect::<Vec<_>>();
        assert_eq!(found("a/@s/b/c"), ["a", "@s/b", "c"]);
        assert_eq!(found("@s/b"), ["@s/b"]);
        for odd in ["", "/", "@", "@s", "@s/", "a//b"] {
            assert!(found(odd).len() <= 1, "{odd}");
        }
    }

    #[test]
    fn packages_of_the_project_are_left_out() {
        let found = lock(
            r#"{"packages": {
                "a": ["a@workspace:packages/a"], "b": ["b@file:b", {}], "c": ["c@link:c", {}],
                "d": ["d@root:", {}], "e": ["e@vendor/e.tgz", {}], "odd": {}, "odder": [[]], "oddest": []
            }}"#,
        );
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn only_extensions_are_blanked_out() {
        let plain = |text: &str| String::from_utf8(without_extensions(text.as_bytes())).unwrap();
        assert_eq!(
            plain(r#"{"a,}//": "\\", "b": "\",]"}"#),
            r#"{"a,}//": "\\", "b": "\",]"}"#
        );
        assert_eq!(plain("[1, 2,\n // x,\n ]"), "[1, 2 \n      \n ]");
        assert_eq!(plain("[1/**/,/*\n*/]"), "[1       \n  ]");
        for unfinished in ["\"a", "\"a\\", "/", "//", "/*", "/*/", ","] {
            assert_eq!(plain(unfinished).len(), unfinished.len());
        }
    }

    #[test]
    fn errors_keep_their_line() {
        let error = inspect(
            &BunLock,
            "bun.lock",
            "{ // one\n /* two\n */ \"packages\": oops }",
        )
        .unwrap_err();
        assert_eq!(error.line, Some(3));
    }

    #[test]
    fn lock_files_of_installed_packages_are_not_wanted() {
        assert!(wants(&BunLock, "api/bun.lock", b""));
        assert!(!wants(&BunLock, "node_modules/a/bun.lock", b""));
    }
}
