//! Uprobes by `uprobe_multi` links (kernel 6.6): one link attaches a program to many places of a file.
//!
//! Against a perf event for each place, such a link attaches and detaches 500 places in less time than two perf
//! events take, and asks for `CAP_BPF` and `CAP_PERFMON` instead of `CAP_SYS_ADMIN`. aya loads no program for these
//! links, so this file loads the uprobe programs of the object by itself, with the maps that aya has created.

use crate::build_info::OBJECT;
use aya::maps::Map;
use aya_obj::Object;
use aya_obj::generated::{
    BPF_F_UPROBE_MULTI_RETURN, bpf_attach_type, bpf_attr, bpf_cmd, bpf_insn, bpf_prog_type,
};
use std::collections::{HashMap, HashSet};
use std::ffi::{CStr, CString, OsStr, c_char, c_long};
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// The verifier's log, where a program is refused. A program's log beyond it makes the kernel answer `ENOSPC`.
const LOG_BYTES: usize = 8 * 1024 * 1024;
/// The verifier's log: the path that failed.
const LOG_LEVEL: u32 = 1;

/// Why a program is not loaded.
#[derive(Debug, thiserror::Error)]
pub(super) enum UprobeError {
    #[error("the object file is damaged: {0}")]
    Object(String),
    #[error("the object file has no such program or table")]
    Missing,
    #[error("{}", refusal(log.as_deref()))]
    Refused {
        #[source]
        source: io::Error,
        log: Option<String>,
    },
}

fn refusal(log: Option<&str>) -> String {
    match log {
        Some(log) => format!("the verifier says: {log}"),
        None => "the kernel refuses it".to_owned(),
    }
}

/// A place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Point {
    /// In bytes from the beginning of the file.
    pub(super) offset: u64,
    /// What `bpf_get_attach_cookie` returns there.
    pub(super) cookie: u64,
}

/// The uprobe programs, loaded for `uprobe_multi` links.
pub(super) struct UprobeMulti {
    object: Object,
    /// The object's types: the verifier asks for them where a program has callbacks.
    btf: Option<OwnedFd>,
    /// Tables of programs, for tail calls.
    tables: HashMap<String, OwnedFd>,
    programs: HashMap<&'static str, OwnedFd>,
}

impl UprobeMulti {
    /// Whether the kernel has such links, and keeps them to a process.
    ///
    /// # Errors
    ///
    /// The kernel loads no uprobe program: a privilege is missing.
    pub(super) fn is_supported() -> io::Result<bool> {
        // r0 = 0; exit
        let instructions = [(0xb7, 0), (0x95, 0)].map(|(code, imm)| {
            let (registers, off) = (bpf_insn::new_bitfield_1(0, 0), 0);
            bpf_insn { code, _bitfield_align_1: [], _bitfield_1: registers, off, imm }
        });
        let program = load(c"probe", &instructions, c"GPL", None, &mut [])?;
        let answer = |pid| {
            let folder = [Point { offset: 0, cookie: 0 }];
            link(program.as_fd(), c"/", &folder, 0, pid).err().and_then(|e| e.raw_os_error())
        };
        // A folder is no file to attach to: EBADF comes from kernels with such links only. Before 6.10 and what was
        // ported back from it, `pid` chose a thread; those kernels do not refuse a negative one.
        Ok(answer(0) == Some(libc::EBADF) && answer(u32::MAX) == Some(libc::EINVAL))
    }

    /// Makes the object ready to be loaded with `maps`, which must be open while programs are loaded.
    pub(super) fn new<'a>(
        maps: impl Iterator<Item = (&'a str, &'a Map)>,
    ) -> Result<Self, UprobeError> {
        let damaged = |error: &dyn std::error::Error| UprobeError::Object(error.to_string());
        let mut object = Object::parse(OBJECT).map_err(|error| damaged(&error))?;
        let features = aya::features();
        let types = match features.btf() {
            Some(features) => {
                object.fixup_and_sanitize_btf(features).map_err(|error| damaged(&error))?
            }
            None => None,
        };
        let btf = types.map(|types| load_types(&types.to_bytes())).transpose();
        let btf = btf.map_err(|source| UprobeError::Refused { source, log: None })?;
        let (mut open, mut tables) = (HashMap::new(), HashMap::new());
        for (name, map) in maps {
            let Some(descriptor) = descriptor(map) else { continue };
            if matches!(map, Map::ProgramArray(_)) {
                let table = descriptor.try_clone_to_owned();
                let table = table.map_err(|source| UprobeError::Refused { source, log: None })?;
                tables.insert(name.to_owned(), table);
            }
            open.insert(name, descriptor.as_raw_fd());
        }
        let own = std::mem::take(&mut object.maps);
        let maps = own.iter().filter_map(|(name, map)| {
            let name = name.as_str();
            Some((name, *open.get(name)?, map))
        });
        let sections: HashSet<usize> =
            object.functions.keys().map(|(section, _)| *section).collect();
        object.relocate_maps(maps, &sections).map_err(|error| damaged(&error))?;
        object.relocate_calls(&sections).map_err(|error| damaged(&error))?;
        object.sanitize_functions(features);
        Ok(Self { object, btf, tables, programs: HashMap::new() })
    }

    /// Loads a program of the object.
    pub(super) fn load(&mut self, name: &'static str) -> Result<(), UprobeError> {
        let program = self.object.programs.get(name).ok_or(UprobeError::Missing)?;
        let function =
            self.object.functions.get(&program.function_key()).ok_or(UprobeError::Missing)?;
        let types = self.btf.as_ref().map(|btf| Types {
            btf: btf.as_fd(),
            functions: function.func_info.func_info_bytes(),
            count: function.func_info.len(),
            record: function.func_info_rec_size,
        });
        let title = CString::new(name).unwrap_or_default();
        let load = |log: &mut [u8]| {
            load(&title, &function.instructions, &program.license, types.as_ref(), log)
        };
        let loaded = load(&mut []).or_else(|first| {
            // A privilege is missing: the verifier was not asked.
            if first.raw_os_error() == Some(libc::EPERM) {
                return Err(UprobeError::Refused { source: first, log: None });
            }
            let mut log = vec![0; LOG_BYTES];
            load(&mut log).map_err(|source| UprobeError::Refused { source, log: last_lines(&log) })
        })?;
        self.programs.insert(name, loaded);
        Ok(())
    }

    /// Loads a program that others call at `place` of `table`.
    pub(super) fn load_tail_call(
        &mut self,
        name: &'static str,
        table: &str,
        place: u32,
    ) -> Result<(), UprobeError> {
        self.load(name)?;
        let table = self.tables.get(table).ok_or(UprobeError::Missing)?;
        let program = self.programs.get(name).ok_or(UprobeError::Missing)?;
        set(table.as_fd(), place, program.as_fd())
            .map_err(|source| UprobeError::Refused { source, log: None })
    }

    /// Attaches a loaded program to `points` of the file at `path`: all of them, or none.
    ///
    /// With `returns`, the program runs when the functions that begin there return. With `process`, it runs in that
    /// process only. The program is detached when the descriptor is closed.
    pub(super) fn attach(
        &self,
        name: &str,
        path: &Path,
        points: &[Point],
        returns: bool,
        process: Option<u32>,
    ) -> io::Result<OwnedFd> {
        let program = self.programs.get(name).ok_or(io::ErrorKind::NotFound)?;
        let path = CString::new(OsStr::as_bytes(path.as_os_str()))?;
        let flags = if returns { BPF_F_UPROBE_MULTI_RETURN } else { 0 };
        link(program.as_fd(), &path, points, flags, process.unwrap_or(0))
    }
}

/// The types of a program's functions, for the verifier.
struct Types<'a> {
    btf: BorrowedFd<'a>,
    functions: Vec<u8>,
    count: usize,
    record: usize,
}

/// The descriptor of a map, of the kinds that the object has.
fn descriptor(map: &Map) -> Option<BorrowedFd<'_>> {
    match map {
        Map::Array(data)
        | Map::HashMap(data)
        | Map::LruHashMap(data)
        | Map::PerCpuArray(data)
        | Map::PerCpuHashMap(data)
        | Map::ProgramArray(data)
        | Map::RingBuf(data) => Some(data.fd().as_fd()),
        _ => None,
    }
}

/// BPF_PROG_LOAD.
fn load(
    name: &CStr,
    instructions: &[bpf_insn],
    license: &CStr,
    types: Option<&Types<'_>>,
    log: &mut [u8],
) -> io::Result<OwnedFd> {
    bpf(bpf_cmd::BPF_PROG_LOAD, |attr| {
        #[expect(unsafe_code, reason = "the kernel's own union")]
        // SAFETY: all of it is zero, which is a value of each of its members.
        let load = unsafe { &mut attr.__bindgen_anon_3 };
        load.prog_type = bpf_prog_type::BPF_PROG_TYPE_KPROBE as u32;
        load.expected_attach_type = bpf_attach_type::BPF_TRACE_UPROBE_MULTI as u32;
        load.insns = instructions.as_ptr() as u64;
        load.insn_cnt = length(instructions.len());
        load.license = license.as_ptr() as u64;
        // One byte less than there is room for: the last is the end.
        let room = load.prog_name.len() - 1;
        for (to, from) in load.prog_name.iter_mut().take(room).zip(name.to_bytes()) {
            *to = c_char::from_ne_bytes([*from]);
        }
        if let Some(types) = types {
            load.prog_btf_fd = types.btf.as_raw_fd().cast_unsigned();
            load.func_info = types.functions.as_ptr() as u64;
            load.func_info_cnt = length(types.count);
            load.func_info_rec_size = length(types.record);
        }
        if !log.is_empty() {
            load.log_level = LOG_LEVEL;
            load.log_buf = log.as_mut_ptr() as u64;
            load.log_size = length(log.len());
        }
    })
}

/// BPF_BTF_LOAD.
fn load_types(types: &[u8]) -> io::Result<OwnedFd> {
    bpf(bpf_cmd::BPF_BTF_LOAD, |attr| {
        #[expect(unsafe_code, reason = "the kernel's own union")]
        // SAFETY: all of it is zero, which is a value of each of its members.
        let load = unsafe { &mut attr.__bindgen_anon_7 };
        load.btf = types.as_ptr() as u64;
        load.btf_size = length(types.len());
    })
}

/// BPF_LINK_CREATE of a `uprobe_multi` link.
fn link(
    program: BorrowedFd<'_>,
    path: &CStr,
    points: &[Point],
    flags: u32,
    pid: u32,
) -> io::Result<OwnedFd> {
    let offsets: Vec<u64> = points.iter().map(|point| point.offset).collect();
    let cookies: Vec<u64> = points.iter().map(|point| point.cookie).collect();
    bpf(bpf_cmd::BPF_LINK_CREATE, |attr| {
        attr.link_create.__bindgen_anon_1.prog_fd = program.as_raw_fd().cast_unsigned();
        attr.link_create.attach_type = bpf_attach_type::BPF_TRACE_UPROBE_MULTI as u32;
        #[expect(unsafe_code, reason = "the kernel's own union")]
        // SAFETY: all of it is zero, which is a value of each of its members.
        let uprobes = unsafe { &mut attr.link_create.__bindgen_anon_3.uprobe_multi };
        uprobes.path = path.as_ptr() as u64;
        uprobes.offsets = offsets.as_ptr() as u64;
        uprobes.cookies = cookies.as_ptr() as u64;
        uprobes.cnt = length(points.len());
        uprobes.flags = flags;
        uprobes.pid = pid;
    })
}

/// BPF_MAP_UPDATE_ELEM of a table of programs.
fn set(table: BorrowedFd<'_>, place: u32, program: BorrowedFd<'_>) -> io::Result<()> {
    let program = program.as_raw_fd();
    call(bpf_cmd::BPF_MAP_UPDATE_ELEM, |attr| {
        #[expect(unsafe_code, reason = "the kernel's own union")]
        // SAFETY: all of it is zero, which is a value of each of its members.
        let update = unsafe { &mut attr.__bindgen_anon_2 };
        update.map_fd = table.as_raw_fd().cast_unsigned();
        update.key = (&raw const place) as u64;
        update.__bindgen_anon_1.value = (&raw const program) as u64;
    })
    .map(drop)
}

/// A call that opens a descriptor.
fn bpf(command: bpf_cmd, fill: impl FnOnce(&mut bpf_attr)) -> io::Result<OwnedFd> {
    let opened = call(command, fill)?;
    let opened = RawFd::try_from(opened).map_err(io::Error::other)?;
    #[expect(unsafe_code, reason = "the kernel hands out a number")]
    // SAFETY: the kernel has just opened it, for this call.
    Ok(unsafe { OwnedFd::from_raw_fd(opened) })
}

/// The system call. What `fill` points to must live as long as `fill`'s captures: this call.
fn call(command: bpf_cmd, fill: impl FnOnce(&mut bpf_attr)) -> io::Result<c_long> {
    #[expect(unsafe_code, reason = "no library has these calls")]
    // SAFETY: the union is plain bytes, all of it is zero or filled, and what it points to is borrowed by the callers
    // until the call is over.
    let returned = unsafe {
        let mut attr: bpf_attr = std::mem::zeroed();
        fill(&mut attr);
        libc::syscall(libc::SYS_bpf, command as u32, &raw mut attr, size_of::<bpf_attr>())
    };
    if returned < 0 { Err(io::Error::last_os_error()) } else { Ok(returned) }
}

fn length(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The most lines of the verifier's log that an error has: the last, where the reason stands.
const MAX_LOG_LINES: usize = 6;

fn last_lines(log: &[u8]) -> Option<String> {
    let text = log.split(|byte| *byte == 0).next()?;
    let text = String::from_utf8_lossy(text);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = lines.get(lines.len().saturating_sub(MAX_LOG_LINES)..)?;
    (!last.is_empty()).then(|| last.join(" / "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_the_end_of_the_verifiers_log() {
        assert_eq!(last_lines(b"\0\0"), None);
        assert_eq!(last_lines(b"one\n\ntwo\n\0three").as_deref(), Some("one / two"));
        let long: String = (0..20).map(|line| format!("{line}\n")).collect();
        assert_eq!(last_lines(long.as_bytes()).as_deref(), Some("14 / 15 / 16 / 17 / 18 / 19"));
    }
}
