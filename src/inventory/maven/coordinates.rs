//! Coordinates: the group and the artifact that make up a package's name, and its version.
//!
//! <https://maven.apache.org/pom.html#Maven_Coordinates>; the characters are those that Maven's own
//! `DefaultModelValidator` lets pass.

/// Longer than any that is published, short enough that hostile ones cost nothing.
const MAX_LENGTH: usize = 200;

/// The name of a package as OSV and Maven write it.
pub fn name(group: &str, artifact: &str) -> String {
    format!("{group}:{artifact}")
}

/// Whether it can be a group or an artifact. A placeholder that nobody filled in (`${project.groupId}`) is none.
pub fn is_id(text: &str) -> bool {
    let may_have = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=MAX_LENGTH).contains(&text.len()) && text.bytes().all(may_have)
}

/// Whether it can be the version of something published. Gradle says `unspecified` where there is none.
pub fn is_version(text: &str) -> bool {
    let may_have =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'+' | b'~');
    text.len() <= MAX_LENGTH
        && text.bytes().all(may_have)
        && text.bytes().any(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_and_sentences_are_no_coordinates() {
        for id in ["org.apache.logging.log4j", "jackson-module-scala_2.13"] {
            assert!(is_id(id), "{id}");
        }
        for id in [
            "",
            "${project.groupId}",
            "a b",
            "a/b",
            "a:b",
            &"a".repeat(201),
        ] {
            assert!(!is_id(id), "{id}");
        }
        for version in [
            "1.0",
            "4.0.37.Final",
            "31.1-jre",
            "1.0+build.1",
            "Hoxton.SR1",
            "r09",
        ] {
            assert!(is_version(version), "{version}");
        }
        for version in [
            "",
            "${revision}",
            "unspecified",
            "1.0 (beta)",
            "[1.0,2.0)",
            "LATEST",
        ] {
            assert!(!is_version(version), "{version}");
        }
    }
}
