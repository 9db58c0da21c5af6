//! JavaScript that has lost its manifests: bundles, their source maps, and loose libraries.

mod banner;
mod json_walk;
mod module_version;
mod package_path;
mod source_map;

pub use source_map::SourceMap;
