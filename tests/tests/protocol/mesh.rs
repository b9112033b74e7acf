use anyhow::Result;
use wrongdoor_core::side::Side::{Client, Server};
use wrongdoor_tests::wire::h2::{self, Hpack};
use wrongdoor_tests::wire::{Found, Names, Sealed, Talk, observe};

const OUTBOUND: &str = "outbound_.80_._.web.shop.svc.cluster.local";
const WORKLOAD: &[&str] = &["spiffe://cluster.local/ns/shop/sa/web"];
const MESH: Names<'_> =
    Names { sni: Some(OUTBOUND), alpn: "istio-http/1.1", certificate: WORKLOAD };

fn found(session: &Sealed) -> Found {
    observe(&session.talk.frames(), &session.keys_log(|_| true))
}

/// A request over HTTP/1.1 for `web.shop`, and its answer.
fn http1(names: Names<'_>, status: u16) -> Result<Found> {
    let mut session = Sealed::open(Talk::open(443), 1, names)?;
    session
        .say(Client, "GET / HTTP/1.1\r\nHost: web.shop\r\n\r\n")?
        .say(Server, format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n"))?;
    Ok(found(&session))
}

fn http2(names: Names<'_>) -> Result<Found> {
    let mut session = Sealed::open(Talk::open(443), 1, names)?;
    let settings = h2::frame(h2::SETTINGS, 0, 0, &[]);
    session.say(Client, [h2::PREFACE, &settings].concat())?.say(Server, &settings)?;
    session
        .say(Client, h2::headers(1, true, &Hpack::default().request("GET", "web.shop")))?
        .say(Server, h2::headers(1, true, &Hpack::default().response(200)))?;
    Ok(found(&session))
}

#[test]
fn a_mesh_is_recognised_by_name_protocol_or_certificate() -> Result<()> {
    let plain = Names { sni: Some("a.test"), alpn: "http/1.1", certificate: &["a.test"] };
    let linkerd = "default.shop.serviceaccount.identity.linkerd.cluster.local";
    let consul = "web.default.dc1.internal.11111111-2222-3333-4444-555555555555.consul";
    for names in [
        MESH,
        Names { sni: Some(OUTBOUND), ..plain },
        Names { sni: Some(linkerd), ..plain },
        Names { sni: Some(consul), ..plain },
        Names { alpn: "istio-http/1.1", ..plain },
        Names { alpn: "istio-http/1.0", ..plain },
        Names { alpn: "istio", ..plain },
        Names { certificate: WORKLOAD, ..plain },
    ] {
        let found = http1(names, 200)?;
        assert_eq!(found.only().verdict, "mesh", "{names:?}");
        assert_eq!(found.only().authority.as_deref(), Some("web.shop"), "{names:?}");
        assert!(!found.only().silent_misdirect, "{names:?}");
    }
    for alpn in ["istio-h2", "istio", "h2"] {
        assert_eq!(http2(Names { alpn, ..MESH })?.only().verdict, "mesh", "{alpn}");
    }
    Ok(())
}

#[test]
fn a_plain_name_over_h2_is_never_excused() -> Result<()> {
    let plain = Names { sni: Some("a.test"), alpn: "h2", certificate: &["a.test"] };
    assert_eq!(http2(plain)?.only().verdict, "misdirected_uncovered");
    let both = Names { certificate: &["a.test", "spiffe://cluster.local/ns/shop/sa/web"], ..plain };
    assert_eq!(http2(both)?.only().verdict, "misdirected_uncovered");
    Ok(())
}

#[test]
fn no_cause_is_told_from_names_of_a_mesh() -> Result<()> {
    let causes = |status| Ok::<_, anyhow::Error>(http1(MESH, status)?.only().cause);
    assert_eq!(causes(421)?, Some("unknown"));
    for status in [400, 403, 404] {
        assert_eq!(causes(status)?, None, "{status}");
    }
    Ok(())
}

#[test]
fn of_a_protocol_that_is_not_known_the_content_decides() -> Result<()> {
    let unknown = Names { sni: Some("web.shop"), alpn: "x-shop", certificate: &["web.shop"] };
    assert_eq!(http1(unknown, 200)?.only().verdict, "match");
    assert_eq!(http2(unknown)?.only().verdict, "match");
    let mut session = Sealed::open(Talk::open(443), 1, unknown)?;
    session.say(Client, [0, 0, 0, 9, 1, 2, 3])?.say(Server, [0, 0, 0, 4, 7])?;
    let found = found(&session);
    assert_eq!(found.exchanges, []);
    assert_eq!(found.connection().visibility, "not_http");
    Ok(())
}
