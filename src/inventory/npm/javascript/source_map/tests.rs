use data_encoding::BASE64;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;

use super::super::script::Reader;
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

pub(super) fn sources(sources: &[&str]) -> String {
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
pub(super) fn sources_stand_below_their_root() {
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
    let more =
        r#"{"sources": ["node_modules/a/a.js"], "sourcesContent": [null, "/* a 1.0.0 */", ""]}"#;
    assert_eq!(found(more), ["a ~"]);
}

#[test]
fn a_guard_and_a_byte_order_mark_are_passed_over() {
    let map = sources(&["node_modules/a/x.js"]);
    for front in [")]}'\n", ")]}', ignored\n", "\u{feff}", "\n "] {
        assert_eq!(found(&format!("{front}{map}")), ["a ~"], "{front:?}");
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
fn folders_are_kept_up_to_a_bound() {
    let long = "x".repeat(10_000);
    let sources: Vec<String> = (0..2_000)
        .map(|i| format!("{long}/{i}/node_modules/a/x.js"))
        .collect();
    let (rows, error) = broken(PATH, json!({"sources": sources}).to_string().as_bytes());
    assert_eq!(
        rows.len(),
        MAX_FOLDERS / (long.len() + "/100/node_modules/a".len())
    );
    assert_eq!(
        error.message,
        "names packages in folders with too long paths; not all were read"
    );
}

#[test]
fn a_root_without_end_is_said_not_to_be_read() {
    let long = json!({"sourceRoot": "x/".repeat(MAX_PATH), "sources": ["node_modules/a/x.js"]});
    let short = json!({"sources": ["node_modules/b/x.js"]});
    let map = json!({"sections": [{"map": long}, {"map": short}]}).to_string();
    let (rows, error) = broken(PATH, map.as_bytes());
    assert_eq!(rows, ["b ~"]);
    assert_eq!(error.message, "has a source root too long to be one");
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
