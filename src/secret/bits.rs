//! 64 bytes as 64 bits: which of them are of a class. The bit of the first byte is the lowest.
//!
//! Conditions are written so that the compiler turns them into vector instructions: no branch, no table. It does not
//! know how to make bits of what they say, for which processors have an instruction.

use multiversion::multiversion;
use multiversion::target::match_target;

/// The bytes, with zeros behind them; 64 at most.
pub fn padded(bytes: &[u8]) -> [u8; 64] {
    let mut block = [0; 64];
    block[..bytes.len()].copy_from_slice(bytes);
    block
}

/// Of each block, those that a run may hold: [`super::prefilter::is_run_byte`].
#[multiversion(targets("x86_64+avx2+bmi1+bmi2+popcnt+lzcnt"))]
pub fn of_runs(blocks: &[[u8; 64]], bits: &mut [u64]) {
    let pack =
        match_target! { "x86_64+avx2" => |flags: &Flags| packed_by_avx2(flags), _ => packed };
    for (bits, block) in bits.iter_mut().zip(blocks) {
        *bits = of(block, pack, |b| {
            // `/` is the one before `0`.
            let digit_or_slash = b.wrapping_sub(b'/') < 11;
            let letter = (b | 0x20).wrapping_sub(b'a') < 26;
            letter | digit_or_slash | (b == b'_') | (b == b'-') | (b == b'+')
        });
    }
}

/// Letters and digits.
#[derive(Clone, Copy)]
pub struct Letters {
    pub upper: u64,
    pub lower: u64,
    pub digits: u64,
}

#[multiversion(targets("x86_64+avx2+bmi1+bmi2+popcnt+lzcnt"))]
pub fn letters(block: &[u8; 64]) -> Letters {
    let pack =
        match_target! { "x86_64+avx2" => |flags: &Flags| packed_by_avx2(flags), _ => packed };
    Letters {
        upper: of(block, pack, |b| b.wrapping_sub(b'A') < 26),
        lower: of(block, pack, |b| b.wrapping_sub(b'a') < 26),
        digits: of(block, pack, |b| b.wrapping_sub(b'0') < 10),
    }
}

/// Where a word may begin: behind or at what is no letter or digit, at the humps of `camelCase`, and behind an escape
/// (`\n`, `\x3d`, `\u003d`, `%3D`). Those of the first bytes depend on what is not seen here.
#[multiversion(targets("x86_64+avx2+bmi1+bmi2+popcnt+lzcnt"))]
pub fn of_edges(block: &[u8; 64], binary: bool) -> u64 {
    let pack =
        match_target! { "x86_64+avx2" => |flags: &Flags| packed_by_avx2(flags), _ => packed };
    let upper = of(block, pack, |b| b.wrapping_sub(b'A') < 26);
    let lower_or_digit = of(block, pack, |b| {
        (b.wrapping_sub(b'a') < 26) | (b.wrapping_sub(b'0') < 10)
    });
    let word = upper | lower_or_digit;
    let escape = of(block, pack, |b| b == b'\\');
    let percent = of(block, pack, |b| b == b'%');
    let hump = upper & lower_or_digit << 1;
    let mut edges =
        !(word & word << 1) | hump | escape << 2 | escape << 4 | escape << 6 | percent << 3;
    if binary {
        // Constants of Python have a type and a length before them.
        edges |= of(block, pack, |b| matches!(b, b'z' | b'Z' | 0xfa | 0xda)) << 2;
    }
    edges
}

/// 255 for each byte that is of the class, else 0.
type Flags = [u8; 64];

#[inline(always)]
fn of(block: &[u8; 64], pack: impl Fn(&Flags) -> u64, is: impl Fn(u8) -> bool) -> u64 {
    let mut flags = [0; 64];
    for (flag, &b) in flags.iter_mut().zip(block) {
        *flag = u8::from(is(b)).wrapping_neg();
    }
    pack(&flags)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
#[inline]
fn packed_by_avx2(flags: &Flags) -> u64 {
    use std::arch::x86_64::{_mm_movemask_epi8, _mm_set_epi64x};
    let mut bits = 0;
    // By sixteen: of these the compiler knows that they are still in a register, and it joins two where it can.
    for (at, sixteen) in flags.as_chunks::<16>().0.iter().enumerate() {
        let both = u128::from_le_bytes(*sixteen);
        let vector = _mm_set_epi64x((both >> 64) as i64, both as i64);
        bits |= u64::from(_mm_movemask_epi8(vector) as u16) << (16 * at);
    }
    bits
}

/// The same for any processor.
#[inline(always)]
fn packed(flags: &Flags) -> u64 {
    // Bit k of byte j is of the byte 8k + j of the block.
    let mut bits = 0;
    for (k, eight) in flags.as_chunks::<8>().0.iter().enumerate() {
        bits |= u64::from_le_bytes(*eight) & (0x0101_0101_0101_0101 << k);
    }
    transposed(bits)
}

/// Swaps rows and columns of a matrix of eight by eight bits: Hacker's Delight, section 7-3.
#[inline(always)]
fn transposed(mut bits: u64) -> u64 {
    for (shift, which) in [
        (7, 0x00aa_00aa_00aa_00aa),
        (14, 0x0000_cccc_0000_cccc),
        (28, 0x0000_0000_f0f0_f0f0),
    ] {
        let differ = (bits ^ bits >> shift) & which;
        bits ^= differ ^ differ << shift;
    }
    bits
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::secret::prefilter::is_run_byte;

    #[test]
    fn every_byte_has_its_bit_and_is_of_its_class() {
        for b in 0..=255u8 {
            for at in 0..64 {
                let mut block = [b' '; 64];
                block[at] = b;
                let bit = |is: bool| u64::from(is) << at;
                let mut runs = [0];
                of_runs(&[block], &mut runs);
                assert_eq!(runs[0], bit(is_run_byte(b)), "{b:?}");
                let letters = letters(&block);
                assert_eq!(letters.upper, bit(b.is_ascii_uppercase()), "{b:?}");
                assert_eq!(letters.lower, bit(b.is_ascii_lowercase()), "{b:?}");
                assert_eq!(letters.digits, bit(b.is_ascii_digit()), "{b:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn every_processor_packs_alike(which in any::<u64>()) {
            let mut flags = [0; 64];
            for (at, flag) in flags.iter_mut().enumerate() {
                *flag = ((which >> at & 1) as u8).wrapping_neg();
            }
            prop_assert_eq!(packed(&flags), which);
        }
    }
}
