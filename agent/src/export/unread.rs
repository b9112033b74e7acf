//! What of the traffic could not be read: where nothing was found, nothing is known of it either.

use super::Summary;

/// Packets that were not read, by their count among the decode errors.
const PACKETS: [(&str, &str); 7] = [
    ("net.unsupported_link", "of link types that are not read"),
    ("net.encrypted", "of wireless networks that are encrypted on the air"),
    ("net.fragmented", "that are fragments of frames of wireless networks"),
    ("net.aggregated", "of wireless networks that hold several packets each"),
    ("quic.draft_version", "that open connections of a draft of QUIC"),
    ("quic.google_version", "that open connections of Google's QUIC"),
    ("quic.facebook_version", "that open connections of Facebook's QUIC"),
];

/// Packets that were not read: how many, and which.
pub(crate) fn packets(summary: &Summary) -> impl Iterator<Item = (u64, &'static str)> {
    PACKETS.into_iter().filter_map(|(key, what)| {
        let count = summary.decode_errors.get(key).copied().filter(|count| *count > 0)?;
        Some((count, what))
    })
}

/// Whether connections, exchanges or packets could not be read.
pub(crate) fn is_any(summary: &Summary) -> bool {
    summary.unread > 0 || summary.unreadable > 0 || packets(summary).next().is_some()
}
