//! What a version is assigned as, in source and in compiled code alike, and which version it states.

use serde::Deserialize;

use crate::version::pep440;

/// A constant that is assigned to a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Text(String),
    Tuple(Vec<Item>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    Number(u64),
    Text(String),
}

/// The longest text that is a version, or a document with one.
pub const MAX_TEXT: usize = 4096;
/// No version has more parts.
pub const MAX_ITEMS: usize = 8;

/// What tools write where they do not know the version.
const PLACEHOLDERS: [&str; 3] = ["0", "0+unknown", "0.dev0"];

/// The document that versioneer leaves in `_version.py`:
/// <https://github.com/python-versioneer/python-versioneer/blob/master/details.md>.
#[derive(Deserialize)]
struct Versioneer {
    version: String,
}

impl Value {
    /// The version, if it is one that an index could have.
    pub fn version(&self) -> Option<String> {
        match self {
            Value::Text(text) => match text.trim() {
                json if json.starts_with('{') => {
                    let found: Versioneer = serde_json::from_str(json).ok()?;
                    published(&found.version)
                }
                text => published(text),
            },
            Value::Tuple(items) => published(&joined(items)?),
        }
    }
}

fn published(text: &str) -> Option<String> {
    let version = pep440::parse(text)?;
    let is_placeholder = PLACEHOLDERS.contains(&pep440::canonical(&version).as_str());
    // One number alone is a serial number, unless it is a date.
    let is_number = version.release().len() == 1 && version.release()[0] < 1900;
    let is_known = !is_placeholder && !is_number && !version.is_local();
    is_known.then(|| version.to_string())
}

/// `1.2.3rc1` of `(1, 2, 3, "rc", 1)`, the form of `sys.version_info`, which Django, attrs and many others follow; any
/// tuple of numbers and texts is joined by dots otherwise.
fn joined(items: &[Item]) -> Option<String> {
    let numbers: Vec<String> = items
        .iter()
        .map_while(|item| match item {
            Item::Number(number) => Some(number.to_string()),
            Item::Text(text) => text.parse::<u32>().ok().map(|number| number.to_string()),
        })
        .collect();
    let release = numbers.join(".");
    match &items[numbers.len()..] {
        [] if numbers.len() >= 2 => Some(release),
        [Item::Text(level)] | [Item::Text(level), Item::Number(0)]
            if matches!(level.as_str(), "final" | "") =>
        {
            Some(release)
        }
        [Item::Text(level), Item::Number(serial)] if *serial > 0 => {
            let level = match level.as_str() {
                "alpha" | "a" => "a",
                "beta" | "b" => "b",
                "candidate" | "rc" | "c" => "rc",
                "post" => ".post",
                _ => return None,
            };
            Some(format!("{release}{level}{serial}"))
        }
        // `(1, 2, "3rc1")` and `(1, 2, 3, "rc1")`.
        [Item::Text(last)] if last.starts_with(|c: char| c.is_ascii_digit()) => {
            Some(format!("{release}.{last}"))
        }
        [Item::Text(last)] if last.starts_with(|c: char| c.is_ascii_alphabetic()) => {
            Some(format!("{release}{last}"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Option<String> {
        Value::Text(text.to_owned()).version()
    }

    #[test]
    fn texts_state_versions_that_an_index_could_have() {
        for version in ["1.2", "1.2.3.post1", "2.0rc1", "2019.3"] {
            assert_eq!(text(version).as_deref(), Some(version));
        }
        assert_eq!(text(" v1.2.3 ").as_deref(), Some("1.2.3"));
        // certifi writes its dates so; an index does not.
        assert_eq!(text("2021.05.30").as_deref(), Some("2021.5.30"));
        let json = "\n{ \"dirty\": false, \"error\": null, \"version\": \"1.3.5\" }\n";
        assert_eq!(text(json).as_deref(), Some("1.3.5"));
        for other in [
            "",
            "dev",
            "0.0.0",
            "0+unknown",
            "1",
            "1.2+local",
            "{}",
            "$Revision: 1.5 $",
            "1.2 final",
        ] {
            assert_eq!(text(other), None, "{other:?}");
        }
    }

    #[test]
    fn tuples_are_read_as_their_authors_mean_them() {
        let tuple = |items: &[&str]| {
            let item = |item: &&str| match item.parse() {
                Ok(number) => Item::Number(number),
                Err(_) => Item::Text(item.trim_matches('\'').to_owned()),
            };
            Value::Tuple(items.iter().map(item).collect()).version()
        };
        for (items, version) in [
            (&["1", "2", "3"] as &[_], Some("1.2.3")),
            (&["3", "2", "0", "final", "0"], Some("3.2.0")),
            (&["3", "2", "0", "rc", "1"], Some("3.2.0rc1")),
            (&["3", "2", "0", "alpha", "0"], None),
            (&["19", "2", "0", "final"], Some("19.2.0")),
            (&["'1'", "'10'"], Some("1.10")),
            (&["1", "2", "b3"], Some("1.2b3")),
            (&["1"], None),
            (&[], None),
            (&["1", "2", "x", "y"], None),
        ] {
            assert_eq!(tuple(items).as_deref(), version, "{items:?}");
        }
    }
}
