//! Handshake messages, put together from any number of records (RFC 8446 §4).

use crate::wire::reader::Reader;

/// The longest message that is put together; a hello or a chain beyond it is passed over and counted.
pub const MAX_MESSAGE: usize = 64 * 1024;
const HEADER_LEN: usize = 4;

/// The type of a handshake message; unknown values survive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageType(pub u8);

impl MessageType {
    /// `client_hello`.
    pub const CLIENT_HELLO: Self = Self(1);
    /// `server_hello`.
    pub const SERVER_HELLO: Self = Self(2);
    /// `end_of_early_data`.
    pub const END_OF_EARLY_DATA: Self = Self(5);
    /// `encrypted_extensions`.
    pub const ENCRYPTED_EXTENSIONS: Self = Self(8);
    /// `certificate`.
    pub const CERTIFICATE: Self = Self(11);
    /// `certificate_request`.
    pub const CERTIFICATE_REQUEST: Self = Self(13);
    /// `finished`.
    pub const FINISHED: Self = Self(20);
    /// `compressed_certificate`, RFC 8879.
    pub const COMPRESSED_CERTIFICATE: Self = Self(25);
    /// `key_update`.
    pub const KEY_UPDATE: Self = Self(24);
}

/// Collects handshake bytes and yields whole messages.
#[derive(Debug, Default)]
pub struct Messages {
    bytes: Vec<u8>,
    /// How much of `bytes` was yielded already.
    done: usize,
    /// Bytes of an over-long message that are still to be passed over.
    skip: usize,
}

/// What [`Messages::pop`] found.
#[derive(Debug, PartialEq, Eq)]
pub enum Next<'a> {
    /// A whole message: its type and its body.
    Message(MessageType, &'a [u8]),
    /// A message beyond [`MAX_MESSAGE`], passed over.
    TooLong(MessageType),
    /// No whole message is left.
    NeedMore,
}

impl Messages {
    /// Appends the content of one handshake record.
    pub fn push(&mut self, content: &[u8]) {
        self.bytes.drain(..self.done);
        self.done = 0;
        let skipped = self.skip.min(content.len());
        self.skip -= skipped;
        self.bytes.extend_from_slice(content.get(skipped..).unwrap_or_default());
    }

    /// The next whole message.
    pub fn pop(&mut self) -> Next<'_> {
        let rest = self.bytes.get(self.done..).unwrap_or_default();
        let mut reader = Reader::new(rest);
        let (Some(kind), Some(len)) = (reader.u8().map(MessageType), reader.u24()) else {
            return Next::NeedMore;
        };
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        if len > MAX_MESSAGE {
            let here = reader.len().min(len);
            self.skip = len - here;
            self.done += HEADER_LEN + here;
            return Next::TooLong(kind);
        }
        match reader.take(len) {
            Some(body) => {
                self.done += HEADER_LEN + len;
                Next::Message(kind, body)
            }
            None => Next::NeedMore,
        }
    }

    /// Gives memory back where nothing is left in it: most connections never say anything again.
    pub fn settle(&mut self) {
        if self.done == self.bytes.len() {
            self.bytes = Vec::new();
            self.done = 0;
        }
    }

    /// Whether a message has begun that has not ended.
    pub fn is_partial(&self) -> bool {
        self.skip > 0 || self.done < self.bytes.len()
    }

    /// Bytes held.
    pub fn held(&self) -> usize {
        self.bytes.len()
    }

    /// Forgets what was begun.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_whole_however_they_were_cut() {
        let stream = b"\x01\x00\x00\x03abc\x02\x00\x00\x00\x0b\x00\x00\x01z";
        for cut in 0..stream.len() {
            let (mut messages, mut found) = (Messages::default(), Vec::new());
            for part in [&stream[..cut], &stream[cut..]] {
                messages.push(part);
                while let Next::Message(kind, body) = messages.pop() {
                    found.push((kind.0, body.to_vec()));
                }
            }
            assert_eq!(found, [(1, b"abc".to_vec()), (2, vec![]), (11, b"z".to_vec())], "{cut}");
            assert!(!messages.is_partial());
        }
    }

    #[test]
    fn an_over_long_message_is_passed_over_without_being_held() {
        let mut messages = Messages::default();
        messages.push(&[1, 0x02, 0, 0, 9, 9]);
        assert_eq!(messages.pop(), Next::TooLong(MessageType::CLIENT_HELLO));
        for _ in 0..0x2_0000 - 2 {
            messages.push(&[9]);
        }
        assert!(messages.held() <= 2);
        messages.push(&[8, 0, 0, 0]);
        assert_eq!(messages.pop(), Next::Message(MessageType::ENCRYPTED_EXTENSIONS, &[]));
    }
}
