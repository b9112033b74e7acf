//! Names: what a request asks for, what a handshake asked for, and what a certificate speaks for.

mod authority;
mod certificate;
mod host;
pub(crate) mod mesh;
mod request_authority;
mod sni;

pub(crate) use authority::without_userinfo;
pub use authority::{Authority, MAX_AUTHORITY, Malformed};
pub use certificate::{CertificateNames, Coverage, MAX_CERTIFICATE_NAMES};
pub use host::Host;
pub use request_authority::{AuthorityDefect, MAX_RAW_AUTHORITY, RequestAuthority};
pub use sni::{Sni, SniDefect};
