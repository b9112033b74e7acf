//! The ids of spans: hashes, so that agents at both ends of a connection, with no word between them, write
//! into one trace, and never the same span.
//!
//! The trace is the connection's ([`Facts::trace_id`](wrongdoor_core::observation::Facts::trace_id)). A span is
//! told apart by what it is of and by who saw it. Seen at an end, that is the end: a connection has one client
//! and one server, whatever agents there are. Seen as packets, it is the place that they were seen at: this
//! machine since it was started, in this network namespace.

use sha2::{Digest, Sha256};
use std::fs;
use wrongdoor_core::http::HttpVersion;
use wrongdoor_core::side::Side;

/// The id of a trace.
pub(super) type TraceId = [u8; 16];
/// The id of a span.
pub(super) type SpanId = [u8; 8];

/// Where packets are seen.
#[derive(Clone, Debug)]
pub(super) struct MachineId(String);

/// What a span is of.
#[derive(Clone, Copy, Debug)]
pub(super) enum IdSubject {
    Connection,
    /// The version too: inside a tunnel HTTP/2 counts its streams anew.
    Exchange {
        version: HttpVersion,
        stream: u64,
    },
}

impl MachineId {
    /// Where this agent is. What cannot be told is left out, and does not matter for what probes see.
    pub(super) fn here() -> Self {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let namespace = fs::read_link("/proc/self/ns/net").unwrap_or_default();
        Self(format!("{}|{}", boot.trim(), namespace.display()))
    }

    #[cfg(test)]
    pub(super) fn of(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// The id of the span of `subject`, seen from here at the end `role`.
    pub(super) fn span(&self, trace: TraceId, role: Option<Side>, subject: IdSubject) -> SpanId {
        let mut hash = Sha256::new();
        hash.update(trace);
        match subject {
            IdSubject::Connection => hash.update(b"connection|"),
            IdSubject::Exchange { version, stream } => {
                let multiplexed = u8::from(version.can_coalesce());
                hash.update(b"exchange|");
                hash.update([multiplexed]);
                hash.update(stream.to_be_bytes());
            }
        }
        match role {
            Some(Side::Client) => hash.update(b"client"),
            Some(Side::Server) => hash.update(b"server"),
            None => {
                hash.update(b"packets|");
                hash.update(&self.0);
            }
        }
        let digest: [u8; 32] = hash.finalize().into();
        digest.first_chunk().copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const ENDS: [Option<Side>; 3] = [Some(Side::Client), Some(Side::Server), None];

    #[test]
    fn spans_differ_in_every_part_and_agree_in_all() {
        let subjects = [
            IdSubject::Connection,
            IdSubject::Exchange { version: HttpVersion::Http11, stream: 1 },
            IdSubject::Exchange { version: HttpVersion::Http2, stream: 1 },
            IdSubject::Exchange { version: HttpVersion::Http2, stream: 3 },
        ];
        let mut ids = HashSet::new();
        for trace in [[1; 16], [2; 16]] {
            for role in ENDS {
                for subject in subjects {
                    let id = MachineId::of("a").span(trace, role, subject);
                    assert_eq!(id, MachineId::of("a").span(trace, role, subject));
                    assert!(ids.insert(id), "{trace:?} {role:?} {subject:?}");
                }
            }
        }
    }

    #[test]
    fn the_place_tells_apart_who_sees_packets_and_nobody_else() {
        for role in ENDS {
            let [a, b] = ["a", "b"]
                .map(|name| MachineId::of(name).span([1; 16], role, IdSubject::Connection));
            assert_eq!(a == b, role.is_some());
        }
    }

    #[test]
    fn this_place_is_known() {
        let MachineId(here) = MachineId::here();
        assert!(here.len() > 40 && here.contains("net:["), "{here}");
    }
}
