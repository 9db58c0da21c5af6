//! Whether a value with a common name, such as `password`, is a secret. Few are: most are text of forms,
//! names of other things, and templates.

use zeroize::Zeroizing;

use super::assignment::Assignment;
use super::back::{Operator, is_name_byte};
use super::entropy;

/// Where an assignment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notation {
    /// Values are quoted, and what is not quoted is an expression.
    Code,
    /// A value may stand without quotes, as the rest of its line.
    Settings,
    /// `host:port:database:user:password`, as PostgreSQL has it.
    PasswordLines,
}

/// How far behind a value a comment in its line may begin: people put them in columns.
const MAX_INDENT: usize = 80;

/// Behind a name, these leave it the name of a secret.
const ENDINGS: &[&[u8]] = &[
    b"",
    b"value",
    b"string",
    b"str",
    b"text",
    b"prod",
    b"production",
    b"dev",
    b"staging",
    b"live",
    b"default",
    b"prd",
    b"stg",
    b"old",
    b"new",
];

/// `text[start..end]` is the value.
pub fn is_secret(
    assignment: &Assignment,
    text: &[u8],
    (start, end): (usize, usize),
    notation: Notation,
) -> bool {
    let value = &text[start..end];
    is_whole(assignment, text, (start, end), notation)
        && !is_of_another_kind(value)
        && !tells_its_name(value, &assignment.name)
        && is_random(value)
}

/// What of a text that begins with a value may be part of it: without quotes, what a next parameter or a mark behind
/// the value begins is not.
pub fn value<'t>(assignment: &Assignment, text: &'t [u8]) -> &'t [u8] {
    if assignment.quote.is_some() {
        return text;
    }
    if assignment.operator == Operator::Field {
        let end = memchr::memchr(b'\n', text).unwrap_or(text.len());
        return text[..end].strip_suffix(b"\r").unwrap_or(&text[..end]);
    }
    let ends = |(at, b): (usize, &u8)| match b {
        b',' | b';' => text.get(at + 1).is_none_or(u8::is_ascii_whitespace),
        b'&' => {
            let name = text[at + 1..].iter().position(|b| !is_name_byte(*b));
            name.is_some_and(|length| length > 0 && text[at + 1 + length] == b'=')
        }
        _ => b.is_ascii_whitespace(),
    };
    let end = text.iter().enumerate().position(ends);
    &text[..end.unwrap_or(text.len())]
}

/// The keyword is what the name ends with: a `passwordField` is no password.
pub fn is_named(name: &[u8], keyword: &[u8]) -> bool {
    let Some(at) = memchr::memmem::rfind(name, keyword) else {
        return false;
    };
    let ending = &name[at + keyword.len()..];
    let letters = ending.iter().rposition(|b| !b.is_ascii_digit());
    let ending = &ending[..letters.map_or(0, |at| at + 1)];
    ENDINGS.contains(&ending) && memchr::memmem::find(name, b"public").is_none()
}

/// The value ends where its quote closes, or its line.
fn is_whole(
    assignment: &Assignment,
    text: &[u8],
    (start, end): (usize, usize),
    notation: Notation,
) -> bool {
    let rest = &text[end..text.len().min(end + 4)];
    match assignment.quote {
        Some(quote) => {
            let closes = rest.iter().find(|&&b| b != b'\\');
            closes == Some(&quote)
        }
        None if assignment.operator == Operator::Field => true,
        None if assignment.operator == Operator::Tag => {
            text[end..].trim_ascii_start().first() == Some(&b'<')
        }
        None => {
            let line_ends = matches!(
                rest,
                [] | [b'\n' | b'\r' | b'<' | b'&', ..] | [b' ' | b',' | b';', b'\n', ..]
            ) || begins_comment(&text[end..]);
            let in_line = line_ends && begins_line(text, assignment.start);
            let in_text = || {
                let before = &text[..assignment.start];
                matches!(
                    rest,
                    [] | [
                        b'\n' | b'\r' | b' ' | b';' | b'&' | b'"' | b'\'' | b'\\',
                        ..
                    ]
                ) && (is_variable(&text[assignment.start..start])
                    || matches!(before.last(), Some(b'?' | b'&')))
            };
            let value = &text[start..end];
            notation != Notation::Code
                && (in_line || in_text())
                && !value.iter().any(|b| b"()[]{};".contains(b))
                && value.first() != Some(&b'$')
        }
    }
}

/// Whether a comment follows, as YAML, INI and shells write it: a mark behind blanks.
fn begins_comment(text: &[u8]) -> bool {
    let near = &text[..text.len().min(MAX_INDENT)];
    let blanks = near.iter().take_while(|b| b" \t".contains(b)).count();
    blanks > 0 && matches!(near.get(blanks), Some(b'#' | b';'))
}

/// What stands before the name in its line is a space, a word such as `export`, or nothing.
fn begins_line(text: &[u8], at: usize) -> bool {
    let before = &text[at.saturating_sub(40)..at];
    let line = before
        .iter()
        .rposition(|&b| b == b'\n')
        .map_or(before, |n| &before[n + 1..]);
    line.iter()
        .all(|b| b.is_ascii_alphabetic() || b" \t-?&\"'".contains(b))
}

/// `NAME=`, as variables of the environment are written.
fn is_variable(before_value: &[u8]) -> bool {
    let upper = |b: &u8| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_';
    let word = before_value.rsplit(|b| *b == b' ').next();
    matches!(word, Some([name @ .., b'=']) if name.iter().all(upper))
}

/// A path, a URL, an address, a number, a date, an id.
fn is_of_another_kind(value: &[u8]) -> bool {
    let holds = |part: &[u8]| memchr::memmem::find(value, part).is_some();
    if holds(b"://") || holds(b"::") || holds(b"->") || holds(b"=>") || holds(b"()") {
        return true;
    }
    if matches!(
        value,
        [b'/' | b'.' | b'$' | b'%' | b'@' | b'#' | b'&' | b'~', ..]
    ) && !value.iter().any(u8::is_ascii_digit)
    {
        return true;
    }
    if value.starts_with(b"/")
        || value.starts_with(b"./")
        || value.starts_with(b"../")
        || value.starts_with(b"arn:")
    {
        return true;
    }
    if value
        .iter()
        .all(|b| b.is_ascii_digit() || b".:-+/TZ".contains(b))
    {
        return true;
    }
    is_uuid(value) || is_dotted_names(value)
}

pub fn is_uuid(value: &[u8]) -> bool {
    value.len() == 36
        && value.iter().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => *b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

/// `process.env.DB_PASSWORD1`, `config.db.password`.
fn is_dotted_names(value: &[u8]) -> bool {
    let name = |part: &[u8]| {
        part.first()
            .is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_')
            && part
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || *b == b'_' || *b == b'-')
    };
    value.contains(&b'.')
        && value
            .split(|&b| b == b'.')
            .all(|part| name(part) && entropy::shannon(part) < 3.8)
}

/// `db-password-1` for `dbPassword`.
fn tells_its_name(value: &[u8], name: &[u8]) -> bool {
    let kept = value.iter().filter(|b| b.is_ascii_alphanumeric());
    let plain: Zeroizing<Vec<u8>> = Zeroizing::new(kept.map(u8::to_ascii_lowercase).collect());
    let word = |word: &[u8]| memchr::memmem::find(&plain, word).is_some();
    memchr::memmem::find(name, &plain).is_some()
        || memchr::memmem::find(&plain, name).is_some()
        || [
            &b"password"[..],
            b"passwd",
            b"secret",
            b"apikey",
            b"token",
            b"test",
            b"sample",
            b"fake",
            b"mock",
            b"null",
            b"default",
            b"none",
            b"true",
            b"false",
            b"env",
            b"admin",
        ]
        .into_iter()
        .any(word)
}

/// Mixed as no word is. Passwords are short, and may be less random than keys.
fn is_random(value: &[u8]) -> bool {
    let count = |is: fn(&u8) -> bool| value.iter().filter(|b| is(b)).count();
    let (lower, upper, digits) = (
        count(u8::is_ascii_lowercase),
        count(u8::is_ascii_uppercase),
        count(u8::is_ascii_digit),
    );
    let signs = value.len() - lower - upper - digits;
    let kinds = [lower, upper, digits, signs]
        .iter()
        .filter(|&&n| n > 0)
        .count();
    if digits == 0 && signs == 0 {
        return has_odd_cases(value);
    }
    if kinds < 2 || (digits == 0 && kinds < 3) {
        return false;
    }
    let mut words = value.split(|b| !b.is_ascii_alphanumeric());
    if signs * 4 <= value.len() && words.all(is_word) {
        return false;
    }
    entropy::shannon(value) >= (entropy::most(value.len()) * 0.75).min(3.0)
}

/// Whether cases change as in no name.
pub fn has_odd_cases(letters: &[u8]) -> bool {
    let differ = |pair: &&[u8]| pair[0].is_ascii_uppercase() != pair[1].is_ascii_uppercase();
    let changes = letters.windows(2).filter(differ).count();
    letters.len() >= 12 && changes * 5 >= letters.len() * 2
}

/// Letters with a vowel and perhaps a number behind them: `key`, `Name1`, `userName`, `ID2`.
fn is_word(part: &[u8]) -> bool {
    let length = part.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    let (letters, rest) = part.split_at(length);
    let capitals = letters
        .iter()
        .skip(1)
        .filter(|b| b.is_ascii_uppercase())
        .count();
    let vowel = letters.iter().any(|b| b"aeiouyAEIOUY".contains(b));
    rest.iter().all(u8::is_ascii_digit)
        && (vowel || length < 3)
        && (capitals == 0 || capitals + 1 >= length || capitals * 4 <= length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::assignment;

    fn found(text: &str, keyword: &str, notation: Notation) -> bool {
        let at = text.find(keyword).expect("the keyword is there");
        let start = assignment::value_after(text.as_bytes(), at + keyword.len()).expect("a value");
        let assignment = assignment::before(text.as_bytes(), start).expect("an assignment");
        let rest = &text.as_bytes()[start..];
        let length = rest
            .iter()
            .position(|b| b"\"'<\n ;".contains(b))
            .unwrap_or(rest.len());
        let plain = keyword.replace('_', "");
        is_named(&assignment.name, plain.as_bytes())
            && is_secret(
                &assignment,
                text.as_bytes(),
                (start, start + length),
                notation,
            )
    }

    #[test]
    fn random_values_of_passwords_are_secrets() {
        for text in [
            "password = 'Tr0ub4dor&3x'",
            "db_password: \"q8Zk2Lw9\"",
            "<password>q8Zk2Lw9</password>",
            "password_prod = 'q8Zk2Lw9'",
            "password = '1fjORS#6ilI8ihN5KXSc'",
        ] {
            assert!(found(text, "password", Notation::Code), "{text}");
        }
        for text in [
            "DB_password=q8Zk2Lw9\n",
            "db_password: q8Zk2Lw9!x4B  # of production\n",
            "password = q8Zk2Lw9!x4B ; of production\n",
        ] {
            assert!(found(text, "password", Notation::Settings), "{text}");
        }
    }

    #[test]
    fn words_names_and_expressions_are_none() {
        for text in [
            "password = 'user-password-1'",
            "password = 'correcthorse'",
            "password = 'my-own-key-2'",
            "password = 'Enter_it2'",
            "passwordHash = 'q8Zk2Lw9'",
            "password = q8Zk2Lw9",
            "password = 'https://a.b/c1D2'",
            "password = '2024-01-02T10'",
            "password = '/etc/q8Zk2'",
            "password: 'config.db2.Pass'",
            "password: 'ADMIN1234'",
        ] {
            assert!(!found(text, "password", Notation::Code), "{text}");
        }
    }
}
