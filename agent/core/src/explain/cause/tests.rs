//! Each rule, its near misses, and what must not be taken for something else.

use super::inputs::{ClientKind, DownstreamHop, Past, Refusal, Signals};
use super::{CauseId, Confidence, Evidence, NamePair, explain};
use crate::http::HttpVersion;
use crate::http_facts::{
    AgentClass, Attribution, BodyMark, ErrorResponse, Generator, ServerSoftware,
};
use crate::name::{Host, Sni};
use crate::observation::verdict::Verdict;
use crate::seen::Seen;
use CauseId as C;
use Confidence::{High, Low, Medium};

fn host(name: &str) -> Host {
    Host::Name(name.into())
}

fn made_by(generator: Generator) -> Attribution {
    Attribution { generator, is_certain: true, is_relayed: false }
}

/// A 421 of Apache's to a browser that asked for b.test, on a connection that was opened, and used, for a.test.
fn coalesced() -> Signals {
    Signals {
        refusal: Refusal::Misdirected,
        verdict: Verdict::CoalescedLegal,
        is_tls: true,
        version: HttpVersion::Http2,
        is_tunnel: false,
        sni: Sni::Name("a.test".into()),
        sni_host: Some(host("a.test")),
        authority: Some(host("b.test")),
        is_presumed: false,
        covered: Some(true),
        opened_for_sni: Some(true),
        first: Some(false),
        hosts: 2,
        agent: Seen::Known(AgentClass::Browser),
        alt_used: false,
        answer: ErrorResponse::default(),
        origin: made_by(Generator::Apache),
        peer: ClientKind::Ordinary,
        past: Past::default(),
        front: None,
    }
}

/// The same server, asked for the host that the connection is for.
fn same_host() -> Signals {
    Signals {
        verdict: Verdict::Match,
        authority: Some(host("a.test")),
        first: Some(true),
        hosts: 1,
        ..coalesced()
    }
}

/// Without a server name.
fn no_sni() -> Signals {
    Signals {
        verdict: Verdict::NoSni,
        version: HttpVersion::Http11,
        sni: Sni::Absent,
        sni_host: None,
        opened_for_sni: None,
        first: Some(true),
        hosts: 1,
        agent: Seen::Known(AgentClass::Library),
        ..coalesced()
    }
}

/// Another host over HTTP/1, on the first request.
fn wrong_sni() -> Signals {
    Signals {
        verdict: Verdict::MismatchH1,
        version: HttpVersion::Http11,
        opened_for_sni: Some(false),
        first: Some(true),
        hosts: 1,
        agent: Seen::Known(AgentClass::Library),
        ..coalesced()
    }
}

/// Another host over HTTP/1, later.
fn shared_pool() -> Signals {
    Signals { opened_for_sni: Some(true), first: Some(false), hosts: 2, ..wrong_sni() }
}

fn front(is_coalesced: bool) -> Option<DownstreamHop> {
    Some(DownstreamHop { connection: 1, sni: Some(host("a.test")), is_coalesced })
}

fn body(mark: BodyMark) -> ErrorResponse {
    ErrorResponse { body: mark, ..ErrorResponse::default() }
}

fn check(name: &str, signals: &Signals, id: CauseId, confidence: Confidence) {
    let cause = explain(signals);
    assert_eq!((cause.id, cause.confidence), (id, confidence), "{name}: {cause:?}");
    assert!(!cause.advice.is_empty(), "{name}");
}

#[test]
fn what_is_not_about_names_comes_first() {
    let served = Past { served_under_own_name: true, ..Past::default() };
    let plain = Signals {
        is_tls: false,
        verdict: Verdict::NotTls,
        sni: Sni::Absent,
        sni_host: None,
        ..same_host()
    };
    check("no TLS", &plain, C::Application, Medium);
    let over_plaintext = Signals { answer: body(BodyMark::HttpsOverPlaintext), ..plain.clone() };
    check("https over plaintext", &over_plaintext, C::Application, High);
    check(
        "connect-udp",
        &Signals { answer: body(BodyMark::H2oConnectUdp), ..same_host() },
        C::Application,
        High,
    );
    check(
        "one path only",
        &Signals { past: served.clone(), ..same_host() },
        C::Application,
        Medium,
    );
    // Near misses.
    check("never served", &same_host(), C::NameNotServed, High);
    check("another host", &Signals { past: served, ..coalesced() }, C::CoalescedTlsPolicy, Medium);
    check(
        "a member of a cluster",
        &Signals { answer: body(BodyMark::Leader), ..plain },
        C::ClusterRedirect,
        Medium,
    );
}

#[test]
fn a_cached_421_is_one_whoever_made_it() {
    let answer = ErrorResponse { from_cache: true, storable: true, ..ErrorResponse::default() };
    check("cached", &Signals { answer, ..same_host() }, C::Cached, High);
    check(
        "cached and relayed",
        &Signals {
            answer,
            origin: Attribution { is_relayed: true, ..made_by(Generator::Apache) },
            ..same_host()
        },
        C::Cached,
        High,
    );
    let not_421 = Signals { answer, refusal: Refusal::Rejected(400), ..wrong_sni() };
    check("a cached 400", &not_421, C::HostOverride, Medium);
}

#[test]
fn crawlers_are_turned_away_over_http2_only() {
    let crawler = Signals { agent: Seen::Known(AgentClass::Crawler), ..same_host() };
    let served = Past { served_under_own_name: true, ..Past::default() };
    check(
        "others are served",
        &Signals { past: served, ..crawler.clone() },
        C::CrawlerOptOut,
        High,
    );
    check("others were not seen", &crawler, C::CrawlerOptOut, Medium);
    check(
        "over HTTP/1.1",
        &Signals { version: HttpVersion::Http11, ..crawler },
        C::NameNotServed,
        High,
    );
}

#[test]
fn a_connect_is_not_to_be_compared() {
    let connect = Signals { is_tunnel: true, verdict: Verdict::ProxyRequest, ..coalesced() };
    check(
        "Caddy",
        &Signals { origin: made_by(Generator::Caddy), ..connect.clone() },
        C::ConnectCompared,
        High,
    );
    check("something else", &connect, C::ConnectCompared, Medium);
}

#[test]
fn who_sends_no_sni_is_told_by_who_asks() {
    for peer in [
        ClientKind::Proxy(Some(ServerSoftware::Nginx)),
        ClientKind::Proxy(None),
        ClientKind::LikelyProxy,
    ] {
        check("a proxy", &Signals { peer, ..no_sni() }, C::ProxyOmitsSni, High);
    }
    check("a client", &no_sni(), C::ClientOmitsSni, High);
    let unsure =
        Signals { peer: ClientKind::LikelyProxy, origin: made_by(Generator::Go), ..no_sni() };
    check("not Apache's", &unsure, C::ProxyOmitsSni, Medium);
    // An address needs no SNI: the server does not serve it, whatever that means.
    check("an address", &Signals { verdict: Verdict::NoSniIp, ..no_sni() }, C::Unknown, Low);
    let strict = Signals { refusal: Refusal::Rejected(403), ..no_sni() };
    check("SSLStrictSNIVHostCheck", &strict, C::ClientOmitsSni, High);
}

#[test]
fn advice_names_the_setting_of_the_software_at_hand() {
    let advice = |peer| explain(&Signals { peer, ..no_sni() }).advice;
    assert!(
        advice(ClientKind::Proxy(Some(ServerSoftware::Nginx)))
            .starts_with("nginx: `proxy_ssl_server_name on;")
    );
    assert!(
        advice(ClientKind::Proxy(Some(ServerSoftware::HaProxy)))
            .starts_with("HAProxy: `sni req.hdr(host)")
    );
    assert!(advice(ClientKind::Proxy(None)).contains("ALB"));
    let unknown = explain(&Signals { peer: ClientKind::LikelyProxy, ..wrong_sni() }).advice;
    assert!(unknown.contains("(Azure Front Door: origin host header;"), "{unknown}");
}

#[test]
fn a_proxys_wrong_sni_and_its_shared_pool_differ_in_the_first_request() {
    let known = ClientKind::Proxy(Some(ServerSoftware::Nginx));
    check("wrong from the start", &Signals { peer: known, ..wrong_sni() }, C::ProxyWrongSni, High);
    let kept_apart = Past { is_known_for: true, ..Past::default() };
    let pool = Signals { peer: known, past: kept_apart, ..shared_pool() };
    check("right at first", &pool, C::ProxyPoolNotKeyed, High);
    check("one SNI only", &Signals { peer: known, ..shared_pool() }, C::ProxyPoolNotKeyed, Medium);
    check(
        "likely one",
        &Signals { peer: ClientKind::LikelyProxy, ..wrong_sni() },
        C::ProxyWrongSni,
        Medium,
    );
    let many = Past { others_under_sni: 3, ..Past::default() };
    check(
        "for many hosts",
        &Signals { peer: ClientKind::LikelyProxy, past: many, ..wrong_sni() },
        C::ProxyWrongSni,
        High,
    );
    check(
        "likely a pool",
        &Signals { peer: ClientKind::LikelyProxy, ..shared_pool() },
        C::ProxyPoolNotKeyed,
        Medium,
    );
    check("a client", &wrong_sni(), C::HostOverride, Medium);
    check("a client, later", &shared_pool(), C::HostOverride, Medium);
    // Of a connection whose start was not seen, neither can be told.
    check(
        "start unseen",
        &Signals { peer: known, opened_for_sni: None, ..wrong_sni() },
        C::Unknown,
        Low,
    );
}

#[test]
fn an_sni_that_came_from_a_coalesced_front_is_told() {
    let known = ClientKind::Proxy(Some(ServerSoftware::HaProxy));
    check(
        "wrong from the start",
        &Signals { peer: known, front: front(true), ..wrong_sni() },
        C::FrontCoalescingLeaked,
        High,
    );
    check(
        "in a pool",
        &Signals { peer: known, front: front(true), ..shared_pool() },
        C::FrontCoalescingLeaked,
        High,
    );
    check(
        "not coalesced",
        &Signals { peer: known, front: front(false), ..wrong_sni() },
        C::ProxyWrongSni,
        High,
    );
    let other = Some(DownstreamHop { sni: Some(host("c.test")), ..front(true).unwrap() });
    check(
        "another SNI in front",
        &Signals { peer: known, front: other, ..wrong_sni() },
        C::ProxyWrongSni,
        High,
    );
}

#[test]
fn legal_coalescing_is_refused_for_settings_or_for_names() {
    check("Apache", &coalesced(), C::CoalescedTlsPolicy, Medium);
    check(
        "certificate unseen",
        &Signals { covered: None, verdict: Verdict::CoalescedUnverified, ..coalesced() },
        C::CoalescedTlsPolicy,
        Medium,
    );
    let nginx = Signals { origin: made_by(Generator::Nginx), ..coalesced() };
    check("nginx", &nginx, C::CoalescedTlsPolicy, Medium);
    let asks = Past { asks_certificate: true, ..Past::default() };
    check(
        "nginx asks for a certificate",
        &Signals { past: asks, ..nginx },
        C::CoalescedTlsPolicy,
        High,
    );
    for generator in [Generator::Caddy, Generator::Envoy, Generator::Traefik, Generator::HaProxy] {
        check(
            "compares names",
            &Signals { origin: made_by(generator), ..coalesced() },
            C::CoalescedNameCheck,
            High,
        );
    }
    check(
        "Go",
        &Signals { origin: made_by(Generator::Go), ..coalesced() },
        C::CoalescedNameCheck,
        Medium,
    );
    let reset = Signals { refusal: Refusal::Reset, origin: Attribution::UNKNOWN, ..coalesced() };
    check("Tomcat's reset", &reset, C::CoalescedNameCheck, Medium);
    check(
        "uncovered",
        &Signals { covered: Some(false), verdict: Verdict::MisdirectedUncovered, ..coalesced() },
        C::ReuseNotCovered,
        High,
    );
    // The first request on a connection is never a coalesced one.
    check(
        "first",
        &Signals { opened_for_sni: Some(false), first: Some(true), ..coalesced() },
        C::HostOverride,
        Medium,
    );
}

#[test]
fn a_backend_behind_an_sni_router_does_not_know_the_host() {
    let not_found = Signals {
        refusal: Refusal::Rejected(404),
        origin: made_by(Generator::Other),
        past: Past { names: 1, ..Past::default() },
        ..coalesced()
    };
    check("404", &not_found, C::PassthroughWildcard, Medium);
    let known = Past { names: 2, is_known_for: true, ..Past::default() };
    check(
        "it has the name",
        &Signals { past: known, ..not_found.clone() },
        C::PassthroughWildcard,
        Low,
    );
    let served = Past { served_under_own_name: true, ..Past::default() };
    check("it serves the name", &Signals { past: served, ..not_found }, C::Unknown, Low);
}

#[test]
fn a_name_that_is_not_served_is_the_last_guess_about_a_match() {
    check("fresh", &same_host(), C::NameNotServed, High);
    check("later", &Signals { first: Some(false), ..same_host() }, C::NameNotServed, Medium);
    check("alternative", &Signals { alt_used: true, ..same_host() }, C::BadAlternative, Medium);
    let relayed = Attribution { is_relayed: true, ..made_by(Generator::Apache) };
    check("relayed", &Signals { origin: relayed, ..same_host() }, C::Unknown, Low);
}

#[test]
fn dots_conflicts_and_ech_have_causes_of_their_own() {
    let dot =
        Signals { verdict: Verdict::MatchDot, origin: made_by(Generator::Caddy), ..same_host() };
    check("in the authority", &dot, C::TrailingDot, High);
    let sni = Sni::Name("a.test.".into());
    check(
        "in the SNI",
        &Signals { sni, verdict: Verdict::SniInvalid, ..same_host() },
        C::TrailingDot,
        High,
    );
    let invalid =
        Signals { sni: Sni::Name("192.0.2.1".into()), verdict: Verdict::SniInvalid, ..same_host() };
    check("an address", &invalid, C::Unknown, Low);
    check(
        "conflict",
        &Signals { verdict: Verdict::AuthorityConflict, ..same_host() },
        C::AmbiguousAuthority,
        Medium,
    );
    let ech = Signals { verdict: Verdict::EchIndeterminate, ..coalesced() };
    check("ECH", &ech, C::EchOuterCompared, Low);
    let shared = Past { others_under_sni: 2, ..Past::default() };
    check("a shared outer name", &Signals { past: shared, ..ech }, C::EchOuterCompared, Medium);
}

#[test]
fn what_was_served_before_is_told_as_evidence() {
    let past = Past { served_alike: true, ..Past::default() };
    for signals in [no_sni(), Signals { peer: ClientKind::LikelyProxy, ..wrong_sni() }] {
        let has =
            |signals: &Signals| explain(signals).evidence.contains(&Evidence::ServedAlikeByApache);
        assert!(has(&Signals { past: past.clone(), ..signals.clone() }) && !has(&signals));
    }
}

#[test]
fn evidence_says_what_was_seen_of_this_traffic() {
    for authority in ["b.test", "other.test"] {
        let signals = Signals { authority: Some(host(authority)), ..coalesced() };
        let names = NamePair { sni: Sni::Name("a.test".into()), authority: Some(host(authority)) };
        assert_eq!(explain(&signals).evidence[0], Evidence::Coalesced(names));
    }
}

#[test]
fn advice_claims_a_client_certificate_only_where_one_was_asked_for() {
    let nginx = Signals { origin: made_by(Generator::Nginx), ..coalesced() };
    let seen = Past { asks_certificate: true, ..Past::default() };
    let claim = "Handshakes for the target host ask for a client certificate";
    let advice = |signals: &Signals| explain(signals).advice;
    assert!(advice(&Signals { past: seen, ..nginx.clone() }).starts_with(claim));
    let possible = advice(&nginx);
    assert!(!possible.contains(claim), "{possible}");
    for setting in ["`ssl_verify_client`", "`return 421`"] {
        assert!(possible.contains(setting), "{possible}");
    }
}

#[test]
fn advice_for_the_sni_of_a_proxy_also_mends_its_pool() {
    let by = |peer| Signals { peer, ..no_sni() };
    for (peer, mends) in [
        (ClientKind::Proxy(Some(ServerSoftware::Nginx)), true),
        (ClientKind::Proxy(None), true),
        (ClientKind::LikelyProxy, true),
        // Keeps its connections apart by SNI.
        (ClientKind::Proxy(Some(ServerSoftware::HaProxy)), false),
    ] {
        for signals in [by(peer), Signals { peer, ..wrong_sni() }] {
            let advice = explain(&signals).advice;
            assert_eq!(advice.contains("`upstream {}`"), mends, "{peer:?}: {advice}");
        }
    }
    let again = Signals { first: Some(false), ..by(ClientKind::LikelyProxy) };
    assert!(explain(&again).evidence.contains(&Evidence::LaterRequest));
    let shared = Signals { hosts: 3, ..again };
    assert!(explain(&shared).evidence.contains(&Evidence::HostsOnConnection(3)));
}

#[test]
fn advice_for_apache_is_given_where_the_server_may_be_apache() {
    for (generator, expected) in [
        (Generator::Apache, "Until then, give"),
        (Generator::Unknown, "Until then, if the server is Apache"),
        (Generator::Nginx, ""),
    ] {
        let advice = explain(&Signals { origin: made_by(generator), ..no_sni() }).advice;
        let said = advice.find("Until then").and_then(|at| advice.get(at..)).unwrap_or_default();
        assert!(said.starts_with(expected) && said.is_empty() == expected.is_empty(), "{advice}");
    }
}
