//! What comes through the ring: a [`Head`], then what its kind says, then bytes.

/// The most bytes of one record that are bytes of a connection.
pub const MAX_FORWARDED: usize = 4096;

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// [`Handshake`], then the segment's bytes.
    Handshake = 1,
    /// [`Object`].
    Object = 2,
    /// [`Plaintext`], then its [`Piece`]s, each followed by its bytes.
    Plaintext = 3,
    /// [`Silence`].
    Silence = 4,
    /// [`Closed`]: an object has died, or may begin another connection.
    ObjectClosed = 5,
    /// [`Closed`]: a socket is closed; `pid` and `object` are 0.
    SocketClosed = 6,
    /// [`Exec`]: a process runs another program now.
    Exec = 7,
    /// [`Message`], then the message without its header, or the certificate's bytes.
    Message = 8,
}

impl Kind {
    /// The kind of this number.
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Handshake,
            2 => Self::Object,
            3 => Self::Plaintext,
            4 => Self::Silence,
            5 => Self::ObjectClosed,
            6 => Self::SocketClosed,
            7 => Self::Exec,
            8 => Self::Message,
            _ => return None,
        })
    }
}

/// Which way bytes went, as seen from the end at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Direction {
    /// From the other end to this one.
    Received = 0,
    /// From this end to the other.
    Sent = 1,
}

/// What is said of an object, bit by bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct Flags(pub u8);

impl Flags {
    /// It was there before the probes: nothing of it is told.
    pub const OLDER: Self = Self(1);
    /// It is the client's end.
    pub const CLIENT: Self = Self(2);
    /// It is the server's end.
    pub const SERVER: Self = Self(4);

    /// Whether all bits of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// What every record begins with.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Head {
    /// A [`Kind`].
    pub kind: u8,
    /// A [`Direction`], where it has one.
    pub direction: u8,
    /// [`Flags`] of an object.
    pub flags: u8,
    /// Of [`Kind::Silence`]: why. Of [`Kind::Message`]: one of [`message`].
    pub detail: u8,
    /// The bytes of the connection that follow, or the number of [`Piece`]s.
    pub count: u32,
    /// `CLOCK_BOOTTIME`, nanoseconds.
    pub at: u64,
}

/// Both ends of a socket. Addresses are in network order, IPv4 in the first four bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Tuple {
    /// The socket's cookie; 0: unknown.
    pub cookie: u64,
    /// This end.
    pub local: [u8; 16],
    /// The other end.
    pub remote: [u8; 16],
    /// This end's port.
    pub local_port: u16,
    /// The other end's port.
    pub remote_port: u16,
    /// `AF_INET` 2 or `AF_INET6` 10.
    pub family: u16,
    /// Layout.
    pub unused: u16,
    /// The network namespace's inode; 0: unknown.
    pub namespace: u32,
    /// Layout.
    pub unused2: u32,
}

/// A segment of a connection that is in its handshake.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Handshake {
    /// Kind, direction; `count` bytes follow.
    pub head: Head,
    /// Whose. Cookie 0: it came before its socket, which has the same ends.
    pub tuple: Tuple,
    /// Where it begins, counted from the stream's first byte.
    pub offset: u32,
    /// Layout.
    pub unused: u32,
}

/// A TLS object was met.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Object {
    /// Kind and flags.
    pub head: Head,
    /// Its process.
    pub pid: u32,
    /// Layout.
    pub unused: u32,
    /// Its address.
    pub object: u64,
    /// Which of the lives at this address: the time it was met.
    pub epoch: u64,
    /// The socket that its records go through; cookie 0 where nothing proves which.
    pub tuple: Tuple,
    /// The thread's command name.
    pub command: [u8; 16],
}

/// What an object read or wrote.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Plaintext {
    /// Kind, direction; `count` pieces follow.
    pub head: Head,
    /// Its process.
    pub pid: u32,
    /// The number of its first piece: the pieces of an object and direction are counted from 0 on.
    pub sequence: u32,
    /// Its address.
    pub object: u64,
    /// Which of the lives at this address.
    pub epoch: u64,
}

/// A piece of plaintext; `length` bytes follow, and then nothing or the next piece.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Piece {
    /// So many bytes before it were left out.
    pub omitted: u64,
    /// Its length.
    pub length: u32,
    /// Not 0: it begins at a frame's or a message's first byte.
    pub at_boundary: u32,
}

/// A direction of an object is told no more; `head.detail` says why.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Silence {
    /// Kind, direction and why.
    pub head: Head,
    /// Its process.
    pub pid: u32,
    /// Layout.
    pub unused: u32,
    /// Its address.
    pub object: u64,
    /// Which of the lives at this address.
    pub epoch: u64,
}

impl Silence {
    /// Not HTTP.
    pub const FOREIGN: u8 = 1;
    /// The place in it was lost.
    pub const LOST_PLACE: u8 = 2;
    /// A CONNECT or an upgrade made it something else.
    pub const TUNNEL: u8 = 3;
}

/// An object or a socket is over.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Closed {
    /// Kind.
    pub head: Head,
    /// The object's process, or 0.
    pub pid: u32,
    /// Records of it that found the ring full.
    pub lost: u32,
    /// The object, or 0.
    pub object: u64,
    /// The object's life, or the socket's cookie.
    pub epoch: u64,
}

/// What a record is of: a TLS object, or a socket.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Owner {
    /// The object's process, or 0.
    pub pid: u32,
    /// Layout.
    pub unused: u32,
    /// The object, or 0.
    pub object: u64,
    /// The object's life, or the socket's cookie.
    pub epoch: u64,
}

impl Owner {
    /// A socket.
    pub const fn socket(cookie: u64) -> Self {
        Self { pid: 0, unused: 0, object: 0, epoch: cookie }
    }

    /// A TLS object in one of its lives.
    pub const fn object(pid: u32, object: u64, epoch: u64) -> Self {
        Self { pid, unused: 0, object, epoch }
    }

    /// The socket that this is.
    pub const fn cookie(&self) -> Option<u64> {
        if self.object == 0 { Some(self.epoch) } else { None }
    }
}

/// Records of an owner that found the ring full.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Lost {
    /// When the last one was lost, as in [`Head::at`].
    pub at: u64,
    /// How many.
    pub records: u32,
    /// Not 0: the one that names the object is among them.
    pub is_unnamed: u32,
}

/// A process runs another program.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Exec {
    /// Kind.
    pub head: Head,
    /// The process.
    pub pid: u32,
    /// Layout.
    pub unused: u32,
}

/// A message of a handshake, as the library has it in plaintext: in no account until its object is known.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Message {
    /// Kind and which message; `count` bytes follow.
    pub head: Head,
    /// The object's process.
    pub pid: u32,
    /// Layout.
    pub unused: u32,
    /// The object's address.
    pub object: u64,
    /// Which of the lives at this address.
    pub epoch: u64,
}

/// Messages of a handshake (RFC 8446 §4).
pub mod message {
    /// ClientHello.
    pub const CLIENT_HELLO: u8 = 1;
    /// EncryptedExtensions.
    pub const ENCRYPTED_EXTENSIONS: u8 = 8;
    /// Certificate. Of [`Message`](super::Message) only the leaf's DER.
    pub const CERTIFICATE: u8 = 11;
    /// Finished.
    pub const FINISHED: u8 = 20;
}

const _: () = {
    assert!(size_of::<Message>() == 40);
    assert!(size_of::<Head>() == 16);
    assert!(size_of::<Tuple>() == 56);
    assert!(size_of::<Handshake>() == 80);
    assert!(size_of::<Object>() == 112);
    assert!(size_of::<Plaintext>() == 40);
    assert!(size_of::<Piece>() == 16);
    assert!(size_of::<Silence>() == 40);
    assert!(size_of::<Closed>() == 40);
    assert!(size_of::<Exec>() == 24);
    assert!(size_of::<Owner>() == 24);
    assert!(size_of::<Lost>() == 16);
};
