//! Zstandard streams: any number of frames, skippable ones among them (RFC 8878 section 3.1).

use std::io::{self, BufRead, Read};

use ruzstd::decoding::FrameDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};

/// The decoder that `ruzstd` offers stops after one frame; this one goes on to the end.
pub struct ZstdReader<R> {
    packed: R,
    decoder: FrameDecoder,
    in_frame: bool,
}

impl<R: BufRead> ZstdReader<R> {
    /// `max_window` bounds the memory that a frame may ask for.
    pub fn new(packed: R, max_window: u64) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(max_window);
        ZstdReader {
            packed,
            decoder,
            in_frame: false,
        }
    }

    /// Reads the next frame's header; false where the stream ends instead.
    fn next_frame(&mut self) -> io::Result<bool> {
        while !self.packed.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.packed) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let length = u64::from(length);
                    let skipped = io::copy(&mut (&mut self.packed).take(length), &mut io::sink())?;
                    if skipped < length {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
        Ok(false)
    }
}

impl<R: BufRead> Read for ZstdReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        use ruzstd::decoding::BlockDecodingStrategy::UptoBlocks;
        loop {
            if !self.in_frame {
                if !self.next_frame()? {
                    return Ok(0);
                }
                self.in_frame = true;
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                self.decoder
                    .decode_blocks(&mut self.packed, UptoBlocks(1))
                    .map_err(io::Error::other)?;
            }
            let n = self.decoder.read(out)?;
            if n > 0 || out.is_empty() {
                return Ok(n);
            }
            self.in_frame = !self.decoder.is_finished();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame with one raw block, as RFC 8878 lays it out: single segment, no checksum.
    fn frame(content: &[u8]) -> Vec<u8> {
        let size = u8::try_from(content.len()).unwrap();
        let block_header = (u32::from(size) << 3 | 1).to_le_bytes();
        let mut out = vec![0x28, 0xB5, 0x2F, 0xFD, 0x20, size];
        out.extend(&block_header[..3]);
        out.extend(content);
        out
    }

    fn unpack(packed: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        ZstdReader::new(packed, 1 << 20).read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn frames_follow_one_another_and_skippable_ones_are_skipped() {
        let mut packed = frame(b"one ");
        packed.extend([0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 9, 9, 9]);
        packed.extend(frame(b"two"));
        assert_eq!(unpack(&packed).unwrap(), b"one two");
    }

    #[test]
    fn a_cut_stream_is_an_error() {
        let packed = frame(b"content");
        for end in 1..packed.len() {
            assert!(unpack(&packed[..end]).is_err(), "cut after {end} bytes");
        }
        let skippable = [0x50, 0x2A, 0x4D, 0x18, 9, 0, 0, 0, 1];
        assert!(unpack(&skippable).is_err());
    }
}
