//! Secrets in artifacts: what is found where, how it is judged, and that no report gives one away.

mod support;

use std::fs;

use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};
use serde_json::Value;
use sha2::{Digest, Sha256};
use support::{Run, Workplace, metadata, tar};

/// Characters that look random and are the same in every run.
fn random(seed: u64, length: usize) -> String {
    let mut random = fastrand::Rng::with_seed(seed);
    (0..length).map(|_| random.alphanumeric()).collect()
}

/// A payment provider's key, put together here so that none stands in this file.
fn key(seed: u64) -> String {
    ["sk", "live", &random(seed, 24)].join("_")
}

const KEY_RULE: &str = "FA-SECRET-STRIPE-LIVE-SECRET-KEY";

fn secrets(place: &Workplace, args: &[&str]) -> Vec<Value> {
    let common = ["--only", "secret", "--format", "json", "-q"];
    let run = place.run(&[args, &common].concat());
    assert!(run.status < 2, "{}", run.stderr);
    run.json()["findings"].as_array().unwrap().clone()
}

/// Rule, severity and first place of each finding.
fn shown(findings: &[Value]) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    findings
        .iter()
        .map(|finding| {
            let place = &finding["locations"][0];
            let line = place["line"].as_u64().unwrap_or_default();
            let (rule, severity) = (text(&finding["rule"]), text(&finding["severity"]));
            format!("{rule} {severity} {}:{line}", text(&place["path"]))
        })
        .collect()
}

#[test]
fn a_secret_is_found_and_no_report_gives_it_away() {
    let place = Workplace::new();
    let key = key(1);
    let text = format!("import os\nSTRIPE = \"{key}\"\n");
    place.zip("fn.zip", &[("src/pay.py", text.as_bytes())]);
    for args in [
        &["fn.zip"][..],
        &["fn.zip", "-v"],
        &["fn.zip", "--format", "json"],
    ] {
        let run = place.run(args);
        assert_eq!(run.status, 1, "{}", run.stderr);
        assert!(
            run.stdout.contains("sk_l… (32 characters)"),
            "{}",
            run.stdout
        );
        for out in [&run.stdout, &run.stderr] {
            assert!(
                !out.contains(&key[5..]) && !out.contains(&key[8..16]),
                "{out}"
            );
        }
    }
    let found = secrets(&place, &["fn.zip"]);
    assert_eq!(
        shown(&found),
        [format!("{KEY_RULE} critical fn.zip!/src/pay.py:2")]
    );
    assert_eq!(found[0]["locations"][0]["column"], 11);
    assert_eq!(found[0]["sas"], "SAS-7");
    assert!(secrets(&place, &["fn.zip", "--skip", "secret"]).is_empty());
}

#[test]
fn showing_secrets_is_refused_where_nobody_sees_them() {
    let place = Workplace::new();
    place.zip("fn.zip", &[("a.py", key(2).as_bytes())]);
    for more in [&[][..], &["--format", "json"], &["--output", "out.txt"]] {
        let run = place.run(&[&["fn.zip", "--show-secrets"], more].concat());
        assert_eq!((run.status, run.stdout.as_str()), (2, ""));
        assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
        assert!(run.stderr.contains("in a terminal"), "{}", run.stderr);
    }
    assert!(!place.path("out.txt").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn showing_secrets_is_for_a_table_on_a_terminal() {
    let place = Workplace::new();
    let key = key(2);
    place.zip("fn.zip", &[("a.py", key.as_bytes())]);
    let on_terminal = |arguments: &str| {
        let command = format!("exec \"$PROGRAM\" fn.zip --offline {arguments}");
        let mut command = place.terminal(&command)?;
        Some(Run::of(command.output().unwrap()))
    };
    let Some(shown) = on_terminal("--show-secrets") else {
        return;
    };
    assert_eq!(shown.status, 1, "{}", shown.stdout);
    assert!(shown.stdout.contains(&key), "{}", shown.stdout);
    let hidden = on_terminal("").unwrap();
    assert_eq!(hidden.status, 1, "{}", hidden.stdout);
    assert!(hidden.stdout.contains("sk_l… (32 characters)"));
    assert!(!hidden.stdout.contains(&key), "{}", hidden.stdout);
    for more in ["--format json", "--output out.txt", "| cat", "> out.txt"] {
        let refused = on_terminal(&format!("--show-secrets {more}")).unwrap();
        assert!(
            refused.stdout.contains("in a terminal"),
            "{more}: {}",
            refused.stdout
        );
        assert!(!refused.stdout.contains(&key), "{more}: {}", refused.stdout);
    }
    let written = fs::read_to_string(place.path("out.txt")).unwrap_or_default();
    assert!(!written.contains(&key), "{written}");
}

#[test]
fn a_fingerprint_stays_with_value_and_path_and_can_be_keyed() {
    let place = Workplace::new();
    let zip = |name: &str, path: &str, value: &str| {
        place.zip(name, &[(path, value.as_bytes())]);
    };
    zip("a.zip", "x.py", &key(3));
    zip("b.zip", "x.py", &format!("# a line before it\n{}", key(3)));
    zip("c.zip", "x.py", &key(4));
    zip("d.zip", "y.py", &key(3));
    let print = |name: &str| secrets(&place, &[name])[0]["fingerprint"].clone();
    assert_eq!(print("a.zip"), print("b.zip"));
    assert_ne!(print("a.zip"), print("c.zip"));
    assert_ne!(print("a.zip"), print("d.zip"));
    let mut keyed = place.command(&["a.zip", "--format", "json", "-q"]);
    let output = keyed
        .env("FNAUDIT_FINGERPRINT_KEY", "ours")
        .output()
        .unwrap();
    let keyed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_ne!(keyed["findings"][0]["fingerprint"], print("a.zip"));
}

#[test]
fn where_it_stands_decides_what_it_means() {
    let place = Workplace::new();
    let (key, password) = (key(5), format!("{}!7x", random(6, 14)));
    let text = format!("KEY = '{key}'\nPASSWORD = '{password}'\n");
    let digest = BASE64URL_NOPAD.encode(&Sha256::digest(&text));
    let record = format!("demo/a.py,sha256={digest},1\ndemo/b.py,sha256={digest},1\n");
    // Larger than a window.
    let large = format!("{text}{}", "# a line of no interest\n".repeat(60_000));
    let of_large = BASE64URL_NOPAD.encode(&Sha256::digest(&large));
    let record = format!("{record}demo/large.py,sha256={of_large},1\n");
    let changed = format!("{text}# changed\n");
    let files = metadata("demo", "1.0");
    place.zip(
        "fn.zip",
        &[
            ("demo-1.0.dist-info/METADATA", &files[..]),
            ("demo-1.0.dist-info/RECORD", record.as_bytes()),
            ("demo/a.py", text.as_bytes()),
            ("demo/b.py", changed.as_bytes()),
            ("demo/large.py", large.as_bytes()),
            ("handler.py", text.as_bytes()),
            ("node_modules/x/README.md", text.as_bytes()),
        ],
    );
    let mut found = shown(&secrets(&place, &["fn.zip"]));
    found.sort();
    let full = |file: &str| {
        [
            format!("FA-SECRET-GENERIC-PASSWORD high fn.zip!/{file}:2"),
            format!("{KEY_RULE} critical fn.zip!/{file}:1"),
        ]
    };
    let low = |file: &str| format!("{KEY_RULE} low fn.zip!/{file}:1");
    let mut expected = [full("handler.py"), full("demo/b.py")].concat();
    expected.extend(["demo/a.py", "demo/large.py", "node_modules/x/README.md"].map(low));
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn a_function_that_was_installed_from_its_folder_is_nobody_elses() {
    let place = Workplace::new();
    let text = format!("KEY = '{}'\n", key(7));
    let digest = BASE64URL_NOPAD.encode(&Sha256::digest(&text));
    for (name, info, severity) in [
        ("folder.zip", "\"dir_info\": {}", "critical"),
        ("archive.zip", "\"archive_info\": {}", "low"),
    ] {
        let direct_url = format!("{{\"url\": \"file:///src/app\", {info}}}");
        place.zip(
            name,
            &[
                ("app-1.0.dist-info/METADATA", &metadata("app", "1.0")[..]),
                (
                    "app-1.0.dist-info/RECORD",
                    format!("app/a.py,sha256={digest},1\n").as_bytes(),
                ),
                ("app-1.0.dist-info/direct_url.json", direct_url.as_bytes()),
                ("app/a.py", text.as_bytes()),
            ],
        );
        let expected = [format!("{KEY_RULE} {severity} {name}!/app/a.py:1")];
        assert_eq!(shown(&secrets(&place, &[name])), expected);
    }
}

#[test]
fn files_that_tools_keep_credentials_in_are_read_in_their_own_form() {
    let place = Workplace::new();
    let value = random(21, 40);
    let uuid = "7c0e4a1b-93d2-4f6e-8a57-1d2c3b4e5f60";
    let password = format!("{}!7x", random(22, 14));
    let aws = format!("{}/{}", random(23, 19), random(24, 20));
    let basic = BASE64.encode(format!("deploy:{password}").as_bytes());
    let storage = BASE64.encode(random(25, 64).as_bytes());
    let files = [
        (
            ".env.production",
            format!("SENDER=ann\nDB_PASSWORD={password}\n"),
        ),
        (".npmrc", format!("//npm.acme.example/:_authToken={uuid}\n")),
        (
            ".pypirc",
            format!(
                "[acme]\nrepository = https://pypi.acme.example\nusername = ann\npassword = {password}\n"
            ),
        ),
        (
            ".netrc",
            format!("machine git.acme.example login ann password {password}\n"),
        ),
        (
            ".aws/credentials",
            format!("[default]\naws_secret_access_key = {aws}\n"),
        ),
        (
            ".docker/config.json",
            format!("{{\"auths\": {{\"registry.acme.example\": {{\"auth\": \"{basic}\"}}}}}}\n"),
        ),
        (
            ".kube/config",
            format!("users:\n- name: ann\n  user:\n    token: {value}\n    password: {password}\n"),
        ),
        (
            "settings.xml",
            format!(
                "<settings><servers><server><id>a</id><username>ann</username><password>{password}</password></server></servers></settings>\n"
            ),
        ),
        (
            "terraform.tfstate",
            format!(
                "{{\"resources\": [{{\"type\": \"aws_db_instance\", \"instances\": [{{\"attributes\": {{\"password\": \"{password}\"}}}}]}}]}}\n"
            ),
        ),
        (
            "local.settings.json",
            format!(
                "{{\"Values\": {{\"AzureWebJobsStorage\": \"DefaultEndpointsProtocol=https;AccountName=fnstore;AccountKey={storage};EndpointSuffix=core.windows.net\"}}}}\n"
            ),
        ),
        (
            "zappa_settings.json",
            format!(
                "{{\"dev\": {{\"environment_variables\": {{\"DB_PASSWORD\": \"{password}\"}}}}}}\n"
            ),
        ),
    ];
    for (name, text) in &files {
        place.zip("fn.zip", &[(name, text.as_bytes())]);
        let found = secrets(&place, &["fn.zip"]);
        assert!(
            found.iter().any(|f| f["severity"] != "low"),
            "{name}: {:?}",
            shown(&found)
        );
        for other in &found {
            let at = other["locations"][0]["path"].as_str().unwrap_or_default();
            assert_eq!(at, format!("fn.zip!/{name}"));
        }
    }
}

#[test]
fn escapes_are_read_to_the_end_of_a_dense_region() {
    let place = Workplace::new();
    let key = key(26);
    let escaped = key.replace('_', "\\u005f");
    let dense: String = (0..2000).map(|n| format!("{} ", random(n, 24))).collect();
    let text = format!("blob = '{dense}{escaped}'\n");
    place.zip("fn.zip", &[("a.js", text.as_bytes())]);
    assert_eq!(
        shown(&secrets(&place, &["fn.zip"])),
        [format!("{KEY_RULE} critical fn.zip!/a.js:1")]
    );
}

#[test]
fn what_the_configuration_and_the_text_allow_is_no_finding() {
    let place = Workplace::new();
    let lines = [
        key(7),
        format!("{} # fnaudit:allow", key(8)),
        "# fnaudit:allow: a comment is about the line after it".to_owned(),
        key(9),
        format!("acme_live_{}", random(9, 32)),
    ];
    let text: Vec<String> = lines.iter().map(|line| format!("x = {line}")).collect();
    place.zip(
        "fn.zip",
        &[
            ("a.txt", text.join("\n").as_bytes()),
            ("tests/b.txt", key(10).as_bytes()),
        ],
    );
    let found = shown(&secrets(&place, &["fn.zip"]));
    let ours = format!("{KEY_RULE} critical fn.zip!/a.txt:1");
    assert_eq!(
        found,
        [
            ours.clone(),
            format!("{KEY_RULE} critical fn.zip!/tests/b.txt:1")
        ]
    );
    let rule = "[[secrets.rule]]\nid = \"acme-key\"\nname = \"ACME key\"\nseverity = \"high\"\n\
                keywords = [\"acme_live_\"]\npattern = 'acme_live_[A-Za-z0-9]{32}'\n";
    let with = |allow: &str| {
        place.file(
            "fnaudit.toml",
            format!("{rule}\n[secrets.allow]\n{allow}\n"),
        );
        shown(&secrets(&place, &["fn.zip"]))
    };
    let acme = "FA-SECRET-ACME-KEY high fn.zip!/a.txt:5".to_owned();
    assert_eq!(with("paths = [\"tests/**\"]"), [ours.clone(), acme.clone()]);
    assert_eq!(
        with("rules = [\"stripe-live-secret-key\"]"),
        *std::slice::from_ref(&acme)
    );
    let last = &key(10)[10..];
    assert_eq!(with(&format!("values = [\"{last}$\"]")), [ours, acme]);
    for (wrong, message) in [
        ("rules = [\"no-such-rule\"]", "no-such-rule"),
        ("values = [\"(\"]", "[secrets.allow]"),
        ("path = []", "line 9"),
    ] {
        place.file(
            "fnaudit.toml",
            format!("{rule}\n[secrets.allow]\n{wrong}\n"),
        );
        let run = place.run(&["fn.zip"]);
        assert_eq!(
            (run.status, run.stderr.lines().count()),
            (2, 1),
            "{}",
            run.stderr
        );
        assert!(run.stderr.contains(message), "{}", run.stderr);
    }
    let fingerprint = {
        fs::remove_file(place.path("fnaudit.toml")).unwrap();
        secrets(&place, &["fn.zip"])[0]["fingerprint"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(
        with(&format!("fingerprints = [\"{fingerprint}\"]")).len(),
        2
    );
}

#[test]
fn every_way_into_an_artifact_leads_to_its_secrets() {
    let place = Workplace::new();
    let (a, b, c) = (key(11), key(12), key(13));
    let inner = support::zip(&[("deep/a.txt", a.as_bytes())]);
    let packed = tar(&[(
        "b.bin",
        [b"\0\x01\x02", b.as_bytes(), b"\0"].concat().as_slice(),
    )]);
    place.zip(
        "fn.zip",
        &[("lib/inner.zip", &inner), ("lib/layer.tar", &packed)],
    );
    let found = shown(&secrets(&place, &["fn.zip"]));
    assert_eq!(
        found,
        [
            format!("{KEY_RULE} critical fn.zip!/lib/inner.zip!/deep/a.txt:1"),
            format!("{KEY_RULE} critical fn.zip!/lib/layer.tar!/b.bin:0"),
        ]
    );
    place.file("folder/c.txt", &c);
    let found = shown(&secrets(&place, &["folder"]));
    assert_eq!(found, [format!("{KEY_RULE} critical folder/c.txt:1")]);
}

#[test]
fn a_file_that_is_read_in_windows_has_its_secrets_wherever_they_stand() {
    let place = Workplace::new();
    // Windows are of 1 MiB: before, across and behind their ends, and at the very end.
    let mut content = vec![b' '; 9 << 20];
    let mut expected = Vec::new();
    let places = (0..9).map(|n| (n << 20) + n * 13 - usize::from(n > 0) * 40);
    for (seed, at) in (20..).zip(places.chain([content.len() - 32])) {
        content[at..at + 32].copy_from_slice(key(seed).as_bytes());
        if let Some(end) = content.get_mut(at + 40) {
            *end = b'\n';
        }
        expected.push(at);
    }
    let zip = support::zip(&[
        ("large.bin", &content),
        ("node_modules/a/package.json", b"{}"),
    ]);
    place.file("fn.zip", zip);
    place.file("fn.tar", tar(&[("large.bin", &content)]));
    place.file("folder/large.bin", &content);
    for artifact in ["fn.zip", "fn.tar", "folder"] {
        let found = secrets(&place, &[artifact]);
        assert_eq!(found.len(), expected.len(), "{artifact}");
        let whole = secrets(&place, &[artifact, "--max-memory", "64MiB"]);
        assert_eq!(shown(&whole), shown(&found), "{artifact}");
        let mut lines: Vec<u64> = found
            .iter()
            .map(|finding| finding["locations"][0]["line"].as_u64().unwrap())
            .collect();
        lines.sort_unstable();
        assert_eq!(lines, (1..=expected.len() as u64).collect::<Vec<_>>());
    }
}

#[test]
fn what_an_upper_layer_deletes_and_the_environment_of_an_image_are_found() {
    let place = Workplace::new();
    let (deleted, variable) = (key(40), key(41));
    let lower = tar(&[("var/task/.env", format!("KEY={deleted}\n").as_bytes())]);
    let upper = tar(&[("var/task/.wh..env", b""), ("var/task/app.py", b"pass\n")]);
    let config = format!("{{\"config\": {{\"Env\": [\"PATH=/bin\", \"STRIPE_KEY={variable}\"]}}}}");
    let manifest = r#"[{"Config": "config.json", "RepoTags": ["fn:1"], "Layers": ["1/layer.tar", "2/layer.tar"]}]"#;
    let image = tar(&[
        ("config.json", config.as_bytes()),
        ("1/layer.tar", &lower),
        ("2/layer.tar", &upper),
        ("manifest.json", manifest.as_bytes()),
    ]);
    place.file("image.tar", image);
    let mut found = shown(&secrets(&place, &["image.tar"]));
    found.sort();
    assert_eq!(
        found,
        [
            format!("{KEY_RULE} critical image.tar!/1/layer.tar!/var/task/.env:1"),
            format!("{KEY_RULE} critical image.tar!/config.json:1"),
        ]
    );
}

#[test]
fn what_is_encoded_is_found_and_said_to_be() {
    let place = Workplace::new();
    let key = key(50);
    let once = BASE64.encode(format!("STRIPE_KEY={key}\n").as_bytes());
    let twice = BASE64.encode(once.as_bytes());
    let utf16: Vec<u8> = format!("key = {key}\n")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let lines = |text: &str, length: usize, end: &str| {
        let lines: Vec<&[u8]> = text.as_bytes().chunks(length).collect();
        lines.join(end.as_bytes())
    };
    let long = BASE64.encode(
        format!("HOST=db.acme.example, as it is called here\nSTRIPE_KEY={key}\nPORT=80\n")
            .as_bytes(),
    );
    let files = [
        ("once.yaml", format!("data: {once}\n").into_bytes()),
        ("twice.yaml", format!("data: {twice}\n").into_bytes()),
        ("wide.txt", [b"\xff\xfe".to_vec(), utf16].concat()),
        (
            "url.txt",
            format!("q=a%3D{}\n", key.replace('_', "%5F")).into_bytes(),
        ),
        (
            "base64url.json",
            format!(
                "{{\"data\": \"{}\"}}",
                BASE64URL_NOPAD.encode(long.as_bytes())
            )
            .into_bytes(),
        ),
        ("mail.eml", lines(&long, 76, "\r\n")),
        (
            "block.yaml",
            [b"data: |\n    ", &lines(&long, 64, "\n    ")[..], b"\n"].concat(),
        ),
        (
            "hex.txt",
            format!("x = {}\n", HEXLOWER.encode(format!("KEY={key}").as_bytes())).into_bytes(),
        ),
        (
            "json.json",
            format!("{{\"key\": \"{}\"}}", key.replace('_', "\\u005f")).into_bytes(),
        ),
        (
            "yaml.yaml",
            format!("key: \"{}\"\n", key.replace('_', "\\x5F")).into_bytes(),
        ),
        (
            "entities.xml",
            format!("<key>{}</key>\n", key.replace('_', "&#95;")).into_bytes(),
        ),
    ];
    for (name, content) in files {
        place.zip("fn.zip", &[(name, &content)]);
        let found = secrets(&place, &["fn.zip"]);
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        let title = found[0]["title"].as_str().unwrap();
        assert!(
            title.contains("sk_l… (32 characters), encoded as "),
            "{name}: {title}"
        );
    }
}

#[test]
fn a_repository_left_in_a_bundle_is_a_finding_and_its_objects_are_read() {
    let place = Workplace::new();
    let key = key(60);
    let blob = format!("blob {}\0KEY={key}\n", key.len() + 5);
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut packed, blob.as_bytes()).unwrap();
    let object = format!(
        ".git/objects/ab/{}",
        "0123456789abcdef".repeat(3).split_at(38).0
    );
    place.zip(
        "fn.zip",
        &[
            (".git/HEAD", b"ref: refs/heads/main\n"),
            (".git/config", b"[core]\n\tbare = false\n"),
            (&object, &packed.finish().unwrap()),
        ],
    );
    let found = shown(&secrets(&place, &["fn.zip"]));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with(&format!("{KEY_RULE} critical fn.zip!/.git/objects/")));
    assert!(found[1].starts_with("FA-SECRET-GIT-FOLDER medium fn.zip!/.git"));
}

#[test]
fn what_is_no_text_has_its_secrets_too() {
    let place = Workplace::new();
    let key = key(61);
    // A constant of Python: its type, its length, its bytes.
    let constant = [
        b"\xcb\r\r\n\0\0\0\0z",
        &[key.len() as u8][..],
        key.as_bytes(),
        b")\x01",
    ]
    .concat();
    // A row of SQLite: nothing stands between its columns, a text and a number here.
    let row = [
        b"SQLite format 3\0\x10\0\x01\x01\0",
        &b"name"[..],
        key.as_bytes(),
        b"\x07",
    ]
    .concat();
    let map = format!(
        "{{\"version\":3,\"sources\":[\"a.ts\"],\"sourcesContent\":[\"const key =\\n  '{key}';\\n\"],\"mappings\":\"AAAA\"}}"
    );
    let remote = format!("[remote \"origin\"]\n\turl = https://ci:{key}@git.acme.example/a.git\n");
    for (name, content) in [
        ("a/__pycache__/b.cpython-311.pyc", &constant[..]),
        ("data/app.sqlite", &row),
        ("dist/a.js.map", map.as_bytes()),
        ("a/.git/config", remote.as_bytes()),
    ] {
        place.zip("fn.zip", &[(name, content)]);
        let found = shown(&secrets(&place, &["fn.zip"]));
        let ours = format!("{KEY_RULE} critical fn.zip!/{name}:");
        assert!(
            found.iter().any(|f| f.starts_with(&ours)),
            "{name}: {found:?}"
        );
    }
}

#[test]
fn keystores_are_findings_as_a_whole() {
    let place = Workplace::new();
    let jks = b"\xfe\xed\xfe\xed\0\0\0\x02\0\0\0\x01";
    let pkcs12 =
        b"\x30\x82\x09\x71\x02\x01\x03\x30\x82\x09\x37\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";
    place.zip(
        "fn.zip",
        &[
            ("keys/a.jks", jks),
            ("keys/b.p12", pkcs12),
            ("keys/c.pfx", pkcs12),
            ("keys/cacerts", jks),
            ("keys/d.p12", b"no such thing"),
        ],
    );
    let mut found = shown(&secrets(&place, &["fn.zip"]));
    found.sort();
    let expected = ["a.jks", "b.p12", "c.pfx"]
        .map(|name| format!("FA-SECRET-KEYSTORE high fn.zip!/keys/{name}:0"));
    assert_eq!(found, expected);
}

#[test]
fn files_that_only_promise_secrets_are_read_to_their_end() {
    let place = Workplace::new();
    let header = ["-----BEGIN RSA PRIVATE", " KEY-----\n"].concat();
    let key = key(70);
    let files = [
        header.repeat(30_000),
        "eyJ".repeat(500_000),
        "a1B2".repeat(1 << 20),
        "password=".repeat(200_000),
        "https://a:b".repeat(200_000),
        "AKIA".repeat(500_000),
    ];
    for file in files {
        let content = format!("{file}\nkey = \"{key}\"\n");
        place.zip("fn.zip", &[("a.txt", content.as_bytes())]);
        let run = place.run(&["fn.zip", "--only", "secret", "--format", "json", "-q"]);
        let report = run.json();
        let rules = report["findings"].as_array().unwrap();
        let found = rules.iter().any(|finding| finding["rule"] == KEY_RULE);
        let said = !report["errors"].as_array().unwrap().is_empty();
        assert!(found || said, "{:.40}", content);
    }
}
