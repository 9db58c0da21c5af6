//! What inspectors note of tampering, and of code that runs unasked.

use crate::finding::{Certainty, EntryPath, Location, Rule, Severity};

use super::install_scripts::Prepare;
use super::package_name::{MAX_NAME, PackageName};

#[derive(Debug, Default)]
pub struct Traces {
    /// Files that are as their wheels list them but for the ends of their lines.
    pub other_line_ends: Vec<EntryPath>,
    pub sightings: Vec<Sighting>,
    /// What installed npm packages have run if they come from repositories.
    pub prepares: Vec<Prepare>,
    /// Installed npm packages whose names are not their folders'.
    pub foreign_names: Vec<(EntryPath, PackageName)>,
    /// Names under which manifests and lock files say that something else is installed.
    pub aliases: Vec<String>,
    /// Composer's packages that stand in folders of the project, and the files that say so.
    pub own_packages: Vec<(EntryPath, String)>,
}

/// Something that is a finding, unless what is known of the whole artifact says otherwise.
#[derive(Clone, Debug)]
pub struct Sighting {
    pub rule: &'static Rule,
    pub location: Location,
    /// Further places of the same.
    pub related: Vec<Location>,
    pub severity: Severity,
    pub certainty: Certainty,
    /// Goes behind the rule's title.
    pub detail: String,
    /// How bad it is where the file is as the author of its package published it; none where that is nothing to tell.
    pub published: Option<Severity>,
    /// A module in the same folder that does the work; it must be as its author published it too.
    pub imports: Option<&'static str>,
}

impl Sighting {
    /// One that is certain, and as bad as its rule says whoever published it.
    pub fn of(rule: &'static Rule, location: impl Into<Location>, detail: String) -> Self {
        Sighting {
            rule,
            location: location.into(),
            related: Vec::new(),
            severity: rule.severity,
            certainty: Certainty::Certain,
            detail,
            published: Some(rule.severity),
            imports: None,
        }
    }
}

impl Traces {
    pub fn len(&self) -> usize {
        self.other_line_ends.len()
            + self.sightings.len()
            + self.prepares.len()
            + self.foreign_names.len()
            + self.aliases.len()
            + self.own_packages.len()
    }

    /// Keeps the first rows, and no name that none can have, and returns how many there were besides.
    pub fn truncate(&mut self, mut room: usize) -> usize {
        let before = self.len();
        self.aliases.retain(|name| name.len() <= MAX_NAME);
        self.own_packages.retain(|(_, name)| name.len() <= MAX_NAME);
        self.sightings.truncate(room);
        room -= self.sightings.len();
        self.prepares.truncate(room);
        room -= self.prepares.len();
        self.foreign_names.truncate(room);
        room -= self.foreign_names.len();
        self.aliases.truncate(room);
        room -= self.aliases.len();
        self.own_packages.truncate(room);
        room -= self.own_packages.len();
        self.other_line_ends.truncate(room);
        before - self.len()
    }

    pub fn retain(&mut self, visible: impl Fn(&EntryPath) -> bool) {
        self.other_line_ends.retain(&visible);
        self.sightings.retain(|s| visible(&s.location.path));
        self.prepares.retain(|prepare| visible(prepare.path()));
        self.foreign_names.retain(|(path, _)| visible(path));
        self.own_packages.retain(|(path, _)| visible(path));
    }

    pub fn append(&mut self, other: Traces) {
        self.other_line_ends.extend(other.other_line_ends);
        self.sightings.extend(other.sightings);
        self.prepares.extend(other.prepares);
        self.foreign_names.extend(other.foreign_names);
        self.aliases.extend(other.aliases);
        self.own_packages.extend(other.own_packages);
    }
}
