//! What was found in a file, and what the search may cost yet.

use std::collections::HashSet;

use zeroize::Zeroizing;

use super::rules::Rule;
use crate::finding::Certainty;

/// How much is looked at at a time. It stays in the processor's cache between the searches.
pub const BLOCK: usize = 64 * 1024;
/// The expressions of a kind of rule may read so many times the bytes of a text, so that no input makes them
/// slow: those of values with names, those that begin anywhere, and those that begin with a keyword. What
/// uses up one of these leaves the others. One rule may use half.
const FUEL: usize = 4;
/// Secrets of one rule in one file. More are the same fault once more.
const FOUND: u32 = 1000;

/// A secret in a file, by offsets.
pub struct Found {
    pub rule: u16,
    pub start: u64,
    pub end: u64,
    /// Its bounds in decoded text that has one place in the file.
    pub inner: (usize, usize),
    /// The secret itself says what it is: the keyword is part of it.
    pub telling: bool,
    /// How much of the name before it the rule knows.
    pub named: usize,
    /// The length of the match that it is part of.
    pub whole: usize,
    pub certainty: Certainty,
    pub decoded: Option<&'static str>,
    pub value: Zeroizing<Vec<u8>>,
}

/// What has been found in a file, and what looking may cost yet.
pub struct Progress {
    pub found: Vec<Found>,
    /// Rules, and where they found something: in the file, and in decoded text that has one place there.
    pub places: HashSet<(u16, u64, u64, (usize, usize))>,
    /// By rule, of this file.
    counts: Vec<(u16, u32)>,
    /// What is left of [`FUEL`] in this block, and what each rule has used of it.
    pub fuel: [usize; 3],
    pub used: Vec<(u16, usize)>,
    /// How much may be looked at in this block for the names that names are nested under.
    pub above: usize,
    pub decoded_left: usize,
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
            above: 0,
            decoded_left,
            incomplete: false,
        }
    }

    pub fn refuel(&mut self, bytes: usize) {
        self.fuel = [FUEL * bytes.max(BLOCK); 3];
        self.above = FUEL * bytes.max(BLOCK);
        self.used.clear();
    }

    /// Whether the rule may read what `bytes` counts, which is not even counted if nothing is left.
    pub fn spend(&mut self, index: u16, rule: &Rule, bytes: impl Fn() -> usize) -> bool {
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
    pub fn count(&mut self, rule: u16) -> bool {
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
