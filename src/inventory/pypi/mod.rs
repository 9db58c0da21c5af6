//! PyPI: requirements, lock files and installed distributions.

pub mod requirements;
