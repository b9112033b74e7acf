//! One direction of one packet number space: from opened payloads to handshake messages.

use super::crypto_stream::CryptoStream;
use super::error::{ErrorCounts, QuicError};
use super::frame;
use super::header::Long;
use super::protection::QuicKeys;
use crate::wire::tls::handshake::{MessageType, Messages, Next};

/// Packet numbers, CRYPTO stream and the messages in it.
#[derive(Debug, Default)]
pub(super) struct Space {
    largest: Option<u64>,
    stream: CryptoStream,
    messages: Messages,
}

impl Space {
    /// Opens a packet of this space with `keys`, into `out`. `None` where the AEAD refuses it.
    ///
    /// Some(false): it is genuine, but says by its reserved bits that it must not be used.
    pub(super) fn open(
        &mut self,
        keys: &QuicKeys,
        packet: &Long<'_>,
        out: &mut Vec<u8>,
    ) -> Option<bool> {
        let opened = keys.open(packet, self.largest, out)?;
        self.largest = self.largest.max(Some(opened.number));
        Some(!opened.reserved_bits)
    }

    /// Takes an opened payload in and calls `message` with every handshake message it completes.
    pub(super) fn take(
        &mut self,
        payload: &[u8],
        errors: &mut ErrorCounts,
        mut message: impl FnMut(MessageType, &[u8], &mut ErrorCounts),
    ) {
        // An endpoint closes the connection over a bad frame; so nothing of such a packet is used.
        if frame::walk(payload, |_| {}).is_none() {
            return errors.add(QuicError::MalformedFrame);
        }
        let Self { stream, messages, .. } = self;
        let walked = frame::walk(payload, |crypto| {
            let whole = stream.insert(crypto, messages.held(), |bytes| {
                messages.push(bytes);
                loop {
                    match messages.pop() {
                        Next::Message(kind, body) => message(kind, body, errors),
                        Next::TooLong(_) => errors.add(QuicError::MessageTooLong),
                        Next::NeedMore => break,
                    }
                }
                // Yielded messages are kept for the next push to remove; there may be none.
                if !messages.is_partial() {
                    messages.clear();
                }
            });
            if !whole {
                errors.add(QuicError::CryptoBeyondBound);
            }
        });
        debug_assert!(walked.is_some(), "the same payload was walked before");
    }

    /// Bytes held.
    pub(super) fn held(&self) -> usize {
        self.stream.held() + self.messages.held()
    }
}
