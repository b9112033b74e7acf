//! Refusals that are not about names: the application, a cache, a crawler's opt-out, a cluster.

use super::{Fit, Rule, fit, is_made_here, speaks_of_leader};
use crate::explain::cause::CauseId;
use crate::explain::cause::Confidence::{High, Medium};
use crate::explain::cause::evidence::Evidence;
use crate::explain::cause::inputs::{Refusal, Signals};
use crate::http::HttpVersion;
use crate::http_facts::{AgentClass, BodyMark};
use crate::seen::Seen;

pub(super) const APPLICATION: Rule = Rule {
    id: CauseId::Application,
    title: "the application answers 421 for a reason of its own",
    fits: application,
    advice: |_| {
        vec![
            "Read the application's documentation of its 421. TLS and virtual hosts are not the problem.",
        ]
    },
};

pub(super) const CACHED: Rule = Rule {
    id: CauseId::Cached,
    title: "a cache serves a stored 421",
    fits: cached,
    advice: |_| {
        vec![
            "Purge the cached 421 and send `Cache-Control: no-store` with every 421: a 421 is about a connection, not about a resource (RFC 9110 appendix B).",
        ]
    },
};

pub(super) const CRAWLER_OPT_OUT: Rule = Rule {
    id: CauseId::CrawlerOptOut,
    title: "the site refuses crawlers over HTTP/2",
    fits: crawler_opt_out,
    advice: |_| {
        vec![
            "Nothing, if this is intended: after a 421 over HTTP/2, crawlers retry over HTTP/1.1. Make sure that the server does not send it over HTTP/1.1 too: the page would be removed from the index.",
        ]
    },
};

pub(super) const CLUSTER_REDIRECT: Rule = Rule {
    id: CauseId::ClusterRedirect,
    title: "the member of a cluster is not the leader",
    fits: cluster_redirect,
    advice: |_| {
        vec![
            "Follow the protocol of the cluster: send the request to the member that is named as the leader.",
        ]
    },
};

fn application(s: &Signals) -> Option<Fit> {
    if s.refusal != Refusal::Misdirected || speaks_of_leader(s) || s.answer.from_cache {
        return None;
    }
    if matches!(s.answer.body, BodyMark::HttpsOverPlaintext | BodyMark::H2oConnectUdp) {
        return fit(High, [Evidence::ResponseBody(s.answer.body)]);
    }
    if !s.is_tls && is_made_here(s) {
        return fit(Medium, [Evidence::NotTls]);
    }
    let is_usual = s.is_match() && !is_crawler(s) && !s.alt_used && is_made_here(s);
    if !is_usual || !s.past.served_under_own_name {
        return None;
    }
    let served = Evidence::ServedUnderOwnName(s.authority.clone());
    fit(Medium, [s.same_name(), served])
}

fn cached(s: &Signals) -> Option<Fit> {
    if s.refusal != Refusal::Misdirected || !s.answer.from_cache {
        return None;
    }
    let storable = s.answer.storable.then_some(Evidence::Storable);
    fit(High, [Evidence::FromCache].into_iter().chain(storable))
}

fn is_crawler(s: &Signals) -> bool {
    s.agent == Seen::Known(AgentClass::Crawler)
}

fn crawler_opt_out(s: &Signals) -> Option<Fit> {
    let fits = s.refusal == Refusal::Misdirected
        && is_crawler(s)
        && s.version == HttpVersion::Http2
        && s.is_match();
    if !fits {
        return None;
    }
    let evidence = [Evidence::CrawlerOverHttp2, s.same_name()];
    if !s.past.served_under_own_name {
        return fit(Medium, evidence);
    }
    let others = Evidence::OthersServed(s.authority.clone());
    fit(High, evidence.into_iter().chain([others]))
}

fn cluster_redirect(s: &Signals) -> Option<Fit> {
    speaks_of_leader(s).then(|| fit(Medium, [Evidence::ResponseBody(s.answer.body)]))?
}
