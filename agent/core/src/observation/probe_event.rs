//! What probes tell of a connection: the other way in, beside packets.
//!
//! A *socket* is one end of a TCP connection; its handshake is seen as segments. A *session* is one TLS
//! object of a library; what it reads and writes is seen as plaintext. A connection is a socket, a session,
//! or both once the session is known to be the socket's. Each end of a connection on one machine is a
//! connection of its own here: two observations, told apart by their [`role`](Observer::role).

use crate::side::Side;
use crate::time::Timestamp;
use crate::wire::net::Endpoint;
use std::sync::Arc;

/// One end of a TCP connection: the kernel's socket cookie, unique while the machine runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(pub u64);

/// One TLS object during one of its lives: unique in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

/// A socket and its two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Socket {
    /// Which one.
    pub id: SocketId,
    /// This end.
    pub local: Endpoint,
    /// The other end.
    pub remote: Endpoint,
}

/// A process that uses TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its id in the machine's first pid namespace.
    pub pid: u32,
    /// Its command name, as the kernel keeps it: at most 15 bytes.
    pub command: Box<str>,
    /// The container that it runs in.
    pub container: Option<Box<str>>,
    /// The Kubernetes pod that it runs in, by the id in its control group.
    pub pod: Option<Box<str>>,
    /// When it was started, to a hundredth of a second; unknown if the process was not looked at.
    pub started: Option<Timestamp>,
}

/// Which way bytes went, as seen from this end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the other end to this one.
    Received,
    /// From this end to the other.
    Sent,
}

impl Direction {
    /// The sender of what goes this way, seen from the end that is `this`.
    pub(crate) fn side(self, this: Side) -> Side {
        match self {
            Self::Sent => this,
            Self::Received => this.other(),
        }
    }

    /// The other way.
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Received => Self::Sent,
            Self::Sent => Self::Received,
        }
    }
}

/// One report. Reports of one session come in the order in which its calls returned.
#[derive(Clone, Copy, Debug)]
pub enum ProbeEvent<'a> {
    /// A piece of the TCP stream of a socket that is still in its handshake. Pieces may come twice or out
    /// of order.
    Handshake {
        /// Whose.
        socket: Socket,
        /// Which way it went.
        direction: Direction,
        /// Where it begins, counted from the first byte of the stream.
        offset: u32,
        /// The connection may be out of scope: the engine reports it only if a session follows, which only processes in scope
        /// have.
        needs_session: bool,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// A session was met, before anything else is told of it.
    Session {
        /// Which one.
        session: SessionId,
        /// The socket that its records go through; `None` where nothing proves which it is.
        socket: Option<Socket>,
        /// Who uses it.
        process: &'a Arc<Process>,
        /// The end of the connection that it is, where the library told.
        role: Option<Side>,
        /// It was there before the probes: nothing of its plaintext is told.
        is_older: bool,
    },
    /// The server's EncryptedExtensions, from inside the library (RFC 8446 §4.3.1).
    EncryptedExtensions {
        /// Whose.
        session: SessionId,
        /// The message without its header.
        body: &'a [u8],
    },
    /// The server's certificate, from inside the library.
    Certificate {
        /// Whose.
        session: SessionId,
        /// The leaf.
        der: &'a [u8],
    },
    /// Plaintext that a session read or wrote.
    Plaintext {
        /// Whose.
        session: SessionId,
        /// Which way it went.
        direction: Direction,
        /// Grows by one with each report of this session and direction, from 0 on: a jump means that
        /// reports are lost.
        sequence: u32,
        /// So many bytes before these were left out on purpose: bodies. HTTP/2: the rest of a frame whose
        /// head was told, then whole frames. HTTP/1: bytes of a body.
        omitted: u64,
        /// The first byte is the first of an HTTP/2 frame (or preface) or of an HTTP/1 message.
        at_boundary: bool,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// The kernel's side can make nothing more of this direction: what follows is not told.
    Silent {
        /// Whose.
        session: SessionId,
        /// Which way.
        direction: Direction,
        /// Why.
        why: Silence,
    },
    /// Reports of a socket or a session are lost: nothing else may show it, where they were its last ones.
    Lost {
        /// Whose; `None` where they would have named it.
        owner: Option<Owner>,
    },
    /// The library has freed the session, or reset it for another connection.
    SessionClosed {
        /// Which one.
        session: SessionId,
    },
    /// The socket is closed.
    SocketClosed {
        /// Which one.
        socket: SocketId,
    },
}

/// What a report is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A socket.
    Socket(SocketId),
    /// A session.
    Session(SessionId),
}

/// Why a direction of a session is not told any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Silence {
    /// It is not HTTP.
    Foreign,
    /// The place in it was lost.
    LostPlace,
    /// A CONNECT or an upgrade made it something else.
    Tunnel,
}

/// Who saw a connection, and from where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observer {
    /// The end that it was seen at.
    pub role: Option<Side>,
    /// The process at that end.
    pub process: Option<Arc<Process>>,
}

/// How much of a connection is seen.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum Visibility {
    /// Its handshake, and nothing of what is inside.
    #[default]
    HandshakeOnly,
    /// The headers inside.
    Plaintext,
    /// What is inside, and that is not HTTP.
    NotHttp,
    /// The headers inside, and not whose connection it is.
    Unresolved,
    /// It was there before the probes.
    OlderThanAgent,
}

impl Visibility {
    /// All of them, in order.
    pub const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The metric label.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
