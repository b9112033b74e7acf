//! A browser that coalesces, and servers whose hosts have TLS settings of their own.

use anyhow::Result;

use super::actors::{A, ANY_PATH, B, DEFAULT, Request, ask, coalesce_and_retry, visit, wildcard};
use super::finding::{LIKELY, MEDIUM, finding};
use super::{BOTH, Reproduction};
use crate::apache::{self, VirtualHost, Whole};
use crate::curl::Http::{One, Two};
use crate::nginx::{self, ServerBlock};
use crate::scenario::Stage;
use crate::visitor::Step;

pub(super) const ALL: &[Reproduction] = &[
    Reproduction {
        name: "one certificate file for all hosts, on Apache",
        play: one_file,
        hops: &[BOTH],
        findings: &[],
    },
    Reproduction {
        name: "coalesced, to Apache with one certificate in two files",
        play: two_files,
        hops: &[BOTH],
        findings: &[finding(0, Some(A), B, 421)
            .because(&[("coalesced_tls_policy", LIKELY)])
            .by(&["apache"])
            .then(&["recovered_new_connection"])],
    },
    Reproduction {
        name: "coalesced, to Apache that asks for a client certificate",
        play: apache_client_certificates,
        hops: &[BOTH],
        findings: &[finding(0, Some(A), B, 421)
            .because(&[("coalesced_tls_policy", LIKELY)])
            .by(&["apache"])],
    },
    Reproduction {
        name: "coalesced, to nginx that asks for a client certificate",
        play: nginx_client_certificates,
        hops: &[BOTH],
        findings: &[finding(0, Some(A), B, 421)
            // A comparison that is configured looks the same.
            .because(&[("coalesced_tls_policy", LIKELY), ("coalesced_name_check", MEDIUM)])
            .by(&["nginx"])],
    },
    Reproduction {
        name: "coalesced, to Apache with a strict policy",
        play: |stage| by_policy(stage, "strict", 421),
        hops: &[BOTH],
        findings: &[finding(0, Some(A), B, 421)
            // It says the same whatever the hosts differ in.
            .because(&[("coalesced_name_check", LIKELY), ("coalesced_tls_policy", MEDIUM)])
            .by(&["apache"])
            .then(&["recovered_new_connection"])],
    },
    Reproduction {
        name: "coalesced, to Apache with a policy that lets all pass",
        play: |stage| by_policy(stage, "insecure", 200),
        hops: &[BOTH],
        findings: &[],
    },
    Reproduction {
        name: "coalesced, to nginx that asks for no certificates",
        play: indifferent,
        hops: &[BOTH],
        findings: &[],
    },
];

fn one_file(stage: &mut Stage) -> Result<()> {
    let cert = wildcard(stage, "one")?;
    let hosts = [DEFAULT, A, B].map(|name| VirtualHost::new(name, &cert).with(ANY_PATH));
    let server = apache::start(stage.folder(), &hosts)?;
    let port = stage.enter("Apache, with one certificate,", server);
    stage.record()?;
    ask(stage, Request { port, sni: None, authority: B, path: "/", http: One, status: 200 })?;
    coalesce_and_retry(stage, port, 200)
}

fn two_files(stage: &mut Stage) -> Result<()> {
    let hosts = [
        VirtualHost::new(A, &wildcard(stage, "one")?).with(ANY_PATH),
        VirtualHost::new(B, &wildcard(stage, "two")?).with(ANY_PATH),
    ];
    let server = apache::start(stage.folder(), &hosts)?;
    let port = stage.enter("Apache, with one certificate in two files,", server);
    stage.record()?;
    coalesce_and_retry(stage, port, 421)
}

fn apache_client_certificates(stage: &mut Stage) -> Result<()> {
    let cert = wildcard(stage, "one")?;
    let root = stage.authority().root();
    let verify = format!("SSLVerifyClient require\nSSLCACertificateFile {}", root.display());
    let hosts = [
        VirtualHost::new(A, &cert).with(ANY_PATH),
        VirtualHost::new(B, &cert).with(ANY_PATH).with(&verify),
    ];
    let server = apache::start(stage.folder(), &hosts)?;
    let port = stage.enter("Apache, with client certificates for one host,", server);
    stage.record()?;
    coalesce(stage, port)
}

fn nginx_client_certificates(stage: &mut Stage) -> Result<()> {
    let cert = wildcard(stage, "one")?;
    let root = stage.authority().root();
    let verify = format!("ssl_client_certificate {};\nssl_verify_client on;", root.display());
    let servers = [ServerBlock::new(A, &cert), ServerBlock::new(B, &cert).with(&verify)];
    let server = nginx::start(stage.folder(), "", &servers)?;
    let port = stage.enter("nginx, with client certificates for one host,", server);
    stage.record()?;
    coalesce(stage, port)
}

/// Without a client certificate, there is no point in asking again.
fn coalesce(stage: &mut Stage, port: u16) -> Result<()> {
    let first = Step {
        connection: 1,
        port,
        sni: Some(A),
        authority: A,
        path: "/page",
        http: Two,
        status: 200,
    };
    let second = Step { authority: B, path: "/private", status: 421, ..first };
    visit(stage, &[first, second])
}

/// One certificate file, or as many as hosts: the policy decides.
fn by_policy(stage: &mut Stage, policy: &str, status: u16) -> Result<()> {
    let one = wildcard(stage, "one")?;
    let two = if policy == "strict" { one.clone() } else { wildcard(stage, "two")? };
    let hosts = [(A, &one), (B, &two)];
    let hosts = hosts.map(|(name, cert)| VirtualHost::new(name, cert).with(ANY_PATH));
    let whole = Whole { directives: &format!("SSLVHostSNIPolicy {policy}"), keylog: None };
    let server = apache::start_with(stage.folder(), whole, &hosts)?;
    let port = stage.enter("Apache, with a policy,", server);
    stage.record()?;
    coalesce_and_retry(stage, port, status)
}

/// Whatever it is asked for on whatever connection, it serves.
fn indifferent(stage: &mut Stage) -> Result<()> {
    let cert = wildcard(stage, "one")?;
    let servers = [A, B].map(|name| ServerBlock::new(name, &cert));
    let server = nginx::start(stage.folder(), "", &servers)?;
    let port = stage.enter("nginx", server);
    stage.record()?;
    coalesce_and_retry(stage, port, 200)
}
