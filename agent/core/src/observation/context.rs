//! What the layers of a connection share: its facts, its exchanges so far, and where findings go.

use super::facts::{Decryption, Facts, OriginSet, Tls};
use super::probe_event::Observer;
use super::verdict::Verdict;
use super::{ConnectionUsage, Event, Exchange, HeaderList, Response, Source, verdict};
use crate::counters::{Counters, Loss};
use crate::http::{HttpVersion, Method};
use crate::http_facts::RequestSignals;
use crate::name::{Coverage, Host, MAX_RAW_AUTHORITY, RequestAuthority, Sni};
use crate::seen::Seen;
use crate::side::Side;
use crate::time::Timestamp;
use crate::trace_context::TraceParent;
use crate::wire::tls::keylog::KeyLog;
use std::sync::Arc;

/// The most distinct authorities that are remembered of one connection.
pub const MAX_AUTHORITIES: usize = 100;

/// What one connection has shown so far.
#[derive(Debug)]
pub(crate) struct Observed {
    pub(crate) facts: Arc<Facts>,
    /// Authorities seen, in the order of their first request.
    authorities: Vec<Arc<RequestAuthority>>,
    pub(crate) exchanges: u64,
    pub(crate) misdirected: u64,
    pub(crate) gaps: u64,
    /// It is TLS or HTTP, and so worth a line of its own.
    pub(crate) is_ours: bool,
    /// It may be out of scope: it is reported only once its process is known.
    pub(crate) needs_process: bool,
    /// What is inside TLS, or behind a tunnel, was read and is not HTTP.
    pub(crate) is_foreign: bool,
    /// The visible server name was asked for by a request.
    sni_was_asked_for: bool,
    /// The endpoint's part in serving its server name was told.
    sighting_told: bool,
    /// Whom the connection is for was told.
    hello_told: bool,
    /// Whether the first authority asked for was the server name.
    opened_for_sni: Option<bool>,
    /// How many hosts were asked for, as far as they are remembered.
    hosts: u16,
    /// The server reset the connection, and the client had not ended it.
    pub(crate) was_reset: bool,
}

/// What a layer works with while it is fed.
pub(crate) struct Context<'a> {
    pub(crate) keys: &'a KeyLog,
    /// More secrets may arrive: ciphertext is worth waiting with.
    pub(crate) keys_may_come: bool,
    pub(crate) observed: &'a mut Observed,
    pub(crate) counters: &'a mut Counters,
    pub(crate) events: &'a mut Vec<Event>,
    pub(crate) scratch: &'a mut Scratch,
}

/// Plaintext of the record at hand, and the fields of the header block at hand. One for all connections, so that
/// nothing allocates for each and no idle connection holds any.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) plain: Vec<u8>,
    pub(crate) peeked: Vec<u8>,
    pub(crate) headers: HeaderList,
}

/// What a layer knows of an exchange that ended.
#[derive(Debug)]
pub(crate) struct EndedExchange {
    pub(crate) stream: u64,
    pub(crate) version: HttpVersion,
    pub(crate) method: Seen<Method>,
    pub(crate) authority: Arc<RequestAuthority>,
    pub(crate) tunnel: bool,
    pub(crate) first: Option<bool>,
    pub(crate) started: Timestamp,
    pub(crate) response: Response,
    pub(crate) traceparent: Option<TraceParent>,
    pub(crate) hints: RequestSignals,
    /// The origin set at the time of the request: what came later did not bind it.
    pub(crate) origins: Option<Arc<OriginSet>>,
}

impl Observed {
    pub(crate) fn new(facts: Facts) -> Self {
        Self {
            facts: Arc::new(facts),
            authorities: Vec::new(),
            exchanges: 0,
            misdirected: 0,
            gaps: 0,
            is_ours: false,
            needs_process: false,
            is_foreign: false,
            sni_was_asked_for: false,
            sighting_told: false,
            hello_told: false,
            opened_for_sni: None,
            hosts: 0,
            was_reset: false,
        }
    }

    /// Whether it may be reported.
    pub(crate) fn is_wanted(&self) -> bool {
        !self.needs_process || self.facts.observer.process.is_some()
    }

    /// The distinct authorities asked for, normalised, in the order of their first request.
    pub(crate) fn authorities(&self) -> Vec<String> {
        let mut hosts = Vec::new();
        for authority in &self.authorities {
            let host = authority.parsed.as_ref().map(|authority| authority.host.to_string());
            if let Some(host) = host.filter(|host| !hosts.contains(host)) {
                hosts.push(host);
            }
        }
        hosts
    }
}

impl Context<'_> {
    /// Changes what is known of the connection.
    pub(crate) fn facts(&mut self) -> &mut Facts {
        Arc::make_mut(&mut self.observed.facts)
    }

    /// Changes what is known of its TLS session.
    pub(crate) fn tls(&mut self) -> &mut Tls {
        self.facts().tls.get_or_insert_default()
    }

    /// A new TLS session begins on this connection, the innermost so far.
    pub(crate) fn begin_tls(&mut self) {
        self.observed.is_ours = true;
        self.observed.is_foreign = false;
        self.observed.sni_was_asked_for = false;
        self.observed.sighting_told = false;
        self.observed.opened_for_sni = None;
        self.observed.hello_told = false;
        let facts = self.facts();
        facts.tls = Some(Tls::default());
        facts.decryption = Decryption::None;
        facts.origins = None;
    }

    /// Bytes of the connection are lost.
    pub(crate) fn gap(&mut self) {
        self.observed.gaps += 1;
        self.counters.lose(Loss::Gap);
    }

    /// The client has said whom the connection is for. Told once its ends are known too, and at the client's own
    /// end its process: where a node sees both ends, the address alone would count one connection twice.
    pub(crate) fn hello(&mut self) {
        let facts = &self.observed.facts;
        let names = facts.tls.as_ref().is_some_and(|tls| tls.sni_host.is_some());
        let Observer { role, process, .. } = &facts.observer;
        let knows_client = match (facts.source, role) {
            (_, Some(Side::Client)) => process.is_some(),
            // Its ends are taken from the ports alone until then.
            (Source::Ebpf, None) => false,
            (_, Some(Side::Server) | None) => facts.client().is_some(),
        };
        if names && knows_client && !self.observed.hello_told && self.observed.is_wanted() {
            self.observed.hello_told = true;
            self.events.push(Event::Hello(Arc::clone(facts)));
        }
    }

    /// The handshake is complete: the endpoint serves the server name, if its certificate covers it.
    pub(crate) fn handshake_completed(&mut self) {
        let facts = &self.observed.facts;
        let Some(tls) = &facts.tls else { return };
        let (Some((host, None)), Some(certificate)) = (&tls.sni_host, tls.certificate_names())
        else {
            return;
        };
        let Some(endpoint) = facts.server().filter(|_| self.observed.is_wanted()) else { return };
        if !self.observed.sighting_told && certificate.covers(host) == Coverage::Covered {
            let asks_certificate = tls.asks_certificate;
            let event = Event::Serves { endpoint, host: host.clone(), asks_certificate };
            self.observed.sighting_told = true;
            self.events.push(event);
        }
    }

    /// The one copy of an authority that was asked for on this connection.
    ///
    /// `is_same` recognises it without building it; `build` makes it the first time.
    pub(crate) fn authority(
        &mut self,
        is_same: impl Fn(&RequestAuthority) -> bool,
        build: impl FnOnce() -> RequestAuthority,
    ) -> Arc<RequestAuthority> {
        let known = &self.observed.authorities;
        if let Some(found) = known.iter().find(|authority| is_same(authority)) {
            return Arc::clone(found);
        }
        let built = Arc::new(build());
        let sni = self.observed.facts.tls.as_ref().and_then(|tls| tls.sni_host.as_ref());
        let host = built.parsed.as_ref().map(|authority| &authority.host);
        let is_sni = sni.zip(host).is_some_and(|((sni, _), host)| sni == host);
        self.observed.sni_was_asked_for |= is_sni;
        if host.is_some() {
            self.observed.opened_for_sni.get_or_insert(is_sni);
            let is_new = !known
                .iter()
                .any(|known| known.parsed.as_ref().map(|authority| &authority.host) == host);
            self.observed.hosts = self.observed.hosts.saturating_add(u16::from(is_new));
        }
        if known.len() < MAX_AUTHORITIES {
            self.observed.authorities.push(Arc::clone(&built));
        } else {
            // Told with its exchange, but not in the connection's list.
            self.counters.error("connection", "authorities_limit");
        }
        built
    }

    /// Judges an exchange and tells it.
    pub(crate) fn exchange(&mut self, ended: EndedExchange) {
        let facts = &self.observed.facts;
        let request = verdict::Request {
            version: ended.version,
            authority: &ended.authority,
            tunnel: ended.tunnel,
            sni_was_asked_for: self.observed.sni_was_asked_for,
            origins: ended.origins.as_deref(),
        };
        let verdict: Verdict = verdict::judge(facts, &request);
        let response = match ended.response {
            // Behind a gap the answer may be what is missing.
            Response::Unseen if self.observed.was_reset && self.observed.gaps == 0 => {
                Response::ConnectionReset
            }
            response => response,
        };
        let exchange = Exchange {
            connection: Arc::clone(facts),
            stream: ended.stream,
            version: ended.version,
            method: ended.method,
            authority: ended.authority,
            tunnel: ended.tunnel,
            first: ended.first,
            started: ended.started,
            response,
            traceparent: ended.traceparent,
            hints: ended.hints,
            conduct: ConnectionUsage {
                opened_for_sni: self.observed.opened_for_sni,
                hosts: self.observed.hosts,
            },
            verdict,
        };
        self.observed.is_ours = true;
        self.observed.exchanges += 1;
        if exchange.is_misdirected() {
            self.observed.misdirected += 1;
            self.forget_origin(&exchange);
        }
        self.events.push(Event::Exchange(exchange));
    }

    /// After a 421, a client takes the origin out of the origin set (RFC 8336 §2.3).
    fn forget_origin(&mut self, exchange: &Exchange) {
        if self.observed.facts.origins.is_none() {
            return;
        }
        if let (Some(authority), Some(origins)) =
            (&exchange.authority.parsed, &mut self.facts().origins)
        {
            Arc::make_mut(origins).remove(&authority.host, authority.port_or(443));
        }
    }

    /// An ORIGIN frame: the set begins with the origin that the connection was opened for (RFC 8336 §2.3).
    pub(crate) fn origins(&mut self, add: impl FnOnce(&mut OriginSet)) {
        let facts = self.facts();
        let server = facts.server();
        let Some(tls) = &facts.tls else { return };
        let origins = facts.origins.get_or_insert_with(|| {
            let mut initial = OriginSet::default();
            let host = match (&tls.sni_host, &tls.sni) {
                (Some((host, _)), _) => Some(host.clone()),
                (None, Sni::Absent) => server.map(|server| Host::Ip(server.ip())),
                (None, _) => None,
            };
            if let Some(host) = host {
                if let Some(server) = server {
                    initial.add(host.clone(), server.port());
                }
                initial.add(host, 443);
            }
            Arc::new(initial)
        });
        add(Arc::make_mut(origins));
    }
}

/// Text of what was sent, for display: cut at [`MAX_RAW_AUTHORITY`], and never anything but UTF-8.
pub(crate) fn raw_text(bytes: &[u8]) -> Box<str> {
    let kept = bytes.get(..MAX_RAW_AUTHORITY).unwrap_or(bytes);
    String::from_utf8_lossy(kept).into()
}
