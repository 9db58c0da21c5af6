//! PyPI: requirements, lock files and installed distributions.

mod archive_name;
mod core_metadata;
mod dist_info;
mod egg_info;
mod layout;
mod pdm_lock;
pub mod pep508;
mod pipfile;
mod pipfile_lock;
mod poetry_lock;
mod pylock;
mod pyproject;
pub mod requirements;
mod setup_cfg;
mod toml_text;
mod uv_lock;

use crate::inspect::Inspector;

/// Every PyPI format. To add one is to add its file and its line.
pub const INSPECTORS: &[&dyn Inspector] = &[
    &dist_info::DistInfo,
    &egg_info::EggInfo,
    &requirements::Requirements,
    &pipfile::Pipfile,
    &pipfile_lock::PipfileLock,
    &poetry_lock::PoetryLock,
    &uv_lock::UvLock,
    &pdm_lock::PdmLock,
    &pylock::Pylock,
    &pyproject::Pyproject,
    &setup_cfg::SetupCfg,
];
