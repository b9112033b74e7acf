use super::super::probe_event::Observer;
use super::super::{ConnectionId, Decryption, Ends, ServerCertificate, Source, TransportKind};
use super::*;
use crate::http::HttpVersion::{Http2, Http10, Http11};
use crate::name::CertificateNames;
use crate::time::Timestamp;
use crate::wire::net::Endpoint;
use std::sync::Arc;

/// A connection to 192.0.2.2:443 whose handshake asked for `sni`.
fn connection(sni: Sni) -> Facts {
    let tls = Tls { sni_host: sni.host(), sni, ..Tls::default() };
    Facts {
        id: ConnectionId(1),
        ends: Some(Ends {
            client: Endpoint::v4([192, 0, 2, 1], 50000),
            server: Endpoint::v4([192, 0, 2, 2], 443),
        }),
        client_declared: None,
        transport: TransportKind::Tcp,
        tls: Some(tls),
        decryption: Decryption::KeyLog,
        opened: None,
        first_seen: Timestamp(0),
        origins: None,
        observer: Observer::default(),
        source: Source::File,
    }
}

fn named(sni: &str) -> Facts {
    connection(Sni::from_bytes(sni.as_bytes()))
}

fn with_certificate(mut facts: Facts, names: &[&str]) -> Facts {
    let mut certificate = CertificateNames::default();
    names.iter().for_each(|name| certificate.add_dns(name));
    if let Some(tls) = &mut facts.tls {
        tls.certificate = Some(ServerCertificate::seen(certificate));
    }
    facts
}

fn with_alpn(mut facts: Facts, alpn: &str) -> Facts {
    if let Some(tls) = &mut facts.tls {
        tls.alpn = Some(alpn.into());
    }
    facts
}

fn of_workload(mut facts: Facts) -> Facts {
    let mut certificate = CertificateNames::default();
    certificate.add_uri("spiffe://cluster.local/ns/shop/sa/web");
    if let Some(tls) = &mut facts.tls {
        tls.certificate = Some(ServerCertificate::seen(certificate));
    }
    facts
}

fn with_ech(mut facts: Facts) -> Facts {
    if let Some(tls) = &mut facts.tls {
        tls.ech = true;
    }
    facts
}

fn authority(raw: &str) -> RequestAuthority {
    let parsed = Authority::parse(raw.as_bytes()).ok();
    let is_good = parsed.as_ref().is_some_and(|parsed| !parsed.userinfo);
    let defect = (!is_good).then_some(AuthorityDefect::Malformed);
    RequestAuthority { raw: Seen::Known(raw.into()), parsed, defect }
}

fn verdict(facts: &Facts, version: HttpVersion, raw: &str) -> Verdict {
    judged(facts, version, &authority(raw), false)
}

fn judged(
    facts: &Facts,
    version: HttpVersion,
    authority: &RequestAuthority,
    tunnel: bool,
) -> Verdict {
    judge(
        facts,
        &Request {
            version,
            authority,
            tunnel,
            sni_was_asked_for: false,
            origins: facts.origins.as_deref(),
        },
    )
}

#[test]
fn what_comes_before_comparing_comes_in_the_order_of_the_contract() {
    let plain = Facts { tls: None, ..named("a.test") };
    let none = RequestAuthority { raw: Seen::Absent, parsed: None, defect: None };
    let demanded = RequestAuthority { defect: Some(AuthorityDefect::Malformed), ..none.clone() };
    let conflict =
        RequestAuthority { defect: Some(AuthorityDefect::Conflict), ..authority("b.test") };
    let a = named("a.test");
    let unseen = connection(Sni::Unseen);
    let cases = [
        (judged(&plain, Http11, &none, true), Verdict::NotTls),
        (judged(&unseen, Http11, &demanded, true), Verdict::Unknown),
        (judged(&a, Http2, &RequestAuthority::default(), true), Verdict::Unknown),
        (judged(&a, Http11, &demanded, true), Verdict::Malformed),
        (judged(&a, Http11, &authority("user@b.test"), false), Verdict::Malformed),
        (judged(&a, Http10, &none, true), Verdict::NoAuthority),
        (judged(&a, Http11, &conflict, true), Verdict::ProxyRequest),
        (judged(&a, Http2, &conflict, false), Verdict::AuthorityConflict),
    ];
    for (at, (found, expected)) in cases.into_iter().enumerate() {
        assert_eq!(found, expected, "case {at}");
    }
}

#[test]
fn hosts_are_compared_and_ports_are_not() {
    let cases = [
        (Sni::Absent, "192.0.2.2:8443", Verdict::NoSniIp),
        (Sni::Absent, "[2001:db8::1]", Verdict::NoSniIp),
        (Sni::Absent, "a.test", Verdict::NoSni),
        (Sni::from_bytes(b"A.Test"), "a.TEST:8443", Verdict::Match),
        (Sni::from_bytes(b"a.test"), "a.test.", Verdict::MatchDot),
        (Sni::from_bytes(b"a.test."), "a.test", Verdict::SniInvalid),
        (Sni::from_bytes(b"a.test:443"), "a.test:443", Verdict::SniInvalid),
        (Sni::from_bytes(b"192.0.2.2"), "192.0.2.2", Verdict::SniInvalid),
        (Sni::from_bytes(b"xn--bcher-kva.example"), "b\u{fc}cher.example", Verdict::Match),
        (Sni::from_bytes(b"a.test"), "b.test", Verdict::MismatchH1),
    ];
    for (sni, raw, expected) in cases {
        assert_eq!(verdict(&connection(sni.clone()), Http11, raw), expected, "{sni:?} {raw}");
    }
}

#[test]
fn the_certificate_decides_what_reuse_is() {
    let unknown = named("a.test");
    let covering = with_certificate(named("a.test"), &["a.test", "*.w.test"]);
    let cases = [
        (&unknown, Http2, "b.test", Verdict::CoalescedUnverified),
        (&covering, Http2, "b.test", Verdict::MisdirectedUncovered),
        (&covering, Http2, "x.w.test", Verdict::CoalescedUnverified),
        (&covering, Http11, "b.test", Verdict::MismatchH1Uncovered),
        (&covering, Http11, "x.w.test", Verdict::MismatchH1),
        (&covering, Http10, "x.y.w.test", Verdict::MismatchH1Uncovered),
    ];
    for (facts, version, raw, expected) in cases {
        assert_eq!(verdict(facts, version, raw), expected, "{version:?} {raw}");
    }
}

#[test]
fn an_origin_set_permits_and_excludes() {
    let mut origins = OriginSet::default();
    origins.add(Host::Name("b.test".into()), 443);
    let mut facts = with_certificate(named("a.test"), &["*.test", "a.test", "b.test", "c.test"]);
    facts.origins = Some(Arc::new(origins));
    assert_eq!(verdict(&facts, Http2, "b.test"), Verdict::CoalescedLegal);
    assert_eq!(verdict(&facts, Http2, "b.test:8443"), Verdict::CoalescedOutsideOriginSet);
    assert_eq!(verdict(&facts, Http2, "c.test"), Verdict::CoalescedOutsideOriginSet);
    assert_eq!(verdict(&facts, Http2, "d.example"), Verdict::MisdirectedUncovered);
    assert_eq!(verdict(&facts, Http11, "c.test"), Verdict::MismatchH1);
}

#[test]
fn with_ech_only_evidence_makes_a_mismatch() {
    let grease = with_ech(named("a.test"));
    assert_eq!(verdict(&grease, Http2, "a.test"), Verdict::Match);
    assert_eq!(verdict(&grease, Http2, "b.test"), Verdict::EchIndeterminate);
    let b = authority("b.test");
    let request = Request {
        version: Http2,
        authority: &b,
        tunnel: false,
        sni_was_asked_for: true,
        origins: None,
    };
    assert_eq!(judge(&grease, &request), Verdict::CoalescedUnverified);
    let both = with_certificate(with_ech(named("a.test")), &["a.test", "b.test"]);
    assert_eq!(verdict(&both, Http2, "b.test"), Verdict::CoalescedUnverified);
    let inner_only = with_certificate(with_ech(named("public.test")), &["b.test"]);
    assert_eq!(verdict(&inner_only, Http2, "b.test"), Verdict::EchIndeterminate);
    assert_eq!(verdict(&connection(Sni::Encrypted), Http2, "b.test"), Verdict::EchIndeterminate);
}

#[test]
fn a_mesh_is_known_by_name_protocol_or_certificate() {
    let named_for_workload = named("outbound_.80_._.web.shop.svc.cluster.local");
    assert_eq!(verdict(&named_for_workload, Http11, "web.shop"), Verdict::Mesh);
    assert_eq!(verdict(&named_for_workload, Http2, "web.shop"), Verdict::Mesh);
    assert_eq!(verdict(&with_alpn(named("a.test"), "istio-h2"), Http2, "b.test"), Verdict::Mesh);
    assert_eq!(verdict(&of_workload(named("a.test")), Http2, "b.test"), Verdict::Mesh);
    let mut offered = named("a.test");
    offered.tls.as_mut().unwrap().alpn_offered = Some(["istio"].into_iter().collect());
    assert_eq!(verdict(&offered, Http11, "b.test"), Verdict::Mesh);
    assert!(!Verdict::Mesh.is_mismatch());
}

#[test]
fn a_plain_name_is_never_excused_as_mesh() {
    let mut offered = with_alpn(named("a.test"), "h2");
    offered.tls.as_mut().unwrap().alpn_offered = Some(["istio"].into_iter().collect());
    assert_eq!(verdict(&offered, Http2, "b.test"), Verdict::CoalescedUnverified);
    let mut certificate = CertificateNames::default();
    certificate.add_uri("spiffe://cluster.local/ns/shop/sa/web");
    certificate.add_dns("a.test");
    let mut with_hosts = with_alpn(named("a.test"), "h2");
    with_hosts.tls.as_mut().unwrap().certificate = Some(ServerCertificate::seen(certificate));
    assert_eq!(verdict(&with_hosts, Http2, "b.test"), Verdict::MisdirectedUncovered);
}
