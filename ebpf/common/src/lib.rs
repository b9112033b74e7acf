//! What the kernel side and the agent say to each other: trap cookies, ring records, map keys.
//!
//! Everything is `repr(C)` with its layout asserted, so that both compilers agree. The kernel side is
//! built by another compiler than the agent, from this same source.
#![cfg_attr(not(test), no_std)]

mod cookie;
mod counter;
mod layout;
pub mod packet;
mod record;
mod settings;

pub use cookie::{Arguments, Cookie, Function, Register};
pub use counter::Counter;
pub use layout::{
    AF_INET, AF_INET6, MAX_HANDSHAKE, MAX_LIBRARIES, SLOTS_PER_CPU, program, table, tail_call,
};
pub use record::{
    Closed, Direction, Exec, Flags, Handshake, Head, Kind, Lost, MAX_FORWARDED, Message, Object,
    Owner, Piece, Plaintext, Silence, Tuple, message,
};
pub use settings::Settings;
