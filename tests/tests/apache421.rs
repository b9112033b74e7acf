use anyhow::Result;
use serde_json::json;
use wrongdoor_tests::report::text;
use wrongdoor_tests::scenario;

use crate::expect::{analyzed, fact};

#[test]
fn each_request_has_its_verdict() -> Result<()> {
    let report = analyzed(&scenario::apache_two_hosts()?)?;
    // The certificate is visible without keys in TLS 1.2 and with them in 1.3: it covers a.test.
    for (http, verdict) in [("1.1", "mismatch_h1_uncovered"), ("2", "misdirected_uncovered")] {
        let wrong = [
            ("sni", json!("a.test")),
            ("authority", json!("b.test")),
            ("http_version", json!(http)),
        ];
        fact(&report, &wrong, "verdict", &json!(verdict))?;
        fact(&report, &wrong, "status", &json!(421))?;
        fact(&report, &wrong, "first_on_connection", &json!(true))?;
        fact(&report, &wrong, "silent_misdirect", &json!(false))?;
        let right = [
            ("sni", json!("b.test")),
            ("authority", json!("b.test")),
            ("http_version", json!(http)),
        ];
        fact(&report, &right, "verdict", &json!("match"))?;
    }
    Ok(())
}

#[test]
fn connections_sum_up_what_happened_on_them() -> Result<()> {
    let report = analyzed(&scenario::apache_two_hosts()?)?;
    assert_eq!(report.connections.len(), 6);
    for connection in &report.connections {
        assert_eq!(connection.get("exchanges"), Some(&json!(1)), "{connection:#}");
        assert_eq!(connection.get("gaps"), Some(&json!(0)));
        assert_eq!(text(connection, "decryption"), Some("keylog"));
        assert_eq!(text(connection, "tls_version"), Some("1.3"));
        let sni = text(connection, "sni").expect("an SNI");
        assert_eq!(connection.get("certificate_names"), Some(&json!([sni])), "{connection:#}");
        assert!(text(connection, "opened").is_some() && text(connection, "closed").is_some());
    }
    Ok(())
}

#[test]
fn without_keys_only_the_handshake_is_known() -> Result<()> {
    let scene = scenario::apache_two_hosts()?;
    let mut command = wrongdoor_tests::binary::command(&["analyze", "--format", "json"]);
    let report = wrongdoor_tests::binary::report(command.arg(scene.capture()))?;
    assert!(report.exchanges.is_empty(), "{:#?}", report.exchanges);
    assert_eq!(report.connections.len(), 6);
    for connection in &report.connections {
        assert_eq!(text(connection, "decryption"), Some("none"));
        assert_eq!(text(connection, "sni_state"), Some("name"));
        assert_eq!(connection.get("certificate_names"), Some(&json!(null)));
    }
    Ok(())
}

#[test]
fn a_dot_in_the_sni_and_a_url_as_target_are_seen_as_sent() -> Result<()> {
    let report = analyzed(&scenario::odd_requests()?)?;
    fact(&report, &[("sni", json!("b.test."))], "verdict", &json!("sni_invalid"))?;
    // RFC 9112, section 3.2.2: the URL counts, and `Host` is ignored.
    let url = [("sni", json!("a.test"))];
    fact(&report, &url, "verdict", &json!("mismatch_h1_uncovered"))?;
    fact(&report, &url, "authority_raw", &json!("b.test"))
}
