//! The folders of package managers around a package, which state its version.

use super::{exact, is_name, leading_name};

/// The version that the folder around a `node_modules` states, if it states that of the package in question.
pub(super) fn stored_version<'a>(store: &'a str, name: &str) -> Option<&'a str> {
    let store = store.strip_suffix('/')?;
    let (before, entry) = store.rsplit_once('/').unwrap_or(("", store));
    pnpm_version(entry, name)
        .or_else(|| yarn_version(entry, name))
        .or_else(|| yarn_1_version(entry, name))
        .or_else(|| versioned_folder(before, entry, name))
}

/// Whether the store holds a folder of the project's: `name@file+folder` for pnpm, `name-file-0123456789` for Yarn, and
/// `name-file-0123456789-8.zip` in its cache.
pub(super) fn is_local(store: &str, name: &str) -> bool {
    let entry = store
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or_default();
    let behind = |slash, mark| without_name(entry, name, slash)?.strip_prefix(mark);
    behind("+", "@file+").is_some()
        || behind("-", "-file-")
            .is_some_and(|rest| rest.split(['-', '.']).next().is_some_and(is_yarn_digest))
}

/// `name@1.2.3`, with peers behind it: `_peer@1.0.0`, `(peer@1.0.0)`, `_digest` or `+digest`.
fn pnpm_version<'a>(entry: &'a str, name: &str) -> Option<&'a str> {
    let rest = without_name(entry, name, "+")?.strip_prefix('@')?;
    if let Some(rest) = rest.strip_suffix("==") {
        // npm: 16 bytes in base 64.
        return rest
            .get(..rest.len().checked_sub(22)?)?
            .strip_suffix('-')
            .and_then(exact);
    }
    let version = rest.split(['_', '(', '+']).next()?;
    if is_cut_by_pnpm(entry) {
        None
    } else {
        exact(version)
    }
}

/// pnpm cuts what is longer than 120 bytes, or 60 on Windows, and puts a digest behind it: the version may be cut
/// as well.
fn is_cut_by_pnpm(entry: &str) -> bool {
    let digest = entry.rsplit('_').next().unwrap_or_default();
    let is_digest =
        matches!(digest.len(), 26 | 32) && digest.bytes().all(|b| b.is_ascii_alphanumeric());
    matches!(entry.len(), 60 | 120) && is_digest
}

/// `name-npm-1.2.3-0123456789-10c0.zip`, where the last part is left out by the first versions and for folders.
fn yarn_version<'a>(entry: &'a str, name: &str) -> Option<&'a str> {
    let rest = without_name(entry, name, "-")?.strip_prefix("-npm-")?;
    yarn_slug_version(rest)
}

fn yarn_slug_version(rest: &str) -> Option<&str> {
    let rest = rest.strip_suffix(".zip").unwrap_or(rest);
    let (before, last) = rest.rsplit_once('-')?;
    if is_yarn_digest(last) {
        return exact(before);
    }
    let (version, digest) = before.rsplit_once('-')?;
    if is_yarn_digest(digest) {
        exact(version)
    } else {
        None
    }
}

/// `npm-name-1.2.3-0123456789012345678901234567890123456789-integrity`
fn yarn_1_version<'a>(entry: &'a str, name: &str) -> Option<&'a str> {
    let rest = without_name(entry.strip_prefix("npm-")?, name, "-")?.strip_prefix('-')?;
    let rest = rest.strip_suffix("-integrity").unwrap_or(rest);
    let (version, digest) = rest.rsplit_once('-')?;
    if digest.len() == 40 && is_hex(digest) {
        exact(version)
    } else {
        None
    }
}

/// `name/1.2.3` or `name/1.2.3_peers`; or `name/1.2.3/digest`, in the store that several projects share.
fn versioned_folder<'a>(before: &'a str, entry: &'a str, name: &str) -> Option<&'a str> {
    let is_named = |folder: &str| {
        let before = folder.strip_suffix(name);
        before.is_some_and(|before| before.is_empty() || before.ends_with('/'))
    };
    if is_named(before) {
        return exact(entry.split('_').next()?);
    }
    let (before, version) = before.rsplit_once('/')?;
    let is_digest = entry.len() >= 32 && is_hex(entry);
    if is_digest && is_named(before) {
        exact(version)
    } else {
        None
    }
}

/// `.store/name-npm-1.2.3-0123456789/package/index.js` in a `node_modules` that Yarn laid out as pnpm does: name,
/// version, and the length of the folder.
pub(super) fn in_yarn_store(inside: &str) -> Option<(String, &str, usize)> {
    let (entry, file) = inside.strip_prefix(".store/")?.split_once('/')?;
    file.strip_prefix("package/")?;
    let (slug, rest) = entry.split_once("-npm-")?;
    // A scope and a name are joined by a hyphen, which both may hold: then nothing tells where the name starts.
    let is_unscoped = !slug.starts_with('@') && is_name(slug);
    let version = yarn_slug_version(rest)?;
    is_unscoped.then(|| (slug.to_owned(), version, ".store/".len() + entry.len()))
}

/// `_name@1.2.3@name` or `_@scope_name@1.2.3@@scope/name`: name, version, and the length of the folder.
pub(super) fn in_cnpm_folder(inside: &str) -> Option<(String, &str, usize)> {
    let entry = inside.strip_prefix('_')?;
    // The name stands once more at the end, and tells where the version starts.
    let scoped = entry.starts_with('@');
    let separator = if scoped { "@@" } else { "@" };
    let (before, _) = entry.split_once('/')?;
    let (stated, _) = before.rsplit_once(separator)?;
    let name = leading_name(&entry[stated.len() + 1..])?;
    let version = without_name(stated, name, "_")?
        .strip_prefix('@')
        .and_then(exact)?;
    let length = 1 + stated.len() + 1 + name.len();
    Some((name.to_owned(), version, length))
}

/// What is behind the name, where a store writes the slash in it otherwise.
fn without_name<'a>(entry: &'a str, name: &str, slash: &str) -> Option<&'a str> {
    match name.split_once('/') {
        None => entry.strip_prefix(name),
        Some((scope, base)) => entry
            .strip_prefix(scope)?
            .strip_prefix(slash)?
            .strip_prefix(base),
    }
}

fn is_yarn_digest(text: &str) -> bool {
    text.len() == 10 && is_hex(text)
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_hexdigit())
}
