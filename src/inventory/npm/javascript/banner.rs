//! The version in the comment that a package's own file begins with: `/*! name v1.2.3 … */`.
//!
//! Of 1,812 published packages 52 have files (332) that begin so, where examples, tests and minified files are left
//! out, and each states the version of its package. Other forms do not: `@version`, `x.version =` and a name apart from
//! its version state that of an earlier release, or of something else.

use crate::inventory::npm::specifier::exact_version;

/// No author's comment about name and version is longer.
const MAX_BANNER: usize = 1024;
/// Longer texts are no versions.
const MAX_VERSION: usize = 64;

/// The version that stands behind the package's name, if it is one only.
pub(super) fn stated(name: &str, text: &str) -> Option<String> {
    let banner = banner(text.as_bytes()).to_ascii_lowercase();
    let name = name.to_ascii_lowercase();
    let stem = name.strip_suffix(".js").unwrap_or(&name);
    let mut versions = memchr::memmem::find_iter(&banner, stem).filter_map(|at| {
        let is_part = |b: &u8| b.is_ascii_alphanumeric() || b"_@/.-".contains(b);
        let behind = &banner[at + stem.len()..];
        let stands_alone = !banner[..at].last().is_some_and(is_part);
        stands_alone.then(|| version_behind(behind)).flatten()
    });
    let first = versions.next()?;
    let agrees = versions.all(|other| other == first);
    agrees.then(|| first.to_owned())
}

/// The comments at the front, behind `#!` and `'use strict'`.
fn banner(text: &[u8]) -> &[u8] {
    let mut rest = text;
    if rest.starts_with(b"#!") {
        rest = &rest[line_length(rest)..];
    }
    rest = rest.trim_ascii_start();
    for directive in ["'use strict'", "\"use strict\""] {
        rest = rest.strip_prefix(directive.as_bytes()).unwrap_or(rest);
    }
    rest = rest.strip_prefix(b";").unwrap_or(rest).trim_ascii_start();
    let start = &rest[..rest.len().min(MAX_BANNER)];
    let mut code = start;
    loop {
        code = code.trim_ascii_start();
        code = if code.starts_with(b"//") {
            &code[line_length(code)..]
        } else if code.starts_with(b"/*") {
            match memchr::memmem::find(code, b"*/") {
                Some(end) => &code[end + 2..],
                None => return start,
            }
        } else {
            return &start[..start.len() - code.len()];
        };
    }
}

fn line_length(text: &[u8]) -> usize {
    memchr::memchr(b'\n', text).map_or(text.len(), |end| end + 1)
}

/// `.js v1.2.3`, `version 1.2.3` and the like, without a build's name.
fn version_behind(text: &[u8]) -> Option<&str> {
    let text = text.strip_prefix(b".js").unwrap_or(text);
    let spaced = text.trim_ascii_start();
    if spaced.len() == text.len() || line_length(text) <= text.len() - spaced.len() {
        return None;
    }
    let text = spaced.strip_prefix(b"(").unwrap_or(spaced);
    let text = match text.strip_prefix(b"version") {
        Some(rest) => rest.strip_prefix(b":").unwrap_or(rest).trim_ascii_start(),
        None => text,
    };
    let text = text.strip_prefix(b"v").unwrap_or(text);
    let is_version = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-');
    let length = text
        .iter()
        .take(MAX_VERSION + 1)
        .take_while(is_version)
        .count();
    let version = str::from_utf8(&text[..length]).ok()?;
    exact_version(version.trim_end_matches(['.', '-']))
        .filter(|v| v.len() <= MAX_VERSION && !v.starts_with("0.0.0"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn version(name: &str, text: &str) -> String {
        stated(name, text).unwrap_or_default()
    }

    #[test]
    fn the_packages_own_version_is_taken() {
        for (name, text) in [
            ("a", "/*! a v1.2.3 | (c) me */ code()"),
            ("a", "/*!\n * A.js 1.2.3\n */"),
            ("a.js", "// a v1.2.3.\n// more"),
            ("a.js", "/* a.js version: 1.2.3, and a.js (v1.2.3) */"),
            (
                "a",
                "#!/usr/bin/env node\n'use strict';\n\n// by me\n/* a 1.2.3+slim */",
            ),
            ("@s/a", "/**\n* @s/a v1.2.3\n**/"),
        ] {
            assert_eq!(version(name, text), "1.2.3", "{text}");
        }
        assert_eq!(version("a", "/* a v1.2.3-rc.1 */"), "1.2.3-rc.1");
    }

    #[test]
    fn other_versions_are_not() {
        for (name, text) in [
            ("a", "/* b v1.2.3 */"),
            ("a", "/* b-a v1.2.3, @s/a v1.2.3, a-b v1.2.3 */"),
            ("@s/a", "/* a v1.2.3 */"),
            ("a", "/* a v1.2 */"),
            ("a", "/* a - v1.2.3 */"),
            ("a", "/* needs a 1.2.3, or a 1.3.0 */"),
            ("a", "/* a */ 'a 1.2.3'"),
            ("a", "code() /* a 1.2.3 */"),
            ("a", "/* a\n1.2.3 */"),
            ("a", "/* a 0.0.0-development */"),
            ("a", "/* a"),
            ("a", ""),
        ] {
            assert_eq!(version(name, text), "", "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in "(/\\*|//|\\*/|a|\\.js|v|1\\.2\\.3|\n| |\u{e9}){0,12}") {
            let found = stated("a", &text);
            prop_assert!(found.is_none_or(|v| semver::Version::parse(&v).is_ok()));
        }
    }
}
