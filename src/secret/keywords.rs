//! Finds which of some thousand literals begin at which place of a short text.
//!
//! A bit for a hash of the first three bytes says at most places that none does. Making the table takes a
//! fraction of a millisecond, and an automaton over the same words many.

const HASHES: usize = 1 << 16;

/// `T` goes with a word.
pub struct Keywords<T> {
    /// Whether words have this hash.
    present: Bits,
    /// Whether words have it that may begin within a token.
    within: Bits,
    /// By hash, the first of its words.
    first: Box<[u16]>,
    /// Sorted by the hash.
    words: Vec<Word<T>>,
}

struct Word<T> {
    hash: u16,
    /// The first three bytes, the first of them the lowest: nearly all others of the same hash differ here.
    key: u32,
    text: Box<[u8]>,
    with: T,
}

impl<T: Copy> Keywords<T> {
    /// Words with whether they may begin within a token, and what goes with them. They have three bytes or
    /// more; shorter ones are left out.
    pub fn new<'w>(words: impl Iterator<Item = (&'w [u8], bool, T)>) -> Self {
        let mut present = Bits::new();
        let mut within = Bits::new();
        let mut sorted = Vec::new();
        for (word, may_be_within, with) in words {
            if let Some(&[a, b, c]) = word.first_chunk() {
                let key = u32::from_le_bytes([a, b, c, 0]);
                let hash = hash(key);
                present.set(hash);
                if may_be_within {
                    within.set(hash);
                }
                sorted.push(Word {
                    hash,
                    key,
                    text: word.into(),
                    with,
                });
            }
        }
        sorted.sort_by_key(|word: &Word<T>| word.hash);
        let mut first = vec![0; HASHES].into_boxed_slice();
        for (index, word) in sorted.iter().enumerate().rev() {
            first[usize::from(word.hash)] = index as u16;
        }
        Keywords {
            present,
            within,
            first,
            words: sorted,
        }
    }

    /// Calls `found` with the place and what goes with the word, for every word that begins in `from..to`.
    /// `begins` says whether a token may begin at a place.
    pub fn find(
        &self,
        bytes: &[u8],
        from: usize,
        to: usize,
        begins: impl Fn(usize) -> bool,
        mut found: impl FnMut(usize, T),
    ) {
        for at in from..to {
            self.find_at(bytes, at, &begins, &mut found);
        }
    }

    /// The same for the words that begin at one place.
    #[inline]
    pub fn find_at(
        &self,
        bytes: &[u8],
        at: usize,
        begins: impl Fn(usize) -> bool,
        found: impl FnMut(usize, T),
    ) {
        let Some(&[a, b, c]) = bytes.get(at..).and_then(|rest| rest.first_chunk()) else {
            return;
        };
        let key = u32::from_le_bytes([a, b, c, 0]);
        let hash = hash(key);
        if self.present.has(hash) && (self.within.has(hash) || begins(at)) {
            self.verify(bytes, at, (hash, key), found);
        }
    }

    #[inline(never)]
    fn verify(
        &self,
        bytes: &[u8],
        at: usize,
        (hash, key): (u16, u32),
        mut found: impl FnMut(usize, T),
    ) {
        let first = usize::from(self.first[usize::from(hash)]);
        for word in &self.words[first..] {
            if word.hash != hash {
                break;
            }
            if word.key == key && bytes[at..].starts_with(&word.text) {
                found(at, word.with);
            }
        }
    }
}

/// Of three bytes, the first of them the lowest.
#[inline]
fn hash(key: u32) -> u16 {
    (key.wrapping_mul(0x9e37_79b1) >> 16) as u16
}

/// A bit for each hash.
struct Bits(Box<[u64; HASHES / 64]>);

impl Bits {
    fn new() -> Self {
        Bits(Box::new([0; HASHES / 64]))
    }

    fn set(&mut self, hash: u16) {
        self.0[usize::from(hash / 64)] |= 1 << (hash % 64);
    }

    #[inline]
    fn has(&self, hash: u16) -> bool {
        self.0[usize::from(hash / 64)] >> (hash % 64) & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(
        keywords: &Keywords<usize>,
        from: usize,
        to: usize,
        begins: bool,
    ) -> Vec<(usize, usize)> {
        let mut all = Vec::new();
        keywords.find(
            b"-abcd-xyz",
            from,
            to,
            |_| begins,
            |at, with| all.push((at, with)),
        );
        all
    }

    #[test]
    fn words_are_found_wherever_they_begin() {
        let words: [&[u8]; 5] = [b"abc", b"abcd", b"bcd", b"xyz", b"no"];
        let words = words
            .into_iter()
            .zip(0..)
            .map(|(word, index)| (word, index == 2, index));
        let keywords = Keywords::new(words);
        assert_eq!(
            found(&keywords, 0, 9, true),
            [(1, 0), (1, 1), (2, 2), (6, 3)]
        );
        assert_eq!(found(&keywords, 2, 5, true), [(2, 2)]);
        assert_eq!(found(&keywords, 0, 9, false), [(2, 2)]);
    }
}
