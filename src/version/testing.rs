//! What the tests of the orderings share.

use std::fmt::Debug;

use super::{Version, requirement};
use crate::component::Ecosystem;

/// Every text parses, and is less than all that follow it.
pub fn assert_ascending<V: Ord + Debug>(parse: impl Fn(&str) -> Option<V>, texts: &[&str]) {
    let version = |text: &str| parse(text).unwrap_or_else(|| panic!("{text} does not parse"));
    for (i, a) in texts.iter().enumerate() {
        for (j, b) in texts.iter().enumerate() {
            let (x, y) = (version(a), version(b));
            assert_eq!(x.cmp(&y), i.cmp(&j), "{a} and {b}: {x:?} and {y:?}");
        }
    }
}

/// The texts of each pair parse, and are one version.
pub fn assert_equal<V: Ord + Debug>(parse: impl Fn(&str) -> Option<V>, pairs: &[(&str, &str)]) {
    for (a, b) in pairs {
        let (x, y) = (parse(a), parse(b));
        assert!(x.is_some(), "{a} does not parse");
        assert_eq!(x, y, "{a} and {b}");
    }
}

pub fn assert_refused<V: Debug>(parse: impl Fn(&str) -> Option<V>, texts: &[&str]) {
    for text in texts {
        let parsed = parse(text);
        assert!(parsed.is_none(), "{text:?} is {parsed:?}");
    }
}

/// Order and equality agree and are a total order over what parses of the texts.
pub fn assert_total<V: Ord + Debug>(parse: impl Fn(&str) -> Option<V>, texts: &[String]) {
    let mut versions: Vec<V> = texts.iter().filter_map(|text| parse(text)).collect();
    for a in &versions {
        for b in &versions {
            assert_eq!(a.cmp(b), b.cmp(a).reverse(), "{a:?} and {b:?}");
            assert_eq!(a == b, a.cmp(b).is_eq(), "{a:?} and {b:?}");
        }
    }
    // In an order that is not transitive some pair of the sorted list is the wrong way round.
    versions.sort();
    for (i, a) in versions.iter().enumerate() {
        for b in &versions[i..] {
            assert!(a <= b, "{a:?} and {b:?}");
        }
    }
}

/// Each range holds the versions of the second text, and none of the third.
pub fn assert_means(ecosystem: Ecosystem, rows: &[(&str, &str, &str)]) {
    for (range, inside, outside) in rows {
        let set = requirement::parse(ecosystem, range);
        let set = set.unwrap_or_else(|| panic!("{range} is no range"));
        for (versions, holds) in [(inside, true), (outside, false)] {
            for text in versions.split_whitespace() {
                let version = Version::parse(ecosystem, text).unwrap();
                assert_eq!(set.contains(&version), holds, "{range} {text}");
            }
        }
    }
}
