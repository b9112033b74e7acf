//! A request as tables and reports show it: what its connection was for, what it asked for, and the answer.

use wrongdoor_core::name::{RequestAuthority, Sni};
use wrongdoor_core::observation::Facts;
use wrongdoor_core::seen::Seen;

/// The SNI of a connection, or why there is no name.
pub(crate) fn sni(facts: &Facts) -> String {
    match facts.sni() {
        Sni::Name(name) => name.to_string(),
        Sni::Absent if facts.tls.is_none() => "(no TLS)".to_owned(),
        Sni::Absent => "(none)".to_owned(),
        Sni::Encrypted => "(encrypted)".to_owned(),
        Sni::Unseen => "(unseen)".to_owned(),
    }
}

/// The host that a request asked for, as sent where that is no host, or why there is none.
pub(crate) fn authority(authority: &RequestAuthority) -> String {
    match (&authority.parsed, &authority.raw) {
        (Some(authority), _) => authority.host.to_string(),
        (None, Seen::Known(raw)) => raw.to_string(),
        (None, Seen::Absent) => "(none)".to_owned(),
        (None, Seen::Unreadable) => "(unreadable)".to_owned(),
    }
}

/// The status of the answer, or a dash.
pub(crate) fn status(status: Option<u16>) -> String {
    status.map_or_else(|| "–".to_owned(), |status| status.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_its_host_or_what_was_sent_or_why_there_is_none() {
        let text = |raw, parsed| authority(&RequestAuthority { raw, parsed, defect: None });
        let sent = || Seen::Known("A.test:80".into());
        let parsed = wrongdoor_core::name::Authority::parse(b"A.test:80").ok();
        assert!(parsed.is_some());
        assert_eq!(text(sent(), parsed), "a.test");
        assert_eq!(text(sent(), None), "A.test:80");
        assert_eq!(text(Seen::Absent, None), "(none)");
        assert_eq!(text(Seen::Unreadable, None), "(unreadable)");
    }
}
