//! Numbers in versions, which no machine word bounds: registries publish dates and hashes as numbers.

use std::fmt;

/// A number of any length. The derived order is the numeric one: a number that `Small` cannot hold
/// is greater than all that it can, and among those the one with more digits is the greater.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Number {
    Small(u64),
    Large { length: usize, digits: Box<str> },
}

impl Number {
    pub const ZERO: Number = Number::Small(0);

    /// Reads ASCII digits; leading zeros make no difference.
    pub fn parse(text: &str) -> Option<Number> {
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        Some(text.parse().map_or_else(
            |_| {
                let digits = text.trim_start_matches('0');
                Number::Large {
                    length: digits.len(),
                    digits: digits.into(),
                }
            },
            Number::Small,
        ))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Small(number) => write!(f, "{number}"),
            Number::Large { digits, .. } => f.write_str(digits),
        }
    }
}

/// Splits a text where digits meet something else; no run is empty.
pub fn runs(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let digits = rest.starts_with(|c: char| c.is_ascii_digit());
        let end = rest.find(|c: char| c.is_ascii_digit() != digits);
        let (run, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        (!run.is_empty()).then_some(run)
    })
}

/// Drops what is equal to nothing at the end of a list.
pub fn without_trailing<T: PartialEq>(mut list: Vec<T>, nothing: &T) -> Vec<T> {
    while list.last() == Some(nothing) {
        list.pop();
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_any_length_are_in_order() {
        let ascending = [
            "0",
            "9",
            "10",
            "18446744073709551615",
            "18446744073709551616",
            "99999999999999999999",
            "100000000000000000000",
        ];
        for (i, a) in ascending.iter().enumerate() {
            assert_eq!(Number::parse(a).unwrap().to_string(), *a);
            for (j, b) in ascending.iter().enumerate() {
                let (a, b) = (format!("000{a}"), format!("0{b}"));
                assert_eq!(Number::parse(&a).cmp(&Number::parse(&b)), i.cmp(&j));
            }
        }
        assert_eq!(Number::parse(""), None);
        assert_eq!(Number::parse("1a"), None);
    }

    #[test]
    fn runs_alternate() {
        assert_eq!(
            runs("1.20rcé3").collect::<Vec<_>>(),
            ["1", ".", "20", "rcé", "3"]
        );
        assert_eq!(runs("").count(), 0);
    }
}
