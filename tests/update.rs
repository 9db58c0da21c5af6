//! `fnaudit db update` and the commands beside it, with a server on the loopback.

mod support;

use std::fs;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::server::{Request, Response, Server, folder};
use support::{Workplace, metadata};

const EARLY: &str = "2024-01-01T00:00:00Z";
const LATE: &str = "2024-02-01T00:00:00Z";

fn record(id: &str, modified: &str, name: &str, fixed: &str) -> Value {
    record_of("PyPI", id, modified, name, fixed)
}

fn record_of(ecosystem: &str, id: &str, modified: &str, name: &str, fixed: &str) -> Value {
    json!({"id": id, "modified": modified, "aliases": [format!("CVE-{id}")], "summary": "Something bad",
        "database_specific": {"severity": "HIGH"},
        "affected": [{"package": {"ecosystem": ecosystem, "name": name},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}]}]})
}

/// So many records about the package that an audit finds.
fn many(count: usize, modified: &str) -> Vec<Value> {
    let each = (0..count).map(|n| record(&format!("EX-{n}"), modified, "demo", "2.0"));
    each.collect()
}

/// Lays records out as OSV's bucket does.
fn publish(place: &Workplace, bucket: &str, records: &[Value]) {
    publish_as("PyPI", place, bucket, records);
}

fn publish_as(ecosystem: &str, place: &Workplace, bucket: &str, records: &[Value]) {
    let mut listing = String::new();
    let mut files = Vec::new();
    for record in records {
        let (id, modified) = (record["id"].as_str().unwrap(), &record["modified"]);
        listing += &format!("{},{id}\n", modified.as_str().unwrap());
        files.push((format!("{id}.json"), record.to_string().into_bytes()));
    }
    if files.len() < 1_000 {
        for (name, json) in &files {
            place.file(&format!("{bucket}/{ecosystem}/{name}"), json);
        }
    }
    let entries: Vec<(&str, &[u8])> = files.iter().map(|(n, j)| (n.as_str(), &j[..])).collect();
    place.zip(&format!("{bucket}/{ecosystem}/all.zip"), &entries);
    place.file(&format!("{bucket}/{ecosystem}/modified_id.csv"), listing);
}

/// The same, but for the archive, which stays as it is.
fn publish_beside_the_archive(place: &Workplace, records: &[Value]) {
    let archive = place.path("bucket/PyPI/all.zip");
    let kept = fs::read(&archive).unwrap();
    publish(place, "bucket", records);
    fs::write(archive, kept).unwrap();
}

/// A server that has no leave to give anything.
fn refusing() -> Server {
    Server::start(|_: &Request| Response::new(403, ""))
}

/// The paths that were asked for after so many requests, sorted.
fn asked(server: &Server, before: usize) -> Vec<String> {
    let requests = server.requests();
    let mut paths: Vec<String> = requests[before..].iter().map(|r| r.path.clone()).collect();
    paths.sort();
    paths
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

    let before = server.requests().len();
    let run = update(&place, &url, &[]);
    assert!(run.stdout.contains("PyPI: is up to date"), "{}", run.stdout);
    assert_eq!(asked(&server, before), ["/PyPI/modified_id.csv"]);
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
        run.stdout.contains("PyPI: 2 records downloaded, 1 gone"),
        "{}",
        run.stdout
    );
    let singles = [
        "/PyPI/EX-1.json",
        "/PyPI/EX-4.json",
        "/PyPI/modified_id.csv",
    ];
    assert_eq!(asked(&server, before), singles);
    assert_eq!(found(&place), ["EX-4"]);
    assert_eq!(place.run(&["db", "verify", "--db", "db"]).status, 0);
}

#[test]
fn many_changes_are_fetched_as_an_archive() {
    let place = workplace();
    publish(&place, "bucket", &many(600, EARLY));
    let server = Server::start(folder(place.path("bucket")));
    assert_eq!(update(&place, &server.url("/"), &[]).status, 0);
    publish(&place, "bucket", &many(600, LATE));
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

    publish(&place, "bad", &many(600, LATE));
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
    // Behind the number of its format: another one is no damage.
    for at in (12..whole.len()).step_by(whole.len() / 10) {
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
        assert!(
            run.stderr.contains("carried is damaged") && run.stderr.contains("; export it again"),
            "{at}: {}",
            run.stderr
        );
        assert_eq!(found(&place), ["EX-1"]);
    }
    let mut newer = whole;
    newer[8] += 1;
    fs::write(place.path("carried"), newer).unwrap();
    let run = place.run(&["db", "import", "carried", "--db", "db"]);
    assert!(
        run.stderr
            .starts_with("error: carried was exported by another fnaudit"),
        "{}",
        run.stderr
    );
    assert_eq!(found(&place), ["EX-1"]);
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
    let odd = record("openSUSE-SU-2024:1", EARLY, "demo", "2.0");
    place.file("odd/1.json", odd.to_string());
    assert_eq!(
        place.run(&["db", "import", "odd", "--db", "odd-db"]).status,
        0
    );
    let run = place.run(&["db", "show", "OPENSUSE-su-2024:1", "--db", "odd-db"]);
    assert!(run.stdout.contains("openSUSE-SU-2024:1"), "{}", run.stderr);
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

#[test]
fn a_listing_that_is_empty_or_cut_says_nothing_of_what_is_gone() {
    let place = workplace();
    publish(&place, "bucket", &[record("EX-1", EARLY, "demo", "2.0")]);
    let server = Server::start(folder(place.path("bucket")));
    assert_eq!(update(&place, &server.url(""), &[]).status, 0);
    for listing in ["", "\n", "2024-01-01T00:00:00Z,EX-"] {
        place.file("bucket/PyPI/modified_id.csv", listing);
        let run = update(&place, &server.url(""), &[]);
        assert_eq!(run.status, 2, "{}", run.stdout);
        assert!(
            run.stderr.contains("modified_id.csv is damaged")
                && run.stderr.ends_with("what was known of PyPI stays\n"),
            "{}",
            run.stderr
        );
        assert_eq!(found(&place), ["EX-1"]);
    }
}

#[test]
fn a_listing_that_lacks_most_records_is_not_believed_against_the_archive() {
    let place = workplace();
    let records = many(600, EARLY);
    publish(&place, "bucket", &records);
    let server = Server::start(folder(place.path("bucket")));
    assert_eq!(update(&place, &server.url(""), &[]).status, 0);
    publish_beside_the_archive(&place, &records[..1]);
    let before = server.requests().len();
    assert_eq!(update(&place, &server.url(""), &[]).status, 0);
    let paths = ["/PyPI/all.zip", "/PyPI/modified_id.csv"];
    assert_eq!(asked(&server, before), paths);
    assert_eq!(found(&place).len(), 600);
    // What both lack is gone, and is said to be.
    publish(&place, "bucket", &records[..2]);
    let run = update(&place, &server.url(""), &[]);
    assert!(run.stdout.contains(", 598 gone\n"), "{}", run.stdout);
    assert_eq!(found(&place).len(), 2);
}

#[test]
fn an_archive_of_what_are_no_records_is_damaged() {
    let place = workplace();
    publish(&place, "bucket", &many(600, EARLY));
    let server = Server::start(folder(place.path("bucket")));
    assert_eq!(update(&place, &server.url(""), &[]).status, 0);
    publish(&place, "bucket", &many(600, LATE));
    let archive = place.path("bucket/PyPI/all.zip");
    let mut shared = fs::read(&archive).unwrap();
    let entries: Vec<usize> = (0..shared.len() - 4)
        .filter(|&at| shared[at..].starts_with(b"PK\x01\x02"))
        .collect();
    for at in entries {
        // The place of each entry's data.
        shared[at + 42..at + 46].fill(0);
    }
    let junk = support::zip(&[("EX-1.json", b"{}"), ("EX-2.json", b"<html>")]);
    for (content, why) in [
        (junk, "it holds no advisory"),
        (shared, "it has entries that share their data"),
    ] {
        fs::write(&archive, content).unwrap();
        let run = update(&place, &server.url(""), &[]);
        assert_eq!(run.status, 2, "{}", run.stdout);
        assert!(run.stderr.contains(why), "{}", run.stderr);
        assert_eq!(found(&place).len(), 600);
    }
}

#[test]
fn a_record_that_is_not_the_one_that_is_listed_is_asked_for_again() {
    let place = workplace();
    let (old, new) = (
        record("EX-1", EARLY, "demo", "0.5"),
        record("EX-1", LATE, "demo", "2.0"),
    );
    for wrong in [
        "<html>".to_owned(),
        old.to_string(),
        record("EX-2", LATE, "demo", "2.0").to_string(),
    ] {
        publish(&place, "bucket", std::slice::from_ref(&old));
        let server = Server::start(folder(place.path("bucket")));
        assert_eq!(update(&place, &server.url(""), &[]).status, 0);
        publish_beside_the_archive(&place, std::slice::from_ref(&new));
        place.file("bucket/PyPI/EX-1.json", &wrong);
        let run = update(&place, &server.url(""), &[]);
        assert_eq!(run.status, 2, "{}", run.stdout);
        assert!(
            run.stderr
                .contains("EX-1.json is damaged (it is not the record that is listed)"),
            "{}",
            run.stderr
        );
        assert_eq!(found(&place), [""; 0]);
        // Another server may have it.
        publish(&place, "other", std::slice::from_ref(&new));
        let other = Server::start(folder(place.path("other")));
        let run = update(&place, &server.url(""), &["--url", &other.url("")]);
        assert_eq!(run.status, 0, "{}", run.stderr);
        assert_eq!(found(&place), ["EX-1"]);
        fs::remove_dir_all(place.path("db")).unwrap();
    }
}

#[test]
fn a_record_that_a_server_has_not_is_taken_from_its_archive_or_asked_for_again() {
    let place = workplace();
    let one = record("EX-1", EARLY, "demo", "2.0");
    let two = record("EX-2", LATE, "demo", "2.0");
    publish(&place, "bucket", std::slice::from_ref(&one));
    let server = Server::start(folder(place.path("bucket")));
    assert_eq!(update(&place, &server.url(""), &[]).status, 0);
    publish_beside_the_archive(&place, &[one.clone(), two.clone()]);
    fs::remove_file(place.path("bucket/PyPI/EX-2.json")).unwrap();
    let run = update(&place, &server.url(""), &[]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(
        run.stdout
            .contains("PyPI: the server lags behind its listing by 1 record\n"),
        "{}",
        run.stdout
    );
    assert_eq!(found(&place), ["EX-1"]);
    publish(&place, "bucket", &[one, two]);
    fs::remove_file(place.path("bucket/PyPI/EX-2.json")).unwrap();
    let run = update(&place, &server.url(""), &[]);
    assert!(run.stdout.contains("PyPI: downloaded"), "{}", run.stdout);
    assert_eq!(found(&place), ["EX-1", "EX-2"]);
}

#[test]
fn what_an_archive_lacks_of_its_listing_is_fetched_too() {
    let place = workplace();
    publish(&place, "bucket", &many(600, EARLY));
    let all = many(610, EARLY);
    publish_beside_the_archive(&place, &all);
    let server = Server::start(folder(place.path("bucket")));
    let run = update(&place, &server.url(""), &[]);
    assert!(
        run.stdout.contains(", 10 records downloaded\n"),
        "{}",
        run.stdout
    );
    assert_eq!(found(&place).len(), 610);
    // The archive is still the same, and everything changed.
    publish_beside_the_archive(&place, &many(610, LATE));
    let run = update(&place, &server.url(""), &[]);
    assert!(
        run.stdout.contains("PyPI: 610 records downloaded\n"),
        "{}",
        run.stdout
    );
    let before = server.requests().len();
    let run = update(&place, &server.url(""), &[]);
    assert!(run.stdout.contains("PyPI: is up to date"), "{}", run.stdout);
    assert_eq!(asked(&server, before), ["/PyPI/modified_id.csv"]);
    assert_eq!(found(&place).len(), 610);
}

#[test]
fn a_server_that_lags_far_behind_its_listing_makes_no_database_current() {
    let place = workplace();
    let records = many(2, EARLY);
    publish(&place, "bucket", &records);
    let listing = place.path("bucket/PyPI/modified_id.csv");
    let whole = fs::read_to_string(&listing).unwrap();
    let server = Server::start(folder(place.path("bucket")));
    let longer = |by: usize| {
        let rows = (0..by).map(|n| format!("{LATE},EX-NEW-{n}\n"));
        whole.clone() + &rows.collect::<String>()
    };
    for (by, most_asked) in [(30_000, 2), (50, 2 + 8 + 18)] {
        fs::write(&listing, longer(by)).unwrap();
        let before = server.requests().len();
        let run = update(&place, &server.url(""), &[]);
        assert_eq!(run.status, 0, "{}", run.stderr);
        let said = format!("the server lags behind its listing by {by} records\n");
        assert!(run.stdout.contains(&said), "{}", run.stdout);
        let count = asked(&server, before).len();
        assert!(count <= most_asked, "{count}");
        assert_eq!(found(&place).len(), 2);
        let run = place.run(&["fn.zip", "--db", "db"]);
        assert_eq!(
            run.stderr,
            "note: the advisory database is of unknown age; run `fnaudit db update`\n"
        );
        assert!(
            run.stdout.contains("2 advisories, of unknown age"),
            "{}",
            run.stdout
        );
        assert_eq!(
            place
                .run(&["fn.zip", "--db", "db", "--require-fresh"])
                .status,
            2
        );
    }
    fs::write(&listing, &whole).unwrap();
    assert_eq!(update(&place, &server.url(""), &[]).status, 0);
    assert_eq!(place.run(&["fn.zip", "--db", "db"]).stderr, "");
}

#[test]
fn a_damaged_database_is_made_anew_of_what_it_was_of() {
    let place = workplace();
    let records = [
        record("EX-1", EARLY, "demo", "2.0"),
        record("EX-2", EARLY, "demo", "2.0"),
    ];
    publish(&place, "bucket", &records[..1]);
    place.file(
        "bucket/kev.json",
        r#"{"vulnerabilities": [{"cveID": "CVE-EX-1", "dateAdded": "2024-03-01"}]}"#,
    );
    let server = Server::start(folder(place.path("bucket")));
    let kev = ["--kev-url", &server.url("/kev.json")];
    assert_eq!(update(&place, &server.url(""), &kev).status, 0);
    let path = place.path("db/fnaudit.db");
    let repair = |expected: &[&str]| {
        // In the first block of records.
        let mut bytes = fs::read(&path).unwrap();
        bytes[150] ^= 1;
        fs::write(&path, bytes).unwrap();
        assert_eq!(place.run(&["db", "verify", "--db", "db"]).status, 2);
        let before = server.requests().len();
        let run = place.run(&["db", "update", "--db", "db", "-q", "--url", &server.url("")]);
        assert_eq!(run.status, 0, "{}", run.stderr);
        assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
        assert!(run.stderr.contains("is downloaded anew"), "{}", run.stderr);
        let paths = asked(&server, before);
        let is_known = |path: &String| path.starts_with("/PyPI/") || path == "/kev.json";
        assert!(paths.iter().all(is_known), "{paths:?}");
        let run = place.run(&["fn.zip", "--db", "db", "--fail-on", "kev"]);
        assert_eq!((run.status, run.stderr.as_str()), (1, ""));
        assert_eq!(place.run(&["db", "verify", "--db", "db"]).status, 0);
        assert_eq!(found(&place), expected);
    };
    // Where nothing changed its blocks would be copied, where something did they are read.
    repair(&["EX-1"]);
    publish(&place, "bucket", &records);
    repair(&["EX-1", "EX-2"]);
}

#[test]
fn a_database_of_a_newer_fnaudit_is_left_alone() {
    let place = workplace();
    publish(&place, "bucket", &[record("EX-1", EARLY, "demo", "2.0")]);
    let server = Server::start(folder(place.path("bucket")));
    assert_eq!(update(&place, &server.url(""), &[]).status, 0);
    let path = place.path("db/fnaudit.db");
    let mut newer = fs::read(&path).unwrap();
    newer[8] += 1;
    fs::write(&path, &newer).unwrap();
    let before = server.requests().len();
    let run = update(&place, &server.url(""), &[]);
    assert_eq!((run.status, run.stderr.lines().count()), (2, 1));
    assert!(run.stderr.contains("upgrade fnaudit"), "{}", run.stderr);
    assert!(fs::read(&path).unwrap() == newer);
    assert_eq!(server.requests().len(), before);
    // An older one is of no use to anybody.
    newer[8] -= 2;
    fs::write(&path, &newer).unwrap();
    assert_eq!(update(&place, &server.url(""), &[]).status, 0);
    assert_eq!(found(&place), ["EX-1"]);
}

#[test]
fn no_secret_of_an_address_is_said_or_kept() {
    let place = workplace();
    publish(&place, "bucket", &[record("EX-1", EARLY, "demo", "2.0")]);
    place.file(
        "bucket/kev.json",
        r#"{"vulnerabilities": [{"cveID": "CVE-2024-1", "dateAdded": "2024-03-01"}]}"#,
    );
    let server = Server::start(folder(place.path("bucket")));
    let secret = |path: &str| server.url(path).replace("://", "://me:sesame@");
    let is_kept_secret = |run: support::Run| {
        let said = run.stdout + &run.stderr;
        assert!(!said.contains("sesame"), "{said}");
        let bytes = fs::read(place.path("db/fnaudit.db")).unwrap();
        assert!(!bytes.windows(6).any(|part| part == b"sesame"));
        said
    };
    let list = secret("/kev.json");
    let run = update(&place, &secret(""), &["--kev-url", &list]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    is_kept_secret(run);
    // It is the same server as before, with or without.
    let said = is_kept_secret(update(&place, &server.url(""), &[]));
    assert!(said.contains("PyPI: is up to date"), "{said}");
    is_kept_secret(place.run(&["db", "status", "--db", "db"]));
    place.file("bucket/PyPI/modified_id.csv", "");
    place.file("bucket/kev.json", "[]");
    let said = is_kept_secret(update(&place, &secret(""), &["--kev-url", &list]));
    assert!(said.contains("/PyPI/modified_id.csv is damaged"), "{said}");
    assert!(said.contains("/kev.json is damaged"), "{said}");
    fs::remove_dir_all(place.path("bucket/PyPI")).unwrap();
    let said = is_kept_secret(update(&place, &secret(""), &[]));
    assert!(said.contains("holds no PyPI"), "{said}");
    publish(&place, "bucket", &[record("EX-1", EARLY, "demo", "2.0")]);
    is_kept_secret(place.run(&["db", "import", &secret("/PyPI/all.zip"), "--db", "db"]));
    is_kept_secret(place.run(&["db", "import", &secret("/x"), "--db", "db", "--offline"]));
}

#[test]
fn an_ecosystem_that_fails_costs_nothing_but_itself() {
    let place = workplace();
    let npm = |id: &str| record_of("npm", id, EARLY, "demo", "2.0");
    publish(&place, "bucket", &[record("EX-1", EARLY, "demo", "2.0")]);
    publish_as("npm", &place, "bucket", &[npm("EX-3")]);
    let both = ["--ecosystem", "npm,PyPI"];
    let server = Server::start(folder(place.path("bucket")));
    let run = update(&place, &server.url(""), &both);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let records = [
        record("EX-1", EARLY, "demo", "2.0"),
        record("EX-2", EARLY, "demo", "2.0"),
    ];
    publish(&place, "bucket", &records);
    place.file("bucket/npm/modified_id.csv", "<html>");
    let run = update(&place, &server.url(""), &[&both[..], &["-q"]].concat());
    assert_eq!(
        (run.status, run.stderr.lines().count()),
        (2, 1),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.starts_with("error: ") && run.stderr.contains("what was known of npm stays"),
        "{}",
        run.stderr
    );
    assert_eq!(found(&place), ["EX-1", "EX-2"]);
    assert_eq!(place.run(&["db", "show", "EX-3", "--db", "db"]).status, 0);
}

#[test]
fn an_ecosystem_that_was_never_there_is_asked_for_again_unless_its_name_is_wrong() {
    let place = workplace();
    publish(&place, "bucket", &[record("EX-1", EARLY, "demo", "2.0")]);
    let files = folder(place.path("bucket"));
    let server = Server::start(move |request| match request.path.as_str() {
        "/npm/modified_id.csv" => Response::new(403, ""),
        _ => files(request),
    });
    let wrong = ["--ecosystem", "npm,pypi", "--ecosystem", "PyPI:1"];
    let run = update(&place, &server.url(""), &wrong);
    assert_eq!(
        (run.status, run.stderr.lines().count()),
        (2, 3),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr
            .contains("PyPI:1 is one release of PyPI; name that"),
        "{}",
        run.stderr
    );
    let run = place.run(&["fn.zip", "--db", "db"]);
    assert!(run.stderr.contains("of unknown age"), "{}", run.stderr);
    let before = server.requests().len();
    let run = place.run(&["db", "update", "--db", "db", "--url", &server.url("")]);
    assert_eq!(run.status, 2);
    let paths = ["/PyPI/modified_id.csv", "/npm/modified_id.csv"];
    assert_eq!(asked(&server, before), paths);
}

#[test]
fn where_nothing_can_be_had_there_is_no_database() {
    let place = workplace();
    let server = refusing();
    let run = update(&place, &server.url(""), &[]);
    assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{}", run.stderr);
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    assert!(!place.path("db/fnaudit.db").exists());
}

#[test]
fn an_archive_is_not_downloaded_again_because_something_else_failed() {
    let place = workplace();
    publish(&place, "bucket", &many(3, EARLY));
    publish_beside_the_archive(&place, &many(4, EARLY));
    let single = place.path("bucket/PyPI/EX-3.json");
    let right = fs::read(&single).unwrap();
    fs::write(&single, "<html>").unwrap();
    let server = Server::start(folder(place.path("bucket")));
    assert_eq!(update(&place, &server.url(""), &[]).status, 2);
    place.file("db/downloads/PyPI-1234.zip.part", "left by another run");
    fs::write(&single, right).unwrap();
    let before = server.requests().len();
    let run = update(&place, &server.url(""), &[]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert_eq!(found(&place).len(), 4);
    let requests = server.requests();
    let archive = requests[before..]
        .iter()
        .find(|r| r.path == "/PyPI/all.zip");
    assert!(archive.unwrap().header("if-none-match").is_some());
    let left: Vec<_> = fs::read_dir(place.path("db/downloads")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_finished_download_that_is_not_what_it_was_is_not_used() {
    let place = workplace();
    publish(&place, "bucket", &many(3, EARLY));
    publish_beside_the_archive(&place, &many(4, EARLY));
    let single = place.path("bucket/PyPI/EX-3.json");
    let right = fs::read(&single).unwrap();
    let server = Server::start(folder(place.path("bucket")));
    for change in [
        |bytes: &mut Vec<u8>| bytes[60] ^= 0x55,
        |bytes: &mut Vec<u8>| bytes.truncate(90),
    ] {
        fs::write(&single, "<html>").unwrap();
        assert_eq!(update(&place, &server.url(""), &[]).status, 2);
        for entry in fs::read_dir(place.path("db/downloads")).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|e| e == "zip") {
                let mut bytes = fs::read(&path).unwrap();
                change(&mut bytes);
                fs::write(path, bytes).unwrap();
            }
        }
        fs::write(&single, &right).unwrap();
        // What is damaged is thrown away, and then downloaded.
        let runs = [0, 1].map(|_| update(&place, &server.url(""), &[]));
        assert_eq!(runs[1].status, 0, "{}", runs[1].stderr);
        assert_eq!(found(&place).len(), 4);
        fs::remove_dir_all(place.path("db")).unwrap();
    }
}

#[test]
fn a_record_that_is_too_large_or_oddly_packed_is_left_out_with_a_warning() {
    let place = workplace();
    let json = record("EX-1", EARLY, "demo", "2.0").to_string();
    let huge = vec![b' '; (16 << 20) + 1];
    let mut archive = support::zip(&[
        ("EX-1.json", json.as_bytes()),
        ("EX-2.json", &huge),
        ("EX-3.json", json.as_bytes()),
    ]);
    let third = (0..archive.len() - 4)
        .filter(|&at| archive[at..].starts_with(b"PK\x01\x02"))
        .nth(2)
        .unwrap();
    // No method that there is.
    archive[third + 10] = 99;
    place.file("bucket/PyPI/all.zip", archive);
    let rows = ["EX-1", "EX-2", "EX-3"].map(|id| format!("{EARLY},{id}\n"));
    place.file("bucket/PyPI/modified_id.csv", rows.concat());
    let files = folder(place.path("bucket"));
    let server = Server::start(move |request| match request.path.as_str() {
        "/PyPI/EX-2.json" => Response::new(200, "").announce((16 << 20) + 1),
        _ => files(request),
    });
    let run = update(&place, &server.url(""), &[]);
    assert_eq!(
        (run.status, run.stderr.lines().count()),
        (0, 2),
        "{}",
        run.stderr
    );
    for part in [
        "larger than any OSV record",
        "method 99, which is not supported",
    ] {
        assert!(run.stderr.contains(part), "{}", run.stderr);
    }
    assert!(
        run.stdout.ends_with("; left out: 2 could not be read\n"),
        "{}",
        run.stdout
    );
    assert_eq!(found(&place), ["EX-1"]);
    // One by one it is no other.
    let withdrawn = json.replacen('{', r#"{"withdrawn": "2024-06-07T00:00:00Z", "#, 1);
    let withdrawn = withdrawn.replace(EARLY, LATE).replace("EX-1", "EX-3");
    place.file("bucket/PyPI/EX-3.json", withdrawn);
    let rows = rows
        .concat()
        .replace(&format!("{EARLY},EX-3"), &format!("{LATE},EX-3"));
    place.file("bucket/PyPI/modified_id.csv", rows);
    let run = update(&place, &server.url(""), &[]);
    assert_eq!(
        (run.status, run.stderr.lines().count()),
        (0, 1),
        "{}",
        run.stderr
    );
    assert!(run.stderr.starts_with("warning: "), "{}", run.stderr);
    assert!(
        run.stdout
            .ends_with("; left out: 1 withdrawn, 1 could not be read\n"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_listing_that_is_too_large_is_not_downloaded() {
    let place = workplace();
    let server = Server::start(|_: &Request| Response::new(200, "").announce((64 << 20) + 1));
    let run = update(&place, &server.url(""), &[]);
    assert_eq!(run.status, 2);
    assert!(run.stderr.contains("it is larger than"), "{}", run.stderr);
}

#[test]
fn a_server_that_did_not_answer_is_not_asked_first_again() {
    let place = workplace();
    publish(&place, "bucket", &[record("EX-1", EARLY, "demo", "2.0")]);
    let npm = record_of("npm", "EX-3", EARLY, "demo", "2.0");
    publish_as("npm", &place, "bucket", &[npm]);
    let good = Server::start(folder(place.path("bucket")));
    let bad = refusing();
    let more = ["--url", &good.url(""), "--ecosystem", "npm"];
    let run = update(&place, &bad.url(""), &more);
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert_eq!(bad.requests().len(), 1);
}

#[test]
fn a_list_that_fails_is_an_error_even_where_little_is_to_be_said() {
    let place = workplace();
    publish(&place, "bucket", &[record("EX-1", EARLY, "demo", "2.0")]);
    let server = Server::start(folder(place.path("bucket")));
    let list = server.url("/kev.json");
    let run = update(&place, &server.url(""), &["-q", "--kev-url", &list]);
    assert_eq!(
        (run.status, run.stderr.lines().count()),
        (2, 1),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.starts_with("error: cannot download"),
        "{}",
        run.stderr
    );
    assert_eq!(found(&place), ["EX-1"]);
}

#[test]
fn a_moment_that_is_still_to_come_makes_nothing_fresh() {
    let place = workplace();
    let future = "9999-01-01T00:00:00Z";
    for (records, said) in [
        (
            vec![record("EX-1", future, "demo", "2.0")],
            "is of unknown age; ",
        ),
        (
            vec![
                record("EX-1", future, "demo", "2.0"),
                record("EX-2", EARLY, "demo", "2.0"),
            ],
            "is of 2024-01-01, which is more than 7 days ago",
        ),
    ] {
        publish(&place, "bucket", &records);
        let run = place.run(&["db", "import", "bucket", "--db", "db"]);
        assert_eq!(run.status, 0, "{}", run.stderr);
        let run = place.run(&["fn.zip", "--db", "db", "--require-fresh"]);
        assert_eq!(run.status, 2);
        assert!(run.stderr.contains(said), "{}", run.stderr);
    }
}

#[cfg(unix)]
#[test]
fn an_export_can_be_read_by_whom_the_users_files_can() {
    use std::os::unix::fs::PermissionsExt;
    let place = workplace();
    publish(&place, "bucket", &[record("EX-1", EARLY, "demo", "2.0")]);
    place.run(&["db", "import", "bucket", "--db", "db"]);
    place.run(&["db", "export", "carried", "--db", "db"]);
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let usual = mode(place.file("usual", ""));
    assert_eq!(mode(place.path("carried")), usual & 0o644);
}

/// A limit on the size of files stands in for a full disk.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said_of_the_folder_of_the_database() {
    let place = workplace();
    publish(&place, "bucket", &many(1_000, EARLY));
    let program = place.command(&[]).get_program().to_owned();
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$@\"", "sh"])
        .arg(program)
        .args(["db", "import", "bucket/PyPI/all.zip", "--db", "db"])
        .current_dir(place.path(""))
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("cannot write the advisory database to db: "),
        "{said}"
    );
}

#[test]
fn single_records_that_are_large_together_are_taken_from_the_archive() {
    let place = workplace();
    publish(&place, "bucket", &many(20, EARLY));
    let files = folder(place.path("bucket"));
    let padding = " ".repeat(15 << 20).into_bytes();
    let server = Server::start(move |request| {
        if request.path.ends_with(".json") {
            let id = request.path.trim_start_matches("/PyPI/");
            let id = id.trim_end_matches(".json");
            let json = record(id, LATE, "demo", "2.0").to_string();
            return Response::new(200, [&padding[..], json.as_bytes()].concat());
        }
        files(request)
    });
    assert_eq!(update(&place, &server.url(""), &[]).status, 0);
    publish(&place, "bucket", &many(20, LATE));
    let run = update(&place, &server.url(""), &[]);
    assert!(
        run.stdout.starts_with("PyPI: downloaded, "),
        "{}",
        run.stdout
    );
    assert_eq!(found(&place).len(), 20);
}
