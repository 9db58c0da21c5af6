//! What an artifact may cost: every limit, its default, and the account that is kept of them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const MIB: u64 = 1024 * 1024;
const GIB: u64 = 1024 * MIB;

/// The most an audit of one deployment may read, hold and take.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Unpacked bytes of all entries together, nested archives included.
    pub max_unpacked: u64,
    /// Unpacked bytes of a single entry.
    pub max_entry: u64,
    /// Unpacked over packed size; asked only of what unpacks to more than [`Limits::RATIO_FLOOR`].
    pub max_ratio: u64,
    /// Files, nested archives' included.
    pub max_entries: u64,
    /// Archives opened within the artifact.
    pub max_archives: u64,
    /// Archives within archives within archives.
    pub max_depth: u32,
    /// Bytes held in memory at once.
    pub max_memory: u64,
    pub max_time: Duration,
}

impl Default for Limits {
    /// Room for the largest deployment a platform takes, a container image of 10 GB on AWS Lambda
    /// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>), and not much more.
    fn default() -> Self {
        Limits {
            max_unpacked: 16 * GIB,
            max_entry: 4 * GIB,
            max_ratio: 200,
            max_entries: 500_000,
            max_archives: 10_000,
            max_depth: 8,
            max_memory: 192 * MIB,
            max_time: Duration::from_secs(120),
        }
    }
}

impl Limits {
    /// Below this size a high ratio does no harm, and honest files reach it: tables, zeroed pages.
    pub const RATIO_FLOOR: u64 = 16 * MIB;

    /// Whether unpacking `packed` bytes to `unpacked` looks like a bomb.
    pub fn is_bomb(&self, packed: u64, unpacked: u64) -> bool {
        unpacked > Self::RATIO_FLOOR && unpacked / self.max_ratio > packed
    }
}

/// The limit that ended an audit early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exhausted {
    Unpacked,
    Entries,
    Archives,
    Time,
}

/// What has been read so far, shared by all threads and all nested archives of one deployment.
pub struct Budget<'a> {
    pub limits: &'a Limits,
    started: Instant,
    unpacked: AtomicU64,
    entries: AtomicU64,
    archives: AtomicU64,
    exhausted: [AtomicBool; 4],
    not_audited: AtomicU64,
}

impl<'a> Budget<'a> {
    pub fn new(limits: &'a Limits) -> Self {
        Budget {
            limits,
            started: Instant::now(),
            unpacked: AtomicU64::new(0),
            entries: AtomicU64::new(0),
            archives: AtomicU64::new(0),
            exhausted: Default::default(),
            not_audited: AtomicU64::new(0),
        }
    }

    /// Pays for one more entry.
    pub fn take_entry(&self) -> Result<(), Exhausted> {
        if self.entries.fetch_add(1, Ordering::Relaxed) >= self.limits.max_entries {
            return Err(self.exhaust(Exhausted::Entries));
        }
        self.check()
    }

    /// Pays for opening one more nested archive.
    pub fn take_archive(&self) -> Result<(), Exhausted> {
        if self.archives.fetch_add(1, Ordering::Relaxed) >= self.limits.max_archives {
            return Err(self.exhaust(Exhausted::Archives));
        }
        self.check()
    }

    /// Pays for unpacked bytes, after they were read: no single read is larger than a buffer.
    pub fn take_bytes(&self, bytes: u64) -> Result<(), Exhausted> {
        let before = self.unpacked.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > self.limits.max_unpacked {
            return Err(self.exhaust(Exhausted::Unpacked));
        }
        self.check_time()
    }

    pub fn check_time(&self) -> Result<(), Exhausted> {
        if self.started.elapsed() > self.limits.max_time {
            return Err(self.exhaust(Exhausted::Time));
        }
        Ok(())
    }

    /// Whether anything more may be read at all.
    pub fn check(&self) -> Result<(), Exhausted> {
        for limit in [Exhausted::Unpacked, Exhausted::Entries] {
            if self.exhausted[limit as usize].load(Ordering::Relaxed) {
                return Err(limit);
            }
        }
        self.check_time()
    }

    fn exhaust(&self, limit: Exhausted) -> Exhausted {
        self.exhausted[limit as usize].store(true, Ordering::Relaxed);
        limit
    }

    /// Counts an entry that was left alone because a limit was reached.
    pub fn leave_out(&self, entries: u64) {
        self.not_audited.fetch_add(entries, Ordering::Relaxed);
    }

    /// For the report: which limits were reached, in the words of the flags that raise them.
    pub fn shortfalls(&self) -> Vec<String> {
        let left = self.not_audited.load(Ordering::Relaxed);
        let what = match left {
            0 => "the rest of the artifact was not audited".to_owned(),
            1 => "1 entry was not audited".to_owned(),
            n => format!("at least {n} entries were not audited"),
        };
        let limits = self.limits;
        [
            (
                Exhausted::Unpacked,
                format!("unpacks to more than {} bytes", limits.max_unpacked),
                "--max-unpacked",
            ),
            (
                Exhausted::Entries,
                format!("holds more than {} entries", limits.max_entries),
                "--max-entries",
            ),
            (
                Exhausted::Archives,
                format!("holds more than {} archives", limits.max_archives),
                "--max-archives",
            ),
            (
                Exhausted::Time,
                format!("took more than {} seconds", limits.max_time.as_secs()),
                "--max-time",
            ),
        ]
        .into_iter()
        .filter(|(limit, ..)| self.exhausted[*limit as usize].load(Ordering::Relaxed))
        .map(|(_, reached, flag)| format!("{reached}: {what}; raise {flag} to audit all of it"))
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bomb_is_both_large_and_dense() {
        let limits = Limits::default();
        assert!(limits.is_bomb(MIB, GIB));
        assert!(!limits.is_bomb(10, MIB), "dense but small");
        assert!(!limits.is_bomb(GIB / 10, GIB), "large but honest");
    }

    #[test]
    fn the_budget_is_one_for_all_and_says_what_ran_out() {
        let limits = Limits {
            max_unpacked: 100,
            max_entries: 2,
            ..Limits::default()
        };
        let budget = Budget::new(&limits);
        assert_eq!(budget.take_bytes(100), Ok(()));
        assert_eq!(budget.take_entry(), Ok(()));
        assert!(budget.shortfalls().is_empty());
        assert_eq!(budget.take_bytes(1), Err(Exhausted::Unpacked));
        assert_eq!(budget.check(), Err(Exhausted::Unpacked), "and it stays so");
        budget.leave_out(3);
        let said = budget.shortfalls();
        assert_eq!(said.len(), 1);
        assert!(
            said[0].contains("3 entries") && said[0].contains("--max-unpacked"),
            "{said:?}"
        );
    }
}
