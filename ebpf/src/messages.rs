//! Messages of the handshake, from inside the library: TLS 1.3 encrypts the certificate and the protocol on the wire.
//!
//! The traps are where a library takes each message into its transcript: both directions pass there. Of a certificate only
//! the leaf leaves the kernel, and only the server's: the first one behind the ClientHello, in front of every Finished.

use aya_ebpf::EbpfContext as _;
use aya_ebpf::helpers::{bpf_get_attach_cookie, bpf_probe_read_user};
use aya_ebpf::programs::ProbeContext;
use wrongdoor_ebpf_common::{Cookie, Counter, Head, Kind, Message, message};

use crate::bounds::masked;
use crate::counters::count;
use crate::objects::{self, Object, ObjectKey, state};
use crate::registers::Registers;
use crate::ring;
use crate::settings::settings;
use crate::slot::{self, ROOM, Slot};
use crate::user_memory::read;

/// The longest message that is handed over, in bytes: a certificate with some hundred names.
const MAX_MESSAGE: u64 = ROOM as u64 - 1;
/// The type and the length in front of every message (RFC 8446 §4).
const HEADER: u64 = 4;

/// What of a handshake has passed, bit by bit.
mod passed {
    pub const CLIENT_HELLO: u32 = 1;
    pub const CERTIFICATE: u32 = 2;
    pub const FINISHED: u32 = 4;
}

/// A library takes a message into its transcript.
#[inline(always)]
pub fn seen(ctx: &ProbeContext) {
    // SAFETY: the helper is there since 5.15.
    let bits = unsafe { bpf_get_attach_cookie(ctx.as_ptr()) };
    let arguments = Cookie::arguments_of(bits);
    let registers = Registers::of(ctx);
    let key = objects::key(registers.get(arguments.object));
    if settings().is_some_and(|settings| settings.agent == key.pid) {
        return;
    }
    let Some(object) = objects::find(&key) else { return };
    // Later ones are of a renegotiation, which changes nothing that was told.
    if object.state != state::SILENT {
        return;
    }
    let from = registers.get(arguments.buffer);
    let length = registers.get(arguments.length);
    // SAFETY: a read that may fail.
    let Ok(header) = (unsafe { bpf_probe_read_user(from as *const [u8; 4]) }) else { return };
    // Not a message: a bare hash that stands for one (RFC 8446 §4.4.1), or a function that is another one.
    if number(header[1], header[2], header[3]) + HEADER != length {
        return;
    }
    let body = from.wrapping_add(HEADER);
    match header[0] {
        message::CLIENT_HELLO => object.handshake = passed::CLIENT_HELLO,
        message::FINISHED => object.handshake |= passed::FINISHED,
        message::ENCRYPTED_EXTENSIONS => {
            send(object, &key, header[0], body, length - HEADER);
        }
        message::CERTIFICATE if object.handshake == passed::CLIENT_HELLO => {
            object.handshake |= passed::CERTIFICATE;
            if let Some((leaf, length)) = leaf(body, length - HEADER) {
                send(object, &key, header[0], leaf, length);
            }
        }
        _ => {}
    }
}

/// Where the first certificate of a message is, and how long. TLS 1.3 has a context in front of the list (RFC 8446 §4.4.2),
/// which is empty in a handshake; TLS 1.2 has none (RFC 5246 §7.4.2).
#[inline(always)]
fn leaf(body: u64, length: u64) -> Option<(u64, u64)> {
    // SAFETY: a read that may fail. A certificate is longer than this.
    let head = unsafe { bpf_probe_read_user(body as *const [u8; 8]).ok()? };
    let is_old = number(head[0], head[1], head[2]) + 3 == length;
    let is_new = head[0] == 0 && number(head[1], head[2], head[3]) + 4 == length;
    let (at, size) = if is_old {
        (6, number(head[3], head[4], head[5]))
    } else if is_new {
        (7, number(head[4], head[5], head[6]))
    } else {
        return None;
    };
    (at + size <= length).then_some((body.wrapping_add(at), size))
}

/// A number of three bytes.
#[inline(always)]
fn number(high: u8, middle: u8, low: u8) -> u64 {
    (high as u64) << 16 | (middle as u64) << 8 | low as u64
}

/// Hands a message over. What is too long, or finds no room, is counted.
#[inline(always)]
fn send(object: &Object, key: &ObjectKey, kind: u8, from: u64, length: u64) {
    if length == 0 {
        return;
    }
    if length > MAX_MESSAGE {
        return count(Counter::MessagesLost);
    }
    let Some((_, slot)) = slot::claim() else { return };
    let is_sent = put(slot, object, key, kind, from, length);
    slot.release();
    if !is_sent {
        count(Counter::MessagesLost);
    }
}

#[inline(always)]
fn put(
    slot: &mut Slot,
    object: &Object,
    key: &ObjectKey,
    kind: u8,
    from: u64,
    length: u64,
) -> bool {
    let length = masked::<{ ROOM as i32 - 1 }>(length);
    if !read(slot.bytes.as_mut_ptr(), from, length as u32) {
        return false;
    }
    let head = Head {
        kind: Kind::Message as u8,
        detail: kind,
        count: length as u32,
        at: ring::now(),
        ..Head::default()
    };
    let record = Message { head, pid: key.pid, unused: 0, object: key.object, epoch: object.epoch };
    // The record stands right in front of the bytes.
    let start = slot::RECORD_BYTES - size_of::<Message>();
    // SAFETY: `record` is as long as the slot says and `bytes` follow it without a gap.
    unsafe {
        let start = slot.record.as_mut_ptr().cast::<u8>().add(start);
        start.cast::<Message>().write(record);
        ring::output_bytes(start, size_of::<Message>() as u64 + length)
    }
}
