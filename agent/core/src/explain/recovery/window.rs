//! What one client may still do about one 421.

use super::answer::RequestAnswer;
use super::outcome::{Outcome, Recovery, RecoveryReport};
use crate::http_facts::AgentClass;
use crate::name::Host;
use crate::observation::probe_event::Observer;
use crate::observation::{Exchange, Facts, TransportKind};
use crate::seen::Seen;
use crate::side::Side;
use crate::time::Timestamp;
use crate::wire::net::Endpoint;
use hashbrown::Equivalent;
use std::net::IpAddr;
use std::time::Duration;

/// The most connections that are counted in one window.
const MAX_HANDSHAKES: usize = 64;

const MISDIRECTED: u16 = 421;

/// Who asks for what: the client, as far as it can be told from others, and the host.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Who {
    client: Client,
    pub(super) host: Host,
}

/// The same, to look it up.
#[derive(Clone, Copy, Debug, Hash)]
pub(super) struct WhoOf<'a> {
    client: Client,
    host: &'a Host,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Client {
    /// Seen at the client's end: its process.
    Process(u32),
    Address(IpAddr),
}

#[derive(Debug)]
pub(super) struct Window {
    pub(super) id: u64,
    /// The 421.
    answer: RequestAnswer,
    stream: u64,
    agent: Seen<AgentClass>,
    observer: Observer,
    server: Option<Endpoint>,
    /// It was an alternative service; the origin's port may be another.
    is_alternative: bool,
    pub(super) at: Timestamp,
    pub(super) end: Timestamp,
    /// When connections were opened for the host in the meantime.
    handshakes: Vec<Timestamp>,
    /// One of them, on which nothing was read yet.
    pub(super) other: Option<u64>,
}

impl<'a> WhoOf<'a> {
    pub(super) fn new(facts: &Facts, host: &'a Host) -> Option<Self> {
        let process = facts.observer.process.as_ref().map(|process| Client::Process(process.pid));
        let address = facts
            .client_declared
            .or_else(|| facts.client())
            .map(|client| Client::Address(client.ip()));
        let client = match facts.observer.role {
            Some(Side::Client) => process.or(address),
            _ => address,
        }?;
        Some(Self { client, host })
    }

    pub(super) fn owned(self) -> Who {
        Who { client: self.client, host: self.host.clone() }
    }
}

impl Equivalent<Who> for WhoOf<'_> {
    fn equivalent(&self, who: &Who) -> bool {
        self.client == who.client && *self.host == who.host
    }
}

pub(super) fn port_of(facts: &Facts) -> Option<u16> {
    facts.server().map(|server| server.port())
}

impl Window {
    /// Opened by a 421; none where it is not known what was asked for.
    pub(super) fn new(
        id: u64,
        answer: RequestAnswer,
        exchange: &Exchange,
        length: Duration,
    ) -> Option<Self> {
        let at = answer.responded;
        let end = at.0.saturating_add(i64::try_from(length.as_nanos()).unwrap_or(i64::MAX));
        exchange.method.as_ref().known()?;
        Some(Self {
            id,
            answer,
            stream: exchange.stream,
            agent: exchange.hints.agent,
            observer: exchange.connection.observer.clone(),
            server: exchange.connection.server(),
            is_alternative: exchange.hints.alt_used,
            at,
            end: Timestamp(end),
            handshakes: Vec::new(),
            other: None,
        })
    }

    /// A connection was opened for the host.
    pub(super) fn hello(&mut self, at: Timestamp, connection: u64, port: Option<u16>) {
        let is_later = (self.at..=self.end).contains(&at);
        if is_later && connection != self.answer.connection && self.may_be_at(port) {
            if self.handshakes.len() < MAX_HANDSHAKES {
                self.handshakes.push(at);
            }
            self.other.get_or_insert(connection);
        }
    }

    fn may_be_at(&self, port: Option<u16>) -> bool {
        // On one machine, a proxy and its clients have the same address.
        self.is_alternative || self.answer.port == port
    }

    pub(super) fn is_asked_again(&self, answer: &RequestAnswer) -> bool {
        (self.at..=self.end).contains(&answer.started)
            && answer.what.is_some()
            && answer.what == self.answer.what
            && self.may_be_at(answer.port)
    }

    /// What was read on a connection says what it was opened for.
    pub(super) fn hear_of(&mut self, answer: &RequestAnswer) {
        if self.other == Some(answer.connection) {
            self.other = None;
        }
    }

    pub(super) fn answered(self, then: &RequestAnswer, host: Host) -> RecoveryReport {
        let is_same = then.connection == self.answer.connection;
        let falls_back = self.answer.version.can_coalesce() && !then.version.can_coalesce()
            || self.answer.transport == TransportKind::Quic && then.transport == TransportKind::Tcp;
        let outcome = match (then.status == MISDIRECTED, is_same, falls_back) {
            (true, true, _) => Outcome::RetriedSameConnection421,
            (true, false, _) => Outcome::RetriedStill421,
            (false, true, _) => Outcome::RecoveredSameConnection,
            (false, false, true) => Outcome::ProtocolFallback,
            (false, false, false) => Outcome::RecoveredNewConnection,
        };
        let after = then.responded.0.saturating_sub(self.at.0).unsigned_abs();
        let after = Duration::from_nanos(after);
        // What was opened behind it was for something else, also where it was told before.
        let handshakes = self.handshakes_until(then.started);
        let then = Some((then.connection, Some((then.status, after))));
        Self { handshakes, ..self }.judged(outcome, then, host)
    }

    fn handshakes_until(&self, moment: Timestamp) -> Vec<Timestamp> {
        self.handshakes.iter().copied().filter(|at| *at <= moment).collect()
    }

    pub(super) fn ended(self, host: Host) -> RecoveryReport {
        match self.other {
            Some(other) => self.judged(Outcome::OtherConnectionOpened, Some((other, None)), host),
            None => self.judged(Outcome::NotRetried, None, host),
        }
    }

    fn judged(
        self,
        outcome: Outcome,
        then: Option<(u64, Option<(u16, Duration)>)>,
        host: Host,
    ) -> RecoveryReport {
        let (status, after) = then.and_then(|(_, answer)| answer).unzip();
        let recovery = Recovery {
            outcome,
            connection: then.map(|(connection, _)| connection),
            status,
            after,
            handshakes: u32::try_from(self.handshakes.len()).unwrap_or(u32::MAX),
            is_expected: self.agent.known().map(AgentClass::retries),
        };
        let Self { answer, stream, observer, server, .. } = self;
        RecoveryReport { connection: answer.connection, stream, recovery, host, observer, server }
    }
}
