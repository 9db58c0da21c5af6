//! Source maps: which modules a bundle was made of, and often their text.
//!
//! Specification: <https://tc39.es/ecma426/>. A map lies beside the bundle as a `.map` file, or in the bundle as a
//! data URL. `sources` names the modules: those under `node_modules` name packages, see [`super::package_path`].
//! Where `sourcesContent` carries a package's package.json, it states the version.
//!
//! A copy of a package is told by its folder. Copies of which the same is known are one row.

use std::collections::HashMap;

use data_encoding::BASE64_NOPAD;
use memchr::{memchr_iter, memmem};
use serde::Deserialize;

use super::json_walk::{Broken, Elements, Walk, text};
use super::package_path::{MAX_PATH, PackagePath, is_name, package_of};
use super::{library, module_version};
use crate::component::{Ecosystem, Evidence, ObservedComponent};
use crate::finding::Location;
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::lenient::Text;
use crate::inventory::npm::layout;
use crate::inventory::npm::specifier::{exact_version, percent_decoded};

pub struct SourceMap;

/// Files that may carry a map in their text.
const CARRIERS: &[&str] = &["js", "mjs", "cjs", "css"];

/// What a server may put before JSON, so that no browser takes it for a script.
const GUARD: &[u8] = b")]}'";

/// The largest bundles have some ten thousand modules, of some thousand packages.
const MAX_SOURCES: usize = 500_000;
const MAX_COPIES: usize = 20_000;

/// Sections hold maps, which the specification wants to have none in turn.
const MAX_NESTING: usize = 4;

const DATA_URL: &[u8] = b"sourceMappingURL=data:application/json";

impl Inspector for SourceMap {
    fn wants(&self, header: &Header) -> bool {
        let name = header.path.file_name();
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        let is = |known: &&str| extension.eq_ignore_ascii_case(known);
        CARRIERS.iter().any(is) || (is(&"map") && looks_like_map(header.first_bytes))
    }

    /// It is walked over, and nothing is built from it.
    fn max_size(&self) -> u64 {
        u64::MAX
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let mut modules = Modules::default();
        let read = if looks_like_map(entry.bytes) {
            modules.read(unguarded(entry.bytes), None, 0)
        } else {
            read_inline_maps(entry.bytes, &mut modules)
        };
        // Its installed metadata says better what a package is.
        let own = layout::owning_package(entry.path);
        for (name, version, folder, line) in modules.packages() {
            if own != Some(name.as_str()) {
                seen.components.push(ObservedComponent {
                    ecosystem: Ecosystem::Npm,
                    name,
                    version,
                    version_range: None,
                    evidence: Evidence::Embedded,
                    folder: layout::place(&folder).map(Box::from),
                    location: Location {
                        path: entry.path.clone(),
                        line,
                        column: None,
                    },
                });
            }
        }
        read.and(modules.left_out)
    }
}

/// Whether it is an object with something in it. No script or style sheet is.
fn looks_like_map(bytes: &[u8]) -> bool {
    let mut walk = Walk::new(unguarded(bytes));
    walk.enter(b'{') && walk.rest().starts_with(b"\"")
}

/// Without a byte order mark and the line that guards JSON.
fn unguarded(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    if !bytes.starts_with(GUARD) {
        return bytes;
    }
    let mut lines = bytes.splitn(2, |&b| b == b'\n');
    lines.nth(1).unwrap_or_default()
}

/// The maps of a script or style sheet. Some bundlers write one for each module, in the middle of the text.
fn read_inline_maps(bytes: &[u8], modules: &mut Modules) -> Result<(), Unreadable> {
    let mut result = Ok(());
    let (mut line, mut counted) = (1, 0);
    for at in memmem::find_iter(bytes, DATA_URL) {
        if !is_comment(&bytes[..at]) {
            continue;
        }
        line += memchr_iter(b'\n', &bytes[counted..at]).count();
        counted = at;
        let url = &bytes[at + DATA_URL.len()..];
        let read = match data(url) {
            Some(Ok(map)) => modules.read(&map, u32::try_from(line).ok(), 0),
            Some(Err(Broken)) => Err(Unreadable::new("has a source map that is not valid base64")),
            None => Ok(()),
        };
        let read = read.map_err(|error| Unreadable {
            line: Some(line),
            ..error
        });
        result = result.and(read);
    }
    result
}

/// Whether `//#`, `/*#` or, in old bundles, `//@` comes before.
fn is_comment(before: &[u8]) -> bool {
    let before = before.trim_ascii_end();
    before.ends_with(b"#") || before.ends_with(b"@")
}

/// What a data URL holds, from behind its type on; nothing for the text of a program that makes such URLs.
/// <https://datatracker.ietf.org/doc/html/rfc2397>
fn data(url: &[u8]) -> Option<Result<Vec<u8>, Broken>> {
    /// Parameters such as `;charset=utf-8;base64` are short.
    const MAX_PARAMETERS: usize = 100;
    let head = &url[..url.len().min(MAX_PARAMETERS)];
    let comma = head.iter().position(|&b| b == b',')?;
    let data = &url[comma + 1..];
    let parameters = &head[..comma];
    if parameters.ends_with(b";base64") {
        let is_base64 = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
        let length = data.iter().take_while(is_base64).count();
        let decoded = BASE64_NOPAD.decode(&data[..length]);
        return (length > 0).then(|| decoded.map_err(|_| Broken));
    }
    let is_data =
        |b: &&u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\'' | b'`' | b'\\' | b'*');
    let length = data.iter().take_while(is_data).count();
    let decoded = percent_decoded(&String::from_utf8_lossy(&data[..length]));
    decoded.starts_with('{').then(|| Ok(decoded.into_bytes()))
}

/// What the maps of one file say.
struct Modules {
    /// By folder.
    copies: HashMap<String, Copy>,
    sources: usize,
    /// The first that was not read for its size.
    left_out: Result<(), Unreadable>,
}

/// A package in one folder.
struct Copy {
    name: String,
    /// From its package.json, else from the path.
    version: Option<String>,
    /// What its other files say of the version.
    stated: Stated,
    /// Where its map starts, in a file that holds more.
    line: Option<u32>,
}

/// Files of one copy that contradict each other state nothing.
#[derive(Default)]
enum Stated {
    #[default]
    Nothing,
    Version(String),
    Contradictions,
}

impl Default for Modules {
    fn default() -> Self {
        Modules {
            copies: HashMap::new(),
            sources: 0,
            left_out: Ok(()),
        }
    }
}

/// The fields of a map that count, as they stand in its text.
#[derive(Default)]
struct Fields<'a> {
    root: &'a [u8],
    sources: &'a [u8],
    contents: &'a [u8],
    sections: &'a [u8],
}

impl<'a> Fields<'a> {
    /// The fields of an object, which may break off in one of them.
    fn of(json: &'a [u8]) -> (Self, Result<(), Broken>) {
        let mut fields = Fields::default();
        let read = fields.fill(json);
        (fields, read)
    }

    fn fill(&mut self, json: &'a [u8]) -> Result<(), Broken> {
        let mut walk = Walk::new(json);
        if !walk.enter(b'{') {
            return Err(Broken);
        }
        while !walk.leave()? {
            let key = walk.key()?;
            let field = match key {
                b"\"sourceRoot\"" => Some(&mut self.root),
                b"\"sources\"" => Some(&mut self.sources),
                b"\"sourcesContent\"" => Some(&mut self.contents),
                b"\"sections\"" => Some(&mut self.sections),
                _ => None,
            };
            if let Some(field) = field {
                // Up to the end of the text, should the value break off.
                *field = walk.rest();
                *field = walk.value()?;
            } else {
                walk.value()?;
            }
        }
        Ok(())
    }
}

impl Modules {
    /// Reads a map, or an object that may be anything else.
    fn read(&mut self, json: &[u8], line: Option<u32>, depth: usize) -> Result<(), Unreadable> {
        let (fields, read) = Fields::of(json);
        let root = text(fields.root).unwrap_or_default();
        let mut contents = Elements::new(fields.contents);
        for source in Elements::new(fields.sources) {
            let content = contents.next();
            if self.sources == MAX_SOURCES {
                self.leave_out(format!(
                    "names more than {MAX_SOURCES} sources; the rest was not read"
                ));
                break;
            }
            self.sources += 1;
            if let Some(source) = text(source) {
                self.module(&joined(&root, &source), content, line);
            }
        }
        for section in Elements::new(fields.sections) {
            self.section(section, line, depth)?;
        }
        read.map_err(|Broken| {
            Unreadable::new("has a source map that is not valid JSON or breaks off")
        })
    }

    /// `{"offset": …, "map": {…}}`
    fn section(&mut self, json: &[u8], line: Option<u32>, depth: usize) -> Result<(), Unreadable> {
        if depth == MAX_NESTING {
            return Err(Unreadable::new(
                "has a source map whose sections nest too deeply",
            ));
        }
        let mut walk = Walk::new(json);
        let broken = |Broken| Unreadable::new("has a source map with a broken section");
        if !walk.enter(b'{') {
            return Ok(());
        }
        while !walk.leave().map_err(broken)? {
            let is_map = walk.key().map_err(broken)? == b"\"map\"";
            let value = walk.value().map_err(broken)?;
            if is_map && value.starts_with(b"{") {
                self.read(value, line, depth + 1)?;
            }
        }
        Ok(())
    }

    fn module(&mut self, path: &str, content: Option<&[u8]>, line: Option<u32>) {
        if path.len() > MAX_PATH && path.contains("node_modules") {
            self.leave_out("names a source with a path too long to be one".to_owned());
        }
        let Some(PackagePath {
            name,
            version,
            folder,
            is_manifest,
        }) = package_of(path)
        else {
            return;
        };
        if self.copies.len() == MAX_COPIES && !self.copies.contains_key(&folder) {
            self.leave_out(format!(
                "names more than {MAX_COPIES} packages; the rest was not read"
            ));
            return;
        }
        let copy = self.copies.entry(folder).or_insert(Copy {
            name,
            version,
            stated: Stated::Nothing,
            line,
        });
        let Some(content) = content.and_then(text) else {
            return;
        };
        if is_manifest {
            copy.believe_manifest(&content);
        } else {
            for version in versions_in(&copy.name, path, content.as_bytes()) {
                copy.stated.add(version);
            }
        }
    }

    fn leave_out(&mut self, message: String) {
        if self.left_out.is_ok() {
            self.left_out = Err(Unreadable::new(message));
        }
    }

    /// Name, version, folder and line of each copy of a package. Copies of which the same version is known are one.
    fn packages(&mut self) -> Vec<(String, Option<String>, String, Option<u32>)> {
        let copies = self.copies.drain();
        let mut packages: Vec<_> = copies
            .map(|(folder, copy)| {
                let stated = match copy.stated {
                    Stated::Version(version) => Some(version),
                    Stated::Nothing | Stated::Contradictions => None,
                };
                (copy.name, copy.version.or(stated), folder, copy.line)
            })
            .collect();
        packages.sort();
        packages.dedup_by(|a, b| a.1.is_some() && (&a.0, &a.1) == (&b.0, &b.1));
        packages
    }
}

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    name: Text,
    #[serde(default)]
    version: Text,
}

impl Copy {
    /// The folder of a package that was installed under another name does not bear its own.
    fn believe_manifest(&mut self, content: &str) {
        let Ok(manifest) = serde_json::from_str::<Manifest>(content) else {
            return;
        };
        let version = manifest.version.text();
        if let Some(version) = version.as_deref().and_then(exact_version) {
            self.version = Some(version.to_owned());
            if let Some(name) = manifest.name.text().filter(|name| is_name(name)) {
                self.name = name;
            }
        }
    }
}

impl Stated {
    fn add(&mut self, version: String) {
        *self = match std::mem::take(self) {
            Stated::Nothing => Stated::Version(version),
            Stated::Version(known) if known == version => Stated::Version(known),
            Stated::Version(_) | Stated::Contradictions => Stated::Contradictions,
        };
    }
}

/// The versions of a package that the text of one of its modules states.
fn versions_in(name: &str, path: &str, content: &[u8]) -> Vec<String> {
    let recognized = library::recognize(content).into_iter();
    let by_code = recognized.filter(|r| r.name == name);
    by_code
        .filter_map(|r| r.version)
        .chain(module_version::stated(path, content))
        .collect()
}

/// A source's path from `sourceRoot`, which may lead back out of it.
fn joined(root: &str, source: &str) -> String {
    let mut root = root.strip_suffix('/').unwrap_or(root);
    let mut source = source;
    if root.is_empty() {
        return source.to_owned();
    }
    while let Some(rest) = source.strip_prefix("../")
        && let Some((outer, part)) = root.rsplit_once('/')
        && !matches!(part, "" | "." | "..")
    {
        (root, source) = (outer, rest);
    }
    format!("{root}/{source}")
}
