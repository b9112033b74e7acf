//! Builders of captures.

use std::io::Write;

use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::Seen;

/// Writes numbers in one byte order.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Order {
    Little,
    Big,
}

impl Order {
    pub(super) fn u16(self, n: u16) -> [u8; 2] {
        if self == Self::Little { n.to_le_bytes() } else { n.to_be_bytes() }
    }

    pub(super) fn u32(self, n: u32) -> [u8; 4] {
        if self == Self::Little { n.to_le_bytes() } else { n.to_be_bytes() }
    }

    pub(super) fn u64(self, n: u64) -> [u8; 8] {
        if self == Self::Little { n.to_le_bytes() } else { n.to_be_bytes() }
    }
}

pub(super) fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut padded = bytes.to_vec();
    padded.resize(bytes.len().next_multiple_of(4), 0xee);
    padded
}

pub(super) fn pcap_header(order: Order, magic: u32, snaplen: u32, link: u32) -> Vec<u8> {
    let mut out = order.u32(magic).to_vec();
    out.extend(order.u16(2));
    out.extend(order.u16(4));
    for n in [0, 0, snaplen, link] {
        out.extend(order.u32(n));
    }
    out
}

pub(super) fn record(order: Order, seconds: u32, fraction: u32, data: &[u8], len: u32) -> Vec<u8> {
    let mut out = Vec::new();
    for n in [seconds, fraction, data.len() as u32, len] {
        out.extend(order.u32(n));
    }
    out.extend(data);
    out
}

pub(super) fn block(order: Order, kind: u32, body: &[u8]) -> Vec<u8> {
    let length = order.u32(body.len() as u32 + 12);
    [&order.u32(kind)[..], &length, body, &length].concat()
}

pub(super) fn section(order: Order) -> Vec<u8> {
    let mut body = order.u32(0x1a2b_3c4d).to_vec();
    body.extend(order.u16(1));
    body.extend(order.u16(0));
    body.extend(order.u64(u64::MAX));
    block(order, 0x0a0d_0d0a, &body)
}

pub(super) fn option(order: Order, code: u16, value: &[u8]) -> Vec<u8> {
    [&order.u16(code)[..], &order.u16(value.len() as u16), &padded(value)].concat()
}

pub(super) fn interface(order: Order, link: u16, snaplen: u32, options: &[u8]) -> Vec<u8> {
    block(order, 1, &[&order.u16(link)[..], &[0, 0], &order.u32(snaplen), options].concat())
}

pub(super) fn enhanced(
    order: Order,
    interface: u32,
    ticks: u64,
    data: &[u8],
    original: u32,
    options: &[u8],
) -> Vec<u8> {
    let words = [interface, (ticks >> 32) as u32, ticks as u32, data.len() as u32, original];
    let mut body = words.map(|n| order.u32(n)).concat();
    body.extend(padded(data));
    body.extend(options);
    block(order, 6, &body)
}

pub(super) fn obsolete(order: Order, interface: u16, ticks: u64, data: &[u8]) -> Vec<u8> {
    let mut body = [order.u16(interface), order.u16(9)].concat();
    let words = [(ticks >> 32) as u32, ticks as u32, data.len() as u32, data.len() as u32];
    body.extend(words.map(|n| order.u32(n)).concat());
    body.extend(padded(data));
    block(order, 2, &body)
}

pub(super) fn simple(order: Order, data: &[u8], original: u32) -> Vec<u8> {
    block(order, 3, &[&order.u32(original)[..], &padded(data)].concat())
}

pub(super) fn secrets(order: Order, kind: u32, text: &[u8]) -> Vec<u8> {
    let words = [kind, text.len() as u32].map(|n| order.u32(n)).concat();
    block(order, 10, &[words, padded(text)].concat())
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

/// A sample of every kind of container, with the packets in it.
pub(super) fn samples() -> Vec<(&'static str, Vec<u8>, Vec<Seen>)> {
    let (pcap, in_pcap) = pcap();
    let (pcapng, in_pcapng) = pcapng();
    vec![
        ("gzip", gzip(&pcap), in_pcap.clone()),
        ("pcap", pcap, in_pcap),
        ("zstd", zstd(&pcapng), in_pcapng.clone()),
        ("pcapng", pcapng, in_pcapng),
    ]
}

fn pcap() -> (Vec<u8>, Vec<Seen>) {
    let order = Order::Big;
    let mut bytes = pcap_header(order, 0xa1b2_c3d4, 65535, 101);
    let mut seen = Vec::new();
    for n in 0..9_u32 {
        let data = vec![n as u8; 3 + 5 * n as usize];
        bytes.extend(record(order, 100 + n, n, &data, 1_000));
        let at = i64::from(100 + n) * 1_000_000_000 + i64::from(n) * 1_000;
        seen.push((at, 101, data, 1_000));
    }
    (bytes, seen)
}

/// Two sections of different byte order, with every kind of packet block.
fn pcapng() -> (Vec<u8>, Vec<Seen>) {
    let mut bytes = Vec::new();
    let mut seen = Vec::new();
    for order in [Order::Little, Order::Big] {
        let clock = [option(order, 9, &[9]), option(order, 14, &order.u64(5))].concat();
        bytes.extend(section(order));
        bytes.extend(interface(order, 1, 6, &[]));
        bytes.extend(interface(order, 113, 0, &clock));
        bytes.extend(secrets(order, 0x544c_534b, b"CLIENT_RANDOM 00 11"));
        bytes.extend(enhanced(order, 0, 7, b"12345", 99, &option(order, 1, b"why")));
        seen.push((7_000, 1, b"12345".to_vec(), 99));
        bytes.extend(block(order, 0x0bad, &[1; 20]));
        bytes.extend(enhanced(order, 1, (1 << 32) | 3, b"", 0, &[]));
        seen.push((5_000_000_000 + (1 << 32) + 3, 113, Vec::new(), 0));
        bytes.extend(simple(order, b"abcdef", 60));
        seen.push((5_000_000_000 + (1 << 32) + 3, 1, b"abcdef".to_vec(), 60));
        bytes.extend(obsolete(order, 1, 11, b"obsolete!"));
        seen.push((5_000_000_011, 113, b"obsolete!".to_vec(), 9));
    }
    (bytes, seen)
}
