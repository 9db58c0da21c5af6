//! Packagist: what Composer is asked for, locks and installs.

mod composer_json;
mod composer_lock;
mod installed_json;

use serde::Deserialize;

use crate::component::{Ecosystem, Evidence};
use crate::inspect::{Entry, Inspector, Observations};
use crate::inventory::lenient::{Lenient, Text};

pub const INSPECTORS: &[&dyn Inspector] = &[
    &installed_json::InstalledJson,
    &composer_lock::ComposerLock,
    &composer_json::ComposerJson,
];

/// Those that read a lock file.
pub const LOCKS: &[&dyn Inspector] = &[&composer_lock::ComposerLock];

/// A package as Composer writes it down: <https://getcomposer.org/doc/04-schema.md>.
#[derive(Deserialize)]
struct Package {
    #[serde(default)]
    name: Text,
    #[serde(default)]
    version: Text,
    #[serde(default, rename = "type")]
    kind: Text,
    #[serde(default)]
    dist: Lenient<Dist>,
}

#[derive(Deserialize)]
struct Dist {
    #[serde(default, rename = "type")]
    kind: Text,
}

impl Package {
    /// A package from a folder of the project is none of others, and there is no code of one that only asks for more.
    fn observe(self, entry: &Entry, seen: &mut Observations, evidence: Evidence) {
        let dist = self.dist.map().and_then(|dist| dist.kind.text());
        let kind = self.kind.text();
        let is_local = dist.as_deref() == Some("path");
        let is_empty = kind.as_deref() == Some("metapackage");
        if let (Some(name), false) = (self.name.text(), is_local || is_empty) {
            let version = self.version.text().unwrap_or_default();
            let location = entry.path.clone();
            seen.stated(Ecosystem::Packagist, name, &version, evidence, location);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::INSPECTORS;
    use crate::inventory::testing::{inspect_all, soup};

    const PATHS: &[&str] = &[
        "composer.json",
        "composer.lock",
        "vendor/composer/installed.json",
    ];

    const PIECES: &[&str] = &[
        "{",
        "}",
        "[",
        "]",
        "\"",
        ",",
        ":",
        "{\"packages\": [",
        "\"packages-dev\":",
        "\"require\":",
        "\"a/b\"",
        "\"name\": \"a/b\"",
        "\"version\": \"v1.0\"",
        "\"dev-main\"",
        "\"dist\": {",
        "\"type\": \"path\"",
        "null",
        "1",
        "\\u0000",
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
