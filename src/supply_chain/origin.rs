//! What files say of where packages come from, where that is not simply their registry.

use std::borrow::Cow;

use crate::component::{Ecosystem, Evidence};
use crate::finding::Location;
use crate::inventory::npm::specifier::without_credentials;

/// Something that a file says of where a package, or any package, comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedOrigin {
    pub ecosystem: Ecosystem,
    /// The package's, or else that of the setting.
    pub name: String,
    /// Whether a manifest asks for it so, a lock file holds it so, or it was installed so.
    pub stated: Evidence,
    pub origin: Origin,
    pub location: Location,
}

/// Where a package comes from, and what holds it to what it was. Addresses are without credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A repository; `commit` says whether the reference names one whole commit, and not a branch or tag.
    Repository { address: String, commit: bool },
    /// A file at an address.
    File { address: String, hashed: bool },
    /// Over a connection on which anyone may change what is sent. `held` says whether a hash or commit would show it.
    Plain { address: String, held: bool },
    /// A folder or file outside the artifact.
    Outside { path: String },
    /// Any of several versions.
    Range,
    /// Any version at all.
    Any,
    /// One version, but the lock file has no hash to hold it to.
    Unhashed,
    /// A setting: an index over a plain connection, or one whose certificate is not looked at.
    Insecure { setting: String },
    /// A setting: an index beside the registry, which may have another package of the same name.
    Extra { setting: String },
}

/// Prefixes of addresses that say which program fetches them: pip's and npm's of version control, Cargo's of registries.
const FETCHERS: [&str; 6] = ["git+", "hg+", "svn+", "bzr+", "registry+", "sparse+"];

/// npm's short forms for repositories: <https://docs.npmjs.com/cli/v11/configuring-npm/package-json#git-urls-as-dependencies>.
const FORGES: [&str; 4] = ["github:", "gitlab:", "bitbucket:", "gist:"];

/// Hosts that nobody stands before.
const OWN_HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

impl Origin {
    /// What an address says; none for what is no address, and for an index's own over a verified connection, which
    /// `is_registry` tells. `hashed` says whether the file holds the package to a hash.
    pub fn of_address(address: &str, hashed: bool, is_registry: bool) -> Option<Origin> {
        let shown = without_credentials(address);
        let address = &*with_lower_scheme(address);
        let commit = names_commit(address);
        if is_plain(address) {
            return Some(Origin::Plain {
                address: shown,
                held: hashed || commit,
            });
        }
        if is_registry {
            return None;
        }
        if is_repository(address) || (commit && is_snapshot(address)) {
            return Some(Origin::Repository {
                address: shown,
                commit,
            });
        }
        address.starts_with("https://").then_some(Origin::File {
            address: shown,
            hashed,
        })
    }

    /// Whether it is a repository, over whatever connection.
    pub fn is_repository(&self) -> bool {
        match self {
            Origin::Repository { .. } => true,
            Origin::Plain { address, .. } => is_repository(address) || address.starts_with("git:"),
            _ => false,
        }
    }

    /// What the address of a Git repository says, which nothing in it need tell, with the revision that is asked for.
    pub fn of_git(address: &str, revision: Option<&str>) -> Option<Origin> {
        let revision = revision.map(|revision| format!("#{revision}"));
        let address = format!("git+{address}{}", revision.unwrap_or_default());
        Origin::of_address(&address, false, false)
    }
}

/// Whether the address is that of a package as a registry serves it: `…/-/name-1.0.0.tgz` in nearly all, and
/// `…/download/@scope/name/…` in GitHub's.
pub fn is_registry_file(address: &str) -> bool {
    address.contains("/-/") || address.contains("/download/@")
}

/// The scheme means the same in any case: <https://www.rfc-editor.org/rfc/rfc3986#section-3.1>.
fn with_lower_scheme(address: &str) -> Cow<'_, str> {
    let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    match address.split_once(':') {
        Some((scheme, rest))
            if scheme.bytes().all(is_scheme) && scheme.bytes().any(|b| b.is_ascii_uppercase()) =>
        {
            Cow::Owned(format!("{}:{rest}", scheme.to_ascii_lowercase()))
        }
        _ => Cow::Borrowed(address),
    }
}

/// Whether anyone on the way may change what is sent: <https://git-scm.com/docs/git-daemon> has no authentication either.
pub fn is_plain(address: &str) -> bool {
    let address = &*with_lower_scheme(address);
    let fetched = FETCHERS
        .iter()
        .find_map(|fetcher| address.strip_prefix(fetcher));
    let rest = fetched.unwrap_or(address);
    let rest = ["http://", "git://", "svn://", "ftp://"]
        .iter()
        .find_map(|scheme| rest.strip_prefix(scheme));
    rest.is_some_and(|rest| !is_own_host(host(rest)))
}

/// `host` of `user:password@host:80/path`. To browsers and Node.js a `\` is a `/`:
/// <https://url.spec.whatwg.org/#authority-state>.
pub fn host(rest: &str) -> &str {
    let authority = rest.split(['/', '\\', '?', '#']).next().unwrap_or_default();
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let has_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    match host.rsplit_once(':') {
        Some((host, port)) if has_port(port) => host,
        _ => host,
    }
}

pub fn is_own_host(host: &str) -> bool {
    OWN_HOSTS.iter().any(|own| host.eq_ignore_ascii_case(own))
}

fn is_repository(address: &str) -> bool {
    let place = address.split(['#', '?']).next().unwrap_or_default();
    let is_fetched = ["git+", "hg+", "svn+", "bzr+", "ssh://", "git@"]
        .iter()
        .any(|prefix| address.starts_with(prefix));
    is_fetched
        || FORGES.iter().any(|forge| address.starts_with(forge))
        || place.ends_with(".git")
        || is_short_form(place)
}

/// `owner/repository`, which npm takes for one of GitHub's.
fn is_short_form(place: &str) -> bool {
    let is_part = |part: &str| {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        !part.is_empty() && !part.starts_with('.') && part.chars().all(is_name)
    };
    place
        .split_once('/')
        .is_some_and(|(owner, name)| is_part(owner) && is_part(name))
}

/// What forges give for a commit: `https://…/tar.gz/COMMIT`, `https://…/archive/COMMIT.zip`.
fn is_snapshot(address: &str) -> bool {
    ["/tar.gz/", "/zip/", "/archive/", "/tarball/", "/zipball/"]
        .iter()
        .any(|folder| address.contains(folder))
}

/// Whether a reference in the address is a whole commit: behind `#`, `@` or `=`, or a part of the path.
fn names_commit(address: &str) -> bool {
    let ends = |c: char| matches!(c, '#' | '@' | '=' | '/' | '&' | '?' | ':' | '.');
    address.split(ends).any(is_commit)
}

/// A whole SHA-1 or SHA-256 as Git writes it.
pub fn is_commit(revision: &str) -> bool {
    matches!(revision.len(), 40 | 64) && revision.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Where a relative path leads from a folder of the artifact; none if that is inside.
pub fn leads_outside(folder: &str, path: &str) -> Option<Origin> {
    let path = path.strip_prefix("file:").unwrap_or(path);
    let path = path.strip_prefix("//").unwrap_or(path);
    let outside = || {
        Some(Origin::Outside {
            path: path.to_owned(),
        })
    };
    if path.starts_with(['/', '~', '\\']) || path.as_bytes().get(1) == Some(&b':') {
        return outside();
    }
    let mut depth = folder.split('/').filter(|part| !part.is_empty()).count();
    for part in path.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return outside(),
            },
            _ => depth += 1,
        }
    }
    None
}

/// The lines of keys in JSON or YAML, of which parsers tell nothing. They are looked for while that costs little.
pub struct Keys<'a> {
    text: &'a [u8],
    /// How many more bytes may be looked at.
    left: usize,
}

/// How many bytes of a file are looked at for its keys, each of which is a search from its start: a hundred times those of
/// a large lock file.
const MAX_SEARCHED: usize = 64 << 20;

/// How many spaces may stand before a value.
const MAX_SPACES: usize = 64;

impl<'a> Keys<'a> {
    pub fn of(text: &'a [u8]) -> Self {
        Keys {
            text,
            left: MAX_SEARCHED,
        }
    }

    /// The line of the first such key whose value begins so, quotes left out.
    pub fn line(&mut self, key: &str, value: &str) -> Option<u32> {
        let text = self.text.get(..self.left.min(self.text.len()))?;
        let mut found = memchr::memmem::find_iter(text, key.as_bytes());
        let found = found.find(|&at| self.is_key(at, key.len(), value));
        self.left -= found.unwrap_or(text.len());
        let before = self.text.get(..found?)?;
        u32::try_from(memchr::memchr_iter(b'\n', before).count() + 1).ok()
    }

    /// Whether what stands there is a key with a value that begins so.
    fn is_key(&self, at: usize, length: usize, value: &str) -> bool {
        let before = at.checked_sub(1).and_then(|before| self.text.get(before));
        if !matches!(before, None | Some(b'"' | b'\'' | b' ' | b'\n' | b'/')) {
            return false;
        }
        let spaced = |text: &'a [u8]| {
            let spaces = text.iter().take(MAX_SPACES);
            let spaces = spaces.take_while(|byte| byte.is_ascii_whitespace()).count();
            text.get(spaces..).unwrap_or_default()
        };
        let after = self.text.get(at + length..).unwrap_or_default();
        let after = after
            .strip_prefix(b"\"")
            .or_else(|| after.strip_prefix(b"'"))
            .unwrap_or(after);
        let Some(after) = spaced(after).strip_prefix(b":") else {
            return false;
        };
        let after = spaced(after);
        let after = after.strip_prefix(b"\"").unwrap_or(after);
        after.starts_with(value.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(address: &str, commit: bool) -> Option<Origin> {
        let address = address.to_owned();
        Some(Origin::Repository { address, commit })
    }

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn repositories_are_held_by_whole_commits_alone() {
        for address in [
            "git+https://git.example/me/a.git",
            "git+ssh://git@git.example/me/a.git#main",
            "https://git.example/me/a.git#v1.0.0",
            "git@git.example:me/a.git",
            "github:me/a#0123abc",
            "me/a",
            "hg+https://hg.example/a@tip",
        ] {
            let found = Origin::of_address(address, false, false);
            assert_eq!(found, repository(address, false));
        }
        for address in [
            format!("git+https://git.example/me/a.git#{COMMIT}"),
            format!("git+https://git.example/me/a.git@{COMMIT}"),
            format!("me/a#{COMMIT}"),
            format!("https://codeload.example/me/a/tar.gz/{COMMIT}"),
            format!("https://git.example/me/a/archive/{COMMIT}.zip"),
        ] {
            let found = Origin::of_address(&address, false, false);
            assert_eq!(found, repository(&address, true));
        }
    }

    #[test]
    fn plain_connections_are_told_from_one_to_the_own_machine() {
        let held = |address: &str, hashed| match Origin::of_address(address, hashed, true) {
            Some(Origin::Plain { held, .. }) => Some(held),
            _ => None,
        };
        assert_eq!(
            held("http://registry.example/a/-/a-1.0.0.tgz", false),
            Some(false)
        );
        assert_eq!(
            held("http://registry.example/a/-/a-1.0.0.tgz", true),
            Some(true)
        );
        assert_eq!(held("git://git.example/a.git#main", false), Some(false));
        assert_eq!(
            held(&format!("git+http://git.example/a.git#{COMMIT}"), false),
            Some(true)
        );
        for address in [
            "HTTP://registry.example/a",
            "git+Http://registry.example/a",
            "http://registry.example\\@localhost/a",
            "http://localhost.registry.example/a",
        ] {
            assert_eq!(held(address, false), Some(false), "{address}");
        }
        assert_eq!(held("HTTPS://registry.example/a", false), None);
        assert_eq!(held("http://me@LocalHost/a", false), None);
        assert_eq!(held("http://localhost:4873/a/-/a-1.0.0.tgz", false), None);
        assert_eq!(held("http://[::1]:80/a", false), None);
        assert_eq!(
            held("https://registry.example/a/-/a-1.0.0.tgz", false),
            None
        );
    }

    #[test]
    fn addresses_are_shown_without_credentials() {
        let found =
            Origin::of_address("https://me:secret@files.example/a.tgz?token=x", true, false);
        let address = "https://files.example/a.tgz".to_owned();
        assert_eq!(
            found,
            Some(Origin::File {
                address,
                hashed: true
            })
        );
    }

    #[test]
    fn versions_and_tags_are_no_addresses() {
        for reference in ["1.0.0", "^1", "latest", "", "*", ">=1 <2", "workspace:*"] {
            assert_eq!(
                Origin::of_address(reference, false, false),
                None,
                "{reference}"
            );
        }
    }

    #[test]
    fn a_path_leads_outside_where_it_leaves_the_artifact() {
        for (folder, path) in [
            ("", "../a"),
            ("api", "../../a"),
            ("", "file:///home/me/a"),
            ("a", "~/b"),
            ("", "C:\\a"),
        ] {
            assert!(leads_outside(folder, path).is_some(), "{folder} {path}");
        }
        for (folder, path) in [
            ("", "./a"),
            ("api", "../lib"),
            ("", "a/../b"),
            ("", "file:a"),
        ] {
            assert_eq!(leads_outside(folder, path), None, "{folder} {path}");
        }
    }

    #[test]
    fn keys_are_found_with_their_values() {
        let json = b"{\"scripts\": {\n\"a\": \"run\"},\n\"dependencies\": {\n\"a\" : \"^1.0.0\"}}";
        let mut keys = Keys::of(json);
        assert_eq!(keys.line("a", "^1"), Some(4));
        assert_eq!(keys.line("a", ""), Some(2));
        assert_eq!(keys.line("b", ""), None);
        let yaml = b"packages:\n  /a@1.0.0:\n    x: y\n  '@s/b@1.0.0':\n";
        let mut keys = Keys::of(yaml);
        assert_eq!(keys.line("/a@1.0.0", ""), Some(2));
        assert_eq!(keys.line("@s/b@1.0.0", ""), Some(4));
    }

    #[test]
    fn what_keys_cost_is_bounded() {
        let text = vec![b'a'; 8 << 20];
        let mut keys = Keys::of(&text);
        for _ in 0..10_000 {
            assert_eq!(keys.line("a", ""), None);
        }
        assert_eq!(keys.left, 0);
        let spaces = [b"\"a\":", &[b' '; 1000][..], b"x"].concat();
        assert_eq!(Keys::of(&spaces).line("a", "x"), None);
    }
}
