//! `openssl s_client`: bytes of our choice behind a handshake of our choice.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use crate::tools;

/// Sends `request`, which must ask for the connection to be closed, over TLS to `port`, and
/// returns the status of the answer. `options` are `s_client`'s: `-servername`, `-tls1_2`, …
pub fn send(port: u16, request: &str, keylog: &Path, options: &[&str]) -> Result<u16> {
    let mut command = tools::command("openssl")?;
    command.args(["s_client", "-quiet", "-ign_eof", "-connect", &format!("127.0.0.1:{port}")]);
    command.arg("-keylogfile").arg(keylog).args(options);
    let mut process = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot run openssl")?;
    process.stdin.take().context("no way in")?.write_all(request.as_bytes())?;
    let output = process.wait_with_output()?;
    let answer = String::from_utf8_lossy(&output.stdout);
    match answer.split_ascii_whitespace().nth(1).and_then(|status| status.parse().ok()) {
        Some(status) => Ok(status),
        None => bail!("no answer but {answer:?}; {}", String::from_utf8_lossy(&output.stderr)),
    }
}
