//! A proxy in front of Apache that says the wrong server name, or none; and the same repaired.

use anyhow::Result;

use super::actors::{B, DEFAULT};
use super::finding::{Causes, HIGH, LIKELY, MEDIUM, finding};
use super::proxies::{AS_IT_IS, Setup, caddy, go, haproxy, nginx, nginx_with_upstream};
use super::{BOTH, Finding, Reproduction};
use crate::scenario::Stage;

pub(super) const ALL: &[Reproduction] = &[
    chain("nginx as it is", |stage| nginx(stage, AS_IT_IS), OMITTED),
    chain(
        "nginx as it is, which says for whom it asks",
        |stage| nginx(stage, Setup { name: FORWARDED, ..AS_IT_IS }),
        OMITTED,
    ),
    chain(
        "nginx with server names, to an address",
        |stage| nginx(stage, Setup { name: "proxy_ssl_server_name on;", ..AS_IT_IS }),
        OMITTED,
    ),
    chain(
        "nginx with the name of its upstream",
        |stage| nginx_with_upstream(stage, Setup { name: "proxy_ssl_server_name on;", ..AS_IT_IS }),
        &[
            front(WRONG_BEHIND),
            back("up.door.test", WRONG),
            front(WRONG_BEHIND),
            back("up.door.test", WRONG),
        ],
    ),
    chain(
        "nginx with one name for all",
        |stage| {
            let name = "proxy_ssl_server_name on; proxy_ssl_name all.door.test;";
            nginx(stage, Setup { name, ..AS_IT_IS })
        },
        &[
            front(WRONG_BEHIND),
            back("all.door.test", WRONG),
            front(WRONG_BEHIND),
            back("all.door.test", WRONG),
        ],
    ),
    chain(
        "nginx with the name that it is asked for",
        |stage| {
            let name = "proxy_ssl_server_name on; proxy_ssl_name $host;";
            nginx(stage, Setup { name, is_right: true, ..AS_IT_IS })
        },
        &[],
    ),
    chain("HAProxy as it is", |stage| haproxy(stage, AS_IT_IS), OMITTED),
    chain(
        "HAProxy with the name that it is asked for",
        |stage| {
            let name = "sni req.hdr(host),field(1,:)";
            haproxy(stage, Setup { name, is_right: true, ..AS_IT_IS })
        },
        &[],
    ),
    chain("Caddy as it is, to an address", |stage| caddy(stage, AS_IT_IS, true), OMITTED),
    chain(
        "Caddy with the name that it is asked for",
        |stage| caddy(stage, Setup { name: CADDYS_HOST, ..AS_IT_IS }, true),
        &[front(POOLED), pooled(), front(POOLED), pooled()],
    ),
    chain(
        "Caddy with the name that it is asked for, on connections of their own",
        |stage| caddy(stage, Setup { name: CADDYS_HOST, is_right: true, ..AS_IT_IS }, false),
        &[],
    ),
    chain(
        "Go's simple proxy, to an address",
        |stage| go(stage, Setup { name: "127.0.0.1", ..AS_IT_IS }),
        OMITTED,
    ),
    chain(
        "Go's simple proxy, to a name of its own",
        |stage| go(stage, Setup { name: "localhost", ..AS_IT_IS }),
        &[
            front(WRONG_BEHIND),
            back("localhost", WRONG),
            front(WRONG_BEHIND),
            back("localhost", WRONG),
        ],
    ),
    chain(
        "Go's simple proxy, to the name of one host",
        |stage| go(stage, Setup { name: DEFAULT, ..AS_IT_IS }),
        &[
            front(WRONG_OR_POOLED),
            back(DEFAULT, WRONG_OR_POOLED),
            front(WRONG_OR_POOLED),
            back(DEFAULT, WRONG_OR_POOLED),
        ],
    ),
    chain(
        "Go's proxy that rewrites",
        |stage| go(stage, Setup { name: DEFAULT, is_right: true, ..AS_IT_IS }),
        &[],
    ),
];

const OMITTED: &[Finding] = &[
    front(&[("proxy_omits_sni", LIKELY)]),
    without_name(),
    front(&[("proxy_omits_sni", LIKELY)]),
    without_name(),
];
const WRONG: Causes = &[("proxy_wrong_sni", HIGH)];
const WRONG_BEHIND: Causes = &[("proxy_wrong_sni", LIKELY)];
/// The first request on each connection is the one for its name: a pool without keys would look the same.
const WRONG_OR_POOLED: Causes = &[("proxy_wrong_sni", LIKELY), ("proxy_pool_not_keyed", MEDIUM)];
/// As long as no other name has a connection, a name that is always sent would look the same.
const POOLED: Causes = &[("proxy_pool_not_keyed", LIKELY), ("proxy_wrong_sni", MEDIUM)];

/// What most configurations have.
const FORWARDED: &str = "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;";
/// Caddy's name for the name that it is asked for.
const CADDYS_HOST: &str = "{http.request.host}";

/// Apache is the first hop, the proxy the second.
const fn chain(
    name: &'static str,
    play: fn(&mut Stage) -> Result<()>,
    findings: &'static [Finding],
) -> Reproduction {
    Reproduction { name, play, hops: &[BOTH, BOTH], findings }
}

/// What the client sees is Apache's answer, passed on.
const fn front(causes: Causes) -> Finding {
    finding(1, Some(B), B, 421).because(causes).by(&["apache"])
}

const fn back(sni: &'static str, causes: Causes) -> Finding {
    finding(0, Some(sni), B, 421).because(causes).by(&["apache"])
}

const fn without_name() -> Finding {
    finding(0, None, B, 421).because(&[("proxy_omits_sni", HIGH)]).by(&["apache"])
}

/// Caddy opens a connection for the name too, now and then, and does not use it.
const fn pooled() -> Finding {
    back(DEFAULT, POOLED).then(&["not_retried", "other_connection_opened"])
}
