//! crates.io: lock files and the audit data that binaries carry.
