//! The functions that are traced, and where their arguments are when they begin.

use wrongdoor_ebpf_common::{Arguments, Function};

use super::TlsKind;
use super::elf::Processor;

/// One function of a C library.
#[derive(Debug)]
pub(super) struct WantedFunction {
    pub(super) symbol: &'static str,
    pub(super) function: Function,
    pub(super) when: When,
    /// A library without it is not of use.
    pub(super) is_vital: bool,
}

/// When something is to be learnt of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    Begin,
    End,
    Both,
}

/// Only BoringSSL has this one.
pub(super) const BORINGSSL_MARK: &str = "BORINGSSL_self_test";

use Function::{Clear, Free, New, NewInto, Read, ReadEx, Sendfile, Write, WriteEx, WriteEx2};
use When::{Begin, Both, End};

const fn vital(symbol: &'static str, function: Function, when: When) -> WantedFunction {
    WantedFunction { symbol, function, when, is_vital: true }
}

const fn other(symbol: &'static str, function: Function, when: When) -> WantedFunction {
    WantedFunction { symbol, function, when, is_vital: false }
}

/// Of OpenSSL and what descends from it, and of GnuTLS.
pub(super) const WANTED: &[WantedFunction] = &[
    vital("SSL_read", Read, Both),
    other("SSL_read_ex", ReadEx, Both),
    other("SSL_read_early_data", ReadEx, Both),
    vital("SSL_write", Write, Both),
    other("SSL_write_ex", WriteEx, Both),
    other("SSL_write_ex2", WriteEx2, Both),
    other("SSL_write_early_data", WriteEx, Both),
    other("SSL_sendfile", Sendfile, Both),
    vital("SSL_new", New, End),
    vital("SSL_free", Free, Begin),
    other("SSL_clear", Clear, Begin),
    vital("gnutls_record_send", Write, Both),
    other("gnutls_record_send2", Write, Both),
    other("gnutls_record_send_early_data", Write, Both),
    vital("gnutls_record_recv", Read, Both),
    other("gnutls_record_recv_seq", Read, Both),
    other("gnutls_record_recv_early_data", Read, Both),
    vital("gnutls_init", NewInto, Both),
    vital("gnutls_deinit", Free, Begin),
];

/// One method of Go's `crypto/tls.Conn`.
#[derive(Debug)]
pub(super) struct GoMethod {
    pub(super) name: &'static str,
    pub(super) function: Function,
    pub(super) traced: GoTraced,
}

/// What of a method is traced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GoTraced {
    /// It itself.
    Call(When),
    /// Its beginning, where a message of a handshake passes.
    Message,
    /// Its calls of this method, where a message of a handshake passes.
    MessageTo(&'static str),
    /// Nothing: another one's calls of it are.
    Callee,
}

const WRITE_RECORD: &str = "crypto/tls.(*Conn).writeRecordLocked";

const fn method(name: &'static str, function: Function, traced: GoTraced) -> GoMethod {
    GoMethod { name, function, traced }
}

/// Of Go's `crypto/tls`. The linker leaves out what a program never calls.
pub(super) const METHODS: &[GoMethod] = &[
    method("crypto/tls.(*Conn).Read", Function::GoRead, GoTraced::Call(Both)),
    // It writes all or breaks the connection: its end tells nothing more.
    method("crypto/tls.(*Conn).Write", Function::GoWrite, GoTraced::Call(Begin)),
    method("crypto/tls.(*Conn).clientHandshake", Function::GoClient, GoTraced::Call(Begin)),
    method("crypto/tls.(*Conn).serverHandshake", Function::GoServer, GoTraced::Call(Begin)),
    method("crypto/tls.(*Conn).Close", Function::GoClose, GoTraced::Call(Begin)),
    method("crypto/tls.(*Conn).unmarshalHandshakeMessage", Function::GoMessage, GoTraced::Message),
    // What it calls is called for every record.
    method(
        "crypto/tls.(*Conn).writeHandshakeRecord",
        Function::GoMessage,
        GoTraced::MessageTo(WRITE_RECORD),
    ),
    method(WRITE_RECORD, Function::GoMessage, GoTraced::Callee),
];

// === impl WantedFunction ===

impl WantedFunction {
    /// Of which library a file is that defines it.
    pub(super) fn kind(&self) -> TlsKind {
        if self.symbol.starts_with("gnutls_") { TlsKind::GnuTls } else { TlsKind::OpenSsl }
    }

    /// Its length argument and its result are C `int`s, of which the high half of a register says nothing.
    pub(super) fn has_int_length(&self) -> bool {
        matches!(self.symbol, "SSL_read" | "SSL_write")
    }
}

/// Which of its arguments a function has.
pub(super) fn has(function: Function) -> [bool; 4] {
    match function {
        Read | Write | Function::Message => [true, true, true, false],
        Function::GoRead | Function::GoWrite | Function::GoMessage => [true, true, true, false],
        ReadEx | WriteEx | WriteEx2 => [true; 4],
        New => [false; 4],
        _ => [true, false, false, false],
    }
}

/// Where the arguments of `function` are at its first instruction, by the platform's C convention or Go's.
pub(super) fn convention(function: Function, processor: Processor) -> Arguments {
    let is_go = function as u8 >= Function::GoRead as u8;
    let [object, buffer, length, mut count] = match (processor, is_go) {
        (Processor::X86_64, false) => [7, 6, 2, 1],
        (Processor::X86_64, true) => [0, 3, 1, 0],
        (Processor::AArch64, _) => [0, 1, 2, 3],
    };
    if function == WriteEx2 {
        count = if processor == Processor::X86_64 { 8 } else { 4 };
    }
    let [has_object, has_buffer, has_length, has_count] = has(function);
    let keep = |has: bool, register: u8| if has { register } else { 0 };
    Arguments {
        object: keep(has_object, object),
        buffer: keep(has_buffer, buffer),
        length: keep(has_length, length),
        count: keep(has_count, count),
        result: 0,
    }
}

/// Whether the whole register of the result counts, not only its low 32 bits.
pub(super) fn has_wide_result(function: Function) -> bool {
    matches!(function, New | Sendfile)
}
