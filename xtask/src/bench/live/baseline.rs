//! The reader of the usual design: see `xtask/baseline`.

use std::fmt;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use aya::maps::{Array, MapData, RingBuf};
use aya::programs::UProbe;
use aya::programs::uprobe::{UProbeAttachLocation, UProbeScope};
use aya::{Ebpf, EbpfLoader};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::processor;
use crate::cargo;
use crate::toolchain::Toolchain;

/// The functions, and what is at their ends.
const TRAPS: [(&str, &str, &str); 4] = [
    ("SSL_read", "entered", "read"),
    ("SSL_write", "entered", "written"),
    ("SSL_read_ex", "entered", "read_ex"),
    ("SSL_write_ex", "entered", "written_ex"),
];

/// The kernel side and its reader. Both end when this is dropped.
pub(crate) struct Baseline {
    /// Held for what dropping it does.
    _programs: Ebpf,
    lost: Array<MapData, u64>,
    bytes: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
    thread: u32,
}

/// Builds the kernel side.
pub(crate) fn build() -> Result<Vec<u8>> {
    let toolchain =
        Toolchain::find().map_err(|missing| anyhow!("no BPF toolchain: {missing} is missing"))?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let folder = cargo::root().join("xtask/baseline");
    let target = cargo::target()?.join("ebpf");
    let built = toolchain
        .build(&cargo, &folder, &target, std::env::consts::ARCH)
        .map_err(|said| anyhow!("the baseline's kernel side does not build:\n{said}"))?;
    Ok(std::fs::read(built.join("baseline"))?)
}

impl fmt::Debug for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Baseline").field("thread", &self.thread).finish_non_exhaustive()
    }
}

impl Baseline {
    /// Attaches it to `library`: in one process, or in all.
    pub(crate) fn start(object: &[u8], library: &Path, process: Option<u32>) -> Result<Self> {
        let scope = match process.and_then(NonZeroU32::new) {
            Some(pid) => UProbeScope::OneProcess(pid),
            None => UProbeScope::AllProcesses,
        };
        let mut programs = EbpfLoader::new().load(object)?;
        for name in ["entered", "read", "written", "read_ex", "written_ex"] {
            program(&mut programs, name)?.load()?;
        }
        for (symbol, entry, exit) in TRAPS {
            for name in [exit, entry] {
                let at = UProbeAttachLocation::Symbol(symbol);
                program(&mut programs, name)?.attach(at, library, scope)?;
            }
        }
        let ring = RingBuf::try_from(programs.take_map("RING").context("no ring")?)?;
        let lost = Array::try_from(programs.take_map("LOST").context("no count")?)?;
        let (bytes, is_over) = (Arc::default(), Arc::default());
        let (shared, ends) = (Arc::clone(&bytes), Arc::clone(&is_over));
        let (tell, told) = mpsc::sync_channel(1);
        let reader = std::thread::spawn(move || {
            let id = rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs();
            if tell.send(id).is_err() {
                return;
            }
            read(ring, &shared, &ends);
        });
        let thread = told.recv()?;
        Ok(Self { _programs: programs, lost, bytes, is_over, reader: Some(reader), thread })
    }

    /// How many bytes went through the ring.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// How many records found the ring full.
    pub(crate) fn lost(&self) -> Result<u64> {
        Ok(self.lost.get(&0, 0)?)
    }

    /// The reader's processor time.
    pub(crate) fn processor(&self) -> Result<Duration> {
        processor::of_thread(self.thread)
    }
}

impl Drop for Baseline {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(reader) = self.reader.take() {
            // It has panicked, and said so.
            drop(reader.join());
        }
    }
}

fn program<'a>(programs: &'a mut Ebpf, name: &str) -> Result<&'a mut UProbe> {
    let program = programs.program_mut(name).with_context(|| format!("no program {name}"))?;
    Ok(program.try_into()?)
}

/// Takes every record, woken as the kernel likes.
fn read(mut ring: RingBuf<MapData>, bytes: &AtomicU64, is_over: &AtomicBool) {
    let timeout = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
    while !is_over.load(Ordering::Relaxed) {
        // Interrupted or timed out: the ring is looked into all the same.
        let _woken = poll(&mut [PollFd::new(&ring, PollFlags::IN)], Some(&timeout));
        while let Some(record) = ring.next() {
            let length = u64::try_from(record.len()).unwrap_or(u64::MAX);
            bytes.fetch_add(length, Ordering::Relaxed);
        }
    }
}
