//! A network namespace of our own, with nginx in it: a veth pair leads there, from a bridge or without.

use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::BuildHasher;
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::Signal;

use super::Ground;
use crate::ports::Port;
use crate::{server, tools, wait};

/// How our end leads there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It has our address.
    Direct,
    /// It is a port of a bridge, which has our address.
    Bridge,
}

/// A namespace and what leads there. Both are removed when this is dropped.
#[derive(Debug)]
pub struct Network {
    id: u32,
    way: Way,
    port: Port,
    folder: PathBuf,
    server: Option<Child>,
}

impl Network {
    /// A namespace with nginx: in cleartext, `a.test` answers 200 and any other name 421.
    pub fn start(ground: &Ground, way: Way) -> Result<Self> {
        // Names of interfaces have 15 characters.
        let id = (RandomState::new().hash_one(0) & 0xff_ffff) as u32;
        let folder = ground.subfolder(&format!("network-{id:x}"))?;
        let mut network = Self { id, way, port: Port::find()?, folder, server: None };
        ip(&["netns", "add", &network.namespace()])?;
        network.connect()?;
        network.serve(ground)?;
        Ok(network)
    }

    /// Makes the pair, also once more.
    pub fn connect(&self) -> Result<()> {
        let (outer, inner, namespace) = (self.outer(), self.inner(), self.namespace());
        ip(&["link", "add", &outer, "type", "veth", "peer", "name", &inner, "netns", &namespace])?;
        // Real networks have segments; nothing is to be put together or cut up by the device.
        ip(&["link", "set", "dev", &outer, "gso_max_segs", "1"])?;
        let [here, there] = [self.here(), self.there()].map(|address| format!("{address}/30"));
        let ours = match self.way {
            Way::Direct => outer.clone(),
            Way::Bridge => {
                let bridge = self.bridge();
                // It is there the second time.
                let _there = ip(&["link", "add", &bridge, "type", "bridge"]);
                ip(&["link", "set", "dev", &outer, "master", &bridge])?;
                bridge
            }
        };
        ip(&["address", "replace", &here, "dev", &ours])?;
        ip(&["link", "set", "dev", &outer, "up"])?;
        ip(&["link", "set", "dev", &ours, "up"])?;
        ip(&["-n", &namespace, "link", "set", "dev", "lo", "up"])?;
        ip(&["-n", &namespace, "link", "set", "dev", &inner, "gso_max_segs", "1"])?;
        ip(&["-n", &namespace, "address", "add", &there, "dev", &inner])?;
        ip(&["-n", &namespace, "link", "set", "dev", &inner, "up"])
    }

    /// Removes the pair.
    pub fn disconnect(&self) -> Result<()> {
        ip(&["link", "del", "dev", &self.outer()])
    }

    /// Asks nginx for `host`, and returns the status.
    pub fn ask(&self, host: &str) -> Result<u16> {
        let url = format!("http://{}:{}/", self.there(), self.port());
        let mut curl = tools::command("curl")?;
        curl.args(["--disable", "--noproxy", "*", "--silent", "--show-error", "--max-time", "20"]);
        curl.args(["--output", "/dev/null", "--write-out", "%{http_code}"]);
        curl.args(["--header", &format!("Host: {host}"), &url]);
        Ok(String::from_utf8(tools::output(&mut curl)?)?.parse()?)
    }

    /// A command inside.
    pub fn inside(&self, program: &str) -> Result<Command> {
        let mut command = tools::command("ip")?;
        command.args(["netns", "exec", &self.namespace()]).arg(tools::path(program)?);
        Ok(command)
    }

    /// Where nginx listens.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Where it listens with TLS.
    pub fn tls_port(&self) -> u16 {
        self.port.number() + 1
    }

    /// Its address.
    pub fn there(&self) -> Ipv4Addr {
        self.address(2)
    }

    /// Ours.
    pub fn here(&self) -> Ipv4Addr {
        self.address(1)
    }

    /// The interface on our side.
    pub fn outer(&self) -> String {
        format!("wdo{:x}", self.id)
    }

    /// The interface inside.
    pub fn inner(&self) -> String {
        format!("wdi{:x}", self.id)
    }

    /// The file that the namespace is.
    pub fn path(&self) -> String {
        format!("/run/netns/{}", self.namespace())
    }

    /// The bridge that the latter is a port of.
    pub fn bridge(&self) -> String {
        format!("wdb{:x}", self.id)
    }

    fn namespace(&self) -> String {
        format!("wrongdoor-{:x}", self.id)
    }

    /// Of the networks for tests of devices (RFC 2544).
    fn address(&self, host: u32) -> Ipv4Addr {
        let network = self.id & 0x7fff << 2;
        Ipv4Addr::from_bits(Ipv4Addr::new(198, 18, 0, 0).to_bits() + network + host)
    }

    fn serve(&mut self, ground: &Ground) -> Result<()> {
        let (root, port, tls_port) = (self.folder.display(), self.port(), self.tls_port());
        let (chain, key) = (ground.cert.chain.display(), ground.cert.key.display());
        let tls =
            format!("listen {tls_port} ssl; ssl_certificate {chain}; ssl_certificate_key {key};");
        let config = format!(
            "daemon off; master_process off; pid {root}/pid; error_log stderr;\n\
             events {{}}\n\
             http {{ access_log off; client_body_temp_path {root}/body; proxy_temp_path {root}/proxy;\n\
             fastcgi_temp_path {root}/fastcgi; uwsgi_temp_path {root}/uwsgi; scgi_temp_path {root}/scgi;\n\
             server {{ listen {port} default_server; return 421; }}\n\
             server {{ listen {port}; {tls} server_name a.test; return 200; }} }}\n"
        );
        let file = self.folder.join("nginx.conf");
        fs::write(&file, config)?;
        let mut command = self.inside("nginx")?;
        command.arg("-p").arg(&self.folder).arg("-c").arg(&file).args(["-e", "stderr"]);
        let process =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        self.server = Some(process);
        wait::until("nginx to accept connections in its namespace", || {
            let address = (self.there(), self.port()).into();
            let connected = TcpStream::connect_timeout(&address, Duration::from_millis(200));
            Ok(connected.is_ok().then_some(()))
        })
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            server::stop(server, Signal::TERM);
        }
        // It may be disconnected.
        let _gone = self.disconnect();
        if self.way == Way::Bridge {
            let _gone = ip(&["link", "del", "dev", &self.bridge()]);
        }
        let _gone = ip(&["netns", "del", &self.namespace()]);
    }
}

fn ip(arguments: &[&str]) -> Result<()> {
    let command = &mut tools::command("ip")?;
    tools::output(command.args(arguments))
        .with_context(|| format!("ip {}", arguments.join(" ")))?;
    Ok(())
}
