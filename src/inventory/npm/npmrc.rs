//! Settings of npm and Yarn: `.npmrc`, `.yarnrc` and `.yarnrc.yml`.
//!
//! <https://docs.npmjs.com/cli/v11/configuring-npm/npmrc>, <https://classic.yarnpkg.com/lang/en/docs/yarnrc/>,
//! <https://yarnpkg.com/configuration/yarnrc>.

use super::specifier::without_credentials;
use crate::component::{Ecosystem, Evidence};
use crate::finding::Location;
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::owner;
use crate::supply_chain::origin::{Origin, is_plain};

pub struct Npmrc;

/// Settings that turn off the look at certificates, with the value that does it.
const UNVERIFIED: [(&str, &str); 2] = [("strict-ssl", "false"), ("enableStrictSsl", "false")];

impl Inspector for Npmrc {
    fn wants(&self, header: &Header) -> bool {
        let name = header.path.file_name();
        matches!(name, ".npmrc" | ".yarnrc" | ".yarnrc.yml") && owner::is_owners(header.path)
    }

    /// A setting stands on one line in all of them: `key=value`, `key "value"`, `key: value`.
    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        for (line, number) in entry.text()?.lines().zip(1..) {
            let line = line.trim();
            if line.starts_with(['#', ';']) {
                continue;
            }
            // The scope of a registry ends with a colon of its own: `@scope:registry=…`.
            let Some((key, value)) = line
                .split_once('=')
                .or_else(|| line.split_once(": "))
                .or_else(|| line.split_once(' '))
            else {
                continue;
            };
            let key = key.trim().trim_matches('"');
            let location = Location::at_line(entry.path, number);
            let origin = origin(key, value.trim().trim_matches(['"', '\'']));
            seen.origin(Ecosystem::Npm, key, Evidence::Declared, origin, location);
        }
        Ok(())
    }
}

fn origin(key: &str, value: &str) -> Option<Origin> {
    let is_registry = key == "registry" || key.ends_with(":registry") || key == "npmRegistryServer";
    let is_insecure = (is_registry && is_plain(value)) || UNVERIFIED.contains(&(key, value));
    is_insecure.then(|| Origin::Insecure {
        setting: format!("{key} {}", without_credentials(value)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, origins, wants};

    #[test]
    fn registries_over_plain_connections_are_said() {
        for (path, text, expected) in [
            (
                ".npmrc",
                "; registry=http://a.example\nregistry = http://me:pw@a.example/\n",
                "registry http://a.example/",
            ),
            (
                ".npmrc",
                "\n@own:registry=http://a.example/",
                "@own:registry http://a.example/",
            ),
            (".npmrc", "\nstrict-ssl=false", "strict-ssl false"),
            (
                "api/.yarnrc",
                "\nregistry \"http://a.example\"",
                "registry http://a.example",
            ),
            (
                ".yarnrc.yml",
                "\nnpmRegistryServer: \"http://a.example\"",
                "npmRegistryServer http://a.example",
            ),
        ] {
            let seen = inspect(&Npmrc, path, text).unwrap();
            let key = expected.split(' ').next().unwrap();
            let row = format!("{key} declared {path}:2 Insecure {{ setting: {expected:?} }}");
            assert_eq!(origins(&seen), [row]);
        }
    }

    #[test]
    fn other_settings_are_no_matter() {
        let text = "registry=https://a.example\n//a.example/:_authToken=x\nproxy=http://p.example\n\
            @own:registry=http://localhost:4873\nstrict-ssl=true\n";
        let seen = inspect(&Npmrc, ".npmrc", text).unwrap();
        assert!(seen.origins.is_empty(), "{:?}", seen.origins);
        assert!(!wants(&Npmrc, "node_modules/a/.npmrc", b""));
    }
}
