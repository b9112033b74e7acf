//! Clients that coalesce: one HTTP/2 connection for several hosts (RFC 9113 §9.1.1).

use super::{Fit, Rule, fit, is_coalesced};
use crate::explain::cause::CauseId;
use crate::explain::cause::Confidence::{High, Low, Medium};
use crate::explain::cause::evidence::Evidence;
use crate::explain::cause::inputs::{Refusal, Signals};
use crate::http_facts::Generator;

pub(super) const TLS_POLICY: Rule = Rule {
    id: CauseId::CoalescedTlsPolicy,
    title: "allowed coalescing into a virtual host with other TLS settings",
    fits: tls_policy,
    advice: |s| {
        vec![match s.origin.generator {
            Generator::Nginx if s.past.asks_certificate => {
                "Handshakes for the target host ask for a client certificate (`ssl_verify_client`), and nginx refuses requests for such a host on a connection for another one. Give that host its own certificate or address, so that clients do not coalesce; or keep the 421: browsers retry on a new connection."
            }
            Generator::Nginx => {
                "Look at the server block of the target host: nginx answers 421 if the block has `ssl_verify_client`, and a configuration can answer it with `return 421`, for example in `if ($ssl_server_name != $host)`. Give that host its own certificate or address, so that clients do not coalesce; or keep the 421: browsers retry on a new connection."
            }
            _ => {
                "Give both virtual hosts the same TLS settings and the same SSLCertificateFile path: Apache compares paths, not certificates. Or use certificates that do not overlap; or keep the 421: browsers retry on a new connection."
            }
        }]
    },
};

pub(super) const NAME_CHECK: Rule = Rule {
    id: CauseId::CoalescedNameCheck,
    title: "allowed coalescing, which the server refuses because the names differ",
    fits: name_check,
    advice: |s| {
        vec![match s.origin.generator {
            Generator::Caddy => {
                "Caddy: `strict_sni_host insecure_off` if no client certificates are required; or use certificates that do not overlap. Or keep the 421: browsers retry on a new connection (Safari since 15.1)."
            }
            Generator::Traefik => {
                "Traefik: use the same TLS options for all routers that share a certificate; or use certificates that do not overlap."
            }
            _ => {
                "Relax the comparison of SNI and authority for hosts that share a certificate, or give each listener a certificate that does not overlap. Or keep the 421: browsers retry on a new connection (Safari since 15.1)."
            }
        }]
    },
};

pub(super) const NOT_COVERED: Rule = Rule {
    id: CauseId::ReuseNotCovered,
    title: "reuse for a host that the certificate does not cover",
    fits: not_covered,
    advice: |_| {
        vec![
            "The server is right. Look for a client that does not verify names, a TLS interception, or fronting; a client may reuse a connection only for hosts that its certificate covers (RFC 9113 §9.1.1).",
        ]
    },
};

pub(super) const PASSTHROUGH_WILDCARD: Rule = Rule {
    id: CauseId::PassthroughWildcard,
    title: "one certificate for several hosts, but different backends behind an SNI router",
    fits: passthrough_wildcard,
    advice: |_| {
        vec![
            "Give backends behind an SNI router their own certificates or addresses instead of one certificate for all; and let each backend answer 421 for hosts that it does not serve, so that browsers retry on a new connection.",
        ]
    },
};

fn tls_policy(s: &Signals) -> Option<Fit> {
    let fits = is_coalesced(s)
        && s.covered != Some(false)
        && s.refusal == Refusal::Misdirected
        && matches!(s.origin.generator, Generator::Nginx | Generator::Apache);
    if !fits {
        return None;
    }
    let asks_certificate = s.past.asks_certificate;
    let asks = Evidence::AsksClientCertificate(s.authority.clone());
    // Of Apache's settings nothing is seen: it may be its policy, and not theirs.
    let confidence = if s.covered == Some(true) && asks_certificate { High } else { Medium };
    let evidence = [s.coalesced(), s.coverage(), s.generated_by()];
    fit(confidence, evidence.into_iter().chain(asks_certificate.then_some(asks)))
}

fn name_check(s: &Signals) -> Option<Fit> {
    let is_refused = match s.refusal {
        Refusal::Misdirected | Refusal::Reset | Refusal::Rejected(400) => true,
        Refusal::Rejected(_) => false,
    };
    if !is_coalesced(s) || s.covered == Some(false) || !is_refused {
        return None;
    }
    let compares = matches!(
        s.origin.generator,
        Generator::Caddy | Generator::Envoy | Generator::Traefik | Generator::HaProxy
    );
    let confidence = if s.covered == Some(true) && compares { High } else { Medium };
    fit(confidence, [s.coalesced(), s.coverage(), s.generated_by()])
}

fn not_covered(s: &Signals) -> Option<Fit> {
    if !is_coalesced(s) || s.covered != Some(false) {
        return None;
    }
    fit(High, [s.coalesced(), s.coverage()])
}

fn passthrough_wildcard(s: &Signals) -> Option<Fit> {
    let fits = is_coalesced(s) && s.covered == Some(true) && !s.past.served_under_own_name;
    if !fits {
        return None;
    }
    let never = Evidence::NeverServedBehind(s.authority.clone());
    let confidence = if s.past.names > 0 && !s.past.is_known_for { Medium } else { Low };
    fit(confidence, [s.coalesced(), s.coverage(), never])
}
