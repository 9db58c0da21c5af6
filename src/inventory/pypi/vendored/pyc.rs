//! Constants that compiled Python assigns to names at its outermost level. Nothing is executed.
//!
//! A `.pyc` is a header, whose first two bytes tell the version of Python, and a code object under `marshal`:
//! <https://docs.python.org/3/library/marshal.html>, <https://peps.python.org/pep-0552/>. Of the code object its
//! instructions, constants and names are read; what is behind them is not.
//!
//! The numbers are those of CPython's `Lib/importlib/_bootstrap_external.py`, `Python/marshal.c`,
//! `Include/internal/pycore_magic_number.h` and `Include/opcode_ids.h` in its releases 2.7 and 3.3 to 3.14. Files of
//! others, PyPy's for one, are not read.

use std::rc::Rc;

use super::value::{Item, MAX_ITEMS, MAX_TEXT, Value};
use crate::inspect::Unreadable;

/// How deep objects are nested that are read. Compilers nest them as deep as people nest functions and tuples.
const MAX_DEPTH: u32 = 64;
/// How many objects are read of a file.
const MAX_OBJECTS: usize = 200_000;
/// The longest text within a tuple that is part of a version.
const MAX_ITEM_TEXT: usize = 32;
/// How many assignments to the names that are asked for are looked at. Honest modules have one of each.
const MAX_ASSIGNMENTS: usize = 1000;

const FLAG_REF: u8 = 0x80;

/// What differs between versions of Python.
struct Dialect {
    /// The first and the last magic number.
    magic: (u16, u16),
    header: usize,
    /// How many numbers a code object begins with.
    numbers: usize,
    /// Whether the names of variables are one tuple and their kinds a string, and a qualified name and a table of
    /// exceptions are there, since 3.11.
    has_kinds: bool,
    /// Whether every instruction has two bytes, since 3.6.
    is_wordcode: bool,
    load_const: u8,
    store_name: u8,
    extended_arg: u8,
    /// Doubles the value, for `a = b = 1`.
    copy: u8,
}

const DIALECTS: [Dialect; 9] = [
    dialect((62211, 62211), 8, 4, false, 100, 90, 145, 4),
    // 3.3 to 3.5.
    dialect((3190, 3351), 12, 5, false, 100, 90, 144, 4),
    // 3.6, 3.7, 3.8 to 3.10, 3.11 and 3.12, 3.13, 3.14 since its first beta, in this order.
    dialect((3360, 3379), 12, 5, false, 100, 90, 144, 4).words(),
    dialect((3390, 3394), 16, 5, false, 100, 90, 144, 4).words(),
    dialect((3400, 3439), 16, 6, false, 100, 90, 144, 4).words(),
    dialect((3450, 3495), 16, 5, true, 100, 90, 144, 120).words(),
    dialect((3500, 3531), 16, 5, true, 100, 90, 144, 120).words(),
    dialect((3550, 3571), 16, 5, true, 83, 114, 71, 61).words(),
    dialect((3624, 3627), 16, 5, true, 82, 116, 69, 59).words(),
];

#[expect(clippy::too_many_arguments)]
const fn dialect(
    magic: (u16, u16),
    header: usize,
    numbers: usize,
    has_kinds: bool,
    load_const: u8,
    store_name: u8,
    extended_arg: u8,
    copy: u8,
) -> Dialect {
    Dialect {
        magic,
        header,
        numbers,
        has_kinds,
        is_wordcode: false,
        load_const,
        store_name,
        extended_arg,
        copy,
    }
}

impl Dialect {
    const fn words(self) -> Self {
        Dialect {
            is_wordcode: true,
            ..self
        }
    }
}

/// Calls `found` with each constant that is assigned to one of the names.
pub fn each(file: &[u8], names: &[&str], found: impl FnMut(&str, Value)) -> Result<(), Unreadable> {
    let magic = match file {
        [low, high, b'\r', b'\n', ..] => u16::from_le_bytes([*low, *high]),
        _ => return Err(Unreadable::new("is no compiled Python")),
    };
    let dialect = DIALECTS
        .iter()
        .find(|dialect| (dialect.magic.0..=dialect.magic.1).contains(&magic));
    let Some(dialect) = dialect else {
        return Err(unknown(magic));
    };
    let mut reader = Reader {
        bytes: file.get(dialect.header..).unwrap_or_default(),
        dialect,
        objects: 0,
        refs: Vec::new(),
        interned: Vec::new(),
    };
    let Some(code) = reader.module() else {
        let message = "is compiled Python that is broken off or damaged";
        return Err(Unreadable::new(message));
    };
    code.each_assignment(dialect, names, found);
    Ok(())
}

/// Since 3.11 the magic numbers of a release begin with 2900 and fifty times its number; PyPy's are lower.
fn unknown(magic: u16) -> Unreadable {
    let release = magic.checked_sub(2900).map(|above| above / 50);
    let message = match release {
        Some(release @ 14..100) => {
            format!("is bytecode of Python 3.{release} (magic number {magic}), which is not read")
        }
        _ => format!("is bytecode of a Python that is not read (magic number {magic})"),
    };
    Unreadable::new(message)
}

/// The parts of a module's code object that tell what it assigns.
struct Code<'a> {
    instructions: &'a [u8],
    constants: Vec<Object<'a>>,
    names: Vec<Object<'a>>,
}

impl Code<'_> {
    fn each_assignment(
        &self,
        dialect: &Dialect,
        names: &[&str],
        mut found: impl FnMut(&str, Value),
    ) {
        let mut constant = None;
        let mut assignments = 0;
        for (operation, argument) in instructions(self.instructions, dialect) {
            if operation == dialect.load_const {
                constant = self.constants.get(argument);
            } else if operation == dialect.store_name {
                let Some(Object::Text(stored)) = self.names.get(argument) else {
                    continue;
                };
                let name = names.iter().find(|name| name.as_bytes() == *stored);
                if let (Some(name), Some(constant)) = (name, constant) {
                    assignments += 1;
                    if assignments > MAX_ASSIGNMENTS {
                        return;
                    }
                    if let Some(value) = constant.value() {
                        found(name, value);
                    }
                }
            } else if operation != dialect.copy {
                constant = None;
            }
        }
    }
}

/// Every instruction and its argument.
fn instructions<'a>(
    mut code: &'a [u8],
    dialect: &'a Dialect,
) -> impl Iterator<Item = (u8, usize)> + 'a {
    /// Instructions from this number on have an argument, before 3.6.
    const HAVE_ARGUMENT: u8 = 90;
    let mut extended = 0_usize;
    std::iter::from_fn(move || {
        loop {
            let (operation, argument) = match code {
                [operation, argument, rest @ ..] if dialect.is_wordcode => {
                    code = rest;
                    (*operation, extended << 8 | usize::from(*argument))
                }
                [operation, low, high, rest @ ..] if *operation >= HAVE_ARGUMENT => {
                    code = rest;
                    let argument = usize::from(u16::from_le_bytes([*low, *high]));
                    (*operation, extended << 16 | argument)
                }
                [operation, rest @ ..] if *operation < HAVE_ARGUMENT => {
                    code = rest;
                    (*operation, 0)
                }
                _ => return None,
            };
            if operation != dialect.extended_arg {
                extended = 0;
                return Some((operation, argument));
            }
            extended = argument & 0xff_ffff;
        }
    })
}

/// An object of `marshal`, as far as it can be a version or a name. Texts stay where they are in the file: any number of
/// objects may refer to one.
#[derive(Clone, Debug)]
enum Object<'a> {
    Text(&'a [u8]),
    Number(u64),
    Tuple(Rc<[Part<'a>]>),
    Other,
}

/// What a tuple has in it that is a version.
#[derive(Clone, Copy, Debug)]
enum Part<'a> {
    Text(&'a str),
    Number(u64),
}

impl<'a> Object<'a> {
    /// What is assigned, where an assignment asks for it.
    fn value(&self) -> Option<Value> {
        match self {
            Object::Text(text) if text.len() <= MAX_TEXT => {
                Some(Value::Text(str::from_utf8(text).ok()?.to_owned()))
            }
            Object::Tuple(parts) => {
                let item = |part: &Part| match part {
                    Part::Text(text) => Item::Text((*text).to_owned()),
                    Part::Number(number) => Item::Number(*number),
                };
                Some(Value::Tuple(parts.iter().map(item).collect()))
            }
            _ => None,
        }
    }

    fn part(&self) -> Option<Part<'a>> {
        match self {
            Object::Text(text) if text.len() <= MAX_ITEM_TEXT => {
                str::from_utf8(text).ok().map(Part::Text)
            }
            Object::Number(number) => Some(Part::Number(*number)),
            _ => None,
        }
    }
}

/// Reads objects from front to back. None of its functions reads on behind what it cannot read.
struct Reader<'a> {
    bytes: &'a [u8],
    dialect: &'static Dialect,
    objects: usize,
    /// Objects that others refer to by their number, since 3.4.
    refs: Vec<Object<'a>>,
    /// Strings that others refer to by their number, in 2.7.
    interned: Vec<&'a [u8]>,
}

impl<'a> Reader<'a> {
    fn module(&mut self) -> Option<Code<'a>> {
        let kind = self.byte()?;
        if kind & !FLAG_REF != b'c' {
            return None;
        }
        if kind & FLAG_REF != 0 {
            self.refs.push(Object::Other);
        }
        self.code_head(0)
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|byte| byte[0])
    }

    /// A length or a number that is not negative.
    fn size(&mut self) -> Option<usize> {
        let bytes = self.take(4)?.first_chunk()?;
        usize::try_from(i32::from_le_bytes(*bytes)).ok()
    }

    /// What a code object begins with, up to its names.
    fn code_head(&mut self, depth: u32) -> Option<Code<'a>> {
        self.take(4 * self.dialect.numbers)?;
        let Object::Text(instructions) = self.object(depth + 1)? else {
            return None;
        };
        Some(Code {
            instructions,
            constants: self.sequence(depth + 1)?,
            names: self.sequence(depth + 1)?,
        })
    }

    /// A tuple with each of its objects.
    fn sequence(&mut self, depth: u32) -> Option<Vec<Object<'a>>> {
        let kind = self.byte()?;
        let length = match kind & !FLAG_REF {
            b'(' => self.size()?,
            b')' => usize::from(self.byte()?),
            // A tuple that stands elsewhere too, as the empty one does.
            b'r' => {
                self.size()?;
                return Some(Vec::new());
            }
            _ => return None,
        };
        if kind & FLAG_REF != 0 {
            self.refs.push(Object::Other);
        }
        let mut objects = Vec::new();
        for _ in 0..length {
            objects.push(self.object(depth + 1)?);
        }
        Some(objects)
    }

    fn object(&mut self, depth: u32) -> Option<Object<'a>> {
        self.objects += 1;
        if depth > MAX_DEPTH || self.objects > MAX_OBJECTS {
            return None;
        }
        let byte = self.byte()?;
        let kind = byte & !FLAG_REF;
        // Its number is given before its parts have theirs.
        let number = (byte & FLAG_REF != 0).then(|| {
            self.refs.push(Object::Other);
            self.refs.len() - 1
        });
        let object = match kind {
            b'N' | b'F' | b'T' | b'S' | b'.' | b'0' => Object::Other,
            b'i' => {
                let number = self.take(4)?.first_chunk()?;
                u64::try_from(i32::from_le_bytes(*number)).map_or(Object::Other, Object::Number)
            }
            b'I' | b'g' => self.skip(8)?,
            b'y' => self.skip(16)?,
            b'f' => {
                let length = self.byte()?;
                self.skip(usize::from(length))?
            }
            b'x' => {
                for _ in 0..2 {
                    let length = self.byte()?;
                    self.skip(usize::from(length))?;
                }
                Object::Other
            }
            b'l' => {
                let digits = i32::from_le_bytes(*self.take(4)?.first_chunk()?);
                self.skip(2 * usize::try_from(digits.unsigned_abs()).ok()?)?
            }
            b's' | b'u' | b'a' | b'A' => {
                let length = self.size()?;
                Object::Text(self.take(length)?)
            }
            b't' => {
                let length = self.size()?;
                let text = self.take(length)?;
                self.interned.push(text);
                Object::Text(text)
            }
            b'z' | b'Z' => {
                let length = usize::from(self.byte()?);
                Object::Text(self.take(length)?)
            }
            b'r' => {
                let number = self.size()?;
                self.refs.get(number)?.clone()
            }
            b'R' => {
                let number = self.size()?;
                Object::Text(self.interned.get(number)?)
            }
            b'(' | b'[' | b'<' | b'>' => {
                let length = self.size()?;
                self.items(length, depth)?
            }
            b')' => {
                let length = usize::from(self.byte()?);
                self.items(length, depth)?
            }
            b'{' => {
                while self.bytes.first()? & !FLAG_REF != b'0' {
                    self.object(depth + 1)?;
                }
                self.skip(1)?
            }
            // A slice, since 3.14.
            b':' => {
                for _ in 0..3 {
                    self.object(depth + 1)?;
                }
                Object::Other
            }
            b'c' => self.code(depth)?,
            _ => return None,
        };
        if let Some(slot) = number.and_then(|number| self.refs.get_mut(number)) {
            *slot = object.clone();
        }
        Some(object)
    }

    fn skip(&mut self, length: usize) -> Option<Object<'a>> {
        self.take(length).map(|_| Object::Other)
    }

    /// A tuple, list or set. Only one of few numbers and texts can be a version.
    fn items(&mut self, length: usize, depth: u32) -> Option<Object<'a>> {
        let mut parts = Vec::new();
        for _ in 0..length {
            let object = self.object(depth + 1)?;
            if length <= MAX_ITEMS {
                parts.extend(object.part());
            }
        }
        let is_version = length <= MAX_ITEMS && parts.len() == length;
        Some(if is_version {
            Object::Tuple(parts.into())
        } else {
            Object::Other
        })
    }

    /// The code object of a function or class, which is of no interest.
    fn code(&mut self, depth: u32) -> Option<Object<'a>> {
        self.code_head_skipped(depth)?;
        // Names of variables and their kinds, file name, name and qualified name; or variables, free ones, cells, file
        // name and name.
        for _ in 0..5 {
            self.object(depth + 1)?;
        }
        self.take(4)?;
        // The table of lines, and that of exceptions.
        for _ in 0..=usize::from(self.dialect.has_kinds) {
            self.object(depth + 1)?;
        }
        Some(Object::Other)
    }

    fn code_head_skipped(&mut self, depth: u32) -> Option<()> {
        self.take(4 * self.dialect.numbers)?;
        for _ in 0..3 {
            self.object(depth + 1)?;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64;
    use proptest::prelude::*;

    use super::*;

    const NAMES: [&str; 4] = ["__version__", "VERSION", "version", "other"];

    /// What each version of Python makes of this source:
    ///
    /// ```python
    /// __title__ = "sample"
    /// __version__ = version = "1.2.3"
    /// VERSION = (4, 5, "rc", 6)
    ///
    ///
    /// class Sample(object):
    ///     def method(self, a=1.5, *rest):
    ///         return [x for x in rest if x in (a, "two", b"three", 10 ** 12)]
    ///
    ///
    /// if VERSION > (3,):
    ///     other = "7.8"
    /// ```
    #[rustfmt::skip]
    const SAMPLES: [(&str, &str); 9] = [
        ("2.7", "A/MNCgDKmjtjAAAAAAAAAAAEAAAAQAAAAHNFAAAAZAAAWgAAZAEABFoBAFoCAGQLAFoDAGQGAGUEAGYBAGQHAIQAAIMAAFlaBQBlAwBkDABrBAByQQBkCQBaBgBuAABkCgBTKA0AAAB0BgAAAHNhbXBsZXMFAAAAMS4yLjNpBAAAAGkFAAAAdAIAAAByY2kGAAAAdAYAAABTYW1wbGVjAAAAAAAAAAACAAAAQgAAAHMUAAAAZQAAWgEAZAAAZAEAhAEAWgIAUlMoAgAAAGcAAAAAAAD4P2MCAAAABAAAAAgAAABHAAAAcy8AAABnAAB8AgBEXSQAfQMAfAMAfAEAZAEAZAIAZAUAZgQAawYAcgcAfAMAXgIAcQcAUygGAAAATnQDAAAAdHdvdAUAAAB0aHJlZWkKAAAAaQwAAABJABCl1OgAAAAoAAAAACgEAAAAdAQAAABzZWxmdAEAAABhdAQAAAByZXN0dAEAAAB4KAAAAAAoAAAAAHMJAAAAc2FtcGxlLnB5dAYAAABtZXRob2QHAAAAcwIAAAAAASgDAAAAdAgAAABfX25hbWVfX3QKAAAAX19tb2R1bGVfX1IJAAAAKAAAAAAoAAAAACgAAAAAcwkAAABzYW1wbGUucHlSAgAAAAYAAABzAgAAAAYBaQMAAABzAwAAADcuOE4oBAAAAGkEAAAAaQUAAABSAQAAAGkGAAAAKAEAAABpAwAAACgHAAAAdAkAAABfX3RpdGxlX190CwAAAF9fdmVyc2lvbl9fdAcAAAB2ZXJzaW9udAcAAABWRVJTSU9OdAYAAABvYmplY3RSAgAAAHQFAAAAb3RoZXIoAAAAACgAAAAAKAAAAABzCQAAAHNhbXBsZS5weXQIAAAAPG1vZHVsZT4BAAAAcwoAAAAGAQoBBgMWBQwB"),
        ("3.6", "Mw0NCgDKmjv6AAAA4wAAAAAAAAAAAAAAAAQAAABAAAAAczAAAABkAFoAZAEEAFoBWgJkC1oDRwBkBmQHhABkB2UEgwNaBWUDZAxrBHIsZAlaBmQKUwApDVoGc2FtcGxlegUxLjIuM+kEAAAA6QUAAADaAnJj6QYAAABjAAAAAAAAAAAAAAAAAwAAAEAAAABzFgAAAGUAWgFkAFoCZAVkAmQDhAFaA2QEUwApBtoGU2FtcGxl5wAAAAAAAPg/YwIAAAAAAAAAAwAAAAMAAAAHAAAAcxIAAACHAGYBZAFkAoQIfAJEAIMBUwApA05jAQAAAAAAAAACAAAACAAAABMAAABzIAAAAGcAfABdGH0BfAGIAGQAZAFkBGYEawZyBHwBkQJxBFMAKQVaA3R3b3MFAAAAdGhyZWXpCgAAAOkMAAAAbAMAAAAAEEopowOpACkC2gIuMNoBeCkB2gFhcgkAAAD6CXNhbXBsZS5wefoKPGxpc3Rjb21wPggAAABzAgAAAAYAeiFTYW1wbGUubWV0aG9kLjxsb2NhbHM+LjxsaXN0Y29tcD5yCQAAACkD2gRzZWxmcgwAAADaBHJlc3RyCQAAACkBcgwAAAByDQAAANoGbWV0aG9kBwAAAHMCAAAAAAF6DVNhbXBsZS5tZXRob2ROKQFyBgAAACkE2ghfX25hbWVfX9oKX19tb2R1bGVfX9oMX19xdWFsbmFtZV9fchEAAAByCQAAAHIJAAAAcgkAAAByDQAAAHIFAAAABgAAAHMCAAAACAFyBQAAAOkDAAAAegM3LjhOKQRyAQAAAHICAAAAcgMAAAByBAAAACkBchUAAAApB1oJX190aXRsZV9f2gtfX3ZlcnNpb25fX9oHdmVyc2lvbtoHVkVSU0lPTtoGb2JqZWN0cgUAAADaBW90aGVycgkAAAByCQAAAHIJAAAAcg0AAADaCDxtb2R1bGU+AQAAAHMKAAAABAEIAQQDEAUIAQ=="),
        ("3.7", "Qg0NCgAAAAAAypo7+gAAAOMAAAAAAAAAAAAAAAAEAAAAQAAAAHMwAAAAZABaAGQBBABaAVoCZAJaA0cAZANkBIQAZARlBIMDWgVlA2QFawRyLGQGWgZkB1MAKQhaBnNhbXBsZXoFMS4yLjMpBOkEAAAA6QUAAABaAnJj6QYAAABjAAAAAAAAAAAAAAAAAwAAAEAAAABzFgAAAGUAWgFkAFoCZAVkAmQDhAFaA2QEUwApBtoGU2FtcGxl5wAAAAAAAPg/YwIAAAAAAAAAAwAAAAMAAAAHAAAAcxIAAACHAGYBZAFkAoQIfAJEAIMBUwApA05jAQAAAAAAAAACAAAABwAAABMAAABzIAAAAGcAfABdGH0BfAGIAGQAZAFkAmYEawZyBHwBkQJxBFMAKQNaA3R3b3MFAAAAdGhyZWVsAwAAAAAQSimjA6kAKQLaAi4w2gF4KQHaAWFyBgAAAPoJc2FtcGxlLnB5+go8bGlzdGNvbXA+CAAAAHMCAAAABgB6IVNhbXBsZS5tZXRob2QuPGxvY2Fscz4uPGxpc3Rjb21wPnIGAAAAKQPaBHNlbGZyCQAAANoEcmVzdHIGAAAAKQFyCQAAAHIKAAAA2gZtZXRob2QHAAAAcwIAAAAAAXoNU2FtcGxlLm1ldGhvZE4pAXIFAAAAKQTaCF9fbmFtZV9f2gpfX21vZHVsZV9f2gxfX3F1YWxuYW1lX19yDgAAAHIGAAAAcgYAAAByBgAAAHIKAAAAcgQAAAAGAAAAcwIAAAAIAXIEAAAAKQHpAwAAAHoDNy44TikHWglfX3RpdGxlX1/aC19fdmVyc2lvbl9f2gd2ZXJzaW9uWgdWRVJTSU9O2gZvYmplY3RyBAAAANoFb3RoZXJyBgAAAHIGAAAAcgYAAAByCgAAANoIPG1vZHVsZT4BAAAAcwoAAAAEAQgBBAMQBQgB"),
        ("3.8", "VQ0NCgAAAAAAypo7+gAAAOMAAAAAAAAAAAAAAAAAAAAABAAAAEAAAABzMAAAAGQAWgBkAQQAWgFaAmQCWgNHAGQDZASEAGQEZQSDA1oFZQNkBWsEcixkBloGZAdTACkIWgZzYW1wbGV6BTEuMi4zKQTpBAAAAOkFAAAAWgJyY+kGAAAAYwAAAAAAAAAAAAAAAAAAAAADAAAAQAAAAHMWAAAAZQBaAWQAWgJkBWQCZAOEAVoDZARTACkG2gZTYW1wbGXnAAAAAAAA+D9jAgAAAAAAAAAAAAAAAwAAAAMAAAAHAAAAcxIAAACHAGYBZAFkAoQIfAJEAIMBUwApA05jAQAAAAAAAAAAAAAAAgAAAAcAAAATAAAAcyAAAABnAHwAXRh9AXwBiABkAGQBZAJmBGsGcgR8AZECcQRTACkDWgN0d29zBQAAAHRocmVlbAMAAAAAEEopowOpACkC2gIuMNoBeKkB2gFhcgYAAAD6CXNhbXBsZS5wedoKPGxpc3Rjb21wPggAAABzBgAAAAYAAgAQAHohU2FtcGxlLm1ldGhvZC48bG9jYWxzPi48bGlzdGNvbXA+cgYAAAApA9oEc2VsZnIKAAAA2gRyZXN0cgYAAAByCQAAAHILAAAA2gZtZXRob2QHAAAAcwIAAAAAAXoNU2FtcGxlLm1ldGhvZE4pAXIFAAAAKQTaCF9fbmFtZV9f2gpfX21vZHVsZV9f2gxfX3F1YWxuYW1lX19yDwAAAHIGAAAAcgYAAAByBgAAAHILAAAAcgQAAAAGAAAAcwIAAAAIAXIEAAAAKQHpAwAAAHoDNy44TikHWglfX3RpdGxlX1/aC19fdmVyc2lvbl9f2gd2ZXJzaW9uWgdWRVJTSU9O2gZvYmplY3RyBAAAANoFb3RoZXJyBgAAAHIGAAAAcgYAAAByCwAAANoIPG1vZHVsZT4BAAAAcwoAAAAEAQgBBAMQBQgB"),
        ("3.9", "YQ0NCgAAAAAAypo7+gAAAOMAAAAAAAAAAAAAAAAAAAAABAAAAEAAAABzMAAAAGQAWgBkAQQAWgFaAmQCWgNHAGQDZASEAGQEZQSDA1oFZQNkBWsEcixkBloGZAdTACkIWgZzYW1wbGV6BTEuMi4zKQTpBAAAAOkFAAAAWgJyY+kGAAAAYwAAAAAAAAAAAAAAAAAAAAADAAAAQAAAAHMWAAAAZQBaAWQAWgJkBWQCZAOEAVoDZARTACkG2gZTYW1wbGXnAAAAAAAA+D9jAgAAAAAAAAAAAAAAAwAAAAMAAAAHAAAAcxIAAACHAGYBZAFkAoQIfAJEAIMBUwApA05jAQAAAAAAAAAAAAAAAgAAAAcAAAATAAAAcyAAAABnAHwAXRh9AXwBiABkAGQBZAJmBHYAcgR8AZECcQRTACkDWgN0d29zBQAAAHRocmVlbAMAAAAAEEopowOpACkC2gIuMNoBeKkB2gFhcgYAAAD6CXNhbXBsZS5wedoKPGxpc3Rjb21wPggAAADzAAAAAHohU2FtcGxlLm1ldGhvZC48bG9jYWxzPi48bGlzdGNvbXA+cgYAAAApA9oEc2VsZnIKAAAA2gRyZXN0cgYAAAByCQAAAHILAAAA2gZtZXRob2QHAAAAcwIAAAAAAXoNU2FtcGxlLm1ldGhvZE4pAXIFAAAAKQTaCF9fbmFtZV9f2gpfX21vZHVsZV9f2gxfX3F1YWxuYW1lX19yEAAAAHIGAAAAcgYAAAByBgAAAHILAAAAcgQAAAAGAAAAcwIAAAAIAXIEAAAAKQHpAwAAAHoDNy44TikHWglfX3RpdGxlX1/aC19fdmVyc2lvbl9f2gd2ZXJzaW9uWgdWRVJTSU9O2gZvYmplY3RyBAAAANoFb3RoZXJyBgAAAHIGAAAAcgYAAAByCwAAANoIPG1vZHVsZT4BAAAAcwoAAAAEAQgBBAMQBQgB"),
        ("3.10", "bw0NCgAAAAAAypo7+gAAAOMAAAAAAAAAAAAAAAAAAAAABAAAAEAAAABzNAAAAGQAWgBkAQQAWgFaAmQCWgNHAGQDZASEAGQEZQSDA1oFZQNkBWsEchhkBloGZAdTAGQHUwApCFoGc2FtcGxlegUxLjIuMykE6QQAAADpBQAAAFoCcmPpBgAAAGMAAAAAAAAAAAAAAAAAAAAAAwAAAEAAAABzFgAAAGUAWgFkAFoCZAVkAmQDhAFaA2QEUwApBtoGU2FtcGxl5wAAAAAAAPg/YwIAAAAAAAAAAAAAAAMAAAADAAAABwAAAHMSAAAAhwBmAWQBZAKECHwCRACDAVMAKQNOYwEAAAAAAAAAAAAAAAIAAAAHAAAAEwAAAHMgAAAAZwB8AF0MfQF8AYgAZABkAWQCZgR2AHICfAGRAnECUwApA1oDdHdvcwUAAAB0aHJlZWwDAAAAABBKKaMDqQApAtoCLjDaAXipAdoBYXIGAAAA+glzYW1wbGUucHnaCjxsaXN0Y29tcD4IAAAAcwIAAAAgAHohU2FtcGxlLm1ldGhvZC48bG9jYWxzPi48bGlzdGNvbXA+cgYAAAApA9oEc2VsZnIKAAAA2gRyZXN0cgYAAAByCQAAAHILAAAA2gZtZXRob2QHAAAAcwIAAAASAXoNU2FtcGxlLm1ldGhvZE4pAXIFAAAAKQTaCF9fbmFtZV9f2gpfX21vZHVsZV9f2gxfX3F1YWxuYW1lX19yDwAAAHIGAAAAcgYAAAByBgAAAHILAAAAcgQAAAAGAAAAcwQAAAAIAA4BcgQAAAApAekDAAAAegM3LjhOKQdaCV9fdGl0bGVfX9oLX192ZXJzaW9uX1/aB3ZlcnNpb25aB1ZFUlNJT07aBm9iamVjdHIEAAAA2gVvdGhlcnIGAAAAcgYAAAByBgAAAHILAAAA2gg8bW9kdWxlPgEAAABzDgAAAAQACAEEARADCAUIAQT/"),
        ("3.11", "pw0NCgAAAAAAypo7+gAAAOMAAAAAAAAAAAAAAAAFAAAAAAAAAPNGAAAAlwBkAFoAZAF4AVoBWgJkAloDAgBHAGQDhABkBGUEpgMAAKsDAAAAAAAAAABaBWUDZAVrBAAAAAByBGQGWgZkB1MAZAdTACkI2gZzYW1wbGV6BTEuMi4zKQTpBAAAAOkFAAAA2gJyY+kGAAAAYwAAAAAAAAAAAAAAAAIAAAAAAAAA8xYAAACXAGUAWgFkAFoCZARkAoQBWgNkA1MAKQXaBlNhbXBsZecAAAAAAAD4P2MCAAAAAAAAAAAAAAACAAAABwAAAPMgAAAAhwGXAIgBZgFkAYQIfAJEAKYAAACrAAAAAAAAAAAAUwApAk5jAQAAAAAAAAAAAAAABwAAABMAAADzJAAAAJUBlwBnAHwAXQx9AXwBiQJkAGQBZAJmBHYArwp8AZECjA1TACkD2gN0d29zBQAAAHRocmVlbAMAAAAAEEopowOpACkD2gIuMNoBeNoBYXMDAAAAICCA+glzYW1wbGUucHn6CjxsaXN0Y29tcD56IVNhbXBsZS5tZXRob2QuPGxvY2Fscz4uPGxpc3Rjb21wPggAAABzLAAAAPiAANAPR9APR9APR5BhoDGoEahFsDi4WNAoRtAjRtAjRpAB0CNG0CNG0CNG8wAAAAByDQAAACkD2gRzZWxmchAAAADaBHJlc3RzAwAAACBgIHIRAAAA2gZtZXRob2R6DVNhbXBsZS5tZXRob2QHAAAAcx0AAAD4gADYD0fQD0fQD0fQD0eYNNAPR9EPR9QPR9AIR3ITAAAATikBcgkAAAApBNoIX19uYW1lX1/aCl9fbW9kdWxlX1/aDF9fcXVhbG5hbWVfX3IWAAAAcg0AAAByEwAAAHIRAAAAcggAAAByCAAAAAYAAABzLgAAAIAAgACAAIAAgADwAgEFSAHwAAEFSAHwAAEFSAHwAAEFSAHwAAEFSAHwAAEFSAFyEwAAAHIIAAAAKQHpAwAAAHoDNy44TikH2glfX3RpdGxlX1/aC19fdmVyc2lvbl9f2gd2ZXJzaW9u2gdWRVJTSU9O2gZvYmplY3RyCAAAANoFb3RoZXJyDQAAAHITAAAAchEAAAD6CDxtb2R1bGU+ciEAAAABAAAAc2YAAADwAwEBAdgMFIAJ2Bgf0AAfgAuIZ9gKGYAH8AYCAUgB8AACAUgB8AACAUgB8AACAUgB8AACAUgBiFbxAAIBSAH0AAIBSAHwAAIBSAHwCgAEC4hUgj6APtgMEYBFgEWARfADAAQSgD5yEwAAAA=="),
        ("3.12", "yw0NCgAAAAAAypo7+gAAAOMAAAAAAAAAAAAAAAAFAAAAAAAAAPM6AAAAlwBkAFoAZAF4AVoBWgJkAloDAgBHAGQDhABkBGUEqwMAAAAAAABaBWUDZAVrRAAAcgNkBloGeQd5BykI2gZzYW1wbGV6BTEuMi4zKQTpBAAAAOkFAAAA2gJyY+kGAAAAYwAAAAAAAAAAAAAAAAIAAAAAAAAA8xQAAACXAGUAWgFkAFoCZANkAYQBWgN5AikE2gZTYW1wbGVjAgAAAAAAAAAAAAAACAAAAAcAAADzPgAAAJcAfAJEAI8DYwJnAGMCXQ0AAH0DfAN8AWQBZAJkA2YEdgBzAYwMfAORAowPBABjAn0DUwBjAgEAYwJ9A3cAKQRO2gN0d29zBQAAAHRocmVlbAMAAAAAEEopowOpACkE2gRzZWxm2gFh2gRyZXN02gF4cwQAAAAgICAg+glzYW1wbGUucHnaBm1ldGhvZHoNU2FtcGxlLm1ldGhvZAcAAABzJgAAAIAA2Bsf1g9HkGGgMagRqEWwOLhY0ChG0iNGkgHSD0fQCEf50g9HcwgAAACFDRoEkwQaBE4pAWcAAAAAAAD4PykE2ghfX25hbWVfX9oKX19tb2R1bGVfX9oMX19xdWFsbmFtZV9fchEAAAByCwAAAPMAAAAAchAAAAByCAAAAHIIAAAABgAAAHMIAAAAhAD0AgEFSAFyFQAAAHIIAAAAKQHpAwAAAHoDNy44TikH2glfX3RpdGxlX1/aC19fdmVyc2lvbl9f2gd2ZXJzaW9u2gdWRVJTSU9O2gZvYmplY3RyCAAAANoFb3RoZXJyCwAAAHIVAAAAchAAAAD6CDxtb2R1bGU+ch0AAAABAAAAczoAAADwAwEBAdgMFIAJ2Bgf0AAfgAuIZ9gKGYAH9AYCAUgBiFb0AAIBSAHwCgAEC4hUgj7YDBGBRfADAAQSchUAAAA="),
        ("3.13", "8w0NCgAAAAAAypo7+gAAAOMAAAAAAAAAAAAAAAAFAAAAAAAAAPM8AAAAlQBTAHIAUwE9AXIBcgJTAnIDGAAiAFMDGgBTBFwENQMAAAAAAAByBVwDUwU6lAAAYQMAAFMGcgZnB2cHKQjaBnNhbXBsZXoFMS4yLjMpBOkEAAAA6QUAAADaAnJj6QYAAABjAAAAAAAAAAAAAAAAAgAAAAAAAADzHgAAAJUAXAByAVMAcgJTAXIDUwVTAhoAagFyBFMDcgVnBCkG2gZTYW1wbGVyBgAAAGMCAAAAAAAAAAAAAAAIAAAABwAAAPNGAAAAlQBVAhMAVgNzAi8AcwJIEAAAbzNVAVMBUwJTAzQEOwAAAGQCAABNDgAAVQNQAk0SAAALACAAcwJuAyQAcwIgAHMCbgNmACkETtoDdHdvcwUAAAB0aHJlZWwDAAAAABBKKaMDqQApBNoEc2VsZtoBYdoEcmVzdNoBeHMEAAAAICAgINoJc2FtcGxlLnB52gZtZXRob2TaDVNhbXBsZS5tZXRob2QHAAAAcygAAACAANkbH9MPR5k0kGGoEahFsDi4WNAoRtEjRpcBmTTRD0fQCEf50g9HcwgAAACFDB4ElQYeBHILAAAATikBZwAAAAAAAPg/KQbaCF9fbmFtZV9f2gpfX21vZHVsZV9f2gxfX3F1YWxuYW1lX1/aD19fZmlyc3RsaW5lbm9fX3IRAAAA2hVfX3N0YXRpY19hdHRyaWJ1dGVzX19yCwAAAPMAAAAAchAAAAByCAAAAHIIAAAABgAAAHMIAAAAhgD3AgEFSAFyGAAAAHIIAAAAKQHpAwAAAHoDNy44TikH2glfX3RpdGxlX1/aC19fdmVyc2lvbl9f2gd2ZXJzaW9u2gdWRVJTSU9O2gZvYmplY3RyCAAAANoFb3RoZXJyCwAAAHIYAAAAchAAAADaCDxtb2R1bGU+ciAAAAABAAAAczoAAADwAwEBAdgMFIAJ2Bgf0AAfgAuIZ9gKGYAH9AYCAUgBiFb0AAIBSAHwCgAEC4hUgz7YDBGBRfADAAQSchgAAAA="),
    ];

    fn samples() -> impl Iterator<Item = (&'static str, Vec<u8>)> {
        SAMPLES
            .iter()
            .map(|(python, text)| (*python, BASE64.decode(text.as_bytes()).unwrap()))
    }

    /// `name version` of each assignment, sorted.
    fn found(file: &[u8]) -> Vec<String> {
        let mut rows = Vec::new();
        let read = each(file, &NAMES, |name, value| {
            rows.push(format!("{name} {}", value.version().unwrap_or_default()));
        });
        if let Err(unreadable) = read {
            rows.push(unreadable.message);
        }
        rows.sort();
        rows
    }

    const BROKEN: &str = "is compiled Python that is broken off or damaged";

    /// A module of Python 3.8 with these instructions, constants and names.
    fn module(instructions: &[u8], constants: &[u8], names: &[u8]) -> Vec<u8> {
        let length = u32::try_from(instructions.len()).unwrap().to_le_bytes();
        let head = [&3413_u16.to_le_bytes(), b"\r\n".as_slice(), &[0; 12]].concat();
        let code = [b"c".as_slice(), &[0; 24], b"s", &length, instructions].concat();
        [&head, &code, constants, names].concat()
    }

    fn tuple(objects: usize, bytes: &[u8]) -> Vec<u8> {
        let length = u32::try_from(objects).unwrap().to_le_bytes();
        [b"(", length.as_slice(), bytes].concat()
    }

    /// A text of the length, as the first that others refer to.
    fn text(length: usize) -> Vec<u8> {
        let size = u32::try_from(length).unwrap().to_le_bytes();
        [&[b's' | FLAG_REF], size.as_slice(), &vec![0xff; length]].concat()
    }

    #[test]
    fn every_version_of_python_is_read() {
        for (python, file) in samples() {
            let expected = [
                "VERSION 4.5rc6",
                "__version__ 1.2.3",
                "other 7.8",
                "version 1.2.3",
            ];
            assert_eq!(found(&file), expected, "{python}");
        }
    }

    #[test]
    fn files_that_are_cut_have_nothing_to_say_or_less() {
        for (_, file) in samples() {
            for end in 0..file.len() {
                assert!(found(&file[..end]).len() <= 4);
            }
            assert_eq!(found(&file[..file.len() / 4]), [BROKEN]);
        }
    }

    /// As 3.14 numbers its instructions, with a slice among the constants.
    #[test]
    fn python_3_14_is_read() {
        let instructions = [
            128, 0, 82, 1, 59, 1, 116, 0, 116, 1, 82, 2, 116, 2, 82, 3, 35, 0,
        ];
        let length = u8::try_from(instructions.len()).unwrap();
        let file = [
            b"\x2b\x0e\r\n".as_slice(),
            &[0; 12],
            b"\xe3",
            &[0; 20],
            &[b's' | FLAG_REF, length, 0, 0, 0],
            &instructions,
            b"\xa9\x04:i\x01\0\0\0NN\xda\x051.2.3\xa9\x03\xe9\x04\0\0\0\xe9\x05\0\0\0z\x03rc6N",
            b"\xa9\x03\xda\x0b__version__\xda\x07version\xda\x07VERSION",
        ]
        .concat();
        let expected = ["VERSION 4.5rc6", "__version__ 1.2.3", "version 1.2.3"];
        assert_eq!(found(&file), expected);
    }

    #[test]
    fn what_python_is_not_read_is_said() {
        for (magic, message) in [
            (
                3657_u16,
                "is bytecode of Python 3.15 (magic number 3657), which is not read",
            ),
            (
                3610,
                "is bytecode of Python 3.14 (magic number 3610), which is not read",
            ),
            (
                336,
                "is bytecode of a Python that is not read (magic number 336)",
            ),
        ] {
            let file = [&magic.to_le_bytes(), b"\r\n".as_slice(), &[0; 50]].concat();
            assert_eq!(found(&file), [message]);
        }
        assert_eq!(found(b""), ["is no compiled Python"]);
    }

    #[test]
    fn texts_that_are_referred_to_again_and_again_are_not_copied() {
        let names = tuple(1, b"z\x05other");
        for (length, most) in [(MAX_TEXT, 0), (MAX_ITEM_TEXT, MAX_ITEM_TEXT)] {
            let references = [b")\x08".as_slice(), &b"r\0\0\0\0".repeat(MAX_ITEMS)].concat();
            let constants = [text(length), references.repeat(22_000)].concat();
            let file = module(b"", &tuple(22_001, &constants), &names);
            let mut reader = Reader {
                bytes: &file[16..],
                dialect: DIALECTS
                    .iter()
                    .find(|dialect| dialect.magic.0 == 3400)
                    .unwrap(),
                objects: 0,
                refs: Vec::new(),
                interned: Vec::new(),
            };
            let code = reader.module().unwrap();
            assert_eq!(code.constants.len(), 22_001);
            for constant in &code.constants[1..] {
                let Object::Tuple(parts) = constant else {
                    continue;
                };
                assert!(
                    parts
                        .iter()
                        .all(|part| matches!(part, Part::Text(text) if text.len() <= most))
                );
            }
        }
    }

    #[test]
    fn a_long_text_that_is_assigned_a_million_times_is_asked_for_its_version_seldom() {
        let instructions = [100, 0, 90, 0].repeat(1_000_000);
        let long = [b"s\0\x10\0\0".as_slice(), &[b'1'; MAX_TEXT]].concat();
        let names = tuple(1, b"z\x05other");
        let file = module(&instructions, &tuple(1, &long), &names);
        assert!(found(&file).len() <= MAX_ASSIGNMENTS);
    }

    #[test]
    fn deep_nesting_and_absurd_counts_end_early() {
        let (_, file) = samples().last().unwrap();
        let head = &file[..16];
        for body in [
            [b"\xe3".as_slice(), &[0; 20], &b")\x01".repeat(4 << 20)].concat(),
            [b"\xe3".as_slice(), &[0; 20], b"s\xff\xff\xff\x7f"].concat(),
            [
                b"\xe3".as_slice(),
                &[0; 20],
                b"s\0\0\0\0(\xff\xff\xff\x7f",
                &b"N".repeat(4 << 20),
            ]
            .concat(),
            [b"\xe3".as_slice(), &[0; 20], &b"{".repeat(1 << 20)].concat(),
            [b"\xe3".as_slice(), &[0; 20], &b"\xe3".repeat(1 << 20)].concat(),
        ] {
            assert_eq!(found(&[head, &body].concat()), [BROKEN]);
        }
    }

    proptest! {
        #[test]
        fn no_file_does_harm(sample in 0..SAMPLES.len(), changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..20)) {
            let (_, mut file) = samples().nth(sample).unwrap();
            for (at, byte) in changes {
                let at = at.index(file.len());
                file[at] = byte;
            }
            found(&file);
        }
    }
}
