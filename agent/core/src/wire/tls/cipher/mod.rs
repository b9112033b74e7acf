//! Record protection: opening a record whole, or checking its tag and decrypting parts of it.
//!
//! GCM and ChaCha20-Poly1305 are counter modes: any part of a record can be decrypted on its own, and the tag
//! covers the ciphertext. [`RecordCipher::open`] checks the tag and decrypts everything,
//! [`RecordCipher::verify`] only checks the tag, and [`RecordCipher::peek`] only decrypts a part, so that
//! bodies are not decrypted.

mod cbc;
mod chacha;
mod gcm;

use super::suite::{Hash, Protection, Suite};
use super::{TlsVersion, key_schedule};
use aes::{Aes128, Aes256};
use ccm::aead::AeadInOut;
use ccm::consts::{U8, U12, U16};
use chacha20poly1305::ChaCha20Poly1305;
use cipher::KeyInit;

/// A protected record as it was on the wire, with its place in the sequence.
#[derive(Clone, Copy, Debug)]
pub struct Sealed<'a> {
    /// Type, version and length, as sent.
    pub header: [u8; 5],
    /// What follows the header.
    pub payload: &'a [u8],
    /// The number of records before this one under the same key.
    pub sequence: u64,
}

/// One direction's keys.
pub struct RecordCipher {
    algorithm: Algorithm,
    /// The nonce's fixed part: 12 bytes to be XORed with the sequence, or 4 in front of an explicit part.
    iv: Iv,
    /// TLS 1.3: the header is the additional data, and the content type is inside.
    tls13: bool,
}

enum Iv {
    Xor([u8; 12]),
    Salt([u8; 4]),
}

enum Algorithm {
    Gcm128(Box<gcm::Gcm<Aes128>>),
    Gcm256(Box<gcm::Gcm<Aes256>>),
    ChaCha20Poly1305 { key: [u8; 32] },
    Ccm128(Box<ccm::Ccm<Aes128, U16, U12>>),
    Ccm256(Box<ccm::Ccm<Aes256, U16, U12>>),
    Ccm128Short(Box<ccm::Ccm<Aes128, U8, U12>>),
    Ccm256Short(Box<ccm::Ccm<Aes256, U8, U12>>),
    Cbc(Box<cbc::Cbc>),
}

/// TLS 1.2's keys of both directions, client's first.
pub struct Tls12Keys {
    /// What the client writes with.
    pub client: RecordCipher,
    /// What the server writes with.
    pub server: RecordCipher,
}

impl Tls12Keys {
    /// Derives the key block (RFC 5246 §6.3) from a master secret; `None` where the secret cannot be one.
    pub fn derive(
        suite: Suite,
        master: &[u8],
        client_random: &[u8; 32],
        server_random: &[u8; 32],
        encrypt_then_mac: bool,
    ) -> Option<Self> {
        if master.len() != 48 {
            return None;
        }
        let (mac_len, iv_len) = match suite.protection {
            Protection::Cbc(mac) => (mac.size(), 0),
            Protection::Gcm | Protection::Ccm(_) => (0, 4),
            Protection::ChaCha20Poly1305 => (0, 12),
        };
        let mut block = vec![0; 2 * (mac_len + suite.key_len + iv_len)];
        let seed: [&[u8]; 2] = [server_random, client_random];
        key_schedule::prf(suite.hash, master, "key expansion", &seed, &mut block)?;
        let mut reader = crate::wire::reader::Reader::new(&block);
        let (client_mac, server_mac) = (reader.take(mac_len)?, reader.take(mac_len)?);
        let (client_key, server_key) = (reader.take(suite.key_len)?, reader.take(suite.key_len)?);
        let (client_iv, server_iv) = (reader.take(iv_len)?, reader.take(iv_len)?);
        let build = |mac_key: &[u8], key: &[u8], iv: &[u8]| {
            let algorithm = match suite.protection {
                Protection::Cbc(mac) => {
                    Algorithm::Cbc(Box::new(cbc::Cbc::new(key, mac, mac_key, encrypt_then_mac)?))
                }
                _ => Algorithm::aead(suite, key)?,
            };
            let iv = match suite.protection {
                Protection::ChaCha20Poly1305 => Iv::Xor(iv.try_into().ok()?),
                Protection::Cbc(_) => Iv::Salt([0; 4]),
                Protection::Gcm | Protection::Ccm(_) => Iv::Salt(iv.try_into().ok()?),
            };
            Some(RecordCipher { algorithm, iv, tls13: false })
        };
        let client = build(client_mac, client_key, client_iv)?;
        Some(Self { client, server: build(server_mac, server_key, server_iv)? })
    }
}

impl Algorithm {
    fn aead(suite: Suite, key: &[u8]) -> Option<Self> {
        Some(match (suite.protection, suite.key_len) {
            (Protection::Gcm, 16) => Self::Gcm128(Box::new(gcm::Gcm::new(key)?)),
            (Protection::Gcm, _) => Self::Gcm256(Box::new(gcm::Gcm::new(key)?)),
            (Protection::ChaCha20Poly1305, _) => {
                Self::ChaCha20Poly1305 { key: key.try_into().ok()? }
            }
            (Protection::Ccm(16), 16) => {
                Self::Ccm128(Box::new(ccm::Ccm::new_from_slice(key).ok()?))
            }
            (Protection::Ccm(16), _) => Self::Ccm256(Box::new(ccm::Ccm::new_from_slice(key).ok()?)),
            (Protection::Ccm(_), 16) => {
                Self::Ccm128Short(Box::new(ccm::Ccm::new_from_slice(key).ok()?))
            }
            (Protection::Ccm(_), _) => {
                Self::Ccm256Short(Box::new(ccm::Ccm::new_from_slice(key).ok()?))
            }
            (Protection::Cbc(_), _) => return None,
        })
    }
}

impl RecordCipher {
    /// TLS 1.3 keys from a traffic secret (RFC 8446 §7.3); `None` where the secret cannot be the suite's.
    pub fn tls13(suite: Suite, secret: &[u8]) -> Option<Self> {
        Self::from_traffic_secret(suite, secret, "key", "iv")
    }

    /// QUIC packet keys from a traffic secret, by the labels of the QUIC version (RFC 9001 §5.1).
    ///
    /// For [`open_with`](Self::open_with): the packet number is the sequence.
    pub fn quic(suite: Suite, secret: &[u8], key_label: &str, iv_label: &str) -> Option<Self> {
        Self::from_traffic_secret(suite, secret, key_label, iv_label)
    }

    fn from_traffic_secret(
        suite: Suite,
        secret: &[u8],
        key_label: &str,
        iv_label: &str,
    ) -> Option<Self> {
        if secret.len() != suite.hash.size() {
            return None;
        }
        let (mut key, mut iv) = ([0; 32], [0; 12]);
        let key = key.get_mut(..suite.key_len)?;
        key_schedule::expand_label(suite.hash, secret, key_label, key)?;
        key_schedule::expand_label(suite.hash, secret, iv_label, &mut iv)?;
        Some(Self { algorithm: Algorithm::aead(suite, key)?, iv: Iv::Xor(iv), tls13: true })
    }

    /// AES-128-GCM with a 12-byte IV and the caller's additional data, as QUIC Retry packets use it.
    pub fn aes128_gcm(key: &[u8; 16], iv: [u8; 12]) -> Option<Self> {
        Some(Self {
            algorithm: Algorithm::Gcm128(Box::new(gcm::Gcm::new(key)?)),
            iv: Iv::Xor(iv),
            tls13: true,
        })
    }

    /// The secret of the next generation after a KeyUpdate (RFC 8446 §7.2).
    pub fn next_secret(hash: Hash, secret: &[u8]) -> Option<Vec<u8>> {
        let mut next = vec![0; hash.size()];
        key_schedule::expand_label(hash, secret, "traffic upd", &mut next)?;
        Some(next)
    }

    /// Whether [`peek`](Self::peek) works: the cipher is a counter mode that can be sought in.
    pub fn can_peek(&self) -> bool {
        matches!(
            self.algorithm,
            Algorithm::Gcm128(_) | Algorithm::Gcm256(_) | Algorithm::ChaCha20Poly1305 { .. }
        )
    }

    /// Bytes that protection adds to each record; `None` where it varies (CBC).
    pub fn overhead(&self) -> Option<u64> {
        let varies = matches!(self.algorithm, Algorithm::Cbc(_));
        (!varies).then(|| (self.explicit_len() + self.tag_len()) as u64)
    }

    /// Bytes in front of the ciphertext: TLS 1.2's explicit nonce (CBC handles its own IV).
    pub fn explicit_len(&self) -> usize {
        match (&self.iv, &self.algorithm) {
            (Iv::Salt(_), Algorithm::Cbc(_)) | (Iv::Xor(_), _) => 0,
            (Iv::Salt(_), _) => 8,
        }
    }

    fn tag_len(&self) -> usize {
        match self.algorithm {
            Algorithm::Ccm128Short(_) | Algorithm::Ccm256Short(_) => 8,
            Algorithm::Cbc(_) => 0,
            _ => 16,
        }
    }

    /// How long the plaintext of a payload of `len` bytes is; with TLS 1.3 that includes type and padding.
    ///
    /// `None` where the payload is too short, or only decrypting tells (CBC).
    pub fn plaintext_len(&self, len: usize) -> Option<usize> {
        if matches!(self.algorithm, Algorithm::Cbc(_)) {
            return None;
        }
        len.checked_sub(self.explicit_len() + self.tag_len())
    }

    /// The nonce and the ciphertext with tag.
    fn split<'a>(&self, record: &Sealed<'a>) -> Option<([u8; 12], &'a [u8])> {
        match &self.iv {
            Iv::Xor(iv) => {
                let mut nonce = *iv;
                for (byte, mask) in nonce.iter_mut().skip(4).zip(record.sequence.to_be_bytes()) {
                    *byte ^= mask;
                }
                Some((nonce, record.payload))
            }
            Iv::Salt(salt) => {
                let (explicit, sealed) = record.payload.split_at_checked(8)?;
                let mut nonce = [0; 12];
                nonce
                    .iter_mut()
                    .zip(salt.iter().chain(explicit))
                    .for_each(|(to, from)| *to = *from);
                Some((nonce, sealed))
            }
        }
    }

    /// Decrypts a whole record into `out` (replaced) and checks its tag or MAC.
    ///
    /// False where the tag or MAC does not fit: the record was changed, or it is another key or sequence number.
    pub fn open(&self, record: &Sealed<'_>, out: &mut Vec<u8>) -> bool {
        self.with_additional(record, |additional| {
            self.open_with(record, additional, out).then_some(())
        })
        .is_some()
    }

    /// Checks the tag of a record without decrypting it. False also where [`can_peek`](Self::can_peek) is.
    pub fn verify(&self, record: &Sealed<'_>) -> bool {
        self.with_additional(record, |additional| {
            let (nonce, sealed) = self.split(record)?;
            let (text, tag) = sealed.split_at_checked(sealed.len().checked_sub(self.tag_len())?)?;
            match &self.algorithm {
                Algorithm::Gcm128(gcm) => gcm.verify(&nonce, additional, text, tag),
                Algorithm::Gcm256(gcm) => gcm.verify(&nonce, additional, text, tag),
                Algorithm::ChaCha20Poly1305 { key } => {
                    chacha::verify(key, &nonce, additional, text, tag)
                }
                _ => None,
            }
        })
        .is_some()
    }

    /// Calls `check` with the additional data of a record.
    fn with_additional(
        &self,
        record: &Sealed<'_>,
        check: impl FnOnce(&[u8]) -> Option<()>,
    ) -> Option<()> {
        if self.tls13 {
            return check(&record.header);
        }
        let plaintext_len = self.plaintext_len(record.payload.len()).unwrap_or(0);
        check(&tls12_additional(record, plaintext_len)?)
    }

    /// As [`open`](Self::open), with additional data of the caller's (QUIC).
    pub fn open_with(&self, record: &Sealed<'_>, additional: &[u8], out: &mut Vec<u8>) -> bool {
        out.clear();
        if let Algorithm::Cbc(cbc) = &self.algorithm {
            return cbc.open(record, out).is_some();
        }
        self.open_aead(record, additional, out).is_some()
    }

    fn open_aead(&self, record: &Sealed<'_>, additional: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let (nonce, sealed) = self.split(record)?;
        let (ciphertext, tag) =
            sealed.split_at_checked(sealed.len().checked_sub(self.tag_len())?)?;
        out.extend_from_slice(ciphertext);
        let text = out.as_mut_slice();
        match &self.algorithm {
            Algorithm::Gcm128(gcm) => gcm.open(&nonce, additional, text, tag),
            Algorithm::Gcm256(gcm) => gcm.open(&nonce, additional, text, tag),
            Algorithm::ChaCha20Poly1305 { key } => {
                aead(&ChaCha20Poly1305::new(key.into()), &nonce, additional, text, tag)
            }
            Algorithm::Ccm128(ccm) => aead(ccm.as_ref(), &nonce, additional, text, tag),
            Algorithm::Ccm256(ccm) => aead(ccm.as_ref(), &nonce, additional, text, tag),
            Algorithm::Ccm128Short(ccm) => aead(ccm.as_ref(), &nonce, additional, text, tag),
            Algorithm::Ccm256Short(ccm) => aead(ccm.as_ref(), &nonce, additional, text, tag),
            Algorithm::Cbc(_) => None,
        }
    }

    /// Decrypts the `out.len()` bytes of plaintext from `offset` on. The tag is not checked:
    /// [`verify`](Self::verify) does that.
    ///
    /// `None` where the record does not reach that far or [`can_peek`](Self::can_peek) is false.
    pub fn peek(&self, record: &Sealed<'_>, offset: usize, out: &mut [u8]) -> Option<()> {
        let (nonce, sealed) = self.split(record)?;
        let ciphertext = sealed.get(..sealed.len().checked_sub(self.tag_len())?)?;
        out.copy_from_slice(ciphertext.get(offset..)?.get(..out.len())?);
        match &self.algorithm {
            Algorithm::Gcm128(gcm) => gcm.apply_keystream(&nonce, offset, out),
            Algorithm::Gcm256(gcm) => gcm.apply_keystream(&nonce, offset, out),
            Algorithm::ChaCha20Poly1305 { key } => {
                chacha::apply_keystream(key, &nonce, offset, out)?;
            }
            _ => return None,
        }
        Some(())
    }
}

impl std::fmt::Debug for RecordCipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RecordCipher(..)")
    }
}

/// Sequence, type, version and plaintext length (RFC 5246 §6.2.3.3).
fn tls12_additional(record: &Sealed<'_>, plaintext_len: usize) -> Option<[u8; 13]> {
    let [kind, major, minor, _, _] = record.header;
    let mut additional = [0; 13];
    let fields = record.sequence.to_be_bytes().into_iter().chain([kind, major, minor]);
    let fields = fields.chain(u16::try_from(plaintext_len).ok()?.to_be_bytes());
    additional.iter_mut().zip(fields).for_each(|(to, from)| *to = from);
    Some(additional)
}

fn aead<A: AeadInOut<NonceSize = U12>>(
    aead: &A,
    nonce: &[u8; 12],
    additional: &[u8],
    text: &mut [u8],
    tag: &[u8],
) -> Option<()> {
    let tag = tag.try_into().ok()?;
    aead.decrypt_inout_detached(&(*nonce).into(), additional, text.into(), tag).ok()
}

/// Whether keys of this version can be derived from a key log at all.
pub fn version_is_supported(version: TlsVersion) -> bool {
    matches!(version, TlsVersion::TLS1_2 | TlsVersion::TLS1_3)
}

#[cfg(test)]
mod tests;
