//! Turns a file's text into data, and a parser's complaint into a message for people.

use serde::de::DeserializeOwned;
use serde_saphyr::Error;
use serde_saphyr::options::{DuplicateKeyPolicy, NonFiniteFloatPolicy};

use crate::inspect::{Entry, Unreadable};

/// Reads JSON. Strings that are skipped may be in any encoding, as Node.js accepts them too.
pub fn json<T: DeserializeOwned>(entry: &Entry) -> Result<T, Unreadable> {
    let bytes = entry.bytes;
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    serde_json::from_slice(bytes).map_err(|error| not_json(&error))
}

pub fn not_json(error: &serde_json::Error) -> Unreadable {
    Unreadable {
        line: Some(error.line()).filter(|&line| line > 0),
        message: format!("is not valid JSON: {}", without_place(&error.to_string())),
    }
}

pub fn toml<T: DeserializeOwned>(entry: &Entry) -> Result<T, Unreadable> {
    let text = entry.text()?;
    toml::from_str(text).map_err(|error| Unreadable {
        line: error.span().map(|span| line_of(text, span.start)),
        message: format!("is not valid TOML: {}", without_place(error.message())),
    })
}

/// Reads every document of a YAML stream.
pub fn yaml<T: DeserializeOwned>(entry: &Entry) -> Result<Vec<T>, Unreadable> {
    serde_saphyr::from_multiple_with_options(entry.text()?, yaml_options()).map_err(|error| {
        let place = error.location();
        let line = place.and_then(|place| usize::try_from(place.line()).ok());
        let message = match &error {
            Error::Budget { .. } | Error::AliasReplayLimitExceeded { .. } => {
                "is nested or repeated too much".to_owned()
            }
            error => format!("is not valid YAML: {}", without_place(&error.to_string())),
        };
        Unreadable {
            line: line.filter(|&line| line > 0),
            message,
        }
    })
}

/// The parser's own limits refuse bombs but also a large monorepo's lock file. Those that follow the file's
/// size give way; those on depth and repetition stay or get lower.
fn yaml_options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_nodes: 20_000_000,
            max_events: 50_000_000,
            max_total_scalar_bytes: 1 << 30,
            max_recorded_anchor_events: 50_000,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 50_000,
        },
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        with_snippet: false,
        emit_comments: false,
    }
}

/// The first line of a parser's message, up to the place, which goes into its own field.
fn without_place(message: &str) -> &str {
    let line = message.lines().next().unwrap_or_default();
    line.split(" at line ").next().unwrap_or_default()
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().iter().take(offset);
    before.filter(|&&byte| byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use serde::de::IgnoredAny;

    use super::*;
    use crate::finding::EntryPath;

    fn read<T>(text: &str, read: fn(&Entry) -> Result<T, Unreadable>) -> Result<T, Unreadable> {
        let path = EntryPath::new(&Arc::from("fn.zip!/"), "file");
        let bytes = text.as_bytes();
        read(&Entry { path: &path, bytes })
    }

    type Numbers = BTreeMap<String, Vec<u32>>;

    #[test]
    fn errors_state_the_line_once() {
        for (error, format) in [
            (read("{\n\"a\": oops}", json::<Numbers>), "JSON"),
            (read("a = [1]\nb = oops", toml::<Numbers>), "TOML"),
            (
                read("a: [1]\nb: [\n", yaml::<Numbers>).map(|_| Numbers::new()),
                "YAML",
            ),
        ] {
            let error = error.unwrap_err();
            let expected = format!("is not valid {format}: ");
            assert!(error.message.starts_with(&expected), "{error:?}");
            assert!(!error.message.contains(" line "), "{error:?}");
            assert!(!error.message.contains('\n'), "{error:?}");
            assert_eq!(error.line, Some(2), "{error:?}");
        }
    }

    #[test]
    fn yaml_bombs_are_refused() {
        let mut bomb = "a0: &a0 [1]\n".to_owned();
        for i in 1..40 {
            let before = i - 1;
            bomb += &format!("a{i}: &a{i} [*a{before}, *a{before}, *a{before}]\n");
        }
        let many_aliases = format!("a: &a [1]\nb: [{}]\n", "*a, ".repeat(20_000));
        let deep = format!("a: {}", "[".repeat(1 << 20));
        for text in [bomb, many_aliases, deep] {
            assert!(read(&text, yaml::<BTreeMap<String, IgnoredAny>>).is_err());
        }
    }

    #[test]
    fn a_large_honest_yaml_file_is_read() {
        let numbers = 251_000;
        let text = format!("a: [{}]", "1,".repeat(numbers));
        let documents = read(&text, yaml::<Numbers>).unwrap();
        assert_eq!(documents[0]["a"].len(), numbers);
    }

    #[test]
    fn repeated_yaml_keys_are_no_error() {
        let documents = read("a: [1]\na: [2]\n", yaml::<Numbers>).unwrap();
        assert_eq!(documents, [BTreeMap::from([("a".to_owned(), vec![2])])]);
    }
}
