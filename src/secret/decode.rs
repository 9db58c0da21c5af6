//! Text that stands encoded in a file: base64, hexadecimal, URL encoding, escapes, UTF-16.

use std::io::Read;
use std::sync::LazyLock;

use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD, Encoding, HEXLOWER_PERMISSIVE};
use flate2::read::ZlibDecoder;
use zeroize::Zeroizing;

/// Shorter runs are no text worth a look.
pub const BASE64_LEAST: usize = 24;
pub const HEX_LEAST: usize = 48;
/// So many escapes one after the other are more than a word.
const ESCAPED_LEAST: usize = 12;
/// How much of the beginning must decode to text.
const PROBE: usize = 16;

pub type Decoded = Zeroizing<Vec<u8>>;

/// Text without its escapes, and for each escape where it is in there and how many bytes the original is longer by
/// up to its end.
pub type Unescaped = (Decoded, Vec<(usize, usize)>);

/// What the run is in base64 or base64url, if it begins as text.
pub fn base64(run: &[u8]) -> Option<Decoded> {
    if run.len() < BASE64_LEAST || !begins_as_text(run) {
        return None;
    }
    // A last group of one character is no whole byte: it belongs to something else.
    let rest = usize::from(run.len() % 4 == 1);
    any_base64(&run[..run.len() - rest])
}

/// Text in base64 or base64url that stands in lines of one length, as mail, PEM and block scalars of YAML have it, also
/// where the line ends are escapes. It begins at `start`; where it ends is given even if it is none after all.
pub fn wrapped_base64(bytes: &[u8], start: usize, most: usize) -> Option<(Option<Decoded>, usize)> {
    let line = |at: usize| {
        let rest = bytes.get(at..)?;
        let length = rest.iter().take_while(|b| sextet(**b).is_some()).count();
        Some(&rest[..length])
    };
    // Nearly every run ends here.
    if !begins_as_text(bytes.get(start..start + BASE64_LEAST)?) {
        return None;
    }
    let first = line(start)?;
    let length = first.len();
    if length < BASE64_LEAST || !length.is_multiple_of(4) {
        return None;
    }
    let mut end = start + length;
    // The lines are counted first, so that what is joined has its memory at once and leaves no copies.
    let mut lines = vec![first];
    while lines.len() * length < most / 3 * 4 {
        let Some(next) = line_end(&bytes[end..]).and_then(|ended| line(end + ended)) else {
            break;
        };
        if next.len() > length || next.is_empty() {
            break;
        }
        end += line_end(&bytes[end..])? + next.len();
        lines.push(next);
        if next.len() < length {
            break;
        }
    }
    if lines.len() < 2 {
        return None;
    }
    let joined = Zeroizing::new(lines.concat());
    let rest = usize::from(joined.len() % 4 == 1);
    Some((any_base64(&joined[..joined.len() - rest]), end))
}

/// The length of a line end and of the margin behind it.
fn line_end(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    let mut ended = false;
    loop {
        let rest = text.get(at..)?;
        let slashes = rest.iter().take(4).take_while(|b| **b == b'\\').count();
        match (rest.first()?, rest.get(slashes)) {
            (b'\\', Some(b'n')) if !ended => (at, ended) = (at + slashes + 1, true),
            (b'\\', Some(b'r')) if !ended => at += slashes + 1,
            (b'\n', _) if !ended => (at, ended) = (at + 1, true),
            (b'\r', _) if !ended => at += 1,
            (b' ' | b'\t', _) if ended && at < 64 => at += 1,
            _ => return ended.then_some(at),
        }
    }
}

/// Whether the first 16 characters are text in base64. Nearly every run ends here, so it makes no buffer.
fn begins_as_text(run: &[u8]) -> bool {
    let mut groups = run.chunks_exact(4).take(PROBE / 4);
    groups.all(|group| {
        let bits = group
            .iter()
            .try_fold(0, |bits, &b| Some(bits << 6 | sextet(b)?));
        bits.is_some_and(|bits| is_text(&bits.to_be_bytes()[1..]))
    })
}

fn sextet(b: u8) -> Option<u32> {
    Some(u32::from(match b {
        b'A'..=b'Z' => b - b'A',
        b'a'..=b'z' => b - b'a' + 26,
        b'0'..=b'9' => b - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    }))
}

/// Without padding, in either alphabet, and with anything in the bits behind the last byte.
pub fn any_base64(text: &[u8]) -> Option<Decoded> {
    static ALPHABETS: LazyLock<[Option<Encoding>; 2]> = LazyLock::new(|| {
        [BASE64_NOPAD, BASE64URL_NOPAD].map(|alphabet| {
            let mut lenient = alphabet.specification();
            lenient.check_trailing_bits = false;
            lenient.encoding().ok()
        })
    });
    ALPHABETS.iter().flatten().find_map(|a| decoded(a, text))
}

/// In a buffer that is overwritten also where it does not end well.
fn decoded(encoding: &Encoding, text: &[u8]) -> Option<Decoded> {
    let mut out = Zeroizing::new(vec![0; encoding.decode_len(text.len()).ok()?]);
    let length = encoding.decode_mut(text, &mut out).ok()?;
    out.truncate(length);
    Some(out)
}

/// What the run is in hexadecimal, if that is text.
pub fn hex(run: &[u8]) -> Option<Decoded> {
    if run.len() < HEX_LEAST || run.len() % 2 == 1 {
        return None;
    }
    // Text has no byte that begins with 8 to f.
    let is_first = |b: &u8| matches!(b, b'0'..=b'7');
    if !run[..PROBE].iter().step_by(2).all(is_first) {
        return None;
    }
    if !is_text(&HEXLOWER_PERMISSIVE.decode(&run[..PROBE]).ok()?) {
        return None;
    }
    decoded(&HEXLOWER_PERMISSIVE, run)
}

fn is_text(bytes: &[u8]) -> bool {
    let printable = |&b: &u8| matches!(b, b' '..=b'~' | b'\n' | b'\r' | b'\t');
    bytes.iter().all(printable)
}

/// The text without `%2D`, or none where it has no such.
pub fn percent(text: &[u8]) -> Option<Unescaped> {
    replaced(text, b'%', percent_escape)
}

/// An escape that a text begins with: what it means, and how long it is.
type Escape = Option<(u8, usize)>;

fn percent_escape(text: &[u8]) -> Escape {
    match text {
        [b'%', a, b, ..] => Some((ascii(&[*a, *b])?, 3)),
        _ => None,
    }
}

/// The text without `&amp;` and `&#x3D;`, as XML and HTML write them, or none where it has no such:
/// <https://www.w3.org/TR/xml/#syntax>.
pub fn entities(text: &[u8]) -> Option<Unescaped> {
    replaced(text, b'&', entity)
}

fn entity(text: &[u8]) -> Escape {
    const NAMED: [(&[u8], u8); 5] = [
        (b"&amp;", b'&'),
        (b"&lt;", b'<'),
        (b"&gt;", b'>'),
        (b"&quot;", b'"'),
        (b"&apos;", b'\''),
    ];
    let named = NAMED.iter().find(|(name, _)| text.starts_with(name));
    named.map(|(name, b)| (*b, name.len())).or_else(|| {
        let number = text.strip_prefix(b"&#")?;
        let end = number.iter().take(5).position(|b| *b == b';')?;
        let digits = str::from_utf8(&number[..end]).ok()?;
        let (digits, radix) = match digits.strip_prefix(['x', 'X']) {
            Some(hex) => (hex, 16),
            None => (digits, 10),
        };
        // With a sign it would be a number too.
        let is_number = !digits.starts_with('+');
        let code = u8::from_str_radix(digits, radix).ok().filter(|_| is_number);
        let printable = code.filter(|b| (b' '..=b'~').contains(b));
        printable.map(|b| (b, end + 3))
    })
}

/// The text as the string literal means it that it stands in, or none where it has no escape: JSON within JSON, a
/// key with `\n` for its line ends.
pub fn escapes(text: &[u8]) -> Option<Unescaped> {
    replaced(text, b'\\', string_escape)
}

fn string_escape(text: &[u8]) -> Escape {
    match text.strip_prefix(b"\\")? {
        [b'u', b'0', b'0', a, b, ..] => Some((ascii(&[*a, *b])?, 6)),
        [b'u', b'{', a, b, b'}', ..] => Some((ascii(&[*a, *b])?, 6)),
        [b'x', a, b, ..] => Some((ascii(&[*a, *b])?, 4)),
        [a @ b'0'..=b'1', b @ b'0'..=b'7', c @ b'0'..=b'7', ..] => {
            let code = (a - b'0') << 6 | (b - b'0') << 3 | (c - b'0');
            is_text(&[code]).then_some((code, 4))
        }
        [b'n', ..] => Some((b'\n', 2)),
        [b'r', ..] => Some((b'\r', 2)),
        [b't', ..] => Some((b'\t', 2)),
        [same @ (b'/' | b'"' | b'\'' | b'\\'), ..] => Some((*same, 2)),
        _ => None,
    }
}

/// The bounds of the text around `at` that is written in escapes alone, if it is long enough for a token. It is not
/// looked for before `least`.
pub fn escaped(bytes: &[u8], at: usize, least: usize) -> Option<(usize, usize)> {
    let (start, read): (usize, fn(&[u8]) -> Escape) = match bytes.get(at)? {
        b'%' => (at, percent_escape),
        b'\\' => (at, string_escape),
        b'#' => (at.checked_sub(1)?, entity),
        _ => return None,
    };
    let (_, length) = read(&bytes[start..])?;
    let is_like = |at: usize| read(&bytes[at..]).is_some_and(|(_, other)| other == length);
    let mut from = start;
    while from >= least + length && is_like(from - length) {
        from -= length;
    }
    let mut count = (start - from) / length;
    let mut to = start;
    while let Some((_, length)) = read(&bytes[to..]) {
        to += length;
        count += 1;
    }
    (count >= ESCAPED_LEAST).then_some((from, to))
}

/// A character of a text by its hexadecimal code.
fn ascii(digits: &[u8; 2]) -> Option<u8> {
    let mut decoded = [0];
    HEXLOWER_PERMISSIVE.decode_mut(digits, &mut decoded).ok()?;
    is_text(&decoded).then_some(decoded[0])
}

fn replaced(text: &[u8], mark: u8, read: impl Fn(&[u8]) -> Escape) -> Option<Unescaped> {
    // Most texts have the mark and no escape: those need no buffer.
    let mut at = memchr::memchr_iter(mark, text).find(|&at| read(&text[at..]).is_some())?;
    let mut out = Zeroizing::new(Vec::with_capacity(text.len()));
    out.extend_from_slice(&text[..at]);
    let mut widths = Vec::new();
    while at < text.len() {
        if let Some((b, length)) = read(&text[at..]) {
            at += length;
            widths.push((out.len(), at - out.len() - 1));
            out.push(b);
        } else {
            let next = memchr::memchr(mark, &text[at + 1..]);
            let next = next.map_or(text.len(), |next| at + 1 + next);
            out.extend_from_slice(&text[at..next]);
            at = next;
        }
    }
    Some((out, widths))
}

/// What zlib makes of it, up to `most` bytes, and whether that is all. Its buffers are overwritten as they grow.
pub fn inflated(packed: &[u8], most: usize) -> (Decoded, bool) {
    let mut from = ZlibDecoder::new(packed);
    let mut out = Zeroizing::new(vec![0; (packed.len() * 4).clamp(4096, most.max(4096))]);
    let mut filled = 0;
    let whole = loop {
        if filled == out.len() {
            if filled >= most {
                break false;
            }
            let mut larger = Zeroizing::new(vec![0; filled * 2]);
            larger[..filled].copy_from_slice(&out);
            out = larger;
        }
        match from.read(&mut out[filled..]) {
            Ok(0) => break true,
            Ok(read) => filled += read,
            Err(_) => break false,
        }
    };
    out.truncate(filled);
    (out, whole)
}

/// Which byte of a character comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Little,
    Big,
}

/// Calls `found` with the bounds of every run of 16 printable characters or more in UTF-16, and its order.
pub fn utf16(bytes: &[u8], from: usize, to: usize, mut found: impl FnMut(usize, usize, Order)) {
    // Every run of 32 bytes has eight bytes at a place that is looked at.
    const STEP: usize = 24;
    let mut at = from;
    while let Some(eight) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        if at >= to {
            return;
        }
        let word = u64::from_le_bytes(*eight);
        let odd_zero = word & 0xff00_ff00_ff00_ff00 == 0;
        let even_zero = word & 0x00ff_00ff_00ff_00ff == 0;
        // Zeros alone are no text.
        if odd_zero == even_zero {
            at += STEP;
            continue;
        }
        // The place of a character: the zero is behind it in little endian and before it in big, which
        // cannot be told apart in the middle of a run, but at its ends.
        let inside = at + usize::from(even_zero);
        let is_pair = |i: usize| {
            bytes
                .get(i)
                .is_some_and(|b| matches!(b, b' '..=b'~' | b'\t' | b'\n' | b'\r'))
                && bytes.get(i + 1) == Some(&0)
        };
        let mut start = inside;
        while start >= from + 2 && is_pair(start - 2) {
            start -= 2;
        }
        let mut end = inside;
        while is_pair(end) {
            end += 2;
        }
        if end.saturating_sub(start) >= 32 {
            let order = match start.checked_sub(1).map(|i| bytes[i]) {
                Some(0) if bytes.get(end + 1) != Some(&0) => Order::Big,
                _ => Order::Little,
            };
            found(start, end, order);
        }
        at = end.max(at + STEP);
    }
}

/// Every other byte.
pub fn narrowed(wide: &[u8]) -> Decoded {
    Zeroizing::new(wide.iter().step_by(2).copied().collect())
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64;

    use super::*;

    const TEXT: &[u8] = b"A=some text that is longer than one line of base64, and a word more";

    /// In lines of `length`, with `end` between them.
    fn lines(length: usize, end: &str) -> String {
        let encoded = BASE64.encode(TEXT);
        let lines: Vec<&str> = (0..encoded.len().div_ceil(length))
            .map(|n| &encoded[n * length..encoded.len().min((n + 1) * length)])
            .collect();
        lines.join(end)
    }

    #[test]
    fn lines_of_one_length_are_one_text() {
        for length in [24, 64, 76] {
            for end in ["\n", "\r\n", "\n    ", "\\n", "\\r\\n", "\\\\n"] {
                let text = format!("{}\n", lines(length, end));
                let (decoded, ended) = wrapped_base64(text.as_bytes(), 0, 1000).expect("lines");
                assert_eq!(&decoded.expect("text")[..], TEXT, "{text}");
                assert_eq!(text[ended..].trim_matches('='), "\n");
            }
        }
    }

    #[test]
    fn other_lines_are_none() {
        let one = BASE64.encode(TEXT);
        let binary = BASE64.encode(&[200; 96]);
        let longer = format!("{}\n{one}", &one[..64]);
        for text in [&one, &binary, &longer, "", "\n"] {
            assert!(wrapped_base64(text.as_bytes(), 0, 1000).is_none(), "{text}");
        }
        let endless = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldY\n".repeat(1000);
        let (decoded, _) = wrapped_base64(endless.as_bytes(), 0, 1000).expect("lines");
        let length = decoded.expect("text").len();
        assert!(length <= 1024, "{length}");
    }

    #[test]
    fn a_text_in_escapes_has_bounds() {
        for escape in [
            "%67", "\\x67", "\\u0067", "\\u{67}", "\\147", "&#x67;", "&#103;",
        ] {
            let text = format!("a = '{}'", escape.repeat(20));
            let end = text.len() - 1;
            let mark = 5 + escape.len() * 7 + usize::from(escape.starts_with('&'));
            let of = |least| escaped(text.as_bytes(), mark, least);
            assert_eq!(of(0), Some((5, end)), "{text}");
            assert_eq!(of(6), Some((5 + escape.len(), end)), "{text}");
            let short = format!("'{}'", escape.repeat(11));
            let mark = 1 + usize::from(escape.starts_with('&'));
            assert_eq!(escaped(short.as_bytes(), mark, 0), None, "{short}");
        }
        assert_eq!(escaped(b"a = '\\x01\\x02'", 5, 0), None);
        assert_eq!(escaped(b"%", 0, 0), None);
        assert_eq!(escaped(b"#", 0, 0), None);
    }

    #[test]
    fn entities_are_the_characters_that_they_stand_for() {
        let (decoded, widths) =
            entities(b"a&amp;b&#x2F;c&#43;d &x; &#0; &#+65; &#x+4;").expect("entities");
        assert_eq!(&decoded[..], b"a&b/c+d &x; &#0; &#+65; &#x+4;");
        assert_eq!(widths, [(1, 4), (3, 9), (5, 13)]);
        assert!(entities(b"a & b").is_none());
    }
}
