//! Code that imports test folders of Python packages, which are then no dead weight.
//!
//! Most packages' `tests` are for their authors alone. A few have helpers in them that the package itself imports, and
//! would not start without.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use memchr::memmem::Finder;

use crate::finding::EntryPath;
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};

/// An import of a module that has `tests` in its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedTests {
    pub file: EntryPath,
    /// As Python writes it, `a.tests.b`, or `.tests.b` from the package of the file.
    pub module: Box<str>,
}

pub struct TestImports;

pub const TESTS: &str = "tests";

/// Of one file: code that people write has fewer.
const MAX_IMPORTS: usize = 200;
/// Source that people write is shorter by far.
const MAX_SOURCE: u64 = 4 * 1024 * 1024;

impl Inspector for TestImports {
    fn wants(&self, header: &Header) -> bool {
        let inner = header.path.inner();
        inner.ends_with(".py") && header.size <= MAX_SOURCE && !is_test(header.path)
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        static FINDER: OnceLock<Finder> = OnceLock::new();
        let finder = FINDER.get_or_init(|| Finder::new(TESTS));
        let found = finder.find_iter(entry.bytes);
        let imports = found.flat_map(|at| imported(entry.bytes, at).unwrap_or_default());
        let imports: BTreeSet<Box<str>> = imports.take(MAX_IMPORTS).collect();
        let imports = imports.into_iter().map(|module| ImportedTests {
            file: entry.path.clone(),
            module,
        });
        seen.imported_tests.extend(imports);
        Ok(())
    }
}

/// Whether the file is a test itself, which nobody runs: what it imports is no matter. A module beside the code may be
/// called `test_runner` and be a part of it.
fn is_test(path: &EntryPath) -> bool {
    path.file_name() == "conftest.py" || path.parent().split('/').any(|part| part == TESTS)
}

/// The modules that the line around a `tests` imports, if it is an import and that is a part of their names.
fn imported(source: &[u8], at: usize) -> Option<Vec<Box<str>>> {
    /// No import is longer.
    const MAX_LINE: usize = 500;
    let before = source.get(at.saturating_sub(MAX_LINE)..at)?;
    let start = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
    let after = source.get(at..source.len().min(at + MAX_LINE))?;
    let end = memchr::memchr(b'\n', after).unwrap_or(after.len());
    let line = [before.get(start..)?, after.get(..end)?].concat();
    let line = std::str::from_utf8(&line).ok()?.trim();
    let is_tests = |module: &str| module.split('.').any(|part| part == TESTS);
    let is_named = |names: &str| {
        let mut names = names.split(',');
        names.any(|name| name.split_whitespace().next() == Some(TESTS))
    };
    let tests_of = |module: &str| -> Box<str> {
        let separator = if module.ends_with('.') { "" } else { "." };
        format!("{module}{separator}{TESTS}").into()
    };
    // A row of a list of names in parentheses.
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | ',' | ' ' | ')');
    let is_statement = line.starts_with("from ") || line.starts_with("import ");
    if !is_statement && line.chars().all(is_name) {
        let opened = std::str::from_utf8(before.get(..start)?).ok()?;
        let module = opened.rfind('(').and_then(|at| {
            let statement = opened[..at].lines().next_back()?.trim();
            let is_open = !opened[at..].contains(')');
            let module = statement.strip_prefix("from ")?.strip_suffix("import")?;
            is_open.then(|| module.trim())
        });
        let names = line.trim_end_matches([',', ')', ' ']);
        return (module.is_some() || names == TESTS)
            .then(|| is_named(names).then(|| vec![tests_of(module.unwrap_or("."))]))?;
    }
    if let Some(rest) = line.strip_prefix("from ") {
        let (module, names) = rest.trim_start().split_once(" import ")?;
        let module = module.trim();
        if is_tests(module) {
            return Some(vec![module.into()]);
        }
        let names = names.trim_matches(['(', ')', ' ']);
        return is_named(names).then(|| vec![tests_of(module)]);
    }
    if let Some(modules) = line.strip_prefix("import ") {
        let modules = modules
            .split(',')
            .filter_map(|module| module.split_whitespace().next());
        return Some(
            modules
                .filter(|module| is_tests(module))
                .map(Box::from)
                .collect(),
        );
    }
    let (_, called) = line.split_once("import_module(")?;
    let name = called.trim_start().get(1..)?;
    let name = &name[..name.find(['"', '\''])?];
    is_tests(name).then(|| vec![name.into()])
}

impl ImportedTests {
    /// The path of the `tests` folder: within the folder that packages are installed in if the import is absolute, and
    /// otherwise within the container.
    pub fn folder(&self) -> Option<Folder> {
        let names = self.module.trim_start_matches('.');
        let mut parts: Vec<&str> = Vec::new();
        for part in names.split('.') {
            parts.push(part);
            if part == TESTS {
                break;
            }
        }
        let below = parts.join("/");
        let dots = self.module.len() - names.len();
        if dots == 0 {
            return Some(Folder::Installed(below));
        }
        let mut folder = self.file.parent();
        for _ in 1..dots {
            folder = folder.rsplit_once('/')?.0;
        }
        let separator = if folder.is_empty() { "" } else { "/" };
        Some(Folder::Contained(format!("{folder}{separator}{below}")))
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
pub enum Folder {
    Installed(String),
    Contained(String),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, wants};

    fn modules(source: &str) -> Vec<Box<str>> {
        let seen = inspect(&TestImports, "site-packages/a/b/c.py", source).unwrap();
        let imports = seen.imported_tests.into_iter();
        imports.map(|import| import.module).collect()
    }

    #[test]
    fn imports_of_tests_are_seen_in_all_their_forms() {
        for (source, module) in [
            ("from a.tests import x\n", "a.tests"),
            (
                "x = 1\n    from .tests.runner import Runner",
                ".tests.runner",
            ),
            ("from . import tests\n", ".tests"),
            ("from .. import x, tests as t\n", "..tests"),
            ("from a import tests\n", "a.tests"),
            ("import os, a.tests.b as b\n", "a.tests.b"),
            ("from . import (\n    x,\n    tests,\n)", ".tests"),
            ("from a import (\n    core, tests,\n)", "a.tests"),
            ("m = importlib.import_module(\"a.tests.b\")\n", "a.tests.b"),
        ] {
            assert_eq!(modules(source), [Box::from(module)], "{source}");
        }
        assert_eq!(
            modules("import a.tests, b.tests.c\n"),
            ["a.tests".into(), Box::from("b.tests.c")]
        );
    }

    #[test]
    fn other_words_are_no_imports() {
        for source in [
            "# runs the tests of a.tests\n",
            "from a.testsuite import x\n",
            "from a import unittests\n",
            "tests = 3\n",
            "from tests",
            "import_module(tests)",
        ] {
            assert!(modules(source).is_empty(), "{source}");
        }
    }

    #[test]
    fn what_tests_import_themselves_is_no_matter() {
        assert!(!wants(&TestImports, "a/tests/b.py", b"x"));
        assert!(!wants(&TestImports, "a/conftest.py", b"x"));
        assert!(wants(&TestImports, "a/test_runner.py", b"x"));
        assert!(!wants(&TestImports, "a/tests.txt", b"x"));
        assert!(wants(&TestImports, "a/testing/b.py", b"x"));
    }

    #[test]
    fn relative_imports_count_from_the_package_of_the_file() {
        let folder = |module: &str| {
            let file = EntryPath::new(&"fn.zip!/".into(), "site/a/b/c.py");
            let module = module.into();
            ImportedTests { file, module }.folder()
        };
        let contained = |path: &str| Some(Folder::Contained(path.to_owned()));
        assert_eq!(folder(".tests.x"), contained("site/a/b/tests"));
        assert_eq!(folder("..tests"), contained("site/a/tests"));
        assert_eq!(folder("....tests"), None);
        assert_eq!(
            folder("a.tests.x"),
            Some(Folder::Installed("a/tests".into()))
        );
    }
}
