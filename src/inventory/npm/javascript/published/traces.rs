//! What is compared of a text: a digest of the file, and rows of words of its code. `tools/published.py` has the same.

use memchr::{memchr, memmem};
use sha2::{Digest, Sha256};

/// How many words in a row make a trace.
const ROW: usize = 4;

/// Words that bundlers change, leave out or put in.
const SKIPPED: &[&[u8]] = &[
    b"var",
    b"let",
    b"const",
    b"use",
    b"strict",
    b"undefined",
    b"void",
    b"true",
    b"false",
];

/// Of a file, whatever ends its lines.
pub(super) fn file_trace(text: &[u8]) -> u64 {
    let mut rest = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    let mut sha256 = Sha256::new();
    while let Some(end) = memmem::find(rest, b"\r\n") {
        sha256.update(&rest[..end]);
        rest = &rest[end + 1..];
    }
    sha256.update(rest);
    let digest = sha256.finalize();
    digest[..6]
        .iter()
        .fold(0, |value, byte| value << 8 | u64::from(*byte))
}

/// Of all rows of words.
pub(super) fn code_traces(text: &[u8], mut each: impl FnMut(u64)) {
    let mut last = [0; ROW];
    let mut count = 0;
    words(text, |word| {
        last.rotate_left(1);
        last[ROW - 1] = word;
        count += 1;
        if count >= ROW {
            let value = last.iter().fold(0u64, |value, word| {
                value
                    .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                    .wrapping_add(*word)
            });
            each(value >> 16);
        }
    });
}

/// The hashes of the words of code, without comments.
fn words(text: &[u8], mut each: impl FnMut(u64)) {
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let rest = &text[at..];
        at += match byte {
            b'/' if rest.starts_with(b"//") => memchr(b'\n', rest).unwrap_or(rest.len()),
            b'/' if rest.starts_with(b"/*") => {
                memmem::find(&rest[2..], b"*/").map_or(rest.len(), |end| end + 4)
            }
            b'"' | b'\'' | b'`' => {
                let length = string_length(rest, *byte);
                for word in rest[..length].split(|b| !is_word_byte(*b)) {
                    hash(word).into_iter().for_each(&mut each);
                }
                length
            }
            byte if is_word_byte(*byte) => {
                let length = rest.iter().take_while(|b| is_word_byte(**b)).count();
                hash(&rest[..length]).into_iter().for_each(&mut each);
                length
            }
            _ => 1,
        };
    }
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$')
}

/// To behind the quote that closes the string, or to where it breaks off.
fn string_length(text: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while let Some(byte) = text.get(at) {
        match byte {
            b'\\' if at + 1 < text.len() => at += 2,
            b'\\' => break,
            byte if *byte == quote => return at + 1,
            b'\n' if quote != b'`' => break,
            _ => at += 1,
        }
    }
    at
}

/// FNV-1a, without the number that a bundler puts behind a name. <http://www.isthe.com/chongo/tech/comp/fnv/>
fn hash(word: &[u8]) -> Option<u64> {
    let digits = word.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let word = &word[..word.len() - digits];
    let dollars = word.iter().rev().take_while(|b| **b == b'$').count();
    let word = &word[..word.len() - dollars];
    let counts = word.first().is_some_and(|b| !b.is_ascii_digit()) && !SKIPPED.contains(&word);
    counts.then(|| {
        word.iter().fold(0xcbf2_9ce4_8422_2325, |value: u64, byte| {
            (value ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
        })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn traces(text: &str) -> Vec<u64> {
        let mut traces = Vec::new();
        code_traces(text.as_bytes(), |trace| traces.push(trace));
        traces
    }

    /// The program that makes the table has the same.
    #[test]
    fn traces_are_those_of_the_table() {
        assert_eq!(traces("a(b, 'c d')"), [0xf575_61b2_4810]);
        assert_eq!(file_trace(b"a\n"), 0x8742_8fc5_2280);
    }

    #[test]
    fn what_bundlers_change_does_not_count() {
        let code = traces("exports.find = function (list) { return list['first'] + 10; }");
        for same in [
            "exports2.find=function(list){return list[\"first\"]+0xa}",
            "// a 'comment\nexports$1.find = /* of \" two */ function(list2) {\n  return list2.first + 1e1;\n};",
            "'use strict'; const exports; exports.find = function(list) { return list[`first`]; }",
        ] {
            let same = traces(same);
            assert!(same.ends_with(&code), "{same:?}");
        }
        assert!(!traces("exports.find = function (list) { return list.last }").ends_with(&code));
    }

    #[test]
    fn a_file_is_the_same_whatever_ends_its_lines() {
        assert_eq!(file_trace(b"a\r\nb\r\n"), file_trace(b"a\nb\n"));
        assert_eq!(file_trace(b"\xEF\xBB\xBFa"), file_trace(b"a"));
        assert_ne!(file_trace(b"a\rb"), file_trace(b"a\nb"));
    }

    proptest! {
        #[test]
        fn no_bytes_do_harm(pieces in proptest::collection::vec(proptest::sample::select(vec![
            "/*", "*/", "//", "'", "\"", "`", "\\", "\n", "a", "b1", "$", " ", "9", "\u{e9}",
        ]), 0..40)) {
            let text = pieces.concat();
            code_traces(text.as_bytes(), |_| ());
            file_trace(text.as_bytes());
        }
    }
}
