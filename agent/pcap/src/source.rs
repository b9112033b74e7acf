//! Where the bytes of a capture come from.

use super::mapped::MappedCapture;
use super::stream::CaptureStream;
use super::window::{PacketBatch, PacketWindow, WindowBytes};

/// Bytes of a capture in order: the stretch at hand grows by [`fill`](Self::fill) and moves on by
/// [`take`](Self::take) and [`skip`](Self::skip).
#[derive(Debug)]
pub(super) enum CaptureBytes {
    Mapped(MappedCapture),
    Stream(CaptureStream),
}

// === impl CaptureBytes ===

impl CaptureBytes {
    /// Has at least `n` bytes at hand, or all that are left.
    pub(super) fn fill(&mut self, n: usize) {
        if let Self::Stream(stream) = self {
            stream.fill(n);
        }
    }

    /// The stretch at hand. A mapped file is at hand to its end.
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Mapped(mapped) => mapped.rest(),
            Self::Stream(stream) => stream.bytes(),
        }
    }

    /// Whether the stretch at hand is the last.
    pub(super) fn ended(&self) -> bool {
        match self {
            Self::Mapped(_) => true,
            Self::Stream(stream) => stream.ended(),
        }
    }

    /// Why the source ended, where that was not its end.
    pub(super) fn failure(&self) -> Option<String> {
        match self {
            Self::Mapped(_) => None,
            Self::Stream(stream) => stream.failure().map(ToString::to_string),
        }
    }

    /// Where the stretch at hand begins in the uncompressed capture.
    pub(super) fn position(&self) -> u64 {
        match self {
            Self::Mapped(mapped) => mapped.position(),
            Self::Stream(stream) => stream.position(),
        }
    }

    /// Makes a window of the first `n` bytes at hand.
    pub(super) fn take(&mut self, n: usize, batch: PacketBatch) -> PacketWindow {
        let bytes = match self {
            Self::Mapped(mapped) => WindowBytes::Mapped(mapped.take(n)),
            Self::Stream(stream) => WindowBytes::Owned(stream.take(n)),
        };
        PacketWindow::new(bytes, batch)
    }

    /// Passes over the next `n` bytes; false where there are fewer.
    pub(super) fn skip(&mut self, n: u64) -> bool {
        match self {
            Self::Mapped(mapped) => mapped.skip(n),
            Self::Stream(stream) => stream.skip(n),
        }
    }
}
