//! A private Caddy: one that compares the authority with the SNI, or one that is a proxy.

use std::fs;
use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use crate::certs::Cert;
use crate::server::Server;
use crate::tools;

/// Starts Caddy with `strict_sni_host`, which shows `cert` whatever it is asked for. Each of `pages` is a path, the type
/// of its content, and its content; other paths are answered too.
pub fn strict(folder: &Path, cert: &Cert, pages: &[(&str, &str, &str)]) -> Result<Server> {
    let page = |(path, kind, body): &(&str, &str, &str)| {
        let headers = json!({ "Content-Type": [kind] });
        json!({
            "match": [{ "path": [path] }],
            "handle": [{ "handler": "static_response", "body": body, "headers": headers }],
            "terminal": true,
        })
    };
    let mut routes: Vec<Value> = pages.iter().map(page).collect();
    routes.push(json!({ "handle": [{ "handler": "static_response", "body": "served\n" }] }));
    start(folder, cert, &json!({ "strict_sni_host": true, "routes": routes }))
}

/// Starts Caddy in front of the TLS server at `back`, to which it sends `server_name`; where that is empty, none. It may
/// keep connections, or use each for one request.
pub fn proxy(
    folder: &Path,
    cert: &Cert,
    back: u16,
    server_name: &str,
    keep: bool,
) -> Result<Server> {
    let tls = json!({ "insecure_skip_verify": true, "server_name": server_name });
    let handler = json!({
        "handler": "reverse_proxy",
        "upstreams": [{ "dial": format!("127.0.0.1:{back}") }],
        "transport": { "protocol": "http", "tls": tls, "keep_alive": { "enabled": keep } },
    });
    start(folder, cert, &json!({ "routes": [{ "handle": [handler] }] }))
}

fn start(folder: &Path, cert: &Cert, server: &Value) -> Result<Server> {
    let root = folder.join("caddy");
    fs::create_dir_all(&root)?;
    Server::start("caddy", folder, |port| {
        let file = root.join("caddy.json");
        fs::write(&file, config(port, cert, server).to_string())?;
        let mut command = tools::command("caddy")?;
        command.args(["run", "--config"]).arg(&file);
        command.env("HOME", &root).env("XDG_DATA_HOME", &root).env("XDG_CONFIG_HOME", &root);
        Ok(command)
    })
}

fn config(port: u16, cert: &Cert, server: &Value) -> Value {
    let files = json!([{ "certificate": cert.chain, "key": cert.key, "tags": ["only"] }]);
    let any_tag = json!([{ "certificate_selection": { "any_tag": ["only"] } }]);
    let mut whole = json!({
        "listen": [format!("127.0.0.1:{port}")],
        "protocols": ["h1", "h2"],
        "automatic_https": { "disable": true },
        "tls_connection_policies": any_tag,
    });
    if let (Some(whole), Some(server)) = (whole.as_object_mut(), server.as_object()) {
        whole.extend(server.clone());
    }
    json!({
        "admin": { "disabled": true },
        "apps": {
            "tls": { "certificates": { "load_files": files } },
            "http": { "servers": { "door": whole } },
        },
    })
}
