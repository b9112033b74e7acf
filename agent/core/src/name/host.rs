//! A host as compared: an address, or a name in lower-case A-labels.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

/// The host of an authority after normalisation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    /// A registered name: lower-case ASCII, without port and trailing dot.
    Name(Box<str>),
    /// An IP literal.
    Ip(IpAddr),
}

impl Host {
    /// A host of this text without port and brackets: a dotted quad, or a name.
    ///
    /// Only the four-part decimal form is an IPv4 literal (RFC 3986 §3.2.2), not `0x7f.1`.
    pub(super) fn from_lowercase(text: &str) -> Self {
        match text.parse::<Ipv4Addr>() {
            Ok(address) => Self::Ip(address.into()),
            Err(_) => Self::Name(text.into()),
        }
    }

    /// The name, where it is one.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Name(name) => Some(name),
            Self::Ip(_) => None,
        }
    }
}

impl fmt::Display for Host {
    /// Addresses canonical (RFC 5952) and without brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Ip(address) => address.to_canonical().fmt(f),
        }
    }
}
