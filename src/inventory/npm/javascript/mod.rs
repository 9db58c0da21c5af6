//! JavaScript that has lost its manifests: bundles, their source maps, and files that were copied.

mod banner;
mod bundler;
mod dependency_maps;
mod families;
mod inlined_package;
mod json_walk;
mod legal;
mod library;
// The program holds the table that the build script makes; the tests read the rows.
#[cfg(test)]
#[allow(dead_code)]
mod library_spec;
#[cfg(test)]
use crate::inventory::version_spec;
mod license_list;
mod module_paths;
mod module_version;
mod package_path;
mod published;
mod script;
mod sighting;
mod source_map;

pub use legal::LegalFile;
pub use license_list::LicenseList;
pub use script::Script;
pub use source_map::SourceMap;
