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

use super::assignments::{self, Form, MAX_PLACES, NEAR};
use super::index_variables::VARIABLES as INDEX_VARIABLES;
use super::python_hooks::shown;
use super::{Sighting, rules};

struct Variable {
    name: &'static str,
    severity: Severity,
    /// What its value must hold to make anything load; any value does where that is empty.
    options: &'static [&'static str],
    /// How the names of libraries begin that people load by it to be quicker.
    allocators: &'static [&'static str],
}

const VARIABLES: [Variable; 4] = [
    Variable {
        name: "LD_PRELOAD",
        severity: Severity::Medium,
        options: &[],
        allocators: &["libjemalloc", "libmimalloc", "libtcmalloc"],
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
        allocators: &[],
    },
    Variable {
        name: "PYTHONSTARTUP",
        severity: Severity::Low,
        options: &[],
        allocators: &[],
    },
    // How vendors have their layers trace a function.
    Variable {
        name: "AWS_LAMBDA_EXEC_WRAPPER",
        severity: Severity::Low,
        options: &[],
        allocators: &[],
    },
];

impl Variable {
    fn loads(&self, value: &str) -> bool {
        let is_option = |word: &str| {
            let name = word.split('=').next().unwrap_or_default();
            // To Node.js both signs are one in long names.
            let name = match name.strip_prefix("--") {
                Some(long) => format!("--{}", long.replace('_', "-")),
                None => name.to_owned(),
            };
            self.options.contains(&&*name)
        };
        let mut words = value.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\''));
        match self.options {
            [] => !value.is_empty(),
            _ => words.any(is_option),
        }
    }

    /// Whether all that it loads are allocators, or what a command finds of one: `$(find /usr/lib -name libjemalloc.so.2)`.
    fn is_allocator(&self, value: &str) -> bool {
        let command = value.strip_prefix("$(").and_then(|v| v.strip_suffix(')'));
        let files = command.unwrap_or(value).split([' ', '\t', ':', '"']);
        let mut files = files
            .filter(|file| !file.is_empty() && (command.is_none() || file.contains(".so")))
            .peekable();
        let is_one = |file: &str| {
            let name = file.rsplit('/').next().unwrap_or_default();
            self.allocators.iter().any(|start| name.starts_with(start))
        };
        files.peek().is_some() && files.all(is_one)
    }

    fn sighting(&self, location: Location, value: &str) -> Sighting {
        let severity = match self.is_allocator(value) {
            true => Severity::Low,
            false => self.severity,
        };
        Sighting {
            severity,
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
const SUFFIXES: [(&str, Form); 10] = [
    (".env", Form::Dotenv),
    (".yml", Form::Data),
    (".yaml", Form::Data),
    (".sh", Form::Shell),
    (".tf", Form::Data),
    (".bash", Form::Shell),
    ("template.json", Form::Data),
    ("serverless.json", Form::Data),
    (".dockerfile", Form::Dockerfile),
    (".containerfile", Form::Dockerfile),
];
/// What they begin with.
const PREFIXES: [(&str, Form); 3] = [
    (".env.", Form::Dotenv),
    ("Dockerfile", Form::Dockerfile),
    ("Containerfile", Form::Dockerfile),
];

impl Inspector for Settings {
    fn wants(&self, header: &Header) -> bool {
        form(header.path).is_some()
            && (header.path.file_name() != "bootstrap" || header.first_bytes.starts_with(b"#!"))
            && owner::is_owners(header.path)
    }

    /// More than any has, as the whole of it is searched for a few names alone.
    fn max_size(&self) -> u64 {
        64 * 1024 * 1024
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let Some(form) = form(entry.path) else {
            return Ok(());
        };
        let mut problem = None;
        for index in &INDEX_VARIABLES {
            match first(entry.bytes, index.name, form, |value| index.origin(value)) {
                Search::Found(at, origin) => {
                    let location = Location::at_line(entry.path, line(entry.bytes, at));
                    let (declared, origin) = (Evidence::Declared, Some(origin));
                    seen.origin(index.ecosystem, index.name, declared, origin, location);
                }
                Search::Nothing => {}
                Search::Unread(message) => problem = Some(message),
            }
        }
        for variable in &VARIABLES {
            let loads = |value: &str| variable.loads(value).then(|| value.to_owned());
            match first(entry.bytes, variable.name, form, loads) {
                Search::Found(at, value) => {
                    let location = Location::at_line(entry.path, line(entry.bytes, at));
                    let sighting = variable.sighting(location, &value);
                    seen.supply.sightings.push(sighting);
                }
                Search::Nothing => {}
                Search::Unread(message) => problem = Some(message),
            }
        }
        match problem {
            Some(message) => Err(Unreadable::new(message)),
            None => Ok(()),
        }
    }
}

/// What came of the search for a variable.
enum Search<T> {
    Found(usize, T),
    Nothing,
    /// Nothing in what was looked at, and why that is not all.
    Unread(String),
}

/// Where a text first sets the variable to something that `read` makes something of.
fn first<T>(
    text: &[u8],
    name: &'static str,
    form: Form,
    read: impl Fn(&str) -> Option<T>,
) -> Search<T> {
    let mut places = assignments::places(text, name);
    let mut is_cut = false;
    let found = places.by_ref().take(MAX_PLACES).find_map(|at| {
        let setting = assignments::value(text, at, name, form)?;
        let found = read(&setting.value);
        is_cut |= setting.is_cut && found.is_none();
        Some((at, found?))
    });
    match found {
        Some((at, found)) => Search::Found(at, found),
        None if places.next().is_some() => Search::Unread(format!(
            "names {name} more than {MAX_PLACES} times: the rest was not looked at"
        )),
        None if is_cut => Search::Unread(format!(
            "sets {name} to more than {NEAR} bytes: the rest was not looked at"
        )),
        None => Search::Nothing,
    }
}

/// How a file of that name sets variables, if it does.
fn form(path: &EntryPath) -> Option<Form> {
    let name = path.file_name();
    let ends = |suffix: &str| {
        let start = name.len().checked_sub(suffix.len());
        start
            .and_then(|start| name.get(start..))
            .is_some_and(|end| end.eq_ignore_ascii_case(suffix))
    };
    let begins = |prefix: &str| {
        name.get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    if name == "bootstrap" {
        return Some(Form::Shell);
    }
    let by_start = PREFIXES.iter().find(|(prefix, _)| begins(prefix));
    let by_end = || SUFFIXES.iter().find(|(suffix, _)| ends(suffix));
    by_start.or_else(by_end).map(|(_, form)| *form)
}

fn line(bytes: &[u8], at: usize) -> u32 {
    let before = memchr::memchr_iter(b'\n', &bytes[..at]).count();
    u32::try_from(before + 1).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::testing::{inspect, wants};

    #[test]
    fn files_that_set_variables_are_known_by_their_names() {
        for path in [
            "Dockerfile",
            "dockerfile.prod",
            "Containerfile",
            "api/x.Dockerfile",
            ".env",
            ".env.local",
            "prod.env",
            "a.yml",
        ] {
            assert!(wants(&Settings, path, b"x"), "{path}");
        }
        assert!(wants(&Settings, "bootstrap", b"#!/bin/sh"));
        for path in [
            "bootstrap",
            "Docker",
            "env",
            "a.json",
            "é",
            "node_modules/a/.env",
        ] {
            assert!(!wants(&Settings, path, b"x"), "{path}");
        }
    }

    #[test]
    fn allocators_are_low_and_what_is_loaded_beside_them_is_not() {
        for (text, expected) in [
            (
                "ENV LD_PRELOAD=\"/usr/lib/libjemalloc.so.2\"",
                Some(Severity::Low),
            ),
            (
                "ENV LD_PRELOAD=libtcmalloc_minimal.so.4:/lib/libmimalloc.so",
                Some(Severity::Low),
            ),
            (
                "RUN export LD_PRELOAD=$(find /usr/lib -name libjemalloc.so.2 -print)",
                Some(Severity::Low),
            ),
            (
                "ENV LD_PRELOAD=/usr/lib/libjemalloc.so.2:/x.so",
                Some(Severity::Medium),
            ),
            ("ENV LD_PRELOAD=/libjemalloc/x.so", Some(Severity::Medium)),
            (
                "RUN export LD_PRELOAD=$(find /usr/lib -name x.so)",
                Some(Severity::Medium),
            ),
            ("RUN export LD_PRELOAD=$(x)", Some(Severity::Medium)),
            (
                "ENV NODE_OPTIONS=--experimental_loader=/x.mjs",
                Some(Severity::Medium),
            ),
            ("ENV NODE_OPTIONS=--max_old_space_size=1", None),
            ("ENV NODE_OPTIONS=_r", None),
        ] {
            let seen = inspect(&Settings, "Dockerfile", text).unwrap();
            let found = seen.supply.sightings.first().map(|s| s.severity);
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn a_variable_that_is_named_without_end_is_an_error_and_hides_no_other() {
        let text = " LD_PRELOAD".repeat(MAX_PLACES + 1) + "\nPYTHONSTARTUP=/x.py\n";
        let path = EntryPath::new(&"fn.zip!/".into(), "a.env");
        let mut seen = Observations::default();
        let entry = Entry {
            path: &path,
            bytes: text.as_bytes(),
        };
        assert!(Settings.inspect(&entry, &mut seen).is_err());
        assert_eq!(seen.supply.sightings.len(), 1);
        let wide = " ".repeat(NEAR);
        let text = format!("NODE_OPTIONS='--max-old-space-size=1{wide}--require /x'\n");
        assert!(inspect(&Settings, "a.env", &text).is_err());
        assert!(inspect(&Settings, "a.env", text.replace(&wide, "\n")).is_ok());
        let text = " LD_PRELOAD".repeat(MAX_PLACES);
        assert!(inspect(&Settings, "a.env", text).is_ok());
    }
}
