//! What could not be read and what was lost, by reason.

use std::collections::BTreeMap;

/// Counts of one engine; the keys are metric labels and closed sets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets that were handed in.
    pub packets: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// Reports of probes that were handed in.
    pub reports: u64,
    /// By protocol and kind: bytes that are not what they should be, or that there are no keys for.
    pub decode_errors: BTreeMap<(&'static str, &'static str), u64>,
    /// By reason: what was there and is not in the output.
    pub lost: BTreeMap<Loss, u64>,
    /// TCP segments that brought nothing new.
    pub retransmitted: u64,
    /// TCP segments that overlapped others in part.
    pub overlapping: u64,
    /// TCP segments outside any possible window.
    pub out_of_window: u64,
}

/// Why something that entered did not come out.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum Loss {
    /// Bytes that the capture does not have: one for each gap.
    Gap,
    /// A bound on one connection was reached.
    Limit,
    /// A connection was dropped for newer ones.
    Evicted,
}

impl Loss {
    /// All of them, in order.
    pub const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The metric label.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl Counters {
    /// Counts one decode error.
    pub(crate) fn error(&mut self, protocol: &'static str, kind: &'static str) {
        self.errors(protocol, kind, 1);
    }

    /// Counts decode errors of one kind.
    pub(crate) fn errors(&mut self, protocol: &'static str, kind: &'static str, count: u64) {
        if count > 0 {
            *self.decode_errors.entry((protocol, kind)).or_default() += count;
        }
    }

    /// Counts one loss.
    pub(crate) fn lose(&mut self, loss: Loss) {
        self.losses(loss, 1);
    }

    /// Counts losses of one kind.
    pub(crate) fn losses(&mut self, loss: Loss, count: u64) {
        if count > 0 {
            *self.lost.entry(loss).or_default() += count;
        }
    }

    /// The sum over all reasons.
    pub fn lost_total(&self) -> u64 {
        self.lost.values().sum()
    }

    /// Adds another engine's counts.
    pub fn merge(&mut self, other: &Self) {
        self.packets += other.packets;
        self.bytes += other.bytes;
        self.reports += other.reports;
        self.retransmitted += other.retransmitted;
        self.overlapping += other.overlapping;
        self.out_of_window += other.out_of_window;
        for (key, count) in &other.decode_errors {
            *self.decode_errors.entry(*key).or_default() += count;
        }
        for (loss, count) in &other.lost {
            *self.lost.entry(*loss).or_default() += count;
        }
    }
}
