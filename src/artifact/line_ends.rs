//! A text as it would be with other ends of its lines: who commits installed packages to Git may have them turned.

use memchr::memchr_iter;
use sha2::{Digest, Sha256};

/// Digests of what is read with every line ended by `\n`, and with every line ended by `\r\n`.
#[derive(Default)]
pub struct LineEnds {
    lf: Sha256,
    crlf: Sha256,
    /// Whether a `\r` was read of which it is not known yet what follows it.
    is_open: bool,
}

impl LineEnds {
    pub fn update(&mut self, bytes: &[u8]) {
        let Some(&first) = bytes.first() else { return };
        if std::mem::take(&mut self.is_open) && first != b'\n' {
            self.both(b"\r");
        }
        let mut start = 0;
        for end in memchr_iter(b'\n', bytes) {
            let line = &bytes[start..end];
            self.both(line.strip_suffix(b"\r").unwrap_or(line));
            self.lf.update(b"\n");
            self.crlf.update(b"\r\n");
            start = end + 1;
        }
        let rest = &bytes[start..];
        self.is_open = rest.ends_with(b"\r");
        self.both(rest.strip_suffix(b"\r").unwrap_or(rest));
    }

    fn both(&mut self, bytes: &[u8]) {
        self.lf.update(bytes);
        self.crlf.update(bytes);
    }

    pub fn finish(mut self) -> [[u8; 32]; 2] {
        if self.is_open {
            self.both(b"\r");
        }
        [self.lf, self.crlf].map(|digest| digest.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_known_however_the_text_is_cut() {
        let digest = |text: &str| -> [u8; 32] { Sha256::digest(text).into() };
        let forms = [
            digest("a\nb\r c\n\n\rd\r"),
            digest("a\r\nb\r c\r\n\r\n\rd\r"),
        ];
        for text in [
            "a\nb\r c\n\n\rd\r",
            "a\r\nb\r c\r\n\r\n\rd\r",
            "a\r\nb\r c\n\r\n\rd\r",
        ] {
            for cut in 0..=text.len() {
                let mut ends = LineEnds::default();
                ends.update(&text.as_bytes()[..cut]);
                ends.update(&text.as_bytes()[cut..]);
                assert_eq!(ends.finish(), forms, "{text:?} cut at {cut}");
            }
        }
    }
}
