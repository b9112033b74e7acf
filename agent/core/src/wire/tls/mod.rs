//! TLS as a passive observer sees it: records, hellos, certificates, and with a key log the rest.

pub mod alert;
pub mod alpn;
pub mod certificate;
pub mod cipher;
pub mod client_hello;
mod compressed_certificate;
mod extension;
pub mod handshake;
pub mod key_schedule;
pub mod keylog;
pub mod record;
pub mod server_hello;
pub mod suite;

/// A protocol version as on the wire; unknown values survive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TlsVersion(pub u16);

impl TlsVersion {
    /// TLS 1.0.
    pub const TLS1_0: Self = Self(0x0301);
    /// TLS 1.1.
    pub const TLS1_1: Self = Self(0x0302);
    /// TLS 1.2.
    pub const TLS1_2: Self = Self(0x0303);
    /// TLS 1.3.
    pub const TLS1_3: Self = Self(0x0304);

    /// `"1.0"` to `"1.3"`; `None` for anything else (SSL 3.0, drafts, GREASE).
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::TLS1_0 => Some("1.0"),
            Self::TLS1_1 => Some("1.1"),
            Self::TLS1_2 => Some("1.2"),
            Self::TLS1_3 => Some("1.3"),
            _ => None,
        }
    }
}
