//! The paths of modules that bundlers write into a bundle which has no source map.
//!
//! | written by | form |
//! | --- | --- |
//! | esbuild, Bun | a line `// node_modules/a/index.js` before a module |
//! | esbuild, webpack | `"node_modules/a/index.js"(exports, module) {`: a method of that name |
//! | webpack, Turbopack | `"./node_modules/a/index.js": function`, `: (module) =>`: the key of a function |
//! | Parcel 1, Browserify | `"../node_modules/a/index.js":[function`: the key of a list |
//! | webpack | a line `  !*** ./node_modules/a/index.js ***!` in the comment before a module |
//! | webpack | a line `// CONCATENATED MODULE: ./node_modules/a/index.js` or `;// ./node_modules/a/index.js` |
//! | webpack | `//# sourceURL=webpack://app/./node_modules/a/index.js?` behind the text of a module |
//!
//! Only these places count. Code and prose speak of such paths as well: a path that is given to a function, or a
//! comment that has more to say, does not mean that the package is in the file.

use std::collections::BTreeMap;

use memchr::memmem::Finder;
use memchr::{memchr, memrchr, memrchr2};

use super::package_path::package_of;
use super::published::{self, Candidates};
use super::script::Reader;
use super::sighting::{self, Sighting};
use super::{families, module_version};
use crate::inspect::{Entry, Observations, Unreadable};

pub(super) struct ModulePaths;

const FOLDER: &str = "node_modules/";

/// Bundlers write paths from the project on: longer ones are no module's.
const MAX_PATH: usize = 1024;

/// What stands before a path on a line of its own.
const LINE_MARKS: &[&str] = &[
    "// CONCATENATED MODULE: ",
    ";// CONCATENATED MODULE: ",
    "// EXTERNAL MODULE: ",
    "// NAMESPACE OBJECT: ",
    ";// ",
    "!*** ",
];
const SOURCE_URL: &str = "sourceURL=";

/// The endings of files that bundlers take into bundles.
const EXTENSIONS: &[&str] = &[
    "js", "cjs", "mjs", "jsx", "ts", "cts", "mts", "tsx", "json", "json5", "vue", "svelte", "css",
    "wasm", "node", "txt", "html", "graphql", "sql",
];

/// A module of a package, as the bundle names it.
pub(super) struct Module<'a> {
    pub path: &'a str,
    /// Where the path starts in the file, and where it ends.
    pub start: usize,
    pub end: usize,
    /// Whether the path stands on a line of its own, with the module behind it.
    pub heads_module: bool,
}

/// One copy of a package.
struct Copy {
    name: String,
    version: Option<String>,
    candidates: Option<Candidates>,
    first: usize,
}

impl Reader for ModulePaths {
    fn marks(&self) -> &'static [&'static str] {
        &[FOLDER]
    }

    fn read(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let text = entry.bytes;
        let modules = modules(text);
        let is_comparable = !published::is_shortened(text);
        let mut copies: BTreeMap<String, Copy> = BTreeMap::new();
        for (index, module) in modules.iter().enumerate() {
            let Some(package) = package_of(module.path) else {
                continue;
            };
            let copy = copies.entry(package.folder).or_insert_with(|| Copy {
                candidates: Candidates::of(&package.name),
                name: package.name,
                version: package.version,
                first: module.start,
            });
            if copy.version.is_none() && module.heads_module {
                let next = modules.get(index + 1).map_or(text.len(), |next| next.start);
                let behind = text.get(module.end..next).unwrap_or_default();
                copy.version = module_version::stated(module.path, behind);
                if let Some(candidates) = copy.candidates.as_mut().filter(|_| is_comparable) {
                    candidates.see_code(module.path, module_version::body(behind));
                }
            }
        }
        let sightings = copies.into_iter().map(|(folder, copy)| {
            let (version, range) = published::known(copy.version, copy.candidates);
            Sighting {
                offset: copy.first,
                name: copy.name,
                version,
                folder: Some(folder),
                range,
            }
        });
        let mut sightings: Vec<Sighting> = sightings.collect();
        families::complete(&mut sightings);
        sighting::report(entry, sightings, |own, name| own == name, seen);
        Ok(())
    }
}

/// The modules of packages in the order of the file. One module may be named several times.
pub(super) fn modules(text: &[u8]) -> Vec<Module<'_>> {
    let mut modules: Vec<Module> = Vec::new();
    let mut read_to = 0;
    for at in Finder::new(FOLDER).find_iter(text) {
        // Else it is within the path of the last one.
        if at >= read_to
            && let Some(module) = on_line(text, at)
                .or_else(|| as_key(text, at))
                .or_else(|| in_source_url(text, at))
        {
            read_to = module.end;
            modules.push(module);
        }
    }
    modules
}

/// A path on a line of its own.
fn on_line(text: &[u8], at: usize) -> Option<Module<'_>> {
    let from = at.saturating_sub(MAX_PATH);
    let start = memrchr(b'\n', &text[from..at]).map_or(from, |end| from + end + 1);
    let end = line_end(text, at)?;
    let line = str::from_utf8(&text[start..end]).ok()?;
    let content = line.trim_start();
    let path_start = |mark: &str| end - content.len() + mark.len();
    let marked = LINE_MARKS
        .iter()
        .find_map(|mark| Some((mark, content.strip_prefix(mark)?)));
    let (start, path) = match marked {
        Some((mark, rest)) => {
            // Behind the path stand `***!`, ` (disabled)` or ` + 12 modules`.
            let path = rest.split(" ***!").next().unwrap_or(rest).trim_end();
            (path_start(mark), path)
        }
        None => {
            let path = content.strip_prefix("// ")?.trim_end();
            let indent = &line[..line.len() - content.len()];
            if !is_module_file(path) || !stands_before_code(text, start, end, indent) {
                return None;
            }
            (path_start("// "), path)
        }
    };
    Some(Module {
        path,
        start,
        end: start + path.len(),
        heads_module: true,
    })
}

/// The end of the line, if it is near.
fn line_end(text: &[u8], at: usize) -> Option<usize> {
    let near = &text[at..text.len().min(at + MAX_PATH)];
    match memchr(b'\n', near) {
        Some(length) => Some(at + length),
        None if near.len() < MAX_PATH => Some(text.len()),
        None => None,
    }
}

/// Whether a comment is nothing but the path of a file: no wildcards, and a known ending.
fn is_module_file(path: &str) -> bool {
    let is_plain =
        |c: char| !c.is_whitespace() && !c.is_control() && !"*<>|\"'`${}(),;".contains(c);
    // esbuild leaves out what the `browser` field disables, and says so.
    let path = path.strip_prefix("(disabled):").unwrap_or(path);
    let path = path.split('?').next().unwrap_or(path);
    path.chars().all(is_plain)
        && path
            .rsplit_once('.')
            .is_some_and(|(_, extension)| EXTENSIONS.contains(&extension))
}

/// esbuild puts its comments between an empty line, or the first of a function, and code of the same indentation.
/// People write examples in comments of several lines.
fn stands_before_code(text: &[u8], line_start: usize, line_end: usize, indent: &str) -> bool {
    let before = last_line(&text[..line_start]);
    let behind = text.get(line_end + 1..).unwrap_or_default();
    let behind = &behind[..memchr(b'\n', behind).unwrap_or(behind.len()).min(MAX_PATH)];
    let code = behind.strip_prefix(indent.as_bytes());
    let is_code = code.is_some_and(|code| {
        code.first().is_some_and(|byte| !byte.is_ascii_whitespace()) && !code.starts_with(b"//")
    });
    let before = before.trim_ascii();
    is_code && (before.is_empty() || before.ends_with(b"{") || before.ends_with(b";"))
}

/// The line that ends just before `text` does.
fn last_line(text: &[u8]) -> &[u8] {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let near = &text[text.len().saturating_sub(MAX_PATH)..];
    memrchr(b'\n', near).map_or(near, |end| &near[end + 1..])
}

/// A path as the name of a function: of a method, or the key of a function in an object.
fn as_key(text: &[u8], at: usize) -> Option<Module<'_>> {
    let from = at.saturating_sub(MAX_PATH);
    let start = from + memrchr2(b'"', b'\'', &text[from..at])? + 1;
    let quote = text[start - 1];
    let length = memchr(quote, &text[at..text.len().min(at + MAX_PATH)])?;
    let end = at + length;
    let path = str::from_utf8(&text[start..end]).ok()?;
    let is_method = is_method(&text[end + 1..]);
    let is_key = !path.contains('\n')
        && starts_property(&text[..start - 1])
        && (is_method || is_key_of_function(&text[end + 1..]));
    is_key.then_some(Module {
        path,
        start,
        end,
        heads_module: is_method && last_line(&text[..start - 1]).trim_ascii().is_empty(),
    })
}

/// Whether a property may start behind `before`: behind a brace, a comma, or webpack's comment `/***/`.
fn starts_property(before: &[u8]) -> bool {
    let near = &before[before.len().saturating_sub(MAX_PATH)..];
    let near = near.trim_ascii_end();
    let near = near
        .strip_suffix(b"async")
        .map_or(near, <[u8]>::trim_ascii_end);
    near.ends_with(b"{") || near.ends_with(b",") || near.ends_with(b"/***/")
}

/// `(exports, module) {`
fn is_method(behind: &[u8]) -> bool {
    parameters(behind).is_some_and(|rest| rest.trim_ascii_start().starts_with(b"{"))
}

/// `: function`, `: (a, b) =>`, `: a =>`, the same in a list or in parentheses, behind comments.
fn is_key_of_function(behind: &[u8]) -> bool {
    let near = &behind[..behind.len().min(2 * MAX_PATH)];
    let Some(mut rest) = near.strip_prefix(b":").map(without_comments) else {
        return false;
    };
    if let Some(inside) = rest.strip_prefix(b"[").or_else(|| rest.strip_prefix(b"(")) {
        let inside = without_comments(inside);
        if inside.starts_with(b"function")
            || inside.starts_with(b"(")
            || inside.starts_with(b"async")
        {
            rest = inside;
        }
    }
    let rest = rest
        .strip_prefix(b"async")
        .map_or(rest, <[u8]>::trim_ascii_start);
    if let Some(rest) = rest.strip_prefix(b"function") {
        return rest
            .first()
            .is_some_and(|b| matches!(b, b'(' | b' ' | b'*'));
    }
    let rest = parameters(rest).unwrap_or_else(|| {
        let name = rest.iter().take_while(|b| is_name_byte(**b)).count();
        &rest[name..]
    });
    rest.trim_ascii_start().starts_with(b"=>")
}

/// What is behind a list of plain parameters, `(a, b)`.
fn parameters(text: &[u8]) -> Option<&[u8]> {
    let inside = text.strip_prefix(b"(")?;
    let near = &inside[..inside.len().min(MAX_PATH)];
    let end = memchr(b')', near)?;
    let are_names = near[..end]
        .iter()
        .all(|b| is_name_byte(*b) || matches!(b, b',' | b' ' | b'\n'));
    are_names.then(|| &inside[end + 1..])
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$')
}

fn without_comments(text: &[u8]) -> &[u8] {
    let mut text = text.trim_ascii_start();
    while let Some(inside) = text.strip_prefix(b"/*") {
        let Some(end) = inside.windows(2).position(|pair| pair == b"*/") else {
            break;
        };
        text = inside[end + 2..].trim_ascii_start();
    }
    text
}

/// The address that webpack gives an evaluated module.
fn in_source_url(text: &[u8], at: usize) -> Option<Module<'_>> {
    let from = at.saturating_sub(MAX_PATH);
    let is_end =
        |b: &u8| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b'`' | b'\\' | b'?' | b'$');
    let before = &text[from..at];
    let word = before.iter().rposition(is_end).map_or(0, |end| end + 1);
    let address = before.get(word..)?.strip_prefix(SOURCE_URL.as_bytes())?;
    let start = at - address.len();
    if !before[..word].ends_with(b"//# ") && !before[..word].ends_with(b"//@ ") {
        return None;
    }
    let near = &text[at..text.len().min(at + MAX_PATH)];
    let end = at + near.iter().position(is_end).unwrap_or(near.len());
    Some(Module {
        path: str::from_utf8(&text[start..end]).ok()?,
        start,
        end,
        heads_module: false,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::script::testing::read;
    use super::*;
    use crate::inventory::testing::rows;

    fn found(text: &str) -> Vec<String> {
        let rows = rows(&read(&ModulePaths, "index.js", text).unwrap());
        rows.into_iter()
            .map(|row| row.replace(" fingerprint index.js", ""))
            .collect()
    }

    #[test]
    fn esbuild_comments() {
        let text = "\
// node_modules/a/index.js
var require_a = __commonJS((exports) => {
  x();
});

// ../shared folder/src/own.js
own();

// ../node_modules/@s/b/lib/x.mjs
var VERSION = \"1.2.3\";

// (disabled):node_modules/c/index.js
var require_c = 1;
(() => {
  // node_modules/d/node_modules/e/x.json
  var e_default = {};
})();
";
        assert_eq!(found(text), ["@s/b 1.2.3:9", "a ~:1", "c ~:12", "e ~:15"]);
    }

    #[test]
    fn names_of_methods() {
        let text = "\
var require_a = __commonJS({
  \"node_modules/a/index.js\"(exports, module) {
    var VERSION = '1.2.3';
  }
});
var init_b = __esm({ 'node_modules/@s/b/x.js'() {} });
var init_c = __esm({ async \"node_modules/c/x.js\"() {} });
x = {\"./node_modules/d/x.js\"(e, t,n){},\"./node_modules/f/x.js\"($){}};
";
        assert_eq!(
            found(text),
            ["@s/b ~:6", "a 1.2.3:2", "c ~:7", "d ~:8", "f ~:8"]
        );
    }

    #[test]
    fn keys_of_functions() {
        let text = "\
({\"./node_modules/a/x.js\":function(e,t,n){},\"./node_modules/b/x.js\":(e,t)=>{},'./node_modules/c/x.js':e=>{},
\"./node_modules/d/locale sync recursive ^\\\\.\\\\/.*$\": /*! no static */
/***/ (function(module, exports) {}),
/***/ \"../../node_modules/@s/e/x.js\":
/*!*****!*\\
  !*** ../../node_modules/@s/e/x.js ***!
  \\*****/
/***/ ((__unused, exports, require) => {
\"[project]/node_modules/f/x.js [server] (ecmascript)\":0,
\"../node_modules/g/x.js\":[function(require,module,exports) {},{}]
,\"[project]/node_modules/h/x.js [server] (ecmascript)\":((ctx)=>{})
})";
        let expected = [
            "@s/e ~:4", "a ~:1", "b ~:1", "c ~:1", "d ~:2", "g ~:10", "h ~:11",
        ];
        assert_eq!(found(text), expected);
    }

    #[test]
    fn comments_of_webpack() {
        let text = "\
/*!*** no path ***!*\\
  !*** ./node_modules/a/x.js ***!
// CONCATENATED MODULE: ./node_modules/b/package.json
const package_namespaceObject = {\"i8\":\"1.2.3\"};
;// CONCATENATED MODULE: ./node_modules/c/version.js
const version = \"2.0.0\";
;// ./node_modules/@s/d/x.js
// EXTERNAL MODULE: ./node_modules/e/x.js
// NAMESPACE OBJECT: ./node_modules/f/x.js
  !*** ./node_modules/loader/x.js!./src/own.css ***!
  !*** external \"./node_modules/g/x.js\" ***!
  !*** ./node_modules/h/x.js (ignored) ***!
;// ./node_modules/i/x.js + 12 modules\r
";
        let expected = [
            "@s/d ~:7",
            "a ~:2",
            "b 1.2.3:3",
            "c 2.0.0:5",
            "e ~:8",
            "f ~:9",
            "i ~:13",
        ];
        assert_eq!(found(text), expected);
    }

    #[test]
    fn addresses_of_evaluated_modules() {
        let text = r#"
eval("x();\n\n//# sourceURL=webpack://own/./node_modules/a/x.js?");
eval("x();//# sourceURL=[module]\n//# sourceURL=webpack-internal:///./node_modules/@s/b/x.js\n");
eval("x();//@ sourceURL=webpack:///./node_modules/c/x.js");
//# sourceMappingURL=node_modules/d/x.js
var x = "sourceURL=./node_modules/e/x.js";
"#;
        assert_eq!(found(text), ["@s/b ~:3", "a ~:2", "c ~:4"]);
    }

    #[test]
    fn what_code_and_people_say_of_paths_is_no_evidence() {
        for text in [
            "path.join(__dirname, \"node_modules/a/x.js\")",
            "require(\"../node_modules/a/x.js\")",
            "x = ['node_modules/a/x.js', \"./node_modules/b/x.js\"]",
            "x = {\"node_modules/a/x.js\": \"text\", 'node_modules/b/x.js': 1}",
            "x = {main: \"node_modules/a/x.js\", f: function() {}}",
            "x ? \"node_modules/a/x.js\" : function () {}",
            "f(\"node_modules/a/x.js\", (a) => { b })",
            "f(a, \"node_modules/a/x.js\")\n{ b }",
            "/* ./node_modules/a/x.js */",
            "// see node_modules/a/x.js\nx();",
            "x(); // node_modules/a/x.js\ny();",
            "\n// node_modules/a/x.js is required by\nx();",
            "\n// node_modules/a\nx();",
            "\n// node_modules/a/b\nx();",
            "\n// node_modules/*/x.js\nx();",
            "\n// node_modules/a/x.js\n// node_modules/b/x.js\nx();",
            "// First we look for\n// node_modules/a/x.js\nx();",
            "\n// node_modules/a/x.js\n\nx();",
            "\n// node_modules/a/x.js\n  x();",
            "  x(\n  // node_modules/a/x.js\n  y)",
            "\n * // node_modules/a/x.js\n",
            "`\n//# sourceURL=${x}/node_modules/a/x.js\n`",
            "!*** node_modules/a ***!",
            "a.node_modules/b/x.js",
        ] {
            assert!(found(text).is_empty(), "{text}: {:?}", found(text));
        }
    }

    #[test]
    fn each_copy_of_a_package_is_a_row() {
        let text = "\
;// ./node_modules/a/x.js
;// ./node_modules/a/version.js
var v = '1.0.0'
;// ./node_modules/b/node_modules/a/x.js
;// ./node_modules/b/node_modules/a/version.js
var v = '2.0.0'
;// ./node_modules/.pnpm/a@3.0.0/node_modules/a/x.js
";
        assert_eq!(found(text), ["a 1.0.0:1", "a 2.0.0:4", "a 3.0.0:7"]);
    }

    #[test]
    fn an_installed_package_is_not_found_in_itself() {
        let text = ";// ./node_modules/a/x.js\n;// ./node_modules/b/x.js\n";
        let seen = read(&ModulePaths, "node_modules/a/dist/x.js", text).unwrap();
        assert_eq!(rows(&seen), ["b ~ fingerprint node_modules/a/dist/x.js:2"]);
    }

    #[test]
    fn paths_without_end_are_left_alone() {
        for piece in [
            "node_modules/",
            "\"node_modules/a",
            "// node_modules/a/",
            "\"node_modules/a/x.js\"(",
        ] {
            assert!(found(&piece.repeat(100_000)).is_empty());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_do_harm(pieces in proptest::collection::vec(proptest::sample::select(vec![
            "node_modules/", "a/x.js", "\"", "'", "(", ")", "{", ":", "\n", "// ", ";// ", "!*** ", " ***!", " ",
            "function", "=>", "/*", "*/", "//# sourceURL=", "\u{e9}", "\\", "?", "[", "async",
        ]), 0..24), odd in any::<Vec<u8>>()) {
            let mut text = pieces.concat().into_bytes();
            text.extend(odd);
            for module in modules(&text) {
                prop_assert_eq!(&text[module.start..module.end], module.path.as_bytes());
            }
        }
    }
}
