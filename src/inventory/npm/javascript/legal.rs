//! Comments about licences, which survive minifiers: in bundles, and in the files that bundlers move them to
//! (`*.LICENSE.txt` of Terser, `*.LEGAL.txt` of esbuild).
//!
//! | form | says |
//! | --- | --- |
//! | `/*! a v1.2.3 …`, `@license a@1.2.3 …` | name and version |
//! | `/*! a <https://github.com/me/a>` | name |
//! | `/*! a. MIT License. …feross.org…` | name |
//! | `/*!⏎ * a⏎ * Copyright(c) 2020 …⏎ * MIT Licensed` | name |
//! | `Bundled license information:⏎⏎a/index.js:⏎ …` | name, where the comment bears it as well |
//!
//! Over 12,006 such comments of 2,158 published packages the first form, as it is read here, stated the version of
//! the package that it names in each of 26 packages, and of a package that was copied in all of the others. The forms
//! without a version named 88 of 88 packages that are their own, and in others only what was copied in. Titles in
//! prose, such as `jQuery JavaScript Library v3.4.0`, are the business of [`super::library`].

use std::sync::OnceLock;

use aho_corasick::AhoCorasick;
use memchr::memmem::{self, Finder, rfind};

use super::library;
use super::package_path::{is_name, package_of};
use super::script::Reader;
use super::sighting::{self, Sighting};
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::npm::specifier::exact_version;

/// Comments in scripts.
pub(super) struct LegalComments;

/// The files that bundlers move them to.
pub struct LegalFile;

/// Above the list of esbuild.
const TITLE: &str = "Bundled license information:\n\n";

/// What names a package stands at the beginning of a comment.
const MAX_COMMENT: usize = 2048;

/// Words of a comment that puts code under an open licence, as applications of companies hardly have it.
const LICENCES: &[&str] = &[
    "@license",
    "MIT",
    "BSD",
    "Apache",
    "ISC",
    "icensed under",
    "eleased under",
];

/// What may stand before the name.
const TAGS: &[&str] = &[
    "@license",
    "@preserve",
    "@copyright",
    "@overview",
    "@module",
    "@name",
];

const FILES: &[&str] = &[".LICENSE.txt", ".LICENSE", ".LEGAL.txt"];

impl Inspector for LegalFile {
    fn wants(&self, header: &Header) -> bool {
        let name = header.path.file_name();
        FILES.iter().any(|end| name.ends_with(end))
    }

    /// It is searched, not parsed.
    fn max_size(&self) -> u64 {
        u64::MAX
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        LegalComments.read(entry, seen)
    }
}

impl Reader for LegalComments {
    fn marks(&self) -> &'static [&'static str] {
        &["@license", "@preserve", "@copyright", TITLE]
    }

    fn short_mark(&self) -> Option<&'static str> {
        Some("/*!")
    }

    fn read(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let mut sightings = comments(entry.bytes);
        sightings.extend(listed_by_esbuild(entry.bytes));
        sighting::report(
            entry,
            sighting::first_of_each(sightings),
            |own, name| own == name,
            seen,
        );
        Ok(())
    }
}

/// Packages that comments name.
fn comments(text: &[u8]) -> Vec<Sighting> {
    // esbuild writes `(*!` for a comment within a comment.
    const MARKS: [&str; 5] = ["/*!", "(*!", "@license", "@preserve", "@copyright"];
    static SEARCH: OnceLock<Option<AhoCorasick>> = OnceLock::new();
    let search = SEARCH.get_or_init(|| AhoCorasick::new(MARKS).ok());
    let Some(marks) = search else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut read_to = 0;
    for mark in marks.find_iter(text) {
        if mark.start() < read_to {
            continue;
        }
        let start = match mark.pattern().as_usize() {
            0 | 1 => Some(mark.start()),
            _ => comment_start(text, mark.start()),
        };
        if let Some(start) = start {
            let comment = comment(&text[start..]);
            read_to = start + comment.len();
            found.extend(named(comment).map(|(name, version)| {
                Sighting {
                    offset: start,
                    name: name.to_owned(),
                    version: version
                        .filter(|version| !library::is_ambiguous(name, version))
                        .map(str::to_owned),
                    folder: None,
                    range: None,
                }
            }));
        }
    }
    found
}

/// Where the comment starts whose first word is the tag at `tag`.
fn comment_start(text: &[u8], tag: usize) -> Option<usize> {
    let from = tag.saturating_sub(MAX_COMMENT);
    let near = &text[from..tag];
    let start = rfind(near, b"/*").max(rfind(near, b"(*"))?;
    let is_open = memmem::find(&near[start..], b"*/").is_none()
        && memmem::find(&near[start..], b"*)").is_none();
    is_open.then_some(from + start)
}

/// The beginning of the comment that the text starts with.
fn comment(text: &[u8]) -> &str {
    let mut near = &text[..text.len().min(MAX_COMMENT)];
    for close in [b"*/", b"*)"] {
        near = memmem::find(near, close).map_or(near, |end| &near[..end]);
    }
    match str::from_utf8(near) {
        Ok(text) => text,
        Err(error) => str::from_utf8(&near[..error.valid_up_to()]).unwrap_or_default(),
    }
}

/// The package that a comment names, and its version where it states one.
fn named(comment: &str) -> Option<(&str, Option<&str>)> {
    named_at_front(comment).or_else(|| {
        // An editor's settings may stand before the licence.
        let line = comment.lines().find_map(|line| {
            let line = line.trim_start_matches(['/', '(', '*', '!', ' ', '\t']);
            line.strip_prefix("@license ")
        });
        let (name, rest) = name_and_rest(content(line?));
        let (version, is_marked) = version(rest)?;
        is_vouched(comment, name, is_marked).then_some((name, Some(version)))
    })
}

fn named_at_front(comment: &str) -> Option<(&str, Option<&str>)> {
    let mut lines = comment.lines().map(content).filter(|line| !line.is_empty());
    let first = lines.next()?;
    let second = lines.next();
    let (name, rest) = name_and_rest(first);
    if let Some((version, is_marked)) = version(rest) {
        return is_vouched(comment, name, is_marked).then_some((name, Some(version)));
    }
    let name = name.trim_end_matches('.');
    let by_link = || {
        let link = rest
            .trim()
            .strip_prefix(['<', '('])?
            .strip_suffix(['>', ')'])?;
        link.contains("://github.com/").then(|| links(rest, name))
    };
    let is_named = by_link().unwrap_or(false)
        || (first[name.len()..].starts_with(". ")
            && first.contains(" License. ")
            && first.contains("/feross.org"))
        || (first == name && comment.contains("MIT Licensed") && second.is_some_and(is_copyright));
    (is_named && is_name(name)).then_some((name, None))
}

/// The name that a line begins with.
fn name_and_rest(line: &str) -> (&str, &str) {
    let length = line.bytes().take_while(|b| is_name_byte(*b)).count();
    let (name, rest) = line.split_at(length);
    // `a@1.2.3` is all of a name's bytes.
    match name.rfind('@').filter(|at| *at > 0) {
        Some(at) => line.split_at(at),
        None => (name, rest),
    }
}

/// Whether a name before a version is that of a package.
fn is_vouched(comment: &str, name: &str, is_marked: bool) -> bool {
    let is_known = name.starts_with('@')
        || links(comment, name)
        || (is_marked && LICENCES.iter().any(|word| comment.contains(word)));
    // Packages are rarely named as the file `clipboard.js` is, and that of `clipboard` is not.
    is_known && is_name(name) && !name.ends_with(".js")
}

/// A line without the stars and tags of comments.
fn content(line: &str) -> &str {
    let mut line = line
        .trim_start_matches(['/', '(', '*', '!', ' ', '\t'])
        .trim();
    while let Some(rest) = TAGS.iter().find_map(|tag| line.strip_prefix(tag)) {
        line = rest.trim_start();
    }
    line
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase()
        || byte.is_ascii_digit()
        || matches!(byte, b'@' | b'/' | b'.' | b'_' | b'-')
}

/// The version behind a name, and whether it is marked as one: `@1.2.3`, ` v1.2.3`, ` - v1.2.3`; or ` 1.2.3`.
fn version(rest: &str) -> Option<(&str, bool)> {
    let (rest, is_joined) = match rest.strip_prefix('@') {
        Some(rest) => (rest, true),
        None => (
            rest.strip_prefix(" - ")
                .or_else(|| rest.strip_prefix(' '))?,
            false,
        ),
    };
    let numbers = rest.strip_prefix('v');
    let word = numbers.unwrap_or(rest).split([' ', ',', '|', ';']).next()?;
    let version = exact_version(word).filter(|version| version.len() == word.len())?;
    Some((version, is_joined || numbers.is_some()))
}

/// Whether an address in the text ends its path, or a part of it, with the package's name.
fn links(text: &str, name: &str) -> bool {
    let base = name.rsplit('/').next().unwrap_or(name);
    !base.is_empty()
        && text.match_indices(base).any(|(at, _)| {
            let word = text[..at]
                .rsplit(char::is_whitespace)
                .next()
                .unwrap_or_default();
            let behind = text[at + base.len()..].chars().next();
            word.contains("://")
                && word.ends_with('/')
                && behind.is_none_or(|c| {
                    c.is_whitespace() || matches!(c, '/' | '>' | ')' | '#' | ',' | '|')
                })
        })
}

fn is_copyright(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    line.starts_with("copyright(c)") || line.starts_with("copyright (c)")
}

/// esbuild lists comments by the paths of their modules, without the `node_modules/` of those that have it. That a
/// path is a package's is taken for sure where the comment bears its name.
fn listed_by_esbuild(text: &[u8]) -> Vec<Sighting> {
    let mut found = Vec::new();
    for title in Finder::new(TITLE).find_iter(text) {
        let mut offset = title + TITLE.len();
        let mut package: Option<Sighting> = None;
        for line in text[offset..].split_inclusive(|byte| *byte == b'\n') {
            let Ok(line_text) = str::from_utf8(line) else {
                break;
            };
            if line_text.starts_with("*/") {
                break;
            }
            if let Some(path) = line_text
                .trim_end()
                .strip_suffix(':')
                .filter(|path| !path.starts_with(' '))
            {
                package = package_of(&format!("node_modules/{path}")).map(|package| Sighting {
                    offset,
                    name: package.name,
                    version: None,
                    folder: None,
                    range: None,
                });
            } else if package
                .as_ref()
                .is_some_and(|package| bears_name(line_text, &package.name))
            {
                found.extend(package.take());
            }
            offset += line.len();
        }
    }
    found
}

fn bears_name(line: &str, name: &str) -> bool {
    let base = name.rsplit('/').next().unwrap_or(name);
    name.starts_with('@')
        || line
            .to_ascii_lowercase()
            .contains(&base.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::script::testing::read;
    use super::*;
    use crate::inventory::testing::{inspect, rows, wants};

    fn found(text: &str) -> Vec<String> {
        let rows = rows(&read(&LegalComments, "index.js", text).unwrap());
        rows.into_iter()
            .map(|row| row.replace(" fingerprint index.js", ""))
            .collect()
    }

    #[test]
    fn a_version_that_later_releases_state_too_is_not_believed() {
        for (version, expected) in [("1.4.0", "1.4.0"), ("1.5.0", "~")] {
            let comment = format!("/*! remarkable v{version} MIT */");
            assert_eq!(found(&comment), [format!("remarkable {expected}:1")]);
        }
    }

    #[test]
    fn name_and_version() {
        for text in [
            "/*! a v1.2.3 | (c) me | MIT */",
            "x();/*!\n * a v1.2.3\n * (c) me\n * @license MIT\n */",
            "/**\n * @license a 1.2.3 Copyright (c) me\n * see http://github.com/me/a/LICENSE for it\n */",
            "/*! a 1.2.3 https://github.com/me/a @license (MIT AND Zlib) */",
            "/** @license a@1.2.3 | Licensed under X */",
            "/** vim: et:ts=4\n * @license a 1.2.3 Copyright (c) me\n * see: http://github.com/me/a for details\n */",
            "/**\n@preserve\n  a - v1.2.3, BSD\n*/",
        ] {
            assert_eq!(found(text), ["a 1.2.3:1"], "{text}");
        }
        assert_eq!(
            found("\n/*! @s/a v1.2.3-rc.1 2020-01-01 */"),
            ["@s/a 1.2.3-rc.1:2"]
        );
        assert_eq!(found("/*! @s/a@1.2.3 */"), ["@s/a 1.2.3:1"]);
    }

    #[test]
    fn name_alone() {
        for text in [
            "/*!\n * a <https://github.com/me/a>\n *\n * Copyright (c) me\n */",
            "/*! a. MIT License. Me <https://feross.org/opensource> */",
            "/*!\n * a\n * Copyright(c) 2020 Me\n * MIT Licensed\n */",
        ] {
            assert_eq!(found(text), ["a ~:1"], "{text}");
        }
    }

    #[test]
    fn what_names_no_package_for_sure() {
        for text in [
            "/*! a v1.2.3 */",
            "/*! own-function v1.2.3 | (c) Own Company. All rights reserved. */",
            "/*! a 1.2.3 | MIT */",
            "/*! a v1.2 | MIT */",
            "/*! a v1.2.3.4 | MIT */",
            "/*! a.js v1.2.3 | MIT */",
            "/*! A Library v1.2.3 | MIT */",
            "/*! version : 1.2.3 MIT */",
            "/*! strings: 1.2.3 https://site.example MIT */",
            "/*! paths 1.2.3\n * https://site.example\n * @license: X */",
            "/* a v1.2.3 MIT */",
            "// a v1.2.3 MIT",
            "/*! a <https://github.com/me/other> */",
            "/*! a. MIT License. Me <me@mail.example> */",
            "/*!\n * a\n * does something\n * MIT Licensed\n */",
            "/*!\n * Copyright(c) 2020 Me\n * MIT Licensed\n */",
            "/* x */ f(\"@license a v1.2.3 MIT\")",
            "/*! ../a v1.2.3 MIT */",
        ] {
            assert!(found(text).is_empty(), "{text}: {:?}", found(text));
        }
    }

    #[test]
    fn lists_of_esbuild() {
        let list = "\
/*! Bundled license information:

a/dist/a.js:
  (*!
   * A library
   *)

@s/b/x.js:
  (*! by me *)
  (*! c v1.2.3 | MIT *)

src/own.js:
  (*! ours *)

d/x.js:
d/y.js:
  (**
   * @license
   * D <https://site.example>
   *)
*/
d/z.js:
";
        assert_eq!(found(list), ["@s/b ~:8", "a ~:3", "c 1.2.3:10", "d ~:16"]);
        let file = list
            .replace("(*", "/*")
            .replace("*)", " */")
            .replace("/*! Bundled", "Bundled");
        let seen = inspect(
            &LegalFile,
            "index.js.LEGAL.txt",
            file.replacen("\n*/\n", "\n", 1),
        )
        .unwrap();
        assert_eq!(seen.components.len(), 4);
    }

    #[test]
    fn a_package_is_named_once() {
        let comment = "/*! a v1.2.3 MIT */";
        assert_eq!(found(&comment.repeat(3)), ["a 1.2.3:1"]);
    }

    #[test]
    fn files_of_licences_are_wanted() {
        for name in [
            "main.js.LICENSE.txt",
            "main.js.LICENSE",
            "main.js.LEGAL.txt",
        ] {
            assert!(wants(&LegalFile, name, b""), "{name}");
        }
        assert!(!wants(&LegalFile, "LICENSE", b""));
    }

    proptest! {
        #[test]
        fn no_bytes_do_harm(pieces in proptest::collection::vec(proptest::sample::select(vec![
            "/*!", "*/", "(*!", "*)", "@license", " ", "a", "@", "/", "v1.2.3", "MIT", "\n", "<https://github.com/me/a>",
            "Bundled license information:\n\n", "a/x.js:\n", "\u{e9}", ". ", "-", "_", ".",
        ]), 0..24), odd in any::<Vec<u8>>()) {
            let mut text = pieces.concat().into_bytes();
            text.extend(odd);
            let seen = inspect(&LegalFile, "index.js.LEGAL.txt", text).unwrap();
            prop_assert!(seen.components.iter().all(|c| is_name(&c.name)));
        }
    }
}
