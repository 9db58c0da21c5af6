//! crates.io: lock files, and what binaries tell of their crates.

mod auditable;
mod cargo_lock;

pub use auditable::Auditable;
pub use cargo_lock::CargoLock;

use crate::inspect::Inspector;

pub const INSPECTORS: &[&dyn Inspector] = &[&CargoLock];

/// Those that read a lock file.
pub const LOCKS: &[&dyn Inspector] = &[&CargoLock];
