//! The usual way to see into TLS: a trap on the entry and on the return of each call, and the first 4 KiB of
//! every buffer through the ring in a record of a fixed size. The benchmark measures wrongdoor against it.
#![no_std]
#![no_main]

use aya_ebpf::helpers::bpf_get_current_pid_tgid;
use aya_ebpf::helpers::generated::{bpf_get_current_comm, bpf_ktime_get_ns, bpf_probe_read_user};
use aya_ebpf::macros::{map, uprobe, uretprobe};
use aya_ebpf::maps::{Array, HashMap, RingBuf};
use aya_ebpf::programs::{ProbeContext, RetProbeContext};

/// How much of a buffer is kept.
const KEPT: usize = 4096;
const RING_BYTES: u32 = 16 * 1024 * 1024;

/// What a call was given.
#[repr(C)]
#[derive(Clone, Copy)]
struct Call {
    object: u64,
    buffer: u64,
    /// Where the number of bytes goes, of the `_ex` functions.
    count: u64,
}

#[repr(C)]
struct Record {
    time: u64,
    thread: u64,
    object: u64,
    length: u64,
    command: [u8; 16],
    kept: u32,
    is_read: u32,
    bytes: [u8; KEPT],
}

#[map]
static CALLS: HashMap<u64, Call> = HashMap::with_max_entries(10_240, 0);
#[map]
static RING: RingBuf = RingBuf::with_byte_size(RING_BYTES, 0);
/// Records that found the ring full.
#[map]
static LOST: Array<u64> = Array::with_max_entries(1, 0);

#[uprobe]
pub fn entered(ctx: ProbeContext) -> u32 {
    let (Some(object), Some(buffer)) = (ctx.arg(0), ctx.arg(1)) else { return 0 };
    // Of the functions without it, what happens to be there: they do not look at it.
    let count = ctx.arg(3).unwrap_or(0);
    let _ = CALLS.insert(bpf_get_current_pid_tgid(), Call { object, buffer, count }, 0);
    0
}

#[uretprobe]
pub fn read(ctx: RetProbeContext) -> u32 {
    let result: i32 = ctx.ret();
    returned(result, false, 1)
}

#[uretprobe]
pub fn written(ctx: RetProbeContext) -> u32 {
    let result: i32 = ctx.ret();
    returned(result, false, 0)
}

#[uretprobe]
pub fn read_ex(ctx: RetProbeContext) -> u32 {
    let result: i32 = ctx.ret();
    returned(result, true, 1)
}

#[uretprobe]
pub fn written_ex(ctx: RetProbeContext) -> u32 {
    let result: i32 = ctx.ret();
    returned(result, true, 0)
}

#[inline(always)]
fn returned(result: i32, by_pointer: bool, is_read: u32) -> u32 {
    let thread = bpf_get_current_pid_tgid();
    // SAFETY: the entry is the running thread's.
    let Some(call) = (unsafe { CALLS.get(thread) }).copied() else { return 0 };
    let _ = CALLS.remove(thread);
    if result <= 0 {
        return 0;
    }
    let mut length = result as u64;
    if by_pointer {
        // SAFETY: a read that may fail.
        let failed = unsafe {
            bpf_probe_read_user((&raw mut length).cast(), 8, call.count as *const core::ffi::c_void)
        };
        if failed != 0 {
            return 0;
        }
    }
    let Some(mut record) = RING.reserve::<Record>(0) else {
        if let Some(lost) = LOST.get_ptr_mut(0) {
            // SAFETY: a word of the map.
            unsafe { *lost += 1 };
        }
        return 0;
    };
    let kept = if length > KEPT as u64 { KEPT as u32 } else { length as u32 };
    let to = record.as_mut_ptr();
    // SAFETY: the memory is the record's, and `kept` is at most its bytes.
    unsafe {
        (*to).time = bpf_ktime_get_ns();
        (*to).thread = thread;
        (*to).object = call.object;
        (*to).length = length;
        bpf_get_current_comm((&raw mut (*to).command).cast(), 16);
        (*to).kept = kept;
        (*to).is_read = is_read;
        // Read again: the verifier is to see the bound where it counts.
        let kept = (&raw const (*to).kept).read_volatile();
        bpf_probe_read_user(
            (&raw mut (*to).bytes).cast(),
            if kept > KEPT as u32 { KEPT as u32 } else { kept },
            call.buffer as *const core::ffi::c_void,
        );
    }
    record.submit(0);
    0
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
