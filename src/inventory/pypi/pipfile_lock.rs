//! `Pipfile.lock`: <https://pipenv.pypa.io/en/stable/pipfile.html>.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::component::{Ecosystem, Evidence};
use crate::finding::Location;
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::lenient::Lenient;
use crate::inventory::lock_tree::Purpose;
use crate::inventory::owner;
use crate::supply_chain::origin::{Keys, Origin};

use super::lock_names::NamedTree;
use super::pipfile::{Index, Package};

pub struct PipfileLock;

/// `default`, `develop` and any other group; but `_meta` holds no packages.
#[derive(Deserialize)]
struct Lock {
    #[serde(rename = "_meta")]
    meta: Option<Meta>,
    #[serde(flatten)]
    groups: BTreeMap<String, BTreeMap<String, Value>>,
}

#[derive(Deserialize)]
struct Meta {
    #[serde(default)]
    sources: Lenient<Index>,
}

impl Inspector for PipfileLock {
    fn wants(&self, header: &Header) -> bool {
        header.path.file_name() == "Pipfile.lock" && owner::is_owners(header.path)
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let lock: Lock = serde_json::from_str(entry.text()?)
            .map_err(|error| Unreadable::at(error.line(), format!("is not valid JSON: {error}")))?;
        let mut keys = Keys::of(entry.bytes);
        let sources = lock.meta.map(|meta| meta.sources.list());
        for index in sources.into_iter().flatten().filter_map(Lenient::map) {
            let location = Location::from(entry.path.clone());
            let locked = Evidence::Locked;
            seen.origin(Ecosystem::PyPi, "source", locked, index.origin(), location);
        }
        let mut result = Ok(());
        let mut tree = NamedTree::new(entry.path, None);
        let rows = lock.groups.into_iter().flat_map(|(group, rows)| {
            // A group of one's own may well be installed for production.
            let purpose = Purpose::of(group == "develop");
            rows.into_iter()
                .map(move |(name, row)| (purpose, name, row))
        });
        for (purpose, name, row) in rows {
            let Ok(package) = Package::deserialize(row) else {
                result = Err(Unreadable::new("has a row that is not a package"));
                continue;
            };
            let mut location = Location::from(entry.path.clone());
            let unhashed = || package.needs_hash().then_some(Origin::Unhashed);
            let origin = match package.origin(entry.path.parent()) {
                Some(Origin::Range | Origin::Any) | None => unhashed(),
                elsewhere => elsewhere,
            };
            if origin.is_some() {
                location.line = keys.line(&name, "");
                let locked = Evidence::Locked;
                seen.origin(Ecosystem::PyPi, &name, locked, origin, location.clone());
                location.line = None;
            }
            let Some(locked) = package.into_requirement(&name) else {
                continue;
            };
            tree.add(&name, locked.version.as_deref(), purpose);
            seen.components
                .push(locked.into_component(Evidence::Locked, location));
        }
        seen.lock_trees
            .add(tree.connect().read_in_part(result.is_err()));
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, rows};

    #[test]
    fn lists_all_groups_but_no_local_packages() {
        let text = r#"{
  "_meta": {"hash": {"sha256": "00"}, "pipfile-spec": 6, "requires": {}, "sources": []},
  "default": {
    "alpha": {"hashes": ["sha256:00"], "index": "mirror", "markers": "python_version >= '3'", "version": "==1.0"},
    "from-git": {"git": "https://git.example/x.git", "ref": "0123", "editable": true},
    "from-url": {"file": "https://host.example/from_url-1.3-py3-none-any.whl"},
    "my-lib": {"editable": true, "path": "./lib"},
    "my-wheel": {"file": "wheels/my_wheel-0.1.0-py3-none-any.whl"}
  },
  "develop": {"tool": {"version": "==2.0"}},
  "docs": {"doc-tool": "==3.0"}
}"#;
        let seen = inspect(&PipfileLock, "Pipfile.lock", text).unwrap();
        assert_eq!(
            rows(&seen),
            [
                "alpha 1.0 locked Pipfile.lock",
                "doc-tool 3.0 locked Pipfile.lock",
                "from-git ~0123 locked Pipfile.lock",
                "from-url 1.3 locked Pipfile.lock",
                "tool 2.0 locked Pipfile.lock",
            ]
        );
    }

    #[test]
    fn only_what_is_in_the_group_for_development_is_for_it() {
        let text = r#"{"_meta": {}, "default": {"a": {"version": "==1.0"}},
            "develop": {"tool": {"version": "==2.0"}}, "lambda": {"b": {"version": "==1.0"}}}"#;
        let seen = inspect(&PipfileLock, "Pipfile.lock", text).unwrap();
        let found = seen.lock_trees.shown();
        assert_eq!(found, ["a 1.0 p", "b 1.0 p", "tool 2.0 d"]);
    }

    #[test]
    fn a_file_that_was_not_read_whole_has_nothing_for_development() {
        use crate::finding::EntryPath;
        let path = EntryPath::new(&"fn.zip!/".into(), "Pipfile.lock");
        let bytes =
            br#"{"_meta": {}, "default": {"a": 1}, "develop": {"tool": {"version": "==2.0"}}}"#;
        let mut seen = Observations::default();
        let entry = Entry { path: &path, bytes };
        assert!(PipfileLock.inspect(&entry, &mut seen).is_err());
        assert_eq!(seen.lock_trees.shown(), ["tool 2.0"]);
    }

    #[test]
    fn broken_json_names_its_line() {
        let error = inspect(&PipfileLock, "Pipfile.lock", "{\n\"default\": [}").unwrap_err();
        assert_eq!(error.line, Some(2));
    }

    #[test]
    fn deep_nesting_is_an_error() {
        let text = format!("{{\"_meta\": {}", "[".repeat(200_000));
        assert!(inspect(&PipfileLock, "Pipfile.lock", text).is_err());
    }
}
