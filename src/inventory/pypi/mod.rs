//! PyPI: requirements, lock files and installed distributions.

mod archive_name;
mod core_metadata;
mod dist_info;
mod egg_info;
mod layout;
pub mod local;
mod lock_names;
pub(crate) mod marker;
mod pdm_lock;
pub mod pep508;
mod pex_info;
mod pip_conf;
mod pipfile;
mod pipfile_lock;
mod poetry_lock;
mod pylock;
mod pyproject;
pub(crate) mod record;
pub mod requirements;
mod setup_cfg;
pub(super) mod toml_text;
mod uv_lock;
pub mod vendored;
mod zappa;

pub(super) use layout::is_owners;
pub(crate) use layout::resolve as resolve_path;

use crate::inspect::Inspector;

/// Every PyPI format. To add one is to add its file and its line.
pub const INSPECTORS: &[&dyn Inspector] = &[
    &dist_info::DistInfo,
    &egg_info::EggInfo,
    &requirements::Requirements,
    &pip_conf::PipConf,
    &pipfile::Pipfile,
    &pipfile_lock::PipfileLock,
    &poetry_lock::PoetryLock,
    &uv_lock::UvLock,
    &pdm_lock::PdmLock,
    &pylock::Pylock,
    &pyproject::Pyproject,
    &setup_cfg::SetupCfg,
    &vendored::CopiedModule,
    &vendored::VendorTxt,
    &pex_info::PexInfo,
    &zappa::ZappaSettings,
];

/// Those that read a lock file.
pub const LOCKS: &[&dyn Inspector] = &[
    &pipfile_lock::PipfileLock,
    &poetry_lock::PoetryLock,
    &uv_lock::UvLock,
    &pdm_lock::PdmLock,
    &pylock::Pylock,
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::INSPECTORS;
    use super::requirements::resolve_includes;
    use crate::inventory::testing::{inspect_all, soup};

    const PATHS: [&str; 18] = [
        "a-1.0.dist-info/METADATA",
        "a-1.0.dist-info/RECORD",
        "a.egg-info",
        "a.egg-info/PKG-INFO",
        "requirements.txt",
        "more.txt",
        "Pipfile",
        "Pipfile.lock",
        "poetry.lock",
        "uv.lock",
        "pdm.lock",
        "pylock.toml",
        "pyproject.toml",
        "setup.cfg",
        "six.py",
        "a/_vendor/b.pyc",
        "PEX-INFO",
        "zappa_settings.py",
    ];

    const PIECES: &[&str] = &[
        "\n",
        "\r\n",
        " ",
        "\\\n",
        "#",
        "\"",
        "'",
        ",",
        ";",
        "=",
        "==",
        ">=",
        "@",
        "[",
        "]",
        "{",
        "}",
        "..",
        "/",
        "%",
        "%4",
        "-",
        "-r ",
        "-c ",
        "-e ",
        "--hash=",
        "more.txt",
        "requirements.txt",
        "name",
        "version",
        "1.0",
        "${A}",
        "git+https://x/y@",
        "https://x/a-1.0.tar.gz",
        ".whl",
        "egg=",
        "[[package]]",
        "[options]",
        "install_requires",
        "Name: ",
        "Version: ",
        "\u{feff}",
        "é",
        "\0",
    ];

    proptest! {
        #[test]
        fn hostile_files_do_not_panic(bytes in soup(PIECES)) {
            resolve_includes(inspect_all(INSPECTORS, &PATHS, &bytes).requirements);
        }
    }
}
