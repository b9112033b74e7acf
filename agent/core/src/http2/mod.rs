//! HTTP/2 as an observer between the ends sees it (RFC 9113).

mod connection;
mod direction;
mod frame;
mod head;
mod header_blocks;
pub mod hpack;
mod origin;
mod stream;

pub(crate) use connection::{Http2, UpgradedRequest};
pub use direction::MAX_HEADER_BLOCK;
pub(crate) use frame::{HEAD_LEN, PREFACE, is_frame_chain};
pub(crate) use head::{HeaderList, known_authority};
pub use stream::MAX_STREAMS;
