//! The two hops of a proxy: the request that came in, and the one that it sent on for it.
//!
//! Nothing in them says that they belong together. They do where one process answers the first and asks the second, or,
//! in a capture, one address does; the second lies within the first in time; and method, path and status are the same.
//! Where two would fit, none is taken.

use crate::bounded_map::BoundedMap;
use crate::explain::cause::{Cause, Confidence, DownstreamHop};
use crate::http::Method;
use crate::http_facts::ServerSoftware;
use crate::name::Host;
use crate::observation::probe_event::Process;
use crate::observation::{Ends, Exchange};
use crate::seen::Seen;
use crate::side::Side;
use crate::time::Timestamp;
use foldhash::fast::RandomState;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// The most refused exchanges that are remembered for the hops before and behind them.
pub const MAX_REMEMBERED: usize = 16_384;
/// The most of these with the same path and status; beyond it, the oldest are forgotten.
const MAX_ALIKE: usize = 64;
/// The most connections whose processes are remembered.
pub const MAX_PROCESSES: usize = 16_384;

/// A stream of a connection, by its ends: the same at whichever end it was observed.
type RefusedExchange = (Ends, u64);

/// Which hops belong together.
#[derive(Debug)]
pub(super) struct Hops {
    /// Refused exchanges, by the hash of their path and their status.
    alike: HashMap<(u64, u16), VecDeque<Refused>, RandomState>,
    order: VecDeque<(u64, u16)>,
    links: HashMap<RefusedExchange, Link, RandomState>,
    processes: BoundedMap<Ends, EndProcesses>,
}

/// The processes at both ends of a connection, as far as they were seen.
#[derive(Debug, Default)]
struct EndProcesses {
    client: Option<Arc<Process>>,
    server: Option<Arc<Process>>,
}

#[derive(Debug)]
struct Refused {
    place: RefusedExchange,
    number: u64,
    role: Option<Side>,
    process: Option<u32>,
    method: Method,
    host: Option<Host>,
    sni: Option<Host>,
    is_coalesced: bool,
    /// The ClientHello's random: of TLS that is only passed through, it is the same in front and behind.
    random: Option<[u8; 32]>,
    started: Timestamp,
    ended: Timestamp,
}

#[derive(Debug, Default)]
struct Link {
    front: Candidate<DownstreamHop>,
    back: Candidate<UpstreamHop>,
    cause: Option<Arc<Cause>>,
}

/// The other hop: only ever one.
#[derive(Debug, Default)]
enum Candidate<T> {
    #[default]
    None,
    One(RefusedExchange, T),
    /// More than one fits.
    Many,
}

/// The exchange that a proxy has handed the answer of on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpstreamHop {
    /// The connection's number.
    pub connection: u64,
    /// The stream.
    pub stream: u64,
    /// How sure it is that it is this one.
    pub confidence: Confidence,
}

impl Default for Hops {
    fn default() -> Self {
        Self {
            alike: HashMap::default(),
            order: VecDeque::new(),
            links: HashMap::default(),
            processes: BoundedMap::new(MAX_PROCESSES),
        }
    }
}

impl Hops {
    /// An exchange of any kind: who uses its connection.
    pub(super) fn process_of(&mut self, exchange: &Exchange) {
        let facts = &exchange.connection;
        let (Some(process), Some(role)) = (&facts.observer.process, facts.observer.role) else {
            return;
        };
        let Some(ends) = facts.ends else { return };
        let processes = self.processes.get_or_insert_with(ends, EndProcesses::default);
        let end = match role {
            Side::Client => &mut processes.client,
            Side::Server => &mut processes.server,
        };
        if end.as_ref().is_none_or(|known| !Arc::ptr_eq(known, process)) {
            *end = Some(Arc::clone(process));
        }
    }

    /// The process at one end of an exchange's connection, whoever saw it.
    pub(super) fn process<'a>(&'a self, exchange: &'a Exchange, side: Side) -> Option<&'a Process> {
        let facts = &exchange.connection;
        if facts.observer.role == Some(side) {
            return facts.observer.process.as_deref();
        }
        let processes = self.processes.get(&facts.ends?)?;
        match side {
            Side::Client => processes.client.as_deref(),
            Side::Server => processes.server.as_deref(),
        }
    }

    /// An exchange that was refused, in the order of their ends: a proxy's own comes before the one that it answers.
    pub(super) fn refused(&mut self, number: u64, exchange: &Exchange) {
        let Some((key, front)) = Refused::of(number, exchange) else { return };
        if self.order.len() >= MAX_REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.forget_one(&oldest);
        }
        let alike = self.alike.entry(key).or_default();
        for back in alike.iter() {
            if let Some(confidence) = belong(&front, back) {
                let link = self.links.entry(front.place).or_default();
                let found =
                    UpstreamHop { connection: back.number, stream: back.place.1, confidence };
                link.back.add(back.place, found);
                let shown = DownstreamHop {
                    connection: front.number,
                    sni: front.sni.clone(),
                    is_coalesced: front.is_coalesced,
                };
                self.links.entry(back.place).or_default().front.add(front.place, shown);
            }
        }
        if alike.len() >= MAX_ALIKE {
            // Its turn in the order comes, and takes another one of these then.
            self.forget_one(&key);
        }
        self.alike.entry(key).or_default().push_back(front);
        self.order.push_back(key);
    }

    /// What came in at the proxy that asks here.
    pub(super) fn front(&self, exchange: &Exchange) -> Option<&DownstreamHop> {
        let link = self.links.get(&place(exchange)?)?;
        let (front, shown) = link.front.one()?;
        // The other end of it must have but this one too.
        self.links.get(front)?.back.one()?;
        Some(shown)
    }

    /// What the proxy that answers here has handed on, and why that was refused.
    pub(super) fn back(&self, exchange: &Exchange) -> Option<(UpstreamHop, Option<&Arc<Cause>>)> {
        let (place, back) = self.links.get(&place(exchange)?)?.back.one()?;
        let link = self.links.get(place)?;
        link.front.one()?;
        Some((*back, link.cause.as_ref()))
    }

    /// Why an exchange was refused, for the hop in front of it.
    pub(super) fn ruled(&mut self, exchange: &Exchange, cause: &Arc<Cause>) {
        let link = place(exchange).and_then(|place| self.links.get_mut(&place));
        if let Some(link) = link {
            link.cause.get_or_insert_with(|| Arc::clone(cause));
        }
    }

    /// How many exchanges, links and connections are remembered.
    #[cfg(test)]
    pub(super) fn sizes(&self) -> (usize, usize, usize) {
        let alike = self.alike.values().map(VecDeque::len).sum();
        (alike, self.links.len(), self.processes.len())
    }

    fn forget_one(&mut self, key: &(u64, u16)) {
        if let Some(alike) = self.alike.get_mut(key) {
            if let Some(oldest) = alike.pop_front() {
                self.links.remove(&oldest.place);
            }
            if alike.is_empty() {
                self.alike.remove(key);
            }
        }
    }
}

impl Refused {
    fn of(number: u64, exchange: &Exchange) -> Option<((u64, u16), Self)> {
        let facts = &exchange.connection;
        let Seen::Known(method) = &exchange.method else { return None };
        let tls = facts.tls.as_ref();
        let sni = tls.and_then(|tls| tls.sni_host.as_ref()).map(|(host, _)| host.clone());
        let host = exchange.host().cloned();
        let is_coalesced =
            exchange.conduct.opened_for_sni == Some(true) && sni.is_some() && sni != host;
        let refused = Self {
            place: place(exchange)?,
            number,
            role: facts.observer.role,
            process: facts.observer.process.as_ref().map(|process| process.pid),
            method: method.clone(),
            host,
            sni,
            is_coalesced,
            random: tls.and_then(|tls| tls.client_random),
            started: exchange.started,
            ended: exchange.ended(),
        };
        Some(((exchange.hints.path?, exchange.status()?), refused))
    }
}

/// Whether one is what a proxy was asked, and the other what it asked for it; and how sure that is.
fn belong(front: &Refused, back: &Refused) -> Option<Confidence> {
    let is_within = back.started >= front.started && back.ended <= front.ended;
    // Who asks the same server beside is another client of it, and no hop.
    let is_passed_through = front.random.is_some() && front.random == back.random;
    let is_other = front.place.0.server != back.place.0.server && !is_passed_through;
    if !is_within || !is_other || front.method != back.method {
        return None;
    }
    let is_same_host = front.host == back.host;
    match (front.role, back.role) {
        (Some(Side::Server), Some(Side::Client)) => {
            let is_one = front.process.is_some() && front.process == back.process;
            is_one.then_some(if is_same_host { Confidence::High } else { Confidence::Medium })
        }
        (None, None) => {
            // The address that was asked is the one that asks.
            let is_one = front.place.0.server.ip() == back.place.0.client.ip() && is_same_host;
            is_one.then_some(Confidence::Medium)
        }
        _ => None,
    }
}

fn place(exchange: &Exchange) -> Option<RefusedExchange> {
    Some((exchange.connection.ends?, exchange.stream))
}

impl<T> Candidate<T> {
    fn add(&mut self, place: RefusedExchange, found: T) {
        match self {
            Self::None => *self = Self::One(place, found),
            Self::One(known, _) if *known == place => {}
            Self::One(..) | Self::Many => *self = Self::Many,
        }
    }

    fn one(&self) -> Option<(&RefusedExchange, &T)> {
        match self {
            Self::One(place, found) => Some((place, found)),
            Self::None | Self::Many => None,
        }
    }
}

/// What a process runs, where its command says so.
pub(super) fn software(process: Option<&Process>) -> Option<ServerSoftware> {
    process.and_then(|process| ServerSoftware::of_process(&process.command))
}
