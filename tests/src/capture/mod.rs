//! Recording what is said on loopback.

mod pcap;

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::Signal;

use crate::ports::Port;
use crate::{server, tools, wait};

/// The ring buffer's size in KiB, for tcpdump's `-B`. Loopback is fast.
const BUFFER: &str = "65536";
/// The same under a heavy load.
const LARGE_BUFFER: &str = "524288";

/// The most that is kept of a packet: all of the largest on loopback. Each place in the ring buffer is as large, so
/// that more would mean fewer places.
const LENGTH: &str = "65600";

/// How packets get from the kernel into the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// At once, each on its own.
    Immediate,
    /// In blocks, as a heavy load needs.
    Blocks,
}

/// A running tcpdump.
#[derive(Debug)]
pub struct Capture {
    process: Child,
    file: PathBuf,
    said: PathBuf,
    marker: Port,
}

// ===== impl Capture =====

impl Capture {
    /// Starts to record the TCP traffic of `ports` into `file`, and returns when it has begun.
    pub fn start(file: &Path, ports: &[u16]) -> Result<Self> {
        Self::start_with(file, ports, Delivery::Immediate)
    }

    /// The same, with a choice of how packets are delivered.
    pub fn start_with(file: &Path, ports: &[u16], delivery: Delivery) -> Result<Self> {
        let marker = Port::find()?;
        let said = file.with_extension("tcpdump.log");
        let mut command = tools::command("tcpdump")?;
        // `-Z root`: a dropped privilege could not write into a private folder.
        if tools::is_root() {
            command.args(["-Z", "root"]);
        }
        let buffer = match delivery {
            Delivery::Immediate => {
                command.arg("--immediate-mode");
                BUFFER
            }
            Delivery::Blocks => LARGE_BUFFER,
        };
        command.args(["-i", "lo", "-n", "-s", LENGTH, "-U", "-B", buffer, "-w"]).arg(file);
        command.arg(filter(ports, marker.number()));
        let process = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&said)?)
            .spawn()
            .context("cannot run tcpdump")?;
        let mut capture = Self { process, file: file.to_owned(), said, marker };
        wait::until("tcpdump to listen", || capture.listens())?;
        Ok(capture)
    }

    /// Ends the recording when everything sent so far is in the file.
    ///
    /// A marker is sent after all else, and the end waits until the file has it; then it is
    /// taken out again.
    pub fn finish(mut self) -> Result<PathBuf> {
        let secret = format!("wrongdoor marker {}", self.marker.number());
        self.marker.send_to_itself(secret.as_bytes())?;
        wait::until("the marker to reach the capture", || {
            Ok(self
                .tail()?
                .windows(secret.len())
                .any(|bytes| bytes == secret.as_bytes())
                .then_some(()))
        })?;
        server::stop(&mut self.process, Signal::INT);
        let said = fs::read_to_string(&self.said)?;
        ensure!(said.contains("\n0 packets dropped by kernel"), "packets were lost:\n{said}");
        pcap::remove_udp_port(&self.file, self.marker.number())?;
        Ok(self.file.clone())
    }

    fn listens(&mut self) -> Result<Option<()>> {
        let said = fs::read_to_string(&self.said)?;
        if said.contains("listening on") {
            return Ok(Some(()));
        }
        if let Some(status) = self.process.try_wait()? {
            if said.contains("permission") || said.contains("not permitted") {
                bail!(
                    "tcpdump may not capture here:\n{said}run this as root, or allow it once with: \
                     sudo setcap cap_net_raw,cap_net_admin+ep \"$(readlink -f \"$(command -v tcpdump)\")\""
                );
            }
            bail!("tcpdump ended at once ({status}):\n{said}");
        }
        Ok(None)
    }

    /// The end of the file, where the marker will be; other packets may come behind it.
    fn tail(&self) -> Result<Vec<u8>> {
        const TAIL: u64 = 256 * 1024;
        let mut file = File::open(&self.file)?;
        let end = file.metadata()?.len();
        file.seek(SeekFrom::Start(end.saturating_sub(TAIL)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            server::stop(&mut self.process, Signal::INT);
        }
    }
}

fn filter(ports: &[u16], marker: u16) -> String {
    let mut terms: Vec<String> = ports.iter().map(|port| format!("tcp port {port}")).collect();
    terms.push(format!("udp port {marker}"));
    terms.join(" or ")
}
