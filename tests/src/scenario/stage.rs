//! Where a scene is played: the folder, the recording, the list of what was sent.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::capture::Capture;
use crate::certs::Authority;
use crate::curl::{Curl, Http};
use crate::server::Server;

/// A request that a client sent, and the answer it got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The SNI of its connection.
    pub sni: Option<String>,
    /// The host that it asked for, without port.
    pub authority: String,
    /// The version of HTTP.
    pub http: Http,
    /// The status of the answer.
    pub status: u16,
}

/// What is told of the ports of all servers, when they run and nothing is said yet.
pub type Watch = Box<dyn FnOnce(&[u16]) -> Result<()>>;

/// A scene in the making.
pub struct Stage {
    folder: TempDir,
    authority: Authority,
    ports: Vec<u16>,
    servers: Vec<Server>,
    watch: Option<Watch>,
    capture: Option<Capture>,
    sent: Vec<Sent>,
    aloud: bool,
}

/// A scene that was played.
#[derive(Debug)]
pub struct Scene {
    folder: TempDir,
    /// The servers' ports, in the order of their start.
    pub ports: Vec<u16>,
    /// What was sent, in order.
    pub sent: Vec<Sent>,
}

// ===== impl Stage =====

impl Stage {
    /// An empty stage.
    pub fn new() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("wrongdoor-scene-").tempdir()?;
        // Apache gives up root and reads its pages as somebody else.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755))?;
        fs::write(folder.path().join(KEYLOG), "")?;
        let authority = Authority::new(folder.path())?;
        Ok(Self {
            folder,
            authority,
            ports: Vec::new(),
            servers: Vec::new(),
            watch: None,
            capture: None,
            sent: Vec::new(),
            aloud: false,
        })
    }

    /// Is watched by somebody else, instead of being recorded.
    #[must_use]
    pub fn watched(mut self, watch: Watch) -> Self {
        self.watch = Some(watch);
        self
    }

    /// Says on standard error what happens.
    #[must_use]
    pub fn aloud(mut self) -> Self {
        self.aloud = true;
        self
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its certificate authority.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Where clients log their keys.
    pub fn keylog(&self) -> PathBuf {
        self.folder().join(KEYLOG)
    }

    /// Takes a running server onto the stage and returns its port.
    pub fn enter(&mut self, who: &str, server: Server) -> u16 {
        let port = server.port();
        self.say(&format!("{who} listens on 127.0.0.1:{port}"));
        self.ports.push(port);
        self.servers.push(server);
        port
    }

    /// Starts to record the traffic of all servers.
    pub fn record(&mut self) -> Result<()> {
        if let Some(watch) = self.watch.take() {
            return watch(&self.ports);
        }
        let file = self.folder().join(CAPTURE);
        self.capture = Some(Capture::start(&file, &self.ports)?);
        self.say("tcpdump records what they say");
        Ok(())
    }

    /// Says what happens, if it is to be said.
    #[expect(clippy::print_stderr, reason = "the demo's audience watches it here")]
    pub fn say(&self, line: &str) {
        if self.aloud {
            eprintln!("  {line}");
        }
    }

    /// Sends one request with curl: `sni` is its TLS name (none: it connects to the address),
    /// `authority` its `Host`; checks that the answer is `status`.
    pub fn curl(
        &mut self,
        port: u16,
        sni: Option<&str>,
        authority: &str,
        http: Http,
        status: u16,
    ) -> Result<()> {
        let url = format!("https://{}:{port}/", sni.unwrap_or("127.0.0.1"));
        let mut curl = Curl::new(&url, http)?.keylog(&self.keylog());
        curl = match sni {
            Some(_) => curl.trust(&self.authority.root()),
            None => curl.insecure(),
        };
        if sni != Some(authority) {
            curl = curl.host(&format!("{authority}:{port}"));
        }
        let answers = curl.send()?;
        let answer = answers.first().context("curl got no answer")?;
        ensure!(answer.version == http.version(), "not HTTP/{}: {answer:?}", http.version());
        self.note(
            "curl",
            Sent {
                sni: sni.map(ToOwned::to_owned),
                authority: authority.to_owned(),
                http,
                status: answer.status,
            },
            status,
        )
    }

    /// Notes what a client sent, and checks that its answer is `status`.
    pub fn note(&mut self, who: &str, sent: Sent, status: u16) -> Result<()> {
        let sni = sent.sni.as_deref().unwrap_or("none");
        let version = sent.http.version();
        self.say(&format!(
            "{who}: HTTP/{version}, SNI {sni}, authority {}: {}",
            sent.authority, sent.status
        ));
        ensure!(sent.status == status, "expected {status}, not this: {sent:?}");
        self.sent.push(sent);
        Ok(())
    }

    /// The servers' ports, in the order of their start.
    pub fn ports(&self) -> &[u16] {
        &self.ports
    }

    /// Ends the servers, then the recording.
    pub fn finish(mut self) -> Result<Scene> {
        // The servers first: they close what is still open, and that is on record too.
        self.servers.clear();
        self.capture.take().context("nothing was recorded")?.finish()?;
        Ok(Scene { folder: self.folder, ports: self.ports, sent: self.sent })
    }
}

// ===== impl Scene =====

impl Scene {
    /// The capture.
    pub fn capture(&self) -> PathBuf {
        self.folder.path().join(CAPTURE)
    }

    /// The key log of all clients.
    pub fn keylog(&self) -> PathBuf {
        self.folder.path().join(KEYLOG)
    }

    /// How many answers were 421.
    pub fn misdirected(&self) -> usize {
        self.sent.iter().filter(|sent| sent.status == 421).count()
    }
}

const CAPTURE: &str = "scene.pcap";
const KEYLOG: &str = "scene.keys";
