//! A browser without a window.

use std::path::Path;

use anyhow::{Context, Result};

use crate::certs::Cert;
use crate::live::process;
use crate::tools;

/// What keeps it from talking to anybody but the servers of the scene.
const ALONE: [&str; 12] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
];

/// Opens `url` with all names under `domain` on loopback and everything else nowhere, takes `cert` for genuine, and
/// returns the page as it is when all of it is loaded.
pub fn open(folder: &Path, url: &str, domain: &str, cert: &Cert, keylog: &Path) -> Result<String> {
    let home = folder.join("chromium");
    std::fs::create_dir_all(&home)?;
    let mut command = tools::command("chromium")?;
    command.env("HOME", &home).env("XDG_CONFIG_HOME", &home).env("XDG_CACHE_HOME", &home);
    command.env("TMPDIR", &home).env_remove("SSLKEYLOGFILE").args(ALONE);
    command.arg(format!("--user-data-dir={}", home.join("profile").display()));
    command.arg(format!("--ssl-key-log-file={}", keylog.display()));
    // With an error that is only overlooked, a connection is not used for other names; a key that is known is no error.
    command.arg(format!("--ignore-certificate-errors-spki-list={}", key_hash(cert)?));
    command.arg(format!("--host-resolver-rules=MAP *.{domain} 127.0.0.1, MAP * ~NOTFOUND"));
    Ok(process::run(command.args(["--dump-dom", url]))?.stdout)
}

/// The SHA-256 of a certificate's public key, in Base64.
fn key_hash(cert: &Cert) -> Result<String> {
    const PIPELINE: &str = "openssl x509 -in \"$1\" -noout -pubkey | openssl pkey -pubin -outform der \
                            | openssl dgst -sha256 -binary | openssl base64";
    tools::path("openssl")?;
    let mut command = tools::command("sh")?;
    let output = tools::output(command.args(["-euc", PIPELINE, "sh"]).arg(&cert.chain))?;
    Ok(String::from_utf8(output).context("an odd hash")?.trim().to_owned())
}
