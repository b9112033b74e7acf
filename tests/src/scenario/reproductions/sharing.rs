//! One connection for several names, where that cannot go well.

use anyhow::Result;

use super::actors::{A, ANY_PATH, B, PROXY_ADDRESS, coalesce_and_retry, visit, wildcard};
use super::finding::{Causes, HIGH, LIKELY, MEDIUM, finding};
use super::{BOTH, CLIENT, Reproduction, SERVER};
use crate::apache::{self, VirtualHost};
use crate::curl::Curl;
use crate::curl::Http::Two;
use crate::haproxy;
use crate::nginx::{self, ServerBlock};
use crate::scenario::Stage;
use crate::visitor::Step;

pub(super) const ALL: &[Reproduction] = &[
    Reproduction {
        name: "a connection used for a name that its certificate does not cover",
        play: not_covered,
        hops: &[BOTH],
        findings: &[finding(0, Some(A), B, 421)
            // Probes do not see the certificate of TLS 1.3.
            .because(&[("reuse_not_covered", HIGH), ("coalesced_tls_policy", MEDIUM)])
            .by(&["apache"])
            .then(&["recovered_new_connection"])],
    },
    Reproduction {
        name: "a wildcard certificate on two servers behind a router of connections",
        play: passthrough,
        hops: &[SERVER, SERVER, CLIENT],
        findings: &[
            finding(2, Some(A), B, 421)
                .because(PASSED_THROUGH)
                .by(&["nginx"])
                .then(&["recovered_new_connection"]),
            finding(0, Some(A), B, 421)
                .because(PASSED_THROUGH)
                .by(&["nginx"])
                .then(&["recovered_new_connection", "not_retried"]),
        ],
    },
    Reproduction {
        name: "asked again over a connection without keys",
        play: unread,
        // Probes need no keys.
        hops: &[super::NEITHER],
        findings: &[finding(0, Some(A), B, 421)
            .because(&[("coalesced_tls_policy", LIKELY)])
            .by(&["apache"])
            .then(&["other_connection_opened"])],
    },
];

/// At one end alone it looks like any server that coalesced requests are refused by.
const PASSED_THROUGH: Causes = &[
    ("passthrough_wildcard", LIKELY),
    ("coalesced_name_check", MEDIUM),
    ("coalesced_tls_policy", MEDIUM),
];

/// A client with a fault: each host has a certificate of its own.
fn not_covered(stage: &mut Stage) -> Result<()> {
    let port = super::actors::three_hosts(stage)?;
    stage.record()?;
    coalesce_and_retry(stage, port, 421)
}

/// The router reads the SNI and nothing else; each server behind knows one name.
fn passthrough(stage: &mut Stage) -> Result<()> {
    let mut back = Vec::new();
    for (name, folder) in [(A, "first"), (B, "second")] {
        let cert = wildcard(stage, folder)?;
        let folder = stage.folder().join(folder);
        std::fs::create_dir_all(&folder)?;
        let others = ServerBlock::new("_", &cert).with("return 421;");
        let server = nginx::start(&folder, "", &[others, ServerBlock::new(name, &cert)])?;
        back.push(stage.enter("nginx, with one host,", server));
    }
    let server = haproxy::start(stage.folder(), |port| {
        let mut text = format!(
            "frontend front\nmode tcp\nbind 127.0.0.1:{port}\n\
             tcp-request inspect-delay 20s\n\
             tcp-request content accept if {{ req_ssl_hello_type 1 }}\n\
             use_backend %[req_ssl_sni]\n"
        );
        for (name, back) in [A, B].iter().zip(&back) {
            text += &format!(
                "backend {name}\nmode tcp\nsource {PROXY_ADDRESS}\nserver only 127.0.0.1:{back}\n"
            );
        }
        text
    })?;
    let port = stage.enter("HAProxy, which routes connections,", server);
    stage.record()?;
    coalesce_and_retry(stage, port, 421)
}

/// The same client asks again, but nobody can read what for.
fn unread(stage: &mut Stage) -> Result<()> {
    let hosts = [
        VirtualHost::new(A, &wildcard(stage, "one")?).with(ANY_PATH),
        VirtualHost::new(B, &wildcard(stage, "two")?).with(ANY_PATH),
    ];
    let server = apache::start(stage.folder(), &hosts)?;
    let port = stage.enter("Apache, with one certificate in two files,", server);
    stage.record()?;
    let first = Step {
        connection: 1,
        port,
        sni: Some(A),
        authority: A,
        path: "/page",
        http: Two,
        status: 200,
    };
    visit(stage, &[first, Step { authority: B, path: "/picture", status: 421, ..first }])?;
    let again = Curl::new(&format!("https://{B}:{port}/picture"), Two)?;
    let again = again.trust(&stage.authority().root());
    let status = again.arg("--interface").arg(super::actors::CLIENT_ADDRESS).status()?;
    anyhow::ensure!(status == 200, "{status}");
    Ok(())
}
