//! Known vulnerabilities: the OSV records, the local store that holds them, and how a component meets them.

mod builder;
pub mod compiled;
pub mod database;
pub mod download;
pub mod exploitation;
mod folder;
pub mod import;
pub mod matching;
pub mod osv;
pub mod range;
pub mod severity;
mod starter;
mod store;
mod title;
pub mod update;
mod verify;

use std::path::PathBuf;

use etcetera::BaseStrategy;

/// Where the database is unless it is said otherwise: `fnaudit` in the user's cache folder.
pub fn default_dir() -> Option<PathBuf> {
    let base = etcetera::choose_base_strategy().ok()?;
    Some(base.cache_dir().join("fnaudit"))
}
