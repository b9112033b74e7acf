use anyhow::Result;
use serde_json::json;
use wrongdoor_tests::report::text;
use wrongdoor_tests::scenario;

use crate::expect::{analyzed, fact};

#[test]
fn two_names_on_one_connection() -> Result<()> {
    let report = analyzed(&scenario::coalescing()?)?;
    let [connection] = report.connections.as_slice() else {
        panic!("one connection, but {:#?}", report.connections);
    };
    assert_eq!(connection.get("authorities"), Some(&json!(["f.test", "g.test"])));
    assert_eq!(connection.get("exchanges"), Some(&json!(3)));
    assert_eq!(connection.get("misdirected"), Some(&json!(1)));
    assert_eq!(text(connection, "alpn"), Some("h2"));
    Ok(())
}

#[test]
fn a_covered_name_without_more_evidence_is_unverified() -> Result<()> {
    let report = analyzed(&scenario::coalescing()?)?;
    let coalesced = [("authority", json!("g.test"))];
    fact(&report, &coalesced, "verdict", &json!("coalesced_unverified"))?;
    fact(&report, &coalesced, "status", &json!(421))?;
    fact(&report, &coalesced, "first_on_connection", &json!(false))?;
    fact(&report, &coalesced, "stream", &json!(3))?;
    for exchange in report.of_authority("f.test") {
        assert_eq!(text(exchange, "verdict"), Some("match"), "{exchange:#}");
    }
    Ok(())
}
