use proptest::prelude::*;

use super::*;

static TABLE: Published = Published {
    name: "a",
    has_older: false,
    has_newer: false,
    has_all_files: true,
    versions: &["1.0.0", "1.1.0", "1.2.0", "2.0.0"],
    sets: &[],
    traces: &[],
};

const ENOUGH_OF_NEITHER: Share = Share {
    with: 0,
    without: ENOUGH,
};

fn known(left: u64, has_older: bool, has_newer: bool) -> String {
    let package = Box::leak(Box::new(Published {
        has_older,
        has_newer,
        ..TABLE
    }));
    let (version, range) = super::known(
        None,
        Some(Candidates {
            package,
            left,
            has_files: false,
            is_changed: false,
            oldest: ENOUGH_OF_NEITHER,
            newest: ENOUGH_OF_NEITHER,
        }),
    );
    version.or(range).unwrap_or_default()
}

#[test]
fn few_traces_tell_nothing_but_one_file_does() {
    static ONE: Published = Published {
        sets: &[0b0010],
        traces: &[1 << 16, 2 << 16, 3 << 16, 4 << 16],
        ..TABLE
    };
    let known = |weights: &[u32]| {
        let mut candidates = Candidates {
            package: &ONE,
            left: ONE.all(),
            has_files: false,
            is_changed: false,
            oldest: Share::default(),
            newest: Share::default(),
        };
        for (trace, weight) in (1..).zip(weights) {
            candidates.see(trace, *weight);
        }
        super::known(None, Some(candidates)).0
    };
    assert_eq!(known(&[1, 1, 1]), None);
    assert_eq!(known(&[1, 1, 1, 1]).as_deref(), Some("1.1.0"));
    assert_eq!(known(&[ENOUGH]).as_deref(), Some("1.1.0"));
}

#[test]
fn a_file_of_no_release_leaves_no_version_certain() {
    static ONE: Published = Published {
        sets: &[0b0010, 0b1111],
        traces: &[0x8742_8fc5_2280 << 16],
        ..TABLE
    };
    let known = |files: &[&str]| {
        let mut candidates = Candidates {
            package: &ONE,
            left: ONE.all(),
            has_files: false,
            is_changed: false,
            oldest: Share::default(),
            newest: Share::default(),
        };
        for file in files {
            candidates.see_file("a.js", file.as_bytes());
        }
        super::known(None, Some(candidates))
    };
    assert_eq!(known(&["a\n"]).0.as_deref(), Some("1.1.0"));
    assert_eq!(
        known(&["a\n", "b\n"]),
        (None, Some(">=1.0.0 <=1.2.0".to_owned()))
    );
    assert_eq!(known(&["b\n"]), (None, None));
}

#[test]
fn data_is_not_compared() {
    static ONE: Published = Published {
        sets: &[0b0010],
        traces: &[0xf575_61b2_4810 << 16],
        ..TABLE
    };
    let left = |path| {
        let mut candidates = Candidates {
            package: &ONE,
            left: ONE.all(),
            has_files: false,
            is_changed: false,
            oldest: Share::default(),
            newest: Share::default(),
        };
        candidates.see_code(path, b"a(b, 'c d')");
        candidates.see_file(path, b"a(b, 'c d')");
        (candidates.left, candidates.is_changed)
    };
    assert_eq!(left("a.js"), (0b0010, true));
    assert_eq!(left("a.json"), (0b1111, false));
}

#[test]
fn a_release_outside_of_the_table_has_little_that_its_end_has_not() {
    static PART: Published = Published {
        has_older: true,
        has_newer: true,
        ..TABLE
    };
    let known = |left, oldest, newest| {
        let share = |(with, without)| Share { with, without };
        super::known(
            None,
            Some(Candidates {
                package: &PART,
                left,
                has_files: false,
                is_changed: false,
                oldest: share(oldest),
                newest: share(newest),
            }),
        )
    };
    assert_eq!(known(0b0010, (30, 29), (0, 59)), (None, None));
    assert_eq!(known(0b0010, (0, 59), (30, 29)), (None, None));
    let range = |left, oldest, newest| known(left, oldest, newest).1;
    let below = Some("<1.2.0".to_owned());
    assert_eq!(range(0b0010, (30, 30), (30, 30)), below);
    assert_eq!(range(0b0011, (30, 0), (0, 30)), below);
    assert_eq!(range(0b1100, (0, 30), (30, 0)), None);
}

#[test]
fn a_package_of_one_release_has_that() {
    static SOLE: Published = Published {
        versions: &["1.0.1"],
        ..TABLE
    };
    let candidates = Candidates {
        package: &SOLE,
        left: SOLE.all(),
        has_files: false,
        is_changed: false,
        oldest: Share::default(),
        newest: Share::default(),
    };
    assert_eq!(
        super::known(None, Some(candidates)).0.as_deref(),
        Some("1.0.1")
    );
}

#[test]
fn what_is_stated_counts_more() {
    let package = &TABLE;
    let candidates = Candidates {
        package,
        left: 1,
        has_files: false,
        is_changed: false,
        oldest: ENOUGH_OF_NEITHER,
        newest: ENOUGH_OF_NEITHER,
    };
    let stated = super::known(Some("1.2.0".to_owned()), Some(candidates));
    assert_eq!(stated, (Some("1.2.0".to_owned()), None));
    assert_eq!(super::known(None, None), (None, None));
}

#[test]
fn one_version_that_is_left_is_the_version() {
    assert_eq!(known(0b0010, false, false), "1.1.0");
    assert_eq!(known(0b1000, false, false), "2.0.0");
    assert_eq!(known(0b0001, false, false), "1.0.0");
}

#[test]
fn a_version_needs_releases_before_it_and_behind_it_in_its_line() {
    static LONG: Published = Published {
        has_older: true,
        has_newer: true,
        versions: &[
            "1.0.0", "1.0.1", "1.0.2", "1.0.3", "1.0.4", "1.0.5", "1.0.6", "1.0.7", "1.0.8",
            "1.0.9", "1.1.0",
        ],
        ..TABLE
    };
    let known = |at: usize| {
        super::known(
            None,
            Some(Candidates {
                package: &LONG,
                left: 1 << at,
                has_files: false,
                is_changed: false,
                oldest: ENOUGH_OF_NEITHER,
                newest: ENOUGH_OF_NEITHER,
            }),
        )
    };
    let range = |text: &str| (None, Some(text.to_owned()));
    assert_eq!(known(7), range("<=1.0.7"));
    assert_eq!(known(8), (Some("1.0.8".to_owned()), None));
    assert_eq!(known(9), range(">=1.0.9 <1.1.0"));
    assert_eq!(known(10), range(">=1.1.0"));
}

#[test]
fn shortened_syntax_is_told_by_its_truths() {
    assert!(is_shortened(b"a(!0,!1);b='true'"));
    assert!(!is_shortened(b"a(true, !1); b = false"));
}

#[test]
fn several_are_a_range() {
    assert_eq!(known(0b0110, false, false), ">=1.1.0 <=1.2.0");
    assert_eq!(known(0b1011, false, false), ">=1.0.0 <=1.1.0 || =2.0.0");
}

#[test]
fn releases_that_are_not_known_may_have_what_the_last_ones_have() {
    assert_eq!(known(0b1000, false, true), ">=2.0.0");
    assert_eq!(known(0b0001, true, false), "<=1.0.0");
    assert_eq!(known(0b1001, true, true), "");
    assert_eq!(known(0b0001, false, true), ">=1.0.0 <1.1.0");
}

#[test]
fn all_or_none_tell_nothing() {
    assert_eq!(known(0b1111, false, false), "");
    assert_eq!(known(0, false, false), "");
}

#[test]
fn the_table_is_in_order() {
    assert!(PUBLISHED.is_sorted_by_key(|package| package.name));
    for package in &PUBLISHED {
        assert!(
            (1..=64).contains(&package.versions.len()),
            "{}",
            package.name
        );
        assert!(
            package.traces.is_sorted_by(|a, b| a >> 16 < b >> 16),
            "{}",
            package.name
        );
        let sets = package.traces.iter().map(|trace| (trace & 0xffff) as usize);
        let most = sets.max().unwrap_or_default();
        assert!(most < package.sets.len().max(1), "{}", package.name);
    }
}

proptest! {
    #[test]
    fn rows_of_bits_are_all_bits(bits in any::<u64>()) {
        let again = rows(bits).into_iter().flat_map(|(first, last)| first..=last);
        prop_assert_eq!(again.fold(0u64, |all, bit| all | 1 << bit), bits);
    }
}
