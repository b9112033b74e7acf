//! An HTTP/1 message's head: as much of it as says where the message ends (RFC 9112 §6.3).

use crate::cursor::{Cursor, place};
use crate::objects::{MAX_WAITING, Object};

/// What is known of the message at hand. The status stands above them.
pub mod bits {
    pub const IS_RESPONSE: u32 = 1;
    pub const IS_HEAD: u32 = 2;
    pub const IS_CONNECT: u32 = 4;
    pub const IS_CHUNKED: u32 = 8;
    pub const OTHER_CODING: u32 = 16;
    pub const IN_EXTENSION: u32 = 32;
    pub const HAS_DIGIT: u32 = 64;
    pub const BEGINS_WITH_CR: u32 = 128;
    pub const MAYBE_LENGTH: u32 = 256;
    pub const MAYBE_CODING: u32 = 512;
    pub const HAS_VALUE: u32 = 1024;
    pub const VALUE_IS_OVER: u32 = 2048;
    pub const IS_BAD: u32 = 4096;
    /// Those that concern the line at hand.
    pub const OF_LINE: u32 =
        BEGINS_WITH_CR | MAYBE_LENGTH | MAYBE_CODING | HAS_VALUE | VALUE_IS_OVER | IS_BAD;
    pub const STATUS_SHIFT: u32 = 16;
}

/// What comes after a byte.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum After {
    Go,
    /// Where the message ends cannot be told.
    Lost,
    /// The connection is something else from here on.
    Tunnel,
}

const HEAD: u64 = 1;
const CONNECT: u64 = 2;
/// How much of a first line is kept.
const FIRST_LINE: u32 = 16;
/// More than any body.
const MAX_LENGTH: u64 = 100_000_000_000_000_000;
const HTTP_1: u64 = 0x48_54_54_50_2f_31_2e;
const HEAD_LINE: u64 = 0x48_45_41_44_20;
const CONNECT_LINE: u64 = 0x43_4f_4e_4e_45_43_54_20;
const CHUNKED: u64 = 0x0063_6875_6e6b_6564;
const LENGTH: Name = Name::new(b"content-length:");
const CODING: Name = Name::new(b"transfer-encoding:");

/// A field's name, in words that need no table; and its length.
struct Name([u64; 3], u32);

impl Name {
    const fn new(text: &[u8]) -> Self {
        let mut words = [0; 3];
        let mut at = 0;
        while at < text.len() {
            words[at / 8] |= (text[at] as u64) << ((at % 8) * 8);
            at += 1;
        }
        Self(words, text.len() as u32)
    }

    #[inline(always)]
    fn byte(&self, at: u32) -> u8 {
        let word = if at < 8 {
            self.0[0]
        } else if at < 16 {
            self.0[1]
        } else {
            self.0[2]
        };
        (word >> ((at & 7) * 8)) as u8
    }
}

/// A message begins.
#[inline(always)]
pub fn begin(cursor: &mut Cursor) {
    cursor.place = place::HEAD;
    cursor.message = 0;
    cursor.content_length = 0;
    cursor.lines = 0;
    cursor.head_bytes = 0;
    begin_line(cursor);
}

/// A line begins.
#[inline(always)]
pub fn begin_line(cursor: &mut Cursor) {
    cursor.filled = 0;
    cursor.value = 0;
    cursor.tail = 0;
    cursor.message &= !bits::OF_LINE;
    cursor.message |= bits::MAYBE_LENGTH | bits::MAYBE_CODING;
}

/// A byte of a line, not its end. What matters is gathered as it comes: a look back over the line would be
/// too much for the verifier.
#[inline(always)]
pub fn byte(cursor: &mut Cursor, byte: u8) {
    let at = cursor.filled;
    cursor.filled = at.wrapping_add(1);
    if at == 0 && byte == b'\r' {
        cursor.message |= bits::BEGINS_WITH_CR;
    }
    if cursor.lines == 0 {
        if at < FIRST_LINE {
            cursor.line[at as usize & (FIRST_LINE as usize - 1)] = byte;
        }
        return;
    }
    let is_space = byte == b' ' || byte == b'\t' || byte == b'\r';
    let lower = if byte.is_ascii_uppercase() { byte | 0x20 } else { byte };
    if at < LENGTH.1 {
        if lower != LENGTH.byte(at) {
            cursor.message &= !bits::MAYBE_LENGTH;
        }
    } else if cursor.message & bits::MAYBE_LENGTH != 0 {
        if byte.is_ascii_digit()
            && cursor.message & bits::VALUE_IS_OVER == 0
            && cursor.value < MAX_LENGTH
        {
            cursor.value = cursor.value * 10 + (byte - b'0') as u64;
            cursor.message |= bits::HAS_VALUE;
        } else if is_space {
            if cursor.message & bits::HAS_VALUE != 0 {
                cursor.message |= bits::VALUE_IS_OVER;
            }
        } else {
            cursor.message |= bits::IS_BAD;
        }
    }
    if at < CODING.1 {
        if lower != CODING.byte(at) {
            cursor.message &= !bits::MAYBE_CODING;
        }
    } else if !is_space {
        cursor.tail = cursor.tail << 8 | lower as u64;
    }
}

/// A line that is not empty has ended.
#[inline(always)]
pub fn line(cursor: &mut Cursor) -> After {
    let (message, filled) = (cursor.message, cursor.filled);
    cursor.lines = cursor.lines.wrapping_add(1);
    if cursor.lines == 1 {
        let after = first_line(cursor);
        begin_line(cursor);
        return after;
    }
    if message & bits::MAYBE_LENGTH != 0 && filled > LENGTH.1 {
        let is_other = cursor.content_length != 0 && cursor.content_length != cursor.value + 1;
        if message & bits::IS_BAD != 0 || message & bits::HAS_VALUE == 0 || is_other {
            return After::Lost;
        }
        cursor.content_length = cursor.value + 1;
    }
    if message & bits::MAYBE_CODING != 0 && filled > CODING.1 {
        // The last coding says whether the length is in the body.
        let is_chunked = cursor.tail & 0x00ff_ffff_ffff_ffff == CHUNKED;
        cursor.message |= if is_chunked { bits::IS_CHUNKED } else { bits::OTHER_CODING };
    }
    begin_line(cursor);
    After::Go
}

/// The request line or status line.
#[inline(always)]
fn first_line(cursor: &mut Cursor) -> After {
    let line = &cursor.line;
    let first = u64::from_be_bytes([
        line[0], line[1], line[2], line[3], line[4], line[5], line[6], line[7],
    ]);
    if cursor.filled >= 12 && first >> 8 == HTTP_1 {
        let (a, b, c) = (line[9], line[10], line[11]);
        if !a.is_ascii_digit() || !b.is_ascii_digit() || !c.is_ascii_digit() {
            return After::Lost;
        }
        let status = (a - b'0') as u32 * 100 + (b - b'0') as u32 * 10 + (c - b'0') as u32;
        cursor.message |= bits::IS_RESPONSE | status << bits::STATUS_SHIFT;
    } else if first >> 24 == HEAD_LINE {
        cursor.message |= bits::IS_HEAD;
    } else if first == CONNECT_LINE {
        cursor.message |= bits::IS_CONNECT;
    }
    After::Go
}

/// The head is complete: what follows it.
#[inline(always)]
pub fn head_ends(cursor: &mut Cursor, object: &mut Object) -> After {
    let message = cursor.message;
    let has_body = if message & bits::IS_RESPONSE != 0 {
        let status = message >> bits::STATUS_SHIFT;
        if status == 101 {
            return After::Tunnel;
        }
        if status < 200 {
            cursor.place = place::MESSAGE;
            return After::Go;
        }
        let method = match answered(object) {
            Some(method) => method,
            None => return After::Lost,
        };
        if method == CONNECT && status < 300 {
            return After::Tunnel;
        }
        method != HEAD && status != 204 && status != 304
    } else {
        if object.requests.wrapping_sub(object.answers) >= MAX_WAITING {
            return After::Lost;
        }
        let method = (message & (bits::IS_HEAD | bits::IS_CONNECT)) as u64 >> 1;
        let (word, shift) = place_of(object.requests);
        let methods = &mut object.methods[word];
        *methods = *methods & !(3 << shift) | method << shift;
        object.requests = object.requests.wrapping_add(1);
        true
    };
    let is_response = message & bits::IS_RESPONSE != 0;
    if !has_body {
        cursor.place = place::MESSAGE;
    } else if message & bits::OTHER_CODING != 0 {
        if !is_response {
            return After::Lost;
        }
        cursor.place = place::TO_CLOSE;
    } else if message & bits::IS_CHUNKED != 0 {
        cursor.place = place::CHUNK_SIZE;
    } else if cursor.content_length > 1 {
        cursor.remaining = cursor.content_length - 1;
        cursor.place = place::BODY;
    } else if cursor.content_length == 1 || !is_response {
        cursor.place = place::MESSAGE;
    } else {
        cursor.place = place::TO_CLOSE;
    }
    After::Go
}

/// The method that a final answer is for; unknown where requests were lost.
#[inline(always)]
fn answered(object: &mut Object) -> Option<u64> {
    if object.answers == object.requests {
        let is_lost =
            object.cursors[0].place == place::SILENT || object.cursors[1].place == place::SILENT;
        // A server that answers without having been asked: that it waited too long, say.
        return if is_lost { None } else { Some(0) };
    }
    let (word, shift) = place_of(object.answers);
    object.answers = object.answers.wrapping_add(1);
    Some(object.methods[word] >> shift & 3)
}

/// Where a request's method is in `Object::methods`: the word, and the bits in it.
#[inline(always)]
fn place_of(number: u32) -> (usize, u32) {
    ((number / 32) as usize & (MAX_WAITING as usize / 32 - 1), number % 32 * 2)
}
