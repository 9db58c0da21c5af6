//! Sets of versions: intervals of their ecosystem's order.

use std::cmp::{max, min};

use super::Version;

/// Some of the versions of a package. What it says of a version holds whether or not that was ever published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionSet {
    /// In order, none empty, and no two of them touching.
    intervals: Vec<Interval>,
}

type Interval = (Cut, Cut);

/// A place between the versions, or before or behind them all.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cut {
    Start,
    At(Version, Side),
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    Before,
    After,
}

impl Cut {
    pub fn before(version: &Version) -> Cut {
        Cut::At(version.clone(), Side::Before)
    }

    pub fn after(version: &Version) -> Cut {
        Cut::At(version.clone(), Side::After)
    }
}

impl VersionSet {
    pub fn everything() -> Self {
        VersionSet::between(Cut::Start, Cut::End)
    }

    pub fn nothing() -> Self {
        VersionSet {
            intervals: Vec::new(),
        }
    }

    pub fn only(version: &Version) -> Self {
        VersionSet::between(Cut::before(version), Cut::after(version))
    }

    pub fn between(start: Cut, end: Cut) -> Self {
        VersionSet::of(vec![(start, end)])
    }

    /// All that is in any of the intervals.
    pub fn of(mut intervals: Vec<Interval>) -> Self {
        intervals.retain(|(start, end)| start < end);
        intervals.sort_unstable();
        let mut merged: Vec<Interval> = Vec::with_capacity(intervals.len());
        for (start, end) in intervals {
            match merged.last_mut() {
                Some((_, last)) if start <= *last => {
                    if *last < end {
                        *last = end;
                    }
                }
                _ => merged.push((start, end)),
            }
        }
        VersionSet { intervals: merged }
    }

    pub fn union(sets: impl IntoIterator<Item = VersionSet>) -> Self {
        VersionSet::of(sets.into_iter().flat_map(|set| set.intervals).collect())
    }

    pub fn intersection(&self, other: &VersionSet) -> Self {
        let (mut a, mut b) = (&self.intervals[..], &other.intervals[..]);
        let mut common = Vec::new();
        while let ([x, rest_of_a @ ..], [y, rest_of_b @ ..]) = (a, b) {
            let (start, end) = (max(&x.0, &y.0), min(&x.1, &y.1));
            if start < end {
                common.push((start.clone(), end.clone()));
            }
            if x.1 <= y.1 {
                a = rest_of_a;
            } else {
                b = rest_of_b;
            }
        }
        VersionSet::of(common)
    }

    pub fn is_empty(&self) -> bool {
        self.intervals.is_empty()
    }

    pub fn contains(&self, version: &Version) -> bool {
        self.meets(&VersionSet::only(version))
    }

    /// Whether every version of the other is in this one.
    pub fn covers(&self, other: &VersionSet) -> bool {
        self.intersection(other) == *other
    }

    /// Whether a version may be in both.
    pub fn meets(&self, other: &VersionSet) -> bool {
        !self.intersection(other).is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::component::Ecosystem;

    fn version(n: u8) -> Version {
        Version::parse(Ecosystem::Npm, &format!("{n}.0.0")).unwrap()
    }

    fn cut() -> impl Strategy<Value = Cut> {
        prop_oneof![
            1 => Just(Cut::Start),
            1 => Just(Cut::End),
            4 => (0u8..8).prop_map(|n| Cut::before(&version(n))),
            4 => (0u8..8).prop_map(|n| Cut::after(&version(n))),
        ]
    }

    fn intervals() -> impl Strategy<Value = Vec<Interval>> {
        prop::collection::vec((cut(), cut()), 0..5)
    }

    fn holds(intervals: &[Interval], version: &Version) -> bool {
        let (before, after) = (Cut::before(version), Cut::after(version));
        intervals
            .iter()
            .any(|(start, end)| *start <= before && after <= *end)
    }

    proptest! {
        #[test]
        fn a_set_holds_what_its_intervals_hold(a in intervals(), b in intervals()) {
            let (x, y) = (VersionSet::of(a.clone()), VersionSet::of(b.clone()));
            let both = VersionSet::union([x.clone(), y.clone()]);
            for n in 0..9 {
                let version = version(n);
                let (in_a, in_b) = (holds(&a, &version), holds(&b, &version));
                prop_assert_eq!(x.contains(&version), in_a);
                prop_assert_eq!(both.contains(&version), in_a || in_b);
                prop_assert_eq!(x.intersection(&y).contains(&version), in_a && in_b);
                prop_assert!(!(x.covers(&y) && in_b && !in_a));
                prop_assert!(x.meets(&y) || !(in_a && in_b));
            }
            prop_assert!(both.covers(&x) && both.covers(&y) && x.covers(&x.intersection(&y)));
            prop_assert_eq!(x.intersection(&y), y.intersection(&x));
        }
    }

    #[test]
    fn everything_covers_all_and_nothing_meets_none() {
        let (all, none) = (VersionSet::everything(), VersionSet::nothing());
        let one = VersionSet::only(&version(1));
        assert!(all.covers(&one) && !one.covers(&all) && one.covers(&none));
        assert!(all.meets(&one) && !none.meets(&all) && none.is_empty());
        let halves = [
            (Cut::Start, Cut::before(&version(1))),
            (Cut::before(&version(1)), Cut::End),
        ];
        assert_eq!(VersionSet::of(halves.to_vec()), all);
    }
}
