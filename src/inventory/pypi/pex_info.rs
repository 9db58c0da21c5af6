//! `PEX-INFO`: what a pex says of itself, <https://docs.pex-tool.org/api/vars.html>.
//!
//! It names each wheel that was installed into the pex under `.deps/`. Where nobody stripped them, their own metadata lie
//! there too.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::component::{Ecosystem, Evidence};
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::read;

use super::archive_name;

pub struct PexInfo;

/// The keys are the names of wheels, the values their digests.
#[derive(Deserialize)]
struct Info {
    #[serde(default)]
    distributions: BTreeMap<String, IgnoredAny>,
}

impl Inspector for PexInfo {
    fn wants(&self, header: &Header) -> bool {
        header.path.file_name() == "PEX-INFO"
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let info: Info = read::json(entry)?;
        for wheel in info.distributions.keys() {
            if let Some((name, version)) = archive_name::wheel(wheel) {
                let location = entry.path.clone();
                seen.component(Ecosystem::PyPi, name, version, Evidence::Embedded, location);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, rows, wants};

    #[test]
    fn every_distribution_of_a_pex_counts() {
        let text = r#"{"distributions": {"foo_bar-1.0-py3-none-any.whl": "abc", "b-2.0-1-py3-none-any.whl": "d", "x": "e"},
                       "requirements": ["foo-bar"], "entry_point": "app"}"#;
        let seen = inspect(&PexInfo, "PEX-INFO", text).unwrap();
        assert_eq!(
            rows(&seen),
            ["b 2.0 embedded PEX-INFO", "foo_bar 1.0 embedded PEX-INFO"]
        );
    }

    #[test]
    fn a_broken_file_is_an_error() {
        assert!(inspect(&PexInfo, "PEX-INFO", "{").is_err());
        assert!(inspect(&PexInfo, "a/PEX-INFO", "{}").is_ok());
        assert!(!wants(&PexInfo, "PEX-INFO.txt", b""));
    }
}
