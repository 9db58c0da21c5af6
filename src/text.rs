//! Text of artifacts and advisories, made safe to show.

use std::borrow::Cow;

/// Writes out the characters that a terminal would obey instead of show: controls, and those that
/// reorder the text around them or break its line.
pub fn visible(text: &str) -> Cow<'_, str> {
    // Nearly every text is plain, and this is asked of every id, path and version.
    let is_plain = text.bytes().all(|b| matches!(b, b' '..=b'~'));
    if is_plain || !text.contains(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_obeyed(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// Whether it ends with any of those.
pub fn has_suffix(text: &str, suffixes: &[&str]) -> bool {
    suffixes.iter().any(|suffix| text.ends_with(suffix))
}

fn is_obeyed(c: char) -> bool {
    let separates_lines = matches!(c, '\u{2028}' | '\u{2029}');
    // https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters
    let reorders = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || separates_lines || reorders
}

/// The text as one segment of a URL's path.
pub fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'-' | b'.' | b'_' | b'~' => encoded.push(byte.into()),
            _ if byte.is_ascii_alphanumeric() => encoded.push(byte.into()),
            _ => encoded += &format!("%{byte:02X}"),
        }
    }
    encoded
}

/// A number of bytes in the unit that fits: `1.0 kB` is 1000 bytes.
pub fn size(n: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if n < 1000 {
        return format!("{n} bytes");
    }
    let mut value = n as f64 / 1000.0;
    let mut unit = 0;
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

const UNITS: &[(&str, u64)] = &[
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("B", 1),
];

/// Reads a size: bytes, or a number with a unit.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let (digits, unit) = UNITS
        .iter()
        .find_map(|&(suffix, unit)| Some((text.strip_suffix(suffix)?, unit)))
        .unwrap_or((text, 1));
    digits
        .trim()
        .parse::<u64>()
        .ok()
        .and_then(|n| n.checked_mul(unit))
        .ok_or_else(|| {
            "is not a size; write bytes, or a number with a unit such as 512MiB or 2GB".into()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_written_out() {
        for (text, shown) in [
            ("", ""),
            (
                "left-pad 1.0.0+é \u{1f980} مرحبا",
                "left-pad 1.0.0+é \u{1f980} مرحبا",
            ),
            ("a\u{1b}[2Jb\r\n\t\0", "a\\u{1b}[2Jb\\r\\n\\t\\u{0}"),
            ("\u{9b}31m\u{7f}", "\\u{9b}31m\\u{7f}"),
            (
                "x\u{202e}txt.exe\u{2069}\u{200f}",
                "x\\u{202e}txt.exe\\u{2069}\\u{200f}",
            ),
            ("a\u{2028}b", "a\\u{2028}b"),
            ("C:\\n", "C:\\n"),
        ] {
            assert_eq!(visible(text), shown);
        }
    }

    #[test]
    fn sizes_read_well() {
        for (n, text) in [
            (0, "0 bytes"),
            (999, "999 bytes"),
            (1000, "1.0 kB"),
            (999_949, "999.9 kB"),
            (999_950, "1.0 MB"),
            (262_144_000, "262.1 MB"),
            (u64::MAX, "18446744.1 TB"),
        ] {
            assert_eq!(size(n), text);
        }
    }

    #[test]
    fn sizes_are_parsed() {
        assert_eq!(parse_size("12"), Ok(12));
        assert_eq!(parse_size("2 GiB"), Ok(2 << 30));
        assert_eq!(parse_size("3kB"), Ok(3000));
        for bad in ["", "MiB", "-1", "1.5GB", "99999999999TiB", "7 parsecs"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }
}
