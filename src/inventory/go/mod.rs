//! Go: modules that a project asks for, those that are vendored, and those that programs are made of.

mod build_info;
mod go_mod;
mod go_sum;
mod modules_txt;
mod sums;

pub use build_info::BuildInfo;
pub use go_sum::keep_selected;
pub use sums::Sums;

use crate::inspect::Inspector;

pub const INSPECTORS: &[&dyn Inspector] = &[
    &go_mod::GoMod,
    &go_mod::GoWork,
    &go_sum::GoSum,
    &sums::WorkSums,
    &modules_txt::ModulesTxt,
];

/// Those that read a lock file: go.mod is one, as minimal version selection takes what it names.
pub const LOCKS: &[&dyn Inspector] = &[&go_mod::GoMod, &go_sum::GoSum];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::INSPECTORS;
    use crate::inventory::testing::{inspect_all, soup};

    const PATHS: &[&str] = &[
        "go.mod",
        "go.work",
        "go.sum",
        "go.work.sum",
        "vendor/modules.txt",
    ];

    const PIECES: &[&str] = &[
        "\n",
        "\r\n",
        " ",
        "\t",
        "#",
        "##",
        "//",
        "\"",
        "`",
        "(",
        ")",
        "=>",
        "@",
        "/",
        "./x",
        "module ",
        "go 1.17",
        "go ",
        "require ",
        "replace ",
        "exclude ",
        "explicit",
        "a.example/x",
        "a.example/y/v2",
        " v1.0.0",
        " v2.0.0+incompatible",
        "v",
        "/go.mod",
        " h1:",
        "h1:AAAA=",
        "// indirect",
        "\u{feff}",
        "é",
        "\0",
    ];

    proptest! {
        #[test]
        fn no_bytes_do_harm(bytes in soup(PIECES)) {
            super::keep_selected(&mut inspect_all(INSPECTORS, PATHS, &bytes).components);
        }
    }
}
