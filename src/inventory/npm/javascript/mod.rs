//! JavaScript that has lost its manifests: bundles, their source maps, and loose libraries.

mod package_path;
