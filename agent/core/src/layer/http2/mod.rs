//! HTTP/2 as an observer between the ends sees it (RFC 9113).

mod connection;
mod direction;
mod head;
mod header_blocks;
mod origin;
mod stream;

pub(crate) use connection::{Http2, UpgradedRequest};
pub use direction::MAX_HEADER_BLOCK;
pub(crate) use head::known_authority;
pub use stream::MAX_STREAMS;
