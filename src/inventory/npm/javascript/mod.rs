//! JavaScript that has lost its manifests: bundles, their source maps, and files that were copied.

mod json_walk;
mod library;
// The program holds the table that the build script makes; the tests read the rows.
#[cfg(test)]
#[allow(dead_code)]
mod library_spec;
mod literals;
mod module_paths;
mod module_version;
mod package_path;
mod sighting;
mod source_map;

pub use library::CopiedLibrary;
pub use module_paths::ModulePaths;
pub use source_map::SourceMap;
