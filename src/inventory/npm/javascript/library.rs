//! Libraries recognised by their code, in copied files and in the middle of bundles.
//!
//! `libraries/*.toml` says for each what identifies it and where its version stands. Minifiers change names and drop
//! comments, but keep strings, names of properties and constants: these are what the rows hold. docs/javascript.md
//! says how to write one.
//!
//! A file's name is believed only where the content is of that library, and only for its version: a name alone would
//! be a guess.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use memchr::{memchr, memmem};

use super::script::is_style;
use super::sighting::{self, Sighting};
use crate::inspect::{Entry, Observations};
use crate::inventory::version_expression::VersionExpression;

include!(concat!(env!("OUT_DIR"), "/libraries.rs"));

/// Expressions read at most this many times the length of a text, and as much as a few windows take besides: more
/// than any code asks for, and a bound to what can be made to.
const MOST_READ: usize = 16;
const SPARE_READ: usize = 64 * 1024;
/// How many versions of one library a file may have.
const MAX_VERSIONS: usize = 16;
/// A comment that names its library is at the beginning.
const HEAD: usize = 512;

/// A row of the table that the build script makes.
struct Library {
    name: &'static str,
    published_as: &'static [&'static str],
    marks: &'static [&'static str],
    versions: &'static [&'static VersionExpression],
    ambiguous: &'static [&'static str],
    files: &'static [&'static str],
}

/// A library whose code is in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recognized {
    /// The npm package.
    pub name: &'static str,
    pub version: Option<String>,
    /// Where the version stands; where it is not known, the first mark.
    pub offset: usize,
}

/// The libraries whose traces were seen in a text.
pub(super) struct Libraries<'a> {
    text: &'a [u8],
    sightings: BTreeMap<usize, Traces>,
    /// What expressions may still read.
    readable: usize,
}

impl<'a> Libraries<'a> {
    pub(super) fn of(text: &'a [u8]) -> Self {
        Libraries {
            text,
            sightings: BTreeMap::new(),
            readable: text.len().saturating_mul(MOST_READ) + SPARE_READ,
        }
    }

    /// Takes in that a literal of [`literals`] stands at a place.
    pub(super) fn hit(&mut self, at: usize, means: Means) {
        match means {
            Means::Library(index) => self.sightings.entry(index).or_default().mark(at),
            Means::Version(index, expression) => {
                let expression = LIBRARIES[index].versions[expression];
                let length = expression.longest * 2;
                if self.readable >= length
                    && let Some((offset, version)) = read(expression, self.text, at)
                {
                    let traces = self.sightings.entry(index).or_default();
                    traces.state(&LIBRARIES[index], version, offset);
                }
                self.readable = self.readable.saturating_sub(length);
            }
        }
    }

    /// By offset. A library of which several versions are there has a row for each.
    pub(super) fn recognized(self) -> Vec<Recognized> {
        let mut recognized = Vec::new();
        for (index, traces) in self.sightings {
            let name = LIBRARIES[index].name;
            let without = traces.mark.filter(|_| traces.versions.is_empty());
            let without = without.map(|offset| (None, offset));
            let versions = traces.versions.into_iter();
            let versions = versions.map(|(version, offset)| (Some(version), offset));
            let rows = without.into_iter().chain(versions);
            recognized.extend(rows.map(|(version, offset)| Recognized {
                name,
                version,
                offset,
            }));
        }
        recognized.sort_by_key(|r| r.offset);
        recognized
    }
}

#[derive(Default)]
struct Traces {
    mark: Option<usize>,
    /// Where each was first seen.
    versions: BTreeMap<String, usize>,
}

impl Traces {
    fn mark(&mut self, at: usize) {
        self.mark = Some(self.mark.map_or(at, |mark| mark.min(at)));
    }

    fn state(&mut self, library: &Library, version: String, at: usize) {
        if library.ambiguous.contains(&version.as_str()) {
            self.mark(at);
        } else if self.versions.len() < MAX_VERSIONS {
            let first = self.versions.entry(version).or_insert(at);
            *first = at.min(*first);
        }
    }
}

/// What it means that a literal is in a text. Numbers are places in the table.
#[derive(Clone, Copy)]
pub(super) enum Means {
    /// That library is there.
    Library(usize),
    /// Its version may stand around it.
    Version(usize, usize),
}

/// Every text that tells of a library.
pub(super) fn literals() -> impl Iterator<Item = (&'static str, Means)> {
    LIBRARIES.iter().enumerate().flat_map(|(index, library)| {
        let marks = library.marks.iter();
        let marks = marks.map(move |mark| (*mark, Means::Library(index)));
        let versions = library.versions.iter().enumerate();
        marks.chain(versions.map(move |(n, version)| (version.at, Means::Version(index, n))))
    })
}

/// The version that an expression states around `at`, and its place.
fn read(expression: &VersionExpression, text: &[u8], at: usize) -> Option<(usize, String)> {
    let found = expression.read(text, at)?;
    let numbers = found.version;
    let version = match found.major {
        Some(major) => exact(&[major, b".", numbers].concat(), found.behind),
        None => exact(numbers, found.behind),
    };
    Some((found.offset, version?))
}

/// The version as npm writes it: `1.7` is 1.7.0. None if it goes on behind.
fn exact(version: &[u8], behind: &[u8]) -> Option<String> {
    let goes_on = match behind {
        [b'.', next, ..] => next.is_ascii_digit(),
        [next, ..] => next.is_ascii_alphanumeric() || *next == b'_',
        [] => false,
    };
    let version = str::from_utf8(version).ok().filter(|_| !goes_on)?;
    let (numbers, label) = match version.split_once('-') {
        Some((numbers, label)) => (numbers, format!("-{label}")),
        None => (version, String::new()),
    };
    let patch = if numbers.matches('.').count() == 1 {
        ".0"
    } else {
        ""
    };
    let version = format!("{numbers}{patch}{label}");
    semver::Version::parse(&version).is_ok().then_some(version)
}

/// Adds the libraries that were recognised in a file.
pub(super) fn report(entry: &Entry, mut recognized: Vec<Recognized>, seen: &mut Observations) {
    // Everybody's style sheets name the classes of the libraries they restyle: only a stated version tells there.
    if is_style(entry.path) {
        recognized.retain(|r| r.version.is_some());
    }
    believe_file_name(entry, &mut recognized);
    let sightings = recognized.into_iter().map(|r| Sighting {
        offset: r.offset,
        name: r.name.to_owned(),
        version: r.version,
        folder: None,
        range: None,
    });
    sighting::report(entry, sightings.collect(), is_made_of, seen);
}

/// Whether files of later releases state the version too.
pub(super) fn is_ambiguous(name: &str, version: &str) -> bool {
    let library = LIBRARIES.iter().find(|library| library.name == name);
    library.is_some_and(|library| library.ambiguous.contains(&version))
}

/// Whether the package is the library itself.
fn is_made_of(package: &str, name: &str) -> bool {
    let library = LIBRARIES.iter().find(|library| library.name == name);
    package == name || library.is_some_and(|library| library.published_as.contains(&package))
}

/// `jquery-3.4.1.min.js`: takes the version from the file's name where the content is of that library, by its code
/// or by the comment that it begins with, and states none.
fn believe_file_name(entry: &Entry, recognized: &mut Vec<Recognized>) {
    let file_name = entry.path.file_name().to_ascii_lowercase();
    let Some((base, version)) = versioned_name(&file_name) else {
        return;
    };
    let Some(library) = LIBRARIES.iter().find(|l| l.files.contains(&base)) else {
        return;
    };
    match recognized.iter_mut().find(|r| r.name == library.name) {
        Some(known) => {
            known.version.get_or_insert(version);
        }
        None if begins_by_naming(entry.bytes, base) => recognized.insert(
            0,
            Recognized {
                name: library.name,
                version: Some(version),
                offset: 0,
            },
        ),
        None => {}
    }
}

/// `jquery` and `3.4.1` of `jquery-3.4.1.min.js`.
fn versioned_name(file_name: &str) -> Option<(&str, String)> {
    let (stem, _) = file_name.rsplit_once('.')?;
    let stem = [".min", "-min", ".slim", ".prod", ".pack"]
        .iter()
        .fold(stem, |stem, end| stem.strip_suffix(end).unwrap_or(stem));
    let (at, _) = stem.match_indices(['-', '.', '_', '@']).find(|(at, _)| {
        stem[at + 1..]
            .trim_start_matches('v')
            .starts_with(|c: char| c.is_ascii_digit())
    })?;
    let version = stem[at + 1..].trim_start_matches('v');
    // One number is no version; two are one of old.
    let version = exact(version.as_bytes(), b"").filter(|_| version.contains('.'))?;
    Some((&stem[..at], version))
}

/// Whether the text begins with a comment that has the word.
fn begins_by_naming(text: &[u8], word: &str) -> bool {
    let head = &text[..text.len().min(HEAD)];
    let head = head
        .strip_prefix(b"\xEF\xBB\xBF")
        .unwrap_or(head)
        .trim_ascii_start();
    let end = match head {
        [b'/', b'*', ..] => memmem::find(head, b"*/"),
        [b'/', b'/', ..] => memchr(b'\n', head),
        _ => return false,
    };
    let comment = head[..end.unwrap_or(head.len())].to_ascii_lowercase();
    let is_letter = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
    memmem::find_iter(&comment, word).any(|at| {
        let before = at.checked_sub(1).and_then(|at| comment.get(at));
        !is_letter(before) && !is_letter(comment.get(at + word.len()))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::super::library_spec::LibrarySpec;
    use super::super::script::{Script, libraries_in};
    use super::*;
    use crate::inventory::testing::{inspect, rows, table_rows};

    fn specs() -> Vec<LibrarySpec> {
        table_rows("src/inventory/npm/javascript/libraries", "library")
    }

    fn filled(example: &str, version: &str) -> String {
        let (major, minor) = version.split_once('.').unwrap();
        let example = example.replace("{v}", version);
        example.replace("{major}", major).replace("{minor}", minor)
    }

    /// `name version`, or the name alone.
    fn named(text: &str) -> BTreeSet<String> {
        let recognized = libraries_in(text.as_bytes()).into_iter();
        recognized
            .map(|r| match r.version {
                Some(version) => format!("{} {version}", r.name),
                None => r.name.to_owned(),
            })
            .collect()
    }

    #[test]
    fn every_example_is_recognized_as_its_library_and_as_no_other() {
        for spec in specs() {
            for example in &spec.examples {
                let stated = if spec.versions.is_empty() {
                    ""
                } else {
                    " 3.27.1"
                };
                let expected = BTreeSet::from([format!("{}{stated}", spec.name)]);
                assert_eq!(named(&filled(example, "3.27.1")), expected, "{example}");
            }
        }
    }

    #[test]
    fn code_of_others_that_resembles_a_mark_names_nothing() {
        for text in [
            "Address.extractProtocol = extractProtocol; A.extractProtocol=x; a=[`hostname`,void 0,1]",
            "AgentSpecAdapter.prototype.toAgentSpec = x; a.prototype.toAgentSpec=x;",
            "messages = {maxProperties: 'has more properties than allowed'};",
            "throw new Error('Algorithm type not recognized.'); a = {e: \"Algorithm type not recognized.\"}",
            "log('fail to resolve hostname ' + name);",
            "Base.escapeJavaScriptCharacters(id); request.abortThrows = true; result.hasRefPart=true;",
            "options.preProcessMd = brew; $('#gmailJsModalWindowContent').show();",
            "// ag-grid-community v19.0.0\n/**\n * ag-grid-community - Advanced Data Grid\n * @version v19.0.0\n */",
            // In billboard.js, a fork of C3.
            "throw Error('url or json or rows or columns is required.');",
            "$$.intervalForObserveInserted = undefined; a.axis_y_tick_time_value = b;",
        ] {
            assert!(named(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn every_mark_and_every_expression_is_in_an_example() {
        for spec in specs() {
            let text = filled(&spec.examples.join("\n"), "3.27.1");
            for mark in &spec.marks {
                assert!(text.contains(mark), "{}: {mark}", spec.name);
            }
            let library = LIBRARIES.iter().find(|l| l.name == spec.name).unwrap();
            for version in library.versions {
                let mut places = memmem::find_iter(text.as_bytes(), version.at);
                let read = places.any(|at| read(version, text.as_bytes(), at).is_some());
                assert!(read, "{}: {}", spec.name, version.expression);
            }
        }
    }

    #[test]
    fn libraries_in_one_bundle_keep_their_own_versions() {
        let specs = specs();
        let with_versions = specs.iter().filter(|spec| !spec.versions.is_empty());
        let mut bundle = String::new();
        let mut expected = BTreeSet::new();
        for (number, spec) in with_versions.enumerate() {
            let version = format!("3.{}.1", number + 100);
            bundle += &filled(&spec.examples[1], &version);
            bundle += &";function other(){return'1.2.3'}".repeat(40);
            expected.insert(format!("{} {version}", spec.name));
        }
        assert_eq!(named(&bundle), expected);
    }

    #[test]
    fn what_expressions_need_is_what_the_engine_finds() {
        for library in &LIBRARIES {
            for version in library.versions {
                assert!(version.compiles(), "{}", version.expression);
            }
        }
        let names: BTreeSet<&str> = LIBRARIES.iter().map(|l| l.name).collect();
        assert_eq!(names.len(), LIBRARIES.len());
        assert!(names.len() >= 120);
    }

    const JQUERY: &str = "var a={fn:'jQuery requires a window with a document'};";

    fn seen(path: &str, text: &str) -> Vec<String> {
        rows(&inspect(&Script, path, text).unwrap())
    }

    #[test]
    fn a_file_is_recognized_by_its_content_whatever_its_name() {
        let text = format!("\n\n  {JQUERY}");
        assert_eq!(seen("aa/b.js", &text), ["jquery ~ fingerprint aa/b.js:3"]);
        let seen = inspect(&Script, "aa/b.js", &text).unwrap();
        assert_eq!(seen.components[0].location.column, Some(14));
    }

    #[test]
    fn a_file_name_states_the_version_of_what_the_content_is() {
        for (path, version) in [
            ("jquery-3.4.1.min.js", "3.4.1"),
            ("jQuery.3.4.1.js", "3.4.1"),
            ("jquery-1.7.js", "1.7.0"),
            ("jquery-3.0.0-rc1.slim.min.js", "3.0.0-rc1"),
            ("jquery@3.4.1.js", "3.4.1"),
            ("jquery-3.js", "~"),
            ("jquery-3.4.1.5.js", "~"),
            ("jquery.form-3.4.1.js", "~"),
            ("other-3.4.1.js", "~"),
        ] {
            assert_eq!(
                seen(path, JQUERY),
                [format!("jquery {version} fingerprint {path}:1")]
            );
        }
    }

    #[test]
    fn a_file_name_is_believed_for_a_comment_that_names_the_library() {
        let path = "jquery-3.4.1.js";
        let expected = ["jquery 3.4.1 fingerprint jquery-3.4.1.js:1"];
        assert_eq!(seen(path, "/* the jQuery library */ x()"), expected);
        assert_eq!(seen(path, "// jQuery\nx()"), expected);
        for text in [
            "x()",
            "/* mine */ jquery()",
            "/* jquerying */",
            "jQuery(x)",
            "",
        ] {
            assert!(seen(path, text).is_empty(), "{text}");
        }
    }

    #[test]
    fn a_style_sheet_is_recognized_by_its_version_alone() {
        let marked = "/* jQuery requires a window with a document */";
        assert!(seen("a.css", marked).is_empty());
        let stated = "/*! Bootstrap v3.4.1 (https://example.test) */";
        assert_eq!(
            seen("a.css", stated),
            ["bootstrap 3.4.1 fingerprint a.css:1"]
        );
    }

    #[test]
    fn a_package_is_not_recognized_in_itself() {
        assert!(seen("node_modules/jquery/dist/jquery.js", JQUERY).is_empty());
        assert!(seen("node_modules/jQuery/jquery.js", JQUERY).is_empty());
        assert_eq!(seen("node_modules/other/jquery.js", JQUERY).len(), 1);
    }

    #[test]
    fn versions_are_whole() {
        let version = |version: &str, behind: &str| exact(version.as_bytes(), behind.as_bytes());
        assert_eq!(version("1.7", "\""), Some("1.7.0".into()));
        assert_eq!(version("1.7-rc1", "\""), Some("1.7.0-rc1".into()));
        assert_eq!(version("1.2.3", ". The"), Some("1.2.3".into()));
        assert_eq!(version("1.2.3", ".4"), None);
        assert_eq!(version("1.2.3", "b"), None);
        assert_eq!(version("1.02.3", ""), None);
    }

    proptest! {
        #[test]
        fn no_bytes_do_harm(parts in prop::collection::vec(0..LIBRARIES.len(), 0..9), noise in any::<Vec<u8>>()) {
            let mut text = noise.clone();
            for index in parts {
                let library = &LIBRARIES[index];
                for version in library.versions {
                    text.extend_from_slice(version.at.as_bytes());
                    text.extend_from_slice(&noise[..noise.len() / 2]);
                }
            }
            for recognized in libraries_in(&text) {
                prop_assert!(recognized.offset < text.len());
            }
        }
    }
}
