use anyhow::Result;
use serde_json::json;
use wrongdoor_tests::scenario;

use crate::expect::{analyzed, fact};

#[test]
fn absence_is_known_and_judged_by_the_authority() -> Result<()> {
    let report = analyzed(&scenario::no_sni()?)?;
    for http in ["1.1", "2"] {
        for (authority, status, verdict) in
            [("b.test", 421, "no_sni"), ("a.test", 200, "no_sni"), ("127.0.0.1", 200, "no_sni_ip")]
        {
            let asked = [("authority", json!(authority)), ("http_version", json!(http))];
            fact(&report, &asked, "sni_state", &json!("absent"))?;
            fact(&report, &asked, "sni", &json!(null))?;
            fact(&report, &asked, "status", &json!(status))?;
            fact(&report, &asked, "verdict", &json!(verdict))?;
        }
    }
    // Nothing to compare, nothing that differs.
    assert_eq!(report.summary.get("mismatched"), Some(&json!(0)));
    Ok(())
}
