//! Secrets in encoded text, and in files that are no text.

use std::io::Write as _;

use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};
use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::*;

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
fn escapes_of_27_characters_are_found_wherever_they_stand() {
    let rule = "[[rule]]\nid = 'acme'\nname = 'badge'\nseverity = 'low'\nkeywords = ['acme_']\npattern = 'acme_[a-z0-9]{22}'";
    let scanner = with_user(rule).expect("a right rule");
    let token = expand("acme_{lan:22}", "", &mut Random::seeded(1));
    let writes: [fn(u8) -> String; 6] = [
        |b| format!("%{b:02X}"),
        |b| format!("\\x{b:02x}"),
        |b| format!("\\{b:03o}"),
        |b| format!("\\u{b:04X}"),
        |b| format!("\\u{{{b:x}}}"),
        |b| format!("&#x{b:x};"),
    ];
    for write in writes {
        let escaped: String = token.bytes().map(write).collect();
        for margin in 0..64 {
            let text = format!("{}'{escaped}'\n", "-".repeat(margin));
            let found = scan(&scanner, "a.js", text.as_bytes());
            assert_eq!(ids(&found), ["acme"], "{margin}: {text}");
        }
    }
}

#[test]
fn a_token_in_escapes_alone_is_found() {
    let token = github();
    let escaped = |write: fn(u8) -> String| -> String { token.bytes().map(write).collect() };
    for (how, text) in [
        ("escapes", escaped(|b| format!("\\x{b:02x}"))),
        ("escapes", escaped(|b| format!("\\u{b:04X}"))),
        ("escapes", escaped(|b| format!("\\u{{{b:x}}}"))),
        ("escapes", escaped(|b| format!("\\{b:03o}"))),
        ("URL encoding", escaped(|b| format!("%{b:02X}"))),
        ("entities", escaped(|b| format!("&#x{b:x};"))),
    ] {
        for margin in [0, 1, 31, 63, 65_530] {
            let text = format!("{}\nt = '{text}';\n", "-".repeat(margin));
            let found = scan(&scanner(), "a.js", text.as_bytes());
            assert_eq!(ids(&found), ["github-pat"], "{how} {margin}: {text}");
            assert_eq!(found[0].decoded, Some(how), "{text}");
            assert_eq!(lines_and_columns(&found), [(Some(2), Some(6))], "{text}");
        }
    }
}
