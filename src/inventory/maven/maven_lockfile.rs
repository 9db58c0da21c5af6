//! `lockfile.json` of the plugin `maven-lockfile`.
//!
//! <https://github.com/chains-project/maven-lockfile#format>. It is a tree: each dependency has its own as `children`,
//! which are also there where another version was taken (`included` is false, and `selectedVersion` says which).

use serde::Deserialize;

use super::coordinates::{is_id, is_version, name};
use crate::component::{Ecosystem, Evidence};
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::lenient::{Flag, Lenient, Text};
use crate::inventory::{owner, read};

pub struct MavenLockfile;

/// What tells it from files of that name that others write.
const KEY: &[u8] = b"\"lockFileVersion\"";

const SCOPES_OUTSIDE: [&str; 3] = ["test", "provided", "system"];

#[derive(Deserialize)]
struct Lockfile {
    #[serde(default)]
    dependencies: Lenient<Row>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    #[serde(default)]
    group_id: Text,
    #[serde(default)]
    artifact_id: Text,
    #[serde(default)]
    version: Text,
    #[serde(default)]
    scope: Text,
    #[serde(default)]
    included: Flag,
    #[serde(default)]
    children: Box<Lenient<Row>>,
}

impl Inspector for MavenLockfile {
    fn wants(&self, header: &Header) -> bool {
        header.path.inner().ends_with("lockfile.json")
            && header.path.file_name() == "lockfile.json"
            && owner::is_owners(header.path)
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        if memchr::memmem::find(entry.bytes, KEY).is_none() {
            return Ok(());
        }
        let lockfile: Lockfile = read::json(entry)?;
        let mut trees = vec![lockfile.dependencies];
        while let Some(tree) = trees.pop() {
            let Lenient::List(rows) = tree else { continue };
            for row in rows.into_iter().filter_map(Lenient::map) {
                // What only tests need needs the rest of its branch for them.
                let scope = row.scope.text().unwrap_or_default();
                if SCOPES_OUTSIDE.contains(&scope.as_str()) {
                    continue;
                }
                trees.push(*row.children);
                let is_left_out = matches!(row.included, Lenient::Flag(false));
                let (Some(group), Some(artifact), Some(version)) = (
                    row.group_id.text(),
                    row.artifact_id.text(),
                    row.version.text(),
                ) else {
                    continue;
                };
                if !is_left_out && is_id(&group) && is_id(&artifact) && is_version(&version) {
                    let (name, path) = (name(&group, &artifact), entry.path.clone());
                    seen.component(Ecosystem::Maven, name, version, Evidence::Locked, path);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, rows, wants};

    fn row(artifact: &str, more: &str) -> String {
        format!(r#"{{"groupId": "g", "artifactId": "{artifact}", "version": "1.0"{more}}}"#)
    }

    #[test]
    fn what_is_included_and_runs_is_locked() {
        let deep = row("deep", r#", "scope": "compile", "included": true"#);
        let other = row("other-version-was-taken", r#", "included": false"#);
        let top = row(
            "top",
            &format!(r#", "scope": "runtime", "included": true, "children": [{deep}, {other}, 1]"#),
        );
        let test = row(
            "test",
            &format!(
                r#", "scope": "test", "children": [{}]"#,
                row("for-tests", "")
            ),
        );
        let plugins = row("plugin", "");
        let text = format!(
            r#"{{"artifactId": "own", "groupId": "o", "version": "1", "lockFileVersion": 1,
                "dependencies": [{top}, {test}], "mavenPlugins": [{plugins}]}}"#
        );
        let found = rows(&inspect(&MavenLockfile, "lockfile.json", text).unwrap());
        assert_eq!(
            found,
            [
                "g:deep 1.0 locked lockfile.json",
                "g:top 1.0 locked lockfile.json"
            ]
        );
    }

    #[test]
    fn files_of_that_name_by_others_say_nothing() {
        for text in ["oops", r#"{"lockfileVersion": 3, "dependencies": {}}"#] {
            let seen = inspect(&MavenLockfile, "lockfile.json", text).unwrap();
            assert_eq!(rows(&seen), [""; 0]);
        }
        let error = inspect(
            &MavenLockfile,
            "lockfile.json",
            "{\"lockFileVersion\": 1,\noops",
        )
        .unwrap_err();
        assert_eq!(error.line, Some(2));
        assert!(!wants(&MavenLockfile, "my-lockfile.json", b""));
    }

    #[test]
    fn a_tree_without_end_is_refused() {
        let text = format!(
            r#"{{"lockFileVersion": 1, "dependencies": {}"#,
            r#"[{"children": "#.repeat(100_000)
        );
        assert!(inspect(&MavenLockfile, "lockfile.json", text).is_err());
    }
}
