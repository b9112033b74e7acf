//! The captures that are measured on: made once, kept in the target folder.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use wrongdoor_tests::capture::{Capture, Delivery};
use wrongdoor_tests::certs::Authority;
use wrongdoor_tests::nginx::{self, ServerBlock};
use wrongdoor_tests::tools;

/// A kind of traffic.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) tls: bool,
    /// How large the capture is to be at least.
    bytes: u64,
    /// How large each body is.
    body: u64,
    /// What h2load does in one round; rounds go on until the capture is large enough.
    round: &'static [&'static str],
    /// The most that nginx sends of a body in a second, so that tcpdump keeps up.
    rate: &'static str,
    /// How many times tcpdump's time may be taken.
    pub(crate) target_tcpdump: Option<f64>,
}

/// All of them. That tcpdump lost nothing is checked.
pub(crate) const KINDS: &[Kind] = &[
    Kind {
        name: "large-bodies",
        tls: true,
        bytes: 1 << 30,
        body: 10 << 20,
        round: &["-n", "20", "-c", "2", "-m", "2"],
        rate: "15m",
        target_tcpdump: Some(2.0),
    },
    Kind {
        name: "small-tls",
        tls: true,
        bytes: 300 << 20,
        body: 64,
        round: &["-n", "100000", "-c", "20", "-m", "50"],
        rate: "0",
        target_tcpdump: None,
    },
    Kind {
        name: "small-cleartext",
        tls: false,
        bytes: 300 << 20,
        body: 64,
        round: &["-n", "100000", "-c", "20", "-m", "50"],
        rate: "0",
        target_tcpdump: None,
    },
];

/// A capture of a kind.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub(crate) kind: &'static Kind,
    pub(crate) capture: PathBuf,
    pub(crate) keylog: PathBuf,
    pub(crate) port: u16,
}

/// The capture of `kind` in `folder`, made now if it is not there.
pub(crate) fn recorded(folder: &Path, kind: &'static Kind) -> Result<Recorded> {
    let folder = folder.join(kind.name);
    let done = folder.join("port");
    let port = match fs::read_to_string(&done) {
        Ok(port) => port.parse()?,
        Err(_not_made) => {
            fs::create_dir_all(&folder)?;
            let port = record(&folder, kind)?;
            // Last: what has it is whole.
            fs::write(&done, port.to_string())?;
            port
        }
    };
    let (capture, keylog) = (folder.join(CAPTURE), folder.join(KEYLOG));
    Ok(Recorded { kind, capture, keylog, port })
}

fn record(folder: &Path, kind: &Kind) -> Result<u16> {
    println!("making {} MiB of {}", kind.bytes >> 20, kind.name);
    let body = folder.join("body");
    // Not compressible, and not the same in every record.
    io::copy(&mut File::open("/dev/urandom")?.take(kind.body), &mut File::create(&body)?)?;
    let root = format!(
        "location / {{ root {}; limit_rate {}; }}\nkeepalive_requests 1000000;",
        folder.display(),
        kind.rate
    );
    let block = if kind.tls {
        ServerBlock::new("a.test", &Authority::new(folder)?.issue("a", &["a.test"])?)
    } else {
        ServerBlock::cleartext("a.test").http2()
    };
    let server = nginx::start(folder, "", &[block.with(&root)])?;
    let keylog = folder.join(KEYLOG);
    fs::write(&keylog, "")?;
    let capture = folder.join(CAPTURE);
    let running = Capture::start_with(&capture, &[server.port()], Delivery::Blocks)?;
    let scheme = if kind.tls { "https" } else { "http" };
    let mut round = 0;
    while fs::metadata(&capture)?.len() < kind.bytes {
        let mut h2load = tools::command("h2load")?;
        h2load.args(kind.round).env("SSLKEYLOGFILE", &keylog);
        h2load.arg(format!("--connect-to=127.0.0.1:{}", server.port()));
        h2load.arg(format!("{scheme}://a.test:{}/body", server.port()));
        let said = tools::output(&mut h2load)?;
        let said = String::from_utf8_lossy(&said);
        anyhow::ensure!(said.contains(" 0 failed, 0 errored"), "h2load: {said}");
        round += 1;
    }
    running.finish().context("the load was too much for tcpdump")?;
    println!("  {round} rounds");
    Ok(server.port())
}

const CAPTURE: &str = "traffic.pcap";
const KEYLOG: &str = "traffic.keys";
