//! A sealer of long-header packets, built on other code than what it tests: the AEADs of RustCrypto.

use crate::wire::quic::version::{PacketType, QuicVersion};
use crate::wire::tls::key_schedule::expand_label;
use crate::wire::tls::suite::Hash;
use aes::Aes128;
use aes_gcm::Aes128Gcm;
use chacha20poly1305::aead::{Aead, Payload};
use cipher::{BlockCipherEncrypt, KeyInit};
use hkdf::Hkdf;
use sha2::Sha256;

/// `client in` or `server in` of an Initial.
pub(super) fn initial_secret(version: QuicVersion, destination: &[u8], label: &str) -> [u8; 32] {
    let salt = version.initial_salt().unwrap();
    let (initial, _) = Hkdf::<Sha256>::extract(Some(&salt), destination);
    let mut secret = [0; 32];
    expand_label(Hash::Sha256, &initial, label, &mut secret).unwrap();
    secret
}

/// Seals with AES-128-GCM a packet whose unprotected header ends with its packet number.
pub(super) fn seal(version: QuicVersion, secret: &[u8], header: &[u8], payload: &[u8]) -> Vec<u8> {
    let labels = version.labels();
    let (mut key, mut iv, mut mask_key) = ([0; 16], [0; 12], [0; 16]);
    expand_label(Hash::Sha256, secret, labels.key, &mut key).unwrap();
    expand_label(Hash::Sha256, secret, labels.iv, &mut iv).unwrap();
    expand_label(Hash::Sha256, secret, labels.header, &mut mask_key).unwrap();
    let number_len = usize::from(header[0] & 3) + 1;
    let number_at = header.len() - number_len;
    for (byte, mask) in iv.iter_mut().rev().zip(header[number_at..].iter().rev()) {
        *byte ^= mask;
    }
    let payload = Payload { msg: payload, aad: header };
    let sealed = Aes128Gcm::new(&key.into()).encrypt(&iv.into(), payload).unwrap();
    let mut packet = [header, &sealed].concat();
    let mut mask = <[u8; 16]>::try_from(&packet[number_at + 4..number_at + 20]).unwrap().into();
    Aes128::new(&mask_key.into()).encrypt_block(&mut mask);
    packet[0] ^= mask[0] & 0x0f;
    for at in 0..number_len {
        packet[number_at + at] ^= mask[1 + at];
    }
    packet
}

/// One packet of a handshake, before it is sealed.
pub(super) struct Plain<'a> {
    pub(super) kind: PacketType,
    pub(super) version: QuicVersion,
    pub(super) destination: &'a [u8],
    pub(super) source: &'a [u8],
    pub(super) token: &'a [u8],
    pub(super) number: u16,
    pub(super) payload: &'a [u8],
}

impl Plain<'_> {
    pub(super) fn seal(&self, secret: &[u8]) -> Vec<u8> {
        let code = match self.kind {
            PacketType::Initial => 0,
            PacketType::ZeroRtt => 1,
            PacketType::Handshake => 2,
            PacketType::Retry => 3,
        };
        let code = (code + u8::from(self.version == QuicVersion::V2)) & 3;
        let mut header = vec![0xc1 | code << 4];
        header.extend(self.version.0.to_be_bytes());
        for id in [self.destination, self.source] {
            header.push(u8::try_from(id.len()).unwrap());
            header.extend(id);
        }
        if self.kind == PacketType::Initial {
            header.push(u8::try_from(self.token.len()).unwrap());
            header.extend(self.token);
        }
        header.extend(varint2(2 + self.payload.len() + 16));
        header.extend(self.number.to_be_bytes());
        seal(self.version, secret, &header, self.payload)
    }
}

/// A CRYPTO frame.
pub(super) fn crypto(offset: usize, data: &[u8]) -> Vec<u8> {
    [&[6][..], &varint4(offset), &varint2(data.len()), data].concat()
}

fn varint2(value: usize) -> [u8; 2] {
    (u16::try_from(value).unwrap() | 0x4000).to_be_bytes()
}

fn varint4(value: usize) -> [u8; 4] {
    (u32::try_from(value).unwrap() | 0x8000_0000).to_be_bytes()
}
