//! What goes wrong with downloads, and what to do then.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::StatusCode;
use thiserror::Error;

use crate::text::visible;

/// Why there is no file. No message shows credentials.
#[derive(Debug, Error)]
pub enum DownloadError {
    /// A file of [`DownloadOptions::ca_certs`](super::DownloadOptions::ca_certs) is of no use.
    #[error("{}: no certificates could be read: {why}; give a PEM file", .path.display())]
    CaCerts {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Nothing can be downloaded at all.
    #[error(
        "downloads are not possible: {why}; check the system's certificates, or name a PEM file in SSL_CERT_FILE"
    )]
    Client {
        /// What is wrong.
        why: String,
    },
    /// It names nothing that can be downloaded.
    #[error("cannot download {url}: {why}; give an http:// or https:// address")]
    Address {
        /// What was given.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// The server's certificate is not to be trusted.
    #[error(
        "cannot download {url}: {why}; if the authority is your own, add its certificate as a PEM file"
    )]
    Certificate {
        /// What was asked for.
        url: String,
        /// What is wrong with the certificate.
        why: String,
    },
    /// The server sends us where we do not go.
    #[error("cannot download {url}: {why}; check the address")]
    Redirect {
        /// What was asked for.
        url: String,
        /// Where it goes wrong.
        why: String,
    },
    /// The server says no, and would say it again.
    #[error("cannot download {url}: the server answered {status}{}", remedy(*.status))]
    Status {
        /// What was asked for.
        url: String,
        /// What the server answered.
        status: StatusCode,
    },
    /// The server is busy for longer than [`DownloadOptions::max_wait`](super::DownloadOptions::max_wait).
    #[error("cannot download {url}: {why}, and the server asks to wait {} seconds; run it again then", .wait.as_secs())]
    Busy {
        /// What was asked for.
        url: String,
        /// What the server answered.
        why: String,
        /// How long it asks to wait.
        wait: Duration,
    },
    /// The server compresses what it was asked to leave as it is.
    #[error("cannot download {url}: the server sends it with the encoding {}, which was not asked for; give another address", visible(.encoding))]
    Encoded {
        /// What was asked for.
        url: String,
        /// The server's `Content-Encoding`.
        encoding: String,
    },
    /// More than the caller takes.
    #[error(
        "cannot download {url}: it is larger than the {max} bytes that are taken; check the address"
    )]
    TooLarge {
        /// What was asked for.
        url: String,
        /// How much would have been taken.
        max: u64,
    },
    /// It went wrong too often.
    #[error("cannot download {url}: {why}{}", how_far(*.requests, *.bytes, *.total, *.kept))]
    Failed {
        /// What was asked for.
        url: String,
        /// What went wrong the last time.
        why: String,
        /// How often it was tried.
        requests: u32,
        /// How much had arrived.
        bytes: u64,
        /// The size of the file, if the server said it.
        total: Option<u64>,
        /// Whether the next download to the same file goes on from there.
        kept: bool,
    },
    /// The disk is full, or the folder not ours.
    #[error("{}: cannot be written: {source}; make room, or check the permissions", .path.display())]
    Write {
        /// What was to be written.
        path: PathBuf,
        /// Why it was not.
        source: io::Error,
    },
}

impl DownloadError {
    /// Whether the server says that there is no such file.
    pub fn is_missing(&self) -> bool {
        let DownloadError::Status { status, .. } = self else {
            return false;
        };
        matches!(*status, StatusCode::NOT_FOUND | StatusCode::GONE)
    }

    /// Whether it is about this machine, so that another server would not help.
    pub fn is_here(&self) -> bool {
        use DownloadError::{CaCerts, Client, Write};
        matches!(self, CaCerts { .. } | Client { .. } | Write { .. })
    }
}

fn remedy(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => "; check the address",
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            "; check the address, and the user and password in it"
        }
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
            "; put a user and password in the proxy's address"
        }
        _ => "",
    }
}

fn how_far(requests: u32, bytes: u64, total: Option<u64>, kept: bool) -> String {
    let requests = match requests {
        1 => " (1 request)".to_owned(),
        n => format!(" ({n} requests)"),
    };
    let arrived = match (bytes, total) {
        (0, _) => String::new(),
        (_, None) => format!(" after {bytes} bytes"),
        (_, Some(total)) => format!(" after {bytes} of {total} bytes"),
    };
    let next = if kept {
        "run it again: it goes on from there"
    } else {
        "check the network and the proxy settings, and run it again"
    };
    format!("{arrived}{requests}; {next}")
}
