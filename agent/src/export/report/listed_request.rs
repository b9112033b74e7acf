//! A request in the list of all of them.

use super::group::FindingKey;
use super::unlisted::RequestPattern;
use std::sync::Arc;
use wrongdoor_core::explain::Finding;
use wrongdoor_core::explain::cause::Cause;
use wrongdoor_core::explain::classifier::{Classification, UpstreamHop};
use wrongdoor_core::explain::recovery::Recovery;
use wrongdoor_core::http::Method;
use wrongdoor_core::http_facts::Generator;
use wrongdoor_core::observation::Exchange;
use wrongdoor_core::time::Timestamp;
use wrongdoor_core::wire::net::Endpoint;

/// What the list says of a request.
#[derive(Clone, Debug)]
pub(super) struct ListedRequest {
    pub(super) at: Timestamp,
    pub(super) number: u64,
    pub(super) stream: u64,
    pub(super) client: String,
    pub(super) server: String,
    pub(super) method: String,
    pub(super) pattern: RequestPattern,
    /// As sent, where that says more than the host.
    pub(super) raw: Option<Box<str>>,
    pub(super) answered: Option<Timestamp>,
    pub(super) tls_version: Option<&'static str>,
    pub(super) alpn: Option<Box<str>>,
    pub(super) finding: Option<Finding>,
    pub(super) generator: Option<Generator>,
    pub(super) cause: Option<Arc<Cause>>,
    pub(super) recovery: Option<Recovery>,
    pub(super) relayed_from: Option<UpstreamHop>,
}

impl ListedRequest {
    pub(super) fn new(
        number: u64,
        exchange: &Exchange,
        classification: &Classification,
        finding: Option<Finding>,
    ) -> Self {
        let facts = &exchange.connection;
        let tls = facts.tls.as_ref();
        let end = |end: Option<Endpoint>| end.map_or_else(String::new, |end| end.to_string());
        let client = match facts.client_declared {
            Some(declared) => format!("{declared} via {}", end(facts.client())),
            None => end(facts.client()),
        };
        let pattern = RequestPattern::new(exchange, classification);
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
            finding,
            generator: classification.generator,
            cause: classification.cause.clone(),
            recovery: classification.recovery,
            relayed_from: classification.relayed_from,
        }
    }

    /// The group that it belongs to, if it is a finding.
    pub(super) fn key(&self) -> Option<FindingKey> {
        Some(FindingKey {
            finding: self.finding?,
            generator: self.generator.map(Generator::as_str),
            sni: self.pattern.sni.clone(),
            authority: Some(self.pattern.authority.clone()),
        })
    }
}
