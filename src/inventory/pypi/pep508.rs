//! One dependency as Python's files ask for it, `name[extra]>=1.0 ; marker` or `name @ url`.
//!
//! <https://packaging.python.org/en/latest/specifications/dependency-specifiers/>, and beyond it what pip takes in their
//! place: paths and bare URLs (<https://pip.pypa.io/en/stable/topics/vcs-support/>).

use std::str::FromStr;

use pep440_rs::Version;

use crate::component::{Ecosystem, Evidence, ObservedComponent};
use crate::finding::Location;

use super::archive_name;

/// A third-party package, and what is asked of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    pub name: String,
    /// The only version that will do, where it is so.
    pub version: Option<String>,
    /// What is asked for as it is written, a revision for a package from version control; `*` where anything will do.
    pub range: String,
}

/// The text is nothing that pip could install.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotARequirement;

/// Reads one dependency. `None` is one that names no third-party package: a local path, or a URL that states no name.
pub fn parse(text: &str) -> Result<Option<Requirement>, NotARequirement> {
    let text = text.trim();
    if is_url(text) {
        return parse_link(None, text);
    }
    if text.starts_with(['.', '/', '\\', '~']) {
        first_word(text)?;
        return Ok(None);
    }
    let (name, rest) = split_name(text)?;
    let rest = skip_extras(rest)?.trim_start();
    if let Some(link) = rest.strip_prefix('@') {
        return parse_link(Some(name), link.trim_start());
    }
    if rest.starts_with(['/', '\\']) || rest.starts_with(":\\") || is_archive(name) {
        first_word(text)?;
        return Ok(None);
    }
    let specifiers = rest.split_once(';').map_or(rest, |(before, _)| before);
    let (version, range) = parse_specifiers(specifiers).ok_or(NotARequirement)?;
    Ok(Some(Requirement {
        name: name.to_owned(),
        version,
        range,
    }))
}

/// The URL that a dependency is fetched from instead of an index, or the local path.
pub fn link(text: &str) -> Option<&str> {
    let text = text.trim();
    if is_url(text) || text.starts_with(['.', '/', '\\', '~']) {
        return first_word(text).ok();
    }
    let (_, rest) = split_name(text).ok()?;
    let link = skip_extras(rest).ok()?.trim_start().strip_prefix('@')?;
    first_word(link.trim_start()).ok()
}

/// Reads what is to be installed in place: a package from version control, or else a local folder.
pub fn parse_editable(text: &str) -> Result<Option<Requirement>, NotARequirement> {
    if is_url(text) || text.contains("://") {
        parse(text)
    } else {
        Ok(None)
    }
}

impl Requirement {
    /// What Poetry and Pipenv write after a name: a version, specifiers, or a range in a grammar of their own.
    pub fn new(name: impl Into<String>, asked: &str) -> Self {
        let asked = asked.trim();
        let bare = asked.trim_start_matches('=').trim_start();
        let (version, range) = if Version::from_str(bare).is_ok() {
            (Some(bare.to_owned()), asked.to_owned())
        } else {
            parse_specifiers(asked).unwrap_or_else(|| (None, asked.to_owned()))
        };
        Requirement {
            name: name.into(),
            version,
            range,
        }
    }

    /// A package that is fetched from version control, at a revision where one is given.
    pub fn at_revision(name: impl Into<String>, revision: Option<&str>) -> Self {
        Requirement {
            name: name.into(),
            version: None,
            range: revision.unwrap_or("*").to_owned(),
        }
    }

    /// A package that is fetched from a URL; `None` if that is a local file, or if it states no name and none is given.
    pub fn from_link(name: Option<&str>, url: &str) -> Option<Self> {
        let (address, fragment) = url.split_once('#').unwrap_or((url, ""));
        let name = name.or_else(|| egg_name(fragment));
        let (scheme, rest) = address.split_once(':')?;
        let scheme = scheme.to_ascii_lowercase();
        if scheme == "file" || scheme.ends_with("+file") {
            return None;
        }
        if scheme.contains('+') || scheme == "git" {
            return Some(Requirement::at_revision(name?, revision(rest)));
        }
        let file_name = address.rsplit_once('/').map_or("", |(_, name)| name);
        let file_name = file_name.split('?').next().unwrap_or_default();
        let file_name = percent_decode(file_name);
        let wheel = archive_name::wheel(&file_name);
        let stated = wheel.or_else(|| archive_name::sdist(&file_name));
        // A forge's snapshot of a branch or tag looks like a source distribution, and is named after the repository.
        let is_snapshot = wheel.is_none() && address.contains("/archive/");
        match (name, stated) {
            (Some(name), Some((stated, version))) if is_same_name(name, stated) => {
                Some(Requirement {
                    name: name.to_owned(),
                    version: Some(version.to_owned()),
                    range: format!("=={version}"),
                })
            }
            (Some(name), _) => Some(Requirement::at_revision(name, None)),
            (None, Some((name, version))) if !is_snapshot => Some(Requirement {
                name: name.to_owned(),
                version: Some(version.to_owned()),
                range: format!("=={version}"),
            }),
            (None, _) => None,
        }
    }

    pub fn into_component(self, evidence: Evidence, location: Location) -> ObservedComponent {
        let version_range = self.version.is_none().then_some(self.range);
        ObservedComponent {
            ecosystem: Ecosystem::PyPi,
            name: self.name,
            version: self.version,
            version_range,
            evidence,
            folder: None,
            location,
        }
    }
}

pub fn is_same_name(a: &str, b: &str) -> bool {
    Ecosystem::PyPi.normalize_name(a) == Ecosystem::PyPi.normalize_name(b)
}

fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let is_one_of =
        |scheme: &str, known: &[&str]| known.iter().any(|known| scheme.eq_ignore_ascii_case(known));
    match scheme.split_once('+') {
        Some((vcs, _)) => is_one_of(vcs, &["git", "hg", "svn", "bzr"]),
        None => {
            is_one_of(scheme, &["http", "https", "ftp", "file", "git"]) && rest.starts_with('/')
        }
    }
}

fn is_archive(name: &str) -> bool {
    [".whl", ".zip", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz"]
        .iter()
        .any(|suffix| name.ends_with(suffix))
}

fn parse_link(name: Option<&str>, text: &str) -> Result<Option<Requirement>, NotARequirement> {
    let url = first_word(text)?;
    if url.is_empty() {
        return Err(NotARequirement);
    }
    Ok(Requirement::from_link(name, url))
}

/// The text up to a space, after which only a marker may follow.
fn first_word(text: &str) -> Result<&str, NotARequirement> {
    let (word, rest) = text
        .split_once(char::is_whitespace)
        .map_or((text, ""), |(word, rest)| (word, rest.trim_start()));
    let is_marker = rest.is_empty() || rest.starts_with(';') || word.ends_with(';');
    is_marker
        .then(|| word.trim_end_matches(';'))
        .ok_or(NotARequirement)
}

fn split_name(text: &str) -> Result<(&str, &str), NotARequirement> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let is_name = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.ends_with(|c: char| c.is_ascii_alphanumeric());
    is_name.then_some((name, rest)).ok_or(NotARequirement)
}

fn skip_extras(text: &str) -> Result<&str, NotARequirement> {
    let Some(inside) = text.trim_start().strip_prefix('[') else {
        return Ok(text);
    };
    let (extras, rest) = inside.split_once(']').ok_or(NotARequirement)?;
    let is_extra =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ',' | ' ' | '\t');
    extras
        .chars()
        .all(is_extra)
        .then_some(rest)
        .ok_or(NotARequirement)
}

/// The pin, if there is just one, and all specifiers with their spaces removed: ` >= 1.0, <2` as `>=1.0,<2`.
fn parse_specifiers(text: &str) -> Option<(Option<String>, String)> {
    const OPERATORS: [&str; 8] = ["===", "==", "~=", "!=", "<=", ">=", "<", ">"];
    let text = text.trim();
    let text = text
        .strip_prefix('(')
        .and_then(|inside| inside.strip_suffix(')'))
        .unwrap_or(text);
    let mut pins: Vec<&str> = Vec::new();
    let mut range = String::new();
    for specifier in text.split(',').map(str::trim).filter(|s| !s.is_empty()) {
        let (operator, version) = OPERATORS
            .iter()
            .find_map(|op| Some((*op, specifier.strip_prefix(op)?.trim_start())))?;
        if version.is_empty() || !version.chars().all(is_version_char) {
            return None;
        }
        // Neither `==1.*` nor `==${VERSION}` is a version.
        if operator.starts_with("==") && !version.contains(['*', '$']) && !pins.contains(&version) {
            pins.push(version);
            // Two contradict each other, how many more there are makes no difference.
            pins.truncate(2);
        }
        if !range.is_empty() {
            range.push(',');
        }
        range.push_str(operator);
        range.push_str(version);
    }
    if range.is_empty() {
        range.push('*');
    }
    let pin = match pins.as_slice() {
        [pin] => Some((*pin).to_owned()),
        _ => None,
    };
    Some((pin, range))
}

/// pip fills in `${NAME}` from its environment.
fn is_version_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '*' | '+' | '!' | '_' | '-' | '$' | '{' | '}')
}

/// `name` of `egg=name[extra]&subdirectory=src`.
fn egg_name(fragment: &str) -> Option<&str> {
    let egg = fragment
        .split('&')
        .find_map(|part| part.strip_prefix("egg="))?;
    let (name, _) = split_name(egg).ok()?;
    Some(name)
}

/// `v1.0` of `//user@host/path@v1.0`.
fn revision(address: &str) -> Option<&str> {
    let (_, path) = address.trim_start_matches('/').split_once('/')?;
    let (_, revision) = path.rsplit_once('@')?;
    (!revision.is_empty()).then_some(revision)
}

fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let decoded = match after {
            [high, low, ..] if first == b'%' => hex_pair(*high, *low),
            _ => None,
        };
        bytes.push(decoded.unwrap_or(first));
        rest = match decoded {
            Some(_) => after.get(2..).unwrap_or_default(),
            None => after,
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex_pair(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `name version`, or `name ~range`.
    fn read(text: &str) -> String {
        match parse(text) {
            Ok(Some(Requirement {
                name,
                version: Some(version),
                ..
            })) => format!("{name} {version}"),
            Ok(Some(Requirement { name, range, .. })) => format!("{name} ~{range}"),
            Ok(None) => "nothing".to_owned(),
            Err(NotARequirement) => "error".to_owned(),
        }
    }

    #[test]
    fn reads_pins_and_ranges() {
        for (text, expected) in [
            ("foo==1.0", "foo 1.0"),
            ("foo === 1.0-custom", "foo 1.0-custom"),
            (
                "Foo.Bar [a, b] == 1.0 ; python_version < '3'",
                "Foo.Bar 1.0",
            ),
            ("foo>=1, ==1.2 ,<2", "foo 1.2"),
            ("foo==1.0,==1.0", "foo 1.0"),
            ("foo (==1.0)", "foo 1.0"),
            ("foo", "foo ~*"),
            ("foo;sys_platform=='win32'", "foo ~*"),
            ("foo >= 1.0 , < 2,", "foo ~>=1.0,<2"),
            ("foo~=1.0", "foo ~~=1.0"),
            ("foo==1.*", "foo ~==1.*"),
            ("foo==1.0,==2.0", "foo ~==1.0,==2.0"),
            ("foo==${FOO_VERSION}", "foo ~==${FOO_VERSION}"),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn reads_links() {
        for (text, expected) in [
            (
                "foo @ https://x.example/foo-1.0-py3-none-any.whl#sha256=0",
                "foo 1.0",
            ),
            (
                "foo@https://x.example/foo-1.0%2Bcu1-py3-none-any.whl ; a",
                "foo 1.0+cu1",
            ),
            (
                "foo-bar @ https://x.example/foo_bar-1.0.tar.gz?x=1",
                "foo-bar 1.0",
            ),
            ("foo @ https://x.example/bar-1.0.tar.gz", "foo ~*"),
            ("foo @ https://x.example/foo/archive/v1.0.zip", "foo ~*"),
            ("https://x.example/foo-1.0-py3-none-any.whl", "foo 1.0"),
            ("https://x.example/foo-1.0.tar.gz", "foo 1.0"),
            ("https://x.example/archive/release-1.0.tar.gz", "nothing"),
            ("https://x.example/foo/archive/main.zip#egg=foo", "foo ~*"),
            (
                "git+https://u@x.example/o/r.git@v1.0#subdirectory=x&egg=foo[a]",
                "foo ~v1.0",
            ),
            ("git+https://u:${TOKEN}@x.example/o/r.git#egg=foo", "foo ~*"),
            ("git+git@x.example:o/r.git@main#egg=foo", "foo ~main"),
            ("foo @ git+ssh://git@x.example/o/r", "foo ~*"),
            ("git+https://x.example/o/r.git", "nothing"),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn local_sources_are_not_third_party() {
        for text in [
            ".",
            "./lib[extra]",
            "../foo-1.0.tar.gz",
            "/opt/foo ; python_version < '3'",
            "libs/foo",
            r"C:\libs\foo",
            "foo-1.0-py3-none-any.whl",
            "foo @ file:///srv/foo-1.0-py3-none-any.whl",
            "git+file:///srv/foo#egg=foo",
        ] {
            assert_eq!(read(text), "nothing", "{text}");
        }
    }

    #[test]
    fn prose_is_not_a_requirement() {
        for text in [
            "Permission is granted",
            "MIT License",
            "foo = 1.0",
            "foo >= 1.0 < 2",
            "foo==",
            "(c) 2020",
            "foo[",
            "foo @",
            "http://x.example/ for more",
            "see ./docs",
            "-",
            "ünï",
        ] {
            assert_eq!(read(text), "error", "{text}");
        }
    }

    #[test]
    fn in_place_installs_count_when_they_come_from_elsewhere() {
        let name = |text| parse_editable(text).unwrap().map(|r| r.name);
        assert_eq!(
            name("git+https://x.example/r#egg=foo").as_deref(),
            Some("foo")
        );
        assert_eq!(
            name("foo @ git+https://x.example/r").as_deref(),
            Some("foo")
        );
        assert_eq!(name("src"), None);
        assert_eq!(name(".[dev]"), None);
    }

    #[test]
    fn ranges_of_other_tools_are_kept_as_written() {
        let read = |asked| {
            let read = Requirement::new("foo", asked);
            (read.version, read.range)
        };
        assert_eq!(read("1.2"), (Some("1.2".into()), "1.2".into()));
        assert_eq!(read("== 1.2").0.as_deref(), Some("1.2"));
        assert_eq!(read("^1.2 || ^2"), (None, "^1.2 || ^2".into()));
        assert_eq!(read("1.2.*"), (None, "1.2.*".into()));
        assert_eq!(read(">= 1, <2"), (None, ">=1,<2".into()));
        assert_eq!(read(""), (None, "*".into()));
    }
}
