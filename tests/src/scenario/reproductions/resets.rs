//! Tomcat, which answers 400 or resets a stream where others answer 421.

use anyhow::Result;

use super::actors::{A, B, Request, ask, ask_in_vain, coalesce_and_retry, wildcard};
use super::finding::{HIGH, LIKELY, UNSURE, finding};
use super::{CLIENT, Reproduction};
use crate::certs::Cert;
use crate::curl::Http::{One, Two};
use crate::scenario::Stage;
use crate::tomcat;

pub(super) const ALL: &[Reproduction] = &[
    Reproduction {
        name: "a Host that is not the URL's, and no SNI, to Tomcat",
        play: tomcat,
        hops: &[CLIENT],
        findings: &[
            finding(0, Some(A), B, 400)
                .because(&[("host_override", UNSURE)])
                .by(TOMCAT)
                .then(NOT_FOLLOWED),
            finding(0, None, B, 400)
                .because(&[("client_omits_sni", HIGH)])
                .by(TOMCAT)
                .then(NOT_FOLLOWED),
            finding(0, Some(A), B, 0)
                .because(&[("host_override", UNSURE)])
                .by(TOMCAT)
                .then(NOT_FOLLOWED),
        ],
    },
    Reproduction {
        name: "coalesced, to Tomcat with a configuration for each host",
        play: tomcat_coalesced,
        hops: &[CLIENT],
        findings: &[finding(0, Some(A), B, 0)
            .because(&[("coalesced_tls_policy", LIKELY), ("coalesced_name_check", LIKELY)])
            .by(TOMCAT)
            .then(&["recovered_new_connection", "none"])],
    },
];

/// It has no name among generators.
const TOMCAT: &[&str] = &["other", "unknown", "none"];
/// Nothing followed it, and it is no 421, which would be followed.
const NOT_FOLLOWED: &[&str] = &["not_retried", "none"];

fn tomcat(stage: &mut Stage) -> Result<()> {
    let certs = [stage.authority().issue("a", &[A])?, stage.authority().issue("b", &[B])?];
    let port = enter_tomcat(stage, &certs)?;
    stage.record()?;
    let right = Request { port, sni: Some(A), authority: A, path: "/page", http: One, status: 200 };
    ask(stage, right)?;
    ask(stage, Request { authority: B, path: "/one", status: 400, ..right })?;
    ask(stage, Request { sni: None, authority: B, path: "/two", status: 400, ..right })?;
    // The stream is reset.
    ask_in_vain(stage, Request { authority: B, path: "/three", http: Two, status: 0, ..right })
}

fn tomcat_coalesced(stage: &mut Stage) -> Result<()> {
    let certs = [wildcard(stage, "one")?, wildcard(stage, "two")?];
    let port = enter_tomcat(stage, &certs)?;
    stage.record()?;
    coalesce_and_retry(stage, port, 0)
}

fn enter_tomcat(stage: &mut Stage, [a, b]: &[Cert; 2]) -> Result<u16> {
    let server = tomcat::start(stage.folder(), &[(A, a), (B, b)], &["page", "picture"])?;
    Ok(stage.enter("Tomcat, with a configuration for each host,", server))
}
