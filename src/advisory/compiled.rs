//! What matching needs of an OSV record about one package, in the form that the database stores.
//!
//! The encoding is [postcard](https://postcard.jamesmunns.com/)'s. Text is borrowed from the encoded
//! bytes, so that reading a package's advisories copies none of it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::advisory::osv;

/// An OSV record, as far as it is about one package.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Advisory<'a> {
    pub id: &'a str,
    #[serde(borrow)]
    pub aliases: Vec<&'a str>,
    pub summary: &'a str,
    /// The record's own scores, under one of several systems; the vector itself says which.
    pub severity: Vec<&'a str>,
    /// How GitHub words it; empty where it is not said.
    pub severity_word: &'a str,
    /// CWE ids.
    pub weaknesses: Vec<&'a str>,
    pub affected: Vec<Affected<'a>>,
}

/// The versions that are affected, and what is said of them alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Affected<'a> {
    /// Those over versions: a `GIT` range needs its repository.
    #[serde(borrow)]
    pub ranges: Vec<Vec<Event<'a>>>,
    pub versions: Vec<&'a str>,
    pub severity: Vec<&'a str>,
    /// RustSec's, `unmaintained`, `unsound` or `notice`; empty where it is none of them.
    pub informational: &'a str,
    /// RustSec's.
    pub categories: Vec<&'a str>,
    pub weaknesses: Vec<&'a str>,
}

/// Where a range starts or ends: <https://ossf.github.io/osv-schema/#affectedrangesevents-fields>.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event<'a> {
    Introduced(&'a str),
    Fixed(&'a str),
    LastAffected(&'a str),
    Limit(&'a str),
}

impl<'a> Advisory<'a> {
    /// The record with those of its `affected` entries that are about the package.
    pub fn new(record: &'a osv::Record, affected: &[&'a osv::Affected]) -> Self {
        let notes = &record.database_specific;
        Advisory {
            id: &record.id,
            aliases: texts(&record.aliases),
            summary: &record.summary,
            severity: scores(&record.severity).collect(),
            severity_word: notes.severity.as_deref().unwrap_or_default(),
            weaknesses: weaknesses([&notes.cwe_ids, &notes.cwes]),
            affected: affected.iter().map(|entry| Affected::new(entry)).collect(),
        }
    }

    /// Puts the encoded advisory behind what is in `out`.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), postcard::Error> {
        *out = postcard::to_extend(self, std::mem::take(out))?;
        Ok(())
    }
}

impl<'a> Affected<'a> {
    pub fn new(entry: &'a osv::Affected) -> Self {
        let notes = &entry.database_specific;
        let ordered = entry
            .ranges
            .iter()
            .filter(|range| matches!(range.kind.as_str(), "SEMVER" | "ECOSYSTEM"));
        Affected {
            ranges: ordered
                .map(|range| range.events.iter().flat_map(Event::of).collect())
                .collect(),
            versions: texts(&entry.versions),
            severity: scores(&entry.severity)
                .chain(notes.cvss.as_deref())
                .collect(),
            informational: notes.informational.as_deref().unwrap_or_default(),
            categories: texts(&notes.categories),
            weaknesses: weaknesses([&notes.cwes]),
        }
    }
}

impl<'a> Event<'a> {
    /// One field is set in each; of early records some have `introduced` and `fixed` in one.
    fn of(event: &'a osv::Event) -> impl Iterator<Item = Self> {
        let text = |field: &'a Option<String>| field.as_deref();
        [
            text(&event.introduced).map(Event::Introduced),
            text(&event.fixed).map(Event::Fixed),
            text(&event.last_affected).map(Event::LastAffected),
            text(&event.limit).map(Event::Limit),
        ]
        .into_iter()
        .flatten()
    }
}

fn texts(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

fn scores(severity: &[osv::Severity]) -> impl Iterator<Item = &str> {
    severity.iter().map(|severity| severity.score.as_str())
}

fn weaknesses<const N: usize>(lists: [&[osv::Weakness]; N]) -> Vec<&str> {
    lists.into_iter().flatten().map(osv::Weakness::id).collect()
}

/// A package's advisories, one encoded behind the other.
#[derive(Clone, Debug, Default)]
pub struct Advisories<'a> {
    encoded: Cow<'a, [u8]>,
}

impl<'a> Advisories<'a> {
    pub fn new(encoded: impl Into<Cow<'a, [u8]>>) -> Self {
        Advisories {
            encoded: encoded.into(),
        }
    }

    /// Those of several packages as those of one.
    pub fn joined(mut all: Vec<Self>) -> Self {
        if all.len() > 1 {
            let encoded = all.iter().map(|advisories| &*advisories.encoded);
            return Advisories::new(encoded.collect::<Vec<_>>().concat());
        }
        all.pop().unwrap_or_default()
    }

    /// Reads them all; an error where the bytes are none of ours.
    pub fn decode(&self) -> Result<Vec<Advisory<'_>>, postcard::Error> {
        let mut rest = &*self.encoded;
        let mut advisories = Vec::new();
        while !rest.is_empty() {
            let (advisory, behind) = postcard::take_from_bytes(rest)?;
            advisories.push(advisory);
            rest = behind;
        }
        Ok(advisories)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn record(value: serde_json::Value) -> osv::Record {
        serde_json::from_value(value).unwrap()
    }

    fn sample() -> osv::Record {
        record(json!({
            "id": "X-1", "aliases": ["CVE-1"], "summary": "s", "severity": [{"score": "7"}],
            "database_specific": {"severity": "HIGH", "cwe_ids": ["CWE-79"], "cwes": [{"cweId": "CWE-22"}]},
            "affected": [{
                "ranges": [
                    {"type": "GIT", "events": [{"introduced": "0"}]},
                    {"type": "SEMVER", "events": [
                        {"introduced": "0", "fixed": "1"}, {"last_affected": "2"}, {"limit": "*"}, {"unknown": "3"}]},
                ],
                "versions": ["1.0", "1.1"], "severity": [{"score": "9"}],
                "database_specific": {"cvss": "8", "informational": "notice", "categories": ["c"], "cwes": ["CWE-1"]},
            }, {}],
        }))
    }

    #[test]
    fn what_is_encoded_is_read_again() {
        let record = sample();
        let advisory = Advisory::new(&record, &[&record.affected[0]]);
        assert_eq!(advisory.severity_word, "HIGH");
        assert_eq!(advisory.weaknesses, ["CWE-79", "CWE-22"]);
        let [affected] = &advisory.affected[..] else {
            panic!("{advisory:?}");
        };
        use Event::{Fixed, Introduced, LastAffected, Limit};
        let events = [Introduced("0"), Fixed("1"), LastAffected("2"), Limit("*")];
        assert_eq!(affected.ranges, [events]);
        assert_eq!(affected.severity, ["9", "8"]);

        let whole = Advisory::new(&record, &record.affected.iter().collect::<Vec<_>>());
        let mut bytes = Vec::new();
        advisory.encode(&mut bytes).unwrap();
        whole.encode(&mut bytes).unwrap();
        let read = Advisories::new(&bytes);
        assert_eq!(read.decode().unwrap(), [advisory.clone(), whole.clone()]);
        let twice = Advisories::joined(vec![read.clone(), read.clone()]);
        assert_eq!(twice.decode().unwrap().len(), 4);
        assert_eq!(Advisories::joined(Vec::new()).decode().unwrap(), []);
        assert_eq!(Advisories::default().decode().unwrap(), []);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), flip in 0usize..80, bits: u8) {
            let _ = Advisories::new(&bytes).decode();
            let record = sample();
            let mut encoded = Vec::new();
            Advisory::new(&record, &record.affected.iter().collect::<Vec<_>>()).encode(&mut encoded).unwrap();
            let at = flip % encoded.len();
            encoded[at] ^= bits;
            let _ = Advisories::new(&encoded).decode();
        }
    }
}
