//! The second opinion: what tshark reads in a capture.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::tools;

/// A request and its answer, as tshark reads them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Who sent the ClientHello.
    pub client: SocketAddr,
    /// Who it was sent to.
    pub server: SocketAddr,
    /// The SNI.
    pub sni: Option<String>,
    /// As in `tls_version`.
    pub tls_version: Option<&'static str>,
    /// As in `http_version`.
    pub http_version: &'static str,
    /// As in `stream`.
    pub stream: u64,
    /// The method.
    pub method: String,
    /// `:authority` or `Host`, as sent.
    pub authority: String,
    /// The status of the final answer.
    pub status: Option<u64>,
}

/// What is known of a connection so far.
#[derive(Clone, Debug)]
struct Connection {
    client: SocketAddr,
    server: SocketAddr,
    sni: Option<String>,
    tls_version: Option<&'static str>,
    /// Where its exchanges are, by stream.
    exchanges: BTreeMap<u64, usize>,
    answered: u64,
}

/// A tshark that reads `capture` with the keys in `keylog`, and takes what is on `ports` for TLS.
pub fn command(capture: &Path, keylog: &Path, ports: &[u16]) -> Result<Command> {
    let mut command = tools::command("tshark")?;
    // No name lookups: they would be slow, and would leave the machine.
    command.arg("-n").arg("-r").arg(capture);
    command.arg("-o").arg(format!("tls.keylog_file:{}", keylog.display()));
    for port in ports {
        command.arg("-d").arg(format!("tcp.port=={port},tls"));
    }
    Ok(command)
}

/// All exchanges in `capture`, in the order of their requests.
pub fn exchanges(capture: &Path, keylog: &Path, ports: &[u16]) -> Result<Vec<Exchange>> {
    let mut command = command(capture, keylog, ports)?;
    command.args(["-Y", "tls.handshake or http or http2", "-T", "json", "--no-duplicate-keys"]);
    let packets: Value = serde_json::from_slice(&tools::output(&mut command)?)?;
    let mut reader = Reader::default();
    for packet in packets.as_array().context("tshark wrote no list")? {
        let layers = packet.pointer("/_source/layers").context("a packet without layers")?;
        reader.packet(layers)?;
    }
    Ok(reader.exchanges)
}

#[derive(Debug, Default)]
struct Reader {
    connections: BTreeMap<u64, Connection>,
    exchanges: Vec<Exchange>,
}

// ===== impl Reader =====

impl Reader {
    fn packet(&mut self, layers: &Value) -> Result<()> {
        let number: u64 = one(layers, "tcp.stream").context("not TCP")?.parse()?;
        let (from, to) = (end(layers, "src")?, end(layers, "dst")?);
        let connection = self.connections.entry(number).or_insert_with(|| Connection {
            client: from,
            server: to,
            sni: None,
            tls_version: None,
            exchanges: BTreeMap::new(),
            answered: 0,
        });
        for hello in with_key(layers, "tls.handshake.type") {
            connection.handshake(hello);
        }
        for frame in with_key(layers, "http2.streamid") {
            connection.http2(frame, &mut self.exchanges)?;
        }
        if let Some(http) = layers.get("http") {
            let messages = http.as_array().map_or_else(|| vec![http], |all| all.iter().collect());
            for message in messages {
                connection.http1(message, &mut self.exchanges)?;
            }
        }
        Ok(())
    }
}

// ===== impl Connection =====

impl Connection {
    fn handshake(&mut self, message: &Value) {
        match one(message, "tls.handshake.type") {
            Some("1") => {
                let name = one(message, "tls.handshake.extensions_server_name");
                self.sni = name.map(str::to_ascii_lowercase);
            }
            Some("2") => {
                let version = one(message, "tls.handshake.extensions.supported_version")
                    .or_else(|| one(message, "tls.handshake.version"));
                self.tls_version = match version {
                    Some("0x0304") => Some("1.3"),
                    Some("0x0303") => Some("1.2"),
                    Some("0x0302") => Some("1.1"),
                    Some("0x0301") => Some("1.0"),
                    _ => None,
                };
            }
            _ => {}
        }
    }

    fn http2(&mut self, frame: &Value, exchanges: &mut Vec<Exchange>) -> Result<()> {
        let stream = one(frame, "http2.streamid").unwrap_or_default().parse()?;
        if let Some(method) = one(frame, "http2.headers.method") {
            let authority = one(frame, "http2.headers.authority").unwrap_or_default();
            self.request("2", stream, method, authority, exchanges);
        } else if let Some(status) = one(frame, "http2.headers.status") {
            self.answer(stream, status.parse()?, exchanges);
        }
        Ok(())
    }

    fn http1(&mut self, message: &Value, exchanges: &mut Vec<Exchange>) -> Result<()> {
        if let Some(method) = one(message, "http.request.method") {
            let stream = self.exchanges.len() as u64 + 1;
            let version = match one(message, "http.request.version") {
                Some("HTTP/1.0") => "1.0",
                _ => "1.1",
            };
            let authority = one(message, "http.host").unwrap_or_default();
            self.request(version, stream, method, authority, exchanges);
        } else if let Some(status) = one(message, "http.response.code") {
            let status = status.parse()?;
            self.answer(self.answered + 1, status, exchanges);
        }
        Ok(())
    }

    fn request(
        &mut self,
        http_version: &'static str,
        stream: u64,
        method: &str,
        authority: &str,
        exchanges: &mut Vec<Exchange>,
    ) {
        self.exchanges.insert(stream, exchanges.len());
        exchanges.push(Exchange {
            client: self.client,
            server: self.server,
            sni: self.sni.clone(),
            tls_version: self.tls_version,
            http_version,
            stream,
            method: method.to_owned(),
            authority: authority.to_owned(),
            status: None,
        });
    }

    /// Interim answers, and trailers, which have no status, are not the answer.
    fn answer(&mut self, stream: u64, status: u64, exchanges: &mut [Exchange]) {
        if (100..200).contains(&status) && status != 101 {
            return;
        }
        self.answered += 1;
        let asked = self.exchanges.get(&stream).and_then(|&place| exchanges.get_mut(place));
        if let Some(exchange) = asked {
            exchange.status.get_or_insert(status);
        }
    }
}

fn end(layers: &Value, side: &str) -> Result<SocketAddr> {
    let address: IpAddr = one(layers, &format!("ip.{side}"))
        .or_else(|| one(layers, &format!("ipv6.{side}")))
        .context("neither IPv4 nor IPv6")?
        .parse()?;
    let port = one(layers, &format!("tcp.{side}port")).context("no port")?.parse()?;
    Ok(SocketAddr::new(address, port))
}

/// All objects, at any depth, that have `key` themselves.
fn with_key<'a>(value: &'a Value, key: &str) -> Vec<&'a Value> {
    let mut found = Vec::new();
    match value {
        Value::Object(fields) => {
            if fields.contains_key(key) {
                found.push(value);
            }
            found.extend(fields.values().flat_map(|inner| with_key(inner, key)));
        }
        Value::Array(items) => found.extend(items.iter().flat_map(|inner| with_key(inner, key))),
        _ => {}
    }
    found
}

/// The first text under `key`, at any depth.
fn one<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    match value {
        Value::Object(fields) => fields
            .get(key)
            .and_then(|found| found.as_str().or_else(|| found.get(0)?.as_str()))
            .or_else(|| fields.values().find_map(|inner| one(inner, key))),
        Value::Array(items) => items.iter().find_map(|inner| one(inner, key)),
        _ => None,
    }
}
