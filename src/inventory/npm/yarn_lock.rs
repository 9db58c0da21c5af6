//! yarn.lock, in the format of Yarn 1 and in that of the later ones.
//!
//! - Yarn 1 has a format of its own: <https://classic.yarnpkg.com/lang/en/docs/yarn-lock/>.
//! - Later ones write YAML: <https://yarnpkg.com/advanced/lexicon#lockfile>.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::lock_requests::{RequestedTree, request};
use super::locked_origin::{Origins, Row, is_integrity};
use super::specifier::{Locked, is_local, locked, registry_tarball, split, unaliased, unpatched};
use crate::finding::Location;
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::lenient::{Lenient, Text};
use crate::inventory::{owner, read};
use crate::supply_chain::origin::is_commit;

pub struct YarnLock;

/// How many names one entry may have. More than one is rare: aliases that lead to the same address.
const MAX_NAMES: usize = 8;

impl Inspector for YarnLock {
    fn wants(&self, header: &Header) -> bool {
        header.path.file_name() == "yarn.lock" && owner::is_owners(header.path)
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        if entry
            .text()?
            .lines()
            .any(|line| line.starts_with("__metadata:"))
        {
            inspect_yaml(entry, seen)
        } else {
            inspect_classic(entry, seen)
        }
    }
}

/// An entry of the YAML format. Its key is what was asked for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resolved {
    #[serde(default)]
    version: Text,
    /// `name@protocol:reference`.
    #[serde(default)]
    resolution: Text,
    checksum: Option<IgnoredAny>,
    /// On which platforms it is installed; on others it is never fetched, and has no checksum.
    conditions: Option<IgnoredAny>,
    #[serde(default)]
    dependencies: Ranges,
    #[serde(default)]
    optional_dependencies: Ranges,
}

type Ranges = Lenient<BTreeMap<String, Text>>;

fn inspect_yaml(entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
    let documents: Vec<BTreeMap<String, Lenient<Resolved>>> = read::yaml(entry)?;
    let mut origins = Origins::new(entry, false);
    let mut tree = RequestedTree::new(entry.path);
    for (key, resolved) in documents.into_iter().flatten() {
        let Some(resolved) = resolved.map() else {
            continue;
        };
        resolved.see_origin(&key, &mut origins, seen);
        if resolved.is_workspace() {
            tree.add_workspace();
        }
        let asked = key.split(", ").filter_map(split);
        let needs = resolved.needs();
        let package = resolved.locked();
        tree.add(
            asked.map(|(name, range)| request(name, range)),
            package.as_ref().and_then(Locked::exact),
            needs,
        );
        seen.components
            .extend(package.map(|package| package.observed(entry.path.clone())));
    }
    seen.lock_trees.add(tree.connect());
    Ok(())
}

impl Resolved {
    fn see_origin(&self, key: &str, origins: &mut Origins, seen: &mut Observations) {
        let Some((name, reference)) = self.resolution.as_text().and_then(split) else {
            return;
        };
        let reference = reference.split("::").next().unwrap_or_default();
        let is_versioned = reference.starts_with("npm:");
        let row = Row {
            name,
            key,
            address: Some(reference).filter(|_| !is_versioned && !reference.starts_with("patch:")),
            is_commit: false,
            is_hashed: self.checksum.is_some() || self.conditions.is_some(),
            is_versioned,
        };
        origins.see(&row, seen);
    }

    fn is_workspace(&self) -> bool {
        let resolution = self.resolution.as_text().and_then(split);
        resolution.is_some_and(|(_, reference)| reference.starts_with("workspace:"))
    }

    fn needs(&self) -> Vec<String> {
        let ranges = [&self.dependencies, &self.optional_dependencies];
        let ranges = ranges.into_iter().filter_map(Lenient::as_map).flatten();
        ranges
            .filter_map(|(name, range)| Some(request(name, range.as_text()?)))
            .collect()
    }

    fn locked(self) -> Option<Locked> {
        let resolution = self.resolution.text()?;
        let (name, reference) = split(&resolution)?;
        let (name, reference) = unpatched(name, reference)?;
        // What follows are parameters of the installation.
        let reference = reference.split("::").next()?;
        let package = locked(&name, reference)?;
        Some(Locked {
            version: package.version.or_else(|| self.version.text()),
            ..package
        })
    }
}

/// An entry of Yarn 1's format.
#[derive(Default)]
struct Classic {
    /// Where the entry starts.
    line: u32,
    /// What was asked for, each `name@reference`.
    specifiers: Vec<String>,
    /// Only where the specifiers do not tell it.
    name: Option<String>,
    version: Option<String>,
    resolved: Option<String>,
    is_hashed: bool,
    /// Whether the lines are those of `dependencies` or `optionalDependencies`.
    lists_needs: bool,
    needs: Vec<String>,
}

/// Reads Yarn 1's format line by line. A line that makes no sense is reported once the others are read.
fn inspect_classic(entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
    let mut result = Ok(());
    let mut current = Classic::default();
    let mut origins = Origins::new(entry, false);
    let mut tree = RequestedTree::new(entry.path);
    for (number, line) in (1..).zip(entry.text()?.lines()) {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        if !line.starts_with(' ') {
            let specifiers = line.trim_end().strip_suffix(':').and_then(words);
            if specifiers.is_none() && result.is_ok() {
                let message = "is not a yarn.lock: expected `name@range:`";
                result = Err(Unreadable::at(number as usize, message));
            }
            let next = Classic {
                line: number,
                specifiers: specifiers.unwrap_or_default(),
                ..Classic::default()
            };
            std::mem::replace(&mut current, next).observe(entry, &mut origins, &mut tree, seen);
        } else if let Some(field) = line.strip_prefix("  ") {
            match field.strip_prefix("  ") {
                Some(need) => current.need(need),
                None => current.set(field),
            }
        }
    }
    current.observe(entry, &mut origins, &mut tree, seen);
    let is_partial = result.is_err();
    seen.lock_trees.add(tree.connect().read_in_part(is_partial));
    result
}

impl Classic {
    /// Takes `key value`; blocks such as `dependencies:` have no value.
    fn set(&mut self, field: &str) {
        self.lists_needs = matches!(field.trim_end(), "dependencies:" | "optionalDependencies:");
        let Some((key, value)) = field.split_once(' ') else {
            return;
        };
        let value = words(value.trim()).and_then(|words| words.into_iter().next());
        match key {
            "name" => self.name = value,
            "version" => self.version = value,
            "resolved" => self.resolved = value,
            "integrity" => self.is_hashed = value.as_deref().is_some_and(is_integrity),
            _ => {}
        }
    }

    /// Takes `name "range"` of such a block.
    fn need(&mut self, line: &str) {
        if !self.lists_needs {
            return;
        }
        let line = line.trim();
        let end = match line.starts_with('"') {
            true => line[1..].find('"').map(|at| at + 2),
            false => line.find(' '),
        };
        let Some((name, range)) = end.map(|end| line.split_at(end)) else {
            return;
        };
        let range = words(range.trim()).and_then(|words| words.into_iter().next());
        let range = range.unwrap_or_default();
        self.needs.push(request(name.trim_matches('"'), &range));
    }

    fn observe(
        mut self,
        entry: &Entry,
        origins: &mut Origins,
        tree: &mut RequestedTree,
        seen: &mut Observations,
    ) {
        let names = self.names();
        let needs = std::mem::take(&mut self.needs);
        let asked = self.specifiers.iter().filter_map(|text| split(text));
        tree.add(
            asked.map(|(name, range)| request(name, range)),
            names
                .first()
                .map(String::as_str)
                .zip(self.version.as_deref()),
            needs,
        );
        for name in names {
            let address = self.resolved.as_deref();
            // Before it wrote `integrity`, Yarn put a SHA-1 behind the address.
            let (_, sha1) = address
                .and_then(|at| at.split_once('#'))
                .unwrap_or_default();
            let row = Row {
                name: &name,
                key: &name,
                address,
                is_commit: false,
                is_hashed: self.is_hashed || is_commit(sha1),
                is_versioned: self.version.is_some(),
            };
            origins.see_at(&row, self.line, seen);
            let package = Locked {
                name,
                version: self.version.clone(),
                address: self.resolved.clone(),
            };
            seen.components.push(package.observed(Location {
                path: entry.path.clone(),
                line: Some(self.line),
                column: None,
                vendored_in: None,
            }));
        }
    }

    /// The packages that the specifiers stand for; none for a folder of the project.
    fn names(&self) -> Vec<String> {
        let stated = self.name.as_deref();
        let registry = self.resolved.as_deref().and_then(registry_tarball);
        let registry = registry.as_ref().map(|(name, _)| name.as_str());
        let name = |specifier| match split(specifier) {
            None => stated,
            Some((_, reference)) if is_local(reference) => None,
            // The alias of an address may be any name.
            Some((alias, reference)) if reference.contains("://") => {
                registry.or(stated).or(Some(alias))
            }
            Some((alias, reference)) => stated.or(Some(unaliased(alias, reference).0)),
        };
        let names: BTreeSet<&str> = self.specifiers.iter().filter_map(|s| name(s)).collect();
        names
            .into_iter()
            .take(MAX_NAMES)
            .map(str::to_owned)
            .collect()
    }
}

/// Splits `"a b", c` at its commas. Quotes are those of JSON.
fn words(mut text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    loop {
        let end;
        if text.starts_with('"') {
            let mut strings = serde_json::Deserializer::from_str(text).into_iter::<String>();
            words.push(strings.next()?.ok()?);
            end = strings.byte_offset();
        } else {
            end = text.find(',').unwrap_or(text.len());
            words.push(text.get(..end)?.to_owned());
        }
        match text.get(end..)? {
            "" => return Some(words),
            rest => text = rest.strip_prefix(',')?.trim_start(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, rows, wants};

    fn lock(text: &str) -> Vec<String> {
        let seen = inspect(&YarnLock, "yarn.lock", text).unwrap();
        let rows = rows(&seen).into_iter();
        rows.map(|row| row.replace(" locked yarn.lock", ""))
            .collect()
    }

    #[test]
    fn classic_entries_have_a_version_and_a_line() {
        let found = lock(
            r#"# yarn lockfile v1


"@s/a@^1.0.0", "@s/a@>=1 <2":
  version "1.2.3"
  resolved "https://registry.example/@s/a/-/a-1.2.3.tgz#0123abc"
  dependencies:
    version "9.9.9"
    b "^2.0.0"

b@^2.0.0, b@~2.1:
  version "2.1.0"
"#,
        );
        assert_eq!(found, ["@s/a 1.2.3:4", "b 2.1.0:11"]);
    }

    #[test]
    fn classic_aliases_and_addresses_lead_to_the_real_package() {
        let found = lock(
            r#"
"alias@npm:@s/real@^1.0.0", "@s/real@^1.0.0":
  version "1.2.3"

"tarball@https://registry.example/b/-/b-2.0.0.tgz":
  version "2.0.0"
  resolved "https://registry.example/b/-/b-2.0.0.tgz#0123abc"

"c@git+ssh://git@git.example/me/c.git":
  version "3.0.0"
  resolved "git+ssh://git@git.example/me/c.git#0123abc"

"https://git.example/me/d.git":
  name d
  version "4.0.0"
"#,
        );
        assert_eq!(
            found,
            ["@s/real 1.2.3:2", "b 2.0.0:5", "c 3.0.0:9", "d 4.0.0:13"]
        );
    }

    #[test]
    fn classic_folders_of_the_project_are_left_out() {
        let found =
            lock("\"a@file:./a\", a@./a:\n  version \"1.0.0\"\n\nb@link:b:\n  version \"0.0.0\"\n");
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn a_classic_file_is_read_past_its_errors() {
        let text = "a@1:\r\n  version \"1.0.0\"\r\n<<<<<<< HEAD\r\nb@2:\r\n  version \"2.0.0\"\r\n";
        let path = crate::finding::EntryPath::new(&"fn.zip!/".into(), "yarn.lock");
        let bytes = text.as_bytes();
        let mut seen = Observations::default();
        let error = YarnLock
            .inspect(&Entry { path: &path, bytes }, &mut seen)
            .unwrap_err();
        assert_eq!(error.line, Some(3));
        assert_eq!(
            rows(&seen),
            ["a 1.0.0 locked yarn.lock:1", "b 2.0.0 locked yarn.lock:4"]
        );
    }

    const METADATA: &str = "__metadata:\n  version: 8\n  cacheKey: 10c0\n\n";

    #[test]
    fn resolutions_name_the_real_package() {
        let found = lock(&format!(
            r#"{METADATA}
"@s/a@npm:^1.0.0, @s/a@npm:~1.2.0":
  version: 1.2.3
  resolution: "@s/a@npm:1.2.3"
  linkType: hard

"alias@npm:real@^2.0.0":
  version: 2.0.0
  resolution: "real@npm:2.0.0::__archiveUrl=https%3A%2F%2Fregistry.example%2Freal.tgz"

"tarball@https://registry.example/b/-/b-3.0.0.tgz":
  version: 3.0.0
  resolution: "tarball@https://registry.example/b/-/b-3.0.0.tgz"

"c@https://git.example/me/c.git":
  version: 4.0.0
  resolution: "c@https://git.example/me/c.git#commit=0123abc"
"#
        ));
        assert_eq!(found, ["@s/a 1.2.3", "b 3.0.0", "c 4.0.0", "real 2.0.0"]);
    }

    #[test]
    fn a_patched_package_is_the_one_under_the_patch() {
        let found = lock(&format!(
            r#"{METADATA}
"a@patch:a@npm%3A^1.0.0#optional!builtin<compat/a>":
  version: 1.2.3
  resolution: "a@patch:a@npm%3A1.2.3#optional!builtin<compat/a>::version=1.2.3&hash=0123ab"

"b@patch:b@^2.0.0#builtin<compat/b>":
  version: 2.3.4
  resolution: "b@patch:b@2.3.4#builtin<compat/b>::version=2.3.4&hash=0123ab"
"#
        ));
        assert_eq!(found, ["a 1.2.3", "b 2.3.4"]);
    }

    #[test]
    fn packages_of_the_project_are_left_out() {
        let found = lock(&format!(
            r#"{METADATA}
"own@workspace:.":
  version: 0.0.0-use.local
  resolution: "own@workspace:."

"a@file:./a::locator=own%40workspace%3A.":
  version: 1.0.0
  resolution: "a@file:./a#./a::hash=0123ab&locator=own%40workspace%3A."

"b@portal:../b::locator=own%40workspace%3A.":
  version: 0.0.0-use.local
  resolution: "b@portal:../b::locator=own%40workspace%3A."

odd: [1]
"#
        ));
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn long_keys_are_written_on_lines_of_their_own() {
        let key = vec!["a@npm:^1.0.0"; 200].join(", ");
        let text =
            format!("{METADATA}? \"{key}\"\n:\n  version: 1.0.0\n  resolution: \"a@npm:1.0.0\"\n");
        assert_eq!(lock(&text), ["a 1.0.0"]);
    }

    #[test]
    fn what_is_not_yaml_is_said_so() {
        let text = format!("{METADATA}a:\n  version: [\n");
        let error = inspect(&YarnLock, "yarn.lock", text).unwrap_err();
        assert!(
            error.message.starts_with("is not valid YAML: "),
            "{error:?}"
        );
        assert!(error.line.is_some_and(|line| line >= 6), "{error:?}");
    }

    #[test]
    fn lock_files_of_installed_packages_are_not_wanted() {
        assert!(wants(&YarnLock, "api/yarn.lock", b""));
        assert!(!wants(&YarnLock, "node_modules/a/yarn.lock", b""));
    }
}
