use std::fs;
use std::net::SocketAddr;

use anyhow::{Context, Result};
use serde_json::Value;
use wrongdoor_tests::binary;
use wrongdoor_tests::report::{number, text};
use wrongdoor_tests::scenario::{self, Scene, Upstream};
use wrongdoor_tests::tshark::{self, Exchange};
use wrongdoor_tests::wire::{LINKS, Talk, pcap};

/// What both must read alike, in one order.
fn sorted(mut exchanges: Vec<Exchange>) -> Vec<Exchange> {
    exchanges.sort_by_key(|exchange| (exchange.client, exchange.stream));
    exchanges
}

fn ours(line: &Value) -> Result<Exchange> {
    let address = |key| -> Result<SocketAddr> { Ok(text(line, key).context(key)?.parse()?) };
    let known = |key, values: &[&'static str]| {
        let value = text(line, key)?;
        values.iter().find(|&&known| known == value).copied()
    };
    Ok(Exchange {
        client: address("client")?,
        server: address("server")?,
        sni: text(line, "sni").map(ToOwned::to_owned),
        tls_version: known("tls_version", &["1.0", "1.1", "1.2", "1.3"]),
        http_version: known("http_version", &["1.0", "1.1", "2"]).context("http_version")?,
        stream: number(line, "stream").context("stream")?,
        method: text(line, "method").context("method")?.to_owned(),
        authority: text(line, "authority_raw").context("authority_raw")?.to_owned(),
        status: number(line, "status"),
    })
}

/// On every kind of link, the same requests; where tshark reads it, as tshark reads them.
#[test]
fn on_every_link() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (capture, keylog) = (folder.path().join("capture.pcap"), folder.path().join("keys"));
    fs::write(&keylog, "")?;
    let mut talk = Talk::open(80);
    talk.client("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    talk.server("HTTP/1.1 421 Misdirected Request\r\nContent-Length: 0\r\n\r\n");
    talk.close();
    for link in LINKS {
        fs::write(&capture, pcap(&link.frame(&talk.frames()))?)?;
        let mut command = binary::command(&["analyze", "--format", "json"]);
        let report = binary::report(command.arg(&capture))?;
        let ours = report.exchanges.iter().map(ours).collect::<Result<Vec<_>>>()?;
        assert_eq!(ours.len(), 1, "{}: {:#}", link.name, report.summary);
        if link.is_read_by_tshark {
            let theirs = tshark::exchanges(&capture, &keylog, &[])?;
            assert_eq!(ours, theirs, "{}", link.name);
        }
    }
    Ok(())
}

#[track_caller]
fn agree(scene: &Scene) -> Result<()> {
    let theirs = tshark::exchanges(&scene.capture(), &scene.keylog(), &scene.ports)?;
    assert_eq!(theirs.len(), scene.sent.len(), "tshark sees all that was sent: {theirs:#?}");
    let report = binary::analyze(scene)?;
    let ours = report.exchanges.iter().map(ours).collect::<Result<Vec<_>>>()?;
    assert_eq!(sorted(ours), sorted(theirs));
    Ok(())
}

/// The kit's own claim, without the program: the capture holds what was sent.
#[test]
fn tshark_finds_what_was_sent() -> Result<()> {
    for scene in [scenario::apache_two_hosts()?, scenario::no_sni()?, scenario::coalescing()?] {
        let read = tshark::exchanges(&scene.capture(), &scene.keylog(), &scene.ports)?;
        assert_eq!(read.len(), scene.sent.len(), "{read:#?}");
        for (read, sent) in read.iter().zip(&scene.sent) {
            assert_eq!(read.sni, sent.sni);
            assert_eq!(read.http_version, sent.http.version());
            assert_eq!(read.status, Some(u64::from(sent.status)));
            let host = read.authority.split(':').next();
            assert_eq!(host, Some(sent.authority.as_str()));
        }
    }
    Ok(())
}

#[test]
fn on_virtual_hosts() -> Result<()> {
    agree(&scenario::apache_two_hosts()?)?;
    agree(&scenario::client_certificates()?)
}

#[test]
fn without_sni() -> Result<()> {
    agree(&scenario::no_sni()?)
}

#[test]
fn on_one_connection() -> Result<()> {
    agree(&scenario::coalescing()?)
}

#[test]
fn behind_a_proxy() -> Result<()> {
    for upstream in [Upstream::NoSni, Upstream::HostName, Upstream::Pool] {
        agree(&scenario::proxy_chain(upstream)?)?;
    }
    Ok(())
}

#[test]
fn with_every_cipher() -> Result<()> {
    for &suite in scenario::SUITES.iter().filter(|suite| suite.is_decrypted()) {
        agree(&scenario::tls_suite(suite)?).with_context(|| format!("{suite:?}"))?;
    }
    Ok(())
}
