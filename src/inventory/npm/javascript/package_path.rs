//! From the path of a module, as bundlers and source maps write it, to the package that it belongs to.
//!
//! | written by | form |
//! | --- | --- |
//! | npm | `node_modules/a/index.js`, `node_modules/a/node_modules/@s/b/index.js` |
//! | webpack | `webpack:///./node_modules/a/index.js?1a2b`, `loader!./node_modules/a/index.js` |
//! | webpack 1 | `./~/a/index.js` |
//! | Rollup | `\0commonjs-proxy:/home/me/node_modules/a/index.js` |
//! | pnpm, Deno, Bun | `node_modules/.pnpm/@s+a@1.2.3_peers/node_modules/@s/a/index.js` |
//! | pnpm up to 4 | `.pnpm/registry/a/1.2.3/node_modules/a/index.js` |
//! | npm, linked | `node_modules/.store/a@1.2.3-digest==/node_modules/a/index.js` |
//! | cnpm | `node_modules/_a@1.2.3@a/index.js` |
//! | Yarn | `.yarn/cache/a-npm-1.2.3-0123456789-10c0.zip/node_modules/a/index.js` |
//! | Yarn 1 | `v6/npm-a-1.2.3-digest-integrity/node_modules/a/index.js` |
//! | Bun's cache | `install/cache/a@1.2.3@@@1/index.js` |
//! | Deno's cache | `npm/registry.example/a/1.2.3/index.js` |
//! | Deno | `npm:a@1.2.3/index.js` |
//! | jspm | `jspm_packages/npm/a@1.2.3/index.js` |
//! | networks that serve packages | the addresses in [`NETWORKS`] |

use std::borrow::Cow;

use crate::inventory::npm::specifier::{exact_version, percent_decoded};

/// A module's package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PackagePath {
    pub name: String,
    /// Only where the path states it exactly.
    pub version: Option<String>,
    /// The path up to the package's name: what tells two copies of a package apart.
    pub folder: String,
    /// Whether the module is the package's package.json.
    pub is_manifest: bool,
}

/// Longer paths are no module's: four times what Linux opens, as bundlers write prefixes before them.
pub(super) const MAX_PATH: usize = 4 * 4096;

/// <https://docs.npmjs.com/cli/v11/configuring-npm/package-json#name>
const MAX_NAME: usize = 214;

/// Hosts that serve the files of npm packages, and the folder of them.
const NETWORKS: &[(&str, &str)] = &[
    ("unpkg.com", ""),
    ("cdn.jsdelivr.net", "npm/"),
    ("fastly.jsdelivr.net", "npm/"),
    ("esm.sh", ""),
    ("cdn.esm.sh", ""),
    ("cdn.skypack.dev", ""),
    ("ga.jspm.io", "npm:"),
    ("jspm.dev", "npm:"),
];

/// The package that a module's path leads into; none for the project's own modules.
///
/// The text must be known to be a module's path. In prose a path of the same form means nothing.
pub(super) fn package_of(path: &str) -> Option<PackagePath> {
    let path = resource(path)?;
    let path = normalized(path);
    let mut found = in_node_modules(&path)
        .or_else(|| in_webpack_1(&path))
        .or_else(|| at_version(&path))
        .or_else(|| in_deno_cache(&path))?;
    let file = path.strip_prefix(&found.folder);
    found.is_manifest = matches!(file, Some("/package.json" | "/package/package.json"));
    Some(found)
}

/// The file itself, without the loaders before it and the query behind; none for a module that the bundle leaves
/// out.
fn resource(path: &str) -> Option<&str> {
    let path = path.rsplit('!').next()?;
    let path = path.split('?').next()?;
    // webpack: `external "a"`, `delegated ./a.js from dll`, `./a.js (ignored)`, `ignored|./a`.
    let is_left_out = path.contains('"')
        || path.contains("ignored|")
        || path.contains("delegated ")
        || path.ends_with(" (ignored)");
    (path.len() <= MAX_PATH && !is_left_out).then_some(path)
}

fn normalized(path: &str) -> Cow<'_, str> {
    if !path.contains(['%', '\\']) {
        return Cow::Borrowed(path);
    }
    percent_decoded(path).replace('\\', "/").into()
}

fn in_node_modules(path: &str) -> Option<PackagePath> {
    const FOLDER: &str = "node_modules/";
    let is_whole_part = |&(at, _): &(usize, &str)| {
        let before = path[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '_' | '-' | '.'))
    };
    let (at, _) = path.rmatch_indices(FOLDER).find(is_whole_part)?;
    let start = at + FOLDER.len();
    let (store, inside) = (&path[..at], &path[start..]);
    if let Some((name, version, length)) = in_yarn_store(inside).or_else(|| in_cnpm_folder(inside))
    {
        return package(name, Some(version), &path[..start + length]);
    }
    let name = leading_name(inside)?;
    if is_local(store, name) {
        return None;
    }
    let version = stored_version(store, name);
    package(name.to_owned(), version, &path[..start + name.len()])
}

fn package(name: String, version: Option<&str>, folder: &str) -> Option<PackagePath> {
    Some(PackagePath {
        name,
        version: version.map(str::to_owned),
        folder: folder.to_owned(),
        is_manifest: false,
    })
}

/// webpack 1 writes `~` for `node_modules`, in paths that are relative to the project or to itself. At the front
/// it may be an alias of the project's.
fn in_webpack_1(path: &str) -> Option<PackagePath> {
    const FOLDER: &str = "/~/";
    let relative = path.strip_prefix("webpack:///").unwrap_or(path);
    let is_relative = |start| relative.starts_with(start);
    if !["./", "../", "(webpack)/"].into_iter().any(is_relative) {
        return None;
    }
    let start = path.rfind(FOLDER)? + FOLDER.len();
    let name = leading_name(&path[start..])?;
    package(name.to_owned(), None, &path[..start + name.len()])
}

/// The package's name that the path of one of its files starts with.
fn leading_name(path: &str) -> Option<&str> {
    let slashes = if path.starts_with('@') { 1 } else { 0 };
    let (end, _) = path.match_indices('/').nth(slashes)?;
    let has_file = end + 1 < path.len();
    let name = &path[..end];
    (has_file && is_name(name)).then_some(name)
}

pub(super) fn is_name(name: &str) -> bool {
    let is_part = |part: &str| {
        let is_allowed =
            |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
        !part.is_empty() && part.bytes().all(is_allowed)
    };
    let is_valid = match name.strip_prefix('@') {
        Some(scoped) => scoped.split_once('/').is_some_and(|(scope, base)| {
            is_part(scope) && is_part(base) && !matches!(base, "." | "..")
        }),
        None => is_part(name) && !name.starts_with(['.', '_']),
    };
    is_valid && name.len() <= MAX_NAME && !matches!(name, "node_modules" | "favicon.ico")
}

/// The version that the folder around a `node_modules` states, if it states that of the package in question.
fn stored_version<'a>(store: &'a str, name: &str) -> Option<&'a str> {
    let store = store.strip_suffix('/')?;
    let (before, entry) = store.rsplit_once('/').unwrap_or(("", store));
    pnpm_version(entry, name)
        .or_else(|| yarn_version(entry, name))
        .or_else(|| yarn_1_version(entry, name))
        .or_else(|| versioned_folder(before, entry, name))
}

/// Whether the store holds a folder of the project's: `name@file+folder` for pnpm, `name-file-digest` for Yarn.
fn is_local(store: &str, name: &str) -> bool {
    let entry = store
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or_default();
    let is =
        |slash, mark| without_name(entry, name, slash).is_some_and(|rest| rest.starts_with(mark));
    is("+", "@file+") || is("-", "-file-")
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
    let is_digest = |part: &str| part.len() == 10 && is_hex(part);
    let (before, last) = rest.rsplit_once('-')?;
    if is_digest(last) {
        return exact(before);
    }
    let (version, digest) = before.rsplit_once('-')?;
    if is_digest(digest) {
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
fn in_yarn_store(inside: &str) -> Option<(String, &str, usize)> {
    let (entry, file) = inside.strip_prefix(".store/")?.split_once('/')?;
    file.strip_prefix("package/")?;
    let (slug, rest) = entry.split_once("-npm-")?;
    // A scope and a name are joined by a hyphen, which both may hold: then nothing tells where the name starts.
    let is_unscoped = !slug.starts_with('@') && is_name(slug);
    let version = yarn_slug_version(rest)?;
    is_unscoped.then(|| (slug.to_owned(), version, ".store/".len() + entry.len()))
}

/// `_name@1.2.3@name` or `_@scope_name@1.2.3@@scope/name`: name, version, and the length of the folder.
fn in_cnpm_folder(inside: &str) -> Option<(String, &str, usize)> {
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

/// Packages that stand with their version where one has to know that packages are: behind `npm:`, in the folders of
/// jspm and Bun, and on the [`NETWORKS`].
fn at_version(path: &str) -> Option<PackagePath> {
    let start = [network(path), specifier(path), jspm_folder(path)]
        .into_iter()
        .flatten()
        .next();
    let start = match start {
        Some(start) => start,
        None => return in_bun_cache(path),
    };
    let rest = &path[start..];
    let (name, reference) = name_and_reference(rest)?;
    let length = name.len() + 1 + reference.len();
    let version = match path[..start].ends_with("/-/") {
        // Skypack: `-/name@v1.2.3-digest`.
        true => reference
            .rsplit_once('-')
            .and_then(|(version, _)| exact_version(version)),
        false => exact_version(reference),
    };
    package(name.to_owned(), version, &path[..start + length])
}

/// `name@reference` at the front, and nothing but the rest of a path behind it.
fn name_and_reference(text: &str) -> Option<(&str, &str)> {
    let scope = usize::from(text.starts_with('@'));
    let at = text.get(scope..)?.find('@')? + scope;
    let name = &text[..at];
    let reference = text[at + 1..].split(['/', '&', '#']).next()?;
    (is_name(name) && !reference.is_empty()).then_some((name, reference))
}

/// Where the package starts in an address of a network.
fn network(path: &str) -> Option<usize> {
    let (_, address) = path
        .split_once("https://")
        .or_else(|| path.split_once("http://"))?;
    let rest = NETWORKS.iter().find_map(|(host, folder)| {
        let rest = address.strip_prefix(host)?.strip_prefix('/')?;
        rest.strip_prefix(folder)
    })?;
    Some(path.len() - without_build(rest).len())
}

/// esm.sh puts its own version in front (`v135/`, `stable/`, `*` for no dependencies), Skypack its builds (`-/`).
fn without_build(rest: &str) -> &str {
    let rest = match rest.split_once('/') {
        Some((first, behind)) if is_build(first) => behind,
        _ => rest,
    };
    rest.strip_prefix('*').unwrap_or(rest)
}

fn is_build(part: &str) -> bool {
    let number = part.strip_prefix('v');
    let is_number = number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    is_number || matches!(part, "stable" | "-")
}

fn specifier(path: &str) -> Option<usize> {
    let rest = path.strip_prefix("npm:")?;
    Some(path.len() - rest.trim_start_matches('/').len())
}

fn jspm_folder(path: &str) -> Option<usize> {
    const FOLDER: &str = "jspm_packages/npm/";
    path.rfind(FOLDER).map(|at| at + FOLDER.len())
}

/// `a@1.2.3@@@1`, or `a@1.2.3@@registry.example@@@1` for what is from another registry.
fn in_bun_cache(path: &str) -> Option<PackagePath> {
    let (before, _) = path.split_once("@@@")?;
    let (folder, entry) = before.rsplit_once('/')?;
    let (base, reference) = entry.split_once('@')?;
    let version = exact(reference.split("@@").next()?)?;
    let scope = folder
        .rsplit('/')
        .next()
        .filter(|part| part.starts_with('@'));
    let name = match scope {
        Some(scope) => format!("{scope}/{base}"),
        None => base.to_owned(),
    };
    if !is_name(&name) {
        return None;
    }
    package(name, Some(version), before)
}

/// `npm/registry.example/a/1.2.3/index.js`
fn in_deno_cache(path: &str) -> Option<PackagePath> {
    const FOLDER: &str = "npm/";
    let is_whole_part = |&(at, _): &(usize, &str)| at == 0 || path[..at].ends_with('/');
    let (at, _) = path.rmatch_indices(FOLDER).find(is_whole_part)?;
    let (host, rest) = path[at + FOLDER.len()..].split_once('/')?;
    let name = leading_name(rest)?;
    let (version, _) = rest.get(name.len() + 1..)?.split_once('/')?;
    let version = exact(version.split('_').next()?)?;
    let length = path.len() - rest.len() + name.len() + 1 + version.len();
    if host.contains('.') {
        package(name.to_owned(), Some(version), &path[..length])
    } else {
        None
    }
}

/// The version, if it is one as folders are named: with neither `v` nor `=`.
fn exact(version: &str) -> Option<&str> {
    exact_version(version).filter(|exact| exact.len() == version.len())
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `name version folder`, with `-` for what is not known.
    fn found(path: &str) -> String {
        match package_of(path) {
            None => "none".to_owned(),
            Some(found) => {
                let version = found.version.as_deref().unwrap_or("-");
                format!("{} {version} {}", found.name, found.folder)
            }
        }
    }

    #[test]
    fn the_innermost_node_modules_counts() {
        for (path, expected) in [
            ("node_modules/a/index.js", "a - node_modules/a"),
            (
                "../node_modules/@s/a/lib/x.js",
                "@s/a - ../node_modules/@s/a",
            ),
            (
                "/var/task/node_modules/JSONStream/index.js",
                "JSONStream - /var/task/node_modules/JSONStream",
            ),
            (
                "node_modules/a/node_modules/@s/b/x.js",
                "@s/b - node_modules/a/node_modules/@s/b",
            ),
            (
                "C:\\me\\node_modules\\@s\\a\\x.js",
                "@s/a - C:/me/node_modules/@s/a",
            ),
            (
                "file:///me/node_modules/%40s/a/x.js",
                "@s/a - file:///me/node_modules/@s/a",
            ),
            ("node_modules/%40s%2Fa/x.js", "@s/a - node_modules/@s/a"),
            (
                "meteor://app/npm/node_modules/a/x.js",
                "a - meteor://app/npm/node_modules/a",
            ),
        ] {
            assert_eq!(found(path), expected, "{path}");
        }
    }

    #[test]
    fn bundlers_write_something_around_the_path() {
        for (path, expected) in [
            (
                "webpack:///./node_modules/a/index.js?1a2b",
                "a - webpack:///./node_modules/a",
            ),
            (
                "webpack://my-app/./node_modules/@s/a/x.js",
                "@s/a - webpack://my-app/./node_modules/@s/a",
            ),
            (
                "webpack-internal:///(rsc)/./node_modules/a/x.js",
                "a - webpack-internal:///(rsc)/./node_modules/a",
            ),
            (
                "turbopack:///[project]/node_modules/a/x.js",
                "a - turbopack:///[project]/node_modules/a",
            ),
            (
                "-!./node_modules/l/index.js??ref--1!./node_modules/a/x.css?y",
                "a - ./node_modules/a",
            ),
            ("css ./node_modules/a/x.css", "a - css ./node_modules/a"),
            (
                "\0commonjs-proxy:/me/node_modules/a/x.js",
                "a - \0commonjs-proxy:/me/node_modules/a",
            ),
            (
                "\0/me/node_modules/a/x.js?commonjs-exports",
                "a - \0/me/node_modules/a",
            ),
            (
                "webpack:///./~/a/~/@s/b/x.js",
                "@s/b - webpack:///./~/a/~/@s/b",
            ),
            ("../~/a/x.js", "a - ../~/a"),
        ] {
            assert_eq!(found(path), expected, "{path}");
        }
    }

    #[test]
    fn stores_state_the_version() {
        let yarn = ".yarn/cache/a-npm-1.2.3-0123456789-10c0.zip/node_modules/a";
        let scoped = ".yarn/unplugged/@s-a-npm-1.2.3-rc.1-0123456789/node_modules/@s/a";
        let linked = format!(
            "node_modules/.store/a@1.2.3-{}==/node_modules/a",
            "a-_b".repeat(6).split_at(22).0
        );
        let yarn_1 = format!(
            "v6/npm-@s-a-1.2.3-{}-integrity/node_modules/@s/a",
            "0".repeat(40)
        );
        let shared = format!("links/@s/a/1.2.3/{}/node_modules/@s/a", "0".repeat(64));
        for (folder, name, version) in [
            ("node_modules/.pnpm/a@1.2.3/node_modules/a", "a", "1.2.3"),
            (
                "node_modules/.pnpm/@s+a@1.2.3_b@4.0.0/node_modules/@s/a",
                "@s/a",
                "1.2.3",
            ),
            (
                "node_modules/.pnpm/a@1.2.3-rc.1(b@4.0.0)(@s+c@1.0.0)/node_modules/a",
                "a",
                "1.2.3-rc.1",
            ),
            ("node_modules/.deno/a@1.2.3_1/node_modules/a", "a", "1.2.3"),
            (
                "node_modules/.bun/@s+a@1.2.3+0123456789abcdef/node_modules/@s/a",
                "@s/a",
                "1.2.3",
            ),
            (
                "node_modules/.pnpm/registry.example/@s/a/1.2.3_b@4.0.0/node_modules/@s/a",
                "@s/a",
                "1.2.3",
            ),
            (&shared, "@s/a", "1.2.3"),
            (&linked, "a", "1.2.3"),
            (yarn, "a", "1.2.3"),
            (scoped, "@s/a", "1.2.3-rc.1"),
            (
                ".yarn/__virtual__/a-virtual-01/0/cache/a-npm-1.2.3-0123456789-8.zip/node_modules/a",
                "a",
                "1.2.3",
            ),
            (
                ".yarn/cache/a-npm-1.2.3-0123456789.zip/node_modules/a",
                "a",
                "1.2.3",
            ),
            ("node_modules/.store/a-npm-1.2.3-0123456789", "a", "1.2.3"),
            (&yarn_1, "@s/a", "1.2.3"),
            ("node_modules/_a@1.2.3@a", "a", "1.2.3"),
            ("node_modules/_@s_a@1.2.3@@s/a", "@s/a", "1.2.3"),
        ] {
            let file = if folder.contains(".store/a-npm") {
                "package/x.js"
            } else {
                "lib/x.js"
            };
            let expected = format!("{name} {version} {folder}");
            assert_eq!(
                found(&format!("webpack:///./{folder}/{file}")),
                expected.replace(folder, &format!("webpack:///./{folder}"))
            );
        }
    }

    #[test]
    fn a_store_that_states_another_packages_version_states_none() {
        let cut = format!(
            "node_modules/.pnpm/{}@1.2.1_{}/node_modules/{}",
            "a".repeat(27),
            "b".repeat(26),
            "a".repeat(27)
        );
        for folder in [
            "node_modules/.pnpm/b@1.2.3/node_modules/a",
            "node_modules/.pnpm/@s+a@1.2.3/node_modules/a",
            "node_modules/.pnpm/a@1.2/node_modules/a",
            ".yarn/cache/a-patch-0123456789-8.zip/node_modules/a",
            ".yarn/cache/ba-npm-1.2.3-0123456789-8.zip/node_modules/a",
            "node_modules/b/1.2.3/node_modules/a",
            &cut,
        ] {
            let name = folder.rsplit('/').next().unwrap();
            assert_eq!(
                found(&format!("{folder}/x.js")),
                format!("{name} - {folder}")
            );
        }
    }

    #[test]
    fn packages_stand_with_their_version_outside_of_node_modules() {
        for (path, expected) in [
            (
                "https://unpkg.com/a@1.2.3/x.js",
                "a 1.2.3 https://unpkg.com/a@1.2.3",
            ),
            (
                "https://cdn.jsdelivr.net/npm/@s/a@1.2.3/+esm",
                "@s/a 1.2.3 https://cdn.jsdelivr.net/npm/@s/a@1.2.3",
            ),
            (
                "https://esm.sh/v135/a@1.2.3/es2022/a.mjs",
                "a 1.2.3 https://esm.sh/v135/a@1.2.3",
            ),
            (
                "https://esm.sh/*a@1.2.3&dev",
                "a 1.2.3 https://esm.sh/*a@1.2.3",
            ),
            (
                "https://ga.jspm.io/npm:@s/a@1.2.3/x.js",
                "@s/a 1.2.3 https://ga.jspm.io/npm:@s/a@1.2.3",
            ),
            (
                "https://cdn.skypack.dev/-/a@v1.2.3-Ab0Cd/dist=es2020/a.js",
                "a 1.2.3 https://cdn.skypack.dev/-/a@v1.2.3-Ab0Cd",
            ),
            (
                "http-url:https://esm.sh/a@^1/x.js",
                "a - http-url:https://esm.sh/a@^1",
            ),
            (
                "https://unpkg.com/a@1.2/x.js",
                "a - https://unpkg.com/a@1.2",
            ),
            ("npm:a@1.2.3", "a 1.2.3 npm:a@1.2.3"),
            ("npm:/@s/a@1.2.3/x", "@s/a 1.2.3 npm:/@s/a@1.2.3"),
            (
                "jspm_packages/npm/a@1.2.3/x.js",
                "a 1.2.3 jspm_packages/npm/a@1.2.3",
            ),
            (
                "/me/.bun/install/cache/@s/a@1.2.3@@@1/x.js",
                "@s/a 1.2.3 /me/.bun/install/cache/@s/a@1.2.3",
            ),
            (
                "cache/a@1.2.3@@registry.example@@@1/x.js",
                "a 1.2.3 cache/a@1.2.3@@registry.example",
            ),
            (
                "/deno/npm/registry.example/@s/a/1.2.3/x.js",
                "@s/a 1.2.3 /deno/npm/registry.example/@s/a/1.2.3",
            ),
        ] {
            assert_eq!(found(path), expected, "{path}");
        }
    }

    #[test]
    fn only_the_manifest_of_the_package_itself_is_its_manifest() {
        for (path, is_manifest) in [
            ("webpack:///./node_modules/@s/a/package.json?1a2b", true),
            (
                "node_modules/.store/a-npm-1.2.3-0123456789/package/package.json",
                true,
            ),
            ("C:\\node_modules\\a\\package.json", true),
            ("https://unpkg.com/a@1.2.3/package.json", true),
            ("node_modules/a/dist/a/package.json", false),
            ("node_modules/a/package.json.js", false),
            ("node_modules/a/index.js", false),
        ] {
            assert_eq!(
                package_of(path).map(|found| found.is_manifest),
                Some(is_manifest),
                "{path}"
            );
        }
    }

    #[test]
    fn own_code_and_what_is_not_in_the_bundle_is_no_package() {
        for path in [
            "",
            "src/index.ts",
            "webpack:///./src/App.vue?./node_modules/a/x.js",
            "./node_modules/l/index.js!./src/App.vue",
            "webpack:///webpack/bootstrap",
            "webpack://app/external commonjs \"../node_modules/a/x.js\"",
            "webpack:///./node_modules/a/fs.js (ignored)",
            "ignored|/me/node_modules/a|fs",
            "my_node_modules/a/x.js",
            "node_modules/a",
            "node_modules/a/",
            "node_modules/a.js",
            "node_modules/.pnpm/@s+a@file+libs+a/node_modules/@s/a/x.js",
            ".yarn/cache/a-file-0123456789-8.zip/node_modules/a/x.js",
            "node_modules/@s/a",
            "node_modules/.vite/deps/a.js",
            "node_modules/node_modules/x.js",
            "node_modules/\u{e9}/x.js",
            "~/components/x.js",
            "/home/~/a/x.js",
            "https://unpkg.com/a/x.js",
            "https://esm.sh/gh/me/a@1.2.3/x.js",
            "https://cdn.jsdelivr.net/gh/me/a@1.2.3/x.js",
            "https://site.example/a@1.2.3/x.js",
            "npm/a/b/1.2.3/x.js",
        ] {
            assert_eq!(found(path), "none", "{path}");
        }
    }

    #[test]
    fn long_paths_cost_no_more_than_their_length() {
        assert_eq!(found(&"node_modules/a/".repeat(10_000)), "none");
        assert_eq!(found(&"a/".repeat(1 << 20)), "none");
        assert_eq!(
            found(&format!("{}node_modules/a/x.js", "l!".repeat(1 << 20))),
            "a - node_modules/a"
        );
    }

    /// Pieces of which paths are made, in any order.
    fn path() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            "\\PC{0,4}",
            proptest::sample::select(vec![
                "node_modules/",
                "/",
                "@",
                "@s/",
                "a",
                "a@1.2.3",
                ".pnpm/",
                "_",
                "+",
                "-npm-",
                "1.2.3",
                "-0123456789",
                ".zip",
                "%40",
                "%2F",
                "%",
                "\\",
                "!",
                "?",
                "~/",
                "./",
                "webpack:///",
                "\0",
                "https://unpkg.com/",
                "npm:",
                "@@@1",
                ".store/",
                "package/",
                "npm/",
                "==",
                "\u{e9}",
                "https://cdn.skypack.dev/-/",
                "npm-",
            ])
            .prop_map(str::to_owned),
        ];
        proptest::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn what_is_found_is_a_valid_name_and_version(path in path()) {
            if let Some(found) = package_of(&path) {
                prop_assert!(is_name(&found.name), "{found:?}");
                prop_assert!(found.name.bytes().all(|b| b.is_ascii_graphic()), "{found:?}");
                prop_assert!(found.name.len() <= MAX_NAME);
                prop_assert_eq!(found.name.matches('/').count(), usize::from(found.name.starts_with('@')));
                prop_assert!(found.version.is_none_or(|v| semver::Version::parse(&v).is_ok()));
                prop_assert!(normalized(resource(&path).unwrap()).starts_with(&found.folder));
            }
        }

        #[test]
        fn a_file_in_a_package_is_found_behind_any_folder(before in "[a-z/.]{0,20}", name in "[a-z][a-z0-9._-]{0,10}") {
            let found = package_of(&format!("{before}/node_modules/{name}/x.js"));
            prop_assume!(name != "node_modules" && name != "favicon.ico");
            prop_assert_eq!(found.map(|found| found.name), Some(name));
        }
    }
}
