//! The kernel programs: each is loaded and attached on its own, and what the kernel refuses is reported.

use super::attach_kind::AttachKind;
use super::load_error::{LoadError, explain, is_privilege};
use super::settings;
use super::uprobe_multi::{UprobeError, UprobeMulti};
use crate::build_info::OBJECT;
use aya::maps::{Array, MapData, PerCpuArray, ProgramArray, RingBuf};
use aya::programs::{
    BtfTracePoint, CgroupAttachMode, CgroupSkb, CgroupSkbAttachType, FEntry, Program, UProbe,
};
use aya::{Btf, Ebpf, EbpfLoader};
use std::error::Error;
use std::fs::File;
use std::path::Path;
use wrongdoor_ebpf_common::{SLOTS_PER_CPU, Settings, program, table, tail_call};

/// What became of a program.
#[derive(Clone, Debug)]
pub(crate) struct LoadedProgram {
    /// As in the metrics.
    pub(crate) program: &'static str,
    /// What is missing without it.
    pub(crate) purpose: &'static str,
    /// What the kernel said.
    pub(crate) result: Result<(), String>,
    /// Without it nothing is seen, or nothing of something.
    pub(crate) need: ProgramNeed,
    /// How many places it is attached to.
    pub(crate) attached: u64,
}

/// How much depends on a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProgramNeed {
    /// Nothing works without it.
    All,
    /// Something is seen less.
    Some,
    /// It stands in for another that this kernel has, and was not tried.
    StandIn,
}

/// How a program gets to where it works.
enum Attach {
    /// As a uprobe, when a library is found.
    Uprobe,
    /// By a tail call from a uprobe: its place in the table of tail_calls.
    TailCall(u32),
    /// To a tracepoint with type information.
    Tracepoint(&'static str),
    /// To the beginning of a kernel function.
    Function(&'static str),
    /// To packets at the sockets of all control groups.
    Packets(CgroupSkbAttachType),
}

/// All programs: name, what it is for, how much depends on it, and how it is attached.
const PROGRAMS: [(&str, &str, ProgramNeed, Attach); 16] = [
    (program::TLS_ENTRY, "reads and writes of TLS libraries", ProgramNeed::All, Attach::Uprobe),
    (program::TLS_RETURN, "what they moved, at their end", ProgramNeed::All, Attach::Uprobe),
    (
        program::TLS_RETURNED,
        "the same where only a uretprobe does",
        ProgramNeed::Some,
        Attach::Uprobe,
    ),
    (
        program::TLS_MESSAGE,
        "certificates of TLS 1.3, from inside the library",
        ProgramNeed::Some,
        Attach::Uprobe,
    ),
    (
        program::STEP_IDENTIFY,
        "whose connection a TLS object is",
        ProgramNeed::All,
        Attach::TailCall(tail_call::IDENTIFY),
    ),
    (program::STEP_HTTP2, "HTTP/2 headers", ProgramNeed::All, Attach::TailCall(tail_call::HTTP2)),
    (
        program::STEP_HTTP1,
        "HTTP/1 headers (kernel 5.17)",
        ProgramNeed::Some,
        Attach::TailCall(tail_call::HTTP1),
    ),
    (
        program::PACKET_IN,
        "TLS handshakes that come in",
        ProgramNeed::Some,
        Attach::Packets(CgroupSkbAttachType::Ingress),
    ),
    (
        program::PACKET_OUT,
        "TLS handshakes that go out",
        ProgramNeed::Some,
        Attach::Packets(CgroupSkbAttachType::Egress),
    ),
    (
        program::SOCKET_SENDS,
        "the socket of a TLS object (kernel 6.3)",
        ProgramNeed::Some,
        Attach::Tracepoint("sock_send_length"),
    ),
    (
        program::SOCKET_RECEIVES,
        "the socket of a TLS object (kernel 6.3)",
        ProgramNeed::Some,
        Attach::Tracepoint("sock_recv_length"),
    ),
    (
        program::TCP_SENDS,
        "the same before 6.3",
        ProgramNeed::StandIn,
        Attach::Function("tcp_sendmsg"),
    ),
    (
        program::TCP_RECEIVES,
        "the same before 6.3",
        ProgramNeed::StandIn,
        Attach::Function("tcp_recvmsg"),
    ),
    (
        program::TCP_RECEIVED,
        "the same before 6.3, without fentry",
        ProgramNeed::StandIn,
        Attach::Tracepoint("tcp_rcv_space_adjust"),
    ),
    (
        program::SOCKET_STATE,
        "the end of connections",
        ProgramNeed::Some,
        Attach::Tracepoint("inet_sock_set_state"),
    ),
    (
        program::PROCESS_EXEC,
        "programs that begin",
        ProgramNeed::Some,
        Attach::Tracepoint("sched_process_exec"),
    ),
];

/// The loaded object.
pub(crate) struct KernelPrograms {
    ebpf: Ebpf,
    /// The uprobe programs, where they attach by `uprobe_multi` links; else they are among aya's.
    multi: Option<UprobeMulti>,
    pub(crate) loaded: Vec<LoadedProgram>,
    /// The table of tail_calls: the kernel empties it when its last descriptor is closed.
    _steps: Option<ProgramArray<MapData>>,
}

/// What the reader of the ring needs.
pub(crate) struct Outlet {
    pub(crate) ring: RingBuf<MapData>,
    pub(crate) counters: PerCpuArray<MapData, u64>,
}

/// [`Settings`] as aya takes them.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Plain(Settings);

#[expect(unsafe_code, reason = "aya asks for the promise that these are plain bytes")]
// SAFETY: twelve words without padding, each of any value.
unsafe impl aya::Pod for Plain {}

impl KernelPrograms {
    /// Loads everything, and attaches what does not wait for libraries. `cgroup` is the root of the unified
    /// hierarchy.
    pub(crate) fn load(
        cgroup: Option<&Path>,
        ring_bytes: u32,
        kind: AttachKind,
    ) -> Result<(Self, Outlet), LoadError> {
        if OBJECT.is_empty() {
            return Err(LoadError::NoProbes);
        }
        let settings = settings::of_kernel(ring_bytes)?;
        let cpus = aya::util::nr_cpus().map_or(64, |cpus| u32::try_from(cpus).unwrap_or(64));
        let btf = Btf::from_sys_fs().map_err(|error| LoadError::Maps(explain(&error), false))?;
        let mut ebpf = EbpfLoader::new()
            .btf(Some(&btf))
            .map_max_entries(table::RING, ring_bytes)
            .map_max_entries(table::SLOTS, cpus * SLOTS_PER_CPU)
            .load(OBJECT)
            .map_err(|error| LoadError::Maps(explain(&error), is_privilege(&error)))?;
        // Programs find their tables by descriptors that are open when they are loaded: none is dropped.
        set_settings(&mut ebpf, settings)?;
        let mut multi = match kind {
            AttachKind::PerfEvents => None,
            AttachKind::Multi => Some(
                UprobeMulti::new(ebpf.maps())
                    .map_err(|error| LoadError::Maps(explain(&error), is_privilege(&error)))?,
            ),
        };
        let outlet = Outlet {
            ring: take(&mut ebpf, table::RING)?,
            counters: take(&mut ebpf, table::COUNTERS)?,
        };
        let mut tail_calls: Option<ProgramArray<MapData>> = take(&mut ebpf, table::TAIL_CALLS).ok();
        let mut loaded = Vec::new();
        for (program, purpose, need, attach) in PROGRAMS {
            let stands_in = need == ProgramNeed::StandIn;
            if stands_in && is_covered(&loaded, program) {
                continue;
            }
            let result = match (&attach, &mut multi) {
                (Attach::Uprobe | Attach::TailCall(_), Some(multi)) => {
                    load_multi(multi, program, &attach).map_err(Into::into)
                }
                _ => start(&mut ebpf, program, &attach, &btf, cgroup, tail_calls.as_mut()),
            };
            let result = result.map_err(|error| LoadRefusal::of(&*error));
            if let (Err(refusal), ProgramNeed::All) = (&result, need) {
                let LoadRefusal { reason, is_privilege } = refusal.clone();
                return Err(LoadError::Refused { program, reason, is_privilege });
            }
            let attached = u64::from(result.is_ok() && !matches!(attach, Attach::Uprobe));
            let result = result.map_err(|refusal| refusal.reason);
            loaded.push(LoadedProgram { program, purpose, result, need, attached });
        }
        Ok((Self { ebpf, multi, loaded, _steps: tail_calls }, outlet))
    }

    /// The uprobe programs, where they attach by `uprobe_multi` links.
    pub(super) fn multi(&self) -> Option<&UprobeMulti> {
        self.multi.as_ref()
    }

    /// A uprobe program that attaches by perf events.
    pub(super) fn uprobe(&mut self, program: &str) -> Option<&mut UProbe> {
        self.ebpf.program_mut(program)?.try_into().ok()
    }

    /// A table of the kernel side.
    pub(crate) fn take<M: TryFrom<aya::maps::Map>>(&mut self, name: &'static str) -> Option<M> {
        self.ebpf.take_map(name)?.try_into().ok()
    }
}

/// The program that does a refused one's work, if one does: each kernel has its own way to a TLS object's socket,
/// and one that sees what is received is enough, since whoever sends is answered.
pub(crate) fn stand_in(loaded: &[LoadedProgram], refused: &str) -> Option<&'static str> {
    let candidates: &[&'static str] = match refused {
        program::SOCKET_SENDS => &[program::TCP_SENDS, program::TCP_RECEIVED],
        program::SOCKET_RECEIVES => &[program::TCP_RECEIVES, program::TCP_RECEIVED],
        program::TCP_SENDS | program::TCP_RECEIVES => &[program::TCP_RECEIVED],
        _ => &[],
    };
    let works = |name: &str| loaded.iter().any(|one| one.program == name && one.result.is_ok());
    candidates.iter().copied().find(|name| works(name))
}

/// Whether a program's stand-in is not needed: this kernel has what it stands in for.
fn is_covered(loaded: &[LoadedProgram], stand_in: &str) -> bool {
    let works = |name: &str| loaded.iter().any(|one| one.program == name && one.result.is_ok());
    match stand_in {
        program::TCP_SENDS => works(program::SOCKET_SENDS),
        program::TCP_RECEIVES => works(program::SOCKET_RECEIVES),
        _ => works(program::SOCKET_RECEIVES) || works(program::TCP_RECEIVES),
    }
}

fn start(
    ebpf: &mut Ebpf,
    name: &'static str,
    attach: &Attach,
    btf: &Btf,
    cgroup: Option<&Path>,
    tail_calls: Option<&mut ProgramArray<MapData>>,
) -> Result<(), Box<dyn Error>> {
    let program: &mut Program = ebpf.program_mut(name).ok_or("it is not in the object")?;
    match attach {
        Attach::Uprobe => {
            let program: &mut UProbe = program.try_into()?;
            program.load()?;
        }
        Attach::TailCall(place) => {
            let program: &mut UProbe = program.try_into()?;
            program.load()?;
            let tail_calls = tail_calls.ok_or("the table of tail_calls is not in the object")?;
            tail_calls.set(*place, program.fd()?, 0)?;
        }
        Attach::Tracepoint(tracepoint) => {
            let program: &mut BtfTracePoint = program.try_into()?;
            program.load(tracepoint, btf)?;
            program.attach()?;
        }
        Attach::Function(function) => {
            let program: &mut FEntry = program.try_into()?;
            program.load(function, btf)?;
            program.attach()?;
        }
        Attach::Packets(kind) => {
            let program: &mut CgroupSkb = program.try_into()?;
            program.load()?;
            let cgroup = cgroup.ok_or("no cgroup2 file system is mounted; mount one")?;
            program.attach(File::open(cgroup)?, *kind, CgroupAttachMode::Single)?;
        }
    }
    Ok(())
}

/// Loads a uprobe program for `uprobe_multi` links. Programs that tail calls reach need the same attach type as their
/// callers: the kernel compares it.
fn load_multi(
    multi: &mut UprobeMulti,
    name: &'static str,
    attach: &Attach,
) -> Result<(), UprobeError> {
    match attach {
        Attach::TailCall(place) => multi.load_tail_call(name, table::TAIL_CALLS, *place),
        _ => multi.load(name).map(drop),
    }
}

fn set_settings(ebpf: &mut Ebpf, settings: Settings) -> Result<(), LoadError> {
    let map = ebpf.map_mut(table::SETTINGS).and_then(|map| Array::try_from(map).ok());
    let missing = || LoadError::Maps(format!("`{}` is not among them", table::SETTINGS), false);
    let mut array: Array<_, Plain> = map.ok_or_else(missing)?;
    array
        .set(0, Plain(settings), 0)
        .map_err(|error| LoadError::Maps(explain(&error), is_privilege(&error)))
}

fn take<M: TryFrom<aya::maps::Map>>(ebpf: &mut Ebpf, name: &'static str) -> Result<M, LoadError> {
    let map = ebpf.take_map(name).and_then(|map| map.try_into().ok());
    map.ok_or_else(|| LoadError::Maps(format!("`{name}` is not among them"), false))
}

#[derive(Clone)]
struct LoadRefusal {
    reason: String,
    is_privilege: bool,
}

impl LoadRefusal {
    fn of(error: &(dyn Error + 'static)) -> Self {
        Self { reason: explain(error), is_privilege: is_privilege(error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(program: &'static str, works: bool) -> LoadedProgram {
        let result = if works { Ok(()) } else { Err("refused".to_owned()) };
        LoadedProgram { program, purpose: "", result, need: ProgramNeed::Some, attached: 0 }
    }

    #[test]
    fn the_way_to_a_socket_that_works_stands_in_for_those_that_do_not() {
        let old = [("socket_sends", false), ("socket_receives", false), ("packet_in", false)];
        let with = |more: &[(&'static str, bool)]| -> Vec<LoadedProgram> {
            old.iter().chain(more).map(|(program, works)| loaded(program, *works)).collect()
        };
        let usual = with(&[("tcp_sends", true), ("tcp_receives", true)]);
        assert_eq!(stand_in(&usual, "socket_sends"), Some("tcp_sends"));
        assert_eq!(stand_in(&usual, "socket_receives"), Some("tcp_receives"));
        assert_eq!(stand_in(&usual, "packet_in"), None);
        let locked = with(&[("tcp_sends", false), ("tcp_receives", false), ("tcp_received", true)]);
        for refused in ["socket_sends", "socket_receives", "tcp_sends", "tcp_receives"] {
            assert_eq!(stand_in(&locked, refused), Some("tcp_received"), "{refused}");
        }
        assert_eq!(stand_in(&with(&[("tcp_sends", false)]), "socket_sends"), None);
    }
}
