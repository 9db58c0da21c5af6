//! How bad an advisory says it is: CVSS vectors first, a database's own word where there are none.

use cvss::Cvss;

use crate::advisory::compiled::{Advisory, Affected};
use crate::finding::{Severity, SeveritySource};

/// A CVSS vector and what it comes to.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    pub vector: String,
    /// The base score; for CVSS 4.0 the score of the vector as it stands, threat metrics included.
    pub value: f64,
    pub severity: Severity,
    version: CvssVersion,
}

/// Oldest first: of several vectors the newest version's is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum CvssVersion {
    V2,
    V3_0,
    V3_1,
    V4,
}

/// What one record says of one package.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Assessment {
    /// `None` where the record says nothing.
    pub severity: Option<Severity>,
    pub source: SeveritySource,
    pub score: Option<Score>,
}

pub fn assess(advisory: &Advisory) -> Assessment {
    let affected = &advisory.affected;
    let score = affected
        .iter()
        .flat_map(|a| &a.severity)
        .chain(&advisory.severity)
        .filter_map(|vector| Score::parse(vector))
        .max_by(|a, b| a.version.cmp(&b.version).then(a.value.total_cmp(&b.value)));
    let (severity, source) = if is_malware(advisory) {
        (Some(Severity::Critical), SeveritySource::Database)
    } else if affected.iter().any(is_notice) {
        (Some(Severity::Info), SeveritySource::Database)
    } else if let Some(score) = &score {
        (Some(score.severity), SeveritySource::Cvss)
    } else if let Some(severity) = stated(advisory) {
        (Some(severity), SeveritySource::Database)
    } else {
        (None, SeveritySource::Default)
    };
    Assessment {
        severity,
        source,
        score,
    }
}

/// What the database says in words of its own.
fn stated(advisory: &Advisory) -> Option<Severity> {
    let mut affected = advisory.affected.iter();
    let mut unsound = || affected.any(|a| a.informational == "unsound");
    from_word(advisory.severity_word).or_else(|| unsound().then_some(Severity::Low))
}

/// Whether the package is itself an attack: OpenSSF's malicious packages, and RustSec's category.
pub fn is_malware(advisory: &Advisory) -> bool {
    let mut ids = advisory.aliases.iter().chain([&advisory.id]);
    ids.any(|id| id.starts_with("MAL-"))
        || advisory
            .affected
            .iter()
            .any(|a| a.categories.contains(&"malicious"))
}

/// RustSec's advisories that are no vulnerability.
fn is_notice(affected: &Affected) -> bool {
    matches!(affected.informational, "unmaintained" | "notice")
}

fn from_word(word: &str) -> Option<Severity> {
    match word.to_ascii_uppercase().as_str() {
        "LOW" => Some(Severity::Low),
        "MODERATE" | "MEDIUM" => Some(Severity::Medium),
        "HIGH" | "IMPORTANT" => Some(Severity::High),
        "CRITICAL" => Some(Severity::Critical),
        _ => None,
    }
}

impl Score {
    /// `None` for what is no CVSS vector, such as a bare number or another system's word.
    pub fn parse(vector: &str) -> Option<Score> {
        let vector = vector.trim();
        // CVSS 2.0 vectors are often written in parentheses.
        let bare = vector.trim_start_matches('(').trim_end_matches(')');
        let cvss: Cvss = bare.parse().ok()?;
        let version = match &cvss {
            Cvss::CvssV20(_) => CvssVersion::V2,
            Cvss::CvssV30(vector) if is_complete(vector) => CvssVersion::V3_0,
            Cvss::CvssV31(vector) if is_complete(vector) => CvssVersion::V3_1,
            Cvss::CvssV40(_) => CvssVersion::V4,
            _ => return None,
        };
        let value = (cvss.score() * 10.0).round() / 10.0;
        Some(Score {
            vector: bare.to_owned(),
            value,
            severity: rate(cvss.severity()),
            version,
        })
    }
}

/// Whether all base metrics are there. For versions 2 and 4 the parser sees to that.
fn is_complete(vector: &cvss::v3::Vector) -> bool {
    let exploitability = vector.av.is_some()
        && vector.ac.is_some()
        && vector.pr.is_some()
        && vector.ui.is_some()
        && vector.s.is_some();
    exploitability && vector.c.is_some() && vector.i.is_some() && vector.a.is_some()
}

fn rate(severity: cvss::Severity) -> Severity {
    match severity {
        cvss::Severity::None => Severity::Info,
        cvss::Severity::Low => Severity::Low,
        cvss::Severity::Medium => Severity::Medium,
        cvss::Severity::High => Severity::High,
        cvss::Severity::Critical => Severity::Critical,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::advisory::osv;

    fn assessed(value: Value) -> Assessment {
        let mut value = value;
        value["id"] = value.get("id").cloned().unwrap_or(json!("X-1"));
        let record: osv::Record = serde_json::from_value(value).unwrap();
        assess(&Advisory::new(
            &record,
            &record.affected.iter().collect::<Vec<_>>(),
        ))
    }

    #[test]
    fn scores_are_those_the_specifications_work_out() {
        for (vector, value, severity) in [
            // FIRST's CVSS 2.0 guide, section 3.3: CVE-2002-0392, CVE-2003-0818, CVE-2003-0062.
            ("AV:N/AC:L/Au:N/C:N/I:N/A:C", 7.8, Severity::High),
            ("(AV:N/AC:L/Au:N/C:C/I:C/A:C)", 10.0, Severity::High),
            ("AV:L/AC:H/Au:N/C:C/I:C/A:C", 6.2, Severity::Medium),
            ("AV:N/AC:L/Au:N/C:N/I:N/A:N", 0.0, Severity::Low),
            // FIRST's CVSS 3.0 and 3.1 examples: CVE-2013-1937, CVE-2013-0375, CVE-2014-3566,
            // CVE-2012-1516, CVE-2012-5376, and one whose impact is nothing.
            (
                "CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N",
                6.1,
                Severity::Medium,
            ),
            (
                "CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N",
                6.4,
                Severity::Medium,
            ),
            (
                "CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N",
                3.1,
                Severity::Low,
            ),
            (
                "CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H",
                9.9,
                Severity::Critical,
            ),
            (
                "CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:H/I:H/A:H",
                9.6,
                Severity::Critical,
            ),
            (
                "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N",
                0.0,
                Severity::Info,
            ),
            // FIRST's CVSS 4.0 examples: CVE-2021-44228 and CVE-2013-6014; and threat metrics at work.
            (
                "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H",
                10.0,
                Severity::Critical,
            ),
            (
                "CVSS:4.0/AV:A/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:L/SC:H/SI:N/SA:H",
                6.4,
                Severity::Medium,
            ),
            (
                "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/E:P",
                8.9,
                Severity::High,
            ),
            (
                "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:N/SC:N/SI:N/SA:N",
                0.0,
                Severity::Info,
            ),
        ] {
            let score = Score::parse(vector).unwrap_or_else(|| panic!("{vector} does not parse"));
            assert_eq!((score.value, score.severity), (value, severity), "{vector}");
        }
    }

    #[test]
    fn what_is_no_vector_is_no_score() {
        for text in [
            "",
            "7.5",
            "High",
            "CVSS:5.0/AV:N",
            "CVSS:3.1/AV:N",
            "CVSS:4.0/AV:N",
            "AV:N/AC:L",
            "()",
        ] {
            assert_eq!(Score::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_newest_cvss_version_wins_wherever_it_stands() {
        let v2 = "AV:N/AC:L/Au:N/C:C/I:C/A:C";
        let v3 = "CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N";
        let v30 = "CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:H/I:H/A:H";
        let v4 = "CVSS:4.0/AV:A/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:L/SC:H/SI:N/SA:H";
        let found = assessed(json!({"severity": [{"score": v2}, {"score": v3}, {"score": v30}]}));
        assert_eq!(found.severity, Some(Severity::Low));
        let found = assessed(
            json!({"severity": [{"score": v3}], "affected": [{"severity": [{"score": v4}]}]}),
        );
        assert_eq!(found.score.map(|s| s.value), Some(6.4));
        let found = assessed(json!({"affected": [{"database_specific": {"cvss": v30}}]}));
        assert_eq!(found.severity, Some(Severity::Critical));
        let found = assessed(
            json!({"severity": [{"score": v2}], "database_specific": {"severity": "LOW"}}),
        );
        assert_eq!(found.severity, Some(Severity::High));
        assert_eq!(found.source, SeveritySource::Cvss);
    }

    #[test]
    fn without_a_vector_the_database_has_its_say() {
        let assessed_word = |word| assessed(json!({"database_specific": {"severity": word}}));
        assert_eq!(assessed_word("LOW").source, SeveritySource::Database);
        assert_eq!(assessed_word("bad").source, SeveritySource::Default);
        let word = |word| assessed_word(word).severity;
        assert_eq!(word("MODERATE"), Some(Severity::Medium));
        assert_eq!(word("medium"), Some(Severity::Medium));
        assert_eq!(word("Critical"), Some(Severity::Critical));
        assert_eq!(word("unknown"), None);
        assert_eq!(assessed(json!({})), Assessment::default());
    }

    #[test]
    fn rustsec_notices_and_malware_have_their_own_severity() {
        let vector = "CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H";
        let informational = |kind, cvss: Option<&str>| {
            assessed(
                json!({"affected": [{"database_specific": {"informational": kind, "cvss": cvss}}]}),
            )
            .severity
        };
        assert_eq!(
            informational("unmaintained", Some(vector)),
            Some(Severity::Info)
        );
        assert_eq!(informational("notice", None), Some(Severity::Info));
        assert_eq!(informational("unsound", None), Some(Severity::Low));
        assert_eq!(
            informational("unsound", Some(vector)),
            Some(Severity::Critical)
        );
        assert_eq!(
            assessed(json!({"id": "MAL-2024-1"})).severity,
            Some(Severity::Critical)
        );
        assert_eq!(
            assessed(json!({"aliases": ["MAL-2024-1"]})).severity,
            Some(Severity::Critical)
        );
        let category = json!({"affected": [{"database_specific": {"categories": ["malicious"]}}]});
        assert_eq!(assessed(category).severity, Some(Severity::Critical));
    }

    proptest! {
        #[test]
        fn no_vector_panics(
            prefix in "(CVSS:(3.0|3.1|4.0)/)?",
            metrics in prop::collection::vec("(AV|AC|AT|Au|PR|UI|S|C|I|A|VC|VI|VA|SC|SI|SA|E|MAV|CR|R|U|RL|TD):[A-Z]{1,3}", 0..14),
        ) {
            if let Some(score) = Score::parse(&(prefix + &metrics.join("/"))) {
                prop_assert!((0.0..=10.0).contains(&score.value));
            }
        }
    }
}
