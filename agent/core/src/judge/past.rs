//! What each endpoint has been seen to do.

use crate::cause::Past;
use crate::exchange::Exchange;
use crate::name::{Host, Sni};
use crate::net::Endpoint;
use crate::time::Timestamp;
use hashbrown::{Equivalent, HashMap};
use std::collections::BTreeMap;

/// The most endpoints that are remembered; beyond it, new ones bring no evidence and are counted.
pub const MAX_ENDPOINTS: usize = 4096;
/// The most server names that are remembered of one endpoint.
pub const MAX_NAMES: usize = 1024;
/// The most pairs of a server name and an authority that are remembered of one endpoint.
pub const MAX_PAIRS: usize = 1024;

/// The endpoints' history.
#[derive(Debug, Default)]
pub(super) struct History {
    endpoints: HashMap<Endpoint, Known, foldhash::fast::RandomState>,
    /// Names that were not remembered for want of room.
    pub(super) forgotten: u64,
    /// The same of pairs.
    pub(super) pairs_forgotten: u64,
}

#[derive(Debug, Default)]
struct Known {
    /// The names that it has completed a handshake for with a certificate that covers them, and whether it asks for a
    /// client's certificate there.
    names: BTreeMap<Host, bool>,
    /// What was asked for under which server name.
    pairs: HashMap<Pair, Served, foldhash::fast::RandomState>,
}

/// A server name, or none, and an authority.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Pair {
    sni: Option<Host>,
    authority: Host,
}

#[derive(Hash)]
struct PairOf<'a> {
    sni: Option<&'a Host>,
    authority: &'a Host,
}

impl Equivalent<Pair> for PairOf<'_> {
    fn equivalent(&self, pair: &Pair) -> bool {
        self.sni == pair.sni.as_ref() && *self.authority == pair.authority
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Served {
    /// When it was first answered with 2xx or 3xx.
    first: Option<Timestamp>,
}

impl History {
    /// A handshake for `host` was completed at `endpoint`, with a certificate that covers it.
    pub(super) fn serves(&mut self, endpoint: Endpoint, host: Host, asks_certificate: bool) {
        let Some(known) = self.of(endpoint) else {
            self.forgotten += 1;
            return;
        };
        if let Some(asks) = known.names.get_mut(&host) {
            *asks |= asks_certificate;
        } else if known.names.len() < MAX_NAMES {
            known.names.insert(host, asks_certificate);
        } else {
            self.forgotten += 1;
        }
    }

    /// An exchange at its endpoint.
    pub(super) fn exchange(&mut self, exchange: &Exchange) {
        let (Some(endpoint), Some(pair)) = (exchange.connection.server, PairOf::of(exchange))
        else {
            return;
        };
        let status = exchange.status.filter(|status| (200..=399).contains(status));
        let served = status.map(|_| exchange.responded.unwrap_or(exchange.started));
        let Some(known) = self.of(endpoint) else {
            self.pairs_forgotten += 1;
            return;
        };
        if let Some(known) = known.pairs.get_mut(&pair) {
            known.first = known.first.or(served);
        } else if known.pairs.len() < MAX_PAIRS {
            let pair = Pair { sni: pair.sni.cloned(), authority: pair.authority.clone() };
            known.pairs.insert(pair, Served { first: served });
        } else {
            self.pairs_forgotten += 1;
        }
    }

    /// Whether the endpoint is known for serving the exchange's authority under its own name.
    pub(super) fn is_known_for(&self, exchange: &Exchange) -> bool {
        let known = exchange.connection.server.and_then(|server| self.endpoints.get(&server));
        exchange.host().zip(known).is_some_and(|(host, known)| known.names.contains_key(host))
    }

    /// All that bears on an exchange.
    pub(super) fn past(&self, exchange: &Exchange) -> Past {
        let known = exchange.connection.server.and_then(|server| self.endpoints.get(&server));
        let (Some(known), Some(pair)) = (known, PairOf::of(exchange)) else {
            return Past::default();
        };
        let served = |sni| {
            let pair = PairOf { sni, authority: pair.authority };
            known.pairs.get(&pair).and_then(|served| served.first)
        };
        let others = known
            .pairs
            .keys()
            .filter(|other| other.sni.as_ref() == pair.sni && pair.sni != Some(&other.authority));
        Past {
            is_known_for: known.names.contains_key(pair.authority),
            served_under_own_name: served(Some(pair.authority)).is_some(),
            served_alike: served(pair.sni),
            asks_certificate: known.names.get(pair.authority).is_some_and(|asks| *asks),
            others_under_sni: others.count(),
            names: known.names.len(),
        }
    }

    #[cfg(test)]
    pub(super) fn endpoints(&self) -> usize {
        self.endpoints.len()
    }

    fn of(&mut self, endpoint: Endpoint) -> Option<&mut Known> {
        if self.endpoints.len() >= MAX_ENDPOINTS && !self.endpoints.contains_key(&endpoint) {
            return None;
        }
        Some(self.endpoints.entry(endpoint).or_default())
    }
}

impl<'a> PairOf<'a> {
    /// Of an exchange whose server name, or its absence, and authority are known.
    fn of(exchange: &'a Exchange) -> Option<Self> {
        let tls = exchange.connection.tls.as_ref()?;
        let sni = tls.sni_host.as_ref().map(|(host, _)| host);
        let is_known = sni.is_some() || tls.sni == Sni::Absent;
        is_known.then_some(())?;
        Some(Self { sni, authority: exchange.host()? })
    }
}
