//! What servers say in [header fields](https://www.rfc-editor.org/rfc/rfc9110#section-8), believed only where it fits.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::{
    CONTENT_ENCODING, CONTENT_RANGE, DATE, ETAG, HeaderMap, HeaderName, LAST_MODIFIED, RETRY_AFTER,
};
use serde::{Deserialize, Serialize};

/// What tells one state of a file on a server from another, as an earlier answer said it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validators {
    /// The `ETag`.
    pub etag: Option<String>,
    /// The `Last-Modified`, as the server wrote it.
    pub last_modified: Option<String>,
}

impl Validators {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let owned = |name| text(headers, name).map(str::to_owned);
        Validators {
            etag: owned(ETAG),
            last_modified: owned(LAST_MODIFIED),
        }
    }

    /// Whether an answer with the rest of a file can be about this state of it. A server repeats the tag with it, and may
    /// leave out the date: <https://www.rfc-editor.org/rfc/rfc9110#section-15.3.7>
    pub(super) fn allow(&self, part: &Validators) -> bool {
        match (&self.etag, &self.last_modified, &part.last_modified) {
            (Some(tag), _, _) => part.etag.as_ref() == Some(tag),
            (None, Some(date), Some(other)) => date == other,
            (None, _, _) => true,
        }
    }
}

/// What to make a request for the rest of a file depend on, if anything proves that the file is the same.
/// A weak tag does not, nor does the date of a file that changed when it was sent:
/// <https://www.rfc-editor.org/rfc/rfc9110#section-13.1.5>
pub(super) fn if_range(headers: &HeaderMap) -> Option<String> {
    if let Some(tag) = text(headers, ETAG) {
        return tag.starts_with('"').then(|| tag.to_owned());
    }
    let modified = text(headers, LAST_MODIFIED)?;
    let sent = date(text(headers, DATE)?)?;
    (sent.as_second() > date(modified)?.as_second()).then(|| modified.to_owned())
}

/// The first byte, the byte after the last one, and the size of the whole, of a part that a server sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ContentRange {
    pub start: u64,
    pub end: u64,
    pub total: u64,
}

impl ContentRange {
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let (range, total) = text(headers, CONTENT_RANGE)?
            .strip_prefix("bytes ")?
            .split_once('/')?;
        let (start, last) = range.split_once('-')?;
        let (start, end) = (number(start)?, number(last)?.checked_add(1)?);
        let total = number(total)?;
        (start < end && end <= total).then_some(ContentRange { start, end, total })
    }
}

/// How long the server asks to wait: a number of seconds, or a date.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = text(headers, RETRY_AFTER)?;
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let wait = date(value)?.duration_since(now);
    Some(Duration::try_from(wait).unwrap_or(Duration::ZERO))
}

/// The encoding of what should not have one.
pub(super) fn encoding(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_ENCODING)?;
    let value = String::from_utf8_lossy(value.as_bytes());
    (!value.eq_ignore_ascii_case("identity") && !value.is_empty()).then(|| value.into_owned())
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn date(text: &str) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(text).ok()
}

/// Digits alone: the standard parser takes a sign.
fn number(text: &str) -> Option<u64> {
    text.bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    const EARLY: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const LATER: &str = "Sun, 06 Nov 1994 08:50:37 GMT";

    fn headers(fields: &[(HeaderName, &'static str)]) -> HeaderMap {
        let value = |text| HeaderValue::from_static(text);
        fields
            .iter()
            .map(|(name, text)| (name.clone(), value(text)))
            .collect()
    }

    #[test]
    fn a_range_is_read_if_it_can_be_one() {
        let read = |text| ContentRange::of(&headers(&[(CONTENT_RANGE, text)]));
        let range = |start, end, total| Some(ContentRange { start, end, total });
        for (text, expected) in [
            ("bytes 0-0/1", range(0, 1, 1)),
            ("bytes 5-9/10", range(5, 10, 10)),
            ("bytes 5-6/10", range(5, 7, 10)),
            ("bytes 5-9/*", None),
            ("bytes */10", None),
            ("bytes 5-10/10", None),
            ("bytes 9-5/10", None),
            ("bytes -9/10", None),
            ("bytes +5-9/10", None),
            ("bytes 0-18446744073709551615/18446744073709551615", None),
            ("bytes 0-99999999999999999999/99999999999999999999", None),
            ("lines 0-9/10", None),
            ("", None),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
        assert_eq!(ContentRange::of(&HeaderMap::new()), None);
    }

    #[test]
    fn a_wait_is_a_number_or_a_date() {
        let now = date(EARLY).unwrap();
        for (text, expected) in [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("99999999999999999999999", Some(u64::MAX)),
            (LATER, Some(60)),
            ("Sat, 05 Nov 1994 08:49:37 GMT", Some(0)),
            ("-5", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            let wait = retry_after(&headers(&[(RETRY_AFTER, text)]), now);
            assert_eq!(wait, expected.map(Duration::from_secs), "{text}");
        }
    }

    #[test]
    fn only_what_proves_the_same_bytes_is_gone_on_from() {
        for (fields, expected) in [
            (vec![(ETAG, "\"a\"")], Some("\"a\"")),
            (
                vec![(ETAG, "\"a\""), (LAST_MODIFIED, EARLY), (DATE, LATER)],
                Some("\"a\""),
            ),
            (vec![(ETAG, "W/\"a\"")], None),
            (
                vec![(ETAG, "W/\"a\""), (LAST_MODIFIED, EARLY), (DATE, LATER)],
                None,
            ),
            (vec![(LAST_MODIFIED, EARLY), (DATE, LATER)], Some(EARLY)),
            (vec![(LAST_MODIFIED, EARLY), (DATE, EARLY)], None),
            (vec![(LAST_MODIFIED, EARLY)], None),
            (vec![(LAST_MODIFIED, "today"), (DATE, LATER)], None),
            (vec![], None),
        ] {
            assert_eq!(
                if_range(&headers(&fields)).as_deref(),
                expected,
                "{fields:?}"
            );
        }
    }

    #[test]
    fn a_part_of_another_state_is_told() {
        let tag = |tag| Validators::of(&headers(&[(ETAG, tag)]));
        let date = |date| Validators::of(&headers(&[(LAST_MODIFIED, date)]));
        let none = Validators::default();
        for (held, part, allowed) in [
            (tag("\"a\""), tag("\"a\""), true),
            (tag("\"a\""), tag("\"b\""), false),
            (tag("\"a\""), none.clone(), false),
            (date(EARLY), date(EARLY), true),
            (date(EARLY), date(LATER), false),
            (date(EARLY), none, true),
        ] {
            assert_eq!(held.allow(&part), allowed, "{held:?} {part:?}");
        }
    }
}
