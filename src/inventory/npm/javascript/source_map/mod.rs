//! Source maps: which modules a bundle was made of, and often their text.
//!
//! Specification: <https://tc39.es/ecma426/>. A map lies beside the bundle as a `.map` file, or in the bundle as a
//! data URL. `sources` names the modules: those under `node_modules` name packages, see [`super::package_path`].
//! `sourcesContent` states the version, where it carries a package's package.json, or a module that states its own.
//!
//! Here the map is read; [`copies`] is what its modules say of packages, and [`inline`] the maps in other files.

mod copies;
mod inline;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use self::copies::Copy;
pub(super) use self::inline::InlineMaps;
use super::json_walk::{Broken, Elements, Walk, text};
use super::package_path::{MAX_PATH, package_of};
use crate::component::{Ecosystem, Evidence, ObservedComponent};
use crate::finding::Location;
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::npm::layout;

pub struct SourceMap;

/// What a server may put before JSON, so that no browser takes it for a script.
const GUARD: &[u8] = b")]}'";

/// The largest bundles have some ten thousand modules, of some thousand packages.
const MAX_SOURCES: usize = 500_000;
const MAX_COPIES: usize = 20_000;
/// Of the paths to them together: some four hundred bytes for each.
const MAX_FOLDERS: usize = 8 * 1024 * 1024;

/// Sections hold maps, which the specification wants to have none in turn.
const MAX_NESTING: usize = 4;

impl Inspector for SourceMap {
    fn wants(&self, header: &Header) -> bool {
        let name = header.path.file_name();
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        extension.eq_ignore_ascii_case("map") && looks_like_map(header.first_bytes)
    }

    /// It is walked over, and nothing is built from it.
    fn max_size(&self) -> u64 {
        u64::MAX
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let mut modules = Modules::default();
        let read = modules.read(unguarded(entry.bytes), None, 0);
        modules.report(entry, seen);
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

/// What the maps of one file say.
struct Modules {
    /// By folder.
    copies: HashMap<String, Copy>,
    /// The bytes of these folders.
    folders: usize,
    sources: usize,
    /// The first that was not read for its size.
    left_out: Result<(), Unreadable>,
}

impl Default for Modules {
    fn default() -> Self {
        Modules {
            copies: HashMap::new(),
            folders: 0,
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
        self.sources(&fields, line);
        for section in Elements::new(fields.sections) {
            self.section(section, line, depth)?;
        }
        read.map_err(|Broken| {
            Unreadable::new("has a source map that is not valid JSON or breaks off")
        })
    }

    fn sources(&mut self, fields: &Fields, line: Option<u32>) {
        let root = text(fields.root).unwrap_or_default();
        // It is put before every source.
        if root.len() > MAX_PATH {
            return self.leave_out("has a source root too long to be one".to_owned());
        }
        let mut contents = Elements::new(fields.contents);
        for source in Elements::new(fields.sources) {
            let content = contents.next();
            if self.sources == MAX_SOURCES {
                return self.leave_out(format!(
                    "names more than {MAX_SOURCES} sources; the rest was not read"
                ));
            }
            self.sources += 1;
            if let Some(source) = text(source) {
                self.module(&joined(&root, &source), content, line);
            }
        }
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
        let Some(package) = package_of(path) else {
            return;
        };
        if !self.copies.contains_key(&package.folder) {
            if self.copies.len() == MAX_COPIES {
                return self.leave_out(format!(
                    "names more than {MAX_COPIES} packages; the rest was not read"
                ));
            }
            if self.folders + package.folder.len() > MAX_FOLDERS {
                return self.leave_out(
                    "names packages in folders with too long paths; not all were read".to_owned(),
                );
            }
            self.folders += package.folder.len();
        }
        let is_manifest = package.is_manifest;
        let folder = package.folder.clone();
        let copy = self.copies.entry(folder);
        let copy = copy.or_insert_with(|| Copy::of(package, line));
        if let Some(content) = content.and_then(text) {
            copy.see(path, &content, is_manifest);
        }
    }

    fn leave_out(&mut self, message: String) {
        if self.left_out.is_ok() {
            self.left_out = Err(Unreadable::new(message));
        }
    }

    /// Adds what was read of the maps of a file.
    fn report(&mut self, entry: &Entry, seen: &mut Observations) {
        // Its installed metadata says better what a package is.
        let own = layout::owning_package(entry.path);
        let packages = copies::packages(self.copies.drain()).into_iter();
        let others = packages.filter(|package| own != Some(package.name.as_str()));
        seen.components
            .extend(others.map(|package| ObservedComponent {
                ecosystem: Ecosystem::Npm,
                name: package.name,
                version: package.version,
                version_range: package.range,
                evidence: Evidence::Embedded,
                folder: layout::place(&package.folder).map(Box::from),
                location: Location {
                    path: entry.path.clone(),
                    line: package.line,
                    column: None,
                    vendored_in: None,
                },
            }));
    }
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
