//! Which platform a deployment is for, where something in it says so for certain, and which runtime it is built for.

use std::collections::BTreeSet;

use super::platform::{self, Platform};
use super::usage::Placed;
use crate::component::{Component, Ecosystem, Scope};

/// Files that only one platform's bundles have, by the whole path within the artifact.
const FILES: &[(&str, &str)] = &[
    // <https://github.com/serverless/serverless-python-requirements>, which is for Lambda alone.
    ("unzip_requirements.py", "aws-lambda"),
    (".requirements.zip", "aws-lambda"),
    // <https://github.com/zappa/Zappa>
    ("zappa_settings.py", "aws-lambda"),
    // The file of the console's own example, which everybody starts from.
    ("lambda_function.py", "aws-lambda"),
    // Images that AWS makes: <https://github.com/aws/aws-lambda-base-images>.
    ("lambda-entrypoint.sh", "aws-lambda"),
    ("usr/local/bin/aws-lambda-rie", "aws-lambda"),
    ("var/runtime/bootstrap", "aws-lambda"),
    // <https://github.com/netlify/build/tree/main/packages/zip-it-and-ship-it>
    ("___netlify-bootstrap.mjs", "netlify"),
    ("___netlify-entry-point.mjs", "netlify"),
    ("___netlify-metadata.json", "netlify"),
    // <https://github.com/vercel/vercel/tree/main/packages>
    ("___vc/__helpers.js", "vercel"),
    ("___vc/__launcher/__launcher.js", "vercel"),
    ("___next_launcher.cjs", "vercel"),
    ("vc__handler__python.py", "vercel-python"),
];

/// What Lambda starts, <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html>, unless it is the script of
/// that name of projects with one of those files beside it.
const LAMBDA_BOOTSTRAP: &str = "bootstrap";
const AUTOTOOLS: &[&str] = &["configure.ac", "configure.in", "Makefile.am", "configure"];

/// What Azure's host reads, and what must be beside it: <https://learn.microsoft.com/azure/azure-functions/functions-host-json>.
const AZURE_HOST: &str = "host.json";
const AZURE_FUNCTIONS: &[&str] = &["function_app.py", "extensions.json", "worker.config.json"];

/// Components that a platform's programs are made with, and no other's.
const COMPONENTS: &[(Ecosystem, &str, &str)] = &[
    (Ecosystem::PyPi, "awslambdaric", "aws-lambda"),
    (Ecosystem::Npm, "aws-lambda-ric", "aws-lambda"),
    (Ecosystem::CratesIo, "lambda_runtime", "aws-lambda"),
    (Ecosystem::Go, "github.com/aws/aws-lambda-go", "aws-lambda"),
    (
        Ecosystem::Maven,
        "com.amazonaws:aws-lambda-java-core",
        "aws-lambda",
    ),
    (Ecosystem::PyPi, "azure-functions", "azure-functions"),
    (Ecosystem::Npm, "@azure/functions", "azure-functions"),
    (
        Ecosystem::Maven,
        "com.microsoft.azure.functions:azure-functions-java-library",
        "azure-functions",
    ),
    (Ecosystem::PyPi, "functions-framework", "google-functions"),
    (
        Ecosystem::Npm,
        "@google-cloud/functions-framework",
        "google-functions",
    ),
    (
        Ecosystem::Go,
        "github.com/GoogleCloudPlatform/functions-framework-go",
        "google-functions",
    ),
    (
        Ecosystem::Maven,
        "com.google.cloud.functions:functions-framework-api",
        "google-functions",
    ),
];

/// The folders that a Lambda layer may have: <https://docs.aws.amazon.com/lambda/latest/dg/packaging-layers.html>.
const LAYER_FOLDERS: [&str; 7] = [
    "python",
    "nodejs",
    "java",
    "ruby",
    "bin",
    "lib",
    "extensions",
];
/// And what must be in one of them, so that it is no folder of the project's that happens to have such a name.
const LAYER_CONTENTS: [&str; 4] = [
    "nodejs/node_modules/",
    "java/lib/",
    "ruby/gems/",
    "ruby/lib/",
];

/// The one platform that the deployment is certainly for.
pub fn platform(placed: &[Placed], packages: &[Component]) -> Option<&'static Platform> {
    let mut found = BTreeSet::new();
    for file in placed {
        let named = FILES.iter().filter(|(path, _)| *path == file.path());
        found.extend(named.map(|(_, platform)| *platform));
    }
    let has = |path: &str| placed.iter().any(|file| file.path() == path);
    if has(LAMBDA_BOOTSTRAP) && !AUTOTOOLS.iter().any(|path| has(path)) {
        found.insert("aws-lambda");
    }
    if is_azure(placed) {
        found.insert("azure-functions");
    }
    if is_layer(placed) {
        found.insert("aws-lambda");
    }
    let shipped = packages.iter().filter(|c| c.scope == Scope::Shipped);
    for component in shipped {
        let known = COMPONENTS.iter().filter(|(ecosystem, name, _)| {
            (*ecosystem, *name) == (component.ecosystem, &component.name)
        });
        found.extend(known.map(|(_, _, platform)| *platform));
    }
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some(name), None) => platform::named(name),
        _ => None,
    }
}

fn is_azure(placed: &[Placed]) -> bool {
    let is_function = |path: &str| {
        AZURE_FUNCTIONS.contains(&path)
            || path
                .strip_suffix("/function.json")
                .is_some_and(|folder| !folder.contains('/'))
    };
    placed.iter().any(|file| file.path() == AZURE_HOST)
        && placed.iter().any(|file| is_function(file.path()))
}

/// Whether one of the artifacts is laid out as a layer, and nothing else is in it.
fn is_layer(placed: &[Placed]) -> bool {
    placed.chunk_by(|a, b| a.part == b.part).any(|files| {
        let is_in_layer = |path: &str| {
            path.split_once('/')
                .is_some_and(|(folder, _)| LAYER_FOLDERS.contains(&folder))
        };
        let is_proof = |path: &str| {
            let python = path.strip_prefix("python/");
            python
                .is_some_and(|rest| python_version(rest).is_some() || rest.contains(".dist-info/"))
                || node_version(path).is_some()
                || LAYER_CONTENTS.iter().any(|start| path.starts_with(start))
        };
        files.iter().all(|file| is_in_layer(file.path()))
            && files.iter().any(|file| is_proof(file.path()))
    })
}

/// A language's runtime and its version, `python` 3.12 or `nodejs` 20.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Runtime {
    pub language: &'static str,
    pub major: u32,
    pub minor: u32,
}

impl std::fmt::Display for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.language {
            "nodejs" => write!(f, "nodejs{}", self.major),
            language => write!(f, "{language}{}.{}", self.major, self.minor),
        }
    }
}

/// The one runtime that the deployment is built for, by its folders and by its extension modules.
pub fn runtime(placed: &[Placed]) -> Option<Runtime> {
    let by_folder = |file: &Placed| {
        let path = file.path();
        python_version(path).or_else(|| node_version(path))
    };
    let only = |found: BTreeSet<Runtime>| {
        let mut found = found.into_iter();
        found.next().filter(|_| found.next().is_none())
    };
    let folders: BTreeSet<Runtime> = placed.iter().filter_map(by_folder).collect();
    if !folders.is_empty() {
        return only(folders);
    }
    let modules = placed.iter().filter(|file| file.path().ends_with(".so"));
    only(
        modules
            .filter_map(|file| bytecode_tag(file.path()))
            .collect(),
    )
}

/// The version in `nodejs/node20/node_modules`.
fn node_version(path: &str) -> Option<Runtime> {
    let (version, _) = path.strip_prefix("nodejs/node")?.split_once('/')?;
    Some(Runtime {
        language: "nodejs",
        major: version.parse().ok()?,
        minor: 0,
    })
}

/// The version in `lib/python3.12/site-packages`.
pub fn python_version(path: &str) -> Option<Runtime> {
    let (before, _) = path.split_once("/site-packages/")?;
    let folder = before.rsplit_once('/').map_or(before, |(_, name)| name);
    let (major, minor) = folder.strip_prefix("python")?.split_once('.')?;
    Some(Runtime {
        language: "python",
        major: major.parse().ok()?,
        minor: minor.parse().ok()?,
    })
}

/// The version in `a.cpython-312.pyc` and `a.cpython-312-x86_64-linux-gnu.so`: <https://peps.python.org/pep-3147/>.
pub fn bytecode_tag(path: &str) -> Option<Runtime> {
    let (_, tag) = path.rsplit_once(".cpython-")?;
    let end = tag.find(|c: char| !c.is_ascii_digit())?;
    let digits = &tag[..end];
    // `39` and `312`: the major version has one digit.
    let (major, minor) = digits.split_at_checked(1)?;
    Some(Runtime {
        language: "python",
        major: major.parse().ok()?,
        minor: minor.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_python_are_read() {
        let version = |found: Option<Runtime>| found.map(|found| found.to_string());
        for (path, expected) in [
            ("python/lib/python3.9/site-packages/a.py", Some("python3.9")),
            ("opt/python3.12/site-packages/a/b.py", Some("python3.12")),
            ("site-packages/a.py", None),
            ("python3/site-packages/a.py", None),
        ] {
            assert_eq!(version(python_version(path)).as_deref(), expected, "{path}");
        }
        for (path, expected) in [
            ("a/__pycache__/b.cpython-39.pyc", Some("python3.9")),
            ("a/__pycache__/b.cpython-311.opt-1.pyc", Some("python3.11")),
            ("a/c.cpython-312-x86_64-linux-gnu.so", Some("python3.12")),
            ("a/c.abi3.so", None),
            ("a/c.cpython-", None),
            ("a/c.cpython-.pyc", None),
        ] {
            assert_eq!(version(bytecode_tag(path)).as_deref(), expected, "{path}");
        }
    }
}
