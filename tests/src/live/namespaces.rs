//! Two machines, as far as the network goes: a server and a client in network namespaces of their own, with a cable
//! between them.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::Ground;
use super::process::{self, Running};
use crate::{tools, wait};

/// Where nginx listens: addresses that are for such tests (RFC 2544), and its namespace has nobody else.
const SERVED_ADDRESS: &str = "198.18.0.1";
const PORT: u16 = 443;

/// nginx at one end of the cable; both namespaces go when this is dropped.
#[derive(Debug)]
pub struct Namespaces {
    id: u32,
    _server: Option<Running>,
}

/// One end of the cable.
#[derive(Clone, Copy, Debug)]
pub enum End {
    /// nginx is there.
    Server,
    /// curl is there.
    Client,
}

impl Namespaces {
    /// Makes them, and starts nginx that answers `d.test` with 421.
    pub fn new(ground: &Ground) -> Result<Self> {
        let mut namespaces = Self { id: std::process::id(), _server: None };
        for end in [End::Server, End::Client] {
            ip(&["netns", "add", &namespaces.name(end)])?;
        }
        let (server, client) = (namespaces.name(End::Server), namespaces.name(End::Client));
        ip(&[
            "-n", &server, "link", "add", "cable", "type", "veth", "peer", "cable", "netns",
            &client,
        ])?;
        for (name, address) in [(&server, SERVED_ADDRESS), (&client, "198.18.0.2")] {
            ip(&["-n", name, "address", "add", &format!("{address}/30"), "dev", "cable"])?;
            ip(&["-n", name, "link", "set", "cable", "up"])?;
        }
        let mut command = namespaces.command(End::Server, "nginx")?;
        let folder = ground.subfolder("cable")?;
        fs::write(folder.join("nginx.conf"), config(ground, &folder.display().to_string()))?;
        command.args(["-e", "stderr", "-c"]).arg(folder.join("nginx.conf"));
        namespaces._server = Some(Running::start(&mut command)?);
        wait::until("nginx behind the cable", || {
            Ok(namespaces.ask(namespaces.client()?, ground, &["a.test"]).ok())
        })?;
        Ok(namespaces)
    }

    /// A client that waits to be told what to ask: an agent that starts now knows it by then.
    pub fn client(&self) -> Result<Running> {
        let mut command = self.command(End::Client, "curl")?;
        command.args(["--disable", "--noproxy", "*", "--config", "-"]);
        Running::spawn(command.stdin(Stdio::piped()))
    }

    /// Lets it ask for `authorities` over one connection, whose SNI is `a.test`.
    pub fn ask(&self, mut client: Running, ground: &Ground, authorities: &[&str]) -> Result<()> {
        let root = ground.root().display();
        let asks = authorities.iter().map(|authority| {
            format!(
                "http2\nsilent\nshow-error\noutput = /dev/null\nmax-time = 20\ncacert = {root}\n\
                 connect-to = \"::{SERVED_ADDRESS}:\"\nheader = \"Host: {authority}\"\nurl = https://a.test/\n"
            )
        });
        let asks: Vec<String> = asks.collect();
        client.input()?.write_all(asks.join("next\n").as_bytes())?;
        client.finish()?;
        Ok(())
    }

    /// What `--include` calls the network of this end.
    pub fn rule(&self, end: End) -> Result<String> {
        let inode = fs::metadata(self.path(end)).context("no namespace")?.ino();
        Ok(format!("namespace=net:[{inode}]"))
    }

    fn command(&self, end: End, program: &str) -> Result<Command> {
        let mut command = tools::command("nsenter")?;
        command.arg(format!("--net={}", self.path(end).display()));
        command.arg(tools::path(program)?);
        Ok(command)
    }

    fn name(&self, end: End) -> String {
        format!("wrongdoor-{}-{end:?}", self.id).to_lowercase()
    }

    fn path(&self, end: End) -> PathBuf {
        PathBuf::from("/run/netns").join(self.name(end))
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        drop(self._server.take());
        for end in [End::Server, End::Client] {
            // There is nobody left to tell that it did not work.
            drop(ip(&["netns", "delete", &self.name(end)]));
        }
    }
}

fn ip(arguments: &[&str]) -> Result<()> {
    process::run(tools::command("ip")?.args(arguments))?;
    Ok(())
}

fn config(ground: &Ground, folder: &str) -> String {
    let (chain, key) = (ground.cert.chain.display(), ground.cert.key.display());
    format!(
        "daemon off;\nmaster_process off;\nerror_log stderr error;\npid {folder}/pid;\nevents {{ }}\n\
         http {{\naccess_log off;\nclient_body_temp_path {folder}/body;\nproxy_temp_path {folder}/proxy;\n\
         fastcgi_temp_path {folder}/fastcgi;\nuwsgi_temp_path {folder}/uwsgi;\nscgi_temp_path {folder}/scgi;\n\
         server {{\nlisten {SERVED_ADDRESS}:{PORT} ssl http2;\nssl_certificate {chain};\nssl_certificate_key {key};\n\
         if ($host = d.test) {{ return 421; }}\nlocation / {{ return 200; }}\n}}\n}}\n"
    )
}
