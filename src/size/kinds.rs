//! What files are by their paths, by the conventions of their ecosystems.

use super::imports::TESTS;
use super::usage::Placed;
use crate::component::Ecosystem;
use crate::text::has_suffix;

pub const NODE_EXTRAS: &[&str] = &[
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
pub const PYTHON_EXTRAS: &[&str] = &["docs", "examples", "benchmarks"];

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

pub fn is_of_python_or_npm(file: &Placed) -> bool {
    file.is_of(Ecosystem::PyPi) || file.is_of(Ecosystem::Npm)
}

/// Whether the file is in a folder of one of those names.
pub fn has_folder(path: &str, names: &[&str]) -> bool {
    let mut parts = path.split('/').rev().skip(1);
    parts.any(|part| names.contains(&part))
}

pub fn is_python_tests(file: &Placed) -> bool {
    let within = file.within(Ecosystem::PyPi);
    within.is_some_and(|path| has_folder(path, &[TESTS]))
}

/// The outermost `tests` folder that a path is in.
pub fn up_to_tests(path: &str) -> Option<&str> {
    let mut ends = path.match_indices("tests/");
    let (at, _) = ends.find(|(at, _)| *at == 0 || path[..*at].ends_with('/'))?;
    Some(&path[..at + TESTS.len()])
}

/// In a folder of one of those names in the top folder of an npm package. Deeper down they may be code.
pub fn is_in_root_folder(file: &Placed, names: &[&str]) -> bool {
    let within = file.within(Ecosystem::Npm);
    let folder = within.and_then(|path| path.split_once('/'));
    folder.is_some_and(|(folder, _)| names.contains(&folder))
}

pub fn is_node_test(path: &str) -> bool {
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

pub fn is_python_stub(file: &Placed) -> bool {
    file.path().ends_with(".pyi")
}

pub fn is_type_stub(file: &Placed) -> bool {
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

pub fn is_source_map(path: &str) -> bool {
    has_suffix(path, &[".js.map", ".mjs.map", ".cjs.map", ".css.map"])
}

pub fn is_native_source(file: &Placed) -> bool {
    const SUFFIXES: [&str; 14] = [
        ".h", ".hh", ".hpp", ".hxx", ".cuh", ".c", ".cc", ".cpp", ".cxx", ".pyx", ".pxd", ".pxi",
        ".gyp", ".gypi",
    ];
    is_of_python_or_npm(file) && has_suffix(file.path(), &SUFFIXES)
}

pub fn is_node_document(path: &str) -> bool {
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    let Some((stem, kind)) = name.split_once('.') else {
        return false;
    };
    let is_text = kind.eq_ignore_ascii_case("md") || kind.eq_ignore_ascii_case("markdown");
    is_text && NODE_DOCUMENTS.contains(&stem.to_lowercase().as_str())
}

pub fn is_leftover(path: &str) -> bool {
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
pub fn names_another_system(name: &str, separator: char) -> bool {
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
