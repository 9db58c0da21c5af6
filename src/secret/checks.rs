//! What must hold for a match besides its pattern: one function a check.

use data_encoding::{BASE32, BASE64URL_NOPAD};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::decode::{self, Decoded};
use super::generic;
use super::rules::{Check, Rule};

/// What a check makes of a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It is none.
    No,
    /// The form is right, but what it says of itself is not.
    Possible,
    Yes,
}

/// The worst of what the rule's checks say.
pub fn of_rule(rule: &Rule, whole: &[u8], secret: &[u8], rest: &[u8]) -> Verdict {
    if rule.id == AWS_ID {
        return possible(aws_account(secret));
    }
    let verdicts = rule.checks.iter();
    let worst = verdicts.map(|check| run(*check, whole, secret, rest)).min();
    worst.unwrap_or(Verdict::Yes)
}

/// The one rule whose check no other can have.
const AWS_ID: &str = "aws-access-key-id";

/// `whole` is the match, `secret` the part of it that is secret, `rest` what follows the beginning of the match.
fn run(check: Check, whole: &[u8], secret: &[u8], rest: &[u8]) -> Verdict {
    match check {
        Check::Crc32Base62 => possible(crc32_base62(whole)),
        Check::Jwt => required(jwt(secret)),
        Check::Pem => possible(pem(rest)),
        Check::LettersAndDigits => required(
            secret.iter().any(u8::is_ascii_alphabetic) && secret.iter().any(u8::is_ascii_digit),
        ),
        Check::UpperAndLower => required(
            secret.iter().any(u8::is_ascii_uppercase) && secret.iter().any(u8::is_ascii_lowercase),
        ),
        Check::Base64 => required(base64(secret)),
        Check::Mixed => required(mixed(secret)),
        // [`super::generic::is_secret`] judges these, as it knows the names.
        Check::Password => Verdict::Yes,
    }
}

fn required(holds: bool) -> Verdict {
    if holds { Verdict::Yes } else { Verdict::No }
}

fn possible(holds: bool) -> Verdict {
    if holds {
        Verdict::Yes
    } else {
        Verdict::Possible
    }
}

/// The last six characters are the CRC-32, in base 62, of what stands between the prefix and them:
/// <https://github.blog/engineering/behind-githubs-new-authentication-token-formats/>.
fn crc32_base62(token: &[u8]) -> bool {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let Some((body, sum)) = token.split_last_chunk::<6>() else {
        return false;
    };
    let prefix = body.iter().rposition(|b| !b.is_ascii_alphanumeric());
    let body = &body[prefix.map_or(0, |at| at + 1)..];
    let mut crc = crc32fast::hash(body);
    let mut expected = [0; 6];
    for digit in expected.iter_mut().rev() {
        *digit = DIGITS[(crc % 62) as usize];
        crc /= 62;
    }
    *sum == expected
}

/// The header is JSON and names an algorithm: <https://www.rfc-editor.org/rfc/rfc7519>.
fn jwt(token: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Header {
        #[serde(rename = "alg")]
        _alg: String,
    }
    let start = token.windows(3).position(|w| w == b"eyJ").unwrap_or(0);
    let header = token[start..]
        .split(|&b| b == b'.')
        .next()
        .unwrap_or_default();
    let trimmed = header.trim_ascii_end();
    BASE64URL_NOPAD
        .decode(trimmed)
        .is_ok_and(|json| serde_json::from_slice::<Header>(&json).is_ok())
}

/// What stands between the lines is base64, and begins as a key does.
fn pem(text: &[u8]) -> bool {
    let Some(begin) = memchr::memmem::find(text, b"-----BEGIN ") else {
        return false;
    };
    let text = &text[begin + 11..];
    let Some(header) = memchr::memmem::find(text, b"-----") else {
        return false;
    };
    let body = &text[header + 5..];
    let Some(end) = memchr::memmem::find(body, b"-----END") else {
        return false;
    };
    let Some(der) = pem_body(&body[..end]) else {
        return false;
    };
    // A SEQUENCE of DER with a length of its own: <https://www.rfc-editor.org/rfc/rfc5958>.
    let sequence = matches!(
        der.as_slice(),
        [0x30, 0x82, ..] | [0x30, 0x81, ..] | [0x30, 0x20..=0x7f, ..]
    );
    // <https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.key>
    let openssh = der.starts_with(b"openssh-key-v1\0");
    sequence || openssh
}

/// Without line ends, as they are and as escapes, and what languages put around lines.
fn pem_body(body: &[u8]) -> Option<Decoded> {
    let is_base64 = |at: usize| {
        let byte = body.get(at);
        byte.is_some_and(|b| b.is_ascii_alphanumeric() || b"+/=".contains(b))
    };
    let mut letters = Zeroizing::new(Vec::with_capacity(body.len()));
    for (at, &b) in body.iter().enumerate() {
        let escaped = at > 0 && body[at - 1] == b'\\' && matches!(b, b'n' | b'r');
        // A lone `+` joins two strings.
        let joins = b == b'+' && !is_base64(at + 1) && !at.checked_sub(1).is_some_and(is_base64);
        if is_base64(at) && !escaped && !joins && b != b'=' {
            letters.push(b);
        }
    }
    decode::any_base64(&letters)
}

fn base64(value: &[u8]) -> bool {
    let padding = value.iter().rev().take_while(|b| **b == b'=').count();
    let body = &value[..value.len() - padding];
    padding <= 2
        && (padding == 0 || value.len().is_multiple_of(4))
        && decode::any_base64(body).is_some()
}

/// Whether a key of no form of its own is one: digits stand among its letters in two places, or it is long and its cases
/// change as in no name, or it is a UUID, or in hexadecimal and of a common length.
fn mixed(value: &[u8]) -> bool {
    let hex = |b: &u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    let is_hex = matches!(value.len(), 32 | 40 | 48 | 64 | 96 | 128) && value.iter().all(hex);
    let is_odd = value.len() >= 32 && generic::has_odd_cases(value);
    is_hex || is_odd || generic::is_uuid(value) || {
        // What follows one another: letters, up to three digits, up to eight letters.
        let mut groups = value.chunk_by(|a, b| kind(*a) == kind(*b)).peekable();
        let mut places = 0;
        let mut before: &[u8] = &[];
        while let Some(group) = groups.next() {
            let letters_before = before.first().is_some_and(u8::is_ascii_alphabetic);
            let letters_behind = groups
                .peek()
                .is_some_and(|next| next[0].is_ascii_alphabetic());
            places = match group[0] {
                b'0'..=b'9' if group.len() <= 3 && letters_before && letters_behind => places + 1,
                b'A'..=b'Z' | b'a'..=b'z' if group.len() <= 8 => places,
                _ => 0,
            };
            if places == 2 {
                return true;
            }
            before = group;
        }
        false
    }
}

/// Of a byte: a letter, a digit or else.
fn kind(b: u8) -> u8 {
    u8::from(b.is_ascii_alphabetic()) | u8::from(b.is_ascii_digit()) << 1
}

/// Whether an access key id of AWS holds the number of an account. Ids given out since 2019 do: 40 bits behind the
/// first of what the 16 characters mean in base 32. The letter behind the prefix tells the older ones.
fn aws_account(id: &[u8]) -> bool {
    let Some(body) = id.get(4..20) else {
        return false;
    };
    if matches!(body[0], b'A'..=b'P') {
        return true;
    }
    let Ok(decoded) = BASE32.decode(body) else {
        return false;
    };
    let Some(first) = decoded.first_chunk::<6>() else {
        return false;
    };
    let number = first.iter().fold(0u64, |n, &b| n << 8 | u64::from(b));
    (number & 0x7fff_ffff_ff80) >> 7 < 1_000_000_000_000
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64;

    use super::*;

    #[test]
    fn a_checksum_that_fails_makes_a_token_possible_only() {
        let body = "ab".repeat(15);
        // Of `ab` fifteen times, by zlib.crc32 in Python.
        let good = format!("ghp_{body}{}", "1Xla0B");
        assert_eq!(
            run(Check::Crc32Base62, good.as_bytes(), b"", b""),
            Verdict::Yes
        );
        let bad = good.replace("ab", "ba");
        assert_eq!(
            run(Check::Crc32Base62, bad.as_bytes(), b"", b""),
            Verdict::Possible
        );
    }

    #[test]
    fn a_jwt_has_a_header_with_an_algorithm() {
        let of = |header: &str| format!("{}.x.y", BASE64URL_NOPAD.encode(header.as_bytes()));
        assert!(jwt(of("{\"alg\":\"HS256\"}").as_bytes()));
        assert!(!jwt(of("{\"alg\":1}").as_bytes()));
        assert!(!jwt(of("{\"typ\":\"JWT\"}").as_bytes()));
        assert!(!jwt(b"eyJ!.x.y"));
    }

    #[test]
    fn the_body_of_a_pem_begins_as_a_key() {
        let key = |der: &[u8], line_end: &str| {
            let body = BASE64.encode(der);
            format!(
                "-----BEGIN RSA {0} KEY-----{line_end}{body}{line_end}-----END RSA {0} KEY-----",
                "PRIVATE"
            )
        };
        let der = [&[0x30, 0x82, 1, 2][..], &[7; 90]].concat();
        for line_end in ["\n", "\r\n", "\\n", "\\\\n", "\\n\" +\n  \""] {
            assert!(pem(key(&der, line_end).as_bytes()), "{line_end:?}");
        }
        assert!(!pem(key(&[7; 90], "\n").as_bytes()));
        assert!(!pem(b"-----BEGIN"));
    }

    #[test]
    fn keys_without_a_form_are_mixed_and_names_are_not() {
        for key in [
            "q8Zk2Lw9Xv4N",
            "word-wordA1b2c",
            "0123456789abcdef0123456789abcdef",
            "7c0e4a1b-93d2-4f6e-8a57-1d2c3b4e5f60",
        ] {
            assert!(mixed(key.as_bytes()), "{key}");
        }
        for name in [
            "my-service-v2-key-v3",
            "oauth2Client2",
            "request12345a",
            "authorization1a",
            "a1authorization1a",
            "",
        ] {
            assert!(!mixed(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn an_aws_id_holds_an_account() {
        assert!(aws_account(
            format!("AKIA{}", "IAAAAAAAAAAAAAAA").as_bytes()
        ));
        assert!(aws_account(
            format!("AKIA{}", "QAAAAAAAAAAAAAAA").as_bytes()
        ));
        assert!(!aws_account(
            format!("AKIA{}", "7777777777777777").as_bytes()
        ));
        assert!(!aws_account(b"AKIA"));
    }
}
