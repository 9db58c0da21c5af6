//! pip's settings: `pip.conf` and `pip.ini`, and the same as options in requirements files.
//!
//! <https://pip.pypa.io/en/stable/topics/configuration/>, <https://pip.pypa.io/en/stable/cli/pip_install/>.

use crate::component::{Ecosystem, Evidence};
use crate::finding::Location;
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::npm::specifier::without_credentials;
use crate::inventory::owner;
use crate::supply_chain::origin::{Origin, host, is_own_host, is_plain};

pub struct PipConf;

/// What a setting does, by its names as option and in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Index,
    Extra,
    Trusted,
}

const SETTINGS: [(&str, Kind); 7] = [
    ("-i", Kind::Index),
    ("index-url", Kind::Index),
    ("pypi-url", Kind::Index),
    ("-f", Kind::Index),
    ("find-links", Kind::Index),
    ("extra-index-url", Kind::Extra),
    ("trusted-host", Kind::Trusted),
];

/// A setting that says where packages come from.
pub struct Setting<'a> {
    pub name: &'static str,
    kind: Kind,
    value: &'a str,
}

/// Reads an option of a requirements file, whose value may be attached to it or the next word.
pub fn setting<'a>(word: &'a str, next: Option<&'a str>) -> Option<Setting<'a>> {
    let attached_to_short = || {
        let (name, value) = word.split_at_checked(2)?;
        (SETTINGS.iter().any(|(short, _)| *short == name) && !value.is_empty())
            .then(|| (name, Some(value.trim_start_matches('='))))
    };
    let (name, attached) = match word.split_once('=') {
        _ if let Some(attached) = attached_to_short() => attached,
        Some((name, value)) => (name, Some(value)),
        None => (word, None),
    };
    let name = name.strip_prefix("--").unwrap_or(name);
    let value = attached.or(next)?;
    let of = |&(known, kind): &(&'static str, Kind)| Setting {
        name: known,
        kind,
        value,
    };
    SETTINGS.iter().find(|(known, _)| *known == name).map(of)
}

impl Setting<'_> {
    /// None for a setting that brings no danger.
    pub fn origin(&self) -> Option<Origin> {
        let shown = match self.kind {
            Kind::Trusted => self.value.to_owned(),
            Kind::Index | Kind::Extra => without_credentials(self.value),
        };
        let setting = format!("{} {shown}", self.name);
        match self.kind {
            Kind::Trusted if is_own_host(host(self.value)) => None,
            Kind::Trusted => Some(Origin::Insecure { setting }),
            Kind::Index | Kind::Extra if is_plain(self.value) => Some(Origin::Insecure { setting }),
            Kind::Extra => Some(Origin::Extra { setting }),
            Kind::Index => None,
        }
    }
}

impl Inspector for PipConf {
    fn wants(&self, header: &Header) -> bool {
        matches!(header.path.file_name(), "pip.conf" | "pip.ini") && owner::is_owners(header.path)
    }

    /// The file is an INI file; a setting may have further values on lines that are indented.
    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let mut name = String::new();
        for (line, number) in entry.text()?.lines().zip(1..) {
            if line.trim_start().starts_with(['#', ';', '[']) {
                continue;
            }
            let value = match line.split_once(['=', ':']) {
                Some((key, value)) if !line.starts_with([' ', '\t']) => {
                    name = key.trim().to_ascii_lowercase().replace('_', "-");
                    value
                }
                _ => line,
            };
            for word in value.split_whitespace() {
                let origin = setting(&name, Some(word)).and_then(|setting| setting.origin());
                let location = Location::at_line(entry.path, number);
                seen.origin(Ecosystem::PyPi, &name, Evidence::Declared, origin, location);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, origins, wants};

    #[test]
    fn indexes_that_are_not_verified_or_stand_beside_the_registry_are_said() {
        let conf = "[global]\nindex-url = http://me:secret@pypi.example/simple\n# trusted-host = a.example\n\
            trusted-host =\n    a.example\n    localhost:3141\nextra-index-url = https://b.example/simple\n\
            timeout = 60\nno-index = true\nIndex_URL: http://c.example/simple\n";
        let seen = inspect(&PipConf, "etc/pip.conf", conf).unwrap();
        let expected = [
            "index-url declared etc/pip.conf:2 Insecure { setting: \"index-url http://pypi.example/simple\" }",
            "trusted-host declared etc/pip.conf:5 Insecure { setting: \"trusted-host a.example\" }",
            "extra-index-url declared etc/pip.conf:7 Extra { setting: \"extra-index-url https://b.example/simple\" }",
            "index-url declared etc/pip.conf:10 Insecure { setting: \"index-url http://c.example/simple\" }",
        ];
        assert_eq!(origins(&seen), expected);
    }

    #[test]
    fn the_one_index_over_a_verified_connection_is_no_matter() {
        let conf = "[global]\nindex-url = https://pypi.example/simple\nfind-links = ./wheels\n";
        let seen = inspect(&PipConf, "pip.conf", conf).unwrap();
        assert!(seen.origins.is_empty(), "{:?}", seen.origins);
    }

    #[test]
    fn values_are_attached_to_options_or_follow_them() {
        let value = |word, next| setting(word, next).map(|setting| (setting.name, setting.value));
        let address = "http://a.example/?x=1";
        for (word, next, name) in [
            ("-ihttp://a.example/?x=1", None, "-i"),
            ("-i=http://a.example/?x=1", None, "-i"),
            ("-fhttp://a.example/?x=1", Some("x"), "-f"),
            ("-i", Some(address), "-i"),
            ("--index-url=http://a.example/?x=1", None, "index-url"),
        ] {
            assert_eq!(value(word, next), Some((name, address)), "{word}");
        }
        assert_eq!(value("--isolated", Some(address)), None);
        assert_eq!(value("-rfile.txt", Some(address)), None);
        assert_eq!(value("é", None), None);
    }

    #[test]
    fn settings_of_installed_packages_are_not_wanted() {
        assert!(wants(&PipConf, "pip.ini", b""));
        assert!(!wants(&PipConf, "node_modules/a/pip.conf", b""));
    }
}
