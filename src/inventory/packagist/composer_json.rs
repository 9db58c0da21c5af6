//! `composer.json`: the packages that a project asks for.
//!
//! Specification: <https://getcomposer.org/doc/04-schema.md#require>. Only what production needs counts. Names without
//! a slash are PHP itself, its extensions and libraries: <https://getcomposer.org/doc/articles/composer-platform-dependencies.md>.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::component::{Ecosystem, Evidence};
use crate::finding::Location;
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::lenient::{Flag, Lenient, Text};
use crate::inventory::npm::specifier::without_credentials;
use crate::inventory::{owner, read};
use crate::supply_chain::origin::{Keys, Origin, is_commit, is_plain, leads_outside};
use crate::version::Version;

pub struct ComposerJson;

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    name: Text,
    #[serde(default)]
    require: Lenient<BTreeMap<String, Text>>,
    /// A list, or a map that names them.
    #[serde(default)]
    repositories: Value,
    #[serde(default)]
    config: Lenient<Config>,
}

/// <https://getcomposer.org/doc/06-config.md>
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Config {
    #[serde(default)]
    secure_http: Flag,
    #[serde(default)]
    disable_tls: Flag,
}

/// Kinds of repositories that are under version control: <https://getcomposer.org/doc/05-repositories.md#vcs>.
const VERSION_CONTROL: [&str; 10] = [
    "bitbucket",
    "forgejo",
    "fossil",
    "git",
    "git-bitbucket",
    "github",
    "gitlab",
    "hg",
    "svn",
    "vcs",
];

impl Inspector for ComposerJson {
    fn wants(&self, header: &Header) -> bool {
        header.path.is_named("composer.json") && owner::is_owners(header.path)
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let manifest: Manifest = read::json(entry)?;
        let mut keys = Keys::of(entry.bytes);
        let mut see = |seen: &mut Observations,
                       name: &str,
                       origin: Option<Origin>,
                       key: &str,
                       value: &str| {
            if origin.is_some() {
                let mut location = Location::from(entry.path.clone());
                location.line = keys.line(key, value);
                seen.origin(
                    Ecosystem::Packagist,
                    name,
                    Evidence::Declared,
                    origin,
                    location,
                );
            }
        };
        for repository in manifest.repositories() {
            if let Some(url) = repository.get("url").and_then(Value::as_str) {
                let origin = repository_origin(kind(repository), url, entry.path.parent());
                see(seen, &without_credentials(url), origin, "url", url);
            }
        }
        for (setting, value) in manifest.insecure_settings() {
            let setting_and_value = format!("{setting} {value}");
            let origin = Origin::Insecure {
                setting: setting_and_value,
            };
            see(seen, setting, Some(origin), setting, value);
        }
        let own = manifest.own_vendor();
        if let Some(name) = manifest.name.as_text() {
            let own = (entry.path.clone(), name.to_owned());
            seen.supply.own_packages.push(own);
        }
        for (name, constraint) in manifest.require.map().unwrap_or_default() {
            let vendor = name.split_once('/').map(|(vendor, _)| vendor);
            let (Some(constraint), Some(vendor)) = (constraint.text(), vendor) else {
                continue;
            };
            if own.as_deref() == Some(vendor) {
                continue;
            }
            let (ecosystem, location) = (Ecosystem::Packagist, entry.path.clone());
            match exact(&constraint) {
                Some(version) => {
                    seen.component(ecosystem, name, version, Evidence::Declared, location);
                }
                None => {
                    see(seen, &name, unpinned(&constraint), &name, &constraint);
                    seen.declared(ecosystem, name, constraint, location);
                }
            }
        }
        Ok(())
    }
}

impl Manifest {
    fn repositories(&self) -> Vec<&Map<String, Value>> {
        match &self.repositories {
            Value::Array(list) => list.iter().filter_map(Value::as_object).collect(),
            Value::Object(named) => named.values().filter_map(Value::as_object).collect(),
            _ => Vec::new(),
        }
    }

    /// Settings under which Composer fetches over connections that anyone may change, with their values.
    fn insecure_settings(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let config = self.config.as_map();
        let takes_plain = config.is_some_and(|c| matches!(c.secure_http, Flag::Flag(false)));
        let is_unverified = config.is_some_and(|c| c.disable_tls.is_set());
        [
            (takes_plain, ("secure-http", "false")),
            (is_unverified, ("disable-tls", "true")),
        ]
        .into_iter()
        .filter_map(|(is_set, setting)| is_set.then_some(setting))
    }

    /// The vendor of the project, if that has packages in folders
    /// (<https://getcomposer.org/doc/05-repositories.md#path>): its requirements of the same vendor are those.
    fn own_vendor(&self) -> Option<String> {
        let mut repositories = self.repositories().into_iter();
        let has_folders = repositories.any(|repository| kind(repository) == "path");
        let name = self.name.as_text().filter(|_| has_folders)?;
        Some(name.split('/').next()?.to_owned())
    }
}

fn kind(repository: &Map<String, Value>) -> &str {
    let kind = repository.get("type").and_then(Value::as_str);
    kind.unwrap_or_default()
}

/// What a repository at an address says of the packages in it; nothing where they are a registry's, or the project's own.
fn repository_origin(kind: &str, url: &str, folder: &str) -> Option<Origin> {
    let address = without_credentials(url);
    match kind {
        "composer" => is_plain(url).then(|| Origin::Insecure {
            setting: format!("repository {address}"),
        }),
        "path" | "artifact" => leads_outside(folder, url),
        kind if !VERSION_CONTROL.contains(&kind) => None,
        _ if is_plain(url) => Some(Origin::Plain {
            address,
            held: false,
        }),
        _ if url.contains("://") || url.starts_with("git@") => Some(Origin::Repository {
            address,
            commit: false,
        }),
        // A clone on the machine that builds.
        _ => leads_outside(folder, url),
    }
}

/// What a constraint says that allows more than one version. A branch may be held to a commit: `dev-main#COMMIT`.
fn unpinned(constraint: &str) -> Option<Origin> {
    let (constraint, revision) = constraint.split_once('#').unwrap_or((constraint, ""));
    let version = constraint.split('@').next().unwrap_or_default().trim();
    match version {
        _ if is_commit(revision) => None,
        "" | "*" | ">=0" => Some(Origin::Any),
        _ => Some(Origin::Range),
    }
}

/// The one version that a constraint allows: <https://getcomposer.org/doc/articles/versions.md#exact-version-constraint>.
fn exact(constraint: &str) -> Option<&str> {
    let version = constraint.trim();
    let version = version.trim_start_matches('=').trim_start();
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+');
    let version = version.bytes().all(is_plain).then_some(version)?;
    Version::parse(Ecosystem::Packagist, version).map(|_| version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, origins, rows, wants};

    #[test]
    fn production_needs_packages_by_version_or_range() {
        let json = r#"{"name": "own/fn", "require": {
            "php": ">=8.1", "ext-json": "*", "lib-curl": "*", "composer-runtime-api": "^2",
            "a/exact": "1.2.3", "a/v": "==v1.0-RC1", "a/range": "^1.0 || ^2.0", "a/any": "*", "a/wild": "1.0.*",
            "a/branch": "dev-main", "a/flag": "1.0@dev", "a/hyphen": "1.0 - 2.0", "a/odd": 7, "a/x": "1.x"
        }, "require-dev": {"a/tool": "1.0"}, "suggest": {"a/more": "it is nice"}}"#;
        let found = rows(&inspect(&ComposerJson, "composer.json", json).unwrap());
        let expected = [
            "a/any ~*",
            "a/branch ~dev-main",
            "a/exact 1.2.3",
            "a/flag ~1.0@dev",
            "a/hyphen ~1.0 - 2.0",
            "a/range ~^1.0 || ^2.0",
            "a/v v1.0-RC1",
            "a/wild ~1.0.*",
            "a/x ~1.x",
        ];
        assert_eq!(
            found,
            expected.map(|row| format!("{row} declared composer.json"))
        );
    }

    #[test]
    fn packages_in_folders_are_the_projects_own() {
        for (repositories, rows_found) in [
            (r#"[{"type": "path", "url": "../lib"}]"#, 1),
            (
                r#"{"own": {"type": "path", "url": "../lib"}, "mirror": false}"#,
                1,
            ),
            (r#"[{"type": "vcs", "url": "https://git.example/lib"}]"#, 2),
            ("7", 2),
        ] {
            let json = format!(
                r#"{{"name": "own/fn", "require": {{"own/lib": "*", "a/b": "*"}}, "repositories": {repositories}}}"#
            );
            let seen = inspect(&ComposerJson, "composer.json", json).unwrap();
            assert_eq!(rows(&seen).len(), rows_found, "{repositories}");
        }
    }

    #[test]
    fn repositories_and_settings_say_where_packages_come_from() {
        let json = r#"{
            "repositories": [
                {"type": "vcs", "url": "https://me:secret@git.example/me/a"},
                {"type": "git", "url": "git://git.example/me/b.git"},
                {"type": "vcs", "url": "git@git.example:me/c.git"},
                {"type": "vcs", "url": "../clone"},
                {"type": "path", "url": "../../packages/*"},
                {"type": "path", "url": "packages/*"},
                {"type": "composer", "url": "http://packages.example"},
                {"type": "composer", "url": "https://packages.example"},
                {"type": "composer", "url": "http://localhost:8080"},
                {"packagist.example": false}, {"type": "vcs"}, {"type": "vcs", "url": 7}, 7
            ],
            "config": {"secure-http": false, "disable-tls": true},
            "require": {"a/any": "*", "a/range": "^1.0", "a/exact": "1.0.0", "a/branch": "dev-main",
                "a/commit": "dev-main#0123456789abcdef0123456789abcdef01234567"}
        }"#;
        let seen = inspect(&ComposerJson, "api/composer.json", json).unwrap();
        let expected = [
            "https://git.example/me/a declared api/composer.json:3 Repository { address: \"https://git.example/me/a\", commit: false }",
            "git://git.example/me/b.git declared api/composer.json:4 Plain { address: \"git://git.example/me/b.git\", held: false }",
            "git@git.example:me/c.git declared api/composer.json:5 Repository { address: \"git@git.example:me/c.git\", commit: false }",
            "../../packages/* declared api/composer.json:7 Outside { path: \"../../packages/*\" }",
            "http://packages.example declared api/composer.json:9 Insecure { setting: \"repository http://packages.example\" }",
            "disable-tls declared api/composer.json:14 Insecure { setting: \"disable-tls true\" }",
            "secure-http declared api/composer.json:14 Insecure { setting: \"secure-http false\" }",
            "a/any declared api/composer.json:15 Any",
            "a/branch declared api/composer.json:15 Range",
            "a/range declared api/composer.json:15 Range",
        ];
        assert_eq!(origins(&seen), expected);
        let harmless = r#"{"repositories": {"own": {"type": "path", "url": "."}, "x": false},
            "config": {"secure-http": true, "disable-tls": false, "platform": {"php": "8.1"}}}"#;
        let seen = inspect(&ComposerJson, "composer.json", harmless).unwrap();
        assert!(seen.origins.is_empty(), "{:?}", seen.origins);
    }

    #[test]
    fn manifests_of_installed_packages_are_not_wanted() {
        assert!(wants(&ComposerJson, "composer.json", b""));
        assert!(!wants(&ComposerJson, "vendor/a/b/composer.json", b""));
        assert!(!wants(&ComposerJson, "node_modules/a/composer.json", b""));
    }
}
