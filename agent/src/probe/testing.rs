//! Results as they are made up in tests.

use super::name::ProbeName;
use super::options::{Protocol, Test};
use super::outcome::{
    HandshakeResult, ProbeAnswer, ProbeEnd, ProbeError, ProbeResult, ProbeStage, Verification,
};
use super::plan::PlannedProbe;
use std::sync::Arc;
use wrongdoor_core::name::CertificateNames;

pub(super) fn answered(status: u16, fingerprint: Option<u64>) -> ProbeAnswer {
    ProbeAnswer { status, version: "2", fingerprint }
}

pub(super) fn failed(stage: ProbeStage, kind: &'static str) -> ProbeEnd {
    ProbeEnd::Failed(ProbeError::new(stage, kind, "said"))
}

/// Over HTTP/2, for a name; on a connection for `one.test` where it is reused.
pub(super) fn found(test: Test, authority: &str, names: &[&str], end: ProbeEnd) -> ProbeResult {
    let name = |text| Arc::new(ProbeName::parse(text).unwrap());
    let authority = name(authority);
    let first = (test == Test::Reuse).then(|| name("one.test"));
    let sni = match test {
        Test::Own => authority.server_name(),
        Test::NoSni => None,
        Test::Cross | Test::FixedSni | Test::Reuse => Some("one.test".to_owned()),
    };
    let mut certificate = CertificateNames::default();
    names.iter().for_each(|name| certificate.add_dns(name));
    ProbeResult {
        server: "192.0.2.1:443".parse().unwrap(),
        probe: Arc::new(PlannedProbe { test, protocol: Protocol::H2, sni, first, authority }),
        handshake: HandshakeResult {
            version: Some("1.3"),
            alpn: Some("h2".to_owned()),
            certificate: Some(Arc::new(certificate)),
            verification: Some(Verification::Valid),
        },
        first: None,
        end,
    }
}
