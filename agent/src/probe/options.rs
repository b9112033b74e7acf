//! Options of `probe` that are one of a few words.

use clap::ValueEnum;

/// What is spoken on a connection. Exactly this is offered by ALPN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum)]
pub enum Protocol {
    /// HTTP/2
    H2,
    /// HTTP/1.1
    #[value(name = "http/1.1")]
    Http1,
}

/// How a request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProbeMethod {
    /// The head of the answer only
    #[value(name = "HEAD", alias = "head")]
    Head,
    /// With a body, of which little is read
    #[value(name = "GET", alias = "get")]
    Get,
}

/// Which connection a request is sent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Test {
    /// One of its own: the SNI is the authority
    Own,
    /// One that was opened for another authority, as its first request
    Cross,
    /// One without SNI
    NoSni,
    /// One with the SNI of `--sni`
    FixedSni,
    /// One that was opened for another authority, after a request for that
    Reuse,
}

/// What makes a pipeline fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProbeFailOn {
    /// A pair of names that a browser may put on one connection, and the server not
    Hazard,
    /// Addresses that give different answers
    Parity,
    /// A response with status 421, to whatever test
    #[value(name = "421")]
    Misdirected,
}

impl Protocol {
    /// Its name in ALPN.
    pub(crate) fn alpn(self) -> &'static str {
        match self {
            Self::H2 => "h2",
            Self::Http1 => "http/1.1",
        }
    }
}

impl Test {
    /// As it is written.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Cross => "cross",
            Self::NoSni => "no_sni",
            Self::FixedSni => "fixed_sni",
            Self::Reuse => "reuse",
        }
    }
}
