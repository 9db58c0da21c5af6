//! Go: what programs tell of their modules.

mod build_info;

pub use build_info::BuildInfo;
