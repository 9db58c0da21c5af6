//! Reads what stands before a value, from its end: quotes, operators, names, tags.

use super::pairs;

/// How far before a value its name is looked for.
pub const REACH: usize = 200;
pub const NAME: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `=`, `:=`, `=>`
    Equals,
    Colon,
    /// The end of a tag of XML.
    Tag,
    /// A call: of its name, or with the name as its first argument.
    Call,
    /// The value is the rest of its line, and the file says what it is.
    Field,
    /// A space alone, as on command lines.
    Space,
}

/// Goes backward through a text.
#[derive(Clone, Copy)]
pub struct Back<'b> {
    bytes: &'b [u8],
    at: usize,
    /// It goes back no further.
    least: usize,
}

impl<'b> Back<'b> {
    pub fn new(bytes: &'b [u8], at: usize) -> Self {
        Back {
            bytes,
            at,
            least: at.saturating_sub(REACH),
        }
    }

    pub fn at(&self) -> usize {
        self.at
    }

    pub fn least(&self) -> usize {
        self.least
    }

    pub fn peek(&self) -> Option<u8> {
        (self.at > self.least).then(|| self.bytes[self.at - 1])
    }

    pub fn skip(&mut self, is: impl Fn(u8) -> bool) -> bool {
        let from = self.at;
        while self.peek().is_some_and(&is) {
            self.at -= 1;
        }
        self.at < from
    }

    pub fn blank(&mut self) -> bool {
        self.skip(is_blank)
    }

    /// Goes to the end of the line before, if that announces a value: `"name":`, `name =`, `<name>`, and `name: >-` of
    /// YAML, `name = (` and `name = \` of Python. A value without quotes, so far in, must be further in than its name.
    pub fn line_before(&mut self, quoted: bool, margin: usize) -> bool {
        if self.peek() != Some(b'\n') {
            return false;
        }
        let mut line = *self;
        line.at -= 1;
        line.skip(|b| b == b'\r');
        line.blank();
        let mut announced = line;
        announced.skip(|b| b"|>+-\\(".contains(&b));
        announced.blank();
        let announces = match (announced.peek(), line.peek()) {
            (Some(b':'), _) => quoted || announced.margin() < margin,
            (Some(b'='), _) => quoted,
            (_, Some(b'>')) => {
                announced = line;
                true
            }
            _ => false,
        };
        if announces {
            *self = announced;
        }
        announces
    }

    /// How far in the line begins that it is in.
    fn margin(&self) -> usize {
        let before = &self.bytes[self.least..];
        let line = memchr::memrchr(b'\n', &before[..self.at - self.least]);
        let line = &before[line.map_or(0, |at| at + 1)..];
        line.iter().take_while(|b| b" \t-".contains(b)).count()
    }

    /// The quote that opens the value, with what languages put before it.
    pub fn quote(&mut self) -> Option<u8> {
        let quote = self.peek().filter(|b| b"\"'`".contains(b))?;
        // Three of them in Python.
        self.skip(|b| b == quote);
        self.skip(|b| b == b'\\');
        let at = self.at;
        if self.skip(|b| b"rbfuL@$".contains(&b)) && self.peek().is_some_and(is_name_byte) {
            self.at = at;
        }
        Some(quote)
    }

    /// The word before a credential of HTTP.
    pub fn scheme(&mut self) -> bool {
        let before = &self.bytes[self.least..self.at];
        for scheme in [
            "bearer", "token", "basic", "apikey", "api-key", "bot", "key",
        ] {
            let Some(start) = before.len().checked_sub(scheme.len()) else {
                continue;
            };
            let opened = start.checked_sub(1).and_then(|i| before.get(i));
            if before[start..].eq_ignore_ascii_case(scheme.as_bytes())
                && opened.is_some_and(|b| b" \"'`:=".contains(b))
            {
                self.at -= scheme.len();
                self.quote();
                self.blank();
                // `token: Bearer …` has an operator before it, `--token …` has not.
                return self.peek().is_some_and(|b| b":=,".contains(&b)) || {
                    self.at = self.least + before.len();
                    false
                };
            }
        }
        false
    }

    pub fn operator(&mut self, blank: bool) -> Option<Operator> {
        match self.peek()? {
            b'=' => {
                self.skip(|b| b":=+?!".contains(&b));
                Some(Operator::Equals)
            }
            b':' => {
                self.at -= 1;
                Some(Operator::Colon)
            }
            b'>' => {
                self.at -= 1;
                if self.skip(|b| b == b'=') {
                    return Some(Operator::Equals);
                }
                Some(Operator::Tag)
            }
            b',' | b'(' => {
                self.at -= 1;
                Some(Operator::Call)
            }
            // `process.env.NAME || "value"`, `NAME ?? "value"`.
            b'|' | b'?' => {
                let mark = self.bytes[self.at - 1];
                let from = self.at;
                self.skip(|b| b == mark);
                (from - self.at == 2).then_some(Operator::Equals)
            }
            _ if blank => Some(Operator::Space),
            _ => None,
        }
    }

    /// What closes a name: `"]`, `\"`.
    pub fn closers(&mut self) -> bool {
        self.skip(|b| b"\"'`\\])".contains(&b))
    }

    /// Whether the name just passed is the first argument of a call.
    pub fn begins_arguments(mut self) -> bool {
        self.quote();
        self.blank();
        self.peek() == Some(b'(')
    }

    pub fn name(&mut self, operator: Operator) -> Option<&'b [u8]> {
        let end = self.at;
        let least = self.least.max(end.saturating_sub(NAME));
        let spaces = matches!(operator, Operator::Equals | Operator::Colon);
        while self.at > least {
            let b = self.bytes[self.at - 1];
            let fits = is_name_byte(b) || (spaces && b == b' ');
            if !fits {
                break;
            }
            self.at -= 1;
        }
        // The margin of a line, and the mark of a list in it, are no part of it.
        let written = &self.bytes[self.at..end];
        let name = written.trim_ascii_start();
        let name = name.strip_prefix(b"- ").unwrap_or(name).trim_ascii_start();
        self.at = end - name.len();
        Some(name).filter(|name| !name.is_empty())
    }

    /// The name of the tag whose `>` was just passed.
    pub fn tag(&mut self) -> Option<&'b [u8]> {
        let end = self.at;
        self.skip(|b| b != b'<' && b != b'>' && b != b'\n');
        if self.peek() != Some(b'<') {
            return None;
        }
        let tag = &self.bytes[self.at..end];
        let name = &tag[..skip(tag, 0, is_name_byte, NAME)];
        // `<entry key="NAME">`
        if let Some(named) = pairs::all(&tag[name.len()..]).last() {
            return Some(named);
        }
        (!name.is_empty() && name[0] != b'/').then_some(name)
    }

    /// The name before `: type`.
    pub fn annotated(&mut self) -> Option<&'b [u8]> {
        self.skip(|b| b.is_ascii_alphanumeric() || b" &?[]'_.".contains(&b));
        if self.peek() != Some(b':') {
            return None;
        }
        self.at -= 1;
        self.blank();
        self.name(Operator::Equals)
    }
}

pub fn is_blank(b: u8) -> bool {
    b == b' ' || b == b'\t'
}

pub fn is_name_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"_.-$@/".contains(&b)
}

pub fn skip(bytes: &[u8], from: usize, is: impl Fn(u8) -> bool, most: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    from + rest.iter().take(most).take_while(|&&b| is(b)).count()
}
