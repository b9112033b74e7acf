//! Evidence in words.

use wrongdoor_core::explain::cause::{ClientKind, Evidence, NamePair, Refusal};
use wrongdoor_core::http_facts::{AgentClass, Attribution, BodyMark, Generator};
use wrongdoor_core::name::{Host, Sni};
use wrongdoor_core::wire::tls::alpn::PROBE;

/// Each piece of evidence, in words. Names in it are from the network.
pub(crate) fn evidence(all: &[Evidence]) -> Vec<String> {
    all.iter().map(words).collect()
}

fn words(evidence: &Evidence) -> String {
    match evidence {
        Evidence::ProbeUserAgent => format!("the User-Agent is {PROBE}"),
        Evidence::ProbeHello => {
            format!("the ClientHello of the connection offers the protocol {PROBE}")
        }
        Evidence::ResponseBody(mark) => body(*mark).to_owned(),
        Evidence::FromCache => "`Age` or `X-Cache` shows that a cache sent the 421".to_owned(),
        Evidence::Storable => "its `Cache-Control` allows caches to store it".to_owned(),
        Evidence::CrawlerOverHttp2 => "the User-Agent is a crawler, over HTTP/2".to_owned(),
        Evidence::NotTls => {
            "this hop has no TLS, so there is no SNI to compare".to_owned()
        }
        Evidence::NoSni(authority) => {
            format!("no SNI was sent, and the authority is {}", host(authority))
        }
        Evidence::SniUnseen => "the SNI was not seen".to_owned(),
        Evidence::Mesh => {
            "the connection is between proxies of a service mesh, which name workloads in TLS".to_owned()
        }
        Evidence::SameName(authority) => format!("SNI and authority are both {}", host(authority)),
        Evidence::NamesDiffer(names) => {
            let (sni, host) = both(names);
            format!("the SNI is {sni}, the authority is {host}")
        }
        Evidence::DotInAuthority(authority) => {
            format!("the authority is {}. with a dot at the end, the SNI has none", host(authority))
        }
        Evidence::DotInSni(names) => {
            let (sni, host) = both(names);
            format!("the SNI is {sni} with a dot at the end, the authority is {host}")
        }
        Evidence::AuthorityConflict => ":authority and Host name different hosts".to_owned(),
        Evidence::OuterName(names) => {
            let (sni, host) = both(names);
            format!("the handshake has an ECH extension and the outer name {sni}; the request is for {host}")
        }
        Evidence::Tunnel(names) => {
            let (sni, host) = both(names);
            format!("CONNECT to {host} over a connection for {sni}")
        }
        Evidence::AltUsed => "`Alt-Used` shows that the request was sent to an alternative service".to_owned(),
        Evidence::AlternativeNamedAgain => {
            "the response has an `Alt-Svc` field again, which clients must ignore (RFC 7838 §6)"
                .to_owned()
        }
        Evidence::Coalesced(names) => {
            let (sni, host) = both(names);
            format!("an HTTP/2 connection that was opened for {sni} was used for {host}")
        }
        Evidence::OpenedForAnother(names) => {
            let (sni, host) = both(names);
            format!("the connection was opened for {sni} and used for {host} later")
        }
        Evidence::NeverUsedForSni(sni) => {
            format!("the first request on the connection for {} was for another host", name(sni))
        }
        Evidence::NotCoalesced(sni) => format!(
            "the first request on the connection for {} was for another host, so this is no coalescing",
            name(sni)
        ),
        Evidence::HostsOnConnection(hosts) => {
            format!("the connection was used for {hosts} hosts")
        }
        Evidence::HostsOverHttp1(hosts) => format!(
            "one HTTP/1 connection was used for {hosts} hosts; clients use one connection for each host"
        ),
        Evidence::LaterRequest => "it is not the first request on the connection".to_owned(),
        Evidence::HostsUnderSni(count, sni) => {
            let under = sni
                .name()
                .map_or_else(|| "without SNI".to_owned(), |name| format!("under the SNI {name}"));
            format!("{count} hosts were requested at this endpoint {under}")
        }
        Evidence::Coverage(Some(true), authority) => {
            format!("its certificate covers {} too", host(authority))
        }
        Evidence::Coverage(Some(false), authority) => {
            format!("its certificate does not cover {}", host(authority))
        }
        Evidence::PresumedCoverage(covers, authority) => {
            let covers = if *covers { "covers" } else { "does not cover" };
            let host = host(authority);
            format!("it resumes a session: the certificate of an earlier handshake {covers} {host}")
        }
        Evidence::Coverage(None, _) => "its certificate was not seen".to_owned(),
        Evidence::AsksClientCertificate(authority) => {
            format!("handshakes for {} ask for a client certificate", host(authority))
        }
        Evidence::ServedUnderOwnName(authority) => format!(
            "this endpoint serves {} on connections for it",
            host(authority)
        ),
        Evidence::OthersServed(authority) => {
            format!("this endpoint serves {} to other clients", host(authority))
        }
        Evidence::NeverServed(authority) => {
            format!("this endpoint was not seen to serve {}", host(authority))
        }
        Evidence::NeverServedBehind(authority) => format!(
            "the endpoint of this connection was not seen to serve {}",
            host(authority)
        ),
        Evidence::AcceptsConnections(authority) => {
            format!("the endpoint completes handshakes for {}", host(authority))
        }
        Evidence::ServedAlikeByApache => "this endpoint served the same names before; Apache compares them since 2.4.64 (in distributions since July 2025)".to_owned(),
        Evidence::GeneratedBy(refusal, by) => generated_by(*refusal, *by),
        Evidence::Relayed => {
            "a proxy relayed the response: the failure is behind the server that answered"
                .to_owned()
        }
        Evidence::RelayedFrom { connection, stream } => {
            format!("the response was relayed from stream {stream} of c{connection}")
        }
        Evidence::Client(peer, agent) => client(*peer, *agent),
        Evidence::CameInOn(connection, names) => {
            let (sni, host) = both(names);
            format!("the request came in on c{connection}, opened for {sni}, for {host}")
        }
        Evidence::SniPassedOn(sni) => {
            format!("the proxy used the same SNI for its upstream: {}", name(sni))
        }
    }
}

fn host(authority: &Option<Host>) -> String {
    authority.as_ref().map_or_else(|| "(unknown)".to_owned(), ToString::to_string)
}

fn name(sni: &Sni) -> String {
    sni.name().map_or_else(|| format!("({})", sni.state()), str::to_owned)
}

fn both(names: &NamePair) -> (String, String) {
    (name(&names.sni), host(&names.authority))
}

fn body(mark: BodyMark) -> &'static str {
    match mark {
        BodyMark::HttpsOverPlaintext => "the body says that an https request came over cleartext",
        BodyMark::H2oConnectUdp => "the body says that connect-udp is not supported",
        BodyMark::Leader => "the body is JSON and names a leader",
        _ => "the body has words that only this answer has",
    }
}

fn generated_by(refusal: Refusal, by: Attribution) -> String {
    let status = match refusal {
        Refusal::Misdirected => 421,
        Refusal::Rejected(status) => status,
        Refusal::Reset => return "the stream was reset as a protocol error".to_owned(),
    };
    let generator = match by.generator {
        Generator::Other => "software that is not in the list of generators",
        known => known.as_str(),
    };
    match (by.generator, by.is_certain) {
        (Generator::Unknown, _) => {
            format!("the response does not show which software generated the {status}")
        }
        (_, true) => format!("{generator} generated the {status}"),
        (_, false) => format!(
            "the {status} has header fields of {generator}; its body was not seen or shows nothing"
        ),
    }
}

fn client(peer: ClientKind, agent: Option<AgentClass>) -> String {
    match (peer, agent) {
        (ClientKind::Proxy(Some(software)), _) => {
            format!("the client is {}, as its process shows", software.title())
        }
        (ClientKind::Proxy(None), _) => {
            "the client is a proxy: it forwards a request that it received".to_owned()
        }
        (ClientKind::LikelyProxy, _) => {
            "the client is most likely a proxy: its requests have signs of forwarding".to_owned()
        }
        (ClientKind::Ordinary, Some(class)) => format!(
            "nothing shows that the client is a proxy; its User-Agent is that of {}",
            match class {
                AgentClass::Browser => "a browser",
                AgentClass::Crawler => "a crawler",
                AgentClass::Library => "a library or tool",
                AgentClass::Proxy => "a proxy",
                AgentClass::Probe => "`wrongdoor probe`",
            }
        ),
        (ClientKind::Ordinary, None) => "nothing shows that the client is a proxy".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_names_what_was_seen_of_this_traffic() {
        let sni = Sni::Name("a.test".into());
        let authority = Some(Host::Name("b.test".into()));
        let names = NamePair { sni, authority: authority.clone() };
        let cases = [
            (
                Evidence::Coalesced(names),
                "an HTTP/2 connection that was opened for a.test was used for b.test",
            ),
            (Evidence::NeverServed(None), "this endpoint was not seen to serve (unknown)"),
            (
                Evidence::NotCoalesced(Sni::Encrypted),
                "the first request on the connection for (encrypted) was for another host, so this is no coalescing",
            ),
            (
                Evidence::HostsUnderSni(3, Sni::Absent),
                "3 hosts were requested at this endpoint without SNI",
            ),
            (
                Evidence::Coverage(Some(false), authority.clone()),
                "its certificate does not cover b.test",
            ),
            (
                Evidence::PresumedCoverage(true, authority),
                "it resumes a session: the certificate of an earlier handshake covers b.test",
            ),
            (
                Evidence::RelayedFrom { connection: 7, stream: 3 },
                "the response was relayed from stream 3 of c7",
            ),
        ];
        for (fact, expected) in cases {
            assert_eq!(evidence(&[fact]), [expected]);
        }
    }
}
