//! The session: records from both directions in, plaintext to the layer inside.

use super::handshake::HandshakeState;
use super::open::{self, Inside, OpenedRecord};
use super::record_reader::{
    Epoch, KeptRecord, Protection, RecordDecrypter, RecordReader, RecordStep,
};
use crate::counters::Loss;
use crate::layer::{Content, Demand, Gap, Position};
use crate::observation::{Context, Decryption};
use crate::side::{PerSide, Side};
use crate::time::Timestamp;
use crate::wire::tls::alert::Alert;
use crate::wire::tls::cipher::Sealed;
use crate::wire::tls::keylog::{KeyLog, Label, Secrets};
use crate::wire::tls::record::{RecordHeader, RecordType};

/// The most bytes of one direction that are held while they wait: for the other direction's handshake
/// messages, or for secrets that may still come.
pub const MAX_WAITING: usize = 256 * 1024;

pub(super) const PROTOCOL: &str = "tls";

/// One TLS session.
pub(crate) struct Session {
    pub(super) halves: PerSide<RecordReader>,
    pub(super) handshake: HandshakeState,
    /// What the session carries, once something was decrypted.
    pub(super) inner: Option<Content>,
    place: Position,
    /// The reason was counted why nothing can be decrypted.
    pub(super) failure_told: bool,
    /// That records were opened was told.
    pub(super) opened_told: bool,
    /// Only the handshake is of interest: nothing is decrypted, and not for want of keys.
    pub(super) only_hellos: bool,
}

/// Whether a record could be dealt with.
pub(super) enum Turn {
    Done,
    /// Not before the other direction, or the key log, has said more.
    Wait,
}

/// One record, as it is processed.
#[derive(Clone, Copy)]
pub(super) struct Arrived<'a> {
    pub(super) side: Side,
    pub(super) at: Timestamp,
    pub(super) header: RecordHeader,
    pub(super) payload: &'a [u8],
    pub(super) hole: Option<(usize, usize)>,
}

impl Session {
    pub(crate) fn new(place: Position) -> Self {
        Self {
            halves: PerSide::default(),
            handshake: HandshakeState::default(),
            inner: None,
            place,
            failure_told: false,
            opened_told: false,
            only_hellos: false,
        }
    }

    /// A session of which only what the handshake says in the clear is read.
    pub(crate) fn only_hellos(place: Position) -> Self {
        // That nothing can be decrypted is no failure, so none is told.
        Self { only_hellos: true, failure_told: true, ..Self::new(place) }
    }

    /// Whether both hellos were read, and everything behind them is encrypted.
    pub(crate) fn has_said_all(&self) -> bool {
        self.handshake.client_random.is_some() && self.handshake.is_tls13()
    }

    /// Whether all that this direction says in the clear was said: what waits is encrypted.
    pub(crate) fn is_beyond_handshake(&self, side: Side) -> bool {
        let record_reader = self.halves.get(side);
        self.has_said_all()
            || record_reader.protection.is_opaque()
            || !record_reader.waiting.is_empty()
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
            let record_reader = self.halves.get_mut(side);
            match record_reader.advance(&mut bytes) {
                RecordStep::NeedMore => return,
                RecordStep::NotTls => {
                    cx.counters.error(PROTOCOL, "not_a_record");
                    if record_reader.protection.opener().is_some() {
                        cx.gap();
                    }
                    self.lost(side, cx);
                }
                RecordStep::Header(header) => {
                    let is_next = record_reader.waiting.is_empty() || self.only_hellos;
                    if is_next && self.is_unwanted(side, &header) {
                        self.passed(side, &header, cx);
                        self.halves.get_mut(side).pass();
                    }
                }
                RecordStep::Record(header, Some(payload), hole) => {
                    self.arrived(&Arrived { side, at, header, payload, hole }, cx);
                }
                RecordStep::Record(header, None, hole) => {
                    let payload = record_reader.payload();
                    self.arrived(&Arrived { side, at, header, payload: &payload, hole }, cx);
                }
                RecordStep::Candidate(header, Some(payload)) => {
                    self.candidate(side, at, &header, payload, cx)
                }
                RecordStep::Candidate(header, None) => {
                    let payload = record_reader.payload();
                    self.candidate(side, at, &header, &payload, cx);
                }
            }
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
        for record_reader in [&mut self.halves.client, &mut self.halves.server] {
            if record_reader.protection.opener().is_some_and(|opener| opener.has_failed) {
                cx.counters.error(PROTOCOL, "bad_record");
            }
            if self.opened_told
                && !record_reader.protection.is_opaque()
                && record_reader.is_within_record()
            {
                cx.counters.error(PROTOCOL, "incomplete_record");
                cx.gap();
            }
        }
        self.inner.iter_mut().for_each(|inner| inner.finish(cx));
    }

    /// Whether it holds records whose secrets are not among these.
    pub(crate) fn awaits(&self, keys: &KeyLog) -> bool {
        let waits =
            !self.halves.client.waiting.is_empty() || !self.halves.server.waiting.is_empty();
        let random = self.handshake.client_random.as_ref();
        let known = random.map(|random| keys.secrets(random));
        waits && known.is_some_and(|secrets| secrets.is_none_or(|secrets| !self.is_enough(secrets)))
    }

    /// Whether no more secrets are needed.
    fn is_enough(&self, secrets: &Secrets) -> bool {
        let has = |label| secrets.get(label).is_some();
        !self.handshake.is_tls13() || has(Label::ClientTraffic) && has(Label::ServerTraffic)
    }

    /// Bytes held.
    pub(crate) fn held(&self) -> usize {
        self.halves.client.held()
            + self.halves.server.held()
            + self.inner.as_ref().map_or(0, Content::held)
    }

    /// Encrypted, and nobody has the key: only that it came matters.
    fn is_unwanted(&self, side: Side, header: &RecordHeader) -> bool {
        match &self.halves.get(side).protection {
            Protection::Unknown => true,
            Protection::None if self.only_hellos => !matches!(header.content_type.0, 20..=22),
            Protection::None => !matches!(header.content_type.0, 20..=23),
            // Of a layer that looks at nothing, nothing is opened either.
            Protection::Known(opener) => {
                opener.proven
                    && opener.stage == Epoch::Tls12
                    && matches!(self.inner, Some(Content::Foreign))
                    && header.content_type == RecordType::APPLICATION_DATA
            }
        }
    }

    fn passed(&mut self, side: Side, header: &RecordHeader, cx: &mut Context<'_>) {
        match &mut self.halves.get_mut(side).protection {
            Protection::Known(opener) => opener.sequence += 1,
            Protection::Unknown => self.handshake.opaque_record(side, header.content_type, cx),
            Protection::None => {}
        }
    }

    /// A record in its place: dealt with now, or behind those that wait.
    pub(super) fn arrived(&mut self, record: &Arrived<'_>, cx: &mut Context<'_>) {
        let must_wait = !self.halves.get(record.side).waiting.is_empty();
        if must_wait || matches!(self.record(record, cx), Turn::Wait) {
            self.wait(record, cx);
        }
        self.resume(cx);
    }

    fn wait(&mut self, record: &Arrived<'_>, cx: &mut Context<'_>) {
        let Arrived { side, at, header, payload, hole } = *record;
        let record_reader = self.halves.get_mut(side);
        let record = KeptRecord { at, header, payload: payload.to_vec(), hole };
        if record_reader.waiting_bytes + record.cost() > MAX_WAITING {
            cx.counters.lose(Loss::Limit);
            self.fail("no_keys", cx);
            return;
        }
        record_reader.waiting_bytes += record.cost();
        record_reader.waiting.push_back(record);
    }

    /// Deals with records that waited, in either direction, as long as that gets anywhere.
    pub(crate) fn resume(&mut self, cx: &mut Context<'_>) {
        let mut idle = 0;
        let mut side = Side::Server;
        while idle < 2 {
            idle += 1;
            while let Some(record) = self.halves.get_mut(side).waiting.pop_front() {
                let KeptRecord { at, header, hole, .. } = record;
                let arrived = Arrived { side, at, header, payload: &record.payload, hole };
                let turn = self.record(&arrived, cx);
                let record_reader = self.halves.get_mut(side);
                if matches!(turn, Turn::Wait) {
                    record_reader.waiting.push_front(record);
                    break;
                }
                record_reader.waiting_bytes =
                    record_reader.waiting_bytes.saturating_sub(record.cost());
                idle = 0;
            }
            side = side.other();
        }
    }

    fn record(&mut self, record: &Arrived<'_>, cx: &mut Context<'_>) -> Turn {
        match &self.halves.get(record.side).protection {
            Protection::Unknown => {
                self.handshake.opaque_record(record.side, record.header.content_type, cx);
                Turn::Done
            }
            Protection::None => self.clear_record(record, cx),
            Protection::Known(_) if record.hole.is_some() => {
                self.damaged_record(record, cx);
                Turn::Done
            }
            Protection::Known(_) => self.sealed_record(record, cx),
        }
    }

    fn clear_record(&mut self, record: &Arrived<'_>, cx: &mut Context<'_>) -> Turn {
        let Arrived { side, header, payload, .. } = *record;
        match header.content_type {
            RecordType::HANDSHAKE if record.hole.is_some() => {
                // A hello that is not whole says nothing.
                self.lost(side, cx);
                Turn::Done
            }
            RecordType::HANDSHAKE => {
                self.handshake_bytes(side, payload, cx);
                Turn::Done
            }
            RecordType::CHANGE_CIPHER_SPEC => self.change_cipher_spec(side, cx),
            RecordType::ALERT if record.hole.is_none() => {
                alert(side, payload, cx);
                Turn::Done
            }
            // TLS 1.3 hides everything behind this type.
            RecordType::APPLICATION_DATA => {
                if !self.protect(side, cx) {
                    return Turn::Wait;
                }
                // Without keys for this direction there is still nothing to read.
                if self.halves.get(side).protection.is_clear() {
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
        let Protection::Known(opener) = &mut self.halves.get_mut(side).protection else {
            return Turn::Done;
        };
        // TLS 1.3 lets a ChangeCipherSpec in the clear pass anywhere in the handshake (RFC 8446 appendix D.4).
        if opener.stage != Epoch::Tls12 && header.content_type != RecordType::APPLICATION_DATA {
            if opener.stage == Epoch::Application && opener.may_fail == 0 {
                // Behind a Finished, everything is sealed.
                self.bad_record(record, cx);
                return Turn::Done;
            }
            return self.clear_among_sealed(record, cx);
        }
        let sequence = opener.sequence;
        // A direction of which nothing more is read needs no proof.
        let is_wanted =
            self.inner.as_ref().is_none_or(|inner| inner.demand(side) != Demand::Skip(u64::MAX));
        match open::open(opener, &header, payload, is_wanted, &mut cx.scratch.plain) {
            OpenedRecord::Whole(kind) => {
                self.opened(cx);
                self.plaintext(side, at, kind, cx);
            }
            OpenedRecord::Peek(len) => {
                self.opened(cx);
                let sealed = Sealed { header: header.bytes, payload, sequence };
                self.inner(cx);
                let (Protection::Known(opener), Some(content)) =
                    (&self.halves.get(side).protection, &mut self.inner)
                else {
                    return Turn::Done;
                };
                let mut inside = Inside { content, side, at };
                open::peek(opener, &sealed, len, &mut inside, cx);
            }
            OpenedRecord::Failed => self.bad_record(record, cx),
        }
        Turn::Done
    }

    fn clear_among_sealed(&mut self, record: &Arrived<'_>, cx: &mut Context<'_>) -> Turn {
        // A second ClientHello, after a retry request that overtook it in the capture.
        if record.header.content_type == RecordType::HANDSHAKE && record.side == Side::Client {
            self.handshake_bytes(record.side, record.payload, cx);
        }
        // Of a client that cannot make the keys for it.
        let opener = self.halves.get_mut(record.side).protection.opener();
        if record.header.content_type == RecordType::ALERT
            && opener.is_some_and(|opener| !opener.proven)
        {
            alert(record.side, record.payload, cx);
        }
        Turn::Done
    }

    /// The content of one record, proven.
    fn plaintext(&mut self, side: Side, at: Timestamp, kind: RecordType, cx: &mut Context<'_>) {
        let plain = std::mem::take(&mut cx.scratch.plain);
        match kind {
            RecordType::APPLICATION_DATA => {
                self.inner(cx);
                self.inner.iter_mut().for_each(|inner| inner.feed(side, at, &plain, cx));
            }
            RecordType::HANDSHAKE => self.handshake_bytes(side, &plain, cx),
            RecordType::ALERT => alert(side, &plain, cx),
            // In a renegotiation.
            RecordType::CHANGE_CIPHER_SPEC => drop(self.change_cipher_spec(side, cx)),
            _ => {}
        }
        cx.scratch.plain = plain;
    }

    /// The layer inside, made on first use.
    pub(super) fn inner(&mut self, cx: &Context<'_>) {
        if self.inner.is_none() {
            let alpn = cx.observed.facts.tls.as_ref().and_then(|tls| tls.alpn.as_deref());
            self.inner = Some(match alpn {
                Some(alpn) => Content::negotiated(alpn.as_bytes(), self.place),
                None => Content::undecided(self.place),
            });
        }
    }

    pub(super) fn inner_gap(&mut self, side: Side, gap: Gap, cx: &mut Context<'_>) {
        self.inner(cx);
        self.inner.iter_mut().for_each(|inner| inner.gap(side, gap, cx));
    }

    fn opened(&mut self, cx: &mut Context<'_>) {
        // Once: a session inside this one has its own to tell.
        if !std::mem::replace(&mut self.opened_told, true) {
            cx.facts().decryption = Decryption::KeyLog;
        }
    }

    pub(super) fn set_keys(&mut self, side: Side, opener: RecordDecrypter) {
        let record_reader = self.halves.get_mut(side);
        record_reader.messages.clear();
        record_reader.protection = Protection::Known(opener);
    }
}

/// The content of a record with an alert, in the clear or decrypted.
fn alert(side: Side, content: &[u8], cx: &mut Context<'_>) {
    match Alert::parse(content) {
        Some(alert) => cx.tls().alerted(side, alert),
        None => cx.counters.error(PROTOCOL, "alert"),
    }
}
