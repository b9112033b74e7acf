//! Evidence: single facts of this traffic that led to a cause. Programs that show it choose the words.

use super::inputs::{ClientKind, Refusal, Signals};
use crate::http_facts::{AgentClass, Attribution, BodyMark, Generator};
use crate::name::{Host, Sni};

/// One fact of this traffic. A host is the one that the request asks for; `None` where it is unknown. NamePair are from the
/// network, as they were sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The user agent is `wrongdoor probe`'s.
    ProbeUserAgent,
    /// The ClientHello offers the protocol of `wrongdoor probe`.
    ProbeHello,
    /// The body of the response has words that only one answer has.
    ResponseBody(BodyMark),
    /// The response comes out of a cache, as `Age` or `X-Cache` says.
    FromCache,
    /// The response's `Cache-Control` lets caches store it.
    Storable,
    /// A crawler asks, over HTTP/2.
    CrawlerOverHttp2,
    /// There is no TLS on this hop.
    NotTls,
    /// No SNI was sent.
    NoSni(Option<Host>),
    /// The SNI was not seen.
    SniUnseen,
    /// The handshake is between proxies of a service mesh: what its names are is not the authority's affair.
    Mesh,
    /// SNI and authority are one name.
    SameName(Option<Host>),
    /// SNI and authority are two names.
    NamesDiffer(NamePair),
    /// The authority ends in a dot, the SNI does not.
    DotInAuthority(Option<Host>),
    /// The SNI ends in a dot, the authority does not.
    DotInSni(NamePair),
    /// `:authority` and `Host` name two hosts.
    AuthorityConflict,
    /// The handshake had an ECH extension, and this outer name.
    OuterName(NamePair),
    /// A CONNECT, on a connection for this SNI.
    Tunnel(NamePair),
    /// `Alt-Used`: the request went to an alternative service.
    AltUsed,
    /// The response names an alternative service again.
    AlternativeNamedAgain,
    /// An HTTP/2 connection that was opened for the SNI was used for the authority.
    Coalesced(NamePair),
    /// The connection was used for the SNI first and for the authority later.
    OpenedForAnother(NamePair),
    /// The first request on the connection was for another host than the SNI.
    NeverUsedForSni(Sni),
    /// The same of a client that may coalesce: this is no coalescing.
    NotCoalesced(Sni),
    /// So many hosts were asked for on the connection.
    HostsOnConnection(u16),
    /// The same over HTTP/1, where a client uses a connection for one host.
    HostsOverHttp1(u16),
    /// It is not the first request on the connection.
    LaterRequest,
    /// So many hosts were asked for at the endpoint under this SNI, or without one.
    HostsUnderSni(usize, Sni),
    /// Whether the certificate of the connection covers the authority; `None` where no certificate was seen.
    Coverage(Option<bool>, Option<Host>),
    /// The same of the certificate of an earlier handshake, whose session was resumed.
    PresumedCoverage(bool, Option<Host>),
    /// Handshakes for the authority ask for a client certificate.
    AsksClientCertificate(Option<Host>),
    /// The endpoint serves the authority on connections for it.
    ServedUnderOwnName(Option<Host>),
    /// The endpoint serves other clients that ask for the authority.
    OthersServed(Option<Host>),
    /// The endpoint was never seen to serve the authority.
    NeverServed(Option<Host>),
    /// The endpoint behind an SNI router was never seen to serve the authority.
    NeverServedBehind(Option<Host>),
    /// The endpoint completes handshakes for the authority.
    AcceptsConnections(Option<Host>),
    /// The endpoint, an Apache httpd, served the same before.
    ServedAlikeByApache,
    /// Who generated the refusal.
    GeneratedBy(Refusal, Attribution),
    /// A proxy relayed the response from a hop behind it.
    Relayed,
    /// A proxy relayed the response from this stream.
    RelayedFrom {
        /// The number of its connection.
        connection: u64,
        /// The stream, or the request's place on an HTTP/1 connection.
        stream: u64,
    },
    /// What the client is.
    Client(ClientKind, Option<AgentClass>),
    /// The request came in at the proxy on this connection, which was opened for the SNI.
    CameInOn(u64, NamePair),
    /// The proxy asked its upstream with the SNI of that connection.
    SniPassedOn(Sni),
}

/// What the connection was opened for and what the request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamePair {
    /// The SNI of the connection.
    pub sni: Sni,
    /// The host that the request asks for.
    pub authority: Option<Host>,
}

/// Evidence that many rules share.
impl Signals {
    pub(super) fn names(&self) -> NamePair {
        NamePair { sni: self.sni.clone(), authority: self.authority.clone() }
    }

    pub(super) fn no_sni(&self) -> Evidence {
        Evidence::NoSni(self.authority.clone())
    }

    pub(super) fn same_name(&self) -> Evidence {
        Evidence::SameName(self.authority.clone())
    }

    pub(super) fn names_differ(&self) -> Evidence {
        Evidence::NamesDiffer(self.names())
    }

    pub(super) fn coalesced(&self) -> Evidence {
        Evidence::Coalesced(self.names())
    }

    pub(super) fn coverage(&self) -> Evidence {
        let authority = self.authority.clone();
        match self.covered.filter(|_| self.is_presumed) {
            Some(covered) => Evidence::PresumedCoverage(covered, authority),
            None => Evidence::Coverage(self.covered, authority),
        }
    }

    pub(super) fn generated_by(&self) -> Evidence {
        Evidence::GeneratedBy(self.refusal, self.origin)
    }

    pub(super) fn client(&self) -> Evidence {
        Evidence::Client(self.peer, self.agent.known())
    }

    pub(super) fn hosts_under_sni(&self) -> Option<Evidence> {
        let count = self.past.others_under_sni;
        (count > 1).then(|| Evidence::HostsUnderSni(count, self.sni.clone()))
    }

    /// The connection is used again: with the right SNI it would be another host's.
    pub(super) fn reused(&self) -> Option<Evidence> {
        if self.hosts > 1 {
            return Some(Evidence::HostsOnConnection(self.hosts));
        }
        (self.first == Some(false)).then_some(Evidence::LaterRequest)
    }

    /// What was served until now is refused since: a server that compares what it did not compare before.
    pub(super) fn served_alike(&self) -> Option<Evidence> {
        let is_apache = self.origin.generator == Generator::Apache;
        (self.past.served_alike && is_apache).then_some(Evidence::ServedAlikeByApache)
    }
}
