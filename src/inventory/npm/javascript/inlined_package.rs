//! A package.json that was made part of a bundle, because code asked for it.
//!
//! It stands there as an object of JavaScript (`{name:"a",version:"1.2.3",…}`, esbuild and Browserify) or as JSON in a
//! string (`JSON.parse('{"name":"a",…}')`, webpack). Many objects have a name and a version: of browsers, of plugins,
//! of the application itself. One counts if it has other fields of a package.json besides, and if its package is
//! published.
//!
//! Specification: <https://docs.npmjs.com/cli/v11/configuring-npm/package-json>.

use memchr::memmem::{self, Finder, rfind};
use memchr::{memchr, memrchr};

use super::library;
use super::package_path::{is_name, package_of};
use super::script::Reader;
use super::sighting::{self, Sighting};
use crate::inspect::{Entry, Observations, Unreadable};
use crate::inventory::npm::specifier::exact_version;

pub(super) struct InlinedPackage;

/// What webpack gives JSON to.
const CALL: &str = "JSON.parse(";

/// Longer texts are no versions.
const MAX_VERSION: usize = 64;

/// How long the object may be. Old versions of npm wrote the readme into it.
const MAX_OBJECT: usize = 256 * 1024;

/// How far before the object the bundler's line about the module is looked for. Comments of webpack stand between.
const MAX_HEAD: usize = 2048;

/// Fields that hardly anything but a package.json has.
const SIGNS: &[&str] = &[
    "main",
    "module",
    "exports",
    "license",
    "licenses",
    "repository",
    "dependencies",
    "devDependencies",
    "peerDependencies",
    "optionalDependencies",
    "engines",
    "bugs",
    "files",
    "scripts",
    "bin",
    "publishConfig",
    "sideEffects",
    "typings",
    "keywords",
    "homepage",
    "author",
    "contributors",
    "_id",
    "_resolved",
    "_integrity",
    "gitHead",
];
const MIN_SIGNS: usize = 3;

/// Fields of a package that others are meant to find.
const PUBLISHED: &[&str] = &[
    "repository",
    "bugs",
    "homepage",
    "publishConfig",
    "_id",
    "_resolved",
    "_integrity",
    "gitHead",
];

/// What an object says, if it may be a package.json.
#[derive(Debug, Default, PartialEq, Eq)]
struct Manifest<'a> {
    name: &'a str,
    version: &'a str,
    signs: usize,
    is_published: bool,
    is_private: bool,
}

impl Reader for InlinedPackage {
    fn marks(&self) -> &'static [&'static str] {
        &["version\"", "version'", "version:", "version :", CALL]
    }

    fn read(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let (mut sightings, are_all) = objects(entry.bytes);
        sightings.extend(parsed_texts(entry.bytes));
        // JSON in a string is both.
        sighting::report(
            entry,
            sighting::first_of_each(sightings),
            |own, name| own == name,
            seen,
        );
        match are_all {
            true => Ok(()),
            false => Err(Unreadable::new(
                "holds so many objects within objects that not all were looked at",
            )),
        }
    }
}

/// Packages by objects in the code, and whether all of them were looked at.
fn objects(text: &[u8]) -> (Vec<Sighting>, bool) {
    const KEY: &str = "version";
    let mut found = Vec::new();
    // What may be read in all: several times the text, as objects stand in objects.
    let mut readable = text.len().saturating_mul(4) + MAX_OBJECT;
    let mut read_to = 0;
    for at in Finder::new(KEY).find_iter(text) {
        if at < read_to || !is_key_of_version(text, at, at + KEY.len()) {
            continue;
        }
        if readable == 0 {
            return (found, false);
        }
        let Some(start) = object_start(text, at, &mut readable) else {
            continue;
        };
        let object = &text[start..text.len().min(start + MAX_OBJECT.min(readable))];
        let (manifest, length) = manifest(object);
        readable = readable.saturating_sub(length);
        if let Some(manifest) = manifest {
            read_to = start + length;
            found.extend(published(&manifest, text, start));
        }
    }
    (found, true)
}

/// Packages by JSON in strings.
fn parsed_texts(text: &[u8]) -> Vec<Sighting> {
    let mut found = Vec::new();
    let mut read_to = 0;
    for at in Finder::new(CALL).find_iter(text) {
        let start = at + CALL.len();
        if start < read_to {
            continue;
        }
        if let Some((json, end)) = string_content(text, start) {
            read_to = end;
            if let (Some(manifest), _) = manifest(&json) {
                found.extend(published(&manifest, text, at));
            }
        }
    }
    found
}

/// The package of a manifest that stands at `offset`, if it is another's.
fn published(manifest: &Manifest, text: &[u8], offset: usize) -> Option<Sighting> {
    let version = exact_version(manifest.version)?;
    let is_package = is_name(manifest.name) && !manifest.is_private && manifest.signs >= MIN_SIGNS;
    let is_anothers = match path_before(&text[..offset]) {
        Some(path) => package_of(path).is_some(),
        None => manifest.is_published,
    };
    (is_package && is_anothers).then(|| Sighting {
        offset,
        name: manifest.name.to_owned(),
        version: (!library::is_ambiguous(manifest.name, version)).then(|| version.to_owned()),
        folder: None,
        range: None,
    })
}

/// The path that the bundle gives the module which the text ends in, if it is that of a package.json.
fn path_before(text: &[u8]) -> Option<&str> {
    const FILE: &str = "package.json";
    let near = &text[text.len().saturating_sub(MAX_HEAD)..];
    let end = rfind(near, FILE.as_bytes())? + FILE.len();
    let behind = &near[end..];
    let is_head = [&b"\":"[..], b"\"(", b"':", b"'(", b" ***!", b"\n", b"\r\n"]
        .iter()
        .any(|mark| behind.starts_with(mark));
    let start = near[..end]
        .iter()
        .rposition(|b| b.is_ascii_whitespace() || matches!(b, b'"' | b'\''));
    let path = str::from_utf8(&near[start.map_or(0, |start| start + 1)..end]).ok()?;
    is_head.then_some(path)
}

/// Whether `version`, from `start` to `end`, is a key, and an exact one its value. Most objects with such a key are none of a
/// package, and long.
fn is_key_of_version(text: &[u8], start: usize, end: usize) -> bool {
    let (before, behind) = (&text[..start], &text[end..]);
    let behind = match before.last() {
        Some(quote @ (b'"' | b'\'')) => behind.strip_prefix(&[*quote]),
        Some(b'{' | b',' | b' ' | b'\n' | b'\t') => Some(behind),
        _ => None,
    };
    let value = behind
        .map(<[u8]>::trim_ascii_start)
        .and_then(|rest| rest.strip_prefix(b":"));
    let value = value.map(<[u8]>::trim_ascii_start).unwrap_or_default();
    matches!(value, [quote @ (b'"' | b'\'' | b'`'), rest @ ..] if starts_with_exact_version(rest, *quote))
}

fn starts_with_exact_version(text: &[u8], quote: u8) -> bool {
    let near = &text[..text.len().min(MAX_VERSION)];
    let version = memchr(quote, near).and_then(|end| str::from_utf8(&near[..end]).ok());
    version.is_some_and(|version| exact_version(version).is_some())
}

/// The brace that opens the object in which `at` is, read from back to front. In an object that is only data every
/// quote that is not escaped is the end of a string.
fn object_start(text: &[u8], at: usize, readable: &mut usize) -> Option<usize> {
    let mut at = at;
    // Behind the quote that the key itself begins with.
    if matches!(text.get(at.checked_sub(1)?), Some(b'"' | b'\'')) {
        at -= 1;
    }
    let floor = at.saturating_sub(MAX_OBJECT.min(*readable));
    let end = at;
    let mut depth = 0usize;
    let mut start = None;
    while at > floor {
        at -= 1;
        match text[at] {
            quote @ (b'"' | b'\'' | b'`') => match string_start(text, floor, at, quote) {
                Some(open) => at = open,
                None => break,
            },
            b'}' | b']' => depth += 1,
            b'{' if depth == 0 => {
                start = Some(at);
                break;
            }
            b'[' if depth == 0 => break,
            b'{' | b'[' => depth -= 1,
            b';' | b'=' | b'(' | b')' => break,
            _ => {}
        }
    }
    *readable = readable.saturating_sub(end - at);
    start
}

/// Where the string starts whose closing quote is at `end`.
fn string_start(text: &[u8], floor: usize, end: usize, quote: u8) -> Option<usize> {
    let mut end = end;
    loop {
        let open = floor + memrchr(quote, text.get(floor..end)?)?;
        let escapes = text[floor..open]
            .iter()
            .rev()
            .take_while(|b| **b == b'\\')
            .count();
        if escapes % 2 == 0 {
            return Some(open);
        }
        end = open;
    }
}

/// Reads an object of JSON or JavaScript that holds only data: what it says, and how much was read.
fn manifest(text: &[u8]) -> (Option<Manifest<'_>>, usize) {
    let mut reader = Data { text, at: 0 };
    let manifest = fields(&mut reader);
    (manifest, reader.at)
}

fn fields<'a>(reader: &mut Data<'a>) -> Option<Manifest<'a>> {
    let mut manifest = Manifest::default();
    reader.take(b'{')?;
    loop {
        if reader.peek()? == b'}' {
            reader.at += 1;
            return Some(manifest);
        }
        let key = reader.key()?;
        reader.take(b':')?;
        let value = reader.value()?;
        match key {
            "name" => manifest.name = value.string()?,
            "version" => manifest.version = value.string()?,
            "private" => manifest.is_private = matches!(value, Value::Word("true" | "!0")),
            _ => {}
        }
        manifest.signs += usize::from(SIGNS.contains(&key));
        manifest.is_published |= PUBLISHED.contains(&key);
        if reader.peek()? == b',' {
            reader.at += 1;
        } else if reader.peek()? != b'}' {
            return None;
        }
    }
}

enum Value<'a> {
    String(&'a str),
    /// `true`, `!0`, `1.5`
    Word(&'a str),
    /// An object or a list.
    Nested,
}

impl<'a> Value<'a> {
    fn string(&self) -> Option<&'a str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }
}

struct Data<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Data<'a> {
    /// The next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        let rest = self.text.get(self.at..)?;
        self.at += rest.len() - rest.trim_ascii_start().len();
        self.text.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        let found = self.peek()? == byte;
        self.at += 1;
        found.then_some(())
    }

    fn key(&mut self) -> Option<&'a str> {
        match self.peek()? {
            b'"' | b'\'' => self.string(),
            _ => self.word(),
        }
    }

    fn value(&mut self) -> Option<Value<'a>> {
        match self.peek()? {
            b'"' | b'\'' | b'`' => self.string().map(Value::String),
            b'{' | b'[' => self.nested().map(|()| Value::Nested),
            _ => self.word().map(Value::Word),
        }
    }

    /// What is between the quotes, with its escapes.
    fn string(&mut self) -> Option<&'a str> {
        let quote = self.peek()?;
        let start = self.at + 1;
        let length = string_length(self.text.get(start..)?, quote)?;
        self.at = start + length + 1;
        str::from_utf8(&self.text[start..start + length]).ok()
    }

    fn word(&mut self) -> Option<&'a str> {
        let is_part = |b: &u8| {
            b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$' | b'!' | b'.' | b'-' | b'+')
        };
        let rest = self.text.get(self.at..)?;
        let length = rest.iter().take_while(|b| is_part(b)).count();
        self.at += length;
        str::from_utf8(&rest[..length])
            .ok()
            .filter(|word| !word.is_empty())
    }

    /// Skips an object or a list, whatever data is in it.
    fn nested(&mut self) -> Option<()> {
        let mut depth = 0usize;
        loop {
            match self.peek()? {
                b'"' | b'\'' | b'`' => {
                    self.string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                b'(' | b')' | b';' | b'=' => return None,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Some(());
            }
        }
    }
}

/// The length of a string to its closing quote.
fn string_length(text: &[u8], quote: u8) -> Option<usize> {
    let mut from = 0;
    loop {
        let end = from + memchr(quote, text.get(from..)?)?;
        let escapes = text[from..end]
            .iter()
            .rev()
            .take_while(|b| **b == b'\\')
            .count();
        if escapes % 2 == 0 {
            return Some(end);
        }
        from = end + 1;
    }
}

/// The content of a string that begins with an object of JSON, without its escapes, and where it ends. In an
/// evaluated module, which is a string itself, all is escaped twice.
fn string_content(text: &[u8], start: usize) -> Option<(Vec<u8>, usize)> {
    let rest = text.get(start..text.len().min(start + MAX_OBJECT))?;
    let (close, inside): (&[u8], usize) = match rest {
        [b'\\', quote @ (b'"' | b'\''), ..] => (&[b'}', b'\\', *quote, b')'], 2),
        [quote @ (b'"' | b'\'' | b'`'), ..] => (&[b'}', *quote, b')'], 1),
        _ => return None,
    };
    let content = rest
        .get(inside..)
        .filter(|content| content.starts_with(b"{"))?;
    let is_evaluated = inside == 2 || content.starts_with(b"{\\\"") && close[1] == b'\'';
    let length = match is_evaluated {
        true => memmem::find(content, close)? + 1,
        false => string_length(content, close[1])?,
    };
    let mut plain = without_escapes(&content[..length]);
    if is_evaluated {
        plain = without_escapes(&plain);
    }
    Some((plain, start + inside + length))
}

/// Without one level of backslashes. Escapes that stand for other characters are in no field that is read.
fn without_escapes(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => plain.extend(bytes.next()),
            byte => plain.push(*byte),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::script::testing::read;
    use super::*;
    use crate::inventory::testing::rows;

    fn found(text: &str) -> Vec<String> {
        let rows = rows(&read(&InlinedPackage, "index.js", text).unwrap());
        rows.into_iter()
            .map(|row| row.replace(" fingerprint index.js", ""))
            .collect()
    }

    const REST: &str = r#""main": "x.js", "license": "MIT", "repository": {"url": "a{b}"}, "scripts": {"version": "1"}"#;

    #[test]
    fn objects_of_javascript() {
        for text in [
            r#"x={name:"@s/a",version:"1.2.3",main:"x.js",license:"MIT",repository:{url:"y"},private:!1}"#,
            r#"x={_id:'a',license:`MIT`,scripts:{version:'2.0.0',"x-y":"a \"{\" b"},engines:{},version:"1.2.3",name:'@s/a'};"#,
            "x = {\n  license: \"MIT\",\n  version: \"1.2.3\",\n  name: '@s/a',\n  bugs: [],\n  keywords: [1, {}]\n}",
        ] {
            assert_eq!(
                found(text)[0].split(':').next(),
                Some("@s/a 1.2.3"),
                "{text}"
            );
            assert_eq!(found(text).len(), 1, "{text}");
        }
    }

    #[test]
    fn json_in_code_and_in_strings() {
        let json = format!(
            r#"{{"name": "a", "description": "it's \"b\" \\", "version": "1.2.3", {REST}}}"#
        );
        let escaped = |text: &str, quote: &str| {
            text.replace('\\', "\\\\")
                .replace(quote, &format!("\\{quote}"))
        };
        let single = format!("JSON.parse('{}')", escaped(&json, "'"));
        let double = format!("JSON.parse(\"{}\")", escaped(&json, "\""));
        for text in [
            format!("module.exports={json}\n"),
            single.clone(),
            double.clone(),
            format!("eval(\"x = {};\")", escaped(&single, "\"")),
            format!("eval(\"x = {};\")", escaped(&double, "\"")),
        ] {
            assert_eq!(found(&text).len(), 1, "{text}");
            assert!(found(&text)[0].starts_with("a 1.2.3:"), "{text}");
        }
    }

    #[test]
    fn several_are_told_apart() {
        let object =
            |name| format!("\"{name}\":{{\"name\":\"{name}\",\"version\":\"1.2.3\",{REST}}}");
        let text = format!("x={{{},{}}}", object("a"), object("b"));
        assert_eq!(found(&text), ["a 1.2.3:1", "b 1.2.3:1"]);
    }

    #[test]
    fn what_only_looks_alike_is_none() {
        for text in [
            "x={name:\"Safari\",version:\"9.0.0\"}".to_owned(),
            "x={name:\"a\",version:\"1.2.3\",author:\"me\",homepage:\"y\"}".to_owned(),
            format!("x={{\"name\":\"a\",\"version\":\"1.2\",{REST}}}"),
            format!("x={{\"name\":\"^1.2.3 b\",\"version\":\"1.2.3\",{REST}}}"),
            format!("x={{\"version\":\"1.2.3\",{REST}}}"),
            format!("x={{\"name\":y,\"version\":\"1.2.3\",{REST}}}"),
            format!("x={{\"name\":\"a\",\"version\":\"1.2.3\",\"f\":g(),{REST}}}"),
            format!("x={{\"name\":\"a\",\"version\":\"1.2.3\",{REST}"),
        ] {
            assert!(found(&text).is_empty(), "{text}");
        }
    }

    #[test]
    fn a_version_that_later_releases_state_too_is_not_believed() {
        let text = |version| format!(r#"x={{"name":"ejs","version":"{version}",{REST}}}"#);
        assert_eq!(found(&text("3.1.8")), ["ejs ~:1"]);
        assert_eq!(found(&text("3.1.7")), ["ejs 3.1.7:1"]);
    }

    #[test]
    fn the_projects_own_manifest_is_left_out() {
        let json = format!(r#"{{"name": "own", "version": "1.2.3", {REST}}}"#);
        for text in [
            format!("x={{private:true,\"name\":\"own\",\"version\":\"1.2.3\",{REST}}}"),
            "x={name:\"own\",version:\"1.2.3\",main:\"x.js\",license:\"MIT\",scripts:{}}"
                .to_owned(),
            format!("// package.json\nvar x = {json}"),
            format!("({{ \"package.json\"(exports, module) {{ module.exports = {json} }} }})"),
            format!(
                "/***/ \"./package.json\":\n/*! exports provided: name */\nJSON.parse('{json}')"
            ),
        ] {
            assert!(found(&text).is_empty(), "{text}");
        }
        let others =
            format!("/***/ \"./node_modules/own/package.json\":\n(function () {{ x = {json} }})");
        assert_eq!(found(&others), ["own 1.2.3:2"]);
    }

    #[test]
    fn depth_and_length_are_no_matter() {
        for piece in [
            "{",
            "{\"version\":\"1\",",
            "version:\"1\",",
            "[{version:'1'}",
            "\"",
            "\\",
            "JSON.parse('{",
            "JSON.parse(\\\"{",
        ] {
            assert!(found(&piece.repeat(50_000)).is_empty());
        }
    }

    #[test]
    fn what_is_not_looked_at_is_said() {
        let text = r#"{"name":"a","version":"1.0.0","main":"#.repeat(20_000);
        let error = read(&InlinedPackage, "index.js", &text).unwrap_err();
        assert!(
            error.message.contains("not all were looked at"),
            "{error:?}"
        );
    }

    proptest! {
        #[test]
        fn no_bytes_do_harm(pieces in proptest::collection::vec(proptest::sample::select(vec![
            "version", "name", ":", "\"", "'", "`", "{", "}", "[", "]", ",", "\\", "1.2.3", "JSON.parse(", "main", "_id",
            "repository", " ", "\n", "package.json", "\u{e9}", "(", ")",
        ]), 0..40), odd in any::<Vec<u8>>()) {
            let mut text = pieces.concat().into_bytes();
            text.extend(odd);
            read(&InlinedPackage, "index.js", text).unwrap();
        }
    }
}
