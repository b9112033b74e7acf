//! Capture files: every window to the end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::io::{Cursor, Read};
use wrongdoor_pcap::CaptureFile;
use wrongdoor_pcap::limits::{MAX_PACKET_BYTES, MAX_SECRETS_BYTES};

/// What is unpacked of one input at most: some bytes of it can claim gigabytes.
const MAX_UNPACKED: usize = 64 << 20;

/// Time, link type, bytes and original length of a packet.
type Packet = (i64, u32, Vec<u8>, u32);

/// Packets, key logs, and what else is to be said.
type Outcome = (Vec<Packet>, Vec<Vec<u8>>, String);

fuzz_target!(|data: &[u8]| {
    let whole = read(Cursor::new(data.to_vec()));
    // What deflate has unpacked when it fails depends on how much it was given.
    let deflated = data.starts_with(&[0x1f, 0x8b]);
    if data.len() <= 4096 && !deflated {
        let trickle = Trickle { bytes: Cursor::new(data.to_vec()), turn: 0 };
        assert_eq!(read(trickle), whole, "how much comes at a time makes no difference");
    }
});

fn read(reader: impl Read + Send + 'static) -> Outcome {
    let mut capture = CaptureFile::from_reader("input", reader);
    let (mut packets, mut secrets, mut unpacked) = (Vec::new(), Vec::new(), 0);
    let end = loop {
        let window = match capture.next_window() {
            Ok(Some(window)) => window,
            Ok(None) => break String::new(),
            Err(error) => break error.to_string(),
        };
        assert!(!window.is_empty() || window.secrets().len() > 0);
        for packet in window.packets() {
            assert!(packet.bytes.len() <= MAX_PACKET_BYTES);
            unpacked += packet.bytes.len();
            packets.push((packet.at.0, packet.link.0, packet.bytes.to_vec(), packet.original_len));
        }
        for secret in window.secrets() {
            assert!(secret.len() <= MAX_SECRETS_BYTES);
            unpacked += secret.len();
            secrets.push(secret.to_vec());
        }
        if unpacked > MAX_UNPACKED {
            return (packets, secrets, String::new());
        }
    };
    assert!(matches!(capture.next_window(), Ok(None)), "the end stays the end");
    let warnings: Vec<String> = capture.warnings().iter().map(ToString::to_string).collect();
    (packets, secrets, end + &warnings.join("\n"))
}

/// Gives a few bytes at a time, as a pipe may.
struct Trickle {
    bytes: Cursor<Vec<u8>>,
    turn: usize,
}

impl Read for Trickle {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.turn += 1;
        let size = [1, 7, 2, 64, 3, 500][self.turn % 6].min(buffer.len());
        self.bytes.read(&mut buffer[..size])
    }
}
