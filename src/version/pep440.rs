//! The order of Python's versions: <https://packaging.python.org/en/latest/specifications/version-specifiers/>.

/// Reads a version under PEP 440, with every spelling that it normalises.
///
/// A number above `u64::MAX` in the release is the one valid thing that is refused; no such version
/// is known, and an advisory that lists it as a string still matches it.
pub fn parse(text: &str) -> Option<pep440_rs::Version> {
    text.trim().parse().ok()
}

/// The normal form, less the zeros at the end of the release, which make no difference.
pub fn canonical(version: &pep440_rs::Version) -> String {
    let release = version.release();
    let zeros = release.iter().rev().take_while(|number| **number == 0);
    let length = (release.len() - zeros.count()).max(1);
    version
        .clone()
        .with_release(release[..length].iter().copied())
        .to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn version(text: &str) -> pep440_rs::Version {
        parse(text).unwrap_or_else(|| panic!("{text} does not parse"))
    }

    #[test]
    fn orders_as_the_specification_says() {
        // The specification's summary of permitted suffixes and relative ordering, with epochs around it.
        let ascending = [
            "0.9",
            "1.dev0",
            "1.0.dev456",
            "1.0a1",
            "1.0a2.dev456",
            "1.0a12.dev456",
            "1.0a12",
            "1.0b1.dev456",
            "1.0b2",
            "1.0b2.post345.dev456",
            "1.0b2.post345",
            "1.0rc1.dev456",
            "1.0rc1",
            "1.0",
            "1.0+abc.5",
            "1.0+abc.7",
            "1.0+5",
            "1.0.post456.dev34",
            "1.0.post456",
            "1.0.15",
            "1.1.dev1",
            "2024.1",
            "1!0.1",
        ];
        for (i, a) in ascending.iter().enumerate() {
            for (j, b) in ascending.iter().enumerate() {
                assert_eq!(version(a).cmp(&version(b)), i.cmp(&j), "{a} and {b}");
            }
        }
    }

    #[test]
    fn spellings_of_one_version_are_equal() {
        for (a, b) in [
            ("1.0", "1"),
            ("1.0.0", "v1.0"),
            ("1.0alpha1", "1.0.a.1"),
            ("1.0-c1", "1.0rc1"),
            ("1.0-1", "1.0.post1"),
            ("1.0.REV1", "1.0.post1"),
            ("1.00", "1.0"),
            ("1.0+Ubuntu_1", "1.0+ubuntu.1"),
            (" 1.0\n", "1.0"),
            ("0!1.0", "1.0"),
        ] {
            assert_eq!(version(a), version(b), "{a} and {b}");
        }
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in [
            "",
            "latest",
            "1.0-bulbasaur",
            "1.0+",
            "1..0",
            "99999999999999999999.0",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    fn any_version() -> impl Strategy<Value = String> {
        r"([0-9]!)?[0-9]{1,2}(\.[0-9]{1,3}){0,3}((a|b|rc)[0-9])?(\.post[0-9])?(\.dev[0-9])?(\+[a-z0-9]{1,3}(\.[a-z0-9]{1,3})?)?"
    }

    proptest! {
        #[test]
        fn the_order_is_total(a in any_version(), b in any_version(), c in any_version()) {
            let (a, b, c) = (version(&a), version(&b), version(&c));
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            prop_assert_eq!(a == b, a.cmp(&b).is_eq());
            if a <= b && b <= c {
                prop_assert!(a <= c);
            }
        }

        #[test]
        fn no_text_panics(text in ".{0,40}") {
            parse(&text);
        }
    }
}
