//! The texts with which npm's files name a package: `name@reference`, where the reference is a version, a
//! range, a tag, an alias, a path or an address.
//!
//! - npm: <https://docs.npmjs.com/cli/v11/using-npm/package-spec>
//! - Yarn: <https://yarnpkg.com/protocols>
//! - pnpm: <https://pnpm.io/package-sources>

use std::borrow::Cow;

use semver::Version;

use crate::component::{Ecosystem, Evidence, ObservedComponent};
use crate::finding::Location;

/// References to what is part of the project itself or made on the spot.
const LOCAL_PROTOCOLS: &[&str] = &["file:", "link:", "portal:", "workspace:", "root:", "exec:"];

/// References to something that is not an npm package.
const FOREIGN_PROTOCOLS: &[&str] = &["jsr:", "runtime:"];

/// How often a patch of a patch is followed. People do not stack them; hostile files might.
const MAX_PATCHES: usize = 8;

/// A package as a lock file resolved it.
#[derive(Debug, PartialEq, Eq)]
pub struct Locked {
    pub name: String,
    pub version: Option<String>,
    /// Where it comes from, if not simply from the registry.
    pub address: Option<String>,
}

impl Locked {
    /// Name and version, where it has one.
    pub fn exact(&self) -> Option<(&str, &str)> {
        Some((&self.name, self.version.as_deref()?))
    }

    pub fn observed(self, location: impl Into<Location>) -> ObservedComponent {
        let version_range = match self.version {
            Some(_) => None,
            None => self.address.as_deref().map(without_credentials),
        };
        ObservedComponent {
            ecosystem: Ecosystem::Npm,
            name: self.name,
            version: self.version,
            version_range,
            evidence: Evidence::Locked,
            folder: None,
            location: location.into(),
        }
    }
}

/// Splits `name@reference`, where the name may start with a scope's `@`.
pub fn split(text: &str) -> Option<(&str, &str)> {
    let after_scope = usize::from(text.starts_with('@'));
    let at = text.get(after_scope..)?.find('@')? + after_scope;
    let (name, reference) = (text.get(..at)?, text.get(at + 1..)?);
    is_name(name).then_some((name, reference))
}

/// Whether npm would have it as a package's name, and not as an address: `name` or `@scope/name`.
fn is_name(text: &str) -> bool {
    let name = match text.strip_prefix('@') {
        Some(scoped) => scoped.split_once('/').map_or("", |(_, name)| name),
        None => text,
    };
    !name.is_empty() && !text.contains([':', '\\', ' ']) && !name.contains('/')
}

/// What a lock file's `name@reference` stands for; nothing for what is not from a registry or an address.
///
/// An address states its version only in the form that registries use; any other file may be named anything.
pub fn locked(name: &str, reference: &str) -> Option<Locked> {
    if reference.is_empty() || is_local(reference) || is_foreign(reference) {
        return None;
    }
    let (name, reference) = unaliased(name, reference);
    if !reference.contains([':', '/']) {
        return Some(Locked {
            name: name.to_owned(),
            version: Some(reference.to_owned()),
            address: None,
        });
    }
    let (name, version) = match registry_tarball(reference) {
        Some((name, version)) => (name, Some(version.to_owned())),
        None => (name.to_owned(), None),
    };
    Some(Locked {
        name,
        version,
        address: Some(reference.to_owned()),
    })
}

/// Follows `npm:real-name@reference` and `npm:real-name`. Yarn also writes `npm:range` for the name itself.
pub fn unaliased<'a>(name: &'a str, reference: &'a str) -> (&'a str, &'a str) {
    let Some(target) = reference.strip_prefix("npm:") else {
        return (name, reference);
    };
    match split(target) {
        Some(aliased) => aliased,
        None if target.starts_with(|c: char| c.is_alphabetic() || c == '@') => (target, "*"),
        None => (name, target),
    }
}

/// The package under a patch, `patch:name@npm%3A1.2.3#changes`: <https://yarnpkg.com/protocol/patch>.
pub fn unpatched<'a>(name: &'a str, reference: &'a str) -> Option<(Cow<'a, str>, Cow<'a, str>)> {
    let mut name = Cow::Borrowed(name);
    let mut reference = Cow::Borrowed(reference);
    for _ in 0..MAX_PATCHES {
        let Some(patched) = reference.strip_prefix("patch:") else {
            return Some((name, reference));
        };
        let patched = percent_decoded(patched.split('#').next()?);
        let (inner_name, inner_reference) = split(&patched)?;
        (name, reference) = (
            inner_name.to_owned().into(),
            inner_reference.to_owned().into(),
        );
    }
    None
}

pub fn percent_decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.as_bytes();
    loop {
        match bytes {
            [] => return String::from_utf8_lossy(&out).into_owned(),
            [b'%', high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                out.push(hex(*high) << 4 | hex(*low));
                bytes = rest;
            }
            [first, rest @ ..] => {
                out.push(*first);
                bytes = rest;
            }
        }
    }
}

/// The value of a digit that is known to be hexadecimal.
fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

/// Whether the reference leads to the project's own files.
pub fn is_local(reference: &str) -> bool {
    let is_path = reference.starts_with(['.', '/']) || reference.starts_with("~/");
    let is_archive = reference.ends_with(".tgz") || reference.ends_with(".tar.gz");
    is_path
        || starts_with_any(reference, LOCAL_PROTOCOLS)
        || (is_archive && !reference.contains("://"))
}

pub fn is_foreign(reference: &str) -> bool {
    starts_with_any(reference, FOREIGN_PROTOCOLS)
}

fn starts_with_any(text: &str, prefixes: &[&str]) -> bool {
    prefixes.iter().any(|prefix| text.starts_with(prefix))
}

/// The version, if it is one and not a range: `1.2.3`, `=1.2.3` or `v1.2.3`.
pub fn exact_version(text: &str) -> Option<&str> {
    let text = text.trim();
    let text = text.strip_prefix('=').unwrap_or(text).trim_start();
    let text = text.strip_prefix('v').unwrap_or(text);
    Version::parse(text).is_ok().then_some(text)
}

/// Name and version of a registry's address, `https://host/@scope/name/-/name-1.2.3.tgz`.
pub fn registry_tarball(address: &str) -> Option<(String, &str)> {
    let path = address.split(['#', '?']).next()?;
    let (folder, file) = path.split_once("://")?.1.rsplit_once("/-/")?;
    // Some registries repeat the scope in front of the file name.
    let file = file.rsplit('/').next()?.strip_suffix(".tgz")?;
    let folder = folder.replace("%2f", "/").replace("%2F", "/");
    let mut parts = folder.rsplit('/');
    let base = parts.next()?;
    let version = file.strip_prefix(base)?.strip_prefix('-')?;
    Version::parse(version).ok()?;
    let name = match parts.next() {
        Some(scope) if scope.starts_with('@') => format!("{scope}/{base}"),
        _ => base.to_owned(),
    };
    Some((name, version))
}

/// An address as a report may show it: tokens travel in the user's part and in the query.
pub fn without_credentials(address: &str) -> String {
    let (place, fragment) = match address.split_once('#') {
        Some((place, fragment)) => (place, format!("#{fragment}")),
        None => (address, String::new()),
    };
    let place = place.split('?').next().unwrap_or_default();
    let Some((scheme, rest)) = place.split_once("://") else {
        return format!("{place}{fragment}");
    };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = match host.rsplit_once('@') {
        // Everyone's user name for repositories over SSH.
        Some(("git", _)) | None => host,
        Some((_, host)) => host,
    };
    format!("{scheme}://{host}{path}{fragment}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(name: &str, version: &str) -> Option<Locked> {
        Some(Locked {
            name: name.to_owned(),
            version: Some(version.to_owned()),
            address: None,
        })
    }

    #[test]
    fn a_name_ends_at_the_first_at_after_its_scope() {
        assert_eq!(split("a@1.0.0"), Some(("a", "1.0.0")));
        assert_eq!(split("@s/a@npm:b@1"), Some(("@s/a", "npm:b@1")));
        assert_eq!(split("a@"), Some(("a", "")));
        for odd in [
            "",
            "@",
            "a",
            "@s/a",
            "@s@1",
            "git+ssh://git@host/a",
            "me/repo@1",
        ] {
            assert_eq!(split(odd), None, "{odd}");
        }
    }

    #[test]
    fn aliases_lead_to_the_real_package() {
        assert_eq!(
            locked("mine", "npm:@s/real@1.0.0"),
            exact("@s/real", "1.0.0")
        );
        assert_eq!(unaliased("mine", "npm:real"), ("real", "*"));
        assert_eq!(unaliased("mine", "npm:^1.0.0"), ("mine", "^1.0.0"));
    }

    #[test]
    fn the_projects_own_files_are_no_packages() {
        for reference in [
            "file:../a",
            "link:a",
            "portal:a",
            "workspace:^",
            "root:",
            "./a",
            "../a",
            "/opt/a",
            "~/a",
            "vendor/a-1.0.0.tgz",
        ] {
            assert!(is_local(reference), "{reference}");
            assert_eq!(locked("a", reference), None);
        }
        assert!(!is_local("~1.2.3"));
        assert!(!is_local("https://files.example/a-1.0.0.tgz"));
    }

    #[test]
    fn only_a_registrys_address_states_a_version() {
        for (address, name) in [
            ("https://registry.example/a/-/a-1.0.0.tgz#4f2b", "a"),
            ("https://h.example/npm/@s/a/-/a-1.0.0.tgz?x=1", "@s/a"),
            ("https://h.example/@s%2fa/-/a-1.0.0.tgz", "@s/a"),
            ("https://h.example/@s/a/-/@s/a-1.0.0.tgz", "@s/a"),
        ] {
            let found = registry_tarball(address);
            assert_eq!(found, Some((name.to_owned(), "1.0.0")), "{address}");
        }
        for address in [
            "https://files.example/a-1.0.0.tgz",
            "https://registry.example/a/-/b-1.0.0.tgz",
            "https://registry.example/a/-/a-latest.tgz",
            "git+ssh://git@git.example/me/a.git#1.0.0",
        ] {
            assert_eq!(registry_tarball(address), None, "{address}");
            assert_eq!(locked("a", address).unwrap().version, None);
        }
    }

    #[test]
    fn exact_versions_are_not_ranges() {
        assert_eq!(exact_version("1.2.3"), Some("1.2.3"));
        assert_eq!(exact_version(" = v1.2.3-rc.1 "), Some("1.2.3-rc.1"));
        for range in [
            "",
            "*",
            "1",
            "1.2",
            "1.2.x",
            "^1.2.3",
            ">=1.2.3",
            "1.2.3 - 2",
            "latest",
        ] {
            assert_eq!(exact_version(range), None, "{range}");
        }
    }

    #[test]
    fn patches_are_peeled_off() {
        let peeled = |reference| unpatched("a", reference).map(|(n, r)| format!("{n} {r}"));
        assert_eq!(peeled("npm:1.0.0").as_deref(), Some("a npm:1.0.0"));
        assert_eq!(
            peeled("patch:@s/b@npm%3A1.0.0#~/.yarn/patches/b.patch").as_deref(),
            Some("@s/b npm:1.0.0")
        );
        assert_eq!(
            peeled("patch:b@patch%3Ab@npm%253A1.0.0%23one.patch#two.patch").as_deref(),
            Some("b npm:1.0.0")
        );
        assert_eq!(peeled("patch:nothing"), None);
        assert_eq!(peeled(&"patch:a@".repeat(100_000)), None);
    }

    #[test]
    fn addresses_lose_their_secrets() {
        for (address, shown) in [
            (
                "https://me:secret@h.example/a.git#v1",
                "https://h.example/a.git#v1",
            ),
            (
                "https://h.example/a.tgz?token=secret#v1",
                "https://h.example/a.tgz#v1",
            ),
            (
                "git+ssh://git@h.example/a.git",
                "git+ssh://git@h.example/a.git",
            ),
            ("git@h.example:me/a.git", "git@h.example:me/a.git"),
            ("me/repo#v1", "me/repo#v1"),
        ] {
            assert_eq!(without_credentials(address), shown);
        }
    }
}
