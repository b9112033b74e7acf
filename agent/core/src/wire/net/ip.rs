//! IPv4 and IPv6 headers, with IPv6's extension headers.

use crate::wire::reader::Reader;

/// One IP header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ip<'a> {
    pub(super) source: Address,
    pub(super) destination: Address,
    /// The protocol of `payload`.
    pub(super) protocol: u8,
    pub(super) payload: &'a [u8],
    /// Payload bytes that the header promises and the capture does not have.
    pub(super) missing: usize,
    pub(super) fragment: Option<Fragment>,
    pub(super) checksum: Checksum,
}

/// What an IPv4 header's checksum says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Checksum {
    Right,
    Wrong,
    /// There is none: IPv6, or the network card was to fill it in.
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Address {
    V4([u8; 4]),
    V6([u8; 16]),
}

/// The place of a fragment in its datagram.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fragment {
    pub(super) id: u32,
    /// In bytes.
    pub(super) offset: usize,
    pub(super) more: bool,
}

/// Reads one header. `wire_len` is how long the packet was on the wire from here on.
pub(super) fn parse(bytes: &[u8], wire_len: usize) -> Option<Ip<'_>> {
    match bytes.first()? >> 4 {
        4 => v4(bytes, wire_len),
        6 => v6(bytes, wire_len),
        _ => None,
    }
}

/// `len` bytes from the front, and how many of them are not there.
fn cut(bytes: &[u8], len: usize) -> (&[u8], usize) {
    match bytes.get(..len) {
        // Behind it is the link's padding.
        Some(exact) => (exact, 0),
        None => (bytes, len - bytes.len()),
    }
}

fn v4(bytes: &[u8], wire_len: usize) -> Option<Ip<'_>> {
    let mut reader = Reader::new(bytes);
    let header_len = usize::from(reader.u8()? & 0x0f) * 4;
    reader.skip(1)?;
    let total_len = usize::from(reader.u16()?);
    let id = u32::from(reader.u16()?);
    let place = reader.u16()?;
    reader.skip(1)?;
    let protocol = reader.u8()?;
    reader.skip(2)?;
    let (source, destination) = (Address::V4(reader.array()?), Address::V4(reader.array()?));
    reader.skip(header_len.checked_sub(20)?)?;
    // Segmentation offload leaves the length 0 where the packet is larger than the field can say.
    let total_len = if total_len == 0 { wire_len } else { total_len };
    let (payload, missing) = cut(reader.rest(), total_len.checked_sub(header_len)?);
    let (more, offset) = (place & 0x2000 != 0, usize::from(place & 0x1fff) * 8);
    let fragment = (more || offset > 0).then_some(Fragment { id, offset, more });
    let checksum = checksum(bytes.get(..header_len)?);
    Some(Ip { source, destination, protocol, payload, missing, fragment, checksum })
}

/// Of a whole IPv4 header (RFC 791 §3.1): the sum of all its words in one's complement is 0xffff, in either byte
/// order.
fn checksum(header: &[u8]) -> Checksum {
    if header.get(10..12) == Some(&[0, 0]) {
        return Checksum::None;
    }
    let (words, _) = header.as_chunks::<4>();
    let mut sum: u64 = words.iter().map(|word| u64::from(u32::from_ne_bytes(*word))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    if sum == 0xffff { Checksum::Right } else { Checksum::Wrong }
}

fn v6(bytes: &[u8], wire_len: usize) -> Option<Ip<'_>> {
    const HEADER_LEN: usize = 40;
    /// More extension headers than any real packet has.
    const MAX_EXTENSIONS: usize = 16;
    let mut reader = Reader::new(bytes);
    reader.skip(4)?;
    let payload_len = usize::from(reader.u16()?);
    let mut protocol = reader.u8()?;
    reader.skip(1)?;
    let (source, destination) = (Address::V6(reader.array()?), Address::V6(reader.array()?));
    // 0: a jumbo payload (RFC 2675), as segmentation offload makes them.
    let payload_len =
        if payload_len == 0 { wire_len.checked_sub(HEADER_LEN)? } else { payload_len };
    let (payload, missing) = cut(reader.rest(), payload_len);
    let mut reader = Reader::new(payload);
    let mut fragment = None;
    for _ in 0..MAX_EXTENSIONS {
        match protocol {
            // Hop-by-hop, routing, destination options, mobility, HIP, shim6 (RFC 8200 §4, RFC 6564)
            0 | 43 | 60 | 135 | 139 | 140 => {
                let (next, len) = (reader.u8()?, reader.u8()?);
                reader.skip(6 + usize::from(len) * 8)?;
                protocol = next;
            }
            // Authentication header: its length counts in fours (RFC 4302).
            51 => {
                let (next, len) = (reader.u8()?, reader.u8()?);
                reader.skip((usize::from(len) + 2) * 4 - 2)?;
                protocol = next;
            }
            44 => {
                let next = reader.u8()?;
                reader.skip(1)?;
                let place = reader.u16()?;
                let id = reader.u32()?;
                let (more, offset) = (place & 1 != 0, usize::from(place & 0xfff8));
                protocol = next;
                // An "atomic" fragment (RFC 6946) is a whole packet.
                if more || offset > 0 {
                    fragment = Some(Fragment { id, offset, more });
                    break;
                }
            }
            _ => break,
        }
    }
    let (payload, checksum) = (reader.rest(), Checksum::None);
    Some(Ip { source, destination, protocol, payload, missing, fragment, checksum })
}
