//! What a direction begins as: HTTP/2, HTTP/1, or something that is left alone.

use aya_ebpf::helpers::generated::bpf_probe_read_user;

use crate::bounds::masked;
use crate::calls::Work;
use crate::cursor::{Cursor, MAX_LINE, place};
use crate::http2::{FRAME_HEAD, PREFACE};
use crate::user_memory::at_most;

/// The longest method that is waited for.
const MAX_METHOD: usize = 16;

/// What the first bytes say.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Beginning {
    /// Too few bytes to tell; they are kept.
    NeedMore,
    /// Not HTTP.
    Foreign,
    /// HTTP/2's client.
    Preface,
    /// HTTP/2's server: its first frame is SETTINGS.
    Settings,
    /// An HTTP/1 request.
    Request,
    /// An HTTP/1 response.
    Response,
    /// The bytes cannot be read.
    Unreadable,
}

/// Looks at the first bytes, with those kept from earlier calls in front. Takes bytes from `work` only where
/// they are kept, or are the preface.
#[inline(always)]
pub fn look(cursor: &mut Cursor, work: &mut Work) -> Beginning {
    let have = cursor.filled as usize & 31;
    let wanted = PREFACE.len().wrapping_sub(have) & 31;
    let take = at_most(work.length, wanted as u64);
    let take = masked::<31>(take) as usize;
    if have + take > PREFACE.len() || take == 0 {
        return Beginning::Foreign;
    }
    // SAFETY: `have + take` is at most 24, and `line` is longer.
    let read = unsafe {
        bpf_probe_read_user(
            cursor.line.as_mut_ptr().add(have).cast(),
            take as u32,
            work.buffer as *const core::ffi::c_void,
        )
    };
    if read != 0 {
        return Beginning::Unreadable;
    }
    let beginning = tell(&cursor.line, have + take);
    match beginning {
        Beginning::NeedMore | Beginning::Preface => {
            cursor.filled = (have + take) as u32;
            work.buffer += take as u64;
            work.length -= take as u64;
        }
        _ => {}
    }
    beginning
}

#[inline(always)]
fn tell(line: &[u8; MAX_LINE], total: usize) -> Beginning {
    if is_prefaces(line, total) {
        return if total == PREFACE.len() { Beginning::Preface } else { Beginning::NeedMore };
    }
    if total >= 6
        && line[0] == b'H'
        && line[1] == b'T'
        && line[2] == b'T'
        && line[3] == b'P'
        && line[4] == b'/'
        && line[5] == b'1'
    {
        // Cut within the version: the dot is still to come.
        if total == 6 {
            return Beginning::NeedMore;
        }
        if line[6] == b'.' {
            return Beginning::Response;
        }
    }
    // SETTINGS on stream 0, no flags, a multiple of six (RFC 9113 §6.5), and nothing absurd.
    if line[0] == 0 {
        if total < FRAME_HEAD {
            return Beginning::NeedMore;
        }
        let length = (line[1] as u32) << 8 | line[2] as u32;
        let is_settings = line[3] == 4
            && line[4] == 0
            && line[5] == 0
            && line[6] == 0
            && line[7] == 0
            && line[8] == 0
            && length.is_multiple_of(6)
            && length <= 600;
        return if is_settings { Beginning::Settings } else { Beginning::Foreign };
    }
    let mut at = 0;
    while at < MAX_METHOD {
        if at >= total {
            return Beginning::NeedMore;
        }
        let byte = line[at & (MAX_LINE - 1)];
        if byte == b' ' && at >= 3 {
            return Beginning::Request;
        }
        if !(byte.is_ascii_uppercase() || byte == b'-' || byte == b'_' || at >= 4 && byte == b'/') {
            return Beginning::Foreign;
        }
        at += 1;
    }
    Beginning::Foreign
}

/// The first `total` bytes are the preface's. By words: the verifier of 6.1 loses the bound of an index into
/// the constant, and three comparisons are cheaper than twenty-four.
#[inline(always)]
fn is_prefaces(line: &[u8; MAX_LINE], total: usize) -> bool {
    is_word(line, 0, total) && is_word(line, 1, total) && is_word(line, 2, total)
}

#[inline(always)]
fn is_word(line: &[u8; MAX_LINE], index: usize, total: usize) -> bool {
    let counted = total.saturating_sub(index * 8);
    let mask = if counted >= 8 { u64::MAX } else { (1u64 << (counted as u32 * 8)) - 1 };
    let mut here = [0; 8];
    let mut wanted = [0; 8];
    let mut at = 0;
    while at < 8 {
        here[at] = line[index * 8 + at];
        wanted[at] = PREFACE[index * 8 + at];
        at += 1;
    }
    (u64::from_le_bytes(here) ^ u64::from_le_bytes(wanted)) & mask == 0
}

/// The direction stands at its beginning.
#[inline(always)]
pub fn is_at_start(cursor: &Cursor) -> bool {
    cursor.place == place::START
}
