use anyhow::Result;
use serde_json::{Value, json};
use wrongdoor_tests::binary;
use wrongdoor_tests::report::{Report, number, text};
use wrongdoor_tests::scenario::Scene;

/// Analyzes a scene and checks what holds for each: every request that was sent is reported
/// once, with the SNI, authority, version and status that it had, and the sums agree.
#[track_caller]
pub(crate) fn analyzed(scene: &Scene) -> Result<Report> {
    let report = binary::analyze(scene)?;
    let mut expected: Vec<Value> = scene
        .sent
        .iter()
        .map(|sent| json!([sent.sni, sent.authority, sent.http.version(), sent.status]))
        .collect();
    let mut reported: Vec<Value> = report
        .exchanges
        .iter()
        .map(|exchange| {
            let field = |key: &str| exchange.get(key).cloned().unwrap_or_default();
            json!([field("sni"), field("authority"), field("http_version"), field("status")])
        })
        .collect();
    expected.sort_by_key(Value::to_string);
    reported.sort_by_key(Value::to_string);
    assert_eq!(reported, expected, "{:#?}", report.exchanges);

    let misdirected = scene.misdirected() as u64;
    assert_eq!(number(&report.summary, "exchanges"), Some(scene.sent.len() as u64));
    assert_eq!(number(&report.summary, "misdirected"), Some(misdirected));
    assert_eq!(number(&report.summary, "lost"), Some(0));
    let connections = report.connections.len() as u64;
    assert_eq!(number(&report.summary, "connections"), Some(connections));
    for exchange in &report.exchanges {
        assert_eq!(text(exchange, "source"), Some("file"));
        assert_eq!(exchange.get("role"), Some(&Value::Null));
    }
    Ok(report)
}

/// The one exchange with these facts, asserted to have `field` = `value`.
#[track_caller]
pub(crate) fn fact(
    report: &Report,
    facts: &[(&str, Value)],
    field: &str,
    value: &Value,
) -> Result<()> {
    let exchange = report.the_exchange(facts)?;
    assert_eq!(exchange.get(field), Some(value), "{field} of {exchange:#}");
    Ok(())
}
