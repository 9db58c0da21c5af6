//! Scripts and style sheets: one look at each finds the marks of all readers, and only those whose marks are there
//! read closer. Most scripts hold none.
//!
//! To add a reader, implement [`Reader`] and add it to [`READERS`].

use std::sync::OnceLock;

use memchr::memmem;

use super::bundler::{Esbuild, Webpack};
use super::dependency_maps::DependencyMaps;
use super::inlined_package::InlinedPackage;
use super::legal::LegalComments;
use super::library::{self, Libraries};
use super::module_paths::ModulePaths;
use super::source_map::InlineMaps;
use crate::finding::EntryPath;
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::literals::Literals;

pub struct Script;

const READERS: &[&dyn Reader] = &[
    &InlineMaps,
    &ModulePaths,
    &DependencyMaps,
    &InlinedPackage,
    &LegalComments,
    &Esbuild,
    &Webpack,
];

/// Reads scripts that hold one of its marks.
pub(super) trait Reader: Sync {
    /// Texts of eight bytes or more. In a script without any of them is nothing for this reader.
    fn marks(&self) -> &'static [&'static str];

    /// A mark that is shorter, and costs a look of its own.
    fn short_mark(&self) -> Option<&'static str> {
        None
    }

    /// Whether style sheets are read too.
    fn reads_styles(&self) -> bool {
        false
    }

    fn read(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable>;
}

/// What a literal in a script is.
#[derive(Clone, Copy)]
enum Mark {
    Library(library::Means),
    /// By its place in [`READERS`].
    Of(usize),
}

impl Inspector for Script {
    fn wants(&self, header: &Header) -> bool {
        has_extension(header.path, &["js", "mjs", "cjs", "css"])
    }

    /// It is searched, not parsed.
    fn max_size(&self) -> u64 {
        u64::MAX
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let mut libraries = Libraries::of(entry.bytes);
        let mut is_hit = [false; READERS.len()];
        marks().find(entry.bytes, |at, mark| match mark {
            Mark::Library(means) => libraries.hit(at, means),
            Mark::Of(reader) => is_hit[reader] = true,
        });
        let is_style = is_style(entry.path);
        library::report(entry, libraries.recognized(), seen);
        let mut result = Ok(());
        for (reader, is_hit) in READERS.iter().zip(is_hit) {
            let is_asked = reader.reads_styles() || !is_style;
            if is_asked && (is_hit || has_short_mark(*reader, entry.bytes)) {
                result = result.and(reader.read(entry, seen));
            }
        }
        result
    }
}

/// Which libraries a text holds, which is a part of something else.
pub(super) fn libraries_in(text: &[u8]) -> Vec<library::Recognized> {
    let mut libraries = Libraries::of(text);
    marks().find(text, |at, mark| {
        if let Mark::Library(means) = mark {
            libraries.hit(at, means);
        }
    });
    libraries.recognized()
}

pub(super) fn is_style(path: &EntryPath) -> bool {
    has_extension(path, &["css"])
}

fn has_extension(path: &EntryPath, extensions: &[&str]) -> bool {
    let extension = path.file_name().rsplit_once('.').map(|(_, e)| e);
    extension.is_some_and(|e| extensions.iter().any(|known| e.eq_ignore_ascii_case(known)))
}

fn has_short_mark(reader: &dyn Reader, text: &[u8]) -> bool {
    let mark = reader.short_mark();
    mark.is_some_and(|mark| memmem::find(text, mark.as_bytes()).is_some())
}

fn marks() -> &'static Literals<Mark> {
    static MARKS: OnceLock<Literals<Mark>> = OnceLock::new();
    MARKS.get_or_init(|| {
        let libraries = library::literals().map(|(text, means)| (text, Mark::Library(means)));
        let readers = READERS.iter().enumerate().flat_map(|(index, reader)| {
            let marks = reader.marks().iter();
            marks.map(move |mark| (*mark, Mark::Of(index)))
        });
        Literals::new(libraries.chain(readers))
    })
}

#[cfg(test)]
pub(super) mod testing {
    use std::sync::Arc;

    use super::*;

    /// What a reader sees in a script, which must hold one of its marks for it.
    pub fn read(
        reader: &dyn Reader,
        path: &str,
        text: impl AsRef<[u8]>,
    ) -> Result<Observations, Unreadable> {
        let path = EntryPath::new(&Arc::from("fn.zip!/"), path);
        let bytes = text.as_ref();
        let mut seen = Observations::default();
        let read = reader.read(&Entry { path: &path, bytes }, &mut seen);
        let has = |mark: &str| memmem::find(bytes, mark.as_bytes()).is_some();
        let is_hit = reader.marks().iter().any(|mark| has(mark)) || has_short_mark(reader, bytes);
        let saw_nothing = seen.components.is_empty() && read.is_ok();
        assert!(is_hit || saw_nothing, "{} has no mark", path.inner());
        read.map(|()| seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, rows, wants};

    #[test]
    fn scripts_and_style_sheets_are_wanted() {
        for (path, expected) in [
            ("index.js", true),
            ("a/B.MIN.JS", true),
            ("a/INDEX.MJS", true),
            ("a.cjs", true),
            ("a.css", true),
            ("js", false),
            ("a.js.map", false),
            ("a.json", false),
        ] {
            assert_eq!(wants(&Script, path, b""), expected, "{path}");
        }
    }

    #[test]
    fn marks_are_long_enough_to_be_found() {
        for reader in READERS {
            assert!(reader.marks().iter().all(|mark| mark.len() >= 8));
        }
    }

    const TEXT: &str = "/*! a v1.2.3 MIT */\n\n// node_modules/b/x.js\nvar b;x('jQuery requires a window with a document');";

    #[test]
    fn every_reader_sees_a_script() {
        let seen = inspect(&Script, "a.js", TEXT).unwrap();
        let expected = [
            "a 1.2.3 fingerprint a.js:1",
            "b ~ fingerprint a.js:3",
            "jquery ~ fingerprint a.js:4",
        ];
        assert_eq!(rows(&seen), expected);
    }

    #[test]
    fn modules_and_comments_of_style_sheets_are_not_read() {
        assert!(rows(&inspect(&Script, "a.css", TEXT).unwrap()).is_empty());
    }

    #[test]
    fn one_reader_that_fails_costs_no_other() {
        let map = "//# sourceMappingURL=data:application/json;base64,A\n";
        let path = EntryPath::new(&std::sync::Arc::from("fn.zip!/"), "a.js");
        let text = format!("{map}{TEXT}");
        let mut seen = Observations::default();
        let bytes = text.as_bytes();
        let read = Script.inspect(&Entry { path: &path, bytes }, &mut seen);
        assert_eq!(
            (read.unwrap_err().line, seen.components.len()),
            (Some(1), 3)
        );
    }
}
