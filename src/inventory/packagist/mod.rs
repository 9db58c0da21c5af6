//! Packagist: what Composer is asked for, locks and installs.

mod composer_json;
mod composer_lock;
mod installed_json;

use serde::Deserialize;

use crate::component::{Ecosystem, Evidence};
use crate::finding::Location;
use crate::inspect::{Entry, Inspector, Observations};
use crate::inventory::lenient::{Lenient, Text};
use crate::inventory::npm::specifier::without_credentials;
use crate::supply_chain::origin::{Keys, Origin, is_commit, is_plain, leads_outside};

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
    dist: Lenient<Source>,
    #[serde(default)]
    source: Lenient<Source>,
}

/// Where a package is fetched from: an archive, or a repository.
#[derive(Deserialize)]
struct Source {
    #[serde(default, rename = "type")]
    kind: Text,
    #[serde(default)]
    url: Text,
    /// Of an archive. Those that forges make of a commit have none.
    #[serde(default)]
    shasum: Text,
    /// Of a repository.
    #[serde(default)]
    reference: Text,
}

impl Package {
    /// A package from a folder of the project is none of others, and there is no code of one that only asks for more.
    fn observe(self, entry: &Entry, keys: &mut Keys, seen: &mut Observations, evidence: Evidence) {
        let origin = self.origin(entry.path.parent());
        let is_local = self.dist.as_map().is_some_and(Source::is_folder);
        let is_empty = self.kind.as_text() == Some("metapackage");
        let Some(name) = self.name.text() else {
            return;
        };
        if origin.is_some() {
            let mut location = Location::from(entry.path.clone());
            location.line = keys.line("name", &name);
            seen.origin(Ecosystem::Packagist, &name, evidence, origin, location);
        }
        if is_local {
            let own = (entry.path.clone(), name);
            seen.supply.own_packages.push(own);
        } else if !is_empty {
            let version = self.version.text().unwrap_or_default();
            let location = entry.path.clone();
            seen.stated(Ecosystem::Packagist, name, &version, evidence, location);
        }
    }

    /// Composer takes the archive, if there is one. Whether the address is a registry's, nothing tells.
    fn origin(&self, folder: &str) -> Option<Origin> {
        let (source, is_archive) = match (self.dist.as_map(), self.source.as_map()) {
            (Some(dist), _) => (dist, true),
            (None, source) => (source?, false),
        };
        let url = source.url.as_text()?;
        if source.is_folder() {
            return leads_outside(folder, url);
        }
        let held = match is_archive {
            true => source.shasum.as_text().is_some(),
            false => source.reference.as_text().is_some_and(is_commit),
        };
        let address = without_credentials(url);
        is_plain(url).then_some(Origin::Plain { address, held })
    }
}

impl Source {
    fn is_folder(&self) -> bool {
        self.kind.as_text() == Some("path")
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
        "\"type\": \"vcs\"",
        "\"url\": \"http://a.example\"",
        "\"repositories\": {",
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
