//! Maps in scripts and style sheets: data URLs in comments.

use data_encoding::BASE64_NOPAD;
use memchr::{memchr_iter, memmem};

use super::Modules;
use crate::inspect::{Entry, Observations, Unreadable};
use crate::inventory::npm::javascript::json_walk::Broken;
use crate::inventory::npm::javascript::script::Reader;
use crate::inventory::npm::specifier::percent_decoded;

const DATA_URL: &str = "sourceMappingURL=data:application/json";

/// Maps in the text of scripts and style sheets.
pub(in crate::inventory::npm::javascript) struct InlineMaps;

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

/// The maps of a script or style sheet. Some bundlers write one for each module, in the middle of the text.
fn read_inline_maps(bytes: &[u8], modules: &mut Modules) -> Result<(), Unreadable> {
    let mut result = Ok(());
    let (mut line, mut counted) = (1, 0);
    let mark = memmem::Finder::new(DATA_URL);
    let mut from = 0;
    while let Some(at) = mark.find(&bytes[from..]).map(|found| from + found) {
        from = at + DATA_URL.len();
        if !is_comment(&bytes[..at]) {
            continue;
        }
        let Some(Data { map, length }) = data(&bytes[from..]) else {
            continue;
        };
        // What stands in the data is no comment, and many of them would be read once for each.
        from += length;
        line += memchr_iter(b'\n', &bytes[counted..at]).count();
        counted = at;
        let read = match map {
            Ok(map) => modules.read(&map, u32::try_from(line).ok(), 0),
            Err(Broken) => Err(Unreadable::new("has a source map that is not valid base64")),
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

/// What a data URL holds.
struct Data {
    map: Result<Vec<u8>, Broken>,
    /// Of the URL behind its type.
    length: usize,
}

/// From behind a data URL's type on; nothing for the text of a program that makes such URLs.
/// <https://datatracker.ietf.org/doc/html/rfc2397>
fn data(url: &[u8]) -> Option<Data> {
    /// Parameters such as `;charset=utf-8;base64` are short.
    const MAX_PARAMETERS: usize = 100;
    let head = &url[..url.len().min(MAX_PARAMETERS)];
    let comma = head.iter().position(|&b| b == b',')?;
    let data = &url[comma + 1..];
    let in_base64 = head[..comma].ends_with(b";base64");
    if is_left_open(data, in_base64) {
        return None;
    }
    if in_base64 {
        let is_base64 = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
        let length = data.iter().take_while(is_base64).count();
        let decoded = BASE64_NOPAD.decode(&data[..length]);
        return Some(Data {
            map: decoded.ok().filter(|map| !map.is_empty()).ok_or(Broken),
            length: comma + 1 + length,
        });
    }
    let is_data =
        |b: &&u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\'' | b'`' | b'\\' | b'*');
    let length = data.iter().take_while(is_data).count();
    let decoded = percent_decoded(&String::from_utf8_lossy(&data[..length]));
    Some(Data {
        map: Ok(decoded.into_bytes()),
        length: comma + 1 + length,
    })
}

/// Whether the data is left to others: the text ends here, or `${map}`, `%s`, `([^*]+)`, `...` or `<base64>` stand in its
/// place. In base64 `{0}` does too.
fn is_left_open(data: &[u8], in_base64: bool) -> bool {
    match data {
        [] => true,
        [b'{', ..] => in_base64,
        [b'%', behind @ ..] => !behind.first().is_some_and(u8::is_ascii_hexdigit),
        [first, ..] => first.is_ascii_whitespace() || b"\"'`\\$([.<*".contains(first),
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64;

    use super::*;
    use crate::inventory::npm::javascript::script::testing::read;
    use crate::inventory::npm::javascript::source_map::tests::sources;
    use crate::inventory::testing::rows;

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
            "// //# sourceMappingURL=data:application/json;base64,<the map>",
            "// //# sourceMappingURL=data:application/json;base64,...",
            "format('//# sourceMappingURL=data:application/json;base64,%s', x)",
            "format('//# sourceMappingURL=data:application/json,%s', x)",
            "'//# sourceMappingURL=data:application/json;base64,{0}'.format(x)",
            "'//# sourceMappingURL=data:application/json;charset=utf-8;base64,{}'.format(x)",
            "RegExp('//# sourceMappingURL=data:application/json;base64,([^*]+)')",
            "/*# sourceMappingURL=data:application/json;base64,*/",
            "//# sourceMappingURL=data:application/json;base64,",
        ] {
            assert!(inline(code).is_empty(), "{code}");
        }
    }

    #[test]
    fn what_stands_in_a_map_is_no_map() {
        let url = |name: &str| {
            format!(
                "#sourceMappingURL=data:application/json,{{%22sources%22:[%22node_modules/{name}/x.js%22]}}"
            )
        };
        let text = ["a", "b"].map(url).concat();
        assert_eq!(inline(&text), ["a ~ embedded a.js:3"]);
        assert_eq!(inline(&format!("{text}\n{}", url("c"))).len(), 2);
        // Read once for each, these would be 50 GB.
        let many = "#sourceMappingURL=data:application/json,".repeat(50_000);
        let error = read(&InlineMaps, "a.js", many).err();
        assert_eq!(error.and_then(|error| error.line), Some(1));
    }

    #[test]
    fn what_is_neither_base64_nor_json_is_said_not_to_be_read() {
        const BASE64: &str = "has a source map that is not valid base64";
        const JSON: &str = "has a source map that is not valid JSON or breaks off";
        for (url, message) in [
            (";base64,A", BASE64),
            (";base64,!!!!", BASE64),
            (";base64,====", BASE64),
            (";base64,%7b%7d", BASE64),
            (";base64,AAAA", JSON),
            (",AAAA", JSON),
            (",%5b%5d", JSON),
            (",{", JSON),
        ] {
            let comment = format!("//# sourceMappingURL=data:application/json{url}\n");
            for text in [comment.clone(), comment.repeat(1000)] {
                let error = read(&InlineMaps, "a.js", text).err();
                assert_eq!(error, Some(Unreadable::at(1, message)), "{url}");
            }
        }
    }
}
