//! `fnaudit db update` and the commands beside it, with a server on the loopback.

mod support;

use std::fs;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::server::{Response, Server, folder};
use support::{Workplace, metadata};

const EARLY: &str = "2024-01-01T00:00:00Z";
const LATE: &str = "2024-02-01T00:00:00Z";

fn record(id: &str, modified: &str, name: &str, fixed: &str) -> Value {
    json!({"id": id, "modified": modified, "aliases": [format!("CVE-{id}")], "summary": "Something bad",
        "database_specific": {"severity": "HIGH"},
        "affected": [{"package": {"ecosystem": "PyPI", "name": name},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}]}]})
}

/// Lays records out as OSV's bucket does.
fn publish(place: &Workplace, bucket: &str, records: &[Value]) {
    let mut listing = String::new();
    let mut files = Vec::new();
    for record in records {
        let (id, modified) = (record["id"].as_str().unwrap(), &record["modified"]);
        listing += &format!("{},{id}\n", modified.as_str().unwrap());
        files.push((format!("{id}.json"), record.to_string().into_bytes()));
    }
    if files.len() < 10 {
        for (name, json) in &files {
            place.file(&format!("{bucket}/PyPI/{name}"), json);
        }
    }
    let entries: Vec<(&str, &[u8])> = files.iter().map(|(n, j)| (n.as_str(), &j[..])).collect();
    place.zip(&format!("{bucket}/PyPI/all.zip"), &entries);
    place.file(&format!("{bucket}/PyPI/modified_id.csv"), listing);
}

fn workplace() -> Workplace {
    let place = Workplace::new();
    let files = metadata("demo", "1.0");
    place.zip("fn.zip", &[("demo-1.0.dist-info/METADATA", &files)]);
    place
}

fn update(place: &Workplace, url: &str, more: &[&str]) -> support::Run {
    let args = ["db", "update", "--db", "db", "--url", url];
    let args = [&args[..], &["--ecosystem", "PyPI"], more].concat();
    place.run(&args)
}

/// The records that an audit finds. A finding goes by its CVE id, which here has the record's in it.
fn found(place: &Workplace) -> Vec<String> {
    let run = place.run(&["fn.zip", "--db", "db", "--format", "json", "-q"]);
    assert!(run.status < 2, "{}", run.stderr);
    let findings = run.json()["findings"].as_array().unwrap().clone();
    let id = |finding: &Value| {
        let id = finding["advisory"]["id"].as_str().unwrap();
        id.trim_start_matches("CVE-").to_owned()
    };
    let ids = findings.iter().map(id);
    ids.collect()
}

#[test]
fn an_update_fetches_everything_once_and_then_only_what_changed() {
    let place = workplace();
    let records = [
        record("EX-1", EARLY, "demo", "2.0"),
        record("EX-2", EARLY, "demo", "1.5"),
        record("EX-3", EARLY, "other", "1.5"),
    ];
    publish(&place, "bucket", &records);
    let server = Server::start(folder(place.path("bucket")));
    let url = server.url("/");
    let run = update(&place, &url, &[]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(
        run.stdout.contains("3 advisories for 1 ecosystem"),
        "{}",
        run.stdout
    );
    assert_eq!(found(&place), ["EX-1", "EX-2"]);

    let asked = |before: usize| -> Vec<String> {
        let requests = server.requests();
        let mut paths: Vec<String> = requests[before..].iter().map(|r| r.path.clone()).collect();
        paths.sort();
        paths
    };
    let before = server.requests().len();
    let run = update(&place, &url, &[]);
    assert!(run.stdout.contains("PyPI: is up to date"), "{}", run.stdout);
    assert_eq!(asked(before), ["/PyPI/modified_id.csv"]);
    assert!(server.requests()[before].header("if-none-match").is_some());
    assert_eq!(found(&place), ["EX-1", "EX-2"]);

    // One changed, one is new, one is gone.
    publish(
        &place,
        "bucket",
        &[
            record("EX-4", LATE, "demo", "3.0"),
            record("EX-1", LATE, "demo", "0.5"),
            record("EX-3", EARLY, "other", "1.5"),
        ],
    );
    let before = server.requests().len();
    let run = update(&place, &url, &[]);
    assert!(
        run.stdout.contains("PyPI: 2 records downloaded"),
        "{}",
        run.stdout
    );
    let singles = [
        "/PyPI/EX-1.json",
        "/PyPI/EX-4.json",
        "/PyPI/modified_id.csv",
    ];
    assert_eq!(asked(before), singles);
    assert_eq!(found(&place), ["EX-4"]);
    assert_eq!(place.run(&["db", "verify", "--db", "db"]).status, 0);
}

#[test]
fn many_changes_are_fetched_as_an_archive() {
    let place = workplace();
    let all = |modified| -> Vec<Value> {
        let each = (0..600).map(|n| record(&format!("EX-{n}"), modified, "demo", "2.0"));
        each.collect()
    };
    publish(&place, "bucket", &all(EARLY));
    let server = Server::start(folder(place.path("bucket")));
    assert_eq!(update(&place, &server.url("/"), &[]).status, 0);
    publish(&place, "bucket", &all(LATE));
    let before = server.requests().len();
    assert_eq!(update(&place, &server.url("/"), &[]).status, 0);
    let paths: Vec<_> = server.requests()[before..]
        .iter()
        .map(|r| r.path.clone())
        .collect();
    assert_eq!(paths, ["/PyPI/modified_id.csv", "/PyPI/all.zip"]);
    assert_eq!(found(&place).len(), 600);
}

#[test]
fn a_bad_server_leaves_the_database_as_it_was_and_a_good_one_is_asked_next() {
    let place = workplace();
    publish(&place, "bucket", &[record("EX-1", EARLY, "demo", "2.0")]);
    let good = Server::start(folder(place.path("bucket")));
    assert_eq!(update(&place, &good.url("/"), &[]).status, 0);

    let many: Vec<Value> = (0..600)
        .map(|n| record(&format!("EX-{n}"), LATE, "demo", "2.0"))
        .collect();
    publish(&place, "bad", &many);
    let archive = place.path("bad/PyPI/all.zip");
    let whole = fs::read(&archive).unwrap();
    let mut flipped = whole.clone();
    flipped[60] ^= 0x55;
    let half = whole[..whole.len() / 2].to_vec();
    for content in [flipped, half, b"<html>".to_vec()] {
        fs::write(&archive, content).unwrap();
        let bad = Server::start(folder(place.path("bad")));
        let run = update(&place, &bad.url("/"), &[]);
        assert_eq!(
            (run.status, run.stderr.lines().count()),
            (2, 1),
            "{}",
            run.stderr
        );
        assert!(run.stderr.contains("is damaged"), "{}", run.stderr);
        assert_eq!(found(&place), ["EX-1"]);
        let run = update(&place, &bad.url("/"), &["--url", &good.url("/")]);
        assert_eq!(run.status, 0, "{}", run.stderr);
        assert!(
            run.stderr.contains("asking the next server"),
            "{}",
            run.stderr
        );
    }
    let nothing = Server::start(|_: &support::server::Request| Response::new(404, ""));
    let run = update(&place, &nothing.url("/"), &[]);
    assert_eq!(run.status, 2);
    assert!(run.stderr.contains("holds no PyPI"), "{}", run.stderr);
    assert_eq!(found(&place), ["EX-1"]);
}

#[test]
fn an_update_that_is_killed_leaves_a_database_that_opens_and_matches() {
    let place = workplace();
    let servers = ["a", "b"].map(|name| {
        let records: Vec<Value> = (0..1_500)
            .map(|n| {
                let package = if n == 0 { "demo" } else { "other" };
                record(&format!("EX-{name}-{n}"), EARLY, package, "2.0")
            })
            .collect();
        publish(&place, name, &records);
        Server::start(folder(place.path(name)))
    });
    let started = Instant::now();
    assert_eq!(update(&place, &servers[0].url("/"), &[]).status, 0);
    let whole = started.elapsed().as_micros() as u64;
    let mut random = 7u64;
    for n in 0..50 {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let url = servers[(n + 1) % 2].url("/");
        let args = [
            "db",
            "update",
            "--db",
            "db",
            "--ecosystem",
            "PyPI",
            "--url",
            &url,
        ];
        let mut child = Command::new(env!("CARGO_BIN_EXE_fnaudit"));
        child.args(args).current_dir(place.path("."));
        child.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = child.spawn().unwrap();
        sleep(Duration::from_micros((random >> 33) % whole));
        child.kill().unwrap();
        child.wait().unwrap();
        let run = place.run(&["db", "verify", "--db", "db"]);
        assert_eq!(run.status, 0, "{}", run.stderr);
        assert_eq!(found(&place).len(), 1);
    }
    assert_eq!(update(&place, &servers[1].url("/"), &[]).status, 0);
    assert_eq!(found(&place), ["EX-b-0"]);
}

#[test]
fn what_is_known_of_exploitation_is_joined_by_cve() {
    let place = workplace();
    publish(&place, "bucket", &[record("2024-1", EARLY, "demo", "2.0")]);
    place.file(
        "bucket/kev.json",
        r#"{"vulnerabilities": [{"cveID": "CVE-2024-1", "dateAdded": "2024-03-01"}]}"#,
    );
    place.file(
        "bucket/epss.csv",
        "cve,epss,percentile\nCVE-2024-1,0.5,0.9\n",
    );
    let server = Server::start(folder(place.path("bucket")));
    assert_eq!(update(&place, &server.url("/"), &[]).status, 0);
    let kev = |args: &[&str]| place.run(&[&["fn.zip", "--db", "db"], args].concat());
    let run = kev(&["--fail-on", "kev"]);
    assert_eq!(run.status, 2);
    assert!(run.stderr.contains("db update --kev"), "{}", run.stderr);

    let (list, scores) = (server.url("/kev.json"), server.url("/epss.csv"));
    let run = update(
        &place,
        &server.url("/"),
        &["--kev-url", &list, "--epss-url", &scores],
    );
    assert_eq!(run.status, 0, "{}", run.stderr);
    let report = kev(&["--format", "json", "-q"]).json();
    assert_eq!(report["findings"][0]["kev"]["added"], "2024-03-01");
    assert_eq!(report["findings"][0]["epss"]["score"], 0.5);
    assert_eq!(kev(&["--fail-on", "kev"]).status, 1);
    assert!(
        kev(&[])
            .stdout
            .contains("known to be exploited, EPSS 50.0 %")
    );

    // A list that is not to be had costs nothing but itself.
    fs::remove_file(place.path("bucket/kev.json")).unwrap();
    place.file(
        "bucket/epss.csv",
        "cve,epss,percentile\nCVE-2023-1,0.5,0.9\n",
    );
    let run = update(&place, &server.url("/"), &[]);
    assert_eq!(run.status, 2);
    assert!(
        run.stderr.contains("an earlier kev list stays"),
        "{}",
        run.stderr
    );
    let report = kev(&["--format", "json", "-q"]).json();
    assert_eq!(report["findings"][0]["kev"]["added"], "2024-03-01");
    assert_eq!(report["findings"][0]["epss"], Value::Null);
}

#[test]
fn a_database_is_carried_elsewhere_whole_or_not_at_all() {
    let place = workplace();
    publish(&place, "bucket", &[record("EX-1", EARLY, "demo", "2.0")]);
    assert_eq!(
        place
            .run(&["db", "import", "bucket", "--db", "here"])
            .status,
        0
    );
    let run = place.run(&["db", "export", "carried", "--db", "here"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(
        run.stdout.ends_with("  carried\n") && run.stdout.len() > 64,
        "{}",
        run.stdout
    );
    assert_eq!(
        place.run(&["db", "import", "carried", "--db", "db"]).status,
        0
    );
    assert_eq!(found(&place), ["EX-1"]);
    let whole = fs::read(place.path("carried")).unwrap();
    for at in (10..whole.len()).step_by(whole.len() / 10) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs::write(place.path("carried"), bytes).unwrap();
        let run = place.run(&["db", "import", "carried", "--db", "db"]);
        assert_eq!(
            (run.status, run.stderr.lines().count()),
            (2, 1),
            "{at}: {}",
            run.stderr
        );
        assert_eq!(found(&place), ["EX-1"]);
    }
}

#[test]
fn the_database_can_be_asked() {
    let place = workplace();
    publish(&place, "bucket", &[record("EX-1", EARLY, "demo", "2.0")]);
    assert_eq!(
        place.run(&["db", "import", "bucket", "--db", "db"]).status,
        0
    );
    for id in ["EX-1", "ex-1", "CVE-EX-1"] {
        let run = place.run(&["db", "show", id, "--db", "db"]);
        assert_eq!(run.status, 0, "{}", run.stderr);
        for part in [
            "EX-1",
            "Something bad",
            "high",
            "PyPI demo",
            "from 0, fixed in 2.0",
        ] {
            assert!(run.stdout.contains(part), "{part}: {}", run.stdout);
        }
    }
    let run = place.run(&["db", "show", "EX-1", "--db", "db", "--format", "json"]);
    assert_eq!(run.json(), record("EX-1", EARLY, "demo", "2.0"));
    let run = place.run(&["db", "show", "EX-9", "--db", "db"]);
    assert_eq!((run.status, run.stderr.lines().count()), (2, 1));
    let run = place.run(&["db", "search", "DEM", "--db", "db"]);
    assert_eq!(run.stdout, "PyPI  demo  EX-1\n");
    let run = place.run(&["db", "status", "--db", "db"]);
    assert!(
        run.stdout.contains("advisories  1") && run.stdout.contains(EARLY),
        "{}",
        run.stdout
    );
    let run = place.run(&["db", "status", "--db", "db", "--format", "json"]);
    assert_eq!(run.json()["updated"], EARLY);
}

#[test]
fn an_old_database_is_said_to_be_old_and_can_be_refused() {
    let place = workplace();
    publish(&place, "bucket", &[record("EX-1", EARLY, "demo", "2.0")]);
    assert_eq!(
        place.run(&["db", "import", "bucket", "--db", "db"]).status,
        0
    );
    let audit = |more: &[&str]| place.run(&[&["fn.zip", "--db", "db"], more].concat());
    let run = audit(&[]);
    assert_eq!(run.status, 1);
    assert!(
        run.stderr
            .contains("is of 2024-01-01, which is more than 7 days ago"),
        "{}",
        run.stderr
    );
    assert_eq!(run.stderr.lines().count(), 1);
    assert_eq!(audit(&["--max-age", "99999d"]).stderr, "");
    assert_eq!(audit(&["-q"]).stderr, "");
    assert_eq!(audit(&["--require-fresh"]).status, 2);
    let server = Server::start(folder(place.path("bucket")));
    assert_eq!(update(&place, &server.url("/"), &[]).status, 0);
    let run = audit(&["--require-fresh"]);
    assert_eq!((run.status, run.stderr.as_str()), (1, ""));
    assert_eq!(place.run(&["fn.zip", "--require-fresh"]).status, 2);
}

#[test]
fn the_configuration_file_names_servers_and_a_flag_comes_before_it() {
    let place = workplace();
    publish(&place, "bucket", &[record("EX-1", EARLY, "demo", "2.0")]);
    let server = Server::start(folder(place.path("bucket")));
    let other = Server::start(|_: &support::server::Request| Response::new(404, ""));
    let text = format!(
        "[database]\nurls = [\"{}\"]\necosystems = [\"PyPI\"]\n",
        server.url("")
    );
    place.file("fnaudit.toml", text);
    assert_eq!(place.run(&["db", "update", "--db", "db"]).status, 0);
    assert_eq!(found(&place), ["EX-1"]);
    let run = place.run(&["db", "update", "--db", "db", "--url", &other.url("")]);
    assert_eq!(run.status, 2);
    assert!(!other.requests().is_empty());
}
