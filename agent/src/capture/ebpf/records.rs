//! Records of the ring, out of their bytes.

use wrongdoor_ebpf_common::{
    Closed, Exec, Handshake, Head, Kind, Message, Object, Piece, Plaintext, Silence,
};

/// One record.
#[derive(Clone, Copy, Debug)]
pub(super) enum RingRecord<'a> {
    /// A segment of a handshake.
    Handshake(Handshake, &'a [u8]),
    /// A TLS object was met.
    Object(Object),
    /// What it read or wrote.
    Plaintext(Plaintext, Pieces<'a>),
    /// A direction is told no more.
    Silence(Silence),
    /// An object is over.
    ObjectClosed(Closed),
    /// A socket is.
    SocketClosed(Closed),
    /// A process runs another program.
    Exec(Exec),
    /// A message of a handshake, from inside a library.
    Message(Message, &'a [u8]),
}

impl<'a> RingRecord<'a> {
    /// `None` where the bytes are no record: the kernel side is another one than this was built with.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (head, _) = split::<Head>(bytes)?;
        Some(match Kind::from_number(head.kind)? {
            Kind::Handshake => {
                let (record, rest) = split::<Handshake>(bytes)?;
                let count = usize::try_from(record.head.count).ok()?;
                Self::Handshake(record, rest.get(..count)?)
            }
            Kind::Object => Self::Object(split(bytes)?.0),
            Kind::Plaintext => {
                let (record, bytes) = split::<Plaintext>(bytes)?;
                Self::Plaintext(record, Pieces { left: record.head.count, bytes, at: 0 })
            }
            Kind::Silence => Self::Silence(split(bytes)?.0),
            Kind::ObjectClosed => Self::ObjectClosed(split(bytes)?.0),
            Kind::SocketClosed => Self::SocketClosed(split(bytes)?.0),
            Kind::Exec => Self::Exec(split(bytes)?.0),
            Kind::Message => {
                let (record, rest) = split::<Message>(bytes)?;
                let count = usize::try_from(record.head.count).ok()?;
                Self::Message(record, rest.get(..count)?)
            }
        })
    }
}

/// The pieces of a plaintext record; each begins at a multiple of eight bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pieces<'a> {
    left: u32,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = (Piece, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let (piece, rest) = split::<Piece>(self.bytes.get(self.at..)?)?;
        let length = usize::try_from(piece.length).ok()?;
        let bytes = rest.get(..length)?;
        self.at = (self.at + size_of::<Piece>() + length).next_multiple_of(8);
        Some((piece, bytes))
    }
}

fn split<T: bytemuck::AnyBitPattern>(bytes: &[u8]) -> Option<(T, &[u8])> {
    let (own, rest) = bytes.split_at_checked(size_of::<T>())?;
    Some((bytemuck::pod_read_unaligned(own), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pieces_come_apart() {
        let head = Head { kind: Kind::Plaintext as u8, count: 2, ..Head::default() };
        let record = Plaintext { head, ..Plaintext::default() };
        let mut bytes = bytemuck::bytes_of(&record).to_vec();
        let piece = Piece { omitted: 7, length: 3, at_boundary: 1 };
        bytes.extend(bytemuck::bytes_of(&piece));
        bytes.extend(b"abc\0\0\0\0\0");
        bytes.extend(bytemuck::bytes_of(&Piece { length: 1, ..Piece::default() }));
        bytes.extend(b"d");
        let Some(RingRecord::Plaintext(_, pieces)) = RingRecord::read(&bytes) else {
            panic!("no record")
        };
        let pieces: Vec<_> = pieces.map(|(piece, bytes)| (piece.omitted, bytes)).collect();
        assert_eq!(pieces, [(7, &b"abc"[..]), (0, b"d")]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(bytes in prop::collection::vec(any::<u8>(), 0..300), kind in 0u8..10) {
            let mut bytes = bytes;
            if let Some(first) = bytes.first_mut() {
                *first = kind;
            }
            if let Some(RingRecord::Plaintext(_, pieces)) = RingRecord::read(&bytes) {
                prop_assert!(pieces.count() <= 300);
            }
        }
    }
}
