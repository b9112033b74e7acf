//! nginx in a container of runc: with a root, processes, a network and a copy of OpenSSL of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::process::Running;
use super::servers::nginx;
use super::{Ask, Ground, Truth, library, process};
use crate::curl::{Curl, Http};
use crate::ports::Port;
use crate::{tools, wait};

/// A running container. It ends when this is dropped.
#[derive(Debug)]
pub struct Container {
    /// Its id.
    pub id: String,
    state: PathBuf,
    root: PathBuf,
    port: Port,
    _running: Running,
}

impl Container {
    /// Starts nginx in a new container, and waits until it answers there.
    pub fn start(ground: &Ground) -> Result<Self> {
        let bundle = ground.subfolder("container")?;
        let root = bundle.join("root");
        let port = Port::find()?;
        furnish(ground, &root, port.number())?;
        fs::write(bundle.join("config.json"), specification().to_string())?;
        // As long as those of container engines, and nobody else's.
        let id =
            format!("{:064x}", u128::from(port.number()) << 64 | u128::from(std::process::id()));
        let state = ground.subfolder("runc")?;
        let mut command = runc(&state)?;
        command.args(["run", "--no-pivot", "--bundle"]).arg(&bundle).arg(&id);
        let running = Running::start(&mut command)?;
        let mut container = Self { id, state, root, port, _running: running };
        container.wait()?;
        Ok(container)
    }

    /// Where it listens, in its own network.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Its first process, by the number that it has outside.
    pub fn pid(&self) -> Result<u32> {
        let state = tools::output(runc(&self.state)?.args(["state", &self.id]))?;
        let state: Value = serde_json::from_slice(&state)?;
        let pid = state.get("pid").and_then(Value::as_u64).context("no process")?;
        Ok(u32::try_from(pid)?)
    }

    /// Asks with a curl that is in its network and nothing else of it.
    pub fn ask(&self, ground: &Ground, ask: &Ask) -> Result<()> {
        for authority in &ask.authorities {
            let url =
                format!("https://{}:{}/", ask.sni.as_deref().unwrap_or("127.0.0.1"), self.port());
            let curl =
                Curl::new(&url, ask.http)?.trust(ground.root()).host(authority).into_command();
            process::run(inside(self.pid()?, &curl)?.env_remove("SSLKEYLOGFILE"))?;
        }
        Ok(())
    }

    /// What it logged, the processes by the numbers that they have outside.
    pub fn truth(&self, count: usize) -> Result<Vec<Truth>> {
        let log = self.root.join("truth.log");
        let rows = wait::until(&format!("{count} exchanges in the container's log"), || {
            let rows = Truth::parse(&fs::read_to_string(&log).unwrap_or_default())?;
            Ok((rows.len() >= count).then_some(rows))
        })?;
        ensure!(rows.len() == count, "{rows:#?}");
        let pid = u64::from(self.pid()?);
        // One process, which is the container's first.
        Ok(rows.into_iter().map(|row| Truth { pid: Some(pid), ..row }).collect())
    }

    fn wait(&mut self) -> Result<()> {
        let running = &mut self._running;
        let pid = wait::until("the container to run", || {
            ensure!(running.is_running()?, "it ended: {}", running.said()?);
            let output = runc(&self.state)?.args(["state", &self.id]).output()?;
            let state: Option<Value> = serde_json::from_slice(&output.stdout).ok();
            let state = state.filter(|state| state.get("status") == Some(&json!("running")));
            Ok(state.and_then(|state| state.get("pid")?.as_u64()))
        })?;
        let pid = u32::try_from(pid)?;
        let mut up = tools::command("ip")?;
        up.args(["link", "set", "lo", "up"]);
        process::run(&mut inside(pid, &up)?)?;
        wait::until("the container's nginx to listen", || {
            let port = format!(":{:04X} 00000000:0000 0A", self.port.number());
            let sockets = fs::read_to_string(format!("/proc/{pid}/net/tcp"))?;
            Ok(sockets.contains(&port).then_some(()))
        })
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if let Ok(mut command) = runc(&self.state) {
            // There is nobody left to tell that it did not work.
            drop(command.args(["delete", "--force", &self.id]).output());
        }
    }
}

fn runc(state: &Path) -> Result<Command> {
    let mut command = tools::command("runc")?;
    command.arg("--root").arg(state);
    Ok(command)
}

/// The same command in the network of `pid`.
fn inside(pid: u32, command: &Command) -> Result<Command> {
    let mut entered = tools::command("nsenter")?;
    entered.args(["--target", &pid.to_string(), "--net", "--"]);
    entered.arg(command.get_program()).args(command.get_args());
    Ok(entered)
}

/// nginx, its libraries, its configuration, and nothing else.
fn furnish(ground: &Ground, root: &Path, port: u16) -> Result<()> {
    for folder in ["proc", "dev", "tmp", "etc", "usr/sbin"] {
        fs::create_dir_all(root.join(folder))?;
    }
    let program = tools::path("nginx")?;
    fs::copy(&program, root.join("usr/sbin/nginx"))?;
    for library in library::needed_by(&program)? {
        let inside = root.join(library.strip_prefix("/")?);
        fs::create_dir_all(inside.parent().context("no folder")?)?;
        fs::copy(&library, inside)?;
    }
    fs::copy(&ground.cert.chain, root.join("etc/chain.pem"))?;
    fs::copy(&ground.cert.key, root.join("etc/key.pem"))?;
    fs::write(
        root.join("etc/passwd"),
        "root:x:0:0::/:/bin/false\nnobody:x:65534:65534::/:/bin/false\n",
    )?;
    fs::write(root.join("etc/group"), "root:x:0:\nnogroup:x:65534:\nnobody:x:65534:\n")?;
    let directives = nginx::directives(Path::new("/truth.log"));
    let text = format!(
        "daemon off;\nmaster_process off;\nuser root;\nerror_log stderr error;\npid /tmp/pid;\n\
         events {{ worker_connections 512; }}\n\
         http {{\n\
         access_log off;\n\
         client_body_temp_path /tmp/body;\nproxy_temp_path /tmp/proxy;\n\
         fastcgi_temp_path /tmp/fastcgi;\nuwsgi_temp_path /tmp/uwsgi;\nscgi_temp_path /tmp/scgi;\n\
         {}\n\
         server {{\nlisten 127.0.0.1:{port} ssl http2;\n\
         ssl_certificate /etc/chain.pem;\nssl_certificate_key /etc/key.pem;\n{directives}\n}}\n}}\n",
        nginx::LOG_FORMAT
    );
    Ok(fs::write(root.join("etc/nginx.conf"), text)?)
}

/// What `runc spec` writes, without the limits, which not every machine lets one raise.
fn specification() -> Value {
    let mount = |to: &str, kind: &str, options: &[&str]| json!({ "destination": to, "type": kind, "source": kind, "options": options });
    let capabilities = ["CAP_SETUID", "CAP_SETGID", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_KILL"];
    let namespaces = ["pid", "network", "ipc", "uts", "mount"].map(|kind| json!({ "type": kind }));
    json!({
        "ociVersion": "1.0.2",
        "process": {
            "user": { "uid": 0, "gid": 0 },
            "args": ["/usr/sbin/nginx", "-e", "stderr", "-c", "/etc/nginx.conf"],
            "env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
            "cwd": "/",
            "capabilities": {
                "bounding": capabilities, "effective": capabilities, "permitted": capabilities,
            },
            "noNewPrivileges": true,
        },
        "root": { "path": "root", "readonly": false },
        "hostname": "wrongdoor",
        "mounts": [
            mount("/proc", "proc", &[]),
            mount("/dev", "tmpfs", &["nosuid", "strictatime", "mode=755", "size=65536k"]),
        ],
        "linux": { "namespaces": namespaces },
    })
}

/// What is asked in a container, once over each version of HTTP.
pub fn asks() -> [Ask; 2] {
    [Http::One, Http::Two]
        .map(|http| Ask::new(Some("a.test"), &["a.test", "b.test", "d.test"], http))
}
