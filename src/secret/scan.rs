//! One pass over a text: from places where a secret may be to secrets.

use memchr::memmem;
use zeroize::Zeroizing;

use super::Scanner;
use super::assignment::{self, Assignment, Name};
use super::attempt::may_begin_token;
use super::back::Operator;
use super::calls;
use super::decode::{self, Decoded, Order};
use super::generic::Notation;
use super::pairs;
use super::prefilter::{self, Landmark, Look, is_run_byte};
use super::progress::{BLOCK, Progress};
use super::text::{Origin, Text};

/// Around a run, where the keyword of its rule may stand: `hooks.slack.com/services/` before, `@host` behind.
const BEFORE: usize = 96;
const BEHIND: usize = 32;
/// Zapier's addresses have no run, and `"type": "random_password"`, of Terraform, is a name of no value.
const HOOK: &[u8] = b"hooks.zapier.";
const RESOURCE: &[u8] = b"\"random_";
/// Encoded text in encoded text.
const DEPTH: u8 = 2;
/// A region with escapes is read without them in pieces of this size, each of which begins this long before the end
/// of the one before.
const UNESCAPED: usize = 8 * 1024;
const UNESCAPED_AGAIN: usize = 1024;

pub fn scan(scanner: &Scanner, text: &Text<'_>, progress: &mut Progress) {
    let mut pass = Pass {
        scanner,
        text,
        progress,
        regions: Vec::new(),
        random: Vec::new(),
        searched: 0,
        wide: 0,
        wrapped: 0,
        escaped: 0,
    };
    let mut at = 0;
    while at < text.bytes.len() {
        let to = (at + BLOCK).min(text.bytes.len());
        pass.progress.refuel(to - at);
        pass.block(at, to);
        at = to;
    }
    if text.notation == Notation::PasswordLines {
        pass.progress.refuel(text.bytes.len());
        password_lines(&mut pass);
    }
}

pub struct Pass<'p> {
    pub(super) scanner: &'p Scanner,
    pub(super) text: &'p Text<'p>,
    pub(super) progress: &'p mut Progress,
    /// Of the block: where keywords are looked for.
    regions: Vec<(usize, usize)>,
    /// Of the block: values with a run that looks random. In these a keyword may begin anywhere.
    random: Vec<(usize, usize)>,
    /// Keywords have been looked for up to here.
    searched: usize,
    /// UTF-16 has been looked for up to here.
    wide: usize,
    /// Up to here lines of base64 have been read as one.
    wrapped: usize,
    /// Escapes one after the other have been found up to here.
    escaped: usize,
}

impl Pass<'_> {
    fn block(&mut self, from: usize, to: usize) {
        let bytes = self.text.bytes;
        self.regions.clear();
        self.random.clear();
        let mut escapes = Vec::new();
        let run = |start: usize, end: usize| {
            let run = &bytes[start..end];
            if self.text.binary && prefilter::is_mangled_name(run) {
                return;
            }
            match prefilter::look(&bytes[start..], end - start) {
                Look::Random => self.run(start, end),
                look => {
                    // A token that looks like a name has its keyword in front, or a name of its own.
                    self.search_at(start);
                    if look == Look::Numbered {
                        self.values(start);
                    }
                }
            }
        };
        prefilter::runs(bytes, from, to, run, |at| escapes.push(at));
        for at in escapes {
            self.escapes(at);
        }
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

    /// Has text looked at that is written in escapes alone, if there is any here.
    fn escapes(&mut self, at: usize) {
        if at < self.escaped {
            return;
        }
        if let Some((start, end)) = decode::escaped(self.text.bytes, at, self.escaped) {
            self.escaped = end;
            self.region(start, end);
        }
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
                } else if bytes[end..].starts_with(HOOK) {
                    self.region(start, end + BEFORE);
                }
            }
            Landmark::Word => self.region(start, end + BEFORE),
            Landmark::Login => self.argument(end, b"password"),
            Landmark::Signing => {
                if let Some(arguments) = calls::signs(bytes, end) {
                    self.argument(arguments, b"jwtsecret");
                }
            }
            Landmark::Name => {
                if self.text.binary {
                    return;
                }
                if bytes[..start].ends_with(RESOURCE) {
                    self.region(start, end + BEFORE);
                }
                if let Some(value) = pairs::paired_value(bytes, start) {
                    return self.assigned(value);
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
                if run < prefilter::RUN || prefilter::look(&bytes[value..], run) == Look::Words {
                    self.assigned(value);
                }
            }
        }
    }

    /// Tries the second of the arguments that begin here as the value of this name.
    fn argument(&mut self, arguments: usize, name: &[u8]) {
        if self.text.binary {
            return;
        }
        if let Some((value, quote)) = calls::second(self.text.bytes, arguments) {
            let assignment = Assignment {
                name: Name::of(name),
                operator: Operator::Call,
                quote: Some(quote),
                start: arguments,
            };
            self.named(&assignment, value, &mut Vec::new());
        }
    }

    fn search_regions(&mut self) {
        for (start, end) in std::mem::take(&mut self.random) {
            self.search(start, end);
            self.random.push((start, end));
        }
        self.regions.sort_unstable();
        self.regions.dedup_by(|next, last| {
            let overlaps = next.0 <= last.1;
            if overlaps {
                last.1 = last.1.max(next.1);
            }
            overlaps
        });
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

    /// Tries the rules whose keywords begin here.
    fn search_at(&mut self, at: usize) {
        let text = self.text;
        let begins = |at| may_begin_token(text, at);
        self.scanner
            .tokens
            .find_at(text.bytes, at, begins, |at, (index, keyword)| {
                self.token(index, keyword, at);
            });
    }

    /// Tries the rules whose keywords begin in these bounds where a word may, outside of random runs.
    fn search_edges(&mut self, from: usize, to: usize) {
        let text = self.text;
        if text.packed {
            return self.search(from, to);
        }
        let random = std::mem::take(&mut self.random);
        let mut next = random.partition_point(|&(_, end)| end <= from);
        prefilter::edges(text.bytes, from, to, text.binary, |at| {
            while random.get(next).is_some_and(|&(_, end)| end <= at) {
                next += 1;
            }
            if random.get(next).is_none_or(|&(start, _)| at < start) {
                self.search_at(at);
            }
        });
        self.random = random;
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
        if start < self.wrapped {
            return;
        }
        if let Some(decoded) = decode::hex(run) {
            self.nested(start, end, &decoded, "hexadecimal");
        } else if let Some((decoded, end)) =
            decode::wrapped_base64(bytes, start, self.progress.decoded_left)
        {
            self.wrapped = end;
            if let Some(decoded) = decoded {
                self.nested(start, end, &decoded, "base64");
            }
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
        self.inner(&decoded, Origin::Wide(&self.text.origin, start), how);
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
            ("entities", decode::entities(region)),
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

/// Tries the last field of each line, as a file of passwords of PostgreSQL has them:
/// <https://www.postgresql.org/docs/current/libpq-pgpass.html>.
fn password_lines(pass: &mut Pass<'_>) {
    let bytes = pass.text.bytes;
    let mut start = 0;
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        let assignment = Assignment {
            name: Name::of(b"pgpassword"),
            operator: Operator::Field,
            quote: None,
            start,
        };
        if let Some(field) = last_field(line).filter(|_| !line.starts_with(b"#")) {
            pass.named(&assignment, start + field, &mut Vec::new());
        }
        start += line.len();
    }
}

/// Where the fifth field begins. A backslash before a colon makes it part of a field, as it does another backslash.
fn last_field(line: &[u8]) -> Option<usize> {
    let mut escaped = false;
    let is_colon = |(_, b): &(usize, &u8)| {
        let plain = !escaped;
        escaped = plain && **b == b'\\';
        plain && **b == b':'
    };
    let (colon, _) = line.iter().enumerate().filter(is_colon).nth(3)?;
    Some(colon + 1)
}

/// Where `fnaudit:allow` stands.
pub fn allow_marks(bytes: &[u8]) -> impl Iterator<Item = usize> {
    memmem::find_iter(bytes, b"fnaudit:allow")
}
