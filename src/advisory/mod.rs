//! Known vulnerabilities: the OSV records, the local store that holds them, and how a component meets them.

pub mod database;
pub mod download;
pub mod import;
pub mod matching;
pub mod osv;
pub mod range;
pub mod severity;
mod starter;
mod store;
mod title;
