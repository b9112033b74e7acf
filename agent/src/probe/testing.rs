//! Results as they are made up in tests.

use super::name::Name;
use super::options::{Protocol, Test};
use super::outcome::{Answer, End, Found, Handshake, ProbeError, Stage, Verification};
use super::plan::Probe;
use std::sync::Arc;
use wrongdoor_core::name::CertificateNames;

pub(super) fn answered(status: u16, fingerprint: Option<u64>) -> Answer {
    Answer { status, version: "2", fingerprint }
}

pub(super) fn failed(stage: Stage, kind: &'static str) -> End {
    End::Failed(ProbeError::new(stage, kind, "said"))
}

/// Over HTTP/2, for a name; on a connection for `one.test` where it is reused.
pub(super) fn found(test: Test, authority: &str, names: &[&str], end: End) -> Found {
    let name = |text| Arc::new(Name::parse(text).unwrap());
    let authority = name(authority);
    let first = (test == Test::Reuse).then(|| name("one.test"));
    let sni = match test {
        Test::Own => authority.server_name(),
        Test::NoSni => None,
        Test::Cross | Test::FixedSni | Test::Reuse => Some("one.test".to_owned()),
    };
    let mut certificate = CertificateNames::default();
    names.iter().for_each(|name| certificate.add_dns(name));
    Found {
        server: "192.0.2.1:443".parse().unwrap(),
        probe: Arc::new(Probe { test, protocol: Protocol::H2, sni, first, authority }),
        handshake: Handshake {
            version: Some("1.3"),
            alpn: Some("h2".to_owned()),
            certificate: Some(Arc::new(certificate)),
            verification: Some(Verification::Valid),
        },
        first: None,
        end,
    }
}
