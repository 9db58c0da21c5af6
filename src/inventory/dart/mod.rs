//! Pub, the packages of Dart and Flutter.

mod pubspec_lock;

use crate::inspect::Inspector;

pub const INSPECTORS: &[&dyn Inspector] = &[&pubspec_lock::PubspecLock];

/// Those that read a lock file.
pub const LOCKS: &[&dyn Inspector] = &[&pubspec_lock::PubspecLock];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::INSPECTORS;
    use crate::inventory::testing::{inspect_all, soup};

    const PIECES: &[&str] = &[
        "\n",
        " ",
        "  ",
        "    ",
        "packages:\n",
        "  a:\n",
        "    source: hosted\n",
        "    version: \"1.0.0\"\n",
        "    description:\n",
        "      name: b\n",
        "path",
        "sdk",
        "git",
        ": ",
        "- ",
        "\"",
        "'",
        "&a",
        "*a",
        "{",
        "}",
        "[",
        "]",
        "---\n",
        "|",
        ">",
        "!!",
        "é",
        "\0",
    ];

    proptest! {
        #[test]
        fn no_bytes_do_harm(bytes in soup(PIECES)) {
            inspect_all(INSPECTORS, &["pubspec.lock"], &bytes);
        }
    }
}
