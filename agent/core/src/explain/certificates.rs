//! Certificates of resumed sessions. A resumed handshake has none; the one of an earlier handshake is presumed to hold.

use crate::bounded_map::BoundedMap;
use crate::name::{CertificateNames, Host};
use crate::observation::probe_event::Process;
use crate::observation::{CertificateSource, Facts, ServerCertificate};
use crate::side::Side;
use crate::time::Timestamp;
use crate::wire::net::Endpoint;
use std::sync::Arc;

/// The most servers of which a certificate is remembered.
const MAX_SERVERS: usize = 8_192;
/// The most bytes of names that are remembered of all of them.
const MAX_BYTES: usize = 16 << 20;
/// How long verdicts rest on a certificate: one day. A session can be resumed for a week (RFC 8446 §4.6.1), and by then the
/// server may have another one.
const RECENT_NANOSECONDS: i64 = 24 * 3600 * 1_000_000_000;

/// The kernel tells the start of a process to a hundredth of a second, rounded down.
const TICK_NANOSECONDS: i64 = 10_000_000;
/// Workers of one server are started together. Those of the next configuration are started later.
const GENERATION_NANOSECONDS: u64 = 10_000_000_000;

/// The certificates that handshakes have shown, for those that show none.
#[derive(Debug)]
pub(super) struct SeenCertificates {
    remembered: BoundedMap<Server, Remembered>,
    bytes: usize,
}

/// What a certificate is remembered by.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Server {
    /// The end that the probes saw, and its program: two programs of one machine may be shown different certificates.
    role: Option<Side>,
    command: Option<Box<str>>,
    container: Option<Box<str>>,
    name: Host,
    endpoint: Endpoint,
}

#[derive(Debug)]
struct Remembered {
    names: Arc<CertificateNames>,
    at: Timestamp,
    /// When the process was started that showed it.
    started: Option<Timestamp>,
}

/// What is settled of the certificate of one connection.
#[derive(Debug, Default)]
pub(super) enum Settled {
    #[default]
    Nothing,
    /// Its handshake showed one, which is remembered.
    Shown,
    /// Its handshake has none; this one is presumed, if any.
    Presumed(Option<ServerCertificate>),
}

impl SeenCertificates {
    /// Remembers what the handshake of a connection showed, or says what is presumed, where it was resumed. `is_used`: it has
    /// carried a request, so its client has accepted the certificate.
    pub(super) fn settle(&mut self, settled: &mut Settled, facts: &mut Arc<Facts>, is_used: bool) {
        let Some(tls) = &facts.tls else { return };
        match settled {
            Settled::Shown => return,
            // Asked first, since most connections that come here again have neither.
            Settled::Nothing if tls.certificate.is_none() && tls.resumed != Some(true) => return,
            Settled::Nothing => {
                let Some(server) = Server::of(facts) else { return };
                if let Some(certificate) = &tls.certificate {
                    if is_used {
                        self.remember(server, &certificate.names, facts);
                        *settled = Settled::Shown;
                    }
                    return;
                }
                *settled = Settled::Presumed(self.presume(&server, facts));
            }
            Settled::Presumed(_) => {}
        }
        if let Settled::Presumed(Some(certificate)) = settled
            && let Some(tls) = &mut Arc::make_mut(facts).tls
        {
            tls.certificate.get_or_insert_with(|| certificate.clone());
        }
    }

    /// How many were forgotten for want of room.
    pub(super) fn forgotten(&self) -> u64 {
        self.remembered.evicted()
    }

    fn remember(&mut self, server: Server, names: &Arc<CertificateNames>, facts: &Facts) {
        let (at, started) = (facts.first_seen, started(facts));
        // A long request ends after a later connection has shown a newer one.
        if self.remembered.get(&server).is_some_and(|known| known.at > at) {
            return;
        }
        let replaced =
            self.remembered.insert(server, Remembered { names: Arc::clone(names), at, started });
        self.bytes += names.size();
        let evicted = replaced.evicted.map(|(_, remembered)| remembered);
        for gone in replaced.former.into_iter().chain(evicted) {
            self.bytes = self.bytes.saturating_sub(gone.names.size());
        }
        while self.bytes > MAX_BYTES
            && let Some((_, gone)) = self.remembered.evict()
        {
            self.bytes = self.bytes.saturating_sub(gone.names.size());
        }
    }

    fn presume(&self, server: &Server, facts: &Facts) -> Option<ServerCertificate> {
        // One that came later says nothing of what was there before.
        let known = self.remembered.get(server).filter(|known| known.at <= facts.first_seen)?;
        let Remembered { names, at, started: shown_by } = known;
        let is_late = facts.first_seen.0.saturating_sub(at.0) > RECENT_NANOSECONDS;
        // An older process may show its certificate while the next one has another already.
        let is_same = |started: Timestamp, other: Timestamp| {
            started.0.saturating_add(TICK_NANOSECONDS) <= at.0
                && started.0.abs_diff(other.0) <= GENERATION_NANOSECONDS
        };
        let is_recent = !is_late
            && (facts.observer.role != Some(Side::Server)
                || started(facts)
                    .zip(*shown_by)
                    .is_some_and(|(started, other)| is_same(started, other)));
        let source = CertificateSource::Presumed { is_recent };
        Some(ServerCertificate { names: Arc::clone(names), source })
    }
}

fn started(facts: &Facts) -> Option<Timestamp> {
    facts.observer.process.as_ref()?.started
}

impl Default for SeenCertificates {
    fn default() -> Self {
        Self { remembered: BoundedMap::new(MAX_SERVERS), bytes: 0 }
    }
}

impl Server {
    /// Of a connection for a name, at a server that is known.
    fn of(facts: &Facts) -> Option<Self> {
        let (name, _) = facts.tls.as_ref()?.sni_host.as_ref()?;
        let process: Option<&Process> = facts.observer.process.as_deref();
        Some(Self {
            role: facts.observer.role,
            command: process.map(|process| process.command.clone()),
            container: process.and_then(|process| process.container.clone()),
            name: name.clone(),
            endpoint: facts.server()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Exchange;
    use crate::observation::verdict::Verdict;
    use crate::testing::{Certificate, Said, at, end, said};

    const HOUR: i64 = 3_600_000;

    /// A connection for `a.test` whose first request is for `b.test`, at this time in milliseconds.
    fn asked(certificate: Certificate, start: i64) -> Said {
        Said { authority: "b.test", times: (start, start + 1), certificate, ..said() }
    }

    fn change(exchange: &mut Exchange, change: impl FnOnce(&mut Facts)) {
        change(Arc::make_mut(&mut exchange.connection));
    }

    /// A resumed handshake.
    fn resumed(said: Said) -> Exchange {
        let mut exchange = said.exchange();
        change(&mut exchange, |facts| facts.tls.as_mut().unwrap().resumed = Some(true));
        exchange
    }

    fn settle(seen: &mut SeenCertificates, exchange: &mut Exchange) {
        seen.settle(&mut Settled::default(), &mut exchange.connection, true);
        exchange.complete_verdict();
    }

    /// How the certificate of `second` is known behind `first`, and its verdict.
    fn behind(mut first: Exchange, mut second: Exchange) -> (Option<CertificateSource>, Verdict) {
        let mut seen = SeenCertificates::default();
        settle(&mut seen, &mut first);
        settle(&mut seen, &mut second);
        let tls = second.connection.tls.as_ref().unwrap();
        (tls.certificate.as_ref().map(|known| known.source), second.verdict)
    }

    fn presumed(is_recent: bool) -> Option<CertificateSource> {
        Some(CertificateSource::Presumed { is_recent })
    }

    #[test]
    fn a_resumed_handshake_has_the_certificate_of_the_one_before() {
        let first = || asked(Certificate::Own, 0).exchange();
        let second = |start| asked(Certificate::Unseen, start);
        let (uncovered, unverified) = (Verdict::MisdirectedUncovered, Verdict::CoalescedUnverified);
        assert_eq!(behind(first(), resumed(second(HOUR))), (presumed(true), uncovered));
        // What is older than a day proves nothing.
        let late = resumed(second(25 * HOUR));
        assert_eq!(behind(first(), late), (presumed(false), unverified));
        // It was not resumed, or nothing says so.
        assert_eq!(behind(first(), second(HOUR).exchange()), (None, unverified));
        for other in [
            Said { server: end(3, 443), ..second(HOUR) },
            Said { sni: Some("c.test"), ..second(HOUR) },
            Said { process: Some((Side::Client, 7, "curl")), ..second(HOUR) },
        ] {
            assert_eq!(behind(first(), resumed(other)), (None, unverified), "{other:?}");
        }
    }

    #[test]
    fn a_server_that_was_started_since_may_have_another_certificate() {
        let process = Some((Side::Server, 7, "nginx"));
        let first = Said { process, ..asked(Certificate::Own, HOUR) }.exchange();
        let second = resumed(Said { process, ..asked(Certificate::Unseen, 2 * HOUR) });
        let start = |exchange: &Exchange, started| {
            let mut exchange = exchange.clone();
            change(&mut exchange, |facts| {
                let process = facts.observer.process.as_mut().unwrap();
                Arc::make_mut(process).started = started;
            });
            exchange
        };
        for (shown_by, started, is_recent) in [
            (Some(at(0)), None, false),
            (None, Some(at(0)), false),
            (Some(at(0)), Some(at(0)), true),
            // Two workers of one server, and one that came with a new configuration.
            (Some(at(0)), Some(at(500)), true),
            (Some(at(0)), Some(at(60_000)), false),
            (Some(at(HOUR)), Some(at(HOUR)), false),
            (Some(at(0)), Some(at(HOUR + 1)), false),
        ] {
            let (first, second) = (start(&first, shown_by), start(&second, started));
            assert_eq!(behind(first, second).0, presumed(is_recent), "{shown_by:?} {started:?}");
        }
    }

    #[test]
    fn the_latest_certificate_stays_and_none_is_from_the_future() {
        let names = |exchange: &Exchange| {
            let tls = exchange.connection.tls.as_ref().unwrap();
            tls.certificate.as_ref().map(|known| known.names.iter().count())
        };
        let mut seen = SeenCertificates::default();
        settle(&mut seen, &mut asked(Certificate::Shared, 2 * HOUR).exchange());
        // Its request took long.
        settle(&mut seen, &mut asked(Certificate::Own, HOUR).exchange());
        let mut later = resumed(asked(Certificate::Unseen, 3 * HOUR));
        settle(&mut seen, &mut later);
        let mut earlier = resumed(asked(Certificate::Unseen, 0));
        settle(&mut seen, &mut earlier);
        assert_eq!((names(&later), names(&earlier)), (Some(2), None));
    }

    #[test]
    fn a_certificate_that_no_request_followed_may_have_been_refused() {
        let mut seen = SeenCertificates::default();
        let mut refused = asked(Certificate::Own, 0).exchange();
        seen.settle(&mut Settled::default(), &mut refused.connection, false);
        let mut second = resumed(asked(Certificate::Unseen, HOUR));
        settle(&mut seen, &mut second);
        assert_eq!(second.connection.tls.as_ref().unwrap().certificate, None);
    }

    #[test]
    fn what_is_settled_of_a_connection_stays() {
        let mut seen = SeenCertificates::default();
        let mut early = Settled::default();
        let mut exchange = resumed(asked(Certificate::Unseen, 0));
        seen.settle(&mut early, &mut exchange.connection, true);
        settle(&mut seen, &mut asked(Certificate::Own, 1).exchange());
        // It was resumed before there was anything to presume, and says the same to its end.
        seen.settle(&mut early, &mut exchange.connection, true);
        assert_eq!(exchange.connection.tls.as_ref().unwrap().certificate, None);
    }

    #[test]
    fn names_take_so_much_room_and_no_more() {
        let mut seen = SeenCertificates::default();
        for number in 0..200_u8 {
            let mut exchange = asked(Certificate::Own, 0).exchange();
            change(&mut exchange, |facts| {
                let mut names = CertificateNames::default();
                (0..1000).for_each(|name| names.add_dns(&format!("{name:0>250}")));
                let tls = facts.tls.as_mut().unwrap();
                tls.certificate = Some(ServerCertificate::seen(names));
                facts.ends.as_mut().unwrap().server = end(number, 443);
            });
            settle(&mut seen, &mut exchange);
            assert!(seen.bytes <= MAX_BYTES, "{}", seen.bytes);
        }
        assert!(seen.forgotten() > 100);
        let held = seen.remembered.iter().map(|(_, known)| known.names.size());
        assert_eq!(held.sum::<usize>(), seen.bytes);
    }
}
