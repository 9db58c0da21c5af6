//! Where a version stands in code, as the tables of libraries write it in TOML, and what that must hold to.
//!
//! The build script compiles this file too: a row that breaks the form breaks the build.

use regex_syntax::hir::{Hir, HirKind};
use serde::Deserialize;

/// The least length of what is looked for. Shorter texts are in every file.
pub const SHORTEST: usize = 8;
/// How far around a place an expression may reach.
const LONGEST: usize = 2048;

/// An expression of the version, tied to its library by what stands around it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionSpec {
    /// The expression is tried around each place of this text, and matches nothing but what holds that place.
    pub at: String,
    /// A regular expression with `{v}` in it.
    pub is: String,
}

impl VersionSpec {
    /// The regular expression, and the length of its longest match. `words` are what the table's expressions are
    /// written with, such as `{v}`, and what they stand for. The version is the group of that name.
    pub fn expression(&self, words: &[(&str, &str)]) -> Result<(String, usize), String> {
        let expression = words.iter().fold(self.is.clone(), |text, (word, meaning)| {
            text.replace(word, meaning)
        });
        if expression.matches("(?P<version>").count() != 1 {
            return Err(format!("expression {:?} needs one version", self.is));
        }
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
    let mut runs = vec![Vec::new()];
    collect(hir, &mut runs);
    let in_run = |run: &Vec<u8>| run.windows(text.len()).any(|part| part == text);
    runs.iter().any(in_run) || in_all_choices(hir, text)
}

/// The texts that every match holds, each as long as nothing else comes between.
fn collect(hir: &Hir, runs: &mut Vec<Vec<u8>>) {
    match hir.kind() {
        HirKind::Literal(literal) => {
            if let Some(run) = runs.last_mut() {
                run.extend_from_slice(&literal.0);
            }
        }
        HirKind::Capture(capture) => collect(&capture.sub, runs),
        HirKind::Concat(parts) => parts.iter().for_each(|part| collect(part, runs)),
        _ => runs.push(Vec::new()),
    }
}

fn in_all_choices(hir: &Hir, text: &[u8]) -> bool {
    match hir.kind() {
        HirKind::Concat(parts) => parts.iter().any(|part| in_all_choices(part, text)),
        HirKind::Capture(capture) => in_all_choices(&capture.sub, text),
        HirKind::Alternation(choices) => choices.iter().all(|choice| holds(choice, text)),
        _ => false,
    }
}
