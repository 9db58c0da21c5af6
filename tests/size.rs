//! Sizes: where the bytes of a deployment go, whether it fits, and a plan that keeps its word.

mod support;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use globset::GlobBuilder;
use serde_json::Value;
use support::{Run, Workplace, findings, metadata};

/// Paths and contents.
type Entries = Vec<(String, Vec<u8>)>;

/// A wheel as an installer leaves it: its files, and the `RECORD` that lists them.
fn wheel(site: &str, name: &str, version: &str, files: &[(&str, usize)], needs: &str) -> Entries {
    let info = format!("{name}-{version}.dist-info");
    let mut record = format!("{info}/METADATA,,\n{info}/RECORD,,\n");
    let mut entries = Vec::new();
    for (path, bytes) in files {
        record += &format!("{path},,{bytes}\n");
        entries.push((format!("{site}{path}"), vec![b'x'; *bytes]));
    }
    let mut text = metadata(name, version);
    let end = text.len() - "\nText.\n".len();
    text.splice(end..end, needs.bytes());
    entries.push((format!("{site}{info}/METADATA"), text));
    entries.push((format!("{site}{info}/RECORD"), record.into_bytes()));
    entries
}

fn package(folder: &str, json: &str, files: &[(&str, usize)]) -> Entries {
    let name = folder.rsplit_once("node_modules/").unwrap().1;
    let json = format!("{{\"name\": \"{name}\", \"version\": \"1.0.0\"{json}}}");
    let mut entries = vec![(format!("{folder}/package.json"), json.into_bytes())];
    entries.extend(
        files
            .iter()
            .map(|(path, bytes)| (format!("{folder}/{path}"), vec![b'y'; *bytes])),
    );
    entries
}

fn zip_of(workplace: &Workplace, name: &str, entries: &[(String, Vec<u8>)]) {
    let files: Vec<(&str, &[u8])> = entries
        .iter()
        .map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
        .collect();
    workplace.zip(name, &files);
}

/// The report of `fnaudit size`, and its exit status.
fn sized(workplace: &Workplace, args: &[&str]) -> (Value, i32) {
    let args = [&["size", "-q", "--format", "json"], args].concat();
    let Run {
        status,
        stdout,
        stderr,
    } = workplace.run(&args);
    assert_ne!(status, 2, "{stderr}");
    (serde_json::from_str(&stdout).unwrap(), status)
}

fn bytes(value: &Value) -> u64 {
    value["unpacked_bytes"].as_u64().unwrap()
}

/// Unpacked bytes by the names of components.
fn components(sizes: &Value) -> BTreeMap<&str, u64> {
    let rows = sizes["components"].as_array().unwrap().iter();
    rows.map(|row| (row["name"].as_str().unwrap(), bytes(row)))
        .collect()
}

fn item<'a>(sizes: &'a Value, id: &str) -> Option<&'a Value> {
    let mut items = sizes["plan"]["items"].as_array().unwrap().iter();
    items.find(|item| item["id"] == id)
}

/// That field of each row.
fn texts<'a>(rows: &'a Value, field: &str) -> Vec<&'a str> {
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| row[field].as_str().unwrap()).collect()
}

/// Every byte belongs to one package or to the function itself.
fn assert_adds_up(report: &Value) {
    for sizes in report["sizes"].as_array().unwrap() {
        let of_packages: u64 = sizes["components"]
            .as_array()
            .unwrap()
            .iter()
            .map(bytes)
            .sum();
        assert_eq!(
            of_packages + bytes(&sizes["own_files"]),
            bytes(&sizes["total"])
        );
    }
    let total: u64 = report["sizes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|sizes| bytes(&sizes["total"]))
        .sum();
    let unpacked = report["artifacts"].as_array().unwrap().iter();
    assert_eq!(
        total,
        unpacked
            .map(|artifact| artifact["unpacked_bytes"].as_u64().unwrap())
            .sum::<u64>()
    );
}

/// Carries the plan out on the list of a zip's entries: each pattern of each item removes what it matches. Asserts that
/// every item saves what it says, and returns what remains.
fn carry_out(artifact: &Path, sizes: &Value) -> u64 {
    let mut archive = zip::ZipArchive::new(File::open(artifact).unwrap()).unwrap();
    let mut left: Vec<(String, u64, u64)> = (0..archive.len())
        .map(|index| {
            let entry = archive.by_index_raw(index).unwrap();
            (
                entry.name().unwrap().to_string(),
                entry.size(),
                entry.compressed_size(),
            )
        })
        .filter(|(name, ..)| !name.ends_with('/'))
        .collect();
    for item in sizes["plan"]["items"].as_array().unwrap() {
        let patterns = item["patterns"].as_array().unwrap().iter().map(|pattern| {
            let glob = GlobBuilder::new(pattern.as_str().unwrap())
                .literal_separator(true)
                .build();
            glob.unwrap().compile_matcher()
        });
        let patterns: Vec<_> = patterns.collect();
        let (gone, kept): (Vec<_>, Vec<_>) = left
            .into_iter()
            .partition(|(name, ..)| patterns.iter().any(|pattern| pattern.is_match(name)));
        let saved = (
            gone.len() as u64,
            gone.iter().map(|(_, size, _)| size).sum::<u64>(),
            gone.iter().map(|(.., packed)| packed).sum::<u64>(),
        );
        let promised = (
            item["files"].as_u64().unwrap(),
            bytes(item),
            item["packed_bytes"].as_u64().unwrap(),
        );
        assert_eq!(saved, promised, "{}", item["id"]);
        left = kept;
    }
    let remaining = left.iter().map(|(_, size, _)| size).sum();
    assert_eq!(sizes["plan"]["remaining_bytes"].as_u64(), Some(remaining));
    remaining
}

/// A layer with packages that share folders, need one another, and bring what nobody runs.
fn layer() -> Entries {
    let site = "python/lib/python3.9/site-packages/";
    let mut entries = wheel(
        site,
        "big",
        "1.0",
        &[
            ("big/__init__.py", 1000),
            ("big/core.cpython-39-x86_64-linux-gnu.so", 5000),
            ("big/core.pyi", 300),
            ("big/include/big.h", 70),
            ("big/tests/__init__.py", 1),
            ("big/tests/test_a.py", 400),
            ("big/tests/data/[odd].bin", 900),
            ("big/testing/tests.py", 60),
            ("big.libs/libz.so.1", 2000),
            ("space/big/__init__.py", 10),
        ],
        "Requires-Dist: small>=1\nRequires-Dist: extra; extra == 'x'\n",
    );
    entries.extend(wheel(
        site,
        "small",
        "2.0",
        &[("small.py", 50), ("space/small/a.py", 20)],
        "",
    ));
    entries.extend(wheel(
        site,
        "extra",
        "3.0",
        &[("extra/__init__.py", 40)],
        "",
    ));
    entries.extend(wheel(
        site,
        "helper",
        "1.0",
        &[
            ("helper/tests/runner.py", 500),
            ("helper/tests/test_b.py", 30),
        ],
        "",
    ));
    let import = b"from .tests.runner import Runner\n";
    entries.push((format!("{site}helper/__init__.py"), import.to_vec()));
    for (path, bytes) in [
        ("big/__pycache__/__init__.cpython-39.pyc", 110),
        ("big/__pycache__/__init__.cpython-311.pyc", 120),
        ("big/tests/__pycache__/test_a.cpython-311.pyc", 130),
        ("__pycache__/small.cpython-311.pyc", 140),
        ("pip-1.0.dist-info/METADATA", 0),
    ] {
        entries.push((format!("{site}{path}"), vec![b'p'; bytes]));
    }
    entries.last_mut().unwrap().1 = metadata("pip", "1.0");
    entries.push((format!("{site}pip/__init__.py"), vec![b'q'; 77]));
    entries.push(("python/.git/HEAD".into(), vec![b'g'; 21]));
    entries.push(("python/own.py".into(), vec![b'o'; 33]));
    entries
}

#[test]
fn every_file_belongs_to_the_package_that_brought_it_or_to_the_function() {
    let workplace = Workplace::new();
    zip_of(&workplace, "layer.zip", &layer());
    let (report, status) = sized(&workplace, &["layer.zip"]);
    assert_eq!(status, 0);
    assert_adds_up(&report);
    let sizes = &report["sizes"][0];
    assert_eq!(sizes["platform"], "aws-lambda");
    assert_eq!(sizes["runtime"], "python3.9");
    assert_eq!(report["artifacts"][0]["platform"], "aws-lambda");
    let lists = |name: &str| -> u64 {
        let is_info =
            |path: &str| path.contains(&format!("{name}-")) && path.contains(".dist-info/");
        layer()
            .iter()
            .filter(|(path, _)| is_info(path))
            .map(|(_, bytes)| bytes.len() as u64)
            .sum()
    };
    let found = components(sizes);
    // What nobody lists lies in a folder that one package alone has files in.
    let big = 1000 + 5000 + 300 + 70 + 1 + 400 + 900 + 60 + 2000 + 10 + 110 + 120 + 130;
    assert_eq!(found["big"], big + lists("big"));
    // The bytecode of a module lies in a folder that is nobody's.
    assert_eq!(found["small"], 50 + 20 + 140 + lists("small"));
    // Without a RECORD the folder of its name is a package's.
    assert_eq!(found["pip"], 77 + lists("pip"));
    assert_eq!(bytes(&sizes["own_files"]), 21 + 33);
    let packages = report["packages"].as_array().unwrap();
    let pip = packages
        .iter()
        .find(|package| package["name"] == "pip")
        .unwrap();
    assert_eq!(pip["size_bytes"].as_u64(), Some(found["pip"]));
}

#[test]
fn what_only_one_package_needs_counts_with_it() {
    let workplace = Workplace::new();
    zip_of(&workplace, "layer.zip", &layer());
    let (report, _) = sized(&workplace, &["layer.zip"]);
    let sizes = &report["sizes"][0];
    let found = components(sizes);
    let row = |name: &str| {
        let mut rows = sizes["components"].as_array().unwrap().iter();
        rows.find(|row| row["name"] == name).unwrap()
    };
    assert_eq!(
        bytes(&row("big")["with_needed"]),
        found["big"] + found["small"]
    );
    assert_eq!(row("small")["only_for"], "pkg:pypi/big@1.0");
    // An extra that nobody asked for is not needed.
    assert_eq!(row("extra")["only_for"], Value::Null);
}

#[test]
fn a_plan_saves_what_it_says_to_the_byte() {
    let workplace = Workplace::new();
    zip_of(&workplace, "layer.zip", &layer());
    let (report, _) = sized(&workplace, &["layer.zip"]);
    let sizes = &report["sizes"][0];
    carry_out(&workplace.path("layer.zip"), sizes);
    let saved = |id: &str| item(sizes, id).map(bytes);
    assert_eq!(saved("python-tests"), Some(1 + 400 + 130));
    assert_eq!(saved("foreign-bytecode"), Some(120 + 140));
    assert_eq!(saved("type-stubs"), Some(300));
    assert_eq!(saved("native-sources"), Some(70));
    assert_eq!(saved("version-control"), Some(21));
    assert_eq!(saved("package-managers"), Some(components(sizes)["pip"]));
    // What the package itself imports is to be tried first, and what is of no kind that tests have.
    assert_eq!(saved("python-tests-imported"), Some(530 + 900));
    let certainty = &item(sizes, "python-tests-imported").unwrap()["certainty"];
    assert_eq!(certainty, "check");
}

#[test]
fn nested_npm_packages_own_what_is_in_them() {
    let workplace = Workplace::new();
    let mut entries = package(
        "node_modules/a",
        ", \"dependencies\": {\"b\": \"1\", \"c\": \"1\"}",
        &[
            ("index.js", 100),
            ("README.md", 7),
            ("LICENSE.md", 8),
            ("index.d.ts", 9),
            ("docs/x.html", 11),
        ],
    );
    entries.extend(package(
        "node_modules/a/node_modules/b",
        "",
        &[("index.js", 200), ("index.js.map", 40)],
    ));
    entries.extend(package(
        "node_modules/c",
        "",
        &[("lib/test/run.js", 300), ("test/run.js", 12)],
    ));
    entries.extend(package(
        "node_modules/@s/sharp-win32-x64",
        "",
        &[("sharp.node", 500)],
    ));
    entries.extend(package("node_modules/dev", "", &[("index.js", 600)]));
    entries.push((
        "node_modules/.package-lock.json".into(),
        br#"{"packages": {"node_modules/dev": {"version": "1.0.0", "dev": true}}}"#.to_vec(),
    ));
    entries.push(("index.js".into(), vec![b'z'; 50]));
    entries.push(("index.js.map".into(), vec![b'm'; 60]));
    zip_of(&workplace, "fn.zip", &entries);
    let (report, _) = sized(&workplace, &["fn.zip", "--platform", "aws-lambda"]);
    assert_adds_up(&report);
    let sizes = &report["sizes"][0];
    let found = components(sizes);
    let manifest = |name: &str| -> u64 {
        let path = format!("{name}/package.json");
        entries
            .iter()
            .find(|(found, _)| found.ends_with(&path))
            .unwrap()
            .1
            .len() as u64
    };
    assert_eq!(
        found["a"],
        100 + 7 + 8 + 9 + 11 + manifest("node_modules/a")
    );
    assert_eq!(found["b"], 200 + 40 + manifest("/b"));
    let rows = sizes["components"].as_array().unwrap();
    let a = rows.iter().find(|row| row["name"] == "a").unwrap();
    assert_eq!(
        bytes(&a["with_needed"]),
        found["a"] + found["b"] + found["c"]
    );
    let saved = |id: &str| item(sizes, id).map(bytes);
    assert_eq!(saved("node-docs"), Some(7));
    assert_eq!(saved("type-stubs"), Some(9));
    assert_eq!(saved("node-extras"), Some(11));
    assert_eq!(saved("source-maps"), Some(40));
    assert_eq!(saved("own-source-maps"), Some(60));
    assert_eq!(saved("node-test-folders"), Some(12));
    assert_eq!(saved("other-platforms"), Some(found["@s/sharp-win32-x64"]));
    assert_eq!(saved("development"), Some(found["dev"]));
    carry_out(&workplace.path("fn.zip"), sizes);
}

/// A wheel of which only the `RECORD` was left.
fn stripped(name: &str, bytes: usize) -> Entries {
    let file = format!("{name}/__init__.py");
    let mut entries = wheel("", name, "1.0", &[(&file, bytes)], "");
    entries.retain(|(path, _)| !path.ends_with("METADATA"));
    entries
}

/// Of the components the purl of the one that alone needs each, where there is one.
fn only_for(sizes: &Value) -> Vec<(&str, &str)> {
    let rows = sizes["components"].as_array().unwrap().iter();
    let rows = rows.filter_map(|row| Some((row["name"].as_str()?, row["only_for"].as_str()?)));
    let mut rows: Vec<_> = rows.collect();
    rows.sort_unstable();
    rows
}

const POETRY_LOCK: &str = "[[package]]\nname = \"a\"\nversion = \"1.0\"\ngroups = [\"main\"]\n\
     [package.dependencies]\nb = \"*\"\n\n\
     [[package]]\nname = \"b\"\nversion = \"1.0\"\ngroups = [\"main\", \"dev\"]\n\n\
     [[package]]\nname = \"tool\"\nversion = \"1.0\"\ngroups = [\"dev\"]\n\
     [package.dependencies]\nhelper = \"*\"\nb = \"*\"\n\n\
     [[package]]\nname = \"helper\"\nversion = \"1.0\"\ngroups = [\"dev\"]\n";

#[test]
fn a_lock_file_tells_what_stripped_packages_need_and_what_is_for_development() {
    let workplace = Workplace::new();
    let mut entries = stripped("a", 100);
    for (name, bytes) in [("b", 20), ("tool", 3000), ("helper", 400)] {
        entries.extend(stripped(name, bytes));
    }
    zip_of(&workplace, "bare.zip", &entries);
    let lock = ("poetry.lock".to_owned(), POETRY_LOCK.as_bytes().to_vec());
    entries.push(lock);
    zip_of(&workplace, "fn.zip", &entries);
    workplace.file("poetry.lock", POETRY_LOCK);
    let (bare, _) = sized(&workplace, &["bare.zip"]);
    assert_eq!(only_for(&bare["sizes"][0]), []);
    assert!(item(&bare["sizes"][0], "development").is_none());
    for args in [&["fn.zip"][..], &["bare.zip", "--lock", "poetry.lock"]] {
        let (report, _) = sized(&workplace, args);
        assert_adds_up(&report);
        let sizes = &report["sizes"][0];
        // `b` is needed by two.
        assert_eq!(only_for(sizes), [("helper", "pkg:pypi/tool@1.0")]);
        let found = components(sizes);
        let development = item(sizes, "development").unwrap();
        assert_eq!(bytes(development), found["tool"] + found["helper"]);
        assert_eq!(development["certainty"], "check");
        carry_out(&workplace.path(args[0]), sizes);
    }
}

#[test]
fn packages_without_any_metadata_own_the_folder_that_their_code_is_in() {
    let workplace = Workplace::new();
    let version = |text: &str| format!("__version__ = '{text}'\n").into_bytes();
    let requests = (
        "requests/__version__.py",
        "__title__ = 'requests'\n__version__ = '2.31.0'\n",
    );
    let mut files: Vec<(&str, Vec<u8>)> = vec![
        (requests.0, requests.1.into()),
        ("requests/__init__.py", vec![b'r'; 1000]),
        ("requests/sub/api.py", vec![b'r'; 300]),
        ("requests/tests/test_a.py", vec![b't'; 50]),
        ("idna/package_data.py", version("3.7")),
        (
            "requests/models.py",
            b"class RequestEncodingMixin:\n".to_vec(),
        ),
        ("idna/core.py", b"def check_hyphen_ok():\n".to_vec()),
        (
            "requests/packages/idna/core.py",
            b"def check_hyphen_ok():\n".to_vec(),
        ),
        ("app/main.py", vec![b'o'; 77]),
        // A copy in another package is that one's.
        ("requests/packages/idna/package_data.py", version("3.7")),
    ];
    let lock = "[[package]]\nname = \"requests\"\nversion = \"2.31.0\"\n[package.dependencies]\nidna = \"*\"\n\n\
                [[package]]\nname = \"idna\"\nversion = \"3.7\"\n";
    files.push(("poetry.lock", lock.into()));
    let entries: Entries = files
        .iter()
        .map(|(path, bytes)| ((*path).to_owned(), bytes.clone()))
        .collect();
    zip_of(&workplace, "fn.zip", &entries);
    let (report, _) = sized(&workplace, &["fn.zip"]);
    assert_adds_up(&report);
    let sizes = &report["sizes"][0];
    let found = components(sizes);
    let within = |folder: &str| -> u64 {
        let inside = entries.iter().filter(|(path, _)| path.starts_with(folder));
        inside.map(|(_, bytes)| bytes.len() as u64).sum()
    };
    assert_eq!(found["requests"], within("requests/"));
    assert_eq!(found["idna"], within("idna/"));
    assert_eq!(bytes(&sizes["own_files"]), 77 + lock.len() as u64);
    assert_eq!(only_for(sizes), [("idna", "pkg:pypi/requests@2.31.0")]);
    assert_eq!(bytes(item(sizes, "python-tests").unwrap()), 50);
    carry_out(&workplace.path("fn.zip"), sizes);
}

#[test]
fn what_installed_metadata_says_comes_before_lock_files() {
    let workplace = Workplace::new();
    let mut entries = wheel("", "a", "1.0", &[("a/x.py", 10)], "Requires-Dist: c\n");
    for name in ["b", "c"] {
        entries.extend(stripped(name, 10));
    }
    entries.push(("poetry.lock".into(), POETRY_LOCK.as_bytes().to_vec()));
    zip_of(&workplace, "fn.zip", &entries);
    let (report, _) = sized(&workplace, &["fn.zip"]);
    assert_eq!(only_for(&report["sizes"][0]), [("c", "pkg:pypi/a@1.0")]);
}

#[test]
fn what_production_asks_for_or_needs_is_not_for_development_alone() {
    let workplace = Workplace::new();
    let lock = r#"{"lockfileVersion": 1, "dependencies": {
        "a": {"version": "1.0.0"}, "b": {"version": "1.0.0", "dev": true}, "c": {"version": "1.0.0", "dev": true},
        "d": {"version": "1.0.0", "dev": true}}}"#;
    let mut entries = package("node_modules/a", ", \"dependencies\": {\"c\": \"1\"}", &[]);
    for name in ["b", "c", "d"] {
        entries.extend(package(
            &format!("node_modules/{name}"),
            "",
            &[("x.js", 100)],
        ));
    }
    entries.push(("package-lock.json".into(), lock.into()));
    let manifest = r#"{"dependencies": {"a": "1.0.0", "b": "^1.0.0"}}"#;
    entries.push(("package.json".into(), manifest.into()));
    zip_of(&workplace, "fn.zip", &entries);
    let (report, _) = sized(&workplace, &["fn.zip"]);
    let sizes = &report["sizes"][0];
    let development = item(sizes, "development").unwrap();
    assert_eq!(bytes(development), components(sizes)["d"]);
    carry_out(&workplace.path("fn.zip"), sizes);
}

#[test]
fn a_manifest_beside_it_tells_what_a_lock_file_of_yarn_has_for_development() {
    let workplace = Workplace::new();
    let lock = "# yarn lockfile v1\n\na@^1.0.0:\n  version \"1.0.0\"\n  dependencies:\n    c \"^1\"\n\n\
                b@^1.0.0:\n  version \"1.0.0\"\n  dependencies:\n    c \"^1\"\n    d \"^1\"\n\n\
                c@^1:\n  version \"1.0.0\"\n\nd@^1:\n  version \"1.0.0\"\n";
    let manifest = r#"{"dependencies": {"a": "^1.0.0"}, "devDependencies": {"b": "^1.0.0"}}"#;
    let mut entries = vec![
        ("api/yarn.lock".to_owned(), lock.into()),
        ("api/package.json".to_owned(), manifest.into()),
    ];
    for (name, bytes) in [("a", 10), ("b", 200), ("c", 30), ("d", 4000)] {
        let folder = format!("api/node_modules/{name}");
        entries.extend(package(&folder, "", &[("x.js", bytes)]));
    }
    zip_of(&workplace, "fn.zip", &entries);
    let (report, _) = sized(&workplace, &["fn.zip"]);
    let sizes = &report["sizes"][0];
    let found = components(sizes);
    let development = item(sizes, "development").unwrap();
    assert_eq!(bytes(development), found["b"] + found["d"]);
    // Their own manifests do not say what they need.
    assert_eq!(only_for(sizes), [("d", "pkg:npm/b@1.0.0")]);
    carry_out(&workplace.path("fn.zip"), sizes);
}

#[test]
fn copies_go_that_node_finds_in_a_folder_around_them_too() {
    let workplace = Workplace::new();
    let files: &[(&str, usize)] = &[("index.js", 1000), ("lib/x.js", 300)];
    let needs_y = ", \"dependencies\": {\"y\": \"1\"}";
    let bundle = |edit: &dyn Fn(&mut Entries)| {
        let mut entries = package("node_modules/x", needs_y, files);
        entries.extend(package("node_modules/y", "", &[("y.js", 50)]));
        entries.extend(package("node_modules/@s/a", "", &[("a.js", 10)]));
        entries.extend(package("node_modules/@s/a/node_modules/x", needs_y, files));
        // The same package twice, in folders that do not lie around each other.
        for name in ["b", "c"] {
            entries.extend(package(&format!("node_modules/{name}"), "", &[]));
            let folder = format!("node_modules/{name}/node_modules/z");
            entries.extend(package(&folder, "", &[("z.js", 70)]));
        }
        edit(&mut entries);
        zip_of(&workplace, "fn.zip", &entries);
        let (report, _) = sized(&workplace, &["fn.zip"]);
        let sizes = report["sizes"][0].clone();
        carry_out(&workplace.path("fn.zip"), &sizes);
        item(&sizes, "copies").cloned()
    };
    let found = bundle(&|_| ()).unwrap();
    assert_eq!(
        found["patterns"],
        serde_json::json!(["node_modules/@s/a/node_modules/**"])
    );
    assert_eq!(found["certainty"], "check");
    assert_eq!(found["files"], 3);
    let inner = "node_modules/@s/a/node_modules/x";
    // Patched by hand; with another manifest; of another version; with another package to find from there; with another of its own in it.
    let edits: [&dyn Fn(&mut Entries); 5] = [
        &|entries| {
            let manifest = format!("{inner}/package.json");
            let found = entries.iter_mut().find(|(path, _)| *path == manifest);
            let (_, json) = found.unwrap();
            json.pop();
            json.extend(br#", "_where": "/build"}"#);
        },
        &|entries| {
            let patched = format!("{inner}/index.js");
            entries
                .iter_mut()
                .find(|(path, _)| *path == patched)
                .unwrap()
                .1[7] = b'!';
        },
        &|entries| {
            let manifest = "node_modules/x/package.json";
            let (_, json) = entries
                .iter_mut()
                .find(|(path, _)| path == manifest)
                .unwrap();
            *json = br#"{"name": "x", "version": "1.0.1"}"#.to_vec();
        },
        &|entries| {
            let (folder, json) = (
                "node_modules/@s/a/node_modules/y",
                br#"{"name": "y", "version": "2.0.0"}"#,
            );
            entries.push((format!("{folder}/package.json"), json.to_vec()));
        },
        &|entries| {
            entries.extend(package(
                &format!("{inner}/node_modules/y"),
                "",
                &[("y.js", 51)],
            ))
        },
    ];
    for edit in edits {
        let found = bundle(edit);
        let patterns = found
            .map(|item| item["patterns"].to_string())
            .unwrap_or_default();
        assert!(!patterns.contains("/x"), "{patterns}");
        assert!(
            !patterns.contains("node_modules/@s/a/node_modules/**"),
            "{patterns}"
        );
    }
}

#[test]
fn copies_go_together_where_what_they_find_is_a_copy_too() {
    let workplace = Workplace::new();
    let needs = |name: &str| format!(", \"dependencies\": {{\"{name}\": \"1\"}}");
    let found = |b_of_p: usize| {
        let mut entries = package("node_modules/p", "", &[("p.js", 10)]);
        for (around, b) in [("", 200), ("node_modules/p/", b_of_p)] {
            let folder = |name: &str| format!("{around}node_modules/{name}");
            entries.extend(package(&folder("a"), &needs("b"), &[("a.js", 100)]));
            entries.extend(package(&folder("b"), &needs("a"), &[("b.js", b)]));
        }
        zip_of(&workplace, "fn.zip", &entries);
        let (report, _) = sized(&workplace, &["fn.zip"]);
        let sizes = &report["sizes"][0];
        carry_out(&workplace.path("fn.zip"), sizes);
        item(sizes, "copies").map(|item| item["files"].as_u64())
    };
    assert_eq!(found(200), Some(Some(4)));
    // The one in `p` finds a `b` of another content.
    assert_eq!(found(201), None);
}

/// A tar with those files and symbolic links, each with its target.
fn tar_of(workplace: &Workplace, name: &str, files: &Entries, links: &[(&str, &str)]) {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, content.as_slice())
            .unwrap();
    }
    for (path, target) in links {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        tar.append_link(&mut header, path, target).unwrap();
    }
    std::fs::write(workplace.path(name), tar.into_inner().unwrap()).unwrap();
}

#[test]
fn a_copy_that_a_link_keeps_a_file_of_stays_whole() {
    let workplace = Workplace::new();
    let mut entries = package("node_modules/p", "", &[("p.js", 10)]);
    for around in ["", "node_modules/p/"] {
        for name in ["x", "y"] {
            let folder = format!("{around}node_modules/{name}");
            entries.extend(package(&folder, "", &[("cli.js", 100), ("index.js", 200)]));
        }
    }
    let link = ("node_modules/p/node_modules/.bin/x", "../x/cli.js");
    tar_of(&workplace, "fn.tar", &entries, &[link]);
    let (report, _) = sized(&workplace, &["fn.tar"]);
    let copies = item(&report["sizes"][0], "copies").unwrap();
    assert_eq!(
        copies["patterns"],
        serde_json::json!(["node_modules/p/node_modules/y/**"])
    );
}

#[test]
fn a_copy_that_finds_another_package_through_a_link_is_no_item() {
    let workplace = Workplace::new();
    let needs = ", \"dependencies\": {\"y\": \"1\"}";
    let mut entries = package("node_modules/p", "", &[("p.js", 10)]);
    entries.extend(package("node_modules/y", "", &[("y.js", 10)]));
    entries.push(("other-y/index.js".into(), b"1".to_vec()));
    for around in ["", "node_modules/p/"] {
        entries.extend(package(&format!("{around}node_modules/x"), needs, &[]));
    }
    let link = ("node_modules/p/node_modules/y", "../../../other-y");
    for (links, is_found) in [(&[][..], true), (&[link], false)] {
        tar_of(&workplace, "fn.tar", &entries, links);
        let (report, _) = sized(&workplace, &["fn.tar"]);
        let copies = item(&report["sizes"][0], "copies");
        assert_eq!(copies.is_some(), is_found);
    }
}

#[test]
fn links_that_lead_through_links_to_what_is_for_development_go_with_it() {
    let workplace = Workplace::new();
    let mut entries = package(
        "node_modules/.bun/tool@1.0.0/node_modules/tool",
        "",
        &[("x.js", 100)],
    );
    let lock = r#"{"workspaces": {"": {"devDependencies": {"tool": "1"}}},
        "packages": {"tool": ["tool@1.0.0", "", {}, "sha512-"]}}"#;
    entries.push(("bun.lock".into(), lock.into()));
    let links = [
        ("node_modules/tool", ".bun/tool@1.0.0/node_modules/tool"),
        ("node_modules/.bin/tool", "../tool/x.js"),
        ("node_modules/.bin/alias", "tool"),
    ];
    tar_of(&workplace, "fn.tar", &entries, &links);
    let (report, _) = sized(&workplace, &["fn.tar"]);
    let development = item(&report["sizes"][0], "development").unwrap();
    assert_eq!(development["files"], 5);
}

#[test]
fn what_a_layer_has_on_purpose_is_not_for_development() {
    let workplace = Workplace::new();
    let lock = ("poetry.lock".to_owned(), POETRY_LOCK.as_bytes().to_vec());
    let mut entries = stripped("a", 100);
    entries.push(lock);
    zip_of(&workplace, "fn.zip", &entries);
    let mut layer = Entries::new();
    for (path, content) in stripped("tool", 3000) {
        layer.push((format!("python/{path}"), content));
    }
    zip_of(&workplace, "layer.zip", &layer);
    let (report, _) = sized(&workplace, &["fn.zip", "--layer", "layer.zip"]);
    assert!(item(&report["sizes"][0], "development").is_none());
    // One that is named speaks for both.
    workplace.file("poetry.lock", POETRY_LOCK);
    let args = ["fn.zip", "--layer", "layer.zip", "--lock", "poetry.lock"];
    let (report, _) = sized(&workplace, &args);
    assert!(item(&report["sizes"][0], "development").is_some());
}

#[test]
fn lock_files_that_a_package_brought_along_say_nothing_of_the_function() {
    let workplace = Workplace::new();
    let development = |path: &str| {
        let mut entries = stripped("tool", 3000);
        let files = [("foo/x.py", 10), ("foo/template/poetry.lock", 10)];
        entries.extend(wheel("", "foo", "1.0", &files, ""));
        entries.retain(|(path, _)| path != "foo/template/poetry.lock");
        entries.push((path.to_owned(), POETRY_LOCK.as_bytes().to_vec()));
        zip_of(&workplace, "fn.zip", &entries);
        let (report, _) = sized(&workplace, &["fn.zip"]);
        item(&report["sizes"][0], "development").cloned()
    };
    assert!(development("foo/template/poetry.lock").is_none());
    assert!(development("poetry.lock").is_some());
}

#[test]
fn requirements_of_any_name_ask_for_what_is_then_not_for_development() {
    let workplace = Workplace::new();
    let development = |path: &str| {
        let mut entries = stripped("tool", 3000);
        entries.push(("docs/poetry.lock".into(), POETRY_LOCK.into()));
        entries.push((path.to_owned(), b"tool\n".to_vec()));
        zip_of(&workplace, "fn.zip", &entries);
        let (report, _) = sized(&workplace, &["fn.zip"]);
        item(&report["sizes"][0], "development").cloned()
    };
    assert!(development("notes.md").is_some());
    assert!(development("requirements-prod.txt").is_none());
}

#[test]
fn lock_files_without_end_are_an_error_and_have_nothing_for_development() {
    let workplace = Workplace::new();
    let mut entries = stripped("tool", 3000);
    entries.push(("poetry.lock".into(), POETRY_LOCK.into()));
    let mut long = String::from("# yarn lockfile v1\n\n");
    for n in 0..4 {
        let name = "x".repeat(1024 * 1024);
        long += &format!("\"{name}@{n}\":\n  version \"1.0.0\"\n\n");
    }
    for n in 0..10 {
        entries.push((format!("{n}/yarn.lock"), long.clone().into_bytes()));
    }
    zip_of(&workplace, "fn.zip", &entries);
    let (report, _) = sized(&workplace, &["fn.zip"]);
    assert!(item(&report["sizes"][0], "development").is_none());
    let errors = texts(&report["errors"], "message");
    assert!(
        errors
            .iter()
            .any(|message| message.starts_with("the lock files have more packages"))
    );
}

#[test]
fn the_tool_that_built_it_is_told_by_what_it_writes() {
    let workplace = Workplace::new();
    let tool = |files: &[(&str, &[u8])]| {
        workplace.zip("fn.zip", files);
        let (report, _) = sized(&workplace, &["fn.zip"]);
        report["sizes"][0]["tool"].as_str().unwrap().to_owned()
    };
    let esbuild: &[u8] = b"var require_a = __commonJS({\n  \"node_modules/a/index.js\"(exports, module) {\n  }\n});\n";
    let webpack: &[u8] = b"var m = {\"./node_modules/a/index.js\": function(module, exports, __webpack_require__) {}};\n";
    let bun: &[u8] =
        b"// node_modules/a/index.js\nvar require_a = __commonJS((exports) => {\n});\n";
    assert_eq!(tool(&[("index.js", esbuild)]), "esbuild");
    assert_eq!(tool(&[("index.js", webpack)]), "webpack");
    assert_eq!(tool(&[("index.js", bun)]), "bundler");
    assert_eq!(tool(&[("a.js", esbuild), ("b.js", webpack)]), "bundler");
    // Installed packages come as their authors bundled them.
    let manifest = br#"{"name": "a", "version": "1.0.0"}"#;
    let installed: &[(&str, &[u8])] = &[
        ("node_modules/a/package.json", manifest),
        ("node_modules/a/a.js", webpack),
    ];
    assert_eq!(tool(installed), "zip");
    assert_eq!(tool(&[(".aws-sam/build.toml", b"")]), "sam");
    assert_eq!(tool(&[("samconfig.toml", b"")]), "sam");
}

#[test]
fn what_the_runtime_has_is_to_be_tried_first_and_what_others_need_stays() {
    let workplace = Workplace::new();
    let site = "python/lib/python3.12/site-packages/";
    let mut entries = wheel(
        site,
        "boto3",
        "1.0",
        &[("boto3/a.py", 10)],
        "Requires-Dist: botocore\nRequires-Dist: jmespath\n",
    );
    entries.extend(wheel(
        site,
        "botocore",
        "1.0",
        &[("botocore/a.py", 20)],
        "Requires-Dist: urllib3\n",
    ));
    entries.extend(wheel(site, "jmespath", "1.0", &[("jmespath/a.py", 30)], ""));
    entries.extend(wheel(site, "urllib3", "1.0", &[("urllib3/a.py", 40)], ""));
    entries.extend(wheel(
        site,
        "requests",
        "1.0",
        &[("requests/a.py", 50)],
        "Requires-Dist: urllib3\n",
    ));
    zip_of(&workplace, "layer.zip", &entries);
    let (report, _) = sized(&workplace, &["layer.zip"]);
    let sizes = &report["sizes"][0];
    let provided = sizes["provided"].as_array().unwrap().iter();
    let provided: Vec<&str> = provided.map(|row| row["purl"].as_str().unwrap()).collect();
    assert_eq!(
        provided,
        [
            "pkg:pypi/boto3@1.0",
            "pkg:pypi/botocore@1.0",
            "pkg:pypi/jmespath@1.0"
        ]
    );
    assert_eq!(item(sizes, "runtime").unwrap()["certainty"], "check");
    carry_out(&workplace.path("layer.zip"), sizes);
}

/// A zip with that many bytes of zeros, in files of 8 MiB.
fn zeros(workplace: &Workplace, name: &str, first: (&str, usize), total: usize) {
    const FILE: usize = 8 * 1024 * 1024;
    let zeros = vec![0; FILE];
    let mut names = Vec::new();
    let mut left = total;
    while left > 0 {
        names.push((format!("python/data/{}", names.len()), left.min(FILE)));
        left -= left.min(FILE);
    }
    let mut files: Vec<(&str, &[u8])> = names
        .iter()
        .map(|(name, bytes)| (name.as_str(), &zeros[..*bytes]))
        .collect();
    files.push((first.0, &zeros[..first.1]));
    workplace.zip(name, &files);
}

#[test]
fn over_and_near_the_limit_of_lambda_is_told_to_the_byte() {
    const LIMIT: usize = 262_144_000;
    let workplace = Workplace::new();
    let marker = ("python/x-1.0.dist-info/RECORD", 0);
    zeros(&workplace, "over.zip", marker, LIMIT + 1);
    let (report, status) = sized(&workplace, &["over.zip"]);
    assert_eq!(findings(&report), ["FA-SIZE-LIMIT over.zip"]);
    let title = report["findings"][0]["title"].as_str().unwrap();
    assert_eq!(
        title,
        "Over the limit of AWS Lambda by 1 bytes: 262144001 unpacked, function and layers, where 262144000 are allowed"
    );
    assert_eq!(status, 1);
    zeros(&workplace, "full.zip", marker, LIMIT);
    let (report, status) = sized(&workplace, &["full.zip"]);
    assert_eq!(findings(&report), ["FA-SIZE-NEAR-LIMIT full.zip"]);
    assert_eq!(status, 0);
    // Together with a layer it is over.
    workplace.zip("layer.zip", &[("python/y-1.0.dist-info/RECORD", b"x")]);
    let (report, _) = sized(&workplace, &["full.zip", "--layer", "layer.zip"]);
    assert_eq!(findings(&report), ["FA-SIZE-LIMIT full.zip"]);
    assert_eq!(report["sizes"][0]["artifacts"].as_array().unwrap().len(), 2);
}

#[test]
fn a_worker_of_either_plan_is_limited_before_it_is_compressed_alone() {
    const LIMIT: usize = 67_108_864;
    let workplace = Workplace::new();
    zeros(&workplace, "over.zip", ("index.js", 0), LIMIT + 1);
    for platform in ["cloudflare-workers", "cloudflare-workers-free"] {
        let (report, _) = sized(&workplace, &["over.zip", "--platform", platform]);
        assert_eq!(findings(&report), ["FA-SIZE-LIMIT over.zip"]);
        assert_eq!(report["findings"][0]["severity"], "high");
        let measures = texts(&report["sizes"][0]["limits"], "measure");
        assert_eq!(measures, ["unpacked"]);
    }
}

#[test]
fn a_platform_is_named_or_certain_or_not_known() {
    let workplace = Workplace::new();
    let platform = |files: &[(&str, &[u8])], args: &[&str]| {
        workplace.zip("fn.zip", files);
        let (report, _) = sized(&workplace, &[&["fn.zip"], args].concat());
        report["sizes"][0]["platform"].clone()
    };
    let index: (&str, &[u8]) = ("index.js", b"x");
    assert_eq!(platform(&[index], &[]), Value::Null);
    assert_eq!(platform(&[index], &["--platform", "vercel"]), "vercel");
    assert_eq!(platform(&[index, ("host.json", b"{}")], &[]), Value::Null);
    assert_eq!(
        platform(&[("host.json", b"{}"), ("http/function.json", b"{}")], &[]),
        "azure-functions"
    );
    assert_eq!(
        platform(&[index, ("___netlify-bootstrap.mjs", b"x")], &[]),
        "netlify"
    );
    // A project's folder, which is no bundle.
    assert_eq!(platform(&[index, ("wrangler.toml", b"")], &[]), Value::Null);
    assert_eq!(
        platform(&[("bootstrap", b"#!/bin/sh\n"), ("configure.ac", b"")], &[]),
        Value::Null
    );
    assert_eq!(platform(&[("nodejs/node-a/b.js", b"")], &[]), Value::Null);
    assert_eq!(platform(&[("nodejs/node20/b.js", b"")], &[]), "aws-lambda");
    assert_eq!(
        platform(&[("vc__handler__python.py", b"")], &[]),
        "vercel-python"
    );
    assert_eq!(
        platform(&[("bootstrap", b"#!/bin/sh\n")], &[]),
        "aws-lambda"
    );
    // Two say two things.
    assert_eq!(
        platform(&[("bootstrap", b"x"), ("vc__handler__python.py", b"")], &[]),
        Value::Null
    );
    // A folder of the project's own that is called as one of a layer.
    assert_eq!(platform(&[("lib/a.js", b"x")], &[]), Value::Null);
    let run = workplace.run(&["size", "fn.zip", "--platform", "moon"]);
    assert_eq!(run.status, 2);
    assert!(run.stderr.contains("aws-lambda"), "{}", run.stderr);
}

#[test]
fn budgets_of_the_users_own_are_kept() {
    let workplace = Workplace::new();
    zip_of(&workplace, "layer.zip", &layer());
    workplace.file(
        "fnaudit.toml",
        "[size]\nmax-unpacked = \"1 kB\"\nmax-packed = \"1 MB\"\n[size.components]\nsmall = 100\nextra = \"1 MB\"\n",
    );
    let (report, status) = sized(&workplace, &["layer.zip"]);
    let titles = texts(&report["findings"], "title");
    assert_eq!(titles.len(), 2, "{titles:?}");
    assert!(
        titles
            .iter()
            .any(|title| title.contains("unpacked, where 1000 are allowed"))
    );
    assert!(
        titles
            .iter()
            .any(|title| title.contains("small takes") && title.contains("where 100 are allowed"))
    );
    assert_eq!(status, 1);
    // An audit says so too, and can be told not to.
    let audit = |args: &[&str]| {
        let run = workplace.run(&[&["layer.zip", "-q", "--format", "json"], args].concat());
        findings(&run.json())
    };
    assert_eq!(audit(&["--only", "size"]).len(), 2);
    let others = audit(&["--skip", "size"]);
    assert!(
        others.iter().all(|row| !row.starts_with("FA-SIZE")),
        "{others:?}"
    );
    workplace.file("fnaudit.toml", "[size]\nmax-unpacked = \"heavy\"\n");
    let run = workplace.run(&["size", "layer.zip"]);
    assert_eq!(run.status, 2);
    assert!(
        run.stderr.contains("fnaudit.toml: line 2"),
        "{}",
        run.stderr
    );
}

#[test]
fn growth_since_an_earlier_report_is_told() {
    let workplace = Workplace::new();
    zip_of(&workplace, "layer.zip", &layer());
    let run = workplace.run(&[
        "size",
        "-q",
        "layer.zip",
        "--format",
        "json",
        "-o",
        "before.json",
    ]);
    assert_eq!(run.status, 0);
    let mut grown = layer();
    let core = grown
        .iter_mut()
        .find(|(path, _)| path.ends_with("linux-gnu.so"))
        .unwrap();
    core.1.extend([b'x'; 5000]);
    zip_of(&workplace, "layer.zip", &grown);
    let args = ["layer.zip", "--baseline", "before.json"];
    let (report, status) = sized(&workplace, &args);
    let growth = &report["sizes"][0]["growth"];
    let change =
        |row: &Value| row["now_bytes"].as_u64().unwrap() - row["before_bytes"].as_u64().unwrap();
    assert_eq!(change(&growth["total"]), 5000);
    assert_eq!(growth["components"][0]["name"], "big");
    assert_eq!(change(&growth["components"][0]), 5000);
    assert_eq!(growth["components"].as_array().unwrap().len(), 1);
    assert_eq!(status, 0, "nobody said that it must not grow");
    for (allowed, expected) in [("5000", 0), ("4999", 2), ("\"1 %\"", 2), ("\"1000 %\"", 0)] {
        workplace.file("fnaudit.toml", format!("[size]\nmax-growth = {allowed}\n"));
        let (report, _) = sized(&workplace, &args);
        assert_eq!(findings(&report).len(), expected, "{allowed}");
    }
    // What was not compared is no silent pass.
    workplace.file(
        "fnaudit.toml",
        "[size]\nmax-growth = 1\n[size.components]\nBig = 9000000\nnone = 1\n",
    );
    let (report, _) = sized(&workplace, &["layer.zip"]);
    let errors = texts(&report["errors"], "message");
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(
        errors
            .iter()
            .any(|e| e.starts_with("`max-growth` was not checked"))
    );
    assert!(
        errors
            .iter()
            .any(|e| e.starts_with("the budget for `none` was not checked"))
    );
    workplace.file("other.json", "{}");
    let run = workplace.run(&["size", "layer.zip", "--baseline", "other.json"]);
    assert_eq!(run.status, 2);
    assert!(
        run.stderr.contains("other.json: has no sizes"),
        "{}",
        run.stderr
    );
}

#[test]
fn the_same_content_in_several_files_is_told() {
    let workplace = Workplace::new();
    let content = vec![7; 20_000];
    workplace.zip(
        "fn.zip",
        &[
            ("a.bin", &content),
            ("b/c.bin", &content),
            ("d.bin", &content[1..]),
        ],
    );
    let (report, _) = sized(&workplace, &["fn.zip"]);
    let copies = &report["sizes"][0]["duplicates"]["files"];
    assert_eq!(copies.as_array().unwrap().len(), 1);
    assert_eq!(copies[0]["count"], 2);
    assert_eq!(bytes(&copies[0]), 20_000);
    assert_eq!(
        copies[0]["paths"],
        serde_json::json!(["fn.zip!/a.bin", "fn.zip!/b/c.bin"])
    );
}

#[test]
fn what_a_link_that_stays_leads_to_stays() {
    let workplace = Workplace::new();
    let json = br#"{"name": "a", "version": "1.0.0"}"#;
    let mut tar = tar::Builder::new(Vec::new());
    let mut add = |path: &str, content: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, content).unwrap();
    };
    add("node_modules/a/package.json", json);
    add("node_modules/a/README.md", b"12345");
    add("node_modules/a/types/a.d.ts", b"123");
    add("node_modules/a/b.d.ts", b"1234567");
    add("node_modules/a/real/c.d.ts", b"12");
    let mut link = |path: &str, target: &str, kind| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(0);
        tar.append_link(&mut header, path, target).unwrap();
    };
    link(
        "help.md",
        "node_modules/a/README.md",
        tar::EntryType::Symlink,
    );
    link("types", "node_modules/a/types", tar::EntryType::Symlink);
    link("b", "node_modules/a/package.json", tar::EntryType::Link);
    // Through a folder that is a link itself.
    link(
        "c",
        "node_modules/a/types.d.ts/c.d.ts",
        tar::EntryType::Symlink,
    );
    link("node_modules/a/types.d.ts", "real", tar::EntryType::Symlink);
    std::fs::write(workplace.path("fn.tar"), tar.into_inner().unwrap()).unwrap();
    let (report, _) = sized(&workplace, &["fn.tar"]);
    let sizes = &report["sizes"][0];
    assert_eq!(bytes(&sizes["plan"]["total"]), 7);
    // A hard link is no second copy.
    let links =
        "node_modules/a/README.mdnode_modules/a/typesnode_modules/a/types.d.ts/c.d.ts".len();
    assert_eq!(bytes(&sizes["own_files"]), links as u64);
}

#[test]
fn links_to_what_is_for_development_go_with_it() {
    let workplace = Workplace::new();
    let mut tar = tar::Builder::new(Vec::new());
    let mut add = |path: &str, content: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, content).unwrap();
    };
    let store = |name: &str| format!("node_modules/.pnpm/{name}@1.0.0/node_modules/{name}");
    for name in ["a", "b", "tool"] {
        let needs = if name == "b" {
            ""
        } else {
            r#", "dependencies": {"b": "1"}"#
        };
        let json = format!(r#"{{"name": "{name}", "version": "1.0.0"{needs}}}"#);
        add(&format!("{}/package.json", store(name)), json.as_bytes());
        add(&format!("{}/x.js", store(name)), &[b'x'; 100]);
    }
    let lock = "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies: {a: {version: 1.0.0}}\n    \
                devDependencies: {tool: {version: 1.0.0}}\nsnapshots:\n  a@1.0.0: {dependencies: {b: 1.0.0}}\n  \
                b@1.0.0: {}\n  tool@1.0.0: {dependencies: {b: 1.0.0}}\n";
    add("pnpm-lock.yaml", lock.as_bytes());
    let mut link = |path: &str, target: &str| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        tar.append_link(&mut header, path, target).unwrap();
    };
    let tool = ".pnpm/tool@1.0.0/node_modules/tool";
    link("node_modules/a", ".pnpm/a@1.0.0/node_modules/a");
    link("node_modules/tool", tool);
    link("node_modules/.bin/tool", &format!("../{tool}/x.js"));
    link(
        &format!("{}/b", "node_modules/.pnpm/a@1.0.0/node_modules"),
        "../../b@1.0.0/node_modules/b",
    );
    link(
        &format!("{}/b", "node_modules/.pnpm/tool@1.0.0/node_modules"),
        "../../b@1.0.0/node_modules/b",
    );
    std::fs::write(workplace.path("fn.tar"), tar.into_inner().unwrap()).unwrap();
    let (report, _) = sized(&workplace, &["fn.tar"]);
    let sizes = &report["sizes"][0];
    let links = tool.len() + format!("../{tool}/x.js").len();
    let development = item(sizes, "development").unwrap();
    assert_eq!(bytes(development), components(sizes)["tool"] + links as u64);
    assert_eq!(development["files"], 4);
    // What the links lead to is not looked up: the lock file says that two need `b`.
    assert_eq!(only_for(sizes), []);
}

/// An ELF library for that machine, which needs that version of the C library.
fn elf(machine: u16, glibc: &str) -> Vec<u8> {
    const HEADER: usize = 64;
    let strings = format!("\0{glibc}\0");
    let names = b"\0.gnu.version_r\0.dynstr\0.shstrtab\0";
    let mut needs = Vec::new();
    needs.extend(1u16.to_le_bytes());
    needs.extend(1u16.to_le_bytes());
    for word in [0u32, 16, 0, 0, 0, 1, 0] {
        needs.extend(word.to_le_bytes());
    }
    let mut bytes = vec![0; HEADER];
    let mut place = |content: &[u8]| {
        let at = bytes.len() as u64;
        bytes.extend(content);
        (at, content.len() as u64)
    };
    let (needs, strings, names_at) = (place(&needs), place(strings.as_bytes()), place(names));
    let table = bytes.len() as u64;
    // sh_name, sh_type, sh_link.
    for (name, kind, link, (at, size)) in [
        (0u32, 0u32, 0u32, (0, 0)),
        (1, 0x6fff_fffe, 2, needs),
        (16, 3, 0, strings),
        (24, 3, 0, names_at),
    ] {
        bytes.extend([name.to_le_bytes(), kind.to_le_bytes()].concat());
        bytes.extend([0u64, 0, at, size].map(u64::to_le_bytes).concat());
        bytes.extend([link.to_le_bytes(), 0u32.to_le_bytes()].concat());
        bytes.extend([1u64, 0].map(u64::to_le_bytes).concat());
    }
    bytes[..16].copy_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    for (at, value) in [
        (16, 3u16),
        (18, machine),
        (52, 64),
        (58, 64),
        (60, 4),
        (62, 3),
    ] {
        bytes[at..at + 2].copy_from_slice(&value.to_le_bytes());
    }
    bytes[20..24].copy_from_slice(&1u32.to_le_bytes());
    bytes[40..48].copy_from_slice(&table.to_le_bytes());
    bytes
}

const X86_64: u16 = 62;
const ARM64: u16 = 183;

fn native_findings(files: &[(&str, Vec<u8>)]) -> Vec<String> {
    let workplace = Workplace::new();
    let files: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(path, bytes)| (*path, bytes.as_slice()))
        .collect();
    workplace.zip("fn.zip", &files);
    let (report, _) = sized(&workplace, &["fn.zip", "--platform", "aws-lambda"]);
    let rows = report["findings"].as_array().unwrap().iter();
    rows.map(|finding| finding["title"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn native_code_for_a_newer_c_library_is_told() {
    let site = "python/lib/python3.9/site-packages";
    let old = format!("{site}/a.so");
    let new = format!("{site}/b.so");
    let found = native_findings(&[
        (&old, elf(X86_64, "GLIBC_2.26")),
        (&new, elf(X86_64, "GLIBC_2.28")),
    ]);
    assert_eq!(
        found,
        [format!(
            "Native code for a newer C library: {new} needs glibc 2.28 where that of python3.9 is 2.26"
        )]
    );
    // A newer runtime has a newer one.
    assert!(
        native_findings(&[(
            "python/lib/python3.12/site-packages/b.so",
            elf(X86_64, "GLIBC_2.28")
        )])
        .is_empty()
    );
    assert!(native_findings(&[("bootstrap", elf(X86_64, "GLIBC_2.34"))]).is_empty());
    assert_eq!(
        native_findings(&[("bootstrap", elf(X86_64, "GLIBC_2.35"))]).len(),
        1
    );
}

#[test]
fn native_code_for_another_machine_is_told_unless_it_is_there_for_both() {
    let json =
        |name: &str| format!("{{\"name\": \"{name}\", \"version\": \"1.0.0\"}}").into_bytes();
    let file = |bytes: &[u8]| bytes.to_vec();
    let glibc = "GLIBC_2.17";
    let both = [
        ("node_modules/a/package.json", json("a")),
        (
            "node_modules/a/prebuilds/linux-x64/a.node",
            elf(X86_64, glibc),
        ),
        (
            "node_modules/a/prebuilds/linux-arm64/a.node",
            elf(ARM64, glibc),
        ),
        (
            "node_modules/@i/s-linux-x64/package.json",
            json("@i/s-linux-x64"),
        ),
        ("node_modules/@i/s-linux-x64/s.node", elf(X86_64, glibc)),
        (
            "node_modules/@i/s-linux-arm64/package.json",
            json("@i/s-linux-arm64"),
        ),
        ("node_modules/@i/s-linux-arm64/s.node", elf(ARM64, glibc)),
        ("node_modules/b/package.json", json("b")),
        ("node_modules/b/b.node", elf(X86_64, glibc)),
    ];
    assert!(native_findings(&both).is_empty());
    // Built on a Mac, 64 bits and little-endian, without a load command.
    let mut mach = file(b"\xcf\xfa\xed\xfe\x0c\0\0\x01\0\0\0\0\x06\0\0\0");
    mach.resize(128, 0);
    let tools = [
        (
            "node_modules/@e/linux-x64/package.json",
            json("@e/linux-x64"),
        ),
        ("node_modules/@e/linux-x64/bin/e", elf(X86_64, glibc)),
        (
            "node_modules/@e/darwin-arm64/package.json",
            json("@e/darwin-arm64"),
        ),
        ("node_modules/@e/darwin-arm64/bin/e", mach.clone()),
    ];
    assert!(native_findings(&tools).is_empty());
    let mut one = both.to_vec();
    one.push(("node_modules/c/package.json", json("c")));
    one.push(("node_modules/c/c.node", elf(ARM64, glibc)));
    assert_eq!(
        native_findings(&one),
        ["Native code for another machine: c is built for arm64, the rest for x86_64"]
    );
    // A library of one's own for several platforms, and a debugger's that is loaded into others.
    let own = [
        ("native/linux-x64/a.node", elf(X86_64, glibc)),
        ("native/linux-arm64/a.node", elf(ARM64, "GLIBC_2.39")),
        ("native/darwin-x64/a.node", mach.clone()),
        ("runtimes/linux-arm64/native/libb.so", elf(ARM64, glibc)),
        ("runtimes/linux-x64/native/libb.so", elf(X86_64, glibc)),
    ];
    assert_eq!(native_findings(&own), [""; 0]);
    let mac = [
        ("node_modules/d/package.json", json("d")),
        ("node_modules/d/d.node", mach.clone()),
        (
            "node_modules/mac/package.json",
            br#"{"name": "mac", "version": "1.0.0", "os": ["darwin"]}"#.to_vec(),
        ),
        ("node_modules/mac/mac.node", mach),
    ];
    assert_eq!(
        native_findings(&mac),
        ["Native code for another machine: d is built for macOS"]
    );
}

#[test]
fn images_and_folders_add_up_too() {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");
    let workplace = Workplace::new();
    for name in [
        "node-function.zip",
        "python-function.zip",
        "java-function.zip",
        "lock.tar.xz",
        "formats",
    ] {
        let path = format!("{fixtures}/{name}");
        let (report, _) = sized(&workplace, &[&path]);
        assert_adds_up(&report);
    }
    let (report, _) = sized(&workplace, &[&format!("{fixtures}/image.tar")]);
    let sizes = &report["sizes"][0];
    let of_packages: u64 = sizes["components"]
        .as_array()
        .unwrap()
        .iter()
        .map(bytes)
        .sum();
    assert_eq!(
        of_packages + bytes(&sizes["own_files"]),
        bytes(&sizes["total"])
    );
}

/// On artifacts of one's own: `FNAUDIT_SIZE_ARTIFACTS=a.zip:b.zip cargo test --test size -- --nocapture`.
#[test]
fn plans_for_real_artifacts_save_what_they_say_to_the_byte() {
    let Some(artifacts) = std::env::var_os("FNAUDIT_SIZE_ARTIFACTS") else {
        eprintln!("skipped: FNAUDIT_SIZE_ARTIFACTS names no zips");
        return;
    };
    let workplace = Workplace::new();
    for path in std::env::split_paths(&artifacts) {
        let (report, _) = sized(&workplace, &[path.to_str().unwrap()]);
        assert_adds_up(&report);
        let sizes = &report["sizes"][0];
        let remaining = carry_out(&path, sizes);
        let (total, fits) = (bytes(&sizes["total"]), &sizes["plan"]["fits"]);
        eprintln!(
            "{}: {total} bytes, {remaining} with the plan carried out, fits: {fits}",
            path.display()
        );
        if let Some(limit) = sizes["limits"]
            .as_array()
            .unwrap()
            .iter()
            .find(|l| l["measure"] == "unpacked")
        {
            let limit = limit["limit"].as_u64().unwrap();
            assert_eq!(total > limit, !fits.is_null());
            assert_eq!(fits == "no", total > limit && remaining > limit);
        }
    }
}

#[test]
fn entries_that_many_rules_match_count_once() {
    let workplace = Workplace::new();
    let mut entries = package(
        "node_modules/a",
        "",
        &[
            ("test/__tests__/README.md", 5),
            ("docs/x.d.ts", 6),
            ("docs/y.js.map", 7),
        ],
    );
    entries.extend(package(
        "node_modules/npm",
        "",
        &[("lib/a.d.ts", 8), ("node_modules/.cache/x", 9)],
    ));
    zip_of(&workplace, "fn.zip", &entries);
    let (report, _) = sized(&workplace, &["fn.zip"]);
    carry_out(&workplace.path("fn.zip"), &report["sizes"][0]);
}
