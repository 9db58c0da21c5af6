//! What a function never runs: a table of rules.
//!
//! A rule is for files of installed packages, whose layout is known; of the function's own files only what is left of
//! other tools is looked at. What is proposed as safe is nothing that a program reads when it runs, by the conventions
//! of its ecosystem. What some program somewhere does read is to be tried first. Licences stay: whoever hands software on
//! must often hand them on too.

use serde::Serialize;

use super::copies::home;
use super::facts::{Facts, is_among};
use super::kinds::{
    NODE_EXTRAS, PYTHON_EXTRAS, has_folder, is_in_root_folder, is_leftover, is_native_source,
    is_node_document, is_node_test, is_of_python_or_npm, is_python_tests, is_source_map,
};
use super::usage::Placed;
use crate::component::Ecosystem;
use crate::text::has_suffix;

/// Whether something can be left out without trying it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Safety {
    /// Nothing reads it when the function runs.
    Safe,
    /// As a rule nothing does: run the function's own tests without it.
    Check,
}

/// The item of npm packages that lie in a folder around them too.
pub const COPIES: &str = "copies";

pub struct Rule {
    pub id: &'static str,
    pub safety: Safety,
    /// What it is, for people.
    pub what: &'static str,
    /// How not to have it in the first place; empty where there is no way.
    pub at_build: &'static str,
    pub finds: fn(&Facts, &Placed) -> bool,
}

const NO_DEV: &str = "npm ci --omit=dev, yarn workspaces focus --production, pnpm install --prod, bun install --production, \
     poetry install --only main, uv sync --no-dev, pdm install --prod, or pipenv sync";
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
        what: "packages that the lock file has for development alone",
        at_build: NO_DEV,
        finds: |facts, file| facts.is_for_development(file),
    },
    Rule {
        id: COPIES,
        safety: Safety::Check,
        what: "npm packages that a folder around them has too, with the same content",
        at_build: "npm dedupe",
        finds: |facts, file| home(file).is_some_and(|at| facts.deployment.copies.contains(&at)),
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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_unique() {
        let ids: HashSet<&str> = RULES.iter().map(|rule| rule.id).collect();
        assert_eq!(ids.len(), RULES.len());
        assert!(RULES.len() <= 64, "a bit of a u64 for each");
    }
}
