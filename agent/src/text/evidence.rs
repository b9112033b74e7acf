//! Evidence in words.

use wrongdoor_core::explain::cause::{ClientKind, Evidence, NamePair, Refusal};
use wrongdoor_core::http_facts::{AgentClass, Attribution, BodyMark, Generator};
use wrongdoor_core::name::{Host, Sni};
use wrongdoor_core::wire::tls::client_hello::PROBE;

/// Each piece of evidence, in words. Names in it are from the network.
pub(crate) fn evidence(all: &[Evidence]) -> Vec<String> {
    all.iter().map(words).collect()
}

fn words(evidence: &Evidence) -> String {
    match evidence {
        Evidence::ProbeUserAgent => format!("the user agent is {PROBE}"),
        Evidence::ProbeHello => {
            format!("the ClientHello of the connection offers the protocol {PROBE}")
        }
        Evidence::ResponseBody(mark) => body(*mark).to_owned(),
        Evidence::FromCache => "Age or X-Cache says that the 421 comes out of a cache".to_owned(),
        Evidence::Storable => "its Cache-Control lets caches store it".to_owned(),
        Evidence::CrawlerOverHttp2 => "the user agent is a crawler's, over HTTP/2".to_owned(),
        Evidence::NotTls => {
            "there is no TLS on this hop, so no server name to compare with".to_owned()
        }
        Evidence::NoSni(authority) => {
            format!("no SNI was sent, and the authority is {}", host(authority))
        }
        Evidence::SniUnseen => "the server name was not seen".to_owned(),
        Evidence::SameName(authority) => format!("SNI and authority are both {}", host(authority)),
        Evidence::NamesDiffer(names) => {
            let (sni, host) = both(names);
            format!("the SNI is {sni}, the authority {host}")
        }
        Evidence::DotInAuthority(authority) => {
            format!("the authority is {}. with a dot, the SNI without", host(authority))
        }
        Evidence::DotInSni(names) => {
            let (sni, host) = both(names);
            format!("the SNI is {sni} with a dot, the authority {host}")
        }
        Evidence::AuthorityConflict => ":authority and Host name different hosts".to_owned(),
        Evidence::OuterName(names) => {
            let (sni, host) = both(names);
            format!("an ECH extension, the outer name {sni}, and a request for {host}")
        }
        Evidence::Tunnel(names) => {
            let (sni, host) = both(names);
            format!("CONNECT to {host} over a connection for {sni}")
        }
        Evidence::AltUsed => "Alt-Used says that it went to an alternative service".to_owned(),
        Evidence::AlternativeNamedAgain => {
            "the response names an alternative again, which clients must pass over (RFC 7838 §6)"
                .to_owned()
        }
        Evidence::Coalesced(names) => {
            let (sni, host) = both(names);
            format!("an HTTP/2 connection that was opened for {sni} was used for {host}")
        }
        Evidence::OpenedForAnother(names) => {
            let (sni, host) = both(names);
            format!("the connection was opened for {sni} and asked for {host} later")
        }
        Evidence::NeverUsedForSni(sni) => {
            format!("the connection for {} was never used for {0} first", name(sni))
        }
        Evidence::NotCoalesced(sni) => format!(
            "the connection for {} never asked for {0} first: that is no coalescing",
            name(sni)
        ),
        Evidence::HostsOnConnection(hosts) => {
            format!("the connection was used for {hosts} hosts")
        }
        Evidence::HostsOverHttp1(hosts) => format!(
            "one connection was used for {hosts} hosts over HTTP/1, where each is for one"
        ),
        Evidence::LaterRequest => "it is not the first request on the connection".to_owned(),
        Evidence::HostsUnderSni(count, sni) => {
            let under = sni
                .name()
                .map_or_else(|| "without SNI".to_owned(), |name| format!("under the SNI {name}"));
            format!("{count} hosts were asked for at this endpoint {under}")
        }
        Evidence::Coverage(Some(true), authority) => {
            format!("its certificate covers {} too", host(authority))
        }
        Evidence::Coverage(Some(false), authority) => {
            format!("its certificate does not cover {}", host(authority))
        }
        Evidence::Coverage(None, _) => "its certificate was not seen".to_owned(),
        Evidence::AsksClientCertificate(authority) => {
            format!("handshakes for {} ask for a client certificate", host(authority))
        }
        Evidence::ServedUnderOwnName(authority) => format!(
            "the same endpoint serves other requests for {} under that name",
            host(authority)
        ),
        Evidence::OthersServed(authority) => {
            format!("others are served {} at this endpoint", host(authority))
        }
        Evidence::NeverServed(authority) => {
            format!("{} was never seen to be served at this endpoint", host(authority))
        }
        Evidence::NeverServedBehind(authority) => format!(
            "the endpoint behind this connection was never seen to serve {}",
            host(authority)
        ),
        Evidence::AcceptsConnections(authority) => {
            format!("the endpoint accepts connections for {}", host(authority))
        }
        Evidence::ServedAlikeByApache => "the same was served at this endpoint before; Apache compares names since 2.4.64 (distributions' updates of July 2025)".to_owned(),
        Evidence::GeneratedBy(refusal, by) => generated_by(*refusal, *by),
        Evidence::Relayed => {
            "the response was handed on: what failed is a hop behind the server that answered"
                .to_owned()
        }
        Evidence::RelayedFrom { connection, stream } => {
            format!("the answer was handed on from stream {stream} of c{connection}")
        }
        Evidence::Client(peer, agent) => client(*peer, *agent),
        Evidence::CameInOn(connection, names) => {
            let (sni, host) = both(names);
            format!("the request came in on c{connection}, opened for {sni}, for {host}")
        }
        Evidence::SniPassedOn(sni) => {
            format!("the proxy asked its upstream with the same SNI, {}", name(sni))
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
        BodyMark::HttpsOverPlaintext => "the response says that https came over plaintext",
        BodyMark::H2oConnectUdp => "the response says that connect-udp is not supported here",
        BodyMark::Leader => "the response is JSON and speaks of a leader",
        _ => "the response has words of its own",
    }
}

fn generated_by(refusal: Refusal, by: Attribution) -> String {
    let status = match refusal {
        Refusal::Misdirected => 421,
        Refusal::Rejected(status) => status,
        Refusal::Reset => return "the stream was reset as a protocol error".to_owned(),
    };
    let generator = by.generator.as_str();
    match (by.generator, by.is_certain) {
        (Generator::Unknown, _) => format!("nothing tells who made the {status}"),
        (_, true) => format!("the {status} is {generator}'s own"),
        (_, false) => format!(
            "the {status} has {generator}'s header fields; its body was not seen or says nothing"
        ),
    }
}

fn client(peer: ClientKind, agent: Option<AgentClass>) -> String {
    match (peer, agent) {
        (ClientKind::Proxy(Some(software)), _) => {
            format!("the client is {}, by its process", software.title())
        }
        (ClientKind::Proxy(None), _) => {
            "the client hands on a request that came in at it".to_owned()
        }
        (ClientKind::LikelyProxy, _) => {
            "the client is most likely a proxy: it forwards, or asks as only proxies do".to_owned()
        }
        (ClientKind::Ordinary, Some(class)) => format!(
            "nothing says that the client is a proxy; its user agent is a {}'s",
            class.as_str()
        ),
        (ClientKind::Ordinary, None) => "nothing says that the client is a proxy".to_owned(),
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
            (Evidence::NeverServed(None), "(unknown) was never seen to be served at this endpoint"),
            (
                Evidence::NotCoalesced(Sni::Encrypted),
                "the connection for (encrypted) never asked for (encrypted) first: that is no coalescing",
            ),
            (
                Evidence::HostsUnderSni(3, Sni::Absent),
                "3 hosts were asked for at this endpoint without SNI",
            ),
            (Evidence::Coverage(Some(false), authority), "its certificate does not cover b.test"),
            (
                Evidence::RelayedFrom { connection: 7, stream: 3 },
                "the answer was handed on from stream 3 of c7",
            ),
        ];
        for (fact, expected) in cases {
            assert_eq!(evidence(&[fact]), [expected]);
        }
    }
}
