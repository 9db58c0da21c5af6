//! crates.io: lock files.

mod cargo_lock;

pub use cargo_lock::CargoLock;

use crate::inspect::Inspector;

pub const INSPECTORS: &[&dyn Inspector] = &[&CargoLock];
