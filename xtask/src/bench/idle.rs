//! What a hundred thousand connections take that are open and say nothing more.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::Command;
use std::sync::Arc;
use std::{env, fs};

use anyhow::{Context, Result, ensure};
use wrongdoor_core::engine::{Engine, EngineConfig};
use wrongdoor_core::observation::probe_event::{Process, SessionId, Socket, SocketId};
use wrongdoor_core::side::Side;
use wrongdoor_core::time::Timestamp;
use wrongdoor_core::wire::net::Endpoint;
use wrongdoor_core::wire::tls::keylog::KeyLog;
use wrongdoor_tests::wire::h2::{self, Hpack};
use wrongdoor_tests::wire::live::{Report, Watched};
use wrongdoor_tests::wire::{Dice, Names, Sealed, Segment, Talk};

/// What a hundred thousand may take.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// The memory of open connections, from probes and from packets. A hundred thousand must be within 256 MiB.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// How many; the engine follows no more than it does by default.
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    connections: u32,
    /// Only these; by default each kind in a process of its own, so that nothing is taken over.
    #[arg(long, value_enum)]
    of: Option<Of>,
}

/// Where connections are seen.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Of {
    Probes,
    Packets,
}

pub(super) fn run(options: &Options) -> Result<()> {
    let count = options.connections;
    let names = Names { sni: Some("a.example.test"), alpn: "h2", certificate: &["a.example.test"] };
    match options.of {
        Some(Of::Probes) => {
            tell("probes, each after three exchanges over HTTP/2", probes(names, count)?, count)
        }
        Some(Of::Packets) => {
            tell("packets, each after its TLS handshake", packets(names, count)?, count)
        }
        None => {
            println!("| {count} connections from | resident | each |\n| --- | --: | --: |");
            ["probes", "packets"].into_iter().try_for_each(|of| {
                let mut itself = Command::new(env::current_exe()?);
                itself.args(["bench", "idle", "--of", of, "--connections", &count.to_string()]);
                let status = itself.status().context("cannot run itself")?;
                ensure!(status.success(), "{of}: {status}");
                Ok(())
            })
        }
    }
}

fn tell(what: &str, bytes: u64, count: u32) -> Result<()> {
    println!("| {what} | {} MiB | {} B |", bytes >> 20, bytes / u64::from(count));
    ensure!(bytes <= MAX_BYTES, "{what}: {bytes} bytes, more than {MAX_BYTES}");
    Ok(())
}

/// An engine with all of them. What the process has more than before is theirs.
fn probes(names: Names<'_>, count: u32) -> Result<u64> {
    let session = Sealed::open(Talk::open(443), 1, names)?;
    let segments = session.talk.segments;
    let watched = Watched::new(1, Side::Server, &segments);
    let mut reports = vec![watched.session(Some(Side::Server))];
    reports.extend(watched.handshake(&segments));
    reports.extend(watched.plaintext(true, &conversation(), &mut Dice::new(1)));
    let process = Arc::new(Process {
        pid: 1,
        command: "server".into(),
        container: None,
        pod: None,
        started: None,
    });
    let before = resident()?;
    let mut engine = Engine::new(EngineConfig::default(), Arc::new(KeyLog::default()));
    for number in 0..count {
        let id = u64::from(number) + 1;
        let remote = Endpoint::from(client(number));
        let socket = Socket { id: SocketId(id), remote, ..watched.socket };
        for report in &reports {
            let report = moved(report, socket, SessionId(id));
            engine.handle_probe_event(id, Timestamp(i64::from(number)), report.input(&process));
        }
        drop(engine.drain());
    }
    open(&engine, count)?;
    Ok(resident()?.saturating_sub(before))
}

fn packets(names: Names<'_>, count: u32) -> Result<u64> {
    let before = resident()?;
    let mut engine = Engine::new(EngineConfig::default(), Arc::new(KeyLog::default()));
    let like = Sealed::open(Talk::open(443), 1, names)?.talk.segments;
    let server = like.first().context("no segments")?.to;
    for number in 0..count {
        for segment in &like {
            let is_client = segment.to == server;
            let (from, to) =
                if is_client { (client(number), server) } else { (server, client(number)) };
            let frame = Segment { from, to, ..segment.clone() }.frame(Timestamp(i64::from(number)));
            engine.handle_packet(
                u64::from(number) + 1,
                frame.at,
                frame.link,
                &frame.bytes,
                frame.bytes.len(),
            );
        }
        drop(engine.drain());
    }
    open(&engine, count)?;
    Ok(resident()?.saturating_sub(before))
}

fn open(engine: &Engine, count: u32) -> Result<()> {
    let open = engine.connections();
    ensure!(open == usize::try_from(count)?, "only {open} are open: {:?}", engine.counters());
    Ok(())
}

fn client(number: u32) -> SocketAddr {
    let address = Ipv4Addr::from(0x0a00_0000 + number);
    SocketAddr::new(IpAddr::V4(address), 40_000)
}

fn conversation() -> Vec<(Side, Vec<u8>)> {
    let (mut client, mut server) = (Hpack::default(), Hpack::default());
    let settings = h2::frame(4, 0, 0, &[]);
    let mut said = vec![
        (Side::Client, [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &settings[..]].concat()),
        (Side::Server, settings),
    ];
    for stream in [1, 3, 5] {
        said.push((
            Side::Client,
            h2::headers(stream, true, &client.request("GET", "a.example.test")),
        ));
        said.push((Side::Server, h2::headers(stream, true, &server.response(200))));
    }
    said
}

/// The same of another connection.
fn moved(report: &Report, socket: Socket, session: SessionId) -> Report {
    match report.clone() {
        Report::Handshake(_, direction, offset, bytes) => {
            Report::Handshake(socket, direction, offset, bytes)
        }
        Report::Session(_, _, role, is_older) => {
            Report::Session(session, Some(socket), role, is_older)
        }
        Report::Plaintext(_, direction, sequence, piece) => {
            Report::Plaintext(session, direction, sequence, piece)
        }
        other => other,
    }
}

/// What this process has in memory.
fn resident() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes * 1024)
}
