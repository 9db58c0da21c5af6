//! How random a value is.

/// Shannon entropy in bits a byte, over the value's own bytes.
pub fn shannon(value: &[u8]) -> f32 {
    let mut counts = [0u32; 256];
    for &b in value {
        counts[usize::from(b)] += 1;
    }
    let total = value.len() as f32;
    let bits = |&count: &u32| {
        let share = count as f32 / total;
        -share * share.log2()
    };
    counts.iter().filter(|&&count| count > 0).map(bits).sum()
}

/// The most that [`shannon`] can be for a value of this length.
pub fn most(length: usize) -> f32 {
    (length.max(1) as f32).log2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_is_that_of_the_distribution() {
        assert_eq!(shannon(b"aaaaaaaa"), 0.0);
        assert_eq!(shannon(b"abababab"), 1.0);
        assert_eq!(shannon(b"abcdefgh"), 3.0);
        assert_eq!(shannon(b""), 0.0);
        assert_eq!(most(8), 3.0);
    }
}
