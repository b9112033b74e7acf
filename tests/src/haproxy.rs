//! A private HAProxy.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::certs::Cert;
use crate::server::Server;
use crate::tools;

/// What every configuration begins with.
const DEFAULTS: &str = "global\n\
     nbthread 1\n\
     defaults\n\
     mode http\n\
     timeout connect 60s\n\
     timeout client 60s\n\
     timeout server 60s\n";

/// Starts HAProxy. `sections` are the rest of the configuration behind the defaults; `bind` in them is to be on the
/// port that it is given.
pub fn start(folder: &Path, sections: impl Fn(u16) -> String) -> Result<Server> {
    let file = folder.join("haproxy.cfg");
    Server::start("haproxy", folder, |port| {
        fs::write(&file, format!("{DEFAULTS}{}", sections(port)))?;
        let mut command = tools::command("haproxy")?;
        command.arg("-db").arg("-f").arg(&file);
        Ok(command)
    })
}

/// A certificate as HAProxy wants it: with its key in one file.
pub fn joined(cert: &Cert) -> Result<PathBuf> {
    let file = cert.chain.with_extension("joined");
    fs::write(&file, fs::read_to_string(&cert.chain)? + &fs::read_to_string(&cert.key)?)?;
    Ok(file)
}
