use anyhow::{Context, Result};
use serde_json::json;
use wrongdoor_tests::binary;
use wrongdoor_tests::report::{Report, text};
use wrongdoor_tests::scenario::{SUITES, tls_suite};

use crate::expect::analyzed;

#[test]
fn every_version_and_cipher_is_read() -> Result<()> {
    for &suite in SUITES {
        let scene = tls_suite(suite).with_context(|| format!("{suite:?}"))?;
        if !suite.is_decrypted() {
            handshake_only(&binary::analyze(&scene)?, suite.version);
            continue;
        }
        let report = analyzed(&scene).with_context(|| format!("{suite:?}"))?;
        let [connection] = report.connections.as_slice() else {
            panic!("one connection with {suite:?}, but {:#?}", report.connections);
        };
        assert_eq!(text(connection, "tls_version"), Some(suite.version), "{suite:?}");
        assert_eq!(text(connection, "decryption"), Some("keylog"), "{suite:?}");
        assert_eq!(connection.get("certificate_names"), Some(&json!(["a.test"])), "{suite:?}");
    }
    Ok(())
}

/// Versions before 1.2 are not decrypted: the handshake is told, and the reason counted.
#[track_caller]
fn handshake_only(report: &Report, version: &str) {
    assert!(report.exchanges.is_empty(), "{:#?}", report.exchanges);
    let connection = report.connections.first().expect("a connection");
    assert_eq!(text(connection, "tls_version"), Some(version));
    assert_eq!(text(connection, "sni"), Some("a.test"));
    assert_eq!(text(connection, "decryption"), Some("none"));
    // Before TLS 1.3 the certificate is in the clear.
    assert_eq!(connection.get("certificate_names"), Some(&json!(["a.test"])));
    assert_eq!(report.summary.get("decode_errors"), Some(&json!({ "tls.unsupported_version": 1 })));
}
