//! The version resource of Windows, which .NET's compilers write into every assembly: texts by name, such as
//! `ProductVersion`, which is what `AssemblyInformationalVersion` says.
//!
//! <https://learn.microsoft.com/windows/win32/menurc/vs-versioninfo>: blocks in blocks, each with its length, the length
//! of its value, whether that is text, and its name in UTF-16.

use std::collections::HashMap;

/// Blocks of one level, far more than honest files have.
const MAX_BLOCKS: usize = 200;

struct Block<'a> {
    name: String,
    value: &'a [u8],
    children: &'a [u8],
}

/// The texts of the first language; none where the resource is no such thing.
pub fn texts(resource: &[u8]) -> HashMap<String, String> {
    let root = blocks(resource).next();
    let root = root.filter(|block| block.name == "VS_VERSION_INFO");
    let mut of_files = root.iter().flat_map(|block| blocks(block.children));
    let of_files = of_files.find(|block| block.name == "StringFileInfo");
    let language = of_files.and_then(|block| blocks(block.children).next());
    let texts = language.iter().flat_map(|block| blocks(block.children));
    texts
        .map(|block| (block.name, utf16(block.value)))
        .collect()
}

fn blocks(mut bytes: &[u8]) -> impl Iterator<Item = Block<'_>> {
    let next = move || {
        let (block, rest) = block(bytes)?;
        bytes = rest;
        Some(block)
    };
    std::iter::from_fn(next).take(MAX_BLOCKS)
}

/// The first block, and what follows it.
fn block(bytes: &[u8]) -> Option<(Block<'_>, &[u8])> {
    const NAME: usize = 6;
    let field = |at: usize| {
        let field = bytes.get(at..)?.first_chunk()?;
        Some(usize::from(u16::from_le_bytes(*field)))
    };
    let (length, value_length, is_text) = (field(0)?, field(2)?, field(4)? == 1);
    let whole = bytes.get(..length).filter(|_| length > NAME)?;
    let name = whole.get(NAME..)?;
    let end = name.chunks_exact(2).position(|unit| unit == [0, 0])? * 2;
    let value_at = (NAME + end + 2).next_multiple_of(4);
    // Of text the length counts units; some compilers count bytes.
    let value_length = value_length * if is_text { 2 } else { 1 };
    let after_name = whole.get(value_at..).unwrap_or_default();
    let value = after_name.get(..value_length).unwrap_or(after_name);
    let block = Block {
        name: utf16(name.get(..end)?),
        value,
        children: after_name
            .get(value.len().next_multiple_of(4)..)
            .unwrap_or_default(),
    };
    let rest = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    Some((block, rest))
}

/// Text up to its end or the first zero.
fn utf16(bytes: &[u8]) -> String {
    let units = bytes
        .chunks_exact(2)
        .map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
    let units: Vec<u16> = units.take_while(|unit| *unit != 0).collect();
    String::from_utf16_lossy(&units)
}

#[cfg(test)]
mod tests {
    use super::super::testing::version_resource;
    use super::*;

    #[test]
    fn texts_are_told_by_name() {
        let resource = version_resource(&[
            ("CompanyName", "Invented"),
            ("ProductVersion", "1.2.3-rc.1+0a1b"),
            ("Empty", ""),
            ("ProductName", "Wörter® .NET"),
        ]);
        let texts = texts(&resource);
        assert_eq!(texts["ProductVersion"], "1.2.3-rc.1+0a1b");
        assert_eq!(texts["ProductName"], "Wörter® .NET");
        assert_eq!(texts["Empty"], "");
        assert_eq!(texts.len(), 4);
    }

    #[test]
    fn what_is_broken_off_or_lies_does_no_harm() {
        let whole = version_resource(&[("ProductVersion", "1.2.3")]);
        for end in 0..whole.len() {
            let _ = texts(&whole[..end]);
        }
        for at in 0..whole.len() {
            for lie in [0, 1, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] = lie;
                let _ = texts(&bytes);
            }
        }
        assert!(texts(&[7; 100]).is_empty());
    }
}
