//! wrongdoor's kernel side: traps in TLS libraries, packets of TLS handshakes, and what joins them.
//!
//! Small programs that decide as little as possible: which bytes are headers, whose socket a TLS object
//! uses. What the bytes mean is the agent's to say.
#![no_std]
#![no_main]
#![feature(asm_experimental_arch, core_intrinsics)]
#![allow(
    internal_features,
    reason = "the exchange of a word, which the stable atomics lack on this target"
)]

mod bounds;
mod calls;
mod counters;
mod cursor;
mod functions;
mod handshake;
mod http1;
mod http2;
mod identify;
mod kernel_socket;
mod lost;
mod message;
mod messages;
mod objects;
mod pieces;
mod pre_accept;
mod registers;
mod ring;
mod segment;
mod settings;
mod slot;
mod socket;
mod start;
mod tail_calls;
mod uprobes;
mod user_memory;

use aya_ebpf::EbpfContext as _;
use aya_ebpf::helpers::bpf_get_current_pid_tgid;
use aya_ebpf::helpers::generated::bpf_get_socket_cookie;
use aya_ebpf::macros::{btf_tracepoint, cgroup_skb, fentry, uprobe, uretprobe};
use aya_ebpf::programs::{
    BtfTracePointContext, FEntryContext, ProbeContext, RetProbeContext, SkBuffContext,
};
use wrongdoor_ebpf_common::{Closed, Counter, Direction, Exec, Head, Kind, Owner};

/// A library function is entered.
#[uprobe]
// One function, not two: kernels before 6.13 count at least 32 of their 512 bytes of stack for each.
#[inline(always)]
pub fn tls_entry(ctx: ProbeContext) -> u32 {
    uprobes::entered(&ctx);
    0
}

/// A library function returns: a trap in front of its return.
#[uprobe]
pub fn tls_return(ctx: ProbeContext) -> u32 {
    tail_calls::returned(&ctx);
    0
}

/// A library function has returned.
#[uretprobe]
pub fn tls_returned(ctx: RetProbeContext) -> u32 {
    tail_calls::returned(&ProbeContext::new(ctx.as_ptr()));
    0
}

/// A library takes a message of a handshake into its transcript.
#[uprobe]
pub fn tls_message(ctx: ProbeContext) -> u32 {
    messages::seen(&ctx);
    0
}

/// Whose object it is.
#[uprobe]
pub fn step_identify(ctx: ProbeContext) -> u32 {
    tail_calls::identify(&ctx);
    0
}

/// Over HTTP/2's frames.
#[uprobe]
pub fn step_http2(ctx: ProbeContext) -> u32 {
    tail_calls::http2(&ctx);
    0
}

/// Over HTTP/1's messages.
#[uprobe]
pub fn step_http1(ctx: ProbeContext) -> u32 {
    tail_calls::http1(&ctx);
    0
}

/// Something is sent over a socket (kernels from 6.3 on).
#[btf_tracepoint(function = "sock_send_length")]
pub fn socket_sends(ctx: BtfTracePointContext) -> i32 {
    socket::used(ctx.arg(0));
    0
}

/// Something is received from a socket (kernels from 6.3 on).
#[btf_tracepoint(function = "sock_recv_length")]
pub fn socket_receives(ctx: BtfTracePointContext) -> i32 {
    socket::used(ctx.arg(0));
    0
}

/// The same before 6.3, where fentry may be used.
#[fentry(function = "tcp_sendmsg")]
pub fn tcp_sends(ctx: FEntryContext) -> i32 {
    socket::used(ctx.arg(0));
    0
}

/// The same before 6.3, where fentry may be used.
#[fentry(function = "tcp_recvmsg")]
pub fn tcp_receives(ctx: FEntryContext) -> i32 {
    socket::used(ctx.arg(0));
    0
}

/// The same before 6.3, where it may not: after a delivery.
#[btf_tracepoint(function = "tcp_rcv_space_adjust")]
pub fn tcp_received(ctx: BtfTracePointContext) -> i32 {
    socket::used(ctx.arg(0));
    0
}

/// A packet comes in at a socket of the control group.
#[cgroup_skb(ingress)]
pub fn packet_in(ctx: SkBuffContext) -> i32 {
    let _ = handshake::packet(&ctx, Direction::Received);
    1
}

/// A packet leaves a socket of the control group.
#[cgroup_skb(egress)]
pub fn packet_out(ctx: SkBuffContext) -> i32 {
    let _ = handshake::packet(&ctx, Direction::Sent);
    1
}

/// A socket changes its state.
#[btf_tracepoint(function = "inet_sock_set_state")]
pub fn socket_state(ctx: BtfTracePointContext) -> i32 {
    const CLOSED: i32 = 7;
    let state: i32 = ctx.arg(2);
    if state != CLOSED {
        return 0;
    }
    let socket: *mut core::ffi::c_void = ctx.arg(0);
    // SAFETY: the tracepoint hands over a socket.
    let cookie = unsafe { bpf_get_socket_cookie(socket) };
    if handshake::FLOWS.remove(cookie).is_ok() {
        let owner = Owner::socket(cookie);
        let head = Head { kind: Kind::SocketClosed as u8, at: ring::now(), ..Head::default() };
        let lost = lost::of(&owner);
        let is_sent = ring::send(&Closed { head, pid: 0, lost, object: 0, epoch: cookie });
        if is_sent && lost != 0 {
            lost::forget(&owner);
        }
    }
    0
}

/// A process runs another program.
#[btf_tracepoint(function = "sched_process_exec")]
pub fn process_exec(_ctx: BtfTracePointContext) -> i32 {
    let head = Head { kind: Kind::Exec as u8, at: ring::now(), ..Head::default() };
    let pid = (bpf_get_current_pid_tgid() >> 32) as u32;
    if !ring::output(&Exec { head, pid, unused: 0 }) {
        counters::count(Counter::ExecsLost);
    }
    0
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // Nothing panics here: the verifier would refuse it.
    loop {}
}

/// The helpers that are used are for programs under the GPL only.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
