//! One line of the list.

use super::group::Key;
use super::words;
use std::sync::Arc;
use wrongdoor_core::explain::Finding;
use wrongdoor_core::explain::cause::Cause;
use wrongdoor_core::explain::classifier::{Classification, UpstreamHop};
use wrongdoor_core::explain::recovery::Recovery;
use wrongdoor_core::http::Method;
use wrongdoor_core::http_facts::Generator;
use wrongdoor_core::observation::Exchange;
use wrongdoor_core::time::Timestamp;

/// What the list says of an exchange.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) at: Timestamp,
    pub(super) number: u64,
    pub(super) stream: u64,
    pub(super) client: String,
    pub(super) server: String,
    pub(super) method: String,
    pub(super) pattern: Pattern,
    /// As sent, where that says more than the host.
    pub(super) raw: Option<Box<str>>,
    pub(super) answered: Option<Timestamp>,
    pub(super) tls_version: Option<&'static str>,
    pub(super) alpn: Option<Box<str>>,
    pub(super) kind: Option<Finding>,
    pub(super) generator: Option<Generator>,
    pub(super) cause: Option<Arc<Cause>>,
    pub(super) recovery: Option<Recovery>,
    pub(super) relayed_from: Option<UpstreamHop>,
}

/// What exchanges have in common that are one line of what is not listed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Pattern {
    pub(super) sni: String,
    pub(super) authority: String,
    pub(super) version: &'static str,
    pub(super) status: Option<u16>,
    pub(super) verdict: &'static str,
}

impl Row {
    pub(super) fn new(
        number: u64,
        exchange: &Exchange,
        classification: &Classification,
        kind: Option<Finding>,
    ) -> Self {
        let facts = &exchange.connection;
        let tls = facts.tls.as_ref();
        let end = |end: Option<_>| {
            end.map_or_else(String::new, |end: wrongdoor_core::wire::net::Endpoint| end.to_string())
        };
        let client = match facts.client_declared {
            Some(declared) => format!("{declared} via {}", end(facts.client())),
            None => end(facts.client()),
        };
        let pattern = Pattern::new(exchange, classification);
        let raw = exchange.authority.raw.as_ref().known();
        Self {
            at: exchange.started,
            number,
            stream: exchange.stream,
            client,
            server: end(facts.server()),
            method: exchange.method.as_ref().known().map_or("", Method::as_str).to_owned(),
            raw: raw.filter(|raw| ***raw != *pattern.authority).cloned(),
            pattern,
            answered: exchange.responded(),
            tls_version: tls.and_then(|tls| tls.version?.name()),
            alpn: tls.and_then(|tls| tls.alpn.clone()),
            kind,
            generator: classification.generator,
            cause: classification.cause.clone(),
            recovery: classification.recovery,
            relayed_from: classification.relayed_from,
        }
    }

    /// The group that it belongs to, if it is a finding.
    pub(super) fn key(&self) -> Option<Key> {
        Some(Key {
            kind: self.kind?,
            generator: self.generator.map(Generator::as_str),
            sni: self.pattern.sni.clone(),
            authority: Some(self.pattern.authority.clone()),
        })
    }
}

impl Pattern {
    pub(super) fn new(exchange: &Exchange, classification: &Classification) -> Self {
        Self {
            sni: words::sni(&exchange.connection),
            authority: words::authority(exchange),
            version: exchange.version.as_str(),
            status: exchange.status(),
            verdict: classification.verdict.as_str(),
        }
    }
}
