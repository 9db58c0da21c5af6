//! The project object model: what a `pom.xml` says of its own coordinates and of what it depends on.
//!
//! <https://maven.apache.org/pom.html>. What a parent or an import would add is another file's to say, and profiles are
//! somebody's choice when it is built: neither is looked at.

use std::borrow::Cow;
use std::collections::HashMap;

use super::coordinates::{is_id, is_version};
use crate::inspect::{Entry, Unreadable};
use crate::inventory::xml;

/// A property may name another; these are as many steps, and bytes, as are followed.
const MAX_STEPS: usize = 10;
const MAX_VALUE: usize = 1000;

/// A model as it is written.
#[derive(Debug, Default)]
pub struct Pom {
    own: Coordinates,
    parent: Coordinates,
    properties: HashMap<String, String>,
    pub dependencies: Vec<Dependency>,
    managed: Vec<Dependency>,
}

#[derive(Debug, Default)]
struct Coordinates {
    group: String,
    artifact: String,
    version: String,
}

#[derive(Debug, Default)]
pub struct Dependency {
    pub group: String,
    pub artifact: String,
    pub version: String,
    pub scope: String,
    /// Counted from 1.
    pub line: u32,
}

impl Pom {
    /// None for an XML file that is no model.
    pub fn parse(entry: &Entry) -> Result<Option<Pom>, Unreadable> {
        // Old models are in Latin-1: the names of people in them make no difference.
        let text = String::from_utf8_lossy(entry.bytes);
        let text = match &text {
            Cow::Borrowed(_) => entry.bytes,
            Cow::Owned(text) => text.as_bytes(),
        };
        let mut pom = Pom::default();
        let mut dependency = Dependency::default();
        let mut is_model = false;
        let entry = Entry {
            bytes: text,
            ..*entry
        };
        xml::each_element(&entry, |names, element| {
            let text = element.text.trim();
            let field = match names {
                ["project"] => {
                    is_model = true;
                    return;
                }
                ["project", "properties", name] => {
                    pom.properties.insert((*name).to_owned(), text.to_owned());
                    return;
                }
                ["project", "dependencies", "dependency"] => {
                    dependency.line = element.line;
                    pom.dependencies.push(std::mem::take(&mut dependency));
                    return;
                }
                [
                    "project",
                    "dependencyManagement",
                    "dependencies",
                    "dependency",
                ] => {
                    pom.managed.push(std::mem::take(&mut dependency));
                    return;
                }
                ["project", field] => pom.own.field(field),
                ["project", "parent", field] => pom.parent.field(field),
                ["project", "dependencies", "dependency", field]
                | [
                    "project",
                    "dependencyManagement",
                    "dependencies",
                    "dependency",
                    field,
                ] => dependency.field(field),
                _ => return,
            };
            if let Some(field) = field {
                text.clone_into(field);
            }
        })?;
        Ok(is_model.then_some(pom))
    }

    /// The group and the artifact, inherited from the parent where the model has no group of its own; none where the
    /// file alone does not tell them.
    pub fn id(&self) -> Option<(String, String)> {
        let group = or(&self.own.group, &self.parent.group);
        let group = self.resolved(group).filter(|group| is_id(group))?;
        let artifact = self
            .resolved(&self.own.artifact)
            .filter(|artifact| is_id(artifact))?;
        Some((group, artifact))
    }

    /// Its version, under the same conditions.
    pub fn version(&self) -> Option<String> {
        let version = or(&self.own.version, &self.parent.version);
        self.resolved(version).filter(|version| is_version(version))
    }

    /// A text with its properties filled in; none where one of them is not of this file.
    pub fn resolved(&self, text: &str) -> Option<String> {
        let mut text = text.to_owned();
        for _ in 0..MAX_STEPS {
            let Some(start) = text.find("${") else {
                return Some(text);
            };
            let length = text.get(start..)?.find('}')?;
            let name = text.get(start + 2..start + length)?;
            let value = self.property(name)?;
            if text.len() + value.len() > MAX_VALUE {
                return None;
            }
            text.replace_range(start..=start + length, value);
        }
        None
    }

    /// <https://maven.apache.org/ref/current/maven-model-builder/#Model_Interpolation>.
    fn property(&self, name: &str) -> Option<&str> {
        let of_project = ["project.", "pom."]
            .iter()
            .find_map(|prefix| name.strip_prefix(prefix));
        let value = match of_project.unwrap_or(name) {
            "groupId" => or(&self.own.group, &self.parent.group),
            "artifactId" => &self.own.artifact,
            "version" => or(&self.own.version, &self.parent.version),
            "parent.groupId" => &self.parent.group,
            "parent.artifactId" => &self.parent.artifact,
            "parent.version" => &self.parent.version,
            _ => self.properties.get(name)?,
        };
        (!value.is_empty()).then_some(value)
    }

    /// What `dependencyManagement` says of versions and scopes, by group and artifact.
    pub fn managed(&self) -> HashMap<(String, String), &Dependency> {
        let managed = self.managed.iter().filter_map(|dependency| {
            let key = (
                self.resolved(&dependency.group)?,
                self.resolved(&dependency.artifact)?,
            );
            Some((key, dependency))
        });
        managed.collect()
    }
}

impl Coordinates {
    fn field(&mut self, name: &str) -> Option<&mut String> {
        match name {
            "groupId" => Some(&mut self.group),
            "artifactId" => Some(&mut self.artifact),
            "version" => Some(&mut self.version),
            _ => None,
        }
    }
}

impl Dependency {
    fn field(&mut self, name: &str) -> Option<&mut String> {
        match name {
            "groupId" => Some(&mut self.group),
            "artifactId" => Some(&mut self.artifact),
            "version" => Some(&mut self.version),
            "scope" => Some(&mut self.scope),
            _ => None,
        }
    }
}

fn or<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::finding::EntryPath;

    fn parse(text: &[u8]) -> Result<Option<Pom>, Unreadable> {
        let path = EntryPath::new(&Arc::from("fn.zip!/"), "pom.xml");
        Pom::parse(&Entry {
            path: &path,
            bytes: text,
        })
    }

    fn pom(inside: &str) -> Pom {
        let text = format!(
            "<?xml version=\"1.0\"?>\n<project xmlns=\"http://maven.example\">{inside}</project>"
        );
        parse(text.as_bytes()).unwrap().unwrap()
    }

    #[test]
    fn coordinates_are_inherited_from_the_parent() {
        let pom = pom(
            "<parent><groupId>org.acme</groupId><artifactId>parent</artifactId><version>1.0</version></parent>\
             <artifactId> a </artifactId>",
        );
        assert_eq!(pom.id(), Some(("org.acme".to_owned(), "a".to_owned())));
        assert_eq!(pom.version().as_deref(), Some("1.0"));
    }

    #[test]
    fn properties_count_where_the_file_tells_them() {
        let pom = pom(
            "<groupId>org.${name}</groupId><artifactId>a</artifactId><version>${major}.1</version>\
             <properties><name>acme</name><major>${base}</major><base>2</base><me>${me}</me></properties>",
        );
        assert_eq!(pom.id(), Some(("org.acme".to_owned(), "a".to_owned())));
        assert_eq!(pom.version().as_deref(), Some("2.1"));
        assert_eq!(pom.resolved("${project.version}").as_deref(), Some("2.1"));
        assert_eq!(
            pom.resolved("${pom.groupId}.x").as_deref(),
            Some("org.acme.x")
        );
        for unknown in ["${revision}", "${me}", "${", "${}"] {
            assert_eq!(pom.resolved(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn what_is_nested_elsewhere_is_not_the_projects_own() {
        let pom = pom(
            "<groupId>g</groupId><artifactId>a</artifactId><version>1<!-- x -->.0</version>\
             <build><plugins><plugin><version>9</version></plugin></plugins></build>\
             <profiles><profile><dependencies><dependency><artifactId>p</artifactId></dependency></dependencies>\
             </profile></profiles>\
             <dependencies><dependency><artifactId>d</artifactId><exclusions><exclusion>\
             <artifactId>x</artifactId></exclusion></exclusions></dependency></dependencies>",
        );
        assert_eq!(pom.version().as_deref(), Some("1.0"));
        let names: Vec<&str> = pom
            .dependencies
            .iter()
            .map(|d| d.artifact.as_str())
            .collect();
        assert_eq!(names, ["d"]);
    }

    #[test]
    fn entities_are_not_expanded() {
        let text = "<!DOCTYPE project [<!ENTITY a \"1\"><!ENTITY b \"&a;&a;\">]>\n\
                    <project><groupId>g</groupId><artifactId>a</artifactId><version>&b;</version></project>";
        let pom = parse(text.as_bytes()).unwrap().unwrap();
        assert_eq!(pom.version(), None);
    }

    #[test]
    fn other_files_are_no_models_and_broken_ones_say_where() {
        assert!(parse(b"<html><project/></html>").unwrap().is_none());
        for broken in ["<project>\n<a>\n</b>", "<project>\n\n<a>"] {
            let error = parse(broken.as_bytes()).unwrap_err();
            assert_eq!(error.line, Some(3), "{error:?}");
        }
    }

    #[test]
    fn depth_and_growth_cost_no_more_than_the_file() {
        let deep = format!("<project>{}", "<a>".repeat(500_000));
        assert!(parse(deep.as_bytes()).is_err());
        let mut grows = String::from("<p0>1</p0>");
        for i in 1..60 {
            grows += &format!("<p{i}>${{p{0}}}${{p{0}}}</p{i}>", i - 1);
        }
        let pom = pom(&format!(
            "<properties>{grows}</properties><version>${{p59}}</version>"
        ));
        assert_eq!(pom.version(), None);
    }
}
