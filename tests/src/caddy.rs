//! A private Caddy that compares the authority with the SNI.

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
    let root = folder.join("caddy");
    fs::create_dir_all(&root)?;
    Server::start("caddy", folder, |port| {
        let file = root.join("caddy.json");
        fs::write(&file, config(port, cert, pages).to_string())?;
        let mut command = tools::command("caddy")?;
        command.args(["run", "--config"]).arg(&file);
        command.env("HOME", &root).env("XDG_DATA_HOME", &root).env("XDG_CONFIG_HOME", &root);
        Ok(command)
    })
}

fn config(port: u16, cert: &Cert, pages: &[(&str, &str, &str)]) -> Value {
    let page = |(path, kind, body): &(&str, &str, &str)| {
        json!({
            "match": [{ "path": [path] }],
            "handle": [{
                "handler": "static_response", "body": body, "headers": { "Content-Type": [kind] },
            }],
            "terminal": true,
        })
    };
    let mut routes: Vec<Value> = pages.iter().map(page).collect();
    routes.push(json!({ "handle": [{ "handler": "static_response", "body": "served\n" }] }));
    let files = json!([{ "certificate": cert.chain, "key": cert.key, "tags": ["only"] }]);
    let any_tag = json!([{ "certificate_selection": { "any_tag": ["only"] } }]);
    json!({
        "admin": { "disabled": true },
        "apps": {
            "tls": { "certificates": { "load_files": files } },
            "http": { "servers": { "door": {
                "listen": [format!("127.0.0.1:{port}")],
                "protocols": ["h1", "h2"],
                "automatic_https": { "disable": true },
                "strict_sni_host": true,
                "tls_connection_policies": any_tag,
                "routes": routes,
            } } },
        },
    })
}
