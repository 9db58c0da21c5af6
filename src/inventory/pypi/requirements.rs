//! pip's requirements files.

use crate::component::ObservedComponent;
use crate::finding::EntryPath;

/// A requirements file as read, before its includes are followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequirementsFile {
    pub path: EntryPath,
    /// Whether the file counts by itself, by its name, or only when another includes it.
    pub stands_alone: bool,
    pub requirements: Vec<ObservedComponent>,
    pub includes: Vec<Include>,
}

/// `-r FILE` or `-c FILE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Include {
    pub path: EntryPath,
    pub line: u32,
    pub constraint: bool,
}
