//! Apache, with a certificate for each host, and clients that name one host in TLS and another in HTTP, or none.

use anyhow::Result;

use super::actors::{A, ANY_PATH, B, Request, ask, three_hosts, wildcard};
use super::finding::{HIGH, LIKELY, MEDIUM, UNSURE, finding};
use super::{BOTH, Finding, Reproduction};
use crate::apache::{self, VirtualHost};
use crate::curl::Http::{One, Two};
use crate::scenario::{Sent, Stage};
use crate::{door, openssl};

pub(super) const ALL: &[Reproduction] = &[
    Reproduction {
        name: "a Host that is not the URL's, to Apache",
        play: |stage| host_override(stage, three_hosts),
        hops: &[BOTH],
        findings: &[
            finding(0, Some(A), B, 421).because(&[("host_override", UNSURE)]).by(&["apache"]),
            finding(0, Some(A), B, 421).because(&[("host_override", UNSURE)]).by(&["apache"]),
        ],
    },
    Reproduction {
        name: "no SNI, to Apache",
        play: no_sni,
        hops: &[BOTH],
        findings: &[
            finding(0, None, B, 421).because(&[("client_omits_sni", HIGH)]).by(&["apache"]),
            finding(0, None, B, 421).because(&[("client_omits_sni", HIGH)]).by(&["apache"]),
        ],
    },
    Reproduction {
        name: "Python's requests with a Host, to Apache",
        play: python,
        hops: &[BOTH],
        findings: &[
            finding(0, Some(A), B, 421).because(&[("host_override", UNSURE)]).by(&["apache"]),
            finding(0, None, B, 421).because(&[("client_omits_sni", HIGH)]).by(&["apache"]),
        ],
    },
    Reproduction {
        name: "no SNI, to Apache that insists on one",
        play: no_sni_strictly,
        hops: &[BOTH],
        findings: &[forbidden(A), forbidden(B)],
    },
    Reproduction {
        name: "an SNI with a trailing dot, to Apache",
        play: |stage| raw(stage, "a.door.test.", "/", A),
        hops: &[BOTH],
        findings: &[finding(0, Some("a.door.test."), A, 421)
            .because(&[("trailing_dot", HIGH)])
            .by(&["apache"])],
    },
    Reproduction {
        name: "a whole URL whose host is not the Host, to Apache",
        play: |stage| raw(stage, A, "https://b.door.test/", A),
        hops: &[BOTH],
        findings: &[finding(0, Some(A), B, 421)
            .because(&[("ambiguous_authority", MEDIUM), ("host_override", UNSURE)])
            .by(&["apache"])],
    },
];

/// One client that asks for several hosts without a name may as well be a proxy that tells nobody so.
const fn forbidden(name: &'static str) -> Finding {
    finding(0, None, name, 403)
        .because(&[("client_omits_sni", LIKELY), ("proxy_omits_sni", UNSURE)])
        .by(&["apache", "unknown"])
        .then(&["not_retried", "none"])
}

/// What agrees, then what does not, over both versions of HTTP.
fn host_override(stage: &mut Stage, enter: fn(&mut Stage) -> Result<u16>) -> Result<()> {
    let port = enter(stage)?;
    stage.record()?;
    for (http, path) in [(One, "/one"), (Two, "/two")] {
        let right = Request { port, sni: Some(A), authority: A, path: "/right", http, status: 200 };
        ask(stage, right)?;
        ask(stage, Request { authority: B, path, status: 421, ..right })?;
    }
    Ok(())
}

fn no_sni(stage: &mut Stage) -> Result<()> {
    let port = three_hosts(stage)?;
    stage.record()?;
    for (http, path) in [(One, "/one"), (Two, "/two")] {
        ask(
            stage,
            Request { port, sni: Some(B), authority: B, path: "/right", http, status: 200 },
        )?;
        ask(stage, Request { port, sni: None, authority: B, path, http, status: 421 })?;
    }
    Ok(())
}

/// It does not say which name it wants where the URL has another, or an address.
fn python(stage: &mut Stage) -> Result<()> {
    let port = three_hosts(stage)?;
    stage.record()?;
    let host = format!("{B}:{port}");
    let steps = [
        (format!("https://{A}:{port}/one"), host.clone(), true),
        (format!("https://127.0.0.1:{port}/two"), host, false),
    ];
    let statuses = door::python_requests(&steps, &stage.authority().root(), &stage.keylog())?;
    for (sni, status) in [Some(A.to_owned()), None].into_iter().zip(statuses) {
        let sent = Sent { sni, authority: B.to_owned(), http: One, status };
        stage.note("requests", sent, 421)?;
    }
    Ok(())
}

fn no_sni_strictly(stage: &mut Stage) -> Result<()> {
    let strict = format!("SSLStrictSNIVHostCheck on\n{ANY_PATH}");
    let cert = wildcard(stage, "one")?;
    let hosts = [A, B].map(|name| VirtualHost::new(name, &cert).with(&strict));
    let server = apache::start(stage.folder(), &hosts)?;
    let port = stage.enter("Apache, which insists on SNI,", server);
    stage.record()?;
    for (authority, path) in [(A, "/one"), (B, "/two")] {
        ask(stage, Request { port, sni: None, authority, path, http: One, status: 403 })?;
    }
    ask(stage, Request { port, sni: Some(B), authority: B, path: "/", http: One, status: 200 })
}

/// What no browser sends.
fn raw(stage: &mut Stage, sni: &str, target: &str, host: &str) -> Result<()> {
    let port = three_hosts(stage)?;
    stage.record()?;
    let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    let status = openssl::send(port, &request, &stage.keylog(), &["-servername", sni])?;
    let sni = Some(sni.to_owned());
    stage.note("openssl", Sent { sni, authority: host.to_owned(), http: One, status }, 421)
}
