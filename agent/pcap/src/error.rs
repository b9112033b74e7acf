//! Why a capture could not be opened or read at all.

use std::io;

use super::{Compression, Damage};

/// A capture that could not be opened. Nothing of it was read.
#[derive(Debug, thiserror::Error)]
pub enum CaptureOpenError {
    /// The operating system refused.
    #[error("cannot open capture `{name}`")]
    Refused {
        /// The path as given.
        name: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The path names a directory.
    #[error("cannot open capture `{name}`: it is a directory; name the capture files in it")]
    Directory {
        /// The path as given.
        name: String,
    },
}

/// A capture of which not one packet could be read.
///
/// Damage behind the first packet is no error but a [`Warning`](super::Warning).
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The content is something else.
    #[error(
        "`{name}` is not a packet capture: {found}; \
         expected pcap or pcapng, plain or compressed with gzip or zstd"
    )]
    NotACapture {
        /// The path as given.
        name: String,
        /// What it begins with.
        found: InputBeginning,
    },
    /// A capture, but damaged before its first packet.
    #[error("capture `{name}` is damaged before its first readable packet: {damage}")]
    Damaged {
        /// The path as given.
        name: String,
        /// What is wrong and where.
        damage: Damage,
    },
    /// The first bytes could not be read.
    #[error("cannot read capture `{name}`")]
    Failed {
        /// The path as given.
        name: String,
        /// What the operating system said.
        source: io::Error,
    },
}

/// What an input that is no capture begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputBeginning {
    /// Up to four bytes, uncompressed.
    pub begins: Vec<u8>,
    /// Whether those bytes came out of a decompressor.
    pub compression: Option<Compression>,
}

// === impl InputBeginning ===

impl std::fmt::Display for InputBeginning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(compression) = self.compression {
            write!(f, "uncompressed with {compression}, ")?;
        }
        match self.begins.as_slice() {
            [] => return f.write_str("it is empty"),
            [0xfd, b'7', b'z', b'X'] => return f.write_str("it is compressed with xz"),
            [b'B', b'Z', b'h', ..] => return f.write_str("it is compressed with bzip2"),
            [0x04, 0x22, 0x4d, 0x18] => return f.write_str("it is compressed with lz4"),
            [b'P', b'K', 3, 4] => return f.write_str("it is a zip archive"),
            _ => f.write_str("it begins with")?,
        }
        self.begins.iter().try_for_each(|byte| write!(f, " {byte:02x}"))
    }
}
