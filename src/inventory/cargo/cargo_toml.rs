//! Where `Cargo.toml` has packages taken from, if not in one version from a registry.
//!
//! Specification: <https://doc.rust-lang.org/cargo/reference/specifying-dependencies.html>, and of what stands for other
//! packages <https://doc.rust-lang.org/cargo/reference/overriding-dependencies.html>. What is built, Cargo.lock and the
//! program itself say, so that no row of a manifest is a component. What only tests need (`dev-dependencies`) stays behind.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use crate::component::{Ecosystem, Evidence};
use crate::finding::Location;
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::lenient::{Lenient, Table, Text};
use crate::inventory::pypi::toml_text::Lines;
use crate::inventory::{owner, read};
use crate::supply_chain::origin::{Origin, leads_outside};

pub struct CargoToml;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Manifest {
    #[serde(default)]
    dependencies: Dependencies,
    #[serde(default)]
    build_dependencies: Dependencies,
    /// Cargo reads the older spelling too.
    #[serde(default, rename = "build_dependencies")]
    older_build_dependencies: Dependencies,
    #[serde(default)]
    target: Table<Tables>,
    #[serde(default)]
    workspace: Lenient<Tables>,
    /// By the registry whose packages are replaced.
    #[serde(default)]
    patch: Lenient<BTreeMap<String, Dependencies>>,
    /// The older form, by `name:version`.
    #[serde(default)]
    replace: Dependencies,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Tables {
    #[serde(default)]
    dependencies: Dependencies,
    #[serde(default)]
    build_dependencies: Dependencies,
    #[serde(default, rename = "build_dependencies")]
    older_build_dependencies: Dependencies,
}

impl Tables {
    fn all(self) -> [Dependencies; 3] {
        [
            self.dependencies,
            self.build_dependencies,
            self.older_build_dependencies,
        ]
    }
}

/// A version, or a table.
type Dependencies = Lenient<BTreeMap<Spanned<String>, Lenient<Dependency>>>;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Dependency {
    /// The package's name, where the project calls it otherwise.
    #[serde(default)]
    package: Text,
    #[serde(default)]
    version: Text,
    #[serde(default)]
    git: Text,
    #[serde(default)]
    rev: Text,
    #[serde(default)]
    tag: Text,
    #[serde(default)]
    branch: Text,
    #[serde(default)]
    path: Text,
    #[serde(default)]
    registry_index: Text,
}

impl Inspector for CargoToml {
    fn wants(&self, header: &Header) -> bool {
        header.path.file_name() == "Cargo.toml" && owner::is_owners(header.path)
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let manifest: Manifest = read::toml(entry)?;
        let lines = Lines::new(entry.text()?);
        for (key, dependency) in manifest.dependencies() {
            let origin = origin(&dependency, entry.path.parent());
            let line = lines.line_of(key.span().start);
            let name = match dependency {
                Lenient::Map(Dependency { package, .. }) => package.text(),
                _ => None,
            };
            let key = key.into_inner();
            let name = name.unwrap_or_else(|| key.split(':').next().unwrap_or(&key).to_owned());
            let location = Location::at_line(entry.path, line);
            seen.origin(
                Ecosystem::CratesIo,
                name,
                Evidence::Declared,
                origin,
                location,
            );
        }
        Ok(())
    }
}

impl Manifest {
    fn dependencies(self) -> impl Iterator<Item = (Spanned<String>, Lenient<Dependency>)> {
        let own = Tables {
            dependencies: self.dependencies,
            build_dependencies: self.build_dependencies,
            older_build_dependencies: self.older_build_dependencies,
        };
        let targets = self.target.rows().map(|(_, tables)| tables);
        let tables = [own].into_iter().chain(targets).chain(self.workspace.map());
        let patches = self.patch.map().unwrap_or_default().into_values();
        tables
            .flat_map(Tables::all)
            .chain([self.replace])
            .chain(patches)
            .filter_map(Lenient::map)
            .flatten()
    }
}

/// A folder goes before a version, which is for those to whom the project is published.
fn origin(dependency: &Lenient<Dependency>, folder: &str) -> Option<Origin> {
    let table = match dependency {
        Lenient::Text(version) => return unpinned(version),
        Lenient::Map(table) => table,
        _ => return None,
    };
    if let Some(git) = table.git.as_text() {
        let revision = [&table.rev, &table.tag, &table.branch];
        return Origin::of_git(git, revision.into_iter().find_map(Text::as_text));
    }
    if let Some(path) = table.path.as_text() {
        return leads_outside(folder, path);
    }
    let index = table.registry_index.as_text().unwrap_or_default();
    let unpinned = || unpinned(table.version.as_text()?);
    Origin::of_address(index, false, true).or_else(unpinned)
}

/// Nearly all that is asked for is a range: `1.2.3` is `^1.2.3`.
fn unpinned(version: &str) -> Option<Origin> {
    match version.trim() {
        "*" => Some(Origin::Any),
        version => (!version.starts_with('=')).then_some(Origin::Range),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, origins, wants};

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn what_comes_from_elsewhere_is_said_with_its_line() {
        let text = format!(
            r#"[package]
name = "own"
version = "0.1.0"

[dependencies]
branch = {{ git = "https://me:secret@git.example/branch", branch = "main" }}
commit = {{ git = "https://git.example/commit", rev = "{COMMIT}" }}
plain = {{ git = "http://git.example/plain" }}
index = {{ version = "1", registry-index = "http://index.example/x" }}
outside = {{ path = "../../outside", version = "1.0" }}
inside = {{ path = "../inside" }}
exact = "=1.2.3"
range = "1.2.3"
any = {{ version = "*", optional = true }}
shared.workspace = true
called = {{ package = "real", git = "https://git.example/real" }}

[dev-dependencies]
test = {{ git = "git://git.example/test" }}

[target.'cfg(unix)'.build-dependencies.cc]
git = "https://git.example/cc"
rev = "0123abc"

[workspace.dependencies]
shared = {{ git = "https://git.example/shared", tag = "v1" }}

[patch.crates-io]
patched = {{ git = "https://git.example/patched" }}
beside = {{ path = "vendored/beside" }}

[replace]
"replaced:0.1.0" = {{ path = "/src/replaced" }}
"#
        );
        let seen = inspect(&CargoToml, "api/Cargo.toml", text).unwrap();
        let repository = |name: &str, line: u32, address: &str, commit: bool| {
            format!(
                "{name} declared api/Cargo.toml:{line} Repository {{ address: \"git+https://git.example/{address}\", commit: {commit} }}"
            )
        };
        let expected = [
            repository("branch", 6, "branch#main", false),
            repository("commit", 7, &format!("commit#{COMMIT}"), true),
            "plain declared api/Cargo.toml:8 Plain { address: \"git+http://git.example/plain\", held: false }".to_owned(),
            "index declared api/Cargo.toml:9 Plain { address: \"http://index.example/x\", held: false }".to_owned(),
            "outside declared api/Cargo.toml:10 Outside { path: \"../../outside\" }".to_owned(),
            "range declared api/Cargo.toml:13 Range".to_owned(),
            "any declared api/Cargo.toml:14 Any".to_owned(),
            repository("real", 16, "real", false),
            repository("cc", 21, "cc#0123abc", false),
            repository("shared", 26, "shared#v1", false),
            repository("patched", 29, "patched", false),
            "replaced declared api/Cargo.toml:33 Outside { path: \"/src/replaced\" }".to_owned(),
        ];
        assert_eq!(origins(&seen), expected);
        assert!(seen.components.is_empty());
    }

    #[test]
    fn odd_rows_cost_only_themselves() {
        let text = "[dependencies]\na = 7\nb = { git = 7, version = \"*\" }\nc = [\"1\"]\n";
        let seen = inspect(&CargoToml, "Cargo.toml", text).unwrap();
        assert_eq!(origins(&seen), ["b declared Cargo.toml:3 Any"]);
        let text = "target = 7\n[dependencies]\nb = \"*\"\n[patch]\ncrates-io = 7\n[patch.own]\na = { git = 7 }\n\
            c = { git = \"git://git.example/c\" }\n[workspace]\ndependencies = 7\n[build-dependencies]\nd = \"*\"\n";
        let seen = inspect(&CargoToml, "Cargo.toml", text).unwrap();
        let expected = [
            "b declared Cargo.toml:3 Any",
            "c declared Cargo.toml:8 Plain { address: \"git+git://git.example/c\", held: false }",
            "d declared Cargo.toml:12 Any",
        ];
        assert_eq!(origins(&seen), expected);
        let error = inspect(&CargoToml, "Cargo.toml", "[dependencies\n").unwrap_err();
        assert_eq!(error.line, Some(1));
    }

    #[test]
    fn the_older_spelling_is_read_beside_the_other() {
        let text = "[build_dependencies]\na = \"*\"\n[build-dependencies]\nb = \"*\"\n[dev_dependencies]\nc = \"*\"\n\
            [target.'cfg(unix)'.build_dependencies]\nd = \"*\"\n";
        let seen = inspect(&CargoToml, "Cargo.toml", text).unwrap();
        let expected = [
            "a declared Cargo.toml:2 Any",
            "b declared Cargo.toml:4 Any",
            "d declared Cargo.toml:8 Any",
        ];
        assert_eq!(origins(&seen), expected);
    }

    #[test]
    fn the_manifests_of_other_packages_are_not_wanted() {
        assert!(wants(&CargoToml, "api/Cargo.toml", b""));
        for path in [
            "vendor/a/Cargo.toml",
            "root/.cargo/registry/src/index/a-1.0.0/Cargo.toml",
            "usr/local/cargo/registry/src/index/a-1.0.0/Cargo.toml",
            "node_modules/a/Cargo.toml",
        ] {
            assert!(!wants(&CargoToml, path, b""), "{path}");
        }
    }
}
