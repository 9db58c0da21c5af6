//! Files that are a finding as a whole: a repository of Git, keystores.

use std::borrow::Cow;
use std::sync::OnceLock;

use super::rules::Rule;
use crate::finding::{EntryPath, Severity};

const fn rule(
    id: &'static str,
    name: &'static str,
    severity: Severity,
    remedy: &'static str,
    source: &'static str,
) -> Rule {
    Rule {
        id: Cow::Borrowed(id),
        name: Cow::Borrowed(name),
        severity,
        remedy: Cow::Borrowed(remedy),
        source: Cow::Borrowed(source),
        keywords: Cow::Borrowed(&[]),
        expression: Cow::Borrowed(""),
        sequences: Cow::Borrowed(&[]),
        assigned: false,
        begins_with_keyword: false,
        prefixes: Cow::Borrowed(&[]),
        holds: Cow::Borrowed(&[]),
        longest: 0,
        unbroken: 0,
        entropy: 0.0,
        checks: Cow::Borrowed(&[]),
        compiled: OnceLock::new(),
    }
}

pub static GIT_FOLDER: Rule = rule(
    "git-folder",
    "Git repository with its history",
    Severity::Medium,
    "leave `.git` out of the bundle, and replace what secrets its history holds",
    "https://git-scm.com/docs/gitrepository-layout",
);

pub static KEYSTORE: Rule = rule(
    "keystore",
    "keystore with private keys",
    Severity::High,
    "take it out of the bundle, replace the keys in it, and let the function fetch them when it runs",
    "https://docs.oracle.com/en/java/javase/21/security/java-cryptography-architecture-jca-reference-guide.html",
);

/// All of them: an allow list may name them as it names the others.
pub static RULES: [&Rule; 2] = [&GIT_FOLDER, &KEYSTORE];

/// The rule, and the place to name, if the file's beginning shows that it is such a file.
pub fn recognize(path: &EntryPath, beginning: &[u8]) -> Option<(&'static Rule, EntryPath)> {
    if let Some(folder) = git_folder(path, beginning) {
        // Both files of a folder name the same place, so that they are one finding.
        return Some((&GIT_FOLDER, path.sibling(folder)));
    }
    is_keystore(path, beginning).then(|| (&KEYSTORE, path.clone()))
}

/// <https://git-scm.com/docs/gitrepository-layout>: `HEAD` is in every repository, and `config` in all that `git` makes.
fn git_folder<'p>(path: &'p EntryPath, beginning: &[u8]) -> Option<&'p str> {
    let folder = path.parent();
    if folder != ".git" && !folder.ends_with("/.git") {
        return None;
    }
    let is_id = |line: &[u8]| line.len() >= 40 && line.iter().all(u8::is_ascii_hexdigit);
    let recognized = match path.file_name() {
        "HEAD" => beginning.starts_with(b"ref: ") || is_id(beginning.trim_ascii_end()),
        "config" => beginning.trim_ascii_start().starts_with(b"["),
        _ => false,
    };
    recognized.then_some(folder)
}

/// - JKS and JCEKS begin with a magic number.
/// - PKCS#12 is a SEQUENCE with version 3 and an object id under 1.2.840.113549.1.7:
///   <https://www.rfc-editor.org/rfc/rfc7292#section-4>.
/// - BKS has a version and a salt of 20 bytes:
///   <https://github.com/bcgit/bc-java/blob/main/prov/src/main/java/org/bouncycastle/jcajce/provider/keystore/bc/BcKeyStoreSpi.java>
fn is_keystore(path: &EntryPath, beginning: &[u8]) -> bool {
    const PKCS7: [u8; 10] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07];
    let jks = [0xfe, 0xed, 0xfe, 0xed];
    let jceks = [0xce, 0xce, 0xce, 0xce];
    if beginning.starts_with(&jks) || beginning.starts_with(&jceks) {
        return !is_trust_store(path);
    }
    let head = &beginning[..beginning.len().min(64)];
    let version = memchr::memmem::find(&head[..head.len().min(16)], &[0x02, 0x01, 0x03, 0x30]);
    if head.first() == Some(&0x30)
        && version.is_some()
        && memchr::memmem::find(head, &PKCS7).is_some()
    {
        return !is_trust_store(path);
    }
    let extension = path.file_name().rsplit_once('.').map(|(_, e)| e);
    let bks = extension.is_some_and(|e| e.eq_ignore_ascii_case("bks"));
    bks && matches!(beginning, [0, 0, 0, 1 | 2, 0, 0, 0, 20, ..])
}

/// Certificates of authorities, by the names that Java gives such files: they hold nothing secret.
fn is_trust_store(path: &EntryPath) -> bool {
    let name = path.file_name().to_ascii_lowercase();
    name.contains("cacerts") || name.contains("truststore") || name.contains("trust-store")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn rule_of(path: &str, bytes: &[u8]) -> Option<(String, String)> {
        let path = EntryPath::new(&Arc::from("f.zip!/"), path);
        recognize(&path, bytes).map(|(rule, at)| (rule.id.to_string(), at.inner().to_owned()))
    }

    fn some(id: &str, at: &str) -> Option<(String, String)> {
        Some((id.to_owned(), at.to_owned()))
    }

    #[test]
    fn both_files_of_a_repository_name_its_folder() {
        let folder = some("git-folder", "app/.git");
        assert_eq!(rule_of("app/.git/HEAD", b"ref: refs/heads/main\n"), folder);
        assert_eq!(rule_of("app/.git/config", b"[core]\n"), folder);
        let detached = b"da39a3ee5e6b4b0d3255bfef95601890afd80709\n";
        assert_eq!(rule_of(".git/HEAD", detached), some("git-folder", ".git"));
        assert_eq!(rule_of("app/HEAD", b"ref: refs/heads/main\n"), None);
        assert_eq!(rule_of("a.git/HEAD", b"ref: refs/heads/main\n"), None);
        assert_eq!(rule_of(".git/HEAD", b"hello"), None);
    }

    #[test]
    fn keystores_are_told_by_their_bytes() {
        let at = |name: &str| some("keystore", name);
        assert_eq!(rule_of("k.bin", b"\xfe\xed\xfe\xed\0\0\0\x02"), at("k.bin"));
        let p12 = b"\x30\x82\x09\x71\x02\x01\x03\x30\x82\x09\x37\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";
        assert_eq!(rule_of("id.p12", p12), at("id.p12"));
        assert_eq!(rule_of("lib/cacerts", p12), None);
        assert_eq!(rule_of("k.bks", &[0, 0, 0, 2, 0, 0, 0, 20, 1]), at("k.bks"));
        assert_eq!(rule_of("k.dat", &[0, 0, 0, 2, 0, 0, 0, 20, 1]), None);
        assert_eq!(rule_of("k.p12", b"no keystore"), None);
    }
}
