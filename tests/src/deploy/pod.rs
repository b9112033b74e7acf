//! A pod of the chart, as a node would start it: its rendered specification, translated for runc as containerd does.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::chart::Rendered;
use super::image::Image;
use super::seccomp;
use crate::live::Ground;
use crate::live::kernel::Turn;
use crate::live::metrics::Metrics;
use crate::live::process::{self, Running};
use crate::{tools, wait};

/// What runtimes hide of /proc and /sys, and what they make read-only, unless told otherwise.
const MASKED: [&str; 9] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/sys/firmware",
];
const READ_ONLY: [&str; 5] =
    ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// A running pod of one container. It ends when this is dropped.
#[derive(Debug)]
pub struct Pod {
    id: String,
    state: PathBuf,
    probes: Probes,
    running: Running,
}

/// Where the kubelet asks.
#[derive(Clone, Debug)]
struct Probes {
    address: String,
    port: u64,
    ready: String,
}

impl Pod {
    /// Starts the DaemonSet's pod from the image, and waits until its readiness probe says so. Having the turn is what
    /// allows it: it is an agent.
    pub fn start(_turn: &Turn, ground: &Ground, chart: &Rendered, image: &Image) -> Result<Self> {
        let bundle = ground.subfolder("pod")?;
        image.unpack(&bundle.join("root"))?;
        let spec = chart.one("DaemonSet")?.pointer("/spec/template/spec").context("no pod")?;
        let configuration = specification(&bundle, chart, spec, image)?;
        fs::write(bundle.join("config.json"), configuration.to_string())?;
        let probes = Probes::of(container(spec)?)?;

        let id = format!("wrongdoor-pod-{}", std::process::id());
        let state = ground.subfolder("pod-state")?;
        let mut command = runc(&state)?;
        command.args(["run", "--no-pivot", "--bundle"]).arg(&bundle).arg(&id);
        let running = Running::start(&mut command)?;
        let mut pod = Self { id, state, probes, running };
        pod.wait()?;
        Ok(pod)
    }

    /// Its process, by the number that it has outside.
    pub fn pid(&self) -> Result<u32> {
        let state = tools::output(runc(&self.state)?.args(["state", &self.id]))?;
        let state: Value = serde_json::from_slice(&state)?;
        Ok(u32::try_from(state["pid"].as_u64().context("no process")?)?)
    }

    /// A line of what the kernel says of its process.
    pub fn status(&self, field: &str) -> Result<String> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()?))?;
        let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        Ok(line.with_context(|| format!("no {field} in {status}"))?.trim().to_owned())
    }

    /// What it counts.
    pub fn metrics(&self) -> Result<Metrics> {
        Metrics::parse(&self.get("/metrics")?)
    }

    /// Waits until what it counts is as `wanted`.
    pub fn wait_for(&mut self, what: &str, wanted: impl Fn(&Metrics) -> bool) -> Result<()> {
        wait::within(process::TIMEOUT, what, || {
            self.require_running()?;
            Ok(wanted(&self.metrics()?).then_some(()))
        })
        .with_context(|| format!("{:#?}\n{}", self.metrics(), self.log()))
    }

    /// What it logged.
    pub fn log(&self) -> String {
        let said = self.running.complained().unwrap_or_default();
        format!("{}{said}", self.running.said().unwrap_or_default())
    }

    /// Ends it as the kubelet does, and requires that it does so with 0.
    pub fn stop(mut self) -> Result<String> {
        process::run(runc(&self.state)?.args(["kill", &self.id, "TERM"]))?;
        wait::within(process::TIMEOUT, "the pod to end", || {
            Ok((!self.running.is_running()?).then_some(()))
        })?;
        let log = self.log();
        let code = self.running.code()?;
        ensure!(code == Some(0), "it ended with {code:?}: {log}");
        Ok(log)
    }

    fn get(&self, page: &str) -> Result<String> {
        let Probes { address, port, .. } = &self.probes;
        let mut curl = tools::command("nsenter")?;
        curl.args(["--target", &self.pid()?.to_string(), "--net", "--"]).arg(tools::path("curl")?);
        curl.args(["--disable", "--silent", "--fail", "--noproxy", "*", "--max-time", "10"]);
        curl.arg(format!("http://{address}:{port}{page}"));
        Ok(String::from_utf8(tools::output(&mut curl)?)?)
    }

    fn wait(&mut self) -> Result<()> {
        wait::until("the pod to run", || {
            self.require_running()?;
            let output = runc(&self.state)?.args(["state", &self.id]).output()?;
            let state: Option<Value> = serde_json::from_slice(&output.stdout).ok();
            Ok(state.filter(|state| state["status"] == "running").map(drop))
        })?;
        // What a network plugin does; in the node's network it is so already.
        let mut up = tools::command("nsenter")?;
        up.args(["--target", &self.pid()?.to_string(), "--net", "--"]).arg(tools::path("ip")?);
        process::run(up.args(["link", "set", "lo", "up"]))?;
        wait::within(process::TIMEOUT, "the pod to be ready", || {
            self.require_running()?;
            Ok(self.get(&self.probes.ready).ok().map(drop))
        })
        .with_context(|| self.log())
    }

    fn require_running(&mut self) -> Result<()> {
        ensure!(self.running.is_running()?, "the pod ended: {}", self.log());
        Ok(())
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        if let Ok(mut command) = runc(&self.state) {
            // There is nobody left to tell that it did not work.
            drop(command.args(["delete", "--force", &self.id]).output());
        }
    }
}

impl Probes {
    fn of(container: &Value) -> Result<Self> {
        let probe = &container["readinessProbe"]["httpGet"];
        let ports = container["ports"].as_array().context("no ports")?;
        let port = ports.iter().find(|port| port["name"] == probe["port"]);
        let port = port.context("no such port")?;
        Ok(Self {
            // The pod's address otherwise, at which it listens as at all others.
            address: probe["host"].as_str().unwrap_or("127.0.0.1").to_owned(),
            port: port["containerPort"].as_u64().context("no number")?,
            ready: probe["path"].as_str().context("no path")?.to_owned(),
        })
    }
}

fn container(pod: &Value) -> Result<&Value> {
    let containers = pod["containers"].as_array().context("no containers")?;
    ensure!(containers.len() == 1, "more than one container");
    containers.first().context("no container")
}

fn runc(state: &Path) -> Result<Command> {
    let mut command = tools::command("runc")?;
    command.arg("--root").arg(state);
    Ok(command)
}

/// What a runtime is told: the pod, and what containerd adds to every container. What is not translated is refused.
fn specification(bundle: &Path, chart: &Rendered, pod: &Value, image: &Image) -> Result<Value> {
    let container = container(pod)?;
    let security = &container["securityContext"];
    ensure!(security["privileged"] == false && security["capabilities"]["drop"] == json!(["ALL"]));
    ensure!(pod["automountServiceAccountToken"] == false, "there is no API server here");
    let capabilities = strings(&security["capabilities"]["add"])?;
    let capabilities: Vec<String> = capabilities.iter().map(|name| format!("CAP_{name}")).collect();
    let profile = match security["seccompProfile"]["type"].as_str() {
        Some("RuntimeDefault") => seccomp::runtime_default(&capabilities)?,
        Some("Unconfined") => Value::Null,
        other => bail!("seccomp: {other:?}"),
    };
    let mut namespaces = vec!["mount", "ipc", "uts", "cgroup"];
    if pod["hostPID"] != true {
        namespaces.push("pid");
    }
    if pod["hostNetwork"] != true {
        namespaces.push("network");
    }
    let namespaces: Vec<Value> = namespaces.iter().map(|kind| json!({ "type": kind })).collect();
    let memory = container["resources"]["limits"]["memory"].as_str().context("no limit")?;
    let mebibytes: u64 = memory.strip_suffix("Mi").context("not in MiB")?.parse()?;
    let arguments = [image.entry_point()?, strings(&container["args"])?].concat();
    let mut specification = json!({
        "ociVersion": "1.0.2",
        "process": {
            "user": { "uid": security["runAsUser"], "gid": security["runAsGroup"] },
            "args": arguments,
            "env": environment(container)?,
            "cwd": "/",
            "capabilities": {
                "bounding": capabilities, "effective": capabilities, "permitted": capabilities,
            },
            "noNewPrivileges": security["allowPrivilegeEscalation"] == false,
        },
        "root": { "path": "root", "readonly": security["readOnlyRootFilesystem"] },
        "mounts": mounts(bundle, chart, pod, container)?,
        "linux": {
            "namespaces": namespaces,
            "maskedPaths": MASKED,
            "readonlyPaths": READ_ONLY,
            "resources": { "memory": { "limit": mebibytes << 20 } },
        },
    });
    if !profile.is_null() {
        specification["linux"]["seccomp"] = profile;
    }
    Ok(specification)
}

fn environment(container: &Value) -> Result<Vec<String>> {
    let variables = container["env"].as_array().context("no environment")?;
    let one = |variable: &Value| {
        let name = variable["name"].as_str().context("no name")?;
        let value = match variable["valueFrom"]["fieldRef"]["fieldPath"].as_str() {
            Some("spec.nodeName") => "node.test",
            Some("metadata.name") => "wrongdoor-abcde",
            Some("status.hostIP") => "192.0.2.1",
            Some(other) => bail!("{name}: {other}"),
            None => variable["value"].as_str().context("no value")?,
        };
        Ok(format!("{name}={value}"))
    };
    variables.iter().map(one).collect()
}

/// Those of every container, and the pod's own in place of what is there otherwise.
fn mounts(bundle: &Path, chart: &Rendered, pod: &Value, container: &Value) -> Result<Vec<Value>> {
    let mount = |to: &str, kind: &str, options: &[&str]| json!({ "destination": to, "type": kind, "source": kind, "options": options });
    let mut mounts = vec![
        mount("/proc", "proc", &["nosuid", "noexec", "nodev"]),
        mount("/dev", "tmpfs", &["nosuid", "strictatime", "mode=755", "size=65536k"]),
        mount("/sys", "sysfs", &["nosuid", "noexec", "nodev", "ro"]),
        mount("/sys/fs/cgroup", "cgroup", &["nosuid", "noexec", "nodev", "relatime", "ro"]),
    ];
    let volumes = pod["volumes"].as_array().context("no volumes")?;
    for own in container["volumeMounts"].as_array().context("no mounts")? {
        let volume = volumes.iter().find(|volume| volume["name"] == own["name"]);
        let volume = volume.context("no such volume")?;
        let source = match (&volume["hostPath"], &volume["configMap"]) {
            (Value::Object(path), Value::Null) => {
                let path = PathBuf::from(path["path"].as_str().context("no path")?);
                ensure!(path.is_dir(), "{} is not on this node", path.display());
                path
            }
            (Value::Null, Value::Object(map)) => written(bundle, chart, &map["name"])?,
            _ => bail!("{volume:#}"),
        };
        let to = own["mountPath"].as_str().context("no place")?;
        mounts.retain(|mount| mount["destination"] != to);
        let mode = if own["readOnly"] == true { "ro" } else { "rw" };
        mounts.push(json!({
            "destination": to, "type": "bind", "source": source, "options": ["rbind", "rprivate", mode],
        }));
    }
    Ok(mounts)
}

/// A ConfigMap as files.
fn written(bundle: &Path, chart: &Rendered, name: &Value) -> Result<PathBuf> {
    let is_it =
        |object: &&Value| object["kind"] == "ConfigMap" && object["metadata"]["name"] == *name;
    let map = chart.objects.iter().find(is_it).context("no such ConfigMap")?;
    let folder = bundle.join(name.as_str().context("no name")?);
    match fs::create_dir(&folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error.into()),
        _ => (),
    }
    for (file, text) in map["data"].as_object().context("nothing in it")? {
        fs::write(folder.join(file), text.as_str().context("no text")?)?;
    }
    Ok(folder)
}

fn strings(list: &Value) -> Result<Vec<String>> {
    let list = list.as_array().context("no list")?;
    list.iter().map(|it| Ok(it.as_str().context("no text")?.to_owned())).collect()
}
