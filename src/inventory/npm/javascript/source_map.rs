//! Source maps: which modules a bundle was made of, and often their text.
//!
//! Specification: <https://tc39.es/ecma426/>. A map lies beside the bundle as a `.map` file, or in the bundle as a
//! data URL. `sources` names the modules: those under `node_modules` name packages, see [`super::package_path`].
//! `sourcesContent` states the version, where it carries a package's package.json, or a module that states its own.
//!
//! A copy of a package is told by its folder. Copies in the same version are one row; of those without one a lock file
//! may know which is which.

use std::collections::HashMap;

use data_encoding::BASE64_NOPAD;
use memchr::{memchr_iter, memmem};
use serde::Deserialize;

use super::json_walk::{Broken, Elements, Walk, text};
use super::package_path::{MAX_PATH, PackagePath, is_name, package_of};
use super::published::{self, Candidates};
use super::script::{self, Reader};
use super::{banner, module_version};
use crate::component::{Ecosystem, Evidence, ObservedComponent};
use crate::finding::Location;
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::lenient::Text;
use crate::inventory::npm::layout;
use crate::inventory::npm::specifier::{exact_version, percent_decoded};

pub struct SourceMap;

/// What a server may put before JSON, so that no browser takes it for a script.
const GUARD: &[u8] = b")]}'";

/// The largest bundles have some ten thousand modules, of some thousand packages.
const MAX_SOURCES: usize = 500_000;
const MAX_COPIES: usize = 20_000;

/// Sections hold maps, which the specification wants to have none in turn.
const MAX_NESTING: usize = 4;

/// Where packages keep files of others, and what is about other versions of themselves. What is minified may have been
/// left from a release before.
const FOREIGN_FOLDERS: &[&str] = &[
    "demo",
    "demos",
    "example",
    "examples",
    "libs",
    "test",
    "tests",
    "__tests__",
    "third_party",
    "vendor",
    "vendors",
];

const DATA_URL: &str = "sourceMappingURL=data:application/json";

/// Maps in the text of scripts and style sheets.
pub(super) struct InlineMaps;

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

impl Reader for InlineMaps {
    fn marks(&self) -> &'static [&'static str] {
        &[DATA_URL]
    }

    fn reads_styles(&self) -> bool {
        true
    }

    fn read(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let mut modules = Modules::default();
        let read = read_inline_maps(entry.bytes, &mut modules);
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

/// The maps of a script or style sheet. Some bundlers write one for each module, in the middle of the text.
fn read_inline_maps(bytes: &[u8], modules: &mut Modules) -> Result<(), Unreadable> {
    let mut result = Ok(());
    let (mut line, mut counted) = (1, 0);
    for at in memmem::find_iter(bytes, DATA_URL.as_bytes()) {
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
    /// What they leave of it, where the package's releases are known.
    candidates: Option<Candidates>,
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
        let copy = self.copies.entry(folder).or_insert_with(|| Copy {
            candidates: Candidates::of(&name),
            name,
            version,
            stated: Stated::Nothing,
            line,
        });
        let Some(content) = content.and_then(text) else {
            return;
        };
        if is_manifest && copy.believe_manifest(&content) {
            return;
        }
        for version in versions_in(&copy.name, path, &content) {
            copy.stated.add(version);
        }
        if let Some(candidates) = &mut copy.candidates {
            candidates.see_file(path, content.as_bytes());
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
        let packages = self.packages().into_iter();
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

    /// Copies of which the same version is known are one.
    fn packages(&mut self) -> Vec<Package> {
        let copies = self.copies.drain();
        let mut packages: Vec<_> = copies
            .map(|(folder, copy)| {
                let stated = match copy.stated {
                    Stated::Version(version) => Some(version),
                    Stated::Nothing | Stated::Contradictions => None,
                };
                let (version, range) = published::known(copy.version.or(stated), copy.candidates);
                Package {
                    name: copy.name,
                    version,
                    range,
                    folder,
                    line: copy.line,
                }
            })
            .collect();
        packages.sort();
        packages
            .dedup_by(|a, b| a.version.is_some() && (&a.name, &a.version) == (&b.name, &b.version));
        packages
    }
}

/// What is reported of a copy.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Package {
    name: String,
    version: Option<String>,
    range: Option<String>,
    folder: String,
    line: Option<u32>,
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
    fn believe_manifest(&mut self, content: &str) -> bool {
        let Ok(manifest) = serde_json::from_str::<Manifest>(content) else {
            // A bundler has made code of it.
            return false;
        };
        let version = manifest.version.text();
        if let Some(version) = version.as_deref().and_then(exact_version) {
            self.version = Some(version.to_owned());
            if let Some(name) = manifest.name.text().filter(|name| is_name(name)) {
                self.name = name;
            }
        }
        true
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
fn versions_in(name: &str, path: &str, content: &str) -> Vec<String> {
    let inside = path.rsplit("node_modules/").next().unwrap_or(path);
    let mut folders = inside.rsplit('/').skip(1);
    if folders.any(|folder| FOREIGN_FOLDERS.contains(&folder)) || inside.contains(".min.") {
        return Vec::new();
    }
    let recognized = script::libraries_in(content.as_bytes()).into_iter();
    let by_code = recognized.filter(|r| r.name == name);
    by_code
        .filter_map(|r| r.version)
        .chain(banner::stated(name, content))
        .chain(module_version::stated(path, content.as_bytes()))
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

#[cfg(test)]
mod tests {
    use data_encoding::BASE64;
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use std::collections::BTreeSet;

    use super::super::script::testing::read;
    use super::*;
    use crate::inventory::testing::{inspect, rows, wants};

    const PATH: &str = "dist/index.js.map";

    fn found(map: &str) -> Vec<String> {
        short(&inspect(&SourceMap, PATH, map).unwrap())
    }

    /// `name version` of each row.
    fn short(seen: &Observations) -> Vec<String> {
        let rows = rows(seen);
        let first_two = |row: &String| row.splitn(3, ' ').take(2).collect::<Vec<_>>().join(" ");
        rows.iter().map(first_two).collect()
    }

    /// What was seen of a file that was not read whole, and why.
    fn broken(path: &str, bytes: &[u8]) -> (Vec<String>, Unreadable) {
        let mut seen = Observations::default();
        let path = crate::finding::EntryPath::new(&std::sync::Arc::from("fn.zip!/"), path);
        let entry = Entry { path: &path, bytes };
        let read = match path.inner().ends_with(".js") {
            true => InlineMaps.read(&entry, &mut seen),
            false => SourceMap.inspect(&entry, &mut seen),
        };
        (short(&seen), read.unwrap_err())
    }

    fn sources(sources: &[&str]) -> String {
        json!({"version": 3, "sources": sources, "names": [], "mappings": ";AAAA"}).to_string()
    }

    #[test]
    fn modules_under_node_modules_are_packages() {
        let map = sources(&[
            "webpack://app/./src/index.js",
            "webpack://app/./node_modules/a/index.js",
            "webpack://app/./node_modules/a/lib/more.js",
            "webpack://app/./node_modules/a/node_modules/@s/b/index.js",
            "webpack://app/./node_modules/.pnpm/c@1.2.3/node_modules/c/index.js",
        ]);
        let seen = inspect(&SourceMap, PATH, map).unwrap();
        let expected = [
            "@s/b ~ embedded dist/index.js.map",
            "a ~ embedded dist/index.js.map",
            "c 1.2.3 embedded dist/index.js.map",
        ];
        assert_eq!(rows(&seen), expected);
    }

    #[test]
    fn copies_are_told_apart_by_their_versions_or_else_by_their_folders() {
        let map = sources(&[
            ".pnpm/a@1.0.0/node_modules/a/x.js",
            ".pnpm/a@2.0.0/node_modules/a/x.js",
            "one/node_modules/b/x.js",
            "two/node_modules/b/x.js",
        ]);
        assert_eq!(found(&map), ["a 1.0.0", "a 2.0.0", "b ~", "b ~"]);
    }

    #[test]
    fn an_inlined_manifest_states_name_and_version() {
        let map = json!({
            "sourcesContent": [r#"{"name": "a", "version": "1.2.3"}"#, r#"{"name": "real", "version": "2.0.0"}"#,
                r#"{"name": "c", "version": "3.0.0"}"#, "oops", r#"{"name": "e", "version": "^5.0.0"}"#],
            "sources": ["node_modules/a/package.json", "node_modules/alias/package.json",
                "node_modules/b/dist/package.json", "node_modules/d/package.json", "node_modules/e/package.json"]
        });
        let expected = ["a 1.2.3", "b ~", "d ~", "e ~", "real 2.0.0"];
        assert_eq!(found(&map.to_string()), expected);
    }

    #[test]
    fn modules_state_their_packages_version() {
        let map = json!({
            "sources": ["node_modules/a/a.js", "node_modules/a/b.js", "node_modules/b/x.js", "node_modules/c/x.js",
                "node_modules/c/y.js", "node_modules/d/test/d.js", "/examples/node_modules/e/e.js"],
            "sourcesContent": ["/*! a v1.2.3 */", "code()", "const VERSION = '2.0.0'", "/* c 1.0.0 */",
                "/* c 1.1.0 */", "/* d 1.0.0 */", "/* e 5.0.0 */"]
        });
        let expected = ["a 1.2.3", "b 2.0.0", "c ~", "d ~", "e 5.0.0"];
        assert_eq!(found(&map.to_string()), expected);
    }

    #[test]
    fn sources_stand_below_their_root() {
        for (root, source, expected) in [
            ("webpack:///", "./node_modules/a/x.js", &["a ~"] as &[_]),
            ("/me/node_modules", "a/x.js", &["a ~"]),
            ("../node_modules/a/src/", "x.ts", &["a ~"]),
            ("/me/node_modules/a/dist", "../src/x.ts", &["a ~"]),
            ("/me/node_modules/a/dist", "../../b/x.ts", &["b ~"]),
            ("/me/node_modules/a/dist", "../../../own.ts", &[]),
            ("..", "../node_modules/a/x.ts", &["a ~"]),
        ] {
            let map = json!({"sourceRoot": root, "sources": [source]}).to_string();
            assert_eq!(found(&map), expected, "{root} {source}");
        }
    }

    #[test]
    fn sections_are_maps() {
        let section = |source: &str| json!({"offset": {}, "map": {"sources": [source]}});
        let map = json!({"version": 3, "sections": [section("node_modules/a/x.js"), {"url": "b.map"},
            section("node_modules/c/x.js"), null, {"map": "d"}]});
        assert_eq!(found(&map.to_string()), ["a ~", "c ~"]);
    }

    #[test]
    fn odd_values_cost_only_themselves() {
        let map = r#"{"version": "x", "sourceRoot": null, "sources": [null, 1, "node_modules/a/a.js", {}, ["x"],
            "node_modules/\ud800/x.js", "node_modules/b/b.js", true, "node_modules/c/c.js"],
            "sourcesContent": [1, {}, "/* a 1.0.0 */", [], null, "", "/* b 2.0.0 */"], "names": 5}"#;
        assert_eq!(found(map), ["a 1.0.0", "b 2.0.0", "c ~"]);
        for map in [
            r#"{"sources": {"node_modules/a/x.js": 1}}"#,
            r#"{"sections": 1}"#,
            r#"{"other": []}"#,
        ] {
            assert!(found(map).is_empty(), "{map}");
        }
        let more = r#"{"sources": ["node_modules/a/a.js"], "sourcesContent": [null, "/* a 1.0.0 */", ""]}"#;
        assert_eq!(found(more), ["a ~"]);
    }

    #[test]
    fn a_guard_and_a_byte_order_mark_are_passed_over() {
        let map = sources(&["node_modules/a/x.js"]);
        for front in [")]}'\n", ")]}', ignored\n", "\u{feff}", "\n "] {
            assert_eq!(found(&format!("{front}{map}")), ["a ~"], "{front:?}");
        }
    }

    /// The rows of a script that carries the map in a comment.
    fn inline(comment: &str) -> Vec<String> {
        rows(&read(&InlineMaps, "a.js", format!("code()\n\n{comment}")).unwrap())
    }

    #[test]
    fn scripts_carry_maps_in_comments() {
        let map = sources(&["node_modules/a/x.js"]);
        let base64 = BASE64.encode(map.as_bytes());
        let percent: String = map.bytes().map(|b| format!("%{b:02x}")).collect();
        for comment in [
            format!("//# sourceMappingURL=data:application/json;base64,{base64}"),
            format!("//# sourceMappingURL=data:application/json;charset=utf-8;base64,{base64}\n\n"),
            format!(
                "//@ sourceMappingURL=data:application/json;base64,{}",
                base64.trim_end_matches('=')
            ),
            format!("/*# sourceMappingURL=data:application/json;base64,{base64} */"),
            format!("//# sourceMappingURL=data:application/json;charset=utf-8,{percent}\nmore()"),
            format!(
                "//# sourceMappingURL=data:application/json,{}",
                map.replace('"', "%22")
            ),
        ] {
            assert_eq!(inline(&comment), ["a ~ embedded a.js:3"], "{comment}");
        }
    }

    #[test]
    fn every_module_may_have_a_map() {
        let comment = |name: &str| {
            let base64 = BASE64.encode(sources(&[&format!("node_modules/{name}/x.js")]).as_bytes());
            format!(
                "eval(\"code()\\n//# sourceMappingURL=data:application/json;base64,{base64}\\n//# x\");\n"
            )
        };
        let text = ["a", "b", "a"].map(comment).concat();
        assert_eq!(
            inline(&text),
            ["a ~ embedded a.js:3", "b ~ embedded a.js:4"]
        );
    }

    #[test]
    fn code_that_writes_such_comments_carries_no_map() {
        for code in [
            "'//# sourceMappingURL=data:application/json;base64,' + x",
            "`//# sourceMappingURL=data:application/json;charset=utf-8,${x}`",
            "//# sourceMappingURL=data:application/json",
            "//# sourceMappingURL=index.js.map",
            "const sourceMappingURL=data:application/json;base64,AAAA",
        ] {
            assert!(inline(code).is_empty(), "{code}");
        }
    }

    #[test]
    fn a_package_does_not_name_itself() {
        let map = sources(&[
            "webpack://a/./node_modules/a/x.js",
            "webpack://a/./node_modules/b/x.js",
        ]);
        let seen = inspect(&SourceMap, "node_modules/a/dist/x.js.map", map).unwrap();
        assert_eq!(short(&seen), ["b ~"]);
    }

    #[test]
    fn only_maps_are_wanted() {
        for (path, bytes, wanted) in [
            ("a.js.map", "{\"version\":3}", true),
            ("a.css.MAP", " {\n\"sources\": []", true),
            ("a.map", ")]}'\n{\"version\":3}", true),
            ("a.map", "Memory Configuration", false),
            ("a.map", "{}", false),
            ("a.json", "{\"version\":3}", false),
            ("map", "{\"version\":3}", false),
        ] {
            assert_eq!(
                wants(&SourceMap, path, bytes.as_bytes()),
                wanted,
                "{path} {bytes}"
            );
        }
    }

    #[test]
    fn what_stands_before_a_break_counts() {
        let map = r#"{"sources": ["node_modules/a/x.js", "node_modules/b/x.js"], "sourcesContent": ["x", "y"]}"#;
        for (length, expected) in [
            (map.len() - 1, 2),
            (map.len() - 8, 2),
            (60, 2),
            (40, 1),
            (10, 0),
        ] {
            let (rows, error) = broken(PATH, &map.as_bytes()[..length]);
            assert_eq!(rows.len(), expected, "{length}");
            assert_eq!(
                error.message,
                "has a source map that is not valid JSON or breaks off"
            );
        }
    }

    #[test]
    fn a_broken_map_among_several_costs_only_itself() {
        let base64 = BASE64.encode(sources(&["node_modules/a/x.js"]).as_bytes());
        let url = "//# sourceMappingURL=data:application/json;base64,";
        let text = format!(
            "{url}{base64}\n{url}AAAAA\n{url}{}\n",
            base64.replace("a", "b")
        );
        let (rows, error) = broken("a.js", text.as_bytes());
        assert_eq!(rows[0], "a ~");
        assert_eq!(
            error,
            Unreadable::at(2, "has a source map that is not valid base64")
        );
    }

    #[test]
    fn a_million_empty_sources_are_not_read_to_their_end() {
        let map = format!(
            r#"{{"sources": ["node_modules/a/x.js"{}]}}"#,
            r#","""#.repeat(1_000_000)
        );
        let (rows, error) = broken(PATH, map.as_bytes());
        assert_eq!(rows, ["a ~"]);
        assert!(
            error.message.starts_with("names more than 500000 sources"),
            "{error:?}"
        );
        let numbers = format!(r#"{{"sources": [{}1]}}"#, "1,".repeat(10_000_000));
        assert!(broken(PATH, numbers.as_bytes()).0.is_empty());
    }

    #[test]
    fn packages_without_number_are_left_out() {
        let names: Vec<String> = (0..=MAX_COPIES)
            .map(|i| format!("node_modules/a{i}/x.js"))
            .collect();
        let (rows, error) = broken(PATH, json!({"sources": names}).to_string().as_bytes());
        assert_eq!(rows.len(), MAX_COPIES);
        assert!(
            error.message.starts_with("names more than 20000 packages"),
            "{error:?}"
        );
    }

    #[test]
    fn paths_without_end_are_said_not_to_be_read() {
        let long = "node_modules/a/".repeat(10_000) + "x.js";
        let (rows, error) = broken(PATH, sources(&[&long, "node_modules/b/x.js"]).as_bytes());
        assert_eq!(rows, ["b ~"]);
        assert_eq!(
            error.message,
            "names a source with a path too long to be one"
        );
    }

    #[test]
    fn sections_do_not_nest_without_end() {
        let nested = |depth: usize| {
            let open = r#"{"sections": [{"map": "#.repeat(depth);
            let inner = sources(&["node_modules/a/x.js"]);
            format!("{open}{inner}{}", "}]}".repeat(depth))
        };
        assert_eq!(found(&nested(MAX_NESTING)), ["a ~"]);
        for map in [nested(MAX_NESTING + 1), nested(100_000)] {
            let (rows, error) = broken(PATH, map.as_bytes());
            assert!(rows.is_empty());
            assert_eq!(
                error.message,
                "has a source map whose sections nest too deeply"
            );
        }
        assert!(
            broken(PATH, r#"{"sections": [{"map": "#.repeat(100_000).as_bytes())
                .0
                .is_empty()
        );
    }

    #[test]
    fn of_a_key_that_comes_twice_the_last_counts() {
        let map = r#"{"sources": ["node_modules/a/x.js"], "sources": ["node_modules/b/x.js"]}"#;
        assert_eq!(found(map), ["b ~"]);
    }

    proptest! {
        #[test]
        fn any_map_is_read_as_a_parser_reads_it(
            names in proptest::collection::vec(("[a-z]{1,3}", any::<Option<bool>>()), 0..6),
            contents_first: bool,
        ) {
            let sources: Vec<Value> = names.iter().map(|(name, _)| format!("node_modules/q{name}/package.json").into()).collect();
            let contents: Vec<Value> = names.iter().map(|(name, known)| match known {
                None => Value::Null,
                Some(false) => "\"\\\n{".into(),
                Some(true) => format!("{{\"name\": \"q{name}\",\n\"version\": \"1.0.{}\"}}", name.len()).into(),
            }).collect();
            let (sources, contents) = (Value::from(sources), Value::from(contents));
            let map = if contents_first {
                format!("{{\"sourcesContent\": {contents}, \"sources\": {sources}}}")
            } else {
                format!("{{\"sources\": {sources}, \"x\": [{{}}], \"sourcesContent\": {contents}}}")
            };
            let expected: BTreeSet<String> = names.iter().map(|(name, _)| {
                let is_known = names.iter().any(|(other, known)| other == name && *known == Some(true));
                if is_known { format!("q{name} 1.0.{}", name.len()) } else { format!("q{name} ~") }
            }).collect();
            prop_assert_eq!(found(&map), Vec::from_iter(expected));
        }

        #[test]
        fn any_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..64), cut in 0usize..400) {
            let _ = read(&InlineMaps, "a.js", &bytes);
            let whole = sources(&["node_modules/a/x.js", "node_modules/b/x.js"]);
            let mut map = whole.as_bytes()[..cut.min(whole.len())].to_vec();
            map.extend(bytes);
            let mut seen = Observations::default();
            let path = crate::finding::EntryPath::new(&std::sync::Arc::from("fn.zip!/"), PATH);
            let _ = SourceMap.inspect(&Entry { path: &path, bytes: &map }, &mut seen);
        }
    }
}
