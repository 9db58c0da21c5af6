//! Fetches one file over HTTP.

use std::io::{self, Read, Write};
use std::sync::Once;
use std::time::Duration;

use reqwest::blocking::{Client, Response};

const USER_AGENT: &str = concat!("fnaudit/", env!("CARGO_PKG_VERSION"));
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
const BUFFER_BYTES: usize = 64 << 10;

/// How far a download is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DownloadProgress {
    pub bytes: u64,
    /// What the server announced, if anything.
    pub total: Option<u64>,
}

#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    #[error("cannot download {url}: {}", innermost(source))]
    Request { url: String, source: reqwest::Error },
    #[error("cannot download {url}: the server answered {status}")]
    Status {
        url: String,
        status: reqwest::StatusCode,
    },
    #[error("the download of {url} broke off after {bytes} bytes: {source}")]
    Broken {
        url: String,
        bytes: u64,
        source: io::Error,
    },
    #[error("cannot write the download of {url}: {source}")]
    Write { url: String, source: io::Error },
}

/// Writes what is at `url` (`http` or `https`) to `to`; returns the number of bytes.
///
/// A body that ends early is an error, after its beginning was written.
pub fn fetch(
    url: &str,
    to: &mut dyn Write,
    progress: &mut dyn FnMut(DownloadProgress),
) -> Result<u64, DownloadError> {
    let owned = || url.to_owned();
    let mut response = request(url).map_err(|source| DownloadError::Request {
        url: owned(),
        source,
    })?;
    let status = response.status();
    if !status.is_success() {
        return Err(DownloadError::Status {
            url: owned(),
            status,
        });
    }
    let total = response.content_length();
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut bytes = 0;
    loop {
        progress(DownloadProgress { bytes, total });
        let read = match response.read(&mut buffer) {
            Ok(0) => return Ok(bytes),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(source) => {
                return Err(DownloadError::Broken {
                    url: owned(),
                    bytes,
                    source,
                });
            }
        };
        to.write_all(&buffer[..read])
            .map_err(|source| DownloadError::Write {
                url: owned(),
                source,
            })?;
        bytes += read as u64;
    }
}

fn request(url: &str) -> reqwest::Result<Response> {
    install_tls();
    let client = Client::builder()
        .user_agent(USER_AGENT)
        .connect_timeout(CONNECT_TIMEOUT)
        // The default would end a long download on a slow line.
        .timeout(None)
        .build()?;
    client.get(url).send()
}

/// Makes `ring` the process's TLS provider, unless the program that uses this library chose one.
fn install_tls() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An error says that there is one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

/// The cause that says something: reqwest's own message only repeats the URL.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// Answers one request with `response` and hands back what was asked.
    fn serve(response: Vec<u8>) -> (String, thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/all.zip", listener.local_addr().unwrap());
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let reader = BufReader::new(stream.try_clone().unwrap());
            let lines = reader.lines().map_while(Result::ok);
            let request: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            stream.write_all(&response).unwrap();
            request.join("\n")
        });
        (url, server)
    }

    fn response(status: &str, announced: usize, body: &[u8]) -> Vec<u8> {
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {announced}\r\nConnection: close\r\n\r\n"
        );
        [head.as_bytes(), body].concat()
    }

    fn fetched(url: &str) -> (Result<u64, DownloadError>, Vec<u8>) {
        let mut body = Vec::new();
        (fetch(url, &mut body, &mut |_| {}), body)
    }

    #[test]
    fn a_body_arrives_whole() {
        let content: Vec<u8> = (0..200_000u32).map(|n| n as u8).collect();
        let (url, server) = serve(response("200 OK", content.len(), &content));
        let mut body = Vec::new();
        let mut last = None;
        let bytes = fetch(&url, &mut body, &mut |progress| last = Some(progress)).unwrap();
        assert_eq!((bytes, &body), (200_000, &content));
        let total = Some(200_000);
        assert_eq!(last, Some(DownloadProgress { bytes, total }));
        let request = server.join().unwrap();
        assert!(request.starts_with("GET /all.zip HTTP/1.1"), "{request}");
        assert!(
            request.to_lowercase().contains("user-agent: fnaudit/0."),
            "{request}"
        );
    }

    #[test]
    fn what_is_not_there_is_an_error() {
        let (url, server) = serve(response("404 Not Found", 4, b"gone"));
        let (result, body) = fetched(&url);
        let message = format!("cannot download {url}: the server answered 404 Not Found");
        assert_eq!(result.unwrap_err().to_string(), message);
        assert!(body.is_empty());
        server.join().unwrap();
    }

    #[test]
    fn a_body_that_is_cut_is_an_error() {
        let (url, server) = serve(response("200 OK", 100, b"only this"));
        let (result, body) = fetched(&url);
        assert_eq!(body, b"only this");
        let error = result.unwrap_err();
        assert!(
            matches!(error, DownloadError::Broken { bytes: 9, .. }),
            "{error}"
        );
        server.join().unwrap();
    }

    #[test]
    fn a_chunked_body_that_is_cut_is_an_error() {
        let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nonly\r\n";
        let (url, server) = serve(head.to_vec());
        let (result, _) = fetched(&url);
        assert!(
            matches!(result, Err(DownloadError::Broken { .. })),
            "{result:?}"
        );
        server.join().unwrap();
    }

    #[test]
    fn a_server_that_is_not_there_and_a_url_that_is_none_are_errors() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/all.zip", listener.local_addr().unwrap());
        drop(listener);
        for url in [url.as_str(), "all.zip", "ftp://localhost/all.zip"] {
            let error = fetched(url).0.unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("cannot download {url}: ")),
                "{error}"
            );
            assert!(!error.contains('\n'), "{error}");
        }
    }
}
