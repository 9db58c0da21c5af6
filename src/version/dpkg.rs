//! The order of Debian's versions, `[epoch:]upstream[-revision]`:
//! <https://www.debian.org/doc/debian-policy/ch-controlfields.html#version>.
//! opam's is the same but for the epoch: <https://opam.ocaml.org/doc/Manual.html#Version-ordering>.

use super::number::{Number, runs};

/// A version of a Debian package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DebianVersion {
    epoch: Number,
    upstream: Part,
    revision: Part,
}

/// Runs of other characters and numbers in turn, the first and the last never numbers. Two parts
/// that begin alike are at the same kind of run, so the derived order compares like with like.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Part(Vec<Symbol>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Symbol {
    Tilde,
    /// Of a run that is no number.
    End,
    Letter(u8),
    Other(u8),
    Number(Number),
}

impl DebianVersion {
    pub fn parse(text: &str) -> Option<DebianVersion> {
        let text = text.trim();
        let (epoch, version) = match text.split_once(':') {
            Some((epoch, version)) => (Number::parse(epoch)?, version),
            None => (Number::ZERO, text),
        };
        let (upstream, revision) = version.rsplit_once('-').unwrap_or((version, "0"));
        if upstream.is_empty() || revision.is_empty() {
            return None;
        }
        Some(DebianVersion {
            epoch,
            upstream: Part::parse(upstream)?,
            revision: Part::parse(revision)?,
        })
    }
}

impl Part {
    fn parse(text: &str) -> Option<Part> {
        let valid = |b: u8| b.is_ascii_alphanumeric() || b".+-~:_".contains(&b);
        if !text.bytes().all(valid) {
            return None;
        }
        let mut symbols = Vec::with_capacity(text.len() + 2);
        for run in runs(text) {
            match Number::parse(run) {
                Some(number) => symbols.extend([Symbol::End, Symbol::Number(number)]),
                None => symbols.extend(run.bytes().map(Symbol::of)),
            }
        }
        if !matches!(symbols.last(), Some(Symbol::Number(_))) {
            // A run of letters at the end has the number zero after it.
            symbols.extend([Symbol::End, Symbol::Number(Number::ZERO)]);
        }
        symbols.push(Symbol::End);
        Some(Part(symbols))
    }
}

impl Symbol {
    fn of(byte: u8) -> Symbol {
        match byte {
            b'~' => Symbol::Tilde,
            b if b.is_ascii_alphabetic() => Symbol::Letter(b),
            b => Symbol::Other(b),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_ascending, assert_equal, assert_refused};
    use super::*;

    #[test]
    fn orders_as_the_policy_says() {
        assert_ascending(
            DebianVersion::parse,
            &[
                "1.0~~",
                "1.0~~a",
                "1.0~",
                "1.0~rc1-1",
                "1.0-0~deb12u1",
                "1.0",
                "1.0-0ubuntu1",
                "1.0-1~bpo12+1",
                "1.0-1",
                "1.0-1+b1",
                "1.0-1.1",
                "1.0-2",
                "1.0-10",
                "1.0A",
                "1.0a",
                "1.0+dfsg-1",
                "1.0-1-1",
                "1.0.1",
                "1.1",
                "1.10",
                "1.18446744073709551616",
                "1:0.1",
                "2:0",
            ],
        );
    }

    #[test]
    fn spellings_of_one_version_are_equal() {
        assert_equal(
            DebianVersion::parse,
            &[
                ("1.0", "0:1.0-0"),
                ("1.0", "1.0-00"),
                ("1.01", "1.1"),
                ("1.0a", "1.0a0"),
                (" 1.0\n", "1.0"),
            ],
        );
        let refused = ["", ":1", "a:1", "1:", "1.0-", "-1", "1 0", "1.é", "<end>"];
        assert_refused(DebianVersion::parse, &refused);
    }
}
