//! Which verdicts would be true of an exchange.

use super::ground::SERVED;
use super::truth::Truth;

/// The verdicts that are right, given what an agent may or may not know of certificates: with TLS 1.3 they are
/// encrypted. Of a name that the certificate covers it must never be said that it is not covered.
pub fn verdicts(truth: &Truth) -> &'static [&'static str] {
    let authority = truth.authority();
    let is_address = authority.parse::<std::net::IpAddr>().is_ok();
    let covered = SERVED.contains(&authority.as_str()) || authority == "localhost";
    match (&truth.sni, truth.http_version.as_str()) {
        (None, _) if is_address => &["no_sni_ip"],
        (None, _) => &["no_sni"],
        (Some(sni), _) if *sni == authority => &["match"],
        (_, "2") if covered => {
            &["coalesced_unverified", "coalesced_legal", "coalesced_outside_origin_set"]
        }
        (_, "2") => &["coalesced_unverified", "misdirected_uncovered"],
        _ if covered => &["mismatch_h1"],
        _ => &["mismatch_h1", "mismatch_h1_uncovered"],
    }
}
