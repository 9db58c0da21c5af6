//! Source that people read otherwise than machines do: characters that turn the order of what is shown
//! (CVE-2021-42574, <https://trojansource.codes>), and characters that show as nothing.
//!
//! Text in any language is no finding, nor are emoji, tables of character ranges that hold the characters themselves,
//! and a character that stands in quotes by itself. Code points:
//! <https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters>,
//! <https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt> (`Default_Ignorable_Code_Point`).

use memchr::{memchr2, memchr2_iter, memchr3, memrchr2};

use crate::finding::Location;
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};

use super::{Sighting, rules};

const SOURCES: [&str; 27] = [
    ".bash", ".c", ".cc", ".cjs", ".cpp", ".cs", ".cts", ".go", ".h", ".java", ".js", ".jsx",
    ".kt", ".lua", ".mjs", ".mts", ".php", ".pl", ".ps1", ".py", ".pyw", ".rb", ".rs", ".sh",
    ".swift", ".ts", ".tsx",
];

/// A run of selectors or tags from this length on is no emoji and no flag: the longest flag has six tags and an end.
const HIDDEN_RUN: usize = 8;
/// A run of characters without width from this length on is no text of any language.
const BLANK_RUN: usize = 16;

/// Characters on either side that are looked at, and how many blocks of 256 code points make them a table.
const NEAR: usize = 8;
const PACKED_KINDS: usize = 4;

/// How deep text may be embedded: <https://www.unicode.org/reports/tr9/#BD2>.
const MAX_DEPTH: usize = 125;

pub struct SourceText;

impl Inspector for SourceText {
    fn wants(&self, header: &Header) -> bool {
        let name = header.path.file_name();
        let suffix = name.rfind('.').map(|at| name[at..].to_ascii_lowercase());
        suffix.is_some_and(|suffix| SOURCES.binary_search(&&*suffix).is_ok())
    }

    fn max_size(&self) -> u64 {
        u64::MAX
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        if entry.bytes.is_ascii() {
            return Ok(());
        }
        let is_script = [".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".jsx", ".tsx"]
            .iter()
            .any(|suffix| entry.path.inner().to_ascii_lowercase().ends_with(suffix));
        let mut found: [Option<Found>; 2] = [None, None];
        let mut candidates = Candidates::new(entry.bytes);
        let mut at = 0;
        while let Some(next) = candidates.next_from(at) {
            // A carriage return by itself ends a line too, of source and of what is shown.
            let start = memrchr2(b'\n', b'\r', &entry.bytes[..next]).map_or(0, |end| end + 1);
            let rest = memchr2(b'\n', b'\r', &entry.bytes[next..]);
            let end = rest.map_or(entry.bytes.len(), |length| next + length);
            let line = String::from_utf8_lossy(&entry.bytes[start..end]);
            let chars: Vec<char> = line.chars().collect();
            if let Some(column) = unbalanced(&chars) {
                note(
                    &mut found[0],
                    start,
                    column,
                    "text after it is shown in another place",
                );
            }
            if let Some((column, what)) = invisible(&chars, is_script) {
                note(&mut found[1], start, column, what);
            }
            at = end;
        }
        for (found, rule) in found
            .into_iter()
            .zip([&rules::BIDIRECTIONAL, &rules::INVISIBLE])
        {
            let Some(found) = found else { continue };
            let line = lines(&entry.bytes[..found.line_start]) + 1;
            let location = Location {
                column: u32::try_from(found.column + 1).ok(),
                ..Location::at_line(entry.path, u32::try_from(line).unwrap_or(u32::MAX))
            };
            let lines = match found.lines {
                1 => String::new(),
                n => format!(", in {n} lines"),
            };
            let detail = format!("{}{lines}", found.what);
            seen.supply
                .sightings
                .push(Sighting::of(rule, location, detail));
        }
        Ok(())
    }
}

/// How many lines end in the text, with `\n`, `\r\n` or `\r`.
fn lines(text: &[u8]) -> usize {
    let ends = memchr2_iter(b'\n', b'\r', text);
    ends.filter(|&at| !(text[at] == b'\r' && text.get(at + 1) == Some(&b'\n')))
        .count()
}

/// The first of its kind in a file, and in how many lines there are such.
struct Found {
    line_start: usize,
    column: usize,
    what: &'static str,
    lines: usize,
}

fn note(found: &mut Option<Found>, line_start: usize, column: usize, what: &'static str) {
    match found {
        Some(found) => found.lines += 1,
        None => {
            *found = Some(Found {
                line_start,
                column,
                what,
                lines: 1,
            });
        }
    }
}

/// Where characters stand that may be among those looked for, by the kinds of first bytes that they have in UTF-8. It
/// keeps where the next of each kind is, so that no part of a file is searched twice.
struct Candidates<'a> {
    bytes: &'a [u8],
    next: [usize; 2],
}

impl<'a> Candidates<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let next = [0, 1].map(|kind| find_first_byte(bytes, kind, 0));
        Candidates { bytes, next }
    }

    /// The first at a place or behind it, which must not be before that of the last call.
    fn next_from(&mut self, at: usize) -> Option<usize> {
        for kind in 0..self.next.len() {
            if self.next[kind] < at {
                self.next[kind] = find_first_byte(self.bytes, kind, at);
            }
        }
        loop {
            let nearest = usize::from(self.next[1] < self.next[0]);
            let candidate = self.next[nearest];
            if candidate >= self.bytes.len() {
                return None;
            }
            if is_candidate(&self.bytes[candidate..]) {
                return Some(candidate);
            }
            self.next[nearest] = find_first_byte(self.bytes, nearest, candidate + 1);
        }
    }
}

/// The next byte of that kind; the end of the file where there is none.
fn find_first_byte(bytes: &[u8], kind: usize, from: usize) -> usize {
    let rest = &bytes[from..];
    let found = match kind {
        0 => memchr3(0xE2, 0xEF, 0xF3, rest),
        _ => memchr2(0xE1, 0xE3, rest),
    };
    found.map_or(bytes.len(), |at| from + at)
}

fn is_candidate(bytes: &[u8]) -> bool {
    matches!(
        bytes,
        // U+200B to U+200D, U+202A to U+202E; U+2060 to U+2069
        [0xE2, 0x80, 0x8B..=0x8D | 0xAA..=0xAE, ..]
            | [0xE2, 0x81, 0xA0..=0xA9, ..]
            // U+FE00 to U+FE0F; U+FEFF; U+FFA0
            | [0xEF, 0xB8, 0x80..=0x8F, ..]
            | [0xEF, 0xBB, 0xBF, ..]
            | [0xEF, 0xBE, 0xA0, ..]
            // U+E0000 to U+E01FF
            | [0xF3, 0xA0, 0x80..=0x87, ..]
            // U+115F, U+1160, U+180E; U+3164
            | [0xE1, 0x85, 0x9F | 0xA0, ..]
            | [0xE1, 0xA0, 0x8E, ..]
            | [0xE3, 0x85, 0xA4, ..]
    )
}

/// The place of a character that turns what follows it, to the end of the line, where that is no text of its own.
/// What turns text to the left as it is turned already, as Windows puts before paths that are copied, changes nothing.
fn unbalanced(chars: &[char]) -> Option<usize> {
    if !chars.iter().any(|&c| turns_text(c)) {
        return None;
    }
    let mut open: Vec<(usize, bool)> = Vec::new();
    for (at, &c) in chars.iter().enumerate() {
        if !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') || is_in_table(chars, at)
        {
            continue;
        }
        match c {
            // Deeper ones have no effect.
            _ if open.len() > MAX_DEPTH => {}
            '\u{202a}' | '\u{202b}' | '\u{202d}' | '\u{202e}' => open.push((at, false)),
            '\u{2066}'..='\u{2068}' => open.push((at, true)),
            // The end of an embedding ends none that was opened before an isolate.
            '\u{202c}' => {
                open.pop_if(|(_, is_isolate)| !*is_isolate);
            }
            // The end of an isolate ends what was opened in it too.
            _ => {
                if let Some(isolate) = open.iter().rposition(|(_, is_isolate)| *is_isolate) {
                    open.truncate(isolate);
                }
            }
        }
    }
    open.first().map(|(at, _)| *at)
}

/// Whether it is written from right to left, or makes what follows it be: blocks of the Unicode Standard whose default is
/// right to left, <https://www.unicode.org/Public/UCD/latest/ucd/extracted/DerivedBidiClass.txt>.
fn turns_text(c: char) -> bool {
    matches!(
        c,
        '\u{202b}' | '\u{202d}' | '\u{202e}' | '\u{2067}' | '\u{200f}'
            | '\u{590}'..='\u{8ff}'
            | '\u{fb1d}'..='\u{fdff}'
            | '\u{fe70}'..='\u{fefc}'
            | '\u{10800}'..='\u{10fff}'
            | '\u{1e800}'..='\u{1efff}'
    )
}

/// Whether the character is data: one end of a range, one of a run in the order of their code points, in quotes by
/// itself, or in a packed table.
fn is_in_table(chars: &[char], at: usize) -> bool {
    let get = |offset: isize| {
        at.checked_add_signed(offset)
            .and_then(|at| chars.get(at))
            .copied()
    };
    let is_foreign = |c: Option<char>| c.is_some_and(|c| !c.is_ascii());
    let (before, after) = (get(-1), get(1));
    let is_range =
        (before == Some('-') && is_foreign(get(-2))) || (after == Some('-') && is_foreign(get(2)));
    // An escape may stand for the other end.
    let is_half_escaped = (before == Some('-') && get(-2).is_some_and(|c| c.is_ascii_hexdigit()))
        || (after == Some('-') && get(2) == Some('\\'));
    let is_next = |a: Option<char>, b: Option<char>| match (a, b) {
        (Some(a), Some(b)) => u32::from(a) + 1 == u32::from(b),
        _ => false,
    };
    let is_run = is_next(before, get(0)) || is_next(get(0), after);
    let is_quoted = before == after && matches!(before, Some('"' | '\'' | '`' | '/'));
    is_range || is_half_escaped || is_run || is_quoted || is_packed(chars, at)
}

/// Whether it is among characters of so many kinds as no language has: minified code packs tables of numbers into text.
fn is_packed(chars: &[char], at: usize) -> bool {
    let near = &chars[at.saturating_sub(NEAR)..(at + NEAR).min(chars.len())];
    let mut kinds: Vec<u32> = near
        .iter()
        .filter(|c| !c.is_ascii())
        .map(|&c| u32::from(c) >> 8)
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds.len() >= PACKED_KINDS
}

/// The place of what shows as nothing and is there for a machine, and what it is.
fn invisible(chars: &[char], is_script: bool) -> Option<(usize, &'static str)> {
    let mut runs = Runs::default();
    let mut literal = Literal::default();
    for (at, &c) in chars.iter().enumerate() {
        if let Some(found) = runs.add(at, c) {
            return Some(found);
        }
        let is_alone = |c: Option<&char>, of: &str| c.is_none_or(|&c| of.contains(c));
        let before = at.checked_sub(1).and_then(|at| chars.get(at));
        let after = chars.get(at + 1);
        match c {
            // Letters to a compiler.
            '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}'
                if is_alone(before, " \t,{([;=.!&|:?")
                    && is_alone(after, " \t})],;:=.(\r")
                    && !literal.is_open() =>
            {
                return Some((at, "an invisible letter is a name"));
            }
            // JavaScript alone allows them within names.
            '\u{200c}' | '\u{200d}'
                if is_script
                    && before.is_some_and(|&c| is_name(c))
                    && after.is_some_and(|&c| is_name(c))
                    && !literal.is_open() =>
            {
                return Some((at, "a name has an invisible character in it"));
            }
            _ => literal.step(c),
        }
    }
    None
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$'
}

/// How many characters of one kind stand in a row.
#[derive(Default)]
struct Runs {
    kind: Option<Hidden>,
    start: usize,
    last: u32,
    /// Without those that follow their predecessor in the order of code points, as in a table.
    length: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Hidden {
    Selector,
    Tag,
    Blank,
}

impl Runs {
    fn add(&mut self, at: usize, c: char) -> Option<(usize, &'static str)> {
        let kind = match c {
            '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => Some(Hidden::Selector),
            '\u{e0000}'..='\u{e007f}' => Some(Hidden::Tag),
            '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{180e}' => {
                Some(Hidden::Blank)
            }
            _ => None,
        };
        if kind != self.kind {
            *self = Runs {
                kind,
                start: at,
                ..Runs::default()
            };
        }
        let kind = kind?;
        let is_next = self.last + 1 == u32::from(c);
        self.last = u32::from(c);
        self.length += usize::from(!is_next);
        let (most, what) = match kind {
            Hidden::Selector => (
                HIDDEN_RUN,
                "variation selectors in a row can hold hidden data",
            ),
            Hidden::Tag => (HIDDEN_RUN, "tag characters in a row can hold hidden text"),
            Hidden::Blank => (
                BLANK_RUN,
                "characters without width in a row can hold hidden data",
            ),
        };
        (self.length == most).then_some((self.start, what))
    }
}

/// Whether a string or a comment is open, as far as one line tells.
#[derive(Default)]
struct Literal {
    quote: Option<char>,
    is_comment: bool,
    is_escaped: bool,
    before: Option<char>,
}

impl Literal {
    fn is_open(&self) -> bool {
        self.is_comment || self.quote.is_some()
    }

    fn step(&mut self, c: char) {
        let is_first = self.before.is_none();
        let before = self.before;
        if !c.is_whitespace() || !is_first {
            self.before = Some(c);
        }
        if std::mem::take(&mut self.is_escaped) {
            return;
        }
        match (self.quote, c) {
            (_, '\\') => self.is_escaped = true,
            (Some(open), _) if open == c => self.quote = None,
            (None, '"' | '\'' | '`') => self.quote = Some(c),
            (None, '/' | '*') if before == Some('/') => self.is_comment = true,
            // A line of a longer comment, or a comment of another language.
            (None, '*' | '#') if is_first => self.is_comment = true,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, wants};

    #[test]
    fn suffixes_are_sorted_to_be_searched() {
        assert!(SOURCES.is_sorted());
    }

    #[test]
    fn candidates_in_every_line_are_found_once() {
        let lines = "\"\u{200b}\"\n".repeat(400_000);
        let mut candidates = Candidates::new(lines.as_bytes());
        let mut found = 0;
        let mut at = 0;
        while let Some(next) = candidates.next_from(at) {
            assert_eq!(next % 6, 1);
            found += 1;
            at = next + 1;
        }
        assert_eq!(found, 400_000);
    }

    #[test]
    fn marks_that_turn_nothing_are_no_finding() {
        for (line, expected) in [
            ("# run: \u{202a}C:\\Users\\me", None),
            ("x = '\u{2066}a\u{2068}b'", None),
            ("x = '\u{202a}\u{5d0}'", Some(5)),
            ("x = '\u{2066}\u{202e}a'", Some(5)),
        ] {
            let chars: Vec<char> = line.chars().collect();
            assert_eq!(unbalanced(&chars), expected, "{line:?}");
        }
    }

    fn seen(path: &str, text: &str) -> Vec<(Option<u32>, Option<u32>)> {
        let seen = inspect(&SourceText, path, text).unwrap();
        let locations = seen.supply.sightings.into_iter();
        locations
            .map(|s| (s.location.line, s.location.column))
            .collect()
    }

    #[test]
    fn a_carriage_return_ends_a_line() {
        let (open, close) = ("x = '\u{202e}a'", "y = 'b\u{202c}'");
        assert_eq!(
            seen("a.js", &format!("1\r{open}\r{close}")),
            [(Some(2), Some(6))]
        );
        assert_eq!(
            seen("a.js", &format!("1\r\n2\n{open}\r\n")),
            [(Some(3), Some(6))]
        );
        assert_eq!(
            seen("a.js", &format!("{open} {close}\r{open} {close}\r\n")),
            []
        );
    }

    #[test]
    fn suffixes_count_in_any_case() {
        for path in ["a.JS", "a.Py", "a.ts"] {
            assert!(wants(&SourceText, path, b""), "{path}");
        }
        assert!(!wants(&SourceText, "a.JSON", b""));
        assert_eq!(seen("a.JS", "const a\u{200d}b = 1").len(), 1);
        assert_eq!(seen("a.PY", "const a\u{200d}b = 1"), []);
    }

    #[test]
    fn literals_are_told_from_code() {
        for (before, expected) in [
            ("const a = ", false),
            ("const a = 'b", true),
            ("const a = 'b'; ", false),
            ("const a = 'it\\'s", true),
            ("const a = \"it's", true),
            ("run() // what", true),
            ("run() /* what", true),
            (" * what", true),
            ("# what", true),
            ("a / b", false),
            ("a * b", false),
        ] {
            let mut literal = Literal::default();
            before.chars().for_each(|c| literal.step(c));
            assert_eq!(literal.is_open(), expected, "{before}");
        }
    }
}
