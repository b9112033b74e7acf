//! What collectors of traces get.

use crate::collector::Span;
use anyhow::{Result, ensure};
use serde_json::Value;
use wrongdoor_tests::curl::{Answer, Curl, Http};
use wrongdoor_tests::live::{Ground, process};

/// Agents at both ends, in network namespaces of their own.
mod ends;
/// Every field, with every collector.
mod fields;
/// Collectors that are not as they should be.
mod trouble;

/// What is asked for one after the other: `d.test` is answered with 421.
const ASKED: [&str; 3] = ["a.test", "d.test", "b.test"];

/// The spans of the connection between `client` and `port`: the ends are of no help where both are the same machine's.
fn of_port(spans: Vec<Span>, port: u16) -> Vec<Span> {
    let is_it =
        |span: &Span, name| span.attribute(name).and_then(Value::as_u64) == Some(port.into());
    let mut spans = spans;
    spans.retain(|span| is_it(span, "network.local.port") || is_it(span, "network.peer.port"));
    spans
}

/// The trace that the caller of the `number`th request says it is part of, and its span there.
fn parent(number: usize) -> (String, String) {
    (format!("{:032x}", 0xabc0 + number), format!("{:016x}", 0xdef0 + number))
}

/// curl asks for [`ASKED`] over one connection, each with a trace of its own.
fn ask(ground: &Ground, port: u16, http: Http) -> Result<()> {
    let url = format!("https://a.test:{port}/");
    let mut curl: Option<Curl> = None;
    for (number, authority) in ASKED.iter().enumerate() {
        let next = match curl.take() {
            None => Curl::new(&url, http)?,
            Some(curl) => curl.next(&url, http)?,
        };
        let (trace, span) = parent(number);
        let field = format!("traceparent: 00-{trace}-{span}-01");
        curl = Some(next.trust(ground.root()).host(authority).arg("--header").arg(field));
    }
    let Some(curl) = curl else { anyhow::bail!("nothing to ask for") };
    let answers = Curl::answers(&process::run(&mut curl.into_command())?.stdout)?;
    let statuses: Vec<u16> = answers.iter().map(|answer: &Answer| answer.status).collect();
    ensure!(statuses == [200, 421, 200], "{answers:?}");
    let first = answers.first().map(|answer| answer.port);
    ensure!(answers.iter().all(|answer| Some(answer.port) == first), "several connections");
    Ok(())
}
