//! `fnaudit.toml`: what every run in a folder shares.
//!
//! It is looked for in the working folder and then in each folder above. Flags and variables come before it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use fnaudit::secret::UserRules;
use fnaudit::size::budget::Budget;
use serde::Deserialize;

const NAME: &str = "fnaudit.toml";

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    #[serde(default)]
    pub database: DatabaseConfig,
    #[serde(default)]
    pub secrets: UserRules,
    /// What artifacts may take.
    #[serde(default)]
    pub size: Budget,
}

/// What flags of `fnaudit db update` say otherwise.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DatabaseConfig {
    /// Base URLs; of several the first that answers is taken.
    #[serde(default)]
    pub urls: Vec<String>,
    #[serde(default)]
    pub ecosystems: Vec<String>,
    /// PEM files; relative ones are beside the configuration file.
    #[serde(default)]
    pub ca_certs: Vec<PathBuf>,
    /// As `--max-age` writes it.
    pub max_age: Option<String>,
    #[serde(default)]
    pub kev: bool,
    #[serde(default)]
    pub epss: bool,
    pub kev_url: Option<String>,
    pub epss_url: Option<String>,
}

impl Config {
    /// That of the working folder.
    pub fn here() -> Result<Config, String> {
        let folder = std::env::current_dir();
        let folder = folder.map_err(|e| format!("the working folder cannot be read: {e}"))?;
        Config::find(&folder)
    }

    /// Reads the nearest file from `folder` upward; the default where there is none.
    pub fn find(folder: &Path) -> Result<Config, String> {
        for folder in folder.ancestors() {
            let path = folder.join(NAME);
            match fs::read_to_string(&path) {
                Ok(text) => return Config::parse(&path, &text),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(format!("{}: cannot be read: {error}", path.display())),
            }
        }
        Ok(Config::default())
    }

    fn parse(path: &Path, text: &str) -> Result<Config, String> {
        let mut config: Config = toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map_or(1, |before| before.matches('\n').count() + 1);
            let message = error.message().replace('\n', " ");
            format!("{}: line {line}: {message}", path.display())
        })?;
        if let Some(folder) = path.parent() {
            for cert in &mut config.database.ca_certs {
                *cert = folder.join(&cert);
            }
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_file_counts() {
        let dir = tempfile::tempdir().unwrap();
        let below = dir.path().join("a/b");
        fs::create_dir_all(&below).unwrap();
        let text =
            "[database]\nurls = [\"http://one\"]\nca-certs = [\"ca.pem\"]\nmax-age = \"2d\"\n";
        fs::write(dir.path().join(NAME), text).unwrap();
        let database = Config::find(&below).unwrap().database;
        assert_eq!(database.urls, ["http://one"]);
        assert_eq!(database.ca_certs, [dir.path().join("ca.pem")]);
        fs::write(below.join(NAME), "").unwrap();
        assert!(Config::find(&below).unwrap().database.urls.is_empty());
    }

    #[test]
    fn what_is_wrong_is_said_in_a_line() {
        let path = Path::new("x/fnaudit.toml");
        for (text, message) in [
            (
                "\n[databse]\n",
                "x/fnaudit.toml: line 2: unknown field `databse`",
            ),
            (
                "[database]\nurls = 3\n",
                "x/fnaudit.toml: line 2: invalid type",
            ),
            ("[", "x/fnaudit.toml: line 1: "),
        ] {
            let error = Config::parse(path, text).unwrap_err();
            assert!(
                error.starts_with(message) && !error.contains('\n'),
                "{error}"
            );
        }
    }
}
