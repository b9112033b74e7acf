//! HTTP/2 as an observer between the ends sees it.

pub mod hpack;
