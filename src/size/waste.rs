//! What a function never runs: a table of rules.
//!
//! A rule is for files of installed packages, whose layout is known; of the function's own files only what is left of
//! other tools is looked at. What is proposed as safe is nothing that a program reads when it runs, by the conventions
//! of its ecosystem. What some program somewhere does read is to be tried first. Licences stay: whoever hands software on
//! must often hand them on too.

use std::collections::HashSet;

use serde::Serialize;

use super::Deployment;
use super::detect::{bytecode_tag, python_version};
use super::exceptions::{COMPILERS, HEADERS_OF_OTHERS, READ_STUBS, is_compiler, is_test_file};
use super::imports::{Folder, TESTS};
use super::runtime::Provided;
use super::usage::{Ownership, Placed};
use crate::component::Ecosystem;

/// Whether something can be left out without trying it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Safety {
    /// Nothing reads it when the function runs.
    Safe,
    /// As a rule nothing does: run the function's own tests without it.
    Check,
}

pub struct Rule {
    pub id: &'static str,
    pub safety: Safety,
    /// What it is, for people.
    pub what: &'static str,
    /// How not to have it in the first place; empty where there is no way.
    pub at_build: &'static str,
    pub finds: fn(&Facts, &Placed) -> bool,
}

const NO_DEV: &str =
    "npm ci --omit=dev, yarn workspaces focus --production, or pnpm install --prod";
const RIGHT_PLATFORM: &str = "npm ci --os=linux --cpu=x64 --libc=glibc, or pip install --platform manylinux2014_x86_64 --only-binary=:all:";

/// Where two rules find the same file, the plan counts it for the one that comes first in the plan.
pub static RULES: &[Rule] = &[
    Rule {
        id: "python-tests",
        safety: Safety::Safe,
        what: "tests of Python packages",
        at_build: "",
        finds: |facts, file| is_python_tests(file) && facts.is_only_for_tests(file),
    },
    Rule {
        id: "python-tests-imported",
        safety: Safety::Check,
        what: "tests of Python packages that import some of them, and what else is in folders of that name",
        at_build: "",
        finds: |facts, file| is_python_tests(file) && !facts.is_only_for_tests(file),
    },
    Rule {
        id: "node-tests",
        safety: Safety::Check,
        what: "tests of npm packages",
        at_build: "",
        finds: |_, file| file.within(Ecosystem::Npm).is_some_and(is_node_test),
    },
    Rule {
        id: "node-test-folders",
        safety: Safety::Check,
        what: "test folders of npm packages",
        at_build: "",
        finds: |_, file| is_in_root_folder(file, &["test", "tests", "spec"]),
    },
    Rule {
        id: "foreign-bytecode",
        safety: Safety::Safe,
        what: "bytecode for another version of Python",
        at_build: "pip install --no-compile, or install with the Python that the function runs on",
        finds: |facts, file| facts.is_foreign_bytecode(file),
    },
    Rule {
        id: "type-stubs",
        safety: Safety::Safe,
        what: "type declarations",
        at_build: "",
        finds: |facts, file| facts.may_lack_stub(file) && !facts.is_stub_read(file),
    },
    Rule {
        id: "type-stubs-read",
        safety: Safety::Check,
        what: "type declarations beside a package that reads such",
        at_build: "",
        finds: |facts, file| facts.may_lack_stub(file) && facts.is_stub_read(file),
    },
    Rule {
        id: "source-maps",
        safety: Safety::Safe,
        what: "source maps of npm packages",
        at_build: "",
        finds: |_, file| file.is_of(Ecosystem::Npm) && is_source_map(file.path()),
    },
    Rule {
        id: "own-source-maps",
        safety: Safety::Check,
        what: "the function's own source maps, which only make stack traces readable",
        at_build: "esbuild --sourcemap=external or webpack devtool: hidden-source-map, and keep them elsewhere",
        finds: |_, file| file.owner.is_none() && is_source_map(file.path()),
    },
    Rule {
        id: "native-sources",
        safety: Safety::Safe,
        what: "headers and sources of native code",
        at_build: "",
        finds: |facts, file| is_native_source(file) && !facts.compiles(file),
    },
    Rule {
        id: "static-libraries",
        safety: Safety::Safe,
        what: "static libraries and object files",
        at_build: "",
        finds: |facts, file| {
            is_of_python_or_npm(file)
                && has_suffix(file.path(), &[".a", ".la", ".o"])
                && !facts.compiles(file)
        },
    },
    Rule {
        id: "other-platforms",
        safety: Safety::Safe,
        what: "native code for other systems",
        at_build: RIGHT_PLATFORM,
        finds: |facts, file| facts.is_linux && facts.is_for_another_system(file),
    },
    Rule {
        id: "node-docs",
        safety: Safety::Safe,
        what: "read-mes and changelogs of npm packages",
        at_build: "",
        finds: |_, file| file.within(Ecosystem::Npm).is_some_and(is_node_document),
    },
    Rule {
        id: "node-extras",
        safety: Safety::Check,
        what: "documentation, examples and benchmarks of npm packages",
        at_build: "",
        finds: |_, file| is_in_root_folder(file, NODE_EXTRAS),
    },
    Rule {
        id: "python-extras",
        safety: Safety::Check,
        what: "documentation, examples and benchmarks of Python packages",
        at_build: "",
        finds: |_, file| {
            let within = file.within(Ecosystem::PyPi);
            within.is_some_and(|path| {
                has_folder(path, PYTHON_EXTRAS) && !path.contains(".dist-info/")
            })
        },
    },
    Rule {
        id: "development",
        safety: Safety::Check,
        what: "packages that the lock file marks as needed for development alone",
        at_build: NO_DEV,
        finds: |facts, file| is_among(&facts.development, file),
    },
    Rule {
        id: "package-managers",
        safety: Safety::Check,
        what: "package managers that nothing in it needs",
        at_build: "install into an empty folder with pip install --target, and no package manager comes along",
        finds: |facts, file| is_among(&facts.managers, file),
    },
    Rule {
        id: "setuptools",
        safety: Safety::Check,
        what: "setuptools, which old packages import as pkg_resources",
        at_build: "install into an empty folder with pip install --target, and it does not come along",
        finds: |facts, file| is_among(&facts.setuptools, file),
    },
    Rule {
        id: "runtime",
        safety: Safety::Check,
        what: "packages that the runtime has too, in a version of its own",
        at_build: "esbuild --external:@aws-sdk/* --external:@smithy/*, or noDeploy of serverless-python-requirements",
        finds: |facts, file| is_among(&facts.provided, file),
    },
    Rule {
        id: "version-control",
        safety: Safety::Safe,
        what: "what version control keeps",
        at_build: "",
        finds: |_, file| has_folder(file.path(), &[".git", ".hg", ".svn"]),
    },
    Rule {
        id: "caches",
        safety: Safety::Check,
        what: "caches and leftovers of tools",
        at_build: "",
        finds: |_, file| is_leftover(file.path()),
    },
    Rule {
        id: "own-tests",
        safety: Safety::Check,
        what: "the function's own tests",
        at_build: "",
        finds: |_, file| {
            let (folder, _) = file.path().split_once('/').unwrap_or_default();
            file.owner.is_none() && matches!(folder, "test" | "tests" | "__tests__")
        },
    },
];

const NODE_EXTRAS: &[&str] = &[
    "doc",
    "docs",
    "example",
    "examples",
    "benchmark",
    "benchmarks",
    "bench",
    "coverage",
    ".github",
];
const PYTHON_EXTRAS: &[&str] = &["docs", "examples", "benchmarks"];

/// Files by their names without what is behind the first dot, in lower case.
const NODE_DOCUMENTS: &[&str] = &[
    "readme",
    "changelog",
    "changes",
    "history",
    "contributing",
    "security",
    "upgrading",
    "migrating",
    "migration",
    "code_of_conduct",
    "code-of-conduct",
    "maintainers",
    "governance",
];

/// Folders by their names, and what the one around them must be called, where that matters.
const LEFTOVER_FOLDERS: &[(&str, &str)] = &[
    ("node_modules", ".cache"),
    (".npm", "_cacache"),
    (".cache", "pip"),
    ("", ".pytest_cache"),
    ("", ".mypy_cache"),
    ("", ".ruff_cache"),
    ("", ".hypothesis"),
    ("", ".nyc_output"),
    ("", ".parcel-cache"),
    ("", ".tox"),
    ("", ".nox"),
    ("", ".idea"),
    ("", ".vscode"),
    ("", "__MACOSX"),
];
const LEFTOVER_FILES: &[&str] = &[
    ".DS_Store",
    "Thumbs.db",
    ".eslintcache",
    "npm-debug.log",
    "yarn-error.log",
];

const MANAGERS: &[(Ecosystem, &str)] = &[
    (Ecosystem::PyPi, "pip"),
    (Ecosystem::PyPi, "wheel"),
    (Ecosystem::PyPi, "pipenv"),
    (Ecosystem::PyPi, "poetry"),
    (Ecosystem::Npm, "npm"),
    (Ecosystem::Npm, "yarn"),
    (Ecosystem::Npm, "pnpm"),
    (Ecosystem::Npm, "node-gyp"),
];

/// Systems as npm and its native packages spell them, but for Linux.
const OTHER_SYSTEMS: &[&str] = &[
    "win32", "darwin", "freebsd", "android", "sunos", "openbsd", "netbsd", "aix",
];
const ARCHITECTURES: &[&str] = &[
    "x64",
    "arm64",
    "ia32",
    "arm",
    "armv7",
    "x64+arm64",
    "universal",
];

/// What the rules need to know of the whole.
pub struct Facts<'a> {
    deployment: &'a Deployment<'a>,
    is_linux: bool,
    /// Stubs are read when the program runs by what is installed.
    loads_stubs: bool,
    development: HashSet<usize>,
    managers: HashSet<usize>,
    setuptools: HashSet<usize>,
    provided: HashSet<usize>,
    imported_tests: HashSet<usize>,
    /// The outermost `tests` folders with modules in them, by artifact.
    test_modules: HashSet<(usize, &'a str)>,
    /// Python packages without source, of which nobody can tell what they import.
    bytecode_alone: HashSet<usize>,
    /// With the packages whose headers they read.
    compilers: HashSet<usize>,
    /// Packages that read type declarations, and the ecosystems that have such.
    stub_readers: HashSet<usize>,
    read_stubs: HashSet<Ecosystem>,
    for_other_systems: HashSet<usize>,
}

impl<'a> Facts<'a> {
    pub fn of(
        deployment: &'a Deployment<'a>,
        ownership: &Ownership,
        provided: &[Provided],
    ) -> Self {
        let packages = deployment.packages;
        let those = |is_it: &dyn Fn(Ecosystem, &str) -> bool| -> HashSet<usize> {
            let rows = packages.iter().enumerate();
            let rows = rows.filter(|(_, c)| is_it(c.ecosystem, &c.name));
            rows.map(|(index, _)| index).collect()
        };
        let present: Vec<&str> = HEADERS_OF_OTHERS
            .iter()
            .filter(|(compiler, _)| packages.iter().any(|c| is_compiler(&c.name, compiler)))
            .map(|(_, prefix)| *prefix)
            .collect();
        let stub_readers = those(&|ecosystem, name| READ_STUBS.contains(&(ecosystem, name)));
        let is_needed = |index: &usize| deployment.tree.is_needed(*index);
        let mut managers = those(&|ecosystem, name| MANAGERS.contains(&(ecosystem, name)));
        managers.retain(|index| !is_needed(index));
        let mut setuptools =
            those(&|ecosystem, name| (ecosystem, name) == (Ecosystem::PyPi, "setuptools"));
        setuptools.retain(|index| !is_needed(index));
        let development = deployment
            .parts
            .iter()
            .flat_map(|part| &part.development_only);
        Facts {
            deployment,
            is_linux: deployment.is_for_linux(),
            loads_stubs: packages.iter().any(|c| c.name == "lazy-loader"),
            development: development
                .filter_map(|folder| ownership.of_folder(folder.container(), folder.inner()))
                .collect(),
            managers,
            setuptools,
            provided: provided.iter().map(|provided| provided.component).collect(),
            imported_tests: imported_tests(deployment),
            test_modules: test_modules(deployment),
            bytecode_alone: bytecode_alone(deployment),
            compilers: those(&|_, name| {
                COMPILERS.iter().any(|compiler| is_compiler(name, compiler))
                    || present.iter().any(|prefix| name.starts_with(prefix))
            }),
            read_stubs: stub_readers
                .iter()
                .map(|&index| packages[index].ecosystem)
                .collect(),
            stub_readers,
            for_other_systems: those(&|ecosystem, name| {
                ecosystem == Ecosystem::Npm && names_another_system(name, '-')
            }),
        }
    }

    /// Whether that may be found by a rule at all, for what is known of its package.
    pub fn may_be(&self, safety: Safety, file: &Placed) -> bool {
        safety == Safety::Check || !is_among(&self.bytecode_alone, file)
    }

    /// Whether a file in a `tests` folder is a test or a test's data: no code imports those of its package, there are
    /// modules in the folder, and it is of a kind that tests have.
    fn is_only_for_tests(&self, file: &Placed) -> bool {
        !is_among(&self.imported_tests, file)
            && !is_among(&self.bytecode_alone, file)
            && is_test_file(file.path())
            && up_to_tests(file.path())
                .is_some_and(|folder| self.test_modules.contains(&(file.part, folder)))
    }

    /// Of lazy-loader's stubs it is certain that they are read, and of those of compilers for their language.
    fn may_lack_stub(&self, file: &Placed) -> bool {
        is_type_stub(file)
            && !(self.loads_stubs && is_python_stub(file))
            && !is_among(&self.stub_readers, file)
    }

    fn is_stub_read(&self, file: &Placed) -> bool {
        file.owner
            .is_some_and(|owner| self.read_stubs.contains(&owner.ecosystem))
    }

    fn compiles(&self, file: &Placed) -> bool {
        is_among(&self.compilers, file)
    }

    fn is_foreign_bytecode(&self, file: &Placed) -> bool {
        let path = file.path();
        if !path.ends_with(".pyc") {
            return false;
        }
        let runs =
            python_version(path).or(self.deployment.runtime.filter(|r| r.language == "python"));
        match (bytecode_tag(path), runs) {
            (Some(tag), Some(runs)) => tag != runs,
            _ => false,
        }
    }

    fn is_for_another_system(&self, file: &Placed) -> bool {
        if is_among(&self.for_other_systems, file) {
            return true;
        }
        if let Some(path) = file.within(Ecosystem::Npm) {
            let prebuilt = path.split_once("prebuilds/").map(|(_, rest)| rest);
            return prebuilt
                .and_then(|rest| rest.split_once('/'))
                .is_some_and(|(folder, _)| names_another_system(folder, '-'));
        }
        file.is_of(Ecosystem::PyPi) && has_suffix(file.path(), &[".pyd", ".dylib", ".exe"])
    }
}

/// The components whose test folders are imported by what is not a test.
fn imported_tests(deployment: &Deployment) -> HashSet<usize> {
    let imports = deployment
        .parts
        .iter()
        .flat_map(|part| &part.imported_tests);
    let folders: HashSet<Folder> = imports.filter_map(|import| import.folder()).collect();
    if folders.is_empty() {
        return HashSet::new();
    }
    let mut found = HashSet::new();
    for file in deployment
        .placed
        .iter()
        .filter(|file| is_python_tests(file))
    {
        let (Some(within), Some(owner)) = (file.within(Ecosystem::PyPi), file.owner) else {
            continue;
        };
        let folder = |path| up_to_tests(path).map(str::to_owned);
        let installed = folder(within).map(Folder::Installed);
        let contained = folder(file.path()).map(Folder::Contained);
        if installed.is_some_and(|f| folders.contains(&f))
            || contained.is_some_and(|f| folders.contains(&f))
        {
            found.insert(owner.component);
        }
    }
    found
}

/// The outermost `tests` folder that a path is in.
fn up_to_tests(path: &str) -> Option<&str> {
    let mut ends = path.match_indices("tests/");
    let (at, _) = ends.find(|(at, _)| *at == 0 || path[..*at].ends_with('/'))?;
    Some(&path[..at + TESTS.len()])
}

fn test_modules<'a>(deployment: &Deployment<'a>) -> HashSet<(usize, &'a str)> {
    let is_module = |file: &&Placed| has_suffix(file.path(), &[".py", ".pyc"]);
    let modules = deployment.placed.iter().filter(is_module);
    let folders = modules.filter_map(|file| Some((file.part, up_to_tests(file.path())?)));
    folders.collect()
}

fn bytecode_alone(deployment: &Deployment) -> HashSet<usize> {
    let with = |suffix: &str| -> HashSet<usize> {
        let files = deployment.placed.iter();
        let files =
            files.filter(|file| file.is_of(Ecosystem::PyPi) && file.path().ends_with(suffix));
        files
            .filter_map(|file| Some(file.owner?.component))
            .collect()
    };
    let with_source = with(".py");
    let mut found = with(".pyc");
    found.retain(|component| !with_source.contains(component));
    found
}

fn is_among(components: &HashSet<usize>, file: &Placed) -> bool {
    file.owner
        .is_some_and(|owner| components.contains(&owner.component))
}

fn is_of_python_or_npm(file: &Placed) -> bool {
    file.is_of(Ecosystem::PyPi) || file.is_of(Ecosystem::Npm)
}

fn has_suffix(path: &str, suffixes: &[&str]) -> bool {
    suffixes.iter().any(|suffix| path.ends_with(suffix))
}

/// Whether the file is in a folder of one of those names.
fn has_folder(path: &str, names: &[&str]) -> bool {
    let mut parts = path.split('/').rev().skip(1);
    parts.any(|part| names.contains(&part))
}

fn is_python_tests(file: &Placed) -> bool {
    let within = file.within(Ecosystem::PyPi);
    within.is_some_and(|path| has_folder(path, &[TESTS]))
}

/// In a folder of one of those names in the top folder of an npm package. Deeper down they may be code.
fn is_in_root_folder(file: &Placed, names: &[&str]) -> bool {
    let within = file.within(Ecosystem::Npm);
    let folder = within.and_then(|path| path.split_once('/'));
    folder.is_some_and(|(folder, _)| names.contains(&folder))
}

fn is_node_test(path: &str) -> bool {
    const SUFFIXES: [&str; 10] = [
        ".test.js",
        ".test.cjs",
        ".test.mjs",
        ".test.ts",
        ".test.tsx",
        ".spec.js",
        ".spec.cjs",
        ".spec.mjs",
        ".spec.ts",
        ".spec.tsx",
    ];
    has_suffix(path, &SUFFIXES) || has_folder(path, &["__tests__"])
}

fn is_python_stub(file: &Placed) -> bool {
    file.path().ends_with(".pyi")
}

fn is_type_stub(file: &Placed) -> bool {
    match file.owner.map(|owner| owner.ecosystem) {
        Some(Ecosystem::PyPi) => is_python_stub(file),
        Some(Ecosystem::Npm) => has_suffix(
            file.path(),
            &[
                ".d.ts",
                ".d.mts",
                ".d.cts",
                ".d.ts.map",
                ".d.mts.map",
                ".d.cts.map",
                ".js.flow",
            ],
        ),
        _ => false,
    }
}

fn is_source_map(path: &str) -> bool {
    has_suffix(path, &[".js.map", ".mjs.map", ".cjs.map", ".css.map"])
}

fn is_native_source(file: &Placed) -> bool {
    const SUFFIXES: [&str; 14] = [
        ".h", ".hh", ".hpp", ".hxx", ".cuh", ".c", ".cc", ".cpp", ".cxx", ".pyx", ".pxd", ".pxi",
        ".gyp", ".gypi",
    ];
    is_of_python_or_npm(file) && has_suffix(file.path(), &SUFFIXES)
}

fn is_node_document(path: &str) -> bool {
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    let Some((stem, kind)) = name.split_once('.') else {
        return false;
    };
    let is_text = kind.eq_ignore_ascii_case("md") || kind.eq_ignore_ascii_case("markdown");
    is_text && NODE_DOCUMENTS.contains(&stem.to_lowercase().as_str())
}

fn is_leftover(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    if LEFTOVER_FILES.contains(&name) {
        return true;
    }
    let mut around = "";
    folder.split('/').any(|part| {
        let outer = std::mem::replace(&mut around, part);
        let is_it = |(of, name): &(&str, &str)| *name == part && (of.is_empty() || *of == outer);
        LEFTOVER_FOLDERS.iter().any(is_it)
    })
}

/// Whether a name such as `@img/sharp-win32-x64` or `darwin-arm64` says so: a system and behind it an architecture.
fn names_another_system(name: &str, separator: char) -> bool {
    let parts: Vec<&str> = name.split([separator, '/']).collect();
    parts.windows(2).any(|pair| {
        matches!(pair, [system, architecture]
            if OTHER_SYSTEMS.contains(system) && ARCHITECTURES.contains(architecture))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique() {
        let ids: HashSet<&str> = RULES.iter().map(|rule| rule.id).collect();
        assert_eq!(ids.len(), RULES.len());
        assert!(RULES.len() <= 64, "a bit of a u64 for each");
    }

    #[test]
    fn names_for_other_systems_have_an_architecture() {
        for name in [
            "@img/sharp-win32-x64",
            "darwin-arm64",
            "@next/swc-android-arm64",
            "win32-ia32",
        ] {
            assert!(names_another_system(name, '-'), "{name}");
        }
        for name in [
            "@img/sharp-linux-x64",
            "fs-win32",
            "darwin",
            "is-windows",
            "linux-arm64",
            "x64-win32",
        ] {
            assert!(!names_another_system(name, '-'), "{name}");
        }
    }

    #[test]
    fn documents_are_told_from_licences_and_code() {
        for path in [
            "README.md",
            "dist/Readme.markdown",
            "CHANGELOG.md",
            "docs/history.md",
        ] {
            assert!(is_node_document(path), "{path}");
        }
        for path in [
            "LICENSE.md",
            "NOTICE.md",
            "readme.js",
            "README",
            "lib/template.md",
            "readme.hbs.md",
        ] {
            assert!(!is_node_document(path), "{path}");
        }
    }

    #[test]
    fn leftovers_are_whole_folders() {
        for path in [
            "node_modules/.cache/x",
            "a/.npm/_cacache/b/c",
            "__MACOSX/._a",
            "a/.DS_Store",
            ".tox/py/a",
        ] {
            assert!(is_leftover(path), "{path}");
        }
        for path in [
            ".cache/models/a.bin",
            "a.tox/b",
            "node_modules/a/index.js",
            "x/.idea.js",
        ] {
            assert!(!is_leftover(path), "{path}");
        }
    }

    #[test]
    fn tests_of_npm_packages_are_known_by_their_names() {
        assert!(is_node_test("lib/__tests__/a.js"));
        assert!(is_node_test("lib/a.spec.ts"));
        assert!(!is_node_test("lib/test.js"));
        assert!(!is_node_test("test/a.js"));
    }
}
