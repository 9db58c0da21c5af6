//! Downloads from servers that behave, that do not, and that break off.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fnaudit::advisory::download::{
    DownloadError, DownloadOptions, Downloader, Event, Fetched, Validators,
};
use jiff::{SignedDuration, Timestamp};
use support::Workplace;
use support::authority::Authority;
use support::server::{Response, Served, Server, folder, http_date};
use tempfile::TempDir;

const EARLY: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const MAX: u64 = 1 << 20;

fn options() -> DownloadOptions {
    DownloadOptions {
        first_wait: Duration::from_millis(1),
        ..DownloadOptions::default()
    }
}

fn content() -> Vec<u8> {
    (0..100_000u32).map(|n| (n * 7 / 3) as u8).collect()
}

/// A folder to download into, and what was heard meanwhile.
struct Target {
    dir: TempDir,
    options: DownloadOptions,
    waits: Vec<(String, Duration)>,
    started: Vec<(u64, Option<u64>)>,
    last: u64,
}

impl Target {
    fn new() -> Self {
        Target {
            dir: TempDir::new().unwrap(),
            options: options(),
            waits: Vec::new(),
            started: Vec::new(),
            last: 0,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn fetch_if(
        &mut self,
        url: &str,
        known: Option<&Validators>,
    ) -> Result<Fetched, DownloadError> {
        let to = self.path("file");
        let downloader = Downloader::new(self.options.clone())?;
        downloader.fetch_file(url, known, &to, MAX, &mut |event| match event {
            Event::Started { bytes, total, .. } => self.started.push((bytes, total)),
            Event::Bytes { bytes, .. } => self.last = bytes,
            Event::Waiting { reason, wait, .. } => self.waits.push((reason.to_owned(), wait)),
        })
    }

    fn fetch(&mut self, url: &str) -> Result<Fetched, DownloadError> {
        self.fetch_if(url, None)
    }

    /// The message of a download that fails, of which nothing stays.
    fn failure(&mut self, url: &str) -> String {
        let message = self.fetch(url).unwrap_err().to_string();
        assert!(!message.contains('\n'), "{message}");
        assert_eq!(self.names(), [""; 0], "{message}");
        message
    }

    fn names(&self) -> Vec<String> {
        let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
        let entries = fs::read_dir(self.dir.path()).unwrap();
        let mut names: Vec<String> = entries.map(|entry| name(entry.unwrap())).collect();
        names.sort();
        names
    }

    /// The file is there, and nothing else.
    fn has(&self, content: &[u8]) {
        assert_eq!(self.names(), ["file"]);
        assert!(fs::read(self.path("file")).unwrap() == content);
    }

    /// Leaves what an interrupted process would.
    fn interrupt(&mut self, served: &Served, after: usize) -> Server {
        let (whole, cut) = (served.clone(), after);
        let server = Server::start(move |request| match request.nth {
            0 => whole.answer(request).cut(cut),
            _ => whole.answer(request),
        });
        self.options.attempts = 1;
        let error = self.fetch(&server.url("/file")).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("run it again: it goes on from there"),
            "{error}"
        );
        assert_eq!(self.names(), ["file.part", "file.part.json"]);
        server
    }
}

fn new(fetched: Fetched) -> (Validators, u64, u64) {
    match fetched {
        Fetched::New {
            validators,
            bytes,
            resumed,
        } => (validators, bytes, resumed),
        Fetched::NotModified => panic!("the file is said to be unchanged"),
    }
}

#[test]
fn a_file_arrives_whole_and_then_is_only_asked_after() {
    for served in [
        Served::tagged(content()),
        Served::dated(content(), EARLY),
        Served {
            last_modified: Some(EARLY.into()),
            ..Served::tagged(content())
        },
    ] {
        let file = served.clone();
        let server = Server::start(move |request| file.answer(request));
        let url = server.url("/file");
        let mut target = Target::new();
        let (validators, bytes, resumed) = new(target.fetch(&url).unwrap());
        assert_eq!((bytes, resumed), (100_000, 0));
        assert_eq!(validators.etag, served.etag);
        assert_eq!(validators.last_modified, served.last_modified);
        target.has(&content());
        assert_eq!(target.started, [(0, Some(100_000))]);
        assert_eq!(target.last, 100_000);
        let again = target.fetch_if(&url, Some(&validators)).unwrap();
        assert_eq!(again, Fetched::NotModified);
        target.has(&content());
        let requests = server.requests();
        let first = &requests[0];
        assert_eq!((first.method.as_str(), requests.len()), ("GET", 2));
        assert_eq!(first.header("accept-encoding"), Some("identity"));
        assert!(first.header("user-agent").unwrap().starts_with("fnaudit/"));
        for name in ["range", "if-range", "if-none-match", "if-modified-since"] {
            assert_eq!(first.header(name), None, "{name}");
        }
        let second = &requests[1];
        assert_eq!(second.header("if-none-match"), served.etag.as_deref());
        let date = served.last_modified.filter(|_| served.etag.is_none());
        assert_eq!(second.header("if-modified-since"), date.as_deref());
    }
}

#[test]
fn a_file_that_changed_arrives_anew() {
    let place = Workplace::new();
    let path = place.file("www/a/file", "old");
    let server = Server::start(folder(place.path("www")));
    let mut target = Target::new();
    let (old, ..) = new(target.fetch(&server.url("/a/file")).unwrap());
    target.has(b"old");
    fs::write(path, "new").unwrap();
    new(target.fetch_if(&server.url("/a/file"), Some(&old)).unwrap());
    target.has(b"new");
    let error = target.fetch(&server.url("/b")).unwrap_err();
    assert!(matches!(error, DownloadError::Status { status, .. } if status == 404));
    target.has(b"new");
}

#[test]
fn an_empty_file_and_one_of_unknown_length_arrive() {
    for (body, length) in [("", Some(0)), ("", None), ("text", None)] {
        let server = Server::start(move |_| Response::new(200, body).announce(length));
        let mut target = Target::new();
        let (_, bytes, _) = new(target.fetch(&server.url("/file")).unwrap());
        assert_eq!(bytes, body.len() as u64);
        target.has(body.as_bytes());
    }
}

#[test]
fn a_connection_that_is_cut_anywhere_is_taken_up_there() {
    for served in [Served::tagged(content()), Served::dated(content(), EARLY)] {
        for tenth in 0..=10 {
            let at = tenth * 10_000 - usize::from(tenth == 10);
            let file = served.clone();
            let server = Server::start(move |request| match request.nth {
                0 => file.answer(request).cut(at),
                _ => file.answer(request),
            });
            let mut target = Target::new();
            let (_, bytes, resumed) = new(target.fetch(&server.url("/file")).unwrap());
            assert_eq!((bytes, resumed), (100_000, 0));
            target.has(&content());
            let asked = &server.requests()[1];
            assert_eq!(asked.range(), Some(at).filter(|&at| at > 0));
            let date = served.last_modified.as_deref();
            let condition = served.etag.as_deref().or(date).filter(|_| at > 0);
            assert_eq!(asked.header("if-range"), condition);
        }
    }
}

#[test]
fn a_line_that_breaks_again_and_again_is_endured_while_bytes_come() {
    let served = Served::tagged(content());
    let server = Server::start(move |request| served.answer(request).cut(10_000));
    let mut target = Target::new();
    target.options.attempts = 2;
    new(target.fetch(&server.url("/file")).unwrap());
    target.has(&content());
    assert_eq!(server.requests().len(), 10);
}

#[test]
fn a_server_that_gives_byte_by_byte_is_left_in_the_end() {
    let served = Served::tagged(content());
    let server = Server::start(move |request| served.answer(request).cut(1));
    let mut target = Target::new();
    target.options.attempts = 2;
    let error = target.fetch(&server.url("/file")).unwrap_err();
    assert!(
        matches!(
            error,
            DownloadError::Failed {
                requests: 40,
                bytes: 40,
                total: Some(100_000),
                kept: true,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_server_that_falls_silent_is_left_and_asked_again() {
    let served = Served::tagged(content());
    let server = Server::start(move |request| match request.nth {
        0 => served.answer(request).stall(50_000),
        _ => served.answer(request),
    });
    let mut target = Target::new();
    target.options.stall = Duration::from_secs(1);
    new(target.fetch(&server.url("/file")).unwrap());
    target.has(&content());
    assert_eq!(target.waits[0].0, "operation timed out");
    assert_eq!(server.requests()[1].range(), Some(50_000));
}

#[test]
fn what_cannot_be_gone_on_with_begins_anew() {
    let weak = Served {
        etag: Some("W/\"weak\"".into()),
        ..Served::dated(content(), EARLY)
    };
    let nothing = Served {
        etag: None,
        ..Served::tagged(content())
    };
    for served in [weak, nothing] {
        let server = Server::start(move |request| match request.nth {
            0 => served.answer(request).cut(50_000),
            _ => served.answer(request),
        });
        let mut target = Target::new();
        new(target.fetch(&server.url("/file")).unwrap());
        target.has(&content());
        assert_eq!(server.requests()[1].range(), None);
    }
}

#[test]
fn another_process_goes_on() {
    for after in [1, 50_000, 99_999] {
        let mut target = Target::new();
        let server = target.interrupt(&Served::tagged(content()), after);
        let (_, bytes, resumed) = new(target.fetch(&server.url("/file")).unwrap());
        assert_eq!((bytes, resumed), (100_000, after as u64));
        target.has(&content());
        assert_eq!(server.requests()[1].range(), Some(after));
        assert_eq!(target.started[1], (after as u64, Some(100_000)));
    }
}

#[test]
fn a_part_goes_when_the_server_has_nothing_new() {
    let served = Served::tagged(content());
    let known = Validators {
        etag: served.etag.clone(),
        last_modified: None,
    };
    let mut target = Target::new();
    let server = target.interrupt(&served, 50_000);
    let fetched = target.fetch_if(&server.url("/file"), Some(&known)).unwrap();
    assert_eq!(fetched, Fetched::NotModified);
    assert_eq!(target.names(), [""; 0]);
}

#[test]
fn a_whole_part_is_asked_for_its_last_byte() {
    let mut target = Target::new();
    let server = target.interrupt(&Served::tagged(content()), 50_000);
    fs::write(target.path("file.part"), content()).unwrap();
    let (_, bytes, resumed) = new(target.fetch(&server.url("/file")).unwrap());
    assert_eq!((bytes, resumed), (100_000, 99_999));
    target.has(&content());
}

#[test]
fn a_file_that_changed_meanwhile_is_not_mixed_with_the_old_one() {
    let changed: Vec<u8> = content().into_iter().rev().collect();
    // A good server sees that the tag is another, or the date; one that heeds no `If-Range` is told by the tag.
    for (old, new_, heeds) in [
        (Served::tagged(content()), Served::tagged(&*changed), true),
        (
            Served::dated(content(), EARLY),
            Served::dated(&*changed, "Mon, 07 Nov 1994 08:49:37 GMT"),
            true,
        ),
        (Served::tagged(content()), Served::tagged(&*changed), false),
        (
            Served::tagged(content()),
            Served::dated(&*changed, EARLY),
            false,
        ),
        (
            Served::tagged(content()),
            Served::tagged(&changed[..70_000]),
            false,
        ),
        (
            Served::tagged(content()),
            Served::tagged(&changed[..40_000]),
            false,
        ),
    ] {
        let server = Server::start(move |request| {
            let mut request = request.clone();
            if !heeds {
                request.headers.retain(|(name, _)| name != "if-range");
            }
            match request.nth {
                0 => old.answer(&request).cut(50_000),
                _ => new_.answer(&request),
            }
        });
        let mut target = Target::new();
        let (_, bytes, resumed) = new(target.fetch(&server.url("/file")).unwrap());
        assert_eq!(resumed, 0);
        target.has(&changed[..bytes as usize]);
        assert_eq!(server.requests()[1].range(), Some(50_000));
    }
}

#[test]
fn a_part_that_lies_is_thrown_away() {
    for range in [
        None,
        Some("bytes 0-49999/100000"),
        Some("bytes 50001-99999/100000"),
        Some("bytes 50000-99999/200000"),
        Some("bytes 50000-99999/*"),
        Some("bytes 50000-40000/100000"),
        Some("anything"),
    ] {
        let served = Served::tagged(content());
        let tag = served.etag.clone().unwrap();
        let server = Server::start(move |request| match (request.nth, range) {
            (0, _) => served.answer(request).cut(50_000),
            (1, None) => Response::new(206, vec![0; 50_000]).header("ETag", &tag),
            (1, Some(range)) => Response::new(206, vec![0; 50_000])
                .header("ETag", &tag)
                .header("Content-Range", range),
            _ => served.answer(request),
        });
        let mut target = Target::new();
        new(target.fetch(&server.url("/file")).unwrap());
        target.has(&content());
        assert_eq!(server.requests()[2].range(), None);
    }
}

#[test]
fn a_part_that_is_longer_than_it_says_is_thrown_away() {
    let served = Served::tagged(content());
    let tag = served.etag.clone().unwrap();
    let server = Server::start(move |request| match request.nth {
        0 => served.answer(request).cut(50_000),
        1 => Response::new(206, vec![0; 60_000])
            .header("ETag", &tag)
            .header("Content-Range", "bytes 50000-99999/100000"),
        _ => served.answer(request),
    });
    let mut target = Target::new();
    new(target.fetch(&server.url("/file")).unwrap());
    target.has(&content());
    assert_eq!(target.waits[1].0, "the server sent more than it announced");
}

#[test]
fn a_length_that_is_too_long_is_a_body_that_broke_off_and_one_that_is_too_short_ends_it() {
    let server = Server::start(|request| match request.path.as_str() {
        "/short" => Response::new(200, "only this").announce(100),
        _ => Response::new(200, "file and more").announce(4),
    });
    let mut target = Target::new();
    let message = target.failure(&server.url("/short"));
    let expected = "after 9 of 100 bytes (5 requests); check the network and the proxy settings, and run it again";
    assert!(message.ends_with(expected), "{message}");
    // HTTP has no other end of a body than the one announced.
    new(target.fetch(&server.url("/long")).unwrap());
    target.has(b"file");
}

#[test]
fn a_chunked_body_that_is_cut_is_not_taken_for_the_whole() {
    let server = Server::start(|request| {
        let body = if request.nth == 0 {
            "4\r\nfile\r\n"
        } else {
            "4\r\nfile\r\n0\r\n\r\n"
        };
        Response::new(200, body)
            .announce(None)
            .header("Transfer-Encoding", "chunked")
    });
    let mut target = Target::new();
    new(target.fetch(&server.url("/file")).unwrap());
    target.has(b"file");
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn notes_that_lie_or_are_cut_do_no_harm() {
    let edit = |from: &'static str, to: &'static str| {
        move |target: &Target| {
            let path = target.path("file.part.json");
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.contains(from), "{text}");
            fs::write(path, text.replacen(from, to, 1)).unwrap();
        }
    };
    let write = |name: &'static str, content: &'static [u8]| {
        move |target: &Target| fs::write(target.path(name), content).unwrap()
    };
    type Lie = Box<dyn Fn(&Target)>;
    let lies: [Lie; 11] = [
        Box::new(edit("100000", "10")),
        Box::new(edit("100000", "100001")),
        Box::new(edit("100000", "0")),
        Box::new(edit("\"if_range\":\"", "\"if_range\":\"\\n")),
        Box::new(edit("\"if_range\":\"\\\"", "\"if_range\":\"\\\"other")),
        Box::new(edit("\"url_sha256\":\"", "\"url_sha256\":\"0")),
        Box::new(write("file.part.json", b"{\"url_sha256\":\"0")),
        Box::new(write("file.part.json", b"")),
        Box::new(write("file.part", b"")),
        Box::new(|target| fs::remove_file(target.path("file.part.json")).unwrap()),
        Box::new(|target| fs::remove_file(target.path("file.part")).unwrap()),
    ];
    for lie in lies {
        let mut target = Target::new();
        let server = target.interrupt(&Served::tagged(content()), 50_000);
        lie(&target);
        target.options.attempts = 3;
        let (_, _, resumed) = new(target.fetch(&server.url("/file")).unwrap());
        assert_eq!(resumed, 0);
        target.has(&content());
    }
}

#[test]
fn a_part_of_another_address_is_not_gone_on_with() {
    let mut target = Target::new();
    let server = target.interrupt(&Served::tagged(content()), 50_000);
    new(target.fetch(&server.url("/file?other")).unwrap());
    target.has(&content());
    assert_eq!(server.requests()[1].range(), None);
}

#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_a_part_leads_nowhere() {
    use std::os::unix::fs::symlink;

    for name in ["file.part", "file.part.json"] {
        let mut target = Target::new();
        let server = target.interrupt(&Served::tagged(content()), 50_000);
        let elsewhere = TempDir::new().unwrap();
        let other = elsewhere.path().join("other");
        fs::copy(target.path(name), &other).unwrap();
        let before = fs::read(&other).unwrap();
        fs::remove_file(target.path(name)).unwrap();
        symlink(&other, target.path(name)).unwrap();
        new(target.fetch(&server.url("/file")).unwrap());
        target.has(&content());
        assert!(!target.path("file").is_symlink());
        assert!(fs::read(other).unwrap() == before);
    }
}

#[test]
fn nothing_stays_of_a_download_where_nothing_is_to_stay() {
    let served = Served::tagged(content());
    let server = Server::start(move |request| served.answer(request).cut(0));
    let mut target = Target::new();
    target.options.keep_partial = false;
    target.failure(&server.url("/file"));
}

#[test]
fn what_may_pass_is_tried_again() {
    for status in [408, 425, 429, 500, 502, 503, 504] {
        let server = Server::start(move |request| match request.nth {
            0..=2 => Response::new(status, "not now"),
            _ => Response::new(200, "file"),
        });
        let mut target = Target::new();
        new(target.fetch(&server.url("/file")).unwrap());
        target.has(b"file");
        assert_eq!(target.waits.len(), 3);
        let expected = format!("the server answered {status}");
        assert!(
            target.waits[0].0.starts_with(&expected),
            "{:?}",
            target.waits
        );
    }
}

#[test]
fn what_does_not_pass_ends_in_an_error_after_the_last_attempt() {
    let server = Server::start(|_| Response::new(503, ""));
    let mut target = Target::new();
    target.options.attempts = 3;
    let message = target.failure(&server.url("/file"));
    let expected = "the server answered 503 Service Unavailable (3 requests); check the network";
    assert!(message.contains(expected), "{message}");
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn what_will_not_pass_is_not_tried_again() {
    for (status, said) in [
        (400, "400 Bad Request"),
        (
            401,
            "401 Unauthorized; check the address, and the user and password in it",
        ),
        (
            403,
            "403 Forbidden; check the address, and the user and password in it",
        ),
        (404, "404 Not Found; check the address"),
        (410, "410 Gone; check the address"),
        (501, "501 Not Implemented"),
        (204, "204 No Content"),
        (206, "206 Partial Content"),
        (304, "304 Not Modified"),
        (416, "416 Range Not Satisfiable"),
        (302, "302 Found"),
    ] {
        let server = Server::start(move |_| Response::new(status, ""));
        let url = server.url("/file");
        let message = Target::new().failure(&url);
        let expected = format!("cannot download {url}: the server answered {said}");
        assert_eq!(message, expected);
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn a_server_says_how_long_to_wait() {
    let past = || http_date(Timestamp::now() - SignedDuration::from_hours(1));
    let server = Server::start(move |request| match request.nth {
        0 => Response::new(429, "").header("Retry-After", "1"),
        1 => Response::new(503, "").header("Retry-After", past()),
        _ => Response::new(200, "file"),
    });
    let mut target = Target::new();
    new(target.fetch(&server.url("/file")).unwrap());
    target.has(b"file");
    assert_eq!(target.waits[0].1, Duration::from_secs(1));
    assert!(target.waits[1].1 < Duration::from_secs(1));
}

#[test]
fn a_server_that_asks_to_wait_for_too_long_is_not_waited_for() {
    let in_two_hours = || http_date(Timestamp::now() + SignedDuration::from_hours(2));
    let server = Server::start(move |request| {
        let wait = match request.path.as_str() {
            "/seconds" => "7200".to_owned(),
            "/endless" => "9".repeat(40),
            _ => in_two_hours(),
        };
        Response::new(429, "").header("Retry-After", wait)
    });
    for path in ["/seconds", "/endless", "/date"] {
        let mut target = Target::new();
        let error = target.fetch(&server.url(path)).unwrap_err();
        let DownloadError::Busy { wait, .. } = &error else {
            panic!("{error}")
        };
        assert!(*wait > Duration::from_secs(7000));
        let expected = "the server answered 429 Too Many Requests, and the server asks to wait ";
        assert!(error.to_string().contains(expected), "{error}");
    }
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn redirects_are_followed_but_not_for_ever() {
    let elsewhere = Server::start(|_| Response::new(200, "file"));
    let other = elsewhere.url("/other");
    let server = Server::start(move |request| {
        let to = match request.path.as_str() {
            "/relative" => "a/../found",
            "/absolute" => &other,
            "/loop" => "/loop",
            "/ftp" => "ftp://127.0.0.1/file",
            _ => return Response::new(200, "file"),
        };
        Response::new(302, "").header("Location", to)
    });
    for path in ["/relative", "/absolute"] {
        let mut target = Target::new();
        new(target.fetch(&server.url(path)).unwrap());
        target.has(b"file");
    }
    let asked = elsewhere.requests();
    assert_eq!((asked.len(), asked[0].header("referer")), (1, None));
    let message = Target::new().failure(&server.url("/loop"));
    assert!(
        message.ends_with("it redirects more than 10 times; check the address"),
        "{message}"
    );
    let count = |path| server.requests().iter().filter(|r| r.path == path).count();
    assert_eq!(count("/loop"), 11);
    Target::new().failure(&server.url("/ftp"));
    assert_eq!(count("/ftp"), 1);
}

#[test]
fn more_than_is_taken_is_refused() {
    let size = usize::try_from(MAX).unwrap();
    for announced in [Some(size + 1), None] {
        let server =
            Server::start(move |_| Response::new(200, vec![0; size + 1]).announce(announced));
        let message = Target::new().failure(&server.url("/file"));
        assert!(
            message.contains("it is larger than the 1048576 bytes that are taken"),
            "{message}"
        );
        assert_eq!(server.requests().len(), 1);
    }
    let server = Server::start(move |_| Response::new(200, vec![0; size]).announce(None));
    new(Target::new().fetch(&server.url("/file")).unwrap());
}

#[test]
fn endless_headers_end() {
    let server = Server::start(|_| Response::new(200, "").header("X", "x".repeat(4 << 20)));
    let mut target = Target::new();
    target.options.attempts = 2;
    target.failure(&server.url("/file"));
}

#[test]
fn an_encoding_that_was_not_asked_for_is_refused() {
    let server = Server::start(|request| match request.path.as_str() {
        "/file" => Response::new(200, "file").header("Content-Encoding", "identity"),
        _ => Response::new(200, "file").header("Content-Encoding", "gzip"),
    });
    let message = Target::new().failure(&server.url("/gzip"));
    assert!(
        message.contains("sends it with the encoding gzip"),
        "{message}"
    );
    new(Target::new().fetch(&server.url("/file")).unwrap());
}

#[test]
fn only_addresses_of_the_web_are_taken() {
    for url in [
        "all.zip",
        "ftp://localhost/all.zip",
        "file:///etc/passwd",
        "http://",
        "",
    ] {
        let message = Target::new().failure(url);
        assert!(
            message.starts_with(&format!("cannot download {url}: ")),
            "{message}"
        );
        assert!(
            message.ends_with("give an http:// or https:// address"),
            "{message}"
        );
    }
}

#[test]
fn a_server_that_is_not_there_is_an_error_that_tells_no_secret() {
    let server = Server::start(|_| Response::new(404, ""));
    let (mut target, port) = (Target::new(), server.port());
    target.options.attempts = 2;
    let url = format!("http://me:secret@127.0.0.1:{port}/file?token=secret");
    let answered = target.failure(&url);
    assert_eq!(
        server.requests()[0].header("authorization"),
        Some("Basic bWU6c2VjcmV0")
    );
    drop(server);
    let refused = target.failure(&url);
    for message in [answered, refused] {
        let expected = format!("cannot download http://127.0.0.1:{port}/file?...: ");
        assert!(message.starts_with(&expected), "{message}");
        assert!(!message.contains("secret"), "{message}");
    }
    assert_eq!(target.waits.len(), 1);
}

#[test]
fn a_text_arrives_in_memory() {
    let served = Served::tagged(content());
    let server = Server::start(move |request| match request.nth {
        0 => Response::new(503, ""),
        1 => served.answer(request).cut(50_000),
        _ => served.answer(request),
    });
    let url = server.url("/text");
    let downloader = Downloader::new(options()).unwrap();
    let (fetched, bytes) = downloader
        .fetch_bytes(&url, None, MAX, &mut |_| {})
        .unwrap();
    assert!(bytes == content());
    let (validators, length, resumed) = new(fetched);
    assert_eq!((length, resumed), (100_000, 0));
    assert_eq!(server.requests()[2].range(), Some(50_000));
    let again = downloader.fetch_bytes(&url, Some(&validators), MAX, &mut |_| {});
    assert_eq!(again.unwrap(), (Fetched::NotModified, Vec::new()));
    let error = downloader.fetch_bytes(&url, None, 99_999, &mut |_| {});
    assert!(matches!(error, Err(DownloadError::TooLarge { .. })));
}

#[test]
fn several_threads_share_a_downloader() {
    let place = Workplace::new();
    let names = ["a", "b", "c", "d", "e", "f"];
    for name in names {
        place.file(&format!("www/{name}"), name.repeat(50_000));
    }
    let server = Server::start(folder(place.path("www")));
    let downloader = Downloader::new(options()).unwrap();
    std::thread::scope(|scope| {
        for name in names {
            let (place, server, downloader) = (&place, &server, &downloader);
            scope.spawn(move || {
                let url = server.url(&format!("/{name}"));
                let to = place.path(name);
                downloader
                    .fetch_file(&url, None, &to, MAX, &mut |_| {})
                    .unwrap();
                assert!(fs::read_to_string(to).unwrap() == name.repeat(50_000));
            });
        }
    });
}

#[test]
fn a_place_that_cannot_be_written_to_is_an_error_at_once() {
    let server = Server::start(|_| Response::new(200, "file"));
    let downloader = Downloader::new(options()).unwrap();
    let mut target = Target::new();
    let to = target.path("missing/file");
    let error = downloader
        .fetch_file(&server.url("/file"), None, &to, MAX, &mut |_| {})
        .unwrap_err();
    assert!(
        matches!(&error, DownloadError::Write { path, .. } if path.ends_with("missing/file.part"))
    );
    fs::create_dir(target.path("file.part")).unwrap();
    assert!(matches!(
        target.fetch(&server.url("/file")),
        Err(DownloadError::Write { .. })
    ));
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn an_authority_of_ones_own_is_believed_if_it_is_named() {
    let plain = Server::start(|_| Response::new(200, "file"));
    let to_plain = plain.url("/file");
    let authority = Authority::new();
    let server = Server::start_tls(authority.config, move |request| {
        match request.path.as_str() {
            "/file" => Response::new(200, "file"),
            _ => Response::new(302, "").header("Location", &to_plain),
        }
    });
    let mut target = Target::new();
    let message = target.failure(&server.url("/file"));
    assert!(message.contains("UnknownIssuer"), "{message}");
    assert!(
        message.ends_with("add its certificate as a PEM file"),
        "{message}"
    );
    assert_eq!(target.waits, []);

    let place = Workplace::new();
    target.options.ca_certs = vec![place.file("ca.pem", authority.pem)];
    new(target.fetch(&server.url("/file")).unwrap());
    target.has(b"file");

    let error = target.fetch(&server.url("/insecure")).unwrap_err();
    assert!(matches!(error, DownloadError::Redirect { .. }), "{error}");
    assert_eq!(plain.requests().len(), 0);
}

#[test]
fn authorities_that_cannot_be_read_are_an_error() {
    let place = Workplace::new();
    let broken = "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n";
    let refused = |path: &Path| {
        let mut target = Target::new();
        target.options.ca_certs = vec![path.to_owned()];
        target.failure("http://127.0.0.1/file")
    };
    for path in [
        place.path("missing.pem"),
        place.path(""),
        place.file("empty.pem", ""),
        place.file("text.pem", "no certificate"),
        place.file("broken.pem", broken),
    ] {
        let message = refused(&path);
        let expected = format!("{}: no certificates could be read: ", path.display());
        assert!(message.starts_with(&expected), "{message}");
        assert!(message.ends_with("; give a PEM file"), "{message}");
    }
}

/// An export with one advisory.
fn export() -> Vec<u8> {
    let record = br#"{"id": "EX-1", "affected": [{"package": {"ecosystem": "PyPI", "name": "demo"},
        "versions": ["1.0"]}]}"#;
    support::zip(&[("EX-1.json", record)])
}

#[test]
fn the_program_imports_what_it_downloads() {
    let served = Served::tagged(export());
    let server = Server::start(move |request| match request.nth {
        0 => served.answer(request).cut(50),
        _ => served.answer(request),
    });
    let place = Workplace::new();
    let run = place.run(&["db", "import", &server.url("/all.zip"), "--db", "db"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(
        run.stdout.contains("1 advisory for 1 ecosystem"),
        "{}",
        run.stdout
    );
    assert!(run.stderr.contains("next try in"), "{}", run.stderr);
    assert_eq!(server.requests()[1].range(), Some(50));
}

#[test]
fn the_program_goes_through_the_proxy_unless_it_is_told_not_to() {
    let served = Served::tagged(export());
    let proxy = Server::start(move |request| served.answer(request));
    let served = Served::tagged(export());
    let direct = Server::start(move |request| served.answer(request));
    let place = Workplace::new();
    let proxy_url = format!("http://me:secret@127.0.0.1:{}", proxy.port());
    let import = |url: &str, exempt: &str| {
        let mut command = place.command(&["db", "import", url, "--db", "db"]);
        command
            .env("HTTP_PROXY", &proxy_url)
            .env("NO_PROXY", exempt);
        let output = command.output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    import("http://osv.example/all.zip", "");
    let asked = &proxy.requests()[0];
    assert_eq!(asked.target, "http://osv.example/all.zip");
    assert_eq!(
        asked.header("proxy-authorization"),
        Some("Basic bWU6c2VjcmV0")
    );
    import(&direct.url("/all.zip"), "osv.example,127.0.0.1");
    assert_eq!((proxy.requests().len(), direct.requests().len()), (1, 1));
    assert_eq!(direct.requests()[0].target, "/all.zip");
}

#[cfg(target_os = "linux")]
#[test]
fn the_program_believes_the_authorities_of_the_environment() {
    let authority = Authority::new();
    let served = Served::tagged(export());
    let server = Server::start_tls(authority.config, move |request| served.answer(request));
    let place = Workplace::new();
    let ca = place.file("ca.pem", authority.pem);
    let url = server.url("/all.zip");
    let mut command = place.command(&["db", "import", &url, "--db", "db"]);
    let output = command.env("SSL_CERT_FILE", ca).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn the_program_imports_under_the_authorities_that_are_named() {
    let authority = Authority::new();
    let served = Served::tagged(export());
    let server = Server::start_tls(authority.config, move |request| served.answer(request));
    let place = Workplace::new();
    let ca = place.file("ca.pem", authority.pem);
    let url = server.url("/all.zip");
    let import = |more: &[&str], variable: Option<&str>| {
        let args = [&["db", "import", &url, "--db", "db"], more].concat();
        let mut command = place.command(&args);
        if let Some(variable) = variable {
            command.env("FNAUDIT_CA_CERT", variable);
        }
        command.output().unwrap().status.success()
    };
    assert!(!import(&[], None));
    assert!(import(&["--ca-cert", "ca.pem"], None));
    assert!(import(&[], ca.to_str()));
    place.file("fnaudit.toml", "[database]\nca-certs = [\"ca.pem\"]\n");
    assert!(import(&[], None));
}

/// A limit on the size of files stands in for a full disk: the write fails in the middle.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_is_full_is_said_at_once() {
    let served = Served::tagged(vec![0; 200_000]);
    let server = Server::start(move |request| served.answer(request));
    let place = Workplace::new();
    let program = place.command(&[]).get_program().to_owned();
    let output = std::process::Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 100; exec \"$@\"", "sh"])
        .arg(program)
        .args(["db", "import", &server.url("/all.zip"), "--db", "db"])
        .current_dir(place.path(""))
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(".part: cannot be written: "), "{said}");
    assert!(
        said.trim_end()
            .ends_with("make room, or check the permissions"),
        "{said}"
    );
    assert_eq!(server.requests().len(), 1);
}
