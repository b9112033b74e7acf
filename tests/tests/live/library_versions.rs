use anyhow::{Context, Result, ensure};
use serde_json::Value;
use wrongdoor_tests::curl::Http;
use wrongdoor_tests::live::compare::{Role, compare, is_of};
use wrongdoor_tests::live::library_version::Make;
use wrongdoor_tests::live::{Agent, Ask, Ground, Software, kernel};
use wrongdoor_tests::report::text;

/// What clients with this library are to ask: several on a connection, and no SNI.
fn asks() -> [Ask; 2] {
    [
        Ask::new(
            Some("a.test"),
            &["a.test", "b.test", "c.test", "d.test:8443", "a.test"],
            Http::One,
        ),
        Ask::new(None, &["b.test"], Http::One),
    ]
}

fn is_told(make: Make) -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let peer = Software::Nginx.start(&ground)?;
    let loaded = asks().map(|ask| make.load(peer.port(), &ask));
    let agent = Agent::start(&turn)?;
    if make == Make::Stripped {
        agent.wait_for_file("/_rust.abi3.so")?;
    }
    let mut told = Vec::new();
    for loaded in loaded {
        told.extend(loaded?.ask()?);
    }
    let server = peer.agreed(&told)?;
    let log = agent.log();
    let lines = agent.stop()?.exchanges;
    let ports = [peer.port()];
    let of_client = lines.iter().filter(|line| is_of(line, Role::Client, &ports));
    let hides = |line: &&Value| text(line, "tls_version") == Some("1.3");
    let hidden: Vec<_> = of_client.filter(hides).collect();
    ensure!(!hidden.is_empty(), "no TLS 1.3 in {lines:#?}");
    for line in hidden {
        ensure!(text(line, "certificate_source").is_some(), "{line:#}");
    }
    compare(&told, &lines, Role::Client, &ports).require_all().context(log)?;
    compare(&server, &lines, Role::Server, &ports).require_all()
}

#[test]
fn openssl_111_is_told() -> Result<()> {
    is_told(Make::OpenSsl111)
}

#[test]
fn boringssl_is_told() -> Result<()> {
    is_told(Make::BoringSsl)
}

#[test]
fn openssl_without_symbols_is_told() -> Result<()> {
    is_told(Make::Stripped)
}

#[test]
fn peers_agree_with_libraries_of_every_make() -> Result<()> {
    let ground = Ground::new()?;
    let peer = Software::Nginx.start(&ground)?;
    let mut told = Vec::new();
    for make in Make::ALL {
        for ask in asks() {
            let rows = make.load(peer.port(), &ask)?.ask();
            told.extend(rows.with_context(|| format!("{make:?}"))?);
        }
    }
    let count = peer.agreed(&told)?.len();
    ensure!(count == 18, "{count} exchanges");
    Ok(())
}
