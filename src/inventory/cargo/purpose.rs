//! What crates are for, which a lock file does not say: whether they only run while others are built, and for which
//! systems they are.
//!
//! The tables hold facts about published crates: the kinds and targets of dependencies in their manifests, and what their
//! names say. <https://doc.rust-lang.org/cargo/reference/specifying-dependencies.html>

use crate::inventory::binary::Platform;

/// What every procedural macro but the smallest is made with.
const MACRO_TOOLS: &[&str] = &["proc-macro2", "quote", "syn"];

/// Procedural macros that are made without.
const MACROS: &[&str] = &[
    "const-random-macro",
    "displaydoc",
    "jni-sys-macros",
    "multiversion_no_op",
    "paste",
    "pastey",
    "proc-macro-crate",
    "proc-macro-error-attr",
    "proc-macro-error-attr2",
    "proc-macro-hack",
    "proc-macro-nested",
    "proc-macro2",
    "quote",
    "rustversion",
    "seq-macro",
    "syn",
    "time-macros",
    "time-macros-impl",
    "unicode-xid",
    "wasm-bindgen-macro",
];

/// Crates that build scripts and builds for tests use, and programs do not.
const BUILD_TOOLS: &[&str] = &[
    "autocfg",
    "autotools",
    "bindgen",
    "built",
    "cargo_metadata",
    "cbindgen",
    "cc",
    "cfg_aliases",
    "cmake",
    "cxx-build",
    "embed-resource",
    "find-msvc-tools",
    "generator",
    "jobserver",
    "lalrpop",
    "loom",
    "napi-build",
    "openssl-src",
    "peg-macros",
    "phf_codegen",
    "pkg-config",
    "prost-build",
    "protobuf-codegen",
    "protobuf-src",
    "protoc-bin-vendored",
    "pyo3-build-config",
    "python3-dll-a",
    "rustc_version",
    "rustc_version_runtime",
    "shadow-rs",
    "skeptic",
    "string_cache_codegen",
    "tonic-build",
    "valuable",
    "vcpkg",
    "vergen",
    "version_check",
    "winres",
    "winresource",
];

/// Words in the names of crates that are for one kind of system.
const WORDS_OF_SYSTEMS: &[(&str, &[Platform])] = &[
    ("windows", &[Platform::Windows]),
    ("winapi", &[Platform::Windows]),
    ("winreg", &[Platform::Windows]),
    ("wincon", &[Platform::Windows]),
    ("win32", &[Platform::Windows]),
    ("kernel32", &[Platform::Windows]),
    ("advapi32", &[Platform::Windows]),
    ("ws2_32", &[Platform::Windows]),
    ("schannel", &[Platform::Windows]),
    ("miow", &[Platform::Windows]),
    ("wepoll", &[Platform::Windows]),
    ("apple", &[Platform::Apple]),
    ("macos", &[Platform::Apple]),
    ("mach2", &[Platform::Apple]),
    ("fsevent", &[Platform::Apple]),
    ("objc", &[Platform::Apple]),
    ("objc2", &[Platform::Apple]),
    ("cocoa", &[Platform::Apple]),
    ("kqueue", &[Platform::Apple]),
    ("inotify", &[Platform::Unix]),
    ("epoll", &[Platform::Unix]),
    ("procfs", &[Platform::Unix]),
    ("rustix", &[Platform::Unix, Platform::Apple]),
    ("nix", &[Platform::Unix, Platform::Apple]),
    ("xattr", &[Platform::Unix, Platform::Apple]),
    ("linux", &[Platform::Unix]),
    ("android", &[]),
    ("ndk", &[]),
    ("jni", &[]),
    ("fuchsia", &[]),
    ("haiku", &[]),
    ("hermit", &[]),
    ("redox", &[]),
    ("libredox", &[]),
    ("orbclient", &[]),
    ("uefi", &[]),
    ("efi", &[]),
    ("wasi", &[]),
    ("wasip2", &[]),
    ("wasip3", &[]),
    ("wasite", &[]),
    ("wasm", &[]),
    ("js", &[]),
    ("web", &[]),
    ("stdweb", &[]),
    ("gloo", &[]),
    ("wit", &[]),
];

/// Whole names of the same kind.
const CRATES_OF_SYSTEMS: &[(&str, &[Platform])] = &[
    ("core-foundation", &[Platform::Apple]),
    ("core-foundation-sys", &[Platform::Apple]),
    ("once_cell_polyfill", &[Platform::Windows]),
    ("rand_hc", &[]),
    ("security-framework", &[Platform::Apple]),
    ("security-framework-sys", &[Platform::Apple]),
    ("signal-hook-registry", &[Platform::Unix, Platform::Apple]),
    ("system-configuration", &[Platform::Apple]),
    ("system-configuration-sys", &[Platform::Apple]),
    ("webpki-root-certs", &[]),
    ("io-uring", &[]),
];

/// Whether a crate only runs while others are built.
pub fn is_of_builds<'a>(name: &str, mut needs: impl Iterator<Item = &'a str>) -> bool {
    MACROS.contains(&name)
        || BUILD_TOOLS.contains(&name)
        || needs.any(|need| MACRO_TOOLS.contains(&need))
}

/// Whether a crate can be in a program for that system.
pub fn is_for(name: &str, platform: Platform) -> bool {
    let whole = CRATES_OF_SYSTEMS.iter().find(|(known, _)| *known == name);
    let by_word = || {
        let mut words = name.split(['-', '_']);
        let row = |word| WORDS_OF_SYSTEMS.iter().find(|(known, _)| *known == word);
        words.find_map(row)
    };
    let row = whole.or_else(by_word);
    row.is_none_or(|(_, platforms)| platforms.contains(&platform))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_for_which_system_a_crate_is() {
        for (name, platforms) in [
            ("windows_x86_64_msvc", &[Platform::Windows][..]),
            ("winapi-util", &[Platform::Windows]),
            ("system-configuration-sys", &[Platform::Apple]),
            ("iana-time-zone-haiku", &[]),
            ("wasm-bindgen", &[]),
            ("linux-raw-sys", &[Platform::Unix]),
            (
                "webpki",
                &[Platform::Unix, Platform::Windows, Platform::Apple],
            ),
        ] {
            for platform in [Platform::Unix, Platform::Windows, Platform::Apple] {
                assert_eq!(
                    is_for(name, platform),
                    platforms.contains(&platform),
                    "{name}"
                );
            }
        }
    }

    #[test]
    fn macros_are_known_by_what_they_are_made_with() {
        assert!(is_of_builds("any-derive", ["proc-macro2"].into_iter()));
        assert!(is_of_builds("paste", [].into_iter()));
        assert!(is_of_builds("cc", ["shlex"].into_iter()));
        assert!(!is_of_builds("libc", [].into_iter()));
    }
}
