//! Lock files that the user names: what the artifact was built from, where that is not in it.
//!
//! A file is known by its name, or else by what is written in it.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use super::cargo::linked::Graph;
use super::lock_tree::LockTrees;
use super::pypi::requirements::Requirements;
use super::{cargo, dart, go, hex, maven, npm, nuget, packagist, pypi, rubygems, swift};
use crate::component::{Ecosystem, Evidence, ObservedComponent};
use crate::finding::{EntryPath, Location};
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::text::visible;

/// Far more than the lock files of large monorepos have.
const MAX_SIZE: u64 = 64 * 1024 * 1024;

/// The readers of lock files, by ecosystem.
const LOCKS: &[&[&dyn Inspector]] = &[
    npm::LOCKS,
    pypi::LOCKS,
    cargo::LOCKS,
    go::LOCKS,
    maven::LOCKS,
    nuget::LOCKS,
    rubygems::LOCKS,
    packagist::LOCKS,
    dart::LOCKS,
    hex::LOCKS,
    swift::LOCKS,
];

/// Texts that are all in a lock file of that name, and not all in one of a later row.
const BY_CONTENT: &[(&str, &[&str])] = &[
    ("yarn.lock", &["# yarn lockfile v1"]),
    ("yarn.lock", &["\n__metadata:"]),
    (
        "package-lock.json",
        &["\"lockfileVersion\"", "\"node_modules/"],
    ),
    ("bun.lock", &["\"lockfileVersion\"", "\"workspaces\""]),
    ("package-lock.json", &["\"lockfileVersion\""]),
    ("pnpm-lock.yaml", &["lockfileVersion:"]),
    ("Pipfile.lock", &["\"_meta\"", "\"pipfile-spec\""]),
    ("pylock.toml", &["lock-version", "[[packages]]"]),
    ("uv.lock", &["[[package]]", "requires-python"]),
    ("pdm.lock", &["[[package]]", "lock_version"]),
    ("poetry.lock", &["[[package]]", "content-hash"]),
    ("Cargo.lock", &["[[package]]"]),
    ("Gemfile.lock", &["PLATFORMS", "DEPENDENCIES"]),
    ("composer.lock", &["\"packages\"", "\"packages-dev\""]),
    (
        "packages.lock.json",
        &["\"dependencies\"", "\"contentHash\""],
    ),
    (
        "project.assets.json",
        &["\"libraries\"", "\"projectFileDependencyGroups\""],
    ),
    ("packages.config", &["<packages", "<package "]),
    ("pubspec.lock", &["packages:", "sdks:"]),
    ("mix.lock", &["%{", "{:hex,"]),
    ("rebar.lock", &["{pkg,<<"]),
    ("Package.resolved", &["\"pins\"", "\"revision\""]),
    ("go.sum", &["/go.mod h1:"]),
    ("go.mod", &["module ", "require", "go 1."]),
    ("gradle.lockfile", &["=", "untimeClasspath"]),
    ("lockfile.json", &["\"lockFileVersion\"", "\"groupId\""]),
];

/// Why a lock file is of no use.
#[derive(Debug, Error)]
pub enum LockError {
    #[error("{}: the lock file could not be read: {error}; check the path and its permissions", .path.display())]
    Read { path: PathBuf, error: io::Error },
    #[error("{}: the lock file has more than {MAX_SIZE} bytes; give --lock the one that the function was built from", .path.display())]
    TooLarge { path: PathBuf },
    #[error(
        "{}: is not a lock file that fnaudit reads; give --lock a package-lock.json, npm-shrinkwrap.json, yarn.lock, \
         pnpm-lock.yaml, bun.lock, Cargo.lock, Pipfile.lock, poetry.lock, uv.lock, pdm.lock, pylock.toml, go.mod, go.sum, \
         Gemfile.lock, composer.lock, packages.lock.json, project.assets.json, packages.config, pubspec.lock, mix.lock, \
         rebar.lock, Package.resolved, gradle.lockfile, lockfile.json of maven-lockfile or a requirements.txt with \
         exact versions",
        .path.display()
    )]
    Unknown { path: PathBuf },
    #[error("{place}: {message}; have its package manager write it anew")]
    Damaged { place: String, message: String },
    #[error(
        "{place}: the requirements file includes another, and --lock does not follow that; give it the output of `pip freeze`"
    )]
    Includes { place: String },
}

/// What the lock files name.
#[derive(Debug, Default)]
pub struct Locks {
    components: Vec<ObservedComponent>,
    optional: Vec<ObservedComponent>,
    cargo: Vec<Graph>,
    trees: LockTrees,
}

impl Locks {
    /// Reads every file. One that cannot be read whole is an error: without it the report would say less than
    /// was asked for.
    pub fn read(paths: &[PathBuf]) -> Result<Locks, LockError> {
        let mut locks = Locks::default();
        for path in paths {
            locks.add(path)?;
        }
        Ok(locks)
    }

    /// Adds the rows to what was seen in an artifact.
    pub fn join(&self, observations: &mut Observations) {
        observations.components.extend_from_slice(&self.components);
        observations.optional.extend_from_slice(&self.optional);
        observations.cargo_locks.extend_from_slice(&self.cargo);
        observations.lock_trees.join(&self.trees);
    }

    fn add(&mut self, path: &Path) -> Result<(), LockError> {
        let bytes = bytes(path)?;
        let location = location(path);
        let unknown = || LockError::Unknown {
            path: path.to_owned(),
        };
        let inspector = inspector(&location, &bytes).ok_or_else(unknown)?;
        let mut seen = Observations::default();
        let entry = Entry {
            path: &location,
            bytes: &bytes,
        };
        let damaged = |why: Unreadable| LockError::Damaged {
            place: place(&location, why.line),
            message: visible(&why.message).into_owned(),
        };
        inspector.inspect(&entry, &mut seen).map_err(damaged)?;
        let is_cargos = |row: &ObservedComponent| row.ecosystem == Ecosystem::CratesIo;
        if seen.components.iter().any(is_cargos) {
            self.cargo.extend(Graph::read(&entry));
        }
        self.components.append(&mut seen.components);
        self.optional.append(&mut seen.optional);
        self.trees.append(std::mem::take(&mut seen.lock_trees));
        // A text that is no requirements file is kept from being one without a word.
        if location.file_name().ends_with(".txt") && seen.rows() + seen.requirements.len() == 0 {
            return Err(unknown());
        }
        for file in seen.requirements {
            if let Some(include) = file.includes.first() {
                let place = place(&location, usize::try_from(include.line).ok());
                return Err(LockError::Includes { place });
            }
            for line in file.requirements {
                let location = Location::at_line(&location, line.line);
                let row = line.requirement.into_component(Evidence::Locked, location);
                // A range locks nothing.
                self.components.extend(row.version.is_some().then_some(row));
            }
        }
        Ok(())
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>, LockError> {
    let mut bytes = Vec::new();
    let file = File::open(path);
    let read = file.and_then(|file| file.take(MAX_SIZE + 1).read_to_end(&mut bytes));
    match read {
        Err(error) => Err(LockError::Read {
            path: path.to_owned(),
            error,
        }),
        Ok(_) if bytes.len() as u64 > MAX_SIZE => Err(LockError::TooLarge {
            path: path.to_owned(),
        }),
        Ok(_) => Ok(bytes),
    }
}

/// The path as it was given.
fn location(path: &Path) -> EntryPath {
    let shown = visible(&path.to_string_lossy()).into_owned();
    let name_at = shown.rfind(['/', '\\']).map_or(0, |at| at + 1);
    let (folder, name) = shown.split_at(name_at);
    EntryPath::new(&Arc::from(folder), name)
}

fn place(path: &EntryPath, line: Option<usize>) -> String {
    match line {
        Some(line) => format!("{path}:{line}"),
        None => path.to_string(),
    }
}

fn inspector(path: &EntryPath, bytes: &[u8]) -> Option<&'static dyn Inspector> {
    let wanted = |name: &str| {
        // In which folder it lies says nothing about a file that was named.
        let path = EntryPath::new(&Arc::from(""), name);
        let header = Header {
            path: &path,
            size: bytes.len() as u64,
            first_bytes: bytes.get(..Header::PEEK).unwrap_or(bytes),
        };
        let mut locks = LOCKS.iter().copied().flatten();
        locks.find(|inspector| inspector.wants(&header)).copied()
    };
    let has = |text: &&str| memchr::memmem::find(bytes, text.as_bytes()).is_some();
    let by_content = || {
        let mut known = BY_CONTENT.iter();
        let (name, _) = known.find(|(_, texts)| texts.iter().all(has))?;
        wanted(name)
    };
    // `pip freeze` and `pip-compile` write requirements files, which may have any name.
    let is_text = path.file_name().ends_with(".txt");
    let by_suffix = || is_text.then_some(&Requirements as &dyn Inspector);
    wanted(path.file_name())
        .or_else(by_content)
        .or_else(by_suffix)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// `ecosystem name version` of what a file of that name locks.
    fn read(name: &str, text: &str) -> Result<Vec<String>, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        let locks = Locks::read(&[path]).map_err(|error| error.to_string())?;
        let rows = locks.components.iter().chain(&locks.optional);
        Ok(rows
            .map(|c| {
                assert_eq!(c.evidence, Evidence::Locked);
                let version = c.version.clone().unwrap_or_default();
                format!("{} {} {version}", c.ecosystem, c.name)
            })
            .collect())
    }

    const LOCKS: &[(&str, &str, &str)] = &[
        (
            "package-lock.json",
            r#"{"lockfileVersion": 3, "packages": {"": {"name": "own", "workspaces": []}, "node_modules/a": {"version": "1.0.0"}}}"#,
            "npm a 1.0.0",
        ),
        (
            "npm-shrinkwrap.json",
            r#"{"lockfileVersion": 1, "dependencies": {"a": {"version": "1.0.0", "optional": true}}}"#,
            "npm a 1.0.0",
        ),
        (
            "yarn.lock",
            "# yarn lockfile v1\n\na@^1:\n  version \"1.0.0\"\n",
            "npm a 1.0.0",
        ),
        (
            "yarn.lock",
            "# x\n__metadata:\n  version: 8\n\"a@npm:^1\":\n  version: 1.0.0\n  resolution: \"a@npm:1.0.0\"\n",
            "npm a 1.0.0",
        ),
        (
            "pnpm-lock.yaml",
            "lockfileVersion: '9.0'\npackages:\n  a@1.0.0: {}\n",
            "npm a 1.0.0",
        ),
        (
            "bun.lock",
            r#"{"lockfileVersion": 1, "workspaces": {"": {"name": "own"}}, "packages": {"a": ["a@1.0.0", "", {}, ""],}}"#,
            "npm a 1.0.0",
        ),
        (
            "Cargo.lock",
            "version = 4\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"registry+https://registry.example/index\"\n",
            "crates.io a 1.0.0",
        ),
        (
            "Pipfile.lock",
            r#"{"_meta": {"pipfile-spec": 6}, "default": {"a": {"version": "==1.0"}}}"#,
            "PyPI a 1.0",
        ),
        (
            "poetry.lock",
            "[[package]]\nname = \"a\"\nversion = \"1.0\"\n\n[metadata]\nlock-version = \"2.0\"\ncontent-hash = \"0\"\n",
            "PyPI a 1.0",
        ),
        (
            "uv.lock",
            "version = 1\nrequires-python = \">=3.9\"\n[[package]]\nname = \"a\"\nversion = \"1.0\"\n\
             source = { registry = \"https://registry.example/simple\" }\n",
            "PyPI a 1.0",
        ),
        (
            "pdm.lock",
            "[metadata]\nlock_version = \"4.4\"\n[[package]]\nname = \"a\"\nversion = \"1.0\"\n",
            "PyPI a 1.0",
        ),
        (
            "pylock.toml",
            "lock-version = \"1.0\"\n[[packages]]\nname = \"a\"\nversion = \"1.0\"\n",
            "PyPI a 1.0",
        ),
        (
            "go.mod",
            "module own.example/fn\n\ngo 1.21\n\nrequire a.example/a v1.0.0\n",
            "Go a.example/a v1.0.0",
        ),
        (
            "go.sum",
            "a.example/a v1.0.0 h1:A=\na.example/a v1.0.0/go.mod h1:A=\n",
            "Go a.example/a v1.0.0",
        ),
        (
            "Gemfile.lock",
            "GEM\n  remote: https://registry.example/\n  specs:\n    a (1.0)\n\nPLATFORMS\n  ruby\n\nDEPENDENCIES\n  a\n",
            "RubyGems a 1.0",
        ),
        (
            "composer.lock",
            r#"{"packages": [{"name": "a/a", "version": "v1.0.0"}], "packages-dev": []}"#,
            "Packagist a/a v1.0.0",
        ),
        (
            "packages.lock.json",
            r#"{"dependencies": {"net8.0": {"A": {"type": "Direct", "resolved": "1.0.0", "contentHash": "0"}}}}"#,
            "NuGet A 1.0.0",
        ),
        (
            "project.assets.json",
            r#"{"libraries": {"A/1.0.0": {"type": "package"}}, "projectFileDependencyGroups": {}}"#,
            "NuGet A 1.0.0",
        ),
        (
            "packages.config",
            "<packages>\n<package id=\"A\" version=\"1.0.0\" /></packages>",
            "NuGet A 1.0.0",
        ),
        (
            "pubspec.lock",
            "packages:\n  a:\n    source: hosted\n    version: \"1.0.0\"\nsdks:\n  dart: \">=3.0.0\"\n",
            "Pub a 1.0.0",
        ),
        (
            "mix.lock",
            "%{\n  \"a\": {:hex, :a, \"1.0.0\", \"0\"},\n}\n",
            "Hex a 1.0.0",
        ),
        (
            "rebar.lock",
            "[{<<\"a\">>,{pkg,<<\"a\">>,<<\"1.0.0\">>},0}].\n",
            "Hex a 1.0.0",
        ),
        (
            "Package.resolved",
            r#"{"pins": [{"location": "https://git.example/a/a", "state": {"revision": "0", "version": "1.0.0"}}]}"#,
            "SwiftURL git.example/a/a 1.0.0",
        ),
        (
            "gradle.lockfile",
            "# This is a Gradle generated file\ng:a:1.0=compileClasspath,runtimeClasspath\nempty=\n",
            "Maven g:a 1.0",
        ),
        (
            "lockfile.json",
            r#"{"artifactId": "own", "groupId": "o", "lockFileVersion": 1,
                "dependencies": [{"groupId": "g", "artifactId": "a", "version": "1.0", "children": []}]}"#,
            "Maven g:a 1.0",
        ),
    ];

    #[test]
    fn a_lock_file_is_known_by_its_name_and_by_its_content() {
        for (name, text, row) in LOCKS {
            for name in [name, "my.lock", "63", ".package-lock.json"] {
                let rows = read(name, text);
                assert_eq!(rows, Ok(vec![(*row).to_owned()]), "{name}: {text}");
            }
        }
    }

    #[test]
    fn a_requirements_file_locks_what_it_pins() {
        let text = "# pinned\na==1.0 --hash=sha256:00\nb>=2\n";
        assert_eq!(
            read("requirements.txt", text),
            Ok(vec!["PyPI a 1.0".to_owned()])
        );
        let error = read("requirements.txt", "a==1.0\n-r more.txt\n").unwrap_err();
        assert!(error.contains("requirements.txt:2: "), "{error}");
        let error = read("requirements.txt", "a==1.0\n{}\n").unwrap_err();
        assert!(error.contains("requirements.txt:2: "), "{error}");
    }

    #[test]
    fn what_locks_nothing_is_refused() {
        for (name, text) in [
            ("package.json", r#"{"dependencies": {"a": "1.0.0"}}"#),
            ("notes.txt", "this is no lock file"),
            ("bun.lockb", "\0\u{1}"),
        ] {
            let error = read(name, text).unwrap_err();
            assert!(
                error.contains(": is not a lock file that fnaudit reads; give"),
                "{error}"
            );
        }
        let error = read("yarn.lock", "# yarn lockfile v1\n\n}\n").unwrap_err();
        assert!(error.contains("yarn.lock:3: is not a yarn.lock"), "{error}");
    }
}
