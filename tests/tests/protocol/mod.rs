//! What the contract says of each protocol, one conversation a sentence.

/// TLS alerts, in the clear and not.
mod alerts;
/// HTTP/1 messages: where they end, and what they are for.
mod http1;
/// HTTP/2 in cleartext and how it is come by.
mod http2;
/// Other protocols in front of TLS and HTTP: PROXY headers, STARTTLS.
mod in_front;
/// Service meshes, whose handshakes name workloads, and protocols that few know.
mod mesh;
/// Real handshakes of every kind.
mod real_tls;
/// TLS records that were changed on their way into the capture.
mod records;
/// Verdicts over TLS made by hand, and keys that are there in part.
mod sealed;
/// TCP segments that contradict each other, and control bits out of place.
mod tcp;

use wrongdoor_tests::wire::{Found, Talk, observe};

fn of(talk: &Talk) -> Found {
    observe(&talk.frames(), b"")
}

/// What was asked of whom and answered how, in the order told.
fn asked(found: &Found) -> Vec<(u64, Option<&str>, Option<u16>)> {
    found
        .exchanges
        .iter()
        .map(|told| (told.stream, told.authority.as_deref(), told.status))
        .collect()
}
