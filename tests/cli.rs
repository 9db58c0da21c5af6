//! The program as its users run it: arguments, streams, exit statuses, and what bad input gets.

mod support;

use std::fs;

use support::{Workplace, errors, gzip, is_superuser, metadata, packages, tar, zip};

const LODASH: &[u8] = br#"{"name": "lodash", "version": "4.17.15"}"#;

/// A function with one package, of which the starter set knows vulnerabilities up to high severity.
fn vulnerable() -> Vec<u8> {
    zip(&[("node_modules/lodash/package.json", LODASH)])
}

#[test]
fn the_short_form_audits() {
    let place = Workplace::new();
    place.file("fn.zip", vulnerable());
    let short = place.run(&["fn.zip", "--format", "json"]).json();
    let long = place.run(&["audit", "fn.zip", "--format", "json"]).json();
    assert_eq!(short["findings"], long["findings"]);
    assert_ne!(short["findings"].as_array().unwrap().len(), 0);
}

#[test]
fn the_exit_status_follows_fail_on() {
    let place = Workplace::new();
    place.file("fn.zip", vulnerable());
    let status = |args: &[&str]| place.run(&[&["fn.zip"], args].concat()).status;
    assert_eq!(status(&[]), 1, "high by default");
    assert_eq!(status(&["--fail-on", "high"]), 1);
    assert_eq!(status(&["--fail-on", "critical"]), 0);
    assert_eq!(status(&["--fail-on", "never"]), 0);
    assert_eq!(status(&["--skip", "vulnerability"]), 0);
    assert_eq!(status(&["--only", "malware,artifact"]), 0);
    assert_eq!(status(&["--fail-on", "sometimes"]), 2);
}

#[test]
fn what_is_only_declared_fails_nothing_where_code_of_its_kind_ships() {
    let place = Workplace::new();
    let manifest: (&str, &[u8]) = (
        "package.json",
        br#"{"dependencies": {"lodash": "4.17.15"}}"#,
    );
    place.zip("source.zip", &[manifest]);
    assert_eq!(place.run(&["source.zip"]).status, 1);
    let installed = br#"{"name": "harmless", "version": "1.0.0"}"#;
    place.zip(
        "built.zip",
        &[manifest, ("node_modules/harmless/package.json", installed)],
    );
    let run = place.run(&["built.zip", "--format", "json"]);
    assert_eq!(run.status, 0);
    assert_eq!(run.json()["findings"][0]["counts"], false);
}

#[test]
fn results_go_to_stdout_and_talk_to_stderr() {
    let place = Workplace::new();
    place.file("fn.zip", vulnerable());
    let run = place.run(&["fn.zip", "--format", "json"]);
    run.json();
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    assert!(run.stderr.contains("starter set"), "{}", run.stderr);
    assert_eq!(place.run(&["fn.zip", "-q"]).stderr, "");
}

#[test]
fn a_report_can_go_to_a_file() {
    let place = Workplace::new();
    place.file("fn.zip", vulnerable());
    let run = place.run(&[
        "fn.zip",
        "--format",
        "json",
        "-q",
        "--output",
        "report.json",
    ]);
    assert_eq!((run.status, run.stdout.as_str()), (1, ""));
    let written = fs::read_to_string(place.path("report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&written).unwrap();
    assert_eq!(report["schema_version"], 1);
    let run = place.run(&["fn.zip", "-q", "--output", "no/such/folder.txt"]);
    assert_eq!(run.status, 2);
    assert!(run.stderr.contains("no/such/folder.txt"), "{}", run.stderr);
}

#[test]
fn every_kind_of_artifact_gives_the_same_packages() {
    let place = Workplace::new();
    let content = metadata("Jinja2", "2.10");
    let files: &[(&str, &[u8])] = &[("x/Jinja2-2.10.dist-info/METADATA", &content)];
    place.file("fn.zip", zip(files));
    place.file("fn.tar", tar(files));
    place.file("fn.tar.gz", gzip(&tar(files)));
    place.file(
        "nested.zip",
        zip(&[("layers/a.tar.gz", &gzip(&tar(files)))]),
    );
    place.file("wrong-name.txt", zip(files));
    place.file(&format!("folder/{}", files[0].0), &content);
    for artifact in [
        "fn.zip",
        "fn.tar",
        "fn.tar.gz",
        "nested.zip",
        "wrong-name.txt",
        "folder",
        "folder/",
    ] {
        let report = place.report(artifact);
        assert_eq!(
            packages(&report),
            ["PyPI jinja2 2.10 shipped installed"],
            "{artifact}"
        );
        let location = report["packages"][0]["locations"][0]["path"]
            .as_str()
            .unwrap();
        assert!(location.ends_with(files[0].0), "{location}");
    }
    for bytes in [zip(files), tar(files), gzip(&tar(files)), gzip(&zip(files))] {
        let run = place.run_with_input(&["-", "--format", "json", "-q"], bytes.clone());
        let report = run.json();
        assert_eq!(packages(&report), ["PyPI jinja2 2.10 shipped installed"]);
        assert_eq!(report["artifacts"][0]["packed_bytes"], bytes.len());
    }
}

#[test]
fn tars_packed_by_zstd_and_xz_are_read() {
    // `tar` with one file `package-lock.json`, packed by the zstd and xz tools.
    let place = Workplace::new();
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");
    for name in ["lock.tar.zst", "lock.tar.xz"] {
        let report = place.report(&format!("{fixtures}/{name}"));
        assert_eq!(
            packages(&report),
            ["npm left-pad 1.3.0 declared locked"],
            "{name}"
        );
        assert_eq!(report["artifacts"][0]["kind"], &name[5..]);
    }
}

#[test]
fn a_function_and_its_layers_are_one_deployment() {
    let place = Workplace::new();
    place.zip("fn.zip", &[("requirements.txt", b"jinja2==2.10\n")]);
    let installed = metadata("Jinja2", "2.10");
    place.zip(
        "layer.zip",
        &[("python/Jinja2-2.10.dist-info/METADATA", &installed)],
    );
    let run = place.run(&["fn.zip", "--layer", "layer.zip", "--format", "json", "-q"]);
    let report = run.json();
    assert_eq!(packages(&report), ["PyPI jinja2 2.10 shipped installed"]);
    assert_eq!(
        report["packages"][0]["locations"].as_array().unwrap().len(),
        2
    );
    assert_eq!(report["artifacts"].as_array().unwrap().len(), 2);
    let run = place.run(&["fn.zip", "layer.zip", "--layer", "layer.zip"]);
    assert_eq!(run.status, 2);
}

const LOCK: &str = r#"{"lockfileVersion": 3, "packages": {"": {"name": "own", "version": "1.0.0"},
  "node_modules/lodash": {"version": "4.17.15"},
  "node_modules/@tool/linux": {"version": "1.0.0", "optional": true}}}"#;

#[test]
fn what_a_lock_file_names_and_the_artifact_does_not_hold_is_declared() {
    let place = Workplace::new();
    place.zip("fn.zip", &[("index.js", b"exports.handler = () => 1;\n")]);
    place.file("build/package-lock.json", LOCK);
    place.file("build/my.lock", LOCK);
    for lock in ["build/package-lock.json", "build/my.lock"] {
        for command in ["audit", "inventory"] {
            let run = place.run(&[command, "fn.zip", "--lock", lock, "--format", "json", "-q"]);
            let report = run.json();
            let expected = [
                "npm @tool/linux 1.0.0 declared locked",
                "npm lodash 4.17.15 declared locked",
            ];
            assert_eq!(packages(&report), expected, "{command} {lock}");
            assert_eq!(report["packages"][1]["locations"][0]["path"], lock);
        }
    }
    let run = place.run(&[
        "fn.zip",
        "--lock",
        "build/my.lock",
        "--lock",
        "build/package-lock.json",
        "--format",
        "json",
    ]);
    assert_eq!(
        run.json()["packages"][1]["locations"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn a_lock_file_counts_for_the_function_and_its_layers() {
    let place = Workplace::new();
    place.zip("fn.zip", &[("index.js", b"exports.handler = () => 1;\n")]);
    place.file("layer.zip", vulnerable());
    place.file("package-lock.json", LOCK);
    let args = [
        "fn.zip",
        "--layer",
        "layer.zip",
        "--lock",
        "package-lock.json",
        "--format",
        "json",
        "-q",
    ];
    let report = place.run(&args).json();
    let lodash = report["packages"].as_array().unwrap().last().unwrap();
    assert_eq!(lodash["scope"], "shipped");
    assert_eq!(lodash["locations"].as_array().unwrap().len(), 2);
}

#[test]
fn what_only_a_lock_file_names_fails_nothing_where_code_of_its_kind_ships() {
    let place = Workplace::new();
    let installed = br#"{"name": "harmless", "version": "1.0.0"}"#;
    place.zip(
        "fn.zip",
        &[("node_modules/harmless/package.json", installed)],
    );
    place.file("package-lock.json", LOCK);
    let run = place.run(&["fn.zip", "--lock", "package-lock.json", "--format", "json"]);
    assert_eq!(run.status, 0);
    assert_eq!(run.json()["findings"][0]["counts"], false);
}

/// What esbuild makes of two packages and a nested copy of one of them, which none of them states a version of.
const BUNDLE: &str = "\
// node_modules/lodash/x.js
var require_x = 1;

// node_modules/b/node_modules/lodash/x.js
var require_x2 = 2;

// node_modules/b/index.js
var require_b = 3;

// src/own.js
own();
";

#[test]
fn a_bundle_takes_its_versions_from_the_lock_file_of_its_build() {
    let place = Workplace::new();
    place.zip("fn.zip", &[("index.js", BUNDLE.as_bytes())]);
    let lock = LOCK.replace(
        "\n  \"node_modules/@tool",
        "\n  \"node_modules/b\": {\"version\": \"2.0.0\"}, \"node_modules/b/node_modules/lodash\": {\"version\": \"4.18.1\"},
          \"node_modules/@tool",
    );
    place.file("package-lock.json", lock);
    let run = place.run(&["fn.zip", "--lock", "package-lock.json", "--format", "json"]);
    let expected = [
        "npm @tool/linux 1.0.0 declared locked",
        "npm b 2.0.0 shipped fingerprint",
        "npm lodash 4.17.15 shipped fingerprint",
        "npm lodash 4.18.1 shipped fingerprint",
    ];
    let report = run.json();
    assert_eq!(packages(&report), expected);
    let places = report["packages"][2]["locations"].as_array().unwrap();
    assert_eq!(places[0]["path"], "fn.zip!/index.js");
    assert_eq!(places[1]["path"], "package-lock.json");
    // It ships in a version that is certain, so that what is known of it counts.
    assert_eq!(run.status, 1);
    assert_eq!(report["findings"][0]["certainty"], "certain");
}

#[test]
fn a_bundle_alone_has_names_and_what_is_possible_fails_nothing() {
    let place = Workplace::new();
    place.zip("fn.zip", &[("index.js", BUNDLE.as_bytes())]);
    let run = place.run(&["fn.zip", "--format", "json"]);
    let report = run.json();
    for package in report["packages"].as_array().unwrap() {
        assert_eq!(package["scope"], "shipped");
        assert!(package["version"].is_null());
    }
    let findings = report["findings"].as_array().unwrap();
    assert!(!findings.is_empty());
    assert!(findings.iter().all(|f| f["certainty"] == "possible"));
    assert_eq!(run.status, 0);
}

#[test]
fn a_lock_file_that_cannot_be_read_whole_is_one_line_and_status_2() {
    let place = Workplace::new();
    place.zip("fn.zip", &[("index.js", b"exports.handler = () => 1;\n")]);
    place.file("package-lock.json", "{\n  oops");
    place.file("package.json", "{}");
    place.file("folder/x", "");
    for (lock, said) in [
        (
            "missing.lock",
            "missing.lock: the lock file could not be read: ",
        ),
        ("folder", "folder: the lock file could not be read: "),
        (
            "package-lock.json",
            "package-lock.json:2: is not valid JSON: ",
        ),
        (
            "package.json",
            "package.json: is not a lock file that fnaudit reads; give --lock a ",
        ),
    ] {
        let run = place.run(&["fn.zip", "--lock", lock, "-q"]);
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{lock}");
        assert!(
            run.stderr.starts_with(&format!("error: {said}")),
            "{}",
            run.stderr
        );
        assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    }
}

#[test]
fn several_artifacts_are_reported_together_and_one_bad_one_costs_no_other() {
    let place = Workplace::new();
    place.file("a.zip", vulnerable());
    place.zip("b.zip", &[("requirements.txt", b"jinja2==2.10\n")]);
    let run = place.run(&["a.zip", "missing.zip", "b.zip", "--format", "json", "-q"]);
    assert_eq!(run.status, 2);
    let report = run.json();
    assert_eq!(report["artifacts"].as_array().unwrap().len(), 2);
    assert_eq!(
        packages(&report),
        [
            "npm lodash 4.17.15 shipped installed",
            "PyPI jinja2 2.10 declared declared"
        ]
    );
    assert!(
        errors(&report)[0].starts_with("missing.zip: could not be opened"),
        "{:?}",
        errors(&report)
    );
    assert!(
        run.stderr.starts_with("error: missing.zip"),
        "{}",
        run.stderr
    );
}

#[test]
fn the_inventory_has_no_findings_and_needs_no_database() {
    let place = Workplace::new();
    place.file("fn.zip", vulnerable());
    let run = place.run(&["inventory", "fn.zip"]);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    assert!(
        run.stdout.contains("lodash") && run.stdout.contains("1 component"),
        "{}",
        run.stdout
    );
    let report = place
        .run(&["inventory", "fn.zip", "--format", "json"])
        .json();
    assert_eq!(report["database"], serde_json::Value::Null);
    assert_eq!(report["findings"].as_array().unwrap().len(), 0);
}

#[test]
fn a_lock_that_does_not_parse_is_a_row_with_its_line() {
    let place = Workplace::new();
    let installed = metadata("Jinja2", "2.10");
    place.zip(
        "fn.zip",
        &[
            (
                "package-lock.json",
                b"{\n  \"lockfileVersion\": 3,\n  oops\n}",
            ),
            ("x/Jinja2-2.10.dist-info/METADATA", &installed),
        ],
    );
    let report = place.report("fn.zip");
    assert_eq!(report["errors"][0]["path"], "fn.zip!/package-lock.json");
    assert_eq!(report["errors"][0]["line"], 3);
    assert_eq!(packages(&report).len(), 1);
}

/// One line that says what, which path and what to do; status 2; nothing on standard output.
#[track_caller]
fn assert_refused(place: &Workplace, args: &[&str], words: &[&str]) {
    let run = place.run(args);
    assert_eq!(run.status, 2, "{args:?}: {}", run.stderr);
    assert_eq!(run.stdout, "", "{args:?}");
    assert_eq!(
        run.stderr.trim_end().lines().count(),
        1,
        "{args:?}: {}",
        run.stderr
    );
    for word in words {
        assert!(run.stderr.contains(word), "{args:?}: {}", run.stderr);
    }
}

#[test]
fn bad_artifacts_are_refused_in_one_line() {
    let place = Workplace::new();
    place.file("text.zip", "just text");
    place.file("empty.zip", "");
    place.file("no-entries.zip", zip(&[]));
    fs::create_dir(place.path("empty-folder")).unwrap();
    let whole = vulnerable();
    place.file("cut.zip", &whole[..whole.len() - 10]);
    assert_refused(
        &place,
        &["missing.zip", "-q"],
        &["missing.zip", "could not be opened", "check the path"],
    );
    assert_refused(
        &place,
        &["text.zip", "-q"],
        &["text.zip", "is not an archive", "give it a zip"],
    );
    assert_refused(
        &place,
        &["empty.zip", "-q"],
        &["empty.zip", "is empty", "again"],
    );
    assert_refused(
        &place,
        &["no-entries.zip", "-q"],
        &["no-entries.zip", "holds no files"],
    );
    place.file("empty.tar", vec![0; 10_240]);
    assert_refused(
        &place,
        &["empty.tar", "-q"],
        &["empty.tar", "holds no files"],
    );
    assert_refused(
        &place,
        &["empty-folder", "-q"],
        &["empty-folder", "holds no files"],
    );
    assert_refused(
        &place,
        &["cut.zip", "-q"],
        &["cut.zip", "is cut or damaged", "again"],
    );
    assert_refused(&place, &["line\nbreak.zip", "-q"], &["break.zip"]);
}

#[cfg(unix)]
#[test]
fn what_permissions_forbid_is_refused_or_said() {
    use std::os::unix::fs::PermissionsExt;
    let place = Workplace::new();
    if is_superuser(&place.path("")) {
        eprintln!("skipped: this user may read everything");
        return;
    }
    let forbid = |name: &str| {
        fs::set_permissions(place.path(name), fs::Permissions::from_mode(0o000)).unwrap()
    };
    place.file("secret.zip", vulnerable());
    forbid("secret.zip");
    assert_refused(&place, &["secret.zip", "-q"], &["secret.zip", "ermission"]);
    place.file("folder/inner/file.txt", "x");
    place.file("folder/requirements.txt", "jinja2==2.10\n");
    forbid("folder/inner");
    let report = place.report("folder");
    assert_eq!(packages(&report).len(), 1);
    assert!(
        errors(&report)[0].starts_with("folder/inner: "),
        "{:?}",
        errors(&report)
    );
    forbid("folder");
    assert_refused(&place, &["folder", "-q"], &["folder", "ermission"]);
    fs::set_permissions(place.path("folder"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::set_permissions(
        place.path("folder/inner"),
        fs::Permissions::from_mode(0o700),
    )
    .unwrap();
}

const RECORD: &str = r#"{"id": "EX-1", "modified": "2024-05-06T00:00:00Z", "summary": "Something bad in demo",
  "affected": [{"package": {"ecosystem": "PyPI", "name": "demo"},
  "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0"}]}]}],
  "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]}"#;

#[test]
fn an_imported_database_is_used() {
    let place = Workplace::new();
    place.file("records/EX-1.json", RECORD);
    place.zip("all.zip", &[("EX-1.json", RECORD.as_bytes())]);
    place.zip("bucket/PyPI/all.zip", &[("EX-1.json", RECORD.as_bytes())]);
    place.zip(
        "fn.zip",
        &[("demo-1.0.dist-info/METADATA", &metadata("demo", "1.0"))],
    );
    for source in ["records", "all.zip", "bucket"] {
        let dir = format!("db-{source}");
        let run = place.run(&["db", "import", source, "--db", &dir]);
        assert_eq!(run.status, 0, "{}", run.stderr);
        assert!(
            run.stdout.contains("1 advisory for 1 ecosystem"),
            "{}",
            run.stdout
        );
        let old = ["--max-age", "99999d"];
        let run = place.run(&[&["fn.zip", "--db", &dir, "--format", "json"], &old[..]].concat());
        assert_eq!((run.status, run.stderr.as_str()), (1, ""));
        let report = run.json();
        let finding = &report["findings"][0];
        assert_eq!(finding["advisory"]["id"], "EX-1");
        assert_eq!(finding["advisory"]["fixed"], "2.0");
        assert_eq!(finding["title"], "Something bad in demo");
        assert_eq!(finding["severity"], "critical");
        assert_eq!(finding["package"], "pkg:pypi/demo@1.0");
        assert_eq!(report["packages"][0]["upgrade"]["version"], "2.0");
        assert_eq!(report["database"]["kind"], "full");
        assert_eq!(report["database"]["ecosystems"]["PyPI"], 1);
    }
    let by_environment = place
        .command(&["fn.zip", "-q"])
        .env("FNAUDIT_DB", "db-bucket")
        .output()
        .unwrap();
    assert_eq!(by_environment.status.code(), Some(1));
    // Without --db it goes where audits look for it.
    assert_eq!(place.run(&["db", "import", "bucket"]).status, 0);
    assert_eq!(place.run(&["fn.zip", "-q"]).status, 1);
}

#[test]
fn what_an_advisory_leaves_open_is_said_and_fails_nothing() {
    let place = Workplace::new();
    let unreadable = RECORD.replace(r#""2.0""#, r#""2019-09-12""#);
    place.file("records/EX-1.json", unreadable);
    let unrated = RECORD.replace("severity", "x").replace("EX-1", "EX-2");
    place.file("records/EX-2.json", unrated);
    assert_eq!(
        place.run(&["db", "import", "records", "--db", "db"]).status,
        0
    );
    place.zip(
        "fn.zip",
        &[("demo-1.0.dist-info/METADATA", &metadata("demo", "1.0"))],
    );
    let run = place.run(&["fn.zip", "--db", "db", "--format", "json"]);
    assert_eq!(run.status, 0);
    let report = run.json();
    let [possible, certain] = [&report["findings"][0], &report["findings"][1]];
    assert_eq!(possible["severity"], "critical");
    assert_eq!(possible["certainty"], "possible");
    assert_eq!(possible["advisory"]["severity_source"], "cvss");
    assert_eq!(certain["severity"], "medium");
    assert_eq!(certain["certainty"], "certain");
    assert_eq!(certain["advisory"]["severity_source"], "default");
    let table = place.run(&["fn.zip", "--db", "db"]).stdout;
    assert!(
        table.contains("no fix known  Something bad, possibly affected\n"),
        "{table}"
    );
    assert!(
        table.contains("fixed in 2.0  Something bad, severity not stated\n"),
        "{table}"
    );
}

#[test]
fn bad_databases_are_refused_in_one_line() {
    let place = Workplace::new();
    place.file("fn.zip", vulnerable());
    place.file("records/EX-1.json", RECORD);
    assert_refused(
        &place,
        &["fn.zip", "--db", "nowhere"],
        &["nowhere", "db update"],
    );
    assert_eq!(
        place.run(&["db", "import", "records", "--db", "db"]).status,
        0
    );
    let file = place.path("db/fnaudit.db");
    let good = fs::read(&file).unwrap();
    for at in [0, 9, good.len() / 2, good.len() - 1] {
        let mut bytes = good.clone();
        bytes[at] ^= 0xFF;
        fs::write(&file, &bytes).unwrap();
        // The last bytes are of records that this artifact has no need of.
        if place.run(&["fn.zip", "--db", "db", "-q"]).status != 0 {
            assert_refused(
                &place,
                &["fn.zip", "--db", "db", "-q"],
                &["fnaudit.db", "db update"],
            );
        }
        fs::write(&file, &good[..at]).unwrap();
        assert_refused(
            &place,
            &["fn.zip", "--db", "db", "-q"],
            &["fnaudit.db", "db update"],
        );
    }
    assert_refused(
        &place,
        &["db", "import", "missing", "--db", "other"],
        &["missing"],
    );
    assert_refused(
        &place,
        &["db", "import", "https://osv.example/all.zip", "--offline"],
        &["--offline"],
    );
    assert!(
        !place.path("other").exists(),
        "a failed import leaves nothing"
    );
}
