//! npm: manifests, lock files and installed packages.
