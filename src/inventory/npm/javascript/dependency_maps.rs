//! What modules ask for by name, in the bundles of Browserify and Parcel 1, and of Parcel 2's development server.
//!
//! Each module is a list of its function and of a map from what it requires to the module that it gets:
//! `"x1":[function(require,module,exports) {…},{"react":"n8MK","./own":"J4Nk"}]`. A name there is one that the bundler
//! found in a `node_modules`, unless it is one of Node.js, for which it has a stand-in.

use std::collections::BTreeMap;

use memchr::memchr;
use memchr::memmem::{self, Finder};

use super::package_path::is_name;
use super::script::Reader;
use super::sighting::{self, Sighting};
use crate::inspect::{Entry, Observations, Unreadable};

pub(super) struct DependencyMaps;

/// What every such bundle holds, minified or not.
const MODULE: &str = "[function(require,module,exports";

/// No module asks for more.
const MAX_MAP: usize = 64 * 1024;

/// Modules of Node.js that bundlers have stand-ins for.
/// <https://nodejs.org/api/modules.html#built-in-modules>
const BUILTINS: &[&str] = &[
    "assert",
    "async_hooks",
    "buffer",
    "child_process",
    "cluster",
    "console",
    "constants",
    "crypto",
    "dgram",
    "diagnostics_channel",
    "dns",
    "domain",
    "events",
    "fs",
    "http",
    "http2",
    "https",
    "inspector",
    "module",
    "net",
    "os",
    "path",
    "perf_hooks",
    "process",
    "punycode",
    "querystring",
    "readline",
    "repl",
    "stream",
    "string_decoder",
    "sys",
    "timers",
    "tls",
    "trace_events",
    "tty",
    "url",
    "util",
    "v8",
    "vm",
    "wasi",
    "worker_threads",
    "zlib",
    // Of Browserify itself: the second points to a module that another one repeats.
    "_process",
    "dup",
];

impl Reader for DependencyMaps {
    fn marks(&self) -> &'static [&'static str] {
        &[MODULE]
    }

    fn read(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        let text = entry.bytes;
        let mut packages: BTreeMap<&str, usize> = BTreeMap::new();
        if memmem::find(text, MODULE.as_bytes()).is_some() {
            for at in Finder::new("},{\"").find_iter(text) {
                let start = at + "},{".len();
                for request in
                    requests(&text[start..text.len().min(start + MAX_MAP)]).unwrap_or_default()
                {
                    if let Some(name) = package(request) {
                        packages.entry(name).or_insert(start);
                    }
                }
            }
        }
        let sightings = packages.into_iter().map(|(name, offset)| Sighting {
            offset,
            name: name.to_owned(),
            version: None,
            folder: None,
            range: None,
        });
        sighting::report(entry, sightings.collect(), |own, name| own == name, seen);
        Ok(())
    }
}

/// The keys of a map from text to the ids of modules, up to the end of the module's list, `}]`.
fn requests(mut text: &[u8]) -> Option<Vec<&str>> {
    let mut requests = Vec::new();
    loop {
        let (request, rest) = string(text)?;
        let rest = rest.strip_prefix(b":")?;
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let (is_found, rest) = match string(rest) {
            Some((_, rest)) => (true, rest),
            // Where a bundle was collapsed, modules ask by the ids themselves: `{"7":7}`.
            None if digits > 0 => (rest[..digits] != *request.as_bytes(), &rest[digits..]),
            // What the bundle does not hold.
            None => (false, rest.strip_prefix(b"undefined")?),
        };
        if is_found {
            requests.push(request);
        }
        match rest {
            [b',', rest @ ..] => text = rest,
            [b'}', b']', ..] => return Some(requests),
            _ => return None,
        }
    }
}

/// A string without escapes, and what is behind it.
fn string(text: &[u8]) -> Option<(&str, &[u8])> {
    let rest = text.strip_prefix(b"\"")?;
    let end = memchr(b'"', rest)?;
    let inside = str::from_utf8(&rest[..end]).ok()?;
    (!inside.contains('\\')).then_some((inside, &rest[end + 1..]))
}

/// The package in a request such as `a`, `a/lib/x` or `@s/a/x`; none for paths and for what Node.js has.
fn package(request: &str) -> Option<&str> {
    let parts = if request.starts_with('@') { 2 } else { 1 };
    let end = request
        .match_indices('/')
        .nth(parts - 1)
        .map_or(request.len(), |(end, _)| end);
    let name = &request[..end];
    let is_file = name.ends_with(".js") && end == request.len();
    // What Parcel 2 calls its modules where it builds for production: 64 bits without leading zeros.
    let is_digest = (12..=16).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_hexdigit());
    (is_name(name) && !name.starts_with('~') && !BUILTINS.contains(&name) && !is_file && !is_digest)
        .then_some(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::script::testing::read;
    use super::*;
    use crate::inventory::testing::rows;

    fn found(text: &str) -> Vec<String> {
        let rows = rows(&read(&DependencyMaps, "index.js", text).unwrap());
        rows.into_iter()
            .map(|row| row.replace(" ~ fingerprint index.js", ""))
            .collect()
    }

    #[test]
    fn names_that_modules_ask_for() {
        let text = "({\"x1\":[function(require,module,exports) {\nx();\n},{\"a\":\"n8MK\",\"./own\":\"J4Nk\"}],
2:[function(require,module,exports){ },{\"@s/b/lib/x\":1,\"events\":3,\"util/\":4,\"c/d\":5,\"e\":undefined}],3:[
function(require,module,exports){ f() },{\"a\":12}]";
        assert_eq!(found(text), ["@s/b:4", "a:3", "c:4"]);
    }

    #[test]
    fn other_maps_name_none() {
        let module = "[function(require,module,exports) {},{}]";
        for text in [
            "f([{},{\"a\":1}])".to_owned(),
            format!("{module},f([{{}},{{\"a\":\"b\"}})"),
            format!("{module},[{{}},{{\"a\":true}}]"),
            format!("{module},[{{}},{{\"a\": 1}}]"),
            format!(
                "{module},[{{}},{{\"../a\":1,\"/a\":2,\"fs\":3,\"own.js\":4,\"~/a\":5,\"dup\":6,\"12f4065bd9508080\":7,\"393a963ed9cd13e\":8,\"9\":9}}]"
            ),
            format!("{module},[{{}},{{\"a\":1"),
        ] {
            assert!(found(&text).is_empty(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_do_harm(pieces in proptest::collection::vec(proptest::sample::select(vec![
            "},{\"", "\"", ":", "1", "a", ",", "}]", "\\", "undefined", "\u{e9}", "@", "/",
        ]), 0..24), odd in any::<Vec<u8>>()) {
            let mut text = format!("{MODULE}{}", pieces.concat()).into_bytes();
            text.extend(odd);
            read(&DependencyMaps, "index.js", text).unwrap();
        }
    }
}
