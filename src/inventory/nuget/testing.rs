//! Small .NET assemblies for tests, laid out by hand.

use crate::inventory::binary::testing::numbers;

/// The number of a table, how many rows it has, and how wide each is.
pub type TableRows<'a> = &'a [(usize, usize, usize)];

/// Where the one section of an assembly begins, in the file and in memory.
const SECTION: usize = 512;
const DIRECTORIES: usize = 16;

fn padded(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// Metadata with a row of `Assembly`, behind empty rows of other tables.
pub fn metadata(name: &str, version: [u16; 4], before: TableRows) -> Vec<u8> {
    let strings = padded([b"\0", name.as_bytes(), b"\0"].concat());
    let mut present = 1_usize << 0x20;
    let (mut counts, mut rows) = (Vec::new(), Vec::new());
    for &(table, count, width) in before {
        present |= 1 << table;
        counts.extend(numbers(&[(count, 4)]));
        rows.resize(rows.len() + count * width, 0);
    }
    counts.extend(numbers(&[(1, 4)]));
    rows.extend(numbers(&[(0x8004, 4)]));
    rows.extend(version.into_iter().flat_map(u16::to_le_bytes));
    rows.extend(numbers(&[(0, 4), (0, 2), (1, 2), (0, 2)]));
    let header = numbers(&[(0, 4), (2, 1), (0, 1), (0, 1), (1, 1), (present, 8), (0, 8)]);
    let tables = padded([header, counts, rows].concat());
    let streams = [
        (b"#~\0\0".as_slice(), &tables),
        (b"#Strings\0\0\0\0", &strings),
    ];
    let mut offset = 32
        + streams
            .iter()
            .map(|(name, _)| 8 + name.len())
            .sum::<usize>();
    let mut bytes = numbers(&[(0x424a_5342, 4), (1, 2), (1, 2), (0, 4), (12, 4)]);
    bytes.extend(b"v4.0.30319\0\0");
    bytes.extend(numbers(&[(0, 2), (streams.len(), 2)]));
    for (name, stream) in streams {
        bytes.extend(numbers(&[(offset, 4), (stream.len(), 4)]));
        bytes.extend(name);
        offset += stream.len();
    }
    [bytes, tables, strings].concat()
}

fn utf16(text: &str) -> Vec<u8> {
    let units = text.encode_utf16().chain([0]);
    units.flat_map(u16::to_le_bytes).collect()
}

fn block(name: &str, value: &[u8], is_text: bool, children: &[Vec<u8>]) -> Vec<u8> {
    let name = utf16(name);
    let mut body = vec![0; 6];
    body.extend(name);
    let mut body = padded(body);
    body.extend(value);
    for child in children {
        body = padded(body);
        body.extend(child);
    }
    let value = if is_text {
        value.len() / 2
    } else {
        value.len()
    };
    let header = numbers(&[(body.len(), 2), (value, 2), (is_text.into(), 2)]);
    body[..6].copy_from_slice(&header);
    body
}

/// A version resource with these texts.
pub fn version_resource(texts: &[(&str, &str)]) -> Vec<u8> {
    let texts = texts
        .iter()
        .map(|(name, text)| block(name, &utf16(text), true, &[]));
    let language = block("000004b0", &[], true, &texts.collect::<Vec<_>>());
    let of_files = block("StringFileInfo", &[], true, &[language]);
    block("VS_VERSION_INFO", &[0; 52], false, &[of_files])
}

/// The tree of resources with one in it, which lies at `rva`.
fn resources(rva: usize, resource: &[u8]) -> Vec<u8> {
    const VERSION: usize = 16;
    let level =
        |id: usize, offset: usize| numbers(&[(0, 8), (0, 4), (0, 2), (1, 2), (id, 4), (offset, 4)]);
    let table = |offset: usize| offset | 1 << 31;
    let levels = [level(VERSION, table(24)), level(1, table(48)), level(0, 72)].concat();
    let data = numbers(&[(rva + 88, 4), (resource.len(), 4), (0, 8)]);
    [levels, data, resource.to_vec()].concat()
}

/// A PE file with metadata and a version resource.
pub fn assembly(metadata: &[u8], texts: &[(&str, &str)]) -> Vec<u8> {
    const CLI_HEADER: usize = 72;
    let metadata = padded(metadata.to_vec());
    let metadata_at = SECTION + CLI_HEADER;
    let resources_at = metadata_at + metadata.len();
    let resources = resources(resources_at, &version_resource(texts));
    let mut cli_header = numbers(&[(72, 4), (2, 2), (5, 2)]);
    cli_header.extend(numbers(&[(metadata_at, 4), (metadata.len(), 4)]));
    cli_header.resize(CLI_HEADER, 0);
    let content = [cli_header, metadata, resources.clone()].concat();

    let mut directories = vec![0; DIRECTORIES * 8];
    directories[16..24].copy_from_slice(&numbers(&[(resources_at, 4), (resources.len(), 4)]));
    directories[112..120].copy_from_slice(&numbers(&[(SECTION, 4), (CLI_HEADER, 4)]));
    let mut optional = numbers(&[(0x10b, 2)]);
    optional.resize(92, 0);
    optional.extend(numbers(&[(DIRECTORIES, 4)]));
    optional.extend(directories);
    let mut file = b"MZ".to_vec();
    file.resize(60, 0);
    file.extend(numbers(&[(64, 4)]));
    file.extend(b"PE\0\0");
    file.extend(numbers(&[(0x14c, 2), (1, 2), (0, 8), (0, 4)]));
    file.extend(numbers(&[(optional.len(), 2), (0x2102, 2)]));
    file.extend(optional);
    file.extend(b".text\0\0\0");
    file.extend(numbers(&[
        (content.len(), 4),
        (SECTION, 4),
        (content.len(), 4),
        (SECTION, 4),
    ]));
    file.extend(numbers(&[(0, 8), (0, 4), (0x6000_0020, 4)]));
    file.resize(SECTION, 0);
    file.extend(content);
    file
}
