//! Native libraries and runtimes, from their constants to findings.

mod support;

use serde_json::{Value, json};
use support::Workplace;

/// An ELF file without a table of sections: all of it is looked at.
fn elf(texts: &[&str]) -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(16, 0);
    bytes.extend([3, 0, 62, 0, 1, 0, 0, 0]);
    bytes.resize(52, 0);
    bytes.extend([64, 0, 56, 0, 0, 0, 64, 0, 0, 0, 0, 0]);
    bytes.extend([0; 16]);
    for text in texts {
        bytes.extend(text.bytes().chain([0]));
    }
    bytes
}

fn node(version: &str) -> Vec<u8> {
    let address = "https://nodejs.org/download/release";
    let release = format!("{address}/v{version}/node-v{version}-headers.tar.gz");
    let zlib = " inflate 1.2.13.1 Copyright 1995-2022 Mark Adler ";
    elf(&["", &release, zlib])
}

fn record(id: &str, name: &str, events: Value) -> String {
    json!({"id": id, "modified": "2024-05-06T00:00:00Z", "summary": "Something bad",
        "affected": [{"package": {"ecosystem": "Bitnami", "name": name},
            "ranges": [{"type": "SEMVER", "events": events}]}],
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]})
    .to_string()
}

fn import(place: &Workplace, records: &[String]) {
    for (number, record) in records.iter().enumerate() {
        place.file(&format!("records/{number}.json"), record);
    }
    let run = place.run(&["db", "import", "records", "--db", "db"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
}

fn audit(place: &Workplace) -> (i32, Value) {
    let run = place.run(&[
        "fn.zip",
        "--db",
        "db",
        "--max-age",
        "99999d",
        "--format",
        "json",
    ]);
    (run.status, run.json())
}

#[test]
fn a_runtime_is_matched_under_the_name_that_osv_has_for_it() {
    let place = Workplace::new();
    let two_lines = json!([{"introduced": "0"}, {"fixed": "18.18.2"}, {"introduced": "19.0.0"}, {"fixed": "20.8.1"}]);
    import(&place, &[record("EX-1", "node", two_lines)]);
    for (version, findings, status) in [("20.8.0", 1, 1), ("20.11.0", 0, 0), ("18.18.2", 0, 0)] {
        place.zip("fn.zip", &[("bin/node", &node(version))]);
        let (exit, report) = audit(&place);
        assert_eq!(
            (exit, report["findings"].as_array().unwrap().len()),
            (status, findings)
        );
    }
    place.zip("fn.zip", &[("bin/node", &node("20.8.0"))]);
    let (_, report) = audit(&place);
    let finding = &report["findings"][0];
    assert_eq!(finding["package"], "pkg:generic/node@20.8.0");
    assert_eq!(finding["advisory"]["fixed"], "20.8.1");
    assert_eq!(finding["remedy"], "upgrade node to 20.8.1 or later");
}

/// The bytes as a Brotli stream of blocks that are not compressed.
fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut stream = Vec::new();
    for (index, block) in bytes.chunks(1 << 16).enumerate() {
        // Not the last, a length of 16 bits, not compressed; the first says the size of the window before that.
        let header = (block.len() as u32 - 1) << 3 | 1 << 19;
        let header = if index == 0 { header << 1 } else { header };
        stream.extend(&header.to_le_bytes()[..3]);
        stream.extend(block);
    }
    stream.push(3);
    stream
}

/// The purl and size of each native package, and the messages of errors.
fn inventory(place: &Workplace, memory: &str) -> (Vec<Value>, String) {
    let run = place.run(&[
        "inventory",
        "fn.zip",
        "--format",
        "json",
        "--max-memory",
        memory,
    ]);
    let report = run.json();
    let packages = report["packages"].as_array().unwrap().iter();
    let packages = packages.map(|p| json!([p["purl"], p["size_bytes"]]));
    (packages.collect(), report["errors"].to_string())
}

#[test]
fn a_runtime_that_there_is_no_memory_for_is_named_all_the_same() {
    let place = Workplace::new();
    let mut node = node("20.11.0");
    node.resize(3_000_000, 7);
    place.zip("fn.zip", &[("bin/node", &node)]);
    let expected = [
        json!(["pkg:generic/node@20.11.0", node.len()]),
        json!(["pkg:generic/zlib@1.2.13.1", null]),
    ];
    let (whole, errors) = inventory(&place, "192MiB");
    assert_eq!(whole, expected);
    assert_eq!(errors, "[]");
    let (in_parts, errors) = inventory(&place, "4MiB");
    assert_eq!(in_parts, expected);
    assert!(errors.contains("looked into in parts"), "{errors}");
}

#[test]
fn a_runtime_that_is_compressed_with_brotli_is_opened() {
    let place = Workplace::new();
    let mut node = node("20.11.0");
    node.resize(3_000_000, 7);
    let packed = brotli(&node);
    place.zip("fn.zip", &[("bin/node.br", &packed)]);
    for memory in ["192MiB", "8MiB"] {
        let (packages, _) = inventory(&place, memory);
        let expected = json!(["pkg:generic/node@20.11.0", node.len()]);
        assert!(packages.contains(&expected), "{packages:?}");
    }
    place.zip("fn.zip", &[("bin/node.br", &packed[..2_000_000])]);
    let (_, errors) = inventory(&place, "192MiB");
    assert!(errors.contains("damaged"), "{errors}");
}

#[test]
fn a_runtime_has_the_size_of_its_file_and_what_is_in_it_has_none() {
    let place = Workplace::new();
    let node = node("20.11.0");
    place.zip("fn.zip", &[("bin/node", &node)]);
    let run = place.run(&["inventory", "fn.zip", "--format", "json"]);
    let report = run.json();
    let packages = report["packages"].as_array().unwrap();
    let told: Vec<Value> = packages
        .iter()
        .map(|p| {
            json!([
                p["ecosystem"],
                p["purl"],
                p["scope"],
                p["evidence"],
                p["size_bytes"]
            ])
        })
        .collect();
    let expected = [
        json!([
            "generic",
            "pkg:generic/node@20.11.0",
            "shipped",
            "fingerprint",
            node.len()
        ]),
        json!([
            "generic",
            "pkg:generic/zlib@1.2.13.1",
            "shipped",
            "fingerprint",
            null
        ]),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_version_that_nobody_knows_is_not_that_of_another_file() {
    let place = Workplace::new();
    import(
        &place,
        &[record(
            "EX-1",
            "python",
            json!([{"introduced": "0"}, {"fixed": "3.11.5"}]),
        )],
    );
    let mark = "PYTHONHASHSEED must be \"random\" or an integer in range [0; 4294967295]";
    place.zip(
        "fn.zip",
        &[
            ("a/libpython3.11.so.1.0", &elf(&[mark, "3.11.6"])),
            ("b/app", &elf(&[mark])),
        ],
    );
    let (status, report) = audit(&place);
    let packages: Vec<Value> = report["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| json!([p["version"], p["locations"].as_array().unwrap().len()]))
        .collect();
    assert_eq!(packages, [json!(["3.11.6", 1]), json!([null, 1])]);
    // Possible, and so it fails nothing.
    assert_eq!(status, 0);
    let [finding] = &report["findings"].as_array().unwrap()[..] else {
        panic!("{report}");
    };
    assert_eq!(finding["certainty"], "possible");
    assert_eq!(
        finding["remedy"],
        "find out which version of python this is; 3.11.5 is not affected"
    );
}
