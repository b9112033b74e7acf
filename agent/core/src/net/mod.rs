//! From a captured frame to a TCP segment or UDP datagram.

mod link_type;

pub use link_type::LinkType;
