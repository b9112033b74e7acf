use anyhow::Result;
use serde_json::json;
use wrongdoor_tests::binary;
use wrongdoor_tests::report::{Report, text};
use wrongdoor_tests::scenario::{Scene, Upstream, proxy_chain};

/// The hop in front has keys, the hop behind has none: nginx logs none.
fn hops(scene: &Scene) -> Result<(Report, Vec<serde_json::Value>)> {
    let mut report = binary::analyze(scene)?;
    let back = format!("127.0.0.1:{}", scene.ports.first().expect("a port"));
    let (behind, front): (Vec<_>, Vec<_>) = report
        .connections
        .drain(..)
        .partition(|connection| text(connection, "server") == Some(&back));
    report.connections = front;
    assert_eq!(report.exchanges.len(), scene.sent.len(), "{:#?}", report.exchanges);
    for exchange in &report.exchanges {
        // All that the client did was right.
        assert_eq!(text(exchange, "verdict"), Some("match"), "{exchange:#}");
    }
    Ok((report, behind))
}

#[test]
fn a_proxy_without_sni_shows_on_the_hop_behind() -> Result<()> {
    let scene = proxy_chain(Upstream::NoSni)?;
    let (report, behind) = hops(&scene)?;
    assert!(!behind.is_empty());
    for connection in &behind {
        assert_eq!(text(connection, "sni_state"), Some("absent"), "{connection:#}");
    }
    for exchange in report.of_authority("b.test") {
        assert_eq!(exchange.get("status"), Some(&json!(421)));
    }
    Ok(())
}

#[test]
fn a_proxy_that_passes_the_name_on_has_no_421() -> Result<()> {
    let scene = proxy_chain(Upstream::HostName)?;
    let (report, behind) = hops(&scene)?;
    let mut names: Vec<_> =
        behind.iter().filter_map(|connection| text(connection, "sni")).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names, ["a.test", "b.test"]);
    assert_eq!(report.summary.get("misdirected"), Some(&json!(0)));
    Ok(())
}

#[test]
fn a_pool_that_ignores_names_misdirects_what_it_reuses() -> Result<()> {
    let scene = proxy_chain(Upstream::Pool)?;
    let (report, behind) = hops(&scene)?;
    let names: Vec<_> = behind.iter().filter_map(|connection| text(connection, "sni")).collect();
    // Fewer connections than requests, and each of them opened for the first host.
    assert!(names.len() < scene.sent.len(), "{behind:#?}");
    assert!(names.iter().all(|name| *name == "a.test"), "{behind:#?}");
    assert_eq!(report.of_authority("b.test").len(), 2);
    for exchange in report.of_authority("b.test") {
        assert_eq!(exchange.get("status"), Some(&json!(421)), "{exchange:#}");
    }
    Ok(())
}
