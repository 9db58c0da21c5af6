//! Installed npm packages whose manifests state another name than their folders have: what a program asks for is then
//! not what it gets.
//!
//! An alias (`"a": "npm:b@1"`) is installed so on purpose, as is what comes from Git, an address or a folder: a
//! manifest or lock file says so. <https://docs.npmjs.com/cli/v11/using-npm/package-spec>

use std::collections::{BTreeMap, HashSet};

use memchr::memmem;

use crate::finding::{Certainty, EntryPath};
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::lenient::{Lenient, Text};

use super::{Sighting, Traces, rules};

/// Dependencies in a manifest, with the specifier of each.
pub type Dependencies = Lenient<BTreeMap<String, Text>>;

/// npm takes no longer name: <https://docs.npmjs.com/cli/v11/configuring-npm/package-json#name>.
pub const MAX_NAME: usize = 214;

const LOCK_FILES: [&str; 5] = [
    ".package-lock.json",
    "bun.lock",
    "npm-shrinkwrap.json",
    "package-lock.json",
    "yarn.lock",
];

/// The two names of an installed package.
#[derive(Clone, Debug)]
pub struct PackageName {
    /// Of its folder.
    pub folder: String,
    /// In its manifest.
    pub stated: String,
}

/// The two names, where they differ.
pub fn foreign_name(folder: &str, stated: &str) -> Option<PackageName> {
    let differ = !folder.eq_ignore_ascii_case(stated.trim());
    differ.then(|| PackageName {
        folder: folder.to_owned(),
        stated: stated.chars().take(MAX_NAME).collect(),
    })
}

pub fn assess(seen: &Traces) -> Vec<Sighting> {
    let aliases: HashSet<&str> = seen.aliases.iter().map(String::as_str).collect();
    let names = seen.foreign_names.iter();
    names
        .filter(|(_, name)| !aliases.contains(name.folder.as_str()))
        .map(|(path, name): &(EntryPath, PackageName)| {
            let detail = format!("{} in the folder of {}", name.stated, name.folder);
            Sighting {
                certainty: Certainty::Possible,
                ..Sighting::of(&rules::PACKAGE_NAME, path.clone(), detail)
            }
        })
        .collect()
}

/// The names among dependencies that an installer takes from elsewhere than under that name from the registry.
pub fn taken_from_elsewhere(dependencies: &Dependencies) -> impl Iterator<Item = &str> {
    let dependencies = dependencies.as_map().into_iter().flatten();
    dependencies.filter_map(|(name, specifier)| {
        let is_elsewhere = leads_elsewhere(specifier.as_text()?);
        is_elsewhere.then_some(name.as_str())
    })
}

/// Whether a specifier is no version of a registry's package of that name.
pub fn leads_elsewhere(specifier: &str) -> bool {
    specifier.contains([':', '/'])
}

/// Lock files: the names under which they say that something else is installed.
pub struct LockAliases;

impl Inspector for LockAliases {
    fn wants(&self, header: &Header) -> bool {
        LOCK_FILES.contains(&header.path.file_name())
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let text = entry.bytes;
        let found =
            memmem::find_iter(text, "npm:").filter_map(|at| alias(&text[..at], &text[at + 4..]));
        let mut found: Vec<String> = found.collect();
        found.sort();
        found.dedup();
        seen.supply.aliases.extend(found);
        Ok(())
    }
}

/// The name in front of `npm:`, if a name follows, and not a version alone: `"a": "npm:b@1"`, `a@npm:b@^1`.
fn alias(before: &[u8], after: &[u8]) -> Option<String> {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.~/".contains(byte);
    let target = after.strip_prefix(b"@").unwrap_or(after);
    let target_end = target.iter().position(|byte| !is_name(byte))?;
    let is_versioned = target_end > 0 && target[target_end] == b'@';
    let is_between = |byte: &u8| matches!(byte, b'"' | b'\'' | b':' | b' ' | b'@');
    let end = before.iter().rposition(|byte| !is_between(byte))? + 1;
    let text = &before[end.saturating_sub(MAX_NAME)..end];
    let start = text
        .iter()
        .rposition(|byte| !is_name(byte) && *byte != b'@');
    let name = std::str::from_utf8(&text[start.map_or(0, |at| at + 1)..]).ok()?;
    (is_versioned && !name.is_empty()).then(|| name.to_owned())
}
