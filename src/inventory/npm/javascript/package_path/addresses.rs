//! Packages outside of a `node_modules`: addresses, specifiers and caches, which state the version.

use super::{PackagePath, exact, is_name, leading_name, package};
use crate::inventory::npm::specifier::exact_version;

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

/// Packages that stand with their version where one has to know that packages are: behind `npm:`, in the folders of
/// jspm and Bun, and on the [`NETWORKS`].
pub(super) fn at_version(path: &str) -> Option<PackagePath> {
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
pub(super) fn in_deno_cache(path: &str) -> Option<PackagePath> {
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
