//! nginx in a network of its own, at the other end of a pair of virtual interfaces.

use std::fs;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, ensure};

use super::process::Running;
use super::servers::nginx;
use super::{Ask, Ground, Truth, process};
use crate::curl::Curl;
use crate::ports::Port;
use crate::{tools, wait};

/// A server in another network. The network, and with it both interfaces, goes with its last process.
#[derive(Debug)]
pub struct Distant {
    port: Port,
    address: Ipv4Addr,
    log: PathBuf,
    server: Running,
    _network: Running,
}

impl Distant {
    /// Makes the network and starts nginx in it, and waits until it listens there.
    pub fn start(ground: &Ground) -> Result<Self> {
        let port = Port::find()?;
        let network = Running::start(tools::command("unshare")?.args(["--net", "sleep", "600"]))?;
        let own_network = fs::read_link("/proc/self/ns/net")?;
        wait::until("another network", || {
            let its = fs::read_link(format!("/proc/{}/ns/net", network.pid()))?;
            Ok((its != own_network).then_some(()))
        })?;
        // Of the addresses for benchmarks (RFC 2544) a pair that nobody else has: the port is ours alone.
        let [high, low] = port.number().to_be_bytes();
        let (here, there) = ([198, 18, high, low & !1], [198, 18, high, low | 1]);
        connect(network.pid(), port.number(), here.into(), there.into())?;
        let folder = ground.subfolder("distant")?;
        let (log, address) = (folder.join("truth.log"), Ipv4Addr::from(there));
        let configuration = folder.join("nginx.conf");
        fs::write(&configuration, configure(ground, &folder, &log, address, port.number()))?;
        let mut nginx = tools::command("nginx")?;
        nginx.args(["-e", "stderr", "-c"]).arg(&configuration);
        let server = Running::start(&mut inside(network.pid(), &nginx)?)?;
        let mut distant = Self { port, address, log, server, _network: network };
        distant.wait()?;
        Ok(distant)
    }

    /// Where it listens, in its own network.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Asks from this network. The client's process.
    pub fn ask(&self, ground: &Ground, ask: &Ask) -> Result<u32> {
        let sni = ask.sni.as_deref().unwrap_or("127.0.0.1");
        let url = format!("https://{sni}:{}/", self.port());
        let mut curl: Option<Curl> = None;
        for authority in &ask.authorities {
            let next = match curl.take() {
                None => Curl::new(&url, ask.http)?,
                Some(curl) => curl.next(&url, ask.http)?,
            };
            curl = Some(next.trust(ground.root()).host(authority));
        }
        let Some(curl) = curl else { anyhow::bail!("nothing to ask for") };
        Ok(process::run(&mut self.to_here(&curl.into_command())?)?.pid)
    }

    /// The same command, connecting to this server.
    fn to_here(&self, command: &Command) -> Result<Command> {
        let mut changed = tools::command("curl")?;
        for argument in command.get_args() {
            let is_loopback = argument == "::127.0.0.1:";
            let there = format!("::{}:", self.address);
            changed.arg(if is_loopback { there.as_ref() } else { argument });
        }
        changed.env_remove("SSLKEYLOGFILE");
        Ok(changed)
    }

    /// What it logged.
    pub fn truth(&self, count: usize) -> Result<Vec<Truth>> {
        let rows = wait::until(&format!("{count} exchanges in the distant log"), || {
            let rows = Truth::parse(&fs::read_to_string(&self.log).unwrap_or_default())?;
            Ok((rows.len() >= count).then_some(rows))
        })?;
        ensure!(rows.len() == count, "{rows:#?}");
        Ok(rows)
    }

    fn wait(&mut self) -> Result<()> {
        let listens = format!(":{:04X} 00000000:0000 0A", self.port());
        let pid = self.server.pid();
        wait::until("the distant nginx to listen", || {
            ensure!(self.server.is_running()?, "it ended: {}", self.server.said()?);
            let sockets = fs::read_to_string(format!("/proc/{pid}/net/tcp"))?;
            Ok(sockets.contains(&listens).then_some(()))
        })
    }
}

/// Connects this network with that of `pid`.
fn connect(pid: u32, number: u16, here: Ipv4Addr, there: Ipv4Addr) -> Result<()> {
    let (own, its) = (format!("wd{number}a"), format!("wd{number}b"));
    let ip = |arguments: &str| {
        let mut command = tools::command("ip")?;
        command.args(arguments.split_ascii_whitespace());
        anyhow::Ok(command)
    };
    process::run(&mut ip(&format!("link add {own} type veth peer name {its} netns {pid}"))?)?;
    process::run(&mut ip(&format!("address add {here}/31 dev {own}"))?)?;
    process::run(&mut ip(&format!("link set {own} up"))?)?;
    process::run(&mut inside(pid, &ip(&format!("address add {there}/31 dev {its}"))?)?)?;
    process::run(&mut inside(pid, &ip(&format!("link set {its} up"))?)?)?;
    Ok(())
}

/// The same command in the network of `pid`.
fn inside(pid: u32, command: &Command) -> Result<Command> {
    let mut entered = tools::command("nsenter")?;
    entered.args(["--target", &pid.to_string(), "--net", "--"]);
    entered.arg(command.get_program()).args(command.get_args());
    Ok(entered)
}

fn configure(
    ground: &Ground,
    folder: &std::path::Path,
    log: &std::path::Path,
    address: Ipv4Addr,
    port: u16,
) -> String {
    let (folder, directives) = (folder.display(), nginx::directives(log));
    let (chain, key) = (ground.cert.chain.display(), ground.cert.key.display());
    format!(
        "daemon off;\nmaster_process off;\nuser root;\npid {folder}/pid;\n\
         events {{ worker_connections 512; }}\n\
         http {{\naccess_log off;\n\
         client_body_temp_path {folder}/body;\nproxy_temp_path {folder}/proxy;\n\
         fastcgi_temp_path {folder}/fastcgi;\nuwsgi_temp_path {folder}/uwsgi;\n\
         scgi_temp_path {folder}/scgi;\n\
         {}\n\
         server {{\nlisten {address}:{port} ssl http2;\n\
         ssl_certificate {chain};\nssl_certificate_key {key};\n{directives}\n}}\n}}\n",
        nginx::LOG_FORMAT
    )
}
