//! Artifacts that lie, break off or never end: each is a finding or an `errors` row, and the rest is audited.

mod support;

use flate2::{Compress, Compression, FlushCompress};
use support::{Workplace, errors, findings, gzip, metadata, packages, tar, zip};

const HONEST: &str = "honest-1.0.dist-info/METADATA";

fn honest() -> Vec<u8> {
    metadata("honest", "1.0")
}

const HONEST_ROW: &str = "PyPI honest 1.0 shipped installed";

/// A raw deflate stream of a megabyte of zeros, as often as asked. It takes a kilobyte for each.
fn deflated_zeros(megabytes: usize) -> Vec<u8> {
    let mut block = Vec::with_capacity(64 * 1024);
    let mut deflater = Compress::new(Compression::best(), false);
    let zeros = vec![0; 1 << 20];
    deflater
        .compress_vec(&zeros, &mut block, FlushCompress::Full)
        .unwrap();
    let mut out = block.repeat(megabytes);
    out.extend([0x03, 0x00]);
    out
}

/// A zip with entries made by hand: name, method, packed bytes, the unpacked size and checksum stated.
struct RawZip {
    bytes: Vec<u8>,
    directory: Vec<u8>,
    entries: u16,
}

impl RawZip {
    fn new() -> Self {
        RawZip {
            bytes: Vec::new(),
            directory: Vec::new(),
            entries: 0,
        }
    }

    /// Writes an entry's data, and returns where it stands.
    fn data(&mut self, name: &str, method: u16, packed: &[u8]) -> u32 {
        let offset = u32::try_from(self.bytes.len()).unwrap();
        // Lengths and checksum follow the data, says the flag; nobody reads them there.
        self.bytes.extend(b"PK\x03\x04\x14\0\x08\0");
        self.bytes.extend(method.to_le_bytes());
        self.bytes.extend([0; 16]);
        self.bytes
            .extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        self.bytes.extend([0; 2]);
        self.bytes.extend(name.as_bytes());
        self.bytes.extend(packed);
        offset
    }

    fn record(
        &mut self,
        name: &str,
        method: u16,
        flags: u16,
        packed: u32,
        unpacked: u32,
        offset: u32,
    ) {
        let d = &mut self.directory;
        d.extend(b"PK\x01\x02\x14\x03\x14\0");
        d.extend(flags.to_le_bytes());
        d.extend(method.to_le_bytes());
        d.extend([0; 8]);
        d.extend(packed.to_le_bytes());
        d.extend(unpacked.to_le_bytes());
        d.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        d.extend([0; 12]);
        d.extend(offset.to_le_bytes());
        d.extend(name.as_bytes());
        self.entries += 1;
    }

    fn entry(&mut self, name: &str, method: u16, packed: &[u8], unpacked: u32) {
        let offset = self.data(name, method, packed);
        let len = u32::try_from(packed.len()).unwrap();
        self.record(name, method, 0, len, unpacked, offset);
    }

    fn finish(mut self) -> Vec<u8> {
        let start = u32::try_from(self.bytes.len()).unwrap();
        let size = u32::try_from(self.directory.len()).unwrap();
        self.bytes.extend(&self.directory);
        self.bytes.extend(b"PK\x05\x06\0\0\0\0");
        self.bytes.extend(self.entries.to_le_bytes());
        self.bytes.extend(self.entries.to_le_bytes());
        self.bytes.extend(size.to_le_bytes());
        self.bytes.extend(start.to_le_bytes());
        self.bytes.extend([0; 2]);
        self.bytes
    }
}

#[test]
fn an_entry_that_states_a_gigabyte_of_zeros_is_not_unpacked() {
    let place = Workplace::new();
    let mut raw = RawZip::new();
    raw.entry("zeros", 8, &deflated_zeros(1024), 1 << 30);
    let inner = zip(&[(HONEST, &honest())]);
    raw.entry("inner.zip", 0, &inner, u32::try_from(inner.len()).unwrap());
    place.file("fn.zip", raw.finish());
    let report = place.report("fn.zip");
    assert_eq!(findings(&report), ["FA-ARTIFACT-BOMB fn.zip!/zeros"]);
    // The entry made by hand has no checksum: that is said, and nothing else is lost.
    assert_eq!(errors(&report).len(), 1, "{:?}", errors(&report));
}

#[test]
fn an_entry_that_unpacks_to_more_than_it_states_is_cut_there() {
    let place = Workplace::new();
    let mut raw = RawZip::new();
    raw.entry("liar", 8, &deflated_zeros(1024), 1000);
    place.file("fn.zip", raw.finish());
    let report = place.report("fn.zip");
    assert_eq!(
        errors(&report),
        ["fn.zip!/liar: unpacks to more than the 1000 bytes it states; the rest was not audited"]
    );
}

#[test]
fn a_stream_without_end_is_left_at_its_ratio() {
    let place = Workplace::new();
    // A gzip header, the stream, and a trailer that nobody gets to.
    let mut bytes = b"\x1F\x8B\x08\0\0\0\0\0\0\xFF".to_vec();
    bytes.extend(deflated_zeros(1024));
    bytes.extend([0; 8]);
    place.zip("fn.zip", &[("data.bin.gz", &bytes), (HONEST, &honest())]);
    let report = place.report("fn.zip");
    assert_eq!(findings(&report), ["FA-ARTIFACT-BOMB fn.zip!/data.bin.gz"]);
    assert_eq!(packages(&report), [HONEST_ROW]);
}

#[test]
fn archives_nested_by_the_thousand_are_opened_to_the_limit() {
    let place = Workplace::new();
    let mut bytes = zip(&[(HONEST, &honest())]);
    for _ in 0..1000 {
        bytes = zip(&[("in.zip", &bytes)]);
    }
    place.file("deep.zip", bytes);
    let report = place.report("deep.zip");
    let errors = errors(&report);
    assert_eq!(errors.len(), 1);
    assert!(errors[0].contains("--max-depth"), "{errors:?}");
    assert_eq!(packages(&report), [""; 0]);
}

#[test]
fn entries_that_share_one_stream_are_audited_once() {
    let place = Workplace::new();
    let mut raw = RawZip::new();
    let stream = deflated_zeros(10);
    let len = u32::try_from(stream.len()).unwrap();
    let offset = raw.data("x0000", 8, &stream);
    for i in 0..3000 {
        raw.record(&format!("x{i:04}"), 8, 0, len, 10 << 20, offset);
    }
    place.file("fn.zip", raw.finish());
    let report = place.report("fn.zip");
    assert_eq!(findings(&report), ["FA-ARTIFACT-OVERLAP fn.zip!/x0001"]);
    let title = report["findings"][0]["title"].as_str().unwrap();
    assert!(title.contains("2999 entries"), "{title}");
}

#[test]
fn names_that_lead_out_of_the_archive_are_findings_and_nothing_is_written() {
    let place = Workplace::new();
    place.zip(
        "fn.zip",
        &[
            ("../../outside.txt", b"x"),
            ("/absolute.txt", b"x"),
            (HONEST, &honest()),
        ],
    );
    let before = place.listing();
    let report = place.report("fn.zip");
    assert_eq!(
        findings(&report),
        [
            "FA-ARTIFACT-ESCAPE fn.zip!/absolute.txt",
            "FA-ARTIFACT-ESCAPE fn.zip!/outside.txt"
        ]
    );
    assert_eq!(packages(&report), [HONEST_ROW]);
    assert_eq!(place.listing(), before);
}

#[test]
fn entries_that_cannot_be_read_cost_no_other() {
    let place = Workplace::new();
    let mut raw = RawZip::new();
    let offset = raw.data("secret", 8, b"xxxx");
    raw.record("secret", 8, 1, 4, 4, offset);
    raw.entry("old", 6, b"xxxx", 4);
    raw.entry("broken", 8, b"\xFF\xFF\xFF\xFF", 4);
    raw.entry("changed", 0, b"text", 4);
    place.file("fn.zip", raw.finish());
    let report = place.report("fn.zip");
    let errors = errors(&report);
    assert_eq!(errors.len(), 4, "{errors:?}");
    assert!(
        errors[0].starts_with("fn.zip!/broken: is damaged: "),
        "{errors:?}"
    );
    assert_eq!(
        errors[1..],
        [
            "fn.zip!/changed: does not match its checksum: it was damaged or changed after packing",
            "fn.zip!/old: is packed with Implode, which is not supported",
            "fn.zip!/secret: is encrypted",
        ]
    );
}

#[test]
fn every_budget_that_runs_out_says_which_flag_raises_it() {
    let place = Workplace::new();
    let large = vec![b'x'; 300_000];
    place.zip(
        "fn.zip",
        &[("a.txt", &large), ("b.txt", &large), ("c.txt", b"x")],
    );
    for (flag, value) in [
        ("--max-unpacked", "400kB"),
        ("--max-entries", "1"),
        ("--max-time", "0"),
    ] {
        let run = place.run(&["fn.zip", "--format", "json", "-q", flag, value]);
        let errors = errors(&run.json());
        assert_eq!(errors.len(), 1, "{flag}: {errors:?}");
        assert!(errors[0].contains(flag), "{flag}: {errors:?}");
    }
    let run = place.run(&["fn.zip", "--format", "json", "-q", "--max-entry", "100kB"]);
    assert_eq!(findings(&run.json()).len(), 2, "{}", run.stdout);
}

#[test]
fn what_does_not_fit_into_memory_is_said() {
    let place = Workplace::new();
    let lock = format!(
        "{{\"lockfileVersion\":3,\"packages\":{{}},\"x\":\"{}\"}}",
        "x".repeat(2 << 20)
    );
    place.zip(
        "fn.zip",
        &[("package-lock.json", lock.as_bytes()), (HONEST, &honest())],
    );
    let run = place.run(&["fn.zip", "--format", "json", "-q", "--max-memory", "1MiB"]);
    let report = run.json();
    assert!(
        errors(&report)[0].contains("--max-memory"),
        "{:?}",
        errors(&report)
    );
    assert_eq!(packages(&report), [HONEST_ROW]);
}

#[test]
fn cut_and_bit_flipped_artifacts_end_in_words() {
    let place = Workplace::new();
    let files: &[(&str, &[u8])] = &[
        (HONEST, &honest()),
        ("a/b.txt", b"text"),
        ("c.gz", &gzip(b"more")),
    ];
    for (name, bytes) in [
        ("fn.zip", zip(files)),
        ("fn.tar", tar(files)),
        ("fn.tar.gz", gzip(&tar(files))),
    ] {
        for step in 0..24 {
            let at = bytes.len() * step / 24;
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x55;
            for (kind, bytes) in [("cut", &bytes[..at]), ("flipped", &flipped)] {
                place.file(name, bytes);
                let run = place.run(&[name, "--format", "json", "-q"]);
                if run.status == 2 {
                    let line = run.stderr.trim_end();
                    assert!(line.starts_with("error: "), "{kind} {name} at {at}: {line}");
                    assert_eq!(line.lines().count(), 1, "{kind} {name} at {at}: {line}");
                } else {
                    run.json();
                }
            }
        }
    }
}

#[test]
fn a_cut_tar_is_audited_as_far_as_it_goes_and_fails() {
    let place = Workplace::new();
    let noise: Vec<u8> = (0..100_000u32)
        .flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect();
    let whole = gzip(&tar(&[(HONEST, &honest()), ("noise", &noise)]));
    place.file("fn.tar.gz", &whole[..whole.len() / 2]);
    let run = place.run(&["fn.tar.gz", "--format", "json", "-q"]);
    assert_eq!(run.status, 2);
    assert!(
        run.stderr.starts_with("error: fn.tar.gz: is damaged"),
        "{}",
        run.stderr
    );
    assert_eq!(packages(&run.json()), [HONEST_ROW]);
    assert_eq!(errors(&run.json()).len(), 1);
}

#[test]
fn control_characters_in_names_reach_no_terminal() {
    let place = Workplace::new();
    place.zip("fn.zip", &[("\u{1b}[2J\n/package-lock.json", b"{")]);
    let run = place.run(&["fn.zip", "-q"]);
    assert!(
        run.stdout.contains("\\u{1b}[2J\\n/package-lock.json"),
        "{}",
        run.stdout
    );
    assert!(!run.stdout.contains('\u{1b}'), "{}", run.stdout);
}

#[test]
fn control_characters_in_contents_reach_no_terminal() {
    let place = Workplace::new();
    let lock = br#"{"name": "fn", "lockfileVersion": 3, "packages": {
        "node_modules/lodash": {"version": "4.17.0+\u001b[2J"},
        "node_modules/left\u009b1m": {"version": "1.0\r\nNo findings."}}}"#;
    let manifest = br#"{"name": "fn", "dependencies": {"right\u202e": "\u001b[31m^1.0"}}"#;
    place.zip(
        "fn.zip",
        &[
            ("package-lock.json", lock),
            ("package.json", manifest),
            ("requirements.txt", b"-r \x1b[2J.txt\nx ?\x1b[2J\n"),
        ],
    );
    for args in [["audit", "fn.zip", "-v"], ["inventory", "fn.zip", "-v"]] {
        let run = place.run(&args);
        let obeyed = |c: char| c != '\n' && c.is_control() || c == '\u{202e}';
        assert!(!run.stdout.contains(obeyed), "{}", run.stdout);
        assert!(run.stdout.contains("4.17.0+\\u{1b}[2J"), "{}", run.stdout);
    }
    let shown = packages(&place.report("fn.zip"));
    let hostile = "npm left\\u{9b}1m 1.0\\r\\nNo findings. declared locked";
    assert!(shown.iter().any(|row| row == hostile), "{shown:?}");
}

#[test]
fn memory_for_nothing_and_depth_for_everything_still_end() {
    let place = Workplace::new();
    let noise = vec![b'x'; 60_000];
    let mut bytes = zip(&[(HONEST, &honest()), ("noise", &noise)]);
    for _ in 0..14 {
        bytes = zip(&[("in.zip", &bytes)]);
    }
    place.file("deep.zip", bytes);
    place.run(&["deep.zip", "-q", "--max-depth", "64"]);
    place.run(&["deep.zip", "-q", "--max-memory", "1"]);
    place.file("fn.tar", tar(&[(HONEST, &honest()), ("noise", &noise)]));
    let run = place.run(&["fn.tar", "-q", "--format", "json", "--max-memory", "1"]);
    assert_eq!(
        packages(&run.json()),
        [HONEST_ROW],
        "a small entry is read in one piece"
    );
}

#[test]
fn a_requirements_file_that_crosses_all_with_all_is_merged_in_bounds() {
    let place = Workplace::new();
    let pins: String = (0..4000).map(|i| format!("a=={i}\na>=0\n")).collect();
    let same = "b==1\n".repeat(100_000);
    place.zip(
        "fn.zip",
        &[
            ("requirements.txt", pins.as_bytes()),
            ("x/requirements.txt", same.as_bytes()),
        ],
    );
    let report = place.report("fn.zip");
    let b = report["packages"].as_array().unwrap().last().unwrap();
    assert_eq!(b["name"], "b");
    assert_eq!(b["locations"].as_array().unwrap().len(), 1000);
}

#[test]
fn one_large_entry_costs_a_tar_no_other() {
    let place = Workplace::new();
    let large = vec![b'x'; 300_000];
    place.file("fn.tar", tar(&[("large", &large), (HONEST, &honest())]));
    let run = place.run(&["fn.tar", "-q", "--format", "json", "--max-entry", "100kB"]);
    assert_eq!(findings(&run.json()), ["FA-ARTIFACT-BOMB fn.tar!/large"]);
    assert_eq!(packages(&run.json()), [HONEST_ROW]);
    let listed = place.run(&["inventory", "fn.tar", "--max-entry", "100kB"]);
    assert!(listed.stdout.contains("fn.tar!/large"), "{}", listed.stdout);
}

#[test]
fn a_record_of_a_package_hides_nothing_outside_it() {
    let place = Workplace::new();
    let lock = br#"{"lockfileVersion": 3, "packages": {"node_modules/a": {"version": "1.0.0"}}}"#;
    let record = b"../package-lock.json,,\nhonest/x.txt,,\n";
    place.zip(
        "fn.zip",
        &[
            ("package-lock.json", lock),
            ("python/honest-1.0.dist-info/RECORD", record),
        ],
    );
    assert_eq!(
        packages(&place.report("fn.zip")),
        ["npm a 1.0.0 declared locked", HONEST_ROW]
    );
}

#[test]
fn lists_of_wheels_without_end_and_names_without_sense_are_left_out() {
    let place = Workplace::new();
    let long = format!(r#"{{"name": "{}", "version": "1.0.0"}}"#, "a".repeat(5000));
    // Each of its folders once for every row.
    let deep = format!("{}x.py,,1\n", "a/".repeat(2000)).repeat(1000);
    place.zip(
        "fn.zip",
        &[
            (HONEST, &honest()),
            ("honest-1.0.dist-info/RECORD", deep.as_bytes()),
            ("node_modules/a/package.json", long.as_bytes()),
            ("b-1.0.dist-info/RECORD", &[b'\n'; 600_000]),
        ],
    );
    let report = place.report("fn.zip");
    assert_eq!(
        packages(&report),
        ["PyPI b 1.0 shipped installed", HONEST_ROW]
    );
    let errors = errors(&report);
    for expected in [
        "4096 bytes of a name",
        "500000 lines of RECORD",
        "500000 lines of such lists",
    ] {
        assert!(
            errors.iter().any(|row| row.contains(expected)),
            "{errors:?}"
        );
    }
}

#[test]
fn source_maps_that_lie_cost_only_themselves() {
    let place = Workplace::new();
    let honest = r#"{"version": 3, "sources": ["node_modules/a/x.js"], "sourcesContent": ["/*! a v1.0.0 */"]}"#;
    let sources = |sources: String| format!(r#"{{"sources": [{sources}]}}"#);
    let maps = [
        (
            "base64.js",
            "//# sourceMappingURL=data:application/json;base64,AAAAA".to_owned(),
        ),
        ("broken.js.map", honest[..80].to_owned()),
        ("empty.js.map", sources(r#""","#.repeat(1_000_000))),
        ("honest.js.map", honest.to_owned()),
        ("nested.js.map", r#"{"sections": [{"map": "#.repeat(100_000)),
        (
            "path.js.map",
            sources(format!("\"{}x.js\"", "node_modules/b/".repeat(10_000))),
        ),
        (
            "rows.js.map",
            sources(vec![r#""node_modules/a/x.js""#; 400_000].join(",")),
        ),
    ];
    let entries: Vec<(&str, &[u8])> = maps
        .iter()
        .map(|(name, map)| (*name, map.as_bytes()))
        .collect();
    place.zip("fn.zip", &entries);
    let report = place.report("fn.zip");
    assert_eq!(packages(&report), ["npm a 1.0.0 shipped embedded"]);
    assert_eq!(
        errors(&report),
        [
            "fn.zip!/base64.js: has a source map that is not valid base64",
            "fn.zip!/broken.js.map: has a source map that is not valid JSON or breaks off",
            "fn.zip!/empty.js.map: names more than 500000 sources; the rest was not read",
            "fn.zip!/nested.js.map: has a source map that is not valid JSON or breaks off",
            "fn.zip!/path.js.map: names a source with a path too long to be one",
        ]
    );
}

#[test]
fn jars_that_hold_themselves_or_say_too_much_cost_little() {
    let place = Workplace::new();
    let class = ("a/A.class", &b"\xCA\xFE\xBA\xBE"[..]);
    let mut itself = zip(&[class]);
    for _ in 0..20 {
        itself = zip(&[class, ("itself.jar", &itself)]);
    }
    let pom = |n: usize| format!("version=1.{n}\ngroupId=g\nartifactId=a{n}\n");
    let poms: Vec<(String, String)> = (0..5000)
        .map(|n| (format!("META-INF/maven/g/a{n}/pom.properties"), pom(n)))
        .collect();
    let many: Vec<(&str, &[u8])> = poms
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_bytes()))
        .collect();
    let endless = format!("Implementation-Title: a{}", "\r\n b".repeat(2 << 20));
    let bomb = format!(
        "<!DOCTYPE project [<!ENTITY a \"{}\"><!ENTITY b \"{}\">]><project>&b;{}",
        "a".repeat(100_000),
        "&a;".repeat(100_000),
        "<version>".repeat(100_000)
    );
    place.zip(
        "fn.zip",
        &[
            ("itself.jar", &itself),
            ("many-1.0.jar", &zip(&many)),
            (
                "endless-1.0.jar",
                &zip(&[("META-INF/MANIFEST.MF", endless.as_bytes()), class]),
            ),
            (
                "bomb-1.0.jar",
                &zip(&[("META-INF/maven/g/bomb/pom.xml", bomb.as_bytes()), class]),
            ),
            (HONEST, &honest()),
        ],
    );
    let report = place.report("fn.zip");
    let named = packages(&report);
    assert_eq!(named.len(), 5001);
    assert!(named.contains(&"Maven g:a4999 1.4999 shipped installed".to_owned()));
    assert!(named.contains(&HONEST_ROW.to_owned()));
    let errors = errors(&report);
    let says = |path: &str, message: &str| {
        let is_it = |error: &String| error.starts_with(path) && error.contains(message);
        assert!(errors.iter().any(is_it), "{path} {message}: {errors:?}");
    };
    says("fn.zip!/itself.jar!/itself.jar", "archives deep");
    says("fn.zip!/endless-1.0.jar: ", "does not say which package");
    says(
        "fn.zip!/bomb-1.0.jar!/META-INF/maven/g/bomb/pom.xml",
        "is not valid XML",
    );
}

/// A 64-bit ELF file of two sections: that of the name, which is loaded, and the names of sections.
fn elf(section: &str, content: &[u8]) -> Vec<u8> {
    let numbers = |fields: &[(usize, usize)]| -> Vec<u8> {
        let bytes = |&(value, width): &(usize, usize)| value.to_le_bytes()[..width].to_vec();
        fields.iter().flat_map(bytes).collect()
    };
    let header = |name, kind, flags, offset, size| {
        let fields = [
            (name, 4),
            (kind, 4),
            (flags, 8),
            (0, 8),
            (offset, 8),
            (size, 8),
        ];
        [numbers(&fields), vec![0; 24]].concat()
    };
    let names = format!("\0{section}\0");
    let names_at = 64 + content.len();
    let table_at = names_at + names.len();
    [
        b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec(),
        numbers(&[(2, 2), (62, 2), (1, 4), (0, 8), (0, 8), (table_at, 8)]),
        numbers(&[(0, 4), (64, 2), (56, 2), (0, 2), (64, 2), (3, 2), (2, 2)]),
        content.to_vec(),
        names.clone().into_bytes(),
        header(0, 0, 0, 0, 0),
        header(1, 1, 2, 64, content.len()),
        header(0, 3, 0, names_at, names.len()),
    ]
    .concat()
}

#[test]
fn programs_that_lie_cost_only_themselves() {
    let place = Workplace::new();
    let crate_path = "/registry/src/index-0/a-1.0.0/src/lib.rs";
    let honest = elf(".rodata", crate_path.as_bytes());
    let mut astray = honest.clone();
    // The offset of the table of sections.
    astray[40..48].fill(0xff);
    let mut shared_names = elf(".rodata", &[b'x'; 1 << 20]);
    // As many sections as the field holds, all of them beyond the end but the first few.
    shared_names[60..62].fill(0xff);
    let mut go = b"\xff Go buildinf:\x08\x02".to_vec();
    go.resize(32, 0);
    let mut endless = go.clone();
    endless.extend([0xff; 64]);
    let mut long = go.clone();
    long.extend(b"\x06go1.22\xff\xff\xff\xff\x0f");
    let pointers = [b"\xff Go buildinf:\x08\x00".as_slice(), &[0xff; 64]].concat();
    // A zlib stream: its two bytes, then the zeros.
    let bomb = [b"\x78\xda".to_vec(), deflated_zeros(64)].concat();
    let crates: String = (0..20_000)
        .map(|n| format!("/registry/src/index-0/b{n}-1.0/a{n}/vendor/v/src/lib.rs"))
        .collect();
    let marks = "/registry/src/".repeat(200_000);
    let slashes = format!("RUST_BACKTRACE{}", "/.rs".repeat(1 << 20));
    place.zip(
        "fn.zip",
        &[
            ("astray", &astray),
            ("bomb", &elf(".dep-v0", &bomb)),
            ("crates", &elf(".rodata", crates.as_bytes())),
            ("endless", &elf(".go.buildinfo", &endless)),
            ("honest", &honest),
            ("long", &elf(".go.buildinfo", &long)),
            ("marks", &elf(".rodata", marks.as_bytes())),
            ("pointers", &elf(".go.buildinfo", &pointers)),
            ("sections", &shared_names),
            ("slashes", &elf(".rodata", slashes.as_bytes())),
        ],
    );
    let report = place.report("fn.zip");
    assert_eq!(
        packages(&report),
        [
            "crates.io a 1.0.0 shipped fingerprint",
            "crates.io v - shipped fingerprint",
        ]
    );
    let beyond = "has a table of sections beyond its end";
    let out_of_file = "carries Go build info that leads out of the file";
    assert_eq!(
        errors(&report),
        [
            format!("fn.zip!/astray: {beyond}"),
            "fn.zip!/bomb: carries audit data of more than 16 MiB".to_owned(),
            format!("fn.zip!/endless: {out_of_file}"),
            format!("fn.zip!/long: {out_of_file}"),
            "fn.zip!/marks: names more than 100000 places where packages could be; the rest was not looked at".to_owned(),
            format!("fn.zip!/pointers: {out_of_file}"),
            format!("fn.zip!/sections: {beyond}"),
        ]
    );
}
