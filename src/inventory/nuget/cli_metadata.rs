//! The metadata of .NET assemblies: their name and version, from the table `Assembly`.
//!
//! [ECMA-335](https://ecma-international.org/publications-and-standards/standards/ecma-335/), partition II: 24.2 is the
//! layout of the metadata, 22 the tables. A table has no offset of its own. It lies behind all that come before it, so the
//! width of a row of each is needed, and that depends on how many rows the tables have that its columns point into.

/// What an assembly is called, and in which version others refer to it.
#[derive(Debug, PartialEq, Eq)]
pub struct Identity {
    pub name: String,
    pub version: [u16; 4],
}

/// The metadata is not what its headers say.
#[derive(Debug, PartialEq, Eq)]
pub struct Damaged;

const SIGNATURE: u64 = 0x424a_5342;
/// More than the few that there are names of.
const MAX_STREAMS: u64 = 16;
const LONGEST_NAME: usize = 1024;
/// Bits of the tables' header: which heaps have indices of four bytes.
const WIDE_STRINGS: u64 = 1;
const WIDE_GUIDS: u64 = 2;
const WIDE_BLOBS: u64 = 4;
/// Four bytes more stand behind the numbers of rows. The standard has no such bit; .NET's own reader knows it, as
/// `HeapSizes.ExtraData` of System.Reflection.Metadata (<https://github.com/dotnet/runtime>).
const EXTRA_DATA: u64 = 0x40;

/// The table that is looked for, and where in a row of it its parts stand.
const ASSEMBLY: usize = 0x20;
const VERSION_AT: usize = 4;
const PUBLIC_KEY_AT: usize = 16;

/// A column of a table.
enum Column {
    Bytes(u64),
    String,
    Guid,
    Blob,
    /// A row of that table.
    Row(usize),
    /// A row of one of these tables; the lowest bits say of which.
    Coded(&'static [usize]),
}

use Column::{Blob, Bytes, Coded, Guid, Row, String as Text};

const TYPE_DEF_OR_REF: Column = Coded(&[0x02, 0x01, 0x1b]);
const HAS_CONSTANT: Column = Coded(&[0x04, 0x08, 0x17]);
const HAS_CUSTOM_ATTRIBUTE: Column = Coded(&[
    0x06, 0x04, 0x01, 0x02, 0x08, 0x09, 0x0a, 0x00, 0x0e, 0x17, 0x14, 0x11, 0x1a, 0x1b, 0x20, 0x23,
    0x26, 0x27, 0x28, 0x2a, 0x2c, 0x2b,
]);
const HAS_FIELD_MARSHAL: Column = Coded(&[0x04, 0x08]);
const HAS_DECL_SECURITY: Column = Coded(&[0x02, 0x06, 0x20]);
const MEMBER_REF_PARENT: Column = Coded(&[0x02, 0x01, 0x1a, 0x06, 0x1b]);
const HAS_SEMANTICS: Column = Coded(&[0x14, 0x17]);
const METHOD_DEF_OR_REF: Column = Coded(&[0x06, 0x0a]);
const MEMBER_FORWARDED: Column = Coded(&[0x04, 0x06]);
/// Three of its five tags are not used.
const CUSTOM_ATTRIBUTE_TYPE: Column = Coded(&[UNUSED, UNUSED, 0x06, 0x0a, UNUSED]);
const RESOLUTION_SCOPE: Column = Coded(&[0x00, 0x1a, 0x23, 0x01]);
const UNUSED: usize = 0x3f;

/// The tables before `Assembly`, by their number, with those of uncompressed metadata.
const TABLES: [&[Column]; ASSEMBLY] = [
    /* 00 Module */ &[Bytes(2), Text, Guid, Guid, Guid],
    /* 01 TypeRef */ &[RESOLUTION_SCOPE, Text, Text],
    /* 02 TypeDef */ &[Bytes(4), Text, Text, TYPE_DEF_OR_REF, Row(0x04), Row(0x06)],
    /* 03 FieldPtr */ &[Row(0x04)],
    /* 04 Field */ &[Bytes(2), Text, Blob],
    /* 05 MethodPtr */ &[Row(0x06)],
    /* 06 MethodDef */ &[Bytes(8), Text, Blob, Row(0x08)],
    /* 07 ParamPtr */ &[Row(0x08)],
    /* 08 Param */ &[Bytes(4), Text],
    /* 09 InterfaceImpl */ &[Row(0x02), TYPE_DEF_OR_REF],
    /* 0a MemberRef */ &[MEMBER_REF_PARENT, Text, Blob],
    /* 0b Constant */ &[Bytes(2), HAS_CONSTANT, Blob],
    /* 0c CustomAttribute */ &[HAS_CUSTOM_ATTRIBUTE, CUSTOM_ATTRIBUTE_TYPE, Blob],
    /* 0d FieldMarshal */ &[HAS_FIELD_MARSHAL, Blob],
    /* 0e DeclSecurity */ &[Bytes(2), HAS_DECL_SECURITY, Blob],
    /* 0f ClassLayout */ &[Bytes(6), Row(0x02)],
    /* 10 FieldLayout */ &[Bytes(4), Row(0x04)],
    /* 11 StandAloneSig */ &[Blob],
    /* 12 EventMap */ &[Row(0x02), Row(0x14)],
    /* 13 EventPtr */ &[Row(0x14)],
    /* 14 Event */ &[Bytes(2), Text, TYPE_DEF_OR_REF],
    /* 15 PropertyMap */ &[Row(0x02), Row(0x17)],
    /* 16 PropertyPtr */ &[Row(0x17)],
    /* 17 Property */ &[Bytes(2), Text, Blob],
    /* 18 MethodSemantics */ &[Bytes(2), Row(0x06), HAS_SEMANTICS],
    /* 19 MethodImpl */ &[Row(0x02), METHOD_DEF_OR_REF, METHOD_DEF_OR_REF],
    /* 1a ModuleRef */ &[Text],
    /* 1b TypeSpec */ &[Blob],
    /* 1c ImplMap */ &[Bytes(2), MEMBER_FORWARDED, Text, Row(0x1a)],
    /* 1d FieldRVA */ &[Bytes(4), Row(0x04)],
    /* 1e EncLog */ &[Bytes(8)],
    /* 1f EncMap */ &[Bytes(4)],
];

/// What the metadata says of its assembly; none for a module that is only a part of one.
pub fn identity(metadata: &[u8]) -> Result<Option<Identity>, Damaged> {
    let tables = stream(metadata, &[b"#~", b"#-"]).ok_or(Damaged)?;
    let strings = stream(metadata, &[b"#Strings"]).ok_or(Damaged)?;
    let header = Tables::parse(tables).ok_or(Damaged)?;
    if header.rows[ASSEMBLY] == 0 {
        return Ok(None);
    }
    header.assembly(strings).map(Some).ok_or(Damaged)
}

/// A stream of one of these names.
fn stream<'a>(metadata: &'a [u8], names: &[&[u8]]) -> Option<&'a [u8]> {
    if number(metadata, 0, 4)? != SIGNATURE {
        return None;
    }
    let version_length = usize::try_from(number(metadata, 12, 4)?).ok()?;
    let count = number(metadata, version_length.checked_add(18)?, 2)?;
    let mut at = version_length.checked_add(20)?;
    for _ in 0..count.min(MAX_STREAMS) {
        let offset = usize::try_from(number(metadata, at, 4)?).ok()?;
        let size = usize::try_from(number(metadata, at + 4, 4)?).ok()?;
        let name = metadata.get(at + 8..)?;
        let name = name.get(..name.iter().take(32).position(|&b| b == 0)?)?;
        if names.contains(&name) {
            return metadata.get(offset..offset.checked_add(size)?);
        }
        at += 8 + (name.len() + 1).next_multiple_of(4);
    }
    None
}

/// The tables, as their header describes them.
struct Tables<'a> {
    heap_sizes: u64,
    rows: [u64; 64],
    /// Behind the header.
    bytes: &'a [u8],
}

impl<'a> Tables<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let heap_sizes = number(bytes, 6, 1)?;
        let present = number(bytes, 8, 8)?;
        let mut rows = [0; 64];
        let mut at = 24;
        for (table, rows) in rows.iter_mut().enumerate() {
            if present >> table & 1 == 1 {
                *rows = number(bytes, at, 4)?;
                at += 4;
            }
        }
        if heap_sizes & EXTRA_DATA != 0 {
            at += 4;
        }
        Some(Tables {
            heap_sizes,
            rows,
            bytes: bytes.get(at..)?,
        })
    }

    fn assembly(&self, strings: &[u8]) -> Option<Identity> {
        let before = TABLES.iter().zip(self.rows);
        let before: u64 = before
            .map(|(columns, rows)| rows * columns.iter().map(|c| self.width(c)).sum::<u64>())
            .sum();
        let row = self.bytes.get(usize::try_from(before).ok()?..)?;
        let mut version = [0; 4];
        for (part, at) in version.iter_mut().zip((VERSION_AT..).step_by(2)) {
            *part = u16::try_from(number(row, at, 2)?).ok()?;
        }
        let name_at = PUBLIC_KEY_AT + usize::try_from(self.width(&Blob)).ok()?;
        let name = number(row, name_at, self.width(&Text))?;
        let name = strings.get(usize::try_from(name).ok()?..)?;
        let end = name.iter().take(LONGEST_NAME).position(|&b| b == 0)?;
        let name = String::from_utf8(name.get(..end)?.to_vec()).ok()?;
        Some(Identity { name, version })
    }

    /// In bytes.
    fn width(&self, column: &Column) -> u64 {
        let index = |is_wide| if is_wide { 4 } else { 2 };
        match column {
            Bytes(width) => *width,
            Text => index(self.heap_sizes & WIDE_STRINGS != 0),
            Guid => index(self.heap_sizes & WIDE_GUIDS != 0),
            Blob => index(self.heap_sizes & WIDE_BLOBS != 0),
            Row(table) => index(self.rows[*table] >= 1 << 16),
            Coded(tables) => {
                let tag = tables.len().next_power_of_two().trailing_zeros();
                let most = tables.iter().map(|table| self.rows[*table]).max();
                index(most.unwrap_or_default() >= 1 << (16 - tag))
            }
        }
    }
}

/// A little-endian number of up to eight bytes.
fn number(bytes: &[u8], at: usize, width: u64) -> Option<u64> {
    let bytes = bytes.get(at..)?.get(..usize::try_from(width).ok()?)?;
    let shift = |number, byte: &u8| number << 8 | u64::from(*byte);
    Some(bytes.iter().rev().fold(0, shift))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{TableRows, metadata};
    use super::*;

    fn expected(name: &str, version: [u16; 4]) -> Result<Option<Identity>, Damaged> {
        Ok(Some(Identity {
            name: name.to_owned(),
            version,
        }))
    }

    #[test]
    fn an_assembly_tells_its_name_and_version() {
        let bytes = metadata("Invented.Words", [4, 1, 0, 65535], &[]);
        assert_eq!(
            identity(&bytes),
            expected("Invented.Words", [4, 1, 0, 65535])
        );
    }

    #[test]
    fn the_tables_before_it_are_as_wide_as_what_they_point_into() {
        // Rows by table, and the width of all of them by hand: module 10, typeref 6, typedef 14, field 6, method 14,
        // param 6, memberref 6, constant 6, custom attribute 6.
        let narrow: TableRows = &[(0, 1, 10), (1, 3, 6), (2, 2, 14), (4, 5, 6), (6, 7, 14)];
        assert_eq!(
            identity(&metadata("A", [1, 2, 3, 4], narrow)),
            expected("A", [1, 2, 3, 4])
        );
        // With 70,000 methods each row that points to one is two bytes wider; a custom attribute is from 2,048 on.
        let wide: TableRows = &[(2, 1, 16), (6, 70_000, 14), (0x0c, 1, 10), (0x18, 1, 8)];
        assert_eq!(
            identity(&metadata("A", [1, 2, 3, 4], wide)),
            expected("A", [1, 2, 3, 4])
        );
    }

    #[test]
    fn what_stands_behind_the_numbers_of_rows_is_passed_over() {
        let bytes = metadata("A", [1, 2, 3, 4], &[]);
        let mut tables = stream(&bytes, &[b"#~"]).unwrap().to_vec();
        tables[6] = 0x40;
        tables.splice(28..28, [0xff; 4]);
        let identity = Tables::parse(&tables)
            .unwrap()
            .assembly(stream(&bytes, &[b"#Strings"]).unwrap());
        assert_eq!(Ok(identity), expected("A", [1, 2, 3, 4]));
    }

    #[test]
    fn what_is_broken_off_or_lies_is_damaged() {
        let whole = metadata("A", [1, 0, 0, 0], &[(0, 1, 10)]);
        for end in 0..whole.len() - 4 {
            assert!(identity(&whole[..end]).is_err(), "{end}");
        }
        for at in 0..whole.len() {
            let mut lie = whole.clone();
            lie[at] = 0xff;
            let _ = identity(&lie);
        }
        assert_eq!(identity(&[0; 64]), Err(Damaged));
    }
}
