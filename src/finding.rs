//! The vocabulary that all rooms share: findings, severities and places in an artifact.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::Serialize;

pub use crate::advisory::exploitation::{Epss, Kev};

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
    /// The word for it in reports.
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryPath {
    container: Arc<str>,
    inner: Arc<str>,
    /// Where the last part of `inner` begins: it is asked for many times of every file.
    name_at: usize,
}

impl EntryPath {
    /// `container` ends with the separator that goes before `inner`: `function.zip!/` or `folder/`.
    pub fn new(container: &Arc<str>, inner: &str) -> Self {
        EntryPath {
            container: Arc::clone(container),
            inner: inner.into(),
            name_at: inner.rfind('/').map_or(0, |at| at + 1),
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
        &self.inner[self.name_at..]
    }

    /// Whether that is the file's name. It costs next to nothing where it is not, so that every entry can be asked.
    pub fn is_named(&self, name: &str) -> bool {
        let before = self.inner.strip_suffix(name);
        before.is_some_and(|before| before.is_empty() || before.ends_with('/'))
    }

    /// The folder within the innermost archive, without a `/` at the end; empty at its root.
    pub fn parent(&self) -> &str {
        &self.inner[..self.name_at.saturating_sub(1)]
    }

    /// Another path in the same innermost archive.
    pub fn sibling(&self, inner: &str) -> Self {
        EntryPath::new(&self.container, inner)
    }
}

impl Hash for EntryPath {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Most paths share their container: the end of its name tells those apart that do not.
        let container = self.container.as_bytes();
        state.write(&container[container.len().saturating_sub(16)..]);
        self.inner.hash(state);
    }
}

impl Ord for EntryPath {
    fn cmp(&self, other: &Self) -> Ordering {
        // Most that are compared are of one container, whose path they share.
        let containers = match Arc::ptr_eq(&self.container, &other.container) {
            true => Ordering::Equal,
            false => self.container.cmp(&other.container),
        };
        containers.then_with(|| self.inner.cmp(&other.inner))
    }
}

impl PartialOrd for EntryPath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Folders on the way to a file that are looked at. No path that a system can unpack has more of them by far.
const MAX_FOLDERS: usize = 256;

/// The folders that a file is in, from the top.
pub fn folders(inner: &str) -> impl Iterator<Item = &str> {
    let ends = inner.match_indices('/').take(MAX_FOLDERS);
    ends.map(|(at, _)| &inner[..at])
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
    /// The package that carries a copy there of the one that is named.
    pub vendored_in: Option<Box<str>>,
}

impl Location {
    /// A line of a file, counted from 1.
    pub fn at_line(path: &EntryPath, line: u32) -> Self {
        Location {
            path: path.clone(),
            line: Some(line),
            column: None,
            vendored_in: None,
        }
    }
}

impl From<EntryPath> for Location {
    fn from(path: EntryPath) -> Self {
        Location {
            path,
            line: None,
            column: None,
            vendored_in: None,
        }
    }
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// An advisory is about the version of a component.
    Vulnerability,
    /// A component is itself an attack.
    Malware,
    Secret,
    Size,
    SupplyChain,
    Misconfiguration,
    /// The artifact is built to harm its reader.
    Artifact,
}

/// Whether a finding is a fact, or depends on what could not be seen. The surer is the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Certainty {
    /// It may be so; such a finding fails no build.
    Possible,
    /// It is so.
    Certain,
}

/// A stable kind of finding: its place in reports, in policies and in the documentation.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// `FA-…`; never used for another rule.
    pub id: &'static str,
    pub kind: Kind,
    /// Where a finding has none of its own.
    pub severity: Severity,
    /// What it is, for a report's title; an advisory's own title goes before it.
    pub title: &'static str,
    /// What to do, where a finding does not say it more precisely.
    pub remedy: &'static str,
    /// Its place in the Serverless Security Top 10,
    /// <https://github.com/puresec/sas-top-10>.
    pub sas: &'static str,
}

/// The rules of what is built so far. A rule's severity stands where a finding has none of its own.
pub mod rules {
    use super::{Kind, Rule, Severity};
    use crate::size::rules as size;
    use crate::supply_chain::rules as supply_chain;

    pub static VULNERABILITY: Rule = Rule {
        id: "FA-VULNERABILITY",
        kind: Kind::Vulnerability,
        severity: Severity::Medium,
        title: "Known vulnerability",
        remedy: "upgrade to a version that fixes it",
        sas: "SAS-6",
    };
    pub static MALWARE: Rule = Rule {
        id: "FA-MALWARE",
        kind: Kind::Malware,
        severity: Severity::Critical,
        title: "Known malware",
        remedy: "remove the package and replace every secret that the function could read",
        sas: "SAS-6",
    };
    pub static ESCAPE: Rule = Rule {
        id: "FA-ARTIFACT-ESCAPE",
        kind: Kind::Artifact,
        severity: Severity::High,
        title: "Entry's name leads out of the archive",
        remedy: "build the archive anew from a folder you know; an honest packer writes no such names",
        sas: "SAS-3",
    };
    pub static BOMB: Rule = Rule {
        id: "FA-ARTIFACT-BOMB",
        kind: Kind::Artifact,
        severity: Severity::High,
        title: "Entry unpacks to far more than its size",
        remedy: "leave it out, or raise --max-ratio or --max-entry if it is meant to be there",
        sas: "SAS-8",
    };
    pub static OVERLAP: Rule = Rule {
        id: "FA-ARTIFACT-OVERLAP",
        kind: Kind::Artifact,
        severity: Severity::High,
        title: "Entries share their compressed data",
        remedy: "build the archive anew; an honest packer writes no such archive",
        sas: "SAS-8",
    };
    pub static AMBIGUOUS_NAME: Rule = Rule {
        id: "FA-ARTIFACT-AMBIGUOUS-NAME",
        kind: Kind::Artifact,
        severity: Severity::Medium,
        title: "Two entries have one name",
        remedy: "build the archive anew; which of the two is unpacked depends on the program that does it",
        sas: "SAS-3",
    };
    pub static AMBIGUOUS_HEADER: Rule = Rule {
        id: "FA-ARTIFACT-AMBIGUOUS-HEADER",
        kind: Kind::Artifact,
        severity: Severity::High,
        title: "Entry's header says otherwise than the archive's directory",
        remedy: "build the archive anew; what is unpacked depends on the program that does it",
        sas: "SAS-3",
    };
    pub static AMBIGUOUS_HIDDEN: Rule = Rule {
        id: "FA-ARTIFACT-AMBIGUOUS-HIDDEN",
        kind: Kind::Artifact,
        severity: Severity::Medium,
        title: "Archive has an entry that its directory does not list",
        remedy: "build the archive anew; programs that read it from the front find what others do not see",
        sas: "SAS-3",
    };
    pub static AMBIGUOUS_APPENDED: Rule = Rule {
        id: "FA-ARTIFACT-AMBIGUOUS-APPENDED",
        kind: Kind::Artifact,
        severity: Severity::Low,
        title: "File stands in a tar twice",
        remedy: "build the archive anew; most programs unpack the last of them, and some list the first",
        sas: "SAS-3",
    };
    /// A secret's own rule says what it is; the ids of those begin with this one's.
    pub static SECRET: Rule = Rule {
        id: "FA-SECRET",
        kind: Kind::Secret,
        severity: Severity::High,
        title: "Secret",
        remedy: "revoke it, and have the function read it from a secret store when it runs",
        sas: "SAS-7",
    };
    pub static ALL: &[&Rule] = &[
        &VULNERABILITY,
        &MALWARE,
        &ESCAPE,
        &BOMB,
        &OVERLAP,
        &AMBIGUOUS_NAME,
        &AMBIGUOUS_HEADER,
        &AMBIGUOUS_HIDDEN,
        &AMBIGUOUS_APPENDED,
        &SECRET,
        &supply_chain::CHANGED,
        &supply_chain::LINE_ENDS,
        &supply_chain::MISSING,
        &supply_chain::UNRECORDED,
        &supply_chain::PACKAGE_NAME,
        &supply_chain::PTH,
        &supply_chain::CUSTOMIZE,
        &supply_chain::ENVIRONMENT,
        &supply_chain::EXTENSION,
        &supply_chain::INSTALL_SCRIPT,
        &supply_chain::DISGUISED,
        &supply_chain::DATA_FOLDER,
        &supply_chain::SETUID,
        &supply_chain::LINK,
        &supply_chain::BIDIRECTIONAL,
        &supply_chain::INVISIBLE,
        &supply_chain::TYPOSQUAT,
        &supply_chain::ORIGIN_GIT,
        &supply_chain::ORIGIN_HTTP,
        &supply_chain::ORIGIN_URL,
        &supply_chain::ORIGIN_PATH,
        &supply_chain::INDEX_INSECURE,
        &supply_chain::INDEX_EXTRA,
        &supply_chain::UNPINNED,
        &supply_chain::LOCK_NO_HASH,
        &size::LIMIT,
        &size::NEAR_LIMIT,
        &size::BUDGET,
        &size::GROWTH,
        &size::NATIVE_ARCHITECTURE,
        &size::NATIVE_GLIBC,
    ];
}

/// What the structure of an artifact itself shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArtifactFinding {
    pub rule: &'static Rule,
    /// The entry that it is about.
    pub path: EntryPath,
    /// Goes behind the rule's title.
    pub detail: String,
}

/// What a vulnerability's severity was taken from, least telling first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SeveritySource {
    /// No record states one: [`Severity::Medium`] stands in.
    #[default]
    Default,
    /// A database's own word.
    Database,
    /// A CVSS vector.
    Cvss,
}

/// The part of an advisory that a finding carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AdvisoryFacts {
    /// The best known of its ids.
    pub id: String,
    /// Other ids of the same, from all its records.
    pub aliases: Vec<String>,
    /// The lowest version above the component's that is not affected; none where none is known.
    pub fixed: Option<String>,
    /// The highest of its records' scores.
    pub cvss: Option<Cvss>,
    /// What the finding's severity was taken from.
    pub severity_source: SeveritySource,
    /// Kinds of weakness, as `CWE-79`.
    pub cwes: Vec<String>,
    /// Where to read about it.
    pub url: String,
}

/// A CVSS vector and the base score that it stands for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cvss {
    pub vector: String,
    pub score: f64,
}

impl Eq for Cvss {}

/// Something that a person should know before deploying.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Unique within the report: `F-1`, `F-2`, in the order of the report.
    pub id: String,
    pub kind: Kind,
    /// The id of its [`Rule`]; a rule for secrets has one of its own, see [`crate::secret`].
    pub rule: Cow<'static, str>,
    pub severity: Severity,
    pub title: String,
    /// The purl of the component it is about.
    pub package: Option<String>,
    /// Of kinds [`Kind::Vulnerability`] and [`Kind::Malware`].
    pub advisory: Option<AdvisoryFacts>,
    /// What CISA's list of exploited vulnerabilities says of it, if it was downloaded.
    pub kev: Option<Kev>,
    /// How likely it is exploited within 30 days, if FIRST's estimates were downloaded.
    pub epss: Option<Epss>,
    pub certainty: Certainty,
    /// Whether it can fail a build: what only a manifest names cannot where code of that ecosystem ships.
    pub counts: bool,
    /// Those of the component, or the entry that it is about.
    pub locations: Vec<Location>,
    /// What to do about it.
    pub remedy: String,
    /// Its place in the Serverless Security Top 10, see [`Rule::sas`].
    pub sas: &'static str,
    /// The same for the same finding in another build of the artifact.
    pub fingerprint: String,
    /// Why it does not count, where a policy says so.
    pub suppressed: Option<String>,
}

impl Finding {
    /// A finding of which nothing is known but what its rule says: certain, and about files rather than a component.
    pub(crate) fn of(
        rule: &'static Rule,
        title: String,
        locations: Vec<Location>,
        fingerprint: String,
    ) -> Self {
        Finding {
            id: String::new(),
            kind: rule.kind,
            rule: rule.id.into(),
            severity: rule.severity,
            title,
            package: None,
            advisory: None,
            kev: None,
            epss: None,
            certainty: Certainty::Certain,
            counts: true,
            locations,
            remedy: rule.remedy.to_owned(),
            sas: rule.sas,
            fingerprint,
            suppressed: None,
        }
    }
}
