//! HAProxy, which ends TLS and answers itself.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use super::refused;
use crate::live::Ground;
use crate::server::Server;
use crate::tools;

const FORMAT: &str = r#"{"client":"%ci:%cp","server":"%fi:%fp","sni":"%[ssl_fc_sni]","host":"%[capture.req.hdr(0)]","status":%ST,"method":"%HM","protocol":"%HV","pid":%pid,"stream":""}"#;

pub(super) fn start(ground: &Ground) -> Result<(Server, PathBuf)> {
    let folder = ground.subfolder("haproxy")?;
    let chain = folder.join("chain.pem");
    fs::write(
        &chain,
        fs::read_to_string(&ground.cert.chain)? + &fs::read_to_string(&ground.cert.key)?,
    )?;
    let file = folder.join("haproxy.cfg");
    let server = Server::start("haproxy", ground.folder(), |port| {
        // One thread: where two write their lines of the log at the same time, HAProxy drops one rather than wait.
        let text = format!(
            "global\n\
             log stdout format raw local0 info\n\
             nbthread 1\n\
             defaults\n\
             mode http\n\
             log global\n\
             timeout connect 60s\n\
             timeout client 60s\n\
             timeout server 60s\n\
             frontend front\n\
             bind 127.0.0.1:{port} ssl crt {} alpn h2,http/1.1\n\
             declare capture request len 256\n\
             http-request capture req.hdr(host) id 0\n\
             log-format '{FORMAT}'\n\
             http-request return status 421 if {{ req.hdr(host),lower,field(1,:) -m str {} }}\n\
             http-request return status 200 content-type text/plain string served\n",
            chain.display(),
            refused().join(" "),
        );
        fs::write(&file, text)?;
        let mut command = tools::command("haproxy")?;
        command.arg("-db").arg("-f").arg(&file);
        Ok(command)
    })?;
    Ok((server, ground.folder().join("haproxy.log")))
}
