//! Variables that say from where package managers take packages, and whether they look at what they get.
//!
//! - pip: <https://pip.pypa.io/en/stable/topics/configuration/#environment-variables>, uv:
//!   <https://docs.astral.sh/uv/reference/environment/>
//! - npm: <https://docs.npmjs.com/cli/v11/using-npm/config#environment-variables>
//! - Go: <https://go.dev/ref/mod#environment-variables>

use crate::component::Ecosystem;
use crate::inventory::npm::specifier::without_credentials;

use super::origin::{Origin, host, is_own_host, is_plain};

pub struct Variable {
    pub name: &'static str,
    pub ecosystem: Ecosystem,
    is_of: Meaning,
}

#[derive(Clone, Copy)]
enum Meaning {
    /// The addresses of indexes, separated by commas or bars.
    Indexes,
    /// An index beside the registry.
    Extra,
    /// Hosts whose connections are not verified, separated by commas or spaces.
    Unverified,
    /// Turns checks off with this value, or one of several that commas separate.
    Off(&'static str),
    /// Likewise, with this option among others, as Go writes it: with one line or two, and maybe a value.
    OffWith(&'static str),
}

pub const VARIABLES: [Variable; 15] = [
    variable("GOFLAGS", Ecosystem::Go, Meaning::OffWith("insecure")),
    variable("GOINSECURE", Ecosystem::Go, Meaning::Unverified),
    // Which modules Go's database of checksums is not asked about. To name one's own there is what they are for.
    variable("GONOSUMDB", Ecosystem::Go, Meaning::Off("*")),
    variable("GOPRIVATE", Ecosystem::Go, Meaning::Off("*")),
    variable("GOPROXY", Ecosystem::Go, Meaning::Indexes),
    variable("GOSUMDB", Ecosystem::Go, Meaning::Off("off")),
    variable("NPM_CONFIG_REGISTRY", Ecosystem::Npm, Meaning::Indexes),
    variable("npm_config_registry", Ecosystem::Npm, Meaning::Indexes),
    variable(
        "NPM_CONFIG_STRICT_SSL",
        Ecosystem::Npm,
        Meaning::Off("false"),
    ),
    variable(
        "npm_config_strict_ssl",
        Ecosystem::Npm,
        Meaning::Off("false"),
    ),
    variable("PIP_EXTRA_INDEX_URL", Ecosystem::PyPi, Meaning::Extra),
    variable("PIP_INDEX_URL", Ecosystem::PyPi, Meaning::Indexes),
    variable("PIP_TRUSTED_HOST", Ecosystem::PyPi, Meaning::Unverified),
    variable("UV_DEFAULT_INDEX", Ecosystem::PyPi, Meaning::Indexes),
    variable("UV_INDEX_URL", Ecosystem::PyPi, Meaning::Indexes),
];

const fn variable(name: &'static str, ecosystem: Ecosystem, is_of: Meaning) -> Variable {
    Variable {
        name,
        ecosystem,
        is_of,
    }
}

/// What a value is put together from when it is used, in a shell or by a template.
const REFERENCES: [char; 4] = ['$', '{', '<', '!'];

impl Variable {
    /// What it says with that value, behind which the rest of its line may stand.
    pub fn origin(&self, value: &str) -> Option<Origin> {
        let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ';' | '&' | '\\');
        let mut words = value.trim_start().split(ends);
        if let Meaning::OffWith(word) = self.is_of {
            let found = words.find(|option| turns_on(option, word))?;
            return Some(self.insecure(found));
        }
        let value = words.next().filter(|value| !value.is_empty())?;
        if value.starts_with(REFERENCES) {
            return None;
        }
        match self.is_of {
            Meaning::Indexes => {
                let plain = value.split([',', '|']).find(|index| is_plain(index))?;
                Some(self.insecure(plain))
            }
            Meaning::Extra => Some(Origin::Extra {
                setting: self.setting(value),
            }),
            Meaning::Unverified => {
                // Behind them another variable may be set.
                let more = words.take_while(|word| !word.contains('='));
                let mut hosts = std::iter::once(value)
                    .chain(more)
                    .flat_map(|word| word.split(','));
                let is_other = |name: &&str| {
                    !name.is_empty() && !name.starts_with(REFERENCES) && !is_own_host(host(name))
                };
                Some(self.insecure(hosts.find(is_other)?))
            }
            Meaning::Off(off) | Meaning::OffWith(off) => {
                let is_off = value.split(',').any(|value| value == off);
                is_off.then(|| self.insecure(off))
            }
        }
    }

    fn insecure(&self, value: &str) -> Origin {
        Origin::Insecure {
            setting: self.setting(value),
        }
    }

    fn setting(&self, value: &str) -> String {
        format!("{} {}", self.name, without_credentials(value))
    }
}

/// Whether it is the flag of that name, and not one that is turned off: <https://pkg.go.dev/flag#hdr-Command_line_flag_syntax>.
fn turns_on(option: &str, name: &str) -> bool {
    let flag = option.strip_prefix('-');
    let flag = flag.map(|flag| flag.strip_prefix('-').unwrap_or(flag));
    flag.and_then(|flag| flag.strip_prefix(name))
        .is_some_and(|value| matches!(value, "" | "=1" | "=t" | "=T" | "=true" | "=TRUE" | "=True"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(name: &str, value: &str) -> Option<String> {
        let variable = VARIABLES.iter().find(|variable| variable.name == name);
        match variable.unwrap().origin(value)? {
            Origin::Insecure { setting } => Some(setting),
            Origin::Extra { setting } => Some(format!("extra {setting}")),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn values_that_turn_checks_off_are_told_from_others() {
        for (name, value, expected) in [
            ("GOFLAGS", "\"-mod=mod -insecure\"", "GOFLAGS -insecure"),
            (
                "GOINSECURE",
                "git.example/own",
                "GOINSECURE git.example/own",
            ),
            ("GONOSUMDB", "* CGO_ENABLED=0", "GONOSUMDB *"),
            ("GOFLAGS", "--insecure", "GOFLAGS --insecure"),
            ("GOFLAGS", "-v -insecure=true", "GOFLAGS -insecure=true"),
            ("GOPRIVATE", "*,git.example", "GOPRIVATE *"),
            ("GOSUMDB", "off", "GOSUMDB off"),
            (
                "GOPROXY",
                "https://a.example,http://me:pw@b.example|direct",
                "GOPROXY http://b.example",
            ),
            (
                "PIP_INDEX_URL",
                "http://a.example/simple",
                "PIP_INDEX_URL http://a.example/simple",
            ),
            (
                "PIP_EXTRA_INDEX_URL",
                "https://a.example/simple",
                "extra PIP_EXTRA_INDEX_URL https://a.example/simple",
            ),
            (
                "PIP_TRUSTED_HOST",
                "a.example",
                "PIP_TRUSTED_HOST a.example",
            ),
            (
                "PIP_TRUSTED_HOST",
                "localhost pypi.example",
                "PIP_TRUSTED_HOST pypi.example",
            ),
            (
                "npm_config_strict_ssl",
                "false",
                "npm_config_strict_ssl false",
            ),
            (
                "NPM_CONFIG_STRICT_SSL",
                "false",
                "NPM_CONFIG_STRICT_SSL false",
            ),
        ] {
            assert_eq!(
                said(name, value).as_deref(),
                Some(expected),
                "{name}={value}"
            );
        }
        for (name, value) in [
            ("GOFLAGS", "-mod=vendor -trimpath"),
            ("GOFLAGS", "-insecure=false -x=-insecure"),
            ("PIP_TRUSTED_HOST", "localhost A=b.example"),
            ("PIP_TRUSTED_HOST", "localhost 127.0.0.1"),
            ("GOPRIVATE", "*.git.example,git.example/*"),
            ("GOINSECURE", ""),
            ("GOINSECURE", "$HOSTS"),
            ("GOINSECURE", "localhost:3000"),
            ("GONOSUMDB", "git.example/own/*"),
            ("GOPRIVATE", "git.example"),
            ("GOPROXY", "https://a.example,direct"),
            ("GOPROXY", "http://localhost:3000"),
            ("GOSUMDB", "sum.example"),
            ("PIP_INDEX_URL", "https://a.example/simple"),
            ("PIP_EXTRA_INDEX_URL", "${INDEX}"),
            ("NPM_CONFIG_STRICT_SSL", "true"),
        ] {
            assert_eq!(said(name, value), None, "{name}={value}");
        }
    }
}
