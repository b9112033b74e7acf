//! What nginx and h2load do, and what it costs them.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use wait4::Wait4;
use wrongdoor_tests::certs::Authority;
use wrongdoor_tests::nginx::{self, ServerBlock};
use wrongdoor_tests::server::Server;
use wrongdoor_tests::tools;

use super::processor;

/// The size of a download.
const DOWNLOAD: usize = 1 << 20;

/// A kind of load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) name: &'static str,
    /// How it is asked.
    arguments: &'static [&'static str],
    /// What is asked for.
    path: &'static str,
    /// Which of the servers.
    server: usize,
    /// How many requests are enough to learn how fast it is.
    probe: u64,
    /// Whether each is an exchange over HTTP/2 with a small answer.
    pub(crate) is_small: bool,
}

/// All of them.
pub(crate) const LOADS: &[Load] = &[
    Load {
        name: "h2-small-1x1",
        arguments: &["-c", "1", "-m", "1"],
        path: "small",
        server: 0,
        probe: 2_000,
        is_small: true,
    },
    Load {
        name: "h2-small-8x10",
        arguments: &["-c", "8", "-m", "10"],
        path: "small",
        server: 0,
        probe: 5_000,
        is_small: true,
    },
    Load {
        name: "h2-download",
        arguments: &["-c", "1", "-m", "1"],
        path: "download",
        server: 0,
        probe: 50,
        is_small: false,
    },
    Load {
        name: "new-connections",
        // h2load opens a new connection where the server closed one only in HTTP/1.
        arguments: &["-c", "4", "-m", "1", "--h1"],
        path: "small",
        server: 1,
        probe: 300,
        is_small: false,
    },
];

/// The servers: one that keeps its connections, and one that closes each after a request.
#[derive(Debug)]
pub(crate) struct Servers([Server; 2]);

/// One measurement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Done {
    /// How many requests were answered.
    pub(crate) exchanges: u64,
    /// In a second.
    pub(crate) rate: f64,
    /// Processor time of the server and of the client for each.
    pub(crate) busy: Duration,
}

impl Servers {
    /// Starts them, with what they keep in `folder`.
    pub(crate) fn start(folder: &Path) -> Result<Self> {
        fs::write(folder.join("small"), "small\n")?;
        fs::write(folder.join("download"), vec![b'.'; DOWNLOAD])?;
        let cert = Authority::new(folder)?.issue("a", &["a.test"])?;
        let start = |name: &str, requests: &str| {
            let directives = format!(
                "location / {{ root {}; }}\nkeepalive_requests {requests};",
                folder.display()
            );
            let home = folder.join(name);
            fs::create_dir_all(&home)?;
            nginx::start(&home, "", &[ServerBlock::new("a.test", &cert).with(&directives)])
        };
        Ok(Self([start("keeping", "1000000000")?, start("closing", "1")?]))
    }

    /// The process that serves a load.
    pub(crate) fn pid(&self, load: &Load) -> u32 {
        self.of(load).pid()
    }

    fn of(&self, load: &Load) -> &Server {
        let Self([keeping, closing]) = self;
        if load.server == 0 { keeping } else { closing }
    }
}

impl Load {
    /// How many requests take about so long.
    pub(crate) fn requests(&self, servers: &Servers, seconds: f64) -> Result<u64> {
        self.run(servers, self.probe, None)?;
        let done = self.run(servers, self.probe, None)?;
        Ok((done.rate * seconds).ceil().max(10.0) as u64)
    }

    /// Sends so many requests; the client tells each in `log`.
    pub(crate) fn run(&self, servers: &Servers, requests: u64, log: Option<&Path>) -> Result<Done> {
        let server = servers.of(self);
        let mut h2load = tools::command("h2load")?;
        h2load.args(["-n", &requests.to_string()]).args(self.arguments);
        if let Some(log) = log {
            // It writes behind what is there.
            fs::write(log, "")?;
            h2load.arg("--log-file").arg(log);
        }
        h2load.arg(format!("--connect-to=127.0.0.1:{}", server.port()));
        h2load.arg(format!("https://a.test:{}/{}", server.port(), self.path));
        let before = processor::of_process(server.pid())?;
        let mut process = h2load.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut output = process.stdout.take().context("no output")?;
        let said = std::io::read_to_string(&mut output)?;
        let used = process.wait4()?;
        ensure!(used.status.success(), "h2load failed: {}\n{said}", used.status);
        let served = processor::of_process(server.pid())?.saturating_sub(before);
        ensure!(said.contains(" 0 failed, 0 errored"), "h2load: {said}");
        let busy = served + used.rusage.utime + used.rusage.stime;
        Ok(Done {
            exchanges: requests,
            rate: rate(&said).with_context(|| format!("h2load tells no rate: {said}"))?,
            busy: busy.div_f64(requests as f64),
        })
    }
}

/// The median and the 99th percentile of the times in a log.
pub(crate) fn percentiles(log: &Path) -> Result<(Duration, Duration)> {
    let text = fs::read_to_string(log)?;
    let time = |line: &str| line.rsplit('\t').next()?.trim().parse::<u64>().ok();
    let mut times: Vec<u64> = text.lines().filter_map(time).collect();
    times.sort_unstable();
    let at = |part: usize| {
        let time = times.get(times.len() * part / 100).copied();
        time.map(Duration::from_micros).context("h2load's log is empty")
    };
    Ok((at(50)?, at(99)?))
}

fn rate(said: &str) -> Option<f64> {
    let line = said.lines().find(|line| line.starts_with("finished in "))?;
    line.split(", ").nth(1)?.strip_suffix(" req/s")?.parse().ok()
}
