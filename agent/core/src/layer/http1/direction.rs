//! One direction of an HTTP/1 connection: where it is, and what came too early to be read.

use super::body::Body;
use super::head::{self, MAX_HEAD};
use crate::counters::Loss;
use crate::observation::Context;
use crate::time::Timestamp;
use std::collections::VecDeque;

/// The most bytes that are held of responses whose request was not seen yet, or of what a client sends
/// behind a CONNECT or an upgrade before the answer.
pub(crate) const MAX_HELD_RESPONSE: usize = 256 * 1024;

#[derive(Default)]
pub(super) struct Http1Direction {
    pub(super) phase: Phase,
    /// What was gathered of a message head.
    pub(super) head: Vec<u8>,
    /// What cannot be read before the other direction is further on.
    pub(super) held: VecDeque<Early>,
    pub(super) held_bytes: usize,
}

/// Bytes that came too early.
pub(super) struct Early {
    pub(super) at: Timestamp,
    /// So many bytes of a body in front were left out on purpose.
    pub(super) omitted: u64,
    pub(super) bytes: Vec<u8>,
    /// How many of them were read since.
    pub(super) read: usize,
}

#[derive(Default)]
pub(super) enum Phase {
    #[default]
    Head,
    Body(Body),
    /// Client: what follows depends on the answer to a CONNECT or an upgrade.
    AwaitAnswer,
    /// A tunnel, or the protocol that was upgraded to.
    Inner,
    /// Nothing further can be told of this direction.
    Stopped,
}

impl Http1Direction {
    /// The head in front of `bytes`, joined to what was gathered before, and the rest; `None` until it is whole.
    pub(super) fn gather_head<'a>(
        &mut self,
        bytes: &'a [u8],
        cx: &mut Context<'_>,
    ) -> Option<(Vec<u8>, &'a [u8])> {
        // Empty lines before a message are to be ignored (RFC 9112 §2.2).
        let blank = if self.head.is_empty() {
            bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count()
        } else {
            0
        };
        let bytes = bytes.get(blank..)?;
        let before = self.head.len();
        let room = MAX_HEAD.saturating_sub(before).min(bytes.len());
        self.head.extend_from_slice(bytes.get(..room)?);
        let Some(end) = head::head_end(&self.head, before) else {
            if self.head.len() >= MAX_HEAD {
                cx.counters.lose(Loss::Limit);
                *self = Self { phase: Phase::Stopped, ..Self::default() };
            }
            return None;
        };
        self.head.truncate(end);
        Some((std::mem::take(&mut self.head), bytes.get(end - before..)?))
    }

    /// Gives the buffer of [`gather_head`](Self::gather_head) back.
    pub(super) fn recycle(&mut self, mut head: Vec<u8>) {
        if self.head.is_empty() && head.capacity() <= 4096 {
            head.clear();
            self.head = head;
        }
    }

    /// Keeps bytes for later; false at the bound.
    pub(super) fn hold(&mut self, at: Timestamp, omitted: u64, bytes: &[u8]) -> bool {
        let early = Early { at, omitted, bytes: bytes.to_vec(), read: 0 };
        let fits = self.held_bytes + early.cost() <= MAX_HELD_RESPONSE;
        if fits {
            self.held_bytes += early.cost();
            self.held.push_back(early);
        }
        fits
    }

    pub(super) fn holds(&self) -> bool {
        !self.held.is_empty()
    }
}

impl Early {
    /// The memory it takes: of single bytes, most is not theirs.
    pub(super) fn cost(&self) -> usize {
        size_of::<Self>() + self.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_too_early_is_bounded_in_memory_and_not_in_bytes() {
        let mut direction = Http1Direction::default();
        let held =
            (0..MAX_HELD_RESPONSE).take_while(|_| direction.hold(Timestamp(0), 0, b"x")).count();
        assert!((1000..=MAX_HELD_RESPONSE / size_of::<Early>()).contains(&held), "{held}");
        assert!(direction.held_bytes >= held * size_of::<Early>());
    }
}
