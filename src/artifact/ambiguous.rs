//! What two unpackers see differently: names that stand in an archive twice, and headers that disagree.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError};

use super::container::{Member, ZipContainer};
use super::extents::Hidden;
use super::walk::container_path;
use crate::finding::{ArtifactFinding, EntryPath, folders, rules};

/// Texts that tools which merge jars keep of each, in `META-INF`. Nothing reads them.
const MERGED_TEXTS: [&str; 4] = ["DEPENDENCIES", "INDEX.LIST", "LICENSE", "NOTICE"];

/// Entries of a zip with one path and different content, and files where other entries have a folder. Empty files are
/// how some packers write folders.
pub fn names(members: &[Member]) -> Option<ArtifactFinding> {
    let mut files: HashMap<&str, &Member> = HashMap::with_capacity(members.len());
    let mut twice = Vec::new();
    for member in members {
        let inner = member.path.inner();
        match files.insert(inner, member) {
            Some(other) if content(other) != content(member) && !is_merged_text(inner) => {
                twice.push(&member.path);
            }
            _ => {}
        }
    }
    let mut found = HashSet::new();
    for member in members {
        for folder in folders(member.path.inner()) {
            let file = files.get(folder).filter(|file| file.size > 0);
            if let Some(file) = file.filter(|_| found.insert(folder)) {
                twice.push(&file.path);
            }
        }
    }
    let detail = match twice.len() {
        1 => "with different content".to_owned(),
        n => format!("with different content, as have those of {n} names in all"),
    };
    Some(ArtifactFinding {
        rule: &rules::AMBIGUOUS_NAME,
        path: (*twice.first()?).clone(),
        detail,
    })
}

fn content(member: &Member) -> (u64, Option<u32>) {
    (member.size, member.stated.crc32)
}

fn is_merged_text(inner: &str) -> bool {
    let name = inner.strip_prefix("META-INF/");
    name.is_some_and(|name| MERGED_TEXTS.iter().any(|text| name.starts_with(text)))
}

/// The first entry whose header disagrees with the directory, of those that were read.
pub fn headers(container: ZipContainer) -> Option<ArtifactFinding> {
    let disagreements = container.disagreements.into_inner();
    let disagreements = disagreements.unwrap_or_else(PoisonError::into_inner);
    let (&index, what) = disagreements.first_key_value()?;
    let member = container
        .members
        .into_iter()
        .find(|member| member.index == index)?;
    let more = match disagreements.len() {
        1 => String::new(),
        n => format!(", the first of {n}"),
    };
    Some(ArtifactFinding {
        rule: &rules::AMBIGUOUS_HEADER,
        path: member.path,
        detail: format!("{what} is another in each{more}"),
    })
}

/// An entry that the directory of the zip does not list.
pub fn hidden(prefix: &Arc<str>, hidden: Hidden) -> ArtifactFinding {
    ArtifactFinding {
        rule: &rules::AMBIGUOUS_HIDDEN,
        path: container_path(prefix),
        detail: format!("{:?} stands at byte {}", hidden.name, hidden.at),
    }
}

/// The files of a tar: who appends to one writes a name once more.
#[derive(Default)]
pub struct Appended {
    files: HashMap<EntryPath, (u64, Option<u32>)>,
    twice: Option<(EntryPath, usize)>,
}

impl Appended {
    /// A file whose content is not known differs from none.
    pub fn add(&mut self, path: &EntryPath, size: u64, crc32: Option<u32>) {
        let Some(old) = self.files.insert(path.clone(), (size, crc32)) else {
            return;
        };
        if old.0 != size || (old.1 != crc32 && old.1.is_some() && crc32.is_some()) {
            let twice = self.twice.get_or_insert_with(|| (path.clone(), 0));
            twice.1 += 1;
        }
    }

    pub fn finding(self) -> Option<ArtifactFinding> {
        let (path, names) = self.twice?;
        let detail = match names {
            1 => "with different content".to_owned(),
            n => format!("with different content, as do {n} in all"),
        };
        Some(ArtifactFinding {
            rule: &rules::AMBIGUOUS_APPENDED,
            path,
            detail,
        })
    }
}
