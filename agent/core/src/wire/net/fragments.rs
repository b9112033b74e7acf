//! IP fragments, put together (RFC 791 §3.2, RFC 8200 §4.5).

use super::ip::{Address, Fragment, Ip};
use std::collections::VecDeque;

/// The most datagrams that are being put together; at the limit the oldest is given up and counted.
pub const MAX_FRAGMENTED_DATAGRAMS: usize = 256;
/// The longest datagram that is put together, in bytes.
pub const MAX_DATAGRAM: usize = 65_535;

/// Datagrams of which parts are still missing.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    datagrams: VecDeque<Datagram>,
    /// Datagrams given up: too many at a time, or too long.
    pub(super) dropped: u64,
}

/// What a fragment led to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// The payload of its datagram, which is whole.
    Whole(Vec<u8>),
    /// Its datagram is not whole yet, or was given up.
    Kept,
    /// It has other bytes than another fragment for the same place, or another end: its datagram is given up.
    Conflicting,
}

#[derive(Debug)]
struct Datagram {
    key: (Address, Address, u32, u8),
    bytes: Vec<u8>,
    /// Stretches of `bytes` that were received: sorted, disjoint, not touching.
    received: Vec<(usize, usize)>,
    end: Option<usize>,
    /// Fragments contradict each other: what is still to come is dropped too (RFC 5722 §4).
    is_conflicting: bool,
}

impl Fragments {
    /// Datagrams that are not whole.
    pub(super) fn incomplete(&self) -> u64 {
        self.datagrams.iter().filter(|datagram| !datagram.is_conflicting).count() as u64
    }

    /// Adds one fragment. Where fragments overlap, they have to have the same bytes.
    pub(super) fn add(&mut self, ip: &Ip<'_>, fragment: Fragment) -> Added {
        let end = fragment.offset + ip.payload.len();
        // A fragment that the snap length cut can never complete its datagram.
        if end > MAX_DATAGRAM || ip.missing > 0 {
            self.dropped += 1;
            return Added::Kept;
        }
        let key = (ip.source, ip.destination, fragment.id, ip.protocol);
        let at = match self.datagrams.iter().position(|datagram| datagram.key == key) {
            Some(at) => at,
            None => {
                if self.datagrams.len() >= MAX_FRAGMENTED_DATAGRAMS {
                    let oldest = self.datagrams.pop_front();
                    let is_counted = oldest.is_some_and(|oldest| oldest.is_conflicting);
                    self.dropped += u64::from(!is_counted);
                }
                self.datagrams.push_back(Datagram {
                    key,
                    bytes: Vec::new(),
                    received: Vec::new(),
                    end: None,
                    is_conflicting: false,
                });
                self.datagrams.len() - 1
            }
        };
        let Some(datagram) = self.datagrams.get_mut(at) else { return Added::Kept };
        let was_conflicting = datagram.is_conflicting;
        datagram.is_conflicting |= datagram.contradicts(fragment, ip.payload);
        datagram.insert(fragment.offset, ip.payload);
        if !fragment.more && datagram.end.is_none() {
            datagram.end = Some(end);
        }
        let is_conflicting = datagram.is_conflicting;
        // A datagram that is given up is remembered until all of it has come, or newer ones need its place.
        let whole = if datagram.is_whole() { self.datagrams.remove(at) } else { None };
        match whole {
            _ if is_conflicting && !was_conflicting => Added::Conflicting,
            Some(datagram) if !is_conflicting => Added::Whole(datagram.bytes),
            _ => Added::Kept,
        }
    }
}

impl Datagram {
    /// Whether a fragment has other bytes than what was received, or another end.
    fn contradicts(&self, fragment: Fragment, payload: &[u8]) -> bool {
        let (offset, stop) = (fragment.offset, fragment.offset + payload.len());
        let received = self.received.last().map_or(0, |(_, stop)| *stop);
        let wrong_end = match self.end {
            Some(end) => stop > end || !fragment.more && stop != end,
            None => !fragment.more && received > stop,
        };
        let differs = |(start, end): &(usize, usize)| {
            let (from, to) = (offset.max(*start), stop.min(*end));
            from < to && self.bytes.get(from..to) != payload.get(from - offset..to - offset)
        };
        wrong_end || self.received.iter().any(differs)
    }

    fn insert(&mut self, offset: usize, payload: &[u8]) {
        let end = offset + payload.len();
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        // Fill only the holes between what is there.
        let mut from = offset;
        let mut holes = Vec::new();
        for &(start, stop) in
            self.received.iter().filter(|(start, stop)| *start < end && *stop > offset)
        {
            if from < start {
                holes.push((from, start));
            }
            from = stop;
        }
        if from < end {
            holes.push((from, end));
        }
        for &(start, stop) in &holes {
            if let (Some(to), Some(bytes)) =
                (self.bytes.get_mut(start..stop), payload.get(start - offset..stop - offset))
            {
                to.copy_from_slice(bytes);
            }
        }
        self.received.extend(holes);
        self.received.sort_unstable();
        self.received.dedup_by(|next, previous| {
            let touch = next.0 == previous.1;
            if touch {
                previous.1 = next.1;
            }
            touch
        });
    }

    fn is_whole(&self) -> bool {
        match (self.received.as_slice(), self.end) {
            ([(0, stop)], Some(end)) => *stop >= end,
            _ => false,
        }
    }
}
