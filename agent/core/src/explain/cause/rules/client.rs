//! Clients that send no SNI, a Host of their own, or what a server must not compare.

use super::settings::until_then;
use super::{Fit, Rule, fit, is_later_host, is_made_here};
use crate::explain::cause::CauseId;
use crate::explain::cause::Confidence::{High, Medium};
use crate::explain::cause::evidence::Evidence;
use crate::explain::cause::inputs::{Refusal, Signals};
use crate::http_facts::Generator;
use crate::observation::verdict::Verdict;

/// The advice for requests of `wrongdoor probe`.
pub(in crate::explain::cause) const PROBE_ADVICE: &str = "Nothing to change: `wrongdoor probe` sends such requests on purpose. If you did not run it, look at the client: any client can send this name.";

/// No rule: the exchange itself says it, and [`of_probe`](crate::explain::cause::of_probe) reads it there.
pub(super) const PROBE: Rule = Rule {
    id: CauseId::Probe,
    title: "a test request of `wrongdoor probe`",
    fits: |_| None,
    advice: |_| vec![PROBE_ADVICE],
};

pub(super) const OMITS_SNI: Rule = Rule {
    id: CauseId::ClientOmitsSni,
    title: "the client sends no SNI",
    fits: omits_sni,
    advice: |s| {
        let mut advice = vec![
            "Make the client send the host as SNI. For a health check or curl with an IP address: `curl --resolve host:443:address https://host/` in place of `-H Host:`.",
        ];
        advice.extend(until_then(s));
        advice
    },
};

pub(super) const CONNECT_COMPARED: Rule = Rule {
    id: CauseId::ConnectCompared,
    title: "the proxy compares the target of a CONNECT with the SNI",
    fits: connect_compared,
    advice: |_| {
        vec![
            "Exempt CONNECT from the comparison of SNI and Host: its authority is the target of the tunnel. Caddy: `strict_sni_host insecure_off` in the global options, under `servers` of the forward proxy's address.",
        ]
    },
};

pub(super) const HOST_OVERRIDE: Rule = Rule {
    id: CauseId::HostOverride,
    title: "the client sets a Host that is not the host it connected for",
    fits: host_override,
    advice: |_| {
        vec![
            "If the Host is set on purpose, connect for that host: `curl --connect-to` or `--resolve` in place of `-H Host:`. Otherwise it is a scanner or domain fronting, and the server is right.",
        ]
    },
};

pub(super) const AMBIGUOUS_AUTHORITY: Rule = Rule {
    id: CauseId::AmbiguousAuthority,
    title: ":authority and Host name different hosts",
    fits: |s| {
        let fits = s.verdict == Verdict::AuthorityConflict;
        fits.then(|| fit(Medium, [Evidence::AuthorityConflict]))?
    },
    advice: |_| {
        vec![
            "Fix the intermediary that sends `:authority` and a different Host: a server must not choose one of them (RFC 9113 §8.3.1).",
        ]
    },
};

fn omits_sni(s: &Signals) -> Option<Fit> {
    if !s.lacks_sni() || s.is_proxy() || !is_made_here(s) {
        return None;
    }
    let further = s.hosts_under_sni().into_iter().chain(s.served_alike());
    fit(High, [s.no_sni(), s.client(), s.generated_by()].into_iter().chain(further))
}

fn connect_compared(s: &Signals) -> Option<Fit> {
    if !s.is_tunnel || !s.is_tls || s.refusal != Refusal::Misdirected {
        return None;
    }
    let confidence = if s.origin.generator == Generator::Caddy { High } else { Medium };
    let tunnel = Evidence::Tunnel(s.names());
    fit(confidence, [tunnel, s.generated_by()])
}

fn host_override(s: &Signals) -> Option<Fit> {
    let is_h1_reuse = !s.version.can_coalesce() && is_later_host(s);
    let is_first = s.opened_for_sni == Some(false);
    if !s.is_mismatch() || s.is_proxy() || !is_made_here(s) || !(is_first || is_h1_reuse) {
        return None;
    }
    let how = if is_first {
        Evidence::NotCoalesced(s.sni.clone())
    } else {
        Evidence::HostsOverHttp1(s.hosts)
    };
    fit(Medium, [s.names_differ(), how, s.client()])
}
