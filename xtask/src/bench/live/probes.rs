//! What the kernel says of the programs in it.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use aya::maps::{Map, MapData, MapInfo, PerCpuArray};
use aya::programs::loaded_programs;
use wrongdoor_ebpf_common::Counter;
use wrongdoor_tests::wait;

/// The kernel's number of the type of traps' programs (`enum bpf_prog_type`).
const KPROBE: u32 = 2;
/// How long another's probes are waited for to go.
const TIMEOUT: Duration = Duration::from_mins(5);

/// A program, and how often and how long it ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) id: u32,
    pub(crate) name: String,
    pub(crate) is_trap: bool,
    pub(crate) count: u64,
    pub(crate) time: Duration,
}

/// The numbers of the programs that a process holds.
pub(crate) fn of_process(pid: u32) -> Result<BTreeSet<u32>> {
    let mut programs = BTreeSet::new();
    for entry in fs::read_dir(format!("/proc/{pid}/fdinfo"))? {
        // It may be closed meanwhile.
        let text = fs::read_to_string(entry?.path()).unwrap_or_default();
        let id = text.lines().find_map(|line| line.strip_prefix("prog_id:"));
        programs.extend(id.and_then(|id| id.trim().parse::<u32>().ok()));
    }
    Ok(programs)
}

/// What these ran so far; only while statistics are on.
pub(crate) fn ran(programs: &BTreeSet<u32>) -> Result<Vec<Ran>> {
    let mut all = Vec::new();
    for program in loaded_programs() {
        // One may go while they are listed.
        let Ok(program) = program else { continue };
        if programs.contains(&program.id()) {
            all.push(Ran {
                id: program.id(),
                name: program.name_as_str().unwrap_or_default().to_owned(),
                is_trap: program.program_type() as u32 == KPROBE,
                count: program.run_count(),
                time: program.run_time(),
            });
        }
    }
    Ok(all)
}

/// What these ran since `before`.
pub(crate) fn since(before: &[Ran], after: Vec<Ran>) -> Vec<Ran> {
    let mut difference = after;
    for ran in &mut difference {
        if let Some(before) = before.iter().find(|before| before.id == ran.id) {
            ran.count -= before.count;
            ran.time = ran.time.saturating_sub(before.time);
        }
    }
    difference
}

/// Whether nobody else has traps in this machine, whose cost would be taken for ours.
pub(crate) fn is_alone(ours: &BTreeSet<u32>) -> Result<bool> {
    for program in loaded_programs() {
        let Ok(program) = program else { continue };
        if program.program_type() as u32 == KPROBE && !ours.contains(&program.id()) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Waits for that.
pub(crate) fn wait_until_alone(ours: &BTreeSet<u32>) -> Result<()> {
    wait::within(TIMEOUT, "others' probes to go", || Ok(is_alone(ours)?.then_some(())))
}

/// How many bytes wrongdoor's kernel side has sent so far.
pub(crate) fn ring_bytes(programs: &BTreeSet<u32>) -> Result<u64> {
    for program in loaded_programs() {
        let Ok(program) = program else { continue };
        if !programs.contains(&program.id()) {
            continue;
        }
        for id in program.map_ids()?.unwrap_or_default() {
            if MapInfo::from_id(id)?.name_as_str() == Some("COUNTERS") {
                let map = Map::from_map_data(MapData::from_id(id)?)?;
                let counters: PerCpuArray<MapData, u64> = map.try_into()?;
                let counts = counters.get(&(Counter::RingBytes as u32), 0);
                return Ok(counts.context("the counts cannot be read")?.iter().sum());
            }
        }
    }
    bail!("wrongdoor has no counts")
}
