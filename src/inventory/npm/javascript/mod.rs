//! JavaScript that has lost its manifests: bundles, and files that were copied.

mod library;
mod library_spec;
mod literals;

pub use library::{CopiedLibrary, Recognized, recognize};
