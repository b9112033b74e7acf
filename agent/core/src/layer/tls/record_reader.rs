//! One direction's record layer: records whole, with holes, or passed over; and a lost place found again.

use crate::layer::Gap;
use crate::layer::gather::{Attempts, Gather, Gathered};
use crate::time::Timestamp;
use crate::wire::tls::cipher::RecordCipher;
use crate::wire::tls::handshake::Messages;
use crate::wire::tls::keylog::Secret;
use crate::wire::tls::record::{HEADER_LEN, RecordHeader};
use std::collections::VecDeque;

/// How many places are tried before a lost direction is given up.
const MAX_SEARCHES: u32 = 64;

/// One direction.
pub(super) struct RecordReader {
    place: ReaderState,
    /// What was gathered of a header, and how many bytes that is.
    header: ([u8; HEADER_LEN], usize),
    /// What was gathered of a payload. Given back with the record, since most connections are idle.
    payload: Gather,
    /// The stretch of `payload` that the capture does not have.
    hole: Option<(usize, usize)>,
    /// Bytes of the stream so far, gaps included.
    position: u64,
    /// Where the last record that was whole, or known to be missing, ended.
    boundary: u64,
    searches: Attempts,
    pub(super) protection: Protection,
    pub(super) messages: Messages,
    pub(super) waiting: VecDeque<KeptRecord>,
    /// The cost of all that wait.
    pub(super) waiting_bytes: usize,
}

#[derive(Clone, Copy, Debug, Default)]
enum ReaderState {
    #[default]
    Header,
    Payload(RecordHeader),
    /// In a payload that nobody wants; so many bytes to come.
    Pass(usize),
    /// Unknown: a record may begin at the next segment.
    Lost,
    /// A record that may have begun there is being gathered.
    Candidate(RecordHeader),
    /// Not TLS, or lost for good.
    Stopped,
}

/// How the records of a direction are protected at the moment.
#[derive(Default)]
pub(super) enum Protection {
    /// Not at all.
    #[default]
    None,
    /// With these.
    Known(RecordDecrypter),
    /// With keys that nobody has.
    Unknown,
}

/// Keys in use.
pub(super) struct RecordDecrypter {
    pub(super) cipher: RecordCipher,
    pub(super) stage: Epoch,
    /// TLS 1.3: what the next generation is derived from.
    pub(super) secret: Option<Secret>,
    pub(super) sequence: u64,
    /// The tag of the record before was right.
    pub(super) proven: bool,
    /// Until one opens, so many records are not ours to open: rejected early data, or a handshake without its
    /// keys.
    pub(super) may_fail: u32,
    /// A record was passed over that did not open.
    pub(super) has_failed: bool,
}

/// What the keys are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Epoch {
    /// TLS 1.3 early data.
    Early,
    /// TLS 1.3 handshake.
    Handshake,
    /// TLS 1.3 application data.
    Application,
    /// Everything behind TLS 1.2's ChangeCipherSpec.
    Tls12,
}

/// A record, kept for later.
pub(super) struct KeptRecord {
    pub(super) at: Timestamp,
    pub(super) header: RecordHeader,
    pub(super) payload: Vec<u8>,
    pub(super) hole: Option<(usize, usize)>,
}

impl KeptRecord {
    /// The memory it takes: of a short one, most is not its payload.
    pub(super) fn cost(&self) -> usize {
        size_of::<Self>() + self.payload.len()
    }
}

/// What [`RecordReader::advance`] found.
pub(super) enum RecordStep<'a> {
    /// All bytes are used.
    NeedMore,
    /// A record header; the caller says whether the payload is wanted.
    Header(RecordHeader),
    /// A record. Its payload is in the bytes or, if `None`, in [`RecordReader::payload`]; the last is the hole in it.
    Record(RecordHeader, Option<&'a [u8]>, Option<(usize, usize)>),
    /// A record that may be one, whole. The caller says with [`RecordReader::settle_candidate`] whether it was.
    Candidate(RecordHeader, Option<&'a [u8]>),
    /// These bytes are not TLS.
    NotTls,
}

impl Default for RecordReader {
    fn default() -> Self {
        Self {
            place: ReaderState::default(),
            header: Default::default(),
            payload: Gather::default(),
            hole: None,
            position: 0,
            boundary: 0,
            searches: Attempts::new(MAX_SEARCHES),
            protection: Protection::default(),
            messages: Messages::default(),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
        }
    }
}

impl RecordReader {
    /// The next step in `bytes`, which is advanced past what was used.
    pub(super) fn advance<'a>(&mut self, bytes: &mut &'a [u8]) -> RecordStep<'a> {
        loop {
            match self.place {
                ReaderState::Stopped | ReaderState::Lost => {
                    self.position += bytes.len() as u64;
                    *bytes = &[];
                    return RecordStep::NeedMore;
                }
                ReaderState::Pass(left) => {
                    let len = left.min(bytes.len());
                    self.used(len, bytes);
                    if len < left {
                        self.place = ReaderState::Pass(left - len);
                        return RecordStep::NeedMore;
                    }
                    self.place = ReaderState::Header;
                    self.boundary = self.position;
                }
                ReaderState::Header => {
                    let Some(header) = self.gather_header(bytes) else {
                        return RecordStep::NeedMore;
                    };
                    let Some(header) = RecordHeader::parse(header) else {
                        // With keys, a tag can prove a later record's place.
                        let has_keys = matches!(self.protection, Protection::Known(_));
                        self.place =
                            if has_keys { ReaderState::Lost } else { ReaderState::Stopped };
                        return RecordStep::NotTls;
                    };
                    self.place = ReaderState::Payload(header);
                    return RecordStep::Header(header);
                }
                ReaderState::Payload(header) => {
                    let payload = match self.gather(header.len, bytes) {
                        Gathered::More => return RecordStep::NeedMore,
                        Gathered::Whole(payload) => Some(payload),
                        Gathered::Buffered => None,
                    };
                    self.place = ReaderState::Header;
                    self.boundary = self.position;
                    return RecordStep::Record(header, payload, self.hole.take());
                }
                ReaderState::Candidate(header) => {
                    return match self.gather(header.len, bytes) {
                        Gathered::More => RecordStep::NeedMore,
                        Gathered::Whole(payload) => RecordStep::Candidate(header, Some(payload)),
                        Gathered::Buffered => RecordStep::Candidate(header, None),
                    };
                }
            }
        }
    }

    /// Nobody wants the payload of the record whose header was just found.
    pub(super) fn pass(&mut self) {
        if let ReaderState::Payload(header) = self.place {
            self.place = ReaderState::Pass(header.len);
        }
    }

    /// The payload of the record that was just found, where it came in pieces.
    pub(super) fn payload(&mut self) -> Vec<u8> {
        self.payload.take()
    }

    /// `len` bytes are missing here. False where the place is lost with them.
    pub(super) fn gap(&mut self, gap: Gap) -> bool {
        let start = self.position;
        let len = gap.len();
        self.position = self.position.saturating_add(len.unwrap_or(0));
        let missing = len.and_then(|len| usize::try_from(len).ok()).unwrap_or(usize::MAX);
        match self.place {
            ReaderState::Pass(left) if missing <= left => {
                self.place = ReaderState::Pass(left - missing);
                true
            }
            ReaderState::Payload(header) if missing <= header.len - self.payload.len() => {
                let (from, to) = self.payload.skip(missing);
                // Two holes are one, with what is between them.
                self.hole = Some((self.hole.map_or(from, |(first, _)| first), to));
                true
            }
            ReaderState::Stopped => true,
            _ => {
                if !matches!(self.place, ReaderState::Lost | ReaderState::Candidate(_)) {
                    // The record that the gap began in is missing too, from its header on.
                    self.boundary = start
                        - (self.header.1 + self.payload.len()) as u64
                        - if matches!(self.place, ReaderState::Payload(_)) {
                            HEADER_LEN as u64
                        } else {
                            0
                        };
                }
                self.clear();
                self.place = ReaderState::Lost;
                false
            }
        }
    }

    /// Before [`advance`](Self::advance) on what one segment carried: a record may begin with it.
    pub(super) fn find_place(&mut self, bytes: &mut &[u8]) {
        if !matches!(self.place, ReaderState::Lost)
            || !matches!(self.protection, Protection::Known(_))
        {
            return;
        }
        let Some((header, rest)) = bytes.split_first_chunk::<HEADER_LEN>() else { return };
        let header = RecordHeader::parse(*header)
            .filter(|header| matches!(header.bytes, [22 | 23, 3, 1 | 3, ..]));
        if let Some(header) = header {
            self.position += HEADER_LEN as u64;
            *bytes = rest;
            self.place = ReaderState::Candidate(header);
        }
    }

    /// Whether the candidate was a record. If not, the search goes on, within bounds.
    pub(super) fn settle_candidate(&mut self, found: bool) {
        self.clear();
        let may_search = self.searches.spend();
        self.place = match found {
            true => ReaderState::Header,
            false if may_search => ReaderState::Lost,
            false => ReaderState::Stopped,
        };
        if found {
            self.boundary = self.position;
        }
    }

    /// Bytes between the last known boundary and the candidate with this payload.
    pub(super) fn lost_before(&self, header: &RecordHeader) -> u64 {
        self.position.saturating_sub((HEADER_LEN + header.len) as u64).saturating_sub(self.boundary)
    }

    pub(super) fn is_lost(&self) -> bool {
        matches!(self.place, ReaderState::Lost | ReaderState::Candidate(_) | ReaderState::Stopped)
    }

    /// Whether a record has begun whose end has not come.
    pub(super) fn is_within_record(&self) -> bool {
        match self.place {
            ReaderState::Header => self.header.1 > 0,
            ReaderState::Payload(_) | ReaderState::Candidate(_) => true,
            ReaderState::Pass(_) | ReaderState::Lost | ReaderState::Stopped => false,
        }
    }

    /// What follows cannot be decrypted, nor what waits.
    pub(super) fn give_up(&mut self) {
        self.waiting.clear();
        self.waiting_bytes = 0;
        self.protection = Protection::Unknown;
    }

    /// Nothing of this direction is looked at any more.
    pub(super) fn stop(&mut self) {
        self.clear();
        self.place = ReaderState::Stopped;
    }

    pub(super) fn held(&self) -> usize {
        self.payload.capacity() + self.messages.held() + self.waiting_bytes
    }

    fn clear(&mut self) {
        self.header.1 = 0;
        self.payload = Gather::default();
        self.hole = None;
    }

    fn used(&mut self, len: usize, bytes: &mut &[u8]) {
        self.position += len as u64;
        *bytes = bytes.get(len..).unwrap_or_default();
    }

    fn gather_header(&mut self, bytes: &mut &[u8]) -> Option<[u8; HEADER_LEN]> {
        let (header, have) = &mut self.header;
        if *have == 0
            && let Some(whole) = bytes.first_chunk::<HEADER_LEN>()
        {
            let whole = *whole;
            self.used(HEADER_LEN, bytes);
            return Some(whole);
        }
        let len = (HEADER_LEN - *have).min(bytes.len());
        header.get_mut(*have..*have + len)?.copy_from_slice(bytes.get(..len)?);
        *have += len;
        let whole = (*have == HEADER_LEN).then_some(*header);
        if whole.is_some() {
            *have = 0;
        }
        self.used(len, bytes);
        whole
    }

    /// The payload of a record.
    fn gather<'a>(&mut self, len: usize, bytes: &mut &'a [u8]) -> Gathered<'a> {
        let before = bytes.len();
        if before < len {
            self.payload.reserve(len);
        }
        let gathered = self.payload.gather(len, bytes);
        self.position += (before - bytes.len()) as u64;
        gathered
    }
}

impl RecordDecrypter {
    pub(super) fn new(cipher: RecordCipher, stage: Epoch, secret: Option<Secret>) -> Self {
        Self { cipher, stage, secret, sequence: 0, proven: false, may_fail: 0, has_failed: false }
    }

    /// A record has opened.
    pub(super) fn opened(&mut self) {
        self.sequence += 1;
        self.proven = true;
        self.may_fail = 0;
        self.has_failed = false;
    }
}

impl Protection {
    pub(super) fn opener(&mut self) -> Option<&mut RecordDecrypter> {
        match self {
            Self::Known(opener) => Some(opener),
            Self::None | Self::Unknown => None,
        }
    }

    pub(super) fn is_clear(&self) -> bool {
        matches!(self, Self::None)
    }

    pub(super) fn is_opaque(&self) -> bool {
        matches!(self, Self::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_buffer_of_a_large_record_counts_and_is_not_kept() {
        let record = [&[23, 3, 3, 0x20, 0][..], &[0; 0x2000]].concat();
        let (mut first, mut second) = record.split_at(100);
        let mut record_reader = RecordReader::default();
        assert!(matches!(record_reader.advance(&mut first), RecordStep::Header(_)));
        assert!(matches!(record_reader.advance(&mut first), RecordStep::NeedMore));
        assert!(record_reader.held() >= 0x2000);
        assert!(matches!(record_reader.advance(&mut second), RecordStep::Record(_, None, None)));
        drop(record_reader.payload());
        assert_eq!((record_reader.held(), record_reader.payload.capacity()), (0, 0));
    }
}
