//! Swift's package manager.

mod package_resolved;

use crate::inspect::Inspector;

pub const INSPECTORS: &[&dyn Inspector] = &[&package_resolved::PackageResolved];

/// Those that read a lock file.
pub const LOCKS: &[&dyn Inspector] = &[&package_resolved::PackageResolved];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::INSPECTORS;
    use crate::inventory::testing::{inspect_all, soup};

    const PIECES: &[&str] = &[
        "{",
        "}",
        "[",
        "]",
        "\"",
        ",",
        ":",
        "{\"pins\": [",
        "{\"object\": {\"pins\": [",
        "\"identity\":",
        "\"location\":",
        "\"repositoryURL\":",
        "\"https://git.example/a/b.git\"",
        "\"git@git.example:a\"",
        "\"state\": {",
        "\"version\": \"1.0.0\"",
        "\"branch\":",
        "\"://@:/\"",
        "null",
        "1",
        "\n",
        "é",
        "\0",
    ];

    proptest! {
        #[test]
        fn no_bytes_do_harm(bytes in soup(PIECES)) {
            inspect_all(INSPECTORS, &["Package.resolved"], &bytes);
        }
    }
}
