//! Variables that make every process of some kind load code, and those that say where packages come from, where images, deployment files and scripts set them.
//!
//! - Image configurations: <https://github.com/opencontainers/image-spec/blob/main/config.md>
//! - `PYTHONSTARTUP`: <https://docs.python.org/3/using/cmdline.html>, `NODE_OPTIONS`:
//!   <https://nodejs.org/api/cli.html>, `LD_PRELOAD`: ld.so(8), `AWS_LAMBDA_EXEC_WRAPPER`:
//!   <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html>

use memchr::memmem;
use serde::Deserialize;

use crate::component::Evidence;
use crate::finding::{EntryPath, Location, Severity};
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::owner;

use super::index_variables::VARIABLES as INDEX_VARIABLES;
use super::python_hooks::shown;
use super::{Sighting, rules};

struct Variable {
    name: &'static str,
    severity: Severity,
    /// What its value must hold to make anything load; any value does where that is empty.
    options: &'static [&'static str],
}

const VARIABLES: [Variable; 4] = [
    Variable {
        name: "LD_PRELOAD",
        severity: Severity::Medium,
        options: &[],
    },
    Variable {
        name: "NODE_OPTIONS",
        severity: Severity::Medium,
        options: &[
            "--require",
            "-r",
            "--import",
            "--loader",
            "--experimental-loader",
        ],
    },
    Variable {
        name: "PYTHONSTARTUP",
        severity: Severity::Low,
        options: &[],
    },
    // How vendors have their layers trace a function.
    Variable {
        name: "AWS_LAMBDA_EXEC_WRAPPER",
        severity: Severity::Low,
        options: &[],
    },
];

impl Variable {
    fn loads(&self, value: &str) -> bool {
        let is_option = |word: &str| {
            let name = word.split('=').next().unwrap_or_default();
            self.options.contains(&name)
        };
        let mut words = value.split([' ', '\t', '"', '\'']);
        match self.options {
            [] => !value.is_empty(),
            _ => words.any(is_option),
        }
    }

    fn sighting(&self, location: Location, value: &str) -> Sighting {
        Sighting {
            severity: self.severity,
            published: Some(Severity::Info),
            ..Sighting::of(
                &rules::ENVIRONMENT,
                location,
                format!("{} is {}", self.name, shown(value)),
            )
        }
    }
}

/// The configuration of a container image.
pub struct ImageConfig;

#[derive(Deserialize)]
struct Config {
    config: Option<Process>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Process {
    env: Option<Vec<String>>,
}

impl Inspector for ImageConfig {
    /// A blob, or `HEX.json` as older tools save it.
    fn wants(&self, header: &Header) -> bool {
        let inner = header.path.inner();
        let is_at_root = inner.ends_with(".json") && !inner.contains('/') && inner.len() >= 64;
        (is_at_root || inner.starts_with("blobs/")) && header.first_bytes.starts_with(b"{")
    }

    /// Other documents of images, and other software's, are left alone.
    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        if memmem::find(entry.bytes, b"\"rootfs\"").is_none() {
            return Ok(());
        }
        let Ok(Config {
            config: Some(Process { env: Some(env) }),
        }) = serde_json::from_slice(entry.bytes)
        else {
            return Ok(());
        };
        for row in &env {
            let Some((name, value)) = row.split_once('=') else {
                continue;
            };
            let location = Location::from(entry.path.clone());
            let variable = INDEX_VARIABLES.iter().find(|index| index.name == name);
            if let Some(index) = variable {
                let (declared, origin) = (Evidence::Declared, index.origin(value));
                seen.origin(index.ecosystem, name, declared, origin, location.clone());
            }
            let variable = VARIABLES.iter().find(|variable| variable.name == name);
            if let Some(variable) = variable.filter(|variable| variable.loads(value)) {
                seen.supply
                    .sightings
                    .push(variable.sighting(location, value));
            }
        }
        Ok(())
    }
}

/// Deployment files, environment files and scripts of the function's own.
pub struct Settings;

/// What the names of such files end with.
const SETTINGS_SUFFIXES: [&str; 8] = [
    ".env",
    ".yml",
    ".yaml",
    ".sh",
    ".tf",
    ".bash",
    "template.json",
    "serverless.json",
];

impl Inspector for Settings {
    fn wants(&self, header: &Header) -> bool {
        is_settings(header) && owner::is_owners(header.path)
    }

    fn max_size(&self) -> u64 {
        u64::MAX
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        for index in &INDEX_VARIABLES {
            let mut set = values(entry.bytes, index.name);
            let found = set.find_map(|(at, value)| Some((at, index.origin(&value)?)));
            if let Some((at, origin)) = found {
                let location = Location::at_line(entry.path, line(entry.bytes, at));
                let (declared, origin) = (Evidence::Declared, Some(origin));
                seen.origin(index.ecosystem, index.name, declared, origin, location);
            }
        }
        for variable in &VARIABLES {
            let mut set =
                values(entry.bytes, variable.name).filter(|(_, value)| variable.loads(value));
            if let Some((at, value)) = set.next() {
                let location = Location::at_line(entry.path, line(entry.bytes, at));
                seen.supply
                    .sightings
                    .push(variable.sighting(location, &value));
            }
        }
        Ok(())
    }
}

/// Where a text sets the variable, and to what.
fn values<'a>(text: &'a [u8], name: &'a str) -> impl Iterator<Item = (usize, String)> + 'a {
    let found = memmem::find_iter(text, name);
    found.filter_map(move |at| Some((at, value(text, at, name)?)))
}

fn is_settings(header: &Header) -> bool {
    let path: &EntryPath = header.path;
    let inner = path.inner();
    let is_script = || header.first_bytes.starts_with(b"#!");
    SETTINGS_SUFFIXES
        .iter()
        .any(|suffix| inner.ends_with(suffix))
        || {
            let name = path.file_name();
            name.starts_with(".env.")
                || name.starts_with("Dockerfile")
                || (name == "bootstrap" && is_script())
        }
}

fn line(bytes: &[u8], at: usize) -> u32 {
    let before = memchr::memchr_iter(b'\n', &bytes[..at]).count();
    u32::try_from(before + 1).unwrap_or(u32::MAX)
}

/// Bytes of a line on either side of a name that are looked at. Nobody sets a longer value by hand.
const NEAR: usize = 4 * 1024;

/// What a line sets the variable at `at` to; none where it only names it. YAML, JSON, shell, Terraform and
/// Dockerfiles: `NAME: value`, `"NAME": "value"`, `export NAME=value`, `NAME = "value"`, `ENV NAME value`.
fn value(bytes: &[u8], at: usize, name: &str) -> Option<String> {
    let is_whole = match bytes[..at].last() {
        Some(before) => b" \t\r\n\"'{,;&".contains(before),
        None => true,
    };
    if !is_whole {
        return None;
    }
    let before = &bytes[at.saturating_sub(NEAR)..at];
    let before = &before[memchr::memrchr(b'\n', before).map_or(0, |end| end + 1)..];
    let rest = &bytes[at + name.len()..];
    let rest = &rest[..rest.len().min(NEAR)];
    let rest = &rest[..memchr::memchr(b'\n', rest).unwrap_or(rest.len())];
    let before = String::from_utf8_lossy(before);
    let rest = String::from_utf8_lossy(rest);
    let before = before.trim_start();
    let is_comment =
        before.starts_with(['#', ';']) || before.starts_with("//") || before.contains(" #");
    if is_comment {
        return None;
    }
    // A shell's way to take it away: `NAME= command`.
    if rest.starts_with("= ") {
        return None;
    }
    let after = rest.trim_start_matches(['"', '\'']).trim_start();
    let value = match after.strip_prefix([':', '=']) {
        // Not a comparison: `==`.
        Some(value) if !value.starts_with('=') => value,
        None if before.starts_with("ENV ") && rest.starts_with(' ') => after,
        _ => return None,
    };
    let value = value.trim().trim_end_matches([',', '\\']).trim_end();
    Some(value.trim_matches(['"', '\'']).trim().to_owned())
}
