//! A library function is entered.

use aya_ebpf::helpers::bpf_get_attach_cookie;
use aya_ebpf::programs::ProbeContext;
use aya_ebpf::{EbpfContext as _, helpers::bpf_get_current_pid_tgid};
use wrongdoor_ebpf_common::{Arguments, Cookie, Counter, Direction, Flags};

use crate::calls::{self, Frame, Work};
use crate::counters::count;
use crate::cursor::place;
use crate::functions::{CLEAR, FREE, GO_CLIENT, GO_CLOSE, GO_SERVER, GO_WRITE};
use crate::objects::{self, state};
use crate::registers::{Registers, goroutine, stack};
use crate::settings::settings;
use crate::socket::GO_PROCESSES;
use crate::tail_calls;

/// A trap at the beginning of a function.
#[inline(always)]
pub fn entered(ctx: &ProbeContext) {
    // SAFETY: the helper is there since 5.15.
    let bits = unsafe { bpf_get_attach_cookie(ctx.as_ptr()) };
    let function = Cookie::function_of(bits);
    let arguments = Cookie::arguments_of(bits);
    let registers = Registers::of(ctx);
    let object = registers.get(arguments.object);
    match function {
        FREE | GO_CLOSE => objects::end(&objects::key(object)),
        CLEAR => cleared(object),
        GO_WRITE => written(ctx, bits, &registers),
        GO_CLIENT => begun(ctx, function, object, Flags::CLIENT),
        GO_SERVER => begun(ctx, function, object, Flags::SERVER),
        _ => called(ctx, function, &arguments, &registers),
    }
}

/// Reads and writes, and births whose object is known at their end.
#[inline(always)]
fn called(ctx: &ProbeContext, function: u32, arguments: &Arguments, registers: &Registers) {
    let pid = (bpf_get_current_pid_tgid() >> 32) as u32;
    if settings().is_some_and(|settings| settings.agent == pid) {
        return;
    }
    let frame = Frame {
        object: registers.get(arguments.object),
        buffer: registers.get(arguments.buffer),
        length: registers.get(arguments.length),
        count: registers.get(arguments.count),
        stack: stack(ctx),
        function,
        is_inner: 0,
    };
    calls::begin(&tail_calls::caller(ctx, function), frame);
}

/// Go writes all or breaks the connection, so its write is told at its beginning: the answer may be read by
/// another thread before it returns.
#[inline(always)]
fn written(ctx: &ProbeContext, bits: u64, registers: &Registers) {
    let arguments = Cookie::arguments_of(bits);
    let caller = calls::goroutine(goroutine(ctx));
    let work = Work {
        object: registers.get(arguments.object),
        buffer: registers.get(arguments.buffer),
        length: registers.get(arguments.length),
        direction: Direction::Sent as u32,
        library: Cookie::library_of(bits) as u32,
    };
    let Some(calls) = calls::enter(&caller) else { return };
    if objects::find(&objects::key(work.object)).is_none()
        && !calls::writes_first(calls, work.object)
    {
        // Its handshake is still to come, inside this write; or it is older, which the next one shows.
        return calls::begin(&caller, one_shot(ctx, GO_WRITE, work.object, 0));
    }
    tail_calls::moved(ctx, calls, work);
}

/// A call whose end is not trapped.
#[inline(always)]
fn one_shot(ctx: &ProbeContext, function: u32, object: u64, epoch: u64) -> Frame {
    let stack = stack(ctx);
    Frame { object, buffer: 0, length: 0, count: epoch, stack, function, is_inner: 0 }
}

/// An object may begin another connection: what was told of it is over.
#[inline(always)]
fn cleared(object: u64) {
    let key = objects::key(object);
    let Some(known) = objects::find(&key) else { return };
    // One that is left alone stays so: nothing says that its next life begins whole.
    if known.flags & Flags::OLDER.0 as u32 == 0 {
        objects::end(&key);
        let _ = objects::begin(&key, 0);
    }
}

/// A Go object begins a handshake.
#[inline(always)]
fn begun(ctx: &ProbeContext, function: u32, object: u64, role: Flags) {
    let key = objects::key(object);
    let caller = calls::goroutine(goroutine(ctx));
    let calls = calls::of(&caller);
    let writes_first = calls.as_ref().is_some_and(|calls| calls::writes_first(calls, object));
    let is_inside_read = calls.is_some_and(|calls| calls::reads(calls, object));
    if let Some(known) = objects::find(&key)
        && known.state != state::SILENT
    {
        // Asked for inside a read it is a renegotiation, and begins nothing. Else the memory is another
        // object's now.
        if is_inside_read {
            return;
        }
        objects::end(&key);
    }
    let Some(begun) = objects::begin(&key, role.0) else { return };
    if writes_first {
        // What that write had to say is past.
        begun.cursors[Direction::Sent as usize].place = place::SILENT;
        count(Counter::LostPlace);
    }
    if GO_PROCESSES.get_ptr(key.pid).is_none() {
        if GO_PROCESSES.insert(key.pid, 1, 0).is_err() {
            return count(Counter::MapFull);
        }
        calls::runs_go(key.pid);
    }
    // The handshake's first bytes tell the socket. Later ones may not: what the other end sends right behind
    // its handshake is read with it, and then a read of it touches no socket. A handshake that never came to
    // its first bytes is still there when the next goroutine gets its memory, and gives way to this one.
    if !is_inside_read {
        // Inside a write it stays one: where the stack grows, this function is entered again.
        let function = if writes_first { GO_WRITE } else { function };
        calls::begin(&caller, one_shot(ctx, function, object, begun.epoch));
    }
}
