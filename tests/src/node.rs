//! Node's HTTP/2 client: it sends what it is told, over the connection it is told.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::tools;

/// Several requests over one connection, each when the one before is answered.
const ONE_CONNECTION: &str = r"
const http2 = require('node:http2');
const fs = require('node:fs');
const { port, sni, root, authorities } = JSON.parse(process.env.SCENE);
const session = http2.connect(`https://${sni}:${port}`, {
  ca: fs.readFileSync(root),
  lookup: (name, options, done) =>
    options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4),
});
const ask = (authority) => new Promise((resolve, reject) => {
  const request = session.request({ ':path': '/', ':authority': authority });
  let status = 0;
  request.on('response', (headers) => { status = headers[':status']; });
  request.on('error', reject);
  request.on('end', () => resolve(status));
  request.resume();
  request.end();
});
(async () => {
  const statuses = [];
  for (const authority of authorities) statuses.push(await ask(authority));
  console.log(JSON.stringify(statuses));
  session.close();
})();
";

/// Asks for each of `authorities` over one HTTP/2 connection made for `sni`, as a browser does
/// that coalesces connections, and returns the statuses.
pub fn one_connection(
    port: u16,
    sni: &str,
    root: &Path,
    authorities: &[&str],
    keylog: &Path,
) -> Result<Vec<u16>> {
    let scene = json!({ "port": port, "sni": sni, "root": root, "authorities": authorities });
    let mut log = std::ffi::OsString::from("--tls-keylog=");
    log.push(keylog);
    let mut command = tools::command("node")?;
    command.env("SCENE", scene.to_string()).env_remove("NODE_OPTIONS");
    command.arg(log).args(["--eval", ONE_CONNECTION]);
    let output = tools::output(&mut command)?;
    let statuses: Value = serde_json::from_slice(&output).context("an odd answer from node")?;
    let statuses = statuses.as_array().context("node answered without a list")?;
    statuses
        .iter()
        .map(|status| {
            let status = status.as_u64().and_then(|status| u16::try_from(status).ok());
            status.context("node answered without a status")
        })
        .collect()
}
