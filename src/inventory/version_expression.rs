//! Reads the version that stands around a text, as the tables of libraries say where.

use std::sync::OnceLock;

use regex::bytes::{Regex, RegexBuilder};

/// Holds the largest of our expressions several times.
const REGEX_BYTES: usize = 4 << 20;

/// A [`super::version_spec::VersionSpec`] as the build script writes it down.
pub struct VersionExpression {
    pub at: &'static str,
    pub expression: &'static str,
    /// The length of its longest match.
    pub longest: usize,
    /// Made when its text is first seen: of hundreds, a file needs a few.
    pub compiled: OnceLock<Option<Regex>>,
}

/// A version as it stands in a text.
pub struct StatedVersion<'a> {
    /// Where it begins.
    pub offset: usize,
    pub version: &'a [u8],
    /// Its first number, where that stands apart.
    pub major: Option<&'a [u8]>,
    /// What follows it, as far as the expression could reach.
    pub behind: &'a [u8],
}

impl VersionExpression {
    /// The version of the shortest match around the place of [`VersionExpression::at`].
    pub fn read<'a>(&self, text: &'a [u8], at: usize) -> Option<StatedVersion<'a>> {
        let end = at + self.at.len();
        let from = at.saturating_sub(self.longest);
        let window = text.get(from..text.len().min(end + self.longest))?;
        let regex = self
            .compiled
            .get_or_init(|| compile(self.expression).ok())
            .as_ref()?;
        let mut best = None;
        let mut start = 0;
        while let Some(captures) = regex.captures_at(window, start) {
            let whole = captures.get(0)?.range();
            if from + whole.start > at {
                break;
            }
            start = whole.start + 1;
            if from + whole.end >= end {
                best = Some(captures);
            }
        }
        let captures = best?;
        let version = captures.name("version")?;
        Some(StatedVersion {
            offset: from + version.start(),
            version: version.as_bytes(),
            major: captures.name("major").map(|major| major.as_bytes()),
            behind: window.get(version.end()..).unwrap_or_default(),
        })
    }

    #[cfg(test)]
    pub fn compiles(&self) -> bool {
        compile(self.expression).is_ok()
    }
}

/// An expression over bytes, in which a dot is any of them.
pub fn compile(expression: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(expression)
        .unicode(false)
        .dot_matches_new_line(true)
        .size_limit(REGEX_BYTES)
        .dfa_size_limit(REGEX_BYTES)
        .build()
}
