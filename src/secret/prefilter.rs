//! Where in a file a secret may be. All else here looks at these places alone, so this decides the speed.
//!
//! - *Runs*: 16 letters, digits and signs of base64 or more, with digits in two places or an odd mixture of cases. A
//!   token has one, and few names do. They are found by bits: 64 bytes become 64 bits, and shifts and ANDs
//!   tell where 16 in a row are set. `benches/secrets.rs` compares this with other ways.
//! - *Landmarks*: the few literals that begin a secret without such a run, which a packed search finds.

use std::ops::Range;
use std::slice;
use std::sync::OnceLock;

use aho_corasick::packed::{self, Config, Searcher};
use aho_corasick::{AhoCorasick, Input, MatchKind};

use super::bits;

/// The least length of a run.
pub const RUN: usize = 16;

/// Letters, digits, and the signs of base64 and base64url.
pub fn is_run_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'+' | b'/')
}

/// Calls `found` with the bounds of every run that begins in `from..to`; it may end behind `to`. Calls `escaped` with
/// places where escapes may follow one another, as in `\x67\x68`, which has no run: see `evenly`.
pub fn runs(
    bytes: &[u8],
    from: usize,
    to: usize,
    mut found: impl FnMut(usize, usize),
    mut escaped: impl FnMut(usize),
) {
    let to = to.min(bytes.len());
    let mut masks = Masks::new(bytes);
    // The run that reaches up to `at`; one that goes on from before `from` is none of these.
    let mut open = from;
    let mut goes_on = from > 0 && is_run_byte(bytes[from - 1]);
    let mut at = from;
    // A run that begins before `to` is followed to its end.
    while at < to || (open < to && open < at && !goes_on) {
        let mask = masks.at(at);
        let next = at + 64;
        if mask == u64::MAX {
            at = next;
            continue;
        }
        let head = mask.trailing_ones() as usize;
        if at + head >= open + RUN && !goes_on {
            found(open, at + head);
        }
        goes_on = false;
        if at >= to {
            return;
        }
        let even = evenly(mask);
        if even != 0 {
            escaped(at + even.trailing_zeros() as usize);
        }
        open = next - mask.leading_ones() as usize;
        // Bits that 15 more follow; the run at either end of these bytes is not looked at here.
        let mut full = mask & mask >> 1;
        full &= full >> 2;
        full &= full >> 4;
        full &= full >> 8;
        let mut starts = full & !(mask << 1);
        while starts != 0 {
            let start = starts.trailing_zeros() as usize;
            starts &= starts - 1;
            let end = start + (mask >> start).trailing_ones() as usize;
            if start >= head && at + start < open.min(to) {
                found(at + start, at + end);
            }
        }
        at = next;
    }
}

/// Those bits that are not set, with set ones behind them, of which there are others 12, 24 and 36 further. So stand the
/// marks of escapes that are 3, 4 or 6 characters long each: `%67`, `\x67`, `\u0067`, `&#x67;`.
fn evenly(mask: u64) -> u64 {
    let marks = !mask & mask >> 1;
    let pairs = marks & marks >> 12;
    pairs & pairs >> 24
}

/// For each 64 bytes the bits of those that a run may hold, made some thousand bytes at a time.
struct Masks<'b> {
    bytes: &'b [u8],
    ready: [u64; 64],
    /// Where the first of them begins, once there is one.
    first: Option<usize>,
}

impl<'b> Masks<'b> {
    fn new(bytes: &'b [u8]) -> Self {
        Masks {
            bytes,
            ready: [0; 64],
            first: None,
        }
    }

    /// The mask at a place that is a multiple of 64 behind the one before. Beyond the end no bit is set.
    fn at(&mut self, at: usize) -> u64 {
        if let Some(first) = self.first
            && let Some(mask) = self.ready.get((at - first) / 64)
        {
            return *mask;
        }
        self.first = Some(at);
        let rest = self.bytes.get(at..).unwrap_or_default();
        let (blocks, end) = rest.as_chunks::<64>();
        let whole = blocks.len().min(self.ready.len());
        bits::of_runs(&blocks[..whole], &mut self.ready);
        if let Some(last) = self.ready.get_mut(whole) {
            bits::of_runs(&[bits::padded(end)], slice::from_mut(last));
        }
        if let Some(beyond) = self.ready.get_mut(whole + 1..) {
            beyond.fill(0);
        }
        self.ready[0]
    }
}

/// Calls `found` with every place in `from..to` where a word may begin: see `bits.rs`.
pub fn edges(bytes: &[u8], from: usize, to: usize, binary: bool, mut found: impl FnMut(usize)) {
    // What stands before a block decides about its first bytes.
    const BEFORE: usize = 8;
    let to = to.min(bytes.len());
    let mut at = from;
    while at < to {
        let start = at.saturating_sub(BEFORE);
        let rest = &bytes[start..];
        let mut places = match rest.first_chunk::<64>() {
            Some(block) => bits::of_edges(block, binary),
            None => bits::of_edges(&bits::padded(rest), binary),
        };
        let next = (start + 64).min(to);
        places &= u64::MAX << (at - start);
        while places != 0 {
            let place = start + places.trailing_zeros() as usize;
            if place >= next {
                break;
            }
            found(place);
            places &= places - 1;
        }
        at = next;
    }
}

/// What a run may be, by its look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Look {
    /// Words, as in names and paths. Few tokens look so.
    Words,
    /// Words with a number, as in names and one in fifty tokens.
    Numbered,
    /// It has digits in two places, or its letters are of cases as no name that people give has.
    Random,
}

/// `text` begins with a run of this length.
pub fn look(text: &[u8], length: usize) -> Look {
    // A longer one is decided by its beginning.
    let length = length.min(200);
    let run = &text[..length];
    let letters = Letters::of(text, length);
    if letters.digit_groups > 1 || letters.are_odd() {
        return Look::Random;
    }
    // A token may be the last part of a URL.
    if letters.signs > 0 && run.len() > RUN {
        let parts = run.split(|&b| b == b'/');
        let mut long = parts.filter(|part| (RUN..length).contains(&part.len()));
        if long.any(|part| Letters::of(part, part.len()).are_odd()) {
            return Look::Random;
        }
    }
    if letters.digits > 0 {
        Look::Numbered
    } else {
        Look::Words
    }
}

/// How many of what.
#[derive(Debug, Default, PartialEq, Eq)]
struct Letters {
    upper: u32,
    lower: u32,
    digits: u32,
    signs: u32,
    digit_groups: u32,
    /// Between upper case and others.
    changes: u32,
}

impl Letters {
    /// Of the first bytes of a text.
    fn of(text: &[u8], length: usize) -> Self {
        let mut letters = Letters::default();
        let mut before = (0, 0);
        for at in (0..length).step_by(64) {
            let piece = (length - at).min(64);
            match text[at..].first_chunk() {
                Some(block) => letters.add(block, piece, &mut before),
                None => letters.add(&bits::padded(&text[at..]), piece, &mut before),
            }
        }
        letters
    }

    /// The first `length` bytes of the block; `before` is whether the one before them is upper case or a digit.
    fn add(&mut self, block: &[u8; 64], length: usize, before: &mut (u64, u64)) {
        let bits::Letters {
            upper,
            lower,
            digits,
        } = bits::letters(block);
        let all = u64::MAX >> (64 - length);
        let (upper, lower, digits) = (upper & all, lower & all, digits & all);
        let shifted = |bits: u64, before: u64| bits << 1 | before;
        self.upper += upper.count_ones();
        self.lower += lower.count_ones();
        self.digits += digits.count_ones();
        self.signs += (all & !(upper | lower | digits)).count_ones();
        self.digit_groups += (digits & !shifted(digits, before.1)).count_ones();
        self.changes += (all & (upper ^ shifted(upper, before.0))).count_ones();
        *before = (upper >> 63, digits >> 63);
    }

    /// Of random letters half are upper case, and every other differs in case from the one before. Of names
    /// neither is so, but of constants, which have `_` in them.
    fn are_odd(&self) -> bool {
        let length = self.upper + self.lower + self.digits + self.signs;
        if length < RUN as u32 {
            return false;
        }
        match (self.upper, self.lower) {
            (_, 0) => self.signs == 0,
            (0, _) => self.signs * 24 < length && (self.digits > 0 || length >= 24),
            _ if self.digits > 0 => self.upper * 3 >= length || self.changes * 3 >= length,
            _ => self.upper * 3 >= length || self.changes * 5 >= length * 2,
        }
    }
}

/// Whether it is the name of a function of C++ or Rust in a binary, which are as long as tokens and as odd:
/// <https://itanium-cxx-abi.github.io/cxx-abi/abi.html#mangling>.
pub fn is_mangled_name(run: &[u8]) -> bool {
    run.starts_with(b"_Z")
}

/// What a landmark begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Landmark {
    /// `://`, with user and password before an `@` perhaps.
    Url,
    /// `-----BEGIN`.
    Pem,
    /// A word that names a password.
    Name,
    /// A call that takes a user and a password.
    Login,
    /// A library whose calls take what tokens are signed with.
    Signing,
    /// A word of a command or a setting with a password behind it.
    Word,
}

/// The search looks for their first three bytes together, so those should be rare. It puts them into eight buckets in this
/// order, around and around, those that differ in case alone into one; what it finds by mistake is least in this order.
const LANDMARKS: [(&str, Landmark); 20] = [
    ("://", Landmark::Url),
    ("BEGIN ", Landmark::Pem),
    ("pass", Landmark::Name),
    ("pwd", Landmark::Name),
    // `secret` and `Secret`.
    ("ecret", Landmark::Name),
    // `curl -u user:password`, `curl --user user:password`.
    ("curl ", Landmark::Word),
    // `"auths"`, of Docker.
    ("ths\"", Landmark::Word),
    // `jsonwebtoken_1.default.sign`.
    ("ebtoken", Landmark::Signing),
    // `bindCredentials`, of LDAP.
    ("ndCred", Landmark::Name),
    ("BUNDLE_", Landmark::Word),
    ("Pass", Landmark::Name),
    ("mysql", Landmark::Word),
    ("PASS", Landmark::Name),
    ("Pwd", Landmark::Name),
    // `HTTPBasicAuth("user", "password")`, `.auth("user", "password")`, `login("user", "password")`.
    ("uth(", Landmark::Login),
    ("ogin(", Landmark::Login),
    // `auth=("user", "password")`.
    ("uth=(", Landmark::Login),
    ("PWD", Landmark::Name),
    ("ECRET", Landmark::Name),
    ("jwt.", Landmark::Signing),
];

/// Calls `found` with the kind and the bounds of every landmark that begins in `from..to`.
pub fn landmarks(
    bytes: &[u8],
    from: usize,
    to: usize,
    mut found: impl FnMut(Landmark, usize, usize),
) {
    const LONGEST: usize = 7;
    let bytes = &bytes[..bytes.len().min(to + LONGEST)];
    let mut at = from;
    while let Some((which, hit)) = finder().find(bytes, at) {
        if hit.start >= to {
            return;
        }
        found(LANDMARKS[which].1, hit.start, hit.end);
        at = hit.end;
    }
}

enum Finder {
    Packed(Searcher),
    /// For processors without the vector instructions that the packed search knows.
    Any(Option<AhoCorasick>),
}

impl Finder {
    fn packed() -> Option<Self> {
        let literals = LANDMARKS.iter().map(|(literal, _)| literal);
        let mut builder = Config::new()
            .match_kind(packed::MatchKind::LeftmostFirst)
            .builder();
        builder.extend(literals).build().map(Finder::Packed)
    }

    fn any() -> Self {
        let literals = LANDMARKS.iter().map(|(literal, _)| literal);
        let mut builder = AhoCorasick::builder();
        builder.match_kind(MatchKind::LeftmostFirst);
        Finder::Any(builder.build(literals).ok())
    }

    /// The first landmark that begins at `at` or later.
    fn find(&self, bytes: &[u8], at: usize) -> Option<(usize, Range<usize>)> {
        let hit = match self {
            Finder::Packed(searcher) => searcher.find_in(bytes, (at..bytes.len()).into()),
            Finder::Any(automaton) => automaton.as_ref()?.find(Input::new(bytes).range(at..)),
        }?;
        Some((hit.pattern().as_usize(), hit.range()))
    }
}

fn finder() -> &'static Finder {
    static FINDER: OnceLock<Finder> = OnceLock::new();
    FINDER.get_or_init(|| Finder::packed().unwrap_or_else(Finder::any))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all_runs(bytes: &[u8], step: usize) -> Vec<(usize, usize)> {
        let mut all = Vec::new();
        let mut from = 0;
        while from < bytes.len() {
            let found = |start, end| all.push((start, end));
            runs(bytes, from, from + step, found, |_| {});
            from += step;
        }
        all
    }

    fn one_by_one(bytes: &[u8]) -> Vec<(usize, usize)> {
        let mut all = Vec::new();
        let mut start = 0;
        for at in 0..=bytes.len() {
            if !bytes.get(at).is_some_and(|b| is_run_byte(*b)) {
                if at >= start + RUN {
                    all.push((start, at));
                }
                start = at + 1;
            }
        }
        all
    }

    proptest! {
        #[test]
        fn runs_are_those_that_a_look_at_every_byte_finds(
            lengths in prop::collection::vec(0usize..90, 0..20),
            step in prop::sample::select(vec![64usize, 128, 4096]),
        ) {
            let bytes: Vec<u8> = lengths.iter().flat_map(|&n| [vec![b'a'; n], vec![b'.']].concat()).collect();
            prop_assert_eq!(all_runs(&bytes, step), one_by_one(&bytes));
            let open = &bytes[..bytes.len().saturating_sub(1)];
            prop_assert_eq!(all_runs(open, step), one_by_one(open));
        }
    }

    #[test]
    fn escapes_one_after_the_other_are_noticed() {
        let places = |text: &str| {
            let mut all = Vec::new();
            runs(text.as_bytes(), 0, text.len(), |_, _| {}, |at| all.push(at));
            all
        };
        for escape in ["%67", "\\x67", "\\147", "\\u0067", "&#x67;"] {
            for margin in 0..64 {
                let text = format!("{}{}", " ".repeat(margin), escape.repeat(40));
                let marks = places(&text);
                assert!(!marks.is_empty(), "{text}");
                for at in marks {
                    assert!(b"%\\#".contains(&text.as_bytes()[at]), "{text}");
                }
            }
        }
        let words = "some words of a text with (signs) and a_name = value;\n".repeat(20);
        assert_eq!(places(&words), [0; 0]);
    }

    fn letters_one_by_one(run: &[u8]) -> Letters {
        let mut letters = Letters::default();
        let mut last = b' ';
        for &b in run {
            match b {
                b'A'..=b'Z' => letters.upper += 1,
                b'a'..=b'z' => letters.lower += 1,
                b'0'..=b'9' => letters.digits += 1,
                _ => letters.signs += 1,
            }
            letters.changes += u32::from(b.is_ascii_uppercase() != last.is_ascii_uppercase());
            letters.digit_groups += u32::from(b.is_ascii_digit() && !last.is_ascii_digit());
            last = b;
        }
        letters
    }

    proptest! {
        #[test]
        fn letters_are_counted_as_a_look_at_every_byte_counts_them(run in "[A-Za-z0-9_+/-]{0,200}") {
            prop_assert_eq!(Letters::of(run.as_bytes(), run.len()), letters_one_by_one(run.as_bytes()));
        }
    }

    #[test]
    fn tokens_look_random_and_names_do_not() {
        let random = [
            "Zm4RjSZKrWySEPrSsSwZAjf",
            "ab-1ab-2ab-cdefg",
            "LTAIVKYRHSfumhez",
            "with/key/VtnXJBnmUCXxtonpdOpuq",
            "sk-qwzkvnbtyrplmxcsdfghjkqw",
            "a1aaaaaaaaaaaaaa",
        ];
        for token in random {
            assert_eq!(look(token.as_bytes(), token.len()), Look::Random, "{token}");
        }
        for name in [
            "decode_base64_url_safe",
            "oauth2ClientCredentials",
            "node_modules/base64",
        ] {
            assert_eq!(look(name.as_bytes(), name.len()), Look::Numbered, "{name}");
        }
        for name in [
            "getElementsByClassName",
            "MAXIMUM_LENGTH_OF",
            "some-class-of-a-page",
            "internationalization",
        ] {
            assert_eq!(look(name.as_bytes(), name.len()), Look::Words, "{name}");
        }
    }

    #[test]
    fn landmarks_are_found_where_they_begin() {
        let text = b"a://b passw -----BEGIN SECRET";
        let mut all = Vec::new();
        landmarks(text, 0, text.len(), |landmark, start, _| {
            all.push((landmark, start))
        });
        let expected = [
            (Landmark::Url, 1),
            (Landmark::Name, 6),
            (Landmark::Pem, 17),
            (Landmark::Name, 24),
        ];
        assert_eq!(all, expected);
        let any = Finder::any();
        let mut at = 0;
        for (_, start) in expected {
            let (_, hit) = any.find(text, at).expect("a landmark");
            assert_eq!(hit.start, start);
            at = hit.end;
        }
        assert_eq!(any.find(text, at), None);
    }
}
