//! crates.io: lock files, where manifests have packages taken from, and what binaries tell of their crates.

mod auditable;
mod cargo_lock;
mod cargo_toml;
pub mod linked;
pub mod program;
mod purpose;
mod source_path;
mod standard_library;
mod symbols;

pub use auditable::Auditable;
pub use cargo_lock::CargoLock;
pub use program::Program;

use crate::inspect::Inspector;

pub const INSPECTORS: &[&dyn Inspector] = &[&CargoLock, &cargo_toml::CargoToml];

/// Those that read a lock file.
pub const LOCKS: &[&dyn Inspector] = &[&CargoLock];
