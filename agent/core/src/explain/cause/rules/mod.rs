//! The rules, one for each cause, in the order in which they are tried: the first that fits is the cause.
//!
//! Each says what must hold, how far that carries, what it was seen from, and what to change. A rule that needs to know
//! who asks, or what is configured, is content with less and says so by its confidence.

mod application;
mod client;
mod coalescing;
mod proxy;
mod server;
mod settings;

use super::evidence::Evidence;
use super::inputs::{ClientKind, Signals};
use super::{CauseId, Confidence};
use crate::http_facts::BodyMark;
use Confidence::Low;

pub(super) use client::PROBE_ADVICE;

/// One cause: what it is, when it fits, and what to change.
pub(super) struct Rule {
    pub(super) id: CauseId,
    /// What it is, in a few words.
    pub(super) title: &'static str,
    pub(super) fits: fn(&Signals) -> Option<Fit>,
    /// What to change, by the name of the setting: sentences.
    pub(super) advice: fn(&Signals) -> Vec<&'static str>,
}

/// How well a rule fits, and what it was seen from.
#[derive(Debug)]
pub(super) struct Fit {
    pub(super) confidence: Confidence,
    pub(super) evidence: Vec<Evidence>,
}

const RULES: [&Rule; 22] = [
    &client::PROBE,
    &application::APPLICATION,
    &application::CACHED,
    &application::CRAWLER_OPT_OUT,
    &client::CONNECT_COMPARED,
    &proxy::OMITS_SNI,
    &client::OMITS_SNI,
    &proxy::WRONG_SNI,
    &proxy::POOL_NOT_KEYED,
    &proxy::FRONT_COALESCING_LEAKED,
    &coalescing::TLS_POLICY,
    &coalescing::NAME_CHECK,
    &coalescing::NOT_COVERED,
    &coalescing::PASSTHROUGH_WILDCARD,
    &server::NAME_NOT_SERVED,
    &server::TRAILING_DOT,
    &client::HOST_OVERRIDE,
    &client::AMBIGUOUS_AUTHORITY,
    &server::BAD_ALTERNATIVE,
    &server::ECH_OUTER_COMPARED,
    &application::CLUSTER_REDIRECT,
    &UNKNOWN,
];

/// No known cause fits.
const UNKNOWN: Rule = Rule {
    id: CauseId::Unknown,
    title: "no known cause fits",
    fits: |s| Some(unknown(s)),
    advice: |s| {
        vec![if s.origin.is_relayed {
            "Examine the hop behind the proxy that answered: which SNI the proxy sends there, and whether hosts share its connections. nginx: `proxy_ssl_server_name on; proxy_ssl_name $host;`"
        } else if s.is_mesh() {
            "Examine the routes that the answering proxy has for this authority, then the application behind it: between proxies of a service mesh, SNI and certificate name workloads and are not the problem. Istio: `istioctl proxy-config routes POD`"
        } else {
            "Compare the SNI, the Host and the names in the certificate of one such request, and read the body of the 421: it often names the software that generated it."
        }]
    },
};

/// The first rule that fits.
pub(super) fn first(s: &Signals) -> (&'static Rule, Fit) {
    let found = RULES.iter().find_map(|rule| Some((*rule, (rule.fits)(s)?)));
    found.unwrap_or_else(|| (&UNKNOWN, unknown(s)))
}

/// The rule of a cause.
pub(super) fn of(id: CauseId) -> &'static Rule {
    RULES.into_iter().find(|rule| rule.id == id).unwrap_or(&UNKNOWN)
}

fn fit(confidence: Confidence, evidence: impl IntoIterator<Item = Evidence>) -> Option<Fit> {
    Some(Fit { confidence, evidence: evidence.into_iter().collect() })
}

/// What is reported where nothing fits: also that is something to go by.
fn unknown(s: &Signals) -> Fit {
    let mut evidence = Vec::new();
    if s.origin.is_relayed {
        evidence.extend([s.generated_by(), Evidence::Relayed]);
        evidence.extend(s.is_match().then(|| s.same_name()));
    } else if s.is_mesh() {
        evidence.extend([Evidence::Mesh, s.generated_by()]);
    } else if s.is_sni_hidden() {
        evidence.push(Evidence::SniUnseen);
    } else if s.is_mismatch() {
        evidence.extend([s.names_differ(), s.generated_by()]);
    }
    Fit { confidence: Low, evidence }
}

/// The server that answered made the 421 itself: what is wrong is on this connection.
fn is_made_here(s: &Signals) -> bool {
    !s.origin.is_relayed
}

/// A cluster's member names its leader: what speaks of names is beside the point.
fn speaks_of_leader(s: &Signals) -> bool {
    s.answer.body == BodyMark::Leader
}

/// The connection was opened for its SNI, and asked for another host later: what coalescing is, and what a
/// shared pool does.
fn is_later_host(s: &Signals) -> bool {
    s.is_mismatch() && s.opened_for_sni == Some(true)
}

fn is_coalesced(s: &Signals) -> bool {
    s.version.can_coalesce() && is_later_host(s) && !s.is_proxy() && is_made_here(s)
}

fn is_known_proxy(s: &Signals) -> bool {
    matches!(s.peer, ClientKind::Proxy(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_one_rule_in_the_order_of_the_list() {
        let ids: Vec<CauseId> = RULES.iter().map(|rule| rule.id).collect();
        assert_eq!(ids, CauseId::ALL);
    }
}
