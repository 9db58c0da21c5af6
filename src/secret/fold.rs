//! From all that was found in a file to its secrets: one for each, and one for an id with its key.

use std::collections::HashMap;

use super::progress::Found;
use super::rules::RuleRef;

/// A secret, and the places where it stands again.
pub struct Folded {
    pub found: Found,
    pub again: Vec<u64>,
    /// Places of what belongs to it: the id of a key.
    pub companions: Vec<u64>,
}

/// More places of one secret say nothing new.
pub const PLACES: usize = 20;

/// An id, and the key that is of use only with it.
const COMPANIONS: &[(&str, &str)] = &[("aws-access-key-id", "aws-secret-access-key")];

pub fn fold(found: Vec<Found>, rules: &[RuleRef]) -> Vec<Folded> {
    let strength = |found: &Found| strength(found, &rules[usize::from(found.rule)]);
    let mut kept: Vec<Folded> = Vec::new();
    let mut by_value: HashMap<Vec<u8>, usize> = HashMap::new();
    for found in without_overlaps(found, strength) {
        if let Some(&index) = by_value.get(&found.value[..]) {
            let first = &mut kept[index];
            if first.again.len() < PLACES && first.found.start != found.start {
                first.again.push(found.start);
            }
            if strength(&found) > strength(&first.found) {
                first.found.rule = found.rule;
                first.found.certainty = found.certainty;
            }
            continue;
        }
        by_value.insert(found.value.to_vec(), kept.len());
        kept.push(Folded {
            found,
            again: Vec::new(),
            companions: Vec::new(),
        });
    }
    for mut value in by_value.into_keys() {
        zeroize::Zeroize::zeroize(&mut value);
    }
    kept
}

/// Which of two rules says more about the same bytes: one whose token says itself what it is; the longer; the one of a
/// name, and of these the one that knows more of it; the one that asks for more around it.
fn strength(found: &Found, rule: &RuleRef) -> impl Ord + use<> {
    (
        !rule.is_generic(),
        found.decoded.is_none(),
        found.telling,
        found.value.len(),
        rule.assigned,
        found.named,
        found.whole,
    )
}

/// In the order of the file; of those that share bytes, the strongest.
fn without_overlaps<S: Ord>(mut found: Vec<Found>, strength: impl Fn(&Found) -> S) -> Vec<Found> {
    found.sort_by_key(|f| (f.start, f.end, f.inner));
    // An encoded text has one place in the file, however many secrets it holds.
    let apart = |a: &Found, b: &Found| {
        (a.start, a.end, a.decoded) == (b.start, b.end, b.decoded)
            && a.inner.1 > 0
            && a.inner.1 <= b.inner.0
    };
    let mut kept: Vec<Found> = Vec::new();
    for next in found {
        match kept.last_mut() {
            Some(last) if next.start < last.end && !apart(last, &next) => {
                if strength(&next) > strength(last) {
                    *last = next;
                }
            }
            _ => kept.push(next),
        }
    }
    kept
}

/// Lets an id within `near` of its key go into the key's finding.
pub fn join_companions(
    folded: &mut Vec<Folded>,
    rules: &[RuleRef],
    near: impl Fn(u64, u64) -> bool,
) {
    for (id, key) in COMPANIONS {
        let is = |folded: &Folded, rule: &str| rules[usize::from(folded.found.rule)].id == rule;
        let ids: Vec<u64> = folded
            .iter()
            .filter(|f| is(f, id))
            .map(|f| f.found.start)
            .collect();
        let mut joined = Vec::new();
        for secret in folded.iter_mut() {
            let start = secret.found.start;
            if rules[usize::from(secret.found.rule)].id != *key {
                continue;
            }
            let close = ids.iter().copied().filter(|&at| near(at, start));
            if let Some(at) = close.min_by_key(|&at| at.abs_diff(start)) {
                secret.companions.push(at);
                joined.push(at);
            }
        }
        folded.retain(|f| !is(f, id) || !joined.contains(&f.found.start));
    }
}
