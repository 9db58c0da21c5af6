//! bun.lock, the text form of Bun's lock file.
//!
//! Specification: <https://bun.com/docs/pm/lockfile>. It is JSON with comments and trailing commas. Each row of
//! `packages` is a list that starts with `name@reference`; its key is only the place in the tree.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::locked_origin::{Origins, Row, is_integrity};
use super::specifier::{is_foreign, locked, split};
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::lenient::{Lenient, Text};
use crate::inventory::{owner, read};

pub struct BunLock;

/// How many digits of a commit Bun and Git write where they do not write all.
const SHORT_COMMIT: usize = 7;

#[derive(Deserialize)]
struct Lockfile {
    #[serde(default)]
    packages: Lenient<BTreeMap<String, Text>>,
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
        for (key, row) in rows {
            let Lenient::List(items) = row else { continue };
            see_origin(&key, &items, &mut origins, seen);
            let resolution = items.into_iter().next().and_then(Text::text);
            let package = resolution.as_deref().and_then(split);
            if let Some(package) = package.and_then(|(name, reference)| locked(name, reference)) {
                seen.components.push(package.observed(entry.path.clone()));
            }
        }
        Ok(())
    }
}

/// The last item of a row is its hash, where it has one; of a repository's it is the commit.
fn see_origin(key: &str, items: &[Text], origins: &mut Origins, seen: &mut Observations) {
    let resolution = items.first().and_then(Text::as_text);
    let Some((name, reference)) = resolution.and_then(split) else {
        return;
    };
    if is_foreign(reference) || reference.starts_with("workspace:") {
        return;
    }
    let last = items.last().and_then(Text::as_text).unwrap_or_default();
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
