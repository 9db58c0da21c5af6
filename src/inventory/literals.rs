//! Finds some thousand literals in long texts at several gigabytes a second.
//!
//! Every literal has eight bytes or more. So wherever it stands, at least one of the text's positions 0, 4, 8, … lies
//! such that the five bytes there are within these eight. Only those positions are looked at: a bit for a hash of the
//! five bytes says at most of them that no literal has them.

const GRAM: usize = 5;
const STRIDE: usize = 4;
/// The least length of a literal.
const SHORTEST: usize = GRAM + STRIDE - 1;

/// How many positions are looked at together, and the bytes that they need.
const POSITIONS: usize = 4;
const BLOCK: usize = (POSITIONS - 1) * STRIDE + 8;

const HASH_BITS: u32 = 17;
const HASHES: usize = 1 << HASH_BITS;

/// `T` goes with a literal.
pub struct Literals<T> {
    /// Whether literals have five bytes of a hash.
    present: Hashes,
    /// By hash, the first of its entries.
    first: Box<[u16]>,
    /// Sorted by hash.
    entries: Vec<Entry<T>>,
}

struct Entry<T> {
    hash: usize,
    literal: &'static [u8],
    /// Where in the literal its rarest eight bytes stand, and these.
    from: usize,
    part: [u8; SHORTEST],
    /// Where in the literal the five bytes stand.
    offset: usize,
    with: T,
}

impl<T: Copy> Literals<T> {
    /// Literals that are shorter than [`SHORTEST`] are left out.
    pub fn new(literals: impl Iterator<Item = (&'static str, T)>) -> Self {
        let mut entries = Vec::new();
        let common = common_grams();
        for (literal, with) in literals {
            let literal = literal.as_bytes();
            let Some((from, part)) = rarest_part(literal, &common) else {
                continue;
            };
            for offset in from..from + STRIDE {
                let hash = hash(gram(&literal[offset..]));
                entries.push(Entry {
                    hash,
                    literal,
                    from,
                    part,
                    offset,
                    with,
                });
            }
        }
        entries.sort_by_key(|entry| entry.hash);
        let mut present = Hashes::default();
        let mut first = vec![0; HASHES].into_boxed_slice();
        for (index, entry) in entries.iter().enumerate().rev() {
            first[entry.hash] = index as u16;
            present.add(entry.hash);
        }
        Literals {
            present,
            first,
            entries,
        }
    }

    /// Calls `found` with the place of every literal, and what goes with it. Places come nearly in order.
    pub fn find(&self, text: &[u8], mut found: impl FnMut(usize, T)) {
        let mut at = 0;
        // Several positions at a time, as next to none has a literal.
        while let Some(block) = text[at..].first_chunk::<BLOCK>() {
            let hashes = hashes(block);
            let mut any = false;
            for hash in hashes {
                any |= self.present.has(hash);
            }
            if any {
                for (index, hash) in hashes.into_iter().enumerate() {
                    if self.present.has(hash) {
                        self.verify(text, at + index * STRIDE, hash, &mut found);
                    }
                }
            }
            at += POSITIONS * STRIDE;
        }
        for at in (at..text.len()).step_by(STRIDE) {
            self.verify(text, at, hash(gram(&text[at..])), &mut found);
        }
    }

    #[inline(never)]
    fn verify(&self, text: &[u8], at: usize, hash: usize, found: &mut impl FnMut(usize, T)) {
        let first = usize::from(self.first[hash]);
        for entry in self.entries.iter().skip(first) {
            if entry.hash != hash {
                break;
            }
            // Many literals may have the five bytes, and few the eight.
            if let Some(start) = at.checked_sub(entry.offset)
                && text[start + entry.from..].first_chunk() == Some(&entry.part)
                && text[start..].starts_with(entry.literal)
            {
                found(start, entry.with);
            }
        }
    }
}

/// A bit for each hash.
struct Hashes(Box<[u64; HASHES / 64]>);

impl Default for Hashes {
    fn default() -> Self {
        Hashes(Box::new([0; HASHES / 64]))
    }
}

impl Hashes {
    fn add(&mut self, hash: usize) {
        self.0[hash / 64] |= 1 << (hash % 64);
    }

    #[inline(always)]
    fn has(&self, hash: usize) -> bool {
        self.0[hash / 64] >> (hash % 64) & 1 == 1
    }
}

/// The hashes of the first positions of a text.
#[inline(always)]
fn hashes(block: &[u8; BLOCK]) -> [usize; POSITIONS] {
    let eight = |at: usize| {
        let b = &block[at..];
        u64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]])
    };
    [
        hash(eight(0)),
        hash(eight(STRIDE)),
        hash(eight(2 * STRIDE)),
        hash(eight(3 * STRIDE)),
    ]
}

/// Eight bytes, the first of them the lowest; zeros where there are fewer.
fn gram(bytes: &[u8]) -> u64 {
    let mut eight = [0; 8];
    let length = bytes.len().min(8);
    eight[..length].copy_from_slice(&bytes[..length]);
    u64::from_le_bytes(eight)
}

/// Of the lowest five bytes.
#[inline(always)]
fn hash(gram: u64) -> usize {
    let five = gram << (64 - 8 * GRAM);
    (five.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - HASH_BITS)) as usize
}

/// Where in a literal the eight bytes stand that are the least common in code.
fn rarest_part(literal: &[u8], common: &Hashes) -> Option<(usize, [u8; SHORTEST])> {
    let parts = literal.windows(SHORTEST);
    let commonness = |part: &[u8]| {
        let grams = part
            .windows(GRAM)
            .filter(|five| common.has(hash(gram(five))));
        let bytes = part.iter().map(|b| commonness(*b));
        bytes.sum::<u32>() + COMMON_GRAM * grams.count() as u32
    };
    let (at, part) = parts.enumerate().min_by_key(|(_, part)| commonness(part))?;
    Some((at, *part.first_chunk()?))
}

/// Five bytes that are in every other script: those of indentation, and of the words that code is made of.
fn common_grams() -> Hashes {
    const WORDS: &[&str] = &[
        "     ",
        "allocation",
        "arguments",
        "configuration",
        "constant",
        "constructor",
        "default",
        "description",
        "document",
        "element",
        "exports",
        "function(",
        "instance",
        "message",
        "module.exports",
        "number",
        "object",
        "options",
        "parameter",
        "property",
        "prototype",
        "require(",
        "required",
        "response",
        "return ",
        "string",
        "undefined",
        "value",
        "version",
        "windows",
    ];
    let mut common = Hashes::default();
    for word in WORDS.iter().flat_map(|word| word.as_bytes().windows(GRAM)) {
        common.add(hash(gram(word)));
    }
    common
}

/// What such a part costs beside its bytes.
const COMMON_GRAM: u32 = 50;

/// Roughly how common a byte is in JavaScript.
fn commonness(byte: u8) -> u32 {
    match byte {
        b' ' => 20,
        b'e' | b't' => 12,
        b'r' | b'n' | b'i' | b'o' | b'a' | b's' => 10,
        b'c' | b'l' | b'u' | b'd' | b'p' | b'f' | b'h' | b'm' | b'.' | b'(' | b')' => 7,
        b'g' | b'y' | b'b' | b'v' | b'w' | b',' | b'"' | b';' => 5,
        b'x' | b'k' | b'0'..=b'9' | b'=' | b'_' => 3,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WORDS: [&str; 5] = [
        "aaaaaaaa",
        "abababab",
        "bbbbbbbbbbbb",
        "aaaaaaaaab",
        "short",
    ];

    fn found(text: &str) -> Vec<(usize, usize)> {
        let literals = Literals::new(WORDS.into_iter().zip(0..));
        let mut all = Vec::new();
        literals.find(text.as_bytes(), |at, with| all.push((at, with)));
        all.sort();
        all
    }

    fn one_by_one(text: &str) -> Vec<(usize, usize)> {
        let words = WORDS.iter().enumerate().take(4);
        let mut all: Vec<_> = words
            .flat_map(|(index, word)| {
                let starts = 0..text.len();
                let begins = move |at: &usize| text[*at..].starts_with(word);
                starts.filter(begins).map(move |at| (at, index))
            })
            .collect();
        all.sort();
        all
    }

    proptest! {
        #[test]
        fn every_literal_is_found_once_wherever_it_stands(text in "(?:a{1,9}|b{1,13}|(?:ab){1,5}|c){0,12}") {
            prop_assert_eq!(found(&text), one_by_one(&text));
        }
    }
}
