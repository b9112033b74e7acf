//! A capture that comes from a pipe or a decompressor.

use std::fmt;
use std::io::{self, Read};

/// Bytes in order, as many at a time as wanted.
pub(super) struct CaptureStream {
    reader: Box<dyn Read + Send>,
    /// Read, but not taken yet. It begins at `position`.
    buffer: Vec<u8>,
    position: u64,
    ended: bool,
    failure: Option<io::Error>,
}

// === impl CaptureStream ===

impl CaptureStream {
    pub(super) fn new(reader: Box<dyn Read + Send>) -> Self {
        Self { reader, buffer: Vec::new(), position: 0, ended: false, failure: None }
    }

    /// Reads until `n` bytes are at hand, or to the end.
    pub(super) fn fill(&mut self, n: usize) {
        let missing = n.saturating_sub(self.buffer.len());
        if self.ended || missing == 0 {
            return;
        }
        self.buffer.reserve_exact(missing);
        let read = (&mut self.reader).take(missing as u64).read_to_end(&mut self.buffer);
        self.note(read.map(|read| read < missing));
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer
    }

    /// Whether nothing can come behind [`bytes`](Self::bytes).
    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// Why it ended, where that was not its end.
    pub(super) fn failure(&self) -> Option<&io::Error> {
        self.failure.as_ref()
    }

    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Moves past the first `n` bytes at hand and returns them.
    pub(super) fn take(&mut self, n: usize) -> Vec<u8> {
        let rest = self.buffer.get(n..).unwrap_or_default().to_vec();
        let mut taken = std::mem::replace(&mut self.buffer, rest);
        taken.truncate(n);
        self.position += taken.len() as u64;
        taken
    }

    /// Moves past the next `n` bytes without keeping them; false where there are fewer.
    pub(super) fn skip(&mut self, n: u64) -> bool {
        let at_hand = usize::try_from(n).unwrap_or(usize::MAX).min(self.buffer.len());
        self.buffer.drain(..at_hand);
        self.position += at_hand as u64;
        let missing = n - at_hand as u64;
        if missing == 0 || self.ended {
            return missing == 0;
        }
        let skipped = io::copy(&mut (&mut self.reader).take(missing), &mut io::sink());
        self.position = self.position.saturating_add(*skipped.as_ref().unwrap_or(&0));
        self.note(skipped.map(|skipped| skipped < missing));
        !self.ended
    }

    fn note(&mut self, ended: io::Result<bool>) {
        match ended {
            Ok(ended) => self.ended = ended,
            Err(failure) => {
                self.ended = true;
                self.failure = Some(failure);
            }
        }
    }
}

impl fmt::Debug for CaptureStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("position", &self.position)
            .field("ended", &self.ended)
            .field("failure", &self.failure)
            .finish_non_exhaustive()
    }
}
