//! Envoy, whose BoringSSL is linked in and has no symbols.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use serde_json::{Value, json};

use super::refused;
use crate::curl::Http;
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

/// The edge hands each request on, through a socket of the file system, to answers of its own. Did the edge itself
/// answer, it would take two of the requests that come at once over HTTP/1, and the next only when more arrive.
pub(super) fn start(ground: &Ground, version: EnvoyVersion) -> Result<(Server, PathBuf)> {
    let folder = ground.subfolder("envoy")?;
    let log = folder.join("truth.log");
    let file = folder.join("envoy.json");
    let inside = json!({ "pipe": { "path": folder.join("inside.sock") } });
    let server = Server::start("envoy", ground.folder(), |port| {
        let bootstrap = json!({
            "static_resources": {
                "listeners": [edge(ground, port, &log), answers(&inside)],
                "clusters": [cluster("answers", &inside)],
            },
        });
        fs::write(&file, bootstrap.to_string())?;
        command(version, &file)
    })?;
    Ok((server, log))
}

/// Hands requests in cleartext on over TLS: connections for `a.test` to the server on this port, whatever they ask for.
pub fn proxy(ground: &Ground, version: EnvoyVersion, upstream: u16, http: Http) -> Result<Server> {
    let file = ground.subfolder("envoy-proxy")?.join("envoy.json");
    let server = json!({ "socket_address": { "address": "127.0.0.1", "port_value": upstream } });
    let tls = json!({
        "@type": format!("{EXTENSIONS}.transport_sockets.tls.v3.UpstreamTlsContext"),
        "sni": "a.test",
        "common_tls_context": {
            "tls_params": { "tls_maximum_protocol_version": "TLSv1_3" },
            "alpn_protocols": [if http == Http::Two { "h2" } else { "http/1.1" }],
        },
    });
    let speaks = match http {
        Http::One => json!({ "http_protocol_options": {} }),
        Http::Two => json!({ "http2_protocol_options": {} }),
    };
    let mut cluster = cluster("upstream", &server);
    cluster.as_object_mut().into_iter().for_each(|cluster| {
        cluster
            .insert("transport_socket".to_owned(), json!({ "name": "tls", "typed_config": tls }));
        let options = json!({
            "@type": format!("{EXTENSIONS}.upstreams.http.v3.HttpProtocolOptions"),
            "explicit_http_config": speaks,
        });
        let options = json!({ "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options });
        cluster.insert("typed_extension_protocol_options".to_owned(), options);
    });
    Server::start("envoy-proxy", ground.folder(), |port| {
        let route = json!({ "match": { "prefix": "/" }, "route": { "cluster": "upstream" } });
        let host = json!({ "name": "all", "domains": ["*"], "routes": [route] });
        let filters = json!([{ "name": "http", "typed_config": manager(&[host], &[]) }]);
        let address = json!({ "socket_address": { "address": "127.0.0.1", "port_value": port } });
        let listener = json!({ "address": address, "filter_chains": [{ "filters": filters }] });
        let resources = json!({ "listeners": [listener], "clusters": [cluster] });
        fs::write(&file, json!({ "static_resources": resources }).to_string())?;
        command(version, &file)
    })
}

fn command(version: EnvoyVersion, file: &Path) -> Result<Command> {
    let mut command = installed::envoy(version)?;
    command.arg("--config-path").arg(file);
    command.args(["--disable-hot-restart", "--file-flush-interval-msec", "20"]);
    command.args(["--log-level", "warning"]);
    Ok(command)
}

/// Speaks TLS, and logs every request.
fn edge(ground: &Ground, port: u16, log: &Path) -> Value {
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
    let route = json!({ "match": { "prefix": "/" }, "route": { "cluster": "answers" } });
    let host = json!({ "name": "all", "domains": ["*"], "routes": [route] });
    let logged = json!({
        "name": "file",
        "typed_config": {
            "@type": format!("{EXTENSIONS}.access_loggers.file.v3.FileAccessLog"),
            "path": log,
            "log_format": { "text_format_source": { "inline_string": FORMAT } },
        },
    });
    json!({
        "address": { "socket_address": { "address": "127.0.0.1", "port_value": port } },
        "listener_filters": [{
            "name": "tls_inspector",
            "typed_config": {
                "@type": format!("{EXTENSIONS}.filters.listener.tls_inspector.v3.TlsInspector"),
            },
        }],
        "filter_chains": [{
            "transport_socket": { "name": "tls", "typed_config": tls },
            "filters": [{ "name": "http", "typed_config": manager(&[host], &[logged]) }],
        }],
    })
}

/// Answers every host with its status.
fn answers(address: &Value) -> Value {
    let host = |name: &str, domains: Value, status: u16, text: &str| {
        let answer = json!({ "status": status, "body": { "inline_string": text } });
        let route = json!({ "match": { "prefix": "/" }, "direct_response": answer });
        json!({ "name": name, "domains": domains, "routes": [route] })
    };
    let hosts =
        [host("refused", json!(refused()), 421, ""), host("served", json!(["*"]), 200, "served")];
    let filters = json!([{ "name": "http", "typed_config": manager(&hosts, &[]) }]);
    json!({ "address": address, "filter_chains": [{ "filters": filters }] })
}

fn manager(hosts: &[Value], logs: &[Value]) -> Value {
    json!({
        "@type": format!(
            "{EXTENSIONS}.filters.network.http_connection_manager.v3.HttpConnectionManager"
        ),
        "stat_prefix": "http",
        "access_log": logs,
        "route_config": { "ignore_port_in_host_matching": true, "virtual_hosts": hosts },
        "http_filters": [{
            "name": "router",
            "typed_config": { "@type": format!("{EXTENSIONS}.filters.http.router.v3.Router") },
        }],
    })
}

fn cluster(name: &str, address: &Value) -> Value {
    let endpoint = json!({ "endpoint": { "address": address } });
    json!({
        "name": name,
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{ "lb_endpoints": [endpoint] }],
        },
    })
}

/// It does not log the number of its process. It writes a line for a connection, too, that ends before a request: that
/// has no method.
pub(super) fn parse(log: &str, pid: u32) -> Result<Vec<Truth>> {
    let requests = log.lines().filter(|line| !line.contains(r#""method":"-""#));
    let rows = Truth::parse(&requests.collect::<Vec<_>>().join("\n"))?;
    Ok(rows.into_iter().map(|row| Truth { pid: Some(pid.into()), ..row }).collect())
}
