//! Small executables for tests, laid out by hand.

/// Sections by name and content. Every one is loaded at its offset in the file behind `BASE`.
type Sections<'a> = &'a [(&'a str, &'a [u8])];

/// The address of the file's first byte.
pub const BASE: u64 = 0x40_0000;

/// Lays out little-endian numbers, each of the given width in bytes.
pub fn numbers(fields: &[(usize, usize)]) -> Vec<u8> {
    let bytes = |&(value, width): &(usize, usize)| value.to_le_bytes()[..width].to_vec();
    fields.iter().flat_map(bytes).collect()
}

fn padded(text: &[u8], width: usize) -> Vec<u8> {
    let mut bytes = text.to_vec();
    bytes.resize(width, 0);
    bytes
}

/// The contents one after the other from `start` on, each at a multiple of 16, and where they begin.
fn laid_out(sections: Sections, start: usize) -> (Vec<u8>, Vec<usize>) {
    let mut bytes = Vec::new();
    let mut offsets = Vec::new();
    for (_, content) in sections {
        bytes.resize((start + bytes.len()).next_multiple_of(16) - start, 0);
        offsets.push(start + bytes.len());
        bytes.extend_from_slice(content);
    }
    (bytes, offsets)
}

/// Whether a program loads such a section.
fn is_loaded(name: &str) -> bool {
    !matches!(name, ".comment" | ".strtab") && !name.starts_with(".debug")
}

/// A 64-bit ELF file: header, one program header, sections, their names, section headers.
pub fn elf(sections: Sections) -> Vec<u8> {
    let start = 64 + 56;
    let (content, offsets) = laid_out(sections, start);
    let mut names = b"\0".to_vec();
    let mut headers = vec![0; 64];
    for ((name, section), offset) in sections.iter().zip(offsets) {
        let flags = if is_loaded(name) { 2 } else { 0 };
        let fields = [(names.len(), 4), (1, 4), (flags, 8)];
        headers.extend(numbers(&fields));
        let address = BASE as usize + offset;
        headers.extend(numbers(&[(address, 8), (offset, 8), (section.len(), 8)]));
        headers.extend([0; 24]);
        names.extend([name.as_bytes(), b"\0"].concat());
    }
    let names_at = start + content.len();
    let fields = [(0, 4), (3, 4), (0, 8), (0, 8)];
    headers.extend(numbers(&fields));
    headers.extend(numbers(&[(names_at, 8), (names.len(), 8)]));
    headers.extend([0; 24]);
    let headers_at = names_at + names.len();
    let entry = [(2, 2), (62, 2), (1, 4), (0, 8), (64, 8), (headers_at, 8)];
    let sizes = [(0, 4), (64, 2), (56, 2), (1, 2), (64, 2)];
    let counts = [(sections.len() + 2, 2), (sections.len() + 1, 2)];
    let base = BASE as usize;
    let segment = [(1, 4), (4, 4), (0, 8), (base, 8), (base, 8)];
    let segment_sizes = [(headers_at, 8), (headers_at, 8), (16, 8)];
    [
        padded(b"\x7fELF\x02\x01\x01", 16),
        numbers(&entry),
        numbers(&sizes),
        numbers(&counts),
        numbers(&segment),
        numbers(&segment_sizes),
        content,
        names,
        headers,
    ]
    .concat()
}

/// A 64-bit PE file: DOS header, PE headers without directories, section headers, sections.
pub fn pe(sections: Sections) -> Vec<u8> {
    let optional_header = 112;
    let start = 64 + 24 + optional_header + 40 * sections.len();
    let (content, offsets) = laid_out(sections, start);
    let mut headers = Vec::new();
    for ((name, section), offset) in sections.iter().zip(offsets) {
        headers.extend(padded(name.as_bytes(), 8));
        let size = section.len();
        headers.extend(numbers(&[(size, 4), (offset, 4), (size, 4), (offset, 4)]));
        headers.extend(numbers(&[(0, 8), (0, 4), (0x4000_0040, 4)]));
    }
    let mut optional = padded(b"\x0b\x02", optional_header);
    optional[24..32].copy_from_slice(&BASE.to_le_bytes());
    let counts = [(0x8664, 2), (sections.len(), 2), (0, 4), (0, 4), (0, 4)];
    [
        padded(b"MZ", 60),
        numbers(&[(64, 4)]),
        b"PE\0\0".to_vec(),
        numbers(&counts),
        numbers(&[(optional_header, 2), (0, 2)]),
        optional,
        headers,
        content,
    ]
    .concat()
}

/// A 64-bit Mach-O file: header, one segment with its section headers, sections.
pub fn macho(sections: Sections) -> Vec<u8> {
    let commands = 72 + 80 * sections.len();
    let start = 32 + commands;
    let (content, offsets) = laid_out(sections, start);
    let mut headers = Vec::new();
    for ((name, section), offset) in sections.iter().zip(offsets) {
        headers.extend(padded(name.as_bytes(), 16));
        headers.extend(padded(b"__DATA", 16));
        let address = BASE as usize + offset;
        headers.extend(numbers(&[(address, 8), (section.len(), 8), (offset, 4)]));
        headers.extend([0; 28]);
    }
    let end = start + content.len();
    let base = BASE as usize;
    [
        b"\xcf\xfa\xed\xfe".to_vec(),
        numbers(&[(0x0100_000c, 4), (0, 4), (2, 4), (1, 4)]),
        numbers(&[(commands, 4), (0, 8), (0x19, 4), (commands, 4)]),
        padded(b"__DATA", 16),
        numbers(&[(base, 8), (end, 8), (0, 8), (end, 8), (0, 8)]),
        numbers(&[(sections.len(), 4), (0, 4)]),
        headers,
        content,
    ]
    .concat()
}

/// A universal Mach-O file. Its own numbers are big-endian.
pub fn fat(images: &[Vec<u8>]) -> Vec<u8> {
    let mut header = vec![0xcafe_babe_u32, images.len() as u32];
    let mut offset = 8 + 20 * images.len();
    for image in images {
        header.extend([0x0100_000c, 0, offset as u32, image.len() as u32, 0]);
        offset += image.len();
    }
    let header = header.into_iter().flat_map(u32::to_be_bytes);
    header.chain(images.concat()).collect()
}
