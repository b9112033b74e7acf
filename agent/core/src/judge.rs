//! Evidence from other connections: what each endpoint has been seen to serve.

use crate::connection::Facts;
use crate::exchange::Exchange;
use crate::name::{Coverage, Host};
use crate::net::Endpoint;
use crate::verdict::{Verdict, port_fits};
use std::collections::{BTreeSet, HashMap};

/// The most endpoints that are remembered; beyond it, new ones bring no evidence and are counted.
pub const MAX_ENDPOINTS: usize = 4096;
/// The most server names that are remembered of one endpoint.
pub const MAX_NAMES: usize = 1024;

/// Completes verdicts with what is known of the endpoint.
#[derive(Debug, Default)]
pub struct Judge {
    served: HashMap<Endpoint, BTreeSet<Host>>,
    /// Names and endpoints that were not remembered for want of room.
    pub forgotten: u64,
}

/// What the endpoint's history adds to an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// The final verdict.
    pub verdict: Verdict,
    /// Mismatched, and served by an endpoint never seen to serve that authority under its own name.
    pub silent_misdirect: bool,
}

impl Judge {
    /// A handshake for `host` was completed at `endpoint`, with a certificate that covers it.
    pub fn serves(&mut self, endpoint: Endpoint, host: Host) {
        if self.served.len() >= MAX_ENDPOINTS && !self.served.contains_key(&endpoint) {
            self.forgotten += 1;
            return;
        }
        let names = self.served.entry(endpoint).or_default();
        if names.len() < MAX_NAMES {
            names.insert(host);
        } else if !names.contains(&host) {
            self.forgotten += 1;
        }
    }

    /// Rules on an exchange from all that is known by now.
    pub fn rule(&self, exchange: &Exchange) -> Ruling {
        let facts: &Facts = &exchange.connection;
        let endpoint = facts.server.and_then(|server| self.served.get(&server));
        let served =
            exchange.host().is_some_and(|host| endpoint.is_some_and(|names| names.contains(host)));
        let verdict =
            if exchange.verdict == Verdict::CoalescedUnverified && served && is_coverable(exchange)
            {
                Verdict::CoalescedLegal
            } else {
                exchange.verdict
            };
        let is_served = exchange.status.is_some_and(|status| (200..=299).contains(&status));
        // Of an endpoint that is not known, nothing was ever seen: that proves nothing.
        let silent_misdirect =
            exchange.is_mismatched() && is_served && !served && facts.server.is_some();
        Ruling { verdict, silent_misdirect }
    }
}

/// The certificate of this connection covers the authority, and its port is the origin's.
fn is_coverable(exchange: &Exchange) -> bool {
    let certificate = exchange.connection.tls.as_ref().and_then(|tls| tls.certificate.as_ref());
    let authority = exchange.authority.parsed.as_ref();
    certificate.zip(authority).is_some_and(|(names, authority)| {
        names.covers(&authority.host) == Coverage::Covered
            && port_fits(&exchange.connection, authority)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: String) -> Host {
        Host::Name(name.into())
    }

    #[test]
    fn what_is_remembered_is_bounded_and_counted() {
        let mut judge = Judge::default();
        let endpoint = |at: usize| Endpoint::v4((at as u32).to_be_bytes(), 443);
        for at in 0..MAX_NAMES + 5 {
            judge.serves(endpoint(0), host(format!("n{at}.test")));
        }
        assert_eq!(judge.forgotten, 5);
        for at in 0..MAX_ENDPOINTS + 7 {
            judge.serves(endpoint(at), host("a.test".to_owned()));
        }
        // The first endpoint has no room for the name; the last ones have no room at all.
        assert_eq!(judge.forgotten, 5 + 1 + 7);
        assert_eq!(judge.served.len(), MAX_ENDPOINTS);
    }
}
