//! Secrets before packets: the key log of a mapped pcapng file, found by its block headers alone.

use super::block::BlockHead;
use super::endian::Endian;
use super::mapped::MappedCapture;
use super::pcapng::{DECRYPTION_SECRETS, SECTION_HEADER, SecretsBudget, Skipped};

/// What [`secrets_ahead`] found.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    pub(super) key_logs: Vec<Vec<u8>>,
    /// Blocks of secrets that are malformed or beyond the limits.
    pub(super) skipped: u64,
}

/// The key log texts in a capture, up to its end or first damage, which the real walk reports.
///
/// Pages are let go of every `window` bytes.
pub(super) fn secrets_ahead(capture: &MappedCapture, window: usize) -> Ahead {
    let bytes = capture.rest();
    let mut found = Ahead::default();
    if !bytes.starts_with(&SECTION_HEADER.to_be_bytes()) {
        return found;
    }
    let mut budget = SecretsBudget::new();
    let mut endian = Endian::Little;
    let (mut at, mut released) = (0, 0);
    while let Some(rest) = bytes.get(at..)
        && let Ok(Some(head)) = BlockHead::read(rest, endian)
        && let Ok(Some(block)) = head.block(rest)
    {
        endian = head.endian;
        if head.kind == DECRYPTION_SECRETS {
            match budget.key_log(head, block) {
                Ok(Some(text)) => found.key_logs.push(text.to_vec()),
                Ok(None) => {}
                Err(Skipped) => found.skipped += 1,
            }
        }
        at += block.len();
        if at - released >= window {
            capture.mapping().release(released..at);
            released = at;
        }
    }
    capture.mapping().release(released..at.min(bytes.len()));
    found
}
