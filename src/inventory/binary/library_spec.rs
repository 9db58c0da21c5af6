//! A row about a native library as it is written in TOML, in `libraries/`, and what a row must hold to.
//!
//! The build script compiles this file too: a row that breaks the form breaks the build.

use serde::Deserialize;

use super::version_spec::{SHORTEST, VersionSpec};

/// What `{v}` in an expression stands for. An expression may have a group `version` of its own instead.
const VERSION: &str = r"(?P<version>[0-9]{1,4}(?:\.[0-9]{1,8}){1,3})";

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LibrarySpec {
    /// As its authors call it, in lower case.
    pub name: String,
    /// Texts that are in its code and in no other. One of them is enough.
    #[serde(default)]
    pub marks: Vec<String>,
    /// Where its version stands.
    #[serde(default)]
    pub versions: Vec<VersionSpec>,
    /// Whether other programs hold that text too: then it counts beside its code alone.
    #[serde(default)]
    pub quoted: bool,
    /// Texts of a part of it that never tells the version by itself. They make its version believed, no more.
    #[serde(default)]
    pub beside: Vec<String>,
    /// Where its version is a text of its own.
    pub bare: Option<BareSpec>,
    /// What files of its own are called, for the version where the code states none.
    #[serde(default)]
    pub files: Vec<FileSpec>,
    /// Files that are this and nothing else, by their names without an extension: their size is its size.
    #[serde(default)]
    pub whole: Vec<String>,
    /// Libraries that were made of this one: where they are it is not.
    #[serde(default)]
    pub unless: Vec<String>,
    /// `ECOSYSTEM:NAME` of the OSV records that are about it, with its authors' own versions.
    #[serde(default)]
    pub osv: Vec<String>,
    /// Over how many published files the survey found the row to be right.
    pub verified: u32,
    /// For tests: invented constants with the same marks.
    pub examples: Vec<ExampleSpec>,
    /// For tests: constants that only speak of it.
    #[serde(default)]
    pub others: Vec<String>,
}

/// A version between zero bytes. It is believed if the file has one such text and no more.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BareSpec {
    /// A regular expression of the whole text, with `{v}`, or with groups `major`, `minor` and `patch`.
    pub is: String,
    /// A regular expression of the text that follows it, where linkers keep their order: then that one is meant.
    pub behind: Option<String>,
    /// Whether only a file that is called as one of [`LibrarySpec::files`] is sure to hold it.
    #[serde(default)]
    pub named: bool,
}

/// `liblzma.so.5.2.5`, or `liblzma-0c6ac4d8.so.5.2.5` as wheels have it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSpec {
    /// `liblzma`
    pub stem: String,
    /// Whether the numbers behind `.so` are its version.
    #[serde(default)]
    pub numbered: bool,
    /// What other numbers mean: `["7.1.8", "1.3.2"]`.
    #[serde(default)]
    pub numbers: Vec<(String, String)>,
    /// Whether a file of that name is it, whatever is in it.
    #[serde(default)]
    pub alone: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExampleSpec {
    /// A line for each text; they stand between zero bytes. `\n` is a new line in a text.
    pub texts: String,
    #[serde(default)]
    pub file: Option<String>,
    /// None where it is not to be known.
    pub version: Option<String>,
}

impl LibrarySpec {
    pub fn check(&self) -> Result<(), String> {
        if self.name.is_empty() {
            return Err("has no name".into());
        }
        let is_named = self.files.iter().any(|file| file.alone);
        if self.marks.is_empty() && self.versions.is_empty() && !is_named {
            return Err("needs at least one of `marks` and `versions`".into());
        }
        if self.quoted && self.marks.is_empty() && self.beside.is_empty() {
            return Err("is told by nothing but a version that others quote".into());
        }
        if self.examples.is_empty() {
            return Err("needs an example".into());
        }
        let texts = self.marks.iter().chain(&self.beside);
        let texts = texts.chain(self.versions.iter().map(|version| &version.at));
        if let Some(short) = texts.into_iter().find(|text| text.len() < SHORTEST) {
            return Err(format!("{short:?} is shorter than {SHORTEST} bytes"));
        }
        if let Some(odd) = self.osv.iter().find(|osv| !osv.contains(':')) {
            return Err(format!("{odd:?} is not of the form ECOSYSTEM:NAME"));
        }
        Ok(())
    }

    /// The regular expression of one of its versions, and the length of its longest match.
    pub fn expression(version: &VersionSpec) -> Result<(String, usize), String> {
        version.expression(&[("{v}", VERSION)])
    }
}

impl BareSpec {
    /// The regular expression of the whole text.
    pub fn expression(&self) -> Result<String, String> {
        let expression = format!("^(?:{})$", self.is.replace("{v}", VERSION));
        let is_told = expression.contains("(?P<version>") || expression.contains("(?P<major>");
        if !is_told {
            return Err(format!("expression {:?} needs a version", self.is));
        }
        regex_syntax::parse(&expression)
            .map(|_| expression)
            .map_err(|error| error.to_string())
    }

    pub fn behind(&self) -> Result<Option<String>, String> {
        let Some(behind) = &self.behind else {
            return Ok(None);
        };
        regex_syntax::parse(behind)
            .map(|_| Some(format!("^(?:{behind})")))
            .map_err(|error| error.to_string())
    }
}

impl ExampleSpec {
    /// As a program holds them.
    pub fn bytes(&self) -> Vec<u8> {
        constants(&self.texts)
    }
}

/// Texts between zero bytes.
pub fn constants(lines: &str) -> Vec<u8> {
    let texts = lines.trim_matches('\n').lines();
    let texts = texts.map(|line| line.replace("\\n", "\n"));
    texts.fold(vec![0; 8], |mut bytes, text| {
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(0);
        bytes
    })
}
