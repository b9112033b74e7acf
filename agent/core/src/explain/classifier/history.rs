//! What each endpoint has been seen to do.

use crate::explain::cause::Past;
use crate::name::{Coverage, Host, Sni};
use crate::observation::Exchange;
use crate::observation::verdict::Verdict;
use crate::time::Timestamp;
use crate::wire::net::Endpoint;
use hashbrown::{Equivalent, HashMap};
use std::collections::BTreeMap;

/// The most endpoints that are remembered; beyond it, those that were not in use lately are forgotten and counted.
pub const MAX_ENDPOINTS: usize = 4096;
/// The most server names that are remembered of one endpoint; beyond it, no other name there is called a silent
/// misdirect, because the endpoint may have served it under its own name.
pub const MAX_NAMES: usize = 1024;
/// The most pairs of a server name and an authority that are remembered of one endpoint.
pub const MAX_PAIRS: usize = 1024;

/// The endpoints' history.
#[derive(Debug, Default)]
pub(super) struct EndpointHistory {
    /// The endpoints that were used last, at most half of [`MAX_ENDPOINTS`].
    endpoints: Endpoints,
    /// Those that were used before: the next half takes their place.
    former: Endpoints,
    /// Handshakes that were not remembered for want of room.
    pub(super) forgotten: u64,
    /// The same of exchanges, and names and pairs of endpoints that were forgotten.
    pub(super) pairs_forgotten: u64,
}

type Endpoints = HashMap<Endpoint, Known, foldhash::fast::RandomState>;

#[derive(Debug, Default)]
struct Known {
    names: BTreeMap<Host, Name>,
    /// There was no room for another name.
    is_full: bool,
    /// What was asked for under which server name.
    pairs: HashMap<Pair, Served, foldhash::fast::RandomState>,
}

/// What an endpoint did under a server name of its own.
#[derive(Clone, Copy, Debug, Default)]
struct Name {
    /// It completed a handshake for the name, with a certificate that covers it. This proves that it is authoritative.
    is_certified: bool,
    /// Such a handshake asked for a client's certificate.
    asks_certificate: bool,
    /// It answered a request for the name on a connection for the name. This proves nothing about authority: a default
    /// host answers for every name.
    is_served: bool,
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

impl EndpointHistory {
    /// A handshake for `host` was completed at `endpoint`, with a certificate that covers it.
    pub(super) fn serves(&mut self, endpoint: Endpoint, host: Host, asks_certificate: bool) {
        let Some(name) = self.of(endpoint).name(&host) else {
            self.forgotten += 1;
            return;
        };
        name.is_certified = true;
        name.asks_certificate |= asks_certificate;
    }

    /// An exchange at its endpoint.
    pub(super) fn exchange(&mut self, exchange: &Exchange) {
        let (Some(endpoint), Some(pair)) = (exchange.connection.server(), PairOf::of(exchange))
        else {
            return;
        };
        let status = exchange.status().filter(|status| (200..=399).contains(status));
        let served = status.map(|_| exchange.ended());
        let is_own = served.is_some() && is_under_own_name(exchange);
        let known = self.of(endpoint);
        let name_is_kept =
            !is_own || known.name(pair.authority).map(|name| name.is_served = true).is_some();
        let pair_is_kept = known.pair(&pair, served);
        self.pairs_forgotten += u64::from(!name_is_kept) + u64::from(!pair_is_kept);
    }

    /// Whether the endpoint is authoritative for the exchange's host, as a certificate proved.
    pub(super) fn is_known_for(&self, exchange: &Exchange) -> bool {
        self.name(exchange).is_some_and(|name| name.is_certified)
    }

    /// Whether the endpoint may serve the exchange's host under its own name: it was seen to, or there was no room to
    /// remember it.
    pub(super) fn may_serve(&self, exchange: &Exchange) -> bool {
        let is_full = self.known(exchange).is_some_and(|known| known.is_full);
        is_full || self.name(exchange).is_some_and(|name| name.is_certified || name.is_served)
    }

    /// All that bears on an exchange.
    pub(super) fn past(&self, exchange: &Exchange) -> Past {
        let (Some(known), Some(pair)) = (self.known(exchange), PairOf::of(exchange)) else {
            return Past::default();
        };
        let name = known.names.get(pair.authority).copied().unwrap_or_default();
        let served = |sni| {
            let pair = PairOf { sni, authority: pair.authority };
            known.pairs.get(&pair).and_then(|served| served.first)
        };
        let others = known
            .pairs
            .keys()
            .filter(|other| other.sni.as_ref() == pair.sni && pair.sni != Some(&other.authority));
        Past {
            is_known_for: name.is_certified,
            served_under_own_name: served(Some(pair.authority)).is_some(),
            served_alike: served(pair.sni).is_some(),
            asks_certificate: name.asks_certificate,
            others_under_sni: others.count(),
            names: known.names.values().filter(|name| name.is_certified).count(),
        }
    }

    #[cfg(test)]
    pub(super) fn endpoints(&self) -> usize {
        self.endpoints.len() + self.former.len()
    }

    fn known(&self, exchange: &Exchange) -> Option<&Known> {
        let endpoint = exchange.connection.server()?;
        self.endpoints.get(&endpoint).or_else(|| self.former.get(&endpoint))
    }

    fn name(&self, exchange: &Exchange) -> Option<Name> {
        self.known(exchange)?.names.get(exchange.host()?).copied()
    }

    /// What is known of an endpoint that is in use.
    fn of(&mut self, endpoint: Endpoint) -> &mut Known {
        if self.endpoints.len() >= MAX_ENDPOINTS / 2 && !self.endpoints.contains_key(&endpoint) {
            let former = std::mem::replace(&mut self.former, std::mem::take(&mut self.endpoints));
            let forgotten = former.values().map(|known| known.names.len() + known.pairs.len());
            self.pairs_forgotten += forgotten.sum::<usize>() as u64;
        }
        let former = &mut self.former;
        self.endpoints
            .entry(endpoint)
            .or_insert_with(|| former.remove(&endpoint).unwrap_or_default())
    }
}

impl Known {
    /// A name, new if need be; none where there is no room.
    fn name(&mut self, host: &Host) -> Option<&mut Name> {
        if !self.names.contains_key(host) {
            if self.names.len() >= MAX_NAMES {
                self.is_full = true;
                return None;
            }
            self.names.insert(host.clone(), Name::default());
        }
        self.names.get_mut(host)
    }

    /// A pair that was asked for, and when it was served, if it was; false where there is no room.
    fn pair(&mut self, pair: &PairOf<'_>, served: Option<Timestamp>) -> bool {
        if let Some(known) = self.pairs.get_mut(pair) {
            known.first = known.first.or(served);
        } else if self.pairs.len() < MAX_PAIRS {
            let pair = Pair { sni: pair.sni.cloned(), authority: pair.authority.clone() };
            self.pairs.insert(pair, Served { first: served });
        } else {
            return false;
        }
        true
    }
}

/// Whether the connection is for the host that was asked for, and its certificate, where it was seen, is too: a
/// certificate of another host means that the default host answered.
fn is_under_own_name(exchange: &Exchange) -> bool {
    let certificate = exchange.connection.tls.as_ref().and_then(|tls| tls.certificate_names());
    let is_refuted = exchange
        .host()
        .zip(certificate)
        .is_some_and(|(host, names)| names.covers(host) == Coverage::Uncovered);
    exchange.verdict == Verdict::Match && !is_refuted
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
