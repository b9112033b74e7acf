//! What of an exchange or a connection becomes a label, and as which value.

use super::names::{ADDRESS, NONE};
use wrongdoor_core::engine::ConnectionEnd;
use wrongdoor_core::name::Host;
use wrongdoor_core::observation::probe_event::Visibility;
use wrongdoor_core::observation::{Exchange, Facts, Response};
use wrongdoor_core::side::Side;
use wrongdoor_core::wire::tls::TlsVersion;

/// The end of the connection that this observation was made at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum ObserverRole {
    /// At the client's.
    Client,
    /// At the server's.
    Server,
    /// At neither: on the way.
    Observer,
}

impl ObserverRole {
    /// All of them, in order.
    pub(super) const ALL: [Self; Self::Observer as usize + 1] =
        [Self::Client, Self::Server, Self::Observer];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
            Self::Observer => "observer",
        }
    }
}

pub(super) fn role_of(facts: &Facts) -> ObserverRole {
    role_of_side(facts.observer.role)
}

pub(super) fn role_of_side(side: Option<Side>) -> ObserverRole {
    match side {
        Some(Side::Client) => ObserverRole::Client,
        Some(Side::Server) => ObserverRole::Server,
        None => ObserverRole::Observer,
    }
}

pub(super) fn visibility_of(end: &ConnectionEnd) -> Visibility {
    end.visibility
}

/// How an exchange ended, for counts of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum ExchangeOutcome {
    /// 421.
    Misdirected,
    /// Another 4xx.
    Rejected,
    /// 5xx, or the server reset the stream or the connection without an answer.
    Failed,
    /// 1xx to 3xx.
    Served,
    /// No answer was seen: the client gave up, the connection ended, or the answer was lost.
    Unanswered,
}

/// RST_STREAM's NO_ERROR (RFC 9113 §7): the server has answered, and does not need the rest of the request.
const NO_ERROR: u32 = 0;

impl ExchangeOutcome {
    /// All of them, in order.
    pub(super) const ALL: [Self; Self::Unanswered as usize + 1] =
        [Self::Misdirected, Self::Rejected, Self::Failed, Self::Served, Self::Unanswered];

    pub(super) fn of(exchange: &Exchange) -> Self {
        match exchange.response {
            Response::Answered { status: 421, .. } => Self::Misdirected,
            Response::Answered { status: ..400, .. } => Self::Served,
            Response::Answered { status: 400..500, .. } => Self::Rejected,
            Response::Answered { status: 500.., .. } | Response::ConnectionReset => Self::Failed,
            Response::StreamReset(NO_ERROR) | Response::Unseen => Self::Unanswered,
            Response::StreamReset(_) => Self::Failed,
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Misdirected => "misdirected",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Served => "served",
            Self::Unanswered => "unanswered",
        }
    }
}

/// The host asked for. An authority that is none, or was not read, is empty: what was sent is never a label.
pub(super) fn authority_of(exchange: &Exchange) -> &str {
    match exchange.host() {
        None => NONE,
        Some(Host::Name(name)) => name,
        Some(Host::Ip(_)) => ADDRESS,
    }
}

/// The server name, where there is one to be seen.
pub(super) fn sni_of(facts: &Facts) -> &str {
    match facts.tls.as_ref().and_then(|tls| tls.sni_host.as_ref()) {
        Some((Host::Ip(_), _)) => ADDRESS,
        _ => facts.sni().name().unwrap_or(NONE),
    }
}

/// The protocols that are told apart.
pub(super) const ALPNS: [&str; 4] = ["h2", "http/1.1", "http/1.0", "h3"];
/// Any other.
pub(super) const ALPN_OTHER: &str = "other";
/// HTTP was offered, and what was negotiated is not seen: of TLS 1.3 that is all there is without the plaintext.
pub(super) const ALPN_OFFERED: &str = "http_offered";

/// The negotiated protocol, of those that are HTTP: the others are for the server to choose, and any number.
pub(super) fn alpn_of(facts: &Facts) -> &'static str {
    let Some(tls) = &facts.tls else { return NONE };
    match &tls.alpn {
        Some(alpn) => ALPNS.into_iter().find(|known| **known == **alpn).unwrap_or(ALPN_OTHER),
        None if tls.offers_http() && tls.version == Some(TlsVersion::TLS1_3) => ALPN_OFFERED,
        None => NONE,
    }
}

/// The negotiated version; empty on plaintext and where it was not seen.
pub(super) fn tls_version_of(facts: &Facts) -> &'static str {
    facts.tls.as_ref().and_then(|tls| tls.version?.name()).unwrap_or(NONE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::exchanges;

    #[test]
    fn outcomes_are_those_of_the_documentation() {
        const REFUSED_STREAM: u32 = 7;
        let mut exchange = exchanges("coalescing").remove(0);
        let at = exchange.started;
        let answered = |status| Response::Answered { status, at, answer: None };
        for (response, expected) in [
            (answered(101), "served"),
            (answered(200), "served"),
            (answered(304), "served"),
            (answered(400), "rejected"),
            (answered(421), "misdirected"),
            (answered(499), "rejected"),
            (answered(503), "failed"),
            (Response::StreamReset(REFUSED_STREAM), "failed"),
            (Response::StreamReset(NO_ERROR), "unanswered"),
            (Response::ConnectionReset, "failed"),
            (Response::Unseen, "unanswered"),
        ] {
            exchange.response = response;
            assert_eq!(ExchangeOutcome::of(&exchange).as_str(), expected, "{response:?}");
        }
    }
}
