//! JavaScript that has lost its manifests: bundles, their source maps, and loose libraries.

mod module_paths;
mod module_version;
mod package_path;
mod sighting;

pub use module_paths::ModulePaths;
