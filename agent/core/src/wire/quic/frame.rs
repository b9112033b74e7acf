//! The frames that Initial and Handshake packets may hold (RFC 9000 §12.4, §19).

use super::header::varint;
use crate::wire::reader::Reader;

const PADDING: u64 = 0x00;
const PING: u64 = 0x01;
const ACK: u64 = 0x02;
const ACK_ECN: u64 = 0x03;
const CRYPTO: u64 = 0x06;
const CONNECTION_CLOSE: u64 = 0x1c;

/// A piece of the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Crypto<'a> {
    pub(super) offset: u64,
    pub(super) data: &'a [u8],
}

/// Calls `visit` with every CRYPTO frame; `None` where the payload holds anything that must not be there.
///
/// What was visited before the broken frame was still visited: the caller looks first, then takes.
pub(super) fn walk<'a>(payload: &'a [u8], mut visit: impl FnMut(Crypto<'a>)) -> Option<()> {
    let mut reader = Reader::new(payload);
    // A packet without frames is a violation.
    if reader.is_empty() {
        return None;
    }
    while !reader.is_empty() {
        match varint(&mut reader)? {
            PADDING | PING => {}
            kind @ (ACK | ACK_ECN) => ack(&mut reader, kind == ACK_ECN)?,
            CRYPTO => {
                let offset = varint(&mut reader)?;
                let len = usize::try_from(varint(&mut reader)?).ok()?;
                visit(Crypto { offset, data: reader.take(len)? });
            }
            CONNECTION_CLOSE => {
                let (_code, _frame) = (varint(&mut reader)?, varint(&mut reader)?);
                let reason = varint(&mut reader)?;
                reader.skip(usize::try_from(reason).ok()?)?;
            }
            _ => return None,
        }
    }
    Some(())
}

fn ack(reader: &mut Reader<'_>, ecn: bool) -> Option<()> {
    let (_largest, _delay) = (varint(reader)?, varint(reader)?);
    let ranges = varint(reader)?;
    let _first = varint(reader)?;
    // A count that lies ends where the payload does.
    for _ in 0..ranges {
        let (_gap, _len) = (varint(reader)?, varint(reader)?);
    }
    for _ in 0..if ecn { 3 } else { 0 } {
        varint(reader)?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crypto(payload: &[u8]) -> Option<Vec<Crypto<'_>>> {
        let mut found = Vec::new();
        walk(payload, |frame| found.push(frame)).map(|()| found)
    }

    #[test]
    fn what_may_stand_beside_crypto_frames_is_passed_over() {
        let payload = [
            &[0, 0, 1][..],
            &[2, 9, 0, 1, 2, 3, 4],
            &[6, 0x40, 5, 2, 0xaa, 0xbb],
            &[3, 9, 0, 0, 2, 1, 1, 1],
            &[0x1c, 1, 6, 2, b'n', b'o'],
            &[0],
        ]
        .concat();
        assert_eq!(crypto(&payload), Some(vec![Crypto { offset: 5, data: &[0xaa, 0xbb] }]));
    }

    #[test]
    fn anything_else_breaks_the_packet() {
        // Nothing, STREAM, an application's CONNECTION_CLOSE, HANDSHAKE_DONE, and frames cut short.
        for payload in [
            &[][..],
            &[8, 0],
            &[0x1d, 0, 0],
            &[0x1e],
            &[6, 0, 3, 1, 2],
            &[2, 9, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
            &[0x40],
        ] {
            assert_eq!(crypto(payload), None, "{payload:?}");
        }
    }
}
