//! Environment markers, as far as what they certainly exclude: <https://peps.python.org/pep-0508/#environment-markers>.

use super::pep508;
use crate::component::Ecosystem;

/// The name that a `Requires-Dist` asks for, unless it does so for an extra or for another system than Linux.
pub fn required(requirement: &str) -> Option<String> {
    let (_, marker) = requirement.split_once(';').unwrap_or((requirement, ""));
    if excludes(marker) {
        return None;
    }
    let found = pep508::parse(requirement).ok().flatten()?;
    Some(Ecosystem::PyPi.normalize_name(&found.name))
}

/// Whether an environment marker is certainly false: <https://peps.python.org/pep-0508/#environment-markers>. With an
/// `or` in it that is not decided.
pub fn excludes(marker: &str) -> bool {
    const OTHER_SYSTEMS: [&str; 6] = ["win32", "windows", "nt", "darwin", "pypy", "java"];
    if marker.split_whitespace().any(|word| word == "or") {
        return false;
    }
    marker.split(" and ").any(|clause| {
        let clause = clause.trim_matches(|c: char| c.is_whitespace() || matches!(c, '(' | ')'));
        if clause.starts_with("extra") {
            return true;
        }
        let Some((_, value)) = clause.split_once("==") else {
            return false;
        };
        let value = value.trim().trim_matches(['"', '\'']).to_lowercase();
        OTHER_SYSTEMS.contains(&value.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_for_extras_and_other_systems_are_not_needed() {
        for (text, name) in [
            ("Foo.Bar (>=1.0)", Some("foo-bar")),
            ("foo>=1; python_version >= '3.8'", Some("foo")),
            ("foo; extra == 'test'", None),
            ("foo; python_version < '3.8' and extra == \"x\"", None),
            ("foo; sys_platform == 'win32'", None),
            ("foo; platform_system == \"Windows\"", None),
            ("foo; sys_platform == 'linux'", Some("foo")),
            (
                "foo; sys_platform == 'win32' or python_version > '3'",
                Some("foo"),
            ),
            ("???", None),
        ] {
            assert_eq!(required(text).as_deref(), name, "{text}");
        }
    }
}
