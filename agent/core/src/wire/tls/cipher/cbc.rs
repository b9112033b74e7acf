//! AES-CBC with HMAC, MAC-then-encrypt (RFC 5246 §6.2.3.2) and encrypt-then-MAC (RFC 7366).

use super::{Sealed, tls12_additional};
use crate::wire::tls::suite::Mac as MacAlgorithm;
use aes::{Aes128, Aes256};
use cipher::array::Array;
use cipher::{
    BlockCipherDecrypt, BlockModeDecrypt, BlockSizeUser, InnerIvInit, KeyInit, consts::U16,
};
use hmac::{Hmac, Mac};

const BLOCK: usize = 16;

pub(super) struct Cbc {
    key: Key,
    mac: Hasher,
    encrypt_then_mac: bool,
}

enum Key {
    Aes128(Aes128),
    Aes256(Aes256),
}

enum Hasher {
    Sha1(Hmac<sha1::Sha1>),
    Sha256(Hmac<sha2::Sha256>),
    Sha384(Hmac<sha2::Sha384>),
}

impl Cbc {
    pub(super) fn new(
        key: &[u8],
        mac: MacAlgorithm,
        mac_key: &[u8],
        encrypt_then_mac: bool,
    ) -> Option<Self> {
        let key = match key.len() {
            16 => Key::Aes128(Aes128::new_from_slice(key).ok()?),
            _ => Key::Aes256(Aes256::new_from_slice(key).ok()?),
        };
        let mac = match mac {
            MacAlgorithm::Sha1 => Hasher::Sha1(KeyInit::new_from_slice(mac_key).ok()?),
            MacAlgorithm::Sha256 => Hasher::Sha256(KeyInit::new_from_slice(mac_key).ok()?),
            MacAlgorithm::Sha384 => Hasher::Sha384(KeyInit::new_from_slice(mac_key).ok()?),
        };
        Some(Self { key, mac, encrypt_then_mac })
    }

    /// Puts the plaintext into the empty `out`; `None` where padding or MAC do not fit.
    pub(super) fn open(&self, record: &Sealed<'_>, out: &mut Vec<u8>) -> Option<()> {
        let mac_len = self.mac.len();
        if self.encrypt_then_mac {
            let (sealed, mac) =
                record.payload.split_at_checked(record.payload.len().checked_sub(mac_len)?)?;
            let additional = tls12_additional(record, sealed.len())?;
            self.mac.verify(&[&additional, sealed], mac)?;
            self.decrypt(sealed, out)?;
            unpad(out)
        } else {
            self.decrypt(record.payload, out)?;
            unpad(out)?;
            let content = out.len().checked_sub(mac_len)?;
            let mac = out.split_off(content);
            self.mac.verify(&[&tls12_additional(record, content)?, out], &mac)
        }
    }

    /// The IV is the first block (TLS 1.1 and later).
    fn decrypt(&self, sealed: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let (iv, ciphertext) = sealed.split_first_chunk::<BLOCK>()?;
        if ciphertext.is_empty() || ciphertext.len() % BLOCK != 0 {
            return None;
        }
        out.extend_from_slice(ciphertext);
        match &self.key {
            Key::Aes128(aes) => decrypt_blocks(aes, iv, out),
            Key::Aes256(aes) => decrypt_blocks(aes, iv, out),
        }
        Some(())
    }
}

fn decrypt_blocks<C: BlockCipherDecrypt + BlockSizeUser<BlockSize = U16>>(
    aes: &C,
    iv: &[u8; BLOCK],
    text: &mut [u8],
) {
    let (blocks, _) = text.as_chunks_mut::<BLOCK>();
    cbc::Decryptor::inner_iv_init(aes, iv.into())
        .decrypt_blocks(Array::cast_slice_from_core_mut(blocks));
}

/// Takes the padding off: its last byte says how many more there are, and all have that value.
fn unpad(text: &mut Vec<u8>) -> Option<()> {
    let last = *text.last()?;
    let content = text.len().checked_sub(usize::from(last) + 1)?;
    if text.get(content..)?.iter().any(|byte| *byte != last) {
        return None;
    }
    text.truncate(content);
    Some(())
}

impl Hasher {
    fn len(&self) -> usize {
        match self {
            Self::Sha1(_) => 20,
            Self::Sha256(_) => 32,
            Self::Sha384(_) => 48,
        }
    }

    fn verify(&self, parts: &[&[u8]], tag: &[u8]) -> Option<()> {
        fn check<M: Mac + Clone>(keyed: &M, parts: &[&[u8]], tag: &[u8]) -> Option<()> {
            let mut mac = keyed.clone();
            parts.iter().for_each(|part| mac.update(part));
            mac.verify_slice(tag).ok()
        }
        match self {
            Self::Sha1(mac) => check(mac, parts, tag),
            Self::Sha256(mac) => check(mac, parts, tag),
            Self::Sha384(mac) => check(mac, parts, tag),
        }
    }
}
