use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use wrongdoor_tests::curl::{Curl, Http};
use wrongdoor_tests::live::compare::{Role, is_of};
use wrongdoor_tests::live::installed::{EnvoyVersion, Symbols};
use wrongdoor_tests::live::{Agent, Ground, Residents, Software, kernel, process};
use wrongdoor_tests::report::{Report, text};
use wrongdoor_tests::tools;

/// Asks over TLS 1.3 for a name that the certificate covers and for one that it does not, on connections for `a.test`.
fn ask(ground: &Ground, port: u16) -> Result<()> {
    for http in [Http::One, Http::Two] {
        for host in ["b.test", "d.test"] {
            let url = format!("https://a.test:{port}/");
            Curl::new(&url, http)?.trust(ground.root()).arg("--tlsv1.3").host(host).send()?;
        }
    }
    Ok(())
}

/// What this end saw of the four connections.
fn require_certificates(report: &Report, role: Role, port: u16) -> Result<()> {
    let connections: Vec<_> =
        report.connections.iter().filter(|line| is_of(line, role, &[port])).collect();
    ensure!(connections.len() == 4, "{role:?}: {connections:#?}");
    for line in connections {
        let names = line.get("certificate_names").and_then(Value::as_array);
        let has = |name: &str| names.is_some_and(|names| names.contains(&json!(name)));
        ensure!(has("a.test") && has("b.test") && !has("d.test"), "{role:?}: {line:#}");
        ensure!(text(line, "certificate_source") == Some("handshake"), "{role:?}: {line:#}");
        ensure!(line.get("resumed") == Some(&json!(false)), "{role:?}: {line:#}");
        ensure!(text(line, "tls_version") == Some("1.3"), "{role:?}: {line:#}");
        ensure!(matches!(text(line, "alpn"), Some("h2" | "http/1.1")), "{role:?}: {line:#}");
    }
    let exchanges = report.exchanges.iter().filter(|line| is_of(line, role, &[port]));
    for line in exchanges {
        let verdict = match (text(line, "http_version"), text(line, "authority")) {
            (Some("2"), Some("d.test")) => "misdirected_uncovered",
            (Some("2"), _) => "coalesced_unverified",
            (_, Some("d.test")) => "mismatch_h1_uncovered",
            _ => "mismatch_h1",
        };
        ensure!(text(line, "verdict") == Some(verdict), "{role:?}: {line:#}");
    }
    Ok(())
}

fn certificate_is_told_at_both_ends(software: Software) -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let peer = software.start(&ground)?;
    let _residents = Residents::start()?;
    let agent = Agent::start(&turn)?;
    agent.wait_for_server(software)?;
    ask(&ground, peer.port())?;
    let report = agent.stop()?;
    for role in [Role::Client, Role::Server] {
        require_certificates(&report, role, peer.port())
            .with_context(|| format!("{software:?}"))?;
    }
    Ok(())
}

#[test]
fn openssls_certificate_of_tls13_is_told() -> Result<()> {
    for software in [Software::Nginx, Software::Apache, Software::Haproxy, Software::Node] {
        certificate_is_told_at_both_ends(software)?;
    }
    Ok(())
}

#[test]
fn boringssls_certificate_of_tls13_is_told() -> Result<()> {
    for version in [EnvoyVersion::NEW, EnvoyVersion::OLD] {
        certificate_is_told_at_both_ends(Software::Envoy(version))?;
    }
    Ok(())
}

#[test]
fn gos_certificate_of_tls13_is_told() -> Result<()> {
    for symbols in [Symbols::Kept, Symbols::Stripped] {
        certificate_is_told_at_both_ends(Software::Go(symbols))?;
    }
    Ok(())
}

/// Two connections, the second of which resumes the first one's session.
const RESUMES: &str = r#"
import socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[2])
session = None
for _ in range(2):
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as tcp:
        with context.wrap_socket(tcp, server_hostname="a.test", session=session) as tls:
            tls.sendall(b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n")
            while tls.recv(4096):
                pass
            assert tls.version() == "TLSv1.3", tls.version()
            print(tls.session_reused)
            session = tls.session
"#;

#[test]
fn a_resumed_handshake_is_told_with_the_certificate_of_the_one_before() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let peer = Software::Nginx.start(&ground)?;
    let _residents = Residents::start()?;
    let agent = Agent::start(&turn)?;
    let mut command = tools::command("python3")?;
    command.args(["-c", RESUMES, &peer.port().to_string()]).arg(ground.root());
    let told = process::run(&mut command)?.stdout;
    ensure!(told.lines().eq(["False", "True"]), "{told}");
    let report = agent.stop()?;
    for role in [Role::Client, Role::Server] {
        let ours = report.connections.iter().filter(|line| is_of(line, role, &[peer.port()]));
        let mut seen: Vec<_> = ours
            .map(|line| (line["resumed"] == json!(true), text(line, "certificate_source")))
            .collect();
        seen.sort_unstable();
        let expected = [(false, Some("handshake")), (true, Some("presumed"))];
        ensure!(seen == expected, "{role:?}: {:#?}", report.connections);
        ensure!(report.connections.iter().all(|line| line["certificate_names"].is_array()));
    }
    Ok(())
}
