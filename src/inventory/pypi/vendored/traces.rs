//! What files tell of Python packages without metadata. What it means is decided when all are known.

use std::sync::Arc;

use crate::finding::{EntryPath, Location};

/// How many traces a file may leave: some dozens in honest ones.
pub const MAX_OF_A_FILE: usize = 10_000;

#[derive(Clone, Debug, Default)]
pub struct Traces {
    /// Files of the table of distributions.
    pub code: Vec<CodeTrace>,
    /// Packages that lie in a folder of vendored ones, known or not.
    pub vendored: Vec<VendoredPackage>,
    /// What the list in such a folder says of them.
    pub pins: Vec<Pin>,
}

/// A file of a distribution of the table.
#[derive(Clone, Debug)]
pub struct CodeTrace {
    /// The place in the table.
    pub row: usize,
    pub location: Location,
    /// The folder that the import path starts in.
    pub root: Arc<str>,
    pub version: Option<String>,
    /// Whether the file has a name that is in this distribution's code alone.
    pub is_marked: bool,
    pub is_compiled: bool,
    /// Why a compiled file could not be asked for the version that its source states.
    pub problem: Option<String>,
}

#[derive(Clone, Debug)]
pub struct VendoredPackage {
    /// A file of it.
    pub path: EntryPath,
    /// The folder of vendored packages.
    pub folder: Arc<str>,
    /// From that folder on, `jaraco/text`.
    pub import: String,
}

#[derive(Clone, Debug)]
pub struct Pin {
    pub name: String,
    pub version: String,
    pub location: Location,
}

impl Traces {
    pub fn len(&self) -> usize {
        self.code.len() + self.vendored.len() + self.pins.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Keeps the first.
    pub fn truncate(&mut self, mut room: usize) {
        self.code.truncate(room);
        room -= self.code.len();
        self.vendored.truncate(room);
        room -= self.vendored.len();
        self.pins.truncate(room);
    }

    /// Keeps what was seen at paths that `visible` is true of.
    pub fn retain(&mut self, visible: impl Fn(&EntryPath) -> bool) {
        self.code.retain(|trace| visible(&trace.location.path));
        self.vendored.retain(|package| visible(&package.path));
        self.pins.retain(|pin| visible(&pin.location.path));
    }

    pub fn append(&mut self, other: Traces) {
        self.code.extend(other.code);
        self.vendored.extend(other.vendored);
        self.pins.extend(other.pins);
    }
}
