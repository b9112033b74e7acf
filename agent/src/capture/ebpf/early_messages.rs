//! Messages of handshakes that came before their objects were named, which the first read or write does.
//!
//! Most belong to connections with a request soon. Those of connections without any are forgotten, and nothing is missing
//! without them.

use wrongdoor_core::bounded_map::BoundedMap;
use wrongdoor_ebpf_common::Message;

/// The most objects whose messages wait; beyond it the oldest are dropped.
const MAX_OBJECTS: usize = 1_024;
/// The most messages that wait of one object: the protocol, and the certificate.
const MAX_MESSAGES: usize = 2;

/// An object's address, by its process.
type Address = (u32, u64);

/// What waits of one life of an object.
#[derive(Debug)]
struct Waiting {
    epoch: u64,
    messages: Vec<(Message, Vec<u8>)>,
}

/// Messages that wait, by the object that they are of.
#[derive(Debug)]
pub(super) struct EarlyMessages(BoundedMap<Address, Waiting>);

impl Default for EarlyMessages {
    fn default() -> Self {
        Self(BoundedMap::new(MAX_OBJECTS))
    }
}

impl EarlyMessages {
    /// Keeps a message. Returns how many were dropped for want of room.
    pub(super) fn keep(&mut self, record: &Message, bytes: &[u8]) -> usize {
        let message = (*record, bytes.to_vec());
        let Message { pid, object, epoch, .. } = *record;
        match self.0.get_mut(&(pid, object)) {
            Some(waiting) if waiting.epoch == epoch => {
                if waiting.messages.len() >= MAX_MESSAGES {
                    return 1;
                }
                waiting.messages.push(message);
                0
            }
            // The life before was never named: nothing was said on it.
            Some(waiting) => {
                *waiting = Waiting { epoch, messages: vec![message] };
                0
            }
            None => {
                let waiting = Waiting { epoch, messages: vec![message] };
                let evicted = self.0.insert((pid, object), waiting).evicted;
                evicted.map_or(0, |(_, waiting)| waiting.messages.len())
            }
        }
    }

    /// Gives an object that is named now what came before.
    pub(super) fn claim(&mut self, address: Address, epoch: u64) -> Vec<(Message, Vec<u8>)> {
        let waiting = self.0.remove(&address).filter(|waiting| waiting.epoch == epoch);
        waiting.map_or_else(Vec::new, |waiting| waiting.messages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(object: u64, epoch: u64) -> Message {
        Message { pid: 7, object, epoch, ..Message::default() }
    }

    #[test]
    fn messages_wait_for_the_life_that_they_are_of() {
        let mut early = EarlyMessages::default();
        assert_eq!(early.keep(&message(1, 5), b"former"), 0);
        assert_eq!(early.keep(&message(1, 6), b"one"), 0);
        assert_eq!(early.keep(&message(1, 6), b"two"), 0);
        let texts = |found: Vec<(Message, Vec<u8>)>| -> Vec<Vec<u8>> {
            found.into_iter().map(|(_, bytes)| bytes).collect()
        };
        assert_eq!(texts(early.claim((7, 1), 6)), [b"one", b"two"]);
        assert!(early.claim((7, 1), 6).is_empty());
        assert_eq!(early.keep(&message(1, 7), b"late"), 0);
        assert!(early.claim((7, 1), 8).is_empty());
    }

    #[test]
    fn what_has_no_room_is_counted() {
        let mut early = EarlyMessages::default();
        let kept = (0..6).map(|_| early.keep(&message(1, 5), b"x")).sum::<usize>();
        assert_eq!(kept, 6 - MAX_MESSAGES);
        let dropped: usize =
            (2..MAX_OBJECTS as u64 + 3).map(|object| early.keep(&message(object, 5), b"x")).sum();
        assert_eq!(dropped, MAX_MESSAGES + 1);
    }
}
