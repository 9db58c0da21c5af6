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
//! | networks that serve packages | the addresses in [`addresses`] |

mod addresses;
mod stores;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use self::addresses::{at_version, in_deno_cache};
use self::stores::{in_cnpm_folder, in_yarn_store, is_local, stored_version};
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

/// The version, if it is one as folders are named: with neither `v` nor `=`.
fn exact(version: &str) -> Option<&str> {
    exact_version(version).filter(|exact| exact.len() == version.len())
}
