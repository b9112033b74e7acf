//! Losses: gaps in records, a place that is lost and found again, keys that are missing.

use super::flow::{Arrived, PROTOCOL, Session};
use super::open;
use super::record_reader::{Epoch, Protection};
use crate::layer::Gap;
use crate::observation::Context;
use crate::side::Side;
use crate::time::Timestamp;
use crate::wire::tls::cipher::Sealed;
use crate::wire::tls::record::{HEADER_LEN, RecordHeader, RecordType};
use std::ops::Range;

impl Session {
    /// Bytes of one direction are missing.
    pub(crate) fn gap(&mut self, side: Side, gap: Gap, cx: &mut Context<'_>) {
        if !self.halves.get_mut(side).gap(gap) {
            self.lost(side, cx);
        }
    }

    /// A record of which a part is missing. Its tag cannot be checked, so only a body's bytes are passed over.
    pub(super) fn damaged_record(&mut self, record: &Arrived<'_>, cx: &mut Context<'_>) {
        let (Arrived { side, header, payload, .. }, Some(hole)) = (*record, record.hole) else {
            return;
        };
        let Protection::Known(opener) = &mut self.halves.get_mut(side).protection else { return };
        if opener.stage == Epoch::Handshake {
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
        let Some((RecordType::APPLICATION_DATA, len)) = content else {
            self.inner_gap(side, Gap::Unknown, cx);
            return;
        };
        // The hole in terms of the plaintext: TLS 1.2 puts an explicit nonce in front of GCM's.
        let explicit = if opener.stage == Epoch::Tls12 { opener.cipher.explicit_len() } else { 0 };
        let (from, to) =
            (hole.0.saturating_sub(explicit).min(len), hole.1.saturating_sub(explicit).min(len));
        if hole.0 < explicit {
            self.inner_gap(side, Gap::Exactly(len as u64), cx);
            return;
        }
        self.inner(cx);
        let before = self.pass(side, &sealed, 0..from);
        if before > 0 {
            self.inner_gap(side, Gap::Exactly((len - from + before) as u64), cx);
            return;
        }
        self.inner_gap(side, Gap::Exactly((to - from) as u64), cx);
        let behind = self.pass(side, &sealed, to..len);
        if behind > 0 {
            self.inner_gap(side, Gap::Exactly(behind as u64), cx);
        }
    }

    /// See [`open::pass`].
    fn pass(&mut self, side: Side, sealed: &Sealed<'_>, part: Range<usize>) -> usize {
        match (&self.halves.get(side).protection, &mut self.inner) {
            (Protection::Known(opener), Some(content)) => {
                open::pass(opener, sealed, part, content, side)
            }
            _ => part.len(),
        }
    }

    /// A record whose tag is wrong: nothing of it is read. A single one is damage, and the next one shows with its
    /// tag that the place is right. A second one in a row is not of these keys.
    pub(super) fn bad_record(&mut self, record: &Arrived<'_>, cx: &mut Context<'_>) {
        let Arrived { side, payload, .. } = *record;
        let Protection::Known(opener) = &mut self.halves.get_mut(side).protection else { return };
        if opener.may_fail > 0 {
            opener.may_fail -= 1;
            opener.has_failed = true;
            return;
        }
        let is_first = !opener.proven && opener.sequence == 0;
        if is_first && !self.opened_told {
            // Not one record opened: the key log is of another connection.
            return self.fail("wrong_keys", cx);
        }
        cx.counters.error(PROTOCOL, "bad_record");
        cx.gap();
        if !opener.proven && !is_first {
            self.halves.get_mut(side).protection = Protection::Unknown;
            return self.lost(side, cx);
        }
        if opener.stage == Epoch::Handshake {
            return self.expect_traffic(side, cx);
        }
        let typed = usize::from(opener.stage != Epoch::Tls12);
        let len = opener.cipher.plaintext_len(payload.len());
        let len = len.and_then(|len| len.checked_sub(typed)).map(|len| len as u64);
        opener.sequence += 1;
        opener.proven = false;
        // What it held may have been no application data, or have had padding.
        self.inner_gap(side, len.map_or(Gap::Unknown, Gap::About), cx);
    }

    /// What may be the first record after a gap. Only a tag that fits makes it one.
    pub(super) fn candidate(
        &mut self,
        side: Side,
        at: Timestamp,
        header: &RecordHeader,
        payload: &[u8],
        cx: &mut Context<'_>,
    ) {
        let record_reader = self.halves.get_mut(side);
        let lost = record_reader.lost_before(header);
        let Protection::Known(opener) = &mut record_reader.protection else {
            return record_reader.settle_candidate(false);
        };
        let found = open::find_sequence(opener, header, payload, lost, &mut cx.scratch.plain);
        let typed = u64::from(opener.stage != Epoch::Tls12);
        // What the missing records held, were all of them application data without padding.
        let overhead = opener.cipher.overhead().map(|bytes| HEADER_LEN as u64 + bytes + typed);
        let len = found
            .zip(overhead)
            .and_then(|(records, overhead)| lost.checked_sub(records.saturating_mul(overhead)));
        record_reader.settle_candidate(found.is_some());
        if found.is_none() {
            return;
        }
        self.inner_gap(side, len.map_or(Gap::Unknown, Gap::About), cx);
        self.arrived(&Arrived { side, at, header: *header, payload, hole: None }, cx);
    }

    /// The place in this direction is lost: of the handshake for good, of the content until a tag proves it again.
    pub(super) fn lost(&mut self, side: Side, cx: &mut Context<'_>) {
        let record_reader = self.halves.get_mut(side);
        record_reader.messages.clear();
        match &mut record_reader.protection {
            Protection::Known(opener) if opener.stage == Epoch::Handshake => {
                self.expect_traffic(side, cx)
            }
            Protection::Known(opener) => opener.proven = false,
            Protection::None | Protection::Unknown => {
                record_reader.stop();
                record_reader.protection = Protection::Unknown;
            }
        }
        if self.inner.is_some() || self.halves.get_mut(side).protection.opener().is_some() {
            self.inner_gap(side, Gap::Unknown, cx);
        }
        self.resume_after_loss(cx);
    }

    /// What waited for the other direction may wait in vain now.
    fn resume_after_loss(&mut self, cx: &mut Context<'_>) {
        if !self.halves.client.waiting.is_empty() || !self.halves.server.waiting.is_empty() {
            self.resume(cx);
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
        if self.inner.is_some() || self.halves.get_mut(side.other()).protection.opener().is_some() {
            self.inner_gap(side, Gap::Unknown, cx);
        }
    }
}
