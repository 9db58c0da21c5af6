//! One package of each ecosystem that is affected and one that is not: from the file that names it to the finding. The
//! advisories are invented and spell names and versions as OSV does for the ecosystem.

mod support;

use serde_json::{Value, json};
use support::{Workplace, packages};

/// A file of the bundle, and what is said of the advisories: `PURL ADVISORY SCOPE FIXED` for what is affected.
struct Case {
    file: (&'static str, &'static str),
    /// Ecosystem and name as OSV spells them, the type of the range, and the version that fixes it.
    advisories: &'static [(&'static str, &'static str, &'static str, &'static str)],
    found: &'static [&'static str],
}

const CASES: &[Case] = &[
    Case {
        file: (
            "api/vendor/modules.txt",
            "# go.example/Owner/affected v1.2.3\n## explicit; go 1.21\ngo.example/Owner/affected\n\
             # go.example/fixed/v2 v2.0.0\n## explicit\ngo.example/fixed/v2\n\
             # go.example/pseudo v0.0.0-20200101000000-0123456789ab\ngo.example/pseudo\n",
        ),
        advisories: &[
            ("Go", "go.example/Owner/affected", "SEMVER", "1.2.4"),
            ("Go", "go.example/fixed/v2", "SEMVER", "2.0.0"),
            (
                "Go",
                "go.example/pseudo",
                "SEMVER",
                "0.0.0-20200202000000-ba9876543210",
            ),
        ],
        found: &[
            "pkg:golang/go.example/owner/affected@v1.2.3 shipped 1.2.4",
            "pkg:golang/go.example/pseudo@v0.0.0-20200101000000-0123456789ab shipped 0.0.0-20200202000000-ba9876543210",
        ],
    },
    Case {
        file: (
            "go.mod",
            "module own.example/fn\n\ngo 1.21\n\nrequire go.example/legacy v2.1.0+incompatible\n",
        ),
        advisories: &[("Go", "go.example/legacy", "SEMVER", "2.2.0+incompatible")],
        found: &["pkg:golang/go.example/legacy@v2.1.0%2Bincompatible declared 2.2.0+incompatible"],
    },
    Case {
        file: (
            "vendor/bundle/ruby/3.2.0/specifications/affected-1.10.0.rc1-x86_64-linux.gemspec",
            "# -*- encoding: utf-8 -*-\n# stub: affected 1.10.0.rc1 x86_64-linux lib\n",
        ),
        advisories: &[("RubyGems", "affected", "ECOSYSTEM", "1.10.0")],
        found: &["pkg:gem/affected@1.10.0.rc1 shipped 1.10.0"],
    },
    Case {
        file: (
            "Gemfile.lock",
            "GEM\n  specs:\n    fixed (1.0.0)\n    locked (1.9.0-java)\n",
        ),
        advisories: &[
            ("RubyGems", "fixed", "ECOSYSTEM", "1"),
            ("RubyGems", "locked", "ECOSYSTEM", "1.10"),
        ],
        found: &["pkg:gem/locked@1.9.0 declared 1.10"],
    },
    Case {
        file: (
            "vendor/composer/installed.json",
            r#"{"packages": [{"name": "Owner/Affected", "version": "v1.2.0-RC1"}, {"name": "owner/fixed", "version": "1.2.0.0"}]}"#,
        ),
        advisories: &[
            ("Packagist", "owner/affected", "ECOSYSTEM", "1.2.0"),
            ("Packagist", "owner/fixed", "ECOSYSTEM", "v1.2.0"),
        ],
        found: &["pkg:composer/owner/affected@v1.2.0-RC1 shipped 1.2.0"],
    },
    Case {
        file: (
            "packages.lock.json",
            r#"{"dependencies": {"net8.0": {
                "affected.package": {"type": "Direct", "resolved": "4.3.0"},
                "Fixed": {"type": "Transitive", "resolved": "4.3.0.0"}}}}"#,
        ),
        advisories: &[
            ("NuGet", "Affected.Package", "ECOSYSTEM", "4.3.0.1"),
            ("NuGet", "Fixed", "ECOSYSTEM", "4.3.0"),
        ],
        found: &["pkg:nuget/affected.package@4.3.0 declared 4.3.0.1"],
    },
    Case {
        file: (
            "pubspec.lock",
            "packages:\n  affected:\n    source: hosted\n    version: \"1.0.0+1\"\n\
             \x20 fixed:\n    source: hosted\n    version: \"1.0.0+2\"\n",
        ),
        advisories: &[
            ("Pub", "affected", "ECOSYSTEM", "1.0.0+2"),
            ("Pub", "fixed", "ECOSYSTEM", "1.0.0+2"),
        ],
        found: &["pkg:pub/affected@1.0.0%2B1 declared 1.0.0+2"],
    },
    Case {
        file: (
            "mix.lock",
            "%{\n  \"app\": {:hex, :affected, \"1.0.0-rc.1\", \"00\"},\n  \"fixed\": {:hex, :fixed, \"1.0.0\", \"00\"},\n}\n",
        ),
        advisories: &[
            ("Hex", "affected", "SEMVER", "1.0.0"),
            ("Hex", "fixed", "SEMVER", "1.0.0"),
        ],
        found: &["pkg:hex/affected@1.0.0-rc.1 declared 1.0.0"],
    },
    Case {
        file: (
            "Package.resolved",
            r#"{"pins": [
                {"location": "git@git.example:Owner/Affected.git", "state": {"version": "1.0.0"}},
                {"location": "https://git.example/owner/fixed", "state": {"version": "2.0.0"}}], "version": 2}"#,
        ),
        advisories: &[
            ("SwiftURL", "git.example/owner/affected", "SEMVER", "1.0.1"),
            (
                "SwiftURL",
                "https://git.example/owner/fixed.git",
                "SEMVER",
                "2.0.0",
            ),
        ],
        found: &["pkg:swift/git.example/Owner/Affected@1.0.0 declared 1.0.1"],
    },
];

fn record(id: String, advisory: &(&str, &str, &str, &str)) -> Value {
    let (ecosystem, name, kind, fixed) = advisory;
    json!({"id": id, "modified": "2024-01-01T00:00:00Z", "summary": "Something bad",
        "database_specific": {"severity": "HIGH"},
        "affected": [{"package": {"ecosystem": ecosystem, "name": name},
            "ranges": [{"type": kind, "events": [{"introduced": "0"}, {"fixed": fixed}]}]}]})
}

fn place_with(cases: &[&Case]) -> Workplace {
    let place = Workplace::new();
    let advisories = CASES.iter().flat_map(|case| case.advisories);
    for (number, advisory) in advisories.enumerate() {
        let id = format!("TEST-2024-{number}");
        let record = record(id.clone(), advisory).to_string();
        place.file(&format!("records/{id}.json"), record);
    }
    let files: Vec<(&str, &[u8])> = cases
        .iter()
        .map(|case| (case.file.0, case.file.1.as_bytes()))
        .collect();
    place.zip("fn.zip", &files);
    let import = place.run(&["db", "import", "records", "--db", "db"]);
    assert_eq!(import.status, 0, "{}", import.stderr);
    place
}

/// `PURL SCOPE FIXED` of each finding.
fn found(place: &Workplace) -> Vec<String> {
    let run = place.run(&["fn.zip", "--db", "db", "--format", "json", "-q"]);
    assert!(run.status < 2, "{}", run.stderr);
    let report = run.json();
    assert_eq!(report["errors"].as_array().unwrap().len(), 0, "{report}");
    let scope = |purl: &Value| {
        let rows = report["packages"].as_array().unwrap().iter();
        let mut rows = rows.filter(|package| package["purl"] == *purl);
        rows.next().unwrap()["scope"].as_str().unwrap().to_owned()
    };
    let row = |finding: &Value| {
        assert_eq!(finding["certainty"], "certain", "{finding}");
        let purl = finding["package"].as_str().unwrap();
        let fixed = finding["advisory"]["fixed"].as_str().unwrap();
        format!("{purl} {} {fixed}", scope(&finding["package"]))
    };
    let findings = report["findings"].as_array().unwrap().iter();
    let mut rows: Vec<String> = findings.map(row).collect();
    rows.sort();
    rows
}

#[test]
fn each_ecosystem_has_its_names_and_its_order() {
    for case in CASES {
        assert_eq!(found(&place_with(&[case])), case.found, "{}", case.file.0);
    }
}

#[test]
fn one_bundle_may_hold_packages_of_all() {
    let all: Vec<&Case> = CASES.iter().collect();
    let mut expected: Vec<&str> = CASES.iter().flat_map(|case| case.found).copied().collect();
    expected.sort_unstable();
    assert_eq!(found(&place_with(&all)), expected);
}

#[test]
fn a_lock_file_that_is_named_tells_what_was_built() {
    let go_mod = "module own.example/fn\n\ngo 1.21\n\nrequire go.example/a v1.0.0\n";
    let place = Workplace::new();
    place.zip("fn.zip", &[("bootstrap", b"code")]);
    place.file("go.mod", go_mod);
    place.file(
        "go.sum",
        "go.example/a v1.0.0 h1:A=\ngo.example/test-only v1.0.0 h1:A=\n",
    );
    place.file(
        "rel.lock",
        "GEM\n  specs:\n    b (1.0)\n\nPLATFORMS\n  ruby\n\nDEPENDENCIES\n  b\n",
    );
    let locks = ["--lock", "go.mod", "--lock", "go.sum", "--lock", "rel.lock"];
    let args = [
        &["inventory", "fn.zip", "--format", "json", "-q"],
        &locks[..],
    ]
    .concat();
    let run = place.run(&args);
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert_eq!(
        packages(&run.json()),
        [
            "Go go.example/a v1.0.0 declared locked",
            "RubyGems b 1.0 declared locked"
        ]
    );
}
