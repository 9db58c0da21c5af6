//! Tries a rule where its keyword, or a value with a name of its, stands.

use std::cell::Cell;

use memchr::memmem;
use zeroize::Zeroizing;

use super::assignment::{self, Assignment};
use super::back::Operator;
use super::checks::{self, Verdict};
use super::entropy;
use super::generic::{self, Notation};
use super::parents;
use super::placeholder::is_placeholder;
use super::prefilter::{self, Look, is_run_byte};
use super::progress::Found;
use super::rules::Rule;
use super::scan::Pass;
use super::sequence::is_token_byte;
use super::spec::is_break;
use super::text::Text;
use crate::finding::Certainty;

/// A keyword of so many letters stands in other tokens by chance.
const TELLING: usize = 3;
/// A JWT says what it is, but not whose.
const ANYBODYS: &str = "jwt";

impl Pass<'_> {
    /// Tries the rules of values with names on the value that begins here.
    pub(super) fn assigned(&mut self, value: usize) {
        let Some(mut assignment) = assignment::before(self.text.bytes, value) else {
            return;
        };
        let mut tried: Vec<u16> = Vec::new();
        self.named(&assignment, value, &mut tried);
        let rules = &self.scanner.rules;
        let says_whose = |index: &u16| !rules[usize::from(*index)].is_generic();
        if tried.iter().any(says_whose) || !parents::may_have(&assignment.name) {
            return;
        }
        if self.progress.above == 0 {
            // Declarations of types and descriptions of services hold many such names and no secrets.
            self.progress.incomplete |= self.text.notation == Notation::Settings
                && is_random_run(&self.text.bytes[value..]);
            return;
        }
        let (above, looked_at) =
            parents::qualified(self.text.bytes, assignment.start, &assignment.name);
        self.progress.above = self.progress.above.saturating_sub(looked_at);
        if let Some(name) = above {
            assignment.name = name;
            self.named(&assignment, value, &mut tried);
        }
    }

    /// Tries the rules that know the name, but for those that were tried.
    pub(super) fn named(&mut self, assignment: &Assignment, value: usize, tried: &mut Vec<u16>) {
        let bytes = self.text.bytes;
        let name = &assignment.name;
        let scanner = self.scanner;
        let all = |_| true;
        scanner
            .names
            .find(name, 0, name.len(), all, |_, (index, keyword)| {
                let rule: &Rule = &scanner.rules[usize::from(index)];
                let keyword = rule.keywords[usize::from(keyword)].as_bytes();
                let wanted =
                    !rule.is_generic() || (!self.text.binary && generic::is_named(name, keyword));
                if !wanted || tried.contains(&index) {
                    return;
                }
                tried.push(index);
                let mut slice = &bytes[value..bytes.len().min(value + rule.longest + 1)];
                if rule.is_of_any_form() {
                    slice = generic::value(assignment, slice);
                }
                let Some(length) = self.value_length(index, assignment, slice) else {
                    return;
                };
                let bounds = (value, value + length);
                if rule.is_of_any_form()
                    && !generic::is_secret(assignment, bytes, bounds, self.text.notation)
                {
                    return;
                }
                self.consider(index, bounds, bounds, keyword.len());
            });
    }

    /// How much of this is the value that the rule knows by its name.
    fn value_length(&mut self, index: u16, assignment: &Assignment, slice: &[u8]) -> Option<usize> {
        let rule: &Rule = &self.scanner.rules[usize::from(index)];
        if assignment.operator == Operator::Field && rule.is_of_any_form() {
            // All of it, whatever it is made of.
            let lengths = rule.unbroken..=rule.longest;
            let affords = self.progress.spend(index, rule, || slice.len());
            return Some(slice.len()).filter(|length| affords && lengths.contains(length));
        }
        if !self.affords(index, rule, slice) {
            return None;
        }
        rule.matched(slice).map(|found| found.end)
    }

    /// Tries a rule where its keyword stands.
    pub(super) fn token(&mut self, index: u16, keyword: u16, at: usize) {
        let scanner = self.scanner;
        let rule: &Rule = &scanner.rules[usize::from(index)];
        if rule.begins_with_keyword {
            self.token_at(index, rule, at);
        } else {
            let length = rule.keywords[usize::from(keyword)].len();
            self.token_around(index, rule, at, length);
        }
    }

    /// Tries a rule whose tokens begin with the keyword that stands here.
    fn token_at(&mut self, index: u16, rule: &Rule, at: usize) {
        if !begins_token(self.text, at, 0) {
            return;
        }
        let bytes = self.text.bytes;
        // Where texts follow one another, one of a fixed length ends there.
        let behind = usize::from(!self.text.packed);
        let mut end = bytes.len().min(at + rule.longest + behind);
        if let Some(constant) = constant_end(self.text, at) {
            end = end.min(constant);
        }
        let slice = &bytes[at..end];
        if !self.affords(index, rule, slice) {
            return;
        }
        let Some(found) = rule.matched(slice) else {
            return;
        };
        if begins_token(self.text, at, found.end) {
            let secret = (at + found.secret.0, at + found.secret.1);
            self.consider(index, (at, at + found.end), secret, 0);
        }
    }

    /// Tries a rule whose tokens have in them the keyword of this length that stands here.
    fn token_around(&mut self, index: u16, rule: &Rule, at: usize, length: usize) {
        let bytes = self.text.bytes;
        let start = at.saturating_sub(rule.longest);
        let end = bytes.len().min(at + length + rule.longest + 1);
        let slice = &bytes[start..end];
        if !self.affords(index, rule, slice) {
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
                self.consider(index, whole, secret, 0);
            }
            from = (whole.1 - start).max(from + 1);
            if from > slice.len() || !self.progress.spend(index, rule, || slice.len() - from) {
                return;
            }
        }
    }

    /// Whether the expression of the rule may read this, and whether a match may be there at all. Texts are found much
    /// faster than an expression, and than one is made.
    fn affords(&mut self, index: u16, rule: &Rule, slice: &[u8]) -> bool {
        let progress = &mut *self.progress;
        let glance = || slice.len() / 16;
        if !rule.is_in_place() {
            let prefixes = &rule.prefixes;
            let begins = |prefix: &[u8]| memmem::find(slice, prefix).is_some();
            return progress.spend(index, rule, glance)
                && (prefixes.is_empty() || prefixes.iter().any(|prefix| begins(prefix)))
                && rule.may_match(slice)
                && progress.spend(index, rule, || slice.len());
        }
        let length = Cell::new(0);
        let cost = || {
            length.set(reach(slice));
            length.get() + 1
        };
        if !progress.spend(index, rule, cost) || length.get() < rule.unbroken {
            return false;
        }
        if !rule.sequences.is_empty() || rule.holds.is_empty() {
            return true;
        }
        match rule.unbroken {
            0 => progress.spend(index, rule, glance) && rule.may_match(slice),
            _ => rule.may_match(&slice[..length.get()]),
        }
    }

    /// Keeps a match if all else holds.
    fn consider(
        &mut self,
        index: u16,
        whole: (usize, usize),
        secret: (usize, usize),
        named: usize,
    ) {
        let bytes = self.text.bytes;
        let cut_before = self.text.cut.0 && whole.0 == 0;
        let cut_behind = self.text.cut.1 && whole.1 == bytes.len();
        let runs_on = bytes.get(whole.1).is_some_and(|b| is_token_byte(*b))
            && !self.text.packed
            && constant_end(self.text, whole.0) != Some(whole.1);
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
        let tells = |keyword: &str| {
            (keyword.len() > TELLING || rule.is_generic())
                && memmem::find(value, keyword.as_bytes()).is_some()
        };
        self.progress.found.push(Found {
            rule: index,
            start,
            end,
            inner,
            telling: !rule.assigned
                && rule.id != ANYBODYS
                && rule.keywords.iter().any(|keyword| tells(keyword)),
            named,
            whole: whole.1 - whole.0,
            certainty,
            decoded: self.text.decoded,
            value: Zeroizing::new(value.to_vec()),
        });
    }
}

/// Whether [`begins_token`] can be true for a length: the quick half of it.
pub fn may_begin_token(text: &Text<'_>, at: usize) -> bool {
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
        _ => constant_end(text, at).is_some_and(|end| end >= at + length) || text.packed,
    }
}

/// Where a constant of Python ends that begins here, whatever object is next: before it stand its type and its length of one
/// byte, <https://github.com/python/cpython/blob/main/Python/marshal.c>.
fn constant_end(text: &Text<'_>, at: usize) -> Option<usize> {
    let [kind, length] = *text.bytes[..at].last_chunk()?;
    let end = at + usize::from(length);
    let is_constant = text.binary && matches!(kind, b'z' | b'Z' | 0xfa | 0xda);
    (is_constant && end <= text.bytes.len()).then_some(end)
}

/// Whether a text begins with a run that looks random.
fn is_random_run(text: &[u8]) -> bool {
    let length = text.iter().take_while(|b| is_run_byte(**b)).count();
    length >= prefilter::RUN && prefilter::look(text, length) == Look::Random
}

/// How far an expression that must match at the beginning reads: few go on behind a blank or a quote.
fn reach(slice: &[u8]) -> usize {
    let end = slice.iter().position(|b| is_break(*b));
    end.unwrap_or(slice.len())
}
