//! A proxy whose two hops do not show that they belong together.

use super::actors::B;
use super::finding::{Causes, HIGH, finding};
use super::proxies::{AS_IT_IS, Setup, go, haproxy, nginx};
use super::{BOTH, Finding, Reproduction, UNREADABLE};

pub(super) const ALL: &[Reproduction] = &[
    Reproduction {
        name: "nginx as it is, which asks from another address",
        play: |stage| nginx(stage, Setup { from: ELSEWHERE, ..AS_IT_IS }),
        hops: &[BOTH, BOTH],
        findings: APART,
    },
    Reproduction {
        name: "HAProxy as it is, which asks from another address",
        play: |stage| haproxy(stage, Setup { from: ELSEWHERE, ..AS_IT_IS }),
        hops: &[BOTH, BOTH],
        findings: APART,
    },
    Reproduction {
        name: "Go's simple proxy, which asks from another address",
        play: |stage| go(stage, Setup { name: "127.0.0.1", from: ELSEWHERE, ..AS_IT_IS }),
        hops: &[BOTH, BOTH],
        findings: APART,
    },
    Reproduction {
        name: "nginx as it is, whose connections behind nobody can read",
        play: |stage| nginx(stage, Setup { unreadable: true, ..AS_IT_IS }),
        hops: &[UNREADABLE, BOTH],
        findings: APART,
    },
    Reproduction {
        name: "HAProxy as it is, whose connections behind nobody can read",
        play: |stage| haproxy(stage, Setup { unreadable: true, ..AS_IT_IS }),
        hops: &[UNREADABLE, BOTH],
        findings: APART,
    },
];

/// Loopback, but not where the proxies listen.
const ELSEWHERE: &str = "127.0.0.2";

const APART: &[Finding] = &[front(), back(), front(), back()];

/// The client did right, and Apache's answer says that somebody did not: that is all that can be known here.
const RELAYED: Causes = &[("proxy_omits_sni", &["high", "medium", "low"]), ("unknown", &["low"])];

const fn front() -> Finding {
    finding(1, Some(B), B, 421).because(RELAYED).by(&["apache"])
}

const fn back() -> Finding {
    finding(0, None, B, 421).because(&[("proxy_omits_sni", HIGH)]).by(&["apache"])
}
