//! Tokens for tests, made of the templates of the rules when tests run: none stands in a file.

use data_encoding::BASE64URL_NOPAD;

/// So that every run makes the same tokens.
pub struct Random(fastrand::Rng);

impl Random {
    pub fn seeded(seed: u64) -> Self {
        Random(fastrand::Rng::with_seed(seed))
    }

    pub fn below(&mut self, end: usize) -> usize {
        self.0.usize(..end)
    }

    pub fn pick(&mut self, alphabet: &[u8], count: usize) -> String {
        let mut one = || char::from(alphabet[self.below(alphabet.len())]);
        (0..count).map(|_| one()).collect()
    }
}

const DIGITS: &[u8] = b"0123456789";
const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// Fills in a template: see docs/secrets.md. `token` is what `{token}` means.
pub fn expand(template: &str, token: &str, random: &mut Random) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        out += &rest[..at];
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("{{") {
            out.push('{');
            rest = after;
        } else if let Some(after) = rest.strip_prefix("}}") {
            out.push('}');
            rest = after;
        } else {
            let end = rest.find('}').expect("a placeholder ends");
            out += &match &rest[1..end] {
                "token" => token.to_owned(),
                placeholder => fill(placeholder, random),
            };
            rest = &rest[end + 1..];
        }
    }
    out + rest
}

fn fill(placeholder: &str, random: &mut Random) -> String {
    match placeholder {
        "uuid" => return uuid(random),
        "jwt" => return jwt(random),
        _ => {}
    }
    let (kind, count) = placeholder.split_once(':').expect("a kind and a count");
    if kind == "crc32" {
        let (prefix, count) = count.split_once(':').expect("a prefix and a count");
        return with_checksum(prefix, number(count), random);
    }
    random.pick(&alphabet(kind), number(count))
}

fn number(text: &str) -> usize {
    text.parse().expect("a number")
}

fn alphabet(kind: &str) -> Vec<u8> {
    match kind {
        "an" => [UPPER, LOWER, DIGITS].concat(),
        "lan" => [LOWER, DIGITS].concat(),
        "uan" => [UPPER, DIGITS].concat(),
        "hex" => [DIGITS, b"abcdef"].concat(),
        "HEX" => [DIGITS, b"ABCDEF"].concat(),
        "digits" => DIGITS.to_vec(),
        "lower" => LOWER.to_vec(),
        "upper" => UPPER.to_vec(),
        "b32" => [UPPER, b"234567"].concat(),
        "b64" => [UPPER, LOWER, DIGITS, b"+/"].concat(),
        "b64u" => [UPPER, LOWER, DIGITS, b"-_"].concat(),
        _ => panic!("no such placeholder: {kind}"),
    }
}

fn uuid(random: &mut Random) -> String {
    let hex = |random: &mut Random, count| random.pick(b"0123456789abcdef", count);
    format!(
        "{}-{}-4{}-a{}-{}",
        hex(random, 8),
        hex(random, 4),
        hex(random, 3),
        hex(random, 3),
        hex(random, 12)
    )
}

fn jwt(random: &mut Random) -> String {
    let subject = random.pick(b"0123456789abcdef", 12);
    let header = BASE64URL_NOPAD.encode(br#"{"alg":"HS256","typ":"JWT"}"#);
    let claims = format!(r#"{{"sub":"{subject}","iat":1700000000}}"#);
    let claims = BASE64URL_NOPAD.encode(claims.as_bytes());
    let signature = random.pick(&alphabet("b64u"), 43);
    format!("{header}.{claims}.{signature}")
}

fn with_checksum(prefix: &str, count: usize, random: &mut Random) -> String {
    let digits = [DIGITS, UPPER, LOWER].concat();
    let body = random.pick(&digits, count);
    let mut crc = crc32fast::hash(body.as_bytes());
    let mut sum = Vec::new();
    for _ in 0..6 {
        sum.insert(0, digits[(crc % 62) as usize]);
        crc /= 62;
    }
    let sum: String = sum.into_iter().map(char::from).collect();
    format!("{prefix}{body}{sum}")
}
