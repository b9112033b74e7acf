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

#[derive(Debug)]
struct Datagram {
    key: (Address, Address, u32, u8),
    bytes: Vec<u8>,
    /// Stretches of `bytes` that were received: sorted, disjoint, not touching.
    received: Vec<(usize, usize)>,
    end: Option<usize>,
}

impl Fragments {
    /// Adds one fragment; the whole payload once nothing is missing. Where fragments overlap, the first wins.
    pub(super) fn add(&mut self, ip: &Ip<'_>, fragment: Fragment) -> Option<Vec<u8>> {
        let end = fragment.offset + ip.payload.len();
        // A fragment that the snap length cut can never complete its datagram.
        if end > MAX_DATAGRAM || ip.missing > 0 {
            self.dropped += 1;
            return None;
        }
        let key = (ip.source, ip.destination, fragment.id, ip.protocol);
        let at = match self.datagrams.iter().position(|datagram| datagram.key == key) {
            Some(at) => at,
            None => {
                if self.datagrams.len() >= MAX_FRAGMENTED_DATAGRAMS {
                    self.datagrams.pop_front();
                    self.dropped += 1;
                }
                self.datagrams.push_back(Datagram {
                    key,
                    bytes: Vec::new(),
                    received: Vec::new(),
                    end: None,
                });
                self.datagrams.len() - 1
            }
        };
        let datagram = self.datagrams.get_mut(at)?;
        datagram.insert(fragment.offset, ip.payload);
        if !fragment.more && datagram.end.is_none() {
            datagram.end = Some(end);
        }
        if !datagram.is_whole() {
            return None;
        }
        self.datagrams.remove(at).map(|datagram| datagram.bytes)
    }
}

impl Datagram {
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
            ([(0, stop)], Some(end)) => *stop == end,
            _ => false,
        }
    }
}
