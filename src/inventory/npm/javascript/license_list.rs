//! Lists of the packages in a bundle that plugins of bundlers write beside it, for their licences' sake.
//!
//! | written by | usual name | form |
//! | --- | --- | --- |
//! | license-webpack-plugin, ncc | `licenses.txt`, `3rdpartylicenses.txt` | name, licence and its text in lines |
//! | Angular's build with esbuild | `3rdpartylicenses.txt` | `Package: a`, `License: "MIT"` |
//! | rollup-plugin-license | `dependencies.txt` | `Name: a`, `Version: 1.2.3` |
//! | webpack-license-plugin | `oss-licenses.json` | a list of objects |

use serde::Deserialize;

use super::package_path::is_name;
use super::sighting::{self, Sighting};
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::lenient::{Lenient, Text};
use crate::inventory::npm::specifier::exact_version;
use crate::inventory::{owner, read};

pub struct LicenseList;

const JSON: &str = "oss-licenses.json";

/// Words in the names of such files.
const WORDS: &[&str] = &[
    "license",
    "licence",
    "dependencies",
    "third",
    "3rd",
    "notice",
];

/// What stands in the line of a licence: identifiers of the most used ones.
/// <https://spdx.org/licenses/>
const LICENCES: &[&str] = &[
    "MIT",
    "ISC",
    "Apache",
    "BSD",
    "0BSD",
    "MPL",
    "Unlicense",
    "CC0",
    "CC-BY",
    "Python-2.0",
    "BlueOak",
    "WTFPL",
    "Artistic",
    "LGPL",
    "GPL",
    "EPL",
    "Zlib",
    "AFL",
];

/// No name of a licence is as long.
const MAX_LICENCE: usize = 80;

#[derive(Deserialize)]
struct Row {
    #[serde(default)]
    name: Text,
    #[serde(default)]
    version: Text,
    #[serde(default)]
    license: Text,
}

impl Inspector for LicenseList {
    fn wants(&self, header: &Header) -> bool {
        // What an installed package has of this is about the workshop of its author, or its own copies.
        is_list_name(header.path.file_name()) && owner::is_owners(header.path)
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let sightings = if entry.path.file_name().eq_ignore_ascii_case(JSON) {
            rows_of_json(entry)?
        } else {
            rows_of_text(&String::from_utf8_lossy(entry.bytes))
        };
        sighting::report(entry, sightings, |own, name| own == name, seen);
        Ok(())
    }
}

fn is_list_name(name: &str) -> bool {
    let is_text = || {
        let suffix = name.len().checked_sub(".txt".len());
        let suffix = suffix.and_then(|at| name.get(at..));
        suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case(".txt"))
    };
    let has_word = || {
        let name = name.to_ascii_lowercase();
        WORDS.iter().any(|word| name.contains(word))
    };
    name.eq_ignore_ascii_case(JSON) || (is_text() && has_word())
}

fn rows_of_json(entry: &Entry) -> Result<Vec<Sighting>, Unreadable> {
    let rows: Vec<Lenient<Row>> = read::json(entry)?;
    let rows = rows.into_iter().filter_map(Lenient::map);
    Ok(rows
        .filter_map(|row| {
            row.license.text()?;
            sighting(0, &row.name.text()?, row.version.text().as_deref())
        })
        .collect())
}

fn rows_of_text(text: &str) -> Vec<Sighting> {
    let mut found = Vec::new();
    let mut offset = 0;
    let mut lines = text.split_inclusive('\n').peekable();
    let mut is_new_block = true;
    while let Some(line) = lines.next() {
        let name = line.trim_end();
        let next = lines.peek().map(|next| next.trim_end()).unwrap_or_default();
        if let Some(name) = name.strip_prefix("Name: ") {
            if let Some(version) = next.strip_prefix("Version: ") {
                found.extend(sighting(offset, name, Some(version)));
            }
        } else if let Some(name) = name.strip_prefix("Package: ") {
            if next.starts_with("License: ") {
                found.extend(sighting(offset, name, None));
            }
        } else if is_new_block && begins_as_name(name) && is_licence(next) {
            found.extend(sighting(offset, name, None));
        }
        is_new_block = name.is_empty();
        offset += line.len();
    }
    found
}

fn sighting(offset: usize, name: &str, version: Option<&str>) -> Option<Sighting> {
    is_name(name).then(|| Sighting {
        offset,
        name: name.to_owned(),
        version: version.and_then(exact_version).map(str::to_owned),
        folder: None,
        range: None,
    })
}

/// A line that sets parts of a text off may have no other signs than a name.
fn begins_as_name(line: &str) -> bool {
    line.starts_with(|first: char| first == '@' || first.is_ascii_alphanumeric())
}

/// Whether the line is the name of a licence, such as `MIT` or `(MIT OR Apache-2.0)`.
fn is_licence(line: &str) -> bool {
    let words = line.split([' ', '(', ')']).filter(|word| !word.is_empty());
    let is_known = |word: &str| LICENCES.iter().any(|licence| word.starts_with(licence));
    let is_join = |word: &str| matches!(word, "OR" | "AND" | "WITH");
    let mut words = words.peekable();
    line.len() <= MAX_LICENCE
        && words.peek().is_some()
        && words.all(|word| is_known(word) || is_join(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, rows, wants};

    fn found(name: &str, text: &str) -> Vec<String> {
        let rows = rows(&inspect(&LicenseList, name, text).unwrap());
        rows.into_iter()
            .map(|row| row.replace(&format!(" fingerprint {name}"), ""))
            .collect()
    }

    #[test]
    fn names_with_their_licences() {
        let text = "@s/a\nMIT\nsome words\nof a licence\n\nb\n(MIT OR Apache-2.0)\n\nwords\nMIT is good\n\nc\nISC\n";
        assert_eq!(found("licenses.txt", text), ["@s/a ~:1", "b ~:6", "c ~:12"]);
    }

    #[test]
    fn names_of_packages_in_fields() {
        let text = "----\nPackage: @s/a\nLicense: \"MIT\"\n\nwords\nPackage: b\n\n----\n";
        assert_eq!(found("3rdpartylicenses.txt", text), ["@s/a ~:2"]);
    }

    #[test]
    fn names_and_versions_in_fields() {
        let text = "Name: @s/a\r\nVersion: 1.2.3\r\nLicense: MIT\r\n===\n\n---\n\nName: b\nVersion: undefined\n\nName: c\n";
        assert_eq!(found("dependencies.txt", text), ["@s/a 1.2.3:1", "b ~:8"]);
    }

    #[test]
    fn a_list_of_objects() {
        let text = r#"[{"name": "@s/a", "version": "1.2.3", "license": "MIT"}, {"name": "b", "version": "1.0.0"}, 1]"#;
        assert_eq!(found("oss-licenses.json", text), ["@s/a 1.2.3:1"]);
        assert!(inspect(&LicenseList, "oss-licenses.json", "[oops").is_err());
    }

    #[test]
    fn other_texts_name_none() {
        for text in [
            "",
            "MIT\n",
            "The MIT License\n\nMIT\n",
            "Copyright me\nMIT\n",
            "a\nb\n\nx y\nMIT\n",
            "a\nMIT License\n",
            "x\n\n------\nApache\n",
        ] {
            assert!(found("LICENSE.txt", text).is_empty(), "{text}");
        }
        assert!(!wants(&LicenseList, "readme.txt", b""));
        for packages in [
            "node_modules/a/licenses.txt",
            "python/lib/python3.12/site-packages/a/licenses.txt",
            "vendor/bundle/ruby/3.2.0/gems/a-1.0/NOTICE.txt",
        ] {
            assert!(!wants(&LicenseList, packages, b""), "{packages}");
        }
    }
}
