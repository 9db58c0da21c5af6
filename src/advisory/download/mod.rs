//! Fetches files over [HTTP](https://www.rfc-editor.org/rfc/rfc9110): asks only for what changed, goes on where a
//! download broke off, tries again what may pass, and believes no server.
//!
//! Proxies are those of `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`. Certificates are verified with the
//! system's authorities and [`DownloadOptions::ca_certs`]. On Linux and the BSDs `SSL_CERT_FILE` and `SSL_CERT_DIR`
//! name files and folders to use in place of the system's; macOS and Windows know their own stores alone.

mod error;
mod headers;
mod sink;
mod transfer;

use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::Duration;

use reqwest::blocking::{Client, ClientBuilder};
use reqwest::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};
use reqwest::redirect::{Action, Attempt, Policy};
use reqwest::{Certificate, Url};

use crate::text::visible;
use sink::{FileSink, MemorySink};
use transfer::Transfer;

pub use error::DownloadError;
pub use headers::Validators;

const USER_AGENT: &str = concat!("fnaudit/", env!("CARGO_PKG_VERSION"));
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
const MAX_REDIRECTS: usize = 10;

/// How to reach servers.
#[derive(Clone, Debug)]
pub struct DownloadOptions {
    /// PEM files of authorities that count beside the system's.
    pub ca_certs: Vec<PathBuf>,
    /// How often in a row a request may fail. One that brought bytes begins a new row.
    pub attempts: u32,
    /// The wait after the first failure; it doubles from one to the next.
    pub first_wait: Duration,
    /// A server that asks to wait longer is not waited for.
    pub max_wait: Duration,
    /// A connection that brings nothing for so long is given up.
    pub stall: Duration,
    /// Whether what arrived before a failure stays beside the file, for a later process to go on from.
    pub keep_partial: bool,
}

impl Default for DownloadOptions {
    fn default() -> Self {
        DownloadOptions {
            ca_certs: Vec::new(),
            attempts: 5,
            first_wait: Duration::from_secs(1),
            max_wait: Duration::from_secs(120),
            stall: Duration::from_secs(60),
            keep_partial: true,
        }
    }
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// The server has what was known.
    NotModified,
    /// The whole file is here.
    New {
        /// What a later request asks for changes with.
        validators: Validators,
        /// The size of the file.
        bytes: u64,
        /// How much of it was there from an earlier download that broke off.
        resumed: u64,
    },
}

/// How a download gets on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// The server answers with the file, or with the rest of it.
    Started {
        /// Without credentials.
        url: &'a str,
        /// How much is here already.
        bytes: u64,
        /// The size of the file, if the server says it.
        total: Option<u64>,
    },
    /// More arrived.
    Bytes {
        /// How much is here.
        bytes: u64,
        /// The size of the file, if the server says it.
        total: Option<u64>,
    },
    /// A request failed; another follows.
    Waiting {
        /// Without credentials.
        url: &'a str,
        /// What failed.
        reason: &'a str,
        /// How long until the next.
        wait: Duration,
    },
}

/// Downloads from any number of threads.
pub struct Downloader {
    client: Client,
    options: DownloadOptions,
}

impl Downloader {
    /// Reads the certificates and the proxy settings.
    pub fn new(options: DownloadOptions) -> Result<Self, DownloadError> {
        install_tls();
        let mut authorities = Vec::new();
        for path in &options.ca_certs {
            authorities.extend(read_certificates(path)?);
        }
        // A builder that was given a list of none builds another kind of verifier on some systems.
        let builder = if authorities.is_empty() {
            builder(&options)
        } else {
            builder(&options).tls_certs_merge(authorities)
        };
        let client = builder.build().map_err(|error| DownloadError::Client {
            why: innermost(&error),
        })?;
        Ok(Downloader { client, options })
    }

    /// Downloads to the file `to`, which is replaced when everything is here, and not before.
    ///
    /// `known` is what an earlier answer said, if that file is still there. What arrives is held in `to` with `.part`
    /// added to its name, and what is needed to go on with it in `.part.json`. Nobody else may download to the same
    /// file meanwhile.
    pub fn fetch_file(
        &self,
        url: &str,
        known: Option<&Validators>,
        to: &Path,
        max_bytes: u64,
        on_event: &mut dyn FnMut(Event<'_>),
    ) -> Result<Fetched, DownloadError> {
        let address = parse(url)?;
        let (mut sink, partial) = FileSink::open(to, &address)?;
        let mut transfer = Transfer::new(self, address, known, max_bytes, &mut sink, on_event);
        transfer.go_on_from(partial);
        let fetched = transfer.run()?;
        if matches!(fetched, Fetched::New { .. }) {
            sink.finish()?;
        }
        Ok(fetched)
    }

    /// Downloads a small text into memory.
    pub fn fetch_bytes(
        &self,
        url: &str,
        known: Option<&Validators>,
        max_bytes: u64,
        on_event: &mut dyn FnMut(Event<'_>),
    ) -> Result<(Fetched, Vec<u8>), DownloadError> {
        let mut sink = MemorySink::default();
        let fetched =
            Transfer::new(self, parse(url)?, known, max_bytes, &mut sink, on_event).run()?;
        Ok((fetched, sink.bytes))
    }
}

fn builder(options: &DownloadOptions) -> ClientBuilder {
    let mut headers = HeaderMap::new();
    // Lengths and ranges are to mean bytes of the file.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    Client::builder()
        .user_agent(USER_AGENT)
        .default_headers(headers)
        .connect_timeout(CONNECT_TIMEOUT)
        // Of the blocking client, this is the limit of each wait, and not of the whole.
        .timeout(options.stall)
        .redirect(Policy::custom(redirected))
        // Where a redirect leads to need not know the address that led there.
        .referer(false)
}

fn redirected(attempt: Attempt<'_>) -> Action {
    let is_secure = |url: &Url| url.scheme() == "https";
    if attempt.previous().len() > MAX_REDIRECTS {
        attempt.error(format!("it redirects more than {MAX_REDIRECTS} times"))
    } else if attempt.previous().iter().any(is_secure) && !is_secure(attempt.url()) {
        attempt.error("it redirects from https to what is not secure")
    } else {
        attempt.follow()
    }
}

fn read_certificates(path: &Path) -> Result<Vec<Certificate>, DownloadError> {
    let refused = |why: String| DownloadError::CaCerts {
        path: path.to_owned(),
        why,
    };
    let pem = fs::read(path).map_err(|error| refused(error.to_string()))?;
    match Certificate::from_pem_bundle(&pem) {
        Ok(certificates) if certificates.is_empty() => Err(refused("there are none in it".into())),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(refused(innermost(&error))),
    }
}

/// Makes `ring` the process's TLS provider, unless the program that uses this library chose one.
fn install_tls() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An error says that there is one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

fn parse(url: &str) -> Result<Url, DownloadError> {
    let refused = |why: &str| DownloadError::Address {
        url: shown(url),
        why: why.to_owned(),
    };
    let parsed = Url::parse(url).map_err(|error| refused(&error.to_string()))?;
    match parsed.scheme() {
        "http" | "https" => Ok(parsed),
        _ => Err(refused("it is neither http nor https")),
    }
}

/// An address without what may be secret: user, password and query.
pub fn shown(url: &str) -> String {
    let Some(mut parsed) = Url::parse(url).ok().filter(Url::has_host) else {
        let rest = url.rsplit_once('@').map_or(url, |(_, rest)| rest);
        let rest = rest.split_once('?').map_or(rest, |(rest, _)| rest);
        return visible(rest).into_owned();
    };
    // These fail where there is no user to take away.
    let _ = parsed.set_username("");
    let _ = parsed.set_password(None);
    parsed.set_fragment(None);
    if parsed.query().is_some() {
        parsed.set_query(Some("..."));
    }
    visible(parsed.as_str()).into_owned()
}

/// The cause that says something: the outer ones repeat the address, or say that there was an error.
fn innermost(error: &(dyn Error + 'static)) -> String {
    causes(error)
        .last()
        .map_or_else(|| error.to_string(), ToString::to_string)
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        // An `io::Error` leaves out the error that it was made of, and gives that one's cause.
        match error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_of_an_address_is_shown() {
        for (url, expected) in [
            ("https://osv.example/all.zip", "https://osv.example/all.zip"),
            (
                "https://me:secret@osv.example/all.zip",
                "https://osv.example/all.zip",
            ),
            ("http://secret@[::1]:8080/a#b", "http://[::1]:8080/a"),
            (
                "https://osv.example/all.zip?signature=secret",
                "https://osv.example/all.zip?...",
            ),
            (
                "https://me:secret@osv.example:no/all.zip?secret",
                "osv.example:no/all.zip",
            ),
            ("me:secret@osv.example/a", "osv.example/a"),
            ("all\u{1b}.zip", "all\\u{1b}.zip"),
        ] {
            assert_eq!(shown(url), expected);
        }
    }
}
