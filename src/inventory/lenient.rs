//! Values of which a format promises a shape and a file may hold another.
//!
//! A field or row of an unexpected type reads as [`Lenient::Other`] and costs nothing but itself. Nothing is
//! buffered, so that nested data is walked once however deep it is.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// A string, a flag, a map that is read as a `T`, a list of such values, or anything else.
#[derive(Debug, Default)]
pub enum Lenient<T> {
    Text(String),
    Flag(bool),
    Map(T),
    List(Vec<Lenient<T>>),
    #[default]
    Other,
}

/// A value that only counts if it is a string.
pub type Text = Lenient<IgnoredAny>;

/// A value that only counts if it is a flag.
pub type Flag = Lenient<IgnoredAny>;

/// A map with a row of its own for each of its keys.
pub type Table<T> = Lenient<BTreeMap<String, Lenient<T>>>;

impl<T> Lenient<T> {
    /// The string, unless it is empty.
    pub fn text(self) -> Option<String> {
        match self {
            Lenient::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// The string as it is there, unless it is empty.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Lenient::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    pub fn is_set(&self) -> bool {
        matches!(self, Lenient::Flag(true))
    }

    /// The rows of a list; none if it is something else.
    pub fn list(self) -> Vec<Lenient<T>> {
        match self {
            Lenient::List(rows) => rows,
            _ => Vec::new(),
        }
    }

    pub fn as_map(&self) -> Option<&T> {
        match self {
            Lenient::Map(map) => Some(map),
            _ => None,
        }
    }

    pub fn map(self) -> Option<T> {
        match self {
            Lenient::Map(map) => Some(map),
            _ => None,
        }
    }
}

impl<T> Table<T> {
    /// The rows that have the promised shape, by their keys.
    pub fn rows(self) -> impl Iterator<Item = (String, T)> {
        self.map()
            .unwrap_or_default()
            .into_iter()
            .filter_map(|(key, row)| Some((key, row.map()?)))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LenientVisitor(PhantomData))
    }
}

struct LenientVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for LenientVisitor<T> {
    type Value = Lenient<T>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Lenient::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
        Ok(Lenient::Text(text))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Lenient::Map)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Lenient::List(items))
    }

    fn visit_some<D: Deserializer<'de>>(self, value: D) -> Result<Self::Value, D::Error> {
        Lenient::deserialize(value)
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(Lenient::Other)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Lenient::Other)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(Lenient::Flag(flag))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Lenient::Other)
    }

    fn visit_i128<E>(self, _: i128) -> Result<Self::Value, E> {
        Ok(Lenient::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Lenient::Other)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Self::Value, E> {
        Ok(Lenient::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Lenient::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Row {
        #[serde(default)]
        version: Text,
    }

    fn versions(json: &str) -> Vec<(String, Option<String>)> {
        let table: Table<Row> = serde_json::from_str(json).unwrap();
        table
            .rows()
            .map(|(key, row)| (key, row.version.text()))
            .collect()
    }

    #[test]
    fn odd_rows_and_fields_cost_only_themselves() {
        let json = r#"{
            "null": null, "number": -1, "float": 1.5, "text": "x", "list": [[1, {"a": []}], null],
            "bare": {}, "odd": {"version": {"deep": [1, 2]}}, "good": {"more": [1], "version": "1.0"}
        }"#;
        let expected = [
            ("bare".to_owned(), None),
            ("good".to_owned(), Some("1.0".to_owned())),
            ("odd".to_owned(), None),
        ];
        assert_eq!(versions(json), expected);
    }

    #[test]
    fn a_table_may_be_something_else() {
        assert_eq!(versions("[1]"), []);
        assert_eq!(versions("\"text\""), []);
    }
}
