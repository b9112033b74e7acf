//! zstd streams of any number of frames.

use std::io::{self, BufRead, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::limits::MAX_ZSTD_WINDOW_BYTES;

/// An empty last block and room for a checksum: what the decoder is told to follow where the real
/// stream breaks off. It holds the last window of output back for references of later blocks,
/// often megabytes, and lets go of it only at the end of a frame.
const FRAME_END: [u8; 7] = [1, 0, 0, 0, 0, 0, 0];

/// Decompresses frame after frame.
///
/// Everything that was decompressed before an error is read before the error is returned.
pub(super) struct ZstdFrames<R> {
    source: R,
    decoder: FrameDecoder,
    place: Place,
}

enum Place {
    BetweenFrames,
    InFrame,
    /// What came before the error is still being read.
    Failing(io::Error),
    Over,
}

// === impl ZstdFrames ===

impl<R: BufRead> ZstdFrames<R> {
    pub(super) fn new(source: R) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(MAX_ZSTD_WINDOW_BYTES);
        Self { source, decoder, place: Place::BetweenFrames }
    }

    /// The place after one step: a frame header, a block, or the end of a frame.
    fn step(&mut self, place: Place) -> Place {
        let next = match place {
            Place::BetweenFrames => self.next_frame(),
            Place::InFrame if self.decoder.is_finished() => self.frame_end(),
            Place::InFrame => self.block(),
            Place::Failing(_) | Place::Over => Ok(Place::Over),
        };
        next.unwrap_or_else(|failure| {
            // Without effect where no frame has begun.
            drop(self.decoder.decode_blocks(&FRAME_END[..], BlockDecodingStrategy::All));
            Place::Failing(failure)
        })
    }

    fn next_frame(&mut self) -> io::Result<Place> {
        if self.source.fill_buf()?.is_empty() {
            return Ok(Place::Over);
        }
        match self.decoder.reset(&mut self.source) {
            Ok(()) => Ok(Place::InFrame),
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                length,
                ..
            })) => {
                let length = u64::from(length);
                let skipped = io::copy(&mut (&mut self.source).take(length), &mut io::sink())?;
                if skipped < length {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                Ok(Place::BetweenFrames)
            }
            Err(failure) => Err(io::Error::other(failure)),
        }
    }

    fn block(&mut self) -> io::Result<Place> {
        self.decoder
            .decode_blocks(&mut self.source, BlockDecodingStrategy::UptoBlocks(1))
            .map_err(io::Error::other)?;
        Ok(Place::InFrame)
    }

    /// Compares the checksum, which the decoder leaves to its user.
    fn frame_end(&self) -> io::Result<Place> {
        match (self.decoder.get_checksum_from_data(), self.decoder.get_calculated_checksum()) {
            (Some(claimed), Some(calculated)) if claimed != calculated => {
                Err(io::Error::other("the checksum of a zstd frame does not match its content"))
            }
            _ => Ok(Place::BetweenFrames),
        }
    }
}

impl<R: BufRead> Read for ZstdFrames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if self.decoder.can_collect() > 0 {
                return self.decoder.read(buffer);
            }
            match std::mem::replace(&mut self.place, Place::Over) {
                Place::Over => return Ok(0),
                Place::Failing(failure) => return Err(failure),
                place => self.place = self.step(place),
            }
        }
    }
}
