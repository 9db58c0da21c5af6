//! What a secret means where it stands.
//!
//! The function's own files are judged as the rules say. A file that somebody else published is no place for the
//! function's secrets: where it is byte for byte what its author published (a wheel's `RECORD` says so), or
//! documentation, a test or an example of its package, a value that only its name makes a secret is none, and a
//! well-formed token is one that its author let slip or made up. What was changed after it was published, or cannot
//! be compared, is judged like the function's own.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::fingerprint;
use crate::finding::{EntryPath, Finding, Location, Severity, rules};
use crate::inspect::{RecordFile, SecretInFile};
use crate::inventory::owner;
use crate::inventory::pypi::record;
use crate::text::visible;

/// Folders in which authors keep what does not run, or only where they build.
const ASIDE_FOLDERS: [&str; 23] = [
    ".circleci",
    ".github",
    "__fixtures__",
    "__tests__",
    "benchmark",
    "benchmarks",
    "demo",
    "demos",
    "doc",
    "docs",
    "docs-src",
    "example",
    "examples",
    "fixture",
    "fixtures",
    "sample",
    "samples",
    "spec",
    "specs",
    "test",
    "testdata",
    "testing",
    "tests",
];
/// Words in a file's name that say the same: `README.md`, `client.test.js`, `ec2.examples.json`, `test_client.py`.
const ASIDE_WORDS: [&str; 20] = [
    "appveyor",
    "authors",
    "changelog",
    "changes",
    "demo",
    "example",
    "examples",
    "fixture",
    "fixtures",
    "history",
    "license",
    "mock",
    "mocks",
    "readme",
    "sample",
    "samples",
    "spec",
    "test",
    "tests",
    "travis",
];
const ASIDE_SUFFIXES: [&str; 7] = [
    ".adoc",
    ".d.cts",
    ".d.mts",
    ".d.ts",
    ".markdown",
    ".md",
    ".rst",
];
/// Folders with what installers write of a package, its own description among it.
const METADATA_FOLDERS: [&str; 2] = [".dist-info", ".egg-info"];

/// Findings about the secrets in the artifact of that name, less those whose fingerprints the user allows.
pub fn assess_secrets(
    artifact: &str,
    allows: impl Fn(&str) -> bool,
    secrets: Vec<SecretInFile>,
    records: &[RecordFile],
) -> Vec<Finding> {
    let published = Published::read(&secrets, records);
    let mut findings: BTreeMap<(String, EntryPath), Finding> = BTreeMap::new();
    for found in secrets {
        let path = found.secret.location.path.clone();
        let severity = match published.origin(&path, found.sha256) {
            Origin::Own => found.secret.rule.severity,
            Origin::Published if found.secret.rule.is_generic() => continue,
            Origin::Published => Severity::Low,
        };
        let finding = finding(artifact, found, severity);
        // Two files of a folder may each show what is one finding about the folder.
        if !allows(&finding.fingerprint) {
            let key = (finding.fingerprint.clone(), path);
            findings.entry(key).or_insert(finding);
        }
    }
    findings.into_values().collect()
}

fn finding(artifact: &str, found: SecretInFile, severity: Severity) -> Finding {
    let secret = found.secret;
    let whole = secret.location.path.to_string();
    let inside = whole.strip_prefix(artifact).unwrap_or(&whole);
    let mut title = secret.rule.name.to_string();
    match &secret.value {
        Some(value) => title += &format!(": {}", visible(value.expose())),
        None if secret.redacted.is_empty() => {}
        None => title += &format!(": {}", visible(&secret.redacted)),
    }
    if let Some(encoding) = secret.decoded {
        title += &format!(", encoded as {encoding}");
    }
    let rule = &rules::SECRET;
    let digest = secret.fingerprint();
    let locations: Vec<Location> = std::iter::once(secret.location)
        .chain(secret.related)
        .collect();
    let fingerprint = fingerprint(&secret.rule.id, &[inside, &digest]);
    Finding {
        rule: format!("{}-{}", rule.id, secret.rule.id.to_uppercase()).into(),
        severity,
        certainty: secret.certainty,
        remedy: if secret.rule.remedy.is_empty() {
            rule.remedy.to_owned()
        } else {
            secret.rule.remedy.to_string()
        },
        ..Finding::of(rule, title, locations, fingerprint)
    }
}

/// Whose a file is.
#[derive(Debug, PartialEq, Eq)]
enum Origin {
    /// The function's, or not known to be anybody else's.
    Own,
    /// Somebody else's, and public.
    Published,
}

/// What installed wheels say of the files with secrets.
struct Published {
    /// The digest that the file had when it was published, where one is stated.
    recorded: HashMap<EntryPath, Option<[u8; 32]>>,
}

impl Published {
    fn read(secrets: &[SecretInFile], records: &[RecordFile]) -> Self {
        let asked: HashSet<&EntryPath> = secrets.iter().map(|s| &s.secret.location.path).collect();
        let mut recorded = HashMap::new();
        if !asked.is_empty() {
            for file in records {
                for row in record::rows(&file.path, &file.text) {
                    let path = file.path.sibling(&row.inner);
                    if asked.contains(&path) {
                        recorded.insert(path, row.sha256());
                    }
                }
            }
        }
        Published { recorded }
    }

    fn origin(&self, path: &EntryPath, sha256: Option<[u8; 32]>) -> Origin {
        let recorded = self.recorded.get(path);
        let unchanged = recorded.is_some_and(|digest| digest.is_some() && *digest == sha256);
        let in_package = recorded.is_some() || is_metadata(path) || !owner::is_owners(path);
        if unchanged || (in_package && is_aside(path)) {
            Origin::Published
        } else {
            Origin::Own
        }
    }
}

/// Whether a file of a package is documentation, a test or an example.
pub fn is_aside(path: &EntryPath) -> bool {
    let name = path.file_name();
    let is_one_of = |part: &str, of: &[&str]| of.iter().any(|one| part.eq_ignore_ascii_case(one));
    let mut words = name.split(['.', '-', '_']);
    let mut folders = inside_package(path.parent()).split('/');
    folders.any(|folder| is_one_of(folder, &ASIDE_FOLDERS))
        || words.any(|word| is_one_of(word, &ASIDE_WORDS))
        || ASIDE_SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
        || is_metadata(path)
}

/// The folders below that of the package, whose own name may well be `test`.
fn inside_package(folder: &str) -> &str {
    const INSTALL_FOLDERS: [&str; 3] = ["node_modules/", "site-packages/", "dist-packages/"];
    let behind = |install: &str| folder.rfind(install).map(|at| at + install.len());
    let from = INSTALL_FOLDERS.into_iter().filter_map(behind).max();
    let package = &folder[from.unwrap_or(0)..];
    let scoped = usize::from(package.starts_with('@'));
    let name = package.split_inclusive('/').take(1 + scoped);
    &package[name.map(str::len).sum()..]
}

fn is_metadata(path: &EntryPath) -> bool {
    let folder = path.parent();
    METADATA_FOLDERS
        .iter()
        .any(|suffix| folder.ends_with(suffix))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use data_encoding::BASE64URL_NOPAD;
    use sha2::{Digest, Sha256};

    use super::*;

    fn path(inner: &str) -> EntryPath {
        EntryPath::new(&Arc::from("fn.zip!/"), inner)
    }

    fn published(record: &str, at: &str, asked: &[&str]) -> Published {
        let records = [RecordFile {
            path: path(at),
            text: record.as_bytes().into(),
        }];
        let asked: HashSet<EntryPath> = asked.iter().map(|inner| path(inner)).collect();
        let mut recorded = HashMap::new();
        for row in record::rows(&records[0].path, &records[0].text) {
            let path = records[0].path.sibling(&row.inner);
            if asked.contains(&path) {
                recorded.insert(path, row.sha256());
            }
        }
        Published { recorded }
    }

    #[test]
    fn a_file_that_its_wheel_records_is_published_while_it_is_unchanged() {
        let content = b"token";
        let digest: [u8; 32] = Sha256::digest(content).into();
        let row = format!("a/b.py,sha256={},5\n", BASE64URL_NOPAD.encode(&digest));
        let published = published(&row, "lib/a-1.dist-info/RECORD", &["lib/a/b.py"]);
        let origin = |inner: &str, digest| published.origin(&path(inner), digest);
        assert_eq!(origin("lib/a/b.py", Some(digest)), Origin::Published);
        assert_eq!(origin("lib/a/b.py", Some([0; 32])), Origin::Own);
        assert_eq!(origin("lib/a/b.py", None), Origin::Own);
        assert_eq!(origin("lib/a/c.py", Some(digest)), Origin::Own);
    }

    #[test]
    fn what_a_package_has_aside_is_published_and_what_the_function_has_is_not() {
        let nothing = published("", "x.dist-info/RECORD", &[]);
        let origin = |inner: &str| nothing.origin(&path(inner), None);
        for aside in [
            "node_modules/a/README.md",
            "node_modules/a/test/key.pem",
            "node_modules/@s/a/lib/x.d.ts",
            "python/lib/python3.12/site-packages/a/tests/data.json",
            "site-packages/a/test_x.py",
            "node_modules/a/apis/ec2.examples.json",
            "a-1.0.dist-info/METADATA",
            "node_modules/a/.travis.yml",
            "node_modules/a/.github/workflows/ci.yml",
        ] {
            assert_eq!(origin(aside), Origin::Published, "{aside}");
        }
        for own in [
            "README.md",
            "tests/key.pem",
            "node_modules/a/index.js",
            "site-packages/a/x.py",
            "node_modules/test/index.js",
            "node_modules/@demo/example/index.js",
            "site-packages/test/x.py",
        ] {
            assert_eq!(origin(own), Origin::Own, "{own}");
        }
    }
}
