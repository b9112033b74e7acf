//! HTTP/1.0 and 1.1 as an observer between the ends sees it (RFC 9112).

mod body;
mod connection;
mod direction;
mod exchanges;
mod head;

pub(crate) use connection::Http1;
