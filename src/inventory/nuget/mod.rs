//! NuGet: what projects ask for, what is locked, packages that are brought along, and those of published programs.

pub mod assemblies;
mod assembly;
mod cli_metadata;
mod deps_json;
mod known_packages;
mod nuspec;
mod packages_config;
mod packages_lock;
mod project_assets;
mod project_file;
#[cfg(test)]
mod testing;
mod version_resource;

pub use assembly::Assembly;

use crate::inspect::Inspector;

pub const INSPECTORS: &[&dyn Inspector] = &[
    &deps_json::DepsJson,
    &nuspec::Nuspec,
    &packages_lock::PackagesLock,
    &project_assets::ProjectAssets,
    &packages_config::PackagesConfig,
    &project_file::ProjectFile,
];

/// Those that read a lock file: packages.config lists every package in one version, as a lock file does.
pub const LOCKS: &[&dyn Inspector] = &[
    &packages_lock::PackagesLock,
    &project_assets::ProjectAssets,
    &packages_config::PackagesConfig,
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::INSPECTORS;
    use crate::inventory::testing::{inspect_all, soup};

    const PATHS: &[&str] = &[
        "packages.lock.json",
        "obj/project.assets.json",
        "packages.config",
        "fn.csproj",
        "Directory.Packages.props",
        "a/1.0.0/a.nuspec",
    ];

    const PIECES: &[&str] = &[
        "<",
        ">",
        "/>",
        "</",
        "<a>",
        "</a>",
        "<packages>",
        "</packages>",
        "<package id='a' version='1.0'/>",
        "<Project>",
        "</Project>",
        "<ItemGroup>",
        "</ItemGroup>",
        "<PackageReference Include='a'",
        "<Version>",
        "</Version>",
        "<metadata>",
        "<id>a</id>",
        "<version>1.0.0</version>",
        "&amp;",
        "<![CDATA[",
        "]]>",
        "<!--",
        "-->",
        "<?",
        "?>",
        "<!DOCTYPE",
        "'",
        "\"",
        "=",
        "1.0",
        "[1.0,2.0)",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"dependencies\":",
        "\"libraries\":",
        "\"a/1.0\":",
        "\"type\":",
        "\"package\"",
        "\"resolved\":",
        "\"1.0\"",
        "\n",
        "\u{feff}",
        "é",
        "\0",
    ];

    proptest! {
        #[test]
        fn no_bytes_do_harm(bytes in soup(PIECES)) {
            inspect_all(INSPECTORS, PATHS, &bytes);
        }
    }
}
