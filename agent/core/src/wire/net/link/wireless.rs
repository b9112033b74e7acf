//! IEEE 802.11, with what capturing cards put in front: radiotap, Prism, AVS.

use super::{Framed, Layer};
use crate::wire::net::NetError;
use crate::wire::reader::Reader;

/// The first field of AVS's header.
const AVS_MAGIC: u32 = 0x8021_1000;
/// Its lowest bits are a version.
const AVS_MAGIC_MASK: u32 = 0xffff_f000;
/// The length of Prism's header.
const PRISM_BYTES: usize = 144;

/// The bits of radiotap's first `present` word, and of its flags (<https://www.radiotap.org/fields/defined>).
const HAS_TIME: u32 = 1;
const HAS_FLAGS: u32 = 1 << 1;
const HAS_MORE: u32 = 1 << 31;
const PADDED: u8 = 0x20;
const BAD_CHECKSUM: u8 = 0x40;

/// The second byte of a frame.
const TO_AND_FROM_DS: u8 = 0x03;
const MORE_FRAGMENTS: u8 = 0x04;
const PROTECTED: u8 = 0x40;
const HAS_HT_CONTROL: u8 = 0x80;

/// The bits of a data frame's subtype.
const NO_DATA: u8 = 0x4;
const QOS: u8 = 0x8;
/// In the first byte of QoS control: several packets are in the frame.
const AGGREGATED: u8 = 0x80;

/// SNAP with an EtherType behind it (RFC 1042), or with one of a bridge (802.1H).
const SNAP: [[u8; 6]; 2] = [[0xaa, 0xaa, 3, 0, 0, 0], [0xaa, 0xaa, 3, 0, 0, 0xf8]];

/// A bare frame.
pub(super) fn bare(reader: &mut Reader<'_>, _cut: &mut usize) -> Framed {
    frame(reader, false)
}

/// radiotap and a frame.
pub(super) fn radiotap(reader: &mut Reader<'_>, _cut: &mut usize) -> Framed {
    let whole = reader.rest();
    let flags = radiotap_flags(reader).ok_or(NetError::Truncated)?;
    // The first two bytes are a version and padding.
    let length =
        whole.get(2..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u16::from_le_bytes(*bytes));
    *reader = Reader::new(whole.get(usize::from(length)..).ok_or(NetError::Truncated)?);
    if flags & BAD_CHECKSUM != 0 {
        return Err(NetError::Malformed);
    }
    frame(reader, flags & PADDED != 0)
}

/// Prism's header, or AVS's in its place, and a frame.
pub(super) fn prism(reader: &mut Reader<'_>, cut: &mut usize) -> Framed {
    let magic = reader.rest().first_chunk().map(|bytes| u32::from_be_bytes(*bytes));
    if magic.ok_or(NetError::Truncated)? & AVS_MAGIC_MASK == AVS_MAGIC {
        return avs(reader, cut);
    }
    reader.skip(PRISM_BYTES).ok_or(NetError::Truncated)?;
    frame(reader, false)
}

/// AVS's header and a frame.
pub(super) fn avs(reader: &mut Reader<'_>, _cut: &mut usize) -> Framed {
    let whole = reader.rest();
    reader.skip(4).ok_or(NetError::Truncated)?;
    let length = usize::try_from(reader.u32().ok_or(NetError::Truncated)?).unwrap_or(usize::MAX);
    *reader = Reader::new(whole.get(length..).ok_or(NetError::Truncated)?);
    frame(reader, false)
}

fn radiotap_flags(reader: &mut Reader<'_>) -> Option<u8> {
    let whole = reader.len();
    reader.skip(4)?;
    let first = u32::from_le_bytes(reader.array()?);
    let mut present = first;
    while present & HAS_MORE != 0 {
        present = u32::from_le_bytes(reader.array()?);
    }
    if first & HAS_TIME != 0 {
        // Fields are aligned to their size, from the start of the header on.
        reader.skip((whole - reader.len()).next_multiple_of(8) - (whole - reader.len()))?;
        reader.skip(8)?;
    }
    if first & HAS_FLAGS != 0 { reader.u8() } else { Some(0) }
}

/// A frame (IEEE 802.11 §9.3.2): of data frames the packet in them; all others carry none.
fn frame(reader: &mut Reader<'_>, is_padded: bool) -> Framed {
    let truncated = NetError::Truncated;
    let whole = reader.len();
    let [first, flags] = reader.array().ok_or(truncated)?;
    let (version, kind, subtype) = (first & 3, first >> 2 & 3, first >> 4);
    if version != 0 {
        return Err(NetError::Malformed);
    }
    if kind != 2 || subtype & NO_DATA != 0 {
        return Ok(None);
    }
    // Duration and three addresses.
    reader.skip(2 + 3 * 6).ok_or(truncated)?;
    let [number, _] = reader.array().ok_or(truncated)?;
    if flags & TO_AND_FROM_DS == TO_AND_FROM_DS {
        reader.skip(6).ok_or(truncated)?;
    }
    let mut is_aggregated = false;
    if subtype & QOS != 0 {
        let [control, _] = reader.array().ok_or(truncated)?;
        is_aggregated = control & AGGREGATED != 0;
        if flags & HAS_HT_CONTROL != 0 {
            reader.skip(4).ok_or(truncated)?;
        }
    }
    if flags & PROTECTED != 0 {
        return Err(NetError::Encrypted);
    }
    // The lowest bits of a sequence number are that of the fragment.
    if flags & MORE_FRAGMENTS != 0 || number & 0x0f != 0 {
        return Err(NetError::Fragmented);
    }
    if is_aggregated {
        return Err(NetError::Aggregated);
    }
    if is_padded {
        let header = whole - reader.len();
        reader.skip(header.next_multiple_of(4) - header).ok_or(truncated)?;
    }
    let snap: [u8; 6] = reader.array().ok_or(truncated)?;
    if !SNAP.contains(&snap) {
        return Ok(None);
    }
    reader.u16().map(|kind| Some(Layer::EtherType(kind))).ok_or(truncated)
}
