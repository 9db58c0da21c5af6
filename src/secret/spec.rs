//! A rule as it is written in TOML, in `src/secret/rules/` and in a user's `fnaudit.toml`, and what a rule must hold to.
//!
//! The build script compiles this file too: a rule of ours that breaks off the rules of writing rules breaks the build.

use regex_syntax::hir::literal::Extractor;
use regex_syntax::hir::{Class, Hir, HirKind};
use serde::Deserialize;

/// More than any private key takes; what is longer is no token.
pub const LONGEST: usize = 16 * 1024;

/// Of what every match has in it, more say little.
const HOLDS: usize = 4;
const HOLDS_WITHIN: usize = 1024;

pub const CHECKS: &[&str] = &[
    "crc32-base62",
    "jwt",
    "pem",
    "letters-and-digits",
    "upper-and-lower",
    "base64",
    "mixed",
    "password",
];

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSpec {
    /// `provider-thing`; stable, as allow lists name it.
    pub id: String,
    /// What it is, for a sentence.
    pub name: String,
    pub severity: String,
    /// With [`RuleSpec::pattern`], what every match contains; with [`RuleSpec::assigned`], what the name contains.
    pub keywords: Vec<String>,
    /// A whole token that is recognised by itself.
    pub pattern: Option<String>,
    /// A value that is recognised by its name alone.
    pub assigned: Option<String>,
    /// The least Shannon entropy of the secret, in bits a character.
    pub entropy: Option<f32>,
    #[serde(default)]
    pub checks: Vec<String>,
    /// Where to revoke it.
    #[serde(default)]
    pub remedy: String,
    /// Where the provider writes about it.
    #[serde(default)]
    pub source: String,
    /// What follows is for tests: see docs/secrets.md.
    #[serde(default)]
    pub variable: String,
    #[serde(default)]
    pub token: Vec<String>,
    #[serde(default)]
    pub positive: Vec<String>,
    #[serde(default)]
    pub negative: Vec<String>,
}

/// What the regular expression of a rule says about where to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Every match begins with a keyword, so that a keyword's place is where to try.
    pub begins_with_keyword: bool,
    /// Else every match begins with one of these, unless there are none.
    pub prefixes: Vec<Vec<u8>>,
    /// Every match has these in it, one behind the other.
    pub holds: Vec<Vec<u8>>,
    /// The length of the longest match.
    pub longest: usize,
    /// Before the first blank or quote there must be so many bytes for a match: those of the shortest, or none where
    /// it may hold such.
    pub unbroken: usize,
}

impl RuleSpec {
    /// The expression, and whether it is of a value with a name.
    pub fn expression(&self) -> Result<(&str, bool), String> {
        match (&self.pattern, &self.assigned) {
            (Some(pattern), None) => Ok((pattern, false)),
            (None, Some(assigned)) => Ok((assigned, true)),
            _ => Err("needs either `pattern` or `assigned`".into()),
        }
    }

    /// Checks all but the examples.
    pub fn shape(&self) -> Result<Shape, String> {
        if !is_kebab(&self.id) {
            return Err("the id must be lower-case words with `-` between them".into());
        }
        if !["critical", "high", "medium", "low"].contains(&self.severity.as_str()) {
            return Err(format!(
                "severity {:?} is none of critical, high, medium and low",
                self.severity
            ));
        }
        if let Some(check) = self.checks.iter().find(|c| !CHECKS.contains(&c.as_str())) {
            return Err(format!("there is no check {check:?}"));
        }
        let (expression, assigned) = self.expression()?;
        self.check_keywords(assigned)?;
        let hir = parsed(expression)?;
        let longest = match hir.properties().maximum_len() {
            Some(longest) if longest <= LONGEST => longest,
            _ => {
                return Err(format!(
                    "the expression must have an end within {LONGEST} bytes: write `{{16,64}}` for `+` and `*`"
                ));
            }
        };
        let begins = |prefix: &Vec<u8>| {
            let mut keywords = self.keywords.iter();
            keywords.any(|keyword| prefix.starts_with(keyword.as_bytes()))
        };
        let all_begin = |prefixes: &[Vec<u8>]| !prefixes.is_empty() && prefixes.iter().all(begins);
        let mut prefixes = prefixes(&hir, 10);
        // `SK[a-f0-9]{32}` begins with `SK0`, `SK1`, …
        let begins_with_keyword =
            !assigned && (all_begin(&prefixes) || all_begin(&self::prefixes(&hir, 40)));
        // Short ones are everywhere, and many cost more than they spare.
        let telling = prefixes.len() <= 8 && prefixes.iter().all(|prefix| prefix.len() >= 3);
        if assigned || begins_with_keyword || !telling {
            prefixes.clear();
        }
        let may_break = may_break(&hir);
        let mut holds = Vec::new();
        // Of a long one with blanks in it too much would have to be read.
        if !may_break || !(assigned || begins_with_keyword) || longest <= HOLDS_WITHIN {
            literals(&hir, &mut holds);
        }
        while holds.len() > HOLDS {
            // The shortest say least.
            let lengths = holds.iter().map(Vec::len).enumerate();
            let shortest = lengths.min_by_key(|(_, length)| *length);
            holds.remove(shortest.map_or(HOLDS, |(at, _)| at));
        }
        Ok(Shape {
            begins_with_keyword,
            prefixes,
            holds,
            longest,
            unbroken: match may_break {
                true => 0,
                false => hir.properties().minimum_len().unwrap_or(0),
            },
        })
    }

    /// What the project's own rules have besides: where they come from, and examples for the tests.
    pub fn check_examples(&self) -> Result<(), String> {
        for (what, text) in [
            ("name", &self.name),
            ("remedy", &self.remedy),
            ("source", &self.source),
            ("variable", &self.variable),
        ] {
            if text.is_empty() {
                return Err(format!("needs a {what}"));
            }
        }
        for (what, examples, least) in [
            ("templates of a token", &self.token, 1),
            ("positive examples", &self.positive, 2),
            ("negative examples", &self.negative, 2),
        ] {
            if examples.len() < least {
                return Err(format!("needs at least {least} {what}"));
            }
        }
        Ok(())
    }

    fn check_keywords(&self, assigned: bool) -> Result<(), String> {
        if self.keywords.is_empty() {
            return Err("needs at least one keyword".into());
        }
        let least = if assigned { 4 } else { 3 };
        for keyword in &self.keywords {
            if keyword.len() < least {
                return Err(format!("keyword {keyword:?} is shorter than {least} bytes"));
            }
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
            if assigned && !keyword.bytes().all(plain) {
                return Err(format!(
                    "keyword {keyword:?} of a name must be lower-case letters and digits alone"
                ));
            }
        }
        Ok(())
    }
}

/// What an expression says, over bytes.
pub fn parsed(expression: &str) -> Result<Hir, String> {
    regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .build()
        .parse(expression)
        .map_err(|error| error.to_string())
}

/// What every match begins with, if there are few such; classes of so many bytes count as alternatives.
fn prefixes(hir: &Hir, class: usize) -> Vec<Vec<u8>> {
    if let HirKind::Look(_) = hir.kind() {
        return Vec::new();
    }
    let mut extractor = Extractor::new();
    extractor
        .limit_class(class)
        .limit_total(1000)
        .limit_repeat(64);
    let prefixes = extractor.extract(hir);
    let literals = prefixes.literals().unwrap_or_default();
    literals
        .iter()
        .map(|literal| literal.as_bytes().to_vec())
        .collect()
}

/// The texts that every match has in it, in their order.
fn literals(hir: &Hir, all: &mut Vec<Vec<u8>>) {
    match hir.kind() {
        HirKind::Literal(literal) => all.push(literal.0.to_vec()),
        HirKind::Capture(group) => literals(&group.sub, all),
        HirKind::Concat(parts) => parts.iter().for_each(|part| literals(part, all)),
        _ => {}
    }
}

/// What a token does not go on behind, mostly.
pub fn is_break(b: u8) -> bool {
    b <= b' ' || b == b'"' || b == b'\''
}

/// Whether a match may have a blank or a quote in it.
fn may_break(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => false,
        HirKind::Literal(literal) => literal.0.iter().any(|b| is_break(*b)),
        HirKind::Class(Class::Bytes(class)) => {
            let ranges = &mut class.iter();
            ranges.any(|range| (range.start()..=range.end()).any(is_break))
        }
        HirKind::Class(Class::Unicode(_)) => true,
        HirKind::Repetition(repeated) => may_break(&repeated.sub),
        HirKind::Capture(group) => may_break(&group.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(may_break),
    }
}

fn is_kebab(id: &str) -> bool {
    let word = |w: &str| {
        !w.is_empty()
            && w.bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    id.split('-').all(word)
}
