//! Cipher suites: what a key log can open, by IANA number.

/// The hash of a suite's key schedule (TLS 1.3) or PRF (TLS 1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
}

/// The MAC of a CBC suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mac {
    /// HMAC-SHA1, 20 bytes.
    Sha1,
    /// HMAC-SHA256, 32 bytes.
    Sha256,
    /// HMAC-SHA384, 48 bytes.
    Sha384,
}

/// How records are protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// AES-GCM.
    Gcm,
    /// AES-CCM with a tag of this many bytes (16 or 8).
    Ccm(usize),
    /// ChaCha20-Poly1305.
    ChaCha20Poly1305,
    /// AES-CBC with HMAC.
    Cbc(Mac),
}

/// One cipher suite, less its key exchange, which an observer with a key log has no use for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suite {
    /// How records are protected.
    pub protection: Protection,
    /// The cipher's key length in bytes: 16 or 32.
    pub key_len: usize,
    /// The hash of the key schedule.
    pub hash: Hash,
}

impl Suite {
    /// The suite of this IANA number; `None` where it is not one that can be opened.
    ///
    /// Source: the IANA registry "TLS Cipher Suites".
    pub fn from_id(id: u16) -> Option<Self> {
        use Hash::{Sha256, Sha384};
        use Protection::{Cbc, Ccm, ChaCha20Poly1305, Gcm};
        let (protection, key_len, hash) = match id {
            // TLS 1.3
            0x1301 => (Gcm, 16, Sha256),
            0x1302 => (Gcm, 32, Sha384),
            0x1303 => (ChaCha20Poly1305, 32, Sha256),
            0x1304 => (Ccm(16), 16, Sha256),
            0x1305 => (Ccm(8), 16, Sha256),
            // GCM: even numbers of 0x009c.. are AES-128, odd ones AES-256; the reverse from 0xc02b on
            0x009c..=0x00ad => {
                if id.is_multiple_of(2) {
                    (Gcm, 16, Sha256)
                } else {
                    (Gcm, 32, Sha384)
                }
            }
            0xc02b..=0xc032 => {
                if !id.is_multiple_of(2) {
                    (Gcm, 16, Sha256)
                } else {
                    (Gcm, 32, Sha384)
                }
            }
            0xd001 => (Gcm, 16, Sha256),
            0xd002 => (Gcm, 32, Sha384),
            0xcca8..=0xccae => (ChaCha20Poly1305, 32, Sha256),
            // CCM: groups of four (128, 256, 128 with 8-byte tag, 256 with 8-byte tag), by key exchange
            0xc09c | 0xc09e | 0xc0a4 | 0xc0a6 | 0xc0ac | 0xd005 => (Ccm(16), 16, Sha256),
            0xc09d | 0xc09f | 0xc0a5 | 0xc0a7 | 0xc0ad => (Ccm(16), 32, Sha256),
            0xc0a0 | 0xc0a2 | 0xc0a8 | 0xc0aa | 0xc0ae | 0xd003 => (Ccm(8), 16, Sha256),
            0xc0a1 | 0xc0a3 | 0xc0a9 | 0xc0ab | 0xc0af => (Ccm(8), 32, Sha256),
            // CBC with HMAC-SHA1
            0x002f..=0x0034 | 0x008c | 0x0090 | 0x0094 => (Cbc(Mac::Sha1), 16, Sha256),
            0x0035..=0x003a | 0x008d | 0x0091 | 0x0095 => (Cbc(Mac::Sha1), 32, Sha256),
            0xc004 | 0xc009 | 0xc00e | 0xc013 | 0xc018 | 0xc035 => (Cbc(Mac::Sha1), 16, Sha256),
            0xc005 | 0xc00a | 0xc00f | 0xc014 | 0xc019 | 0xc036 => (Cbc(Mac::Sha1), 32, Sha256),
            // CBC with HMAC-SHA256 or HMAC-SHA384
            0x003c | 0x003e..=0x0040 | 0x0067 | 0x006c | 0x00ae | 0x00b2 | 0x00b6 => {
                (Cbc(Mac::Sha256), 16, Sha256)
            }
            0x003d | 0x0068..=0x006b | 0x006d => (Cbc(Mac::Sha256), 32, Sha256),
            0xc023 | 0xc025 | 0xc027 | 0xc029 | 0xc037 => (Cbc(Mac::Sha256), 16, Sha256),
            0xc024 | 0xc026 | 0xc028 | 0xc02a | 0xc038 | 0x00af | 0x00b3 | 0x00b7 => {
                (Cbc(Mac::Sha384), 32, Sha384)
            }
            _ => return None,
        };
        Some(Self { protection, key_len, hash })
    }
}

impl Mac {
    /// The length of the MAC and of its key, in bytes.
    pub fn size(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
        }
    }
}

impl Hash {
    /// The length of the digest, in bytes.
    pub fn size(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
        }
    }
}
