//! Where the rows of npm's lock files come from, alike in all of them.

use super::specifier::is_local;
use crate::component::{Ecosystem, Evidence};
use crate::finding::Location;
use crate::inspect::{Entry, Observations};
use crate::supply_chain::origin::{Keys, Origin, is_registry_file, leads_outside};

/// A row of a lock file.
pub struct Row<'a> {
    pub name: &'a str,
    /// What the row is found by in the file.
    pub key: &'a str,
    /// Where it was fetched, if the row says so.
    pub address: Option<&'a str>,
    /// Whether the row holds it to one commit, though its address has only the first digits.
    pub is_commit: bool,
    pub is_hashed: bool,
    /// Whether it stands for a package of one version.
    pub is_versioned: bool,
}

/// The digests that hold a package, with the length of each in base64 and how many `=` end it:
/// <https://www.w3.org/TR/SRI/>, of which npm takes SHA-1 too.
const DIGESTS: [(&str, usize, usize); 4] = [
    ("sha1-", 28, 1),
    ("sha256-", 44, 1),
    ("sha384-", 64, 0),
    ("sha512-", 88, 2),
];

/// Whether the text has a digest in it; several may stand side by side, with options behind each.
pub fn is_integrity(text: &str) -> bool {
    text.split_ascii_whitespace().any(|part| {
        let digest = part.split('?').next().unwrap_or_default();
        DIGESTS.iter().any(|&(name, length, padding)| {
            let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
            let value = digest
                .strip_prefix(name)
                .filter(|value| value.len() == length);
            let value = value.and_then(|value| value.strip_suffix(&"=="[..padding]));
            value.is_some_and(|value| value.bytes().all(is_letter))
        })
    })
}

/// Sees the rows of one lock file.
pub struct Origins<'a> {
    entry: &'a Entry<'a>,
    keys: Keys<'a>,
    /// Whether the file was written of what is installed. It need not have hashes.
    is_installed: bool,
}

impl<'a> Origins<'a> {
    pub fn new(entry: &'a Entry<'a>, is_installed: bool) -> Self {
        Origins {
            entry,
            keys: Keys::of(entry.bytes),
            is_installed,
        }
    }

    pub fn see(&mut self, row: &Row, seen: &mut Observations) {
        let Some(origin) = self.origin(row) else {
            return;
        };
        let mut location = Location::from(self.entry.path.clone());
        location.line = self.keys.line(row.key, "");
        self.add(row.name, origin, location, seen);
    }

    /// Of a format that tells the line.
    pub fn see_at(&mut self, row: &Row, line: u32, seen: &mut Observations) {
        if let Some(origin) = self.origin(row) {
            let location = Location::at_line(self.entry.path, line);
            self.add(row.name, origin, location, seen);
        }
    }

    fn add(&self, name: &str, origin: Origin, location: Location, seen: &mut Observations) {
        let stated = if self.is_installed {
            Evidence::Installed
        } else {
            Evidence::Locked
        };
        seen.origin(Ecosystem::Npm, name, stated, Some(origin), location);
    }

    fn origin(&self, row: &Row) -> Option<Origin> {
        if let Some(address) = row.address {
            if is_local(address) {
                let path = address.strip_prefix("file:")?;
                return leads_outside(self.entry.path.parent(), path);
            }
            let is_registry = is_registry_file(address);
            match Origin::of_address(address, row.is_hashed, is_registry) {
                Some(Origin::Repository { address, commit }) => {
                    let commit = commit || row.is_commit;
                    return Some(Origin::Repository { address, commit });
                }
                Some(origin) => return Some(origin),
                None => {}
            }
        }
        let is_unhashed = row.is_versioned && !row.is_hashed && !self.is_installed;
        is_unhashed.then_some(Origin::Unhashed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_digest_holds_a_package() {
        let sha1 = format!("sha1-{}=", "a".repeat(27));
        let sha512 = format!("sha512-{}==", "+/aA".repeat(21) + "0w");
        assert!(is_integrity(&sha1) && is_integrity(&sha512));
        assert!(is_integrity(&format!("md5-x {sha512}?type=x")));
        for text in [
            "",
            "x",
            "sha512-",
            "sha512-abc",
            "md5-x",
            &sha512[..sha512.len() - 1],
            &sha512.replace('/', "!"),
            &sha512.replace("sha512", "sha256"),
        ] {
            assert!(!is_integrity(text), "{text}");
        }
    }
}
