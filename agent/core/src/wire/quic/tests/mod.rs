//! Published samples, properties of sealed handshakes, and real traffic.

mod captures;
mod properties;
mod samples;
mod seal;

use super::super::net::End;
use super::super::tls::client_hello::ServerName;
use super::super::tls::keylog::KeyLog;
use super::Connection;

/// Feeds datagrams of both ends to a new connection.
fn feed(datagrams: &[(End, Vec<u8>)], keys: &KeyLog) -> Connection {
    let mut connection = Connection::new();
    for (from, datagram) in datagrams {
        connection.handle_datagram(*from, datagram, keys);
    }
    connection
}

/// The name asked for, once it is known.
fn name(connection: &Connection) -> Option<&[u8]> {
    match &connection.client_hello()?.server_name {
        ServerName::Name(name) => Some(name),
        ServerName::Absent | ServerName::Malformed => None,
    }
}
