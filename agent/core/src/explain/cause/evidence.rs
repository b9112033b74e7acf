//! How evidence is worded: each one fact of this traffic.

use super::inputs::{Peer, Refusal, Signals};
use crate::http_facts::{Generator, ServerSoftware};
use crate::seen::Seen;

pub(super) fn host(s: &Signals) -> String {
    s.authority.as_ref().map_or_else(|| "(unknown)".to_owned(), ToString::to_string)
}

pub(super) fn sni(s: &Signals) -> String {
    s.sni.name().map_or_else(|| format!("({})", s.sni.state()), str::to_owned)
}

pub(super) fn same_name(s: &Signals) -> String {
    format!("SNI and authority are both {}", host(s))
}

pub(super) fn differs(s: &Signals) -> String {
    format!("the SNI is {}, the authority {}", sni(s), host(s))
}

pub(super) fn no_sni(s: &Signals) -> String {
    format!("no SNI was sent, and the authority is {}", host(s))
}

pub(super) fn coalesced(s: &Signals) -> String {
    format!("an HTTP/2 connection that was opened for {} was used for {}", sni(s), host(s))
}

pub(super) fn coverage(s: &Signals) -> String {
    match s.covered {
        Some(true) => format!("its certificate covers {} too", host(s)),
        Some(false) => format!("its certificate does not cover {}", host(s)),
        None => "its certificate was not seen".to_owned(),
    }
}

pub(super) fn made_by(s: &Signals) -> String {
    let generator = s.origin.generator.as_str();
    let status = match s.refusal {
        Refusal::Misdirected => "421".to_owned(),
        Refusal::Rejected(status) => status.to_string(),
        Refusal::Reset => return "the stream was reset as a protocol error".to_owned(),
    };
    match (s.origin.generator, s.origin.is_certain) {
        (Generator::Unknown, _) => format!("nothing tells who made the {status}"),
        (_, true) => format!("the {status} is {generator}'s own"),
        (_, false) => format!(
            "the {status} has {generator}'s header fields; its body was not seen or says nothing"
        ),
    }
}

pub(super) fn peer(s: &Signals) -> String {
    match s.peer {
        Peer::Proxy(Some(software)) => {
            format!("the client is {}, by its process", name_of(software))
        }
        Peer::Proxy(None) => "the client hands on a request that came in at it".to_owned(),
        Peer::LikelyProxy => {
            "the client is most likely a proxy: it forwards, or asks as only proxies do".to_owned()
        }
        Peer::Ordinary => match s.agent {
            Seen::Known(class) => format!(
                "nothing says that the client is a proxy; its user agent is a {}'s",
                class.as_str()
            ),
            _ => "nothing says that the client is a proxy".to_owned(),
        },
    }
}

fn name_of(software: ServerSoftware) -> &'static str {
    match software {
        ServerSoftware::Apache => "Apache httpd",
        ServerSoftware::Nginx => "nginx",
        ServerSoftware::Caddy => "Caddy",
        ServerSoftware::HaProxy => "HAProxy",
        ServerSoftware::Traefik => "Traefik",
        ServerSoftware::Envoy => "Envoy",
        _ => "a proxy",
    }
}

pub(super) fn others(s: &Signals) -> Option<String> {
    let count = s.past.others_under_sni;
    let under = s
        .sni
        .name()
        .map_or_else(|| "without SNI".to_owned(), |name| format!("under the SNI {name}"));
    (count > 1).then(|| format!("{count} hosts were asked for at this endpoint {under}"))
}

/// The connection is used again: with the right SNI it would be another host's.
pub(super) fn reused(s: &Signals) -> Option<String> {
    if s.hosts > 1 {
        return Some(format!("the connection was used for {} hosts", s.hosts));
    }
    (s.first == Some(false)).then(|| "it is not the first request on the connection".to_owned())
}

/// What was served until now, and is refused since: a server that compares what it did not before.
pub(super) fn upgrade(s: &Signals) -> Option<String> {
    let is_apache = s.origin.generator == Generator::Apache;
    (s.past.served_alike && is_apache).then(|| {
        "the same was served at this endpoint before; Apache compares names since 2.4.64 (distributions' updates of July 2025)".to_owned()
    })
}
