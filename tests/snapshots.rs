//! What users read, as they read it. After a change on purpose, `INSTA_UPDATE=always cargo test --test snapshots`
//! writes it anew; read the difference as a user would.

mod support;

use std::fs;

use insta::assert_snapshot;
use support::{Run, Workplace, zip};

/// What the program writes when it is run where the fixtures are.
fn shown(args: &[&str]) -> String {
    shown_of(
        args,
        Workplace::new().run_in(env!("CARGO_MANIFEST_DIR"), args),
    )
}

/// The whole of a run, with what differs from one machine, day or release to the next left out.
fn shown_of(args: &[&str], run: Run) -> String {
    let Run {
        status,
        stdout,
        stderr,
    } = run;
    let talk = match stderr.as_str() {
        "" => String::new(),
        talk => format!("{talk}\n"),
    };
    let version = format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"));
    let shown = format!(
        "$ {}\n\n{talk}{stdout}\n[exit status {status}]",
        [&["fnaudit"], args].concat().join(" ")
    );
    shown
        .replace("fnaudit.exe", "fnaudit")
        .replace(&version, "\"version\": \"[version]\"")
        .lines()
        .map(|line| match line.split_once("\"duration_ms\": ") {
            Some((before, _)) => format!("{before}\"duration_ms\": [duration]\n"),
            None => format!("{line}\n"),
        })
        .collect()
}

#[test]
fn table_of_a_function() {
    assert_snapshot!(shown(&["fixtures/node-function.zip"]));
}

#[test]
fn table_of_a_function_in_full() {
    assert_snapshot!(shown(&["fixtures/node-function.zip", "-v"]));
}

#[test]
fn sizes_of_a_function() {
    assert_snapshot!(shown(&["size", "fixtures/python-function.zip"]));
}

#[test]
fn sizes_of_a_function_in_full() {
    let args = [
        "size",
        "fixtures/node-function.zip",
        "-v",
        "--platform",
        "aws-lambda",
    ];
    assert_snapshot!(shown(&args));
}

#[test]
fn short_help_of_the_sizes() {
    assert_snapshot!(shown(&["size", "-h"]));
}

#[test]
fn table_of_an_image() {
    assert_snapshot!(shown(&["fixtures/image.tar"]));
}

#[test]
fn table_of_a_hostile_archive() {
    assert_snapshot!(shown(&["fixtures/hostile.zip"]));
}

#[test]
fn table_of_several_artifacts_without_findings() {
    assert_snapshot!(shown(&[
        "fixtures/lock.tar.xz",
        "fixtures/formats/npm-node-modules",
        "fixtures/formats/pip-requirements",
        "fixtures/formats/dist-info-metadata",
        "--skip",
        "vulnerability,supply-chain",
    ]));
}

#[test]
fn table_of_nothing_in_what_ships() {
    let place = Workplace::new();
    place.zip(
        "fn.zip",
        &[
            (
                "node_modules/harmless/package.json",
                br#"{"name": "harmless", "version": "1.0.0"}"#,
            ),
            (
                "package.json",
                br#"{"dependencies": {"harmless": "^1.0.0", "minimist": "1.2.5"}}"#,
            ),
        ],
    );
    assert_snapshot!(shown_of(&["fn.zip"], place.run(&["fn.zip"])));
}

#[test]
fn table_of_what_is_only_declared() {
    assert_snapshot!(shown(&["fixtures/formats/pipfile"]));
}

#[test]
fn table_of_malware_and_of_what_no_version_fixes() {
    let place = Workplace::new();
    place.file("records/MAL-1.json", MALWARE);
    place.file("records/EX-1.json", UNFIXED);
    place.file("records/EX-2.json", FIXED);
    place.zip(
        "fn.zip",
        &[
            (
                "node_modules/evil/package.json",
                br#"{"name": "evil", "version": "6.6.6"}"#,
            ),
            (
                "node_modules/old/package.json",
                br#"{"name": "old", "version": "1.0.0"}"#,
            ),
        ],
    );
    assert_eq!(
        place.run(&["db", "import", "records", "--db", "db"]).status,
        0
    );
    let args = ["fn.zip", "--db", "db"];
    assert_snapshot!(shown_of(&args, place.run(&args)));
}

#[test]
fn inventory_of_an_image() {
    assert_snapshot!(shown(&["inventory", "fixtures/image.tar"]));
}

#[test]
fn inventory_of_a_folder() {
    assert_snapshot!(shown(&["inventory", "fixtures/formats/pip-requirements"]));
}

#[test]
fn inventory_of_a_folder_in_full() {
    assert_snapshot!(shown(&[
        "inventory",
        "-v",
        "fixtures/formats/pnpm-installed"
    ]));
}

#[test]
fn json_of_a_function() {
    assert_snapshot!(shown(&[
        "fixtures/rust-function.zip",
        "--format",
        "json",
        "-q"
    ]));
}

#[test]
fn short_help() {
    assert_snapshot!(shown(&["-h"]));
}

#[test]
fn short_help_of_the_inventory() {
    assert_snapshot!(shown(&["inventory", "-h"]));
}

#[test]
fn help_of_the_import() {
    assert_snapshot!(shown(&["db", "import", "--help"]));
}

const MALWARE: &str = r#"{"id": "MAL-1", "modified": "2024-05-06T00:00:00Z",
  "summary": "Malicious code in evil (npm)",
  "affected": [{"package": {"ecosystem": "npm", "name": "evil"}, "versions": ["6.6.6"]}]}"#;

const UNFIXED: &str = r#"{"id": "EX-1", "modified": "2024-05-06T00:00:00Z", "aliases": ["CVE-2024-0001"],
  "summary": "Prototype pollution in old",
  "affected": [{"package": {"ecosystem": "npm", "name": "old"},
  "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}]}],
  "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]}"#;

const FIXED: &str = r#"{"id": "EX-2", "modified": "2024-05-06T00:00:00Z",
  "summary": "A regular expression of old takes quadratic time",
  "affected": [{"package": {"ecosystem": "npm", "name": "old"},
  "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.0.1"}]}]}],
  "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L"}]}"#;

#[test]
fn import_of_advisories() {
    let place = Workplace::new();
    place.file("records/MAL-1.json", MALWARE);
    place.file("records/EX-1.json", UNFIXED);
    let withdrawn = FIXED.replacen('{', r#"{"withdrawn": "2024-06-07T00:00:00Z", "#, 1);
    place.file("records/EX-2.json", withdrawn);
    place.file("records/broken.json", "{\n  oops\n}\n");
    let args = ["db", "import", "records", "--db", "db"];
    assert_snapshot!(shown_of(&args, place.run(&args)).replace('\\', "/"));
}

/// The words of the operating system are in some of these.
#[cfg(unix)]
#[test]
fn errors() {
    let place = Workplace::new();
    place.file("text.zip", "just text");
    place.file("empty.zip", "");
    place.file("no-entries.zip", zip(&[]));
    fs::create_dir(place.path("empty-folder")).unwrap();
    place.file("requirements.txt", "jinja2==2.10\n");
    let whole = zip(&[("requirements.txt", b"jinja2==2.10\n")]);
    place.file("cut.zip", &whole[..whole.len() - 10]);
    place.file("fn.zip", &whole);
    place.file("broken-db/fnaudit.db", "not a database");
    let lines: &[&[&str]] = &[
        &["missing.zip"],
        &["text.zip"],
        &["requirements.txt"],
        &["empty.zip"],
        &["no-entries.zip"],
        &["empty-folder"],
        &["cut.zip"],
        &["fn.zip", "missing.zip", "--fail-on", "never"],
        &["fn.zip", "fn.zip", "--layer", "fn.zip"],
        &["fn.zip", "--db", "nowhere"],
        &["fn.zip", "--db", "broken-db"],
        &["fn.zip", "--output", "no/such/folder.txt"],
        &["fn.zip", "--max-memory", "lots"],
        &["fn.zip", "--format", "pdf"],
        &["fn.zip", "--quite"],
        &["inventry", "fn.zip"],
        &[],
        &["db", "import", "missing", "--db", "db"],
        &["db", "import", "requirements.txt", "--db", "db"],
        &["db", "import", "empty-folder", "--db", "db"],
        &[
            "db",
            "import",
            "https://osv.example/all.zip",
            "--db",
            "db",
            "--offline",
        ],
    ];
    let shown: Vec<String> = lines
        .iter()
        .map(|args| {
            let mut run = place.run(args);
            run.stdout.clear();
            shown_of(args, run)
        })
        .collect();
    assert_snapshot!(shown.join("\n"));
}

#[test]
fn colour_is_for_terminals_and_adds_nothing_else() {
    let place = Workplace::new();
    let args = ["fixtures/node-function.zip", "-q"];
    let plain = place.run_in(env!("CARGO_MANIFEST_DIR"), &args).stdout;
    assert!(!plain.contains('\u{1b}'));
    let forced = place
        .command(&args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("NO_COLOR")
        .env("CLICOLOR_FORCE", "1")
        .output()
        .unwrap();
    let colored = String::from_utf8(forced.stdout).unwrap();
    assert!(colored.contains("\u{1b}[1m\u{1b}[31mCRITICAL"), "{colored}");
    assert_eq!(anstream::adapter::strip_str(&colored).to_string(), plain);
}
