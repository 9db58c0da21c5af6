//! The version that a package's module states of its package, in a bundle whose modules stand behind their paths.
//!
//! | module | form |
//! | --- | --- |
//! | `package.json` | `var version = "1.2.3"`, as bundlers leave it of an import of the version alone |
//! | `package.json` | `{"rE":"1.2.3"}`: webpack renames keys. Of the strings left, one is a version |
//! | `version.js` and the like | one version and no other |
//! | any | `VERSION = "1.2.3"`, if it says so of one version only |
//!
//! Over 2,158 published packages, 26 of 26 with such a file and 28 of 28 with such a constant state their own
//! version there, where development versions such as `0.0.0-development` are left out. Other names (`x.version =`,
//! `version:`, `@version`) state in 1 of 3 packages the version of something else.

use memchr::memchr;
use memchr::memmem::find_iter;

use super::package_path::package_of;
use crate::inventory::npm::specifier::exact_version;

/// Longer texts are no versions.
const MAX_VERSION: usize = 64;

/// The version in what stands behind a module's path.
pub(super) fn stated(path: &str, behind: &[u8]) -> Option<String> {
    let body = body(behind);
    let file = path.rsplit('/').next()?;
    if is_manifest(path) {
        sole(constants(body, "version")).or_else(|| sole(literals(flat_object(body)?)))
    } else if is_version_file(file) {
        sole(literals(body))
    } else {
        sole(constants(body, "VERSION"))
    }
}

/// A module, up to the bundler's next line about modules.
pub(super) fn body(behind: &[u8]) -> &[u8] {
    &behind[..module_length(behind)]
}

/// Whether it is the package.json of the package itself, and not one of a folder in it.
fn is_manifest(path: &str) -> bool {
    package_of(path).is_some_and(|package| package.is_manifest)
}

fn is_version_file(file: &str) -> bool {
    let stem = file.split('.').next().unwrap_or_default();
    stem.trim_start_matches('_').eq_ignore_ascii_case("version")
}

/// The body, if the one object in it holds no other: within another a version is that of a dependency.
fn flat_object(body: &[u8]) -> Option<&[u8]> {
    let start = memchr(b'{', body)?;
    let rest = &body[start + 1..];
    let end = memchr(b'}', rest)?;
    let inside = &rest[..end];
    (memchr(b'{', inside).is_none() && memchr(b'[', inside).is_none()).then_some(inside)
}

/// The one exact version among several texts. Placeholders of packages that are published otherwise are none.
fn sole<'a>(texts: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut versions = texts.filter(|text| !text.starts_with("0.0.0"));
    let first = versions.next()?;
    versions
        .all(|other| other == first)
        .then(|| first.to_owned())
}

/// The versions that are given to a constant: `version2 = "1.2.3"`.
fn constants<'a>(body: &'a [u8], name: &'a str) -> impl Iterator<Item = &'a str> {
    find_iter(body, name).filter_map(move |at| {
        let is_part =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'.');
        if body[..at].last().is_some_and(is_part) {
            return None;
        }
        // Of several with one name all but the first bear a number; Rollup puts a `$` before it.
        let rest = &body[at + name.len()..];
        let suffix = rest
            .iter()
            .take_while(|byte| byte.is_ascii_digit() || **byte == b'$')
            .count();
        let value = rest[suffix..].trim_ascii_start().strip_prefix(b"=")?;
        literal(value.trim_ascii_start())
    })
}

/// Every string that is a version.
fn literals(body: &[u8]) -> impl Iterator<Item = &str> {
    body.iter().enumerate().filter_map(|(at, byte)| match byte {
        b'"' | b'\'' => literal(&body[at..]),
        _ => None,
    })
}

/// The version in quotes that the text starts with.
fn literal(text: &[u8]) -> Option<&str> {
    let (quote, rest) = text
        .split_first()
        .filter(|(byte, _)| matches!(byte, b'"' | b'\''))?;
    let near = &rest[..rest.len().min(MAX_VERSION)];
    let inside = str::from_utf8(&near[..memchr(*quote, near)?]).ok()?;
    exact_version(inside)
}

/// The length of a module, to where the bundler's next line about modules begins. A line that only looks like one
/// makes it shorter, which does no harm.
fn module_length(behind: &[u8]) -> usize {
    let mut length = memchr(b'\n', behind).map_or(behind.len(), |end| end + 1);
    while let Some(rest) = behind.get(length..).filter(|rest| !rest.is_empty()) {
        let line = &rest[..memchr(b'\n', rest).map_or(rest.len(), |end| end + 1)];
        if is_about_modules(line.trim_ascii()) {
            break;
        }
        length += line.len();
    }
    length
}

fn is_about_modules(line: &[u8]) -> bool {
    const WEBPACK: &[&[u8]] = &[
        b";// ",
        b"!*** ",
        b"/***/ }",
        b"/***/ \"",
        b"/***/ '",
        b"/******/",
    ];
    if WEBPACK.iter().any(|mark| line.starts_with(mark)) {
        return true;
    }
    let Some(comment) = line.strip_prefix(b"// ") else {
        return false;
    };
    // A path: one word, or several with the ending of a file.
    let word = comment
        .rsplit(|byte| *byte == b' ')
        .next()
        .unwrap_or(comment);
    word.len() == comment.len() || word.contains(&b'.') || comment.contains(&b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(path: &str, behind: &str) -> String {
        stated(path, behind.as_bytes()).unwrap_or_default()
    }

    const MANIFEST: &str = "./node_modules/@s/a/package.json";

    #[test]
    fn a_manifest_of_which_only_the_version_was_imported() {
        for behind in [
            "\nvar version = \"1.2.3\";\n",
            "\nvar version2 = \"1.2.3\";\nvar engines = \"0.1.0\";\n",
            "\nconst version$1 = '1.2.3';",
            "\nconst package_namespaceObject = {\"rE\":\"1.2.3\"};\n",
            "\nconst x = /*#__PURE__*/JSON.parse('{\"UU\":\"@s/a\",\"rE\":\"1.2.3\"}');\n;// ./src/own.js\nvar version = \"2.0.0\"",
        ] {
            assert_eq!(version(MANIFEST, behind), "1.2.3", "{behind}");
        }
    }

    #[test]
    fn a_manifest_without_its_version_states_none() {
        for behind in [
            "",
            "\n",
            "\nconst x = JSON.parse('{\"a\":{\"b\":\"1.2.3\"}}');",
            "\nconst x = {\"a\":\"1.2.3\",\"b\":\"1.2.4\"};",
            "\nconst x = {\"a\":\"^1.2.3\"};",
            "\nvar version = \"1.2.3\"; var version2 = \"1.2.4\";",
            "\nvar name = \"a\";\n\n// src/own.js\nvar version = \"1.2.3\";",
        ] {
            assert_eq!(version(MANIFEST, behind), "", "{behind}");
        }
        assert_eq!(
            version("node_modules/a/esm/package.json", "\nvar x = {a: 1};"),
            ""
        );
    }

    #[test]
    fn a_file_about_the_version() {
        assert_eq!(
            version("node_modules/a/lib/version.mjs", "\nvar v = \"1.2.3\";"),
            "1.2.3"
        );
        assert_eq!(
            version(
                "node_modules/a/_version.js",
                "\nexports.default = 'v1.2.3-rc.1';"
            ),
            "1.2.3-rc.1"
        );
        assert_eq!(
            version(
                "node_modules/a/version.js",
                "\nvar v = [\"1.2.3\", \"1.2.4\"];"
            ),
            ""
        );
        assert_eq!(
            version(
                "node_modules/a/version.js",
                "\nvar v = \"0.0.0-development\";"
            ),
            ""
        );
        assert_eq!(
            version("node_modules/a/versions.js", "\nvar v = \"1.2.3\";"),
            ""
        );
    }

    #[test]
    fn a_constant_in_any_module() {
        assert_eq!(
            version("node_modules/a/index.js", "\n  var VERSION = '1.2.3';\n"),
            "1.2.3"
        );
        for behind in [
            "\nvar VERSION = '1.2.3', VERSION2 = '1.2.4';",
            "\nother.VERSION = '1.2.3';",
            "\nvar MIN_VERSION = '1.2.3';",
            "\nvar VERSION_OF_API = '1.2.3';",
            "\nvar version = '1.2.3';",
            "\nx();\n\n// own.js\nvar VERSION = '1.2.3';",
            "\nx();\n\n// my own/folder.ts\nvar VERSION = '1.2.3';",
            "\nx();\n\n// virtual:own\nvar VERSION = '1.2.3';",
            "\nx();\n\n/***/ }),\nvar VERSION = '1.2.3';",
            "\nx();\n//# sourceURL\n;// CONCATENATED MODULE: ./own.js\nvar VERSION = '1.2.3';",
        ] {
            assert_eq!(version("node_modules/a/index.js", behind), "", "{behind}");
        }
    }

    #[test]
    fn what_is_cut_off_does_no_harm() {
        let whole = "\nconst version$1 = \"1.2.3\", x = {\"a\":'1.2.3'};\n/***/ }";
        for path in [
            MANIFEST,
            "node_modules/a/version.js",
            "node_modules/a/x.js",
            "",
            "/",
        ] {
            for end in 0..whole.len() {
                stated(path, &whole.as_bytes()[..end]);
            }
        }
    }
}
