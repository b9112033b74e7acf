//! Verdicts in plain words, for those who see them for the first time.

use wrongdoor_core::observation::verdict::Verdict;

/// What a verdict means.
pub(crate) fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::NotTls => "no TLS here, so there is no server name to compare with",
        Verdict::Unknown => "server name or authority could not be read",
        Verdict::Malformed => "the authority is invalid, repeated, or missing where it is due",
        Verdict::NoAuthority => "the request names no authority",
        Verdict::ProxyRequest => "a CONNECT: its authority is where the tunnel leads",
        Verdict::AuthorityConflict => ":authority and Host name different hosts",
        Verdict::NoSniIp => "no SNI, and the authority is an address: as it should be",
        Verdict::NoSni => "no SNI was sent, though the authority is a name",
        Verdict::SniInvalid => "the SNI is an address, or has a dot at the end, a port, or worse",
        Verdict::Match => "SNI and authority are the same host",
        Verdict::MatchDot => "the same host, but for a trailing dot that strict servers refuse",
        Verdict::EchIndeterminate => "an ECH extension is there; the name inside it is not known",
        Verdict::MisdirectedUncovered => {
            "the certificate does not cover the authority: reuse was not permitted"
        }
        Verdict::CoalescedOutsideOriginSet => "the server's ORIGIN set does not list the authority",
        Verdict::CoalescedLegal => {
            "legal reuse: certificate and endpoint are good for the authority"
        }
        Verdict::CoalescedUnverified => {
            "reuse for another authority; whether it is legal is not shown"
        }
        Verdict::MismatchH1Uncovered => {
            "another host over HTTP/1, which the certificate does not cover"
        }
        Verdict::MismatchH1 => "another host over HTTP/1, where connections are for one host only",
    }
}
