//! From a captured frame to a TCP segment or UDP datagram, through whatever it is wrapped in.

mod decode;
mod flow;
mod fragments;
mod ip;
mod link;
mod link_names;
mod link_type;
mod transport;
mod trust;
mod tunnel;

pub use decode::{NetError, PacketDecoder};
pub use flow::{End, Endpoint, FlowKey};
pub use fragments::{MAX_DATAGRAM, MAX_FRAGMENTED_DATAGRAMS};
pub use link_type::LinkType;
pub use transport::{Flags, Packet, Tcp, Transport};
