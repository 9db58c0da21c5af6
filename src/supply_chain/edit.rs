//! The one edit that leads from a name to another, and whether it looks like a slip of the pen.

use std::ops::RangeInclusive;

/// What makes one name of another, at a byte of the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// The letter is left out.
    Missing { at: usize, letter: u8 },
    /// A letter is put in before it.
    Added { at: usize, letter: u8 },
    /// The letter is another.
    Replaced { at: usize, letter: u8, by: u8 },
    /// The letter and the next have changed places.
    Swapped { at: usize },
}

/// The rows of a keyboard, each a little to the right of the one above.
const KEYBOARD: [&[u8]; 4] = [b"1234567890", b"qwertyuiop", b"asdfghjkl", b"zxcvbnm"];

/// How many letters a word has for which only some edits are telling: too many words are one letter apart.
const SHORT_WORD: RangeInclusive<usize> = 5..=6;

/// How long a name is that has other words besides a short one.
const LONG_NAME: usize = 9;

/// The edit that makes `name` of `of`, if one does. Both are ASCII.
pub fn edit_between(of: &str, name: &str) -> Option<Edit> {
    let (of, name) = (of.as_bytes(), name.as_bytes());
    let at = of.iter().zip(name).take_while(|(a, b)| a == b).count();
    let (rest, other) = (of.get(at..)?, name.get(at..)?);
    match (rest, other) {
        ([a, b, rest @ ..], [c, d, other @ ..]) if a == d && b == c && a != b && rest == other => {
            Some(Edit::Swapped { at })
        }
        ([letter, rest @ ..], [by, other @ ..]) if rest == other => Some(Edit::Replaced {
            at,
            letter: *letter,
            by: *by,
        }),
        (rest, [letter, other @ ..]) if rest == other => Some(Edit::Added {
            at,
            letter: *letter,
        }),
        ([letter, rest @ ..], other) if rest == other => Some(Edit::Missing {
            at,
            letter: *letter,
        }),
        _ => None,
    }
}

impl Edit {
    /// Whether that is a slip of the pen, and not simply another word: the shorter the word, the fewer edits are.
    ///
    /// Digits tell versions apart (`sha2`, `psycopg3`), and letters in front make new words (`preact`, `gunicorn`).
    pub fn is_telling(self, of: &str) -> bool {
        let of = of.as_bytes();
        let (at, letters) = match self {
            Edit::Missing { at, letter } | Edit::Added { at, letter } => (at, [letter, b'a']),
            Edit::Replaced { at, letter, by } => (at, [letter, by]),
            Edit::Swapped { at } => (at, [byte(of, at), byte(of, at + 1)]),
        };
        if !letters.iter().all(u8::is_ascii_lowercase) {
            return false;
        }
        let is_doubled = self.is_doubled(of);
        let length = word_length(of, at);
        let is_first = at
            .checked_sub(1)
            .is_none_or(|before| !byte(of, before).is_ascii_alphanumeric());
        match self {
            Edit::Missing { .. } if is_first && length <= *SHORT_WORD.end() => return false,
            Edit::Added { .. } | Edit::Replaced { .. } if is_first && !is_doubled => return false,
            _ => {}
        }
        match length {
            ..=3 => false,
            4 => match self {
                Edit::Swapped { .. } => true,
                // Few other words stand with the rest of a long name.
                Edit::Missing { .. } => of.len() >= LONG_NAME,
                Edit::Added { .. } | Edit::Replaced { .. } => is_doubled || self.is_beside(of),
            },
            length if SHORT_WORD.contains(&length) => match self {
                Edit::Missing { .. } | Edit::Swapped { .. } => true,
                Edit::Added { letter, .. } => {
                    is_doubled || self.is_next_key(of) || (letter == b's' && at == of.len())
                }
                Edit::Replaced { letter, by, .. } => {
                    let alike = (is_vowel(letter) && is_vowel(by)) || look_alike(letter, by);
                    alike || self.is_next_key(of)
                }
            },
            _ => true,
        }
    }

    fn is_doubled(self, of: &[u8]) -> bool {
        let Edit::Added { at, letter } = self else {
            return false;
        };
        letter == byte(of, at) || (at > 0 && letter == byte(of, at - 1))
    }

    /// Of a name that is one word, whether the finger hit the key to the left or right. Of any, whether nobody sees it.
    fn is_beside(self, of: &[u8]) -> bool {
        let Edit::Replaced { letter, by, .. } = self else {
            return false;
        };
        let in_one_row = |row: &&[u8]| {
            let mut pairs = row.windows(2);
            pairs.any(|pair| pair == [letter, by] || pair == [by, letter])
        };
        let is_one_word = word_length(of, 0) == of.len();
        look_alike(letter, by) || (is_one_word && KEYBOARD.iter().any(in_one_row))
    }

    /// Whether a finger may have hit the key beside the one it was meant for, or both.
    fn is_next_key(self, of: &[u8]) -> bool {
        match self {
            Edit::Replaced { letter, by, .. } => are_next_keys(letter, by),
            Edit::Added { at, letter } => {
                let before = at.checked_sub(1).map(|before| byte(of, before));
                let meant = before.into_iter().chain([byte(of, at)]);
                meant.into_iter().any(|key| are_next_keys(key, letter))
            }
            Edit::Missing { .. } | Edit::Swapped { .. } => false,
        }
    }
}

/// How many letters the word of a name has that holds the byte, or that ends before it.
fn word_length(name: &[u8], at: usize) -> usize {
    let is_letter = |byte: &&u8| byte.is_ascii_alphanumeric();
    let (before, after) = name.split_at(at.min(name.len()));
    before.iter().rev().take_while(is_letter).count() + after.iter().take_while(is_letter).count()
}

fn byte(name: &[u8], at: usize) -> u8 {
    name.get(at).copied().unwrap_or_default()
}

fn look_alike(a: u8, b: u8) -> bool {
    matches!((a, b), (b'i', b'l') | (b'l', b'i'))
}

fn is_vowel(letter: u8) -> bool {
    matches!(letter, b'a' | b'e' | b'i' | b'o' | b'u' | b'y')
}

/// A key has two neighbours in its row, two above and two below.
fn are_next_keys(a: u8, b: u8) -> bool {
    let place = |key: u8| {
        let mut rows = KEYBOARD.iter().zip(0_usize..);
        rows.find_map(|(row, number)| Some((number, row.iter().position(|&k| k == key)?)))
    };
    let (Some((row_a, column_a)), Some((row_b, column_b))) = (place(a), place(b)) else {
        return false;
    };
    let (upper, lower) = if row_a <= row_b {
        (column_a, column_b)
    } else {
        (column_b, column_a)
    };
    match row_a.abs_diff(row_b) {
        0 => column_a.abs_diff(column_b) == 1,
        1 => upper == lower || upper == lower + 1,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_edit_is_told_from_none_and_from_two() {
        let edit = |name| edit_between("lodash", name);
        assert_eq!(edit("loadsh"), Some(Edit::Swapped { at: 2 }));
        assert_eq!(edit("lodahs"), Some(Edit::Swapped { at: 4 }));
        let missing = Edit::Missing {
            at: 2,
            letter: b'd',
        };
        assert_eq!(edit("loash"), Some(missing));
        let added = Edit::Added {
            at: 6,
            letter: b's',
        };
        assert_eq!(edit("lodashs"), Some(added));
        let replaced = Edit::Replaced {
            at: 0,
            letter: b'l',
            by: b'k',
        };
        assert_eq!(edit("kodash"), Some(replaced));
        for other in ["lodash", "", "l", "lodahss", "oldahs", "underscore"] {
            assert_eq!(edit(other), None, "{other}");
        }
    }

    #[test]
    fn the_shorter_a_word_the_fewer_edits_are_telling() {
        let is_telling = |of, name| edit_between(of, name).unwrap().is_telling(of);
        for (of, name) in [
            ("requests", "reqests"),
            ("requests", "requestz"),
            ("requests", "requewsts"),
            ("react", "raect"),
            ("react", "reactt"),
            ("react", "rract"),
            ("numpy", "nunpy"),
            ("django", "diango"),
            ("color", "colors"),
            ("glob", "gglob"),
            ("glob", "golb"),
            ("uuid", "uyid"),
            ("react-router", "react-roter"),
            ("serde-json", "serde-jsn"),
        ] {
            assert!(is_telling(of, name), "{name} of {of}");
        }
        for (of, name) in [
            ("react", "preact"),
            ("unicorn", "gunicorn"),
            ("sha2", "sha3"),
            ("psycopg", "psycopg3"),
            ("numpy", "numpyx"),
            ("flask", "flapk"),
            ("glob", "glop"),
            ("jest-runner", "test-runner"),
            ("ms", "mms"),
            ("acorn", "corn"),
            ("es-module-lexer", "rs-module-lexer"),
            ("@esbuild", "@rsbuild"),
            ("pytest-mock", "pytest-lock"),
        ] {
            assert!(!is_telling(of, name), "{name} of {of}");
        }
    }

    #[test]
    fn keys_have_six_neighbours_at_most() {
        let near = |key: u8| -> String {
            let keys = KEYBOARD.iter().copied().flatten().copied();
            keys.filter(|&other| are_next_keys(key, other))
                .map(char::from)
                .collect()
        };
        assert_eq!(near(b'g'), "tyfhvb");
        assert_eq!(near(b'q'), "12wa");
    }
}
