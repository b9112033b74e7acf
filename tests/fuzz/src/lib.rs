//! What the fuzz targets share: traffic made of a fuzzer's bytes, and an engine that is watched.
//!
//! A target says more than "no panic": [`Watched`] holds the engine to its bounds after every packet, and
//! what it tells to what can be true.

mod quic;
mod script;
mod tls;
mod watched;
mod wire;

pub use quic::datagram;
pub use script::{Script, Shape};
pub use tls::{Records, keys};
pub use watched::{Told, Watched, config};
pub use wire::{Tcp, datagram_frame, ethernet};

/// Captures of real traffic, and below the secrets of all their connections.
pub const CAPTURES: [&[u8]; 11] = [
    include_bytes!("../../captures/apache-two-hosts.pcap"),
    include_bytes!("../../captures/coalescing.pcap"),
    include_bytes!("../../captures/nginx-client-certificates.pcap"),
    include_bytes!("../../captures/no-sni.pcap"),
    include_bytes!("../../captures/odd-requests.pcap"),
    include_bytes!("../../captures/proxy-pool.pcap"),
    include_bytes!("../../captures/proxy-without-sni.pcap"),
    include_bytes!("../../captures/quic_large_hello.pcap"),
    include_bytes!("../../captures/quic_retry.pcap"),
    include_bytes!("../../captures/quic_v2.pcap"),
    include_bytes!("../../captures/quic_vn.pcap"),
];

const KEYS: [&[u8]; 11] = [
    include_bytes!("../../captures/apache-two-hosts.keys"),
    include_bytes!("../../captures/coalescing.keys"),
    include_bytes!("../../captures/nginx-client-certificates.keys"),
    include_bytes!("../../captures/no-sni.keys"),
    include_bytes!("../../captures/odd-requests.keys"),
    include_bytes!("../../captures/proxy-pool.keys"),
    include_bytes!("../../captures/proxy-without-sni.keys"),
    include_bytes!("../../captures/quic_large_hello.keys"),
    include_bytes!("../../captures/quic_retry.keys"),
    include_bytes!("../../captures/quic_v2.keys"),
    include_bytes!("../../captures/quic_vn.keys"),
];
