//! Which crates the names of a program's symbols begin with.
//!
//! Both manglings of Rust write the crate in front of a path: the old one as `_ZN` and identifiers with their lengths,
//! or `hyper..proto..Type` where types are part of a name; the new one (`_R`) as `C`, a disambiguator and an identifier:
//! <https://doc.rust-lang.org/rustc/symbol-mangling/v0.html>.
//!
//! Only these places are looked at, and the rest of a name is not parsed: what is found counts only where something
//! else says that a crate of that name is third-party code.

use std::collections::BTreeSet;
use std::str;

use super::source_path::LONGEST_NAME;

/// The most crates that are kept: many times what programs are made of.
const MAX_CRATES: usize = 10_000;
/// Of longer names the rest is not looked at.
const LONGEST_SYMBOL: usize = 4096;
/// A disambiguator is a number of 64 bits, in base 62.
const LONGEST_DISAMBIGUATOR: usize = 11;

/// Crates by the names that code has for them, which have no hyphens.
#[derive(Debug, Default)]
pub struct Crates<'a> {
    pub all: BTreeSet<&'a str>,
    /// Those that a program starts in: its own.
    pub with_main: BTreeSet<&'a str>,
}

/// Reads a table of names, each of which ends with a zero.
pub fn crates(names: &[u8]) -> Crates<'_> {
    let mut crates = Crates::default();
    for symbol in names.split(|&byte| byte == 0) {
        if crates.all.len() >= MAX_CRATES {
            break;
        }
        let symbol = symbol.get(..LONGEST_SYMBOL).unwrap_or(symbol);
        // Apple's systems put an underscore in front of every name.
        let symbol = match symbol {
            [b'_', rest @ ..] if rest.starts_with(b"_ZN") || rest.starts_with(b"_R") => rest,
            _ => symbol,
        };
        if let Some(path) = symbol.strip_prefix(b"_ZN").filter(|path| is_old(path)) {
            old(path, &mut crates);
        } else if let Some(path) = symbol.strip_prefix(b"_R") {
            new(path, &mut crates);
        }
    }
    crates
}

/// Whether the last identifier is a hash, as in no name of C++.
fn is_old(path: &[u8]) -> bool {
    // What linkers and optimizers add stands behind a dot.
    let end = path.iter().rposition(|&byte| byte == b'E').unwrap_or(0);
    let hash = end.checked_sub(19).and_then(|start| path.get(start..end));
    hash.is_some_and(|hash| {
        hash.starts_with(b"17h") && hash.iter().skip(3).all(u8::is_ascii_hexdigit)
    })
}

fn old<'a>(path: &'a [u8], crates: &mut Crates<'a>) {
    let Some((first, rest)) = identifier(path) else {
        return;
    };
    if let Some(first) = plain(first) {
        crates.all.insert(first);
        if rest.starts_with(b"4main17h") {
            crates.with_main.insert(first);
        }
    }
    for (at, _) in path.windows(2).enumerate().filter(|(_, two)| *two == b"..") {
        let before = path.get(..at).unwrap_or_default();
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let start = before.iter().rposition(|byte| !is_part(byte));
        // `$LT$`, `$u20$` and their like stand before the first name of a path.
        if let Some(start) = start
            && before.get(start) == Some(&b'$')
            && let Some(name) = before.get(start + 1..).and_then(plain)
        {
            crates.all.insert(name);
        }
    }
}

fn new<'a>(path: &'a [u8], crates: &mut Crates<'a>) {
    for at in memchr::memchr_iter(b'C', path) {
        let rest = path.get(at + 1..).unwrap_or_default();
        let rest = after_disambiguator(rest).unwrap_or(rest);
        if let Some((name, rest)) = identifier(rest)
            && let Some(name) = plain(name)
        {
            crates.all.insert(name);
            let is_item_of_it = path.get(..at).is_some_and(|before| before == b"Nv");
            if is_item_of_it && rest == b"4main" {
                crates.with_main.insert(name);
            }
        }
    }
}

/// What follows `s`, digits of base 62 and `_`.
fn after_disambiguator(text: &[u8]) -> Option<&[u8]> {
    let text = text.strip_prefix(b"s")?;
    let mut bytes = text.iter().take(LONGEST_DISAMBIGUATOR + 1);
    let end = bytes.position(|byte| !byte.is_ascii_alphanumeric())?;
    text.get(end..)?.strip_prefix(b"_")
}

/// Reads a length and as many bytes, between which the new mangling may write `_`.
fn identifier(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let length: usize = str::from_utf8(text.get(..digits)?).ok()?.parse().ok()?;
    let rest = text.get(digits..)?;
    // A name that begins with `_` itself is no crate of a registry's.
    let rest = rest.strip_prefix(b"_").unwrap_or(rest);
    rest.split_at_checked(length)
}

/// A name that a crate can have. Looks at no more of it than the longest are.
fn plain(name: &[u8]) -> Option<&str> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let is_plain = name.len() <= LONGEST_NAME
        && name.first().is_some_and(u8::is_ascii_alphabetic)
        && name.iter().all(is_part);
    is_plain.then(|| str::from_utf8(name).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(names: &[&str]) -> Vec<String> {
        let table = names.join("\0");
        let crates = crates(table.as_bytes());
        let marked = |name: &&str| match crates.with_main.contains(name) {
            true => format!("{name}!"),
            false => (*name).to_owned(),
        };
        crates.all.iter().map(marked).collect()
    }

    #[test]
    fn the_old_mangling_begins_with_the_crate() {
        let found = all(&[
            "_ZN9bootstrap4main17h0123456789abcdefE",
            "__ZN5tokio7runtime4task17h0123456789abcdefE",
            "_ZN74_$LT$hyper..proto..Type$u20$as$u20$core..fmt..Debug$GT$3fmt17h0123456789abcdefE.llvm.123",
            "_ZN4core3ptr49drop_in_place$LT$$RF$mut$u20$http_body..Body$GT$17h0123456789abcdefE",
        ]);
        let expected = ["bootstrap!", "core", "http_body", "hyper", "tokio"];
        assert_eq!(found, expected);
    }

    #[test]
    fn the_new_mangling_marks_crates() {
        let found = all(&[
            "_RNvCs1234_9bootstrap4main",
            "_RNvXs_NtCs5lBEYlZS5tX_5hyper5protoNtB4_4TypeNtNtCs3abc_4core3fmt5Debug3fmt",
            "__RNvC4itoa4main4more",
        ]);
        assert_eq!(found, ["bootstrap!", "core", "hyper", "itoa"]);
    }

    #[test]
    fn names_of_other_languages_tell_nothing() {
        let found = all(&[
            "_ZN5boost4asio10io_contextC1Ev",
            "_ZNSt6vectorIiE17hello",
            "main",
            "_R",
            "_RC99999999999999999999999a",
            "_ZN99999a17h0123456789abcdefE",
            "_ZN",
        ]);
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn crates_have_no_longer_names_and_numbers_than_their_kinds_allow() {
        let (name, long) = ("a".repeat(LONGEST_NAME), "b".repeat(LONGEST_NAME + 1));
        let number = "9".repeat(LONGEST_DISAMBIGUATOR);
        let found = all(&[
            &format!("_RNvCs{number}_64{name}4main"),
            &format!("_RNvC65{long}4main"),
            &format!("_RNvCs{number}9_1c4main"),
            &format!("_ZN65{long}4main17h0123456789abcdefE"),
            &format!("_ZN99_$LT${long}..T$GT$17h0123456789abcdefE"),
        ]);
        assert_eq!(found, [name + "!"]);
    }

    #[test]
    fn names_that_could_begin_anywhere_cost_no_more_than_their_length() {
        for part in ["Cs", "C999", "C4000", "s"] {
            let symbol = format!("_RC{}\0", part.repeat(LONGEST_SYMBOL / part.len()));
            let table = symbol.repeat(64);
            assert_eq!(crates(table.as_bytes()).all.len(), 0, "{part}");
        }
    }
}
