//! Hex, the packages of Elixir and Erlang.

mod mix_lock;
mod rebar_lock;

use crate::component::{Ecosystem, Evidence};
use crate::finding::{EntryPath, Location};
use crate::inspect::{Inspector, Observations};
use crate::inventory::owner;

pub const INSPECTORS: &[&dyn Inspector] = &[&mix_lock::MixLock, &rebar_lock::RebarLock];

/// Those that read a lock file.
pub const LOCKS: &[&dyn Inspector] = INSPECTORS;

/// What is known of a locked package.
enum Code<'a> {
    Version(&'a str),
    /// Of a Git repository, which states no version.
    Revision(&'a str),
}

impl Code<'_> {
    fn observe(self, name: &str, location: Location, seen: &mut Observations) {
        let (ecosystem, evidence) = (Ecosystem::Hex, Evidence::Locked);
        match self {
            Code::Version(version) => seen.stated(ecosystem, name, version, evidence, location),
            Code::Revision(code) => seen.unversioned(ecosystem, name, code, evidence, location),
        }
    }
}

/// Mix unpacks packages into `deps/NAME`, and rebar3 into `_build/PROFILE/lib/NAME`: a lock file there is theirs.
fn is_owners(path: &EntryPath) -> bool {
    let (above, _) = path.parent().rsplit_once('/').unwrap_or_default();
    let is_deps = above == "deps" || above.ends_with("/deps");
    let is_build = path.parent().split('/').any(|part| part == "_build");
    !is_deps && !is_build && owner::is_owners(path)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::INSPECTORS;
    use crate::inventory::testing::{inspect_all, soup, wants};

    #[test]
    fn lock_files_of_packages_are_not_wanted() {
        for (path, owners) in [
            ("mix.lock", true),
            ("apps/deps/rebar.lock", true),
            ("deps/a/mix.lock", false),
            ("api/deps/a/rebar.lock", false),
            ("_build/default/lib/a/rebar.lock", false),
        ] {
            let wanted = INSPECTORS.iter().any(|i| wants(*i, path, b""));
            assert_eq!(wanted, owners, "{path}");
        }
    }

    const PIECES: &[&str] = &[
        "\n",
        " ",
        "%{",
        "}",
        "{",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\"a\": {:hex, :a, \"1.0.0\"",
        ":hex",
        ":git",
        ":\"a\"",
        "{pkg,",
        "<<\"",
        "\">>",
        "<<\"a\">>",
        "\\",
        "}.",
        "\"1.0.0\"",
        "\u{feff}",
        "é",
        "\0",
    ];

    proptest! {
        #[test]
        fn no_bytes_do_harm(bytes in soup(PIECES)) {
            inspect_all(INSPECTORS, &["mix.lock", "rebar.lock"], &bytes);
        }
    }
}
