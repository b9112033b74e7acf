//! Clients that cannot be asked what they saw: the server's word is taken for both ends.

use std::fmt::Write as _;

use anyhow::{Context, Result, bail, ensure};

use super::{Ask, Told, command, run_silent};
use crate::curl::Http;
use crate::live::process::Running;

/// All requests at once over one connection, which the last asks to close.
pub(super) fn gnutls_cli(port: u16, ask: &Ask) -> Result<Told> {
    let mut requests = String::new();
    for (number, authority) in ask.authorities.iter().enumerate() {
        let is_last = number + 1 == ask.authorities.len();
        let connection = if is_last { "Connection: close\r\n" } else { "" };
        write!(requests, "GET / HTTP/1.1\r\nHost: {authority}\r\n{connection}\r\n")?;
    }
    let mut command = command("gnutls-cli")?;
    command.args(["--insecure", "--logfile", "/dev/null", "--port", &port.to_string()]);
    match &ask.sni {
        Some(sni) => command.args(["--sni-hostname", sni]),
        None => command.arg("--disable-sni"),
    };
    command.arg("127.0.0.1").stdin(std::process::Stdio::piped());
    // Its way in stays open until it has the last answer: at the end of it, it would close at once.
    let mut running = Running::spawn(&mut command)?;
    std::io::Write::write_all(running.input()?, requests.as_bytes())?;
    let pid = running.pid();
    let count = ask.authorities.len();
    crate::wait::until("all answers to gnutls-cli", || {
        let answers = running.said()?.matches("HTTP/1.1 ").count();
        Ok((answers == count).then_some(()))
    })?;
    // How it ends after the server has closed is its own affair.
    drop(running.finish());
    Ok(Told { pid, count, rows: None })
}

/// Takes no address apart from the name, and only `localhost` has one everywhere.
pub(super) fn wget(port: u16, ask: &Ask) -> Result<Told> {
    let [authority] = ask.authorities.as_slice() else { bail!("wget asks for one authority") };
    ensure!(ask.sni.as_deref() == Some("localhost"), "wget's SNI is localhost");
    let mut command = command("wget")?;
    command.args([
        "--no-config",
        "--no-proxy",
        "--no-check-certificate",
        "--quiet",
        "--inet4-only",
    ]);
    command.args(["--content-on-error", "--output-document", "/dev/null", "--tries", "1"]);
    command.args(["--no-hsts", "--header", &format!("Host: {authority}")]);
    command.arg(format!("https://localhost:{port}/"));
    let running = Running::start(&mut command)?;
    let pid = running.pid();
    let finished = running.finish();
    // It fails for every status but 2xx.
    if let Err(error) = &finished {
        ensure!(format!("{error:#}").contains("exit status: 8"), "wget: {error:#}");
    }
    Ok(Told { pid, count: 1, rows: None })
}

pub(super) fn nghttp(port: u16, ask: &Ask) -> Result<Told> {
    let [authority] = ask.authorities.as_slice() else { bail!("nghttp asks for one authority") };
    let mut command = command("nghttp")?;
    command.args(["--null-out", "--no-dep", "--header", &format!(":authority: {authority}")]);
    run_silent(command.arg(format!("https://127.0.0.1:{port}/")), 1)
}

/// As many requests as there are authorities, all for the SNI, on a connection for each hundred.
pub(super) fn h2load(port: u16, ask: &Ask) -> Result<Told> {
    load(port, ask, ask.authorities.len().div_ceil(100))
}

pub(super) fn load(port: u16, ask: &Ask, connections: usize) -> Result<Told> {
    let name = ask.sni.as_deref().context("h2load needs a name")?;
    let count = ask.authorities.len();
    let mut command = command("h2load")?;
    command.args(["--requests", &count.to_string(), "--clients", &connections.to_string()]);
    command.args(["--max-concurrent-streams", &ask.concurrent.to_string()]);
    command.arg(format!("--connect-to=127.0.0.1:{port}"));
    if ask.http == Http::One {
        command.arg("--h1");
    }
    run_silent(command.arg(format!("https://{name}:{port}/")), count)
}
