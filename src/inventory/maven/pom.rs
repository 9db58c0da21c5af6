//! The project object model: what a `pom.xml` says of its own coordinates and of what it depends on.
//!
//! <https://maven.apache.org/pom.html>. What a parent or an import would add is another file's to say, and profiles are
//! somebody's choice when it is built: neither is looked at. The text is read as a stream. Entities of its own are not
//! expanded, so that none can grow, and of what is nested deeper than a model is, only the depth is kept.

use std::collections::HashMap;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::coordinates::{is_id, is_version};
use crate::inspect::Unreadable;

/// How deep the parts of a model lie that are looked at: `project/dependencyManagement/dependencies/dependency/version`.
const MAX_DEPTH: usize = 5;
/// A property may name another; these are as many steps, and bytes, as are followed.
const MAX_STEPS: usize = 10;
const MAX_VALUE: usize = 1000;

/// A model as it is written.
#[derive(Debug, Default)]
pub struct Pom {
    pub group: String,
    pub artifact: String,
    pub version: String,
    parent: Parent,
    properties: HashMap<String, String>,
    pub dependencies: Vec<Dependency>,
    managed: Vec<Dependency>,
}

#[derive(Debug, Default)]
struct Parent {
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
    pub optional: String,
    /// Counted from 1.
    pub line: u32,
}

impl Pom {
    /// None for an XML file that is no model.
    pub fn parse(bytes: &[u8]) -> Result<Option<Pom>, Unreadable> {
        // Old models are in Latin-1: the names of people in them make no difference.
        let text = String::from_utf8_lossy(bytes);
        let mut reader = Reader::from_str(&text);
        let mut lines = Lines::of(text.as_bytes());
        let mut pom = Pom::default();
        let mut place = Place::default();
        loop {
            let event = reader.read_event().map_err(|error| {
                let at = usize::try_from(reader.error_position()).unwrap_or(usize::MAX);
                let message = format!("is not valid XML: {error}");
                Unreadable::at(lines.line_at(at) as usize, message)
            })?;
            let at = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
            match event {
                Event::Start(tag) => {
                    place.enter(&tag);
                    match place.parts()[..] {
                        [root] if root != "project" => return Ok(None),
                        ["project", "dependencies", "dependency"] => {
                            let line = lines.line_at(at);
                            pom.dependencies.push(Dependency {
                                line,
                                ..Dependency::default()
                            });
                        }
                        [
                            "project",
                            "dependencyManagement",
                            "dependencies",
                            "dependency",
                        ] => {
                            pom.managed.push(Dependency::default());
                        }
                        _ => {}
                    }
                }
                Event::End(_) => {
                    pom.take(&place);
                    place.leave();
                }
                Event::Text(text) => place.add(&text),
                Event::CData(text) => place.add(&text),
                Event::GeneralRef(name) => place.add_reference(&name),
                Event::Eof if place.depth > 0 => {
                    return Err(Unreadable::at(
                        lines.line_at(at) as usize,
                        "is not valid XML: it ends in the middle",
                    ));
                }
                Event::Eof => return Ok(Some(pom)),
                _ => {}
            }
        }
    }

    /// Keeps the text of an element that is complete.
    fn take(&mut self, place: &Place) {
        let parts = place.parts();
        let field = match parts[..] {
            ["project", "groupId"] => &mut self.group,
            ["project", "artifactId"] => &mut self.artifact,
            ["project", "version"] => &mut self.version,
            ["project", "parent", "groupId"] => &mut self.parent.group,
            ["project", "parent", "artifactId"] => &mut self.parent.artifact,
            ["project", "parent", "version"] => &mut self.parent.version,
            ["project", "properties", name] => {
                self.properties
                    .insert(name.to_owned(), place.text().to_owned());
                return;
            }
            ["project", "dependencies", "dependency", field] => {
                match self
                    .dependencies
                    .last_mut()
                    .and_then(|last| last.field(field))
                {
                    Some(field) => field,
                    None => return,
                }
            }
            [
                "project",
                "dependencyManagement",
                "dependencies",
                "dependency",
                field,
            ] => match self.managed.last_mut().and_then(|last| last.field(field)) {
                Some(field) => field,
                None => return,
            },
            _ => return,
        };
        place.text().clone_into(field);
    }

    /// The group and the artifact, inherited from the parent where the model has no group of its own; none where the
    /// file alone does not tell them.
    pub fn id(&self) -> Option<(String, String)> {
        let group = or(&self.group, &self.parent.group);
        let group = self.resolved(group).filter(|group| is_id(group))?;
        let artifact = self
            .resolved(&self.artifact)
            .filter(|artifact| is_id(artifact))?;
        Some((group, artifact))
    }

    /// Its version, under the same conditions.
    pub fn version(&self) -> Option<String> {
        let version = or(&self.version, &self.parent.version);
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
            text.replace_range(start..=start + length, &value.to_owned());
        }
        None
    }

    /// <https://maven.apache.org/ref/current/maven-model-builder/#Model_Interpolation>.
    fn property(&self, name: &str) -> Option<&str> {
        let of_project = ["project.", "pom."]
            .iter()
            .find_map(|prefix| name.strip_prefix(prefix));
        let value = match of_project.unwrap_or(name) {
            "groupId" => or(&self.group, &self.parent.group),
            "artifactId" => &self.artifact,
            "version" => or(&self.version, &self.parent.version),
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

impl Dependency {
    fn field(&mut self, name: &str) -> Option<&mut String> {
        match name {
            "groupId" => Some(&mut self.group),
            "artifactId" => Some(&mut self.artifact),
            "version" => Some(&mut self.version),
            "scope" => Some(&mut self.scope),
            "optional" => Some(&mut self.optional),
            _ => None,
        }
    }
}

fn or<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}

/// The element that is being read: the names of those around it, and its text so far.
#[derive(Debug, Default)]
struct Place {
    names: Vec<String>,
    depth: usize,
    text: String,
}

impl Place {
    fn enter(&mut self, tag: &BytesStart) {
        self.depth += 1;
        if self.depth <= MAX_DEPTH {
            self.names.push(tag.local_name().as_ref().to_owned());
        }
        self.text.clear();
    }

    fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.names.truncate(self.depth);
        self.text.clear();
    }

    /// The names down to the element; none where it lies too deep to matter.
    fn parts(&self) -> Vec<&str> {
        let is_near = self.depth <= MAX_DEPTH;
        let names = self.names.iter().filter(|_| is_near);
        names.map(String::as_str).collect()
    }

    fn add(&mut self, text: &str) {
        if self.depth <= MAX_DEPTH && self.text.len() <= MAX_VALUE {
            self.text.push_str(text);
        }
    }

    /// An entity has no place in coordinates: it is kept as written, which no coordinate can be.
    fn add_reference(&mut self, name: &str) {
        self.add("&");
        self.add(name);
        self.add(";");
    }

    fn text(&self) -> &str {
        self.text.trim()
    }
}

/// Counts lines on the way through a text.
struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    line: u32,
}

impl<'a> Lines<'a> {
    fn of(text: &'a [u8]) -> Self {
        Lines {
            text,
            at: 0,
            line: 1,
        }
    }

    fn line_at(&mut self, at: usize) -> u32 {
        let between = self
            .text
            .get(self.at..at.min(self.text.len()))
            .unwrap_or_default();
        let lines = between.iter().filter(|&&byte| byte == b'\n').count();
        self.line = self
            .line
            .saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        self.at = self.at.max(at.min(self.text.len()));
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pom(inside: &str) -> Pom {
        let text = format!(
            "<?xml version=\"1.0\"?>\n<project xmlns=\"http://maven.example\">{inside}</project>"
        );
        Pom::parse(text.as_bytes()).unwrap().unwrap()
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
        let pom = Pom::parse(text.as_bytes()).unwrap().unwrap();
        assert_eq!(pom.version(), None);
    }

    #[test]
    fn other_files_are_no_models_and_broken_ones_say_where() {
        assert!(Pom::parse(b"<html><project/></html>").unwrap().is_none());
        for broken in ["<project>\n<a>\n</b>", "<project>\n\n<a>"] {
            let error = Pom::parse(broken.as_bytes()).unwrap_err();
            assert_eq!(error.line, Some(3), "{error:?}");
        }
    }

    #[test]
    fn depth_and_growth_cost_no_more_than_the_file() {
        let deep = format!("<project>{}", "<a>".repeat(500_000));
        assert!(Pom::parse(deep.as_bytes()).is_err());
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
