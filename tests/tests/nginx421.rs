use anyhow::Result;
use serde_json::json;
use wrongdoor_tests::scenario;

use crate::expect::{analyzed, fact};

#[test]
fn a_host_with_client_certificates_refuses() -> Result<()> {
    let report = analyzed(&scenario::client_certificates()?)?;
    for (http, verdict) in [("1.1", "mismatch_h1_uncovered"), ("2", "misdirected_uncovered")] {
        let refused = [("authority", json!("d.test")), ("http_version", json!(http))];
        fact(&report, &refused, "status", &json!(421))?;
        fact(&report, &refused, "verdict", &json!(verdict))?;
        fact(&report, &refused, "silent_misdirect", &json!(false))?;
    }
    Ok(())
}

#[test]
fn what_is_served_for_another_name_is_silent() -> Result<()> {
    let report = analyzed(&scenario::client_certificates()?)?;
    for http in ["1.1", "2"] {
        let served = [("authority", json!("e.test")), ("http_version", json!(http))];
        fact(&report, &served, "status", &json!(200))?;
        fact(&report, &served, "silent_misdirect", &json!(true))?;
    }
    // Two refused, two served.
    assert_eq!(report.summary.get("mismatched"), Some(&json!(4)));
    Ok(())
}
