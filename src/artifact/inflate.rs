//! Deflate, with the decoder of the entry that a thread read before: to make one costs more than to unpack most entries.

use std::cell::Cell;
use std::io::{self, Read};

use flate2::bufread::DeflateDecoder;

use super::source::{Slice, Source};

thread_local! {
    static SPARE: Cell<Option<DeflateDecoder<Slice>>> = const { Cell::new(None) };
}

/// Unpacks a part of a [`Source`].
pub struct Inflate(Option<DeflateDecoder<Slice>>);

impl Inflate {
    pub fn new(packed: Slice) -> Self {
        Inflate(Some(match SPARE.take() {
            Some(mut decoder) => {
                *decoder.get_mut() = packed;
                decoder
            }
            None => DeflateDecoder::new(packed),
        }))
    }
}

impl Read for Inflate {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.0.as_mut().map_or(Ok(0), |decoder| decoder.read(out))
    }
}

impl Drop for Inflate {
    fn drop(&mut self) {
        if let Some(mut decoder) = self.0.take() {
            // Nothing of the archive is held on to.
            decoder.reset(Source::memory(Vec::new()).slice(0, 0));
            SPARE.set(Some(decoder));
        }
    }
}
