//! A proxy in front of Apache that says the wrong server name, or none; and the same repaired.

use anyhow::Result;

use super::actors::{B, DEFAULT, PROXY_ADDRESS, Request, ask, three_hosts, wildcard};
use super::finding::{HIGH, LIKELY, MEDIUM, finding};
use super::{BOTH, Finding, Reproduction};
use crate::curl::Http::{One, Two};
use crate::nginx::{self, ServerBlock};
use crate::scenario::Stage;
use crate::{caddy, door, haproxy};

const OMITTED: &[Finding] =
    &[front(OMITS_LIKELY), back(None, OMITS), front(OMITS_LIKELY), back(None, OMITS)];
const OMITS: &[(&str, &[&str])] = &[("proxy_omits_sni", HIGH)];
const OMITS_LIKELY: &[(&str, &[&str])] = &[("proxy_omits_sni", LIKELY)];
const WRONG: &[(&str, &[&str])] = &[("proxy_wrong_sni", HIGH)];
const WRONG_LIKELY: &[(&str, &[&str])] = &[("proxy_wrong_sni", LIKELY)];
/// The first name's connection is used for all names. As long as no other name has one, a name that is always sent
/// would look the same.
const POOLED: &[(&str, &[&str])] = &[("proxy_pool_not_keyed", LIKELY), ("proxy_wrong_sni", MEDIUM)];
/// The first request on each connection is the one for the name: a pool without keys would look the same.
const WRONG_OR_POOLED: &[(&str, &[&str])] =
    &[("proxy_wrong_sni", LIKELY), ("proxy_pool_not_keyed", MEDIUM)];

pub(super) const ALL: &[Reproduction] = &[
    chain("nginx as it is", |stage| nginx(stage, Nginx::default()), OMITTED),
    chain(
        "nginx as it is, which says for whom it asks",
        |stage| nginx(stage, Nginx { location: FORWARDED, ..Nginx::default() }),
        OMITTED,
    ),
    chain(
        "nginx with server names, to an address",
        |stage| nginx(stage, Nginx { location: "proxy_ssl_server_name on;", ..Nginx::default() }),
        OMITTED,
    ),
    chain(
        "nginx with the name of its upstream",
        |stage| {
            nginx(
                stage,
                Nginx { location: "proxy_ssl_server_name on;", upstream: true, status: 421 },
            )
        },
        &[
            front(WRONG_LIKELY),
            back(Some("up.door.test"), WRONG),
            front(WRONG_LIKELY),
            back(Some("up.door.test"), WRONG),
        ],
    ),
    chain(
        "nginx with one name for all",
        |stage| {
            let location = "proxy_ssl_server_name on; proxy_ssl_name backend.door.test;";
            nginx(stage, Nginx { location, ..Nginx::default() })
        },
        &[
            front(WRONG_LIKELY),
            back(Some("backend.door.test"), WRONG),
            front(WRONG_LIKELY),
            back(Some("backend.door.test"), WRONG),
        ],
    ),
    chain(
        "nginx with the name that it is asked for",
        |stage| {
            let location = "proxy_ssl_server_name on; proxy_ssl_name $host;";
            nginx(stage, Nginx { location, upstream: false, status: 200 })
        },
        &[],
    ),
    chain("HAProxy as it is", |stage| haproxy(stage, "", 421), OMITTED),
    chain(
        "HAProxy with the name that it is asked for",
        |stage| haproxy(stage, "sni req.hdr(host),field(1,:)", 200),
        &[],
    ),
    chain("Caddy as it is, to an address", |stage| caddy(stage, "", true, 421), OMITTED),
    chain(
        "Caddy with the name that it is asked for",
        |stage| caddy(stage, CADDYS_HOST, true, 421),
        &[front(POOLED), back(Some(DEFAULT), POOLED), front(POOLED), back(Some(DEFAULT), POOLED)],
    ),
    chain(
        "Caddy with the name that it is asked for, on connections of their own",
        |stage| caddy(stage, CADDYS_HOST, false, 200),
        &[],
    ),
    chain("Go's simple proxy, to an address", |stage| go(stage, "127.0.0.1", false), OMITTED),
    chain(
        "Go's simple proxy, to a name of its own",
        |stage| go(stage, "localhost", false),
        &[
            front(WRONG_LIKELY),
            back(Some("localhost"), WRONG),
            front(WRONG_LIKELY),
            back(Some("localhost"), WRONG),
        ],
    ),
    chain(
        "Go's simple proxy, to the name of one host",
        |stage| go(stage, DEFAULT, false),
        &[
            front(WRONG_OR_POOLED),
            back(Some(DEFAULT), WRONG_OR_POOLED),
            front(WRONG_OR_POOLED),
            back(Some(DEFAULT), WRONG_OR_POOLED),
        ],
    ),
    chain("Go's proxy that rewrites", |stage| go(stage, DEFAULT, true), &[]),
];

/// Apache is the first hop, the proxy the second.
const fn chain(
    name: &'static str,
    play: fn(&mut Stage) -> Result<()>,
    findings: &'static [Finding],
) -> Reproduction {
    Reproduction { name, play, hops: &[BOTH, BOTH], findings }
}

/// What the client sees is Apache's answer, passed on.
const fn front(causes: &'static [(&'static str, &'static [&'static str])]) -> Finding {
    finding(1, Some(B), B, 421).because(causes).by(&["apache"])
}

const fn back(
    sni: Option<&'static str>,
    causes: &'static [(&'static str, &'static [&'static str])],
) -> Finding {
    finding(0, sni, B, 421).because(causes).by(&["apache"])
}

/// How nginx asks Apache.
#[derive(Clone, Copy)]
struct Nginx {
    location: &'static str,
    upstream: bool,
    status: u16,
}

/// What most configurations have.
const FORWARDED: &str = "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;";

impl Default for Nginx {
    fn default() -> Self {
        Self { location: "", upstream: false, status: 421 }
    }
}

/// The default host is served whatever the proxy says; what is asked for next is not.
fn play(stage: &mut Stage, port: u16, status: u16) -> Result<()> {
    stage.record()?;
    for (http, paths) in [(One, ["/one", "/two"]), (Two, ["/three", "/four"])] {
        let [first, second] = paths;
        let right = Request {
            port,
            sni: Some(DEFAULT),
            authority: DEFAULT,
            path: first,
            http,
            status: 200,
        };
        ask(stage, right)?;
        ask(stage, Request { sni: Some(B), authority: B, path: second, status, ..right })?;
    }
    Ok(())
}

fn nginx(stage: &mut Stage, how: Nginx) -> Result<()> {
    let back = three_hosts(stage)?;
    let cert = wildcard(stage, "front")?;
    let Nginx { location, upstream, status } = how;
    let upstreams = format!("upstream up.door.test {{ server 127.0.0.1:{back}; }}");
    let (http, target) = if upstream {
        (upstreams.as_str(), "up.door.test".to_owned())
    } else {
        ("", format!("127.0.0.1:{back}"))
    };
    // Apache offers `Upgrade: h2`, which must not reach a client that speaks HTTP/2 already.
    let location = format!(
        "location / {{ proxy_pass https://{target}; proxy_set_header Host $host;\n\
         proxy_hide_header Upgrade; proxy_bind {PROXY_ADDRESS}; {location} }}"
    );
    let server =
        nginx::start(stage.folder(), http, &[ServerBlock::new("_", &cert).with(&location)])?;
    let port = stage.enter("nginx, in front,", server);
    play(stage, port, status)
}

fn haproxy(stage: &mut Stage, sni: &str, status: u16) -> Result<()> {
    let back = three_hosts(stage)?;
    let joined = haproxy::joined(&wildcard(stage, "front")?)?;
    let server = haproxy::start(stage.folder(), |port| {
        front_and_back(port, &joined.display().to_string(), back, sni)
    })?;
    let port = stage.enter("HAProxy, in front,", server);
    play(stage, port, status)
}

/// HAProxy, which ends TLS and asks the server at `back`.
pub(super) fn front_and_back(port: u16, joined: &str, back: u16, sni: &str) -> String {
    format!(
        "frontend front\n\
         bind 127.0.0.1:{port} ssl crt {joined} alpn h2,http/1.1\n\
         option forwardfor\n\
         default_backend back\n\
         backend back\n\
         source {PROXY_ADDRESS}\n\
         http-response del-header upgrade\n\
         server only 127.0.0.1:{back} ssl verify none {sni}\n"
    )
}

/// Caddy's name for the name that it is asked for.
const CADDYS_HOST: &str = "{http.request.host}";

fn caddy(stage: &mut Stage, server_name: &str, keep: bool, status: u16) -> Result<()> {
    let back = three_hosts(stage)?;
    let cert = wildcard(stage, "front")?;
    let server = caddy::proxy(stage.folder(), &cert, back, server_name, keep)?;
    let port = stage.enter("Caddy, in front,", server);
    play(stage, port, status)
}

fn go(stage: &mut Stage, host: &str, fixed: bool) -> Result<()> {
    let back = three_hosts(stage)?;
    let cert = wildcard(stage, "front")?;
    let target = format!("https://{host}:{back}");
    let server = door::go_proxy(stage.folder(), &cert, &target, PROXY_ADDRESS, fixed)?;
    let port = stage.enter("Go, in front,", server);
    play(stage, port, if fixed { 200 } else { 421 })
}
