//! PPP (RFC 1661), in HDLC-like framing or over Ethernet, and Cisco's framing of serial lines.

use super::{Framed, Layer, mpls};
use crate::wire::net::NetError;
use crate::wire::reader::Reader;

/// All stations, unnumbered information (RFC 1662 §3.1).
const HDLC_FRAMING: [u8; 2] = [0xff, 0x03];
/// The addresses of Cisco's framing: unicast and broadcast (RFC 1547 §4.3.1).
const CISCO: [u8; 2] = [0x0f, 0x8f];

/// PPP, with or without address and control in front.
pub(super) fn ppp(reader: &mut Reader<'_>, _cut: &mut usize) -> Framed {
    if reader.rest().starts_with(&HDLC_FRAMING) {
        reader.skip(HDLC_FRAMING.len()).ok_or(NetError::Truncated)?;
    }
    protocol(reader).ok_or(NetError::Truncated)
}

/// A direction, and PPP.
pub(super) fn with_direction(reader: &mut Reader<'_>, cut: &mut usize) -> Framed {
    reader.skip(1).ok_or(NetError::Truncated)?;
    ppp(reader, cut)
}

/// PPP as pppd's socket shows it: a direction in place of the address, and control.
pub(super) fn pppd(reader: &mut Reader<'_>, _cut: &mut usize) -> Framed {
    reader.skip(HDLC_FRAMING.len()).ok_or(NetError::Truncated)?;
    protocol(reader).ok_or(NetError::Truncated)
}

/// PPP or Cisco's framing, by the first byte.
pub(super) fn serial(reader: &mut Reader<'_>, cut: &mut usize) -> Framed {
    if reader.rest().first().is_some_and(|first| CISCO.contains(first)) {
        return cisco(reader, cut);
    }
    ppp(reader, cut)
}

/// Cisco's framing: address, control and an EtherType.
pub(super) fn cisco(reader: &mut Reader<'_>, _cut: &mut usize) -> Framed {
    reader.skip(2).ok_or(NetError::Truncated)?;
    reader.u16().map(|kind| Some(Layer::EtherType(kind))).ok_or(NetError::Truncated)
}

/// PPPoE's session stage, from its own header on.
pub(super) fn over_ethernet(reader: &mut Reader<'_>, _cut: &mut usize) -> Framed {
    pppoe(reader).ok_or(NetError::Truncated)
}

/// PPPoE's session stage (RFC 2516) with PPP in it. `None`: cut short; `Some(None)`: not ours.
pub(super) fn pppoe(reader: &mut Reader<'_>) -> Option<Option<Layer>> {
    reader.skip(6)?;
    protocol(reader)
}

/// The protocol field, which may be compressed to one byte: its last byte is odd, and no other (RFC 1661 §2, §6.5).
fn protocol(reader: &mut Reader<'_>) -> Option<Option<Layer>> {
    let first = reader.u8()?;
    let protocol =
        if first & 1 == 1 { u16::from(first) } else { u16::from_be_bytes([first, reader.u8()?]) };
    Some(match protocol {
        0x0021 | 0x0057 => Some(Layer::Ip),
        0x0281 | 0x0283 => return mpls(reader),
        _ => None,
    })
}
