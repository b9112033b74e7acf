//! Scenes that differ in how TLS encrypts.

use anyhow::Result;

use super::{Scene, Stage};
use crate::curl::{Curl, Http};
use crate::nginx;
use crate::nginx::ServerBlock;

/// A version of TLS with a cipher suite.
#[derive(Clone, Copy, Debug)]
pub struct Suite {
    /// As in `tls_version`.
    pub version: &'static str,
    /// OpenSSL's name.
    pub cipher: &'static str,
    /// Whether a block cipher's MAC is over the ciphertext (RFC 7366).
    pub encrypt_then_mac: bool,
    /// The HTTP that is spoken over it: HTTP/2 forbids most old suites.
    pub http: Http,
}

impl Suite {
    /// Whether a key log is enough: before TLS 1.2 it is not, and only the handshake is told.
    pub fn is_decrypted(&self) -> bool {
        matches!(self.version, "1.2" | "1.3")
    }
}

/// One of each kind that OpenSSL still speaks.
pub const SUITES: &[Suite] = &[
    modern("1.3", "TLS_AES_128_GCM_SHA256"),
    modern("1.3", "TLS_AES_256_GCM_SHA384"),
    modern("1.3", "TLS_CHACHA20_POLY1305_SHA256"),
    modern("1.3", "TLS_AES_128_CCM_SHA256"),
    modern("1.3", "TLS_AES_128_CCM_8_SHA256"),
    modern("1.2", "ECDHE-ECDSA-AES128-GCM-SHA256"),
    modern("1.2", "ECDHE-ECDSA-AES256-GCM-SHA384"),
    modern("1.2", "ECDHE-ECDSA-CHACHA20-POLY1305"),
    old("1.2", "ECDHE-ECDSA-AES128-CCM", true),
    old("1.2", "ECDHE-ECDSA-AES256-CCM8", true),
    old("1.2", "ECDHE-ECDSA-AES128-SHA256", true),
    old("1.2", "ECDHE-ECDSA-AES128-SHA256", false),
    old("1.2", "ECDHE-ECDSA-AES256-SHA384", true),
    old("1.2", "ECDHE-ECDSA-AES256-SHA384", false),
    old("1.2", "ECDHE-ECDSA-AES128-SHA", true),
    old("1.2", "ECDHE-ECDSA-AES128-SHA", false),
    old("1.1", "ECDHE-ECDSA-AES128-SHA", true),
    old("1.1", "ECDHE-ECDSA-AES128-SHA", false),
    old("1.0", "ECDHE-ECDSA-AES256-SHA", true),
    old("1.0", "ECDHE-ECDSA-AES256-SHA", false),
];

const fn modern(version: &'static str, cipher: &'static str) -> Suite {
    Suite { version, cipher, encrypt_then_mac: true, http: Http::Two }
}

const fn old(version: &'static str, cipher: &'static str, encrypt_then_mac: bool) -> Suite {
    Suite { version, cipher, encrypt_then_mac, http: Http::One }
}

/// nginx that speaks nothing but `suite`, and two requests over one connection: one that agrees
/// with the SNI, one that does not and is a 421.
pub fn tls_suite(suite: Suite) -> Result<Scene> {
    let mut stage = Stage::new()?;
    let cert = stage.authority().issue("a", &["a.test"])?;
    let server = ServerBlock::new("a.test", &cert).with(&directives(suite));
    let server = nginx::start(stage.folder(), "", &[server])?;
    let port = stage.enter("nginx", server);
    stage.record()?;

    let url = format!("https://a.test:{port}/");
    let root = stage.authority().root();
    let keylog = stage.keylog();
    let client = |curl: Curl| with_suite(curl, suite).trust(&root);
    let first = client(Curl::new(&url, suite.http)?.keylog(&keylog));
    let second = client(first.next(&url, suite.http)?).host(&format!("b.test:{port}"));
    for (answer, (authority, status)) in
        second.send()?.into_iter().zip([("a.test", 200), ("b.test", 421)])
    {
        let sent = super::Sent {
            sni: Some("a.test".to_owned()),
            authority: authority.to_owned(),
            http: suite.http,
            status: answer.status,
        };
        stage.note("curl", sent, status)?;
    }
    stage.finish()
}

fn directives(suite: Suite) -> String {
    let Suite { version, cipher, encrypt_then_mac, .. } = suite;
    let protocol = if version == "1.0" { "1" } else { version };
    let mut text = format!("ssl_protocols TLSv{protocol};\n");
    text += &if version == "1.3" {
        format!("ssl_conf_command Ciphersuites {cipher};\n")
    } else {
        // What is old or short needs the lowest of OpenSSL's security levels.
        format!("ssl_ciphers {cipher}:@SECLEVEL=0;\n")
    };
    if !encrypt_then_mac {
        text += "ssl_conf_command Options -EncryptThenMac;\n";
    }
    text + "if ($host != $ssl_server_name) { return 421; }"
}

fn with_suite(curl: Curl, suite: Suite) -> Curl {
    let curl = curl.arg("--tls-max").arg(suite.version);
    if suite.version == "1.3" {
        curl.arg("--tls13-ciphers").arg(suite.cipher)
    } else {
        let lowest = format!("--tlsv{}", suite.version);
        curl.arg(lowest).arg("--ciphers").arg(format!("{}:@SECLEVEL=0", suite.cipher))
    }
}
