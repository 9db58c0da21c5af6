//! The project's own `pom.xml`, which asks for packages by version or range.
//!
//! <https://maven.apache.org/pom.html#Dependencies>. Only what runs counts: what is in scope `test`, `provided` or
//! `system` is not put into the artifact. Versions and scopes that the file leaves open are those of its
//! `dependencyManagement`; what a parent or an imported list of versions says is not known here. A dependency with the
//! project's own group and version is another module of it.

use super::claims;
use super::coordinates::{is_id, is_version, name};
use super::jar_pom::{is_descriptor, is_of_tests};
use super::pom::{Dependency, Pom};
use crate::component::{Ecosystem, Evidence};
use crate::finding::Location;
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::owner;

pub struct PomXml;

const SCOPES_OUTSIDE: [&str; 4] = ["test", "provided", "system", "import"];

impl Inspector for PomXml {
    fn wants(&self, header: &Header) -> bool {
        let path = header.path;
        path.inner().ends_with("pom.xml")
            && path.file_name() == "pom.xml"
            && !is_descriptor(path)
            && !path.parent().contains("META-INF/")
            && !is_of_tests(path.parent())
            // What a jar has besides are templates and samples.
            && claims::stem(path.container()).is_none()
            && owner::is_owners(path)
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let Some(pom) = Pom::parse(entry)? else {
            return Ok(());
        };
        let managed = pom.managed();
        for dependency in &pom.dependencies {
            let id = (
                pom.resolved(&dependency.group),
                pom.resolved(&dependency.artifact),
            );
            let (Some(group), Some(artifact)) = id else {
                continue;
            };
            let key = (group, artifact);
            let managed = managed.get(&key).copied();
            let field = |of: fn(&Dependency) -> &String| {
                let own = of(dependency);
                let text = if own.is_empty() {
                    managed.map(of)
                } else {
                    Some(own)
                };
                text.and_then(|text| pom.resolved(text))
            };
            let scope = field(|dependency| &dependency.scope).unwrap_or_default();
            if SCOPES_OUTSIDE.contains(&scope.as_str()) || !is_id(&key.0) || !is_id(&key.1) {
                continue;
            }
            let version = field(|dependency| &dependency.version);
            if pom.id().is_some_and(|(group, _)| group == key.0)
                && version.is_some()
                && version == pom.version()
            {
                continue;
            }
            let location = Location {
                path: entry.path.clone(),
                line: Some(dependency.line),
                column: None,
                vendored_in: None,
            };
            declare(seen, name(&key.0, &key.1), version.as_deref(), location);
        }
        Ok(())
    }
}

/// A bare version is what Maven takes, unless something else asks for another; only brackets make a range:
/// <https://maven.apache.org/pom.html#Dependency_Version_Requirement_Specification>.
fn declare(seen: &mut Observations, name: String, version: Option<&str>, location: Location) {
    let Some(version) = version.filter(|version| !version.is_empty()) else {
        seen.named(Ecosystem::Maven, name, None, Evidence::Declared, location);
        return;
    };
    let exact = version
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(version);
    if is_version(exact) {
        seen.component(Ecosystem::Maven, name, exact, Evidence::Declared, location);
    } else {
        seen.declared(Ecosystem::Maven, name, version, location);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::finding::EntryPath;
    use crate::inventory::testing::{inspect, rows, wants};

    fn declared(inside: &str) -> Vec<String> {
        let text = format!(
            "<project><groupId>org.own</groupId><artifactId>fn</artifactId><version>1.0</version>\n{inside}</project>"
        );
        let rows = rows(&inspect(&PomXml, "pom.xml", text).unwrap()).into_iter();
        rows.map(|row| row.replace(" declared pom.xml", ""))
            .collect()
    }

    fn dependency(artifact: &str, more: &str) -> String {
        format!(
            "<dependency><groupId>g</groupId><artifactId>{artifact}</artifactId>{more}</dependency>\n"
        )
    }

    #[test]
    fn versions_come_from_the_file_or_are_left_open() {
        let dependencies = [
            dependency("exact", "<version>1.0</version>"),
            dependency("hard", "<version>[1.1]</version>"),
            dependency("range", "<version>[1.0,2.0)</version>"),
            dependency("property", "<version>${v}</version>"),
            dependency("elsewhere", "<version>${parent.v}</version>"),
            dependency("managed", ""),
            dependency("open", ""),
        ];
        let managed = dependency("managed", "<version>${v}</version>")
            + &dependency("unused", "<version>9</version>");
        let found = declared(&format!(
            "<properties><v>3.0</v></properties><dependencies>{}</dependencies>\
             <dependencyManagement><dependencies>{managed}</dependencies></dependencyManagement>",
            dependencies.concat()
        ));
        assert_eq!(
            found,
            [
                "g:elsewhere ~:6",
                "g:exact 1.0:2",
                "g:hard 1.1:3",
                "g:managed 3.0:7",
                "g:open ~:8",
                "g:property 3.0:5",
                "g:range ~[1.0,2.0):4",
            ]
        );
    }

    #[test]
    fn what_does_not_run_and_what_is_ones_own_is_left_out() {
        let dependencies = [
            dependency("junit", "<version>4</version><scope>test</scope>"),
            dependency("core", "<version>1</version><scope>provided</scope>"),
            dependency("managed", ""),
            dependency("runs", "<version>1</version><scope>runtime</scope>"),
        ];
        let managed = dependency("managed", "<version>1</version><scope>test</scope>");
        let module = "<dependency><groupId>${project.groupId}</groupId><artifactId>module</artifactId>\
                      <version>${project.version}</version></dependency>";
        let found = declared(&format!(
            "<dependencies>{}{module}</dependencies>\
             <dependencyManagement><dependencies>{managed}</dependencies></dependencyManagement>",
            dependencies.concat()
        ));
        assert_eq!(found, ["g:runs 1:5"]);
    }

    #[test]
    fn only_a_projects_own_is_wanted() {
        assert!(wants(&PomXml, "pom.xml", b""));
        assert!(wants(&PomXml, "module/pom.xml", b""));
        for path in [
            "META-INF/maven/g/a/pom.xml",
            "src/test/resources/pom.xml",
            "node_modules/a/pom.xml",
            "my-pom.xml",
        ] {
            assert!(!wants(&PomXml, path, b""), "{path}");
        }
        let path = EntryPath::new(&Arc::from("fn.zip!/lib/a.jar!/"), "template/pom.xml");
        assert!(!PomXml.wants(&Header {
            path: &path,
            size: 1,
            first_bytes: b""
        }));
    }
}
