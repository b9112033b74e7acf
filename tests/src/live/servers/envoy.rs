//! Envoy, whose BoringSSL is linked in and has no symbols.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;
use serde_json::{Value, json};

use super::refused;
use crate::live::installed::{self, EnvoyVersion};
use crate::live::{Ground, Truth};
use crate::server::Server;

const FORMAT: &str = concat!(
    r#"{"client":"%DOWNSTREAM_REMOTE_ADDRESS%","server":"%DOWNSTREAM_LOCAL_ADDRESS%","#,
    r#""sni":"%REQUESTED_SERVER_NAME%","host":"%REQ(:AUTHORITY)%","status":"%RESPONSE_CODE%","#,
    r#""method":"%REQ(:METHOD)%","protocol":"%PROTOCOL%"}"#,
    "\n"
);
const EXTENSIONS: &str = "type.googleapis.com/envoy.extensions";

pub(super) fn start(ground: &Ground, version: EnvoyVersion) -> Result<(Server, PathBuf)> {
    let folder = ground.subfolder("envoy")?;
    let log = folder.join("truth.log");
    let file = folder.join("envoy.json");
    let server = Server::start("envoy", ground.folder(), |port| {
        let tls = json!({
            "@type": format!("{EXTENSIONS}.transport_sockets.tls.v3.DownstreamTlsContext"),
            "common_tls_context": {
                "alpn_protocols": ["h2", "http/1.1"],
                "tls_certificates": [{
                    "certificate_chain": { "filename": ground.cert.chain },
                    "private_key": { "filename": ground.cert.key },
                }],
            },
        });
        let answers = |name: &str, domains: Value, status: u16, text: &str| {
            let answer = json!({ "status": status, "body": { "inline_string": text } });
            let route = json!({ "match": { "prefix": "/" }, "direct_response": answer });
            json!({ "name": name, "domains": domains, "routes": [route] })
        };
        let manager = json!({
            "@type": format!(
                "{EXTENSIONS}.filters.network.http_connection_manager.v3.HttpConnectionManager"
            ),
            "stat_prefix": "edge",
            "access_log": [{
                "name": "file",
                "typed_config": {
                    "@type": format!("{EXTENSIONS}.access_loggers.file.v3.FileAccessLog"),
                    "path": log,
                    "log_format": { "text_format_source": { "inline_string": FORMAT } },
                },
            }],
            "route_config": {
                "ignore_port_in_host_matching": true,
                "virtual_hosts": [
                    answers("refused", json!(refused()), 421, ""),
                    answers("served", json!(["*"]), 200, "served"),
                ],
            },
            "http_filters": [{
                "name": "router",
                "typed_config": { "@type": format!("{EXTENSIONS}.filters.http.router.v3.Router") },
            }],
        });
        let address = json!({ "address": "127.0.0.1", "port_value": port });
        let chain = json!({
            "transport_socket": { "name": "tls", "typed_config": tls },
            "filters": [{ "name": "http", "typed_config": manager }],
        });
        let listener = json!({
            "address": { "socket_address": address },
            "listener_filters": [{
                "name": "tls_inspector",
                "typed_config": {
                    "@type": format!("{EXTENSIONS}.filters.listener.tls_inspector.v3.TlsInspector"),
                },
            }],
            "filter_chains": [chain],
        });
        fs::write(&file, json!({ "static_resources": { "listeners": [listener] } }).to_string())?;
        let mut command = installed::envoy(version)?;
        command.arg("--config-path").arg(&file);
        command.args(["--disable-hot-restart", "--file-flush-interval-msec", "20"]);
        command.args(["--log-level", "warning"]);
        Ok(command)
    })?;
    Ok((server, log))
}

/// It does not log the number of its process.
pub(super) fn parse(log: &str, pid: u32) -> Result<Vec<Truth>> {
    let rows = Truth::parse(log)?;
    Ok(rows.into_iter().map(|row| Truth { pid: Some(pid.into()), ..row }).collect())
}
