//! A row about a Python distribution as it is written in TOML, in `modules/`, and what a row must hold to.
//!
//! The build script compiles this file too: a row that breaks the form breaks the build.

use serde::Deserialize;

/// The least length of a mark. Shorter names are in everybody's code.
const SHORTEST: usize = 5;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModuleSpec {
    /// The distribution, as PyPI knows it.
    pub name: String,
    /// Other distributions with the same files: one that is installed beside them is what they are of.
    #[serde(default)]
    pub published_as: Vec<String>,
    /// The files that tell it.
    pub files: Vec<FileSpec>,
    /// Versions that the files of other releases state too, whose authors forgot to change them. They are not believed.
    #[serde(default)]
    pub ambiguous: Vec<String>,
    /// How many published versions the survey named by the row, with or without their version.
    pub verified: u32,
    /// The versions that `tools/python_modules.py` fetches to verify it.
    pub survey: Vec<String>,
}

/// A file of the distribution, from the folder on that the import path starts in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSpec {
    pub path: String,
    /// What its version is assigned to.
    #[serde(default)]
    pub versions: Vec<String>,
    /// Names in its code that are in no other distribution's file of this path. One of them is enough. Compilers keep names,
    /// so they are in compiled files too.
    #[serde(default)]
    pub marks: Vec<String>,
}

impl ModuleSpec {
    pub fn check(&self) -> Result<(), String> {
        if self.name.is_empty() {
            return Err("has no name".into());
        }
        if self.survey.is_empty() {
            return Err("names no versions for the survey".into());
        }
        if self.files.iter().all(|file| file.marks.is_empty()) {
            return Err("needs a mark: a path alone may be anybody's".into());
        }
        for file in &self.files {
            file.parts()?;
            let short = |mark: &&String| mark.len() < SHORTEST;
            if let Some(mark) = file.marks.iter().find(short) {
                return Err(format!("{mark:?} is shorter than {SHORTEST} bytes"));
            }
            if file.versions.is_empty() && file.marks.is_empty() {
                return Err(format!("{} tells nothing", file.path));
            }
        }
        Ok(())
    }
}

impl FileSpec {
    /// `google/protobuf` and `__init__` of `google/protobuf/__init__.py`.
    pub fn parts(&self) -> Result<(&str, &str), String> {
        let module = self.path.strip_suffix(".py");
        let module =
            module.filter(|module| !module.starts_with('/') && !module.contains(['\\', '.']));
        let module = module.ok_or_else(|| format!("{:?} is no path of a module", self.path))?;
        Ok(module.rsplit_once('/').unwrap_or(("", module)))
    }
}
