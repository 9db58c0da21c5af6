//! Core metadata, the header block of `METADATA` and `PKG-INFO`:
//! <https://packaging.python.org/en/latest/specifications/core-metadata/>.

/// What an installed distribution says it is; empty where it does not say.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct CoreMetadata {
    pub name: String,
    pub version: String,
}

/// Reads the headers, and stops where both fields are known: a description may follow that is a thousand times as long.
pub fn read(bytes: &[u8]) -> CoreMetadata {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut found = CoreMetadata::default();
    // Which field a folded line, one that starts with a space, goes on with.
    let mut open: Option<Field> = None;
    for line in bytes.split(|&b| b == b'\n') {
        let line = line.trim_ascii_end();
        if line.first().is_some_and(u8::is_ascii_whitespace) {
            if let Some(field) = open {
                found.append(field, line);
            }
            continue;
        }
        let is_end_of_headers = line.is_empty();
        let is_complete = !found.name.is_empty() && !found.version.is_empty();
        if is_end_of_headers || is_complete {
            break;
        }
        open = None;
        if let Some((field, value)) = header(line) {
            // The first one counts, as it does for Python's own reader.
            if found.field(field).is_empty() {
                found.append(field, value);
                open = Some(field);
            }
        }
    }
    found
}

/// What an installed distribution needs, each row of `Requires-Dist` as it is written. The headers are read to their
/// end; a description behind them is not.
pub fn requirements(bytes: &[u8]) -> Vec<Box<str>> {
    const KEY: &[u8] = b"Requires-Dist:";
    let lines = bytes.split(|&b| b == b'\n').map(<[u8]>::trim_ascii_end);
    let headers = lines.take_while(|line| !line.is_empty());
    let rows = headers.filter_map(|line| {
        let (key, value) = line.split_at_checked(KEY.len())?;
        key.eq_ignore_ascii_case(KEY).then_some(value)
    });
    rows.map(|value| String::from_utf8_lossy(value.trim_ascii()).into())
        .collect()
}

#[derive(Clone, Copy)]
enum Field {
    Name,
    Version,
}

fn header(line: &[u8]) -> Option<(Field, &[u8])> {
    let colon = line.iter().position(|&b| b == b':')?;
    let (key, rest) = line.split_at(colon);
    let field = if key.eq_ignore_ascii_case(b"Name") {
        Field::Name
    } else if key.eq_ignore_ascii_case(b"Version") {
        Field::Version
    } else {
        return None;
    };
    Some((field, rest.strip_prefix(b":")?))
}

impl CoreMetadata {
    fn field(&mut self, field: Field) -> &mut String {
        match field {
            Field::Name => &mut self.name,
            Field::Version => &mut self.version,
        }
    }

    fn append(&mut self, field: Field, value: &[u8]) {
        let value = String::from_utf8_lossy(value.trim_ascii());
        self.field(field).push_str(&value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> (String, String) {
        let found = read(text.as_bytes());
        (found.name, found.version)
    }

    #[test]
    fn reads_name_and_version() {
        let text = "\u{feff}Metadata-Version: 2.1\r\nNAME: Foo.Bar\r\nSummary: x\r\n  Version: 9\r\nVersion: 1.0\r\n\r\nName: body\r\n";
        assert_eq!(read_text(text), ("Foo.Bar".into(), "1.0".into()));
    }

    #[test]
    fn joins_folded_lines() {
        let text = "Name:\n foo\nVersion:\n\t1.0\nSummary: x\n";
        assert_eq!(read_text(text), ("foo".into(), "1.0".into()));
    }

    #[test]
    fn the_description_is_not_metadata() {
        let text = "Name: foo\n\nVersion: 1.0\n";
        assert_eq!(read_text(text), ("foo".into(), String::new()));
    }

    #[test]
    fn the_first_of_two_counts() {
        let text = "Name: foo\nName: bar\nVersion: 1\nVersion: 2\n";
        assert_eq!(read_text(text), ("foo".into(), "1".into()));
    }

    #[test]
    fn requirements_are_rows_of_the_headers() {
        let text = b"Name: foo\nRequires-Dist: a (>=1)\r\nrequires-dist:b; extra == 'x'\n\nRequires-Dist: c\n";
        assert_eq!(
            requirements(text),
            ["a (>=1)", "b; extra == 'x'"].map(Box::from)
        );
    }

    #[test]
    fn bytes_that_are_not_utf8_elsewhere_do_no_harm() {
        let found = read(b"Author: J\xF8rgen\nName: foo\nVersion: 1\n\n\xFF\xFE");
        assert_eq!((&*found.name, &*found.version), ("foo", "1"));
    }
}
