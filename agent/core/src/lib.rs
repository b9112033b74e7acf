//! The sans-IO engine of wrongdoor: packets and probe events in, exchanges and verdicts out.
//!
//! The engine joins the SNI of a connection's TLS handshake with the authority of each HTTP request on the connection and
//! with the status of the response. It does no I/O and has no clock, no threads and no unsafe code: time and bytes are
//! arguments, and everything that it learns comes out as values. The same input gives the same observations, except for
//! [`http_facts::RequestSignals::path`]: that is a digest under a key that each process draws anew, so that it reveals
//! nothing of a path elsewhere.
//!
//! All bytes are hostile: nothing here panics on them, and every table and buffer has a named bound.
//!
//! # Modules
//!
//! Dependencies run one way, from the top of this list to its end:
//!
//! - [`engine`]: the entry. It routes packets and probe events to their connections.
//! - [`explain`]: what other connections add to an exchange: its final verdict, its cause, and the client's recovery.
//! - [`connection`]: a TCP connection, a QUIC connection, or a TLS object that a probe observes.
//! - [`layer`]: what a stream of bytes carries. Layers nest: TLS carries HTTP/1, whose CONNECT carries TLS again.
//! - [`observation`]: what is known of a connection and its exchanges, and the events that report it.
//! - [`http_facts`], [`name`], [`wire`]: fields of messages, host names, and the formats on the wire.
//!
//! Read [`engine::Engine`] and [`observation::Event`] first.
//!
//! # Example
//!
//! The packets of a cleartext connection go in, and the exchange comes out.
//!
//! ```
//! use std::sync::Arc;
//! use wrongdoor_core::engine::{Engine, EngineConfig, Event};
//! use wrongdoor_core::time::Timestamp;
//! use wrongdoor_core::wire::net::LinkType;
//! use wrongdoor_core::wire::tls::keylog::KeyLog;
//!
//! # /// An IPv4 packet with a TCP segment from `from` to `to`.
//! # fn packet(from: u16, to: u16, sequence: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
//! #     let length = u16::try_from(40 + payload.len()).unwrap().to_be_bytes();
//! #     let mut packet = vec![0x45, 0, length[0], length[1], 0, 0, 0, 0, 64, 6, 0, 0];
//! #     let (source, destination) = if from == 80 { (2, 1) } else { (1, 2) };
//! #     packet.extend([192, 0, 2, source, 192, 0, 2, destination]);
//! #     packet.extend([from, to].map(u16::to_be_bytes).concat());
//! #     packet.extend([sequence, 1].map(u32::to_be_bytes).concat());
//! #     packet.extend([0x50, flags, 0, 0, 0, 0, 0, 0]);
//! #     packet.extend(payload);
//! #     packet
//! # }
//! const SYN: u8 = 0x02;
//! const ACK: u8 = 0x10;
//! let request = b"GET / HTTP/1.1\r\nHost: b.example\r\n\r\n";
//! let response = b"HTTP/1.1 421 Misdirected Request\r\nContent-Length: 0\r\n\r\n";
//! let packets = [
//!     packet(50_000, 80, 0, SYN, b""),
//!     packet(80, 50_000, 0, SYN | ACK, b""),
//!     packet(50_000, 80, 1, ACK, request),
//!     packet(80, 50_000, 1, ACK, response),
//! ];
//!
//! let mut engine = Engine::new(EngineConfig::default(), Arc::new(KeyLog::default()));
//! for (number, packet) in (1..).zip(packets) {
//!     engine.handle_packet(number, Timestamp(0), LinkType::RAW, &packet, packet.len());
//! }
//! engine.finish();
//!
//! let mut exchanges = engine.drain().into_iter().filter_map(|observation| match observation.event {
//!     Event::Exchange(exchange) => Some(exchange),
//!     _ => None,
//! });
//! let exchange = exchanges.next().expect("one request was answered");
//! assert_eq!(exchange.status(), Some(421));
//! assert_eq!(exchange.host().map(ToString::to_string).as_deref(), Some("b.example"));
//! assert_eq!(exchange.verdict.as_str(), "not_tls");
//! ```
#![forbid(unsafe_code)]

pub mod bounded_map;
pub mod connection;
pub mod counters;
pub mod engine;
pub mod explain;
pub mod http;
pub mod http_facts;
pub mod layer;
pub mod name;
pub mod observation;
pub mod seen;
pub mod side;
#[cfg(test)]
mod testing;
pub mod time;
pub mod trace_context;
pub mod wire;
