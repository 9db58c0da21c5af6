//! A row about a library as it is written in TOML, in `libraries/`, and what a row must hold to.
//!
//! The build script compiles this file too: a row that breaks the form breaks the build.

use regex_syntax::hir::{Hir, HirKind};
use serde::Deserialize;

/// The least length of what is looked for. Shorter texts are in every file.
const SHORTEST: usize = 8;
/// How far around a place an expression may reach.
const LONGEST: usize = 2048;

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
    pub survey: SurveySpec,
    /// For tests: invented code with the same marks. `{v}` is where the version stands, `{major}` and `{minor}` are
    /// its first number and the others.
    pub examples: Vec<String>,
}

/// An expression of the version, tied to its library by what stands around it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionSpec {
    /// The expression is tried around each place of this text, and matches nothing but what holds that place.
    pub at: String,
    /// A regular expression with `{v}` in it.
    pub is: String,
}

/// What `tools/libraries.py` fetches to verify the row.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SurveySpec {
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
        if self.survey.versions.is_empty() {
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
}

impl VersionSpec {
    /// The regular expression, and the length of its longest match.
    pub fn expression(&self) -> Result<(String, usize), String> {
        if self.is.matches("{v}").count() != 1 {
            return Err(format!("expression {:?} needs one {{v}}", self.is));
        }
        let expression = self
            .is
            .replace("{v}", VERSION)
            .replace("{major}", MAJOR)
            .replace("{q}", QUOTE);
        let hir = regex_syntax::ParserBuilder::new()
            .unicode(false)
            .utf8(false)
            .dot_matches_new_line(true)
            .build()
            .parse(&expression)
            .map_err(|error| error.to_string())?;
        if !holds(&hir, self.at.as_bytes()) {
            return Err(format!(
                "expression {:?} does not hold the text {:?}",
                self.is, self.at
            ));
        }
        match hir.properties().maximum_len() {
            Some(longest) if longest <= LONGEST => Ok((expression, longest)),
            _ => Err(format!(
                "expression {:?} must end within {LONGEST} bytes: write `{{0,90}}` for `*`",
                self.is
            )),
        }
    }
}

/// Whether every match holds the text, as far as is easy to see.
fn holds(hir: &Hir, text: &[u8]) -> bool {
    match hir.kind() {
        HirKind::Literal(literal) => literal.0.windows(text.len()).any(|part| part == text),
        HirKind::Concat(parts) => parts.iter().any(|part| holds(part, text)),
        HirKind::Capture(capture) => holds(&capture.sub, text),
        HirKind::Alternation(choices) => choices.iter().all(|choice| holds(choice, text)),
        _ => false,
    }
}
