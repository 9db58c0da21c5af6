//! The vocabulary that all rooms share: findings, severities and places in an artifact.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

/// How bad a finding is, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A path inside an artifact: the archives that lead to it, and the name within the innermost.
///
/// It prints as a chain, `function.zip!/lib/app.jar!/META-INF/MANIFEST.MF`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryPath {
    container: Arc<str>,
    inner: Box<str>,
}

impl EntryPath {
    /// `container` ends with the separator that goes before `inner`: `function.zip!/` or `folder/`.
    pub fn new(container: &Arc<str>, inner: &str) -> Self {
        EntryPath {
            container: Arc::clone(container),
            inner: inner.into(),
        }
    }

    /// The chain up to and including the separator before [`Self::inner`].
    pub fn container(&self) -> &Arc<str> {
        &self.container
    }

    /// The path within the innermost archive, with `/` between its parts and none at the front.
    pub fn inner(&self) -> &str {
        &self.inner
    }

    /// The last part of the path.
    pub fn file_name(&self) -> &str {
        self.inner.rsplit_once('/').map_or(&self.inner, |(_, n)| n)
    }

    /// The folder within the innermost archive, without a `/` at the end; empty at its root.
    pub fn parent(&self) -> &str {
        self.inner.rsplit_once('/').map_or("", |(parent, _)| parent)
    }

    /// Another path in the same innermost archive.
    pub fn sibling(&self, inner: &str) -> Self {
        EntryPath::new(&self.container, inner)
    }
}

impl fmt::Display for EntryPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.container, self.inner)
    }
}

impl Serialize for EntryPath {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Where something was seen. Lines and columns count from 1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Location {
    pub path: EntryPath,
    pub line: Option<u32>,
    pub column: Option<u32>,
}

impl From<EntryPath> for Location {
    fn from(path: EntryPath) -> Self {
        Location {
            path,
            line: None,
            column: None,
        }
    }
}
