//! `pyproject.toml`: what the project needs to run.
//!
//! `[project] dependencies` <https://packaging.python.org/en/latest/specifications/pyproject-toml/> and
//! `[tool.poetry.dependencies]` <https://python-poetry.org/docs/dependency-specification/>.
//! What it needs to be built, and what its extras and groups add, need not be in an artifact and does not count.

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::{Spanned, Value};

use crate::component::{Ecosystem, Evidence};
use crate::finding::{EntryPath, Location};
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::lenient::{Lenient, Table};
use crate::inventory::lock_tree::{Manifest as Asked, is_development_group};
use crate::inventory::owner;
use crate::supply_chain::origin::Origin;

use super::pep508::{self, Requirement};
use super::pipfile::Index;
use super::requirements;
use super::toml_text::{self, Lines};

pub struct Pyproject;

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    project: Project,
    #[serde(default)]
    tool: Tool,
}

#[derive(Default, Deserialize)]
struct Project {
    #[serde(default)]
    dependencies: Vec<Spanned<Value>>,
}

#[derive(Default, Deserialize)]
struct Tool {
    #[serde(default)]
    poetry: Poetry,
    #[serde(default)]
    uv: Uv,
}

#[derive(Default, Deserialize)]
struct Poetry {
    #[serde(default)]
    dependencies: BTreeMap<Spanned<String>, Value>,
    #[serde(default)]
    source: Lenient<Index>,
    #[serde(default)]
    group: Table<Group>,
    /// The group for development, before there were others.
    #[serde(default, rename = "dev-dependencies")]
    dev_dependencies: Names,
}

/// They say of lock files without marks what is for development.
#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    dependencies: Names,
}

type Names = Lenient<BTreeMap<String, IgnoredAny>>;

impl Poetry {
    fn asked(&self, path: &EntryPath) -> Asked {
        let normalized = |name: &str| Ecosystem::PyPi.normalize_name(name).into_boxed_str();
        let names = |names: &Names| -> Vec<Box<str>> {
            let names = names.as_map().into_iter().flat_map(BTreeMap::keys);
            names.map(|name| normalized(name)).collect()
        };
        let own = self.dependencies.keys().map(|name| name.get_ref().as_str());
        let own = own.filter(|name| *name != "python");
        let mut asked = Asked {
            path: path.clone(),
            ecosystem: Ecosystem::PyPi,
            production: own.map(normalized).collect(),
            development: names(&self.dev_dependencies),
            has_workspaces: false,
        };
        let groups = self.group.as_map().into_iter().flatten();
        for (name, group) in groups.filter_map(|(name, group)| Some((name, group.as_map()?))) {
            if is_development_group(name) {
                asked.development.extend(names(&group.dependencies));
            } else {
                asked.production.extend(names(&group.dependencies));
            }
        }
        asked
    }
}

#[derive(Default, Deserialize)]
struct Uv {
    #[serde(default)]
    sources: BTreeMap<String, Value>,
    #[serde(default)]
    index: Lenient<Index>,
}

/// A dependency as Poetry writes it; in a list, each holds on other platforms.
#[derive(Deserialize)]
#[serde(untagged)]
enum PoetryDependency {
    Version(String),
    Table(PoetryTable),
    List(Vec<PoetryTable>),
}

#[derive(Deserialize)]
struct PoetryTable {
    version: Option<String>,
    git: Option<String>,
    rev: Option<String>,
    tag: Option<String>,
    branch: Option<String>,
    url: Option<String>,
    path: Option<String>,
}

impl PoetryTable {
    fn origin(&self, folder: &str) -> Option<Origin> {
        if let Some(git) = &self.git {
            return Origin::of_git(git, self.rev.as_deref());
        }
        if let Some(link) = self.url.as_ref().or(self.path.as_ref()) {
            return requirements::link_origin(folder, link, false);
        }
        unpinned(self.version.as_deref()?)
    }

    /// `None` for a local package, and for a table that only adds to what `[project]` says.
    fn into_requirement(self, name: &str) -> Option<Requirement> {
        if let Some(version) = &self.version {
            return Some(Requirement::new(name, version));
        }
        if let Some(url) = &self.url {
            return Requirement::from_link(Some(name), url);
        }
        self.git?;
        let revision = self.rev.or(self.tag).or(self.branch);
        Some(Requirement::at_revision(name, revision.as_deref()))
    }
}

/// What Poetry and `[project]` ask of a package by its version alone, where that is not one.
fn unpinned(asked: &str) -> Option<Origin> {
    let is_pinned = Requirement::new("", asked).version.is_some();
    (!is_pinned).then_some(Origin::Range)
}

impl PoetryDependency {
    fn origins(&self, folder: &str) -> Vec<Origin> {
        match self {
            PoetryDependency::Version(version) => unpinned(version).into_iter().collect(),
            PoetryDependency::Table(table) => table.origin(folder).into_iter().collect(),
            PoetryDependency::List(tables) => {
                let origins = tables.iter().filter_map(|table| table.origin(folder));
                origins.collect()
            }
        }
    }

    fn into_requirements(self, name: &str) -> Vec<Requirement> {
        let tables = match self {
            PoetryDependency::Version(version) => return vec![Requirement::new(name, &version)],
            PoetryDependency::Table(table) => vec![table],
            PoetryDependency::List(tables) => tables,
        };
        tables
            .into_iter()
            .filter_map(|table| table.into_requirement(name))
            .collect()
    }
}

/// Where uv takes a package from, if not from an index; in a list, each holds on other platforms.
#[derive(Deserialize)]
#[serde(untagged)]
enum UvSource {
    Table(UvTable),
    List(Vec<UvTable>),
}

#[derive(Deserialize)]
struct UvTable {
    path: Option<String>,
    git: Option<String>,
    rev: Option<String>,
    url: Option<String>,
    #[serde(default)]
    workspace: bool,
}

impl UvTable {
    fn origin(&self, folder: &str) -> Option<Origin> {
        if let Some(git) = &self.git {
            return Origin::of_git(git, self.rev.as_deref());
        }
        let link = self.url.as_ref().or(self.path.as_ref())?;
        requirements::link_origin(folder, link, false)
    }
}

impl Uv {
    /// Where uv takes packages from instead of an index, by their normalised names.
    fn origins(&self, folder: &str) -> Vec<(String, Origin)> {
        let mut found = Vec::new();
        for (name, source) in &self.sources {
            let tables = match UvSource::deserialize(source.clone()) {
                Ok(UvSource::Table(table)) => vec![table],
                Ok(UvSource::List(tables)) => tables,
                Err(_) => continue,
            };
            let name = Ecosystem::PyPi.normalize_name(name);
            let origins = tables.iter().filter_map(|table| table.origin(folder));
            found.extend(origins.map(|origin| (name.clone(), origin)));
        }
        found
    }

    /// The normalised names of the packages that lie beside the project.
    fn local_names(self) -> HashSet<String> {
        let is_local = |table: &UvTable| table.workspace || table.path.is_some();
        self.sources
            .into_iter()
            .filter(|(_, source)| match UvSource::deserialize(source.clone()) {
                Ok(UvSource::Table(table)) => is_local(&table),
                Ok(UvSource::List(tables)) => tables.iter().any(is_local),
                Err(_) => false,
            })
            .map(|(name, _)| Ecosystem::PyPi.normalize_name(&name))
            .collect()
    }
}

impl Inspector for Pyproject {
    fn wants(&self, header: &Header) -> bool {
        header.path.file_name() == "pyproject.toml" && owner::is_owners(header.path)
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let text = entry.text()?;
        let Manifest { project, tool } = toml_text::parse(text)?;
        let folder = entry.path.parent();
        let mut origins = tool.uv.origins(folder);
        for index in [&tool.uv.index, &tool.poetry.source] {
            if let Lenient::List(rows) = index {
                let indexes = rows.iter().filter_map(Lenient::as_map);
                let insecure = indexes.filter_map(Index::origin);
                origins.extend(insecure.map(|origin| ("index".to_owned(), origin)));
            }
        }
        let elsewhere: HashSet<String> = origins.iter().map(|(name, _)| name.clone()).collect();
        for (name, origin) in origins {
            let location = entry.path.clone();
            seen.origin(
                Ecosystem::PyPi,
                name,
                Evidence::Declared,
                Some(origin),
                location,
            );
        }
        seen.lock_trees.add_manifest(tool.poetry.asked(entry.path));
        let local_names = tool.uv.local_names();
        let mut read = Dependencies::new(text, folder);
        read.add_project(project);
        read.add_poetry(tool.poetry);
        for (line, requirement) in read.found {
            let name = Ecosystem::PyPi.normalize_name(&requirement.name);
            if !local_names.contains(&name) {
                let location = Location::at_line(entry.path, line);
                seen.components
                    .push(requirement.into_component(Evidence::Declared, location));
            }
        }
        for (line, name, origin) in read.origins {
            if !elsewhere.contains(&name) && !local_names.contains(&name) {
                let location = Location::at_line(entry.path, line);
                seen.origin(
                    Ecosystem::PyPi,
                    name,
                    Evidence::Declared,
                    Some(origin),
                    location,
                );
            }
        }
        match read.first_bad_line {
            Some(line) => Err(Unreadable::at(line as usize, "is not a dependency")),
            None => Ok(()),
        }
    }
}

/// The dependencies of both tables, with their lines.
struct Dependencies<'a> {
    lines: Lines,
    folder: &'a str,
    found: Vec<(u32, Requirement)>,
    /// With the normalised names.
    origins: Vec<(u32, String, Origin)>,
    first_bad_line: Option<u32>,
}

impl<'a> Dependencies<'a> {
    fn new(text: &str, folder: &'a str) -> Self {
        Dependencies {
            lines: Lines::new(text),
            folder,
            origins: Vec::new(),
            found: Vec::new(),
            first_bad_line: None,
        }
    }

    fn add_project(&mut self, project: Project) {
        for row in project.dependencies {
            let line = self.lines.line_of(row.span().start);
            if let Some(asked) = row.get_ref().as_str() {
                self.add_origin(asked, line);
            }
            match row.get_ref().as_str().map(pep508::parse) {
                Some(Ok(requirement)) => self.found.extend(requirement.map(|r| (line, r))),
                _ => self.skip(line),
            }
        }
    }

    fn add_origin(&mut self, asked: &str, line: u32) {
        let Ok(Some(requirement)) = pep508::parse(asked) else {
            return;
        };
        let origin = match pep508::link(asked) {
            Some(link) => requirements::link_origin(self.folder, link, false),
            None => requirement.version.is_none().then_some(Origin::Range),
        };
        let name = Ecosystem::PyPi.normalize_name(&requirement.name);
        self.origins
            .extend(origin.map(|origin| (line, name, origin)));
    }

    fn add_poetry(&mut self, poetry: Poetry) {
        for (name, row) in poetry.dependencies {
            let line = self.lines.line_of(name.span().start);
            let name = name.into_inner();
            if name == "python" {
                continue;
            }
            match PoetryDependency::deserialize(row) {
                Ok(dependency) => {
                    for origin in dependency.origins(self.folder) {
                        let name = Ecosystem::PyPi.normalize_name(&name);
                        self.origins.push((line, name, origin));
                    }
                    let requirements = dependency.into_requirements(&name);
                    self.found
                        .extend(requirements.into_iter().map(|r| (line, r)));
                }
                Err(_) => self.skip(line),
            }
        }
    }

    fn skip(&mut self, line: u32) {
        self.first_bad_line.get_or_insert(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::EntryPath;
    use crate::inventory::testing::{inspect, rows};

    #[test]
    fn lists_what_a_project_needs_to_run() {
        let text = r#"
[build-system]
requires = ["builder==1.0"]

[project]
name = "me"
dependencies = [
    "alpha==1.0",
    "beta[x] >= 1.0, <2 ; python_version < '3.9'",
    "my-lib",
    "My.Member",
    "from-git",
    "local @ file:///${PROJECT_ROOT}/lib",
]

[project.optional-dependencies]
x = ["gamma==1.0"]

[tool.uv.sources]
my_lib = { path = "../lib" }
my-member = [{ workspace = true, marker = "sys_platform == 'linux'" }]
from-git = { git = "https://git.example/x" }
"#;
        let seen = inspect(&Pyproject, "pyproject.toml", text).unwrap();
        assert_eq!(
            rows(&seen),
            [
                "alpha 1.0 declared pyproject.toml:8",
                "beta ~>=1.0,<2 declared pyproject.toml:9",
                "from-git ~* declared pyproject.toml:12",
            ]
        );
    }

    #[test]
    fn lists_what_a_poetry_project_needs_to_run() {
        let text = r#"
[tool.poetry.dependencies]
python = "^3.9"
alpha = "1.0"
beta = "^1.2"
gamma = { version = "==2.0", optional = true }
from-git = { git = "https://git.example/x", tag = "v1" }
from-url = { url = "https://host.example/from_url-1.3-py3-none-any.whl" }
my-lib = { path = "../lib", develop = true }
only-source = { source = "mirror" }
two = [{ version = "<1", python = "<3" }, { version = ">=1", python = ">=3" }]

[tool.poetry.group.dev.dependencies]
tool = "1.0"
"#;
        let seen = inspect(&Pyproject, "pyproject.toml", text).unwrap();
        assert_eq!(
            rows(&seen),
            [
                "alpha 1.0 declared pyproject.toml:4",
                "beta ~^1.2 declared pyproject.toml:5",
                "from-git ~v1 declared pyproject.toml:7",
                "from-url 1.3 declared pyproject.toml:8",
                "gamma 2.0 declared pyproject.toml:6",
                "two ~<1 declared pyproject.toml:11",
                "two ~>=1 declared pyproject.toml:11",
            ]
        );
    }

    #[test]
    fn one_odd_dependency_does_not_lose_the_others() {
        let path = EntryPath::new(&"fn.zip!/".into(), "pyproject.toml");
        let text = "[project]\ndependencies = [\n'alpha==1.0',\n'= 1',\n3,\n'beta==2.0']\n";
        let mut seen = Observations::default();
        let entry = Entry {
            path: &path,
            bytes: text.as_bytes(),
        };
        let error = Pyproject.inspect(&entry, &mut seen).unwrap_err();
        assert_eq!(error.line, Some(4));
        assert_eq!(
            rows(&seen),
            [
                "alpha 1.0 declared pyproject.toml:3",
                "beta 2.0 declared pyproject.toml:6",
            ]
        );
    }

    #[test]
    fn a_file_of_tool_settings_declares_nothing() {
        let text = "[tool.black]\nline-length = 100\n";
        assert!(rows(&inspect(&Pyproject, "pyproject.toml", text).unwrap()).is_empty());
    }
}
