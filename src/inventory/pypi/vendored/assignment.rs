//! Constants that Python source assigns to names at its outermost level: `__version__ = "1.2.3"`.
//!
//! Only what is constant as it stands counts. An expression that has to be evaluated is left alone, but for the two
//! ways in which people write out a constant: `".".join(("1", "2"))` and `".".join(map(str, (1, 2)))`.

use memchr::{memchr, memchr_iter, memmem, memrchr};

use super::value::{Item, MAX_ITEMS, MAX_TEXT, Value};

/// The longest part of an assignment before its value.
const MAX_TARGETS: usize = 200;

/// Calls `found` with each constant that is assigned to one of the names, and its line.
pub fn each(source: &[u8], names: &[&str], mut found: impl FnMut(&str, Value, u32)) {
    let places = names
        .iter()
        .flat_map(|name| memmem::find_iter(source, name.as_bytes()));
    let mut starts: Vec<usize> = places.filter_map(|at| line_start(source, at)).collect();
    starts.sort_unstable();
    starts.dedup();
    let (mut line, mut counted) = (1_u32, 0);
    for start in starts {
        let newlines = memchr_iter(b'\n', &source[counted..start]).count();
        line = line.saturating_add(u32::try_from(newlines).unwrap_or(u32::MAX));
        counted = start;
        read(&source[start..], names, |name, value| {
            found(name, value, line)
        });
    }
}

/// Where the line of a place begins, if that is not too far before it.
fn line_start(source: &[u8], at: usize) -> Option<usize> {
    let from = at.saturating_sub(MAX_TARGETS);
    match memrchr(b'\n', &source[from..at]) {
        Some(newline) => Some(from + newline + 1),
        None => (from == 0).then_some(0),
    }
}

/// Reads one statement: `a = b: str = value`.
fn read(statement: &[u8], names: &[&str], mut found: impl FnMut(&str, Value)) {
    if statement.first().is_none_or(|b| *b == b' ' || *b == b'\t') {
        return;
    }
    let mut rest = statement;
    let mut targets = Vec::new();
    while let Some((target, behind)) = target(rest) {
        targets.push(target);
        rest = behind;
        if targets.len() > MAX_ITEMS {
            return;
        }
    }
    let mut assigned = names
        .iter()
        .filter(|name| targets.contains(&name.as_bytes()));
    let Some(first) = assigned.next() else {
        return;
    };
    if let Some(value) = value(rest) {
        for name in assigned {
            found(name, value.clone());
        }
        found(first, value);
    }
}

/// The name that is assigned to, and what is behind its `=`.
fn target(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let is_name = |b: &u8| *b == b'_' || b.is_ascii_alphanumeric();
    let text = blanks(text);
    let end = text
        .iter()
        .position(|b| !is_name(b))
        .filter(|end| *end > 0)?;
    let (name, behind) = text.split_at(end);
    let mut behind = blanks(behind);
    if behind.first() == Some(&b':') {
        let annotation = &behind[..behind.len().min(MAX_TARGETS)];
        let end = annotation.iter().position(|b| matches!(b, b'=' | b'\n'))?;
        behind = &behind[end..];
    }
    let behind = behind.strip_prefix(b"=")?;
    (behind.first() != Some(&b'=')).then_some((name, behind))
}

/// A value that is a constant and nothing but that.
fn value(text: &[u8]) -> Option<Value> {
    let text = blanks(text);
    let (value, behind) = if matches!(text.first()?, b'(' | b'[') {
        let (items, behind) = items(text)?;
        (items, behind)
    } else {
        let (string, behind) = string(text)?;
        match behind.strip_prefix(b".join(") {
            Some(arguments) if string == "." => join(arguments)?,
            Some(_) => return None,
            None => (Value::Text(string), behind),
        }
    };
    let ends = matches!(
        blanks(behind).first(),
        None | Some(b'\n' | b'\r' | b'#' | b';')
    );
    ends.then_some(value)
}

/// What is within the brackets of `join(`: a tuple, perhaps in `map(str, …)`.
fn join(arguments: &[u8]) -> Option<(Value, &[u8])> {
    let arguments = space(arguments);
    let mapped = arguments.strip_prefix(b"map(str,");
    let (value, mut behind) = items(space(mapped.unwrap_or(arguments)))?;
    for _ in 0..=usize::from(mapped.is_some()) {
        behind = space(behind).strip_prefix(b")")?;
    }
    matches!(value, Value::Tuple(_)).then_some((value, behind))
}

/// A tuple or list of numbers and strings. One string in brackets is that string.
fn items(text: &[u8]) -> Option<(Value, &[u8])> {
    let mut rest = &text[1..];
    let mut items = Vec::new();
    let mut commas = 0;
    loop {
        rest = space(rest);
        match rest.first()? {
            b')' | b']' => break,
            b',' => {
                commas += 1;
                rest = &rest[1..];
                if commas != items.len() {
                    return None;
                }
                continue;
            }
            b'#' => {
                rest = &rest[memchr(b'\n', rest)?..];
                continue;
            }
            // Strings that stand together are one, and a string with an operator is an expression.
            _ if commas != items.len() || items.len() >= MAX_ITEMS => return None,
            b'0'..=b'9' => {
                let end = rest.iter().position(|b| !b.is_ascii_digit())?;
                let number = str::from_utf8(&rest[..end]).ok()?.parse().ok()?;
                items.push(Item::Number(number));
                rest = &rest[end..];
            }
            _ => {
                let (string, behind) = string(rest)?;
                items.push(Item::Text(string));
                rest = behind;
            }
        }
    }
    let behind = &rest[1..];
    let is_tuple = commas > 0 || text[0] == b'[';
    match (is_tuple, items.as_slice()) {
        (false, [Item::Text(text)]) => Some((Value::Text(text.clone()), behind)),
        (false, _) => None,
        (true, _) => Some((Value::Tuple(items), behind)),
    }
}

/// A string literal without escapes, and what is behind it.
fn string(text: &[u8]) -> Option<(String, &[u8])> {
    let prefix = text
        .iter()
        .take(2)
        .take_while(|b| b"uUrRbB".contains(b))
        .count();
    let text = &text[prefix..];
    let quote = *text.first().filter(|b| matches!(b, b'"' | b'\''))?;
    let triple = [quote; 3];
    let (quotes, body) = match text.strip_prefix(&triple) {
        Some(body) => (&triple[..], body),
        None => (&triple[..1], &text[1..]),
    };
    let body_head = &body[..body.len().min(MAX_TEXT)];
    let end = memmem::find(body_head, quotes)?;
    let content = &body[..end];
    let is_plain = !content.contains(&b'\\') && (quotes.len() == 3 || !content.contains(&b'\n'));
    let content = str::from_utf8(content).ok().filter(|_| is_plain)?;
    Some((content.to_owned(), &body[end + quotes.len()..]))
}

/// The text from its first byte on that is no blank.
fn blanks(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|b| !matches!(b, b' ' | b'\t'));
    &text[end.unwrap_or(text.len())..]
}

fn space(text: &[u8]) -> &[u8] {
    text.trim_ascii_start()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NAMES: [&str; 3] = ["__version__", "VERSION", "version"];

    /// `name line version` of each assignment.
    fn found(source: &str) -> Vec<String> {
        let mut rows = Vec::new();
        each(source.as_bytes(), &NAMES, |name, value, line| {
            let version = value.version().unwrap_or_else(|| "?".into());
            rows.push(format!("{name} {line} {version}"));
        });
        rows
    }

    #[test]
    fn constants_of_every_form_are_read() {
        for (source, expected) in [
            ("__version__ = '1.2.3'\n", "1.2.3"),
            ("__version__=\"1.2.3\"", "1.2.3"),
            ("__version__ = u'1.2.3'  # why\r\n", "1.2.3"),
            ("__version__: str = \"1.2.3\"\n", "1.2.3"),
            ("__version__: Final[str] = \"1.2.3\"\n", "1.2.3"),
            ("__version__ = other = '1.2.3'; x = 1\n", "1.2.3"),
            ("__version__ = ('1.2.3')\n", "1.2.3"),
            ("__version__ = (1, 2, 3)\n", "1.2.3"),
            ("__version__ = [1, 2,\n    3,  # c\n]\n", "1.2.3"),
            ("__version__ = (3, 2, 0, 'rc', 1)\n", "3.2.0rc1"),
            ("__version__ = '.'.join(('1', '2'))\n", "1.2"),
            ("__version__ = \".\".join(map(str, (1, 2, 3)))\n", "1.2.3"),
            (
                "__version__ = '''\n{\n \"version\": \"1.2.3\"\n}\n'''  # END\n",
                "1.2.3",
            ),
        ] {
            assert_eq!(
                found(source),
                [format!("__version__ 1 {expected}")],
                "{source}"
            );
        }
        assert_eq!(
            found("#\nx = 1\nVERSION = version = '2.0'\n"),
            ["version 3 2.0", "VERSION 3 2.0"]
        );
    }

    #[test]
    fn what_has_to_be_evaluated_is_left_alone() {
        for source in [
            "__version__ = '1.2' + '.3'\n",
            "__version__ = '1.2' '.3'\n",
            "__version__ = ('1.2' '.3')\n",
            "__version__ = '%s' % x\n",
            "__version__ = '1.{}'.format(2)\n",
            "__version__ = get_version()\n",
            "__version__ = (1, x)\n",
            "__version__ = ','.join(('1', '2'))\n",
            "__version__ = '1.\\x32'\n",
            "__version__ == '1.2.3'\n",
            "__version__ += '1.2.3'\n",
            "__version__ = f'1.2.3'\n",
            "    __version__ = '1.2.3'\n",
            "x = __version__\n",
            "x__version__ = '1.2.3'\n",
            "__version__ = (1)\n",
            "__version__ = '1.2.3",
        ] {
            assert!(found(source).is_empty(), "{source}: {:?}", found(source));
        }
    }

    #[test]
    fn a_line_of_megabytes_is_read_once() {
        let long = format!("__version__ = '{}'\n", "1".repeat(8 << 20));
        assert!(found(&long).is_empty());
        let many = "version = (\n".repeat(700_000);
        assert!(found(&many).is_empty());
    }

    proptest! {
        #[test]
        fn no_source_does_harm(pieces in prop::collection::vec(prop::sample::select(vec![
            "__version__", "VERSION", " ", "=", ":", "(", ")", "[", "]", ",", "'", "\"", "'''", "1", ".", "join(", "map(str,",
            "\n", "#", "\\", "{\"version\":", "é", "\0",
        ]), 0..40)) {
            found(&pieces.concat());
        }
    }
}
