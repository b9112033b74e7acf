//! What a trap knows about its place: 64 bits, the attach cookie.

/// A function of a TLS library, or the life of one of its objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Function {
    /// `int SSL_read(ssl, buffer, length)`; also `gnutls_record_recv`: returns how many.
    Read = 1,
    /// `int SSL_read_ex(ssl, buffer, length, *read)`; also `SSL_read_early_data`: says how many through a pointer.
    ReadEx = 2,
    /// `int SSL_write(ssl, buffer, length)`; also `gnutls_record_send`.
    Write = 3,
    /// `int SSL_write_ex(ssl, buffer, length, *written)`; also `SSL_write_early_data`.
    WriteEx = 4,
    /// `ssize_t SSL_sendfile(ssl, fd, offset, size, flags)`: bytes that never pass through a buffer of the process.
    Sendfile = 5,
    /// `SSL *SSL_new(context)`: an object is born, in the return value.
    New = 6,
    /// `int gnutls_init(*session, flags)`: an object is born, in `*session`.
    NewInto = 7,
    /// `SSL_free(ssl)`, `gnutls_deinit(session)`: it dies.
    Free = 8,
    /// `SSL_clear(ssl)`: it may begin another connection.
    Clear = 9,
    /// `int SSL_write_ex2(ssl, buffer, length, flags, *written)`: the pointer is the fifth argument.
    WriteEx2 = 10,
    /// OpenSSL's `ssl3_finish_mac(ssl, message, length)`, and where BoringSSL reports a message of the handshake.
    Message = 11,
    /// Go's `(*Conn).Read(slice) (int, error)`.
    GoRead = 16,
    /// Go's `(*Conn).Write(slice) (int, error)`.
    GoWrite = 17,
    /// Go's `(*Conn).clientHandshake`: an object begins, as a client.
    GoClient = 18,
    /// Go's `(*Conn).serverHandshake`: an object begins, as a server.
    GoServer = 19,
    /// Go's `(*Conn).Close`.
    GoClose = 20,
    /// Go's `(*Conn).unmarshalHandshakeMessage(message, …)`, and where it writes such a message.
    GoMessage = 21,
}

/// A general register, by its number in the machine's instruction encoding: on x86-64 rax 0, rcx 1, rdx 2,
/// rbx 3, rsp 4, rbp 5, rsi 6, rdi 7, r8 … r15; on AArch64 x0 … x15.
pub type Register = u8;

/// Where the arguments are at the place of the trap. What a function does not have is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Arguments {
    /// The object; at a return trap of [`Function::New`] the new one.
    pub object: Register,
    /// The buffer.
    pub buffer: Register,
    /// Its length.
    pub length: Register,
    /// Where the count goes; of [`Function::NewInto`] where the object goes is in `object`.
    pub count: Register,
    /// The return value, at a return trap.
    pub result: Register,
}

/// The attach cookie of one trap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cookie {
    /// Which function.
    pub function: Function,
    /// Where its arguments are.
    pub arguments: Arguments,
    /// Which examined file it is of: an index given by the agent.
    pub library: u16,
}

impl Cookie {
    /// As the kernel hands it over.
    pub const fn bits(self) -> u64 {
        let Arguments { object, buffer, length, count, result } = self.arguments;
        self.function as u64
            | (object as u64 & 15) << 8
            | (buffer as u64 & 15) << 12
            | (length as u64 & 15) << 16
            | (count as u64 & 15) << 20
            | (result as u64 & 15) << 24
            | (self.library as u64) << 32
    }

    /// The function's number in the kernel's bits.
    pub const fn function_of(bits: u64) -> u32 {
        bits as u32 & 0xff
    }

    /// The registers in the kernel's bits.
    pub const fn arguments_of(bits: u64) -> Arguments {
        Arguments {
            object: (bits >> 8) as u8 & 15,
            buffer: (bits >> 12) as u8 & 15,
            length: (bits >> 16) as u8 & 15,
            count: (bits >> 20) as u8 & 15,
            result: (bits >> 24) as u8 & 15,
        }
    }

    /// The library's index in the kernel's bits.
    pub const fn library_of(bits: u64) -> u16 {
        (bits >> 32) as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_survives_its_bits() {
        let arguments = Arguments { object: 7, buffer: 6, length: 2, count: 15, result: 8 };
        let cookie = Cookie { function: Function::WriteEx, arguments, library: 0xabcd };
        let bits = cookie.bits();
        assert_eq!(Cookie::function_of(bits), Function::WriteEx as u32);
        assert_eq!(Cookie::arguments_of(bits), arguments);
        assert_eq!(Cookie::library_of(bits), 0xabcd);
    }
}
