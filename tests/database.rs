//! The database while something goes on around it: other processes, a disk that fills up, a proxy, a person who
//! answers.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use support::authority::Authority;
use support::server::{Request, Response, Server, folder};
use support::{Run, Workplace, metadata};

const MOMENT: &str = "2024-01-01T00:00:00Z";
/// What is waited for comes at once; a test whose other side fails ends after this.
const PATIENCE: Duration = Duration::from_secs(30);

fn record(id: &str, ecosystem: &str, name: &str) -> Value {
    json!({"id": id, "modified": MOMENT, "summary": "Something bad",
        "database_specific": {"severity": "HIGH"},
        "affected": [{"package": {"ecosystem": ecosystem, "name": name},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0"}]}]}]})
}

/// Lays the records of an ecosystem out as OSV's bucket does.
fn publish(place: &Workplace, bucket: &str, ecosystem: &str, records: &[Value]) {
    let mut listing = String::new();
    let mut files = Vec::new();
    for record in records {
        let id = record["id"].as_str().unwrap();
        listing += &format!("{MOMENT},{id}\n");
        files.push((format!("{id}.json"), record.to_string().into_bytes()));
    }
    let folder = format!("{bucket}/{ecosystem}");
    for (name, json) in &files {
        place.file(&format!("{folder}/{name}"), json);
    }
    let entries: Vec<(&str, &[u8])> = files.iter().map(|(n, j)| (n.as_str(), &j[..])).collect();
    place.zip(&format!("{folder}/all.zip"), &entries);
    place.file(&format!("{folder}/modified_id.csv"), listing);
}

/// A bucket with advisories of these ids about one package, and a server that has it.
fn serve(place: &Workplace, bucket: &str, ids: &[&str]) -> Server {
    let records: Vec<Value> = ids.iter().map(|id| record(id, "PyPI", "demo")).collect();
    publish(place, bucket, "PyPI", &records);
    Server::start(folder(place.path(bucket)))
}

/// A folder with an artifact that holds the package.
fn workplace() -> Workplace {
    let place = Workplace::new();
    place.file("fn.zip", artifact());
    place
}

fn artifact() -> Vec<u8> {
    support::zip(&[("demo-1.0.dist-info/METADATA", &metadata("demo", "1.0"))])
}

const UPDATE: [&str; 6] = ["db", "update", "--db", "db", "--ecosystem", "PyPI"];

fn update_from(url: &str) -> Vec<&str> {
    [&UPDATE[..], &["--url", url]].concat()
}

fn update(place: &Workplace, url: &str) -> Run {
    place.run(&update_from(url))
}

/// One line, and status 2.
fn is_refused(run: &Run) {
    assert_eq!(
        (run.status, run.stderr.lines().count()),
        (2, 1),
        "{}",
        run.stderr
    );
}

fn succeeds(run: &Run) {
    assert_eq!(run.status, 0, "{}", run.stderr);
}

const AUDIT: [&str; 6] = ["fn.zip", "--db", "db", "--format", "json", "-q"];

/// The ids of the advisories that an audit finds.
fn found(place: &Workplace) -> Vec<String> {
    ids_in(&place.run(&AUDIT))
}

fn ids_in(run: &Run) -> Vec<String> {
    assert!(run.status < 2, "{}", run.stderr);
    let report = run.json();
    let findings = report["findings"].as_array().unwrap().iter();
    let ids = findings.map(|finding| finding["advisory"]["id"].as_str().unwrap().to_owned());
    let mut ids: Vec<String> = ids.collect();
    ids.sort();
    ids
}

fn paths(server: &Server) -> BTreeSet<String> {
    server.requests().into_iter().map(|r| r.path).collect()
}

#[test]
fn of_two_that_write_at_once_the_second_says_that_it_waits_and_both_succeed() {
    let place = workplace();
    publish(&place, "bucket", "PyPI", &[record("EX-1", "PyPI", "demo")]);
    for second in [&UPDATE[..], &["db", "import", "bucket", "--db", "db"]] {
        let (asked, was_asked) = channel();
        let (open, opened) = channel::<()>();
        let opened = Mutex::new(opened);
        let files = folder(place.path("bucket"));
        let server = Server::start(move |request| {
            let _ = asked.send(());
            // Until the test lets go of the other end.
            let _ = opened.lock().unwrap().recv_timeout(PATIENCE);
            files(request)
        });
        let url = server.url("");
        let first = place.start(&update_from(&url));
        // Whoever asks the server has the lock.
        was_asked.recv_timeout(PATIENCE).unwrap();
        let is_update = second == UPDATE;
        let mut second = match is_update {
            true => place.start(&update_from(&url)),
            false => place.start(second),
        };
        let line = second.next_line();
        assert!(line.contains("another fnaudit is writing"), "{line}");
        assert_eq!(server.requests().len(), 1);
        drop(open);
        let (first, second) = (first.finish(), second.finish());
        succeeds(&first);
        succeeds(&second);
        assert_eq!(first.stderr, "");
        assert_eq!(second.stderr, line);
        if is_update {
            // It builds on what the first one brought.
            assert!(
                second.stdout.contains("PyPI: is up to date"),
                "{}",
                second.stdout
            );
        }
        succeeds(&place.run(&["db", "verify", "--db", "db"]));
        assert_eq!(found(&place), ["EX-1"]);
        fs::remove_dir_all(place.path("db")).unwrap();
    }
}

/// Records with more to match than to download: the temporary file outgrows the archive.
#[cfg(target_os = "linux")]
fn bulky() -> Vec<Value> {
    let bulky = |n: usize| {
        let mut record = record(&format!("EX-new-{n:02}"), "PyPI", "demo");
        let versions = (0..200).map(|v| format!("1.{n}.{v}")).collect::<Vec<_>>();
        record["affected"][0]["versions"] = json!(versions);
        record
    };
    (0..60).map(bulky).collect()
}

/// Runs the program with room for larger and larger files, which stand in for a disk that is full sooner or later,
/// until there is room enough. Whenever there was not, the database must be as it was. What was said is returned.
#[cfg(target_os = "linux")]
fn with_more_and_more_room(place: &Workplace, args: &[&str]) -> Vec<String> {
    let database = place.path("db/fnaudit.db");
    let before = fs::read(&database).unwrap();
    succeeds(&place.run(&["db", "verify", "--db", "db"]));
    let mut said = Vec::new();
    for blocks in (1..).step_by(48).take(40) {
        // What writes more is sent a signal that ends it, unless that is ignored.
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let run = Run::of(place.shell(&script, args).output().unwrap());
        if run.status == 0 {
            succeeds(&place.run(&["db", "verify", "--db", "db"]));
            return said;
        }
        is_refused(&run);
        assert!(fs::read(&database).unwrap() == before, "{}", run.stderr);
        let names = fs::read_dir(place.path("db")).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        for name in names {
            let known = ["fnaudit.db", "fnaudit.lock", "downloads"];
            assert!(known.contains(&&*name), "{name}: {}", run.stderr);
        }
        said.push(run.stderr);
    }
    panic!("there is never enough room: {said:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn an_update_on_a_disk_that_is_full_leaves_the_database_as_it_was() {
    let place = workplace();
    let old = serve(&place, "old", &["EX-old"]);
    publish(&place, "new", "PyPI", &bulky());
    publish(&place, "archive", "PyPI", &bulky());
    fs::remove_file(place.path("archive/PyPI/modified_id.csv")).unwrap();
    let new = Server::start(folder(place.path("new")));
    let archive = Server::start(folder(place.path("archive")));
    let written = "cannot write the advisory database to db: ";

    // Records come one by one, and then nothing new does, so that only the database is written.
    succeeds(&update(&place, &old.url("")));
    for _ in 0..2 {
        let said = with_more_and_more_room(&place, &update_from(&new.url("")));
        assert!(!said.is_empty());
        assert!(said.iter().all(|line| line.contains(written)), "{said:?}");
        assert_eq!(found(&place).len(), 60);
    }

    succeeds(&update(&place, &old.url("")));
    let said = with_more_and_more_room(&place, &update_from(&archive.url("")));
    let downloaded = |line: &String| line.contains(".part: cannot be written: ");
    assert!(said.iter().any(downloaded), "{said:?}");
    assert!(said.iter().any(|line| line.contains(written)), "{said:?}");
    assert!(
        said.iter()
            .all(|line| downloaded(line) || line.contains(written)),
        "{said:?}"
    );
    assert_eq!(found(&place).len(), 60);
}

#[cfg(target_os = "linux")]
#[test]
fn an_import_on_a_disk_that_is_full_leaves_the_database_as_it_was() {
    let place = workplace();
    let old = [record("EX-old", "PyPI", "demo")];
    publish(&place, "old", "PyPI", &old);
    publish(&place, "new", "PyPI", &bulky());
    publish(&place, "records", "PyPI", &bulky());
    fs::remove_file(place.path("records/PyPI/all.zip")).unwrap();
    succeeds(&place.run(&["db", "import", "new", "--db", "other"]));
    succeeds(&place.run(&["db", "export", "carried", "--db", "other"]));
    for source in ["new", "new/PyPI/all.zip", "records", "carried"] {
        succeeds(&place.run(&["db", "import", "old", "--db", "db"]));
        let said = with_more_and_more_room(&place, &["db", "import", source, "--db", "db"]);
        assert!(!said.is_empty());
        for line in said {
            let expected = "cannot write the advisory database to db: ";
            assert!(line.contains(expected), "{source}: {line}");
            assert!(line.ends_with("the one that was there is as it was\n"));
        }
        assert_eq!(found(&place).len(), 60);
    }
}

/// A disk that is really full, where the tests may mount one in a namespace of their own.
#[cfg(target_os = "linux")]
#[test]
fn a_small_disk_keeps_the_database_that_was_there() {
    let place = workplace();
    let old = serve(&place, "old", &["EX-old"]);
    publish(&place, "new", "PyPI", &bulky());
    fs::remove_file(place.path("new/PyPI/modified_id.csv")).unwrap();
    let new = Server::start(folder(place.path("new")));
    succeeds(&update(&place, &old.url("")));
    fs::create_dir(place.path("disk")).unwrap();
    let mount = "exec unshare -rm sh -c 'mount -t tmpfs none disk'";
    let mounted = place.shell(mount, &[]).output().unwrap();
    if !mounted.status.success() {
        eprintln!("skipped: no disk can be mounted here");
        return;
    }
    // It goes with the last process that sees it, so that everything is done in there.
    let script = r#"exec unshare -rm sh -c '
        mount -t tmpfs -o "size=$1k" none disk && cp db/fnaudit.db disk || exit 2
        shift
        "$0" "$@" >/dev/null 2>said
        echo $? >status
        ls -A disk >names
        "$0" db verify --db disk >/dev/null && "$0" fn.zip --db disk --format json -q
        ' "$0" "$@""#;
    let url = new.url("");
    let update = [
        "db",
        "update",
        "--db",
        "disk",
        "--ecosystem",
        "PyPI",
        "--url",
        &url,
    ];
    let import = ["db", "import", "new/PyPI/all.zip", "--db", "disk"];
    for command in [&update[..], &import] {
        let mut failures = 0;
        for size in (16..).step_by(64).take(20) {
            let size = size.to_string();
            let args = [&[size.as_str()], command].concat();
            let ids = ids_in(&Run::of(place.shell(script, &args).output().unwrap()));
            let read = |name: &str| fs::read_to_string(place.path(name)).unwrap();
            let said = read("said");
            if read("status") == "0\n" {
                assert_eq!(ids.len(), 60);
                break;
            }
            failures += 1;
            assert_eq!(read("status"), "2\n", "{said}");
            assert_eq!(said.lines().count(), 1, "{said}");
            assert!(said.contains("No space left on device"), "{said}");
            assert_eq!(ids, ["EX-old"]);
            assert!(!read("names").contains(".new"), "{}", read("names"));
        }
        assert!((1..20).contains(&failures), "{failures}");
    }
}

#[test]
fn all_ecosystems_are_those_on_the_list_without_their_releases() {
    let place = workplace();
    for (ecosystem, id) in [
        ("PyPI", "EX-1"),
        ("Debian", "EX-2"),
        ("Debian:12", "EX-3"),
        ("Alpine:v3.20", "EX-4"),
        ("Alpine", "EX-7"),
        ("Rocky Linux", "EX-5"),
        ("npm", "EX-6"),
    ] {
        publish(
            &place,
            "bucket",
            ecosystem,
            &[record(id, ecosystem, "demo")],
        );
    }
    let list = "Alpine\nAlpine:v3.20\nDebian\nDebian:12\n\n  \nPyPI\r\nRocky Linux\n\n";
    place.file("bucket/ecosystems.txt", list);
    let files = folder(place.path("bucket"));
    let server = Server::start(move |request| {
        let path = request.path.replace("%20", " ").replace("%3A", ":");
        files(&Request {
            path,
            ..request.clone()
        })
    });
    let url = server.url("");
    let all = |url: &str| {
        place.run(&[
            "db",
            "update",
            "--db",
            "db",
            "--ecosystem",
            "all",
            "--url",
            url,
        ])
    };
    let run = all(&url);
    succeeds(&run);
    assert_eq!(run.stderr, "");
    let fetched = ["Alpine", "Debian", "PyPI", "Rocky%20Linux"];
    let mut expected = BTreeSet::from(["/ecosystems.txt".to_owned()]);
    for name in fetched {
        expected.insert(format!("/{name}/modified_id.csv"));
        expected.insert(format!("/{name}/all.zip"));
    }
    assert_eq!(paths(&server), expected);
    assert_eq!(found(&place), ["EX-1"]);
    let run = place.run(&["db", "search", "demo", "--db", "db", "--format", "json"]);
    let packages = run.json();
    let packages = packages.as_array().unwrap().iter();
    let mut rows: Vec<String> = packages
        .map(|p| format!("{} {}", p["ecosystem"], p["advisories"]).replace('"', ""))
        .collect();
    rows.sort();
    assert_eq!(
        rows,
        [
            "Alpine [EX-7]",
            "Debian [EX-2]",
            "PyPI [EX-1]",
            "Rocky Linux [EX-5]"
        ]
    );

    // Then each is asked whether it changed, and nothing else.
    let before = server.requests().len();
    let run = all(&url);
    succeeds(&run);
    assert!(
        run.stdout.contains("Rocky Linux: is up to date"),
        "{}",
        run.stdout
    );
    let again = &server.requests()[before..];
    assert_eq!(again.len(), 1 + fetched.len());
    let listings = |r: &&Request| r.path.ends_with("/modified_id.csv");
    assert_eq!(again.iter().filter(listings).count(), fetched.len());

    for list in [None, Some(""), Some("\n \n"), Some("PyPI\nMissing\n")] {
        let path = place.file("bucket/ecosystems.txt", list.unwrap_or_default());
        if list.is_none() {
            fs::remove_file(path).unwrap();
        }
        let run = all(&url);
        is_refused(&run);
        let missing = if list.is_some_and(|list| list.contains("Missing")) {
            "holds no Missing"
        } else {
            "holds no ecosystems.txt"
        };
        assert!(run.stderr.contains(missing), "{list:?}: {}", run.stderr);
        assert_eq!(found(&place), ["EX-1"]);
    }
}

#[test]
fn a_flag_comes_before_the_variable_and_that_before_the_configuration_file() {
    let place = workplace();
    let servers = ["flag", "variable", "file"].map(|name| serve(&place, name, &[name]));
    let urls = servers.each_ref().map(|server| server.url("/"));
    place.file(
        "fnaudit.toml",
        format!("[database]\nurls = [\"{}\"]\n", urls[2]),
    );
    let empty = Server::start(|_| Response::new(404, ""));
    let two = format!("{},{}", empty.url(""), urls[1]);
    for (flag, variable, expected) in [
        (None, None, 2),
        (None, Some(""), 2),
        (None, Some(urls[1].as_str()), 1),
        (None, Some(two.as_str()), 1),
        (Some(urls[0].as_str()), Some(urls[1].as_str()), 0),
        (Some(urls[0].as_str()), None, 0),
    ] {
        let before = servers.each_ref().map(|server| server.requests().len());
        let flag = flag.map_or(Vec::new(), |url| vec!["--url", url]);
        let mut command = place.command(&[&UPDATE[..], &flag].concat());
        if let Some(url) = variable {
            command.env("FNAUDIT_OSV_URL", url);
        }
        succeeds(&Run::of(command.output().unwrap()));
        for (i, server) in servers.iter().enumerate() {
            let was_asked = server.requests().len() > before[i];
            assert_eq!(was_asked, i == expected, "{i}");
        }
        let name = ["flag", "variable", "file"][expected];
        assert_eq!(found(&place), [name]);
    }
}

#[test]
fn an_update_goes_through_the_proxy_unless_it_is_told_not_to() {
    let place = workplace();
    let proxy = serve(&place, "proxied", &["EX-proxied"]);
    let direct = serve(&place, "direct", &["EX-direct"]);
    let proxy_url = format!("http://me:secret@127.0.0.1:{}", proxy.port());
    let update = |url: &str, exempt: &str| {
        let mut command = place.command(&update_from(url));
        let command = command.env("HTTP_PROXY", &proxy_url);
        succeeds(&Run::of(command.env("NO_PROXY", exempt).output().unwrap()));
    };
    update("http://osv.example", "");
    let targets = |server: &Server| -> Vec<String> {
        server.requests().into_iter().map(|r| r.target).collect()
    };
    assert_eq!(
        targets(&proxy),
        [
            "http://osv.example/PyPI/modified_id.csv",
            "http://osv.example/PyPI/all.zip"
        ]
    );
    assert_eq!(found(&place), ["EX-proxied"]);
    for request in proxy.requests() {
        let credentials = request.header("proxy-authorization");
        assert_eq!(credentials, Some("Basic bWU6c2VjcmV0"));
    }
    update(&direct.url(""), "osv.example,127.0.0.1");
    assert_eq!(proxy.requests().len(), 2);
    assert_eq!(found(&place), ["EX-direct"]);
}

#[test]
fn an_update_believes_the_authorities_that_it_is_told_of() {
    let place = workplace();
    publish(&place, "bucket", "PyPI", &[record("EX-1", "PyPI", "demo")]);
    let authority = Authority::new();
    let files = folder(place.path("bucket"));
    let server = Server::start_tls(authority.config, files);
    let url = server.url("");
    let run = update(&place, &url);
    is_refused(&run);
    assert!(run.stderr.contains("UnknownIssuer"), "{}", run.stderr);
    assert!(!place.path("db/fnaudit.db").exists());

    place.file("certs/ca.pem", authority.pem);
    let args = update_from(&url);
    let flag = [&args[..], &["--ca-cert", "certs/ca.pem"]].concat();
    let by_flag = place.command(&flag);
    let mut by_variable = place.command(&args);
    by_variable.env("FNAUDIT_CA_CERT", "certs/ca.pem");
    for mut command in [by_flag, by_variable] {
        succeeds(&Run::of(command.output().unwrap()));
        assert_eq!(found(&place), ["EX-1"]);
        fs::remove_dir_all(place.path("db")).unwrap();
    }
    // In the configuration file it is beside that file, wherever the program runs.
    place.file(
        "certs/fnaudit.toml",
        "[database]\nca-certs = [\"ca.pem\"]\n",
    );
    let mut command = place.command(&args);
    command
        .current_dir(place.path("certs"))
        .env("FNAUDIT_DB", place.path("db"));
    succeeds(&Run::of(command.output().unwrap()));
}

#[cfg(unix)]
#[test]
fn who_has_the_database_open_keeps_reading_that_one() {
    use fnaudit::advisory::database::Database;

    let place = workplace();
    let old = serve(&place, "old", &["EX-old"]);
    let new = serve(&place, "new", &["EX-new"]);
    succeeds(&update(&place, &old.url("")));
    let open = || Database::open(&place.path("db")).unwrap().unwrap();
    let ids = |database: &Database| {
        let found = database.search("demo").unwrap();
        database.verify().unwrap();
        found[0].advisories.clone()
    };
    let before = open();
    assert_eq!(ids(&before), ["EX-old"]);
    assert_eq!(before.show("EX-old").unwrap().len(), 1);
    succeeds(&update(&place, &new.url("")));
    assert_eq!(ids(&before), ["EX-old"]);
    assert_eq!(before.show("EX-old").unwrap().len(), 1);
    assert_eq!(before.show("EX-new").unwrap().len(), 0);
    assert_eq!(ids(&open()), ["EX-new"]);
    // Also where its name is gone.
    fs::remove_dir_all(place.path("db")).unwrap();
    assert_eq!(ids(&before), ["EX-old"]);
}

/// The audit has opened the database and waits for its artifact while an update takes place.
#[cfg(target_os = "linux")]
#[test]
fn an_audit_under_way_matches_with_the_database_that_it_opened() {
    use std::io::Write;

    let place = workplace();
    let old = serve(&place, "old", &["EX-old"]);
    let new = serve(&place, "new", &["EX-new"]);
    succeeds(&update(&place, &old.url("")));
    let mut audit = place.start(&["-", "--db", "db", "--format", "json", "-q"]);
    let maps = format!("/proc/{}/maps", audit.id());
    let has_opened = || fs::read_to_string(&maps).unwrap().contains("/fnaudit.db");
    let tries = 0..PATIENCE.as_millis();
    let mut tries = tries.inspect(|_| thread::sleep(Duration::from_millis(1)));
    assert!(tries.any(|_| has_opened()), "it never opens the database");
    succeeds(&update(&place, &new.url("")));
    audit.stdin().write_all(&artifact()).unwrap();
    assert_eq!(ids_in(&audit.finish()), ["EX-old"]);
    assert_eq!(found(&place), ["EX-new"]);
}

/// A home without a database, a server with what is offered, and a stand-in for the rest of the world, which
/// nobody has any business with.
#[cfg(target_os = "linux")]
struct Offer {
    place: Workplace,
    server: Server,
    world: Server,
}

#[cfg(target_os = "linux")]
impl Offer {
    const QUESTION: &str = "There is no advisory database yet. Download one";

    /// None where there is no program to make a terminal with.
    fn new() -> Option<Self> {
        let place = workplace();
        place.terminal("true")?;
        for ecosystem in ["PyPI", "npm", "crates.io", "Go", "Maven"] {
            let id = format!("EX-{ecosystem}");
            publish(
                &place,
                "bucket",
                ecosystem,
                &[record(&id, ecosystem, "demo")],
            );
        }
        let server = Server::start(folder(place.path("bucket")));
        Some(Offer {
            place,
            server,
            world: Server::start(|_| Response::new(403, "")),
        })
    }

    /// Runs a shell command, in which `$PROGRAM` is the program, on a terminal where somebody types.
    fn on_terminal(&self, typed: &str, command: &str, variables: &[(&str, &str)]) -> Run {
        self.run(self.place.terminal(command).unwrap(), typed, variables)
    }

    fn run(
        &self,
        mut command: assert_cmd::Command,
        typed: &str,
        variables: &[(&str, &str)],
    ) -> Run {
        command
            .env("FNAUDIT_OSV_URL", self.server.url(""))
            .env("HTTPS_PROXY", self.world.url(""))
            .envs(variables.iter().copied())
            .write_stdin(typed);
        Run::of(command.output().unwrap())
    }

    /// The audit went on with the starter set, and nothing was asked of any server.
    fn was_not_taken(&self, run: &Run) {
        let said = run.stdout.clone() + &run.stderr;
        assert_eq!(run.status, 0, "{said}");
        assert!(said.contains("using the starter set"), "{said}");
        assert!(!self.place.path("home/cache/fnaudit").exists());
        assert_eq!(paths(&self.server), BTreeSet::new());
        assert_eq!(paths(&self.world), BTreeSet::new());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_download_is_offered_on_a_terminal_and_not_taken_without_a_yes() {
    let Some(offer) = Offer::new() else { return };
    for typed in ["n\n", "\n", "", "maybe\n"] {
        let run = offer.on_terminal(typed, "exec \"$PROGRAM\" fn.zip", &[]);
        assert!(run.stdout.contains(Offer::QUESTION), "{}", run.stdout);
        offer.was_not_taken(&run);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_download_that_is_said_yes_to_comes_from_the_server_that_the_variable_names() {
    let Some(offer) = Offer::new() else { return };
    let audit = "exec \"$PROGRAM\" fn.zip";
    let run = offer.on_terminal("y\n", audit, &[]);
    assert!(run.stdout.contains(Offer::QUESTION), "{}", run.stdout);
    assert_eq!(paths(&offer.world), BTreeSet::new(), "{}", run.stdout);
    assert_eq!(run.status, 1, "{}", run.stdout);
    assert!(run.stdout.contains("EX-PyPI"), "{}", run.stdout);
    let asked = paths(&offer.server);
    for ecosystem in ["PyPI", "npm", "crates.io", "Go", "Maven"] {
        assert!(asked.contains(&format!("/{ecosystem}/all.zip")));
    }
    // Then there is one, and nothing to ask.
    let before = offer.server.requests().len();
    let run = offer.on_terminal("", audit, &[]);
    assert!(!run.stdout.contains(Offer::QUESTION), "{}", run.stdout);
    assert_eq!(run.status, 1, "{}", run.stdout);
    assert_eq!(offer.server.requests().len(), before);
}

#[cfg(target_os = "linux")]
#[test]
fn a_server_that_fails_after_a_yes_leaves_the_starter_set_to_go_on_with() {
    let Some(offer) = Offer::new() else { return };
    fs::remove_dir_all(offer.place.path("bucket")).unwrap();
    let run = offer.on_terminal("y\n", "exec \"$PROGRAM\" fn.zip", &[]);
    assert_eq!(paths(&offer.world), BTreeSet::new(), "{}", run.stdout);
    assert!(run.stdout.contains("error: "), "{}", run.stdout);
    assert!(
        run.stdout.contains("using the starter set"),
        "{}",
        run.stdout
    );
    assert_eq!(run.status, 0, "{}", run.stdout);
}

#[cfg(target_os = "linux")]
#[test]
fn nothing_is_asked_in_a_pipeline_or_where_nobody_can_answer() {
    let Some(offer) = Offer::new() else { return };
    let audit = "exec \"$PROGRAM\" fn.zip";
    let runs = [
        // `script` waits for what is typed to be read: here nothing is.
        offer.on_terminal("", audit, &[("CI", "1")]),
        offer.on_terminal("", &format!("{audit} --offline"), &[]),
        offer.on_terminal("", &format!("{audit} </dev/null"), &[]),
        offer.on_terminal("", &format!("{audit} 2>&1 | cat"), &[]),
        offer.run(offer.place.command(&["fn.zip"]), "y\n", &[]),
        offer.run(offer.place.command(&["fn.zip"]), "y\n", &[("CI", "1")]),
    ];
    for run in runs {
        let said = run.stdout.clone() + &run.stderr;
        assert!(!said.contains(Offer::QUESTION), "{said}");
        offer.was_not_taken(&run);
    }
}

#[test]
fn a_hundred_audits_during_updates_find_what_one_server_or_the_other_has() {
    let place = workplace();
    let a: &[&str] = &["EX-a-1", "EX-a-2", "EX-a-3", "EX-both"];
    let b: &[&str] = &["EX-b-1", "EX-b-2", "EX-both"];
    let servers = [serve(&place, "a", a), serve(&place, "b", b)];
    succeeds(&update(&place, &servers[0].url("")));
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let updates = scope.spawn(|| {
            for n in 1.. {
                succeeds(&update(&place, &servers[n % 2].url("")));
                if n >= 4 && done.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        let read = || {
            for _ in 0..10 {
                let ids = found(&place);
                assert!(ids == a || ids == b, "{ids:?}");
            }
        };
        let readers: Vec<_> = (0..10).map(|_| scope.spawn(read)).collect();
        let results: Vec<_> = readers.into_iter().map(|reader| reader.join()).collect();
        // Before any of them fails the test, so that the updates end.
        done.store(true, Ordering::Relaxed);
        updates.join().unwrap();
        for result in results {
            result.unwrap();
        }
    });
    succeeds(&place.run(&["db", "verify", "--db", "db"]));
}

#[test]
fn an_update_follows_redirects_but_not_for_ever() {
    let place = workplace();
    let elsewhere = serve(&place, "bucket", &["EX-1"]);
    let base = elsewhere.url("");
    let server = Server::start(move |request| {
        Response::new(302, "").header("Location", base.clone() + &request.path)
    });
    succeeds(&update(&place, &server.url("")));
    assert_eq!(found(&place), ["EX-1"]);
    // What the other server says of its files is remembered for the address that was asked.
    let run = update(&place, &server.url(""));
    assert!(run.stdout.contains("PyPI: is up to date"), "{}", run.stdout);

    let circle = Server::start(|request| Response::new(302, "").header("Location", &request.path));
    let run = update(&place, &circle.url(""));
    is_refused(&run);
    assert!(run.stderr.contains("redirects more than"), "{}", run.stderr);
    assert_eq!(found(&place), ["EX-1"]);
}
