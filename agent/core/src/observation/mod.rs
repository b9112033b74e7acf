//! Observations: what is known of a connection and its exchanges, and the events that report it.

mod certificate;
mod context;
mod event;
mod exchange;
mod facts;
mod header_list;
pub mod probe_event;
pub mod verdict;

pub use certificate::{CertificateSource, ServerCertificate};
pub use context::MAX_AUTHORITIES;
pub(crate) use context::{Context, EndedExchange, Observed, Scratch, raw_text};
pub use event::{ConnectionEnd, Event, Observation};
pub use exchange::{ConnectionUsage, Exchange, Response};
pub use facts::{
    ConnectionId, Decryption, Ends, Facts, MAX_ORIGINS, OriginSet, Source, Tls, TransportKind,
};
pub(crate) use header_list::{HeaderList, keep};
