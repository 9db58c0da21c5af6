//! JavaScript that has lost its manifests: bundles, their source maps, and loose libraries.

mod json_walk;
mod package_path;
mod source_map;

pub use source_map::SourceMap;
