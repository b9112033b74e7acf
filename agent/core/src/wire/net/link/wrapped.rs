//! Packets with a header of the system that captured them: Apple's PKTAP, Linux's NFLOG, Solaris's IPNET.

use super::{Framed, Layer, header_of};
use crate::wire::net::{LinkType, NetError};
use crate::wire::reader::Reader;

/// The shortest header of PKTAP.
const MIN_PKTAP: usize = 108;
/// What follows PKTAP's header is a packet.
const PKTAP_PACKET: u32 = 1;
/// The attribute of NFLOG that holds the packet.
const NFLOG_PAYLOAD: u16 = 9;
/// The length of IPNET's header.
const IPNET_BYTES: usize = 24;

/// PKTAP: the fields in front are in the byte order of Apple's computers.
pub(super) fn pktap(reader: &mut Reader<'_>, cut: &mut usize) -> Framed {
    let whole = reader.rest();
    let mut field = || reader.array().map(u32::from_le_bytes).ok_or(NetError::Truncated);
    let (length, follows, link) = (field()?, field()?, LinkType(field()?));
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    // Other programs may use the number that Apple wrote first.
    let is_pktap = length >= MIN_PKTAP && follows == PKTAP_PACKET;
    if !is_pktap || link.is_pktap() {
        return Err(NetError::UnsupportedLink);
    }
    *reader = Reader::new(whole.get(length..).ok_or(NetError::Truncated)?);
    header_of(link).ok_or(NetError::UnsupportedLink)?(reader, cut)
}

/// NFLOG: an address family, a version, a group, and attributes in the byte order of the computer.
pub(super) fn nflog(reader: &mut Reader<'_>, cut: &mut usize) -> Framed {
    reader.skip(4).ok_or(NetError::Truncated)?;
    let mut is_little = None;
    loop {
        let (length, kind) = attribute(reader, &mut is_little).ok_or(NetError::Truncated)?;
        // The length counts the attribute's own header.
        let length = usize::from(length).checked_sub(4).ok_or(NetError::Malformed)?;
        if kind == NFLOG_PAYLOAD {
            let packet = reader.rest();
            let packet = packet.get(..length).unwrap_or(packet);
            *cut = length - packet.len();
            *reader = Reader::new(packet);
            return Ok(Some(Layer::Ip));
        }
        reader.skip(length.next_multiple_of(4)).ok_or(NetError::Truncated)?;
    }
}

/// The length and the type of an attribute. Types are small, so that the first one shows the byte order.
fn attribute(reader: &mut Reader<'_>, is_little: &mut Option<bool>) -> Option<(u16, u16)> {
    let (length, kind): ([u8; 2], [u8; 2]) = (reader.array()?, reader.array()?);
    let read = match is_little.get_or_insert(kind[1] == 0) {
        true => u16::from_le_bytes,
        false => u16::from_be_bytes,
    };
    Some((read(length), read(kind)))
}

/// IPNET: nothing in it is needed, as the version of IP is in the packet.
pub(super) fn ipnet(reader: &mut Reader<'_>, _cut: &mut usize) -> Framed {
    reader.skip(IPNET_BYTES).map(|()| Some(Layer::Ip)).ok_or(NetError::Truncated)
}
