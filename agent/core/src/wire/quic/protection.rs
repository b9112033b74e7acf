//! Packet protection: keys, header protection and packet numbers (RFC 9001 §5).

use super::header::{Long, QuicConnectionId, Retry};
use super::version::QuicVersion;
use crate::wire::tls::cipher::{RecordCipher, Sealed};
use crate::wire::tls::key_schedule::expand_label;
use crate::wire::tls::suite::{Hash, Protection, Suite};
use aes::{Aes128, Aes256};
use cipher::{BlockCipherEncrypt, KeyInit, KeyIvInit, StreamCipher, StreamCipherSeek};
use hkdf::Hkdf;
use sha2::Sha256;

/// What protects Initial packets, whatever is negotiated later.
const INITIAL_SUITE: Suite = Suite { protection: Protection::Gcm, key_len: 16, hash: Hash::Sha256 };
const SAMPLE_LEN: usize = 16;
/// How far behind the number's first possible byte the sample lies (RFC 9001 §5.4.2).
const SAMPLE_OFFSET: usize = 4;

/// The last packet number there can be (RFC 9000 §12.3).
const MAX_NUMBER: u64 = (1 << 62) - 1;

/// The keys of one direction at one encryption level.
#[derive(Debug)]
pub(super) struct QuicKeys {
    cipher: RecordCipher,
    header: HeaderKey,
}

/// Both directions' Initial keys, which anybody can derive from the client's first destination.
#[derive(Debug)]
pub(super) struct InitialKeys {
    pub(super) client: QuicKeys,
    pub(super) server: QuicKeys,
}

/// What a packet held, apart from its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OpenedPacket {
    pub(super) number: u64,
    /// Bits that have to be zero are not: the packet is genuine and a protocol violation.
    pub(super) reserved_bits: bool,
}

enum HeaderKey {
    Aes128(Box<Aes128>),
    Aes256(Box<Aes256>),
    ChaCha20([u8; 32]),
}

// === impl InitialKeys ===

impl InitialKeys {
    /// RFC 9001 §5.2.
    pub(super) fn derive(version: QuicVersion, destination: &QuicConnectionId) -> Option<Self> {
        let salt = version.initial_salt()?;
        let (initial, _) = Hkdf::<Sha256>::extract(Some(&salt), destination.as_bytes());
        let keys = |label| {
            let mut secret = [0; 32];
            expand_label(Hash::Sha256, &initial, label, &mut secret)?;
            QuicKeys::derive(version, INITIAL_SUITE, &secret)
        };
        Some(Self { client: keys("client in")?, server: keys("server in")? })
    }
}

// === impl QuicKeys ===

impl QuicKeys {
    /// From a traffic secret; `None` where suite or secret cannot be QUIC's.
    pub(super) fn derive(version: QuicVersion, suite: Suite, secret: &[u8]) -> Option<Self> {
        let labels = version.labels();
        let mut header = [0; 32];
        let header = header.get_mut(..suite.key_len)?;
        expand_label(suite.hash, secret, labels.header, header)?;
        let header = HeaderKey::new(suite, header)?;
        let cipher = RecordCipher::quic(suite, secret, labels.key, labels.iv)?;
        Some(Self { cipher, header })
    }

    /// Decrypts a packet's payload into `out` (replaced); `None` where the tag does not fit.
    ///
    /// `largest` is the greatest packet number opened before in the same number space.
    pub(super) fn open(
        &self,
        packet: &Long<'_>,
        largest: Option<u64>,
        out: &mut Vec<u8>,
    ) -> Option<OpenedPacket> {
        let sample = packet.bytes.get(packet.number_at + SAMPLE_OFFSET..)?;
        let [first_mask, number_mask @ ..] = self.header.mask(sample.first_chunk()?)?;
        let first = packet.bytes.first()? ^ (first_mask & 0x0f);
        let number_len = usize::from(first & 3) + 1;
        let (header, payload) = packet.bytes.split_at_checked(packet.number_at + number_len)?;
        let mut header = header.to_vec();
        *header.first_mut()? = first;
        let mut truncated = 0;
        for (byte, mask) in header.iter_mut().skip(packet.number_at).zip(number_mask) {
            *byte ^= mask;
            truncated = truncated << 8 | u64::from(*byte);
        }
        let number = packet_number(largest, truncated, number_len);
        let sealed = Sealed { header: [0; 5], payload, sequence: number };
        let opened = OpenedPacket { number, reserved_bits: first & 0x0c != 0 };
        self.cipher.open_with(&sealed, &header, out).then_some(opened)
    }
}

/// Whether a Retry answers the connection whose first destination was `original` (RFC 9001 §5.8).
pub(super) fn retry_is_genuine(retry: &Retry<'_>, original: &QuicConnectionId) -> bool {
    let original = original.as_bytes();
    let (Some((key, nonce)), Ok(len)) = (retry.version.retry_key(), u8::try_from(original.len()))
    else {
        return false;
    };
    let pseudo_packet = [&[len], original, retry.sealed].concat();
    let sealed = Sealed { header: [0; 5], payload: retry.tag, sequence: 0 };
    RecordCipher::aes128_gcm(&key, nonce)
        .is_some_and(|cipher| cipher.open_with(&sealed, &pseudo_packet, &mut Vec::new()))
}

/// The full number nearest to what is expected next (RFC 9000 §A.3).
fn packet_number(largest: Option<u64>, truncated: u64, len: usize) -> u64 {
    let expected = largest.map_or(0, |largest| largest.saturating_add(1).min(MAX_NUMBER));
    let window = 1_u64 << (len * 8);
    let candidate = expected & !(window - 1) | truncated;
    if candidate.saturating_add(window / 2) <= expected && candidate <= MAX_NUMBER - window {
        candidate + window
    } else if candidate > expected.saturating_add(window / 2) && candidate >= window {
        candidate - window
    } else {
        candidate
    }
}

// === impl HeaderKey ===

impl HeaderKey {
    /// `None` for the suites that QUIC has no header protection for (RFC 9001 §5.3).
    fn new(suite: Suite, key: &[u8]) -> Option<Self> {
        match (suite.protection, suite.key_len) {
            (Protection::Gcm | Protection::Ccm(16), 16) => {
                Some(Self::Aes128(Box::new(Aes128::new_from_slice(key).ok()?)))
            }
            (Protection::Gcm, 32) => {
                Some(Self::Aes256(Box::new(Aes256::new_from_slice(key).ok()?)))
            }
            (Protection::ChaCha20Poly1305, _) => Some(Self::ChaCha20(key.try_into().ok()?)),
            _ => None,
        }
    }

    /// The bits over the first byte and the packet number (RFC 9001 §5.4.3, §5.4.4).
    fn mask(&self, sample: &[u8; SAMPLE_LEN]) -> Option<[u8; 5]> {
        match self {
            Self::Aes128(aes) => encrypt_block(aes.as_ref(), sample),
            Self::Aes256(aes) => encrypt_block(aes.as_ref(), sample),
            Self::ChaCha20(key) => {
                let (counter, nonce) = sample.split_first_chunk::<4>()?;
                let nonce: [u8; 12] = nonce.try_into().ok()?;
                let mut stream = chacha20::ChaCha20::new(key.into(), &nonce.into());
                stream.try_seek(u64::from(u32::from_le_bytes(*counter)) * 64).ok()?;
                let mut mask = [0; 5];
                stream.try_apply_keystream(&mut mask).ok()?;
                Some(mask)
            }
        }
    }
}

fn encrypt_block<C>(aes: &C, sample: &[u8; SAMPLE_LEN]) -> Option<[u8; 5]>
where
    C: BlockCipherEncrypt + cipher::BlockSizeUser<BlockSize = cipher::consts::U16>,
{
    let mut block = (*sample).into();
    aes.encrypt_block(&mut block);
    block.first_chunk().copied()
}

impl std::fmt::Debug for HeaderKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HeaderKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::super::version::PacketType;
    use super::*;

    #[test]
    fn packet_numbers_agree_with_rfc_9000_a_3() {
        assert_eq!(packet_number(Some(0xa82f_30ea), 0x9b32, 2), 0xa82f_9b32);
        assert_eq!(packet_number(None, 2, 4), 2);
        assert_eq!(packet_number(Some(255), 1, 1), 257);
        assert_eq!(packet_number(Some(256), 0xfe, 1), 254);
        assert_eq!(packet_number(Some((1 << 62) - 1), 0, 1), (1 << 62) - 256);
    }

    #[test]
    fn chacha20_agrees_with_rfc_9001_a_5() {
        let bytes = |hex: &str| -> Vec<u8> {
            let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
            (0..hex.len()).step_by(2).map(byte).collect()
        };
        let secret = bytes("9ac312a7f877468ebe69422748ad00a15443f18203a07d6060f688f30f21632b");
        let keys =
            QuicKeys::derive(QuicVersion::V1, Suite::from_id(0x1303).unwrap(), &secret).unwrap();
        // The sample has a short header, which differs from a long one in nothing that `open` looks at.
        let packet = bytes("4cfe4189655e5cd55c41f69080575d7999c25a5bfb");
        let id = QuicConnectionId::new(&[]).unwrap();
        let packet = Long {
            kind: PacketType::Handshake,
            version: QuicVersion::V1,
            destination: id,
            source: id,
            has_token: false,
            bytes: &packet,
            number_at: 1,
        };
        let mut out = Vec::new();
        let opened = keys.open(&packet, Some(654_360_563), &mut out).unwrap();
        assert_eq!((opened.number, out.as_slice()), (654_360_564, &[1][..]));
    }
}
