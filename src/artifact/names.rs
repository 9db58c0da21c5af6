//! Names of entries: made safe to show and to compare.

use crate::text::visible;

/// A name as it is shown and inspected, and whether as written it leads out of the archive.
#[derive(Debug, PartialEq, Eq)]
pub struct CleanName {
    pub name: String,
    pub escapes: bool,
}

/// Resolves `.` and `..`, drops leading separators and makes control characters visible.
///
/// A `\` separates only where no `/` does: old Windows packers write such names.
pub fn clean(raw: &str) -> CleanName {
    let separator = if raw.contains('/') { '/' } else { '\\' };
    let drive = raw.as_bytes().get(1) == Some(&b':') && raw.as_bytes()[0].is_ascii_alphabetic();
    let mut escapes = raw.starts_with(separator) || (drive && raw[2..].starts_with(['/', '\\']));
    let mut parts: Vec<&str> = Vec::new();
    for part in raw.split(separator) {
        match part {
            "" | "." => {}
            ".." => escapes |= parts.pop().is_none(),
            part => parts.push(part),
        }
    }
    let name = visible(&parts.join("/")).into_owned();
    CleanName { name, escapes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cleaned_and_escapes_are_seen() {
        for (raw, name, escapes) in [
            ("a/b.txt", "a/b.txt", false),
            ("./a//b/", "a/b", false),
            ("a/../b", "b", false),
            ("../b", "b", true),
            ("a/../../b", "b", true),
            ("/etc/passwd", "etc/passwd", true),
            ("a\\b.txt", "a/b.txt", false),
            ("..\\b.txt", "b.txt", true),
            ("C:\\x", "C:/x", true),
            ("C:/x", "C:/x", true),
            ("a:b", "a:b", false),
            ("x\u{1b}[31m", "x\\u{1b}[31m", false),
            ("", "", false),
            ("é/\u{202e}b", "é/\\u{202e}b", false),
        ] {
            let expected = CleanName {
                name: name.into(),
                escapes,
            };
            assert_eq!(clean(raw), expected, "{raw:?}");
        }
    }
}
