//! Who plays: names, addresses, servers that several scenes need, and clients.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::apache::{self, VirtualHost, Whole};
use crate::certs::Cert;
use crate::curl::{Curl, Http};
use crate::scenario::{Sent, Stage};
use crate::visitor::{self, Step};

/// The default host, where there is one.
pub(super) const DEFAULT: &str = "default.door.test";
/// Two more hosts.
pub(super) const A: &str = "a.door.test";
pub(super) const B: &str = "b.door.test";
/// All of them in one certificate.
pub(super) const WILDCARD: &str = "*.door.test";

/// Where the clients come from, and where proxies do, which is where they listen: addresses tell them apart.
pub(super) const CLIENT_ADDRESS: &str = "127.0.0.3";
pub(super) const PROXY_ADDRESS: &str = "127.0.0.1";

/// What a browser calls itself.
pub(super) const BROWSER: &str =
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/// Answers whatever path it is asked for.
pub(super) const ANY_PATH: &str = "FallbackResource /index.html";

/// A request of curl's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request<'a> {
    pub port: u16,
    pub sni: Option<&'a str>,
    pub authority: &'a str,
    pub path: &'a str,
    pub http: Http,
    pub status: u16,
}

/// curl that is to send `request`, from the client's address, with the keys logged.
pub(super) fn curl(stage: &Stage, request: &Request<'_>) -> Result<Curl> {
    let Request { port, sni, authority, path, http, .. } = *request;
    let url = format!("https://{}:{port}{path}", sni.unwrap_or("127.0.0.1"));
    let curl = Curl::new(&url, http)?.keylog(&stage.keylog());
    let curl = curl.arg("--interface").arg(CLIENT_ADDRESS);
    let curl = match sni {
        Some(_) => curl.trust(&stage.authority().root()),
        None => curl.insecure(),
    };
    if sni == Some(authority) {
        return Ok(curl);
    }
    Ok(curl.host(&format!("{authority}:{port}")))
}

/// Sends `request` with curl and checks the answer.
pub(super) fn ask(stage: &mut Stage, request: Request<'_>) -> Result<()> {
    let answers = curl(stage, &request)?.send()?;
    let answer = answers.first().context("curl got no answer")?;
    note(stage, "curl", request.sni, request.authority, request.http, answer.status, request.status)
}

/// Sends `request` with curl, which comes back without an answer.
pub(super) fn ask_in_vain(stage: &mut Stage, request: Request<'_>) -> Result<()> {
    let output = curl(stage, &request)?.into_command().output()?;
    ensure!(!output.status.success(), "curl was answered: {output:?}");
    note(stage, "curl", request.sni, request.authority, request.http, 0, request.status)
}

/// Does the steps in one process that calls itself a browser, and checks the answers.
pub(super) fn visit(stage: &mut Stage, steps: &[Step<'_>]) -> Result<()> {
    let (root, keylog) = (stage.authority().root(), stage.keylog());
    let statuses = visitor::visit(steps, BROWSER, CLIENT_ADDRESS, &root, &keylog)?;
    ensure!(statuses.len() == steps.len(), "{} steps, but {statuses:?}", steps.len());
    for (step, status) in steps.iter().zip(statuses) {
        note(stage, "node", step.sni, step.authority, step.http, status, step.status)?;
    }
    Ok(())
}

/// The browser's way: `a` over a connection of its own, `b` over the same, and `b` again over a connection of its own.
pub(super) fn coalesce_and_retry(stage: &mut Stage, port: u16, refused: u16) -> Result<()> {
    let http = Http::Two;
    let first =
        Step { connection: 1, port, sni: Some(A), authority: A, path: "/page", http, status: 200 };
    let second = Step { authority: B, path: "/picture", status: refused, ..first };
    let again = Step { connection: 2, sni: Some(B), status: 200, ..second };
    visit(stage, &[first, second, again])
}

fn note(
    stage: &mut Stage,
    who: &str,
    sni: Option<&str>,
    authority: &str,
    http: Http,
    status: u16,
    expected: u16,
) -> Result<()> {
    let sent =
        Sent { sni: sni.map(ToOwned::to_owned), authority: authority.to_owned(), http, status };
    stage.note(who, sent, expected)
}

/// Apache with three hosts, each with a certificate of its own. It logs keys: some of its clients cannot.
pub(super) fn three_hosts(stage: &mut Stage) -> Result<u16> {
    let keylog = stage.keylog();
    enter_three_hosts(stage, Some(&keylog))
}

/// The same without keys.
pub(super) fn three_unreadable_hosts(stage: &mut Stage) -> Result<u16> {
    enter_three_hosts(stage, None)
}

fn enter_three_hosts(stage: &mut Stage, keylog: Option<&Path>) -> Result<u16> {
    let mut hosts = Vec::new();
    for name in [DEFAULT, A, B] {
        let cert = stage.authority().issue(name, &[name])?;
        hosts.push(VirtualHost::new(name, &cert).with(ANY_PATH));
    }
    let server = apache::start_with(stage.folder(), Whole { keylog, directives: "" }, &hosts)?;
    Ok(stage.enter("Apache, with a certificate for each host,", server))
}

/// A certificate that covers all names, in a file of its own.
pub(super) fn wildcard(stage: &Stage, file: &str) -> Result<Cert> {
    stage.authority().issue(file, &[WILDCARD])
}
