//! An HTTP server on the loopback that behaves as a test wants, well or badly.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use sha2::{Digest, Sha256};

/// A client that sends nothing, or takes nothing, for so long is given up.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// As the client wrote it: a proxy is given a whole address.
    pub target: String,
    /// Without the query, and without the host of a whole address.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// How many requests for the same path came before.
    pub nth: usize,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The first byte that is asked for, of a range that is open to the end.
    pub fn range(&self) -> Option<usize> {
        let from = self.header("range")?.strip_prefix("bytes=")?;
        from.strip_suffix('-')?.parse().ok()
    }
}

/// What happens to the rest of a body that is not sent.
#[derive(Clone, Copy, Debug)]
enum Rest {
    Closed,
    Silent,
}

#[derive(Clone, Debug)]
pub struct Response {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    announced: Option<usize>,
    cut: Option<(usize, Rest)>,
}

impl Response {
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        Response {
            status,
            headers: Vec::new(),
            announced: Some(body.len()),
            body,
            cut: None,
        }
    }

    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Another `Content-Length` than the body has, or none.
    pub fn announce(mut self, length: impl Into<Option<usize>>) -> Self {
        self.announced = length.into();
        self
    }

    /// Closes the connection after so many bytes of the body.
    pub fn cut(mut self, after: usize) -> Self {
        self.cut = Some((after, Rest::Closed));
        self
    }

    /// Sends no more after so many bytes of the body, until the client goes.
    pub fn stall(mut self, after: usize) -> Self {
        self.cut = Some((after, Rest::Silent));
        self
    }

    fn write(&self, stream: &mut dyn Stream) -> io::Result<()> {
        let mut head = format!("HTTP/1.1 {} -\r\nConnection: close\r\n", self.status);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        if let Some(length) = self.announced {
            head += &format!("Content-Length: {length}\r\n");
        }
        stream.write_all(format!("{head}\r\n").as_bytes())?;
        let sent = self.cut.map_or(self.body.len(), |(after, _)| after);
        stream.write_all(&self.body[..sent.min(self.body.len())])?;
        stream.flush()?;
        if let Some((_, Rest::Silent)) = self.cut {
            io::copy(&mut stream.take(u64::MAX), &mut io::sink())?;
        }
        Ok(())
    }
}

trait Stream: Read + Write {}
impl<S: Read + Write> Stream for S {}

type Handler = dyn Fn(&Request) -> Response + Send + Sync;

pub struct Server {
    scheme: &'static str,
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    stopped: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Server {
    pub fn start(handler: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Self {
        Server::serve("http", None, Box::new(handler))
    }

    pub fn start_tls(
        config: ServerConfig,
        handler: impl Fn(&Request) -> Response + Send + Sync + 'static,
    ) -> Self {
        Server::serve("https", Some(Arc::new(config)), Box::new(handler))
    }

    fn serve(scheme: &'static str, tls: Option<Arc<ServerConfig>>, handler: Box<Handler>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let stopped = Arc::new(AtomicBool::new(false));
        let (log, stop) = (requests.clone(), stopped.clone());
        let handler: Arc<Handler> = handler.into();
        let accepting = thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let (log, handler, tls) = (log.clone(), handler.clone(), tls.clone());
                // A client that goes away is no failure of the test.
                thread::spawn(move || stream.and_then(|s| answer(s, tls, &log, &*handler)));
            }
        });
        Server {
            scheme,
            address,
            requests,
            stopped,
            accepting: Some(accepting),
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// All requests so far, in order.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

/// One request to a connection.
fn answer(
    stream: TcpStream,
    tls: Option<Arc<ServerConfig>>,
    log: &Mutex<Vec<Request>>,
    handler: &Handler,
) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut plain;
    let mut secure;
    let stream: &mut dyn Stream = match tls {
        None => {
            plain = stream;
            &mut plain
        }
        Some(config) => {
            let connection = ServerConnection::new(config).map_err(io::Error::other)?;
            secure = StreamOwned::new(connection, stream);
            &mut secure
        }
    };
    let mut request = read_request(stream)?;
    {
        let mut log = log.lock().unwrap();
        request.nth = log.iter().filter(|r| r.path == request.path).count();
        log.push(request.clone());
    }
    handler(&request).write(stream)
}

fn read_request(stream: &mut dyn Stream) -> io::Result<Request> {
    let mut lines = Vec::new();
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let first = lines.first().ok_or(io::ErrorKind::InvalidData)?;
    let mut words = first.split(' ').map(str::to_owned);
    let method = words.next().unwrap_or_default();
    let target = words.next().unwrap_or_default();
    let path = match target.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => &target,
    };
    let path = path.split('?').next().unwrap_or_default().to_owned();
    let fields = lines[1..].iter().filter_map(|line| line.split_once(':'));
    let headers = fields.map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()));
    Ok(Request {
        headers: headers.collect(),
        method,
        target,
        path,
        nth: 0,
    })
}

/// A file as a good server has it.
#[derive(Clone, Debug)]
pub struct Served {
    pub content: Vec<u8>,
    pub etag: Option<String>,
    pub last_modified: Option<String>,
}

impl Served {
    /// With the tag that its content gives, and without a date.
    pub fn tagged(content: impl Into<Vec<u8>>) -> Self {
        let content = content.into();
        let digest = Sha256::digest(&content);
        let tag: String = digest[..8].iter().map(|b| format!("{b:02x}")).collect();
        Served {
            content,
            etag: Some(format!("\"{tag}\"")),
            last_modified: None,
        }
    }

    /// With a date, and without a tag.
    pub fn dated(content: impl Into<Vec<u8>>, date: &str) -> Self {
        Served {
            content: content.into(),
            etag: None,
            last_modified: Some(date.to_owned()),
        }
    }

    /// The file, the rest of it, or that it did not change.
    pub fn answer(&self, request: &Request) -> Response {
        let is_mine = |value: &str| {
            Some(value) == self.etag.as_deref() || Some(value) == self.last_modified.as_deref()
        };
        let asked = request
            .header("if-none-match")
            .or(request.header("if-modified-since"));
        let length = self.content.len();
        let response = if asked.is_some_and(is_mine) {
            Response::new(304, "").announce(None)
        } else {
            match request.range() {
                Some(from) if request.header("if-range").is_none_or(is_mine) => {
                    if from < length {
                        let range = format!("bytes {from}-{}/{length}", length - 1);
                        Response::new(206, &self.content[from..]).header("Content-Range", range)
                    } else {
                        let range = format!("bytes */{length}");
                        Response::new(416, "").header("Content-Range", range)
                    }
                }
                _ => Response::new(200, self.content.clone()),
            }
        };
        let fields = [("ETag", &self.etag), ("Last-Modified", &self.last_modified)];
        fields.into_iter().fold(
            response.header("Date", http_date(Timestamp::now())),
            |response, (name, value)| match value {
                Some(value) => response.header(name, value),
                None => response,
            },
        )
    }
}

/// Serves what is in a folder at the time of each request.
pub fn folder(root: PathBuf) -> impl Fn(&Request) -> Response + Send + Sync {
    move |request| {
        let name = request.path.trim_start_matches('/');
        let path = root.join(name);
        let is_inside = !name.split('/').any(|part| part == "..");
        match fs::read(&path) {
            Ok(content) if is_inside => {
                let modified = fs::metadata(&path).and_then(|metadata| metadata.modified());
                let modified = Timestamp::try_from(modified.unwrap()).unwrap();
                let served = Served {
                    last_modified: Some(http_date(modified)),
                    ..Served::tagged(content)
                };
                served.answer(request)
            }
            _ => Response::new(404, "not here"),
        }
    }
}

pub fn http_date(time: Timestamp) -> String {
    DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&time)
        .unwrap()
}
