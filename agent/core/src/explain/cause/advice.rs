//! All advice for a cause, by what it depends on: for documentation, where no request is at hand.

use super::inputs::{ClientKind, Past, Refusal, Signals};
use super::{CauseId, rules};
use crate::http::HttpVersion;
use crate::http_facts::{Attribution, ErrorResponse, Generator, ServerSoftware};
use crate::name::Sni;
use crate::observation::verdict::Verdict;
use crate::seen::Seen;

/// When advice applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdviceCase {
    /// Where neither the server nor the proxy is known.
    General,
    /// Where this software generated the refusal.
    Server(Generator),
    /// Where this software is the proxy that sent the request.
    Proxy(ServerSoftware),
    /// Where nginx refuses, and handshakes for the host ask for a client certificate.
    ClientCertificate,
    /// Where a proxy relayed the refusal of a server behind it.
    Relayed,
    /// Between the proxies of a service mesh.
    Mesh,
}

/// The advice for a cause: the general one first, then what each case adds to it or replaces in it.
pub fn advice_for(id: CauseId) -> Vec<(AdviceCase, String)> {
    let sentences = |signals: &Signals| (rules::of(id).advice)(signals);
    let general = sentences(&nothing_known());
    let mut advice = vec![(AdviceCase::General, general.join(" "))];
    for (case, signals) in cases() {
        let mut special = sentences(&signals);
        special.retain(|sentence| !general.contains(sentence));
        if !special.is_empty() {
            advice.push((case, special.join(" ")));
        }
    }
    advice
}

fn cases() -> impl Iterator<Item = (AdviceCase, Signals)> {
    let by = |generator| Attribution { generator, ..Attribution::UNKNOWN };
    let servers = Generator::ALL.iter().map(move |generator| {
        (AdviceCase::Server(*generator), Signals { origin: by(*generator), ..nothing_known() })
    });
    let proxies = ServerSoftware::PROXIES.into_iter().map(|software| {
        let peer = ClientKind::Proxy(Some(software));
        (AdviceCase::Proxy(software), Signals { peer, ..nothing_known() })
    });
    let asks = Signals {
        origin: by(Generator::Nginx),
        past: Past { asks_certificate: true, ..Past::default() },
        ..nothing_known()
    };
    let relayed = Signals {
        origin: Attribution { is_relayed: true, ..Attribution::UNKNOWN },
        ..nothing_known()
    };
    let mesh = Signals { verdict: Verdict::Mesh, ..nothing_known() };
    let others = [
        (AdviceCase::ClientCertificate, asks),
        (AdviceCase::Relayed, relayed),
        (AdviceCase::Mesh, mesh),
    ];
    servers.chain(proxies).chain(others)
}

/// A refused request of which nothing else is known.
fn nothing_known() -> Signals {
    Signals {
        refusal: Refusal::Misdirected,
        verdict: Verdict::Unknown,
        is_tls: true,
        version: HttpVersion::Http2,
        is_tunnel: false,
        sni: Sni::Unseen,
        sni_host: None,
        authority: None,
        is_presumed: false,
        covered: None,
        opened_for_sni: None,
        first: None,
        hosts: 0,
        agent: Seen::Unreadable,
        alt_used: false,
        answer: ErrorResponse::default(),
        origin: Attribution::UNKNOWN,
        peer: ClientKind::LikelyProxy,
        past: Past::default(),
        front: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_general_advice_and_cases_differ_from_it() {
        for id in CauseId::ALL {
            let advice = advice_for(*id);
            let [(AdviceCase::General, general), cases @ ..] = &advice[..] else {
                panic!("{id:?}: {advice:?}")
            };
            assert!(!general.is_empty(), "{id:?}");
            assert!(cases.iter().all(|(_, text)| !general.contains(text)), "{id:?}");
        }
        let omits = advice_for(CauseId::ProxyOmitsSni);
        let nginx =
            omits.iter().find(|(case, _)| *case == AdviceCase::Proxy(ServerSoftware::Nginx));
        assert!(
            nginx.is_some_and(|(_, text)| text.starts_with("nginx: `proxy_ssl_server_name on;"))
        );
    }
}
