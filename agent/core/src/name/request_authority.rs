//! The authority of a request, as it was sent.

use super::{Authority, MAX_AUTHORITY};
use crate::seen::Seen;

/// The longest authority that is kept as sent, in bytes; a longer one is cut, and malformed.
pub const MAX_RAW_AUTHORITY: usize = MAX_AUTHORITY;

/// What a request says it is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestAuthority {
    /// The effective authority as sent (RFC 9112 §3.3, RFC 9113 §8.3.1), but for user and password: `***@a.test`.
    pub raw: Seen<Box<str>>,
    /// The same after normalisation, where it is an authority.
    pub parsed: Option<Authority>,
    /// What is wrong with it.
    pub defect: Option<AuthorityDefect>,
}

impl RequestAuthority {
    /// The memory it takes: as sent, and normalised.
    pub(crate) fn cost(&self) -> usize {
        let raw = self.raw.as_ref().known().map_or(0, |raw| raw.len());
        size_of::<Self>() + raw * if self.parsed.is_some() { 2 } else { 1 }
    }
}

/// What is wrong with the authority of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorityDefect {
    /// Not an authority, with userinfo, sent twice, or not sent where HTTP/1.1 demands it.
    Malformed,
    /// `:authority` and `Host` differ after normalisation.
    Conflict,
}
