//! The order of RPM packages, `[epoch:]version[-release]`:
//! <https://rpm-software-management.github.io/rpm/man/rpm-version.7>.
//!
//! No release is before every release: to the tools of RPM it matches any, which is no order.

use super::number::{Number, runs};

/// A version of an RPM package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RpmVersion {
    epoch: Number,
    version: Part,
    release: Part,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Part(Vec<Segment>);

/// What separates segments makes no difference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Tilde,
    End,
    Caret,
    Letters(Box<str>),
    Number(Number),
}

impl RpmVersion {
    pub fn parse(text: &str) -> Option<RpmVersion> {
        let text = text.trim();
        let with_epoch = text
            .split_once(':')
            .and_then(|(epoch, rest)| Some((Number::parse(epoch)?, rest)));
        let (epoch, version) = with_epoch.unwrap_or((Number::ZERO, text));
        let (version, release) = version.rsplit_once('-').unwrap_or((version, ""));
        if !version.contains(|c: char| c.is_ascii_alphanumeric()) {
            return None;
        }
        Some(RpmVersion {
            epoch,
            version: Part::parse(version),
            release: Part::parse(release),
        })
    }
}

impl Part {
    fn parse(text: &str) -> Part {
        let mut segments = Vec::new();
        let is_mark = |c: char| !c.is_ascii_alphanumeric();
        for piece in text.split_inclusive(is_mark) {
            let word = piece.trim_end_matches(is_mark);
            segments.extend(runs(word).map(|run| match Number::parse(run) {
                Some(number) => Segment::Number(number),
                None => Segment::Letters(run.into()),
            }));
            match &piece[word.len()..] {
                "~" => segments.push(Segment::Tilde),
                "^" => segments.push(Segment::Caret),
                _ => {}
            }
        }
        segments.push(Segment::End);
        Part(segments)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_ascending, assert_equal, assert_refused};
    use super::*;

    #[test]
    fn orders_as_rpm_does() {
        assert_ascending(
            RpmVersion::parse,
            &[
                "1.0~~",
                "1.0~beta",
                "1.0~rc1-1",
                "1.0~rc1^git1",
                "1.0~rc2",
                "1.0",
                "1.0-1~x",
                "1.0-1.el8",
                "1.0-1.el8_4",
                "1.0-1.el9",
                "1.0-2",
                "1.0-10",
                "1.0^",
                "1.0^20240101-1",
            ],
        );
        assert_ascending(
            RpmVersion::parse,
            &[
                "a",
                "1.Z",
                "1.a",
                "1.ab",
                "1.0",
                "1.0^git1",
                "1.0a",
                "1.0.1",
                "1.9",
                "1.10",
                "1.18446744073709551616",
                "1:0.1",
            ],
        );
    }

    #[test]
    fn spellings_of_one_version_are_equal() {
        assert_equal(
            RpmVersion::parse,
            &[
                ("1.0", "0:1.0"),
                ("1.0", "1_0"),
                ("1.01", "1.1"),
                ("1.0.", "1.0"),
                ("1.0a1", "1.0.a.1"),
                (" 1.0-1\n", "1.0-1"),
            ],
        );
        assert_refused(RpmVersion::parse, &["", "-1", "1:", "...", "~"]);
    }
}
