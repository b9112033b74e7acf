//! The functions of TLS libraries, by the numbers that cookies and calls have of them.

use wrongdoor_ebpf_common::Function;

pub const READ: u32 = Function::Read as u32;
pub const READ_EX: u32 = Function::ReadEx as u32;
pub const WRITE_EX: u32 = Function::WriteEx as u32;
pub const SENDFILE: u32 = Function::Sendfile as u32;
pub const NEW: u32 = Function::New as u32;
pub const NEW_INTO: u32 = Function::NewInto as u32;
pub const FREE: u32 = Function::Free as u32;
pub const CLEAR: u32 = Function::Clear as u32;
pub const WRITE_EX2: u32 = Function::WriteEx2 as u32;
pub const GO_READ: u32 = Function::GoRead as u32;
pub const GO_WRITE: u32 = Function::GoWrite as u32;
pub const GO_CLIENT: u32 = Function::GoClient as u32;
pub const GO_SERVER: u32 = Function::GoServer as u32;
pub const GO_CLOSE: u32 = Function::GoClose as u32;

/// Whether it is Go's: a goroutine calls it, and registers hold its results whole.
#[inline(always)]
pub fn is_go(function: u32) -> bool {
    function >= GO_READ
}

/// Whether it reads; of those that move bytes, the others write.
#[inline(always)]
pub fn is_read(function: u32) -> bool {
    function == READ || function == READ_EX || function == GO_READ
}

/// Whether it stores the number of bytes through a pointer.
#[inline(always)]
pub fn stores_count(function: u32) -> bool {
    function == READ_EX || function == WRITE_EX || function == WRITE_EX2
}
