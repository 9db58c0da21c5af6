//! Values as they may be shown: the first characters, and how many there are.

use crate::text::visible;

/// Never more than this many characters are shown, nor more than a quarter of them.
const SHOWN: usize = 4;

pub fn redact(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    let count = text.chars().count();
    let shown: String = text.chars().take(SHOWN.min(count / 4)).collect();
    format!("{}… ({count} characters)", visible(&shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_is_shown_at_most() {
        assert_eq!(redact(b"abcdefghijklmnopqrst"), "abcd… (20 characters)");
        assert_eq!(redact(b"abcdefgh"), "ab… (8 characters)");
        assert_eq!(redact(b"abc"), "… (3 characters)");
        assert_eq!(redact(b""), "… (0 characters)");
    }

    #[test]
    fn bytes_that_are_no_text_and_controls_are_written_out() {
        assert_eq!(
            redact(b"\x1b[1mabcdefghijklmnop"),
            "\\u{1b}[1m… (20 characters)"
        );
        assert_eq!(redact(b"\xff\xfe\xfd\xfcabcdefghijkl").chars().count(), 21);
    }
}
