//! Windows, and input that is hostile.

use super::*;

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
fn names_above_without_number_are_said_of_settings_alone() {
    let lines = |value: &str| format!("            key: \"{value}\"\n").repeat(2_000);
    let (random, words) = (
        "a1b2c3d4e5f6g7h8",
        "the name of a key in its region, as of 2017",
    );
    let scanner = scanner();
    for (path, value, said) in [
        ("a.yaml", random, true),
        ("a.d.ts", random, false),
        ("service.json", words, false),
        ("vectors.rsp", random, false),
    ] {
        let mut text = lines(value);
        if path == "vectors.rsp" {
            text = text.replace("  ", "");
        }
        let mut file = scanner.file(&entry(path), text.len() as u64);
        file.window(text.as_bytes(), 0, true);
        assert_eq!(file.is_incomplete(), said, "{path}");
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
