//! Whether the kernel lets this process attach uprobes by perf events. This is checked before anything is loaded:
//! without uprobes the other programs are of no use.

use std::ffi::CStr;
use std::io;

/// Where the kernel has the number of the perf event type of uprobes.
const KIND: &str = "/sys/bus/event_source/devices/uprobe/type";
/// There is no such file. The kernel says so only to processes that may attach uprobes.
const NOWHERE: &CStr = c"/proc/self/no such file";
/// `struct perf_event_attr` as it was in its first version that has what uprobes need (PERF_ATTR_SIZE_VER1).
const SIZE: u32 = 72;
/// PERF_FLAG_FD_CLOEXEC
const CLOSE_ON_EXEC: libc::c_ulong = 8;

#[repr(C)]
struct Attributes {
    kind: u32,
    size: u32,
    unused: [u64; 6],
    /// `config1`: the file.
    path: u64,
    /// `config2`: where in it.
    offset: u64,
}

/// Returns the kernel's refusal. Every other obstacle is reported when the first uprobe is attached.
pub(super) fn check_perf_events() -> Result<(), io::Error> {
    let Ok(Ok(kind)) = std::fs::read_to_string(KIND).map(|text| text.trim().parse()) else {
        return Ok(());
    };
    let path = NOWHERE.as_ptr() as u64;
    let attributes = Attributes { kind, size: SIZE, unused: [0; 6], path, offset: 0 };
    #[expect(unsafe_code, reason = "no library has this call for an event of this kind")]
    // SAFETY: `attributes` lives as long as the call and is as long as it says, and so is the path's text.
    let opened = unsafe {
        let all_processes: libc::pid_t = -1;
        let cpu: libc::c_int = 0;
        let no_group: libc::c_int = -1;
        libc::syscall(
            libc::SYS_perf_event_open,
            &raw const attributes,
            all_processes,
            cpu,
            no_group,
            CLOSE_ON_EXEC,
        )
    };
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        Some(libc::EACCES | libc::EPERM) if opened < 0 => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_is_what_the_kernel_knows() {
        assert_eq!(size_of::<Attributes>(), SIZE as usize);
    }
}
