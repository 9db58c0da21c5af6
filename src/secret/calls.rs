//! Secrets that calls are given without a name: `auth=("user", "password")`, `HTTPBasicAuth("user", "password")`,
//! `smtp.login("user", "password")`, `jwt.sign(payload, "secret")`.

use super::back::is_name_byte;

/// How far behind the beginning of a call its second argument is looked for.
const REACH: usize = 400;
/// Calls within calls within calls are looked into no further, so that many of them are no work for each.
const DEPTH: usize = 8;

/// Where the text begins that is the second of the arguments that begin at `at`, and its quote.
pub fn second(bytes: &[u8], at: usize) -> Option<(usize, u8)> {
    let rest = bytes.get(at..bytes.len().min(at + REACH))?;
    let comma = end_of_first(rest).filter(|&end| rest[end] == b',')?;
    let blanks = |from: usize| rest[from..].iter().take_while(|b| b.is_ascii_whitespace());
    let start = comma + 1 + blanks(comma + 1).count();
    let prefix = rest[start..].iter().take_while(|b| b"rbuf".contains(b));
    let quote = start + prefix.take(2).count();
    let mark = *rest.get(quote).filter(|b| b"\"'`".contains(b))?;
    (quote + 1 < rest.len()).then_some((at + quote + 1, mark))
}

/// Where what ends the first argument stands.
fn end_of_first(text: &[u8]) -> Option<usize> {
    let mut depth: usize = 0;
    let mut quote = None;
    let mut escaped = false;
    for (at, &b) in text.iter().enumerate() {
        if let Some(mark) = quote {
            match b {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                _ if b == mark => quote = None,
                _ => {}
            }
            continue;
        }
        match b {
            b'"' | b'\'' | b'`' => quote = Some(b),
            b'(' | b'[' | b'{' if depth < DEPTH => depth += 1,
            b'(' | b'[' | b'{' => return None,
            b',' | b')' if depth == 0 => return Some(at),
            b')' | b']' | b'}' => depth = depth.checked_sub(1)?,
            b';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// Where the arguments begin of a call of a library for JSON Web Tokens, whose name ends at `at`, if the call signs or
/// verifies: `jwt.sign(`, `jsonwebtoken_1.default.verify(`, `(0, jsonwebtoken_1.sign)(`.
pub fn signs(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..bytes.len().min(at + 40))?;
    let open = memchr::memchr(b'(', rest)?;
    let called = rest[..open].strip_suffix(b")").unwrap_or(&rest[..open]);
    let method = called.rsplit(|b| *b == b'.').next()?;
    let is_one = matches!(method, b"sign" | b"encode" | b"verify" | b"decode");
    (is_one && called.iter().all(|b| is_name_byte(*b))).then_some(at + open + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_argument_is_found() {
        for text in [
            "('u', '§')",
            "(user, \"§\", 3)",
            "({a: [1, 2], b: f(1, ')')}, '§')",
            "(\n    payload,\n    b'§',\n)",
            "('it\\'s, a', `§`)",
        ] {
            let found = second(text.as_bytes(), 1);
            assert_eq!(found.map(|(at, _)| at), text.find('§'), "{text}");
        }
        let long = format!("({}, '§')", "a".repeat(REACH));
        let nested = |depth| format!("({}x{}, '§')", "f(".repeat(depth), ")".repeat(depth));
        assert!(second(nested(DEPTH).as_bytes(), 1).is_some());
        assert_eq!(second(nested(DEPTH + 1).as_bytes(), 1), None);
        for text in [
            "('§')",
            "(a, b)",
            "(a",
            "(}, '§'",
            "(a; b, '§')",
            "(a,",
            "(a, '",
            &long,
        ] {
            assert_eq!(second(text.as_bytes(), 1), None, "{text}");
        }
    }

    #[test]
    fn calls_that_sign_are_told_by_their_names() {
        for text in ["sign(", "encode(", "_1.default.verify(", "_1.sign)("] {
            assert_eq!(signs(text.as_bytes(), 0), Some(text.len()), "{text}");
        }
        for text in ["signature(", "io, sign(", "io/verify", ""] {
            assert_eq!(signs(text.as_bytes(), 0), None, "{text}");
        }
    }
}
