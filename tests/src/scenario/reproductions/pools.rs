//! Proxies that use a connection to the server behind for whatever comes next.

use anyhow::Result;

use super::actors::{
    A, B, PROXY_ADDRESS, Request, ask, coalesce_and_retry, three_hosts, visit, wildcard,
};
use super::finding::{HIGH, LIKELY, finding};
use super::proxies::enter_haproxy;
use super::{BOTH, Finding, Reproduction};
use crate::curl::Http::{One, Two};
use crate::nginx::{self, ServerBlock};
use crate::scenario::Stage;
use crate::visitor::Step;
use crate::{door, haproxy};

pub(super) const ALL: &[Reproduction] = &[
    Reproduction {
        name: "nginx keeps connections, whatever their names",
        play: |stage| pool(stage, "keepalive 4;", 421),
        hops: &[BOTH, BOTH],
        findings: &[
            pooled_front(B),
            pooled_back(A, B),
            pooled_front(A),
            pooled_back(B, A),
            pooled_front(B),
            pooled_back(A, B),
            pooled_front(A),
            pooled_back(B, A),
        ],
    },
    Reproduction {
        name: "nginx keeps no connections",
        play: |stage| pool(stage, "", 200),
        hops: &[BOTH, BOTH],
        findings: &[],
    },
    Reproduction {
        name: "HAProxy passes the SNI of a coalesced connection on",
        play: |stage| haproxy(stage, "sni ssl_fc_sni", 421),
        hops: &[BOTH, BOTH],
        findings: &[
            finding(1, Some(A), B, 421)
                .because(&[("front_coalescing_leaked", LIKELY)])
                .by(&["apache"])
                .then(&["recovered_new_connection"]),
            finding(0, Some(A), B, 421)
                .because(&[("front_coalescing_leaked", LIKELY)])
                .by(&["apache"])
                // The proxy does not ask again; the client does, through it.
                .then(&["not_retried", "recovered_new_connection"]),
        ],
    },
    Reproduction {
        name: "HAProxy passes the Host of a coalesced connection on",
        play: |stage| haproxy(stage, "sni req.hdr(host),field(1,:)", 200),
        hops: &[BOTH, BOTH],
        findings: &[],
    },
    Reproduction {
        name: "one of two servers behind does not have the name",
        play: one_of_two,
        hops: &[BOTH, BOTH, BOTH],
        findings: &[
            finding(2, Some(B), B, 421)
                .because(&[("name_not_served", LIKELY)])
                .by(&["go"])
                .then(&["recovered_same_connection"]),
            finding(0, Some(B), B, 421)
                .because(&[("name_not_served", HIGH)])
                .by(&["go"])
                .then(&["not_retried", "recovered_new_connection"]),
        ],
    },
];

const fn pooled_front(name: &'static str) -> Finding {
    finding(1, Some(name), name, 421).because(&[("proxy_pool_not_keyed", LIKELY)]).by(&["apache"])
}

const fn pooled_back(sni: &'static str, name: &'static str) -> Finding {
    finding(0, Some(sni), name, 421).because(&[("proxy_pool_not_keyed", HIGH)]).by(&["apache"])
}

/// The pool holds what the first request opened, for its name. Apache ends the connection with a 421: then it is the
/// other name's turn to open one.
fn pool(stage: &mut Stage, keepalive: &str, status: u16) -> Result<()> {
    let back = three_hosts(stage)?;
    let cert = wildcard(stage, "front")?;
    let http = format!("upstream back {{ server 127.0.0.1:{back}; {keepalive} }}");
    let location = format!(
        "location / {{ proxy_pass https://back; proxy_set_header Host $host;\n\
         proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_bind {PROXY_ADDRESS};\n\
         proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_hide_header Upgrade;\n\
         proxy_ssl_server_name on; proxy_ssl_name $host; }}"
    );
    let server =
        nginx::start(stage.folder(), &http, &[ServerBlock::new("_", &cert).with(&location)])?;
    let port = stage.enter("nginx, in front,", server);
    stage.record()?;
    let turns = [(A, 200), (B, status), (B, 200), (A, status), (A, 200)];
    for (http, paths) in
        [(One, ["/1", "/2", "/3", "/4", "/5"]), (Two, ["/6", "/7", "/8", "/9", "/10"])]
    {
        for (path, (name, status)) in paths.into_iter().zip(turns) {
            ask(stage, Request { port, sni: Some(name), authority: name, path, http, status })?;
        }
    }
    Ok(())
}

fn haproxy(stage: &mut Stage, sni: &str, status: u16) -> Result<()> {
    let back = three_hosts(stage)?;
    let port = enter_haproxy(stage, back, sni, PROXY_ADDRESS)?;
    stage.record()?;
    coalesce_and_retry(stage, port, status)
}

/// They take turns: the same request over the same connection goes well the second time.
fn one_of_two(stage: &mut Stage) -> Result<()> {
    let cert = wildcard(stage, "one")?;
    let mut back = Vec::new();
    for (folder, names) in [("first", &[A][..]), ("second", &[A, B])] {
        let folder = stage.folder().join(folder);
        std::fs::create_dir_all(&folder)?;
        let server = door::go_server_of(&folder, &cert, names, &stage.keylog())?;
        back.push(stage.enter("Go, behind,", server));
    }
    let joined = haproxy::joined(&cert)?;
    let server = haproxy::start(stage.folder(), |port| {
        let mut text = format!(
            "frontend front\n\
             bind 127.0.0.1:{port} ssl crt {} alpn h2,http/1.1\n\
             default_backend back\n\
             backend back\n\
             option forwardfor\n\
             balance roundrobin\n\
             source {PROXY_ADDRESS}\n",
            joined.display()
        );
        for port in &back {
            text += &format!(
                "server s{port} 127.0.0.1:{port} ssl verify none sni req.hdr(host),field(1,:)\n"
            );
        }
        text
    })?;
    let port = stage.enter("HAProxy, in front,", server);
    stage.record()?;
    let first = Step {
        connection: 1,
        port,
        sni: Some(B),
        authority: B,
        path: "/page",
        http: Two,
        status: 421,
    };
    visit(stage, &[first, Step { status: 200, ..first }])
}
