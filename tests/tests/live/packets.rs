use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use wrongdoor_tests::curl::{Curl, Http};
use wrongdoor_tests::live::metrics::Metrics;
use wrongdoor_tests::live::{Agent, Ground, kernel, nobody};
use wrongdoor_tests::nginx::{self, ServerBlock};
use wrongdoor_tests::report::{number, text};
use wrongdoor_tests::server::Server;
use wrongdoor_tests::wait;

/// In cleartext; `a.test` answers 200 and `b.test` 421.
fn cleartext(ground: &Ground) -> Result<Server> {
    let refusing = ServerBlock::cleartext("b.test").with("location / { return 421; }");
    let folder = ground.subfolder("cleartext")?;
    nginx::start(&folder, "", &[ServerBlock::cleartext("a.test"), refusing])
}

/// The same with TLS.
fn tls(ground: &Ground, directives: &str) -> Result<Server> {
    let refusing = ServerBlock::new("b.test", &ground.cert).with("location / { return 421; }");
    let folder = ground.subfolder("tls")?;
    let serving = ServerBlock::new("a.test", &ground.cert).with(directives);
    nginx::start(&folder, "", &[serving, refusing])
}

fn ask(server: &Server, host: &str) -> Result<u16> {
    let url = format!("http://127.0.0.1:{}/", server.port());
    Curl::new(&url, Http::One)?.host(host).status()
}

/// The lines with this port of the server.
fn of(lines: &[Value], port: u16) -> Vec<&Value> {
    let server = format!("127.0.0.1:{port}");
    lines.iter().filter(|line| text(line, "server") == Some(&server)).collect()
}

/// The authority and the status of each.
fn told(lines: &[&Value]) -> Vec<(String, u64)> {
    let row = |line: &&Value| {
        (
            text(line, "authority").unwrap_or_default().to_owned(),
            number(line, "status").unwrap_or(0),
        )
    };
    let mut told: Vec<_> = lines.iter().map(row).collect();
    told.sort();
    told
}

fn both() -> Vec<(String, u64)> {
    vec![("a.test".to_owned(), 200), ("b.test".to_owned(), 421)]
}

/// What entered a stage and what was lost in it, for these reasons.
fn stage(metrics: &Metrics, stage: &str) -> (f64, f64) {
    let labels = [("stage", stage)];
    (
        metrics.sum("wrongdoor_events_total", &labels),
        metrics.sum("wrongdoor_events_lost_total", &labels),
    )
}

#[test]
fn cleartext_requests_are_told_from_packets() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let server = cleartext(&ground)?;
    let port = server.port().to_string();
    let agent = Agent::start_source(&turn, "packets", &["--cleartext-port", &port])?;
    ensure!((ask(&server, "a.test")?, ask(&server, "b.test")?) == (200, 421));
    let report = agent.stop()?;
    let lines = of(&report.exchanges, server.port());
    ensure!(told(&lines) == both(), "{lines:#?}");
    for line in lines {
        ensure!(line["source"] == "packets" && line["role"].is_null(), "{line:#}");
        ensure!(line["verdict"] == "not_tls" && line["process"].is_null(), "{line:#}");
    }
    let connections = of(&report.connections, server.port());
    ensure!(connections.len() == 2, "{connections:#?}");
    for line in connections {
        ensure!(!line["opened"].is_null() && !line["closed"].is_null(), "{line:#}");
    }
    Ok(())
}

#[test]
fn a_request_that_the_server_resets_counts_as_failed() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let port = address.port().to_string();
    let mut agent = Agent::start_source(&turn, "packets", &["--cleartext-port", &port])?;
    let mut client = TcpStream::connect(address)?;
    client.write_all(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")?;
    let (mut accepted, _) = listener.accept()?;
    // The kernel resets a connection that is closed with bytes that were not read.
    accepted.read_exact(&mut [0])?;
    drop(accepted);
    let read = client.read(&mut [0]);
    ensure!(
        read.as_ref().is_err_and(|error| error.kind() == ErrorKind::ConnectionReset),
        "{read:?}"
    );
    agent.wait_for_metrics("the reset to be counted", |metrics| {
        metrics.sum("wrongdoor_exchanges_total", &[("outcome", "failed")]) == 1.0
    })?;
    let report = agent.stop()?;
    let lines = of(&report.exchanges, address.port());
    ensure!(lines.len() == 1 && lines[0]["status"].is_null(), "{lines:#?}");
    Ok(())
}

#[test]
fn of_tls_without_keys_the_handshakes_are_told_and_the_rest_stays_in_the_kernel() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let folder = ground.subfolder("large")?;
    fs::write(folder.join("large"), vec![7; 64 * 1024 * 1024])?;
    let large = format!("location /large {{ root {}; }}", folder.display());
    let (server, other) = (tls(&ground, &large)?, cleartext(&ground)?);
    let mut agent = Agent::start_source(&turn, "packets", &[])?;
    ask(&other, "a.test")?;
    let url = format!("https://a.test:{}/large", server.port());
    for version in ["1.2", "1.3"] {
        let curl = Curl::new(&url, Http::Two)?.trust(ground.root()).arg("--tls-max").arg(version);
        ensure!(curl.status()? == 200);
    }
    // Told when it ends, and not only when the agent does.
    let mut ended = Vec::new();
    wait::until("the connections to be told", || {
        ended = agent.lines()?.connections;
        Ok((of(&ended, server.port()).len() == 2).then_some(()))
    })?;
    agent.require_well()?;
    ensure!(
        agent.log().contains("packets show requests inside TLS and QUIC only with"),
        "{}",
        agent.log()
    );
    let metrics = agent.metrics()?;
    let report = agent.stop()?;
    for (line, version) in of(&report.connections, server.port()).iter().zip(["1.2", "1.3"]) {
        ensure!(line["sni"] == "a.test" && line["tls_version"] == version, "{line:#}");
        ensure!(line["decryption"] == "none" && line["exchanges"] == 0, "{line:#}");
        ensure!(line["gaps"] == 0 && !line["closed"].is_null(), "{line:#}");
        let names = &line["certificate_names"];
        ensure!(names.is_null() == (version == "1.3"), "{line:#}");
    }
    // Nobody said that there is cleartext.
    ensure!(of(&report.exchanges, other.port()).is_empty(), "{:#?}", report.exchanges);
    ensure!(of(&report.connections, other.port()).is_empty(), "{:#?}", report.connections);
    // 128 MiB are thousands of packets; other tests' handshakes may be among those that passed.
    let (packets, lost) = stage(&metrics, "kernel");
    ensure!(packets < 2_000.0 && lost == 0.0, "{packets} packets, {lost} lost");
    Ok(())
}

#[test]
fn with_a_key_log_that_grows_requests_inside_tls_are_told() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let server = tls(&ground, "")?;
    let keys = ground.folder().join("keys.log");
    let argument = keys.to_string_lossy().into_owned();
    let mut agent = Agent::start_source(&turn, "packets", &["--keylog", &argument])?;
    let url = format!("https://a.test:{}/", server.port());
    for (round, version) in [(1, "1.2"), (2, "1.3")] {
        let curl = Curl::new(&url, Http::Two)?.trust(ground.root()).arg("--tls-max").arg(version);
        // Over the same connection only where all options are the same.
        let curl = curl.next(&url, Http::Two)?.trust(ground.root()).arg("--tls-max").arg(version);
        let curl = curl.host("b.test");
        let answers = curl.keylog(&keys).send()?;
        ensure!(answers.iter().map(|answer| answer.status).eq([200, 421]), "{answers:?}");
        let server = format!("127.0.0.1:{}", server.port());
        let is_of = |line: &Value| text(line, "server") == Some(&server);
        agent.wait_for("the server", 2 * round, is_of)?;
    }
    let report = agent.stop()?;
    let lines = of(&report.exchanges, server.port());
    let mut twice = [both(), both()].concat();
    twice.sort();
    ensure!(told(&lines) == twice, "{lines:#?}");
    for line in lines {
        ensure!(line["sni"] == "a.test" && line["source"] == "packets", "{line:#}");
        let verdict = if line["authority"] == "a.test" { "match" } else { "coalesced_legal" };
        let is_expected = line["verdict"] == verdict || line["verdict"] == "coalesced_unverified";
        ensure!(is_expected, "{line:#}");
    }
    for line in of(&report.connections, server.port()) {
        ensure!(line["decryption"] == "keylog" && line["gaps"] == 0, "{line:#}");
        ensure!(line["authorities"] == json!(["a.test", "b.test"]), "{line:#}");
        ensure!(!line["certificate_names"].is_null(), "{line:#}");
    }
    Ok(())
}

#[test]
fn probes_tell_tls_and_packets_cleartext_each_once() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let (cleartext, tls) = (cleartext(&ground)?, tls(&ground, "")?);
    // TLS on a port that is said to be cleartext is the probes' all the same.
    let ports = [cleartext.port(), tls.port()].map(|port| port.to_string());
    let arguments = ["--cleartext-port", &ports[0], "--cleartext-port", &ports[1]];
    let agent = Agent::start_source(&turn, "auto", &arguments)?;
    ensure!((ask(&cleartext, "a.test")?, ask(&cleartext, "b.test")?) == (200, 421));
    let url = format!("https://a.test:{}/", tls.port());
    for host in ["a.test", "b.test"] {
        Curl::new(&url, Http::Two)?.trust(ground.root()).host(host).send()?;
    }
    let report = agent.stop()?;
    let lines = of(&report.exchanges, cleartext.port());
    ensure!(told(&lines) == both(), "{lines:#?}");
    ensure!(lines.iter().all(|line| line["source"] == "packets"), "{lines:#?}");
    let lines = of(&report.exchanges, tls.port());
    ensure!(lines.iter().all(|line| line["source"] == "ebpf"), "{lines:#?}");
    for role in ["client", "server"] {
        let own: Vec<&Value> = lines.iter().filter(|line| line["role"] == role).copied().collect();
        ensure!(told(&own) == both(), "{role}: {own:#?}");
    }
    let connections = of(&report.connections, tls.port());
    ensure!(connections.iter().all(|line| !line["role"].is_null()), "{connections:#?}");
    ensure!(connections.len() == 4, "{connections:#?}");
    Ok(())
}

#[test]
fn what_no_ring_has_room_for_is_in_the_ledger() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let server = cleartext(&ground)?;
    let port = server.port().to_string();
    let arguments = ["--cleartext-port", &port, "--packet-ring-bytes", "16384"];
    let mut agent = Agent::start_source(&turn, "packets", &arguments)?;
    agent.halt()?;
    for _ in 0..60 {
        ask(&server, "a.test")?;
    }
    agent.resume()?;
    agent
        .wait_for_metrics("the loss to be counted", |metrics| stage(metrics, "kernel").1 > 100.0)?;
    let metrics = agent.metrics()?;
    let full = [("stage", "kernel"), ("reason", "ring_full")];
    ensure!(metrics.sum("wrongdoor_events_lost_total", &full) == stage(&metrics, "kernel").1);
    // Other tests' packets come meanwhile, so that the sums are made of one scrape.
    let left = |name| {
        let (entered, lost) = stage(&metrics, name);
        entered - lost
    };
    let captured = stage(&metrics, "capture").0;
    ensure!(left("kernel") >= captured, "{metrics:#?}");
    ensure!(left("kernel") - captured <= 64.0, "{metrics:#?}");
    ensure!(left("capture") == left("decode"), "{metrics:#?}");
    agent.stop()?;
    Ok(())
}

#[test]
fn nobody_with_one_capability_captures_packets() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let (cleartext, tls) = (cleartext(&ground)?, tls(&ground, "")?);
    let port = cleartext.port().to_string();
    // Also where the probes were tried first.
    for source in ["packets", "auto"] {
        let arguments = ["--cleartext-port", &port];
        let agent = Agent::start_source_as_nobody(&turn, source, &["net_raw"], &arguments)?;
        // Nothing is kept.
        let status = fs::read_to_string(format!("/proc/{}/status", agent.pid()))?;
        for set in ["CapEff:", "CapPrm:", "CapBnd:"] {
            let line = status.lines().find_map(|line| line.strip_prefix(set)).context("no set")?;
            let left = u64::from_str_radix(line.trim(), 16)?;
            ensure!(set == "CapBnd:" || left == 0, "{set} {left:x}");
        }
        ask(&cleartext, "b.test")?;
        let url = format!("https://a.test:{}/", tls.port());
        Curl::new(&url, Http::Two)?.trust(ground.root()).send()?;
        let log = agent.log();
        ensure!(log.contains("the packet filter that follows flows cannot be loaded"), "{log}");
        ensure!((source == "auto") == log.contains("packets are captured instead"), "{log}");
        let report = agent.stop()?;
        let lines = of(&report.exchanges, cleartext.port());
        ensure!(told(&lines) == [("b.test".to_owned(), 421)], "{lines:#?}");
        let lines = of(&report.connections, tls.port());
        ensure!(lines.len() == 1 && lines[0]["sni"] == "a.test", "{lines:#?}");
    }
    Ok(())
}

#[test]
fn what_packets_need_and_lack_is_said() -> Result<()> {
    let Some(_turn) = kernel::begin()? else { return Ok(()) };
    let said = |capabilities: &[&str], arguments: &[&str]| -> Result<(Option<i32>, String)> {
        let folder = tempfile::tempdir()?;
        let mut command = nobody::command(folder.path(), capabilities)?;
        command.args(["run", "--source", "packets", "--listen", "127.0.0.1:0"]);
        let output = command.args(arguments).output()?;
        Ok((output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned()))
    };
    let (code, text) = said(&[], &[])?;
    ensure!(code == Some(77) && text.contains("CAP_NET_RAW"), "{code:?}: {text}");
    let (code, text) = said(&["net_raw"], &["--netns", "/proc/1/ns/net"])?;
    ensure!(code == Some(77) && text.contains("/proc/1/ns/net"), "{code:?}: {text}");
    let (code, text) = said(&["net_raw"], &["--interface", "nonesuch0"])?;
    ensure!(code == Some(69), "{code:?}: {text}");
    ensure!(text.contains("`nonesuch0`; existing interfaces: ") && text.contains("lo"), "{text}");
    let (code, text) = said(&["net_raw"], &["--keylog", "/"])?;
    ensure!(code == Some(64) && text.contains("not a regular file"), "{code:?}: {text}");
    Ok(())
}
