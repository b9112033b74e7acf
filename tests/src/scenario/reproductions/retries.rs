//! Clients that ask again by themselves, and where they do.

use anyhow::{Result, ensure};
use serde_json::json;

use super::actors::{A, B, CLIENT_ADDRESS, Request, ask, curl, wildcard};
use super::finding::{HIGH, UNSURE, finding};
use super::{BOTH, Finding, Reproduction};
use crate::curl::Curl;
use crate::curl::Http::{One, Two};
use crate::door;
use crate::nginx::{self, ServerBlock};
use crate::scenario::{Sent, Stage};

pub(super) const ALL: &[Reproduction] = &[
    Reproduction {
        name: "curl --retry",
        play: curl_retries,
        hops: &[BOTH],
        findings: &[
            finding(0, Some(A), B, 421)
                .because(&[("host_override", UNSURE)])
                .by(&["go"])
                .then(&["retried_same_connection_421"]),
            finding(0, Some(A), B, 421)
                .because(&[("host_override", UNSURE)])
                .by(&["go"])
                .then(&["retried_same_connection_421"]),
            finding(0, Some(A), B, 421).because(&[("host_override", UNSURE)]).by(&["go"]),
        ],
    },
    Reproduction {
        name: "Go asks twice",
        play: go_twice,
        hops: &[BOTH],
        findings: &[
            finding(0, Some(A), B, 421)
                .because(&[("host_override", UNSURE)])
                .by(&["go"])
                .then(&["retried_same_connection_421"]),
            finding(0, Some(A), B, 421).because(&[("host_override", UNSURE)]).by(&["go"]),
        ],
    },
    Reproduction {
        name: "Node's fetch asks again",
        play: |stage| fetch(stage, "none", 2),
        hops: &[BOTH],
        findings: &[not_served(&["retried_still_421"]), not_served(&["not_retried"])],
    },
    Reproduction {
        name: "Node's fetch sends a text again",
        play: |stage| fetch(stage, "text", 2),
        hops: &[BOTH],
        findings: &[not_served(&["retried_still_421"]), not_served(&["not_retried"])],
    },
    Reproduction {
        name: "Node's fetch does not send a stream again",
        play: |stage| fetch(stage, "stream", 1),
        hops: &[BOTH],
        findings: &[not_served(&["not_retried"])],
    },
    Reproduction {
        name: "a name that is not served, asked for again on another connection",
        play: again,
        hops: &[BOTH],
        findings: &[not_served(&[]).then_by_another(&["retried_still_421"]), not_served(&["not_retried"])],
    },
    Reproduction {
        name: "curl with two Hosts over one connection",
        play: two_hosts,
        hops: &[BOTH],
        findings: &[finding(0, Some(A), B, 421)// A proxy's pool would look the same, where nobody knows the process.
                .because(&[("host_override", UNSURE), ("proxy_pool_not_keyed", UNSURE)]).by(&["go"])],
    },
];

const fn not_served(outcomes: &'static [&'static str]) -> Finding {
    finding(0, Some(B), B, 421).because(&[("name_not_served", HIGH)]).by(&["nginx"]).then(outcomes)
}

/// Go's server, with a certificate that covers all names.
fn enter_go(stage: &mut Stage) -> Result<u16> {
    let cert = wildcard(stage, "one")?;
    let server = door::go_server(stage.folder(), &cert)?;
    let port = stage.enter("Go, comparing by itself,", server);
    stage.record()?;
    Ok(port)
}

fn note_all(
    stage: &mut Stage,
    who: &str,
    sni: &str,
    authority: &str,
    statuses: &[u16],
) -> Result<()> {
    for &status in statuses {
        let sent =
            Sent { sni: Some(sni.to_owned()), authority: authority.to_owned(), http: Two, status };
        stage.note(who, sent, 421)?;
    }
    Ok(())
}

/// It takes the connection that it has, again and again.
fn curl_retries(stage: &mut Stage) -> Result<()> {
    let port = enter_go(stage)?;
    let request =
        Request { port, sni: Some(A), authority: B, path: "/again", http: Two, status: 421 };
    let curl = curl(stage, &request)?.arg("--fail").arg("--retry").arg("2");
    let curl = curl.arg("--retry-all-errors").arg("--retry-delay").arg("1");
    let output = curl.into_command().output()?;
    let answers = Curl::answers(&String::from_utf8(output.stdout)?)?;
    ensure!(!output.status.success() && answers.len() == 1, "{answers:?}");
    // The answers to the others are not told.
    note_all(stage, "curl", A, B, &[421; 3])
}

fn go_twice(stage: &mut Stage) -> Result<()> {
    let port = enter_go(stage)?;
    let scene = json!({
        "port": port, "sni": A, "host": B, "path": "/again", "times": 2, "from": CLIENT_ADDRESS,
        "root": stage.authority().root(), "keylog": stage.keylog(),
    });
    let statuses = door::go_client(&scene)?;
    ensure!(statuses.len() == 2, "{statuses:?}");
    note_all(stage, "Go", A, B, &statuses)
}

/// nginx with one host, and none for others.
fn enter_nginx(stage: &mut Stage) -> Result<u16> {
    let cert = wildcard(stage, "one")?;
    let others = ServerBlock::new("_", &cert).with("return 421;");
    let server = nginx::start(stage.folder(), "", &[others, ServerBlock::new(A, &cert)])?;
    let port = stage.enter("nginx, with a host,", server);
    stage.record()?;
    Ok(port)
}

/// It tells one answer, however many it had.
fn fetch(stage: &mut Stage, body: &str, times: usize) -> Result<()> {
    let port = enter_nginx(stage)?;
    let steps = [(format!("https://{B}:{port}/fetched"), body)];
    let statuses = door::node_fetch(&steps, &stage.authority().root(), &stage.keylog())?;
    ensure!(statuses == [421], "{statuses:?}");
    note_all(stage, "node", B, B, &vec![421; times])
}

/// Two processes: only their address says that it is one client.
fn again(stage: &mut Stage) -> Result<()> {
    let port = enter_nginx(stage)?;
    for _ in 0..2 {
        ask(
            stage,
            Request { port, sni: Some(B), authority: B, path: "/again", http: One, status: 421 },
        )?;
    }
    Ok(())
}

fn two_hosts(stage: &mut Stage) -> Result<()> {
    let port = enter_go(stage)?;
    let first = Request { port, sni: Some(A), authority: A, path: "/one", http: One, status: 200 };
    let curl = curl(stage, &first)?.next(&format!("https://{A}:{port}/two"), One)?;
    let curl = curl.trust(&stage.authority().root()).arg("--interface").arg(CLIENT_ADDRESS);
    let answers = curl.host(&format!("{B}:{port}")).send()?;
    ensure!(answers.iter().map(|answer| answer.status).eq([200, 421]), "{answers:?}");
    for (authority, status) in [(A, 200), (B, 421)] {
        let sent =
            Sent { sni: Some(A.to_owned()), authority: authority.to_owned(), http: One, status };
        stage.note("curl", sent, status)?;
    }
    Ok(())
}
