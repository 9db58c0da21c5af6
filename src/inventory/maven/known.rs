//! Packages whose jars do not say what they are, from the table `known_jars.txt`.

use std::sync::OnceLock;

use crate::component::Ecosystem;
use crate::version::Version;

const KNOWN_JARS: &str = include_str!("known_jars.txt");

#[derive(Debug)]
pub struct Known {
    /// The artifact, or what it begins with before a `*`.
    artifact: &'static str,
    pub group: &'static str,
    /// Where its classes lie.
    folder: &'static str,
    /// From this version on, and before that one; empty where there is no such bound.
    versions: (&'static str, &'static str),
}

const ALL: (&str, &str) = ("", "");

fn known_jars() -> &'static [Known] {
    static KNOWN: OnceLock<Vec<Known>> = OnceLock::new();
    KNOWN.get_or_init(|| KNOWN_JARS.lines().filter_map(row).collect())
}

/// None of an empty line and of a remark.
fn row(line: &'static str) -> Option<Known> {
    let mut words = line.split_whitespace().take_while(|word| *word != "#");
    let mut known = Known {
        artifact: words.next()?,
        group: words.next()?,
        folder: words.next()?,
        versions: ALL,
    };
    for word in words {
        if let Some(from) = word.strip_prefix("since=") {
            known.versions.0 = from;
        } else if let Some(before) = word.strip_prefix("before=") {
            known.versions.1 = before;
        }
    }
    Some(known)
}

/// The rows of an artifact, of any version.
pub fn of_artifact(artifact: &str) -> impl Iterator<Item = &'static Known> {
    known_jars()
        .iter()
        .filter(move |known| match known.artifact.strip_suffix('*') {
            Some(start) => artifact.starts_with(start),
            None => known.artifact == artifact,
        })
}

/// Whether coordinates are those of a package in the table, which is nobody's own project.
pub fn is_known(group: &str, artifact: &str) -> bool {
    of_artifact(artifact).any(|known| known.group == group)
}

impl Known {
    /// Whether an entry is what the row asks for: a class, or where there need not be any, a file in `META-INF`.
    pub fn has(&self, name: &str, is_class: bool) -> bool {
        is_class != self.folder.starts_with("META-INF/") && name.starts_with(self.folder)
    }

    /// Whether the row holds for a version; for one that is not known only if it holds for all.
    pub fn holds_for(&self, version: Option<&str>) -> bool {
        if self.versions == ALL {
            return true;
        }
        let parse = |text: &str| Version::parse(Ecosystem::Maven, text);
        let Some(version) = version.and_then(parse) else {
            return false;
        };
        let (from, before) = self.versions;
        parse(from).is_none_or(|from| from <= version)
            && parse(before).is_none_or(|before| version < before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::maven::coordinates::is_id;

    fn group(artifact: &str, version: Option<&str>) -> Option<&'static str> {
        let known = of_artifact(artifact).find(|known| known.holds_for(version));
        known.map(|known| known.group)
    }

    #[test]
    fn rows_are_well_formed() {
        let lines = KNOWN_JARS.lines();
        let rows = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        assert_eq!(known_jars().len(), rows.count());
        for known in known_jars() {
            let name = known.artifact;
            assert!(
                is_id(known.group) && is_id(name.trim_end_matches('*')),
                "{name}"
            );
            assert!(
                known.folder.ends_with('/') && !known.folder.starts_with('/'),
                "{name}"
            );
            for bound in [known.versions.0, known.versions.1] {
                assert!(
                    bound.is_empty() || Version::parse(Ecosystem::Maven, bound).is_some(),
                    "{name}"
                );
            }
        }
    }

    #[test]
    fn a_package_that_moved_is_known_by_its_version() {
        assert_eq!(group("quartz", Some("1.6.3")), Some("opensymphony"));
        assert_eq!(group("quartz", Some("2.3.2")), Some("org.quartz-scheduler"));
        assert_eq!(group("quartz", None), None);
        assert_eq!(group("spring-core", None), Some("org.springframework"));
        assert_eq!(
            group("spring-boot-actuator", None),
            Some("org.springframework.boot")
        );
        assert_eq!(group("spring-core-of-mine", None), None);
        assert_eq!(group("jsch", Some("0.1.55")), Some("com.jcraft"));
        assert_eq!(group("jsch", Some("0.2.9")), Some("com.github.mwiede"));
    }
}
