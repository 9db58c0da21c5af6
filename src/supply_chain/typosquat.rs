//! Names that stand so near that of a popular package that they may be meant to be taken for it.
//!
//! What attackers do to names is known from what they did: Taylor et al., "Defending Against Package Typosquatting"
//! (2020), <https://doi.org/10.1007/978-3-030-65745-1_7>. A name is only judged where nothing says that people mean it.

use std::collections::HashSet;
use std::fmt;

use super::edit::Edit;
use super::package_name::MAX_NAME;
use super::popular::{Package, Popular, scope_of};
use super::rules;
use crate::assess::fingerprint;
use crate::component::{Component, Ecosystem, Scope};
use crate::finding::{Certainty, Finding, Severity};

/// How a name stands near a popular one.
#[derive(Debug, PartialEq, Eq)]
enum Likeness {
    /// Letters of other alphabets stand for Latin ones. No registry takes such a name.
    Alphabet,
    Edit(Edit),
    /// Letters and digits that are taken for one another, see [`super::popular::look`].
    Look,
    Separators,
    /// An npm scope near a popular one.
    Scope(&'static str),
    /// `scope-name` for `@scope/name`.
    NoScope,
    /// A word that says in which language it is written, or for which.
    Language(&'static str),
}

/// A popular package that a name resembles, and how.
#[derive(Debug, PartialEq, Eq)]
struct Resemblance {
    popular: &'static str,
    likeness: Likeness,
}

/// Letters that look like those of the Latin alphabet: the ones of
/// <https://www.unicode.org/Public/security/latest/confusables.txt> that are letters of living alphabets.
const LIKE_LATIN: [(&str, char); 26] = [
    ("аɑα", 'a'),
    ("ЬЪƄ", 'b'),
    ("сϲç", 'c'),
    ("ԁɗ", 'd'),
    ("еҽёé", 'e'),
    ("ſƒ", 'f'),
    ("ɡցğ", 'g'),
    ("һհ", 'h'),
    ("іıɩιí", 'i'),
    ("јϳ", 'j'),
    ("кκ", 'k'),
    ("ӏǀⅼ", 'l'),
    ("мⅿ", 'm'),
    ("ոռñ", 'n'),
    ("оοσօöó", 'o'),
    ("рρ", 'p'),
    ("ԛգ", 'q'),
    ("гᴦ", 'r'),
    ("ѕꜱ", 's'),
    ("тτ", 't'),
    ("υսüú", 'u'),
    ("νѵ", 'v'),
    ("ԝѡա", 'w'),
    ("хχ", 'x'),
    ("уүγ", 'y'),
    ("ᴢʐ", 'z'),
];

/// Words that say for which language a package is: what they are put before or behind is the same package to a reader.
/// crates.io has too many bindings that are named so.
const LANGUAGE: [(Ecosystem, &str, &str); 8] = [
    (Ecosystem::Npm, "node-", ""),
    (Ecosystem::Npm, "", "-node"),
    (Ecosystem::Npm, "", "-js"),
    (Ecosystem::Npm, "", ".js"),
    (Ecosystem::Npm, "", "js"),
    (Ecosystem::PyPi, "python-", ""),
    (Ecosystem::PyPi, "python3-", ""),
    (Ecosystem::PyPi, "", "-python"),
];

/// Below that, a name with such a word is often a word of its own: `d3-node`, `qs-js`.
const MIN_NAME: usize = 4;

/// Findings about components whose names are nearly those of popular packages. `is_known` says of a name that advisories
/// tell of it as an ordinary package.
pub fn assess<E>(
    components: &[Component],
    is_known: impl Fn(Ecosystem, &str) -> Result<bool, E>,
) -> Result<Vec<Finding>, E> {
    let is_shipped = |component: &&Component| component.scope == Scope::Shipped;
    let shipped = components.iter().filter(is_shipped);
    let shipped: HashSet<Ecosystem> = shipped.map(|component| component.ecosystem).collect();
    let mut findings = Vec::new();
    for component in components {
        let Some(resemblance) = resemblance(component.ecosystem, &component.name) else {
            continue;
        };
        if !is_known(component.ecosystem, &component.name)? {
            let counts =
                component.scope == Scope::Shipped || !shipped.contains(&component.ecosystem);
            findings.push(finding(component, &resemblance, counts));
        }
    }
    Ok(findings)
}

fn resemblance(ecosystem: Ecosystem, name: &str) -> Option<Resemblance> {
    let popular = Popular::of(ecosystem)?;
    // What none can have is no slip for what all have.
    if name.len() > MAX_NAME {
        return None;
    }
    let name = ecosystem.comparable_name(name);
    if !name.is_ascii() {
        let like = popular.named(&in_latin(&name)?)?;
        return Some(Resemblance::new(like, Likeness::Alphabet));
    }
    if popular.is_established(&name) {
        return None;
    }
    let found = match scope_of(&name) {
        Some(scope) if ecosystem == Ecosystem::Npm => {
            if popular.is_established(scope) {
                return None;
            }
            let near = popular.scope_near(scope)?;
            let base = name.strip_prefix(scope)?;
            // Packages of types have the names of the packages that they are for.
            let package = popular
                .named(&format!("{near}{base}"))
                .or_else(|| popular.named(base.strip_prefix('/')?))?;
            Some(Resemblance::new(package, Likeness::Scope(near)))
        }
        _ => near_name(ecosystem, popular, &name),
    };
    found.filter(|_| !popular.is_word(&name))
}

fn near_name(ecosystem: Ecosystem, popular: &'static Popular, name: &str) -> Option<Resemblance> {
    if let Some(package) = popular.looking_like(name) {
        let likeness = if scope_of(&package.name).is_some() {
            Likeness::NoScope
        } else if letters(name).eq(letters(&package.name)) {
            Likeness::Separators
        } else {
            Likeness::Look
        };
        return Some(Resemblance::new(package, likeness));
    }
    if let Some((package, edit)) = popular.one_edit_away(name) {
        return Some(Resemblance::new(package, Likeness::Edit(edit)));
    }
    LANGUAGE.iter().find_map(|&(registry, before, behind)| {
        let inner = name.strip_prefix(before)?.strip_suffix(behind)?;
        let is_name = registry == ecosystem && inner.len() >= MIN_NAME;
        let package = popular.named(inner).filter(|_| is_name)?;
        let word = if before.is_empty() { behind } else { before };
        Some(Resemblance::new(package, Likeness::Language(word)))
    })
}

/// The letters and digits of a name.
fn letters(name: &str) -> impl Iterator<Item = u8> {
    name.bytes().filter(u8::is_ascii_alphanumeric)
}

/// The name with Latin letters for those that look like them; none if others are left.
fn in_latin(name: &str) -> Option<String> {
    let letter = |c: char| match c {
        c if c.is_ascii() => Some(c),
        // Full-width forms, which are as far from ASCII as `！` is from `!`.
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0),
        c => {
            let mut rows = LIKE_LATIN.iter();
            rows.find_map(|(alike, latin)| alike.contains(c).then_some(*latin))
        }
    };
    name.chars().map(letter).collect()
}

impl Resemblance {
    fn new(package: &'static Package, likeness: Likeness) -> Self {
        Resemblance {
            popular: package.shown,
            likeness,
        }
    }
}

impl fmt::Display for Resemblance {
    /// What was done to the popular name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = char::from;
        match &self.likeness {
            Likeness::Alphabet => f.write_str("with letters of another alphabet"),
            Likeness::Look => f.write_str("with letters that look alike"),
            Likeness::Separators => f.write_str("with other separators"),
            Likeness::NoScope => f.write_str("without its scope"),
            Likeness::Scope(scope) => write!(f, "with a scope like {scope}"),
            Likeness::Language(word) => write!(f, "with “{word}” added"),
            Likeness::Edit(Edit::Missing { letter: l, .. }) => {
                write!(f, "with “{}” left out", letter(*l))
            }
            Likeness::Edit(Edit::Added { letter: l, .. }) => {
                write!(f, "with “{}” added", letter(*l))
            }
            Likeness::Edit(Edit::Replaced { letter: l, by, .. }) => {
                write!(f, "with “{}” for “{}”", letter(*by), letter(*l))
            }
            Likeness::Edit(Edit::Swapped { .. }) => f.write_str("with two letters swapped"),
        }
    }
}

fn finding(component: &Component, resemblance: &Resemblance, counts: bool) -> Finding {
    let rule = &rules::TYPOSQUAT;
    let popular = resemblance.popular;
    let (severity, certainty) = match resemblance.likeness {
        Likeness::Alphabet => (Severity::High, Certainty::Certain),
        // Bindings and ports are named so too.
        Likeness::Language(_) => (Severity::Low, Certainty::Possible),
        _ => (rule.severity, Certainty::Possible),
    };
    let title = format!(
        "{}: {} is {popular} {resemblance}",
        rule.title, component.name
    );
    let fingerprint = fingerprint(rule.id, &[&component.purl, popular]);
    Finding {
        severity,
        package: Some(component.purl.clone()),
        certainty,
        counts,
        remedy: format!(
            "make sure that {} is meant: see who publishes it, and since when; if not, use {popular} and replace the \
             function's secrets",
            component.name
        ),
        ..Finding::of(rule, title, component.locations.clone(), fingerprint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn like(ecosystem: Ecosystem, name: &str) -> Option<String> {
        resemblance(ecosystem, name).map(|found| format!("{} {found}", found.popular))
    }

    /// Names that attackers have used, or could, by what was done to the popular one.
    const PLANTED: &[(Ecosystem, &str, &str)] = &[
        (
            Ecosystem::PyPi,
            "reqeusts",
            "requests with two letters swapped",
        ),
        (Ecosystem::PyPi, "requestss", "requests with “s” added"),
        (Ecosystem::PyPi, "reqests", "requests with “u” left out"),
        (Ecosystem::PyPi, "requesta", "requests with “a” for “s”"),
        (Ecosystem::PyPi, "djanga", "django with “a” for “o”"),
        (Ecosystem::PyPi, "diango", "django with “i” for “j”"),
        (Ecosystem::PyPi, "nunpy", "numpy with “n” for “m”"),
        (
            Ecosystem::PyPi,
            "pytohn-dateutil",
            "python-dateutil with two letters swapped",
        ),
        (
            Ecosystem::PyPi,
            "pythondateutil",
            "python-dateutil with other separators",
        ),
        (
            Ecosystem::PyPi,
            "b0to3",
            "boto3 with letters that look alike",
        ),
        (
            Ecosystem::PyPi,
            "url1ib3",
            "urllib3 with letters that look alike",
        ),
        (
            Ecosystem::PyPi,
            "python-urllib3",
            "urllib3 with “python-” added",
        ),
        (Ecosystem::PyPi, "matplotltib", "matplotlib with “t” added"),
        (
            Ecosystem::PyPi,
            "requеsts",
            "requests with letters of another alphabet",
        ),
        (Ecosystem::Npm, "lodahs", "lodash with two letters swapped"),
        (
            Ecosystem::Npm,
            "1odash",
            "lodash with letters that look alike",
        ),
        (Ecosystem::Npm, "expresss", "express with “s” added"),
        (Ecosystem::Npm, "axois", "axios with two letters swapped"),
        (
            Ecosystem::Npm,
            "crossspawn",
            "cross-spawn with other separators",
        ),
        (
            Ecosystem::Npm,
            "@typs/express",
            "@types/express with a scope like @types",
        ),
        (
            Ecosystem::Npm,
            "cross_spawn",
            "cross-spawn with other separators",
        ),
        (
            Ecosystem::Npm,
            "safebuffer",
            "safe-buffer with other separators",
        ),
        (Ecosystem::Npm, "uuud", "uuid with “u” for “i”"),
        (Ecosystem::Npm, "gloob", "glob with “o” added"),
        (
            Ecosystem::Npm,
            "vvebpack",
            "webpack with letters that look alike",
        ),
        (
            Ecosystem::Npm,
            "@typs/node",
            "@types/node with a scope like @types",
        ),
        (
            Ecosystem::Npm,
            "@bable/core",
            "@babel/core with a scope like @babel",
        ),
        (
            Ecosystem::Npm,
            "types-node",
            "@types/node without its scope",
        ),
        (Ecosystem::Npm, "express.js", "express with “.js” added"),
        (
            Ecosystem::Npm,
            "node-typescript",
            "typescript with “node-” added",
        ),
        (
            Ecosystem::Npm,
            "lоdash",
            "lodash with letters of another alphabet",
        ),
        (
            Ecosystem::CratesIo,
            "serde_jsn",
            "serde_json with “o” left out",
        ),
        (
            Ecosystem::CratesIo,
            "serdejson",
            "serde_json with other separators",
        ),
        (
            Ecosystem::CratesIo,
            "tokoi",
            "tokio with two letters swapped",
        ),
        (
            Ecosystem::CratesIo,
            "reqvvest",
            "reqwest with letters that look alike",
        ),
        (
            Ecosystem::CratesIo,
            "rustdecimal",
            "rust_decimal with other separators",
        ),
        (
            Ecosystem::CratesIo,
            "once-ceil",
            "once_cell with “i” for “l”",
        ),
    ];

    /// Names that stand near popular ones and are what people mean by them, or may well be.
    const HARMLESS: &[(Ecosystem, &str)] = &[
        (Ecosystem::Npm, "lodash"),
        (Ecosystem::Npm, "preact"),
        (Ecosystem::Npm, "request"),
        (Ecosystem::Npm, "babel-core"),
        (Ecosystem::Npm, "colors"),
        (Ecosystem::Npm, "@types/anything"),
        (Ecosystem::Npm, "@own/lodash"),
        (Ecosystem::Npm, "@typed/guard"),
        (Ecosystem::Npm, "@rsbuild/core"),
        (Ecosystem::Npm, "@aws-sdk/client-of-the-future"),
        (Ecosystem::Npm, "mss"),
        (Ecosystem::Npm, "axios4"),
        (Ecosystem::Npm, "my-lodash-helpers"),
        (Ecosystem::Npm, "glop"),
        (Ecosystem::Npm, ""),
        (Ecosystem::PyPi, "Python_DateUtil"),
        (Ecosystem::PyPi, "psycopg"),
        (Ecosystem::PyPi, "psycopg3"),
        (Ecosystem::PyPi, "jupyterlab"),
        (Ecosystem::PyPi, "pandas-stubs"),
        (Ecosystem::PyPi, "xnumpy"),
        (Ecosystem::PyPi, "данные"),
        (Ecosystem::CratesIo, "serde-json"),
        (Ecosystem::CratesIo, "md5"),
        (Ecosystem::CratesIo, "utf8"),
        (Ecosystem::CratesIo, "typed"),
        (Ecosystem::CratesIo, "sys-info"),
        (Ecosystem::CratesIo, "bitfield"),
        (Ecosystem::CratesIo, "serde_yml"),
        (Ecosystem::CratesIo, "sha4"),
        (Ecosystem::Go, "github.com/gorila/mux"),
        (Ecosystem::Maven, "log4j:log4k"),
    ];

    #[test]
    fn planted_names_are_found_and_what_was_done_to_them_is_said() {
        for (ecosystem, name, expected) in PLANTED {
            assert_eq!(like(*ecosystem, name).as_deref(), Some(*expected), "{name}");
        }
    }

    #[test]
    fn names_that_people_mean_are_no_findings() {
        for (ecosystem, name) in HARMLESS {
            assert_eq!(like(*ecosystem, name), None, "{name}");
        }
    }

    #[test]
    fn an_alphabet_is_certain_and_a_language_may_be_a_port() {
        let judged = |name| {
            let found = resemblance(Ecosystem::Npm, name).unwrap();
            let component = Component {
                ecosystem: Ecosystem::Npm,
                name: name.to_owned(),
                version: None,
                version_range: None,
                purl: format!("pkg:npm/{name}"),
                scope: Scope::Shipped,
                evidence: crate::component::Evidence::Installed,
                locations: Vec::new(),
                size_bytes: None,
                upgrade: None,
            };
            let finding = finding(&component, &found, true);
            (finding.severity, finding.certainty)
        };
        assert_eq!(judged("lоdash"), (Severity::High, Certainty::Certain));
        assert_eq!(judged("lodahs"), (Severity::Medium, Certainty::Possible));
        assert_eq!(judged("lodash-js"), (Severity::Low, Certainty::Possible));
    }

    #[test]
    fn names_of_any_length_are_looked_at_in_no_time() {
        let long = "a".repeat(1 << 20);
        for ecosystem in [Ecosystem::Npm, Ecosystem::PyPi, Ecosystem::CratesIo] {
            assert_eq!(like(ecosystem, &long), None);
            assert_eq!(like(ecosystem, &format!("@{long}/{long}")), None);
        }
    }
}
