//! The rules: a table that the build script makes of `src/secret/rules/*.toml`, and rules that a user adds.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use memchr::memmem;
use regex::bytes::{Regex, RegexBuilder};
use thiserror::Error;

use super::sequence::{self, Match, Sequence, Set, Step};
use super::spec::{self, RuleSpec};
use super::special;
use crate::finding::Severity;

include!(concat!(env!("OUT_DIR"), "/rules.rs"));

/// Holds the largest of our expressions, a private key with its lines, several times.
const REGEX_BYTES: usize = 4 << 20;

/// A kind of secret.
#[derive(Debug)]
pub struct Rule {
    pub id: Cow<'static, str>,
    /// What it is, for a sentence.
    pub name: Cow<'static, str>,
    pub severity: Severity,
    /// Where to revoke it.
    pub remedy: Cow<'static, str>,
    /// Where its provider writes about it.
    pub source: Cow<'static, str>,
    pub(super) keywords: Cow<'static, [Cow<'static, str>]>,
    pub(super) expression: Cow<'static, str>,
    /// The same, of one that is matched at the very beginning of a text, if it is simple enough.
    pub(super) sequences: Cow<'static, [Sequence]>,
    /// The expression is of a value that only its name tells.
    pub(super) assigned: bool,
    pub(super) begins_with_keyword: bool,
    /// Else every match begins with one of these, unless there are none.
    pub(super) prefixes: Cow<'static, [Cow<'static, [u8]>]>,
    /// Every match has these in it, one behind the other.
    pub(super) holds: Cow<'static, [Cow<'static, [u8]>]>,
    pub(super) longest: usize,
    /// See [`super::spec::Shape::unbroken`].
    pub(super) unbroken: usize,
    pub(super) entropy: f32,
    pub(super) checks: Cow<'static, [Check]>,
    /// Made when the rule is first needed: of hundreds, a bundle needs a few.
    pub(super) compiled: OnceLock<Option<Regex>>,
}

/// What else must hold for a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    Crc32Base62,
    Jwt,
    Pem,
    LettersAndDigits,
    UpperAndLower,
    Base64,
    Mixed,
    Password,
}

/// What is wrong with a user's rule or allow list.
#[derive(Debug, Error)]
pub enum RuleError {
    #[error("secret rule {id:?}: {why}")]
    Rule { id: String, why: String },
    #[error("secret rule {0:?}: there is a rule of that id already; choose another")]
    Twice(String),
    #[error("[secrets.allow]: {what} {text:?}: {why}")]
    Allow {
        what: &'static str,
        text: String,
        why: String,
    },
}

impl Rule {
    /// Whether it knows a secret by a common name alone, such as `password`.
    pub fn is_generic(&self) -> bool {
        self.id.starts_with("generic-")
    }

    /// Whether what people call a value and how they chose it must show that it is a secret: the form does not.
    pub(super) fn is_of_any_form(&self) -> bool {
        self.is_generic() || self.checks.contains(&Check::Password)
    }

    /// Whether all is there that a match has in it for certain.
    pub(super) fn may_match(&self, mut text: &[u8]) -> bool {
        self.holds.iter().all(|literal| {
            let found = memmem::find(text, literal);
            text = &text[found.map_or(text.len(), |at| at + literal.len())..];
            found.is_some()
        })
    }

    /// The match that the text begins with.
    pub(super) fn matched(&self, text: &[u8]) -> Option<Match> {
        if !self.sequences.is_empty() {
            return sequence::find(&self.sequences, text);
        }
        let captures = self.regex()?.captures(text)?;
        let whole = captures.name("whole")?;
        let secret = captures.name("secret").unwrap_or(whole);
        Some(Match {
            end: whole.end(),
            secret: (secret.start(), secret.end()),
        })
    }

    /// Whether its expression is matched where it is tried alone, and not searched for.
    pub(super) fn is_in_place(&self) -> bool {
        self.assigned || self.begins_with_keyword
    }

    /// The expression, and what ends a token behind it.
    pub(super) fn regex(&self) -> Option<&Regex> {
        let compile = || compile(&self.expression, self.is_in_place());
        self.compiled.get_or_init(|| compile().ok()).as_ref()
    }

    fn from_spec(spec: RuleSpec) -> Result<Rule, String> {
        let shape = spec.shape()?;
        let (expression, assigned) = spec.expression()?;
        let in_place = assigned || shape.begins_with_keyword;
        let compiled = compile(expression, in_place).map_err(|error| error.to_string())?;
        Ok(Rule {
            sequences: match in_place {
                true => sequence::of(&spec::parsed(expression)?).unwrap_or_default(),
                false => Vec::new(),
            }
            .into(),
            expression: expression.to_owned().into(),
            id: spec.id.into(),
            name: spec.name.into(),
            severity: severity(&spec.severity),
            remedy: spec.remedy.into(),
            source: spec.source.into(),
            keywords: spec.keywords.into_iter().map(Cow::Owned).collect(),
            assigned,
            begins_with_keyword: shape.begins_with_keyword,
            prefixes: shape.prefixes.into_iter().map(Cow::Owned).collect(),
            holds: shape.holds.into_iter().map(Cow::Owned).collect(),
            longest: shape.longest,
            unbroken: shape.unbroken,
            entropy: spec.entropy.unwrap_or(0.0),
            checks: spec.checks.iter().filter_map(|c| check(c)).collect(),
            compiled: OnceLock::from(Some(compiled)),
        })
    }
}

fn compile(expression: &str, at_start: bool) -> Result<Regex, regex::Error> {
    let start = if at_start { "^" } else { "" };
    RegexBuilder::new(&format!(
        "{start}(?P<whole>{expression})(?:[^A-Za-z0-9_-]|\\z)"
    ))
    .unicode(false)
    .size_limit(REGEX_BYTES)
    .dfa_size_limit(REGEX_BYTES)
    .build()
}

/// [`RuleSpec::shape`] lets nothing else pass.
fn severity(word: &str) -> Severity {
    match word {
        "critical" => Severity::Critical,
        "high" => Severity::High,
        "medium" => Severity::Medium,
        _ => Severity::Low,
    }
}

fn check(word: &str) -> Option<Check> {
    Some(match word {
        "crc32-base62" => Check::Crc32Base62,
        "jwt" => Check::Jwt,
        "pem" => Check::Pem,
        "letters-and-digits" => Check::LettersAndDigits,
        "upper-and-lower" => Check::UpperAndLower,
        "base64" => Check::Base64,
        "mixed" => Check::Mixed,
        "password" => Check::Password,
        _ => return None,
    })
}

/// A rule, ours or a user's. Two are the same if their ids are.
#[derive(Clone)]
pub enum RuleRef {
    BuiltIn(&'static Rule),
    User(Arc<Rule>),
}

impl Deref for RuleRef {
    type Target = Rule;

    fn deref(&self) -> &Rule {
        match self {
            RuleRef::BuiltIn(rule) => rule,
            RuleRef::User(rule) => rule,
        }
    }
}

impl PartialEq for RuleRef {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for RuleRef {}

impl fmt::Debug for RuleRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}

/// All rules, ours first.
pub(super) fn all(user: Vec<RuleSpec>) -> Result<Vec<RuleRef>, RuleError> {
    let mut rules: Vec<RuleRef> = RULES.iter().map(RuleRef::BuiltIn).collect();
    for spec in user {
        let id = spec.id.clone();
        let is_special = special::RULES.iter().any(|rule| rule.id == id);
        if is_special || rules.iter().any(|rule| rule.id == id) {
            return Err(RuleError::Twice(id));
        }
        let rule = Rule::from_spec(spec).map_err(|why| RuleError::Rule { id, why })?;
        rules.push(RuleRef::User(Arc::new(rule)));
    }
    Ok(rules)
}
