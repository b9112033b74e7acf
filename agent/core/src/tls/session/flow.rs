//! The session: records from both directions in, plaintext to the layer inside.

use super::half::{Half, Keys, Opener, Record, Stage, Step};
use super::handshake::Handshake;
use super::open::{self, Inside, Opened};
use crate::connection::{Context, Decryption};
use crate::content::{Content, Place};
use crate::counters::Loss;
use crate::side::{PerSide, Side};
use crate::time::Timestamp;
use crate::tls::cipher::Sealed;
use crate::tls::record::{ContentType, HEADER_LEN, Header};

/// The most bytes of one direction that are held while they wait: for the other direction's handshake
/// messages, or for secrets that may still come.
pub const MAX_WAITING: usize = 256 * 1024;

const PROTOCOL: &str = "tls";

/// One TLS session.
pub(crate) struct Session {
    pub(super) halves: PerSide<Half>,
    pub(super) handshake: Handshake,
    /// What the session carries, once something was decrypted.
    inner: Option<Content>,
    place: Place,
    /// The reason was counted why nothing can be decrypted.
    pub(super) failure_told: bool,
}

/// Whether a record could be dealt with.
pub(super) enum Turn {
    Done,
    /// Not before the other direction, or the key log, has said more.
    Wait,
}

/// One record, as it is processed.
#[derive(Clone, Copy)]
struct Arrived<'a> {
    side: Side,
    at: Timestamp,
    header: Header,
    payload: &'a [u8],
    hole: Option<(usize, usize)>,
}

impl Session {
    pub(crate) fn new(place: Place) -> Self {
        Self {
            halves: PerSide::default(),
            handshake: Handshake::default(),
            inner: None,
            place,
            failure_told: false,
        }
    }

    /// The next bytes of one direction. They begin where a segment began.
    pub(crate) fn feed(
        &mut self,
        side: Side,
        at: Timestamp,
        mut bytes: &[u8],
        cx: &mut Context<'_>,
    ) {
        self.halves.get_mut(side).find_place(&mut bytes);
        loop {
            let half = self.halves.get_mut(side);
            match half.advance(&mut bytes) {
                Step::NeedMore => return,
                Step::NotTls => {
                    cx.counters.error(PROTOCOL, "not_a_record");
                    self.lost(side, cx);
                }
                Step::Header(header) => {
                    if half.waiting.is_empty() && self.is_unwanted(side, &header) {
                        self.passed(side, &header, cx);
                        self.halves.get_mut(side).pass();
                    }
                }
                Step::Record(header, Some(payload), hole) => {
                    self.arrived(&Arrived { side, at, header, payload, hole }, cx);
                }
                Step::Record(header, None, hole) => {
                    let payload = half.payload();
                    self.arrived(&Arrived { side, at, header, payload: &payload, hole }, cx);
                }
                Step::Candidate(header, Some(payload)) => {
                    self.candidate(side, at, &header, payload, cx)
                }
                Step::Candidate(header, None) => {
                    let payload = half.payload();
                    self.candidate(side, at, &header, &payload, cx);
                }
            }
        }
    }

    /// Bytes of one direction are missing.
    pub(crate) fn gap(&mut self, side: Side, len: Option<u64>, cx: &mut Context<'_>) {
        if !self.halves.get_mut(side).gap(len) {
            self.lost(side, cx);
        }
    }

    /// Nothing more will come.
    pub(crate) fn finish(&mut self, cx: &mut Context<'_>) {
        // What still waits has all the keys there will ever be.
        cx.keys_may_come = false;
        self.resume(cx);
        if !self.halves.client.waiting.is_empty() || !self.halves.server.waiting.is_empty() {
            self.fail("hello_unseen", cx);
        }
        self.inner.iter_mut().for_each(|inner| inner.finish(cx));
    }

    /// Bytes held.
    pub(crate) fn held(&self) -> usize {
        self.halves.client.held()
            + self.halves.server.held()
            + self.inner.as_ref().map_or(0, Content::held)
    }

    /// Encrypted, and nobody has the key: only that it came matters.
    fn is_unwanted(&self, side: Side, header: &Header) -> bool {
        match &self.halves.get(side).keys {
            Keys::Opaque => true,
            Keys::Clear => !matches!(header.content_type.0, 20..=23),
            // Of a layer that looks at nothing, nothing is opened either.
            Keys::Open(opener) => {
                opener.proven
                    && opener.stage == Stage::Tls12
                    && matches!(self.inner, Some(Content::Foreign))
                    && header.content_type == ContentType::APPLICATION_DATA
            }
        }
    }

    fn passed(&mut self, side: Side, header: &Header, cx: &mut Context<'_>) {
        match &mut self.halves.get_mut(side).keys {
            Keys::Open(opener) => opener.sequence += 1,
            Keys::Opaque => self.handshake.opaque_record(side, header.content_type, cx),
            Keys::Clear => {}
        }
    }

    /// A record in its place: dealt with now, or behind those that wait.
    fn arrived(&mut self, record: &Arrived<'_>, cx: &mut Context<'_>) {
        let must_wait = !self.halves.get(record.side).waiting.is_empty();
        if must_wait || matches!(self.record(record, cx), Turn::Wait) {
            self.wait(record, cx);
        }
        self.resume(cx);
    }

    fn wait(&mut self, record: &Arrived<'_>, cx: &mut Context<'_>) {
        let Arrived { side, at, header, payload, hole } = *record;
        let half = self.halves.get_mut(side);
        let record = Record { at, header, payload: payload.to_vec(), hole };
        if half.waiting_bytes + record.cost() > MAX_WAITING {
            cx.counters.lose(Loss::Limit);
            self.fail("no_keys", cx);
            return;
        }
        half.waiting_bytes += record.cost();
        half.waiting.push_back(record);
    }

    /// Deals with records that waited, in either direction, as long as that gets anywhere.
    fn resume(&mut self, cx: &mut Context<'_>) {
        let mut idle = 0;
        let mut side = Side::Server;
        while idle < 2 {
            idle += 1;
            while let Some(record) = self.halves.get_mut(side).waiting.pop_front() {
                let Record { at, header, hole, .. } = record;
                let arrived = Arrived { side, at, header, payload: &record.payload, hole };
                let turn = self.record(&arrived, cx);
                let half = self.halves.get_mut(side);
                if matches!(turn, Turn::Wait) {
                    half.waiting.push_front(record);
                    break;
                }
                half.waiting_bytes = half.waiting_bytes.saturating_sub(record.cost());
                idle = 0;
            }
            side = side.other();
        }
    }

    fn record(&mut self, record: &Arrived<'_>, cx: &mut Context<'_>) -> Turn {
        match &self.halves.get(record.side).keys {
            Keys::Opaque => {
                self.handshake.opaque_record(record.side, record.header.content_type, cx);
                Turn::Done
            }
            Keys::Clear => self.clear_record(record, cx),
            Keys::Open(_) if record.hole.is_some() => {
                self.damaged_record(record, cx);
                Turn::Done
            }
            Keys::Open(_) => self.sealed_record(record, cx),
        }
    }

    fn clear_record(&mut self, record: &Arrived<'_>, cx: &mut Context<'_>) -> Turn {
        let Arrived { side, header, payload, .. } = *record;
        match header.content_type {
            ContentType::HANDSHAKE if record.hole.is_some() => {
                // A hello that is not whole says nothing.
                self.lost(side, cx);
                Turn::Done
            }
            ContentType::HANDSHAKE => {
                self.handshake_bytes(side, payload, cx);
                Turn::Done
            }
            ContentType::CHANGE_CIPHER_SPEC => self.change_cipher_spec(side, cx),
            // TLS 1.3 hides everything behind this type.
            ContentType::APPLICATION_DATA => {
                if !self.protect(side, cx) {
                    return Turn::Wait;
                }
                // Without keys for this direction there is still nothing to read.
                if self.halves.get(side).keys.is_clear() {
                    Turn::Done
                } else {
                    self.record(record, cx)
                }
            }
            _ => Turn::Done,
        }
    }

    fn sealed_record(&mut self, record: &Arrived<'_>, cx: &mut Context<'_>) -> Turn {
        let Arrived { side, at, header, payload, .. } = *record;
        let half = self.halves.get_mut(side);
        let Keys::Open(opener) = &mut half.keys else { return Turn::Done };
        // TLS 1.3 lets a ChangeCipherSpec in the clear pass anywhere in the handshake (RFC 8446 appendix D.4).
        if opener.stage != Stage::Tls12 && header.content_type != ContentType::APPLICATION_DATA {
            return self.clear_among_sealed(record, cx);
        }
        let sequence = opener.sequence;
        match open::open(opener, &header, payload, &mut cx.scratch.plain) {
            Opened::Whole(kind) => {
                self.opened(cx);
                self.plaintext(side, at, kind, cx);
            }
            Opened::Peek(len) => {
                let sealed = Sealed { header: header.bytes, payload, sequence };
                self.inner(cx);
                let (Keys::Open(opener), Some(content)) =
                    (&self.halves.get(side).keys, &mut self.inner)
                else {
                    return Turn::Done;
                };
                let mut inside = Inside { content, side, at };
                open::peek(opener, &sealed, 0..len, &mut inside, cx);
            }
            Opened::Failed if opener.may_fail > 0 => opener.may_fail -= 1,
            // Not one record opened: the key log is of another connection.
            Opened::Failed if !opener.proven && opener.sequence == 0 => self.fail("wrong_keys", cx),
            Opened::Failed => {
                half.keys = Keys::Opaque;
                cx.counters.error(PROTOCOL, "bad_record");
                self.lost(side, cx);
            }
        }
        Turn::Done
    }

    fn clear_among_sealed(&mut self, record: &Arrived<'_>, cx: &mut Context<'_>) -> Turn {
        // A second ClientHello, after a retry request that overtook it in the capture.
        if record.header.content_type == ContentType::HANDSHAKE && record.side == Side::Client {
            self.handshake_bytes(record.side, record.payload, cx);
        }
        Turn::Done
    }

    /// A record of which a part is missing: its length is known, so the place is not lost.
    fn damaged_record(&mut self, record: &Arrived<'_>, cx: &mut Context<'_>) {
        let (Arrived { side, at, header, payload, .. }, Some(hole)) = (*record, record.hole) else {
            return;
        };
        let Keys::Open(opener) = &mut self.halves.get_mut(side).keys else { return };
        if opener.stage == Stage::Handshake {
            // It held messages, perhaps the last one; no content is lost with it.
            self.expect_traffic(side, cx);
            return;
        }
        let sealed = Sealed { header: header.bytes, payload, sequence: opener.sequence };
        let readable = opener.proven && opener.cipher.can_peek();
        let content =
            if readable { open::type_beside_hole(opener, &header, &sealed, hole) } else { None };
        opener.sequence += 1;
        opener.proven = false;
        let Some((ContentType::APPLICATION_DATA, len)) = content else {
            self.inner_gap(side, None, false, cx);
            return;
        };
        // The hole in terms of the plaintext: TLS 1.2 puts an explicit nonce in front of GCM's.
        let explicit = if opener.stage == Stage::Tls12 { opener.cipher.explicit_len() } else { 0 };
        let (from, to) =
            (hole.0.saturating_sub(explicit).min(len), hole.1.saturating_sub(explicit).min(len));
        if hole.0 < explicit {
            self.inner_gap(side, Some(len as u64), true, cx);
            return;
        }
        self.inner(cx);
        for part in [0..from, to..len] {
            if let (Keys::Open(opener), Some(content)) =
                (&self.halves.get(side).keys, &mut self.inner)
            {
                let mut inside = Inside { content, side, at };
                open::peek(opener, &sealed, part.clone(), &mut inside, cx);
            }
            if part.start == 0 {
                self.inner_gap(side, Some((to - from) as u64), true, cx);
            }
        }
    }

    /// What may be the first record after a gap. Only a tag that fits makes it one.
    fn candidate(
        &mut self,
        side: Side,
        at: Timestamp,
        header: &Header,
        payload: &[u8],
        cx: &mut Context<'_>,
    ) {
        let half = self.halves.get_mut(side);
        let lost = half.lost_before(header);
        let Keys::Open(opener) = &mut half.keys else { return half.settle_candidate(false) };
        let found = open::find_sequence(opener, header, payload, lost, &mut cx.scratch.plain);
        let typed = u64::from(opener.stage != Stage::Tls12);
        // What the missing records held, were all of them application data without padding.
        let overhead = opener.cipher.overhead().map(|bytes| HEADER_LEN as u64 + bytes + typed);
        let len = found
            .zip(overhead)
            .and_then(|(records, overhead)| lost.checked_sub(records.saturating_mul(overhead)));
        half.settle_candidate(found.is_some());
        if found.is_none() {
            return;
        }
        self.inner_gap(side, len, false, cx);
        self.arrived(&Arrived { side, at, header: *header, payload, hole: None }, cx);
    }

    /// The content of one record, proven.
    fn plaintext(&mut self, side: Side, at: Timestamp, kind: ContentType, cx: &mut Context<'_>) {
        let plain = std::mem::take(&mut cx.scratch.plain);
        match kind {
            ContentType::APPLICATION_DATA => {
                self.inner(cx);
                self.inner.iter_mut().for_each(|inner| inner.feed(side, at, &plain, cx));
            }
            ContentType::HANDSHAKE => self.handshake_bytes(side, &plain, cx),
            // In a renegotiation.
            ContentType::CHANGE_CIPHER_SPEC => drop(self.change_cipher_spec(side, cx)),
            _ => {}
        }
        cx.scratch.plain = plain;
    }

    /// The layer inside, made on first use.
    fn inner(&mut self, cx: &Context<'_>) {
        if self.inner.is_none() {
            let alpn = cx.observed.facts.tls.as_ref().and_then(|tls| tls.alpn.as_deref());
            self.inner = Some(match alpn {
                Some(alpn) => Content::negotiated(alpn.as_bytes(), self.place),
                None => Content::undecided(self.place),
            });
        }
    }

    pub(super) fn inner_gap(
        &mut self,
        side: Side,
        len: Option<u64>,
        exact: bool,
        cx: &mut Context<'_>,
    ) {
        self.inner(cx);
        self.inner.iter_mut().for_each(|inner| inner.gap(side, len, exact, cx));
    }

    /// The place in this direction is lost: of the handshake for good, of the content until a tag proves it again.
    pub(super) fn lost(&mut self, side: Side, cx: &mut Context<'_>) {
        let half = self.halves.get_mut(side);
        half.messages.clear();
        match &mut half.keys {
            Keys::Open(opener) if opener.stage == Stage::Handshake => self.expect_traffic(side, cx),
            Keys::Open(opener) => opener.proven = false,
            Keys::Clear | Keys::Opaque => {
                half.stop();
                half.keys = Keys::Opaque;
            }
        }
        if self.inner.is_some() || self.halves.get_mut(side).keys.opener().is_some() {
            self.inner_gap(side, None, false, cx);
        }
        self.resume_after_loss(cx);
    }

    /// What waited for the other direction may wait in vain now.
    fn resume_after_loss(&mut self, cx: &mut Context<'_>) {
        if !self.halves.client.waiting.is_empty() || !self.halves.server.waiting.is_empty() {
            self.resume(cx);
        }
    }

    fn opened(&mut self, cx: &mut Context<'_>) {
        if cx.observed.facts.decryption != Decryption::KeyLog {
            cx.facts().decryption = Decryption::KeyLog;
        }
    }

    /// Nothing of this session can be decrypted, and why.
    pub(super) fn fail(&mut self, reason: &'static str, cx: &mut Context<'_>) {
        if !std::mem::replace(&mut self.failure_told, true) {
            cx.counters.error(PROTOCOL, reason);
        }
        self.halves.client.give_up();
        self.halves.server.give_up();
    }

    /// Nothing of this direction can be decrypted, and why.
    pub(super) fn fail_side(&mut self, side: Side, reason: &'static str, cx: &mut Context<'_>) {
        if !std::mem::replace(&mut self.failure_told, true) {
            cx.counters.error(PROTOCOL, reason);
        }
        self.halves.get_mut(side).give_up();
        if self.inner.is_some() || self.halves.get_mut(side.other()).keys.opener().is_some() {
            self.inner_gap(side, None, false, cx);
        }
    }

    pub(super) fn set_keys(&mut self, side: Side, opener: Opener) {
        let half = self.halves.get_mut(side);
        half.messages.clear();
        half.keys = Keys::Open(opener);
    }
}
