//! Values that stand in for a secret: documentation, templates, tests.

use zeroize::Zeroizing;

/// Words of any case that make a value a placeholder, wherever they stand in it. Random characters hold one
/// by chance in one of a million tokens.
const WORDS: &[&[u8]] = &[
    b"example",
    b"changeme",
    b"change_me",
    b"change-me",
    b"changeit",
    b"xxxxx",
    b"your_",
    b"your-",
    b"yourtoken",
    b"yoursecret",
    b"yourkey",
    b"yourapi",
    b"yourpass",
    b"yourown",
    b"placeholder",
    b"redacted",
    b"insert",
    b"replace",
    b"dummy",
    b"foobar",
    b"notreal",
    b"not-real",
    b"notasecret",
    b"undefined",
    b"deadbeef",
    b"abcdefgh",
    b"qwerty",
    b"12345678",
    b"01234567",
    b"98765432",
];

/// Parts of values that documentation shows and packages bring along.
const KNOWN: &[&[u8]] = &[
    // `"sub":"1234567890"`, at jwt.io and in <https://www.rfc-editor.org/rfc/rfc7519>'s many copies.
    b"eyJzdWIiOiIxMjM0NTY3ODkw",
    // `{"some":"payload"}`, of PyJWT.
    b"eyJzb21lIjoicGF5bG9hZCJ9",
    // `Aladdin:open sesame`, <https://www.rfc-editor.org/rfc/rfc7617>.
    b"QWxhZGRpbjpvcGVu",
    // <https://www.rfc-editor.org/rfc/rfc6749>.
    b"czZCaGRSa3F0Mz",
    b"tGzv3JOkF0XG5Qx2TlKWIA",
    b"2YotnFZFEjr1zCsicMWpAA",
];

/// What templates and masks are written with.
const MARKS: &[&[u8]] = &[
    b"${",
    b"{{",
    b"$(",
    b"<%",
    b"%(",
    b"***",
    b"...",
    b"\xe2\x80\xa6",
    // Encrypted values: <https://getsops.io/docs/>, <https://docs.ansible.com/ansible/latest/vault_guide/>.
    b"ENC[",
    b"$ANSIBLE_VAULT",
];

/// A token of more characters may repeat one by chance, as keys with zero bytes do.
const LONG: usize = 100;

pub fn is_placeholder(value: &[u8]) -> bool {
    let holds = |part: &[u8]| memchr::memmem::find(value, part).is_some();
    let formats = holds(b"%s") && !value.iter().any(u8::is_ascii_digit);
    let is_known = MARKS.iter().chain(KNOWN).any(|part| holds(part));
    if formats || is_known || is_bracketed(value) {
        return true;
    }
    if value.len() > LONG {
        return false;
    }
    repeats(value) || steps(value) || {
        let lower = Zeroizing::new(value.to_ascii_lowercase());
        let holds = |word: &&[u8]| memchr::memmem::find(&lower, word).is_some();
        WORDS.iter().any(holds)
    }
}

/// `<your-token>`, `[token]`, `{token}`.
fn is_bracketed(value: &[u8]) -> bool {
    matches!(
        (value.first(), value.last()),
        (Some(b'<'), Some(b'>')) | (Some(b'['), Some(b']')) | (Some(b'{'), Some(b'}'))
    )
}

/// One character six times in a row, or hardly any different ones.
fn repeats(value: &[u8]) -> bool {
    let mut run = 1;
    for pair in value.windows(2) {
        run = if pair[0] == pair[1] { run + 1 } else { 1 };
        if run == 6 {
            return true;
        }
    }
    let mut seen = [false; 256];
    for &b in value {
        seen[usize::from(b)] = true;
    }
    let different = seen.iter().filter(|&&s| s).count();
    value.len() >= 12 && different <= 4
}

/// Seven characters each one above the one before, as in `3456789` or `bcdefgh`.
fn steps(value: &[u8]) -> bool {
    let mut run = 1;
    for pair in value.windows(2) {
        run = if pair[0].checked_add(1) == Some(pair[1]) {
            run + 1
        } else {
            1
        };
        if run == 7 {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_for_a_secret_is_none() {
        for value in [
            "AKIAIOSFODNN7EXAMPLE",
            "changeme",
            "ChangeMe123",
            "sk_xxxxxxxxxxxxxxxx",
            "${DB_PASSWORD}",
            "a{{ token }}b",
            "<your-token>",
            "[token]",
            "%s",
            "abc***",
            "aaaaaaaaB1",
            "ababababababab",
            "1234567890",
            "x0123456789abcdef",
            "your_api_key_here",
        ] {
            assert!(is_placeholder(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn random_characters_are_none() {
        for value in ["1fjORS#6ilI8ihN5KXSc", "Tr0ub4dor&3", "q8Zk2Lw9Xv4Nb7Rt"] {
            assert!(!is_placeholder(value.as_bytes()), "{value}");
        }
    }
}
