//! The rules, one a cause, in the order in which they are tried: the first that fits is the cause.
//!
//! Each says what must hold, how far that carries, and what it was seen from. A rule that needs to know who asks, or
//! what is configured, is content with less and says so by its confidence.

use super::evidence::{
    coalesced, coverage, differs, host, made_by, no_sni, others, peer, reused, same_name, sni,
    upgrade,
};
use super::inputs::{Peer, Refusal, Signals};
use super::{CauseId, Confidence};
use crate::http::HttpVersion;
use crate::http_facts::{AgentClass, BodyMark, Generator};
use crate::name::Sni;
use crate::observation::verdict::Verdict;
use crate::seen::Seen;
use Confidence::{High, Low, Medium};

/// What a rule found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) confidence: Confidence,
    pub(super) evidence: Vec<String>,
}

type Rule = fn(&Signals) -> Option<Found>;

const RULES: [(CauseId, Rule); 20] = [
    (CauseId::Application, application),
    (CauseId::Cached, cached),
    (CauseId::CrawlerOptOut, crawler_opt_out),
    (CauseId::ConnectCompared, connect_compared),
    (CauseId::ProxyOmitsSni, proxy_omits_sni),
    (CauseId::ClientOmitsSni, client_omits_sni),
    (CauseId::ProxyWrongSni, proxy_wrong_sni),
    (CauseId::ProxyPoolNotKeyed, proxy_pool_not_keyed),
    (CauseId::FrontCoalescingLeaked, front_coalescing_leaked),
    (CauseId::CoalescedTlsPolicy, coalesced_tls_policy),
    (CauseId::CoalescedNameCheck, coalesced_name_check),
    (CauseId::ReuseNotCovered, reuse_not_covered),
    (CauseId::PassthroughWildcard, passthrough_wildcard),
    (CauseId::NameNotServed, name_not_served),
    (CauseId::TrailingDot, trailing_dot),
    (CauseId::HostOverride, host_override),
    (CauseId::AmbiguousAuthority, ambiguous_authority),
    (CauseId::BadAlternative, bad_alternative),
    (CauseId::EchOuterCompared, ech_outer_compared),
    (CauseId::ClusterRedirect, cluster_redirect),
];

/// The first rule that fits, or that none does.
pub(super) fn first(s: &Signals) -> (CauseId, Found) {
    let found = RULES.iter().find_map(|(id, rule)| rule(s).map(|found| (*id, found)));
    found.unwrap_or_else(|| (CauseId::Unknown, unknown(s)))
}

fn found(confidence: Confidence, evidence: impl IntoIterator<Item = String>) -> Option<Found> {
    Some(Found { confidence, evidence: evidence.into_iter().collect() })
}

/// The server that answered made the 421 itself: what is wrong is on this connection.
fn is_made_here(s: &Signals) -> bool {
    !s.origin.is_relayed
}

/// A cluster's member names its leader: what speaks of names is beside the point.
fn speaks_of_leader(s: &Signals) -> bool {
    s.answer.body == BodyMark::Leader
}

/// The connection was opened for its server name, and asked for another host later: what coalescing is, and what a
/// shared pool does.
fn is_later_host(s: &Signals) -> bool {
    s.is_mismatch() && s.opened_for_sni == Some(true)
}

fn is_coalesced(s: &Signals) -> bool {
    s.version.can_coalesce() && is_later_host(s) && !s.is_proxy() && is_made_here(s)
}

fn application(s: &Signals) -> Option<Found> {
    if s.refusal != Refusal::Misdirected || speaks_of_leader(s) || s.answer.from_cache {
        return None;
    }
    match s.answer.body {
        BodyMark::HttpsOverPlaintext => {
            return found(High, ["the response says that https came over plaintext".to_owned()]);
        }
        BodyMark::H2oConnectUdp => {
            return found(
                High,
                ["the response says that connect-udp is not supported here".to_owned()],
            );
        }
        _ => {}
    }
    if !s.is_tls && is_made_here(s) {
        return found(
            Medium,
            ["there is no TLS on this hop, so no server name to compare with".to_owned()],
        );
    }
    let is_usual = s.verdict == Verdict::Match && !is_crawler(s) && !s.alt_used && is_made_here(s);
    if is_usual && s.past.served_under_own_name {
        let served =
            format!("the same endpoint serves other requests for {} under that name", host(s));
        return found(Medium, [same_name(s), served]);
    }
    None
}

fn cached(s: &Signals) -> Option<Found> {
    if s.refusal != Refusal::Misdirected || !s.answer.from_cache {
        return None;
    }
    let storable = s.answer.storable.then(|| "its Cache-Control lets caches store it".to_owned());
    found(
        High,
        ["Age or X-Cache says that the 421 comes out of a cache".to_owned()]
            .into_iter()
            .chain(storable),
    )
}

fn is_crawler(s: &Signals) -> bool {
    s.agent == Seen::Known(AgentClass::Crawler)
}

fn crawler_opt_out(s: &Signals) -> Option<Found> {
    let fits = s.refusal == Refusal::Misdirected
        && is_crawler(s)
        && s.version == HttpVersion::Http2
        && s.verdict == Verdict::Match;
    if !fits {
        return None;
    }
    let evidence = ["the user agent is a crawler's, over HTTP/2".to_owned(), same_name(s)];
    if s.past.served_under_own_name {
        let others = format!("others are served {} at this endpoint", host(s));
        return found(High, evidence.into_iter().chain([others]));
    }
    found(Medium, evidence)
}

fn connect_compared(s: &Signals) -> Option<Found> {
    if !s.is_tunnel || !s.is_tls || s.refusal != Refusal::Misdirected {
        return None;
    }
    let confidence = if s.origin.generator == Generator::Caddy { High } else { Medium };
    found(
        confidence,
        [format!("CONNECT to {} over a connection for {}", host(s), sni(s)), made_by(s)],
    )
}

fn proxy_omits_sni(s: &Signals) -> Option<Found> {
    if !s.lacks_sni() || !s.is_proxy() || !is_made_here(s) {
        return None;
    }
    let is_apache = s.origin.generator == Generator::Apache || s.refusal != Refusal::Misdirected;
    let confidence = if is_apache || is_known_proxy(s) { High } else { Medium };
    found(
        confidence,
        [no_sni(s), peer(s), made_by(s)]
            .into_iter()
            .chain(reused(s))
            .chain(others(s))
            .chain(upgrade(s)),
    )
}

fn client_omits_sni(s: &Signals) -> Option<Found> {
    if !s.lacks_sni() || s.is_proxy() || !is_made_here(s) {
        return None;
    }
    found(High, [no_sni(s), peer(s), made_by(s)].into_iter().chain(others(s)).chain(upgrade(s)))
}

fn proxy_wrong_sni(s: &Signals) -> Option<Found> {
    let fits = s.is_mismatch()
        && s.opened_for_sni == Some(false)
        && s.is_proxy()
        && is_made_here(s)
        && !s.front_name_leaked();
    if !fits {
        return None;
    }
    let first = format!("the connection for {} was never used for {0} first", sni(s));
    let confidence = if is_known_proxy(s) || s.past.others_under_sni > 1 { High } else { Medium };
    found(
        confidence,
        [differs(s), first, peer(s)]
            .into_iter()
            .chain(reused(s))
            .chain(others(s))
            .chain(upgrade(s)),
    )
}

fn proxy_pool_not_keyed(s: &Signals) -> Option<Found> {
    let is_pool = is_later_host(s) && s.is_proxy() && is_made_here(s) && !s.front_name_leaked();
    if !is_pool {
        return None;
    }
    let later = format!("the connection was opened for {} and asked for {} later", sni(s), host(s));
    let alike =
        s.past.is_known_for.then(|| format!("the endpoint accepts connections for {}", host(s)));
    // Where the proxy has connections of their own for other hosts, it is the pool that mixes them up.
    let keeps_apart = s.past.is_known_for || s.past.served_under_own_name;
    let confidence = if is_known_proxy(s) && keeps_apart { High } else { Medium };
    found(confidence, [later, peer(s)].into_iter().chain(alike).chain(upgrade(s)))
}

fn front_coalescing_leaked(s: &Signals) -> Option<Found> {
    let front =
        s.front.as_ref().filter(|_| s.front_name_leaked() && s.is_mismatch() && is_made_here(s))?;
    let came = format!(
        "the request came in on c{}, opened for {}, for {}",
        front.connection,
        sni(s),
        host(s)
    );
    let confidence = if is_known_proxy(s) { High } else { Medium };
    found(
        confidence,
        [came, format!("the proxy asked its upstream with the same SNI, {}", sni(s)), peer(s)],
    )
}

fn coalesced_tls_policy(s: &Signals) -> Option<Found> {
    let fits = is_coalesced(s)
        && s.covered != Some(false)
        && s.refusal == Refusal::Misdirected
        && matches!(s.origin.generator, Generator::Nginx | Generator::Apache);
    if !fits {
        return None;
    }
    let asks = s
        .past
        .asks_certificate
        .then(|| format!("handshakes for {} ask for a client certificate", host(s)));
    // Of Apache's settings nothing is seen: it may be its policy, and not theirs.
    let confidence = if s.covered == Some(true) && s.past.asks_certificate { High } else { Medium };
    found(confidence, [coalesced(s), coverage(s), made_by(s)].into_iter().chain(asks))
}

fn coalesced_name_check(s: &Signals) -> Option<Found> {
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
    found(confidence, [coalesced(s), coverage(s), made_by(s)])
}

fn reuse_not_covered(s: &Signals) -> Option<Found> {
    if !is_coalesced(s) || s.covered != Some(false) {
        return None;
    }
    found(High, [coalesced(s), coverage(s)])
}

fn passthrough_wildcard(s: &Signals) -> Option<Found> {
    let fits = is_coalesced(s) && s.covered == Some(true) && !s.past.served_under_own_name;
    if !fits {
        return None;
    }
    let never = format!("the endpoint behind this connection was never seen to serve {}", host(s));
    let confidence = if s.past.names > 0 && !s.past.is_known_for { Medium } else { Low };
    found(confidence, [coalesced(s), coverage(s), never])
}

fn name_not_served(s: &Signals) -> Option<Found> {
    let fits = s.refusal == Refusal::Misdirected
        && s.verdict == Verdict::Match
        && !s.alt_used
        && !speaks_of_leader(s)
        && is_made_here(s)
        && !s.past.served_under_own_name;
    if !fits {
        return None;
    }
    let never = format!("{} was never seen to be served at this endpoint", host(s));
    let confidence = if s.first == Some(true) { High } else { Medium };
    found(confidence, [same_name(s), never, made_by(s)])
}

fn trailing_dot(s: &Signals) -> Option<Found> {
    if !is_made_here(s) {
        return None;
    }
    match s.verdict {
        Verdict::MatchDot => found(
            High,
            [format!("the authority is {}. with a dot, the SNI without", host(s)), made_by(s)],
        ),
        Verdict::SniInvalid if !s.is_mismatch() && ends_in_dot(&s.sni) => found(
            High,
            [format!("the SNI is {} with a dot, the authority {}", sni(s), host(s)), made_by(s)],
        ),
        _ => None,
    }
}

fn host_override(s: &Signals) -> Option<Found> {
    let is_h1_reuse = !s.version.can_coalesce() && is_later_host(s);
    let fits = s.is_mismatch()
        && !s.is_proxy()
        && is_made_here(s)
        && (s.opened_for_sni == Some(false) || is_h1_reuse);
    if !fits {
        return None;
    }
    let how = if s.opened_for_sni == Some(false) {
        format!("the connection for {} never asked for {0} first: that is no coalescing", sni(s))
    } else {
        format!("one connection was used for {} hosts over HTTP/1, where each is for one", s.hosts)
    };
    found(Medium, [differs(s), how, peer(s)])
}

fn ambiguous_authority(s: &Signals) -> Option<Found> {
    (s.verdict == Verdict::AuthorityConflict)
        .then(|| found(Medium, [":authority and Host name different hosts".to_owned()]))?
}

fn bad_alternative(s: &Signals) -> Option<Found> {
    if !s.alt_used {
        return None;
    }
    let named_again = s.answer.alt_svc.then(|| {
        "the response names an alternative again, which clients must pass over (RFC 7838 §6)"
            .to_owned()
    });
    let sent = "Alt-Used says that it went to an alternative service".to_owned();
    found(Medium, [sent].into_iter().chain(named_again))
}

fn ech_outer_compared(s: &Signals) -> Option<Found> {
    if s.verdict != Verdict::EchIndeterminate {
        return None;
    }
    let shared = s.past.others_under_sni > 1;
    let evidence =
        format!("an ECH extension, the outer name {}, and a request for {}", sni(s), host(s));
    found(if shared { Medium } else { Low }, [evidence].into_iter().chain(others(s)))
}

fn cluster_redirect(s: &Signals) -> Option<Found> {
    speaks_of_leader(s)
        .then(|| found(Medium, ["the response is JSON and speaks of a leader".to_owned()]))?
}

/// What is said where nothing fits: also that is something to go by.
fn unknown(s: &Signals) -> Found {
    let mut evidence = Vec::new();
    if s.origin.is_relayed {
        let behind =
            "the response was handed on: what failed is a hop behind the server that answered";
        let agree = (s.verdict == Verdict::Match).then(|| same_name(s));
        evidence.extend([made_by(s), behind.to_owned()].into_iter().chain(agree));
    } else if matches!(s.sni, Sni::Unseen | Sni::Encrypted) {
        evidence.push("the server name was not seen".to_owned());
    } else if s.is_mismatch() {
        evidence.extend([differs(s), made_by(s)]);
    }
    Found { confidence: Low, evidence }
}

fn is_known_proxy(s: &Signals) -> bool {
    matches!(s.peer, Peer::Proxy(_))
}

fn ends_in_dot(sni: &Sni) -> bool {
    sni.name().is_some_and(|name| name.ends_with('.'))
}
