//! Whether the client got there after all.
//!
//! A 421 opens a window. What the same client asks for again within it, the same method and path of the same host,
//! says how it went; where nothing comes, the window's end does.

use crate::connection::{Facts, TransportKind};
use crate::exchange::{Exchange, HttpVersion, Method};
use crate::name::Host;
use crate::seen::Seen;
use crate::side::Side;
use crate::signals::AgentClass;
use crate::time::Timestamp;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

/// The most windows that are open at a time; at the limit the one that would end first is given up, and counted.
pub const MAX_WINDOWS: usize = 16_384;
/// The most connections that were opened lately that are remembered: their ClientHello may be told before the 421 that
/// they are the answer to.
const MAX_HELLOS: usize = 1024;
/// The most connections that are counted in one window.
const MAX_HANDSHAKES: usize = 64;
/// The most windows for one client and host.
const MAX_FOR_ONE: usize = 64;

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// Asked again on another connection, and answered otherwise.
    RecoveredNewConnection,
    /// Asked again on the same connection, and answered otherwise: the server changes its mind.
    RecoveredSameConnection,
    /// Asked again on another connection: 421 again.
    RetriedStill421,
    /// Asked again on the same connection: 421 again, as it must be.
    RetriedSameConnection421,
    /// Another connection was opened for the host; what was asked for on it was not seen.
    OtherConnectionOpened,
    /// Asked again over HTTP/1.1, or over TCP after QUIC, and answered otherwise.
    ProtocolFallback,
    /// Not asked again.
    NotRetried,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::RecoveredNewConnection,
        Self::RecoveredSameConnection,
        Self::RetriedStill421,
        Self::RetriedSameConnection421,
        Self::OtherConnectionOpened,
        Self::ProtocolFallback,
        Self::NotRetried,
    ];

    /// The name in the output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RecoveredNewConnection => "recovered_new_connection",
            Self::RecoveredSameConnection => "recovered_same_connection",
            Self::RetriedStill421 => "retried_still_421",
            Self::RetriedSameConnection421 => "retried_same_connection_421",
            Self::OtherConnectionOpened => "other_connection_opened",
            Self::ProtocolFallback => "protocol_fallback",
            Self::NotRetried => "not_retried",
        }
    }

    /// Whether the client got an answer that is not 421.
    pub fn is_recovered(self) -> bool {
        matches!(
            self,
            Self::RecoveredNewConnection | Self::RecoveredSameConnection | Self::ProtocolFallback
        )
    }
}

/// What became of a request that was answered with 421.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// How it went.
    pub outcome: Outcome,
    /// The number of the connection that it was asked on again, or that was opened for it.
    pub connection: Option<u64>,
    /// The answer there.
    pub status: Option<u16>,
    /// From the 421 to the answer there.
    pub after: Option<Duration>,
    /// How many connections the client opened for the host in the meantime.
    pub handshakes: u32,
    /// Whether clients of its class ask again by themselves; unknown where the class is.
    pub is_expected: Option<bool>,
}

/// A window that ended.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The number of the connection, and the stream, of the 421.
    pub connection: u64,
    /// The stream.
    pub stream: u64,
    /// What became of it.
    pub recovery: Recovery,
    /// The host asked for.
    pub host: Host,
    /// The end of the connection that it was seen at.
    pub role: Option<Side>,
}

/// How long windows are open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// For browsers, which ask again at once or not at all.
    pub browser: Duration,
    /// For all others.
    pub other: Duration,
}

impl Default for Windows {
    fn default() -> Self {
        Self { browser: Duration::from_secs(10), other: Duration::from_secs(60) }
    }
}

/// Follows clients from a 421 to what they do next.
#[derive(Debug, Default)]
pub struct Recoveries {
    windows: Windows,
    open: HashMap<Who, Vec<Window>>,
    /// When each ends, and whose it is.
    ends: BTreeMap<(Timestamp, u64), Who>,
    opened: u64,
    hellos: VecDeque<(Who, Timestamp, u64, Option<u16>)>,
    /// Windows that were given up at a bound.
    pub shed: u64,
}

/// Who asks for what: the client, as far as it can be told from others, and the host.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Who {
    client: Client,
    host: Host,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Client {
    /// Seen at the client's end: its process.
    Process(u32),
    Address(IpAddr),
}

#[derive(Debug)]
struct Window {
    id: u64,
    connection: u64,
    stream: u64,
    method: Method,
    path: Option<u64>,
    version: HttpVersion,
    transport: TransportKind,
    agent: Seen<AgentClass>,
    role: Option<Side>,
    /// The server's port: on one machine, a proxy and its clients have the same address.
    port: Option<u16>,
    /// It was an alternative service; the origin's port may be another.
    is_alternative: bool,
    at: Timestamp,
    end: Timestamp,
    /// When connections were opened for the host in the meantime.
    handshakes: Vec<Timestamp>,
    /// One of them, on which nothing was read yet.
    other: Option<u64>,
}

impl Recoveries {
    /// With windows of this length.
    pub fn new(windows: Windows) -> Self {
        Self { windows, ..Self::default() }
    }

    /// A connection was opened, for the host that its ClientHello names.
    pub fn hello(&mut self, connection: u64, facts: &Facts) {
        let Some((host, _)) = facts.tls.as_ref().and_then(|tls| tls.sni_host.as_ref()) else {
            return;
        };
        let Some(who) = Who::of(facts, host) else { return };
        let at = facts.opened.unwrap_or(facts.first_seen);
        for window in self.open.get_mut(&who).into_iter().flatten() {
            window.hello(at, connection, port_of(facts));
        }
        if self.hellos.len() >= MAX_HELLOS {
            self.hellos.pop_front();
        }
        self.hellos.push_back((who, at, connection, port_of(facts)));
    }

    /// An exchange, in the order of their ends: it may be what ends windows, and a 421 opens one.
    pub fn exchange(
        &mut self,
        connection: u64,
        exchange: &Exchange,
        judged: &mut impl FnMut(Judged),
    ) {
        if self.open.is_empty() && !exchange.is_misdirected() {
            return;
        }
        let (Some(host), Some(status)) = (exchange.host(), exchange.status) else { return };
        let Some(who) = Who::of(&exchange.connection, host) else { return };
        let is_one = |windows: &&mut Vec<Window>| {
            windows
                .iter()
                .any(|window| window.other == Some(connection) || window.is_asked_again(exchange))
        };
        if let Some(windows) = self.open.get_mut(&who).filter(is_one) {
            let mut left = Vec::with_capacity(windows.len());
            for mut window in windows.drain(..) {
                // What was read on a connection says what it was opened for.
                if window.other == Some(connection) {
                    window.other = None;
                }
                if window.is_asked_again(exchange) {
                    self.ends.remove(&(window.end, window.id));
                    judged(window.answered(connection, exchange, status, &who));
                } else {
                    left.push(window);
                }
            }
            if left.is_empty() {
                self.open.remove(&who);
            } else {
                *windows = left;
            }
        }
        if exchange.is_misdirected() {
            self.open(who, connection, exchange, judged);
        }
    }

    /// Ends the windows that are over by now.
    pub fn expire(&mut self, now: Timestamp, judged: &mut impl FnMut(Judged)) {
        while let Some(entry) = self.ends.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let ((_, id), who) = entry.remove_entry();
            if let Some(window) = self.take(&who, id) {
                judged(window.ended(&who));
            }
        }
    }

    /// No more will be seen: what was not asked again by now was not, as far as that can be told.
    pub fn finish(&mut self, judged: &mut impl FnMut(Judged)) {
        self.expire(Timestamp(i64::MAX), judged);
    }

    /// How many windows are open.
    pub fn open_windows(&self) -> usize {
        self.ends.len()
    }

    fn open(
        &mut self,
        who: Who,
        connection: u64,
        exchange: &Exchange,
        judged: &mut impl FnMut(Judged),
    ) {
        let Seen::Known(method) = &exchange.method else { return };
        let at = exchange.responded.unwrap_or(exchange.started);
        self.expire(at, judged);
        if self.ends.len() >= MAX_WINDOWS
            && let Some(((_, id), who)) = self.ends.pop_first()
        {
            self.shed += 1;
            drop(self.take(&who, id));
        }
        let is_browser = exchange.hints.agent == Seen::Known(AgentClass::Browser);
        let length = if is_browser { self.windows.browser } else { self.windows.other };
        let end = at.0.saturating_add(i64::try_from(length.as_nanos()).unwrap_or(i64::MAX));
        self.opened += 1;
        let mut window = Window {
            id: self.opened,
            connection,
            stream: exchange.stream,
            method: method.clone(),
            path: exchange.hints.path,
            version: exchange.version,
            transport: exchange.connection.transport,
            agent: exchange.hints.agent,
            role: exchange.connection.observer.role,
            port: port_of(&exchange.connection),
            is_alternative: exchange.hints.alt_used,
            at,
            end: Timestamp(end),
            handshakes: Vec::new(),
            other: None,
        };
        // They come nearly in order: what is older than the answer was no answer to it.
        let later = self.hellos.iter().rev().take_while(|(_, opened, ..)| *opened >= at);
        for (_, at, connection, port) in later.filter(|(other, ..)| *other == who) {
            window.hello(*at, *connection, *port);
        }
        let windows = self.open.entry(who.clone()).or_default();
        if windows.len() >= MAX_FOR_ONE {
            let oldest = windows.remove(0);
            self.ends.remove(&(oldest.end, oldest.id));
            self.shed += 1;
        }
        self.ends.insert((window.end, window.id), who);
        windows.push(window);
    }

    fn take(&mut self, who: &Who, id: u64) -> Option<Window> {
        let windows = self.open.get_mut(who)?;
        let at = windows.iter().position(|window| window.id == id)?;
        let window = windows.remove(at);
        if windows.is_empty() {
            self.open.remove(who);
        }
        Some(window)
    }
}

impl Who {
    fn of(facts: &Facts, host: &Host) -> Option<Self> {
        let process = facts.observer.process.as_ref().map(|process| Client::Process(process.pid));
        let address =
            facts.client_declared.or(facts.client).map(|client| Client::Address(client.ip()));
        let client = match facts.observer.role {
            Some(Side::Client) => process.or(address),
            _ => address,
        }?;
        Some(Self { client, host: host.clone() })
    }
}

fn port_of(facts: &Facts) -> Option<u16> {
    facts.server.map(|server| server.port())
}

impl Window {
    /// A connection was opened for the host.
    fn hello(&mut self, at: Timestamp, connection: u64, port: Option<u16>) {
        let is_later = (self.at..=self.end).contains(&at);
        if is_later && connection != self.connection && self.may_be_at(port) {
            if self.handshakes.len() < MAX_HANDSHAKES {
                self.handshakes.push(at);
            }
            self.other.get_or_insert(connection);
        }
    }

    fn may_be_at(&self, port: Option<u16>) -> bool {
        self.is_alternative || self.port == port
    }

    fn is_asked_again(&self, exchange: &Exchange) -> bool {
        (self.at..=self.end).contains(&exchange.started)
            && matches!(&exchange.method, Seen::Known(method) if *method == self.method)
            && exchange.hints.path == self.path
            && self.path.is_some()
            && self.may_be_at(port_of(&exchange.connection))
            && exchange.connection.observer.role == self.role
    }

    fn answered(self, connection: u64, exchange: &Exchange, status: u16, who: &Who) -> Judged {
        let is_same = connection == self.connection;
        let falls_back = self.version.can_coalesce() && !exchange.version.can_coalesce()
            || self.transport == TransportKind::Quic
                && exchange.connection.transport == TransportKind::Tcp;
        let outcome = match (exchange.is_misdirected(), is_same, falls_back) {
            (true, true, _) => Outcome::RetriedSameConnection421,
            (true, false, _) => Outcome::RetriedStill421,
            (false, true, _) => Outcome::RecoveredSameConnection,
            (false, false, true) => Outcome::ProtocolFallback,
            (false, false, false) => Outcome::RecoveredNewConnection,
        };
        let answered = exchange.responded.unwrap_or(exchange.started);
        let after = Duration::from_nanos(answered.0.saturating_sub(self.at.0).unsigned_abs());
        // What was opened behind it was for something else, also where it was told before.
        let handshakes = self.handshakes_until(exchange.started);
        let then = Some((connection, Some((status, after))));
        Self { handshakes, ..self }.judged(outcome, then, who)
    }

    fn handshakes_until(&self, moment: Timestamp) -> Vec<Timestamp> {
        self.handshakes.iter().copied().filter(|at| *at <= moment).collect()
    }

    fn ended(self, who: &Who) -> Judged {
        match self.other {
            Some(other) => self.judged(Outcome::OtherConnectionOpened, Some((other, None)), who),
            None => self.judged(Outcome::NotRetried, None, who),
        }
    }

    fn judged(
        self,
        outcome: Outcome,
        then: Option<(u64, Option<(u16, Duration)>)>,
        who: &Who,
    ) -> Judged {
        let (status, after) = then.and_then(|(_, answer)| answer).unzip();
        let recovery = Recovery {
            outcome,
            connection: then.map(|(connection, _)| connection),
            status,
            after,
            handshakes: u32::try_from(self.handshakes.len()).unwrap_or(u32::MAX),
            is_expected: self.agent.known().map(AgentClass::retries),
        };
        let Self { connection, stream, role, .. } = self;
        Judged { connection, stream, recovery, host: who.host.clone(), role }
    }
}

#[cfg(test)]
mod tests;
