use super::super::dialect::Dialect;
use super::super::names::{HALVE_EVERY, IDLE_AFTER, MAX_NAME, MAX_NAMES};
use super::super::series::MAX_SERIES;
use super::*;
use crate::testing::exchanges;
use wrongdoor_core::explain::classifier::Classifier;
use wrongdoor_core::name::{Host, Sni};
use wrongdoor_core::observation::Response;

const START: Duration = Duration::ZERO;

/// A request for `authority` on a connection for `sni`, with the rest as on the wire.
fn request(like: &Exchange, authority: &str, sni: &str) -> Exchange {
    let mut exchange = like.clone();
    let asked = Arc::make_mut(&mut exchange.authority).parsed.as_mut().unwrap();
    asked.host = Host::Name(authority.into());
    let tls = Arc::make_mut(&mut exchange.connection).tls.as_mut().unwrap();
    tls.sni = Sni::from_bytes(sni.as_bytes());
    tls.sni_host = Some((Host::Name(sni.into()), None));
    exchange
}

fn misdirected() -> Exchange {
    exchanges("coalescing").into_iter().find(Exchange::is_misdirected).unwrap()
}

fn count(requests: &mut Requests, exchange: &Exchange, now: Duration) {
    requests.count(exchange, &Classifier::default().classify(exchange), None, now);
}

fn exposed(requests: &Requests) -> String {
    Dialect::Text.encode(requests.families().collect()).unwrap()
}

fn line<'a>(text: &'a str, name: &str, parts: &[&str]) -> Option<&'a str> {
    text.lines().find(|line| line.starts_with(name) && parts.iter().all(|part| line.contains(part)))
}

#[test]
fn a_capture_is_counted_under_the_contracts_names() {
    let mut requests = Requests::default();
    for exchange in exchanges("coalescing") {
        count(&mut requests, &exchange, START);
    }
    let text = exposed(&requests);
    for expected in [
        r#"wrongdoor_exchanges_total{role="observer",authority="f.test",verdict="match",outcome="served",http_version="2",namespace="",workload=""} 2"#,
        r#"wrongdoor_exchanges_total{role="observer",authority="f.test",verdict="match",outcome="misdirected",http_version="2",namespace="",workload=""} 0"#,
        r#"wrongdoor_misdirected_total{role="observer",authority="f.test",sni="f.test",cause="unknown",generator="unknown",namespace="",workload=""} 0"#,
        r#"wrongdoor_misdirected_total{role="observer",authority="g.test",sni="f.test",cause="coalesced_tls_policy",generator="apache",namespace="",workload=""} 1"#,
        r#"wrongdoor_authority_mismatches_total{role="observer",authority="g.test",sni="f.test",verdict="coalesced_unverified",outcome="misdirected",namespace="",workload=""} 1"#,
    ] {
        assert!(text.lines().any(|line| line == expected), "no {expected} in\n{text}");
    }
    assert!(line(&text, "wrongdoor_silent_misdirects_total", &[]).is_none(), "{text}");
}

#[test]
fn a_silent_misdirect_is_counted() {
    let mut exchange = misdirected();
    exchange.response = Response::answered(200, exchange.ended());
    let mut requests = Requests::default();
    count(&mut requests, &exchange, START);
    let text = exposed(&requests);
    let silent = r#"wrongdoor_silent_misdirects_total{role="observer",authority="g.test",sni="f.test",verdict="coalesced_unverified",namespace="",workload=""} 1"#;
    assert!(text.contains(silent), "{text}");
}

#[test]
fn neither_addresses_nor_what_is_no_authority_are_labels() {
    let mut requests = Requests::default();
    let mut exchange = misdirected();
    let asked = Arc::make_mut(&mut exchange.authority).parsed.as_mut().unwrap();
    asked.host = Host::Ip([192, 0, 2, 1].into());
    count(&mut requests, &exchange, START);
    Arc::make_mut(&mut exchange.authority).parsed = None;
    count(&mut requests, &exchange, START);
    let text = exposed(&requests);
    assert!(!text.contains("192.0.2.1") && !text.contains("g.test"), "{text}");
    assert!(line(&text, "wrongdoor_misdirected_total", &["authority=\"ip\"", " 1"]).is_some());
    assert!(line(&text, "wrongdoor_misdirected_total", &["authority=\"\"", " 1"]).is_some());
}

#[test]
fn a_flood_of_names_is_counted_and_takes_no_room() {
    let like = misdirected();
    let mut requests = Requests::default();
    for _ in 0..10 {
        count(&mut requests, &request(&like, "frequent.test", "frequent.test"), START);
    }
    let mut flood = like;
    let total = 1_000_000;
    let filler = "n".repeat(MAX_NAME - 10);
    let name = |at: u32| format!("{at:010}{filler}").into_boxed_str();
    assert_eq!(name(0).len(), MAX_NAME);
    let mut sizes = Vec::new();
    for at in 0..total {
        let now = START + Duration::from_millis(at.into());
        let asked = Arc::make_mut(&mut flood.authority).parsed.as_mut().unwrap();
        asked.host = Host::Name(name(at));
        let tls = Arc::make_mut(&mut flood.connection).tls.as_mut().unwrap();
        tls.sni = Sni::Name(name(at + 7));
        count(&mut requests, &flood, now);
        if at % 1000 == 0 {
            requests.age(now);
        }
        if at % 100_000 == 99_999 {
            sizes.push(exposed(&requests).len());
        }
    }
    assert!(sizes.iter().all(|size| *size < 1024 * 1024), "{sizes:?}");
    assert!(sizes.windows(2).all(|pair| pair[1] <= pair[0] + 64 * 1024), "it grows: {sizes:?}");
    let text = exposed(&requests);
    assert!(line(&text, "wrongdoor_misdirected_total", &["frequent.test", " 10"]).is_some());
    let others = ["authority=\"other\"", "sni=\"other\""];
    assert!(line(&text, "wrongdoor_misdirected_total", &others).is_some());
}

#[test]
fn every_family_keeps_its_bound() {
    let like = misdirected();
    let mut requests = Requests::default();
    // Every authority on connections for every server name, in both kinds of outcome.
    for at in 0..4 * MAX_SERIES {
        let (authority, sni) = (at % MAX_NAMES, at / MAX_NAMES);
        let mut exchange = request(&like, &format!("a{authority}.test"), &format!("s{sni}.test"));
        exchange.response = Response::answered([421, 200][at % 2], exchange.ended());
        count(&mut requests, &exchange, START);
    }
    let text = exposed(&requests);
    for name in ["exchanges", "misdirected", "authority_mismatches", "silent_misdirects"] {
        let name = format!("wrongdoor_{name}_total{{");
        let series = text.lines().filter(|line| line.starts_with(&name)).count();
        assert!((1..=MAX_SERIES).contains(&series), "{series} of {name}");
    }
    assert_eq!(requests.totals(), (4 * MAX_SERIES as u64, 2 * MAX_SERIES as u64));
}

#[test]
fn the_series_of_what_is_idle_are_removed_and_begin_anew() {
    let like = misdirected();
    let mut requests = Requests::default();
    let exchange = request(&like, "a.test", "b.test");
    count(&mut requests, &exchange, START);
    count(&mut requests, &exchange, START);
    requests.age(HALVE_EVERY);
    assert!(exposed(&requests).contains("a.test"));
    requests.age(IDLE_AFTER + HALVE_EVERY);
    let text = exposed(&requests);
    assert!(!text.contains("a.test") && !text.contains("b.test"), "{text}");
    count(&mut requests, &exchange, IDLE_AFTER + HALVE_EVERY);
    let text = exposed(&requests);
    assert!(
        line(&text, "wrongdoor_misdirected_total", &["a.test", "b.test", " 1"]).is_some(),
        "{text}"
    );
}

fn web(number: usize) -> Arc<Workload> {
    let name = format!("web-{number}").into();
    Arc::new(Workload { namespace: "shop".into(), kind: "Deployment".into(), name })
}

#[test]
fn workloads_are_told_apart_within_the_bound_on_series() {
    let mut requests = Requests::default();
    let exchange = request(&misdirected(), "a.test", "b.test");
    let classification = Classifier::default().classify(&exchange);
    for workload in [Some(web(0)), Some(web(1)), None, Some(web(0))] {
        requests.count(&exchange, &classification, workload.as_ref(), START);
    }
    let text = exposed(&requests);
    for (labels, expected) in [
        ("namespace=\"shop\",workload=\"web-0\"", 2),
        ("namespace=\"shop\",workload=\"web-1\"", 1),
        ("namespace=\"\",workload=\"\"", 1),
    ] {
        for name in ["wrongdoor_exchanges_total{", "wrongdoor_misdirected_total{"] {
            let value = format!(" {expected}");
            assert!(line(&text, name, &["\"a.test\"", labels, &value]).is_some(), "{name} {text}");
        }
    }
    for number in 0..2 * MAX_SERIES {
        requests.count(&exchange, &classification, Some(&web(number)), START);
    }
    let text = exposed(&requests);
    for name in ["wrongdoor_exchanges_total{", "wrongdoor_misdirected_total{"] {
        let series = text.lines().filter(|line| line.starts_with(name)).count();
        assert!((MAX_SERIES / 2..=MAX_SERIES).contains(&series), "{series} of {name}");
    }
}

#[test]
fn workloads_of_one_name_are_one_series_whatever_their_kind() {
    let mut requests = Requests::default();
    let exchange = request(&misdirected(), "a.test", "b.test");
    let classification = Classifier::default().classify(&exchange);
    for kind in ["Deployment", "Rollout"] {
        let workload = Workload { kind: kind.into(), ..Workload::clone(&web(0)) };
        requests.count(&exchange, &classification, Some(&Arc::new(workload)), START);
    }
    let text = exposed(&requests);
    let mut series: Vec<&str> =
        text.lines().filter_map(|line| Some(line.rsplit_once(' ')?.0)).collect();
    let all = series.len();
    series.sort_unstable();
    series.dedup();
    assert_eq!(series.len(), all, "{text}");
    let counted = line(&text, "wrongdoor_misdirected_total", &["workload=\"web-0\"", " 2"]);
    assert!(counted.is_some(), "{text}");
}
