//! A row about a library as it is written in TOML, in `libraries/`, and what a row must hold to.
//!
//! The build script compiles this file too: a row that breaks the form breaks the build.

use serde::Deserialize;

use super::version_spec::{SHORTEST, VersionSpec};

/// What `{v}`, `{major}` and `{q}` in an expression stand for: a version, the first number of a version whose others
/// stand apart in `{v}`, and a quote, which may be escaped where the code is itself in a string.
const VERSION: &str = r"(?P<version>[0-9]{1,5}\.[0-9]{1,5}(?:\.[0-9]{1,5})?(?:-[0-9A-Za-z]{1,20}(?:\.[0-9A-Za-z]{1,20}){0,3})?)";
const MAJOR: &str = r"(?P<major>[0-9]{1,5})";
const QUOTE: &str = "\\\\{0,3}[\"'`]";

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LibrarySpec {
    /// As npm knows it.
    pub name: String,
    /// Other packages that are made of the same code, in which it is therefore not looked for.
    #[serde(default)]
    pub published_as: Vec<String>,
    /// Texts that are in this library and in no other. One of them is enough.
    #[serde(default)]
    pub marks: Vec<String>,
    /// Where its version stands.
    #[serde(default)]
    pub versions: Vec<VersionSpec>,
    /// Versions that the files of later releases state too, whose authors forgot to change them. They are not believed.
    #[serde(default)]
    pub ambiguous: Vec<String>,
    /// What a copied file is called, without version, `.min` and extension.
    #[serde(default)]
    pub files: Vec<String>,
    /// Over how many published versions the survey found the row to be right.
    pub verified: u32,
    #[serde(default)]
    pub survey: SurveySpec,
    /// For tests: invented code with the same marks. `{v}` is where the version stands, `{major}` and `{minor}` are
    /// its first number and the others.
    pub examples: Vec<String>,
}

/// What `tools/libraries.py` fetches to verify the row.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SurveySpec {
    /// Who publishes the library on npm, where that is under another name than the one it has in advisories.
    #[serde(default)]
    pub package: Option<String>,
    #[serde(default)]
    pub versions: Vec<String>,
    /// The files of the package that people copy, the minified ones among them.
    #[serde(default)]
    pub files: Vec<String>,
}

impl LibrarySpec {
    pub fn check(&self) -> Result<(), String> {
        if self.name.is_empty() {
            return Err("has no name".into());
        }
        if self.marks.is_empty() && self.versions.is_empty() {
            return Err("needs at least one of `marks` and `versions`".into());
        }
        if self.examples.len() < 2 {
            return Err("needs two examples: as it is written, and minified".into());
        }
        if self.survey.versions.is_empty() && self.verified > 0 {
            return Err("names no versions for the survey".into());
        }
        let texts = self.marks.iter().chain(self.versions.iter().map(|v| &v.at));
        if let Some(short) = texts.into_iter().find(|text| text.len() < SHORTEST) {
            return Err(format!("{short:?} is shorter than {SHORTEST} bytes"));
        }
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-._".contains(&b);
        if let Some(file) = self.files.iter().find(|file| !file.bytes().all(plain)) {
            return Err(format!("file {file:?} must be in lower case"));
        }
        Ok(())
    }

    /// The regular expression of one of its versions, and the length of its longest match.
    pub fn expression(version: &VersionSpec) -> Result<(String, usize), String> {
        version.expression(&[("{v}", VERSION), ("{major}", MAJOR), ("{q}", QUOTE)])
    }
}
