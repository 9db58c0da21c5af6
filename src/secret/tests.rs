//! The engine as a whole: every rule's examples, tokens in every notation, encodings, hostile input.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::sync::Arc;

use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};
use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::recall::tells;
use super::templates::{Random, expand};
use super::*;

fn scanner() -> Scanner {
    Scanner::new(UserRules::default()).expect("our rules are right")
}

fn with_user(toml: &str) -> Result<Scanner, RuleError> {
    Scanner::new(toml::from_str(toml).expect("user rules"))
}

fn entry(path: &str) -> EntryPath {
    EntryPath::new(&Arc::from("f.zip!/"), path)
}

fn scan(scanner: &Scanner, path: &str, bytes: &[u8]) -> Vec<ObservedSecret> {
    let mut file = scanner.file(&entry(path), bytes.len() as u64);
    file.window(bytes, 0, true);
    file.finish()
}

fn ids(secrets: &[ObservedSecret]) -> Vec<&str> {
    secrets.iter().map(|s| &*s.rule.id).collect()
}

fn lines(secrets: &[ObservedSecret]) -> Vec<Option<u32>> {
    secrets.iter().map(|s| s.location.line).collect()
}

pub fn specs() -> Vec<RuleSpec> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/secret/rules");
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).expect("the rules are there") {
        let text = fs::read_to_string(entry.expect("a file").path()).expect("text");
        let file: UserRules = toml::from_str(&text).expect("the build script read it");
        all.extend(file.rules);
    }
    all
}

/// A token of GitHub with its checksum.
fn github() -> String {
    expand("{crc32:ghp_:30}", "", &mut Random::seeded(11))
}

fn stripe() -> String {
    expand("sk_live_{an:24}", "", &mut Random::seeded(5))
}

#[test]
fn every_rule_finds_its_positive_examples() {
    let scanner = scanner();
    let mut random = Random::seeded(7);
    let mut missed = String::new();
    for rule in specs() {
        for token in &rule.token {
            for positive in &rule.positive {
                let token = expand(token, "", &mut random);
                let text = expand(positive, &token, &mut random);
                let found = scan(&scanner, "settings.conf", text.as_bytes());
                if !ids(&found).iter().any(|id| tells(&rule.id, id)) {
                    let _ = writeln!(missed, "{}: {:?} in {text}", rule.id, ids(&found));
                }
            }
        }
    }
    assert!(missed.is_empty(), "{missed}");
}

#[test]
fn no_rule_finds_its_negative_examples() {
    let scanner = scanner();
    let mut random = Random::seeded(7);
    let mut wrong = String::new();
    for rule in specs() {
        for negative in &rule.negative {
            let token = expand(&rule.token[0], "", &mut random);
            let text = expand(negative, &token, &mut random);
            let found = scan(&scanner, "settings.conf", text.as_bytes());
            if ids(&found).contains(&&*rule.id) {
                let _ = writeln!(wrong, "{}: {text}", rule.id);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_rule_of_ours_has_examples_and_says_where_it_comes_from() {
    let rules = specs();
    assert!(rules.len() >= 300, "{}", rules.len());
    for rule in &rules {
        assert_eq!(rule.check_examples(), Ok(()), "{}", rule.id);
    }
    let lacking = |change: fn(&mut RuleSpec)| {
        let mut rule = rules[0].clone();
        change(&mut rule);
        rule.check_examples().err().unwrap_or_default()
    };
    assert!(lacking(|rule| rule.positive.truncate(1)).contains("2 positive"));
    assert!(lacking(|rule| rule.negative.truncate(1)).contains("2 negative"));
    assert!(lacking(|rule| rule.token.clear()).contains("1 templates"));
    assert!(lacking(|rule| rule.source.clear()).contains("source"));
}

#[test]
fn every_expression_compiles() {
    for rule in rules::RULES.iter() {
        assert!(rule.regex().is_some(), "{}", rule.id);
    }
}

#[test]
fn a_finding_says_what_where_and_how_surely() {
    let token = github();
    let text = format!("a\n\u{e9}\u{e9} x = '{token}'\n");
    let found = scan(&scanner(), "a.js", text.as_bytes());
    assert_eq!(ids(&found), ["github-pat"]);
    let secret = &found[0];
    assert_eq!(
        (secret.location.line, secret.location.column),
        (Some(2), Some(9))
    );
    assert_eq!(secret.redacted, "ghp_… (40 characters)");
    assert_eq!(secret.certainty, Certainty::Certain);
    assert_eq!((secret.decoded, &secret.value), (None, &None));
    let wrong_sum = text.replace(&token[10..12], "zz");
    assert_eq!(
        scan(&scanner(), "a.js", wrong_sum.as_bytes())[0].certainty,
        Certainty::Possible
    );
}

#[test]
fn values_are_kept_on_request_alone_and_never_printed() {
    let token = github();
    let kept = scan(&scanner().keep_values(), "a", token.as_bytes());
    assert_eq!(
        kept[0].value.as_ref().map(SecretValue::expose),
        Some(&*token)
    );
    assert!(!format!("{kept:?}").contains(&token[6..]));
}

#[test]
fn the_fingerprint_is_of_the_value_and_the_rule() {
    let (one, other) = (
        scan(&scanner(), "a", github().as_bytes()),
        scan(&scanner(), "b", github().as_bytes()),
    );
    assert_eq!(one[0].digest, other[0].digest);
    let digest = |scanner: &Scanner, rule: &str, value: &[u8]| scanner.digest(rule, value);
    let plain = scanner();
    let keyed = scanner().keyed(b"ours");
    let first = digest(&plain, "a", b"v");
    assert_ne!(first, digest(&plain, "b", b"v"));
    assert_ne!(first, digest(&plain, "a", b"w"));
    assert_ne!(first, digest(&keyed, "a", b"v"));
}

#[test]
fn a_token_is_found_once_with_its_other_places() {
    let text = format!("{0}\n{1}\n{0}\n", github(), stripe());
    let found = scan(&scanner(), "a.txt", text.as_bytes());
    assert_eq!(ids(&found), ["github-pat", "stripe-live-secret-key"]);
    assert_eq!(
        found[0].related.iter().map(|r| r.line).collect::<Vec<_>>(),
        [Some(3)]
    );
    let many = format!("{}\n", github()).repeat(100);
    assert_eq!(
        scan(&scanner(), "a.txt", many.as_bytes())[0].related.len(),
        fold::PLACES
    );
}

#[test]
fn an_aws_id_goes_into_the_finding_of_its_key() {
    let random = &mut Random::seeded(9);
    let id = expand("AKIA{b32:16}", "", random);
    let key = expand("{an:20}/{an:19}", "", random);
    let text = format!("AWS_ACCESS_KEY_ID={id}\nAWS_SECRET_ACCESS_KEY={key}\n");
    let found = scan(&scanner(), ".env", text.as_bytes());
    assert_eq!(ids(&found), ["aws-secret-access-key"]);
    assert_eq!(found[0].location.line, Some(2));
    assert_eq!(
        found[0].related.iter().map(|r| r.line).collect::<Vec<_>>(),
        [Some(1)]
    );
    let apart = text.replacen('\n', &"\n".repeat(20), 1);
    assert_eq!(
        ids(&scan(&scanner(), ".env", apart.as_bytes())),
        ["aws-access-key-id", "aws-secret-access-key"]
    );
}

#[test]
fn encoded_tokens_are_found_where_their_encoding_begins() {
    let token = format!("token {}\n", github());
    let utf16: Vec<u8> = token.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let utf16_be: Vec<u8> = token.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let base64 = BASE64.encode(token.as_bytes());
    let escaped = github().replace("ghp_", "\\u0067hp\\x5f");
    let texts: Vec<(&str, Vec<u8>)> = vec![
        ("base64", format!("\n x: {base64}").into_bytes()),
        (
            "base64",
            format!("\n x: {}", BASE64.encode(base64.as_bytes())).into_bytes(),
        ),
        (
            "base64",
            format!("\n x: {}", BASE64URL_NOPAD.encode(token.as_bytes())).into_bytes(),
        ),
        ("base64", format!("\"\\n{base64}\"").into_bytes()),
        (
            "hexadecimal",
            format!("\n 0x{}", HEXLOWER.encode(token.as_bytes())).into_bytes(),
        ),
        (
            "URL encoding",
            format!("a=1%26b%3D{}", github().replace('_', "%5F")).into_bytes(),
        ),
        ("escapes", format!("\n x: \"{escaped}\"").into_bytes()),
        (
            "entities",
            format!("<a>{}</a>", github().replace('_', "&#x5F;")).into_bytes(),
        ),
        ("UTF-16LE", [b"\xff\xfe", &utf16[..]].concat()),
        (
            "UTF-16LE",
            [b"\x01\x02\x03\0\0\0", &utf16[..], b"\0\0\0"].concat(),
        ),
        ("UTF-16BE", [b"\xfe\xff", &utf16_be[..]].concat()),
    ];
    for (how, bytes) in texts {
        let found = scan(&scanner(), "a.conf", &bytes);
        let shown = String::from_utf8_lossy(&bytes);
        assert_eq!(ids(&found), ["github-pat"], "{how}: {shown}");
        assert_eq!(found[0].decoded, Some(how), "{shown}");
        if how == "base64" && bytes[0] == b'\n' {
            assert_eq!(
                (found[0].location.line, found[0].location.column),
                (Some(2), Some(5))
            );
        }
    }
}

#[test]
fn lines_of_base64_are_one_text() {
    let text = format!(
        "NAME=something of some length\nTOKEN={}\nPORT=80\n",
        github()
    );
    let encoded = BASE64.encode(text.as_bytes());
    for (length, end) in [(76, "\r\n"), (64, "\n    "), (64, "\\n"), (32, "\n")] {
        let lines: Vec<&[u8]> = encoded.as_bytes().chunks(length).collect();
        let mail = [b"data: |\n    ", &lines.join(end.as_bytes())[..], b"\n"].concat();
        let found = scan(&scanner(), "a.yaml", &mail);
        assert_eq!(ids(&found), ["github-pat"], "{length} {end:?}");
        assert_eq!(found[0].decoded, Some("base64"));
        assert_eq!(lines_and_columns(&found), [(Some(2), Some(5))]);
    }
}

fn lines_and_columns(secrets: &[ObservedSecret]) -> Vec<(Option<u32>, Option<u32>)> {
    let place = |s: &ObservedSecret| (s.location.line, s.location.column);
    secrets.iter().map(place).collect()
}

#[test]
fn a_name_may_stand_above_its_value_or_behind_it() {
    let random = &mut Random::seeded(3);
    let (hex, password) = (expand("{hex:32}", "", random), "r7T!xQ2m#9pL");
    let long = expand("{hex:40}", "", random);
    for (file, text, rule) in [
        (
            "a.yaml",
            format!("datadog:\n  api_key: {hex}\n"),
            "datadog-api-key",
        ),
        (
            "a.json",
            format!("{{\"datadog\":{{\"api\":{{\"key\":\"{hex}\"}}}}}}"),
            "datadog-api-key",
        ),
        (
            "a.ini",
            format!("[datadog]\nsite = eu\napi_key = {hex}\n"),
            "datadog-api-key",
        ),
        (
            "a.js",
            format!("const c = {{datadog: {{apiKey: '{hex}'}}}};"),
            "datadog-api-key",
        ),
        (
            "a.yaml",
            format!("shop:\n  secret:\n    key: {long}\n"),
            "generic-secret",
        ),
        (
            "a.yaml",
            format!("database:\n  password: {password}\n"),
            "database-password",
        ),
        (
            "a.json",
            format!("[{{\"value\":\"{password}\",\"name\":\"DB_PASSWORD\"}}]"),
            "database-password",
        ),
        (
            "a.json",
            format!("[{{\"name\":\"DB_PASSWORD\",\"value\":\"{password}\"}}]"),
            "database-password",
        ),
        (
            "a.xml",
            format!("<entry key=\"db.password\">{password}</entry>"),
            "database-password",
        ),
    ] {
        assert_eq!(
            ids(&scan(&scanner(), file, text.as_bytes())),
            [rule],
            "{text}"
        );
    }
    let other =
        format!("[{{\"name\":\"DB_PASSWORD\"}},{{\"value\":\"{password}\",\"name\":\"LABEL\"}}]");
    assert_eq!(ids(&scan(&scanner(), "a.json", other.as_bytes())), [""; 0]);
}

#[test]
fn people_choose_passwords_of_any_form() {
    let scanner = scanner();
    for password in [
        "%kT9x!bQ2mWz#LpR",
        "!!a8Kd+2mXq",
        "AiencTkoxJqVsmTpHx",
        "tvO6MJZbInkIEu9Lhbpb",
        "utMwb%d72+gPlV!JdXkL",
        "x(7}a;b=Q,z.9",
        "#a1b2c3D4e5",
    ] {
        for (file, text) in [
            ("a.py", format!("DB_PASSWORD = \"{password}\"\n")),
            ("a.json", format!("{{\"db_password\": \"{password}\"}}")),
            ("a.js", format!("x({{dbPassword:'{password}',a:1}})")),
        ] {
            let found = scan(&scanner, file, text.as_bytes());
            assert_eq!(ids(&found), ["database-password"], "{text}");
            let length = password.chars().count();
            assert!(
                found[0]
                    .redacted
                    .ends_with(&format!("({length} characters)")),
                "{text}"
            );
        }
    }
    for text in [
        "DB_PASSWORD=a8Kd+2mXq&page=2\n",
        "x DB_PASSWORD=a8Kd+2mXq on port\n",
        "db_password: a8Kd+2mXq\r\n",
        "GET /?db_password=a8Kd+2mXq&page=2 HTTP/1.1\n",
        "{\"Env\": [\"PATH=/bin\", \"DB_PASSWORD=a8Kd+2mXq\"]}",
        "DB_PASSWORD=a8Kd+2mXq; export DB_PASSWORD\n",
    ] {
        let found = scan(&scanner, "a.log", text.as_bytes());
        assert_eq!(ids(&found), ["database-password"], "{text}");
        assert!(
            found[0].redacted.ends_with("(9 characters)"),
            "{text}: {}",
            found[0].redacted
        );
    }
}

#[test]
fn an_encoded_text_may_hold_several() {
    let text = format!("A={}\nB={}\nPASSWORD=r7T!xQ2m#9pL\n", github(), stripe());
    let encoded = format!("data: {}\n", BASE64.encode(text.as_bytes()));
    let mut found = scan(&scanner(), "secret.yaml", encoded.as_bytes());
    found.sort_by(|a, b| a.rule.id.cmp(&b.rule.id));
    assert_eq!(
        ids(&found),
        ["generic-password", "github-pat", "stripe-live-secret-key"]
    );
}

#[test]
fn files_that_are_a_finding_can_be_allowed_and_no_error_quotes_a_value() {
    let allowing = with_user("[allow]\nrules = ['git-folder']\n").expect("an allow list");
    let head = scan(&allowing, ".git/HEAD", b"ref: refs/heads/main\n");
    assert_eq!(ids(&head), [""; 0]);
    let wrong = with_user("[allow]\nvalues = ['Hunter2Real', '(']\n");
    let message = wrong
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default();
    assert!(message.contains("number 2"), "{message}");
    assert!(!message.contains("Hunter2Real"), "{message}");
}

#[test]
fn a_url_in_json_has_escaped_slashes() {
    let random = &mut Random::seeded(2);
    let hook = expand(
        "https://hooks.slack.com/services/T{uan:8}/B{uan:8}/{an:24}",
        "",
        random,
    );
    let text = format!("{{\"hook\": \"{}\"}}", hook.replace('/', "\\/"));
    assert_eq!(
        ids(&scan(&scanner(), "a.json", text.as_bytes())),
        ["slack-webhook-url"]
    );
}

#[test]
fn what_stands_before_and_behind_decides_whether_it_is_a_token() {
    let token = github();
    for before in [
        "", "\"", "=", "\\n", "\\t", "\\u0027", "\\x27", "%3D", "_", "\u{e9}",
    ] {
        for behind in ["", "\"", "\\n", ".", ",", " "] {
            let text = format!("{before}{token}{behind}");
            assert_eq!(
                ids(&scan(&scanner(), "a", text.as_bytes())),
                ["github-pat"],
                "{text}"
            );
        }
    }
    for (before, behind) in [("a", ""), ("0", ""), ("", "a"), ("", "_"), ("", "-b")] {
        let text = format!("{before}{token}{behind}");
        assert_eq!(
            ids(&scan(&scanner(), "a", text.as_bytes())),
            [""; 0],
            "{text}"
        );
    }
}

#[test]
fn binaries_are_searched_too() {
    let token = github();
    let elf = [b"\x7fELF\0\0\x01".as_slice(), token.as_bytes(), b"\0\0"].concat();
    let found = scan(&scanner(), "lib.so", &elf);
    assert_eq!(ids(&found), ["github-pat"]);
    assert_eq!(
        (found[0].location.line, found[0].location.column),
        (None, None)
    );
    // A constant of Python: its type, its length, its bytes.
    let long = expand("sk_live_{an:34}", "", &mut Random::seeded(5));
    // The next object begins with its type, which may be a letter.
    for next in *b")NTFcisz(\xe9" {
        for token in [&long, &token] {
            let pyc = [
                b"\xcb\r\r\n\0\0z".as_slice(),
                &[token.len() as u8],
                token.as_bytes(),
                &[next, 0, 0],
            ]
            .concat();
            assert_eq!(scan(&scanner(), "a.pyc", &pyc).len(), 1, "{next}");
        }
    }
    // A row of SQLite has no bytes between its columns.
    let row = [
        b"SQLite format 3\0\0\x05".as_slice(),
        b"name",
        token.as_bytes(),
        b"active",
    ]
    .concat();
    assert_eq!(ids(&scan(&scanner(), "a.db", &row)), ["github-pat"]);
}

#[test]
fn objects_of_git_are_inflated() {
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
    writeln!(zlib, "blob 50\0key = {}", github()).expect("memory");
    let object = zlib.finish().expect("memory");
    let name = "0123456789abcdef0123456789abcdef012345";
    let found = scan(&scanner(), &format!(".git/objects/ab/{name}"), &object);
    assert_eq!(ids(&found), ["github-pat"]);
    assert_eq!(found[0].decoded, Some("zlib"));
    assert!(scan(&scanner(), &format!("objects/ab/{name}"), &object).is_empty());
}

#[test]
fn files_that_are_a_finding_as_a_whole_name_their_place() {
    let found = scan(&scanner(), "app/.git/HEAD", b"ref: refs/heads/main\n");
    assert_eq!(ids(&found), ["git-folder"]);
    assert_eq!(found[0].location.path.inner(), "app/.git");
    assert_eq!(
        found,
        scan(&scanner(), "app/.git/config", b"[core]\n\tbare = false\n")
    );
    assert_eq!(
        ids(&scan(&scanner(), "k.jks", b"\xfe\xed\xfe\xed\0\0\0\x02\0")),
        ["keystore"]
    );
}

#[test]
fn a_line_is_silenced_by_itself_or_by_the_one_before() {
    let (token, other) = (github(), stripe());
    let silent = format!("a = '{token}' # fnaudit:allow\n# fnaudit:allow\nb = '{other}'\n");
    assert_eq!(ids(&scan(&scanner(), "a.py", silent.as_bytes())), [""; 0]);
    let between = format!("a = '{token}'; b = '{other}' # fnaudit:allow");
    assert_eq!(ids(&scan(&scanner(), "a.py", between.as_bytes())), [""; 0]);
    let loud = format!("# fnaudit:allow\n\na = '{token}'\nb = '{other}'\n# fnaudit:allow");
    assert_eq!(
        lines(&scan(&scanner(), "a.py", loud.as_bytes())),
        [Some(3), Some(4)]
    );
}

#[test]
fn users_allow_by_path_rule_and_value() {
    let text = github();
    for allow in [
        "paths = ['tests/**']".to_owned(),
        "rules = ['github-pat']".to_owned(),
        format!("values = ['^{}']", &text[..8]),
    ] {
        let scanner = with_user(&format!("[allow]\n{allow}\n")).expect("an allow list");
        assert_eq!(
            ids(&scan(&scanner, "tests/a/b.js", text.as_bytes())),
            [""; 0],
            "{allow}"
        );
        let elsewhere = scan(&scanner, "src/a.js", stripe().as_bytes());
        assert_eq!(ids(&elsewhere), ["stripe-live-secret-key"], "{allow}");
    }
}

#[test]
fn users_add_rules_and_learn_what_is_wrong_with_them() {
    let rule = |id: &str, more: &str| {
        format!("[[rule]]\nid = '{id}'\nname = 'badge'\nseverity = 'low'\n{more}\n")
    };
    let good = rule(
        "acme-badge",
        "keywords = ['acme_']\npattern = 'acme_[a-z0-9]{20}'",
    );
    let scanner = with_user(&good).expect("a right rule");
    let token = expand("acme_{lan:20}", "", &mut Random::seeded(1));
    assert_eq!(ids(&scan(&scanner, "a", token.as_bytes())), ["acme-badge"]);
    for (toml, says) in [
        (
            rule("github-pat", "keywords = ['abc']\npattern = 'abc'"),
            "already",
        ),
        (
            rule("Bad Id", "keywords = ['abc']\npattern = 'abc'"),
            "lower-case words",
        ),
        (
            rule("x", "keywords = ['abc']\npattern = 'abc[0-9]+'"),
            "must have an end",
        ),
        (rule("x", "keywords = ['abc']\npattern = 'abc('"), "abc("),
        (
            rule("x", "keywords = ['ab']\npattern = 'abc'"),
            "shorter than 3",
        ),
        (
            rule("x", "keywords = []\npattern = 'abc'"),
            "at least one keyword",
        ),
        (
            rule("x", "keywords = ['abcd']"),
            "either `pattern` or `assigned`",
        ),
        (
            rule("x", "keywords = ['Abcd']\nassigned = 'abc'"),
            "lower-case letters",
        ),
        (
            rule("x", "keywords = ['abc']\npattern = 'abc'\nchecks = ['y']"),
            "no check",
        ),
        (
            "[allow]\nrules = ['nothing']".to_owned(),
            "no rule of that id",
        ),
        ("[allow]\npaths = ['a[']".to_owned(), "a["),
        ("[allow]\nvalues = ['(']".to_owned(), "number 1"),
    ] {
        let error = with_user(&toml)
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert!(error.contains(says), "{toml}: {error}");
    }
}

#[test]
fn windows_see_what_one_look_at_the_whole_sees() {
    let mut text = String::new();
    let mut random = Random::seeded(4);
    for line in 0..3000 {
        let token = expand("sk_live_{an:24}", "", &mut random);
        let _ = writeln!(
            text,
            "line {line} of a long file that is read in several windows"
        );
        if line % 300 == 0 {
            let _ = writeln!(text, "key = '{token}'");
        }
    }
    let whole = scan(&scanner(), "a.txt", text.as_bytes());
    assert_eq!(whole.len(), 10);
    for size in [40_000, 65_536, 100_001] {
        let scanner = scanner();
        let mut file = scanner.file(&entry("a.txt"), text.len() as u64);
        let mut at = 0;
        loop {
            let end = (at + size).min(text.len());
            file.window(&text.as_bytes()[at..end], at as u64, end == text.len());
            if end == text.len() {
                break;
            }
            at = end - OVERLAP;
        }
        assert_eq!(file.finish(), whole, "{size}");
    }
}

#[test]
fn hostile_input_is_read_to_its_end() {
    let scanner = scanner();
    let long_line = format!("{} x='{}'", "a1b2c3d4-e5f6 ".repeat(60_000), github());
    let unfinished = "-----BEGIN RSA PRIVATE KEY-----\n".repeat(60_000) + &github();
    let headers = "eyJ".repeat(200_000) + " " + &github();
    let separate = "eyJhbGciOiJ.".repeat(60_000) + " " + &github();
    let base64 = "QUJD/+Zm9vYmFy".repeat(80_000) + " " + &github();
    let urls = "postgres://u:p@".repeat(60_000) + " " + &github();
    let passwords = "password=password:".repeat(60_000) + " " + &github();
    let escapes = "\\u0061%41".repeat(60_000) + " " + &github();
    let quotes = "\"'`=:".repeat(200_000) + " " + &github();
    let line = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldY-+\n";
    let mixed = line.replace("WXY", "").repeat(20_000) + " " + &github();
    let keys = "key:\"a1b2c3d4e5f6g7h8\",".repeat(40_000) + " " + &github();
    for text in [
        mixed, keys, long_line, unfinished, headers, separate, base64, urls, passwords, escapes,
        quotes,
    ] {
        let mut file = scanner.file(&entry("a.js"), text.len() as u64);
        file.window(text.as_bytes(), 0, true);
        let found = file.finish();
        assert!(ids(&found).contains(&"github-pat"), "{}", &text[..40]);
    }
}

#[test]
fn what_a_limit_leaves_out_is_said() {
    let mut random = Random::seeded(6);
    let mut text = String::new();
    for _ in 0..2000 {
        let _ = writeln!(text, "{}", expand("sk_live_{an:24}", "", &mut random));
    }
    let scanner = scanner();
    let mut file = scanner.file(&entry("a.txt"), text.len() as u64);
    file.window(text.as_bytes(), 0, true);
    assert!(file.is_incomplete());
    assert_eq!(file.finish().len(), 1000);
}
