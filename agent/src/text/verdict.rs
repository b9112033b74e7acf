//! Verdicts in words, for readers who see them for the first time.

use wrongdoor_core::observation::verdict::Verdict;

/// What a verdict means.
pub(crate) fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::NotTls => "cleartext: there is no SNI to compare with",
        Verdict::Unknown => "the SNI or the authority could not be read",
        Verdict::Malformed => {
            "the authority is invalid, repeated, or missing where HTTP requires it"
        }
        Verdict::NoAuthority => "the request names no authority",
        Verdict::ProxyRequest => "a CONNECT: its authority is the target of the tunnel",
        Verdict::AuthorityConflict => ":authority and Host name different hosts",
        Verdict::NoSniIp => "no SNI, and the authority is an IP address: correct",
        Verdict::NoSni => "no SNI was sent, although the authority is a host name",
        Verdict::SniInvalid => {
            "the SNI is invalid: an IP address, a port, a dot at the end, or forbidden characters"
        }
        Verdict::Mesh => {
            "the proxies of a service mesh: the SNI names a workload by design, not the authority"
        }
        Verdict::Match => "SNI and authority are the same host",
        Verdict::MatchDot => {
            "the same host except for a dot at the end, which strict servers refuse"
        }
        Verdict::EchIndeterminate => {
            "the handshake has an ECH extension, and the inner name is not visible"
        }
        Verdict::MisdirectedUncovered => {
            "the certificate does not cover the authority: the reuse was not allowed"
        }
        Verdict::CoalescedOutsideOriginSet => {
            "the server's ORIGIN frames do not list the authority: the reuse was not allowed"
        }
        Verdict::CoalescedLegal => {
            "allowed reuse: the certificate covers the authority, and this server serves it"
        }
        Verdict::CoalescedUnverified => {
            "reuse for another host; whether it was allowed is not known"
        }
        Verdict::MismatchH1Uncovered => {
            "another host over HTTP/1, and the certificate does not cover it"
        }
        Verdict::MismatchH1 => "another host over HTTP/1, where a connection is for one host",
    }
}
