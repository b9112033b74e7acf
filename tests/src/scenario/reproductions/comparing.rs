//! Servers that compare the authority with the SNI as names, whatever their TLS settings are.

use std::process::Command;

use anyhow::{Result, ensure};

use super::actors::{A, B, CLIENT_ADDRESS, Request, ask, coalesce_and_retry, wildcard};
use super::finding::{HIGH, LIKELY, MEDIUM, UNSURE, finding};
use super::{BOTH, Finding, Reproduction};
use crate::certs::Cert;
use crate::curl::Http::{One, Two};
use crate::nginx::{self, ServerBlock};
use crate::scenario::{Sent, Stage};
use crate::server::Server;
use crate::{caddy, door, haproxy, tools};

pub(super) const ALL: &[Reproduction] = &[
    Reproduction {
        name: "nginx, configured to compare",
        play: |stage| all_kinds(stage, nginx),
        hops: &[BOTH],
        findings: &[
            overridden(&["nginx"]),
            without_sni(&["nginx"]),
            finding(0, Some(A), B, 421)
                // The same as its 421 in front of client certificates.
                .because(&[("coalesced_name_check", LIKELY), ("coalesced_tls_policy", MEDIUM)])
                .by(&["nginx"])
                .then(&["recovered_new_connection"]),
        ],
    },
    Reproduction {
        name: "Caddy, strict",
        play: |stage| all_kinds(stage, |stage, cert| caddy::strict(stage.folder(), cert, &[])),
        hops: &[BOTH],
        findings: &[overridden(&["caddy"]), without_sni(&["caddy"]), coalesced(&["caddy"])],
    },
    Reproduction {
        name: "HAProxy, configured to compare",
        play: |stage| all_kinds(stage, haproxy),
        hops: &[BOTH],
        findings: &[overridden(&["haproxy"]), without_sni(&["haproxy"]), coalesced(&["haproxy"])],
    },
    Reproduction {
        name: "Go, comparing by itself",
        play: |stage| all_kinds(stage, |stage, cert| door::go_server(stage.folder(), cert)),
        hops: &[BOTH],
        findings: &[overridden(&["go"]), without_sni(&["go"]), coalesced(&["go"])],
    },
    Reproduction {
        name: "Node, comparing by itself",
        play: |stage| all_kinds(stage, |stage, cert| door::node_server(stage.folder(), cert)),
        hops: &[BOTH],
        findings: &[overridden(NODE), without_sni(NODE), coalesced(NODE)],
    },
    Reproduction {
        name: "an authority with a trailing dot, to Caddy",
        play: trailing_dot,
        hops: &[BOTH],
        findings: &[
            finding(0, Some(A), A, 421).because(&[("trailing_dot", HIGH)]).by(&["caddy"]),
            finding(0, Some(A), A, 421).because(&[("trailing_dot", HIGH)]).by(&["caddy"]),
        ],
    },
    Reproduction {
        name: "CONNECT, to Caddy",
        play: connect,
        hops: &[BOTH],
        findings: &[finding(0, Some(A), "elsewhere.door.test", 421)
            .because(&[("connect_compared", HIGH)])
            .by(&["caddy"])],
    },
    Reproduction {
        name: "a name that nginx has no host for",
        play: not_served,
        hops: &[BOTH],
        findings: &[
            finding(0, Some(B), B, 421).because(&[("name_not_served", HIGH)]).by(&["nginx"]),
            finding(0, Some(B), B, 421).because(&[("name_not_served", HIGH)]).by(&["nginx"]),
        ],
    },
];

/// It says nothing of itself.
const NODE: &[&str] = &["node", "other", "unknown"];

const fn overridden(generators: &'static [&'static str]) -> Finding {
    finding(0, Some(A), B, 421).because(&[("host_override", UNSURE)]).by(generators)
}

const fn without_sni(generators: &'static [&'static str]) -> Finding {
    finding(0, None, B, 421).because(&[("client_omits_sni", HIGH)]).by(generators)
}

const fn coalesced(generators: &'static [&'static str]) -> Finding {
    finding(0, Some(A), B, 421)
        .because(&[("coalesced_name_check", LIKELY)])
        .by(generators)
        .then(&["recovered_new_connection"])
}

/// curl with another Host, curl without SNI, and a browser that coalesces.
fn all_kinds(stage: &mut Stage, start: fn(&Stage, &Cert) -> Result<Server>) -> Result<()> {
    let cert = wildcard(stage, "one")?;
    let server = start(stage, &cert)?;
    let port = stage.enter("the server", server);
    stage.record()?;
    let right = Request { port, sni: Some(A), authority: A, path: "/one", http: One, status: 200 };
    ask(stage, right)?;
    ask(stage, Request { authority: B, path: "/two", status: 421, ..right })?;
    ask(stage, Request { sni: None, authority: B, path: "/three", status: 421, ..right })?;
    coalesce_and_retry(stage, port, 421)
}

fn nginx(stage: &Stage, cert: &Cert) -> Result<Server> {
    let compare = "if ($ssl_server_name != $host) { return 421; }";
    nginx::start(stage.folder(), "", &[ServerBlock::new("_", cert).with(compare)])
}

fn haproxy(stage: &Stage, cert: &Cert) -> Result<Server> {
    let joined = haproxy::joined(cert)?;
    haproxy::start(stage.folder(), |port| {
        format!(
            "frontend front\n\
             bind 127.0.0.1:{port} ssl crt {} alpn h2,http/1.1\n\
             http-request set-var(txn.host) req.hdr(host),field(1,:),lower\n\
             http-request deny deny_status 421 if !{{ ssl_fc_sni,lower,strcmp(txn.host) eq 0 }}\n\
             http-request return status 200 content-type text/plain string served\n",
            joined.display()
        )
    })
}

fn enter_caddy(stage: &mut Stage) -> Result<u16> {
    let cert = wildcard(stage, "one")?;
    let server = caddy::strict(stage.folder(), &cert, &[])?;
    Ok(stage.enter("Caddy, strict,", server))
}

fn trailing_dot(stage: &mut Stage) -> Result<()> {
    let port = enter_caddy(stage)?;
    stage.record()?;
    let right =
        Request { port, sni: Some(A), authority: A, path: "/right", http: One, status: 200 };
    ask(stage, right)?;
    for (http, path) in [(One, "/one"), (Two, "/two")] {
        ask(stage, Request { authority: "a.door.test.", path, http, status: 421, ..right })?;
    }
    Ok(())
}

/// A client that takes the server for its proxy.
fn connect(stage: &mut Stage) -> Result<()> {
    let port = enter_caddy(stage)?;
    stage.record()?;
    let mut curl: Command = tools::command("curl")?;
    curl.args(["--disable", "--silent", "--output", "/dev/null", "--write-out", "%{http_connect}"]);
    curl.args(["--interface", CLIENT_ADDRESS, "--resolve", &format!("{A}:{port}:127.0.0.1")]);
    curl.arg("--proxy").arg(format!("https://{A}:{port}")).env_remove("NO_PROXY");
    curl.arg("--proxy-cacert").arg(stage.authority().root()).env_remove("no_proxy");
    curl.env("SSLKEYLOGFILE", stage.keylog()).arg("https://elsewhere.door.test/");
    let output = curl.output()?;
    let status = String::from_utf8_lossy(&output.stdout).parse().unwrap_or_default();
    ensure!(!output.status.success(), "the tunnel was opened");
    let (sni, authority) = (Some(A.to_owned()), "elsewhere.door.test".to_owned());
    stage.note("curl", Sent { sni, authority, http: One, status }, 421)
}

/// Every client that asks for it is refused, however it does that.
fn not_served(stage: &mut Stage) -> Result<()> {
    let cert = wildcard(stage, "one")?;
    let nobody = ServerBlock::new("_", &cert).with("return 421;");
    let server = nginx::start(stage.folder(), "", &[nobody, ServerBlock::new(A, &cert)])?;
    let port = stage.enter("nginx, with a host,", server);
    stage.record()?;
    ask(stage, Request { port, sni: Some(A), authority: A, path: "/", http: Two, status: 200 })?;
    for (http, path) in [(One, "/one"), (Two, "/two")] {
        ask(stage, Request { port, sni: Some(B), authority: B, path, http, status: 421 })?;
    }
    Ok(())
}
