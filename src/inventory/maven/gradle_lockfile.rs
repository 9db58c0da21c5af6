//! Gradle's lock files: `gradle.lockfile`, and before Gradle 7 one a configuration in `gradle/dependency-locks`.
//!
//! <https://docs.gradle.org/current/userguide/dependency_locking.html#lock_file_format>:
//! `group:artifact:version=configuration,configuration`. What runs is in a `runtimeClasspath`; of a file without one,
//! all but what is for tests. `buildscript-gradle.lockfile` names the plugins of the build, which stay behind, and
//! `verification-metadata.xml` all that was ever downloaded: neither is read.

use super::coordinates::{is_id, is_version, name};
use crate::component::{Ecosystem, Evidence};
use crate::finding::Location;
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::owner;

pub struct GradleLockfile;

const FOLDER: &str = "dependency-locks";
const SUFFIX: &str = ".lockfile";

/// What names a row, and in which configurations it is.
struct Row<'a> {
    group: &'a str,
    artifact: &'a str,
    version: &'a str,
    configurations: &'a str,
    line: u32,
}

impl Inspector for GradleLockfile {
    fn wants(&self, header: &Header) -> bool {
        let path = header.path;
        if !path.inner().ends_with(SUFFIX) {
            return false;
        }
        let of_one =
            || path.parent().ends_with(FOLDER) && is_runtime(configuration(path.file_name()));
        (path.file_name() == "gradle.lockfile" || of_one()) && owner::is_owners(path)
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let rows = rows(entry.text()?)?;
        let of_row = |row: &Row, is: fn(&str) -> bool| row.configurations.split(',').any(is);
        let knows_runtime = rows.iter().any(|row| of_row(row, is_runtime));
        for row in rows {
            if of_row(
                &row,
                if knows_runtime {
                    is_runtime
                } else {
                    is_no_test
                },
            ) {
                let location = Location {
                    path: entry.path.clone(),
                    line: Some(row.line),
                    column: None,
                    vendored_in: None,
                };
                let name = name(row.group, row.artifact);
                seen.component(
                    Ecosystem::Maven,
                    name,
                    row.version,
                    Evidence::Locked,
                    location,
                );
            }
        }
        Ok(())
    }
}

fn configuration(file_name: &str) -> &str {
    file_name.strip_suffix(SUFFIX).unwrap_or(file_name)
}

/// `runtimeClasspath`, and in a build of several variants `releaseRuntimeClasspath`.
fn is_runtime(configuration: &str) -> bool {
    configuration.ends_with("untimeClasspath") && is_no_test(configuration)
}

fn is_no_test(configuration: &str) -> bool {
    !configuration.starts_with("test") && !configuration.contains("Test")
}

fn rows(text: &str) -> Result<Vec<Row<'_>>, Unreadable> {
    let mut rows = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        // `empty` lists the configurations without a dependency.
        if line.is_empty() || line.starts_with('#') || line.starts_with("empty=") {
            continue;
        }
        let (coordinates, configurations) = line.split_once('=').unwrap_or((line, ""));
        let mut parts = coordinates.split(':');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(group), Some(artifact), Some(version), None)
                if is_id(group) && is_id(artifact) && is_version(version) =>
            {
                rows.push(Row {
                    group,
                    artifact,
                    version,
                    configurations,
                    line: u32::try_from(number + 1).unwrap_or(u32::MAX),
                });
            }
            _ => {
                return Err(Unreadable::at(
                    number + 1,
                    "is not a Gradle lock file: this line names no package",
                ));
            }
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, rows, wants};

    fn locked(path: &str, text: &str) -> Vec<String> {
        let found = rows(&inspect(&GradleLockfile, path, text).unwrap()).into_iter();
        found
            .map(|row| row.replace(&format!(" locked {path}"), ""))
            .collect()
    }

    #[test]
    fn what_runs_is_locked() {
        let text = "# This is a Gradle generated file\n\
                    g:both:1.0=compileClasspath,runtimeClasspath,testRuntimeClasspath\n\
                    g:compiled:1.0=compileClasspath\n\
                    g:flavour:1.0=releaseRuntimeClasspath\n\
                    g:processor:1.0=annotationProcessor\n\
                    g:test:1.0=testRuntimeClasspath,androidTestReleaseRuntimeClasspath\n\
                    empty=signatures\n";
        assert_eq!(
            locked("gradle.lockfile", text),
            ["g:both 1.0:2", "g:flavour 1.0:4"]
        );
    }

    #[test]
    fn where_no_configuration_is_known_to_run_all_but_tests_may() {
        let text = "g:a:1.0=default\ng:b:1.0=testCompile\n";
        assert_eq!(locked("gradle.lockfile", text), ["g:a 1.0:1"]);
        let path = "gradle/dependency-locks/runtimeClasspath.lockfile";
        assert_eq!(locked(path, "g:a:1.0\r\n"), ["g:a 1.0:1"]);
    }

    #[test]
    fn a_line_that_names_no_package_is_an_error() {
        for line in ["oops", "a:b=c", "a:b:1.0:jar=c", "a:b:${v}=c"] {
            let error = inspect(
                &GradleLockfile,
                "gradle.lockfile",
                format!("g:a:1.0=c\n{line}\n"),
            )
            .unwrap_err();
            assert_eq!(error.line, Some(2), "{line}");
        }
    }

    #[test]
    fn locks_of_the_build_and_of_tests_are_not_wanted() {
        assert!(wants(&GradleLockfile, "app/gradle.lockfile", b""));
        for path in [
            "buildscript-gradle.lockfile",
            "gradle/dependency-locks/testRuntimeClasspath.lockfile",
            "gradle/dependency-locks/compileClasspath.lockfile",
            "runtimeClasspath.lockfile",
        ] {
            assert!(!wants(&GradleLockfile, path, b""), "{path}");
        }
    }
}
