//! The engine as a whole: what a finding says, and in files beside this one, every rule's examples, tokens in every
//! notation, encodings, hostile input.

mod encoded;
mod limits;
mod names;
mod rules;
mod users;

use std::fmt::Write as _;
use std::fs;
use std::sync::Arc;

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
