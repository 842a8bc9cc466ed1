//! Zstandard streams (RFC 8878): frame after frame, those to be skipped skipped. Holds no more than a frame's window.

use std::io::{self, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::{DICTIONARY, place};

/// All frames of a stream, one after the other.
pub(super) struct Frames<'x> {
    rest: &'x [u8],
    decoder: FrameDecoder,
    /// Whether a frame has begun.
    within: bool,
}

impl<'x> Frames<'x> {
    pub fn new(bytes: &'x [u8]) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(u64::from(DICTIONARY));
        Self { rest: bytes, decoder, within: false }
    }

    /// Begins the next frame; none at the end.
    fn begin(&mut self) -> io::Result<bool> {
        while !self.rest.is_empty() {
            match self.decoder.reset(&mut self.rest) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    self.rest = self.rest.get(place(u64::from(length))..).unwrap_or_default();
                }
                Err(_) => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
        Ok(false)
    }
}

impl Read for Frames<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.within {
                self.within = self.begin()?;
                if !self.within {
                    return Ok(0);
                }
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let strategy = BlockDecodingStrategy::UptoBytes(buffer.len());
                self.decoder
                    .decode_blocks(&mut self.rest, strategy)
                    .map_err(|_| io::ErrorKind::InvalidData)?;
            }
            let read = self.decoder.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            self.within = false;
        }
    }
}
