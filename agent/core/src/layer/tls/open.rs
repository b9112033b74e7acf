//! Opening records. The tag is checked first; then a record is decrypted whole, or only where the layer inside
//! reads it.

use super::record_reader::{Epoch, RecordDecrypter};
use crate::layer::{Content, Demand};
use crate::observation::Context;
use crate::side::Side;
use crate::time::Timestamp;
use crate::wire::http2_frame::HEAD_LEN;
use crate::wire::tls::cipher::Sealed;
use crate::wire::tls::record::{RecordHeader, RecordType};
use std::ops::Range;

/// A record up to this size is decrypted whole: that costs little more than checking its tag.
const SMALL_RECORD: usize = 1024;
/// How many sequence numbers are tried for one record after a gap.
const MAX_SEQUENCES: u64 = 512;

/// What became of a record.
pub(super) enum OpenedRecord {
    /// Its type and plaintext (in the caller's buffer), proven.
    Whole(RecordType),
    /// Application data of so many bytes, of which only parts are to be decrypted. Its tag is right, unless
    /// nothing of it is wanted.
    Peek(usize),
    /// The tag is wrong: the record was changed, or it is another key or sequence number.
    Failed,
}

/// Opens the record whose turn it is, and counts it where its tag is right. `is_wanted`: something of this
/// direction's application data may still be read.
pub(super) fn open(
    opener: &mut RecordDecrypter,
    header: &RecordHeader,
    payload: &[u8],
    is_wanted: bool,
    out: &mut Vec<u8>,
) -> OpenedRecord {
    let sealed = Sealed { header: header.bytes, payload, sequence: opener.sequence };
    let in_parts = if opener.cipher.can_peek() && payload.len() > SMALL_RECORD {
        peek_type(opener, header, &sealed)
    } else {
        None
    };
    let opened = match in_parts {
        Some((RecordType::APPLICATION_DATA, len)) if !is_wanted && opener.proven => {
            OpenedRecord::Peek(len)
        }
        Some((RecordType::APPLICATION_DATA, len)) => {
            if !opener.cipher.verify(&sealed) {
                return OpenedRecord::Failed;
            }
            OpenedRecord::Peek(len)
        }
        _ => {
            if !opener.cipher.open(&sealed, out) {
                return OpenedRecord::Failed;
            }
            OpenedRecord::Whole(match opener.stage {
                Epoch::Tls12 => header.content_type,
                _ => inner_type(out),
            })
        }
    };
    opener.opened();
    opened
}

/// Takes padding and type off a TLS 1.3 plaintext (RFC 8446 §5.4). All zeros: no type at all.
fn inner_type(plaintext: &mut Vec<u8>) -> RecordType {
    let end = plaintext.iter().rposition(|byte| *byte != 0).unwrap_or(0);
    let kind = plaintext.get(end).copied().unwrap_or(0);
    plaintext.truncate(end);
    RecordType(kind)
}

/// The type and length of the content, without opening the rest.
fn peek_type(
    opener: &RecordDecrypter,
    header: &RecordHeader,
    sealed: &Sealed<'_>,
) -> Option<(RecordType, usize)> {
    let len = opener.cipher.plaintext_len(sealed.payload.len())?;
    if opener.stage == Epoch::Tls12 {
        return Some((header.content_type, len));
    }
    const WINDOW: usize = 16;
    let mut end = len;
    while end > 0 {
        let start = end.saturating_sub(WINDOW);
        let mut bytes = [0; WINDOW];
        let bytes = bytes.get_mut(..end - start)?;
        opener.cipher.peek(sealed, start, bytes)?;
        if let Some(at) = bytes.iter().rposition(|byte| *byte != 0) {
            return Some((RecordType(*bytes.get(at)?), start + at));
        }
        end = start;
    }
    None
}

/// The layer inside, and what of it is being fed.
pub(super) struct Inside<'a> {
    pub(super) content: &'a mut Content,
    pub(super) side: Side,
    pub(super) at: Timestamp,
}

/// Gives the layer inside what it wants of a record whose tag is right, and passes over the rest.
pub(super) fn peek(
    opener: &RecordDecrypter,
    sealed: &Sealed<'_>,
    len: usize,
    inside: &mut Inside<'_>,
    cx: &mut Context<'_>,
) {
    let Inside { content, side, at } = inside;
    // Taken out, since a TLS session inside would use it too.
    let mut buffer = std::mem::take(&mut cx.scratch.peeked);
    let mut place = 0;
    while place < len {
        let left = len - place;
        match content.demand(*side) {
            Demand::Skip(len) => place += skip(content, *side, len, left),
            Demand::Take(len) => {
                let len = len.clamp(1, left);
                buffer.clear();
                buffer.resize(len, 0);
                if opener.cipher.peek(sealed, place, &mut buffer).is_none() {
                    break;
                }
                content.feed(*side, *at, &buffer, cx);
                place += len;
            }
        }
    }
    cx.scratch.peeked = buffer;
}

/// Passes over what is a body's in a part of a record whose tag cannot be checked, and returns how many bytes
/// are left that may be something else: these are not read.
pub(super) fn pass(
    opener: &RecordDecrypter,
    sealed: &Sealed<'_>,
    part: Range<usize>,
    content: &mut Content,
    side: Side,
) -> usize {
    let mut place = part.start;
    while place < part.end {
        let left = part.end - place;
        match content.demand(side) {
            Demand::Skip(len) => place += skip(content, side, len, left),
            Demand::Take(_) => {
                let mut head = [0; HEAD_LEN];
                let is_there =
                    left >= HEAD_LEN && opener.cipher.peek(sealed, place, &mut head).is_some();
                if !is_there || !content.pass_unproven(side, &head) {
                    return left;
                }
                place += HEAD_LEN;
            }
        }
    }
    0
}

/// Passes over at most `wanted` of the `left` bytes; how many it were.
fn skip(content: &mut Content, side: Side, wanted: u64, left: usize) -> usize {
    let len = usize::try_from(wanted).unwrap_or(usize::MAX).clamp(1, left);
    content.skip(side, len as u64);
    len
}

/// The content type of a record with a hole, if the hole spares what tells it.
pub(super) fn type_beside_hole(
    opener: &RecordDecrypter,
    header: &RecordHeader,
    sealed: &Sealed<'_>,
    hole: (usize, usize),
) -> Option<(RecordType, usize)> {
    let (kind, len) = peek_type(opener, header, sealed)?;
    // With TLS 1.3 the type stands at `len`; the tag behind it does not matter here.
    let spared = opener.stage == Epoch::Tls12 || len >= hole.1;
    spared.then_some((kind, len))
}

/// After a gap: finds the sequence number under which this record opens. The tag is the proof.
pub(super) fn find_sequence(
    opener: &mut RecordDecrypter,
    header: &RecordHeader,
    payload: &[u8],
    lost: u64,
    out: &mut Vec<u8>,
) -> Option<u64> {
    // The shortest record there is: a header, a tag and one byte.
    const SHORTEST: u64 = 5 + 16 + 1;
    let expected = opener.sequence;
    for skipped in 0..=(lost / SHORTEST).min(MAX_SEQUENCES) {
        let sequence = expected.checked_add(skipped)?;
        if opener.cipher.open(&Sealed { header: header.bytes, payload, sequence }, out) {
            opener.sequence = sequence;
            return Some(skipped);
        }
    }
    None
}
