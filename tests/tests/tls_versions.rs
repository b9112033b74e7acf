use anyhow::{Context, Result};
use serde_json::json;
use wrongdoor_tests::report::text;
use wrongdoor_tests::scenario::{SUITES, tls_suite};

use crate::expect::analyzed;

#[test]
fn every_version_and_cipher_is_read() -> Result<()> {
    for &suite in SUITES {
        let scene = tls_suite(suite).with_context(|| format!("{suite:?}"))?;
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
