//! JavaScript that has lost its manifests: bundles, and files that were copied.

mod library;
// The program holds the table that the build script makes; the tests read the rows.
#[cfg(test)]
#[allow(dead_code)]
mod library_spec;
mod literals;

pub use library::CopiedLibrary;
