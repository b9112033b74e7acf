//! QUIC packets that open: Initials of the connection in RFC 9001 appendix A, and the server's Handshake.

use crate::tls::{self, expand};
use aes::Aes128;
use aes::cipher::BlockCipherEncrypt;
use aes_gcm::Aes128Gcm;
use aes_gcm::aead::{Aead, KeyInit, Payload};
use arbitrary::{Result, Unstructured};
use wrongdoor_core::side::Side;

const DESTINATION: [u8; 8] = [0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08];
const CLIENT_INITIAL: [u128; 2] =
    [0xc00cf151ca5be075ed0ebfb5c80323c4, 0x2d6b7db67881289af4008f1f6c357aea];
const SERVER_INITIAL: [u128; 2] =
    [0x3c199828fd139efd216c155ad844cc81, 0xfb82fa8d7446fa7d78be803acdda951b];
/// What a client fills its datagrams up to.
const CLIENT_DATAGRAM: usize = 1200;
/// What a step's bytes are limited to, so that a datagram is one.
const MAX_BYTES: usize = 16_000;

/// One datagram of the input: who sends it, and its payload.
pub fn datagram(input: &mut Unstructured<'_>) -> Result<(Side, Vec<u8>)> {
    let what: u8 = input.arbitrary()?;
    let side = if what & 1 == 0 { Side::Client } else { Side::Server };
    let mut datagram = Vec::new();
    for _ in 0..=what >> 6 {
        let how: u8 = input.arbitrary()?;
        let number: u8 = input.arbitrary()?;
        let len: u16 = input.arbitrary()?;
        let bytes = input.bytes(usize::from(len).min(MAX_BYTES).min(input.len()))?;
        match how & 7 {
            0 => datagram.extend(bytes),
            // Frames as they are.
            1 => datagram.extend(initial(side, number, bytes)),
            2 => datagram.extend(handshake(number, bytes)),
            // A piece of a message.
            3 => datagram.extend(initial(side, number, &crypto(usize::from(how >> 3) * 64, bytes))),
            4 => datagram.extend(handshake(number, &crypto(usize::from(how >> 3) * 64, bytes))),
            // A hello, whole or in two pieces, with these extensions.
            5 => datagram.extend(initial(side, number, &crypto(0, &tls::hello(side, bytes)))),
            6 => {
                let hello = tls::hello(side, bytes);
                let (front, back) = hello.split_at(hello.len() / 2);
                let frames = [crypto(front.len(), back), crypto(0, front)].concat();
                datagram.extend(initial(side, number, &frames));
            }
            _ => {
                let whole = [&[how >> 3, 0][..], &u16::to_be_bytes(len), bytes].concat();
                datagram.extend(handshake(number, &crypto(0, &whole)));
            }
        }
    }
    Ok((side, datagram))
}

/// A CRYPTO frame.
fn crypto(offset: usize, data: &[u8]) -> Vec<u8> {
    let [a, b] = (u16::try_from(data.len()).unwrap_or(0) | 0x4000).to_be_bytes();
    let offset = (u32::try_from(offset).unwrap_or(0) | 0x8000_0000).to_be_bytes();
    [&[6][..], &offset, &[a, b], data].concat()
}

fn initial(side: Side, number: u8, frames: &[u8]) -> Vec<u8> {
    let mut frames = frames.to_vec();
    let (secret, destination, source): (_, &[u8], &[u8]) = match side {
        Side::Client => {
            frames.resize(frames.len().max(CLIENT_DATAGRAM), 0);
            (CLIENT_INITIAL, &DESTINATION, b"client")
        }
        Side::Server => (SERVER_INITIAL, b"client", b"server"),
    };
    let secret = secret.map(u128::to_be_bytes).concat();
    seal(0xc0, &secret, destination, source, number, &frames)
}

fn handshake(number: u8, frames: &[u8]) -> Vec<u8> {
    seal(0xe0, &tls::secret(Side::Server, 0), b"client", b"server", number, frames)
}

fn seal(
    first: u8,
    secret: &[u8],
    destination: &[u8],
    source: &[u8],
    number: u8,
    frames: &[u8],
) -> Vec<u8> {
    let mut frames = frames.to_vec();
    // The shortest that a header protection sample can be taken from.
    frames.resize(frames.len().max(3), 0);
    let mut header = vec![first, 0, 0, 0, 1];
    for id in [destination, source] {
        header.push(u8::try_from(id.len()).unwrap_or(0));
        header.extend(id);
    }
    if first == 0xc0 {
        header.push(0);
    }
    let len = u32::try_from(1 + frames.len() + 16).unwrap_or(0) | 0x8000_0000;
    header.extend(len.to_be_bytes());
    let number_at = header.len();
    header.push(number);
    let (mut key, mut iv, mut mask_key) = ([0; 16], [0; 12], [0; 16]);
    expand(secret, "quic key", &mut key);
    expand(secret, "quic iv", &mut iv);
    expand(secret, "quic hp", &mut mask_key);
    iv[11] ^= number;
    let payload = Payload { msg: &frames, aad: &header };
    let sealed = Aes128Gcm::new(&key.into()).encrypt(&iv.into(), payload).unwrap_or_default();
    let mut packet = [header, sealed].concat();
    let mut sample = [0; 16];
    sample.copy_from_slice(&packet[number_at + 4..number_at + 20]);
    let mut mask = sample.into();
    Aes128::new(&mask_key.into()).encrypt_block(&mut mask);
    packet[0] ^= mask[0] & 0x0f;
    packet[number_at] ^= mask[1];
    packet
}
