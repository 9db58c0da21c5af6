//! One download, over as many requests as it takes.

use std::error::Error;
use std::io::{self, Read};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::blocking::Response;
use reqwest::header::{
    HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, RANGE,
};
use reqwest::{StatusCode, Url};

use super::headers::{self, ContentRange, Validators};
use super::sink::{Partial, Sink, State};
use super::{DownloadError, Downloader, Event, Fetched, causes, innermost, shown};

const BUFFER_BYTES: usize = 64 << 10;
/// The longest wait that no server asked for.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// How many rows of failures there may be, each ended by a request that brought bytes.
const ROWS: u32 = 20;

/// Answers that may be another the next time.
const TEMPORARY: [StatusCode; 7] = [
    StatusCode::REQUEST_TIMEOUT,
    StatusCode::TOO_EARLY,
    StatusCode::TOO_MANY_REQUESTS,
    StatusCode::INTERNAL_SERVER_ERROR,
    StatusCode::BAD_GATEWAY,
    StatusCode::SERVICE_UNAVAILABLE,
    StatusCode::GATEWAY_TIMEOUT,
];

/// Why a request brought no file.
enum Failure {
    /// It would not help to ask again.
    Final(DownloadError),
    /// It may.
    Passing {
        why: String,
        after: Option<Duration>,
    },
}

impl From<DownloadError> for Failure {
    fn from(error: DownloadError) -> Self {
        Failure::Final(error)
    }
}

fn passing(why: impl Into<String>) -> Failure {
    Failure::Passing {
        why: why.into(),
        after: None,
    }
}

pub(super) struct Transfer<'a> {
    downloader: &'a Downloader,
    url: Url,
    shown: String,
    known: Option<&'a Validators>,
    max_bytes: u64,
    sink: &'a mut dyn Sink,
    on_event: &'a mut dyn FnMut(Event<'_>),
    /// What the bytes in the sink are of, and how many they are.
    partial: Option<Partial>,
    resumed: u64,
}

impl<'a> Transfer<'a> {
    pub fn new(
        downloader: &'a Downloader,
        url: Url,
        known: Option<&'a Validators>,
        max_bytes: u64,
        sink: &'a mut dyn Sink,
        on_event: &'a mut dyn FnMut(Event<'_>),
    ) -> Self {
        Transfer {
            downloader,
            shown: shown(url.as_str()),
            url,
            known,
            max_bytes,
            sink,
            on_event,
            partial: None,
            resumed: 0,
        }
    }

    /// Goes on with what is in the sink already.
    pub fn go_on_from(&mut self, partial: Option<Partial>) {
        self.resumed = partial.as_ref().map_or(0, |partial| partial.bytes);
        self.partial = partial;
    }

    pub fn run(&mut self) -> Result<Fetched, DownloadError> {
        let result = self.attempts();
        if result.is_err() && !self.keeps() {
            // What went wrong before says more than that this did, too.
            let _ = self.sink.clear();
        }
        result
    }

    fn attempts(&mut self) -> Result<Fetched, DownloadError> {
        let options = &self.downloader.options;
        let mut furthest = self.bytes();
        let mut failures = 0;
        let mut requests = 0;
        loop {
            let (why, after) = match self.attempt() {
                Ok(fetched) => return Ok(fetched),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Passing { why, after }) => (why, after.unwrap_or_default()),
            };
            requests += 1;
            if self.bytes() > furthest {
                furthest = self.bytes();
                failures = 0;
            }
            failures += 1;
            if failures >= options.attempts || requests >= options.attempts.saturating_mul(ROWS) {
                return Err(DownloadError::Failed {
                    url: self.shown.clone(),
                    why,
                    requests,
                    bytes: self.bytes(),
                    total: self.total(),
                    kept: self.keeps(),
                });
            }
            if after > options.max_wait {
                return Err(DownloadError::Busy {
                    url: self.shown.clone(),
                    why,
                    wait: after,
                });
            }
            let wait = back_off(options.first_wait, failures).max(after);
            (self.on_event)(Event::Waiting {
                url: &self.shown,
                reason: &why,
                wait,
            });
            thread::sleep(wait);
        }
    }

    /// One request, and its answer to the end.
    fn attempt(&mut self) -> Result<Fetched, Failure> {
        let (condition, rest) = (self.condition(), self.rest());
        let (is_conditional, asks_for_rest) = (condition.is_some(), rest.is_some());
        let mut request = self.downloader.client.get(self.url.clone());
        if let Some((name, value)) = condition {
            request = request.header(name, value);
        }
        if let Some((from, if_range)) = rest {
            request = request
                .header(RANGE, format!("bytes={from}-"))
                .header(IF_RANGE, if_range);
        }
        let response = request.send().map_err(|error| self.refused(&error))?;
        let headers = response.headers();
        match response.status() {
            StatusCode::OK => {
                self.check_encoding(headers)?;
                self.begin(headers, response.content_length())?;
            }
            StatusCode::PARTIAL_CONTENT if asks_for_rest => {
                self.check_encoding(headers)?;
                if !self.fits(headers) {
                    self.clear()?;
                    return Err(passing("the server sent another part than was asked for"));
                }
            }
            StatusCode::NOT_MODIFIED if is_conditional => {
                self.clear()?;
                return Ok(Fetched::NotModified);
            }
            StatusCode::RANGE_NOT_SATISFIABLE if asks_for_rest => {
                self.clear()?;
                return Err(passing("the server has no rest to what is here"));
            }
            status if TEMPORARY.contains(&status) => {
                return Err(Failure::Passing {
                    why: format!("the server answered {status}"),
                    after: headers::retry_after(headers, Timestamp::now()),
                });
            }
            status => {
                return Err(Failure::Final(DownloadError::Status {
                    url: self.shown.clone(),
                    status,
                }));
            }
        }
        self.read(response)?;
        let bytes = self.bytes();
        let validators = self
            .partial
            .as_ref()
            .map(|partial| partial.state.validators.clone());
        Ok(Fetched::New {
            validators: validators.unwrap_or_default(),
            bytes,
            resumed: self.resumed,
        })
    }

    fn check_encoding(&self, headers: &HeaderMap) -> Result<(), DownloadError> {
        match headers::encoding(headers) {
            None => Ok(()),
            Some(encoding) => Err(DownloadError::Encoded {
                url: self.shown.clone(),
                encoding,
            }),
        }
    }

    /// Takes the whole file, from its first byte.
    fn begin(&mut self, headers: &HeaderMap, total: Option<u64>) -> Result<(), DownloadError> {
        if total.is_some_and(|total| total > self.max_bytes) {
            self.clear()?;
            return Err(self.too_large());
        }
        let state = State {
            validators: Validators::of(headers),
            if_range: headers::if_range(headers),
            total,
        };
        self.clear()?;
        self.sink.begin(&state)?;
        self.partial = Some(Partial { bytes: 0, state });
        Ok(())
    }

    /// Whether the answer goes on with what is here.
    fn fits(&mut self, headers: &HeaderMap) -> bool {
        let (Some(range), Some(partial)) = (ContentRange::of(headers), &mut self.partial) else {
            return false;
        };
        let total = *partial.state.total.get_or_insert(range.total);
        range.start == partial.bytes
            && range.total == total
            && partial.state.validators.allow(&Validators::of(headers))
    }

    fn read(&mut self, mut response: Response) -> Result<(), Failure> {
        let (bytes, total) = (self.bytes(), self.total());
        let url = &self.shown;
        (self.on_event)(Event::Started { url, bytes, total });
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let read = match response.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(passing(innermost(&error))),
            };
            let bytes = self.bytes() + read as u64;
            if total.is_some_and(|total| bytes > total) {
                self.clear()?;
                return Err(passing("the server sent more than it announced"));
            }
            if bytes > self.max_bytes {
                self.clear()?;
                return Err(self.too_large().into());
            }
            self.sink.append(&buffer[..read])?;
            if let Some(partial) = &mut self.partial {
                partial.bytes = bytes;
            }
            (self.on_event)(Event::Bytes { bytes, total });
        }
        match total {
            Some(total) if self.bytes() < total => {
                Err(passing("the server sent less than it announced"))
            }
            _ => Ok(()),
        }
    }

    fn refused(&self, error: &reqwest::Error) -> Failure {
        let url = self.shown.clone();
        let why = innermost(error);
        if error.is_redirect() || error.is_builder() {
            DownloadError::Redirect { url, why }.into()
        } else if is_about_a_certificate(error) {
            DownloadError::Certificate { url, why }.into()
        } else {
            passing(why)
        }
    }

    fn clear(&mut self) -> Result<(), DownloadError> {
        self.partial = None;
        self.resumed = 0;
        self.sink.clear()
    }

    /// What to ask for changes with.
    fn condition(&self) -> Option<(HeaderName, HeaderValue)> {
        let known = self.known?;
        if let Some(tag) = &known.etag {
            return Some((IF_NONE_MATCH, header(tag)?));
        }
        Some((IF_MODIFIED_SINCE, header(known.last_modified.as_ref()?)?))
    }

    /// From which byte on, and under which condition, the rest can be asked for.
    fn rest(&self) -> Option<(u64, HeaderValue)> {
        let partial = self.partial.as_ref().filter(|partial| partial.bytes > 0)?;
        Some((partial.bytes, header(partial.state.if_range.as_ref()?)?))
    }

    /// Whether what is here outlives a failure.
    fn keeps(&self) -> bool {
        self.downloader.options.keep_partial && self.rest().is_some()
    }

    fn bytes(&self) -> u64 {
        self.partial.as_ref().map_or(0, |partial| partial.bytes)
    }

    fn total(&self) -> Option<u64> {
        self.partial
            .as_ref()
            .and_then(|partial| partial.state.total)
    }

    fn too_large(&self) -> DownloadError {
        DownloadError::TooLarge {
            url: self.shown.clone(),
            max: self.max_bytes,
        }
    }
}

/// Doubles from one failure to the next. A random half of it keeps clients that failed together from coming back together.
fn back_off(first: Duration, failures: u32) -> Duration {
    let doubled = 1u32
        .checked_shl(failures.saturating_sub(1))
        .unwrap_or(u32::MAX);
    let wait = first.saturating_mul(doubled).min(LONGEST_WAIT);
    wait.mul_f64(0.5 + fastrand::f64() / 2.0)
}

/// Validators come from files, too, which may hold what no header can.
fn header(value: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(value).ok()
}

fn is_about_a_certificate(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(|cause| {
        matches!(
            cause.downcast_ref(),
            Some(rustls::Error::InvalidCertificate(_))
        )
    })
}
