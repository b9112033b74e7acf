//! Which live source it is: the one that was asked for, whichever works, or two at once.

use super::both::Both;
use super::ebpf::{self, EbpfOptions, EbpfProbes};
use super::error::CaptureError;
use super::packets::{CLEARTEXT_PORTS, PacketCapture, PacketOptions};
use super::scope::ProcessScope;
use super::source::LiveSource;
use crate::config::SourceKind;
use crate::privileges;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is to be traced, as typed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LiveArguments<'a> {
    /// Where the traffic is seen.
    pub(crate) source: SourceKind,
    /// `KIND=PATTERN`: only what one of these is of; everything where there is none.
    pub(crate) include: &'a [String],
    /// Of that, all but what one of these is of.
    pub(crate) exclude: &'a [String],
    /// The size of the ring.
    pub(crate) ring_bytes: u32,
    /// How long a library keeps its uprobes after its last user, if not as long as usual.
    pub(crate) detach_delay: Option<Duration>,
    /// Uprobes attach by perf events, also where the kernel has something better.
    pub(crate) only_perf_events: bool,
    /// Where every record is copied to.
    pub(crate) record: Option<&'a Path>,
    /// The interfaces on which packets are captured; all where there is none.
    pub(crate) interfaces: &'a [String],
    /// In which network namespace.
    pub(crate) netns: Option<&'a Path>,
    /// Ports of which everything is read in packets.
    pub(crate) cleartext_ports: &'a [u16],
    /// Key logs for what packets hold.
    pub(crate) keylogs: &'a [PathBuf],
    /// The size of all packet rings together.
    pub(crate) packet_ring_bytes: u32,
}

/// Starts capturing. From when on it does, the source says.
pub(crate) fn open_live(
    arguments: &LiveArguments<'_>,
) -> Result<Box<dyn LiveSource>, CaptureError> {
    let probes = probes(arguments)?;
    match arguments.source {
        SourceKind::Packets => only_packets(arguments),
        SourceKind::Ebpf => with_probes(arguments, &probes),
        SourceKind::Auto => with_probes(arguments, &probes).or_else(|refused| {
            if refused.is_usage() {
                return Err(refused);
            }
            tracing::warn!("probes cannot be used; packets are captured instead: {refused}");
            only_packets(arguments).map_err(|failure| CaptureError::neither(refused, failure))
        }),
    }
}

/// How the probes are set up. What is wrong with the command line is told whatever is captured.
fn probes(arguments: &LiveArguments<'_>) -> Result<EbpfOptions, CaptureError> {
    let scope = ProcessScope::parse(arguments.include, arguments.exclude)?;
    if !arguments.ring_bytes.is_power_of_two() || arguments.ring_bytes < 4096 {
        return Err(CaptureError::RingBytes);
    }
    let record = arguments.record.map(Path::to_owned);
    let ring_bytes = arguments.ring_bytes;
    let detach_delay = arguments.detach_delay.unwrap_or(ebpf::DETACH_DELAY);
    let only_perf_events = arguments.only_perf_events;
    Ok(EbpfOptions {
        scope,
        ring_bytes,
        detach_delay,
        only_perf_events,
        record,
        sheds_privileges: true,
        reports_libraries: false,
    })
}

/// Probes, and packets of those cleartext ports that were asked for.
fn with_probes(
    arguments: &LiveArguments<'_>,
    probes: &EbpfOptions,
) -> Result<Box<dyn LiveSource>, CaptureError> {
    if arguments.cleartext_ports.is_empty() {
        if !arguments.interfaces.is_empty()
            || arguments.netns.is_some()
            || !arguments.keylogs.is_empty()
        {
            tracing::warn!(
                "--interface, --netns and --keylog are ignored: probes are the source; use `--source packets`, or add \
                 `--cleartext-port` to capture cleartext packets beside the probes"
            );
        }
        return Ok(Box::new(EbpfProbes::open(probes.clone())?));
    }
    if !arguments.keylogs.is_empty() {
        tracing::warn!("--keylog is ignored: probes need no key log");
    }
    // Before the probes, which give up what it takes to open sockets.
    let packets = PacketCapture::open(&options(arguments, true))?;
    let probes = EbpfProbes::open(probes.clone())?;
    Ok(Box::new(Both(vec![Box::new(probes), Box::new(packets)])))
}

fn only_packets(arguments: &LiveArguments<'_>) -> Result<Box<dyn LiveSource>, CaptureError> {
    let packets = PacketCapture::open(&options(arguments, false))?;
    privileges::keep(privileges::NOTHING, "reader");
    Ok(Box::new(packets))
}

fn options(arguments: &LiveArguments<'_>, only_cleartext: bool) -> PacketOptions {
    let cleartext = match arguments.cleartext_ports {
        [] => CLEARTEXT_PORTS.to_vec(),
        ports => ports.to_vec(),
    };
    PacketOptions {
        interfaces: arguments.interfaces.to_vec(),
        netns: arguments.netns.map(Path::to_owned),
        cleartext,
        keylogs: arguments.keylogs.to_vec(),
        only_cleartext,
        ring_bytes: arguments.packet_ring_bytes,
    }
}
