//! One pass over a text: from places where a secret may be to secrets.

use std::collections::HashSet;

use memchr::memmem;
use zeroize::Zeroizing;

use super::assignment;
use super::checks::{self, Verdict};
use super::decode::{self, Decoded, Order};
use super::generic::{self, Notation};
use super::placeholder::is_placeholder;
use super::prefilter::{self, Landmark, Look, is_run_byte};
use super::rules::Rule;
use super::{Scanner, entropy};
use crate::finding::Certainty;

/// How much is looked at at a time. It stays in the processor's cache between the searches.
const BLOCK: usize = 64 * 1024;
/// Around a run, where the keyword of its rule may stand: `hooks.slack.com/services/` before, `@host` behind.
const BEFORE: usize = 96;
const BEHIND: usize = 32;
/// The expressions of a kind of rule may read so many times the bytes of a text, so that no input makes them
/// slow: those of values with names, those that begin anywhere, and those that begin with a keyword. What
/// uses up one of these leaves the others. One rule may use half.
const FUEL: usize = 4;
/// Secrets of one rule in one file. More are the same fault once more.
const FOUND: u32 = 1000;
/// Encoded text in encoded text.
const DEPTH: u8 = 2;
/// A region with escapes is read without them in pieces of this size, each of which begins this long before the end
/// of the one before.
const UNESCAPED: usize = 8 * 1024;
const UNESCAPED_AGAIN: usize = 1024;

/// A secret in a file, by offsets.
pub struct Found {
    pub rule: u16,
    pub start: u64,
    pub end: u64,
    /// Its bounds in decoded text that has one place in the file.
    pub inner: (usize, usize),
    /// The secret itself says what it is: the keyword is part of it, and is more than three letters.
    pub telling: bool,
    /// The length of the match that it is part of.
    pub whole: usize,
    pub certainty: Certainty,
    pub decoded: Option<&'static str>,
    pub value: Zeroizing<Vec<u8>>,
}

/// Where the bytes of a text are in the file.
pub enum Origin<'o> {
    /// At this offset, one for one.
    At(u64),
    /// All of them are what these bounds hold.
    Within(u64, u64),
    /// At this offset, with escapes as wide as [`decode::Unescaped`] tells.
    Unescaped(&'o Origin<'o>, usize, &'o [(usize, usize)]),
}

impl Origin<'_> {
    /// Whether all that the text holds has the same place in the file.
    fn is_one_place(&self) -> bool {
        match self {
            Origin::At(_) => false,
            Origin::Within(..) => true,
            Origin::Unescaped(outer, ..) => outer.is_one_place(),
        }
    }

    fn of(&self, start: usize, end: usize) -> (u64, u64) {
        match self {
            Origin::At(base) => (base + start as u64, base + end as u64),
            Origin::Within(from, to) => (*from, *to),
            Origin::Unescaped(outer, base, widths) => {
                let original = |place: usize| {
                    let escapes = &widths[..widths.partition_point(|(at, _)| *at < place)];
                    base + place + escapes.last().map_or(0, |(_, more)| *more)
                };
                outer.of(original(start), original(end))
            }
        }
    }
}

pub struct Text<'t> {
    pub bytes: &'t [u8],
    pub origin: Origin<'t>,
    pub decoded: Option<&'static str>,
    pub depth: u8,
    /// What stands at the first and at the last byte may go on beyond.
    pub cut: (bool, bool),
    pub notation: Notation,
    /// Has a zero byte.
    pub binary: bool,
    /// Texts follow one another without a byte between them.
    pub packed: bool,
}

/// What has been found in a file, and what looking may cost yet.
pub struct Progress {
    pub found: Vec<Found>,
    /// Rules, and where they found something: in the file, and in decoded text that has one place there.
    places: HashSet<(u16, u64, u64, (usize, usize))>,
    /// By rule, of this file.
    counts: Vec<(u16, u32)>,
    /// What is left of [`FUEL`] in this block, and what each rule has used of it.
    fuel: [usize; 3],
    used: Vec<(u16, usize)>,
    decoded_left: usize,
    /// Something was left out.
    pub incomplete: bool,
}

impl Progress {
    pub fn new(decoded_left: usize) -> Self {
        Progress {
            found: Vec::new(),
            places: HashSet::new(),
            counts: Vec::new(),
            fuel: [0; 3],
            used: Vec::new(),
            decoded_left,
            incomplete: false,
        }
    }

    fn refuel(&mut self, bytes: usize) {
        self.fuel = [FUEL * bytes.max(BLOCK); 3];
        self.used.clear();
    }

    /// Whether the rule may read what `bytes` counts, which is not even counted if nothing is left.
    fn spend(&mut self, index: u16, rule: &Rule, bytes: impl Fn() -> usize) -> bool {
        let kind = match (rule.assigned, rule.begins_with_keyword) {
            (true, _) => 0,
            (false, false) => 1,
            (false, true) => 2,
        };
        let fuel = &mut self.fuel[kind];
        let known = self.used.iter().position(|(r, _)| *r == index);
        let known = known.unwrap_or_else(|| {
            self.used.push((index, 0));
            self.used.len() - 1
        });
        let used = &mut self.used[known].1;
        let full = self
            .counts
            .iter()
            .any(|(r, count)| *r == index && *count == FOUND);
        if full || *fuel == 0 || *used > FUEL / 2 * BLOCK {
            self.incomplete = true;
            return false;
        }
        let bytes = bytes();
        *used += bytes;
        *fuel = fuel.saturating_sub(bytes);
        true
    }

    /// Whether one more of the rule may be kept.
    fn count(&mut self, rule: u16) -> bool {
        match self.counts.iter_mut().find(|(r, _)| *r == rule) {
            Some((_, FOUND)) => {
                self.incomplete = true;
                return false;
            }
            Some((_, count)) => *count += 1,
            None => self.counts.push((rule, 1)),
        }
        true
    }
}

pub fn scan(scanner: &Scanner, text: &Text<'_>, progress: &mut Progress) {
    let mut pass = Pass {
        scanner,
        text,
        progress,
        regions: Vec::new(),
        random: Vec::new(),
        searched: 0,
        wide: 0,
    };
    let mut at = 0;
    while at < text.bytes.len() {
        let to = (at + BLOCK).min(text.bytes.len());
        pass.progress.refuel(to - at);
        pass.block(at, to);
        at = to;
    }
}

struct Pass<'p> {
    scanner: &'p Scanner,
    text: &'p Text<'p>,
    progress: &'p mut Progress,
    /// Of the block: where keywords are looked for.
    regions: Vec<(usize, usize)>,
    /// Of the block: values with a run that looks random. In these a keyword may begin anywhere.
    random: Vec<(usize, usize)>,
    /// Keywords have been looked for up to here.
    searched: usize,
    /// UTF-16 has been looked for up to here.
    wide: usize,
}

impl Pass<'_> {
    fn block(&mut self, from: usize, to: usize) {
        let bytes = self.text.bytes;
        self.regions.clear();
        self.random.clear();
        prefilter::runs(bytes, from, to, |start, end| {
            let run = &bytes[start..end];
            if self.text.binary && prefilter::is_mangled_name(run) {
                return;
            }
            match prefilter::look(run) {
                Look::Random => self.run(start, end),
                look => {
                    // A token that looks like a name has its keyword in front, or a name of its own.
                    self.search(start, start + 1);
                    if look == Look::Numbered {
                        self.values(start);
                    }
                }
            }
        });
        prefilter::landmarks(bytes, from, to, |landmark, start, end| {
            self.landmark(landmark, start, end);
        });
        if self.text.binary && to > self.wide {
            let mut wide = self.wide;
            decode::utf16(bytes, from.max(wide), to, |start, end, order| {
                self.utf16(start, end, order);
                wide = end;
            });
            self.wide = wide;
        }
        self.search_regions();
    }

    fn region(&mut self, start: usize, end: usize) {
        let start = start.saturating_sub(BEFORE);
        let end = (end + BEHIND).min(self.text.bytes.len());
        match self.regions.last_mut() {
            Some(last) if last.0 <= start && start <= last.1 => last.1 = last.1.max(end),
            _ => self.regions.push((start, end)),
        }
    }

    fn run(&mut self, start: usize, end: usize) {
        self.region(start, end);
        let value = value_start(self.text.bytes, start);
        let known = self.random.last().map_or(0, |&(_, end)| end);
        self.random.push((value.max(known), end));
        self.encoded(start, end);
        self.values(start);
    }

    /// Tries the value that the run is part of.
    fn values(&mut self, run: usize) {
        let bytes = self.text.bytes;
        let value = value_start(bytes, run);
        if value > 0 && could_be_assigned(bytes, value) {
            self.assigned(value);
        }
        if let Some(value) = compound_start(bytes, value) {
            self.assigned(value);
        }
    }

    fn landmark(&mut self, landmark: Landmark, start: usize, end: usize) {
        let bytes = self.text.bytes;
        match landmark {
            Landmark::Pem => {
                let dash_before = bytes[start.saturating_sub(2)..start].contains(&b'-');
                if dash_before {
                    self.region(start, end + BEFORE);
                }
            }
            Landmark::Url => {
                let in_region = |&(from, to): &(usize, usize)| from <= start && end < to;
                if self.regions.last().is_some_and(in_region) {
                    return;
                }
                if let Some(end) = authority_with_password(bytes, end) {
                    self.region(start, end);
                }
            }
            Landmark::Word => self.region(start, end + BEFORE),
            Landmark::Name => {
                if self.text.binary {
                    return;
                }
                let Some(value) = assignment::value_after(bytes, end) else {
                    return;
                };
                self.region(start, value);
                // A run there is looked at as a run.
                let run = bytes[value..]
                    .iter()
                    .take_while(|b| is_run_byte(**b))
                    .count();
                if run < prefilter::RUN
                    || prefilter::look(&bytes[value..value + run]) == Look::Words
                {
                    self.assigned(value);
                }
            }
        }
    }

    /// Tries the rules of values with names on the value that begins here.
    fn assigned(&mut self, value: usize) {
        let bytes = self.text.bytes;
        let Some(assignment) = assignment::before(bytes, value) else {
            return;
        };
        let name = &assignment.name;
        let mut tried: Vec<u16> = Vec::new();
        let scanner = self.scanner;
        scanner.names.find(
            name,
            0,
            name.len(),
            |_| true,
            |_, (index, keyword)| {
                let rule: &Rule = &scanner.rules[usize::from(index)];
                let keyword = rule.keywords[usize::from(keyword)].as_bytes();
                let wanted =
                    !rule.is_generic() || (!self.text.binary && generic::is_named(name, keyword));
                if !wanted || tried.contains(&index) {
                    return;
                }
                tried.push(index);
                let slice = &bytes[value..bytes.len().min(value + rule.longest + 1)];
                if !self.progress.spend(index, rule, || reach(slice)) {
                    return;
                }
                let Some(regex) = rule.regex().filter(|regex| regex.is_match(slice)) else {
                    return;
                };
                let Some(captures) = regex.captures(slice) else {
                    return;
                };
                let Some(whole) = captures.name("whole") else {
                    return;
                };
                let bounds = (value, value + whole.end());
                if rule.is_generic()
                    && !generic::is_secret(&assignment, bytes, bounds, self.text.notation)
                {
                    return;
                }
                self.consider(index, bounds, bounds);
            },
        );
    }

    fn search_regions(&mut self) {
        for (start, end) in std::mem::take(&mut self.random) {
            self.search(start, end);
            self.random.push((start, end));
        }
        self.regions.sort_unstable();
        let regions = std::mem::take(&mut self.regions);
        for &(start, end) in &regions {
            let from = start.max(self.searched);
            if from >= end {
                continue;
            }
            self.searched = end;
            self.search_edges(from, end);
            self.unescaped(from, end);
        }
        self.regions = regions;
    }

    /// Tries the rules whose keywords begin in these bounds.
    fn search(&mut self, from: usize, to: usize) {
        let text = self.text;
        let begins = |at| may_begin_token(text, at);
        let scanner = self.scanner;
        scanner
            .tokens
            .find(text.bytes, from, to, begins, |at, (index, keyword)| {
                self.token(index, keyword, at);
            });
    }

    /// Tries the rules whose keywords begin in these bounds where a word may, outside of random runs.
    fn search_edges(&mut self, from: usize, to: usize) {
        let text = self.text;
        if text.packed {
            return self.search(from, to);
        }
        let scanner = self.scanner;
        let random = std::mem::take(&mut self.random);
        let mut next = random.partition_point(|&(_, end)| end <= from);
        prefilter::edges(text.bytes, from, to, text.binary, |at| {
            while random.get(next).is_some_and(|&(_, end)| end <= at) {
                next += 1;
            }
            if random.get(next).is_none_or(|&(start, _)| at < start) {
                let begins = |at| may_begin_token(text, at);
                scanner
                    .tokens
                    .find(text.bytes, at, at + 1, begins, |at, (index, keyword)| {
                        self.token(index, keyword, at);
                    });
            }
        });
        self.random = random;
    }

    /// Tries a rule where its keyword stands.
    fn token(&mut self, index: u16, keyword: u16, at: usize) {
        let scanner = self.scanner;
        let rule: &Rule = &scanner.rules[usize::from(index)];
        let bytes = self.text.bytes;
        let length = rule.keywords[usize::from(keyword)].len();
        let start = if rule.begins_with_keyword {
            if !begins_token(self.text, at, 0) {
                return;
            }
            at
        } else {
            at.saturating_sub(rule.longest)
        };
        // Where texts follow one another, one of a fixed length ends there.
        let behind = usize::from(!(self.text.packed && rule.begins_with_keyword));
        let end = match rule.begins_with_keyword {
            true => at + rule.longest + behind,
            false => at + length + rule.longest + behind,
        };
        let end = bytes.len().min(end);
        let slice = &bytes[start..end];
        // What a match begins with is found much faster than the expression, and than that is made.
        if !rule.prefixes.is_empty() {
            let begins = |prefix: &[u8]| memmem::find(slice, prefix).is_some();
            let cost = || slice.len() / 16;
            if !self.progress.spend(index, rule, cost)
                || !rule.prefixes.iter().any(|prefix| begins(prefix))
            {
                return;
            }
        }
        let cost = || {
            if rule.begins_with_keyword {
                reach(slice)
            } else {
                slice.len()
            }
        };
        if !self.progress.spend(index, rule, cost) {
            return;
        }
        let Some(regex) = rule.regex() else {
            return;
        };
        if !regex.is_match(slice) {
            return;
        }
        let mut from = 0;
        while let Some(captures) = regex.captures_at(slice, from) {
            let Some(whole) = captures.name("whole") else {
                return;
            };
            let secret = captures.name("secret").unwrap_or(whole);
            let whole = (start + whole.start(), start + whole.end());
            let secret = (start + secret.start(), start + secret.end());
            if begins_token(self.text, whole.0, whole.1 - whole.0) {
                self.consider(index, whole, secret);
            }
            if rule.begins_with_keyword {
                return;
            }
            from = (whole.1 - start).max(from + 1);
            if from > slice.len() || !self.progress.spend(index, rule, || slice.len() - from) {
                return;
            }
        }
    }

    /// Keeps a match if all else holds.
    fn consider(&mut self, index: u16, whole: (usize, usize), secret: (usize, usize)) {
        let bytes = self.text.bytes;
        let cut_before = self.text.cut.0 && whole.0 == 0;
        let cut_behind = self.text.cut.1 && whole.1 == bytes.len();
        let runs_on = bytes.get(whole.1).is_some_and(|b| is_token_byte(*b)) && !self.text.packed;
        if cut_before || cut_behind || runs_on {
            return;
        }
        let rule: &Rule = &self.scanner.rules[usize::from(index)];
        let value = &bytes[secret.0..secret.1];
        if rule.is_generic() && self.text.binary {
            return;
        }
        if is_placeholder(value) || (rule.entropy > 0.0 && entropy::shannon(value) < rule.entropy) {
            return;
        }
        let rest = &bytes[whole.0..bytes.len().min(whole.0 + super::OVERLAP)];
        let verdict = checks::of_rule(rule, &bytes[whole.0..whole.1], value, rest);
        let certainty = match verdict {
            Verdict::No => return,
            Verdict::Possible => Certainty::Possible,
            Verdict::Yes => Certainty::Certain,
        };
        let (start, end) = self.text.origin.of(secret.0, secret.1);
        let inner = if self.text.origin.is_one_place() {
            secret
        } else {
            (0, 0)
        };
        // Places that are looked at may overlap.
        let is_new = self.progress.places.insert((index, start, end, inner));
        if !is_new || !self.progress.count(index) {
            return;
        }
        let tells =
            |keyword: &str| keyword.len() > 3 && memmem::find(value, keyword.as_bytes()).is_some();
        self.progress.found.push(Found {
            rule: index,
            start,
            end,
            inner,
            telling: !rule.assigned && rule.keywords.iter().any(|keyword| tells(keyword)),
            whole: whole.1 - whole.0,
            certainty,
            decoded: self.text.decoded,
            value: Zeroizing::new(value.to_vec()),
        });
    }

    /// Looks into the run if it is text in base64 or hexadecimal.
    fn encoded(&mut self, start: usize, end: usize) {
        if self.text.depth >= DEPTH {
            return;
        }
        let bytes = self.text.bytes;
        // What `\n` and `0x` have of letters belongs to no run.
        let escaped = start > 0 && bytes[start - 1] == b'\\';
        let start = match &bytes[start..end] {
            [b'0', b'x', ..] => start + 2,
            _ => start + usize::from(escaped),
        };
        let run = &bytes[start..end];
        if let Some(decoded) = decode::hex(run) {
            self.nested(start, end, &decoded, "hexadecimal");
        } else if let Some(decoded) = decode::base64(run) {
            self.nested(start, end, &decoded, "base64");
        }
    }

    fn utf16(&mut self, start: usize, end: usize, order: Order) {
        if self.text.depth >= DEPTH {
            return;
        }
        let how = match order {
            Order::Little => "UTF-16LE",
            Order::Big => "UTF-16BE",
        };
        let decoded = decode::narrowed(&self.text.bytes[start..end]);
        if !self.afford(decoded.len()) {
            return;
        }
        // Two bytes a character: the place is told as a whole.
        let widths: Vec<(usize, usize)> = (0..decoded.len()).map(|i| (i, i + 1)).collect();
        self.inner(
            &decoded,
            Origin::Unescaped(&self.text.origin, start, &widths),
            how,
        );
    }

    fn nested(&mut self, start: usize, end: usize, decoded: &Decoded, how: &'static str) {
        if !self.afford(decoded.len()) {
            return;
        }
        let (from, to) = self.text.origin.of(start, end);
        // What the encoded text is called says what a value in it is.
        match assignment::before(self.text.bytes, start) {
            Some(assignment) if !decoded.contains(&b'\n') => {
                let named = [&assignment.name[..], b"=", decoded].concat();
                self.inner(&Zeroizing::new(named), Origin::Within(from, to), how);
            }
            _ => self.inner(decoded, Origin::Within(from, to), how),
        }
    }

    fn unescaped(&mut self, start: usize, end: usize) {
        if self.text.depth >= DEPTH {
            return;
        }
        let mut from = start;
        loop {
            let to = end.min(from + UNESCAPED);
            self.unescaped_piece(from, to);
            if to == end {
                return;
            }
            from = to - UNESCAPED_AGAIN;
        }
    }

    fn unescaped_piece(&mut self, start: usize, end: usize) {
        let region = &self.text.bytes[start..end];
        for (how, unescaped) in [
            ("URL encoding", decode::percent(region)),
            ("escapes", decode::escapes(region)),
        ] {
            if let Some((decoded, widths)) = unescaped
                && self.afford(decoded.len())
            {
                self.inner(
                    &decoded,
                    Origin::Unescaped(&self.text.origin, start, &widths),
                    how,
                );
            }
        }
    }

    fn afford(&mut self, bytes: usize) -> bool {
        let enough = self.progress.decoded_left >= bytes;
        if enough {
            self.progress.decoded_left -= bytes;
        } else {
            self.progress.incomplete = true;
        }
        enough
    }

    fn inner(&mut self, bytes: &[u8], origin: Origin<'_>, how: &'static str) {
        let text = Text {
            bytes,
            origin,
            decoded: Some(how),
            depth: self.text.depth + 1,
            cut: (false, false),
            notation: Notation::Settings,
            binary: memchr::memchr(0, bytes).is_some(),
            packed: false,
        };
        let outer = (self.progress.fuel, std::mem::take(&mut self.progress.used));
        scan(self.scanner, &text, self.progress);
        (self.progress.fuel, self.progress.used) = outer;
    }
}

/// Whether [`begins_token`] can be true for a length: the quick half of it.
fn may_begin_token(text: &Text<'_>, at: usize) -> bool {
    at.checked_sub(1)
        .is_none_or(|before| !text.bytes[before].is_ascii_alphanumeric())
        || begins_token(text, at, 0)
}

/// Before a token of this length stands no letter or digit, unless it is part of an escape or says the length.
fn begins_token(text: &Text<'_>, at: usize, length: usize) -> bool {
    let before = &text.bytes[at.saturating_sub(6)..at];
    let hex = |digits: &[u8]| digits.iter().all(u8::is_ascii_hexdigit);
    match before {
        [] => true,
        [.., last] if !last.is_ascii_alphanumeric() => true,
        [.., b'\\', b'n' | b't' | b'r' | b'b' | b'f' | b'v' | b'0'] => true,
        [.., b'%', a, b] if hex(&[*a, *b]) => true,
        [b'\\', b'u', rest @ ..] if hex(rest) => true,
        [.., b'\\', b'x', a, b] if hex(&[*a, *b]) => true,
        // Constants of Python have a type and a length of one byte before them:
        // <https://github.com/python/cpython/blob/main/Python/marshal.c>.
        [.., b'z' | b'Z' | 0xfa | 0xda, last] if text.binary => usize::from(*last) >= length,
        _ => text.packed,
    }
}

/// How far an expression that must match at the beginning reads: few go on behind a space or a quote.
fn reach(slice: &[u8]) -> usize {
    let end = slice
        .iter()
        .position(|b| *b <= b' ' || *b == b'"' || *b == b'\'');
    end.unwrap_or(slice.len()) + 1
}

/// What a token does not end before.
fn is_token_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_' || b == b'-'
}

/// Where the value begins that a run is part of: some tokens have `.` and `~` in them.
fn value_start(bytes: &[u8], run: usize) -> usize {
    let before = bytes[run.saturating_sub(BEFORE)..run].iter().rev();
    let more = before.take_while(|b| is_run_byte(**b) || b".~".contains(b));
    run - more.count()
}

/// Where a value with a `:` or the like in it begins: `"id:key"`, `NAME=id|key`.
fn compound_start(bytes: &[u8], value: usize) -> Option<usize> {
    if !matches!(bytes.get(value.checked_sub(1)?), Some(b':' | b'|' | b'=')) {
        return None;
    }
    let before = &bytes[value.saturating_sub(BEFORE)..value];
    let outside = |b: &u8| !b.is_ascii_graphic() || b"\"'`(){}<>,".contains(b);
    let opened = before.iter().rposition(outside).map_or(0, |at| at + 1);
    let start = value - before.len() + opened;
    if opened > 0 && b"\"'`".contains(&before[opened - 1]) {
        return Some(start);
    }
    // Without quotes the first `=` is no part of it.
    let name = before[opened..].iter().position(|b| *b == b'=');
    let start = start + name.map_or(0, |at| at + 1);
    (0 < start && start < value).then_some(start)
}

/// What stands directly before a value with a name. Most runs in binaries and in code end here.
fn could_be_assigned(bytes: &[u8], value: usize) -> bool {
    matches!(
        bytes[value - 1],
        b'"' | b'\'' | b'`' | b'=' | b':' | b' ' | b'\t' | b'>' | b'(' | b','
    )
}

/// The end of the authority that begins at `at`, if it has a user, a password and a host.
fn authority_with_password(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = &bytes[at..bytes.len().min(at + 300)];
    let end = rest
        .iter()
        .position(|b| *b <= b' ' || b"\"'<>`\\".contains(b))
        .unwrap_or(rest.len());
    let host = memchr::memrchr(b'@', &rest[..end])?;
    memchr::memchr(b':', &rest[..host])?;
    Some(at + end)
}

/// Where `fnaudit:allow` stands.
pub fn allow_marks(bytes: &[u8]) -> Vec<usize> {
    memmem::find_iter(bytes, b"fnaudit:allow").collect()
}
