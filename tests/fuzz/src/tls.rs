//! TLS 1.3 as a fuzzer sends it: records in the clear, and sealed ones with keys that the key log has.

use crate::KEYS;
use aes_gcm::Aes128Gcm;
use aes_gcm::aead::{Aead, KeyInit, Payload};
use std::sync::{Arc, OnceLock};
use wrongdoor_core::side::Side;
use wrongdoor_core::wire::tls::key_schedule::expand_label;
use wrongdoor_core::wire::tls::keylog::KeyLog;
use wrongdoor_core::wire::tls::suite::Hash;

/// The client random of sessions made here.
pub(crate) const RANDOM: u8 = 0x77;
/// A record of more than this is peeked into and not opened whole.
const LARGE: usize = 1200;

/// The secrets of all captures, and of what is made here.
pub fn keys() -> Arc<KeyLog> {
    static KEY_LOG: OnceLock<Arc<KeyLog>> = OnceLock::new();
    let keys = KEY_LOG.get_or_init(|| {
        let mut keys = KeyLog::default();
        KEYS.iter().for_each(|text| keys.add(text));
        let random = format!("{RANDOM:02x}").repeat(32);
        for (label, side, stage) in [
            ("CLIENT_HANDSHAKE_TRAFFIC_SECRET", Side::Client, 0),
            ("SERVER_HANDSHAKE_TRAFFIC_SECRET", Side::Server, 0),
            ("CLIENT_TRAFFIC_SECRET_0", Side::Client, 1),
            ("SERVER_TRAFFIC_SECRET_0", Side::Server, 1),
        ] {
            let secret = format!("{:02x}", secret(side, stage)[0]).repeat(32);
            keys.add(format!("{label} {random} {secret}\n").as_bytes());
        }
        Arc::new(keys)
    });
    Arc::clone(keys)
}

/// The secret of one side at one stage: 0 the handshake, 1 what follows.
pub(crate) fn secret(side: Side, stage: usize) -> [u8; 32] {
    [if side == Side::Client { 0x10 } else { 0x20 } + u8::try_from(stage).unwrap_or(0); 32]
}

/// Wraps bytes into records.
#[derive(Debug, Default)]
pub struct Records {
    /// How many were sealed: of each side, with each stage's keys.
    sealed: [[u64; 2]; 2],
}

impl Records {
    /// What a side sends of `bytes`; `how` says in which kind of record.
    pub fn wrap(&mut self, side: Side, how: u8, bytes: &[u8]) -> Vec<u8> {
        let kind = how >> 3;
        match how & 7 {
            0 => bytes.to_vec(),
            1 => record(20 + kind % 5, bytes),
            2 => record(22, &message(kind, bytes)),
            3 => record(22, &hello(side, bytes)),
            4 => self.seal(side, 0, 22, &message(kind, bytes)),
            5 => self.seal(side, 1, 20 + kind % 5, bytes),
            6 => self.seal(side, 1, 23, bytes),
            _ => {
                // So much padding that the record is a large one.
                let mut padded = [bytes, &[23]].concat();
                padded.resize(padded.len() + LARGE, 0);
                self.seal_inner(side, 1, &padded)
            }
        }
    }

    fn seal(&mut self, side: Side, stage: usize, kind: u8, bytes: &[u8]) -> Vec<u8> {
        self.seal_inner(side, stage, &[bytes, &[kind]].concat())
    }

    fn seal_inner(&mut self, side: Side, stage: usize, inner: &[u8]) -> Vec<u8> {
        let secret = secret(side, stage);
        let (mut key, mut iv) = ([0; 16], [0; 12]);
        expand(&secret, "key", &mut key);
        expand(&secret, "iv", &mut iv);
        let cipher = Aes128Gcm::new(&key.into());
        let mut records = Vec::new();
        for inner in inner.chunks(16_000) {
            let sequence = &mut self.sealed[usize::from(side == Side::Server)][stage];
            let mut nonce = iv;
            for (byte, mask) in nonce.iter_mut().skip(4).zip(sequence.to_be_bytes()) {
                *byte ^= mask;
            }
            *sequence += 1;
            let header = header(23, inner.len() + 16);
            let payload = Payload { msg: inner, aad: &header };
            let sealed = cipher.encrypt(&nonce.into(), payload).unwrap_or_default();
            records.extend(header);
            records.extend(sealed);
        }
        records
    }
}

/// A key, or what else a secret is for.
pub(crate) fn expand(secret: &[u8], label: &str, out: &mut [u8]) {
    assert!(expand_label(Hash::Sha256, secret, label, out).is_some());
}

fn header(kind: u8, len: usize) -> [u8; 5] {
    let [high, low] = u16::try_from(len).unwrap_or(0).to_be_bytes();
    [kind, 3, 3, high, low]
}

fn record(kind: u8, bytes: &[u8]) -> Vec<u8> {
    let records = bytes.chunks(16_000).flat_map(|piece| {
        let mut record = header(kind, piece.len()).to_vec();
        record.extend(piece);
        record
    });
    records.collect()
}

/// A handshake message of these bytes, by type.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = u32::try_from(body.len()).unwrap_or(0).to_be_bytes();
    [&[kind, a, b, c][..], body].concat()
}

/// A hello that leads to the keys above, with these bytes as its last extensions.
pub(crate) fn hello(side: Side, extensions: &[u8]) -> Vec<u8> {
    let block = |fixed: &[u8]| {
        let len = u16::try_from(fixed.len() + extensions.len()).unwrap_or(0).to_be_bytes();
        [&len[..], fixed, extensions].concat()
    };
    match side {
        Side::Client => {
            let fixed = b"\0\0\0\x0b\0\x09\0\0\x06a.test\0\x2b\0\x03\x02\x03\x04";
            let body =
                [&[3, 3][..], &[RANDOM; 32], &[0, 0, 2, 0x13, 1, 1, 0], &block(fixed)].concat();
            message(1, &body)
        }
        Side::Server => {
            let fixed = b"\0\x2b\0\x02\x03\x04";
            let body = [&[3, 3][..], &[9; 32], &[0, 0x13, 1, 0], &block(fixed)].concat();
            message(2, &body)
        }
    }
}
