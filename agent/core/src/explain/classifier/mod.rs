//! What other connections add to an exchange: its final verdict, whether it was refused and why, and whether it is a
//! silent misdirect.

mod history;
mod hops;
mod refusal;
#[cfg(test)]
mod tests;

pub use history::{MAX_ENDPOINTS, MAX_NAMES, MAX_PAIRS};
pub use hops::UpstreamHop;
pub use hops::{MAX_PROCESSES, MAX_REMEMBERED};

use super::cause;
use super::cause::{Cause, ClientKind, ConnectionContext, Evidence, Refusal, Signals};
use super::recovery::Recovery;
use crate::http::HttpVersion;
use crate::http_facts::{AgentClass, Attribution, Generator, ServerSoftware};
use crate::name::{Coverage, Host};
use crate::observation::Exchange;
use crate::observation::verdict::{Verdict, port_fits};
use crate::side::Side;
use crate::wire::net::Endpoint;
use history::EndpointHistory;
use hops::{Hops, software};
use std::sync::Arc;

/// Classifies exchanges: completes their verdicts with what is known of the endpoint, and finds the cause of a refusal.
#[derive(Debug, Default)]
pub struct Classifier {
    history: EndpointHistory,
    hops: Hops,
}

/// What all evidence together says of an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classification {
    /// The final verdict.
    pub verdict: Verdict,
    /// Mismatched, and served by an endpoint that was never seen to serve that authority under its own name: neither a
    /// certificate nor an answer on a connection for the name was seen.
    pub silent_misdirect: bool,
    /// Who made the response, where it refuses.
    pub generator: Option<Generator>,
    /// Why it was refused, where it was: with 421, or for its name with something else.
    pub cause: Option<Arc<Cause>>,
    /// The exchange that the response was relayed from.
    pub relayed_from: Option<UpstreamHop>,
    /// Recovery, where that is known by now.
    pub recovery: Option<Recovery>,
}

impl Classification {
    /// A verdict, and nothing else.
    pub fn of(verdict: Verdict) -> Self {
        Self {
            verdict,
            silent_misdirect: false,
            generator: None,
            cause: None,
            relayed_from: None,
            recovery: None,
        }
    }
}

impl Classifier {
    /// A handshake for `host` was completed at `endpoint`, with a certificate that covers it.
    pub fn record_served(&mut self, endpoint: Endpoint, host: Host, asks_certificate: bool) {
        self.history.serves(endpoint, host, asks_certificate);
    }

    /// An exchange, on the connection of this number: evidence for others, and the sooner it is known the better.
    pub fn record(&mut self, number: u64, exchange: &Exchange) {
        // A probe asks for names that the endpoint need not serve, and is neither a client nor a proxy of it.
        if exchange.is_probe() {
            return;
        }
        self.history.exchange(exchange);
        self.hops.process_of(exchange);
        // A page that is not there is no sign of a proxy, unless it was asked for under another name.
        let may_be_hop = exchange.status() != Some(404) || self.needs_evidence(exchange);
        if exchange.answer().is_some() && may_be_hop {
            self.hops.refused(number, exchange);
        }
    }

    /// Whether an exchange is worth waiting with, until what others bear on it is known.
    pub fn needs_evidence(&self, exchange: &Exchange) -> bool {
        exchange.is_misdirected() || exchange.is_mismatched() || refusal::is_sibling(exchange)
    }

    /// Handshakes for hosts that endpoints serve that could not be remembered for want of room.
    pub fn forgotten(&self) -> u64 {
        self.history.forgotten
    }

    /// Exchanges that were not remembered for want of room, and what was forgotten of endpoints that were not in use.
    pub fn pairs_forgotten(&self) -> u64 {
        self.history.pairs_forgotten
    }

    /// Classifies an exchange by all that is known by now.
    pub fn classify(&mut self, exchange: &Exchange) -> Classification {
        let is_known = self.history.is_known_for(exchange);
        let verdict = match exchange.verdict {
            Verdict::CoalescedUnverified if is_known && is_coverable(exchange) => {
                Verdict::CoalescedLegal
            }
            verdict => verdict,
        };
        if exchange.is_probe() {
            return self.probed(exchange, verdict);
        }
        let is_served = exchange.status().is_some_and(|status| (200..=299).contains(&status));
        // Where the endpoint's address is not known, there is nothing to look up: that proves nothing.
        let silent_misdirect = exchange.is_mismatched()
            && is_served
            && exchange.connection.server().is_some()
            && !self.history.may_serve(exchange);
        let classification = Classification { silent_misdirect, ..Classification::of(verdict) };
        if exchange.is_misdirected() || refusal::is_sibling(exchange) {
            self.refused(exchange, classification)
        } else {
            classification
        }
    }

    /// Of a test request of `wrongdoor probe`: no refusal to explain, and no client that got the wrong answer.
    fn probed(&self, exchange: &Exchange, verdict: Verdict) -> Classification {
        let cause = self.needs_evidence(exchange).then(|| Arc::new(cause::of_probe(exchange)));
        let generator = exchange.is_misdirected().then(|| {
            let answerer = software(self.hops.process(exchange, Side::Server));
            Attribution::of(&exchange.answer().unwrap_or_default(), answerer).generator
        });
        Classification { generator, cause, ..Classification::of(verdict) }
    }

    /// Why it was refused, if it was.
    fn refused(&mut self, exchange: &Exchange, classification: Classification) -> Classification {
        let past = self.history.past(exchange);
        let answerer = software(self.hops.process(exchange, Side::Server));
        let answer = exchange.answer().unwrap_or_default();
        let mut origin = Attribution::of(&answer, answerer);
        // Apache says that SNI and Host differ. Here they agree: it was said on another hop.
        let is_elsewhere = classification.verdict == Verdict::Match && exchange.is_misdirected();
        origin.is_relayed |= is_elsewhere
            && origin.generator == Generator::Apache
            && answerer != Some(ServerSoftware::Apache);
        let Some(refusal) = refusal::of(exchange, &past, &origin) else { return classification };
        let generator = (refusal != Refusal::Reset).then_some(origin.generator);
        let back = self.hops.back(exchange).map(|(back, cause)| (back, cause.cloned()));
        let relayed_from = back.as_ref().map(|(back, _)| *back);
        let cause = match back {
            // The hop that failed is the one behind.
            Some((back, Some(cause))) => handed_on(&cause, &back),
            _ => {
                let front = self.hops.front(exchange).cloned();
                let peer = self.peer(exchange, front.is_some());
                let around = ConnectionContext { origin, peer, past, front };
                cause::explain(&Signals::new(exchange, refusal, classification.verdict, around))
            }
        };
        let cause = Arc::new(cause);
        self.hops.ruled(exchange, &cause);
        Classification { generator, cause: Some(cause), relayed_from, ..classification }
    }

    /// What the end that asks is.
    fn peer(&self, exchange: &Exchange, hands_on: bool) -> ClientKind {
        let process = self.hops.process(exchange, Side::Client);
        let known = software(process).filter(|software| software.is_proxy());
        if known.is_some() || hands_on {
            return ClientKind::Proxy(known);
        }
        let hints = &exchange.hints;
        let lacks_sni = exchange.verdict == Verdict::NoSni;
        let agent = hints.agent.known();
        // Browsers always send SNI; over TLS, HTTP/1.0 with a Host is what nginx asks its upstreams with.
        let looks_like_one = hints.is_forwarded
            || agent == Some(AgentClass::Proxy)
            || agent == Some(AgentClass::Browser)
                && (lacks_sni || exchange.version == HttpVersion::Http10)
            || exchange.version == HttpVersion::Http10 && exchange.host().is_some();
        // One connection for several hosts, over HTTP/1.
        let is_shared = !exchange.version.can_coalesce() && exchange.conduct.hosts > 1;
        if looks_like_one || is_shared && process.is_none() {
            ClientKind::LikelyProxy
        } else {
            ClientKind::Ordinary
        }
    }
}

/// What is wrong behind a proxy, as seen in front of it.
fn handed_on(cause: &Cause, back: &UpstreamHop) -> Cause {
    let relayed = Evidence::RelayedFrom { connection: back.connection, stream: back.stream };
    let evidence = std::iter::once(relayed).chain(cause.evidence.iter().cloned()).collect();
    Cause { evidence, confidence: cause.confidence.max(back.confidence), ..cause.clone() }
}

/// The certificate of this connection covers the authority, and its port is the origin's.
fn is_coverable(exchange: &Exchange) -> bool {
    let certificate = exchange.connection.tls.as_ref().and_then(|tls| tls.certificate_names());
    let authority = exchange.authority.parsed.as_ref();
    certificate.zip(authority).is_some_and(|(names, authority)| {
        names.covers(&authority.host) == Coverage::Covered
            && port_fits(&exchange.connection, authority)
    })
}
