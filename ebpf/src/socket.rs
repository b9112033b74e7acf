//! Whose records a TLS object's are: the socket that its thread uses inside a library call.

use aya_ebpf::helpers::generated::{bpf_get_current_task, bpf_get_socket_cookie};
use aya_ebpf::helpers::{bpf_probe_read_kernel, bpf_probe_read_user};
use aya_ebpf::macros::map;
use aya_ebpf::maps::LruHashMap;
use wrongdoor_ebpf_common::{Counter, Tuple};

use crate::calls::{self, CallKey, Calls};
use crate::counters::count;
use crate::handshake::FLOWS;
use crate::kernel_socket::tuple;
use crate::objects;
use crate::settings::settings;

/// Processes that run Go: their calls are found by goroutine, not by thread.
#[map]
pub static GO_PROCESSES: LruHashMap<u32, u8> = LruHashMap::with_max_entries(4_096, 0);

/// A thread sends to or receives from `socket`.
///
/// Where it is inside a call of a TLS library, the object of the call uses that socket. Only sockets whose
/// TLS handshake was seen count: what a callback looks up by DNS or logs over a socket is none of them.
#[inline(always)]
pub fn used(socket: *mut core::ffi::c_void) {
    let thread = calls::thread();
    if !calls::may_be_inside(&thread) {
        return;
    }
    let inside = calls::of(&thread).and_then(|calls| calls::innermost(calls));
    let (address, goroutine) = match inside {
        Some(address) => (address, None),
        None => match inside_go(&thread) {
            Some((address, calls)) => (address, Some(calls)),
            None => return,
        },
    };
    let key = objects::ObjectKey { object: address, pid: thread.pid, unused: 0 };
    let Some(object) = objects::find(&key) else { return };
    if object.state == objects::state::IGNORED {
        return;
    }
    if goroutine.as_ref().is_some_and(|calls| calls::is_of_former(calls, object.epoch)) {
        return;
    }
    // SAFETY: the tracepoint hands over a socket.
    let cookie = unsafe { bpf_get_socket_cookie(socket) };
    if object.tuple.cookie == cookie {
        return;
    }
    if FLOWS.get_ptr(cookie).is_none() {
        return;
    }
    if let Some(calls) = goroutine {
        let was_handshake = calls::end_handshake(calls);
        if was_handshake && object.tuple.cookie != 0 {
            return;
        }
    }
    if object.tuple.cookie != 0 {
        // Two sockets: nothing says which is its own.
        count(Counter::Contradicted);
        object.tuple = Tuple::default();
        object.state = objects::state::IGNORED;
        return;
    }
    let Some(settings) = settings() else { return };
    object.tuple = tuple(socket.cast(), cookie, settings);
}

/// The object of the call that the running goroutine is in.
#[inline(always)]
fn inside_go(thread: &CallKey) -> Option<(u64, &'static mut Calls)> {
    GO_PROCESSES.get_ptr(thread.pid)?;
    let offset = settings()?.thread_pointer;
    if offset == 0 {
        return None;
    }
    // SAFETY: reads that may fail, at an offset that the running kernel's type information gave.
    let goroutine = unsafe {
        let task = bpf_get_current_task() as *const u8;
        let thread_pointer: u64 = bpf_probe_read_kernel(task.add(offset as usize).cast()).ok()?;
        // Go on x86-64 keeps the goroutine in the last word below the thread pointer.
        bpf_probe_read_user(thread_pointer.wrapping_sub(8) as *const u64).ok()?
    };
    let key = CallKey { id: goroutine, pid: thread.pid, is_go: 1 };
    let calls = calls::of(&key)?;
    calls::innermost(calls).map(|address| (address, calls))
}
