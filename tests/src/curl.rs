//! curl: any SNI with any `Host`, over HTTP/1.1 and HTTP/2.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::tools;

/// What curl is told to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Http {
    /// HTTP/1.1.
    One,
    /// HTTP/2, by ALPN.
    Two,
}

/// An answer that curl got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its status; 0 where none came.
    pub status: u16,
    /// The version of HTTP that it came in: `1.1`, `2`.
    pub version: String,
    /// The client's port: which connection it was.
    pub port: u16,
}

/// One run of curl, with one request or several. What is set after [`Curl::next`] is for the next.
#[derive(Debug)]
pub struct Curl {
    command: Command,
    keylog: Option<PathBuf>,
}

/// One line for each answer.
const WRITE_OUT: &str = "%{http_code} %{http_version} %{local_port}\n";

// ===== impl Http =====

impl Http {
    /// As it is written in `http_version`.
    pub fn version(self) -> &'static str {
        match self {
            Self::One => "1.1",
            Self::Two => "2",
        }
    }
}

// ===== impl Curl =====

impl Curl {
    /// A request for `url`, which names the SNI, spoken to loopback whatever it names.
    pub fn new(url: &str, http: Http) -> Result<Self> {
        let mut curl = Self { command: tools::command("curl")?, keylog: None };
        // No configuration of the user's, no proxy from the environment.
        curl.command.args(["--disable", "--noproxy", "*"]);
        curl.request(url, http)
    }

    /// One more request in the same run, over the same connection where curl sees fit.
    pub fn next(mut self, url: &str, http: Http) -> Result<Self> {
        self.command.arg("--next");
        self.request(url, http)
    }

    fn request(mut self, url: &str, http: Http) -> Result<Self> {
        let version = match http {
            Http::One => "--http1.1",
            Http::Two => "--http2",
        };
        self.command.args([version, "--silent", "--show-error", "--output", "/dev/null"]);
        self.command.args(["--max-time", "20", "--connect-to", "::127.0.0.1:"]);
        self.command.args(["--write-out", WRITE_OUT, url]);
        Ok(self)
    }

    /// Trusts `root`; without this nothing is verified.
    #[must_use]
    pub fn trust(self, root: &Path) -> Self {
        self.arg("--cacert").arg(root)
    }

    /// Verifies nothing.
    #[must_use]
    pub fn insecure(self) -> Self {
        self.arg("--insecure")
    }

    /// Sends another `Host` (over HTTP/2: `:authority`) than the URL's.
    #[must_use]
    pub fn host(self, host: &str) -> Self {
        self.arg("--header").arg(format!("Host: {host}"))
    }

    /// Logs the keys of its TLS sessions to `file`, behind those that are there.
    #[must_use]
    pub fn keylog(mut self, file: &Path) -> Self {
        self.keylog = Some(file.to_owned());
        self
    }

    /// One more argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// Sends the requests and returns the answers, in order.
    pub fn send(self) -> Result<Vec<Answer>> {
        let output = tools::output(&mut self.into_command())?;
        Self::answers(&String::from_utf8(output)?)
    }

    /// The command as it is to be run.
    pub fn into_command(mut self) -> Command {
        self.command.env_remove("SSLKEYLOGFILE");
        if let Some(file) = &self.keylog {
            self.command.env("SSLKEYLOGFILE", file);
        }
        self.command
    }

    /// What the command wrote.
    pub fn answers(output: &str) -> Result<Vec<Answer>> {
        output.lines().map(answer).collect()
    }

    /// Sends one request and returns its status.
    pub fn status(self) -> Result<u16> {
        match self.send()?.as_slice() {
            [answer] => Ok(answer.status),
            answers => bail!("expected one answer, not {answers:?}"),
        }
    }
}

fn answer(line: &str) -> Result<Answer> {
    let [status, version, port] =
        line.split(' ').collect::<Vec<_>>().try_into().ok().context("an odd line from curl")?;
    Ok(Answer { status: status.parse()?, version: version.to_owned(), port: port.parse()? })
}
