use super::super::cause::{CauseId, Confidence, Evidence};
use super::*;
use crate::seen::Seen;
use crate::testing::{Certificate, Said, end, said};
use crate::wire::tls::alpn::PROBE;

fn host(name: String) -> Host {
    Host::Name(name.into())
}

#[test]
fn what_is_remembered_is_bounded_and_counted() {
    let mut classifier = Classifier::default();
    let endpoint = |at: usize| Endpoint::v4((at as u32).to_be_bytes(), 443);
    for at in 0..MAX_NAMES + 5 {
        classifier.record_served(endpoint(0), host(format!("n{at}.test")), false);
    }
    assert_eq!((classifier.forgotten(), classifier.pairs_forgotten()), (5, 0));
    for at in 1..2 * MAX_ENDPOINTS {
        classifier.record_served(endpoint(at), host("a.test".to_owned()), false);
        assert!(classifier.history.endpoints() <= MAX_ENDPOINTS);
    }
    // The first endpoint has lost all its names, and of the others one in two has lost its own.
    let forgotten = MAX_NAMES + MAX_ENDPOINTS - 1;
    assert_eq!((classifier.forgotten(), classifier.pairs_forgotten()), (5, forgotten as u64));
}

/// A request over TLS 1.3 as probes see it, without the certificate.
fn seen_live() -> Said {
    Said { status: 200, certificate: Certificate::Unseen, ..said() }
}

fn is_silent(classifier: &mut Classifier, said: Said) -> bool {
    classifier.classify(&said.exchange()).silent_misdirect
}

#[test]
fn a_host_that_was_served_under_its_own_name_is_no_silent_misdirect() {
    let own = Said { sni: Some("b.test"), authority: "b.test", ..seen_live() };
    let shared = Said { authority: "b.test", stream: 3, ..seen_live() };
    let unserved = Said { authority: "c.test", ..shared };
    let mut classifier = Classifier::default();
    assert!(is_silent(&mut classifier, shared));
    // Late, by another client, at the other end: it is the endpoint that counts.
    let at_client = Some((Side::Client, 7, "curl"));
    classifier.record(
        1,
        &Said { client: end(9, 1), process: at_client, times: (90, 99), ..own }.exchange(),
    );
    let at_server = Said { process: Some((Side::Server, 8, "nginx")), ..shared };
    let classification = classifier.classify(&at_server.exchange());
    assert!(!classification.silent_misdirect);
    // An answer is no proof that the endpoint is authoritative.
    assert_eq!(classification.verdict, Verdict::CoalescedUnverified);
    assert!(is_silent(&mut classifier, unserved));
    assert!(is_silent(&mut classifier, Said { server: end(3, 443), ..shared }));
    assert!(is_silent(&mut classifier, Said { server: end(2, 8443), ..shared }));
}

#[test]
fn what_does_not_show_that_a_host_is_served_leaves_the_misdirect_silent() {
    let own = Said { sni: Some("b.test"), authority: "b.test", ..seen_live() };
    let shared = Said { authority: "b.test", stream: 3, ..seen_live() };
    for other in [
        Said { status: 421, ..own },
        Said { status: 404, ..own },
        Said { status: 503, ..own },
        Said { sni: None, ..own },
        Said { sni: Some("a.test"), ..own },
        // The default host answers, with a certificate of its own.
        Said { certificate: Certificate::Own, ..own },
    ] {
        let mut classifier = Classifier::default();
        classifier.record(1, &other.exchange());
        assert!(is_silent(&mut classifier, shared), "{other:?}");
    }
}

#[test]
fn evidence_stays_as_long_as_its_endpoint_is_in_use() {
    let own = Said { sni: Some("b.test"), authority: "b.test", ..seen_live() };
    let shared = Said { authority: "b.test", stream: 3, ..seen_live() };
    let mut classifier = Classifier::default();
    classifier.record(1, &own.exchange());
    for at in 0..3 * MAX_ENDPOINTS as u32 {
        classifier.record_served(
            Endpoint::v4(at.to_be_bytes(), 443),
            host("a.test".to_owned()),
            false,
        );
        if at % 1000 == 0 {
            classifier.record(2, &shared.exchange());
        }
    }
    assert!(!is_silent(&mut classifier, shared));
}

#[test]
fn an_endpoint_with_more_names_than_are_remembered_is_not_accused() {
    let mut classifier = Classifier::default();
    let shared = Said { authority: "b.test", stream: 3, ..seen_live() };
    for at in 0..MAX_NAMES {
        classifier.record_served(end(2, 443), host(format!("n{at}.test")), false);
    }
    assert!(is_silent(&mut classifier, shared));
    classifier
        .record(1, &Said { sni: Some("b.test"), authority: "b.test", ..seen_live() }.exchange());
    assert!(!is_silent(&mut classifier, shared));
    assert_eq!(classifier.pairs_forgotten(), 1);
}

#[test]
fn what_a_probe_asks_is_no_misdirect_no_evidence_and_no_hop() {
    let asked_by_probe = |said: Said| {
        let mut exchange = said.exchange();
        exchange.hints.agent = Seen::Known(AgentClass::Probe);
        exchange
    };
    let shared = Said { authority: "b.test", stream: 3, ..seen_live() };
    let mut classifier = Classifier::default();
    classifier.record(
        1,
        &asked_by_probe(Said { sni: Some("b.test"), authority: "b.test", ..seen_live() }),
    );
    assert!(is_silent(&mut classifier, shared));
    for (said, expected) in [
        (shared, Some(CauseId::Probe)),
        (Said { status: 421, ..shared }, Some(CauseId::Probe)),
        (
            Said { sni: None, status: 421, version: HttpVersion::Http11, ..shared },
            Some(CauseId::Probe),
        ),
        (Said { authority: "a.test", ..shared }, None),
    ] {
        let classification = classifier.classify(&asked_by_probe(said));
        assert_eq!(classification.cause.as_ref().map(|cause| cause.id), expected, "{said:?}");
        assert!(!classification.silent_misdirect);
        // Legality is another matter.
        assert_eq!(classification.verdict, classifier.classify(&said.exchange()).verdict);
    }
    // The handshake tells, where the user agent was not read.
    let mut exchange = shared.exchange();
    let offered = ["h2", PROBE].into_iter().collect();
    Arc::make_mut(&mut exchange.connection).tls.as_mut().unwrap().alpn_offered = Some(offered);
    exchange.hints.agent = Seen::Unreadable;
    assert!(!classifier.classify(&exchange).silent_misdirect);
    // A proxy that hands a probe's request on.
    let (front, back) = chain();
    let mut classifier = Classifier::default();
    for (number, said) in [(1, back), (2, front)] {
        classifier.record(number, &asked_by_probe(said));
    }
    assert_eq!(classifier.classify(&asked_by_probe(front)).relayed_from, None);
}

/// What a proxy was asked, and what it asked for it, with nothing else on the machine.
fn chain() -> (Said, Said) {
    let front = Said {
        server: end(2, 443),
        times: (0, 40),
        authority: "b.test",
        sni: Some("b.test"),
        ..said()
    };
    let back = Said {
        client: end(2, 40_000),
        server: end(3, 8443),
        sni: None,
        version: HttpVersion::Http11,
        times: (10, 30),
        ..front
    };
    (front, back)
}

/// Rules on all, after all were noted, in this order.
fn rule(said: &[Said]) -> Vec<Classification> {
    let mut classifier = Classifier::default();
    let exchanges: Vec<_> = said.iter().map(Said::exchange).collect();
    for (number, exchange) in (1..).zip(&exchanges) {
        classifier.record(number, exchange);
    }
    exchanges.iter().map(|exchange| classifier.classify(exchange)).collect()
}

fn cause(classification: &Classification) -> CauseId {
    classification.cause.as_ref().unwrap().id
}

#[test]
fn both_hops_of_a_proxy_in_a_capture_have_one_cause() {
    let (front, back) = chain();
    let rulings = rule(&[back, front]);
    assert_eq!(
        (cause(&rulings[0]), cause(&rulings[1])),
        (CauseId::ProxyOmitsSni, CauseId::ProxyOmitsSni)
    );
    let relayed = rulings[1].relayed_from.unwrap();
    assert_eq!(
        (relayed.connection, relayed.stream, relayed.confidence),
        (1, 1, Confidence::Medium)
    );
    let relayed = Evidence::RelayedFrom { connection: 1, stream: 1 };
    assert_eq!(rulings[1].cause.as_ref().unwrap().evidence[0], relayed);
    // Not those that only look alike.
    for other in [
        Said { times: (10, 50), ..back },
        Said { path: 2, ..back },
        Said { client: end(7, 40_000), ..back },
        Said { authority: "c.test", ..back },
        Said { status: 400, ..back },
    ] {
        assert_eq!(rule(&[other, front])[1].relayed_from, None, "{other:?}");
    }
}

#[test]
fn where_two_fit_none_is_taken() {
    let (front, back) = chain();
    let second = Said { client: end(2, 40_001), ..back };
    let rulings = rule(&[back, second, front]);
    assert!(rulings.iter().all(|classification| classification.relayed_from.is_none()));
    assert_eq!(cause(&rulings[0]), CauseId::ClientOmitsSni);
    // Two that came in, and one that went out.
    let other = Said { client: end(1, 1001), ..front };
    let rulings = rule(&[back, front, other]);
    assert!(rulings.iter().all(|classification| classification.relayed_from.is_none()));
}

#[test]
fn one_process_at_both_hops_is_sure_and_two_are_none() {
    let (front, back) = chain();
    let at_front = |pid| Said { process: Some((Side::Server, pid, "nginx")), ..front };
    let at_back = Said { process: Some((Side::Client, 7, "nginx")), ..back };
    let rulings = rule(&[at_back, at_front(7)]);
    assert_eq!(rulings[1].relayed_from.unwrap().confidence, Confidence::High);
    assert_eq!(cause(&rulings[1]), CauseId::ProxyOmitsSni);
    let rulings = rule(&[at_back, at_front(8)]);
    assert_eq!(rulings[1].relayed_from, None);
}

#[test]
fn who_asks_is_known_from_the_other_end() {
    let (_, back) = chain();
    let server = Said { process: Some((Side::Server, 9, "apache2")), ..back };
    let client = |command| Said { process: Some((Side::Client, 7, command)), ..back };
    // The server's end is told first.
    let rulings = rule(&[server, client("haproxy")]);
    assert_eq!(
        (cause(&rulings[0]), cause(&rulings[1])),
        (CauseId::ProxyOmitsSni, CauseId::ProxyOmitsSni)
    );
    assert_eq!(rulings[0].generator, Some(Generator::Apache));
    let rulings = rule(&[server, client("curl")]);
    assert_eq!(
        (cause(&rulings[0]), cause(&rulings[1])),
        (CauseId::ClientOmitsSni, CauseId::ClientOmitsSni)
    );
}

#[test]
fn other_statuses_are_about_names_only_where_the_same_was_not_served() {
    let mismatch =
        Said { status: 400, version: HttpVersion::Http11, authority: "b.test", ..said() };
    assert_eq!(cause(&rule(&[mismatch])[0]), CauseId::HostOverride);
    let served = Said { status: 200, client: end(4, 1), ..mismatch };
    assert_eq!(rule(&[mismatch, served])[0].cause, None);
    for other in [
        Said { status: 403, ..mismatch },
        Said { status: 500, ..mismatch },
        Said { authority: "a.test", ..mismatch },
    ] {
        assert_eq!(rule(&[other])[0].cause, None, "{other:?}");
    }
}

#[test]
fn what_is_remembered_of_hops_is_bounded() {
    let mut classifier = Classifier::default();
    let many = MAX_REMEMBERED + 100;
    for number in 0..many as u64 {
        let (_, back) = chain();
        let place = u16::try_from(number % 60_000).unwrap();
        let process = Some((Side::Client, 7, "nginx"));
        let asked = Said { client: end(2, place), path: number, process, ..back };
        classifier.record(number, &asked.exchange());
    }
    let (remembered, links, processes) = classifier.hops.sizes();
    assert!(remembered <= MAX_REMEMBERED && links <= MAX_REMEMBERED && processes <= MAX_PROCESSES);
}
