//! nginx: two worker processes, which inherit the library from the first.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::refused;
use crate::live::agent::TIMEOUT;
use crate::live::{Ground, Peer, library};
use crate::nginx::{self, ServerBlock};
use crate::server::Server;
use crate::wait;

/// How many workers it has.
const WORKERS: usize = 2;

/// A line of JSON for each request.
pub(in crate::live) const LOG_FORMAT: &str = r#"log_format truth escape=json '{"client":"$remote_addr:$remote_port","server":"$server_addr:$server_port","sni":"$ssl_server_name","host":"$http_host","status":$status,"method":"$request_method","protocol":"$server_protocol","pid":$pid,"stream":""}';"#;

pub(super) fn start(
    ground: &Ground,
    name: &str,
    environment: &[(&str, &Path)],
) -> Result<(Server, PathBuf)> {
    let folder = ground.subfolder(name)?;
    let log = folder.join("truth.log");
    let block = ServerBlock::new("_", &ground.cert).with(&directives(&log));
    let main = format!("worker_processes {WORKERS};");
    // The log's owner is root: it is opened before the workers give that up.
    let server = nginx::start_with(&folder, &main, environment, LOG_FORMAT, &[block])?;
    Ok((server, log))
}

/// Its workers, once all of them run and none of `earlier` ones does. Its port is open before it has any, and an old
/// one stays until its last connection has lingered, which may take half a minute.
pub fn workers(peer: &Peer, earlier: &BTreeSet<u32>) -> Result<BTreeSet<u32>> {
    let mut now = BTreeSet::new();
    wait::within(TIMEOUT, "nginx to have its workers", || {
        now = library::children(peer.pid())?.into_iter().collect();
        Ok((now.len() == WORKERS && now.is_disjoint(earlier)).then(|| now.clone()))
    })
    .with_context(|| format!("after {earlier:?} there are {now:?}"))
}

/// Serves and refuses, and logs to `log`.
pub(in crate::live) fn directives(log: &Path) -> String {
    let refused = refused().join("|").replace('.', "\\.");
    format!(
        "access_log {} truth;\n\
         keepalive_requests 1000000;\n\
         if ($host ~ ^({refused})$) {{ return 421; }}\n\
         location / {{ return 200 \"$host\\n\"; }}",
        log.display()
    )
}
